"""Convolutions."""

from abc import abstractmethod
from functools import partial
from math import gcd
from typing import Annotated, Any, Literal

from archspec.numeric import LECTURE, holds, largest, product, spell, worked_out
from archspec.ops.base import (
    POINT,
    Field_,
    Kept,
    Misfit,
    Op,
    Part,
    Taps,
    Weight,
    check_axes,
    counted,
    per_axis,
    phased,
    weight_and_bias,
)
from archspec.ops.declare import Border, Count, Deviation, Flag, Init, Margin, Operand, Positive, Rule, Size
from archspec.ops.dividing import share
from archspec.ops.edges import KEPT, check_border
from archspec.ops.initial import check_init
from archspec.ops.weightform import Form, PlainForm, check_form, form_parts, formed, numbers_kept
from archspec.ops.window import Padding, Rounding, Slide, Windowed
from archspec.types import Map, Type, describe

Cut = Annotated[int | tuple[int, ...] | Literal["same", "valid"], Rule("a whole number of at least 0, a size such as 2x1, same or valid")]
Table = Annotated[
    tuple[tuple[int, ...], ...] | None,
    Rule("a connection table: for each filter the input maps it reads, ((0,1,2),(1,2,3),...)"),
]


class _Convolution(Windowed):
    """Shares what ordinary and depthwise convolution have in common: a kernel that slides, weights, and cost."""

    kind = "convolution"

    k: Size
    s: Size = 1
    p: Padding = 0
    d: Size = 1
    bias: Flag = True
    round: Rounding = "exact"
    mode: Border = "zero"
    init: Init = None
    std: Deviation = None
    norm: Form = False
    gain: Flag = True
    eps: Positive = 1e-6

    @abstractmethod
    def depth(self, x: Map) -> int:
        """Channels that one filter reads."""

    def check(self, x: Map) -> None:
        check_init(self.init, self.std)
        check_form(self, x)
        super().check(x)
        if self.mode != "zero":
            check_border(self.mode, x.spatial, self.pads(x), "p")

    def pads(self, x: Map) -> tuple[tuple[int, int], ...]:
        """What stands before and after each axis."""
        return tuple([(slide.before, slide.after + slide.overhang) for slide in self.window(x)])

    def pads_a_copy(self, slide: Slide) -> bool:
        return super().pads_a_copy(slide) or (self.mode != "zero" and slide.before > 0)

    def has_no_effect(self, argument: str, x: Map) -> bool:
        return super().has_no_effect(argument, x) or (argument == "mode" and not any(map(any, self.pads(x))))

    def stack(self, x: Map) -> tuple[int, ...]:
        """Count the kernels: filters, and the channels that one filter reads."""
        return self.filters(x), self.depth(x)

    def weights(self, x: Map) -> tuple[Weight, ...]:
        plain = weight_and_bias((*self.stack(x), *self.kernel(x)), self.filters(x), self.bias)
        return formed(self.norm, plain, self.gain)

    def kept(self, x: Map, y: Map) -> Kept:
        kept = super().kept(x, y)
        return kept._replace(input=kept.input or self.mode in KEPT, statistics=numbers_kept(self.weights(x)) if self.norm else 0)

    def parts(self, x: Map) -> tuple[Part, ...]:
        return form_parts(self.norm, self.gain)

    def macs(self, x: Map, y: Map) -> int:
        *filters, depth = self.stack(x)
        return product((*y.spatial, *filters, *self.kernel(x), depth))

    def connections(self, x: Map, y: Map) -> int:
        return self.macs(x, y) + (y.size if self.bias else 0)


