"""Classes and functions that a library lacks: those of real modules, whose source text is written into the files that use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from pathlib import Path

_MARK = re.compile(r"  #: ([\w ]+)$")
_NAME = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE)
_BASE = re.compile(r"^class \w+\((\w+)\)", re.MULTILINE)
_USED = re.compile(r"(?<![\w.])(\w+)\(|^class \w+\((\w+)\)", re.MULTILINE)

_SIGNATURE = re.compile(r"^( +def __init__)\(\n((?: +[^\n]*,\n)+) +(\).*:)$", re.MULTILINE)
_KEPT = re.compile(r"(?:^ +self\.(\w+) = \1\n)+", re.MULTILINE)
WIDTH = 120
"""Of a line, at most."""


class Templates:
    """The parts of the modules in a folder, and the functions of the language, by their names. Two blank lines stand between parts, and nowhere else.

    `derive` adds those that are written from others, or changes them.
    """

    def __init__(self, folder: Path, derive: Callable[[dict[str, str]], dict[str, str]] = lambda found: found) -> None:
        self._folder, self._derive = folder, derive

    def source(self, name: str) -> str | None:
        """The source of a class or function, without blank lines around it; None where there is none of this name."""
        return self._sources.get(name)

    def sources(self, names: Iterable[str], words: Collection[str]) -> list[str]:
        """The sources of the parts among some names, and of those that they use, with the lines that `words` ask for.

        They are in the order of their names, but a class stands behind its base.
        """
        found: dict[str, str] = {}
        pending = list(names)
        while pending:
            name = pending.pop()
            if name in found or (text := self.source(name)) is None:
                continue
            found[name] = re.sub("\n{3,}", "\n\n", _joined("\n".join(_wanted(text, words)))).rstrip()
            pending += {word for used in _USED.findall(found[name]) for word in used}
        ordered: dict[str, str] = {}
        for name in sorted(found):
            line = [name]
            while (base := _BASE.search(found[line[-1]])) is not None and base[1] in found:
                line.append(base[1])
            ordered |= {each: found[each] for each in reversed(line)}
        return list(ordered.values())

    @cached_property
    def _sources(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in [*sorted(self._folder.glob("[!_]*.py")), Path(__file__).with_name("rounding.py")]:
            _, *parts = path.read_text(encoding="utf-8").rstrip().split("\n\n\n")  # two blank lines occur between definitions only
            found |= {name[1]: part for part in parts if (name := _NAME.search(part)) is not None}
        return self._derive(found)


def _joined(text: str) -> str:
    """A template whose constructor is on one line where that is short enough, and keeps what it only keeps in one statement."""

    def signature(found: re.Match[str]) -> str:
        whole = f"{found[1]}({' '.join(found[2].split())[:-1]}{found[3]}"
        return whole if len(whole) <= WIDTH else found[0]

    def kept(found: re.Match[str]) -> str:
        names = re.findall(r"self\.(\w+)", found[0])
        whole = f"{' ' * 8}{', '.join(f'self.{name}' for name in names)} = {', '.join(names)}\n"
        return whole if len(whole) <= WIDTH else found[0]

    return _KEPT.sub(kept, _SIGNATURE.sub(signature, text))


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
