"""Every layer against torch: shapes, parameters and MACs; and the size rules over grids of arguments."""

# ruff: noqa: B023  (functions made in a loop are called in it)

import itertools
import math
import random
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch", reason="torch is what the layers are compared with")

from helpers_torch import (  # noqa: E402
    AVGPOOL,
    CONV,
    DECONV,
    MAXPOOL,
    Apply,
    Attention,
    ChannelsLast,
    ClassToken,
    Concat,
    Mul,
    PartialConv,
    Position,
    Rbf,
    SameConv,
    Scale,
    Subsample,
    ToTokens,
    Windows,
    channels_last,
    counts,
    measure,
    tf_same,
)  # fmt: skip
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import archspec  # noqa: E402
from archspec.ops import STEPS, make  # noqa: E402
from archspec.ops.base import Misfit  # noqa: E402
from archspec.types import Map  # noqa: E402

seq = nn.Sequential


@dataclass
class Case:
    """A spec whose last layer is the one in question, and the module that the whole spec is; `shape` is C,*S, or T,C where tokens come out."""

    step: str
    spec: str
    module: object
    shape: tuple
    tokens: bool = False
    dtype: object = torch.float32

    @property
    def text(self):
        return f"input {'x'.join(map(str, channels_last(self.shape)))}\n{self.spec}\n"


C3 = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5), (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5),
      (0, 1, 4, 5), (0, 1, 2, 5), (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5))  # fmt: skip

L, HW, DHW = (6, 12), (6, 12, 10), (6, 8, 6, 10)
ACTIVATIONS = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "leaky": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish,
    "hardswish": nn.Hardswish, "hardsigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softplus": nn.Softplus,
    "softmax": lambda: nn.Softmax(1), "logsoftmax": lambda: nn.LogSoftmax(1), "prelu": nn.PReLU,
    "dropout": nn.Dropout, "dropout2d": nn.Dropout2d, "droppath": nn.Identity, "flatten": nn.Flatten,
}  # fmt: skip


