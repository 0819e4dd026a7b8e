"""A line `default` stands where it says an argument for several lines, and for no fewer."""

from __future__ import annotations

import archspec


def _text(*layers: str) -> list[str]:
    return archspec.shorten(archspec.loads("\n".join(["input 32x32x3", *layers]))).text.splitlines()[1:]


def test_an_argument_of_three_lines_has_a_line_of_its_own():
    assert _text("conv k=1 f=4 bias=no", "conv k=3 f=8 bias=no", "conv k=5 f=4 bias=no", "conv k=7 f=5") == [
        "default conv bias=no",
        "",
        "input 32x32x3",
        "conv k=1 f=4",
        "conv k=3 f=8",
        "conv k=5 f=4",
        "conv k=7 f=5 bias=yes",
    ]


def test_an_argument_of_two_lines_stands_on_them():
    assert _text("conv k=1 f=4 bias=no", "conv k=3 f=8 bias=no", "conv k=5 f=4") == [
        "",
        "input 32x32x3",
        "conv k=1 f=4 bias=no",
        "conv k=3 f=8 bias=no",
        "conv k=5 f=4",
    ]


def test_one_layer_of_many_rounds_is_one_line():
    assert _text("repeat 9: conv k=3 f=3 p=1 bias=no | relu") == ["", "input 32x32x3", "repeat 9: conv k=3 f=3 p=1 bias=no | relu"]


def test_arguments_of_one_step_stand_on_one_line():
    layers = [line for f in (4, 8, 4) for line in (f"conv k=1 f={f}", "ln eps=1e-06 bias=no")]
    assert _text(*layers)[0] == "default ln eps=1e-06 bias=no"
