"""Arguments of ops, declared as annotated attributes of a class, and checked when an op is made.

    class Relu6(Op):
        limit: Annotated[float, Rule("a number above 0", above=0)] = 6.0

An annotation gives the accepted types: int, float, bool, words (Literal), tuples, None, and unions of them. Types are strict: 2.0
is no int, and True no number; but an int is accepted where a float is expected, and becomes one. A spelled number is of the type of its
value, and stays spelled.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from operator import ge, gt, le, lt
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Self, Union, get_args, get_origin

from archspec.numeric import Spelled, kind_of, spell, value_of
from archspec.types import LIMIT

Ends = tuple[tuple[int, int]]
"""What stands before and after along each axis, as `0:1` in a spec."""
Positions = tuple[int, int]
"""The first of some positions, and the one after the last."""
Around = int | tuple[int, int]
"""What stands around one axis: a number for both ends, or a pair."""
VALUE: Literal["value"] = "value"
"""A value, among numbers."""
REQUIRED: Any = object()
"""The default of an argument that has none."""


class Rule(NamedTuple):
    """What an argument may be, in words, and its bounds: `least` and `most` are allowed, `above` and `below` are not.

    `names` is "value" where the argument may be the label of a value that the op reads, "size" where it may be the label of a
    value whose size along each axis it becomes, "key" where its items are written under keys of their own, and "rest" where they are
    all that stands behind the other positional arguments: VALUE for the label of a value, and numbers.
    """

    description: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    names: str = ""

    def admits(self, number: float) -> bool:
        """Whether a number is within the bounds."""
        return all(bound is None or holds(number, bound) for holds, bound in zip((ge, le, gt, lt), self[1:5], strict=True))


class Range(tuple[int, ...]):
    """Two numbers as a spec writes them: `0:1`.

    An op holds the two ends of a window or a map as a tuple of one pair, ((0, 1),), which no size is, and a range of positions as (0, 1).
    """


def is_range(value: Any) -> bool:
    """Whether an argument is the two ends of each axis."""
    return isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], tuple)


class Unfit(ValueError):
    """Says that an argument is unknown to a class of ops, missing, or of a wrong value; `argument` is its name."""

    def __init__(self, step: str, argument: str, why: str) -> None:
        super().__init__(f"`{argument}` of `{step}` {why}")
        self.argument = argument


class Field(NamedTuple):
    """An argument: `words` are those that it may be, `real` says that it is a float, `table` that it holds lists.

    `ranges` says what a range such as `0:1` means: the two `ends` of an axis, or `positions`; it is empty where there are none.
    `attribute` holds it: its name, with a `_` behind it where a trait of all ops has that name.
    """

    name: str
    rule: Rule
    default: Any
    words: frozenset[str]
    real: bool
    table: bool
    ranges: str
    fits: Callable[[Any], bool]
    attribute: str

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED

    @property
    def description(self) -> str:
        """What it may be, in words."""
        return self.rule.description

    def ranged(self, value: Any) -> Any:
        """Return a value as it is written: a range where it is one."""
        pair = value[0] if self.ranges == "ends" and isinstance(value, tuple) else value
        return Range(pair) if self.ranges and isinstance(pair, tuple) else value

    def taken(self, value: Any) -> Any:
        """Return the value as it is kept. Raises ValueError where the argument cannot have it."""
        if self.real and kind_of(value) is int:
            value = value.as_float() if isinstance(value, Spelled) else float(value)
        if not self.fits(value) or (kind_of(value) in (int, float) and not self.rule.admits(value)):
            raise ValueError(f"must be {self.description}, not {value!r}")
        return value


def declared(name: str, annotation: Any, default: Any) -> Field:
    """The argument that an annotation declares."""
    kind, rule = get_args(annotation) if get_origin(annotation) is Annotated else (annotation, Rule("a number"))
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    words = frozenset(word for part in parts if get_origin(part) is Literal for word in get_args(part) if isinstance(word, str))
    tests = [_test(part) for part in parts]
    table = any(get_origin(part) is tuple and get_origin(get_args(part)[0]) is tuple and Ellipsis in get_args(part) for part in parts)
    ranges = "ends" if Ends in parts else "positions" if Positions in parts else ""
    real = float in parts and int not in parts
    return Field(name.removesuffix("_"), rule, default, words, real, table, ranges, lambda value: any(test(value) for test in tests), name)


def _test(part: Any) -> Callable[[Any], bool]:
    """Make the test whether a value is of a type, strictly."""
    if part in (None, type(None)):
        return lambda value: value is None
    if get_origin(part) in (Union, UnionType):
        either = [_test(each) for each in get_args(part)]
        return lambda value: any(test(value) for test in either)
    if part is float:
        return lambda value: kind_of(value) is float and isfinite(value_of(value))
    if get_origin(part) is Literal:
        words = get_args(part)
        return lambda value: type(value) in (str, bool) and value in words
    if get_origin(part) is not tuple:
        return lambda value: type(value) is part or (isinstance(value, Spelled) and type(value.value) is part)
    items = get_args(part)
    tests = [_test(item) for item in items if item is not Ellipsis]
    if items[-1] is Ellipsis:
        return lambda value: type(value) is tuple and all(map(tests[0], value))
    return lambda value: type(value) is tuple and len(value) == len(tests) and all(t(v) for t, v in zip(tests, value, strict=True))


class Declared:
    """A frozen value whose arguments are the annotated attributes of its class, those of its bases first."""

    step = ""
    fields: Mapping[str, Field] = {}
    """The arguments by name, in the order of their declaration."""
    operands: tuple[str, ...] = ()
    """The arguments that may be values: what each holds is True where it is one, and not the value, which is an input."""
    keyed = ""
    """The argument whose items are written under keys of their own, `g=4 h=2`; it holds them as pairs of a key and a value."""
    item: Field | None = None
    """What such an item may be."""
    rest = ""
    """The argument whose items are all that stands behind the positional arguments, values among them."""
    given: frozenset[str] = frozenset()
    """The arguments that were given; the others have their defaults."""

    def __init_subclass__(cls) -> None:
        fields = [declared(name, kind, cls.__dict__.get(name, REQUIRED)) for name, kind in cls.__annotations__.items()]
        own = {field.name: field for field in fields}
        cls.fields = {**cls.fields, **own}
        cls.operands = tuple([name for name, field in cls.fields.items() if field.rule.names == "value"])
        cls.rest = next((name for name, field in cls.fields.items() if field.rule.names == "rest"), "")
        for name in [name for name, field in own.items() if field.rule.names == "key"]:
            pair = get_args(get_args(cls.__annotations__[name])[0])[0]
            cls.keyed, cls.item = name, declared(name, Annotated[get_args(pair)[1], own[name].rule], REQUIRED)

    @classmethod
    def field(cls, name: str) -> Field:
        """The argument of a name, or what its keyed argument may hold under it. Raises KeyError where it has neither."""
        found = cls.fields.get(name) or cls.item
        if found is None:
            raise KeyError(name)
        return found

    def __init__(self, **arguments: Any) -> None:
        """Raises Unfit for the first argument, in the order of declaration, that does not fit."""
        for name in [name for name in arguments if name not in self.fields]:
            if self.item is None:
                raise Unfit(self.step, name, "is no argument of it")
            try:
                pair = (name, self.item.taken(arguments.pop(name)))
            except ValueError as error:
                raise Unfit(self.step, name, str(error)) from None
            arguments[self.keyed] = (*arguments.get(self.keyed, ()), pair)
        for name, field in self.fields.items():
            if name in arguments:
                try:
                    self.__dict__[field.attribute] = field.taken(arguments[name])
                except ValueError as error:
                    raise Unfit(self.step, name, str(error)) from None
            elif field.required:
                raise Unfit(self.step, name, "is missing")
        self.__dict__["given"] = frozenset(arguments)

    def spelled(self) -> Self:
        """Return the same op with its numbers spelled by their digits."""
        copy = object.__new__(type(self))
        copy.__dict__.update({field.attribute: spell(getattr(self, field.attribute)) for field in self.fields.values()}, given=self.given)
        return copy

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that were given, in the order of their declaration."""
        return {name: getattr(self, field.attribute) for name, field in self.fields.items() if name in self.given}

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.attribute) for field in self.fields.values())

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is type(self) and isinstance(other, Declared) and other._values() == self._values())

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.arguments().items())})"


