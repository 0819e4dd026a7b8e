"""Specs of transformers and of a siamese network beside modules of torch.nn and by hand, small ones with the same weights."""

import math

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

import torch.nn.functional as F
from torch import nn

import archspec
from tests.helpers.specs import NARROW

RENAMED = {
    "gpt2": {"attn.": "self_attn.", "mlp.c_fc.": "linear1.", "mlp.c_proj.": "linear2.", "ln_1.": "norm1.", "ln_2.": "norm2."},
    "bert_base": {
        "attention.self.": "self_attn.",
        "attention.output.LayerNorm.": "norm1.",
        "intermediate.dense.": "linear1.",
        "output.dense.": "linear2.",
        "output.LayerNorm.": "norm2.",
    },
    "deit_b_distilled": {
        "attn.qkv.weight": "self_attn.in_proj_weight",
        "attn.qkv.bias": "self_attn.in_proj_bias",
        "attn.proj.": "self_attn.out_proj.",
        "mlp.fc1.": "linear1.",
        "mlp.fc2.": "linear2.",
    },
}
"""Our keys in a block, and those of `nn.TransformerEncoderLayer`."""
LENGTH = 12


def small(name):
    torch.manual_seed(0)
    return archspec.to_torch(archspec.load(name, params=NARROW[name])).eval()


def same(ours, theirs):
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(ours[0], ours[1], atol=1e-2)  # the result depends on the input


def words(*high):
    return [torch.randint(0, each, (2, LENGTH)) for each in high]


def masked(count):
    return torch.full((count, count), -math.inf).triu(1)


def layers(name, blocks, heads=12, **options):
    """The blocks as layers of torch.nn with their weights."""
    for block in blocks:
        twin = nn.TransformerEncoderLayer(48, heads, 192, dropout=0.0, batch_first=True, **options).eval()
        state = block.state_dict()
        for ours, theirs in RENAMED[name].items():
            state = {theirs + key.removeprefix(ours) if key.startswith(ours) else key: value for key, value in state.items()}
        twin.load_state_dict(state, strict=True)
        yield twin


@torch.no_grad()
def test_gpt2_is_made_of_causal_layers_with_the_norm_first():
    ours, (x,) = small("gpt2"), words(90)
    assert ours.lm_head.weight is ours.wte.weight
    y = ours.wte(x) + ours.wpe
    for layer in layers("gpt2", ours.h, norm_first=True, activation=lambda x: F.gelu(x, approximate="tanh")):
        y = layer(y, src_mask=masked(LENGTH))
    same(ours(x), ours.ln_f(y) @ ours.wte.weight.T)


@torch.no_grad()
def test_bert_is_made_of_layers_with_the_norm_last():
    ours, (x, kinds) = small("bert_base"), words(90, 2)
    parts = ours.embeddings
    y = parts.LayerNorm(parts.word_embeddings(x) + parts.position_embeddings + parts.token_type_embeddings(kinds))
    for layer in layers("bert_base", ours.encoder.layer, activation="gelu", layer_norm_eps=1e-12):
        y = layer(y)
    same(ours(x, kinds), torch.tanh(ours.pooler.dense(y[:, 0])))


@torch.no_grad()
def test_deit_averages_the_predictions_of_its_two_tokens():
    ours, x = small("deit_b_distilled"), torch.randn(2, 3, 224, 224)
    patches = ours.patch_embed.proj(x).flatten(2).transpose(1, 2)
    y = torch.cat([ours.cls_token.expand(2, -1, -1), ours.dist_token.expand(2, -1, -1), patches], dim=1) + ours.pos_embed
    for layer in layers("deit_b_distilled", ours.blocks, norm_first=True, activation="gelu", layer_norm_eps=1e-6):
        y = layer(y)
    y = ours.norm(y)
    same(ours(x), (ours.head(y[:, 0]) + ours.head_dist(y[:, 1])) / 2)


def test_the_keys_of_deit_are_timm_s():
    block = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"]
    layers = ["patch_embed.proj", *(f"blocks.{i}.{name}" for i in range(12) for name in block), "norm", "head", "head_dist"]
    expected = {"cls_token", "dist_token", "pos_embed", *(f"{name}.{kind}" for name in layers for kind in ("weight", "bias"))}
    with torch.device("meta"):
        assert set(archspec.to_torch(archspec.load("deit_b_distilled")).state_dict()) == expected


def transformer(**options):
    return nn.Transformer(**options, dropout=0.0, batch_first=True).eval()


def test_the_keys_of_the_transformer_are_those_of_torch_nn():
    with torch.device("meta"):
        ours, theirs = archspec.to_torch(archspec.load("transformer_base")).state_dict(), transformer().state_dict()
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}


@torch.no_grad()
def test_the_transformer_gives_the_values_of_torch_nn():
    ours = small("transformer_base")
    theirs = transformer(d_model=48, nhead=8, num_encoder_layers=2, num_decoder_layers=2, dim_feedforward=192)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    src, tgt = torch.randn(2, 2, 48, LENGTH)
    expected = theirs(src.transpose(1, 2), tgt.transpose(1, 2), tgt_mask=masked(LENGTH))
    same(ours(src, tgt), expected.transpose(1, 2))


