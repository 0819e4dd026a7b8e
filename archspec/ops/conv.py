"""Convolutions."""

from abc import abstractmethod
from functools import partial
from math import gcd, prod
from typing import Annotated

from archspec.ops.base import (
    Count,
    Deviation,
    Field_,
    Flag,
    Init,
    Margin,
    Misfit,
    Op,
    Size,
    Taps,
    Weight,
    along,
    check_init,
    check_size,
    counted,
    per_axis,
    phased,
    undivided,
)
from archspec.ops.declare import Rule
from archspec.ops.window import Padding, Rounding, Slide, Window, formulas, keeping, times
from archspec.types import Map, Type

Table = Annotated[
    tuple[tuple[int, ...], ...] | None,
    Rule("a connection table: for each filter the input maps it reads, ((0,1,2),(1,2,3),...)"),
]


class _Convolution(Op):
    """What ordinary and depthwise convolution share: a kernel that slides, weights, cost."""

    kind = "convolution"
    takes = (Map,)

    k: Size
    s: Size = 1
    p: Padding = 0
    d: Size = 1
    bias: Flag = True
    round: Rounding = "exact"
    init: Init = None
    std: Deviation = None

    def slides(self, x: Map) -> tuple[Slide, ...]:
        return Window("k", self.k, self.s, self.p, self.d, self.round, asked="round" in self.given).slides(x.spatial)

    def has_no_effect(self, argument: str, x: Map) -> bool:
        return argument == "round" and all(slide.exact for slide in self.slides(x))

    def same_size_padding(self, x: Map) -> str | None:
        return keeping(self.slides(x))

    @abstractmethod
    def filters(self, x: Map) -> int:
        """Channels put out."""

    @abstractmethod
    def depth(self, x: Map) -> int:
        """Channels that one filter reads."""

    def reads(self, x: Map) -> int:
        """Channels read, summed over the filters."""
        return self.filters(x) * self.depth(x)

    def kernel(self, x: Map) -> tuple[int, ...]:
        return per_axis(self.k, len(x.spatial), "k", least=1)

    def output(self, x: Map) -> Type:
        check_init(self.init, self.std)
        return check_size(Map(tuple(slide.out for slide in self.slides(x)), self.filters(x)), "the output")

    def weights(self, x: Map) -> tuple[Weight, ...]:
        weight = Weight("weight", (self.filters(x), self.depth(x), *self.kernel(x)))
        return (weight, Weight("bias", (self.filters(x),), "bias")) if self.bias else (weight,)

    def macs(self, x: Map, y: Map) -> int:
        return prod(y.spatial) * self.reads(x) * prod(self.kernel(x))

    def connections(self, x: Map, y: Map) -> int:
        return self.macs(x, y) + (y.size if self.bias else 0)

    def reach(self, x: Map) -> Field_:
        return tuple(slide.reach for slide in self.slides(x))

    def work(self, x: Map, y: Map) -> dict[str, str]:
        kernel, filters, depth = self.kernel(x), self.filters(x), self.depth(x)
        one = times(kernel, depth)
        params = f"({one} + 1)*{filters}" if self.bias else f"{one}*{filters}"
        total = (prod(kernel) * depth + self.bias) * filters
        return {
            "output": formulas(self.slides(x)),
            "params": f"{params} = {total}",
            "macs": f"{times(y.spatial, filters, kernel, depth)} = {self.macs(x, y)}",
        }


