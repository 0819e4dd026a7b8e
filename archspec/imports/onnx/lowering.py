"""From nodes to layers: what each value is, what a row may ask of its node, and what becomes of a node without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from struct import pack
from typing import Any

from archspec.diagnostics.visible import visible
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import Digit, viewed
from archspec.imports.onnx.computing import SENSELESS
from archspec.imports.onnx.model import Node, Subgraph
from archspec.imports.onnx.names import Names
from archspec.imports.onnx.nodes import Graph
from archspec.imports.onnx.numbers import REAL, Numbers
from archspec.imports.onnx.regions import Parted
from archspec.imports.onnx.sizing import ONE_BY_ONE, shape_of_result
from archspec.imports.onnx.weights import Weight
from archspec.imports.products import Attending, Scores
from archspec.imports.stored import Computed, Held, held
from archspec.imports.views import View, declared_type
from archspec.types import Type

Row = Callable[["Call"], Any]
ROWS: dict[str, Row] = {}
_CONTROL = frozenset(("If", "Loop", "Scan", "SequenceMap"))
_QUANTIZED = ("Quantize", "Dequantize", "QLinear", "DynamicQuantize", "ConvInteger", "MatMulInteger")
STANDARD = ("", "archspec", "com.microsoft")
"""Domains whose operators have rows."""


_SHOWN = 120
"""Characters of a name in a message."""


def row(*operators: str) -> Callable[[Row], Row]:
    """Register a row under the names of operators."""

    def add(function: Row) -> Row:
        ROWS.update(dict.fromkeys(operators, function))
        return function

    return add


def short(value: float) -> float:
    """The shortest number that is the same in single precision: 1e-05, not 9.999999747378752e-06."""
    for digits in range(1, 10):
        found = float(f"{value:.{digits}g}")
        if abs(found) < 3.4e38 and pack("<f", found) == pack("<f", value):
            return found
    return value


class Call:
    """A node with its values, as rows read it."""

    def __init__(self, lowering: Lowering, node: Node) -> None:
        self.lowering = lowering
        self.node = node
        self.tensors: Attending = lowering.tensors
        self.site = lowering.site(node)

    def __len__(self) -> int:
        return len(self.node.inputs)

    def has(self, at: int) -> bool:
        """Whether an input is given."""
        return at < len(self.node.inputs) and self.node.inputs[at] != ""

    def value(self, at: int = 0) -> Any:
        """An input: a tensor of the network, scores of attention, a stored tensor, or numbers; None where it is left out."""
        return self.lowering.value(self.node.inputs[at]) if self.has(at) else None

    def any(self, at: int) -> Any:
        """An input, as numbers wherever they are known."""
        known = self.lowering.graph.numbers.get(self.node.inputs[at]) if self.has(at) else None
        return known if known is not None else self.value(at)

    def x(self, at: int = 0) -> View:
        """An input that is a tensor of the network. Raises Unsaid."""
        found = self.value(at)
        if isinstance(found, View):
            return found
        raise Unsaid("it takes a stored tensor" if isinstance(found, (Weight, Numbers)) else "it takes scores of attention")

    def numbers(self, at: int) -> Numbers | None:
        """An input that is known; None where it is left out. Raises Unsaid where it depends on the image."""
        if not self.has(at):
            return None
        found = self.lowering.graph.numbers.get(self.node.inputs[at])
        if found is None:
            raise Unsaid(f"its input {at + 1} is computed")
        return found

    def number(self, at: int) -> float | None:
        """An input that is one known number; None where it is another tensor, or left out."""
        return self.lowering.graph.number(self.node.inputs[at]) if self.has(at) else None

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute; numbers in the shortest form."""
        found = self.node.attributes.get(name, default)
        if isinstance(found, Subgraph):
            raise Unsaid("it holds a graph")
        return short(found) if isinstance(found, float) else found

    def listed(self, name: str, at: int) -> tuple[int, ...] | None:
        """Whole numbers that are an input in newer opsets and an attribute in older ones."""
        found = self.numbers(at)
        if found is not None:
            return tuple(map(int, found.values))
        given = self.node.attributes.get(name)
        return tuple(given) if isinstance(given, tuple) else None

    def weight(self, at: int) -> Weight:
        """An input that is a stored tensor. Raises Unsaid."""
        found = self.lowering.graph.weights.get(self.node.inputs[at]) if self.has(at) else None
        if found is None:
            raise Unsaid(f"its input {at + 1}, which is no image, is computed")
        return found

    def stored(self, at: int, shape: Sequence[int] | None = None) -> Stored:
        """Where a stored input is, in a shape if one is given. Raises Unsaid."""
        return placed(self.weight(at), shape)

    def is_matrix(self, at: int) -> bool:
        """Whether an input is stored with two axes, however it is reshaped here."""
        return len(self.lowering.graph.tensors[self.weight(at).name].shape) == 2

    def keyed(self, *weights: int) -> Site:
        """The site of a layer that has these inputs as weights."""
        graph = self.lowering.graph
        given = [self.node.inputs[at] for at in weights if self.has(at)]
        found = [graph.joined[name][0] if name in graph.joined else graph.weights.get(name) for name in given]
        return self.site._replace(key=self.lowering.names.key(self.node, [weight.identity for weight in found if weight is not None]))

    def held(self, at: int) -> Held:
        """An input that is a stored tensor, as a value. Raises Unsaid."""
        return self.lowering.held(self.node, self.weight(at))

    def sizes(self, at: int = 0) -> tuple[int, ...]:
        """The shape of an input."""
        found = self.value(at)
        return sizes_of(found)


