"""A source is a module and a line: a made-up one is read wherever a spec is, and its weights move along."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

import archspec
from archspec.cli.main import run
from archspec.extras import attribute
from archspec.imports import sources
from archspec.imports.sources import SOURCES, source_of
from tests.helpers.paths import ROOT
from tests.imports.toy import MODEL, TOY


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a model of a made-up format, where that is a source."""
    monkeypatch.setattr(sources, "SOURCES", (*SOURCES, TOY))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toy").write_text(MODEL)
    return tmp_path


def test_each_source_has_what_it_names():
    for source in SOURCES:
        assert list(inspect.signature(attribute(source.read)).parameters) == ["path", "inputs"]
        if source.tensors:
            assert list(inspect.signature(attribute(source.tensors)).parameters) == ["path", "data"]
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in source.suffixes)
    assert len({source.name for source in SOURCES}) == len(SOURCES)


def test_a_file_is_read_by_its_suffix_and_where_specs_have_that_too_by_its_content(desk):
    (desk / "spec.cfg").write_text("input 8x8x3\nrelu\n")
    (desk / "net.cfg").write_text(f"# a comment\n{MODEL}")
    assert source_of(desk / "net.toy") == source_of(desk / "net.cfg") == TOY
    assert source_of(desk / "spec.cfg") is None
    assert repr(archspec.load(desk / "spec.cfg")) == "Network(spec: 8x8x3 -> 8x8x3, 1 layer)"


def test_what_python_gives(desk):
    found = archspec.from_file("net.toy")
    assert repr(found) == "Imported(net: 8x8x3 -> 8x8x4, 4 layers, 6 lines)"
    assert str(found) == found.text
    shown = found._repr_html_()
    assert "<pre" in shown
    assert "conv k=3 f=4 p=1" in shown
    assert shown.count("<iframe") == 1
    assert shown.count("<table>") == 1
    found.save("net.arch")
    assert archspec.analyze(archspec.load("net.arch")).totals == archspec.analyze(archspec.load("net.toy")).totals
    assert repr(archspec.load("net.toy", inputs="16x16x3")) == "Network(net: 16x16x3 -> 16x16x4, 4 layers)"
    with pytest.raises(ValueError, match="has no params"):
        archspec.load("net.toy", params={"classes": 3})


def test_where_numpy_is_missing_the_message_says_what_to_install(desk, capsys, monkeypatch):
    monkeypatch.setattr("archspec.extras.find_spec", lambda name: None)
    assert run(["import", "net.toy", "--weights", "x.safetensors"]) == 2
    assert capsys.readouterr().err == "archspec: NumPy is not installed: `pip install numpy`\n"
    pytest.importorskip("torch", reason="the user's code needs it")
    assert run(["import", "torch.nn:Identity", "--input", "8x8x3"]) == 2
    assert capsys.readouterr().err == "archspec: PyTorch is not installed: `pip install torch`\n"


@pytest.mark.parametrize(
    "command",
    [
        "import net.toy",
        "check net.toy",
        "table net.toy --brief",
        "explain net.toy a",
        "expand net.toy",
        "shorten net.toy",
        "draw net.toy --as bars",
        "report net.toy",
        "compare net.toy lenet5",
        "emit torch net.toy",
        "emit json net.toy",
        "formula net.toy --in H",
        "sweep net.toy --input 8:10",
        "sizes net.toy",
        "memory net.toy",
    ],
)
def test_commands_take_it_as_they_take_its_spec(desk, capsys, command):
    archspec.from_file("net.toy").save("net.arch")
    assert run(command.split()) == 0
    mine = capsys.readouterr()
    if not command.startswith(("import", "check")):
        assert run(command.replace(".toy", ".arch").split()) == 0
        theirs = capsys.readouterr()
        assert (mine.out.replace("net.toy", "net.arch"), mine.err) == (theirs.out, theirs.err)
    assert mine.out


def test_a_shape_that_no_input_takes_is_refused(desk, capsys):
    for command in ("import", "table"):
        assert run([command, "net.toy", "--input", "image=16x16x3"]) == 2
        assert capsys.readouterr().err == "archspec: net.toy has no input `image` for 16x16x3; it has input 8x8x3\n"
        assert run([command, "net.toy", "--input", "0x16x3"]) == 2
        assert capsys.readouterr().err == "archspec: inputs: expected sizes of 1 or more; found `(0, 16, 3)`\n"


