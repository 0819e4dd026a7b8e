"""Writing HTML. Text is escaped where it enters; everything else here is markup already."""

from __future__ import annotations

from html import escape

from archspec.views.graphics.text_width import shown


def text(value: str) -> str:
    """Text of a spec as markup: what cannot be seen is written as an escape, what is too long is cut."""
    return escape(shown(value))


def sides(shape: str | float) -> str:
    """A shape as pages write it."""
    return str(shape).replace("x", "×")


def tag(name: str, *content: str, **attributes: str | int | bool | None) -> str:
    """An element around markup. Attributes are texts; those that are None or False are left out; `_` stands for `-`, a trailing one avoids Python's keywords."""
    parts = [name]
    for key, value in attributes.items():
        if value is not None and value is not False:
            written = key.rstrip("_").replace("_", "-")
            parts.append(written if value is True else f'{written}="{text(str(value))}"')
    return f"<{' '.join(parts)}>{''.join(content)}</{name}>"
