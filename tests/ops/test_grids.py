"""The size rules over grids of arguments, against torch: what is accepted, what is refused, and the sizes, parameters and MACs."""

# ruff: noqa: B023  (functions made in a loop are called in it)

import itertools
import random
from collections import Counter

import pytest

torch = pytest.importorskip("torch", reason="torch is what the layers are compared with")

from torch import nn
from torch.nn import functional as F

from archspec.ops import make
from archspec.ops.base import Misfit
from archspec.types import Map
from tests.helpers.specs import few_quick
from tests.helpers.torch import AVGPOOL, CONV, DECONV, MAXPOOL, counts, measure, tf_same

RANKS = pytest.mark.parametrize("rank", few_quick([1, 2, 3], [1]))
AXES = {
    "conv": {"size": range(3, 10), "k": range(1, 5), "s": range(1, 4), "p": range(3), "d": range(1, 3)},
    "pool": {"size": range(2, 10), "w": range(1, 5), "s": range(1, 5), "p": range(3), "d": range(1, 3)},
    "avgpool": {"size": range(2, 10), "w": range(1, 5), "s": range(1, 5), "p": range(3)},
    "deconv": {"size": range(1, 6), "k": range(1, 5), "s": range(1, 4), "p": range(3), "op": range(4), "d": range(1, 3)},
}
SAME = {"size": range(1, 14), "k": range(1, 6), "s": range(1, 5), "d": range(1, 3)}
DRAWN = {"conv": 1500, "pool": 1200, "avgpool": 1200, "deconv": 1500}


def grid(kind, rank):
    """Arguments for a map of a rank: all of one axis; for more axes so many draws, an argument being one number or one an axis."""
    axes = AXES[kind]
    if rank == 1:
        for values in itertools.product(*axes.values()):
            yield dict(zip(axes, ((value,) for value in values), strict=True))
        return
    draw = random.Random(f"{kind}{rank}")
    for _ in range(DRAWN[kind]):
        yield {
            name: tuple(draw.choice(axis) for _ in range(rank)) if draw.random() < 0.5 else (draw.choice(axis),) * rank
            for name, axis in axes.items()
        }


def same_grid(dilated=True):
    for values in itertools.product(*SAME.values()):
        arguments = dict(zip(SAME, values, strict=True))
        if dilated or arguments["d"] == 1:
            yield arguments


def configurations():
    """How many there are of a kind. Each counts once, though it is tried with several roundings, and a convolution depthwise as well."""
    found = {kind: sum(len(list(grid(kind, rank))) for rank in (1, 2, 3)) for kind in AXES}
    same = {"conv": 1, "dwconv": 1, "pool": 1, "avgpool": 0, "deconv": 1}
    return found | {"same": sum(len(list(same_grid(bool(dilated)))) for dilated in same.values())}


def test_how_many_configurations_there_are():
    found = configurations()
    assert found == {"conv": 3504, "pool": 3168, "avgpool": 2784, "deconv": 4440, "same": 2340}
    assert sum(found.values()) > 10_000


def ours(step, arguments, shape):
    """Output shape C,*S, or None where it is refused."""
    try:
        (found,) = make(step, arguments).infer([Map(shape[1:], shape[0])])
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


def written(arguments):
    """Arguments as a layer takes them: one number where all axes have the same."""
    return {name: values[0] if len(set(values)) == 1 else values for name, values in arguments.items()}


class Compared:
    """What was accepted and refused, and where the two sides differ."""

    def __init__(self):
        self.seen, self.wrong = Counter(), []

    def add(self, config, found, expected):
        self.seen["refused" if expected is None else "accepted"] += 1
        if found != expected:
            self.wrong.append(f"{config}: we say {found}, torch {expected}")

    def check(self, accepted, refused):
        """Nothing differs, and at least so many were accepted and refused by both."""
        assert not self.wrong, "\n".join([f"{len(self.wrong)} disagree", *self.wrong[:8]])
        assert self.seen["accepted"] >= accepted and self.seen["refused"] >= refused, self.seen


