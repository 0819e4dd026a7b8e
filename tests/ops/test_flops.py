"""FLOPs of each layer, worked out by hand from the published table (docs/layers.md): elementary operations, in inference."""

import pytest

import archspec
from archspec.ops import STEPS
from tests.layers import LAYERS, MAP

FLOPS = {
    steps: count
    for step, layer in LAYERS.items()
    for steps, count in (layer.flops.items() if isinstance(layer.flops, dict) else [(step, layer.flops * MAP)])
}


@pytest.mark.parametrize("steps", FLOPS)
def test_flops(steps):
    row = archspec.analyze(archspec.loads(f"input 12x10x6\n{steps}\n")).layers[-1]
    assert row.flops == FLOPS[steps]


def test_flops_of_a_table_of_words():
    assert archspec.analyze(archspec.loads("input 9\nembed 30 8\n")).layers[-1].flops == 0


def test_every_layer_is_counted():
    texts = [text.replace(":", " ") for text in (*FLOPS, "embed 30 8")]
    assert {word for text in texts for word in text.split()} >= set(STEPS)
