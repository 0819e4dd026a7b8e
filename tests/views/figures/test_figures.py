"""Pictures: each is sound, says what the network is, and survives what names may hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from itertools import combinations, pairwise

import pytest

import archspec
from archspec import extras
from archspec.cli import main as cli
from archspec.ir.graph import Call
from archspec.ir.walk import Names
from archspec.ops import STEPS, all_classes
from archspec.ops.base import KINDS as KINDS_OF_LAYER
from archspec.views.figures import text_form
from archspec.views.figures.build import build
from archspec.views.figures.legible import automatic
from archspec.views.figures.look import Look
from archspec.views.theme import THEMES
from tests.helpers.colour import contrast
from tests.helpers.hostile_names import HOSTILE, hostile
from tests.helpers.needs import dot
from tests.helpers.paths import ROOT, SPECS
from tests.helpers.specs import VARIED, few_quick
from tests.helpers.svg import SVG, Drawn, check, check_safe

NAMES = [path.stem for path in SPECS]
KINDS = ["blocks", "volumes", "bars"]


def read(text):
    """The nodes of a DOT text with their labels, and the ends of its edges, as Graphviz reads it."""
    done = subprocess.run(["dot", "-Tdot_json"], input=text, capture_output=True, text=True, check=True)
    whole = json.loads(done.stdout)
    names = {each["_gvid"]: each["name"] for each in whole["objects"]}
    nodes = {each["name"]: each["label"].replace("\\n", "\n") for each in whole["objects"] if "nodes" not in each}
    return nodes, sorted((names[each["tail"]], names[each["head"]]) for each in whole["edges"])


def values(drawn, class_, attribute):
    return [e.get(f"data-{attribute}") for e in drawn.find(class_)]


# every picture of every spec


@pytest.mark.parametrize("name", few_quick(NAMES))
def test_blocks(name, networks):
    network = networks(name)
    totals = archspec.analyze(network).totals
    for level in ("stage", "block", "auto"):
        text = archspec.draw(network, level=level, theme="dark" if level == "block" else "light")
        drawn = check(text)
        assert sum(map(int, values(drawn, "node", "params"))) == totals.params
        assert sum(map(int, values(drawn, "node", "macs"))) == totals.macs
        diagram = automatic(network).diagram if level == "auto" else build(network, level)
        assert len(drawn.find("node")) == len(diagram.boxes)
        assert len(drawn.find("edge")) == len(diagram.arrows)


@pytest.mark.parametrize("name", few_quick(NAMES, VARIED))
def test_bars(name, networks):
    network = networks(name)
    totals = archspec.analyze(network).totals
    for level in ("auto", "layer", "stage"):
        drawn = check(archspec.draw(network, "bars", level))
        sums = Counter()
        for bar in drawn.find("bar"):
            sums[bar.get("data-quantity")] += int(bar.get("data-value"))
        assert (sums["params"], sums["macs"]) == (totals.params, totals.macs)


# what the pictures say, counted another way


@pytest.mark.parametrize(
    "name",
    few_quick(["lenet5", "alexnet", "resnet18", "squeezenet1_0", "unet", "googlenet_2014", "vit_b_16", "mobilenet_v3_small"]),
)
def test_layer_level_has_a_box_for_each_row(name, networks):
    network = networks(name)
    rows = archspec.analyze(network).layers
    drawn = check(archspec.draw(network, level="layer"))
    ends = [i.name for i in network.inputs] + [o.name for o in network.outputs]
    assert Counter(values(drawn, "node", "name")) == Counter([row.name for row in rows] + ends)
    arrows = [(source, row.name) for row in rows for source in row.sources]
    shown = Counter(zip(values(drawn, "edge", "from"), values(drawn, "edge", "to"), strict=True))
    assert not Counter(arrows) - shown
    assert shown.total() == len(arrows) + len(network.outputs)
    by_name = {row.name: row for row in rows}
    for node in drawn.find("node"):
        if node.get("data-name") in by_name and node.get("data-form") not in ("input", "output"):
            row = by_name[node.get("data-name")]
            assert (int(node.get("data-params")), int(node.get("data-macs"))) == (row.params, row.macs)


def outermost_blocks(graph, names):
    """The names of the outermost block instances of a graph, round by round."""
    for element in graph.elements:
        if not isinstance(element, Call):
            names(element)
            continue
        for _ in range(element.times):
            inner = names if element.inline else Names(names(element) + ".", element.graph.naming)
            if element.graph.instance is not None:
                yield inner.prefix.removesuffix(".")
            else:
                yield from outermost_blocks(element.graph, inner)


@pytest.mark.parametrize(
    "name", few_quick(["resnet18", "resnet152", "densenet121", "vit_b_16", "mobilenet_v2", "inception_v3", "convnext_tiny"], VARIED)
)
def test_block_and_stage_levels_have_the_blocks(name, networks):
    network = networks(name)
    wanted = list(outermost_blocks(network.graph, Names("", network.graph.naming)))
    shown = values(Drawn(archspec.draw(network, level="block")), "node", "name")
    assert [n for n in shown if n in set(wanted)] == wanted
    stage = Drawn(archspec.draw(network, level="stage"))
    folded = {n.get("data-name"): int(n.get("data-times")) for n in stage.find("node")}
    assert sum(times for n, times in folded.items() if n in set(wanted)) == len(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "input 8x8x4\na:\n  repeat 3:\n    conv k=1 f=4\n    repeat 2: conv k=1 f=4 | relu\n  conv k=1 f=5\nrepeat 2: conv k=1 f=5 | relu\nconv k=1 f=7",
        "block b(n):\n  repeat 2: conv k=1 f=n\n  relu\n\ninput 8x8x4\nrepeat 3: b 4 | b 4\nx: repeat 2: b 4\nb 5",
        *(path.read_text(encoding="utf-8") for path in SPECS if path.stem in ("vgg16", "vgg19_bn", "allconv")),
    ],
)
def test_folding_keeps_the_names_of_what_follows(text):
    network = archspec.loads(text)
    rows = {row.name for row in archspec.analyze(network).layers}
    prefixes = {row.rpartition(".")[0] for row in rows} | rows
    for level in ("stage", "block", "part"):
        for box in build(network, level).boxes:
            if box.form not in ("input", "output"):
                assert {box.name, box.last or box.name} <= prefixes
    totals = archspec.analyze(network).totals
    assert sum(end - start for box in build(network, "stage").boxes for start, end in box.spans) == totals.layers
    assert sum(box.params for box in build(network, "stage").boxes) == totals.params


def test_resnet152_folds_what_is_equal(networks):
    drawn = check(archspec.draw(networks("resnet152"), level="stage"))
    assert len(drawn.find("node")) <= 20 and drawn.height <= 1200
    folded = {n.get("data-name"): n.get("data-times") for n in drawn.find("node")}
    assert folded["layer3.0"] == "1" and folded["layer3.1"] == "35"  # the projection stays apart
    assert "×35" in "".join(drawn.root.itertext())


def test_edges_carry_the_shapes_that_change(networks):
    drawn = Drawn(archspec.draw(networks("lenet5"), level="layer"))
    labels = {e.get("data-from"): "".join(t.text for t in e.iter(f"{SVG}text")) for e in drawn.find("edge")}
    assert labels["conv1"] == "28×28×6" and labels["tanh1"] == "" and labels["avgpool2"] == "5×5×16" and labels["flatten1"] == "400"


@pytest.mark.parametrize("rounds", [2, 5])
def test_shapes_beside_the_outermost_arrows_are_on_the_page(rounds):
    """The heads of a detector: arrows from each of them to the end go round what is below, at the left and right edges."""
    text = f"input 16x16x3\nrepeat {rounds} as i:\n  conv k=1 f=8\n  x: skip\n"
    text += "".join(f'  {name}{{i}}: conv k=1 f=4 | rearrange "h w c -> (h w) c"\n  from x\n' for name in "ab") + "  relu\n"
    for name in "ab":
        text += f"from {name}0 | concat {' '.join(f'{name}{at}' for at in range(1, rounds))} axis=t\noutput {name}\n"
    check(archspec.draw(archspec.loads(text), level="layer"))


def test_merges(networks):
    drawn = Drawn(archspec.draw(networks("resnet18"), level="layer"))
    adds = [n for n in drawn.find("node") if n.get("data-name").endswith("add1")]
    assert len(adds) == 8 and all(list(n.iter(f"{SVG}circle")) for n in adds)
    drawn = Drawn(archspec.draw(networks("squeezenet1_0"), level="layer"))
    assert "64 + 64 = 128" in "".join(drawn.root.itertext())


def test_a_u_net_is_a_u(networks):
    drawn = check(archspec.draw(networks("unet"), level="part"))
    places = {n.get("data-name"): float(next(n.iter(f"{SVG}rect")).get("y")) for n in drawn.find("node")}
    assert places["down1.conv1"] < places["bottom.conv1"] and places["double9.conv1"] < places["double6.conv1"]


def test_training_heads_are_marked(networks):
    network = networks("googlenet", aux=1)
    drawn = check(archspec.draw(network))
    heads = [n for n in drawn.find("node") if n.get("data-name").startswith("aux1")]
    assert heads and all(n.get("data-macs") == "0" for n in heads)
    assert "(training)" in "".join(drawn.root.itertext())
    assert sum(map(int, values(drawn, "node", "params"))) == archspec.analyze(network).totals.params


def test_vgg16_shows_where_parameters_and_macs_are(networks):
    words = "".join(check(archspec.draw(networks("vgg16"), "bars")).root.itertext())
    assert "convolution: 10.6% of the parameters, 99.2% of the MACs" in words
    assert "fully connected: 89.4% of the parameters, 0.8% of the MACs" in words


@pytest.mark.parametrize("shape", ["100x4", "4x8x8x4", "64", "1x1x7", "3x300x2"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_rank(shape, kind):
    step = "fc 9" if shape == "64" else "conv k=1 f=9"
    check(archspec.draw(archspec.loads(f"input {shape}\n{step} | relu\ndropout 0.5"), kind))


def test_a_network_without_layers_that_count():
    check(archspec.draw(archspec.loads("input 8x8x3\nrelu"), "bars"))
    check(archspec.draw(archspec.loads("input 8x8x3\nrelu"), "volumes"))


@pytest.mark.parametrize("name", ["lenet5", "vgg16", "resnet18", "googlenet", "vit_b_16"])
def test_bars_say_how_many_layers_have_neither_parameters_nor_macs(name):
    """All of the network's, those beside a bar and those inside a block that is one; counted here by the table's rows."""
    network = archspec.load(name)
    count = sum(not (row.params or row.macs) for row in archspec.analyze(network).layers)
    assert f"{count} layers without parameters and MACs left out" in archspec.draw(network, "bars")
    assert name != "lenet5" or count == 13 - 5


# kinds and colours


def test_every_step_has_a_kind():
    assert {op.kind for op in all_classes()} == set(KINDS_OF_LAYER)
    assert {op.step for op in all_classes()} == set(STEPS)


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_words_can_be_read(theme):
    """WCAG 2.2: 7:1 is its strictest demand of text, 4.5:1 its usual one; 3:1 that of shapes."""
    for ground in (theme.page, theme.panel, theme.card, *theme.tint.values()):
        assert contrast(theme.ink, ground) >= 7
        assert contrast(theme.muted, ground) >= 4.5
    assert contrast(theme.line, theme.page) >= 3
    assert all(contrast(theme.accent[kind], theme.page) >= 3 for kind in ("convolution", "fully connected", "pooling", "attention"))


# Machado, Oliveira, Fernandes 2009, A physiologically-based model for simulation of color vision deficiency: severity 1.
EYES = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def lab(colour, eye):
    """CIE L*a*b* of a colour as an eye sees it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    r, g, b = (max(0.0, sum(w * v for w, v in zip(row, linear, strict=True))) for row in eye)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_colours_can_be_told_apart(theme):
    for a, b in combinations(KINDS_OF_LAYER, 2):
        for eye in EYES.values():
            assert sum((x - y) ** 2 for x, y in zip(lab(theme.accent[a], eye), lab(theme.accent[b], eye), strict=True)) ** 0.5 >= 8, (a, b)
    greys = sorted(lab(theme.accent[kind], EYES["usual"])[0] for kind in ("convolution", "fully connected", "pooling", "attention"))
    assert min(b - a for a, b in pairwise(greys)) >= 5


