"""Training: the files that are written, what they refuse, and that they learn, stop, go on and run in several processes."""

from __future__ import annotations

import ast
import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is what learns")

import archspec
from archspec.backends.torch.module import emit as emit_torch
from archspec.backends.train.script import SCRIPTS, emit
from archspec.backends.train.task import task_of
from archspec.cli import main as cli
from tests.helpers.paths import ROOT
from tests.helpers.training import TINY, environment, python, written

SCRIPTS_FOLDER = ROOT / "archspec" / "backends" / "train" / "scripts"
TIMES = ("seconds", "images_per_second")


def metrics(folder):
    """The rows of a run, without what a clock says."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


# what is written


def test_the_scripts_are_those_of_the_digits():
    files = emit(archspec.load("digits"))
    assert (SCRIPTS_FOLDER / "model.py").read_text() == emit_torch(archspec.load("digits")) == files["model.py"]
    for name in SCRIPTS:
        assert files[f"{name}.py"] == (SCRIPTS_FOLDER / f"{name}.py").read_text().replace("from archspec.backends.train.scripts.", "from ")


@pytest.mark.parametrize("name", ["lenet5", "googlenet_2014", "inception_v3", "vgg16_c", "lenet5_1998", "simplenet", "squeezenet1_0"])
def test_nothing_written_needs_archspec(name):
    files = emit(archspec.load(name, params={"aux": 1} if name == "googlenet_2014" else None))
    for file, text in files.items():
        if file.endswith(".py"):
            tree = ast.parse(text)
            roots = {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
            assert "archspec" not in roots
            assert len(text.splitlines()) <= 400 and max(map(len, text.splitlines())) <= 140


def test_what_a_spec_calls_itself_stays_text():
    hostile = 'model "x\\"); import os  # \\n"\nmeta aux_weight="1); import os"\ninput 8x8x1\nfc 10\n'
    own, plain = emit(archspec.loads(hostile)), emit(archspec.loads("model plain_name\ninput 8x8x1\nfc 10\n"))
    shape = [ast.dump(ast.parse(files["train.py"])) for files in (own, plain)]
    name = next(n for n in ast.parse(own["train.py"]).body if isinstance(n, ast.Assign) and n.targets[0].id == "NAME").value.value
    assert "import os" in name
    assert shape[0].replace(repr(name), "''") == shape[1].replace("'plain_name'", "''")


LAST = {
    "softmax": ("fc 10 | softmax", "softmax", ("softmax1",)),
    "scores": ("fc 10", "softmax", ()),
    "logarithms": ("fc 10 | logsoftmax", "softmax", ()),
    "one output": ("fc 1", "sigmoid", ()),
    "one output, sigmoid": ("fc 1 | sigmoid", "sigmoid", ("sigmoid1",)),
    "a sigmoid each": ("fc 4 | sigmoid", "sigmoid", ("sigmoid1",)),
    "distances": ("fc 84 | tanh | rbf 10", "distance", ()),
    "flattened": ("conv k=8 f=10 | softmax | flatten", "softmax", ("softmax1",)),
    "in a group": ("head:\n  fc 10\n  softmax", "softmax", ("head.1",)),
}


@pytest.mark.parametrize("case", LAST)
def test_the_last_layer_tells_the_loss(case):
    text, loss, last = LAST[case]
    task = task_of(archspec.loads(f"input 8x8x1\n{text}\n"))
    assert (task.loss, task.last, task.shape) == (loss, last, (1, 8, 8))
    assert task.macs == archspec.analyze(archspec.loads(f"input 8x8x1\n{text}\n")).totals.macs


def test_side_heads_have_their_published_weight():
    text = "input 8x8x1\nconv k=3 f=4\noutput aux train: fc 5 | softmax\nfc 5 | softmax\n"
    task = task_of(archspec.loads(text))
    assert task.heads == {"aux": 0.3} and len(task.last) == 2
    assert task_of(archspec.loads(f'meta aux_weight="0.4"\n{text}')).heads == {"aux": 0.4}


@pytest.mark.parametrize(
    "text",
    [
        "input 8x8x1\nconv k=3 f=4\n",
        "input 8x8x1\nfc 1 | softmax\n",
        "input 8x8x1\nconv k=3 f=4\noutput mid\nfc 5\n",
        "a: input 8x8x1\nb: input 8x8x1\nfrom a | fc 5\n",
        "input 8\nembed 10 4\ngap | fc 3\n",
        "input 8x8x1\nfc 5\ns: softmax\noutput again\nfc 5 | add s\n",
    ],
)
def test_what_cannot_be_trained_is_told(text):
    with pytest.raises(archspec.SpecError) as error:
        task_of(archspec.loads(text))
    assert [d.code for d in error.value.diagnostics] == ["A550"]


# learning


@pytest.fixture(scope="module")
def trained(tmp_path_factory, archspec_command):
    """A run of six epochs on the digits, by the command."""
    pytest.importorskip("sklearn", reason="scikit-learn has the digits")
    out = tmp_path_factory.mktemp("run") / "digits"
    done = archspec_command("train", "digits", "--data", "digits", "--epochs", "6", "--out", str(out), env={"OMP_NUM_THREADS": "1"})
    assert done.status == 0, done.err
    return out, done


@pytest.mark.slow
def test_the_command_trains(trained):
    out, done = trained
    rows = list(csv.DictReader((out / "metrics.csv").open()))
    assert len(rows) == len(metrics(out)) == 6 and float(rows[-1]["val_accuracy"]) > 0.93
    lines = done.out.splitlines()
    assert lines[0].startswith("digits: 38,282 parameters; digits: 1,438 images") and len([n for n in lines if n.startswith("epoch")]) == 6
    assert not list(out.glob(".*"))
    weights = torch.load(out / "best.pt", weights_only=True)
    assert set(weights) == set(archspec.to_torch(archspec.load("digits")).state_dict())


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(trained, tmp_path):
    files = emit(archspec.load("digits"))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    python("train.py", "--data", "digits", "--epochs", "6", cwd=tmp_path)
    assert metrics(tmp_path) == metrics(trained[0])
    assert (tmp_path / "best.pt").read_bytes() == (trained[0] / "best.pt").read_bytes()
    assert python("train.py", "--data", "digits", cwd=tmp_path, check=False).returncode == 2


@pytest.mark.slow
def test_what_evaluate_prints_is_what_onnx_gives(trained, tmp_path, archspec_command):
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime runs the exported network")
    pytest.importorskip("matplotlib", reason="matplotlib draws the confusion matrix")
    pytest.importorskip("onnx", reason="onnx holds the model")
    from safetensors.torch import load_file

    from archspec.backends.train.evaluation import data_of, setting
    from archspec.backends.train.scripts.images import prepare

    out, _ = trained
    words = ["--onnx", str(tmp_path / "d.onnx"), "--safetensors", str(tmp_path / "d.safetensors"), "--picture", str(tmp_path / "c.png")]
    done = archspec_command("evaluate", str(out), "--format", "json", *words)
    assert done.status == 0, done.err
    told = json.loads(done.out)
    best = max(row["val_accuracy"] for row in metrics(out))
    assert told["accuracy"] == pytest.approx(best, abs=1e-6) and sum(map(sum, told["confusion"])) == 359
    task, said = task_of(archspec.load("digits")), setting(out)
    data = data_of(said, task).test
    x = prepare(data.images, task.shape, torch.tensor(said.mean), torch.tensor(said.std)).numpy()
    (found,) = ort.InferenceSession(str(tmp_path / "d.onnx")).run(None, {"input": x})
    assert int((found.argmax(1) == data.labels.numpy()).sum()) == told["right"]
    assert abs(found.sum(1) - 1).max() < 1e-5
    best_weights = torch.load(out / "best.pt", weights_only=True)
    assert all(torch.equal(best_weights[name], tensor) for name, tensor in load_file(tmp_path / "d.safetensors").items())
    text = archspec_command("evaluate", str(out)).out
    assert text.startswith(f"accuracy {told['accuracy']:.4f}: {told['right']} of 359 images") and "recall" in text
    assert (out / "confusion.svg").read_text().lstrip().startswith("<?xml") and (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_the_end_of_a_run_names_its_best_epoch_its_folder_and_the_next_command(trained):
    out, done = trained
    rows = metrics(out)
    best = max(rows, key=lambda row: row["val_accuracy"])
    last, following = done.out.splitlines()[-2:]
    assert last == f"best: epoch {best['epoch']} of 6, val_accuracy {best['val_accuracy']:.4f}; its weights are {out / 'best.pt'}"
    assert following == f"next: archspec evaluate {out}   or: archspec predict {out} IMAGE"


@pytest.mark.slow
def test_a_finished_run_says_so(tmp_path):
    folder = written(tmp_path)
    python("train.py", "--data", "synthetic:100", "--epochs", "2", cwd=folder)
    again = python("train.py", "--data", "synthetic:100", cwd=folder, check=False)
    assert again.returncode == 2 and "holds a finished run of 2 epochs: `--resume --epochs 4` goes on" in again.stderr
    resumed = python("train.py", "--resume", cwd=folder)
    assert "finished: 2 of 2 epochs; `--resume --epochs 4` goes on" in resumed.stdout and "best: epoch" in resumed.stdout
    assert len(metrics(folder)) == 2


@pytest.mark.slow
def test_predict_gives_the_probabilities_of_the_exported_network(trained, tmp_path, archspec_command):
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime runs the exported network")
    onnx = pytest.importorskip("onnx", reason="onnx holds the model")
    Image = pytest.importorskip("PIL.Image", reason="Pillow writes the images")
    np = pytest.importorskip("numpy")
    from sklearn.datasets import load_digits

    out, _ = trained
    assert archspec_command("evaluate", str(out), "--onnx", str(tmp_path / "d.onnx")).status == 0
    facts = {prop.key: prop.value for prop in onnx.load(tmp_path / "d.onnx").metadata_props}
    classes, mean, std = (json.loads(facts[f"archspec.{name}"]) for name in ("classes", "mean", "std"))
    session = ort.InferenceSession(str(tmp_path / "d.onnx"))
    images = (load_digits().images[:5] * 255 / 16).round().astype("uint8")
    for at, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{at}.png")
    (tmp_path / "broken.png").write_text("no image")
    done = archspec_command("predict", str(out), *(str(tmp_path / f"{at}.png") for at in range(5)), "--format", "json", "--top", "10")
    assert done.status == 0, done.err
    for image, row in zip(images, json.loads(done.out), strict=True):
        x = ((image[None, None].astype("float32") / 255 - mean[0]) / std[0]).astype("float32")  # as archspec.preprocessing says
        (expected,) = session.run(None, {"input": x})[0]
        found = {each["class"]: each["probability"] for each in row["classes"]}
        assert np.allclose([found[name] for name in classes], expected, atol=1e-5)
    text = archspec_command("predict", str(out), str(tmp_path))
    assert text.status == 2 and "cannot read" in text.err and len(text.out.splitlines()) == 5
    inverted = archspec_command("predict", str(out), str(tmp_path / "0.png"), "--invert", "--format", "json")
    assert inverted.out != archspec_command("predict", str(out), str(tmp_path / "0.png"), "--format", "json").out


@pytest.mark.slow
def test_a_run_begins_with_the_weights_that_it_is_given(trained, tmp_path, archspec_command):
    out, _ = trained
    best, first = torch.load(out / "best.pt", weights_only=True), tmp_path / "new" / "first.pt"
    words = ["train", "digits", "--data", "digits", "--epochs", "1", "--out", str(tmp_path / "new"), "--weights", str(out / "best.pt")]
    done = archspec_command(*words, "--lr", "1e-12", "--skip", "fc2", env={"OMP_NUM_THREADS": "1"})
    assert done.status == 0, done.err
    assert "drawn: fc2.weight, fc2.bias" in done.out
    assert set(torch.load(first, weights_only=True)) == {name for name in best if not name.startswith("fc2.")}
    after = torch.load(tmp_path / "new" / "last.pt", weights_only=True)["model"]
    assert all(torch.allclose(after[name], best[name], atol=1e-6) != name.startswith("fc2.") for name in best)
    wrong = archspec_command(*words[:-4], "--out", str(tmp_path / "none"), "--weights", str(out / "metrics.csv"))
    assert wrong.status == 2 and not (tmp_path / "none").exists()


@pytest.mark.slow
def test_the_script_refuses_weights_that_do_not_fit(tmp_path):
    folder = written(tmp_path)
    words = ["train.py", "--data", "synthetic:100", "--epochs", "1", "--weights"]
    torch.save({"conv1.weight": torch.zeros(8, 1, 5, 5)}, tmp_path / "other.pt")
    torch.save({"a": torch.zeros(1)}, tmp_path / "none.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "other.pt").read_bytes()[:200])
    for name, told in (
        ("other.pt", "(8, 1, 5, 5) in"),
        ("none.pt", "expected a state_dict"),
        ("cut.pt", "no weights"),
        ("no.pt", "cannot"),
    ):
        done = python(*words, name, cwd=folder, check=False)
        assert done.returncode == 2 and told in done.stderr


@pytest.mark.slow
def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    whole, broken = written(tmp_path / "whole"), written(tmp_path / "broken")
    words = ["--data", "synthetic:1500", "--epochs", "4", "--batch", "8", "--augment", "flip+crop", "--lr", "0.003"]
    python("train.py", *words, cwd=whole)
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)):
        resumed = ["--resume"] if (broken / "last.pt").exists() else words
        child = subprocess.Popen([sys.executable, "train.py", *resumed], cwd=broken, stdout=subprocess.PIPE, text=True, env=environment())
        begun = len(metrics(broken)) if (broken / "metrics.jsonl").exists() else 0
        while child.poll() is None and (len(metrics(broken)) if (broken / "metrics.jsonl").exists() else 0) == begun:
            time.sleep(0.01)
        time.sleep(0.05)
        child.send_signal(number)
        out, _ = child.communicate(timeout=60)
        assert child.returncode in (status, 0)
        assert number == signal.SIGKILL or child.returncode == 0 or "--resume goes on" in out
    python("train.py", "--resume", cwd=broken)
    assert metrics(broken) == metrics(whole)
    last = [torch.load(folder / "last.pt", weights_only=True) for folder in (whole, broken)]
    assert all(torch.equal(last[0]["model"][name], last[1]["model"][name]) for name in last[0]["model"])


ODD = ["--data", "synthetic:1001", "--epochs", "2"]
"""Of 801 images to learn from one process cannot have as many as the other."""


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A run in one process."""
    folder = written(tmp_path_factory.mktemp("run") / "one", TINY.replace("dropout 0.2\n", ""))
    python("train.py", *ODD, cwd=folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [False, True])
