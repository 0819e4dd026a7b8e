"""Arguments that nearly all layers of a step have: a line `default` says them, where it says them for several lines.

Such an argument is written between two marks, which are removed once all lines are known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from archspec.ops import op_class
from archspec.ops.base import show
from archspec.shortening.items import Layer

_SHAPING = ("k", "f", "s", "p", "d", "g", "w", "n", "size", "heads", "axis", "op", "to", "mode", "round", "stretch")
"""Arguments that a line says itself, even where all lines of a step have the same."""
_LEAST = 3
"""Layers of the text at least that a line `default` is for."""
_LEFT_OUT, _SAID = "\0", "\1"
"""Around what a line says only where no line `default` does, and around what it says only where one does."""
_MARKED = re.compile(rf" ?([{_LEFT_OUT}{_SAID}])(\w* \w+)(=[^{_LEFT_OUT}{_SAID}]*)\1")
_ANY = "round"
"""The argument that a line `default` gives to all steps."""


def find_usual(layers: Sequence[Layer]) -> None:
    """Take arguments that nearly all layers of a step have from these as `usual`; the others get theirs."""
    for layer in layers:
        if layer.arguments.get(_ANY) == "floor":
            layer.usual[_ANY] = layer.arguments.pop(_ANY)
    by_step: dict[str, list[Layer]] = {}
    for layer in layers:
        if not layer.owner or layer.tied:
            by_step.setdefault(layer.step, []).append(layer)
    for step, own in by_step.items():
        for name, declared in op_class(step).fields.items():
            if name in _SHAPING or declared.default is None or declared.required:
                continue
            usual = show(declared.default)
            (common, times), *_ = Counter(layer.arguments.get(name, usual) for layer in own).most_common(1)
            if common == usual or times < 2 or 3 * (len(own) - times) > times:
                continue
            for layer in own:
                value = layer.arguments.pop(name, usual)
                layer.usual[name] = common
                if value != common:
                    layer.arguments[name] = value


def left_out(step: str, name: str, value: str) -> str:
    """An argument that a line `default` may say for this one."""
    return f"{_LEFT_OUT}{'' if name == _ANY else step} {name}={value}{_LEFT_OUT}"


def said(step: str, name: str, value: str) -> str:
    """An argument that a line needs not, unless a line `default` says another."""
    return f"{_SAID}{step} {name}={value}{_SAID}"


def width(text: str) -> int:
    """The characters of a text, marked arguments left out."""
    return len(_MARKED.sub("", text))


def defaults(texts: Sequence[str]) -> Iterator[str]:
    """The lines `default` for the lines of a network."""
    steps: dict[str, list[str]] = {}
    for step, argument in _usual(texts):
        steps.setdefault(step, []).append(argument)
    yield from (" ".join(["default", *([step] if step else []), *arguments]) for step, arguments in steps.items())


def unmarked(texts: Sequence[str]) -> list[str]:
    """Lines of a network without marks."""
    known = {f"{step} {argument.partition('=')[0]}" for step, argument in _usual(texts)}

    def shown(found: re.Match[str]) -> str:
        mark, name, value = found.groups()
        return f" {name.partition(' ')[2]}{value}" if (mark == _LEFT_OUT) != (name in known) else ""

    return [_MARKED.sub(shown, text) for text in texts]


def _usual(texts: Sequence[str]) -> list[tuple[str, str]]:
    """The steps and arguments of lines `default`, in order; that for all steps comes first."""
    found = Counter((name, value) for text in texts for mark, name, value in _MARKED.findall(text) if mark == _LEFT_OUT)
    several = [(*name.split(" "), value) for (name, value), times in found.items() if times >= _LEAST]
    return sorted(((step, name + value) for step, name, value in several), key=lambda pair: pair[0] != "")