Count = Annotated[int, Rule("a whole number of at least 1", least=1, most=LIMIT)]
Natural = Annotated[int, Rule("a whole number of at least 0", least=0, most=LIMIT)]
OwnCount = Annotated[int | None, Rule("a whole number of at least 0", least=0, most=LIMIT)]
"""A count, where it is known."""
Size = Annotated[int | tuple[int, ...], Rule("a whole number of at least 1, or a size such as 5x3")]
Margin = Annotated[int | tuple[int, ...], Rule("a whole number of at least 0, or a size such as 2x1")]
Edge = Annotated[int | Ends, Rule("a whole number of at least 0, or a range such as 0:1")]
"""What stands around one axis."""
OwnEdge = Annotated[int | Ends | None, Rule("a whole number of at least 0, or a range such as 0:1")]
"""What stands around one axis, where it has its own."""
Edges = Annotated[int | tuple[int, ...] | Ends, Rule("a whole number of at least 0, a size such as 2x1, or a range such as 0:1")]
"""What stands around the axes of a map."""
Border = Annotated[Literal["zero", "reflect", "edge", "wrap"], Rule("zero, reflect, edge or wrap")]
"""What a border holds: zeros, the map mirrored at its first and last number, these numbers again, or the other side of the map."""
OwnSize = Annotated[int | tuple[int, ...] | None, Rule("a whole number of at least 1, or a size such as 5x3")]
"""A size, where it is not taken from a value."""
Like = Annotated[int | tuple[int, ...] | None, Rule("the label of a value whose size it takes, or a size such as 65x65", names="size")]
"""A size that may be taken from a value."""
Flag = Annotated[bool, Rule("yes or no")]
Operand = Annotated[bool, Rule("the label of a value", names="value")]
"""A value that an op reads besides the current value. Optional with the default False."""
Real = Annotated[float, Rule("a number")]
Positive = Annotated[float, Rule("a number above 0", above=0)]
Probability = Annotated[float, Rule("a probability from 0 up to, not including, 1", least=0, below=1)]
Start = Literal[
    "kaiming", "kaiming_uniform", "kaiming_out", "xavier", "xavier_normal", "lecun", "normal", "truncated", "orthogonal", "zeros"
]
"""The words for what a tensor begins with."""
Init = Annotated[Start | None, Rule(f"{', '.join(get_args(Start)[:-1])} or zeros: what the weights begin with, and the biases with 0")]
Deviation = Annotated[
    float | None,
    Rule("a number above 0, the standard deviation of init=normal (0.01) or init=truncated (0.02)", above=0),
]


def show(value: object) -> str:
    """Write an argument as a spec does."""
    value = value_of(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Range):
        return ":".join(map(str, value))
    if isinstance(value, tuple):
        if not any(isinstance(item, tuple) for item in value):
            return "x".join(map(str, value))
        return _listed([_listed(list(map(str, row)), ",") for row in value], ", ")
    return str(value)


def _listed(items: list[str], separator: str) -> str:
    """A list in parentheses; a single item keeps its comma, without which it would be the item in parentheses."""
    return f"({separator.join(items)}{',' * (len(items) == 1)})"
