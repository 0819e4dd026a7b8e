"""Constructor calls as data, so that those of several instances of a block can be laid over one another."""

from __future__ import annotations

from typing import Any, NamedTuple


class New(NamedTuple):
    """`name(arguments)`; an argument is (keyword or "", value), a value may be a `New`, a `Many` or a `Parameter`."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


class Many(NamedTuple):
    """The same module made anew `times` times, as several arguments."""

    module: New
    times: int


class Parameter(NamedTuple):
    """A parameter of the class that is being written."""

    name: str


def written(value: Any) -> str:
    """A value as Python source."""
    if isinstance(value, New):
        return f"{value.name}({', '.join(_argument(name, item) for name, item in value.arguments)})"
    if isinstance(value, Many):
        return f"*({written(value.module)} for _ in range({value.times}))"
    if isinstance(value, Parameter):
        return value.name
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _argument(name: str, value: Any) -> str:
    return f"{name}={written(value)}" if name else written(value)


def shape_of(value: Any) -> Any:
    """What two values must share to be written once: the calls without their numbers."""
    if isinstance(value, New):
        return (value.name, tuple((name, shape_of(item)) for name, item in value.arguments))
    if isinstance(value, Many):
        return ("many", shape_of(value.module), value.times)
    return type(value).__name__ if not isinstance(value, (bool, str, tuple)) else value


def numbers(value: Any) -> list[int | float]:
    """The numbers of a value that may differ between instances, in order."""
    if isinstance(value, New):
        return [number for _, item in value.arguments for number in numbers(item)]
    if isinstance(value, Many):
        return numbers(value.module)
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def replaced(value: Any, names: list[str | None]) -> Any:
    """The value with its numbers taken, in order, by parameters where a name is given; `names` is used up."""
    if isinstance(value, New):
        return New(value.name, tuple((name, replaced(item, names)) for name, item in value.arguments))
    if isinstance(value, Many):
        return Many(replaced(value.module, names), value.times)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        name = names.pop(0)
        return value if name is None else Parameter(name)
    return value
