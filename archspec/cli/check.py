"""`archspec check`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from archspec.cli.failure import Failure
from archspec.cli.screen import err, out
from archspec.cli.specs import Compiled, compiled, tell
from archspec.diagnostics import Diagnostic
from archspec.diagnostics.visible import visible
from archspec.ir.graph import Network


def run(arguments: argparse.Namespace) -> int:
    if not arguments.watch:
        return check(arguments)
    return watch(arguments)


def check(arguments: argparse.Namespace) -> int:
    """Check the files once; returns the exit status."""
    failures, results = [], []
    for file in arguments.files:
        try:
            results.append(compiled(file, arguments))
        except Failure as failure:
            failures.append(failure)
    found = [diagnostic for result in results for diagnostic in result.diagnostics]
    if arguments.format == "text":
        for result in results:
            _tell(result, arguments.notes)
    else:
        _data(found, arguments.format)
    for told in failures:
        err().line(f"archspec: {visible(str(told))}")
    if failures:
        return 2
    refused = {"error", "warning"} if arguments.strict else {"error"}
    return int(any(diagnostic.severity in refused for diagnostic in found))


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


def _tell(result: Compiled, notes: bool) -> None:
    """Messages to standard error, one line of summary to standard output."""
    messages = err()
    tell(result.diagnostics, messages, notes=notes)
    counts = {kind: sum(d.severity == kind for d in result.diagnostics) for kind in ("error", "warning")}
    told = ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in counts.items() if count)
    name = visible(result.text.name)
    if result.network is None:
        messages.line([(f"{name}: ", ""), (told, "error")])
        return
    screen = out()
    screen.line([(f"{name}: ", ""), (told or "ok", "warning" if told else "good"), (f"; {_summary(result.network)}", "")])


def _summary(network: Network) -> str:
    from archspec.analysis.report import Report

    report = Report(network)
    totals = report.totals
    shapes = " + ".join("x".join(map(str, shape)) for shape in report.inputs.values())
    result = "x".join(map(str, report.outputs["output"]))
    layers = f"{totals.layers:,} layer{'s' if totals.layers != 1 else ''}"
    return f"{shapes} -> {result}, {layers}, {totals.params:,} parameters, {totals.macs:,} MACs"


def watch(arguments: argparse.Namespace) -> int:
    """Check whenever one of the files changes, until interrupted."""
    if "-" in arguments.files:
        raise Failure("--watch needs files, not standard input")
    screen, seen, status = out(), None, 0
    try:
        while True:
            now = _stamps(arguments.files)
            if now != seen:
                if screen.terminal:
                    screen.write("\x1b[2J\x1b[H")
                seen, status = now, check(arguments)
                screen.stream.flush()
            time.sleep(0.25)
    except KeyboardInterrupt:
        return status


def _stamps(files: list[str]) -> list[tuple[str, int]]:
    """Change times of the files and of the specs beside and below them, which they may use."""
    from archspec.resources import bundled

    found = {}
    for file in files:
        path = Path(file) if Path(file).exists() else bundled(file) or Path(file)
        for candidate in [path, *path.parent.glob("*.arch"), *path.parent.glob("*/*.arch")]:
            try:
                found[str(candidate)] = candidate.stat().st_mtime_ns
            except OSError:
                found[str(candidate)] = 0
    return sorted(found.items())
