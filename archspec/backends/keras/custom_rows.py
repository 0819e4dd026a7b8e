"""Layers that Keras lacks: a class of `templates` for each op, which is made with the arguments of the op, by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archspec.backends.source.constructor import New, new
from archspec.numeric import Spelled
from archspec.ops.base import Op
from archspec.types import Type

Row = Callable[..., New]
"""Takes the op, the types of its inputs and that of its output."""


def custom(op: Op, *types: Type) -> New:
    """The layer of an op: positional arguments first, those that are as the op has them by default left out.

    What says which further values it reads is True; where it always reads them, nothing says so.
    """
    return new(type(op).__name__, *_positional(op), **_named(op, len(list(_positional(op)))))


def _positional(op: Op) -> Iterator[Any]:
    for name in () if op.shown_as_keyword else op.positional:
        if name in op.operands or _is_default(op, name):
            return
        yield getattr(op, op.fields[name].attribute)


def _named(op: Op, after: int) -> dict[str, Any]:
    idle = {"frozen"} | ({"round"} if getattr(op, "p", None) == "same" else set())  # with `same` nothing is rounded
    behind = [name for name in op.fields if name not in {*op.positional[:after], *idle} and not _is_default(op, name)]
    given = {name: getattr(op, op.fields[name].attribute) for name in behind}
    given = {name: value for name, value in given.items() if not (name in op.operands and op.fields[name].required)}
    return {**given, "trainable": False} if op.frozen and op.freezes else given


def _is_default(op: Op, name: str) -> bool:
    """Whether an argument is what it is by default; one that waits for a parameter of a block is given, whatever it is here."""
    value = getattr(op, op.fields[name].attribute)
    return not isinstance(value, Spelled) and value == op.fields[name].default


def _declared(op: Any, *_: Type) -> New:
    """A layer that is only declared. Keras has names of its own for layers, so that of what is called is another argument."""
    named = {name: value for name, value in _named(op, 0).items() if name != "name"}
    return new("Custom", op.name, **named)


_STEPS = (
    "cls", "pos", "scale", "tensor", "lrn", "grn", "evonorm", "l2norm", "rbf", "attn", "winattn", "attend", "buckets", "rnn", "gru", "lstm",
    "conv", "dwconv", "linear", "fc", "deconv", "pool", "avgpool", "subsample", "unpool", "rearrange", "pad", "upsample", "pixelshuffle", "shuffle",
    "patchmerge", "maxout", "squash", "prelu", "droppath", "dropout2d",
)  # fmt: skip
CUSTOM: dict[str, Row] = {**dict.fromkeys(_STEPS, custom), "custom": _declared}
"""Step to row."""
