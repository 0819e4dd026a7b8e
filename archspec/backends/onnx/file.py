"""Writing a model tensor by tensor, so that memory holds one tensor of weights at a time.

A protobuf message is its fields in any order, and the lengths of the weights are known before their values are, so the graph's bytes
are followed by those of its initialisers: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from typing import BinaryIO

from onnx import GraphProto, ModelProto, TensorProto

from archspec.backends.onnx.draft import Stored
from archspec.backends.onnx.proto import header, little

_ALIGNMENT = 4096
"""External tensors begin at multiples of a page, so that they can be mapped into memory (onnx.proto, TensorProto.external_data)."""


def size(model: ModelProto, graph: GraphProto, stored: list[Stored]) -> int:
    """Bytes of a model with its weights inside."""
    return int(model.ByteSize()) + _field_size(_graph_size(graph, stored))


def write(file: BinaryIO, model: ModelProto, graph: GraphProto, stored: list[Stored]) -> None:
    """Write a model with its weights inside."""
    file.write(model.SerializeToString(deterministic=True))
    file.write(_tag(ModelProto.GRAPH_FIELD_NUMBER) + _varint(_graph_size(graph, stored)))
    file.write(graph.SerializeToString(deterministic=True))
    for tensor in stored:
        start = _start(tensor)
        file.write(_tag(GraphProto.INITIALIZER_FIELD_NUMBER) + _varint(len(start) + tensor.bytes_) + start)
        file.write(_data(tensor))


def write_external(file: BinaryIO, data: BinaryIO, location: str, model: ModelProto, graph: GraphProto, stored: list[Stored]) -> None:
    """Write a model and, to `data`, its weights; `location` is what the model calls that file."""
    at = 0
    for tensor in stored:
        gap = -at % _ALIGNMENT
        data.write(bytes(gap))
        at += gap
        proto = header(tensor)
        proto.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", at), ("length", tensor.bytes_)):
            proto.external_data.add(key=key, value=str(value))
        graph.initializer.append(proto)
        data.write(_data(tensor))
        at += tensor.bytes_
    write(file, model, graph, [])


def _graph_size(graph: GraphProto, stored: list[Stored]) -> int:
    return int(graph.ByteSize()) + sum(_field_size(len(_start(tensor)) + tensor.bytes_) for tensor in stored)


def _field_size(inside: int) -> int:
    """Bytes of a field with so many inside: its tag, its length, and those."""
    return 1 + len(_varint(inside)) + inside


def _start(tensor: Stored) -> bytes:
    """A TensorProto up to its values."""
    head: bytes = header(tensor).SerializeToString(deterministic=True)
    return head + _tag(TensorProto.RAW_DATA_FIELD_NUMBER) + _varint(tensor.bytes_)


def _data(tensor: Stored) -> memoryview:
    values = little(tensor.load())
    assert values.shape == tensor.shape and values.nbytes == tensor.bytes_, tensor.name
    return values.reshape(-1).data.cast("B")


def _tag(field: int) -> bytes:
    """The start of a field of bytes; the numbers of those written here fit in one byte."""
    return bytes([field << 3 | 2])


def _varint(number: int) -> bytes:
    """Groups of seven bits, the lowest first; all except the last have the eighth bit set."""
    *groups, last = (number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7))
    return bytes([*(group | 128 for group in groups), last])
