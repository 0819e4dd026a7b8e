"""The words of lines: labels, names of values, arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archspec.ops import STEPS, op_class
from archspec.shortening.items import Group, Item
from archspec.shortening.saying import default
from archspec.shortening.written import Line

if TYPE_CHECKING:
    from archspec.shortening.instances import Shared

_LABEL = re.compile(r'("[^"]*"|[A-Za-z_][\w.{}+]*): ')
_WORD = re.compile(r'(?:"[^"]*"|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|[^\s"()])+')
_NAME = re.compile(r'[A-Za-z_][\w.{}+]*|"[^"\s]*"')
_HEADS = {"repeat", "residual", "shortcut", "seq", "add", "concat", "mul", "sub", "output", "block", "_"}


def label_of(line: Line) -> tuple[str, str]:
    """The name that a line gives, and the rest of it; heads are no names."""
    text = line.label + line.text
    found = _LABEL.match(text + " ")
    return (found[1].strip('"'), text[found.end() :]) if found and found[1] not in _HEADS else ("", text)


def is_name(word: str) -> bool:
    """Whether a word may be the name of a value."""
    return _NAME.fullmatch(word) is not None


def words_of(text: str) -> list[str]:
    """The words of a line; a text in quotes is one word, and so is a text in parentheses."""
    return _WORD.findall(text)


def names_in(lines: Sequence[Line]) -> Iterator[str]:
    """What may be names of values in lines, and in those below them."""
    for line in lines:
        for word in words_of(line.label + line.text):
            yield word.rpartition("=")[2].rstrip(":").strip('"')
        yield from names_in(line.inner or ())


def replaced(line: Line, names: dict[str, str]) -> Line:
    """A line in which names of values are others; a line below that gives itself one of them keeps it."""
    if not names:
        return line

    def new(found: re.Match[str]) -> str:
        before, equals, name = found[0].rpartition("=")
        bare, colon = (name[:-1], ":") if name.endswith(":") else (name, "")
        return f"{before}{equals}{names.get(bare.strip(chr(34)), bare)}{colon}" if bare.strip('"') in names else found[0]

    inner = line.inner
    if inner is not None:
        own = {label_of(one)[0] for one in inner}
        inner = [replaced(one, {name: other for name, other in names.items() if name not in own}) for one in inner]
    return replace(line, label=_WORD.sub(new, line.label), text=_WORD.sub(new, line.text), inner=inner)


def argument(step: str, at: int, items: Sequence[Item]) -> str | None:
    """The name of the positional argument of a step, or of a call of a block; None where it has none."""
    block = _block(step, items)
    own = [*(param.name for param in block.params.ordered), *block.params.values] if block is not None else ()
    names = own or (op_class(step).positional if step in STEPS else ())
    return names[at] if at < len(names) else None


def filled(rows: Sequence[list[str]], items: Sequence[Item]) -> list[list[str]] | None:
    """The words of a step in several forms, with an argument that some forms lack as its default there; None where there is none."""
    begin = max((at + 1 for at, word in enumerate(rows[0]) if word.endswith(":")), default=0)
    step = rows[0][begin] if begin < len(rows[0]) else ""
    keys = dict.fromkeys(word.partition("=")[0] for row in rows for word in row if is_keyed(word))
    found: list[list[str]] = []
    for row in rows:
        own = {word.partition("=")[0]: word for word in row if is_keyed(word)}
        for key in keys.keys() - own.keys():
            block = _block(step, items)
            given = (
                next((p.default for p in block.params.found if p.name == key), None)
                if block
                else default(step, key)
                if step in STEPS
                else None
            )
            if given is None:
                return None
            own[key] = f"{key}={given}"
        found.append([*(word for word in row if not is_keyed(word)), *map(own.__getitem__, keys)])
    return found if len(set(map(len, found))) == 1 else None


def is_keyed(word: str) -> bool:
    """Whether a word is an argument with its key."""
    return re.match(r"[a-z_]\w*=", word) is not None


def _block(step: str, items: Sequence[Item]) -> Shared | None:
    return next((item.block for item in items if isinstance(item, Group) and item.block is not None and item.block.name == step), None)
