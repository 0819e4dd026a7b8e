"""What a keystroke costs the language server, and what it holds after many: `python -m tests.benchmarks.bench_editor`.

A client types at the end of a line and asks after each keystroke what editors ask: messages, hints, colors, lenses, and completion at the
place. The figures are the CPU time and the resident memory of the server's process, which Linux tells.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from archspec.finding import specs_folder
from tests.helpers.rpc import Client

KEYSTROKES = 60
EDITS = 1_000


def long_spec(lines: int = 1_000) -> str:
    """A network of so many lines, three layers on each."""
    layers = [f"conv k=3 f={8 + at % 56} p=1 bias=no | bn | relu" for at in range(lines - 3)]
    return "\n".join(["input 32x32x3", *layers, "gap", "fc 10", ""])


def cpu(pid: int) -> float:
    """Seconds of CPU time of a process."""
    with Path(f"/proc/{pid}/stat").open() as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """MB of memory of a process."""
    with Path(f"/proc/{pid}/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def keystroke(client: Client, name: str, text: str, version: int, line: int) -> None:
    """Change a text, and ask what an editor asks."""
    client.change(name, text, version)
    client.diagnostics(name, version)
    document = {"textDocument": {"uri": client.uri(name)}}
    count = text.count("\n")
    whole = {"start": {"line": max(0, line - 30), "character": 0}, "end": {"line": min(count, line + 30), "character": 0}}
    client.ask("textDocument/inlayHint", {**document, "range": whole})
    client.ask("textDocument/semanticTokens/full", document)
    client.ask("textDocument/codeLens", document)
    client.ask("textDocument/completion", {**document, "position": {"line": line, "character": len(text.splitlines()[line])}})


def typed(text: str, line: int, at: int) -> str:
    """The text, with another number at the end of a line for each keystroke."""
    lines = text.split("\n")
    lines[line] += f"  # {at}" if at % 2 else " bias=no"[: 1 + at // 2 % 8]
    return "\n".join(lines)


def measure(name: str, text: str, count: int) -> None:
    """Print what a text costs the server."""
    with tempfile.TemporaryDirectory() as folder:
        client = Client(Path(folder))
        pid = client.process.pid
        client.open("net.arch", text)
        client.diagnostics("net.arch", 1)
        line = len(text.splitlines()) // 2
        spent = []
        for at in range(KEYSTROKES):
            before = cpu(pid)
            keystroke(client, "net.arch", typed(text, line, at), at + 2, line)
            spent.append(cpu(pid) - before)
        began = resident(pid)
        for at in range(KEYSTROKES, KEYSTROKES + count):
            client.change("net.arch", typed(text, line, at), at + 2)
            client.diagnostics("net.arch", at + 2)
        mean = 1000 * statistics.fmean(spent)
        print(f"{name:12} {mean:6.1f} ms CPU per keystroke; {began:.0f} MB, {resident(pid):.0f} MB after {count:,} more edits")
        client.close()


def main() -> None:
    measure("resnet50", (specs_folder() / "resnet50.arch").read_text(encoding="utf-8"), EDITS)
    measure("1,000 lines", long_spec(), EDITS // 10)


if __name__ == "__main__":
    main()
