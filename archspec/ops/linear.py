"""Fully connected layers and their relatives; flatten, which they imply."""

from collections.abc import Sequence

from archspec.numeric import product
from archspec.ops.base import WHOLE, Kept, Op, Part, Weight, weight_and_bias
from archspec.ops.declare import Count, Deviation, Flag, Init, Positive, Real
from archspec.ops.initial import check_init
from archspec.ops.weightform import Form, check_form, form_parts, formed, numbers_kept
from archspec.types import Map, Tokens, Type, Vector


class Flatten(Op):
    """All numbers of a value as one vector.

    Shape:   (*S, C) -> (prod(S)*C), in the order C, *S as PyTorch has it
    """

    keeps = ""
    reads = WHOLE
    in_place = True

    def output(self, x: Type) -> Type:
        return Vector(x.size)


class Linear(Op):
    """A matrix product over the last axis.

    Shape:   (*S, C) -> (*S, n)
    Params:  weight (n, C), bias (n) if bias
    MACs:    prod(S) * n * C
    Source:  torch.nn.Linear.
    """

    kind = "fully connected"
    positional = ("n",)

    n: Count
    bias: Flag = True
    init: Init = None
    std: Deviation = None
    norm: Form = False
    gain: Flag = True
    eps: Positive = 1e-6

    def check(self, x: Type) -> None:
        check_init(self.init, self.std)
        check_form(self, x)

    def output(self, x: Type) -> Type:
        return x._replace(channels=self.n)

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return formed(self.norm, weight_and_bias((self.n, x.channels), self.n, self.bias), self.gain)

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(input=not self.frozen, statistics=numbers_kept(self.weights(x)) if self.norm else 0)

    def parts(self, x: Type) -> tuple[Part, ...]:
        return form_parts(self.norm, self.gain)

    def macs(self, x: Type, y: Type) -> int:
        return product((*y.shape[:-1], x.channels, self.n))

    def connections(self, x: Type, y: Type) -> int:
        return y.size * (x.channels + self.bias)


class Fc(Linear):
    """A fully connected layer: every output sees every input. What is not a vector is flattened first.

    Shape:   (C) -> (n)
    Params:  weight (n, C), bias (n) if bias
    MACs:    n * C
    Source:  CS231n, "Fully-connected layer"; torch.nn.Linear after torch.flatten.
    """

    reads = WHOLE

    def expand(self, inputs: Sequence[Type]) -> tuple[Op, ...]:
        if isinstance(inputs[0], Vector):
            return (self,)
        return (Flatten(), self)


class Rbf(Op):
    """LeNet-5's output: squared Euclidean distances to fixed codes.

    Shape:   (C) -> (n)
    Params:  none learned; codes (n, C) are frozen
    Source:  LeCun et al. 1998, section II.B, equation 7.
    """

    reads = WHOLE
    kind = "fully connected"
    positional = ("n",)
    takes = (Vector,)
    freezes = False
    cost_note = "3 per connection: subtract, square, add"

    n: Count

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(numbers=x.size * y.size)

    def output(self, x: Type) -> Type:
        return Vector(self.n)

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return (Weight("weight", (self.n, x.channels), "frozen"),)

    def flops(self, x: Type, y: Type) -> int:
        return 3 * x.size * y.size

    def connections(self, x: Type, y: Type) -> int:
        return x.size * y.size


class Embed(Op):
    """A table of learned vectors, looked up by whole numbers.

    Shape:   (T) -> (T, d)
    Params:  weight (v, d)
    Source:  torch.nn.Embedding.
    """

    kind = "fully connected"
    positional = ("v", "d")
    takes = (Vector,)
    indexes = True

    v: Count
    d: Count

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(bytes=8 * x.size)  # the numbers of the rows

    def output(self, x: Type) -> Type:
        return Tokens(x.channels, self.d)

    def weights(self, x: Type) -> tuple[Weight, ...]:
        return (Weight("weight", (self.v, self.d)),)


class Scale(Op):
    """A learned factor per channel or, with shared=yes, one for all numbers.

    Params:  (C, 1, ...), one axis of 1 for each axis of a map; (C) for tokens and vectors; shared=yes: one number, of shape ();
             flat=yes: (C) for maps too, and (1)
    Source:  Touvron et al. 2021, LayerScale; shared=yes: Bachlechner et al. 2020, ReZero.
    """

    kind = "normalisation"
    positional = ("init",)
    elementary = 1
    cost_note = "one multiplication per element"

    init: Real = 1.0
    shared: Flag = False
    flat: Flag = False

    def kept(self, x: Type, y: Type) -> Kept:
        return Kept(input=not self.frozen)

    def weights(self, x: Type) -> tuple[Weight, ...]:
        if self.shared:
            return (Weight("", (1,) if self.flat else ()),)
        spread = len(x.spatial) if isinstance(x, Map) and not self.flat else 0
        return (Weight("", (x.channels, *(1,) * spread)),)
