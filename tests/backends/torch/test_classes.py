"""Blocks as classes: parameters called as in the spec, the block's own expressions, shared where these and the guards agree."""

from __future__ import annotations

import random
import re

import pytest

torch = pytest.importorskip("torch", reason="torch runs the emitted classes")

import archspec
from archspec.ir.schema import from_json
from tests.fuzzing import value
from tests.fuzzing.draw import Random
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick

CASES = {
    "names, not values": (
        "input 8x8x6\nblock b(n, groups): conv k=3 f=6*n g=groups p=1\nb 1 1\nb 2 2\nb 3 3\n",
        ["class B: channels: int, n: int, groups: int", "nn.Conv2d(channels, 6 * n, 3, padding=1, groups=groups)", "B(12, 3, 3)"],
    ),
    "expressions": (
        "input 8x8x8\nblock b(n, t=2, f=round8(n*t)): conv k=1 f=t*cin | conv k=1 f=max(16,n//2) | conv k=1 f=round8(n//4) | conv k=1 f=f\nb 12\nb 24 t=3\n",
        ["nn.Conv2d(channels, t * channels, 1)", "nn.Conv2d(t * channels, max(16, n // 2), 1)", "nn.Conv2d(max(16, n // 2), round8(n // 4), 1)", "def round8(value):"],
    ),
    "real numbers": (
        "input 8x8x8\nblock b(r, w): leaky r | conv k=1 f=w*8 | scale r\nb 0.1 0.5\nb 0.25 1.5\n",
        ["class B: channels: int, r: float, w: float", "nn.LeakyReLU(r)", "int(w * 8)", "float(r)"],
    ),
    "whole and real numbers mixed": ("input 8x8x8\nblock b(p): dropout p | relu\nb 0\nb 0.5\n", ["class B: p: float", "nn.Dropout(p)"]),
    "sizes": (
        "input 8x8x4\nblock b(k, s=1): conv k=k f=4 s=s p=same\nb 3x1\nb 5x3\n",
        ["k: tuple[int, int]", "nn.Conv2d(channels, 4, k, padding=", "B(4, (3, 1)"],
    ),
    "the window's half": (
        "input 8x8x4\nblock b(k): dwconv k=k p=k//2 | conv k=k f=4 p=same\nb 3\nb 5\n",
        ["nn.Conv2d(channels, channels, k, padding=k // 2, groups=channels)", "nn.Conv2d(channels, 4, k, padding=(k - 1) // 2)"],
    ),
    "lists": (
        "input 8x8x4\nblock b(fs): repeat 2: conv k=1 f=fs\nb (3,5)\nb (4,6)\n",
        ["fs: tuple[int, int]", "nn.Conv2d(channels, fs[0], 1)", "nn.Conv2d(fs[0], fs[1], 1)", "B(4, (3, 5))"],
    ),
    "switches and words decide": (
        "input 8x8x4\nblock b(y, p): conv k=3 f=4 bias=y p=p\nb yes same\nb no same\nb yes valid\n",
        ["nn.Conv2d(channels, 4, 3, padding=1)", "nn.Conv2d(channels, 4, 3, padding=1, bias=False)", "class B3:"],
    ),
    "blocks in blocks": (
        "input 8x8x4\nblock a(n): conv k=1 f=n | conv k=1 f=2*n\nblock b(n, m): a n*m | a cin//2\nb 2 3\nb 4 1\n",
        ["class A: channels: int, n: int", "A(channels, n * m)", "A(2 * n * m, channels // 2)"],
    ),
    "repeats in blocks": (
        "input 8x8x4\nblock c(k):\n  repeat 3:\n    concat:\n      skip\n      conv k=1 f=k\nc 2\nc 5\n",
        ["nn.Conv2d(channels, k, 1)", "nn.Conv2d(channels + k, k, 1)", "nn.Conv2d(channels + 2 * k, k, 1)"],
    ),
    "labels over steps": (
        "input 8x8x4\nblock b(n, s=1):\n  add:\n    one: conv k=1 f=n s=s | relu\n    side:\n      a: conv k=1 f=2*n s=s | relu\n      c: conv k=1 f=n\n"
        "b 4\nb 6\n",
        ["class Side: channels: int, n: int, s: int", "self.side = Side(channels, n, s)", "nn.Conv2d(2 * n, n, 1)"],
    ),
    "guards": (
        "default round=floor\ninput 8x8x4\nblock b(n, s=1):\n  residual:\n    conv k=1 f=n s=s\n    shortcut: conv k=1 f=n s=s if s > 1 or cin != n\n"
        "b 4\nb 8\nb 8 s=2\nb 8\n",
        ["class B: channels: int, n: int, s: int", "downsample = nn.Conv2d(channels, n, 1, stride=s) if s > 1 or channels != n else nn.Identity()", "B(8, 8, 2)"],
    ),
    "a guarded residual": (
        "default round=floor\ninput 8x8x4\nblock b(n, s=1):\n  residual if s == 1 and cin == n:\n    conv k=3 f=n s=s p=1 | relu\nb 4\nb 8\nb 8 s=2\nb 8\n",
        ["self.has_add1 = s == 1 and channels == n", "return y + x if self.has_add1 else y"],
    ),
    "guards in a chain": (
        "input 8x8x4\nblock b(e, hs, n):\n  body:\n    _: conv k=1 f=e | relu if e != cin\n    _: dwconv k=3 p=1 | tanh\n    conv k=1 f=n if hs and not e > 10\n"
        "b 4 no 6\nb 6 yes 6\nb 9 no 4\nb 12 yes 5\nb 12 no 4\n",
        ["if e != channels else []", "nn.Conv2d(e, e, 3, padding=1, groups=e)", "*([nn.Conv2d(e, n, 1)] if hs and not e > 10 else [])", "hs: bool"],
    ),
    "either of two layers": (
        "input 8x8x4\nblock a(hs):\n  relu if not hs\n  silu if hs\nblock b(hs): conv k=1 f=5 | a hs\nb yes\nb no\n",
        ["        if not hs:\n            self.relu1 = nn.ReLU()\n        if hs:\n            self.silu1 = nn.SiLU()", "self.a1 = A(hs)"],
    ),
    "either of two layers of one label": (
        "input 8x8x4\nblock a(hs):\n  act: relu if not hs\n  act: silu if hs\nblock b(hs): conv k=1 f=cin | a hs | conv k=1 f=cin\nb yes\nb no\nb no\n",
        ["self.act = nn.SiLU() if hs else nn.ReLU()"],
    ),
    "a number that a guard decides": (
        "input 8x8x6\nblock b(n, half):\n  slice 0:cin//2 if half\n  f: conv k=3 f=n p=1 | relu\n  g: conv k=3 f=cin p=1 | relu\nb 6 yes\nb 6 no\n",
        ["        if half:\n            self.slice1 = Slice(0, channels // 2)", "nn.Conv2d(channels // 2 if half else channels, n, 3, padding=1)"],
    ),
    "guards and a switch": (
        "input 8x8x4\nblock b(y, s):\n  conv k=3 f=4 bias=y p=1\n  residual if s > 1:\n    conv k=3 f=4 p=1 | relu\nb yes 1\nb yes 2\nb no 1\nb no 2\n",
        ["nn.Conv2d(channels, 4, 3, padding=1)", "B(4, 1)\n        self.b2 = B(4, 2)\n        self.b3 = B2(4, 1)\n        self.b4 = B2(4, 2)"],
    ),
    "labels of one name": (
        "input 8x8x4\nblock a(hs):\n  side:\n    x: skip\n    conv k=1 f=4\n    add x\n    relu if hs\nblock b(n):\n  side:\n    x: skip\n    conv k=1 f=4\n    add x\n"
        "a no\na yes\nb 1\n",
        ["self.side = Side(channels, hs)", "self.side = Side2(channels)"],
    ),
    "a guard in a guarded part": (
        "input 8x8x4\nblock b(m, n):\n  f if m > 1:\n    conv k=1 f=m\n    _: conv k=1 f=m | bn if n\n    relu\n  tail: conv k=1 f=cin | relu | silu | tanh\nb 1 0\nb 4 0\nb 4 1\n",
        ["class B: channels: int, m: int, n: int", "*([nn.Sequential(nn.Conv2d(m, m, 1), nn.BatchNorm2d(m))] if n else [])", "if m > 1"],
    ),
    "guards that a class cannot have": (
        "input 8x8x4\nblock b(n, m): \n  conv k=1 f=n if m\n  conv k=1 f=n\nb 4 1\nb 4 0\nb 4 1\nblock c(n):\n  repeat 3 as i:\n    relu if i > n\nc 0\nc 1\n"
        "block d(n):\n  dropout 0.5\n  pos if n\ntokens\nd 0\nd 1\n",
        ["class B2:", "class C2:", "class D2"],
    ),
    "a name that is a module, or holds others": (
        "input 8x8x4\nblock b(n):\n  conv k=1 f=cin\n  x: repeat 1: conv k=3 f=cin p=1 if n == 2\n  x.0: conv k=3 f=cin p=1 if n > 2\n"
        "  repeat n - 2 as i: \"x.{i + 1}\": conv k=1 f=cin if n > 2\nb 2\nb 2\nb 3\nb 4\n",
        ["self.x = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1))", "class B2"],
    ),
    "equal by accident": ("input 8x8x4\nblock b(n, m): conv k=1 f=n | conv k=1 f=m\nb 4 4\nb 5 5\n", ["conv1 = nn.Conv2d(channels, n, 1)", "conv2 = nn.Conv2d(n, m, 1)"]),
    "reserved words": ("input 8x8x4\nblock b(range, channels): conv k=1 f=range | conv k=1 f=channels\nb 3 5\nb 4 6\n", ["range_: int, channels: int"]),
    "one instance": ("input 8x8x4\nblock b(n): conv k=1 f=4*n\nb 3\n", ["nn.Conv2d(channels, 4 * n, 1)", "B(4, 3)"]),
}  # fmt: skip


