"""Calls of Keras's layers, and what one layer of a spec may become beside a call: several in a row, or a choice made where it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.backends.source import constructor
from archspec.backends.source.constructor import New, written
from archspec.numeric import Spelled

ROW = "in a row"
"""The name of a call that is several layers, one after the other; its arguments are these."""
CHAIN = "chain"
"""The same for the layers of a label, which are named by their positions."""
IDENTITY = "nothing"
"""A position of a label that is left empty."""
NONNEGATIVE = "of numbers that are not negative"
ABSORBED = "before a layer that takes its order"
"""Choices between two forms of a layer, made where the layers around it are known."""

KEEPING = frozenset(["Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "BatchNormalization", "Softmax"])
"""Layers of vectors for which the order of the numbers does not matter; what a batch norm holds is moved like the rows of the `Dense` behind it."""

X = "{x}"
"""Stands for the value in the name of a call that is an expression of that value; `{0}`, `{1}`, ... are its arguments, `{y}` a second value."""


def expression(text: str, *arguments: Any) -> New:
    """An expression of a value, such as `{x} * {0}`."""
    return constructor.new(text, *arguments)


def is_expression(module: Any) -> bool:
    """Whether a call is an expression, and makes no layer."""
    return isinstance(module, New) and X in module.name


class Name(str):
    """Takes the place of a layer's name until its path is known; of a text it is the text itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


NAME = Name("name")

DEFAULTS: dict[str, Any] = {
    "strides": 1,
    "padding": "valid",
    "dilation_rate": 1,
    "groups": 1,
    "use_bias": True,
    "center": True,
    "scale": True,
    "epsilon": 1e-3,
    "momentum": 0.99,
    "interpolation": "nearest",
    "return_sequences": False,
}
"""What Keras assumes for a keyword; an argument that says the same is not written."""
_POOLS = ("Pooling1D", "Pooling2D", "Pooling3D")


def layer(name: str, *positional: Any, **keywords: Any) -> New:
    """A call of a layer of Keras without the keywords that say what Keras assumes in any case."""
    made = constructor.new(f"layers.{name}", *positional, **keywords)
    pool = name.endswith(_POOLS)  # whose stride is the window without it
    kept = [
        (key, value)
        for key, value in made.arguments
        if isinstance(value, Spelled) or (pool and key == "strides") or DEFAULTS.get(key, made) != value
    ]
    return New(made.name, tuple(kept))


def in_a_row(before: Sequence[Any], *more: Any) -> New:
    """Layers in a row; one alone is itself."""
    found = [*before, *more]
    return found[0] if len(found) == 1 and isinstance(found[0], New) else New(ROW, tuple(("", each) for each in found))


def either(question: str, yes: New, no: New) -> New:
    """A layer in one form where the answer is yes, and in another where it is not."""
    return yes if written(yes) == written(no) else New(question, (("", yes), ("", no)))


def one_or_all(values: tuple[Any, ...]) -> Any:
    """One number where those of all axes are written alike."""
    return values[0] if len(set(map(written, values))) == 1 else values


_STARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "kaiming": ("VarianceScaling", {"scale": 2.0, "mode": "fan_in", "distribution": "untruncated_normal"}),
    "kaiming_uniform": ("VarianceScaling", {"scale": 2.0, "mode": "fan_in", "distribution": "uniform"}),
    "kaiming_out": ("VarianceScaling", {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"}),
    "xavier": ("GlorotUniform", {}),
    "xavier_normal": ("VarianceScaling", {"scale": 1.0, "mode": "fan_avg", "distribution": "untruncated_normal"}),
    "lecun": ("VarianceScaling", {"scale": 1.0, "mode": "fan_in", "distribution": "untruncated_normal"}),
    "normal": ("RandomNormal", {"stddev": 0.01}),
    "truncated": ("TruncatedNormal", {"stddev": 0.02}),
    "orthogonal": ("Orthogonal", {}),
    "zeros": ("Zeros", {}),
}
"""Keras's initializers for the words of `init=`; `he_normal` and the like are truncated, PyTorch's are not."""


def start(op: Any) -> New | None:
    """The initializer of an op's weights, where its spec has one."""
    if getattr(op, "init", None) is None or op.init not in _STARTS:
        return None
    name, keywords = _STARTS[op.init]
    if op.std is not None and "stddev" in keywords:
        keywords = {"stddev": op.std}
    return constructor.new(f"keras.initializers.{name}", **keywords)


def initialised(op: Any, made: New, keyword: str) -> New:
    """A call with the initializer that its spec wants, which is not Keras's own choice."""
    found = start(op)
    return made if found is None or op.init == "xavier" else New(made.name, (*made.arguments, (keyword, found)))
