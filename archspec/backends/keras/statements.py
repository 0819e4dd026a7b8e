"""The statements of a body: layers made where they are called, in the order of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from archspec.backends.keras.branching import WIDTH, Branch
from archspec.backends.keras.making_calls import CHAIN, NAME, Name, is_expression
from archspec.backends.keras.reading_body import Reading, is_around, layers_of, reached_in
from archspec.backends.registry import Unsupported
from archspec.backends.source.body import UNREAD, Item, Reach
from archspec.backends.source.constructor import If, New, wrapped, written
from archspec.backends.source.forward import Variables
from archspec.types import Map, Type, Vector

_MERGES = {"add": "Add", "sub": "Subtract", "mul": "Multiply", "concat": "Concatenate"}
_ATTENTION = "layers.MultiHeadAttention"
Called = Callable[[New, str], New | None]
"""Makes of the call of a block's function that with its own arguments, for a path; None for any other call."""


class Words(NamedTuple):
    """What a body's place in the file says: the text of a layer's name for its attribute, the calls of functions, their results and names."""

    name: Callable[[str], str]
    called: Called
    results: Callable[[New], Sequence[str]]
    """What picks the results of a function, where it has several."""
    more: Callable[[New], bool]
    """Whether a function gives further values, which nothing reads."""
    led_to: Callable[[str], Any]
    """The module that a path leads to, within functions too."""
    functions: frozenset[str]
    resized: Collection[str]
    """The functions that are called with values of several sizes."""
    whole: bool
    """Whether it is that of the model, which reads its inputs in the end."""


