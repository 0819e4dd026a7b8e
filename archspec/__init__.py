"""archspec: a compiler and analyzer for architecture specifications.

model = archspec.load("specs/resnet50.arch", params={"classes": 10})
report = archspec.analyze(model)
report.totals.params
"""

from __future__ import annotations

import typing as _typing

__version__ = "0.1.0"
__all__ = [
    "Block",
    "Builder",
    "Comparison",
    "Compiled",
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
    "compile",
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
    from archspec.analysis.layers import Report, Row, Totals
    from archspec.api import (
        analyze,
        compare,
        compile,
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
    from archspec.elaborate.compiled import Compiled
    from archspec.ir import Network
    from archspec.ir.builder import Block, Builder
    from archspec.views.comparison import Comparison
    from archspec.views.explanation import Explanation
    from archspec.views.figures.drawing import Drawing
    from archspec.views.page import Page
    from archspec.weights.files import Loaded, WeightsError

_HOMES = {
    "Block": "archspec.ir.builder",
    "Builder": "archspec.ir.builder",
    "Comparison": "archspec.views.comparison",
    "Compiled": "archspec.elaborate.compiled",
    "Diagnostic": "archspec.diagnostics",
    "Drawing": "archspec.views.figures.drawing",
    "Explanation": "archspec.views.explanation",
    "Loaded": "archspec.weights.files",
    "Network": "archspec.ir",
    "Page": "archspec.views.page",
    "Report": "archspec.analysis.layers",
    "Row": "archspec.analysis.layers",
    "SpecError": "archspec.diagnostics",
    "Totals": "archspec.analysis.layers",
    "WeightsError": "archspec.weights.files",
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
