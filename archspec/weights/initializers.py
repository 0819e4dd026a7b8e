"""Initial values of the stored tensors, distributed as PyTorch's modules, and the spec's `init=`, distribute their own.

Every tensor has a stream of random numbers of its own, seeded by its key, so that neither the order in which tensors are drawn nor
the layers beside them change its values. The same numpy draws the same numbers; another version of it may draw others (NEP 19).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from math import log, prod, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec.analysis.tensors import Tensor, stored
from archspec.ops.weightform import MATRICES
from archspec.types import LIMIT

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Distribution(NamedTuple):
    """How numbers are drawn.

    `constant` is `scale` itself; `uniform` is on (-scale, scale); `normal` has the deviation `scale`; `truncated` is normal, cut at -2
    and 2; `signs` are -1 and 1; `orthogonal` rows or columns, whichever are fewer, are orthonormal; `eye` is 1 on the
    diagonal and 0 elsewhere; `lengths`, `left` and `right` follow from the weight beside them.
    """

    kind: str
    scale: float = 1.0


ZERO = Distribution("constant", 0.0)
_FORMS = {
    "gain": Distribution("constant", 1.0),
    "original0": Distribution("lengths"),
    "_u": Distribution("left"),
    "_v": Distribution("right"),
}
"""What belongs to the form of a weight."""
_NORM = {"weight": 1.0, "bias": 0.0, "v": 1.0, "running_mean": 0.0, "running_var": 1.0}


def distribution(tensor: Tensor) -> Distribution:
    """Find the distribution of a tensor's initial values. Raises KeyError for a layer that has no rule here."""
    op: Any = tensor.place.node.op
    return _RULES[op.step](op, tensor, next(iter(tensor.place.graph.types_of(tensor.place.node)), None))


def draw(tensor: Tensor, seed: int) -> Array:
    """Draw the initial values of a tensor as float32: the same for the same seed, key and shape. Raises MemoryError."""
    import numpy as np

    if 4 * prod(tensor.shape) > LIMIT:
        raise MemoryError(f"`{tensor.key}` would be an array of {'x'.join(map(str, tensor.shape))}")
    kind, scale = distribution(tensor)
    if kind == "constant":
        return np.full(tensor.shape, scale, np.float32)
    if kind in ("lengths", "left", "right"):
        return _made(tensor, kind, seed)
    if kind == "eye":
        return np.eye(*tensor.shape, dtype=np.float32)
    key = int.from_bytes(blake2b(tensor.key.encode(), digest_size=16).digest(), "little")
    random = np.random.default_rng([seed, key])
    if kind == "uniform":
        values = random.random(tensor.shape, np.float32)
        values *= np.float32(2 * scale)
        values -= np.float32(scale)
        return values
    if kind == "signs":
        return random.integers(0, 2, tensor.shape, np.int8).astype(np.float32) * 2 - 1
    values = random.standard_normal(tensor.shape, np.float32)
    if kind == "orthogonal":
        return _orthogonal(values.reshape(tensor.shape[0], -1)).reshape(tensor.shape)
    values *= np.float32(scale)
    while kind == "truncated" and (beyond := np.abs(values) > 2).any():
        values[beyond] = random.standard_normal(int(beyond.sum()), np.float32) * np.float32(scale)
    return values


def _orthogonal(values: Array) -> Array:
    """Saxe et al. 2013, as torch.nn.init.orthogonal_: the signs of the triangular factor make the choice unique."""
    import numpy as np

    wide = values.shape[0] < values.shape[1]
    q, r = np.linalg.qr(values.T if wide else values)
    q *= np.sign(np.diagonal(r))
    return q.T if wide else q


def _lengths(matrix: Array) -> Array:
    """The Euclidean length of each filter, as torch.nn.utils.parametrizations.weight_norm begins with."""
    import numpy as np

    lengths: Array = np.sqrt(np.square(matrix).sum(tuple(range(1, matrix.ndim)), keepdims=True))
    return lengths


def _singular(matrix: Array, at: int) -> Array:
    """The left (0) or right (1) singular vector, by 15 steps of the power method, as torch.nn.utils.parametrizations.spectral_norm."""
    import numpy as np

    right = np.random.default_rng(0).standard_normal(matrix.shape[1], np.float32)
    for _ in range(15):
        left = matrix @ right
        left /= max(float(np.linalg.norm(left)), 1e-12)
        right = left @ matrix
        right /= max(float(np.linalg.norm(right)), 1e-12)
    found: tuple[Array, Array] = left, right
    return found[at]


