"""The networks as torch, Keras and ONNX have them. Imported by the measured processes only."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

KERAS = {"vgg16": "VGG16", "resnet50": "ResNet50", "resnet152": "ResNet152", "densenet201": "DenseNet201"}
"""Those of keras.applications."""


def in_keras(name: str) -> bool:
    return name == "lenet5" or name in KERAS


def shape(name: str) -> tuple[int, int, int, int]:
    return (1, 1, 32, 32) if name == "lenet5" else (1, 3, 224, 224)


def torch_network(name: str) -> nn.Module:
    """LeNet-5 written by hand, or torchvision's own, without downloaded weights."""
    if name == "lenet5":
        return lenet5()
    # GoogLeNet warns of its slow initialisation unless told, and has auxiliary heads unless told.
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return getattr(torchvision().models, name)(weights=None, **options)


def torchvision() -> Any:
    """torchvision; its wheel for CUDA has operators that a CPU torch lacks, and none of these networks needs them."""
    import torch

    real = torch.library.register_fake
    torch.library.register_fake = lambda name, *a, **k: (lambda f: f) if name.startswith("torchvision::") else real(name, *a, **k)
    try:
        import torchvision
    finally:
        torch.library.register_fake = real
    return torchvision


def lenet5() -> nn.Module:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
        nn.Softmax(dim=1),
    )


def keras_network(name: str) -> Any:
    """The network of keras.applications, or LeNet-5 written by hand."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    if name != "lenet5":
        return getattr(keras.applications, KERAS[name])(weights=None)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def export(module: nn.Module, input_shape: tuple[int, ...], path: Path) -> None:
    """The ONNX file that torch writes by default: in evaluation mode, batch norms folded into convolutions.

    All numbers are drawn, as after training: of tensors that are equal, such as biases of 0, the exporter writes one.
    """
    import torch

    for tensor in (*module.parameters(), *(b for b in module.buffers() if b.is_floating_point())):
        tensor.data.uniform_(0.5, 1.5)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (torch.zeros(input_shape),), str(path), dynamo=False)
