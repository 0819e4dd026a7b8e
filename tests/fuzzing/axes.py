"""Layers that move, cut or reduce axes: how their arguments are drawn, and the functions that they are, written by index where that is short."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tests.fuzzing.chooser import Args, Chooser, Made, Values
from tests.fuzzing.draw import Arg, const, demand
from tests.fuzzing.modules import Do
from tests.fuzzing.tape import Unsure
from tests.fuzzing.values import Value

ANY, SEQUENCES, TOKENS = ("map", "tokens", "vector"), ("map", "tokens"), ("tokens",)


def is_sequence(x: Value) -> bool:
    """Whether a value has an axis of tokens."""
    return x.kind == "tokens" or x.rank == 1


def axis_of(x: Value, axis: str) -> int:
    """The axis c or t of a tensor. Raises Refused."""
    demand(axis == "c" or is_sequence(x), f"no axis t in {x.kind} of {x.shape}")
    return (2 if x.kind == "tokens" else 1) if axis == "c" else (1 if x.kind == "tokens" else 2)


def draw_axis(g: Chooser, x: Value, goal: str) -> Args:
    return {"axis": const(g.pick(["c", "t"] if is_sequence(x) else ["c"]))}


def draw_slice(g: Chooser, x: Value, goal: str) -> Args:
    axis = g.pick(["c", "c", "t"]) if is_sequence(x) and not goal else "c"
    size = x.channels if axis == "c" else x.shape[0]
    start = g.draw.number(0, size - 1)
    stop = g.draw.number(start + 1, size)
    return {"bounds": Arg(f"{start}:{stop}", lambda env: (start, stop)), "axis": const(axis)}


def slice_(x: Value, a: Values) -> Made:
    start, stop = a["bounds"]
    axis = axis_of(x, a["axis"])
    demand(0 <= start < stop <= (x.channels if a["axis"] == "c" else x.shape[0]), "a slice of what is not there")
    return Do(lambda t: t.narrow(axis, start, stop - start)), x.kind


def reduced(function: Callable[..., Any]) -> Callable[[Value, Values], Made]:
    """A reduction along an axis, which a map keeps of its channels."""

    def build(x: Value, a: Values) -> Made:
        axis, keeps = axis_of(x, a["axis"]), x.kind != "tokens" and a["axis"] == "c"
        return Do(lambda t: function(t, axis, keepdim=keeps)), "map" if keeps and x.kind == "map" else "vector"

    return build


def swap(x: Value, a: Values) -> Made:
    demand(is_sequence(x), "a swap of more axes than two")
    return Do(lambda t: torch.einsum("nab->nba", t)), x.kind


def draw_rearrange(g: Chooser, x: Value, goal: str) -> Args:
    """Split some axes by p, q and r, the inner or the outer part of which stays open, and join all parts anew."""
    left, args = [], {}
    for name, size in zip("abcd", x.shape, strict=False):
        key = "pqr"[len(args) : len(args) + 1]
        if not key or g.chance(2):
            left.append((name,))
            continue
        args[key] = const(g.divisor(size) if not g.chance(30) else size + 1)
        left.append((name, key) if g.chance(2) else (key, name))
    names = [name for group in left for name in group]
    order = []
    while names:
        order.append(names.pop(g.draw.number(0, len(names) - 1)))
    ends = sorted({len(order), *(g.draw.number(1, len(order)) for _ in range(3))})
    right = [tuple(order[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    text = " -> ".join(" ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" for group in side) for side in (left, right))
    return {"pattern": Arg(f'"{text}"', lambda env: (left, right)), **args}


def rearrange(x: Value, a: Values) -> Made:
    left, right = a["pattern"]
    demand(len(left) == len(x.shape), f"{left} of {x.shape}")
    sizes: dict[str, int] = {}
    for group, size in zip(left, x.shape, strict=True):
        given = math.prod(a[name] for name in group if name in "pqr")
        demand(size % given == 0, f"{size} into {given}")
        sizes |= {name: a[name] if name in "pqr" else size // given for name in group}
    shape = [math.prod(sizes[name] for name in group) for group in right]
    kind = ("vector", "map" if x.rank == 1 else "tokens", "map", "map")[len(right) - 1]
    places = [sizes[name] for group in left for name in group]
    equation = "".join(name for group in left for name in group) + "->n" + "".join(name for group in right for name in group)

    def run(t: torch.Tensor) -> torch.Tensor:
        last = t.movedim(1, -1) if x.kind == "map" else t
        y = torch.einsum(f"n{equation}", last.reshape(len(t), *places)).reshape(len(t), *shape)
        return y.movedim(-1, 1) if kind == "map" else y

    return Do(run), kind


def draw_map(g: Chooser, x: Value, goal: str) -> Args:
    size = tuple(sizes_of(g, x.shape[0], g.draw.number(1, 3)))
    return {"size": const(size if len(size) > 1 else size[0])}


def sizes_of(g: Chooser, count: int, axes: int) -> list[int]:
    """So many sizes whose product is a count."""
    if axes == 1:
        return [count]
    first = g.divisor(count)
    return [first, *sizes_of(g, count // first, axes - 1)]


def to_map(x: Value, a: Values) -> Made:
    size = a["size"] if isinstance(a["size"], tuple) else (a["size"],)
    demand(math.prod(size) == x.shape[0], f"{x.shape[0]} tokens as {size}")
    return Do(lambda t: torch.stack([t[:, :, c].reshape(-1, *size) for c in range(t.shape[2])], 1)), "map"


def draw_reshape(g: Chooser, x: Value, goal: str) -> Args:
    shape = tuple(sizes_of(g, x.size, g.draw.number(1, 4)))
    return {"shape": const(shape if len(shape) > 1 else shape[0])}


def reshape(x: Value, a: Values) -> Made:
    shape = a["shape"] if isinstance(a["shape"], tuple) else (a["shape"],)
    demand(math.prod(shape) == x.size, f"{x.size} numbers as {shape}")
    if len(shape) < 3 and not (len(shape) == 2 and x.kind == "map" and x.rank == 1):
        return Do(lambda t: t.reshape(len(t), *shape)), ("vector", "tokens")[len(shape) - 1]
    return Do(lambda t: t.reshape(len(t), shape[-1], *shape[:-1])), "map"


def draw_token(g: Chooser, x: Value, goal: str) -> Args | None:
    return {"n": const(g.draw.number(-x.shape[0], x.shape[0] - 1 + g.chance(20)))} if is_sequence(x) else None


def token(x: Value, a: Values) -> Made:
    axis, n = axis_of(x, "t"), a["n"]
    demand(-x.shape[0] <= n < x.shape[0], f"token {n} of {x.shape[0]}")
    return Do(lambda t: t.select(axis, n)), "vector"


def maxima(x: Value, a: Values) -> Made:
    if x.kind == "tokens":
        return Do(lambda t: t.amax(1)), "vector"
    return Do(lambda t: t.amax(tuple(range(2, t.dim())), keepdim=True)), "map"


FUNCTIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    **{function.__name__: (function, None) for function in (torch.sin, torch.cos, torch.erf, torch.neg, torch.atan)},
    "pow": (torch.pow, 2),
    "div": (torch.div, -4),
}
"""Functions of torch.ops.aten that may be declared, and the number that they take."""


def draw_custom(g: Chooser, x: Value, goal: str) -> Args:
    name = g.pick([*FUNCTIONS])
    out = const(x.shape) if g.alone and g.chance(3) else const(None)
    return {"name": Arg(f'"aten.{name}"', lambda env: name), "number": const(FUNCTIONS[name][1]), "out": out, "macs": const(0)}


def custom(x: Value, a: Values) -> Made:
    if a["out"] not in (None, x.shape):
        raise Unsure  # it was declared for what stood before it first, and nobody looks inside
    function, number = FUNCTIONS[a["name"]]
    return Do(lambda t: function(t) if number is None else function(t, number)), x.kind


LAYERS: dict[str, Any] = {
    "slice": (ANY, draw_slice, slice_, "space"),
    "softmax": (ANY, draw_axis, lambda x, a: (nn.Softmax(axis_of(x, a["axis"])), x.kind), "shape"),
    "logsoftmax": (ANY, draw_axis, lambda x, a: (nn.LogSoftmax(axis_of(x, a["axis"])), x.kind), "shape"),
    "rearrange": (ANY, draw_rearrange, rearrange),
    "custom": (ANY, draw_custom, custom, "shape"),
    "swap": (SEQUENCES, lambda g, x, goal: {} if is_sequence(x) and x.shape[0] <= 64 else None, swap),
    "map": (TOKENS, draw_map, to_map),
    "reshape": (ANY, draw_reshape, reshape),
    "token": (SEQUENCES, draw_token, token),
    "gmp": (SEQUENCES, lambda g, x, goal: {}, maxima),
    "mean": (ANY, draw_axis, reduced(torch.mean)),
    "max": (ANY, draw_axis, reduced(torch.amax)),
}
"""Rows of `layers.LAYERS`."""

ARGUMENTS: dict[str, Values] = {
    "slice": {"bounds": ..., "axis": "c"},
    "softmax": {"axis": "c"},
    "logsoftmax": {"axis": "c"},
    "rearrange": {"pattern": ..., "p": None, "q": None, "r": None},
    "custom": {"name": ..., "number": None, "out": None, "macs": ...},
    "map": {"size": ...},
    "reshape": {"shape": ...},
    "token": {"n": ...},
    "mean": {"axis": ...},
    "max": {"axis": ...},
}
BARE = {
    "slice": ("bounds",),
    "rearrange": ("pattern",),
    "custom": ("name", "number"),
    "map": ("size",),
    "reshape": ("shape",),
    "token": ("n",),
}
