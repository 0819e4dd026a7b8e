"""Maps whose positions are moved around along their axes, as shifted windows do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from archspec.imports.flat import Site, Unsaid
from archspec.imports.layout import axes_of
from archspec.imports.reducing import Reducing
from archspec.imports.views import View
from archspec.types import Map


class Rolled(NamedTuple):
    """What a value is when it is not rolled, and how far it was along each axis."""

    source: int
    shifts: tuple[int, ...]


class Rolling(Reducing):
    """Tensors of which some were rolled."""

    def __init__(self, flat: Any, batch: int) -> None:
        super().__init__(flat, batch)
        self._rolled: dict[int, Rolled] = {}

    def roll(self, site: Site, x: View, shifts: Mapping[int, int]) -> View:
        """A map whose positions are moved along dimensions, what leaves it at one end coming in at the other."""
        x = self.cut(site, x)
        type_ = self.flat.type_of(x.value)
        letters = axes_of(type_)[1:] if isinstance(type_, Map) else ""
        axes = {x.dims[dim]: shift for dim, shift in shifts.items()}
        own = tuple([axes.pop(self.axis(x.value, axis), 0) for axis in letters])
        if axes or not letters:
            raise Unsaid("it rolls what is no axis of a map")
        return x._replace(value=self.rolled(site, x.value, own))

    def rolled(self, site: Site, value: int, shifts: tuple[int, ...]) -> int:
        """A value whose positions are moved along its axes."""
        rolled = self._rolled.get(value)
        if rolled is not None:  # along one axis after the other, or back
            value, shifts = rolled.source, tuple([a + b for a, b in zip(shifts, rolled.shifts, strict=True)])
        sides = self.flat.type_of(value).shape
        shifts = tuple([(shift + side // 2) % side - side // 2 for shift, side in zip(shifts, sides, strict=False)])
        if not any(shifts):
            return value
        found = self.flat.custom(
            site._replace(operator="aten.roll", key=""),
            value,
            out=self.flat.type_of(value),
            why="the language has no layer for it",
            places=(shifts, tuple(range(2, 2 + len(shifts)))),
        )
        self._rolled[found] = Rolled(value, shifts)
        return found
