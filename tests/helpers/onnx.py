"""What the tests of the ONNX target share: weights that make every layer count, onnxruntime, and what the tools around ONNX get wrong."""

from __future__ import annotations

import onnx
import onnxruntime
import torch
from onnx import shape_inference

from archspec.types import Map
from tests.helpers.specs import looked_up

torch.set_num_threads(1)

FAULTS = {
    "Resize": ("onnx", (1, 23), "forgets the name of the batch at Resize"),
}
"""By operator: which tool, up to which version, has which fault. A fault that is mended in a tested version makes a test fail."""


def fault(operators: set[str]) -> str | None:
    """A fault of the installed tools that one of the operators meets."""
    for operator, (tool, last, told) in FAULTS.items():
        version = tuple(int(part) for part in {"onnx": onnx}[tool].__version__.split(".")[:2])
        if operator in operators and version <= last:
            return told
    return None


def batched(type_, count):
    """A type's shape with a batch before it and channels first."""
    return (count, type_.channels, *type_.spatial) if isinstance(type_, Map) else (count, *type_.shape)


def inputs_of(network, count, *, seed=0):
    """Random inputs by name; whole numbers for a table of words."""
    generator, words = torch.Generator().manual_seed(seed), looked_up(network)
    return {
        i.name: torch.randint(0, words[i.name], batched(i.type, count), generator=generator)
        if i.name in words
        else torch.randn(batched(i.type, count), generator=generator)
        for i in network.inputs
    }


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    source = model if isinstance(model, str) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(ready, inputs):
    return ready.run(None, {name: value.numpy() for name, value in inputs.items()})


def dims(value):
    return tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim)


def inferred(model):
    """The shape of every value as onnx infers it alone, ours being hidden from it. Raises where it finds a contradiction."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    graph = shape_inference.infer_shapes(bare, check_type=True, strict_mode=True).graph
    return {value.name: dims(value) for value in [*graph.value_info, *graph.output]}


def declared(model):
    return {value.name: dims(value) for value in [*model.graph.value_info, *model.graph.output]}
