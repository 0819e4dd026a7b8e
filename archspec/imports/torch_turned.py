"""What a program writes out before attention, recognised by what it computes: positions that turn queries and keys, and heads that share keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from archspec.imports.flat import Site, Unsaid
from archspec.imports.layout import COPIES, Digit
from archspec.imports.stored import Turn
from archspec.imports.torch_angles import Turning, part_of, tried
from archspec.imports.torch_nodes import operator
from archspec.imports.torch_recognised import Recognised
from archspec.imports.views import View

_MOVES = {
    *("view", "reshape", "_unsafe_view", "transpose", "permute", "unsqueeze", "expand", "slice", "clone", "contiguous", "alias"),
    *("to", "_to_copy", "float", "type_as", "flatten", "repeat_interleave"),
}
_ATTENTION = {"scaled_dot_product_attention", "matmul", "bmm", "einsum"}
_TURNING = _MOVES | {
    *("add", "sub", "mul", "neg", "rsub", "cat", "stack", "chunk", "split", "getitem", "select", "unbind", "squeeze", "unflatten"),
    *("view_as_complex", "view_as_real", "split_with_sizes"),
}
_ENDS = {"add", "cat", "flatten", "view", "reshape", "_unsafe_view"}
"""The last operators of what turns."""
_MOST = 32
"""Operators that turn one tensor, at most."""
_CONSTANTS = 200
"""Operators that compute angles, at most."""
_NUMBERS = 1 << 24
"""Numbers of a tensor that is drawn to try it."""


def before_attention(reader: Any) -> dict[Any, Recognised]:
    """What leads to attention alone and is an argument of it, by the operators that give the results."""
    fed, learned = _fed(reader)
    shared: dict[Any, Recognised] = {}
    turned: dict[Any, Recognised] = {}
    inside: set[Any] = set()
    into: Counter[Any] = Counter()
    """How many tensors that are turned lead to which attention: its queries and its keys."""
    for node in reversed([*reader.program.graph.nodes]):
        attended = _attended(node) if node in fed and node.op == "call_function" and node not in inside else None
        if attended is None:
            continue
        made = _shared(node)
        if made is not None:
            shared[node] = made
        elif _name(node) in _ENDS and (made := _turned(reader, node, fed, learned)) is not None:
            turned[node] = made
            into.update(attended)
        inside.update(made.inner if made is not None else ())
    return shared | {node: made for node, made in turned.items() if all(into[one] == 2 for one in _attended(node) or ())}


def _fed(reader: Any) -> tuple[set[Any], dict[Any, Any]]:
    """The operators that follow from inputs or learned tensors of the network, and these; and angles that follow from learned tensors
    alone, with drawn numbers for them: what follows from those counts as a constant.
    """
    import torch

    nodes = reader.program.graph.nodes
    given = {one for one in nodes if one.op == "placeholder" and one.name not in reader.keys}
    found = given | reader.held_nodes
    angles: dict[Any, Any] = {}
    for node in nodes:
        given.update([node] * any(one in given for one in node.all_input_nodes))
        if any(one in found for one in node.all_input_nodes):
            if node not in given and {"sin", "cos"} <= {*map(_name, node.users)} and len(_shape(node)) > 1:
                angles[node] = torch.rand(_shape(node), generator=torch.Generator().manual_seed(1)) + 0.1
            else:
                found.add(node)
    return found, angles


def _name(node: Any) -> str:
    return operator(node).removeprefix("aten.") if node.op == "call_function" else ""


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(getattr(node.meta.get("val"), "shape", ()))


def _attended(node: Any) -> set[Any] | None:
    """The attention that a tensor leads to through views; None where something else reads it."""
    found: set[Any] = set()
    pending, seen = [node], {node}
    while pending and len(_shape(node)) in (3, 4, 5):
        for user in pending.pop().users:
            if _name(user) in _ATTENTION:
                found.add(user)
                continue
            scales = _name(user) in ("mul", "div") and len(user.all_input_nodes) == 1
            if not (scales or _name(user) in _MOVES) or len(seen) > _MOST:
                return None
            if user not in seen:
                seen.add(user)
                pending.append(user)
    return found or None


# keys and values of several heads


def _shared(node: Any) -> Recognised | None:
    """Heads of which each stands so many times in a row: `repeat_interleave`, or a new axis that is expanded and joined with that before it."""
    if _name(node) == "repeat_interleave" and len(node.args) > 2 and isinstance(node.args[1], int) and isinstance(node.args[2], int):
        return _repeated(node, node.args[0], [], node.args[2] % len(_shape(node)), node.args[1])
    if _name(node) not in ("view", "reshape", "_unsafe_view", "flatten"):
        return None
    inner: list[Any] = []
    one, wide = node.args[0], _shape(node.args[0])
    while _name(one) in _MOVES and len(_shape(one)) == len(_shape(node)) + 1:
        inner.append(one)
        one = one.args[0]
    if len(inner) < 2 or {_name(each) for each in inner} - {"expand", "unsqueeze", "slice", "clone", "contiguous"}:
        return None
    few = _shape(one)
    for dim, size in enumerate(few):
        times = wide[dim + 1] if len(wide) == len(few) + 1 else 1
        joins = (*few[:dim], size * times, *few[dim + 1 :])
        if times > 1 and wide == (*few[: dim + 1], times, *few[dim + 1 :]) and _shape(node) == joins:
            return _repeated(node, one, inner, dim, times)
    return None


def _repeated(node: Any, source: Any, inner: list[Any], dim: int, times: int) -> Recognised | None:
    if not 0 < dim < len(_shape(node)) - 1 or len(_shape(source)) != 4:
        return None

    def make(_: Any, site: Site, x: View) -> View:
        return x._replace(dims=tuple([(*one, Digit(COPIES, times, 0)) if at == dim else one for at, one in enumerate(x.dims)]))

    return Recognised(source, [one for one in inner if len(one.users) == 1], make)


# positions


class _Other(Exception):
    """Says that operators read more than the tensor that is tried, and constants."""


def _turned(reader: Any, node: Any, fed: set[Any], learned: Mapping[Any, Any]) -> Recognised | None:
    """Rotary positions (Su et al. 2021), however they are written out."""
    shape = _shape(node)
    if len(shape) != 4 or shape[-1] < 2 or node.meta["val"].numel() > _NUMBERS:
        return None
    region = _region(node, fed)
    if not any(_name(one) == "mul" and any(each not in fed for each in one.all_input_nodes) for one in region):
        return None
    sources = dict.fromkeys(each for one in region for each in one.all_input_nodes if each in fed and _shape(each) == shape)
    for source in sorted(sources):

        def trial(x: Any, source: Any = source) -> Any:
            return _value(reader, node, {source: x, **learned}, fed)

        turn = tried(shape, trial, _lead(node))
        if turn is not None:
            closed = {node}
            for one in reversed(region):
                if all(user in closed for user in one.users):
                    closed.add(one)
            which = next((found for one, drawn in learned.items() if (found := part_of(turn.angles, one, drawn)) is not None), None)
            return Recognised(source, [one for one in region if one in closed and one is not node and one > source], _turning(turn, which))
    return None


def _lead(node: Any) -> dict[int, int]:
    """How many positions a program puts first as they are, by their dimension."""
    while _name(node) in ("to", "_to_copy", "type_as", "float", "contiguous", "clone"):
        node = node.args[0]
    if _name(node) != "cat" or len(node.args[0]) != 2:
        return {}
    dim = (node.args[1] if len(node.args) > 1 else 0) % len(_shape(node))
    return {dim: _shape(node.args[0][0])[dim]}


def _region(node: Any, fed: set[Any]) -> list[Any]:
    """An operator, and those before it that may turn a tensor together with it."""
    found, pending = {node}, [node]
    while pending and len(found) <= _MOST:
        for one in pending.pop().all_input_nodes:
            if one in fed and one not in found and _name(one) in _TURNING:
                found.add(one)
                pending.append(one)
    return sorted(found)


def _value(reader: Any, node: Any, known: dict[Any, Any], fed: set[Any]) -> Any:
    """What an operator gives for a known tensor. Raises _Other."""
    if node in known:
        return known[node]
    if len(known) > _CONSTANTS or (node in fed and _name(node) not in _TURNING):
        raise _Other
    if node.op == "placeholder":
        tensor = reader.state.get(reader.keys.get(node.name))
        if tensor is None or tensor.is_meta or node in reader.held_nodes:
            raise _Other
        known[node] = tensor.detach().cpu()
        return known[node]
    if node.op == "get_attr":
        known[node] = getattr(reader.program.graph_module, node.target)
        return known[node]
    for one in node.all_input_nodes:
        _value(reader, one, known, fed)
    known[node] = _called(node, known)
    return known[node]


def _called(node: Any, known: Mapping[Any, Any]) -> Any:
    """What an operator gives on the CPU, and leaves as it was. What sets the precision or gradients for a graph of its own gives what that gives."""
    import torch

    def here(argument: Any) -> Any:
        if isinstance(argument, torch.device):
            return torch.device("cpu")
        one = known[argument] if isinstance(argument, torch.fx.Node) else argument
        return one.clone() if isinstance(one, torch.Tensor) else one

    args, kwargs = torch.fx.node.map_aggregate((node.args, dict(node.kwargs)), here)
    inner = next((at for at, one in enumerate(args) if isinstance(one, torch.fx.GraphModule)), None)
    if inner is None:
        return node.target(*args, **kwargs)
    nodes = args[inner].graph.nodes
    own = dict(zip([one for one in nodes if one.op == "placeholder"], args[inner + 1 :], strict=True))
    for one in nodes:
        if one.op == "output":
            return torch.fx.node.map_arg(one.args[0], own.__getitem__)
        if one.op == "call_function":
            own[one] = _called(one, own)
    return None


def _turning(turn: Turning, learned: tuple[Any, int] | None) -> Callable[[Any, Site, View], View]:
    """What makes a tensor one that attention turns; of `learned` angles the operator, and which part."""

    def make(r: Any, site: Site, x: View) -> View:
        if x.rope is not None or len(x.dims) != 4:
            raise Unsaid("its positions turn it twice")
        if x.dims[turn.dim] != (r.positions(x.value) if turn.base else r.placed(x.value)[1]):
            x = r.in_heads(site, x, turn.dim)
        table = None if turn.base else r.kept("angles", turn.angles) if learned is None else r.learned_angles(site, *learned)
        return x._replace(rope=Turn(turn.base, table, turn.prefix, turn.pair))

    return make
