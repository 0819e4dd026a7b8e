"""The table of the operators of ATen that are read: a row is registered with the names that ATen has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import viewed
from archspec.imports.views import View

Row = Callable[..., Any]


class Stacked(NamedTuple):
    """Tensors on a new axis of their own, at this place."""

    parts: tuple[View, ...]
    dim: int


class Final(NamedTuple):
    """The final states of a recurrent layer (layers and directions, batch, n), which become a layer where they are used.

    That layer gives the last state alone, unless `outputs` (batch, positions, n of each direction) are used too, which have it.
    """

    site: Site
    step: str
    tokens: int
    stored: dict[str, Stored]
    given: dict[str, Any]
    outputs: View | None
    made: dict[int, View]
    """The layer once it is there, by its value."""

    def direction(self, r: Any, index: int) -> View:
        """The final state (batch, n) of one layer and direction. Raises Unsaid where it is not of the last layer."""
        dirs, count = self.given["dirs"], self.given["layers"] * self.given["dirs"]
        at = index % count - (count - dirs)
        if at < 0:
            raise Unsaid("it takes the final state of a layer that is not the last")
        if self.outputs is None and not self.made:
            r.flat.release(self.site.key)
            value = r.flat.step(self.site, self.step, self.tokens, stored=self.stored, out="last", **self.given)
            self.made[value] = r.of(value)
        x = self.outputs if self.outputs is not None else next(iter(self.made.values()))
        parts = viewed(x.dims[-1:], (dirs, self.given["n"])) or ((), ())
        x = r.select(x._replace(dims=(*x.dims[:-1], *parts)), len(x.dims) - 1, at)
        return r.select(x, 1, 0 if at else -1) if self.outputs is not None else x  # type: ignore[no-any-return]

    def whole(self, r: Any) -> View | Stacked:
        """The final states as a tensor. Raises Unsaid where there are several layers."""
        if self.given["layers"] > 1:
            raise Unsaid("it takes the final states of all layers")
        parts = tuple([self.direction(r, at) for at in range(self.given["dirs"])])
        return Stacked(parts, 0) if len(parts) > 1 else parts[0]._replace(dims=((), *parts[0].dims))


ROWS: dict[str, Row] = {}


TAKES: dict[str, tuple[type, ...]] = {}
"""What the first argument of an operator may be besides a tensor of the network."""


def row(*names: str, takes: tuple[type, ...] = ()) -> Callable[[Row], Row]:
    """Register a row, and what it takes as `x` besides a view."""

    def add(function: Row) -> Row:
        ROWS.update(dict.fromkeys(names, function))
        TAKES.update(dict.fromkeys(names, takes))
        return function

    return add


def spread(values: Any, axes: int) -> list[int]:
    """A number per axis, of which PyTorch may have one for all."""
    found: list[int] = [*values] if isinstance(values, (list, tuple)) else [values]
    return found * axes if len(found) == 1 else found