@RANKS
def test_conv_sizes(rank):
    """Rounded down as torch does it, and exact by hand; `dwconv` beside it. Groups that do not divide the 6 channels are among them."""
    compared = Compared()
    for at, args in enumerate(grid("conv", rank)):
        size, k, s, p, d = args.values()
        g, bias, f, m = (1, 2, 3, 4)[at % 4], at % 2 == 0, 6 * (1 + at % 2), 1 + at % 2
        shape, window = (6, *size), written({name: args[name] for name in "kspd"})
        arguments = {**window, "f": f, "g": g, "bias": bias}
        expected = theirs(lambda: CONV[rank](6, f, k, s, p, d, g, bias), shape)
        compared.add(f"conv {arguments} on {shape}", ours("conv", {**arguments, "round": "floor"}, shape), expected)
        depthwise = theirs(lambda: CONV[rank](6, 6 * m, k, s, p, d, 6, bias), shape)
        compared.add(f"dwconv {window} m={m} on {shape}", ours("dwconv", {**window, "m": m, "round": "floor"}, shape), depthwise)
        windows = [walk(n, b * (a - 1) + 1, c, e) for n, a, c, e, b in zip(size, k, s, p, d, strict=True)]
        exact = expected if all(fits for _, fits in windows) else None
        compared.add(f"conv {arguments} on {shape}, exact", ours("conv", arguments, shape), exact)
        assert expected is None or expected == (f, *(count for count, _ in windows))
    compared.check(accepted=1000, refused=400)


@RANKS
@pytest.mark.parametrize("step", ["pool", "avgpool"])
def test_pool_sizes(rank, step):
    """Rounded down and up as torch does it, and exact. A convolution that rounds up follows the same rule, which torch has for pools alone."""
    average, compared = step == "avgpool", Compared()
    for at, args in enumerate(grid(step, rank)):
        size, w, s, p = (args[name] for name in ("size", "w", "s", "p"))
        d, shape = args.get("d", (1,) * rank), (2, *size)
        window = {**written({name: args[name] for name in args if name != "size"}), **({"count_pad": at % 2 == 0} if average else {})}
        spans = [b * (a - 1) + 1 for a, b in zip(w, d, strict=True)]
        for rounding in ("floor", "ceil"):

            def build(ceil=rounding == "ceil"):
                if average:
                    return AVGPOOL[rank](w, s, p, ceil, at % 2 == 0)
                return MAXPOOL[rank](w, s, p, d, ceil_mode=ceil)

            if average and rank == 3 and any(n < a for n, a in zip(size, w, strict=True)):
                continue  # AvgPool3d alone compares its window with the bare input, whatever the padding
            expected = theirs(build, shape)
            if any(n + 2 * e < span for n, span, e in zip(size, spans, p, strict=True)):
                expected = None  # rounding up, torch lets a window overhang that never fits; the language refuses it
            compared.add(f"{step} {window} {rounding} on {shape}", ours(step, {**window, "round": rounding}, shape), expected)
            if rounding == "floor":
                ends = all(walk(n, span, c, e)[1] for n, span, c, e in zip(size, spans, s, p, strict=True))
                compared.add(f"{step} {window} exact on {shape}", ours(step, window, shape), expected if ends else None)
            elif not average and expected is not None:
                conv = {"k": window["w"], "s": window["s"], "p": window["p"], "d": window["d"], "f": 2, "round": "ceil"}
                compared.add(f"conv {conv} on {shape}", ours("conv", conv, shape), expected)
    compared.check(accepted=600, refused=500)


@RANKS
def test_deconv_sizes(rank):
    """Output padding that torch refuses among them, and groups that do not divide the channels."""
    compared = Compared()
    for at, args in enumerate(grid("deconv", rank)):
        size, k, s, p, op, d = args.values()
        g, bias, shape = (1, 2, 3, 4)[at % 4], at % 2 == 0, (6, *size)
        arguments = {**written({name: args[name] for name in args if name != "size"}), "f": 6, "g": g, "bias": bias}
        expected = theirs(lambda: DECONV[rank](6, 6, k, s, p, op, g, bias, d), shape)
        compared.add(f"deconv {arguments} on {shape}", ours("deconv", arguments, shape), expected)
    compared.check(accepted=290, refused=890)


@RANKS
def test_conv_parameters_and_macs(rank):
    wrong, compared = [], 0
    draw = random.Random(rank)
    for args in draw.sample(list(grid("conv", rank)), 60):
        size, k, s, p, d = args.values()
        g, bias, channels = draw.choice([1, 2, 4]), draw.random() < 0.5, 4 * draw.randint(1, 2)
        f = g * draw.randint(1, 3)
        for step in ("conv", "deconv"):
            module = (CONV if step == "conv" else DECONV)[rank](channels, f, k, s, p, dilation=d, groups=g, bias=bias)
            if theirs(lambda: module, (channels, *size)) is None:
                continue
            arguments = {**written({name: args[name] for name in "kspd"}), "f": f, "g": g, "bias": bias}
            op, x = make(step, {**arguments, "round": "floor"} if step == "conv" else arguments), Map(size, channels)
            split = {"weight": 0, "bias": 0}
            for weight in op.weights(x):
                split[weight.role] += weight.size
            expected = counts(module)
            _output, macs = measure(module, (channels, *size))
            found = (split["weight"], split["bias"], op.macs(x, *op.infer([x])))
            compared += 1
            if found != (expected["weights"], expected["biases"], macs):
                wrong.append((f"{step} {arguments} on {x}", found, (expected, macs)))
    assert not wrong and compared > 60, (compared, wrong[:8])


