"""The later activation functions: smooth ones and their hard approximations, and those with a slope that is set or learned."""

from typing import Annotated, Literal

from archspec.ops.activation import Activation
from archspec.ops.base import Weight
from archspec.ops.declare import Flag, Real, Rule
from archspec.types import Type


class Elu(Activation, elementary=4, operations="a comparison, exp, subtraction, multiplication"):
    """x where x > 0, alpha*(exp(x) - 1) elsewhere. Source: Clevert et al. 2015."""

    positional = ("alpha",)

    alpha: Real = 1.0


class Selu(Activation, elementary=5, operations="as elu, and a multiplication"):
    """Elu with fixed alpha, times a fixed factor. Source: Klambauer et al. 2017."""


class Gelu(Activation, elementary=5, operations="division, erf, addition, two multiplications"):
    """x * Phi(x), by erf or by its tanh approximation. Source: Hendrycks & Gimpel 2016."""

    approx: Annotated[Literal["none", "tanh"], Rule("none or tanh")] = "none"


class Silu(Activation, elementary=5, operations="sigmoid 4, a multiplication"):
    """x * sigmoid(x). Source: Ramachandran et al. 2017."""


class Mish(Activation, elementary=5, operations="softplus 3, tanh, a multiplication"):
    """x * tanh(softplus(x)). Source: Misra 2019."""


class HardSwish(Activation, elementary=5, operations="addition, two comparisons, division, multiplication"):
    """x * relu6(x + 3)/6. Source: Howard et al. 2019."""


class HardSigmoid(Activation, elementary=4, operations="addition, two comparisons, division"):
    """relu6(x + 3)/6. Source: Howard et al. 2019; the slope is 1/6 as in torch, not ONNX's default 0.2."""


class Softplus(Activation, elementary=3, operations="exp, addition, log"):
    """log(1 + exp(x))."""


class Prelu(Activation, elementary=2, operations="a comparison and a multiplication"):
    """Leaky relu with a learned slope, one for all channels or, with `shared=no`, one per channel. Source: He et al. 2015.

    Params:  weight (1), or (C) with shared=no
    """

    shared: Flag = True

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return (Weight("weight", (1 if self.shared else x.channels,)),)
