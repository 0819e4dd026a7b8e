"""Speed, as ratios within one run: `python -m tests.benchmarks.bench`.

Prints two tables. Whole processes, against a bare interpreter; and, in process, what grows with the text and what with the network.
Bytecode is compiled first: without it imports dominate. Other tools are measured by `python -m tests.benchmarks.peers`.
"""

from __future__ import annotations

import compileall
import gc
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from archspec.analysis.layers import Report
from archspec.api import compile_text, load
from archspec.elaborate.assumptions import Options
from tests.helpers.paths import ROOT

RUNS = 15


def process(command: list[str]) -> float:
    """Seconds of wall time of a whole process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=environment, cwd=ROOT)
    return time.perf_counter() - start


def whole_processes() -> None:
    compileall.compile_dir(ROOT / "archspec", quiet=2)
    script = shutil.which("archspec", path=str(Path(sys.executable).parent)) or shutil.which("archspec")
    archspec = [script] if script else [sys.executable, "-m", "archspec"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "archspec check lenet5.arch": [*archspec, "check", "specs/lenet5.arch"],
        "archspec table resnet50": [*archspec, "table", "resnet50"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for at in range(RUNS + 2):
        for name, command in commands.items():
            taken = process(command)
            if at > 1:
                times[name].append(taken)
    bare = statistics.median(times["python -c pass"])
    print(f"{'whole process, median':<34}{'ms':>9}{'x bare':>9}")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<34}{median * 1e3:>9.1f}{median / bare:>9.1f}")


def best(function: Callable[[], object], runs: int = 7) -> float:
    """The median of several calls, in seconds, without the collector of garbage."""
    function()
    taken = []
    for _ in range(runs):
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
        gc.enable()
    return statistics.median(taken)


def totals(text: str, **options: int) -> Callable[[], object]:
    def run() -> object:
        network, found = compile_text(text, "bench.arch", Options(base=ROOT / "specs", **options))
        assert network is not None, found
        return Report(network).totals

    return run


BLOCK = "input 32x32x16\nrepeat {n}:\n  conv k=3 f=16 p=1 bias=no | bn | relu\n  conv k=1 f=16\n"
NESTED = "input 32x32x16\nrepeat {n}:\n  repeat {n}:\n    residual: conv k=3 f=16 p=1 bias=no | bn | relu\n    conv k=1 f=16\n"


def in_process() -> None:
    resnet = (ROOT / "specs" / "resnet152.arch").read_text()
    print(f"\n{'in process, median':<58}{'ms':>9}")
    print(f"{'resnet152: parse, elaborate, totals':<58}{best(totals(resnet), 15) * 1e3:>9.2f}")
    for name, text, few, many in (("repeat of a four-layer block", BLOCK, 4, 250_000), ("two nested repeats", NESTED, 4, 447)):
        small, large = best(totals(text.format(n=few)), 31), best(totals(text.format(n=many)), 31)
        print(f"{f'{name}, {few} rounds':<58}{small * 1e3:>9.2f}")
        print(f"{f'{name}, {many:,} rounds':<58}{large * 1e3:>9.2f}   {large / small:.2f} times")
    for lines in (2_500, 10_000):
        text = "input 64x64x3\n" + "".join(f"conv k={1 + 2 * (i % 2)} f={8 + i % 977} p={i % 2} d=1\n" for i in range(lines))
        taken = best(totals(text), 3)
        print(f"{f'{lines:,} lines with little in common':<58}{taken * 1e3:>9.1f}   {taken / lines * 1e6:.0f} us a line")
    network, _ = compile_text(BLOCK.format(n=25_000), "rows", Options())
    assert network is not None
    taken = best(lambda: sum(1 for _ in Report(network).rows()), 3)
    print(f"{'100,000 rows':<58}{taken * 1e3:>9.1f}   {taken / 1e5 * 1e6:.1f} us a row")
    taken = best(lambda: Report(load("resnet152")).layers)
    print(f"{'resnet152 with all rows':<58}{taken * 1e3:>9.2f}")


if __name__ == "__main__":
    whole_processes()
    in_process()
