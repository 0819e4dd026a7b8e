"""The tests of random networks and the grids find mistakes: each of some dozens, planted in archspec's source, makes something differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="torch is what the layers are compared with")
pytest.importorskip("onnx", reason="onnx holds the models")
pytest.importorskip("onnxruntime", reason="onnxruntime is what runs them")

from tests.fuzzing.mutants import MUTANTS
from tests.helpers.paths import ROOT

PLANTED = MUTANTS[::6]
"""The mutants that are planted here; `python -m tests.fuzzing.planting` plants all, before a release."""
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each mutant lives in a fork")


def became(*names):
    """What became of the source with each mutant in it; `-` is the source as it is."""
    command = [sys.executable, "-m", "tests.fuzzing.planting", "--json", *names]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_mutants_are_found():
    """By a difference, not because they fail to load or to run, and not because the source as it is differs too."""
    names = [mutant.name for mutant in PLANTED]
    *found, (_, what, told, count) = became(*names, "-")
    assert [name for name, *_ in found] == names
    missed = {name: (what, told) for name, what, told, _ in found if what != "differs"}
    assert not missed
    assert (what, count) == ("passed", max(count for *_, count in found)), told


def test_there_are_mutants_of_every_part():
    assert len(MUTANTS) >= 25 and len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.file.partition("/")[0] for mutant in MUTANTS} >= {"ops", "elaborate", "analysis", "backends", "syntax", "ir"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutants_stand_for_one_place(mutant):
    assert (ROOT / "archspec" / mutant.file).read_text(encoding="utf-8").count(mutant.text) == 1
