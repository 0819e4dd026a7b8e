"""Recurrent layers beside torch.nn's own: keys, shapes, values, gradients, initial values; what `explain` says of their gates."""

from __future__ import annotations

import itertools
import math

import pytest

torch = pytest.importorskip("torch", reason="torch has the layers that these are")

from torch import nn

import archspec
from archspec.analysis.tensors import tensors
from archspec.analysis.training import TrainingMemory
from archspec.weights.initializers import distribution
from tests.analysis.test_training_memory import saved
from tests.helpers.torch import Recurrent

MODULES = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
OPTIONS = list(itertools.product((1, 2), (1, 2, 3), (True, False), ("all", "last")))
STARTS = {"tokens": "input 7x5\ntokens\nNAME: ", "map": "input 7x5\nNAME: "}


def pair(step, start, dirs, layers, bias, out):
    """The emitted module of one layer, and torch's own with the same numbers."""
    text = f"{STARTS[start]}{step} 3 dirs={dirs} layers={layers} bias={'yes' if bias else 'no'} out={out}\n".replace("NAME", "core")
    ours = archspec.to_torch(archspec.loads(text), seed=0)
    theirs = Recurrent(MODULES[step], 5, 3, dirs, layers, bias=bias, last=out == "last")
    held = {key.removeprefix("core."): value for key, value in ours.state_dict().items()}
    assert list(held) == list(theirs.inner.state_dict())
    theirs.inner.load_state_dict(held)
    return ours, theirs


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("step", MODULES)
def test_values_and_gradients_are_torch_s(step, start):
    for dirs, layers, bias, out in OPTIONS:
        ours, theirs = pair(step, start, dirs, layers, bias, out)
        x = torch.randn(4, 5, 7, requires_grad=True)
        y = ours(x)
        expected = theirs(x.movedim(1, 2))
        if out == "all" and start == "map":
            expected = expected.movedim(2, 1)
        assert torch.equal(y, expected), (dirs, layers, bias, out)
        weights = torch.randn_like(y)
        found, wanted = (
            torch.autograd.grad((value * weights).sum(), [x, *net.parameters()]) for value, net in ((y, ours), (expected, theirs))
        )
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("step", MODULES)
def test_initial_values_are_distributed_as_torch_s(step):
    network = archspec.loads(f"input 9x5\n{step} 16 dirs=2 layers=2\n")
    for tensor in tensors(network):
        assert distribution(tensor) == ("uniform", 1 / math.sqrt(16))
    values = torch.cat([value.flatten() for value in MODULES[step](5, 16, 2, bidirectional=True).parameters()])
    assert 0.23 < values.abs().max() <= 0.25


@pytest.mark.parametrize("step", MODULES)
@pytest.mark.parametrize("options", ["3", "3 dirs=2", "3 layers=3 bias=no", "3 dirs=2 layers=2 out=last"])
def test_training_keeps_what_torch_saves(step, options):
    for start in ("input 7x5\ntokens\n", "input 7x5\n"):
        spec = f"{start}scale 0.5\n{step} {options}\nscale 0.5\n"
        network = archspec.loads(spec)
        assert TrainingMemory(network, 2).kept == saved(network, spec), spec


@pytest.mark.parametrize(("step", "params"), [("lstm 64 dirs=2 out=last", 1_379_457), ("gru 64 out=last", 1_317_313)])
def test_classifiers_of_text(step, params):
    """Parameters of torch.nn's modules in a row: embedding of 10,000 words in 128 numbers, the layer, one output."""
    net = archspec.loads(f"input 100\nembed 10000 128\n{step}\nfc 1\n")
    name, _, rest = step.partition(" ")
    dirs = 1 + ("dirs=2" in rest)
    modules = [nn.Embedding(10_000, 128), MODULES[name](128, 64, bidirectional=dirs == 2), nn.Linear(64 * dirs, 1)]
    assert archspec.analyze(net).totals.params == params == sum(p.numel() for module in modules for p in module.parameters())


def steps(text, layer):
    (found,) = archspec.explain(archspec.loads(text), layer)
    return {step.name: (step.value, step.how) for step in found.steps}


def test_explain_shows_the_gates():
    found = steps("input 100x128\ntokens\nlstm 64\n", "lstm1")
    gates = ["input gate i", "forget gate f", "candidate g", "output gate o"]
    assert [name for name in found if name in gates] == gates
    assert found["input gate i"] == (12_416, "sigmoid(W_i x + b_i + U_i h + d_i); 64*128 + 64*64 + 2*64 = 12,416")
    assert found["new cell c"] == (None, "f*c + i*g") and found["new state h"] == (None, "o*tanh(c)")
    assert sum(found[name][0] for name in gates) == found["parameters"][0] == 49_664
    assert found["MACs"] == (4_915_200, "4*100*64*(128 + 64) = 4,915,200")


def test_explain_shows_layers_and_directions():
    found = steps("input 9x4\nlstm 3 dirs=2 layers=2 bias=no\n", "lstm1")
    assert found["forget gate f"] == (96, "sigmoid(W_f x + U_f h); 2*(3*4 + 3*3 + 3*2*3 + 3*3) = 96")
    assert found["parameters"][0] == 4 * 96
    found = steps("input 9x4\ngru 3\n", "gru1")
    assert found["candidate n"] == (27, "tanh(W_n x + b_n + r*(U_n h + d_n)); 3*4 + 3*3 + 2*3 = 27")


def test_equations_are_what_torch_computes():
    """The equations of `explain`, step by step, with the numbers of torch's modules."""
    torch.manual_seed(0)
    x = torch.randn(2, 6, 5)
    for step, make in MODULES.items():
        module = make(5, 3, batch_first=True)
        names = {"rnn": "h", "gru": "rzn", "lstm": "ifgo"}[step]
        w, u, b, d = (dict(zip(names, tensor.chunk(len(names)), strict=True)) for tensor in module.parameters())
        h = c = torch.zeros(2, 3)
        (found,) = archspec.explain(archspec.loads(f"input 6x5\n{step} 3\n"), f"{step}1")
        rules = [(part.name, part.equation) for part in found.row.node.op.parts(*found.row.types)][1:]
        for at in range(6):
            known = {"h": h, "c": c, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
            for name, rule in rules:
                for gate in names:
                    known |= {f"W_{gate}_x": x[:, at] @ w[gate].T, f"U_{gate}_h": h @ u[gate].T, f"b_{gate}": b[gate], f"d_{gate}": d[gate]}
                known[name.split()[-1]] = eval(rule.replace(" x", "_x").replace(" h", "_h"), {}, known)
            h, c = known["h"], known["c"]
        assert torch.allclose(h, module(x)[0][:, -1], atol=1e-6), step


def test_a_map_with_two_axes_is_no_sequence():
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads("input 8x8x3\nlstm 4\n")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("A201", "`lstm` takes tokens or a map with one axis, not an 8x8x3 map")
    assert found.help == "`tokens` makes a sequence of the positions of a map"


@pytest.mark.parametrize("argument", ["dirs=3", "dirs=0", "layers=0", "out=first", "n=0"])
def test_arguments_are_checked(argument):
    with pytest.raises(archspec.SpecError):
        archspec.loads(f"input 8x3\nlstm {'4 ' if argument[0] != 'n' else ''}{argument}\n")
