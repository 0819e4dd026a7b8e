"""The arithmetic of layers as LaTeX and as a figure: the numbers of `explain`, typeset."""

from __future__ import annotations

import subprocess

import pytest

import archspec
from archspec.views.tables.columns import spaced
from archspec.views.tables.typeset import typeset
from tests.helpers.hostile_names import HOSTILE, hostile
from tests.helpers.needs import pdflatex
from tests.helpers.svg import check


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("28*28*6*5*5*1 = 117,600", r"$28 \times 28 \times 6 \times 5 \times 5 \times 1 = 117{,}600$"),
        ("(5*5*1 + 1)*6 = 156: 150 weights + 6 biases", r"$(5 \times 5 \times 1 + 1) \times 6 = 156$: 150 weights + 6 biases"),
        ("(W - F + 2P)/S + 1: (32 - 5)/1 + 1 = 28", "$(W - F + 2P)/S + 1$: $(32 - 5)/1 + 1 = 28$"),
        ("(56x56x64 to 7x7: 1,024 * 4)", r"($56 \times 56 \times 64$ to $7 \times 7$: $1{,}024 \times 4$)"),
        ("Q K^T / sqrt(64): 12 x 197x197", r"$Q K^T / \mathrm{sqrt}(64)$: $12 \times 197 \times 197$"),
        ("from layer2.0.bn2, conv1_2", r"from layer2.0.bn2, conv1\_2"),
        ("2 per MAC", "2 per MAC"),
        ("fully-connected A/B at 1e-5", "fully-connected A/B at 1e-5"),
        ("unclosed (3 + 4", r"unclosed ($3 + 4$"),
    ],
)
def test_formulas_within_texts_are_typeset(text, wanted):
    assert typeset(text) == wanted


def test_a_table_typesets_shapes_and_formulas_alone(archspec_command):
    made = archspec_command("table", "lenet5", "--format", "latex", "--columns", "name,layer,output,params,macs-work").out
    assert r"conv1 & conv k=5 f=6 & $28 \times 28 \times 6$ & 156 & $28 \times 28 \times 6 \times 5" in made
    assert r"\times 1 = 117{,}600$" in made, "thousands are set apart, as in explain"


def test_only_whole_numbers_are_set_apart():
    assert spaced("28*28*6 = 117600; 0.04419417") == "28*28*6 = 117,600; 0.04419417"


@pytest.mark.parametrize("name", ["lenet5", "vit_b_16", "unet"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_says_what_the_text_says(networks, name, theme):
    found = archspec.explain(networks(name))
    words = "".join(check(found.to_svg(theme)).root.itertext())
    for layer in found[:40]:
        assert layer.row.written.split()[0] in words
        assert all(step.text.replace("x", "×") in words.replace("x", "×") for step in layer.steps)


@pdflatex
@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet5", "bert_base", "resnet18"])
def test_latex_compiles(networks, name, tmp_path):
    found = archspec.explain(hostile(HOSTILE["quotes"], archspec.load(name)))
    document = r"\documentclass{article}\usepackage[T1]{fontenc}\begin{document}" + found.to_latex() + r"\end{document}"
    (tmp_path / "x.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "x.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0 and "Output written on x.pdf" in done.stdout, done.stdout[-800:]


def test_the_command(archspec_command, networks, tmp_path):
    found = archspec.explain(networks("lenet5"), "conv1")
    assert archspec_command("explain", "lenet5", "conv1", "--format", "latex").out == found.to_latex()
    assert archspec_command("explain", "lenet5", "conv1", "--theme", "dark", "--format", "svg").out == found.to_svg("dark")
    for ending, begins in ((".svg", b"<svg"), (".tex", b"%"), (".txt", b"conv1: conv")):
        assert archspec_command("explain", "lenet5", "conv1", "-o", f"x{ending}", cwd=tmp_path).status == 0
        assert (tmp_path / f"x{ending}").read_bytes().startswith(begins)
    refused = archspec_command("explain", "lenet5", "-o", "x.gif")
    assert refused.status == 2 and "as .txt, .tex, .svg" in refused.err
