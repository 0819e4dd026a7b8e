"""The network that a reader builds, layer by layer, with names as the source has them, and what came of what it could not say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archspec.diagnostics import Diagnostic, Diagnostics, SpecError
from archspec.elaborate.labels import RESERVED
from archspec.imports.bordered import Read, with_same
from archspec.imports.filled import with_windows
from archspec.imports.imported import Imported, Stored
from archspec.ir.graph import Graph, Input, Network, Node, Output, Owner
from archspec.ir.verify import verify
from archspec.ops import make
from archspec.ops.base import Misfit, Op
from archspec.ops.declare import Unfit
from archspec.source import Span
from archspec.types import Type

_MISWRITTEN = re.compile(r'[":\\{}]|[^ -~]')
"""What no label has, and what a terminal does not show as it is."""
_SHORTER = 1.5
"""How many times shorter a text is at least for which names are given up that only count, but are words."""
_LONGEST = 180
"""Characters of a name, so that a number fits behind it."""


class Unsaid(Exception):
    """Says why the language has no layer for what a source has."""


class Site(NamedTuple):
    """Where a reader is in its source: what stands there, as the source calls it, and the place in words or as a span.

    `path` is the module, with dots, that a layer without weights belongs to; `key` is the full name of one with weights. `own` is the name of
    the layer itself, where that is known: its `key` is another one where it uses the weights of a layer with that key.
    """

    operator: str
    where: str = ""
    path: str = ""
    key: str = ""
    span: Span | None = None
    own: str = ""


class Made(NamedTuple):
    """A layer that was appended."""

    op: Op
    inputs: tuple[int, ...]
    type: Type
    site: Site
    name: str
    owner: int | None
    tied: bool
    stored: Mapping[str, Stored]
    problem: Diagnostic | None = None
    """What is to be said of it, if it is part of the network in the end."""


class Flat:
    """A network as a reader finds it in a `source`, such as `resnet50.onnx`. Values are numbers: those of inputs, then those of layers."""

    def __init__(self, name: str, source: str, *, keeps: bool = False) -> None:
        self.keeps = keeps
        """Whether the names of weights are kept in any case, as people load weights by them."""
        self.name, self.source = (
            each.encode("utf-8", "replace").decode("utf-8") for each in (name, source)
        )  # of files they may be no text
        self.found = Diagnostics()
        self._inputs: list[Input] = []
        self._made: list[Made] = []
        self._outputs: dict[str, tuple[int, bool]] = {}
        self._lenders: dict[str, int] = {}

    def input(self, name: str, type_: Type, span: Span | None = None) -> int:
        """Declare an input, before any layer; returns its value."""
        assert not self._made, "inputs come first"
        name = re.sub(r"\W", "_", name, flags=re.ASCII) or "input"
        name = (
            name
            if name.isidentifier() and name not in RESERVED and name != "output" and not name.startswith("_")
            else f"x_{name.strip('_')}"
        )
        taken = {input_.name for input_ in self._inputs}
        while name in taken:
            name += "_"
        self._inputs.append(Input(name, type_, span))
        return len(self._inputs) - 1

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._inputs) + len(self._made)

    def type_of(self, value: int) -> Type:
        """The type of a value."""
        count = len(self._inputs)
        return self._inputs[value].type if value < count else self._made[value - count].type

    def made(self, value: int) -> Made | None:
        """The layer that gives a value; None for an input."""
        return self._made[value - len(self._inputs)] if value >= len(self._inputs) else None

    def step(
        self,
        site: Site,
        step: str,
        *values: int,
        stored: Mapping[str, Stored] | None = None,
        given: Mapping[str, Any] | None = None,
        tied: bool = False,
        table: str = "",
        **arguments: Any,
    ) -> int:
        """Append a layer on values, the current one first and then its operands, each of which is also an argument that is True.

        `given` are further arguments, such as one that is called `stored`, too.

        `stored` says where the source has its weights. A layer whose `site.key` an earlier one has uses the weights of that; its `weight`
        alone where it is `tied`, or another step. One with another key uses the `weight` alone of the first one of the same `table`. Returns its value. Raises Unsaid where the layer does not fit.
        """
        arguments |= given or {}
        try:
            op = make(step, arguments)
            primitives = op.expand([self.type_of(value) for value in values])
            for primitive in primitives:
                types = [self.type_of(value) for value in values]
                type_, *_ = primitive.infer(types)
                keyed = len(primitive.weights(*types)) > 0
                own = site if primitive is op and keyed else site._replace(key="", path=self._around(site.path, values))
                values = (self._append(primitive, tuple(values), type_, own, (stored or {}) if keyed else {}, tied, table),)
        except Misfit as misfit:
            raise Unsaid(misfit.message) from None
        except Unfit as unfit:
            raise Unsaid(f"`{unfit.argument}={arguments.get(unfit.argument)}` is no argument of `{step}`") from None
        return values[0]

    def _append(
        self, op: Op, values: tuple[int, ...], type_: Type, site: Site, stored: Mapping[str, Stored], tied: bool = False, table: str = ""
    ) -> int:
        owner = self._lenders.get(site.key) if site.key else None
        if owner is None and table:
            owner, tied = self._lenders.get(table), True
        tied = tied and owner is not None
        if owner is not None:
            lender = self._made[owner - len(self._inputs)]
            tied = tied or lender.op.step != op.step
            while tied and lender.owner is not None:
                owner, lender = lender.owner, self._made[lender.owner - len(self._inputs)]
            mine, theirs = (self._shapes(of, made) for of, made in ((op, values), (lender.op, lender.inputs)))
            if mine.get("weight") != theirs.get("weight", ()) if tied else mine != theirs:
                raise Unsaid(f"it uses the weights of `{site.key}` in other shapes")
        self._made.append(Made(op, values, type_, site, op.step, owner, tied, stored))
        value = len(self._inputs) + len(self._made) - 1
        for key in filter(None, (site.key, table)):
            self._lenders.setdefault(key, value)
        return value

    def _around(self, path: str, values: Sequence[int]) -> str:
        """The module of what merges values: the smallest one around its own from inside of which one of them comes."""
        while path and len(values) > 1 and not any(f"{self._module(value)}.".startswith(f"{path}.") for value in values):
            path = path.rpartition(".")[0]
        return path

    def _module(self, value: int) -> str:
        made = self.made(value)
        return (made.site.key or made.site.path) if made is not None else ""

    def _shapes(self, op: Op, values: Sequence[int]) -> dict[str, tuple[int, ...]]:
        return {weight.name: weight.shape for weight in op.weights(*map(self.type_of, values))}

    def custom(
        self,
        site: Site,
        *values: int,
        out: Type | None,
        why: str,
        tensors: Mapping[str, tuple[int, ...]] | None = None,
        stored: Mapping[str, Stored] | None = None,
        macs: int | None = None,
        places: tuple[Any, ...] = (),
    ) -> int:
        """Append a step that the language lacks, with its result, and its MACs where they are known, and warn of it; returns its value.

        Without `out` its result is of the type that it takes. `places` are numbers behind its values.
        """
        name = ".".join(filter(None, re.findall(r"[A-Za-z_]\w*", site.operator, re.ASCII))) or "unknown"
        what = f"{self._place(site)}: `{site.operator}` became `custom`: {why}"
        help_ = "its MACs are unknown; give it `macs=` where the total should count it" if macs is None else None
        places = (*("value",) * (len(values) - 1), *places)
        result = {"out": tuple(out.shape)} if out is not None else {}
        while site.key in self._lenders:
            site = site._replace(key=f"{site.key}_")
        given = {re.sub(r"\W", "_", key): shape for key, shape in (tensors or {}).items()}
        value = self.step(site, "custom", *values, stored=stored, given={"name": name, "places": places, **result, "macs": macs, **given})
        self.warn(value, Diagnostic("A610", what, site.span, help=help_, severity="warning"))
        return value

    def warn(self, value: int, problem: Diagnostic) -> None:
        """Say something of a layer, if it is part of the network in the end."""
        at = value - len(self._inputs)
        self._made[at] = self._made[at]._replace(problem=problem)

    def release(self, key: str) -> None:
        """Let a later layer have weights of its own under a key, in place of one that is no part of the network in the end."""
        self._lenders.pop(key, None)

    def instead(self, value: int, *values: int) -> int:
        """Append the layer that gives a value once more, on other values, and with the weights of it, which it no longer has."""
        made = self._made[value - len(self._inputs)]
        self.release(made.site.key)
        return self._append(made.op, tuple(values), made.op.infer([self.type_of(one) for one in values])[0], made.site, made.stored)

    def refuse(self, site: Site, why: str, code: str = "A611", help_: str | None = None) -> None:
        """Report what cannot be read, so that nothing comes of the import."""
        self.found.add(Diagnostic(code, f"{self._place(site)}: {why}", site.span, help=help_))

    def _place(self, site: Site) -> str:
        return site.where or self.source

    def output(self, value: int, name: str = "output", *, training: bool = False) -> None:
        """Name a value as an output; that called `output` is the main one."""
        self._outputs[name] = value, training

    def stored(self) -> set[str]:
        """The tensors of the source that the network has."""
        return {key for at in self._alive() for place in self._made[at].stored.values() for key in place.keys}

    def customs(self) -> int:
        """How many layers the language lacks."""
        return sum(1 for at in self._alive() if self._made[at].op.step == "custom")

    def finish(self) -> Imported:
        """What was read, shortened. Raises SpecError where something was refused."""
        from archspec.shortening.shortest import shorten

        for at in self._alive():
            problem = self._made[at].problem
            if problem is not None:
                self.found.add(problem)
        found = self.found.sorted()
        if self.found.errors:
            raise SpecError(found)
        network, stored = self.network()
        short = shorten(network)
        note = short.note
        if not self.keeps and self._is_counted():
            unnamed = shorten(network, named=False)
            words = any(made.site.key and not made.site.key.isdecimal() for made in self._made)
            if (_SHORTER if words else 1) * len(unnamed.text.splitlines()) < len(short.text.splitlines()):
                short, note = unnamed, unnamed.note or "layers have new names: those that they had were only counted"
                stored = _renamed(stored, short.renamed)
        return Imported.read(short.text, note, self.source, tuple(found), stored)

    def _is_counted(self) -> bool:
        """Whether names of weights say no more than what their layers are and which: `conv17`, `Conv_497`."""
        stems = {(made.op.step, made.site.key.rstrip("0123456789")) for made in self._made if made.site.key}
        return len(stems) == len({step for step, _ in stems})

    def network(self) -> tuple[Network, dict[str, Stored]]:
        """The network, without layers that lead nowhere, and where the source has each of its weights."""
        first = len(self._inputs)
        alive, inputs_of = self._summed(self._alive())
        given = [self._inputs[0]._replace(name="input")] if len(self._inputs) == 1 else self._inputs
        layers = {first + at: Read(self._made[at].op, inputs_of[at]) for at in alive}
        layers = with_same(layers, self.type_of, {value for value, _ in self._outputs.values()})
        alive = [value - first for value in layers]
        ops = with_windows([(op, [*map(self.type_of, inputs)]) for op, inputs in layers.values()])
        names = _named([self._made[at] for at in alive], {input_.name for input_ in given})
        numbers = {value: value for value in range(first)} | {first + at: first + new for new, at in enumerate(alive)}
        elements = []
        stored: dict[str, Stored] = {}
        for at, name, op in zip(alive, names, ops, strict=True):
            made, read = self._made[at], layers[first + at].inputs
            owner = Owner(numbers[made.owner] - first, tied=made.tied) if made.owner is not None else None
            inputs = tuple([numbers[value] for value in read])
            elements.append(Node(op, inputs, made.type, op.step, name, None, not op.origin, owner=owner))
            if owner is None or made.tied:
                own = {weight: source for weight, source in made.stored.items() if not (made.tied and weight == "weight")}
                stored |= {f"{name}.{weight}".rstrip("."): source for weight, source in own.items()}
        ordered = sorted(self._outputs.items(), key=lambda item: item[0] != "output")
        outputs = tuple(Output(name, numbers[value], training) for name, (value, training) in ordered)
        graph = Graph(tuple(input_.type for input_ in self._inputs), tuple(elements), (outputs[0].value,), "ordinal")
        network = Network(self.name, graph, tuple(given), outputs)
        verify(network)
        return network, stored

    def _summed(self, alive: Sequence[int]) -> tuple[list[int], dict[int, tuple[int, ...]]]:
        """The layers without each sum that is a term of one other sum of its module alone, whose own terms are those of this; and the values that they read.

        `a + b + c` is one sum, as people write it; since its terms come in the order in which they were added, no number changes.
        """
        first = len(self._inputs)
        found = {at: self._made[at].inputs for at in alive}
        uses = Counter(value for inputs in found.values() for value in inputs)
        uses.update(value for value, _ in self._outputs.values())
        plain = {at for at in alive if self._made[at].op.step == "add" and {*map(self.type_of, found[at])} == {self._made[at].type}}
        for at in alive:
            terms = [value for value in found[at] if value - first in plain and uses[value] == 1 and len(found[value - first]) > 1]
            if at in plain and len(found[at]) > 1 and len(terms) == 1 and self._module(terms[0]) == self._made[at].site.path:
                (term,) = terms
                found[at] = (*found.pop(term - first), *(value for value in found[at] if value != term))
        return list(found), found

    def _alive(self) -> list[int]:
        """The layers that lead to an output, or whose weights those use."""
        first = len(self._inputs)
        pending = [value for value, _ in self._outputs.values()]
        alive: set[int] = set()
        while pending:
            at = pending.pop() - first
            if at >= 0 and at not in alive:
                alive.add(at)
                made = self._made[at]
                pending += [*made.inputs, *([made.owner] if made.owner is not None else [])]
        return sorted(alive)


def _renamed(stored: Mapping[str, Stored], names: Mapping[str, str]) -> dict[str, Stored]:
    """Where a source has each weight, by new names of layers; these are given with those that they had."""
    layers = {old: new for new, old in names.items()}
    found = {}
    for key, source in stored.items():
        layer, _, weight = key.rpartition(".")
        found[layers[key] if key in layers else f"{layers[layer]}.{weight}"] = source
    return found


def _named(made: Sequence[Made], inputs: set[str]) -> list[str]:
    """A name for each layer: its key, or its module with its step and a number; none is that of an input, or a part of another's."""
    names = _Taken(inputs)
    keyed = {at: names.take(_label(one.site.key)) for at, one in enumerate(made) if one.site.key and one.owner is None}
    tied = {at: _label(one.site.own or one.site.key) for at, one in enumerate(made) if one.tied}
    keyed |= {at: names.take(name) for at, name in tied.items() if name and names.has_room(name)}
    return [keyed.get(at) or names.inside(_label(one.site.path), one.op.step) for at, one in enumerate(made)]


