"""How boxes and arrows are placed: by the nesting of the spec, without anything on anything else."""

from __future__ import annotations

import builtins
import random
import re
import sys

import pytest

import archspec
from archspec.views import figures
from archspec.views.figures import legible
from archspec.views.figures.build import build
from archspec.views.figures.captions import titles
from archspec.views.figures.chains import Parallel, Series
from archspec.views.figures.legible import automatic, laid_out
from archspec.views.figures.look import Look
from archspec.views.figures.neighbours import Near
from archspec.views.figures.nesting import nested
from archspec.views.figures.pieces import Framed, Leaf, Through
from archspec.views.figures.plan import Page
from archspec.views.figures.wording import folded_name
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick
from tests.helpers.svg import SVG, Drawn, check
from tests.helpers.wires import arrows_through_boxes, boxes, boxes_on_boxes, lines, shared_lines

LEVELS = ("group", "stage", "block", "part", "layer")


def drawn(network, level):
    return Drawn(figures.draw(network, level=level).text)


def check_apart(picture):
    assert (boxes_on_boxes(picture), arrows_through_boxes(picture), shared_lines(picture)) == ([], [], [])


@pytest.mark.parametrize("name", few_quick([path.stem for path in SPECS], VARIED))
def test_nothing_is_on_anything_else(name, networks):
    for level in LEVELS:
        check_apart(drawn(networks(name), level))


def written(piece, depth=0):
    """A piece as lines: chains are indented by what they are in, branches begin with a bar."""
    indent = "  " * depth
    match piece:
        case Leaf():
            return [f"{indent}{piece.box.name}"]
        case Through():
            return [f"{indent}straight on"]
        case Framed():
            return [f"{indent}[{piece.group.name}]", *written(piece.parts[0], depth + 1)]
        case Series():
            arcs = [
                f"{indent}arc {value.name} {tail} -> {head}" for value, (tail, head) in sorted(piece.arcs().items(), key=lambda arc: arc[1])
            ]
            riders = [f"{indent}rider {rider.box.name}" for rider, _ in piece.riders]
            return [line for part in piece.parts for line in written(part, depth)] + arcs + riders
        case Parallel():
            return [line for part in piece.parts for line in (f"{indent}|", *written(part, depth + 1))]


