"""The later activation functions: smooth ones and their hard approximations, and those with a slope that is set or learned."""

from typing import Annotated, Literal

from archspec.ops.activation import Activation
from archspec.ops.base import Flag, Real, Weight
from archspec.ops.declare import Rule
from archspec.types import Type


class Elu(Activation):
    """x where x > 0, alpha*(exp(x) - 1) elsewhere. Source: Clevert et al. 2015."""

    step = "elu"
    positional = ("alpha",)
    elementary = 4
    cost_note = "4 per element: a comparison, exp, subtraction, multiplication"

    alpha: Real = 1.0


class Selu(Activation):
    """Elu with fixed alpha, times a fixed factor. Source: Klambauer et al. 2017."""

    step = "selu"
    elementary = 5
    cost_note = "5 per element: as elu, and a multiplication"


class Gelu(Activation):
    """x * Phi(x), by erf or by its tanh approximation. Source: Hendrycks & Gimpel 2016."""

    step = "gelu"
    elementary = 5
    cost_note = "5 per element: division, erf, addition, two multiplications"

    approx: Annotated[Literal["none", "tanh"], Rule("none or tanh")] = "none"


class Silu(Activation):
    """x * sigmoid(x). Source: Ramachandran et al. 2017."""

    step = "silu"
    elementary = 5
    cost_note = "5 per element: sigmoid 4, a multiplication"


class Mish(Activation):
    """x * tanh(softplus(x)). Source: Misra 2019."""

    step = "mish"
    elementary = 5
    cost_note = "5 per element: softplus 3, tanh, a multiplication"


class HardSwish(Activation):
    """x * relu6(x + 3)/6. Source: Howard et al. 2019."""

    step = "hardswish"
    elementary = 5
    cost_note = "5 per element: addition, two comparisons, division, multiplication"


class HardSigmoid(Activation):
    """relu6(x + 3)/6. Source: Howard et al. 2019; the slope is 1/6 as in torch, not ONNX's default 0.2."""

    step = "hardsigmoid"
    elementary = 4
    cost_note = "4 per element: addition, two comparisons, division"


class Softplus(Activation):
    """log(1 + exp(x))."""

    step = "softplus"
    elementary = 3
    cost_note = "3 per element: exp, addition, log"


class Prelu(Activation):
    """Leaky relu with a learned slope, one for all channels or, with `shared=no`, one per channel. Source: He et al. 2015."""

    step = "prelu"
    elementary = 2
    cost_note = "2 per element: a comparison and a multiplication"

    shared: Flag = True

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return (Weight("weight", (1 if self.shared else x.channels,)),)
