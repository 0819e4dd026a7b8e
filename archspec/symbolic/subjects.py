"""What is asked about: a spec, its input, its params, and the variables that are left open in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.diagnostics import did_you_mean
from archspec.ir.graph import Network
from archspec.symbolic.space import LETTERS, Axis, Range, Shape, Space, shape
from archspec.symbolic.tracing import COUNTS, Subject

LARGEST_SIZE = 1 << 16
"""The largest size of an input for which formulas are looked for."""
LARGEST_PARAM = 10**6
"""The largest value of a param for which formulas are looked for."""


def subject_of(network: Network) -> Subject:
    """The spec of a network. Raises ValueError where it was not read from one."""
    if network.recipe is None:
        raise ValueError(f"`{network.name}` was not read from a spec, so that there is nothing to leave open")
    file, _, options = network.recipe
    return Subject(file, network.name, options)


def own_shape(network: Network, input_: str = "") -> tuple[int, ...]:
    """The shape of an input, by default of the first. Raises ValueError."""
    for found in network.inputs:
        if input_ in ("", found.name):
            return found.type.shape
    names = [found.name for found in network.inputs]
    raise ValueError(f"there is no input `{input_}`; {did_you_mean(input_, names, 'the inputs are ' + ', '.join(names))}")


def open_space(network: Network, names: Sequence[str]) -> tuple[Space, dict[str, Any]]:
    """The space in which some variables are open, and their own values.

    `H` alone stands for both sides of a square input, `C` for its channels. Raises ValueError.
    """
    own = own_shape(network)
    letters = (*LETTERS.get(len(own) - 1, ()), "C")
    axes: list[Axis] = []
    example: dict[str, Any] = {}
    for name in dict.fromkeys(names):
        value = network.params.get(name)
        if name in network.params:
            if type(value) not in (int, float):
                raise ValueError(f"the param `{name}` is no number, so that there is no formula in it")
            axes.append(Axis(name, _reach(value)))
            example[name] = value
        elif name not in letters:
            known = [*letters, *network.params]
            raise ValueError(f"there is no variable `{name}`; {did_you_mean(name, known, 'there are ' + ', '.join(known))}")
    sizes = [name for name in letters if name in names]
    square = [name for name in sizes if name != "C"] == [letters[0]] and len(set(own[:-1])) == 1
    if sizes:
        written: list[int | str] = [letters[0] if square and at < len(own) - 1 else letter for at, letter in enumerate(letters)]
        kept = Shape("", tuple(size if size in sizes else own[at] for at, size in enumerate(written)))
        example.update({letter: size for letter, size in zip(letters, own, strict=True) if letter in sizes})
        axes += [Axis(name, _sizes()) for name in sizes]
        return Space(tuple((each,) for each in axes), (kept,)), example
    return Space(tuple((each,) for each in axes)), example


def _sizes() -> Range:
    return Range(1, 1, LARGEST_SIZE)


def _reach(value: Any) -> Sequence[Any]:
    """Values of a param around its own: bounds within which formulas are looked for."""
    if isinstance(value, int):
        least = 1 if value > 0 else -LARGEST_PARAM
        return Range(least, 1, LARGEST_PARAM - least + 1)
    most = max(1000.0, 10 * abs(value))
    return (most / 1e6 if value > 0 else -most, most)


def counts_of(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names of counts. Raises ValueError."""
    for name in names:
        if name not in COUNTS:
            raise ValueError(f"there is no count `{name}`; {did_you_mean(name, COUNTS, 'there are ' + ', '.join(COUNTS))}")
    return tuple(names)


def input_axes(network: Network, text: str) -> tuple[Shape, list[Axis]]:
    """Read `--input` with ranges: `128:320:32`, `left=64..128x32`. Raises ValueError."""
    name, equals, sizes = text.partition("=")
    return shape(sizes if equals else text, own_shape(network, name.strip() if equals else ""), name.strip() if equals else "")
