"""Layers of PyTorch in ONNX files of its exporter, as layers of the language, with the values of onnxruntime."""

from __future__ import annotations

import io
import warnings

import pytest

for _name in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(_name, reason="files are made by PyTorch's exporter and compared with onnxruntime")

import torch
from torch import nn
from torch.nn import functional as F

from archspec.imports.onnx.reader import read
from tests.imports.onnx_values import difference


def exported(module: nn.Module, x: torch.Tensor, path, **options):
    """Write a module by the exporter through TorchScript, with an open number of images."""
    options = {"opset_version": 17, "input_names": ["image"], "dynamic_axes": {"image": {0: "N"}}} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = io.BytesIO()
        torch.onnx.export(module.eval(), (x,), stream, dynamo=False, **options)
    path.write_bytes(stream.getvalue())
    return path


class Function(nn.Module):
    """A function of one value."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class SqueezeExcitation(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))


class Einsum(nn.Module):
    """A product with a stored matrix by its equation."""

    def __init__(self, equation):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 5))
        self.equation = equation

    def forward(self, x):
        return torch.einsum(self.equation, x, self.weight)


class Heads(nn.Module):
    """Attention as Keras writes it: heads and their channels are axes of the weights."""

    def __init__(self):
        super().__init__()
        for name in ("query", "key", "value"):
            setattr(self, name, nn.Parameter(torch.randn(8, 2, 4)))
            setattr(self, f"{name}_bias", nn.Parameter(torch.randn(2, 4)))
        self.output, self.output_bias = nn.Parameter(torch.randn(2, 4, 8)), nn.Parameter(torch.randn(8))

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2)
        q, k, v = (torch.einsum("abc,cde->abde", x, getattr(self, n)) + getattr(self, f"{n}_bias") for n in ("query", "key", "value"))
        weights = torch.softmax(torch.einsum("bthd,bshd->bhts", q * 0.5, k), -1)
        return torch.einsum("abcd,cde->abe", torch.einsum("bhts,bshd->bthd", weights, v), self.output) + self.output_bias


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)

    def forward(self, x):
        return F.relu(self.bn1(self.conv1(x)) + x)


class Scaled(nn.Module):
    """Division by the length, times a number per channel, as in SSD."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((8, 1, 1), 20.0))

    def forward(self, x):
        return F.normalize(x) * self.weight


def named(module, **parts):
    """A module with parts of these names, one behind the other."""
    for name, part in parts.items():
        module.add_module(name, part)
    return module


