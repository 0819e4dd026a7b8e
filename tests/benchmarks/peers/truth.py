"""What each network and corner case holds and does, worked out by hand from the layers' sizes: what all tools are measured against.

A multiply-accumulate is one product of a convolution, a matrix product, or an attention, summed up. Nothing else is one: no bias, norm,
pooling or activation. A parameter is a learned number, counted once however often it is used. Nothing here reads a network, asks a
framework, or asks archspec; `tests/test_peers.py` compares with torch's module.parameters() and FlopCounterMode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass
class Tally:
    """Parameters and MACs, and beside them the operations that some tools add to the MACs, each counted once a number."""

    params: int = 0
    macs: int = 0
    bias: int = 0
    """additions of a bias"""
    norm: int = 0
    """numbers through a batch norm"""
    norm_layer: int = 0
    """numbers through a layer norm"""
    norm_params: int = 0
    """learned numbers of batch norms and layer norms"""
    norm_alone_params: int = 0
    """those of batch norms that follow no convolution, into which none can be folded"""
    norm_folded_params: int = 0
    """those of the other batch norms"""
    relu: int = 0
    """numbers through a ReLU that is a module"""
    relu_called: int = 0
    """numbers through F.relu"""
    gelu: int = 0
    softmax: int = 0
    softmax_called: int = 0
    """numbers through the softmax of an nn.MultiheadAttention"""
    softmax_rows: int = 0
    """distributions that nn.Softmax makes"""
    scaled: int = 0
    """queries that an nn.MultiheadAttention divides by the root of their length"""
    pool_in: int = 0
    """numbers that pooling with a window reads"""
    average_out: int = 0
    adapt_in: int = 0
    """numbers that an adaptive average pooling module reads"""
    adapt_out: int = 0
    adapt_called: int = 0
    """numbers that F.adaptive_avg_pool2d reads"""

    def conv(self, positions: int, cin: int, cout: int, kernel: int, groups: int = 1, bias: bool = False) -> None:
        """A filter has kernel * cin/groups weights; each is used once at each position of the output, or for a transposed
        convolution, which scatters, of the input. `kernel` is the number of its positions."""
        weights = kernel * (cin // groups) * cout
        self.params += weights + cout * bias
        self.macs += positions * weights
        self.bias += positions * cout * bias

    def linear(self, rows: int, cin: int, cout: int, bias: bool = True) -> None:
        self.conv(rows, cin, cout, 1, bias=bias)

    def bn(self, positions: int, channels: int, alone: bool = False) -> None:
        self.params += 2 * channels
        self.norm_params += 2 * channels
        self.norm_alone_params += 2 * channels * alone
        self.norm_folded_params += 2 * channels * (not alone)
        self.norm += positions * channels

    def ln(self, rows: int, channels: int) -> None:
        self.params += 2 * channels
        self.norm_params += 2 * channels
        self.norm_layer += rows * channels

    def attention(self, tokens: int, width: int, heads: int) -> None:
        """Queries, keys, values and the result are a matrix product each; between them are Q K^T and its product with V:
        tokens^2 * width/heads products a head, twice."""
        for _ in range(4):
            self.linear(tokens, width, width)
        self.macs += 2 * tokens**2 * width
        self.softmax_called += heads * tokens**2
        self.scaled += tokens * width

    def maxpool(self, read: int) -> None:
        self.pool_in += read

    def avgpool(self, read: int, written: int) -> None:
        self.pool_in += read
        self.average_out += written

    def adapt(self, read: int, written: int) -> None:
        self.adapt_in += read
        self.adapt_out += written

    def numbers(self) -> dict[str, int]:
        return {
            field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) or field.name in ("params", "macs")
        }


def lenet5() -> Tally:
    """LeCun et al. 1998 as lectured: 32 -5-> 28 /2 14 -5-> 10 /2 5."""
    net = Tally()
    for size, cin, cout in ((28, 1, 6), (10, 6, 16)):
        net.conv(size**2, cin, cout, 25, bias=True)
        net.avgpool(size**2 * cout, (size // 2) ** 2 * cout)
    for cin, cout in ((5 * 5 * 16, 120), (120, 84), (84, 10)):
        net.linear(1, cin, cout)
    net.softmax += 10
    net.softmax_rows += 1
    return net


def vgg16() -> Tally:
    """Simonyan & Zisserman 2014, table 1, D; torchvision pools 7x7 to 7x7 before the classifier, for images of other sizes."""
    net, cin = Tally(), 3
    for size, width, times in ((224, 64, 2), (112, 128, 2), (56, 256, 3), (28, 512, 3), (14, 512, 3)):
        for _ in range(times):
            net.conv(size**2, cin, width, 9, bias=True)
            net.relu += size**2 * width
            cin = width
        net.maxpool(size**2 * width)
    net.adapt(7 * 7 * 512, 7 * 7 * 512)
    for rows, cout in ((7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)):
        net.linear(1, rows, cout)
    net.relu += 2 * 4096
    return net


def convbn(net: Tally, positions: int, cin: int, cout: int, kernel: int, relu: bool = True) -> None:
    net.conv(positions, cin, cout, kernel)
    net.bn(positions, cout)
    net.relu += positions * cout * relu


def resnet(times: tuple[int, int, int, int]) -> Tally:
    """He et al. 2015, table 1, bottlenecks; the stride is in the 3x3, as in torchvision (v1.5)."""
    net = Tally()
    convbn(net, 112**2, 3, 64, 49)
    net.maxpool(112**2 * 64)
    cin = 64
    for stage, count in enumerate(times):
        size, width = 56 >> stage, 64 << stage
        for at in range(count):
            entered = size * 2 if at == 0 and stage else size
            convbn(net, entered**2, cin, width, 1)
            convbn(net, size**2, width, width, 9)
            convbn(net, size**2, width, 4 * width, 1, relu=False)
            if at == 0:
                convbn(net, size**2, cin, 4 * width, 1, relu=False)
            net.relu += size**2 * 4 * width
            cin = 4 * width
    net.adapt(7 * 7 * 2048, 2048)
    net.linear(1, 2048, 1000)
    return net


def densenet201() -> Tally:
    """Huang et al. 2016, table 1: growth 32; norm and relu come before each convolution."""
    net, cin = Tally(), 64
    convbn(net, 112**2, 3, 64, 49)
    net.maxpool(112**2 * 64)
    for size, count in ((56, 6), (28, 12), (14, 48), (7, 32)):
        for _ in range(count):
            net.bn(size**2, cin, alone=True)
            net.relu += size**2 * cin
            convbn(net, size**2, cin, 128, 1)
            net.conv(size**2, 128, 32, 9)
            cin += 32
        net.bn(size**2, cin, alone=True)
        if size > 7:
            net.relu += size**2 * cin
            net.conv(size**2, cin, cin // 2, 1)
            cin //= 2
            net.avgpool(size**2 * cin, (size // 2) ** 2 * cin)
    net.relu_called += 7 * 7 * cin
    net.adapt_called += 7 * 7 * cin
    net.linear(1, cin, 1000)
    return net


def googlenet() -> Tally:
    """Szegedy et al. 2014, table 1, as torchvision has it: batch norm, 3x3 in place of 5x5, no auxiliary heads."""
    net = Tally()
    convbn(net, 112**2, 3, 64, 49)
    net.maxpool(112**2 * 64)
    convbn(net, 56**2, 64, 64, 1)
    convbn(net, 56**2, 64, 192, 9)
    net.maxpool(56**2 * 192)
    cin = 192
    blocks = {
        28: ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
        14: (
            (192, 96, 208, 16, 48, 64),
            (160, 112, 224, 24, 64, 64),
            (128, 128, 256, 24, 64, 64),
            (112, 144, 288, 32, 64, 64),
            (256, 160, 320, 32, 128, 128),
        ),
        7: ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
    }
    for size, rows in blocks.items():
        for one, reduce3, three, reduce5, five, pooled in rows:
            for a, b, kernel in (
                (cin, one, 1),
                (cin, reduce3, 1),
                (reduce3, three, 9),
                (cin, reduce5, 1),
                (reduce5, five, 9),
                (cin, pooled, 1),
            ):
                convbn(net, size**2, a, b, kernel)
            net.maxpool(size**2 * cin)
            cin = one + three + five + pooled
        if size > 7:
            net.maxpool(size**2 * cin)
    net.adapt(7 * 7 * 1024, 1024)
    net.linear(1, 1024, 1000)
    net.relu, net.relu_called = 0, net.relu
    return net


def vit_b_16() -> Tally:
    """Dosovitskiy et al. 2020, table 1: 14x14 patches and a class token, 12 layers of width 768."""
    net, tokens, width = Tally(), 14 * 14 + 1, 768
    net.conv(14 * 14, 3, width, 16 * 16, bias=True)
    net.params += width + tokens * width
    for _ in range(12):
        net.ln(tokens, width)
        net.attention(tokens, width, 12)
        net.ln(tokens, width)
        net.linear(tokens, width, 4 * width)
        net.linear(tokens, 4 * width, width)
        net.gelu += tokens * 4 * width
    net.ln(tokens, width)
    net.linear(1, width, 1000)
    return net


NETWORKS: dict[str, tuple[str, str, Callable[[], Tally]]] = {
    "lenet5": ("LeNet-5", "lenet5", lenet5),
    "vgg16": ("VGG-16", "vgg16", vgg16),
    "resnet50": ("ResNet-50", "resnet50", lambda: resnet((3, 4, 6, 3))),
    "resnet152": ("ResNet-152", "resnet152", lambda: resnet((3, 8, 36, 3))),
    "densenet201": ("DenseNet-201", "densenet121 --set layers=6,12,48,32", densenet201),
    "googlenet": ("GoogLeNet", "googlenet", googlenet),
    "vit_b_16": ("ViT-B/16", "vit_b_16", vit_b_16),
}
"""Title, what archspec is asked for, and the truth. The first six are timed."""
TIMED = tuple(NETWORKS)[:6]
