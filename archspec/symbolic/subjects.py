"""What is asked about: a spec, its inputs and params, and the variables that are left open in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archspec.diagnostics import did_you_mean
from archspec.elaborate.assumptions import Options
from archspec.elaborate.compiled import Compiled
from archspec.elaborate.settings import shape_of
from archspec.ir.graph import Network
from archspec.symbolic.space import LETTERS, Axis, Range, Shape, Space, axis, shape, together
from archspec.symbolic.tracing import COUNTS, Subject
from archspec.syntax import ast

LARGEST_SIZE = 1 << 16
"""The largest size of an input for which formulas are looked for."""
LARGEST_PARAM = 10**6
"""The largest value of a param for which formulas are looked for."""


class Spec(NamedTuple):
    """A spec that variants are made of: its own params, as far as they are known, and the shapes of its inputs."""

    subject: Subject
    params: Mapping[str, Any]
    inputs: Mapping[str, tuple[int, ...]]

    @property
    def first(self) -> str:
        """The name of its first input. Raises ValueError where it has none."""
        if not self.inputs:
            raise ValueError(f"`{self.subject.name}` has no input whose size could change")
        return next(iter(self.inputs))

    @property
    def letters(self) -> tuple[str, ...]:
        """What the axes of the first input are called, `C` for the channels."""
        return (*LETTERS.get(len(self.inputs[self.first]) - 1, ()), "C") if self.inputs else ()

    def know(self, name: str, known: Sequence[str], what: str) -> None:
        """Check a name. Raises ValueError."""
        if name not in known:
            hint = did_you_mean(name, known, f"there are {', '.join(known)}" if known else "there are none")
            raise ValueError(f"there is no {what} `{name}`; {hint}")


def spec_of(network: Network) -> Spec:
    """The spec of a network. Raises ValueError where it was not read from one."""
    if network.recipe is None:
        raise ValueError(f"`{network.name}` was not read from a spec, so that there is nothing to leave open")
    file, _, options = network.recipe
    return Spec(Subject(file, network.name, options), network.params, {each.name: each.type.shape for each in network.inputs})


def spec_with_mistakes(found: Compiled, name: str, options: Options) -> Spec:
    """The spec of a text whose own sizes may not fit. Raises ValueError where it cannot be read."""
    if found.tree is None or found.network is None:
        raise ValueError("the spec cannot be read")
    params: dict[str, Any] = {statement.name.id: None for statement in found.tree.body if isinstance(statement, ast.Param)}
    return Spec(
        Subject(found.tree, name, options), params | found.network.params, {each.name: each.type.shape for each in found.network.inputs}
    )


def open_space(spec: Spec, names: Sequence[str]) -> tuple[Space, dict[str, Any]]:
    """The space in which some variables are open, and their own values.

    `H` alone stands for both sides of a square input, `C` for its channels. Raises ValueError.
    """
    if not names:
        raise ValueError(f"a formula has at least one variable; there are {', '.join([*spec.letters, *spec.params])}")
    axes: list[Axis] = []
    example: dict[str, Any] = {}
    for name in dict.fromkeys(names):
        spec.know(name, [*spec.letters, *spec.params], "variable")
        if name in spec.params:
            value = spec.params[name]
            if type(value) not in (int, float):
                raise ValueError(f"the param `{name}` is no number, so that there is no formula in it")
            axes.append(Axis(name, _reach(value)))
            example[name] = value
    letters = spec.letters
    sizes = [name for name in letters if name in names and name not in spec.params]
    if not sizes:
        return Space(tuple((each,) for each in axes)), example
    own = spec.inputs[spec.first]
    square = [name for name in sizes if name != "C"] == [letters[0]] and len(set(own[:-1])) == 1
    shape_: list[int | str] = []
    for letter, size in zip(letters, own, strict=True):
        variable = letters[0] if square and letter != "C" else letter
        shape_.append(variable if variable in sizes else size)
        if letter in sizes:
            axes.append(Axis(letter, Range(1, 1, LARGEST_SIZE)))
            example[letter] = size
    return Space(tuple((each,) for each in axes), (Shape(spec.first, tuple(shape_)),)), example


def _reach(value: Any) -> Sequence[Any]:
    """Values of a param around its own: bounds within which formulas are looked for."""
    if isinstance(value, int):
        least = 1 if value > 0 else -LARGEST_PARAM
        return Range(least, 1, LARGEST_PARAM - least + 1)
    most = max(1000.0, 10 * abs(value))
    return (min(most, value) / 1e6 if value > 0 else -most, most)


def counts_of(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names of counts. Raises ValueError."""
    for name in names:
        if name not in COUNTS:
            raise ValueError(f"there is no count `{name}`; {did_you_mean(name, COUNTS, 'there are ' + ', '.join(COUNTS))}")
    return tuple(names)


def space_of(spec: Spec, params: Mapping[str, Any], inputs: Sequence[str] = (), tied: Sequence[Mapping[str, Any]] = ()) -> Space:
    """Read a space: ranges of params by name, of the sizes of inputs, and of params that go together. Raises ValueError.

    `params` are texts such as `0.25:2:0.05`; an input is `128:320:32`, or `NAME=64..128x32` where there are several.
    """
    groups: list[tuple[Axis, ...]] = []
    for names in (*({name: text} for name, text in params.items()), *tied):
        for name in names:
            spec.know(name, list(spec.params), "param")
        groups.append(together([axis(name, text) for name, text in names.items()]))
    shapes = []
    for text in inputs:
        name, equals, sizes = text.rpartition("=")
        name = name.strip() if equals else spec.first
        spec.know(name, list(spec.inputs), "input")
        found, axes = shape(sizes, spec.inputs[name], name if len(spec.inputs) > 1 else "")
        shapes.append(found._replace(input=name))
        groups += [(each,) for each in axes]
    names_ = [each.name for group in groups for each in group]
    for name in names_:
        if names_.count(name) > 1:
            raise ValueError(f"`{name}` is given twice, or is the name of a size and of a param")
    return Space(tuple(groups), tuple(shapes))


def plain_sizes(text: str) -> bool:
    """Whether an `--input` has numbers only, which a spec without variants takes too."""
    return shape_of(text.rpartition("=")[2]) is not None