def summary(source):
    """The source with a line for each class: its name, and what its constructor takes."""
    return re.sub(r"class (\w+)\(.*?def __init__\(self(?:, )?(.*?)\) -> None", r"class \1: \2", source, flags=re.S)


def same_module(network):
    """The module, and that of the same network without names: the same tensors from the same seed, the same outputs."""
    plain = from_json(archspec.emit(network, "json"))
    one, other = (archspec.to_torch(each, seed=0).eval() for each in (network, plain))
    state, plain_state = one.state_dict(), other.state_dict()
    assert list(state) == list(plain_state)
    assert all(torch.equal(state[key], plain_state[key]) for key in state)
    return one, other


@pytest.mark.parametrize("case", CASES)
def test_a_class_says_what_its_block_says(case):
    text, wanted = CASES[case]
    network = archspec.loads(text)
    found = summary(archspec.emit(network, "torch"))
    for part in wanted:
        assert part in found, found
    one, other = same_module(network)
    x = torch.randn(2, network.inputs[0].type.channels, *network.inputs[0].type.spatial)
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_parameters_are_called_as_in_the_spec(path):
    text = path.read_text() + "".join(used.read_text() for used in (path.parent / "blocks").glob("*.arch"))
    network = archspec.load(path)
    for class_, parameters in re.findall(
        r"^class (\w+).*?def __init__\(self(?:, )?(.*?)\) -> None", own(archspec.emit(network, "torch")), re.S | re.M
    ):
        for name in re.findall(r"(\w+):", parameters):
            name = name.removesuffix("_channels")  # those of a value that the block takes
            assert name == "channels" or re.search(rf"^block .*\b{name}\b", text, re.M), f"{class_}: {name}"


