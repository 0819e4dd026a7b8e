"""Further results of graphs: what walks, documents, the verifier and analyses make of them, against the same networks written flat."""

from __future__ import annotations

import json

import pytest

import archspec
from archspec.analysis.depth import depth, weight_layers
from archspec.analysis.smallest_input import smallest_input
from archspec.backends.arch import expand
from archspec.ir.graph import Call, Further
from archspec.ir.schema import from_json, schema, to_json
from archspec.ir.walk import Visit, events, flattened, walk
from archspec.ops import op_class
from archspec.types import Map
from tests.helpers.nested import TYPE, gated, random_network, unet, wavenet


def test_a_further_result_is_read_by_name_and_takes_no_name_of_its_own():
    b = archspec.Builder("two")
    x = b.input("input", Map((32,), 4))
    y = b.call(gated(1), x, times=3)
    sides = [b.further(y, "side", at) for at in range(3)]
    z = b.op("conv", b.op("add", *sides), k=1, f=2)
    b.output(b.op("conv", z, k=1, f=2))
    network = b.network()
    places, (end,) = flattened(network)
    by_name = {place.name: place for place in places}
    assert by_name["add1"].sources == ("gated1.conv3", "gated2.conv3", "gated3.conv3")
    assert [name for name in by_name if "." not in name] == ["add1", "conv1", "conv2"] and end == "conv2"
    assert network.graph.layers == len(places) == 3 * 8 + 3
    assert b.further(y, "side", -1) == sides[2] and b.further(y, 0) == y, "a result is picked once"
    assert len({e.graph for e in network.graph.elements if isinstance(e, Call)}) == 1


def test_rounds_that_are_folded_stand_for_all():
    b = archspec.Builder("two")
    y = b.call(gated(1), b.input("input", Map((32,), 4)), times=3)
    b.output(b.op("add", b.further(y, "side", 0), b.further(y, "side", 2)))
    folded = [event for event in events(b.network().graph, fold=True) if isinstance(event, Visit)]
    assert folded[-1].sources == (6, 6) and folded[5].name == "gated1..gated3.conv3"


def test_wavenet_is_what_it_is_when_written_flat():
    lines = ["input 32x1", "h: conv k=3 f=4 p=same"]
    for at, d in enumerate((1, 2, 4, 8) * 3):
        before = f"h{at - 1}" if at else "h"
        lines += [
            f"from {before}", f"f{at}: conv k=3 f=4 d={d} p=same | tanh", f"from {before}", f"conv k=3 f=4 d={d} p=same | sigmoid",
            f"g{at}: mul f{at}", f"s{at}: conv k=1 f=6", f"from g{at}", "conv k=1 f=4", f"h{at}: add {before}",
        ]  # fmt: skip
    sides = " ".join(f"s{at}" for at in range(1, 12))
    flat = archspec.loads("\n".join([*lines, "from s0", f"add {sides}", "relu", "conv k=1 f=3"]))
    assert archspec.analyze(wavenet()).totals == archspec.analyze(flat).totals
    assert archspec.analyze(flat).totals.receptive_field == (1 + 2 + 2 * 3 * (1 + 2 + 4 + 8),)


NETWORKS = {"wavenet": wavenet, "unet": unet} | {f"random {seed}": lambda seed=seed: random_network(seed) for seed in range(120)}


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_memory_fields_and_depth_are_those_of_the_flat_network(name):
    network = NETWORKS[name]()
    flat = archspec.loads(expand(network), name=network.name)
    ours, theirs = archspec.analyze(network), archspec.analyze(flat)
    assert ours.totals == theirs.totals
    assert [row[:4] + row[5:13] for row in ours] == [row[:4] + row[5:13] for row in theirs]
    assert (depth(network), weight_layers(network)) == (depth(flat), weight_layers(flat))
    assert smallest_input(network) == smallest_input(flat)
    for precision in ("float32", "bfloat16"):
        one, other = (archspec.memory(net, precision=precision) for net in (network, flat))
        assert (one.weights, one.gradients, one.states) == (other.weights, other.gradients, other.states)
    text = to_json(network)
    assert to_json(from_json(text)) == text
    assert expand(flat) == expand(network)


