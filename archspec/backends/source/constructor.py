"""Constructor calls as data, and as text. Their numbers may be spelled in the parameters of a class."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from archspec.numeric import Spelled, Spelling
from archspec.simplify import simplified

_PYTHON = Spelling(functions={"ceil": "math.ceil", "floor": "math.floor"})
_WIDTH = 120
_PARAMETER = re.compile(r"(?<![\w.])[^\W\d]\w*(?![\w(.])")


class New(NamedTuple):
    """`name(arguments)`; an argument is (keyword or "", value), a value may be a `New` or a `Many`."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


class Many(NamedTuple):
    """The same module made anew `times` times, as several arguments."""

    module: New
    times: int


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
        return f"{value.name}({', '.join(argument_text(name, item) for name, item in value.arguments)})"
    if isinstance(value, Many):
        return f"*({written(value.module)} for _ in range({value.times}))"
    if type(value) is tuple:
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def argument_text(name: str, value: Any) -> str:
    return f"{name}={written(value)}" if name else written(value)


def parts(value: Any) -> Iterator[Any]:
    """A value and all that it is made of."""
    yield value
    if isinstance(value, New):
        for _, item in value.arguments:
            yield from parts(item)
    elif isinstance(value, Many):
        yield from parts(value.module)
    elif type(value) is tuple:
        for item in value:
            yield from parts(item)


def names_called(value: Any) -> Iterator[str]:
    """Every class or function that a value calls."""
    for part in parts(value):
        if isinstance(part, New):
            yield part.name
        elif isinstance(part, Spelled):
            yield from re.findall(r"\w+(?=\()", written(part))


def parameters(value: Any) -> Iterator[str]:
    """The parameters that a value reads."""
    for part in parts(value):
        if isinstance(part, Spelled):
            yield from _PARAMETER.findall(written(part))


def wrapped(before: str, value: object, after: str) -> Iterator[str]:
    """A value as source, broken into a line per item where it is long."""
    whole = before + written(value) + after
    if len(whole) <= _WIDTH or not isinstance(value, (New, Many, tuple)):
        yield whole
        return
    inner = " " * (len(before) - len(before.lstrip()) + 4)
    if isinstance(value, Many):
        yield f"{before}*("
        yield from wrapped(inner, value.module, "")
        yield f"{inner}for _ in range({value.times})"
        yield f"{inner[4:]}){after}"
        return
    call = value if isinstance(value, New) else New("", tuple(("", item) for item in value))
    yield f"{before}{call.name}("
    for name, item in call.arguments:
        yield from wrapped(f"{inner}{name}=" if name else inner, item, ",")
    yield f"{inner[4:]}){after}"


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
    return "float" if any(isinstance(value, float) for value in values) else "int"