def own(source):
    """The classes of blocks and labels."""
    return source[source.find('    """Block `') - 100 :] if "Block `" in source else ""


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "regnet_y_400mf", "shufflenet_v2_x1_0"]
)
def test_blocks_with_guards_are_one_class(name):
    classes = archspec.emit(archspec.load(name), "torch").split("\n\n\nclass ")
    found = [re.search(r"Block `\w+`", text) for text in classes if "add_module" not in text]  # a class for each set of labels
    blocks = [match[0] for match in found if match]
    assert blocks
    assert len(set(blocks)) == len(blocks)


@pytest.mark.parametrize("count", few_quick([20, 60], [20]))
def test_random_networks_are_those_without_names(count):
    compared = 0
    for seed in range(count):
        try:
            network = archspec.loads(value.draw(Random(seed)).text)
        except archspec.SpecError:
            continue
        same_module(network)
        compared += 1
    assert compared > count * 2 / 3


GUARDS = ["a", "not a", "n > 4", "cin == n", "a and n > 3", "a or cin != n", "not (a and n > 4)", "cin != n or s > 1", "s == 1"]
LINES = [
    "conv k=1 f=n", "conv k=3 f=n p=1 s=s | bn | relu", "f: conv k=1 f=cin | tanh", "g: conv k=1 f=2*n | relu", "relu", "part n", "_: conv k=1 f=n | bn",
    "residual{}:\n    conv k=3 f=n p=1\n    shortcut: conv k=1 f=n{}", "residual{}:\n    relu", "add:\n    skip\n    conv k=1 f=cin{}",
    "concat:\n    skip\n    conv k=1 f=n{}", "body{}:\n    conv k=1 f=n{}\n    _: conv k=1 f=2*n | bn{}\n    relu\n    part n{}", "repeat 2 as i:\n    conv k=1 f=n{}",
    "mul:\n    skip\n    gap | conv k=1 f=cin{}", "residual{}:\n    relu\n    shortcut: h: conv k=1 f=n | bn{}", "scale 0.5", "x: skip\n  relu{}\n  conv k=1 f=cin\n  add x{}",
]  # fmt: skip


