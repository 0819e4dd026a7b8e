"""Axes by a pattern: `rearrange`, in the notation of einops."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from archspec.numeric import gcd, holds, product
from archspec.ops.arrange import Arranged, Groups, Plan
from archspec.ops.base import Misfit, counted
from archspec.ops.declare import Rule
from archspec.ops.dividing import undivided
from archspec.types import LIMIT, Map, Tokens, Type, describe

_WORDS = re.compile(r"\.\.\.|\w+|\S")


def _side(pattern: str, text: str) -> Groups:
    """Read one side of a pattern: an axis is a name, several in parentheses, or 1, which has none. Raises Misfit."""
    found: list[tuple[str, ...]] = []
    inside: list[str] | None = None
    for word in _WORDS.findall(text):
        parts = [word] if word.isidentifier() else []
        if word == "(" and inside is None:
            inside = []
        elif word == ")" and inside is not None:
            found.append(tuple(inside))
            inside = None
        elif not parts and word != "1":
            raise _unread(pattern, word)
        elif inside is not None:
            inside += parts
        else:
            found.append(tuple(parts))
    if inside is not None or not found:
        raise _unread(pattern, "(" if found or inside is not None else "")
    return tuple(found)


def _unread(pattern: str, word: str) -> Misfit:
    found = f"a side of `{pattern}` names no axis" if not word else f"`{word}` in `{pattern}` is no axis"
    ways = {
        "...": "name every axis; the batch has none",
        "(": "close each parenthesis, and put none into another",
        ",": "part axes by spaces",
    }
    size = f"give a size behind the pattern, such as `g={word}`" if word.isdecimal() else None
    help_ = ways.get(word, size or 'write both sides as in `"h w c -> (h w) c"`')
    settings = [f'pattern="{" ".join(pattern.replace(",", " ").split())}"'] if word == "," else []
    return Misfit("A210", found, argument="pattern", help_=help_, settings=settings, sure=True)


@cache
def _read(pattern: str) -> tuple[Groups, Groups]:
    """Read the two sides of a pattern; axes of size 1 become parts of axes that are on both sides. Raises Misfit."""
    sides = pattern.split("->")
    if len(sides) != 2:
        raise _unread(pattern, "->" if len(sides) > 2 else "")
    before, after = (_side(pattern, side) for side in sides)
    for this, other, where in ((before, after, "left"), (after, before, "right")):
        names, others = ([name for group in side for name in group] for side in (this, other))
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise Misfit(
                "A210",
                f"`{twice}` stands twice on the {where} of `{pattern}`",
                argument="pattern",
                help_="name each axis once on either side",
            )
        if lost := next((name for name in names if name not in others), ""):
            raise _lost(pattern, lost, where)
    gone, come = ([f"{at}{end}" for at, group in enumerate(side) if not group] for side, end in ((before, "<"), (after, ">")))
    left, right = ([group or (f"{at}{end}",) for at, group in enumerate(side)] for side, end in ((before, "<"), (after, ">")))
    return (*left[:-1], (*come, *left[-1])), ((*gone, *right[0]), *right[1:])


def _lost(pattern: str, name: str, where: str) -> Misfit:
    if where == "left":
        help_ = "name it on the right too; to take one number of all along an axis, use `mean axis=c`, `max axis=c` or `gap`"
        return Misfit("A210", f"`{pattern}` loses the axis `{name}`", argument="pattern", help_=help_)
    help_ = f"split an axis on the left, such as `({name} c)`; nothing is copied"
    return Misfit("A210", f"`{name}` stands on the right of `{pattern}` only", argument="pattern", help_=help_)


class Rearrange(Arranged):
    """Splits, reorders and joins axes as a pattern says: left those of the value, channels last, right those of the result.

    Each name stands once on either side, without the batch. Axes in parentheses are one, the last varying fastest; `g=4` gives a size.

    Shape:   the right side: one axis is a vector, two are tokens (a map of one axis, where the input is one), three or four a map
    Source:  Rogozhnikov 2022, Einops.
    """

    positional = ("pattern",)

    pattern: Annotated[str, Rule('a text such as "h w (g c) -> h w (c g)"')]
    sizes: Annotated[tuple[tuple[str, int], ...], Rule("a whole number of at least 1", least=1, most=LIMIT, names="key")] = ()

    def plan(self, x: Type) -> Plan:
        left, right = _read(self.pattern)
        return Plan(left, right, {name: 1 for group in (*left, *right) for name in group if not name.isidentifier()} | dict(self.sizes))

    def check(self, x: Type) -> None:
        left, right = _read(self.pattern)
        names = [name for group in left for name in group]
        for name, _ in self.sizes:
            if name not in names:
                known = [name for name in names if name.isidentifier()]
                raise Misfit("A210", f"`{name}` is no axis of the pattern", argument=name, help_=f"its axes are {', '.join(known)}")
        if len(left) != len(x.shape):
            axes = " ".join("dhw"[4 - len(x.shape) :]) + " c" if isinstance(x, Map) else "t c" if isinstance(x, Tokens) else "c"
            message = (
                f"`{self.pattern}` begins with {counted(len(left), 'axis').replace('axiss', 'axes')}, but {describe(x)} has {len(x.shape)}"
            )
            raise Misfit("A210", message, argument="pattern", help_=f"begin with `{axes}`: channels last, without the batch")
        if len(right) > 4:
            raise Misfit(
                "A210",
                f"`{self.pattern}` gives {len(right)} axes; a value has four at most",
                argument="pattern",
                help_="join some in parentheses",
            )
        sizes = self.plan(x).sizes
        for group, size in zip(left, x.shape, strict=True):
            self._check_axis(group, size, sizes)

    def _check_axis(self, group: tuple[str, ...], size: int, sizes: Mapping[str, int]) -> None:
        """Raises Misfit where the parts of an axis do not make up its size, or several are open."""
        names = [name for name in group if name.isidentifier()]
        known = [name for name in names if name in sizes]
        whole, shown = product([sizes[name] for name in known]), f"({' '.join(names)})" if len(names) > 1 else f"`{(names or ['1'])[0]}`"
        if len(names) - len(known) > 1:
            missing = [name for name in names if name not in sizes]
            help_ = f"give all but one of their sizes, such as `{missing[0]}=2`"
            raise Misfit(
                "A210", f"the sizes of {' and '.join(f'`{n}`' for n in missing)} in {shown} are open", argument="pattern", help_=help_
            )
        if len(known) == len(names) and holds(whole != size):
            argument = known[-1] if known else "pattern"
            raise Misfit("A210", f"{shown} is an axis of {size:,}, not of {whole:,}", argument=argument, help_="leave one of its sizes out")
        if holds(size % whole):
            last = known[-1]
            rest = size // gcd(size, product([sizes[name] for name in known[:-1]]))
            fits = next(n for n in range(min(sizes[last], 4096), 0, -1) if rest % n == 0)
            raise undivided("A210", size, "", whole, f"parts of {whole:,}", last, f"use {last}={fits}")

    def config(self, *inputs: Any, operands: Sequence[str] = ()) -> str:
        return " ".join([f'"{self.pattern}"', *[f"{name}={size}" for name, size in self.sizes]])
