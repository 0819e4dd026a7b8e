"""Views of values, and the layers that make a view a value of its own: what frameworks do by `view` and `permute`, the language names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import COPIES, Digit, Dim, Dims, axes_of, joined, merged, plain, rearrangement, size, sizes_of, viewed
from archspec.imports.stored import Held, Turn
from archspec.types import Map, Tokens, Type, Vector, describe, is_line


class View(NamedTuple):
    """A tensor: a value, the parts of its axes that each dimension runs over, the batch first, and parts that are fixed at an index."""

    value: int
    dims: Dims
    fixed: tuple[tuple[Digit, int], ...] = ()
    factor: float = 1.0
    """A number that it is multiplied by. It and the fixed parts wait for the layer that takes the tensor: `cut` writes what they take."""
    rope: Turn | None = None
    """How positions turn it, which waits for attention."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return tuple(map(size, self.dims))


class Views:
    """The tensors of a source over the values of a network. `batch` is the size of the first dimension of its inputs."""

    def __init__(self, flat: Flat, batch: int) -> None:
        self.flat = flat
        self.batch = batch
        self._settled: dict[tuple[int, Dims, str], int] = {}
        self._tensors: dict[tuple[str, Type], int] = {}
        self._modules: dict[tuple[int, Dims, tuple[tuple[Digit, int], ...]], str] = {}

    def of(self, value: int) -> View:
        """A value as PyTorch and ONNX store it."""
        type_ = self.flat.type_of(value)
        return View(value, plain("n" + axes_of(type_), (self.batch, *sizes_of(type_))))

    def axis(self, value: int, axis: str) -> Dim:
        """A whole axis of a value."""
        type_ = self.flat.type_of(value)
        return merged([Digit(axis, dict(zip(axes_of(type_), sizes_of(type_), strict=True)).get(axis, 1), 1)])

    def positions(self, value: int) -> Dim | None:
        """The whole axis of positions of tokens, or of a map with one axis; None where there are several, or none."""
        type_ = self.flat.type_of(value)
        return self.axis(value, "t" if isinstance(type_, Tokens) else "w") if isinstance(type_, Tokens) or is_line(type_) else None

    def placed(self, value: int) -> tuple[Dim, ...]:
        """All positions of a value as one dimension, and its channels behind it."""
        batch, *axes = self.of(value).dims
        channels = self.axis(value, "c")
        return (batch, joined([axis for axis in axes if axis != channels]), channels)

    def viewed_in(self, site: Site, x: View) -> None:
        """Note the module in which a tensor got its dimensions: a layer that this takes is written there, however late."""
        self._modules.setdefault((x.value, x.dims, x.fixed), site.path)

    def _there(self, site: Site, x: View) -> Site:
        return site._replace(path=self._modules.get((x.value, x.dims, x.fixed), site.path))

    # dimensions

    def view(self, site: Site, x: View, sizes: Sequence[int]) -> View:
        """A tensor with other sizes, in the same order of numbers."""
        dims = viewed(x.dims, sizes)
        if dims is None:
            x = self.of(self.settle(site, x))
            dims = viewed(x.dims, sizes)
        if dims is None:
            raise Unsaid(f"it splits axes of {'x'.join(map(str, x.sizes))} into {'x'.join(map(str, sizes))}")
        return x._replace(dims=dims)

    def select(self, x: View, dim: int, index: int) -> View:
        """The numbers at one index along a dimension, without it."""
        fixed = list(x.fixed)
        left = index % size(x.dims[dim])
        for digit in reversed(x.dims[dim]):
            left, at = divmod(left, digit.size)
            fixed.append((digit, at))
        return x._replace(dims=(*x.dims[:dim], *x.dims[dim + 1 :]), fixed=tuple(fixed))

    def split(self, site: Site, x: View, dim: int, sizes: Sequence[int]) -> list[View]:
        """Parts along a dimension, one behind the other."""
        if len(sizes) == 1:
            return [x]
        if len(x.dims[dim]) > 1:  # parts of it would lie apart
            x = self.of(self.settle(site, x))
        parted = viewed((x.dims[dim],), (len(sizes), sizes[0])) if len(set(sizes)) == 1 else None
        if parted is not None and not (len(x.dims[dim]) == 1 and x.dims[dim] == self.axis(x.value, x.dims[dim][0].axis) and sizes[0] == 1):
            both = x._replace(dims=(*x.dims[:dim], *parted, *x.dims[dim + 1 :]))
            return [self.select(both, dim, at) for at in range(len(sizes))]
        found, at = [], 0
        for width in sizes:
            found.append(self.slice(site, x, dim, at, at + width))
            at += width
        return found

    def strided(self, site: Site, x: View, dim: int, start: int, step: int) -> View:
        """Every step-th number along a dimension, from `start` on."""
        whole = size(x.dims[dim])
        parts = viewed((x.dims[dim],), (whole // step, step)) if whole % step == 0 and 0 <= start < step else None
        if parts is None and start == 0 and len(x.dims) in (4, 5):
            last = len(x.dims) - 1
            channels = 1 if dim != 1 and (x.dims[1] == self.axis(x.value, "c") or dim == last) else last
            order = [0, channels, *[at for at in range(1, last + 1) if at != channels]]
            value = self.settle(site, x._replace(dims=tuple([x.dims[at] for at in order])), "map")
            steps = tuple([step if at == dim else 1 for at in order[2:]])
            found = self.of(self.flat.step(site, "pool", value, w=1, s=steps, round="floor"))
            return found._replace(dims=tuple([found.dims[order.index(at)] for at in range(last + 1)]))
        if parts is None:
            raise Unsaid(f"it takes every {step}th of {whole} numbers")
        return self.select(x._replace(dims=(*x.dims[:dim], *parts, *x.dims[dim + 1 :])), dim + 1, start)

    @staticmethod
    def beside(x: View) -> View | None:
        """A tensor whose parts beside the batch, such as heads, are a dimension of their own behind it; None where there are none."""
        batch = tuple([digit for digit in x.dims[0] if digit.axis == "n"])
        if x.dims[0] == batch or x.dims[0][: len(batch)] != batch:
            return None
        return x._replace(dims=(batch, x.dims[0][len(batch) :], *x.dims[1:]))

    @staticmethod
    def rejoined(x: View) -> View:
        """A tensor whose first two dimensions are one."""
        return x._replace(dims=(joined(x.dims[:2]), *x.dims[2:]))

    def slice(self, site: Site, x: View, dim: int, start: int, stop: int) -> View:
        """Numbers from `start` up to, not including, `stop` along a dimension."""
        x = self.cut(site, x)
        if (start, stop) == (0, size(x.dims[dim])):
            return x
        own = x.dims[dim]
        if not own or own != self.axis(x.value, own[0].axis):
            apart = self.beside(x)
            if apart is not None:
                return self.rejoined(self.slice(site, apart, dim + 1, start, stop))
            x = self.of(self.settle(site, x))
            own = x.dims[dim]
        axis = own[0].axis if own else ""
        type_ = self.flat.type_of(x.value)
        if axis == "c":
            value = self.flat.step(site, "slice", x.value, bounds=(start, stop))
        elif axis == "t" or (axis == "w" and is_line(type_)):
            value = self.flat.step(site, "slice", x.value, bounds=(start, stop), axis="t")
        elif isinstance(type_, Map) and axis in ("d", "h", "w"):
            return self.slice(site, self._exchanged(site, x, axis), dim, start, stop)
        else:
            raise Unsaid(f"it cuts {start}:{stop} out of {size(own)} along the batch")
        part = merged([Digit(axis, stop - start, 1)])
        return View(value, tuple([part if at == dim else other for at, other in enumerate(x.dims)]))

    # values

    def settle(self, site: Site, x: View, kind: str = "") -> int:
        """The value that a tensor is, in the order of its dimensions: a `kind` map, tokens or vector, by default what its dimensions make.

        The layer that this takes, if any, is written. Raises Unsaid.
        """
        if x.rope is not None or any(digit.axis == COPIES for dim in x.dims for digit in dim):
            raise Unsaid("only attention turns channels by positions, and reads a head several times")
        site = self._there(site, x)
        x = self.cut(site, x)
        here = self.flat.type_of(x.value)
        x = x._replace(dims=(*x.dims, ())) if len(x.dims) == 1 else x  # a number per image is a vector of one
        kind = kind or _kind(x, here)
        type_ = _type(kind, x.sizes[1:])
        if type_ == here and x.dims[1:] == self.of(x.value).dims[1:] and x.dims[0] in ((), self.of(x.value).dims[0]):
            return x.value
        if x.dims[0] not in ((), merged([Digit("n", self.batch, 1)])) or any(digit.axis == "n" for dim in x.dims[1:] for digit in dim):
            raise Unsaid("it mixes the batch with other axes")
        key = (x.value, x.dims[1:], kind)
        if key not in self._settled:
            self._settled[key] = self._moved(site, x, here, type_)
        return self._settled[key]

    def declared(self, value: int, shape: Sequence[int]) -> View:
        """A value of `declared_type` as a tensor of its shape, as far as that can be said."""
        x = self.of(value)
        if is_line(self.flat.type_of(value)) and len(shape) == 3:  # whose channels are declared last, as those of tokens
            x = x._replace(dims=(x.dims[0], x.dims[2], x.dims[1]))
        at = _place_of_batch(shape, self.batch) or 0
        dims = viewed(x.dims, (*shape[at : at + 1], *shape[:at], *shape[at + 1 :]))
        return x if dims is None else x._replace(dims=(*dims[1 : at + 1], dims[0], *dims[at + 1 :]))

    def settled_or_whole(self, site: Site, x: View) -> tuple[int, bool]:
        """The value that a tensor is, or that which it is a view of, for a layer of which only the result is known; and whether it is settled."""
        try:
            return self.settle(site, x), True
        except Unsaid:
            return x.value, False

    def _moved(self, site: Site, x: View, here: Type, type_: Type) -> int:
        """A tensor as a value of a type, by the layer whose name says best what moves."""
        step, value = self.flat.step, x.value
        dims = [merged(dim) for dim in x.dims[1:]]
        stored = self.of(value).dims[1:]
        whole = dict(zip(axes_of(here), stored, strict=True))
        positions = joined([whole[axis] for axis in "dhwt" if axis in whole])
        if isinstance(type_, Vector) and dims == [joined(stored)]:
            return step(site, "flatten", value)
        if isinstance(type_, Tokens) and isinstance(here, Map) and dims == [positions, whole["c"]]:
            return step(site, "tokens", value)
        is_grid = isinstance(type_, Map) and isinstance(here, Tokens)
        if is_grid and type_.channels == here.channels and dims == list(viewed((whole["c"], positions), x.sizes[1:]) or ()):
            return step(site, "map", value, size=type_.shape[:-1] if len(type_.shape) > 2 else type_.shape[0])
        if isinstance(here, Tokens) and isinstance(type_, Tokens) and dims == [whole["c"], whole["t"]]:
            return step(site, "swap", value)
        if joined(dims) == joined(stored) and not (len(type_.shape) == 2 and is_line(here) != isinstance(type_, Map)):
            return step(site, "reshape", value, shape=_written(type_.shape))
        n = dims[0][0].size if len(dims[0]) > 1 else 1
        patches = [
            (Digit("w", n, 1), Digit("h", n, 1), *whole["c"]),
            *[(Digit(axis, s // n, n),) for axis, s in zip("hw", here.shape, strict=False)],
        ]
        if (
            isinstance(here, Map)
            and isinstance(type_, Map)
            and n > 1
            and len(here.spatial) == 2
            and dims == [merged(one) for one in patches]
        ):
            return step(site, "patchmerge", value, n=n)
        if here == type_ and isinstance(here, Map) and len(dims[0]) == 2 and dims[1:] == list(stored[1:]) and _crossed(dims[0], whole["c"]):
            return step(site, "shuffle", value, g=dims[0][1].size)
        return self._rearranged(site, value, here, type_, dims)

    def _rearranged(self, site: Site, value: int, here: Type, type_: Type, dims: list[Dim]) -> int:
        """A tensor as a value by a pattern, which has channels last."""
        if is_line(here) and isinstance(type_, Tokens):  # a pattern leaves positions what they are
            value = self.flat.step(site, "tokens", value)
            here = self.flat.type_of(value)
            dims = [tuple([one._replace(axis="t" if one.axis == "w" else one.axis) for one in dim]) for dim in dims]
        if len(type_.shape) == 2 and is_line(here) != isinstance(type_, Map):
            raise Unsaid(f"it makes {describe(type_)} out of {describe(here)} with another order of numbers")
        last = [*dims[1:], dims[0]] if isinstance(type_, Map) else dims
        pattern, parts = rearrangement(axes_of(here)[1:] + "c" if isinstance(here, Map) else axes_of(here), last)
        given: dict[str, Any] = {**parts}
        return self.flat.step(site, "rearrange", value, stored=None, pattern=pattern, **given)

    def cut(self, site: Site, x: View) -> View:
        """A tensor whose fixed parts are cut out of its value, and which is multiplied by its factor; any other as it is."""
        site = self._there(site, x)
        x = self._thinned(site, x)
        for axis in dict.fromkeys(digit.axis for digit, _ in x.fixed):
            start = sum([digit.stride * at for digit, at in x.fixed if digit.axis == axis])
            part = self._left(x, axis)
            width = size(part)
            type_ = self.flat.type_of(x.value)
            if part and (len(part) > 1 or part[0].stride != 1):
                return self.cut(site, self._side_by_side_along(site, x, axis))
            if axis in "dhw" and isinstance(type_, Map) and (not part or not is_line(type_)):
                return self.cut(site, self._exchanged(site, x, axis))
            if axis == "c":
                value = self.flat.step(site, "slice", x.value, bounds=(start, start + width))
            elif axis == "t" and not part:
                value = self.flat.step(site, "first", x.value) if start == 0 else self.flat.step(site, "token", x.value, n=start)
            elif axis == "t" or (axis == "w" and is_line(type_) and part):
                value = self.flat.step(site, "slice", x.value, bounds=(start, start + width), axis="t")
            else:
                raise Unsaid("it takes one index along an axis of a map")
            x = x._replace(value=value, fixed=tuple([(digit, at) for digit, at in x.fixed if digit.axis != axis]))
        if x.factor != 1:
            x = x._replace(value=self.flat.step(site, "mul", x.value, number=x.factor), factor=1.0)
        return x

    @staticmethod
    def _left(x: View, axis: str) -> Dim:
        """The parts of an axis of its value that the dimensions of a tensor run over."""
        return merged(sorted([digit for dim in x.dims for digit in dim if digit.axis == axis], key=lambda digit: -digit.stride))

    def _side_by_side_along(self, site: Site, x: View, axis: str) -> View:
        """The same tensor of a value in which the numbers along an axis that it takes lie side by side. Raises Unsaid."""
        fixed = [digit for digit, _ in x.fixed if digit.axis == axis]
        own = [*sorted(fixed, key=lambda digit: -digit.stride), *self._left(x, axis)]
        whole = self.of(x.value)
        if axis == "n" or size(tuple(own)) != size(self.axis(x.value, axis)):
            raise Unsaid("it takes numbers that lie apart along an axis")
        moved = View(x.value, tuple([merged(own) if dim == self.axis(x.value, axis) else dim for dim in whole.dims]))
        places: dict[Digit, int] = {}
        left = size(tuple(own))
        for digit in own:
            left //= digit.size
            places[digit] = left

        def at(digit: Digit) -> Digit:
            if digit.axis != axis:
                return digit
            around = next(one for one in own if one.stride <= digit.stride < one.stride * one.size)
            return digit._replace(stride=digit.stride // around.stride * places[around])

        return self._relabelled(x, self.settle(site, moved), at)

    def _exchanged(self, site: Site, x: View, axis: str) -> View:
        """The same tensor of a map whose channels are what an axis of it was, and the other way round."""
        letters = "n" + axes_of(self.flat.type_of(x.value))
        swapped = {"c": axis, axis: "c"}
        whole = dict(zip(letters, self.of(x.value).dims, strict=True))
        moved = View(x.value, tuple([whole[swapped.get(letter, letter)] for letter in letters]))
        value = self.settle(site, moved, "map")
        return self._relabelled(x, value, lambda digit: digit._replace(axis=swapped.get(digit.axis, digit.axis)))

    @staticmethod
    def _relabelled(x: View, value: int, at: Callable[[Digit], Digit]) -> View:
        """A tensor of a value that has the same numbers in other places."""
        dims = tuple([merged(map(at, dim)) for dim in x.dims])
        return x._replace(value=value, dims=dims, fixed=tuple([(at(digit), index) for digit, index in x.fixed]))

    def _thinned(self, site: Site, x: View) -> View:
        """A map of which the first of every n positions along each axis is taken: a pool with windows of one position."""
        here = self.flat.type_of(x.value)
        if not isinstance(here, Map) or not x.fixed or any(at for _, at in x.fixed):
            return x
        steps = {digit.axis: digit.size for digit, _ in x.fixed if digit.stride == 1}
        axes = axes_of(here)[1:]
        if (
            len(steps) != len(x.fixed)
            or set(steps) != set(axes)
            or any(a % steps[axis] for axis, a in zip(axes, here.spatial, strict=True))
        ):
            return x
        own = [steps[axis] for axis in axes]
        value = self.flat.step(site, "pool", x.value, w=1, s=own[0] if len(set(own)) == 1 else tuple(own), round="floor")
        thin = [merged([digit._replace(stride=digit.stride // steps.get(digit.axis, 1)) for digit in dim]) for dim in x.dims]
        return View(value, tuple(thin), (), x.factor)

    def begins(self, name: str) -> float | None:
        """The number that a stored tensor is full of; None where there are several, or none is known."""
        return None

    def tensor(self, site: Site, held: Held, type_: Type) -> int:
        """The value of a stored tensor, in a type whose numbers lie in the order of its dimensions."""
        own = [digit for dim in held.dims for digit in dim]
        if [digit.axis for digit in own] != sorted([digit.axis for digit in own], key=int) or size(tuple(own)) != type_.size:
            raise Unsaid(f"the stored tensor `{held.name}` is used in another order than it is stored in")
        key = (held.name, type_)
        known = next((value for (name, _), value in self._tensors.items() if name == held.name), None)
        if key not in self._tensors and known is not None:
            self._tensors[key] = self.flat.step(site, "reshape", known, shape=_written(type_.shape))
        if key not in self._tensors:
            natural = sizes_of(type_)
            given: dict[str, Any] = {"stored": _written(held.shape)} if held.shape not in (natural, ()) else {}
            given |= {"frozen": True} if not held.learned else {}
            given |= {"init": first} if (first := self.begins(held.name)) else {}
            given |= {"map": True} if is_line(type_) else {}
            where = site._replace(key=held.key)
            self._tensors[key] = self.flat.step(
                where, "tensor", shape=_written(type_.shape), stored={"": Stored((held.name,))}, given=given
            )
        return self._tensors[key]


def _kind(x: View, here: Type) -> str:
    """What the dimensions of a tensor make: two are tokens, unless they are a map of one axis as it is stored."""
    count = len(x.dims) - 1
    if count == 2 and is_line(here) and x.dims[1] and x.dims[1][0].axis == "c":
        return "map"
    if count not in (1, 2, 3, 4):
        raise Unsaid(f"it is a tensor of {count + 1} dimensions, the batch included")
    return {1: "vector", 2: "tokens"}.get(count, "map")


def _type(kind: str, sizes: Sequence[int]) -> Type:
    if kind == "vector":
        return Vector(sizes[0])
    return Tokens(*sizes) if kind == "tokens" else Map(tuple(sizes[1:]), sizes[0])


def _written(shape: tuple[int, ...]) -> int | tuple[int, ...]:
    """A shape as an argument: one axis is a number."""
    return shape if len(shape) > 1 else shape[0]


def declared_type(shape: Sequence[int], batch: int) -> Type:
    """The type of a result of which nothing but its shape is known: a vector of all its numbers where it is not clear which axis is the batch."""
    at = _place_of_batch(shape, batch)
    sizes = (*shape[:at], *shape[at + 1 :]) if at is not None else ()
    if not 1 <= len(sizes) <= 4:
        return Vector(prod(shape) // batch)
    return _type({1: "vector", 2: "tokens"}.get(len(sizes), "map"), sizes)


def _place_of_batch(shape: Sequence[int], batch: int) -> int | None:
    """Which axis is the batch: the first, or the only later one of its size; None where none is, or several may be."""
    places = [at for at, count in enumerate(shape) if count == batch]
    return places[0] if places and (places[0] == 0 or len(places) == 1) else None


def _crossed(dim: Dim, channels: Dim) -> bool:
    """Whether the two parts of all channels have changed places."""
    return merged((dim[1], dim[0])) == channels
