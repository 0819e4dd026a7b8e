"""archspec: a compiler and analyzer for architecture specifications.

model = archspec.load("specs/resnet50.arch", params={"classes": 10})
report = archspec.analyze(model)
report.totals.params
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Diagnostic",
    "Network",
    "Report",
    "SpecError",
    "WeightsError",
    "analyze",
    "compare",
    "draw",
    "emit",
    "load",
    "load_weights",
    "loads",
    "report_page",
    "to_onnx",
    "to_torch",
]

if TYPE_CHECKING:
    from archspec.api import analyze, compare, draw, emit, load, load_weights, loads, report_page, to_onnx, to_torch
    from archspec.diagnostics import Diagnostic, SpecError
    from archspec.ir import Network
    from archspec.report import Report
    from archspec.targets.weights import WeightsError

_HOMES = {
    "Diagnostic": "archspec.diagnostics",
    "Network": "archspec.ir",
    "Report": "archspec.report",
    "SpecError": "archspec.diagnostics",
    "WeightsError": "archspec.targets.weights",
    "analyze": "archspec.api",
    "compare": "archspec.api",
    "draw": "archspec.api",
    "emit": "archspec.api",
    "load": "archspec.api",
    "load_ipython_extension": "archspec.notebook",
    "load_weights": "archspec.api",
    "loads": "archspec.api",
    "report_page": "archspec.api",
    "to_onnx": "archspec.api",
    "to_torch": "archspec.api",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used: `import archspec` alone costs next to nothing."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'archspec' has no attribute {name!r}")
