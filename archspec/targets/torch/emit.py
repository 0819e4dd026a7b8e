"""The source file of a network."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator

from archspec.analysis.cost import needed_elements
from archspec.ir.graph import Network
from archspec.report import Report
from archspec.targets.torch.classes import Body, Classes, Emitted, Item
from archspec.targets.torch.helpers import source as helper_source
from archspec.targets.torch.new import Many, New, written
from archspec.targets.torch.rows import MERGES
from archspec.types import Map, Tokens, Vector

_WIDTH = 120


def emit(network: Network) -> str:
    """A standalone PyTorch source file: it imports torch alone. Raises rows.Unsupported."""
    return "\n".join(_File(network).lines()) + "\n"


class _File:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.classes = Classes(network)
        self.top = self.classes.run()

    def lines(self) -> Iterator[str]:
        bodies = [*(c.body for c in self.classes.found), self.top]
        classes = ["\n".join(_Class(c).lines()) for c in self.classes.found]
        parts = [*self.helpers(bodies), *classes, self.outputs(), "\n".join(self.model())]
        text = "\n\n\n".join(part for part in parts if part)
        yield from self.docstring()
        yield "from __future__ import annotations"
        yield ""
        if "NamedTuple" in text:
            yield "from typing import NamedTuple"
            yield ""
        yield "import torch"
        if "F." in text:
            yield "import torch.nn.functional as F"
        yield "from torch import Tensor, nn"
        yield ""
        yield ""
        yield text
        yield ""
        yield ""
        yield from self.main()

    def docstring(self) -> Iterator[str]:
        report = Report(self.network)
        totals = report.totals
        inputs = ", ".join(f"{i.name} {_nchw(i.type)}" for i in self.network.inputs)
        result = ", ".join(f"{o.name} {_nchw(self.network.graph.type_of(o.value))}" for o in self.network.outputs)
        yield f'"""{_plain(self.network.name)}: {inputs} -> {result}.'
        yield ""
        yield f"{totals.params:,} parameters, {totals.buffers:,} buffers, {totals.macs:,} MACs an image. Written by archspec from a spec."
        yield '"""'
        yield ""

    def helpers(self, bodies: list[Body]) -> list[str]:
        names: dict[str, None] = {}
        for body in bodies:
            for item in body.items:
                names.update(dict.fromkeys(_called(item.module)))
        return [text for name in sorted(names) if (text := helper_source(name)) is not None]

    def outputs(self) -> str:
        if len(self.network.outputs) == 1:
            return ""
        lines = [
            "class Outputs(NamedTuple):",
            '    """What the network puts out; heads that exist in training only are None in inference."""',
            "",
        ]
        lines += [f"    {o.name}: Tensor{' | None' if o.training else ''}" for o in self.network.outputs]
        return "\n".join(lines)

    def model(self) -> Iterator[str]:
        names = [_identifier(i.name) for i in self.network.inputs]
        names = ["x"] if len(names) == 1 else names
        about = (
            f"{_plain(self.network.name)}: "
            + ", ".join(_nchw(i.type) for i in self.network.inputs)
            + f" -> {_nchw(self.network.graph.output)}."
        )
        needed = needed_elements(self.network)
        writer = _Class(Emitted("Model", about, self.top, ()), names, [not needed[item.top] for item in self.top.items])
        results = {o.name: (self.top.values[o.value], o.training) for o in self.network.outputs}
        yield from writer.lines(results if len(results) > 1 else None)

    def main(self) -> Iterator[str]:
        shapes = ", ".join(self.example(at) for at in range(len(self.network.inputs)))
        yield 'if __name__ == "__main__":'
        yield "    model = Model().eval()"
        yield f"    result = model({shapes})"
        shown = "result.output" if len(self.network.outputs) > 1 else "result"
        yield f'    print(f"{{sum(p.numel() for p in model.parameters()):,}} parameters, output {{tuple({shown}.shape)}}")'

    def example(self, at: int) -> str:
        """Zeros for an input; whole numbers where they are looked up in a table."""
        first = next((item for item in self.top.items if at in item.reads), None)
        looked_up = first is not None and first.module is not None and first.module.name == "nn.Embedding"
        return f"torch.zeros({_example(self.network.inputs[at].type)}{', dtype=torch.long' if looked_up else ''})"


