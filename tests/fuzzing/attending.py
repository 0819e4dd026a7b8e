"""Attention by hand, position by position, and how its arguments are drawn."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.fuzzing.chooser import Args, Chooser, Made, Values, spread
from tests.fuzzing.draw import const, demand
from tests.fuzzing.values import Value

COMMON: Values = {
    "heads": ..., "kvheads": None, "causal": False, "rope": None, "prefix": 0, "pair": None, "rel": None, "w": None, "shift": 0, "grid": None, "sim": "dot",
    "talk": False, "scale": None,
}  # fmt: skip
ARGUMENTS: dict[str, Values] = {
    "attn": {**COMMON, "kv": None, "bias": True, "f": None, "d": None, "proj": None},
    "attend": {"k": None, "v": None, **COMMON},
    "buckets": {"heads": ..., "causal": False},
}


def bucket(far: int, causal: bool) -> int:
    """The bucket of a key that stands so far behind its query: Raffel et al. 2020, section 2.1."""
    count = 32 if causal else 16
    after = 0 if causal or far <= 0 else 16
    far = max(-far, 0) if causal else abs(far)
    if far >= count // 2:
        far = min(count - 1, count // 2 + int(math.log(far / (count // 2)) / math.log(128 / (count // 2)) * (count // 2) + 1e-6))
    return after + far


class Heads(nn.Module):
    """Attention of queries, keys and values that are given by `parts`; `source` is the value that has the keys, if that is another."""

    def __init__(self, x: Value, a: Values, source: Value | None = None) -> None:
        super().__init__()
        demand(source is None or source.kind in ("map", "tokens"), "a vector has no positions")
        sizes = x.spatial if x.kind == "map" else x.shape[:1]
        self.a, self.kind, self.heads = a, x.kind, a["heads"]
        self.maps = [a[name].kind == "map" for name in ("kv", "k", "v", "rope") if isinstance(a.get(name), Value)]
        self.kvheads = a["kvheads"] or self.heads
        demand(self.heads % self.kvheads == 0, "heads that share no keys evenly")
        whole = a["w"] is None and a["grid"] is None
        demand(whole or x.kind == "map", "windows of tokens")
        angles = isinstance(a["rope"], Value)
        demand(len(sizes) == 1 or not (a["causal"] or (a["rope"] and not angles) or a["rel"] == "buckets"), "no order")
        demand(whole or not (a["causal"] or a["rope"] or a["rel"] == "buckets"), "an order in windows")
        shift = spread(a["shift"], len(sizes))
        demand(not any(shift) or a["w"] is not None, "a shift without windows")
        demand(not a["talk"] or not (a["causal"] or any(shift)), "talk and a mask")
        demand(a["scale"] is None or a["sim"] == "dot", "two scales")
        n = sizes if whole else spread(a["w"] if a["grid"] is None else a["grid"], len(sizes))
        demand(all(size % part == 0 for size, part in zip(sizes, n, strict=True)), f"{n} in {sizes}")
        demand(a["w"] is None or all(s < part for s, part in zip(shift, n, strict=True)), "a shift of a whole window")
        shift = tuple(s if part < size else 0 for s, part, size in zip(shift, n, sizes, strict=True))
        inside = list(itertools.product(*map(range, n)))
        self.groups, apart = [], []
        step = [size // part if a["grid"] is not None else 1 for size, part in zip(sizes, n, strict=True)]
        corners = [range(size // part) if a["grid"] is not None else range(0, size, part) for size, part in zip(sizes, n, strict=True)]
        for corner in itertools.product(*corners):
            at = [tuple(c + i * s for c, i, s in zip(corner, place, step, strict=True)) for place in inside]
            moved = [tuple((p + s) % size for p, s, size in zip(place, shift, sizes, strict=True)) for place in at]
            wrapped = [tuple(p + s >= size for p, s, size in zip(place, shift, sizes, strict=True)) for place in at]
            self.groups.append([self.flat(place, sizes) for place in moved])
            apart.append([[0.0 if one == other else -100.0 for other in wrapped] for one in wrapped])
        self.masks = torch.tensor(apart)[:, None]
        keys = len(inside) if source is None else source.positions
        demand(source is None or whole, "windows of two values")
        self.keys = self.groups
        if source is not None:
            self.keys, self.masks = [list(range(keys))], torch.zeros(1, 1, len(inside), keys)
        if a["causal"]:
            self.masks = self.masks + torch.full((len(inside), keys), -math.inf).triu(1)
        if isinstance(a["rel"], Value):
            demand(whole and (a["rel"].kind, a["rel"].shape) == ("map", (len(inside), keys, self.heads)), "not a number for each score")
        offsets = [[tuple(p - q for p, q in zip(one, other, strict=True)) for other in inside] for one in inside]
        if a["rel"] == "buckets":
            self.rows = [[bucket(-offset[0], a["causal"]) for offset in row] for row in offsets]
        else:
            wide = tuple(2 * part - 1 for part in n)
            self.rows = [
                [self.flat(tuple(o + part - 1 for o, part in zip(offset, n, strict=True)), wide) for offset in row] for row in offsets
            ]
        self.spread = [
            tuple(self.spaced(o, part) for o, part in zip(offset, n, strict=True))
            for offset in itertools.product(*(range(1 - part, part) for part in n))
        ]
        if a["rel"] == "table":
            self.table = nn.Parameter(torch.zeros(len(self.spread), self.heads))
        if a["sim"] == "cos":
            self.factor = nn.Parameter(torch.zeros(self.heads, 1, 1))

    def later(self) -> None:
        """What comes after the projections."""
        if self.a["rel"] == "mlp":
            self.mlp = nn.Sequential(nn.Linear(len(self.spread[0]), 512), nn.ReLU(), nn.Linear(512, self.heads, False))
        if self.a["rel"] == "buckets":
            self.near = nn.Embedding(32, self.heads)
        if self.a["talk"]:
            self.first, self.second = nn.Linear(self.heads, self.heads), nn.Linear(self.heads, self.heads)

    @staticmethod
    def flat(place: tuple[int, ...], sizes: tuple[int, ...]) -> int:
        found = 0
        for p, size in zip(place, sizes, strict=True):
            found = found * size + p
        return found

    @staticmethod
    def spaced(offset: int, part: int) -> float:
        far = torch.tensor(8 * offset, dtype=torch.float32) / max(part - 1, 1)  # stored in single precision
        return float(far.sign() * (far.abs() + 1).log2() / 3)

    def turned(self, x: Tensor, angles: Tensor | None) -> Tensor:
        """(N, T, heads, d), pair by pair of channels by (N, T, angles)."""
        first, d = self.a["prefix"], x.shape[-1]
        t = x.shape[1] - first
        if angles is None:
            demand(d % 2 == 0, "half a pair")
            angles = torch.arange(t, dtype=x.dtype)[:, None] * float(self.a["rope"]) ** (-torch.arange(0, d, 2, dtype=x.dtype) / d)
            angles = angles[None]
        demand(t > 0 and angles.shape[1] == t, "angles of other positions")
        n = angles.shape[-1]
        demand(n <= d // 2 or (n == self.heads * (d // 2) and self.kvheads == self.heads), "more angles than pairs")
        own, half = n > d // 2, min(n, d // 2)
        apart = self.a["pair"] or half
        demand(half % apart == 0, "a part of a group")
        y = x.clone()
        for head in range(x.shape[2]):
            for pair in range(half):
                angle = angles[:, :, head * half + pair if own else pair]
                at = pair // apart * 2 * apart + pair % apart
                one, other = x[:, first:, head, at], x[:, first:, head, at + apart]
                y[:, first:, head, at] = one * angle.cos() - other * angle.sin()
                y[:, first:, head, at + apart] = one * angle.sin() + other * angle.cos()
        return y

    def attend(self, q: Tensor, k: Tensor, v: Tensor, added: Tensor | None = None, angles: Tensor | None = None) -> Tensor:
        """(N, T, heads*d), (N, U, kvheads*d) and (N, U, kvheads*e) to (N, T, heads*e); `added` is (N, heads, T, U), `angles` (N, T, n)."""
        d = q.shape[-1] // self.heads
        demand(self.a["rope"] is not None or not (self.a["prefix"] or self.a["pair"]), "nothing turns")
        q, k, v = q.unflatten(-1, (-1, d)), k.unflatten(-1, (-1, d)), v.unflatten(-1, (self.kvheads, -1))
        if self.a["rope"] is not None:
            q, k = self.turned(q, angles), self.turned(k, angles)
        if self.a["sim"] == "cos":
            q, k = (each / each.norm(dim=-1, keepdim=True).clamp_min(1e-12) for each in (q, k))
            q = q * self.factor[:, 0].clamp(max=math.log(100)).exp()
        else:
            q = q * (d**-0.5 if self.a["scale"] is None else self.a["scale"])
        k, v = (each[:, :, [head * self.kvheads // self.heads for head in range(self.heads)]] for each in (k, v))
        q, k, v = q[:, self.groups], k[:, self.keys], v[:, self.keys]
        q, k, v = (each.transpose(2, 3) for each in (q, k, v))  # N, windows, heads, positions, d
        scores = torch.matmul(q, k.transpose(-1, -2))
        biases = {
            "table": lambda: self.table,
            "mlp": lambda: 16 * self.mlp(torch.tensor(self.spread, dtype=q.dtype).expand(len(q), -1, -1))[0].sigmoid(),
            "buckets": lambda: self.near.weight,
        }
        if added is not None:
            scores = scores + added[:, None]
        elif self.a["rel"] is not None:
            scores = scores + biases[self.a["rel"]]()[torch.tensor(self.rows)].permute(2, 0, 1)
        scores = scores + self.masks.to(q.dtype)
        if self.a["talk"]:
            scores = self.first(scores.movedim(2, -1)).movedim(-1, 2)
        weights = scores.softmax(-1)
        if self.a["talk"]:
            weights = self.second(weights.movedim(2, -1)).movedim(-1, 2)
        mixed = torch.matmul(weights, v).transpose(2, 3)
        y = torch.zeros_like(mixed.flatten(1, 2))
        y[:, list(itertools.chain(*self.groups))] = mixed.flatten(1, 2)
        return y.flatten(2)

    def parts(self, x: Tensor, *sources: Tensor) -> tuple[Tensor, ...]:
        if sources:
            return x, *sources
        d = x.shape[-1] // (self.heads + 2 * self.kvheads)
        return x.split([self.heads * d, self.kvheads * d, self.kvheads * d], -1)

    def out(self, y: Tensor) -> Tensor:
        return y

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        *sources, added = others if isinstance(self.a["rel"], Value) else (*others, None)
        tokens = x.flatten(2).transpose(1, 2) if self.kind == "map" else x
        read = [value.flatten(2).transpose(1, 2) if map_ else value for value, map_ in zip(sources, self.maps, strict=True)]
        angles = read.pop() if isinstance(self.a["rope"], Value) else None
        y = self.out(self.attend(*self.parts(tokens, *read), added, angles))
        return y.transpose(1, 2).unflatten(2, x.shape[2:]) if self.kind == "map" else y


class Projected(Heads):
    """Attention with its projections."""

    def __init__(self, x: Value, a: Values) -> None:
        source = a["kv"]
        super().__init__(x, a, source)
        demand(a["d"] is not None or x.channels % self.heads == 0, f"{x.channels} channels, {self.heads} heads")
        if source is not None:
            demand(a["rope"] is None and not isinstance(a["rel"], str) and a["proj"] != "qkv", "one value's own, of two")
        wide, d = (source or x).channels, a["d"] or x.channels // self.heads
        self.widths = [self.heads * d, self.kvheads * d, self.kvheads * d]
        apart = a["proj"] == "apart" or (a["proj"] is None and (self.kvheads != self.heads or wide != x.channels))
        each = zip(self.widths, (x.channels, wide, wide), strict=True)
        self.into = nn.ModuleList(
            [nn.Linear(c, n, a["bias"]) for n, c in each] if apart else [nn.Linear(x.channels, sum(self.widths), a["bias"])]
        )
        self.last = nn.Linear(self.widths[0], a["f"] or x.channels, a["bias"])
        self.later()

    def parts(self, x: Tensor, *sources: Tensor) -> tuple[Tensor, ...]:
        if sources and len(self.into) == 1:
            (all_,), (first, *others) = self.into, self.widths
            rows = zip(*(each.split([first, sum(others)]) for each in (all_.weight, all_.bias) if each is not None), strict=True)
            query, both = (F.linear(value, *some) for value, some in zip((x, *sources), rows, strict=True))
            return query, *both.split(others, -1)
        if len(self.into) == 1:
            q, k, v = self.into[0](x).split(self.widths, -1)
        else:
            q, k, v = (linear(value) for linear, value in zip(self.into, (x, *(sources or (x,)) * 2), strict=True))
        if self.a["sim"] == "cos" and self.a["proj"] == "qkv" and self.a["bias"]:
            k = k - self.into[0].bias[self.widths[0] : -self.widths[2]]  # torchvision's Swin V2
        return q, k, v

    def out(self, y: Tensor) -> Tensor:
        return self.last(y)


class Near(nn.Embedding):
    """T5's numbers for each two positions."""

    def __init__(self, count: int, a: Values) -> None:
        super().__init__(32, a["heads"])
        self.index = [[bucket(k - q, a["causal"]) for k in range(count)] for q in range(count)]

    def forward(self, x: Tensor) -> Tensor:
        return self.weight[torch.tensor(self.index)].permute(2, 0, 1).expand(len(x), -1, -1, -1)


