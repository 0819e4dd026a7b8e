"""Tells jupyter-lsp, which finds this by an entry point, how the language server of `.arch` files is started."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any


def servers(manager: object) -> dict[str, dict[str, Any]]:
    """The servers by name, as jupyter-lsp describes them; none where pygls is not installed, without which ours does not start."""
    if find_spec("pygls") is None:
        return {}
    spec = {
        "argv": [sys.executable, "-m", "archspec", "lsp"],
        "languages": ["archspec"],
        "mime_types": ["text/x-archspec"],
        "display_name": "archspec",
        "version": 2,
    }
    return {"archspec": spec}
