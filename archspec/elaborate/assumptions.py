"""What the caller of an elaboration sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from archspec.elaborate.expressions import Value
from archspec.syntax.parser import MAX_BYTES, MAX_TOKENS


class Options(NamedTuple):
    """What the caller sets: params, input shapes (by name; "" is the only or first one), and the limits."""

    params: Mapping[str, Value] = {}
    inputs: Mapping[str, tuple[int, ...]] = {}
    max_layers: int = 1_000_000
    max_steps: int = 60_000
    max_depth: int = 64
    max_files: int = 64
    max_bytes: int = MAX_BYTES
    max_tokens: int = MAX_TOKENS
    base: Path | None = None
    """The folder of the spec, for `use`."""
    texts: Mapping[Path, str] = {}
    """Texts in place of files that are used, such as those that an editor holds, by their resolved paths."""
    watch: Callable[[], None] | None = None
    """Called at each step; what it raises ends the elaboration, as where an editor has changed the text meanwhile."""


LIMITS = tuple(name.removeprefix("max_") for name in Options._fields if name.startswith("max_"))
"""What `--limit` may raise."""
