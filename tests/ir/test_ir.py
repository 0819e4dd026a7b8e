"""The graph, its verifier, its JSON document, and sharing."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

import archspec
from archspec.ir.graph import Call
from archspec.ir.schema import from_json, schema, to_json
from archspec.ir.verify import verify
from archspec.ir.walk import walk
from archspec.ops import STEPS, all_classes, make, op_class
from archspec.ops.base import Op
from archspec.ops.declare import Unfit
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_the_document_round_trips_exactly(path):
    network = archspec.load(path)
    verify(network)
    text = to_json(network)
    again = from_json(text)
    assert to_json(again) == text
    first, second = archspec.analyze(network), archspec.analyze(again)
    assert first.totals == second.totals
    assert [row[:-2] for row in first.layers] == [row[:-2] for row in second.layers]


def test_the_document_fits_its_published_schema():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    for name in ("lenet5_1998", "googlenet", "resnet152"):
        validator.validate(json.loads(to_json(archspec.load(name))))


def broken(change):
    document = json.loads(to_json(archspec.load("resnet18")))
    change(document)
    return json.dumps(document)


BROKEN = {
    "another version": lambda d: d.update(archspec=2),
    "an unknown key": lambda d: d.update(extra=1),
    "an unknown op": lambda d: d["graphs"][0]["elements"][0].update(op="nope"),
    "an argument too many": lambda d: d["graphs"][0]["elements"][0]["arguments"].update(z=1),
    "an argument of a wrong type": lambda d: d["graphs"][0]["elements"][0]["arguments"].update(k="3"),
    "a wrong output": lambda d: d["graphs"][0]["elements"][0]["output"].update(shape=[1, 1, 64]),
    "a value that comes later": lambda d: d["graphs"][0]["elements"][0].update(inputs=[5]),
    "no value": lambda d: d["graphs"][0]["elements"][0].update(inputs=[]),
    "a call of nothing": lambda d: d["graphs"][-1]["elements"][4].update(call=99),
    "a call of itself": lambda d: d["graphs"][-1]["elements"][4].update(call=len(d["graphs"]) - 1),
    "no rounds": lambda d: d["graphs"][-1]["elements"][4].update(times=0),
    "an output of nothing": lambda d: d["outputs"][0].update(value=1000),
    "no graphs": lambda d: d.update(graphs=[]),
    "a source that is not there": lambda d: d["inputs"][0]["origin"].update(source=7),
    "other inputs": lambda d: d["inputs"][0]["type"].update(shape=[1, 2, 3]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_unsound_document_is_refused(what):
    with pytest.raises((ValueError, ValidationError)):
        from_json(broken(BROKEN[what]))


def test_equal_rounds_are_one_graph():
    network = archspec.load("resnet152")
    layer3 = next(e for e in network.graph.elements if e.label == "layer3").graph
    assert [(e.times, str(e.graph.instance)) for e in layer3.elements if isinstance(e, Call)] == [
        (1, "bottleneck n=256 s=2"),
        (35, "bottleneck n=256 s=1"),
    ]
    assert len(network.graphs()) < 20
    assert network.graph.layers == len(list(walk(network)))


def test_equal_calls_share_and_different_ones_do_not():
    text = "input 8x8x4\nblock b(n):\n  conv k=3 f=n p=1 | relu\nb 4\nb 4\nb 8\nx: b 8\ny: b 8\n"
    graphs = [e.graph for e in archspec.loads(text).graph.elements]
    assert graphs[0] is graphs[1]
    assert graphs[2] is not graphs[1]
    assert graphs[3] is graphs[4]
    assert graphs[2] is not graphs[3], "the input differs"


def test_every_step_has_one_class_in_the_module_that_the_table_names():
    from importlib import import_module

    for step, family in STEPS.items():
        assert op_class(step).__module__ == f"archspec.ops.{family}"
    found = {
        value.step
        for module in {f"archspec.ops.{family}" for family in STEPS.values()}
        for value in vars(import_module(module)).values()
        if isinstance(value, type) and issubclass(value, Op) and value.__module__ == module and value.step.isalnum()
    }
    assert found == set(STEPS)


def test_every_op_says_what_it_does():
    for op in all_classes():
        text = op.__doc__ or ""
        assert text.strip(), op.step
        if op.elementary:
            assert op.cost_note, op.step
        for field in op.fields.values():
            assert field.description, (op.step, field)


def test_ops_are_frozen_strict_and_interned():
    conv = make("conv", {"k": 3, "f": 8})
    assert make("conv", {"f": 8, "k": 3}) is conv
    assert make("conv", {"k": 3, "f": 8, "bias": True}) == conv
    with pytest.raises(AttributeError):
        conv.k = 5
    for wrong in ({"k": "3", "f": 8}, {"k": 3, "f": 8.0}, {"k": 3, "f": 8, "q": 1}, {"k": 3, "f": True}, {"k": 3}):
        with pytest.raises(Unfit):
            make("conv", wrong)


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_formulas_hold_with_their_numbers(path):
    """Every formula that `explain` shows is an equation that Python finds true."""
    for row in archspec.analyze(archspec.load(path)).layers:
        for key, formula in row.work.items():
            for part in re.split(r", (?=[a-z]+: )", formula):
                left, _, right = re.sub(r"^[a-z]+: ", "", part).partition(" = ")
                if not right or "windows" in left or "channels" in right:
                    continue
                value = eval(left.replace("ceil(", "-(-").replace("/", "//") if "ceil" in left else left)
                stated = right.split(",")[0]
                assert abs(value - float(stated)) < 0.005, (row.name, key, formula)
                if key in ("params", "macs"):
                    assert int(stated) == getattr(row, key), (row.name, key, formula)
