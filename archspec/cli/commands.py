"""The commands in groups, with a line about each. The module archspec.cli.NAME is the `Command` NAME."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from archspec.cli.arguments import Example

GROUPS: dict[str, dict[str, str]] = {
    "Check and count": {
        "check": "find mistakes in specs; a summary line for each",
        "table": "the layer table: shapes, parameters, MACs",
        "compare": "networks side by side, and the differences of two similar ones",
        "list": "the bundled specs with their numbers",
    },
    "Leave numbers open": {
        "formula": "counts as formulas in input sizes and params",
        "sweep": "counts of all variants: a table or a chart",
        "find": "the variants within a budget, the best first",
        "sizes": "the input sizes that a spec takes",
        "memory": "what a step of training takes, and the largest batch",
    },
    "Explain and learn": {
        "explain": "the arithmetic of a layer, or of all",
        "work": "a layer on a small map, every sum written out",
        "quiz": "an exam about networks, and its key",
        "ops": "the layers of the language, or the page of one",
        "rule": "a message's page, those about a layer, or the catalogue",
    },
    "Write and convert": {
        "fmt": "format specs in place",
        "expand": "the spec with blocks, repeats and params resolved",
        "shorten": "the network as a short spec, with blocks and repeats found again",
        "import": "a model of PyTorch, ONNX, Keras, Caffe or Darknet as a short spec",
        "emit": "PyTorch source, an ONNX model, JSON, or a training program",
    },
    "Pictures and pages": {
        "draw": "a picture of the network",
        "report": "one page: pictures, table, arithmetic; or a quiz",
    },
    "Train": {
        "train": "train the network",
        "evaluate": "the accuracy of a trained network; its weights as files",
        "predict": "classify images with a trained network",
    },
    "While you write": {
        "play": "a spec in your browser, and all that archspec shows beside it",
        "serve": "the page about a spec, remade when you save it",
        "lsp": "the language server that an editor starts",
    },
    "Shell": {
        "completion": "completion for bash, zsh, fish or PowerShell",
        "help": "the help of a command",
    },
}
COMMANDS: dict[str, str] = {name: about for group in GROUPS.values() for name, about in group.items()}

MEANT = {
    "validate": "check", "lint": "check", "verify": "check", "summary": "table", "summarize": "table", "count": "table", "show": "table",
    "info": "table", "diff": "compare", "models": "list", "ls": "list", "specs": "list", "layers": "ops", "layer": "ops", "codes": "rule",
    "error": "rule", "format": "fmt", "flatten": "expand", "compress": "shorten", "simplify": "shorten", "read": "import", "open": "import", "from": "import", "export": "emit", "convert": "emit", "torch": "emit", "onnx": "emit",
    "json": "emit", "plot": "draw", "picture": "draw", "visualize": "draw", "view": "draw", "render": "draw", "page": "report",
    "fit": "train", "eval": "evaluate", "test": "evaluate", "convolve": "work", "compute": "work", "exam": "quiz", "questions": "quiz", "playground": "play", "edit": "play", "classify": "predict", "infer": "predict",
}  # fmt: skip
"""Names of commands in other tools that are not spelled like ours."""


class Command(Protocol):
    """What the module of a command has. It is imported when its command is run, completed or explained, so heavy imports wait for `run`."""

    EXAMPLES: Sequence[Example]
    """Command lines for the help, each with what it does; the tests run them."""

    def arguments(self, parser: ArgumentParser) -> None:
        """Declare the positional arguments and the options, with their help. Nothing is read yet: completion calls this at each key."""

    def run(self, arguments: Namespace) -> int:
        """Do the work; returns the exit status: 0, 1 where a spec has mistakes, 2 where part of the work was left, both already reported.

        Raises SpecError for the mistakes of a spec, which `main` reports with status 1; Failure and Missing, with status 2, for what
        else keeps the command from its work.
        """


def module(name: str) -> Command:
    """Import the module of a command."""
    command: Command = import_module(f"archspec.cli.{name}")
    return command


def unknown(word: str, otherwise: str) -> str:
    """Write the message about a word that is not a command: the command that it probably means, else `otherwise`."""
    from archspec.diagnostics import nearest

    close = MEANT.get(word.lower()) or nearest(word, COMMANDS)
    return f"there is no command `{word}`; " + (f"did you mean `{close}`?" if close else otherwise)
