"""Constructor calls as data, so that those of several instances of a block can be laid over one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

DEFAULTS: dict[str, Any] = {
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "eps": 1e-5,
    "momentum": 0.1,
    "affine": True,
    "ceil_mode": False,
    "count_include_pad": True,
    "inplace": False,
    "approximate": "none",
}
"""What PyTorch assumes for a keyword; an argument that says the same is not written."""

RESERVED = frozenset({"self", "torch", "nn", "F", "Tensor", "NamedTuple", "Outputs", "Model", "super", "range", "int", "float"})
"""Names that an emitted file uses for something; what a spec calls so is called otherwise there."""

Number = int | float | tuple[int, ...]


class New(NamedTuple):
    """`name(arguments)`; an argument is (keyword or "", value), a value may be a `New`, a `Many` or a `Parameter`."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


class Many(NamedTuple):
    """The same module made anew `times` times, as several arguments."""

    module: New
    times: int


class Parameter(NamedTuple):
    """A parameter of the class that is being written, or a product of some."""

    text: str


def new(name: str, *positional: Any, **keywords: Any) -> New:
    return New(name, (*(("", value) for value in positional), *keywords.items()))


def written(value: Any) -> str:
    """A value as Python source."""
    if isinstance(value, New):
        return f"{value.name}({', '.join(argument_text(name, item) for name, item in arguments(value))})"
    if isinstance(value, Many):
        return f"*({written(value.module)} for _ in range({value.times}))"
    if isinstance(value, Parameter):
        return value.text
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def arguments(value: New) -> Iterator[tuple[str, Any]]:
    """The arguments that must be written: those that differ from the defaults."""
    for name, item in value.arguments:
        if isinstance(item, Parameter) or not name or DEFAULTS.get(name, value) != item:
            yield name, item


def argument_text(name: str, value: Any) -> str:
    return f"{name}={written(value)}" if name else written(value)


def is_number(value: Any) -> bool:
    """Whether a value may differ between the instances of a class: a number, or a size."""
    if isinstance(value, tuple):
        return bool(value) and all(type(item) is int for item in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shape_of(value: Any) -> Any:
    """What two values must share to be written once: the calls without their numbers."""
    if isinstance(value, New):
        return (value.name, tuple((name, shape_of(item)) for name, item in value.arguments))
    if isinstance(value, Many):
        return ("many", shape_of(value.module), value.times)
    return "number" if is_number(value) else value


def numbers(value: Any, keyword: str = "") -> Iterator[tuple[str, Number]]:
    """The numbers of a value that may differ between instances, in order, with the keywords that they are given for."""
    if isinstance(value, New):
        for name, item in value.arguments:
            yield from numbers(item, name)
    elif isinstance(value, Many):
        yield from numbers(value.module)
    elif is_number(value):
        yield keyword, value


def replaced(value: Any, names: list[str | None]) -> Any:
    """The value with its numbers taken, in order, by parameters where a name is given; `names` is used up."""
    if isinstance(value, New):
        return New(value.name, tuple((name, replaced(item, names)) for name, item in value.arguments))
    if isinstance(value, Many):
        return Many(replaced(value.module, names), value.times)
    if is_number(value):
        text = names.pop(0)
        return value if text is None else Parameter(text)
    return value


def names_called(value: Any) -> Iterator[str]:
    """Every class or function that a value calls."""
    if isinstance(value, Many):
        yield from names_called(value.module)
    elif isinstance(value, New):
        yield value.name
        for _, item in value.arguments:
            yield from names_called(item)
