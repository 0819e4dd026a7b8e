"""By which angles a function turns pairs of the channels of heads, found by trying it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

_LARGEST = 1e9
"""The largest base."""


class Turning(NamedTuple):
    """How a function turns a tensor: along which dimension positions lie, by a base or by angles (positions, angles), from where on, and the pairs."""

    dim: int
    base: int
    angles: Any
    prefix: int
    pair: int
    """How far apart the channels of a pair lie; 0 for the halves of those that are turned."""


def tried(shape: tuple[int, ...], function: Callable[[Any], Any], lead: Mapping[int, int]) -> Turning | None:
    """How a function turns tensors (batch, heads, positions, channels), or with heads and positions exchanged; None where it does not.

    It is tried on a drawn tensor. `lead` says how many positions at the beginning of a dimension it takes as they are.
    """
    import torch

    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    y = _real(function, x, shape)
    if y is None:
        return None
    same = (y == x).flatten(0, 2).all(0).tolist()
    found: list[Turning] = []
    for dim in (2, 1):
        prefix = lead.get(dim, 0)
        for width in dict.fromkeys([shape[-1], shape[-1] - _first(same[::-1])]):
            half = width // 2
            for pair in dict.fromkeys([half, *[n for n in range(1, half) if half % n == 0]]) if width % 2 == 0 else ():
                moved = [_paired(each.movedim(dim, 1)[:, prefix:, :, :width], pair) for each in (x, y)]
                if half and _turns(*moved) and (turn := _read(shape, function, dim, prefix, width, pair)) is not None:
                    found.append(turn)
    return min(found, key=lambda turn: turn.angles.shape[-1], default=None)  # the same for all heads, where that is so along one dimension


def _turns(one: Any, other: Any) -> bool:
    """Whether complex numbers are others turned, those of each image by the same angles."""
    ratio = other / one
    return bool(((ratio.abs() - 1).abs() < 1e-3).all()) and bool(((ratio[:1] * one - other).abs() < 1e-4 * (1 + one.abs())).all())


def _real(function: Callable[[Any], Any], x: Any, shape: tuple[int, ...]) -> Any:
    """What a function gives for a tensor, where that is one of a shape; None elsewhere."""
    import torch

    try:
        y = function(x)
    except Exception:  # another tensor, or whatever an operator refuses
        return None
    return y.float() if isinstance(y, torch.Tensor) and tuple(y.shape) == shape and not y.is_complex() else None


def _first(flags: list[bool]) -> int:
    """How many flags at the beginning are set."""
    return next((at for at, flag in enumerate(flags) if not flag), len(flags))


def _paired(x: Any, pair: int) -> Any:
    """Pairs of channels as complex numbers."""
    import torch

    a, b = x.unflatten(-1, (-1, 2, pair)).unbind(-2)
    return torch.complex(a.contiguous(), b.contiguous()).flatten(-2)


def _read(shape: tuple[int, ...], function: Callable[[Any], Any], dim: int, prefix: int, width: int, pair: int) -> Turning | None:
    """The angles of a function that turns pairs of channels: of each head, if they differ."""
    import torch

    ends = torch.zeros(shape)
    ends[..., :width] = torch.tensor([1.0, 0.0]).repeat_interleave(pair).repeat(width // (2 * pair))
    y = _real(function, ends, shape)
    if y is None:
        return None
    turned = _paired(y.movedim(dim, 1)[0, prefix:, :, :width], pair)
    angles = torch.atan2(turned.imag.double(), turned.real.double())
    alike = bool((turned == turned[:, :1]).all())
    angles = angles[:, 0] if alike else angles.flatten(1)
    apart = 0 if pair == width // 2 else pair
    whole = alike and width == shape[-1]
    if not alike and width < shape[-1]:
        return None
    return Turning(dim, _base(angles) if whole else 0, angles.float(), prefix, apart)


def part_of(angles: Any, node: Any, drawn: Any) -> tuple[Any, int] | None:
    """Which part of drawn numbers (..., heads, positions, angles) of an operator the angles (positions, heads * angles) are; None where none is."""
    heads = drawn.shape[-3] if drawn.dim() > 2 else 1
    heads = heads if angles.shape[-1] == heads * drawn.shape[-1] else 1
    parts = drawn.reshape(-1, heads, *drawn.shape[-2:]).movedim(1, 2).flatten(2)
    if parts.shape[1:] != angles.shape:
        return None
    return next(((node, at) for at, part in enumerate(parts) if bool(((part - angles).abs() < 1e-4).all())), None)


def grid_of(function: Callable[[Any], Any], shape: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    """The numbers (positions, axes) with which a function makes angles (..., positions, n) as sums of a learned tensor (axes, ..., n) times them;
    None where it makes something else, or of other shapes.
    """
    import torch

    if (*shape[1:-1], shape[-1]) != (*wanted[:-2], wanted[-1]):
        return None
    ends = [_real(function, torch.eye(shape[0])[at].view(-1, *(1,) * (len(shape) - 1)).expand(shape), wanted) for at in range(shape[0])]
    if any(end is None for end in ends):
        return None
    grid = torch.stack([end.reshape(-1, *wanted[-2:])[0, :, 0] for end in ends], -1)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = torch.einsum("ta,aln->ltn", grid, x.reshape(shape[0], -1, shape[-1])).reshape(wanted)
    y = _real(function, x, wanted)
    return grid if y is not None and bool(((y - found).abs() <= 1e-4 * (1 + found.abs())).all()) else None


def _base(angles: Any) -> int:
    """The base of angles that are t/base^(2i/d) at position t; 0 where they are others."""
    import torch

    count, half = angles.shape
    first = float(angles[1, 1]) if count > 1 and half > 1 else 0.0
    if not 0 < first < 1 or first**half < 1 / _LARGEST:
        return 0
    for base in (round(float(f"{first**-half:.3g}")), round(first**-half)):  # which people give few digits
        wanted = torch.outer(torch.arange(count).double(), base ** (-torch.arange(half).double() / half))
        near = torch.polar(torch.ones_like(wanted), wanted) - torch.polar(torch.ones_like(wanted), angles)
        if base > 1 and bool((near.abs() <= 1e-4 + 1e-6 * count).all()):
            return base
    return 0
