"""The ONNX target: whole networks against the emitted PyTorch modules, options, files, and what is refused."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time

import pytest

torch = pytest.importorskip("torch", reason="torch is what values are compared with")
pytest.importorskip("onnx", reason="onnx holds the models")
pytest.importorskip("onnxruntime", reason="onnxruntime is what runs them")

import numpy as np
import onnx

import archspec
from archspec.analysis.tensors import tensors
from archspec.weights.initializers import distribution, draw
from tests.helpers.onnx import declared, dims, fault, inferred, inputs_of, run, session
from tests.helpers.paths import ROOT, SPECS
from tests.helpers.specs import VARIED, few_quick, reduced
from tests.helpers.torch import distance, enliven, results

TOLERANCE = 1e-5
SMALL = "input 8x8x3\nconv k=3 f=4 p=1 bias=no | bn | relu | dropout 0.5\ngap\nfc 5\n"


# whole networks


@pytest.mark.parametrize("path", few_quick(SPECS), ids=lambda p: p.stem)
def test_specs_give_the_values_of_the_emitted_module(path):
    network = reduced(path)
    inputs = inputs_of(network, 3)
    module = enliven(archspec.to_torch(network), inputs)
    expected = results(module, inputs)
    model = archspec.to_onnx(network, module.state_dict())
    del module
    onnx.checker.check_model(model, full_check=True)
    ready = session(model)
    del model
    one = {name: value[:1] for name, value in inputs.items()}
    assert [o.name for o in ready.get_outputs()] == [o.name for o in network.outputs if not o.training]
    for found, single, wanted in zip(run(ready, inputs), run(ready, one), expected, strict=True):
        assert distance(found, wanted) < TOLERANCE
        assert distance(single, wanted[:1]) < TOLERANCE
        assert distance(wanted[:1], wanted[1:2]) > 1e-3  # the result depends on the input


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_specs_have_the_shapes_that_onnx_infers(path):
    model = archspec.to_onnx(archspec.load(path), "none")
    onnx.checker.check_model(model, full_check=True)
    if fault({node.op_type for node in model.graph.node}) is None:
        assert declared(model).items() <= inferred(model).items()


FOLDS = {
    "a convolution": ("input 6x6x3\nconv k=3 f=4 bias=no | bn", 1),
    "groups": ("input 6x6x4\nconv k=3 f=6 g=2 | bn affine=no eps=0.1", 1),
    "a transposed convolution with groups": ("input 6x6x4\ndeconv k=3 f=6 g=2 s=2 | bn | deconv k=2 f=5 bias=no | bn", 2),
    "a fully connected layer": ("input 6\nfc 5 | bn | fc 4 bias=no | bn", 2),
    "one after the other": ("input 6x6x3\nconv k=3 f=4 | bn | bn", 2),
    "one after the other without a bias": ("input 6x6x3\nconv k=3 f=4 bias=no | bn | bn", 2),
    "a value that is read twice": ("input 6x6x3\nx: conv k=3 f=4\nbn | add x", 0),
    "a value that is put out": ("input 6x6x3\nconv k=3 f=4\noutput raw\nbn", 0),
    "a connection table": ("input 6x6x3\nconv k=3 f=2 maps=((0,1),(2,)) | bn", 0),
    "no convolution": ("input 6x6x3\nbn | conv k=3 f=2 | relu | bn", 0),
}


@pytest.mark.parametrize("case", [*FOLDS, *few_quick(["resnet18", "mobilenet_v3_small", "densenet121"], ["mobilenet_v3_small"])])
def test_folded_batch_norms_give_the_same_values(case):
    text, folds = FOLDS.get(case, ("", {"resnet18": 20, "mobilenet_v3_small": 34, "densenet121": 59}.get(case)))
    network = archspec.loads(text + "\n") if text else archspec.load(case)
    inputs = inputs_of(network, 3)
    module = enliven(archspec.to_torch(network), inputs)
    plain, folded = (archspec.to_onnx(network, module.state_dict(), fold_bn=fold) for fold in (False, True))
    onnx.checker.check_model(folded, full_check=True)
    assert len(plain.graph.node) - len(folded.graph.node) == folds
    for found, wanted in zip(run(session(folded), inputs), run(session(plain), inputs), strict=True):
        assert distance(found, wanted) < TOLERANCE


# the graph


def test_names_are_those_of_the_spec():
    network = archspec.load("resnet50")
    model = archspec.to_onnx(network)
    rows = {row.name: row for row in archspec.analyze(network).layers}
    assert [node.name for node in model.graph.node] == list(rows)
    assert [node.output[0] for node in model.graph.node] == [*list(rows)[:-1], "output"]
    assert {i.name: tuple(i.dims) for i in model.graph.initializer} == {t.key: t.shape for t in tensors(network)}
    assert model.graph.name == "resnet50"
    assert [(i.name, dims(i)) for i in model.graph.input] == [("input", ("N", 3, 224, 224))]
    assert {node.name: node.doc_string for node in model.graph.node}["layer1.0.conv2"].endswith(": conv k=3 f=64 p=1 bias=no")
    for node in model.graph.node:
        assert re.fullmatch(rf"line {rows[node.name].line}: .*", node.doc_string)


def test_operators_are_plain_ones():
    counts = {}
    for name in ("resnet50", "mobilenet_v2", "densenet121", "googlenet", "vgg16", "lenet5"):
        kinds = [node.op_type for node in archspec.to_onnx(archspec.load(name), "none").graph.node]
        counts[name] = len(kinds)
        assert set(kinds) <= {
            *("Conv", "BatchNormalization", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten", "Gemm", "Add"),
            *("Concat", "Tanh", "Softmax"),
        }
    assert counts == {"resnet50": 175, "mobilenet_v2": 152, "densenet121": 427, "googlenet": 196, "vgg16": 37, "lenet5": 13}


def test_metadata_is_the_spec_and_its_counts():
    network = archspec.load("lenet5")
    facts = {p.key: p.value for p in archspec.to_onnx(network).metadata_props}
    again = archspec.loads(facts["archspec.spec"], name="lenet5")
    totals = archspec.analyze(network).totals.counts()
    assert archspec.analyze(again).totals.counts() == totals
    assert facts["archspec.version"] == archspec.__version__
    assert {name: json.loads(facts[f"archspec.{name}"]) for name in totals} == json.loads(json.dumps(totals))


def test_the_batch_and_the_layout():
    network = archspec.load("lenet5")
    module = archspec.to_torch(network).eval()
    weights = module.state_dict()
    x = torch.randn(3, 1, 32, 32)
    (expected,) = results(module, {"input": x})
    fixed = archspec.to_onnx(network, weights, batch=3)
    assert dims(fixed.graph.input[0]) == (3, 1, 32, 32)
    assert dims(fixed.graph.output[0]) == (3, 10)
    assert distance(run(session(fixed), {"input": x})[0], expected) < TOLERANCE
    last = archspec.to_onnx(network, weights, layout="nhwc")
    assert dims(last.graph.input[0]) == ("N", 32, 32, 1)
    assert [node.op_type for node in last.graph.node].count("Transpose") == 1
    onnx.checker.check_model(last, full_check=True)
    assert distance(run(session(last), {"input": x.movedim(1, -1).contiguous()})[0], expected) < TOLERANCE


def test_side_heads_are_outputs_and_heads_of_training_are_not_there():
    text = (
        "input 8x8x3\nconv k=3 f=4\noutput aux train: gap | pixelshuffle 1 | fc 2\n"
        "conv k=3 f=4\noutput mid\noutput again\noutput pooled: gap | fc 3\nfc 3\n"
    )
    network = archspec.loads(text)
    module = archspec.to_torch(network).eval()
    model = archspec.to_onnx(network, module.state_dict())
    onnx.checker.check_model(model, full_check=True)
    assert [o.name for o in model.graph.output] == ["output", "mid", "again", "pooled"]
    assert not [node.name for node in model.graph.node if node.name.startswith("aux")]
    inputs = inputs_of(network, 2)
    for found, wanted in zip(run(session(model), inputs), results(module, inputs), strict=True):
        assert distance(found, wanted) < TOLERANCE


def test_an_output_that_is_an_input():
    network = archspec.loads("input 4x4x2\noutput before\nskip\n")
    model = archspec.to_onnx(network)
    onnx.checker.check_model(model, full_check=True)
    x = torch.randn(2, 2, 4, 4)
    assert all((found == x.numpy()).all() for found in run(session(model), {"input": x}))


def test_several_inputs():
    network = archspec.loads(
        "a: input 6x6x3\nb: input 6x6x3\nwords: input 5\nfrom words | embed 9 4 | gap\nw: linear 3\nfrom a | add b | mul w\n"
    )
    model = archspec.to_onnx(network)
    assert [(i.name, i.type.tensor_type.elem_type) for i in model.graph.input] == [("a", 1), ("b", 1), ("words", 7)]
    onnx.checker.check_model(model, full_check=True)


# weights


def test_weights_may_be_declared_alone():
    network = archspec.loads(SMALL)
    module = enliven(archspec.to_torch(network), inputs_of(network, 4))
    model = archspec.to_onnx(network, "none")
    onnx.checker.check_model(model, full_check=True)
    stored = list(tensors(network))
    assert [i.name for i in model.graph.input] == ["input", *(t.key for t in stored)]
    assert not model.graph.initializer
    inputs = inputs_of(network, 2)
    state = module.state_dict()
    found = run(session(model), inputs | {t.key: state[t.key] for t in stored})
    assert distance(found[0], results(module, inputs)[0]) < TOLERANCE


def test_drawn_weights_depend_on_the_seed_and_their_key_alone():
    first, again, other = (archspec.to_onnx(archspec.loads(SMALL), seed=seed).SerializeToString() for seed in (1, 1, 2))
    assert first == again != other
    longer = archspec.to_onnx(archspec.loads("input 8x8x3\nfront: conv k=1 f=3\n" + SMALL.partition("\n")[2]), seed=1)
    assert {i.name: i.raw_data for i in longer.graph.initializer}["fc1.weight"] in first


INITIAL = (
    "input 12x12x8\nconv k=5 f=60 p=same | bn | conv k=3 f=64 g=2 | conv k=3 f=48 maps=(" + ",".join(["(0,1,2)", "(5,)"] * 24) + ")\n"
    "deconv k=3 f=64 g=2 | dwconv k=3 m=4 | prelu | scale 0.3 | gn 2 | subsample w=2\nconv k=1 f=64 | winattn heads=4 w=2\ntokens | cls | pos | ln\n"
    "attn heads=4 | linear 96\nfirst\nfc 800\nrbf 30\n"
)
CHOSEN = """input 6x6x8
default conv k=3 p=1
conv f=64 init=kaiming
conv f=64 init=kaiming_uniform
conv f=64 init=kaiming_out
conv f=64 init=xavier
conv f=64 init=xavier_normal
conv f=64 init=lecun
conv f=64 init=normal
conv f=64 init=truncated
conv f=64 init=orthogonal
conv f=64 init=zeros
"""


@pytest.mark.slow
@pytest.mark.parametrize("text", [INITIAL, CHOSEN, CHOSEN.replace("init=truncated", "init=truncated std=1.5"), "input 9\nembed 300 40\n"])
def test_drawn_weights_are_distributed_as_those_of_the_module(text):
    """Mean, deviation and extremes, many seeds' worth of each tensor, against the modules that PyTorch initialises."""
    network = archspec.loads(text)
    torch.manual_seed(0)
    modules = [archspec.to_torch(network).state_dict() for _ in range(20)]
    for tensor in tensors(network):
        theirs = np.stack([state[tensor.key].numpy() for state in modules])
        ours = np.stack([draw(tensor, seed) for seed in range(20)])
        assert ours.shape == theirs.shape and ours.dtype == np.float32
        if distribution(tensor).kind == "constant":
            assert (ours == theirs).all(), tensor.key
            continue
        noise = 6 * theirs.std() / ours.size**0.5
        assert abs(ours.mean() - theirs.mean()) < 2 * noise, tensor.key
        assert abs(ours.std() - theirs.std()) < 2 * noise + 1e-6, tensor.key
        assert distribution(tensor).kind == "normal" or abs(abs(ours).max() / abs(theirs).max() - 1) < 0.2, tensor.key
        if distribution(tensor).kind == "orthogonal":
            flat = ours[0].reshape(len(ours[0]), -1)
            assert np.allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-5)