class Statements:
    """Writes one body."""

    def __init__(self, reading: Reading, inputs: Sequence[str], ends: Sequence[int], words: Words) -> None:
        self.reading, self.body, self.ends = reading, reading.body, ends
        self.name, self.called, self.results, self.more, self.led_to, self.functions, self.resized, whole = words
        self.first = len(self.body.inputs)
        lent = [self.first + at for at, item in enumerate(self.body.items) if item.attribute in reading.kept and item.owner is None]
        self.needed = self.followed([*ends, *lent])
        last = self.last_reads()
        self.last = last
        reached = [*reached_in(self.body), *reading.lent]
        self.open = {name for name in (*reading.kept, *reading.lent) if any(path.startswith(f"{name}.") for path in reached)}
        """Parts whose layers are used elsewhere, one by one; Keras stores no layer both in a model and in a model within it."""
        self.further: list[str] = []
        """Further values of functions, which this one gives on."""
        given = {name: len(self.body.items) for name in self.body.shared.values()}
        modules = zip(self.body.items, reading.modules, strict=True)
        self.chains = {item.attribute: module for item, module in modules if isinstance(module, New) and module.name == CHAIN}
        kept = {self.variable(attribute): len(self.body.items) for attribute in reading.kept}
        self.texts: dict[int, str] = dict(enumerate(inputs, 0 if self.first else UNREAD))
        read = {name: len(self.body.items) if whole else last.get(value, -1) for value, name in self.texts.items()}
        self.variables = Variables(given | kept | read)

    def followed(self, ends: Sequence[int]) -> set[int]:
        """The positions of items that values follow from; a model has no others, beside the layers that are used again."""
        pending, found = [*ends], set[int]()
        while pending:
            at = self.body.whole(self.reading.value(pending.pop())) - self.first
            if at >= 0 and at not in found:
                found.add(at)
                pending += self.sources(self.body.items[at])
        return found

    def last_reads(self) -> dict[int, int]:
        """The positions at which values are last read."""
        found: dict[int, int] = {}
        for at in sorted(self.needed):
            found |= dict.fromkeys(map(self.reading.value, self.sources(self.body.items[at])), at)
        return found | dict.fromkeys(map(self.reading.value, self.ends), len(self.body.items))

    def sources(self, item: Item) -> tuple[int, ...]:
        """What an item reads; a tensor takes the batch of the first input, or of what a function without inputs is given for it."""
        return item.reads or ((0,) if self.first else (UNREAD,))

    def text(self, value: int) -> str:
        """A value where it is read."""
        return self.texts[self.reading.value(value)]

    def lines(self) -> Iterator[str]:
        """The statements, with a comment where a label over several of them begins."""
        label = ""
        modules = self.reading.modules
        items = [
            (at, each) for at, each in enumerate(self.body.items) if at in self.needed and (each.module is None or modules[at] is not None)
        ]
        arounds = [item.attribute.rpartition(".")[0].partition(".{")[0] for _, item in items]
        for (at, item), around, follows in zip(items, arounds, [*arounds, ""][1:], strict=True):
            if around != label and (item.module is not None or item.label is not None):
                if around and not label.startswith(f"{around}.") and f"{follows}.".startswith(f"{around}."):
                    yield f"# {around}"
                label = around
            yield from self.item(at, item, modules[at])

    def item(self, at: int, item: Item, module: Any) -> Iterator[str]:
        """Write the statements of the item at a position. Layers that change nothing have none: their value is called as what they read."""
        sources = self.sources(item)
        texts = [self.text(value) for value in sources]
        value = self.first + at
        if module is not None and not list(layers_of(module, "")):  # it changes nothing here
            self.texts[value] = texts[0]
            self.variables.held[texts[0]] = max(self.variables.held.get(texts[0], at), self.last.get(value, at))
            return
        guarded = item.guard is not None or (isinstance(module, If) and module.no is None)
        target = self.target(at, value, texts[0] if guarded else None)
        if item.module is None:
            lines = list(self.merge(item, texts, target))
            yield from lines if item.guard is None else _branches(item.guard, lines, _unchanged(target, texts[0]))
            return
        if item.flat:
            yield from _flat(item, texts[0], target)
            texts = [target, *texts[1:]]
        yield from self.module(item, module, item.attribute, texts, target)

    def target(self, at: int, value: int, wanted: str | None) -> str:
        """The variables of an item's results."""
        picked = {pick.text: number for number, pick in self.body.picks.items() if pick.value == value}
        if not picked:
            self.texts[value] = self.variables.take(wanted, at, self.last.get(value, at))
            return self.texts[value]
        module = self.body.items[at].module
        every = self.results(module) if isinstance(module, New) else ()
        for number in picked.values():
            self.texts[number] = self.variables.take(None, at, self.last[number]) if number in self.last else "_"
        return ", ".join(self.texts[picked[text]] if text in picked else "_" for text in every or picked)

    def module(self, item: Item, module: Any, attribute: str, texts: list[str], target: str) -> Iterator[str]:
        """The statements of an item's layers, or of those that it has at an attribute."""
        for each, name in layers_of(module, attribute):
            yield from self.layer(item, each, name, texts, target)
            texts = [target]

    def layer(self, item: Item, module: Any, attribute: str, texts: list[str], target: str) -> Iterator[str]:
        """Write one layer of an item's module, by its kind: both cases of a condition, an expression, a tied layer, or a call."""
        if isinstance(module, If):
            yes = list(self.module(item, module.yes, attribute, texts, target))
            no = _unchanged(target, texts[0]) if module.no is None else list(self.module(item, module.no, attribute, texts, target))
            yield from _branches(module.condition, yes, no)
            return
        if is_expression(module):
            values = [written(value) for _, value in module.arguments]
            if module.name.startswith("{x} "):  # an operator
                values = [f"({value})" if " " in value else value for value in values]
            yield f"{target} = {module.name.format(*values, **dict(zip('xy', texts, strict=False)))}"
            return
        block = self.called(module, attribute)
        module = self.tied(item, module) if block is None and item.lent and item.owner is None else module
        yield from self.call(item, module, block, attribute, texts, target)

    def call(self, item: Item, module: New, block: New | None, attribute: str, texts: list[str], target: str) -> Iterator[str]:
        """A layer that is made and called, or one that is called again; or the call of a block's function."""
        target += self.rest(module, attribute)
        weighted = self.is_weighted(module, attribute)
        named = block or _named(module, self.name(attribute))
        extra = [(key.removeprefix("call "), value) for key, value in named.arguments if key.startswith("call ")]
        named = named._replace(arguments=tuple([each for each in named.arguments if not each[0].startswith("call ")]))
        given = _given(named, texts, item)
        kept = attribute in self.reading.kept or item.attribute in self.reading.kept
        if weighted and item.owner is not None:
            yield f"{target} = {self.owner(item, item.owner, attribute)}({', '.join([*given, *_pairs(extra)])})"
        elif block is not None:
            names = dict(block.arguments).get("lent", ())
            shared = [(name, Name(self.reach(reach))) for name, reach in zip(names, item.lent, strict=True) if name]
            arguments = (*[("", Name(text)) for text in texts], *[each for each in block.arguments if each[0] != "lent"], *shared)
            made = New("OpenPart" if attribute in self.open or block.name in self.resized else "part", (("", Name(block.name)), *arguments))
            if kept:
                yield from _laid_out(f"{self.variable(attribute)} = ", made, "")
                yield f"{target} = {self.variable(attribute)}({', '.join(given)})"
            elif (
                attribute in self.reading.lent or item.attribute in self.reading.lent
            ):  # it is used again from outside of this function, by its name
                yield from _laid_out(f"{target} = ", made, f"({', '.join(given)})")
            else:
                yield from _laid_out(f"{target} = ", New(block.name, arguments), "")
        else:
            call = f"({', '.join([*given, *_pairs(extra)])})"
            if weighted and kept:
                yield from _laid_out(f"{self.variable(attribute)} = ", named, "")
                yield f"{target} = {self.variable(attribute)}{call}"
            else:
                yield from _laid_out(f"{target} = ", named, call)

    def rest(self, module: New, attribute: str) -> str:
        """What takes the values that a function gives beside its results: a body gives them on where others use layers of its function."""
        if not self.more(module):
            return ""
        if is_around(attribute, self.reading.lent):
            self.further.append(f"more{len(self.further) + 1}")
        return f", *{self.further[-1]}" if is_around(attribute, self.reading.lent) else ", *_"

    def is_weighted(self, module: New, attribute: str) -> bool:
        """Whether a layer has a name of its own: it has weights, or is what a function makes."""
        return any(value is NAME for _, value in module.arguments) or self.called(module, attribute) is not None

    def weighted(self, chain: Any, attribute: str) -> list[str]:
        """The attributes of the layers of a label that have names."""
        return [name for module, name in layers_of(chain, attribute) if isinstance(module, New) and self.is_weighted(module, name)]

    def owner(self, item: Item, owner: Reach, attribute: str) -> str:
        """The layer whose weights one of an item's layers uses; a function is given those of a label as a tuple."""
        if owner.given and attribute != item.attribute:
            return f"{owner.name}[{self.weighted(item.module, item.attribute).index(attribute)}]"
        return self.reach(owner._replace(name=owner.name + attribute.removeprefix(item.attribute)))

    def tied(self, item: Item, module: New) -> New:
        """A layer that uses the table of another one. Raises Unsupported where Keras has none of its kind."""
        if item.step not in ("embed", "fc", "linear") or not module.name.startswith("layers."):
            raise Unsupported(f"Keras shares no weights of `{item.step}` alone", item.span)
        settings = dict(module.arguments)
        bias = [("bias", False)] if settings.get("use_bias") is False else []
        kept = [(key, settings[key]) for key in ("trainable", "name") if key in settings]
        return New("TiedEmbed" if item.step == "embed" else "TiedLinear", (("", Name(self.reach(item.lent[0]))), *bias, *kept))

    def merge(self, item: Item, texts: list[str], target: str) -> Iterator[str]:
        """The statement of several values that become one."""
        word, _, config = item.step.partition(" ")
        if word == "concat":
            axis = "axis=1" if config.endswith("axis=t") else ""
            yield from _gathered(f"{target} = layers.Concatenate({axis})", texts)
            return
        spread = [_spread(text, type_, item.type) for text, type_ in zip(texts, item.types, strict=True)]
        name = f"layers.{_MERGES[word]}()"
        if word == "sub":
            while len(spread) > 2:
                spread[:2] = [f"{name}([{', '.join(spread[:2])}])"]
        yield from _gathered(f"{target} = {name}", spread)

    def reach(self, reach: Reach) -> str:
        """A layer, a part as a model, or a tuple of those of a label, that this body made before or was given."""
        if reach.given:
            return reach.name
        whole = next((name for name in self.reading.kept if f"{reach.name}.".startswith(f"{name}.")), reach.name)
        if whole in self.chains and reach.name != whole:  # its layers are kept one by one
            names = [name for _, name in layers_of(self.chains[whole], whole)]
            whole = next((name for name in names if is_around(name, [reach.name])), reach.name)
        elif whole in self.chains:
            return written(tuple([Name(self.variable(name)) for name in self.weighted(self.chains[whole], whole)]))
        if reach.name == whole:
            return self.variable(whole)
        chain = self.led_to(reach.name)
        labelled = isinstance(chain, New) and chain.name == CHAIN
        texts = [
            f"{self.variable(whole)}.get_layer({self.name(name)})"
            for name in (self.weighted(chain, reach.name) if labelled else [reach.name])
        ]
        return written(tuple(map(Name, texts))) if labelled else texts[0]

    def variable(self, attribute: str) -> str:
        """The variable of a layer that several places use."""
        name = re.sub(r"\W", "_", attribute)
        free = name.isidentifier() and name not in self.functions and name not in ("x", "y", "z", "name", "inputs")
        return name if free else f"layer_{name}"


