"""What a caller sets, as people write it: params, and shapes of inputs, as texts and as values of Python and NumPy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, SupportsIndex

from archspec.elaborate.expressions import Rounds, Value
from archspec.syntax.to_expr import is_digits

Size = str | int | Iterable[SupportsIndex]
"""A shape, channels last: `"224x224x3"`, `(224, 224, 3)`, `784`."""


def shape_of(text: str) -> tuple[int, ...] | None:
    """The shape that a text such as 224x224x3 gives, or None."""
    parts = text.strip().replace("×", "x").split("x")
    return tuple(int(part) for part in parts) if all(is_digits(part) and len(part) < 20 for part in parts) else None


def value_of(text: str) -> Value:
    """A value as --set writes it: a number, yes or no, a list, a size, or a word."""
    if "," in text:
        return Rounds(value_of(part.strip()) for part in text.split(","))
    if text in ("yes", "no"):
        return text == "yes"
    if "x" in text and (size := shape_of(text)) is not None:
        return size
    if len(text) > 40:
        return text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if isfinite(number) else text
    return text


def inputs_of(given: Size | Mapping[str, Size] | None) -> dict[str, tuple[int, ...]]:
    """Shapes by the names of inputs; one without a name is for the only or first input. Raises ValueError."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return {"": _shape(given, "inputs")}
    return {_name(name, "inputs"): _shape(size, f"inputs: `{name}`" if name else "inputs") for name, size in given.items()}


def params_of(given: Mapping[str, Any] | None) -> dict[str, Value]:
    """Values of params by name. Raises ValueError."""
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"params are a dict of names and values, not {_shown(given)}")
    return {_name(name, "params"): _value(value, name) for name, value in (given or {}).items()}


def _name(name: object, of: str) -> str:
    if not isinstance(name, str):
        raise ValueError(f"{of} go by name, and {_shown(name)} is none")
    return name


def _shape(given: Any, of: str) -> tuple[int, ...]:
    if isinstance(given, str):
        shape = shape_of(given)
        if shape is None:
            raise ValueError(f'{of}: expected a shape such as "224x224x3", channels last; found {_shown(given)}')
    else:
        try:
            items = tuple(given) if isinstance(given, Iterable) and not isinstance(given, (bytes, Mapping)) else (given,)
            if not items or any(isinstance(item, bool) for item in items):
                raise TypeError
            shape = tuple(item.__index__() for item in items)
        except (TypeError, AttributeError):
            raise ValueError(f"{of}: expected whole numbers such as (224, 224, 3), channels last; found {_shown(given)}") from None
    if min(shape) < 1:
        raise ValueError(f"{of}: expected sizes of 1 or more; found {_shown(given)}")
    return shape


def _value(given: Any, name: str) -> Value:
    if hasattr(given, "tolist"):  # a number or an array of NumPy
        given = given.tolist()
    if isinstance(given, os.PathLike):
        return os.fsdecode(given)
    if isinstance(given, str):
        return value_of(given)
    if isinstance(given, (list, tuple)):
        return Rounds(_value(item, name) for item in given)
    if isinstance(given, (bool, int)) or (isinstance(given, float) and isfinite(given)):
        return given
    raise ValueError(f"params: `{name}` takes a number, yes or no, a text, or a list of them; found {_shown(given)}")


def _shown(given: object) -> str:
    """A value as it is written, or its kind where that would be long."""
    text = repr(given)
    return f"`{text}`" if len(text) <= 60 and " at 0x" not in text else f"a {type(given).__name__}"
