"""The `archspec` command: arguments, and what runs for each."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType

from archspec import __version__
from archspec.cli.failure import Failure
from archspec.cli.streams import Ended, guard, reason

Run = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        print(f"archspec: {message}", file=sys.stderr)
        raise SystemExit(2)


def _spec(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    """What every command that reads a spec takes."""
    if many:
        parser.add_argument("files", metavar="FILE", nargs="+", help="a spec, `-` for standard input, or the name of a bundled spec")
    else:
        parser.add_argument("file", metavar="FILE", help="a spec, `-` for standard input, or the name of a bundled spec")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="override a param; repeatable")
    parser.add_argument(
        "--input", metavar="HxWxC", action="append", default=[], help="override the input's shape; NAME=HxWxC where there are several"
    )
    parser.add_argument("--stdin-filename", metavar="NAME", help="what standard input is called, and where its `use` looks")
    parser.add_argument(
        "--limit", metavar="NAME=N", action="append", default=[], help="raise a limit: layers, steps, depth, files, bytes, tokens"
    )


def _check(parser: argparse.ArgumentParser) -> None:
    _spec(parser, many=True)
    parser.add_argument("--format", choices=["text", "concise", "json", "github", "sarif"], default="text", help="how to report")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument("--notes", action="store_true", help="show notes too")
    parser.add_argument("--watch", action="store_true", help="check again whenever a file changes")


def _table(parser: argparse.ArgumentParser) -> None:
    _spec(parser)
    parser.add_argument(
        "--format", choices=["text", "markdown", "latex", "csv", "json", "html"], default="text", help="the form of the table"
    )
    parser.add_argument("--columns", metavar="A,B", help="the columns to show; `--columns help` lists them")
    parser.add_argument("--work", action="store_true", help="show the formulas with numbers filled in")
    parser.add_argument("--layout", choices=["hwc", "chw"], default="hwc", help="how shapes are written")
    parser.add_argument("--collapse", action="store_true", help="fold equal rounds of a repeat into one")


def _explain(parser: argparse.ArgumentParser) -> None:
    _spec(parser)
    parser.add_argument("layer", metavar="LAYER", nargs="?", help="a layer's name, or the name of a group; all layers without one")


def _rule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="a diagnostic's code such as A203; all of them without one")


def _fmt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="specs, or `-` for standard input to standard output")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    parser.add_argument("--stdin-filename", metavar="NAME", help="what standard input is called in messages")


def _emit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        choices=["torch", "onnx", "json", "train"],
        help="what to write: a PyTorch source file, an ONNX model, the IR document, or a folder with the model and what trains it",
    )
    _spec(parser)
    parser.add_argument("-o", "--output", metavar="OUT", help="the file to write; standard output without it. For `train` the folder")
    _emit_onnx(parser.add_argument_group("onnx"))


def _emit_onnx(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--weights", metavar="FILE", help="the weights: a .safetensors or .pt file, or `none` to declare them as inputs")
    group.add_argument("--seed", metavar="N", type=int, help="draw the weights as PyTorch initialises them (without --weights: 0)")
    group.add_argument("--opset", metavar="N", type=int, help="the version of the operators, 13 to 26 (22)")
    group.add_argument("--batch", metavar="N", type=int, help="the size of the batch; a dimension called N without it")
    group.add_argument("--layout", choices=["nchw", "nhwc"], help="the order of the axes of the input (nchw)")
    group.add_argument("--fold-bn", action="store_true", help="fold batch norms into the layers before them")
    group.add_argument("--external-data", action="store_true", help="write the weights to OUT.data; above 2 GiB they always are")


def _draw(parser: argparse.ArgumentParser) -> None:
    _spec(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the file to write: .svg, .png, .pdf, .dot or .mmd (Mermaid); SVG to standard output without it",
    )
    parser.add_argument(
        "--as",
        dest="kind",
        choices=["blocks", "volumes", "bars"],
        default="blocks",
        help="boxes and arrows, the stacked maps of textbooks, or bars of parameters and MACs",
    )
    parser.add_argument(
        "--level", choices=["auto", "stage", "block", "part", "layer"], default="auto",
        help="what a box is: equal blocks folded, a block, a layer with its norm and activation, a layer; auto is the finest that stays readable",
    )  # fmt: skip
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="the colours")


def _compare(parser: argparse.ArgumentParser) -> None:
    _spec(parser, many=True)
    parser.add_argument(
        "--format", choices=["text", "markdown", "latex", "csv", "json", "html"], default="text", help="the form of the table"
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="also write a bubble chart (MACs, cited accuracy, parameters) to a .svg, .png or .pdf"
    )
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="the colours of the chart")


def _report(parser: argparse.ArgumentParser) -> None:
    _spec(parser, many=True)
    parser.add_argument("-o", "--output", metavar="OUT", help="the .html file to write; standard output without it")
    parser.add_argument(
        "--quiz", metavar="SEED", help="blank cells of the tables for students to fill in; any word chooses which; the key is OUT.key.html"
    )


def _train(parser: argparse.ArgumentParser) -> None:
    from archspec.targets.train.scripts.options import add_options

    _spec(parser)
    parser.add_argument("--out", metavar="DIR", help="the folder of the run (runs/NAME)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    add_options(parser)
    parser.add_argument(
        "--skip", metavar="LAYER", action="append", default=[], help="a layer that begins as drawn, whatever --weights holds; repeatable"
    )


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder of a run")
    parser.add_argument("--data", metavar="SOURCE", help="the data to test with, as `train` takes it; what the run learned from without it")
    parser.add_argument("--weights", metavar="FILE", help="the weights (DIR/best.pt)")
    parser.add_argument("--batch", metavar="N", type=int, default=256, help="images at a time (256)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="(auto: a GPU where there is one)")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="the form of the result")
    parser.add_argument("--picture", metavar="FILE", help="where to draw the confusion matrix: .svg, .png or .pdf (DIR/confusion.svg)")
    parser.add_argument("--safetensors", metavar="FILE", help="write the weights as safetensors")
    parser.add_argument("--onnx", metavar="FILE", help="write the trained network as ONNX")


def _predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder of a run")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image files, or folders of them")
    parser.add_argument("--top", metavar="N", type=int, default=3, help="the number of classes to show per image (3)")
    parser.add_argument(
        "--invert", action="store_true", help="swap light and dark: for dark digits on paper, where the network learned light ones"
    )
    parser.add_argument("--weights", metavar="FILE", help="the weights (DIR/best.pt)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="(auto: a GPU where there is one)")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="the form of the result")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="the shell to write a completion script for")


def _none(parser: argparse.ArgumentParser) -> None:
    pass


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "check": ("parse, elaborate and check specs", _check),
    "table": ("the layer table", _table),
    "explain": ("the arithmetic of a layer, or of all", _explain),
    "rule": ("a diagnostic's page, or the catalogue", _rule),
    "expand": ("the spec with blocks, repeats and params resolved", _spec),
    "fmt": ("format specs in place", _fmt),
    "emit": ("write the spec in another form", _emit),
    "draw": ("a picture of the network", _draw),
    "compare": ("networks side by side, and how two near relatives differ", _compare),
    "report": ("one self-contained page: pictures, table, arithmetic; or a quiz", _report),
    "train": ("train the network", _train),
    "evaluate": ("the accuracy of a trained network, its confusion matrix; writes its weights", _evaluate),
    "predict": ("what images show, as a trained network sees them", _predict),
    "list": ("the bundled specs", _none),
    "ops": ("the layers of the language", _none),
    "completion": ("a completion script for a shell", _completion),
}
"""Command to (help, what adds its arguments); it runs `run` of the module archspec.cli.<command>."""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = _Parser(prog="archspec", description="Check, count, explain and compile architecture specifications.")
    top.add_argument("--version", action="version", version=f"archspec {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", dest="command", required=True, parser_class=_Parser)
    for name, (help_, arguments) in COMMANDS.items():
        arguments(commands.add_parser(name, help=help_, description=_sentence(help_)))
    return top


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command alone: building the others takes longer than some commands run."""
    help_, arguments = COMMANDS[name]
    alone = _Parser(prog=f"archspec {name}", description=_sentence(help_))
    arguments(alone)
    return alone


