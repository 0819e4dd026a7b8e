"""Bodies that a person writes as a loop: modules in a row, each on what the one before gave, that all give more than that.

    for layer in self:
        y = layer(x)
        x = y.output
        side.append(y.side)

The further results of such a class are lists, one for each that its modules have.
"""

from __future__ import annotations

from collections.abc import Iterator

from archspec.backends.source.body import Body
from archspec.backends.source.constructor import New
from archspec.backends.source.dialect import Dialect


def as_loop(body: Body) -> Body:
    """The body as a loop, where its modules form a chain and every result of each is collected; otherwise the body itself."""
    first, count, main = len(body.inputs), len(body.items), ".output"
    collected = list(dict.fromkeys(pick.text for value in body.results[1:] if (pick := body.picks.get(value)) is not None))
    everything = [(first + at, text) for text in collected for at in range(count)]
    found = [(pick.value, pick.text) for value in body.results if (pick := body.picks.get(value)) is not None]
    if count < 2 or len(found) < len(body.results) or main in collected or any("[" in text for text in collected):
        return body
    if found[0] != (first + count - 1, main) or sorted(found[1:]) != sorted(everything) or not _in_a_row(body, main):
        return body
    texts = (main, *(f"{text}[{value - first}]" for value, text in found[1:]))
    return body._replace(fields=("output", *(text[1:] for text in collected)), texts=texts, loop=True)


def _in_a_row(body: Body, main: str) -> bool:
    """Whether each item is a module with its position as its name, on what the one before gave and what all read."""
    first = len(body.inputs)
    for at, item in enumerate(body.items):
        if not item.reads:  # a tensor
            return False
        before, *others = item.reads
        plain = isinstance(item.module, New) and not (item.step or item.flat or item.owner or item.lent)
        chained = before == 0 if at == 0 else body.picks.get(before, ())[:2] == (first + at - 1, main)
        if not (
            plain
            and chained
            and item.attribute == str(at)
            and others == list(body.items[0].reads[1:])
            and all(0 < other < first for other in others)  # the first input is overwritten in each round
        ):
            return False
    return True


def loop(body: Body, inputs: list[str], returned: str, dialect: Dialect) -> Iterator[str]:
    """The statements of a `forward` that is a loop, from the names of its inputs."""
    x, *others = (inputs[value] for value in body.items[0].reads)
    layer, y = (next(name for name in names if name not in inputs) for names in (("layer", "module"), ("y", "z", "given")))
    lists: dict[str, str] = {}
    for field in body.fields[1:]:
        name = field
        while name in {*inputs, *lists.values(), layer, y} | dialect.reserved:
            name += "_"
        lists[field] = name
        yield f"{name} = []"
    yield f"for {layer} in self:"
    yield f"    {y} = {layer}({', '.join([x, *others])})"
    yield f"    {x} = {y}.output"
    for field, name in lists.items():
        yield f"    {name}.append({y}.{field})"
    yield f"return {returned}({', '.join([f'output={x}', *(f'{field}={name}' for field, name in lists.items())])})"
