"""An ONNX file as plain data: nodes, attributes, and where the numbers of tensors stand. Subgraphs are not read.

Fields have the numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from archspec.imports.onnx.wire import BYTES, FOUR, NUMBER, Damaged, Pieces, Place, TooLarge, Wire, signed
from archspec.types import LIMIT

MOST_NODES = 100_000
MOST_LISTED = 1_000_000
"""Numbers of one attribute."""
_MOST_AXES = 64
FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT32, UINT64 = range(1, 14)
BFLOAT16 = 16
"""Kinds of numbers: TensorProto.DataType."""


class Tensor(NamedTuple):
    """A stored tensor. `values` are the places of its numbers: the field that they are in, its form, and where it begins and ends.

    `external` says where the numbers of a tensor are that have a file of their own, as the source says it: a location, an offset and a
    length.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    data: Place
    values: tuple[tuple[int, int, int, int], ...]
    external: dict[str, str] | None = None

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)


class Reference(NamedTuple):
    """An attribute that a node takes from the function that it is in."""

    name: str


class Subgraph(NamedTuple):
    """An attribute that is a graph."""


class Node(NamedTuple):
    """An operator on values by their names, an empty one for what is left out. `scopes` are the modules that the exporter says it is in."""

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    notes: dict[str, str]
    overload: str = ""


class Value(NamedTuple):
    """An input or output, or another value with its shape: sizes, names of sizes, or None where nothing is said."""

    name: str
    kind: int | None
    shape: tuple[int | str | None, ...] | None