def attn(x: Value, a: Values) -> Made:
    return Projected(x, a), x.kind


def attend(x: Value, a: Values) -> Made:
    k, v, kvheads = a["k"], a["v"], a["kvheads"] or a["heads"]
    parts = a["heads"] + 2 * kvheads * (k is None)
    demand(x.channels % parts == 0, f"{x.channels} channels for {parts} heads")
    if k is not None:
        demand(v is not None and (k.kind, k.shape[:-1]) == (v.kind, v.shape[:-1]), "keys and values of different positions")
        demand(v.channels % kvheads == 0, f"{v.channels} channels of values for {kvheads} heads")
        demand(k.channels == x.channels // parts * kvheads, "keys of other channels than the queries")
    made = Heads(x, a, k)
    made.later()
    return made, x.kind


def buckets(x: Value, a: Values) -> Made:
    demand(len(x.shape) == 2, "no order")
    return Near(x.positions, a), "map"


def _common(g: Chooser, x: Value, d: int) -> Args:
    """What tells attentions from one another, on a value whose heads have d channels."""
    sizes = x.spatial if x.kind == "map" else x.shape[:1]
    found: Args = {}
    if x.kind == "map" and g.chance(2):
        n = tuple(g.divisor(size) for size in sizes)
        if math.prod(n) <= 40:
            name = g.pick(["w", "w", "grid"])
            found[name] = const(n)
            if name == "w" and g.chance(2):
                found["shift"] = const(tuple(g.draw.number(0, part - 1) for part in n))
    whole = "w" not in found and "grid" not in found
    if len(sizes) == 1 and whole:
        found["causal"] = const(g.chance(3))
        found["rope"] = const(g.pick([100, 10_000])) if d > 0 and d % 2 == 0 and g.chance(4) else const(None)
        if found["rope"].value({}) is not None:
            found |= {
                "prefix": const(g.draw.number(0, sizes[0] - 1) if g.chance(3) else 0),
                "pair": const(g.divisor(d // 2) if g.chance(2) else None),
            }
    if whole and d > 1 and g.chance(2):
        angles = g.label(lambda v: v.kind in ("map", "tokens") and v.positions <= x.positions and v.channels <= d // 2)
        if angles is not None:
            rows, n = next((v.positions, v.channels) for v, name in g.seen if name.text == angles.text)
            pair = const(g.divisor(n) if g.chance(2) else None)
            found |= {"rope": angles, "prefix": const(x.positions - rows), "pair": pair}
    rel = g.pick([None, None, "table", "mlp", "buckets" if len(sizes) == 1 and whole else "table"])
    found["rel"] = const(rel)
    if g.chance(4):
        found["sim"] = const("cos")
    elif g.chance(4):
        found["scale"] = const(g.pick([1.0, 0.3]))
    masked = ("causal" in found and found["causal"].value({})) or any(found["shift"].value({}) if "shift" in found else ())
    if not masked or g.chance(20):
        found["talk"] = const(g.chance(5))
    return found


def draw_attn(g: Chooser, x: Value, goal: str) -> Args | None:
    if x.positions > 150:
        return None
    heads = g.count(1, 4) if g.chance(15) else const(g.divisor(x.channels))
    plain: Args = {"heads": heads, "bias": g.flag()}
    if not heads.plain:
        return plain
    if g.chance(4) and (found := _of_two(g, x)) is not None:
        return {**plain, **found}
    if g.chance(2):
        return plain
    count: Any = heads.value({})
    d = const(g.draw.number(1, 6)) if g.chance(5) else const(None)
    each = d.value({}) or x.channels // count
    more = {"d": d, "f": g.count(1, 12) if goal == "" and g.chance(4) else const(None), "proj": const(g.pick([None, None, "apart", "qkv"]))}
    return {**plain, **more, "kvheads": const(g.divisor(count) if g.chance(3) else None), **_common(g, x, each)}


def _of_two(g: Chooser, x: Value) -> Args | None:
    """Attention to a labelled value, or with one beside its scores, or both."""
    kv = g.label(lambda v: v.kind == "tokens" or (v.rank == 1 and v.positions <= 150)) if g.chance(2) else None
    seen = {name.text: value for value, name in g.seen}
    keys = (seen[kv.text] if kv is not None else x).positions
    rel = g.label(lambda v: v.rank == 2 and v.spatial == (x.positions, keys) and x.channels % v.channels == 0)
    if kv is None and rel is None:
        return None
    found: Args = {"kv": kv or const(None), "rel": rel or const(None), "talk": const(g.chance(5)), "proj": const(g.pick([None, "apart"]))}
    if rel is not None:
        found["heads"] = const(seen[rel.text].channels)
    if x.kind == "tokens" and not found["talk"].value({}):
        found["causal"] = const(g.chance(3))
    return found | ({"sim": const("cos")} if g.chance(4) else {"scale": const(g.pick([None, 1.0]))})


def draw_attend(g: Chooser, x: Value, goal: str) -> Args | None:
    fitting = [(n, k) for n in range(1, 7) for k in range(1, n + 1) if n % k == 0 and x.channels % (n + 2 * k) == 0]
    if goal or not fitting or x.positions > 150:
        return None
    heads, kvheads = g.pick(fitting)
    return {
        "heads": const(heads),
        "kvheads": const(kvheads if kvheads < heads else None),
        **_common(g, x, x.channels // (heads + 2 * kvheads)),
    }


def draw_buckets(g: Chooser, x: Value, goal: str) -> Args | None:
    if goal or len(x.shape) != 2 or x.positions > 20:
        return None
    return {"heads": g.count(1, 4), "causal": g.flag()}
