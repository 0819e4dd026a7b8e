"""Networks without names: their modules are found by what comes again and again."""

from __future__ import annotations

import json
import re

import pytest

import archspec
from archspec.analysis.tensors import tensors
from archspec.shortening.prove import renamed
from tests.helpers.paths import FACTS, SPECS
from tests.helpers.specs import few_quick
from tests.shortening.test_shorten import kinds, lines

LINES = json.loads((FACTS / "shortened_unnamed_lines.json").read_text(encoding="utf-8"))
"""How many lines each bundled spec takes once its names are lost and it is shortened, without `model` and `meta`."""


def unnamed(network):
    """The layers by what they do, without the names of those whose weights they use."""
    return sorted((op, re.sub(r" ?weights=\S+", "", config), *others) for op, config, *others in kinds(network))


@pytest.mark.parametrize("path", few_quick(SPECS), ids=lambda path: path.stem)
def test_bundled_specs_are_short_without_their_names(path):
    network = archspec.load(path)
    text, note, names = archspec.shorten(network, named=False)
    again = archspec.loads(text, name=path.stem)
    assert not note
    assert lines(text) <= LINES[path.stem], "it was shorter"
    assert unnamed(again) == unnamed(network)
    assert renamed(network, again) == (names, [])
    mine = {(tensor.place.name, tensor.name, tensor.shape) for tensor in tensors(network)}
    assert {(names[tensor.place.name], tensor.name, tensor.shape) for tensor in tensors(again)} == mine


def test_the_lines_are_those_of_all_bundled_specs():
    assert LINES.keys() == {path.stem for path in SPECS}


def test_a_residual_network_without_names_reads_as_one_writes_it():
    assert archspec.shorten(archspec.load("mobilenet_v2"), named=False).text.splitlines()[-18:] == [
        "block inverted(f, s=1):",
        "  residual if cin == f:",
        "    conv k=1 f=6*cin | bn | relu6 if f > 16",
        "    dwconv k=3 s=s p=1 bias=no round=floor | bn | relu6",
        "    conv k=1 f=f | bn",
        "",
        "input 224x224x3",
        "conv k=3 f=32 s=2 p=1 round=floor | bn | relu6",
        "inverted 16",
        "repeat 2: inverted 24 s=2,1",
        "repeat 3: inverted 32 s=2,1",
        "repeat 4: inverted 64 s=2,1",
        "repeat 3: inverted 96",
        "repeat 3: inverted 160 s=2,1",
        "inverted 320",
        "conv k=1 f=1280 | bn | relu6",
        "gap | flatten | dropout 0.2",
        "fc 1000",
    ]


@pytest.mark.parametrize("name", few_quick(["lenet5", "resnet18", "mobilenet_v3_small", "googlenet"], ("lenet5",)))
def test_values_are_the_same_under_the_new_names(name):
    torch = pytest.importorskip("torch", reason="torch computes the values")
    network = archspec.load(name, inputs=(96, 96, 3) if name != "lenet5" else None)
    text, _, names = archspec.shorten(network, named=False)
    one, other = (archspec.to_torch(net).eval() for net in (network, archspec.loads(text)))
    state = one.state_dict()
    new = {old: new for new, old in names.items()}
    other.load_state_dict({f"{new[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value for key, value in state.items()})
    type_ = network.inputs[0].type
    x = torch.randn(2, type_.channels, *type_.spatial)
    with torch.no_grad():
        found, wanted = other(x), one(x)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_networks_that_differ_are_not_the_same_under_any_names():
    one = "input 8x8x4\nresidual:\n  conv k=3 f=4 p=1\n  conv k=3 f=4 p=1\n"
    other = "input 8x8x4\nresidual: conv k=3 f=4 p=1\nconv k=3 f=4 p=1\n"
    assert renamed(archspec.loads(one), archspec.loads(one)) == ({"conv1": "conv1", "conv2": "conv2"}, [])
    assert renamed(archspec.loads(one), archspec.loads(other))[1]


def test_branches_that_are_alike_keep_their_order():
    text = "input 8x8x4\nconcat:\n  conv k=3 f=4 p=1 | bn\n  conv k=3 f=4 p=1 | bn\nconv k=1 f=2\n"
    other = "input 8x8x4\nx: skip\na: conv k=3 f=4 p=1 | bn\nb: from x | conv k=3 f=4 p=1 | bn\nfrom a | concat b | conv k=1 f=2\n"
    names, wrong = renamed(archspec.loads(text), archspec.loads(other))
    assert not wrong and names["a.0"] == "conv1" and names["b.0"] == "conv2"


def test_branches_that_are_alike_may_come_in_another_order():
    """A cross-stage partial block as Darknet runs it: the layer that comes first is joined last."""
    made = "x: skip\na: conv k=1 f=4\nb: from x | conv k=1 f=4\nresidual: conv k=3 f=4 p=1\nconcat a\nconv k=1 f=2\n"
    network = archspec.loads(f"input 8x8x4\n{made}")
    text = "input 8x8x4\nconcat:\n  seq:\n    conv k=1 f=4\n    residual: conv k=3 f=4 p=1\n  conv k=1 f=4\nconv k=1 f=2\n"
    names, wrong = renamed(network, archspec.loads(text))
    assert not wrong and names == {"conv1": "b", "conv2": "conv3", "conv3": "a", "conv4": "conv4"}
    short = archspec.shorten(network, named=False)
    assert not short.note and "concat:" in short.text
