"""Modules as tutorials write them: layers by hand, masks, weights of another form, recurrent states."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="reads modules of PyTorch")
pytest.importorskip("numpy")

import archspec
from tests.helpers.torchvision import torchvision
from tests.imports.test_torch_export import Case, imported, same_values

nn = torch.nn
F = nn.functional
forms = nn.utils.parametrizations


def by_hand(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def root_mean_square(m, x):
    x = m.conv(x).permute(0, 2, 3, 1)
    return (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * m.gain).permute(0, 3, 1, 2)


def channels_first(m, x):
    mean = x.mean(1, keepdim=True)
    x = (x - mean) / torch.sqrt((x - mean).pow(2).mean(1, keepdim=True) + 1e-6)
    return m.factor[:, None, None] * x + m.offset[:, None, None]


def head(m, x):
    """One head of attention, each position of which sees those before it."""
    q, k, v = m.query(x), m.key(x), m.value(x)
    scores = (q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5).masked_fill(m.seen == 0, float("-inf"))
    return F.softmax(scores, dim=-1) @ v


def hidden(m, x):
    q, k, v = m.query(x), m.key(x), m.value(x)
    scores = torch.where(m.seen.bool(), q @ k.transpose(-2, -1) / 8**0.5, torch.tensor(float("-inf")))
    return scores.softmax(-1) @ v


def both_states(m, x):
    _, (last, _) = m.cells(x)
    return torch.cat((last[-2], last[-1]), 1)


def outputs_and_states(m, x):
    every, (last, _) = m.cells(x)
    return torch.cat((every.mean(1), last[-1], last[-2]), 1)


def squeezed(m, x):
    return m.fc(m.cells(x)[1].squeeze(0)).squeeze(-1)


def positions(m, x):
    return m.words(x) + m.places(torch.arange(x.shape[1]))


def positions_first(m, x):
    return m.layer(m.words(x.t()) * 2 + m.places[: x.shape[1]], nn.Transformer.generate_square_subsequent_mask(x.shape[1])).transpose(0, 1)


def projections():
    return {name: nn.Linear(8, 8, bias=False) for name in ("query", "key", "value")}


def lower(side):
    return nn.Buffer(torch.tril(torch.ones(side, side)))


CASES = {
    "gelu": (lambda: Case(lambda m, x: by_hand(m.conv(x)), conv=nn.Conv2d(3, 4, 1)), (3, 5, 5), "gelu approx=tanh"),
    "gelu by erf": (lambda: Case(lambda m, x: x * 0.5 * (1 + torch.erf(m.conv(x) / 2**0.5)) + x, conv=nn.Conv2d(3, 3, 1)), (3, 5, 5), ""),
    "hardswish": (lambda: Case(lambda m, x: x * F.relu6(x + 3) / 6), (3, 5, 5), "hardswish"),
    "mish": (lambda: Case(lambda m, x: x * torch.tanh(F.softplus(x))), (3, 5, 5), "mish"),
    "rms": (lambda: Case(root_mean_square, conv=nn.Conv2d(3, 3, 1), gain=nn.Parameter(torch.randn(3))), (3, 5, 5), "gain: rmsnorm"),
    "ln": (
        lambda: Case(channels_first, factor=nn.Parameter(torch.randn(3)), offset=nn.Parameter(torch.randn(3))),
        (3, 5, 5),
        "factor: ln",
    ),
    "a head": (lambda: Case(head, seen=lower(6), **projections()), (6, 8), "heads=1 causal=yes"),
    "a head by where": (lambda: Case(hidden, seen=lower(6), **projections()), (6, 8), "heads=1 causal=yes"),
    "both states": (
        lambda: Case(both_states, cells=nn.LSTM(8, 4, 2, batch_first=True, bidirectional=True)),
        (6, 8),
        "cells: lstm 4 dirs=2 layers=2 out=last",
    ),
    "outputs and states": (
        lambda: Case(outputs_and_states, cells=nn.LSTM(8, 4, batch_first=True, bidirectional=True)),
        (6, 8),
        "cells: lstm 4 dirs=2\n",
    ),
    "a number per image": (
        lambda: Case(squeezed, cells=nn.GRU(8, 4, batch_first=True), fc=nn.Linear(4, 1)),
        (6, 8),
        "cells: gru 4 out=last",
    ),
    "positions": (lambda: Case(positions, words=nn.Embedding(30, 8), places=nn.Embedding(7, 8)), (7,), "places.weight: tensor 7x8"),
    "positions first": (
        lambda: Case(
            positions_first,
            words=nn.Embedding(30, 8),
            places=nn.Buffer(torch.randn(9, 1, 8)),
            layer=nn.TransformerEncoderLayer(8, 2, 16, norm_first=True),
        ),
        (7,),
        "attn heads=2 causal=yes",
    ),
    "weight": (lambda: forms.weight_norm(nn.Conv1d(3, 4, 3)), (3, 9), "conv k=3 f=4 norm=weight"),
    "spectral": (lambda: forms.spectral_norm(nn.Conv2d(3, 4, 3)), (3, 9, 9), "conv k=3 f=4 norm=spectral"),
    "spectral as a hook": (
        lambda: Case(lambda m, x: m.fc(x.mean((2, 3))), fc=nn.utils.spectral_norm(nn.Linear(3, 4))),
        (3, 9, 9),
        "spectral",
    ),
    "patches": (lambda: Case(lambda m, x: x.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 1, 4, 5).flatten(1)), (3, 4, 4), "rearrange"),
    "the largest": (lambda: Case(lambda m, x: torch.max(x, 1, keepdim=True)[0] * x), (3, 4, 4), "max axis=c"),
    "groups without offsets": (
        lambda: Case(lambda m, x: F.group_norm(x, 2, m.factor), factor=nn.Parameter(torch.randn(4))),
        (4, 3, 3),
        "ln affine=no",
    ),
    "groups without factors": (lambda: Case(lambda m, x: F.group_norm(m.conv(x), 2), conv=nn.Conv2d(3, 4, 1)), (3, 3, 3), "ln affine=no"),
    "half a gate": (lambda: Case(lambda m, x: F.glu(x, 1)), (4, 4, 4), "glu"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_out_is_read_as_a_layer(name, tmp_path):
    make, shape, line = CASES[name]
    module, example, found = imported(make, shape)
    if line:
        assert line in f"{found.text}\n" and "custom" not in found.text
    assert archspec.analyze(found.network).totals.params == sum(one.numel() for one in module.parameters())
    ours = archspec.to_torch(found.network).eval()
    if ours.state_dict():
        found.save_weights(tmp_path / "w.safetensors")
        archspec.load_weights(ours, tmp_path / "w.safetensors")
    tokens = len(shape) == 2 and isinstance(module, Case)  # channels last in PyTorch, as a spec's input is
    with torch.no_grad():
        result = module(example)
        assert torch.allclose(ours(example.transpose(1, 2) if tokens else example).reshape(result.shape), result, atol=1e-5)


def test_attention_to_another_value_is_one_layer(tmp_path):
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x, memory = torch.randn(2, 5, 8), torch.randn(2, 7, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    module = Case(lambda m, x, y: m.decoder(x, y, tgt_mask=mask), decoder=decoder)
    found = archspec.from_torch(module, (x, memory))
    assert found.text.count("attn heads=2 kv=") == 2 and found.text.count("causal=yes") >= 1
    found.save_weights(tmp_path / "w.safetensors")
    ours = archspec.to_torch(found.network).eval()
    archspec.load_weights(ours, tmp_path / "w.safetensors")
    with torch.no_grad():
        assert torch.allclose(ours(x.transpose(1, 2), memory.transpose(1, 2)), module(x, memory), atol=1e-5)


def test_tied_weights_have_their_first_name():
    module = Case(lambda m, x: m.head(m.words(x)), words=nn.Embedding(30, 8), head=nn.Linear(8, 30, bias=False))
    module.words.weight = module.head.weight
    found = archspec.from_torch(module, torch.zeros((2, 5), dtype=torch.long))
    assert "words: embed 30 8" in found.text and "head: linear 30 bias=no weights=words" in found.text and not found.note


def test_a_word_per_image():
    module = Case(lambda m, u, i: (m.users(u) * m.items(i)).sum(-1), users=nn.Embedding(30, 8), items=nn.Embedding(40, 8))
    found = archspec.from_torch(module, (torch.tensor([1, 2]), torch.tensor([3, 4])))
    assert "inputs_0: input 1" in found.text and not found.diagnostics


def test_what_is_no_result_of_a_batch_is_refused():
    with pytest.raises(archspec.SpecError, match="is no tensor of a batch"):
        archspec.from_torch(Case(lambda m, x: m.conv(x).view(-1), conv=nn.Conv2d(3, 4, 1)), "4x4x3")


def test_states_that_are_not_zero_are_no_layer():
    module = Case(lambda m, x: m.cells(x, torch.ones(1, x.shape[0], 4))[0], cells=nn.GRU(8, 4, batch_first=True))
    assert "begins with states that are not zero" in str(archspec.from_torch(module, torch.randn(2, 6, 8)).diagnostics[0])


def test_windows_of_cosines(tmp_path):
    torchvision()  # which timm imports
    timm = pytest.importorskip("timm", reason="its modules are read as a whole")
    torch.manual_seed(0)
    transformer = timm.models.swin_transformer_v2.SwinTransformerV2
    whole = transformer(img_size=16, patch_size=2, embed_dim=8, depths=(2,), num_heads=(2,), window_size=4, num_classes=0, global_pool="")
    for one in whole.modules():
        if hasattr(one, "q_bias"):
            nn.init.normal_(one.q_bias), nn.init.normal_(one.v_bias), nn.init.normal_(one.logit_scale)
    found = archspec.from_torch(whole.eval(), "16x16x3")
    assert found.text.count("attend ") == 1 and "heads=2 rel=mlp w=4 shift=shift sim=cos" in found.text
    same_values(Case(lambda m, x: m.whole(x).permute(0, 3, 1, 2), whole=whole), torch.randn(2, 3, 16, 16), tmp_path, said=True)
    assert archspec.analyze(found.network).totals.params == sum(one.numel() for one in whole.parameters())


def test_evolved_norms(tmp_path):
    """The kind that divides without its activation too, and that which then only has a factor and an offset."""
    torchvision()  # which timm imports
    layers = pytest.importorskip("timm.layers.evo_norm", reason="its modules are read as a whole")
    parts = {
        "a": layers.EvoNorm2dS0(6, group_size=2),
        "b": layers.EvoNorm2dS0a(6, groups=2),
        "c": layers.EvoNorm2dS0a(6, 3, apply_act=False),
    }
    parts |= {"conv": nn.Conv2d(6, 6, 3), "d": layers.EvoNorm2dS0(6, apply_act=False)}
    for one in parts.values():
        for tensor in one.parameters():
            nn.init.normal_(tensor)
    module = Case(lambda m, x: m.d(m.c(m.conv(m.b(m.conv(m.a(x)))))), **parts)
    text = same_values(module.eval(), torch.randn(2, 6, 7, 8), tmp_path, said=True).text
    assert text.count("evonorm") == 3 and "act=no" in text
