"""Attention as language models write it: rotary positions in several forms, and heads that share keys and values."""

from __future__ import annotations

from functools import partial

import pytest

torch = pytest.importorskip("torch", reason="reads modules of PyTorch")
pytest.importorskip("numpy")

import archspec
from tests.imports.test_torch_export import Case, imported

nn = torch.nn
F = nn.functional


def angles(m, length):
    return torch.outer(torch.arange(length).float(), m.frequencies)


def halves(x, angle):
    """As in Hugging Face's Llama."""
    wide = torch.cat((angle, angle), -1)
    one, other = x.chunk(2, -1)
    return x * wide.cos() + torch.cat((-other, one), -1) * wide.sin()


def parts(x, angle):
    one, other = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((one * angle.cos() - other * angle.sin(), one * angle.sin() + other * angle.cos()), -1)


def neighbours(x, angle):
    """As in GPT-J: pairs that stand side by side."""
    cos, sin = (each.repeat_interleave(2, -1) for each in (angle.cos(), angle.sin()))
    return x * cos + torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) * sin


def numbers(x, angle):
    """As in Meta's Llama: complex numbers."""
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(3).type_as(x)


def in_a_row(x, times):
    return x.repeat_interleave(times, dim=1)


def expanded(x, times):
    n, heads, t, d = x.shape
    return x[:, :, None].expand(n, heads, times, t, d).reshape(n, heads * times, t, d)


