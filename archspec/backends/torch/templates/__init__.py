"""Modules that PyTorch lacks: real ones, whose source text is written into the files that use them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


def source(name: str) -> str | None:
    """The source of a template's class or function, without blank lines around it; None where there is none of this name."""
    return _sources().get(name)


@cache
def _sources() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(_FOLDER.glob("[!_]*.py")):
        _, *parts = path.read_text(encoding="utf-8").rstrip().split("\n\n\n")  # two blank lines occur between definitions only
        for part in parts:
            name = re.split(r"\W", part, maxsplit=2)[1]
            found[name] = part
            if name.endswith("LSTM"):
                found |= {name.replace("LSTM", kind): part.replace("LSTM", kind) for kind in ("GRU", "RNN")}
            if name.endswith("2d"):
                found |= {f"{name[:-2]}{rank}d": part.replace("2", rank) for rank in "13"}
    _, _, body = found.pop("finished").partition('"""\n')
    return {name: text.replace("    return finished(module)", body) for name, text in found.items()}