class Function(NamedTuple):
    """Nodes under a name, on inputs by their names."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    defaults: dict[str, Any]
    nodes: tuple[Node, ...]


class Model:
    """What a file holds. `opsets` are versions by domain, `shapes` what it says of values between layers."""

    def __init__(self) -> None:
        self.producer = ""
        self.opsets: dict[str, int] = {}
        self.nodes: list[Node] = []
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.shapes: dict[str, Value] = {}
        self.tensors: dict[str, Tensor] = {}
        self.functions: dict[tuple[str, str, str], Function] = {}
        self.sparse: list[str] = []
        self.notes: dict[str, str] = {}
        self.graphs = 0


def read_model(pieces: Pieces) -> Model:
    """Read a file. Raises Damaged."""
    return _Reader(pieces).model()


class _Reader:
    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self.wire = Wire(pieces)
        self.nodes = 0
        self.attributes: dict[bytes, tuple[str, Any]] = {}

    def model(self) -> Model:
        model = Model()
        wire, data = self.wire, self.pieces
        for number, form, start, stop in wire.fields(data, 0, data.size):
            if number == 7 and form == BYTES:
                model.graphs += 1
                self._graph(model, start, stop)
            elif number == 2 and form == BYTES:
                model.producer = wire.text(data, start, stop)
            elif number == 8 and form == BYTES:
                domain, version = self._opset(start, stop)
                model.opsets[domain] = version
            elif number == 25 and form == BYTES:
                key, function = self._function(start, stop)
                model.functions.setdefault(key, function)
        return model

    def _graph(self, model: Model, start: int, stop: int) -> None:
        for number, form, a, b in self.wire.fields(self.pieces, start, stop):
            if form != BYTES:
                continue
            if number == 1:
                model.nodes.append(self._node(a, b))
            elif number == 5:
                tensor = self._tensor(self.pieces, a, b)
                if tensor.name in model.tensors:
                    raise Damaged(f"two of its tensors are called `{tensor.name}`")
                model.tensors[tensor.name] = tensor
            elif number == 11:
                model.inputs.append(self._value(a, b))
            elif number == 12:
                model.outputs.append(self._value(a, b))
            elif number == 13:
                value = self._value(a, b)
                model.shapes[value.name] = value
            elif number == 15:
                model.sparse.append(self._sparse(a, b))

    def _opset(self, start: int, stop: int) -> tuple[str, int]:
        domain, version = "", 0
        for number, form, a, b in self.wire.fields(self.pieces, start, stop):
            if number == 1 and form == BYTES:
                domain = self.wire.text(self.pieces, a, b)
            elif number == 2 and form == NUMBER:
                version = signed(a)
        return "" if domain == "ai.onnx" else domain, version

    def _function(self, start: int, stop: int) -> tuple[tuple[str, str, str], Function]:
        names: dict[int, list[str]] = {1: [], 4: [], 5: [], 10: [], 13: []}
        defaults: dict[str, Any] = {}
        nodes = []
        for number, form, a, b in self.wire.fields(self.pieces, start, stop):
            if form != BYTES:
                continue
            if number in names:
                names[number].append(self.wire.text(self.pieces, a, b))
            elif number == 7:
                nodes.append(self._node(a, b))
            elif number == 11:
                name, value = self._attribute(self.pieces, a, b)
                defaults[name] = value
        name, domain, overload = (found[-1] if found else "" for found in (names[1], names[10], names[13]))
        return (_domain(domain), name, overload), Function(tuple(names[4]), tuple(names[5]), defaults, tuple(nodes))

    def _node(self, start: int, stop: int) -> Node:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise TooLarge(f"it has more than {MOST_NODES:,} nodes")
        data, start, stop = self.wire.near(self.pieces, start, stop)
        inputs, outputs, texts = [], [], {3: "", 4: "", 7: "", 8: ""}
        attributes: dict[str, Any] = {}
        notes: dict[str, str] = {}
        text = self.wire.text
        for number, form, a, b in self.wire.fields(data, start, stop):
            if form != BYTES:
                continue
            if number == 1:
                inputs.append(text(data, a, b))
            elif number == 2:
                outputs.append(text(data, a, b))
            elif number in texts:
                texts[number] = text(data, a, b)
            elif number == 5:
                name, value = self._attribute(data, a, b)
                if name in attributes:
                    raise Damaged(f"`{texts[3] or texts[4]}` has two attributes `{name}`")
                attributes[name] = value
            elif number == 9:
                key, note = self._entry(data, a, b)
                notes[key] = note
        return Node(texts[4], _domain(texts[7]), texts[3], tuple(inputs), tuple(outputs), attributes, notes, texts[8])

    def _entry(self, data: Place, start: int, stop: int) -> tuple[str, str]:
        found = {1: "", 2: ""}
        for number, form, a, b in self.wire.fields(data, start, stop):
            if number in found and form == BYTES:
                found[number] = self.wire.text(data, a, b)
        return found[1], found[2]

    def _attribute(self, data: Place, start: int, stop: int) -> tuple[str, Any]:
        """The name and value of an attribute; equal ones, of which there are many, are read once."""
        if data is self.pieces or stop - start > 64:
            return self._read_attribute(data, start, stop)
        key = self.wire.whole(data, start, stop)
        if key not in self.attributes:
            self.attributes[key] = self._read_attribute(key, 0, len(key))
        return self.attributes[key]

    def _read_attribute(self, data: Place, start: int, stop: int) -> tuple[str, Any]:
        wire = self.wire
        name, kind, found = "", 0, {}  # type: str, int, dict[int, Any]
        for number, form, a, b in wire.fields(data, start, stop):
            if number == 1 and form == BYTES:
                name = wire.text(data, a, b)
            elif number == 20 and form == NUMBER:
                kind = a
            elif number == 2 and form == FOUR:
                found[1] = wire.float(data, a, b)
            elif number == 3 and form == NUMBER:
                found[2] = signed(a)
            elif number in (4, 9) and form == BYTES:
                found.setdefault({4: 3, 9: 8}[number], []).append(wire.text(data, a, b))
            elif number == 5 and form == BYTES:
                found[4] = self._tensor(data, a, b)
            elif number in (6, 11) and form == BYTES:
                found[{6: 5, 11: 10}[number]] = Subgraph()
            elif number == 7:
                found.setdefault(6, []).extend(self._floats(data, form, a, b))
            elif number == 8:
                found.setdefault(7, []).extend(wire.packed(data, a, b, MOST_LISTED) if form == BYTES else [signed(a)])
            elif number == 21 and form == BYTES:
                return name, Reference(wire.text(data, a, b))
            if len(found) == 1 and any(isinstance(value, list) and len(value) > MOST_LISTED for value in found.values()):
                raise TooLarge(f"its attribute `{name}` has more than {MOST_LISTED:,} values")
        return name, _value_of(kind, found)

    def _floats(self, data: Place, form: int, start: int, stop: int) -> list[float]:
        if form == FOUR:
            return [self.wire.float(data, start, stop)]
        if form != BYTES or (stop - start) % 4 or stop - start > 4 * MOST_LISTED:
            raise Damaged("a list of numbers is of no such length")
        bytes_ = self.wire.whole(data, start, stop)
        return list(memoryview(bytes_).cast("f")) if _LITTLE else [self.wire.float(bytes_, at, at + 4) for at in range(0, len(bytes_), 4)]

    def _tensor(self, data: Place, start: int, stop: int) -> Tensor:
        data, start, stop = self.wire.near(data, start, stop)
        name, kind, apart = "", 0, False
        shape: list[int] = []
        values = []
        external: dict[str, str] = {}
        for number, form, a, b in self.wire.fields(data, start, stop):
            if number == 1:
                shape.extend(self.wire.packed(data, a, b, _MOST_AXES) if form == BYTES else [signed(a)])
                if len(shape) > _MOST_AXES:
                    raise TooLarge(f"a tensor has more than {_MOST_AXES} axes")
            elif number == 2 and form == NUMBER:
                kind = a
            elif number in _VALUES:
                values.append((number, form, a, b))
            elif number == 8 and form == BYTES:
                name = self.wire.text(data, a, b)
            elif number == 13 and form == BYTES:
                key, note = self._entry(data, a, b)
                external[key] = note
            elif number == 14 and form == NUMBER:
                apart = a == 1
        if any(size < 0 for size in shape):
            raise Damaged(f"the tensor `{name}` has an axis of {min(shape)}")
        if prod(shape) > LIMIT:
            raise TooLarge(f"the tensor `{name}` would have {prod(shape):,} numbers")
        return Tensor(name, tuple(shape), kind, data, tuple(values), external if apart else None)

    def _sparse(self, start: int, stop: int) -> str:
        for number, form, a, b in self.wire.fields(self.pieces, start, stop):
            if number == 1 and form == BYTES:
                return self._tensor(self.pieces, a, b).name
        return ""

    def _value(self, start: int, stop: int) -> Value:
        data, start, stop = self.wire.near(self.pieces, start, stop)
        name, kind, shape = "", None, None  # type: str, int | None, tuple[int | str | None, ...] | None
        for number, form, a, b in self.wire.fields(data, start, stop):
            if number == 1 and form == BYTES:
                name = self.wire.text(data, a, b)
            elif number == 2 and form == BYTES:
                for which, inner, c, d in self.wire.fields(data, a, b):
                    if which == 1 and inner == BYTES:
                        kind, shape = self._tensor_type(data, c, d)
        return Value(name, kind, shape)

    def _tensor_type(self, data: Place, start: int, stop: int) -> tuple[int, tuple[int | str | None, ...] | None]:
        kind, shape = 0, None  # type: int, tuple[int | str | None, ...] | None
        for number, form, a, b in self.wire.fields(data, start, stop):
            if number == 1 and form == NUMBER:
                kind = a
            elif number == 2 and form == BYTES:
                dims = [(which, inner, c, d) for which, inner, c, d in self.wire.fields(data, a, b) if which == 1]
                if len(dims) > _MOST_AXES:
                    raise TooLarge(f"a value has more than {_MOST_AXES} axes")
                shape = tuple([self._size(data, c, d) for _, inner, c, d in dims if inner == BYTES])
        return kind, shape

    def _size(self, data: Place, start: int, stop: int) -> int | str | None:
        found: int | str | None = None
        for number, form, a, b in self.wire.fields(data, start, stop):
            if number == 1 and form == NUMBER:
                found = signed(a)
            elif number == 2 and form == BYTES:
                found = self.wire.text(data, a, b)
        return found or None


_LITTLE = memoryview(b"\1\0\0\0").cast("i")[0] == 1
_VALUES = frozenset((4, 5, 6, 7, 9, 10, 11))
"""The fields of a tensor that hold its numbers."""


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _value_of(kind: int, found: dict[int, Any]) -> Any:
    """The value of an attribute by its type; in files without types, which are of 2018 or earlier, that which is there."""
    if kind in (6, 7, 8):
        return tuple(found.get(kind, ()))
    if kind == 3 or (not kind and 3 in found):
        return found[3][-1] if 3 in found else ""
    if kind == 1 or kind == 2:
        return found.get(kind, 0)
    if kind:
        return found.get(kind)
    value = next(iter(found.values()), None)
    return tuple(value) if isinstance(value, list) else value
