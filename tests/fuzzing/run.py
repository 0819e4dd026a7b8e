"""Random specs in volume: `python -m tests.fuzzing.run shape --start 0 --count 200000 --save failures`, and `value`,
`keras_value`, `mistakes` or `fields`.

A case is its seed. One that fails is saved with its seed and what differs; `run.py shape --case FILE` runs it again.
"""

from __future__ import annotations

import argparse
import importlib
import re
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

CHUNK = 500


def outcome(kind: str, seed: int) -> tuple[str, str, str]:
    """What became of a seed: `compared`, `refused` (by both) or `mismatch`; what differs; and the spec."""
    module = importlib.import_module(f"tests.fuzzing.{kind}")
    draw = importlib.import_module("tests.fuzzing.draw")
    text = ""
    try:
        drawn: Any = module.draw(draw.Random(seed))
        text = drawn.text
        told = module.compare(drawn)
    except Exception:  # a crash of either side is a finding, and the run goes on
        told = traceback.format_exc()
    return ("mismatch" if told else "refused" if drawn.refused else "compared"), told or "", text


ALIKE = 12
"""Characters in which what differs is the same for a spec and a smaller one."""


def smaller(kind: str, seed: int, told: str) -> str:
    """The spec of a seed that fails, without what it can do without; empty where that is not known."""
    if kind in ("mistakes", "fields", "variants"):
        return ""
    module = importlib.import_module(f"tests.fuzzing.{kind}")
    generator = importlib.import_module("tests.fuzzing.generator").SpecGenerator(
        importlib.import_module("tests.fuzzing.draw").Random(seed), module.OPTIONS
    )

    def fails(drawn: Any) -> bool:
        try:
            found = module.compare(drawn) or ""
        except Exception:
            found = traceback.format_exc()
        return found[:ALIKE] == told[:ALIKE] != ""

    try:
        generator.generate()
        found = importlib.import_module("tests.fuzzing.shrink").shrink(generator, fails)
    except Exception:  # the generator itself may be what fails
        return ""
    return found.text if found is not None else ""


def chunk(kind: str, start: int, count: int) -> tuple[Counter[str], list[tuple[int, str, str]]]:
    found: Counter[str] = Counter()
    wrong = []
    for seed in range(start, start + count):
        what, told, text = outcome(kind, seed)
        found[what] += 1
        if what == "mismatch":
            wrong.append((seed, told, text))
    return found, wrong


def chunks(arguments: argparse.Namespace) -> Iterator[tuple[Counter[str], list[tuple[int, str, str]]]]:
    end = arguments.start + arguments.count
    parts = [(arguments.kind, at, min(CHUNK, end - at)) for at in range(arguments.start, end, CHUNK)]
    if arguments.jobs == 1:
        yield from (chunk(*part) for part in parts)
        return
    with ProcessPoolExecutor(arguments.jobs) as pool:
        yield from pool.map(chunk, *zip(*parts, strict=True))


def save(folder: Path, kind: str, seed: int, told: str, text: str) -> Path:
    """The whole spec, and above it what differs and the smaller spec that differs as well."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}_{seed}.arch"
    small = smaller(kind, seed, told)
    notes = [f"seed {seed}", *told.rstrip().splitlines(), *["", "smaller:", *small.splitlines(), ""] * bool(small)]
    path.write_text("".join(f"# {note}".rstrip() + "\n" for note in notes) + text, encoding="utf-8")
    return path


def again(kind: str, path: Path) -> int:
    """Run a saved case: its seed gives the spec anew, which says whether the generator is still the one that drew it."""
    saved = path.read_text(encoding="utf-8")
    found = re.match(r"# seed (\d+)\n", saved)
    if found is None:
        print(f"{path}: there is no seed in its first line")
        return 2
    what, told, text = outcome(kind, int(found[1]))
    print(text + f"{what}: {told}" if told else text + what)
    if not saved.endswith(text):
        print("the generator has changed since: this is another spec")
    return int(what == "mismatch")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["shape", "value", "keras_value", "mistakes", "fields", "variants"])
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--save", type=Path, help="a folder for the cases that fail")
    parser.add_argument("--case", type=Path, help="run this saved case again")
    arguments = parser.parse_args()
    if arguments.case is not None:
        return again(arguments.kind, arguments.case)
    began, total, seen = time.monotonic(), Counter[str](), 0
    for found, wrong in chunks(arguments):
        total += found
        seen += found.total()
        for seed, told, text in wrong:
            print(f"seed {seed}: {told.strip().splitlines()[-1]}", flush=True)
            if arguments.save is not None:
                print(f"  saved as {save(arguments.save, arguments.kind, seed, told, text)}", flush=True)
        print(f"{arguments.start + seen - 1}: {summary(total, began)}", flush=True)
    print(f"{arguments.kind}, seeds {arguments.start} to {arguments.start + arguments.count - 1}: {summary(total, began)}")
    return int(total["mismatch"] > 0)


def summary(total: Counter[str], began: float) -> str:
    seconds = time.monotonic() - began
    return (
        f"{total.total()} cases, {total['refused']} refused by both, {total['compared']} compared, {total['mismatch']} mismatches, "
        f"{seconds:.0f} s ({1000 * seconds / total.total():.1f} ms a case)"
    )


if __name__ == "__main__":
    raise SystemExit(main())
