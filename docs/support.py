"""Which target can say which layer: every layer on every kind of value, tried. `make.py` writes docs/support.md from it, and the tests
run what it claims. A new layer needs a row in SAMPLES.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import archspec
from archspec import Network, SpecError
from archspec.backends.registry import BACKENDS

KINDS = {
    "1-D map": "input 16x12\n",
    "2-D map": "input 16x12x12\n",
    "3-D map": "input 8x8x8x12\n",
    "tokens": "input 16x12\ntokens\n",
    "vector": "input 12\n",
}
SAMPLES: dict[str, tuple[str, ...]] = {
    "conv": (
        "k=2 f=3 p=same maps=((0,1),(1,2),(0,11))",
        "k=3 f=8",
        "k=3 f=8 s=2 p=same",
        "k=3 f=3 maps=((0,1),(1,2),(0,11))",
        "k=3 f=8 g=4 d=2 p=2 bias=no init=kaiming",
    ),
    "dwconv": ("k=3 p=1", "k=2 s=2 p=same m=2"),
    "deconv": ("k=3 f=8 s=2", "k=3 f=8 s=2 p=1 op=1", "k=3 f=8 s=2 p=same", "k=2 f=8 s=3 p=same g=4"),
    "pool": ("w=2", "w=3 s=2 round=ceil", "w=3 s=2 p=same", "w=2 s=1 d=4 p=same"),
    "avgpool": ("w=2", "w=3 s=2 p=1 round=ceil", "w=3 s=2 p=1 round=ceil count_pad=no", "w=3 s=2 p=same count_pad=no"),
    "subsample": ("w=2", "w=3 s=2 round=ceil"),
    "adaptpool": ("4", "3"),
    "adaptmaxpool": ("4", "3"),
    "gap": ("",),
    "bn": ("", "affine=no"),
    "ln": ("",),
    "gn": ("3",),
    "instnorm": ("",),
    "lrn": ("", "n=4"),
    "relu": ("",),
    "relu6": ("",),
    "leaky": ("0.1",),
    "sigmoid": ("",),
    "tanh": ("",),
    "softmax": ("",),
    "logsoftmax": ("",),
    "elu": ("",),
    "selu": ("",),
    "gelu": ("", "approx=tanh"),
    "silu": ("",),
    "mish": ("",),
    "hardswish": ("",),
    "hardsigmoid": ("",),
    "softplus": ("",),
    "prelu": ("", "shared=no"),
    "dropout": ("0.5",),
    "dropout2d": ("0.5",),
    "droppath": ("0.5",),
    "pad": ("1", "1 c=2"),
    "crop": ("4",),
    "upsample": ("2", "2 mode=bilinear"),
    "pixelshuffle": ("2",),
    "shuffle": ("3",),
    "patchmerge": ("2",),
    "slice": ("2:8",),
    "flatten": ("",),
    "fc": ("5",),
    "linear": ("5", "5 bias=no init=truncated std=0.1"),
    "rbf": ("5",),
    "embed": ("50 8",),
    "scale": ("0.1",),
    "tokens": ("",),
    "cls": ("",),
    "pos": ("",),
    "first": ("",),
    "attn": ("heads=3", "heads=3 bias=no"),
    "winattn": ("heads=3 w=4", "heads=3 w=4 shift=2"),
    "add": ("",),
    "concat": ("",),
    "mul": ("",),
}
MERGES = ("add", "concat", "mul")
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
                line = f"{step}:\n  skip\n  relu\n" if step in MERGES else f"{step} {sample}\n"
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
