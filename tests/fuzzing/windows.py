"""Layers whose window slides: how their arguments are drawn, and the module that they are."""

from __future__ import annotations

import math
from typing import Any

from tests.fuzzing.chooser import Args, Chooser, Made, Pair, Values, ends, spread
from tests.fuzzing.draw import Arg, const, demand
from tests.fuzzing.modules import (
    AvgPool3d,
    Axes,
    CutDeconv,
    Deformed,
    MaxPool,
    PaddedConv,
    SameAvgPool,
    Subsample,
    TableConv,
    ends_of_windows,
    formed,
)
from tests.fuzzing.values import Value
from tests.helpers.torch import AVGPOOL, CONV, DECONV, MAXPOOL, tf_same

ROUNDING = ["floor", "floor", "floor", "ceil", "exact"]
INITIAL = ["kaiming", "kaiming_uniform", "kaiming_out", "xavier", "xavier_normal", "lecun", "normal", "truncated", "orthogonal", "zeros"]


def initial(g: Chooser) -> Args:
    """Now and then what weights begin with: it changes no count, and nothing once there are weights."""
    if not g.chance(12):
        return {"init": const(None), "std": const(None)}
    init = g.pick(INITIAL)
    return {"init": const(init), "std": const(0.05) if init in ("normal", "truncated") and g.chance(2) else const(None)}


FORMS: list[str | bool] = ["std", "std", "weight", "spectral"]


PLAIN = {"norm": const(False), "gain": const(True), "eps": const(1e-6)}


def forms(g: Chooser, fan_in: int) -> Args:
    """Now and then a form of the weights; one number cannot be standardised, and elsewhere the layer may read other channels."""
    norm = g.pick(FORMS) if g.chance(8) else False
    norm = "weight" if norm == "std" and not (fan_in > 1 and g.alone) else norm
    if norm != "std":
        return PLAIN | {"norm": const(norm)}
    return {"norm": const(norm), "gain": g.flag(), "eps": const(g.pick([1e-6, 0.01]))}


def border(g: Chooser) -> Arg:
    """What a border holds."""
    return const(g.pick(["zero", "reflect", "edge", "wrap"]) if g.chance(6) else "zero")


