"""Mistakes of people who come from Python, YAML, Keras, PyTorch, Darknet and C: each message says what would work, and the fix does it."""

from functools import partial

import pytest

from archspec.api import compile_source
from archspec.editor.mending import mended
from archspec.elaborate.assumptions import Options
from tests.helpers.messages import errors

MENDED = [
    ("residual {\n  conv k=3 f=1 p=1\n}", "residual:\n  conv k=3 f=1 p=1"),
    ("residual { conv k=3 f=1 p=1 }", "residual: conv k=3 f=1 p=1 "),
    ("residual(conv k=3 f=1 p=1)", "residual: conv k=3 f=1 p=1"),
    ("repeat 3 {\n  conv k=3 f=1 p=1\n}", "repeat 3:\n  conv k=3 f=1 p=1"),
    ("block b(n) {\n  conv k=3 f=n\n}\nb 8", "block b(n):\n  conv k=3 f=n\nb 8"),
    ("block b(n):\n  conv k=3 f=n\n  return x\nb(8)", "block b(n):\n  conv k=3 f=n\nb 8"),
    ("t: conv k=1 f=1\n1 - t", "t: conv k=1 f=1\nfrom t | mul -1 | add 1"),
    ("t: conv k=1 f=1\nrelu\nu = 2 * t", "t: conv k=1 f=1\nrelu\nu: from t | mul 2"),
    ("t: conv k=1 f=1\nrelu\nx - t", "t: conv k=1 f=1\nrelu\nsub t"),
    ("a: conv k=3 f=1 p=1\nb: relu\na + b", "a: conv k=3 f=1 p=1\nb: relu\nfrom a | add b"),
    ("a: conv k=3 f=1 p=1\nb: relu\nconcat(a, b)", "a: conv k=3 f=1 p=1\nb: relu\nfrom a | concat b"),
    ("conv k=3 f=8\ngelu tanh", "conv k=3 f=8\ngelu approx=tanh"),
    ("conv k=3 f=8 + relu", "conv k=3 f=8 | relu"),
    ("conv k=3 f=8 > relu", "conv k=3 f=8 | relu"),
    ("conv: {k: 5, f: 6}", "conv k=5 f=6"),
    ("['conv', 3x3, 6]", "conv k=3x3 f=6"),
    ("conv k=5 f=6 (s=1)", "conv k=5 f=6 s=1"),
    ("conv k=5 f=6 no bias", "conv k=5 f=6 bias=no"),
    ("conv k=5 f=6 without bias", "conv k=5 f=6 bias=no"),
    ("conv k=5 f=6 bias", "conv k=5 f=6 bias=yes"),
    ("conv k=5 f=6 \\\n  s=1", "conv k=5 f=6 s=1"),
    ("3 * conv k=3 f=1 p=1", "repeat 3: conv k=3 f=1 p=1"),
    ("3x: conv k=3 f=1 p=1", "repeat 3: conv k=3 f=1 p=1"),
    ("conv k=3 f=1 p=1 x3", "repeat 3: conv k=3 f=1 p=1"),
    ("fc 128 (relu)", "fc 128 | relu"),
]
TOLD = [
    ("conv 8, 3", "write `conv k=8 f=3` for 3 filters of size 8, or `conv k=3 f=8` for 8 of size 3"),
    ("[conv, 6, 5]", "write `conv k=6 f=5` for 5 filters of size 6"),
    ("- conv 6", "write `conv k=3 f=6` for 6 filters, or `conv k=6 f=8` for filters of size 6"),
    ("x = conv 6", "write `conv k=3 f=6` for 6 filters"),
    ("conv:\n  filters: 6", "arguments stand behind their layer, on its line"),
    ("if 3 > 2:\n  relu", "`conv k=3 f=8 if n > 1`, or `seq if n > 1:`"),
    ("while True:\n  relu", "leave out this line of a program"),
    ("conv k=3 f=8 ; note", "a comment begins with `#`"),
    ("conv<5, 6>", "arguments are `key=value`"),
    ("5 6", "a line begins with a layer or with a label"),
    ("route -1 -4", "values have names here"),
    ("conv k=3 f=8\nshortcut from=-3", "values have names here"),
    ("t: conv k=1 f=1\nrelu\nmul 1-t", "`from t | mul -1 | add 1`"),
]
INPUT = "input 28x28x1\n"


@pytest.mark.parametrize(("wrong", "right"), MENDED, ids=[wrong for wrong, _ in MENDED])
def test_a_mistake_is_mended_by_the_safe_fixes(wrong, right):
    compiled = partial(compile_source, name="case.arch", options=Options())
    before = compiled(f"{INPUT}{wrong}\n")
    assert [each for each in before.diagnostics if each.severity == "error"]
    assert mended(before, compiled).text == f"{INPUT}{right}\n"
    assert errors(f"{INPUT}{right}\n") == []


@pytest.mark.parametrize(("wrong", "help_"), TOLD, ids=[wrong for wrong, _ in TOLD])
def test_a_mistake_that_no_rule_mends_is_told_a_way_out(wrong, help_):
    assert help_ in (errors(f"{INPUT}{wrong}\n")[0].help or "")


def test_an_input_that_is_named_as_elsewhere():
    assert errors("input x: 28x28x1\nrelu\n")[0].help == "write `x: input 28x28x1`"
    assert "for H in" in (errors("input HxWx3\nrelu\n")[0].help or "")


def test_a_word_that_two_steps_know_belongs_to_the_one_before_it():
    """`tanh` is a layer, and a value of `gelu`; behind other layers it is the layer."""
    assert errors(f"{INPUT}fc 10 tanh\n")[0].help == "write `fc 10 | tanh`"
