"""The colours of the two themes, one for each kind of layer.

The hues are those of Okabe and Ito 2008 (Color universal design), which people with any of the common colour deficiencies can
tell apart; the lightness of those that matter most is spread, so that a print in greys keeps them apart as well. No picture relies on
colour alone.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from archspec.ops.base import KINDS, Op

TITLES = {"attention": "attention, tokens", "merge": "add, concat", "other": "shape, dropout"}
"""Words for the legend where the kind's name is not enough."""

_MINOR = frozenset({"flatten", "dropout", "dropout2d", "droppath"})


def is_minor(op: Op) -> bool:
    """Whether a layer is drawn with the layer before it: it normalises, activates, drops or flattens what that one puts out."""
    return op.kind in ("normalisation", "activation") or op.step in _MINOR


class Theme(NamedTuple):
    """Colours. `accent` marks a kind, `tint` fills a box of that kind under text in `ink`."""

    page: str
    ink: str
    muted: str
    line: str
    frame: str
    panel: str
    card: str
    accent: dict[str, str]
    tint: dict[str, str]


_LIGHT = {
    "convolution": "#005b94", "fully connected": "#d55e00", "recurrent": "#7518d8", "pooling": "#12a37a", "attention": "#a0508c",
    "normalisation": "#74b3dc", "activation": "#eaa827", "merge": "#ddcc22", "other": "#98a1ab",
}  # fmt: skip
_DARK = {
    "convolution": "#337dc6", "fully connected": "#f28a4b", "recurrent": "#962dfc", "pooling": "#3fd9a9", "attention": "#c873b0",
    "normalisation": "#a3d2ef", "activation": "#f9cd6a", "merge": "#f8f06a", "other": "#76808b",
}  # fmt: skip


def _mixed(colour: str, ground: str, share: float) -> str:
    """A colour laid thinly over a ground: `share` of it."""
    pairs = [(int(colour[at : at + 2], 16), int(ground[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def _theme(page: str, ink: str, muted: str, line: str, frame: str, card: str, accent: dict[str, str], share: float) -> Theme:
    tint = {kind: _mixed(colour, page, share) for kind, colour in accent.items()}
    return Theme(page, ink, muted, line, frame, _mixed(ink, page, 0.03), card, accent, tint)


def recoloured(theme: Theme, accent: dict[str, str]) -> Theme:
    """A theme with other colours of some kinds; their tints follow."""
    share = 0.2 if theme is THEMES["dark"] else 0.13
    tint = {kind: _mixed(colour, theme.page, share) for kind, colour in accent.items()}
    return theme._replace(accent=theme.accent | accent, tint=theme.tint | tint)


_PLAIN = Theme._fields[:-2]


def variables(theme: Theme) -> dict[str, str]:
    """The colours of a theme by the names of their CSS custom properties."""
    plain = {f"--{name}": getattr(theme, name) for name in _PLAIN}
    accents = {f"--{_slug(kind)}": colour for kind, colour in theme.accent.items()}
    return plain | accents | {f"--{_slug(kind)}-tint": colour for kind, colour in theme.tint.items()}


def _slug(kind: str) -> str:
    return kind.replace(" ", "-")


BY_PAGE = Theme(
    **{name: f"var(--{name})" for name in _PLAIN},
    accent={kind: f"var(--{_slug(kind)})" for kind in KINDS},
    tint={kind: f"var(--{_slug(kind)}-tint)" for kind in KINDS},
)
"""For pictures inside a page, which sets the custom properties of `variables`."""

THEMES: dict[str, Theme] = {
    "light": _theme("#ffffff", "#1f2328", "#59636e", "#6e7781", "#c8d0d9", "#ffffff", _LIGHT, 0.13),
    "dark": _theme("#0d1117", "#e6edf3", "#9da7b3", "#8b949e", "#3d444d", "#161b22", _DARK, 0.2),
}


@cache
def readable(kind: str) -> str:
    """The colour of a kind for text on a ground that is not known, as a terminal's: its hue, neither too light nor too dark for any."""
    parts = [int(_LIGHT[kind][at : at + 2], 16) / 255 for at in (1, 3, 5)]
    while not _DARKEST <= _luminance(parts) <= _LIGHTEST:
        parts = [part * 0.97 if _luminance(parts) > _LIGHTEST else 1 - (1 - part) * 0.97 for part in parts]
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


_DARKEST, _LIGHTEST = 0.13, 0.29
"""Luminances between which text has a contrast of 3:1 to black and to white (WCAG 2.1, large text)."""


def _luminance(parts: list[float]) -> float:
    """Relative luminance of sRGB, by WCAG 2.1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
