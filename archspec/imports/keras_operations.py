"""Keras's functions as layers: those of keras.ops, and of TensorFlow in a Keras 2 configuration (`TFOpLambda`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.keras_channels import add, concatenate, multiply, subtract
from archspec.imports.keras_config import is_number, is_whole, shown, single
from archspec.imports.keras_table import act, softmax
from archspec.imports.keras_views import Keras, Spot, along
from archspec.imports.views import View
from archspec.types import Tokens

Operation = Callable[[Keras, Spot, "list[Any]"], View]
OPERATIONS: dict[str, Operation] = {}
"""The functions of keras.ops, by their class."""
TENSORFLOW = {
    "__operators__.add": "Add", "math.add": "Add", "math.multiply": "Multiply", "math.subtract": "Subtract", "math.truediv": "TrueDivide",
    "math.divide": "TrueDivide", "__operators__.getitem": "GetItem", "concat": "Concatenate", "reshape": "Reshape", "transpose": "Transpose",
    "math.reduce_mean": "Mean", "math.reduce_max": "Max", "nn.softmax": "Softmax", "math.sigmoid": "sigmoid", "nn.relu": "relu",
    "nn.relu6": "relu6", "math.tanh": "tanh", "nn.gelu": "gelu", "nn.silu": "silu", "expand_dims": "ExpandDims",
    "compat.v1.squeeze": "Squeeze", "squeeze": "Squeeze", "linalg.matmul": "Matmul", "math.negative": "Negative", "identity": "Identity",
}  # fmt: skip
"""Functions of TensorFlow as those of keras.ops."""


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Enter the names of a function."""

    def enter(function: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return enter


def operated(k: Keras, spot: Spot, given: list[Any]) -> View:
    """What a function makes of its arguments, tensors among them. Raises Unsaid."""
    name = spot.layer.kind
    if name in ("TFOpLambda", "SlicingOpLambda"):
        name = TENSORFLOW.get(spot.config.word("function", ""), spot.config.word("function", ""))
    if name in OPERATIONS:
        return OPERATIONS[name](k, spot, given)
    return act(k, spot, _tensor(given), name)


def _tensor(given: Sequence[Any], at: int = 0) -> View:
    if len(given) <= at or not isinstance(given[at], View):
        raise Unsaid("it reads a constant where a tensor is expected")
    found: View = given[at]
    return found


def _argument(spot: Spot, given: Sequence[Any], at: int, *names: str) -> Any:
    """An argument by its place, or by one of its names, in the call or in the layer."""
    if len(given) > at and given[at] is not None:
        return given[at]
    held = [spot.call.named.get(name, spot.config.get(name)) for name in names]
    return next((value for value in held if value is not None), None)


def _two(spot: Spot, given: Sequence[Any]) -> tuple[Any, Any]:
    """Both sides of an arithmetic operation; one may be a number."""
    first = given[0] if given else None
    second = _argument(spot, given, 1, "y", "x2", "b")
    for side in (first, second):
        if not isinstance(side, View) and not is_number(side):
            raise Unsaid(f"it reads {shown(side)}")
    return first, second


@operation("Add")
def plus(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A sum of two tensors, or of a tensor and a number."""
    first, second = _two(spot, given)
    if isinstance(first, View) and isinstance(second, View):
        return add(k, spot, [first, second])
    x, number = (first, second) if isinstance(first, View) else (second, first)
    return k.alone(spot, "add", _tensor([x]), number=single(number))


@operation("Subtract")
def minus(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A difference of two tensors, or of a tensor and a number."""
    first, second = _two(spot, given)
    if isinstance(first, View) and isinstance(second, View):
        return subtract(k, spot, [first, second])
    if isinstance(first, View):
        return k.alone(spot, "sub", first, number=single(second))
    return k.alone(spot, "add", k.alone(spot, "mul", _tensor([second]), number=-1.0), number=single(first))


@operation("Multiply")
def times(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A product of two tensors, or of a tensor and a number; that of relu6(x + 3) and 1/6 is a hard sigmoid."""
    first, second = _two(spot, given)
    if isinstance(first, View) and isinstance(second, View):
        return multiply(k, spot, [first, second])
    x, number = (first, second) if isinstance(first, View) else (second, first)
    x = _tensor([x])
    if abs(number - 1 / 6) < 1e-7 and (before := k.hard.get(x.value)) is not None:
        return k.alone(spot, "hardsigmoid", x._replace(value=before))
    return k.alone(spot, "mul", x, number=single(number))


@operation("TrueDivide", "Divide")
def by(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A tensor divided by a number."""
    first, second = _two(spot, given)
    if not isinstance(first, View) or isinstance(second, View) or not second:
        raise Unsaid("it divides by a tensor")
    return k.alone(spot, "mul", first, number=single(1 / second))


@operation("Negative")
def negative(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A tensor with the other sign."""
    return k.alone(spot, "mul", _tensor(given), number=-1.0)


@operation("Absolute", "Abs")
def absolute(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A tensor without signs."""
    return k.alone(spot, "abs", _tensor(given))


@operation("Glu")
def gated(k: Keras, spot: Spot, given: list[Any]) -> View:
    """One half of the channels, times the sigmoid of the other."""
    if _argument(spot, given, 1, "axis") not in (None, -1):
        raise Unsaid("it halves another axis than the channels")
    return k.over(spot, "glu", _tensor(given))


@operation("Identity")
def identity(k: Keras, spot: Spot, given: list[Any]) -> View:
    """The tensor itself."""
    return _tensor(given)


@operation("Softmax")
def soft(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A softmax along an axis."""
    axis = _argument(spot, given, 1, "axis")
    return softmax(k, spot, _tensor(given), axis if is_whole(axis) else -1)


@operation("LogSoftmax")
def log_soft(k: Keras, spot: Spot, given: list[Any]) -> View:
    """The logarithm of a softmax along an axis."""
    axis = _argument(spot, given, 1, "axis")
    return softmax(k, spot, _tensor(given), axis if is_whole(axis) else -1, "logsoftmax")


@operation("Gelu")
def gelu(k: Keras, spot: Spot, given: list[Any]) -> View:
    """GELU, exact or by its tanh, which is what keras.ops has by default."""
    exact = _argument(spot, given, 1, "approximate") is False
    return k.alone(spot, "gelu", _tensor(given), **({} if exact else {"approx": "tanh"}))


@operation("Concatenate")
def side_by_side(k: Keras, spot: Spot, given: list[Any]) -> View:
    """Tensors one behind the other."""
    tensors = given[0] if given and isinstance(given[0], list) else given
    return concatenate(k, spot, [_tensor([x]) for x in tensors])


@operation("Reshape")
def reshape(k: Keras, spot: Spot, given: list[Any]) -> View:
    """Other axes; the batch, first, stays as it is."""
    sizes = _argument(spot, given, 1, "newshape", "shape")
    if not isinstance(sizes, list) or not sizes or not all(map(is_whole, sizes)) or sizes[0] != -1:
        raise Unsaid(f"its shape is {shown(sizes)}, whose first axis is not the batch, -1")
    return k.shaped(spot, _tensor(given), sizes[1:])


@operation("Transpose")
def transpose(k: Keras, spot: Spot, given: list[Any]) -> View:
    """The axes in another order."""
    x, axes = _tensor(given), _argument(spot, given, 1, "axes", "perm")
    if not isinstance(axes, list) or not all(map(is_whole, axes)) or sorted(axes) != list(range(len(x.dims))) or axes[0] != 0:
        raise Unsaid(f"its axes are {shown(axes)}")
    return x._replace(dims=tuple([x.dims[at] for at in axes]))


@operation("ExpandDims")
def expanded(k: Keras, spot: Spot, given: list[Any]) -> View:
    """An axis of size 1 more."""
    x, axis = _tensor(given), _argument(spot, given, 1, "axis")
    count = len(x.dims) + 1
    if not is_whole(axis) or not -count < axis < count or axis % count == 0:
        raise Unsaid(f"its axis is {shown(axis)}")
    at = axis % count
    return x._replace(dims=(*x.dims[:at], (), *x.dims[at:]))


@operation("Squeeze")
def squeezed(k: Keras, spot: Spot, given: list[Any]) -> View:
    """An axis of size 1 less."""
    x, axis = _tensor(given), _argument(spot, given, 1, "axis")
    axes = axis if isinstance(axis, list) else [axis]
    if not all(map(is_whole, axes)):
        raise Unsaid(f"its axis is {shown(axis)}")
    gone = {along(x, one) for one in axes}
    if any(x.dims[at] for at in gone):
        raise Unsaid("it takes an axis away that is larger than 1")
    return x._replace(dims=tuple([dim for at, dim in enumerate(x.dims) if at not in gone]))


@operation("Mean", "Max")
def reduced(k: Keras, spot: Spot, given: list[Any]) -> View:
    """The mean or the maximum along an axis, or over all positions."""
    x, axis, keep = _tensor(given), _argument(spot, given, 1, "axis"), _argument(spot, given, 2, "keepdims") is True
    axes = axis if isinstance(axis, list) else [axis]
    if not all(map(is_whole, axes)):
        raise Unsaid(f"its axis is {shown(axis)}")
    gone = sorted({along(x, one) for one in axes})
    rest = [at for at in range(1, len(x.dims)) if at not in gone]
    step = (
        spot.layer.kind.lower() if spot.layer.kind in ("Mean", "Max") else "mean" if "mean" in spot.config.word("function", "") else "max"
    )
    if len(rest) == 1 and len(x.dims) > 3:
        value = k.step(spot, "gap" if step == "mean" else "gmp", k.map(spot, x, rest[0]))
    elif gone == [2] and len(x.dims) == 3 and isinstance(k.flat.type_of(k.value(spot, x)), Tokens):
        value = k.step(spot, step, k.value(spot, x), axis="c")
    elif len(gone) == 1 and len(x.dims) == 3:
        value = k.step(spot, step, k.value(spot, x, rest[0]), axis="t")
    elif len(gone) == 1 and len(x.dims) > 3:
        found = k.back(k.step(spot, step, k.value(spot, x, gone[0]), axis="c"), gone[0])
        return found if keep else found._replace(dims=tuple([dim for at, dim in enumerate(found.dims) if at != gone[0]]))
    else:
        raise Unsaid(f"it goes over the axes {shown(axis)} of {len(x.dims)}")
    channels = k.axis(value, "c")
    return View(value, ((), *[channels if at == rest[0] else () for at in range(1, len(x.dims)) if keep or at == rest[0]]))


@operation("Matmul")
def product(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A product of matrices."""
    first, second = _tensor(given), _argument(spot, given, 1, "x2", "b")
    if not isinstance(second, View) or len(first.dims) != 3 or len(second.dims) != 3:
        raise Unsaid("it multiplies other things than two matrices per example")
    return k.back(k.step(spot, "matmul", k.value(spot, first, 2, "tokens"), k.value(spot, second, 2, "tokens"), x=True))


@operation("GetItem")
def part(k: Keras, spot: Spot, given: list[Any]) -> View:
    """A range along an axis, or one place along it."""
    x, key = _tensor(given), _argument(spot, given, 1, "key", "slice_spec")
    keys = list(key) if isinstance(key, list) else [key]
    at = next((at for at, one in enumerate(keys) if one is ...), len(keys))
    keys[at : at + 1] = [slice(None)] * (len(x.dims) - len(keys) + (at < len(keys)))
    keys = [_sliced(one) for one in keys]
    if not keys or len(keys) > len(x.dims) or keys[0] != slice(None):
        raise Unsaid("it takes a part of the batch")
    gone = 0
    for number, one in enumerate(keys):
        at = number - gone
        if isinstance(one, int):
            if not -x.sizes[at] <= one < x.sizes[at]:
                raise Unsaid(f"it takes place {one} of {x.sizes[at]}")
            x, gone = _place(k, spot, x, at, one), gone + 1
        elif one != slice(None):
            start, stop, step = one.indices(x.sizes[at])
            if step != 1 or start >= stop:
                raise Unsaid(f"it takes every {step}th of {x.sizes[at]}")
            x = k.part(spot, x, at, start, stop)
    return x


def _place(k: Keras, spot: Spot, x: View, at: int, number: int) -> View:
    """One place along a dimension, which is gone then."""
    if at == 1 and len(x.dims) == 3:
        value = k.value(spot, x)
        first = number % x.sizes[at] == 0 and isinstance(k.flat.type_of(value), Tokens)
        return k.of(k.step(spot, "first", value) if first else k.step(spot, "token", value, n=number))
    start = number % x.sizes[at]
    x = k.part(spot, x, at, start, start + 1)
    return x._replace(dims=tuple([dim for place, dim in enumerate(x.dims) if place != at]))


def _sliced(value: Any) -> Any:
    """A part of an index: a slice, in either form, or a number. Raises Unsaid."""
    if isinstance(value, dict) and set(value) == {"start", "stop", "step"} and all(one is None or is_whole(one) for one in value.values()):
        value = slice(value["start"], value["stop"], value["step"])
    if isinstance(value, slice) and value.step != 0:
        return slice(None) if (value.start in (None, 0), value.stop, value.step in (None, 1)) == (True, None, True) else value
    if not is_whole(value):
        raise Unsaid(f"its index is {shown(value)}")
    return value
