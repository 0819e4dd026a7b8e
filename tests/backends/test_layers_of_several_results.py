"""Layers that give several results, which no layer of the language does yet: a stand-in that splits its channels into halves."""

from __future__ import annotations

import pytest

import archspec
from archspec.backends.arch import expand
from archspec.ir.graph import Network
from archspec.ops import op_class
from archspec.types import Map


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Of `halves`, named `hardswish`: the sigmoid of the first minus the second."""
    half = Map((3, 3), 2)
    monkeypatch.setattr(op_class("hardswish"), "infer", lambda op, inputs: (half, half))
    b = archspec.Builder("net")
    y = b.op("hardswish", b.op("conv", b.input("input", Map((3, 3), 4)), k=1, f=4))
    b.output(b.op("sub", b.op("sigmoid", y), b.further(y, 1)))
    return b.network()


def test_pytorch_and_onnx_give_each_result(network, monkeypatch):
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    from archspec.backends.onnx import operators

    def split(layer, *_):
        return tuple(layer.add_many("Split", [layer.x], 2, axis=1, num_outputs=2))

    monkeypatch.setitem(operators.ROWS, "hardswish", split)
    model = archspec.to_torch(network, seed=0)
    model.hardswish1 = type("Halves", (torch.nn.Module,), {"forward": lambda self, x: x.chunk(2, 1)})()
    x = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    proto = archspec.to_onnx(network, model.state_dict())
    (found,) = runtime.InferenceSession(proto.SerializeToString()).run(None, {"input": x.numpy()})
    first, second = model.conv1(x).chunk(2, 1)
    torch.testing.assert_close(model(x), first.sigmoid() - second)
    torch.testing.assert_close(torch.from_numpy(found), first.sigmoid() - second)


def test_keras_picks_each_result(network):
    first, second = "x, y = ", "layers.Subtract("
    text = archspec.emit(network, "keras")
    assert first in text and second in text


def test_the_language_has_no_names_for_them(network):
    with pytest.raises(archspec.SpecError, match="no names for the further results of `hardswish`"):
        expand(network)