CONSTRUCTS = {
    "chain": ("input 8\nfc 3\nrelu", "input; fc1; relu1; output"),
    "residual": ("input 8\nresidual:\n  fc 8\n  relu", "input; fc1; relu1; add1; output; arc input 0 -> 3"),
    "projection": (
        "input 8x8x4\nresidual:\n  conv k=3 f=6 p=1\n  conv k=3 f=6 p=1\n  shortcut: conv k=1 f=6",
        "input; |;   conv1;   conv2; |;   downsample; add1; output",
    ),
    "branches": (
        "input 8x8x4\nconcat:\n  b: conv k=1 f=6\n  a:\n    pool 2 s=1 p=same\n    conv k=1 f=2\n  c: conv k=3 f=2 p=1",
        "input; |;   b; |;   [a];     a.0;     a.1; |;   c; concat1; output",
    ),
    "u": (
        "input 8x8x4\na: conv k=1 f=4\npool 2\nb: conv k=1 f=4\npool 2\nconv k=1 f=4\nupsample 2\nconcat b\nupsample 2\nconcat a\nrelu",
        "input; a; pool1; b; pool2; conv3; upsample1; concat1; upsample2; concat2; relu1; output; arc a 1 -> 9; arc b 3 -> 7",
    ),
    "crop": (
        "input 8x8x4\nx: conv k=1 f=4\nconv k=3 f=4\nconcat:\n  skip\n  from x | crop 6",
        "input; x; conv2; concat1; output; arc crop1 1 -> 3; rider crop1",
    ),
    "side": (
        "input 8x8x4\nx: conv k=1 f=4\nrelu\nconv k=3 f=4\ny:\n  from x | gap | fc 3\noutput y\nfrom x | relu",
        "input; x; |;   relu1;   conv2; |;   [y];     y.0;     y.flatten1;     y.1;   y; |;   relu2;   output",
    ),
    "two inputs": (
        "a: input 8\nb: input 8\nfrom a | fc 4 | relu\nadd:\n  skip\n  from b | fc 4",
        "|;   a;   fc1;   relu1; |;   b;   fc2; add1; output",
    ),
    "heads": (
        "input 8x8x4\na: conv k=1 f=4\nb: conv k=1 f=4\nx: from a | conv k=1 f=2\ny: from a | conv k=1 f=3\nz: from b | conv k=1 f=2\n"
        "u: from b | conv k=1 f=3\nv: from z | concat x\noutput v\nfrom u | concat y",
        "input; a; |;   b; |;   x; |;   y; |;   z;   v;   v;   arc x -1 -> 1; |;   u;   concat2;   output;   arc y -1 -> 1",
    ),
    "dense": (
        "input 8x8x4\nx: conv k=1 f=4\ny: conv k=1 f=4\nconcat x\nz: conv k=1 f=4\nconcat x y",
        "input; x; y; concat1; z; concat2; output; arc x 1 -> 5; arc y 2 -> 5",
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_nesting_of_each_construct(name):
    text, wanted = CONSTRUCTS[name]
    diagram = build(archspec.loads(text), "layer")
    found = "; ".join(written(nested(diagram)))
    assert found == wanted


def test_what_is_no_nesting_has_a_trunk():
    """Each of two values is read by both of two layers."""
    text = "input 8\na: fc 4\nb:\n  from input | fc 4\nc: add a\nd:\n  from a | mul b\nadd c"
    diagram = build(archspec.loads(text), "layer")
    assert "; ".join(written(nested(diagram))) == "input; |;   a; |;   b; |;   c; |;   d; add2; output"


HEADS = """
input 256x256x3
trunk: repeat 4: conv k=3 f=64 p=same | relu | pool 2
repeat 6 as i:
  f{i}: conv k=1 f=64 | relu | conv k=3 f=128 p=same | relu
repeat 6 as i:
  from f{i}
  classes{i}: conv k=3 f=84 p=same | rearrange "h w (a n) -> (h w a) n" n=21
  from f{i}
  places{i}: conv k=3 f=16 p=same | rearrange "h w (a n) -> (h w a) n" n=4
from classes0 | concat classes1 classes2 classes3 classes4 classes5 axis=t
output classes
from places0 | concat places1 places2 places3 places4 places5 axis=t
"""
"""A detector: two heads at each of six places of its trunk, collected at the end."""


def test_heads_stand_beside_their_trunk():
    """Each head is right of what the trunk goes on with, on its level; all words are legible on a slide."""
    network = archspec.loads(HEADS)
    picture = drawn(network, "auto")
    check_apart(picture)
    at = middles(picture)
    for n in range(5):
        assert at[f"f{n + 1}"][0] < at[f"classes{n}"][0] < at[f"places{n}"][0]
        assert abs(at[f"classes{n}"][1] - at[f"f{n + 1}"][1]) < 20
    assert 10.5 * 0.75 * min(1280 / picture.width, 720 / picture.height) >= 7


def middles(picture):
    return {name: ((x0 + x1) / 2, (y0 + y1) / 2) for name, (x0, y0, x1, y1) in boxes(picture)}


def test_branches_stand_in_the_order_of_the_text_and_their_concat_below_their_middle(networks):
    at = middles(drawn(networks("googlenet_2014"), "part"))
    for block in ("inception3a", "inception4e"):
        xs = [x for name, (x, _) in at.items() if name.startswith(block + ".") and "concat" not in name]
        assert xs == sorted(xs)
        assert at[f"{block}.concat1"][0] == pytest.approx((min(xs) + max(xs)) / 2, abs=1)


@pytest.mark.parametrize(("name", "level"), [("unet", "part"), ("unet_padded", "block")])
def test_the_levels_of_a_u_are_level(name, level, networks):
    picture = drawn(networks(name), level)
    at = middles(picture)
    across = [corners for _, head, corners in lines(picture) if corners[0][0] < corners[-1][0] < at[head][0] - 20]
    assert len(across) >= 4
    assert all(corners[-1][1] == pytest.approx(corners[-2][1]) for corners in across)


def test_a_skip_begins_where_its_value_leaves(networks):
    picture = drawn(networks("resnet18"), "layer")
    at = dict(boxes(picture))
    for tail, head, corners in lines(picture):
        if head == "layer1.1.add1" and tail == "layer1.0.relu2":
            assert corners[0] == pytest.approx(((at[tail][0] + at[tail][2]) / 2, at[tail][3]))
            assert corners[-1][0] >= at[head][2], "it comes in from the side"
            return
    raise AssertionError("there is no such arrow")


@pytest.mark.parametrize(("name", "level"), [("t5_small", "stage"), ("transformer_base", "block"), ("nasnet_mobile", "block")])
def test_arrows_end_where_their_boxes_begin(networks, name, level):
    """Also those that get into a wide box from the side."""
    plan = laid_out(build(networks(name), level))
    for wire in plan.wires:
        x0, y0, x1, y1 = plan.rect(wire.arrow.head)
        assert not any(x0 + 1 < x < x1 - 1 and y0 + 1 < y < y1 - 1 for x, y in wire.points[:-1]), wire.arrow.head.name


def test_rounds_in_one_box_leave_by_one_arrow(networks):
    """The skip connections of WaveNet's blocks, whose sum is a circle with one arrow at stage level."""
    assert [(tail, head) for tail, head, _ in lines(drawn(networks("wavenet"), "stage"))][:4] == [
        ("input", "causal"), ("causal", "stack.0"), ("stack.0", "add1"), ("add1", "relu1"),
    ]  # fmt: skip


def random_text(seed):
    """Layers that each read one or two of those before: seldom a nesting."""
    rng = random.Random(seed)
    lines_ = ["input 8", "x0: fc 8"]
    for at in range(1, rng.randint(3, 30)):
        one, other = (f"x{max(0, at - 1 - int(rng.expovariate(0.4)))}" for _ in range(2))
        lines_.append(f"x{at}:\n  from {one} | add {other}" if rng.random() < 0.5 and one != other else f"x{at}:\n  from {one} | fc 8")
    return "\n".join(lines_) + "\n"


@pytest.mark.parametrize(
    "seed", [*range(4), 135, 145, 329, 426, 506, 2033, 2064, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 100))]
)
def test_random_graphs(seed):
    network = archspec.loads(random_text(seed))
    for right in (False, True):
        check_apart(Drawn(figures.draw(network, level="layer", look=Look(page=Page(right=right))).text))