def cases():
    # conv
    yield Case("conv", "conv k=3 f=16", nn.Conv2d(6, 16, 3), HW)
    yield Case("conv", "conv k=3 f=16", nn.Conv1d(6, 16, 3), L)
    yield Case("conv", "conv k=3 f=16", nn.Conv3d(6, 16, 3), DHW)
    yield Case(
        "conv", "conv k=5x3 f=16 s=1x3 p=2x1 d=2x1 bias=no", nn.Conv2d(6, 16, (5, 3), (1, 3), (2, 1), (2, 1), bias=False), (6, 12, 13)
    )
    yield Case("conv", "conv k=3x2x1 f=4 g=2 p=1x0x2", nn.Conv3d(6, 4, (3, 2, 1), 1, (1, 0, 2), groups=2), DHW)
    yield Case("conv", "conv k=3 f=12 g=3 p=1", nn.Conv2d(6, 12, 3, 1, 1, groups=3), HW)
    yield Case("conv", "conv k=3 f=8 s=2 p=same", SameConv(nn.Conv2d(6, 8, 3, 2)), HW)
    yield Case("conv", "conv k=4x3 f=8 s=3x2 d=2 p=same", SameConv(nn.Conv2d(6, 8, (4, 3), (3, 2), dilation=2)), HW)
    yield Case("conv", "conv k=3 f=8 p=valid", nn.Conv2d(6, 8, 3, padding="valid"), HW)
    yield Case("conv", "conv k=3 f=8 p=same d=2", nn.Conv2d(6, 8, 3, padding="same", dilation=2), HW)
    yield Case("conv", "conv k=4 f=8 s=3 round=floor", nn.Conv2d(6, 8, 4, 3), HW)
    yield Case("conv", f"conv k=5 f=16 maps=({', '.join(str(row).replace(' ', '') for row in C3)})", PartialConv(C3, 5), (6, 14, 14))
    yield Case("dwconv", "dwconv k=3", nn.Conv2d(6, 6, 3, groups=6), HW)
    yield Case("dwconv", "dwconv k=3 m=2 p=1 bias=no", nn.Conv1d(6, 12, 3, 1, 1, groups=6, bias=False), L)
    yield Case("dwconv", "dwconv k=2 s=2", nn.Conv3d(6, 6, 2, 2, groups=6), DHW)
    yield Case("deconv", "deconv k=2 s=2 f=4", nn.ConvTranspose2d(6, 4, 2, 2), HW)
    yield Case("deconv", "deconv k=3 s=2 p=1 op=1 f=4 g=2 bias=no", nn.ConvTranspose2d(6, 4, 3, 2, 1, 1, 2, False), HW)
    yield Case("deconv", "deconv k=3 s=2 d=2 f=5", nn.ConvTranspose1d(6, 5, 3, 2, dilation=2), L)
    yield Case("deconv", "deconv k=3x2x4 s=1x2x3 f=4 p=1x0x1", nn.ConvTranspose3d(6, 4, (3, 2, 4), (1, 2, 3), (1, 0, 1)), DHW)
    yield Case("deconv", "deconv k=4 s=2 f=4 p=same", nn.ConvTranspose2d(6, 4, 4, 2, 1), HW)
    # pool
    yield Case("pool", "pool w=2", nn.MaxPool2d(2), HW)
    yield Case("pool", "pool w=3 s=2 p=1 round=floor", nn.MaxPool2d(3, 2, 1), HW)
    yield Case("pool", "pool w=3 s=2 round=ceil", nn.MaxPool2d(3, 2, ceil_mode=True), HW)
    yield Case("pool", "pool w=3x2 s=1x2 p=1x0 d=2x1", nn.MaxPool2d((3, 2), (1, 2), (1, 0), (2, 1)), HW)
    yield Case("pool", "pool w=3 s=3", nn.MaxPool1d(3, 3), L)
    yield Case("pool", "pool w=2", nn.MaxPool3d(2), DHW)
    yield Case("avgpool", "avgpool w=2", nn.AvgPool2d(2), HW)
    yield Case("avgpool", "avgpool w=3 s=2 p=1 count_pad=no round=ceil", nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), HW)
    yield Case("avgpool", "avgpool w=4 s=2", nn.AvgPool1d(4, 2), L)
    yield Case("avgpool", "avgpool w=2", nn.AvgPool3d(2), DHW)
    yield Case("subsample", "subsample w=2", Subsample(6, 2), HW)
    yield Case("subsample", "subsample w=3", Subsample(6, 3, 1), L)
    yield Case("adaptpool", "adaptpool 5x7", nn.AdaptiveAvgPool2d((5, 7)), HW)
    yield Case("adaptpool", "adaptpool 4", nn.AdaptiveAvgPool1d(4), L)
    yield Case("adaptpool", "adaptpool 20x20", nn.AdaptiveAvgPool2d(20), HW)
    yield Case("adaptmaxpool", "adaptmaxpool 5x7", nn.AdaptiveMaxPool2d((5, 7)), HW)
    yield Case("adaptmaxpool", "adaptmaxpool 2", nn.AdaptiveMaxPool3d(2), DHW)
    yield Case("gap", "gap", nn.AdaptiveAvgPool2d(1), HW)
    yield Case("gap", "gap", nn.AdaptiveAvgPool1d(1), L)
    yield Case("gap", "gap", nn.AdaptiveAvgPool3d(1), DHW)
    yield Case("gap", "tokens\ngap", seq(ToTokens(), Apply(lambda x: x.mean(1))), HW)
    # norm
    yield Case("bn", "bn", nn.BatchNorm2d(6), HW)
    yield Case("bn", "bn affine=no", nn.BatchNorm1d(6, affine=False), L)
    yield Case("bn", "bn", nn.BatchNorm3d(6), DHW)
    yield Case("bn", "bn", nn.BatchNorm1d(9).eval(), (9,))
    yield Case("ln", "ln", ChannelsLast(nn.LayerNorm(6)), HW)
    yield Case("ln", "ln", nn.LayerNorm(9), (9,))
    yield Case("ln", "tokens\nln", seq(ToTokens(), nn.LayerNorm(6)), HW, tokens=True)
    yield Case("gn", "gn 3", nn.GroupNorm(3, 6), HW)
    yield Case("gn", "gn 2", nn.GroupNorm(2, 6), L)
    yield Case("instnorm", "instnorm", nn.InstanceNorm2d(6), HW)
    yield Case("instnorm", "instnorm", nn.InstanceNorm1d(6), L)
    yield Case("lrn", "lrn", nn.LocalResponseNorm(5), HW)
    yield Case("lrn", "lrn n=3", nn.LocalResponseNorm(3), DHW)
    # elementwise
    for step, module in ACTIVATIONS.items():
        yield Case(step, step, module().eval(), HW)
        if step != "dropout2d":
            yield Case(step, step, module().eval(), (9,))
            yield Case(step, step, module().eval(), L)
    yield Case("gelu", "gelu approx=tanh", nn.GELU(approximate="tanh"), HW)
    yield Case("prelu", "prelu shared=no", nn.PReLU(6), HW)
    yield Case("flatten", "flatten", nn.Flatten(), DHW)
    # shape
    yield Case("pad", "pad 2", nn.ZeroPad2d(2), HW)
    yield Case("pad", "pad 2x1", nn.ZeroPad2d((1, 1, 2, 2)), HW)
    yield Case("pad", "pad 3", nn.ZeroPad1d(3), L)
    yield Case("pad", "pad c=2", Apply(lambda x: F.pad(x, (0, 0, 0, 0, 2, 2))), HW)
    yield Case("crop", "crop 7x5", Apply(lambda x: x[:, :, 2:9, 2:7]), HW)
    yield Case("crop", "crop 4", Apply(lambda x: x[:, :, 4:8]), L)
    yield Case("upsample", "upsample 2", nn.Upsample(scale_factor=2), HW)
    yield Case("upsample", "upsample 3 mode=bilinear", nn.Upsample(scale_factor=3, mode="bilinear"), HW)
    yield Case("upsample", "upsample 2", nn.Upsample(scale_factor=2), L)
    yield Case("upsample", "upsample 2 mode=bilinear", nn.Upsample(scale_factor=2, mode="trilinear"), DHW)
    yield Case("pixelshuffle", "pixelshuffle 2", nn.PixelShuffle(2), (12, 5, 7))
    yield Case("pixelshuffle", "pixelshuffle 3", nn.PixelShuffle(3), (18, 5, 7))
    yield Case("patchmerge", "patchmerge 2", nn.PixelUnshuffle(2), (3, 6, 8))
    yield Case("patchmerge", "patchmerge 3", nn.PixelUnshuffle(3), (3, 6, 9))
    yield Case("shuffle", "shuffle 3", nn.ChannelShuffle(3), HW)
    yield Case("slice", "slice 1:4", Apply(lambda x: x[:, 1:4]), HW)
    yield Case("slice", "slice 1:4", Apply(lambda x: x[:, 1:4]), (9,))
    yield Case("slice", "tokens\nslice 1:4", seq(ToTokens(), Apply(lambda x: x[..., 1:4])), HW, tokens=True)
    # linear
    yield Case("fc", "fc 10", nn.Linear(9, 10), (9,))
    yield Case("fc", "fc 10 bias=no", nn.Linear(9, 10, bias=False), (9,))
    yield Case("fc", "fc 10", seq(nn.Flatten(), nn.Linear(720, 10)), HW)
    yield Case("fc", "fc 10", seq(nn.Flatten(), nn.Linear(72, 10)), L)
    yield Case("fc", "tokens\nfc 10", seq(ToTokens(), nn.Flatten(), nn.Linear(720, 10)), HW)
    yield Case("linear", "linear 10", nn.Linear(9, 10), (9,))
    yield Case("linear", "linear 10", ChannelsLast(nn.Linear(6, 10)), HW)
    yield Case("linear", "tokens\nlinear 10 bias=no", seq(ToTokens(), nn.Linear(6, 10, bias=False)), HW, tokens=True)
    yield Case("rbf", "rbf 10", Rbf(84, 10), (84,))
    yield Case("embed", "embed 30 8", nn.Embedding(30, 8), (9,), tokens=True, dtype=torch.long)
    yield Case("scale", "scale", Scale(6), HW)
    yield Case("scale", "tokens\nscale 0.1", seq(ToTokens(), Scale(6, 2)), HW, tokens=True)
    # attention
    yield Case("tokens", "tokens", ToTokens(), HW, tokens=True)
    yield Case("tokens", "tokens", ToTokens(), L, tokens=True)
    yield Case("tokens", "tokens", ToTokens(), DHW, tokens=True)
    yield Case("cls", "tokens\ncls", seq(ToTokens(), ClassToken(6)), HW, tokens=True)
    yield Case("pos", "tokens\npos", seq(ToTokens(), Position(120, 6)), HW, tokens=True)
    yield Case("first", "tokens\nfirst", seq(ToTokens(), Apply(lambda x: x[:, 0])), HW)
    yield Case("attn", "tokens\nattn heads=2", seq(ToTokens(), Attention(6, 2)), HW, tokens=True)
    yield Case("attn", "tokens\nattn heads=3 bias=no", seq(ToTokens(), Attention(6, 3, False)), L, tokens=True)
    yield Case("winattn", "winattn heads=2 w=4x5", Windows(6, 2, (4, 5)), (6, 12, 10))
    yield Case("winattn", "winattn heads=3 w=4 shift=2 bias=no", Windows(6, 3, (4, 4), bias=False), (6, 8, 12))
    # merge
    for step, module in (
        ("add", Apply(lambda x: x + x)),
        ("mul", Apply(lambda x: x * x)),
        ("concat", Concat(nn.Identity(), nn.Identity())),
    ):
        yield Case(step, f"{step}:\n  skip\n  relu", module, HW)
        yield Case(step, f"{step}:\n  skip\n  relu", module, (9,))
    yield Case("concat", "concat:\n  skip\n  slice 0:2\n  relu", Concat(nn.Identity(), Apply(lambda x: x[:, :2]), nn.ReLU()), DHW)
    yield Case("concat", "tokens\nconcat:\n  skip\n  relu", seq(ToTokens(), Apply(lambda x: torch.cat([x, x], -1))), HW, tokens=True)
    yield Case("mul", "mul:\n  skip\n  gap", Mul(nn.Identity(), nn.AdaptiveAvgPool2d(1)), HW)
    yield Case("mul", "mul:\n  gap\n  skip", Mul(nn.Identity(), nn.AdaptiveAvgPool2d(1)), HW)
    yield Case("mul", "mul:\n  skip\n  gap | flatten", Mul(nn.Identity(), seq(nn.AdaptiveAvgPool2d(1), nn.Flatten())), HW)


