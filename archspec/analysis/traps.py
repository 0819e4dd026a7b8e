"""Lints of what reads well and means something else: layers that act per position, labels over chains, layers beyond any memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import prod

from archspec.diagnostics import Diagnostic
from archspec.ir.graph import Call, Graph, Network, Node
from archspec.ir.walk import Names
from archspec.ops import STEPS
from archspec.ops.base import POINT, Op
from archspec.source import Span
from archspec.types import Map, Vector

HUGE = 10**9
"""Parameters of one layer above which it is probably not meant."""
_PASSING = {"activation", "smooth", "pool", "adaptive", "regularize"}
"""Families that a reader looks through from a classifier back to its last convolution."""
_LABELS = {"dense": "fc", "convolution": "conv", "batchnorm": "bn", "layernorm": "ln", "groupnorm": "gn", "embedding": "embed"}
"""Labels that name the layer with weights in other words than the step's."""

_SMALLER = {
    "conv": "take a smaller kernel or fewer filters", "deconv": "take a smaller kernel or fewer filters",
    "dwconv": "take a smaller kernel or a smaller multiplier", "embed": "take fewer words or fewer channels",
}  # fmt: skip
"""What makes fewer parameters, of layers without units."""


def finding(
    code: str, message: str, span: Span | None, help_: str | None, severity: str = "warning", notes: tuple[str, ...] = ()
) -> Diagnostic:
    """What a lint reports."""
    return Diagnostic(code, message, span, notes, help_, severity=severity)


def huge(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    """A layer with more than a billion parameters."""
    x = graph.type_of(node.inputs[0])
    count = sum(weight.size for weight in op.weights(x) if weight.role in ("weight", "bias"))
    if count <= HUGE:
        return
    spread, units = _flattened(graph, node.inputs[0]), getattr(op, "n", None)
    help_ = "take fewer units, or a smaller input" if units else _SMALLER.get(op.step, "take a smaller input")
    notes: tuple[str, ...] = ()
    if spread is not None and units:
        few = (spread.channels + 1) * units
        notes = (f"{'*'.join(f'{size:,}' for size in spread.shape)} = {spread.size:,} numbers, and {units:,} units that read each of them",)
        help_ = f"make the map smaller first: `gap` leaves {spread.channels:,} numbers, which makes {few:,} parameters; "
        help_ += "a `pool` leaves part of the positions"
    yield finding(
        "A418", f"this `{op.step}` has {count:,} parameters: {4 * count / 1e9:,.0f} GB of 32-bit floats", node.span, help_, notes=notes
    )


def per_position(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    """A layer that acts on the channels of each position, right behind a convolution, where one that reads all is usual."""
    if _alone_at_each(node, op, graph):
        for before, _, _ in _behind(graph, node.inputs[0]):
            if hasattr(before.op, "f"):
                yield _at_each(node, op, graph)
            if STEPS[before.op.step] not in _PASSING:
                return


def scores_per_position(network: Network) -> Iterator[Diagnostic]:
    """The same at the end of a network, whatever stands between it and the convolution."""
    for output in network.outputs:
        first = None
        for node, op, graph in _behind(network.graph, output.value):
            if not isinstance(node.type, Map):
                break
            if hasattr(op, "f"):
                if first is not None:
                    yield _at_each(*first)
                break
            if _alone_at_each(node, op, graph):
                first = node, op, graph


def label_of_chain(call: Call) -> Iterator[Diagnostic]:
    """A label that is called as the one layer with weights in its chain, so that the layer itself is called otherwise."""
    graph, label = call.graph, call.label
    nodes = [element for element in graph.elements if isinstance(element, Node) and not element.implied]
    if label is None or graph.naming != "index" or len(nodes) < 2 or any(isinstance(e, Call) for e in graph.elements):
        return
    named = [(node, keys) for node in graph.elements if isinstance(node, Node) and (keys := _keys(node, graph))]
    word = label.rstrip("0123456789_.").lower()
    word = word.split("_")[0].rstrip("0123456789")
    if len(named) != 1 or named[0][0] is not nodes[0] or _LABELS.get(word, word) != nodes[0].stem:
        return
    names = Names(f"{label}.", graph.naming)
    name = next(name for node, name in [(e, names(e)) for e in graph.elements] if node is nodes[0])
    key, text = named[0][1][0], nodes[0].span.text if nodes[0].span is not None else nodes[0].stem
    message = f"`{label}` labels the whole line, so the weights of its `{nodes[0].stem}` are called `{name}.{key}`"
    yield finding("A417", message, call.span, f"for `{label}.{key}` write `{label}: {text}` and the rest on the next line", "note")


def _keys(node: Node, graph: Graph) -> list[str]:
    """The names of a node's tensors."""
    return [weight.name for weight in node.op.weights(graph.type_of(node.inputs[0]))]


def _alone_at_each(node: Node, op: Op, graph: Graph) -> bool:
    x = graph.type_of(node.inputs[0])
    return STEPS[op.step] == "linear" and hasattr(op, "n") and isinstance(x, Map) and prod(x.spatial) > 1 and op.reach(x) == POINT


def _at_each(node: Node, op: Op, graph: Graph) -> Diagnostic:
    x, n = graph.type_of(node.inputs[0]), getattr(op, "n", 0)
    assert isinstance(x, Map)
    positions = "x".join(map(str, x.spatial))
    message = f"`{op.step}` acts on the channels of each of the {positions} positions separately, and gives {node.type}"
    help_ = f"`fc {n}` reads the whole map and gives {n}; write `conv k=1 f={n}` if each position is meant separately"
    return finding("A416", message, node.span, help_)


def _flattened(graph: Graph, value: int) -> Map | None:
    """The map that a vector holds the numbers of, where it was a map one layer before."""
    at = value - len(graph.inputs)
    node = graph.elements[at] if at >= 0 else None
    before = graph.type_of(node.inputs[0]) if isinstance(node, Node) else None
    return before if isinstance(before, Map) and isinstance(node, Node) and node.type == Vector(before.size) else None


def _behind(graph: Graph, value: int) -> Generator[tuple[Node, Op, Graph], None, bool]:
    """The layers that a value comes from, last first, as far back as there is one way; the generator's value is whether all were given."""
    while value >= len(graph.inputs):
        element = graph.elements[value - len(graph.inputs)]
        if len(element.inputs) != 1:
            return False
        if isinstance(element, Call):
            if not (yield from _behind(element.graph, element.graph.result)):
                return False
        else:
            yield element, element.op, graph
        value = element.inputs[0]
    return True
