"""Texts that are almost specs, and bytes that are almost texts: one for each seed.

What is mutated are the specs of this repository: the bundled ones, the cases of the tests, the examples in the pages of the language
reference and of the diagnostics. Most cases begin with a short one, since a short text is read faster and its mutation matters more.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from archspec.diagnostics import catalogue
from archspec.foreign.equivalents import LOOSE, rows
from archspec.ops import STEPS
from archspec.syntax.lines import KEYWORDS
from tests.helpers.paths import CASES, ROOT

SHORT = 450
"""Characters of a short text."""

NUMBERS = [
    "0", "1", "2", "-1", "-0", "3", "7", "64", "65", "255", "1000", "60000", "60001", "999999", "1000001", "2147483648", "4294967296",
    "3037000500", "9223372036854775806", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "10000000000000000000",
    "99999999999999999999", "9" * 400, "0.5", "1.0", "-0.0", ".5", "5.", "1e-400", "1e18", "9.3e18", "1e308", "1e309", "1e999999999", "00", "007",
    "0x0", "1x1", "0x1x1", "3x3", "1x1x1x1", "1x1x1x1x1", "9223372036854775807x1", "4294967296x4294967296x4294967296", "1,2", "2,1", "1,1,1,1,1,1",
]  # fmt: skip
PIECES = [
    "|", ":", "(", ")", "[", "]", "{", "}", ",", "=", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "//", "%", "?", "->", "#", '"', "\\", ".",
    "@", "~", "'", ";", "**", "_", "$", "&", "^", "`", "!", '""', '"a"', '"a', '"\\"', "()", "( )", "{i}", "{i+1}", "{0}", "{-1}", "{1.5}", "0:1", "-1:0",
    "1:-1", "min(1,2)", "max()", "ceil(0.5)", "floor(-0.5)", "round8(3)", "not", "cin", "not not yes", "if yes", "if no", "if cin > 1", "as i",
    "i", "n", "s", "a", "b", "x", "train", "same", "valid", "floor", "ceil", "none", "| relu", "| skip", "| conv k=1 f=1", "| concat a", "| add a",
    "a: skip", "repeat 2:", "repeat 2 as i:", "repeat 0:", "repeat -1:", "residual:", "residual if no:", "shortcut: skip", "concat:", "add:", "mul:",
    "output o:", "output o", "output o train", "block b():", "block b(n, s=1):", "block b(n=n):", "b 1", "b n=1 s=2", "input 8x8x3", "a: input 4x4x1",
    "from a", "from input", "param n = 3", "param n = n", "default round=floor", "default conv p=1", "default bias=no", 'use "blocks/resnet.arch"',
    'use "../x.arch"', 'use "."', "model a", 'meta title="a"', "arch 1", "arch 2", "pattern [(CONV-RELU)*N-POOL?]*M-FC N=2 M=1 f=4,8 fc=3",
    "pattern ((((CONV", "maps=((0,1),(1,2))",
]  # fmt: skip
CHARACTERS = [
    "\0", "\t", "\r", "\n", "\r\n", "\v", "\f", "\x1b", "\x1b[31m", "\x7f", "\x85", "\xa0", "\xad", "é", "е", "K", "ſ", "²", "٣", "３", "Ⅷ", "\u061c", "\u200b",
    "\u200d", "\u200e", "\u2028", "\u2029", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069", "\ufeff", "\ufffe", "\uffff", "�", "𝒇", "𝟛", "👩‍👩‍👧", "\U000e0001", "\U0010ffff", " ", "  ",
]  # fmt: skip
BYTES = [
    b"\x00",
    b"\x80",
    b"\xff",
    b"\xfe\xff",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80",
    b"\x1a",
]

HEADS = [
    "repeat 2:",
    "repeat 3 as i:",
    "residual:",
    "residual if cin == 3:",
    "concat:",
    "add:",
    "mul:",
    "a:",
    "l{i}:",
    "block b(n, s=1):",
    "output o:",
]

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+(?:\.\d+)?|[^\w\s]|\s+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:x\d+)*")
_FENCED = re.compile(r"^```arch(?: \{([^\n]*)\})?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Texts(NamedTuple):
    """What is mutated: texts that are specs, and texts with mistakes in them."""

    right: list[str]
    wrong: list[str]


@cache
def texts() -> Texts:
    found = Texts([], [])
    for path in sorted((ROOT / "specs").rglob("*.arch")):
        found.right.append(path.read_text(encoding="utf-8"))
    for path in sorted(CASES.rglob("*.arch")):
        if path.name.startswith("expansion_"):
            continue  # each takes the time of a thousand others, to reach a limit
        found.wrong.append(path.read_bytes().decode("utf-8", "replace"))
    for kind, text in _FENCED.findall((ROOT / "docs" / "language.md").read_text(encoding="utf-8")):
        found[kind.startswith("wrong")].append(text)
    for example in (example for code in catalogue.codes() for example in catalogue.page(code).examples):
        found[example.kind == "wrong"].append(example.text)
    return found


@cache
def short() -> Texts:
    return Texts(*([text for text in kind if len(text) <= SHORT] for kind in texts()))


@cache
def words() -> list[str]:
    """The words of the language, and what stands around them."""
    arguments = {name for names in LOOSE.values() for name in names.split()}
    names = {*KEYWORDS, *STEPS, *LOOSE, *arguments, *(name for row in rows() for name in row.names)}
    keys = [f"{name}=" for name in sorted({*arguments, *LOOSE, "bias", "heads", "init", "round", "eps", "mode", "op", "maps"})]
    return [*sorted(names), *keys, *PIECES, *NUMBERS]


def mutated(seed: int) -> bytes:
    """The case of a seed: a file's bytes."""
    rng = random.Random(seed)
    if rng.random() < 0.01:
        return rng.randbytes(rng.randrange(200))
    text = _start(rng)
    for _ in range(min(8, 1 + int(rng.expovariate(1.2)))):
        text = rng.choice(_MUTATIONS)(text, rng)
    data = text.encode("utf-8", "surrogatepass")
    while rng.random() < 0.04:
        data = _bytes(data, rng)
    return data


