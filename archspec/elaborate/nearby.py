"""Searches near an input for others with which a network fits, where a size in it does not.

The network is elaborated again with other inputs. A size that fails is left by one position at a time, so that each direction, smaller
and larger, ends with the first input that fits, or with none. Only where windows are too large and nothing must divide, every larger
input fits too, and the least is found by halving.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from archspec.ops.base import Misfit
from archspec.types import AXES

_PROBES = 80
"""Inputs that are tried at most in each direction."""
_WORK = 10_000
"""The work allowed: layers elaborated, and lines read."""


class Probe(NamedTuple):
    """The result of an elaboration: the first size that does not fit, whether there are no other mistakes, and the work done."""

    misfit: Misfit | None
    clean: bool
    work: int


Try = Callable[[tuple[int, ...]], Probe]


class Nearby:
    """The search from one input; `attempt` elaborates the network with another."""

    def __init__(self, spatial: tuple[int, ...], first: Misfit, attempt: Try, work: int) -> None:
        self.spatial = spatial
        self.first = first
        self.attempt = attempt
        self.work = work
        """What an elaboration costs, by the last of them."""
        self.left = _WORK
        self.together = len(set(spatial)) == 1
        """Whether all axes are changed alike, as for square inputs."""

    def found(self) -> list[tuple[int, ...]]:
        """The spatial sizes that fit, the smaller before the larger."""
        return [spatial for spatial in (self.walk(-1), self.halving() or self.walk(1)) if spatial is not None]

    def probe(self, sizes: Sequence[int]) -> Probe | None:
        """Try other sizes; None where there are none, or enough were tried."""
        self.left -= self.work
        if min(sizes) < 1 or self.left < 0:
            return None
        probe = self.attempt(tuple(sizes))
        self.work = probe.work
        return probe

    def walk(self, step: int) -> tuple[int, ...] | None:
        """The first sizes that fit, one position at a time."""
        sizes, misfit = list(self.spatial), self.first
        for _ in range(_PROBES):
            if misfit.axis is None or (step < 0 and misfit.code == "A202"):
                return None
            for at in range(len(sizes)):
                sizes[at] += step if self.together or at == misfit.axis else 0
            probe = self.probe(sizes)
            if probe is None or probe.misfit is None:
                return tuple(sizes) if probe is not None and probe.clean else None
            misfit = probe.misfit
        return None

    def halving(self) -> tuple[int, ...] | None:
        """The least larger side where windows are too large, as long as nothing else is met; None where sizes must divide too."""
        low, high = self.spatial[0], 0
        while self.together and self.first.code == "A202" and (not high or high - low > 1):
            side = (low + high) // 2 if high else 2 * low
            probe = self.probe([side] * len(self.spatial))
            if probe is None or (probe.misfit.code != "A202" if probe.misfit else not probe.clean):
                return None
            if probe.misfit:
                low = side
            else:
                high = side
        return (high,) * len(self.spatial) if high else None


def in_words(spatial: tuple[int, ...], fitting: list[tuple[int, ...]], sizes: tuple[int, ...]) -> str:
    """The inputs that fit, in words; `sizes` are what the layer itself would take."""
    changed = [at for at in range(len(spatial)) if any(other[at] != spatial[at] for other in fitting)]
    where = ""
    if all(len(set(other)) == 1 for other in fitting):
        shown = [other[0] for other in fitting]
    elif len(changed) == 1:
        shown = [other[changed[0]] for other in fitting]
        where = f" in {AXES[len(spatial)][changed[0]]}"
    else:
        shown = []
    words = " or ".join(map(str, shown) if shown else ("x".join(map(str, other)) for other in fitting))
    whose = "" if shown and set(shown) <= set(sizes) else " for the network"
    return f"an input of {words}{where}{whose}"
