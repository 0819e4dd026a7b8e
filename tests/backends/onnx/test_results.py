"""Networks that read further results, in onnxruntime beside PyTorch."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
runtime = pytest.importorskip("onnxruntime")

import archspec
from tests.helpers.nested import random_network, unet, wavenet

NETWORKS = {"wavenet": wavenet, "unet": unet} | {f"random {seed}": lambda seed=seed: random_network(seed) for seed in range(12)}


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_those_of_pytorch(name, fold):
    network = NETWORKS[name]()
    model = archspec.to_torch(network, seed=0).eval()
    proto = archspec.to_onnx(network, model.state_dict(), batch=2, fold_bn=fold)
    shape = network.inputs[0].type.shape
    x = torch.randn(2, shape[-1], *shape[:-1], generator=torch.Generator().manual_seed(0))
    found = runtime.InferenceSession(proto.SerializeToString()).run(None, {"input": x.numpy()})
    wanted = model(x)
    for a, b in zip(found, [wanted] if isinstance(wanted, torch.Tensor) else wanted, strict=True):
        torch.testing.assert_close(torch.from_numpy(a), b.detach(), rtol=1e-4, atol=1e-5)
