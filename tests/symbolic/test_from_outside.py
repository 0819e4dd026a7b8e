"""Faults that a fresh user met, each as it was met."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import archspec
from archspec.symbolic.tracing import COUNTS
from archspec.views.variants import document, single


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "archspec", *words], capture_output=True, text=True, check=False, encoding="utf-8")


SHUFFLED = "param g = 1\ninput 16x16x12\nconv k=3 f=12 p=1 | relu\nshuffle g\nadaptpool 4\ngap\nfc 10"


def test_activations_are_those_of_a_table() -> None:
    found = archspec.sweep(archspec.loads(SHUFFLED), {"g": "{1,2,3,4}"}, "2..9")
    assert found.legal == 32
    for variant in found.variants():
        size = variant.values["H"]
        totals = archspec.analyze(archspec.loads(SHUFFLED, params={"g": variant.values["g"]}, inputs=f"{size}x{size}x12")).totals
        assert variant.counts == {name: getattr(totals, name) for name in COUNTS}


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "mobilenet_v2"])
def test_activations_of_a_formula(name: str) -> None:
    model = archspec.load(name)
    totals = archspec.analyze(model).totals
    found = archspec.formula(model, "H", COUNTS)()
    assert found == {count: getattr(totals, count) for count in COUNTS}


def test_a_formula_rounds_up_and_down() -> None:
    text = "param a = 1.0\ninput 8x8x4\nconv k=1 f=ceil(a*3)\nconv k=1 f=floor(a*8)\nfc 4"
    found = archspec.formula(archspec.loads(text), "a", "params")
    assert found(a=1.3) == {"params": archspec.analyze(archspec.loads(text, params={"a": 1.3})).totals.params}
    assert "ceil(a*3)" in str(found)


def test_neighbours_that_are_no_networks_are_no_plateau() -> None:
    """Of 1 to 12 only the divisors of 12 are networks: a row `1 to 12` would say more than is true."""
    found = archspec.find(archspec.loads(SHUFFLED), {"g": "1..12"}, smallest="g")
    assert [plateau.shown("g") for plateau in found] == ["1 to 4", "6", "12"]
    found = archspec.find(archspec.loads(SHUFFLED), {"g": "{1,2,3,4}"}, "4..6", where="g != 2", smallest="g")
    assert [(plateau.shown("g"), plateau.first.values["H"]) for plateau in found] == [
        ("1", 4), ("1", 5), ("1", 6), ("3 to 4", 4), ("3 to 4", 5), ("3 to 4", 6)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "where", ["", "params <", "params < 5\nparam x = 1", "g = 1", "params < 5 6", "nope < 3", "(1,2)", "g/0 > 1", "params", "2*H"]
)
def test_conditions_that_are_none(where: str) -> None:
    done = run("find", "lenet5", "--input", "28..40", "--where", where)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("archspec: ")


def test_find_says_how_many_meet_a_condition() -> None:
    assert "2 of 13 variants.\n" in run("find", "lenet5", "--input", "28..40", "--where", "H > 32").stdout


def test_csv_has_both_ends_of_a_plateau() -> None:
    words = ["find", "mobilenet_v2", "--set", "width=0.86:0.88:0.001", "--where", "params < 3e6", "--largest", "width"]
    lines = run(*words, "--format", "csv").stdout.splitlines()
    assert lines[0].startswith("width,width_to,params,macs")
    assert lines[1].startswith("0.863,0.874,2986392,255019248")
    assert run(*words, "--top", "0").returncode == 2


@pytest.mark.parametrize(
    ("spec", "variable", "condition"),
    [
        ("param x = -3\ninput 8x8x3\nfc 4\nfc 3 if x < 0", "x", "for x < 0"),
        ("param x = 0\ninput 8x8x3\nfc 4\nfc 3 if x < 1", "x", "for x < 1"),
        ("param x = 9000\ninput 8x8x3\nfc 4\nfc 3 if x > 5000", "x", "for x > 5,000"),
        ("param x = 9\ninput 8x8x3\nfc 4\nfc 3 if x < 5000", "x", "for x from 1 to 4,999"),
        ("param x = 9\ninput 8x8x3\nfc 4\nfc 3 if x < 4000", "x", "for x from 1 to 3,999"),
        ("param x = 9\ninput 8x8x3\nrepeat x: conv k=1 f=3 | relu\nfc 3 if x > 2", "x", "for x from 3 to 500,000"),
        ("param x = 9\nparam y = 0.5\ninput 8x8x3\nfc 3\nfc 4 if 1 - x < 0", "x", "for x from 2"),
        ("param x = 9\ninput 8x8x3\nfc 4\nfc 3 if x % 3 == 0", "x", "for x = 3k, from 3"),
    ],
)
def test_conditions_beyond_the_values_that_are_tried(spec: str, variable: str, condition: str) -> None:
    assert condition in str(archspec.formula(archspec.loads(spec), variable)).splitlines()


def test_a_formula_says_nothing_of_values_that_were_not_thought_of() -> None:
    spec = "param n = 5\ninput 64x64x3\nconv k=3 f=n\nfc 7 if n > 1000000\nfc 5"
    found = archspec.formula(archspec.loads(spec), "n,H")
    assert found(n=2_000_000) is None
    assert found(n=-4) is None
    assert found(H=-32) is None
    assert found(n=7.0) == found(n=7)
    for wrong in (7.5, "7", True, None):
        with pytest.raises(ValueError, match="`n` is a whole number, not"):
            found(n=wrong)
    scope: dict[str, object] = {}
    exec(found.to_python(), scope)
    counts = scope["counts"]
    assert callable(counts)
    assert counts(7, 64) == found(n=7)
    assert counts(2_000_000, 64) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "n=1:1e99999"], "numbers that are too large or too small"),
        (["--set", "n=1:1e999999999"], "numbers that are too large or too small"),
        (["--set", "n=1:2:1e-99999999"], "numbers that are too large or too small"),
        (["--set", "n=1..1000000000000", "--input", "1..1000000000000", "--random", "3"], "that can be drawn from"),
        (["--set", "word={a,b}", "--pareto", "word,params"], "`word` is no number"),
        (["--set", "word={a,b}", "--pareto", "word,params", "--format", "svg"], "`word` is no number"),
        (["--set", "n=1..2", "-o", "nowhere/x.csv"], "cannot write nowhere/x.csv"),
        (["--set", "n=1..2", "--pareto", ""], "there is no ``"),
    ],
)
def test_spaces_that_are_none(words: list[str], message: str, tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text('param n = 1\nparam word = "a"\ninput 8x8x3\nrepeat n: conv k=1 f=3\nfc 2', encoding="utf-8")
    done = run("sweep", str(spec), *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert message in done.stderr
    assert "fault of archspec" not in done.stderr


LISTS = "param fs = 8,16\nparam deep = yes\ninput 8x8x3\nrepeat 2: conv k=1 f=fs\nrelu if deep\nfc 2"


def test_lists_and_yes_among_alternatives() -> None:
    found = archspec.sweep(archspec.loads(LISTS), {"fs": "{(8,16),(4,5)}", "deep": "{yes,no}"})
    assert found.legal == 4
    rows = list(document(found.names, single(found.variants()), "csv", found))[0].splitlines()
    assert [row[: row.index(",", 7)] for row in rows[1:]] == ['"8,16",yes', '"8,16",no', '"4,5",yes', '"4,5",no']
    assert archspec.sweep(archspec.loads(LISTS), {"fs": [[8, 16], [4, 5]], "deep": True}).legal == 2
    with pytest.raises(ValueError, match="nothing varies"):
        archspec.sweep(archspec.loads(LISTS), inputs="8x8")
    with pytest.raises(ValueError, match="`deep` takes"):
        archspec.sweep(archspec.loads(LISTS), {"deep": [None]})


def test_a_param_called_as_a_count() -> None:
    """A column `layers` of the param and another one of the count would be mixed up."""
    spec = "param layers = 2\ninput 8x8x3\nrepeat layers: conv k=1 f=3\nfc 2"
    found = archspec.sweep(archspec.loads(spec), {"layers": "1..6"})
    assert [variant.values["layers"] for variant in found.where("layers <= 3").variants()] == [1, 2, 3]
    rows = next(iter(document(found.names, single(found.variants()), "csv", found))).splitlines()
    assert rows[0] == "layers,params,macs,flops,activations,buffers"
    assert rows[1].startswith("1,")


def test_two_sizes_of_one_letter() -> None:
    found = archspec.compile("input HxHx3 for H in 8..9, H in 9..10\nrelu").diagnostics
    assert [(each.code, each.message) for each in found] == [("A001", "the sizes of `H` are given twice")]


def test_each_budget_by_itself() -> None:
    found = archspec.compile("param expect = 3\ninput 8x8x3\nexpect nope > 1\nexpect params > expect\nexpect macs < 0\nfc 2").diagnostics
    assert [(each.code, each.span.line) for each in found if each.span is not None] == [("A106", 3), ("A602", 5)]


def test_a_mistake_of_another_file_is_told_with_it(tmp_path: Path) -> None:
    (tmp_path / "lib.arch").write_text("block b(n):\n  conv k=n f=3\n", encoding="utf-8")
    (tmp_path / "net.arch").write_text('use "lib.arch"\nparam k = 2\ninput 8x8x3\nb k\nfc 3\n', encoding="utf-8")
    assert "  line 2 of lib.arch, A202: 1" in archspec.sizes(archspec.load(tmp_path / "net.arch"))[0].lines()
    assert "fail at line 2 of lib.arch (A202)" in run("sweep", str(tmp_path / "net.arch"), "--set", "k=8..10").stdout


def test_what_only_warns_restricts_no_formula() -> None:
    assert archspec.formula(archspec.load("resnet50"), "H,W").conditions == []


def test_fmt_of_several_sizes(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text("input HxWx3   for  H in  8..64 step   4 ,W in 8..64 step 8\nrelu\n", encoding="utf-8")
    assert run("fmt", str(spec)).returncode == 0
    assert spec.read_text(encoding="utf-8") == "input HxWx3 for H in 8..64 step 4, W in 8..64 step 8\nrelu\n"