def test_given_weights_may_be_of_any_kind():
    network = archspec.loads(SMALL)
    state = dict(archspec.to_torch(network).state_dict())
    wanted = archspec.to_onnx(network, state).SerializeToString()
    arrays = {key: value.numpy().astype(np.float64) for key, value in state.items()}
    assert archspec.to_onnx(network, arrays).SerializeToString() == wanted
    half = {key: value.bfloat16() if value.is_floating_point() else value for key, value in state.items()}
    assert archspec.to_onnx(network, half).ByteSize() == len(wanted)


def test_weights_that_do_not_fit():
    network = archspec.loads(SMALL)
    state = archspec.to_torch(network).state_dict()
    for change, told in (
        ({"fc1.bias": None}, "it lacks `fc1.bias` (5,)"),
        ({"fc1.bias": torch.zeros(6)}, "`fc1.bias` is (6,) in the file and (5,) in the network"),
        ({"fc1.scale": torch.zeros(6)}, "it has, and the network lacks, `fc1.scale` (6,)"),
    ):
        changed = {key: value for key, value in (dict(state) | change).items() if value is not None}
        with pytest.raises(archspec.WeightsError, match=re.escape(f"the weights do not fit the network: {told}")):
            archspec.to_onnx(network, changed)
    for value in (torch.zeros(5, dtype=torch.int64), torch.zeros(5, device="meta"), "five"):
        with pytest.raises(archspec.WeightsError, match=r"`fc1\.bias` (?:holds int64|has a shape|is a str)"):
            archspec.to_onnx(network, dict(state) | {"fc1.bias": value})
    aux = archspec.loads("input 8x8x3\nconv k=3 f=4\noutput aux train: gap | fc 2\nfc 3\n")
    state = {key: value for key, value in archspec.to_torch(aux).state_dict().items() if not key.startswith("aux")}
    archspec.to_onnx(aux, state)


