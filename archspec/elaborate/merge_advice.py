"""Advice for paths that meet with different shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from archspec.diagnostics.fix import Edit, Fix, argued, inserted
from archspec.elaborate.declarations import Defaults
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Further, Hole, Layered, Node
from archspec.ops.base import Misfit, Op
from archspec.ops.worked import worked
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import Map, Tokens, Type, Vector

_ROUNDED = 3
"""Positions that rounding up and down may have set two maps apart."""

Way = Callable[[Sequence[str]], str]
"""How to write steps behind each of the values that are merged."""


class Advice(NamedTuple):
    """The branches' places, and what to add to a misfit of theirs."""

    branches: Sequence[Span]
    way: Way
    notes: Sequence[str] = ()
    help: str | None = None
    parted: Sequence[tuple[Span, str]] = ()
    fixes: Sequence[Fix] = ()
    """The fixes that do what `help` says."""
    ends: Sequence[Span | None] = ()
    """The steps behind which others can be written, one for each value; None where that is not plain."""

    def fixes_of(self, op: Op, types: Sequence[Type]) -> list[Fix]:
        """The fixes that make the shapes equal: those of `help`, or else the steps that `way` is about, at the ends of the branches."""
        if self.help is not None:
            return list(self.fixes)
        places = [
            (end, f" | {steps}") for end, steps in zip(self.ends, equalizing(op.step, types, _along(op)) or (), strict=False) if steps
        ]
        edits = [edit for end, steps in places if end is not None for edit in inserted(end, steps).edits]
        sure = op.step == "concat" and {text for _, text in places} == {" | flatten"}
        return [Fix("make the shapes equal", tuple(edits), sure)] if edits and len(edits) == len(places) else []

    def explain(self, op: Op, misfit: Misfit, types: Sequence[Type]) -> Misfit:
        """Add to a misfit the steps that would make the shapes equal."""
        notes = (*self.notes, *misfit.notes)
        help_, axis = self.help, None
        if help_ is None:
            steps = equalizing(op.step, types, _along(op))
            way = self.way(steps) if steps is not None else ""
            general = misfit.help if not way or misfit.code != "A201" else None  # of a kind of value, which the way changes
            help_ = "; ".join(filter(None, [way, general])) or None
            axis = _rounded(types)
        return Misfit(misfit.code, misfit.message, notes=notes, help_=help_, label="the paths meet here with different shapes", axis=axis)

    def secondary(self, types: Sequence[Type | None]) -> list[tuple[Span, str]]:
        """Further places of the message: the branches with what each gives."""
        return [*self.parted, *((span, f"this one gives {type_}") for span, type_ in zip(self.branches, types, strict=False))]


def _along(op: Op) -> str:
    """The axis along which a merge joins values: the channels, except for `concat axis=t`."""
    return str(op.arguments().get("axis", "c"))


def _rounded(types: Sequence[Type]) -> int | None:
    """The axis on which maps differ by so little that rounding may be the cause, which another input would avoid."""
    maps = [value.spatial for value in types if isinstance(value, Map)]
    if len(maps) < len(types) or any(len(spatial) != len(maps[0]) for spatial in maps):
        return None
    gaps = [max(sizes) - min(sizes) for sizes in zip(*maps, strict=True)]
    return next((at for at, gap in enumerate(gaps) if gap), None) if max(gaps) <= _ROUNDED else None


def step_advice(step: ast.Step, named: Sequence[ast.Expr]) -> Advice:
    """For a merge with named values; `named` says for each what names it, which may be one path for several."""
    arguments = [f"{keyword.name}={keyword.value.span.text}" for keyword in step.keywords]
    kind, names = step.name.id, [expr.span.text for expr in named]
    head = " ".join([kind, *arguments])

    def way(steps: Sequence[str]) -> str:
        if len(named) > len(step.bare):
            return ""
        if not any(steps[1:]):
            return f"write `{steps[0]} | {' '.join([kind, *names, *arguments])}`"
        lines = [" | ".join(filter(None, pair)) for pair in zip(["skip", *(f"from {name}" for name in names)], steps, strict=True)]
        return f"write `{head}:` with the lines {', '.join(f'`{line}`' for line in lines[:-1])} and `{lines[-1]}` below it"

    return Advice([step.span, *(expr.span for expr in named)], way)


