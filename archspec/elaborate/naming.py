"""Elaboration once more, with named numbers: what a block's parameters give is spelled in their names.

The class that stands for a block says `4 * n`, not 256. So each block is elaborated with leaves in place of its arguments and of the
channels that enter it, and a call of it holds the arguments in the words of its caller. Guards decide on the values: the graphs are
those of the first elaboration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archspec.diagnostics import Diagnostics
from archspec.elaborate.core import Context
from archspec.elaborate.declarations import BlockDef
from archspec.elaborate.elaborator import Elaborator
from archspec.elaborate.expressions import Scope
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import Call, Graph, Network
from archspec.numeric import Spelled, value_of, whole_number
from archspec.simplify import simplified
from archspec.syntax import ast
from archspec.types import Map, Tokens, Type

Called = Callable[[Sequence[str]], Sequence[str]]
"""What the parameters of a block are called; the first is `cin`, the channels of what enters."""


def named(network: Network, called: Called) -> Network:
    """The network with named numbers; itself where it was not read from a spec."""
    if network.recipe is None:
        return network
    file, unit, options = network.recipe
    naming = Naming(file, network.name, Diagnostics(), options)
    naming.called, naming.unit = called, unit
    naming.build()
    found = naming.network()
    assert found is not None and not naming.sink.errors, "what has no mistakes has none with named numbers"
    return found


class _Given(Scope):
    """A block's scope of leaves, and what was given for them: by leaf, in the words of the caller."""

    __slots__ = ("given",)
    given: dict[str, Any]


class Naming(Elaborator):
    """The elaborator whose blocks are elaborated with named numbers."""

    called: Called

    def arguments(self, step: ast.Step, block: BlockDef, context: Context, x: Type | None) -> Scope:
        given = super().arguments(step, block, context, x)
        scope = _Given({}, given.parent, read=given.read)
        scope.given = {}
        for (name, value), called in zip(given.names.items(), self.called(list(given.names)), strict=True):
            scope.given[called] = _whole(value)
            scope.names[name] = _leaf(scope.given[called], called)
        return scope

    def instance(self, step: ast.Step, block: BlockDef, scope: Scope, x: Type, label: str | None, where: GraphBuilder) -> Graph | None:
        channels: Any = scope.names["cin"]
        return super().instance(step, block, scope, x._replace(channels=channels), label, where)

    def call(self, call: Call, scope: Scope) -> Call:
        assert isinstance(scope, _Given)
        channels = call.type.channels
        if isinstance(channels, Spelled):
            leaves = {
                **scope.given,
                **{f"{n}[{at}]": item for n, v in scope.given.items() if isinstance(v, tuple) for at, item in enumerate(v)},
            }
            call = call._replace(type=call.type._replace(channels=simplified(channels.replaced(leaves))))
        return call._replace(arguments=tuple(scope.given.items()))

    def rounds(self, count: int) -> int:
        plain: int = value_of(count)
        return plain

    def settled(self, type_: Type) -> Type:
        """Sizes are numbers of the network, which no parameter gives; sums of channels are kept short."""
        type_ = type_._replace(channels=simplified(type_.channels))
        if isinstance(type_, Map):
            type_ = type_._replace(spatial=tuple(map(value_of, type_.spatial)))
        elif isinstance(type_, Tokens):
            type_ = type_._replace(length=value_of(type_.length))
        return type_


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
    return Spelled.leaf(plain, name) if type(plain) in (int, float) else plain
