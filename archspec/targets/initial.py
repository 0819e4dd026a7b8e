"""Initial values of the stored tensors, distributed as PyTorch's modules distribute their own.

Every tensor has a stream of random numbers of its own, seeded by its key, so that neither the order in which tensors are drawn nor
the layers beside them change its values. The same numpy draws the same numbers; another version of it may draw others (NEP 19).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from math import prod, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec.analysis.tensors import Tensor

if TYPE_CHECKING:
    import numpy as np


class Distribution(NamedTuple):
    """`uniform` on (-scale, scale), `normal` with deviation `scale`, `signs` (-1 or 1 times `scale`), or `constant` equal to it."""

    kind: str
    scale: float


_NORM = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}


def distribution(tensor: Tensor) -> Distribution:
    """How PyTorch initialises a tensor. Raises KeyError for one of a layer that is not known here."""
    op = tensor.place.node.op
    assert op is not None
    return _RULES[op.step](op, tensor, tensor.place.graph.type_of(tensor.place.node.inputs[0]))


def draw(tensor: Tensor, seed: int) -> np.ndarray[Any, Any]:
    """The initial values of a tensor as float32; the same for the same seed, key and shape."""
    import numpy as np

    kind, scale = distribution(tensor)
    if kind == "constant":
        return np.full(tensor.shape, scale, np.float32)
    key = int.from_bytes(blake2b(tensor.key.encode(), digest_size=16).digest(), "little")
    random = np.random.default_rng([seed, key])
    if kind == "normal":
        values = random.standard_normal(tensor.shape, np.float32)
    elif kind == "signs":
        values = random.integers(0, 2, tensor.shape, np.int8).astype(np.float32) * 2 - 1
    else:
        values = random.random(tensor.shape, np.float32)
        values *= 2
        values -= 1
    values *= np.float32(scale)
    return values


def _fan_in(op: Any, tensor: Tensor, x: Any) -> Distribution:
    """Uniform within 1/sqrt(fan in), weight and bias alike: torch.nn.init.kaiming_uniform_ with a = sqrt(5) (He et al. 2015)."""
    weight = op.weights(x)[0].shape
    return Distribution("uniform", 1 / sqrt(prod(weight[1:])))


def _convolution(op: Any, tensor: Tensor, x: Any) -> Distribution:
    """As `_fan_in`; with a connection table the fan in is the mean number of inputs of a filter."""
    if getattr(op, "maps", None) is None:
        return _fan_in(op, tensor, x)
    return Distribution("uniform", sqrt(op.f / op.weights(x)[0].size))


def _attention(op: Any, tensor: Tensor, x: Any) -> Distribution:
    """The projections into attention by Glorot & Bengio 2010, the one out of it as a linear layer, zeros for the biases."""
    if tensor.role == "bias":
        return Distribution("constant", 0.0)
    out, into = tensor.shape
    return Distribution("uniform", sqrt(6 / (into + out)) if tensor.name == "in_proj_weight" else 1 / sqrt(into))


def _subsample(op: Any, tensor: Tensor, x: Any) -> Distribution:
    """The mean over the window, to begin with."""
    return Distribution("constant", 0.0 if tensor.role == "bias" else 1 / prod(slide.k for slide in op.slides(x)))


def _norm(op: Any, tensor: Tensor, x: Any) -> Distribution:
    return Distribution("constant", _NORM[tensor.name])


def _fixed(kind: str, scale: float) -> Callable[[Any, Tensor, Any], Distribution]:
    return lambda op, tensor, x: Distribution(kind, scale)


_RULES: dict[str, Callable[[Any, Tensor, Any], Distribution]] = {
    "conv": _convolution,
    "dwconv": _convolution,
    "deconv": _fan_in,
    "fc": _fan_in,
    "linear": _fan_in,
    "attn": _attention,
    "subsample": _subsample,
    "bn": _norm,
    "ln": _norm,
    "gn": _norm,
    "prelu": _fixed("constant", 0.25),
    "scale": lambda op, tensor, x: Distribution("constant", op.init),
    "rbf": _fixed("signs", 1.0),
    "embed": _fixed("normal", 1.0),
    "cls": _fixed("constant", 0.0),
    "pos": _fixed("normal", 0.02),
}
