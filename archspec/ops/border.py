"""Borders of maps: what is put around them, and what is cut away."""

from typing import Annotated, Any

from archspec.ops.base import Field_, Kept, Misfit, Op, check_axes, per_axis, show, sliding
from archspec.ops.declare import Border, Edge, Edges, Ends, Like, OwnEdge, Rule, is_range
from archspec.ops.edges import KEPT, both_ends, check_border, in_all, margins
from archspec.ops.targets import check_target, target
from archspec.types import AXES, Map, Type, describe

Piece = Annotated[
    int | tuple[int, ...] | Ends | None, Rule("a whole number of at least 1, a size such as 5x3, or a range of positions such as 31:531")
]


class Pad(Op):
    """Numbers around a map: p on both sides of each axis, c channels of zeros before and after; A:B are A before and B behind.

    `h`, `w` and `d` are those of one axis. The border holds zeros, the map mirrored (reflect), its last number again (edge), or its
    other side (wrap).

    Shape:   (*S, C) -> (*S + p_before + p_after, C + c_before + c_after)
    Source:  torch.nn.functional.pad; He et al. 2015, option A (channels).
    """

    positional = ("p",)
    takes = (Map,)

    p: Edges = 0
    c: Edge = 0
    h: OwnEdge = None
    w: OwnEdge = None
    d: OwnEdge = None
    mode: Border = "zero"

    def own(self) -> dict[str, Any]:
        """The axes that have edges of their own, by letter."""
        return {letter: edge for letter in "dhw" if (edge := getattr(self, letter)) is not None}

    def edges(self, x: Map) -> tuple[Any, ...]:
        """What stands around each axis: a number for both ends, or a pair."""
        if not (own := self.own()):
            return margins(self.p, len(x.spatial))
        return tuple([margins(own.get(name[0], 0), 1)[0] for name in AXES[len(x.spatial)]])

    def around(self, x: Map) -> tuple[tuple[int, int], ...]:
        """What stands before and after each axis."""
        return tuple([both_ends(edge) for edge in self.edges(x)])

    def check(self, x: Map) -> None:
        names, own = AXES[len(x.spatial)], self.own()
        check_axes(self, len(x.spatial), p=0)
        check_axes(self, 1, c=0, d=0, h=0, w=0)
        for letter in own:
            if letter not in [name[0] for name in names]:
                message = f"{describe(x)} has no axis `{letter}`"
                raise Misfit("A206", message, argument=letter, help_=f"it has {' and '.join(f'{name[0]} ({name})' for name in names)}")
            if self.p != 0:
                message = f"`{letter}` is the edge of one axis, and `{show(self.fields['p'].ranged(self.p))}` that of all"
                raise Misfit("A105", message, argument=letter, help_="give each axis its own: `pad h=0:1 w=2:3`")
        if self.mode != "zero" and any(both_ends(margins(self.c, 1)[0])):
            raise Misfit(
                "A105", f"`mode={self.mode}` pads space, and channels hold zeros", argument="c", help_="write another `pad c=` after it"
            )
        check_border(self.mode, x.spatial, self.around(x), "" if own else "p")

    def output(self, x: Map) -> Type:
        sizes = [size + in_all(edge) for size, edge in zip(x.spatial, self.edges(x), strict=True)]
        return Map(tuple(sizes), x.channels + in_all(margins(self.c, 1)[0]))

    def kept(self, x: Map, y: Map) -> Kept:
        return Kept(input=self.mode in KEPT)

    def reach(self, x: Map) -> Field_:
        return tuple([sliding(-before, -before, 1) for before, _ in self.around(x)])


class Crop(Op):
    """The middle of a map; an odd remainder is cut from the end. Of a range A:B, the positions from A up to, not including, B.

    `to` takes the size of another value.

    Shape:   (*S, C) -> (*size, C);  A:B gives B - A along each axis
    Source:  Ronneberger et al. 2015, "copy and crop".
    """

    keeps = ""
    positional = ("size",)
    takes = (Map,)

    size: Piece = None
    to: Like = None

    def pieces(self, x: Map) -> tuple[tuple[int, int], ...]:
        """The first position of each axis that is kept, and how many are."""
        size, rank = target(self), len(x.spatial)
        if is_range(size):
            return tuple([(start, stop - start) for start, stop in margins(size, rank)])
        return tuple([((whole - kept) // 2, kept) for whole, kept in zip(x.spatial, per_axis(size, rank), strict=True)])

    def check(self, x: Map) -> None:
        size = check_target(self, x)
        shown = "x".join(map(str, x.spatial))
        if is_range(size):
            (start, stop) = size[0]
            if not 0 <= start < stop <= min(x.spatial):
                message = f"{start}:{stop} is no range of the positions 0:{min(x.spatial)} of {describe(x)}"
                raise Misfit("A208", message, argument="size", help_="from A up to, not including, B, along every axis")
            return
        if any(kept > whole for kept, whole in zip(per_axis(size, len(x.spatial)), x.spatial, strict=True)):
            message = f"cannot crop {shown} to {'x'.join(map(str, per_axis(size, len(x.spatial))))}: the piece is larger than the map"
            raise Misfit("A208", message, argument="size" if self.to is None else "to", help_=f"use {shown} or less")

    def output(self, x: Map) -> Type:
        return Map(tuple([kept for _, kept in self.pieces(x)]), x.channels)

    def reach(self, x: Map) -> Field_:
        return tuple([sliding(start, start, 1) for start, _ in self.pieces(x)])
