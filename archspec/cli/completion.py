"""`archspec completion`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli.screen import out

_FILES = {"bash": "archspec.bash", "zsh": "archspec.zsh", "fish": "archspec.fish", "powershell": "archspec.ps1"}
SHELLS = tuple(_FILES)
EXAMPLES = (
    ("completion bash >> ~/.bashrc", "for good, in bash"),
    ("completion zsh >> ~/.zshrc", "in zsh, after compinit"),
    ("completion fish > ~/.config/fish/completions/archspec.fish", "in fish"),
    ("completion powershell >> $PROFILE", "in PowerShell"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}")


def run(arguments: argparse.Namespace) -> int:
    """Print the script of a shell. It calls `archspec __complete`, which uses the parsers of the commands."""
    out().data((Path(__file__).parent / "completions" / _FILES[arguments.shell]).read_text(encoding="utf-8"))
    return 0
