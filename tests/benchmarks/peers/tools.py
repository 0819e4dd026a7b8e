"""How each tool is asked for its numbers, as its documentation shows. Imported by the measured processes only.

A tool's `show` prints what its user reads, and `count` returns (parameters, MACs) as it reports them; None where it reports none.
Both take what `takes` says: a torch module and its input, a Keras model, the path of an ONNX file, or words of archspec's command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

Numbers = tuple[int | None, int | None]


def archspec_count(network: Any) -> Numbers:
    import archspec

    report = archspec.analyze(network)
    assert report.layers  # the whole table, not the totals alone
    return report.totals.params, report.totals.macs


def torch_count(module: Any, x: Any, verbose: bool = False) -> Numbers:
    """Nothing but torch: its counter counts 2 FLOPs per MAC."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=verbose) as counter, torch.no_grad():
        module.eval()(x)
    return sum(p.numel() for p in module.parameters()), counter.get_total_flops() // 2


def torchinfo_count(module: Any, x: Any, **options: Any) -> Numbers:
    import torchinfo

    found = torchinfo.summary(module, input_data=x, device=x.device, **{"verbose": 0, **options})
    return found.total_params, found.total_mult_adds


def fvcore_count(module: Any, x: Any) -> Numbers:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    return parameter_count(module)[""], int(FlopCountAnalysis(module.eval(), x).total())


def fvcore_show(module: Any, x: Any) -> None:
    from fvcore.nn import FlopCountAnalysis, flop_count_table

    print(flop_count_table(FlopCountAnalysis(module.eval(), x)))


def ptflops_count(backend: str, module: Any, x: Any, verbose: bool = False) -> Numbers:
    from ptflops import get_model_complexity_info

    options = {"as_strings": False, "print_per_layer_stat": verbose, "backend": backend}
    macs, params = get_model_complexity_info(module, tuple(x.shape[1:]), input_constructor=lambda _: x, **options)
    return params, macs


def thop_count(module: Any, x: Any, verbose: bool = False) -> Numbers:
    from thop import profile

    macs, params = profile(module, inputs=(x,), verbose=verbose)
    return int(params), int(macs)


def thop_show(module: Any, x: Any) -> None:
    print(thop_count(module, x, verbose=True))


def calflops_count(module: Any, x: Any, verbose: bool = False) -> Numbers:
    from calflops import calculate_flops

    _, macs, params = calculate_flops(module, args=[x], output_as_string=False, print_results=verbose)
    return int(params), int(macs)


def onnx_tool_load(path: str) -> Any:
    import onnx_tool

    return onnx_tool.Model(path, {"verbose": False}).graph


def onnx_tool_count(graph: Any) -> Numbers:
    """What `onnx_tool.model_profile` does, without the printing."""
    import onnx_tool

    graph.graph_reorder_nodes()
    graph.shape_infer()
    graph.profile(exclude_ops=onnx_tool.NoMacsOps)
    return int(graph.params), int(graph.macs[0])


def onnx_tool_products(graph: Any) -> int:
    """What onnx-tool counts for operators that multiply matrices, of a graph that was counted, less its addition of a bias."""
    found = 0
    for node in graph.nodemap.values():
        if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum"):
            found += int(node.macs[0]) - prod(node.outshape) * (len(node.input) > 2)
    return found


def onnx_tool_show(path: str) -> None:
    import onnx_tool

    onnx_tool.model_profile(path)


def keras_count(model: Any) -> Numbers:
    """What `summary` prints as trainable; it reports no operations."""
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    assert any("Trainable params" in line for line in lines)
    return sum(prod(weight.shape) for weight in model.trainable_weights), None


@dataclass(frozen=True)
class Tool:
    """`package` is the distribution, and `imports` the module whose import is not counted in the time of a warm process."""

    package: str
    imports: str
    takes: str
    count: Callable[..., Numbers]
    show: Callable[..., object] | None
    meta: bool = False
    """whether it takes a module of torch's meta device, which has shapes and no numbers"""


_COLUMNS = ("input_size", "output_size", "num_params", "mult_adds")

TOOLS: dict[str, Tool] = {
    "archspec": Tool("archspec-nn", "archspec", "archspec", archspec_count, None),
    "torch": Tool("torch", "torch.utils.flop_counter", "torch", torch_count, partial(torch_count, verbose=True), True),
    "torch meta": Tool("torch", "torch.utils.flop_counter", "torch meta", torch_count, None),
    "torchinfo": Tool("torchinfo", "torchinfo", "torch", torchinfo_count, partial(torchinfo_count, verbose=1, col_names=_COLUMNS), True),
    "fvcore": Tool("fvcore", "fvcore.nn", "torch", fvcore_count, fvcore_show, True),
    "ptflops aten": Tool("ptflops", "ptflops", "torch", partial(ptflops_count, "aten"), partial(ptflops_count, "aten", verbose=True), True),
    "ptflops pytorch": Tool("ptflops", "ptflops", "torch", partial(ptflops_count, "pytorch"), None, True),
    "thop": Tool("thop", "thop", "torch", thop_count, thop_show, True),
    "calflops": Tool("calflops", "calflops", "torch", calflops_count, partial(calflops_count, verbose=True), True),
    "onnx-tool": Tool("onnx-tool", "onnx_tool", "onnx", onnx_tool_count, onnx_tool_show),
    "Keras": Tool("keras", "keras", "keras", keras_count, lambda model: model.summary()),
}
