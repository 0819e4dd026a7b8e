"""archspec: a compiler and analyzer for architecture specifications.

model = archspec.load("specs/resnet50.arch", params={"classes": 10})
report = archspec.analyze(model)
report.totals.params
"""

from __future__ import annotations

import typing as _typing

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Diagnostic",
    "Drawing",
    "Explanation",
    "Loaded",
    "Network",
    "Page",
    "Report",
    "Row",
    "SpecError",
    "Totals",
    "WeightsError",
    "analyze",
    "compare",
    "draw",
    "emit",
    "explain",
    "load",
    "load_weights",
    "loads",
    "report",
    "report_page",
    "to_onnx",
    "to_torch",
]

if _typing.TYPE_CHECKING:
    from archspec.analysis.report import Report, Row, Totals
    from archspec.api import (
        analyze,
        compare,
        draw,
        emit,
        explain,
        load,
        load_weights,
        loads,
        report,
        report_page,
        to_onnx,
        to_torch,
    )
    from archspec.diagnostics import Diagnostic, SpecError
    from archspec.ir import Network
    from archspec.targets.comparison import Comparison
    from archspec.targets.explanation import Explanation
    from archspec.targets.figures.drawing import Drawing
    from archspec.targets.page import Page
    from archspec.targets.weights import Loaded, WeightsError

_HOMES = {
    "Comparison": "archspec.targets.comparison",
    "Diagnostic": "archspec.diagnostics",
    "Drawing": "archspec.targets.figures.drawing",
    "Explanation": "archspec.targets.explanation",
    "Loaded": "archspec.targets.weights",
    "Network": "archspec.ir",
    "Page": "archspec.targets.page",
    "Report": "archspec.analysis.report",
    "Row": "archspec.analysis.report",
    "SpecError": "archspec.diagnostics",
    "Totals": "archspec.analysis.report",
    "WeightsError": "archspec.targets.weights",
    "load_ipython_extension": "archspec.notebook",
    "report": "",
}
"""Where a name is at home that is not in archspec.api; `report` is a module of its own."""


def __getattr__(name: str) -> _typing.Any:
    """Public names are imported when they are first used: `import archspec` alone costs next to nothing."""
    from importlib import import_module

    if name not in _HOMES and name not in __all__:
        raise AttributeError(f"module 'archspec' has no attribute {name!r}")
    if name == "report":
        return import_module("archspec.report")
    return getattr(import_module(_HOMES.get(name, "archspec.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
