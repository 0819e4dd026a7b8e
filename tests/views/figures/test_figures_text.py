"""What is written in pictures: captions, footers, names of what is folded, and the fonts of a PDF."""

from __future__ import annotations

import re
from html import unescape
from importlib.util import find_spec

import pytest

import archspec
from archspec.views import figures
from archspec.views.figures.look import Look
from archspec.views.figures.plan import Page
from archspec.views.graphics.text_width import leading, named, width
from tests.helpers.paths import SPECS
from tests.helpers.specs import few_quick


def texts(spec, kind, level="auto"):
    svg = figures.draw(archspec.loads(spec), kind, level).text
    return re.findall(r"<text[^>]*>([^<]*)<", svg)


@pytest.mark.parametrize(
    ("spec", "captions"),
    [
        ("input 100x4\nconv k=5 f=8\npool 2\n", ["5 conv", "2 max-pool"]),
        ("input 100x4\nconv k=5 f=8 s=5\n", ["5 conv, s=5"]),
        ("input 32x32x1\nconv k=5 f=8\npool 2\n", ["5×5 conv", "2×2 max-pool"]),
        ("input 32x32x1\nconv k=5x3 f=8\n", ["5×3 conv"]),
        ("input 6x32x32x1\nconv k=3 f=8\ndeconv k=2 s=2 f=3\n", ["3×3×3 conv", "2×2×2 deconv, s=2"]),
        ("input 6x32x32x1\npool w=1x2x2\n", ["1×2×2 max-pool"]),
    ],
)
def test_captions_have_a_size_per_axis(spec, captions):
    assert [text for text in texts(spec, "volumes") if re.match(r"[\d×]+ [a-z]", text)][1:] == captions  # the first is "2 layers"


def test_a_block_in_words_has_a_size_per_axis():
    spec = "block b(n):\n  conv k=3 f=n p=1 | relu\n  conv k=5 f=n p=2\ninput {}\nb 8\nb 16\n"
    for shape, words in (("40x4", "conv 3, 5"), ("40x40x4", "conv 3×3, 5×5"), ("8x8x8x4", "conv 3×3×3, 5×5×5")):
        assert words in re.sub("<[^>]*>", "\n", figures.draw(archspec.loads(spec.format(shape)), "bars", "block").text)


@pytest.mark.parametrize("spec", ["input 100x4\nconv k=5 f=8\nfc 3\n", "input 8\nfc 3\n", "input 8x8x1\nrelu | tanh | gap | fc 2\n"])
@pytest.mark.parametrize("kind", ["volumes", "bars"])
def test_footers_are_wrapped_and_never_cut(spec, kind):
    found = figures.draw(archspec.loads(spec), kind, "auto").text
    wide = float(re.search(r'width="([\d.]+)"', found)[1])
    assert "…" not in "".join(texts(spec, kind))
    for x, words in re.findall(r'<text x="([\d.]+)"[^>]*>([^<]*)<', found):
        assert "text-anchor" in words or float(x) <= wide
    lines = [words for words in texts(spec, kind) if "sheets" in words or "scale" in words or "left out" in words]
    assert all(width(line, 10) <= wide for line in lines)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("repeat 12: ln | conv k=3 f=4 p=1 | relu", "ln1 – relu12"),
        ("repeat 12: conv k=3 f=4 p=1 | relu", "conv1 – 12"),
        ("repeat 3:\n  conv k=3 f=4 p=1\n  repeat 2: ln | conv k=1 f=4", "conv1 – 9"),
    ],
)
def test_a_folded_repeat_is_named_from_its_first_layer_to_its_last(body, name):
    assert any(text.startswith(name) for text in texts(f"input 16x16x4\n{body}\n", "bars", "stage"))


KINDS = (*(("blocks", level) for level in ("group", "stage", "block", "part", "layer")), ("volumes", "auto"), ("bars", "auto"))
LOOKS = (Look(), Look(page=Page(right=True), style="boxes"))


@pytest.mark.parametrize("name", few_quick([path.stem for path in SPECS], ("siamese_koch", "lenet5_1998")))
def test_words_are_left_out_whole(name, networks):
    """Never a part of a name, of a number, of what is in brackets, or a number without what it counts."""
    for as_, level in KINDS:
        for look in LOOKS:
            for text in re.findall(r"<text[^>]*>(.*?)</text>", figures.draw(networks(name), as_, level, look).text):
                shown = unescape(re.sub("<[^>]*>", " ", text))
                assert not re.search(r"\S…|…[^ ]", shown), (as_, level, shown)
                assert not re.search(r", \d+ …", shown) and shown.count("(") == shown.count(")"), (as_, level, shown)


@pytest.mark.parametrize(
    ("text", "room", "wanted"),
    [
        ("4 conv, 2 attn, 4 linear", 105, "4 conv, 2 attn, …"),
        ("conv k=5 f=16 maps=((0,1,2), (1,2,3), (2,3,4))", 120, "conv k=5 f=16 …"),
        ("conv k=5 f=16 p=2 = twin.stage.0", 150, "conv k=5 … = twin.stage.0"),
        ("100 + 100 + 100 + 100 = 400", 110, "100 + 100 … = 400"),
    ],
)
def test_what_is_left_out(text, room, wanted):
    assert leading(text, room, 10) == wanted


def test_names_are_broken_after_dots():
    assert named("head.classification_head.module_list.0", 160, 10) == ["head.classification_head.", "module_list.0"]
    assert named("layers.encoder_layer_0 – 11", 140, 10) == ["layers.encoder_layer_0", "– 11"]
    assert named("inception3a.branch4.0 – 1.conv", 150, 9.5) == ["inception3a.branch4.0", "– 1.conv"]
    assert named("a" * 99, 60, 10) == ["aaaa…aa"]
    assert named("conv", 60, 10) == ["conv"]


@pytest.mark.skipif(find_spec("svglib") is None or find_spec("reportlab") is None, reason="svglib and reportlab make PDFs")
@pytest.mark.parametrize("kind", ["volumes", "bars"])
def test_every_font_of_a_pdf_is_embedded(kind):
    from archspec.views.graphics.convert import pdf

    content = pdf(figures.draw(archspec.load("lenet5"), kind, "auto").text)
    fonts = re.findall(rb"/BaseFont /(\S+)", content)
    assert fonts and all(re.fullmatch(rb"[A-Z]{6}\+BitstreamVera\S+", font) for font in fonts)
    assert content.count(b"/FontFile2") == len(set(fonts))