def test_what_is_read_is_not_overwritten(desk, capsys):
    for option in (["-o", "net.toy"], ["-o", "../" + desk.name + "/net.toy"], ["--weights", "w.safetensors", "--data", "w.safetensors"]):
        (desk / "w.safetensors").touch()
        assert run(["import", "net.toy", *option]) == 2
        assert capsys.readouterr().err.endswith("is read, and would be overwritten\n")
    assert (desk / "net.toy").read_text() == MODEL


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes there")
def test_a_file_may_have_a_name_that_is_no_text(desk, capsys):
    name = os.fsdecode(b"lat\xe9.toy")
    (desk / name).write_text(MODEL)
    assert run(["import", name]) == 0
    assert capsys.readouterr().out.startswith('model "lat?"\n')


def test_what_could_not_be_read_is_reported_as_in_a_spec(desk, capsys):
    (desk / "odd.toy").write_text(f"{MODEL}roll\n")
    (desk / "bad.toy").write_text(f"{MODEL}refused\nrefused\n")
    assert run(["table", "odd.toy", "--brief"]) == 0
    done = capsys.readouterr()
    assert "warning[A610]" in done.err
    assert " --> odd.toy:6:1" in done.err
    assert 'custom "roll"' in done.out
    assert run(["check", "net.toy", "odd.toy", "bad.toy", "--format", "concise"]) == 1
    assert [line[:17] for line in capsys.readouterr().out.splitlines()] == ["bad.toy:6:1: A611", "bad.toy:7:1: A611", "odd.toy:6:1: A610"]
    assert run(["report", "odd.toy"]) == 0
    assert "A610, line 6: odd.toy: `roll` became `custom`" in capsys.readouterr().out
    assert [each.code for each in archspec.load("odd.toy").diagnostics] == ["A610"]
    with pytest.raises(archspec.SpecError) as refused:
        archspec.load("bad.toy")
    assert len(refused.value.diagnostics) == 2


def test_a_spec_loads_no_reader():
    code = (
        "import sys\nfrom archspec.cli.main import run\nrun(['check', 'lenet5', 'specs/vgg16.arch'])\n"
        "assert not [name for name in sys.modules if name.startswith('archspec.imports')]"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_weights_move_along(desk, capsys):
    np = pytest.importorskip("numpy", reason="weights are arrays")
    torch = pytest.importorskip("torch", reason="computes")
    pytest.importorskip("safetensors", reason="reads what was written")
    draw = np.random.default_rng(0)
    kernels = {"a/kernel": draw.normal(size=(3, 3, 3, 4)), "b/kernel": draw.normal(size=(3, 3, 4, 4)).astype(np.float16)}
    np.savez(desk / "apart.npz", **kernels)
    command = ["import", "net.toy", "-o", "net.arch", "--weights", "net.safetensors"]
    assert run(command) == 2
    assert capsys.readouterr().err == "archspec: cannot read net.npz: No such file or directory\n"
    assert not (desk / "net.safetensors").exists()
    assert not (desk / "net.arch").exists()
    assert run([*command, "--data", "apart.npz"]) == 0
    assert capsys.readouterr().err == "archspec: 2 tensors are in net.safetensors\n"
    net = archspec.to_torch(archspec.load("net.arch")).eval()
    assert archspec.load_weights(net, "net.safetensors").how == "name"
    x = torch.from_numpy(draw.normal(size=(2, 8, 8, 3)).astype(np.float32))
    wanted = x.permute(0, 3, 1, 2)
    for kernel in kernels.values():
        weight = torch.from_numpy(kernel.astype(np.float32)).permute(3, 2, 0, 1)
        wanted = torch.nn.functional.conv2d(wanted, weight, padding=1).relu()
    with torch.no_grad():
        assert torch.equal(net(x.permute(0, 3, 1, 2)), wanted)
    assert archspec.from_file("net.toy").save_weights("again.safetensors", "apart.npz") == 2
    assert (desk / "again.safetensors").read_bytes() == (desk / "net.safetensors").read_bytes()


def test_weights_that_do_not_fit_are_refused(desk, capsys):
    np = pytest.importorskip("numpy", reason="weights are arrays")
    np.savez(desk / "few.npz", **{"a/kernel": np.zeros((3, 3, 3, 4))})
    np.savez(desk / "other.npz", **{"a/kernel": np.zeros((5, 5, 3, 4)), "b/kernel": np.zeros((3, 3, 4, 4))})
    np.savez(desk / "flat.npz", **{"a/kernel": np.zeros(108), "b/kernel": np.zeros((3, 3, 4, 4))})
    for name, message in {
        "few": "few.npz has no `b/kernel`",
        "other": "`a.weight` is (4, 3, 5, 5) in the source and (4, 3, 3, 3) in the network",
        "flat": "`a/kernel` is (108,) in the source, which does not become (3, 2, 0, 1)",
    }.items():
        assert run(["import", "net.toy", "--weights", "x.safetensors", "--data", f"{name}.npz"]) == 2
        assert capsys.readouterr().err == f"archspec: {message}\n"
        assert not (desk / "x.safetensors").exists()
