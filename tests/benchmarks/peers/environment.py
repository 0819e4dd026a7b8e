"""An environment with all the tools, made once in a folder of its own."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from tests.helpers.paths import ROOT, TESTS

HERE = TESTS / "benchmarks" / "peers"
CHILD = ("-m", "tests.benchmarks.peers.child")
"""A measured process, for the Python of the environment: the tests are found there where the checkout is installed from."""

TORCH = "torch==2.13.0"
TORCHVISION = "torchvision==0.28.0"
PACKAGES = (
    "torchinfo==1.8.0",
    "fvcore==0.1.5.post20221221",
    "ptflops==0.7.5",
    "thop==0.1.1.post2209072238",
    "calflops==0.3.2",
    "onnx-tool==1.0.1",
    "keras==3.15.1",
    "onnx==1.23.2",
    # calflops imports it and does not say so
    "transformers==5.23.0",
    "pillow",
    "numpy",
)


def folder() -> Path:
    """Where caches go."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "archspec-peers"


def variables() -> dict[str, str]:
    """What measured processes see: bytecode may be written, and no path leads into this checkout but the installed one."""
    removed = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "COLUMNS", "FORCE_COLOR")
    return {name: value for name, value in os.environ.items() if name not in removed} | {"KERAS_BACKEND": "torch"}


def script(where: Path, name: str) -> str:
    return str(where / ("Scripts" if os.name == "nt" else "bin") / name)


def prepare(where: Path) -> None:
    """Make the environment, export the networks to ONNX, install this checkout, compile bytecode; only what is not there yet.

    torch comes first and exactly, so that no other package chooses another; torchvision's own requirement would replace a CPU torch.
    """
    python = script(where, "python")

    def install() -> None:
        progress(f"installing into {where}")
        venv.create(where, with_pip=True)
        for words in ([TORCH], ["--no-deps", TORCHVISION], [TORCH, *PACKAGES]):
            run([python, "-m", "pip", "install", "-q", *words])
        subprocess.run([python, "-m", "compileall", "-q", str(where)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def export() -> None:
        progress("exporting to ONNX")
        (where / "onnx").mkdir(exist_ok=True)
        run([python, *CHILD, "export", str(where / "onnx")])

    once(where / "installed.txt", "\n".join((TORCH, TORCHVISION, *PACKAGES)), install)
    run([python, "-m", "pip", "install", "-q", "-e", str(ROOT)])
    once(where / "exported.txt", "".join((HERE / name).read_text(encoding="utf-8") for name in ("networks.py", "modules.py")), export)
    compileall.compile_dir(ROOT / "archspec", quiet=2)


def once(stamp: Path, wanted: str, job: Callable[[], None]) -> None:
    """Do what was not done yet for what is wanted."""
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        job()
        stamp.write_text(wanted, encoding="utf-8")


def run(command: list[str]) -> str:
    """Raises RuntimeError with the end of what it printed."""
    done = subprocess.run(command, env=variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} ... ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
