"""Examples in docstrings are true, and the functions that are hardest to read have one."""

from __future__ import annotations

import doctest
import os
import re
from importlib import import_module
from pathlib import Path

import pytest

import archspec
from archspec.ops import make
from tests.helpers.paths import ROOT

HARDEST = [
    "analysis.phases.chain",
    "analysis.phases.union",
    "diagnostics.folding.folded",
    "elaborate.merge_advice.equalizing",
    "foreign.whole_lines.rewritten",
    "ir.walk.events",
    "numeric.Spelled",
    "ops.fitting.more_padding",
    "simplify.simplified",
    "weights.match.match",
]
"""Functions whose first line does not suffice."""
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in ROOT.glob("archspec/**/*.py")
    if ">>> " in path.read_text(encoding="utf-8") and path.name not in ("api.py", "pasted.py")
)
"""Examples of the public functions are tested with their contract, in test_python.py; pasted.py reads the sign."""


@pytest.mark.parametrize("module", MODULES)
def test_examples_are_true(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = Path(import_module(module).__file__).read_text(encoding="utf-8")
    for needed in re.findall(r">>> import (\w+)$", text, re.MULTILINE):
        pytest.importorskip(needed, reason="the example uses it")
    for function, needed in (("to_onnx", "onnx"), ("to_keras", "keras"), ("to_graphviz", "graphviz")):
        if f"archspec.{function}(" in text:
            monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
            pytest.importorskip(needed, reason="the example uses it")
    result = doctest.testmod(import_module(module), extraglobs={"archspec": archspec, "make": make})
    assert result.attempted and not result.failed


@pytest.mark.parametrize("name", HARDEST)
def test_what_is_hard_to_read_has_an_example(name):
    module, _, function = name.rpartition(".")
    assert ">>> " in getattr(import_module(f"archspec.{module}"), function).__doc__
