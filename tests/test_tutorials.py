"""The first networks of PyTorch's and Keras's tutorials: what a beginner takes over from there, and what the messages make of it.

Each `NAME.first.arch` holds a tutorial's own lines below an input; `# help: words` is what the message about a line must say. `NAME.arch`
is the second try, with the parameters that learn as its tutorial's summary, or the module built from it, has them. What the language
cannot say has no second try.
"""

import re

import pytest

from archspec.api import Options, compile_text
from archspec.report import Report
from tests.helpers.messages import errors
from tests.helpers.paths import CASES

FOLDER = CASES / "tutorials"
FIRST = sorted(FOLDER.glob("*.first.arch"))
SECOND = sorted(path for path in FOLDER.glob("*.arch") if not path.name.endswith(".first.arch"))
BY_HAND = {
    "pytorch_blitz_lenet",
    "cs231n_three_layer_convnet",
    "keras_timeseries_conv1d",
    "keras_image_classification_from_scratch",
    "keras_unet_oxford_pets",
    "keras_convmixer",
}
"""Second tries that need more than the help of each line: an order, a residual, a repeat."""


def stem(path):
    return path.name.split(".")[0]


def told(text):
    """Errors by line, the first of each."""
    return {d.span.line: d for d in reversed(errors(text)) if d.span is not None and d.code != "A117"}


@pytest.mark.parametrize("path", FIRST, ids=stem)
def test_every_line_of_a_first_try_is_answered(path):
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    found = told(text)
    assert found
    for number, error in found.items():
        assert error.help, lines[number - 1]
        assert error.help.startswith("write `") or "# help: " in lines[number - 1], (lines[number - 1], error.help)
    for number, line in enumerate(lines, 1):
        if wanted := re.search(r"# help: (.+)", line):
            assert wanted[1] in (found[number].help or ""), (line, found[number].help)


@pytest.mark.parametrize("path", SECOND, ids=stem)
def test_the_second_try_has_the_parameters_of_the_tutorial(path):
    text = path.read_text(encoding="utf-8")
    network, found = compile_text(text, "case.arch", Options())
    assert network is not None, [(d.message, d.help) for d in found]
    count = re.match(r"# ([\d,]+) parameters: ", text)
    assert f"{Report(network).totals.params:,}" == count[1]


@pytest.mark.parametrize(
    "path", [path for path in FIRST if stem(path) not in BY_HAND and (FOLDER / f"{stem(path)}.arch").exists()], ids=stem
)
def test_the_second_try_is_what_the_messages_said(path):
    found = told(path.read_text(encoding="utf-8"))
    second = (FOLDER / f"{stem(path)}.arch").read_text(encoding="utf-8").split("\n")
    for error in found.values():
        if proposed := re.match(r"write `([^`]*)`", error.help):
            assert proposed[1] in second


@pytest.mark.parametrize("path", SECOND, ids=stem)
def test_what_does_not_fit_is_first_told_to_be_rounded_as_there(path):
    """Without the line `default round=floor` the message names it."""
    text = path.read_text(encoding="utf-8").replace("default round=floor\n", "")
    for error in told(text).values():
        assert error.code == "A203"
        assert "default round=floor" in error.help


def test_there_are_twenty():
    assert len(FIRST) >= 20
