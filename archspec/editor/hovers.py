"""What a word means, and the numbers of the layer under it; the arguments of the step that is being written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.diagnostics.visible import visible
from archspec.editor.cursor import Place, place_at
from archspec.editor.glossary import HEADS, STATEMENTS, STEPS_BESIDE
from archspec.editor.named import symbols
from archspec.editor.open_text import Document
from archspec.editor.positions import Position, Range, range_
from archspec.editor.symbol_table import Symbol
from archspec.ops import STEPS, op_class
from archspec.source import Span
from archspec.syntax import ast
from archspec.syntax.lalr import Token
from archspec.views.explanation import Explained, explain
from archspec.views.reference import about, arguments, signature

_MOST_LAYERS = 5_000
"""Layers of a network that are looked through for those of a line."""


class Hover(NamedTuple):
    """Markdown about a range."""

    range: Range
    text: str


class Layer(NamedTuple):
    """A layer that is written on a line, `here` where the place is in it; `more` layers come of the same words, by calls and rounds."""

    layer: Explained
    here: bool
    more: int


class Parameter(NamedTuple):
    """An argument as it is written in a signature, and what it may be."""

    label: str
    about: str


class Signature(NamedTuple):
    """How a step is called. `active` is the number of the argument that is being written, or None."""

    label: str
    about: str
    parameters: tuple[Parameter, ...]
    active: int | None


def hover(document: Document, place: Position) -> Hover | None:
    """Explain what is at a place: a layer with its numbers, an argument, a name, a word of the language; None where there is nothing."""
    at = document.offset(place)
    token = next((t for t in document.tokens if t.start <= at < t.end or (at == t.end and t.type == "NAME")), None)
    if token is None or token.type in ("COMMENT", "NEWLINE"):
        return None
    span = Span(document.source, token.start, token.end)
    parts = [part for part in _parts(document, token, at) if part]
    return Hover(range_(span), "\n\n".join(parts)) if parts else None


def _parts(document: Document, token: Token, at: int) -> Iterator[str]:
    word = token.value.rstrip(" =")
    named = symbols(document).at(at)
    where = place_at(document, token.end)
    if token.type == "KEY" and where.step in STEPS and (field := op_class(where.step).fields.get(word)) is not None:
        default = (
            "required" if field.required else next(d for name, d, _ in arguments(op_class(where.step)) if name in (word, "NAME", "..."))
        )
        yield f"`{word}` of `{where.step}`: {field.description} ({default if field.required else f'default {default}'})"
        return
    if named is not None:
        yield _named(document, named[0])
    elif word in STEPS and not where.step and token.type == "NAME":
        text, facts = about(op_class(word))
        yield f"**{word}** `{signature(op_class(word))}`\n\n{text}"
        yield "\n".join(f"- {name}: {fact}" for name, fact in facts.items() if fact)
    elif found := (STATEMENTS | HEADS | STEPS_BESIDE).get(word):
        yield f"**{word}**: {found[1]}\n\n```arch\n{found[0]}\n```"
    yield _numbers(document, at)


def _named(document: Document, symbol: Symbol) -> str:
    """What a name means."""
    if symbol.kind == "block":
        block = document.blocks.get(symbol.name)
        return f"```arch\n{block.head.span.text if block is not None else symbol.name}\n```"
    if symbol.kind == "param":
        value = document.unit.names.get(symbol.name)
        line = symbol.place.source.line(symbol.place.line).strip()
        return f"```arch\n{line}\n```" if value is not None else f"param `{symbol.name}`"
    types = [str(type_) for span, found in document.types.items() if symbol.place.start <= span.start < symbol.whole.end for type_ in found]
    kind = {"parameter": "a parameter of its block", "counter": "the number of the round, from 0 on"}.get(symbol.kind, symbol.kind)
    shape = f": {types[-1]}" if types and symbol.kind in ("label", "input", "output") else ""
    return f"{kind} `{symbol.name}`{shape}"


def _numbers(document: Document, at: int) -> str:
    """The arithmetic of the layer that is written at an offset, and the shapes that the step gives."""
    spans = [span for span in document.types if span.start <= at <= span.end]
    span = min(spans, key=lambda span: span.end - span.start, default=None)
    if span is None:
        return ""
    shapes = f"gives {', '.join(str(type_) for type_ in document.types[span][:4])}"
    found = _rows(document, span)
    if not found:
        return shapes
    row, report, more = found
    known = {row_.name: row_ for row_ in report.layers}
    steps = next(iter(explain(report, row.name))).steps if row.name in known else ()
    hows = [visible(step.how).replace("`", "'") for step in steps]  # as code: a product has stars
    lines = [f"- {step.name}: **{step.text}**" + (f" `{how}`" if how else "") for step, how in zip(steps, hows, strict=True)]
    title = f"`{visible(row.name)}`" + (f", and {more:,} more layers from here" if more else "")
    return "\n".join([title, "", *lines])


def layers_at(document: Document, place: Position) -> list[Layer]:
    """The layers on the line of a place, or else on the next that has any; none where the network is not known, or very long."""
    at = document.offset(place)
    line = document.source.locate(at)[0]
    found: list[Layer] = []
    for span in sorted((span for span in document.types if span.line >= line), key=lambda span: span.start):
        if found and span.line != found[0].layer.row.line:
            break
        rows = _rows(document, span)
        if rows is not None:
            row, report, more = rows
            found.append(Layer(Explained(row, {each.name: each for each in report.layers}, report), span.start <= at <= span.end, more))
    return found


def _rows(document: Document, span: Span) -> tuple[Row, Report, int] | None:
    """The first layer that a span makes, and how many more there are; None where there is none, or where the network is very long."""
    network = document.compiled.network
    if network is None or network.graph.layers > _MOST_LAYERS:
        return None
    known = document.__dict__
    if "report" not in known:
        known["report"], known["rows"] = Report(network), {}
        for row in known["report"].layers:
            if not row.node.implied:
                known["rows"].setdefault(row.node.span, []).append(row)
    rows = known["rows"].get(span)
    return (rows[0], known["report"], len(rows) - 1) if rows else None


def help_at(document: Document, place: Position) -> Signature | None:
    """The arguments of the step that is being written at a place; None outside of steps."""
    where = place_at(document, document.offset(place))
    if where.step in STEPS:
        op = op_class(where.step)
        shown = [(part, name) for part, (name, _, _) in zip(signature(op).split(" "), arguments(op), strict=False)]
        about_ = {name: text for name, _, text in arguments(op)}
        parameters = tuple(Parameter(part, about_[name]) for part, name in shown)
        active = _active(where, [name for _, name in shown], len(op.positional))
        return Signature(f"{where.step} {signature(op)}", about(op)[0], parameters, active)
    block = document.blocks.get(where.step)
    if block is None:
        return None
    return _of_block(block.head, where)


def _of_block(head: ast.Block, where: Place) -> Signature:
    names = [parameter.name.id for parameter in head.parameters]
    parameters = tuple(
        Parameter(name if default is None else f"{name}={default.span.text}", "a value" if is_value else "a number or a word")
        for (_, default, is_value), name in zip(head.parameters, names, strict=True)
    )
    label = " ".join([head.name.id, *(parameter.label for parameter in parameters)])
    return Signature(label, "a block of this network", parameters, _active(where, names, len(names)))


def _active(where: Place, names: list[str], bare: int) -> int | None:
    """The argument that is being written: the one of a key, or of `bare` positional ones the next, or the first that is not given."""
    if where.key:
        return names.index(where.key) if where.key in names else None
    if where.positional < bare and not where.given:
        return where.positional
    return next((at for at, name in enumerate(names) if at >= bare and name not in where.given), None)
