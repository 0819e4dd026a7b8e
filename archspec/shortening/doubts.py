"""What is not written as shortly as it might be, since no shorter text was proved to be the same network."""

from __future__ import annotations

from collections.abc import Iterable

from archspec.shortening.items import Group, Item, every

_ALIKE, _APART, _LISTED, _OPENED = 1, 2, 3, 4
"""What a group is in turn: an instance of a block only with others that have equal lines, no instance of a block, one whose layers have labels
instead of branches, none."""


class Doubts:
    """Groups, by their full names, with what was given up for each; the whole network has no name."""

    def __init__(self) -> None:
        self.given_up: dict[str, int] = {}

    @property
    def alike(self) -> set[str]:
        """Groups that are instances of a block only with others that have equal lines."""
        return self._from(_ALIKE)

    @property
    def apart(self) -> set[str]:
        """Groups that are no instances of blocks."""
        return self._from(_APART)

    @property
    def listed(self) -> set[str]:
        """Groups whose layers have labels instead of branches and repeats."""
        return self._from(_LISTED)

    @property
    def opened(self) -> set[str]:
        """Modules that are no groups."""
        return self._from(_OPENED) - {""}

    def _from(self, least: int) -> set[str]:
        return {path for path, given_up in self.given_up.items() if given_up >= least}

    def blame(self, items: Iterable[Item], names: Iterable[str], top: Iterable[Item]) -> bool:
        """Give up more for the groups around some items, or around layers of these names; False where nothing is left.

        What is said of one instance of a block is said of all.
        """
        groups = [item for item in every(top) if isinstance(item, Group)]
        around: dict[int, str] = {}
        for group in groups:
            for item in every(group.body):
                around.setdefault(id(item), group.path)
        known = {group.path: group for group in groups}
        paths = {around.get(id(item), "") for item in items} | {_nearest(name, known) for name in names}
        blocks = {id(known[path].block) for path in paths if path and known[path].block is not None}
        paths |= {group.path for group in groups if group.block is not None and id(group.block) in blocks}
        return self.more(paths or {""})

    def more(self, paths: set[str]) -> bool:
        """Give up more for groups."""
        left = {path for path in paths if self.given_up.get(path, 0) < (_OPENED if path else _LISTED)}
        for path in left:
            self.given_up[path] = self.given_up.get(path, 0) + 1
        return bool(left) or (paths != {""} and self.more({path.rpartition(".")[0] for path in paths}))

    def note(self) -> str:
        """What was given up, in words; empty where nothing was."""
        paths = sorted(self.apart)
        if not paths:
            return "some blocks have equal lines in all their instances" * bool(self.given_up)
        named = ", ".join(f"`{path}`" if path else "the top level" for path in paths[:3])
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        return f"no short text was proved for {named}{more}"


def _nearest(name: str, known: Iterable[str]) -> str:
    """The innermost group that the name of a layer begins with."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name
