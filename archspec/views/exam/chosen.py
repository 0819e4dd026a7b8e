"""Chooses the questions of an exam, and words them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from random import Random
from typing import NamedTuple

from archspec.analysis.layers import Report, Row
from archspec.ir.graph import Network
from archspec.types import Map, describe
from archspec.views.asked import POINTS, Asked, hint
from archspec.views.exam.varied import NAMES, Few, alone, chain, compiled, other_window, run, varied
from archspec.views.tables.columns import spaced

_LAYERS = 5000
"""Layers of a network that are looked at."""
_CHAIN = 5
"""Windows in the question about a receptive field at most."""
_RUN = 6
"""Layers in the question about a block at most."""
_RUNS = 0.3
"""How often parameters and MACs are asked of several layers together."""
_DRAWS = 30
"""How often a question is drawn before it is given up: each is asked once, and gives no answer of another away."""
_LETTERS = "abcd"


class Question(NamedTuple):
    """A question: `text` with code in backticks, and `lines` of layers below it. `source` says which layer of a network it comes from.

    `specs` are what it is about: one, or for a question about what fits a spec for each of the `lines`.
    """

    kind: str
    points: int
    text: str
    lines: tuple[str, ...]
    answer: str
    how: str
    hint: str
    source: str
    specs: tuple[Few, ...]


class _Layer(NamedTuple):
    """A layer of a network; `known` are those before it by name."""

    row: Row
    known: dict[str, Row]
    title: str


def chosen(networks: Sequence[Network], count: int, kinds: Sequence[str], seed: str, vary: bool) -> list[Question]:
    """Draw so many questions of each kind in turn, or as many as there are. The same arguments give the same questions."""
    random = Random(f"archspec exam {seed}".encode("utf-8", "surrogatepass"))
    layers = [layer for network in networks for layer in _layers(network)]
    drawn = {kind: _drawn(kind, layers, random, vary) for kind in dict.fromkeys(kinds)}
    found: list[Question] = []
    for kind in cycle(list(drawn)):
        if len(found) == count or not drawn:
            break
        if kind not in drawn:
            continue
        question = next((each for each in islice(drawn[kind], _DRAWS) if _is_new(each, found)), None)
        if question is None:
            del drawn[kind]
        else:
            found.append(question)
    return found


def _layers(network: Network) -> list[_Layer]:
    rows = list(islice(Report(network).rows(), _LAYERS))
    known = {row.name: row for row in rows}
    title = network.meta.get("title") or network.name
    return [_Layer(row, known, title) for row in rows if row.inputs]


def _drawn(kind: str, layers: Sequence[_Layer], random: Random, vary: bool) -> Iterator[Question]:
    """Questions of a kind about the layers in any order; with other numbers without an end."""
    while True:
        some = False
        for layer in random.sample(layers, len(layers)):
            question = _WORDED[kind](kind, layer, random, vary)
            if question is not None:
                some = True
                yield question
        if not vary or not some:
            return


def _is_new(question: Question, found: Sequence[Question]) -> bool:
    """Whether a question is not asked yet, and neither gives the answer of another away nor finds its own elsewhere."""
    for other in found:
        if (other.text, other.lines) == (question.text, question.lines) or _tells(other, question) or _tells(question, other):
            return False
    return True


def _tells(question: Question, other: Question) -> bool:
    """Whether a question says what another asks for."""
    return other.kind == "shape" and any(str(type_) == other.answer for few in question.specs for type_ in few.inputs)


def _about_one(kind: str, layer: _Layer, random: Random, vary: bool) -> Question | None:
    """A question about a layer alone."""
    row = layer.row
    if kind != "shape" and random.random() < _RUNS:
        return _about_run(kind, layer, random, vary)
    if not _is_worth(kind, row):
        return None
    few = alone(row)
    if few is None:
        return None
    few = varied(few, random) if vary else few
    report, _ = compiled(few)
    assert report is not None
    asked = Asked(kind, report.layers[-1], {}, report)
    if not asked.answer or not _is_worth(kind, asked.row):
        return None
    step = few.steps[-1]
    wanted = {
        "shape": "What is the shape of its output?",
        "params": "How many parameters does it have?" + (" Count the biases too." if asked.row.biases else ""),
        "macs": "How many multiply-accumulates does it take for one input?",
    }[kind]
    read = describe(few.input)
    if few.more:
        step = f"from {NAMES[0]} | {step}"
        read = " and ".join(f"{type_} (`{name}`)" for name, type_ in zip(NAMES, few.inputs, strict=False))
    text = f"The layer `{step}` reads {read}. {wanted}"
    return Question(kind, POINTS[kind], text, (), asked.answer, asked.how, asked.hint, _source(layer, vary), (few,))


def _about_run(kind: str, layer: _Layer, random: Random, vary: bool) -> Question | None:
    """A question about layers of a block that follow one another, together."""
    few = run(layer.row, layer.known, _RUN)
    if few is None:
        return None
    few = varied(few, random) if vary else few
    report, _ = compiled(few)
    assert report is not None
    counts = [asked for asked in (Asked(kind, row, {}, report) for row in report.layers) if asked.answer]
    if len(counts) < 2:
        return None
    total = f"{report.totals.params if kind == 'params' else report.totals.macs:,}"
    what = "parameters do" if kind == "params" else "multiply-accumulates for one input do"
    text = f"These layers read {describe(few.input)}, one after the other. How many {what} they have together?"
    each = "; ".join(f"{asked.row.written}: {asked.how}" for asked in counts)
    how = f"{each}; {' + '.join(asked.answer for asked in counts)} = {total}"
    rule = f"add up what each layer has; {counts[0].hint}"
    return Question(kind, POINTS[kind] + 1, text, few.steps, total, how, rule, _source(layer, vary), (few,))


def _is_worth(kind: str, row: Row) -> bool:
    """Whether there is something to compute."""
    if kind == "shape":
        written = len(row.output) == 1 and str(row.output[0]) in row.written.split()
        return not written and (row.inputs[:1] != (row.output,) or any(slide.k > 1 for slide in row.node.op.window(*row.types)))
    return bool(row.params if kind == "params" else row.macs)


def _about_field(kind: str, layer: _Layer, random: Random, vary: bool) -> Question | None:
    """A question about the receptive field after a few layers."""
    windows = layer.row.node.op.window(*layer.row.types) if len(layer.row.types) == 1 else ()
    if not any(slide.k > 1 for slide in windows):
        return None
    few = chain(layer.row, layer.known, _CHAIN)
    if few is None or not isinstance(few.input, Map):
        return None
    few = varied(few, random) if vary else few
    report, _ = compiled(few)
    assert report is not None
    known = {row.name: row for row in report.layers}
    last = report.layers[-1]
    asked = Asked(kind, last, known, report)
    if last.receptive_field != last.smallest_field or not asked.answer or last.jump is None or asked.answer.strip("1x") == "":
        return None
    through = "this layer" if len(few.steps) == 1 else "these layers"
    text = f"{describe(few.input).capitalize()} goes through {through}. How large is the receptive field of one position of the last map?"
    how = "; ".join(f"{row.written}: {Asked(kind, row, known, report).how}" for row in report.layers)
    points = POINTS[kind] if len(few.steps) > 1 else 1
    return Question(kind, points, text, few.steps, asked.answer, how, asked.hint, _source(layer, vary), (few,))


def _about_fit(kind: str, layer: _Layer, random: Random, vary: bool) -> Question | None:
    """Which of four windows fit a map."""
    op = layer.row.node.op
    if "round" not in op.fields or not isinstance(getattr(op, "p", 0), int) or op.reads_values():
        return None
    few = alone(layer.row)
    if few is None:
        return None
    few = varied(few, random) if vary else few
    fit, unfit = _windows(few, random)
    right = min(random.choice((1, 2, 2, 3)), len(fit))
    both = [*fit[:right], *unfit[: len(_LETTERS) - right]]
    if not right or len(both) < len(_LETTERS):
        return None
    random.shuffle(both)
    specs, how = zip(*both, strict=True)
    fits = {spec for spec, _ in fit}
    answer = ", ".join(letter for letter, spec in zip(_LETTERS, specs, strict=True) if spec in fits)
    text = f"Which of these layers fit {describe(few.input)} without rounding? Write their letters."
    lines = tuple(f"({letter}) {spec.steps[0]}" for letter, spec in zip(_LETTERS, specs, strict=True))
    worked = "; ".join(f"({letter}) {each}" for letter, each in zip(_LETTERS, how, strict=True))
    return Question(kind, POINTS[kind], text, lines, answer, worked, hint(kind, layer.row), _source(layer, vary), specs)


def _windows(few: Few, random: Random) -> tuple[list[tuple[Few, str]], list[tuple[Few, str]]]:
    """Layers with other windows, each with its arithmetic: those that fit, and those that do not."""
    fit: list[tuple[Few, str]] = []
    unfit: list[tuple[Few, str]] = []
    for spec in dict.fromkeys(few._replace(steps=(other_window(few.steps[0], random),)) for _ in range(_DRAWS)):
        report, found = compiled(spec)
        if report is not None:
            fit.append((spec, f"{spaced(report.layers[-1].work.get('output', ''))} fits"))
        elif found[0].code in ("A202", "A203"):
            unfit.append((spec, found[0].message))
    return fit, unfit


def _source(layer: _Layer, vary: bool) -> str:
    return f"{'like ' if vary else ''}{layer.row.name} of {layer.title}"


_WORDED = {"shape": _about_one, "params": _about_one, "macs": _about_one, "rf": _about_field, "fit": _about_fit}
