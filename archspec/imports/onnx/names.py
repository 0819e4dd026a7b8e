"""Names of layers and modules, from what exporters write: names of nodes, notes of modules, and names of weights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from archspec.imports.onnx.keras_scopes import layers_of, scopes_of
from archspec.imports.onnx.model import Node

_NOTES = ("pkg.torch.onnx.name_scopes", "namespace")
_WEIGHT = re.compile(
    r"[._/](?:weight|weights|kernel|w|W|gamma|scale|bias|beta|B|b|running_mean|running_var|mean|var|variance|moving_mean|moving_variance"
    r"|w_\d+|b_\d+|alpha|slope|"
    r"(?:Conv2D|Conv1D|MatMul|BiasAdd|depthwise|FusedBatchNormV3|batchnorm)?/?(?:\w*ReadVariableOp[_\d]*|Cast/ReadVariableOp)(?::0)?"
    r"|(?:weight|bias)_(?:ih|hh)_l\d+(?:_reverse)?|weight_bias|weight_quantized)$"
)
"""What stands behind the name of a layer in that of its weight: of PyTorch, TensorFlow by tf2onnx, MXNet and PaddlePaddle."""
_MADE_UP = re.compile(r"(?:onnx::[A-Za-z]*_|val_|const(?:ant)?[_/]|initializer_?)?\d*|.*_output_\d+|Constant_\d+", re.ASCII)
"""Names that say nothing: those of exporters for values without one."""
_FUNCTION = re.compile(r"Stateful(?:Partitioned)?Call(?:_\d+)?|functional(?:_\d+)?(?:_\d+)?|PartitionedCall(?:_\d+)?")
_CALLED = re.compile(r"_\d+$")
"""What the exporter through TorchScript puts behind a module that is called once more."""
_QUOTED = re.compile(r"'([^']*)'")


Owned = tuple[tuple[tuple[str, int], ...], str, str]
"""The weights of a layer, its module, and its operator."""


def _is_same(one: Owned, other: Owned) -> bool:
    """Whether two layers share their weights: those of one module called twice, or of an operator that borrows those of another.

    Exporters store equal tensors once, so that two norms of different modules may read the same ones.
    """
    return one[0] == other[0] and (one[1] == other[1] or one[2] != other[2] or not one[1] or not other[1])


def says_nothing(name: str) -> bool:
    """Whether a value has no name of its own, only one that an exporter made up."""
    return _MADE_UP.fullmatch(name) is not None


class Names:
    """The module of each node, and names for layers with weights that say which weights are the same."""

    def __init__(self, nodes: Iterable[Node], stored: Iterable[str], producer: str) -> None:
        self._ours = producer == "archspec"
        """Whether layers with the same weights share them wherever they are, since nothing else is stored once."""
        nodes, weights = list(nodes), set(stored)
        self._keras = layers_of([*[node.name for node in nodes], *sorted(weights)]) if producer == "tf2onnx" else {}
        self._scopes = scopes_of(nodes, self._keras) if self._keras else {id(node): _scope(node, self._ours) for node in nodes}
        self._owning = {self._scopes[id(node)] for node in nodes if any(name in weights for name in node.inputs)}
        self._around = {scope.rpartition(".")[0] for scope in set(self._scopes.values()) if scope}
        self._root = "" if self._keras else _common(weights)
        self._within = Counter([level for scope in self._scopes.values() for level in _levels(scope)])
        modules = {found for name in weights if (found := self._named([name]))}
        self._holding = Counter([level for module in modules for level in _levels(module)])
        self._taken: dict[str, Owned] = {}

    def path(self, node: Node) -> str:
        """The module that a layer without weights belongs to: one that is nothing but the layer is left out."""
        scope = self._scopes.get(id(node), "")
        if scope and scope not in self._around and scope not in self._owning:
            scope = scope.rpartition(".")[0]
        return self._inside(scope)

    def layer(self, node: Node) -> str:
        """The module that is a layer with weights and nothing else; empty for another one."""
        scope = self._scopes.get(id(node), "")
        return self._inside(scope) if scope in self._owning - self._around else ""

    def key(self, node: Node, weights: Sequence[tuple[str, int]]) -> str:
        """The name of a layer with these weights, each from a number on: the same for the same weights in the same module."""
        scope = self._scopes.get(id(node), "")
        found = self._named([name for name, _ in weights]) or (self._inside(scope) if scope in self._owning else "")
        if not found:
            return found
        around = found.removesuffix(".0")
        if (
            not self._ours and self._within[around] == 1 >= self._holding[around]
        ):  # the first layer of a row whose batch norm is folded into it
            found = around
        mine = tuple(weights), "" if self._ours else _CALLED.sub("", scope), node.operator
        pending = [found, self._inside(scope), *[f"{found}_{count}" for count in range(2, 100)]]
        return next((name for name in filter(None, pending) if _is_same(self._taken.setdefault(name, mine), mine)), "")

    def tensor(self, weight: tuple[str, int]) -> str:
        """The name of a tensor that is a layer by itself, as far as it has one."""
        name, start = weight
        if says_nothing(name):
            return ""
        label = self._inside(_dotted(name.removesuffix("/weight").split("/")))
        return f"{label}_{start}" if start else label

    def is_named(self, weight: str) -> bool:
        """Whether a tensor is called as a weight."""
        return _WEIGHT.search(weight) is not None and self._named([weight]) != ""

    def _named(self, weights: Sequence[str]) -> str:
        """The name of a layer by those of its weights."""
        for weight in weights:
            if weight in self._keras:
                return self._keras[weight]
            match = _WEIGHT.search(weight)
            if match is not None and not says_nothing(weight):
                return self._inside(_dotted(weight[: match.start()].split("/")))
        return ""

    def _inside(self, scope: str) -> str:
        """A name without the module that all layers are in."""
        return scope.removeprefix(self._root)


def _scope(node: Node, ours: bool) -> str:
    """The module of a node with dots, as far as its exporter says; `ours` calls the last node of a layer as the layer."""
    for note in _NOTES:
        if note in node.notes:
            scopes = _QUOTED.findall(node.notes[note])
            return scopes[-2] if len(scopes) > 1 else ""
    if "/" in node.name:
        return _dotted(node.name.split("/")[:-1])
    return node.name if ours else ""


def _levels(scope: str) -> list[str]:
    """A module and those around it."""
    parts = scope.split(".") if scope else []
    return [".".join(parts[: at + 1]) for at in range(len(parts))]


def _dotted(parts: Iterable[str]) -> str:
    """Nested names with dots; a part that repeats the one before it is what is inside of that: `layer1`, `layer1.0`."""
    found: list[str] = []
    last = ""
    for part in parts:
        if part and not _FUNCTION.fullmatch(part):
            found.append(part.removeprefix(f"{last}.") if last else part)
            last = part
    return ".".join(found)


def _common(weights: Iterable[str]) -> str:
    """The module with a dot that all weights of TensorFlow's names are in; none for those of other frameworks, which have it in a state_dict."""
    named = [weight for weight in weights if not says_nothing(weight)]
    first = named[0].partition("/")[0] if named else ""
    if not first or not all(weight.startswith(f"{first}/") and weight.count("/") > 1 for weight in named):
        return ""
    return f"{first}." if not _FUNCTION.fullmatch(first) else ""
