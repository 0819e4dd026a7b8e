"""Paths: names of values inside a labelled group, or outputs of a labelled block, as keys go: `backbone.layer3`, `stack.*.side`."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.diagnostics import did_you_mean, nearest
from archspec.diagnostics.fix import respelled
from archspec.elaborate.expressions import Refused, Scope, Silent
from archspec.elaborate.labels import spelled
from archspec.ir.builder import GraphBuilder
from archspec.ir.expose import ANY, MOST, Crowded, Exposures, Unseen, seen, type_of
from archspec.ir.graph import Call, Hole
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import Type


class Nowhere(Refused):
    """A path that leads nowhere."""


def crowded(span: Span) -> Refused:
    """The error of a graph of which too many values are read outside."""
    help_ = "bring them together inside, as by an `add` of each round to what the round before gave"
    return Refused("A118", f"more than {MOST:,} values of one group or block are read outside of it", span, help_)


class Path:
    """A label that is seen, its value in its graph, and the names behind it, if any."""

    def __init__(self, expr: ast.Expr, text: str, owner: GraphBuilder, value: int, names: Sequence[str]) -> None:
        self.expr = expr
        self.text = text
        self.owner = owner
        self.value = value
        self.names = names

    @staticmethod
    def of(expr: ast.Expr, scope: Scope) -> Path | None:
        """The path that an expression is; None where neither it nor its first names are a label. Raises Refused."""
        text = spelled(expr, scope)
        parts = text.split(".")
        for cut in range(len(parts), 0, -1):
            label = ".".join(parts[:cut])
            for around in scope.outwards():
                if label in around.labels:
                    return Path(expr, text, *around.labels[label], parts[cut:])
                if cut < len(parts) and any(lost.fullmatch(label) for lost in around.lost):
                    raise Silent(expr.span)
        return None

    def values(self, exposures: Exposures) -> list[int]:
        """The values that the path leads to, in the graph of its label. Raises Refused."""
        if not self.names:
            return [self.value]
        if self.value < 0 and isinstance(self.owner.elements[~self.value], Hole):
            raise Silent(self.expr.span)
        try:
            return [value for _, value in exposures.expose(self.owner, self.value, self.names)]
        except Unseen as unseen:
            raise self.nowhere(unseen) from None
        except Crowded:
            raise crowded(self.expr.span) from None

    def place(self) -> tuple[GraphBuilder, int]:
        """Where the layer, group or call stands that the path leads to, and its value there; nothing becomes visible by it. Raises Refused."""
        builder, value = self.owner, self.value
        call = builder.elements[~value] if value < 0 else None
        if isinstance(call, Hole):
            raise Silent(self.expr.span)
        if isinstance(call, Call) and call.graph.instance is not None:
            label, block = self.text.removesuffix("." + ".".join(self.names)), call.graph.instance.block
            help_ = f"`again {label}` is the whole block once more; a group, `{label}:` with lines below it, shows its labels"
            raise Refused(
                "A107", f"`{label}` is a call of the block `{block}`, whose layers are not seen from outside", self.expr.span, help_
            )
        try:
            if not isinstance(call, Call):
                raise Unseen(0, ())
            first, *others = seen(call.graph, self.names, {})
        except Unseen as unseen:
            raise self.nowhere(unseen) from None
        if others:
            raise Refused(
                "A107", f"`{self.text}` names {1 + len(others)} values, and one is needed here", self.expr.span, "name one of them"
            )
        for step in first.way:
            element = builder.elements[~value]
            if not isinstance(element, Call) or element.times > 1 or step.result:
                what = "an output of a block" if step.result else "in a round of a repeat"
                help_ = "name a layer, a group or a block call"
                raise Refused("A304", f"`{self.text}` is {what}: its weights cannot be used again from here", self.expr.span, help_)
            builder, value = builder.bodies[~value], ~step.at
        return builder, value

    def type(self, exposures: Exposures) -> Type | None:
        """The type of the value that the path leads to, which stays unseen; None for a label, an output of a block, none or several."""
        call = self.owner.elements[~self.value] if self.value < 0 and self.names else None
        if not isinstance(call, Call) or call.graph.instance is not None:
            return None
        try:
            places = seen(call.graph, self.names, exposures.labels)
        except Unseen:
            return None
        return type_of(call.graph, places[0].way) if len(places) == 1 else None

    def nowhere(self, unseen: Unseen) -> Nowhere:
        """Why the path leads nowhere, with the nearest names."""
        at = len(self.text.split(".")) - len(self.names) + unseen.found
        parts = self.text.split(".")
        before, name = ".".join(parts[:at]), parts[at] if at < len(parts) else ""
        known = ", ".join(f"`{each}`" for each in unseen.known[:8]) + (", ..." if len(unseen.known) > 8 else "")
        if unseen.block is not None:
            message = f"`{before}` is a call of the block `{unseen.block}`, of which only outputs are seen"
            otherwise = (
                f"its outputs are {known}" if known else f"it has none: write `output {name if name.isidentifier() else 'side'}` in it"
            )
        elif not unseen.known:
            message, otherwise = f"there is nothing inside `{before}`", "a path leads into a labelled group, or to an output of a block"
        else:
            message, otherwise = f"there is no `{name}` in `{before}`", f"there {'are' if len(unseen.known) > 1 else 'is'} {known}"
        if ANY in parts[:at]:
            message = f"`{self.text}` finds nothing: {message}"
        fixes = respelled(self.expr.span, name, nearest(name, unseen.known))
        return Nowhere("A107", message, self.expr.span, did_you_mean(name, unseen.known, otherwise), fixes=fixes)