CASES = list(cases())


def test_every_layer_has_a_row():
    assert {case.step for case in CASES} == set(STEPS)


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.spec.splitlines()[-1] if ':' not in c.spec else c.spec.split(':')[0]}-{len(c.shape)}"
)
def test_layer(case):
    expected = counts(case.module)
    output, macs = measure(case.module, case.shape, case.dtype)
    report = archspec.analyze(archspec.loads(case.text))
    row = report.layers[-1]
    assert row.op == case.step
    assert row.output == channels_last(output, case.tokens)
    assert {name: getattr(row, name) for name in expected} == expected
    assert row.params == expected["weights"] + expected["biases"]
    assert row.macs == macs
    assert row.activations == math.prod(output)
    assert {name: getattr(report.totals, name) for name in expected} == expected
    assert report.totals.macs == macs


def test_parameters_have_torch_s_shapes():
    """The stored tensors one by one, for layers that are one torch module."""
    for case in CASES:
        if isinstance(
            case.module, (CONV[1], CONV[2], CONV[3], DECONV[1], DECONV[2], DECONV[3], nn.Linear, nn.Embedding, nn.GroupNorm, nn.BatchNorm2d)
        ):
            row = archspec.analyze(archspec.loads(case.text)).layers[-1]
            ours = {weight.name: weight.shape for weight in row.node.op.weights(row.types[0])}
            theirs = {name: tuple(tensor.shape) for name, tensor in case.module.state_dict().items() if name != "num_batches_tracked"}
            assert ours == theirs, case.text


