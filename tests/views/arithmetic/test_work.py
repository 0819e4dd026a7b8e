"""Layers at work: the worked examples of five lectures, and the same numbers as PyTorch."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from random import Random

import pytest

import archspec
from archspec.diagnostics import SpecError
from archspec.views.arithmetic.matrices import read_matrices, shown
from tests.helpers.needs import pdflatex

PREWITT = [[-1, 0, 1]] * 3
SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
PART_2 = [[5, 1, 3, 5, 7, 9], [3, 4, 4, 0, 7, 8], [6, 1, 8, 6, 3, 4], [1, 3, 5, 8, 4, 6], [1, 7, 5, 3, 1, 2], [7, 2, 2, 6, 4, 6]]
"""The image of "Deep Learning: CNNs part 2" (Ted Scully)."""
BASICS = [[0, 25, 75, 80, 80], [0, 75, 80, 80, 80], [0, 75, 80, 80, 80], [0, 70, 75, 80, 80], [0, 0, 0, 0, 0]]
"""The image of "Deep Learning Basics: CNNs" (Red Hen Lab, 2019)."""


def numbers(text):
    return [[Fraction(value) for value in row.split()] for row in text.split("/")]


# The lectures' examples. What a slide prints wrong is in docs/lectures.md's manner: the value here is what the sums give.
LECTURES = {
    "Part 2, feature map: it prints 1 5 2 10 / 7": ("conv k=3", PART_2, PREWITT, (), "1 5 2 10 / 7 6 -3 4 / 10 6 -10 -5 / 3 5 -3 -3"),
    "Part 2, relu of it": ("conv k=3 | relu", PART_2, PREWITT, (), "1 5 2 10 / 7 6 0 4 / 10 6 0 0 / 3 5 0 0"),
    "Part 2, same padding": (
        "conv p=same", PART_2, PREWITT, (),
        "5 -1 0 7 12 -14 / 6 1 5 2 10 -17 / 8 7 6 -3 4 -14 / 11 10 6 -10 -5 -8 / 12 3 5 -3 -3 -9 / 9 -1 0 -2 -1 -5",
    ),
    "Part 2, max pooling": (
        "pool w=2 s=2", [*PART_2[:4], [1, 1, 5, 3, 1, 2], [1, 2, 2, 6, 4, 6]], None, (), "5 5 9 / 6 8 6 / 2 6 6",
    ),
    "Part 2, Pooling?": (
        "pool w=2 s=2",
        [[1, 2, 3, 0, 6, 4, 8, 5], [3, 9, 1, 3, 5, 7, 9, 7], [4, 3, 4, 4, 0, 7, 8, 1], [3, 6, 1, 8, 6, 3, 4, 7],
         [0, 1, 3, 5, 8, 4, 6, 3], [1, 1, 7, 5, 3, 1, 2, 4], [5, 7, 2, 2, 6, 4, 1, 1], [4, 2, 1, 2, 5, 3, 0, 0]],
        None, (), "9 3 7 9 / 6 8 7 8 / 1 7 8 6 / 7 2 6 1",
    ),
    "Basics, Sobel: it prints 335 for 315, 20 and 15 for 25": ("conv k=3", BASICS, SOBEL, (), "315 70 5 / 315 25 5 / 230 25 10"),
    "Basics, bias 5": ("conv k=3 | bias 5", BASICS, SOBEL, (), "320 75 10 / 320 30 10 / 235 30 15"),
    "Basics, bias of the layer": ("conv k=3", BASICS, SOBEL, 5, "320 75 10 / 320 30 10 / 235 30 15"),
    "Basics, padding 2 and stride 2": ("conv k=3 s=2 p=2", BASICS, SOBEL, (), "0 75 5 -80 / 0 315 5 -320 / 0 230 10 -240 / 0 0 0 0"),
    "VGG, ResNet, binary image": (
        "conv", [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]],
        [[1, 0, 1], [0, 1, 0], [1, 0, 1]], (), "4 3 4 / 2 4 3 / 2 3 4",
    ),
    "VGG, ResNet, three channels and a bias": (
        "conv",
        [[[0, 0, 0], [0, 156, 155], [0, 153, 154]], [[0, 0, 0], [0, 167, 166], [0, 164, 165]], [[0, 0, 0], [0, 163, 162], [0, 160, 161]]],
        [[[-1, -1, 1], [0, 1, -1], [0, 1, 1]], [[1, 0, 0], [1, -1, -1], [1, 0, -1]], [[0, 1, 1], [0, 1, 0], [1, -1, 1]]], 1, "-25",
    ),
    "STOR566, decimals": ("conv k=2", [[1, 0.5, 20], [0.25, 0, 0], [0, 0, 20]], [[1, 0.2], [0.2, 0]], (), "1.15 4.5 / 0.25 0"),
    "STOR566, two channels: it prints 56": (
        "conv k=2", [[[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]], [[[0, 1], [2, 3]], [[1, 2], [3, 4]]], (),
        "56 72 / 104 120",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LECTURES)
def test_the_examples_of_the_lectures(name):
    step, image, kernel, bias, result = LECTURES[name]
    made = archspec.work(step, image, kernel, bias)
    assert [[list(row) for row in matrix] for matrix in made.layers[-1].output] == [numbers(result)]


def test_sums_stand_as_in_the_lectures():
    text = archspec.work("conv k=3", PART_2, PREWITT).to_text()
    assert "row 1, column 1  (5·−1) + (1·0) + (3·1) + (3·−1) + (4·0) + (4·1) + (6·−1) + (1·0) + (8·1) = 1\n" in text
    assert "conv k=3 f=1: 6x6 -> 4x4, (6 - 3 + 2*0)/1 + 1 = 4\n" in text
    two = archspec.work(*LECTURES["STOR566, two channels: it prints 56"][:3], 1).to_text(unicode=False)
    assert "[(0*0) + (1*1) + (3*2) + (4*3)] + [(1*1) + (2*2) + (4*3) + (5*4)] + 1 = 57\n" in two
    assert two.isascii()
    assert "max(5, 1, 3, 4) = 5\n" in archspec.work("pool w=2 s=2", PART_2).to_text()
    assert "(5 + 1 + 3 + 4)/4 = 3.25\n" in archspec.work("avgpool w=2 s=2", PART_2).to_text()
    assert "max(0, −3) = 0\n" in archspec.work("relu", [[-3]]).to_text()
    assert "(1 + 2 + 2)/3 ≈1.667\n" in archspec.work("gap", [[1, 2, 2]]).to_text()


def every_sum(made):
    """Each sum of a text, computed, beside the number after it."""
    for line in made.to_text(unicode=False).splitlines():
        if found := re.match(r"(?:channel \d+, )?row \d+, column \d+  (.*) (?:=|~)(.*)$", line):
            yield eval(found[1].replace("[", "(").replace("]", ")"), {"max": lambda *values: max(values)}), float(found[2])


@pytest.mark.parametrize("name", LECTURES)
def test_every_sum_gives_its_number(name):
    step, image, kernel, bias, _ = LECTURES[name]
    made = archspec.work(step, image, kernel, bias)
    sums = list(every_sum(made))
    assert len(sums) == sum(len(layer.cells) for layer in made.layers)
    assert all(found == pytest.approx(value, rel=1e-3) for found, value in sums)


def drawn(random, *sizes):
    if len(sizes) == 1:
        return [random.choice((-2, -1, 0, 1, 2, 0.5)) for _ in range(sizes[0])]
    return [drawn(random, *sizes[1:]) for _ in range(sizes[0])]


@pytest.mark.parametrize("seed", range(60))
def test_numbers_are_those_of_pytorch(seed):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    functional = torch.nn.functional
    random = Random(seed)
    channels, filters, groups = random.choice([(1, 1, 1), (2, 3, 1), (4, 6, 2), (3, 3, 3)])
    high, wide, k, s = random.randint(5, 8), random.randint(5, 8), random.randint(1, 3), random.randint(1, 3)
    p, d, ceil = random.randint(0, k // 2), random.randint(1, 2), random.random() < 0.5
    image = drawn(random, channels, high, wide)
    x = torch.tensor(image, dtype=torch.float64)[None]
    rounding = f"round={'ceil' if ceil else 'floor'}"
    kind = ("conv", "pool", "avgpool")[seed % 3]
    if kind == "conv":
        kernel, bias = drawn(random, filters, channels // groups, k, k), drawn(random, filters)
        expected = functional.conv2d(x, torch.tensor(kernel, dtype=torch.float64), torch.tensor(bias, dtype=torch.float64), s, p, d, groups)
        step = f"conv k={k} s={s} p={p} d={d} g={groups} f={filters} round=floor"
        made = archspec.work(step, image, [matrix for stack in kernel for matrix in stack], bias)
    elif kind == "pool":
        expected = functional.max_pool2d(x, k, s, p, d, ceil_mode=ceil)
        made = archspec.work(f"pool w={k} s={s} p={p} d={d} {rounding}", image)
    else:
        counted = random.random() < 0.5
        expected = functional.avg_pool2d(x, k, s, p, ceil_mode=ceil, count_include_pad=counted)
        made = archspec.work(f"avgpool w={k} s={s} p={p} {rounding} count_pad={'yes' if counted else 'no'}", image)
    assert torch.allclose(torch.tensor(made.output, dtype=torch.float64), expected[0])
    assert made.to_svg() and made.to_html() and all(found == pytest.approx(value, rel=1e-3, abs=1e-9) for found, value in every_sum(made))


def test_more_layers():
    assert archspec.work("dwconv k=2", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]).output == [[[5]], [[13]]]
    assert archspec.work("gmp", [[1, 2], [3, 4]]).output == [[[4]]]
    assert archspec.work("relu6 | leaky 0.5 | abs", [[-3, 9]]).output == [[[0, 6]]]
    assert archspec.work("leaky 0.5", [[-3, 9]]).output == [[[-1.5, 9]]]
    assert archspec.work("conv k=3", [[1, 2, 3, 4]], [[1, 0, -1]]).output == [[[-2, -2]]]
    assert archspec.work("pool w=2", [[1, 2, 3, 4]]).output == [[[2, 4]]]
    numpy = pytest.importorskip("numpy", reason="NumPy is not installed")
    assert archspec.work("conv", numpy.arange(9).reshape(3, 3), numpy.ones((2, 2))).output == [[[8, 12], [20, 24]]]


def test_numbers_are_read_as_people_write_them():
    for text in ("1,2\n3,-4.5\n", "1;2\r\n3;-4.5", "1\t2\n3\t−4.5\n\n", " 1 2 \n 3   -45e-1 ", "[1, 2]\n[3, -4.5]\n"):
        assert read_matrices(text, "x") == (((1, 2), (3, Fraction(-9, 2))),), text
    assert read_matrices("1\n\n\n2\n", "x") == (((1,),), ((2,),))
    assert [shown(Fraction(value)) for value in ("-1/2", "0.05", "12.5", "1/3", "-7", "1/1024")] == [
        "-0.5", "0.05", "12.5", "≈0.3333", "-7", "0.0009765625",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no numbers"), ("1 2\n3\n", "line 2: expected 2 numbers as in the first row, found 1"), ("1 x", "expected a number, found `x`"),
        ("1 nan", "expected a number"), ("1e999999999", "expected a number"), ("1,,2", "expected a number, found ``"),
        ("1 2\n\n3\n", "line 3: expected 2"), ("1\n2\n\n3\n", "different sizes"), ("1 " * 5000, "more than 4,096 numbers"),
    ],
)  # fmt: skip
def test_what_is_no_matrix_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_matrices(text, "x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("conv k=3", PART_2), "needs a kernel"), (("tanh", PART_2), "sums can be written out, found `tanh`"), (("covn", PART_2), "did you mean `conv`"),
        (("", PART_2), "found ``"), (("relu", PART_2, PREWITT), "has no kernel"), (("pool w=2", PART_2, None, 5), "has no bias"),
        (("conv k=2", PART_2, PREWITT), "expected 1 matrix of 2x2, found 1 of 3x3"), (("conv f=2", PART_2, PREWITT), "expected 2 matrices"),
        (("conv", [PART_2, PART_2], PREWITT), "2 kernels per filter"), (("conv | conv", PART_2, PREWITT), "one convolution"),
        (("conv", PART_2, PREWITT, [1, 2]), "expected one bias"), (("bias 1 2", PART_2), "expected one bias"), (("bias x", PART_2), "no matrix of numbers"),
        (("conv p=99999999", PART_2, PREWITT), "too many"), (("conv p=100000 s=100000 round=floor", PART_2, PREWITT), "too many"),
        (("conv mode=reflect p=1", PART_2, PREWITT), "`mode` changes them"), (("relu", []), "no matrix"), (("relu", [[1], [2, 3]]), "different sizes"),
        (("relu", [["a"]]), "no matrix"), (("relu", 5), "no matrix"), (("|".join(["relu"] * 9), PART_2), "8 layers or fewer"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        archspec.work(*arguments)


@pytest.mark.parametrize(
    ("step", "code"), [("conv k=3 s=2", "A203"), ("conv k=7", "A202"), ("conv k=3 s=0", "A105"), ("conv k=3 g=2", "A205")]
)
def test_what_does_not_fit_has_a_diagnostic(step, code):
    with pytest.raises(SpecError) as found:
        archspec.work(step, PART_2, PREWITT)
    assert found.value.diagnostics[0].code == code


@pytest.fixture
def files(tmp_path):
    (tmp_path / "image.csv").write_text("\n".join(",".join(map(str, row)) for row in PART_2) + "\n")
    (tmp_path / "k.csv").write_text("-1 0 1\n-1 0 1\n-1 0 1\n")
    (tmp_path / "two.csv").write_text("1 2\n3 4\n")
    (tmp_path / "binary.csv").write_bytes(b"\x00\xff\x01")
    return tmp_path


def test_the_command(archspec_command, files):
    words = ("work", "conv k=3", "--image", "image.csv", "--kernel", "k.csv")
    made = archspec.work("conv k=3", PART_2, PREWITT)
    assert archspec_command(*words, cwd=files).out == made.to_text()
    assert archspec_command(*words, "--format", "latex", cwd=files).out == made.to_latex()
    other = archspec.work("conv k=3 s=3 p=3", PART_2, PREWITT, -5)
    assert (
        archspec_command(*words, "--s", "3", "--p", "3", "--bias", "-5", cwd=files).out.splitlines()[2:] == other.to_text().splitlines()[2:]
    )
    for ending in (".txt", ".tex", ".svg", ".html"):
        assert archspec_command(*words, "-o", f"x{ending}", cwd=files).status == 0
        made.save(files / f"y{ending}")
        assert (files / f"x{ending}").read_bytes() == (files / f"y{ending}").read_bytes()
    dark = archspec_command(*words, "--format", "svg", "--theme", "dark", cwd=files).out
    assert dark == made.to_svg("dark") != made.to_svg()
    piped = archspec_command("work", "relu", "--image", "-", stdin="1 -2\n")
    assert "max(0, −2) = 0" in piped.out
    three = archspec_command("work", "gap", "--image", "two.csv", "--image", "two.csv", cwd=files)
    assert "channel 2" in three.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("conv k=3", "--image", "missing.csv"), "cannot read missing.csv"), (("conv k=3",), "expected --image"),
        (("conv k=3", "--image", "binary.csv"), "cannot read binary.csv: "), (("conv k=3", "--image", "."), "cannot read ."),
        (("conv k=3", "--image", "image.csv", "--kernel", "binary.csv"), "cannot read binary.csv"), (("conv k=3", "--image", "image.csv"), "needs a kernel"),
        (("conv", "--image", "two.csv", "--kernel", "k.csv"), "a window of 3 is larger than the height of 2"),
        (("conv", "--image", "image.csv", "--image", "two.csv"), "of one size, found 6x6 in image.csv and 2x2 in two.csv"),
        (("pool", "--image", "image.csv"), "error["), (("pool w=4 s=4", "--image", "image.csv"), "does not fit"),
        (("relu", "--image", "-", "--image", "-"), "read once"), (("conv", "--image", "image.csv", "--kernel", "k.csv", "--bias", "x"), "expected a number"),
        (("conv", "--image", "image.csv", "--kernel", "k.csv", "--s", "x"), "whole number"), (("relu", "--image", "image.csv", "-o", "x.doc"), "as .txt"),
        (("relu", "--image", "image.csv", "-o", "missing/x.txt"), "cannot write"), (("conv\nexpect 1 > 2", "--image", "image.csv", "--kernel", "k.csv"), ""),
    ],
)  # fmt: skip
def test_bad_input_is_reported_with_status_2(words, message, archspec_command, files):
    done = archspec_command("work", *words, cwd=files)
    assert (done.status, done.out) == (2, "")
    assert message in done.err and "Traceback" not in done.err


@pdflatex
@pytest.mark.slow
def test_latex_compiles(tmp_path):
    body = "\n".join(archspec.work(step, image, kernel, bias).to_latex() for step, image, kernel, bias, _ in LECTURES.values())
    body += archspec.work("leaky 0.1 | relu6 | abs", [[-1, 2]]).to_latex() + archspec.work("gap", [[1, 2, 2]]).to_latex()
    (tmp_path / "t.tex").write_text(
        f"\\documentclass{{article}}\n\\usepackage[T1]{{fontenc}}\n\\begin{{document}}\n{body}\\end{{document}}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.slow
def test_the_page_plays_the_sums(visit):
    made = archspec.work("conv k=3 p=1 | relu | pool w=2 s=2", PART_2, PREWITT)
    tab = visit(made.to_html())
    first, *_, last = (tab.locator(".stepper").nth(at) for at in range(3))
    sums = [line.replace("  ", ": ", 1) for line in made.to_text().splitlines() if line.startswith("row")]
    assert first.locator(".told").inner_text() == sums[0]
    assert first.locator("svg g.lit").count() == 9 + 1
    first.locator("[data-do=next]").click()
    assert first.locator(".told").inner_text() == sums[1]
    first.locator("[data-do=back]").click()
    first.locator("[data-do=back]").click()
    assert first.locator(".told").inner_text() == sums[35]
    first.locator("[data-frame='7']").hover()
    assert first.locator(".told").inner_text() == sums[7]
    last.locator("[data-frame]").last.click()
    assert last.locator(".told").inner_text() == sums[-1]
    assert last.locator("svg g.lit").count() == 4 + 1
    first.locator("[data-do=play]").click()
    tab.wait_for_function("words => document.querySelector('.told').textContent === words", arg=sums[9], timeout=8000)
    first.locator("[data-do=play]").click()
    assert first.locator("[data-do=play]").inner_text() == "Play"
    assert tab.locator("li").count() == len(sums)
