"""How a picture looks on a slide or in a paper."""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

from archspec.ops.base import KINDS
from archspec.views.figures.cards import DETAIL
from archspec.views.figures.plan import SLIDE, Page
from archspec.views.graphics.svg import Heading, resized, size_of
from archspec.views.theme import THEMES, Theme, recoloured

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
DIRECTIONS = ("down", "right")
"""Where arrows go: those between boxes down, and those between volumes to the right, where nothing is asked."""


class Look(NamedTuple):
    """`width` is that of the picture, `font_size` that of the layers' words, both in pixels, and 0 for as they are; `page` is what a
    picture of boxes or volumes is to fill, `style` how volumes are drawn, and whether `down` in place of to the right.
    """

    theme: Theme = THEMES["light"]
    title: bool = True
    legend: bool = True
    transparent: bool = False
    width: float = 0.0
    font_size: float = 0.0
    page: Page = SLIDE
    style: str = "sheets"
    down: bool = False

    @property
    def palette(self) -> Theme:
        """The colours, without a ground where it is transparent."""
        return self.theme._replace(page="none") if self.transparent else self.theme

    def heading(self, heading: Heading) -> Heading:
        """A heading with what is to be seen."""
        return heading._replace(facts=heading.facts if self.title else "", legend=self.legend)

    def sized(self, svg: str) -> str:
        """A picture at its size."""
        if not self.width and not self.font_size:
            return svg
        return resized(svg, self.width / size_of(svg)[0] if self.width else self.font_size / DETAIL)


PLAIN = Look()
"""That of a picture for which nothing is asked."""


def colours(theme: Theme, text: str) -> Theme:
    """A theme with some colours of kinds from a TOML text: `convolution = "#005b94"`. Raises ValueError."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f'colours are TOML, `convolution = "#005b94"`: {error}') from None
    for kind, colour in found.items():
        if kind not in KINDS:
            raise ValueError(f"there is no kind of layer `{kind}`; there are {', '.join(KINDS)}")
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            raise ValueError(f"the colour of `{kind}` is written as `#005b94`, six digits; not as `{colour}`")
    return recoloured(theme, found)
