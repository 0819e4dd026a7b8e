"""Formulas within a text, typeset for LaTeX: `28*28*6*5*5*1 = 117,600` in numbers, products and shapes."""

from __future__ import annotations

import re

from archspec.views.tables.grid import latex_text

_NUMBER = r"\d[\d,]*(?:\.\d+)?[A-Z]?(?![\w.]\w)(?!\w)"
_SHAPE = r"\d+(?:[x×]\d+)+(?!\w)"
_NAMED = r"(?:floor|ceil|min|max|prod|sqrt)(?=\()|softmax(?=\([A-Z]\))|[A-Z](?:\^T|_[a-z])?(?![\w'])"
_OPERAND = rf"[()]|{_SHAPE}|{_NUMBER}|{_NAMED}"
_OPERATOR = r" [-+=x×*] |[*/+]|(?<=\()-(?=\d)| / | (?=[A-Z](?:\^|_))"
_RUN = re.compile(rf"(?<![\w.])(?:{_OPERAND})(?:{_OPERATOR}|{_OPERAND}|, (?=\d))*")
_FORMULA = re.compile(r"[*/+=^_]| - |\d[x×]\d| [x×] ")
_PART = re.compile(rf"{_SHAPE}|\d[\d,]*(?:\.\d+)?|[A-Z]_[a-z]|[a-z]{{3,}}|.")
_SIGNS = {"*": r" \times ", "x": r"\times ", "×": r"\times "}


def typeset(text: str) -> str:
    """A text for LaTeX in which what is a formula, with an operator or a shape, is set as one; the rest is escaped."""
    made, end, at = "", 0, 0
    while found := _RUN.search(text, at):
        run = _closed(found[0]).rstrip(" ,")
        at = found.start() + max(len(run), 1)
        if _FORMULA.search(run) and re.search(r"\d|=|_", run):
            made += latex_text(text[end : found.start()]) + f"${_mathematics(run)}$"
            end = at
    return made + latex_text(text[end:])


def _closed(run: str) -> str:
    """The longest beginning of a run in which brackets are closed."""
    open_, end = 0, 0
    for at, char in enumerate(run, 1):
        open_ += (char == "(") - (char == ")")
        if open_ < 0:
            break
        if open_ == 0:
            end = at
    return run[:end]


def _mathematics(run: str) -> str:
    return "".join(_part(found[0]) for found in _PART.finditer(run)).replace("  ", " ")


def _part(part: str) -> str:
    if len(part) > 1 and part[0].isdigit():
        return re.sub("[x×]", r" \\times ", part.replace(",", "{,}"))
    if len(part) > 2 and part.isalpha():
        return rf"\mathrm{{{part}}}"
    return _SIGNS.get(part, part)
