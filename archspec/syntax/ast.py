"""The syntax tree: what was written, nothing yet of what it means.

Every node carries the span it was read from. Chains of operators are flat (`1+1+...` is one node), so the depth of a tree
is bounded by the nesting of brackets and suites, which the layout limits.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple, Union

from archspec.source import Span


class Number(NamedTuple):
    """A number, or `yes` or `no`."""

    value: int | float | bool
    span: Span


class Name(NamedTuple):
    """A word; with dots in it only as a reference to a label."""

    id: str
    span: Span


class Text(NamedTuple):
    """A text in quotes."""

    value: str
    span: Span


class Unreadable(NamedTuple):
    """A number that was reported as too large: it has no value, and is not reported again."""

    span: Span


class Dims(NamedTuple):
    """A literal size such as `32x32x3` or `5x3`."""

    values: tuple[int, ...]
    span: Span


class Chained(NamedTuple):
    """Operands with operators between them, evaluated from the left: `a + b - c`, `a * b`, `a < b <= c`, `a and b`."""

    kind: str
    operands: tuple[Expr, ...]
    operators: tuple[str, ...]
    span: Span


class Prefixed(NamedTuple):
    """`-x` or `not x`, `times` over."""

    operator: str
    times: int
    operand: Expr
    span: Span


class Call(NamedTuple):
    """A function of the language applied to expressions, such as `max(a,b)`."""

    function: Name
    arguments: tuple[Expr, ...]
    span: Span


class Items(NamedTuple):
    """A list: `2,1` or `(2, 1)`."""

    items: tuple[Expr, ...]
    span: Span


class Slice(NamedTuple):
    """`A:B`, from A up to, not including, B."""

    start: Expr
    stop: Expr
    span: Span


class Crossed(NamedTuple):
    """A size with expressions in it: `1x(k)x(k)`."""

    sizes: tuple[Expr, ...]
    span: Span


class Choice(NamedTuple):
    """`1 if first else 4`, within brackets."""

    value: Expr
    condition: Expr
    otherwise: Expr
    span: Span


class Interpolated(NamedTuple):
    """A label with expressions in it: `denselayer{i+1}`. `quoted` labels may hold any text: `"block{s}-{i}"`."""

    parts: tuple[str | Expr, ...]
    span: Span
    quoted: bool = False


Expr = Union[Number, Name, Text, Unreadable, Dims, Chained, Prefixed, Call, Items, Slice, Crossed, Choice, Interpolated]


class Keyword(NamedTuple):
    """`name=value`; `span` is the whole of it."""

    name: str
    value: Expr
    span: Span


class Step(NamedTuple):
    """A layer, a block call, or a merge with named values."""

    name: Name
    bare: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    span: Span


class Chain(NamedTuple):
    """Steps joined by `|`; `source` is set where the chain is a line `from NAME`."""

    steps: tuple[Step, ...]
    guard: Expr | None
    source: Expr | None
    span: Span


class Arch(NamedTuple):
    """`arch 1`, the version of the language."""

    version: int
    span: Span


class Model(NamedTuple):
    """`model NAME`: what the network is called."""

    name: str
    span: Span


class Meta(NamedTuple):
    """`meta year=1998 title="..."`."""

    items: tuple[Keyword, ...]
    span: Span


class Sizes(NamedTuple):
    """The sizes that a letter of an input's shape stands for: `H in 32..512 step 32`."""

    letter: str
    first: int
    last: int
    step: int
    span: Span


class Input(NamedTuple):
    """`input 32x32x3`; `letters` are those in it that `for` gives sizes to, by axis, or None: the shape has their first.

    `params` are other names in it, and expressions in parentheses, by axis: the shape has 0 there.
    """

    shape: Dims
    letters: tuple[str | None, ...]
    params: tuple[Expr | None, ...]
    sizes: tuple[Sizes, ...]
    span: Span


class Param(NamedTuple):
    """`param NAME = VALUE`: a number, text or list that a caller may set."""

    name: Name
    value: Expr
    span: Span


class Default(NamedTuple):
    """Defaults for one kind of step, or (`step` is None) for every layer that takes the argument."""

    step: Name | None
    keywords: tuple[Keyword, ...]
    span: Span


class Use(NamedTuple):
    """`use "FILE"`: the blocks and params of another file."""

    path: Text
    span: Span


class Expect(NamedTuple):
    """`expect params <= 5e6`: what must hold for the counts of the network."""

    condition: Expr
    span: Span


