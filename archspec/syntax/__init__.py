"""Text to syntax tree, and text to well-formatted text."""

from archspec.syntax.parser import parse

__all__ = ["parse"]
