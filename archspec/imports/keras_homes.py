"""The level in which a layer is whose name, since Keras gave it, says nothing: that of the layers around it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence


def homes(reads: Mapping[str, Sequence[str]], levels: Mapping[str, str], activations: Container[str]) -> dict[str, str]:
    """The levels that layers are in, by what each reads; `levels` has those of layers whose names say it.

    Of those that Keras named, a merge is in the level in which the ends of branches meet, and an activation in that of what it reads. Another layer is in that of the merge that it leads to, alone or before others that Keras named; where a branch begins with it, in that of the
    branch; else where what it reads is, as far as what reads it is there too.
    """
    users: dict[str, list[str]] = {}
    for name, sources in reads.items():
        for source in sources:
            users.setdefault(source, []).append(name)
    places = {name: at for at, name in enumerate(reads)}
    homes = dict(levels)
    before = dict(levels)
    for name in reads:
        if name in before:
            continue
        known = sorted([one for one in reads[name] if one in before], key=lambda one: (one in levels, places[one]))
        before[name] = _met([before[one] for one in known if one == known[-1] or len(users[one]) == 1])
        if len(reads[name]) > 1 or name in activations:
            homes[name] = before[name]
    behind = dict(levels)
    branches: set[str] = set()
    for name in reversed(list(reads)):
        if name in behind:
            continue
        user, *others = users.get(name, [""])
        behind[name] = behind.get(user, "")
        if name not in homes:
            alone = not others and user in homes and (len(reads[user]) > 1 or user in branches)
            branches |= {name} if alone else set()
            begins = not others and any(len(users[source]) > 1 for source in reads[name])
            homes[name] = homes[user] if alone else _unnumbered(behind[name]) if begins else _common(before[name], behind[name])
    return homes


def _met(levels: Sequence[str]) -> str:
    """The level of what reads values of these levels: the deepest that the last has in common with another, or its own."""
    *others, last = levels or [""]
    return max([_common(one, last) for one in others], key=len, default="") or last


def _unnumbered(level: str) -> str:
    """The level around a position."""
    around, _, last = level.rpartition(".")
    return around if last.isdigit() else level


def _common(one: str, other: str) -> str:
    """The levels that two names begin with."""
    found = []
    for a, b in zip(one.split("."), other.split("."), strict=False):
        if a != b:
            break
        found.append(a)
    return ".".join(found)
