"""Compiles a hostile file, or runs the commands on it: `hostile_child.py compile|commands JOB`, the job and what came of it as JSON.

The process that runs this is a fork of one that has imported it, and so has done all of it once with a harmless file: what is measured
is the work.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from archspec.analysis.layers import Report
from archspec.api import compile_text
from archspec.cli import train
from archspec.cli.main import run
from archspec.elaborate.assumptions import Options
from archspec.source import decode
from tests.helpers.inert import COMMANDS, FEW, problem

HOPELESS = 60
"""Seconds of work after which this is killed."""
ROOM = 1 << 30
"""Bytes that may be asked for."""
Job = dict[str, Any]


def memory(what: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at most since it was forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) / 1024


def compiled(job: Job) -> Job:
    """The findings on a file, and what they and the totals cost."""
    data = Path(job["path"]).read_bytes()
    before = memory("VmRSS")
    start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    network, found = compile_text(decode(data), "hostile.arch", Options(base=Path(job["base"]) if job.get("base") else None))
    if network is not None:
        _ = Report(network).totals
    seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - start
    mebibytes = memory("VmHWM") - before
    told = [
        p for d in found for p in (d.message, d.help or "", d.label, *d.notes, *(t for _, t in d.secondary), *(f.text for f in d.trace))
    ]
    return {
        "network": network is not None,
        "found": [(d.severity, d.code, d.span.line if d.span else None, d.message) for d in found[:200]],
        "count": len(found),
        "longest": max(map(len, told), default=0),
        "seconds": seconds,
        "mebibytes": mebibytes,
    }


def commanded(job: Job) -> Job:
    """The commands on a file that did what they should not."""
    path = Path(job["path"])
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS if job["all"] else [FEW[len(path.read_bytes()) % len(FEW)]]:
            for found in tried(command, path, Path(folder)):
                problems.append(f"archspec {command}: {found}")
    return {"problems": problems}


def tried(command: str, path: Path, folder: Path) -> list[str]:
    """What is wrong with a command's status, its messages, and what it wrote."""
    words = [word.replace("FILE", str(path)).replace("OUT", str(folder / "out")) for word in command.split()]
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    status: object = None
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            status = run(words)
        except SystemExit as end:
            status = end.code
        except BaseException:
            return [traceback.format_exc()]
    out, err = (stream.buffer.getvalue().decode() for stream in streams if not stream.flush())
    found = [] if status in (0, 1, 2) else [f"it ended with {status}"]
    if "not enough memory" in err and command in FEW:  # a spec that is read needs little, whatever the network would
        found.append(err)
    found += [f"on standard error {wrong}" for wrong in [problem("text", err)] if wrong]
    found += [f"on standard output {wrong}" for wrong in [problem(COMMANDS.get(command, "text"), out)] if status == 0 and out and wrong]
    for file in sorted(folder.rglob("*.*")):
        if file.is_file() and (wrong := problem(file.suffix[1:], file.read_bytes().decode("utf-8", "replace"))):
            found.append(f"in {file.name} {wrong}")
        if file.is_file():
            file.unlink()
    return found


def limited() -> None:
    """Let this process ask for so much time and memory, and no more."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CPU, (HOPELESS, HOPELESS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))


def warmed() -> None:
    """Import what the work imports when it is first done."""
    with tempfile.TemporaryDirectory() as folder:
        for command in (command for command in COMMANDS if "fmt" not in command):
            tried(command.replace("FILE", "lenet5"), Path("lenet5"), Path(folder))
        for name in ("googlenet", "vit_b_16"):
            tried(f"table {name}", Path(name), Path(folder))


train._become = lambda command: 0
if __name__ == "__main__":
    limited()
    made = {"compile": compiled, "commands": commanded}[sys.argv[1]](json.loads(sys.argv[2]))
    print(json.dumps(made))
elif Path("/proc/self/status").exists():
    warmed()
