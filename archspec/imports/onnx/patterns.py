"""Layers that exporters write as several operators, as one node each, of the domain `archspec`.

Nodes are looked at in order, so that what one pattern makes is what the next one begins from: a normalisation, then its weights, then its
biases. What is no longer read is dropped later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose, pi, prod, sqrt
from typing import Any

from archspec.imports.onnx.computing import SENSELESS
from archspec.imports.onnx.model import FLOAT, Node
from archspec.imports.onnx.nodes import Graph
from archspec.imports.onnx.numbers import Numbers, whole

DOMAIN = "archspec"
Pattern = Callable[["Graph", Node], "Sequence[Node] | None"]
_PATTERNS: dict[str, list[Pattern]] = {}


def rewrite(graph: Graph) -> None:
    """Replace what patterns find."""
    graph.count_users()
    found: list[Node] = []
    for node in graph.nodes:
        for pattern in _PATTERNS.get(node.operator, ()) if node.domain in ("", DOMAIN) else ():
            made = _found(pattern, graph, node)
            if made is not None:
                graph.made.update({name: each for each in made for name in each.outputs})
                node = made[-1]
                found += made[:-1]
        found.append(node)
    graph.nodes = found


def _found(pattern: Pattern, graph: Graph, node: Node) -> Sequence[Node] | None:
    """What a pattern makes of a node: nothing where a node that it looks at has other inputs or attributes than its operator."""
    try:
        return pattern(graph, node)
    except SENSELESS:
        return None


def pattern(*operators: str) -> Callable[[Pattern], Pattern]:
    """Register a pattern that begins, or ends, at these operators."""

    def add(pattern: Pattern) -> Pattern:
        for operator in operators:
            _PATTERNS.setdefault(operator, []).append(pattern)
        return pattern

    return add


def new(node: Node, operator: str, *inputs: str, **attributes: Any) -> Node:
    """A node of archspec's own in place of another, whose outputs and name it keeps."""
    return node._replace(operator=operator, domain=DOMAIN, inputs=inputs, attributes=attributes)


# looking at nodes


def maker(graph: Graph, value: str, *operators: str) -> Node | None:
    """The node that makes a value, if it is one of these operators."""
    node = graph.made.get(value)
    return node if node is not None and node.operator in operators else None


def other(node: Node, value: str) -> str | None:
    """The other of two inputs."""
    if len(node.inputs) != 2 or value not in node.inputs:
        return None
    return node.inputs[1] if node.inputs[0] == value else node.inputs[0]


def is_number(graph: Graph, value: str, number: float) -> bool:
    """Whether a value is a known number, to single precision."""
    found = graph.number(value)
    return found is not None and isclose(found, number, rel_tol=1e-3 if number not in (0, 1, 2, 3, 6) else 1e-6)


def scaled(graph: Graph, value: str) -> tuple[str, float]:
    """A value times or divided by a known number, as the value and the factor."""
    node = maker(graph, value, "Mul", "Div")
    if node is None or len(node.inputs) != 2:
        return value, 1.0
    left, right = (graph.number(name) for name in node.inputs)
    if right is not None:
        return node.inputs[0], 1 / right if node.operator == "Div" and right else float(right)
    if left is not None and node.operator == "Mul":
        return node.inputs[1], float(left)
    return value, 1.0


def shifted(graph: Graph, value: str, number: float) -> str | None:
    """What a value is, less a known number that is added to it."""
    node = maker(graph, value, "Add")
    for at, name in enumerate(node.inputs) if node is not None else ():
        if is_number(graph, name, number):
            return node.inputs[1 - at]  # type: ignore[union-attr]
    return None


def factors(graph: Graph, node: Node) -> tuple[list[str], float]:
    """The values whose product a node is, and the number that stands among them."""
    values, number = [], 1.0
    pending = [*node.inputs[::-1]]
    for _ in range(8):
        if not pending:
            break
        name = pending.pop()
        known = graph.number(name)
        inner = maker(graph, name, "Mul", "Div")
        if known is not None:
            number *= known
        elif inner is not None and inner.operator == "Mul" and len(inner.inputs) == 2:
            pending += inner.inputs[::-1]
        elif inner is not None and (divisor := graph.number(inner.inputs[1])):
            pending.append(inner.inputs[0])
            number /= divisor
        else:
            values.append(name)
    return [*values, *pending], number


# activations


