"""The axis that a layer works along: the channels, or the tokens of a sequence."""

from typing import Annotated, Literal

from archspec.ops.base import Misfit
from archspec.ops.declare import Rule
from archspec.types import Map, Tokens, Type, describe, is_line

Axis = Annotated[Literal["c", "t"], Rule("c, the channels, or t, the tokens")]


def check_sequence(layer: str, x: Type) -> None:
    """Raises Misfit where a value is no sequence: neither tokens nor a map of one axis."""
    if not isinstance(x, Tokens) and not is_line(x):
        ways = "`tokens` makes a sequence of the positions of a map", "`embed V D` makes tokens of the numbers of words"
        help_ = ways[0] if isinstance(x, Map) else ways[1]
        raise Misfit("A201", f"`{layer}` takes tokens or a map of one axis, not {describe(x)}", help_=help_)


def check_axis(layer: str, axis: str, x: Type) -> None:
    """Raises Misfit where a value has no axis of tokens."""
    if axis == "t":
        check_sequence(f"{layer} axis=t", x)
