"""Notebooks: `%load_ext archspec`, then a cell that begins with `%%archspec` is a spec.

    %%archspec [NAME] [--set NAME=VALUE] [--input HxWxC]
    input 32x32x1
    conv k=5 f=6 | tanh

The cell's result is the network, which shows its picture and its table; with NAME it is also put into that variable. Messages are
printed; where the spec has errors the cell fails, without a traceback, and the variable is left as it was.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any, NoReturn

from archspec.api import compile_text
from archspec.cli.failure import Failure
from archspec.cli.specs import settings, shapes, tell
from archspec.elaborate.assumptions import Options
from archspec.ir.graph import Network


def load_ipython_extension(shell: Any) -> None:
    """Give an IPython InteractiveShell the cell magic; IPython calls it for `%load_ext archspec`."""
    from IPython.core.error import UsageError  # it is printed in one line, and ends the cell

    def archspec(line: str, cell: str) -> Network:
        """A cell that is a spec: %%archspec [NAME] [--set NAME=VALUE] [--input HxWxC]."""
        try:
            name, network = _compiled(line, cell)
        except Failure as problem:
            raise UsageError(str(problem)) from None
        if name:
            shell.user_ns[name] = network
        return network

    shell.register_magic_function(archspec, "cell", "archspec")


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure(message)


def _compiled(line: str, cell: str) -> tuple[str, Network]:
    """The name to give, which may be empty, and the network of a cell. Raises Failure."""
    arguments = _Arguments("%%archspec", add_help=False)
    arguments.add_argument("name", nargs="?", default="")
    arguments.add_argument("--set", action="append", default=[])
    arguments.add_argument("--input", action="append", default=[])
    try:
        given = arguments.parse_args(shlex.split(line))
        options = Options(params=settings(given.set), inputs=shapes(given.input), base=Path.cwd())
    except ValueError as problem:
        raise Failure(str(problem)) from None
    if given.name and not given.name.isidentifier():
        raise Failure(f"`{given.name}` cannot name a variable")
    # A line in place of the one with the magic: messages then name the lines of the cell.
    network, found = compile_text(f"\n{cell}", f"{given.name or 'cell'}.arch", options)
    tell(found)
    sys.stderr.flush()
    if network is None:
        raise Failure("the spec has errors")
    return given.name, network
