"""Where Keras's layers have the tensors of PyTorch's names: one table, whose inverse follows from it.

PyTorch's names, order and layout are the canonical ones. Each row says which canonical tensors a layer has, and makes of them the arrays of its
variables. Sent through it, the positions of numbers say where each number comes from, which is the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from archspec.backends.keras.making_calls import KEEPING
from archspec.ops import STEPS, op_class

Arrays = Mapping[str, Any]
"""Arrays by their names: canonical ones, or those of a layer's variables as they end, `query/kernel`."""


class Layout(NamedTuple):
    """`shapes` are those of the canonical tensors, by name; `placed` makes of these tensors what the variables hold."""

    shapes: dict[str, tuple[int, ...]]
    placed: Callable[[Arrays], dict[str, Any]]

    def taken(self, held: Arrays) -> dict[str, Any]:
        """The canonical tensors of what the variables hold."""
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        starts = np.cumsum([0, *sizes])
        positions = {
            name: np.arange(start, start + size).reshape(shape)
            for (name, shape), start, size in zip(self.shapes.items(), starts, sizes, strict=False)
        }
        whole = np.zeros(int(starts[-1]), dtype=np.float32)
        for name, where in self.placed(positions).items():
            whole[np.asarray(where).reshape(-1)] = np.asarray(held[name]).reshape(-1)
        return {name: whole[where] for name, where in positions.items()}


def variables(layer: Any) -> dict[str, Any]:
    """The variables of a layer by the ends of their paths, `query/kernel`; those of a layer that it was given are not its own."""
    found = {}
    for variable in layer.weights:
        _, own, end = f"/{variable.path}".partition(f"/{layer.name}/")
        if own and not end.endswith("seed_generator_state"):
            found[end] = variable
    return found


def layout_of(layer: Any) -> Layout:
    """The layout of a layer that is built and has weights."""
    held = {name: tuple(variable.shape) for name, variable in variables(layer).items()}
    kind = next((cls.__name__ for cls in type(layer).__mro__ if cls.__name__ in _ROWS and cls.__module__.startswith("keras.")), "")
    if kind:
        return _ROWS[kind](layer, held)
    if type(layer).__name__ not in _TENSORS:
        return Layout(held, dict)
    ((name, shape),) = held.items()
    return Layout({"": shape}, lambda given: {name: given[""].reshape(shape)})


_TENSORS = ("Bias", "ClassToken", "Position", "Scale", "Tensor")
"""Layers that are one tensor, which has the name of the layer; PyTorch may give it further axes of size 1."""
Shapes = dict[str, tuple[int, ...]]


def _renamed(names: Mapping[str, str]) -> Callable[[Any, Shapes], Layout]:
    """Tensors that lie alike, by the canonical names of the variables."""

    def row(layer: Any, held: Shapes) -> Layout:
        order = order_of(layer) if "moving_mean" in held else None
        kept = {name: other for name, other in names.items() if name in held}
        shapes = {other: held[name] for name, other in kept.items()}
        return Layout(shapes, lambda given: {name: _in_order(given[other], order) for name, other in kept.items()})

    return row


def _in_order(array: Any, order: Any) -> Any:
    return array if order is None else array[order]


def _biased(held: Shapes) -> dict[str, tuple[int, ...]]:
    return {"bias": held["bias"]} if "bias" in held else {}


def _with_bias(given: Arrays, kernel: Any) -> dict[str, Any]:
    return {"kernel": kernel, **({"bias": given["bias"]} if "bias" in given else {})}


def _conv(layer: Any, held: Shapes) -> Layout:
    *k, i, o = held["kernel"]
    shapes = {"weight": (o, i, *k), **_biased(held)}
    return Layout(shapes, lambda given: _with_bias(given, np.moveaxis(given["weight"], (0, 1), (-1, -2))))


def _depthwise(layer: Any, held: Shapes) -> Layout:
    *k, c, m = held["kernel"]
    shapes = {"weight": (c * m, 1, *k), **_biased(held)}
    return Layout(shapes, lambda given: _with_bias(given, np.moveaxis(given["weight"].reshape(c, m, *k), (0, 1), (-2, -1))))


def _transposed(layer: Any, held: Shapes) -> Layout:
    *k, o, i = held["kernel"]
    shapes = {"weight": (i, o, *k), **_biased(held)}
    return Layout(shapes, lambda given: _with_bias(given, np.moveaxis(given["weight"], (0, 1), (-1, -2))))


def _dense(layer: Any, held: Shapes) -> Layout:
    i, o = held["kernel"]
    order = order_of(layer)
    return Layout({"weight": (o, i), **_biased(held)}, lambda given: _with_bias(given, _in_order(given["weight"].T, order)))


def _slopes(layer: Any, held: Shapes) -> Layout:
    shape = held["alpha"]
    return Layout({"weight": (int(np.prod(shape)),)}, lambda given: {"alpha": given["weight"].reshape(shape)})


