"""Slides windows over axes: the size rule that convolution and pooling share.

out = (W - F + 2P)/S + 1 with F = D*(K - 1) + 1; Dumoulin & Visin 2016, relationships 6 and 15; CS231n, "Spatial arrangement".
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

from archspec.numeric import LECTURE, ceil_div, decimal, largest, product, round_div, spell, worked_out
from archspec.ops.base import Field_, Kept, Misfit, Op, Reach, check_axes, per_axis, show, sliding
from archspec.ops.declare import Around, Ends, Rule
from archspec.ops.edges import both_ends, margins
from archspec.ops.fitting import Axis, less_padding, more_padding, room, smaller_window, span
from archspec.types import AXES, Map, Type, describe

Padding = Annotated[
    int | tuple[int, ...] | Ends | Literal["same", "valid", "causal"],
    Rule("a whole number of at least 0, a size such as 2x1, a range such as 1:2, same, valid or causal"),
]
Rounding = Annotated[Literal["exact", "floor", "ceil"], Rule("exact, floor or ceil")]


class Slide(NamedTuple):
    """A window on one axis: the sizes of input and output, kernel, stride, dilation, and the padding before and after.

    With `ceil` the last window may overhang the padded input; `after` does not count that overhang.
    """

    size: int
    out: int
    k: int
    s: int
    d: int
    before: int
    after: int

    @property
    def overhang(self) -> int:
        """How far the last window reaches beyond the padded input, where the size was rounded up."""
        return max(0, self.rest)

    @property
    def padded(self) -> int:
        """The size with what is padded, and with what the last window overhangs."""
        return self.size + self.before + self.after + self.overhang

    @property
    def rest(self) -> int:
        """How far the last window ends after the padded input, below 0 where it ends before; 0 where nothing is rounded."""
        return (self.out - 1) * self.s + span(self.k, self.d) - self.size - self.before - self.after

    @property
    def blind(self) -> int | None:
        """Find the first output whose window reads only padding; None where there is none.

        Only where the elements of a window are further apart than the input is long can they skip it.
        """
        first = -self.before % self.d
        if self.d <= self.size or not self.before:
            return None
        # The first element at or after 0 moves with the window, from `first` until it leaves the input; a window that starts at 0 reads it.
        at = max(0, ceil_div(self.size - first, self.s))
        return at if at < self.out and first + at * self.s < self.d and at * self.s < self.before else None

    @property
    def reach(self) -> Reach:
        """What the outputs read along the axis."""
        return sliding(-self.before, self.d * (self.k - 1) - self.before, self.s, self.d)


def windows(size: int, k: int, s: int, p: Around, d: int, rounding: str = "floor") -> int:
    """Count the windows that fit along an axis, by the size rule. With `ceil` the last may overhang, unless it begins after the input."""
    free = room(size, k, p, d)
    up = rounding == "ceil" and (free // s + 1) * s < size + both_ends(p)[0]
    return round_div(free, s, up) + 1


def _fixed(size: int, k: int, s: int, p: Around, d: int, rounding: str) -> Slide:
    """Pad as the layer says."""
    before, after = both_ends(p)
    return Slide(size, windows(size, k, s, p, d, rounding), k, s, d, before, after)


def _causal(size: int, k: int, s: int, d: int) -> Slide:
    """Pad before the axis alone, so that an output sees nothing behind its own place: van den Oord et al. 2016, section 2.1."""
    return Slide(size, ceil_div(size, s), k, s, d, worked_out(d * (k - 1)), 0)


def _same(size: int, k: int, s: int, d: int) -> Slide:
    """Pad as SAME of TensorFlow and SAME_UPPER of ONNX do: out = ceil(W/S), an odd zero goes to the end."""
    out = ceil_div(size, s)
    zeros = largest(0, (out - 1) * s + span(k, d) - size)
    return Slide(size, out, k, s, d, zeros // 2, zeros - zeros // 2)


_BY_WORD = {"same": _same, "causal": _causal}
"""The words for padding that depends on more than themselves."""


class Windowed(Op):
    """A layer whose window slides over a map. Without a stride the window moves by its own size."""

    takes = (Map,)
    letter = "k"
    """The argument that is the size of the window."""
    s = None  # type: Any
    p = 0  # type: Any
    d = 1  # type: Any
    round = "exact"  # type: Any

    def kernel(self, x: Map) -> tuple[int, ...]:
        """The size of the window along each axis."""
        return per_axis(getattr(self, self.letter), len(x.spatial))

    def filters(self, x: Map) -> int:
        """The number of output channels."""
        return x.channels

    def takes_padding(self, p: Around, k: int) -> bool:
        """Whether the layer takes a padding of p for a window of k."""
        return "p" in self.fields or p == 0

    def by_word(self) -> Callable[[int, int, int, int], Slide] | None:
        """How a word pads an axis of a size for a kernel, a stride and a dilation; None where `p` is no such word."""
        return _BY_WORD.get(self.p) if isinstance(self.p, str) else None

    def axes(self, x: Map) -> Iterator[tuple[int, int, int, Around, int]]:
        """List the size of the input, kernel, stride, padding and dilation of each axis, as written; a word counts as no padding.

        Padding that differs at the two ends is a pair.
        """
        rank, kernel = len(x.spatial), self.kernel(x)
        strides = kernel if self.s is None else per_axis(self.s, rank)
        padding = (0,) * rank if isinstance(self.p, str) else margins(self.p, rank)
        return zip(x.spatial, kernel, strides, padding, per_axis(self.d, rank), strict=True)

    def window(self, x: Map) -> tuple[Slide, ...]:
        return self.slides(self.axes(x))

    def slides(self, axes: Iterable[tuple[int, int, int, Around, int]]) -> tuple[Slide, ...]:
        """How the window slides along axes, each as `axes` lists it."""
        if (pads := self.by_word()) is not None:
            return tuple([pads(size, k, s, d) for size, k, s, _, d in axes])
        return tuple([_fixed(*axis, self.round) for axis in axes])

    def check(self, x: Map) -> None:
        check_axes(self, len(x.spatial), **{self.letter: 1, "s": 1, "p": 0, "d": 1})
        pads = self.by_word()
        if pads is _causal and len(x.spatial) > 1:
            message = f"`p=causal` pads before a sequence, and {describe(x)} has {len(x.spatial)} axes"
            raise Misfit("A206", message, argument="p", help_="write `p=same`, or pad each axis: `pad h=2:0 w=1:1`")
        for at, (size, k, s, p, d) in enumerate(self.axes(x) if pads is None else ()):
            free = room(size, k, p, d)
            if free < 0 or (self.round == "exact" and free % s) or not self.takes_padding(p, k):
                raise self._misfit(x, at)

    def output(self, x: Map) -> Type:
        return Map(tuple([slide.out for slide in self.window(x)]), self.filters(x))

    def reach(self, x: Map) -> Field_:
        return tuple([slide.reach for slide in self.window(x)])

    def kept(self, x: Map, y: Map) -> Kept:
        """Its input, or the copy with zeros around it that padding makes which a layer cannot pad by itself."""
        slides = self.window(x)
        copied = any(self.pads_a_copy(slide) for slide in slides)
        numbers = product([slide.padded for slide in slides]) * x.channels
        return Kept(numbers=numbers) if copied else Kept(input=True)

    def pads_a_copy(self, slide: Slide) -> bool:
        """Whether PyTorch pads a copy of the input for this window."""
        return slide.before != slide.after + slide.overhang

    def has_no_effect(self, argument: str, x: Map) -> bool:
        return argument == "round" and all(slide.rest == 0 for slide in self.window(x))

    def same_size_padding(self, x: Map) -> str | None:
        """(F - 1)/2, or `same` where that is uneven; None where the window strides, or takes no padding."""
        slides = self.window(x)
        if "p" not in self.fields or any(slide.s > 1 for slide in slides):
            return None
        margins = [slide.d * (slide.k - 1) for slide in slides]
        if any(margin % 2 for margin in margins):
            return "same"
        return show(margins[0] // 2 if len(set(margins)) == 1 else tuple(margin // 2 for margin in margins))

    # what is wrong where a window does not fit

    def _misfit(self, x: Map, at: int) -> Misfit:
        rules = self.s is None, self.round == "exact", self.takes_padding
        axes = [Axis(name, *numbers, *rules) for name, numbers in zip(AXES[len(x.spatial)], self.axes(x), strict=True)]
        axis = axes[at]
        if not axis.allowed(axis.p, axis.k):
            return Misfit.late("A204", "p", partial(self._too_much, axes, at))
        if axis.room < 0:
            return Misfit.late("A202", self.letter, partial(self._too_large, axes, at))
        return Misfit.late("A203", "", partial(self._no_fit, axes, at))

    def _too_much(self, axes: list[Axis], at: int) -> Misfit:
        p, k = axes[at].p, axes[at].k
        message = f"padding {p} is more than half the window of {k}"
        if isinstance(p, tuple):
            message = f"padding {max(p)} at one end is as wide as the window of {k}, or wider"
        notes = ["a window could lie in the padding alone"]
        return Misfit("A204", message, argument="p", notes=notes, ways=[less_padding(axes), "p=same"])

    def _too_large(self, axes: list[Axis], at: int) -> Misfit:
        axis = axes[at]
        window = f"{axis.k}" if axis.d == 1 else f"{axis.span} ({axis.d}*({axis.k} - 1) + 1)"
        return Misfit(
            "A202",
            f"a window of {window} is larger than the {axis.name} of {axis.whole}",
            argument=self.letter,
            notes=[f"{_rule(axis)} is below 1"],
            ways=[smaller_window(self.letter, axes), more_padding(axes)],
            axis=at,
            sizes=(axis.size - axis.room,),
        )

    def _no_fit(self, axes: list[Axis], at: int) -> Misfit:
        axis = axes[at]
        size, rest = axis.size, axis.room % axis.s
        lines = {"height": "row", "width": "column"}.get(axis.name, "slice") + ("s" if rest > 1 else "")
        notes = [f"{rest:,} {lines} at the end would never be read"]
        if axis.d > 1:
            notes.insert(0, f"the window spans {axis.d}*({axis.k} - 1) + 1 = {axis.span}")
        return Misfit(
            "A203",
            f"{axis.name} {_rule(axis)} = {decimal(axis.room / axis.s + 1)} does not fit",
            notes=notes,
            help_=f"PyTorch and Keras round down here: `{'' if 'round' in self.given else 'default '}round=floor`",
            ways=[more_padding(axes), "round=ceil to let the last window overhang"],
            label=f"{size} does not divide into steps of {axis.s}",
            settings=[way for way in ("round=floor", more_padding(axes), "round=ceil") if way],
            axis=at,
            sizes=(size - rest, size + axis.s - rest),
        )


def _rule(axis: Axis) -> str:
    """Write the size rule as the lectures do, without padding where there is none."""
    size, k, s, p, d = spell(axis[1:6])
    count: Any = windows(size, k, s, p if axis.p else 0, d)
    return str(count.text(LECTURE))
