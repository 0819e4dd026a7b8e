"""Modules that PyTorch lacks: real ones, whose source text is written into the files that use them."""

from __future__ import annotations

from pathlib import Path

from archspec.backends.source.templates import Templates


def _derived(parts: dict[str, str]) -> dict[str, str]:
    """All parts: those of other kinds and ranks are written from one, and the body of `finished` in place of each call of it."""
    found: dict[str, str] = {}
    for name, part in parts.items():
        found[name] = part
        if name.endswith("LSTM"):
            found |= {name.replace("LSTM", kind): part.replace("LSTM", kind) for kind in ("GRU", "RNN")}
        if name.endswith("2d"):
            found |= {f"{name[:-2]}{rank}d": part.replace("2", rank) for rank in "13"}
    _, _, body = found.pop("finished").partition('"""\n')
    return {name: text.replace("    return finished(module)", body) for name, text in found.items()}


_TEMPLATES = Templates(Path(__file__).parent, _derived)
source, sources = _TEMPLATES.source, _TEMPLATES.sources
