"""What layers are called: groups by position, numbers as labels, bodies that begin elsewhere."""

import re

import pytest

import archspec
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick


def names(text):
    return [row.name for row in archspec.analyze(archspec.loads(text)).layers]


def test_a_group_without_a_word_is_called_by_its_position():
    text = "input 8x8x3\nx:\n  _: conv k=1 f=3 | relu\n  relu\n  _: conv k=1 f=2\n  _:\n    repeat 2: conv k=1 f=2\n"
    assert names(text) == ["x.0.0", "x.0.1", "x.1", "x.2", "x.3.0", "x.3.1"]


def test_outside_a_group_it_is_called_as_a_step_would_be():
    assert names("input 8x8x3\n_: conv k=1 f=3 | relu\n_: relu | conv k=1 f=2\n_: relu\n") == [
        "group1.0", "group1.1", "group2.0", "group2.1", "relu1",
    ]  # fmt: skip


def test_a_number_as_a_label_is_a_position():
    text = "input 8x8x3\nx:\n  conv k=1 f=3\n  2: relu\n  conv k=1 f=3\n  6: relu | conv k=1 f=3\n  relu\n"
    assert names(text) == ["x.0", "x.2", "x.3", "x.6.0", "x.6.1", "x.7"]


def test_positions_count_the_rounds_before_them():
    text = "input 8x8x3\nx:\n  repeat 3: conv k=1 f=3 | relu\n  7: relu\n  repeat 2:\n    relu\n    _: relu | conv k=1 f=3\n"
    assert names(text) == [
        *(f"x.{i}" for i in range(6)), "x.7", "x.8", "x.9.0", "x.9.1", "x.10", "x.11.0", "x.11.1",
    ]  # fmt: skip


def test_a_body_may_begin_from_another_value():
    text = "input 8x8x3\na: conv k=1 f=5\nconv k=1 f=7\ny:\n  from a | relu\n  conv k=1 f=2\nz:\n  from a\n  relu\n"
    report = archspec.analyze(archspec.loads(text))
    rows = {row.name: row for row in report.layers}
    assert rows["y.0"].sources == ("a",)
    assert rows["z"].sources == ("a",)


def test_a_guard_below_a_label_drops_its_only_line():
    assert names("input 8x8x3\nx:\n  conv k=1 f=5 if 1 == 2\nrelu\n") == ["relu1"]
    assert names("input 8x8x3\nx:\n  conv k=1 f=5 if 1 == 1\nrelu\n") == ["x.0", "relu1"]


@pytest.mark.parametrize(
    ("shortcut", "found"),
    [
        ("conv k=1 f=3 | relu", ["downsample.0", "downsample.1"]),
        ("proj: conv k=1 f=3", ["proj"]),
        ("proj: conv k=1 f=3 | relu", ["proj.0", "proj.1"]),
        ('"shortcut": repeat 1: relu', ["shortcut.0"]),
        ("seq:\n    p: conv k=1 f=3\n    relu", ["p", "relu1"]),
        ("proj: conv k=1 f=3 if 1 == 2", []),
        ("seq if 1 == 2:\n    p: relu", []),
    ],
)
def test_a_label_names_a_shortcut(shortcut, found):
    assert names(f"input 8x8x3\nresidual:\n  conv k=1 f=3\n  shortcut: {shortcut}\n") == ["conv1", *found, "add1"]


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_a_folded_row_is_called_as_the_first_that_it_stands_for(path):
    report = archspec.analyze(archspec.load(path))
    full = {row.name: row for row in report.layers}
    folded = list(report.rows(fold=True))
    for row in folded:
        first = re.sub(r"\.\.\w+", "", row.name)
        assert (full[first].op, full[first].output) == (row.op, row.output)
    assert sum(row.times for row in folded) == len(full)


def test_names_go_on_behind_rounds_that_are_folded():
    text = (
        "input 8x8x3\nx:\n  repeat 2:\n    repeat 3: conv k=1 f=3 | relu\n    pool w=2\n  relu\nrepeat 2: conv k=1 f=3 | bn\nconv k=1 f=3\n"
    )
    report = archspec.analyze(archspec.loads(text))
    assert [(row.name, row.times) for row in report.rows(fold=True)] == [
        ("x.0", 3), ("x.1", 3), ("x.6", 1), ("x.7", 3), ("x.8", 3), ("x.13", 1), ("x.14", 1), ("conv1", 2), ("bn1", 2), ("conv3", 1),
    ]  # fmt: skip
