"""PyTorch modules as specs: the text, the names of weights, and the values, which are the module's own."""

from __future__ import annotations

import pytest

import archspec

torch = pytest.importorskip("torch", reason="reads modules of PyTorch")
nn = torch.nn
F = torch.nn.functional


class Residual(nn.Module):
    def __init__(self, c, f, s):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, f, 3, s, 1, bias=False), nn.BatchNorm2d(f)
        self.conv2, self.bn2 = nn.Conv2d(f, f, 3, 1, 1, bias=False), nn.BatchNorm2d(f)
        self.down = nn.Conv2d(c, f, 1, s) if s != 1 or c != f else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.down is None else self.down(x)))


class Windows(nn.Module):
    """Attention in windows on channels last, as Swin writes it, without a shift."""

    def __init__(self, c, heads, w):
        super().__init__()
        self.heads, self.w = heads, w
        self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)

    def forward(self, x):
        b, h, w, c = x.shape
        x = x.view(b, h // self.w, self.w, w // self.w, self.w, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, self.w * self.w, c)
        q, k, v = self.qkv(x).reshape(-1, self.w * self.w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        x = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5).softmax(-1) @ v
        x = self.proj(x.transpose(1, 2).reshape(-1, self.w * self.w, c))
        return x.view(b, h // self.w, w // self.w, self.w, self.w, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)


class Case(nn.Module):
    """A module with layers, and what it does with them."""

    def __init__(self, run, **layers):
        super().__init__()
        self.run = run
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.run(self, *inputs)


def shuffle(m, x):
    b, _, h, w = x.shape
    one, other = m.conv(x).view(b, 4, -1, h, w).transpose(1, 2).reshape(b, -1, h, w).chunk(2, 1)
    return torch.cat([one, m.own(other)], 1)


def classes(m, x):
    x = m.patch(x).flatten(2).transpose(1, 2)
    x = torch.cat([m.token.expand(x.shape[0], -1, -1), x], 1) + m.places
    return m.head(m.block(x)[:, 0])


def squeezed(m, x):
    return x * m.up(F.relu(m.down(x.mean((2, 3), keepdim=True)))).sigmoid()


def recurrent(m, x):
    every, (last, _) = m.cells(m.words(x))
    del every
    return m.head(last[-1])


def merging(m, x):
    x = x.permute(0, 2, 3, 1)
    x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
    return m.reduction(m.norm(x)).permute(0, 3, 1, 2)


CASES = {
    "residual": (
        lambda: nn.Sequential(
            Residual(3, 8, 2), Residual(8, 8, 1), Residual(8, 8, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
        ),
        (3, 8, 8),
        "repeat 3 as i:",
    ),
    "windows": (
        lambda: Case(lambda m, x: m.attn(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), attn=Windows(8, 2, 4)),
        (8, 8, 8),
        "attn: attn heads=2 w=4 proj=qkv",
    ),
    "shuffle": (lambda: Case(shuffle, conv=nn.Conv2d(3, 8, 1), own=nn.Conv2d(4, 4, 3, padding=1)), (3, 6, 6), "shuffle 4"),
    "class token": (
        lambda: Case(
            classes,
            patch=nn.Conv2d(3, 16, 4, 4),
            token=nn.Parameter(torch.randn(1, 1, 16)),
            places=nn.Parameter(torch.randn(1, 5, 16)),
            block=nn.TransformerEncoderLayer(16, 4, 32, activation="gelu", batch_first=True, norm_first=True),
            head=nn.Linear(16, 3),
        ),
        (3, 8, 8),
        "self_attn: attn heads=4",
    ),
    "squeeze and excitation": (lambda: Case(squeezed, down=nn.Conv2d(8, 2, 1), up=nn.Conv2d(2, 8, 1)), (8, 5, 5), "mul:"),
    "words": (
        lambda: Case(recurrent, words=nn.Embedding(30, 8), cells=nn.LSTM(8, 6, batch_first=True), head=nn.Linear(6, 2)),
        (7,),
        "cells: lstm 6 out=last",
    ),
    "patch merging": (
        lambda: Case(merging, norm=nn.LayerNorm(16), reduction=nn.Linear(16, 8, bias=False)),
        (4, 6, 6),
        "patchmerge",
    ),
    "same borders": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding="same"), nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(3, 2)),
        (3, 8, 8),
        "pad 0:1",
    ),
    "shared": (lambda: Case(lambda m, x: m.conv(torch.tanh(m.conv(x))), conv=nn.Conv2d(4, 4, 3, padding=1)), (4, 6, 6), "again conv"),
    "a scale per channel": (
        lambda: Case(lambda m, x: m.conv(x) * m.gamma, conv=nn.Conv2d(3, 4, 1), gamma=nn.Parameter(torch.full((4, 1, 1), 0.5))),
        (3, 4, 4),
        "gamma: scale 0.5",
    ),
    "a scale per channel as one axis": (
        lambda: Case(
            lambda m, x: m.conv(x) * m.gamma.view(1, -1, 1, 1), conv=nn.Conv2d(3, 4, 1), gamma=nn.Parameter(torch.full((4,), 1e-6))
        ),
        (3, 4, 4),
        "gamma: scale 1e-06 flat=yes",
    ),
    "a square, times one number": (
        lambda: Case(lambda m, x: F.relu(m.conv(x)) ** 2 * m.factor, conv=nn.Conv2d(3, 4, 1), factor=nn.Parameter(torch.full((1,), 0.5))),
        (3, 4, 4),
        "mul x\nfactor: scale 0.5 shared=yes flat=yes",
    ),
    "tokens are mixed beside a map": (
        lambda: Case(
            lambda m, x: (t := m.patch(x).flatten(2).transpose(1, 2)) + m.mix(m.norm(t).transpose(1, 2)).transpose(1, 2),
            patch=nn.Conv2d(3, 8, 2, 2),
            norm=nn.LayerNorm(8),
            mix=nn.Linear(9, 9),
        ),
        (3, 6, 6),
        "swap | map 3x3",
    ),
    "upsampling": (
        lambda: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.ConvTranspose2d(3, 4, 2, 2)),
        (3, 4, 4),
        "upsample 2 mode=bilinear",
    ),
    "a dense block": (
        lambda: Case(
            lambda m, x: torch.cat([torch.cat([x, a := m.a(x)], 1), m.b(torch.cat([x, a], 1))], 1),
            a=nn.Conv2d(3, 2, 1),
            b=nn.Conv2d(5, 2, 1),
        ),
        (3, 4, 4),
        "concat",
    ),
    "lengths": (lambda: Case(lambda m, x: F.normalize(m.conv(x), dim=1), conv=nn.Conv2d(3, 4, 1)), (3, 4, 4), "l2norm"),
    "numbers": (lambda: Case(lambda m, x: 1 - 2 * m.conv(x), conv=nn.Conv2d(3, 4, 1)), (3, 4, 4), "mul 2.0 | mul -1.0 | add 1.0"),
    "tokens first": (lambda: nn.Sequential(nn.Linear(6, 4), nn.GELU(), nn.LayerNorm(4)), (5, 6), "linear 4"),
}