class Conv(_Convolution):
    """N-dimensional cross-correlation.

    With an `offset`, a map of the output's size, it is deformable, on maps with height and width: at each position each number of the kernel
    reads the place that the offset moves it to, down and to the right, bilinearly, with zeros outside. An offset has 2*prod(k)
    channels, or D times as many for D groups of input channels.

    Shape:   (*S, C) -> (*S', f),  S' = (S + 2p - d(k-1) - 1)/s + 1
    Params:  weight (f, C/g, *k), bias (f) if bias; with a connection table only the kernels of the maps it names
    MACs:    prod(S') * f * C/g * prod(k)          (bias adds are not MACs)
    FLOPs:   2 per MAC; with an offset 7 more for each number read, as `upsample mode=bilinear`: prod(S') * C * prod(k) * 7
    Source:  Dumoulin & Visin 2016, relationship 6; CS231n, "Convolutional layer"; LeCun et al. 1998, table I (connection tables);
             Dai et al. 2017, equations 2 and 3 (offsets).
    """

    f: Count
    g: Count = 1
    maps: Table = None
    offset: Operand = False

    def filters(self, x: Map) -> int:
        return self.f

    def window(self, x: Map, *_: Type) -> tuple[Slide, ...]:
        return super().window(x)

    def output(self, x: Map, *_: Type) -> Type:
        return super().output(x)

    def weights(self, x: Map, *_: Type) -> tuple[Weight, ...]:
        return super().weights(x)

    def parts(self, x: Map, *_: Type) -> tuple[Part, ...]:
        return super().parts(x)

    def has_no_effect(self, argument: str, x: Map, *_: Type) -> bool:
        return super().has_no_effect(argument, x)

    def same_size_padding(self, x: Map, *_: Type) -> str | None:
        return super().same_size_padding(x)

    def macs(self, x: Map, *more: Any) -> int:
        return super().macs(x, more[-1])

    def flops(self, x: Map, *more: Any) -> int:
        return 2 * self.macs(x, *more) + (7 * self.sampled(x, more[-1]) if self.offset else 0)

    def sampled(self, x: Map, y: Map) -> int:
        """Count the numbers that are read between positions, where an offset says at which."""
        return product((*y.spatial, *self.kernel(x), x.channels))

    def connections(self, x: Map, *more: Any) -> int:
        return super().connections(x, more[-1])

    def reaches(self, *inputs: Any) -> tuple[Field_, ...]:
        return (None, POINT) if self.offset else super().reaches(*inputs)

    def depth(self, x: Map) -> int:
        return worked_out(share(x.channels, "input channel", self.g, "group", "g", self.f))

    def stack(self, x: Map) -> tuple[int, ...]:
        """A connection table has a kernel for each pair of an input map and a filter that reads it."""
        return super().stack(x) if self.maps is None else (sum(map(len, self.maps)),)

    def check(self, x: Map, *offset: Type) -> None:
        self.depth(x)
        share(self.f, "filter", self.g, "group", "g", x.channels)
        if self.maps is not None:
            self._check_maps(x, self.maps)
        super().check(x)
        for other in offset:
            self._check_offset(x, other)

    def _check_offset(self, x: Map, offset: Type) -> None:
        if len(x.spatial) != 2:
            raise Misfit("A201", f"`offset` moves what is read on maps with height and width, not on {describe(x)}", argument="offset")
        for argument, written, given, why in (
            ("maps", "maps", self.maps is not None, "a deformable filter reads all input maps"),
            ("mode", "mode", self.mode != "zero", "outside of the map it reads zeros"),
            ("norm", "norm=std", self.norm == "std", "no network has both"),
        ):
            if given:
                message = f"`{written}` and `offset` exclude each other: {why}"
                raise Misfit("A105", message, argument=argument, help_=f"remove `{argument}`")
        y, pair = self.output(x), 2 * product(self.kernel(x))
        if not isinstance(offset, Map) or offset.shape[:-1] != y.shape[:-1]:
            size = "x".join(map(str, y.shape[:-1]))
            message = f"`offset` needs a map of the size of the output, {size}, not {describe(offset)}"
            raise Misfit("A301", message, argument="offset", help_="make it from the same value, with the same k, s, p and d")
        if holds(offset.channels % pair != 0) or holds(x.channels % (offset.channels // pair) != 0):
            kernel = "*".join(map(str, self.kernel(x)))
            message = f"`offset` needs 2*{kernel} = {pair} channels, not {offset.channels:,}"
            notes = ["or D times as many, where D divides the input channels"]
            raise Misfit("A301", message, argument="offset", notes=notes, help_=f"make it with f={pair}")

    def kept(self, x: Map, *more: Any) -> Kept:
        if self.offset:
            offset, y = more
            numbers = self.sampled(x, y) + offset.size
            statistics = numbers_kept(self.weights(x)) if self.norm else 0
            return Kept(input=(True, False), numbers=numbers, statistics=statistics)
        kept = super().kept(x, more[-1])
        return kept._replace(statistics=self.f * x.channels * product(self.kernel(x))) if self.maps else kept

    def _check_maps(self, x: Map, maps: tuple[tuple[int, ...], ...]) -> None:
        if self.g != 1:
            raise Misfit("A120", "a connection table and groups exclude each other", argument="maps")
        if self.norm:
            raise Misfit("A120", f"a connection table and `norm={self.norm}` exclude each other", argument="norm")
        if self.init not in (None, "normal", "truncated", "zeros"):
            message = f"`init={self.init}` needs whole kernels, and a connection table has parts of them"
            raise Misfit("A120", message, argument="init", help_="use init=normal with std=, or leave it out")
        if len(maps) != self.f:
            message = f"the connection table has {counted(len(maps), 'row')} for {counted(self.f, 'filter')}"
            raise Misfit("A120", message, argument="maps", help_="write one row per filter")
        for at, row in enumerate(maps):
            if not row or len(set(row)) != len(row) or not all(0 <= i < x.channels for i in row):
                message = f"row {at} of the connection table, {row}, does not name different maps out of 0 to {x.channels - 1}"
                raise Misfit("A120", message, argument="maps")


class DwConv(_Convolution):
    """Depthwise convolution: each channel has m filters of its own.

    Shape:   (*S, C) -> (*S', C*m),  S' as for conv
    Params:  weight (C*m, 1, *k), bias (C*m) if bias
    MACs:    prod(S') * C*m * prod(k)
    Source:  Howard et al. 2017, section 3.1.
    """

    m: Count = 1

    def filters(self, x: Map) -> int:
        return worked_out(x.channels * self.m)

    def depth(self, x: Map) -> int:
        return 1


class Deconv(Op):
    """Transposed convolution.

    Shape:   (*S, C) -> (*S', f),  S' = (S - 1)s - 2p + d(k-1) + op + 1;  p=same gives S*s
    Params:  weight (C, f/g, *k), bias (f) if bias
    MACs:    prod(S) * C * f/g * prod(k)           (each input position meets the whole kernel once)
    Source:  Dumoulin & Visin 2016, relationship 13; torch.nn.ConvTranspose2d.
    """

    kind = "convolution"
    takes = (Map,)

    k: Size
    f: Count
    s: Size = 1
    p: Cut = 0
    op: Margin = 0
    g: Count = 1
    d: Size = 1
    bias: Flag = True
    init: Init = None
    std: Deviation = None
    norm: PlainForm = False

    def window(self, x: Map) -> tuple[Slide, ...]:
        """The window that slides over the output: `before` and `after` are the zeros cut, below 0 where zeros are added."""
        rank, same = len(x.spatial), isinstance(self.p, str) and self.p == "same"
        ps = (0,) * rank if isinstance(self.p, str) else per_axis(self.p, rank)
        axes = zip(x.spatial, *(per_axis(value, rank) for value in (self.k, self.s, self.d, self.op)), ps, strict=True)
        return tuple([_same(size, k, s, d) if same else _spread(size, k, s, d, extra, p) for size, k, s, d, extra, p in axes])

    def depth(self, x: Map) -> int:
        """Filters of one group."""
        return worked_out(share(self.f, "filter", self.g, "group", "g", x.channels))

    def check(self, x: Map) -> None:
        share(x.channels, "input channel", self.g, "group", "g", self.f)
        self.depth(x)
        check_init(self.init, self.std)
        check_axes(self, len(x.spatial), k=1, s=1, d=1, op=0, p=0)
        slides = self.window(x)
        for at, (slide, extra) in enumerate(zip(slides, per_axis(self.op, len(slides)), strict=True)):
            most = max(slide.s, slide.d) - 1
            if extra > most:
                message = f"output padding {extra} must be smaller than the stride or the dilation"
                raise Misfit("A205", message, argument="op", help_=f"use op={most} or less")
            if extra and self.p == "same":
                raise Misfit("A205", "`p=same` and `op` exclude each other", argument="op")
            if slide.out < 1:
                raise Misfit.late("A202", "p", partial(self._misfit, x, at))

    def _misfit(self, x: Map, at: int) -> Misfit:
        """Make the misfit of padding that leaves nothing of the output."""
        most = min((slide.out + 2 * slide.before - 1) // 2 for slide in self.window(x))
        out = self.spelled().window(spell(x))[at].out
        return Misfit(
            "A202",
            f"the output would have size {out}",
            argument="p",
            notes=[f"{out.text(LECTURE)} = {out}"],  # type: ignore[attr-defined]
            ways=[f"p={most} or less" if most else "p=0"],
        )

    def output(self, x: Map) -> Type:
        return Map(tuple([slide.out for slide in self.window(x)]), self.f)

    def weights(self, x: Map) -> tuple[Weight, ...]:
        plain = weight_and_bias((x.channels, self.depth(x), *per_axis(self.k, len(x.spatial))), self.f, self.bias)
        return formed(self.norm, plain, axis=1)

    def kept(self, x: Map, y: Map) -> Kept:
        return super().kept(x, y)._replace(statistics=numbers_kept(self.weights(x)) if self.norm else 0)

    def parts(self, x: Map) -> tuple[Part, ...]:
        return form_parts(self.norm)

    def macs(self, x: Map, y: Map) -> int:
        return product((*x.spatial, x.channels, self.depth(x), *per_axis(self.k, len(x.spatial))))

    def connections(self, x: Map, y: Map) -> int:
        return self.macs(x, y) + (y.size if self.bias else 0)

    def reach(self, x: Map) -> Field_:
        return phased([(slide.s, 1, partial(_transposed, slide)) for slide in self.window(x)])


def _spread(size: int, k: int, s: int, d: int, extra: int, p: int) -> Slide:
    return Slide(size, (size - 1) * s - 2 * p + d * (k - 1) + extra + 1, k, s, d, p, p - extra)


def _same(size: int, k: int, s: int, d: int) -> Slide:
    """The output is as large as the strides together; where a kernel is smaller than a stride, the gap after the last one stays zero."""
    cut = d * (k - 1) + 1 - s
    before = largest(cut, 0) // 2
    return Slide(size, size * s, k, s, d, before, cut - before)


def _transposed(slide: Slide, phase: int) -> Taps | None:
    """Find what position `phase` of a transposed convolution reads: the q with q*s + d*t = phase + before for a tap t of the kernel."""
    k, s, d, place = slide.k, slide.s, slide.d, phase + slide.before
    parts = gcd(s, d)
    if place % parts:
        return None  # the taps lie on other positions only
    every = s // parts
    first = place // parts * pow(d // parts, -1, every) % every
    if first >= k:
        return None
    last = first + (k - 1 - first) // every * every
    return Taps((place - d * last) // s, (place - d * first) // s, d // parts)