class _Taken:
    """Names that are taken, and the levels that they make."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.levels: set[str] = set()

    def take(self, name: str) -> str:
        """Take a name, or one with a number where it is taken or a level, or is inside of one taken."""
        found, count = name, 1
        while not self.has_room(found):
            count += 1
            found = f"{name.replace('.', '_') if count > 9 else name}_{count}"
        self.names.add(found)
        self.levels.update(_levels(found))
        return found

    def has_room(self, name: str) -> bool:
        """Whether a name is not taken, nor a level, nor inside of a name that is taken."""
        return name not in self.names and name not in self.levels and self.names.isdisjoint(_levels(name))

    def inside(self, path: str, step: str) -> str:
        """Take the name of a layer without weights, in its module or, where that is a layer itself, in one around it."""
        while path and (path in self.names or not self.names.isdisjoint(_levels(path))):
            path = path.rpartition(".")[0]
        base = f"{path}.{step}" if path else step
        count = 1
        while f"{base}{count}" in self.names or f"{base}{count}" in self.levels:
            count += 1
        return self.take(f"{base}{count}")


def _levels(name: str) -> list[str]:
    """The levels around a name."""
    return [name[:at] for at, letter in enumerate(name) if letter == "."]


def _label(name: str) -> str:
    """A name of the source as a label: what none may have becomes `_`."""
    parts = [_MISWRITTEN.sub("_", part).strip() for part in name.split(".")] if name else []
    for at, part in enumerate(parts):
        if not part or part in RESERVED or part.startswith("__"):
            parts[at] = f"{part.strip('_') or 'x'}_1"
    label = ".".join(parts)[:_LONGEST].rstrip(".")
    return "output_1" if label == "output" else label
