"""Layers that give another size, or other channels of each position: how their arguments are drawn, and the functions that they are."""

from __future__ import annotations

import math

from torch import nn

from tests.fuzzing.chooser import Args, Chooser, Made, Values, spread
from tests.fuzzing.draw import Arg, const, demand
from tests.fuzzing.modules import Do
from tests.fuzzing.values import Value


def like(g: Chooser, x: Value) -> Arg | None:
    """A labelled map with as many axes, for its size."""
    return g.label(lambda v: v.rank == x.rank and v.positions <= 1000) if g.chance(2) else None


def draw_adaptive(g: Chooser, x: Value, goal: str) -> Args:
    if (to := like(g, x)) is not None:
        return {"to": to, "size": const(None)}
    size = g.axes(1, 7 if x.rank < 3 else 3, x.rank)
    return {"to": size, "size": const(None)} if g.chance(4) else {"size": size, "to": const(None)}


def draw_upsample(g: Chooser, x: Value, goal: str) -> Args | None:
    if x.size >= 2000:
        return None
    mode = g.pick(["nearest", "bilinear", *["bicubic"] * (x.rank == 2 or g.chance(20))])
    args = {"n": const(None), "to": const(None), "mode": const(mode), "corners": const(mode != "nearest" and g.chance(3))}
    if (to := like(g, x)) is not None:
        return args | {"to": to}
    if g.chance(3):
        return args | {"to": g.axes(1, 9 if x.rank < 3 else 4, x.rank)}
    if g.chance(3):
        return args | {"n": const(g.pick([0.5, 1.5, 1.25, 2.2])), "round": const(g.pick(["exact", "floor", "ceil"]))}
    return args | {"n": g.count(1, 2)}


def upsample(x: Value, a: Values) -> Made:
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[x.rank] if a["mode"] == "bilinear" else a["mode"]
    demand(mode != "bicubic" or x.rank == 2, "four rows of what has none")
    size, factor = None, a["n"]
    if a["to"] is not None:
        size = spread(a["to"], x.rank)
    else:
        reached = [size * factor for size in x.spatial]
        demand(a["round"] != "exact" or all(abs(n - round(n)) < 1e-9 for n in reached), "sizes that are not whole")
        demand(a["round"] == "ceil" or min(reached) >= 1, "a size of 0")
        if a["round"] != "exact":
            size, factor = tuple(math.ceil(n - 1e-9) if a["round"] == "ceil" else math.floor(n + 1e-9) for n in reached), None
    return nn.Upsample(size, factor, mode, a["corners"] if mode != "nearest" else None), "map"


def channels_of(x: Value) -> int:
    """The axis of the channels."""
    return 2 if x.kind == "tokens" else 1


def glu(x: Value, a: Values) -> Made:
    demand(x.channels % 2 == 0, "channels that have no halves")
    return nn.GLU(channels_of(x)), x.kind


def maxout(x: Value, a: Values) -> Made:
    demand(x.channels % a["n"] == 0, "channels that make no groups")
    axis = channels_of(x)
    return Do(lambda t: t.unflatten(axis, (-1, a["n"])).amax(axis + 1)), x.kind


def squash(x: Value, a: Values) -> Made:
    axis = channels_of(x)
    return Do(lambda t: t * t.norm(dim=axis, keepdim=True) / (1 + t.square().sum(axis, keepdim=True))), x.kind