def imported(make, shape):
    """A module, a batch for it, of words where there is one axis, and what is read of it."""
    torch.manual_seed(0)
    module = make().eval()
    example = torch.randint(0, 30, (2, *shape)) if len(shape) == 1 else torch.randn(2, *shape)
    return module, example, archspec.from_torch(module, example)


@pytest.mark.parametrize("name", CASES)
def test_a_module_is_read_and_computes_the_same(name, tmp_path):
    make, shape, line = CASES[name]
    module, example, found = imported(make, shape)
    assert not found.diagnostics and "line of its own" not in found.note
    assert line in found.text
    found.save_weights(tmp_path / "w.safetensors")
    ours = archspec.to_torch(archspec.loads(found.text)).eval()
    archspec.load_weights(ours, tmp_path / "w.safetensors")
    given = example.transpose(1, 2) if len(shape) == 2 else example  # tokens are channels last in PyTorch, as a spec's input is
    with torch.no_grad():
        assert torch.allclose(ours(given), module(example), atol=1e-5)
    own = {key for key in ours.state_dict() if not key.endswith("num_batches_tracked")}
    assert own == {key for key in module.state_dict() if not key.endswith("num_batches_tracked")} or name in ("words", "class token")


def test_what_the_language_lacks_becomes_custom_in_one_run():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x):
            return torch.sin(self.conv(x)).cumsum(1)

    found = archspec.from_torch(Odd(), "8x8x3")
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["A610", "A610"]
    assert all("test_torch_export.py" in diagnostic.message for diagnostic in found.diagnostics)
    assert [name in found.diagnostics[at].message for at, name in enumerate(("aten.cumsum", "aten.sin"))] == [True, True]
    assert 'custom "aten.sin"' in found.text
    assert archspec.analyze(found.network).totals.params == 112


