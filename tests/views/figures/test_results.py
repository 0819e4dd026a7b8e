"""Pictures of networks that read further results: at the finest level those of the same networks written flat."""

from __future__ import annotations

import pytest

import archspec
from archspec.backends.arch import expand
from archspec.views.figures.build import build
from tests.helpers.nested import random_network, unet, wavenet

NETWORKS = {"wavenet": wavenet, "unet": unet} | {f"random {seed}": lambda seed=seed: random_network(seed) for seed in range(12)}


def arrows(network, level):
    return [(arrow.tail.name, arrow.head.name) for arrow in build(network, level).arrows]


@pytest.mark.parametrize("name", NETWORKS)
def test_arrows_are_those_of_the_flat_network(name):
    network = NETWORKS[name]()
    assert arrows(network, "layer") == arrows(archspec.loads(expand(network)), "layer")


def test_a_block_that_is_one_box_gives_all_its_results():
    found = arrows(wavenet(), "block")
    assert [(f"stack.{at}", "add1") in found for at in range(12)] == [True] * 12
    assert ("backbone.layer1.3", "concat1") in arrows(unet(), "block"), "the last round of two"


@pytest.mark.parametrize("as_", ["blocks", "bars"])
def test_every_kind_is_drawn(as_):
    for network in (wavenet(), unet()):
        assert "<svg" in str(archspec.draw(network, as_=as_).svg)
