"""A smaller spec that fails as well: parts are left out, one after another, as long as it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.fuzzing.generator import Drawn, SpecGenerator
from tests.fuzzing.tape import TooLarge
from tests.fuzzing.tree import Block, Body, Default, bodies


def shrink(generator: SpecGenerator, fails: Callable[[Drawn], bool]) -> Drawn | None:
    """The spec of a generator with no part that it can do without; None where played again it does not fail."""
    least = _played(generator, fails)
    found = least
    while found is not None:
        least, found = found, next(filter(None, (_without(generator, fails, body, at) for body, at in list(_parts(generator.top)))), None)
    return least


def _parts(body: Body) -> Iterator[tuple[Body, int]]:
    """Parts that can go: not the last of a body, nor what others need to be read as they are."""
    for at, item in enumerate(body.items):
        if len(body.items) > 1 and not isinstance(item, (Block, Default)):
            yield body, at
        for inner in bodies(item):
            yield from _parts(inner)


def _without(generator: SpecGenerator, fails: Callable[[Drawn], bool], body: Body, at: int) -> Drawn | None:
    item = body.items.pop(at)
    found = _played(generator, fails)
    if found is None:
        body.items.insert(at, item)
    return found


def _played(generator: SpecGenerator, fails: Callable[[Drawn], bool]) -> Drawn | None:
    try:
        drawn = generator.again()
    except TooLarge:
        return None
    return drawn if fails(drawn) else None
