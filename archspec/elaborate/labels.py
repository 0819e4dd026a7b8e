"""Labels: their text, their rules, what they refer to, and why a place does not see those that the text has elsewhere."""

from __future__ import annotations

import keyword
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from archspec.diagnostics import Diagnostics, did_you_mean, nearest
from archspec.diagnostics.fix import respelled, written
from archspec.elaborate.expressions import Refused, Scope, Silent, evaluate
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call, Further, Hole, Input, Layered, Part
from archspec.ir.walk import Names
from archspec.numeric import pinned
from archspec.source import Span
from archspec.syntax import ast
from archspec.syntax.lalr import Token
from archspec.syntax.to_expr import MAX_DIGITS, Expressions, is_digits
from archspec.types import LIMIT

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r'[^"\\{}]+')
RESERVED: set[str] = set()
"""Names that mean something on every model class of a backend, which fills them in; a layer called so would hide it."""

_LONGEST = 200
"""Characters of a label."""
_MAX_GAP = 64
"""Positions that a number as a label may leave empty: a mistyped number should not make a thousand empty places."""
_COUNTED = 1000
"""Rounds whose names are looked at where `unit` and `unit2` are blocks: the 21st of one may be called as the first of the other."""
_PATTERNS = 100
"""Labels with expressions in them that are looked at."""


def position_text(name: ast.Name, position: int | None) -> str:
    """A number as a label: the position of its layer in a group. Raises Refused."""
    if position is None:
        help_ = "a number as a label is a position in a group: `features:` with `2: relu` indented below it"
        raise Refused("A109", f"`{name.id}` is not a name: use letters, digits and `_`, and do not begin with a digit", name.span, help_)
    number = int(name.id) if len(name.id) <= MAX_DIGITS else LIMIT
    if not position <= number <= position + _MAX_GAP:
        how, use = "is already taken or skipped", f"use {position} or higher"
        if number > position:
            how, use = f"would leave more than {_MAX_GAP} places empty", f"use {position} to {position + _MAX_GAP}"
        raise Refused("A109", f"position {name.id} {how}", name.span, use)
    return str(number)


def label_text(expr: ast.Expr, scope: Scope, position: int | None = None) -> str:
    """A label's text, its expressions resolved; `position` is the next one where layers are called so. Raises Refused."""
    text = spelled(expr, scope)
    span = expr.span
    quoted = isinstance(expr, ast.Interpolated) and expr.quoted
    if is_digits(text) and (position is not None or not quoted):
        return position_text(ast.Name(text, span), position)
    if text == "output":
        help_ = "choose another, or write `output NAME:` for an auxiliary head"
        raise Refused("A109", "`output` is the name of the main output", span, help_)
    for at, part in enumerate(text.split(".")):
        if part in RESERVED or part.startswith("__") or (keyword.iskeyword(part) and not quoted):
            whose = "Python" if keyword.iskeyword(part) else "PyTorch modules"
            message = f"`{part}` is a reserved word of {whose} and cannot name a layer"
            other = f"{part.strip('_')}_1"
            quotes = f', or write it in quotes: `"{text}":`' if keyword.iskeyword(part) else ""
            fixes = [written(span, f'"{text}"', safe=True)] if quotes else []
            fixes += [written(span, text.replace(part, other))] if span.text == text else []
            raise Refused("A109", message, span, f"choose another, such as `{other}`{quotes}", fixes=fixes)
        if quoted and not (part and _QUOTED.fullmatch(part) and part.isprintable()):
            message = f"`{text}` is not a name: each level between its dots has characters, none of them a quote, a brace or a line end"
            raise Refused("A109", message, span, 'write it like `"block1-0.conv"`')
        if not quoted and not _IDENTIFIER.fullmatch(part) and not (at > 0 and is_digits(part)):
            way = f'write it in quotes: `"{text}":`' if text and "*" not in part else None
            message = f"`{part}` is not a name: use letters, digits and `_`, and do not begin with a digit"
            raise Refused("A109", message, span, way, fixes=[written(span, f'"{text}"', safe=True)] if way and span.text == text else [])
    if len(text) > _LONGEST:
        raise Refused("A109", f"a label has at most {_LONGEST} characters", span)
    return text


def plain_text(name: ast.Name, what: str, scope: Scope) -> str:
    """The text of a name that is a label of one level: of an output, or of a value that a block reads. Raises Refused."""
    text = label_text(name, scope)
    if "." in text or text.startswith("_"):
        why = "contains `.`" if "." in text else "begins with `_`"
        raise Refused("A109", f"`{text}` cannot name {what}: it {why}", name.span, "choose another name")
    return text


def spelled(expr: ast.Expr, scope: Scope) -> str:
    """The text of a name, interpolated. Raises Refused."""
    if isinstance(expr, ast.Text):
        expr = Expressions(expr.span.source, Diagnostics()).quoted(Token("STRING", expr.span.text, expr.span.start, expr.span.end))
    if isinstance(expr, ast.Name):
        return expr.id
    if not isinstance(expr, ast.Interpolated):
        raise Refused("A107", f"`{expr.span.text}` is not the name of a value", expr.span, "give the label of a line above")
    pieces = []
    for part in expr.parts:
        value = part if isinstance(part, str) else pinned(evaluate(part, scope))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise Refused("A109", f"a label takes whole numbers, not {value}", expr.span)
        pieces.append(str(value))
    return "".join(pieces)


