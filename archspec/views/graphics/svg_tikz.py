"""A picture as TikZ from its SVG, to be edited in a paper: colours with the names of their kinds, a scope with a name for each box, volume or row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from archspec.views.graphics.svg import number, pair
from archspec.views.tables.grid import latex_text
from archspec.views.theme import THEMES

_SVG = "{http://www.w3.org/2000/svg}"
_ANCHORS = {"middle": "base", "end": "base east"}
_GLYPHS = {"…": r"\dots{}", "→": r"$\to$"}


def tikz_of(svg: str) -> str:
    """The text of a `tikzpicture`."""
    return "".join(f"{line}\n" for line in _picture(svg))


def _picture(svg: str) -> Iterator[str]:
    root = ElementTree.fromstring(svg)
    names, counts = _names(svg), Counter[str]()
    yield r"% needs \usepackage{tikz}; lengths are in points of the picture: `scale` and `transform shape` make it smaller"
    for colour, name in names.items():
        yield rf"\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}"
    yield r"\begin{tikzpicture}[x=0.75pt, y=-0.75pt, font=\sffamily, line join=round]"
    ground = next((child for child in root if child.tag == f"{_SVG}rect"), None)
    for child in root:
        if child is not ground:
            yield from _lines(child, names, "  ", counts)
    yield r"\end{tikzpicture}"


def _names(svg: str) -> dict[str, str]:
    """The colours that are seen, by what they are for."""
    known: dict[str, str] = {}
    for theme in THEMES.values():
        known |= {getattr(theme, name): name for name in ("panel", "frame", "line", "muted", "card", "page", "ink")}
        known |= {colour: f"{kind}tint" for kind, colour in theme.tint.items()} | {colour: kind for kind, colour in theme.accent.items()}
    seen = dict.fromkeys(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{6})"', svg))
    return {colour: known.get(colour, f"colour{at}").replace(" ", "") for at, colour in enumerate(seen)}


def _lines(element: ElementTree.Element, names: Mapping[str, str], indent: str, counts: Counter[str]) -> Iterator[str]:
    form, read = element.tag.removeprefix(_SVG), element.get
    if form == "g":
        class_ = read("class") or "g"
        name = read("data-id") or f"{class_}{counts[class_]}"
        counts[class_] += 1
        yield rf"{indent}\begin{{scope}}[local bounding box={name}] % {latex_text(read('data-name') or class_)}"
        for child in element:
            yield from _lines(child, names, indent + "  ", counts)
        yield rf"{indent}\end{{scope}}"
    elif form == "text":
        size = 0.75 * float(read("font-size", "10"))
        font = rf"\fontsize{{{number(size)}}}{{{number(1.2 * size)}}}\selectfont" + (r"\bfseries" if read("font-weight") == "bold" else "")
        words = " ".join([_words(element), *map(_words, element)])
        style = f"anchor={_ANCHORS.get(read('text-anchor', ''), 'base west')}, inner sep=0pt, text={names.get(read('fill', ''), 'black')}"
        yield rf"{indent}\node[{style}] at ({pair((float(read('x', '0')), float(read('y', '0'))))}) {{{font} {words}}};"
    elif form in _SHAPES:
        yield rf"{indent}\path[{', '.join(_style(element, names))}] {_SHAPES[form](element)};"


def _words(element: ElementTree.Element) -> str:
    words = "".join(_GLYPHS.get(part, latex_text(part)) for part in re.split("([…→])", element.text or ""))
    return rf"{{\mdseries {words}}}" if element.get("font-weight") == "normal" else words


def _style(element: ElementTree.Element, names: Mapping[str, str]) -> Iterator[str]:
    for attribute, key in (("stroke", "draw"), ("fill", "fill")):
        if element.get(attribute) in names:
            yield f"{key}={names[element.get(attribute, '')]}"
    if "fill-opacity" in element.attrib:
        yield f"fill opacity={element.get('fill-opacity')}"
    if "stroke-width" in element.attrib:
        yield f"line width={number(0.75 * float(element.get('stroke-width', '1')))}pt"
    if "rx" in element.attrib:
        yield f"rounded corners={number(0.75 * float(element.get('rx', '0')))}pt"
    if "stroke-dasharray" in element.attrib:
        on, off = (number(0.75 * float(part)) for part in element.get("stroke-dasharray", "4 3").split())
        yield f"dash pattern=on {on}pt off {off}pt"


def _rect(element: ElementTree.Element) -> str:
    x, y, wide, high = (float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
    return f"({pair((x, y))}) rectangle ({pair((x + wide, y + high))})"


def _circle(element: ElementTree.Element) -> str:
    x, y, radius = (float(element.get(name, "0")) for name in ("cx", "cy", "r"))
    return f"({pair((x, y))}) circle[radius={number(0.75 * radius)}pt]"


def _polygon(element: ElementTree.Element) -> str:
    return " -- ".join(f"({corner})" for corner in element.get("points", "").split()) + " -- cycle"


def _path(element: ElementTree.Element) -> str:
    """Straight lines and the quadratic curves of round corners, which are cubic ones in TikZ."""
    made: list[str] = []
    x = y = 0.0
    for letter, numbers in re.findall(r"([A-Z])([^A-Z]*)", element.get("d", "")):
        values = [float(value) for value in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
        if letter == "Q":
            (cx, cy), end = values[:2], values[2:]
            near = [pair((a + 2 / 3 * (cx - a), b + 2 / 3 * (cy - b))) for a, b in ((x, y), end)]
            x, y = end
            made.append(f".. controls ({near[0]}) and ({near[1]}) .. ({pair((x, y))})")
            continue
        x, y = {"H": (values[0], y), "V": (x, values[0])}.get(letter, (values[0], values[-1]))
        made.append(f"{'' if letter == 'M' else '-- '}({pair((x, y))})")
    return " ".join(made)


_SHAPES = {"rect": _rect, "circle": _circle, "polygon": _polygon, "path": _path}
