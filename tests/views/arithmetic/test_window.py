"""The sliding window of a layer: what it reads is what PyTorch's layer reads, and each form of the picture can be used as it is."""

from __future__ import annotations

import re
from random import Random
from xml.etree import ElementTree

import pytest

import archspec
from archspec.views.arithmetic.tracks import tracks
from tests.helpers.specs import few_quick

SAME = "input 224x224x3\nconv k=3 f=1 s=2 p=same\n"


def track(text):
    """The width of the only layer with a window."""
    (row,) = [row for row in archspec.analyze(archspec.loads(text)) if row.node.op.window(*row.types)]
    return tracks(row)[1]


def read(found):
    """The inputs that each output reads, by the picture."""
    inputs = {}
    for at, kind in enumerate(found.cells):
        if kind == "value":
            inputs[at] = len(inputs)
    return [{inputs[found.start(at) + tap] for tap in found.taps if found.start(at) + tap in inputs} for at in range(found.out)]


def by_pytorch(layer, size):
    """The inputs that each output of a layer with weights of one reads."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for parameter in layer.parameters():
        torch.nn.init.ones_(parameter)
    with torch.no_grad():
        rows = layer(torch.eye(size)[:, None])[:, 0]
    return [set(column.nonzero().flatten().tolist()) for column in rows.T]


@pytest.mark.parametrize("seed", range(80))
def test_outputs_read_what_those_of_pytorch_read(seed):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    random = Random(seed)
    k, s, d, size = random.randint(1, 4), random.randint(1, 3), random.randint(1, 2), random.randint(1, 9)
    if seed % 2:
        p = random.randint(0, (d * (k - 1)) // 2)
        extra = random.randint(0, max(s, d) - 1)
        found = track(f"input {size}x1\ndeconv k={k} f=1 s={s} p={p} d={d} op={extra}\n")
        layer = torch.nn.ConvTranspose1d(1, 1, k, s, p, extra, bias=False, dilation=d)
    else:
        p = random.randint(0, 2)
        size = max(size, d * (k - 1) + 1)
        found = track(f"input {size}x1\nconv k={k} f=1 s={s} p={p} d={d} round=floor\n")
        layer = torch.nn.Conv1d(1, 1, k, s, p, d, bias=False)
    if found.size == size or seed % 2 == 0:
        assert read(found) == by_pytorch(layer, found.size)
    else:
        assert read(found)[: found.out // 2] == by_pytorch(layer, found.size)[: found.out // 2]


@pytest.mark.parametrize(
    ("text", "cells", "out"),
    [
        ("input 5x1\nconv k=3 f=1\n", "vvvvv", 3),
        ("input 5x1\nconv k=3 f=1 p=1 s=2\n", "pvvvvvp", 3),
        ("input 6x1\nconv k=3 f=1 s=2 p=same\n", "vvvvvvp", 3),  # an odd zero goes to the end, as in TensorFlow
        ("input 6x1\nconv k=4 f=1 p=same\n", "pvvvvvvpp"[: 1 + 5] + "pp", 5),
        ("input 6x1\npool w=3 s=2 round=ceil\n", "vvvvvvo", 3),
        ("input 6x1\npool w=3 s=2 round=floor\n", "vvvvvu", 2),
        ("input 9x1\nconv k=2 f=1 p=causal d=2\n", "ppvvvv", 4),
        ("input 3x1\ndeconv k=3 f=1 s=2 p=1\n", "pvgvgvp", 5),
        ("input 2x1\ndeconv k=3 f=1 p=2\n", "", 0),
        ("input 4x1\ndeconv k=2 f=1 s=2 p=1\n", "vgvgv", 4),
    ],
)
def test_cells_along_an_axis(text, cells, out):
    if not out:
        with pytest.raises(archspec.SpecError):
            track(text)
        return
    found = track(text)
    letters = {"value": "v", "padding": "p", "overhang": "o", "unread": "u", "gap": "g"}
    assert ("".join(letters[cell] for cell in found.cells), found.out) == (cells, out)


@pytest.mark.parametrize(
    "name", few_quick(["alexnet", "unet", "wavenet", "googlenet_2014", "dcgan_generator", "resnet3d_18", "mobilenet_v2"], ["alexnet"])
)
def test_every_window_of_a_network_is_drawn_true(name, networks):
    report = archspec.analyze(networks(name))
    drawn = set()
    for row in report:
        if not row.node.op.window(*row.types) or (row.written, row.inputs) in drawn:
            continue
        drawn.add((row.written, row.inputs))
        try:
            found = tracks(row)
        except ValueError as error:
            assert "too many to draw" in str(error)
            continue
        for each, slide in zip(found[::-1], row.node.op.window(*row.types)[::-1], strict=False):
            last = each.start(each.out - 1) + each.span
            unread = sum(1 for cell in each.cells[last:] if cell == "unread")
            assert last + unread == len(each.cells)
            assert each.cells.count("overhang") == slide.overhang * (row.op != "deconv")
            if row.op != "deconv":
                assert unread == max(0, -slide.rest)
        picture = archspec.window(networks(name), row.name)
        for svg in (picture.to_svg(), picture.to_svg("dark", animated=True)):
            root = ElementTree.fromstring(svg)
            assert root.attrib["viewBox"].startswith("0 0 ") and "<script" not in svg and "nan" not in svg


def test_the_strip_and_the_moving_picture(tmp_path):
    made = archspec.window(archspec.loads(SAME), "conv1")
    strip, moving = made.to_svg(), made.to_svg(animated=True)
    assert "224×224 → 112×112, ceil(224/2) = 112; drawn for 6×6 → 3×3" in strip
    assert [word for word in ("input", "padding", "kernel", "output", "overhang") if f">{word}<" in strip] == [
        "input",
        "padding",
        "kernel",
        "output",
    ]
    assert re.findall(r">(\d, \d)<", strip) == [f"{row}, {column}" for row in (1, 2, 3) for column in (1, 2, 3)]
    (first, second) = re.findall(r'<animateTransform [^>]*values="([^"]*)"', moving)
    assert len(first.split(";")) == len(second.split(";")) == 9
    assert made.to_svg() == strip and "<animate" not in strip
    made.save(tmp_path / "x.svg", "dark")
    made.save(tmp_path / "x.html")
    assert (tmp_path / "x.svg").read_text(encoding="utf-8") == made.to_svg("dark")
    with pytest.raises(ValueError, match="saved as"):
        made.save(tmp_path / "x.dot")
    with pytest.raises(ValueError, match="there is no `blue`"):
        made.to_svg("blue")


@pytest.mark.parametrize(
    "spec", ["input 6x6x1\nconv k=3 f=1 s=2 p=same", "input 3x3x1\ndeconv k=3 f=1 s=2 p=1", "input 6x6x1\npool w=3 s=2 round=ceil"]
)
@pytest.mark.slow
def test_the_page_plays_the_window(spec, visit):
    model = archspec.loads(spec)
    row = archspec.analyze(model)[0]
    tall, wide = tracks(row)
    tab = visit(archspec.window(model, row.name).to_html())
    lit = tab.locator("svg g.lit")
    assert lit.count() == len(tall.taps) * len(wide.taps) + 1
    told = tab.locator(".told").inner_text
    assert told().startswith("row 1, column 1: reads 9 cells")
    tab.locator("[data-do=next]").click()
    assert told().startswith("row 1, column 2: reads 9 cells")
    tab.locator("[data-frame]").last.hover()
    assert told().startswith(f"row {tall.out}, column {wide.out}: reads 9 cells, ")
    tab.locator("[data-do=play]").click()
    tab.wait_for_function("() => document.querySelector('.told').textContent.startsWith('row 1, column 2')", timeout=8000)
    tab.set_viewport_size({"width": 360, "height": 700})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_the_command(archspec_command, networks, tmp_path):
    made = archspec.window(networks("lenet5"), "conv1")
    words = ("draw", "lenet5", "conv1", "--as", "window")
    assert archspec_command(*words).out == made.to_svg()
    assert archspec_command(*words, "--theme", "dark", "--animate").out == made.to_svg("dark", animated=True)
    assert archspec_command(*words, "-o", "x.html", cwd=tmp_path).status == 0
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == made.to_html()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lenet5", "--as", "window"), "draws one layer"),
        (("lenet5", "conv9", "--as", "window"), "there is no layer `conv9`; "),
        (("lenet5", "fc1", "--as", "window"), "`fc1` (fc 120) has no window"),
        (("lenet5", "tanh1", "--as", "window"), "has no window"),
        (("resnet18", "layer1", "--as", "window"), "found the group `layer1` with `layer1.0.conv1`"),
        (("wavenet", "stack.9.conv1", "--as", "window"), "too many to draw"),
        (("lenet5", "conv1", "--as", "window", "-o", "x.dot"), "as .svg"),
        (("lenet5", "--animate"), "goes with `--as window`"),
        (("lenet5", "conv1", "--as", "window", "-o", "missing/x.svg"), "cannot write"),
    ],
)
def test_what_makes_no_sense_is_refused(words, message, archspec_command, tmp_path):
    done = archspec_command("draw", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert message in done.err and "Traceback" not in done.err