def test_the_document_names_further_results_and_fits_its_schema():
    text = to_json(wavenet())
    document = json.loads(text)
    block, *_, stack, top = document["graphs"]
    assert list(block["further"]) == ["side"] and list(stack["further"])[:2] == ["0.side", "1.side"] and "further" not in top
    assert {"of": 3, "result": 1, "round": 0, "output": {"kind": "map", "shape": [32, 6]}} in stack["elements"] + top["elements"]
    again = from_json(text)
    assert [(p.name, p.sources) for p in walk(again)] == [(p.name, p.sources) for p in walk(wavenet())]
    pytest.importorskip("jsonschema").Draft202012Validator(schema()).validate(document)
    assert "further" not in to_json(archspec.load("lenet5")), "what has one result is written as before"


DAMAGE = {
    "is a result of neither a node nor a call": lambda e, g: e.update(of=0),
    "is result 2 of round 0; there are 2 results, 1 rounds": lambda e, g: e.update(result=2),
    "is result 0 of round 0": lambda e, g: e.update(result=0),
    "is result 1 of round 1": lambda e, g: e.update(round=1),
    "is said to give 32x4, but gives 32x6": lambda e, g: e["output"].update(shape=[32, 4]),
    "reads a value that does not stand before it": lambda e, g: e.update(of=99),
    "a result of it is no value of it": lambda e, g: g["further"].update({"0.side": 99}),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_a_damaged_document_is_refused_in_words(message):
    document = json.loads(to_json(wavenet()))
    stack = document["graphs"][-2]
    DAMAGE[message](next(e for e in stack["elements"] if "round" in e), stack)
    with pytest.raises(ValueError, match="graph") as caught:
        from_json(json.dumps(document))
    assert message in str(caught.value)


MISUSE = {
    "`gated` has no result 'sid'; it has side": lambda b, x, y: b.further(y, "sid"),
    "`gated` has no result 2; it has side": lambda b, x, y: b.further(y, 2),
    "`gated` runs 2 times; there is no round 2": lambda b, x, y: b.further(y, "side", 2),
    "only the value of a layer or call has further results": lambda b, x, y: b.further(x, 1),
    "`relu` has no result 1; it has 1": lambda b, x, y: b.further(b.op("relu", x), 1),
    "there are two results called `a`": lambda b, x, y: (b.result("a", x), b.result("a", y)),
    "there are two results called `output`": lambda b, x, y: b.result("output", x),
    "a further result has no weights to use": lambda b, x, y: b.op("conv", x, k=1, f=4, owner=b.further(y, "side")),
    "`output` names them": lambda b, x, y: (b.result("a", x), b.output(y), b.network()),
}


@pytest.mark.parametrize("message", MISUSE)
def test_misuse_is_a_value_error_that_says_what_is_wrong(message):
    b = archspec.Builder("net")
    x = b.input("input", Map((32,), 4))
    y = b.call(gated(1), x, times=2)
    with pytest.raises(ValueError, match=" ") as caught:
        MISUSE[message](b, x, y)
    assert message in str(caught.value)


def test_a_layer_may_give_several_values(monkeypatch):
    """No layer of the language does yet: `relu`, as one that gives its input too, stands for it."""
    monkeypatch.setattr(op_class("relu"), "infer", lambda op, inputs: (inputs[0], inputs[0]))
    b = archspec.Builder("net")
    y = b.op("relu", b.op("conv", b.input("input", TYPE), k=1, f=4))
    other = b.further(y, 1)
    b.output(b.op("add", b.op("sigmoid", y), other))
    network = b.network()
    assert [type(e) for e in network.graph.elements].count(Further) == 1
    assert [place.sources for place in walk(network)][-1] == ("sigmoid1", "relu1:1")
    report = archspec.analyze(network)
    assert report["relu1"].activations == 2 * TYPE.size
    assert report.totals.peak_activations == 3 * TYPE.size
    assert to_json(from_json(to_json(network))) == to_json(network)


def test_a_size_may_be_that_of_a_quoted_label():
    network = archspec.loads('input 8x8x3\n"a b": relu\npool 2\nupsample to="a b"')
    assert archspec.analyze(network).layers[-1].output == (8, 8, 3)


def test_a_tensor_that_a_path_leads_to_is_stretched():
    network = archspec.loads("input 8x8x3\ng:\n  t: tensor 1x1x3\n  relu\nadd g.t")
    assert archspec.analyze(network).layers[-1].output == (8, 8, 3)
