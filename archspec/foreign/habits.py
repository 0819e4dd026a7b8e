"""Lines of the file itself as people write them in Python and elsewhere: params, blocks, loops, labels of two words, outputs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archspec.diagnostics import nearest
from archspec.syntax.lines import KEYWORDS

if TYPE_CHECKING:
    from archspec.foreign.rewriting import Rewriter

_WORD = r"[A-Za-z_]\w*"
_FLAGS = {"True": "yes", "False": "no"}
_PARAM = re.compile(rf"(?:param|let|const|var|set|int|float|def)\s+({_WORD})\s*(?::=|[:=]|\s)\s*([\w.\"][^:=]*)")
_VALUE = re.compile(rf"({_WORD})\s*:?=\s*(\d[\w.]*|\.\d+|yes|no|True|False|\"[^\"]*\")")
_DEFINED = re.compile(rf"(?:def|func|function|fn|define|module|macro|block)\s+({_WORD})\s*(\(.*\)|[^():]*?)\s*(?:->[^:]*)?:?\s*")
_ARGUMENT = re.compile(rf"({_WORD})(?::\s*\w+)?(?:\s*=\s*([\w.]+))?")
_FOR = re.compile(rf"for\s+({_WORD})\s+in\s+(?:range\s*\(\s*({_WORD}|\d+)\s*\)|({_WORD}|\d+))\s*:\s*")
_ROUNDS = re.compile(r"(?:for|loop|do|times)\s+(\d+)(?:\s*x|\s+times)?\s*:\s*")
_TIMES_LAYER = re.compile(rf"(\d+)\s*(?:[x*](?=[\s:(*])|\*|times\b)\s*:?\s*(?=({_WORD})\b)")
_LAYER_TIMES = re.compile(r"(?!input\b)(.*\w)\s+[x*](\d+)")
_NAMED_INPUT = re.compile(rf"input\s+({_WORD})(?:\s*[:=]\s*|\s+)(\d+(?:x\d+)*)")
_TWO_WORDS = re.compile(rf"({_WORD})(?:\s+|-)(\w+)\s*:(?![:=])\s*")
_NO_LABELS = KEYWORDS | {"repeat", "residual", "shortcut", "while", "with", "elif", "try", "except"}
_NUMBER = r"\d+"
_SHAPE = re.compile(
    rf"(?:({_WORD})\b)? ?(?:(?:size|shape|dims?|image)\b)? ?[:=]? ?[\"'(\[]*(\d+(?:(?: ?px)?(?: ?(?:[x*,;-]|by\b) ?| )\d+)*)(?: ?px)?[\"')\]]*"
)
"""A shape, behind a word, in the many ways to write one: `inputs: (28, 28, 1)`, `28x28x1`, `input size 28 by 28 by 1`. It has one space
where there were more, and matches in one way only: each other way would be tried again for each number."""
_OUTPUT = re.compile(r"outputs?\s*:?\s+(?=[A-Za-z])")
_VALUES = frozenset(("x", "input", "inputs"))
"""What a function of Python is given where a block has the value that enters."""
_POWER = re.compile(rf"\b({_WORD})\s*(?:\^|\*\*)\s*2\b")
_TIMES = re.compile(r"(?<=[\w)])\s*[×⋅∙]\s*(?=[A-Za-z_(])")
_OTHER = (
    (re.compile(r"\s*\|\|\s*"), " or "),
    (re.compile(r"\s*&&\s*"), " and "),
    (re.compile(r"<>"), "!="),
    (re.compile(r"!(?!=)\s*"), "not "),
    (re.compile(r"(?<![=!<>])=(?!=)"), "=="),
)


def arithmetic(text: str) -> str:
    """Products and squares as they are written here: `4×f`, `f^2`, `f**2`."""
    return _POWER.sub(r"\1*\1", _TIMES.sub("*", text))


def condition(text: str) -> str:
    """A condition with the operators of other languages: `s > 1 || cin <> n`, `s = 2`."""
    for pattern, instead in _OTHER:
        text = pattern.sub(instead, text)
    return text


def own_line(body: str, rewriter: Rewriter) -> tuple[str, str] | None:
    """A line in two parts: the beginning in this language, and the rest, still to be rewritten; None for other lines."""
    if (found := _SHAPE.fullmatch(" ".join(body.split()))) and _names_input(found[1] or "", found[2]):
        return f"input {'x'.join(re.findall(_NUMBER, found[2]))}", ""
    if (found := _VALUE.fullmatch(body)) and not rewriter.known(found[1]) and found[1] not in KEYWORDS:
        return f"param {found[1]} = {_FLAGS.get(found[2], found[2])}", ""
    if found := _PARAM.fullmatch(body):
        return f"param {found[1]} = {found[2]}", ""
    if (found := _DEFINED.fullmatch(body)) and (arguments := _arguments(found[2])) is not None:
        return f"block {found[1]}({arguments}):", ""
    if found := _ROUNDS.match(body):
        return f"repeat {found[1]}:", body[found.end() :]
    if (found := _TIMES_LAYER.match(body)) and rewriter.known(found[2]):
        return f"repeat {found[1]}:", body[found.end() :]
    if (found := _LAYER_TIMES.fullmatch(body)) and (word := re.match(_WORD, body)) and rewriter.known(word[0]):
        return f"repeat {found[2]}:", found[1]
    if found := _NAMED_INPUT.fullmatch(body):
        return f"{found[1]}: input {found[2]}", ""
    if found := _FOR.match(body):
        counter = "" if found[1] == "_" else f" as {found[1]}"
        return f"repeat {found[2] or found[3]}{counter}:", body[found.end() :]
    if (found := _TWO_WORDS.match(body)) and not rewriter.known(found[1]) and found[1] not in _NO_LABELS:
        return f"{found[1]}{'' if found[2].isdigit() else '_'}{found[2]}:", body[found.end() :]
    if (found := _OUTPUT.match(body)) and (word := re.match(_WORD, body[found.end() :])) and rewriter.known(word[0]):
        rewriter.remarks.append("the value of the last line is the output")
        return "", body[found.end() :]
    return None


def _names_input(word: str, shape: str) -> bool:
    """Whether a word before a shape means `input`; without one, a shape that is no number does."""
    return (
        nearest(word, ["input"]) is not None
        or word in ("in", "image", "img")
        or (not word and re.fullmatch(r"\d+(?:[x*]\d+)+", shape) is not None)
    )


def _arguments(text: str) -> str | None:
    """The parameters of a block: `f, s=1` from `(x, f: int, s=1)`, `f; s=1` or `f s=1`; None where they are not so simple, or a method's."""
    inner = text.strip()
    inner = inner[1:-1] if inner.startswith("(") else inner
    parts = [part for part in re.split(r"\s*[,;]\s*|(?<![:=\s])\s+(?![=\s])", inner.strip()) if part]
    found = [_ARGUMENT.fullmatch(part) for part in parts]
    if not all(found) or "self" in parts:
        return None
    return ", ".join(f"{f[1]}={f[2]}" if f[2] else f[1] for f in found if f and f[1] not in _VALUES)
