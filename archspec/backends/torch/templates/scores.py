"""Attention in heads. A line that ends in `#: word`, with the block that it opens, is in files where an attention has that argument."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attend(nn.Module):
    """softmax(q k^T / sqrt(d)) v, head by head (Vaswani et al. 2017, equation 1)."""

    kvheads: int | None = None  #: kvheads
    scale: float | None = None  #: scale
    causal: bool = False  #: causal
    rope: int = 0  #: rope
    angles: bool = False  #: angles
    prefix: int = 0  #: prefix
    pair: int = 0  #: pair
    partial: bool = False  #: partial
    maps: tuple[bool, ...] = ()  #: maps
    window: tuple[int, ...] = ()  #: window
    shift: tuple[int, ...] = ()  #: shift
    strided: bool = False  #: strided
    table: tuple[int, ...] = ()  #: table
    mlp: tuple[int, ...] = ()  #: mlp
    buckets: bool = False  #: buckets
    kv: bool = False  #: kv
    biased: bool = False  #: biased
    cosine: bool = False  #: cosine
    talk: bool = False  #: talk
    relative_coords_table: Tensor  #: mlp
    relative_position_index: Tensor  #: table mlp

    def __init__(self, heads: int, **options) -> None:
        """`options` are the projections, and whatever differs from the defaults above."""
        super().__init__()
        self.heads = heads
        for name, value in options.items():
            setattr(self, name, value)
        if self.cosine:  #: cosine
            self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10)))
        if self.table:  #: table
            offsets = math.prod(2 * n - 1 for n in self.table)
            self.relative_position_bias_table = nn.Parameter(torch.empty(offsets, heads))
            nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
            self.register_buffer("relative_position_index", relative_positions(self.table))
        if self.mlp:  #: mlp
            into, out = nn.Linear(len(self.mlp), 512), nn.Linear(512, heads, bias=False)
            self.cpb_mlp = nn.Sequential(into, nn.ReLU(inplace=True), out)
            self.register_buffer("relative_coords_table", relative_coordinates(self.mlp))
            self.register_buffer("relative_position_index", relative_positions(self.mlp))
        if self.buckets:  #: buckets
            self.relative_attention_bias = nn.Embedding(32, heads)
        if self.talk:  #: talk
            self.proj_l, self.proj_w = nn.Linear(heads, heads), nn.Linear(heads, heads)

    def forward(self, *values: Tensor) -> Tensor:
        bias: list[Tensor] = []
        size = values[0].shape[2:]  #: maps
        if self.biased:  #: biased
            values, bias = values[:-1], [values[-1]]
        shift = self.shifts(size)  #: shift
        if any(shift):  #: shift
            bias = [self.mask(values[0], shift)]
            values = tuple(rolled(x, [-s for s in shift]) for x in values)
        if self.maps:  #: maps
            values = tuple(self.sequence(x) if is_map else x for x, is_map in zip(values, self.maps))
        angle = None  #: rope angles
        if self.angles:  #: angles
            values, angle = values[:-1], values[-1]
        q, k, v = self.projected(*values)
        bias = [*self.relative(q), *bias]  #: table mlp buckets
        d = q.shape[-1] // self.heads
        q, k = (x.unflatten(-1, (-1, d)) for x in (q, k))
        v = v.unflatten(-1, (k.shape[2], -1))
        if self.rope:  #: rope
            t = q.shape[1]
            t -= self.prefix  #: prefix
            angle = angles_of(t, d, self.rope, q)
        if angle is not None:  #: rope angles
            angle = angle.unflatten(-1, (-1, min(angle.shape[-1], d // 2)))
            cos, sin = angle.cos().to(q), angle.sin().to(q)
            q, k, v = self.turned(q, cos, sin), self.turned(k, cos, sin), v.contiguous()
        if self.cosine:  #: cosine
            factor = self.logit_scale[..., 0].clamp(max=math.log(100)).exp()
            q, k = F.normalize(q, dim=-1) * factor, F.normalize(k, dim=-1)
        y = self.mixed(*(x.transpose(1, 2) for x in (q, k, v)), *bias)
        y = self.out(y.transpose(1, 2).flatten(2))
        if self.maps and self.maps[0]:  #: maps
            y = self.map(y, size)
        if any(shift):  #: shift
            y = rolled(y, shift)
        return y

    def turned(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:  #: rope angles
        """Turn pairs of channels (Su et al. 2021): (N, T, heads, d), by angles that broadcast to (T, heads, pairs)."""
        first, x = x.tensor_split((self.prefix,), dim=1)  #: prefix
        x, rest = x.tensor_split((2 * cos.shape[-1],), dim=-1)  #: partial
        pair = cos.shape[-1]
        pair = self.pair or pair  #: pair
        a, b = x.unflatten(-1, (-1, 2, pair)).unbind(-2)
        cos, sin = cos.unflatten(-1, (-1, pair)), sin.unflatten(-1, (-1, pair))
        x = torch.stack((a * cos - b * sin, b * cos + a * sin), dim=-2).flatten(-3)
        x = torch.cat((x, rest), dim=-1)  #: partial
        x = torch.cat((first, x), dim=1)  #: prefix
        return x

    def projected(self, *values: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values: (N, positions, channels) each."""
        return tuple(x.contiguous() for x in values)

    def out(self, y: Tensor) -> Tensor:
        """The heads side by side to the output."""
        return y

    def mixed(self, q: Tensor, k: Tensor, v: Tensor, *bias: Tensor) -> Tensor:
        """(N, heads, T, d), (N, kvheads, U, d) and (N, kvheads, U, e) to (N, heads, T, e)."""
        if bias:  #: table mlp buckets biased shift
            return self.scored(q, k, v, *bias)
        if self.talk:  #: talk
            return self.scored(q, k, v)
        return F.scaled_dot_product_attention(
            q,
            k,
            v,
            is_causal=self.causal,  #: causal
            scale=self.scale,  #: scale
            enable_gqa=True,  #: kvheads
        )

    def scored(self, q: Tensor, k: Tensor, v: Tensor, *bias: Tensor) -> Tensor:  #: table mlp buckets biased shift talk
        """The same step by step; each bias is (1, windows or N, heads or 1, T, U)."""
        k, v = (x.repeat_interleave(self.heads // x.shape[1], dim=1) for x in (k, v))  #: kvheads
        scale = q.shape[-1] ** -0.5
        scale = scale if self.scale is None else self.scale  #: scale
        score = q @ k.transpose(-2, -1) * scale
        for added in bias:
            score = (score.unflatten(0, (-1, added.shape[0])) + added).flatten(0, 1)
        if self.causal:  #: causal
            score = score + torch.full_like(score[0, 0], -math.inf).triu(1)
        if self.talk:  #: talk
            score = self.proj_l(score.movedim(1, -1)).movedim(-1, 1)
        weight = score.softmax(dim=-1)
        if self.talk:  #: talk
            weight = self.proj_w(weight.movedim(1, -1)).movedim(-1, 1)
        return weight @ v

    def relative(self, q: Tensor) -> list[Tensor]:  #: table mlp buckets
        """The bias of each relative position: (1, heads, T, T)."""
        t = q.shape[1]
        if self.table:  #: table
            return [self.relative_position_bias_table[self.relative_position_index].view(1, t, t, -1).movedim(-1, 1)]
        if self.mlp:  #: mlp
            table = 16 * self.cpb_mlp(self.relative_coords_table).flatten(0, -2).sigmoid()
            return [table[self.relative_position_index].view(1, t, t, -1).movedim(-1, 1)]
        if self.buckets:  #: buckets
            causal = False
            causal = self.causal  #: causal
            return [self.relative_attention_bias(distance_buckets(t, causal, q.device))[None].movedim(-1, 1)]
        return []

    def sequence(self, x: Tensor) -> Tensor:  #: maps
        """A map (N, C, *S) as (N, positions, C), or as (N * windows, positions, C)."""
        x = x.movedim(1, -1)
        for axis, n in enumerate(self.window):  #: window
            at = 1 + 2 * axis
            parts = (-1, n)
            parts = (n, -1) if self.strided else parts  #: strided
            x = x.unflatten(at, parts)
            x = x.transpose(at, at + 1) if self.strided else x  #: strided
        if self.window:  #: window
            rank = len(self.window)
            x = x.permute(0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), -1).flatten(0, rank)
        return x.flatten(1, -2)

    def map(self, y: Tensor, size: torch.Size) -> Tensor:  #: maps
        """Back to a map of a size."""
        if self.window:  #: window
            rank = len(size)
            y = y.unflatten(1, self.window).unflatten(0, (-1, *(s // n for s, n in zip(size, self.window))))
            y = y.permute(0, *(axis for at in range(1, rank + 1) for axis in (at, at + rank)), -1)
            for axis in range(1, rank + 1):
                y = y.transpose(axis, axis + 1) if self.strided else y  #: strided
                y = y.flatten(axis, axis + 1)
            return y.movedim(-1, 1)
        return y.unflatten(1, size).movedim(-1, 1)

    def shifts(self, size: torch.Size) -> list[int]:  #: shift
        """The shift along each axis: none where one window covers it."""
        return [s if n < of else 0 for s, n, of in zip(self.shift, self.window, size)]

    def mask(self, x: Tensor, shift: list[int]) -> Tensor:  #: shift
        """-100 where two positions of a window were apart before the shift: (windows, 1, positions, positions)."""
        region = torch.zeros_like(x[:1, :1])
        for axis, s in enumerate(shift, 2):
            moved = torch.arange(x.shape[axis], device=x.device) >= x.shape[axis] - s
            region = 2 * region + moved.view(-1, *[1] * (x.dim() - axis - 1))
        region = self.sequence(region)[..., 0]
        return torch.where(region[:, None, :] == region[:, :, None], 0.0, -100.0)[:, None]


class PackedAttend(Attend):
    """Attention of one value whose channels are queries, keys and values."""

    def projected(self, *values: Tensor) -> tuple[Tensor, ...]:
        x = values[0].contiguous()
        kvheads = self.heads
        kvheads = self.kvheads or self.heads  #: kvheads
        d = x.shape[-1] // (self.heads + 2 * kvheads)
        return x.split((self.heads * d, kvheads * d, kvheads * d), dim=-1)


class PackedAttention(Attend):
    """Attention with the projections of nn.MultiheadAttention."""

    out_proj: nn.Linear

    def __init__(self, channels: int, heads: int, bias: bool = True, **options) -> None:
        super().__init__(heads, **options)
        width = self.out_proj.in_features
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, channels))
        nn.init.xavier_uniform_(self.in_proj_weight)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width)) if bias else None
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def projected(self, *values: Tensor) -> tuple[Tensor, ...]:
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if self.kv:  #: kv
            x, u = values
            n = self.out_proj.in_features
            of_x, of_u = (None, None) if bias is None else (bias[:n], bias[n:])
            return F.linear(x, weight[:n], of_x), *F.linear(u, weight[n:], of_u).chunk(2, dim=-1)
        return F.linear(values[0], weight, bias).chunk(3, dim=-1)

    def out(self, y: Tensor) -> Tensor:
        return self.out_proj(y)