def test_constants_that_are_moved_to_the_device_of_a_module_are_known():
    def grown(m, x):
        places = torch.zeros(x.shape[1:])
        places[0] = torch.arange(x.shape[3], device="cpu")
        return m.conv(torch.cat([x, places.to(x.device).expand(x.shape[0], -1, -1, -1)], 1))

    with torch.device("meta"):
        module = Case(grown, conv=nn.Conv2d(6, 3, 1)).eval()
        found = archspec.from_torch(module, "4x5x3")
    assert "constant: tensor 4x5x3 frozen=yes" in found.text and not found.diagnostics


def test_heads_that_training_alone_has():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.aux, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            x = self.body(x).mean((2, 3))
            return (self.fc(x), self.aux(x)) if self.training else self.fc(x)

    module = Heads().eval()
    found = archspec.from_torch(module, "8x8x3")
    assert "output aux train" in found.text
    assert archspec.analyze(found.network).totals.params == sum(p.numel() for p in module.parameters())
    assert not module.training


def test_what_depends_on_data_is_refused():
    class Depends(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(archspec.SpecError, match="cannot export"):
        archspec.from_torch(Depends(), "8x8x3")
    with pytest.raises(ValueError, match="224x224x3"):
        archspec.from_torch(Depends(), "big")


def test_a_module_keeps_its_mode_and_may_be_on_meta():
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.1)).train()
    found = archspec.from_torch(module, torch.empty(1, 3, 8, 8, device="meta"))
    assert module.training and module[1].training
    assert "dropout 0.1" in found.text


@pytest.mark.parametrize("batch", [1, 3])
def test_an_exported_program(batch, tmp_path):
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(batch, 3, 8, 8),)), tmp_path / "small.pt2")
    found = archspec.from_torch(torch.export.load(tmp_path / "small.pt2"), name="small")
    assert found.text == archspec.from_torch(module, "8x8x3", name="small").text
    assert not found.diagnostics


def test_what_no_result_depends_on_is_left_out_and_said():
    module = Case(lambda m, x: m.used(x), used=nn.Conv2d(3, 4, 1), spare=nn.Linear(4, 2))
    found = archspec.from_torch(module, "4x4x3")
    assert found.note == "no result depends on spare.bias, spare.weight, which are left out"
    assert archspec.analyze(found.network).totals.params == 16


