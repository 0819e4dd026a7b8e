"""Stored tensors as nodes turn them before layers use them: transposed, reshaped, cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from archspec.imports.imported import Stored
from archspec.imports.layout import Digit, Dims, merged, viewed
from archspec.imports.onnx.computing import axes_of, listed
from archspec.imports.onnx.model import Tensor
from archspec.imports.onnx.numbers import REAL, Numbers
from archspec.imports.onnx.shaping import cuts_of, parts_of, reshaped, squeezed, unsqueezed


class Weight(NamedTuple):
    """A stored tensor of `total` numbers: the parts of their order that each dimension runs over, from the number at `start` on."""

    name: str
    total: int
    dims: Dims
    kind: int
    start: int = 0
    label: str = ""
    """What it is called where it is copied under another name."""

    @classmethod
    def of(cls, tensor: Tensor) -> Weight:
        """A tensor as it is stored."""
        dims, stride = [], tensor.size
        for size in tensor.shape:
            stride = stride // size if size else 0
            dims.append((Digit("", size, stride),) if size != 1 else ())
        return cls(tensor.name, tensor.size, tuple(dims), tensor.kind)

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return tuple([prod([digit.size for digit in dim]) for dim in self.dims])

    @property
    def identity(self) -> tuple[str, int]:
        """What says whether two are the same weights: the name, and the first number."""
        return self.label or self.name, self.start

    def transposed(self, order: Sequence[int]) -> Weight:
        """Its dimensions in another order."""
        return self._replace(dims=tuple([self.dims[at] for at in order]))

    def reshaped(self, shape: Sequence[int]) -> Weight | None:
        """The same numbers in another shape; None where that needs a copy."""
        dims = viewed(self.dims, shape)
        return None if dims is None else self._replace(dims=dims)

    def cut(self, dim: int, start: int, stop: int) -> Weight | None:
        """A part along the dimension along which the stored numbers lie one block behind the other; None for any other."""
        own = self.dims[dim]
        if (start, stop) == (0, self.shape[dim]):
            return self
        if len(own) != 1 or any(digit.stride > own[0].stride for each in self.dims for digit in each):
            return None
        dims = (*self.dims[:dim], merged([own[0]._replace(size=stop - start)]), *self.dims[dim + 1 :])
        return self._replace(dims=dims, start=self.start + start * own[0].stride)

    def stored(self) -> Stored | None:
        """How the source has it, for a tensor of this shape; None where it cannot be said."""
        digits = [digit for dim in self.dims for digit in dim]
        ordered = sorted(digits, key=lambda digit: -digit.stride)
        count = prod([digit.size for digit in digits])
        if count == self.total:
            natural = digits == ordered
            shape = self.shape if natural else tuple([digit.size for digit in ordered])
            return Stored((self.name,), shape, () if natural else tuple([ordered.index(digit) for digit in digits]))
        if not digits or digits[0] != ordered[0] or self.start % digits[0].stride:
            return None
        first = self.start // digits[0].stride
        shape = (self.total // digits[0].stride, *[digit.size for digit in ordered[1:]])
        order = tuple([ordered.index(digit) for digit in digits])
        return Stored((self.name,), shape, order if order != tuple(range(len(order))) else (), ((first, first + digits[0].size),))


def _transpose(attributes: Mapping[str, Any], x: Weight) -> list[Weight | None]:
    rank = len(x.dims)
    return [x.transposed(axes_of(attributes.get("perm", range(rank)[::-1]), rank))]


def _slice(attributes: Mapping[str, Any], x: Weight, *more: Numbers | None) -> list[Weight | None]:
    found: Weight | None = x
    for dim, cut in enumerate(cuts_of(attributes, x.shape, *more)):
        found = found.cut(dim, cut.start, cut.stop) if found is not None and cut.step == 1 and len(cut) else None
    return [found]


def _split(attributes: Mapping[str, Any], x: Weight, sizes: Numbers | None = None) -> list[Weight | None]:
    (axis,) = axes_of((attributes.get("axis", 0),), len(x.dims))
    found, start = [], 0
    for size in parts_of(attributes, x.shape[axis], sizes):
        found.append(x.cut(axis, start, start + size))
        start += size
    return found


def _expand(_: Mapping[str, Any], x: Weight, shape: Numbers) -> list[Weight | None]:
    """Axes of size 1 that come before; a repeated tensor is no stored one."""
    wanted = tuple(map(int, shape.values))
    own = (1,) * (len(wanted) - len(x.shape)) + x.shape
    behind = wanted[len(wanted) - len(own) :] if len(own) <= len(wanted) else ()
    same = len(own) <= max(len(wanted), len(x.shape)) and all(size in (1, mine) for size, mine in zip(behind or own, own, strict=False))
    return [x.reshaped(own) if same else None]


TURNS: dict[str, Callable[..., Sequence[Weight | None]]] = {
    "Identity": lambda _, x: [x],
    "Cast": lambda attributes, x: [x if x.kind in REAL and attributes.get("to") in REAL else None],
    "Transpose": _transpose,
    "Reshape": lambda attributes, x, shape: [x.reshaped(reshaped(x.shape, shape.values, bool(attributes.get("allowzero"))))],
    "Unsqueeze": lambda attributes, x, axes=None: [x.reshaped(unsqueezed(x.shape, listed(attributes, "axes", axes) or ()))],
    "Squeeze": lambda attributes, x, axes=None: [x.reshaped(squeezed(x.shape, listed(attributes, "axes", axes)))],
    "Flatten": lambda attributes, x: [x.reshaped((prod(x.shape[: attributes.get("axis", 1)]), prod(x.shape[attributes.get("axis", 1) :])))],
    "Slice": _slice,
    "Expand": _expand,
    "Split": _split,
}
"""Operators that move the numbers of a stored tensor."""
