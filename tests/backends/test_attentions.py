"""Attention against what others wrote: torch.nn, torchvision's Swin and MaxViT, and formulas of papers written out here."""

from __future__ import annotations

import math
from functools import cache

import pytest

torch = pytest.importorskip("torch", reason="torch is what attention is compared with")

from torch import nn
from torch.nn import functional as F

import archspec
from archspec.analysis.training import TrainingMemory
from tests.analysis.test_training_memory import BATCH, saved
from tests.helpers.torchvision import torchvision


def module(text, state=None):
    """The emitted module of a spec, with random numbers in all parameters, and those that are given."""
    made = archspec.to_torch(archspec.loads(text), seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in made.parameters():
        parameter.data.normal_(0, 0.3, generator=generator)
    made.load_state_dict(state or {}, strict=False)
    return made


def same(ours, theirs):
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5), float((ours - theirs).abs().max())


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# torch.nn


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_attn_is_torch_s_with_its_keys(causal, bias):
    theirs = nn.MultiheadAttention(12, 3, bias=bias, batch_first=True)
    text = f"input 7x12\ntokens\na: attn heads=3{' causal=yes' * causal}{'' if bias else ' bias=no'}\n"
    ours = module(text)
    assert [key for key in ours.state_dict() if key.startswith("a.")] == [f"a.{key}" for key in theirs.state_dict()]
    theirs.load_state_dict(ours.a.state_dict())
    x = drawn(2, 12, 7)
    tokens = x.transpose(1, 2)
    mask = torch.ones(7, 7, dtype=torch.bool).triu(1) if causal else None
    same(ours(x), theirs(tokens, tokens, tokens, attn_mask=mask, need_weights=True)[0])


@pytest.mark.parametrize("source", ["tokens", "map"])
def test_keys_and_values_of_another_value(source):
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    ours = module(
        f"e: input 5x4x12\nx: input 7x12\nfrom e | {'tokens' if source == 'tokens' else 'scale'}\nu: scale\nfrom x | tokens\na: attn heads=3 kv=u\n"
    )
    ours.u.data.fill_(1)
    if source == "map":
        ours.scale1.data.fill_(1)
    theirs.load_state_dict(ours.a.state_dict())
    e, x = drawn(2, 12, 5, 4), drawn(2, 12, 7)
    u = e.flatten(2).transpose(1, 2)
    same(ours(e, x), theirs(x.transpose(1, 2), u, u)[0])


