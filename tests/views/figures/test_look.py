"""Pictures for slides and papers: parts alone, without what is around, at a size, in other colours."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import nullcontext
from importlib.util import find_spec

import pytest

import archspec
from archspec.cli import main as cli
from archspec.views.figures import draw
from archspec.views.figures.look import Look, colours
from archspec.views.theme import THEMES
from tests.helpers.hostile_names import HOSTILE, hostile
from tests.helpers.needs import pdflatex
from tests.helpers.svg import Drawn, check, check_safe
from tests.helpers.wires import boxes, lines


def names(picture):
    return [name for name, _ in boxes(picture)]


def test_a_part_alone(networks):
    picture = check(archspec.draw(networks("googlenet"), part="inception3a"))
    rows = [row for row in archspec.analyze(networks("googlenet")).layers if row.name.startswith("inception3a.")]
    assert sorted(names(picture)) == sorted([*(row.name for row in rows), "pool2", "inception3b.branch1.conv"])
    assert sum(int(node.get("data-params")) for node in picture.find("node")) == sum(row.params for row in rows)
    assert sum(int(node.get("data-macs")) for node in picture.find("node")) == sum(row.macs for row in rows)
    words = "".join(picture.root.itertext())
    assert "GoogLeNet: inception3a" in words and f"{sum(row.params for row in rows):,} parameters" in words
    branches = {head for tail, head, _ in lines(picture) if tail == "pool2"}
    assert branches == {"inception3a.branch1.conv", "inception3a.branch2.0.conv", "inception3a.branch3.0.conv", "inception3a.branch4.0"}


@pytest.mark.parametrize("level", ["layer", "part", "block"])
def test_a_part_has_what_it_reads_and_what_reads_it_as_its_ends(networks, level):
    picture = check(archspec.draw(networks("resnet50"), level=level, part="layer2"))
    ends = [node.get("data-form") for node in picture.find("node") if node.get("data-form") in ("input", "output")]
    assert ends == ["input", "output"]
    assert all(name.startswith("layer2.") for name in names(picture)[1:-1])


def test_a_part_that_is_folded_is_drawn_finer(networks):
    found = draw(networks("resnet50"), level="stage", part="layer3.4")
    assert found.notes == ("`layer3.4` is folded at level stage; drawn at level block",)
    assert names(Drawn(found.text)) == ["layer3.3", "layer3.4", "layer3.5"]


def test_a_part_that_is_not_there(networks, capsys):
    with pytest.raises(ValueError, match="there is no layer `layer9`"):
        archspec.draw(networks("resnet50"), part="layer9")
    assert cli.run(["draw", "resnet50", "layer9"]) == 2
    assert "there is no layer `layer9`" in capsys.readouterr().err
    assert cli.run(["draw", "resnet50", "layer1", "--as", "bars"]) == 2
    assert "--as blocks" in capsys.readouterr().err
    with pytest.raises(ValueError, match="as blocks"):
        archspec.draw(networks("resnet50"), "bars", part="layer1")


@pytest.mark.parametrize("kind", ["blocks", "volumes", "bars"])
def test_what_is_around_a_picture(networks, kind):
    network = networks("lenet5")
    whole, plain = (archspec.draw(network, kind, title=seen, legend=seen, transparent=not seen) for seen in (True, False))
    assert "LeNet-5" in "".join(re.findall(r"<text[^>]*>([^<]*)<", whole)) and "LeNet-5" not in "".join(
        re.findall(r"<text[^>]*>([^<]*)<", plain)
    )
    assert "<title>LeNet-5</title>" in plain, "for readers who do not see the picture"
    assert plain.height < whole.height - 40
    assert f'fill="{THEMES["light"].page}"' in whole and '<rect y="46" width=' in plain and 'fill="none"/>' in plain
    if kind == "blocks":
        assert ">pooling<" in whole and ">pooling<" not in plain


def test_sizes(networks):
    network = networks("lenet5")
    usual = archspec.draw(network)
    wide, large = archspec.draw(network, width=1000), archspec.draw(network, font_size=21)
    assert wide.width == 1000 and wide.height == pytest.approx(usual.height * 1000 / usual.width, abs=0.01)
    assert (large.width, large.height) == pytest.approx((2 * usual.width, 2 * usual.height))
    view = re.compile(r'viewBox="[^"]*"')
    assert view.search(wide)[0] == view.search(usual)[0] == view.search(large)[0]


def test_the_page_that_is_filled(networks):
    """A narrow page is filled by one column, a wide one by several."""
    shapes = [archspec.draw(networks("vgg16"), level="part", aspect=aspect) for aspect in (0.2, 1.0, 4.0)]
    assert sorted(shape.width / shape.height for shape in shapes) == [shape.width / shape.height for shape in shapes]
    assert shapes[0].width < shapes[0].height and shapes[2].width > 1.3 * shapes[2].height


def test_colours(networks, tmp_path, capsys):
    theme = colours(THEMES["light"], 'convolution = "#ff0000"\n"fully connected" = "#00ff00"\n')
    text = draw(networks("lenet5"), look=Look(theme)).text
    assert "#ff0000" in text and "#00ff00" in text and THEMES["light"].accent["convolution"] not in text
    file = tmp_path / "colours.toml"
    for wrong, told in (('conv = "#ff0000"', "no kind of layer `conv`"), ('pooling = "red"', "#005b94"), ("pooling = ", "TOML")):
        file.write_text(wrong, encoding="utf-8")
        assert cli.run(["draw", "lenet5", "--colors", str(file)]) == 2
        assert told in capsys.readouterr().err
    assert cli.run(["draw", "lenet5", "--colors", str(tmp_path / "none.toml")]) == 2
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--aspect", "wide"], ["--width", "-3"], ["--font-size", "big"], ["--width", "9", "--font-size", "9"]])
def test_wrong_numbers_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) if len(wrong) == 2 else nullcontext():
        assert cli.run(["draw", "lenet5", *wrong]) == 2
    assert "found `" in (err := capsys.readouterr().err) or "give one of them" in err


@pytest.mark.skipif(find_spec("resvg_py") is None or find_spec("svglib") is None, reason="the extra `figures` is not installed")
def test_plain_pictures_are_converted(tmp_path):
    for form, start in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        out = tmp_path / f"a.{form}"
        assert cli.run(["draw", "lenet5", "--no-title", "--no-legend", "--width", "300", "-o", str(out)]) == 0
        assert out.read_bytes().startswith(start)
    assert b"/FontFile2" in out.read_bytes(), "its fonts are embedded"


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "unet"])
def test_tikz_has_all_boxes_and_arrows(networks, name, tmp_path):
    drawing = archspec.draw(networks(name), level="part", title=False)
    drawing.save(tmp_path / "a.tex")
    text, picture = (tmp_path / "a.tex").read_text(encoding="utf-8"), Drawn(drawing.replace(" 46 ", " 0 ", 1))
    assert text.isascii() and text.count("{") == text.count("}")
    scopes = re.findall(r"local bounding box=(\w+)", text)
    assert [scope for scope in scopes if scope[1:].isdigit()] == [node.get("data-id") for node in picture.find("node")]
    assert len([scope for scope in scopes if scope.startswith("edge")]) == len(picture.find("edge"))
    named = set(re.findall(r"\\definecolor\{(\w+)\}", text))
    assert {"convolution", "convolutiontint", "ink"} <= named and set(re.findall(r"(?:draw|fill|text)=(\w+)", text)) <= named
    assert networks(name).name not in re.findall(r"\{[^{}]*\}", text), "without its title"


@pytest.mark.slow
@pdflatex
@pytest.mark.skipif(
    shutil.which("kpsewhich") is None or not subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True).stdout,
    reason="there is no TikZ",
)
def test_tikz_compiles(tmp_path):
    archspec.draw(hostile(HOSTILE["quotes"], archspec.load("resnet18"))).save(tmp_path / "a.tex")
    whole = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{tikz}\begin{document}\input{a}\end{document}"
    (tmp_path / "t.tex").write_text(whole, encoding="utf-8")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-500:]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--as", "bars", "--aspect", "4:3"), "--aspect goes with `--as blocks` or `--as volumes`, not with `--as bars`"),
        (("--as", "bars", "--direction", "right"), "--direction goes with `--as blocks` or `--as volumes`, not with `--as bars`"),
        (("conv1", "--as", "window", "--level", "part"), "--level goes with `--as blocks`, `--as volumes`"),
        (("--field", "conv2", "--aspect", "4:3"), "--aspect goes with `--as blocks` or `--as volumes`, not with `--field`"),
        (("--animate",), "--animate goes with `--as window`, not with `--as blocks`"),
        (("--width", "300", "-o", "x.dot"), "--width has no effect in .dot"),
        (("conv1", "--as", "window", "--no-title", "-o", "x.html"), "--no-title has no effect in .html"),
    ],
)
def test_options_without_effect_are_refused(archspec_command, words, message):
    done = archspec_command("draw", "lenet5", *words)
    assert done.status == 2 and message in done.err


@pytest.mark.parametrize("words", [("conv1", "--as", "window"), ("--field", "conv2")])
def test_windows_and_fields_look_as_asked(archspec_command, tmp_path, words):
    (tmp_path / "ours.toml").write_text('convolution = "#123456"\n"fully connected" = "#123456"\n')
    plain = archspec_command("draw", "lenet5", *words).out
    asked = ("--width", "300", "--no-title", "--transparent", "--colors", "ours.toml")
    text = archspec_command("draw", "lenet5", *words, *asked, cwd=tmp_path).out
    check_safe(text)
    assert 'width="300"' in text and 'fill="none"' in text and "#123456" in text and "#123456" not in plain
    assert 'font-size="18"' in plain and 'font-size="18"' not in text