@pytest.mark.slow
def test_weights_of_files(archspec_command, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    network = archspec.loads(SMALL)
    (tmp_path / "small.arch").write_text(SMALL)
    state = enliven(archspec.to_torch(network), inputs_of(network, 2)).state_dict()
    safetensors.save_file(state, tmp_path / "net.safetensors")
    torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "net.pt")
    torch.save({key.replace("conv1", "stem"): value for key, value in state.items()}, tmp_path / "renamed.pt")
    wanted = {i.name: i.raw_data for i in archspec.to_onnx(network, state).graph.initializer}
    for name, told in (
        ("net.safetensors", ""),
        ("net.pt", ""),
        ("renamed.pt", "7 tensors matched by structure, 1 of them under other names"),
    ):
        done = archspec_command("emit", "onnx", "small.arch", "--weights", name, "-o", "net.onnx", cwd=tmp_path)
        assert done.status == 0 and told in done.err and bool(told) == bool(done.err), done.err
        assert {i.name: i.raw_data for i in onnx.load(tmp_path / "net.onnx").graph.initializer} == wanted
    for name, told in (("small.arch", "neither a safetensors file nor"), ("gone.pt", "No such file"), (".", "folder")):
        done = archspec_command("emit", "onnx", "small.arch", "--weights", name, "-o", "other.onnx", cwd=tmp_path)
        assert done.status == 2 and told in done.err and done.err.count("\n") == 1
    done = archspec_command("emit", "onnx", "lenet5", "--weights", "net.pt", "-o", "other.onnx", cwd=tmp_path)
    assert done.status == 2 and "the weights do not fit the network" in done.err
    assert not (tmp_path / "other.onnx").exists()


