"""archspec beside the tools that count networks; `python tests/benchmarks/peers` measures and prints."""
