"""What tests share."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import archspec
from archspec.cli.commands import COMMANDS
from tests.helpers.fork import Forks
from tests.helpers.paths import ROOT

READ_AT_START = ("PYTHON", "LC_", "LANG", "MALLOC_", "LD_")


class Ran:
    """A finished command."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8", "backslashreplace")  # messages are in the encoding of the terminal


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """The tests and what they import stay until the end: the garbage collector need not look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def archspec_command():
    """Runs the command in a process of its own: no terminal, a clean environment.

    It is a fork of one that has imported the commands, unless the environment says something that Python reads when it starts.
    """
    clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    clean |= {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    forks = Forks(*(f"archspec.cli.{name}" for name in COMMANDS), "archspec.api", "rich.console", environment=clean)

    def run(*arguments: str, stdin: str | bytes = b"", cwd: Path | None = None, env: dict[str, str] | None = None) -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        environment = clean | (env or {})
        differing = [name for name, value in environment.items() if clean.get(name) != value]
        if hasattr(os, "fork") and not any(name.startswith(READ_AT_START) for name in differing):
            return Ran(forks.run_raw("-m", "archspec", *arguments, cwd=cwd, given=data, environment=environment))
        command = [sys.executable, "-m", "archspec", *arguments]
        return Ran(subprocess.run(command, input=data, capture_output=True, cwd=cwd or ROOT, env=environment, check=False))

    return run


@pytest.fixture(scope="session")
def networks():
    """Loads a bundled spec, once for each set of params. Nobody changes what it gives."""

    @cache
    def load(name: str, **params: int) -> archspec.Network:
        return archspec.load(name, params=params)

    return load
