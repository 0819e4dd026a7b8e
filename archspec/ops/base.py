"""Defines what an op is: its arguments, and the mathematics that follow from them and from the types of its inputs.

An op never sees the graph. Its formulas are plain arithmetic.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from archspec.numeric import product
from archspec.ops.declare import VALUE, Declared, Flag, declared, is_range
from archspec.ops.declare import show as show
from archspec.types import AXES, LIMIT, Map, Tokens, Type, Vector, describe

_SETTING = re.compile(r"\w+=[\w.:]+")


class Misfit(Exception):
    """Says why an op cannot be applied: what is wrong, with which numbers, and what would work.

    `argument` names the argument that is wrong; it is empty where the layer as a whole is. `ways` can be used instead, such as `p=1`.
    `settings` are the arguments of the ways, or others, in the order in which they are to be tried; `sure` says that they are what was meant.
    Where a size of the input is wrong, `axis` is its number among the spatial axes, and `sizes` are sizes near it that the layer takes.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        argument: str = "",
        notes: Sequence[str] = (),
        help_: str | None = None,
        label: str = "",
        ways: Sequence[str | None] = (),
        axis: int | None = None,
        sizes: tuple[int, ...] = (),
        settings: Sequence[str] = (),
        sure: bool = False,
    ) -> None:
        super().__init__()
        self.code, self.message, self.label, self.argument = code, message, label, argument
        self.notes, self.first, self.ways = tuple(notes), help_, tuple(filter(None, ways))
        self.axis, self.sizes, self.sure = axis, sizes, sure
        found = [_SETTING.match(way) for way in self.ways]
        self.settings = tuple(settings) or tuple(way[0] for way in found if way is not None)

    @classmethod
    def late(cls, code: str, argument: str, make: "Callable[[], Misfit]") -> "Misfit":
        """Postpone the text of a misfit until it is read: sizes are tried whose misfits are never shown."""
        misfit = cls.__new__(cls)
        misfit.__dict__.update(code=code, argument=argument, make=make)
        return misfit

    def __getattr__(self, name: str) -> Any:
        if "make" not in self.__dict__:
            raise AttributeError(name)
        self.__dict__.update(self.__dict__.pop("make")().__dict__)
        return getattr(self, name)

    @property
    def help(self) -> str | None:
        """What would work, for this layer alone."""
        return self.advice(f"an input of {' or '.join(map(str, self.sizes))} for this layer" if self.sizes else None)

    def advice(self, input_: str | None) -> str | None:
        """Join the ways that would work, with an input of another size as the last."""
        ways = [*self.ways, *filter(None, [input_])]
        if not ways:
            return self.first
        last = f", or {ways[-1]}" if len(ways) > 2 or any(" or " in way for way in ways) else f" or {ways[-1]}"
        used = f"use {', '.join(ways[:-1])}{last}" if len(ways) > 1 else f"use {ways[0]}"
        return f"{self.first}; or {used}" if self.first else used


class Weight(NamedTuple):
    """A stored tensor. `role` is `weight` or `bias` (learned), `buffer` (stored, not learned) or `frozen` (fixed weights).

    An empty name means that the layer is this one tensor, and the tensor has the name of the layer.
    """

    name: str
    shape: tuple[int, ...]
    role: str = "weight"

    @property
    def size(self) -> int:
        """Numbers in the tensor."""
        return product(self.shape)


class Part(NamedTuple):
    """A part of a layer for `explain`: its name, the equation of its value, and how many learned numbers it has, if any."""

    name: str
    equation: str
    params: int | None = None


def weight_and_bias(shape: tuple[int, ...], count: int, bias: bool) -> tuple[Weight, ...]:
    """List the weight of a layer and, where it has biases, one bias per output channel."""
    weight = Weight("weight", shape)
    return (weight, Weight("bias", (count,), "bias")) if bias else (weight,)


class Kept(NamedTuple):
    """What the gradient of a layer needs of its forward pass: its input, its output, and numbers of its own.

    Of several inputs `input` may say for each whether it is needed. `numbers`, of the precision of activations, and `bytes` are per image,
    `statistics` numbers per batch. `products` are the sizes of all products but the last of factors, each kept where what it meets is learned.
    """

    input: bool | tuple[bool, ...] = False
    output: bool = False
    numbers: int = 0
    bytes: int = 0
    statistics: int = 0
    products: tuple[int, ...] | None = None