def normed(x, weight, eps):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def attended(layer, x, u, heads, kvheads, added, scale, turn=lambda x: x):
    """softmax(q k^T scale + added) v by hand, with `turn` for queries and keys."""
    q = turn(layer.q_proj(x).unflatten(-1, (heads, -1)).transpose(1, 2))
    k = turn(layer.k_proj(u).unflatten(-1, (kvheads, -1)).transpose(1, 2)).repeat_interleave(heads // kvheads, 1)
    v = layer.v_proj(u).unflatten(-1, (kvheads, -1)).transpose(1, 2).repeat_interleave(heads // kvheads, 1)
    y = (q @ k.transpose(-1, -2) * scale + added).softmax(-1) @ v
    return layer.out_proj(y.transpose(1, 2).flatten(2))


def rotated(x):
    """Llama's rotation by halves: `apply_rotary_pos_emb` of transformers."""
    half = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2])[:, None] * 500_000.0 ** (-torch.arange(half) / half)
    cos, sin = angle.cos().repeat(1, 2), angle.sin().repeat(1, 2)
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


@torch.no_grad()
def test_llama_is_its_block_by_hand():
    ours, (x,) = small("llama3_8b"), words(90)
    y = ours.embed_tokens(x)
    for block in ours.layers:
        z = normed(y, block.input_layernorm.weight, 1e-5)
        y = y + attended(block.self_attn, z, z, 8, 2, masked(LENGTH), 6**-0.5, rotated)
        z, mlp = normed(y, block.post_attention_layernorm.weight, 1e-5), block.mlp
        y = y + mlp.down_proj(F.silu(mlp.gate_proj(z)) * mlp.up_proj(z))
    same(ours(x), ours.lm_head(normed(y, ours.norm.weight, 1e-5)))


def test_a_block_of_llama_has_218_112_000_parameters():
    of = {depth: archspec.analyze(archspec.load("llama3_8b", params={"depth": depth})).totals.params for depth in (1, 2)}
    assert of[2] - of[1] == 218_112_000


def bucket(far, causal):
    """T5's bucket of a relative position, key minus query: `_relative_position_bucket` of transformers."""
    count, first, far = (32, 0, max(-far, 0)) if causal else (16, 16 * (far > 0), abs(far))
    near = count // 2
    shared = near + int(math.log(max(far, 1) / near) / math.log(128 / near) * (count - near))
    return first + (far if far < near else min(shared, count - 1))


def biases(table, causal):
    count = NARROW["t5_small"]["length"]
    return table.weight[torch.tensor([[bucket(k - q, causal) for k in range(count)] for q in range(count)])].permute(2, 0, 1)


def t5_stack(stack, y, added, memory=None):
    """T5's encoder, or its decoder where there is a memory."""
    for block in stack.block:
        for part in block.layer.children():
            z = normed(y, part.layer_norm.weight, 1e-6)
            if hasattr(part, "SelfAttention"):
                y = y + attended(part.SelfAttention, z, z, 8, 8, added, 1)
            elif hasattr(part, "EncDecAttention"):
                y = y + attended(part.EncDecAttention, z, memory, 8, 8, 0, 1)
            else:
                y = y + part.DenseReluDense.wo(F.relu(part.DenseReluDense.wi(z)))
    return normed(y, stack.final_layer_norm.weight, 1e-6)


@torch.no_grad()
def test_t5_is_its_blocks_by_hand():
    ours, count = small("t5_small"), NARROW["t5_small"]["length"]
    assert ours.lm_head.weight is ours.shared.weight is ours.decoder.embed_tokens.weight
    source, target = torch.randint(0, 90, (2, 2, count))
    memory = t5_stack(ours.encoder, ours.shared(source), biases(ours.encoder.relative_attention_bias, False))
    added = biases(ours.decoder.relative_attention_bias, True) + masked(count)
    y = t5_stack(ours.decoder, ours.shared(target), added, memory)
    same(ours(source, target), y * 48**-0.5 @ ours.shared.weight.T)


@torch.no_grad()
def test_the_siamese_network_reads_both_images_with_the_same_weights():
    torch.manual_seed(0)
    ours = archspec.to_torch(archspec.load("siamese_koch")).eval()
    twin = nn.Sequential(
        *(nn.Conv2d(1, 64, 10), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 128, 7), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(128, 128, 4), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(128, 256, 4), nn.ReLU(), nn.Flatten(), nn.Linear(9216, 4096), nn.Sigmoid()),
    )
    state = ours.state_dict()
    judge = [state.pop(f"fc1.{kind}") for kind in ("weight", "bias")]
    for theirs, value in zip(twin.parameters(), state.values(), strict=True):
        theirs.copy_(value)
    left, right = 10 * torch.randn(2, 2, 1, 105, 105)
    expected = torch.sigmoid(F.linear((twin(left) - twin(right)).abs(), *judge))
    assert torch.allclose(ours(left, right), expected, rtol=1e-5, atol=1e-5)
    assert torch.allclose(ours(left, left), torch.sigmoid(judge[1]).expand(2, 1))
