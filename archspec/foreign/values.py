"""Values of other tools in our writing, by the argument that they are for."""

from __future__ import annotations

import re

from archspec.foreign.equivalents import key
from archspec.foreign.loose import Value

SIZES = frozenset(["k", "w", "s", "d", "op", "n", "size", "f", "g", "m", "v", "groups", "heads"])
AXES = frozenset(["k", "w", "s", "d", "op", "n", "size", "p"])
"""Arguments that have one number per axis."""
FLAGS = frozenset(("bias", "affine", "count_pad"))

INITIALISERS = {
    "heuniform": "kaiming_uniform", "henormal": "kaiming", "kaimingnormal": "kaiming", "kaiminguniform": "kaiming_uniform", "msra": "kaiming",
    "glorotuniform": "xavier", "xavieruniform": "xavier", "glorotnormal": "xavier_normal", "xaviernormal": "xavier_normal",
    "lecunnormal": "lecun", "orthogonal": "orthogonal", "zeros": "zeros", "zero": "zeros",
    "randomnormal": "normal std=0.05", "truncatednormal": "truncated std=0.05", "truncnormal": "truncated", "he": "kaiming", "glorot": "xavier", "xavier": "xavier",
}  # fmt: skip
"""Initialisers elsewhere with the variance of ours and, except for Keras's cut tails, their shape. Keras's normal has a deviation of 0.05."""

ACTIVATIONS = {
    "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid", "tanh": "tanh", "softmax": "softmax", "logsoftmax": "logsoftmax",
    "elu": "elu", "selu": "selu", "gelu": "gelu", "silu": "silu", "swish": "silu", "mish": "mish", "hardswish": "hardswish",
    "hardsilu": "hardswish", "hardsigmoid": "hardsigmoid", "softplus": "softplus", "leakyrelu": "leaky 0.2", "prelu": "prelu",
    "leaky": "leaky", "linear": "", "none": "", "identity": "", "celu": "elu", "logistic": "sigmoid",
}  # fmt: skip
"""Words of `activation=`; Keras's `leaky_relu` has a slope of 0.2 there."""


class Cannot(Exception):
    """A line cannot be rewritten: why, in words."""


def number(text: str) -> int | float | None:
    """Read a number, as a whole one where it is; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def is_none(value: Value) -> bool:
    """Whether a value is what the languages of other tools write for nothing."""
    return value.kind == "word" and value.text in ("None", "null", "none")


def written(value: Value, argument: str, name: str) -> str | None:
    """Write a value for `argument=`; None where it is the default. Raises Cannot."""
    if is_none(value):
        return None
    if argument in FLAGS:
        shown = _FLAGS.get(value.text.lower(), value.text if value.kind in ("word", "other") else None)
        if shown is None:
            raise Cannot(f"`{name}` must be yes or no")
        return shown
    if argument == "p" and value.kind in ("text", "word") and value.text.lower() in _PADDINGS:
        return _PADDINGS[value.text.lower()]
    if argument == "p" and value.kind == "text" and number(value.text) is None:
        raise Cannot(f"the language has no padding {value.text!r}; there are numbers, `same`, `valid` and `causal`")
    if value.kind in ("list", "size"):
        if argument not in AXES:
            raise Cannot("")
        return size(value, name)
    if value.kind == "call":
        raise Cannot(f"`{name}` must be a number or a size")
    return str(number(value.text)) if value.kind == "number" and argument in SIZES else value.text


_PADDINGS = {"same": "same", "valid": "0", "same_upper": "same", "notset": "0", "causal": "causal"}
_FLAGS = {"true": "yes", "false": "no", "1": "yes", "0": "no", "yes": "yes", "no": "no", "on": "yes", "off": "no"}


def size(value: Value, name: str) -> str:
    """`(3, 3)` is 3, `(3, 5)` is 3x5, `((1, 1), (2, 2))` and ONNX's [1, 2, 1, 2] are 1x2, [0, 0, 1, 1] is the range 0:1. Raises Cannot."""
    numbers = value.text.split("x") if value.kind == "size" else _one_side(value.items, name)
    if (len(set(numbers)) != 1 or numbers[0] == "None") and not (numbers and all(re.fullmatch(r"\d+", text) for text in numbers)):
        raise Cannot(f"`{name}` must be whole numbers: a size is written `3x5`")
    return _joined(numbers)


def _one_side(items: tuple[Value, ...], name: str) -> list[str]:
    """What is written for each axis: one number, or a range that is the same for all of them. Raises Cannot."""
    if items and all(item.kind == "list" and len(item.items) == 2 for item in items):
        before, behind = ([item.items[side].text for item in items] for side in (0, 1))
    elif any(item.kind == "list" for item in items):
        raise Cannot(f"`{name}` must be a number or a size")
    else:
        before = behind = [item.text for item in items]
        if name == "pads" and len(items) % 2 == 0:
            before, behind = before[: len(items) // 2], before[len(items) // 2 :]
    if before == behind:
        return before
    if len({*before}) > 1 or len({*behind}) > 1:
        raise Cannot("a border that differs between axes and between their sides is a line of its own before: `pad h=0:1 w=2:3`")
    return [f"{before[0]}:{behind[0]}"]


def _joined(numbers: list[str]) -> str:
    """A size as it is written: one number where all are equal."""
    return numbers[0] if len(set(numbers)) == 1 else "x".join(numbers)


def one_size(positional: list[Value]) -> list[Value]:
    """`pad 1 1`, `pad 1,1`, `upsample 2x2`: one number per axis, or a single one where all are equal."""
    parts = [part for value in positional for part in re.findall(r"[^x,() ]+", value.text)]
    if not 1 < len(parts) <= 3 or not all(part.isdigit() for part in parts):
        return positional
    return [Value("number" if len(set(parts)) == 1 else "size", _joined(parts))]


def initialiser(value: Value) -> dict[str, str]:
    """Write `init=` and `std=`; nothing for the default of Keras. Raises Cannot."""
    if is_none(value):
        return {}
    word = key(value.text.partition("(")[0])
    own = {text.split()[0].replace("_", ""): text.split()[0] for text in INITIALISERS.values()}
    found = INITIALISERS.get(word.removesuffix("initializer").removesuffix("initialiser")) or own.get(word)
    if found is None:
        raise Cannot(f"the language has no initialisation `{value.text}`; without `init=` layers begin as PyTorch's do")
    init, _, std = found.partition(" std=")
    if not std:
        return {"init": init}
    given = value.call.keywords if value.call else ()
    return {"init": init, "std": next((v.text for k, v in given if k in ("stddev", "std")), std)}


def activation(value: Value) -> str:
    """The step of an activation function, empty for the identity. Raises Cannot."""
    if is_none(value):
        return ""
    word = key(value.text)
    if word not in ACTIVATIONS:
        raise Cannot(f"the language has no activation function `{value.text}`; `archspec ops` lists those that there are")
    return ACTIVATIONS[word]


def shape(value: Value, batch: bool = False) -> str:
    """`(28, 28, 1)` as an input's shape, without the `batch` before it. Raises Cannot."""
    if value.kind == "size":
        return value.text
    items = [item.text for item in value.items] if value.kind == "list" else [value.text]
    if (batch and value.kind == "list") or (len(items) > 2 and items[0] == "None"):
        items = items[1:]
    if not items or not all(text.isdigit() for text in items):
        raise Cannot("an input has a whole number for each axis: `input 224x224x3`")
    return "x".join(items)


def default(text: str) -> Value | None:
    """The value that a table gives as a default, if it gives one."""
    return Value("word" if text in ("None", "False", "True") else "number", text) if text else None
