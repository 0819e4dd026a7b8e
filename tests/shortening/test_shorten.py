"""Short specs: the same networks, as short as they were, and nothing wrong passes the proof."""

from __future__ import annotations

import json

import pytest

import archspec
from archspec.analysis.tensors import tensors
from archspec.backends.arch import expand
from archspec.shortening.prove import difference
from tests.helpers.paths import FACTS, SPECS
from tests.helpers.specs import few_quick

LINES = json.loads((FACTS / "shortened_lines.json").read_text(encoding="utf-8"))
"""How many lines each bundled spec takes once it is written flat and shortened, without `model` and `meta`."""


def lines(text):
    return sum(bool(line.strip()) and not line.startswith(("model", "meta")) for line in text.splitlines())


def kinds(network):
    """The layers by what they do, in any order; none of it is known to the proof."""
    return sorted(
        (row.op, row.config, row.params, row.macs, str(row.output)) for row in archspec.analyze(network).layers if row.op != "flatten"
    )


@pytest.mark.parametrize("path", few_quick(SPECS), ids=lambda path: path.stem)
def test_bundled_specs_written_flat_become_short_again(path):
    network = archspec.load(path)
    flat = archspec.loads(expand(network), name=path.stem)
    text, note, _ = archspec.shorten(flat)
    again = archspec.loads(text, name=path.stem)
    assert not note
    assert lines(text) <= LINES[path.stem], "it was shorter"
    assert difference(network, again) is None
    assert kinds(again) == kinds(network)
    assert {(tensor.key, tensor.shape) for tensor in tensors(again)} == {(tensor.key, tensor.shape) for tensor in tensors(network)}


def test_the_lines_are_those_of_all_bundled_specs():
    assert LINES.keys() == {path.stem for path in SPECS}


def test_a_residual_network_reads_as_one_writes_it():
    flat = archspec.loads(expand(archspec.load("resnet50")))
    assert archspec.shorten(flat).text.splitlines()[2:] == [
        "default round=floor",
        "default conv bias=no",
        "",
        "block bottleneck(f, s=1):",
        "  residual:",
        "    conv k=1 f=f | bn | relu",
        "    conv k=3 f=f s=s p=1 | bn | relu",
        "    conv k=1 f=4*f | bn",
        "    shortcut: conv k=1 f=4*f s=s | bn if cin != 4*f",
        "  relu",
        "",
        "input 224x224x3",
        "conv k=7 f=64 s=2 p=3 | bn | relu",
        "pool w=3 s=2 p=1",
        "layer1: repeat 3: bottleneck 64",
        "layer2: repeat 4: bottleneck 128 s=2,1",
        "layer3: repeat 6: bottleneck 256 s=2,1",
        "layer4: repeat 3: bottleneck 512 s=2,1",
        "gap",
        "fc: fc 1000",
    ]


@pytest.mark.parametrize("name", few_quick(["lenet5", "googlenet", "mobilenet_v2", "densenet121", "maxvit_t", "vit_b_16"], ("lenet5",)))
def test_a_short_spec_stays_as_it_is(name):
    once = archspec.shorten(archspec.load(name)).text
    assert archspec.shorten(archspec.loads(once)).text == once


@pytest.mark.parametrize("name", few_quick(["lenet5", "resnet18", "mobilenet_v3_small", "shufflenet_v2_x1_0", "googlenet"], ("lenet5",)))
def test_values_are_the_same(name):
    torch = pytest.importorskip("torch", reason="torch computes the values")
    size = (96, 96, 3) if name != "lenet5" else None
    network = archspec.load(name, inputs=size)
    again = archspec.loads(archspec.shorten(archspec.loads(expand(network))).text)
    one, other = (archspec.to_torch(net).eval() for net in (network, again))
    other.load_state_dict(one.state_dict())
    type_ = network.inputs[0].type
    x = torch.randn(2, type_.channels, *type_.spatial)
    with torch.no_grad():
        torch.testing.assert_close(other(x), one(x), rtol=0, atol=0)


