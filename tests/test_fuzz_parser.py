"""Mutated specs: only diagnostics come of them, each at a place in the text; what is accepted is formatted, counted and expanded.

The claims stand in fuzzing/reading.py, the mutations in fuzzing/mutations.py. `python -m tests.fuzzing.mutate --count 3000000` goes on.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.fuzzing import mutate, mutations, reading
from tests.helpers.paths import ROOT

SEEDS = 20_000
CHUNKS = 10
PEAK_MIB = 300
"""Memory of a process that reads a chunk of them, one after the other: what it keeps does not grow with what it reads."""


def ran(*arguments: object, timeout: int = 900) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzzing.mutate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutations(chunk):
    """In a process of its own, which has a ceiling for its memory and one for the time of each case."""
    count = SEEDS // CHUNKS
    done = ran("--start", chunk * count, "--count", count)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    summary = done.stdout.splitlines()[-1]
    cases, accepted = (int(number) for number in re.match(r"(\d+) cases: (\d+) accepted", summary).groups())
    assert cases == count
    assert accepted > count / 20, "most mutations are refused, but not all"
    assert int(re.search(r"peak (\d+) MiB", summary)[1]) < PEAK_MIB


def test_a_seed_is_a_case():
    """The same bytes every time; and all sorts of them."""
    made = [mutations.mutated(seed) for seed in range(300)]
    assert made == [mutations.mutated(seed) for seed in range(300)]
    assert len(set(made)) > 290
    assert not all(data.isascii() for data in made)
    assert {b"\n", b"|", b":", b'"', b"("} <= {bytes([byte]) for data in made for byte in data}


def raises(*_: object, **__: object) -> None:
    raise KeyError("planted")


FAULTS = {
    "an exception": ("compile_text", raises),
    "a place outside of the text": ("compile_text", lambda text, *_: (None, [finding(text, len(text), len(text) + 1)])),
    "a place that ends before it begins": ("compile_text", lambda text, *_: (None, [finding(text, 3, 2)])),
    "no message at all": ("compile_text", lambda *_: (None, [])),
    "a code without a page": ("compile_text", lambda text, *_: (None, [finding(text, 0, 1)._replace(code="A999")])),
    "a formatter that loses a line": ("format_text", lambda source: source.text.partition("\n")[2]),
    "a formatter that is never done": ("format_text", lambda source: source.text + "\n"),
    "an expansion to another network": ("expand", lambda network: "input 8x8x3\nrelu\n"),
}


def finding(text: str, start: int, end: int) -> reading.Diagnostic:
    return reading.Diagnostic("A001", "planted", reading.Span(reading.Source("case.arch", text), start, end))


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault, monkeypatch):
    spec = b"# one\ninput 8x8x3\nconv k=3 f=4 | bn\nfc 10\n"
    assert mutate.tried(spec) == ("accepted", "")
    monkeypatch.setattr(reading, *FAULTS[fault])
    assert mutate.tried(spec)[0] == "failed"


def test_a_case_that_fails_is_saved_shrunk_and_run_again(monkeypatch, tmp_path):
    monkeypatch.setattr(mutate, "mutated", lambda seed: b"input 8x8x3\nrelu\n@ here\nfc 3\n")

    def check(data: bytes, sample: int = 0) -> str:
        assert b"@" not in data
        return "accepted"

    monkeypatch.setattr(mutate, "check", check)
    assert mutate.run(7, 2, tmp_path) == 2
    assert mutate.shrunk((tmp_path / "7.case").read_bytes()) == b"@"
    assert "AssertionError" in (tmp_path / "7.txt").read_text()
    again = ran(tmp_path / "7.case")  # by the claims as they are
    assert again.returncode == 0
    assert again.stdout.endswith("7.case: refused\n")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris, libFuzzer for Python, is not installed")
def test_mutations_led_by_coverage(tmp_path):
    command = [sys.executable, "-m", "tests.fuzzing.coverage_guided", str(tmp_path / "corpus"), "-runs=2000"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