class Formula(NamedTuple):
    """A part of a `pattern`: a word, or a group of parts; repeated, or optional."""

    word: Name | None
    parts: tuple[Formula, ...]
    repeats: Expr | None
    optional: bool
    span: Span


class Pattern(NamedTuple):
    """`pattern (conv relu)*2 pool`, with its arguments."""

    formula: Formula
    keywords: tuple[Keyword, ...]
    span: Span


class Output(NamedTuple):
    """`output NAME [train] [if COND]`, alone or as the head of a suite."""

    name: Name
    mode: Name | None
    span: Span


class Repeat(NamedTuple):
    """`repeat 3:` or `repeat 3 as i:`."""

    rounds: Expr
    counter: Name | None
    span: Span


class Residual(NamedTuple):
    """`residual:` or `residual if COND:`."""

    condition: Expr | None
    span: Span


class Shortcut(NamedTuple):
    """The head of the last lines of a `residual:`, which give what is added."""

    span: Span


class Seq(NamedTuple):
    """`seq:`, several lines as one branch."""

    span: Span


class Merge(NamedTuple):
    """`add:`, `concat:`, `mul:` or `sub:`, with its arguments."""

    kind: str
    keywords: tuple[Keyword, ...]
    span: Span


class Parameter(NamedTuple):
    """A parameter of a block: `n`, `n=1` with a default, or a value, `from e`."""

    name: Name
    default: Expr | None
    is_value: bool = False


class Block(NamedTuple):
    """`block bottleneck(n, s=1):`."""

    name: Name
    parameters: tuple[Parameter, ...]
    span: Span


class Label(NamedTuple):
    """`NAME:`; the name may hold expressions. What is `frozen` is not learned."""

    name: Expr
    span: Span
    frozen: bool = False


Head = Union[Repeat, Residual, Shortcut, Seq, Merge, Output, Block, Label]


class Suite(NamedTuple):
    """A head with its body. `guard` drops the whole of it when false."""

    head: Head
    body: tuple[Statement, ...]
    guard: Expr | None
    span: Span


class Broken(NamedTuple):
    """A line that could not be read; it was reported. What is indented below it is still looked at.

    `declares` is what it would have named (`param x`, `block x`, `default x`, the label `x`, or `use`): that it is missing is not reported again.
    """

    body: tuple[Statement, ...]
    declares: str | None
    span: Span


Statement = Union[Chain, Arch, Model, Meta, Input, Param, Default, Use, Expect, Pattern, Output, Suite, Broken]


class File(NamedTuple):
    """A whole source. `span` covers all of it."""

    body: tuple[Statement, ...]
    span: Span


def names(node: object) -> set[str]:
    """The words that steps and expressions of a tree refer to; names that are declared do not count."""
    found: set[str] = set()
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, Name):
            found.add(node.id)
        elif isinstance(node, Param):
            pending.append(node.value)
        elif isinstance(node, Block):
            pending.extend(parameter.default for parameter in node.parameters)
        elif isinstance(node, tuple) and not isinstance(node, Span):
            pending.extend(node)
    return found


def compares(expr: Expr, numbers: Container[str]) -> bool:
    """Whether an expression says yes or no, rather than being a number; a name may do either, unless it is one of `numbers`."""
    match expr:
        case Chained("and" | "or", operands):
            return all(compares(operand, numbers) for operand in operands)
        case Name():
            return expr.id not in numbers
        case Chained(kind):
            return kind == "compare"
        case Prefixed(operator):
            return operator == "not"
        case Number() | Dims() | Text() | Items() | Call():
            return False
        case _:
            return True


def steps(body: Iterable[Statement]) -> Iterator[Step]:
    """Every step of some lines and of the bodies below them."""
    for statement in body:
        if isinstance(statement, Chain):
            yield from statement.steps
        elif isinstance(statement, Suite):
            yield from steps(statement.body)


def inputs(file: File) -> Iterator[tuple[str, Input]]:
    """The lines that declare inputs, with the names of these."""
    for statement in file.body:
        if isinstance(statement, Input):
            yield "input", statement
        elif isinstance(statement, Suite) and isinstance(statement.head, Label) and isinstance(statement.head.name, Name):
            for inner in statement.body:
                if isinstance(inner, Input):
                    yield statement.head.name.id, inner


def promises(file: File) -> bool:
    """Whether a file promises something of its network: sizes of its input, or budgets."""
    return any(isinstance(statement, Expect) for statement in file.body) or any(line.sizes for _, line in inputs(file))
