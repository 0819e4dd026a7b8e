"""Small random specs, which Hypothesis shrinks where they differ from their modules; and networks by hand."""

import pytest

torch = pytest.importorskip("torch", reason="torch is what the random specs are compared with")
pytest.importorskip("onnx", reason="onnx infers the shapes of what is emitted")
pytest.importorskip("onnxruntime", reason="it comes with what the random specs are compared by")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archspec
from tests.analysis.test_memory import naive_peak, naive_totals
from tests.fuzzing import shape
from tests.fuzzing.generator import SpecGenerator
from tests.fuzzing.steps import Options
from tests.helpers.torch import channels_last, counts, measure

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
IN_A_ROW = ("residual", "concat", "branches", "repeat", "call", "group", "merge", "pattern", "default")
"""Structures that leave no value unread."""


class Drawn:
    """Numbers that Hypothesis chooses, and shrinks."""

    def __init__(self, data):
        self.data = data

    def number(self, low, high):
        return self.data.draw(st.integers(low, high))

    def pick(self, items):
        return items[self.number(0, len(items) - 1)]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_small_networks(rank):
    options = Options(ranks=(rank,), longest=4, inputs=1)

    @QUICK
    @given(st.data())
    def agree(data):
        drawn = SpecGenerator(Drawn(data), options).generate()
        told = shape.compare(drawn)
        assert told is None, f"{told}\n{drawn.text}"

    agree()


@pytest.mark.slow
@QUICK
@given(st.data())
def test_sums_and_memory(data):
    """Totals and the peak of a network, found without walking its layers, against its layers."""
    drawn = SpecGenerator(Drawn(data), Options(kinds=IN_A_ROW, inputs=1, longest=5, giving_up=0)).generate()
    report = archspec.analyze(archspec.loads(drawn.text))
    expected = naive_totals(report)
    assert {name: getattr(report.totals, name) for name in expected} == expected, drawn.text
    assert report.totals.peak_activations == naive_peak(report), drawn.text


# networks given as a whole: what random ones do not reach

BLOCKS = """
block bottleneck(n, s=1):
  residual:
    conv k=1 f=n bias=no | bn | relu
    conv k=3 f=n s=s p=1 bias=no | bn | relu
    conv k=1 f=4*n bias=no | bn
    shortcut: conv k=1 f=4*n s=s bias=no | bn  if s > 1 or cin != 4*n
  relu

block invres(f, s=1, t=6):
  residual if s == 1 and cin == f:
    conv k=1 f=t*cin bias=no | bn | relu6 if t>1
    dwconv k=3 s=s p=1 bias=no | bn | relu6
    conv k=1 f=f bias=no | bn

block dense(n, g=4):
  repeat n:
    concat:
      skip
      bn | relu | conv k=1 f=4*g bias=no | bn | relu | conv k=3 f=g p=1 bias=no

block se(r=4):
  mul:
    skip
    gap | fc cin//r | relu | fc cin | sigmoid

block encoder(heads, mlp=32):
  residual: ln | attn heads=heads
  residual: ln | linear mlp | gelu | linear cin
"""


def net_bottlenecks():
    from torch import nn

    from tests.helpers.torch import Residual

    def bottleneck(c, n, s):
        body = nn.Sequential(
            nn.Conv2d(c, n, 1, bias=False), nn.BatchNorm2d(n), nn.ReLU(),
            nn.Conv2d(n, n, 3, s, 1, bias=False), nn.BatchNorm2d(n), nn.ReLU(),
            nn.Conv2d(n, 4 * n, 1, bias=False), nn.BatchNorm2d(4 * n),
        )  # fmt: skip
        short = nn.Sequential(nn.Conv2d(c, 4 * n, 1, s, bias=False), nn.BatchNorm2d(4 * n)) if s > 1 or c != 4 * n else None
        return nn.Sequential(Residual(body, short), nn.ReLU())

    return nn.Sequential(bottleneck(8, 2, 1), bottleneck(8, 4, 2), bottleneck(16, 4, 1), bottleneck(16, 4, 1), bottleneck(16, 5, 1))


