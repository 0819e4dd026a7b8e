"""A draft as onnx.ModelProto, with its weights or with a place left for them."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto
from onnx.helper import make_attribute, make_tensor_value_info

from archspec import __version__
from archspec.analysis.layers import Report
from archspec.backends.arch import expand
from archspec.backends.onnx.draft import Array, Draft, Operator, Value
from archspec.backends.onnx.opsets import OPSETS, Settings
from archspec.diagnostics import SpecError
from archspec.ir.graph import Network

_KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


def model(network: Network, settings: Settings) -> ModelProto:
    """The model without its graph: versions, and the spec and its counts as metadata."""
    proto = ModelProto(ir_version=OPSETS[settings.opset], producer_name="archspec", producer_version=__version__)
    proto.doc_string = network.meta.get("title", "")
    proto.opset_import.add(domain="", version=settings.opset)
    facts = {"archspec.version": __version__}
    with suppress(SpecError):  # a network with layers of several results has no text
        facts["archspec.spec"] = f"arch 1\n{expand(network)}"
    facts |= {f"archspec.{name}": json.dumps(value) for name, value in Report(network).totals.counts().items()}
    for key, text in facts.items():
        proto.metadata_props.add(key=key, value=text)
    return proto


def graph(network: Network, draft: Draft, *, declare: bool = False) -> GraphProto:
    """The graph with its constants and without its weights; `declare` makes inputs of them."""
    proto = GraphProto(name=network.name)
    proto.input.extend(_value(value) for value in draft.inputs)
    if declare:
        proto.input.extend(_value(Value(stored.name, stored.shape)) for stored in draft.stored.values())
    proto.output.extend(_value(value) for value in draft.outputs)
    ends = {value.name for value in [*draft.inputs, *draft.outputs]}
    proto.value_info.extend(_value(Value(name, draft.shape(type_))) for name, type_ in draft.types.items() if name not in ends)
    proto.node.extend(_node(operator) for operator in draft.operators)
    for name, array in draft.constants.items():
        kind = _KINDS[array.dtype.name]
        proto.initializer.append(TensorProto(name=name, dims=array.shape, data_type=kind, raw_data=little(array).tobytes()))
    return proto


def little(array: Array) -> Array:
    """Make an array little-endian and contiguous, as in files; one without axes keeps none."""
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _value(value: Value) -> ValueInfoProto:
    return make_tensor_value_info(value.name, _KINDS[value.kind], value.shape)


def _node(operator: Operator) -> NodeProto:
    proto = NodeProto(op_type=operator.kind, name=operator.name, doc_string=operator.about)
    proto.input.extend(operator.inputs)
    proto.output.extend(operator.outputs)
    proto.attribute.extend(make_attribute(name, value) for name, value in sorted(operator.attributes.items()))
    return proto
