"""The IR as a JSON document, version 1, and its JSON Schema.

The document is complete: a network written and read again gives the same document, byte for byte. Graphs stand callees first and
refer to one another by position; values are numbered as in `archspec.ir.graph`. Places refer to the sources, which are part of it.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from archspec.ir.graph import Call, Element, Further, Graph, Input, Instance, Network, Node, Output, Owner
from archspec.ops import STEPS, make
from archspec.source import Source, Span
from archspec.types import Map, Tokens, Type, Vector

VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TypeDoc(_Part):
    """A value's type; `shape` has the channels last."""

    kind: Literal["map", "tokens", "vector"]
    shape: tuple[int, ...]


class OriginDoc(_Part):
    """Where an element was written: characters `start` up to, not including, `end` of a source; `line` counts from 1."""

    source: int
    start: int
    end: int
    line: int


class SourceDoc(_Part):
    """A text of the spec. `name` is what messages call it."""

    name: str
    text: str


class _Several(_Part):
    """A part that writes what only some networks need where it is needed."""

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = write(self)
        return {name: value for name, value in found.items() if value or name not in ("further", "reads", "inside")}


class OwnerDoc(_Several):
    """The element whose weights another uses: its position in the graph that is `up` levels around the other's.

    `inside` is the position of a part of it in the graph that it calls, and so on.
    """

    element: int
    up: int = 0
    tied: bool = False
    inside: tuple[int, ...] = ()


class NodeDoc(_Several):
    """An op applied. `implied` layers were not written (the flatten before `fc`); `numbered` is False where a name takes no position.

    `further` are the types of the op's results after the first.
    """

    op: str
    arguments: dict[str, Any]
    inputs: tuple[int, ...]
    output: TypeDoc
    stem: str
    label: str | None = None
    numbered: bool = True
    implied: bool = False
    owner: OwnerDoc | None = None
    further: tuple[TypeDoc, ...] = ()
    origin: OriginDoc | None = None


class CallDoc(_Part):
    """A graph applied `times` in a row; an `inline` call adds no level to names."""

    call: int
    times: int
    inline: bool
    inputs: tuple[int, ...]
    output: TypeDoc
    stem: str
    label: str | None = None
    numbered: bool = True
    owner: OwnerDoc | None = None
    origin: OriginDoc | None = None


class FurtherDoc(_Part):
    """A result of an element before it, by its value, that is not that value: result `result` of round `round`, both from 0."""

    of: int
    result: int
    round: int
    output: TypeDoc


class InstanceDoc(_Several):
    """The block that a graph is an instance of, and the values of its parameters; lists are sizes or values of rounds.

    `reads` are the names of the graph's inputs after the first.
    """

    block: str
    arguments: dict[str, Any]
    reads: tuple[str, ...] = ()


class GraphDoc(_Several):
    """Elements between inputs and a result; `naming` says how elements without a label are called.

    `further` are the values of its results after the first, by their names, in their order.
    """

    instance: InstanceDoc | None = None
    naming: Literal["ordinal", "index"]
    inputs: tuple[TypeDoc, ...]
    elements: tuple[Annotated[NodeDoc | CallDoc | FurtherDoc, Field(union_mode="left_to_right")], ...]
    result: int
    further: dict[str, int] = {}


class InputDoc(_Part):
    """An input of the network; its value is its position in the list."""

    name: str
    type: TypeDoc
    origin: OriginDoc | None = None


class OutputDoc(_Part):
    """A named value of the top graph. `training` marks an auxiliary head."""

    name: str
    value: int
    training: bool = False


class Document(_Part):
    """A network. The last graph is the top one; `flatten_order` says in which order `flatten` lays out a map."""

    archspec: Literal[1] = 1
    model: str
    meta: dict[str, str]
    params: dict[str, Any]
    flatten_order: Literal["channels_first"] = "channels_first"
    inputs: tuple[InputDoc, ...]
    outputs: tuple[OutputDoc, ...]
    graphs: tuple[GraphDoc, ...]
    sources: tuple[SourceDoc, ...]


