"""What it takes to add a layer, a backend and a command: done in a copy of the repository, with the checks that a contributor runs.

A layer takes five edits: its class in archspec/ops, its word in `_FAMILIES` (which loads its module when it is first used), a row in
backends/torch/calls.py, one in backends/onnx/operators.py, and one in tests/layers.py. A backend takes a module and a line in
backends/registry.py. A command takes a file in archspec/cli and a line in cli/commands.py. Then `python docs/make.py` writes the pages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

pytestmark = pytest.mark.slow
LAYER = [
    (
        "archspec/ops/activation.py",
        "class Sigmoid(Activation, ",
        '''class HardTanh(Activation, elementary=2, operations="two comparisons"):
    """max(-1, min(x, 1)). Source: Collobert 2004."""


class Sigmoid(Activation, ''',
    ),
    ("archspec/ops/__init__.py", "sigmoid tanh softmax", "sigmoid tanh hardtanh softmax"),
    ("archspec/backends/torch/calls.py", '    "tanh":', '    "hardtanh": _plain("nn.Hardtanh"),\n    "tanh":'),
    (
        "archspec/backends/onnx/operators.py",
        '    "tanh":',
        '    "hardtanh": lambda layer, *_: layer.add("Clip", layer.x, layer.constant(-1), layer.constant(1)),\n    "tanh":',
    ),
    ("tests/layers.py", '    "tanh":', '    "hardtanh": Layer(("",), 2, lambda nn: nn.Hardtanh()),\n    "tanh":'),
]
BACKEND = [
    ("archspec/backends/registry.py", '    Backend("json",', '    Backend("roll", "archspec.backends.roll:emit", ".txt", "the names of the layers"),\n    Backend("json",'),
]  # fmt: skip
COMMAND = [
    ("archspec/cli/commands.py", '        "list":', '        "tally": "the number of layers",\n        "list":'),
]
FILES = {
    "archspec/backends/roll.py": '''"""The names of the layers, one per line."""

from archspec.analysis.layers import Report
from archspec.ir.graph import Network


def emit(network: Network) -> str:
    """Write the names of the layers."""
    return "".join(f"{row.name}\\n" for row in Report(network).layers)
''',
    "archspec/cli/tally.py": '''"""`archspec tally`."""

from __future__ import annotations

import argparse

from archspec.analysis.layers import Report
from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.screen import out

EXAMPLES = (("tally lenet5", "of a bundled spec"),)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)


def run(arguments: argparse.Namespace) -> int:
    out().line(str(Report(specs.network(arguments)).totals.layers))
    return 0
''',
}
SPEC = "input 8x8x3\nconv k=3 f=4 | hardtanh\nfc 5\n"
CHECKS = [
    "tests/test_structure.py",
    "tests/ops/test_flops.py",
    "tests/ops/test_against_torch.py",
    "tests/backends/test_support.py",
    "tests/backends/onnx/test_onnx_layers.py",
    "tests/cli/test_cli_help.py",
    "tests/ir/test_ir.py",
    "tests/test_docs.py",
]
NAMED = "hardtanh or tally or every_layer or every_step or every_row or roll or structure or imports or grammar or bare_archspec"
"""What of these files concerns the new parts; the rest runs for the repository itself."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy") / "archspec"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\0")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copyfile(ROOT / name, folder / name)
    if not folder.is_dir():
        pytest.skip("this is no checkout")
    for name, before, after in (*LAYER, *BACKEND, *COMMAND):
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, name
        (folder / name).write_text(text.replace(before, after), encoding="utf-8")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "net.arch").write_text(SPEC, encoding="utf-8")
    return folder


def run(copy, *words):
    """What a Python program prints in the copy."""
    environment = dict(os.environ) | {"PYTHONPATH": str(copy), "COLUMNS": "80"}
    done = subprocess.run([sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def archspec(copy, *words):
    return run(copy, "-m", "archspec", *words)


def test_the_layer_is_checked_counted_explained_and_emitted(copy, tmp_path):
    assert len(LAYER) == 5
    assert "net.arch: ok" in archspec(copy, "check", "net.arch")
    assert "hardtanh" in archspec(copy, "table", "net.arch")
    assert "two comparisons" in archspec(copy, "explain", "net.arch", "hardtanh1")
    assert "Collobert" in archspec(copy, "ops", "hardtanh")
    pytest.importorskip("torch", reason="torch runs the emitted source")
    (tmp_path / "net.py").write_text(archspec(copy, "emit", "torch", "net.arch"))
    assert "nn.Hardtanh(" in (tmp_path / "net.py").read_text()
    assert "output (2, 5)" in run(copy, str(tmp_path / "net.py"))
    pytest.importorskip("onnx", reason="onnx holds the model")
    archspec(copy, "emit", "onnx", "net.arch", "-o", str(tmp_path / "net.onnx"))


def test_the_backend_is_offered_and_emits(copy):
    assert archspec(copy, "emit", "roll", "net.arch").splitlines()[:2] == ["conv1", "hardtanh1"]
    assert "roll (the names of the layers)" in archspec(copy, "emit", "--help").replace("\n" + " " * 24, " ")
    assert "roll" in archspec(copy, "__complete", "emit", "=")
    code = "import archspec; print(archspec.emit(archspec.load('net.arch'), 'roll'))"
    assert run(copy, "-c", code).startswith("conv1\n")


def test_the_command_is_listed_explained_completed_and_runs(copy):
    assert archspec(copy, "tally", "net.arch") == "4\n"
    assert "tally       the number of layers" in archspec(copy)
    assert "of a bundled spec" in archspec(copy, "tally", "--help")
    assert "tally\tthe number of layers" in archspec(copy, "__complete", "=")
    assert "lenet5" in archspec(copy, "__complete", "tally", "=")


def test_the_checks_of_a_contributor_pass(copy):
    pytest.importorskip("onnx", reason="the matrix of targets tries it")
    run(copy, "docs/make.py")
    run(copy, "docs/make.py", "--check")
    for page, words in {"layers.md": "### hardtanh", "support.md": "| `hardtanh` |", "commands.md": "## archspec tally"}.items():
        assert words in (copy / "docs" / page).read_text(encoding="utf-8")
    run(copy, "-m", "pytest", "-p", "no:cacheprovider", *CHECKS, "-k", NAMED)
