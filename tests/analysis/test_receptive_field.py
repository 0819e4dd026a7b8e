"""Receptive fields and jumps: measured by gradient, and against published values."""

import json

import pytest

torch = pytest.importorskip("torch", reason="receptive fields are measured by torch's gradients")

from torch import nn
from torch.nn import functional as F

import archspec
from archspec.backends.arch import expand
from tests.fuzzing.draw import Random
from tests.fuzzing.fields import box, field_of
from tests.fuzzing.generator import SpecGenerator
from tests.fuzzing.steps import Options
from tests.fuzzing.tape import Merge
from tests.helpers.paths import FACTS
from tests.helpers.specs import few_quick
from tests.helpers.torch import Apply, Concat, Mul, Residual, tf_same

FACTS = json.loads((FACTS / "receptive_fields.json").read_text(encoding="utf-8"))


# published


@pytest.mark.parametrize("name", FACTS["networks"])
def test_published_networks(name):
    params, size = FACTS["networks"][name]
    assert archspec.analyze(archspec.load(name, params=params)).totals.receptive_field == (size, size)


def row_of(layers, point):
    """The row a point of torchvision's is: by its name, the last of a module's, or the n-th pool."""
    if point.startswith("maxpool"):
        point = point.replace("maxpool", "pool") + ("" if point[-1].isdigit() else "1")
    found = [row for row in layers if row.name == point or row.name.startswith(point + ".")]
    assert found, point
    return found[-1]


@pytest.mark.parametrize("name", FACTS["points"])
def test_measured_torchvision(name):
    params = {"v1": 1} if "_v1_" in name else {}
    layers = archspec.analyze(archspec.load(name.split("_v1_")[0], params=params)).layers
    found = {point: row_of(layers, point) for point in FACTS["points"][name]}
    fields = {point: {"rf": row.receptive_field[0], "jump": row.jump[0]} for point, row in found.items()}
    assert fields == FACTS["points"][name]
    assert all(row.receptive_field[0] == row.receptive_field[1] and row.jump[0] == row.jump[1] for row in found.values())


# measured


def all_ones(module):
    module = module.double().eval()
    for name, parameter in module.named_parameters():
        nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
    for merge in module.modules():
        if isinstance(merge, Merge) and merge.kind in ("sub", "mul"):
            merge.kind = "add"  # it reads the same, nothing cancels, and nothing outgrows its numbers
    return module


def hull(gradient, axis):
    """First and last input position along an axis with a gradient; None where there is none at all."""
    seen = gradient.abs().sum([i for i in range(gradient.dim()) if i != axis]).nonzero().flatten()
    return (int(seen[0]), int(seen[-1])) if len(seen) else None


