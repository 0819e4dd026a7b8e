"""The source file of a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from archspec.analysis.cost import needed_elements
from archspec.analysis.layers import counts_in_words
from archspec.backends.source.body import Body, Item
from archspec.backends.source.classes import Class, Classes
from archspec.backends.source.constructor import If, New, names_called, parts, wrapped, written
from archspec.backends.source.forward import Forward, Results, is_simple
from archspec.backends.source.loops import loop
from archspec.backends.torch.templates import sources
from archspec.backends.torch.words import EXPRESSIONS, TORCH, is_buffer
from archspec.ir.graph import Network
from archspec.ir.walk import Visit, events
from archspec.types import Map, Type


def emit(network: Network) -> str:
    """A standalone PyTorch source file: it imports torch alone. Raises Unsupported."""
    return "\n".join(_File(network).lines()) + "\n"


class _File:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.classes = Classes(network, TORCH, lambda class_: _block(class_).count("\n"))
        self.top = self.classes.run()

    def lines(self) -> Iterator[str]:
        classes = map(_block, self.classes.written)
        text = "\n\n\n".join(filter(None, [*self.helpers(), *classes, self.outputs(), "\n".join(self.model())]))
        yield from self.docstring()
        yield "from __future__ import annotations\n"
        if "NamedTuple" in text:
            yield "from typing import NamedTuple\n"
        if "math." in text:
            yield "import math\n"
        yield "import torch"
        if "F." in text:
            yield "import torch.nn.functional as F"
        yield "from torch import Tensor, nn" if re.search(r"\bTensor\b", text) else "from torch import nn"
        yield f"\n\n{text}\n\n"
        yield from self.main()

    def docstring(self) -> Iterator[str]:
        inputs = ", ".join(f"{i.name} {_nchw(i.type)}" for i in self.network.inputs)
        result = ", ".join(f"{o.name} {_nchw(self.network.graph.type_of(o.value))}" for o in self.network.outputs)
        yield f'"""{_plain(self.network.name)}: {inputs} -> {result}.\n'
        yield f"{counts_in_words(self.network)}. Written by archspec from a spec."
        yield '"""\n'

    def helpers(self) -> list[str]:
        """The sources of the modules that PyTorch lacks, of those that are used."""
        stored = [item for c in self.classes.written for item in _stored(c.body)] + _stored(self.top, sequential=not self.has_heads)
        names = {name for item in stored for name in names_called(item.module)}
        words = {word for item in stored for part in parts(item.module) if isinstance(part, New) for word, _ in part.arguments}
        return sources(names, words)

    @property
    def has_heads(self) -> bool:
        return len(self.network.outputs) > 1

    def outputs(self) -> str:
        if not self.has_heads:
            return ""
        about = "What the network puts out; heads that exist in training only are None in inference."
        fields = [f"    {o.name}: Tensor{' | None' if o.training else ''}" for o in self.network.outputs]
        return "\n".join(["class Outputs(NamedTuple):", f'    """{about}"""\n', *fields])

    def model(self) -> Iterator[str]:
        inputs = self.network.inputs
        names = [_identifier(i.name) for i in inputs] if len(inputs) > 1 else ["x"]
        about = f"{_plain(self.network.name)}: {', '.join(_nchw(i.type) for i in inputs)} -> {_nchw(self.network.graph.output)}."
        needed = needed_elements(self.network)
        training = [not needed[item.top] for item in self.top.items]
        results = {o.name: (self.top.values[o.value], o.training) for o in self.network.outputs}
        yield from _class(Class("Model", about, self.top, {}), training, names, results if self.has_heads else None, "Outputs", self.ties())

    def ties(self) -> list[str]:
        """The statements that tie weights, for the class of the whole, which sees all layers."""
        met = [event for event in events(self.network.graph) if isinstance(event, Visit) and event.owner is None]
        return [f"        {_module(visit.name)}.weight = {_module(visit.tied)}.weight" for visit in met if visit.tied is not None]

    def main(self) -> Iterator[str]:
        shapes = ", ".join(self.example(at, input_.type) for at, input_ in enumerate(self.network.inputs))
        yield 'if __name__ == "__main__":'
        yield "    model = Model().eval()"
        yield f"    result = model({shapes})"
        shown = "result.output" if self.has_heads else "result"
        yield f'    print(f"{{sum(p.numel() for p in model.parameters()):,}} parameters, output {{tuple({shown}.shape)}}")'

    def example(self, at: int, type_: Type) -> str:
        """Zeros for an input; whole numbers where they are looked up in a table."""
        first = next((item for item in self.top.items if at in item.reads), None)
        looked_up = first is not None and first.step == "embed"
        return f"torch.zeros({', '.join(['2', *_nchw(type_).split('x')[1:]])}{', dtype=torch.long' if looked_up else ''})"


