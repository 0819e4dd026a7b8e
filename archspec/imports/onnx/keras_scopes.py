"""Layers of Keras 3 in files of TensorFlow by tf2onnx: `net_1/conv2_block1_add_1/Add` is in the layer `conv2_block1_add` of `net`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from archspec.imports.keras_homes import homes
from archspec.imports.keras_names import is_counted, levelled
from archspec.imports.onnx.model import Node

_COUNTED = re.compile(r"_\d+$")
"""What TensorFlow puts behind the name of each layer when Keras 3 runs it; what is inside of a layer, as `batchnorm`, has it not."""
_MADE = re.compile(r"__\d+$")
"""What tf2onnx puts behind the names of its own nodes."""
_FOLDED = "ConstantFolding/"
"""What TensorFlow puts before the names of what it computed beforehand."""


def layers_of(names: Iterable[str]) -> dict[str, str]:
    """For names of nodes and of stored tensors the layer that each is in, levels with dots; none where the names are of another form."""
    parted = {name: tuple(_MADE.sub("", name.removeprefix(_FOLDED).removesuffix(":0")).split("/")[:-1]) for name in names if "/" in name}
    scopes = {name: (parts[:1], tuple(takewhile(_COUNTED.search, parts[1:]))) for name, parts in parted.items()}
    if len({root for root, _ in scopes.values()}) != 1 or not all(own or len(parted[name]) == 1 for name, (_, own) in scopes.items()):
        return {}
    plain = {own: "/".join(_COUNTED.sub("", part) for part in own) for _, own in scopes.values() if own}
    if len(set(plain.values())) < len(plain):
        return {}
    dotted = levelled(layer for layer in plain.values() if not is_counted(layer))
    return {name: dotted.get(plain[own], plain[own]) for name, (_, own) in scopes.items() if own}


def scopes_of(nodes: Sequence[Node], layers: Mapping[str, str]) -> dict[int, str]:
    """The module of each node, by its id: its layer, by its own name or that of its weights, or the level that the nodes around it are in."""
    made = {name for node in nodes for name in node.outputs}
    found = {node.outputs[0]: next(filter(None, map(layers.get, (node.name, *node.inputs))), "") for node in nodes}
    levels = {name: layer.rpartition(".")[0] for name, layer in found.items() if layer and not is_counted(layer)}
    reads = {node.outputs[0]: [name for name in node.inputs if name in made] for node in nodes}
    around = homes(reads, levels, {node.outputs[0] for node in nodes if node.operator in _ACTIVATIONS})
    return {id(node): found[name] if (name := node.outputs[0]) in levels else around[name] for node in nodes}


_ACTIVATIONS = (
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Elu",
    "Selu",
    "Clip",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Softmax",
    "Gelu",
    "Swish",
)
