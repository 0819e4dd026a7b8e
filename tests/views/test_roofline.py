"""Bytes, arithmetic intensity and the roofline of a table, by hand."""

from __future__ import annotations

import csv
import io
import json

import pytest

ROOFLINE = ("--columns", "name,flops,bytes,intensity,least-time", "--roofline", "71e9,20e9")
BYTES = {
    "conv1": 4 * (5 * 5 * 6 + 6 + 32 * 32 + 28 * 28 * 6),
    "tanh1": 4 * (2 * 28 * 28 * 6),
    "avgpool1": 4 * (28 * 28 * 6 + 14 * 14 * 6),
    "conv2": 4 * (5 * 5 * 6 * 16 + 16 + 14 * 14 * 6 + 10 * 10 * 16),
    "tanh2": 4 * (2 * 1600),
    "avgpool2": 4 * (1600 + 400),
    "flatten1": 0,
    "fc1": 4 * (400 * 120 + 120 + 400 + 120),
    "tanh3": 4 * (2 * 120),
    "fc2": 4 * (120 * 84 + 84 + 120 + 84),
    "tanh4": 4 * (2 * 84),
    "fc3": 4 * (84 * 10 + 10 + 84 + 10),
    "softmax1": 4 * (2 * 10),
}


def test_lenet5(archspec_command):
    rows = list(csv.DictReader(io.StringIO(archspec_command("table", "lenet5", *ROOFLINE, "--format", "csv").out)))
    assert {row["name"]: int(row["bytes"]) for row in rows} == BYTES
    least = {row["name"]: float(row["least-time"]) for row in rows}
    assert least["conv1"] == 28 * 28 * 6 * 25 * 2 / 71e9  # its FLOPs take longer
    assert least["fc1"] == BYTES["fc1"] / 20e9  # its weights do
    assert float(rows[0]["intensity"]) == 28 * 28 * 6 * 25 * 2 / BYTES["conv1"]
    assert rows[6]["intensity"] == "" and least["flatten1"] == 0
    found = json.loads(archspec_command("table", "lenet5", *ROOFLINE, "--format", "json").out)
    assert [layer["bytes"] for layer in found["layers"]] == [*BYTES.values()]
    assert found["totals"]["bytes"] == sum(BYTES.values())
    assert found["totals"]["least-time"] == pytest.approx(sum(least.values()), rel=1e-12)


def test_text_says_that_it_is_a_bound(archspec_command):
    for form in ("text", "markdown", "html", "latex"):
        out = archspec_command("table", "lenet5", *ROOFLINE, "--format", form).out
        assert "lower bound" in out and "not a prediction" in " ".join(out.split()) and "3.31 us" in out
    assert "lower bound" not in archspec_command("table", "lenet5").out


def test_equal_rounds_count_as_often_as_they_run(archspec_command):
    totals = [
        json.loads(archspec_command("table", "resnet50", *ROOFLINE, *more, "--format", "json").out)["totals"]
        for more in ((), ("--collapse",))
    ]
    assert totals[0] == totals[1]


@pytest.mark.parametrize("machine", ["71e9", "0,1", "1,-2", "a,b", "1,2,3", "nan,1", "inf,1", ""])
def test_machines_that_are_none(machine, archspec_command):
    ran = archspec_command("table", "lenet5", "--roofline", machine)
    assert (ran.status, ran.out) == (2, "") and "two positive numbers" in ran.err


def test_without_a_machine(archspec_command):
    ran = archspec_command("table", "lenet5", "--columns", "name,least-time")
    assert (ran.status, ran.out) == (2, "") and "--roofline 71e9,20e9" in ran.err


def test_budgets(archspec_command, tmp_path):
    spec = tmp_path / "net.arch"
    spec.write_text("input 32x32x1\nexpect params <= 5e6\nexpect output == 10\nfc 10\n")
    out = archspec_command("table", str(spec)).out
    assert "Budget `params <= 5e6`: kept, params = 10,250\nBudget `output == 10`: kept, output = 10\n" in out
