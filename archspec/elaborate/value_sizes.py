"""Sizes of values in expressions: `c(x)` channels, `d(x)` depth, `h(x)` height, `w(x)` width, `t(x)` tokens."""

from __future__ import annotations

from archspec.elaborate.expressions import Refused, Scope, Silent
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import AXES, Map, Tokens, Type, describe

_NAMES = {"d": "depth", "h": "height", "w": "width"}
MEASURES = ("c", *_NAMES, "t")


def measured(call: ast.Call, scope: Scope) -> int:
    """The size that a call reads: of the value that it names, or without a name of the current value. Raises Refused."""
    name, count = call.function.id, len(call.arguments)
    if count > 1:
        help_ = f"write `{name}()` for the current value, or `{name}(x)` for the one labelled `x`"
        raise Refused("A113", f"`{name}` takes the name of one value, not {count}", call.span, help_)
    if scope.types is None:
        message = f"`{call.span.text}` is a size of a value, and a `param`, `default` or `expect` sees no values"
        raise Refused(
            "A106", message, call.span, "write it where it is used: in the arguments of a layer or block, in a guard or a `repeat`"
        )
    type_ = scope.types(call.arguments[0] if call.arguments else None, call.span, scope)
    if type_ is None:
        raise Silent(call.span)
    size = _size(name, type_)
    if size is None:
        raise Refused(
            "A201", f"`{call.span.text}`: {describe(type_)} has no {_NAMES.get(name, 'tokens')}", call.span, _has(type_, call.span)
        )
    return size


def _size(name: str, type_: Type) -> int | None:
    """A size of a type; None where it has none of that name."""
    if name == "c":
        return type_.channels
    if name == "t":
        return type_.length if isinstance(type_, Tokens) else None
    if not isinstance(type_, Map):
        return None
    return dict(zip(AXES[len(type_.spatial)], type_.spatial, strict=True)).get(_NAMES[name])


def _has(type_: Type, span: Span) -> str:
    """What can be asked of a type instead."""
    inside = span.text.partition("(")[2]
    return "it has " + " and ".join(f"`{name}({inside}`" for name in MEASURES if _size(name, type_) is not None)
