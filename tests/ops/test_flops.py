"""FLOPs of each layer, worked out by hand from the published table (docs/layers.md): elementary operations, in inference."""

import pytest

import archspec
from archspec.ops import STEPS

MAP = 12 * 10 * 6
ELEMENTWISE = {
    "relu": 1, "relu6": 2, "leaky": 2, "elu": 4, "selu": 5, "gelu": 5, "silu": 5, "mish": 5, "hardswish": 5, "hardsigmoid": 4, "sigmoid": 4,
    "tanh": 1, "softplus": 3, "prelu": 2, "softmax": 5, "logsoftmax": 5, "bn": 2, "ln": 7, "gn 3": 7, "instnorm": 5, "scale": 1,
    "lrn": 5 + 4 + 4, "lrn n=2": 2 + 1 + 4, "dropout": 0, "dropout2d": 0, "droppath 0.1": 0, "flatten": 0, "tokens": 0, "shuffle 2": 0,
    "slice 1:3": 0, "pad 1": 0, "crop 4": 0, "pixelshuffle 1": 0, "patchmerge 2": 0,
}  # fmt: skip
"""Operations for each number of a map; of `lrn` n squares, n - 1 sums, scaling, offset, power and division."""
BY_HAND = {
    "conv k=3 f=4": 2 * 10 * 8 * 4 * 6 * 9,
    "conv k=3 f=4 g=2 bias=no": 2 * 10 * 8 * 4 * 3 * 9,
    "conv k=1 f=2 maps=((0,1),(5,))": 2 * 12 * 10 * 3,
    "dwconv k=3 m=2": 2 * 10 * 8 * 12 * 9,
    "deconv k=3 f=4": 2 * 12 * 10 * 6 * 4 * 9,
    "pool w=3 s=1": 10 * 8 * 6 * (9 - 1),
    "pool w=2x1": 6 * 10 * 6 * (2 - 1),
    "avgpool w=2": 6 * 5 * 6 * 4,
    "subsample w=2": 6 * 5 * 6 * (4 + 1),
    "gap": MAP,
    "adaptpool 6x5": MAP,
    "adaptpool 8x10": (8 * 2) * 10 * 6,
    "adaptmaxpool 6x5": MAP - 6 * 5 * 6,
    "upsample 2": 0,
    "upsample 2 mode=bilinear": 24 * 20 * 6 * (4 + 3),
    "linear 5": 2 * 12 * 10 * 6 * 5,
    "fc 5": 2 * MAP * 5,
    "flatten | rbf 5": 3 * MAP * 5,
    "tokens | linear 5": 2 * 120 * 6 * 5,
    "tokens | pos": MAP,
    "tokens | cls": 0,
    "tokens | first": 0,
    "tokens | gap": MAP,
    "tokens | attn heads=3": 2 * (4 * 120 * 6 * 6 + 2 * 120 * 120 * 6) + MAP + 5 * 3 * 120 * 120,
    "winattn heads=2 w=4x5": 2 * (4 * 120 * 6 * 6 + 2 * 120 * 20 * 6) + MAP + 6 * 2 * 120 * 20,
    "winattn heads=2 w=4x5 shift=2x0": 2 * (4 * 120 * 6 * 6 + 2 * 120 * 20 * 6) + MAP + 7 * 2 * 120 * 20,
    "x: skip\nadd x": MAP,
    "x: skip\nmul x x": 2 * MAP,
    "x: skip\nconcat x x": 0,
}


@pytest.mark.parametrize("steps", [*ELEMENTWISE, *BY_HAND])
def test_flops(steps):
    row = archspec.analyze(archspec.loads(f"input 12x10x6\n{steps}\n")).layers[-1]
    assert row.flops == (BY_HAND[steps] if steps in BY_HAND else ELEMENTWISE[steps] * MAP)


def test_flops_of_a_table_of_words():
    assert archspec.analyze(archspec.loads("input 9\nembed 30 8\n")).layers[-1].flops == 0


def test_every_layer_is_counted():
    texts = [text.replace(":", " ") for text in (*ELEMENTWISE, *BY_HAND, "embed 30 8")]
    assert {word for text in texts for word in text.split()} >= set(STEPS)
