"""The table of Keras's layers: a function for each class, which writes the layers of the language that do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archspec.foreign.equivalents import key as spelled
from archspec.foreign.values import ACTIVATIONS
from archspec.imports.flat import Unsaid
from archspec.imports.keras_config import Settings, is_number, shown, single
from archspec.imports.keras_views import Keras, Spot, along
from archspec.imports.views import View
from archspec.types import Vector

One = Callable[[Keras, Spot, View], View]
Several = Callable[[Keras, Spot, Sequence[View]], View]
ROWS: dict[str, Several] = {}
"""The layers of keras.layers, by their class."""
_WITHOUT = ("ReLU", "LeakyReLU", "ELU", "Softmax", "Activation")
"""The layers without weights that other layers take as their activation."""


def row(*kinds: str) -> Callable[[One], One]:
    """Enter the classes of a layer of one input."""

    def enter(function: One) -> One:
        def of_one(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
            if len(inputs) != 1:
                raise Unsaid(f"it is called with {len(inputs)} values")
            return function(k, spot, inputs[0])

        ROWS.update(dict.fromkeys(kinds, of_one))
        return function

    return enter


def merging(*kinds: str) -> Callable[[Several], Several]:
    """Enter the classes of a layer of several inputs."""

    def enter(function: Several) -> Several:
        ROWS.update(dict.fromkeys(kinds, function))
        return function

    return enter


def activated(k: Keras, spot: Spot, x: View, name: str = "activation") -> View:
    """What an argument `activation` does: a word, a function by its name, or a layer."""
    said = spot.config.get(name)
    if isinstance(said, dict):
        kind, inner = said.get("class_name"), said.get("config")
        if kind == "function" or isinstance(inner, str):
            said = inner
        elif kind in _WITHOUT and isinstance(inner, dict):
            return ROWS[kind](k, spot._replace(layer=spot.layer._replace(kind=kind, config=Settings(inner))), [x])
    if said is None:
        return x
    if not isinstance(said, str):
        raise Unsaid(f"its `{name}` is {shown(said)}")
    return act(k, spot, x, said)


def act(k: Keras, spot: Spot, x: View, word: str) -> View:
    """An activation function by its name."""
    said = ACTIVATIONS.get(spelled(word), "?")
    if said == "?":
        said = {"glu": "glu", "abs": "abs"}.get(spelled(word), "?")
    if said == "?" or said == "prelu":
        return k.unknown(spot, x, word)
    step, *slope = said.split(" ")
    if step in ("softmax", "logsoftmax"):
        return softmax(k, spot, x, -1, step)
    if step == "glu":
        return k.over(spot, "glu", x)
    if step == "hardsigmoid" and k.old:  # Keras 2: 0.2x + 0.5 between 0 and 1, which is that of 1.2x
        return k.alone(spot, "hardsigmoid", k.alone(spot, "mul", x, number=1.2))
    return k.alone(spot, step, x, **{"slope": float(slope[0])} if slope else {}) if step else x


def softmax(k: Keras, spot: Spot, x: View, axis: int, step: str = "softmax") -> View:
    """A softmax along a dimension."""
    at = along(x, axis)
    if at == 1 and len(x.dims) == 3:
        return k.back(k.step(spot, step, k.value(spot, x), axis="t"))
    if isinstance(k.flat.type_of(x.value), Vector) and len(x.dims) == 2:
        return k.alone(spot, step, x)
    return k.over(spot, step, x, at)


def numbers(value: Any) -> list[float]:
    """The numbers of a constant, whatever its axes. Raises Unsaid."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    found = value if isinstance(value, list) else [value]
    if not found or not all(map(is_number, found)):
        raise Unsaid(f"a constant of it is {shown(value)}")
    return [single(one) for one in found]
