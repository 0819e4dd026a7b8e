"""ONNX files byte by byte, also such as no exporter writes: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import Any

FLOAT, INT64 = 1, 7


def varint(value: int) -> bytes:
    """A number in groups of seven bits."""
    value &= 2**64 - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def field(number: int, value: int | float | str | bytes) -> bytes:
    """A field of a message: a whole number, a number of four bytes, or bytes with their length."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    bytes_ = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(bytes_)) + bytes_


def tensor(name: str, shape: Sequence[int], values: Sequence[float] | bytes = (), kind: int = FLOAT) -> bytes:
    """A TensorProto; without numbers, its numbers are 0."""
    letter = "f" if kind == FLOAT else "q"
    count = 1
    for size in shape:
        count *= size
    raw = (
        values
        if isinstance(values, bytes)
        else pack(f"<{len(values)}{letter}", *values)
        if len(values)
        else bytes(count * (4 if kind == FLOAT else 8))
    )
    return b"".join(field(1, size) for size in shape) + field(2, kind) + field(8, name) + field(9, raw)


def attribute(name: str, value: Any) -> bytes:
    """An AttributeProto of a number, a text, a list of whole numbers, or a tensor as bytes."""
    if isinstance(value, (list, tuple)):
        return field(1, name) + b"".join(field(8, each) for each in value) + field(20, 7)
    if isinstance(value, bytes):
        return field(1, name) + field(5, value) + field(20, 4)
    number, kind = {int: (3, 2), float: (2, 1), str: (4, 3)}[type(value)]
    return field(1, name) + field(number, value) + field(20, kind)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "", domain: str = "", **attributes: Any) -> bytes:
    """A NodeProto."""
    found = b"".join([*(field(1, each) for each in inputs), *(field(2, each) for each in outputs), field(3, name), field(4, operator)])
    found += field(7, domain) if domain else b""
    return found + b"".join(field(5, attribute(key, value)) for key, value in attributes.items())


def value(name: str, shape: Sequence[int | str] | None, kind: int = FLOAT) -> bytes:
    """A ValueInfoProto, also without a shape."""
    if shape is None:
        return field(1, name) + field(2, field(1, field(1, kind)))
    dims = b"".join(field(1, field(2, size) if isinstance(size, str) else field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def graph(nodes: Sequence[bytes], tensors: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]) -> bytes:
    """A GraphProto."""
    fields = ((1, nodes), (5, tensors), (11, inputs), (12, outputs))
    return b"".join(field(number, each) for number, messages in fields for each in messages)


def model(graph_: bytes, opset: int = 17, *more: bytes) -> bytes:
    """A ModelProto."""
    return field(1, 8) + field(7, graph_) + field(8, field(1, "") + field(2, opset)) + b"".join(more)


def line(
    *nodes: bytes, tensors: Sequence[bytes] = (), shape: Sequence[int | str] = ("N", 3, 8, 8), opset: int = 17, last: str = "y"
) -> bytes:
    """A model from an input `x` to an output `y`."""
    return model(graph(nodes, tensors, [value("x", shape)], [value(last, None)]), opset)


def small() -> bytes:
    """A model of a few layers with a residual, shapes that are computed, and an attribute of each kind."""
    return line(
        node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], "/conv/Conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1], auto_pad="NOTSET"),
        node("LeakyRelu", ["a"], ["b"], "/act/LeakyRelu", alpha=0.2),
        node("Add", ["a", "b"], ["c"], "/Add"),
        node("GlobalAveragePool", ["c"], ["d"], "/pool/GlobalAveragePool"),
        node("Shape", ["d"], ["s"], "/Shape"),
        node("Constant", [], ["zero"], "/Constant", value=tensor("", [], [0], INT64)),
        node("Gather", ["s", "zero"], ["n"], "/Gather", axis=0),
        node("Unsqueeze", ["n", "axes"], ["n1"], "/Unsqueeze"),
        node("Concat", ["n1", "rest"], ["shape"], "/Concat", axis=0),
        node("Reshape", ["d", "shape"], ["e"], "/Reshape"),
        node("Gemm", ["e", "fc.weight", "fc.bias"], ["y"], "/fc/Gemm", transB=1, alpha=1.0),
        tensors=[
            tensor("conv.weight", [4, 3, 3, 3]),
            tensor("conv.bias", [4]),
            tensor("fc.weight", [5, 4]),
            tensor("fc.bias", [5]),
            tensor("axes", [1], [0], INT64),
            tensor("rest", [1], [-1], INT64),
        ],
    )
