"""Operators on numbers one by one, and softmax, as layers."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.onnx.lowering import Call, Row, row, short
from archspec.imports.onnx.numbers import REAL
from archspec.imports.onnx.patterns import bounds
from archspec.imports.products import Scores
from archspec.imports.views import View


def _plain(step: str, **arguments: tuple[str, Any]) -> Row:
    """A layer whose arguments are attributes with defaults."""

    def made(call: Call) -> View:
        given = {name: float(call.attribute(*attribute)) for name, attribute in arguments.items()}
        return call.tensors.pointwise(call.site, call.x(), step, **given)

    return made


for _operator, _step, _arguments in (
    ("Relu", "relu", {}),
    ("Sigmoid", "sigmoid", {}),
    ("Tanh", "tanh", {}),
    ("Abs", "abs", {}),
    ("Softplus", "softplus", {}),
    ("Mish", "mish", {}),
    ("HardSwish", "hardswish", {}),
    ("LeakyRelu", "leaky", {"slope": ("alpha", 0.01)}),
    ("Elu", "elu", {"alpha": ("alpha", 1.0)}),
):  # type: str, str, dict[str, tuple[str, Any]]
    row(_operator)(_plain(_step, **_arguments))


@row("Activation")
def _activation(call: Call) -> View:
    given = {name: value for name, value in call.node.attributes.items() if name != "step"}
    return call.tensors.pointwise(call.site, call.x(), call.node.attributes["step"], **given)


@row("Selu")
def _selu(call: Call) -> View:
    if not isclose(call.attribute("alpha", 1.67326), 1.67326, rel_tol=1e-5) or not isclose(
        call.attribute("gamma", 1.0507), 1.0507, rel_tol=1e-5
    ):
        raise Unsaid("its numbers are not those of SELU")
    return call.tensors.pointwise(call.site, call.x(), "selu")


@row("Gelu", "FastGelu")
def _gelu(call: Call) -> View:
    tanh = call.node.operator == "FastGelu" or call.attribute("approximate", "none") == "tanh"
    if len(call) > 1:
        raise Unsaid("it adds biases first")
    return call.tensors.pointwise(call.site, call.x(), "gelu", **({"approx": "tanh"} if tanh else {}))


@row("Swish")
def _swish(call: Call) -> View:
    if call.attribute("alpha", 1.0) != 1:
        raise Unsaid("its factor is not 1")
    return call.tensors.pointwise(call.site, call.x(), "silu")


@row("HardSigmoid")
def _hard_sigmoid(call: Call) -> View:
    if not isclose(call.attribute("alpha", 0.2), 1 / 6, rel_tol=1e-3) or call.attribute("beta", 0.5) != 0.5:
        raise Unsaid("its slope is not 1/6")
    return call.tensors.pointwise(call.site, call.x(), "hardsigmoid")


@row("Clip")
def _clip(call: Call) -> View:
    found = bounds(call.lowering.graph, call.node)
    if found == (0.0, None):
        return call.tensors.pointwise(call.site, call.x(), "relu")
    if found != (0.0, 6.0):
        raise Unsaid(f"it cuts off below {found[0]} and above {found[1]}")
    return call.tensors.pointwise(call.site, call.x(), "relu6")


@row("PRelu")
def _prelu(call: Call) -> View:
    x, slope = call.x(), call.weight(1)
    site = call.keyed(1)
    if slope.total == 1:
        value = call.lowering.flat.step(site, "prelu", x.value, stored={"weight": call.stored(1, (1,))})
        return x._replace(value=value)
    aligned = (*(1,) * (len(x.dims) - len(slope.shape)), *slope.shape)
    spread = [at for at, size in enumerate(aligned) if size != 1]
    if len(spread) != 1:
        raise Unsaid("it has slopes along several axes")
    return call.tensors.on_channels(site, x, spread[0], "prelu", shared=False, stored={"weight": call.stored(1, (slope.total,))})


@row("Dropout")
def _dropout(call: Call) -> Any:
    x = call.value()
    ratio = call.number(1) if call.has(1) else call.attribute("ratio", 0.5)
    if not isinstance(x, View) or not ratio or not 0 <= ratio < 1 or len([name for name in call.node.outputs if name]) > 1:
        return [x]
    return [call.tensors.pointwise(call.site, x, "dropout", p=short(float(ratio)))]


@row("Identity", "Cast", "CastLike")
def _same(call: Call) -> Any:
    found = call.value()
    indexes = all(node.operator == "Gather" for node in call.lowering.readers.get(call.node.outputs[0], ()))
    if call.node.operator == "Cast" and call.node.attributes.get("to") not in REAL and isinstance(found, (View, Scores)) and not indexes:
        raise Unsaid("it makes numbers of another kind")
    return found


@row("Softmax", "LogSoftmax")
def _softmax(call: Call) -> Any:
    x = call.value()
    before = call.lowering.graph.opset < 13
    axis = call.attribute("axis", 1 if before else -1)
    shape = call.sizes()
    axis %= len(shape)
    if before and any(size != 1 for size in shape[axis + 1 :]):
        raise Unsaid("it takes all axes from one on together, as before opset 13")
    if isinstance(x, Scores):
        if axis != len(shape) - 1 or call.node.operator == "LogSoftmax":
            raise Unsaid("it weighs queries, not keys")
        return x._replace(weighed=True)
    return call.tensors.softmax(call.site, call.x(), axis, "softmax" if call.node.operator == "Softmax" else "logsoftmax")


_ATEN: Mapping[str, str] = {
    name: f"aten.{name.lower()}"
    for name in [
        "Exp",
        "Log",
        "Sqrt",
        "Neg",
        "Reciprocal",
        "Floor",
        "Ceil",
        "Round",
        "Erf",
        "Sign",
        "Sin",
        "Cos",
        "Tan",
        "Asin",
        "Acos",
        "Atan",
        "Sinh",
        "Cosh",
    ]
}
"""Operators on numbers one by one that PyTorch has under the same name."""


def _function(name: str) -> Row:
    def made(call: Call) -> View:
        x = call.x()
        x = call.tensors.cut(call.site, x)
        site = call.site._replace(operator=name)
        return x._replace(value=call.lowering.flat.custom(site, x.value, out=None, why="the language has no layer for it"))

    return made


for _operator, _name in _ATEN.items():
    row(_operator)(_function(_name))