@pytest.mark.parametrize("seed", [*range(6), 1229, 1248, 1331, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 120))])
def test_random_networks(seed):
    pytest.importorskip("torch", reason="the generator builds modules too")
    from tests.fuzzing.draw import Random
    from tests.fuzzing.generator import SpecGenerator
    from tests.fuzzing.steps import Options

    made = SpecGenerator(Random(seed), Options()).generate()
    if made.refused:
        pytest.skip("it is no network")
    network = archspec.loads(made.text)
    for level in LEVELS:
        check_apart(Drawn(figures.draw(network, level=level, look=Look(page=Page(right=True))).text))
        picture = drawn(network, level)
        check_apart(picture)
        assert len(picture.find("node")) == len(build(network, level).boxes)
        assert sorted((tail, head) for tail, head, _ in lines(picture)) == sorted(
            (a.tail.name, a.head.name) for a in build(network, level).arrows
        )


def test_nesting_of_any_depth_is_drawn():
    """Each output hangs beside the rest of the network, which is a branch within a branch."""
    text = "input 8\n" + "".join(f"x{at}: fc 8\noutput x{at}\n" for at in range(300))
    check_apart(drawn(archspec.loads(text), "layer"))


def small(picture, name):
    """The circles and the coloured bars in the box of a block."""
    (node,) = (node for node in picture.find("node") if node.get("data-name") == name)
    bars = [e for e in node.iter(f"{SVG}rect") if e.get("rx") == "1.5"]
    return len(list(node.iter(f"{SVG}circle"))), len(bars), {e.get("x") for e in bars}