def weighing(weigh):
    """Attention, with something of one's own for the scores, the values, or both."""

    def run(m, x):
        q, k, v = m.qkv(x.flatten(2).transpose(1, 2)).reshape(x.shape[0], -1, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        return m.proj(weigh(q @ k.transpose(-2, -1), v).transpose(1, 2).flatten(2)).transpose(1, 2).reshape(x.shape)

    return run


WEIGHED = {
    "values times a number": lambda a, v: a.softmax(-1) @ (v * 3),
    "a softmax over queries": lambda a, v: a.softmax(-2) @ v,
    "a log softmax": lambda a, v: a.log_softmax(-1) @ v,
    "weights times a number": lambda a, v: (a.softmax(-1) * 2) @ v,
    "two softmaxes": lambda a, v: a.softmax(-1).softmax(-1) @ v,
    "queries and keys exchanged": lambda a, v: a.transpose(-2, -1).softmax(-1) @ v,
    "no softmax": lambda a, v: a @ v,
}


@pytest.mark.parametrize("name", WEIGHED)
def test_attention_is_read_as_what_it_is(name, tmp_path):
    """Counts and shapes are the same in all cases: only the values tell."""
    module = Case(weighing(WEIGHED[name]), qkv=nn.Linear(8, 24), proj=nn.Linear(8, 8)).eval()
    same_values(module, torch.randn(2, 8, 3, 3), tmp_path, said=True)


def halves(combine):
    return lambda m, x: combine(*m.conv(x).chunk(2, 1))


@pytest.mark.parametrize(
    "combine",
    [
        lambda a, b: torch.cat([a * 2, b], 1),
        lambda a, b: torch.cat([a * 2, b * 3], 1),
        lambda a, b: torch.cat([a * 2, b * 2], 1),
        lambda a, b: (a * 2) * b,
        lambda a, b: a * 2 + b,
        lambda a, b: F.relu(a * -1) + b,
    ],
)
def test_a_number_that_multiplies_a_part_is_not_lost(combine, tmp_path):
    module = Case(halves(combine), conv=nn.Conv2d(3, 8, 1)).eval()
    same_values(module, torch.randn(2, 3, 4, 4), tmp_path, said=True)


@pytest.mark.parametrize("order", [(2, 0, 1), (2, 1, 0)])
def test_biases_of_relative_positions_lie_as_scores_do(order, tmp_path):
    """Turned, they are those of the opposite positions."""
    places = torch.stack(torch.meshgrid(torch.arange(3), torch.arange(3), indexing="ij")).flatten(1)
    apart = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + 2

    def weigh(m, x):
        added = m.table[m.index.view(-1)].view(9, 9, 2).permute(order)
        return weighing(lambda a, v: (a * 0.5 + added).softmax(-1) @ v)(m, x)

    module = Case(weigh, qkv=nn.Linear(8, 24), proj=nn.Linear(8, 8), table=nn.Parameter(torch.randn(25, 2))).eval()
    module.register_buffer("index", apart[..., 0] * 5 + apart[..., 1])
    same_values(module, torch.randn(2, 8, 3, 3), tmp_path, said=True)


def same_values(module, example, folder, *, said):
    """A module that is said by layers alone computes what its spec does; any other has a `custom`. Returns what was imported."""
    found = archspec.from_torch(module, example)
    assert bool(found.diagnostics) is not said
    if said:
        found.save_weights(folder / "w.safetensors")
        ours = archspec.to_torch(found.network).eval()
        archspec.load_weights(ours, folder / "w.safetensors")
        with torch.no_grad():
            assert torch.allclose(ours(example), module(example), atol=1e-5)
    return found


def doubled(m, x):
    y = m.conv(x)
    y[:, :] = y.relu() * 2
    return y


def in_part(m, x):
    y = m.conv(x)
    y[:, :2] = y[:, :2] * 2
    return y


def in_parts(m, x):
    y = torch.zeros(x.shape[0], 4, 4, 4)
    y[:, 0] = x[:, 1]
    y[:, 1] = x[:, 2] * 2
    return m.conv(x) + y


def by_a_view(m, x):
    y = m.conv(x)
    y.view(y.shape[0], -1).mul_(2.0)
    return y + 1


def read_before(m, x):
    y = m.conv(x)
    part = y[:, :2]
    y.mul_(3.0)
    return torch.cat([part, y], 1)


@pytest.mark.parametrize(
    ("run", "is_said"), [(doubled, True), (in_part, False), (in_parts, False), (by_a_view, False), (read_before, False)]
)
def test_what_is_written_in_place_is_never_lost(run, is_said, tmp_path):
    module = Case(run, conv=nn.Conv2d(3, 4, 1)).eval()
    same_values(module, torch.randn(2, 3, 4, 4), tmp_path, said=is_said)


def test_dropout_of_attention_is_left_out_and_said():
    drop = nn.Dropout(0.2)
    run = weighing(lambda a, v: drop(a.softmax(-1)) @ v)
    found = archspec.from_torch(Case(run, qkv=nn.Linear(8, 24), proj=nn.Linear(8, 8), drop=drop).eval(), "3x3x8")
    assert "the dropout of attention of" in found.note
    layer = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)
    both = Case(lambda m, x: m.attn(*[x.flatten(2).transpose(1, 2)] * 3)[0], attn=layer).eval()
    assert "the dropout of attention of attn is left out" in archspec.from_torch(both, "3x3x8").note


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.pad(x, (0, 1), value=1.0),
        lambda x: x.cumsum(3),
        lambda x: torch.clamp(x, -0.5, 0.5),
        lambda x: torch.where(x > 0.1, x, x * 2),
        lambda x: torch.flip(x, (2, 3)),
        lambda x: x.permute(0, 2, 3, 1).cumsum(1).permute(0, 3, 1, 2),
    ],
    ids=["pad", "cumsum", "clamp", "where", "flip", "channels last"],
)
def test_a_declared_function_is_called_with_its_numbers(function):
    module = Calling(function).eval()
    x = torch.randn(2, 3, 9, 9)
    found = archspec.from_torch(module, x)
    assert 'custom "aten.' in found.text
    again = archspec.to_torch(found.network).eval()
    again.load_state_dict(module.state_dict())
    with torch.no_grad():
        assert torch.equal(again(x), module(x))


