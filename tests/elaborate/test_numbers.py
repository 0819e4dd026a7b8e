"""Numbers that Python calls equal and that are not the same, numbers that are too large, and lists of many numbers."""

from __future__ import annotations

import pytest

import archspec
from archspec.elaborate import binding, expressions
from archspec.types import LIMIT

MIXED = {
    "a width times a half": "param width = 0.5\nblock b(n): conv k=1 f=n | bn\nb 16\nb 64*width",
    "all of them computed": "param width = 0.5\nblock b(n): conv k=1 f=n | bn | conv k=1 f=4*n\nb 32*width\nb 64*width",
    "a default": "param width = 0.5\nblock b(n=8*width): conv k=1 f=n | gn n\nb\nb 8",
    "a list": "param width = 0.5\nblock b(n): conv k=1 f=n\nrepeat 3: b n=2,8*width,16*width",
    "a label in a list": "param width = 0.5\nrepeat 2 as i:\n  c{4*width*i}: conv k=1 f=2*width,4",
    "a number that is whole and real in one call": "block b(n): conv k=1 f=n | leaky n | scale init=n\nb 2\nb 4.0\nb 8",
    "real before whole": "block b(n): leaky n | conv k=1 f=n\nb 2.0\nb 4",
    "a real number that is whole at times": "block b(p): leaky p | scale init=p\nb 1\nb 0.5\nb 2.0",
    "two parameters of equal values": "block b(n, p): conv k=1 f=n | leaky p\nb 1 1.0\nb 2 2.0\nb 4 4.0",
    "a dropout that is none": "block b(p): dropout p | relu\nb 0\nb 0.0\nb 0.5",
    "a group count": "param g = 2.0\nblock b(n, g): conv k=1 f=n g=g\nb 4 1\nb 8 g\nb 16 4.0",
    "strides and paddings": "param two = 2.0\nblock b(s, p): conv k=3 f=4 s=s p=p round=floor\nb 1 1\nb two two/2\nb 2.0 2",
    "sizes": "block b(k): conv k=k f=4 p=same\nb 3\nb 3x1\nb 1.0",
    "switches": "block b(y): conv k=1 f=4 bias=y | tanh\nb yes\nb 1\nb 0\nb 1.0\nb no",
    "a parameter called as a function is": "block b(float, int): conv k=1 f=float | leaky int | conv k=1 f=int\nb 1 1.0\nb 2 2\nb 4.0 4",
    "negative zero": "block b(p): leaky p\nb 0.0\nb -0.0\nb 0.25",
    "large and small": "block b(p): leaky p\nb 1e30\nb 1e-30\nb 1",
    "norms": "block b(e, m): bn eps=e momentum=m\nb 1 1\nb 0.5 0\nb 2.0 0.5",
    "slices": "param n = 2.0\nslice 0:n | conv k=1 f=n*n",
    "a table": "param n = 2.0\nconv k=1 f=2 maps=((0,1),(n,))",
    "initial weights": "block b(n, s): conv k=1 f=n init=normal std=s\nb 1 1\nb 2 2.0\nb 4 0.5",
}


@pytest.mark.parametrize("case", MIXED)
def test_emitted_modules_run_where_whole_and_real_numbers_mix(case):
    """2, 2.0 and yes are equal in Python, and not to the constructors of PyTorch."""
    torch = pytest.importorskip("torch", reason="torch runs the emitted modules")
    network = archspec.loads(f"input 8x8x4\n{MIXED[case]}\n")
    module = archspec.to_torch(network)
    assert sum(p.numel() for p in module.parameters()) == archspec.analyze(network).totals.params
    with torch.no_grad():
        y = module(torch.rand(2, 4, 8, 8))
    assert tuple(y.shape) == (2, network.graph.output.channels, *network.graph.output.spatial)
    slopes = [float(m.negative_slope) for m in module.modules() if isinstance(m, torch.nn.LeakyReLU)]
    assert slopes == [row.node.op.slope for row in archspec.analyze(network).layers if row.op == "leaky"]


def test_the_document_of_a_network_with_mixed_numbers_is_the_same_module():
    """Its numbers have no names, so that its classes may be more."""
    pytest.importorskip("torch", reason="torch is what is emitted for")
    from archspec.ir.schema import from_json

    for text in MIXED.values():
        network = archspec.loads(f"input 8x8x4\n{text}\n")
        again = from_json(archspec.emit(network, "json"))
        one, other = (archspec.to_torch(each, seed=0).state_dict() for each in (network, again))
        assert list(one) == list(other)
        assert all(one[key].equal(other[key]) for key in one)


