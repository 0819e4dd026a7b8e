"""Windows that slide over axes: the size rule that convolution and pooling share.

out = (W - F + 2P)/S + 1 with F = D*(K - 1) + 1; Dumoulin & Visin 2016, relationships 6 and 15; CS231n, "Spatial arrangement".
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from archspec.ops.base import Misfit, Reach, per_axis, show
from archspec.types import AXES

Padding = Annotated[
    int | tuple[int, ...] | Literal["same", "valid"], Field(description="a whole number of at least 0, a size such as 2x1, same or valid")
]
Rounding = Annotated[Literal["exact", "floor", "ceil"], Field(description="exact, floor or ceil")]


class Slide(NamedTuple):
    """A window on one axis: sizes, the padding before and after, and the formula that gave the output size.

    With `ceil` the last window may overhang the padded input; `after` does not count that overhang.
    """

    size: int
    out: int
    k: int
    s: int
    d: int
    before: int
    after: int
    formula: str

    @property
    def exact(self) -> bool:
        """Whether the window ends with the padded input, so that nothing is rounded."""
        return (self.out - 1) * self.s + self.d * (self.k - 1) + 1 == self.size + self.before + self.after

    @property
    def overhang(self) -> int:
        """How far the last window reaches beyond the padded input, where the size was rounded up."""
        return max(0, (self.out - 1) * self.s + self.d * (self.k - 1) + 1 - self.size - self.before - self.after)

    @property
    def blind(self) -> int | None:
        """The first output whose window reads the padding alone, or None where there is none.

        Only a step between the elements of a window that is larger than the input can leap over it.
        """
        first = -self.before % self.d
        if self.d <= self.size or not self.before:
            return None
        # The first element at or behind 0 moves on with the window, from `first` until it leaves the input; what starts at 0 reads it.
        at = max(0, -(-(self.size - first) // self.s))
        return at if at < self.out and first + at * self.s < self.d and at * self.s < self.before else None

    @property
    def reach(self) -> Reach:
        return Reach(-self.before, self.d * (self.k - 1) - self.before, self.s)


class Window(NamedTuple):
    """The arguments of a sliding window, as written; `letter` is what the layer calls its size (k or w)."""

    letter: str
    k: int | tuple[int, ...]
    s: int | tuple[int, ...]
    p: int | tuple[int, ...] | str
    d: int | tuple[int, ...] = 1
    rounding: str = "exact"
    padding: Literal["any", "half", "none"] = "any"
    """How much padding the layer takes: at most half the window is what PyTorch demands of pooling."""

    def slides(self, spatial: tuple[int, ...]) -> tuple[Slide, ...]:
        """The window on each axis. Raises Misfit."""
        rank = len(spatial)
        ks = per_axis(self.k, rank, self.letter, least=1)
        ss = per_axis(self.s, rank, "s", least=1)
        ds = per_axis(self.d, rank, "d", least=1)
        if self.p == "same":
            return tuple(_same(*axis) for axis in zip(spatial, ks, ss, ds, strict=True))
        ps = (0,) * rank if isinstance(self.p, str) else per_axis(self.p, rank, "p", least=0)
        names = AXES[rank]
        return tuple(self.slide(names[i], spatial[i], ks[i], ss[i], ps[i], ds[i]) for i in range(rank))

    def slide(self, axis: str, size: int, k: int, s: int, p: int, d: int) -> Slide:
        span = d * (k - 1) + 1
        if self.padding == "half" and p > k // 2:
            message = f"padding {p} is more than half the window of {k}"
            raise Misfit(
                "A204",
                message,
                argument="p",
                notes=["a window could lie in the padding alone"],
                help_=f"use p={k // 2} or less, or p=same",
            )
        room = size - span + 2 * p
        shown = f"({size} - {span} + 2*{p})/{s} + 1"
        if room < 0:
            raise self.too_large(axis, size, k, s, p, d)
        steps, rest = divmod(room, s)
        if rest and self.rounding == "exact":
            raise self.no_fit(axis, size, k, s, p, d)
        if not rest:
            return Slide(size, steps + 1, k, s, d, p, p, f"{shown} = {steps + 1}")
        exact = _decimal(room / s + 1)
        if self.rounding == "ceil" and (steps + 1) * s < size + p:
            return Slide(size, steps + 2, k, s, d, p, p, f"{shown} = {exact}, rounded up to {steps + 2}")
        return Slide(size, steps + 1, k, s, d, p, p, f"{shown} = {exact}, rounded down to {steps + 1}")

    def takes(self, p: int | None, k: int) -> bool:
        """Whether there is such a padding, and the layer takes it."""
        return p is not None and (self.padding == "any" or (self.padding == "half" and p <= k // 2))

    def too_large(self, axis: str, size: int, k: int, s: int, p: int, d: int) -> Misfit:
        span = d * (k - 1) + 1
        window = f"{k}" if d == 1 else f"{span} ({d}*({k} - 1) + 1)"
        padded = f"{size}" if p == 0 else f"{size} + 2*{p} = {size + 2 * p}"
        need = (span - size + 1) // 2
        fits = _fitting(size, span, need - 1, s) if self.rounding == "exact" else need
        more = f", or p={fits}" if self.takes(fits, k) else ""
        help_ = f"use {self.letter}={size + 2 * p} or less{more}" if d == 1 else f"use a smaller d or {self.letter}{more}"
        return Misfit(
            "A202",
            f"a window of {window} is larger than the {axis} of {padded}",
            argument=self.letter,
            notes=[f"{_plain(size, span, p, s)} is below 1"],
            help_=help_,
        )

    def no_fit(self, axis: str, size: int, k: int, s: int, p: int, d: int) -> Misfit:
        span = d * (k - 1) + 1
        room = size - span + 2 * p
        rest = room % s
        lines = {"height": "row", "width": "column"}.get(axis, "slice") + ("s" if rest > 1 else "")
        notes = [f"{rest} {lines} at the end would never be read"]
        if d > 1:
            notes.insert(0, f"the window spans {d}*({k} - 1) + 1 = {span}")
        fits = _fitting(size, span, p, s)
        ways = [f"p={fits}"] if self.takes(fits, k) else []
        ways += [
            f"an input of {size - rest} or {size + s - rest}",
            f"round=floor to drop {'it' if rest == 1 else 'them'}",
            "round=ceil to let the last window overhang",
        ]
        message = f"{axis} {_plain(size, span, p, s)} = {_decimal(room / s + 1)} does not fit"
        return Misfit(
            "A203",
            message,
            notes=notes,
            help_="use " + ", ".join(ways[:-1]) + f", or {ways[-1]}",
            label=f"{size} does not divide into steps of {s}",
        )


def _fitting(size: int, span: int, p: int, s: int) -> int | None:
    """The least padding above p with which (size - span + 2p) divides by s, or None where no padding does."""
    need = span - size
    if s % 2 == 0:
        if need % 2:
            return None
        step, least = s // 2, need // 2 % (s // 2)
    else:
        step, least = s, need * ((s + 1) // 2) % s  # (s + 1)/2 is the inverse of 2
    return least + -(-(p + 1 - least) // step) * step


def _plain(size: int, span: int, p: int, s: int) -> str:
    """The size rule as the lectures write it, without padding where there is none."""
    pad = f" + 2*{p}" if p else ""
    return f"({size} - {span}{pad})/{s} + 1"


def _decimal(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _same(size: int, k: int, s: int, d: int) -> Slide:
    """SAME padding as TensorFlow and ONNX (SAME_UPPER) have it: out = ceil(W/S), an odd zero goes to the end."""
    out = -(-size // s)
    total = max(0, (out - 1) * s + d * (k - 1) + 1 - size)
    return Slide(size, out, k, s, d, total // 2, total - total // 2, f"ceil({size}/{s}) = {out}")


def formulas(slides: tuple[Slide, ...]) -> str:
    """The size rule of all axes: one formula where they agree, one an axis otherwise."""
    shown = [slide.formula for slide in slides]
    if len(set(shown)) == 1:
        return shown[0]
    return ", ".join(f"{name}: {formula}" for name, formula in zip(AXES[len(slides)], shown, strict=True))


def keeping(slides: tuple[Slide, ...]) -> str | None:
    """The padding, as written, with which windows keep the size: (F - 1)/2, or `same` where that is uneven; None where they stride."""
    if any(slide.s > 1 for slide in slides):
        return None
    margins = [slide.d * (slide.k - 1) for slide in slides]
    if any(margin % 2 for margin in margins):
        return "same"
    return show(margins[0] // 2 if len(set(margins)) == 1 else tuple(margin // 2 for margin in margins))


def times(*values: object) -> str:
    """A product with its numbers: 28*28*6."""
    parts: list[str] = []
    for value in values:
        parts += [show(item) for item in value] if isinstance(value, tuple) else [show(value)]
    return "*".join(parts)
