"""Activation functions: elementwise, in place, without weights but for prelu."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from archspec.ops.base import WHOLE, Field_, Flag, Op, Real, Weight
from archspec.types import Map, Type


class Activation(Op):
    """A function of each element.

    Shape:   unchanged
    Params:  none
    FLOPs:   `elementary` an element
    Source:  the function of the same name in torch.nn.functional.
    """

    in_place: ClassVar[bool] = True


class Relu(Activation):
    """max(x, 0). Source: Nair & Hinton 2010."""

    step: ClassVar[str] = "relu"
    elementary: ClassVar[int] = 1
    cost_note: ClassVar[str] = "1 an element: a comparison"


class Relu6(Activation):
    """min(max(x, 0), 6). Source: Howard et al. 2017."""

    step: ClassVar[str] = "relu6"
    elementary: ClassVar[int] = 2
    cost_note: ClassVar[str] = "2 an element: two comparisons"


class Leaky(Activation):
    """x where x > 0, slope*x elsewhere. Source: Maas et al. 2013."""

    step: ClassVar[str] = "leaky"
    bare: ClassVar[tuple[str, ...]] = ("slope",)
    elementary: ClassVar[int] = 2
    cost_note: ClassVar[str] = "2 an element: a comparison and a multiplication"

    slope: Real = 0.01


class Elu(Activation):
    """x where x > 0, alpha*(exp(x) - 1) elsewhere. Source: Clevert et al. 2015."""

    step: ClassVar[str] = "elu"
    bare: ClassVar[tuple[str, ...]] = ("alpha",)
    elementary: ClassVar[int] = 4
    cost_note: ClassVar[str] = "4 an element: a comparison, exp, subtraction, multiplication"

    alpha: Real = 1.0


class Selu(Activation):
    """Elu with fixed alpha, times a fixed factor. Source: Klambauer et al. 2017."""

    step: ClassVar[str] = "selu"
    elementary: ClassVar[int] = 5
    cost_note: ClassVar[str] = "5 an element: as elu, and a multiplication"


class Gelu(Activation):
    """x * Phi(x), by erf or by its tanh approximation. Source: Hendrycks & Gimpel 2016."""

    step: ClassVar[str] = "gelu"
    elementary: ClassVar[int] = 5
    cost_note: ClassVar[str] = "5 an element: division, erf, addition, two multiplications"

    approx: Annotated[Literal["none", "tanh"], Field(description="none or tanh")] = "none"


class Silu(Activation):
    """x * sigmoid(x). Source: Ramachandran et al. 2017."""

    step: ClassVar[str] = "silu"
    elementary: ClassVar[int] = 5
    cost_note: ClassVar[str] = "5 an element: sigmoid 4, a multiplication"


class Mish(Activation):
    """x * tanh(softplus(x)). Source: Misra 2019."""

    step: ClassVar[str] = "mish"
    elementary: ClassVar[int] = 5
    cost_note: ClassVar[str] = "5 an element: softplus 3, tanh, a multiplication"


class HardSwish(Activation):
    """x * relu6(x + 3)/6. Source: Howard et al. 2019."""

    step: ClassVar[str] = "hardswish"
    elementary: ClassVar[int] = 5
    cost_note: ClassVar[str] = "5 an element: addition, two comparisons, division, multiplication"


class HardSigmoid(Activation):
    """relu6(x + 3)/6. Source: Howard et al. 2019; the slope is 1/6 as in torch, not ONNX's default 0.2."""

    step: ClassVar[str] = "hardsigmoid"
    elementary: ClassVar[int] = 4
    cost_note: ClassVar[str] = "4 an element: addition, two comparisons, division"


class Sigmoid(Activation):
    """1/(1 + exp(-x))."""

    step: ClassVar[str] = "sigmoid"
    elementary: ClassVar[int] = 4
    cost_note: ClassVar[str] = "4 an element: negation, exp, addition, division"


class Tanh(Activation):
    """tanh(x)."""

    step: ClassVar[str] = "tanh"
    elementary: ClassVar[int] = 1
    cost_note: ClassVar[str] = "1 an element: tanh"


class Softplus(Activation):
    """log(1 + exp(x))."""

    step: ClassVar[str] = "softplus"
    elementary: ClassVar[int] = 3
    cost_note: ClassVar[str] = "3 an element: exp, addition, log"


class _Normalised(Activation):
    """A function of all channels of a position."""

    probabilities: ClassVar[bool] = True

    def reach(self, x: Type) -> Field_:
        return "point" if isinstance(x, Map) else WHOLE


class Softmax(_Normalised):
    """exp(x)/sum(exp(x)) over the channels."""

    step: ClassVar[str] = "softmax"
    elementary: ClassVar[int] = 5
    cost_note: ClassVar[str] = "5 an element: maximum, subtraction, exp, sum, division"


class LogSoftmax(_Normalised):
    """log(softmax(x)) over the channels."""

    step: ClassVar[str] = "logsoftmax"
    elementary: ClassVar[int] = 5
    cost_note: ClassVar[str] = "5 an element: maximum, subtraction, exp, sum, subtraction"


class Prelu(Activation):
    """Leaky relu with a learned slope, one for all channels or (`shared=no`) one each. Source: He et al. 2015."""

    step: ClassVar[str] = "prelu"
    elementary: ClassVar[int] = 2
    cost_note: ClassVar[str] = "2 an element: a comparison and a multiplication"

    shared: Flag = True

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return (Weight("weight", (1 if self.shared else x.channels,)),)

    def work(self, x: Type, y: Type) -> dict[str, str]:
        count = 1 if self.shared else x.channels
        return {"params": f"{count} = {count}"}