def _made(tensor: Tensor, kind: str, seed: int) -> Array:
    """Compute what begins with numbers of the layer's weight: the lengths of its filters, or its singular vectors."""
    import numpy as np

    matrix = next(each for each in stored(tensor.place) if each.name in MATRICES)
    values = draw(matrix, seed)
    if kind == "lengths":
        return _lengths(values)
    axis = int(tensor.place.node.op.step == "deconv")
    return _singular(np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1), ("left", "right").index(kind))


def _chosen(op: Any, tensor: Tensor) -> Distribution:
    """The spec's `init=`; biases begin with 0. Fans as torch.nn.init counts them, from the shape of the weights."""
    if tensor.role == "bias":
        return ZERO
    field = prod(tensor.shape[2:])
    fan_in, fan_out = prod(tensor.shape[1:2]) * field, tensor.shape[0] * field
    return {
        "kaiming": Distribution("normal", sqrt(2 / fan_in)),
        "kaiming_uniform": Distribution("uniform", sqrt(6 / fan_in)),
        "kaiming_out": Distribution("normal", sqrt(2 / fan_out)),
        "xavier": Distribution("uniform", sqrt(6 / (fan_in + fan_out))),
        "xavier_normal": Distribution("normal", sqrt(2 / (fan_in + fan_out))),
        "lecun": Distribution("normal", sqrt(1 / fan_in)),
        "normal": Distribution("normal", op.std or 0.01),
        "truncated": Distribution("truncated", op.std or 0.02),
        "orthogonal": Distribution("orthogonal"),
        "zeros": ZERO,
    }[op.init]


def _linear(op: Any, tensor: Tensor, x: Any) -> Distribution:
    """Uniform within 1/sqrt(fan in), weight and bias alike: torch.nn.init.kaiming_uniform_ with a = sqrt(5) (He et al. 2015)."""
    own = _FORMS.get(tensor.name.rpartition(".")[2])
    if own is not None:
        return own
    if op.init is not None:
        return _chosen(op, tensor)
    weight = next(each.shape for each in op.weights(x) if each.name in MATRICES)
    # With a connection table filters differ: the mean fan in counts.
    fan_in = prod(weight) / op.f if getattr(op, "maps", None) is not None else prod(weight[1:])
    return Distribution("uniform", 1 / sqrt(fan_in))


def _attention(op: Any, tensor: Tensor, x: Any) -> Distribution:
    """Projections as torch.nn.MultiheadAttention has them (Glorot & Bengio 2010, biases 0) or as linear layers; tables as their papers."""
    kind = _OF_SCORES.get(tensor.name)
    if kind is not None:
        return kind
    weights = {weight.name: weight.shape for weight in op.weights(*tensor.place.graph.types_of(tensor.place.node))}
    if "in_proj_weight" in weights:
        if tensor.name in ("in_proj_bias", "out_proj.bias"):
            return ZERO
        if tensor.name == "in_proj_weight":
            return Distribution("uniform", sqrt(6 / sum(tensor.shape)))
    return Distribution("uniform", 1 / sqrt(weights[tensor.name.replace("bias", "weight")][1]))


_OF_SCORES = {
    "relative_position_bias_table": Distribution("truncated", 0.02),
    "logit_scale": Distribution("constant", log(10)),
    "relative_attention_bias.weight": Distribution("normal"),
}


def _tensor(op: Any, tensor: Tensor, x: Any) -> Distribution:
    if not isinstance(op.init, str):
        return Distribution("constant", op.init)
    return Distribution("eye") if op.init == "eye" else _chosen(op, tensor)


def _subsample(op: Any, tensor: Tensor, x: Any) -> Distribution:
    """Begin with the mean over the window."""
    return ZERO if tensor.role == "bias" else Distribution("constant", 1 / prod(slide.k for slide in op.window(x)))


_RULES: dict[str, Callable[[Any, Tensor, Any], Distribution]] = {
    **dict.fromkeys(("conv", "dwconv", "deconv", "fc", "linear"), _linear),
    "attn": _attention,
    "winattn": _attention,
    "attend": _attention,
    "buckets": lambda *_: Distribution("normal"),
    "subsample": _subsample,
    **dict.fromkeys(
        ["bn", "ln", "gn", "instnorm", "rmsnorm", "evonorm"], lambda _op, tensor, _x: Distribution("constant", _NORM[tensor.name])
    ),
    "grn": lambda *_: ZERO,
    **dict.fromkeys(("rnn", "gru", "lstm"), lambda op, *_: Distribution("uniform", 1 / sqrt(op.n))),
    "prelu": lambda *_: Distribution("constant", 0.25),
    "scale": lambda op, *_: Distribution("constant", op.init),
    "rbf": lambda *_: Distribution("signs"),
    "tensor": _tensor,
    "embed": lambda *_: Distribution("normal"),
    **dict.fromkeys(("cls", "custom"), lambda *_: ZERO),
    "pos": lambda *_: Distribution("normal", 0.02),
}