# grids: accepted or refused, and the sizes


def ours(step, arguments, shape):
    """Output shape C,*S, or None where it is refused."""
    try:
        found = make(step, arguments).infer([Map(shape[1:], shape[0])])
    except Misfit:
        return None
    return (found.channels, *found.spatial)


def theirs(build, shape):
    """Output shape C,*S by running torch, or None where it refuses."""
    try:
        with torch.no_grad():
            found = tuple(build()(torch.zeros(1, *shape)).shape[1:])
    except (RuntimeError, ValueError):
        return None
    return found if min(found) > 0 else None


def walk(size, span, s, p):
    """The rule by hand: put windows down one after the other. How many fit, and whether the last ends at the end."""
    starts = [at for at in range(0, size + 2 * p, s) if at + span <= size + 2 * p]
    return len(starts), bool(starts) and starts[-1] + span == size + 2 * p


def some(rank, grid, count, seed):
    """A grid for one axis as it is; for more axes as many draws, an argument being a number or one an axis."""
    if rank == 1:
        yield from (tuple((value,) for value in values) for values in itertools.product(*grid))
        return
    draw = random.Random(seed)
    for _ in range(count):
        yield tuple(tuple(draw.choice(axis) for _ in range(rank)) if draw.random() < 0.5 else (draw.choice(axis),) * rank for axis in grid)


