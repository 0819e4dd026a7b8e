"""Every layer: how its arguments are drawn, and the module that it is. What slides is in `windows`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from torch import nn
from torch.nn import functional as F

from tests.fuzzing import attending, axes, sizes
from tests.fuzzing.chooser import Args, Chooser, Made, Pair, Values, ends, spread
from tests.fuzzing.draw import Arg, const, demand
from tests.fuzzing.modules import (
    Do,
    Embedding,
    LocalNorm,
    OverChannels,
    Parameter,
    PatchMerge,
    PixelShuffle,
    WindowAttention,
    bordered,
    formed,
    sinusoids,
)
from tests.fuzzing.values import Value
from tests.fuzzing.windows import WINDOWS, forms, initial
from tests.helpers.torch import BATCHNORM, EvoNorm, MapRecurrent, Rbf, Recurrent, ResponseNorm
from tests.layers import LAYERS as SAMPLES

ANY, MAP, TOKENS, VECTOR = ("map", "tokens", "vector"), ("map",), ("tokens",), ("vector",)
ADAPTIVE = {
    "adaptpool": (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    "adaptmaxpool": (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
}
INSTANCENORM = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


class Layer(NamedTuple):
    """`takes` are kinds of value. `draw` gives the arguments for a value and a goal, None where there are none; `keeps` is the goal that
    it can reach: "shape", "space" (all but the channels) or neither. `build` gives the module, or raises what torch raises."""

    takes: tuple[str, ...]
    draw: Callable[[Chooser, Value, str], Args | None]
    build: Callable[[Value, Values], Made]
    keeps: str = ""


def nothing(g: Chooser, x: Value, goal: str) -> Args:
    return {}


def bare(name: str, *values: Any) -> Callable[[Chooser, Value, str], Args]:
    """One argument, out of some."""
    return lambda g, x, goal: {name: const(g.pick(values))}


def pointwise(make: Callable[..., nn.Module], draw: Any = nothing, takes: tuple[str, ...] = ANY) -> Layer:
    return Layer(takes, draw, lambda x, a: (make(**a), x.kind), "shape")


def channels_second(module: nn.Module, x: Value) -> Made:
    return (OverChannels(module, first=True) if x.kind == "tokens" else module), x.kind


def channels_last(module: nn.Module, x: Value) -> Made:
    return (OverChannels(module, first=False) if x.kind == "map" else module), x.kind


def batch_norm(x: Value, a: Values) -> Made:
    return channels_second(BATCHNORM[max(x.rank, 1)](x.channels, a["eps"], a["momentum"], a["affine"]), x)


def group_norm(x: Value, a: Values) -> Made:
    demand(x.size != a["groups"], "PyTorch refuses it for a batch of one")
    return channels_second(nn.GroupNorm(a["groups"], x.channels, a["eps"]), x)


def evo_norm(x: Value, a: Values) -> Made:
    demand(x.channels % a["groups"] == 0, "channels that make no groups")
    return EvoNorm(x.channels, a["groups"], a["eps"], act=a["act"]), "map"


def draw_crop(g: Chooser, x: Value, goal: str) -> Args:
    nothing: Args = {"size": const(None), "to": const(None)}
    if (to := sizes.like(g, x)) is not None:
        return nothing | {"to": to}
    if g.chance(4):
        stop = g.draw.number(1, min(x.spatial) + g.chance(15))
        pair = Pair(g.draw.number(0, stop - 1), stop)
        return nothing | {"size": Arg(f"{pair.before}:{pair.after}", lambda env: pair)}
    if g.chance(4):
        return (
            nothing | {"to": const(tuple(g.draw.number(1, size) for size in x.spatial))}
            if x.rank > 1
            else nothing | {"to": g.count(1, x.spatial[0])}
        )
    if x.rank > 1 and g.chance(2):
        return nothing | {"size": const(tuple(g.draw.number(1, size) for size in x.spatial))}
    return nothing | {"size": g.count(1, min(x.spatial) + g.chance(15))}


def crop(x: Value, a: Values) -> Made:
    if isinstance(a["size"], Pair):
        start, stop = a["size"]
        demand(stop <= min(x.spatial), "positions that are not there")
        return Do(lambda t: t[(slice(None), slice(None), *[slice(start, stop)] * x.rank)]), "map"
    sizes = spread(a["to"] if a["size"] is None else a["size"], x.rank)
    demand(all(size <= of for size, of in zip(sizes, x.spatial, strict=True)), "a piece larger than the map")
    parts = [slice((of - size) // 2, (of - size) // 2 + size) for size, of in zip(sizes, x.spatial, strict=True)]
    return Do(lambda t: t[(slice(None), slice(None), *parts)]), "map"


def draw_pad(g: Chooser, x: Value, goal: str) -> Args:
    args: Args = {name: const(None) for name in EDGES} | {"mode": const("zero")}
    if goal:
        return args | {"p": const(0), "c": const(g.pick([0, 1, 2])) if g.chance(2) else g.pair(2)}
    p = g.pair(2) if g.chance(4) else g.axes(0, 2, x.rank)
    if g.chance(5):
        own = {name: g.pair(2) if g.chance(2) else const(g.draw.number(0, 2)) for name in EDGES[-x.rank :]}
        args, p = args | own, const(0)
    mode = g.pick(["reflect", "edge", "wrap"]) if g.chance(3) else "zero"
    c = const(0) if mode != "zero" else g.pair(2) if g.chance(6) else const(g.pick([0, 0, 1, 2]))
    return args | {"p": p, "c": c, "mode": const(mode)}


EDGES = ("d", "h", "w")


def pad(x: Value, a: Values) -> Made:
    own = {name: a[name] for name in EDGES if a[name] is not None}
    sides = [ends(own.get(name, 0), 1)[0] for name in EDGES[-x.rank :]] if own else ends(a["p"], x.rank)
    channels = ends(a["c"], 1)[0]
    return Do(lambda t: F.pad(bordered(t, sides, a["mode"]), [*[0] * 2 * x.rank, *channels])), "map"


def draw_pixelshuffle(g: Chooser, x: Value, goal: str) -> Args:
    return {"n": const(g.pick([n for n in (1, 2, 3) if x.channels % n**x.rank == 0] + [2] * g.chance(20)))}


def pixelshuffle(x: Value, a: Values) -> Made:
    demand(x.channels % a["n"] ** x.rank == 0, "channels that make no pixels")
    return PixelShuffle(a["n"]), "map"


def draw_patchmerge(g: Chooser, x: Value, goal: str) -> Args | None:
    fitting = [n for n in (1, 2, 3) if all(size % n == 0 for size in x.spatial) and x.channels * n**x.rank <= 64]
    return {"n": const(g.pick(fitting))} if fitting else None


def patchmerge(x: Value, a: Values) -> Made:
    demand(all(size % a["n"] == 0 for size in x.spatial), "a map that makes no patches")
    return PatchMerge(a["n"]), "map"


def draw_groups(name: str) -> Callable[[Chooser, Value, str], Args]:
    return lambda g, x, goal: {name: const(g.divisor(x.channels) if not g.chance(20) else g.draw.number(1, x.channels))}


def shuffle(x: Value, a: Values) -> Made:
    demand(x.channels % a["g"] == 0, "channels that make no groups")
    each = x.channels // a["g"]
    order = [(at % a["g"]) * each + at // a["g"] for at in range(x.channels)]
    return Do(lambda t: t[:, order]), "map"


def draw_linear(g: Chooser, x: Value, goal: str) -> Args:
    return {"n": g.exactly(x.channels) if goal == "shape" else g.count(1, 12), "bias": g.flag(), **initial(g), **forms(g, x.channels)}


def draw_winattn(g: Chooser, x: Value, goal: str) -> Args | None:
    if x.rank != 2:
        return None
    w = tuple(g.divisor(size) for size in x.spatial)
    if max(w) > 6:
        return None
    shift = tuple(g.draw.number(0, size - 1) for size in w) if g.chance(2) else (0, 0)
    return {
        "heads": const(g.divisor(x.channels)),
        "w": const(w[0] if w[0] == w[1] else w),
        "shift": const(shift[0] if shift[0] == shift[1] else shift),
        "bias": g.flag(),
    }


def winattn(x: Value, a: Values) -> Made:
    w, shift = spread(a["w"], 2), spread(a["shift"], 2)
    return WindowAttention(x.channels, x.spatial, a["heads"], w, shift, a["bias"]), "map"


def draw_recurrent(g: Chooser, x: Value, goal: str) -> Args | None:
    if x.rank > 1 or x.shape[0] > 40:
        return None
    dirs = 2 if g.chance(3) and not (goal and x.channels % 2) else 1
    n = const(x.channels // dirs) if goal == "shape" else g.count(1, 6)
    out = "last" if not goal and g.chance(2) else "all"
    return {"n": n, "dirs": const(dirs), "layers": const(g.pick([1, 1, 2, 3])), "bias": g.flag(), "out": const(out)}


def scaled(x: Any, a: Any) -> nn.Module:
    """Factors, one for all numbers or one per channel, with an axis for each of a map or, where they are flat, as a vector."""
    spread = () if a["shared"] else (x.channels, *[1] * x.rank)
    return Parameter("scale", spread[:1] or (1,), spread) if a["flat"] else Parameter("scale", spread)


def recurrent(make: Any) -> Layer:
    def build(x: Value, a: Values) -> Made:
        demand(x.rank < 2, "a sequence with two axes")
        kind = MapRecurrent if x.kind == "map" else Recurrent
        last = a["out"] == "last"
        return kind(make, x.channels, a["n"], a["dirs"], a["layers"], bias=a["bias"], last=last), "vector" if last else x.kind

    return Layer(("map", "tokens"), draw_recurrent, build, "shape")


def draw_number(g: Chooser, x: Value, goal: str) -> Args:
    return {"number": g.pick([const(0.5), const(-1), g.count(1, 4)])}


def flatten_first(x: Value) -> bool:
    """Whether a fully connected layer flattens what it is given."""
    return x.kind != "vector"


LAYERS: dict[str, Layer] = {step: Layer(MAP, *row) for step, row in WINDOWS.items()}
LAYERS |= {
    step: Layer(
        MAP,
        sizes.draw_adaptive,
        lambda x, a, makes=makes: (makes[x.rank - 1](spread(a["to"] if a["size"] is None else a["size"], x.rank)), "map"),
    )
    for step, makes in ADAPTIVE.items()
}
LAYERS |= {
    "relu": pointwise(nn.ReLU),
    "relu6": pointwise(nn.ReLU6),
    "leaky": pointwise(lambda slope: nn.LeakyReLU(slope), bare("slope", 0.01, 0.2)),
    "sigmoid": pointwise(nn.Sigmoid),
    "tanh": pointwise(nn.Tanh),
    "elu": pointwise(nn.ELU, bare("alpha", 1.0, 0.5)),
    "selu": pointwise(nn.SELU),
    "gelu": pointwise(lambda approx: nn.GELU(approx), bare("approx", "none", "tanh")),
    "silu": pointwise(nn.SiLU),
    "mish": pointwise(nn.Mish),
    "hardswish": pointwise(nn.Hardswish),
    "hardsigmoid": pointwise(nn.Hardsigmoid),
    "softplus": pointwise(nn.Softplus),
    "dropout": pointwise(nn.Dropout, bare("p", 0.5, 0.1)),
    "dropout2d": pointwise(nn.Dropout, bare("p", 0.5, 0.2), MAP),
    "droppath": pointwise(nn.Dropout, bare("p", 0.5, 0.2)),
    "prelu": Layer(ANY, lambda g, x, goal: {"shared": g.flag()}, lambda x, a: channels_second(nn.PReLU(1 if a["shared"] else x.channels), x), "shape"),
    "bn": Layer(
        ANY, lambda g, x, goal: {"eps": const(g.pick([1e-5, 0.001])), "momentum": const(g.pick([0.1, 0.01])), "affine": g.flag()}, batch_norm, "shape"
    ),
    "ln": Layer(
        ANY,
        lambda g, x, goal: {"eps": const(g.pick([1e-5, 0.01])), "affine": g.flag(), "bias": g.flag()},
        lambda x, a: channels_last(nn.LayerNorm(x.channels, a["eps"], a["affine"], a["bias"]), x),
        "shape",
    ),
    "rmsnorm": Layer(ANY, bare("eps", None, 0.01), lambda x, a: channels_last(nn.RMSNorm(x.channels, a["eps"]), x), "shape"),
    "l2norm": Layer(
        ANY, bare("eps", 1e-12, 0.5), lambda x, a: (Do(lambda t: F.normalize(t, dim=-1 if x.kind == "tokens" else 1, eps=a["eps"])), x.kind), "shape"
    ),
    "grn": Layer(MAP, bare("eps", 1e-6, 0.1), lambda x, a: (ResponseNorm(x.channels, x.rank, a["eps"]), "map"), "shape"),
    "evonorm": Layer(
        MAP,
        lambda g, x, goal: {**draw_groups("groups")(g, x, goal), "eps": const(g.pick([1e-5, 0.01])), "act": g.flag()},
        evo_norm,
        "shape",
    ),
    "gn": Layer(ANY, draw_groups("groups"), group_norm, "shape"),
    "instnorm": Layer(
        MAP,
        lambda g, x, goal: {"eps": const(g.pick([1e-5, 0.01])), "affine": g.flag()},
        lambda x, a: (INSTANCENORM[x.rank](x.channels, a["eps"], affine=a["affine"]), "map"),
        "shape",
    ),
    "lrn": Layer(
        MAP,
        lambda g, x, goal: {"n": g.count(1, 5), "alpha": const(g.pick([1e-4, 0.3])), "beta": const(g.pick([0.75, 0.5])), "k": const(g.pick([1.0, 2.0]))},
        lambda x, a: (LocalNorm(a["n"], a["alpha"], a["beta"], a["k"]), "map"),
        "shape",
    ),
    "gap": Layer(
        ("map", "tokens"),
        nothing,
        lambda x, a: (Do(lambda t: t.mean(tuple(range(2, t.dim())), keepdim=True)), "map")
        if x.kind == "map"
        else (Do(lambda t: t.mean(1)), "vector"),
    ),
    "pad": Layer(MAP, draw_pad, pad, "space"),
    "crop": Layer(MAP, draw_crop, crop),
    "upsample": Layer(MAP, sizes.draw_upsample, sizes.upsample),
    "glu": Layer(ANY, lambda g, x, goal: None if x.channels % 2 else {}, sizes.glu),
    "maxout": Layer(ANY, draw_groups("n"), sizes.maxout),
    "squash": Layer(ANY, nothing, sizes.squash, "shape"),
    "pixelshuffle": Layer(MAP, draw_pixelshuffle, pixelshuffle),
    "patchmerge": Layer(MAP, draw_patchmerge, patchmerge),
    "shuffle": Layer(MAP, draw_groups("g"), shuffle, "shape"),
    "flatten": Layer(ANY, nothing, lambda x, a: (nn.Flatten(), "vector")),
    "fc": Layer(ANY, draw_linear, lambda x, a: (formed(nn.Linear(x.channels, a["n"], a["bias"]), a), "vector")),
    "linear": Layer(ANY, draw_linear, lambda x, a: channels_last(formed(nn.Linear(x.channels, a["n"], a["bias"]), a), x), "shape"),
    "rbf": Layer(VECTOR, lambda g, x, goal: {"n": g.count(1, 8)}, lambda x, a: (Rbf(x.channels, a["n"]), "vector")),
    "embed": Layer(("words",), lambda g, x, goal: {"v": const(g.draw.number(5, 60)), "d": g.count(1, 12)}, lambda x, a: (Embedding(a["v"], a["d"]), "tokens")),
    "rnn": recurrent(nn.RNN),
    "gru": recurrent(nn.GRU),
    "lstm": recurrent(nn.LSTM),
    "scale": Layer(
        ANY,
        lambda g, x, goal: {"init": const(g.pick([1.0, 0.1])), "shared": g.flag(), "flat": g.flag()},
        lambda x, a: (scaled(x, a), x.kind),
        "shape",
    ),
    "tokens": Layer(MAP, nothing, lambda x, a: (Do(lambda t: t.flatten(2).transpose(1, 2)), "tokens")),
    "cls": Layer(TOKENS, bare("n", 1, 1, 3), lambda x, a: (Parameter("cls", (1, a["n"], x.channels)), "tokens")),
    "pos": Layer(
        TOKENS,
        bare("kind", "learned", "learned", "sin"),
        lambda x, a: (Parameter("pos", (1, *x.shape)) if a["kind"] == "learned" else Do(sinusoids), "tokens"),
        "shape",
    ),
    "first": Layer(TOKENS, nothing, lambda x, a: (Do(lambda t: t[:, 0]), "vector")),
    "attn": Layer(("tokens", "map"), attending.draw_attn, attending.attn, "shape"),
    "attend": Layer(("tokens", "map"), attending.draw_attend, attending.attend),
    "buckets": Layer(("tokens", "map"), attending.draw_buckets, attending.buckets),
    "winattn": Layer(MAP, draw_winattn, winattn, "shape"),
}  # fmt: skip
LAYERS |= {
    step: Layer(ANY, draw_number, lambda x, a, do=do: (Do(lambda t: do(t, a["number"])), x.kind), "shape")
    for step, do in {"add": operator.add, "sub": operator.sub, "mul": operator.mul}.items()
}
"""With a number; of values they are structure."""
LAYERS |= {step: Layer(*row) for step, row in axes.LAYERS.items()}
LAYERS |= {step: pointwise(partial(row.twin, nn)) for step, row in SAMPLES.items() if row.twin is not None and step not in LAYERS}
"""By the name of the step; merges are structure. What is a torch module without arguments needs no entry of its own."""

_BEGUN: Values = {"init": None, "std": None}
_FORMED: Values = {"norm": False, "gain": True, "eps": 1e-6}
_SLIDING: Values = {"s": 1, "p": 0, "d": 1, "bias": True, "round": "exact", "mode": "zero"}
_POOLING: Values = {"w": ..., "s": None, "p": 0, "d": 1, "round": "exact"}
ARGUMENTS: dict[str, Values] = {step: axes.ARGUMENTS.get(step, {}) for step in LAYERS} | {
    "conv": {"k": ..., "f": ..., **_SLIDING, "g": 1, **_BEGUN, **_FORMED, "maps": None, "offset": None},
    "dwconv": {"k": ..., **_SLIDING, "m": 1, **_BEGUN, **_FORMED},
    "deconv": {"k": ..., "f": ..., "s": 1, "p": 0, "op": 0, "g": 1, "d": 1, "bias": True, **_BEGUN, "norm": False},
    "pool": _POOLING,
    "avgpool": {**_POOLING, "count_pad": True},
    "subsample": {"w": ..., "s": None, "round": "exact"},
    "adaptpool": {"size": None, "to": None},
    "adaptmaxpool": {"size": None, "to": None},
    "bn": {"eps": 1e-5, "momentum": 0.1, "affine": True},
    "ln": {"eps": 1e-5, "affine": True, "bias": True},
    "rmsnorm": {"eps": None},
    "l2norm": {"eps": 1e-12},
    "grn": {"eps": 1e-6},
    "gn": {"groups": ..., "eps": 1e-5},
    "evonorm": {"groups": ..., "eps": 1e-5, "act": True},
    "instnorm": {"eps": 1e-5, "affine": False},
    "lrn": {"n": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0},
    "leaky": {"slope": 0.01},
    "elu": {"alpha": 1.0},
    "gelu": {"approx": "none"},
    "prelu": {"shared": True},
    "dropout": {"p": 0.5},
    "dropout2d": {"p": 0.5},
    "droppath": {"p": 0.5},
    "pad": {"p": 0, "c": 0, "h": None, "w": None, "d": None, "mode": "zero"},
    "crop": {"size": None, "to": None},
    "upsample": {"n": None, "to": None, "mode": "nearest", "corners": False, "round": "exact"},
    "maxout": {"n": ...},
    "pixelshuffle": {"n": ...},
    "patchmerge": {"n": 2},
    "shuffle": {"g": ...},
    "fc": {"n": ..., "bias": True, **_BEGUN, **_FORMED},
    "linear": {"n": ..., "bias": True, **_BEGUN, **_FORMED},
    "rbf": {"n": ...},
    "embed": {"v": ..., "d": ...},
    **{step: {"n": ..., "dirs": 1, "layers": 1, "bias": True, "out": "all"} for step in ("rnn", "gru", "lstm")},
    "scale": {"init": 1.0, "shared": False, "flat": False},
    "cls": {"n": 1},
    "pos": {"kind": "learned"},
    **attending.ARGUMENTS,
    "winattn": {"heads": ..., "w": 7, "shift": 0, "bias": True},
    **{step: {"number": ...} for step in ("add", "sub", "mul")},
}
WEIGHTED = "conv dwconv deconv subsample bn ln gn instnorm rmsnorm grn evonorm prelu fc linear embed scale cls pos attn winattn attend buckets rnn gru lstm"
ARGUMENTS |= {step: {**ARGUMENTS[step], "frozen": None} for step in WEIGHTED.split()}
"""The arguments of each step, and what the language takes where one is not given; `...` where it must be."""

BARE = axes.BARE | {
    "pool": ("w",), "avgpool": ("w",), "subsample": ("w",), "adaptpool": ("size",), "adaptmaxpool": ("size",), "gn": ("groups",),
    "evonorm": ("groups",),
    "leaky": ("slope",), "elu": ("alpha",), "dropout": ("p",), "dropout2d": ("p",), "droppath": ("p",), "pad": ("p",), "crop": ("size",),
    "maxout": ("n",), "upsample": ("n",), "pixelshuffle": ("n",), "patchmerge": ("n",), "shuffle": ("g",), "fc": ("n",), "linear": ("n",),
    "rbf": ("n",), "rnn": ("n",), "gru": ("n",), "lstm": ("n",), "embed": ("v", "d"), "scale": ("init",), "cls": ("n",),
    "attend": ("k", "v"), "add": ("number",), "sub": ("number",), "mul": ("number",),
}  # fmt: skip
"""Arguments that may stand without their names; those of `slice` must."""
