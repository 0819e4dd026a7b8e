"""Parts of a body that are alike except for numbers: rounds, of what names of weights make no group."""

from __future__ import annotations

import pytest

import archspec
from archspec.backends.arch import expand
from archspec.shortening.prove import difference

STAGES = """
input 32x32x4
repeat 4 as i:
  pool w=2 if i > 0
  "embed{i+1}": conv k=1 f=8,16,32,64
  x{i}: skip
  "blocks{i+1}.norm": bn
  "blocks{i+1}.one": conv k=1 f=16,32,64,128
  "shared{i+1}.conv": dwconv k=3 p=1
  slice bounds=0:8,0:16,0:32,0:64
  "blocks{i+1}.two": conv k=1 f=8,16,32,64
  relu
  again "blocks{i+1}.two"
  concat x{i}
gap
head: fc 10
"""
"""A module of the network's own within each block, as CoaT has them."""

CASCADE = """
input 8x8x32
x: skip
slice 0:8
y0: conv k=1 f=8
from x
z0: conv k=3 p=1 f=8
repeat 3 as i:
  a{i}: from x | slice bounds=8:16,16:24,24:32
  "qkv.{i+1}": add y{i} | conv k=1 f=24
  b{i}: slice 0:8
  c{i}: from "qkv.{i+1}" | slice 8:16
  "dw.{i+1}": from b{i} | dwconv k=3 p=1
  add c{i} z{i}
  y{i+1}: relu
  z{i+1}: from "qkv.{i+1}" | slice 16:24 | tanh
from y1 | add y2 y3 z3
head: fc 10
"""
"""Rounds that read two values of the one before, and of which lines behind read certain ones, as EfficientViT-M has them."""


@pytest.mark.parametrize(("text", "most"), [(STAGES, 14), (CASCADE, 21)], ids=["stages", "cascade"])
def test_parts_that_are_alike_are_rounds(text, most):
    flat = archspec.loads(expand(archspec.loads(text)))
    short = archspec.shorten(flat)
    assert not short.note
    assert "repeat" in short.text
    assert sum(bool(line.strip()) for line in short.text.splitlines()) - 1 <= most
    assert difference(flat, archspec.loads(short.text)) is None


def test_every_second_line_may_be_another_block():
    """As in Twins: its blocks are at the top level, since a module of the network itself lies between the first two of a stage."""
    rounds = "".join(
        f'"blocks.{n}.norm": bn\n"blocks.{n}.one": conv k={"1" if n % 2 else "3 p=1"} f=8\n"blocks.{n}.act": relu\n' for n in range(2, 16)
    )
    text = f'input 8x8x8\n"blocks.0.conv": conv k=1 f=8\nplace: dwconv k=3 p=1\n"blocks.1.conv": conv k=1 f=8\n{rounds}fc 10\n'
    flat = archspec.loads(expand(archspec.loads(text)))
    short = archspec.shorten(flat)
    assert not short.note
    assert difference(flat, archspec.loads(short.text)) is None
    assert '"blocks.{2*i+2}"' in short.text
    assert '"blocks.{2*i+3}"' in short.text


def test_what_is_not_in_the_first_round_has_a_condition():
    text = archspec.shorten(archspec.loads(expand(archspec.loads(STAGES)))).text
    assert "  pool w=2 if i > 0\n" in text
    assert "  embed{i+1}: conv k=1 f=8,16,32,64\n" in text


def test_rounds_in_rounds_have_no_lists_of_the_outer_ones():
    inner = "".join(
        f'"blocks{{i+1}}.{n}.norm": bn\n  "blocks{{i+1}}.{n}.one": conv k=1 f=8,16\n  again "shared{{i+1}}"\n  relu\n'
        f'  "blocks{{i+1}}.{n}.two": conv k=1 f=8,16\n  tanh\n  "blocks{{i+1}}.{n}.three": conv k=1 f=8,16\n  '
        for n in range(3)
    )
    text = f'input 8x8x4\nrepeat 2 as i:\n  "embed{{i+1}}": conv k=1 f=8,16\n  "shared{{i+1}}": dwconv k=3 p=1\n  {inner.rstrip()}\nfc 10\n'
    flat = archspec.loads(expand(archspec.loads(text)))
    short = archspec.shorten(flat)
    assert not short.note
    assert difference(flat, archspec.loads(short.text)) is None
    assert short.text.count("\n") < 40


def test_parts_that_differ_in_more_than_numbers_are_none():
    text = STAGES.replace('again "blocks{i+1}.two"', "tanh if i == 2")
    flat = archspec.loads(expand(archspec.loads(text)))
    short = archspec.shorten(flat)
    assert difference(flat, archspec.loads(short.text)) is None
    assert "repeat 4" not in short.text