class _Class:
    """Writes one class."""

    def __init__(self, class_: Emitted, inputs: list[str] | None = None, training: list[bool] | None = None) -> None:
        self.class_ = class_
        self.body = class_.body
        count = len(self.body.inputs)
        self.inputs = inputs or ["x", *(f"extra{i}" for i in range(1, count))]
        self.training = training or [False] * len(self.body.items)

    def lines(self, results: dict[str, tuple[int, bool]] | None = None) -> Iterator[str]:
        class_ = self.class_
        arguments = "".join(f", {name}: {kind}" for name, kind in class_.parameters)
        yield f"class {class_.name}(nn.Module):"
        yield f'    """{class_.about}"""'
        modules = [item for item in self.body.items if item.module is not None]
        if modules:
            yield ""
            yield f"    def __init__(self{arguments}) -> None:"
            yield "        super().__init__()"
            for item in modules:
                yield from self.assignment(item)
        yield ""
        taken = ", ".join(f"{name}: Tensor" for name in self.inputs)
        yield f"    def forward(self, {taken}) -> {'Outputs' if results else 'Tensor'}:"
        for line in _Forward(self, results).lines():
            yield f"        {line}"

    def assignment(self, item: Item) -> Iterator[str]:
        assert item.module is not None
        name = item.attribute
        if not _simple(name):
            yield from _dotted(name, item.module)
            return
        yield from _wrapped(f"        self.{name} = ", item.module, "")


def _dotted(name: str, module: New) -> Iterator[str]:
    """A module whose name has levels, or is a number: it is put where its name says."""
    parts = name.split(".")
    for end in range(1, len(parts)):
        path = ".".join(parts[:end])
        parent = "self" if end == 1 else f'self.get_submodule("{".".join(parts[: end - 1])}")'
        yield f'        if not hasattr({parent}, "{parts[end - 1]}"):'
        yield f'            {parent}.add_module("{parts[end - 1]}", nn.Module())  # {path}'
    parent = "self" if len(parts) == 1 else f'self.get_submodule("{".".join(parts[:-1])}")'
    yield from _wrapped(f'        {parent}.add_module("{parts[-1]}", ', module, ")")


def _wrapped(before: str, value: object, after: str) -> Iterator[str]:
    """A value as source, broken into a line an item where it is long."""
    whole = before + written(value) + after
    if len(whole) <= _WIDTH or not isinstance(value, (New, tuple)):
        yield whole
        return
    inner = " " * (len(before) - len(before.lstrip()) + 4)
    opened, closed, items = "(", ")", [("", item) for item in value]
    if isinstance(value, New):
        opened, items = f"{value.name}(", list(value.arguments)
    yield before + opened
    for name, item in items:
        yield from _wrapped(f"{inner}{name}=" if name else inner, item, ",")
    yield inner[4:] + closed + after


