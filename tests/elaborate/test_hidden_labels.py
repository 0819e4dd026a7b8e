"""A label that is in the text and not seen from where it is read: the message says where it is, why, and what works."""

import pytest

from archspec.api import Options, compile_text
from tests.helpers.messages import errors

CASES = [
    ("enc:\n  e1: conv k=3 f=8 p=1\n  relu\nconcat e1", 3, "inside the group `enc`", "enc:\n  e1: conv k=3 f=8 p=1\n  relu\nconcat enc.e1"),
    ("repeat 2:\n  e1: conv k=3 f=3 p=1\nbn\nconcat e1", 3, "inside a repeat", "e1: repeat 2:\n  conv k=3 f=3 p=1\nbn\nconcat e1"),
    (
        "repeat 2 as i:\n  e{i+1}: conv k=3 f=3 p=1\nbn\nconcat e3",
        3,
        "inside a repeat",
        "repeat 2 as i:\n  e{i+1}: conv k=3 f=3 p=1\nbn\nconcat e2",
    ),
    ("residual:\n  e1: conv k=3 f=3 p=1\nbn\nconcat e1", 3, "inside a residual", "e1: residual:\n  conv k=3 f=3 p=1\nbn\nconcat e1"),
    (
        "block u():\n  e1: conv k=3 f=3 p=1\nu\nbn\nconcat e1",
        3,
        "inside the block `u`",
        "block u():\n  conv k=3 f=3 p=1\ne1: u\nbn\nconcat e1",
    ),
    ("block u(): bn | concat e1\ne1: relu\nu", 3, "outside of the block", "block u(): bn\ne1: relu\nu | concat e1"),
    ("e1: relu\nblock u():\n  repeat 2:\n    bn\n    concat e1\nu", 2, "outside of the block", None),
    ("bn | concat e1\ne1: relu", 3, "below", "e1: relu\nbn | concat e1"),
    ("output e1\nbn | concat e1", 2, "an output", "e1: relu\noutput e1\nbn | concat e1"),
    (
        "output aux:\n  e1: gap\n  fc 10\nbn\nconcat e1",
        3,
        "inside an auxiliary head",
        "e1: relu\noutput aux:\n  gap\n  fc 10\nbn\nconcat e1",
    ),
    ("e1: relu if 1 > 2\nbn | concat e1", 2, "`if 1 > 2` drops this line", "e1: relu if 1 > 2\nbn\nconcat e1 if 1 > 2"),
    ("e1: bn | concat e1", 2, "the line itself", "e1: relu\nbn | concat e1"),
    ("repeat 2: enc: relu | bn\nconcat enc", 2, "inside a repeat", None),
    ("block u():\n  output e1: relu\n  bn\nq: u\nconcat e1", 3, "an output of the block `u`", None),
    ("block u():\n  e1: relu\n  bn\nq: u\nconcat q.e1", 3, "inside the block `u`", None),
    ("a:\n  b:\n    e1: relu\n    bn\n  relu\nconcat e1", 4, "inside the group `a`", None),
]


@pytest.mark.parametrize(("body", "line", "why", "mended"), CASES)
def test_a_label_that_is_not_seen_is_shown_where_it_is(body, line, why, mended):
    (error,) = errors(f"input 8x8x3\n{body}\n")
    ((place, told),) = error.secondary
    assert (error.code, place.line) == ("A107", line)
    assert why in told
    assert error.help and "label a line above: `" not in error.help
    if mended is not None:
        network, found = compile_text(f"input 8x8x3\n{mended}\n", "case.arch", Options())
        assert network is not None, found


def test_a_label_in_a_used_file_is_looked_for_there(tmp_path):
    (tmp_path / "blocks.arch").write_text("block u():\n  enc:\n    e1: bn\n    relu\n  concat e1\n")
    _, found = compile_text('use "blocks.arch"\ninput 8x8x3\nu\n', "case.arch", Options(base=tmp_path))
    ((place, told),) = found[0].secondary
    assert (place.source.name, place.line, told) == ("blocks.arch", 3, "this is inside the group `enc`")


def test_a_label_of_a_branch_is_seen():
    network, _ = compile_text("input 8x8x3\nadd:\n  e1: bn\n  relu\nconcat e1\n", "case.arch", Options())
    assert network is not None
