"""A network as a flat spec: one layer per line, with blocks, repeats and params resolved.

Names are kept: a layer whose name is not the one it would get by itself carries it as a label, dots included. The chain goes on from
line to line; `from NAME` takes it up elsewhere. The result is a valid spec of the same network, and expanding it again gives it back.
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator, Sequence

from archspec.backends.registry import Unsupported
from archspec.ir.graph import AGAIN, Network
from archspec.ir.walk import Names, Place, flattened
from archspec.syntax.lines import UNLABELLED
from archspec.types import Tokens, Type, is_line


def expand(network: Network) -> str:
    """The flat spec of a network. Raises SpecError for a layer of several results, which the language has no names for."""
    return "".join(line + "\n" for line in _lines(network))


def _lines(network: Network) -> Iterator[str]:
    places, (last, *others) = flattened(network)
    yield from named(network)
    yield from inputs(network)
    taken_up, behind = _taken_up(places, [*others, last], network.inputs[-1].name)
    referred = {
        *taken_up,
        *(source for place in places for source in place.sources[1:]),
        *(p.owner for p in places),
        *(p.tied for p in places),
    }
    users = _users(places)
    read_by: dict[str | None, tuple[str, ...]] = {place.name: place.sources[1:] for place in places}
    names = Names("", "ordinal")
    lines = []
    kinds = {**{input_.name: input_.type for input_ in network.inputs}, **{place.name: place.node.type for place in places}}
    for place, current in zip(places, behind, strict=False):
        op, types = place.node.op, place.graph.types_of(place.node)
        if place.node.further:
            raise Unsupported(f"the language has no names for the further results of `{op.step}`", place.node.span).error()
        again = is_again(place)
        auto = names.local(place.node._replace(label=None, stem=AGAIN if again else op.step, numbered=not again))
        label = "" if auto == place.name and place.name not in referred and not op.aside else f"{as_label(place.name)}: "
        values = tuple(map(as_label, place.sources[1:]))
        shown = {op.config(*read, operands=values) for read in (types, *users.get(place.name, ()))}
        arguments = shown.pop() if len(shown) == 1 else op.config(operands=values)  # what has no effect here has one in an `again`
        arguments = " ".join(filter(None, [*values, arguments])) if op.variadic else arguments
        if op.origin and isinstance(place.node.type, Tokens) and is_line(kinds.get(current)):
            arguments += " map=no"  # behind a 1-D map two axes would be one
        tied = f" weights={as_label(place.tied)}" if place.tied is not None else ""
        handed = [*values] * (place.sources[1:] != read_by.get(place.owner, ()))
        lines.append(
            label + (" ".join([AGAIN, as_label(place.owner or ""), *handed]) if again else f"{op.step} {arguments}{tied}".rstrip())
        )
    lines += [f"output {output.name}{' train' if output.training else ''}" for output in network.outputs[1:]]
    for name, line in zip(taken_up, [*lines, ""], strict=True):
        if name:
            yield f"from {as_label(name)}"
        if line:
            yield line


def _taken_up(places: Sequence[Place], outputs: Sequence[str], current: str) -> tuple[list[str], list[str]]:
    """The value that each line and output goes on from, where it is another than that of the line before, and the latter; `current` is
    the first one.
    """
    # A tensor reads nothing, and what is aside, which always has a label, leaves the current value as it is.
    steps = [(p.sources[0] if p.sources else None, None if p.node.op.aside and not is_again(p) else p.name) for p in places]
    found, before = [], []
    for read, given in [*steps, *[(name, name) for name in outputs]]:
        found.append("" if read in (None, current) else read)
        before.append(current)
        current = given or read or current
    return found, before


def _users(places: Sequence[Place]) -> dict[str | None, list[tuple[Type, ...]]]:
    """What is read by those that use the weights of a layer, by its name."""
    found: dict[str | None, list[tuple[Type, ...]]] = {}
    for place in filter(is_again, places):
        found.setdefault(place.owner, []).append(place.graph.types_of(place.node))
    return found


def is_again(place: Place) -> bool:
    """Whether a layer uses the weights of another; without weights it is one like any other."""
    return place.owner is not None and len(place.node.op.weights(*place.graph.types_of(place.node))) > 0


def named(network: Network) -> Iterator[str]:
    """The lines with a network's name and what else is said about it."""
    yield f"model {_name(network.name)}"
    if network.meta:
        yield "meta " + " ".join(f"{key}={_text(value)}" for key, value in network.meta.items())


def inputs(network: Network) -> Iterator[str]:
    """The lines of a network's inputs."""
    for input_ in network.inputs:
        label = "" if input_.name == "input" and len(network.inputs) == 1 else f"{input_.name}: "
        yield f"{label}input {input_.type}"


def _name(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else _text(name)


def as_label(name: str) -> str:
    """A full name as a label: in quotes where it is no word of the language."""
    first, *others = name.split(".")
    plain = (
        first.isascii() and all(part.isascii() and (part.isidentifier() or part.isdecimal()) for part in others) and first.isidentifier()
    )
    words = any(map(keyword.iskeyword, (first, *others))) or name in UNLABELLED
    return name if plain and not words else f'"{name}"'


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
