"""Everything that is measured, as one JSON document. A measurement is a process of its own; those of a round take turns.

A child's peak memory is at least that of its parent when it was started: nothing large is imported here.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.corners import CORNERS
from tests.benchmarks.peers.environment import CHILD, progress, script, variables
from tests.benchmarks.peers.mistakes import CALLS, MISTAKES, judge, source
from tests.benchmarks.peers.networks import in_keras
from tests.benchmarks.peers.tools import TOOLS
from tests.benchmarks.peers.truth import NETWORKS, TIMED

QUICK = {"python": 5, "archspec": 5, "onnx-tool": 2}
"""How often processes run that take a fraction of a second, for each run of one that takes seconds."""


def measure(where: Path, rounds: int) -> dict[str, Any]:
    started = time.perf_counter()
    counted = [{tool: child(where, tool) for tool in TOOLS} for _ in range(rounds)]
    counts = {tool: quickest([once[tool] for once in counted]) for tool in TOOLS}
    found = {
        "machine": machine(),
        "versions": versions(where),
        "truth": {name: truth().numbers() for name, (_, _, truth) in NETWORKS.items()}
        | {name: corner.truth.numbers() for name, corner in CORNERS.items()},
        "counts": {tool: cell["counts"] for tool, cell in counts.items()},
        "mistakes": {name: {tool: mistake(where, tool, name) for tool in ("archspec", *CALLS)} for name in MISTAKES},
        "meta": {tool: cell["meta"] for tool, cell in counts.items() if cell["meta"]},
        "whole": whole(where, rounds),
    }
    progress(f"{time.perf_counter() - started:.0f} s")
    return found


def quickest(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """One of several measurements of a tool in process, with the shortest times of all: a disturbance only ever adds."""
    found: dict[str, Any] = cells[0]
    for part in ("counts", "meta"):
        for name, cell in found[part].items():
            others = [other[part][name] for other in cells]
            for what in ("build", "count"):
                times = [other[what] for other in others if other and what in other]
                if times and cell and what in cell:
                    cell[what] = min(times)
    return found


def child(where: Path, tool: str) -> dict[str, Any]:
    """What a tool counts and how long it takes, or its error as each of its cells."""
    progress(f"count: {tool}")
    command = [script(where, "python"), *CHILD, "count", tool, str(where / "onnx")]
    done = subprocess.run(command, env=variables(), capture_output=True, text=True, check=False)
    if done.returncode:
        error = {"error": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
        return {"counts": dict.fromkeys((*NETWORKS, *CORNERS), error), "meta": {}}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def commands(where: Path) -> dict[tuple[str, str], list[str]]:
    """For each network and tool, what a user runs."""
    python = script(where, "python")
    found = {}
    for name in TIMED:
        found[name, "python"] = [python, "-c", "pass"]
        found[name, "archspec"] = [script(where, "archspec"), "table", *NETWORKS[name][1].split()]
        for tool, how in TOOLS.items():
            if how.show and (how.takes != "keras" or in_keras(name)):
                found[name, tool] = [python, *CHILD, "show", tool, name, str(where / "onnx")]
    return found


def whole(where: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """{network: {tool: {"ms": [...], "mb": median peak}}}, or an error; rounds over all tools, so that a disturbance meets all."""
    found: dict[str, dict[str, Any]] = {name: {} for name in TIMED}
    for at in range(rounds):
        progress(f"round {at + 1} of {rounds}")
        for (name, tool), command in commands(where).items():
            cell = found[name].setdefault(tool, {"ms": [], "mb": []})
            for _ in range(QUICK.get(tool, 1)):
                if "error" not in cell:
                    process(command, cell)
    for row in found.values():
        for cell in row.values():
            if "error" not in cell:
                cell |= {"ms": sorted(cell["ms"]), "mb": statistics.median(cell["mb"])}
    return found


def process(command: list[str], cell: dict[str, Any]) -> None:
    """Add milliseconds of wall time and megabytes of peak resident memory of a whole process to a cell, or replace it by an error."""
    with tempfile.TemporaryFile("w+") as text:
        start = time.perf_counter()
        child = subprocess.Popen(command, env=variables(), stdout=subprocess.DEVNULL, stderr=text)
        _, status, used = os.wait4(child.pid, 0)
        taken = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        text.seek(0)
        lines = text.read().strip().splitlines() or ["?"]
    if child.returncode:
        cell.clear()
        cell["error"] = lines[-1][:200]
    else:
        unit = 1 if sys.platform == "darwin" else 1024
        cell["ms"].append(round(taken * 1e3, 1))
        cell["mb"].append(round(used.ru_maxrss * unit / 1e6, 1))


def mistake(where: Path, tool: str, name: str) -> dict[str, Any] | None:
    """What a tool says to a mistake; None where it cannot be made."""
    program = source(tool, name)
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        python = script(where, "python")
        path = Path(folder) / ("net.arch" if tool == "archspec" else "net.py")
        path.write_text(program, encoding="utf-8")
        if tool == "onnx-tool":
            subprocess.run([python, *CHILD, "mistake", name, f"{folder}/net.onnx"], env=variables(), check=True)
        command = [script(where, "archspec"), "check", path.name] if tool == "archspec" else [python, path.name]
        if tool == "ptflops aten":  # it imports torchvision by itself
            command = [python, *CHILD, "program", path.name]
        done = subprocess.run(
            command, cwd=folder, env=variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return judge(tool, name, done.stdout, bool(done.returncode))


def versions(where: Path) -> dict[str, str]:
    packages = sorted({tool.package for tool in TOOLS.values()} | {"torchvision", "onnx"})
    code = f"import json; from importlib.metadata import version; print(json.dumps({{p: version(p) for p in {packages!r}}}))"
    done = subprocess.run([script(where, "python"), "-c", code], capture_output=True, text=True, check=True, env=variables())
    return {"python": platform.python_version(), **json.loads(done.stdout)}


def machine() -> dict[str, Any]:
    model, memory = platform.processor() or platform.machine(), None
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    return {"processor": model, "cores": os.cpu_count(), "memory_gb": memory, "system": platform.system()}
