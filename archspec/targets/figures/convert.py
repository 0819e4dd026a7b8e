"""SVG to PNG and PDF, each by a library that is installed with the extra `figures`."""

from __future__ import annotations

import re
from importlib.util import find_spec

from archspec.extras import install

SCALE = 2.0
"""Pixels of a PNG for each unit of the SVG."""
_LARGEST = 12_000.0
"""Pixels along the longer side of a PNG at most: beyond that few programs open it."""


class NoConverter(ImportError):
    """The library is not installed; says how to get it."""


def converted(svg: str, form: str) -> bytes:
    """A picture as a file with the ending `.svg`, `.png` or `.pdf`. Raises NoConverter."""
    if form == ".svg":
        return svg.encode()
    if form == ".pdf":
        return pdf(svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    return png(svg, (float(size[1]), float(size[2])))


def png(svg: str, size: tuple[float, float]) -> bytes:
    """A PNG. Raises NoConverter."""
    if find_spec("resvg_py") is None:
        raise NoConverter(f"a PNG needs resvg: {install('png')}, or write an .svg")
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=min(SCALE, _LARGEST / max(size))))


def pdf(svg: str) -> bytes:
    """A PDF of one page, with text as text. Raises NoConverter."""
    if find_spec("svglib") is None or find_spec("reportlab") is None:
        raise NoConverter(f"a PDF needs svglib: {install('pdf')}, or write an .svg")
    from io import BytesIO

    from reportlab.graphics import renderPDF
    from reportlab.pdfgen.canvas import Canvas
    from svglib.svglib import svg2rlg

    drawing = svg2rlg(BytesIO(svg.encode()))
    assert drawing is not None
    out = BytesIO()
    canvas = Canvas(out, pagesize=(drawing.width, drawing.height), invariant=1)  # no date, so the same bytes every time
    renderPDF.draw(drawing, canvas, 0, 0)
    canvas.save()
    return out.getvalue()
