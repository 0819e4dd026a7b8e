"""The source file of a network in Keras 3."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from archspec.analysis.layers import counts_in_words
from archspec.backends.keras.branching import branched
from archspec.backends.keras.built_in_rows import row
from archspec.backends.keras.layer_names import LayerNames
from archspec.backends.keras.making_calls import CHAIN, IDENTITY, NAME, Name, is_expression
from archspec.backends.keras.reading_body import Reading, is_around, layers_of, owners, reached_in
from archspec.backends.keras.statements import Called, Statements, Words, folded, returned
from archspec.backends.keras.templates import source, sources, words_in
from archspec.backends.keras.unnesting import Unnested
from archspec.backends.source.body import UNREAD, Body, Item, Reach
from archspec.backends.source.classes import Class, Classes
from archspec.backends.source.constructor import New, wrapped, written
from archspec.backends.source.dialect import Dialect
from archspec.backends.train.task import task_among
from archspec.diagnostics import SpecError
from archspec.ir.graph import Call, Graph, Network, Node
from archspec.ir.walk import Place, flattened, walk
from archspec.types import Type

_RESERVED = frozenset(
    ["keras", "layers", "ops", "name", "part", "partial", "np", "re", "math", "inputs", "model", "x", "y", "z", "batch_norm", "range"]
)
LONGEST = 40
"""Layers of a plain chain that are one list, blocks and repeats written out; a longer one is functions."""
_NORM = "layers.BatchNormalization"


def emit(network: Network) -> str:
    """A standalone source file for Keras 3: it makes `model`. Raises Unsupported."""
    layers, ends = flattened(network)
    names = LayerNames(_with_weights(layers))
    lines = _sequential(network, names) or _File(network, names).lines()
    text = _shortened("\n".join(lines))
    helpers = sources(set(re.findall(r"(?<![.\w])(\w+)\(", text)), words_in(text))
    text = "\n\n\n".join([*helpers, text])
    head = [*_docstring(network, _loss(network, layers, ends)), *_imports(text)]
    return "\n".join([*head, "", "", text, "", "", 'if __name__ == "__main__":', "    model.summary()", ""])


def _with_weights(layers: Sequence[Place]) -> Iterator[str]:
    """The names of layers that have weights."""
    known: dict[int, bool] = {}
    for place in layers:
        if id(place.node) not in known:
            known[id(place.node)] = bool(place.node.op.weights(*place.graph.types_of(place.node)))
        if known[id(place.node)]:
            yield place.name


def _imports(text: str) -> Iterator[str]:
    used = [name for name in ("math", "re") if re.search(rf"(?<![.\w]){name}\.", text)]
    yield from (f"import {name}" for name in used)
    if "partial(" in text:
        yield "from functools import partial"
    if used or "partial(" in text:
        yield ""
    yield "import keras"
    if re.search(r"(?<![.\w])np\.", text):
        yield "import numpy as np"
    found = [name for name in ("layers", "ops") if re.search(rf"(?<![.\w]){name}\b(?! =)", text)]
    yield from [f"from keras import {', '.join(found)}"] if found else []


def _docstring(network: Network, loss: str | None) -> Iterator[str]:
    inputs = ", ".join(f"{i.name} {i.type}" for i in network.inputs)
    result = ", ".join(f"{o.name} {network.graph.type_of(o.value)}" for o in network.outputs)
    name = re.sub(r'[\\"]', "'", network.name)
    yield f'"""{name}: {inputs} -> {result}.'
    yield ""
    yield f"{counts_in_words(network)}."
    if loss is not None:
        yield f'Its loss: `model.compile("adam", {loss})`.'
    yield "Written by archspec from a spec."
    yield '"""'
    yield ""


def _loss(network: Network, layers: Sequence[Place], ends: list[str]) -> str | None:
    """The loss of a classifier, as `compile` takes it; None for any other network."""
    try:
        task = task_among(network, layers, ends)
    except SpecError:
        return None
    if task.loss == "distance":
        return None
    name = "SparseCategoricalCrossentropy" if task.loss == "softmax" else "BinaryCrossentropy"
    return f"keras.losses.{name}({'' if task.last else 'from_logits=True'})"


def _called(word: str) -> str:
    """The name of the function of a block or label."""
    name = re.sub(r"\W+", "_", word).strip("_") or "part"
    return name if name.isidentifier() else f"part_{name}"


