"""Every op with four kinds of number: integers, spelled numbers, named ones, NumPy arrays. Formulas that give the same are plain arithmetic."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from archspec.numeric import LECTURE, Spelled, product, spell, value_of
from archspec.ops import STEPS, all_classes, make
from archspec.ops.base import Op
from archspec.types import Map, Tokens, Vector

np = pytest.importorskip("numpy", reason="arrays are one of the kinds of number")

A_MAP, SQUARE, LINE, BLOCK = Map((12, 9), 24), Map((14, 14), 16), Map((30,), 8), Map((6, 5, 4), 8)
TOKENS, VECTOR = Tokens(20, 24), Vector(24)
SAMPLES = {
    "conv": [
        (A_MAP, {"k": 3, "f": 8}),
        (A_MAP, {"k": (3, 1), "f": 12, "s": 2, "p": (1, 0), "d": 2, "g": 4, "round": "floor"}),
        (SQUARE, {"k": 4, "f": 6, "s": 3, "p": 1, "round": "ceil", "bias": False}),
        (LINE, {"k": 4, "f": 6, "s": 3, "p": "same"}),
        (SQUARE, {"k": 5, "f": 3, "maps": ((0, 1), (2,), (3, 4, 5))}),
        ((A_MAP, Map((12, 9), 18)), {"k": 3, "f": 8, "p": 1, "offset": True}),
        *[(A_MAP, {"k": 3, "f": 8, "g": 2, "norm": norm}) for norm in ("std", "weight", "spectral")],
    ],
    "dwconv": [(A_MAP, {"k": 3, "p": 1, "m": 2}), (BLOCK, {"k": 2, "p": "same", "bias": False})],
    "deconv": [
        (A_MAP, {"k": 3, "f": 8, "s": 2, "p": 1, "op": 1, "g": 4}),
        (LINE, {"k": 5, "f": 4, "s": 3, "p": "same", "norm": "spectral"}),
    ],
    "pool": [(A_MAP, {"w": 3}), (SQUARE, {"w": 3, "s": 2, "p": 1, "round": "ceil"}), (BLOCK, {"w": 2, "p": "same"})],
    "avgpool": [(A_MAP, {"w": 3, "s": (3, 2), "round": "floor"})],
    "subsample": [(SQUARE, {"w": 2})],
    "adaptpool": [(A_MAP, {"size": (5, 4)}), (SQUARE, {"size": 1})],
    "adaptmaxpool": [(A_MAP, {"size": (5, 4)})],
    "gap": [(A_MAP, {}), (TOKENS, {})],
    "bn": [(A_MAP, {}), (VECTOR, {"affine": False})],
    "ln": [(A_MAP, {}), (TOKENS, {"bias": False}), (VECTOR, {"affine": False})],
    "rmsnorm": [(A_MAP, {}), (VECTOR, {"eps": 0.1})],
    "instnorm": [(A_MAP, {"affine": True})],
    "gn": [(A_MAP, {"groups": 4})],
    "evonorm": [(A_MAP, {"groups": 4}), (A_MAP, {"groups": 6, "act": False})],
    "lrn": [(A_MAP, {"n": 3})],
    "leaky": [(VECTOR, {"slope": 0.2})],
    "prelu": [(VECTOR, {}), (A_MAP, {"shared": False})],
    "pad": [(A_MAP, {"p": (1, 2), "c": 3})],
    "crop": [(A_MAP, {"size": (8, 4)})],
    "upsample": [
        (A_MAP, {"n": 3, "mode": "bilinear"}),
        (LINE, {"n": 2}),
        (A_MAP, {"n": 1.5, "mode": "bicubic", "round": "floor"}),
        (A_MAP, {"n": 1.3, "round": "ceil"}),
        (A_MAP, {"to": (5, 20), "mode": "bilinear", "corners": True}),
    ],
    "unpool": [((Map((6, 4), 24), A_MAP), {"x": True, "w": 2, "round": "floor"})],
    "maxout": [(A_MAP, {"n": 3}), (TOKENS, {"n": 2})],
    "pixelshuffle": [(A_MAP, {"n": 2})],
    "patchmerge": [(SQUARE, {"n": 2})],
    "shuffle": [(A_MAP, {"g": 4})],
    "slice": [(A_MAP, {"bounds": (3, 9)}), (TOKENS, {"bounds": (3, 9), "axis": "t"})],
    "linear": [
        (TOKENS, {"n": 7}),
        (TOKENS, {"n": 7, "norm": "spectral"}),
        (A_MAP, {"n": 7, "norm": "std", "gain": False}),
        (A_MAP, {"n": 7, "bias": False}),
    ],
    "fc": [(VECTOR, {"n": 7})],
    "rbf": [(VECTOR, {"n": 7})],
    "embed": [(VECTOR, {"v": 30, "d": 7})],
    "scale": [(A_MAP, {}), (A_MAP, {"shared": True}), (A_MAP, {"flat": True})],
    "cls": [(TOKENS, {}), (TOKENS, {"n": 4})],
    "pos": [(TOKENS, {}), (TOKENS, {"kind": "sin"})],
    "first": [(TOKENS, {})],
    "attn": [
        (TOKENS, {"heads": 3}),
        (TOKENS, {"heads": 4, "bias": False}),
        (TOKENS, {"heads": 4, "kvheads": 2, "causal": True, "rope": 100, "d": 8, "f": 7}),
        (SQUARE, {"heads": 2, "w": 7, "shift": 3, "sim": "cos", "rel": "mlp", "proj": "qkv"}),
        (SQUARE, {"heads": 2, "grid": (2, 7), "rel": "table", "talk": True, "scale": 0.5}),
        ((TOKENS, Map((5, 4), 6)), {"heads": 3, "kv": True}),
    ],
    "attend": [
        (TOKENS, {"heads": 2}),
        ((TOKENS, Tokens(9, 12), Tokens(9, 12)), {"heads": 4, "kvheads": 2, "k": True, "v": True}),
        ((TOKENS, Tokens(9, 12), Tokens(9, 10)), {"heads": 4, "kvheads": 2, "k": True, "v": True}),
    ],
    "buckets": [(TOKENS, {"heads": 3})],
    "winattn": [(SQUARE, {"heads": 2, "w": 7, "shift": 3}), (SQUARE, {"heads": 4, "w": (2, 7), "bias": False})],
    "softmax": [(A_MAP, {}), (TOKENS, {"axis": "t"})],
    "rearrange": [
        (A_MAP, {"pattern": "h w (g c) -> h w (c g)", "g": 4}),
        (A_MAP, {"pattern": "(h p) (w q) c -> (h w) (p q c)", "p": 2, "q": 3}),
        (TOKENS, {"pattern": "(a b) c -> a b c 1", "b": 5}),
    ],
    "swap": [(TOKENS, {}), (LINE, {})],
    "map": [(TOKENS, {"size": (4, 5)})],
    "reshape": [(A_MAP, {"shape": (6, 12, 36)}), (TOKENS, {"shape": (20, 24)})],
    "token": [(TOKENS, {"n": 3}), (LINE, {"n": -1})],
    "matmul": [((TOKENS, Tokens(24, 5)), {"x": True}), ((LINE, Tokens(8, 3)), {"x": True})],
    "custom": [
        (A_MAP, {"name": "aten.roll", "places": ((3, 3), (2, 3)), "macs": 0}),
        (
            (A_MAP, TOKENS),
            {"name": "package.Layer", "places": ("value", 7), "out": (5, 6, 7), "macs": 50, "flops": 60, "weight": (8, 9), "bias": 8},
        ),
    ],
    "gmp": [(A_MAP, {}), (TOKENS, {})],
    "mean": [(A_MAP, {"axis": "c"}), (TOKENS, {"axis": "c"}), (TOKENS, {"axis": "t"})],
    "max": [(A_MAP, {"axis": "c"}), (LINE, {"axis": "t"})],
    **{
        step: [(TOKENS, {"n": 7}), (LINE, {"n": 5, "dirs": 2, "layers": 3, "bias": False, "out": "last"})]
        for step in ("rnn", "gru", "lstm")
    },
    "add": [((A_MAP, A_MAP, A_MAP), {})],
    "mul": [((A_MAP, Map((1, 1), 24), Vector(24)), {}), ((A_MAP, VECTOR), {}), ((Map((12, 1), 24), Map((1, 9), 1)), {})],
    "sub": [((A_MAP, A_MAP), {}), ((A_MAP, Map((1, 9), 24)), {"stretch": True}), ((VECTOR,), {"number": 2.0})],
    "tensor": [((), {"shape": (7, 6)}), ((), {"shape": (1, 1, 9), "frozen": True})],
    "concat": [((A_MAP, Map((12, 9), 5)), {}), ((VECTOR, VECTOR), {}), ((TOKENS, Tokens(7, 24)), {"axis": "t"})],
}
"""Inputs and arguments of each step; a step that has none here takes a map and no arguments."""
STRUCTURE = ("maps", "dirs", "layers")
"""Arguments on which it depends how many tensors there are."""
QUOTIENTS = ("n",)
"""Arguments that are read as a quotient where they are not whole, which is a decision."""
CASES = [(step, *sample) for step in STEPS for sample in SAMPLES.get(step, [(A_MAP, {})])]


def counts(op, inputs):
    """All that an op computes, in one list of numbers."""
    results = op.output(*inputs)
    results = results if type(results) is tuple else (results,)
    types = (*inputs, *results)
    weights = op.weights(*inputs)
    found = [size for y in results for size in y.shape] + [size for weight in weights for size in weight.shape]
    return found + [weight.size for weight in weights] + [op.macs(*types), op.flops(*types), op.connections(*types)]


def named(value, name):
    """Numbers spelled by names."""
    if isinstance(value, tuple):
        items = [named(item, f"{name}{at}") for at, item in enumerate(value)]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return Spelled.leaf(value, name) if type(value) in (int, float) else value


def replaced(op, change):
    """An op with other numbers, which are not checked."""
    copy = object.__new__(type(op))
    copy.__dict__.update({f.attribute: change(getattr(op, f.attribute), f.name) for f in op.fields.values()}, given=op.given)
    return copy


@pytest.mark.parametrize("step, inputs, arguments", CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_all_kinds_of_number_give_the_same(step, inputs, arguments):
    inputs = (inputs,) if hasattr(inputs, "_fields") else inputs
    op = make(step, arguments)
    op.infer(inputs)
    expected = counts(op, inputs)
    spelled = counts(op.spelled(), tuple(map(spell, inputs)))
    assert list(map(value_of, spelled)) == expected
    symbolic = counts(replaced(op, named), tuple(named(x, f"x{at}_") for at, x in enumerate(inputs)))
    assert list(map(value_of, symbolic)) == expected
    for number, value in zip(symbolic, expected, strict=True):
        if isinstance(number, Spelled):
            names = {leaf.name: leaf.value for leaf in leaves(number) if leaf.name}
            tools = {"max": max, "min": min, "gcd": np.gcd, "ceil_div": lambda a, b: -(-a // b)}
            assert eval(number.text(), {"__builtins__": {}}, names | tools) == value, number
            assert number.text(LECTURE)

    def array(value, name=""):
        """Two networks at once: a number of each, the second of which is the first."""
        if name in STRUCTURE or (name in QUOTIENTS and isinstance(value, float)):
            return value
        if isinstance(value, tuple):
            items = [array(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return np.array([value, value]) if type(value) in (int, float) else value

    found = counts(replaced(op, array), tuple(map(array, inputs)))
    assert [np.broadcast_to(number, 2).tolist() for number in found] == [[value, value] for value in expected]


def leaves(number):
    return [leaf for part in number.parts for leaf in leaves(part)] if number.operation else [number]


def test_arrays_hold_many_networks_at_once():
    """The sizes, weights and MACs of a convolution for all heights at once are those of one height after the other."""
    heights, op = np.arange(5, 60), make("conv", {"k": 5, "f": 6, "s": 2, "p": 1, "round": "floor"})
    at_once = counts(op, (Map((heights, 20), 3),))
    one_by_one = [counts(op, (Map((int(height), 20), 3),)) for height in heights]
    for number, column in zip(at_once, zip(*one_by_one, strict=True), strict=True):
        assert np.broadcast_to(number, len(heights)).tolist() == list(column)


FORMULAS = (
    "output",
    "weights",
    "macs",
    "flops",
    "connections",
    "window",
    "kernel",
    "filters",
    "depth",
    "stack",
    "target",
    "covered",
    "sizes",
    "span",
    "spanned",
    "shifts",
    "before",
    "after",
)
LOSES = {"int", "float", "range", "set", "dict", "frozenset", "str", "hash", "divmod", "round"}


def formulas():
    """The functions that formulas are made of: methods of those names, and the functions that they share."""
    from archspec.ops import base, conv, fitting, window

    for cls in dict.fromkeys(parent for op in all_classes() for parent in op.__mro__ if issubclass(parent, Op)):
        for name in FORMULAS:
            if inspect.isfunction(vars(cls).get(name)):
                yield f"{cls.__name__}.{name}", vars(cls)[name]
    for module, names in {
        base: ["per_axis"],
        conv: ["_same", "_spread"],
        fitting: ["room", "span"],
        window: ["_same", "windows"],
    }.items():
        for name in names:
            yield f"{module.__name__}.{name}", getattr(module, name)


@pytest.mark.parametrize("name, function", list(formulas()), ids=lambda value: value if isinstance(value, str) else "")
def test_no_formula_loses_where_its_numbers_came_from(name, function):
    """No conversion, no hash of a size, no text: `int`, `range`, sets, dicts, f-strings."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.Set, ast.SetComp, ast.Dict, ast.DictComp, ast.JoinedStr)), f"{name}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in LOSES, f"{name}: {ast.unparse(node)}"


def test_a_product_of_sizes_remembers_its_factors():
    assert product(spell((5, 5, 6))).text(LECTURE) == "5*5*6"
