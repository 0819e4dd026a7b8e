"""Weights that are used again: every picture says whose they are, as tables do, and counts them once."""

from __future__ import annotations

import re
from html import unescape

import pytest

import archspec
from archspec.views import figures
from archspec.views.figures import text_form
from tests.helpers.svg import Drawn

SHARED = """\
block enc():
  residual: conv k=3 f=cin p=1 bias=no | bn
  relu
left: input 8x8x4
right: input 8x8x4
from left
twin:
  first: conv k=3 f=4 p=1
  stage: repeat 3: enc
  inner:
    conv k=1 f=4
    conv k=1 f=4 | relu
from right
again twin
sub twin
again twin.stage
repeat 4: again twin.first
"""
LEVELS = ("group", "stage", "block", "part", "layer")


def words(network, as_="blocks", level="auto"):
    found = re.findall(r"<text[^>]*>(.*?)</text>", figures.draw(network, as_, level).text)
    return [unescape(re.sub("<[^>]*>", " ", text)) for text in found]


@pytest.fixture(scope="module")
def shared():
    return archspec.loads(SHARED)


@pytest.mark.parametrize(
    ("level", "titles", "details"),
    [
        ("group", [], ["enc = twin.stage.0", "conv k=3 f=4 p=1 = twin.first"]),
        ("stage", ["again1 = twin"], ["enc = twin.stage.0", "conv k=3 f=4 p=1 = twin.first"]),
        ("block", ["again1 = twin", "again2 = twin.stage"], ["conv k=3 f=4 p=1 = twin.first"]),
        ("layer", ["again1 = twin", "again2 = twin.stage"], ["conv k=3 f=4 p=1 = twin.first"]),
    ],
)
def test_frames_and_boxes_say_whose_weights_they_have(shared, level, titles, details):
    """A box within a frame that says it does not say it again; titles go on in further columns. A frame that is one box is a box of theirs."""
    found = {text.removesuffix(" …") for text in words(shared, level=level)}
    assert {text for text in found if re.match(r"again\d = ", text)} == set(titles)
    assert {text for text in found if " = " in text} - set(titles) == set(details)
    assert ("= twin" in found) == (level == "group")


@pytest.mark.parametrize("level", LEVELS)
def test_weights_are_counted_once_at_every_level(shared, level):
    """What is used again in a row is one box without parameters, apart from what it is used again of."""
    picture = Drawn(figures.draw(shared, level=level).text)
    totals = archspec.analyze(shared).totals
    counted = [sum(int(e.get(f"data-{what}")) for e in picture.find("node")) for what in ("params", "macs")]
    assert counted == [totals.params, totals.macs]


def test_equal_layers_fold_only_where_they_have_the_same_weights():
    network = archspec.loads("input 8x8x4\nx: conv k=3 f=4 p=1\nagain x | again x\nconv k=3 f=4 p=1\ny: conv k=3 f=4 p=1\nagain y\nagain x")
    boxes = [(e.get("data-name"), e.get("data-times")) for e in Drawn(figures.draw(network, level="stage").text).find("node")]
    assert boxes[1:-1] == [("x", "1"), ("again1", "2"), ("conv2", "2"), ("again3", "1"), ("again4", "1")]


def test_volumes_and_bars_say_it_of_each_layer(shared):
    assert {"3×3 conv = twin.first", "enc = twin.stage.1", "1×1 conv = twin.inner.0"} <= {*words(shared, "volumes")}
    assert {"= twin.first", "= twin.stage.1.conv1"} <= {*words(shared, "bars")}


def test_a_table_that_is_tied_is_written_as_in_the_spec(networks):
    assert "linear 50257 weights=wte" in words(networks("gpt2"))


def test_a_norm_that_is_used_again_behind_another_layer(networks):
    network = archspec.loads("input 8x8x4\nconv k=3 f=4 p=1 bias=no\nn: bn\nrelu | conv k=3 f=4 p=1 bias=no | again n | relu")
    assert "bn = n · relu" in words(network, level="part")


@pytest.mark.parametrize("form", ["dot", "mmd"])
def test_texts_for_other_programs_say_it_too(shared, form):
    text = text_form(shared, form, "block").text
    assert "again1 = twin" in text and "conv k=3 f=4 p=1 = twin.first" in text
