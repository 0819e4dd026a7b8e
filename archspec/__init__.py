"""archspec: a compiler and analyzer for architecture specifications.

model = archspec.load("specs/resnet50.arch", params={"classes": 10})
report = archspec.analyze(model)
report.totals.params
"""

from __future__ import annotations

import typing as _typing

__version__ = "0.1.0"

if _typing.TYPE_CHECKING:
    from archspec.analysis.layers import Report as Report
    from archspec.analysis.layers import Row as Row
    from archspec.analysis.layers import Totals as Totals
    from archspec.analysis.training import TrainingMemory as TrainingMemory
    from archspec.api import analyze as analyze
    from archspec.api import compare as compare
    from archspec.api import compile as compile
    from archspec.api import draw as draw
    from archspec.api import emit as emit
    from archspec.api import explain as explain
    from archspec.api import load_weights as load_weights
    from archspec.api import loads as loads
    from archspec.api import memory as memory
    from archspec.api import quiz as quiz
    from archspec.api import report as report
    from archspec.api import report_page as report_page
    from archspec.api import to_onnx as to_onnx
    from archspec.api import to_torch as to_torch
    from archspec.api import window as window
    from archspec.api import work as work
    from archspec.backends.keras.live_models import to_keras as to_keras
    from archspec.backends.keras.live_models import weights_of as weights_of
    from archspec.diagnostics import Diagnostic as Diagnostic
    from archspec.diagnostics import SpecError as SpecError
    from archspec.elaborate.compiled import Compiled as Compiled
    from archspec.imports.imported import Imported as Imported
    from archspec.imports.keras_model import from_keras as from_keras
    from archspec.imports.opening import from_file as from_file
    from archspec.imports.opening import from_onnx as from_onnx
    from archspec.imports.opening import load as load
    from archspec.imports.torch_export import from_torch as from_torch
    from archspec.ir import Network as Network
    from archspec.ir.builder import Block as Block
    from archspec.ir.builder import Builder as Builder
    from archspec.shortening.shortest import Short as Short
    from archspec.shortening.shortest import shorten as shorten
    from archspec.symbolic.formulas import Formula as Formula
    from archspec.symbolic.questions import find as find
    from archspec.symbolic.questions import formula as formula
    from archspec.symbolic.questions import sizes as sizes
    from archspec.symbolic.questions import sweep as sweep
    from archspec.symbolic.sizes import Sizes as Sizes
    from archspec.symbolic.sweeps import Sweep as Sweep
    from archspec.views.arithmetic import Work as Work
    from archspec.views.arithmetic.window_picture import SlidingWindow as SlidingWindow
    from archspec.views.comparison import Comparison as Comparison
    from archspec.views.exam import Exam as Exam
    from archspec.views.explanation import Explanation as Explanation
    from archspec.views.figures import to_graphviz as to_graphviz
    from archspec.views.figures.drawing import Drawing as Drawing
    from archspec.views.page import Page as Page
    from archspec.weights.files import Loaded as Loaded
    from archspec.weights.files import WeightsError as WeightsError

_HOMES = {
    "analysis.layers": "Report Row Totals",
    "analysis.training": "TrainingMemory",
    "api": "analyze compare compile draw emit explain load_weights loads memory quiz report_page to_onnx to_torch window work",
    "backends.keras.live_models": "to_keras weights_of",
    "diagnostics": "Diagnostic SpecError",
    "elaborate.compiled": "Compiled",
    "imports.imported": "Imported",
    "imports.keras_model": "from_keras",
    "imports.opening": "from_file from_onnx load",
    "imports.torch_export": "from_torch",
    "ir": "Network",
    "ir.builder": "Block Builder",
    "shortening.shortest": "Short shorten",
    "symbolic.formulas": "Formula",
    "symbolic.questions": "find formula sizes sweep",
    "symbolic.sizes": "Sizes",
    "symbolic.sweeps": "Sweep",
    "views.arithmetic": "Work",
    "views.arithmetic.window_picture": "SlidingWindow",
    "views.comparison": "Comparison",
    "views.exam": "Exam",
    "views.explanation": "Explanation",
    "views.figures": "to_graphviz",
    "views.figures.drawing": "Drawing",
    "views.page": "Page",
    "weights.files": "Loaded WeightsError",
}
"""The modules of the public names; `report` is a module of its own."""
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
if not _typing.TYPE_CHECKING:  # a type checker takes the imports above
    __all__ = sorted([*_HOME, "report"])


def __getattr__(name: str) -> _typing.Any:
    """Public names are imported when they are first used: `import archspec` alone costs next to nothing."""
    from importlib import import_module

    if name == "report":
        return import_module("archspec.report")
    if name == "load_ipython_extension":
        return import_module("archspec.notebook").load_ipython_extension
    if name not in _HOME:
        raise AttributeError(f"module 'archspec' has no attribute {name!r}")
    return getattr(import_module(f"archspec.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*_HOME, "report", "__version__"]
