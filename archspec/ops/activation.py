"""Activation functions: elementwise, in place, without weights except for prelu."""

from archspec.ops.along import Axis, check_axis
from archspec.ops.base import POINT, WHOLE, Field_, Op
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


class Abs(Activation, elementary=1, operations="an absolute value"):
    """|x|."""


class Sigmoid(Activation, elementary=4, operations="negation, exp, addition, division", keeps="output"):
    """1/(1 + exp(-x))."""


class Tanh(Activation, elementary=1, operations="tanh", keeps="output"):
    """tanh(x)."""


class _Normalised(Activation):
    """A function of all channels of a position, or of all tokens of a channel."""

    axis: Axis = "c"

    @property
    def probabilities(self) -> bool:  # type: ignore[override]
        return self.axis == "c"

    def check(self, x: Type) -> None:
        check_axis(self.step, self.axis, x)

    def reach(self, x: Type) -> Field_:
        return WHOLE if self.axis == "t" else POINT

    def constant(self, x: Type) -> tuple[str, str] | None:
        if self.axis == "t":
            return (f"`{self.step} axis=t` of one token is always the same", "keep more tokens before it") if x.shape[0] == 1 else None
        if x.channels > 1:
            return None
        return f"`{self.step}` of one value is always the same", "one output node takes `sigmoid`"


class Softmax(_Normalised, elementary=5, operations="maximum, subtraction, exp, sum, division", keeps="output"):
    """exp(x)/sum(exp(x)) over the channels of each position; with axis=t over the tokens of each channel."""


class LogSoftmax(_Normalised, elementary=5, operations="maximum, subtraction, exp, sum, subtraction", keeps="output"):
    """log(softmax(x)) over the channels of each position; with axis=t over the tokens of each channel."""
