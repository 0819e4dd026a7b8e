"""Writes the formulas of a layer with its numbers: its own methods, run on spelled numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from archspec.numeric import LECTURE, OPERATIONS, Spelled, decimal, spell, value_of
from archspec.ops.base import WHOLE, Op, Part, Weight
from archspec.types import AXES, Map, Type, Vector

_ROLES = {"params": ("weight", "bias"), "frozen": ("frozen",)}
"""The roles of the tensors that a formula counts."""


def worked(op: Op, inputs: Sequence[Type], y: Type) -> dict[str, str]:
    """Write the formulas of a layer: `output`, `params`, `frozen`, `macs`, each as `expression = value`, those that compute something.

    >>> worked(make("conv", {"k": 5, "f": 6}), [Map((32, 32), 1)], Map((28, 28), 6))
    {'output': '(32 - 5 + 2*0)/1 + 1 = 28', 'params': '(5*5*1 + 1)*6 = 156', 'macs': '28*28*6*5*5*1 = 117600'}
    """
    layer, given = op.spelled(), tuple(map(spell, inputs))
    kept = () if op.window(*inputs) or not inputs else inputs[0].shape
    found = {"output": _sizes(layer.output(*given), kept) or _covered(op, inputs, y)}
    for count, roles in _ROLES.items():
        counted = [weight for weight in layer.weights(*given) if weight.role in roles]
        found[count] = _equation(_stored(counted, y, len(op.window(*inputs))))
    found["macs"] = "" if op.uncounted else _equation(layer.macs(*given, spell(y)))
    return {name: text for name, text in found.items() if text}


def worked_parts(op: Op, inputs: Sequence[Type]) -> list[tuple[Part, str]]:
    """List the parts of a layer, each with the formula of its learned numbers."""
    spelled = op.spelled().parts(*map(spell, inputs))
    return [(part, _equation(its.params)) for part, its in zip(op.parts(*inputs), spelled, strict=True)]


def _equation(number: Any) -> str:
    """`28*28*6 = 4704`, or with what was rounded; empty for a number that was not computed."""
    if not isinstance(number, Spelled) or (text := number.text(LECTURE)) == str(number.value):
        return ""
    exact = unrounded(number)
    if exact == number.value:
        return f"{text} = {number.value}"
    return f"{text} = {decimal(exact)}, rounded {'up' if number.value > exact else 'down'} to {number.value}"


def unrounded(number: Spelled) -> Any:
    """The value that a lecture's text has: that of no rounded quotient. A sum may be as long as a `concat` has branches, so none recurs."""
    found: dict[int, Any] = {}
    pending = [number]
    while pending:
        at = pending[-1]
        whole = at.operation in ("", "worked out", "ceil_div")
        missing = [] if whole else [part for part in at.parts if id(part) not in found]
        if missing:
            pending += missing
            continue
        pending.pop()
        sign = "/" if at.operation in ("//", "round up") else at.operation
        found[id(at)] = at.value if whole else OPERATIONS[sign](*[found[id(part)] for part in at.parts])
    return found[id(number)]


def _sizes(y: Type, kept: tuple[int, ...]) -> str:
    """Write the sizes of an output: one formula where those of all axes agree, one per axis otherwise, then that of the channels.

    A size that is the same in `kept`, the shape of the input, is left out.
    """
    *spatial, channels = ["" if kept[at : at + 1] == (size,) else _equation(size) for at, size in enumerate(y.shape)]
    if isinstance(y, Map) and len(set(spatial)) > 1:
        spatial = [f"{name}: {rule}" for name, rule in zip(AXES[len(spatial)], spatial, strict=True) if rule]
    if channels and not isinstance(y, Vector):
        channels += " channels"
    return ", ".join(dict.fromkeys(filter(None, [*spatial, channels])))


def _covered(op: Op, inputs: Sequence[Type], y: Type) -> str:
    """Write the windows of a layer whose output has a given size: the least and the largest along each axis."""
    x, reach = inputs[0] if inputs else y, op.reach(*inputs)
    if not isinstance(x, Map) or not isinstance(y, Map) or x.spatial == y.spatial:
        return ""
    if reach == WHOLE:
        return f"windows of {'x'.join(map(str, x.spatial))}"
    if not isinstance(reach, tuple):
        return ""
    widths = [[taps.high - taps.low + 1 for taps in axis.taps if taps is not None] for axis in reach]
    if max(map(max, widths)) == 1:
        return ""
    return "windows of " + "x".join(f"{min(w)}-{max(w)}" if min(w) < max(w) else f"{max(w)}" for w in widths)


def _stored(weights: Sequence[Weight], y: Type, kernel: int) -> Any:
    """Count the numbers in tensors, with equal products together: 4*C*C + 4*C; (K*K*C + 1)*F of a weight and its bias."""
    terms: dict[tuple[str, ...], list[Any]] = {}
    for weight in weights:
        constants, factors = _split(_factors(weight.shape, y, kernel))
        terms.setdefault(tuple(map(_text, factors)), []).append((prod(constants), factors))
    found = sorted(((len(term), sum(count for count, _ in term), term[0][1]) for term in terms.values()), key=lambda term: -term[0])
    if len(found) == 2 and found[0][1] == found[1][1] == 1:
        (_, _, whole), (_, _, one) = found
        if list(map(_text, whole[-len(one) :])) == list(map(_text, one)):
            return (prod(whole[: -len(one)]) + 1) * prod(one)
    return sum(count * prod(factors) for _, count, factors in found)


def _factors(shape: tuple[int, ...], y: Type, kernel: int) -> Iterator[Any]:
    """List the sizes of a tensor in the order of the lectures: window, input channels, output channels."""
    end = len(shape) - kernel if len(shape) > kernel else len(shape)
    rest = shape[:end]
    yield from shape[end:]
    yield from reversed(rest) if rest and rest[0] == y.channels else rest


def _split(numbers: Iterator[Any]) -> tuple[list[int], list[Any]]:
    """Split a product into its constants and its other factors."""
    constants: list[int] = []
    factors: list[Any] = []
    for number in numbers:
        if isinstance(number, Spelled) and number.operation == "*":
            more, others = _split(iter(number.parts))
            constants += more
            factors += others
        elif number.is_constant if isinstance(number, Spelled) else number == 1:
            constants.append(value_of(number))
        else:
            factors.append(spell(number))
    return constants, factors


def _text(number: Any) -> str:
    return str(number.text(LECTURE))
