"""Windows that fill their map: said as windows elsewhere are."""

import pytest

from archspec.imports.filled import with_windows
from archspec.ops import make
from archspec.types import Map, Tokens


def attention(x, **arguments):
    return make("attn", {"heads": 2, **arguments}), [x]


def told(*layers):
    return [(op.arguments().get("w"), op.arguments().get("shift", 0)) for op in with_windows(layers)]


@pytest.mark.parametrize(("shifts", "after"), [((0, 0), 0), ((0, 2), 2), ((2, 0), 0)])
def test_a_window_that_fills_its_map_is_that_of_others(shifts, after):
    large, small = Map((8, 8), 4), Map((4, 4), 4)
    layers = [attention(large, w=4, shift=shift) for shift in shifts] + [attention(small)] * 2
    assert told(*layers)[2:] == [(4, 0), (4, after)]
    for one, other in zip(layers[2:], with_windows(layers)[2:], strict=True):
        op, types = one
        assert other.macs(*types, types[0]) == op.macs(*types, types[0]) and other.weights(*types) == op.weights(*types)


def test_every_second_window_is_a_grid():
    large, small = Map((8, 8), 4), Map((4, 4), 4)
    layers = [attention(large, w=4), attention(large, grid=4), attention(small), attention(small)]
    found = [op.arguments() for op in with_windows(layers)]
    assert [(one.get("w"), one.get("grid")) for one in found] == [(4, None), (None, 4)] * 2


@pytest.mark.parametrize("x", [Map((8, 8), 4), Map((16,), 4), Tokens(16, 4)])
def test_other_attention_stays_as_it_is(x):
    assert told(attention(Map((8, 8), 4), w=4), attention(x))[1] == (None, 0)
    assert told(attention(Map((4, 4), 4))) == [(None, 0)]