def _gathered(before: str, texts: list[str]) -> Iterator[str]:
    """A call with a list of values, over several lines where it is long."""
    whole = f"{before}([{', '.join(texts)}])"
    if len(whole) <= WIDTH:
        yield whole
        return
    yield f"{before}("
    yield "    ["
    yield from (f"        {line}" for line in wrap(", ".join(texts) + ",", WIDTH - 16))
    yield "    ]"
    yield ")"


def _named(module: New, name: str) -> New:
    """A call with the name of its layer in the place for it."""
    return module._replace(arguments=tuple([(key, Name(name) if value is NAME else value) for key, value in module.arguments]))


def _given(module: New, texts: list[str], item: Item) -> list[str]:
    """What a layer is called with: several values are a list, unless attention has a name for each."""
    if module.name == _ATTENTION:
        return texts * 2 if len(texts) == 1 else texts
    return [f"[{', '.join(texts)}]"] if len(texts) > 1 else texts


def _pairs(arguments: Sequence[tuple[str, Any]]) -> list[str]:
    return [f"{key}={written(value)}" for key, value in arguments]


def _spread(text: str, type_: Type | None, over: Type | None) -> str:
    """A vector that is broadcast over the positions of a map, or over tokens."""
    if not isinstance(type_, Vector) or over is None or isinstance(over, Vector):
        return text
    return f"layers.Reshape(({'1, ' * (len(over.shape) - 1)}-1))({text})"


