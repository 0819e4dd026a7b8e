"""Groups for networks whose names say nothing: windows of layers that come again and again, as they would be modules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from archspec.shortening.items import From, Group, Head, Item, Layer, Mark, bodies
from archspec.shortening.saying import BEGIN

_LONGEST = 24
"""Items of a window at most."""
_LEAST = 3
"""Lines of a window at least, and times that it comes."""
_COST = 2
"""Lines that a block takes besides those of its body."""
_PART = 0.5
"""The share of a window's layers that a part has at least which is taken for one."""
_NORMS = ("bn", "ln")

Tokens = tuple[object, ...]


class _Window(NamedTuple):
    """Some items of a body: `body[start:stop]`."""

    body: list[Item]
    start: int
    stop: int


def mine(parts: Sequence[list[Item]], apart: Collection[str]) -> None:
    """Put groups into bodies, in place, except for those `apart`."""
    bodies_ = [body for part in parts for body in _bodies(part)]
    for body in bodies_:
        body[:] = _unlabelled(body)
    mains = {id(item.branches[0]) for body in bodies_ for item in body if isinstance(item, Head) and item.kind == "residual"}
    known: set[Tokens] = set()
    again: set[int] = set()
    """Bodies in groups that are like others."""
    while (found := _best(bodies_, mains, again)) is not None:
        tokens, windows = found
        known.add(tokens)
        groups = _grouped(windows, apart)
        if not groups:
            return
        for group in groups[1:]:
            again |= {id(body) for body in _bodies(group.body)}
        bodies_ += [group.body for group in groups]
        mains |= {id(group.body) for group in groups}
    for body in [body for part in parts for body in _bodies(part)]:
        _grouped(list(_parts(body, known)), apart)


def _bodies(body: list[Item]) -> Iterator[list[Item]]:
    """A body, and all in it that are in no group and no shortcut."""
    yield body
    for item in body:
        if isinstance(item, Head):
            for inner in item.branches[:1] if item.kind == "residual" else item.branches:
                yield from _bodies(inner)


def _unlabelled(body: Sequence[Item]) -> Iterator[Item]:
    """Items, labels of layers without weights on lines of their own."""
    for item in body:
        yield item
        if isinstance(item, Layer) and item.label and item.step not in BEGIN and item.reads and not (item.lends or item.aside):
            item.label = False
            yield Mark("x", label=True, of=item)


def _tokens(item: Item) -> Tokens | None:
    """What an item is, for windows that are alike: a residual is as its main path. None for what belongs to no window."""
    match item:
        case Layer() if item.label or item.refs or item.owner or item.aside:
            return None
        case Layer():
            return ((item.step, item.arguments.get("k") == "1") if item.step == "conv" else item.step,)
        case Group():
            return (("group", *(_all(item.body) or ())),)
        case Head() if item.kind == "residual":
            return _all(item.branches[0])
        case Head():
            inner = [_all(branch) for branch in item.branches]
            return None if None in inner else ((item.kind, item.argument, *inner),)
        case From() | Mark() | _:
            return None


def _all(body: Sequence[Item]) -> Tokens | None:
    found: list[object] = []
    for item in body:
        own = _tokens(item)
        if own is None:
            return None
        found += own
    return tuple(found)


def _lines(item: Item) -> int:
    """The lines that an item takes, roughly."""
    match item:
        case Layer():
            return int(item.step in BEGIN)
        case Head():
            return 1 + sum(max(1, sum(map(_lines, branch))) for branch in item.branches if branch or item.kind != "residual")
        case _:
            return 1


def _begins(item: Item) -> bool:
    """Whether a window may begin with an item."""
    return not isinstance(item, Layer) or item.step in BEGIN or item.step in _NORMS or item.step == "slice"


def _best(bodies_: Sequence[list[Item]], mains: Collection[int], again: Collection[int]) -> tuple[Tokens, list[_Window]] | None:
    """The windows by which most is gained. A whole main path or group is none, as what is around it is one; what comes `again` counts for
    nothing.
    """
    found: dict[Tokens, list[_Window]] = {}
    lines: dict[Tokens, int] = {}
    for body in bodies_:
        tokens = list(map(_tokens, body))
        own = list(map(_lines, body))
        for start, item in enumerate(body):
            key: Tokens = ()
            count = 0
            for stop in range(start + 1, min(start + _LONGEST, len(body)) + 1) if _begins(item) else ():
                more = tokens[stop - 1]
                if more is None:
                    break
                key += more
                count += own[stop - 1] if stop - 1 == start or more != tokens[stop - 2] or not isinstance(body[stop - 1], Group) else 0
                whole = id(body) in mains and stop - start == len(body)
                if count < _LEAST or whole or all(isinstance(one, Group) for one in body[start:stop]):
                    continue
                if any(0 < at < len(body) and isinstance(body[at], Group) and tokens[at] == tokens[at - 1] for at in (start, stop)):
                    continue  # what is alike stays together
                windows = found.setdefault(key, [])
                if not windows or windows[-1].body is not body or windows[-1].stop <= start:
                    windows.append(_Window(body, start, stop))
                    lines[key] = max(count, lines.get(key, 0))
    times = {key: sum(id(window.body) not in again for window in windows) for key, windows in found.items()}
    gains = {key: (times[key] - 1) * lines[key] - _COST for key in found if times[key] > 1}
    best = max(gains, key=lambda key: (gains[key], len(found[key]), len(key)), default=())
    return (best, found[best]) if gains.get(best, 0) > 0 else None


def _grouped(windows: Sequence[_Window], apart: Collection[str]) -> list[Group]:
    """The groups that take the places of windows, from the last one on, so that positions stay."""
    found: list[Group] = []
    for body, start, stop in reversed(windows):
        items = body[start:stop]
        path = f"{_name(items)}:{len(items)}"
        if path not in apart:
            group = Group("", items[0].reads, path=path, body=items, end=items[-1], channels=_channels(items[0]), width=_width(items[-1]))
            body[start:stop] = [group]
            found.insert(0, group)
    return found


def _parts(body: list[Item], known: Collection[Tokens]) -> Iterator[_Window]:
    """Windows that have most of the layers of known ones, in order, and no others."""
    start = 0
    while start < len(body):
        stop = start
        while stop < len(body) and not isinstance(body[stop], Group) and _tokens(body[stop]) is not None:
            stop += 1
        if stop > start:
            near = stop < len(body) and isinstance(body[stop], Group)
            for first in range(start, stop) if near else ():
                tokens = _all(body[first:stop])
                head = body[first]
                begins = isinstance(head, Head) or (isinstance(head, Layer) and head.step in BEGIN)
                if tokens and begins and any(_PART * len(one) <= len(tokens) and _is_part(tokens, one) for one in known):
                    yield _Window(body, first, stop)
                    break
        start = stop + 1


def _is_part(tokens: Tokens, whole: Tokens) -> bool:
    """Whether tokens are some of others, in order."""
    rest = iter(whole)
    return all(token in rest for token in tokens)


def _name(items: Sequence[Item]) -> str:
    """The name of the first layer of items."""
    for item in items:
        if isinstance(item, Layer):
            return item.name
        for inner in bodies(item):
            if name := _name(inner):
                return name
    return ""


def _channels(item: Item) -> int:
    """The channels that an item reads."""
    if isinstance(item, (Layer, Group)):
        return item.channels
    return next((_channels(inner[0]) for inner in bodies(item) if inner), 0)


def _width(item: Item) -> int:
    """The channels that an item gives."""
    item = item.merge if isinstance(item, Head) and item.merge is not None else item
    return item.width if isinstance(item, (Layer, Group)) else 0