def test_two_processes_do_as_one_does(one, tmp_path, sharded):
    two = tmp_path / "two"
    launched = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py", *ODD, "--out", str(two)]
    python(*launched, *(["--fsdp"] if sharded else []), cwd=one)
    for ours, theirs in zip(metrics(one), metrics(two), strict=True):
        assert ours == pytest.approx(theirs, rel=5e-3)  # one image is seen twice
    python("train.py", "--resume", "--epochs", "3", cwd=two)
    assert len(metrics(two)) == 3
    assert not list(two.glob("shards-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("input 8x8x1\nfc 1 | sigmoid\n", ["--precision", "bf16"]),
        ("input 8x8x1\nfc 3 | sigmoid\n", ["--optimizer", "sgd", "--schedule", "step", "--warmup", "1"]),
        ("input 12\nfc 8 | relu | fc 3\n", ["--schedule", "inverse", "--workers", "1", "--threads", "2"]),
        ("input 8x8x1\nconv k=3 f=4 | bn\noutput aux train: fc 3 | softmax\nfc 3 | softmax\n", ["--aux-weight", "0.1", "--val", "0.2"]),
        ("input 8x8x1\nfc 84 | tanh | rbf 3\n", ["--optimizer", "adamw", "--weight-decay", "0.01", "--deterministic"]),
    ],
)
def test_networks_of_every_kind_learn(tmp_path, text, words):
    folder = written(tmp_path, text)
    python("train.py", "--data", "synthetic:600", "--epochs", "6", "--lr", "0.02", *words, cwd=folder)
    assert metrics(folder)[-1]["val_accuracy"] > 0.8


