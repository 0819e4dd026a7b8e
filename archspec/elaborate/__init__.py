"""From syntax tree to graph."""

from archspec.elaborate.elaborator import Options, elaborate

__all__ = ["Options", "elaborate"]
