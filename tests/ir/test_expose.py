"""Values inside calls made visible: by the names of keys, through several levels, without a change of what was there."""

from __future__ import annotations

import pytest

import archspec
from archspec.ir.builder import GraphBuilder
from archspec.ir.expose import Exposures, Unseen, seen
from archspec.ir.graph import Call, Further, Network, Output
from archspec.ir.verify import verify
from archspec.ir.walk import flattened, walk
from archspec.types import Map
from tests.helpers.nested import gated

TEXT = """
input 16x16x4
backbone:
  layer1: repeat 2: conv k=3 f=4 p=1 | relu
  layer2:
    residual:
      conv k=3 f=4 p=1
      inner: conv k=1 f=4 | bn
    relu
  layer3: repeat 3: bottle
conv k=1 f=4
other: repeat 2: conv k=3 f=4 p=1 | relu
block bottle():
  residual:
    conv k=1 f=4
    hidden: conv k=3 f=4 p=1
"""


def building(network):
    """The top graph of a network as one that is being built."""
    graph, builder = network.graph, GraphBuilder()
    for type_ in graph.inputs:
        builder.input(type_)
    for element in graph.elements:
        builder.add(element._replace(inputs=tuple(v if v < len(graph.inputs) else ~(v - len(graph.inputs)) for v in element.inputs)))
    return builder


def value_of(builder, label):
    return next(~at for at, e in enumerate(builder.elements) if not isinstance(e, Further) and e.label == label)


def added(builder, network, values):
    """The network that adds all of some values to the result."""
    for value in values:
        builder.apply(archspec.ops.make("add", {}), [~(len(builder.elements) - 1), value], None, None)
    graph = builder.finish(~(len(builder.elements) - 1))
    found = Network("exposed", graph, network.inputs, (Output("output", graph.result),))
    verify(found)
    return found


PATHS = {
    ("backbone", "layer1"): ["backbone.layer1.3"],
    ("backbone", "layer1", "0"): ["backbone.layer1.0"],
    ("backbone", "layer1", "2"): ["backbone.layer1.2"],
    ("backbone", "layer2", "inner"): ["backbone.layer2.inner.1"],
    ("backbone", "layer2", "inner", "0"): ["backbone.layer2.inner.0"],
    ("backbone", "layer2", "*"): ["backbone.layer2.0", "backbone.layer2.inner.1", "backbone.layer2.add1", "backbone.layer2.2"],
    ("backbone", "layer3", "1"): ["backbone.layer3.1.add1"],
    ("backbone", "layer3", "*"): [f"backbone.layer3.{at}.add1" for at in range(3)],
    ("backbone", "*", "0"): ["backbone.layer1.0", "backbone.layer2.0", "backbone.layer3.0.add1"],
}


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_path_leads_to_what_keys_call_so(path):
    network = archspec.loads(TEXT)
    builder = building(network)
    values = Exposures().expose(builder, value_of(builder, path[0]), path[1:])
    found = added(builder, network, [value for _, value in values])
    places, _ = flattened(found)
    assert [place.sources[1] for place in places if place.name.startswith("add")] == PATHS[path]
    before = [(place.name, place.node.op, place.sources) for place in walk(network)]
    assert [(place.name, place.node.op, place.sources) for place in places][: len(before)] == before
    assert archspec.analyze(found).totals.params == archspec.analyze(network).totals.params


def test_equal_graphs_stay_one_object():
    group = archspec.Block(Map((32,), 4))
    inner = group.call(gated(1), group.inputs[0], times=3)
    graph = group.graph(group.op("relu", inner))
    b = archspec.Builder("net")
    x = b.input("input", Map((32,), 4))
    one = b.call(graph, x, label="one")
    two = b.call(graph, one, label="two")
    exposures, builder = Exposures(), b._graph
    sides = exposures.expose(builder, one.number, ("*", "side"))
    sides += exposures.expose(builder, two.number, ("*", "side"))
    assert [name for name, _ in sides] == ["0.side", "1.side", "2.side"] * 2
    first, second = (e.graph for e in builder.elements if isinstance(e, Call))
    assert first is second and first is not graph and first.names == ("0.side", "1.side", "2.side")
    assert exposures.expose(builder, one.number, ("1", "side")) == [sides[1]], "a value is exposed once"
    assert {e.graph for e in first.elements if isinstance(e, Call)} == {e.graph for e in graph.elements if isinstance(e, Call)}


def test_rounds_in_rounds_are_those_of_keys():
    """`stack: repeat 3: repeat 10: gated d=1,2,...`: an inline call of ten calls, three times."""
    inner = archspec.Block(Map((32,), 4))
    y = inner.inputs[0]
    for d in (1, 2, 4):
        y = inner.call(gated(d), y)
    stack = archspec.Block(Map((32,), 4))
    y = stack.call(inner.graph(y), stack.inputs[0], times=3)
    stack._graph.elements[-1] = stack._graph.elements[-1]._replace(inline=True)
    graph = stack.graph(y)
    assert [name for name, _ in seen(graph, ("*", "side"), {})] == [f"{at}.side" for at in range(9)]
    b = archspec.Builder("net")
    z = b.call(graph, b.input("input", Map((32,), 4)), label="stack")
    values = Exposures().expose(b._graph, z.number, ("*", "side"))
    b._graph.apply(archspec.ops.make("add", {}), [value for _, value in values], None, None)
    graph = b._graph.finish(~(len(b._graph.elements) - 1))
    network = Network("net", graph, tuple(b._named), (Output("output", graph.result),))
    verify(network)
    assert list(walk(network))[-1].sources == tuple(f"stack.{at}.conv3" for at in range(9))


def test_what_borrows_weights_and_what_lends_them_get_the_result():
    group = archspec.Block(Map((32,), 4))
    graph = group.graph(group.op("relu", group.op("conv", group.inputs[0], k=1, f=4, label="inner")))
    b = archspec.Builder("net")
    one = b.call(graph, b.input("input", Map((32,), 4)), label="one")
    two = b.call(graph, one, label="two", owner=one)
    Exposures().expose(b._graph, two.number, ("inner",))
    assert [e.graph.names for e in b._graph.elements if isinstance(e, Call)] == [("inner",), ("inner",)]


UNSEEN = {
    ("nothing",): (0, ("layer1", "layer2", "layer3"), None),
    ("layer2", "outer"): (1, ("0", "inner", "add1", "2"), None),
    ("layer2", "inner", "5"): (2, ("0", "1"), None),
    ("layer3", "0", "hidden"): (2, (), "bottle"),
    ("layer2", "0", "weight"): (2, (), None),
}


@pytest.mark.parametrize("path", UNSEEN, ids=".".join)
def test_a_path_that_leads_nowhere_says_how_far_it_went(path):
    network = archspec.loads(TEXT)
    builder = building(network)
    with pytest.raises(Unseen) as caught:
        Exposures().expose(builder, value_of(builder, "backbone"), path)
    assert (caught.value.found, caught.value.known, caught.value.block) == UNSEEN[path]