@pytest.mark.parametrize("start", few_quick(range(0, 600, 20), (0,)))
def test_random_networks_are_proved_and_most_of_them_short(start):
    pytest.importorskip("torch", reason="the generator of random specs builds torch modules")
    from tests.fuzzing import shape
    from tests.fuzzing.draw import Random

    notes = []
    for seed in range(start, start + 20):
        drawn = shape.draw(Random(seed))
        try:
            network = archspec.loads(drawn.text)
        except archspec.SpecError:
            continue
        text, note, _ = archspec.shorten(network)
        again = archspec.loads(text)
        assert difference(network, again) is None, (seed, text)
        assert kinds(again) == kinds(network), (seed, text)
        notes.append(bool(note))
    assert sum(notes) <= 0.2 * len(notes)


HEAD = "input 16x16x8\n"
WRONG = {
    "a branch that is lost": ("concat:\n  skip\n  conv k=3 f=8 p=1\nconv k=1 f=4", "concat:\n  conv k=3 f=8 p=1\nconv k=1 f=4"),
    "an identity that is lost": ("residual:\n  conv k=3 f=8 p=1\nrelu", "conv k=3 f=8 p=1\nrelu"),
    "branches that are exchanged": (
        "concat:\n  a: conv k=3 f=4 p=1\n  b: conv k=3 f=4 p=1\nfc 3",
        "concat:\n  b: conv k=3 f=4 p=1\n  a: conv k=3 f=4 p=1\nfc 3",
    ),
    "a difference the other way round": ("x: skip\ny: conv k=1 f=8\nsub x", "x: skip\ny: conv k=1 f=8\nfrom x | sub y"),
    "a list that is shifted": ("a: repeat 3: conv k=3 f=8 p=1,2,1 d=1,2,1", "a: repeat 3: conv k=3 f=8 p=2,1,1 d=2,1,1"),
    "a list of calls that is shifted": (
        "a: repeat 2: b 8 s=2,1\nblock b(f, s=1):\n  conv k=3 f=f s=s p=1 round=floor",
        "a: repeat 2: b 8 s=1,2\nblock b(f, s=1):\n  conv k=3 f=f s=s p=1 round=floor",
    ),
    "a guard with another bound": (
        "block b(f):\n  conv k=1 f=f\n  bn if f > 8\nx: repeat 2: b (8,16)",
        "block b(f):\n  conv k=1 f=f\n  bn if f == 8\nx: repeat 2: b (8,16)",
    ),
    "an identity that a guarded branch had": (
        "block b(f):\n  add:\n    proj: conv k=1 f=f if cin != f\n    skip if cin == f\n    conv k=3 f=f p=1\nx: repeat 2: b 16",
        "block b(f):\n  add:\n    proj: conv k=1 f=f if cin != f\n    conv k=3 f=f p=1\nx: repeat 2: b 16",
    ),
    "inputs of a concat of concats in another order": (
        "a: conv k=1 f=8\nb: conv k=1 f=8\nconcat a\nc: conv k=1 f=8\nfrom b | concat a c",
        "a: conv k=1 f=8\nb: conv k=1 f=8\nconcat a\nc: conv k=1 f=8\nfrom b | concat c a",
    ),
    "gates in another order": (
        "x: skip\na: conv k=1 f=8 | sigmoid\nb: from x | conv k=1 f=8 | tanh\nfrom a | mul b | sub a",
        "x: skip\na: conv k=1 f=8 | tanh\nb: from x | conv k=1 f=8 | sigmoid\nfrom a | mul b | sub a",
    ),
    "queries and keys that are exchanged": (
        "tokens\nq: linear 8\nk: linear 8\nv: linear 8\nfrom q | attend k v heads=2",
        "tokens\nq: linear 8\nk: linear 8\nv: linear 8\nfrom k | attend q v heads=2",
    ),
    "a flatten that is lost": ("avgpool w=16 | flatten | linear 4", "avgpool w=16 | linear 4"),
    "a guard that is wrong": ("a: conv k=3 f=8 p=1\nb: relu\nc: conv k=3 f=8 p=1", "a: conv k=3 f=8 p=1\nc: conv k=3 f=8 p=1"),
    "a flatten at another place": ("flatten | relu | linear 4", "relu | flatten | linear 4"),
    "an argument without a shape": ("conv k=3 f=8 | bn eps=0.001", "conv k=3 f=8 | bn"),
    "the weights of another layer": (
        "a: conv k=3 f=8 p=1\nb: conv k=3 f=8 p=1\nagain a",
        "a: conv k=3 f=8 p=1\nb: conv k=3 f=8 p=1\nagain b",
    ),
    "another name of weights": ("a: conv k=3 f=8", "b: conv k=3 f=8"),
    "an output that is lost": ("x: conv k=3 f=8\noutput mid\nrelu", "x: conv k=3 f=8\nrelu"),
    "an output for training": ("output aux train: gap | fc 3\nrelu", "output aux: gap | fc 3\nrelu"),
    "a layer that nobody reads": ("from input | x: tensor 8\nrelu", "relu"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_proof_finds(what):
    one, other = (text if "from input |" not in text else text.replace("from input | ", "") for text in WRONG[what])
    assert difference(archspec.loads(HEAD + one), archspec.loads(HEAD + other)) is not None
    assert difference(archspec.loads(HEAD + one), archspec.loads(HEAD + one)) is None


def test_the_order_of_a_sum_is_free():
    one, other = "add:\n  a: conv k=3 f=8 p=1\n  b: conv k=1 f=8", "add:\n  b: conv k=1 f=8\n  a: conv k=3 f=8 p=1"
    assert difference(archspec.loads(HEAD + one), archspec.loads(HEAD + other)) is None


def test_names_that_are_no_words():
    network = archspec.loads('input 8x8x3\n"class": conv k=3 f=4\n"block1-0":\n  a: conv k=3 f=4\n  b: relu\n')
    assert difference(network, archspec.loads(archspec.shorten(network).text)) is None


def test_long_and_deep_networks_end():
    rows = "".join(f"g{at}:\n  a: conv k={1 + 2 * (at % 2)} f={1 + at % 7} p=same\n  b: bn\n" for at in range(300))
    deep = "".join("  " * at + "residual:\n" for at in range(20)) + "  " * 20 + "conv k=3 f=8 p=1\n"
    for text in (rows, deep, "repeat 700: conv k=3 f=8 p=1 | bn | relu\n"):
        network = archspec.loads(HEAD + text)
        assert difference(network, archspec.loads(archspec.shorten(network).text)) is None


def test_the_command_writes_the_text_and_says_what_was_given_up(archspec_command):
    done = archspec_command("shorten", "resnet18")
    assert done.status == 0 and not done.err and "layer4: repeat 2: basic 512 s=2,1" in done.out
    assert archspec_command("check", "-", stdin=done.out).status == 0
    used_again = "input 9x6x6\nv7: elu | conv k=1 f=6\nconv k=1 f=6 mode=zero | again v7\nbn eps=0.001 | bn eps=0.001\n"
    done = archspec_command("shorten", "-", stdin=used_again)
    assert done.status == 0 and "no short text was proved for" in done.err


ROUNDED = """input 22x22x4
g1:
  residual:
    conv k=3 f=8 s=2 p=1 round=floor
    shortcut: avgpool w=2 round=ceil | conv k=1 f=8
g2:
  residual:
    conv k=3 f=16 s=2 p=1 round=floor
    shortcut: avgpool w=2 round=ceil | conv k=1 f=16
"""
"""Groups that differ in a word, which no parameter of a block may be."""


@pytest.mark.parametrize(
    "text",
    [
        ROUNDED,
        'input 8x8x4\ncustom "aten.sin" z=2 a=3x4 macs=0\ncustom "aten.sin" z=2 a=3x4 macs=0',
        "input 8\na: tensor 4\nb: tensor 4 frozen=yes\nfrom a | concat b\nx: skip\nfrom input | add x",
    ],
)
def test_what_no_parameter_says_leaves_the_rest_short(text):
    assert not archspec.shorten(archspec.loads(text)).note


CALLED_AS_SHORTCUT = """
block unit(f, k=1, s=1, p=0):
  conv: conv k=k f=f s=s p=p bias=no round=floor
  norm: bn
block stage(f=16, s=2):
  residual:
    conv1: unit f
    conv2: unit f k=3 s=s p=1
    conv3: unit 2*f
    shortcut: unit 2*f s=s if cin != 2*f
  relu
input 32x32x8
s1: stage
s2: stage s=1
s3: stage 32
s4: stage 32 s=1
"""
"""A shortcut that is called as the other layers are."""
CALLED_OTHERWISE = """
block bottleneck(f, s=1):
  residual:
    a: conv k=1 f=f bias=no | bn | relu
    b: conv k=3 f=f s=s p=1 bias=no round=floor | bn
    shortcut: proj: conv k=1 f=f s=s bias=no round=floor | bn if cin != f
  relu
input 32x32x8
one: bottleneck 16 s=2
two: bottleneck 16
three: bottleneck 32 s=2
"""
"""A shortcut with a label, and none in one block."""
SEVERAL = """
block unit(f):
  residual:
    a: conv k=1 f=4*f bias=no | bn | relu
    b: conv k=3 f=f p=1
    shortcut: seq if cin != f:
      p: conv k=1 f=f
      q: bn
input 32x32x8
one: unit 16
two: unit 16
three: unit 32
"""
"""A shortcut of several layers with labels."""
UNLIKE = """
default round=floor
block opening(f):
  conv_dw: dwconv k=3 p=1 bias=no
  bn1: bn
  relu
  conv_pw: conv k=1 f=f bias=no
  bn2: bn
block inverted(f=24, s=2):
  residual if cin == f:
    conv_pw: conv k=1 f=6*cin bias=no
    bn1: bn
    relu
    conv_dw: dwconv k=3 s=s p=1 bias=no
    bn2: bn
    relu
    conv_pwl: conv k=1 f=f bias=no
    bn3: bn
input 32x32x8
a: opening 16
b: inverted
c: inverted s=1
d: inverted 40
e: inverted 40 s=1
"""
"""A group that is like some instances of a block, and less like them than others are."""


USUAL = """
default bn eps=1e-07
block unit(f, eps=1e-07):
  conv: conv k=3 f=f p=1
  norm: bn eps=eps
input 32x32x8
a: unit 8
b: unit 16
c: unit 32
d: unit 64
e: unit 64 eps=1e-05
"""
"""One instance has what a layer has by itself where the file has another default."""


BRANCHES = """
block unit(f):
  conv: conv k=3 f=f p=1
  bn: bn
block stage(f):
  add:
    one: unit f
    two: unit f
    three: bn if cin == f
  relu
input 16x16x8
a: stage 16
b: stage 16
c: stage 24
d: stage 24
"""
"""Some of the sums have a branch more."""
NAMESAKES = """
block cell(f, wide):
  x: skip
  before: conv k=1 f=f if wide
  before if not wide:
    conv1: conv k=1 f=f
    conv2: conv k=3 f=f p=1
  after: from x | conv k=3 f=f p=1
  relu
  z: pool w=3 s=1 p=1
  from before | tanh | add z
  last: from before | conv k=1 f=f
  add z
input 16x16x8
cell1: cell 8 yes
cell2: cell 16 no
cell3: cell 16 yes
cell4: cell 24 no
"""
"""What lines refer to is a layer in some instances, and a group of its name in others."""
LISTS = """
block unit(f):
  conv: conv k=3 f=f p=1
  custom "aten.view" (2,f,4,64) out=4x64x(f) macs=0
  bn: bn
  rearrange "h (a b) c -> (h a) b c" b=16
input 16x16x8
a: unit 8
b: unit 16
"""
"""Lists in parentheses differ in a number."""


@pytest.mark.parametrize(
    ("text", "called"),
    [
        (USUAL, "e: unit 64 eps=1e-05"),
        (CALLED_AS_SHORTCUT, "    shortcut: unit 2*f s=s if cin != 2*f"),
        (CALLED_OTHERWISE, "    shortcut: proj: conv k=1 f=f s=s round=floor | bn if cin != f"),
        (SEVERAL, "    shortcut: seq if "),
        (UNLIKE, "e: inverted "),
        (BRANCHES, "    three: bn if cin == f"),
        (NAMESAKES, "  last: from before | conv k=1 f=f"),
        (LISTS, '  custom "aten.view" (2,f,4,64)'),
    ],
)
def test_groups_become_the_blocks_that_they_were(text, called):
    flat = archspec.loads(expand(archspec.loads(text)))
    short = archspec.shorten(flat)
    assert not short.note
    assert any(line.startswith(called) for line in short.text.splitlines())
    assert lines(short.text) <= lines(text) + 3
