"""What the generated documents have in common."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = "{}.{}".format(*sys.version_info)
RICH = version("rich")
NOTICE = "<!-- Written by docs/make.py from the code; edit the code instead. -->"


def prose(text: str) -> str:
    """Text of a docstring as Markdown: stars and underscores stand for themselves."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_|<])", r"\\\1", part) for part in parts)


def cell(text: str) -> str:
    return text.replace("|", "\\|") if "`" in text else prose(text)