def written(values):
    return values[0] if len(set(values)) == 1 else values


def disagreements(found):
    shown = "\n".join(f"{config}: we say {a}, torch {b}" for config, a, b in found[:8])
    return f"{len(found)} disagree\n{shown}"


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_conv_sizes(rank):
    grid = [range(3, 10), range(1, 5), range(1, 4), range(3), range(1, 3)]
    wrong = []
    for at, (size, k, s, p, d) in enumerate(some(rank, grid, 1500, rank)):
        g = (1, 2, 3)[at % 3]
        shape, f = (6, *size), 6 * (1 + at % 2)
        arguments = {"k": written(k), "f": f, "s": written(s), "p": written(p), "d": written(d), "g": g, "bias": at % 2 == 0}
        expected = theirs(lambda: CONV[rank](6, f, k, s, p, d, g, at % 2 == 0), shape)
        found = ours("conv", {**arguments, "round": "floor"}, shape)
        if found != expected:
            wrong.append((f"{arguments} on {shape}", found, expected))
        windows = [walk(n, b * (a - 1) + 1, c, e) for n, a, c, e, b in zip(size, k, s, p, d, strict=False)]
        exact = (f, *(count for count, _ in windows)) if all(fits for _, fits in windows) else None
        found = ours("conv", arguments, shape)
        if found != exact or (exact is not None and exact != expected):
            wrong.append((f"{arguments} on {shape}, exact", found, exact))
    assert not wrong, disagreements(wrong)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_conv_parameters_and_macs(rank):
    grid = [range(5, 9), range(1, 4), range(1, 3), range(2), range(1, 3)]
    draw = random.Random(rank)
    wrong = []
    for size, k, s, p, d in draw.sample(list(some(rank, grid, 200, rank)), 60):
        g, bias, channels = draw.choice([1, 2, 4]), draw.random() < 0.5, 4 * draw.randint(1, 2)
        f = g * draw.randint(1, 3)
        for step in ("conv", "deconv"):
            module = (CONV if step == "conv" else DECONV)[rank](channels, f, k, s, p, dilation=d, groups=g, bias=bias)
            if theirs(lambda: module, (channels, *size)) is None:
                continue
            arguments = {"k": written(k), "f": f, "s": written(s), "p": written(p), "d": written(d), "g": g, "bias": bias}
            op, x = make(step, {**arguments, "round": "floor"} if step == "conv" else arguments), Map(size, channels)
            split = {"weight": 0, "bias": 0}
            for weight in op.weights(x):
                split[weight.role] += weight.size
            expected = counts(module)
            _output, macs = measure(module, (channels, *size))
            found = (split["weight"], split["bias"], op.macs(x, op.infer([x])))
            if found != (expected["weights"], expected["biases"], macs):
                wrong.append((f"{step} {arguments} on {x}", found, (expected, macs)))
    assert not wrong, disagreements(wrong)