def _attention(layer: Any, held: Shapes) -> Layout:
    """One matrix for queries, keys and values, as torch.nn.MultiheadAttention has it."""
    c, heads, d = held["query/kernel"]
    n, bias = heads * d, "query/bias" in held
    f = held["attention_output/kernel"][-1]
    shapes = {"in_proj_weight": (3 * n, c), **({"in_proj_bias": (3 * n,)} if bias else {}), "out_proj.weight": (f, n)}
    shapes |= {"out_proj.bias": (f,)} if bias else {}

    def placed(given: Arrays) -> dict[str, Any]:
        found: dict[str, Any] = {"attention_output/kernel": given["out_proj.weight"].T.reshape(heads, d, f)}
        for at, name in enumerate(("query", "key", "value")):
            found[f"{name}/kernel"] = given["in_proj_weight"][at * n : (at + 1) * n].T.reshape(c, heads, d)
            if bias:
                found[f"{name}/bias"] = given["in_proj_bias"][at * n : (at + 1) * n].reshape(heads, d)
        return found | ({"attention_output/bias": given["out_proj.bias"]} if bias else {})

    return Layout(shapes, placed)


def _gates(order: tuple[int, ...]) -> Callable[[Any, Shapes], Layout]:
    """A recurrent layer; `order` says which of PyTorch's gates is at each place of Keras's."""

    def row(layer: Any, held: Shapes) -> Layout:
        end = {name: next((path for path in held if path.endswith(f"/{name}")), "") for name in ("kernel", "recurrent_kernel", "bias")}
        (c, rows), n = held[end["kernel"]], held[end["recurrent_kernel"]][0]
        shapes: Shapes = {"weight_ih_l0": (rows, c), "weight_hh_l0": (rows, n)}
        shapes |= {"bias_ih_l0": (rows,), "bias_hh_l0": (rows,)} if end["bias"] else {}

        def turned(array: Any) -> Any:
            return array.reshape(len(order), n, -1)[list(order)].reshape(rows, -1)

        def placed(given: Arrays) -> dict[str, Any]:
            found = {end["kernel"]: turned(given["weight_ih_l0"]).T, end["recurrent_kernel"]: turned(given["weight_hh_l0"]).T}
            if end["bias"]:
                found[end["bias"]] = np.concatenate([turned(given["bias_ih_l0"]).T, turned(given["bias_hh_l0"]).T])
            return found

        return Layout(shapes, placed)

    return row


_AFFINE = {"gamma": "weight", "scale": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_ROWS: dict[str, Callable[[Any, Shapes], Layout]] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _conv),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _transposed),
    **dict.fromkeys(("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization"), _renamed(_AFFINE)),
    "Dense": _dense,
    "Embedding": _renamed({"embeddings": "weight"}),
    "PReLU": _slopes,
    "MultiHeadAttention": _attention,
    "GRU": _gates((1, 0, 2)),
    "LSTM": _gates((0, 1, 2, 3)),
    "SimpleRNN": _gates((0,)),
}
"""The rows by Keras's classes. A layer of archspec's own has the canonical tensors as they are."""
STEMS = {
    "Dense": ("fc", "linear"),
    "BatchNormalization": ("bn",),
    "LayerNormalization": ("ln",),
    "GroupNormalization": ("gn", "instnorm"),
    "RMSNormalization": ("rmsnorm",),
    "Embedding": ("embed",),
    "PReLU": ("prelu",),
    "MultiHeadAttention": ("attn",),
    "GRU": ("gru",),
    "LSTM": ("lstm",),
    "SimpleRNN": ("rnn",),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), ("conv", "dwconv")),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), ("dwconv",)),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), ("deconv",)),
    **{op_class(step).__name__: (step,) for step in STEPS},
}
"""The steps that a class may be: a layer without a label is called by its step and its number."""


def order_of(layer: Any) -> Any:
    """For each row of a layer after a `Flatten`, which of the numbers of PyTorch's flat vector it takes; None where both are in one order.

    What is flat in PyTorch's order is written as `Reshape`, so that the layer before says which of the two it is.
    """
    layer = _before(layer)
    while type(layer).__name__ in KEEPING:
        layer = _before(layer)
    if type(layer).__name__ != "Flatten":
        return None
    shape = tuple(layer._inbound_nodes[0].input_tensors[0].shape[1:])
    if len(shape) < 2:
        return None
    return np.moveaxis(np.arange(int(np.prod(shape))).reshape(shape[-1], *shape[:-1]), 0, -1).reshape(-1)


def _before(layer: Any) -> Any:
    """The layer that gives what another reads when it is first called; None for several."""
    read = list(layer._inbound_nodes[0].input_tensors) if layer._inbound_nodes else []
    return read[0]._keras_history.operation if len(read) == 1 else None