class Conv(_Convolution):
    """N-dimensional cross-correlation.

    Shape:   (*S, C) -> (*S', f),  S' = (S + 2p - d(k-1) - 1)/s + 1
    Params:  weight (f, C/g, *k), bias (f) if bias; with a connection table only the kernels of the maps it names
    MACs:    prod(S') * f * C/g * prod(k)          (bias adds are not MACs)
    Source:  Dumoulin & Visin 2016, relationship 6; CS231n, "Convolutional layer"; LeCun et al. 1998, table I (connection tables).
    """

    step = "conv"

    f: Count
    g: Count = 1
    maps: Table = None

    def filters(self, x: Map) -> int:
        return self.f

    def depth(self, x: Map) -> int:
        return x.channels // self.g

    def output(self, x: Map) -> Type:
        check_groups(x.channels, self.f, self.g)
        if self.maps is not None:
            self.check_maps(x)
        return super().output(x)

    def check_maps(self, x: Map) -> None:
        assert self.maps is not None
        if self.g != 1:
            raise Misfit("A120", "a connection table and groups exclude each other", argument="maps")
        if self.init not in (None, "normal", "truncated", "zeros"):
            help_ = "use init=normal with std=, or leave it out"
            raise Misfit(
                "A120", f"`init={self.init}` needs whole kernels, and a connection table has parts of them", argument="init", help_=help_
            )
        if len(self.maps) != self.f:
            raise Misfit(
                "A120",
                f"the connection table has {counted(len(self.maps), 'row')} for {counted(self.f, 'filter')}",
                argument="maps",
                help_="write one row a filter",
            )
        for at, row in enumerate(self.maps):
            if not row or len(set(row)) != len(row) or not all(0 <= i < x.channels for i in row):
                raise Misfit(
                    "A120",
                    f"row {at} of the connection table, {row}, does not name different maps out of 0 to {x.channels - 1}",
                    argument="maps",
                )

    def reads(self, x: Map) -> int:
        return sum(map(len, self.maps)) if self.maps is not None else super().reads(x)

    def weights(self, x: Map) -> tuple[Weight, ...]:
        if self.maps is None:
            return super().weights(x)
        weight = Weight("weight", (self.reads(x), *self.kernel(x)))
        return (weight, Weight("bias", (self.f,), "bias")) if self.bias else (weight,)

    def work(self, x: Map, y: Map) -> dict[str, str]:
        work = super().work(x, y)
        if self.maps is not None:
            kernel, reads = self.kernel(x), self.reads(x)
            bias = f" + {self.f}" if self.bias else ""
            work["params"] = f"{times(kernel, reads)}{bias} = {prod(kernel) * reads + self.bias * self.f}"
            work["macs"] = f"{times(y.spatial, kernel, reads)} = {self.macs(x, y)}"
        return work


class DwConv(_Convolution):
    """Depthwise convolution: each channel has m filters of its own.

    Shape:   (*S, C) -> (*S', C*m),  S' as for conv
    Params:  weight (C*m, 1, *k), bias (C*m) if bias
    MACs:    prod(S') * C*m * prod(k)
    Source:  Howard et al. 2017, section 3.1.
    """

    step = "dwconv"

    m: Count = 1

    def filters(self, x: Map) -> int:
        return x.channels * self.m

    def depth(self, x: Map) -> int:
        return 1


