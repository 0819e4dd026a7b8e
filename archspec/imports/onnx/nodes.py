"""The nodes of a model in order, with its functions written out, and what follows from stored tensors alone computed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from copy import copy
from math import isqrt
from typing import Any

from archspec.imports.onnx.computing import SENSELESS, fold
from archspec.imports.onnx.model import MOST_NODES, Model, Node, Reference, Tensor
from archspec.imports.onnx.numbers import REAL, Numbers, known
from archspec.imports.onnx.weights import TURNS, Weight
from archspec.imports.onnx.wire import Damaged, TooLarge, Wire

MOST_COMPUTED = 4_000_000
"""Numbers that are computed from known ones, in all."""
_MANY = 16_384
"""Pairs of positions from which on their differences are not computed one by one."""
_DEEPEST = 64
"""Functions within functions."""


class Graph:
    """Nodes that patterns may replace, each value by the node that makes it. `numbers` are the values that are known."""

    def __init__(self, model: Model, wire: Wire) -> None:
        self.model = model
        self.wire = wire
        self.tensors = model.tensors
        self._computed = 0
        self.numbers: dict[str, Numbers] = {}
        self.weights: dict[str, Weight] = {name: Weight.of(tensor) for name, tensor in model.tensors.items()}
        self.learned = {name for name, tensor in model.tensors.items() if tensor.kind in REAL}
        self.shapes = {**model.shapes, **{value.name: value for value in model.outputs}}
        self.joined: dict[str, tuple[Weight, ...]] = {}
        """Stored tensors one behind the other along the first axis, whatever axes of size 1 stand before it."""
        self.uses: Counter[str] = Counter()
        self.inputs = [value for value in model.inputs if value.name not in model.tensors]
        self.nodes = _ordered(_written_out(model), {value.name for value in model.inputs} | model.tensors.keys())
        self.made: dict[str, Node] = {name: node for node in self.nodes for name in node.outputs if name}
        self.outputs = [value.name for value in model.outputs]
        self._find_constants()

    def _find_constants(self) -> None:
        """Compute what depends on small stored tensors alone, and find what depends on stored tensors alone."""
        self.stored = set(self.tensors)
        for tensor in self.tensors.values():
            found = known(tensor, self.wire)
            if found is not None:
                self.numbers[tensor.name] = found
        for node in self.nodes:
            if node.operator == "Constant" and not node.domain:
                self._constant(node)
            elif node.inputs and all(name in self.stored for name in node.inputs if name) and not node.domain:
                self.stored.update(node.outputs)
                self.compute(node)
                self._turn(node)
            elif not node.inputs:
                self.compute(node)

    def _constant(self, node: Node) -> None:
        (name,) = node.outputs[:1] or ("",)
        found: Any = None
        for key, value in node.attributes.items():
            if key == "value" and isinstance(value, Tensor):
                self.tensors[name] = value._replace(name=name)
                found = known(value._replace(name=name), self.wire)
            elif key in ("value_float", "value_floats", "value_int", "value_ints"):
                values = value if isinstance(value, tuple) else (value,)
                found = Numbers(1 if "float" in key else 7, (len(values),) if isinstance(value, tuple) else (), values)
        self.stored.add(name)
        if name in self.tensors:
            self.weights[name] = Weight.of(self.tensors[name])
        if found is not None:
            self.numbers[name] = found

    def _turn(self, node: Node) -> None:
        """Follow a stored tensor through a node that only moves its numbers."""
        if node.operator in ("Concat", "Unsqueeze") and self._join(node):
            return
        weight = self.weights.get(node.inputs[0])
        more = [self.numbers.get(name) if name else None for name in node.inputs[1:]]
        if weight is None or any(found is None and name for found, name in zip(more, node.inputs[1:], strict=True)):
            return
        try:
            found = TURNS[node.operator]({**node.attributes, "outputs": len(node.outputs)}, weight, *more) if node.operator in TURNS else ()
        except SENSELESS:
            return
        named = zip(node.outputs, found, strict=False)
        self.weights.update(
            {name: each._replace(label=name if node.operator == "Identity" else each.label) for name, each in named if each}
        )

    def _join(self, node: Node) -> bool:
        """Follow stored tensors that are put one behind the other along the first axis, as the gates of recurrent layers are."""
        found: list[Weight] = []
        for name in node.inputs[:1] if node.operator == "Unsqueeze" else node.inputs:
            own = self.joined.get(name) or ((self.weights[name],) if name in self.weights else ())
            if not own:
                return False
            found += own
        if node.operator == "Unsqueeze":
            if node.inputs[0] in self.joined:
                self.joined[node.outputs[0]] = tuple(found)
            return False
        if node.attributes.get("axis") == 0:
            self.joined[node.outputs[0]] = tuple(found)
        return True

    def compute(self, node: Node) -> bool:
        """Compute the values of a node whose inputs are known, and say whether that was possible."""
        inputs = [self.numbers.get(name) if name else None for name in node.inputs]
        if node.domain or any(found is None for found, name in zip(inputs, node.inputs, strict=True) if name):
            return False
        if self.differ(node) or self._looks_up_pairs(node):
            return False
        attributes = {key: self.attribute(value) if isinstance(value, Tensor) else value for key, value in node.attributes.items()}
        found = fold(node.operator, {**attributes, "outputs": len(node.outputs)}, inputs)
        if found is None:
            return False
        self._computed += sum([len(each.values) for each in (*found, *filter(None, inputs))]) + 1
        if self._computed > MOST_COMPUTED:
            raise TooLarge(f"it computes more than {MOST_COMPUTED:,} numbers from known ones")
        self.numbers.update({name: each for name, each in zip(node.outputs, found, strict=False) if name})
        return True

    def differ(self, node: Node) -> bool:
        """Whether a node takes the differences of many known numbers from one another, which are followed, not computed."""
        if node.operator != "Sub" or len(node.inputs) != 2:
            return False
        one, other = (self.numbers.get(name) for name in node.inputs)
        if one is None or other is None or one.values != other.values or len(one.shape) < 3:
            return False
        turned = (*one.shape[:-2], one.shape[-1], one.shape[-2])
        return 1 in one.shape[-2:] and other.shape == turned and len(one.values) * max(one.shape[-2:]) > _MANY

    def _looks_up_pairs(self, node: Node) -> bool:
        """Whether a node looks up a row of a stored table for each pair of so many positions."""
        if node.operator != "Gather" or len(node.inputs) != 2:
            return False
        table, places = node.inputs
        if table not in self.learned or len(self.tensors[table].shape) != 2 or places not in self.numbers:
            return False
        count = len(self.numbers[places].values)
        return count > 1 and isqrt(count) ** 2 == count and not node.attributes.get("axis", 0)

    def attribute(self, tensor: Tensor) -> Numbers | None:
        """The numbers of a small tensor that is an attribute."""
        return known(tensor, self.wire)

    def number(self, name: str) -> float | None:
        """The only number of a known value."""
        found = self.numbers.get(name)
        return found.one if found is not None and not isinstance(found.one, bool) else None

    def copy(self) -> Graph:
        """Another graph of the same nodes, in which values may become known."""
        other = copy(self)
        other.numbers = dict(self.numbers)
        return other

    @property
    def opset(self) -> int:
        """The version of the operators."""
        return self.model.opsets.get("", 1)

    def count_users(self) -> None:
        """Count how many nodes, and outputs, each value is read by."""
        self.uses = Counter([name for node in self.nodes for name in set(node.inputs)])
        self.uses.update(self.outputs)

    def alive(self) -> list[Node]:
        """The nodes that lead to an output, in order; what is known needs none."""
        wanted = set(self.outputs)
        found = []
        for node in reversed(self.nodes):
            if any(name in wanted for name in node.outputs) and not all(name in self.numbers for name in node.outputs if name):
                wanted.update(node.inputs)
                found.append(node)
        return found[::-1]


def _written_out(model: Model) -> list[Node]:
    """The nodes, each call of a function of the file by the nodes of that. Raises TooLarge."""
    if not model.functions:
        return model.nodes
    found: list[Node] = []
    pending: deque[tuple[Node, int]] = deque((node, 0) for node in model.nodes)
    calls = 0
    while pending:
        node, depth = pending.popleft()
        function = model.functions.get((node.domain, node.operator, node.overload))
        if function is None:
            found.append(node)
            continue
        calls += 1
        if depth == _DEEPEST:
            raise TooLarge(f"its functions call one another more than {_DEEPEST} levels deep")
        if len(found) + len(pending) + len(function.nodes) + calls > MOST_NODES:
            raise TooLarge(f"it has more than {MOST_NODES:,} nodes where its functions are written out")
        names = dict(zip(function.inputs, [*node.inputs, *[""] * len(function.inputs)], strict=False))
        names |= dict(zip(function.outputs, node.outputs, strict=False))
        given = {**function.defaults, **node.attributes}
        inner = [_called(each, node, names, given, calls) for each in function.nodes]
        pending.extendleft((each, depth + 1) for each in reversed(inner))
    return found


def _called(node: Node, call: Node, names: dict[str, str], given: dict[str, Any], number: int) -> Node:
    """A node of a function where it is called: its values have names of their own."""

    def named(name: str) -> str:
        return names.setdefault(name, f"{name}\0{number}") if name else ""

    attributes = {
        key: given.get(value.name) if isinstance(value, Reference) else value
        for key, value in node.attributes.items()
        if not isinstance(value, Reference) or value.name in given
    }
    where = call.name.rpartition("/")[0]
    return node._replace(
        name=f"{where}/{node.name or node.operator}" if where else node.name or node.operator,
        inputs=tuple(map(named, node.inputs)),
        outputs=tuple(map(named, node.outputs)),
        attributes=attributes,
        notes=node.notes or call.notes,
    )


def _ordered(nodes: list[Node], given: Iterable[str]) -> list[Node]:
    """The nodes, each behind those whose values it reads, in the order of the file where that is so. Raises Damaged."""
    makers: dict[str, int] = {}
    given = set(given)
    for at, node in enumerate(nodes):
        for name in node.outputs:
            if name and (name in makers or name in given):
                raise Damaged(f"two of its values are called `{name}`")
            if name:
                makers[name] = at
    waits = [{makers[name] for name in node.inputs if name in makers} for node in nodes]
    missing = next((name for node in nodes for name in node.inputs if name and name not in makers and name not in given), None)
    if missing is not None:
        raise Damaged(f"nothing makes the value `{missing}`")
    if all(all(maker < at for maker in wait) for at, wait in enumerate(waits)):
        return nodes
    return [nodes[at] for at in _sorted(waits, nodes)]


def _sorted(waits: list[set[int]], nodes: list[Node]) -> Iterator[int]:
    readers: dict[int, list[int]] = {}
    for at, wait in enumerate(waits):
        for maker in wait:
            readers.setdefault(maker, []).append(at)
    ready = deque(at for at, wait in enumerate(waits) if not wait)
    found = 0
    while ready:
        at = ready.popleft()
        found += 1
        yield at
        for reader in readers.get(at, ()):
            waits[reader].discard(at)
            if not waits[reader]:
                ready.append(reader)
    if found < len(nodes):
        at = next(at for at, wait in enumerate(waits) if wait)
        raise Damaged(f"its nodes depend on one another in a circle, `{nodes[at].name or nodes[at].operator}` among them")
