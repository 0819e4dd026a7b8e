"""Modules that PyTorch lacks: real ones, whose source text is written into the files that use them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_MARK = re.compile(r"  #: ([\w ]+)$")
_USED = re.compile(r"(?<![\w.])(\w+)\(|^class \w+\((\w+)\)", re.MULTILINE)


def source(name: str) -> str | None:
    """The source of a template's class or function, without blank lines around it; None where there is none of this name."""
    return _sources().get(name)


def sources(names: Iterable[str], words: Collection[str]) -> list[str]:
    """The sources of the templates among some names, and of those that they use, with the parts that `words` ask for."""
    found: dict[str, str] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in found or (text := source(name)) is None:
            continue
        found[name] = re.sub("\n{3,}", "\n\n", "\n".join(_wanted(text, words))).rstrip()
        pending += {word for used in _USED.findall(found[name]) for word in used}
    return [found[name] for name in sorted(found)]


def _wanted(text: str, words: Collection[str]) -> Iterator[str]:
    """The lines of a template without those marked by other words only, and without what is indented below these."""
    left_out: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip())
        if left_out is not None and line and depth > left_out:
            continue
        mark = _MARK.search(line)
        if line:
            left_out = depth if mark is not None and not any(word in words for word in mark[1].split()) else None
        if left_out is None or not line:
            yield _MARK.sub("", line)


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
