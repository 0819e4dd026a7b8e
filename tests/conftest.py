"""What tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import archspec
from tests.helpers.paths import ROOT


class Ran:
    """A finished command."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8", "backslashreplace")  # messages are in the encoding of the terminal


@pytest.fixture(scope="session")
def archspec_command():
    """Runs the command as a process of its own, as a user does: no terminal, a clean environment."""

    def run(*arguments: str, stdin: str | bytes = b"", cwd: Path | None = None, env: dict[str, str] | None = None) -> Ran:
        clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
        clean |= {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | (env or {})
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [sys.executable, "-m", "archspec", *arguments], input=data, capture_output=True, cwd=cwd or ROOT, env=clean, check=False
        )
        return Ran(done)

    return run


@pytest.fixture(scope="session")
def networks():
    """Loads a bundled spec, once for each set of params. Nobody changes what it gives."""

    @cache
    def load(name: str, **params: int) -> archspec.Network:
        return archspec.load(name, params=params)

    return load
