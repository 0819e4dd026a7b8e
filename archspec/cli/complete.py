"""Proposes what may come next on a command line: the completion scripts call `archspec __complete WORD... =CURRENT`.

The answer's first line says what the shell adds of its own: `:file`, `:folder` or `:none`. Each other line is a word and, behind a
tab, what it is. A word that ends in `=`, `,` or `.` is one to go on with.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from archspec.cli.commands import COMMANDS
from archspec.cli.main import command_parser
from archspec.diagnostics.catalogue import codes, page
from archspec.finding import bundled_names
from archspec.ops import STEPS

Candidate = tuple[str, str]
_PARAM = re.compile(r"^param\s+(\w+)\s*=\s*([^#\n]*)", re.MULTILINE)
"""Finds params in the text itself, since a spec that is being written may have mistakes."""


class _Answer(NamedTuple):
    shell: str
    """What the shell adds: `file`, `folder` or `none`."""
    words: Iterable[Candidate] = ()


def answer(words: list[str]) -> str:
    """Answer a completion script. On any error the shell completes files, so that no message appears in the prompt."""
    current = words[-1].removeprefix("=") if words else ""
    try:
        found = _next(words[:-1], current)
        candidates = [(word, about) for word, about in found.words if word.startswith(current)]
    except (Exception, SystemExit):
        return ":file\n"
    return "".join(f"{line}\n" for line in [f":{found.shell}", *(f"{word}\t{about}".rstrip() for word, about in candidates)])


def _next(before: list[str], current: str) -> _Answer:
    if not before:
        return _Answer("none", [*COMMANDS.items(), ("--help", "the commands"), ("--version", "the version")])
    if before[0] not in COMMANDS:
        return _Answer("file")
    line = _Line(command_parser(before[0]), before[1:])
    if line.awaits is not None:
        return line.values(line.awaits, current)
    name, equals, written = current.partition("=")
    if equals and (action := line.options.get(name)) is not None:
        found = line.values(action, written)
        return found._replace(words=[(f"{name}={word}", about) for word, about in found.words])
    if current.startswith("-"):
        return _Answer("none", line.unused())
    return line.values(line.waiting[0], current) if line.waiting else _Answer("none")


class _Line:
    """The words of a command so far: what each is for, and what may come next."""

    def __init__(self, parser: argparse.ArgumentParser, words: list[str]) -> None:
        self.options = parser._option_string_actions
        self.given: dict[str, list[str]] = {}
        self.awaits: argparse.Action | None = None
        """The option whose value comes next."""
        self.waiting = [action for action in parser._actions if not action.option_strings]
        """The arguments that may still come, the next one first."""
        for word in words:
            self.read(word)

    def read(self, word: str) -> None:
        if self.awaits is not None:
            self.given[self.awaits.dest].append(word)
            self.awaits = None
        elif word.startswith("-") and word != "-":
            name, equals, value = word.partition("=")
            action = self.options.get(name)
            if action is not None:
                self.given.setdefault(action.dest, []).extend([value] * bool(equals))
                self.awaits = action if action.nargs is None and not equals else None
        elif self.waiting:
            self.given.setdefault(self.waiting[0].dest, []).append(word)
            if self.waiting[0].nargs != "+":
                del self.waiting[0]

    def unused(self) -> Iterable[Candidate]:
        """Options that may still be given."""
        for name, action in self.options.items():
            again = isinstance(action, argparse._AppendAction)
            if name.startswith("--") and (again or action.dest not in self.given):
                yield name, action.help or ""

    def values(self, action: argparse.Action, current: str) -> _Answer:
        if action.choices is not None:
            return _Answer("none", _plain(action.choices))
        if (values := _VALUES.get(str(action.metavar))) is not None:
            return _Answer("none", values(self, current))
        if action.metavar == "DIR":
            return _Answer("folder")
        return _Answer(
            "file", [] if action.option_strings or action.metavar == "MODEL" else [(name, "bundled spec") for name in bundled_names()]
        )

    @property
    def spec(self) -> str:
        """The spec that the line names first. Raises StopIteration where it names none."""
        return next(file for dest in ("file", "files") for file in self.given.get(dest, ()) if file != "-")


def _plain(words: Iterable[object], end: str = "") -> list[Candidate]:
    return [(f"{word}{end}", "") for word in words]


def _layers(line: _Line, current: str) -> list[Candidate]:
    """List the layers of the spec, and their groups, as far as they have been written."""
    import archspec

    names = [row.name for row in archspec.analyze(archspec.load(line.spec)).rows()]
    depth = current.count(".") + 1
    words = {".".join(name.split(".")[:depth]): name for name in names}
    found = [(word, "layer" if word == name else "group") for word, name in words.items()]
    return found + [(f"{word}.", "group") for word, kind in found if kind == "group"]


def _columns(line: _Line, current: str) -> list[Candidate]:
    from archspec.views.tables import COLUMNS

    written, comma, _ = current.rpartition(",")
    used = written.split(",")
    return [(f"{written}{comma}{name}", column.about) for name, column in COLUMNS.items() if name not in used]


def _params(line: _Line, current: str) -> list[Candidate]:
    from archspec.cli.specs import read

    return [(f"{name}=", f"is {value.strip()}") for name, value in _PARAM.findall(read(line.spec).text)]


def _limits(line: _Line, current: str) -> list[Candidate]:
    from archspec.elaborate.assumptions import LIMITS

    return _plain(LIMITS, "=")


_VALUES: dict[str, Callable[[_Line, str], Iterable[Candidate]]] = {
    "LAYER": _layers,
    "A,B": _columns,
    "NAME=VALUE": _params,
    "NAME=N": _limits,
    "CODE": lambda *_: [*((code, page(code).title) for code in codes()), *((step, "layer") for step in STEPS)],
    "STEP": lambda *_: _plain(STEPS),
    "COMMAND": lambda *_: COMMANDS.items(),
    **dict.fromkeys(("HxWxC", "NAME", "N", "SEED", "RATE", "M", "W", "PART", "EPOCHS"), lambda *_: ()),
}
"""Values for each placeholder; DIR takes a folder, MODEL a file, any other a file, or a spec if the command reads one."""
