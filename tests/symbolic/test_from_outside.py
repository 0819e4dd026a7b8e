"""Faults that a fresh user met, each as it was met."""

from __future__ import annotations

import pytest

import archspec
from archspec.symbolic.tracing import COUNTS

SHUFFLED = "param g = 1\ninput 16x16x12\nconv k=3 f=12 p=1 | relu\nshuffle g\nadaptpool 4\ngap\nfc 10"


def test_activations_are_those_of_a_table() -> None:
    found = archspec.sweep(archspec.loads(SHUFFLED), {"g": "{1,2,3,4}"}, "2..9")
    assert found.legal == 32
    for variant in found.variants():
        size = variant.values["H"]
        totals = archspec.analyze(archspec.loads(SHUFFLED, params={"g": variant.values["g"]}, inputs=f"{size}x{size}x12")).totals
        assert variant.counts == {name: getattr(totals, name) for name in COUNTS}


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "mobilenet_v2"])
def test_activations_of_a_formula(name: str) -> None:
    model = archspec.load(name)
    totals = archspec.analyze(model).totals
    found = archspec.formula(model, "H", COUNTS)()
    assert found == {count: getattr(totals, count) for count in COUNTS}


def test_a_formula_rounds_up_and_down() -> None:
    text = "param a = 1.0\ninput 8x8x4\nconv k=1 f=ceil(a*3)\nconv k=1 f=floor(a*8)\nfc 4"
    found = archspec.formula(archspec.loads(text), "a", "params")
    assert found(a=1.3) == {"params": archspec.analyze(archspec.loads(text, params={"a": 1.3})).totals.params}
    assert "ceil(a*3)" in str(found)