def test_groups_and_channels():
    wrong = []
    for channels, f, g in itertools.product(range(1, 9), range(1, 9), range(1, 9)):
        for step, module in (("conv", nn.Conv1d), ("deconv", nn.ConvTranspose1d)):
            expected = theirs(lambda: module(channels, f, 1, groups=g), (channels, 4))
            found = ours(step, {"k": 1, "f": f, "g": g}, (channels, 4))
            if found != expected:
                wrong.append((f"{step} f={f} g={g} on {channels} channels", found, expected))
    assert not wrong, disagreements(wrong)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("step", ["pool", "avgpool"])
def test_pool_sizes(rank, step):
    average = step == "avgpool"
    grid = [range(2, 10), range(1, 5), range(1, 5), range(3), range(1, 2) if average else range(1, 3)]
    wrong = []
    for size, w, s, p, d in some(rank, grid, 1200, 10 * rank + average):
        shape = (2, *size)
        arguments = {"w": written(w), "s": written(s), "p": written(p)} | ({} if average else {"d": written(d)})
        spans = [b * (a - 1) + 1 for a, b in zip(w, d, strict=False)]
        too_large = any(n + 2 * e < span for n, span, e in zip(size, spans, p, strict=False))
        for ceil in (False, True):

            def build(ceil=ceil):
                if average:
                    return AVGPOOL[rank](w, s, p, ceil_mode=ceil)
                return MAXPOOL[rank](w, s, p, d, ceil_mode=ceil)

            if average and rank == 3 and any(n < a for n, a in zip(size, w, strict=False)):
                continue  # AvgPool3d alone compares its window with the bare input, whatever the padding
            expected = theirs(build, shape)
            if too_large:
                expected = None  # rounding up, torch lets a window overhang that never fits; the language refuses it
            found = ours(step, {**arguments, "round": "ceil" if ceil else "floor"}, shape)
            if found != expected:
                wrong.append((f"{step} {arguments} {'ceil' if ceil else 'floor'} on {shape}", found, expected))
            if not ceil:
                windows = [walk(n, span, c, e) for n, span, c, e in zip(size, spans, s, p, strict=False)]
                exact = expected if all(fits for _, fits in windows) else None
                found = ours(step, arguments, shape)
                if found != exact:
                    wrong.append((f"{step} {arguments} exact on {shape}", found, exact))
    assert not wrong, disagreements(wrong)


def test_rounding_up_keeps_the_last_window_inside():
    assert theirs(lambda: nn.MaxPool1d(1, 3, ceil_mode=True), (1, 3)) == (1, 1)
    assert ours("pool", {"w": 1, "s": 3, "round": "ceil"}, (1, 3)) == (1, 1)


def test_strides_default_to_the_window():
    for size, w in itertools.product(range(1, 20), range(1, 6)):
        expected = theirs(lambda: nn.MaxPool1d(w), (1, size))
        assert ours("pool", {"w": w, "round": "floor"}, (1, size)) == expected
        assert ours("avgpool", {"w": w, "round": "floor"}, (1, size)) == expected
        assert ours("subsample", {"w": w, "round": "floor"}, (1, size)) == expected


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_deconv_sizes(rank):
    grid = [range(1, 6), range(1, 5), range(1, 4), range(3), range(4), range(1, 3)]
    wrong = []
    for at, (size, k, s, p, op, d) in enumerate(some(rank, grid, 1500, 100 + rank)):
        g = (1, 2, 3)[at % 3]
        shape = (6, *size)
        arguments = {"k": written(k), "f": 6, "s": written(s), "p": written(p), "op": written(op), "d": written(d), "g": g}
        expected = theirs(lambda: DECONV[rank](6, 6, k, s, p, op, g, True, d), shape)
        found = ours("deconv", arguments, shape)
        if found != expected:
            wrong.append((f"{arguments} on {shape}", found, expected))
    assert not wrong, disagreements(wrong)