def _sentence(help_: str) -> str:
    return help_[0].upper() + help_[1:] + "."


def run(argv: Sequence[str]) -> int:
    """Run a command line; returns the exit status."""
    name = argv[0] if argv and argv[0] in COMMANDS else None
    arguments = command_parser(name).parse_args(argv[1:]) if name else parser().parse_args(argv)
    command: Run = import_module(f"archspec.cli.{name or arguments.command}").run
    try:
        return command(arguments)
    except Failure as failure:
        told = str(failure)
    except MemoryError as error:
        told = f"there is not enough memory{f': {error}' if str(error) else ''}"
    return _told(told)


def _told(message: str) -> int:
    """Tell why there is no result; returns the status of that."""
    from archspec.diagnostics.visible import visible

    with suppress(BrokenPipeError):
        print(f"archspec: {visible(message)}", file=sys.stderr)
    return 2


def _without_plugins() -> None:
    """Keep pydantic from looking for plugins of its own in every installed distribution: a tenth of the time of a check.

    Where pydantic's layout should change, this has no effect.
    """
    loader = ModuleType("pydantic.plugin._loader")
    loader.get_plugins = tuple  # type: ignore[attr-defined]
    sys.modules.setdefault(loader.__name__, loader)


def main() -> int:
    """Run the command line of the process, without collection of garbage since it ends at once; returns the exit status.

    Whatever happens is told in one line: 1 is for the mistakes of a spec alone, 128 and the number of a signal for what ended early.
    """
    gc.disable()
    _without_plugins()
    guard()
    try:
        try:
            status = run(sys.argv[1:])
        except SystemExit as end:  # argparse
            status = end.code if isinstance(end.code, int) else 0
        sys.stdout.flush()
    except Failure as failure:
        status = _told(str(failure))
    except BrokenPipeError:
        status = 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except Ended as end:
        status = 128 + end.number
    except Exception as error:
        status = _unforeseen(error)
    with suppress(BrokenPipeError):
        sys.stderr.flush()
    return status


def _unforeseen(error: Exception) -> int:
    """Tell what no command foresees: a file or a folder that fails, or a fault of our own."""
    if os.environ.get("ARCHSPEC_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    elif isinstance(error, OSError) and error.filename is not None:
        return _told(f"{os.fsdecode(error.filename)}: {reason(error)}")
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" at {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where is not None else ""
    lines = str(error).strip().splitlines()
    told = f"{type(error).__name__}{place}{f': {lines[0][:200]}' if lines else ''}"
    return _told(f"a fault of archspec itself, not of the spec: {told}; please report it with what ARCHSPEC_TRACEBACK=1 shows")


def entry() -> None:
    """The console script: leaves without taking the interpreter apart, which nothing waits for."""
    os._exit(main())