@pytest.mark.slow
def test_what_is_no_number_ends_the_run(tmp_path):
    done = python("train.py", "--data", "synthetic:100", "--optimizer", "sgd", "--lr", "1e30", cwd=written(tmp_path), check=False)
    assert done.returncode == 2 and "try a lower --lr" in done.stderr


# the command's refusals


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["digits"], "--data is needed"),
        (["digits", "--data", "digit"], "there is no data source `digit`"),
        (["digits", "--data", "mnist"], "mnist:PATH"),
        (["resnet18", "--data", "digits"], "--input 8x8x1"),
        (["lenet5", "--set", "classes=7", "--data", "digits"], "--set classes=10"),
        (["digits", "--data", "synthetic:2"], "from 5 to"),
        (["digits", "--data", "folder:/nowhere"], "there is no folder /nowhere"),
        (["digits", "--data", "digits", "--epochs", "0"], "of at least 1 is expected"),
        (["digits", "--resume"], "there is no run in"),
    ],
)
def test_refusals_are_one_line_and_write_nothing(words, told, monkeypatch, capsys, tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn has the digits")
    monkeypatch.setattr("archspec.cli.train._become", lambda command: pytest.fail(f"it was not refused: {command}"))
    monkeypatch.chdir(tmp_path)
    try:
        status = cli.run(["train", *words])
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "") and told in err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_is_not_overwritten(trained, archspec_command):
    out, _ = trained
    done = archspec_command("train", "digits", "--data", "digits", "--out", str(out))
    assert done.status == 2 and "--resume" in done.err
    done = archspec_command("train", "lenet5", "--resume", "--out", str(out))
    assert done.status == 2 and "another network" in done.err


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_one_line(device, trained, tmp_path, archspec_command):
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("a GPU is here")
    done = archspec_command("evaluate", str(trained[0]), "--device", device)
    assert (done.status, done.err) == (2, "archspec: PyTorch finds no GPU here: --device cpu\n")
    done = python("train.py", "--data", "synthetic:100", "--device", device, cwd=written(tmp_path), check=False)
    assert done.returncode == 2 and "PyTorch finds no GPU here" in done.stderr


