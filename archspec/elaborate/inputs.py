"""Shapes of inputs: impossible ones, and ones that are probably a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archspec.elaborate.expressions import Refused, Scope, whole
from archspec.ops.base import show
from archspec.syntax import ast
from archspec.types import LIMIT

Doubt = tuple[str, tuple[int, ...] | None]
"""Why a shape looks unintended, and the shape that was probably meant; None where that is not known."""


def written_shape(line: ast.Input, scope: Scope) -> tuple[int, ...]:
    """The shape of a line `input`, its params filled in. Raises Refused."""
    found = []
    for size, name in zip(line.shape.values, line.params, strict=False):
        if isinstance(name, ast.Name) and (not name.id.isidentifier() or scope.value_of(name.id) is None):
            help_ = f"say which sizes it stands for: `input {name.span.text} for {name.id or 'H'} in 32..512 step 32`"
            help_ = f"{help_}, or define it: `param {name.id} = 32`" if name.id.isidentifier() else "write it as `input 32x32x3`"
            raise Refused("A001", f"`{name.id or name.span.text}` is no size", name.span, help_)
        found.append(size if name is None else whole(name, scope))
    return tuple(found)


def impossible(shape: Sequence[int]) -> str | None:
    """What is wrong with an input's shape, if anything."""
    written = show(tuple(shape))
    if len(shape) > 4:
        return f"an input of {written} has more than three spatial axes"
    if any(size < 1 for size in shape):
        return f"an input of {written} is empty"
    return f"an input of {written} holds more than 2^63 - 1 numbers" if prod(shape) > LIMIT else None


def possible(shape: Sequence[int]) -> str:
    """Return what to write instead of an impossible shape."""
    if len(shape) == 5 and min(shape) > 0:
        inner = tuple(shape[1:])
        return f"the batch is not an axis of a shape: write {show(_last(inner) if _first(inner) else inner)}"
    return "write it as height x width x channels: `input 32x32x3`"


def doubt(shape: tuple[int, ...], own: tuple[int, ...]) -> Doubt | None:
    """What looks unintended in a shape; `own` is the shape that the spec itself has, where another was set."""
    return _with_batch(shape, own) or _channels_first(shape, own) or _without_channels(shape) or _other_axes(shape, own)


def _with_batch(shape: tuple[int, ...], own: tuple[int, ...]) -> Doubt | None:
    """A batch axis is taken for a spatial one: `1x224x224x3`, or `32x3x224x224` as PyTorch has it."""
    inner = shape[1:]
    first = _first(inner)
    alone = len(shape) in (2, 4) and shape[0] == 1  # a map one high is common, a sequence or a volume of one step is not
    more = len(inner) == len(own)
    if not more and (_first(shape) or (not alone and not first)):
        return None
    if more and len(inner) > 1 and inner[0] == own[-1] != inner[-1]:
        first = True
    behind = more and len(own) > 1 and shape[-2] == own[-1] != shape[-1] and not first
    is_now = {2: "a sequence of length {}", 3: "a map {} high", 4: "a volume {} deep"}[len(shape)].format(shape[0])
    message = f"an input of {show(tuple(shape))} is {is_now}; the batch is not an axis of a shape"
    return message, shape[:-1] if behind else _last(inner) if first else inner


def _channels_first(shape: tuple[int, ...], own: tuple[int, ...]) -> Doubt | None:
    """A picture is written as PyTorch has it."""
    as_the_spec = len(shape) == len(own) > 2 and shape[0] == own[-1] != shape[-1] and shape[0] < min(shape[1:])
    if not as_the_spec and not _first(shape):
        return None
    axis = {3: "height", 4: "depth"}[len(shape)]
    message = f"an input of {show(tuple(shape))} looks like channels first; here it means {axis} {shape[0]} and {shape[-1]} channels"
    return message, _last(shape)


def _without_channels(shape: tuple[int, ...]) -> Doubt | None:
    """A grey picture is written without its one channel."""
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] <= 4:
        return None
    message = f"an input of {show(tuple(shape))} is a sequence of length {shape[0]} with {shape[1]} channels"
    return f"{message}; a grey picture has one channel", (*shape, 1)


def _other_axes(shape: tuple[int, ...], own: tuple[int, ...]) -> Doubt | None:
    if len(shape) == len(own):
        return None
    message = f"an input of {show(tuple(shape))} has {len(shape)} {'axis' if len(shape) == 1 else 'axes'}, but the spec is written for {show(own)}, which has {len(own)}"
    return message, None


def _first(shape: tuple[int, ...]) -> bool:
    """Whether the channels come first: few of them, before sizes of which the last two are much larger and nearly equal."""
    if len(shape) not in (3, 4):
        return False
    channels, *_, a, b = shape
    square, much = a == b > 4, min(a, b) >= 8 * channels
    if len(shape) == 4:
        return channels in (1, 3) and square and shape[1] > 4
    return (channels in (1, 3) and (square or (much and max(a, b) <= 2 * min(a, b)))) or (channels in (2, 4) and square and much)


def _last(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[1:], shape[0])