@pytest.mark.parametrize("step", ["conv", "dwconv", "pool", "avgpool"])
def test_same_padding(step):
    """Sizes and both paddings by TensorFlow's formula; torch, given that padding, finds the size too."""
    letter = "k" if step.endswith("conv") else "w"
    wrong = []
    for size, k, s, d in itertools.product(range(1, 14), range(1, 6), range(1, 5), (1,) if step == "avgpool" else (1, 2)):
        arguments = {letter: k, "s": s, "p": "same"} | ({"f": 1} if step == "conv" else {}) | ({} if step == "avgpool" else {"d": d})
        out, before, after = tf_same(size, k, s, d)
        padded = F.pad(torch.zeros(1, 1, size), (before, after))
        assert F.conv1d(padded, torch.zeros(1, 1, k), stride=s, dilation=d).shape[-1] == out
        op, x = make(step, arguments), Map((size,), 1)
        found = op.infer([x])
        slide = op.slides(x)[0]
        if (found.spatial[0], slide.before, slide.after) != (out, before, after):
            wrong.append((f"{step} {arguments} on {size}", (found.spatial[0], slide.before, slide.after), (out, before, after)))
    assert not wrong, disagreements(wrong)


def test_same_padding_without_a_stride_is_torch_s():
    for size, k, d in itertools.product(range(1, 10), range(1, 6), range(1, 4)):
        expected = theirs(lambda: nn.Conv1d(1, 1, k, padding="same", dilation=d), (1, size))
        assert ours("conv", {"k": k, "f": 1, "p": "same", "d": d}, (1, size)) == expected


def test_adaptive_pooling_sizes_and_reads():
    """Any target is taken; the inputs read are those that torch gives a gradient."""
    for size, target in itertools.product(range(1, 13), range(1, 13)):
        x = torch.ones(1, 1, size, requires_grad=True)
        y = F.adaptive_avg_pool1d(x, target)
        assert ours("adaptpool", {"size": target}, (1, size)) == tuple(y.shape[1:])
        assert ours("adaptmaxpool", {"size": target}, (1, size)) == tuple(y.shape[1:])
        reads = sum(int((torch.autograd.grad(y[0, 0, i], x, retain_graph=True)[0] != 0).sum()) for i in range(target))
        op = make("adaptpool", {"size": target})
        assert op.flops(Map((size,), 1), Map((target,), 1)) == reads


def test_pixelshuffle_and_upsample_sizes():
    for channels, n in itertools.product(range(1, 19), range(1, 4)):
        assert ours("pixelshuffle", {"n": n}, (channels, 3, 4)) == theirs(lambda: nn.PixelShuffle(n), (channels, 3, 4))
        assert ours("upsample", {"n": n}, (channels, 3, 4)) == theirs(lambda: nn.Upsample(scale_factor=n), (channels, 3, 4))
        assert ours("gn", {"groups": n}, (channels, 3, 4)) == theirs(lambda: nn.GroupNorm(n, channels), (channels, 3, 4))
        assert ours("shuffle", {"g": n}, (channels, 3, 4)) == theirs(lambda: nn.ChannelShuffle(n), (channels, 3, 4))


def test_attention_heads():
    for channels, heads in itertools.product(range(1, 13), range(1, 6)):
        try:
            nn.MultiheadAttention(channels, heads)
            takes = True
        except (AssertionError, ValueError):
            takes = False
        spec = f"input 2x2x{channels}\ntokens\nattn heads={heads}\n"
        if takes:
            assert archspec.analyze(archspec.loads(spec)).layers[-1].output == (4, channels)
        else:
            with pytest.raises(archspec.SpecError):
                archspec.loads(spec)
