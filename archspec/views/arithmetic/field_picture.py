"""Draws the receptive field of a layer: the maps from the input on, with what one position of the layer sees in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archspec.analysis.layers import Report
from archspec.views.arithmetic.seen import Seen, seen
from archspec.views.figures.look import Look
from archspec.views.graphics.svg import HEADING, MARGIN, SMALL, Heading, document, element, heading_width, label, number, path
from archspec.views.graphics.text_width import fitting, width
from archspec.views.tables.columns import field
from archspec.views.theme import Theme

_MOST = 14
"""Maps that are drawn: of more, those at equal distances between the first and the last."""
_LARGEST, _LEAST = 150.0, 9.0
"""Sides of a map; their lengths go with the square root of the size."""
_GAP, _ROOM = 34.0, 1180.0
_NAME = 118.0


def field_picture(report: Report, layer: str, look: Look) -> str:
    """The SVG. Raises ValueError as `seen` does."""
    maps = seen(report, layer)
    row = report.named(layer)[0]
    shown = _chosen(maps)
    title = fitting(f"What one position of {row.name} sees", 700, 18, bold=True)
    size = "×".join(map(str, row.receptive_field or ()))
    facts = f"{row.written}; receptive field {size or '?'}{'' if field(row) in (None, size.replace('×', 'x')) else ' at most'}, the middle position"
    if len(shown) < len(maps):
        facts += f"; {len(shown)} of {len(maps)} maps"
    heading = look.heading(Heading(title, facts, f"{title}: {facts}."))
    body, right, low = _drawn(shown, look.palette)
    right = max(right, MARGIN + heading_width(heading))
    return look.sized(document(heading, look.palette, (right + MARGIN, low + MARGIN), body, data_as="field"))


def _chosen(maps: Sequence[Seen]) -> list[Seen]:
    """Maps that differ from the one before in size or in what is seen of them; the last always."""
    found = [each for at, each in enumerate(maps) if at == 0 or (each.spatial, each.region) != (maps[at - 1].spatial, maps[at - 1].region)]
    if found[-1].name != maps[-1].name:
        found[-1] = maps[-1]
    if len(found) <= _MOST:
        return found
    return [found[round(at * (len(found) - 1) / (_MOST - 1))] for at in range(_MOST)]


def _drawn(maps: Sequence[Seen], theme: Theme) -> tuple[list[str], float, float]:
    largest = max(side for each in maps for side in each.spatial[-2:])
    x, y, right = MARGIN, MARGIN + HEADING + 8, 0.0
    made: list[str] = []
    before: tuple[float, float, float, float] | None = None
    for each in maps:
        wide, high = (
            max(_LEAST, _LARGEST * (side / largest) ** 0.5) for side in (each.spatial[-1], each.spatial[-2] if len(each.spatial) > 1 else 1)
        )
        room = max(wide, _NAME)
        if x > MARGIN and x + room > MARGIN + _ROOM:
            x, y, before = MARGIN, y + _LARGEST + 52, None
        spot = _spot(each, x + (room - wide) / 2, y + (_LARGEST - high) / 2, wide, high)
        if before is not None:
            made += _joined(before, spot, theme)
        made += _map(each, (x, y, room, wide, high), spot, theme)
        before = spot
        x += room + _GAP
        right = max(right, x - _GAP)
    return made, right, y + _LARGEST + 30


def _spot(each: Seen, x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
    """Where the seen part of a map is drawn, at least wide enough to be found."""
    inside = each.inside[-2:] if len(each.spatial) > 1 else ((0, 0), each.inside[-1])
    spatial = each.spatial[-2:] if len(each.spatial) > 1 else (1, each.spatial[-1])
    ends = []
    for (low, high_), size, start, length in zip(inside, spatial, (y, x), (high, wide), strict=True):
        a, b = start + low / size * length, start + (high_ + 1) / size * length
        ends.append((a, max(b, a + 2.0)))
    (top, bottom), (left, right) = ends
    return left, top, right, bottom


def _map(each: Seen, place: tuple[float, ...], spot: tuple[float, float, float, float], theme: Theme) -> Iterator[str]:
    x, y, room, wide, high = place
    left, top, right, bottom = spot
    yield element(
        "rect", x=x + (room - wide) / 2, y=y + (_LARGEST - high) / 2, width=wide, height=high, fill=theme.tint[each.kind], stroke=theme.line,
        stroke_width=0.8,
    )  # fmt: skip
    colour = theme.accent["fully connected"]
    yield element(
        "rect", x=left, y=top, width=right - left, height=bottom - top, fill=colour, fill_opacity=0.55, stroke=colour, stroke_width=1.2,
        class_="seen", data_name=each.name, data_seen="x".join(str(high_ - low + 1) for low, high_ in each.region),
    )  # fmt: skip
    name = fitting(each.name, _NAME, SMALL)
    part = "×".join(str(high_ - low + 1) for low, high_ in each.inside)
    words = f"{part} of {'×'.join(map(str, each.spatial))}"
    for line, (text, ink) in enumerate(((name, theme.ink), (words if width(words, SMALL) <= room + _GAP else part, theme.muted))):
        yield label(x + room / 2, y + _LARGEST + 14 + 12 * line, text, SMALL, ink, text_anchor="middle")


def _joined(before: tuple[float, ...], after: tuple[float, ...], theme: Theme) -> Iterator[str]:
    """Lines from what is seen of a map to what is seen of the next."""
    for at in (1, 3):
        points = [(before[2], before[at]), (after[0], after[at])]
        yield element(
            "path", d=path(points), stroke=theme.accent["fully connected"], stroke_width=0.7, fill="none", stroke_opacity=number(0.8)
        )
