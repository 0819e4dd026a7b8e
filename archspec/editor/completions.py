"""What may be written at a place: layers and blocks, arguments, their values, names, files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archspec.editor.cursor import Place, place_at
from archspec.editor.glossary import FUNCTIONS, HEADS, STATEMENTS, STEPS_BESIDE
from archspec.editor.named import symbols
from archspec.editor.open_text import Document
from archspec.editor.positions import Position
from archspec.ops import STEPS, op_class
from archspec.source import Span
from archspec.syntax import ast
from archspec.views.reference import about, arguments, signature

_MOST_FILES = 200


class Completion(NamedTuple):
    """A word that may be written. `insert` is the text to write, `detail` stands beside it, `about` is Markdown that explains it."""

    label: str
    kind: str
    insert: str
    detail: str = ""
    about: str = ""


_NUMBERS = ("param", "parameter", "counter")
_VALUES = ("label", "input")


def completions(document: Document, place: Position) -> list[Completion]:
    """The words that may be written at a place, without regard to what is written of one there."""
    at = document.offset(place)
    where = place_at(document, at)
    if where.first == "use":
        return list(_files(document, at))
    if where.commented:
        return []
    return list({each.label: each for each in _words(document, where, at)}.values())


def _words(document: Document, where: Place, at: int) -> Iterator[Completion]:
    if where.begins:
        yield from _statements(where)
        yield from _steps(document)
    elif where.guarded:
        yield from _names(document, at, _NUMBERS)
        yield from _functions()
    elif where.step == "default" and not where.positional and not where.given and not where.key:
        yield from (_layer(step) for step in STEPS if op_class(step).fields)
    elif where.first == "from" and where.step == "from":
        yield from _names(document, at, _VALUES)
    elif where.key:
        yield from _values(document, where, at)
    elif not where.step:
        yield from _heads(document)
    else:
        yield from _arguments(document, where, at)


def _statements(where: Place) -> Iterator[Completion]:
    if not where.nested:
        for word, (example, text) in STATEMENTS.items():
            yield Completion(word, "keyword", word, example, text)
    else:
        yield from (Completion(word, "keyword", word, *STATEMENTS[word]) for word in ("from", "output"))
    for word, (example, text) in HEADS.items():
        yield Completion(word, "keyword", word, example, text)


def _heads(document: Document) -> Iterator[Completion]:
    """What follows a colon or a bar."""
    yield from _steps(document)
    for word in ("repeat", "residual", "add", "concat", "mul", "sub", "from"):
        example, text = (HEADS | STATEMENTS)[word]
        yield Completion(word, "keyword", word, example, text)


def _steps(document: Document) -> Iterator[Completion]:
    for name, block in document.blocks.items():
        yield Completion(name, "block", name, block.head.span.text, "A block of this network.")
    yield from (_layer(step) for step in STEPS)
    for word, (example, text) in STEPS_BESIDE.items():
        yield Completion(word, "layer", word, example, text)


def _layer(step: str) -> Completion:
    return Completion(step, "layer", step, signature(op_class(step)), about(op_class(step))[0])


def _arguments(document: Document, where: Place, at: int) -> Iterator[Completion]:
    """The keys that the step does not have yet, and what its next positional argument may be."""
    words = document.before(at).split()
    name = words[1] if where.step == "default" and where.positional else where.step
    block = document.blocks.get(name)
    if block is not None:
        yield from _parameters(block.head, where)
        yield from _names(document, at, _VALUES + _NUMBERS)
    elif name in STEPS:
        op = op_class(name)
        for argument, default, text in arguments(op):
            if argument in op.fields and argument not in where.given and argument not in op.positional[: where.positional]:
                yield Completion(argument, "argument", f"{argument}=", default.strip("`"), text)
        if op.variadic or op.operands:
            yield from _names(document, at, _VALUES)
        if where.step == name and not where.given and where.positional < len(op.positional):
            yield from _words_of(document, op.step, op.positional[where.positional], at)
    elif name == "again":
        yield from _names(document, at, _VALUES)
    elif name == "default":
        yield from (Completion(argument, "argument", f"{argument}=") for argument in ("round", "init", "norm"))
    elif name == "repeat":
        yield from _names(document, at, _NUMBERS)
    if "IF" in where.expected:
        yield Completion("if", "keyword", "if", "if CONDITION", "Drops the line where the condition is false.")


def _parameters(head: ast.Block, where: Place) -> Iterator[Completion]:
    for name, default, is_value in head.parameters[where.positional :]:
        if name.id not in where.given and not is_value:
            yield Completion(name.id, "argument", f"{name.id}=", default.span.text if default is not None else "required")


def _values(document: Document, where: Place, at: int) -> Iterator[Completion]:
    """What the value of a key may be."""
    step = where.step
    if step == "default":
        step = document.before(at).split()[1]
    if step in STEPS and where.key in op_class(step).fields:
        yield from _words_of(document, step, where.key, at)
    else:
        yield from _names(document, at, _NUMBERS)
        yield from _functions()


def _words_of(document: Document, step: str, argument: str, at: int) -> Iterator[Completion]:
    """The words of an argument, and the names that it may have."""
    field = op_class(step).fields[argument]
    for word in sorted(field.words):
        yield Completion(word, "value", word, field.description)
    if field.description == "yes or no":
        yield from (Completion(word, "value", word) for word in ("yes", "no"))
    elif field.rule.names:
        yield from _names(document, at, _VALUES)
    elif not field.words or field.fits(1) or field.fits(1.0):
        yield from _names(document, at, _NUMBERS)
        yield from _functions()


def _functions() -> Iterator[Completion]:
    for name, text in FUNCTIONS.items():
        yield Completion(name, "function", f"{name}(", f"{name}(...)", text)


def _names(document: Document, at: int, kinds: tuple[str, ...]) -> Iterator[Completion]:
    for symbol in symbols(document).seen(at, kinds):
        if symbol.plain:
            yield Completion(symbol.name, symbol.kind, symbol.name, _shown(document, symbol.place, symbol.whole))
    if kinds[0] in _NUMBERS:
        own = {symbol.name for symbol in symbols(document).declared}
        yield from (Completion(name, "param", name, f"{value}") for name, value in document.unit.names.items() if name not in own)


def _shown(document: Document, place: Span, whole: Span) -> str:
    """The shape of what a label names, or the line of a param."""
    types = [type_ for span, types in document.types.items() if place.start <= span.start < whole.end for type_ in types]
    return str(types[-1]) if types else place.source.line(place.line).strip()[:60]


def _files(document: Document, at: int) -> Iterator[Completion]:
    """The specs below the folder of the document."""
    folder: Path | None = document.options.base
    if document.before(at).count('"') != 1 or folder is None:
        return
    own = Path(document.name).name
    found = (path for pattern in ("*.arch", "*/*.arch") for path in sorted(folder.glob(pattern)))
    for _, path in zip(range(_MOST_FILES), found, strict=False):
        if path.name != own:
            name = path.relative_to(folder).as_posix()
            yield Completion(name, "file", name)
