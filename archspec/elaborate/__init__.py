"""From syntax tree to graph."""

from archspec.elaborate.core import Options
from archspec.elaborate.elaborator import elaborate

__all__ = ["Options", "elaborate"]
