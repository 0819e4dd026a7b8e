"""Comparisons: the measures are the literature's, the difference is a true one, the chart is sound."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from itertools import combinations, product
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archspec
from archspec.analysis.depth import depth, weight_layers
from archspec.analysis.smallest_input import smallest_input
from archspec.api import compile_text
from archspec.elaborate.assumptions import Options
from archspec.types import Map
from archspec.views.comparison import FORMATS, Comparison, align
from archspec.views.comparison.diff import ADDED, CHANGED, EQUAL, FOLLOWS, REMOVED, difference, folded
from archspec.views.comparison.measures import cited
from archspec.views.graphics import convert
from tests.helpers.hostile_names import HOSTILE
from tests.helpers.needs import pdflatex
from tests.helpers.paths import ROOT, SPECS
from tests.helpers.specs import QUICK, VARIED, few_quick
from tests.helpers.svg import SVG, check, check_safe, measured

CITED = [path.stem for path in SPECS if "top1=" in path.read_text(encoding="utf-8")]
PAYLOADS = HOSTILE | {
    "formula": '=HYPERLINK("http://example.org")',
    "markdown": "| a | [x](javascript:alert(1)) ``` <img src=x>",
    "latex": "\\input{/etc/passwd}%$&#_{}^~ [\\\\*",
}


def spec(*lines, head=""):
    return archspec.loads(head + "input 32x32x3\n" + "\n".join(lines) + "\n", name="net.arch")


# measures


# Weight layers as the papers count them: Krizhevsky et al. 2012 (eight learned layers); Simonyan & Zisserman 2014, table 1; Szegedy et
# al. 2014, section 5 (22 layers with parameters); He et al. 2015, tables 1 and 6; Huang et al. 2016, table 1; Iandola et al. 2016 (a
# layer, eight fire modules of two, a layer); Howard et al. 2017, section 3.1 (28 layers, depthwise and pointwise counted apart).
DEPTHS = {
    "alexnet_2012": 8, "vgg11": 11, "vgg13": 13, "vgg16": 16, "vgg19": 19, "googlenet_2014": 22, "resnet18": 18, "resnet34": 34,
    "resnet50": 50, "resnet101": 101, "resnet152": 152, "resnet20_cifar": 20, "densenet121": 121, "densenet161": 161,
    "squeezenet1_0": 18, "mobilenet_v1": 28,
}  # fmt: skip


@pytest.mark.parametrize("name", DEPTHS)
def test_depth_is_that_of_the_papers(name, networks):
    assert depth(networks(name)) == DEPTHS[name]


def test_depth_takes_the_longest_way():
    wide = spec("concat:", "  conv k=1 f=4", "  conv k=1 f=4 | conv k=3 f=4 p=1 | conv k=1 f=4", "conv k=1 f=2", "bn")
    assert depth(wide) == 4 and weight_layers(wide) == {"conv": 5}


def test_depth_of_rounds_that_read_from_outside():
    # each round adds what stands before the repeat: no way is longer than three rounds and the layer before them
    network = spec("e: conv k=3 f=3 p=1", "repeat 3:", "  conv k=3 f=3 p=1", "  add e")
    assert depth(network) == 4


def test_heads_for_training_have_no_depth():
    network = spec("conv k=3 f=4", "output aux train:", "  conv k=3 f=4 | conv k=3 f=4 | gap | fc 5", "gap | fc 5")
    assert depth(network) == 2 and weight_layers(network) == {"conv": 1, "fc": 1}


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_weight_layers_are_those_of_the_rows(path, networks):
    rows = [
        row
        for row in archspec.analyze(networks(path.stem)).layers
        if not row.training and row.macs and (row.weights + row.frozen or row.owner or row.tied)
    ]
    assert sum(weight_layers(networks(path.stem)).values()) == len(rows)


@pytest.mark.parametrize("path", few_quick(SPECS, ("lenet5", "squeezenet1_0")), ids=lambda p: p.stem)
def test_smallest_input_is_what_elaborating_says(path, networks):
    network = networks(path.stem)
    found = smallest_input(network)
    if not isinstance(network.inputs[0].type, Map):
        pytest.skip("an input without spatial sizes")
    if len(network.inputs) > 1:
        assert found is None  # the sizes of inputs may depend on each other
        return
    if any(row.op == "swap" for row in archspec.analyze(network).layers):
        assert found is None  # positions become channels, which arguments may follow
        return
    if re.search(r"to=|\b[hw]\(", path.read_text(encoding="utf-8")):
        assert found is None  # a size that is that of a value
        return

    def checks(side):
        size = (*[side] * len(found), network.inputs[0].type.channels)
        return compile_text(path.read_text(encoding="utf-8"), path.name, Options(inputs={"": size}, base=path.parent))[0] is not None

    assert found is not None and len(set(found)) == 1
    assert checks(found[0])
    below = range(found[0] - 1, 0, -1 if path.stem in QUICK else -max(1, found[0] // 7))  # the nearest first
    assert not any(checks(side) for side in below)


# Keras's documentation of its applications, torchvision's of inception_v3 apart: the least sizes for VGG, and AlexNet's by its pools.
@pytest.mark.parametrize(("name", "side"), [("vgg16", 32), ("vgg19", 32), ("alexnet", 63)])
def test_smallest_input_is_that_of_the_documentation(name, side, networks):
    assert smallest_input(networks(name)) == (side, side)


def test_smallest_input_is_unknown():
    two = archspec.loads("a: input 8x8x3\nb: input 8x8x3\nfrom a\nadd b\n")
    assert smallest_input(two) is None
    assert smallest_input(archspec.loads("input 100\nfc 10\n")) is None
    assert smallest_input(archspec.loads("input 16x16x3\nx: conv k=3 f=3\nfrom input | upsample to=x | add x\n")) is None
    assert smallest_input(spec("repeat 4000:", "  residual: conv k=3 f=3 p=1", head="default round=floor\n")) == (1, 1)


def test_smallest_input_of_other_ranks():
    assert smallest_input(archspec.loads("input 100x4\nconv k=9 f=3\n")) == (9,)
    assert smallest_input(archspec.loads("input 10x20x30x4\nconv k=9 f=3 p=1\n")) == (7, 7, 7)


def test_smallest_input_beside_a_tensor():
    assert smallest_input(archspec.loads("input 8x8x3\nt: tensor 3\nconv k=3 f=3 | add t\n")) == (3, 3)


def test_the_search_is_bounded(monkeypatch):
    monkeypatch.setattr("archspec.analysis.smallest_input._WORK", 100)
    assert smallest_input(archspec.load("densenet121")) is None


@pytest.mark.parametrize(
    ("meta", "wanted"),
    [
        ({}, (None, False)),
        ({"top1": "76.13", "source": "a"}, (76.13, False)),
        ({"top1": " 76.13% ", "source": "a"}, (76.13, False)),
        ({"top1": "0", "source": "a"}, (0.0, False)),
        ({"top1": "76.13"}, (None, True)),
        ({"top1": "76.13", "source": "  "}, (None, True)),
        ({"top1": "101", "source": "a"}, (None, True)),
        ({"top1": "-1", "source": "a"}, (None, True)),
        ({"top1": "nan", "source": "a"}, (None, True)),
        ({"top1": "about 70", "source": "a"}, (None, True)),
        ({"top1": "9" * 5000, "source": "a"}, (None, True)),
    ],
)
def test_accuracy_is_cited_or_not_told(meta, wanted):
    found = cited(meta)
    assert (found.top1, bool(found.doubt)) == wanted and len(found.doubt) < 100


# The table "VGG19 vs ResNet50" of the lecture "Introduction to Deep Learning: CNN (VGG, ResNet)": its columns are swapped, and what it
# gives for VGG19 is VGG-16. Checked there: parameters and multiply-accumulates.
LECTURE = {"vgg16": (138_357_544, 15_470_264_320), "vgg19": (143_667_240, 19_632_062_464), "resnet50": (25_557_032, 4_089_184_256)}
PRINTED = {"VGG19": ("25M", "3.8B"), "ResNet50": ("138M", "15.3B")}


def test_the_table_of_the_lecture(archspec_command):
    done = archspec_command("compare", "vgg19", "resnet50", "--format", "json")
    vgg, resnet = json.loads(done.out)["models"]
    for model in (vgg, resnet):
        assert (model["params"], model["macs"]) == LECTURE[model["name"]]
    assert resnet["ratios"]["params"] == pytest.approx(25_557_032 / 143_667_240)
    # "Fully convolution until the last layer" is ResNet-50, "Contains several fully connected layers" is VGG-19.
    assert resnet["weight_layers"] == {"conv": 53, "fc": 1} and vgg["weight_layers"] == {"conv": 16, "fc": 3}
    assert (vgg["top1"], resnet["top1"]) == (72.376, 76.13)  # torchvision, as the specs cite it


def test_where_the_numbers_of_the_lecture_belong():
    params, macs = (float(word[:-1]) for word in PRINTED["ResNet50"])
    assert LECTURE["vgg16"][0] / 1e6 == pytest.approx(params, abs=0.5) and LECTURE["vgg16"][1] / 1e9 == pytest.approx(macs, abs=0.2)
    first = archspec.analyze(archspec.load("resnet50", params={"v1": 1})).totals  # the stride in the 1x1, as in the paper
    params, macs = (float(word[:-1]) for word in PRINTED["VGG19"])
    assert first.params / 1e6 == pytest.approx(params, abs=0.6) and first.macs / 1e9 == pytest.approx(macs, abs=0.1)
    assert first.macs == 3_857_973_248


# tables


def test_numbers_are_those_of_the_table(networks):
    names = ["lenet5", "googlenet_2014", "vit_b_16", "unet", "lenet5_1998"]
    found = json.loads(archspec.compare([networks(name) for name in names]).to_json())
    assert found["archspec"] == 1 and found["diff"] is None
    for name, model in zip(names, found["models"], strict=True):
        totals = archspec.analyze(networks(name)).totals
        assert [model[k] for k in ("name", "params", "macs", "flops", "activations")] == [
            name, totals.params, totals.macs, totals.flops, totals.activations,
        ]  # fmt: skip
        assert model["receptive_field"] == (list(totals.receptive_field) if totals.receptive_field else None)
        assert model["ratios"]["macs"] == pytest.approx(totals.macs / found["models"][0]["macs"])


def test_few_models_stand_side_by_side_and_many_below_each_other(networks):
    few = archspec.compare([networks(name) for name in ("lenet5", "alexnet", "vgg16")]).to_text().splitlines()
    assert few[0].split() == ["lenet5", "alexnet", "vgg16"]
    assert few[2].split() == ["parameters", "61,706", "61,100,840", "990×", "138,357,544", "2,242×"]
    many = archspec.compare([networks(name) for name in ("lenet5", "alexnet", "vgg16", "resnet50")]).to_text().splitlines()
    assert many[0].split()[:2] == ["model", "parameters"]
    assert many[5].split()[:3] == ["resnet50", "25,557,032", "414×"]


def test_sources_and_what_is_unknown_are_told(networks):
    bare = spec("conv k=3 f=4", head='meta top1="50"\n')
    text = archspec.compare([networks("vgg19"), bare]).to_text()
    assert "72.376%" in text and "vgg19: top-1 72.376% from Simonyan, Zisserman 2014" in text
    assert "net: its top1 has no source, so it is not cited" in text
    assert re.search(r"top-1, cited +72\.376% +\?", text)


def test_a_ratio_to_nothing_is_left_out():
    text = archspec.compare([archspec.loads("input 8\nrelu\n"), archspec.loads("input 8\nfc 2\n")])
    assert json.loads(text.to_json())["models"][1]["ratios"]["params"] is None
    assert re.search(r"parameters +0 +18\n", text.to_text())


def test_models_of_one_name_are_told_apart(networks):
    found = archspec.compare([networks("lenet5")] * 3)
    assert [model.name for model in found.models] == ["lenet5", "lenet5 (2)", "lenet5 (3)"]


@pytest.mark.parametrize("width", few_quick([200, 120, 80, 60, 40, 20, 5], [80, 5]))
def test_text_fits_the_screen(width, networks):
    for names in (["vgg16", "vgg19"], ["lenet5", "alexnet", "vgg16", "resnet50"], ["densenet121", "densenet161"]):
        text = archspec.compare([networks(name) for name in names]).to_text(width)
        assert max(map(len, text.splitlines())) <= width


def test_text_of_a_plain_screen(networks):
    text = "".join(
        piece for line in archspec.compare([networks("lenet5"), networks("lenet5_1998")]).lines(unicode=False) for piece, _ in line
    )
    assert text.isascii()


def test_csv(networks):
    rows = list(csv.DictReader(io.StringIO(archspec.compare([networks("vgg16"), networks("vit_b_16")]).to_csv())))
    assert [row["name"] for row in rows] == ["vgg16", "vit_b_16"]
    assert rows[0]["params"] == "138357544" and rows[0]["smallest_input"] == "32x32" and rows[0]["weight_layers"] == "13 conv + 3 fc"
    assert rows[1]["receptive_field"] == "16x16" and float(rows[1]["params_ratio"]) == pytest.approx(86567656 / 138357544, abs=1e-6)


def test_there_must_be_something_to_compare():
    with pytest.raises(ValueError, match="nothing to compare"):
        archspec.compare([])


# differences


def edits(a, b):
    found = difference(a, b)
    assert not found.why_not
    return [(edit.kind, edit.before and edit.before.name, edit.after and edit.after.name) for edit in found.edits if edit.kind != EQUAL]


@pytest.mark.parametrize("name", ["lenet5", "googlenet_2014", "densenet121", "unet"])
def test_a_network_differs_in_nothing_from_itself(name, networks):
    found = difference(networks(name), networks(name))
    assert found.count(EQUAL) == networks(name).graph.layers == len(found.edits)


PAIRS = [
    ("vgg16", "vgg19"), ("vgg16", "vgg16_bn"), ("resnet50", "resnet101"), ("resnet101", "resnet152"), ("resnet50", "wide_resnet50_2"),
    ("densenet121", "densenet161"), ("lenet5", "lenet5_1998"), ("alexnet", "vgg11"), ("googlenet", "googlenet_2014"),
    ("mobilenet_v3_small", "mobilenet_v3_large"), ("squeezenet1_0", "squeezenet1_1"), ("vgg11", "vgg11_lrn"),
]  # fmt: skip


@pytest.mark.parametrize("pair", few_quick([*PAIRS, *[(b, a) for a, b in PAIRS]], [*PAIRS[::4], ("lenet5_1998", "lenet5")]), ids="-".join)
def test_a_difference_is_whole(pair, networks):
    """The layers of both come once each and in order, and what the edits add up to is the difference of the totals."""
    a, b = pair
    found = difference(networks(a), networks(b))
    one, two = archspec.analyze(networks(a)), archspec.analyze(networks(b))
    assert [edit.before for edit in found.edits if edit.before] == one.layers
    assert [edit.after for edit in found.edits if edit.after] == two.layers
    assert sum(after - before for before, after in (edit.counts("params") for edit in found.edits)) == two.totals.params - one.totals.params
    assert sum(after - before for before, after in (edit.counts("macs") for edit in found.edits)) == two.totals.macs - one.totals.macs
    assert sum(len(item) for fold in folded(found.edits) for round_ in fold for item in round_) == len(found.edits)


def test_vgg16_and_vgg19(networks):
    names = ["features.16", "features.17", "features.21", "features.22", "features.28", "features.29"]
    found = difference(networks("vgg16"), networks("vgg19"))
    assert edits(networks("vgg16"), networks("vgg19")) == [(ADDED, None, name) for name in names]
    assert [edit.after.params for edit in found.edits if edit.kind == ADDED] == [590_080, 0, 2_359_808, 0, 2_359_808, 0]


def test_resnet50_and_resnet152_fold(networks):
    """The rounds that the one has more than the other, told once each: Table 1 of He et al. 2015 has 4 and 6 of them, then 8 and 36."""
    found = difference(networks("resnet50"), networks("resnet152"))
    assert (found.count(EQUAL), found.count(ADDED), len(found.edits)) == (175, 340, 515)
    assert [(len(fold), len(fold[0])) for fold in folded(found.edits)] == [(1, 1), (4, 10), (1, 1), (30, 10), (1, 1)]
    text = archspec.compare([networks("resnet50"), networks("resnet152")]).to_text()
    assert "layer3.6.conv1 … 35.relu3 ×30:" in text and len(text.splitlines()) < 70


def test_what_changed_has_both_numbers(networks):
    text = archspec.compare([networks("resnet50"), networks("wide_resnet50_2")]).to_text()
    assert re.search(r"~ +layer1\.0\.conv1 +conv k=1 f=64 bias=no → conv k=1 f=128 bias=no +4,096 → 8,192 +12,845,056 → 25,690,112", text)


def test_what_follows_is_not_called_changed():
    a, b = spec("conv k=3 f=4", "bn", "conv k=1 f=8"), spec("conv k=3 f=6", "bn", "conv k=1 f=8")
    assert [kind for kind, *_ in edits(a, b)] == [CHANGED, FOLLOWS, FOLLOWS]


def test_another_step_of_its_kind_is_a_change():
    a, b = spec("conv k=3 f=4", "relu", "pool w=2", "flatten"), spec("conv k=3 f=4", "gelu", "avgpool w=2", "dropout 0.5")
    assert edits(a, b) == [
        (CHANGED, "relu1", "gelu1"),
        (CHANGED, "pool1", "avgpool1"),
        (REMOVED, "flatten1", None),
        (ADDED, None, "dropout1"),
    ]


def test_reading_another_layer_is_a_change():
    body = ["a: conv k=3 f=3 p=1", "b: relu", "c: conv k=3 f=3 p=1"]
    before, after = spec(*body, "add a"), spec(*body, "add b")
    assert edits(before, after) == [(CHANGED, "add1", "add1")]
    assert "add of c, a → add of c, b" in archspec.compare([before, after]).to_text()


def test_what_is_added_before_a_layer_changes_nothing_behind_it():
    assert edits(spec("conv k=3 f=3 p=1", "relu"), spec("conv k=3 f=3 p=1", "bn", "relu")) == [(ADDED, None, "bn1")]


def test_strangers_are_not_set_against_each_other(networks):
    for a, b in (("vgg19", "resnet50"), ("lenet5", "vit_b_16"), ("unet", "mobilenet_v2")):
        found = archspec.compare([networks(a), networks(b)])
        assert "are too different" in found.diff.why_not and not found.diff.edits
        assert found.to_text().count("are too different") == 1
        assert json.loads(found.to_json())["diff"]["near"] is False


def test_networks_too_long_to_align_say_so():
    a, b = (archspec.loads(f"input 8\nrepeat {n}: relu | {step}\n") for n, step in ((30_000, "tanh"), (30_001, "elu")))
    found = difference(a, b)
    assert "too many" in found.why_not and not found.edits


def test_a_difference_is_found_fast_or_not_at_all(monkeypatch, networks):
    monkeypatch.setattr(align, "MOST_CELLS", 100)
    assert "too many" in difference(networks("resnet18"), networks("resnet34")).why_not


STEPS = ["relu", "bn", "conv k=1 f=3", "conv k=3 f=3 p=1", "pool w=1"]
CHAIN = st.lists(st.sampled_from(STEPS), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(CHAIN, CHAIN)
def test_no_alignment_costs_less(a, b):
    one, two = archspec.analyze(spec(*a)).layers, archspec.analyze(spec(*b)).layers

    def cost(x, y):
        return align._cost(align._sign(x), align._sign(y)) + (x.name != y.name)

    def least():
        """Over every choice of layers that are paired."""
        for count in range(min(len(a), len(b)) + 1):
            for x, y in product(combinations(range(len(a)), count), combinations(range(len(b)), count)):
                yield sum(cost(one[i], two[j]) for i, j in zip(x, y, strict=True)) + align._ALONE * (len(a) + len(b) - 2 * count)

    paid = sum(cost(x, y) if x and y else align._ALONE for x, y in align._least(one, two))
    assert paid == min(least())


# the chart


def circles(drawn):
    for group in drawn.find("bubble"):
        circle = group.find(f"{SVG}circle")
        yield group, tuple(float(circle.get(name)) for name in ("cx", "cy", "r"))


@pytest.mark.slow
def test_the_chart_of_all_that_cite_an_accuracy(networks):
    found = archspec.compare([networks(name) for name in CITED])
    text = found.draw()
    drawn = check(text)
    bubbles = list(circles(drawn))
    assert {group.get("data-name") for group, _ in bubbles} == set(CITED) and len(CITED) == 40
    for (a, (x, y, r)), (b, (x2, y2, r2)) in combinations(bubbles, 2):
        assert (int(a.get("data-macs")) < int(b.get("data-macs"))) == (x < x2) or x == pytest.approx(x2, abs=0.02)
        assert (float(a.get("data-top1")) > float(b.get("data-top1"))) == (y < y2) or y == pytest.approx(y2, abs=0.02)
        assert r / r2 == pytest.approx(sqrt(int(a.get("data-params")) / int(b.get("data-params"))), rel=0.01)
    assert len(drawn.find("tag")) == 40
    assert text == archspec.compare([networks(name) for name in CITED]).draw()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "names", [["vgg19", "resnet50"], ["lenet5", "vgg16"], CITED[:7], CITED, [path.stem for path in SPECS], ["lenet5"] * 3]
)
def test_charts_are_sound(names, theme, networks):
    drawn = check(archspec.compare([networks(name) for name in names]).draw(theme))
    frame = drawn.root.findall(f"{SVG}rect")[1]
    left, top, wide, high = (float(frame.get(name)) for name in ("x", "y", "width", "height"))
    for _, (x, y, r) in circles(drawn):
        assert left <= x - r and x + r <= left + wide and top <= y - r and y + r <= top + high
    for tag in drawn.find("tag"):
        box, words = measured(tag, 1.25)
        assert left <= box[0] and box[2] <= left + wide and top <= box[1] and box[3] <= top + high, words
        for _, (x, y, _) in circles(drawn):
            assert not (box[0] < x < box[2] and box[1] + 1 < y < box[3]), words


def test_without_accuracy_the_height_is_the_parameters(networks):
    text = archspec.compare([networks("lenet5"), networks("resnet18")]).draw()
    drawn = check(text)
    assert "no accuracy is cited for LeNet-5" in text and "top-1 accuracy, cited" not in text
    places = sorted((int(group.get("data-params")), -y) for group, (_, y, _) in circles(drawn))
    assert [y for _, y in places] == sorted(y for _, y in places)


def test_networks_without_accuracy_are_left_out_and_listed(networks):
    found = archspec.compare([networks("lenet5"), networks("vgg16"), networks("resnet18"), networks("gpt2")])
    drawn = check(found.draw())
    assert {group.get("data-name") for group, _ in circles(drawn)} == {"vgg16", "resnet18"}
    assert found.draw().notes == ("Not in the chart, since no accuracy is cited for them: LeNet-5; GPT-2 small.",)
    assert "top-1 accuracy, cited" in found.draw() and found.draw().notes[0] in found.draw()
    assert "LeNet-5; GPT-2 small" not in archspec.compare([networks("vgg16"), networks("resnet18")]).draw()


@pytest.mark.slow
def test_the_chart_of_all_specs_lists_half_of_them(networks):
    every = [networks(path.stem) for path in SPECS]
    made = archspec.compare(every).draw()
    assert len(list(circles(check(made)))) == len(CITED)
    assert made.notes[0].count(";") + 1 == len(every) - len(CITED)


def test_accuracies_are_given_by_name_or_title(networks):
    models = [networks("lenet5"), networks("vgg16"), networks("gpt2")]
    found = archspec.compare(models, accuracy={"LeNet-5": 99.1, "vgg16": 71, "other": 5})
    assert [model.cited.top1 for model in found.models] == [99.1, 71, None]
    assert "lenet5: top-1 99.1% from the accuracies given" in found.to_text()
    assert [float(group.get("data-top1")) for group, _ in circles(check(found.draw()))] == [71, 99.1]
    for accuracy, message in (({"vgg16": 101}, "0 to 100"), ({"vgg61": 5}, "none of the accuracies .* did you mean `vgg16`")):
        with pytest.raises(ValueError, match=message):
            archspec.compare(models, accuracy=accuracy)


def test_a_file_of_accuracies(archspec_command, tmp_path):
    words = ("compare", "lenet5", "vgg16", "gpt2", "-o", "c.svg", "--accuracy", "a.csv")
    for text in (
        "name,top1\nlenet5,99.1\nvgg16,71.592%,the paper\n",
        "lenet5; 99.1\n\nvgg16; 71.592 ;the paper",
        "\ufefflenet5\t99.1\r\nvgg16\t71.592\tthe paper\r\n",
    ):
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        done = archspec_command(*words, cwd=tmp_path)
        assert done.status == 0, done.err
        assert "lenet5: top-1 99.1% from a.csv" in done.out and "vgg16: top-1 71.592% from the paper" in done.out
        assert done.err == "archspec: Not in the chart, since no accuracy is cited for them: GPT-2 small.\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "has no accuracies"), (b"name,top1\n", "has no accuracies"), (b"vgg16,71\nlenet5,x\n", "line 2: expected an accuracy from 0 to 100, found `x`"),
        (b"vgg16,71\nlenet5\n", "line 2: expected a name and an accuracy"), (b"vgg16,71\nvgg16,72\n", "given twice"), (b"vgg16,171\nlenet5,nan", "line 2"),
        (b"vgg16,0.71\nlenet5,0.99\n", "percentages"), (b"\x00\xff", "cannot read a.csv"), (b"nets,71\n", "none of the accuracies"), (None, "cannot read a.csv"),
    ],
)  # fmt: skip
def test_a_file_of_no_accuracies_is_refused(text, message, archspec_command, tmp_path):
    if text is not None:
        (tmp_path / "a.csv").write_bytes(text)
    done = archspec_command("compare", "lenet5", "vgg16", "--accuracy", "a.csv", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert message in done.err and "Traceback" not in done.err


def test_charts_of_what_counts_nothing():
    for texts in (["input 8\nrelu\n"] * 2, ["input 8\nrelu\n", "input 8\nfc 4\n"]):
        check(archspec.compare([archspec.loads(text) for text in texts]).draw())


@pytest.mark.slow
def test_a_hundred_networks_have_no_names_in_the_chart(networks):
    drawn = check(archspec.compare([networks("vgg16"), networks("alexnet")] * 50).draw())
    assert not drawn.find("tag") and len(drawn.find("bubble")) == 100
    assert any("100 without room for a name" in words for _, words, _ in drawn.texts(1.0))


def test_unknown_themes_are_refused(networks):
    with pytest.raises(ValueError, match="there is no `blue`"):
        archspec.compare([networks("lenet5")]).draw("blue")


# what names and metas may hold


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_names_are_inert(kind, format_):
    networks = [spec("conv k=3 f=4"), spec("conv k=3 f=5")]
    for network, top1 in zip(networks, ("50", PAYLOADS[kind]), strict=True):
        network.name = PAYLOADS[kind]
        network.meta = {"title": PAYLOADS[kind], "source": PAYLOADS[kind], "top1": top1}
    found = archspec.compare(networks)
    check_safe(found.draw())
    made = getattr(found, f"to_{format_}")()
    if format_ != "csv":
        assert all(char == "\n" or char.isprintable() or ord(char) > 0x7FF for char in made)
    assert "\u202e" not in made and "\x1b" not in made
    if format_ == "html":
        tags = ["table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "small", "br", "p"]
        assert set(re.findall(r"</?([a-z]+)", made)) <= set(tags)
    elif format_ == "json":
        assert json.loads(made)["models"][0]["title"] == PAYLOADS[kind].strip()
    elif format_ == "csv":
        rows = list(csv.reader(io.StringIO(made)))
        assert len({len(row) for row in rows}) == 1 and not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    elif format_ == "latex":
        assert all(r"\input" not in line or line.startswith("%") for line in made.splitlines())
    elif format_ == "markdown":
        assert not re.search(r"(?<!\\)(<img|\]\(|```)", made)


@pytest.mark.slow
@pdflatex
def test_the_latex_compiles(networks, tmp_path):
    hostile = spec("conv k=3 f=4")
    hostile.name = PAYLOADS["latex"]
    for compared in (
        [networks("lenet5"), networks("lenet5_1998")],
        [networks("densenet121"), networks("densenet161")],
        [hostile, spec("conv k=3 f=5")],
    ):
        made = archspec.compare(compared).to_latex()
        page = "\\documentclass{article}\\usepackage{booktabs}\\usepackage[T1]{fontenc}\\begin{document}\n" + made + "\\end{document}\n"
        (tmp_path / "t.tex").write_text(page, encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


# the command


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_writes_every_form(archspec_command, form, networks):
    done = archspec_command("compare", "vgg16", "vgg19", "--format", form)
    assert done.status == 0 and done.err == ""
    assert done.out == getattr(Comparison([networks("vgg16"), networks("vgg19")]), f"to_{form}")()


def test_the_command_draws(archspec_command, tmp_path, networks):
    done = archspec_command("compare", "vgg16", "vgg19", "-o", str(tmp_path / "a.svg"), "--theme", "dark")
    assert done.status == 0 and "143,667,240" in done.out
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == archspec.compare([networks("vgg16"), networks("vgg19")]).draw("dark")


@pytest.mark.parametrize(("form", "magic", "needs"), [("png", b"\x89PNG", "resvg_py"), ("pdf", b"%PDF", "svglib")])
def test_png_and_pdf(archspec_command, tmp_path, form, magic, needs):
    pytest.importorskip(needs, reason=f"{needs} writes it")
    assert archspec_command("compare", "vgg16", "vgg19", "-o", str(tmp_path / f"a.{form}")).status == 0
    assert (tmp_path / f"a.{form}").read_bytes().startswith(magic)


def test_params_and_sizes_hold_for_all(archspec_command):
    done = archspec_command("compare", "resnet18", "resnet34", "--input", "64x64x3", "--set", "classes=10", "--format", "json")
    models = json.loads(done.out)["models"]
    assert [model["params"] for model in models] == [11_181_642, 21_289_802]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["vgg16"], "two specs"),
        (["-", "-"], "can be read once"),
        (["vgg16", "vgg19", "-o", "a.dot"], ".svg, .png, .pdf"),
        (["vgg16", "vgg91"], "did you mean"),
        (["vgg16", "vgg19", "-o", "/nowhere/a.svg"], "cannot write"),
    ],
)
def test_mistakes_of_usage(archspec_command, arguments, told):
    done = archspec_command("compare", *arguments)
    assert done.status == 2 and told in done.err and "Traceback" not in done.err and done.out == ""


def test_a_spec_with_errors(archspec_command, tmp_path):
    (tmp_path / "bad.arch").write_text("input 8x8x3\nconv k=9 f=2\n")
    done = archspec_command("compare", "lenet5", str(tmp_path / "bad.arch"), "-o", str(tmp_path / "a.svg"))
    assert done.status == 1 and "error[A202]" in done.err and done.out == "" and not (tmp_path / "a.svg").exists()


def test_without_a_converter_a_line_says_what_to_install(monkeypatch, capsys, tmp_path):
    from archspec.cli.main import run

    monkeypatch.setattr(convert, "find_spec", lambda name: None)
    assert run(["compare", "vgg16", "vgg19", "-o", str(tmp_path / "a.png")]) == 2
    assert "pip install" in capsys.readouterr().err


def test_comparing_imports_nothing_heavy(archspec_command):
    code = (
        "import sys; sys.argv = ['archspec', 'compare', 'vgg16', 'vgg19']\nfrom archspec.cli.main import main\nmain()\n"
        "heavy = {'torch', 'onnx', 'numpy', 'graphviz', 'lark', 'rich', 'pandas', 'IPython'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    import sys

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0
