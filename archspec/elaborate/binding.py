"""From a step as written to an op: arguments to fields, defaults, words, per-round lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archspec.diagnostics import did_you_mean, nearest
from archspec.diagnostics.fix import Fix, Fixes, respelled, written
from archspec.elaborate.expressions import ROUNDED, Frame, Missing, Refused, Rounds, Scope, Silent, Value, evaluate, item, of_round, shown
from archspec.ir.graph import AGAIN
from archspec.numeric import Spelled, kind_of, whole_number
from archspec.ops import STEPS, make, op_class
from archspec.ops.base import Op
from archspec.ops.declare import VALUE, Field, Range, Unfit
from archspec.source import Span
from archspec.syntax import ast
from archspec.syntax.lines import KEYWORDS
from archspec.types import FLOAT32, LIMIT, Map, describe

_NUMBERS = (ast.Number, ast.Unreadable, ast.Chained, ast.Prefixed, ast.Call, ast.Items, ast.Choice)
"""Expressions that are no reference to a value."""


class Bound(NamedTuple):
    """The op of a step, the place of each written argument, and the values that it reads besides the current one."""

    op: Op
    places: dict[str, Span]
    operands: list[ast.Expr]


def bind(step: ast.Step, scope: Scope, defaults: Mapping[str, Mapping[str, Value | Missing]]) -> Bound:
    """Bind the arguments of a step. Raises Refused."""
    name = step.name.id
    known = op_class(name).fields
    places: dict[str, Span] = {}
    given: dict[str, Value] = {}
    values: dict[str, ast.Expr] = {}
    bare, rest = op_class(name).positional, op_class(name).rest
    if len(step.bare) > len(bare) and not rest:
        raise _too_many(step, bare)
    for field, expr in zip(bare, step.bare, strict=False):
        places[field] = expr.span
        given[field] = _given(expr, field, known[field], scope, values)
    for keyword in step.keywords:
        field = keyword.name
        if field not in known and not op_class(name).keyed:
            raise unknown_argument(keyword, name, list(known))
        if field in given:
            raise _twice(field, keyword, places[field].text.removeprefix(f"{field}="))
        places[field] = keyword.span
        given[field] = _given(keyword.value, field, op_class(name).field(field), scope, values)
    behind = step.bare[len(bare) :]
    operands = [expr for expr in behind if not isinstance(expr, (ast.Dims, ast.Crossed)) and not is_number(expr, scope)]
    if behind:
        places[rest] = Span(behind[0].span.source, behind[0].span.start, behind[-1].span.end)
        given[rest] = tuple([VALUE if expr in operands else evaluate(expr, scope) for expr in behind])
    everywhere = {
        field: value for field, value in defaults.get("", {}).items() if field in known and known[field].words and not known[field].real
    }
    for source in (defaults.get(name, {}), everywhere):  # `init` of `scale` is a number, which `default init` does not mean
        for field, value in source.items():
            if field in known and field not in given:
                if isinstance(value, Missing):
                    raise Silent(step.span)
                given[field] = value
    missing = [field for field, info in known.items() if field not in given and info.required]
    if missing:
        raise _missing_argument(step, missing, known)
    op = build(name, given, places, step.name.span)
    return Bound(op, places, [*[values[field] for field in op.operands if field in values], *operands])


def is_number(expr: ast.Expr, scope: Scope) -> bool:
    """Whether what may be a value is a number: an expression, or a param where no value has the name. Raises Refused where one has."""
    if not isinstance(expr, ast.Name):
        return isinstance(expr, _NUMBERS)
    text, at = expr.span.source.text, expr.span.start - 1
    while text[at].isspace():
        at -= 1
    if text[at] == "(":  # brackets around a name leave nothing in the tree
        return True
    if scope.value_of(expr.id) is None:
        return False
    if not _is_param(expr, scope):
        help_ = f"write `({expr.id})` for the number, or give one of them another name"
        raise Refused("A108", f"`{expr.id}` is a value and a param here", expr.span, help_)
    return True


def _is_param(expr: ast.Expr, scope: Scope) -> bool:
    """Whether an expression is the name of a param, and of no value."""
    return isinstance(expr, ast.Name) and not scope.labels_a_value(expr.id) and scope.value_of(expr.id) is not None


def _given(expr: ast.Expr, name: str, info: Field, scope: Scope, values: dict[str, ast.Expr]) -> Value:
    """The value of an argument; of an operand, yes, and its label goes to `values`. Raises Refused."""
    number = info.rule.names == "value" and info.fits(1) and is_number(expr, scope)
    if info.rule.names == "value" and not number and not (isinstance(expr, ast.Name) and expr.id in info.words):
        values[name] = expr
        return True
    return argument(expr, name, info, scope)


def block_arguments(step: ast.Step, head: ast.Block, declared: str) -> dict[str, ast.Expr]:
    """What a call gives for the parameters of a block, by their names. Raises Refused; `declared` says how the block begins."""
    names, bare = [parameter.name.id for parameter in head.parameters], len(step.bare)
    if bare > len(names):
        takes = f"`{head.name.id}` takes {len(names)} argument{'s' if len(names) != 1 else ''}"
        raise Refused("A104", f"{takes}, but {bare} {'is' if bare == 1 else 'are'} given", step.bare[len(names)].span, declared)
    given = dict(zip(names, step.bare, strict=False))
    for keyword in step.keywords:
        if keyword.name not in names:
            raise unknown_argument(keyword, head.name.id, names)
        if keyword.name in given:
            raise _twice(keyword.name, keyword, given[keyword.name].span.text)
        given[keyword.name] = keyword.value
    for name, default, is_value in head.parameters:
        if name.id not in given and default is None:
            what = f"the value `{name.id}`" if is_value else f"`{name.id}`"
            raise Refused("A103", f"`{head.name.id}` needs {what}", step.span, declared)
    return given


def _twice(name: str, keyword: ast.Keyword, before: str) -> Refused:
    """The refusal of an argument that the step has already; `before` is its value as written."""
    source, start, end = keyword.span
    fix = written(Span(source, start - 1, end), "", safe=keyword.value.span.text == before, title=f"remove `{keyword.span.text}`")
    return Refused("A110", f"`{name}` is given twice", keyword.span, "remove one of them", fixes=[fix])


def build(name: str, given: dict[str, Value], places: dict[str, Span], span: Span) -> Op:
    """Validate the arguments. Raises Refused with the first that does not fit."""
    known = op_class(name).field
    arguments = {field: _converted(value, known(field)) for field, value in given.items()}
    for field, value in arguments.items():
        if any(kind_of(number) is int and not -LIMIT <= number <= LIMIT for number in _leaves(value)):
            raise Refused("A105", f"`{field}` must be at most 2^63 - 1, not {_written(given[field])}", places.get(field, span))
        if known(field).real and kind_of(value) in (int, float) and not -FLOAT32 <= value <= FLOAT32:
            message = f"`{field}` must be from {-FLOAT32:.2g} to {FLOAT32:.2g}, the range of single precision, not {_written(value)}"
            raise Refused("A105", message, places.get(field, span))
    try:
        return make(name, arguments)
    except Unfit as error:
        field = error.argument
        value = arguments[field]
        place, must = places.get(field, span), f"`{field}` must be {known(field).description}"
        if isinstance(value, float) and not known(field).real:
            raise Refused("A114", f"{must}, not {value:g}", place, ROUNDED, fixes=[_rounded(place)]) from None
        help_ = did_you_mean(value, known(field).words, None) if isinstance(value, str) else None
        fixes = respelled(place, value, nearest(value, known(field).words)) if isinstance(value, str) else ()
        raise Refused("A105", f"{must}, not {_written(value)}", place, help_, fixes=fixes) from None


def _rounded(place: Span) -> Fix:
    """The fix that rounds an argument down."""
    name, equals, value = place.text.rpartition("=")
    return written(place, f"{name}{equals}floor({value.strip()})")


def in_round(expr: ast.Expr, scope: Scope) -> Value:
    """The value of an expression; of a list the element that belongs to this round. Raises Refused."""
    frame = scope.frame
    if isinstance(expr, ast.Items) and frame is not None and len(expr.items) <= frame.count:
        # A list that is written out is as long as its rounds: only what this one needs is evaluated.
        frame.longest = max(frame.longest, len(expr.items))
        return item(expr.items[min(frame.round, len(expr.items) - 1)], scope)
    value = evaluate(expr, scope)
    if not isinstance(value, Rounds):
        return value
    if frame is not None and not frame.known:
        raise Silent(expr.span)
    if frame is None or len(value) > frame.count:
        raise _out_of_rounds(value, frame, expr.span)
    frame.longest = max(frame.longest, len(value))
    return of_round(value, frame.round)


def _out_of_rounds(value: Rounds, frame: Frame | None, span: Span) -> Refused:
    """Why a list has no element for each round, or no round for each element."""
    if frame is None:
        size = "x".join(map(str, value)) if len(value) <= 3 and all(type(item) is int for item in value) else ""
        hint = f"; a size is written `{size}`" if size else ""
        message = f"{shown(value)} gives one value per round, but this step is not in a `repeat`"
        return Refused("A112", message, span, f"write one value, or put the step into a `repeat`{hint}")
    message = f"{shown(value)} has {len(value)} values for {frame.count} round{'s' if frame.count != 1 else ''}"
    help_ = f"write `repeat {len(value)}`, or remove the extra values; a shorter list repeats its last value"
    return Refused("A112", message, span, help_, fixes=_fitted(value, frame, span))


def _fitted(value: Rounds, frame: Frame, span: Span) -> list[Fix]:
    """The fixes that make as many rounds as a list has items, and one item for each round of a list that is written out."""
    fixes = [written(frame.rounds, str(len(value)))] if frame.rounds is not None and frame.rounds.text.isdecimal() else []
    items = span.text.split(",")
    plain = len(items) == len(value) and not set(span.text) & set("()")
    return fixes + ([written(span, ",".join(items[: frame.count]))] if plain and frame.count > 1 else [])


def argument(expr: ast.Expr, name: str, info: Field, scope: Scope) -> Value:
    """The value of an argument as written: a word that it admits, or an expression. Raises Refused."""
    if isinstance(expr, ast.Name) and expr.id in info.words:
        return expr.id
    if info.rule.names == "size" and isinstance(expr, (ast.Name, ast.Interpolated, ast.Text)) and not _is_param(expr, scope):
        type_ = scope.types(expr, expr.span, scope) if scope.types is not None else None
        if type_ is None:
            raise Silent(expr.span)
        if not isinstance(type_, Map):
            raise Refused("A201", f"`{name}` takes the size of a map, not of {describe(type_)}", expr.span)
        return type_.spatial
    if isinstance(expr, ast.Name) and info.fits("") and scope.value_of(expr.id) is None:
        fix = written(expr.span, f'"{expr.id}"', safe=True)
        help_ = f"write it in quotes: {fix.title.removeprefix('write ')}"
        raise Refused("A105", f"`{name}` must be {info.description}, not a name", expr.span, help_, fixes=[fix])
    if info.words and not info.table:
        expr = _worded(expr, name, info, scope)
    return evaluate(expr, scope) if info.table else in_round(expr, scope)


def _worded(expr: ast.Expr, name: str, info: Field, scope: Scope) -> ast.Expr:
    """The words that an argument admits as texts, also in a list or a choice: `p=same,0`. Raises Refused for other words."""
    match expr:
        case ast.Name(word, span) if scope.value_of(word) is None:
            if word not in info.words:
                message = f"`{name}` must be {info.description}, not `{word}`"
                words = [*scope.known(), *info.words]
                raise Refused("A105", message, span, did_you_mean(word, words, None), fixes=respelled(span, word, nearest(word, words)))
            return ast.Text(word, span)
        case ast.Items(items):
            return expr._replace(items=tuple([_worded(each, name, info, scope) for each in items]))
        case ast.Choice(value, _, otherwise):
            return expr._replace(value=_worded(value, name, info, scope), otherwise=_worded(otherwise, name, info, scope))
    return expr


def _converted(value: Any, info: Field) -> Any:
    """Make of a value what an op holds.

    Whole floats become integers where no real number is wanted, lists plain tuples, and a range what the argument means by one; 0 and 1
    are no and yes for a switch.
    """
    if kind_of(value) is float:
        if not info.real and value.is_integer() and (info.rule.names != "rest" or abs(value) <= LIMIT):
            value = whole_number(value)
        elif value == 0:
            value = 0.0  # -0.0 equals it, and would be another layer
    if isinstance(value, Range):
        return ((*value,),) if info.ranges == "ends" else tuple(value) if info.ranges else value
    if isinstance(value, tuple):
        return tuple(_converted(item, info) for item in value)
    if info.description == "yes or no" and isinstance(value, (int, Spelled)) and value in (0, 1):
        return bool(value)
    return value


def _leaves(value: Any) -> Iterator[Any]:
    """A value, or those of a list and of the lists in it."""
    if isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _written(value: Value) -> str:
    return f"`{value}`" if isinstance(value, str) else shown(value)


def unknown_step(name: ast.Name, blocks: list[str]) -> Refused:
    """Refuse a word that is no layer and no block, with the word that was probably meant."""
    if name.id in KEYWORDS:
        return Refused("A010", f"`{name.id}` is not allowed here: it begins a line of its own at the top level", name.span, "move it there")
    if name.id == "frozen":
        help_ = "write `frozen=yes` on a layer, or `frozen NAME:` over lines"
        return Refused("A101", "`frozen` is not a layer: it stands before a label and its colon", name.span, help_)
    digits = re.sub(r"^.*\D", "", name.id)
    word = name.id.removesuffix(digits)
    close = nearest(name.id, [*STEPS, *blocks, "skip", AGAIN, "repeat", "residual", "input", "output", "block"])
    close = close or next((block for block in blocks if len(block) > 2 and name.id.startswith(block)), None)
    fixes: Fixes = respelled(name.span, name.id, close)
    if digits and word in STEPS and op_class(word).positional:
        help_ = f"write `{word} {digits}`"
        fixes = (written(name.span, f"{word} {digits}", safe=True),)
    elif close:
        help_ = f"did you mean `{close}`?"
    else:
        own = f"the blocks are {', '.join(f'`{block}`' for block in blocks)}; " if 0 < len(blocks) <= 8 else ""
        help_ = f"{own}`archspec ops` lists the layers"
    return Refused("A101", f"there is no layer or block `{name.id}`", name.span, help_, fixes=fixes)


def unknown_argument(keyword: ast.Keyword, step: str, known: list[str]) -> Refused:
    """Refuse an argument that a layer or block does not have, with the one that was probably meant."""
    close = nearest(keyword.name, known)
    if not known:
        help_ = f"`{step}` takes no arguments"
    elif close:
        help_ = f"did you mean `{close}=`?"
    else:
        help_ = f"`{step}` takes {', '.join(known)}"
        if step == "default" and (layer := next((word for word in STEPS if keyword.name in op_class(word).fields), None)):
            help_ += f"; to set it for one layer, name that: `default {layer} {keyword.span.text}`"
    fixes = respelled(keyword.span, keyword.name, close)
    return Refused("A102", f"`{step}` has no argument `{keyword.name}`", keyword.span, help_, fixes=fixes)


def _missing_argument(step: ast.Step, missing: list[str], known: Mapping[str, Field]) -> Refused:
    name = step.name.id
    words = " and ".join(f"`{field}`" for field in missing)
    sample = " ".join(f"{field}=..." for field in missing)
    notes = [f"`{field}` is {known[field].description}" for field in missing if known[field].description]
    return Refused("A103", f"`{name}` needs {words}", step.span, f"write `{name} {sample}`", notes)


def _too_many(step: ast.Step, bare: tuple[str, ...]) -> Refused:
    name, count = step.name.id, len(step.bare)
    extra = step.bare[len(bare)]
    takes = f"only {len(bare)} positional argument{'s' if len(bare) > 1 else ''}" if bare else "no positional argument"
    known = op_class(name).fields
    glued = re.fullmatch(r"([a-z_]+?)(\d.*)", extra.span.text)
    given = {*bare, *(keyword.name for keyword in step.keywords)}
    required = [field for field in known if known[field].required and field not in given]
    fixes: list[Fix] = []
    if extra.span.text in known:
        help_: str | None = f"did you mean `{extra.span.text}=yes`?"
        fixes = [written(extra.span, f"{extra.span.text}=yes", safe=True)]
    elif isinstance(extra, (ast.Number, ast.Dims)) and required:
        help_ = f"write `{required[0]}={extra.span.text}`"
        fixes = [written(extra.span, f"{required[0]}={extra.span.text}", safe=count == len(bare) + 1)]
    elif glued and glued[1] in known:
        help_ = f"did you mean `{glued[1]}={glued[2]}`?"
        fixes = [written(extra.span, f"{glued[1]}={glued[2]}", safe=True)]
    else:
        help_ = f"write it as `key={extra.span.text}`, with one of {', '.join(known)}" if known else None
    return Refused("A104", f"`{name}` takes {takes}, but {count} {'is' if count == 1 else 'are'} given", extra.span, help_, fixes=fixes)
