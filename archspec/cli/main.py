"""The `archspec` command: finds the module of a command, reads its arguments, and runs it."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from archspec import __version__
from archspec.cli.arguments import Parser
from archspec.cli.commands import COMMANDS, GROUPS, module, unknown
from archspec.cli.failure import Failure, reason
from archspec.cli.streams import Ended, guard
from archspec.diagnostics import SpecError
from archspec.extras import Missing


def command_parser(name: str) -> Parser:
    """The parser of a command."""
    found = module(name)
    parser = Parser(name, COMMANDS[name], found.EXAMPLES)
    found.arguments(parser)
    return parser


def top_help() -> str:
    """List the commands in groups, as `archspec` without arguments prints them."""
    lines = ["Check, count, explain and compile architecture specifications.", "", "usage: archspec COMMAND ..."]
    for group, commands in GROUPS.items():
        lines += ["", group, *(f"  {name:<12}{about}" for name, about in commands.items())]
    lines += [
        "",
        "`archspec COMMAND --help` shows the options of a command, and examples.",
        "`archspec --version` shows the version. To begin with: archspec table lenet5",
    ]
    return "\n".join(lines) + "\n"


def tell_commands() -> None:
    """Print the commands in groups, folded at words."""
    from archspec.cli.screen import out

    for line in top_help().splitlines():
        out().line(line, 14 if line.startswith("  ") else 2)


def run(argv: Sequence[str]) -> int:
    """Run a command line; returns the exit status."""
    try:
        return _run(list(argv))
    except SpecError as error:
        from archspec.cli.specs import tell

        tell(error.diagnostics)
        return 1
    except (Failure, Missing) as failure:
        return _told(str(failure))
    except MemoryError as error:
        return _told(f"there is not enough memory{f': {error}' if str(error) else ''}")


def _told(message: str) -> int:
    """Print why there is no result; returns the exit status."""
    from archspec.cli.screen import tell

    with suppress(BrokenPipeError):
        tell(message)
    return 2


def _run(argv: list[str]) -> int:
    name = argv[0] if argv else "--help"
    if name in COMMANDS:
        arguments = command_parser(name).parse_args(argv[1:])
        if getattr(arguments, "output", None) in ("-", "/dev/stdout"):  # opened again, the latter would begin anew
            arguments.output = None
        return module(name).run(arguments)
    if name in ("--help", "-h"):
        tell_commands()
        return 0
    if name in ("--version", "-V"):
        sys.stdout.write(f"archspec {__version__}\n")
        return 0
    if name == "__complete":
        from archspec.cli.complete import answer

        sys.stdout.write(answer(argv[1:]))
        return 0
    raise Failure(_no_command(name))


def _no_command(word: str) -> str:
    """Write the message about a word that is not a command."""
    from archspec.diagnostics import nearest
    from archspec.finding import bundled

    if word.startswith("-") and word != "-":
        if (meant := nearest(word, ("--help", "--version"))) is not None:
            return f"there is no option `{word}`; did you mean `{meant}`?"
        return f"expected a command, found the option `{word}`; options follow their command, as in `archspec check FILE {word}`"
    if word == "-" or Path(word).exists() or word.endswith(".arch") or bundled(word):
        return f"expected a command, found `{word}`; did you mean `archspec check {word}`?"
    return unknown(word, "`archspec --help` lists the commands")


def main() -> int:
    """Run the command line of the process, without collection of garbage since it ends at once; returns the exit status.

    Whatever happens is reported in one line: 1 is for the mistakes of a spec alone, 128 and the number of a signal for what ended early.
    """
    gc.disable()
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
        status = 128 + end.args[0]
    except Exception as error:
        status = _unforeseen(error)
    with suppress(BrokenPipeError):
        sys.stderr.flush()
    return status


def _unforeseen(error: Exception) -> int:
    """Report what no command handles: a file or folder that fails, or a fault of archspec itself."""
    import traceback

    if os.environ.get("ARCHSPEC_TRACEBACK"):
        traceback.print_exception(error)
    elif isinstance(error, OSError) and error.filename is not None:
        return _told(f"{os.fsdecode(error.filename)}: {reason(error)}")
    where = traceback.extract_tb(error.__traceback__)[-1]
    lines = str(error).strip().splitlines()
    told = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}{f': {lines[0][:200]}' if lines else ''}"
    return _told(f"a fault of archspec itself, not of the spec: {told}; please report it with what ARCHSPEC_TRACEBACK=1 shows")


def entry() -> None:
    """Run the console script, and leave without tearing the interpreter down, which would only take time."""
    os._exit(main())