def hulls(module, shape, units):
    """For each of some neighbouring units around the middle: its position and (first, last) of each axis."""
    x = torch.ones((1, *shape), dtype=torch.float64, requires_grad=True)
    y = module(x)
    rank = len(shape) - 1
    found = []
    for step in range(units):
        at = [(size - units) // 2 + step for size in y.shape[2:]]
        value = y[(0, slice(None), *at)].sum()
        gradient = torch.autograd.grad(value, x, retain_graph=True)[0]
        found.append((at, [hull(gradient, 2 + axis) for axis in range(rank)]))
    return found


def check(text, module, shape):
    """The last row of the spec against the module: size, distance of neighbours, and where the field lies."""
    network = archspec.loads(text)
    row = archspec.analyze(network).layers[-1]
    measured = hulls(all_ones(module), shape, 2)
    jumps, sizes = [], []
    for axis in range(len(shape) - 1):
        (low, high), (next_low, next_high) = (ends[axis] for _, ends in measured)
        assert low > 0 and next_high < shape[1 + axis] - 1, "the measurement is cut off: make the input larger"
        assert next_low - low == next_high - high
        jumps.append(next_low - low)
        sizes.append(high - low + 1)
    assert (row.receptive_field, row.jump) == (tuple(sizes), tuple(jumps)), text
    for at, ends in measured:
        assert box(field_of(network), at) == ends, text


LINEAR = Options(
    steps=("conv", "dwconv", "avgpool"),
    kinds=("residual", "concat", "repeat", "call", "group", "merge", "default"),
    ranks=(1,),
    sizes={1: (6000, 6000)},
    largest=200_000,
    inputs=1,
    tables=False,
    giving_up=0,
)
"""Layers whose gradients show what they read, along one axis."""


@pytest.mark.parametrize("seed", few_quick(range(150), range(15)))
def test_random_networks(seed):
    """Chains, residuals, concats, repeats and blocks of convolutions and pools along one axis."""
    drawn = SpecGenerator(Random(seed), LINEAR).generate()
    if drawn.outputs["output"][0].spatial[0] < 60:
        pytest.skip("shrinks too far to be measured")
    if archspec.analyze(archspec.loads(drawn.text)).layers[-1].receptive_field[0] > 3000:
        pytest.skip("sees too much to be measured")
    check(drawn.text, drawn.net, drawn.inputs["input"].tensor.shape[1:])


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_in_two_axes(seed):
    """Other numbers an axis: k=3x1, s=1x2 and so on."""
    draw = Random(1000 + seed)
    lines, layers = [], []
    for _ in range(draw.number(2, 4)):
        k, s, d = ([draw.number(1, 3), draw.number(1, 3)] for _ in range(3))
        s = [min(s[0], 2), min(s[1], 2)]
        p = [draw.number(0, k[0] // 2), draw.number(0, k[1] // 2)]
        if draw.number(0, 1):
            lines.append(f"conv k={k[0]}x{k[1]} f=1 s={s[0]}x{s[1]} p={p[0]}x{p[1]} d={d[0]}x{d[1]}")
            layers.append(nn.Conv2d(1, 1, k, s, p, d))
        else:
            lines.append(f"pool w={k[0]}x{k[1]} s={s[0]}x{s[1]} p={p[0]}x{p[1]}")
            layers.append(nn.AvgPool2d(k, s, p))
    shape = (1, 300, 280)
    check("default round=floor\ninput 300x280x1\n" + "\n".join(lines), nn.Sequential(*layers), shape)


# what exactly is read: layer by layer


LAYERS = {
    "conv k=3 f=1 s=2 p=1": nn.Conv1d(1, 1, 3, 2, 1),
    "conv k=3 f=1 s=3 d=4 p=2": nn.Conv1d(1, 1, 3, 3, 2, 4),
    "conv k=2 f=1 s=5": nn.Conv1d(1, 1, 2, 5),
    "conv k=4 f=1 p=same": Apply(lambda x: F.conv1d(F.pad(x, tf_same(x.shape[-1], 4, 1, 1)[1:]), torch.ones(1, 1, 4).double())),
    "conv k=4 f=1 s=3 d=2 p=same": Apply(lambda x: F.conv1d(F.pad(x, tf_same(x.shape[-1], 4, 3, 2)[1:]), torch.ones(1, 1, 4).double(), stride=3, dilation=2)),
    "dwconv k=5 p=1": nn.Conv1d(1, 1, 5, 1, 1),
    "avgpool w=3 s=2 p=1": nn.AvgPool1d(3, 2, 1),
    "avgpool w=4 s=3 round=ceil": nn.AvgPool1d(4, 3, ceil_mode=True),
    "pool w=3 s=2 p=1 d=1": nn.AvgPool1d(3, 2, 1),
    "subsample w=3": nn.AvgPool1d(3),
    "adaptpool 15": nn.AdaptiveAvgPool1d(15),
    "pad 3": nn.ConstantPad1d(3, 0.0),
    "crop 41": Apply(lambda x: x[..., (x.shape[-1] - 41) // 2 :][..., :41]),
    "relu": nn.ReLU(),
    "bn": nn.BatchNorm1d(1),
    "lrn": nn.LocalResponseNorm(5),
    "scale": nn.Identity(),
    "slice 0:1": nn.Identity(),
    "linear 2": nn.Conv1d(1, 2, 1),
    "residual: conv k=3 f=1 p=1 | conv k=3 f=1 p=1": Residual(nn.Sequential(nn.Conv1d(1, 1, 3, 1, 1), nn.Conv1d(1, 1, 3, 1, 1))),
    "residual:\n  conv k=1 f=1\n  shortcut: conv k=3 f=1 d=6 p=6": Residual(nn.Conv1d(1, 1, 1), nn.Conv1d(1, 1, 3, 1, 6, 6)),
    "concat:\n  skip\n  conv k=3 f=1 | pad 1": Concat(nn.Identity(), nn.Sequential(nn.Conv1d(1, 1, 3), nn.ConstantPad1d(1, 0.0))),
    "concat:\n  pad 4 | crop 90\n  conv k=5 f=1 p=4 | crop 90": Concat(nn.Identity(), nn.Sequential(nn.Conv1d(1, 1, 5, 1, 4), Apply(lambda x: x[..., 2:92]))),
    "repeat 3: residual: conv k=3 f=1 p=1": nn.Sequential(*(Residual(nn.Conv1d(1, 1, 3, 1, 1)) for _ in range(3))),
    "repeat 5: conv k=3 f=1 s=1,2,1": nn.Sequential(*(nn.Conv1d(1, 1, 3, s) for s in (1, 2, 1, 1, 1))),
}  # fmt: skip


@pytest.mark.parametrize("spec", LAYERS)
def test_layers_by_themselves(spec):
    check(f"default round=floor\ninput 90x1\n{spec}\n", LAYERS[spec], (1, 90))


def test_a_label_read_in_every_round_of_a_repeat():
    """The value from outside is seen again and again, each time through other layers."""
    text = "input 200x1\nstem: conv k=3 f=1 p=1\nrepeat 4:\n  conv k=3 f=1 p=1 | add stem\n"

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv1d(1, 1, 3, 1, 1) for _ in range(5))

        def forward(self, x):
            x = stem = self.convs[0](x)
            for conv in self.convs[1:]:
                x = conv(x) + stem
            return x

    check(text, Net(), (1, 200))
    report = archspec.analyze(archspec.loads(text))
    assert report.totals.receptive_field == (11,)
    after = archspec.analyze(archspec.loads(text + "conv k=3 f=1 p=1\n"))
    assert after.layers[-1].receptive_field == after.totals.receptive_field == (13,)


def test_long_repeats_with_a_value_from_outside():
    text = "input 900x1\nstem: conv k=3 f=1 p=1\nrepeat 200:\n  conv k=3 f=1 p=1 | add stem\n"
    report = archspec.analyze(archspec.loads(text))
    assert report.layers[-1].receptive_field == (403,)
    assert report.totals.receptive_field == (403,)


@pytest.mark.parametrize(("kind", "factor"), [("nearest", 2), ("nearest", 3), ("bilinear", 2), ("bilinear", 3), ("bilinear", 4)])
def test_upsampling_says_the_largest_field(kind, factor):
    """One layer: the largest field of any position is what is said, not only a bound of it."""
    text = f"input 60x1\nupsample {factor} mode={kind}\n"
    module = nn.Upsample(scale_factor=factor, mode="linear" if kind == "bilinear" else kind)
    measured = hulls(module.double(), (1, 60), 2 * factor)
    row = archspec.analyze(archspec.loads(text)).layers[-1]
    assert row.receptive_field == (max(ends[0][1] - ends[0][0] + 1 for _, ends in measured),)
    assert row.jump == (1 / factor,)


@pytest.mark.parametrize(
    ("k", "s", "p", "d"), [(2, 2, 0, 1), (3, 2, 1, 1), (4, 2, 1, 1), (5, 3, 0, 1), (3, 2, 0, 2), (3, 3, 0, 1), (3, 1, 1, 1), (4, 3, 2, 2)]
)
def test_deconv_says_the_largest_field(k, s, p, d):
    """With dilation the taps may all miss the same phase."""
    text = f"input 60x1\ndeconv k={k} f=1 s={s} p={p} d={d}\n"
    measured = hulls(all_ones(nn.ConvTranspose1d(1, 1, k, s, p, dilation=d)), (1, 60), 2 * s)
    row = archspec.analyze(archspec.loads(text)).layers[-1]
    largest = max(ends[0][1] - ends[0][0] + 1 for _, ends in measured if ends[0] is not None)
    assert row.receptive_field[0] == largest
    assert row.jump == (1 / s,)


def test_a_map_seen_at_once_is_seen_whole():
    """After pooling to one position, normalising over positions, or broadcasting such a value, everything is seen."""
    for spec, module in {
        "gap": nn.AdaptiveAvgPool2d(1),
        "mul:\n  skip\n  gap": Mul(nn.Identity(), nn.AdaptiveAvgPool2d(1)),
        "mul:\n  skip\n  gap | conv k=1 f=1 | sigmoid": Mul(
            nn.Identity(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 1, 1), nn.Sigmoid())
        ),
        "instnorm": nn.InstanceNorm2d(1),
        "gn 1": nn.GroupNorm(1, 1),
    }.items():
        row = archspec.analyze(archspec.loads(f"input 9x7x1\n{spec}\n")).layers[-1]
        assert row.receptive_field == (9, 7), spec
        assert row.jump is None
        torch.manual_seed(0)
        x = torch.rand(1, 1, 9, 7, dtype=torch.float64, requires_grad=True)
        y = module.double()(x)
        gradient = torch.autograd.grad(y[0, 0, 0, 0], x)[0]
        assert [hull(gradient, 2), hull(gradient, 3)] == [(0, 8), (0, 6)], spec


def test_layer_norm_and_softmax_over_channels_see_one_position():
    for spec in ("ln", "softmax", "logsoftmax", "prelu", "shuffle 2"):
        row = archspec.analyze(archspec.loads(f"input 9x7x4\nconv k=3 f=4\n{spec}\n")).layers[-1]
        assert (row.receptive_field, row.jump) == ((3, 3), (1, 1)), spec


LAST_MAPS = {
    "conv k=3 f=4 | relu | flatten | fc 3": (5, 5),
    "a:\n  b:\n    conv k=3 f=4\n    fc 3": (5, 5),
    "a:\n  relu\n  b:\n    relu\n    c:\n      conv k=3 f=4\n      gap": (5, 5),
    "repeat 3:\n  upsample 2 | conv k=3 f=8 p=1 | gap": (16, 16),
    "fc 8\nrepeat 2:\n  fc 8": (3, 3),
    "a: relu\nb:\n  from a\n  c:\n    gap\n    fc 3": (3, 3),
}


@pytest.mark.parametrize("text", LAST_MAPS)
def test_the_last_map_of_a_network_is_found_in_whatever_group_it_is(text):
    """The total is that of the flat spec, and what can be counted on paper: a 3x3 convolution before what is given, and that."""
    network = archspec.loads(f"input 16x16x8\nconv k=3 f=8\n{text}\n")
    assert archspec.analyze(network).totals.receptive_field == LAST_MAPS[text]
    assert archspec.analyze(archspec.loads(expand(network))).totals.receptive_field == LAST_MAPS[text]


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ("conv k=3 f=3 p=1\nrepeat 3: conv k=3 f=3 p=1 | instnorm\n", (12, 12)),
        ("a: conv k=3 f=3 p=1\nconv k=3 f=3 p=1\nb: c:\n  from a | instnorm\n  instnorm\n", (3, 3)),
        ("a: conv k=5 f=3 p=2\nb:\n  conv k=3 f=3 p=1\n  c:\n    add a\n    instnorm\ninstnorm\n", (7, 7)),
    ],
)
def test_the_field_of_a_network_is_that_of_its_flat_spec(body, size):
    network = archspec.loads(f"input 12x12x3\n{body}")
    field = archspec.analyze(network).totals.receptive_field
    assert field == archspec.analyze(archspec.loads(expand(network))).totals.receptive_field
    assert field == size