class Taps(NamedTuple):
    """The positions that one output position reads along one axis: every `gap`-th from `low` to `high`.

    With a gap of 0 only the two ends are known to be read.
    """

    low: int
    high: int
    gap: int = 1


class Reach(NamedTuple):
    """What the output positions read along one axis, which repeats: position r + n*len(taps) reads taps[r] moved by n*`step`.

    A convolution or a pool has one phase, and its step is the stride; a layer that enlarges has one phase per position that it makes of
    one. None among the taps is a position that reads nothing, as between the kernels of a transposed convolution.
    """

    step: int
    taps: tuple[Taps | None, ...]


PHASES = 4096
"""The most positions along an axis after which what they read may repeat; a field with more phases is not known."""


def sliding(low: int, high: int, step: int, gap: int = 1) -> Reach:
    """Describe a layer whose positions all read alike: position i from step*i + low to step*i + high."""
    return Reach(step, (Taps(low, high, gap),))


WHOLE = "whole"
POINT = "point"
Field_ = tuple[Reach, ...] | str | None
"""How far an op reads: per axis, POINT (its own position only), WHOLE (everything), or None where that is not known."""


def phased(axes: Sequence[tuple[int, int, Callable[[int], Taps | None]]]) -> Field_:
    """Describe a layer that repeats along each axis, by its phases, its step and what a phase reads; None for too many phases."""
    if any(phases > PHASES for phases, _, _ in axes):
        return None
    return tuple([Reach(step, tuple(map(taps, range(phases)))) for phases, step, taps in axes])


_FROZEN = declared("frozen", Flag, default=False)
KINDS = ("convolution", "fully connected", "recurrent", "pooling", "attention", "normalisation", "activation", "merge", "other")
"""The kinds of layer, in the order in which they are listed."""


