"""The comparison with other tools: the truth it measures them against, and its stored results."""

import json
from importlib.util import find_spec

import pytest

import archspec
from tests.benchmarks.peers.corners import CORNERS
from tests.benchmarks.peers.mistakes import MISTAKES, said
from tests.benchmarks.peers.rules import MACS, PARAMS, TEXT, verdict
from tests.benchmarks.peers.tools import TOOLS
from tests.benchmarks.peers.truth import NETWORKS, Tally
from tests.helpers.paths import TESTS
from tests.helpers.specs import few_quick

RESULTS = json.loads((TESTS / "benchmarks" / "peers" / "results.json").read_text(encoding="utf-8"))
TRUTH = {name: truth() for name, (_, _, truth) in NETWORKS.items()} | {name: corner.truth for name, corner in CORNERS.items()}


def load(name):
    if name in CORNERS:
        return archspec.loads(CORNERS[name].spec)
    spec, *options = NETWORKS[name][1].split()
    params = {key: [int(part) for part in value.split(",")] for key, _, value in (o.partition("=") for o in options) if value}
    return archspec.load(spec, params=params)


@pytest.mark.parametrize("name", [name for name in TRUTH if name not in CORNERS or CORNERS[name].spec])
def test_archspec_has_the_truth(name):
    totals = archspec.analyze(load(name)).totals
    assert (totals.params, totals.macs) == (TRUTH[name].params, TRUTH[name].macs)


@pytest.mark.parametrize("name", few_quick(TRUTH, set(TRUTH) - {"densenet201", "resnet152"}))
@pytest.mark.filterwarnings("ignore")
def test_torch_has_the_truth(name):
    torch = pytest.importorskip("torch", reason="FlopCounterMode is what the truth is compared with")
    if name in NETWORKS and name != "lenet5" and find_spec("torchvision") is None:
        pytest.skip("the network is torchvision's")
    from tests.benchmarks.peers import modules, networks, tools

    with torch.device("meta"):
        module = networks.torch_network(name) if name in NETWORKS else modules.TORCH[name][0]().to("meta")
        x = torch.zeros(networks.shape(name) if name in NETWORKS else (1, *modules.TORCH[name][1]))
    assert tools.torch_count(module, x) == (TRUTH[name].params, TRUTH[name].macs)


def test_results_are_of_this_truth():
    """Results measured against another truth would be judged by it."""
    assert RESULTS["truth"] == {name: truth.numbers() for name, truth in TRUTH.items()}
    assert set(RESULTS["counts"]) == set(TOOLS)
    assert set(RESULTS["mistakes"]) == set(MISTAKES)


def test_rules_speak_of_what_there_is():
    kinds = set(Tally().__dataclass_fields__)
    assert all(set(weights) < kinds for weights in (*MACS.values(), *PARAMS.values()))
    assert {*MACS, *PARAMS} <= set(TEXT)


def test_verdicts():
    truth = {"params": 10, "macs": 100, "bias": 5}
    cells = [({"params": 10, "macs": macs, "said": False}) for macs in (100, 105, 95)]
    assert [verdict("torchinfo", truth, cell, "macs")[0] for cell in cells] == ["exact", "rule", "wrong"]
    assert verdict("fvcore", truth, {"params": 10, "macs": 95, "said": True}, "macs") == ("says", 95)
    assert verdict("onnx-tool", truth, {"params": 10, "macs": 300, "said": False, "products": 100}, "macs") == ("rule", 300)
    assert verdict("onnx-tool", truth, {"params": 10, "macs": 300, "said": False, "products": 99}, "macs") == ("wrong", 300)
    assert verdict("thop", truth, {"error": "ValueError: no"}, "macs") == ("error", None)
    assert verdict("Keras", truth, None, "params") == ("none", None)


def test_the_results_have_archspec_right():
    """Whatever the language has was given to it, and came out exact."""
    cells = {name: cell for name, cell in RESULTS["counts"]["archspec"].items() if cell is not None}
    assert set(TRUTH) - set(cells) == {name for name, corner in CORNERS.items() if corner.spec is None}
    for name, cell in cells.items():
        assert (cell["params"], cell["macs"]) == (TRUTH[name].params, TRUTH[name].macs)


def test_a_message_is_told_from_its_traceback():
    text = 'Traceback (most recent call last):\n  File "net.py", line 7\n    x = conv(8)\nValueError: no room for 5\n'
    assert said(text) == "ValueError: no room for 5"
