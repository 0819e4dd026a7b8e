"""`archspec check`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from archspec.cli.arguments import count, spec
from archspec.cli.failure import Failure
from archspec.cli.screen import err, out
from archspec.cli.screen import tell as say
from archspec.cli.specs import Compiled, compiled, files, stamps, tell
from archspec.diagnostics import Diagnostic
from archspec.diagnostics.visible import visible
from archspec.ir.graph import Network

FORMATS = ("text", "concise", "json", "github", "sarif")
EXAMPLES = (
    ("check net.arch", "a file"),
    ("check resnet50 --input 256x256x3", "a bundled spec at another size"),
    ("check resnet50 --max-params 26M --max-macs 4.1G", "within the limits of a device"),
    ("check --fix net.arch", "mend what can only mean one thing; `--diff` shows how"),
    ("check . --format json", "all specs below a folder, for a program"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser, many=True)
    parser.add_argument("--format", choices=FORMATS, default="text", help="how to report")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument("--notes", action="store_true", help="show notes too")
    parser.add_argument("--max-params", metavar="N", type=count, help="an error for more parameters than this, such as 25M")
    parser.add_argument("--max-macs", metavar="N", type=count, help="an error for more MACs than this, such as 4.1G")
    parser.add_argument("--fix", action="store_true", help="apply the safe fixes to the files, then check them")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what --fix would change")
    parser.add_argument("--unsafe", action="store_true", help="with --fix or --diff: also fixes that choose, or make another network")
    parser.add_argument("--watch", action="store_true", help="check again whenever a file changes")


def run(arguments: argparse.Namespace) -> int:
    if arguments.unsafe and not (arguments.fix or arguments.diff):
        raise Failure("--unsafe needs --fix or --diff")
    if arguments.watch and (arguments.fix or arguments.diff):
        raise Failure("--watch only reads, and --fix and --diff are for once")
    return watch(arguments) if arguments.watch else check(arguments)


def check(arguments: argparse.Namespace) -> int:
    """Check the files once; returns the exit status."""
    failures, results = [], []
    read = _reader(arguments)
    for file in files(arguments.files):
        try:
            results.append(_settled(file, read(file, arguments), arguments))
        except Failure as failure:
            failures.append(failure)
    found = [diagnostic for result in results for diagnostic in result.diagnostics]
    if arguments.format == "text":
        for result in results:
            _tell(result, arguments.notes, summary=not arguments.diff and not (arguments.fix and result.text.path is None))
    else:
        _data(found, arguments.format)
    for each in failures:
        say(str(each))
    if failures:
        return 2
    refused = {"error", "warning"} if arguments.strict else {"error"}
    return int(any(diagnostic.severity in refused for diagnostic in found))


def _reader(arguments: argparse.Namespace) -> Callable[[str, argparse.Namespace], Compiled]:
    """What reads a file: as it is, or with its fixes."""
    if not arguments.fix and not arguments.diff:
        return compiled
    from archspec.cli.fixing import fixed

    return fixed


def _settled(file: str, result: Compiled, arguments: argparse.Namespace) -> Compiled:
    """What was found, budgets that are passed included. A file of blocks in a folder is right as it is."""
    if result.network is not None and (arguments.max_params, arguments.max_macs) != (None, None):
        from archspec.analysis.budget import passed

        found = sorted([*result.diagnostics, *passed(result.network, arguments.max_params, arguments.max_macs)], key=Diagnostic.order)
        return result._replace(diagnostics=found)
    if file in arguments.files or not result.has_blocks_only:
        return result
    return result._replace(diagnostics=[d for d in result.diagnostics if d.severity != "error"])


def _data(found: list[Diagnostic], format_: str) -> None:
    import json

    from archspec import __version__
    from archspec.diagnostics.render import as_data, concise, github, sarif

    found = sorted(found, key=Diagnostic.order)
    screen = out()
    if format_ == "json":
        screen.data(json.dumps([as_data(diagnostic) for diagnostic in found], indent=1) + "\n")
    elif format_ == "sarif":
        screen.data(json.dumps(sarif(found, __version__), indent=1) + "\n")
    else:
        form = concise if format_ == "concise" else github
        for diagnostic in found:
            screen.data(form(diagnostic) + "\n")


def _tell(result: Compiled, notes: bool, summary: bool) -> None:
    """Messages to standard error, one line of summary to standard output unless that is for a text."""
    messages = err()
    tell(result.diagnostics, messages, notes=notes)
    if not summary:
        return
    counts = {kind: sum(d.severity == kind for d in result.diagnostics) for kind in ("error", "warning")}
    told = ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in counts.items() if count)
    name = visible(result.text.name)
    if counts["error"]:
        messages.line([(f"{name}: ", ""), (told, "error")])
        return
    about = _summary(result.network) if result.network is not None else "blocks for other specs"
    out().line([(f"{name}: ", ""), (told or "ok", "warning" if told else "good"), (f"; {about}", "")])


def _summary(network: Network) -> str:
    from archspec.analysis.layers import Report

    report = Report(network)
    frozen = f" ({report.frozen_params:,} frozen)" if report.frozen_params else ""
    totals = report.totals
    shapes = " + ".join("x".join(map(str, shape)) for shape in report.inputs.values())
    result = "x".join(map(str, report.outputs["output"]))
    layers = f"{totals.layers:,} layer{'s' if totals.layers != 1 else ''}"
    return f"{shapes} -> {result}, {layers}, {totals.params:,} parameters{frozen}, {totals.macs:,} MACs{totals.left_out}"


def watch(arguments: argparse.Namespace) -> int:
    """Check whenever one of the files changes, until interrupted."""
    if "-" in arguments.files:
        raise Failure("--watch needs files, not standard input")
    screen, seen, status = out(), None, 0
    try:
        while True:
            now = stamps(files(arguments.files))
            if now != seen:
                if screen.terminal:
                    screen.write("\x1b[2J\x1b[H")
                seen, status = now, check(arguments)
                screen.stream.flush()
            time.sleep(0.25)
    except KeyboardInterrupt:
        return status
