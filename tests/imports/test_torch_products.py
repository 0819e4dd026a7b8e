"""Products of matrices, tables, constants and axes of maps that PyTorch modules have, as layers: the emitted module computes the same."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numpy")

import archspec
from archspec.imports.relative import offsets as offsets_of
from tests.imports.test_torch_export import Case, same_values

nn = torch.nn


def heads(m, x, widths=(4, 4, 4)):
    """Queries, keys and values of two heads, as (n, heads, T, d), of which each has other channels than usual."""
    tokens = m.qkv(x.flatten(2).transpose(1, 2))
    return tokens.view(x.shape[0], -1, 2, sum(widths)).transpose(1, 2).split(widths, -1)


def wide(m, x):
    q, k, v = heads(m, x, (2, 2, 8))
    return ((q @ k.transpose(-2, -1)).mul(0.5).softmax(-1) @ v).transpose(1, 2).flatten(2)


def fused(m, x):
    q, k, v = heads(m, x, (2, 2, 8))
    return nn.functional.scaled_dot_product_attention(q, k, v)


def of_channels(m, x):
    """Attention of channels to channels (El-Nouby et al. 2021), with a learned temperature for each head."""
    q, k, v = (one.transpose(-2, -1) for one in heads(m, x))
    return ((q @ k.transpose(-2, -1) * m.temperature).softmax(-1) @ v).transpose(1, 2)


def linear_first(m, x):
    q, k, v = heads(m, x)
    return q.relu() @ (k.relu().transpose(-2, -1) @ v)


def offsets(m, x):
    """Biases by the distance of two positions, of which each head has a row (Graham et al. 2021)."""
    q, k, v = heads(m, x, (2, 2, 8))
    return ((q @ k.transpose(-2, -1) + m.biases[:, m.index]).softmax(-1) @ v).transpose(1, 2).flatten(2)


def windows(m, x):
    """Attention in windows with biases by distances."""
    n, c, h, w = x.shape
    x = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
    q, k, v = m.qkv(x).view(-1, 4, 2, 12).transpose(1, 2).chunk(3, -1)
    x = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=m.biases[:, m.index[:4, :4]])
    return m.proj(x.transpose(1, 2).reshape(-1, 4, 8)).view(n, h // 2, w // 2, 2, 2, 8).transpose(2, 3).reshape(n, h, w, 8)


def cased(run, **more):
    layers = {"qkv": nn.Linear(8, 24), "proj": nn.Linear(8, 8), **more}
    module = Case(run, **layers).eval()
    grid = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")).flatten(1)
    apart = (grid[:, :, None] - grid[:, None]).abs()
    module.register_buffer("index", apart[0] * 6 + apart[1], persistent=False)
    return module


def looked_up(m, x):
    """Biases by a table that is no table of relative positions, as one that also has some for a class token (Bao et al. 2021)."""
    q, k, v = m.qkv(x.flatten(2).transpose(1, 2)).view(-1, 24, 3, 2, 4).permute(2, 0, 3, 1, 4)
    biases = m.biases[m.index.view(-1)].view(24, 24, 2).permute(2, 0, 1)
    return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=biases).transpose(1, 2).flatten(2)


def in_context(m, x):
    """The mean of all positions by learned weights, a map of one position again (Cao et al. 2019)."""
    weights = m.gate(x).flatten(2).softmax(-1).transpose(1, 2)
    return m.down((x.flatten(2) @ weights).view(-1, 8, 1, 1))


def of_one_head(m, x):
    """Biases by relative positions (Liu et al. 2021) of one head, whose axis has one number."""
    q, k, v = m.qkv(x.flatten(2).transpose(1, 2)).view(-1, 24, 3, 1, 8).permute(2, 0, 3, 1, 4)
    biases = m.biases[torch.tensor(offsets_of((4, 6)))].view(24, 24, 1).permute(2, 0, 1)
    return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=biases[None]).transpose(1, 2).flatten(2)


def of_keys_less_queries(m, x):
    """Biases by relative positions of keys, looked up by products along each axis (Tu et al. 2022, in TensorFlow)."""
    q, k, v = m.qkv(x.flatten(2).transpose(1, 2)).view(-1, 24, 3, 2, 4).permute(2, 0, 3, 1, 4)
    apart = (torch.arange(n) - torch.arange(n)[:, None] + n - 1 for n in (4, 6))
    rows, columns = ((one[:, :, None] == torch.arange(2 * one.shape[0] - 1)).float() for one in apart)
    biases = torch.einsum("nhw,ixh,jyw->nijxy", m.biases, rows, columns).reshape(2, 24, 24)
    return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=biases[None]).transpose(1, 2).flatten(2)


def of_fewer_positions(m, x):
    """Queries of all positions, keys and values of fewer, and what follows reads a map again (Wang et al. 2021)."""
    tokens = x.flatten(2).transpose(1, 2)
    q = m.q(tokens).view(-1, 24, 2, 4).transpose(1, 2)
    k, v = m.kv(m.less(x).flatten(2).transpose(1, 2)).view(-1, 6, 2, 2, 4).permute(2, 0, 3, 1, 4)
    return m.proj(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)) + tokens


def of_channels_on_a_map(m, x):
    """Attention of channels (Ding et al. 2022), whose result is added to a map."""
    y = m.proj(of_channels(m, x).transpose(1, 2).permute(0, 3, 1, 2).flatten(2))
    return m.last((y + x.flatten(2).transpose(1, 2)).transpose(1, 2).view_as(x))


def of_the_first(m, x):
    """Attention whose only query is the first token (Touvron et al. 2021)."""
    tokens = x.flatten(2).transpose(1, 2)
    q = m.q(tokens[:, 0]).unsqueeze(1).view(-1, 1, 2, 4).transpose(1, 2)
    k, v = (one(tokens).view(-1, 24, 2, 4).transpose(1, 2) for one in (m.k, m.v))
    return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, 1, 8)


PRODUCTS = {
    "a query of one token": lambda: cased(of_the_first, q=nn.Linear(8, 8), k=nn.Linear(8, 8), v=nn.Linear(8, 8)),
    "fewer keys than queries": lambda: cased(of_fewer_positions, q=nn.Linear(8, 8), kv=nn.Linear(8, 16), less=nn.Conv2d(8, 8, 2, 2)),
    "channels that attend, in a map": lambda: cased(
        of_channels_on_a_map, temperature=nn.Parameter(torch.rand(2, 1, 1)), last=nn.Conv2d(8, 8, 3, 1, 1)
    ),
    "biases by positions of keys": lambda: cased(of_keys_less_queries, biases=nn.Parameter(torch.randn(2, 7, 11))),
    "biases of one head": lambda: cased(of_one_head, biases=nn.Parameter(torch.randn(77, 1))),
    "biases by a table": lambda: cased(looked_up, biases=nn.Parameter(torch.randn(24, 2))),
    "a mean by learned weights": lambda: cased(in_context, gate=nn.Conv2d(8, 1, 1), down=nn.Conv2d(8, 4, 1)),
    "values that are wider than keys": lambda: cased(wide),
    "the same in one operator": lambda: cased(fused),
    "channels that attend to channels": lambda: cased(of_channels, temperature=nn.Parameter(torch.rand(2, 1, 1))),
    "keys by values first": lambda: cased(linear_first),
    "biases by distance": lambda: cased(offsets, biases=nn.Parameter(torch.randn(2, 24))),
    "biases by distance in windows": lambda: cased(windows, biases=nn.Parameter(torch.randn(2, 24))),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_matrices(name, tmp_path):
    found = same_values(PRODUCTS[name](), torch.randn(2, 8, 4, 6), tmp_path, said=True)
    assert ("softmax" in found.text) is (name in ("a mean by learned weights", "biases by distance in windows"))


def test_parts_of_heads_are_cut_from_channels():
    """Queries, keys and values of other sizes within each head (Graham et al. 2021), and a row of places to look biases up at."""
    found = archspec.from_torch(PRODUCTS["biases by distance"](), torch.randn(2, 8, 4, 6))
    assert found.text.count("rearrange ") == 4 and 'rearrange "h w (a b) -> a (h w) b" b=12\nslice 0:2\n' in found.text
    assert "index: tensor 576 frozen=yes stored=24x24\nbiases: from index | embed 24 2\n" in found.text


def waves(m, x):
    """Sines of positions, which only the program computes, through a learned layer (Maaz et al. 2022)."""
    rows = torch.linspace(0, 1, x.shape[2], device=x.device)[:, None].expand(-1, x.shape[3])
    both = torch.stack([rows.sin(), rows.cos()], 0)[None].repeat(x.shape[0], 1, 1, 1)
    return x + m.project(both)


def turned(m, x):
    """Rotary positions of pairs of channels (Su et al. 2021)."""
    angles = torch.arange(x.shape[3])[:, None] / 10 ** torch.arange(4)
    x = x.permute(0, 2, 3, 1)
    one, other = x.chunk(2, -1)
    return x * torch.cat([angles, angles], -1).cos() + torch.cat([-other, one], -1) * torch.cat([angles, angles], -1).sin()


def pairs(m, x):
    """Pairs of neighbouring channels turned, as one stack (Heo et al. 2024)."""
    x = x.permute(0, 2, 3, 1)
    return torch.stack([-x[..., 1::2], x[..., ::2]], -1).reshape(x.shape)


def logits(m, x):
    """Scores by relative positions in each row, which borders and cuts make absolute (Bello et al. 2019), of the heads beside the batch."""
    n, c, h, w = x.shape
    x = x.view(n * 2, c // 2, h, w).permute(0, 2, 3, 1) @ m.places.t()
    x = nn.functional.pad(nn.functional.pad(x.reshape(-1, w, 2 * w - 1), [0, 1]).flatten(1), [0, w - 1])
    return x.view(-1, w + 1, 2 * w - 1)[:, :w, w - 1 :].reshape(n, 2, -1, w)


OTHERS = {
    "scores by relative positions": (logits, {"places": nn.Parameter(torch.randn(11, 4))}),
    "a learned matrix, also turned": (
        lambda m, x: x.permute(0, 2, 3, 1) @ m.w @ m.v.t(),
        {"w": nn.Parameter(torch.randn(8, 3)), "v": nn.Parameter(torch.randn(5, 3))},
    ),
    "factors and offsets in one operator": (
        lambda m, x: torch.addcmul(m.offset, m.factor, x.flatten(2).transpose(1, 2)),
        {"factor": nn.Parameter(torch.randn(1, 1, 8)), "offset": nn.Parameter(torch.randn(1, 1, 8))},
    ),
    "a root mean square without factors": (lambda m, x: nn.functional.rms_norm(x.permute(0, 2, 3, 1), (8,)), {}),
    "pairs of neighbours": (pairs, {}),
    "biases of which a part is zero": (
        lambda m, x: nn.functional.linear(x.flatten(2).transpose(1, 2), m.w, torch.cat([m.q, torch.zeros_like(m.q), m.v])),
        {"w": nn.Parameter(torch.randn(12, 8)), "q": nn.Parameter(torch.randn(4)), "v": nn.Parameter(torch.randn(4))},
    ),
    "constants that are computed": (waves, {"project": nn.Conv2d(2, 8, 1)}),
    "rotary positions": (turned, {}),
    "a gate that is learned": (lambda m, x: x * torch.sigmoid(m.gate.view(1, -1, 1, 1)), {"gate": nn.Parameter(torch.randn(8))}),
    "rows of a map": (lambda m, x: x[:, :, 1:3], {}),
    "one column of a map": (lambda m, x: x[:, :, :, 2] * 2, {}),
    "every second row of an odd number": (lambda m, x: x[:, :, :3, 1:][:, :, ::2, ::2], {}),
    "rows one behind the other": (lambda m, x: torch.cat([x[:, :, 2:], x[:, :, :2] * 2], 2), {}),
    "the mean of rows": (lambda m, x: x - x.mean(2, keepdim=True), {}),
    "the sum of all positions": (lambda m, x: x * x.sum((2, 3), keepdim=True), {}),
    "the maximum of a part": (lambda m, x: x.view(x.shape[0], 8, 2, 2, 6).amax(2), {}),
    "a layer on windows": (
        lambda m, x: m.norm(x.view(-1, 8, 2, 2, 6).permute(0, 2, 3, 4, 1).reshape(-1, 12, 8)).view(-1, 2, 12, 8) + 1,
        {"norm": nn.LayerNorm(8)},
    ),
    "a sum of Einstein with a tensor": (
        lambda m, x: torch.einsum("bchw,hkc->bwhk", x, m.r) + torch.einsum("bchw,bchv->bwhv", x, x)[..., :5],
        {"r": nn.Parameter(torch.randn(4, 5, 8))},
    ),
    "convolutions on windows": (
        lambda m, x: m.pool(m.conv(x.view(-1, 8, 2, 2, 6).transpose(1, 2).reshape(-1, 8, 2, 6))).view(x.shape[0], 2, 3, 1, 3),
        {"conv": nn.Conv2d(8, 3, 3, padding=1), "pool": nn.MaxPool2d(2)},
    ),
    "a sum of all pairs beside the batch": (
        lambda m, x: (lambda a: a[..., :, None] + a[..., None, :])(x.view(-1, 8, 2, 2, 6).transpose(1, 2).reshape(-1, 8, 2, 6)).view(
            -1, 2, 96, 6
        ),
        {},
    ),
    "a tile of positions": (lambda m, x: x + m.tile.tile(2, 3), {"tile": nn.Parameter(torch.randn(1, 8, 2, 2))}),
    "windows that overlap": (lambda m, x: x.unfold(2, 2, 1).unfold(3, 4, 2).permute(0, 2, 3, 1, 4, 5).flatten(3).amax(3), {}),
    "products of which one is for all heads": (
        lambda m, x: (lambda q, k: (q[:, :, :, None] @ k[:, None])[:, :, :, 0])(
            x.view(-1, 2, 4, 24).transpose(2, 3), x.view(-1, 4, 2, 24).permute(0, 3, 1, 2)
        ),
        {},
    ),
    "numbers that are cut off at zero, at six and nowhere": (
        lambda m, x: x.clamp(float("-inf"), float("inf")) + x.clamp(min=0) + x.clamp(0, 6),
        {},
    ),
    "no tokens before others": (lambda m, x: torch.cat([x[:, :0], x.relu()], 1), {}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_axes_and_stored_tensors(name, tmp_path):
    run, layers = OTHERS[name]
    module = Case(lambda m, x: run(m, m.first(x)), first=nn.Conv2d(8, 8, 1), **layers).eval()
    same_values(module, torch.randn(2, 8, 4, 6), tmp_path, said=True)


def test_what_is_computed_is_a_tensor_that_is_not_learned():
    found = archspec.from_torch(Case(waves, project=nn.Conv2d(2, 8, 1)).eval(), "4x6x8")
    assert "constant: tensor 4x6x2 frozen=yes" in found.text
    assert archspec.analyze(found.network).totals.params == 24


def test_filters_that_are_a_buffer_are_frozen(tmp_path):
    module = Case(lambda m, x: nn.functional.conv2d(m.first(x), m.filt, stride=2, groups=8), first=nn.Conv2d(8, 8, 1)).eval()
    module.register_buffer("filt", torch.rand(8, 1, 2, 2))
    found = archspec.from_torch(module, "4x6x8")
    assert archspec.analyze(found.network).frozen_params == 32
    same_values(module, torch.randn(2, 8, 4, 6), tmp_path, said=True)


@pytest.mark.parametrize(
    ("name", "line"), [("biases of one head", "heads=1 rel=table"), ("biases by positions of keys", "heads=2 rel=table")]
)
def test_biases_of_relative_positions_are_a_table(name, line):
    assert line in archspec.from_torch(PRODUCTS[name](), "4x6x8").text


def test_attention_on_a_map_is_no_detour_by_tokens():
    text = archspec.from_torch(PRODUCTS["fewer keys than queries"](), "4x6x8").text
    assert "heads=2" in text and "map" not in text and text.count("tokens") <= 1  # the result alone
    text = archspec.from_torch(PRODUCTS["channels that attend, in a map"](), "4x6x8").text
    assert "map 4x6" in text and "tokens" not in text


def test_a_number_that_is_no_number_of_a_spec_is_left_out():
    found = archspec.from_torch(Case(lambda m, x: m.first(x).clamp(float("-inf"), 3), first=nn.Conv2d(8, 8, 1)), "4x6x8")
    assert 'custom "clamp" out=4x6x8' in found.text and len(found.diagnostics) == 1
