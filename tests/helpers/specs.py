"""The bundled specs made cheap to run: on smaller images, with narrower classifiers; and a few of them for tests in a hurry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec.ir.graph import Network
from archspec.ir.walk import walk

SMALLER = {
    "input 224x224x3": (96, 96, 3),
    "input 227x227x3": (99, 99, 3),
    "input 256x256x3": (32, 32, 3),
    "input 384x384x3": (96, 96, 3),
    "input 192x192x3": (96, 96, 3),
    "input 416x416x3": (64, 64, 3),
    "input 480x480x3": (96, 96, 3),
    "input 512x512x3": (64, 64, 3),
    "input 520x520x3": (96, 96, 3),
    "input 16x112x112x3": (4, 48, 48, 3),
    "input 16000x256": (40, 256),
}
ONE_SIZE = ("swin_t", "swin_v2_t", "maxvit_t", "mobilevit_s")
"""Their windows, or patches, divide their maps at every stage for images of their size, and of none smaller."""

QUICK = ("lenet5", "lenet5_1998", "resnet18", "squeezenet1_0")
"""Specs that take little time, with connection tables, branches, merges and blocks among them."""

VARIED = (
    *QUICK,
    *("vit_b_16", "swin_t", "convnext_tiny", "googlenet_2014", "unet", "vgg11", "resnet20_cifar", "simplenet", "shallowvggnet_dropout"),
    *(
        "shufflenet_v2_x1_0",
        "mobilenet_v2",
        "mobilenet_v3_small",
        "efficientnet_b0",
        "lstm_text",
        "gru_text",
        "mlp_mixer_b16",
        "convnext_v2_tiny",
        "cyclegan_generator",
        "dcgan_discriminator",
        "textcnn",
        "yolov3",
    ),
    *("cbam_resnet50", "nfnet_f0", "pointnet", "segnet", "ssd300", "vae_mnist"),
    *("gpt2", "bert_base", "llama3_8b", "t5_small", "siamese_koch", "deit_b_distilled"),
)
"""Specs that hold every layer and every structure that any bundled spec holds (`tests/test_specs.py` compares)."""


NARROW: dict[str, dict[str, int]] = {
    "unet": {"width": 8},
    "gpt2": {"words": 90, "length": 12, "width": 48, "depth": 2},
    "bert_base": {"words": 90, "length": 12, "width": 48, "depth": 2},
    "llama3_8b": {"words": 90, "length": 12, "width": 48, "inner": 64, "depth": 2, "heads": 8},
    "transformer_base": {"T": 12, "D": 48, "depth": 2},
    "fcn8s": {"width": 4},
    "pointnet": {"N": 20},
    "wavenet": {"stacks": 1},
    "segnet": {"width": 4},  # with fewer numbers no two of a window differ by their rounding alone, which decides where one comes back
    "t5_small": {"words": 90, "length": 40, "width": 48, "depth": 2},
    "deit_b_distilled": {"width": 48, "depth": 2, "classes": 10},
}
"""Networks whose size says nothing that a small one does not say."""


def few_quick(specs: Iterable[Any], quick: Iterable[str] = QUICK) -> list[Any]:
    """Parameters of a test that takes long in sum, such as specs by path or name: all are slow except the quick ones."""
    return [spec if getattr(spec, "stem", spec) in quick else pytest.param(spec, marks=pytest.mark.slow) for spec in specs]


def looked_up(network: Network) -> dict[str, int]:
    """The inputs that hold the numbers of words, which a table is looked up with; and a number that those stay below, 50 at most."""
    return {source: min(50, place.node.op.v) for place in walk(network) if place.node.op.indexes for source in place.sources}


def reduced(path: Path) -> Network:
    """A bundled spec, by its path, with 64 units where a classifier has 4,096 (nine tenths of VGG's parameters, all of one kind)."""
    text = path.read_text()
    smaller = next((shape for line, shape in SMALLER.items() if line in text and path.stem not in ONE_SIZE), None)
    inputs = {"input": smaller} if smaller else None
    if "fc 4096" in text:
        return archspec.loads(text.replace("fc 4096", "fc 64"), name=path.stem, inputs=inputs)
    return archspec.load(path, params=NARROW.get(path.stem), inputs=inputs)
