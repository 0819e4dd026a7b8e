"""Small networks on which tools differ: the truth about each, and its spec. `modules.py` has the same in torch and in Keras.

Layers have no bias unless the case is about it, so that a number that differs, differs because of the case.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.peers.truth import Tally


@dataclass(frozen=True)
class Corner:
    """`spec` is None where the language has no such thing."""

    title: str
    spec: str | None
    truth: Tally


def tally(*layers: tuple[object, ...], **more: int) -> Tally:
    """A tally of (method, arguments...) and of what else is in it."""
    net = Tally(**more)
    for name, *arguments in layers:
        getattr(net, str(name))(*arguments)
    return net


ATTENTION = ("attention", 50, 64, 4)
"""4 * (50 * 64*64) + 2 * (50*50 * 64) = 1,139,200 MACs, 4 * (64*64 + 64) = 16,640 parameters; biases as nn.MultiheadAttention has them"""
SPEC_OF_ATTENTION = "input 50x64\ntokens | attn heads=4"

CORNERS = {
    # 32*32 positions * (3*3 * 3 * 8 = 216 weights) = 221,184
    "functional": Corner("convolution by `F.conv2d`", "input 32x32x3\nconv k=3 f=8 p=1 bias=no", tally(("conv", 32**2, 3, 8, 9))),
    # the same and 8 biases; 32*32*8 additions of them are not MACs
    "bias": Corner("convolution with bias", "input 32x32x3\nconv k=3 f=8 p=1", tally(("conv", 32**2, 3, 8, 9, 1, True))),
    # 32*32 * (4*4 * 3 * 8 = 384) = 393,216: one column is padded on the left and two on the right
    "same": Corner('`padding="same"`, 4x4', "input 32x32x3\nconv k=4 f=8 p=same bias=no", tally(("conv", 32**2, 3, 8, 16))),
    # 32*32 * (3*3 * 3 * 8), dilated to 5x5
    "dilated": Corner("dilated convolution", "input 32x32x3\nconv k=3 f=8 p=2 d=2 bias=no", tally(("conv", 32**2, 3, 8, 9))),
    # 16*16 * (3*3 * 16/4 * 32 = 1,152) = 294,912
    "grouped": Corner("grouped convolution", "input 16x16x16\nconv k=3 f=32 p=1 g=4 bias=no", tally(("conv", 16**2, 16, 32, 9, 4))),
    # 16*16 * (3*3 * 1 * 16 = 144) = 36,864
    "depthwise": Corner("depthwise convolution", "input 16x16x16\ndwconv k=3 p=1 bias=no", tally(("conv", 16**2, 16, 16, 9, 16))),
    # 8*8*8 * (3*3*3 * 2 * 4 = 216) = 110,592
    "volume": Corner("3-D convolution", "input 8x8x8x2\nconv k=3 f=4 p=1 bias=no", tally(("conv", 8**3, 2, 4, 27))),
    # 14*14 input positions * (4*4 * 16 * 8 = 2,048) = 401,408, to 28x28
    "transposed": Corner("transposed convolution", "input 14x14x16\ndeconv k=4 s=2 p=1 f=8 bias=no", tally(("conv", 14**2, 16, 8, 16))),
    # 14*14 * (4*4 * 16 * 8/4 = 512) = 100,352
    "transposed_grouped": Corner(
        "transposed and grouped", "input 14x14x16\ndeconv k=4 s=2 p=1 f=8 g=4 bias=no", tally(("conv", 14**2, 16, 8, 16, 4))
    ),
    # 49 tokens * (64*128 = 8,192) = 401,408
    "tokens": Corner("linear on tokens", "input 49x64\ntokens | linear 128 bias=no", tally(("linear", 49, 64, 128, False))),
    # 16 looked up, which multiplies nothing, then 16 * (64*10); 1000*64 + 640 parameters
    "embedding": Corner(
        "embedding, then linear", "input 16\nembed 1000 64 | linear 10 bias=no", tally(("linear", 16, 64, 10, False), params=64_000)
    ),
    # 221,184 as above; 216 + 2*8 parameters
    "batch_norm": Corner("batch norm", "input 32x32x3\nconv k=3 f=8 p=1 bias=no | bn", tally(("conv", 32**2, 3, 8, 9), ("bn", 32**2, 8))),
    # 49 * 64*64 = 200,704; 4,096 + 2*64 parameters
    "layer_norm": Corner(
        "layer norm", "input 49x64\ntokens | ln | linear 64 bias=no", tally(("ln", 49, 64), ("linear", 49, 64, 64, False))
    ),
    # 8*8*3*3 = 576 weights, used twice at 32*32 positions: 1,179,648
    "shared": Corner("a layer called twice", None, tally(("conv", 32**2, 8, 8, 9), macs=32**2 * 576)),
    "attention_module": Corner("`nn.MultiheadAttention`", SPEC_OF_ATTENTION, tally(ATTENTION)),
    "attention_fused": Corner("`F.scaled_dot_product_attention`", SPEC_OF_ATTENTION, tally(ATTENTION)),
    "attention_matmul": Corner("attention by `@`", SPEC_OF_ATTENTION, tally(ATTENTION)),
    "attention_einsum": Corner("attention by `torch.einsum`", SPEC_OF_ATTENTION, tally(ATTENTION)),
    # 8 is pooled to ceil((8 - 3)/2) + 1 = 4, not 3: 4*4 * (3*3 * 8 * 8 = 576) = 9,216
    "ceil": Corner(
        "pooling with `ceil_mode`",
        "input 8x8x8\npool w=3 s=2 round=ceil | conv k=3 f=8 p=1 bias=no",
        tally(("maxpool", 512), ("conv", 4**2, 8, 8, 9)),
    ),
    # a class token of 64 and positions of 50*64 beside 50 * (64*64) = 204,800; 64 + 3,200 + 4,096 parameters
    "parameters": Corner(
        "bare `nn.Parameter`",
        "input 49x64\ntokens | cls | pos | linear 64 bias=no",
        tally(("linear", 50, 64, 64, False), params=64 + 50 * 64),
    ),
    # relu of 16*16*8, max pooling to 8*8*8, average pooling to 4*4*8, global to 8, softmax of 8
    "nothing": Corner(
        "layers without parameters",
        "input 16x16x8\nrelu | pool w=2 | avgpool w=2 | gap | flatten | softmax",
        tally(("maxpool", 2048), ("avgpool", 512, 128), ("adapt", 128, 8), relu=2048, softmax=8, softmax_rows=1),
    ),
}
