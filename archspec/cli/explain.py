"""`archspec explain`: the teacher's command."""

from __future__ import annotations

import argparse

from archspec.analysis.report import Report
from archspec.cli import specs
from archspec.cli.failure import Failure
from archspec.cli.screen import out
from archspec.targets.explanation import explain


def run(arguments: argparse.Namespace) -> int:
    network = specs.network(arguments)
    if network is None:
        return 1
    try:
        found = explain(Report(network), arguments.layer)
    except ValueError as unknown:
        raise Failure(str(unknown)) from None
    screen = out()
    for layer in found:
        screen.lines([*layer.lines(), ""])
    return 0