class Op(Declared):
    """A layer. Subclasses set the traits, declare the arguments as fields, and override the mathematics.

    The lines of their docstrings (Shape, Params, MACs, FLOPs, Source) are published. The shape is unchanged, and there are no parameters,
    unless a method says otherwise; `cost_note` is the line of FLOPs.

    Methods are called with the types of all inputs, one by one, and then with those of all results: `op.macs(*inputs, *outputs)`. A
    layer of one input and one result calls them `x` and `y`, and narrows them to the kinds that it takes. The inputs are the current
    value and the operands that are given, in the order of their declaration.
    """

    # Traits have type comments, since an annotation declares an argument.
    step = ""
    """The step's name: that of the class in small letters, unless the class gives another."""
    kind = "other"
    """One of `KINDS`, which pictures and tables distinguish."""
    positional = ()  # type: tuple[str, ...]
    """Arguments that may be given without their names, in order."""
    shown_as_keyword = False
    """Whether positional arguments are shown as `key=value` all the same."""
    takes = (Map, Tokens, Vector)  # type: tuple[type, ...]
    """The kinds of value that it takes."""
    reads = POINT
    """How far it reads where that does not depend on arguments: POINT or WHOLE."""
    variadic = False
    """Whether it takes any number of inputs from two on."""
    origin = False
    """Whether it reads nothing: its value is what it stores."""
    aside = False
    """Whether its value is for other layers to read: alone after a label, it leaves the current value as it is."""
    in_place = False
    """Whether it needs no memory of its own in inference: its output may overwrite its input, or be a view of it. See `reuses`."""
    probabilities = False
    """Whether it gives (log) probabilities, as the end of a classifier does."""
    indexes = False
    """Whether it looks its input up in a table, so that it reads whole numbers."""
    keeps = "input"
    """What its gradient needs: its `input`, its `output`, or nothing, where it is empty. See `kept`."""
    freezes = False
    """Whether it takes `frozen=yes`: set for a class with weights; a derived layer whose primitives have weights sets it itself."""
    frozen = False
    """Whether its weights are fixed: stored and counted, but not learned."""
    elementary = 0
    """Elementary operations per output element, for the FLOPs of layers without MACs."""
    cost_note = ""
    """What `elementary` counts, for the published table."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.step = cls.__dict__.get("step", cls.__name__.lower())
        cls.freezes = cls.__dict__.get("freezes", cls.freezes or cls.weights is not Op.weights)
        if cls.freezes and "frozen" not in cls.__annotations__:
            cls.fields = {**{name: field for name, field in cls.fields.items() if name != "frozen"}, "frozen": _FROZEN}

    @property
    def uncounted(self) -> bool:
        """Whether its MACs and FLOPs are not known; `macs` and `flops` give None then."""
        return False

    def froze(self) -> "Op":
        """The same layer with fixed weights, unless it has none or is said to learn them."""
        return type(self)(**{**self.arguments(), "frozen": True}) if self.freezes and "frozen" not in self.given else self

    def reads_values(self) -> tuple[str, ...]:
        """List the operands that are given: its inputs after the first, unless it is variadic."""
        rest = [place for place in getattr(self, self.rest) if place == VALUE] if self.rest else []
        return (*[name for name in self.operands if getattr(self, name) is True], *rest)

    def takes_values(self, count: int) -> bool:
        """Whether it reads so many values."""
        least = len(self.reads_values()) + (not self.origin)
        return count >= least if self.variadic else count == least

    def infer(self, inputs: Sequence[Type]) -> tuple[Type, ...]:
        """Compute the types of the results. Raises Misfit."""
        x = inputs[0] if inputs else None
        if x is not None and not isinstance(x, self.takes):
            wanted = " or ".join(_KINDS[kind] for kind in self.takes)
            raise Misfit("A201", f"`{self.step}` takes {wanted}, not {describe(x)}", help_=_conversion(self.takes, x))
        self.check(*inputs)
        result = self.output(*inputs)
        results = result if type(result) is tuple else (result,)  # types are named tuples
        for y in results:
            if y is not x and y.size > LIMIT:
                raise Misfit("A207", f"the output would hold {y.size:,} numbers, more than 2^63 - 1")
        return results

    def check(self, *inputs: Any) -> None:
        """Refuse inputs that do not fit the arguments. Raises Misfit."""

    def output(self, *inputs: Any) -> Any:
        """Compute the type of the result, or a tuple of types for several results. The inputs have been checked."""
        return inputs[0]

    def window(self, *inputs: Any) -> tuple[Any, ...]:
        """List the window that slides over the input, or over the output of a transposed convolution: one `Slide` per axis."""
        return ()

    def expand(self, inputs: Sequence[Type]) -> "tuple[Op, ...]":
        """List the primitive ops of which this one consists for its inputs: itself alone unless it is derived."""
        return (self,)

    def weights(self, *inputs: Any) -> tuple[Weight, ...]:
        """List the stored tensors in the order in which PyTorch registers them."""
        return ()

    def macs(self, *types: Any) -> int:
        """Count the multiply-accumulates of convolutions and matrix products for one input."""
        return 0

    def flops(self, *types: Any) -> int:
        """Count the floating-point operations for one input: 2 per MAC, and the elementary operations of everything else."""
        operations: int = 2 * self.macs(*types) + self.elementary * types[-1].size
        return operations

    def parts(self, *inputs: Any) -> tuple[Part, ...]:
        """List the parts of which the layer consists, such as gates, in the order in which they are computed."""
        return ()

    def reuses(self, *types: Any) -> bool:
        """Whether the output can use the memory of the input."""
        return self.in_place

    def view(self, x: Any, last: bool) -> bool | None:
        """Whether the output is a view of the input's memory in PyTorch, with its channels last there; None where it is no view.

        `last` says whether the channels of the input are last in its memory.
        """
        return None

    def kept(self, *types: Any) -> Kept:
        """Say what training keeps of it for its gradient. Source: PyTorch, tools/autograd/derivatives.yaml, and its saved-tensor hooks."""
        return Kept(self.keeps == "input", self.keeps == "output")

    def connections(self, *types: Any) -> int:
        """Count connections as LeCun et al. 1998 do: inputs, with the bias, summed over the output units."""
        return 0

    def reach(self, *inputs: Any) -> Field_:
        """Describe how far the positions of the output read along each axis of the current value."""
        return self.reads

    def reaches(self, *inputs: Any) -> tuple[Field_, ...]:
        """Describe how far they read in each input; operands are read as a whole unless a layer knows more."""
        return (self.reach(*inputs), *[WHOLE] * (len(inputs) - 1))

    def config(self, *inputs: Any, operands: Sequence[str] = ()) -> str:
        """Write the arguments without defaults and, where the inputs are given, without those that have no effect on them.

        `operands` are the names of the values that it reads besides the current one; without them they are left out.
        """
        parts = []
        named = dict(zip(self.reads_values(), operands, strict=False))
        positional = () if self.shown_as_keyword else self.positional
        for name in sorted(self.fields, key=lambda name: (name not in positional, not self.fields[name].required)):
            value = getattr(self, self.fields[name].attribute)
            if value == self.fields[name].default or (value is True and name in self.operands and name not in named):
                continue
            if inputs and self.has_no_effect(name, *inputs):
                continue
            parts.append(f"{'' if name in positional else f'{name}='}{named.get(name) or show(self.fields[name].ranged(value))}")
        return " ".join(parts)

    def has_no_effect(self, argument: str, *inputs: Any) -> bool:
        """Whether an argument has no effect for these inputs."""
        return False

    def constant(self, *inputs: Any) -> tuple[str, str] | None:
        """Say what is always the same, the output or an inner softmax, and what would work; None where nothing is."""
        return None

    def same_size_padding(self, *inputs: Any) -> str | None:
        """Write the padding with which the output has the size of the input; None where there is none."""
        return None


_KINDS = {Map: "a feature map", Tokens: "tokens", Vector: "a vector"}


def _conversion(takes: tuple[type, ...], x: Type) -> str | None:
    """Say how to make of this value one that the layer takes."""
    if Vector in takes:
        return "`flatten` makes a vector of it"
    if Tokens in takes and isinstance(x, Map):
        return "`tokens` makes a sequence of the positions of a map"
    if takes == (Map,) and isinstance(x, Vector):
        return "a vector has no positions left; put this layer before the first `fc` or `flatten`"
    if Tokens in takes:
        return "`embed V D` makes tokens of the numbers of words, `reshape TxC` of any vector"
    if takes == (Map,):
        return f"`map {x.shape[0]}` makes a map with one axis of them"
    return None


def per_axis(value: Any, rank: int) -> tuple[Any, ...]:
    """Spread an argument over the axes of a map."""
    return value if isinstance(value, tuple) else (value,) * rank


def check_axes(layer: Op, rank: int, /, **least: int) -> None:
    """Raises Misfit for a named argument without one number per axis of the map, or with a number below its least."""
    for argument, bound in least.items():
        value = getattr(layer, argument)
        if value is None or isinstance(value, str) or (type(value) is int and value >= bound):
            continue
        values = value[0] if is_range(value) else value
        if isinstance(value, tuple) and values is value and len(value) != rank:
            axes = " and ".join(AXES[rank]) if rank in AXES else f"{rank} axes"
            message = f"`{argument}={show(value)}` has {len(value)} numbers, but the map has {axes}"
            one = f"{argument}={value[-1]}"
            raise Misfit("A206", message, argument=argument, help_=_spread(argument, value, rank), settings=[one], sure=len({*value}) == 1)
        for number in values if isinstance(values, tuple) else (values,):
            if number < bound:
                raise Misfit("A105", f"`{argument}` must be at least {bound}, not {number}", argument=argument)


def counted(count: int, what: str) -> str:
    """Write a number with its noun: `1 channel`, `2,048 channels`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _spread(argument: str, values: tuple[int, ...], rank: int) -> str:
    """Say how to write values for `rank` axes. Of too many values the last are the spatial ones, as in the kernels of torch.nn.Conv3d."""
    one = f"`{argument}={values[-1]}`"
    if rank == 1:
        return f"write one number: {one}"
    several = (*values[:1] * (rank - len(values)), *values)[-rank:]
    return f"write one number, {one}, or {rank}: `{argument}={show(several)}`"
