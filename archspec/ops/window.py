"""Windows that slide over axes: the size rule that convolution and pooling share.

out = (W - F + 2P)/S + 1 with F = D*(K - 1) + 1; Dumoulin & Visin 2016, relationships 6 and 15; CS231n, "Spatial arrangement".
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from archspec.ops.base import Misfit, Reach, per_axis, show, sliding
from archspec.ops.declare import Rule
from archspec.ops.fitting import Axis, less_padding, more_padding, smaller_window
from archspec.types import AXES

Padding = Annotated[
    int | tuple[int, ...] | Literal["same", "valid"], Rule("a whole number of at least 0, a size such as 2x1, same or valid")
]
Rounding = Annotated[Literal["exact", "floor", "ceil"], Rule("exact, floor or ceil")]


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
        return sliding(-self.before, self.d * (self.k - 1) - self.before, self.s, self.d)


class Window(NamedTuple):
    """The arguments of a sliding window, as written; `letter` is what the layer calls its size (k or w).

    Without a stride it is as large as the window.
    """

    letter: str
    k: int | tuple[int, ...]
    s: int | tuple[int, ...] | None
    p: int | tuple[int, ...] | str
    d: int | tuple[int, ...] = 1
    rounding: str = "exact"
    padding: Literal["any", "half", "none"] = "any"
    """How much padding the layer takes: at most half the window is what PyTorch demands of pooling."""
    asked: bool = False
    """Whether the rounding is written or set by a default, which no further default changes."""

    def slides(self, spatial: tuple[int, ...]) -> tuple[Slide, ...]:
        """The window on each axis. Raises Misfit."""
        rank = len(spatial)
        ks = per_axis(self.k, rank, self.letter, least=1)
        ss = ks if self.s is None else per_axis(self.s, rank, "s", least=1)
        ds = per_axis(self.d, rank, "d", least=1)
        if self.p == "same":
            return tuple(_same(*axis) for axis in zip(spatial, ks, ss, ds, strict=True))
        ps = (0,) * rank if isinstance(self.p, str) else per_axis(self.p, rank, "p", least=0)
        axes = [Axis(AXES[rank][i], spatial[i], ks[i], ss[i], ps[i], ds[i], self.s is None) for i in range(rank)]
        return tuple(self.slide(axes, at) for at in range(rank))

    def slide(self, axes: Sequence[Axis], at: int) -> Slide:
        axis = axes[at]
        _, size, k, s, p, d, _ = axis
        if self.padding == "half" and p > k // 2:
            raise self.too_much(axes, at)
        if axis.room < 0:
            raise self.too_large(axes, at)
        steps, rest = axis.room // s, axis.room % s
        if rest and self.rounding == "exact":
            raise self.no_fit(axes, at)
        shown = f"({size} - {axis.span} + 2*{p})/{s} + 1"
        if not rest:
            return Slide(size, steps + 1, k, s, d, p, p, f"{shown} = {steps + 1}")
        exact = _decimal(axis.room / s + 1)
        if self.rounding == "ceil" and (steps + 1) * s < size + p:
            return Slide(size, steps + 2, k, s, d, p, p, f"{shown} = {exact}, rounded up to {steps + 2}")
        return Slide(size, steps + 1, k, s, d, p, p, f"{shown} = {exact}, rounded down to {steps + 1}")

    def takes(self, p: int, k: int) -> bool:
        """Whether the layer takes a padding for a window."""
        return self.padding == "any" or p == 0 or (self.padding == "half" and p <= k // 2)

    def too_much(self, axes: Sequence[Axis], at: int) -> Misfit:
        message = f"padding {axes[at].p} is more than half the window of {axes[at].k}"
        less = less_padding(axes, self.rounding == "exact", self.takes)
        ways = [*([less] if less else []), "p=same"]
        return Misfit("A204", message, argument="p", notes=["a window could lie in the padding alone"], ways=ways)

    def too_large(self, axes: Sequence[Axis], at: int) -> Misfit:
        name, size, k, s, p, d, _ = axis = axes[at]
        window = f"{k}" if d == 1 else f"{axis.span} ({d}*({k} - 1) + 1)"
        padded = f"{size}" if p == 0 else f"{size} + 2*{p} = {size + 2 * p}"
        exact = self.rounding == "exact"
        ways = [smaller_window(self.letter, axes, exact, self.takes), more_padding(axes, exact, self.takes)]
        return Misfit(
            "A202",
            f"a window of {window} is larger than the {name} of {padded}",
            argument=self.letter,
            notes=[f"{_plain(size, axis.span, p, s)} is below 1"],
            ways=list(filter(None, ways)),
            axis=at,
            sizes=(axis.span - 2 * p,),
        )

    def no_fit(self, axes: Sequence[Axis], at: int) -> Misfit:
        name, size, k, s, p, d, _ = axis = axes[at]
        rest = axis.room % s
        lines = {"height": "row", "width": "column"}.get(name, "slice") + ("s" if rest > 1 else "")
        notes = [f"{rest:,} {lines} at the end would never be read"]
        if d > 1:
            notes.insert(0, f"the window spans {d}*({k} - 1) + 1 = {axis.span}")
        padding = more_padding(axes, True, self.takes)
        ways = [padding] if padding else []
        ways.append("round=ceil to let the last window overhang")
        return Misfit(
            "A203",
            f"{name} {_plain(size, axis.span, p, s)} = {_decimal(axis.room / s + 1)} does not fit",
            notes=notes,
            help_=f"PyTorch and Keras round down here: `{'' if self.asked else 'default '}round=floor`",
            ways=ways,
            label=f"{size} does not divide into steps of {s}",
            axis=at,
            sizes=(size - rest, size + s - rest),
        )


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
