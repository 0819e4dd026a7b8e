"""archspec and its peers, side by side: time and memory, parameters and MACs, and what each says to a mistake.

    python -m tests.benchmarks.peers                       measure, store, print the tables
    python -m tests.benchmarks.peers measure -o FILE       measure alone
    python -m tests.benchmarks.peers tables [FILE]         the tables of stored results

The environment with all the tools is made once, in a folder of the user's cache or where `--environment` says; it takes 2.5 GB with the
networks as ONNX. Without further settings pip takes PyTorch with CUDA on Linux; `PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu`
takes the small one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.benchmarks.peers import environment, render
from tests.benchmarks.peers.measure import measure

RESULTS = environment.HERE / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", nargs="?", choices=("measure", "tables"), help="both without it")
    parser.add_argument("file", nargs="?", type=Path, default=RESULTS, help="stored results to print")
    parser.add_argument("-o", dest="out", type=Path, default=RESULTS, help="where to store results")
    parser.add_argument("--environment", type=Path, default=environment.folder(), help="folder of the environment")
    parser.add_argument("--rounds", type=int, default=2, help="runs of a process that takes seconds; quicker ones run more often")
    parser.add_argument("--only", choices=tuple(render.PARTS), action="append", help="one part of the tables; repeatable")
    given = parser.parse_args()
    if given.job != "tables":
        environment.prepare(given.environment)
        given.out.write_text(json.dumps(measure(given.environment, given.rounds), indent=1) + "\n", encoding="utf-8")
    if given.job != "measure":
        results = json.loads((given.file if given.job else given.out).read_text(encoding="utf-8"))
        print("\n\n".join(render.PARTS[part](results) for part in given.only or render.LONG))


if __name__ == "__main__":
    main()