def test_keys_of_other_channels_are_apart():
    ours = module("e: input 5x8\nx: input 7x12\nfrom e | tokens\nu: scale\nfrom x | tokens\na: attn heads=3 kv=u\n")
    assert {key: tuple(v.shape) for key, v in ours.a.state_dict().items()} == {
        "q_proj.weight": (12, 12), "q_proj.bias": (12,), "k_proj.weight": (12, 8), "k_proj.bias": (12,),
        "v_proj.weight": (12, 8), "v_proj.bias": (12,), "out_proj.weight": (12, 12), "out_proj.bias": (12,),
    }  # fmt: skip
    ours.u.data.fill_(1)
    e, x = drawn(2, 8, 5), drawn(2, 12, 7)
    u, a = e.transpose(1, 2), ours.a
    theirs = nn.MultiheadAttention(12, 3, kdim=8, vdim=8, batch_first=True)
    state = {f"{name}_proj_weight": getattr(a, f"{name}_proj").weight for name in "qkv"}
    state["in_proj_bias"] = torch.cat([a.q_proj.bias, a.k_proj.bias, a.v_proj.bias])
    theirs.load_state_dict({**state, "out_proj.weight": a.out_proj.weight, "out_proj.bias": a.out_proj.bias})
    same(ours(e, x), theirs(x.transpose(1, 2), u, u)[0])


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("heads=4", {}),
        ("heads=4 causal=yes", {"is_causal": True}),
        ("heads=4 kvheads=2", {"enable_gqa": True}),
        ("heads=4 kvheads=1 causal=yes scale=0.7", {"enable_gqa": True, "is_causal": True, "scale": 0.7}),
    ],
)
def test_attend_is_scaled_dot_product_attention(arguments, options):
    kvheads = 4 if "kvheads" not in arguments else int(arguments.split("kvheads=")[1][0])
    channels = 3 * (4 + 2 * kvheads)
    x = drawn(2, channels, 7)
    q, k, v = x.transpose(1, 2).split([12, 3 * kvheads, 3 * kvheads], -1)
    q, k, v = (part.unflatten(-1, (-1, 3)).transpose(1, 2) for part in (q, k, v))
    expected = F.scaled_dot_product_attention(q, k, v, **options).transpose(1, 2).flatten(2)
    same(module(f"input 7x{channels}\ntokens | attend {arguments}\n")(x), expected)
    three = module(f"q: input 7x12\nk: input 7x{3 * kvheads}\nv: input 7x{3 * kvheads}\nfrom q | attend k v {arguments}\n")
    same(three(*x.split([12, 3 * kvheads, 3 * kvheads], 1)), expected.transpose(1, 2))
    v = drawn(2, kvheads, 7, 5)  # 5 channels per head, where keys have 3
    expected = F.scaled_dot_product_attention(q, k, v, **options).transpose(1, 2).flatten(2)
    wider = module(f"q: input 7x12\nk: input 7x{3 * kvheads}\nv: input 7x{5 * kvheads}\nfrom q | attend k v {arguments}\n")
    same(wider(x[:, :12], x[:, 12 : 12 + 3 * kvheads], v.transpose(2, 3).flatten(1, 2)), expected.transpose(1, 2))


# formulas written out