def branches_advice(builder: GraphBuilder, entered: int, kind: str, branches: Sequence[tuple[int, ast.Statement]]) -> Advice:
    """For branches from one value: the padding with which each would keep its size, where that mends it."""
    paddings = [_padding(builder, entered, value) for value, _ in branches]
    channels = {type_.channels for value, _ in branches if (type_ := builder.type_of(value)) is not None}
    mended = None not in paddings and (kind == "concat" or len(channels) == 1)

    def way(steps: Sequence[str]) -> str:
        lines = [(branch.span.line, behind) for (_, branch), behind in zip(branches, steps, strict=True) if behind]
        return "; ".join(f"end the branch at line {line} with `| {behind}`" for line, behind in lines)

    found = [padding for padding in paddings if padding]
    help_ = "; ".join(_said(padding, builder.type_of(entered)) for padding in found) if mended else None
    ends = [branch.steps[-1].span if isinstance(branch, ast.Chain) and branch.steps else None for _, branch in branches]
    return Advice([branch.span for _, branch in branches], way, help=help_, fixes=_padded(*found), ends=ends)


def residual_advice(
    builder: GraphBuilder, entered: int, main: int, taken: bool, body: Sequence[ast.Statement], defaults: Defaults
) -> Advice:
    """For a residual: where its main path left the shape it entered with, and the padding or the shortcut that would mend it."""
    parted, notes = _parting(builder, entered, main)

    def way(steps: Sequence[str]) -> str:
        of_main, of_short = steps
        ends = [f"end the last of its own lines with `| {of_main}`"] if of_main else []
        if of_short and taken:
            ends.append(f"end its shortcut with `| {of_short}`")
        elif of_short:
            ends.append(f"add `shortcut: {of_short}` as the last line of the residual")
        return "; ".join(ends)

    help_, fixes = _mended(builder, entered, main, body, defaults) if not taken else (None, [])
    return Advice([], way, notes, help_, parted, fixes)


def _mended(
    builder: GraphBuilder, entered: int, main: int, body: Sequence[ast.Statement], defaults: Defaults
) -> tuple[str | None, list[Fix]]:
    """The padding, or else the shortcut, with which a residual without one would fit; None where neither does."""
    x, y = builder.type_of(entered), builder.type_of(main)
    if not isinstance(x, Map) or not isinstance(y, Map) or len(x.spatial) != len(y.spatial):
        return None, []
    padding = _padding(builder, entered, main)
    if padding and x.channels == y.channels:
        return _said(padding, x), _padded(padding)
    shortcut = _shortcut(x, y, body, defaults)
    if shortcut is None:
        return None, []
    return f"add `shortcut: {shortcut}` as the last line of the residual", _last_line(body, f"shortcut: {shortcut}")


