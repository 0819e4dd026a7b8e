"""Rotary positions: angles that turn the channels of queries and keys in pairs (Su et al. 2021)."""

from typing import TYPE_CHECKING, Annotated, Any

from archspec.numeric import holds
from archspec.ops.base import Misfit, Op, counted
from archspec.ops.declare import Rule
from archspec.ops.dividing import undivided
from archspec.types import LIMIT, Map, Tokens, Type, describe

if TYPE_CHECKING:
    from archspec.ops.heads import Sizes

Rotary = Annotated[
    int | bool | None,
    Rule("a whole number of at least 1, the base of the angles, or the label of a value that has them", least=1, most=LIMIT, names="value"),
]
Prefix = Annotated[int, Rule("a whole number of at least 0: so many positions at the beginning are not turned", least=0, most=LIMIT)]
Pair = Annotated[
    int | None, Rule("a whole number of at least 1: how far apart the two channels lie that turn together", least=1, most=LIMIT)
]


class Turned(Op):
    """A layer whose queries and keys positions may turn.

    Of a base B, pair i of the d/2 of a head is turned by t/B^(2i/d) at position t. A value has n angles per position: for the first 2n
    channels of each head, or d/2 for every head. Positions are counted behind the first `prefix` ones, which are not turned. The channels of
    a pair lie `pair` apart: half of those that are turned, unless given; 1 for neighbours.
    """

    heads: int
    kvheads = None  # type: int | None
    rope = None  # type: int | bool | None
    rel = None  # type: str | bool | None
    prefix = 0
    pair = None  # type: int | None

    def angles(self, *inputs: Any) -> Any:
        """The type of the value that has the angles; None where there is none."""
        return inputs[-1 - (self.rel is True)] if self.rope is True else None

    def turned(self, d: int, given: Map | Tokens | None) -> int:
        """Count the channels of a head, of d, that are turned."""
        return 2 * (d // 2 if given is None or self.apart(d, given) else given.channels)

    def apart(self, d: int, given: Map | Tokens) -> bool:
        """Whether each head has angles of its own."""
        return holds(given.channels != d // 2) and not holds(given.channels != self.heads * (d // 2))

    def turning_flops(self, s: "Sizes", given: Map | Tokens | None) -> int:
        """Count the operations that turn, and those that sines and cosines take."""
        if self.rope is None:
            return 0
        kvheads = self.heads if self.kvheads is None else self.kvheads
        width = self.turned(s.width // self.heads, given)
        numbers = (s.queries - self.prefix) * self.heads * width + (s.sources - self.prefix) * kvheads * width
        return 3 * numbers + (0 if given is None else 2 * given.size)

    def turned_in_words(self) -> str:
        """What `explain` says of queries and keys."""
        if self.rope is None:
            return ""
        first = f" from position {self.prefix} on" if self.prefix else ""
        return f", turned by {'the angles of `rope`' if self.rope is True else 'position'}{first}"

    def check_turned(self, s: "Sizes", given: Type | None) -> None:
        """Refuse angles that are not for these positions and channels. Raises Misfit (A105, A201, A205, A301)."""
        d = s.width // self.heads
        if self.rope is None:
            for argument in ("prefix", "pair"):
                if getattr(self, argument):
                    message = f"`{argument}` says what `rope` turns, and there is no `rope`"
                    raise Misfit("A105", message, argument=argument, help_=f"leave `{argument}` out")
            return
        if self.prefix >= s.queries:
            message = f"`prefix={self.prefix}` leaves none of {s.queries} positions to turn"
            raise Misfit("A105", message, argument="prefix", help_=f"use at most {s.queries - 1}")
        if given is None and holds(d % 2):
            message = f"`rope` turns the channels of a head in pairs, and each head has {d}"
            help_ = f"choose `heads` or channels so that a head has {d + 1}, or leave `rope` out"
            raise Misfit("A205", message, argument="rope", help_=help_)
        if given is not None:
            self._check_angles(s, d, given)
        half = self.turned(d, given) // 2  # type: ignore[arg-type]
        if self.pair is not None and holds(half % self.pair):
            help_ = "use pair=1 for neighbours, or leave `pair` out"
            raise undivided("A205", half, "pair", self.pair, f"groups of {self.pair}", "pair", help_)

    def _check_angles(self, s: "Sizes", d: int, given: Type) -> None:
        if not isinstance(given, (Map, Tokens)):
            message = f"`rope` takes a number, or angles of each position, not {describe(given)}"
            raise Misfit("A201", message, argument="rope", help_="`tensor 196x32 frozen=yes` has 32 angles for each of 196 tokens")
        rows, wanted = given.size // given.channels, s.queries - self.prefix
        if holds(rows != wanted):
            behind = f" from position {self.prefix} on" if self.prefix else ""
            message = f"`rope` has angles for {rows:,} positions, but there are {wanted:,}{behind}"
            left = s.queries - rows
            first = "the first one is" if left == 1 else f"the first {left} are"
            help_ = f"use prefix={left} if {first} not turned" if left > 0 else "give one row of angles per position"
            raise Misfit("A301", message, argument="rope", help_=help_)
        if holds(given.channels > d // 2) and not self.apart(d, given):
            message = f"`rope` has {given.channels} angles per position, but a head of {d} channels has {counted(d // 2, 'pair')}"
            each = f", or {self.heads * (d // 2)} for the {self.heads} heads" if self.kvheads in (None, self.heads) else ""
            raise Misfit("A301", message, argument="rope", help_=f"give at most {d // 2} for all heads{each}")
        if self.apart(d, given) and self.kvheads not in (None, self.heads):
            message = f"`rope` has angles for each of {self.heads} heads, and {counted(self.kvheads or 0, 'head')} {'has' if self.kvheads == 1 else 'have'} keys"
            raise Misfit("A301", message, argument="rope", help_=f"give {d // 2} angles per position, for all heads")
