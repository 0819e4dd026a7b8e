"""Rounds that read what other rounds give, or what all of them read."""

from __future__ import annotations

import pytest

import archspec
from archspec.backends.arch import expand
from archspec.shortening.prove import difference

CASES = {
    "groups of channels, each added to the result of the one before": """
        block bottleneck(f):
          residual:
            conv k=1 f=f | relu
            x: skip
            repeat 3 as i:
              from x | slice i*(f//4):(i+1)*(f//4)
              add relu_{i} if i > 0
              "convs.{i}": conv k=3 f=f//4 p=1
              relu_{i+1}: relu
            slice4: from x | slice 3*f//4:f
            from relu_1 | concat relu_2 relu_3 slice4
            conv3: conv k=1 f=16

        input 8x8x16
        a: bottleneck 8
        pool w=2
        b: bottleneck 16
        """,
    "a last group of channels that some blocks pool": """
        block bottleneck(f=8, s=1):
          residual:
            conv k=1 f=f | relu
            x: skip
            repeat 3 as i:
              from x | slice i*(f//4):(i+1)*(f//4)
              add relu_{i} if i > 0 and cin == 4*f
              "convs.{i}": conv k=3 f=f//4 s=s p=1
              relu_{i+1}: relu
            from x | slice 3*f//4:f
            avgpool w=3 s=s p=1 if cin != 4*f
            x_2: skip
            from relu_1 | concat relu_2 relu_3 x_2
            conv3: conv k=1 f=4*f
            shortcut: conv k=1 f=4*f s=s if cin != 4*f

        input 17x17x16
        layer1: repeat 3: bottleneck s=2,1
        layer2: repeat 3: bottleneck f=16 s=2,1
        """,
    "groups of channels by themselves": """
        input 8x8x16
        level:
          x: skip
          repeat 3 as i:
            from x | slice i*4:(i+1)*4
            "convs.{i}": conv k=3 f=4 p=1
            "bns.{i}": bn
            relu_{i+1}: relu
          slice_1: from x | slice 12:16
          from relu_1 | concat relu_2 relu_3 slice_1
        fc: fc 3
        """,
    "all values behind the last one": """
        block unit():
          conv: conv k=3 f=8 p=1
          bn: bn
          relu

        input 8x8x4
        mid:
          x: skip
          repeat 4 as i:
            unit
            x{i+1}: skip
          from x | concat x1 x2 x3 x4
        fc: fc 3
        """,
    "cells that read the two before": """
        block cell(from y):
          x: skip
          conv1: from y | conv k=1 f=8
          from x | conv k=3 f=8 p=1 | add conv1

        input 8x8x8
        cell_0: conv k=3 f=8 p=1
        cell_1: conv k=3 f=8 p=1
        repeat 4 as i: cell_{i+2}: cell cell_{i}
        relu
        """,
    "a further value of the block before": """
        block basic(from y):
          x: skip
          inner: from y | conv k=1 f=8
          residual: relu
          output side
          x_2: skip
          outer: conv k=3 f=8 p=1
          add x

        input 8x8x8
        a: conv k=1 f=8
        b: conv k=1 f=8
        blocks:
          0: basic a
          repeat 4 as i: "{i+1}": basic "{i}.side"
          add "4.side"
        relu
        """,
}


def _lines(text: str) -> list[str]:
    own = [line for line in text.splitlines() if line.strip() and not line.startswith("model")]
    least = min(len(line) - len(line.lstrip()) for line in own)
    return [line[least:] for line in own]


@pytest.mark.parametrize("what", CASES)
def test_rounds_are_found_again(what):
    network = archspec.loads("\n".join(_lines(CASES[what])), name="model")
    short = archspec.shorten(archspec.loads(expand(network), name="model"))
    assert short.note == ""
    assert difference(network, archspec.loads(short.text)) is None
    assert _lines(short.text) == _lines(CASES[what])


def test_values_that_do_not_count_are_no_rounds():
    text = """input 8x8x8
a: conv k=3 f=8 p=1
b: conv k=3 f=8 p=1
c: conv k=3 f=8 p=1
d: conv k=3 f=8 p=1
add a c b
"""
    short = archspec.shorten(archspec.loads(text, name="model"))
    assert short.note == ""
    assert "repeat" not in short.text
