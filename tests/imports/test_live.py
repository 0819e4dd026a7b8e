"""`archspec import package.module:name`: code of a user, which is run, and what goes wrong in it."""

from __future__ import annotations

import sys

import pytest

import archspec
from archspec.cli.main import run
from archspec.imports.live import is_name
from tests.helpers.keras import keras

torch = pytest.importorskip("torch", reason="reads modules of PyTorch")

CODE = """
import torch
from torch import nn

print("said by the user's code")

def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(1, 4, 3)

    def forward(self, x, y):
        print("said by the user's code")
        return self.a(x) + self.b(y)

    @staticmethod
    def pair():
        return Two()

def reads_its_weights():
    made = small()
    made[0].weight.data.fill_(float(made[0].weight.sum()))
    return made

def on_meta():
    with torch.device("meta"):
        return small()

class Later(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = nn.Linear(8, 24)
        self.register_buffer("later", torch.full((6, 6), float("-inf")).triu(1), persistent=False)

    def forward(self, x):
        q, k, v = self.own(x.transpose(1, 2)).chunk(3, -1)
        return ((q @ k.transpose(1, 2) / 8**0.5).masked_fill(self.later != 0, float("-inf"))).softmax(-1) @ v

def broken(): raise RuntimeError("there is no luck\\nat all")
def leaves(): raise SystemExit(3)
def takes(n): return small()
def gives(): return 3
live, number = small(), 3
def __getattr__(name):
    if name == "moody":
        raise RuntimeError("not today")
    raise AttributeError(name)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("user")
    (made / "user_models.py").write_text(CODE)
    (made / "user_broken.py").write_text("1 / 0\n")
    (made / "user_leaves.py").write_text("raise SystemExit\n")
    (made / "user_needs.py").write_text("import user_other.package\n")
    return made


@pytest.fixture(autouse=True)
def _here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    yield
    for name in [name for name in sys.modules if name.startswith("user_")]:
        del sys.modules[name]


def test_what_a_name_is(folder):
    (folder / "a:b").touch()
    assert [name for name in ("m:x", "a.b:c.d", "a:b", "C:\\net.onnx", "net.onnx", ":x", "m:", "m:1", "a/b:c") if is_name(name)] == [
        "m:x",
        "a.b:c.d",
    ]


@pytest.mark.parametrize("name", ["small", "live", "reads_its_weights", "on_meta"])
def test_a_module_or_what_makes_one(capsys, name):
    assert run(["import", f"user_models:{name}", "--input", "8x8x3"]) == 0
    done = capsys.readouterr()
    assert done.err.startswith("said by the user's code\n")
    network = archspec.loads(done.out, name=name)
    assert [row.op for row in archspec.analyze(network).rows()] == ["conv", "bn", "relu", "gap", "flatten", "fc"]
    assert archspec.analyze(network).totals.params == 3 * 9 * 4 + 4 + 8 + 50
    assert done.out.startswith(f"model {name}\n")


def test_several_inputs_go_by_their_names(capsys):
    assert run(["import", "user_models:Two.pair", "--input", "y=8x8x1", "--input", "x=8x8x3"]) == 0
    assert repr(archspec.loads(capsys.readouterr().out, name="two")) == "Network(pair: 8x8x3, 8x8x1 -> 6x6x4, 3 layers)"


def test_weights_are_those_of_the_module(capsys, folder):
    pytest.importorskip("safetensors", reason="reads what was written")
    assert run(["import", "user_models:live", "--input", "8x8x3", "-o", "live.arch", "--weights", "live.safetensors"]) == 0
    net = archspec.to_torch(archspec.load("live.arch")).eval()
    assert archspec.load_weights(net, "live.safetensors").how == "name"
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(net(x), sys.modules["user_models"].live.eval()(x))
    assert run(["import", "user_models:on_meta", "--input", "8x8x3", "--weights", "meta.safetensors"]) == 2
    assert capsys.readouterr().err.endswith("archspec: `0.weight` is on the meta device, where there are no numbers\n")
    assert not (folder / "meta.safetensors").exists()


def test_a_model_of_keras_by_its_name(capsys, folder):
    keras()
    (folder / "user_keras.py").write_text(
        "import keras\n\ndef small():\n    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(2)], name='small')\n\nlive = small()\n"
    )
    for name in ("small", "live"):
        assert run(["import", f"user_keras:{name}", "--weights", f"{name}.safetensors"]) == 0
        done = capsys.readouterr()
        assert done.err == f"archspec: 4 tensors are in {name}.safetensors\n"
        assert done.out.endswith("input 8x8x3\nconv k=3 f=4\nfc 2\n")
        assert run(["import", f"user_keras:{name}"]) == 0
        assert capsys.readouterr().out == done.out


SHAPE = ["--input", "8x8x3"]
MISTAKES = {
    "user_models:smal": (SHAPE, "`user_models` has no `smal`; did you mean `small`?"),
    "user_models:zzz": (SHAPE, "`user_models` has no `zzz`; it was imported, and its code was run"),
    "user_models:moody": (SHAPE, "reading `user_models:moody` failed: RuntimeError: not today"),
    "user_nothing.models:x": (SHAPE, "there is no module `user_nothing`, neither installed nor in this folder"),
    "user_models.inner:x": (SHAPE, "there is no module `user_models.inner`, neither installed nor in this folder"),
    "user_needs:x": (SHAPE, "`user_needs` needs the module `user_other`, which is not installed"),
    "user_broken:x": (SHAPE, "importing `user_broken` failed: ZeroDivisionError: division by zero"),
    "user_leaves:x": (SHAPE, "importing `user_leaves` failed: SystemExit"),
    "user_models:broken": (SHAPE, "`user_models:broken()` failed: RuntimeError: there is no luck"),
    "user_models:leaves": (SHAPE, "`user_models:leaves()` failed: SystemExit: 3"),
    "user_models:takes": (SHAPE, "argument: 'n'; where it takes arguments, name a function without any that calls it"),
    "user_models:gives": (SHAPE, "`user_models:gives()` gives an object of type int, not a model of PyTorch or Keras"),
    "user_models:number": (SHAPE, "`user_models:number` is an object of type int: expected a model of PyTorch or Keras, or what makes one"),
    "user_models:small": ([], "`user_models:small` needs the shape of its input, channels last: `--input 224x224x3`"),
    "user_models:live": (["--input", "3000000000x3000000000x3"], "an input of 3000000000x3000000000x3 does not fit into memory"),
    "user_models:Two": (["--input", "x=8x8x3", "--input", "z=8x8x1"], "`forward` has no input `z`; it has x, y"),
    "user_models:Two.pair": (["--input", "y=8x8x1"], "the input `x` has no shape: `--input x=HxWxC`"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_have_a_line_each(capsys, name):
    options, message = MISTAKES[name]
    assert run(["import", name, *options]) == 2
    done = capsys.readouterr()
    said = done.err.removeprefix("said by the user's code\n")
    assert (done.out, said.count("\n")) == ("", 1)
    assert said.startswith("archspec: ")
    assert message in said


def test_a_shape_that_the_module_refuses_is_an_error_of_the_model(capsys):
    assert run(["import", "user_models:small", "--input", "8x8x4"]) == 1
    assert "error[A611]: PyTorch cannot export Sequential: Given groups=1" in capsys.readouterr().err


def test_constants_that_decide_what_a_layer_is_have_numbers(capsys):
    """The mask is no part of the state of its module, so that it has no numbers on the meta device."""
    assert run(["import", "user_models:Later", "--input", "6x8"]) == 0
    printed = capsys.readouterr()
    assert "causal=yes" in printed.out and "A610" not in printed.err