def test_a_function_whose_arguments_cannot_be_said_is_only_declared():
    """Sorting has two results, and `custom` one: PyTorch's function would give both."""
    assert 'custom "sort"' in archspec.from_torch(Calling(lambda x: x.sort(3).values).eval(), torch.randn(2, 3, 9, 9)).text


class Calling(nn.Module):
    """A function between two convolutions."""

    def __init__(self, function):
        super().__init__()
        self.first, self.function, self.last = nn.Conv2d(3, 4, 3), function, nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.last(self.function(self.first(x)))


def test_a_buffer_as_a_weight_is_not_learned():
    _, _, found = imported(lambda: Case(lambda m, x: F.linear(x, m.transform), transform=nn.Buffer(torch.randn(4, 8))), (6, 8))
    assert "frozen=yes" in found.text and archspec.analyze(found.network).frozen_params == 32


def test_a_batch_that_comes_later_is_declared_and_read_as_one():
    make = lambda: Case(lambda m, x: m.fc(torch.cummax(x.transpose(0, 1), 0)[0]).transpose(0, 1), fc=nn.Linear(8, 4))  # noqa: E731
    _, _, found = imported(make, (6, 8))
    assert [found.text.count(each) for each in ('custom "', 'custom "cummax" out=6x8', "fc: linear 4")] == [1, 1, 1]


def test_a_function_of_what_is_computed_is_only_declared():
    """PyTorch's own function would get the parts of it."""
    make = lambda: Case(lambda m, x: torch.atan2(x, m.one * m.other), one=nn.Parameter(torch.randn(5)), other=nn.Parameter(torch.randn(5)))  # noqa: E731
    _, _, found = imported(make, (4, 5, 5))
    assert 'custom "atan2"' in found.text and "one=5" in found.text and "other=5" in found.text


def test_a_sum_of_several_terms_is_one_sum():
    def run(m, x):
        return F.relu(m.a(x) + m.b(x) + m.c(x) + x)

    module = Case(run, a=nn.Conv2d(4, 4, 3, padding=1), b=nn.Conv2d(4, 4, 1), c=nn.BatchNorm2d(4)).eval()
    found = archspec.from_torch(module, "8x8x4")
    assert found.text.splitlines()[3:] == ["add:", "  a: conv k=3 f=4 p=1", "  b: conv k=1 f=4", "  c: bn", "  skip", "relu"]
    own = archspec.to_torch(found.network).eval()
    own.load_state_dict(module.state_dict())
    x = torch.randn(1, 4, 8, 8)
    assert torch.equal(own(x), module(x))