# what is refused


@pytest.mark.parametrize(
    "settings",
    [
        {"opset": 12},
        {"opset": 27},
        {"batch": 0},
        {"batch": 2**63},
        {"layout": "chwn"},
        {"weights": "all"},
        {"fold_bn": True, "weights": "none"},
    ],
)
def test_settings_that_make_no_sense(settings):
    with pytest.raises(ValueError):
        archspec.to_onnx(archspec.loads(SMALL), **settings)


CLASH = "input 8x8x3\nmid: conv k=1 f=4\nrelu\noutput mid\nfc 3\n"


def test_a_name_with_two_meanings():
    with pytest.raises(archspec.SpecError) as error:
        archspec.to_onnx(archspec.loads(CLASH))
    assert [d.code for d in error.value.diagnostics] == ["A502"]
    archspec.to_onnx(archspec.loads(CLASH.replace("output mid", "output other")))


@pytest.mark.parametrize("text", ["relu\noutput mid: dropout\n", "mid: dropout\noutput mid\n", "output mid: upsample 1\n"])
def test_an_output_may_be_called_as_its_layer_though_that_does_nothing(text):
    model = archspec.to_onnx(archspec.loads(f"input 8x8x3\n{text}relu\n"), "none")
    assert [output.name for output in model.graph.output] == ["output", "mid"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--opset", "12"], "the opset must be 13 to 26, not 12"),
        (["--batch", "0"], "the batch must be at least 1, not 0"),
        (["--seed", "-1"], "`seed` must be a whole number of at least 0, not -1"),
        (["--seed", "1", "--weights", "none"], "`seed` is for weights that are drawn"),
        (["--weights", "none", "--fold-bn"], "batch norms cannot be folded without weights"),
        (["-o", "."], "it is a directory"),
        (["-o", "nowhere/net.onnx"], "there is no folder"),
        (["-o", "sub"], "it is a directory"),
        (["-o", "net.onnx", "--external-data"], "cannot write net.onnx and net.onnx.data: it is a directory"),
    ],
)
def test_bad_options_leave_nothing_behind(options, told, archspec_command, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "net.onnx.data").mkdir()
    output = [] if "-o" in options else ["-o", "net.onnx"]
    done = archspec_command("emit", "onnx", "lenet5", *output, *options, cwd=tmp_path)
    assert done.status == 2
    assert done.err.startswith("archspec: ") and done.err.count("\n") == 1 and told in done.err
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["net.onnx.data", "sub"]


