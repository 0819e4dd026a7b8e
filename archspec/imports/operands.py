"""The values that attention reads besides one with queries, keys and values: these apart, angles, and what is added to the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.imports.flat import Site, Unsaid
from archspec.imports.layout import joined, size, viewed
from archspec.imports.rolling import Rolling
from archspec.imports.stored import Held
from archspec.imports.views import View
from archspec.types import Map, Tokens, Vector


class Operands(Rolling):
    """Tensors that attention reads."""

    def in_heads(self, site: Site, x: View, dim: int) -> View:
        """A tensor whose positions, its dimension `dim`, and heads lie otherwise as one of tokens with the heads side by side. Raises Unsaid."""
        order = (0, dim, 3 - dim, 3)
        batch, places, heads, own = (x.dims[at] for at in order)
        tokens = self.of(self.settle(site, x._replace(dims=(batch, places, joined([heads, own]))), "tokens"))
        parts = viewed(tokens.dims[-1:], (x.sizes[3 - dim], x.sizes[-1]))
        if parts is None:
            raise Unsaid("its heads are parted from one another")
        dims = (tokens.dims[0], tokens.dims[1], *parts)
        return tokens._replace(dims=tuple([dims[order.index(at)] for at in range(4)]))

    def angles(self, site: Site, q: View) -> tuple[int, ...]:
        """The value that has the angles by which positions turn queries; none where these are computed."""
        table = q.rope.table if q.rope is not None else None
        return () if table is None else (table if isinstance(table, int) else self.tensor(site, table, Tokens(*table.shape)),)

    def _added(self, site: Site, bias: View, shape: Map) -> int:
        """What is added to scores as the value that attention reads. Raises Unsaid where its axes are others."""
        dims = (*((),) * (4 - len(bias.dims)), *bias.dims)
        found = self.settle(site, bias._replace(dims=dims), "map")
        if self.flat.type_of(found) != shape:
            raise Unsaid(f"it adds {'x'.join(map(str, bias.sizes))} to the scores of {shape.channels} heads")
        return found

    def operands(
        self,
        site: Site,
        parts: tuple[View, View, View],
        packed: int | None,
        angles: tuple[int, ...],
        bias: Held | View | None,
        given: dict[str, Any],
    ) -> list[int]:
        """The values that attention reads: queries, keys and values as tokens, or one with all, angles, and a bias; says in `given` which."""
        q, k, _ = parts
        found = [packed] if packed is not None else []
        if packed is None:
            rows = [View(one.value, (one.dims[0], one.dims[2], joined([one.dims[1], one.dims[3]])), one.fixed) for one in parts]
            found = self._places(site, rows[:1]) + self._places(site, rows[1:])
            given |= {"k": True, "v": True}
        found += angles
        if bias is not None:
            shape = Map((size(q.dims[2]), size(k.dims[2])), given["heads"])
            found.append(self.tensor(site, bias, shape) if isinstance(bias, Held) else self._added(site, bias, shape))
            given |= {"rel": True}
        return found

    def _places(self, site: Site, rows: Sequence[View]) -> list[int]:
        """Tensors (positions, channels) of the same positions as maps where these are all of a map, each in its place, else as tokens."""
        maps = not any(isinstance(self.flat.type_of(row.value), Vector) for row in rows)
        if maps and all(row.dims[:2] == self.placed(row.value)[:2] and len(own := row.dims[2]) == 1 and own[0].axis == "c" for row in rows):
            rows = [self.cut(site, row) for row in rows]
            if all(row.dims == self.placed(row.value) for row in rows):
                return [row.value for row in rows]
        return [self.settle(site, row, "tokens") for row in rows]