def _dialect(rules: Unnested) -> Dialect:
    """Keras's words, for a network that these rules write out."""

    def prepared(network: Network) -> tuple[Network, Mapping[Graph, Graph]]:
        return rules.network(network), rules.came

    return Dialect(row, source, _called, _RESERVED, CHAIN, IDENTITY, prepared, loops=False, ties=True, positions=True)


def _sequential(network: Network, names: LayerNames) -> list[str]:
    """A plain chain as a list of layers; nothing where the network is none, or where that is long."""
    if network.graph.lends or len(network.inputs) > 1 or len(network.outputs) > 1 or network.graph.layers > 2 * LONGEST:
        return []
    rules = Unnested(blocks=True)
    body = Classes(rules.network(network), _dialect(Unnested()), lambda _: 0).run()
    if body.results != (len(body.items),) or not all(_in_a_row(item, at) for at, item in enumerate(body.items)):
        return []
    reading = Reading(body, frozenset())
    found = []
    for item, module in zip(body.items, reading.modules, strict=True):
        for each, attribute in layers_of(module, item.attribute) if module is not None else ():
            if is_expression(each) or any(key.startswith("call ") for key, _ in each.arguments) or each.name == "layers.MultiHeadAttention":
                return []
            arguments = [argument for argument in each.arguments if argument[1] is not NAME]
            labelled = attribute not in rules.unlabelled and len(arguments) < len(each.arguments)
            found.append(New(each.name, (*arguments, *([("name", names(attribute))] if labelled else []))))
    if not 0 < len(found) <= LONGEST:
        return []
    first = _input(network.inputs[0].type, network.inputs[0].name in _looked_up(network), "")
    lines = ["model = keras.Sequential(", "    ["]
    for each in (first, *found):
        lines += wrapped("        ", each, ",")
    return [*lines, "    ],", f'    name="{_model_name(network)}",', ")"]


def _in_a_row(item: Item, at: int) -> bool:
    return item.module is not None and item.reads == (at,) and not item.lent and item.owner is None and not item.stored


def _input(type_: Type, whole: bool, name: str) -> New:
    shape: Any = tuple(type_.shape)
    return New("keras.Input", (("", shape), *([("dtype", "int32")] if whole else []), *([("name", name)] if name else [])))


def _looked_up(network: Network) -> set[str]:
    """The inputs that hold whole numbers, which a table is looked up with, among the names of layers."""
    if not any(isinstance(element, Node) and element.op.indexes for graph in network.graphs() for element in graph.elements):
        return set()
    return {source for place in walk(network) if place.node.op.indexes for source in place.sources}


def _model_name(network: Network) -> str:
    name = re.sub(r"\W+", "_", network.name.encode("ascii", "ignore").decode()).strip("_")
    return name or "model"


