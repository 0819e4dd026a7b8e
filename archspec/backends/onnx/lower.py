"""From a network to a graph of operators."""

from __future__ import annotations

from archspec.backends.onnx.draft import Draft, Operator, Shape, Value
from archspec.backends.onnx.fold import fold_batch_norms
from archspec.backends.onnx.layer import Layer, Load
from archspec.backends.onnx.operators import ROWS
from archspec.backends.onnx.opsets import Settings
from archspec.backends.registry import Unsupported
from archspec.diagnostics import Diagnostic, SpecError
from archspec.ir.graph import Network
from archspec.ir.walk import Place, flattened
from archspec.source import Span
from archspec.types import Map, Type


def lower(network: Network, settings: Settings, load: Load) -> Draft:
    """The graph of a network in inference: heads that exist in training only are left out.

    `load` makes the values of a tensor when they are asked for. Raises Unsupported for a layer without a
    row, SpecError where a name has two meanings.
    """
    return _Lowering(network, settings, load).run()


class _Lowering:
    def __init__(self, network: Network, settings: Settings, load: Load) -> None:
        self.network = network
        self.settings = settings
        self.load = load
        self.draft = Draft(settings.opset, settings.batch)
        self.places, self.ends = needed(network)
        self.values: dict[str, str] = {}
        """For each input and layer the value that it is in the graph."""
        self.named: dict[str, Span | None] = {}

    def run(self) -> Draft:
        indexes: dict[str, set[bool]] = {}
        for place in self.places:
            for source in place.sources:
                indexes.setdefault(source, set()).add(place.node.op.indexes)
        for input_ in self.network.inputs:
            self.claim(input_.name, input_.span)
            self.input(input_.name, input_.type, whole=indexes.get(input_.name) == {True})
        for place in self.places:
            self.claim(place.name, place.node.span)
            self.layer(place)
        draft = self.draft
        ends = {name: self.values[source] for name, source in self.ends.items()}
        spans = {place.name: place.node.span for place in self.places}
        for name, source in self.ends.items():
            if name not in (source, ends[name]):
                self.claim(name, spans.get(source))
        if self.settings.fold_bn:
            fold_batch_norms(draft, set(ends.values()))
        self.outputs(ends)
        draft.sweep()
        return draft

    def claim(self, name: str, span: Span | None) -> None:
        if name in self.named:
            message = f"`{name}` would be the name of two values in the ONNX graph"
            other = self.named[name]
            secondary = ((other, "here"),) if other is not None else ()
            raise SpecError([Diagnostic("A502", message, span, help="give one of them another label", secondary=secondary)])
        self.named[name] = span

    def input(self, name: str, type_: Type, *, whole: bool) -> None:
        """Declare an input; `whole` is one of whole numbers, which layers look up."""
        draft = self.draft
        turned = self.settings.layout == "nhwc" and isinstance(type_, Map)
        shape: Shape = (self.settings.batch, *type_.shape) if turned else draft.shape(type_)
        draft.inputs.append(Value(name, shape, "int64" if whole else "float32"))
        self.values[name] = name
        if turned:
            rank = len(type_.shape)
            self.values[name] = value = f"{name}/nchw"
            draft.operators.append(Operator("Transpose", [name], [value], {"perm": [0, rank, *range(1, rank)]}, value, "channels first"))
            draft.types[value] = type_

    def layer(self, place: Place) -> None:
        op, type_ = place.node.op, place.node.type
        row = ROWS.get(op.step)
        if row is None:
            raise Unsupported(f"ONNX has no operator for `{op.step}`", place.node.span)
        layer = Layer(self.draft, place, tuple(self.values[source] for source in place.sources), self.load, _about(place))
        value = layer.finish(row(layer, op, layer.types[0], type_))
        self.values[place.name] = value
        if value == place.name:
            self.draft.types[value] = type_

    def outputs(self, ends: dict[str, str]) -> None:
        """Call values as the outputs that they are. One that is an input, or two outputs, is copied."""
        draft = self.draft
        inputs = {value.name for value in draft.inputs}
        renamed: dict[str, str] = {}
        copies = []
        for name, value in ends.items():
            if value in inputs or value in renamed:
                copies.append((name, value))
            else:
                renamed[value] = name
        draft.rename(renamed)
        for name, value in copies:
            draft.operators.append(Operator("Identity", [renamed.get(value, value)], [name], {}, name, ""))
        for output in self.network.outputs:
            if output.name in ends:
                type_ = self.network.graph.type_of(output.value)
                draft.outputs.append(Value(output.name, draft.shape(type_), self.kind(ends[output.name])))

    def kind(self, value: str) -> str:
        return "int64" if self.draft.is_whole(value) else "float32"


def needed(network: Network) -> tuple[list[Place], dict[str, str]]:
    """The layers that the outputs in inference depend on, in order; and for each of these outputs what it comes from."""
    places, ends = flattened(network)
    kept = {output.name: end for output, end in zip(network.outputs, ends, strict=True) if not output.training}
    wanted = set(kept.values())
    found = []
    for place in reversed(places):
        if place.name in wanted:
            wanted.update(place.sources)
            found.append(place)
    return found[::-1], kept


def _about(place: Place) -> str:
    """The line of a layer in the spec, and its text there."""
    node = place.node
    text = f"{node.op.step} {node.op.config(place.graph.type_of(node.inputs[0]))}".rstrip()
    return f"line {node.span.line}: {text}" if node.span is not None else text
