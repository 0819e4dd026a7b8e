"""`archspec import`: what people hand over that is no model, a line each."""

from __future__ import annotations

import os

import pytest

CASES = {
    "nope.onnx": "No such file: `nope.onnx`",
    "folder": "expected a file, found the folder folder",
    "-": "a model is read from a file, whose ending says what it is; not from standard input",
    "net.arch": "net.arch is a spec already; `archspec shorten net.arch` writes it",
    "lenet5": "lenet5 is a spec already; `archspec shorten lenet5` writes it",
    "net.pt2": 'net.pt2 is not opened: PyTorch unpickles a part of it; `archspec.from_torch(torch.export.load("net.pt2"))` reads one',
    "net.pt": "net.pt is not opened: a pickle can run any code when it is read; `archspec.from_torch(module, example)` takes a live module",
    "net.pth": "`archspec import package.module:name --input HxWxC` one by its name",
    "net.pkl": "net.pkl is not opened",
    "net.safetensors": "net.safetensors holds weights and no layers",
    "net.py": "net.py is a program; `archspec.from_torch",
    "net.xyz": "net.xyz is of no kind that is read: ",
    "empty.xyz": "empty.xyz is empty",
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_model_has_one_line(archspec_command, tmp_path, name):
    (tmp_path / "folder").mkdir()
    for file in CASES:
        if "." in file and file != "nope.onnx":
            (tmp_path / file).write_bytes(b"" if file.startswith("empty") else b"\x80\x04 something")
    done = archspec_command("import", name, cwd=tmp_path)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("archspec: ")
    assert CASES[name] in done.err


def test_a_misspelled_file_is_proposed(archspec_command, tmp_path):
    for name in ("resnet50.onnx", "resnet50.arch", "other.onnx"):
        (tmp_path / name).touch()
    done = archspec_command("table", "resnet5O.onnx", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert done.err == "archspec: No such file: `resnet5O.onnx`; did you mean `resnet50.onnx`, `resnet50.arch` or `resnet50`?\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "x.npz"], "--data is read for --weights OUT, which writes the numbers"),
        (["--weights", "x.pt"], "weights are written as .safetensors, not as `x.pt`"),
        (["--input", "8xx"], "--input takes a shape such as 224x224x3, not `8xx`"),
    ],
)
def test_options_that_make_no_sense_have_one_line(archspec_command, options, message):
    done = archspec_command("import", "net.onnx", *options)
    assert (done.status, done.out, done.err) == (2, "", f"archspec: {message}\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes by name")
def test_a_pipe_is_no_model(archspec_command, tmp_path):
    """It is not opened, since nobody may write to it."""
    os.mkfifo(tmp_path / "net.cfg")
    done = archspec_command("import", "net.cfg", cwd=tmp_path)
    assert (done.status, done.out, done.err) == (2, "", "archspec: expected a file, found the device net.cfg\n")
