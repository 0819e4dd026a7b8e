"""Every layer against torch: shapes, parameters and MACs."""

import itertools
import math
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch", reason="torch is what the layers are compared with")

from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import archspec
from archspec.ops import STEPS
from tests.helpers.torch import (
    CONV,
    DECONV,
    Apply,
    Attention,
    ChannelsLast,
    ClassToken,
    Concat,
    EvoNorm,
    MapRecurrent,
    Minus,
    Mul,
    Near,
    OnMaps,
    PartialConv,
    Position,
    Rbf,
    Recurrent,
    ResponseNorm,
    SameConv,
    Scale,
    Sinusoids,
    StandardConv,
    Stored,
    Subsample,
    ToTokens,
    Unpooled,
    Windows,
    attended,
    channels_last,
    counts,
    measure,
)  # fmt: skip
from tests.layers import LAYERS

seq = nn.Sequential


@dataclass
class Case:
    """A spec whose last layer is the one in question, and the module that the whole spec is; `shape` is C,*S, or T,C where tokens come out."""

    step: str
    spec: str
    module: object
    shape: tuple
    tokens: bool = False
    dtype: object = torch.float32

    @property
    def text(self):
        return f"input {'x'.join(map(str, channels_last(self.shape)))}\n{self.spec}\n"


C3 = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5), (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5),
      (0, 1, 4, 5), (0, 1, 2, 5), (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5))  # fmt: skip

L, HW, DHW = (6, 12), (6, 12, 10), (6, 8, 6, 10)