IMAGE = torch.zeros(1, 8, 12, 12)
LAYERS = {
    "conv": (nn.Conv2d(8, 6, 3, stride=2, padding=1), "conv k=3 f=6 s=2 p=1"),
    "conv with groups": (nn.Conv2d(8, 6, (3, 1), groups=2, dilation=2, bias=False), "conv k=3x1 f=6 d=2 bias=no g=2"),
    "depthwise": (nn.Conv2d(8, 16, 3, groups=8), "dwconv k=3 m=2"),
    "deconv": (nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1), "deconv k=4 f=4 s=2 p=1"),
    "deconv with output padding": (nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1, groups=2), "deconv k=3 f=4 s=2 p=1 op=1 g=2"),
    "batch norm": (nn.Sequential(nn.ReLU(), nn.BatchNorm2d(8)), "bn"),
    "max pool": (nn.MaxPool2d(3, 2, 1), "pool w=3 s=2 p=1"),
    "max pool, ceil": (nn.MaxPool2d(3, 2, ceil_mode=True), "pool w=3 s=2 round=ceil"),
    "average pool": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), "avgpool w=3 s=2 p=1 count_pad=no"),
    "global pool": (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)), "gap | fc 3"),
    "adaptive pool": (nn.AdaptiveAvgPool2d(4), "avgpool w=3"),
    "squeeze and excitation": (SqueezeExcitation(), "conv k=1 f=8 | sigmoid"),
    "residual": (Residual(), "residual: conv k=3 f=8 p=1"),
    "a sum of products": (Einsum("bchw,cd->bdhw"), "linear 5"),
    "heads by their equations": (Heads(), "attend key value heads=2"),
    "linear on positions": (nn.Sequential(nn.Linear(12, 5)), "linear 5"),
    "gelu": (nn.GELU(), "gelu"),
    "gelu by tanh": (nn.GELU("tanh"), "gelu approx=tanh"),
    "gelu times a number": (Function(lambda x: x * (1 + torch.erf(x / 2**0.5))), "gelu | mul 2"),
    "silu": (nn.SiLU(), "silu"),
    "hardswish": (nn.Hardswish(), "hardswish"),
    "hardswish written out": (Function(lambda x: x * F.relu6(x + 3) / 6), "hardswish"),
    "hardsigmoid written out": (Function(lambda x: F.relu6(x + 3) / 6), "hardsigmoid"),
    "mish": (nn.Mish(), "mish"),
    "relu6": (nn.ReLU6(), "relu6"),
    "leaky": (nn.LeakyReLU(0.2), "leaky 0.2"),
    "elu": (nn.ELU(0.5), "elu 0.5"),
    "prelu": (nn.PReLU(8), "prelu shared=no"),
    "softplus": (nn.Softplus(), "softplus"),
    "log softmax": (nn.LogSoftmax(1), "logsoftmax"),
    "group norm": (named(nn.Sequential(), norm=nn.GroupNorm(4, 8)), "norm: gn 4"),
    "instance norm": (nn.InstanceNorm2d(8, affine=True), "instnorm affine=yes"),
    "bare instance norm": (nn.InstanceNorm2d(8), "instnorm"),
    "a length that is learned": (Scaled(), "l2norm | scale"),
    "pad": (nn.ZeroPad2d((1, 2, 3, 4)), "pad"),
    "reflect": (nn.ReflectionPad2d(2), "pad 2 mode=reflect"),
    "crop": (Function(lambda x: x[:, :, 2:-2, 2:-2]), "crop 8"),
    "upsample": (nn.Upsample(scale_factor=2), "upsample 2"),
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), "upsample 2 mode=bilinear"),
    "bilinear by corners": (nn.Upsample(size=(30, 17), mode="bilinear", align_corners=True), "upsample to=30x17 mode=bilinear corners=yes"),
    "pixel shuffle": (nn.PixelShuffle(2), "pixelshuffle 2"),
    "channel shuffle": (Function(lambda x: x.view(-1, 2, 4, 12, 12).transpose(1, 2).reshape(-1, 8, 12, 12)), "shuffle 2"),
    "concat": (Function(lambda x: torch.cat((x, F.relu(x)), 1)), "concat"),
    "slice": (Function(lambda x: F.relu(x[:, 2:6])), "slice 2:6"),
    "chunks": (Function(lambda x: torch.cat([F.relu(x.chunk(2, 1)[0]), x.chunk(2, 1)[1]], 1)), "slice 0:4"),
    "numbers": (Function(lambda x: x * 0.17 + 3), "mul 0.17 | add 3"),
    "a number less a value": (Function(lambda x: 1 - x), "mul -1 | add 1"),
    "mean over channels": (Function(lambda x: x * x.mean(1, keepdim=True)), "mean axis=c"),
    "flatten": (nn.Sequential(nn.Flatten(), nn.Linear(8 * 144, 3, bias=False)), "fc 3 bias=no"),
    "flatten as a view": (nn.Sequential(Function(lambda x: x.view(x.size(0), -1)), nn.Linear(8 * 144, 3)), "fc 3"),
    "tokens": (nn.Sequential(Function(lambda x: x.flatten(2).transpose(1, 2)), nn.Linear(8, 3)), "tokens | linear 3"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_pytorch(tmp_path, name):
    module, line = LAYERS[name]
    torch.manual_seed(0)
    for tensor in module.buffers():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    path = exported(module, IMAGE, tmp_path / "net.onnx")
    found = read(path, {})
    text = found.text.replace(" round=floor", "")
    assert line.split(" | ")[0] in text
    for part in line.split(" | "):
        assert part in text, text
    assert not found.diagnostics
    assert difference(path, found=found) < 1e-5