def _flat(item: Item, text: str, target: str) -> Iterator[str]:
    """A vector of a map, channel by channel, as PyTorch has it."""
    rank = len(item.types[0].shape) if isinstance(item.types[0], Map) else 1
    turned = f"layers.Permute(({rank}, {', '.join(map(str, range(1, rank)))}))({text})" if rank > 1 else text
    yield f"{target} = layers.Reshape((-1,))({turned})"


def _unchanged(target: str, text: str) -> list[str]:
    return [] if target == text else [f"{target} = {text}"]


def _branches(condition: Any, yes: list[str], no: list[str]) -> Iterator[str]:
    """Statements under a condition, and others where it does not hold."""
    yield from Branch(written(condition), yes, no).whole()


def _laid_out(before: str, made: New, call: str) -> Iterator[str]:
    """A call as source, its arguments on a line of their own where it is long, and on a line each where they are."""
    arguments = f"    {written(made)[len(made.name) + 1 : -1]}"
    if len(before + written(made) + call) <= WIDTH + 4 or len(arguments) > WIDTH:
        yield from wrapped(before, made, call)
        return
    yield f"{before}{made.name}("
    yield arguments
    yield f"){call}"


_ROUND = re.compile(r'( *)(\w+) = (.*name=)(f?)"([^"]*?)(\d+)"(\).*)')
_LONGEST = 3
"""Statements of a round of a loop."""


