"""`train.py --resume` on a folder that somebody broke: one line that says what is wrong, status 2, and nothing executed."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from tests.helpers.training import python, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = written(tmp_path_factory.mktemp("whole"))
    python("train.py", "--data", "synthetic:64", "--epochs", "1", cwd=folder)
    return folder


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def refused(run, *words):
    """The one line that resuming ends with."""
    done = python("train.py", "--resume", "--epochs", "2", cwd=run, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("train.py: "), done.stderr
    assert "weights_only" not in done.stderr
    for word in words:
        assert word in done.stderr
    return done.stderr


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_checkpoint_that_is_cut_off(run, part):
    data = (run / "last.pt").read_bytes()
    (run / "last.pt").write_bytes(data[: int(len(data) * part)])
    refused(run, "last.pt is damaged", "begins a run with the best weights")


@pytest.mark.parametrize("data", [b"garbage\n", b"\x80\x04", b"PK\x03\x04" + bytes(100), bytes(5000)])
def test_a_checkpoint_that_is_none(run, data):
    (run / "last.pt").write_bytes(data)
    refused(run, "last.pt is damaged")


class Code:
    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.mark.parametrize("save", [torch.save, lambda what, path: path.write_bytes(pickle.dumps(what))], ids=["torch.save", "pickle"])
def test_a_checkpoint_with_code_in_it_is_not_run_and_trust_is_not_advised(run, save):
    save({"model": Code()}, run / "last.pt")
    refused(run, "last.pt is damaged: ", "; nothing in it was executed")
    assert not (run / "ran").exists()


@pytest.mark.parametrize(
    "state",
    [
        {},
        [],
        3,
        {"model": {}, "optimizer": {}, "scaler": {}, "progress": {}},
        {"progress": {"epoch": "x"}},
        {"shards": "nosuch"},
        {"shards": 3},
    ],
    ids=str,
)
def test_a_checkpoint_of_something_else(run, state):
    torch.save(state, run / "last.pt")
    refused(run, "last.pt is damaged: its content does not fit this run")


@pytest.mark.parametrize("edit", [{"epoch": "x"}, {"step": None}, {"history": 3}, {"nosuch": 1}], ids=str)
def test_a_checkpoint_whose_progress_was_edited(run, edit):
    state = torch.load(run / "last.pt", weights_only=True)
    state["progress"] |= edit
    torch.save(state, run / "last.pt")
    refused(run, "last.pt is damaged: its content does not fit this run")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"settings": 3}', '{"settings": {}}', "[" * 100_000, "\0\0", '{"settings": {"data": 1}}']
)
def test_settings_that_are_no_settings(run, text):
    (run / "settings.json").write_text(text)
    refused(run, "settings.json is damaged")


def test_settings_in_another_encoding_or_that_cannot_be_read(run):
    (run / "settings.json").write_bytes((run / "settings.json").read_text().encode("utf-16"))
    refused(run, "settings.json is damaged")


@pytest.mark.parametrize(
    "edit",
    [
        {"optimizer": "nosuch"}, {"epochs": "ten"}, {"epochs": -1}, {"epochs": 1.5}, {"epochs": True}, {"batch": 0}, {"batch": None}, {"lr": "fast"},
        {"lr": float("nan")}, {"momentum": 7}, {"schedule": 3}, {"resize": "no"}, {"data": 5}, {"data": "nosuch"}, {"val": 2.0}, {"seed": [1]},
        {"augment": {}}, {"device": "tpu"}, {"precision": "fp8"}, {"threads": 1e9},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_were_edited_are_held_to_what_the_command_line_takes(run, edit):
    about = json.loads((run / "settings.json").read_text())
    about["settings"] |= edit
    (run / "settings.json").write_text(json.dumps(about))
    if "epochs" not in edit:
        refused(run)
        return
    done = python("train.py", "--resume", cwd=run, check=False)
    assert done.returncode == 2 and "settings.json is damaged: `epochs`" in done.stderr


def test_settings_that_were_edited_as_the_command_line_takes_them_are_used(run):
    about = json.loads((run / "settings.json").read_text())
    about["settings"] |= {"epochs": 2, "weight_decay": 0, "lr": 1}
    (run / "settings.json").write_text(json.dumps(about))
    assert "finished: " in python("train.py", "--resume", cwd=run).stdout or (run / "metrics.csv").read_text().count("\n") == 3