def _class(
    class_: Class, training: list[bool], names: list[str] | None, results: Results | None, returned: str, ties: Sequence[str] = ()
) -> Iterator[str]:
    """Write one class: an nn.Sequential where its body is a plain chain. The `names` are those of its inputs."""
    body, chained = class_.body, class_.body.chained(TORCH) and results is None
    inputs = names or list(body.given)
    modules = _stored(body, sequential=results is None)
    positions = [item.attribute for item in modules] == [str(at) for at in range(len(modules))]
    numbered = bool(modules) and not chained and positions and not any(TORCH.holds_tensor(item.step) for item in modules)
    yield f"class {class_.name}(nn.{'Sequential' if chained or numbered else 'Module'}):"
    yield f'    """{class_.about}"""'
    guarded = [item for item in body.items if item.guard is not None]
    if modules or guarded:
        yield ""
        yield f"    def __init__(self{class_.heading()}) -> None:"
        made = [("", _or_identity(item)) for item in modules] if numbered else []
        yield from wrapped("        ", New("super().__init__", tuple(made)), "")
        holders: set[str] = set()
        for item in guarded if numbered else modules + guarded:
            yield from _assignment(item, chained, holders)
        yield from ties
    if chained:
        return
    lent = [f"{n}: {'Tensor' if s.tensor else 'nn.Module'}" for s, n in body.shared.items()]
    taken = ", ".join(["self", *(f"{name}: Tensor" for name in inputs), *lent])
    yield f"\n    def forward({taken}) -> {returned if results else 'Tensor'}:"
    forward = Forward(TORCH, body, inputs, training, results, returned, indexed=numbered).lines
    for line in loop(body, inputs, returned, TORCH) if body.loop else forward():
        yield f"        {line}"


def _block(class_: Class) -> str:
    """The class of a block or label, behind that of its results where it has several."""
    body = class_.body
    results: Results | None = {field: (value, False) for field, value in zip(body.fields, body.results, strict=False)} or None
    text = "\n".join(_class(class_, [False] * len(body.items), None, results, class_.outputs))
    return f"{_results(class_)}\n\n\n{text}" if results else text


def _results(class_: Class) -> str:
    """The class of the results of a class."""
    fields = [f"    {field}: {'list[Tensor]' if at and class_.body.loop else 'Tensor'}" for at, field in enumerate(class_.body.fields)]
    return "\n".join([f"class {class_.outputs}(NamedTuple):", f'    """What `{class_.name}` gives."""\n', *fields])


def _stored(body: Body, *, sequential: bool = True) -> list[Item]:
    """List the items that a class keeps an attribute for: not those that `forward` writes as an expression."""
    expressions = () if sequential and body.chained(TORCH) else {step for step in EXPRESSIONS if not TORCH.holds_tensor(step)}
    return [item for item in body.items if item.module is not None and item.owner is None and item.step not in expressions]


def _or_identity(item: Item) -> New | If | None:
    """The module of an item, an identity where its condition does not hold."""
    module = item.module
    return module._replace(no=New(TORCH.identity)) if isinstance(module, If) and module.no is None else module


def _assignment(item: Item, chained: bool, holders: set[str]) -> Iterator[str]:
    """Keep a module, parameter or guard; one whose name has levels, or is a number, is put where its name says.

    `holders` are the modules that were made for levels, by their full names.
    """
    module = item.module
    if module is None:
        yield from wrapped(f"        self.{item.flag} = ", item.guard, "")
        return
    if is_simple(item.attribute):
        lines = list(wrapped(f"        self.{item.attribute} = ", _or_identity(item), ""))
        if isinstance(module, If) and module.no is None and (chained or len(lines) > 1):
            identity = [] if chained else [f"        self.{item.attribute}: nn.Module = {TORCH.identity}()"]
            condition = f"        if {written(module.condition)}:"
            lines = [*identity, condition, *wrapped(f"            self.{item.attribute} = ", module.yes, "")]
        yield from lines
        return
    *levels, last = item.attribute.split(".")
    for at in range(len(levels)):
        holder = ".".join(levels[: at + 1])
        if holder not in holders:
            holders.add(holder)
            yield from _put(".".join(levels[:at]), levels[at], New("nn.Module"), "add_module")
    put = "register_parameter" if TORCH.holds_tensor(item.step) else "add_module"
    yield from _put(".".join(levels), last, _or_identity(item), "setattr" if is_buffer(module) else put)


def _put(holder: str, name: str, module: Any, put: str) -> Iterator[str]:
    """Put a module, parameter or buffer into the module of a full name; the class itself has none."""
    parent = _module(holder) if holder else "self"
    if is_simple(name) and "(" not in parent:
        yield from wrapped(f"        {parent}.{name} = ", module, "")
    elif put == "setattr":
        yield from wrapped(f'        setattr({parent}, "{name}", ', module, ")")
    else:
        yield from wrapped("        ", New(f"{parent}.{put}", (("", name), ("", module))), "")


def _module(name: str) -> str:
    """A module of a class, by its full name."""
    return f"self.{name}" if all(map(is_simple, name.split("."))) else f'self.get_submodule("{name}")'


def _identifier(name: str) -> str:
    return name if is_simple(name) and name not in TORCH.reserved else f"{name}_"


def _plain(text: str) -> str:
    """Text that may stand in a docstring."""
    return json.dumps(text)[1:-1].replace('\\"', "'").replace("\\", "/")


def _nchw(type_: Type) -> str:
    if isinstance(type_, Map):
        return "x".join(map(str, ("N", type_.channels, *type_.spatial)))
    return f"Nx{type_}"
