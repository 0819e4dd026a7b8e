"""Feature maps as sheets and as boxes: every network is drawn, and sizes, channels and links are those of the network."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import combinations, pairwise
from math import sqrt

import pytest

import archspec
from archspec.cli import main as cli
from archspec.views.figures.build import build
from archspec.views.figures.runs import gathered
from tests.helpers.hostile_names import HOSTILE, hostile
from tests.helpers.needs import pdflatex
from tests.helpers.paths import SPECS
from tests.helpers.specs import QUICK, few_quick
from tests.helpers.svg import SVG, Drawn, check, extents, overlap
from tests.helpers.wires import lines

STYLES = ("sheets", "boxes")


def drawn(network, style="boxes", level="auto", **look):
    return check(archspec.draw(network, "volumes", level, style=style, **look))


def shapes(picture):
    """The name, the shape and the extent of each volume."""
    for volume in picture.find("volume"):
        spots = [spot for tag in ("rect", "polygon") for e in volume.iter(f"{SVG}{tag}") for spot in corners(e)]
        xs, ys = zip(*spots, strict=True)
        shape = tuple(map(int, volume.get("data-shape").split("×")))
        yield volume.get("data-name"), shape, (min(xs), min(ys), max(xs), max(ys))


def corners(element):
    if element.tag == f"{SVG}polygon":
        return [tuple(map(float, pair.split(","))) for pair in element.get("points").split()]
    x, y, wide, high = (float(element.get(name)) for name in ("x", "y", "width", "height"))
    return [(x, y), (x + wide, y + high)]


def words(picture):
    return ["".join(e.itertext()) for e in picture.root.iter(f"{SVG}text")]


def front(volume):
    """Width and height of the front of a box."""
    face = next(e for e in volume.iter(f"{SVG}polygon") if e.get("fill-opacity") == "0.42")
    (x0, y0), _, (x1, y1), _ = corners(face)
    return x1 - x0, y1 - y0


# every network, in both styles


@pytest.mark.parametrize("name", few_quick([path.stem for path in SPECS], QUICK))
@pytest.mark.parametrize("style", STYLES)
def test_every_network_is_drawn(name, style, networks):
    network = networks(name)
    picture = drawn(network, style)
    assert archspec.draw(network, "volumes", style=style) == archspec.draw(network, "volumes", style=style)
    cells = [rect_of(cell) for cell in picture.find("cell")]
    assert not [pair for pair in combinations(cells, 2) if overlap(*pair)], "volumes with their words are on others"
    for name_, _, rect in shapes(picture):
        texts = [box for box, _, e in picture.texts(1.25) if (owner := picture.owner(e)) is not None and owner.get("class") == "cell"]
        assert not [box for box in texts if overlap(box, (rect[0] + 1, rect[1] + 1, rect[2] - 1, rect[3] - 1))] or style == "boxes", name_
    rows = {row for e in picture.root.iter() if e.get("data-rows") for row in numbers(e.get("data-rows"))}
    wanted = {at for at, row in enumerate(archspec.analyze(network).layers) if not row.training}
    assert rows == wanted, "each layer belongs to a volume"


def rect_of(cell):
    spots = [*extents(Part(cell))]
    xs, ys = zip(*spots, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


class Part:
    def __init__(self, root):
        self.root = root


def numbers(text):
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("style", STYLES)
def test_volumes_are_the_shapes_of_the_network(style, theme, networks):
    network = networks("vgg16")
    picture = drawn(network, style, theme=theme)
    rows = {row.name: row.output for row in archspec.analyze(network).layers}
    for name, shape, _ in shapes(picture):
        assert name == "input" or shape == tuple(rows[name])


# sizes


def test_maps_shrink_and_channels_grow(networks):
    """Fronts are as wide as the root of the channels and as high as the root of the height."""
    picture = drawn(networks("vgg16"))
    found = [(tuple(map(int, v.get("data-shape").split("×"))), front(v)) for v in picture.find("volume") if "conv" in tip(v)]
    assert len(found) == 13
    for ((high, _, channels), (wide, tall)), ((high2, _, channels2), (wide2, tall2)) in pairwise(found):
        assert wide2 / wide == pytest.approx(sqrt(channels2 / channels), rel=0.02)
        assert tall2 / tall == pytest.approx(sqrt(high2 / high), rel=0.02)


def tip(volume):
    return volume.find(f"{SVG}title").text


def test_sheets_are_as_many_as_channels(networks):
    for volume in drawn(networks("lenet5"), "sheets").find("volume"):
        sheets = [e for e in volume.iter(f"{SVG}rect") if e.get("class") == "sheet"]
        *spatial, channels = map(int, volume.get("data-shape").split("×"))
        assert len(sheets) == (min(channels, 8) if spatial else 0) == int(volume.get("data-sheets"))
        if spatial:
            assert float(sheets[0].get("height")) / float(sheets[0].get("width")) == pytest.approx(spatial[0] / spatial[1], rel=0.02)


def test_vgg16_is_few_shapes(networks):
    for style in STYLES:
        picture = drawn(networks("vgg16"), style)
        assert len([e for e in picture.root.iter() if e.tag.removeprefix(SVG) in ("rect", "path", "polygon", "circle")]) <= 500
        assert len(picture.find("volume")) == 1 + 13 + 5 + 1 + 1 + 3  # with flatten


def test_lenet5_is_the_textbook_figure(networks):
    found = words(drawn(networks("lenet5"), "sheets"))
    for label in (
        "1@32×32",
        "6@28×28",
        "6@14×14",
        "16@10×10",
        "16@5×5",
        "400",
        "120",
        "84",
        "10",
        "5×5 conv",
        "2×2 average pool",
        "flatten",
    ):
        assert label in found
    assert any("square-root scale" in word for word in found)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("textcnn", {"3 conv", "4 conv", "5 conv"}), ("resnet3d_18", {"3×7×7 conv, s=1×2×2", "3×3×3 conv"})],
)
def test_captions_have_as_many_sizes_as_axes(name, wanted, networks):
    found = {word.split(", bn")[0].split(", relu")[0] for word in words(drawn(networks(name)))}
    assert wanted <= found


# branches


CONSTRUCTS = {
    "chain": ("input 8x8x4\nconv k=3 f=6 p=1 | relu\npool 2\nconv k=3 f=9 p=1\nflatten\nfc 3", "input+conv1 pool1+conv2 flatten fc1"),
    "residual": ("input 8x8x4\nresidual:\n  conv k=3 f=4 p=1 | bn | relu\n  conv k=3 f=4 p=1\nrelu", "input conv1+conv2 add1"),
    "before": ("input 8x8x4\nx: conv k=1 f=4\nresidual:\n  bn | relu\n  conv k=3 f=4 p=1\ngap", "input+x conv2 add1 gap1"),
    "branches": ("input 8x8x4\nconcat:\n  a: conv k=1 f=6\n  b: conv k=3 f=2 p=1\n  c: conv k=1 f=2", "input a b c concat1"),
    "up": (
        "input 8x8x4\na: conv k=1 f=4\npool 2\nb: conv k=1 f=4\npool 2\nconv k=1 f=4\nupsample 2\nconcat b\nupsample 2\nconcat a\nrelu",
        "input+a pool1+b pool2+conv3 concat1 concat2",
    ),
    "two inputs": ("a: input 8\nb: input 8\nfrom a | fc 4 | relu\nadd:\n  skip\n  from b | fc 4", "a b fc1 fc2 add1"),
    "two outputs": ("input 8\nx: fc 4 | relu\ny: fc 3\nz:\n  from x | fc 2\noutput y\noutput z", "input x.0 y z"),
}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_what_is_placed_as_one(name):
    text, wanted = CONSTRUCTS[name]
    network = archspec.loads(text)
    _, runs = gathered(build(network, "part"), 10)
    assert " ".join("+".join(box.name for box in run) for run in runs.values()) == wanted
    for style in STYLES:
        picture = drawn(network, style, "part")
        assert {name for name, _, _ in shapes(picture)} | {e.get("data-name") for e in picture.find("sign")} == set(
            wanted.replace("+", " ").split()
        )


def test_arrows_are_those_of_the_network(networks):
    """Between the volumes of an Inception module and of a residual block."""
    links = {(tail, head) for tail, head, _ in lines(drawn(networks("googlenet"), level="part", part="inception3a"))}
    assert {tail for tail, head in links if head == "inception3a.concat1"} == {
        "inception3a.branch1.conv", "inception3a.branch2.0.conv", "inception3a.branch3.0.conv", "inception3a.branch4.0",
    }  # fmt: skip
    links = {(tail, head) for tail, head, _ in lines(drawn(networks("resnet18"), level="part"))}
    assert {tail for tail, head in links if head == "layer1.1.add1"} == {"layer1.0.add1", "layer1.1.conv1"}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["unet", "unet_padded", "segnet"])
def test_the_levels_of_a_u_are_level(name, style, networks):
    picture = drawn(networks(name), style)
    across = [spots for _, _, spots in lines(picture) if spots[-1][0] - spots[0][0] > 60]
    bent = [spots for spots in across if max(y for _, y in spots) - min(y for _, y in spots) > 0.6]
    assert len(across) - len(bent) >= 4 and len(bent) == 1, "all but what goes round the bend"
    middle = picture.width / 2
    high = {
        side: [rect[1] for _, shape, rect in shapes(picture) if (rect[0] > middle) == side and len(shape) == 3] for side in (True, False)
    }
    assert abs(min(high[True]) - min(high[False])) < 60, "both arms begin at the top"


def test_auxiliary_heads_are_left_out(networks):
    assert not [name for name, *_ in shapes(drawn(networks("googlenet"), level="part")) if name.startswith("aux")]


# slides and papers


def test_the_page_that_is_filled(networks):
    """A slide takes rows that a strip does not need."""
    slide, strip = (drawn(networks("resnet50"), level="part", aspect=aspect) for aspect in (16 / 9, 20.0))
    assert slide.width / slide.height < strip.width / strip.height


def test_usage(capsys, tmp_path):
    assert cli.run(["draw", "lenet5", "--style", "boxes"]) == 2
    assert "--as volumes" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no `bricks`"):
        archspec.draw(archspec.load("lenet5"), "volumes", style="bricks")
    out = tmp_path / "a.svg"
    given = ["--as", "volumes", "--style", "boxes", "--no-title", "--no-legend", "--transparent", "--width", "700", "-o", str(out)]
    assert cli.run(["draw", "googlenet", "inception3a", *given]) == 0
    text = out.read_text(encoding="utf-8")
    found = re.findall(r"<text[^>]*>([^<]*)<", text)
    assert ' width="700"' in text and "28×28" in found and not [word for word in found if "GoogLeNet" in word or "square-root" in word]


@pytest.mark.parametrize("kind", ["volumes", "bars"])
def test_tikz_has_all_words_and_shapes(kind, tmp_path, networks):
    picture = archspec.draw(networks("resnet18"), kind, style="boxes")
    picture.save(tmp_path / "a.tex")
    text = (tmp_path / "a.tex").read_text(encoding="utf-8")
    elements = [e.tag.removeprefix(SVG) for e in Drawn(picture).root.iter()]
    assert text.count(r"\node[") == elements.count("text")
    assert text.count(r"\path[") == sum(tag in ("rect", "path", "polygon", "circle") for tag in elements) - 1  # the ground
    assert text.isascii() and text.count("{") == text.count("}")
    named = set(re.findall(r"\\definecolor\{(\w+)\}", text))
    assert "convolution" in named and set(re.findall(r"(?:draw|fill|text)=(\w+)", text)) <= named
    assert cli.run(["draw", "resnet18", "--as", kind, "-o", str(tmp_path / "b.tex")]) == 0


@pytest.mark.slow
@pdflatex
@pytest.mark.skipif(
    shutil.which("kpsewhich") is None or not subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True).stdout,
    reason="there is no TikZ",
)
def test_tikz_compiles(tmp_path):
    archspec.draw(hostile(HOSTILE["quotes"], archspec.load("resnet18")), "volumes", style="boxes").save(tmp_path / "a.tex")
    whole = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{tikz}\begin{document}\input{a}\end{document}"
    (tmp_path / "t.tex").write_text(whole, encoding="utf-8")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-500:]


def test_an_activation_behind_a_sum_is_seen(networks):
    """ResNet-18 has a relu behind each of its eight sums, MobileNetV2 none."""
    assert [len(drawn(networks(name), level="part").find("rim")) for name in ("resnet18", "mobilenet_v2")] == [8, 0]


@pytest.mark.parametrize("style", STYLES)
def test_volumes_go_down(style, networks):
    """What follows is below; no word is on another, and none outside."""
    tops = [extent[1] for _, _, extent in shapes(drawn(networks("lenet5"), style, direction="down", aspect=0.1))]
    assert tops == sorted(tops) and len(set(tops)) == len(tops)
    drawn(networks("resnet18"), style, direction="down")
