"""Keras's layers that `archspec emit keras` writes: each is a layer of the language, with the arguments that this has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.imported import Stored
from archspec.imports.keras_config import is_whole
from archspec.imports.keras_views import Keras, Spot, Table, places
from archspec.imports.views import View
from archspec.ops import all_classes, make, op_class
from archspec.ops.base import Misfit, Op
from archspec.ops.declare import Unfit
from archspec.types import Map

TRAINING = "TrainingOnly"
"""The layer that marks outputs of training alone."""
_RENAMED = {"name": "function"}
"""Arguments that Keras has for itself are called otherwise in a layer."""


@cache
def _steps() -> dict[str, str]:
    return {kind.__name__: kind.step for kind in all_classes()}


def own(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """The layer of the language that has the name of the class. Raises Unsaid."""
    if spot.layer.kind == TRAINING and len(inputs) == 1:
        return inputs[0]
    if spot.table is not None and len(inputs) == 1:
        return _tied(k, spot, spot.table, inputs[0])
    step = _steps().get(spot.layer.kind)
    if step is None:
        raise Unsaid("the language has no layer of this name")
    kind = op_class(step)
    values = [] if kind.origin else [_value(k, spot, kind, x) for x in inputs]
    given = dict(_arguments(spot, kind))
    types = [k.flat.type_of(value) for value in values]
    try:
        op = make(step, given)
        if not op.takes_values(len(values)):
            raise Unsaid(f"it is called with {len(inputs)} values")
        op.infer(types)
    except Misfit as misfit:
        raise Unsaid(misfit.message) from None
    except Unfit as unfit:
        raise Unsaid(f"`{unfit.argument}={given.get(unfit.argument)}` is no argument of `{step}`") from None
    # a weight has the numbers of ours in their order, and may lack axes of size 1
    weights = {weight.name: Stored((f"{spot.source}/{at}",), (weight.size,)) for at, weight in enumerate(op.weights(*types))}
    return k.back(k.step(spot, step, *values, stored=weights, given=given))


def _tied(k: Keras, spot: Spot, table: Table, x: View) -> View:
    """A product with the table of another layer, or words looked up in it. Raises Unsaid."""
    of, source = table
    if of.kind == "Embedding":
        (v, d), weight = (of.config.count("input_dim"), of.config.count("output_dim")), Stored((f"{source}/0",))
    elif of.kind == "Dense" and of.shape is not None and is_whole(of.shape[-1]):
        (v, d), weight = (of.config.count("units"), of.shape[-1]), Stored((f"{source}/0",), (), (1, 0))
    else:
        raise Unsaid(f"`{of.kind}` has no table")
    if spot.layer.kind == "TiedEmbed":
        value = k.settle(spot.site, k.vector(spot, x), "vector")
        return k.back(k.step(spot, "embed", value, table=f"{source}/0", v=v, d=d, stored={"weight": weight}))
    bias = spot.config.flag("bias", True)
    stored = places({"weight": weight, "bias": spot.weight(0)}, bias)
    return k.over(spot, "linear", x, table=f"{source}/0", n=v, bias=bias, stored=stored)


def _value(k: Keras, spot: Spot, kind: type[Op], x: View) -> int:
    """A tensor as the kind of value that the layer reads; a sequence stays what it is, where both may be read."""
    return k.value(spot, x, kind="map" if kind.takes == (Map,) else "tokens" if Map not in kind.takes else "")


def _arguments(spot: Spot, kind: type[Op]) -> Any:
    """The arguments that are not as they are by default."""
    for name, field in kind.fields.items():
        if name == "frozen":
            continue
        value = _plain(spot.config.given.get(_RENAMED.get(name, name)))
        if name in kind.operands and field.required:
            yield name, True
        elif value is not None and (field.required or value != field.default or type(value) is not type(field.default)):
            yield name, value


def _plain(value: Any) -> Any:
    """An argument as the language has it: Keras marks tuples, and JSON has lists."""
    if isinstance(value, dict) and value.get("class_name") == "__tuple__" and isinstance(value.get("config"), dict):
        value = value["config"].get("value")
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
