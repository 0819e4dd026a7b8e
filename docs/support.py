"""Which target can say which layer: every layer on every kind of value, tried. `make.py` writes docs/support.md from it, and the tests
run what it claims. The samples are those of tests/layers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import archspec
from archspec import Network, SpecError
from archspec.backends.registry import BACKENDS
from tests.layers import LAYERS

KINDS = {
    "1-D map": "input 16x12\n",
    "2-D map": "input 16x12x12\n",
    "3-D map": "input 8x8x8x12\n",
    "tokens": "input 16x12\ntokens\n",
    "vector": "input 12\n",
}
SAMPLES = {step: layer.samples for step, layer in LAYERS.items()}
MERGES = ("add", "sub", "concat", "mul")
BEFORE = {"matmul": "x: skip\nswap | ", "unpool": "x: skip\npool 2 | "}
"""What stands before a layer that reads a second value, in its line."""
TARGETS = [name for name, backend in BACKENDS.items() if backend.partial]


class Case(NamedTuple):
    """A layer on a kind of value; `network` is None where the language itself refuses it."""

    step: str
    sample: str
    kind: str
    network: Network | None


def cases() -> Iterator[Case]:
    for step, samples in SAMPLES.items():
        for sample in samples:
            for kind, start in KINDS.items():
                line = f"{step}:\n  skip\n  relu\n" if step in MERGES else f"{BEFORE.get(step, '')}{step} {sample}\n"
                line = f"t: {line}mul t\n" if step == "tensor" else line
                try:
                    network = archspec.loads(start + "default round=floor\n" + line)
                except SpecError:
                    network = None
                yield Case(step, sample, kind, network)


def refusal(target: str, network: Network) -> str | None:
    """Why a target lacks a network's layer, or None where it has it."""
    try:
        BACKENDS[target].emit(network)
    except SpecError as error:
        return error.diagnostics[0].message
    return None


def page() -> Iterator[str]:
    """The lines of docs/support.md below its title."""
    found = list(cases())
    yield "Every layer on every kind of value, tried with each target. `yes`: it is written, and a test runs it. An empty place: the"
    yield "language itself refuses that layer there. A number: the target refuses it, with the reason below."
    for target in TARGETS:
        reasons: dict[str, int] = {}
        yield ""
        yield f"## {target}"
        yield ""
        yield f"| layer | {' | '.join(KINDS)} |"
        yield f"|---|{'---|' * len(KINDS)}"
        for at in range(0, len(found), len(KINDS)):
            row = found[at : at + len(KINDS)]
            cells = [_cell(target, case, reasons) for case in row]
            yield f"| `{f'{row[0].step} {row[0].sample}'.strip()}` | {' | '.join(cells)} |"
        yield ""
        yield from (f"{number}. {reason}" for reason, number in reasons.items())
        if not reasons:
            yield "Nothing is refused."


def _cell(target: str, case: Case, reasons: dict[str, int]) -> str:
    if case.network is None:
        return ""
    reason = refusal(target, case.network)
    return "yes" if reason is None else str(reasons.setdefault(reason, len(reasons) + 1))
