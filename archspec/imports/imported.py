"""What an import gives: a spec, its network, what was found, and where the source has each weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from archspec.api import loads
from archspec.diagnostics import Diagnostic
from archspec.ir.graph import Network


class Stored(NamedTuple):
    """Where a source has a tensor of a network, and how it lies there.

    The tensors called `keys` are taken one after the other: each is given the shape `shape`, if there is one, its axes are put into the
    `order`, if there is one, its `rows` along the first axis are taken, as (start, stop) in this order, and all are joined along the first
    axis. Without keys it is a tensor of the number `value`.
    """

    keys: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    rows: tuple[tuple[int, int], ...] = ()
    value: float = 0.0


class Imported(NamedTuple):
    """A network that was read from elsewhere: its spec as a text, the network of that, and what was found on the way.

    `note` says what was given up so that the text is the same network; empty where nothing was. `stored` says, for each tensor of the
    network, where the source has it.
    """

    text: str
    network: Network
    note: str
    diagnostics: tuple[Diagnostic, ...]
    stored: Mapping[str, Stored]

    @classmethod
    def read(cls, text: str, note: str, source: str, found: tuple[Diagnostic, ...], stored: Mapping[str, Stored]) -> Imported:
        """Read the text back."""
        return cls(text, loads(text, name=source), note, found, stored)
