"""Variants of a spec: what a sweep says of each, beside a check of the spec with these values alone."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import archspec
from archspec.elaborate.assumptions import Options
from archspec.finding import locate
from archspec.symbolic.cover import variants
from archspec.symbolic.space import Space, drawn
from archspec.symbolic.subjects import space_of, spec_with_mistakes
from archspec.symbolic.tracing import COUNTS
from tests.fuzzing.draw import Draw
from tests.helpers.paths import SPECS

_NUMBER = re.compile(r"(?<=[a-z]=)[0-9]+(?![0-9x.:,()*/%+-])|(?<=fc )[0-9]+|(?<=linear )[0-9]+|(?<=repeat )[0-9]+")
TRIED = 40
"""Variants of a spec that are compared."""


class Drawn(NamedTuple):
    """A spec with params, their ranges, and the ranges of its input; `refused` is always None, as for other kinds of cases."""

    text: str
    params: dict[str, str]
    inputs: str
    numbers: int
    refused: str | None = None


def draw(source: Draw) -> Drawn:
    """A random spec of the other fuzzers, some of whose numbers became params, or a bundled one."""
    bundled = [path.stem for path in SPECS]
    if source.number(1, 10) <= 3:
        return _bundled(source, source.pick(bundled))
    from tests.fuzzing import shape

    text = shape.draw(source).text
    places = [match for match in _NUMBER.finditer(text) if "input" not in text[text.rfind("\n", 0, match.start()) + 1 : match.start()]]
    params: dict[str, str] = {}
    head = ""
    for match in sorted(_some(source, places, source.number(0, 3)), key=lambda match: -match.start()):
        name = f"q{len(params)}"
        value = int(match[0])
        text = text[: match.start()] + name + text[match.end() :]
        head += f"param {name} = {value}\n"
        params[name] = f"{max(0, value - 2)}..{value + source.number(1, 12)}" if source.number(1, 5) > 1 else f"{value}:{value + 3}:0.5"
    return Drawn(head + text, params, _sizes(source), source.number(0, 10**6))


def _bundled(source: Draw, name: str) -> Drawn:
    text = locate(name).read_text(encoding="utf-8")
    params = {}
    for key, value in re.findall(r"^param (\w+) = ([0-9.]+)(?: |$)", text, re.M):
        if source.number(1, 5) > 2:
            whole = "." not in value
            params[key] = f"1..{int(value) + 5}" if whole else f"0.1:{float(value) * 2 + 0.1:.2f}:0.01"
    return Drawn(f"# {name}\n{text}", params, _sizes(source), source.number(0, 10**6))


def _some(source: Draw, items: list[Any], count: int) -> list[Any]:
    left = list(items)
    found = []
    while left and len(found) < count:
        found.append(left.pop(source.number(0, len(left) - 1)))
    return found


def _sizes(source: Draw) -> str:
    first = source.number(1, 60)
    return f"{first}..{first + source.number(5, 300)}"


def compare(case: Drawn) -> str | None:
    """None, or the variant whose counts or whose mistake is another one."""
    bundled = re.match(r"# (\w+)\n", case.text)
    base = locate(bundled[1]).parent if bundled else None
    options = Options(base=base)
    found = archspec.compile(case.text, name="case.arch") if base is None else _compiled(case.text, options)
    if found.tree is None or found.network is None:
        return None
    spec = spec_with_mistakes(found, "case", options)
    inputs = [f"{spec.first}={case.inputs}"] if spec.letters and spec.letters != ("C",) else []
    space = space_of(spec, {name: text for name, text in case.params.items() if name in spec.params}, inputs)
    if not space.groups:
        return None
    numbers = drawn(space, TRIED, case.numbers)
    seen = 0
    for answer in variants(spec.subject, space, COUNTS, numbers):
        for at, number in enumerate(answer.numbers):
            seen += 1
            told = {name: int(column[at]) for name, column in answer.counts.items()}
            if (why := _differs(case, options, space, int(number), answer.mistake, told)) is not None:
                return why
    return None if seen == len(numbers) else f"{seen} of {len(numbers)} variants"


def _compiled(text: str, options: Options) -> archspec.Compiled:
    from archspec.api import compile_source

    return compile_source(text, "case.arch", options)


def _differs(case: Drawn, options: Options, space: Space, number: int, mistake: Any, told: dict[str, int]) -> str | None:
    values = space.variant(number)
    meaning = space.meaning(values)
    found = _compiled(case.text, options._replace(params=dict(meaning.params), inputs=dict(meaning.inputs)))
    errors = [(each.code, each.span.line if each.span is not None else 0) for each in found.diagnostics if each.severity == "error"]
    if mistake is not None:
        place = (mistake.code, mistake.line)
        return None if place in errors or (mistake.code == "A207" and errors) else f"{values}: {place}, but check has {errors}"
    if errors or found.network is None:
        return f"{values}: counted, but check has {errors}"
    totals = archspec.analyze(found.network).totals
    if totals.peak_activations is None:
        return None
    plain = {name: getattr(totals, name) for name in ("params", "macs", "flops", "buffers", "layers")}
    ours = {name: told[name] for name in plain}
    return None if plain == ours else f"{values}: {ours}, but table has {plain}"
