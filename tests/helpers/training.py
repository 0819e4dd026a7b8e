"""Runs of the training that is emitted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import archspec
from archspec.backends.train.script import emit
from tests.helpers.fork import Forks

TINY = "input 8x8x1\nconv k=3 f=8 | relu\ndropout 0.2\nfc 10 | softmax\n"


def environment() -> dict[str, str]:
    """One thread, and no archspec to be found but where it is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }


FORKS = Forks("torch.distributed.fsdp", "torch.utils.data", "matplotlib.figure", "sklearn.datasets", environment=environment())


def python(*words: str, cwd: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script with its arguments, or `-m` a module. Nothing may end in a traceback; with `check` it must succeed."""
    if words[0] == "-m":
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, env=environment(), cwd=cwd, check=False, timeout=120
        )
    else:
        done = FORKS.run(*words, cwd=cwd)
    assert not check or done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


def written(folder: Path, text: str = TINY) -> Path:
    """The files of a run, written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in emit(archspec.loads(text, name="tiny.arch")).items():
        (folder / name).write_text(content)
    return folder
