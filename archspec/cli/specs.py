"""Reads and compiles the specs that a command names."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archspec.api import compile_text
from archspec.cli.failure import Failure, reading, reason
from archspec.cli.screen import Screen, err
from archspec.diagnostics import Diagnostic, SpecError
from archspec.elaborate.assumptions import LIMITS, Options
from archspec.elaborate.compiled import blocks_only
from archspec.elaborate.expressions import Value
from archspec.elaborate.settings import inputs_of, shape_of, value_of
from archspec.finding import bundled, locate
from archspec.ir.graph import Network
from archspec.source import read_text
from archspec.syntax.parser import MAX_BYTES
from archspec.syntax.to_expr import is_digits

if TYPE_CHECKING:
    from archspec.imports.imported import Imported


class Text(NamedTuple):
    """A spec's text, what messages call it, and the folder that `use` looks in."""

    name: str
    text: str
    base: Path | None
    path: Path | None


class Compiled(NamedTuple):
    """A file as it was read, its network if it is right, and what was found."""

    text: Text
    network: Network | None
    diagnostics: list[Diagnostic]

    @property
    def has_blocks_only(self) -> bool:
        """Whether the file only has declarations for others to `use`, which is right, although it is no network."""
        return blocks_only(self.text.text, self.diagnostics)


def read(file: str, stdin_filename: str | None = None, most: int = MAX_BYTES) -> Text:
    """Read FILE: `-`, a path, or the name of a bundled spec; little more than `most` bytes of it. Raises Failure."""
    try:
        if file == "-":
            base = Path(stdin_filename).parent if stdin_filename else None
            return Text(stdin_filename or "<stdin>", read_text(sys.stdin.buffer, most), base, None)
        path = locate(file)
        if path.is_dir():
            raise Failure(f"expected one spec, found the folder {file}; `archspec check {file}` takes all specs below it")
        with path.open("rb") as opened:
            text = read_text(opened, most)
        return Text(str(path) if path.name != f"{file}.arch" else path.name, text, path.parent, path)
    except FileNotFoundError as missing:
        raise Failure(str(missing)) from None
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else error
        raise Failure(f"cannot read {'standard input' if file == '-' else file}: {why}") from None


def may_change(file: str) -> None:
    """Raises Failure where FILE cannot be written again: it is not there, with what is near, or is a bundled spec."""
    if file != "-" and not Path(file).exists():
        read(file)
        raise Failure(f"`{file}` is a bundled spec, which stays as it is; a copy may change: give its path")


def files(named: Sequence[str]) -> list[str]:
    """List the files named; a folder means the specs below it, except in hidden folders. Raises Failure if it has none."""
    if list(named).count("-") > 1:
        raise Failure("standard input, `-`, can be read once only")
    found = []
    for name in named:
        below = sorted(_below(name)) if name != "-" and Path(name).is_dir() else [name]
        if not below:
            raise Failure(f"there is no .arch file below the folder {name}")
        found += below
    return found


def _below(folder: str) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (str(Path(here, name)) for name in names if name.endswith(".arch"))


def stamps(named: Sequence[str]) -> dict[str, int]:
    """The times of change of files, and of the specs beside and below them, which they may use; 0 for one that is not there."""
    found = {}
    for file in named:
        path = Path(file) if Path(file).exists() else bundled(file) or Path(file)
        for candidate in [path, *path.parent.glob("*.arch"), *path.parent.glob("*/*.arch")]:
            try:
                found[str(candidate)] = candidate.stat().st_mtime_ns
            except OSError:
                found[str(candidate)] = 0
    return found


def networks(arguments: argparse.Namespace) -> list[Network]:
    """Compile all files of the command, and print the warnings. Raises SpecError with the diagnostics of those that have errors."""
    found = [(file, compiled(file, arguments)) for file in files(arguments.files)]
    results = [result for file, result in found if file in arguments.files or not result.has_blocks_only]
    wrong = [diagnostic for result in results if result.network is None for diagnostic in result.diagnostics]
    if wrong:
        raise SpecError(wrong)
    for result in results:
        tell(result.diagnostics)
    return [result.network for result in results if result.network is not None]


def compiled(file: str, arguments: argparse.Namespace) -> Compiled:
    """Compile FILE, or import it, with the options of the command."""
    try:
        brought = imported(file, arguments.set, shapes(arguments.input))
    except SpecError as error:
        return Compiled(Text(file, "", None, None), None, error.diagnostics)
    if brought is not None:
        return Compiled(Text(file, brought.text, None, None), brought.network, list(brought.diagnostics))
    text, options = own(file, arguments)
    network, found = compile_text(text.text, text.name, options)
    return Compiled(text, network, found)


def own(file: str, arguments: argparse.Namespace) -> tuple[Text, Options]:
    """Read FILE, a spec, and the options of the command for it. Raises Failure."""
    given = limits(arguments.limit)
    text = read(file, arguments.stdin_filename, given.get("max_bytes", MAX_BYTES))
    return text, Options(params=settings(arguments.set), inputs=shapes(arguments.input), base=text.base, texts={}, watch=None, **given)


def imported(file: str, set_: Sequence[str], inputs: Mapping[str, tuple[int, ...]]) -> Imported | None:
    """Import FILE if it is of another program; None for a spec, for which no reader is loaded. Raises Failure, SpecError."""
    if file == "-" or Path(file).suffix in ("", ".arch"):
        return None
    from archspec.imports.opening import foreign, read

    with reading():
        source = foreign(file)
        if source is None:
            return None
        if set_:
            raise Failure(f"{file} has no params for --set: `archspec import {file} -o net.arch` writes a spec, which may have some")
        return read(Path(file), source, inputs_of(inputs))


def network(arguments: argparse.Namespace) -> Network:
    """Compile the command's FILE. Raises SpecError."""
    result = compiled(arguments.file, arguments)
    if result.network is None:
        raise SpecError(result.diagnostics)
    return result.network


def tell(diagnostics: Sequence[Diagnostic], screen: Screen | None = None, *, notes: bool = False) -> None:
    """Print messages; notes only if they are asked for."""
    for diagnostic in diagnostics:
        if notes or diagnostic.severity != "note":
            from archspec.diagnostics.render import full  # not for a spec without findings

            screen = screen or err()
            screen.lines([*full(diagnostic, screen.width), ""])


def settings(written: Sequence[str]) -> dict[str, Value]:
    """Read the values of --set. Raises Failure."""
    found: dict[str, Value] = {}
    for item in written:
        name, equals, value = item.partition("=")
        if not equals or not name.strip().isidentifier():
            raise Failure(f"--set takes name=value, not `{item}`")
        found[name.strip()] = value_of(value.strip())
    return found


def limits(written: Sequence[str]) -> dict[str, int]:
    """Read the limits of --limit, named as in `Options`. Raises Failure."""
    found = {}
    for item in written:
        name, _, value = item.partition("=")
        if name not in LIMITS or not is_digits(value) or len(value) > 18:
            raise Failure(f"--limit takes NAME=N with one of {', '.join(LIMITS)}, not `{item}`")
        found[f"max_{name}"] = int(value)
    return found


def shapes(written: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Read the shapes of --input. Raises Failure."""
    found = {}
    for item in written:
        name, equals, shape = item.partition("=")
        if not equals:
            name, shape = "", item
        sizes = shape_of(shape)
        if sizes is None:
            raise Failure(f"--input takes a shape such as 224x224x3, not `{item}`")
        found[name] = sizes
    return found