class SplitAttention(Attend):
    """Attention with one projection each for queries, keys and values."""

    q_proj: nn.Linear
    k_proj: nn.Linear
    v_proj: nn.Linear
    out_proj: nn.Linear

    def projected(self, *values: Tensor) -> tuple[Tensor, ...]:
        x = u = values[0].contiguous()  # one copy for all projections
        u = values[1].contiguous() if self.kv else x  #: kv
        return self.q_proj(x), self.k_proj(u), self.v_proj(u)

    def out(self, y: Tensor) -> Tensor:
        return self.out_proj(y)


class QkvAttention(Attend):
    """Attention whose queries, keys and values are one product."""

    qkv: nn.Linear
    proj: nn.Linear

    def projected(self, *values: Tensor) -> tuple[Tensor, ...]:
        width = self.proj.in_features
        narrow = (self.qkv.out_features - width) // 2
        if self.cosine and self.qkv.bias is not None:  #: cosine
            q, k, v = self.qkv.bias.split((width, narrow, narrow))
            bias = torch.cat((q, torch.zeros_like(k), v))  # keys have none in Swin V2
            return F.linear(values[0], self.qkv.weight, bias).split((width, narrow, narrow), dim=-1)
        return self.qkv(values[0]).split((width, narrow, narrow), dim=-1)

    def out(self, y: Tensor) -> Tensor:
        return self.proj(y)