# text forms


@pytest.mark.parametrize("name", ["lenet5", "resnet152", "unet", "googlenet"])
def test_dot_and_mermaid_have_all_boxes_and_arrows(name, networks):
    network = networks(name, **({"aux": 1} if name == "googlenet" else {}))
    diagram = automatic(network).diagram
    for form, node, arrow in (("dot", r"^\s*n\d+ \[", r"n\d+ -> n\d+"), ("mmd", r"^\s*n\d+[\[(]", r"n\d+ -\.?->")):
        text = text_form(network, form).text
        assert len(re.findall(node, text, re.MULTILINE)) == len(diagram.boxes)
        assert len(re.findall(arrow, text)) == len(diagram.arrows)
        assert text_form(network, form).text == text


def test_two_pictures_share_no_id(networks):
    for kind in ("blocks", "volumes", "bars"):
        assert not any("id" in e.attrib for e in Drawn(archspec.draw(networks("lenet5"), kind)).root.iter())


def test_same_bytes_every_time(networks):
    for kind in ("blocks", "volumes", "bars"):
        assert archspec.draw(archspec.load("resnet50"), kind) == archspec.draw(networks("resnet50"), kind)


# hostile text


@pytest.mark.parametrize("text", few_quick(HOSTILE, ("script", "quotes", "right to left")))
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_inert(text, kind):
    network = hostile(HOSTILE[text], archspec.load("resnet18"))
    for level in ("stage", "part") if kind == "blocks" else ("auto",):
        text = archspec.draw(network, kind, level)
        drawn = check(text)
        assert len(text) < 400_000
        assert not re.search("[\u202e\u2066\u200f\u061c\x1b]", text)
        for e in drawn.root.iter():
            assert "onload" not in e.attrib and "label" not in e.attrib


