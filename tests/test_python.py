"""The package as people use it from Python."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ROOT

import archspec


def python(code, *arguments, **environment):
    """What a Python of its own prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dir_shows_the_public_names_and_nothing_else():
    assert python("import archspec; print(*dir(archspec))").split() == sorted([*archspec.__all__, "__version__"])


def test_a_star_import_gives_every_public_name():
    code = "import archspec; from archspec import *; assert {n for n in dir() if n != 'archspec' and n[0] != '_'} == set(archspec.__all__)"
    python(code)
    python(code + "; import sys; assert not {'torch', 'onnx', 'numpy', 'pandas'} & set(sys.modules)")


def test_importing_the_package_imports_no_other_module_of_it():
    python("import sys, archspec; assert [m for m in sys.modules if m.startswith('archspec')] == ['archspec']")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'foo'"):
        archspec.foo  # noqa: B018


CALL = "m = archspec.loads('input 8x8x3\\nconv k=3 f=4'); assert '<html' in archspec.report(m).html; assert type(archspec.report(m, m)).__name__ == 'Page'"
NAMES = "from archspec.report import Report, Row, Totals; assert archspec.report.Report is Report is archspec.Report"


@pytest.mark.parametrize(
    "code",
    [
        f"import archspec; {CALL}; {NAMES}",
        f"import archspec; {NAMES}; {CALL}",
        f"from archspec.report import Report; import archspec; {CALL}",
        f"import archspec.report; {NAMES}; {CALL}",
        f"import archspec; archspec.analyze(archspec.load('lenet5')); {CALL}; {NAMES}",
        f"from archspec import report; import archspec; assert report is archspec.report; {CALL}; {NAMES}; assert report is archspec.report",
    ],
    ids=["called first", "imported first", "from it first", "as a module first", "after analyze", "from the package"],
)
def test_report_is_called_and_imported_from_in_any_order(code):
    python(code)


def test_explain_gives_the_text_of_the_command_and_its_numbers(archspec_command):
    model = archspec.load("lenet5")
    assert f"{archspec.explain(model)}\n\n" == archspec_command("explain", "lenet5").out
    (conv,) = archspec.explain(model, "conv2")
    assert f"{conv}\n\n" == archspec_command("explain", "lenet5", "conv2").out
    numbers = {step.name: step.value for step in conv.steps}
    assert numbers["parameters"] == 2416 and numbers["MACs"] == 240_000 and numbers["output"] == (10, 10, 16)
    assert {step.name: step.how for step in conv.steps}["MACs"] == "10*10*16*5*5*6 = 240,000"
    assert "2,416" in conv._repr_html_() and "2,416" in repr(archspec.explain(model, "conv2"))


def test_explain_of_a_group_and_of_what_is_not_there():
    model = archspec.load("resnet18")
    assert [layer.row.name for layer in archspec.explain(model, "layer1.0")] == [
        row.name for row in archspec.analyze(model).layers if row.name.startswith("layer1.0.")
    ]
    with pytest.raises(ValueError, match=r"there is no layer `layer1\.0\.conv9`; did you mean `layer1\.0\.conv2`"):
        archspec.explain(model, "layer1.0.conv9")


def test_a_long_explanation_is_cut_where_nobody_asked_to_print_it():
    found = archspec.explain(archspec.load("resnet152"))
    assert len(repr(found)) < 10_000 < len(str(found)) and "more layers" in repr(found) and "more layers" in found._repr_html_()
