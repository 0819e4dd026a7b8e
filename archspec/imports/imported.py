"""What an import gives: a spec, its network, what was found, and where the source has each weight."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from archspec.api import loads
from archspec.diagnostics import Diagnostic
from archspec.diagnostics.markup import html_lines, html_text
from archspec.ir.graph import Network
from archspec.saving import write_whole, writing


class Stored(NamedTuple):
    """Where a source has a tensor of a network, and how it lies there.

    The tensors called `keys` are taken one after the other: each is given the shape `shape`, if there is one, its axes are put into the
    `order`, if there is one, its `rows` along the first axis are taken, as (start, stop) in this order, and all are joined along the first
    axis. With a `shape` the result then takes that of the tensor: the columns of a layer behind a `flatten` may be put into order as the
    axes of a map. Without keys it is a tensor of the number `value`.
    """

    keys: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    rows: tuple[tuple[int, int], ...] = ()
    value: float = 0.0


class Imported(NamedTuple):
    """A network that was read from elsewhere: its spec as a text, the network of that, and what was found on the way.

    `note` says what was given up so that the text is the same network; empty where nothing was. `stored` says, for each tensor of the
    network, where the source has it; `tensors` opens the source's arrays, of which a file apart may have the numbers.
    """

    text: str
    network: Network
    note: str
    diagnostics: tuple[Diagnostic, ...]
    stored: Mapping[str, Stored]
    tensors: Callable[[Path | None], Mapping[str, Any]] | None = None

    @classmethod
    def read(cls, text: str, note: str, source: str, found: tuple[Diagnostic, ...], stored: Mapping[str, Stored]) -> Imported:
        """Read the text back. What was found on the way is what the network has to report, instead of lints about the text."""
        network = loads(text, name=source)
        network.diagnostics = found
        return cls(text, network, note, found, stored)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the spec to a file, whole or not at all. Raises OSError."""
        write_whole(Path(path), self.text)

    def save_weights(self, path: str | os.PathLike[str], data: str | os.PathLike[str] | None = None) -> int:
        """Write the source's numbers as a safetensors file, under the network's own names and in its layouts; returns how many tensors.

        `data` names a file of weights that lies apart, which nothing else opens. `archspec.load_weights` reads the result. All numbers
        become float32. Raises WeightsError where the source lacks some; OSError; ImportError without NumPy.
        """
        from archspec.imports.carrying import carry

        with writing(Path(path)) as (file,):
            return carry(self, file, None if data is None else Path(data))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        lines = sum(bool(line.strip()) for line in self.text.splitlines())
        warned = f", {len(self.diagnostics):,} found on the way" if self.diagnostics else ""
        return f"Imported({repr(self.network).removeprefix('Network(').removesuffix(')')}, {lines:,} lines{warned})"

    def _repr_html_(self) -> str:
        said = "".join(html_lines(str(each)) for each in self.diagnostics)
        note = f"<p>{html_text(self.note)}</p>\n" if self.note else ""
        return f"{html_lines(self.text)}{note}{said}{self.network._repr_html_() or ''}"
