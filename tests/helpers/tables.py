"""The tables of the command, to compare others with."""

from __future__ import annotations

import html
import re


def cells(document: str) -> list[list[str]]:
    """The cells of an HTML table, row by row, its totals last; titles and notes are left out."""
    rows = re.findall(r"<tr>(<td.*?)</tr>", document)
    found = [[html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]
    return [row for row in found if len(row) > 1]