@pytest.mark.slow
def test_evaluate_tells_what_is_missing(tmp_path, archspec_command):
    done = archspec_command("evaluate", str(tmp_path))
    assert done.status == 2 and "no folder of a run" in done.err
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "settings.json").write_text("{}")
    for words in (["evaluate", str(tmp_path)], ["predict", str(tmp_path), "x.png"]):
        assert f"did you mean {tmp_path / 'digits'}?" in archspec_command(*words).err


@pytest.mark.slow
def test_predict_names_an_image_that_is_not_there(trained, archspec_command):
    pytest.importorskip("PIL", reason="Pillow reads images")
    done = archspec_command("predict", str(trained[0]), "nowhere.png")
    assert (done.status, done.err) == (2, "archspec: cannot read nowhere.png: No such file or directory\n")


def test_emit_train_needs_a_folder(archspec_command, tmp_path):
    assert archspec_command("emit", "train", "digits").status == 2
    assert archspec_command("emit", "train", "digits", "-o", str(tmp_path / "new" / "one")).status == 0
    assert {p.name for p in (tmp_path / "new" / "one").iterdir()} == {*(f"{n}.py" for n in (*SCRIPTS, "model")), "network.arch"}
    assert Path(tmp_path / "new" / "one" / "train.py").read_text().count("\n") < 310