@pattern("Mul", "Div")
def _activation(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A value times a function of it."""
    if node.operator == "Div" and not graph.number(node.inputs[1]):
        return None
    values, number = factors(graph, node._replace(inputs=node.inputs[:1]) if node.operator == "Div" else node)
    number = number / (graph.number(node.inputs[1]) or 1) if node.operator == "Div" else number
    if len(values) == 1 and (x := _clipped(graph, values[0])) and isclose(number, 1 / 6, rel_tol=1e-4):
        return [new(node, "Activation", x, step="hardsigmoid")]
    made = maker(graph, values[0], "Activation") if len(values) == 1 and isclose(number, 1, rel_tol=1e-4) else None
    if made is not None:  # the rest of its factor
        return [made._replace(name=node.name, outputs=node.outputs, notes=node.notes)]
    if len(values) != 2:
        return None
    for x, gate in (values, values[::-1]):
        found = _gate(graph, x, gate)
        if found is None:
            continue
        if isclose(number, found[1], rel_tol=1e-4):
            return [new(node, "Activation", x, **found[0])]
        part, rest = f"{node.outputs[0]}\0activation", f"{node.outputs[0]}\0factor"  # where the factor is folded into what comes next
        graph.numbers[rest] = Numbers(FLOAT, (), (number / found[1],))
        return [
            new(node, "Activation", x, **found[0])._replace(outputs=(part,)),
            node._replace(operator="Mul", inputs=(part, rest), attributes={}),
        ]
    return None


def _gate(graph: Graph, x: str, gate: str) -> tuple[dict[str, Any], float] | None:
    """The activation that a value times its gate is, and the number that goes with it."""
    node = graph.made.get(gate)
    if node is None:
        return None
    if node.operator == "Sigmoid" and node.inputs == (x,):
        return {"step": "silu"}, 1.0
    if node.operator == "HardSigmoid" and node.inputs == (x,) and _is_hard(node):
        return {"step": "hardswish"}, 1.0
    if node.operator == "Activation" and node.inputs == (x,) and node.attributes["step"] == "hardsigmoid":
        return {"step": "hardswish"}, 1.0
    if _clipped(graph, gate) == x:
        return {"step": "hardswish"}, 1 / 6
    if node.operator == "Tanh" and (soft := maker(graph, node.inputs[0], "Softplus")) is not None and soft.inputs == (x,):
        return {"step": "mish"}, 1.0
    inner = graph.made.get(shifted(graph, gate, 1.0) or "")
    if inner is not None and inner.operator == "Erf":
        value, factor = scaled(graph, inner.inputs[0])
        if value == x and isclose(factor, sqrt(0.5), rel_tol=1e-3):
            return {"step": "gelu"}, 0.5
    if inner is not None and inner.operator == "Tanh" and _is_tanh_form(graph, x, inner.inputs[0]):
        return {"step": "gelu", "approx": "tanh"}, 0.5
    return None


def _is_hard(node: Node) -> bool:
    """Whether it is HardSigmoid of PyTorch: x/6 + 1/2."""
    return isclose(node.attributes.get("alpha", 0.2), 1 / 6, rel_tol=1e-3) and isclose(node.attributes.get("beta", 0.5), 0.5)


def _clipped(graph: Graph, value: str) -> str | None:
    """What a value is of, where it is that plus 3, clipped to 0 and 6."""
    node = graph.made.get(value)
    if node is None or not is_relu6(graph, node):
        return None
    return shifted(graph, node.inputs[0], 3.0)


def is_relu6(graph: Graph, node: Node) -> bool:
    """Whether a node clips to 0 and 6."""
    return node.operator == "Clip" and bounds(graph, node) == (0.0, 6.0)


def bounds(graph: Graph, node: Node) -> tuple[float | None, float | None]:
    """The bounds of a `Clip`, which are inputs from opset 11 on; None where there is none, or none that is known."""
    found = []
    for at, name in ((1, "min"), (2, "max")):
        given = node.inputs[at] if len(node.inputs) > at else ""
        value = graph.number(given) if given else node.attributes.get(name)
        found.append(None if value is None or (not given and abs(value) > 3e38) else float(value))
    return found[0], found[1]


def _is_tanh_form(graph: Graph, x: str, value: str) -> bool:
    """Whether a value is sqrt(2/pi) (x + 0.044715 x^3), also as x (1 + 0.044715 x^2) times that."""
    inner, factor = scaled(graph, value)
    if not isclose(factor, sqrt(2 / pi), rel_tol=1e-3):
        values, factor = factors(graph, graph.made[value]) if maker(graph, value, "Mul") else ([], 0.0)
        rest = [name for name in values if name != x]
        if len(values) != 2 or len(rest) != 1 or not isclose(factor, sqrt(2 / pi), rel_tol=1e-3):
            return False
        squared = shifted(graph, rest[0], 1.0)
        return squared is not None and power(graph, squared) == (x, 2, 0.044715)
    node = maker(graph, inner, "Add")
    cube = other(node, x) if node is not None else None
    return cube is not None and power(graph, cube) == (x, 3, 0.044715)


def power(graph: Graph, value: str) -> tuple[str, int, float] | None:
    """A value, a power and a factor, rounded, of which another value consists."""
    node = maker(graph, value, "Mul", "Pow")
    if node is None:
        return None
    if node.operator == "Pow":
        return (node.inputs[0], round(graph.number(node.inputs[1]) or 0), 1.0)
    values, number = factors(graph, node)
    total = 0
    base = ""
    for name in values:
        inner = maker(graph, name, "Pow")
        own, power = (inner.inputs[0], round(graph.number(inner.inputs[1]) or 0)) if inner is not None else (name, 1)
        if base not in ("", own):
            return None
        base, total = own, total + power
    return base, total, round(number, 6)


# products with stored matrices


@pattern("MatMul")
def _product(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A product with a stored matrix."""
    x, matrix = node.inputs
    weight = graph.weights.get(matrix)
    return [new(node, "Linear", x, matrix, "")] if weight is not None and len(weight.dims) == 2 and x not in graph.weights else None


@pattern("Add")
def _biased(graph: Graph, node: Node) -> Sequence[Node] | None:
    """Biases behind such a product, or behind a convolution without them."""
    for value, other in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
        linear, bias = maker(graph, value, "Linear", "Conv", "ConvTranspose"), graph.weights.get(other)
        if linear is None or bias is None or graph.uses[value] > 1 or (len(linear.inputs) > 2 and linear.inputs[2]):
            continue
        weight = graph.weights.get(linear.inputs[1])
        if weight is None:
            continue
        if linear.operator == "Linear":
            fits = bias.shape == weight.shape[1:] or (
                bias.shape[:-1] == (1,) * (len(bias.shape) - 1) and bias.shape[-1:] == weight.shape[1:]
            )
        else:
            count = weight.shape[0] if linear.operator == "Conv" else weight.shape[1] * linear.attributes.get("group", 1)
            flat = [size for size in bias.shape if size != 1]
            behind = len(weight.shape) - 2
            fits = len(bias.shape) in (behind + 1, behind + 2) and bias.shape[-behind - 1] == count and flat in ([count], [])
        if fits:
            return [linear._replace(inputs=(*linear.inputs[:2], other), outputs=node.outputs)]
    return None


@pattern("Add")
def _biased_parts(graph: Graph, node: Node) -> Sequence[Node] | None:
    """Biases behind such a product whose results were parted into heads and their channels."""
    for value, other in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
        parted, bias = maker(graph, value, "Reshape"), graph.weights.get(other)
        linear = maker(graph, parted.inputs[0], "Linear") if parted is not None else None
        if (
            parted is None
            or linear is None
            or bias is None
            or linear.inputs[2]
            or graph.uses[value] > 1
            or graph.uses[linear.outputs[0]] > 1
        ):
            continue
        wanted, flat = graph.numbers.get(parted.inputs[1]), bias.reshaped((prod(bias.shape),))
        count = len(bias.shape)
        if wanted is None or flat is None or count < 2 or wanted.values[-count:] != bias.shape or any(wanted.values[:-count]):
            continue
        if flat.shape == graph.weights[linear.inputs[1]].shape[1:]:
            name = f"{node.outputs[0]}\0biases"
            graph.weights[name] = flat
            made = linear._replace(inputs=(*linear.inputs[:2], name), outputs=(f"{node.outputs[0]}\0product",))
            return [made, parted._replace(inputs=(made.outputs[0], parted.inputs[1]), outputs=node.outputs)]
    return None


@pattern("Add")
def _put_before(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A stored tensor before the tokens of a value, as the sum of both among zeros."""
    for one, other_ in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
        first, then = maker(graph, one, "Pad"), maker(graph, other_, "Pad")
        weight = graph.weights.get(first.inputs[0]) if first is not None else None
        if first is None or then is None or weight is None or then.inputs[0] in graph.weights or len(weight.shape) != 3:
            continue
        behind, before = (graph.numbers.get(pad.inputs[1]) for pad in (first, then))
        if behind is None or before is None or len(behind.values) != 6 or len(before.values) != 6:
            continue
        if (
            before.values == (0, weight.shape[1], 0, 0, 0, 0)
            and behind.values[:4] + behind.values[5:] == (0,) * 5
            and not (then.inputs[2:] or first.inputs[2:])
        ):
            return [node._replace(operator="Concat", inputs=(first.inputs[0], then.inputs[0]), attributes={"axis": 1})]
    return None


@pattern("Einsum")
def _einsum(graph: Graph, node: Node) -> Sequence[Node] | None:
    """A sum of products over one axis as a product of matrices, their axes turned where they lie otherwise."""
    terms, arrow, out = str(node.attributes.get("equation", "")).replace(" ", "").partition("->")
    both = terms.split(",")
    if not arrow or len(both) != 2 or len(node.inputs) != 2 or any(len({*one}) != len(one) or not one.isalpha() for one in (*both, out)):
        return None
    x, y = both
    if node.inputs[1] in graph.weights and not any(one in y and one in out for one in x):
        return _product_with_stored(graph, node, x, y, out)
    summed = [one for one in x if one in y and one not in out]
    shared = [one for one in x if one in y and one in out]
    rows, columns = ([one for one in term if one not in other] for term, other in ((x, y), (y, x)))
    if len(summed) != 1 or len(columns) != 1 or not rows or (shared and len(rows) != 1) or {*rows, *columns, *shared} != {*out}:
        return None
    given = [
        _transposed(node, at, term, wanted)
        for at, term, wanted in ((0, x, [*shared, *rows, *summed]), (1, y, [*shared, *summed, *columns]))
    ]
    names = [one.outputs[0] if isinstance(one, Node) else one for one in given]
    own = [*shared, *rows, *columns]
    product = node._replace(operator="MatMul", inputs=tuple(names), attributes={})
    found = [one for one in given if isinstance(one, Node)]
    if [*out] == own:
        return [*found, product]
    perm = tuple([own.index(one) for one in out])
    name = f"{node.outputs[0]}\0product"
    return [*found, product._replace(outputs=(name,)), node._replace(operator="Transpose", inputs=(name,), attributes={"perm": perm})]


def _product_with_stored(graph: Graph, node: Node, x: str, y: str, out: str) -> Sequence[Node] | None:
    """A sum of products with a stored tensor as one with a matrix: heads and their channels are one axis of it, as Keras writes attention."""
    summed = [one for one in x if one in y]
    rows, columns = ([one for one in term if one not in other] for term, other in ((x, y), (y, x)))
    weight = graph.weights[node.inputs[1]].transposed([y.index(one) for one in (*summed, *columns)])
    sizes = weight.shape
    matrix = weight.reshaped((prod(sizes[: len(summed)]), prod(sizes[len(summed) :])))
    own = [*rows, *columns]
    if not summed or not rows or not columns or {*own} != {*out} or matrix is None:
        return None
    base = node.outputs[0]
    graph.weights[f"{base}\0matrix"] = matrix
    steps: list[tuple[str, Any]] = [("Transpose", tuple([x.index(one) for one in (*rows, *summed)]))]
    steps += [("Reshape", (*[0] * len(rows), -1))] if len(summed) > 1 else []
    steps += [("Linear", None)]
    steps += [("Reshape", (*[0] * len(rows), *sizes[len(summed) :]))] if len(columns) > 1 else []
    steps += [("Transpose", tuple([own.index(one) for one in out]))]
    steps = [(operator, how) for operator, how in steps if operator != "Transpose" or how != tuple(range(len(how)))]
    found: list[Node] = []
    value = node.inputs[0]
    for at, (operator, how) in enumerate(steps):
        name = base if at == len(steps) - 1 else f"{base}\0{at}"
        made = node._replace(operator=operator, inputs=(value,), outputs=(name,), attributes={})
        if operator == "Transpose":
            made = made._replace(attributes={"perm": how})
        elif operator == "Reshape":
            graph.numbers[f"{name}\0shape"] = whole(*how)
            made = made._replace(inputs=(value, f"{name}\0shape"))
        else:
            made = made._replace(domain=DOMAIN, inputs=(value, f"{base}\0matrix", ""))
        found.append(made)
        value = name
    return found


def _transposed(node: Node, at: int, axes: str, wanted: Sequence[str]) -> Node | str:
    """An input with its axes in another order, or its name where they lie so."""
    if [*axes] == [*wanted]:
        return node.inputs[at]
    perm = tuple([axes.index(one) for one in wanted])
    return node._replace(operator="Transpose", inputs=(node.inputs[at],), outputs=(f"{node.outputs[0]}\0{at}",), attributes={"perm": perm})