def _start(rng: random.Random) -> str:
    return rng.choice((short() if rng.random() < 0.97 else texts())[rng.random() < 0.3])


def _bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes with one of them changed, or others put among them."""
    at = rng.randrange(len(data) + 1)
    if rng.random() < 0.5 and at < len(data):
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
    return data[:at] + rng.choice(BYTES) + data[at:]


# Characters


def _insert(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(CHARACTERS) + text[at:]


def _flip(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + chr(rng.randrange(32, 127)) + text[at + 1 :]


def _cut(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.randrange(1, 9) :]


def _truncated(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] if rng.random() < 0.7 else text[at:]


def _spliced(text: str, rng: random.Random) -> str:
    other = _start(rng)
    return text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other) + 1) :]


# Tokens


def _tokens(change: Callable[[list[str], random.Random], None]) -> Callable[[str, random.Random], str]:
    def mutate(text: str, rng: random.Random) -> str:
        tokens = _TOKEN.findall(text)
        if tokens:
            change(tokens, rng)
        return "".join(tokens)

    return mutate


def _put(tokens: list[str], rng: random.Random) -> None:
    tokens.insert(rng.randrange(len(tokens) + 1), rng.choice(["", " "]) + rng.choice(words()) + rng.choice(["", " "]))


def _replace(tokens: list[str], rng: random.Random) -> None:
    tokens[rng.randrange(len(tokens))] = rng.choice(words())


def _replace_by_own(tokens: list[str], rng: random.Random) -> None:
    tokens[rng.randrange(len(tokens))] = rng.choice(tokens)


def _drop(tokens: list[str], rng: random.Random) -> None:
    del tokens[rng.randrange(len(tokens))]


def _swap(tokens: list[str], rng: random.Random) -> None:
    i, j = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[i], tokens[j] = tokens[j], tokens[i]


def _repeat(tokens: list[str], rng: random.Random) -> None:
    at = rng.randrange(len(tokens))
    length = rng.randrange(1, 4)
    tokens[at:at] = tokens[at : at + length] * rng.choice([1, 1, 1, 1, 2, 2, 3, 70])


def _bracket(tokens: list[str], rng: random.Random) -> None:
    begin, end = sorted((rng.randrange(len(tokens)), rng.randrange(len(tokens))))
    opening, closing = rng.choice(["()", "[]", "{}", '""', "()", "(("])
    times = rng.choice([1, 1, 1, 2, 66])
    tokens[end:end] = [closing * times]
    tokens[begin:begin] = [opening * times]


# Numbers


def _number(text: str, rng: random.Random) -> str:
    """One number replaced by another: a boundary, a neighbour, a number of the same text."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    place = rng.choice(found)
    kind = rng.random()
    if kind < 0.5:
        new = rng.choice(NUMBERS)
    elif kind < 0.75 and place[0].isdecimal():
        new = str(int(place[0]) + rng.choice([-1, 1, 2, 8]))
    else:
        new = rng.choice(found)[0]
    return text[: place.start()] + new + text[place.end() :]


