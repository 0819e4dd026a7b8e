"""`archspec expand`."""

from __future__ import annotations

import argparse

from archspec.cli import specs
from archspec.cli.screen import out
from archspec.targets.spec import expand


def run(arguments: argparse.Namespace) -> int:
    network = specs.network(arguments)
    if network is None:
        return 1
    out().data(expand(network))
    return 0