def test_groups_and_channels():
    compared = Compared()
    for channels, f, g in itertools.product(range(1, 9), repeat=3):
        for step, module in (("conv", nn.Conv1d), ("deconv", nn.ConvTranspose1d)):
            expected = theirs(lambda: module(channels, f, 1, groups=g), (channels, 4))
            compared.add(f"{step} f={f} g={g} on {channels} channels", ours(step, {"k": 1, "f": f, "g": g}, (channels, 4)), expected)
    compared.check(accepted=180, refused=800)


def test_rounding_up_keeps_the_last_window_inside():
    assert theirs(lambda: nn.MaxPool1d(1, 3, ceil_mode=True), (1, 3)) == (1, 1)
    assert ours("pool", {"w": 1, "s": 3, "round": "ceil"}, (1, 3)) == (1, 1)


def test_average_pooling_has_no_dilation():
    assert ours("avgpool", {"w": 2, "s": 1, "d": 1}, (1, 8)) == (1, 7)
    assert ours("avgpool", {"w": 2, "s": 1, "d": 2}, (1, 8)) is None


def test_strides_default_to_the_window():
    for size, w in itertools.product(range(1, 20), range(1, 6)):
        expected = theirs(lambda: nn.MaxPool1d(w), (1, size))
        assert ours("pool", {"w": w, "round": "floor"}, (1, size)) == expected
        assert ours("avgpool", {"w": w, "round": "floor"}, (1, size)) == expected
        assert ours("subsample", {"w": w, "round": "floor"}, (1, size)) == expected


@pytest.mark.parametrize("step", ["conv", "dwconv", "pool", "avgpool"])
def test_same_padding(step):
    """Sizes and both paddings by TensorFlow's formula; torch, given that padding, finds the size too."""
    letter = "k" if step.endswith("conv") else "w"
    compared = Compared()
    for at in same_grid(dilated=step != "avgpool"):
        size, k, s, d = at.values()
        arguments = {letter: k, "s": s, "p": "same"} | ({"f": 1} if step == "conv" else {}) | ({} if step == "avgpool" else {"d": d})
        out, before, after = tf_same(size, k, s, d)
        padded = F.pad(torch.zeros(1, 1, size), (before, after))
        assert F.conv1d(padded, torch.zeros(1, 1, k), stride=s, dilation=d).shape[-1] == out
        op, x = make(step, arguments), Map((size,), 1)
        (slide,) = op.window(x)
        # A maximum over the padding alone, as the result shows it, is refused.
        lies = padded.fill_(-1).index_fill(2, torch.arange(before, before + size), 1)
        lost = step == "pool" and bool(F.max_pool1d(lies, k, s, 0, d).min() < 0)
        found = ours(step, arguments, (1, size))
        assert (slide.before, slide.after) == (before, after)
        compared.add(f"{step} {arguments} on {size}", found, None if lost else (1, out))
    compared.check(accepted=260, refused=0)


def test_same_padding_without_a_stride_is_torch_s():
    for size, k, d in itertools.product(range(1, 10), range(1, 6), range(1, 4)):
        expected = theirs(lambda: nn.Conv1d(1, 1, k, padding="same", dilation=d), (1, size))
        assert ours("conv", {"k": k, "f": 1, "p": "same", "d": d}, (1, size)) == expected


def test_same_padding_of_a_transposed_convolution():
    """It undoes the convolution of the same arguments: it gives the size that one reads, and its values are that one's gradient."""
    generator = torch.Generator().manual_seed(0)
    for at in same_grid():
        size, k, s, d = at.values()
        out, before, after = tf_same(size * s, k, s, d)
        assert out == size
        x, weight = torch.rand(1, 1, size, generator=generator), torch.rand(1, 1, k, generator=generator)
        read = torch.zeros(1, 1, size * s, requires_grad=True)
        F.conv1d(F.pad(read, (before, after)), weight, stride=s, dilation=d).backward(x)
        op, given = make("deconv", {"k": k, "f": 1, "s": s, "d": d, "p": "same"}), Map((size,), 1)
        ((_, found, *_, cut_before, cut_after),) = op.window(given)
        assert op.infer([given])[0].spatial == (found,) == (size * s,), at
        whole = F.conv_transpose1d(x, weight, stride=s, dilation=d)
        assert torch.allclose(F.pad(whole, (-cut_before, -cut_after)), read.grad, atol=1e-6), at


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