def rounds_of(expr: ast.Expr, scope: Scope) -> list[Scope]:
    """The scopes that see a label: its own, and each around a repeat whose index is in its braces, as far as such repeats go without a gap."""
    seen = [scope]
    words = ast.names(expr.parts) if isinstance(expr, ast.Interpolated) else set()
    while scope.index in words and scope.parent is not None:
        words.discard(scope.index)
        scope = scope.parent
        seen.append(scope)
    return seen


def climb(scope: Scope, labels: Mapping[str, tuple[GraphBuilder, int]]) -> None:
    """Show labels of a round that has ended in the scopes around it that see them; `labels` are the round's, as its surroundings have them."""
    for name, (around, *further) in ((name, scopes) for name, scopes in scope.climbing.items() if scopes):
        around.labels[name] = labels[name]
        around.climbing[name] = further


def given_by(statement: ast.Statement) -> Iterator[re.Pattern[str]]:
    """The labels that are seen behind a line, or would be."""
    match statement:
        case ast.Suite(ast.Label(ast.Name() | ast.Interpolated() as name)) if len(name.span.text) <= _LONGEST:
            yield _pattern(name)
        case ast.Suite(ast.Merge(), body):
            yield from (label for line in body for label in given_by(line))
        case ast.Suite(ast.Repeat(_, counter), body) if counter is not None:
            yield from (label for line in body if counter.id in ast.names(line) for label in given_by(line))


def _pattern(name: ast.Name | ast.Interpolated) -> re.Pattern[str]:
    """What the text of a label may be."""
    parts = name.parts if isinstance(name, ast.Interpolated) else (name.id,)
    return re.compile("".join(re.escape(part) if isinstance(part, str) else r"\w+" for part in parts))


def unknown_label(expr: ast.Expr, scope: Scope) -> Refused:
    """Why an expression names no value: a mistake that was reported took its label away, or there is none."""
    name = spelled(expr, scope)
    if any(lost.fullmatch(name) for around in scope.outwards() for lost in around.lost):
        return Silent(expr.span)
    known = [label for around in scope.outwards() for label in around.labels]
    help_ = did_you_mean(name, known, f"label a line above: `{name}: conv k=3 f=8`")
    fixes = respelled(expr.span, name, nearest(name, known))
    return Refused("A107", f"no value is called `{name}` here", expr.span, help_, fixes=fixes)


def clashes(elements: Sequence[Part], naming: str, inputs: Sequence[Input]) -> Iterator[tuple[Layered | Hole, Layered | Hole | Input, str]]:
    """Elements whose name an input or an earlier one has, or is a part of, with that one and what to say.

    Without labels names differ by construction, unless that of a block or of an input ends in a digit (`conv1` + 1 is `conv` + 11).
    """
    given = {input_.name: input_ for input_ in inputs}
    counted = any(name[-1].isdigit() for name in given)
    if not counted and not any(element.label is not None or element.stem[-1].isdigit() for element in _local(elements, rounds=1)):
        return
    names = Names("", naming)
    seen: dict[str, Layered | Hole] = {}
    stems = {element.stem for element in _local(elements, rounds=1)}
    counted = counted or any(stem[-1].isdigit() and stem.rstrip("0123456789") in stems for stem in stems)
    for element in _local(elements, rounds=_COUNTED if counted else 2):
        name = names.local(element)
        if name in seen:
            yield element, seen[name], f"two layers would be called `{name}`"
        elif name in given:
            yield element, given[name], f"a layer and an input would be called `{name}`"
        seen[name] = element
    for name, element in seen.items():
        parts = name.split(".")
        for end in range(1, len(parts)):
            if (prefix := ".".join(parts[:end])) in seen:
                yield element, seen[prefix], f"`{prefix}` is a layer or a group, so `{name}` cannot be put inside it from here"


def _local(elements: Sequence[Part], *, rounds: int) -> Iterator[Layered | Hole]:
    """The elements that are named within a graph: its own, and those of inline calls, of which at most `rounds` are entered."""
    for element in elements:
        if isinstance(element, Call) and element.inline:
            for _ in range(min(rounds, element.times)):
                yield from _local(element.graph.elements, rounds=rounds)
        elif isinstance(element, Call) and rounds > 1 and element.times > 1:
            yield from [element] * min(rounds, element.times)
        elif not isinstance(element, Further):
            yield element


