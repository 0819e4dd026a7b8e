"""The variational autoencoder beside PyTorch's example, in PyTorch and in ONNX."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the module is written in it")

from torch import Tensor, nn
from torch.nn import functional as F

import archspec


class Vae(nn.Module):
    """github.com/pytorch/examples, vae/main.py, with the random numbers as an argument and the code in one line."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21, self.fc22 = nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h1 = F.relu(self.fc1(x.view(-1, 784)))
        mu, logvar = self.fc21(h1), self.fc22(h1)
        z = mu + noise * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


@pytest.fixture(scope="module")
def run():
    """The network, the module with its weights, inputs, and what the module makes of them."""
    torch.manual_seed(0)
    module, x, noise = Vae().eval(), torch.rand(3, 1, 28, 28), torch.randn(3, 20)
    nn.init.normal_(module.fc22.weight, std=0.3)
    with torch.no_grad():
        return archspec.load("vae_mnist"), module, (x, noise), module(x, noise)


def test_keys_values_and_gradients_are_those_of_the_module(run):
    network, module, inputs, wanted = run
    ours = archspec.to_torch(network).eval()
    ours.load_state_dict(module.state_dict(), strict=True)
    found = ours(*inputs)
    assert found._fields == ("output", "mu", "logvar")
    for ours_, theirs in zip(found, wanted, strict=True):
        assert torch.allclose(ours_, theirs, rtol=1e-5, atol=1e-6)
    for net in (ours, module):
        (result, mu, logvar), x = net(*inputs), inputs[0].flatten(1)
        divergence = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum()
        (F.binary_cross_entropy(result, x, reduction="sum") + divergence).backward()
    for key, parameter in module.named_parameters():
        assert torch.allclose(ours.get_parameter(key).grad, parameter.grad, rtol=1e-4, atol=1e-5), key


def test_onnx_gives_the_same(run):
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX file")
    from tests.helpers.onnx import run as compute
    from tests.helpers.onnx import session

    network, module, (x, noise), wanted = run
    found = compute(session(archspec.to_onnx(network, module.state_dict())), {"image": x, "noise": noise})
    for ours, theirs in zip(found, wanted, strict=True):
        assert torch.allclose(torch.from_numpy(ours), theirs, rtol=1e-5, atol=1e-5)


def test_counts(run):
    network, module, *_ = run
    totals = archspec.analyze(network).totals
    assert totals.params == sum(parameter.numel() for parameter in module.parameters()) == 652_824
    assert (totals.macs, totals.uncounted) == (sum(w.numel() for w in module.state_dict().values() if w.dim() == 2), 0)
    assert archspec.analyze(network).outputs == {"output": (784,), "mu": (20,), "logvar": (20,)}
