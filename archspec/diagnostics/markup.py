"""Small pieces of HTML for notebooks. Each cell has its alignment, since Jupyter's own style aligns all of them right."""

from __future__ import annotations

from collections.abc import Iterable

from archspec.diagnostics.visible import visible

LEFT, RIGHT = 'style="text-align:left"', 'style="text-align:right"'


def html_text(text: str) -> str:
    """Escape text for HTML; characters that cannot be seen are written as escapes."""
    from html import escape  # a large table of entities, which no command needs to check a spec

    return escape(visible(text))


def html_lines(text: str) -> str:
    """Lines of text as they are, in letters of one width."""
    lines = "\n".join(map(html_text, text.split("\n")))
    return f'<pre style="text-align:left">{lines}</pre>\n'


def html_pairs(title: str, pairs: Iterable[tuple[str, object]]) -> str:
    """A table of names and values; numbers are aligned right."""
    rows = [
        f"<tr><td {LEFT}>{html_text(name)}</td><td {RIGHT if isinstance(value, int) else LEFT}>{html_text(_shown(value))}</td></tr>\n"
        for name, value in pairs
    ]
    return f"<table>\n<caption {LEFT}>{html_text(title)}</caption>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, int):
        return f"{value:,}"
    return "?" if value is None else str(value)
