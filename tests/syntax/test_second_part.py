"""What the second part of the language added to its syntax: trees, messages, formatting."""

from __future__ import annotations

from typing import Any

import pytest

import archspec
from archspec.backends.arch import expand
from archspec.source import Source
from archspec.syntax import ast
from archspec.syntax.printer import format_text


def tree(text: str) -> tuple[Any, ...]:
    compiled = archspec.compile(text)
    assert compiled.tree is not None
    return compiled.tree.body


@pytest.mark.parametrize(
    ("written", "quoted", "frozen"),
    [
        ("a.b: relu", False, False),
        ('"a-1.b": relu', True, False),
        ('frozen "x y": relu', True, True),
        ('frozen "x y" if 1 < 2: relu', True, True),
        ("frozen a if 1 < 2: relu", False, True),
        ("frozen a{1}: relu", False, True),
        ("frozen a if 1 < 2: relu", False, True),
    ]
    + [(f"{word}{{1}}: relu", False, False) for word in ("block", "input", "output", "default", "from", "pattern", "use", "arch")],
)
def test_labels(written: str, quoted: bool, frozen: bool) -> None:
    (suite,) = tree(written)
    assert suite.head.frozen == frozen
    assert getattr(suite.head.name, "quoted", False) == quoted


def test_a_quoted_label_may_stand_behind_a_head() -> None:
    (suite,) = tree('concat: "x y": relu')
    assert suite.body[0].head.name.quoted


def test_an_argument_may_follow_a_choice_in_brackets() -> None:
    (chain,) = tree("up (8 if yes else 4) (1 and 2) e3 n=2 if no")
    assert len(chain.steps[0].bare) == 3 and len(chain.steps[0].keywords) == 1 and chain.guard is not None


def test_a_path_with_braces_may_end_in_a_position() -> None:
    first, second, third = tree("from a{i}.0\nadd a{i}.0.b\nconv k=(.5)")
    assert [part for part in first.source.parts if isinstance(part, str)] == ["a", ".0"]
    assert [part for part in second.steps[0].bare[0].parts if isinstance(part, str)] == ["a", ".0.b"]
    assert third.steps[0].keywords[0].value.value == 0.5


def test_braces_in_a_quoted_label_hold_expressions_with_their_places() -> None:
    (suite,) = tree('"block{s+1}-{i}": relu')
    first, sum_, between, index = suite.head.name.parts
    assert (first, between) == ("block", "-")
    assert (sum_.span.text, index.span.text) == ("s+1", "i")


def test_frozen_alone_is_a_label() -> None:
    (suite,) = tree("frozen: relu")
    assert suite.head.name.id == "frozen" and not suite.head.frozen


@pytest.mark.parametrize("written", ["1x(k)", "(k)x3", "3x(k)x1", "(a)x(b)", "(k)x2x(k)"])
def test_sizes_with_expressions(written: str) -> None:
    (chain,) = tree(f"conv k={written} f=1")
    size = chain.steps[0].keywords[0].value
    assert isinstance(size, ast.Crossed)
    assert "x".join(part.span.text if isinstance(part, ast.Number) else f"({part.span.text})" for part in size.sizes if part) != ""
    assert format_text(Source("t", f"conv k={written} f=1")) == f"conv k={written} f=1\n"


@pytest.mark.parametrize(
    ("written", "kind"),
    [("k=0:1", ast.Slice), ("k=(1 if a else 2)", ast.Choice), ("k=(1 if a else 2 if b else 3)", ast.Choice), ("k=0:1,2:3", ast.Items)],
)
def test_arguments(written: str, kind: type) -> None:
    (chain,) = tree(f"conv {written}")
    assert isinstance(chain.steps[0].keywords[0].value, kind)


def test_parameters_that_are_values() -> None:
    (suite,) = tree("block up(f, from e, n=1):\n  relu")
    assert [(parameter.name.id, parameter.is_value) for parameter in suite.head.parameters] == [("f", False), ("e", True), ("n", False)]


def test_heads_with_arguments() -> None:
    (suite,) = tree("concat axis=t:\n  relu\n  skip")
    assert isinstance(suite.head, ast.Merge)
    assert [keyword.name for keyword in suite.head.keywords] == ["axis"]


def test_paths() -> None:
    chain, suite = tree("from a.*.side | relu\nadd: from stack.*.side")
    assert chain.source.id == "a.*.side"
    assert suite.body[0].source.id == "stack.*.side"


@pytest.mark.parametrize(
    ("line", "message", "help_"),
    [
        ("conv k=1xk f=1", "`1xk` is no size", "`1x(k)`"),
        ("conv k=1x (3) f=1", "a size cannot contain spaces", "`1x(k)x3`"),
        ("conv k=(3)x f=1", "expected a size behind `x`", "`1x(k)`"),
        ("conv k=3 f=1 if 1 else 2", "`else` is not allowed here", "`(1 if first else 4)`"),
        ("slice 0 :3", "a range cannot contain spaces", "0:3`"),
        ("slice 0:", "the range `0:` has no end", "both ends"),
        ("seq: relu", "`seq:` makes one branch of several lines", "another name"),
        ('"a{i": relu', "is not a name", ""),
        ('"a{1 +}": relu', "is not an expression", "`block{i+1}`"),
    ],
)
def test_messages(line: str, message: str, help_: str) -> None:
    found = archspec.compile(f"input 8x8x8\n{line}").diagnostics
    assert any(message in each.message and help_ in (each.help or "") for each in found), found


def test_seq_is_one_branch_and_adds_no_name() -> None:
    with_seq = archspec.loads("input 8x8x4\nadd:\n  seq:\n    conv k=1 f=8\n    conv k=1 f=4\n  skip")
    block = archspec.loads("input 8x8x4\nadd:\n  conv k=1 f=8 | conv k=1 f=4\n  skip")
    assert expand(with_seq) == expand(block)


def test_formatting_keeps_the_second_part() -> None:
    text = "block up(f, from e):\n  upsample to=e | concat e\nfrom a.*.side | pad h=0:1 w=2:3 c=0:7 | slice 1:t() axis=t\n"
    assert format_text(Source("t", text)) == text
    assert format_text(Source("t", text.replace(", from", ",from"))) == text


def test_formatting_joins_the_sizes_of_an_input() -> None:
    text = "param n = 8\ninput (n)x(2*n)x3\n"
    assert format_text(Source("t", text)) == format_text(Source("t", text.replace("2*n", "2 * n"))) == text
