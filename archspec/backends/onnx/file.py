"""Writing a model tensor by tensor, so that memory holds one tensor of weights at a time.

A protobuf message is its fields in any order, and the lengths of the weights are known before their values are, so the graph's bytes
are followed by those of its initialisers: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from onnx import GraphProto, ModelProto, TensorProto

from archspec.backends.onnx.draft import Stored
from archspec.backends.onnx.proto import little

_LIMIT = 2**31 - 1
"""No protobuf is larger: https://protobuf.dev/programming-guides/proto-limits/."""
_ALIGNMENT = 4096
"""External tensors begin at multiples of a page, so that they can be mapped into memory (onnx.proto, TensorProto.external_data)."""


class Emitted(NamedTuple):
    """A model, its graph without weights, and the weights, whose values are made when they are written.

    `note` says how given weights were matched; it is empty if there is nothing to report. `external` asks for the weights in a file
    of their own.
    """

    model: ModelProto
    graph: GraphProto
    stored: Sequence[Stored]
    note: str
    external: bool

    @property
    def fits(self) -> bool:
        """Whether one protobuf can hold the weights."""
        return int(self.model.ByteSize()) + _field_size(_graph_size(self.graph, self.stored)) <= _LIMIT

    @property
    def apart(self) -> bool:
        """Whether the weights need a file of their own."""
        return self.external or not self.fits

    def write(self, stream: BinaryIO, data: BinaryIO | None = None, location: str = "") -> None:
        """Write the model, one tensor at a time; its weights go to `data`, which the model calls `location`, if it is given."""
        inside = self.stored if data is None else ()
        if data is not None:
            self._write_apart(data, location)
        stream.write(self.model.SerializeToString(deterministic=True))
        stream.write(_head(ModelProto.GRAPH_FIELD_NUMBER, _graph_size(self.graph, inside)))
        stream.write(self.graph.SerializeToString(deterministic=True))
        for tensor in inside:
            start = _start(tensor)
            stream.write(_head(GraphProto.INITIALIZER_FIELD_NUMBER, len(start) + tensor.bytes_) + start)
            stream.write(_data(tensor))

    def _write_apart(self, data: BinaryIO, location: str) -> None:
        at = 0
        for tensor in self.stored:
            gap = -at % _ALIGNMENT
            data.write(bytes(gap))
            at += gap
            proto = _header(tensor)
            proto.data_location = TensorProto.EXTERNAL
            for key, value in (("location", location), ("offset", at), ("length", tensor.bytes_)):
                proto.external_data.add(key=key, value=str(value))
            self.graph.initializer.append(proto)
            data.write(_data(tensor))
            at += tensor.bytes_

    def whole(self) -> ModelProto:
        """Return the model in memory. Raises ValueError above 2 GiB, which no protobuf can hold."""
        if not self.fits:
            raise ValueError("weights above 2 GiB do not fit in one ModelProto; `archspec emit onnx -o FILE` writes them beside it")
        self.model.graph.CopyFrom(self.graph)
        for stored in self.stored:
            tensor = _header(stored)
            tensor.raw_data = little(stored.load()).tobytes()
            self.model.graph.initializer.append(tensor)
        return self.model


def _graph_size(graph: GraphProto, stored: Sequence[Stored]) -> int:
    return int(graph.ByteSize()) + sum(_field_size(len(_start(tensor)) + tensor.bytes_) for tensor in stored)


def _field_size(inside: int) -> int:
    """Count the bytes of a field: its tag, its length, and its contents."""
    return len(_head(1, inside)) + inside


def _header(stored: Stored) -> TensorProto:
    """A tensor of weights without its values."""
    return TensorProto(name=stored.name, dims=stored.shape, data_type=TensorProto.FLOAT)


def _start(tensor: Stored) -> bytes:
    """A TensorProto up to its values."""
    head: bytes = _header(tensor).SerializeToString(deterministic=True)
    return head + _head(TensorProto.RAW_DATA_FIELD_NUMBER, tensor.bytes_)


def _data(tensor: Stored) -> memoryview:
    values = little(tensor.load())
    assert values.shape == tensor.shape and values.nbytes == tensor.bytes_, tensor.name
    return values.reshape(-1).data.cast("B")


def _head(field: int, length: int) -> bytes:
    """The start of a field of bytes: its number, which fits in one byte here, and its length.

    The length is in groups of seven bits, the lowest first; all except the last have the eighth bit set.
    """
    *groups, last = (length >> shift & 127 for shift in range(0, max(length.bit_length(), 1), 7))
    return bytes([field << 3 | 2, *(group | 128 for group in groups), last])