class _Forward:
    """The statements of a `forward`. Values are kept in as few variables as their lives allow; steps of one line are nested."""

    def __init__(self, owner: _Class, results: dict[str, tuple[int, bool]] | None) -> None:
        self.body = owner.body
        self.inputs = owner.inputs
        self.training = owner.training
        self.results = results
        self.first = len(self.body.inputs)
        ends = [value for value, _ in results.values()] if results else [self.body.result]
        self.last = dict.fromkeys(range(self.first + len(self.body.items)), -1)
        self.uses = dict.fromkeys(self.last, 0)
        for at, item in enumerate(self.body.items):
            for value in item.reads:
                self.last[value] = at
                self.uses[value] += 1
        for value in ends:
            self.last[value] = len(self.body.items)
            self.uses[value] += 1
        self.kept = set(ends) if results else set()
        self.variables: dict[int, str] = dict(enumerate(self.inputs))
        self.pending: tuple[int, str] | None = None

    def lines(self) -> Iterator[str]:
        items = self.body.items
        at = 0
        while at < len(items):
            if not self.training[at]:
                yield from self.item(at, "")
                at += 1
                continue
            end = at
            while end < len(items) and self.training[end]:
                end += 1
            yield from self.flush("")
            assert self.results is not None
            heads = [name for name, (value, training) in self.results.items() if training and at <= value - self.first < end]
            for name in heads:
                yield f"{_head(name)} = None"
            yield "if self.training:"
            for inner in range(at, end):
                yield from self.item(inner, "    ")
            yield from self.flush("    ")
            for name in heads:
                value = self.results[name][0]
                yield f"    {_head(name)} = {self.variables[value]}"
                self.variables[value] = _head(name)
            at = end
        yield from self.end()

    def end(self) -> Iterator[str]:
        if self.results is None:
            yield f"return {self.expression(self.body.result)}"
            return
        yield from self.flush("")
        shown = ", ".join(f"{name}={self.variables[value]}" for name, (value, _) in self.results.items())
        yield f"return Outputs({shown})"

    def item(self, at: int, indent: str) -> Iterator[str]:
        item = self.body.items[at]
        value = self.first + at
        nested = (
            self.pending is not None
            and self.pending[0] in item.reads
            and self.uses[self.pending[0]] == 1
            and self.pending[0] not in self.kept
        )
        same_line = at == 0 or self.body.items[at - 1].line == item.line or item.module is None
        if self.pending is not None and not (nested and same_line and len(self.pending[1]) < 70):
            yield from self.flush(indent)
        text = self.call(item)
        self.pending = (value, text)

    def flush(self, indent: str) -> Iterator[str]:
        """Give the pending value a variable."""
        if self.pending is None:
            return
        value, text = self.pending
        at = value - self.first
        name = self.free(value, at)
        self.variables[value] = name
        self.pending = None
        yield f"{indent}{name} = {text}"

    def free(self, value: int, at: int) -> str:
        """A variable that holds nothing which is still read."""
        live = {self.variables[v] for v, end in self.last.items() if v in self.variables and v != value and end > at}
        for name in ("x", "y", "z"):
            if name not in live:
                return name
        count = 1
        while f"x{count}" in live:
            count += 1
        return f"x{count}"

    def expression(self, value: int) -> str:
        """A value where it is read: what is pending, or its variable."""
        if self.pending is not None and self.pending[0] == value:
            text = self.pending[1]
            self.pending = None
            return text
        return self.variables[value]

    def call(self, item: Item) -> str:
        texts = [self.expression(value) for value in item.reads]
        if item.module is not None:
            function = f"self.{item.attribute}" if _simple(item.attribute) else f'self.get_submodule("{item.attribute}")'
            return f"{function}({', '.join(texts)})"
        assert item.node is not None
        assert item.node.op is not None
        step = item.node.op.step
        if step == "concat":
            return f"torch.cat(({', '.join(texts)}), dim={-1 if isinstance(item.type, Tokens) else 1})"
        spread = [_spread(text, type_, item.type) for text, type_ in zip(texts, item.types, strict=True)]
        if step == "mul":
            spread = [f"({text})" if " + " in text else text for text in spread]
        return MERGES[step].join(spread)


def _head(name: str) -> str:
    return f"{name}_head"


def _spread(text: str, type_: object, over: object) -> str:
    """A vector that is broadcast over a map."""
    if isinstance(type_, Vector) and isinstance(over, Map):
        return f"{text}[:, :{', None' * len(over.spatial)}]"
    return text


def _called(module: New | Many | object) -> Iterator[str]:
    if isinstance(module, Many):
        yield from _called(module.module)
    elif isinstance(module, New):
        yield module.name
        for _, value in module.arguments:
            yield from _called(value)


def _simple(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _identifier(name: str) -> str:
    return name if _simple(name) and name not in ("self", "torch", "nn", "F", "Tensor", "super", "getattr") else f"{name}_"


def _plain(text: str) -> str:
    """Text that may stand in a docstring."""
    return json.dumps(text)[1:-1].replace('\\"', "'").replace("\\", "/")


def _nchw(type_: object) -> str:
    if isinstance(type_, Map):
        return "x".join(map(str, ("N", type_.channels, *type_.spatial)))
    return f"Nx{type_}"


def _example(type_: object) -> str:
    shape = _nchw(type_).split("x")[1:]
    return ", ".join(["2", *shape])
