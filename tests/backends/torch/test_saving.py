"""Modules of `to_torch` are saved by their `state_dict`, and copied; pickling them says so."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="torch is what saves")

import archspec

SPEC = "input 6x6x3\nblock b(n): conv k=3 f=n p=same | bn | relu\nb 4\nb 8\nconv k=2 f=2 p=same | gap\nfc 3\n"


def made():
    return archspec.to_torch(archspec.loads(SPEC, name="again.arch")).eval()


@pytest.mark.parametrize("save", [lambda net: torch.save(net, io.BytesIO()), pickle.dumps], ids=["torch.save", "pickle"])
@pytest.mark.parametrize("part", ["", "b1"])
def test_pickling_names_the_state_dict(save, part):
    """The first module of a name as well as the second, and their parts."""
    first, second = made(), made()
    for net in (first, second):
        with pytest.raises(pickle.PicklingError, match="state_dict"):
            save(net.get_submodule(part))


@pytest.mark.slow
def test_a_state_dict_goes_to_another_process(tmp_path):
    net, x = made(), torch.rand(2, 3, 6, 6)
    torch.save({"weights": net.state_dict(), "x": x, "y": net(x).detach()}, tmp_path / "net.pt")
    (tmp_path / "again.arch").write_text(SPEC, encoding="utf-8")
    program = (
        "import torch, archspec\n"
        "found = torch.load('net.pt')\n"
        "net = archspec.to_torch(archspec.load('again.arch')).eval()\n"
        "net.load_state_dict(found['weights'])\n"
        "assert torch.equal(net(found['x']), found['y'])\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=120)


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy])
def test_modules_are_copied(copied):
    """Also where another module of the same name was made since. A deep copy shares nothing, and stays of the same class."""
    net = made()
    made()
    twin, x = copied(net), torch.rand(2, 3, 6, 6)
    assert type(twin) is type(net) and torch.equal(twin(x), net(x)) and not twin.training
    assert list(twin.state_dict()) == list(net.state_dict())
    shared = {p.data_ptr() for p in net.parameters()} & {p.data_ptr() for p in twin.parameters()}
    assert bool(shared) == (copied is copy.copy)


def test_averages_of_weights_copy_the_module():
    """torch.optim.swa_utils keeps a deep copy, as training with an average of weights does."""
    net = made()
    average = torch.optim.swa_utils.AveragedModel(net)
    average.update_parameters(net)
    x = torch.rand(2, 3, 6, 6)
    assert torch.allclose(average.eval()(x), net(x))


@pytest.mark.slow
def test_an_emitted_file_can_be_pickled(tmp_path):
    (tmp_path / "written.py").write_text(archspec.emit(archspec.loads(SPEC), "torch"), encoding="utf-8")
    program = "import io, torch, written\nnet = written.Model()\ntorch.save(net, 'net.pt')\ntorch.load('net.pt', weights_only=False)\n"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=120)
