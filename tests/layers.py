"""One row per layer: what the tests, the support matrix and the random networks know about it. A new layer needs a row here.

The matrix of docs/support.md tries the samples on every kind of value; the grid of ONNX, the comparison with torch and the random
networks take what has a twin; the test of FLOPs takes the counts.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Layer(NamedTuple):
    """A layer without arguments that keeps the shape needs nothing else in any list of the tests."""

    samples: tuple[str, ...]
    """Arguments as they are written after the step."""
    flops: int | Mapping[str, int]
    """Elementary operations in inference, worked out by hand from the table in docs/layers.md: per number of a value, or in all by the
    steps that are written after `input 12x10x6`."""
    twin: Callable[[Any], Any] | None = None
    """The module of torch.nn that a layer without arguments is on any value, channels second; called with torch.nn."""


MAP = 12 * 10 * 6
RECURRENT = ("5", "5 bias=no out=last", "5 dirs=2 layers=3", "5 dirs=2 layers=2 out=last")
LAYERS: dict[str, Layer] = {
    "conv": Layer(
        (
            "k=2 f=3 p=same maps=((0,1),(1,2),(0,11))",
            "k=3 f=8",
            "k=3 f=8 s=2 p=same",
            "k=3 f=3 maps=((0,1),(1,2),(0,11))",
            "k=3 f=8 g=4 d=2 p=2 bias=no init=kaiming",
            *("k=3 f=8 norm=std", "k=2 f=8 p=same norm=std gain=no eps=0.01", "k=3 f=8 norm=weight", "k=3 f=8 g=2 norm=spectral bias=no"),
            "k=3 f=8 p=1:2",
            "k=3 f=8 p=2 mode=reflect",
            "k=3 f=8 s=2 p=same mode=wrap",
            "k=3 f=8 s=2 round=ceil",
        ),
        {
            "conv k=3 f=4": 2 * 10 * 8 * 4 * 6 * 9,
            "conv k=3 f=4 g=2 bias=no": 2 * 10 * 8 * 4 * 3 * 9,
            "conv k=1 f=2 maps=((0,1),(5,))": 2 * 12 * 10 * 3,
            "conv k=1x3 f=2 p=same offset=input": 12 * 10 * 6 * 3 * (2 * 2 + 7),
        },
    ),
    "dwconv": Layer(
        ("k=3 p=1", "k=2 s=2 p=same m=2", "k=3 norm=std", "k=3 norm=weight", "k=3 m=2 norm=spectral"),
        {"dwconv k=3 m=2": 2 * 10 * 8 * 12 * 9},
    ),
    "deconv": Layer(
        (
            "k=3 f=8 s=2",
            "k=3 f=8 s=2 p=1 op=1",
            "k=3 f=8 s=2 p=same",
            "k=2 f=8 s=3 p=same g=4",
            "k=3 f=8 norm=weight",
            "k=3 f=8 norm=spectral",
        ),
        {"deconv k=3 f=4": 2 * 12 * 10 * 6 * 4 * 9},
    ),
    "pool": Layer(
        ("w=2", "w=3 s=2 round=ceil", "w=3 s=2 p=same", "w=2 s=1 d=4 p=same", "w=3 s=2 p=0:2 round=ceil"),
        {"pool w=3 s=1": 10 * 8 * 6 * (9 - 1), "pool w=2x1": 6 * 10 * 6 * (2 - 1)},
    ),
    "avgpool": Layer(
        ("w=2", "w=3 s=2 p=1 round=ceil", "w=3 s=2 p=1 round=ceil count_pad=no", "w=3 s=2 p=same count_pad=no", "w=3 s=2 p=0:2 round=ceil"),
        {"avgpool w=2": 6 * 5 * 6 * 4},
    ),
    "subsample": Layer(("w=2", "w=3 s=2 round=ceil"), {"subsample w=2": 6 * 5 * 6 * (4 + 1)}),
    "adaptpool": Layer(("4", "3", "to=4x3"), {"adaptpool 6x5": MAP, "adaptpool 8x10": (8 * 2) * 10 * 6}),
    "adaptmaxpool": Layer(("4", "3"), {"adaptmaxpool 6x5": MAP - 6 * 5 * 6}),
    "gap": Layer(("",), {"gap": MAP, "tokens | gap": MAP}),
    "bn": Layer(("", "affine=no"), 2),
    "ln": Layer(("", "bias=no", "affine=no"), {"ln": 7 * MAP, "ln bias=no": 6 * MAP, "ln affine=no": 5 * MAP}),
    "gn": Layer(("3",), {"gn 3": 7 * MAP}),
    "instnorm": Layer(("", "affine=yes"), {"instnorm": 5 * MAP, "instnorm affine=yes": 7 * MAP}),
    "rmsnorm": Layer(("", "eps=0.00001"), 4),
    "l2norm": Layer(("",), 3),
    "grn": Layer(("",), 6),
    "evonorm": Layer(("3", "3 act=no"), {"evonorm 3": (1 + 4 + 1 + 5 + 2) * MAP, "evonorm 2 act=no": (5 + 2) * MAP}),
    "lrn": Layer(("", "n=4"), {"lrn": (5 + 4 + 4) * MAP, "lrn n=2": (2 + 1 + 4) * MAP}),
    "relu": Layer(("",), 1, lambda nn: nn.ReLU()),
    "abs": Layer(("",), 1, lambda nn: type("Abs", (nn.Module,), {"forward": lambda self, x: x.abs()})()),
    "relu6": Layer(("",), 2, lambda nn: nn.ReLU6()),
    "leaky": Layer(("0.1",), 2, lambda nn: nn.LeakyReLU()),
    "sigmoid": Layer(("",), 4, lambda nn: nn.Sigmoid()),
    "tanh": Layer(("",), 1, lambda nn: nn.Tanh()),
    "softmax": Layer(("", "axis=t"), 5, lambda nn: nn.Softmax(1)),
    "logsoftmax": Layer(("", "axis=t"), 5, lambda nn: nn.LogSoftmax(1)),
    "elu": Layer(("",), 4, lambda nn: nn.ELU()),
    "selu": Layer(("",), 5, lambda nn: nn.SELU()),
    "gelu": Layer(("", "approx=tanh"), 5, lambda nn: nn.GELU()),
    "silu": Layer(("",), 5, lambda nn: nn.SiLU()),
    "mish": Layer(("",), 5, lambda nn: nn.Mish()),
    "hardswish": Layer(("",), 5, lambda nn: nn.Hardswish()),
    "hardsigmoid": Layer(("",), 4, lambda nn: nn.Hardsigmoid()),
    "softplus": Layer(("",), 3, lambda nn: nn.Softplus()),
    "prelu": Layer(("", "shared=no"), 2, lambda nn: nn.PReLU()),
    "dropout": Layer(("0.5",), 0, lambda nn: nn.Dropout()),
    "dropout2d": Layer(("0.5",), 0, lambda nn: nn.Dropout2d()),
    "droppath": Layer(("0.5",), {"droppath 0.1": 0}, lambda nn: nn.Identity()),
    "pad": Layer(
        ("1", "1 c=2", "0:1", "h=1 w=2:3 c=0:4", "2 mode=reflect", "0:2 mode=edge", "2:1 mode=wrap"), {"pad 1": 0, "pad 1 mode=wrap": 0}
    ),
    "crop": Layer(("4", "1:5", "to=4x4"), {"crop 4": 0}),
    "upsample": Layer(
        ("2", "2 mode=bilinear", "1.5", "to=15x13 mode=bicubic corners=yes", "to=7x20 mode=bilinear corners=yes"),
        {"upsample 2": 0, "upsample 2 mode=bilinear": 24 * 20 * 6 * (4 + 3), "upsample to=5x4 mode=bicubic": 5 * 4 * 6 * (16 + 15)},
    ),
    "glu": Layer(("",), {"glu": 12 * 10 * 3 * 5}),
    "maxout": Layer(("3",), {"maxout 3": 12 * 10 * 2 * 2}),
    "squash": Layer(("",), {"squash": 12 * 10 * (6 + 5 + 3 + 6)}),
    "unpool": Layer(("x w=2",), {"x: skip\npool 2 | unpool x w=2": 6 * 5 * 6 * 3}),
    "pixelshuffle": Layer(("2",), {"pixelshuffle 1": 0}),
    "shuffle": Layer(("3",), {"shuffle 2": 0}),
    "patchmerge": Layer(("2",), {"patchmerge 2": 0}),
    "slice": Layer(("2:8", "2:8 axis=t"), {"slice 1:3": 0, "tokens | slice 2:9 axis=t": 0}),
    "flatten": Layer(("",), 0, lambda nn: nn.Flatten()),
    "fc": Layer(("5", "5 norm=std", "5 norm=std gain=no", "5 norm=weight", "5 norm=spectral"), {"fc 5": 2 * MAP * 5}),
    "linear": Layer(
        ("5", "5 bias=no init=truncated std=0.1", "5 norm=std", "5 norm=weight", "5 norm=spectral bias=no"),
        {"linear 5": 2 * 12 * 10 * 6 * 5, "tokens | linear 5": 2 * 120 * 6 * 5},
    ),
    "rbf": Layer(("5",), {"flatten | rbf 5": 3 * MAP * 5}),
    "embed": Layer(("50 8",), {}),
    "scale": Layer(("0.1", "0 shared=yes", "0.1 flat=yes"), {"scale 0.1": MAP, "scale 0 shared=yes": MAP, "scale 0.1 flat=yes": MAP}),
    "tokens": Layer(("",), 0),
    "cls": Layer(("", "4"), {"tokens | cls 4": 0}),
    "pos": Layer(("", "kind=sin"), {"tokens | pos": MAP, "tokens | pos kind=sin": MAP}),
    "first": Layer(("",), {"tokens | first": 0}),
    "attn": Layer(
        (
            "heads=3",
            "heads=3 bias=no",
            "heads=6 kvheads=2 causal=yes rope=10000 d=2",
            "heads=3 f=5 rel=table",
            "heads=3 w=4 shift=2 sim=cos rel=mlp proj=qkv",
            "heads=3 grid=4",
            "heads=3 rel=buckets scale=1",
            "heads=3 talk=yes proj=apart",
            "heads=3 rope=10 prefix=2 pair=1",
        ),
        {
            "tokens | attn heads=3": 2 * (4 * 120 * 6 * 6 + 2 * 120 * 120 * 6) + MAP + 5 * 3 * 120 * 120,
            "attn heads=3 causal=no rel=table": 2 * (4 * 120 * 6 * 6 + 2 * 120 * 120 * 6) + MAP + 6 * 3 * 120 * 120,
            "tokens | attn heads=3 causal=yes rope=10": 2 * (4 * 120 * 36 + 2 * 120 * 120 * 6) + MAP + 6 * 3 * 120 * 120 + 3 * 2 * MAP,
            "tokens\na: tensor 118x1\nattn heads=2 rope=a prefix=2": 2 * (4 * 120 * 36 + 2 * 120 * 120 * 6)
            + MAP
            + 5 * 2 * 120 * 120
            + 3 * 2 * (118 * 2 * 2)
            + 2 * 118,
            "tokens | attn heads=3 kvheads=1 f=4": 2 * (120 * 6 * (6 + 2 * 2 + 4) + 2 * 120 * 120 * 6) + MAP + 5 * 3 * 120 * 120,
            "attn heads=2 w=4x5 sim=cos rel=mlp": 2 * (4 * 120 * 36 + 2 * 120 * 20 * 6 + 63 * 512 * (2 + 2))
            + (5 + 2) * 2 * 120 * 20
            + 3 * 2 * MAP
            + 63 * (512 + 5 * 2),
            "attn heads=2 grid=3x2 talk=yes": 2 * (4 * 120 * 36 + 2 * 120 * 6 * 6 + 2 * 120 * 6 * 4) + MAP + 5 * 2 * 120 * 6,
        },
    ),
    "winattn": Layer(
        ("heads=3 w=4", "heads=3 w=4 shift=2"),
        {
            "winattn heads=2 w=4x5": 2 * (4 * 120 * 6 * 6 + 2 * 120 * 20 * 6) + MAP + 6 * 2 * 120 * 20,
            "winattn heads=2 w=4x5 shift=2x0": 2 * (4 * 120 * 6 * 6 + 2 * 120 * 20 * 6) + MAP + 7 * 2 * 120 * 20,
        },
    ),
    "rearrange": Layer(
        ('"t (g c) -> t (c g)" g=3', '"h w (g c) -> (h w) g c" g=4', '"(d p) h w c -> d h w (p c)" p=2', '"c -> 1 1 c"', '"t c -> (c t)"'),
        {'rearrange "h w c -> w h c"': 0},
    ),
    "attend": Layer(
        ("heads=2", "heads=1", "heads=1 causal=yes rope=10000", "heads=2 w=4 rel=table", "heads=2 sim=cos", "heads=1 talk=yes"),
        {"tokens | attend heads=2": 2 * (2 * 120 * 120 * 2) + 120 * 2 + 5 * 2 * 120 * 120},
    ),
    "buckets": Layer(("heads=3", "heads=2 causal=yes"), {"tokens | buckets heads=3": 0}),
    "swap": Layer(("",), {"tokens | swap": 0}),
    "map": Layer(("4x4", "2x2x4", "16"), {"tokens | map 10x12": 0}),
    "reshape": Layer(("2x6", "4x48", "2304", "8x24x32", "4x4x12x12"), {"reshape 6x12x10": 0}),
    "token": Layer(("-1",), {"tokens | token 3": 0}),
    "custom": Layer(
        ('"aten.exp"', '"aten.pow" 2 macs=0', '"aten.prelu" weight=1 macs=0 flops=10'),
        {'custom "aten.exp" macs=0': 0, 'custom "package.Layer" macs=10': 20, 'custom "package.Layer" macs=10 flops=30': 30},
    ),
    "matmul": Layer(("x",), {"tokens\nx: swap\nfrom x | swap | matmul x": 2 * 120 * 6 * 120}),
    "gmp": Layer(("",), {"gmp": MAP - 6, "tokens | gmp": MAP - 6}),
    "mean": Layer(("axis=c", "axis=t"), {"mean axis=c": MAP, "tokens | mean axis=t": MAP}),
    "max": Layer(("axis=c", "axis=t"), {"max axis=c": MAP - 120, "tokens | max axis=t": MAP - 6}),
    "rnn": Layer(RECURRENT, {"tokens | rnn 5": 2 * 120 * 5 * (6 + 5) + 120 * 5}),
    "gru": Layer(RECURRENT, {"tokens | gru 5 bias=no": 2 * 3 * 120 * 5 * (6 + 5) + 14 * 120 * 5}),
    "lstm": Layer(
        RECURRENT,
        {
            "tokens | lstm 5 out=last": 2 * 4 * 120 * 5 * (6 + 5) + 18 * 120 * 5,
            "tokens | lstm 5 dirs=2 layers=2": 2 * (2 * 4 * 120 * 5 * (6 + 5) + 2 * 4 * 120 * 5 * (10 + 5)) + 18 * 4 * 120 * 5,
        },
    ),
    "tensor": Layer(("12 init=1", "1x1x12 frozen=yes", "16x12 init=eye"), {"t: tensor 12x10x6\nfrom t": 0}),
    "add": Layer(("",), {"x: skip\nadd x": MAP, "add 1": MAP, "t: tensor 6\nadd t": MAP}),
    "sub": Layer(("",), {"x: skip\nsub x": MAP, "sub 1": MAP, "x: skip\nsub x x": 2 * MAP}),
    "concat": Layer(("",), {"x: skip\nconcat x x": 0, "tokens\nx: skip\nconcat x x axis=t": 0}),
    "mul": Layer(("",), {"x: skip\nmul x x": 2 * MAP, "mul 0.5": MAP, "x: conv k=1 f=1\nfrom input | mul x": MAP}),
}
"""Of `lrn` count n squares, n - 1 sums, scaling, offset, power and division."""
