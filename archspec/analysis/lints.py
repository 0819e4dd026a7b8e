"""Lints: networks that are well formed and probably not meant, or mean something else than they seem to.

Each graph is looked at once, however often it is called. Warnings A4xx; those that are only worth knowing are notes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from functools import cache
from math import prod

from archspec.diagnostics import Diagnostic, Diagnostics
from archspec.diagnostics.fix import Fix, Fixes, argued, preceded, removed, written
from archspec.ir.graph import Call, Element, Further, Graph, Network, Node
from archspec.ir.walk import Names
from archspec.ops import STEPS, op_class
from archspec.ops.base import POINT, Op, Weight
from archspec.ops.window import Windowed
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


class Neighbours:
    """Who reads whom in one graph."""

    def __init__(self, network: Network, graph: Graph) -> None:
        self.graph = graph
        self.first = len(graph.inputs)
        self.outputs = {output.value for output in network.outputs} if graph is network.graph else {*graph.results}
        self.readers: list[list[Element]] = [[] for _ in range(self.first + len(graph.elements))]
        for element in graph.elements:
            for value in element.inputs:
                self.readers[value].append(element)

    def unread(self, value: int) -> bool:
        """Whether a value is neither read nor an output."""
        return not self.readers[value] and value not in self.outputs

    def goes_on(self, at: int) -> bool:
        """Whether the element at a position is read by the one after it at most, as a line is by the next."""
        return all(reader is self.graph.elements[at + 1] for reader in self.readers[self.first + at])

    def next(self, at: int) -> Node | None:
        """The one node that reads the element at a position, if nothing else does; implied layers are looked through."""
        readers = self.readers[self.first + at]
        if self.first + at in self.outputs or len(readers) != 1 or not isinstance(readers[0], Node):
            return None
        return self.next(at + 1) if readers[0].implied else readers[0]  # an implied layer comes right after what it reads


def _finding(
    code: str,
    message: str,
    span: Span | None,
    help_: str | None,
    severity: str = "warning",
    notes: tuple[str, ...] = (),
    fixes: Fixes = (),
) -> Diagnostic:
    """What a lint reports."""
    return Diagnostic(code, message, span, notes, help_, severity=severity, fixes=fixes)


def _argued(node: Node, *arguments: str, safe: bool = False) -> Fixes:
    """The fix that gives a layer arguments, where it is a step of the text."""
    return (argued(node.span, *arguments, safe=safe),) if _is_step(node) and node.span is not None else ()


def _is_step(node: Node | None) -> bool:
    return node is not None and node.span is not None and node.span.text.partition(" ")[0] == node.op.step


def _moved(node: Node, before: Element | None) -> Fixes:
    """The fix that puts a layer before another one."""
    if node.span is None or not isinstance(before, Node) or not _is_step(before) or before.span is None:
        return ()
    text = node.span.text
    return tuple(
        Fix(f"put `{text}` before `{before.span.text}`", (*gone.edits, *preceded(before.span, f"{text} | ").edits))
        for gone in removed(node.span)
    )


def lint(network: Network, sink: Diagnostics) -> None:
    """Report what looks unintended."""
    for graph in network.graphs():
        for diagnostic in _findings(network, graph):
            sink.add(diagnostic)


def _findings(network: Network, graph: Graph) -> Iterator[Diagnostic]:
    near = Neighbours(network, graph)
    for at, element in enumerate(graph.elements):
        if isinstance(element, Node):
            for rule in _rules(element.op.step):
                yield from rule(element, element.op, near.next(at), graph)
        elif isinstance(element, Further):
            continue
        elif element.label is not None and near.goes_on(at):
            yield from _label_of_chain(element)
        if near.unread(near.first + at):
            message = f"the result of `{element.label or element.stem}` is never used"
            yield _finding("A409", message, element.span, "merge it, name it as an `output`, or remove it")
    if graph is not network.graph:
        return
    for at, input_ in enumerate(network.inputs):
        if near.unread(at):
            yield _finding("A409", f"the input `{input_.name}` is never used", input_.span, f"begin a chain with `from {input_.name}`")
    yield from _last(network)
    yield from _scores_per_position(network)


def _family(op: Op) -> str:
    family = STEPS[op.step]
    return "activation" if family == "smooth" else family


def _bias_before_norm(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    asked_for = "bias" in op.given  # who writes `bias=yes` means it
    if getattr(op, "bias", False) and not asked_for and after is not None and hasattr(after.op, "momentum"):
        message = f"the bias of `{op.step}` is lost in the batch normalisation that follows, which subtracts the mean"
        help_ = f"write `bias=no`, or `default {op.step} bias=no` for all of them; `bias=yes` if it is meant"
        yield _finding("A401", message, node.span, help_, fixes=_argued(node, "bias=no", safe=True))


def _softmax_inside(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    if after is None:
        return
    step, other = op.step, after.op.step
    if after.op.probabilities or _learns(after, graph):
        gone = removed(node.span) if node.span is not None else ()
        help_ = f"`{step}` belongs at the end of the network"
        yield _finding("A402", f"`{other}` reads the probabilities of `{step}`", after.span, help_, fixes=gone)
    elif _family(after.op) == "regularize":
        at = node.inputs[0] - len(graph.inputs)
        moved = _moved(after, graph.elements[at] if at >= 0 else None)
        yield _finding("A403", f"`{other}` zeroes probabilities of `{step}`", after.span, _before_scores(other), fixes=moved)


def _before_scores(step: str) -> str:
    return f"put `{step}` before the layer that gives the scores"


def _swapped(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    k, f = getattr(op, "k", None), getattr(op, "f", None)
    if isinstance(k, int) and isinstance(f, int) and k >= 16 and f % 2 == 1 and f <= 11:
        message = f"a kernel of {k}x{k} with {f} filters: k and f look swapped"
        yield _finding("A404", message, node.span, f"did you mean `k={f} f={k}`?", fixes=_argued(node, f"k={f}", f"f={k}"))


def _uneven_same(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    if getattr(op, "p", None) != "same":
        return
    s = next((s for s in op.window(*graph.types_of(node)) if s.before != s.after), None)
    if s is not None:
        message = f"`p=same` pads {s.size} unevenly here: {s.before} before and {s.after} after"
        help_ = f"TensorFlow and ONNX pad this way; PyTorch only evenly, for example p={s.after}"
        yield _finding("A408", message, node.span, help_, fixes=_argued(node, f"p={s.after}", "round=floor"))


_IDEMPOTENT = frozenset(("relu", "relu6", "abs"))
"""Layers that change nothing a second time."""


def _twice(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    """Two activations, or two layers of one kind that does not gain by a second."""
    if after is None or (op.probabilities and after.op.probabilities):
        return
    family = _family(op)
    if family != _family(after.op) or (family != "activation" and type(op) is not type(after.op)):
        return
    remove, gone = "remove one of them", after.span
    if after.op.probabilities:
        remove, gone = f"remove `{op.step}`: `{after.op.step}` takes scores of any size and sign", node.span
    elif op.probabilities:
        remove = f"remove `{after.op.step}`"
    message = f"`{after.op.step}` follows `{op.step}` with nothing in between"
    same = op == after.op and op.step in _IDEMPOTENT
    fixes = removed(gone) if gone is not None else ()
    yield _finding("A410", message, after.span, remove, fixes=tuple(fix._replace(safe=same) for fix in fixes))


def _skipping(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    """Windows that leave positions out between them; a window of one position is the usual way to take every second."""
    for slide in op.window(*graph.types_of(node)):
        gap = slide.s - slide.k
        if slide.k > 1 and gap > 0 and slide.d == 1 and slide.out > 1:
            message = f"windows of {slide.k} that move by {slide.s} never read {gap} of every {slide.s} positions"
            help_ = f"use a stride of at most {slide.k}, or a window of at least {slide.s}"
            yield _finding("A420", message, node.span, help_, fixes=_argued(node, f"s={slide.k}"))
            return


def _constant(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    if (found := op.constant(*graph.types_of(node))) is not None:
        better = re.match(r"(?:use|one output node takes) `(\w+)`", found[1])
        fixes = (written(node.span, better[1]),) if better and better[1] in STEPS and node.span is not None and _is_step(node) else ()
        yield _finding("A411", found[0], node.span, found[1], fixes=fixes)


def _linear_pair(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    if after is not None and type(after.op) is type(op) and _family(op) == "linear" and hasattr(op, "n") and _learns(node, graph):
        message = f"two `{op.step}` layers in a row are one linear map"
        fixes = (preceded(after.span, "relu | "),) if after.span is not None and _is_step(after) else ()
        yield _finding("A412", message, after.span, "put an activation such as `relu` between them", fixes=fixes)


def _computed_indexes(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    if after is None or not after.op.indexes:
        return
    if _learns(node, graph) or op.flops(*graph.types_of(node), node.type):
        message = f"`{after.op.step}` needs whole numbers to look up rows, and `{op.step}` does not give them"
        yield _finding("A414", message, after.span, f"`{after.op.step}` belongs right after an input; `linear` takes any numbers")


def _weights(node: Node, graph: Graph) -> tuple[Weight, ...]:
    return node.op.weights(*graph.types_of(node))


def _learns(node: Node, graph: Graph) -> bool:
    return any(weight.role == "weight" for weight in _weights(node, graph))


def _last(network: Network) -> Iterator[Diagnostic]:
    """The network's last layer."""
    graph = network.graph
    at = graph.result - len(graph.inputs)
    last = graph.elements[at] if at >= 0 else None
    if not isinstance(last, Node):
        return
    if last.op.probabilities:
        message = f"the network ends in `{last.op.step}`; most losses take the scores before it"
        yield _finding("A413", message, last.span, None, "note", fixes=removed(last.span) if last.span is not None else ())
    before = graph.elements[at - 1] if at > 0 else None
    scored = isinstance(before, Node) and last.inputs == (graph.result - 1,) and _learns(before, graph)
    if scored and _family(last.op) == "regularize" and isinstance(last.type, Vector):
        message = f"`{last.op.step}` at the end of the network zeroes its outputs in training"
        yield _finding("A403", message, last.span, _before_scores(last.op.step), fixes=_moved(last, before))


