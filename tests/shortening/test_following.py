"""The order of what is listed: each line goes on from the one before where it can."""

import archspec
from archspec.backends.arch import expand
from archspec.ir.graph import given
from archspec.shortening.prove import differing

QUERIES_AND_KEYS = """
input 16x32
tokens
unit:
  qkv: linear 96
  a: slice 0:32
  b: from qkv | slice 32:64
  c: from qkv | slice 64:96
  d: from a | l2norm
  e: from b | l2norm
  from d | attend e c heads=4
  proj: linear 32
head: linear 10
"""
"""Queries and keys that take turns, as programs have them."""

CELL = """
input 8x8x8
x: skip
a: conv k=1 f=8
b: from x | conv k=3 f=8 p=1
u: from a | relu
v: from b | sigmoid
from v | matmul u
fc 10
"""


def shortened(text):
    flat = archspec.loads(expand(archspec.loads(text)))
    short = archspec.shorten(flat)
    assert differing(given(flat), archspec.loads(short.text)) is None
    return short.text


def test_lines_follow_what_they_read():
    text = shortened(QUERIES_AND_KEYS)
    assert "  slice 0:32\n  l2norm_1: l2norm\n  from qkv | slice 32:64\n  l2norm_2: l2norm\n  slice_1: from qkv | slice 64:96\n" in text
    assert "  from l2norm_1 | attend l2norm_2 slice_1 heads=4\n" in text


def test_of_two_values_the_first_is_the_line_before():
    assert shortened(CELL).count("from") == 1


def test_weights_that_are_used_again_stay_above():
    text = CELL.replace("b: from x | conv k=3 f=8 p=1", "b: from x | again a")
    assert "again a" in shortened(text)