def guarded(random):
    """A network whose blocks have guards; it may be wrong."""

    def lines(pool):
        texts = [text if "{}" in text else text + "{}" for text in random.choices(pool, k=random.randint(1, 4))]
        body = "\n  ".join(["", *texts])
        return re.sub(r"\{\}", lambda _: f" if {random.choice(GUARDS)}" if random.random() < 0.6 else "", body).replace(" if if", " if")

    blocks = f"block part(n, a=n>4, s=1):{lines(LINES[:5])}\nblock b(n, a, s):{lines(LINES)}\n"
    calls = [f"b {random.choice([4, 6])} {random.choice(['no', 'yes'])} {random.choice([1, 1, 2])}\n" for _ in range(6)]
    return f"default round=floor\ninput 8x8x4\n{blocks}{''.join(calls)}"


@pytest.mark.parametrize("start", few_quick(range(0, 80, 20), (0,)))
def test_random_guards_in_one_class_are_those_apart(start):
    compared = shorter = 0
    for seed in range(start, start + 20):
        try:
            network = archspec.loads(guarded(random.Random(seed)))
        except archspec.SpecError:
            continue
        one, other = same_module(network)
        x = torch.randn(2, 4, 8, 8)
        assert torch.equal(one(x), other(x))
        compared += 1
        shorter += " if " in archspec.emit(network, "torch")
    assert compared > 7, compared
    assert shorter > 2, shorter


def test_numbers_that_double_with_each_block_end_as_plain_ones():
    """What block 0 puts out is a maximum of 2^40 numbers in its own terms, and so is the last default."""
    depth = 40
    nested = "".join(f"block b{at}(n): b{at + 1} max(n,n)\n" for at in range(depth)) + f"block b{depth}(n): conv k=1 f=max(n,n)\n"
    defaults = ", ".join(["d0", *(f"d{at + 1}=max(d{at},d{at})" for at in range(depth))])
    text = f"input 8x8x4\n{nested}block many({defaults}): conv k=1 f=d{depth}\nblock call(n): many n\nb0 5\ncall 6\nb0 7\ncall 3\n"
    one, other = same_module(archspec.loads(text))
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(one(x), other(x))