class Deconv(Op):
    """Transposed convolution.

    Shape:   (*S, C) -> (*S', f),  S' = (S - 1)s - 2p + d(k-1) + op + 1;  p=same gives S*s
    Params:  weight (C, f/g, *k), bias (f) if bias
    MACs:    prod(S) * C * f/g * prod(k)           (each input position meets the whole kernel once)
    Source:  Dumoulin & Visin 2016, relationship 13; torch.nn.ConvTranspose2d.
    """

    step = "deconv"
    kind = "convolution"
    takes = (Map,)

    k: Size
    f: Count
    s: Size = 1
    p: Padding = 0
    op: Margin = 0
    g: Count = 1
    d: Size = 1
    bias: Flag = True
    init: Init = None
    std: Deviation = None

    def axes(self, x: Map) -> list[tuple[int, int, int, int, int, int, str]]:
        """For each axis: output size, kernel, stride, dilation, zeros cut before and after, formula. Raises Misfit."""
        rank = len(x.spatial)
        ks, ss = per_axis(self.k, rank, "k", least=1), per_axis(self.s, rank, "s", least=1)
        ds, extra = per_axis(self.d, rank, "d", least=1), per_axis(self.op, rank, "op", least=0)
        ps = (0,) * rank if isinstance(self.p, str) else per_axis(self.p, rank, "p", least=0)
        rows = []
        for size, k, s, d, p, op in zip(x.spatial, ks, ss, ds, ps, extra, strict=True):
            if op and op >= max(s, d):
                raise Misfit(
                    "A205",
                    f"output padding {op} must be smaller than the stride or the dilation",
                    argument="op",
                    help_=f"use op={max(s, d) - 1} or less",
                )
            if self.p == "same":
                if op:
                    raise Misfit("A205", "`p=same` and `op` exclude each other", argument="op")
                cut = d * (k - 1) + 1 - s  # below 0 the gaps between kernels stay zero
                before = max(cut, 0) // 2
                rows.append((size * s, k, s, d, before, cut - before, f"{size}*{s} = {size * s}"))
                continue
            out = (size - 1) * s - 2 * p + d * (k - 1) + op + 1
            formula = f"({size} - 1)*{s} - 2*{p} + {d}*({k} - 1) + {op} + 1 = {out}"
            if out < 1:
                most = min(((w - 1) * t + e * (n - 1) + o) // 2 for w, n, t, e, o in zip(x.spatial, ks, ss, ds, extra, strict=True))
                less = f"p={most} or less" if most else "p=0"
                raise Misfit("A202", f"the output would have size {out}", argument="p", notes=[formula], ways=[less])
            rows.append((out, k, s, d, p, p - op, formula))
        return rows

    def output(self, x: Map) -> Type:
        check_groups(x.channels, self.f, self.g)
        check_init(self.init, self.std)
        return check_size(Map(tuple(row[0] for row in self.axes(x)), self.f), "the output")

    def weights(self, x: Map) -> tuple[Weight, ...]:
        kernel = per_axis(self.k, len(x.spatial), "k", least=1)
        weight = Weight("weight", (x.channels, self.f // self.g, *kernel))
        return (weight, Weight("bias", (self.f,), "bias")) if self.bias else (weight,)

    def macs(self, x: Map, y: Map) -> int:
        kernel = per_axis(self.k, len(x.spatial), "k", least=1)
        return x.size * (self.f // self.g) * prod(kernel)

    def connections(self, x: Map, y: Map) -> int:
        return self.macs(x, y) + (y.size if self.bias else 0)

    def reach(self, x: Map) -> Field_:
        return along([phased(s, 1, partial(_transposed, k, s, d, before)) for _, k, s, d, before, _, _ in self.axes(x)])

    def work(self, x: Map, y: Map) -> dict[str, str]:
        shown = [row[-1] for row in self.axes(x)]
        kernel = per_axis(self.k, len(x.spatial), "k", least=1)
        bias = f" + {self.f}" if self.bias else ""
        total = x.channels * prod(kernel) * (self.f // self.g) + self.bias * self.f
        return {
            "output": shown[0] if len(set(shown)) == 1 else ", ".join(shown),
            "params": f"{times(kernel, x.channels, self.f // self.g)}{bias} = {total}",
            "macs": f"{times(x.spatial, x.channels, self.f // self.g, kernel)} = {self.macs(x, y)}",
        }


def _transposed(k: int, s: int, d: int, before: int, phase: int) -> Taps | None:
    """What position `phase` of a transposed convolution reads: the q with q*s + d*t = phase + before for a tap t of the kernel."""
    parts = gcd(s, d)
    if (phase + before) % parts:
        return None  # the taps lie on other positions only
    every = s // parts
    first = (phase + before) // parts * pow(d // parts, -1, every) % every
    if first >= k:
        return None
    last = first + (k - 1 - first) // every * every
    return Taps((phase + before - d * last) // s, (phase + before - d * first) // s, d // parts)


def check_groups(channels: int, filters: int, groups: int) -> None:
    """Raises Misfit where channels or filters do not divide into the groups."""
    if channels % groups:
        raise undivided(channels, "input channel", groups, "group", "g", filters)
    if filters % groups:
        raise undivided(filters, "filter", groups, "group", "g", channels)
