"""Every code has a page, and the examples on it do what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
from archspec.analysis.budget import passed
from archspec.api import Options, compile_text
from archspec.backends.train.script import emit as train_files
from archspec.diagnostics import catalogue
from archspec.imports.opening import from_file
from archspec.views.figures import text_form

PACKAGE = Path(catalogue.__file__).resolve().parent.parent


def emitted():
    files = [path for path in PACKAGE.rglob("*.py") if path.name not in ("catalogue.py", "_tables.py")]
    return sorted({code for path in files for code in re.findall(r'"(A\d{3})"', path.read_text(encoding="utf-8"))})


def value(text):
    """A value as --set takes it."""
    if text in ("yes", "no"):
        return text == "yes"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def pair(written):
    name, _, text = written.partition("=")
    return {name: value(text)} if name else {}


def run(example, files, folder):
    """Severities and codes that an example gives, in order."""
    if example.language != "arch":
        return imported(example, folder)
    for other in files:
        path = folder / other.attributes["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(other.text, encoding="utf-8")
    limits = pair(example.attributes.get("limit", ""))
    options = Options(params=pair(example.attributes.get("set", "")), base=folder, **limits)
    network, found = compile_text(example.text, "example.arch", options)
    if network is not None:
        found += passed(network, **{name.removeprefix("max_"): most for name, most in pair(example.attributes.get("budget", "")).items()})
    if network is not None and "emit" in example.attributes:
        target = example.attributes["emit"]
        try:
            if target == "onnx":
                pytest.importorskip("onnx", reason="onnx holds the model")
                archspec.to_onnx(network)
            elif target == "train":
                train_files(network)
            else:
                archspec.emit(network, target)
        except archspec.SpecError as error:
            found += error.diagnostics
    if network is not None and "draw" in example.attributes:
        try:
            draw(network, example.attributes["draw"])
        except archspec.SpecError as error:
            found += error.diagnostics
    return [(diagnostic.severity, diagnostic.code) for diagnostic in found]


def imported(example, folder):
    path = folder / f"example.{example.language}"
    path.write_text(example.text, encoding="utf-8")
    try:
        found = from_file(path).diagnostics
    except archspec.SpecError as error:
        found = error.diagnostics
    return [(diagnostic.severity, diagnostic.code) for diagnostic in found]


def draw(network, form):
    """As `archspec draw`, without what needs a Graphviz."""
    return text_form(network, form) if form == "dot" else archspec.draw(network, form)


def examples(kind):
    return [
        pytest.param(code, example, id=f"{code}-{at}")
        for code in catalogue.codes()
        for at, example in enumerate(e for e in catalogue.page(code).examples if e.kind == kind)
    ]


def beside(code):
    return [example for example in catalogue.page(code).examples if example.kind == "file"]


def test_every_emitted_code_has_a_page():
    assert [code for code in emitted() if code not in catalogue.codes()] == []


def test_every_page_is_of_an_emitted_code():
    assert [code for code in catalogue.codes() if code not in emitted()] == []


@pytest.mark.parametrize("code", catalogue.codes())
def test_page_is_whole(code):
    page = catalogue.page(code)
    assert page.code == code
    assert page.title and not page.title.endswith(".")
    assert {"wrong", "right"} <= {example.kind for example in page.examples}
    assert {name for example in page.examples for name in example.attributes} <= {"set", "limit", "file", "emit", "draw", "budget"}
    prose = page.text.partition("```")[0].strip()
    assert 80 < len(prose) < 900
    assert page.text.count("```") == 2 * len(page.examples)


@pytest.mark.parametrize(("code", "example"), examples("wrong"))
def test_wrong_example(code, example, tmp_path):
    found = run(example, beside(code), tmp_path)
    severity = catalogue.page(code).severity
    assert (severity, code) in found
    assert [other for other in found if other[0] == "error" and other[1] != code] == []
    assert len([other for other in found if other[1] == code]) == 1


@pytest.mark.parametrize(("code", "example"), examples("right"))
def test_right_example(code, example, tmp_path):
    found = run(example, beside(code), tmp_path)
    assert [other for other in found if other[0] == "error" or other[1] == code] == []


@pytest.mark.parametrize("code", ["A000", "A999", "", "203", "a203", "../A203", "A203.md"])
def test_unknown_code(code):
    with pytest.raises(KeyError):
        catalogue.page(code)


def test_nothing_is_read_at_import():
    script = (
        "import builtins, pathlib, sys\n"
        "import archspec.diagnostics\n"
        "def refuse(*a, **k): raise AssertionError('read at import')\n"
        "pathlib.Path.read_text = pathlib.Path.glob = refuse\n"
        "import archspec.diagnostics.catalogue\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