def folded(lines: Sequence[str]) -> Iterator[str]:
    """Statements with a loop for rounds of a few that differ in the last number of names alone."""
    at = 0
    while at < len(lines):
        size, rounds = _rounds(lines, at)
        yield from _loop(lines[at : at + size], lines[at + size : at + 2 * size], rounds) if rounds > 1 else lines[at : at + 1]
        at += size * rounds


def _rounds(lines: Sequence[str], at: int) -> tuple[int, int]:
    """How many statements a round has, and how many rounds there are: of several ways that which takes the most lines."""
    found = 1, 1
    for size in range(1, _LONGEST + 1):
        rounds = 1
        while _follows(lines[at + (rounds - 1) * size : at + rounds * size], lines[at + rounds * size : at + (rounds + 1) * size]):
            rounds += 1
        if rounds > 1 and size * rounds > found[0] * found[1]:
            found = size, rounds
    return found


def _loop(first: Sequence[str], second: Sequence[str], rounds: int) -> Iterator[str]:
    """A loop of rounds, from the statements of the first and the second one."""
    letter = next(letter for letter in ("i", "j", "k", "index") if not any(re.search(rf"\b{letter}\b", line) for line in first))
    (start,) = {int(match[6]) for match in _numbered(first, second)}
    indent = " " * _indent(first[0])
    yield f"{indent}for {letter} in range({f'{start}, {start + rounds}' if start else rounds}):"
    for line, other in zip(first, second, strict=True):
        if line != other and (match := _ROUND.fullmatch(line)) is not None:
            stem = match[5] if match[4] else match[5].replace("{", "{{").replace("}", "}}")
            line = f'{indent}{match[2]} = {match[3]}f"{stem}{{{letter}}}"{match[7]}'
        yield f"    {line}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _numbered(lines: Sequence[str], others: Sequence[str]) -> list[re.Match[str]]:
    """The statements of a round that are otherwise in the next one."""
    return [match for a, b in zip(lines, others, strict=True) if a != b and (match := _ROUND.fullmatch(a)) is not None]


def _follows(lines: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a round is another with the next number, without zeros before it."""
    if len(lines) != len(others) or any(_indent(line) != _indent(lines[0]) for line in lines):
        return False
    if not all(a == b or _is_next(_ROUND.fullmatch(a), _ROUND.fullmatch(b)) for a, b in zip(lines, others, strict=True)):
        return False
    found = _numbered(lines, others)
    carried = len(lines) > 1 or any(re.search(rf"\b{match[2]}\b", match[3] + match[7]) for match in found)
    return carried and len({match[6] for match in found}) == 1


def _is_next(a: re.Match[str] | None, b: re.Match[str] | None) -> bool:
    """Whether a statement is another with the next number."""
    if a is None or b is None or any(m[6] != str(int(m[6])) for m in (a, b)):
        return False
    return int(b[6]) == int(a[6]) + 1 and all(a[at] == b[at] for at in (1, 2, 3, 4, 5, 7))


def returned(lines: list[str], result: str) -> list[str]:
    """Statements that end in the result of a function: the last one is returned where it makes that."""
    if lines and (match := re.fullmatch(r"(\w+) = (.*)", lines[-1])) and match[1] == result:
        return [*lines[:-1], f"return {match[2]}"]
    return [*lines, f"return {result}"]
