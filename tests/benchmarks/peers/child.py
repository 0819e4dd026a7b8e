"""A measured process.

child.py show TOOL NETWORK FOLDER    prints what a user of a tool sees
child.py count TOOL FOLDER           prints JSON: what a tool counts, and how long it takes in a process that runs already
child.py export FOLDER               writes NETWORK.onnx and CASE.onnx into the folder
child.py mistake NAME FILE           writes a mistake as ONNX
child.py program FILE                runs a program that imports torchvision
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import runpy
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import mistakes, networks
from tests.benchmarks.peers.corners import CORNERS
from tests.benchmarks.peers.tools import TOOLS, Tool, onnx_tool_products
from tests.benchmarks.peers.truth import NETWORKS, TIMED
from tests.benchmarks.peers.worlds import WORLDS

CALLS = 5
SECONDS = 1.0
"""Calls end when warm ones have taken as long: a median of fewer."""
UNCOUNTED = re.compile(r"unsupported operator \S*(?:conv|linear|mm|matmul|einsum|attention)", re.IGNORECASE)
"""How a tool says that it did not count something that multiplies matrices."""


def prepare(tool: Tool) -> None:
    """The imports; ptflops imports torchvision by itself."""
    if tool.package == "ptflops":
        networks.torchvision()
    importlib.import_module(tool.imports)


@contextlib.contextmanager
def silence() -> Iterator[io.StringIO]:
    """What is printed and logged meanwhile."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), warnings.catch_warnings():
        warnings.simplefilter("default")
        yield text


def attempt(job: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """What a job gives, or its error: a tool that fails says so in its cell."""
    try:
        return job()
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        return {"error": f"{type(error).__name__}: {lines[0]}"[:200]}


def counted(tool: Tool, name: str, folder: Path, world: str) -> dict[str, Any] | None:
    """What a tool reports for a network or a corner case, and milliseconds to have the network and to count it: medians of warm calls.

    None where there is nothing to give the tool. The first call warms up: what it loads and compiles is the cost of no network.
    """
    times: list[tuple[float, float]] = []
    while len(times) <= CALLS if name in TIMED else not times:
        start = time.perf_counter()
        given = WORLDS[world](name, folder)
        if given is None:
            return None
        built = time.perf_counter()
        with silence() as said:
            params, macs = tool.count(*given)
        times.append(((built - start) * 1e3, (time.perf_counter() - built) * 1e3))
        if sum(map(sum, times[1:])) > SECONDS * 1e3:
            break
    found = {"params": params, "macs": macs, "said": bool(UNCOUNTED.search(said.getvalue()))}
    if name in TIMED:
        builds, counts = zip(*times[1:], strict=True)
        found |= {"build": round(statistics.median(builds), 2), "count": round(statistics.median(counts), 2)}
    return found | ({"products": onnx_tool_products(*given)} if tool.takes == "onnx" else {})


def count(tool: Tool, folder: Path) -> dict[str, Any]:
    """All cases as the tool takes them; what is timed, on the meta device too. LeNet-5 is first, and meets what is loaded late."""
    found: dict[str, Any] = {"counts": {}, "meta": {}}
    for name in (*NETWORKS, *CORNERS):
        found["counts"][name] = attempt(lambda name=name: counted(tool, name, folder, tool.takes))
    for name in TIMED if tool.meta else ():
        found["meta"][name] = attempt(lambda name=name: counted(tool, name, folder, "torch meta"))
    return found


def export(folder: Path) -> None:
    import torch

    from tests.benchmarks.peers import modules

    for name in NETWORKS:
        networks.export(networks.torch_network(name), networks.shape(name), folder / f"{name}.onnx")
    for name, (make, shape) in modules.TORCH.items():
        with contextlib.suppress(torch.onnx.OnnxExporterError):
            networks.export(make(), (1, *shape), folder / f"{name}.onnx")


def program(path: Path) -> None:
    networks.torchvision()
    runpy.run_path(str(path), run_name="__main__")


def main(job: str, *words: str) -> None:
    folder = Path(words[-1])
    if job in ("export", "program"):
        {"export": export, "program": program}[job](folder)
    elif job == "mistake":
        mistakes.write_onnx(words[0], words[1])
    else:
        tool = TOOLS[words[0]]
        prepare(tool)
        if job == "count":
            print(json.dumps(count(tool, folder)))
            return
        given = (str(folder / f"{words[1]}.onnx"),) if tool.takes == "onnx" else WORLDS[tool.takes](words[1], folder)
        assert tool.show and given
        tool.show(*given)


if __name__ == "__main__":
    main(*sys.argv[1:])
