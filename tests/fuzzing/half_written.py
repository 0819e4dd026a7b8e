"""Specs as they are while somebody writes them: `python -m tests.fuzzing.half_written --count 10000`.

Every beginning of the bundled specs, then texts of which a piece is left out, put in or moved. Every service of an editor must answer each
of them, at the place where the text is being written, without an exception and within a bound of CPU time. What does not is printed, with
its text; the last line has the figures, the status is 1 where something failed.
"""

from __future__ import annotations

import argparse
import random
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from archspec.editor.positions import Position, position
from archspec.finding import specs_folder
from archspec.source import Source
from tests.fuzzing.mutations import CHARACTERS, words
from tests.helpers.editing import ask_everything, services

BOUND = 1.0
"""Seconds of CPU time for one service. The first one compiles the text; all safe fixes together compile it several times."""


class Case(NamedTuple):
    """A text, the place where it is being written, and what it is called."""

    name: str
    text: str
    at: int


def beginnings(path: Path, step: int = 1) -> Iterator[Case]:
    """The beginnings of a spec, each so many characters longer than the one before it."""
    text = path.read_text(encoding="utf-8")
    for cut in range(0, len(text) + 1, step):
        yield Case(f"{path.stem}[:{cut}]", text[:cut], cut)


def edited(seed: int) -> Case:
    """The case of a seed: a spec in which somebody is at work."""
    draw = random.Random(seed)
    path = draw.choice(sorted(specs_folder().glob("*.arch")))
    text = path.read_text(encoding="utf-8")
    at = draw.randrange(len(text) + 1)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = draw.randrange(len(text) + 1)
        size = draw.choice((1, 3, 10, 40, 400))
        new = draw.choice(("", draw.choice(words()), draw.choice(words()) + " ", draw.choice(CHARACTERS), text[:size], text[-size:], "\n"))
        text = text[:at] + new + text[at + draw.choice((0, 0, 1, size)) :]
        at += len(new)
    return Case(f"seed {seed}", text, at)


def answered(case: Case) -> dict[str, float]:
    """Ask all services about a case; returns the seconds of each. Raises what a service raises."""
    place = position(Source("", case.text), case.at)
    spent: dict[str, float] = {}
    ask_everything(case.text, specs_folder(), [place, Position(place.line, 0)], spent)
    return spent


def run(cases: Iterable[Case], bound: float) -> int:
    """Try cases; returns how many failed or were late."""
    count = failed = late = 0
    slowest: dict[str, tuple[float, str]] = {}
    began = time.process_time()
    for case in cases:
        count += 1
        try:
            spent = answered(case)
        except Exception:
            failed += 1
            print(f"failed: {case.name}\n{case.text!r}\n{traceback.format_exc()}", flush=True)
            continue
        for service, seconds in spent.items():
            slowest[service] = max(slowest.get(service, (0.0, "")), (seconds, case.name))
        if max(spent.values()) > bound:
            late += 1
            print(f"late: {case.name} {max(spent, key=spent.__getitem__)}: {max(spent.values()):.2f} s\n{case.text!r}", flush=True)
    most = ", ".join(f"{name} {1000 * slowest[name][0]:.0f} ms ({slowest[name][1]})" for name in services() if name in slowest)
    print(
        f"{count:,} texts: {failed} failed, {late} late; {time.process_time() - began:.0f} s of CPU time; the slowest: {most}", flush=True
    )
    return failed + late


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1_000, help="how many edited texts")
    parser.add_argument("--step", type=int, default=1, help="characters from one beginning of a spec to the next; 0 for none")
    parser.add_argument("--bound", type=float, default=BOUND, help="seconds of CPU time for one service")
    arguments = parser.parse_args()
    paths = sorted(specs_folder().glob("*.arch")) if arguments.step else []
    failed = run((case for path in paths for case in beginnings(path, arguments.step)), arguments.bound) if paths else 0
    failed += run((edited(seed) for seed in range(arguments.start, arguments.start + arguments.count)), arguments.bound)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
