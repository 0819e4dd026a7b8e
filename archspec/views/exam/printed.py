"""Exams as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from archspec.diagnostics.visible import visible
from archspec.extras import Missing, install
from archspec.ops.base import counted
from archspec.views.exam.papers import arithmetic, crossed, pieces

if TYPE_CHECKING:
    from archspec.views.exam import Exam

_FONT, _BOLD, _CODE = "Vera", "VeraBd", "VeraIt"
"""Bitstream Vera, which comes with reportlab, so that it can be embedded; code is slanted."""


def pdf(exam: Exam, key: bool) -> bytes:
    """The exam, or its key, on pages of A4. Raises Missing without reportlab."""
    if find_spec("reportlab") is None:
        raise Missing(f"a PDF needs reportlab: {install('pdf')}, or write a .tex")
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import SimpleDocTemplate

    for name in (_FONT, _BOLD, _CODE):
        registerFont(TTFont(name, f"{name}.ttf"))
    registerFontFamily(_FONT, normal=_FONT, bold=_BOLD, italic=_CODE, boldItalic=_BOLD)
    out = BytesIO()
    sides = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 22 * mm)
    # invariant: no date, so the same bytes every time
    SimpleDocTemplate(out, pagesize=A4, invariant=1, title=visible(exam.title), initialFontName=_FONT, **sides).build([*_parts(exam, key)])
    return out.getvalue()


def _parts(exam: Exam, key: bool) -> Iterator[Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import KeepTogether, Paragraph, Spacer

    plain = ParagraphStyle("plain", fontName=_FONT, fontSize=9.5, leading=13.5)
    inner = ParagraphStyle("inner", plain, leftIndent=20)
    asked = ParagraphStyle("asked", inner, bulletFontName=_FONT, bulletFontSize=9.5)
    small = ParagraphStyle("small", inner, fontSize=8, leading=11)
    head = ParagraphStyle("head", plain, fontName=_BOLD, fontSize=15, leading=20)
    yield Paragraph(escape(f"{'Key of the quiz' if key else 'Quiz'}: {visible(exam.title)}"), head)
    yield Spacer(1, 10)
    if not key:
        yield Paragraph(f"Name: {'_' * 38} &nbsp; Points: {'_' * 6} of {exam.points}", plain)
        yield Spacer(1, 10)
    for number, question in enumerate(exam.questions, 1):
        text = pieces(question.text, escape, lambda code: f"<i>{escape(code)}</i>")
        made = [Paragraph(f"({counted(question.points, 'point')}) {text}", asked, bulletText=f"{number}.")]
        made += [Paragraph(f"<i>{escape(visible(line))}</i>", inner) for line in question.lines]
        if key:
            made.append(Paragraph(f"<b>{escape(crossed(question.answer))}</b> &nbsp; {escape(arithmetic(question))}", inner))
            made.append(Paragraph(escape(visible(question.source)), small))
        else:
            made += [Spacer(1, 7), Paragraph(f"Answer: {'_' * 30}", inner)]
        yield KeepTogether([*made, Spacer(1, 12)])
    yield Paragraph(escape(f"Seed {visible(exam.seed)}."), small)
