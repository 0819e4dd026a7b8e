"""Messages: what is wrong, where, with which numbers, and what would work."""

from archspec.diagnostics.diagnostic import Diagnostic, Diagnostics, Enough, Frame, SpecError, did_you_mean, nearest

__all__ = ["Diagnostic", "Diagnostics", "Enough", "Frame", "SpecError", "did_you_mean", "nearest"]
