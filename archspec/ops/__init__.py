"""Finds the layers by name. A family is imported when the first of its layers is used, so that checking LeNet does not load attention.

`STEPS` says which module holds which step; a test holds it against the classes.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archspec.numeric import Spelled

if TYPE_CHECKING:
    from archspec.ops.base import Op

_FAMILIES = {
    "conv": "conv dwconv deconv",
    "pool": "pool avgpool subsample",
    "unpool": "unpool",
    "adaptive": "adaptpool adaptmaxpool gap",
    "norm": "bn ln gn instnorm lrn rmsnorm l2norm grn evonorm",
    "activation": "relu relu6 leaky abs sigmoid tanh softmax logsoftmax",
    "smooth": "elu selu gelu silu mish hardswish hardsigmoid softplus prelu",
    "units": "glu maxout squash",
    "regularize": "dropout dropout2d droppath",
    "border": "pad crop",
    "resize": "upsample",
    "shape": "pixelshuffle shuffle slice patchmerge",
    "linear": "flatten fc linear rbf embed scale",
    "attention": "tokens cls pos first",
    "attn": "attn winattn attend buckets",
    "rearrange": "rearrange",
    "arrange": "swap map reshape token",
    "reduce": "gmp mean max",
    "matmul": "matmul",
    "recurrent": "rnn gru lstm",
    "merge": "add sub concat mul",
    "tensor": "tensor",
    "custom": "custom",
}
STEPS: dict[str, str] = {step: family for family, steps in _FAMILIES.items() for step in steps.split()}
"""Step name to the module that holds its class."""


@cache
def op_class(step: str) -> type[Op]:
    """Return the class of a step. Raises KeyError."""
    module = import_module(f"archspec.ops.{STEPS[step]}")
    for value in vars(module).values():
        if isinstance(value, type) and getattr(value, "step", None) == step and value.__module__ == module.__name__:
            return value
    raise KeyError(step)


def typed(value: object) -> tuple[object, ...]:
    """Make a key that distinguishes values that Python calls equal: 1, 1.0 and True, and numbers spelled in different ways, also in tuples."""
    if isinstance(value, Spelled):
        return (Spelled, *value.key)
    return (type(value), *map(typed, value)) if isinstance(value, tuple) else (type(value), value)


_interned: dict[tuple[object, ...], Op] = {}


def make(step: str, arguments: dict[str, Any]) -> Op:
    """Return the op with these arguments; equal ops are one object, checked once. Raises declare.Unfit."""
    key = (step, *((name, *typed(value)) for name, value in sorted(arguments.items())))
    op = _interned.get(key)
    if op is None:
        if len(_interned) > 100_000:
            _interned.clear()
        op = _interned[key] = op_class(step)(**arguments)
    return op


def all_classes() -> list[type[Op]]:
    """List every op in the order of the reference."""
    return [op_class(step) for step in STEPS]