def _huge(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    """A layer with more than a billion parameters."""
    count = sum(weight.size for weight in _weights(node, graph) if weight.role in ("weight", "bias"))
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
    message = f"this `{op.step}` has {count:,} parameters: {4 * count / 1e9:,.0f} GB of 32-bit floats"
    fixes = (preceded(node.span, "gap | "),) if spread is not None and units and node.span is not None and _is_step(node) else ()
    yield _finding("A418", message, node.span, help_, notes=notes, fixes=fixes)


def _per_position(node: Node, op: Op, after: Node | None, graph: Graph) -> Iterator[Diagnostic]:
    """A layer that acts on the channels of each position, right behind a convolution, where one that reads all is usual."""
    if _alone_at_each(node, op, graph):
        for before, _, _ in _behind(graph, node.inputs[0]):
            if hasattr(before.op, "f"):
                yield _at_each(node, op, graph)
            if STEPS[before.op.step] not in _PASSING:
                return


def _scores_per_position(network: Network) -> Iterator[Diagnostic]:
    """The same at the end of a network, whatever lies between it and the convolution."""
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


def _label_of_chain(call: Call) -> Iterator[Diagnostic]:
    """A label named like the only layer with weights in its chain, so that the layer itself gets another name."""
    graph, label = call.graph, call.label
    nodes = [element for element in graph.elements if isinstance(element, Node) and not element.implied]
    if label is None or graph.naming != "index" or len(nodes) < 2 or any(isinstance(e, Call) for e in graph.elements):
        return
    stored = [(node, weights) for node in graph.elements if isinstance(node, Node) and (weights := _weights(node, graph))]
    word = label.rstrip("0123456789_.").lower()
    word = word.split("_")[0].rstrip("0123456789")
    if len(stored) != 1 or stored[0][0] is not nodes[0] or _LABELS.get(word, word) != nodes[0].stem:
        return
    node, (first, *_) = stored[0]
    key, text = first.name, node.span.text if node.span is not None else node.stem
    name = Names(f"{label}.", graph.naming)(node)
    message = f"`{label}` labels the whole line, so the weights of its `{node.stem}` are called `{name}.{key}`"
    help_ = f"for `{label}.{key}` write `{label}: {text}` and the rest on the next line"
    yield _finding("A417", message, call.span, help_, "note", fixes=_divided(node))


def _divided(node: Node) -> Fixes:
    """The fix that puts what follows a step on a line of its own."""
    if node.span is None:
        return ()
    source, _, end = node.span
    bar = re.match(r" *\| *", source.text[end:])
    line = source.line(node.span.line)
    indent = line[: len(line) - len(line.lstrip(" "))]
    title = "put the rest on the next line"
    return (written(Span(source, end, end + bar.end()), f"\n{indent}", title=title),) if bar is not None else ()


def _alone_at_each(node: Node, op: Op, graph: Graph) -> bool:
    x = graph.type_of(node.inputs[0])
    return STEPS[op.step] == "linear" and hasattr(op, "n") and isinstance(x, Map) and prod(x.spatial) > 1 and op.reach(x) == POINT


def _at_each(node: Node, op: Op, graph: Graph) -> Diagnostic:
    x, n = graph.type_of(node.inputs[0]), getattr(op, "n", 0)
    assert isinstance(x, Map)
    positions = "x".join(map(str, x.spatial))
    message = f"`{op.step}` acts on the channels of each of the {positions} positions separately, and gives {node.type}"
    help_ = f"`fc {n}` reads the whole map and gives {n}; write `conv k=1 f={n}` if each position is meant separately"
    fixes = (written(node.span, f"fc {n}"),) if node.span is not None and _is_step(node) and not {*op.given} - {"n"} else ()
    return _finding("A416", message, node.span, help_, fixes=fixes)


def _flattened(graph: Graph, value: int) -> Map | None:
    """The map that a vector holds the numbers of, where it was a map one layer before."""
    at = value - len(graph.inputs)
    before = graph.type_of(graph.elements[at].inputs[0]) if at >= 0 else None
    return before if isinstance(before, Map) and graph.type_of(value) == Vector(before.size) else None


def _behind(graph: Graph, value: int) -> Generator[tuple[Node, Op, Graph], None, bool]:
    """The layers that a value comes from, last first, as far back as there is one way; the generator's value is whether all were given."""
    while value >= len(graph.inputs):
        element = graph.elements[value - len(graph.inputs)]
        if len(element.inputs) != 1 or isinstance(element, Further):
            return False
        if isinstance(element, Call):
            if not (yield from _behind(element.graph, element.graph.result)):
                return False
        else:
            yield element, element.op, graph
        value = element.inputs[0]
    return True


Rule = Callable[[Node, Op, Node | None, Graph], Iterator[Diagnostic]]


@cache
def _rules(step: str) -> tuple[Rule, ...]:
    """The rules that can say something about a step."""
    cls = op_class(step)
    fields, family = cls.fields, STEPS[step]
    concerned = {
        _bias_before_norm: "bias" in fields,
        _softmax_inside: cls.probabilities,
        _constant: cls.constant is not Op.constant,
        _swapped: "k" in fields and "f" in fields,
        _uneven_same: issubclass(cls, Windowed),
        _twice: family in ("activation", "smooth", "norm", "regularize"),
        _skipping: issubclass(cls, Windowed),
        _linear_pair: family == "linear",
        _computed_indexes: True,
        _per_position: family == "linear" and "n" in fields,
        _huge: family in ("linear", "conv"),
    }
    return tuple(rule for rule, whether in concerned.items() if whether)
