"""Text fits the terminal: whole words, and a word about what is left out."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys

import pytest

import archspec
from archspec.cli.arguments import count
from archspec.cli.screen import tell
from archspec.ops.base import KINDS
from archspec.views.theme import readable
from tests.helpers.colour import contrast
from tests.helpers.paths import ROOT
from tests.helpers.specs import few_quick

WIDTHS = few_quick([40, 60, 80, 100, 120, 200], [40, 80])
LONG = "input 7x7x1\naverylonglabelofalayer: conv k=3 f=1 s=3\nfc 10 | dense 3\n"


def widths(text):
    return [len(line) for line in text.splitlines()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "words",
    [
        ["table", "googlenet"], ["table", "lenet5_1998", "--work"], ["explain", "lenet5"], ["compare", "vgg16", "resnet50", "lenet5", "unet"],
        ["compare", "resnet18", "resnet34"], ["list"], ["ops"], ["ops", "conv"], ["rule"], ["rule", "A203"], ["check", "lenet5"],
        ["table", "lenet5", "--columns", "help"], [], ["help"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(archspec_command, words, width):
    done = archspec_command(*words, env={"COLUMNS": str(width)})
    assert max(widths(done.out + done.err)) <= width
    if words in ([], ["help"]) or words[0] in ("explain", "rule", "check", "ops"):
        wide = archspec_command(*words, env={"COLUMNS": "1000"})
        assert (done.out + done.err).split() == (wide.out + wide.err).split() or words == ["ops", "conv"]


@pytest.mark.parametrize("width", WIDTHS)
def test_messages_are_folded_at_words(archspec_command, width):
    found = archspec_command("check", "-", stdin=LONG, env={"COLUMNS": str(width)}).err
    assert max(widths(found)) <= width
    whole = json.loads(archspec_command("check", "-", "--format", "json", stdin=LONG).out)
    told = " ".join(re.sub(r"(?m)^ *(\||=)?", "", found).split())
    for message in whole:
        for text in (message["message"], *message["notes"], message["help"]):
            assert text in told


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("width", few_quick([40, 60, 100, 200], [40]))
def test_the_width_is_that_of_the_terminal_itself(width):
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "archspec", "table", "resnet18", "--collapse"]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment, cwd=ROOT)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so where the other end is closed
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert process.wait() == 0
    found = widths(shown.decode().replace("\r", ""))
    assert min(width, 120) - 20 < max(found) <= width


def test_a_narrow_table_says_what_it_leaves_out_and_has_both_bars_or_none(archspec_command):
    for width in range(40, 140, 10):
        out = archspec_command("table", "resnet18", env={"COLUMNS": str(width)}).out
        row = next(line for line in out.splitlines() if line.startswith("fc"))
        assert row.count("%") in (0, 2)
        assert ("Left out here: the shares" in out) == (row.count("%") == 0)
        assert ("MACs" in out.splitlines()[2]) != ("the shares, MACs" in out)
    assert "Left out here" not in archspec_command("table", "resnet18").out
    out = archspec_command("table", "lenet5", "--columns", "name,layer,input,output,weights,rf", env={"COLUMNS": "40"}).out
    assert "Left out here: rf, weights" in out


def test_a_layer_is_shortened_by_whole_arguments(archspec_command):
    out = archspec_command("table", "resnet18", env={"COLUMNS": "80"}).out
    assert "conv k=7 f=64 s=2 p=3 …  112x112x64" in out
    for line in out.splitlines():
        assert "…" not in line or re.search(r"[a-z0-9] …|\w=\w+…", line)


def test_brief_leaves_out_what_is_counted(archspec_command):
    for words in (["table", "lenet5"], ["compare", "lenet5", "vgg16", "alexnet"]):
        whole, brief = archspec_command(*words).out, archspec_command(*words, "--brief").out
        assert whole.count("Batch 1, inference.") == 1
        assert "Batch 1" not in brief
        assert whole.startswith(brief[: brief.rindex("\n", 0, -1)])


def test_kinds_have_the_colours_of_the_pictures(archspec_command):
    out = archspec_command("table", "lenet5", env={"FORCE_COLOR": "1", "COLORTERM": "truecolor"}).out
    for kind in ("convolution", "pooling", "activation", "fully connected"):
        red, green, blue = (int(readable(kind)[at : at + 2], 16) for at in (1, 3, 5))
        assert f"38;2;{red};{green};{blue}m" in out


@pytest.mark.parametrize("kind", KINDS)
def test_the_colour_of_a_kind_can_be_read_on_black_and_on_white(kind):
    assert contrast(readable(kind), "#000000") >= 3
    assert contrast(readable(kind), "#ffffff") >= 3
    assert len({readable(other) for other in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("text", "number"),
    [("25M", 25_000_000), ("4.1G", 4_100_000_000), ("25_000_000", 25_000_000), ("25,000,000", 25_000_000), ("0", 0), ("1.5k", 1500),
     ("2b", 2_000_000_000), ("0.5T", 500_000_000_000), ("7.10M", 7_100_000), ("123456", 123456)],
)  # fmt: skip
def test_counts_as_people_write_them(text, number):
    assert count(text) == number


@pytest.mark.parametrize("text", ["", "M", "1.5", "-3", "1e6", "1.2345k", "25 M", "²", "1__0", "9" * 60])
def test_what_is_no_count_is_refused(archspec_command, text):
    done = archspec_command("check", "lenet5", f"--max-params={text}")
    assert done.status == 2
    assert "expected a whole number such as 25M" in done.err


def test_a_budget_that_is_passed_is_an_error_in_every_format(archspec_command):
    assert archspec_command("check", "lenet5", "--max-params", "61706", "--max-macs", "416520").status == 0
    done = archspec_command("check", "lenet5", "--max-params", "60k", "--max-macs", "0.4M")
    assert done.status == 1
    assert "61,706 parameters, 1,706 more than the 60,000 that are allowed" in done.err
    assert "416,520 MACs, 16,520 more than the 400,000 that are allowed" in done.err
    assert "the largest layers: fc1 48,120 (78.0%), fc2 10,164 (16.5%), conv2 2,416 (3.9%)" in done.err
    found = json.loads(archspec_command("check", "lenet5", "--max-params", "60k", "--format", "json").out)
    assert [(d["severity"], d["line"]) for d in found if d["code"] == "A601"] == [("error", 14)]
    log = json.loads(archspec_command("check", "lenet5", "--max-params", "60k", "--format", "sarif").out)
    assert "A601" in [result["ruleId"] for result in log["runs"][0]["results"]]
    for format_ in ("concise", "github"):
        done = archspec_command("check", "lenet5", "--max-params", "60k", "--format", format_)
        assert (done.status, done.out.count("A601")) == (1, 1)


@pytest.mark.slow
def test_the_list_counts_as_analyze_does(archspec_command):
    import csv
    import io

    found = json.loads(archspec_command("list", "--format", "json").out)
    for entry in found[::5]:
        totals = archspec.analyze(archspec.load(entry["name"])).totals
        assert (entry["params"], entry["macs"]) == (totals.params, totals.macs)
    assert {entry["name"]: entry["top1"] for entry in found}["resnet50"] == 76.13
    assert all(entry["source"] for entry in found if entry["top1"] is not None)
    rows = list(csv.DictReader(io.StringIO(archspec_command("list", "--format", "csv").out)))
    assert [row["name"] for row in rows] == [entry["name"] for entry in found]
    assert archspec_command("list", "--format", "markdown").out.startswith("| name")


def test_the_list_is_sorted_and_limited(archspec_command):
    def names(*words):
        return [
            (e["params"], e["macs"], e["top1"], e["name"]) for e in json.loads(archspec_command("list", *words, "--format", "json").out)
        ]

    by_params = names("--sort", "params", "--max-params", "5M", "--max-macs", "0.4G")
    assert by_params == sorted(by_params)
    assert by_params and all(params <= 5_000_000 and macs <= 400_000_000 for params, macs, _, _ in by_params)
    accuracies = [top1 for _, _, top1, _ in names("--sort", "accuracy")]
    known = [top1 for top1 in accuracies if top1 is not None]
    assert known == sorted(known, reverse=True)
    assert accuracies[: len(known)] == known
    macs = [macs for _, macs, _, _ in names("resnet", "--sort", "macs")]
    assert len(macs) > 5 and macs == sorted(macs)


def test_the_page_of_a_layer(archspec_command):
    out = archspec_command("ops", "conv").out
    for words in (
        "conv k= f= s=1",
        "default 1",
        "(*S, C) -> (*S', f)",
        "prod(S')",
        "Dumoulin",
        "Conv2d",
        "Conv2D",
        "input 32x32x3",
        "456",
        "A203",
    ):
        assert words in out
    assert archspec_command("ops", "Conv2d").out == out
    assert archspec_command("ops", "nn.Linear").out.startswith("fc ")
    assert archspec_command("ops", "GlobalAveragePooling2D").out.startswith("gap")
    done = archspec_command("ops", "ConvLSTM2D")
    assert (done.status, "the language has no such layer" in done.err) == (2, True)
    done = archspec_command("ops", "comv")
    assert (done.status, "did you mean `conv`?" in done.err) == (2, True)


def test_every_layer_has_a_page_with_an_example():
    from archspec.cli.ops import _page
    from archspec.ops import STEPS

    for step in STEPS:
        _page(step)


def test_the_messages_about_a_layer(archspec_command):
    def codes(step):
        return {line.split()[0] for line in archspec_command("rule", step).out.splitlines()}

    assert codes("conv") >= {"A201", "A202", "A203", "A205", "A401"}
    assert codes("pool") >= {"A202", "A203", "A204"}
    assert "A203" not in codes("relu") | codes("fc")
    assert codes("bn") >= {"A401"}
    assert archspec_command("rule", "Conv2d").out == archspec_command("rule", "conv").out
    assert "did you mean `conv`?" in archspec_command("rule", "conw").err
    assert "did you mean `A203`?" in archspec_command("rule", "A2033").err


@pytest.mark.parametrize("width", WIDTHS)
def test_a_message_beside_a_result_is_folded_too(monkeypatch, capsys, width):
    """As those of `report` for what it cannot draw: all such messages are told by one function."""
    monkeypatch.setenv("COLUMNS", str(width))
    said = "unet: there are no volumes: volumes show a chain, but `down1.relu2` is read by `pool1` and `crop4`"
    tell(said)
    assert capsys.readouterr().err == f"archspec: {said}\n"  # in a log it is one line
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tell(said)
    found = re.sub("\x1b[^m]*m", "", capsys.readouterr().err)
    assert max(widths(found)) <= width
    assert found.split() == f"archspec: {said}".split()
    others = [path.name for path in (ROOT / "archspec" / "cli").glob("*.py") if "file=sys.stderr" in path.read_text(encoding="utf-8")]
    assert others == []


@pytest.mark.parametrize("text", ["input 8\nfc 3\n", "input 8x8x1\nbn\n", "input 8\nf: fc 3\n"])
@pytest.mark.parametrize("columns", [[], ["--columns", "name"], ["--columns", "name,params"], ["--columns", "op"]])
def test_the_row_of_sums_is_called_total_however_short_the_names_are(archspec_command, text, columns):
    assert "\ntotal" in archspec_command("table", "-", *columns, stdin=text).out