def cases():
    # conv
    yield Case("conv", "conv k=3 f=16", nn.Conv2d(6, 16, 3), HW)
    yield Case("conv", "conv k=3 f=16", nn.Conv1d(6, 16, 3), L)
    yield Case("conv", "conv k=3 f=16", nn.Conv3d(6, 16, 3), DHW)
    yield Case(
        "conv", "conv k=5x3 f=16 s=1x3 p=2x1 d=2x1 bias=no", nn.Conv2d(6, 16, (5, 3), (1, 3), (2, 1), (2, 1), bias=False), (6, 12, 13)
    )
    yield Case("conv", "conv k=3x2x1 f=4 g=2 p=1x0x2", nn.Conv3d(6, 4, (3, 2, 1), 1, (1, 0, 2), groups=2), DHW)
    yield Case("conv", "conv k=3 f=12 g=3 p=1", nn.Conv2d(6, 12, 3, 1, 1, groups=3), HW)
    yield Case("conv", "conv k=3 f=8 s=2 p=same", SameConv(nn.Conv2d(6, 8, 3, 2)), HW)
    yield Case("conv", "conv k=4x3 f=8 s=3x2 d=2 p=same", SameConv(nn.Conv2d(6, 8, (4, 3), (3, 2), dilation=2)), HW)
    yield Case("conv", "conv k=3 f=8 p=valid", nn.Conv2d(6, 8, 3, padding="valid"), HW)
    yield Case("conv", "conv k=3 f=8 p=same d=2", nn.Conv2d(6, 8, 3, padding="same", dilation=2), HW)
    yield Case("conv", "conv k=4 f=8 s=3 round=floor", nn.Conv2d(6, 8, 4, 3), HW)
    yield Case("conv", f"conv k=5 f=16 maps=({', '.join(str(row).replace(' ', '') for row in C3)})", PartialConv(C3, 5), (6, 14, 14))
    yield Case("conv", "conv k=3 f=8 norm=weight", weight_norm(nn.Conv2d(6, 8, 3)), HW)
    yield Case("conv", "conv k=3 f=8 g=2 norm=spectral", spectral_norm(nn.Conv1d(6, 8, 3, groups=2)), L)
    yield Case("conv", "conv k=3 f=8 norm=std", StandardConv(6, 8, 3), HW)
    yield Case("conv", "conv k=3 f=8 norm=std gain=no bias=no", StandardConv(6, 8, 3, bias=False, gain=False), HW)
    yield Case("deconv", "deconv k=3 f=4 g=2 norm=spectral", spectral_norm(nn.ConvTranspose2d(6, 4, 3, groups=2)), HW)
    yield Case("deconv", "deconv k=3 f=4 norm=weight", weight_norm(nn.ConvTranspose1d(6, 4, 3)), L)
    yield Case("fc", "fc 10 norm=weight", weight_norm(nn.Linear(9, 10)), (9,))
    yield Case("linear", "linear 10 norm=spectral", spectral_norm(nn.Linear(9, 10)), (9,))
    yield Case("conv", "conv k=3 f=8 s=2 p=0:1 round=floor", seq(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(6, 8, 3, 2)), HW)
    yield Case("conv", "conv k=2 f=8 d=4 p=causal", seq(nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(6, 8, 2, dilation=4)), L)
    yield Case("conv", "conv k=3 f=8 s=2 p=causal", seq(nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(6, 8, 3, 2)), L)
    yield Case("conv", "conv k=7 f=8 p=3 mode=reflect", nn.Conv2d(6, 8, 7, padding=3, padding_mode="reflect"), HW)
    yield Case("conv", "conv k=5x3 f=8 p=2x1 mode=edge", nn.Conv2d(6, 8, (5, 3), padding=(2, 1), padding_mode="replicate"), HW)
    yield Case("conv", "conv k=3 f=8 p=1 mode=wrap", nn.Conv3d(6, 8, 3, padding=1, padding_mode="circular"), DHW)
    yield Case("dwconv", "dwconv k=3", nn.Conv2d(6, 6, 3, groups=6), HW)
    yield Case("dwconv", "dwconv k=3 m=2 p=1 bias=no", nn.Conv1d(6, 12, 3, 1, 1, groups=6, bias=False), L)
    yield Case("dwconv", "dwconv k=2 s=2", nn.Conv3d(6, 6, 2, 2, groups=6), DHW)
    yield Case("deconv", "deconv k=2 s=2 f=4", nn.ConvTranspose2d(6, 4, 2, 2), HW)
    yield Case("deconv", "deconv k=3 s=2 p=1 op=1 f=4 g=2 bias=no", nn.ConvTranspose2d(6, 4, 3, 2, 1, 1, 2, False), HW)
    yield Case("deconv", "deconv k=3 s=2 d=2 f=5", nn.ConvTranspose1d(6, 5, 3, 2, dilation=2), L)
    yield Case("deconv", "deconv k=3x2x4 s=1x2x3 f=4 p=1x0x1", nn.ConvTranspose3d(6, 4, (3, 2, 4), (1, 2, 3), (1, 0, 1)), DHW)
    yield Case("deconv", "deconv k=4 s=2 f=4 p=same", nn.ConvTranspose2d(6, 4, 4, 2, 1), HW)
    # pool
    yield Case("pool", "pool w=2", nn.MaxPool2d(2), HW)
    yield Case("pool", "pool w=3 s=2 p=1 round=floor", nn.MaxPool2d(3, 2, 1), HW)
    yield Case("pool", "pool w=3 s=2 round=ceil", nn.MaxPool2d(3, 2, ceil_mode=True), HW)
    yield Case("pool", "pool w=3x2 s=1x2 p=1x0 d=2x1", nn.MaxPool2d((3, 2), (1, 2), (1, 0), (2, 1)), HW)
    yield Case("pool", "pool w=3 s=3", nn.MaxPool1d(3, 3), L)
    yield Case("pool", "pool w=2", nn.MaxPool3d(2), DHW)
    yield Case("pool", "pool w=3 s=2 p=0:1 round=floor", seq(nn.ConstantPad2d((0, 1, 0, 1), -math.inf), nn.MaxPool2d(3, 2)), HW)
    yield Case("avgpool", "avgpool w=2", nn.AvgPool2d(2), HW)
    yield Case("avgpool", "avgpool w=2 s=1 p=0:1", seq(nn.ZeroPad2d((0, 1, 0, 1)), nn.AvgPool2d(2, 1)), HW)
    yield Case("avgpool", "avgpool w=3 s=2 p=1 count_pad=no round=ceil", nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), HW)
    yield Case("avgpool", "avgpool w=4 s=2", nn.AvgPool1d(4, 2), L)
    yield Case("avgpool", "avgpool w=2", nn.AvgPool3d(2), DHW)
    yield Case("subsample", "subsample w=2", Subsample(6, 2), HW)
    yield Case("subsample", "subsample w=3", Subsample(6, 3, 1), L)
    yield Case("adaptpool", "adaptpool 5x7", nn.AdaptiveAvgPool2d((5, 7)), HW)
    yield Case("adaptpool", "adaptpool 4", nn.AdaptiveAvgPool1d(4), L)
    yield Case("adaptpool", "adaptpool 20x20", nn.AdaptiveAvgPool2d(20), HW)
    yield Case("adaptmaxpool", "adaptmaxpool 5x7", nn.AdaptiveMaxPool2d((5, 7)), HW)
    yield Case("adaptmaxpool", "adaptmaxpool 2", nn.AdaptiveMaxPool3d(2), DHW)
    yield Case("gap", "gap", nn.AdaptiveAvgPool2d(1), HW)
    yield Case("gap", "gap", nn.AdaptiveAvgPool1d(1), L)
    yield Case("gap", "gap", nn.AdaptiveAvgPool3d(1), DHW)
    yield Case("gap", "tokens\ngap", seq(ToTokens(), Apply(lambda x: x.mean(1))), HW)
    # norm
    yield Case("bn", "bn", nn.BatchNorm2d(6), HW)
    yield Case("bn", "bn affine=no", nn.BatchNorm1d(6, affine=False), L)
    yield Case("bn", "bn", nn.BatchNorm3d(6), DHW)
    yield Case("bn", "bn", nn.BatchNorm1d(9).eval(), (9,))
    yield Case("ln", "ln", ChannelsLast(nn.LayerNorm(6)), HW)
    yield Case("ln", "ln", nn.LayerNorm(9), (9,))
    yield Case("ln", "tokens\nln", seq(ToTokens(), nn.LayerNorm(6)), HW, tokens=True)
    yield Case("gn", "gn 3", nn.GroupNorm(3, 6), HW)
    yield Case("gn", "gn 2", nn.GroupNorm(2, 6), L)
    yield Case("instnorm", "instnorm", nn.InstanceNorm2d(6), HW)
    yield Case("instnorm", "instnorm", nn.InstanceNorm1d(6), L)
    yield Case("instnorm", "instnorm affine=yes", nn.InstanceNorm2d(6, affine=True), HW)
    yield Case("instnorm", "instnorm affine=yes", nn.InstanceNorm3d(6, affine=True), DHW)
    yield Case("ln", "ln bias=no", nn.LayerNorm(9, bias=False), (9,))
    yield Case("ln", "ln affine=no", ChannelsLast(nn.LayerNorm(6, elementwise_affine=False)), HW)
    yield Case("rmsnorm", "rmsnorm", ChannelsLast(nn.RMSNorm(6)), HW)
    yield Case("rmsnorm", "tokens\nrmsnorm", seq(ToTokens(), nn.RMSNorm(6)), HW, tokens=True)
    yield Case("rmsnorm", "rmsnorm", nn.RMSNorm(9), (9,))
    yield Case("l2norm", "l2norm", Apply(F.normalize), HW)
    yield Case("l2norm", "tokens\nl2norm", seq(ToTokens(), Apply(lambda x: F.normalize(x, dim=-1))), HW, tokens=True)
    yield Case("grn", "grn", ResponseNorm(6), HW)
    yield Case("grn", "grn", ResponseNorm(6, 1), L)
    yield Case("evonorm", "evonorm 3", EvoNorm(6, 3), HW)
    yield Case("evonorm", "evonorm 2 act=no", EvoNorm(6, 2, act=False), HW)
    yield Case("evonorm", "evonorm 2", EvoNorm(6, 2), L)
    yield Case("lrn", "lrn", nn.LocalResponseNorm(5), HW)
    yield Case("lrn", "lrn n=3", nn.LocalResponseNorm(3), DHW)
    # elementwise
    for step, twin in ((step, layer.twin) for step, layer in LAYERS.items() if layer.twin is not None):
        yield Case(step, step, twin(nn).eval(), HW)
        if step != "dropout2d":
            yield Case(step, step, twin(nn).eval(), (9,))
            yield Case(step, step, twin(nn).eval(), L)
    yield Case("gelu", "gelu approx=tanh", nn.GELU(approximate="tanh"), HW)
    yield Case("prelu", "prelu shared=no", nn.PReLU(6), HW)
    yield Case("flatten", "flatten", nn.Flatten(), DHW)
    # shape
    yield Case("pad", "pad 2", nn.ZeroPad2d(2), HW)
    yield Case("pad", "pad 2x1", nn.ZeroPad2d((1, 1, 2, 2)), HW)
    yield Case("pad", "pad 3", nn.ZeroPad1d(3), L)
    yield Case("pad", "pad c=2", Apply(lambda x: F.pad(x, (0, 0, 0, 0, 2, 2))), HW)
    yield Case("pad", "pad 0:1", nn.ZeroPad2d((0, 1, 0, 1)), HW)
    yield Case("pad", "pad h=0:1 w=2:3 c=0:7", Apply(lambda x: F.pad(x, (2, 3, 0, 1, 0, 7))), HW)
    yield Case("pad", "pad 3 mode=reflect", nn.ReflectionPad2d(3), HW)
    yield Case("pad", "pad d=1 w=0:2 mode=edge", nn.ReplicationPad3d((0, 2, 0, 0, 1, 1)), DHW)
    yield Case("pad", "pad 12 mode=wrap", nn.CircularPad1d(12), L)
    yield Case("crop", "crop 2:9", Apply(lambda x: x[:, :, 2:9, 2:9]), HW)
    yield Case("crop", "crop to=3x4", Apply(lambda x: x[:, :, 4:7, 3:7]), HW)
    yield Case("crop", "crop 7x5", Apply(lambda x: x[:, :, 2:9, 2:7]), HW)
    yield Case("crop", "crop 4", Apply(lambda x: x[:, :, 4:8]), L)
    yield Case("upsample", "upsample 2", nn.Upsample(scale_factor=2), HW)
    yield Case("upsample", "upsample 3 mode=bilinear", nn.Upsample(scale_factor=3, mode="bilinear"), HW)
    yield Case("upsample", "upsample 2", nn.Upsample(scale_factor=2), L)
    yield Case("upsample", "upsample 2 mode=bilinear", nn.Upsample(scale_factor=2, mode="trilinear"), DHW)
    yield Case("upsample", "upsample 1.5", nn.Upsample(scale_factor=1.5), HW)
    yield Case("upsample", "upsample 1.3 mode=bilinear round=floor", nn.Upsample(size=(15, 13), mode="bilinear"), HW)
    yield Case("upsample", "upsample 1.3 round=ceil", nn.Upsample(size=(16, 13)), HW)
    yield Case("upsample", "upsample to=17x5 mode=bicubic corners=yes", nn.Upsample((17, 5), mode="bicubic", align_corners=True), HW)
    yield Case("unpool", "x: skip\npool 2 | unpool x w=2", Unpooled(nn.MaxPool2d, 2), HW)
    yield Case("unpool", "x: skip\npool w=3 s=4 p=1 round=floor | unpool x w=3 s=4 p=1 round=floor", Unpooled(nn.MaxPool1d, 3, 4, 1), L)
    yield Case("unpool", "x: skip\npool 2x1x3 round=floor | unpool x w=2x1x3 round=floor", Unpooled(nn.MaxPool3d, (2, 1, 3)), DHW)
    yield Case("adaptpool", "adaptpool to=5x7", nn.AdaptiveAvgPool2d((5, 7)), HW)
    # several channels at one place
    yield Case("glu", "glu", nn.GLU(1), HW)
    yield Case("glu", "tokens\nglu", seq(ToTokens(), nn.GLU()), HW, tokens=True)
    yield Case("maxout", "maxout 2", Apply(lambda x: x.unflatten(1, (-1, 2)).amax(2)), HW)
    yield Case("maxout", "tokens\nmaxout 3", seq(ToTokens(), Apply(lambda x: x.unflatten(2, (-1, 3)).amax(3))), HW, tokens=True)
    yield Case("squash", "squash", Apply(lambda x: x * x.norm(dim=1, keepdim=True) / (1 + x.square().sum(1, keepdim=True))), HW)
    yield Case("squash", "squash", Apply(lambda x: x * x.norm() / (1 + x.square().sum())), (9,))
    yield Case("pixelshuffle", "pixelshuffle 2", nn.PixelShuffle(2), (12, 5, 7))
    yield Case("pixelshuffle", "pixelshuffle 3", nn.PixelShuffle(3), (18, 5, 7))
    yield Case("patchmerge", "patchmerge 2", nn.PixelUnshuffle(2), (3, 6, 8))
    yield Case("patchmerge", "patchmerge 3", nn.PixelUnshuffle(3), (3, 6, 9))
    yield Case("shuffle", "shuffle 3", nn.ChannelShuffle(3), HW)
    yield Case("slice", "slice 1:4", Apply(lambda x: x[:, 1:4]), HW)
    yield Case("slice", "slice 1:4", Apply(lambda x: x[:, 1:4]), (9,))
    yield Case("slice", "tokens\nslice 1:4", seq(ToTokens(), Apply(lambda x: x[..., 1:4])), HW, tokens=True)
    # linear
    yield Case("fc", "fc 10", nn.Linear(9, 10), (9,))
    yield Case("fc", "fc 10 bias=no", nn.Linear(9, 10, bias=False), (9,))
    yield Case("fc", "fc 10", seq(nn.Flatten(), nn.Linear(720, 10)), HW)
    yield Case("fc", "fc 10", seq(nn.Flatten(), nn.Linear(72, 10)), L)
    yield Case("fc", "tokens\nfc 10", seq(ToTokens(), nn.Flatten(), nn.Linear(720, 10)), HW)
    yield Case("linear", "linear 10", nn.Linear(9, 10), (9,))
    yield Case("linear", "linear 10", ChannelsLast(nn.Linear(6, 10)), HW)
    yield Case("linear", "tokens\nlinear 10 bias=no", seq(ToTokens(), nn.Linear(6, 10, bias=False)), HW, tokens=True)
    yield Case("rbf", "rbf 10", Rbf(84, 10), (84,))
    yield Case("embed", "embed 30 8", nn.Embedding(30, 8), (9,), tokens=True, dtype=torch.long)
    yield Case("scale", "scale", Scale(6), HW)
    yield Case("scale", "tokens\nscale 0.1", seq(ToTokens(), Scale(6, 2)), HW, tokens=True)
    yield Case("scale", "scale 0 shared=yes", Scale(1), HW)
    # attention
    yield Case("tokens", "tokens", ToTokens(), HW, tokens=True)
    yield Case("tokens", "tokens", ToTokens(), L, tokens=True)
    yield Case("tokens", "tokens", ToTokens(), DHW, tokens=True)
    yield Case("cls", "tokens\ncls", seq(ToTokens(), ClassToken(6)), HW, tokens=True)
    yield Case("cls", "tokens\ncls 4", seq(ToTokens(), ClassToken(6, 4)), HW, tokens=True)
    yield Case("pos", "tokens\npos", seq(ToTokens(), Position(120, 6)), HW, tokens=True)
    yield Case("pos", "tokens\npos kind=sin", seq(ToTokens(), Sinusoids()), HW, tokens=True)
    yield Case("first", "tokens\nfirst", seq(ToTokens(), Apply(lambda x: x[:, 0])), HW)
    yield Case("attn", "tokens\nattn heads=2", seq(ToTokens(), Attention(6, 2)), HW, tokens=True)
    yield Case("attn", "tokens\nattn heads=3 bias=no", seq(ToTokens(), Attention(6, 3, False)), L, tokens=True)
    yield Case("attn", "attn heads=2", OnMaps(Attention(6, 2)), HW)
    yield Case("attend", "tokens\nattend heads=1", seq(ToTokens(), Apply(attended)), HW, tokens=True)
    yield Case("buckets", "tokens\nbuckets heads=3", seq(ToTokens(), Near(3)), HW)
    yield Case("winattn", "winattn heads=2 w=4x5", Windows(6, 2, (4, 5)), (6, 12, 10))
    yield Case("winattn", "winattn heads=3 w=4 shift=2 bias=no", Windows(6, 3, (4, 4), bias=False), (6, 8, 12))
    # axes and reductions
    for shape in (L, (6, 5)):
        swapped = Apply(lambda x: x.transpose(1, 2))
        yield Case("swap", "swap", swapped, shape)
        yield Case("swap", "tokens\nswap", seq(ToTokens(), swapped), shape, tokens=True)
        yield Case("token", "token -2", Apply(lambda x: x[:, :, -2]), shape)
        yield Case("token", "tokens\ntoken 3", seq(ToTokens(), Apply(lambda x: x[:, 3])), shape)
        yield Case("slice", "slice 1:4 axis=t", Apply(lambda x: x[..., 1:4]), shape)
        yield Case("slice", "tokens\nslice 1:4 axis=t", seq(ToTokens(), Apply(lambda x: x[:, 1:4])), shape, tokens=True)
    yield Case("map", "tokens\nmap 10x12", seq(ToTokens(), Apply(lambda x: x.transpose(1, 2).reshape(-1, 6, 10, 12))), HW)
    yield Case("map", "tokens\nmap 120", seq(ToTokens(), Apply(lambda x: x.transpose(1, 2))), HW)
    yield Case("map", "tokens\nmap 4x5x6", seq(ToTokens(), Apply(lambda x: x.transpose(1, 2).reshape(-1, 6, 4, 5, 6))), HW)
    shuffled = Apply(lambda x: x.view(-1, 2, 3, 12, 10).transpose(1, 2).reshape(-1, 6, 12, 10))
    yield Case("rearrange", 'rearrange "h w (g c) -> h w (c g)" g=2', shuffled, HW)
    yield Case("rearrange", 'rearrange "(h p) (w q) c -> (h w) (p q c)" p=2 q=5', Apply(lambda x: x.new_zeros(1, 12, 60)), HW, tokens=True)
    yield Case("reshape", "reshape 2x2x3", nn.Unflatten(1, (3, 2, 2)), (12,))
    yield Case("reshape", "reshape 2x6", nn.Unflatten(1, (2, 6)), (12,), tokens=True)
    yield Case("reshape", "reshape 9x8", Apply(lambda x: x.reshape(-1, 8, 9)), L)
    yield Case("reshape", "reshape 2x3x4x30", Apply(lambda x: x.reshape(-1, 30, 2, 3, 4)), HW)
    yield Case("reshape", "reshape 720", nn.Flatten(), HW)
    yield Case("reshape", "tokens\nreshape 12x10x6", seq(ToTokens(), Apply(lambda x: x.reshape(-1, 6, 12, 10))), HW)
    both = seq(ToTokens(), Apply(lambda x: torch.cat([x[:, 2:4], x], 1)))
    yield Case("concat", "x: tokens\nslice 2:4 axis=t | concat x axis=t", both, HW, tokens=True)
    yield Case("concat", "concat axis=t:\n  slice 2:4 axis=t\n  skip", Apply(lambda x: torch.cat([x[..., 2:4], x], 2)), L)
    yield Case("matmul", "x: skip\nswap | matmul x", Apply(lambda x: torch.matmul(x, x.transpose(1, 2))), L)
    scores = seq(ToTokens(), Apply(lambda x: torch.matmul(x, x.transpose(1, 2))))
    rows = Apply(lambda x: torch.einsum("ncht,nkht->nkhc", x, x))
    yield Case("matmul", 'x: skip\nrearrange "h w c -> h c w" | matmul x', rows, HW)
    yield Case("matmul", "x: tokens\ny: swap\nfrom x | matmul y", scores, HW, tokens=True)
    yield Case("custom", 'custom "aten.sin" macs=0', Apply(torch.sin), HW)
    yield Case("custom", 'custom "aten.sum" (2,) out=6x10 macs=0', Apply(lambda x: x.sum(2)), HW, tokens=True)
    yield Case("custom", 'custom "aten.prelu" weight=6 out=12x10x6 macs=0', nn.PReLU(6), HW)
    yield Case("gmp", "gmp", nn.AdaptiveMaxPool2d(1), HW)
    yield Case("gmp", "gmp", nn.AdaptiveMaxPool3d(1), DHW)
    yield Case("gmp", "tokens\ngmp", seq(ToTokens(), Apply(lambda x: x.amax(1))), HW)
    for step, function in (("mean", torch.mean), ("max", torch.amax)):
        yield Case(step, f"{step} axis=c", Apply(lambda x, f=function: f(x, 1, keepdim=True)), HW)
        yield Case(step, f"{step} axis=c", Apply(lambda x, f=function: f(x, 1, keepdim=True)), (9,))
        yield Case(step, f"{step} axis=t", Apply(lambda x, f=function: f(x, 2)), L)
        yield Case(step, f"tokens\n{step} axis=c", seq(ToTokens(), Apply(lambda x, f=function: f(x, 2))), HW)
        yield Case(step, f"tokens\n{step} axis=t", seq(ToTokens(), Apply(lambda x, f=function: f(x, 1))), HW)
    for step, module in (("softmax", nn.Softmax), ("logsoftmax", nn.LogSoftmax)):
        yield Case(step, f"{step} axis=t", module(2), L)
        yield Case(step, f"tokens\n{step} axis=t", seq(ToTokens(), module(1)), HW, tokens=True)
    # recurrent
    for step, make in (("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)):
        yield Case(step, f"tokens\n{step} 5", seq(ToTokens(), Recurrent(make, 6, 5)), HW, tokens=True)
        yield Case(
            step, f"tokens\n{step} 5 dirs=2 layers=3 bias=no", seq(ToTokens(), Recurrent(make, 6, 5, 2, 3, bias=False)), L, tokens=True
        )
        yield Case(step, f"tokens\n{step} 4 out=last", seq(ToTokens(), Recurrent(make, 6, 4, last=True)), L, tokens=False)
        yield Case(step, f"{step} 5 layers=2", MapRecurrent(make, 6, 5, 1, 2), L)
        yield Case(step, f"{step} 5 dirs=2 layers=2 out=last", MapRecurrent(make, 6, 5, 2, 2, last=True), L)
    # merge
    for step, module in (
        ("add", Apply(lambda x: x + x)),
        ("sub", Apply(lambda x: x - x)),
        ("mul", Apply(lambda x: x * x)),
        ("concat", Concat(nn.Identity(), nn.Identity())),
    ):
        yield Case(step, f"{step}:\n  skip\n  relu", module, HW)
        yield Case(step, f"{step}:\n  skip\n  relu", module, (9,))
    for step, number, result in (("add", 1.5, lambda x: x + 1.5), ("sub", 2, lambda x: x - 2), ("mul", 0.17, lambda x: x * 0.17)):
        yield Case(step, f"{step} {number}", Apply(result), HW)
        yield Case(step, f"{step} {number}", Apply(result), (9,))
    yield Case("sub", "x: relu\nfrom input | sub x x", Minus(nn.ReLU()), HW)
    yield Case("mul", "mul:\n  skip\n  slice 0:1", Apply(lambda x: x * x[:, :1]), HW)
    column, row = nn.AdaptiveAvgPool2d((12, 1)), nn.AdaptiveAvgPool2d((1, 10))
    yield Case("mul", "mul:\n  adaptpool 12x1\n  adaptpool 1x10 | slice 2:3", Mul(column, seq(row, Apply(lambda x: x[:, 2:3]))), HW)
    yield Case("mul", "tokens\nmul:\n  skip\n  gap", seq(ToTokens(), Apply(lambda x: x * x.mean(1, keepdim=True))), HW, tokens=True)
    # tensors
    yield Case("tensor", "t: tensor 12x10x6\nfrom t", Stored((6, 12, 10)), HW)
    yield Case("tensor", "t: tensor 7x5 init=eye frozen=yes\nfrom t", Stored((7, 5), frozen=True), HW, tokens=True)
    yield Case("tensor", "t: tensor 12x6 init=1\nfrom t", Stored((6, 12)), L)
    yield Case("tensor", "t: tensor 5 stored=1x5\nfrom t", Stored((5,)), HW)
    yield Case("concat", "concat:\n  skip\n  slice 0:2\n  relu", Concat(nn.Identity(), Apply(lambda x: x[:, :2]), nn.ReLU()), DHW)
    yield Case("concat", "tokens\nconcat:\n  skip\n  relu", seq(ToTokens(), Apply(lambda x: torch.cat([x, x], -1))), HW, tokens=True)
    yield Case("mul", "mul:\n  skip\n  gap", Mul(nn.Identity(), nn.AdaptiveAvgPool2d(1)), HW)
    yield Case("mul", "mul:\n  gap\n  skip", Mul(nn.Identity(), nn.AdaptiveAvgPool2d(1)), HW)
    yield Case("mul", "mul:\n  skip\n  gap | flatten", Mul(nn.Identity(), seq(nn.AdaptiveAvgPool2d(1), nn.Flatten())), HW)


CASES = list(cases())


def test_every_layer_has_a_row():
    assert {case.step for case in CASES} == set(STEPS)


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.spec.splitlines()[-1] if ':' not in c.spec else c.spec.split(':')[0]}-{len(c.shape)}"
)
def test_layer(case):
    expected = counts(case.module)
    output, macs = measure(case.module, case.shape, case.dtype)
    report = archspec.analyze(archspec.loads(case.text))
    row = report.layers[-1]
    assert row.op == case.step
    assert row.output == channels_last(output, case.tokens)
    assert {name: getattr(row, name) for name in expected} == expected
    assert row.params == expected["weights"] + expected["biases"]
    assert row.macs == macs
    assert row.activations == math.prod(output)
    assert {name: getattr(report.totals, name) for name in expected} == expected
    assert report.totals.macs == macs


def test_parameters_have_torch_s_shapes():
    """The stored tensors one by one, for layers that are one torch module."""
    for case in CASES:
        if isinstance(
            case.module, (CONV[1], CONV[2], CONV[3], DECONV[1], DECONV[2], DECONV[3], nn.Linear, nn.Embedding, nn.GroupNorm, nn.BatchNorm2d)
        ):
            row = archspec.analyze(archspec.loads(case.text)).layers[-1]
            ours = {weight.name: weight.shape for weight in row.node.op.weights(row.types[0])}
            theirs = {name: tuple(tensor.shape) for name, tensor in case.module.state_dict().items() if name != "num_batches_tracked"}
            assert ours == theirs, case.text


def test_attention_heads():
    for channels, heads in itertools.product(range(1, 13), range(1, 6)):
        try:
            nn.MultiheadAttention(channels, heads)
            takes = True
        except (AssertionError, ValueError):
            takes = False
        spec = f"input 2x2x{channels}\ntokens\nattn heads={heads}\n"
        if takes:
            assert archspec.analyze(archspec.loads(spec)).layers[-1].output == (4, channels)
        else:
            with pytest.raises(archspec.SpecError):
                archspec.loads(spec)
