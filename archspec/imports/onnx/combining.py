"""Operators on several values, reductions, products of values, and recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import Digit
from archspec.imports.onnx.lowering import Call, placed, row, short
from archspec.imports.onnx.masks import Triangle, seen, triangle_of
from archspec.imports.onnx.model import Node
from archspec.imports.onnx.numbers import Numbers
from archspec.imports.onnx.places import bytes_of, folded_table, in_order
from archspec.imports.onnx.regions import Parted, differences, mask_of, masked
from archspec.imports.onnx.weights import Weight
from archspec.imports.products import Scores
from archspec.imports.stored import Computed, Held
from archspec.imports.views import View
from archspec.types import is_line

# arithmetic


def _operand(call: Call, at: int) -> Any:
    """An input as a number, a tensor of the network, scores, or a stored tensor. Raises Unsaid for other computed numbers."""
    number = call.number(at)
    if number is not None and not _is_value(call, at):
        return short(float(number))
    value = call.value(at)
    known = call.lowering.graph.numbers.get(call.node.inputs[at])
    triangle = triangle_of(known) if known is not None else None
    if known is not None and isinstance(call.value(1 - at), Scores):
        mask = triangle or mask_of(known.shape, known.values)
        if mask is not None:
            return mask
    value = call.held(at) if isinstance(value, Weight) else value
    if isinstance(value, Numbers):
        raise Unsaid("it takes numbers that are computed, and stored nowhere")
    return value


def _is_value(call: Call, at: int) -> bool:
    """Whether one number is a learned tensor: it is called as a weight."""
    name = call.node.inputs[at]
    return name in call.lowering.graph.learned and call.lowering.names.is_named(name)


@row("Add", "Sub", "Mul", "Div", "Sum")
def _arithmetic(call: Call) -> Any:
    if call.lowering.graph.differ(call.node):
        return differences(call.lowering.graph.numbers[call.node.inputs[0]])
    step = {"Sum": "add", "Div": "mul"}.get(call.node.operator, call.node.operator.lower())
    found = _operand(call, 0)
    if len(call) > 2:
        views = [call.value(at) for at in range(len(call))]
        types = {call.lowering.flat.type_of(one.value) for one in views if isinstance(one, View) and not one.fixed and one.factor == 1}
        if all(isinstance(one, View) and one.dims == views[0].dims for one in views) and len(types) == 1:
            return views[0]._replace(value=call.lowering.flat.step(call.site, "add", *[one.value for one in views]))
    for at in range(1, len(call)):
        found = _combined(call, step, found, _operand(call, at), divide=call.node.operator == "Div")
    return found


def _combined(call: Call, step: str, x: Any, y: Any, *, divide: bool) -> Any:
    if divide:
        if not isinstance(y, float) or not y:
            raise Unsaid("it divides by a tensor")
        y = short(1 / y) if not isinstance(x, Scores) else 1 / y
    if isinstance(x, float):
        if divide:
            raise Unsaid("it divides a number")
        if step == "sub":
            return call.tensors.number(call.site, call.tensors.number(call.site, y, "mul", -1.0), "add", x)
        x, y = y, x
    if isinstance(x, Scores) or isinstance(y, Scores):
        return _scores(call, step, *((x, y) if isinstance(x, Scores) else (y, x)))
    if isinstance(x, float):
        raise Unsaid("it combines numbers")
    if any(isinstance(one, (Computed, Parted, Triangle)) for one in (x, y)):
        raise Unsaid("it takes what is computed from stored tensors")
    if isinstance(y, float):
        if step == "mul" and isinstance(x, View) and _for_scores(call):
            return x._replace(factor=x.factor * y)
        if isinstance(x, Held):
            raise Unsaid("it changes a stored tensor")
        return call.tensors.number(call.site, x, step, y)
    return call.tensors.merge(call.site, step, x, y)


def _scores(call: Call, step: str, x: Scores, y: Any) -> Scores:
    """Scores of attention times a number, or plus a mask."""
    if x.weighed:
        raise Unsaid("it changes weights of attention")
    if step == "mul" and isinstance(y, float):
        return x.times(y)
    if step == "add" and isinstance(y, Triangle) and y.added:
        return seen(x, y)
    if step == "add" and isinstance(y, Parted):
        return masked(x, y)
    if step == "add" and isinstance(y, (Held, Computed)):
        return _biased(call, x, y)
    raise Unsaid("it changes the scores of attention by a tensor")


def _biased(call: Call, x: Scores, y: Held | Computed) -> Scores:
    """Scores plus a stored tensor: a mask of windows, biases of relative positions, or others."""
    mask = mask_of(y.sizes, bytes_of(call, y)) if isinstance(y, Held) and in_order(y) else None
    if mask is not None:
        return masked(x, mask)
    y = y._replace(dims=y.dims[-3:]) if len(y.dims) > 3 and not any(y.dims[:-3]) else y
    table = folded_table(call, x, y) if isinstance(y, Held) and x.table is None else None
    return x._replace(table=table) if table is not None and not x.weighed else call.tensors.biased(x, y)


def _for_scores(call: Call) -> bool:
    """Whether the result goes into products of two values alone, as queries and keys do."""
    return bool(_all_readers(call, call.node.outputs[0], lambda node, _: node.operator == "MatMul"))


def _all_readers(call: Call, name: str, is_end: Callable[[Node, str], bool]) -> bool:
    """Whether every way from a value, through nodes that only move numbers, leads to such a node."""
    pending, seen = [name], 0
    while pending:
        value = pending.pop()
        readers = call.lowering.readers.get(value, [])
        seen += len(readers)
        if not readers or seen > 32:
            return False
        for node in readers:
            if node.operator in ("Transpose", "Reshape", "Identity", "Cast", "Unsqueeze", "Squeeze", "Split"):
                pending.extend(node.outputs)
            elif not is_end(node, value):
                return False
    return True


@row("Max", "Min", "Pow")
def _pairs(call: Call) -> Any:
    raise Unsaid("the language has no layer for it")


# products


@row("MatMul")
def _matmul(call: Call) -> Any:
    x, y = call.value(0), call.value(1)
    if isinstance(x, Scores) and isinstance(y, View):
        return call.tensors.attended(call.site, x, y)
    if not isinstance(x, View) or not isinstance(y, View):
        raise Unsaid("it is a product with a stored tensor of more than two axes, or with the first stored")
    if _leads_to_softmax(call):
        return call.tensors.scores(x, y)
    if len(x.dims) == len(y.dims) == 3 and _is_line(call, y):  # of maps of one axis, the channels first, both are turned
        x, y = (one._replace(dims=(one.dims[0], one.dims[2], one.dims[1])) for one in (y, x))
        values = [call.tensors.settle(call.site, one, "tokens") for one in (x, y)]
        found = call.tensors.of(call.lowering.flat.step(call.site, "matmul", *values, given={"x": True}))
        return found._replace(dims=(found.dims[0], found.dims[2], found.dims[1]))
    if len(x.dims) != 3 or len(y.dims) != 3:
        raise Unsaid(f"it is a product of tensors of {len(x.dims)} and {len(y.dims)} axes that is no attention")
    values = [call.tensors.settle(call.site, one, "tokens") for one in (x, y)]
    return call.tensors.of(call.lowering.flat.step(call.site, "matmul", *values, x=True))


def _is_line(call: Call, x: View) -> bool:
    """Whether a tensor is a map of one axis as it is stored."""
    type_ = call.lowering.flat.type_of(x.value)
    return is_line(type_) and x == call.tensors.of(x.value)


def _leads_to_softmax(call: Call) -> bool:
    """Whether a product becomes weights of attention."""
    name = call.node.outputs[0]
    for _ in range(16):
        readers = call.lowering.readers.get(name, [])
        if any(node.operator == "Softmax" for node in readers):
            return True
        following = [
            node for node in readers if node.operator in ("Mul", "Div", "Add", "Sub", "Where", "Cast", "Identity", "Reshape", "Clip")
        ]
        if len(following) != 1:
            return False
        name = following[0].outputs[0]
    return False


# reductions


@row("ReduceMean", "ReduceMax")
def _reduce(call: Call) -> Any:
    x = call.x()
    axes = call.listed("axes", 1)
    if not axes and call.attribute("noop_with_empty_axes", 0):
        return x
    step = "mean" if call.node.operator == "ReduceMean" else "max"
    return call.tensors.reduce(call.site, x, step, axes or range(len(x.dims)), keep=bool(call.attribute("keepdims", 1)))


# recurrent layers

_GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}
"""The gates of PyTorch by their places in the order of ONNX: r, z, n of z, r, h; and i, f, g, o of i, o, f, c."""


@row("RNN", "GRU", "LSTM")
def _recurrent(call: Call) -> Any:
    step = call.node.operator.lower()
    n, dirs = call.attribute("hidden_size"), _directions(call)
    _check_plain(call, step)
    x = call.x()
    if call.attribute("layout", 0):
        x = x._replace(dims=(x.dims[1], x.dims[0], *x.dims[2:]))
    if len(x.dims) != 3:
        raise Unsaid(f"its input has {len(x.dims)} axes")
    steps, batch, channels = x.dims
    value = call.tensors.settle(call.site, x._replace(dims=(batch, steps, channels)), "tokens")
    outputs = [bool(name) and name in {*call.lowering.readers, *call.lowering.graph.outputs} for name in (*call.node.outputs, "", "", "")][
        :3
    ]
    if outputs[2] or (outputs[0] and outputs[1]):
        raise Unsaid("its final state is used beside its results")
    given: dict[str, Any] = {} if dirs == 1 else {"dirs": 2}
    given |= {} if call.has(3) else {"bias": False}
    given |= {"out": "last"} if outputs[1] else {}
    made = call.lowering.flat.step(call.keyed(1, 2, 3), step, value, n=n, stored=_gates(call, n, dirs), given=given)
    whole = call.tensors.of(made)
    ways, units = (Digit("c", dirs, n),) if dirs > 1 else (), (Digit("c", n, 1),) if n > 1 else ()
    if outputs[1]:
        last = whole._replace(dims=(ways, whole.dims[0], units))
        return [None, last]
    return [whole._replace(dims=(whole.dims[1], ways, whole.dims[0], units))]


def _directions(call: Call) -> int:
    way = call.attribute("direction", "forward") or "forward"
    if way not in ("forward", "bidirectional"):
        raise Unsaid(f"it reads its input in the direction `{way}`")
    return 2 if way == "bidirectional" else 1


def _check_plain(call: Call, step: str) -> None:
    """Raises Unsaid for what PyTorch's layers lack."""
    usual = {"rnn": ["Tanh"], "gru": ["Sigmoid", "Tanh"], "lstm": ["Sigmoid", "Tanh", "Tanh"]}[step]
    given = list(call.attribute("activations") or ())
    if given and given != usual * (len(given) // len(usual)):
        raise Unsaid(f"its activations are {', '.join(given)}")
    if call.attribute("clip") is not None or call.attribute("input_forget", 0):
        raise Unsaid("it clips, or couples its gates")
    if step == "gru" and not call.attribute("linear_before_reset", 0):
        raise Unsaid("it resets the state before the product, PyTorch after it")
    if call.has(4) or call.has(7):
        raise Unsaid("it has lengths of its sequences, or peepholes")
    for at in (5, 6):
        numbers = call.lowering.graph.numbers.get(call.node.inputs[at]) if call.has(at) else None
        if call.has(at) and (numbers is None or any(numbers.values)):
            raise Unsaid("its first state is not 0")


def _gates(call: Call, n: int, dirs: int) -> dict[str, Any]:
    """Where the weights of each direction are, the gates in PyTorch's order."""
    order = _GATES[call.node.operator]
    count = len(order)
    found = {}
    for way in range(dirs):
        end = "_l0" + "_reverse" * way
        for name, at, blocks, first in (("weight_ih", 1, 1, 0), ("weight_hh", 2, 1, 0), ("bias_ih", 3, 2, 0), ("bias_hh", 3, 2, 1)):
            if not call.has(at):
                continue
            start = (way * blocks + first) * count * n
            found[f"{name}{end}"] = _rows(
                call, at, dirs * blocks * count * n, [(start + gate * n, start + (gate + 1) * n) for gate in order]
            )
    return found


def _rows(call: Call, at: int, total: int, rows: Sequence[tuple[int, int]]) -> Any:
    """Rows of a stored tensor of (directions, rows, ...), or of several such tensors, as one tensor of rows."""
    parts = call.lowering.graph.joined.get(call.node.inputs[at]) or (call.weight(at),)
    flat = [
        part.reshaped((part.shape[0] * part.shape[1], *part.shape[2:]) if len(part.shape) == 3 - (at == 3) else part.shape)
        for part in parts
    ]
    blocks: list[Weight] = []
    for start, stop in rows:
        first = 0
        for part in flat:
            if part is None:
                raise Unsaid("its weights are used in another order than they are stored in")
            if first <= start and stop <= first + part.shape[0]:
                block = part.cut(0, start - first, stop - first)
                blocks += [block] if block is not None else []
            first += part.shape[0]
        if first != total:
            raise Unsaid(f"its weights have {first} rows, and {total} belong to it")
    if len(blocks) != len(rows) or len({block.name for block in blocks}) > 1:
        raise Unsaid("the weights of one matrix come from several stored tensors")
    whole = blocks[0]
    stride = max(digit.stride for dim in whole.dims for digit in dim)
    places = [(block.start // stride, block.start // stride + block.shape[0]) for block in blocks]
    placed(whole)
    return Stored((whole.name,), (whole.total // stride, *whole.shape[1:]), (), tuple(places))
