"""Modules that are layers as a whole, by their classes."""

from __future__ import annotations

from typing import Any


def whole(reader: Any, node: Any) -> str | None:
    """Read the module that an operator is in as one layer; None where none of its modules is one."""
    return None
