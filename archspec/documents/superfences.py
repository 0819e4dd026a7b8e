"""MkDocs and Zensical: what shows an ```` ```arch ```` fence, through the extension `pymdownx.superfences`.

    markdown_extensions:
      - attr_list
      - pymdownx.superfences:
          custom_fences:
            - name: arch
              class: arch
              format: !!python/object/apply:archspec.documents.superfences.formatter
                kwds: {show: table}

A fence says what it shows itself with ```` ```arch {show="table picture"} ````, and that it is meant to have errors with `{wrong}`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from archspec.documents.fenced import Settings, settings_of, shown

_log = logging.getLogger("mkdocs.plugins.archspec")
"""MkDocs counts the warnings of such a logger, and `mkdocs build --strict` fails for them."""


def formatter(show: str = "", playground: str = "", base: str = "") -> Callable[..., str]:
    """What formats a fence.

    `show` are the parts that every fence shows: messages, table, picture. `playground` is the address of a playground, to which each fence
    then has a link. `base` is the folder in which `use` finds files; that of the bundled specs without it. Raises ValueError for other parts.
    """
    return partial(_formatted, settings=settings_of(show, playground, base))


def _formatted(
    source: str,
    language: str,
    class_name: str,
    options: Mapping[str, Any],
    md: Any,
    *,
    settings: Settings,
    attrs: Mapping[str, str] | None = None,
    **_: Any,
) -> str:
    attributes = {**(attrs or {})}
    made = shown(f"{source}\n", settings, show=attributes.get("show"), wrong="wrong" in attributes)
    for mistake in made.mistakes:
        _log.warning("a spec has errors: %s", mistake)
    return made.html()
