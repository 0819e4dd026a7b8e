"""Mutated specs by the million: `python -m tests.fuzzing.mutate --start 0 --count 3000000 --save DIR`.

A case that breaks a claim is saved as `DIR/SEED.case`, the bytes of the file, with what went wrong in `SEED.txt` beside it;
`python -m tests.fuzzing.mutate DIR/SEED.case` runs it again. The last line of the output is the summary; the status is 1 where
something failed.
"""

from __future__ import annotations

import argparse
import re
import resource
import signal
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.fuzzing.mutations import mutated
from tests.fuzzing.reading import check

DEADLINE = 20.0
"""Seconds of work for one case. The dearest ones reach a limit of the language, such as 60,000 steps, several times over."""
ADDRESS_SPACE = 2 << 30


class Late(Exception):
    """A case took longer than DEADLINE."""


def _late(*_: object) -> None:
    raise Late


def tried(data: bytes, sample: int = 0) -> tuple[str, str]:
    """How a case ended, and the traceback of what should not have come out, or ""."""
    signal.setitimer(signal.ITIMER_VIRTUAL, DEADLINE)
    try:
        return check(data, sample), ""
    except (Exception, MemoryError, RecursionError):
        return "failed", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def shrunk(data: bytes) -> bytes:
    """A smaller case that fails too: pieces are left out, from halves to single bytes, as long as that helps."""
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if tried(shorter)[1]:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def run(start: int, count: int, save: Path | None) -> int:
    """Try the cases of `count` seeds; returns how many failed."""
    ends: Counter[str] = Counter()
    slowest, began = (0.0, 0), time.monotonic()
    for seed in range(start, start + count):
        data = mutated(seed)
        before = time.process_time()
        end, trace = tried(data, seed)
        slowest = max(slowest, (time.process_time() - before, seed))
        ends[end] += 1
        if trace:
            print(f"failed: seed {seed}\n{trace}", flush=True)
            if save is not None:
                save.mkdir(parents=True, exist_ok=True)
                (save / f"{seed}.case").write_bytes(data)
                (save / f"{seed}.txt").write_text(trace)
        if (seed + 1 - start) % 10_000 == 0 or seed + 1 == start + count:
            print(_told(seed + 1, ends, slowest, began), flush=True)
    return ends["failed"]


def _told(next_seed: int, ends: Counter[str], slowest: tuple[float, int], began: float) -> str:
    peak = _peak()
    names = ("accepted", "refused", "undecodable", "failed")
    return (
        f"{ends.total()} cases: {', '.join(f'{ends[name]} {name}' for name in names)}; next seed {next_seed}; "
        f"slowest {slowest[0]:.2f} s (seed {slowest[1]}); {time.monotonic() - began:.0f} s, of them {time.process_time():.0f} s of work; peak {peak} MiB"
    )


def _peak() -> int:
    """MiB at most so far. On Linux getrusage tells what the parent had, where that was more."""
    try:
        kilobytes = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        kilobytes = None
    return (int(kilobytes[1]) if kilobytes else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", type=Path, help="saved cases to run again")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=50_000, help="how many seeds")
    parser.add_argument("--save", type=Path, help="where cases that fail go")
    parser.add_argument("--shrink", action="store_true", help="print the smallest form of saved cases that still fails")
    arguments = parser.parse_args()
    signal.signal(signal.SIGVTALRM, _late)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    if not arguments.case:
        return int(run(arguments.start, arguments.count, arguments.save) > 0)
    failed = 0
    for path in arguments.case:
        data = path.read_bytes()
        end, trace = tried(data)
        failed += end == "failed"
        if end == "failed" and arguments.shrink:
            data = shrunk(data)
            trace = tried(data)[1] + f"{data!r}\n"
        print(f"{path}: {end}\n{trace}", end="")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
