"""The gallery of the site: each bundled spec with its picture, its numbers and its text. It is made with the site, and is no file of docs/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

import archspec
from generate.common import ROOT, cell

_DATA = re.compile(r' (?:data-[a-z]+|class)="[^"]*"|<title>[^<]*</title>')
"""What pictures say to programs and under a pointer, which an image in a page does not show: half of the gallery's size."""
_LEVELS = ("auto", "block", "stage")
_MOST = 30_000
"""Bytes of a picture; of a larger one the next coarser level is shown, which is easier to read in a card, too."""
_WIDE = 720
"""The width of a card's picture, in pixels, that is kept free while it loads."""
_HEAD = """---
hide: [navigation]
---
# Gallery

All {count} bundled specs. Every picture, number and shape here is computed from the text below it. `archspec table NAME` prints the table
of one, `archspec draw NAME -o NAME.svg` its picture; [published architectures](architectures.md) has them in one table.

"""


def gallery(pages: Path) -> None:
    """Write the page and its pictures below a folder."""
    folder = pages / "gallery"
    folder.mkdir()
    found = [(archspec.load(str(path)), path) for path in sorted((ROOT / "specs").glob("*.arch"))]
    found.sort(key=lambda each: (each[0].meta.get("year", "0"), each[1].stem))
    out = [_HEAD.format(count=len(found))]
    for year, group in groupby(found, key=lambda each: each[0].meta.get("year", "")):
        out += [f"## {year or 'From lectures and tutorials'}\n", '<div class="gallery" markdown>\n']
        for network, path in group:
            picture = _picture(network)
            (folder / f"{path.stem}.svg").write_text(_DATA.sub("", picture), encoding="utf-8")
            out += _card(network, path, picture)
        out.append("</div>\n")
    (pages / "gallery.md").write_text("\n".join(out), encoding="utf-8")


def _picture(network: archspec.Network) -> archspec.Drawing:
    """The first level whose picture is small enough, or the smallest."""
    pictures = []
    for level in _LEVELS:
        pictures.append(archspec.draw(network, level=level, title=False, legend=False))
        if len(_DATA.sub("", pictures[-1])) <= _MOST:
            return pictures[-1]
    return min(pictures, key=len)


def _card(network: archspec.Network, path: Path, picture: archspec.Drawing) -> Iterator[str]:
    report = archspec.analyze(network)
    totals = report.totals
    shapes = [" + ".join("×".join(map(str, shape)) for shape in side.values()) for side in (report.inputs, report.outputs)]
    title = network.meta.get("title", path.stem)
    name = f"gallery/{path.stem}.svg"
    yield '<div class="card" markdown>\n'
    yield f"### {cell(title)} {{ #{path.stem} }}\n"
    size = f'width="{_WIDE}" height="{round(_WIDE * picture.height / picture.width)}"'
    yield f'<a class="picture" href="{name}"><img loading="lazy" src="{name}" {size} alt="{escape(title)}, drawn"></a>\n'
    yield f"`{path.stem}` · {totals.layers:,} layers · **{totals.params:,}** parameters · **{totals.macs:,}** MACs  "
    yield f"{shapes[0]} → {shapes[1]}\n"
    yield f'<span class="source">{cell(network.meta.get("source", "").partition(", its top-1")[0])}</span>\n'
    yield "<details markdown><summary>The spec</summary>\n\n```arch"
    yield path.read_text(encoding="utf-8").rstrip()
    yield "```\n\n</details>\n</div>\n"
