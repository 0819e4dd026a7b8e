"""Views of values by digits, beside what NumPy does with the numbers."""

from __future__ import annotations

import random

import pytest

from archspec.imports.flat import Flat
from archspec.imports.layout import axes_of, merged, plain, rearrangement, size, sizes_of, viewed
from archspec.imports.views import View, Views
from archspec.types import Map, Tokens

np = pytest.importorskip("numpy", reason="moves numbers")


def places(dims, whole):
    """The places in a value, as it is stored, of the numbers of a view."""
    strides = {}
    step = 1
    for axis, count in reversed(whole):
        strides[axis], step = step, step * count
    found = np.zeros((), dtype=int)
    for dim in dims:
        own = np.zeros((), dtype=int)
        for digit in dim:
            own = (own[..., None] + np.arange(digit.size) * digit.stride * strides[digit.axis]).reshape(-1)
        found = found[..., None] + own.reshape(-1)
    return found


def factors(draw, number):
    """A number as a product of a few."""
    found = []
    while number > 1:
        part = draw.choice([n for n in range(2, number + 1) if number % n == 0])
        found.append(part)
        number //= part
    return found


@pytest.mark.parametrize("seed", range(200))
def test_views_and_permutations_move_what_numpy_moves(seed):
    draw = random.Random(seed)
    whole = [("c", draw.choice([4, 6, 12])), ("h", draw.choice([2, 4, 6])), ("w", draw.choice([1, 3, 8]))]
    dims = plain("chw", [count for _, count in whole])
    numbers = np.arange(np.prod([count for _, count in whole])).reshape([count for _, count in whole])
    for _ in range(6):
        if draw.random() < 0.5:
            order = draw.sample(range(len(dims)), len(dims))
            dims, numbers = tuple(dims[at] for at in order), numbers.transpose(order)
        else:
            wanted = factors(draw, numbers.size)
            moved = viewed(dims, wanted)
            if moved is None:
                continue
            dims, numbers = moved, numbers.reshape(wanted)
        assert tuple(map(size, dims)) == numbers.shape
        assert all(dim == merged(dim) for dim in dims)
        assert np.array_equal(places(dims, whole), numbers)


@pytest.mark.parametrize("seed", range(60))
def test_a_pattern_moves_the_same_numbers(seed):
    """`rearrange` in a spec reads the pattern as einops does; here it is read by hand."""
    draw = random.Random(seed)
    sizes = {"h": draw.choice([2, 4]), "w": 6, "c": draw.choice([6, 8])}
    digits = [digit for axis, count in sizes.items() for dim in viewed(plain(axis, [count]), factors(draw, count)) for digit in dim]
    draw.shuffle(digits)
    cut = draw.randrange(1, len(digits)) if len(digits) > 1 else 1
    after = [merged(digits[:cut]), merged(digits[cut:])]
    pattern, given = rearrangement("hwc", after)
    left, right = (side.replace("(", " ( ").replace(")", " ) ").split() for side in pattern.split("->"))
    names = [name for name in left if name not in "()"]
    before, at = [], 0
    groups = pattern.split("->")[0].replace("(", "[").replace(")", "]").split()
    numbers = np.arange(np.prod(list(sizes.values()))).reshape(list(sizes.values()))
    shape, inside, axis = {}, [], iter(sizes.values())
    for word in left:
        if word == "(":
            inside = []
            at = 1
        elif word == ")":
            count = next(axis)
            known = np.prod([given[name] for name in inside if name in given], dtype=int)
            shape |= {name: given.get(name, count // known) for name in inside}
            at = 0
        elif at:
            inside.append(word)
        else:
            shape[word] = next(axis)
    order = [names.index(name) for name in right if name not in "()"]
    moved = numbers.reshape([shape[name] for name in names]).transpose(order).reshape([size(dim) for dim in after])
    assert np.array_equal(places(after, list(sizes.items())), moved)
    del before, groups


@pytest.mark.parametrize(
    ("here", "move", "step"),
    [
        (Map((4, 6), 8), lambda x: x, None),
        (Map((4, 6), 8), lambda x: [(*x[1], *x[2], *x[3])], "flatten"),
        (Map((4, 6), 8), lambda x: [(*x[2], *x[3]), x[1]], "tokens"),
        (Map((4, 6), 8), lambda x: [x[2], x[3], x[1]], "rearrange"),
        (Tokens(12, 8), lambda x: [x[2], x[1]], "swap"),
        (Tokens(12, 8), lambda x: [x[2], *viewed((x[1],), (3, 4))], "map"),
        (Map((4, 6), 8), lambda x: [(lambda a, b: (*b, *a))(*viewed((x[1],), (2, 4))), x[2], x[3]], "shuffle"),
    ],
)
def test_a_view_becomes_a_value_by_the_layer_that_says_it_best(here, move, step):
    flat = Flat("net", "net")
    views = Views(flat, 2)
    x = views.of(flat.input("x", here))
    moved = move(x.dims)
    dims = moved if moved is x.dims else (x.dims[0], *moved)
    from archspec.imports.flat import Site

    value = views.settle(Site("view"), View(x.value, tuple(dims)))
    made = flat.made(value)
    assert (made.op.step if made else None) == step
    assert views.settle(Site("view"), View(x.value, tuple(dims))) == value
    assert sizes_of(flat.type_of(value)) == tuple(map(size, dims[1:]))
    assert len(axes_of(flat.type_of(value))) == len(dims) - 1
