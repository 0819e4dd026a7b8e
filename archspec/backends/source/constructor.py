"""Constructor calls as data, and as text. Their numbers may be spelled in the parameters of a class."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from archspec.numeric import Spelled, Spelling
from archspec.simplify import simplified
from archspec.source import Span

_PYTHON = Spelling(functions={"ceil": "math.ceil", "floor": "math.floor", "sqrt": "math.sqrt"})
_WIDTH = 120


class New(NamedTuple):
    """`name(arguments)`; an argument is (keyword or "", value), a value may be a `New` or a `Many`."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    span: Span | None = None
    """Where an item of a chain comes from."""


class Many(NamedTuple):
    """The same module made anew `times` times, as several arguments."""

    module: New
    times: int
    span: Span | None = None


class If(NamedTuple):
    """A value where a condition holds, and another, or none of several arguments, where it does not."""

    condition: Any
    yes: Any
    no: Any = None

    @property
    def branches(self) -> tuple[Any, Any]:
        """The values of both cases; where one of them is none of several arguments, each is a list of arguments."""
        return ([self.yes], []) if self.no is None else (self.yes, self.no)

    @property
    def text(self) -> str:
        """The conditional expression, `YES if CONDITION else NO`."""
        yes, no = self.branches
        return f"{written(yes)} if {written(self.condition)} else {written(no)}"


def new(name: str, *positional: Any, **keywords: Any) -> New:
    """A call, its numbers in their shortest form."""
    return New(name, (*(("", short(value)) for value in positional), *((key, short(value)) for key, value in keywords.items())))


def short(value: Any) -> Any:
    """A value, its numbers in their shortest form; a size whose numbers are all those of a parameter is the parameter."""
    if type(value) is not tuple:
        return simplified(value)
    items = tuple(map(short, value))
    names = [item.name if isinstance(item, Spelled) else "" for item in items]
    whole = names[0].partition("[")[0] if names else ""
    return Spelled(value, whole) if whole and names == [f"{whole}[{at}]" for at in range(len(names))] else items


def written(value: Any) -> str:
    """A value as Python source."""
    if isinstance(value, Spelled):
        return value.text(_PYTHON)
    if isinstance(value, New):
        return f"{value.name}({', '.join(_argument_text(name, item) for name, item in value.arguments)})"
    if isinstance(value, Many):
        return f"*({written(value.module)} for _ in range({value.times}))"
    if isinstance(value, If):
        return value.text if value.no is not None else f"*({value.text})"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    text = repr(value)
    return text.replace("'", '"') if isinstance(value, str) and '"' not in text else text


def _argument_text(name: str, value: Any) -> str:
    return f"{name}={written(value)}" if name else written(value)


def parts(value: Any) -> Iterator[Any]:
    """A value and all that it is made of."""
    yield value
    if isinstance(value, tuple):  # as calls are too
        for item in value:
            yield from parts(item)


def names_called(value: Any) -> Iterator[str]:
    """Every class or function that a value calls."""
    for part in parts(value):
        if isinstance(part, New):
            yield part.name
        elif isinstance(part, Spelled):
            yield from re.findall(r"\w+(?=\()", written(part))


def leaves(value: Any) -> Iterator[Spelled]:
    """The named numbers that a value reads."""
    pending = [part for part in parts(value) if isinstance(part, Spelled)]
    while pending:
        number = pending.pop()
        pending += number.parts
        if number.name:
            yield number


def parameters(value: Any) -> Iterator[str]:
    """The parameters that a value reads."""
    return (leaf.name.partition("[")[0] for leaf in leaves(value))


def wrapped(before: str, value: object, after: str) -> Iterator[str]:
    """A value as source, broken into a line per item where it is long."""
    whole = before + written(value) + after
    if len(whole) <= _WIDTH or not isinstance(value, (New, Many, If, tuple, list)):
        yield whole
        return
    inner = " " * (len(before) - len(before.lstrip()) + 4)
    if isinstance(value, (Many, If)):
        yield f"{before}*(" if isinstance(value, Many) or value.no is None else f"{before}("
        if isinstance(value, Many):
            yield from wrapped(inner, value.module, "")
            yield f"{inner}for _ in range({value.times})"
        elif len(inner + value.text) <= _WIDTH:
            yield inner + value.text
        else:
            yes, no = value.branches
            yield from wrapped(inner, yes, "")
            yield f"{inner}if {written(value.condition)}"
            yield from wrapped(f"{inner}else ", no, "")
        yield f"{inner[4:]}){after}"
        return
    opened, closed = "[]" if isinstance(value, list) else "()"
    call = value if isinstance(value, New) else New("", tuple(("", item) for item in value))
    yield f"{before}{call.name}{opened}"
    for name, item in call.arguments:
        yield from wrapped(f"{inner}{name}=" if name else inner, item, ",")
    yield f"{inner[4:]}{closed}{after}"


def annotation(values: list[Any]) -> str:
    """The type of a parameter that has these values."""
    sizes = [value for value in values if isinstance(value, tuple)]
    if not sizes:
        return _kind(values)
    lengths = {len(size) for size in sizes}
    kind = _kind([item for size in sizes for item in size])
    size = f"tuple[{', '.join([kind] * len(sizes[0])) if len(lengths) == 1 else f'{kind}, ...'}]"
    return size if len(sizes) == len(values) else f"{_kind(values)} | {size}"


def _kind(values: list[Any]) -> str:
    return next((kind.__name__ for kind in (float, int) if any(type(value) is kind for value in values)), "bool" if values else "int")