class Buckets(nn.Embedding):
    """A number per head for each two of T tokens, by their distance (Raffel et al. 2020): (N, heads, T, T)."""

    def __init__(self, heads: int, causal: bool = False, axis: int = 1) -> None:
        super().__init__(32, heads)
        self.causal, self.axis = causal, axis

    def forward(self, x: Tensor) -> Tensor:
        near = super().forward(distance_buckets(x.shape[self.axis], self.causal, x.device))
        return near.permute(2, 0, 1).repeat(x.shape[0], 1, 1, 1)


def distance_buckets(t: int, causal: bool, device: torch.device) -> Tensor:
    """The bucket, of 32, of each key for each query (Raffel et al. 2020, section 2.1)."""
    at = torch.arange(t, device=device)
    far = at - at[:, None]
    count = 32 if causal else 16
    after = torch.zeros_like(far) if causal else 16 * (far > 0)
    far = (-far).clamp(min=0) if causal else far.abs()
    near = count // 2
    shared = near + (torch.log(far.clamp(min=1) / near) / math.log(128 / near) * (count - near)).long()
    return after + torch.where(far < near, far, shared.clamp(max=count - 1))


def relative_positions(size: tuple[int, ...]) -> Tensor:
    """For each pair of positions of a window the row of its bias (Liu et al. 2021, section 3.2)."""
    index = torch.zeros((), dtype=torch.long)
    for n, at in zip(size, torch.meshgrid(*map(torch.arange, size), indexing="ij")):
        at = at.flatten()
        index = index * (2 * n - 1) + at[:, None] - at + n - 1
    return index.flatten()


def relative_coordinates(size: tuple[int, ...]) -> Tensor:
    """All relative positions of a window, spaced by logarithms (Liu et al. 2022, section 3.3)."""
    axes = [8 * torch.arange(1 - n, n) / max(n - 1, 1) for n in size]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)[None]
    return grid.sign() * (grid.abs() + 1).log2() / 3


def angles_of(t: int, d: int, base: int, x: Tensor) -> Tensor:
    """The angles of t positions and the pairs of d channels, of falling frequencies (Su et al. 2021): (t, d/2)."""
    at, pair = torch.arange(t, device=x.device), torch.arange(0, d, 2, device=x.device)
    exact = torch.promote_types(x.dtype, torch.float32)
    return at.to(exact)[:, None] * base ** (-pair.to(exact) / d)


def rolled(x: Tensor, shift: list[int]) -> Tensor:
    """A map moved around its ends."""
    return x.roll(shift, tuple(range(2, x.dim())))