@pytest.mark.parametrize(
    ("name", "level", "block", "signs", "bars", "columns"),
    [
        ("resnet50", "block", "layer1.1", 1, 4, 1),  # three convolutions, and the relu behind the (+)
        ("resnet50", "block", "layer2.0", 1, 5, 2),  # and the projection
        ("vit_b_16", "block", "encoder.layers.encoder_layer_0", 2, 5, 1),  # both skips
        ("transformer_base", "block", "decoder.layers.0", 3, 7, 2),  # all three
        ("llama3_8b", "stage", "layers.0", 3, 6, 3),  # and the product of its gate
        ("t5_small", "stage", "decoder.block.0", 3, 7, 3),  # a `repeat` of one block
        ("googlenet", "block", "inception3a", 0, 8, 5),  # seven layers in four branches, and their concat in the middle
    ],
)
def test_a_block_shows_its_inside(networks, name, level, block, signs, bars, columns):
    found = small(drawn(networks(name), level), block)
    assert (*found[:2], len(found[2])) == (signs, bars, columns)


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("segnet", [*(f"conv{at}" for at in (1, 2, 3, 4, "5.0")), *(f"conv{at}" for at in ("1_D", "2_D", "3_D", "4_D", "5_D.0"))]),
        ("unet", ["down2", "down3", "down4", "bottom", "double6", "double7", "double8", "double9"]),
        ("inception_resnet_v2", ["concat1", "concat12", "concat33", "add31 – 39", "add40"]),
    ],
)
def test_groups_and_branches_are_one_box(name, titles, networks):
    """Of the ten rounds of the last, nine are equal; each shows how many layers it has, and their costs."""
    picture = drawn(networks(name), "group")
    found = [box for box in build(networks(name), "group").boxes if box.within is not None]
    assert sorted(folded_name(box, box.title) for box in found) == sorted(titles)
    stage = build(networks(name), "stage")
    assert sum(box.params for box in build(networks(name), "group").boxes) == sum(box.params for box in stage.boxes)
    assert sum(box.macs for box in build(networks(name), "group").boxes) == sum(box.macs for box in stage.boxes)
    assert len(picture.find("node")) < len(stage.boxes)


def test_the_levels_of_a_u_are_one_box_each(networks):
    """What is carried across gets into the box of its concat, as the skip connection that it is."""
    found = automatic(networks("unet"))
    across = [(arrow.tail.name, arrow.head.name) for arrow in found.diagram.arrows if arrow.past]
    assert across == [("down4", "double6"), ("down3", "double7"), ("down2", "double8"), ("down1", "double9")]
    assert found.diagram.level == "group" and {arrow.head for arrow in found.diagram.arrows if arrow.past} <= found.plan.turned


def test_a_network_of_one_group_is_not_one_box():
    diagram = build(archspec.loads("input 8x8x4\nall:\n  conv k=1 f=4\n  relu\n  conv k=1 f=2\n"), "group")
    assert [box.name for box in diagram.boxes] == ["input", "all.0", "all.2", "output"] and diagram.level == "group"


def test_a_u_goes_before_what_is_finer():
    """Layer by layer it is legible in columns, block by block as a U."""
    text = "block double(f): conv k=3 f=f p=1 | relu | conv k=3 f=f p=1 | relu\n\ninput 64x64x3\na: double 32\npool 2\nb: double 64\npool 2\ndouble 128\n"
    text += "deconv k=2 s=2 f=64\nconcat b\ndouble 64\ndeconv k=2 s=2 f=32\nconcat a\ndouble 32\nconv k=1 f=4\n"
    network = archspec.loads(text)
    assert not laid_out(build(network, "layer")).turned
    found = automatic(network)
    assert found.plan.turned and found.diagram.level == "block"


def test_a_value_that_goes_across_a_u_and_past_parts_of_its_arm_has_a_lane_in_that():
    text = "input 28x5\nconcat:\n  skip\n  conv k=3 f=7 p=1 | conv k=3 f=4 p=1\n  v: attn heads=1 | tanh | conv k=5 f=6 p=2\nresidual:\n"
    text += "  residual:\n    sigmoid\n    attn heads=15 | tanh | abs\n    conv k=1 f=15\n  concat:\n    linear 6 | conv k=3 f=28 p=1 | matmul input\n"
    text += "    bn | avgpool 4 s=1 p=same\n  conv k=3 f=15 p=1\noutput out2\nconv k=1 f=5 | mul input\ngap | grn\n"
    found = laid_out(build(archspec.loads(text), "part"))
    assert found.turned and not arrows_through_boxes(drawn(archspec.loads(text), "part"))


@pytest.mark.parametrize(("name", "levels"), [("lenet5", ["layer"]), ("resnet18", ["layer", "part", "block"])])
def test_what_cannot_be_better_is_not_placed(name, levels, networks, monkeypatch):
    """No level that is coarser than the finest legible one, where the network is no U."""
    placed = []
    monkeypatch.setattr(legible, "laid_out", lambda diagram, page, **how: placed.append(diagram.level) or laid_out(diagram, page, **how))
    automatic(networks(name))
    assert placed == levels