@dot
@pytest.mark.parametrize("payload", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_names_in_dot(payload):
    network = hostile(payload, archspec.load("resnet18"))
    text = text_form(network, "dot", "part").text
    diagram = build(network, "part")
    assert list(map(len, read(text))) == [len(diagram.boxes), len(diagram.arrows)]
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', text)
    assert "script" not in re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert all(re.fullmatch(r'(?:[^\\]|\\\\|\\"|\\n)*', string) for string in strings)


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_names_in_mermaid(payload):
    text = text_form(hostile(payload, archspec.load("resnet18")), "mmd", "part").text
    for line in text.splitlines():
        assert re.fullmatch(
            r'flowchart TD|  classDef [\w ]+ fill:#\w{6},stroke:#\w{6},color:#\w{6}|\s*end|\s*subgraph g\d+ \["[^"<>]*"\]'
            r'|\s*n\d+(\(\["[^"]*"\]\)|\(\("[^"]*"\)\)|\["[^"]*"\]):::\w+|\s*n\d+ -\.?->(\|"[^"]*"\|)? n\d+',
            line,
        ), line
        assert "<" not in line.replace("<br/>", "")


# too large, and no Graphviz


def test_too_large_for_a_level_falls_back_and_says_so():
    network = archspec.loads("input 8x8x8\nrepeat 4000: conv k=1 f=8 | relu")
    picture = text_form(network, "dot", "layer")
    assert picture.text.count(" -> ") == 2
    assert "drawn at level stage" in picture.notes[0]
    assert text_form(network, "dot", "auto").notes == ()


@pytest.mark.slow
def test_too_large_at_every_level():
    network = archspec.loads("input 8x8x1\nrepeat 1600 as i: conv k=1 f=i+1")
    for attempt in (lambda: text_form(network, "dot"), lambda: archspec.draw(network, "bars"), lambda: archspec.draw(network, "volumes")):
        with pytest.raises(archspec.SpecError) as refused:
            attempt()
        assert refused.value.diagnostics[0].code == "A520"


@pytest.mark.slow
def test_a_dense_block_does_not_hang():
    """Every layer reads all before it: 780 arrows past boxes, which other layouts take minutes for."""
    lines = ["input 8x8x8", "x0: conv k=1 f=8"]
    lines += [
        f"concat {' '.join(f'x{j}' for j in range(i - 1))}\nx{i}: conv k=1 f=8" if i > 1 else "x1: conv k=1 f=8" for i in range(1, 40)
    ]
    network = archspec.loads("\n".join(lines))
    drawn = Drawn(archspec.draw(network, level="layer"))
    assert len(drawn.find("edge")) == sum(len(row.sources) for row in archspec.analyze(network).layers) + 1 > 700


def test_no_program_is_asked(monkeypatch, networks):
    """Boxes and arrows are drawn after the plain install."""
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setitem(sys.modules, "graphviz", None)
    check(archspec.draw(networks("googlenet")))
    with pytest.raises(ImportError):
        archspec.to_graphviz(networks("lenet5"))


@dot
def test_to_graphviz_is_what_the_dot_text_says(networks):
    pytest.importorskip("graphviz", reason="the package makes the object")
    for network in (networks("googlenet"), hostile(HOSTILE["quotes"], archspec.load("resnet18"))):
        made = archspec.to_graphviz(network, "part", "dark")
        assert read(made.source) == read(text_form(network, "dot", "part", Look(THEMES["dark"])).text)
    with pytest.raises(ValueError, match="there is no `atom`"):
        archspec.to_graphviz(networks("lenet5"), "atom")


def test_without_converters(monkeypatch, capsys, tmp_path):
    from archspec.views.graphics import convert

    monkeypatch.setattr(convert, "find_spec", lambda name: None)
    for form in ("png", "pdf"):
        assert cli.run(["draw", "lenet5", "--as", "bars", "-o", str(tmp_path / f"a.{form}")]) == 2
        assert extras.install(form) in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# the command


@pytest.mark.parametrize("kind", KINDS)
def test_files(kind, tmp_path):
    starts = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph", "mmd": b"flowchart"}
    for form, start in starts.items():
        out = tmp_path / f"a.{form}"
        if (form == "png" and find_spec("resvg_py") is None) or (form == "pdf" and find_spec("svglib") is None):
            continue
        status = cli.run(["draw", "lenet5", "--as", kind, "--theme", "dark", "-o", str(out)])
        if kind != "blocks" and form in ("dot", "mmd"):
            assert status == 2 and not out.exists()
        else:
            assert status == 0 and out.read_bytes().startswith(start)


def test_pdf_and_png_are_the_same_every_time(tmp_path):
    if find_spec("svglib") is None or find_spec("resvg_py") is None:
        pytest.skip("the extra is not installed")
    for form in ("pdf", "png"):
        for name in "ab":
            assert cli.run(["draw", "lenet5", "--as", "volumes", "-o", str(tmp_path / f"{name}.{form}")]) == 0
        assert (tmp_path / f"a.{form}").read_bytes() == (tmp_path / f"b.{form}").read_bytes()


def test_usage(capsys, tmp_path):
    assert cli.run(["draw", "lenet5", "-o", str(tmp_path / "a.gif")]) == 2
    assert ".svg, .png, .pdf, .tex, .dot, .mmd" in capsys.readouterr().err
    for wrong in ({"as_": "pie"}, {"level": "atom"}, {"theme": "pink"}):
        with pytest.raises(ValueError):
            archspec.draw(archspec.load("lenet5"), **wrong)


def test_safety_check_sees_what_it_should():
    with pytest.raises(AssertionError):
        check_safe('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><script/></svg>')
    with pytest.raises(AssertionError):
        check_safe('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1" onload="x"/>')


@pytest.mark.parametrize(
    ("image", "arguments"),
    [
        ("lenet5_volumes", ("lenet5", "volumes")),
        ("vgg16_bars", ("vgg16", "bars")),
        ("resnet152_stage", ("resnet152", "blocks", "stage")),
        ("resnet18_block", ("resnet18",)),
    ],
)
def test_pictures_of_the_documents_are_not_stale(image, arguments):
    name, *how = arguments
    text = (ROOT / "docs" / "images" / f"{image}.svg").read_text(encoding="utf-8")
    assert text == archspec.draw(archspec.load(name), *how)
    check(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [("vgg16", "16 weight layers · "), ("resnet50", "54 weight layers, 50 deep · "), ("googlenet", "58 weight layers, 22 deep · ")],
)
def test_the_caption_counts_layers_as_the_names_of_networks_do(networks, name, words):
    assert f">{words}" in archspec.draw(networks(name), "bars")