def attention(turn, repeated=None, later=lambda x: x):
    def run(m, x):
        n, t, _ = x.shape
        q, k, v = (layer(x).view(n, t, -1, 8).transpose(1, 2) for layer in (m.query, m.key, m.value))
        q, k = (later(turn(each, angles(m, t))) if turn else each for each in (q, k))
        k, v = (repeated(each, q.shape[1] // each.shape[1]) if repeated else each for each in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return m.out(y.transpose(1, 2).reshape(n, t, -1))

    return run


def case(run, shared=2, base=10000.0, words=False):
    def make():
        few = 32 // shared
        frequencies = nn.Buffer(1 / base ** (torch.arange(0, 8, 2).float() / 8), persistent=False)
        layers = {"query": nn.Linear(32, 32), "key": nn.Linear(32, few), "value": nn.Linear(32, few), "out": nn.Linear(32, 32)}
        return Case(run, frequencies=frequencies, **layers)

    return make


def positions_first(m, x):
    """As in Gemma's images: sines and cosines without gradients, and heads behind positions."""
    n, t, _ = x.shape
    with torch.no_grad():
        wide = torch.cat((angles(m, t),) * 2, -1)[:, None]
        cos, sin = wide.cos(), wide.sin()
    q, k, v = (layer(x).view(n, t, -1, 8) for layer in (m.query, m.key, m.value))
    q, k = (each * cos + torch.cat((-each[..., 4:], each[..., :4]), -1) * sin for each in (q, k))
    q, k, v = (each.transpose(1, 2) for each in (q, k, v))
    y = F.scaled_dot_product_attention(q, in_a_row(k, 2), in_a_row(v, 2), is_causal=True)
    return m.out(y.transpose(1, 2).reshape(n, t, -1))


CASES = {
    "positions first": (case(positions_first), "heads=4 kvheads=2 causal=yes rope=10000"),
    "halves": (case(attention(halves, in_a_row)), "heads=4 kvheads=2 causal=yes rope=10000"),
    "parts": (case(attention(parts, expanded), base=500000.0), "heads=4 kvheads=2 causal=yes rope=500000"),
    "neighbours": (case(attention(neighbours, expanded)), "heads=4 kvheads=2 causal=yes rope=10000 pair=1"),
    "numbers": (case(attention(numbers, in_a_row), 4), "heads=4 kvheads=1 causal=yes rope=10000 pair=1"),
    "no positions": (case(attention(None, in_a_row)), "heads=4 kvheads=2 causal=yes\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_attention_of_language_models_is_one_layer(name, tmp_path):
    make, line = CASES[name]
    module, example, found = imported(make, (12, 32))
    assert not found.diagnostics and line in found.text
    assert_alike(module, example, found, tmp_path)


def assert_alike(module, example, found, folder, taken=lambda x: x.transpose(1, 2)):
    """The imported network, with the weights that it writes, computes what the module does."""
    found.save_weights(folder / "w.safetensors")
    ours = archspec.to_torch(found.network).eval()
    archspec.load_weights(ours, folder / "w.safetensors")
    with torch.no_grad():
        wanted = module(example)
        assert torch.allclose(ours(taken(example)).reshape(wanted.shape), wanted, atol=1e-5)


def backwards(x, angle):
    return halves(x, -angle)


OTHERS = {
    "backwards": (attention(backwards, in_a_row), "rope=angles"),
    "from another position": (attention(lambda x, angle: parts(x, angle + 1), in_a_row), "rope=angles"),
    "neighbours backwards": (attention(lambda x, angle: neighbours(x, -angle), expanded), "rope=angles pair=1"),
    "some channels": (attention(lambda x, angle: torch.cat((halves(x[..., :4], angle[:, :2]), x[..., 4:]), -1), expanded), "rope=angles"),
    "behind a token": (
        attention(lambda x, angle: torch.cat((x[:, :, :1], halves(x[:, :, 1:], angle[1:])), 2), in_a_row),
        "rope=angles prefix=1",
    ),
    "two groups": (
        attention(
            lambda x, angle: torch.cat([halves(one, angle[:, at : at + 2]) for at, one in ((0, x[..., :4]), (2, x[..., 4:]))], -1), in_a_row
        ),
        "rope=10000 pair=2",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_angles_are_a_value(name, tmp_path):
    run, words = OTHERS[name]
    module, example, found = imported(case(run), (12, 32))
    assert not found.diagnostics and f"attend k v heads=4 kvheads=2 causal=yes {words}" in found.text.replace("key", "k").replace(
        "value", "v"
    )
    assert_alike(module, example, found, tmp_path)


class Grid(nn.Module):
    """Angles of the rows and columns of an image, which are no part of what is stored."""

    def __init__(self):
        super().__init__()
        self.register_buffer("angles", torch.empty(12, 4), persistent=False)
        self.reset_parameters()

    def reset_parameters(self):
        at = torch.cartesian_prod(torch.arange(3.0), torch.arange(4.0))
        self.angles.copy_((at[:, :, None] * torch.tensor([1.0, 0.1])).flatten(1))


class Mixed(nn.Module):
    """Learned frequencies of each layer, head and pair along rows and columns (Heo et al. 2024, RoPE-Mixed)."""

    def __init__(self):
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(2, 2, 2, 4))
        self.register_buffer("at", torch.empty(12, 2), persistent=False)
        self.reset_parameters()

    def reset_parameters(self):
        self.at.copy_(torch.cartesian_prod(torch.arange(3.0), torch.arange(4.0)))

    def forward(self):
        angle = sum(self.at[:, axis, None] * self.frequencies[axis].unsqueeze(-2) for axis in (0, 1))
        return torch.cat((angle.cos(), angle.sin()), -1)


class Layers(nn.Module):
    """Two layers of attention on a map, whose queries and keys a subclass turns."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.ModuleDict({"qkv": nn.Linear(16, 48), "proj": nn.Linear(16, 16)}) for _ in range(2)])

    def attended(self, x, turns):
        """The result for a map, where `turns` has a function for each layer that turns queries or keys."""
        x = x.flatten(2).transpose(1, 2)
        for block, turned in zip(self.blocks, turns, strict=True):
            q, k, v = block["qkv"](x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
            q, k = (turned(each) for each in (q, k))
            x = x + block["proj"](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x


def by_table(x, turn):
    """Pairs of channels that lie half of them apart, turned by cosines and sines side by side."""
    (a, b), (cos, sin) = x.chunk(2, -1), turn.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


class Learned(Layers):
    """Each layer has its own learned angles."""

    def __init__(self):
        super().__init__()
        self.mixed = Mixed()

    def forward(self, x):
        return self.attended(x, [partial(by_table, turn=turn) for turn in self.mixed()])


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_learned_angles_are_the_product_of_positions_and_a_tensor(device, tmp_path):
    with torch.device(device):
        module = Learned().eval()
    found = archspec.from_torch(module, "3x4x16")
    assert not found.diagnostics and not found.note and found.text.count(" rope=") == 2 and "matmul" in found.text
    counts = [sum(one.numel() for one in each.parameters()) for each in (archspec.to_torch(found.network), module)]
    assert counts[0] == counts[1]
    if device == "cpu":
        assert_alike(module, torch.randn(2, 16, 3, 4), found, tmp_path, lambda x: x)


class Images(Layers):
    """The same angles turn in both layers."""

    def __init__(self):
        super().__init__()
        self.grid = Grid()

    def forward(self, x):
        return self.attended(x, [lambda each: neighbours(each, self.grid.angles)] * 2)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_angles_that_layers_share_are_one_value_also_where_only_the_module_can_say_them(device, tmp_path):
    with torch.device(device):
        module = Images().eval()
    found = archspec.from_torch(module, "3x4x16")
    assert not found.diagnostics and found.text.count("angles: tensor 12x4 frozen=yes") == 1 and "rope=angles pair=1" in found.text
    if device == "cpu":
        assert_alike(module, torch.randn(2, 16, 3, 4), found, tmp_path, lambda x: x)


def test_numbers_that_nothing_says_are_no_angles():
    with torch.device("meta"):
        module = Images().eval()
    module.grid.reset_parameters = None
    assert "rope" not in archspec.from_torch(module, "3x4x16").text


@pytest.mark.parametrize(
    "run",
    [
        attention(halves, lambda x, times: x.repeat(1, times, 1, 1)),
        attention(halves, in_a_row, lambda x: x * 2 + 1),
    ],
    ids=["heads in another order", "changed behind"],
)
def test_what_is_otherwise_is_no_such_layer(run, tmp_path):
    module, example, found = imported(case(run), (12, 32))
    assert "rope" not in found.text or "kvheads" not in found.text
    assert_alike(module, example, found, tmp_path)