@pytest.mark.parametrize(("name", "shown"), [("nasnet_mobile", False), ("resnet18", True)])
def test_insides_of_blocks_are_left_out_where_nothing_is_legible_with_them(name, shown, networks):
    found = automatic(networks(name))
    assert found.diagram.level == "block"
    assert any(card.small for card in found.plan.cards.values()) == shown
    assert any(card.small for card in laid_out(found.diagram).cards.values())


def test_signs_are_as_many_as_the_additions(networks):
    """On all cards of blocks together."""
    network = networks("resnet18")
    adds = sum(row.name.endswith("add1") for row in archspec.analyze(network).layers)
    picture = drawn(network, "block")
    assert sum(small(picture, node.get("data-name"))[0] for node in picture.find("node")) == adds == 8


@pytest.mark.parametrize(("name", "level"), [("lenet5", "layer"), ("resnet18", "block"), ("resnet152", "stage"), ("wavenet", "stage")])
def test_auto_is_the_finest_level_that_is_legible_on_a_slide(networks, name, level):
    """Words of 10.5 units are at least 7 pt, where the picture fills 1280 to 720 pixels."""
    picture = drawn(networks(name), "auto")
    assert picture.root.get("data-level") == level
    assert 10.5 * min(1280 / picture.width, 720 / picture.height) >= 28 / 3 - 0.2


@pytest.mark.parametrize("name", few_quick([path.stem for path in SPECS], ("vgg16", "googlenet", "bert_base", "yolov3", "unet")))
def test_the_specs_are_legible(networks, name):
    picture = drawn(networks(name), "auto")
    assert 10.5 * 0.75 * min(1280 / picture.width, 720 / picture.height) >= 7


@pytest.mark.parametrize("name", few_quick([path.stem for path in SPECS], ("unet", "yolov3")))
def test_to_the_right_nothing_is_on_anything_else(name, networks):
    for level in LEVELS:
        look = Look(page=Page(right=True))
        picture = check(figures.draw(networks(name), level=level, look=look).text)
        check_apart(picture)
        assert sorted(lines_between(picture)) == sorted(lines_between(drawn(networks(name), level)))


@pytest.mark.parametrize(("name", "level"), [("cbam_resnet50", "part"), ("llama3_8b", "layer")])
def test_to_the_right_each_piece_of_a_frame_has_room_for_its_title(name, level, networks):
    plan = laid_out(build(networks(name), level), Page(right=True))
    words = titles(plan, Near(plan.wires))
    assert {frame.first for frame in plan.frames} == {False, True}
    assert [each.text for each in words] == [frame.group.title + (" …" if not frame.first else "") for frame in plan.frames]


def lines_between(picture):
    return [(tail, head) for tail, head, _ in lines(picture)]


def test_to_the_right_the_same_tree_is_turned(networks):
    """Of a chain on a wide page: what was below is at the right, on one line."""
    network = archspec.loads("input 8\nfc 3\nrelu\nfc 5")
    at = dict(boxes(Drawn(figures.draw(network, level="layer", look=Look(page=Page(16, right=True))).text)))
    lefts = [at[name][0] for name in ("input", "fc1", "relu1", "fc2", "output")]
    assert lefts == sorted(lefts) and len({(y0 + y1) / 2 for _, y0, _, y1 in at.values()}) == 1


def test_arguments_are_left_out_whole():
    """Where they are too long: no number is shown that nobody wrote."""
    text = "block b(first, second, third, fourth, fifth, sixth): conv k=1 f=first | pool 2\n\ninput 8x8x4\nb " + " ".join(["123456"] * 6)
    words = "".join(drawn(archspec.loads(text), "block").root.itertext())
    assert "…" in words and not [number for number in re.findall(r"=(\d+)", words) if number != "123456"]


def test_numbers_are_summed_alike_by_every_python(monkeypatch, networks):
    """The built-in `sum` of floats rounds otherwise since Python 3.12, so that a picture would depend on the interpreter."""
    whole = builtins.sum

    def exact(values, start=0):
        values = [*values]
        assert not any(isinstance(value, float) and value != int(value) for value in values), f"fsum in {sys._getframe(1).f_code}"
        return whole(values, start)

    monkeypatch.setattr(builtins, "sum", exact)
    for name, level in (("unet", "layer"), ("googlenet", "block")):
        figures.draw(networks(name), level=level)
    figures.draw(networks("lenet5"), as_="volumes")
