"""From a network to a graph of operators."""

from __future__ import annotations

from archspec.backends.onnx.draft import Draft, Operator, Value
from archspec.backends.onnx.fold import fold_batch_norms
from archspec.backends.onnx.layer import BARE, ONE, Layer, Load, Source
from archspec.backends.onnx.operators import ROWS
from archspec.backends.onnx.opsets import Settings
from archspec.backends.registry import Unsupported
from archspec.diagnostics import Diagnostic, SpecError
from archspec.ir.graph import Network
from archspec.ir.walk import Place, flattened, walk
from archspec.source import Span
from archspec.types import Map, Type


def lower(network: Network, settings: Settings, load: Load) -> Draft:
    """The graph of a network in inference: heads that exist in training only are left out.

    `load` makes the values of a tensor when they are asked for. Raises Unsupported for a layer without a row, SpecError where a name
    has two meanings.
    """
    draft = Draft(settings.opset, settings.batch)
    places, kept = needed(network)
    values: dict[str, Source] = {}  # the value in the graph of each input and layer
    spans: dict[str, Span | None] = {}
    readers: dict[str, set[bool]] = {}  # whether what reads a value looks it up, also in layers that are left out
    for place in walk(network):
        for source in place.sources:
            readers.setdefault(source, set()).add(place.node.op.indexes)
    for input_ in network.inputs:
        _claim(input_.name, input_.span, spans)
        kind = "int64" if readers.get(input_.name) == {True} else "float32"
        values[input_.name] = Source(_input(draft, input_.name, input_.type, settings, kind))
    for place in places:
        _claim(place.name, place.node.span, spans)
        like = values[network.inputs[0].name].value if place.name in kept.values() else ""
        values |= zip(place.names, _layer(draft, place, values, load, like), strict=True)
    ends = {name: values[source].value for name, source in kept.items()}
    for name, source in kept.items():
        if name not in (source, ends[name]):
            _claim(name, spans.get(source), spans)
    if settings.fold_bn:
        fold_batch_norms(draft, set(ends.values()))
    for output in network.outputs:
        if output.name in ends:
            kind = "int64" if draft.is_whole(ends[output.name]) else "float32"
            draft.outputs.append(Value(output.name, draft.shape(network.graph.type_of(output.value)), kind))
    _name_outputs(draft, ends)
    read = {name for operator in draft.operators for name in operator.inputs}
    draft.constants = {name: array for name, array in draft.constants.items() if name in read}
    draft.stored = {name: stored for name, stored in draft.stored.items() if name in read}
    return draft


def _claim(name: str, span: Span | None, spans: dict[str, Span | None]) -> None:
    if name in spans:
        message = f"`{name}` would be the name of two values in the ONNX graph"
        other = spans[name]
        secondary = ((other, "here"),) if other is not None else ()
        raise SpecError([Diagnostic("A502", message, span, help="give one of them another label", secondary=secondary)])
    spans[name] = span


def _input(draft: Draft, name: str, type_: Type, settings: Settings, kind: str) -> str:
    """Declare an input; the value that layers read, with the channels first."""
    turned = settings.layout == "nhwc" and isinstance(type_, Map)
    draft.inputs.append(Value(name, (settings.batch, *type_.shape) if turned else draft.shape(type_), kind))
    if not turned:
        return name
    rank, value = len(type_.shape), f"{name}/nchw"
    draft.operators.append(Operator("Transpose", [name], [value], {"perm": [0, rank, *range(1, rank)]}, value, "channels first"))
    draft.types[value] = type_
    return value


def _layer(draft: Draft, place: Place, values: dict[str, Source], load: Load, like: str) -> list[Source]:
    """Add the operators of a layer, which say its line in the spec and its text there; its values, with the batch of `like`, if any."""
    op, span = place.node.op, place.node.span
    row = ROWS.get(op.step)
    if row is None:
        raise Unsupported(f"ONNX has no operator for `{op.step}`", span)
    text = f"{op.step} {op.config(*place.graph.types_of(place.node))}".rstrip()
    about = f"line {span.line}: {text}" if span is not None else text
    layer = Layer(draft, place, tuple(values[source] for source in place.sources), load, about)
    try:
        given = row(layer, op, *layer.types[:1], place.node.type)
    except Unsupported as unsupported:
        raise Unsupported(str(unsupported), span) from None
    made = (given,) if isinstance(given, str) else given
    level = "" if not layer.alike else ONE if layer.values else BARE
    if level and like:
        made = tuple([layer.batched(Source(value, level), type_, like) for value, type_ in zip(made, place.node.types, strict=True)])
        level, layer.alike = "", False
    return [Source(value, level) for value in layer.finish(made)]


def _name_outputs(draft: Draft, ends: dict[str, str]) -> None:
    """Give the output values their names. A value that is an input, or two outputs, is copied."""
    inputs = {value.name for value in draft.inputs}
    renamed = {value: name for name, value in reversed(ends.items()) if value not in inputs}
    for operator in draft.operators:
        operator.inputs = [renamed.get(value, value) for value in operator.inputs]
        operator.outputs = [renamed.get(value, value) for value in operator.outputs]
    draft.types = {renamed.get(value, value): type_ for value, type_ in draft.types.items()}
    for name, value in ends.items():
        if renamed.get(value) != name:
            draft.operators.append(Operator("Identity", [renamed.get(value, value)], [name], {}, name, ""))


def needed(network: Network) -> tuple[list[Place], dict[str, str]]:
    """The layers that the outputs in inference depend on, in order; and for each of these outputs what it comes from."""
    places, ends = flattened(network)
    kept = {output.name: end for output, end in zip(network.outputs, ends, strict=True) if not output.training}
    wanted = set(kept.values())
    found = []
    for place in reversed(places):
        if not wanted.isdisjoint(place.names):
            wanted.update(place.sources)
            found.append(place)
    return found[::-1], kept