def to_json(network: Network) -> str:
    """The document of a network, as text."""
    return json.dumps(_Writer(network).document().model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Network:
    """The network of a document, verified. Raises pydantic.ValidationError where it is none, ValueError where it is not sound."""
    from archspec.ir.verify import verify

    document = Document.model_validate_json(text)
    sources = [Source(source.name, source.text) for source in document.sources]
    graphs: list[Graph] = []
    for doc in document.graphs:
        elements = tuple(_element(element, graphs, sources) for element in doc.elements)
        instance = None
        if doc.instance is not None:
            instance = Instance(doc.instance.block, tuple(_tuples(doc.instance.arguments).items()), doc.instance.reads)
        results = (doc.result, *doc.further.values())
        graphs.append(Graph(tuple(map(_read_type, doc.inputs)), elements, results, doc.naming, instance, tuple(doc.further)))
    if not graphs:
        raise ValueError("a document has at least one graph")
    inputs = tuple(Input(i.name, _read_type(i.type), _span(i.origin, sources)) for i in document.inputs)
    outputs = tuple(Output(o.name, o.value, o.training) for o in document.outputs)
    network = Network(document.model, graphs[-1], inputs, outputs, dict(document.meta), dict(document.params))
    verify(network)
    return network


def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    found = Document.model_json_schema()
    found["$id"] = f"archspec-ir-{VERSION}"
    return found


class _Writer:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.index = {graph: at for at, graph in enumerate(network.graphs())}
        self.sources: dict[Source, int] = {}

    def document(self) -> Document:
        network = self.network
        graphs = tuple(self.graph(graph) for graph in self.index)
        inputs = tuple(InputDoc(name=i.name, type=_type(i.type), origin=self.origin(i.span)) for i in network.inputs)
        return Document(
            model=network.name,
            meta=network.meta,
            params=dict(network.params),
            inputs=inputs,
            outputs=tuple(OutputDoc(**output._asdict()) for output in network.outputs),
            graphs=graphs,
            sources=tuple(SourceDoc(name=source.name, text=source.text) for source in self.sources),
        )

    def graph(self, graph: Graph) -> GraphDoc:
        instance = graph.instance
        return GraphDoc(
            instance=InstanceDoc(block=instance.block, arguments=dict(instance.arguments), reads=instance.reads)
            if instance is not None
            else None,
            naming="index" if graph.naming == "index" else "ordinal",
            inputs=tuple(_type(type_) for type_ in graph.inputs),
            elements=tuple(self.element(element) for element in graph.elements),
            result=graph.result,
            further=dict(zip(graph.names, graph.results[1:], strict=True)),
        )

    def element(self, element: Element) -> NodeDoc | CallDoc | FurtherDoc:
        if isinstance(element, Further):
            return FurtherDoc(of=element.of, result=element.result, round=element.round, output=_type(element.type))
        common: dict[str, Any] = {
            "inputs": element.inputs,
            "output": _type(element.type),
            "stem": element.stem,
            "label": element.label,
            "numbered": element.numbered,
            "owner": OwnerDoc(**element.owner._asdict()) if element.owner is not None else None,
            "origin": self.origin(element.span),
        }
        if isinstance(element, Call):
            return CallDoc(call=self.index[element.graph], times=element.times, inline=element.inline, **common)
        further = tuple(map(_type, element.further))
        return NodeDoc(op=element.op.step, arguments=element.op.arguments(), implied=element.implied, further=further, **common)

    def origin(self, span: Span | None) -> OriginDoc | None:
        if span is None:
            return None
        return OriginDoc(source=self.sources.setdefault(span.source, len(self.sources)), start=span.start, end=span.end, line=span.line)


def _type(type_: Type) -> TypeDoc:
    return TypeDoc.model_construct(kind=type(type_).__name__.lower(), shape=type_.shape)


def _element(doc: NodeDoc | CallDoc | FurtherDoc, graphs: list[Graph], sources: list[Source]) -> Element:
    if isinstance(doc, FurtherDoc):
        return Further((doc.of,), doc.result, doc.round, _read_type(doc.output))
    type_, span = _read_type(doc.output), _span(doc.origin, sources)
    owner = Owner(**doc.owner.model_dump()) if doc.owner is not None else None
    if isinstance(doc, NodeDoc):
        if doc.op not in STEPS:
            raise ValueError(f"there is no layer `{doc.op}`")
        op, further = make(doc.op, _tuples(doc.arguments)), tuple(map(_read_type, doc.further))
        return Node(op, doc.inputs, type_, doc.stem, doc.label, span, doc.numbered, doc.implied, owner, further)
    if not 0 <= doc.call < len(graphs):
        raise ValueError(f"a call names graph {doc.call}, which does not stand before it")
    return Call(graphs[doc.call], doc.inputs, type_, doc.stem, doc.label, span, doc.times, doc.inline, doc.numbered, owner=owner)


def _tuples(value: Any) -> Any:
    """Arguments with JSON's lists, however deep, as the tuples that ops hold."""
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _read_type(doc: TypeDoc) -> Type:
    if doc.kind == "map":
        return Map(doc.shape[:-1], doc.shape[-1])
    return Vector(*doc.shape) if doc.kind == "vector" else Tokens(*doc.shape)


def _span(doc: OriginDoc | None, sources: list[Source]) -> Span | None:
    if doc is None:
        return None
    if not 0 <= doc.source < len(sources):
        raise ValueError(f"a place names source {doc.source}, of {len(sources)}")
    return Span(sources[doc.source], doc.start, doc.end)
