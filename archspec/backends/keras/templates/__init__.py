"""Layers that Keras lacks: real ones, whose source text is written into the files that use them.

Each is an op of the language: it is made with the arguments of the op, by their names, and everything else follows from what it reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from archspec.backends.source.templates import Templates

_TEMPLATES = Templates(Path(__file__).parent)
source = _TEMPLATES.source


def sources(names: Collection[str], words: Collection[str]) -> list[str]:
    """The sources of the layers and functions among some names, with the lines that these and `words`, names of arguments, ask for."""
    return _TEMPLATES.sources(names, {*names, *words})


def words_in(text: str) -> set[str]:
    """The words by which a text asks for lines: the names of arguments, with `_text` behind them too where what they are given is no number."""
    return {*re.findall(r"\b(\w+)=", text), *[f"{word}_text" for word in re.findall(r"\b(\w+)=(?![-.\d])", text)]}
