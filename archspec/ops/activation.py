"""Activation functions: elementwise, in place, without weights except for prelu."""

from archspec.ops.base import Op, Real
from archspec.types import Type


class Activation(Op):
    """A function of each element.

    Shape:   unchanged
    Params:  none
    FLOPs:   `elementary` per element
    Source:  the function of the same name in torch.nn.functional.
    """

    kind = "activation"
    in_place = True


class Relu(Activation):
    """max(x, 0). Source: Nair & Hinton 2010."""

    step = "relu"
    elementary = 1
    cost_note = "1 per element: a comparison"


class Relu6(Activation):
    """min(max(x, 0), 6). Source: Howard et al. 2017."""

    step = "relu6"
    elementary = 2
    cost_note = "2 per element: two comparisons"


class Leaky(Activation):
    """x where x > 0, slope*x elsewhere. Source: Maas et al. 2013."""

    step = "leaky"
    positional = ("slope",)
    elementary = 2
    cost_note = "2 per element: a comparison and a multiplication"

    slope: Real = 0.01


class Sigmoid(Activation):
    """1/(1 + exp(-x))."""

    step = "sigmoid"
    elementary = 4
    cost_note = "4 per element: negation, exp, addition, division"


class Tanh(Activation):
    """tanh(x)."""

    step = "tanh"
    elementary = 1
    cost_note = "1 per element: tanh"


class _Normalised(Activation):
    """A function of all channels of a position."""

    probabilities = True

    def constant(self, x: Type) -> tuple[str, str] | None:
        if x.channels > 1:
            return None
        return f"`{self.step}` of one value is always the same", "one output node takes `sigmoid`"


class Softmax(_Normalised):
    """exp(x)/sum(exp(x)) over the channels."""

    step = "softmax"
    elementary = 5
    cost_note = "5 per element: maximum, subtraction, exp, sum, division"


class LogSoftmax(_Normalised):
    """log(softmax(x)) over the channels."""

    step = "logsoftmax"
    elementary = 5
    cost_note = "5 per element: maximum, subtraction, exp, sum, subtraction"
