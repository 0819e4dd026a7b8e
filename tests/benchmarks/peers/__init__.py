"""archspec beside the tools that count networks; `python -m tests.benchmarks.peers` measures and prints."""