def keeping(g: Chooser, x: Value, letter: str, dilated: bool) -> Args:
    """A window that keeps the size of the map: odd and padded by half, or p=same."""
    d = g.axes(1, 2, x.rank) if dilated and g.chance(3) else const(1)
    if g.chance(3):
        return {letter: g.axes(1, 4, x.rank), "s": const(1), "p": const("same"), "d": d, "round": const("exact")}
    k = g.pick([const(1), const(3), const(3), const(5), const(tuple(g.pick([1, 3, 5]) for _ in x.spatial))])
    ks, ds = (spread(arg.value(g.env), x.rank) for arg in (k, d))
    p = tuple(b * (a - 1) // 2 for a, b in zip(ks, ds, strict=True))
    return {letter: k, "s": const(1), "p": const(p[0] if len(set(p)) == 1 else p), "d": d, "round": const("exact")}


def sliding(g: Chooser, x: Value, letter: str, goal: str, *, dilated: bool = True, half: bool = False) -> Args:
    if goal:
        return keeping(g, x, letter, dilated and not half)
    smallest = min(x.spatial)
    k = g.axes(1, max(1, min(4, smallest + g.chance(20))), x.rank)
    most = 3 if smallest > 4 else 1 + g.chance(4)
    ks = spread(k.value(g.env), x.rank)
    words = ["same", "valid"] + ["causal"] * (x.rank == 1 or g.chance(30))
    p: Arg = g.axes(0, min(ks) // 2 + g.chance(15) if half else 2, x.rank) if g.chance(2) else const(g.pick([0, 0, *words]))
    if g.chance(6):
        p = g.pair(max(min(ks) - 1, 0) + g.chance(15) if half else 2)
    d = g.axes(1, 3 if smallest > 8 else 2, x.rank) if dilated and g.chance(4) else const(1)
    return {letter: k, "s": g.axes(1, most, x.rank), "p": p, "d": d, "round": const(g.pick(ROUNDING))}


def groups(g: Chooser, x: Value, goal: str) -> tuple[Arg, Arg]:
    """Filters and groups."""
    if goal == "shape":
        return g.exactly(x.channels), const(g.divisor(x.channels) if g.chance(4) else 1)
    if g.chance(30):
        return g.count(1, 10), g.count(2, 3)
    if g.chance(4):
        number = g.divisor(x.channels)
        return const(number * g.draw.number(1, max(1, 8 // number))), const(number)
    return g.count(1, 10), const(1)


def moved(g: Chooser, x: Value) -> Args | None:
    """A kernel, as wide as a labelled value of the map's size has pairs of channels, that reads where that says."""
    offset = g.label(lambda v: v.rank == 2 and v.spatial == x.spatial and v.channels in (2, 4, 6, 8, 12)) if x.rank == 2 else None
    if offset is None or not g.alone:
        return None
    pairs = next(v.channels for v, name in g.seen if name.text == offset.text) // 2
    groups = g.pick([n for n in (1, 2, 3) if pairs % n == 0 and x.channels % n == 0])
    kernel = {"k": const((1, pairs // groups)), "p": const("same"), "s": const(1), "round": const("exact"), "mode": const("zero")}
    return {**kernel, "offset": offset}


def draw_conv(g: Chooser, x: Value, goal: str) -> Args:
    f, number = groups(g, x, goal)
    if (deformable := moved(g, x)) is not None and g.chance(2):
        return {"f": f, "g": number, "d": g.axes(1, 2, 2), "bias": g.flag(), **initial(g), "maps": const(None), **PLAIN, **deformable}
    args = sliding(g, x, "k", goal)
    args = {"k": args.pop("k"), "f": f, **args, "mode": border(g), "g": number, "bias": g.flag(), **initial(g), "maps": const(None)}
    depth = x.channels // max(number.value(g.env), 1)
    args |= forms(g, depth * math.prod(spread(args["k"].value(g.env), x.rank)))
    args |= {"mode": const("zero")} if args["norm"].value(g.env) == "std" else {}
    if g.chance(15) and g.alone and isinstance(args["p"].value(g.env), (int, tuple)) and not isinstance(args["p"].value(g.env), Pair):
        table = tuple(
            tuple(sorted({g.draw.number(0, x.channels - 1) for _ in range(g.draw.number(1, 3))})) for _ in range(g.draw.number(1, 4))
        )
        if goal != "shape" or len(table) == x.channels:
            text = "(" + ",".join("(" + ",".join(map(str, row)) + ("," if len(row) == 1 else "") + ")" for row in table) + ")"
            if len(table) == 1:
                text = text[:-1] + ",)"
            args |= {
                "f": const(len(table)),
                "g": const(1),
                "mode": const("zero"),
                "maps": Arg(text, lambda env: table),
                **dict.fromkeys(("init", "std"), const(None)),
                **PLAIN,
            }
    return args


def draw_dwconv(g: Chooser, x: Value, goal: str) -> Args:
    args = sliding(g, x, "k", goal) | {
        "mode": border(g),
        "m": const(1) if goal == "shape" else g.count(1, 2),
        "bias": g.flag(),
        **initial(g),
    }
    args |= forms(g, math.prod(spread(args["k"].value(g.env), x.rank)))
    return args | {"mode": const("zero")} if args["norm"].value(g.env) == "std" else args


def geometry(x: Value, a: Values, letter: str) -> tuple[Axes, Axes, Axes, list[tuple[int, int]]]:
    """Kernel, stride, dilation, and the zeros at both ends of each axis. Raises Refused."""
    ks = spread(a[letter], x.rank)
    ss = ks if a["s"] is None else spread(a["s"], x.rank)
    ds = spread(a.get("d", 1), x.rank)
    if a.get("p", 0) == "same":
        return ks, ss, ds, [tf_same(*axis)[1:] for axis in zip(x.spatial, ks, ss, ds, strict=True)]
    spans = [d * (k - 1) + 1 for k, d in zip(ks, ds, strict=True)]
    if a.get("p", 0) == "causal":
        demand(x.rank == 1, "padding before a map")
        return ks, ss, ds, [ends_of_windows(x.spatial[0], spans[0], ss[0], spans[0] - 1, 0, "floor")]
    ps = ends(0 if a.get("p", 0) == "valid" else a.get("p", 0), x.rank)
    axes = zip(x.spatial, spans, ss, ps, strict=True)
    return ks, ss, ds, [ends_of_windows(size, span, s, *p, a["round"]) for size, span, s, p in axes]


def build_conv(x: Value, a: Values) -> Made:
    ks, ss, ds, ends = geometry(x, a, "k")
    if a.get("maps") is not None:
        demand(all(0 <= i < x.channels for row in a["maps"] for i in row), "maps that are not there")
        return TableConv(a["maps"], ks, ss, ends, ds, a["bias"]), "map"
    if isinstance(offset := a.get("offset"), Value):
        demand(x.rank == 2 and a["mode"] == "zero", "a map that moves nothing")
        demand(offset.channels % (2 * math.prod(ks)) == 0, "no two channels for each number of the kernel")
        demand(x.channels % (offset.channels // (2 * math.prod(ks))) == 0, "groups of unequal size")
        return Deformed(CONV[2](x.channels, a["f"], ks, ss, 0, ds, a["g"], a["bias"]), ends), "map"
    filters, number = (a["f"], a["g"]) if "f" in a else (x.channels * a["m"], x.channels)
    if a["p"] != "same" and a["mode"] == "zero" and all(before == after for before, after in ends):
        return formed(CONV[x.rank](x.channels, filters, ks, ss, tuple(before for before, _ in ends), ds, number, a["bias"]), a), "map"
    padded = PaddedConv(x.channels, filters, ks, ss, ends, ds, number, a["bias"], a["mode"])
    padded.conv = formed(padded.conv, a)
    return padded, "map"


def draw_deconv(g: Chooser, x: Value, goal: str) -> Args | None:
    if math.prod(x.spatial) > 400 or (x.rank == 3 and max(x.spatial) > 5):
        return None
    s = g.axes(1, 3 if x.rank < 3 else 2, x.rank)
    k = g.axes(1, 4, x.rank)
    d = g.axes(1, 2, x.rank) if g.chance(4) else const(1)
    same = g.chance(4)
    least = min(spread(s.value(g.env), x.rank))
    number = g.divisor(x.channels) if g.chance(4) else 1
    return {
        "k": k,
        "f": const(number * g.draw.number(1, 3)) if number > 1 else g.count(1, 6),
        "s": s,
        "p": const("same") if same else g.axes(0, 1, x.rank),
        "op": g.axes(0, least - 1 + g.chance(20), x.rank) if g.chance(2) and not same else const(0),
        "g": const(number),
        "d": d,
        "bias": g.flag(),
        **initial(g),
        "norm": const(g.pick(["weight", "spectral"]) if g.chance(8) else False),
    }


def build_deconv(x: Value, a: Values) -> Made:
    ks, ss, ds, extra = (spread(a[name], x.rank) for name in ("k", "s", "d", "op"))
    make = DECONV[x.rank]
    if a["p"] == "same":
        demand(not any(extra), "p=same and op")
        spans = [d * (k - 1) + 1 - s for k, s, d in zip(ks, ss, ds, strict=True)]
        cuts = [(max(cut, 0) // 2, cut - max(cut, 0) // 2) for cut in spans]
        return CutDeconv(formed(make(x.channels, a["f"], ks, ss, 0, 0, a["g"], a["bias"], ds), a), cuts), "map"
    return formed(
        make(x.channels, a["f"], ks, ss, spread(0 if a["p"] == "valid" else a["p"], x.rank), extra, a["g"], a["bias"], ds), a
    ), "map"


def draw_pool(g: Chooser, x: Value, goal: str) -> Args:
    args = sliding(g, x, "w", goal, half=True)
    return args if goal or g.chance(2) else args | {"s": const(None)}


def draw_avgpool(g: Chooser, x: Value, goal: str) -> Args:
    args = sliding(g, x, "w", goal, dilated=False, half=True) | {"d": const(1), "count_pad": g.flag()}
    return args if goal or g.chance(2) else args | {"s": const(None)}


def narrower(p: object, ks: Axes) -> None:
    """Padding of a pool that differs at the two ends is narrower than its window at each of them."""
    demand(not isinstance(p, Pair) or max(p) < min(ks), "padding as wide as a window")


def build_pool(x: Value, a: Values) -> Made:
    ks, ss, ds, ends = geometry(x, a, "w")
    for size, k, s, d, (before, after) in zip(x.spatial, ks, ss, ds, ends, strict=True):
        for start in range(-before, size + after - d * (k - 1), s):
            demand(any(0 <= start + d * at < size for at in range(k)), f"a window at {start} that lies in the padding alone")
    narrower(a["p"], ks)
    if a["p"] in ("same", "causal") or isinstance(a["p"], Pair):
        return MaxPool(ks, ss, ends, ds), "map"
    return MAXPOOL[x.rank](ks, ss, tuple(before for before, _ in ends), ds, ceil_mode=a["round"] == "ceil"), "map"


def build_avgpool(x: Value, a: Values) -> Made:
    ks, ss, _, ends = geometry(x, a, "w")
    counted = a["count_pad"]
    narrower(a["p"], ks)
    if a["p"] in ("same", "causal") or isinstance(a["p"], Pair):
        own = ends if isinstance(a["p"], str) else [tuple(map(min, pair, a["p"])) for pair in ends]
        return SameAvgPool(ks, ss, ends, own if counted else [(0, 0)] * x.rank), "map"
    p = tuple(before for before, _ in ends)
    if x.rank == 3:
        return AvgPool3d(ks, ss, p, a["round"] == "ceil", counted), "map"
    return AVGPOOL[x.rank](ks, ss, p, a["round"] == "ceil", counted), "map"


def draw_subsample(g: Chooser, x: Value, goal: str) -> Args:
    return {
        "w": g.axes(1, max(1, min(3, *x.spatial)), x.rank),
        "s": const(None) if g.chance(2) else g.axes(1, 2, x.rank),
        "round": const(g.pick(ROUNDING)),
    }


def build_subsample(x: Value, a: Values) -> Made:
    ks, ss, _, ends = geometry(x, a, "w")
    return Subsample(x.channels, ks, ss, ends), "map"


WINDOWS: dict[str, tuple[Any, Any, str]] = {
    "conv": (draw_conv, build_conv, "shape"),
    "dwconv": (draw_dwconv, build_conv, "shape"),
    "deconv": (draw_deconv, build_deconv, ""),
    "pool": (draw_pool, build_pool, "shape"),
    "avgpool": (draw_avgpool, build_avgpool, "shape"),
    "subsample": (draw_subsample, build_subsample, ""),
}
"""By step: its arguments drawn for a value and a goal, the module for them, and how much of the shape it can keep."""
