"""A second elaboration with named numbers: values of a block's parameters are spelled by name.

The class of a block says `4 * n`, not 256. So each block is elaborated with leaves in place of its arguments and of the
channels that enter it, and a call of it holds the arguments in the words of its caller. Guards decide on the values: the graphs are
those of the first elaboration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from archspec.diagnostics import Diagnostics
from archspec.elaborate.core import Context
from archspec.elaborate.declarations import BlockDef
from archspec.elaborate.elaborator import Elaborator
from archspec.elaborate.expressions import Refused, Scope, evaluate
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call, Graph, Network
from archspec.numeric import Spelled, combined, joined, value_of, whole_number
from archspec.simplify import leaves_of, simplified
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import Map, Tokens, Type

Called = Callable[[Sequence[str]], Sequence[str]]
"""What the parameters of a block are called; the first is `cin`, the channels of what enters."""


class Origin(NamedTuple):
    """Where a graph comes from: the block or label in the text, what an instance of the block is given, and the guards that were met."""

    place: Span | None = None
    given: Mapping[str, Any] = {}
    """Plain numbers by the names of leaves."""
    guards: Mapping[Span, Any] = {}
    """Conditions, by what they guard, in the words of the block."""


def named(network: Network, called: Called) -> tuple[Network, dict[Graph, Origin]]:
    """The network with named numbers, and the origins of its blocks; the network itself where it was not read from a spec."""
    if network.recipe is None:
        return network, {}
    file, unit, options = network.recipe
    naming = Naming(file, network.name, Diagnostics(), options)
    naming.called, naming.unit, naming.origins, naming.guards = called, unit, {}, {}
    naming.build()
    found = naming.network()
    assert found is not None and not naming.sink.errors, "what has no mistakes has none with named numbers"
    return found, naming.origins


class _Given(Scope):
    """A block's scope of leaves, and what was given for them: by leaf, in the words of the caller.

    `channels` are the leaves for the channels of the values that the block reads beside its input.
    """

    __slots__ = ("channels", "given")
    channels: dict[str, Any]
    given: dict[str, Any]


class Naming(Elaborator):
    """The elaborator whose blocks are elaborated with named numbers."""

    called: Called
    origins: dict[Graph, Origin]
    guards: dict[Span, Any]
    """The guards that the instance being elaborated has met; None for one whose words differ from round to round."""

    def arguments(self, step: ast.Step, block: BlockDef, context: Context, value: int) -> Scope:
        given = super().arguments(step, block, context, value)
        scope = _Given({}, given.parent, read=given.read, types=given.types)
        scope.labels, scope.given, scope.channels = given.labels, {}, {}
        channels = {f"{name}_channels": builder.type_of(number) for name, (builder, number) in given.labels.items()}
        values = {**given.names, **{name: type_.channels for name, type_ in channels.items() if type_ is not None}}
        for (name, plain), called in zip(values.items(), self.called(list(values)), strict=True):
            scope.given[called] = _whole(plain)
            (scope.channels if name not in given.names else scope.names)[name] = _leaf(scope.given[called], called)
        return scope

    def instance(
        self, step: ast.Step, block: BlockDef, scope: Scope, types: Sequence[Type], label: str | None, where: GraphBuilder
    ) -> Graph | None:
        assert isinstance(scope, _Given)
        channels: list[Any] = [scope.names["cin"], *scope.channels.values()]
        types = [type_._replace(channels=number) for type_, number in zip(types, channels, strict=True)]
        outer, self.guards = self.guards, {}
        graph = super().instance(step, block, scope, types, label, where)
        if graph is not None:
            given = {name: _plain(value) for name, value in leaves_of(scope.given).items()}
            self.origins[graph] = Origin(
                block.head.span, given, {place: guard for place, guard in self.guards.items() if guard is not None}
            )
        self.guards = outer
        return graph

    def call(self, call: Call, scope: Scope) -> Call:
        assert isinstance(scope, _Given)
        call = call._replace(arguments=tuple(scope.given.items()))
        return call._replace(type=call.type_of(0))

    def rounds(self, count: int) -> int:
        plain: int = value_of(count)
        return plain

    def dropped(
        self, guard: ast.Expr | None, node: ast.Chain | ast.Suite | ast.Residual, context: Context, value: int | None
    ) -> bool | None:
        self.current = context.builder, value
        if guard is not None:
            try:
                found = _condition(guard, context.scope)
            except Refused:  # a part that is not evaluated, since another one decides
                found = None
            place = _extent(node)
            known = self.guards.get(place, found)
            self.guards[place] = found if known is not None and Spelled.of(known).text() == Spelled.of(found).text() else None
        return super().dropped(guard, node, context, value)

    def settled(self, type_: Type) -> Type:
        """Sizes are numbers of the network, which no parameter gives; sums of channels are kept short."""
        type_ = type_._replace(channels=simplified(type_.channels))
        if isinstance(type_, Map):
            type_ = type_._replace(spatial=tuple(map(value_of, type_.spatial)))
        elif isinstance(type_, Tokens):
            type_ = type_._replace(length=value_of(type_.length))
        return type_


def _condition(guard: ast.Expr, scope: Scope) -> Any:
    """Spell a whole guard in its block's names; evaluating it would give yes or no, from the deciding part alone. Raises Refused."""
    match guard:
        case ast.Chained("and" | "or" as kind, operands):
            return joined(kind, [_condition(operand, scope) for operand in operands])
        case ast.Chained("compare", operands, operators):
            values = [evaluate(operand, scope) for operand in operands]
            return joined("and", map(combined, operators, values, values[1:]))
        case ast.Prefixed("not", times, operand):
            condition = _condition(operand, scope)
            return combined("not", condition) if times % 2 else condition
    return evaluate(guard, scope)


def _extent(node: ast.Statement | ast.Residual) -> Span:
    """The text of a node with the lines below it."""
    last = node
    while isinstance(last, ast.Suite) and last.body:
        last = last.body[-1]
    return node.span.to(last.span)


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value_of(value)


def _whole(value: Any) -> Any:
    """A whole number as such: 32 for 32.0. What is given for a parameter is short."""
    plain = value_of(value)
    if isinstance(plain, float) and plain.is_integer() and abs(plain) < 2**53:
        value = whole_number(value)
    return simplified(value)


def _leaf(given: Any, name: str) -> Any:
    """A number by a name; of a size or a list each item by its place."""
    if isinstance(given, tuple):
        return type(given)(item if isinstance(item, tuple) else _leaf(item, f"{name}[{at}]") for at, item in enumerate(given))
    plain = value_of(given)
    return Spelled.leaf(plain, name) if type(plain) in (bool, int, float) else plain