def test_a_clash_is_one_message(archspec_command, tmp_path):
    done = archspec_command("emit", "onnx", "-", "-o", "net.onnx", stdin=CLASH, cwd=tmp_path)
    assert done.status == 1
    assert done.err.count("error[") == 1 and "error[A502]" in done.err and "<stdin>:3:1" in done.err
    assert not list(tmp_path.iterdir())


def test_options_of_onnx_are_for_onnx(archspec_command):
    for option in (["--opset", "13"], ["--fold-bn"], ["--seed", "0"]):
        done = archspec_command("emit", "torch", "lenet5", *option)
        assert (done.status, done.err) == (2, f"archspec: {option[0]} is for `emit onnx`\n")


def test_an_output_that_cannot_be_written(archspec_command, tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no device is always full here")
    done = archspec_command("emit", "onnx", "lenet5", "-o", "/dev/full", cwd=tmp_path)
    assert (done.status, done.err) == (2, "archspec: cannot write /dev/full: No space left on device\n")


# files


def test_the_file_is_the_model_and_needs_no_torch(archspec_command, tmp_path):
    code = (
        "import sys; sys.argv = ['archspec', 'emit', 'onnx', 'lenet5', '--seed', '3', '-o', sys.argv[1]]\n"
        "from archspec.cli.main import main\n"
        "assert main() == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    path = tmp_path / "net.onnx"
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True)
    assert onnx.load(path) == archspec.to_onnx(archspec.load("lenet5"), seed=3)
    piped = subprocess.run(
        [sys.executable, "-m", "archspec", "emit", "onnx", "lenet5", "--seed", "3"], cwd=ROOT, check=True, capture_output=True
    )
    assert piped.stdout == path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.slow
def test_weights_beside_the_model(archspec_command, tmp_path):
    done = archspec_command("emit", "onnx", "resnet18", "--external-data", "--fold-bn", "-o", "net.onnx", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    assert (tmp_path / "net.onnx").stat().st_size < 100_000
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)
    bare = onnx.load(tmp_path / "net.onnx", load_external_data=False)
    for tensor in bare.graph.initializer:
        facts = {entry.key: entry.value for entry in tensor.external_data}
        assert facts["location"] == "net.onnx.data" and int(facts["offset"]) % 4096 == 0
    inside = archspec.to_onnx(archspec.load("resnet18"), fold_bn=True)
    beside = onnx.load(tmp_path / "net.onnx")
    assert [(i.name, i.raw_data) for i in beside.graph.initializer] == [(i.name, i.raw_data) for i in inside.graph.initializer]
    x = {"input": torch.randn(1, 3, 224, 224)}
    assert (run(session(str(tmp_path / "net.onnx")), x)[0] == run(session(inside), x)[0]).all()


def test_a_link_is_followed_with_its_weights(archspec_command, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "net.onnx").symlink_to("real/net.onnx")
    done = archspec_command("emit", "onnx", "lenet5", "--external-data", "-o", "net.onnx", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert (tmp_path / "net.onnx").is_symlink() and sorted(p.name for p in (tmp_path / "real").iterdir()) == ["net.onnx", "net.onnx.data"]
    onnx.checker.check_model(str(tmp_path / "real" / "net.onnx"), full_check=True)
    done = archspec_command("emit", "onnx", "lenet5", "--external-data", "-o", os.devnull, cwd=tmp_path)
    assert (done.status, done.err.count("\n")) == (2, 1)


def limited(limit):
    """A child may write files of so many bytes and no larger: what a full disk looks like to it."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.mark.slow
@pytest.mark.parametrize("options", few_quick([[], ["--external-data"]], [[]]))
def test_a_full_disk_leaves_the_old_model(options, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"old")
    command = [sys.executable, "-m", "archspec", "emit", "onnx", "alexnet", "-o", str(path), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=lambda: limited(10_000_000))
    assert done.returncode == 2
    assert done.stderr.startswith(f"archspec: cannot write {path}") and done.stderr.endswith("File too large\n")
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("options", few_quick([[], ["--external-data"]], [["--external-data"]]))
def test_a_killed_process_leaves_no_model(options, tmp_path):
    path = tmp_path / "net.onnx"
    process = subprocess.Popen([sys.executable, "-m", "archspec", "emit", "onnx", "vgg16", "-o", str(path), *options], cwd=ROOT)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if any(p.stat().st_size > 1_000_000 for p in tmp_path.iterdir()):
            process.kill()
            break
        time.sleep(0.005)
    process.wait()
    assert process.returncode < 0, "it ended before it could be killed"
    assert not path.exists() and not path.with_name("net.onnx.data").exists()


@pytest.mark.slow
def test_more_than_two_gigabytes_in_bounded_memory(tmp_path):
    if shutil.disk_usage(tmp_path).free < 6e9 or not os.path.exists("/proc/self/status"):
        pytest.skip("no room for 2.4 GB, or nothing that tells the memory used")
    largest = 8192 * 8192 * 4
    (tmp_path / "big.arch").write_text("input 8192\nrepeat 9: fc 8192 bias=no | relu\n")
    code = (
        "import sys; sys.argv = ['archspec', 'emit', 'onnx', 'big.arch', '-o', 'big.onnx']\n"
        "from archspec.cli.main import main\n"
        "assert main() == 0\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])\n"
    )
    try:
        environment = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
        assert int(done.stdout) * 1024 < 2 * largest + 300e6
        assert (tmp_path / "big.onnx.data").stat().st_size == 9 * largest
        assert (tmp_path / "big.onnx").stat().st_size < 100_000
        onnx.checker.check_model(str(tmp_path / "big.onnx"), full_check=True)
        (result,) = run(session(str(tmp_path / "big.onnx")), {"input": torch.ones(1, 8192)})
        assert result.shape == (1, 8192) and np.isfinite(result).all()
        with pytest.raises(ValueError, match="2 GiB"):
            archspec.to_onnx(archspec.load(tmp_path / "big.arch"))
    finally:
        for path in tmp_path.glob("big.onnx*"):
            path.unlink()
