"""Specs with mistakes: what of the network is known, and the types of values up to a mistake and past it."""

from __future__ import annotations

import pytest

import archspec
from archspec.ir.verify import verify
from archspec.ir.walk import walk
from archspec.types import Map, Vector
from tests.helpers.paths import CASES
from tests.helpers.specs import few_quick

TEXT = """input 32x32x1
a: conv k=5 f=6
conv k=99 f=16
relu
from a | pool 2
b:
  conv k=3 f=8
  no_layer
  relu
from a
gap | fc 10
output side: fc 2
"""


def test_a_network_with_mistakes_is_what_depends_on_none():
    found = archspec.compile(TEXT)
    assert not found.complete and [d.code for d in found.diagnostics] == ["A202", "A101"]
    assert found.tree is not None and len(found.tree.body) == 9
    assert [place.name for place in walk(found.network)] == ["a", "pool1", "gap1", "flatten1", "fc1", "side"]
    verify(found.network)
    assert archspec.analyze(found.network).outputs == {"output": (10,), "side": (2,)}


def test_types_are_met_up_to_a_mistake_and_past_it():
    found = archspec.compile(TEXT)
    types = [found.types_at(line) for line in range(1, 13)]
    expected = [
        Map((32, 32), 1),
        Map((28, 28), 6),
        None,
        None,
        Map((14, 14), 6),
        None,
        Map((12, 12), 8),
        None,
        None,
        None,
        Vector(10),
        Vector(2),
    ]
    assert types == [() if type_ is None else (type_,) for type_ in expected]
    assert found.types_at(11, 1) == (Map((1, 1), 6),) and found.types_at(11, 7) == (Vector(10),) and found.types_at(11, 5) == ()
    assert found.types_at(0) == found.types_at(99) == found.types_at(2, 99) == ()


def test_a_step_in_a_block_has_a_type_for_each_input():
    found = archspec.compile("block b():\n  conv k=3 f=4\ninput 9x9x3\nrepeat 2: b\n")
    assert found.complete and found.types_at(2) == (Map((7, 7), 4), Map((5, 5), 4))


def test_a_whole_network_is_that_of_loads():
    found = archspec.compile("input 8x8x3\nconv k=3 f=4", name="small")
    assert found.complete and repr(found.network) == repr(archspec.loads("input 8x8x3\nconv k=3 f=4", name="small"))


def test_without_an_input_there_is_nothing():
    assert archspec.compile("conv k=3 f=4").network is None
    assert archspec.compile("input 8x0x3\nconv k=3 f=4").network is None


FILES = sorted(CASES.rglob("*.arch"))


@pytest.mark.parametrize(
    "path", few_quick(FILES, [path.stem for path in FILES if "expansion" not in path.stem]), ids=lambda path: path.stem
)
def test_what_is_known_of_every_case_is_sound(path):
    found = archspec.compile(path.read_text(encoding="utf-8"))
    if found.network is not None and not any(d.code == "A207" for d in found.diagnostics):
        if all("would be called" not in d.message and "cannot be put inside" not in d.message for d in found.diagnostics):
            verify(found.network)
        archspec.analyze(found.network).totals  # noqa: B018
