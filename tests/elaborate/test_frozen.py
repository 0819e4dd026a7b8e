"""Frozen layers and lines: what is counted, what trains, and what is refused."""

import json

import pytest

import archspec
from archspec.analysis.training import TrainingMemory
from archspec.api import Options, compile_text
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json
from archspec.ops import all_classes, op_class

SPEC = """
input 8x8x3
stem: conv k=3 f=4 p=1 frozen=yes
frozen backbone:
  bn
  block1: unit
  dwconv k=3 frozen=no
unit
frozen s: scale 0.5
fc 5
block unit():
  conv k=1 f=cin bias=no | bn | tanh
"""
FROZEN = {"stem": 4 * 3 * 9 + 4, "backbone.0": 8, "backbone.block1.conv1": 16, "backbone.block1.bn1": 8, "s": 4}


def test_frozen_weights_are_in_the_total_and_apart():
    report = archspec.analyze(archspec.loads(SPEC))
    assert {row.name: row.frozen for row in report if row.frozen} == FROZEN
    assert all(row.params == row.frozen and row.learned == 0 for row in report if row.frozen)
    assert report.totals.params == sum(row.params for row in report)
    assert report.frozen_params == report.totals.frozen == sum(FROZEN.values())
    assert report.totals.buffers == 3 * 8
    assert f"of which {sum(FROZEN.values())} are frozen" in str(report)
    assert "all of the parameters: `frozen=yes`" in str(archspec.explain(archspec.loads(SPEC), "stem"))


def test_codes_beside_the_parameters_and_frozen_parameters_are_told_apart():
    report = archspec.analyze(archspec.loads("input 6\nfc 5 frozen=yes\ntanh\nrbf 3"))
    assert (report.totals.params, report.totals.frozen, report.frozen_params) == (35, 50, 35)
    text = str(report)
    assert "of which 35 are frozen" in text and "15 weights are frozen: fixed, not learned" in text


def test_every_layer_with_weights_takes_frozen_and_others_do_not():
    takes = {op.step for op in all_classes() if "frozen" in op.fields}
    assert {"conv", "dwconv", "deconv", "fc", "linear", "embed", "bn", "ln", "gn", "prelu", "scale", "attn", "winattn"} <= takes
    assert not takes & {"relu", "pool", "add", "flatten", "dropout", "tokens", "rbf"}
    assert [*op_class("conv").fields][-1] == "frozen"
    (found,) = compile_text("input 8x8x3\nrelu frozen=yes", "t.arch", Options())[1]
    assert found.code == "A102"


def test_expanded_and_as_a_document_it_is_the_same():
    network = archspec.loads(SPEC)
    assert to_json(from_json(to_json(network))) == to_json(network)
    flat = archspec.loads(expand(network))
    assert [(r.name, r.frozen) for r in archspec.analyze(flat)] == [(r.name, r.frozen) for r in archspec.analyze(network)]
    elements = json.loads(to_json(network))["graphs"][-1]["elements"]
    assert elements[0]["arguments"] == {"k": 3, "p": 1, "f": 4, "frozen": True}


def test_the_module_has_no_gradients_for_them_and_statistics_move():
    torch = pytest.importorskip("torch")
    model = archspec.to_torch(archspec.loads(SPEC), seed=0)
    fixed = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert {name.rpartition(".")[0] or name for name in fixed} == set(FROZEN)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model.train()(torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    optimizer.step()
    moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert not moved & fixed
    assert {"backbone.0.running_mean", "backbone.block1.bn1.running_var", "fc1.weight", "unit1.conv1.weight"} <= moved
    assert "frozen(nn.Conv2d(3, 4, 3, padding=1))" in archspec.emit(archspec.loads(SPEC), "torch")


def test_training_memory_has_no_gradients_and_states_for_them():
    report = archspec.analyze(archspec.loads(SPEC))
    memory = TrainingMemory(archspec.loads(SPEC), optimizer="adam")
    learned = report.totals.params - sum(FROZEN.values())
    assert (memory.gradients, memory.states) == (4 * learned, 8 * learned)
    assert memory.weights == 4 * (report.totals.params + report.totals.buffers)


def test_onnx_has_the_same_values():
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    network = archspec.loads(SPEC)
    model = archspec.to_torch(network, seed=0).eval()
    proto = archspec.to_onnx(network, model.state_dict(), batch=2)
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    (found,) = runtime.InferenceSession(proto.SerializeToString()).run(None, {"input": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), model(x).detach(), rtol=1e-4, atol=1e-5)


def test_again_of_what_is_frozen_is_frozen_and_what_is_learned_cannot_be():
    text = "input 8x8x3\nfrozen c: conv k=1 f=3\nagain c\n"
    network = archspec.loads(text)
    assert archspec.analyze(network).frozen_params == 12
    assert TrainingMemory(network).gradients == 0 == TrainingMemory(network).kept
    (found,) = compile_text("input 8x8x3\nc: conv k=1 f=3\nfrozen d: again c\n", "t.arch", Options())[1]
    assert (found.code, found.span.line) == ("A304", 3)
    assert found.message == "the weights of `c` are learned where it stands, so they cannot be frozen here"


def test_the_command_says_how_many(tmp_path, capsys):
    from archspec.cli.main import run

    path = tmp_path / "net.arch"
    path.write_text(SPEC)
    run(["check", str(path)])
    assert f"({sum(FROZEN.values())} frozen)" in capsys.readouterr().out
    run(["table", "--format", "json", str(path)])
    table = json.loads(capsys.readouterr().out)
    assert table["totals"]["frozen"] == sum(FROZEN.values()) and table["layers"][0]["frozen"] == FROZEN["stem"]
    assert "of which frozen" in archspec.report(archspec.loads(SPEC)).html
