"""What each tool counts beside products, as its source has it, and whether a number is explained by that.

A number that is not the truth is "by its rule" when all products are in it, each once, and the rest is what the rule adds, to the last
unit. Products that are missing, or counted several times, are wrong whatever rule leads there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Weights = Mapping[str, float]

MACS: dict[str, Weights] = {
    "torchinfo": {"bias": 1, "norm_params": 1},
    "fvcore": {"norm": 2, "norm_layer": 5, "adapt_in": 1, "adapt_called": 1},
    "ptflops aten": {"bias": 1},
    "ptflops pytorch": {
        "bias": 1,
        "norm": 2,
        "norm_layer": 1,
        "relu": 2,
        "relu_called": 1,
        "gelu": 2,
        "softmax": 1,
        "softmax_called": 1,
        "scaled": 1,
        "pool_in": 2,
        "adapt_in": 2,
        "adapt_called": 1,
    },
    "thop": {"norm": 4, "norm_layer": 4, "softmax": 3, "softmax_rows": -1, "average_out": 1, "adapt_in": 1, "adapt_out": 1},
}
"""How often each of a Tally's operations counts as a MAC."""

PARAMS: dict[str, Weights] = {
    "onnx-tool": {"norm_folded_params": -0.5, "norm_alone_params": 1},
    "Keras": {"norm_params": 0.5},
}
"""Likewise for parameters: of a folded batch norm a file keeps one number a channel for two, of another four."""

TEXT = {
    "archspec": "MACs of convolutions and matrix products, attention's two included.",
    "torch": "`FlopCounterMode`, halved, and `sum(p.numel() for p in module.parameters())`: convolutions and matrix products. On a CPU it does "
    "not see into fused attention; of a module on the meta device it sees all.",
    "torchinfo": "a MAC for each weight and bias of a convolution at each position of its output; for each parameter of any other layer, once "
    "an image. So biases count, a norm counts its parameters (`layer_info.py`, `calculate_macs`).",
    "fvcore": "products, without biases; batch norm 2 per number, layer norm 5, adaptive average pooling 1 per number read "
    "(`flop_count.py`, `_DEFAULT_SUPPORTED_OPS`). It logs the operators that it does not know.",
    "ptflops aten": "products and additions of biases (`aten_ops.py`). The backend that its documentation recommends; it must be asked for.",
    "ptflops pytorch": "products and additions of biases; batch norm 2 per number, layer norm 1, softmax 1; ReLU, GELU and pooling 1, which a module "
    "that calls the patched function counts twice (`pytorch_ops.py`). The default.",
    "thop": "products, without biases; norms 4 per number, softmax 3 per number less 1, average pooling 1 per number written, adaptive 1 per number read and 1 "
    "written (`vision/basic_hooks.py`).",
    "calflops": "products alone as MACs; the rest is in its FLOPs (`pytorch_ops.py`).",
    "onnx-tool": "everything in the file, by a table: an addition or comparison 1, a division 4, a square root 24, an exponential 32 (`node.py`). "
    "Parameters are those of the file: the exporter folds batch norms into convolutions; those that stay hold four numbers per channel.",
    "Keras": "parameters alone. The ResNets of keras.applications have biases before their batch norms, which the networks of the other "
    "columns do not have.",
}


def verdict(tool: str, truth: Mapping[str, int], cell: Mapping[str, Any] | None, what: str) -> tuple[str, int | None]:
    """How a tool's `params` or `macs` compare: exact, rule, says (wrong, and it warns), wrong, error, or none; and its number."""
    if cell is None:
        return "none", None
    if "error" in cell:
        return "error", None
    number = cell[what]
    if number is None:
        return "none", None
    if number == truth[what]:
        return "exact", number
    if what == "macs" and "products" in cell:
        return ("rule" if cell["products"] == truth["macs"] else "wrong"), number
    added = sum(weight * truth.get(kind, 0) for kind, weight in (MACS if what == "macs" else PARAMS).get(tool, {}).items())
    if number == truth[what] + added:
        return "rule", number
    return ("says" if cell["said"] else "wrong"), number