class Labels:
    """The labels and outputs of a file, at whatever depth."""

    def __init__(self, file: ast.File) -> None:
        self.plain: dict[str, tuple[ast.Suite, tuple[ast.Suite, ...]]] = {}
        self.patterns: list[tuple[re.Pattern[str], tuple[ast.Suite, tuple[ast.Suite, ...]]]] = []
        self.blocks: list[ast.Suite] = []
        for found in _suites(file.body, ()):
            match found[0].head:
                case ast.Label(ast.Name(written), _) | ast.Output(ast.Name(written), _, _):
                    self.plain.setdefault(written, found)
                case ast.Label(ast.Interpolated() as name, _) if len(self.patterns) < _PATTERNS:
                    self.patterns.append((_pattern(name), found))
                case ast.Block():
                    self.blocks.append(found[0])

    def hidden(self, name: str, at: Span) -> tuple[Span, str, str] | None:
        """The place of a label that is not seen from here, what is said there, and the help; None where the file has none of that name."""
        found = self.plain.get(name) or next((found for pattern, found in self.patterns if pattern.fullmatch(name)), None)
        if found is None and "." in name:  # `group.label`, as weights are called
            return self.hidden(name.rpartition(".")[2], at)
        if found is None:
            return None
        suite, around = found
        last = bisect_right(self.blocks, at.start, key=lambda block: block.span.start) - 1
        reader = self.blocks[last] if last >= 0 and _holds(self.blocks[last], at) else None
        why = _why(suite, around, name, at)
        if reader is not None and reader not in around:
            help_ = f"a block sees only its own labels and its input: merge `{name}` after the call of the block"
            why = "this is outside of the block", help_
        return (suite.head.span, *why) if why is not None else None


def _suites(body: Sequence[ast.Statement], around: tuple[ast.Suite, ...]) -> Iterator[tuple[ast.Suite, tuple[ast.Suite, ...]]]:
    """Every head with a body, and those around it, the outermost first."""
    for statement in body:
        if isinstance(statement, ast.Suite):
            yield statement, around
            yield from _suites(statement.body, (*around, statement))


def _why(suite: ast.Suite, around: Sequence[ast.Suite], name: str, at: Span) -> tuple[str, str] | None:
    """Return the message for a label out of scope, and the help."""
    block = next((other.head for other in around if isinstance(other.head, ast.Block) and not _holds(other, at)), None)
    if block is not None:
        called = block.name.id
        if isinstance(suite.head, ast.Output):
            return f"this is an output of the block `{called}`", f"label the call, `x: {called} ...`, and write `x.{name}`"
        label = f"`{name}: {called} ...` labels a call, whose value is that of the block's last line"
        outputs = f"`output {name}` in the block gives a further one, `LABEL.{name}`"
        return f"this is inside the block `{called}`", f"labels inside a block are not visible outside: {label}; {outputs}"
    if isinstance(suite.head, ast.Output):
        help_ = f"label the line that makes the value, `{name}: ...`; `output {name}` can stay"
        return "this is the name of an output, which other lines cannot read", help_
    if _holds(suite, at):
        return "this is the line itself", f"`{name}` is the value of the whole line, which does not exist yet: label a line above"
    closed = next((other for other in around if not _holds(other, at) and not isinstance(other.head, ast.Merge)), None)
    if closed is not None:
        groups = [other.head.span.text for other in around if isinstance(other.head, ast.Label) and not _holds(other, at)]
        return _inside(closed.head, suite.head, name, ".".join([*groups, name]))
    if suite.span.start > at.start:
        return "this is below", f"a label is visible only below its line: move line {suite.span.line} above line {at.line}"
    guards = [other.guard for other in (*around, suite) if other.guard is not None]
    if guards:
        guard = f"`if {guards[-1].span.text}`"
        return f"{guard} drops this line", f"end the line that reads `{name}` with {guard} too"
    return None


def _inside(head: ast.Head, hidden: ast.Head, name: str, path: str) -> tuple[str, str]:
    """A label within a head that shuts it off; `path` leads to it through groups."""
    text = head.span.text
    match head:
        case ast.Repeat(_, counter) if counter is not None and counter.id in ast.names(hidden):
            return "this is inside a repeat", f"no round above gives `{name}`: `{counter.id}` counts from 0 to one less than the rounds"
        case ast.Repeat():
            label = f"`{name}: {text}:` labels the repeat, whose value is that of its last round"
            others = "those with the index of a repeat in braces, as `x{i}:`, are seen behind it"
            return "this is inside a repeat", f"labels inside a round are not visible outside: {label}; {others}"
        case ast.Label():
            return f"this is inside the group `{text}`", f"a label inside a group is seen by its path: write `{path}`"
        case ast.Output():
            return "this is inside an auxiliary head", f"its values are visible only inside it: label a line above `{text}:`"
    word = "shortcut" if isinstance(head, ast.Shortcut) else "residual"
    return f"this is inside a {word}", f"its labels are not visible outside: label the residual, `{name}: residual:`, or a line above it"


def _holds(suite: ast.Suite, at: Span) -> bool:
    """Whether a place is in a head or its body."""
    last: ast.Statement = suite
    while isinstance(last, ast.Suite) and last.body:
        last = last.body[-1]
    return suite.span.start <= at.start < max(suite.span.end, last.span.end)
