"""Messages: what is wrong, where, with which numbers, and what would work."""

from archspec.diagnostics.diagnostic import Diagnostic, Diagnostics, Enough, Frame, SpecError, nearest

__all__ = ["Diagnostic", "Diagnostics", "Enough", "Frame", "SpecError", "nearest"]
