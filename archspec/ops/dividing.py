"""Divisions that must be exact, and what to say where they are not."""

from collections.abc import Sequence
from functools import partial

from archspec.numeric import holds
from archspec.ops.base import Misfit, counted


def share(count: int, what: str, parts: int, part: str, argument: str, *others: int) -> int:
    """Divide a count exactly. Raises Misfit where it leaves a remainder; the divisor that it proposes divides the `others` too."""
    if type(parts) is int and parts == 1:
        return count
    if holds(count % parts):
        raise Misfit.late("A205", argument, partial(_unshared, count, what, parts, part, argument, others))
    return count // parts


def _unshared(count: int, what: str, parts: int, part: str, argument: str, others: Sequence[int]) -> Misfit:
    divisor = next(n for n in range(min(parts, 4096), 0, -1) if not any(number % n for number in (count, *others)))
    return undivided("A205", count, what, parts, counted(parts, part), argument, None, [f"{argument}={divisor}"])


def undivided(
    code: str, count: int, what: str, parts: int, into: str, argument: str, help_: str | None, ways: Sequence[str] = ()
) -> Misfit:
    """Make the misfit of a division that leaves a remainder; a size has no noun `what`."""
    whole = f"{counted(count, what)} {'does' if count == 1 else 'do'}" if what else f"{count} does"
    message = f"{whole} not divide into {into}"
    return Misfit(code, message, argument=argument, notes=[f"{count}/{parts} = {count / parts:.2f}"], help_=help_, ways=ways)
