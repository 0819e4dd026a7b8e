"""What the tests of the ONNX target share: weights that make every layer count, onnxruntime, and what the tools around ONNX get wrong."""

from __future__ import annotations

import numpy as np
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


def enliven(module, inputs, seed=0):
    """Weights under which no layer is idle and the result depends on the input.

    Weights as He et al. 2015, small biases, batch norms with the statistics of the inputs. Their offsets keep most rectifiers open: a
    random network that rectifies half of everything is chaotic, and multiplies the rounding of its first layers a thousandfold.
    """
    generator = torch.Generator().manual_seed(seed)
    for key, tensor in module.state_dict().items():
        last = key.rpartition(".")[2]
        if not tensor.is_floating_point() or last.startswith("running") or last == "relative_coords_table":
            continue
        if tensor.dim() > 1 and last.endswith("weight"):
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
        elif last in ("weight", "gain"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        else:
            tensor.normal_(0, 0.1, generator=generator)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    module.eval()
    for norm in norms:
        if norm.bias is not None:
            norm.bias.data.uniform_(1, 2, generator=generator)
        norm.momentum = 1.0
        norm.train()
    if norms:
        results(module, inputs)
    for norm in norms:  # of a few pooled numbers that are nearly equal it would enlarge the rounding: at most twice
        norm.running_var.data = torch.maximum(norm.running_var, norm.running_mean.square() / 4)
    return module.eval()


def results(module, inputs):
    """What a module puts out in inference, as a list of arrays."""
    with torch.no_grad():
        found = module(*inputs.values())
    values = list(found) if isinstance(found, tuple) else [found]
    return [value.detach().numpy() for value in values if value is not None]


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    source = model if isinstance(model, str) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(ready, inputs):
    return ready.run(None, {name: value.numpy() for name, value in inputs.items()})


def distance(a, b):
    """The largest difference, relative to the largest number."""
    assert a.shape == b.shape
    return float(np.abs(a - b).max() / np.abs(b).max())


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
