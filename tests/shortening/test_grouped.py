"""Depthwise convolutions beside ordinary ones: one block for both, and the same network to the proof."""

import archspec
from archspec.backends.arch import expand
from archspec.shortening.prove import difference

MOBILE = """
block unit(f, k=1, s=1, g=1):
  conv: conv k=k f=f s=s p=k//2 bias=no g=g
  bn: bn
  relu
input 33x33x8
stem: unit 16 k=3 s=2
a: unit 16 k=3 g=16
b: unit 32
c: unit 32 k=5 g=32
"""


def test_modules_that_are_alike_are_one_block():
    flat = expand(archspec.loads(MOBILE)).replace("f=16 p=1 bias=no g=16", "p=1 bias=no").replace("f=32 p=2 bias=no g=32", "p=2 bias=no")
    flat = flat.replace("a.conv: conv", "a.conv: dwconv").replace("c.conv: conv", "c.conv: dwconv")
    assert flat.count("dwconv") == 2
    short = archspec.shorten(archspec.loads(flat))
    assert not short.note
    assert "dwconv" not in short.text
    assert short.text.count("block") == 1


def test_a_module_of_one_layer_and_one_by_itself_stay():
    flat = "input 8x8x4\na.x: conv k=1 f=4\na.y: bn\nb.u: dwconv k=3 p=1\nb.v: bn\nc.x: dwconv k=3 p=1\n"
    assert archspec.shorten(archspec.loads(flat)).text.count("dwconv") == 2


def test_one_group_for_each_channel_is_depthwise():
    def network(line):
        return archspec.loads(f"input 8x8x4\nx: {line}\n", name="n")

    depthwise = network("dwconv k=3 p=1 bias=no m=2")
    assert difference(depthwise, network("conv k=3 f=8 g=4 p=1 bias=no")) is None
    for line in (
        "conv k=3 f=8 g=2 p=1 bias=no",
        "conv k=3 f=8 g=4 p=1",
        "conv k=3 f=8 g=4 p=1 bias=no mode=edge",
        "conv k=3 f=4 g=4 p=1 bias=no",
    ):
        assert difference(depthwise, network(line)) is not None
