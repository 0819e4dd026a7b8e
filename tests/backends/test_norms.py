"""Norms of numbers whose mean is far from 0, against NumPy in double precision."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy", reason="numpy is what norms are compared with")
torch = pytest.importorskip("torch", reason="torch runs the emitted modules")
pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX files")

import archspec
from archspec.backends.onnx.opsets import OPSETS
from tests.helpers.onnx import run, session
from tests.helpers.torch import results

EPS = 1e-5
SHAPES = {"16x16x8": (2, 8, 16, 16), "64x8": (2, 8, 64), "6x5x4x8": (2, 8, 6, 5, 4), "64": (2, 64)}


def normed(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + EPS)


def grouped(x, groups):
    return normed(x.reshape(len(x), groups, -1), (2,)).reshape(x.shape)


NORMS = {
    "gn 1": lambda x: grouped(x, 1),
    "gn 4": lambda x: grouped(x, 4),
    "instnorm": lambda x: normed(x, tuple(range(2, x.ndim))),
    "ln": lambda x: normed(x, (1,)),
    "rmsnorm": lambda x: x / np.sqrt(np.square(x).mean(1, keepdims=True) + 2**-23),
    "l2norm": lambda x: x / np.sqrt(np.square(x).sum(1, keepdims=True)),
    "bn": lambda x: normed(x, (0, *range(2, x.ndim))),
}
COMPOSED = 1e-5
"""Of what subtracts the mean first."""
ROUNDED = 4e-4
"""Of the rest, as of PyTorch's own modules: 1,000 in single precision is exact to 6e-5, and the deviation is 1."""


@pytest.mark.parametrize("mean", [0, 1000])
@pytest.mark.parametrize("norm", NORMS)
def test_norms_of_numbers_of_mean_1000_and_deviation_1(norm, mean):
    """onnxruntime's GroupNormalization is off by 10% there, or gives NaN."""
    random = np.random.default_rng(0)
    for shape, batched in SHAPES.items():
        if norm in ("instnorm", "bn") and len(batched) == 2:  # no positions; and a batch of two has its two values near each other
            continue
        network = archspec.loads(f"input {shape}\n{norm}\n")
        x = (random.standard_normal(batched) + mean).astype("float32")
        exact = x.astype("float64")
        module, inputs = archspec.to_torch(network), {"input": torch.tensor(x)}
        if norm == "bn":
            state = module.state_dict()
            axes = (0, *range(2, x.ndim))
            state["bn1.running_mean"].copy_(torch.tensor(exact.mean(axes)))
            state["bn1.running_var"].copy_(torch.tensor(exact.var(axes)))
        expected = NORMS[norm](exact)
        (ours,) = results(module.eval(), inputs)
        assert np.abs(ours - expected).max() < ROUNDED, shape
        for opset in (min(OPSETS), 17, 21, 22, max(OPSETS)):
            (found,) = run(session(archspec.to_onnx(network, module.state_dict(), opset=opset)), inputs)
            assert np.abs(found - expected).max() < (COMPOSED if norm[0] in "gi" else ROUNDED), (shape, opset)


@pytest.mark.parametrize("norm", ["gn 2", "instnorm"])
def test_a_norm_of_a_large_picture_far_from_zero(norm):
    """A mean of 50,000 numbers of 1,000 in single precision is off by more than the norm may be."""
    network = archspec.loads(f"input 224x224x4\n{norm}\n")
    x = (np.random.default_rng(0).standard_normal((1, 4, 224, 224)) + 1000).astype("float32")
    exact = x.astype("float64")
    expected = grouped(exact, 2) if norm == "gn 2" else normed(exact, (2, 3))
    (found,) = run(session(archspec.to_onnx(network)), {"input": torch.tensor(x)})
    assert np.abs(found - expected).max() < COMPOSED