class _File:
    """A functional model: functions of blocks, and the statements that call them."""

    def __init__(self, network: Network, names: LayerNames) -> None:
        self.network, self.names = network, names
        self.classes = Classes(network, _dialect(Unnested())._replace(called=self.called), self.length)
        self.known: dict[str, Class] = {}
        """The functions by their names, as they were when `count` graphs had been made."""
        self.count = 0
        self.lent: dict[str, set[str]] = {}
        """The layers of functions that other places use, by the names of the functions."""
        self.top = self.classes.run()

    def find_lent(self) -> None:
        """Find the layers of functions that other places use: an activation within one would be theirs too."""
        for body in [self.top, *[made.body for made in self.classes.made.values() if isinstance(made, Class)]]:
            for name in reached_in(body):
                for _, class_, rest in self.way(body, name):
                    if class_ is not None and rest:
                        self.lent.setdefault(class_.name, set()).add(rest)

    def way(self, body: Body, path: str) -> Iterator[tuple[Any, Class | None, str]]:
        """What the path of a layer leads through from a body, the layer last: modules, the function of each, if any, and the rest of the path."""
        for item in body.items:
            if item.owner is None and is_around(item.attribute, [path]):
                within = layers_of(item.module, item.attribute)
                for module, attribute in [(item.module, item.attribute)] if item.attribute == path else within:
                    class_ = self.function_of(module) if isinstance(module, New) else None
                    if is_around(attribute, [path]):
                        rest = path[len(attribute) + 1 :]
                        yield module, class_, rest
                        yield from self.way(class_.body, rest) if class_ is not None and rest else ()

    def led_to(self, body: Body, path: str) -> Any:
        """The module that the path of a layer leads to from a body, within functions; None where it leads nowhere."""
        return next((module for module, _, rest in self.way(body, path) if not rest), None)

    def called(self, word: str) -> str:
        """The name of the function of a block or label, which no parameter of another has."""
        name = _called(word)
        return f"{name}_block" if name in self.classes.order else name

    @property
    def functions(self) -> frozenset[str]:
        """The names of the functions of blocks."""
        return frozenset(made.name for made in self.classes.made.values() if isinstance(made, Class))

    def length(self, class_: Class) -> int:
        return len(list(self.function(class_)))

    def lines(self) -> list[str]:
        """The functions that are called, callees first, and the statements of the model."""
        self.find_lent()
        main = "\n".join(self.main())
        texts = {class_.name: "\n".join(self.function(class_)) for class_ in self.classes.written}
        called, pending = set[str](), [main]
        while pending:
            found = texts.keys() & set(re.findall(r"\w+", pending.pop())) - called
            called |= found
            pending += [texts[name] for name in found]
        return ["\n\n\n".join([*[text for name, text in texts.items() if name in called], main])]

    def main(self) -> Iterator[str]:
        body, inputs = self.top, self.network.inputs
        taken = [_called(each.name) for each in inputs] if len(inputs) > 1 else ["inputs"]
        inner = [name if name not in ("x", "y", "z", "model", "keras", "layers", "ops") else f"{name}_" for name in taken]
        whole = _looked_up(self.network)
        for name, each in zip(inner, inputs, strict=True):
            yield f"{name} = {written(_input(each.type, each.name in whole, each.name if len(inputs) > 1 else ''))}"
        ends = {output.name: body.values[output.value] for output in self.classes.network.outputs}
        statements = self.statements(body, inner, list(ends.values()), self.outer, whole=True)
        yield from folded(list(branched(list(statements.lines()))))
        marks = {output.name: "TrainingOnly()({})" if output.training else "{}" for output in self.network.outputs}
        results = {name: marks[name].format(statements.text(value)) for name, value in ends.items()}
        first = next(iter(results.values()))
        given = ", ".join(f'"{name}": {text}' for name, text in results.items())
        put_out = f"{{{given}}}" if len(results) > 1 else first
        yield f'model = keras.Model({inner[0] if len(inner) == 1 else "[" + ", ".join(inner) + "]"}, {put_out}, name="{_model_name(self.network)}")'

    def function_of(self, module: New) -> Class | None:
        """The function that a call is one of; callees are made first, so that it is among those that are known."""
        if len(self.classes.made) > self.count:
            self.count = len(self.classes.made)
            self.known = {each.name: each for each in self.classes.made.values() if isinstance(each, Class)}
        return self.known.get(module.name)

    def results(self, module: New) -> tuple[str, ...]:
        """What picks the results of the function that is called, where it has several."""
        class_ = self.function_of(module)
        return class_.body.texts if class_ is not None else ()

    @property
    def resized(self) -> set[str]:
        """The functions that are called again with values of other sizes, and those that they call."""
        found, pending = set[Graph](), [*self.classes.resized]
        while pending:
            graph = pending.pop()
            if graph not in found:
                found.add(graph)
                pending += [each.graph for each in graph.elements if isinstance(each, Call)]
        made = (self.classes.made.get(graph) for graph in found)
        return {each.name for each in made if isinstance(each, Class)}

    def unread(self, class_: Class) -> list[int]:
        """The values of a function that no result follows from, of layers that other places use: a part has no others."""
        body, lent = class_.body, self.lent.get(class_.name, ())
        if not lent:
            return []
        read = self.statements(body, body.given, body.results, self.inner, whole=False).followed(body.results)
        dead = ((at, item.attribute) for at, item in enumerate(body.items) if at not in read and item.owner is None)
        return [len(body.inputs) + at for at, name in dead if is_around(name, lent)]

    def more(self, module: New) -> bool:
        """Whether a call is one of a function that gives such values too, of its own or of a function that it calls."""
        class_ = self.function_of(module) if self.lent else None
        lent = self.lent.get(class_.name) if class_ is not None else None
        if class_ is None or not lent:
            return False
        inner = (item.module for item in class_.body.items if isinstance(item.module, New) and is_around(item.attribute, lent))
        return bool(self.unread(class_)) or any(map(self.more, inner))

    def lent_to(self, class_: Class) -> list[str]:
        """What a function calls the layers of others that it is given; nothing for one that no result follows from."""
        body = class_.body
        if not body.shared:
            return []
        needed = self.statements(body, body.given, [*body.results, *self.unread(class_)], self.inner, whole=False).needed
        used = {reach.name for at in needed for reach in self.reached(body.items[at])}
        return [name if name in used else "" for name in body.shared.values()]

    def reached(self, item: Item) -> list[Reach]:
        """The layers of others that an item uses; a function is given those alone that a result of it follows from."""
        called = self.function_of(item.module) if isinstance(item.module, New) else None
        names = self.lent_to(called) if called is not None else [""] * len(item.lent)
        lent = [reach for name, reach in zip(names, item.lent, strict=True) if name or called is None]
        return [*([item.owner] if item.owner is not None else []), *lent]

    def statements(
        self, body: Body, given: Sequence[str], ends: Sequence[int], name: Callable[[str], str], *, whole: bool, lent: Collection[str] = ()
    ) -> Statements:
        """The statements of a body, from the names of its inputs; `name` makes the text of a layer's name."""
        kept = owners(body)
        leads_to = partial(self.led_to, body)
        words = Words(name, self.called_at(name, kept.union(lent)), self.results, self.more, leads_to, self.functions, self.resized, whole)
        return Statements(Reading(body, kept, lent), given, ends, words)

    def called_at(self, name: Callable[[str], str], kept: frozenset[str]) -> Called:
        """Make the function that fills in the calls of blocks: their arguments, and their names."""

        def called(module: New, attribute: str) -> New | None:
            class_ = self.function_of(module)
            if class_ is None:
                return None
            at = list(class_.parameters).index(self.channels(class_)) if self.channels(class_) else -1
            arguments = [each for i, each in enumerate(module.arguments) if i != at]
            keyed = [(key or list(class_.parameters)[i], value) for i, (key, value) in enumerate(module.arguments) if i != at]
            again = attribute in kept or attribute.rpartition(".")[0] in kept
            arguments = keyed if class_.body.shared or len(keyed) > 3 or again else arguments
            lent = [("lent", tuple(self.lent_to(class_)))] if class_.body.shared else []
            return New(module.name, (*arguments, ("name", Name(name(attribute))), *lent))

        return called

    def channels(self, class_: Class) -> str:
        """The parameter that is the channels of what a block reads, if it has one."""
        own = class_.about.startswith("Block") and "channels" in class_.parameters and "channels_" not in self.classes.order
        return "channels" if own and class_.body.inputs and class_.body.values[:1] != (UNREAD,) else ""

    def outer(self, attribute: str) -> str:
        """The text of a layer's name in the model itself."""
        return f'"{self.names(attribute)}"'

    def inner(self, attribute: str) -> str:
        """The text of a layer's name inside of a function."""
        return f'f"{{name}}{self.names.joint}{self.names.inner(attribute)}"'

    def function(self, class_: Class) -> Iterator[str]:
        body, channels = class_.body, self.channels(class_)
        inputs = body.given or ("x",)  # of which a function that reads nothing takes the batch
        taken = [*inputs, *[name for name in class_.parameters if name != channels], *filter(None, self.lent_to(class_)), "name"]
        yield f"def {class_.name}({', '.join(taken)}):"
        yield f'    """{class_.about}"""'
        if channels:
            yield f"    {channels} = {body.given[0]}.shape[-1]"
        ends = [*body.results, *self.unread(class_)]
        statements = self.statements(body, inputs, ends, self.inner, whole=False, lent=self.lent.get(class_.name, ()))
        lines = list(folded(list(branched(list(statements.lines())))))
        results = [*[statements.text(value) for value in ends], *[f"*{name}" for name in statements.further]]
        lines = returned(lines, ", ".join(results))
        yield from (f"    {line}" for line in lines)


def _shortened(text: str) -> str:
    """The text with the arguments that its batch norms share said once."""
    pattern = re.compile(rf"{re.escape(_NORM)}\(((?:momentum|epsilon)=[^,()]*(?:, (?:momentum|epsilon)=[^,()]*)?), name=")
    counts = Counter(pattern.findall(text))
    if not counts or counts.most_common(1)[0][1] < 3:
        return text
    shared = counts.most_common(1)[0][0]
    text = text.replace(f"{_NORM}({shared}, name=", "batch_norm(name=")
    return f"batch_norm = partial({_NORM}, {shared})\n\n\n{text}"
