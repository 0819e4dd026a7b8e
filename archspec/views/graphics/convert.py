"""SVG to PNG and PDF, each by a library that is installed with the extra `figures`, and to TikZ."""

from __future__ import annotations

from importlib.util import find_spec
from xml.sax.saxutils import quoteattr

from archspec.extras import Missing, install
from archspec.views.graphics.svg import size_of
from archspec.views.graphics.svg_tikz import tikz_of
from archspec.views.graphics.text_width import FONTS

SCALE = 2.0
"""Pixels of a PNG for each unit of the SVG."""
_LARGEST = 12_000.0
"""Pixels along the longer side of a PNG at most: beyond that few programs open it."""
_EMBEDDED = "Bitstream Vera Sans"
"""The font of PDFs: it comes with reportlab, and is as wide as the widest that room is left for."""


class NoConverter(Missing):
    """The library is not installed; the message says how to get it."""


def converted(svg: str, form: str) -> bytes:
    """A picture as a file with the ending `.svg`, `.png`, `.pdf` or `.tex` (TikZ). Raises NoConverter."""
    if form == ".tex":
        return tikz_of(svg).encode()
    return png(svg) if form == ".png" else pdf(svg) if form == ".pdf" else svg.encode()


def png(svg: str) -> bytes:
    """A PNG. Raises NoConverter."""
    if find_spec("resvg_py") is None:
        raise NoConverter(f"a PNG needs resvg: {install('png')}, or write an .svg")
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=min(SCALE, _LARGEST / max(size_of(svg)))))


def pdf(svg: str) -> bytes:
    """A PDF of one page, with text as text and its font embedded. Raises NoConverter."""
    if find_spec("svglib") is None or find_spec("reportlab") is None:
        raise NoConverter(f"a PDF needs svglib: {install('pdf')}, or write an .svg")
    from io import BytesIO

    from reportlab.graphics import renderPDF
    from reportlab.graphics.shapes import STATE_DEFAULTS
    from reportlab.pdfgen.canvas import Canvas
    from svglib.fonts import register_font
    from svglib.svglib import svg2rlg

    for weight, file in (("normal", "Vera.ttf"), ("bold", "VeraBd.ttf")):
        register_font(_EMBEDDED, file, weight)
    # Helvetica, which the picture names first, is a font that readers bring: printers and journals want fonts embedded.
    drawing = svg2rlg(BytesIO(svg.replace(f"font-family={quoteattr(FONTS)}", f'font-family="{_EMBEDDED}"').encode()))
    assert drawing is not None
    out = BytesIO()
    # invariant: no date, so the same bytes every time
    canvas = Canvas(out, pagesize=(drawing.width, drawing.height), invariant=1, initialFontName=_EMBEDDED)
    # A renderer begins with this font, which would be listed, and not embedded, though nothing is written in it.
    usual = STATE_DEFAULTS["fontName"]
    STATE_DEFAULTS["fontName"] = _EMBEDDED
    try:
        renderPDF.draw(drawing, canvas, 0, 0)
    finally:
        STATE_DEFAULTS["fontName"] = usual
    canvas.save()
    return out.getvalue()