# Lines


def _lines(change: Callable[[list[str], random.Random], None]) -> Callable[[str, random.Random], str]:
    def mutate(text: str, rng: random.Random) -> str:
        lines = text.split("\n")
        change(lines, rng)
        return "\n".join(lines)

    return mutate


def _move(lines: list[str], rng: random.Random) -> None:
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), line)


def _copy(lines: list[str], rng: random.Random) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))


def _remove(lines: list[str], rng: random.Random) -> None:
    del lines[rng.randrange(len(lines))]


def _take(lines: list[str], rng: random.Random) -> None:
    """Put lines of another text in."""
    other = _start(rng).split("\n")
    begin = rng.randrange(len(other))
    at = rng.randrange(len(lines) + 1)
    lines[at:at] = other[begin : begin + rng.randrange(1, 6)]


def _write(lines: list[str], rng: random.Random) -> None:
    """Put a line of words in."""
    at = rng.randrange(len(lines) + 1)
    lines.insert(at, " " * rng.choice([0, 0, 2, 4]) + " ".join(rng.choice(words()) for _ in range(rng.randrange(1, 5))))


def _join(lines: list[str], rng: random.Random) -> None:
    at = rng.randrange(len(lines))
    lines[at : at + 2] = [rng.choice(["", " ", " | ", ": "]).join(lines[at : at + 2])]


def _indent(lines: list[str], rng: random.Random) -> None:
    """Shift lines to the right or left."""
    at = rng.randrange(len(lines))
    by = rng.choice([-4, -2, -1, 1, 2, 4, 9])
    for i in range(at, min(len(lines), at + rng.choice([1, 1, 2, 5]))):
        lines[i] = " " * by + lines[i] if by > 0 else lines[i][min(-by, len(lines[i]) - len(lines[i].lstrip(" "))) :]


def _suite(lines: list[str], rng: random.Random) -> None:
    """Indent lines below a new head."""
    at = rng.randrange(len(lines))
    end = min(len(lines), at + rng.randrange(1, 6))
    column = len(lines[at]) - len(lines[at].lstrip(" "))
    lines[at:end] = [" " * column + rng.choice(HEADS), *("  " + line for line in lines[at:end])]


_MUTATIONS: list[Callable[[str, random.Random], str]] = [
    _insert, _flip, _cut, _truncated, _spliced, _number, _number, _number,
    *map(_tokens, [_put, _put, _replace, _replace, _replace_by_own, _drop, _swap, _repeat, _bracket]),
    *map(_lines, [_move, _copy, _remove, _take, _write, _join, _indent, _suite]),
]  # fmt: skip