def turned(x, base):
    """LLaMA's rotation, as transformers writes it: N, heads, T, d."""
    t, d = x.shape[-2:]
    frequencies = 1.0 / base ** (torch.arange(0, d, 2).float() / d)
    angles = torch.outer(torch.arange(t).float(), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    half = torch.cat((-x[..., d // 2 :], x[..., : d // 2]), dim=-1)
    return x * angles.cos() + half * angles.sin()


def test_rope_and_shared_keys_are_llama_s():
    ours = module("input 9x24\ntokens\na: attn heads=6 kvheads=2 causal=yes rope=500000 bias=no\n")
    assert list(ours.a.state_dict()) == ["q_proj.weight", "k_proj.weight", "v_proj.weight", "out_proj.weight"]
    x = drawn(2, 24, 9)
    tokens, a = x.transpose(1, 2), ours.a
    q, k, v = (p(tokens).unflatten(-1, (-1, 4)).transpose(1, 2) for p in (a.q_proj, a.k_proj, a.v_proj))
    q, k = turned(q, 500_000), turned(k, 500_000)
    k, v = (each[:, [0, 0, 0, 1, 1, 1]] for each in (k, v))
    scores = q @ k.transpose(-1, -2) / 2 + torch.full((9, 9), -math.inf).triu(1)
    same(ours(x), a.out_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("each", [False, True], ids=["all heads", "each head"])
def test_angles_turn_as_those_of_timm(half, each):
    """Behind two tokens that are not turned, as in EVA-02 and DINOv3; in turn for neighbours and for the halves of a head."""
    torchvision()  # timm imports it
    rope = pytest.importorskip("timm.layers.pos_embed_sincos")
    layout = (lambda x: torch.cat((x, x), -1)) if half else (lambda x: x.repeat_interleave(2, -1))
    ours = module(
        f"input 9x24\ntokens\nangles: tensor 7x{12 if each else 4}\na: attn heads=3 rope=angles prefix=2 proj=qkv{'' if half else ' pair=1'}\n"
    )
    angles = drawn(7, 3, 4) if each else drawn(7, 4)
    ours.angles.data.copy_(angles.flatten(1))
    angles = angles.transpose(0, 1) if each else angles
    table = torch.cat((layout(angles.sin()), layout(angles.cos())), -1)
    x = drawn(2, 24, 9)
    q, k, v = ours.a.qkv(x.transpose(1, 2)).unflatten(-1, (3, 3, 8)).permute(2, 0, 3, 1, 4)
    q, k = (torch.cat((y[:, :, :2], rope.apply_rot_embed_cat(y[:, :, 2:], table, half=half)), 2) for y in (q, k))
    same(ours(x), ours.a.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)))


@cache
def bucket(relative, causal):
    """T5's bucket of one relative position, key minus query: Raffel et al. 2020; transformers' `_relative_position_bucket`."""
    buckets, offset, near = (32, 0, 16) if causal else (16, 16 * (relative > 0), 8)
    distance = max(-relative, 0) if causal else abs(relative)
    if distance < near:
        return offset + distance
    shared = torch.log(torch.tensor(distance).float() / near) / math.log(128 / near) * (buckets - near)
    return offset + min(near + int(shared), buckets - 1)


@pytest.mark.parametrize("causal", [False, True])
def test_buckets_are_t5_s(causal):
    count = 300
    ours = module(f"input {count}x2\ntokens\nnear: buckets heads=3{' causal=yes' * causal}\nfrom near\n")
    index = torch.tensor([[bucket(k - q, causal) for k in range(count)] for q in range(count)])
    assert list(ours.state_dict()) == ["near.weight"]
    same(ours(drawn(2, 2, count))[1], ours.near.weight[index].permute(2, 0, 1))
    onnx = pytest.importorskip("archspec.backends.onnx.attend")
    assert (onnx._buckets(count, causal) == index.numpy()).all()


@pytest.mark.parametrize("written", ["buckets", "near"])
def test_biases_of_t5_are_added_to_unscaled_scores(written):
    before = "x: relu\nnear: buckets heads=3\nfrom x | " if written == "near" else ""
    ours = module(
        f"input 20x12\ntokens\n{before}\na: attn heads=3 rel={written} scale=1 bias=no proj=apart\n".replace("| \n", "| scale 1\n")
    )
    x = drawn(2, 12, 20).abs()
    tokens, a = x.transpose(1, 2), ours.a
    if written == "near":
        ours.scale1.data.fill_(1)
    table = (ours.near if written == "near" else a.relative_attention_bias).weight
    index = torch.tensor([[bucket(k - q, False) for k in range(20)] for q in range(20)])
    q, k, v = (p(tokens).unflatten(-1, (3, 4)).transpose(1, 2) for p in (a.q_proj, a.k_proj, a.v_proj))
    scores = q @ k.transpose(-1, -2) + table[index].permute(2, 0, 1)
    same(ours(x), a.out_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))


def test_heads_talk_as_in_cait():
    ours = module("input 7x12\ntokens\na: attn heads=3 talk=yes proj=qkv\n")
    assert list(ours.a.state_dict()) == [f"{name}.{part}" for name in ("qkv", "proj", "proj_l", "proj_w") for part in ("weight", "bias")]
    x = drawn(2, 12, 7)
    tokens, a = x.transpose(1, 2), ours.a
    q, k, v = a.qkv(tokens).reshape(2, 7, 3, 3, 4).permute(2, 0, 3, 1, 4)  # timm, TalkingHeadAttn
    scores = a.proj_l((q * 4**-0.5 @ k.transpose(-2, -1)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    weights = a.proj_w(scores.softmax(-1).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    same(ours(x), a.proj((weights @ v).transpose(1, 2).reshape(2, 7, 12)))


def test_relative_table_of_a_whole_map_is_coatnet_s():
    """Dai et al. 2021, section 2.1: a bias for each offset, over all positions, and another width out."""
    ours = module("input 3x4x8\na: attn heads=2 f=6 rel=table d=5\n")
    x = drawn(2, 8, 3, 4)
    tokens, a = x.flatten(2).transpose(1, 2), ours.a
    assert a.relative_position_bias_table.shape == (5 * 7, 2)
    q, k, v = (p.unflatten(-1, (2, 5)).transpose(1, 2) for p in F.linear(tokens, a.in_proj_weight, a.in_proj_bias).chunk(3, -1))
    places = [(i, j) for i in range(3) for j in range(4)]
    bias = torch.stack([torch.stack([a.relative_position_bias_table[(i - m + 2) * 7 + j - n + 3] for m, n in places]) for i, j in places])
    scores = q @ k.transpose(-1, -2) * 5**-0.5 + bias.permute(2, 0, 1)
    y = F.linear((scores.softmax(-1) @ v).transpose(1, 2).flatten(2), a.out_proj.weight, a.out_proj.bias)
    same(ours(x), y.transpose(1, 2).unflatten(2, (3, 4)))


# torchvision


@pytest.mark.parametrize(("size", "window", "shift"), [((8, 8), (4, 4), (2, 2)), ((8, 12), (4, 6), (1, 0)), ((6, 12), (6, 4), (3, 2))])
@pytest.mark.parametrize("version", [1, 2])
def test_windows_are_torchvision_s_swin(version, size, window, shift):
    swin = torchvision().models.swin_transformer
    theirs = (swin.ShiftedWindowAttention if version == 1 else swin.ShiftedWindowAttentionV2)(8, list(window), list(shift), 2)
    more = "rel=table" if version == 1 else "sim=cos rel=mlp"
    ours = module("input {}x{}x8\na: attn heads=2 w={}x{} shift={}x{} {} proj=qkv\n".format(*size, *window, *shift, more))
    assert list(ours.a.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.a.state_dict())
    x = drawn(3, 8, *size)
    with torch.no_grad():
        same(ours(x), theirs(x.movedim(1, -1)).movedim(-1, 1))


@pytest.mark.parametrize("kind", ["window", "grid"])
def test_windows_and_grids_are_torchvision_s_maxvit(kind):
    maxvit = torchvision().models.maxvit
    theirs = maxvit.PartitionAttentionLayer(8, 4, 4, kind, (12, 12), 1, nn.GELU, nn.LayerNorm, 0.0, 0.0, 0.0)
    inner = theirs.attn_layer[1]
    inner.relative_position_bias_table.data.normal_()
    state = {
        "a.relative_position_bias_table": inner.relative_position_bias_table, "a.qkv.weight": inner.to_qkv.weight,
        "a.qkv.bias": inner.to_qkv.bias, "a.proj.weight": inner.merge.weight, "a.proj.bias": inner.merge.bias,
    }  # fmt: skip
    place = "w=4" if kind == "window" else "grid=4"
    ours = module(f"input 12x12x8\na: attn heads=2 {place} rel=table proj=qkv scale={8**-0.5}\n", state)
    x = drawn(2, 8, 12, 12)
    partition, departition, swap = theirs.partition_op, theirs.departition_op, (theirs.partition_swap, theirs.departition_swap)
    with torch.no_grad():
        parts = swap[0](partition(x, theirs.p))
        expected = departition(swap[1](inner(parts)), theirs.p, theirs.g, theirs.g)
        same(ours(x), expected)


def test_grids_are_mobilevit_s_pixels():
    """Mehta & Rastegari 2021: the pixels at one place of all 2x2 patches attend to one another."""
    ours = module("input 6x4x8\na: attn heads=2 grid=3x2\n")
    x = drawn(2, 8, 6, 4)
    expected = torch.zeros_like(x)
    for i in range(2):
        for j in range(2):
            part = x[:, :, i::2, j::2]
            tokens = part.flatten(2).transpose(1, 2)
            y = F.multi_head_attention_forward(
                *(tokens.transpose(0, 1),) * 3, 8, 2, ours.a.in_proj_weight, ours.a.in_proj_bias, None, None, False, 0.0,
                ours.a.out_proj.weight, ours.a.out_proj.bias, training=False,
            )[0]  # fmt: skip
            expected[:, :, i::2, j::2] = y.permute(1, 2, 0).unflatten(2, part.shape[2:])
    same(ours(x), expected)


# memory

KEPT = [
    *[
        f"{start}scale 0.5\nattn {arguments}{proj}\nscale 0.5\n"
        for start in ("input 12x10x12\ntokens | ", "input 12x10x12\n", "input 12x12\n", "input 12x10x12\nln | ")
        for arguments in (
            "heads=3", "heads=1", "heads=3 causal=yes", "heads=4 kvheads=1 causal=yes rope=100 d=6", "heads=3 f=5", "heads=3 rel=table kvheads=1",
            "heads=3 rel=mlp", "heads=3 rel=buckets causal=yes", "heads=3 sim=cos", "heads=3 talk=yes", "heads=1 sim=cos rel=table",
        )
        for proj in ("", " proj=apart", " proj=qkv")
    ],
    *[
        f"{start}scale 0.5\nattn {arguments}{proj}\nscale 0.5\n"
        for start in ("input 12x10x12\n", "input 12x10x12\nln | ")
        for arguments in ("heads=3 w=4x5 shift=2", "heads=3 w=4x10", "heads=3 w=12x10 rel=table", "heads=1 grid=12x5 rel=table", "heads=3 grid=1x5")
        for proj in ("", " proj=apart", " proj=qkv")
    ],
    *[f"input 12x10x36\nscale 0.5\nattend {arguments}\nscale 0.5\n" for arguments in ("heads=4", "heads=1 rope=100 w=2", "heads=4 rel=table", "heads=4 sim=cos", "heads=1 talk=yes")],
    "e: input 7x6x8\nx: input 12x10x12\nfrom e | scale 0.5\nu: scale 1\nfrom x | scale 0.5\nattn heads=3 kv=u\nscale 0.5\n",
    "q: input 7x6x8\nfrom q | ln\nk: scale 0.5\nv: scale 1\nfrom k | attend k v heads=1 rel=table\nscale 0.5\n",
    *[
        f"input 7x24\ntokens | ln\nx: scale 1\nq: linear 24 | silu\nfrom x\nk: linear {k} | silu\nfrom x\nv: linear {v} | silu\nfrom q | attend k v {arguments}\nscale 1\n"
        for k, v, arguments in ((24, 8, "heads=1"), (24, 48, "heads=2 sim=cos"), (12, 24, "heads=4 kvheads=2 rope=10"), (12, 4, "heads=4 kvheads=2 rel=table"))
    ],
    *[
        f"input 12x12\ntokens | scale 0.5\nangles: tensor {angles} frozen=yes\nattn heads=2 {arguments} rope=angles\nscale 0.5\n"
        for angles, arguments in (("12x3", "proj=qkv"), ("11x3", "prefix=1"), ("12x6", "pair=1"), ("11x2", "prefix=1 proj=apart"))
    ],
    "input 12x12\ntokens | scale 0.5\nattn heads=2 prefix=3 rope=10 pair=1\nscale 0.5\n",
    "input 12x36\ntokens | scale 0.5\nangles: tensor 11x3 frozen=yes\nattend heads=2 prefix=1 rope=angles\nscale 0.5\n",
    "input 12x12\ntokens | scale 0.5\nx: scale 1\nnear: buckets heads=3\nfrom x | attn heads=3 rel=near scale=1\nscale 0.5\n",
]  # fmt: skip


@pytest.mark.slow
def test_memory_is_what_torch_saves():
    tried = 0
    for spec in KEPT:
        try:
            network = archspec.loads(spec)
        except archspec.SpecError:
            continue
        tried += 1
        assert TrainingMemory(network, BATCH).kept == saved(network), spec
    assert tried > 120