@pytest.mark.parametrize("first, second", [("1", "yes"), ("(1,2)", "(1,yes)"), ("(2,1)", "(2,yes)")])
def test_a_call_with_an_equal_value_of_another_type_is_another_call(first, second):
    """`b 1` does not answer for `b yes`, which has a mistake in it."""
    text = "input 8x8x3\nblock b(n): repeat 2: conv k=1 f=n\n"
    archspec.loads(f"{text}b {first}\n")
    with pytest.raises(archspec.SpecError, match="must be a whole number of at least 1, not yes"):
        archspec.loads(f"{text}b {first}\nb {second}\n")


def test_a_layer_that_was_made_before_does_not_answer_for_an_equal_one():
    archspec.loads("input 8x8x3\nconv k=1 f=2 maps=((0,1),(1,))\n")
    with pytest.raises(archspec.SpecError, match="maps"):
        archspec.loads("input 8x8x3\nconv k=1 f=2 maps=((0,1),(yes,))\n")
    archspec.loads("input 4\nleaky -0.0\n")
    (row,) = archspec.analyze(archspec.loads("input 4\nleaky 0.0\n")).layers
    assert row.config == "0.0"


COUNTS = {
    "two layers": ("fc 9223372036854775807\nfc 9223372036854775807", ["fc 9223372036854775807"] * 2, "parameters"),
    "one layer": ("fc 48038396025285290", ["fc 48038396025285290"], "parameters"),
    "MACs": ("linear 9000000000000\nlinear 100000", ["linear 100000"], "MACs"),
    "FLOPs": ("lrn n=100000000000000000", ["lrn n=100000000000000000"], "FLOPs"),
    "a sum": ("conv k=1 f=20000000000000000 | slice 0:1\n" * 7, ["conv k=1 f=20000000000000000"], "FLOPs"),
    "rounds": ("repeat 400000: linear 1000000000000 | slice 0:3", ["repeat 400000"], "MACs"),
    "rounds of a block": ("block b(): linear 1000000000000 | slice 0:3\nrepeat 400000: b", ["b"], "MACs"),
    "in a block": ("block b(): fc 9223372036854775807\nb", ["fc 9223372036854775807"], "parameters"),
}


@pytest.mark.parametrize("case", COUNTS)
def test_counts_above_63_bits_are_refused_where_they_arise(case):
    text, places, what = COUNTS[case]
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(f"input 8x8x3\n{text}\n")
    found = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert [(d.code, d.span.text.strip().removesuffix(":")) for d in found] == [("A207", place) for place in places]
    assert all(f"{what}, more than 2^63 - 1" in d.message for d in found)


def test_counts_up_to_63_bits_are_counted():
    most = 2**31 - 1
    totals = archspec.analyze(archspec.loads(f"input {most}\nfc {most} bias=no\n")).totals
    assert totals.params == most**2 and totals.flops == 2 * most**2 <= LIMIT < 2 * (most + 1) ** 2
    with pytest.raises(archspec.SpecError, match="FLOPs"):
        archspec.loads(f"input {most + 1}\nfc {most + 1} bias=no\n")


@pytest.mark.parametrize("line", ["repeat {n}: conv k=1 f={items}", "block b(w): conv k=1 f=w\nrepeat {n}: b w={items}"])
def test_a_list_in_a_repeat_is_evaluated_once_for_each_of_its_items(line, monkeypatch):
    """Not once for each round: the time of a list would grow with the square of its length."""
    calls = 0
    evaluate = expressions.evaluate

    def counted(expr, scope):
        nonlocal calls
        calls += 1
        return evaluate(expr, scope)

    for module in (expressions, binding, archspec.elaborate.steps):
        monkeypatch.setattr(module, "evaluate", counted)
    found = []
    for n in (200, 400):
        calls = 0
        archspec.loads(f"input 4x4x1\n{line.format(n=n, items=','.join(map(str, range(1, n + 1))))}\n")
        found.append(calls)
    assert found[0] > 200 and found[1] < 2.5 * found[0]


def test_a_list_in_a_repeat_reports_the_round_of_its_mistake():
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads("input 4x4x1\nrepeat 3: conv k=1 f=8,9,wide\n")
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.text) == ("A106", "wide") and "round 3 of 3" in found.trace[0].text
