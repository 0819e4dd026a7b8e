"""What may stand on a line: comments that silence, params in shapes, words in lists, functions."""

from __future__ import annotations

import pytest

import archspec


def codes(text: str) -> list[str]:
    return [found.code for found in archspec.compile(text).diagnostics]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("relu | relu", ["A410"]),
        ("relu | relu  # ok A410", []),
        ("relu | relu  # ok A409, A410 for a lecture", []),
        ("relu | relu  # ok A409", ["A410"]),
        ("relu | relu  # not ok A410", ["A410"]),
        ("relu  # ok A410\n| relu", ["A410"]),  # the comment is on the other line
        ("fc 0  # ok A105", ["A105"]),  # an error stays
        ('meta title="# ok A410"\nrelu | relu', ["A410"]),
    ],
)
def test_a_comment_silences_a_warning_on_its_line(line: str, expected: list[str]) -> None:
    assert codes(f"input 8x8x3\n{line}") == expected


def test_params_in_the_shape_of_an_input() -> None:
    text = "param H = 32\ninput HxHxC\nparam C = 3\nconv k=5 f=6"
    assert str(archspec.loads(text).graph.output) == "28x28x6"
    assert str(archspec.loads(text, params={"H": 12}).graph.output) == "8x8x6"
    assert codes("input HxHx3") == ["A001"]
    assert codes("param H = 2.5\ninput HxHx3") == ["A114"]


def test_params_beside_letters_with_sizes() -> None:
    text = "param W = 8\ninput HxWx3 for H in 16..64 step 16\nconv k=7x{} f=4"
    assert codes(text.format(3)) == []
    assert codes(text.format(9)) == ["A202"]


def test_words_in_lists_and_choices() -> None:
    network = archspec.loads("param padded = yes\ninput 8x8x3\nrepeat 2: conv k=3 f=4 p=same,0\nconv k=3 f=4 p=(same if padded else 1)")
    assert str(network.graph.output) == "6x6x4"
    assert codes("input 8x8x3\nrepeat 2: conv k=3 f=4 p=sam,0") == ["A105"]


@pytest.mark.parametrize(
    ("written", "value"),
    [("round(2.5)", 2), ("round(3.5)", 4), ("round(2.6)", 3), ("sqrt(16)", 4), ("divisible(31.5, 4)", 32), ("divisible(33, 16)", 32)],
)
def test_functions(written: str, value: int) -> None:
    assert archspec.loads(f"input 8x8x3\nfc {written}").graph.output.channels == value


@pytest.mark.parametrize("written", ["sqrt(0-2)", "divisible(3,0)", "divisible(3,1.5)", "divisible(3)", "round()"])
def test_functions_without_a_value(written: str) -> None:
    assert codes(f"input 8x8x3\nfc {written}") == ["A113"]


@pytest.mark.parametrize("function", ["round(q*1.3)", "divisible(q*1.3, 4)", "round8(q)", "floor(sqrt(q))", "round(sqrt(q)*q)"])
def test_functions_of_open_numbers_are_those_of_plain_ones(function: str) -> None:
    text = f"param q = 3\ninput 8\nfc {function}"
    formula = archspec.formula(archspec.loads(text), "q")
    namespace: dict[str, object] = {}
    exec(formula.to_python(), namespace)
    for q in range(1, 60):
        expected = archspec.analyze(archspec.loads(text, params={"q": q})).totals.params
        found = namespace["counts"](q)  # type: ignore[operator]
        assert found is None or found["params"] == expected, q


def test_expressions_in_the_shape_of_an_input():
    text = "param n = 4\ninput (n)x(2 * n)x3\nconv k=1 f=2"
    assert archspec.loads(text).inputs[0].type.shape == (4, 8, 3)
    assert archspec.loads(text, params={"n": 5}).inputs[0].type.shape == (5, 10, 3)
    assert archspec.loads("input (H)x3 for H in 8..12\nrelu").inputs[0].type.shape == (8, 3)