def sizes_of(value: Any) -> tuple[int, ...]:
    """The shape of a value. Raises Unsaid."""
    if isinstance(value, View):
        return value.sizes
    if isinstance(value, (Weight, Numbers)):
        return value.shape
    if hasattr(value, "sizes"):
        found: tuple[int, ...] = value.sizes
        return found
    raise Unsaid("its input has no shape")


def placed(weight: Weight, shape: Sequence[int] | None = None) -> Stored:
    """Where a stored tensor is, in a shape if one is given. Raises Unsaid."""
    if weight.kind not in REAL:
        raise Unsaid(f"the stored tensor `{weight.name}` has no real numbers")
    turned = weight.reshaped(shape) if shape is not None and tuple(shape) != weight.shape else weight
    stored = turned.stored() if turned is not None else None
    if stored is None:
        raise Unsaid(f"the stored tensor `{weight.name}` is used in another order than it is stored in")
    return stored


class Lowering:
    """Writes the layers of a graph for images of which there are `batch`."""

    def __init__(self, graph: Graph, flat: Flat, batch: int) -> None:
        self.graph = graph
        self.flat = flat
        self.batch = batch
        self.tensors = Attending(flat, batch)
        self.values: dict[str, Any] = {}
        self.nodes = graph.alive()
        self.names = Names(self.nodes, graph.stored, graph.model.producer)
        self.readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in set(node.inputs):
                self.readers.setdefault(name, []).append(node)

    def value(self, name: str) -> Any:
        """What a value is. Raises Unsaid where nothing is known of it."""
        found = self.values.get(name)
        if found is None:
            found = self.graph.weights.get(name)
        if found is None:
            found = self.graph.numbers.get(name)
        if found is None:
            raise Unsaid("it takes what could not be read")
        return found

    def site(self, node: Node) -> Site:
        """Where a node stands: its name, or its place among the nodes and what it is."""
        name = node.name or (node.outputs[0] if node.outputs else "")
        name, operator = (visible(text.partition("\0")[0])[:_SHOWN] for text in (name, node.operator))
        where = f"node `{name}` ({operator})" if name else f"a node {operator}"
        return Site(operator, where, self.names.path(node), own=self.names.layer(node))

    def held(self, node: Node, weight: Weight) -> Held:
        """A stored tensor as a value of the network."""
        if weight.kind not in REAL or weight.start or prod(weight.shape) != weight.total:
            raise Unsaid(f"a part of the stored tensor `{weight.name}` is used as a value")
        digits = sorted([digit for dim in weight.dims for digit in dim], key=lambda digit: -digit.stride)
        tensor = self.graph.tensors[weight.name]
        if tuple([digit.size for digit in digits]) == tuple([size for size in tensor.shape if size != 1]):
            axes = [at for at, size in enumerate(tensor.shape) if size != 1]
            shape = tensor.shape
        else:
            axes, shape = list(range(len(digits))), tuple([digit.size for digit in digits])
        dims = tuple([tuple([Digit(str(axes[digits.index(digit)]), digit.size, 1) for digit in dim]) for dim in weight.dims])
        return Held(weight.name, shape, dims, weight.name in self.graph.learned, self.names.tensor(weight.identity))

    def run(self) -> None:
        """Write the layers of all nodes that lead to an output."""
        for node in self.nodes:
            if all(name in self.graph.numbers or name in self.graph.weights or name in self.graph.joined for name in node.outputs if name):
                continue
            if not self._repeats_weight(node) and self.graph.compute(node):
                continue
            self._node(node)

    def _repeats_weight(self, node: Node) -> bool:
        """Whether a node repeats a stored tensor for each image, which stays a stored tensor."""
        return (
            node.operator in ("Expand", "Tile")
            and len(node.inputs) > 0
            and node.inputs[0] in self.graph.weights
            and len(self.graph.weights[node.inputs[0]].shape) > 1
        )

    def _node(self, node: Node) -> None:
        site = self.site(node)
        if node.operator in _CONTROL and node.domain == "":
            self.flat.refuse(site, f"`{node.operator}` runs a graph of its own, which depends on what it computes", help_=_EXPORT)
            return
        if node.operator.startswith(_QUANTIZED):
            self.flat.refuse(site, f"`{node.operator}` is a step of quantised numbers", help_="export the network before it is quantised")
            return
        lost = [name for name in node.inputs if name and not self._is_known(name)]
        if lost:
            return  # what it reads was refused
        call = Call(self, node)
        try:
            function = ROWS.get(node.operator) if node.domain in STANDARD else None
            if function is None:
                raise Unsaid(f"the language has no layer for it{f' (domain `{node.domain}`)' if node.domain else ''}")
            found = function(call)
            self._check(node, found)
        except Unsaid as unsaid:
            found = self._opaque(call, str(unsaid))
        except SENSELESS:
            self.flat.refuse(site, f"`{node.operator}` has attributes or inputs that make no sense together")
            return
        for name, value in zip(node.outputs, found if isinstance(found, list) else [found], strict=False):
            if isinstance(value, Numbers):
                self.graph.numbers[name] = value
            elif name and value is not None:
                self.values[name] = value

    def _check(self, node: Node, found: Any) -> None:
        """Compare the shapes of results with what the file says of them, the number of images apart. Raises Unsaid."""
        for name, value in zip(node.outputs, found if isinstance(found, list) else [found], strict=False):
            told = self.graph.shapes.get(name)
            if not isinstance(value, View) or told is None or told.shape is None:
                continue
            sizes = [size if all(digit.axis != "n" for digit in dim) else None for size, dim in zip(value.sizes, value.dims, strict=True)]
            if len(sizes) != len(told.shape) or any(
                isinstance(theirs, int) and size not in (None, theirs) for theirs, size in zip(told.shape[1:], sizes[1:], strict=True)
            ):
                shapes = ("x".join(map(str, shape)) for shape in (told.shape, value.sizes))
                raise Unsaid("its result is {} in the file, and {} by its inputs".format(*map(visible, shapes)))

    def _is_known(self, name: str) -> bool:
        return name in self.values or name in self.graph.numbers or name in self.graph.weights or name in self.graph.stored

    # what the language lacks

    def _opaque(self, call: Call, why: str) -> Any:
        """A node as `custom`, where the shape of its only result is known."""
        node = call.node
        if all(name in self.graph.stored for name in node.outputs):
            try:
                return self._computed(call)
            except Unsaid as unsaid:
                self.flat.refuse(call.site, f"{why}; {unsaid}", help_=_EXPORT)
                return None
        used = [name for name in node.outputs if name and (name in self.readers or name in self.graph.outputs)]
        views = [view for name in node.inputs if name for view in self._views(self.values.get(name))]
        if len(used) != 1 or used[0] != node.outputs[0]:
            self.flat.refuse(call.site, f"{why}; it has several results, or a second one that is used", help_=_EXPORT)
            return None
        shape = self._shape(used[0], node, views)
        if shape is None or not views or 0 in shape or not shape or prod(shape) % self.batch:
            known = f"its result would be {'x'.join(map(str, shape))}" if shape is not None else "the shape of its result is not known"
            self.flat.refuse(call.site, f"{why}; and {known}", help_=_EXPORT)
            return None
        try:
            return self.tensors.declared(self._custom(call, views, declared_type(shape, self.batch), why), shape)
        except Unsaid as unsaid:
            self.flat.refuse(call.site, f"{why}; as `custom`, {unsaid}", help_=_EXPORT)
            return None

    def _computed(self, call: Call) -> Computed:
        """What is computed from stored tensors alone, of which nothing is known but the shape. Raises Unsaid."""
        found = [self.values.get(name) or self.graph.weights.get(name) for name in call.node.inputs if name]
        parts = [part for one in found for part in self._parts(one)]
        shape = self._shape(call.node.outputs[0], call.node, ())
        if shape is None:
            raise Unsaid("the shape of its result, which no image changes, is not known")
        return Computed(held("", shape).dims, tuple(dict.fromkeys(parts)))

    def _parts(self, value: Any) -> tuple[str, ...]:
        """The learned tensors that a value is computed from."""
        if isinstance(value, Weight):
            is_constant = value.total == 1 and not self.names.is_named(value.name)
            return (value.name,) * (value.name in self.graph.learned and not is_constant)
        return value.parts if isinstance(value, Computed) else ()

    @staticmethod
    def _views(value: Any) -> list[View]:
        found = [value] if isinstance(value, View) else value if isinstance(value, tuple) else []
        return [one for one in found if isinstance(one, View)]

    def _custom(self, call: Call, views: Sequence[View], out: Type, why: str) -> int:
        weights = {name: self.graph.weights[name] for name in call.node.inputs if name in self.graph.learned and name in self.graph.weights}
        computed = [self.values.get(name) for name in call.node.inputs if isinstance(self.values.get(name), Computed)]
        weights |= {part: self.graph.weights[part] for one in computed for part in self._parts(one)}
        tensors: dict[str, tuple[int, ...]] = {}
        stored: dict[str, Stored] = {}
        for at, (name, weight) in enumerate(weights.items()):
            own = name.replace("/", ".").rpartition(".")[2]
            own = own if own.isidentifier() and own not in tensors and not own[0].isdigit() and own not in _TAKEN else f"weight{at}"
            tensors[own], stored[own] = weight.shape or (1,), placed(weight)
        site = call.site._replace(key=self.names.key(call.node, [weight.identity for weight in weights.values()])) if weights else call.site
        values = [self.tensors.settled_or_whole(call.site, view)[0] for view in views]
        return self.flat.custom(site, *values, out=out, why=why, tensors=tensors, stored=stored)

    def _shape(self, name: str, node: Node, views: Sequence[View]) -> tuple[int, ...] | None:
        """The shape of a result, as far as the file says it; that of an input for operators on each number by itself."""
        value = self.graph.shapes.get(name)
        if value is not None and value.shape is not None:
            batch = {each.shape[0] for each in self.graph.inputs if each.shape}
            shape = [self.batch if isinstance(size, str) and at == 0 and size in batch else size for at, size in enumerate(value.shape)]
            first = views[0].sizes if views else ()
            if all(isinstance(size, int) for size in shape) and shape:
                return tuple([size for size in shape if isinstance(size, int)])
            if len(shape) == len(first) and all(not isinstance(a, int) or a == b for a, b in zip(shape, first, strict=True)):
                return first
        if views and node.operator in ONE_BY_ONE:
            return views[0].sizes
        try:
            return shape_of_result(node, [sizes_of(self.value(each)) for each in node.inputs if each], self.graph.numbers.get)
        except (Unsaid, *SENSELESS):
            return None


_EXPORT = "export it with other operators, or cut the network before this node"
_TAKEN = frozenset(("name", "out", "macs", "flops", "frozen", "places", "tensors"))


def turned(x: Any, order: Sequence[int]) -> Any:
    """A tensor with its dimensions in another order."""
    if isinstance(x, Weight):
        return x.transposed(order)
    return x._replace(dims=tuple([x.dims[at] for at in order]))


def in_shape(call: Call, x: Any, shape: Sequence[int]) -> Any:
    """A tensor in another shape, with the same order of numbers."""
    if isinstance(x, Weight):
        found = x.reshaped(shape)
        if found is None:
            raise Unsaid(f"the stored tensor `{x.name}` is reshaped in another order than it is stored in")
        return found
    if isinstance(x, View):
        return call.tensors.view(call.site, x, shape)
    if isinstance(x, Scores):
        return call.tensors.regrouped(x, shape)
    if isinstance(x, (Held, Computed)):
        dims = viewed(x.dims, shape)
        if dims is None:
            raise Unsaid("it splits axes of a stored tensor")
        return x._replace(dims=dims)
    if isinstance(x, Parted):
        return x.reshaped(shape)
    raise Unsaid("it takes what is no tensor")