def _shortcut(x: Map, y: Map, body: Sequence[ast.Statement], defaults: Defaults) -> str | None:
    """The steps that make the shape of one map that of another; None where no stride does."""
    strides = {round(a / b) for a, b in zip(x.spatial, y.spatial, strict=True)}
    if len(strides) != 1 or any(s < 1 or -(-a // s) != b for a, b in zip(x.spatial, y.spatial, strict=True) for s in strides):
        return None
    stride = strides.pop()
    filters, steps = _written(body, "f") or str(y.channels), _written(body, "s")
    if steps is None or (steps.isdecimal() and int(steps) != stride):
        steps = str(stride)
    conv = f"conv k=1 f={filters}" + (f" s={steps}" if stride > 1 else "")
    rounding = defaults.get("conv", {}).get("round", defaults.get("", {}).get("round", "exact"))
    if rounding == "exact" and any((size - 1) % stride for size in x.spatial):
        conv += " round=floor"
    return f"{conv} | bn"


def _last_line(body: Sequence[ast.Statement], line: str) -> list[Fix]:
    """The fix that adds a line to those that are indented below a head."""
    first, last = body[0].span, body[-1]
    while isinstance(last, (ast.Suite, ast.Broken)) and last.body:
        last = last.body[-1]
    source, start = first.source, first.source.starts[first.line - 1]
    indent = source.text[start : first.start]
    if indent.strip():
        return []  # behind its head, on the same line
    number = source.locate(last.span.end)[0]
    end = source.starts[number - 1] + len(source.line(number))
    return [Fix(f"add `{line}`", (Edit(Span(source, end, end), f"\n{indent}{line}"),))]


def _between(builder: GraphBuilder, entered: int, value: int) -> Iterator[tuple[Layered | Hole, Type | None]]:
    """The elements from a value back to another along first inputs, each with the type of that input; a further result ends them."""
    while value < 0 and value != entered and builder.elements[~value].inputs:
        element = builder.elements[~value]
        if isinstance(element, Further):
            return
        value = element.inputs[0]
        yield element, builder.type_of(value)


Padding = list[tuple[str, Span]]
"""Paddings such as `p=1`, and the steps that they are for."""


def _padding(builder: GraphBuilder, entered: int, value: int) -> Padding | None:
    """The padding with which the layers between two values would keep the size; empty where they keep it.

    None where padding alone does not mend it, or where it is not a chain of layers.
    """
    start = builder.type_of(entered)
    ways: Padding = []
    for element, before in _between(builder, entered, value):
        value = element.inputs[0]
        if len(element.inputs) != 1 or not isinstance(before, Map) or not isinstance(element.type, Map):
            return None
        if before.spatial != element.type.spatial:
            padding = element.op.same_size_padding(before) if isinstance(element, Node) else None
            if padding is None or element.span is None:
                return None
            ways.append((f"p={padding}", element.span))
    return ways[::-1] if value == entered and isinstance(start, Map) else None


def _said(padding: Padding, x: Type | None) -> str:
    """Say which steps to pad, to keep the size of a map."""
    assert isinstance(x, Map)
    ways = [f"{way} in `{step.text}`" for way, step in padding]
    return f"use {' and '.join(ways)} to keep {'x'.join(map(str, x.spatial))}"


def _padded(*paddings: Padding) -> list[Fix]:
    """The fix that pads steps."""
    steps = [argued(step, way) for padding in paddings for way, step in padding]
    return [Fix(" and ".join(fix.title for fix in steps), tuple(edit for fix in steps for edit in fix.edits))] if steps else []


def _written(body: Sequence[ast.Statement], argument: str) -> str | None:
    """An argument as the last step of a body that has it writes it, so that a mend holds for every call of a block."""
    chains = [statement for statement in body if isinstance(statement, ast.Chain)]
    values = [k.value.span.text for chain in chains for step in chain.steps for k in step.keywords if k.name == argument]
    return values[-1].replace(" ", "") if values else None


def _parting(builder: GraphBuilder, entered: int, main: int) -> tuple[list[tuple[Span, str]], list[str]]:
    """The layers between two values that changed the shape, or else the last that changed the channels, and the formulas of sizes."""
    marks: list[tuple[Span, str]] = []
    widened: list[tuple[Span, str]] = []
    notes: list[str] = []
    for element, before in _between(builder, entered, main):
        after, span = element.type, element.span
        if isinstance(element, Node) and isinstance(before, Map) and isinstance(after, Map) and before.spatial != after.spatial:
            if span is not None:
                marks.append((span, f"{'x'.join(map(str, before.spatial))} -> {'x'.join(map(str, after.spatial))}"))
            formula = worked(element.op, [before], after).get("output") if len(element.inputs) == 1 else None
            notes += [formula] if formula else []
        if before is not None and after is not None and before.channels != after.channels and span is not None:
            widened.append((span, f"{before.channels} -> {after.channels} channels"))
    x, y = builder.type_of(entered), builder.type_of(main)
    if not marks and x is not None and y is not None and x.channels != y.channels:
        marks = widened[:1]
    return marks[::-1], notes[::-1]


def equalizing(kind: str, types: Sequence[Type], along: str = "c") -> list[str] | None:
    """For each value the steps to put behind it, empty where none are needed; None where no few steps do, or none do anything.

    >>> equalizing("add", [Map((14, 14), 128), Map((28, 28), 64)])
    ['', 'pool 2 | conv k=1 f=128']
    """
    from archspec.ops.merge import unstretched  # a network without merges is read without it

    if along == "t" or {*map(type, types)} == {Map, Tokens}:
        regrouped = _regrouped(kind, types, along)
        if regrouped is not None or along == "t":
            return regrouped
    if kind == "concat" and len(set(map(type, types))) > 1:
        return ["" if isinstance(value, Vector) else "flatten" for value in types]
    if kind in ("add", "sub") and unstretched(*types) is None:
        return None  # `stretch=yes` does
    target = max(types, key=lambda value: value.size) if kind == "mul" else types[0]
    found: list[str | None] = []
    for value, size in zip(types, _sizes(types, spread=kind == "mul"), strict=True):
        channels = value.channels if kind == "concat" else target.channels
        if isinstance(value, Map) and isinstance(target, Map):
            found.append(None if size is None else " | ".join(filter(None, (size, _channels(value, channels)))))
        elif type(value) is type(target):
            lengths_differ = isinstance(value, Tokens) and value.shape[:-1] != target.shape[:-1]
            found.append(None if lengths_differ else _channels(value, channels))
        elif isinstance(value, Vector) and kind == "mul":
            found.append(_channels(value, channels))
        else:
            found.append(f"fc {target.channels}" if isinstance(target, Vector) else None)
    return [steps or "" for steps in found] if None not in found and any(found) else None


def _regrouped(kind: str, types: Sequence[Type], along: str) -> list[str] | None:
    """For each value the steps that give all of them one kind, and where that is needed as many channels; None where no few steps do.

    >>> _regrouped("add", [Map((14, 14), 64), Tokens(196, 64)], "c")
    ['', 'map 14x14']
    """
    target = max(types, key=lambda value: value.size) if kind == "mul" else types[0]
    if along == "t":
        target = next((value for value in types if isinstance(value, Tokens)), Tokens(1, target.channels))
    elif len({math.prod(value.shape[:-1]) for value in types} - ({1} if kind == "mul" else set())) > 1:
        return None
    found = [_as_kind(value, target) for value in types]
    if None in found or not any(found):
        return None
    keeps = kind == "concat" and along == "c"
    widened = [
        _channels(
            Vector(value.channels) if step == "first" else target._replace(channels=value.channels),
            value.channels if keeps else target.channels,
        )
        for value, step in zip(types, found, strict=True)
    ]
    return [" | ".join(filter(None, pair)) for pair in zip(found, widened, strict=True)]


def _as_kind(value: Type, target: Type) -> str | None:
    """The step that gives a value the kind of another and keeps its positions, empty where it has it; None where no step does."""
    match value, target:
        case Map(), Tokens():
            return "tokens"
        case Vector(), Tokens():
            return f"reshape 1x{value.channels}"
        case Tokens(), Map():
            return "first" if value.shape[0] == 1 else f"map {'x'.join(map(str, target.spatial))}"
    return "" if type(value) is type(target) else None


def _sizes(types: Sequence[Type], *, spread: bool) -> list[str | None]:
    """For each value the step that makes a map as large as most are, or else as the smallest; where values are `spread`, maps of one
    position count not.
    """
    ranks = [value.spatial for value in types if isinstance(value, Map) and not (spread and set(value.spatial) == {1})]
    if not ranks or any(len(spatial) != len(ranks[0]) for spatial in ranks):
        return [None if isinstance(value, Map) or not isinstance(value, Vector) else "" for value in types]
    common = max(ranks, key=ranks.count)
    size = common if 2 * ranks.count(common) > len(ranks) else tuple(map(min, *ranks))
    return [_resized(value.spatial, size) if isinstance(value, Map) and value.spatial in ranks else "" for value in types]


def _resized(spatial: tuple[int, ...], size: tuple[int, ...]) -> str:
    """A pool where the size is a multiple, a crop where it is larger, otherwise interpolation."""
    if spatial == size:
        return ""
    ratios = {a // b if a % b == 0 else 1 for a, b in zip(spatial, size, strict=True)}
    if len(ratios) == 1 and min(ratios) > 1:
        return f"pool {ratios.pop()}"
    if any(a < b for a, b in zip(spatial, size, strict=True)):
        return f"upsample to={'x'.join(map(str, size))}"
    return f"crop {'x'.join(map(str, size if len(set(size)) > 1 else size[:1]))}"


def _channels(value: Type, channels: int) -> str:
    if value.channels == channels:
        return ""
    return f"conv k=1 f={channels}" if isinstance(value, Map) else f"fc {channels}" if isinstance(value, Vector) else f"linear {channels}"
