"""Activation functions: elementwise, in place, without weights except for prelu."""

from archspec.ops.base import Op
from archspec.ops.declare import Real
from archspec.types import Type


class Activation(Op):
    """A function of each element; `operations` says which are counted.

    Source:  the function of the same name in torch.nn.functional.
    """

    step = ""
    kind = "activation"
    in_place = True

    def __init_subclass__(cls, elementary: int = 0, operations: str = "", keeps: str = "input") -> None:
        super().__init_subclass__()
        cls.keeps = keeps
        cls.elementary, cls.cost_note = elementary, f"{elementary} per element: {operations}"


class Relu(Activation, elementary=1, operations="a comparison", keeps="output"):
    """max(x, 0). Source: Nair & Hinton 2010."""


class Relu6(Activation, elementary=2, operations="two comparisons"):
    """min(max(x, 0), 6). Source: Howard et al. 2017."""


class Leaky(Activation, elementary=2, operations="a comparison and a multiplication"):
    """x where x > 0, slope*x elsewhere. Source: Maas et al. 2013."""

    positional = ("slope",)

    slope: Real = 0.01


class Sigmoid(Activation, elementary=4, operations="negation, exp, addition, division", keeps="output"):
    """1/(1 + exp(-x))."""


class Tanh(Activation, elementary=1, operations="tanh", keeps="output"):
    """tanh(x)."""


class _Normalised(Activation):
    """A function of all channels of a position."""

    probabilities = True

    def constant(self, x: Type) -> tuple[str, str] | None:
        if x.channels > 1:
            return None
        return f"`{self.step}` of one value is always the same", "one output node takes `sigmoid`"


class Softmax(_Normalised, elementary=5, operations="maximum, subtraction, exp, sum, division", keeps="output"):
    """exp(x)/sum(exp(x)) over the channels."""


class LogSoftmax(_Normalised, elementary=5, operations="maximum, subtraction, exp, sum, subtraction", keeps="output"):
    """log(softmax(x)) over the channels."""
