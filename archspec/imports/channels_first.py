"""Layers on tensors with the batch and the channels first, as PyTorch and ONNX have them, as layers of the language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from math import prod
from typing import Any

from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import Digit, Dim, joined, merged, numbered, size, viewed
from archspec.imports.sliding import Kernel as Kernel
from archspec.imports.sliding import Sliding, check_fit
from archspec.imports.sliding import sizes as sizes
from archspec.imports.stored import Held
from archspec.imports.views import View
from archspec.types import Map, Tokens, Type, Vector, is_line

_KINDS: dict[type, str] = {Map: "map", Tokens: "tokens", Vector: "vector"}
"""What `settle` calls the types."""


class Tensors(Sliding):
    """The layers that several frameworks share. Each method writes what it takes, and returns the tensor of the result. All raise Unsaid."""

    def __init__(self, flat: Flat, batch: int) -> None:
        super().__init__(flat, batch)
        self._concats: dict[tuple[int, ...], int] = {}

    # channels

    def along(self, site: Site, x: View, dim: int) -> View:
        """A tensor whose dimension `dim` is that of all channels, and whose others are positions; a layer over channels can take its value."""
        dim %= len(x.dims)
        x = x if x.fixed else self.cut(site, x)
        if (
            not x.fixed
            and x.dims[dim] == self.axis(x.value, "c")
            and not any(d.axis == "c" for at, one in enumerate(x.dims) if at != dim for d in one)
        ):
            return x
        order = [at for at in range(1, len(x.dims)) if at != dim]
        count = len(order)
        if count > 3 or any(digit.axis != "n" for digit in x.dims[0]):
            return self._in_a_row(site, x, dim)
        first = count > 1
        order = [dim, *order] if first else [*order, dim]
        moved = x._replace(dims=tuple([x.dims[at] for at in (0, *order)]))
        value = self.settle(site, moved, "map" if first else "tokens" if order[1:] else "")
        dims = self.of(value).dims
        return View(value, tuple([dims[[0, *order].index(at)] for at in range(len(x.dims))]))

    def slice(self, site: Site, x: View, dim: int, start: int, stop: int) -> View:
        """Numbers from `start` up to, not including, `stop` along a dimension; one within the channels, as those of a head, becomes the channels."""
        own = x.dims[dim]
        inner = dim > 1 and len(x.dims) == 4 and not x.fixed and x.dims[0] == self.of(x.value).dims[0]
        if inner and own != self.axis(x.value, "c") and all(digit.axis == "c" for digit in own) and (start, stop) != (0, size(own)):
            x = self.along(site, x, dim)
        return super().slice(site, x, dim, start, stop)

    def _in_a_row(self, site: Site, x: View, dim: int) -> View:
        """A tensor with all dimensions except one as tokens, those parts among them that stand beside the batch in its dimension."""
        batch = tuple([digit for digit in x.dims[0] if digit.axis == "n"])
        if x.dims[0][: len(batch)] != batch:
            raise Unsaid("it mixes the batch with other axes")
        others = [one for at, one in enumerate(x.dims) if at != dim]
        value = self.settle(site, x._replace(dims=(batch, joined(others)[len(batch) :], x.dims[dim])), "tokens")
        dims = [*numbered(others, "t")]
        return View(value, (*dims[:dim], self.axis(value, "c"), *dims[dim:]))

    def on_channels(
        self, site: Site, x: View, dim: int, step: str, *, stored: Mapping[str, Stored] | None = None, **arguments: Any
    ) -> View:
        """A layer over the channels of each position, which are dimension `dim`."""
        x = self.along(site, x, dim)
        value = self.flat.step(site, step, x.value, stored=stored, **arguments)
        dim %= len(x.dims)
        own = merged([Digit("c", self.flat.type_of(value).channels, 1)])
        return View(value, tuple([own if at == dim else one for at, one in enumerate(x.dims)]))

    def linear(self, site: Site, x: View, kernel: Kernel) -> View:
        """A product with a stored matrix (n, C) over the last dimension."""
        check_fit(kernel.shape[1], x.sizes[-1])
        step = "fc" if len(x.dims) == 2 and len(x.dims[1]) <= 1 and isinstance(self.flat.type_of(x.value), Vector) else "linear"
        if len(x.dims) == 2 and not (x.dims[1] == self.axis(x.value, "c") and x.dims[0] != self.of(x.value).dims[0]):
            x, step = self.of(self.settle(site, x, "vector")), "fc"
        return self.on_channels(site, x, -1, step, n=kernel.shape[0], bias=kernel.bias, stored=kernel.stored, **kernel.form)

    def pointwise(self, site: Site, x: View, step: str, **arguments: Any) -> View:
        """A layer over each number by itself."""
        x = self.cut(site, x)
        return x._replace(value=self.flat.step(site, step, x.value, **arguments))

    def softmax(self, site: Site, x: View, dim: int, step: str = "softmax") -> View:
        """A softmax along a dimension of channels or of tokens."""
        dim %= len(x.dims)
        x = self.cut(site, x)
        if isinstance(self.flat.type_of(x.value), Tokens) and x.dims[dim] == self.axis(x.value, "t"):
            return x._replace(value=self.flat.step(site, step, x.value, axis="t"))
        return self.on_channels(site, x, dim, step)

    # several values

    def number(self, site: Site, x: View, step: str, number: float) -> View:
        """Every number of a tensor plus, less or times one."""
        same = number == (1 if step == "mul" else 0)
        if step == "mul" and x.fixed:  # most often the scale of the queries, which attention has as a number of its own
            return x._replace(factor=x.factor * number)
        return x if same else self.pointwise(site, x, step, number=float(number))

    def merge(self, site: Site, step: str, x: View | Held, y: View | Held) -> View:
        """The sum, difference or product of two tensors, of which one may be stretched."""
        if isinstance(x, Held) or (isinstance(y, View) and (len(y.dims), prod(y.sizes[1:])) > (len(x.dims), prod(x.sizes[1:]))):
            if step == "sub":
                raise Unsaid("a difference whose first value is stretched or stored")
            x, y = y, x
        if isinstance(x, Held):
            raise Unsaid("it combines two stored tensors")
        if isinstance(y, Held):
            return self._with_held(site, step, x, y)
        y = y._replace(dims=(*((),) * (len(x.dims) - len(y.dims)), *y.dims))
        x, y = (self.cut(site, one) for one in (x, y))
        x, y = self._in_order(site, x, y), self._in_order(site, y, x)
        x, y = self._there_too(site, x, y), self._there_too(site, y, x)
        batches = {x.dims[0], y.dims[0]} - {()}
        if x.dims[1:] == y.dims[1:] and len(batches) < 2 and self.flat.type_of(x.value) == self.flat.type_of(y.value):
            value = self.flat.step(site, step, x.value, y.value)
            return x._replace(value=value, dims=(x.dims[0] or y.dims[0], *x.dims[1:]))
        if any(digit.axis != "n" for digit in x.dims[0]) or len(x.dims) > 5:
            return self._in_parts(site, step, x, y)
        groups = self._groups(x)
        if len(groups) < len(x.dims):
            joined_ = [one._replace(dims=tuple([joined(one.dims[a:b]) for a, b in groups])) for one in (x, y)]
            found = self.merge(site, step, *joined_)
            if found.dims == joined_[0].dims:
                return found._replace(dims=x.dims)
        order = self._order(x) or self._order(y) or list(range(len(x.dims)))
        x, y = (one._replace(dims=tuple([one.dims[at] for at in order])) for one in (x, y))
        value = self.settle(site, x)
        kind = _KINDS[type(self.flat.type_of(value))]
        found = self.of(self._stretched(site, step, value, self._spread(site, y, kind)))
        return found._replace(dims=tuple([found.dims[order.index(at)] for at in range(len(order))]))

    def _in_order(self, site: Site, x: View, y: View) -> View:
        """What lies in another order than its axes, beside a value `y` that does not, in that order; any other as it is."""
        order = self._order(x)
        if order is None or order == sorted(order) or y.dims != self.placed(y.value) or len(x.dims) != len(y.dims):
            return x
        return self.of(self.settle(site, x))

    def _there_too(self, site: Site, x: View, y: View) -> View:
        """Tokens, of which each is combined with a position of a map `y`, as a map like that; any other as it is."""
        type_ = self.flat.type_of(y.value)
        if (
            not isinstance(type_, Map)
            or len(type_.spatial) < 2
            or x.sizes != y.sizes
            or y.dims != self.placed(y.value)
            or x.dims != self.placed(x.value)
        ):
            return x
        at = viewed(x.dims[1:2], type_.spatial)
        if at is None or x.dims == y.dims:
            return x
        value = self.settle(site, x._replace(dims=(x.dims[0], x.dims[2], *at)), "map")
        return View(value, self.placed(value))

    def _in_parts(self, site: Site, step: str, x: View, y: View) -> View:
        """The sum, difference or product of tensors of which parts stand beside the batch: axes along which `y` is stretched are joined."""
        batch = tuple([digit for digit in x.dims[0] if digit.axis == "n"])
        count = len(batch)
        if x.dims[0][:count] != batch or (y.dims[0] and y.dims[0][:count] != batch):
            raise Unsaid("it mixes the batch with other axes")
        pairs = [(x.dims[0][count:], y.dims[0][count:]), *zip(x.dims[1:], y.dims[1:], strict=True)]
        groups: list[list[int]] = []
        for at, pair in enumerate(pairs):
            before = pairs[groups[-1][-1]] if groups else ()
            if groups and (not any(pair) or not any(before) or list(map(bool, pair)) == list(map(bool, before))):
                groups[-1].append(at)
            else:
                groups.append([at])
        if len(groups) == 1:
            groups = [groups[0][:-1], groups[0][-1:]]
        if len(groups) > 4:
            raise Unsaid("it stretches several axes that lie apart")
        kind = "tokens" if len(groups) == 2 else "map"
        values = []
        for side, whole in ((0, batch), (1, batch if y.dims[0] else ())):
            own = [joined([pairs[at][side] for at in group]) for group in groups]
            dims = (whole, *own) if kind == "tokens" else (whole, own[-1], *own[:-1])
            values.append(self.settle(site, (x, y)[side]._replace(dims=dims), kind))
        value = self._stretched(site, step, *values)
        letters = "tc" if kind == "tokens" else "dhw"[4 - len(groups) :] + "c"
        ends = [one for group, letter in zip(groups, letters, strict=True) for one in numbered([max(pairs[at]) for at in group], letter)]
        found = View(value, (joined([batch, ends[0]]), *ends[1:]))
        if prod(found.sizes[1:]) * size(ends[0]) != self.flat.type_of(value).size:
            raise Unsaid("it stretches both of its values")
        return found

    def _groups(self, x: View) -> list[tuple[int, int]]:
        """The ranges of dimensions that are a whole axis each, or one dimension by itself."""
        wholes = {dim for dim in self.of(x.value).dims if dim}
        found: list[tuple[int, int]] = []
        at = 0
        while at < len(x.dims):
            end = next(
                (end for end in range(len(x.dims), at + 1, -1) if joined(x.dims[at:end]) in wholes and () not in x.dims[at:end]), at + 1
            )
            found.append((at, end))
            at = end
        return found

    def _order(self, x: View) -> list[int] | None:
        """The order of dimensions in which a tensor is its value as it is stored; None where there is none."""
        plain = self.of(x.value).dims
        if len(plain) != len(x.dims) or () in x.dims or sorted(plain) != sorted(x.dims):
            return None
        return [x.dims.index(dim) for dim in plain]

    def _spread(self, site: Site, y: View, kind: str) -> int:
        """A value that is stretched: one vector suffices where all its positions are of size 1."""
        if (
            kind != "vector"
            and isinstance(self.flat.type_of(y.value), Vector)
            and y.dims[1 if kind == "map" else -1] == self.axis(y.value, "c")
        ):
            return y.value
        return self.settle(site, y, kind)

    def _with_held(self, site: Site, step: str, x: View, y: Held) -> View:
        """A tensor combined with a stored one."""
        dims: tuple[Dim, ...] = (*((),) * (len(x.dims) - len(y.dims)), *y.dims)
        if len(dims) > len(x.dims) or dims[0]:
            raise Unsaid(f"the stored tensor `{y.name}` of {'x'.join(map(str, y.shape)) or 'one number'} is no value of one image")
        x = self.cut(site, x)
        alone = step == "mul" and y.learned and not y.again
        if y.shape in ((), (1,)) and alone:
            given = {"shared": True, **({"flat": True} if y.shape else {}), **self._start(y)}
            return x._replace(value=self.flat.step(site._replace(key=y.key), "scale", x.value, **given, stored={"": Stored((y.name,))}))
        spread = [at for at, dim in enumerate(dims) if dim]
        if len(spread) == 1 and x.dims[spread[0]] == self.axis(x.value, "c"):  # one number per channel, wherever the channels are
            type_ = self.flat.type_of(x.value)
            beside = (1,) * len(type_.spatial) if isinstance(type_, Map) else ()
            if alone and y.shape in ((type_.channels,), (type_.channels, *beside)):
                given = {**({"flat": True} if len(y.shape) <= len(beside) else {}), **self._start(y)}
                return x._replace(value=self.flat.step(site._replace(key=y.key), "scale", x.value, **given, stored={"": Stored((y.name,))}))
            ones = type_._replace(spatial=(1,) * len(type_.spatial)) if isinstance(type_, Map) else Vector(type_.channels)
            return x._replace(value=self._stretched(site, step, x.value, self.tensor(site, y, ones)))
        order = self._order(x) if len(spread) < 2 else None  # of several axes the tensor has an order of its own
        if order is not None and order != sorted(order):
            moved = x._replace(dims=tuple([x.dims[at] for at in order]))
            found = self._with_held(site, step, moved, y._replace(dims=tuple([dims[at] for at in order])))
            return found._replace(dims=tuple([found.dims[order.index(at)] for at in range(len(order))]))
        value = self.settle(site, x)
        type_ = self.flat.type_of(value)
        own = [size(dim) for dim in dims[1:]]
        if isinstance(type_, Tokens) and step == "add" and y.learned and not y.again and y.shape == (1, *type_.shape):
            return self.of(self.flat.step(site._replace(key=y.key), "pos", value, stored={"": Stored((y.name,))}))
        shape: Type = (
            Map(tuple(own[1:]), own[0]) if isinstance(type_, Map) else Tokens(*own) if isinstance(type_, Tokens) else Vector(own[0])
        )
        return self.of(self._stretched(site, step, value, self.tensor(site, y, shape)))

    def _start(self, held: Held) -> dict[str, Any]:
        """The number that the factors of a `scale` begin with, where it is known and not 1."""
        first = self.begins(held.name)
        return {"init": first} if first not in (None, 1.0) else {}

    def _stretched(self, site: Site, step: str, value: int, other: int) -> int:
        """A value combined with another that may be smaller."""
        given: dict[str, Any] = {"stretch": True} if step != "mul" and self.flat.type_of(value) != self.flat.type_of(other) else {}
        return self.flat.step(site, step, value, other, **given)

    def concat(self, site: Site, parts: Sequence[View | Held], dim: int) -> View:
        """Tensors side by side along a dimension."""
        dim %= len(parts[0].dims)
        gathered = self._gathered(parts, dim)
        if gathered is not None:
            return gathered
        parts = [self.cut(site, part) if isinstance(part, View) else part for part in parts]
        first = next((part for part in parts if isinstance(part, View)), None)
        if first is None:
            raise Unsaid("it joins stored tensors alone")
        if len(parts) == 1:
            return first
        alike = all(isinstance(p, View) and p.dims[:dim] + p.dims[dim + 1 :] == first.dims[:dim] + first.dims[dim + 1 :] for p in parts)
        views = [part for part in parts if isinstance(part, View)]
        if alike and all(part.dims[dim] == self.axis(part.value, "c") for part in views):
            value = self._joined(site, [part.value for part in views])
            return View(value, (*first.dims[:dim], self.axis(value, "c"), *first.dims[dim + 1 :]))
        return self._side_by_side(site, parts, first, dim)

    def _side_by_side(self, site: Site, parts: Sequence[View | Held], first: View, dim: int) -> View:
        """Tensors of which each becomes a value of its own before they are joined; stored ones may be among them."""
        if any(digit.axis != "n" for digit in first.dims[0]) and all(isinstance(part, View) for part in parts):
            lines = [self._in_a_row(site, part, dim) for part in parts if isinstance(part, View)]
            joined_ = self._joined(site, [line.value for line in lines])
            return View(joined_, (*lines[0].dims[:dim], self.axis(joined_, "c"), *lines[0].dims[dim + 1 :]))
        order = [0, dim, *[at for at in range(1, len(first.dims)) if at != dim]]
        views = [part for part in parts if isinstance(part, View)]
        if len(first.dims) > 3 and dim > 1 and len(views) == len(parts):  # along an axis of a map, which becomes its channels
            moved = [view._replace(dims=tuple([view.dims[at] for at in order])) for view in views]
            found = self.concat(site, moved, 1)
            return found._replace(dims=tuple([found.dims[order.index(at)] for at in range(len(order))]))
        value = self.settle(site, first)
        type_ = self.flat.type_of(value)
        kind = _KINDS[type(type_)]
        axis = self.of(value).dims[dim]
        letter = (
            axis[0].axis
            if axis
            else ("t" if isinstance(type_, Tokens) and dim == 1 else "c" if dim == 1 or isinstance(type_, Tokens) else "")
        )
        if letter == "w" and is_line(type_):
            letter = "t"
        if letter not in ("c", "t"):
            raise Unsaid("it joins values along the height or width of a map, or along the batch")
        if (
            isinstance(type_, Tokens)
            and letter == "t"
            and len(parts) == 2
            and isinstance(parts[0], Held)
            and self._is_class_token(parts[0], type_)
        ):
            token = parts[0]
            rows: dict[str, Any] = {} if token.shape[1] == 1 else {"n": token.shape[1]}
            return self.of(self.flat.step(site._replace(key=token.key), "cls", value, stored={"": Stored((token.name,))}, **rows))
        values = [self.settle(site, part, kind) if isinstance(part, View) else self._beside(site, part, type_) for part in parts]
        return self.of(self.flat.step(site, "concat", *values, axis=letter))

    def _gathered(self, parts: Sequence[View | Held], dim: int) -> View | None:
        """Parts that were fixed at every index of some digits, in order: these digits go to the dimension along which they are joined."""
        first = parts[0]
        if not isinstance(first, View) or not first.fixed or len(first.fixed) > 3 or len(parts) < 2:
            return None
        digits = [digit for digit, _ in first.fixed]
        found: dict[tuple[int, ...], int] = {}
        for at, part in enumerate(parts):
            if (
                not isinstance(part, View)
                or part._replace(fixed=()) != first._replace(fixed=())
                or {d for d, _ in part.fixed} != set(digits)
            ):
                return None
            found[tuple([dict(part.fixed)[digit] for digit in digits])] = at
        if len(found) != len(parts) or len(parts) != prod(digit.size for digit in digits):
            return None
        for order in permutations(range(len(digits))):
            ordered = sorted(found, key=lambda index, order=order: [index[at] for at in order])  # type: ignore[misc]
            if [found[index] for index in ordered] == list(range(len(parts))):
                own = merged([*[digits[at] for at in order], *first.dims[dim]])
                return first._replace(dims=(*first.dims[:dim], own, *first.dims[dim + 1 :]), fixed=())
        return None

    def _joined(self, site: Site, values: Sequence[int]) -> int:
        """Channels side by side; those that were joined before are taken as they were, as a dense block has them one after the other."""
        count = next((count for count in range(len(values) - 1, 1, -1) if tuple(values[:count]) in self._concats), 0)
        if count:
            found = self.flat.step(site, "concat", self._concats[tuple(values[:count])], *values[count:])
        else:
            found = self.flat.step(site, "concat", *values)
        self._concats[tuple(values)] = found
        return found

    def _is_class_token(self, held: Held, type_: Tokens) -> bool:
        return held.learned and not held.again and len(held.shape) == 3 and held.shape[0] == 1 and held.shape[2] == type_.channels

    def _beside(self, site: Site, part: Held, type_: Type) -> int:
        """A stored tensor that stands beside values of a type."""
        own = [size(dim) for dim in part.dims[1:]]
        if part.dims[0] or not isinstance(type_, Tokens) or len(own) != 2:
            raise Unsaid(f"the stored tensor `{part.name}` stands beside {'x'.join(map(str, type_.shape))}")
        return self.tensor(site, part, Tokens(*own))