def net_invres():
    from torch import nn

    from tests.helpers.torch import Residual

    def invres(c, f, s, t):
        body = nn.Sequential(
            *([nn.Conv2d(c, t * c, 1, bias=False), nn.BatchNorm2d(t * c), nn.ReLU6()] if t > 1 else []),
            nn.Conv2d(t * c, t * c, 3, s, 1, groups=t * c, bias=False), nn.BatchNorm2d(t * c), nn.ReLU6(),
            nn.Conv2d(t * c, f, 1, bias=False), nn.BatchNorm2d(f),
        )  # fmt: skip
        return Residual(body) if s == 1 and c == f else body

    return nn.Sequential(invres(8, 4, 1, 1), invres(4, 6, 2, 6), invres(6, 6, 1, 6), invres(6, 6, 1, 6), invres(6, 10, 1, 3))


def net_dense():
    from torch import nn

    from tests.helpers.torch import Concat

    layers, c = [], 8
    for g in (4, 4, 4, 3, 3):
        layers.append(Concat(nn.Identity(), nn.Sequential(
            nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, 4 * g, 1, bias=False), nn.BatchNorm2d(4 * g), nn.ReLU(), nn.Conv2d(4 * g, g, 3, 1, 1, bias=False),
        )))  # fmt: skip
        c += g
    return nn.Sequential(*layers)


def net_se():
    from torch import nn

    from tests.helpers.torch import Mul

    def se(c, r):
        return Mul(
            nn.Identity(),
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, c // r), nn.ReLU(), nn.Linear(c // r, c), nn.Sigmoid()),
        )

    return nn.Sequential(se(8, 4), nn.Conv2d(8, 12, 3), se(12, 4), se(12, 2))


def net_vit():
    from torch import nn

    from tests.helpers.torch import Apply, Attention, ClassToken, Position, Residual, ToTokens

    def encoder(d):
        mlp = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 32), nn.GELU(), nn.Linear(32, d))
        return nn.Sequential(Residual(nn.Sequential(nn.LayerNorm(d), Attention(d, 4))), Residual(mlp))

    return nn.Sequential(
        nn.Conv2d(8, 16, 4, 4), ToTokens(), ClassToken(16), Position(17, 16), encoder(16), encoder(16), encoder(16), nn.LayerNorm(16),
        Apply(lambda x: x[:, 0]), nn.Linear(16, 10),
    )  # fmt: skip


def net_unet():
    from torch import nn

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Sequential(nn.Conv2d(8, 6, 3, 1, 1), nn.ReLU())
            self.b = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(6, 12, 3, 1, 1), nn.ReLU())
            self.c = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(12, 24, 3, 1, 1), nn.ReLU())
            self.up1, self.up2 = nn.ConvTranspose2d(24, 12, 2, 2), nn.ConvTranspose2d(12, 6, 2, 2)
            self.d, self.e = nn.Conv2d(24, 12, 3, 1, 1), nn.Conv2d(12, 2, 1)

        def forward(self, x):
            a = self.a(x)
            b = self.b(a)
            x = self.d(torch.cat([self.up1(self.c(b)), b], 1))
            return self.e(torch.cat([self.up2(x), a], 1))

    return UNet()


WHOLE = {
    "bottlenecks": ("bottleneck 2\nlayer2: repeat 3: bottleneck 4 s=2,1\nbottleneck 5\n", net_bottlenecks),
    "invres": ("invres 4 t=1\nrepeat 3: invres 6 s=2,1\ninvres 10 t=3\n", net_invres),
    "dense": ("dense 3\ndense 2 g=3\n", net_dense),
    "se": ("se\nconv k=3 f=12\nse\nse r=2\n", net_se),
    "vit": ("conv k=4 s=4 f=16 | tokens | cls | pos\nrepeat 3: encoder 4\nln | first | fc 10\n", net_vit),
    "unet": (
        "e1: conv k=3 f=6 p=1 | relu\npool w=2\ne2: conv k=3 f=12 p=1 | relu\npool w=2 | conv k=3 f=24 p=1 | relu\n"
        "deconv k=2 s=2 f=12 | concat e2\nconv k=3 f=12 p=1\ndeconv k=2 s=2 f=6 | concat e1\nconv k=1 f=2\n",
        net_unet,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_whole_networks(name):
    body, make = WHOLE[name]
    module = make()
    expected = counts(module)
    output, macs = measure(module, (8, 16, 16))
    report = archspec.analyze(archspec.loads(f"default round=floor\n{BLOCKS}\ninput 16x16x8\n{body}"))
    totals = report.totals
    assert report.outputs == {"output": channels_last(output)}
    assert (totals.weights, totals.biases, totals.buffers) == (expected["weights"], expected["biases"], expected["buffers"])
    assert totals.macs == macs
