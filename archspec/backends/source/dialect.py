"""What a source backend declares about the text that it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec.backends.source.constructor import New
from archspec.ir.graph import Graph, Network
from archspec.ops.base import Op
from archspec.types import Type

if TYPE_CHECKING:
    from archspec.backends.source.body import Item


def _as_it_is(network: Network) -> tuple[Network, Mapping[Graph, Graph]]:
    return network, {}


def _unsaid(*_: Any) -> str:
    raise NotImplementedError("this framework makes its layers where it calls them")


class Dialect(NamedTuple):
    """The words of a framework. PyTorch's names, order and layout of tensors are the canonical ones; a dialect has a table from them.

    What has a default here is said by frameworks whose classes keep modules and call them in another method.
    """

    layer: Callable[[Op, tuple[Type, ...], bool], New]
    """The constructor call of an op, from the types of its inputs and its output; the last says that it may overwrite what it reads.
    Raises Unsupported.
    """
    helper: Callable[[str], str | None]
    """The source of a class or function that the framework lacks."""
    called: Callable[[str], str]
    """The name of the class or function of a block or label."""
    reserved: frozenset[str]
    """Names that an emitted file uses for something; what a spec calls so is called otherwise there."""
    chain: str
    """The module of modules in a row."""
    identity: str
    """The module of a position that is left empty."""
    prepared: Callable[[Network], tuple[Network, Mapping[Graph, Graph]]] = _as_it_is
    """The network as its text will have it, and which graphs its new ones were."""
    loops: bool = True
    """Whether a class may be a loop over its modules."""
    ties: bool = False
    """Whether a layer that is tied is given the layer whose weights it uses."""
    positions: bool = False
    """Whether the attribute of an item may have positions that its class computes, in braces."""
    call: Callable[[Item, list[str], bool], str] = _unsaid
    """The expression of an item that reads these expressions; the last says that items are reached by their positions."""
    level: Callable[[Item], str] = _unsaid
    """Whether a tensor that is a value has a batch axis of size 1 (`body.ONE`), or none (`body.BARE`)."""
    stretched: Callable[[str, str, int, str], str] = _unsaid
    """An expression of that level for a value of a type, with the batch of another expression; with one of size 1 where that is empty."""
    expressions: Mapping[str, str] = {}
    """Steps that are expressions, not modules, of `{x}` and operands `{1}`, ...; `{own}` is the tensor of those that have one."""
    gathering: frozenset[str] = frozenset()
    """Merges that take a list, too: `call` gets its expression alone."""
    stretching: frozenset[str] = frozenset()
    """Merges whose values take the batch of one another."""
    overwriting: frozenset[str] = frozenset()
    """Layers that may be computed in the memory of what they read."""
    in_place: str = ""
    """The argument that says that a layer is computed so."""
    independent: frozenset[str] = frozenset()
    """Layers whose gradient does not need their output, so that it may be overwritten."""
    pointwise: frozenset[str] = frozenset()
    """Layers that do the same before and after a `flatten`."""

    def holds_tensor(self, step: str) -> bool:
        """Whether a step is a tensor of its own, and no module."""
        return "{own}" in self.expressions.get(step, "")
