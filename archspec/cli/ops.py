"""`archspec ops`."""

from __future__ import annotations

import argparse

from archspec.api import analyze, loads
from archspec.cli.arguments import proposal
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.ops import STEPS, op_class
from archspec.views.layer_page import HANG, lines
from archspec.views.reference import about, example, families
from archspec.views.tables import Style

EXAMPLES = (("ops", "all of them"), ("ops conv", "the page of one"), ("ops Conv2d", "by its name in PyTorch"))


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", metavar="STEP", nargs="?", help="a layer, by its name here or elsewhere; all of them without one")


def run(arguments: argparse.Namespace) -> int:
    if arguments.step is None:
        _list()
    else:
        _page(step_of(arguments.step))
    return 0


def _list() -> None:
    """The layers in groups, each with what it does."""
    screen = out()
    for at, (title, ops) in enumerate(families().items()):
        screen.lines([""] * (at > 0))
        screen.line([(title, "head")])
        for op in ops:
            text = about(op)[0]
            screen.line([(f"  {op.step:<13}", "label"), (text.partition(". ")[0].partition(": ")[0].rstrip("."), "")], 15)


def _page(step: str) -> None:
    """A layer's page, and an example with its rows."""
    from archspec.views.tables.terminal import text

    screen = out()
    for line in lines(op_class(step)):
        screen.line(line, HANG)
    spec = example(step)
    screen.lines(["", [("example", "head")], *([(f"    {line}", "label")] for line in spec.splitlines()), ""])
    style = Style(columns=("name", "layer", "output", "params", "macs"), brief=True)
    screen.lines(text(analyze(loads(spec, name="example")), style, width=screen.width, unicode=screen.unicode))


def step_of(word: str) -> str:
    """The layer that a word names, here or in another tool. Raises Failure."""
    if word in STEPS:
        return word
    from archspec.foreign.equivalents import foreign

    rows = foreign(word)
    for step in (first for row in rows for first in row.steps.replace("|", " ").split()[:1]):
        if step in STEPS:
            return step
    if rows:
        raise Failure(f"there is no page for `{word}`: {rows[0].reason or f'it is written `{rows[0].steps}` here'}")
    raise Failure(f"there is no layer `{word}`" + proposal(word, STEPS, "; `archspec ops` lists them"))
