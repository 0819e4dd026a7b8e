"""The form of weights: what is stored in place of a weight, and how the weight of each pass is made of it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from archspec.numeric import holds, product
from archspec.ops.base import Misfit, Part, Weight
from archspec.ops.declare import Rule
from archspec.types import Type

Form = Annotated[Literal["std", "weight", "spectral"] | Literal[False], Rule("std, weight, spectral or no: the form of the weights")]
PlainForm = Annotated[Literal["weight", "spectral"] | Literal[False], Rule("weight, spectral or no: the form of the weights")]

_OWN = "parametrizations.weight."
"""Where torch.nn.utils.parametrizations keeps what a weight is made of."""
MATRICES = ("weight", f"{_OWN}original1", f"{_OWN}original")
"""The names of the tensor that has a weight's shape."""
_EQUATIONS = {
    "std": "(w - mean)/sqrt(variance + eps), filter by filter",
    "weight": "g * v/|v|, filter by filter: a length g and a direction v",
    "spectral": "w/s, with the largest singular value s = u*w*v, whose vectors u and v each step of training improves",
}


def formed(form: str | bool, weights: Sequence[Weight], gain: bool = False, axis: int = 0) -> tuple[Weight, ...]:
    """List what is stored for a weight, the first of `weights`, and its bias; `axis` is that of the filters.

    Source: Salimans & Kingma 2016; Miyato et al. 2018; Brock et al. 2021; names as in torch.nn.utils.parametrizations, and timm's `gain`.
    """
    weight, *rest = weights
    lengths = (weight.shape[0], *(1,) * (len(weight.shape) - 1))
    if form == "std":
        return (*weights, *[Weight("gain", lengths)] * gain)
    if form == "weight":
        return (*rest, Weight(MATRICES[1][:-1] + "0", lengths), Weight(MATRICES[1], weight.shape))
    if form == "spectral":
        columns = product(weight.shape[:axis] + weight.shape[axis + 1 :])
        vectors = (Weight(_OWN + "0._u", (weight.shape[axis],), "buffer"), Weight(_OWN + "0._v", (columns,), "buffer"))
        return (*rest, Weight(MATRICES[2], weight.shape), *vectors)
    return tuple(weights)


def numbers_kept(weights: Sequence[Weight]) -> int:
    """Count what a form keeps for its gradient, per batch: the weight that it makes, and the numbers of each filter that led to it."""
    matrix = next(weight for weight in weights if weight.name in MATRICES)
    others = [weight for weight in weights if weight is not matrix and weight.name != "bias"]
    if matrix.name == MATRICES[1]:
        return matrix.size + matrix.shape[0]
    if matrix.name == MATRICES[2]:
        return matrix.size + sum(weight.size for weight in others) + 1
    return matrix.size + (2 + len(others)) * matrix.shape[0]


def check_form(op: Any, x: Type) -> None:
    """Raises Misfit for arguments of another form, and for filters of one number."""
    for argument in ("gain", "eps"):
        other = op.norm != "std" and (op.norm or "norm" not in op.given)  # `norm=no` may leave what a default gives unused
        if other and getattr(op, argument) != op.fields[argument].default:
            raise Misfit("A105", f"`{argument}` belongs to `norm=std`", argument=argument, help_=f"add it, or leave `{argument}` out")
    if op.norm == "std" and not holds(product(op.weights(x)[0].shape[1:]) > 1):
        message = "`norm=std` would standardise each single weight by itself, and leave nothing of it"
        raise Misfit("A201", message, argument="norm", help_="use norm=weight, or norm=no here")


def form_parts(form: str | bool, gain: bool = False) -> tuple[Part, ...]:
    """List how the weight of a pass is made, for `explain`."""
    if not form:
        return ()
    scale = "gain/sqrt(fan-in) * " if gain and form == "std" else ""
    return (Part("weight used", scale + _EQUATIONS[str(form)]),)
