"""Axes by a pattern: values beside expressions of PyTorch written by hand, what a position reads by its gradient, and memory."""

import pytest

torch = pytest.importorskip("torch", reason="torch is what the patterns are compared with")

import archspec
from archspec.analysis.phases import NOT
from archspec.analysis.receptive_field import ReceptiveFields
from archspec.ops import make
from archspec.ops.base import POINT, WHOLE
from archspec.types import Map, Tokens, Vector
from tests.fuzzing.fields import box

CASES = {
    'input 6x4x8\nrearrange "h w (g c) -> h w (c g)" g=4': torch.nn.ChannelShuffle(4),
    'input 6x4x8\nrearrange "h w (c a b) -> (h a) (w b) c" a=2 b=2': torch.nn.PixelShuffle(2),
    'input 6x4x8\nrearrange "(h a) (w b) c -> h w (c a b)" a=2 b=2': torch.nn.PixelUnshuffle(2),
    'input 6x4x8\nrearrange "(h p) (w q) c -> (h w) (p q c)" p=3 q=2': lambda x: x.unfold(2, 3, 3).unfold(3, 2, 2).permute(0, 2, 3, 4, 5, 1).reshape(-1, 4, 48),
    'input 6x4x8\nrearrange "h w c -> (h w c)"': lambda x: x.movedim(1, -1).reshape(-1, 192),
    'input 6x4x8\nrearrange "h w c -> w h c"': lambda x: x.transpose(2, 3),
    'input 6x4x8\nrearrange "h w c -> (w h) c"': lambda x: torch.stack([x[:, :, i % 6, i // 6] for i in range(24)], 1),
    'input 6x4x8\nrearrange "(a h) w c -> (h a) w c" a=2': lambda x: x[:, :, [0, 3, 1, 4, 2, 5]],
    'input 6\nrearrange "c -> 1 c 1"': lambda x: x[:, None, None, :],
    'input 6\nrearrange "(h c) -> h 1 c" h=2': lambda x: x.view(-1, 2, 3).transpose(1, 2)[..., None],
    'input 1x4x6\nrearrange "1 w c -> w c"': lambda x: x[:, :, 0].transpose(1, 2),
    'input 6x8\nrearrange "(t p) c -> t (p c)" p=2': lambda x: torch.cat([x[:, :, 0::2], x[:, :, 1::2]], 1),
    'input 6x4x8\ntokens | rearrange "t (a b) -> a t b" a=2': lambda x: x.flatten(2).unflatten(1, (2, 4)).permute(0, 2, 1, 3),
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_values_are_those_of_an_expression_by_hand(text):
    network = archspec.loads(text + "\n")
    type_ = network.inputs[0].type
    x = torch.randn(2, type_.channels, *type_.shape[:-1])
    found, expected = archspec.to_torch(network)(x), CASES[text](x)
    assert torch.equal(found, expected)
    (y,) = make("rearrange", network.graph.elements[-1].op.arguments()).infer([network.graph.type_of(network.graph.elements[-1].inputs[0])])
    assert tuple(found.shape[1:]) == ((y.channels, *y.spatial) if isinstance(y, Map) else y.shape)


FIELDS = [
    'input 12x8x4\nrearrange "(h p) (w q) c -> h w (p q c)" p=3 q=2',
    'input 12x8x4\nrearrange "(p h) w c -> h w (p c)" p=3',
    'input 12x8x4\nrearrange "(h p q) w c -> (h q) w (p c)" p=3 q=2',
    'input 12x8x8\nrearrange "h w (a b c) -> (h a) (w b) c" a=2 b=2',
    'input 12x8x8\nrearrange "(h a) w (b c) -> (h b) w (a c)" a=3 b=2',
    'input 12x8x4\nrearrange "(h a b) w c -> h w (a b c)" a=2 b=3',
    'input 12x8x4\nrearrange "(h a) (w b) c -> (h w) (a b c)" a=2 b=4',
    'input 12x6\nrearrange "(t p) c -> t (c p)" p=4',
    'input 12x8x4\nconv k=3 f=4 p=1\nrearrange "(h p) w c -> h w (p c)" p=2\nconv k=3 f=4 p=1',
]


@pytest.mark.parametrize("text", FIELDS)
def test_what_positions_see_is_what_has_a_gradient(text):
    network = archspec.loads(text + "\n")
    type_ = network.inputs[0].type
    module = archspec.to_torch(network).double()
    for parameter in module.parameters():
        torch.nn.init.ones_(parameter)
    x = torch.ones(1, type_.channels, *type_.spatial, dtype=torch.float64, requires_grad=True)
    y = module(x)
    field = ReceptiveFields(network).inside(network.graph, (POINT,))(network.graph.result)
    assert isinstance(field, tuple) and field != NOT
    positions = y.sum(1) if isinstance(network.graph.output, Map) else y.sum(2).unflatten(1, (6, 2))
    for at in torch.cartesian_prod(*map(torch.arange, positions.shape[1:])).reshape(-1, positions.dim() - 1).tolist():
        (gradient,) = torch.autograd.grad(positions[(0, *at)], x, retain_graph=True)
        seen = (gradient[0].sum(0) != 0).nonzero()
        said = [(max(low, 0), min(high, size - 1)) for (low, high), size in zip(box(field, tuple(at)), type_.spatial, strict=True)]
        assert said == [(int(axis.min()), int(axis.max())) for axis in seen.unbind(1)], at


@pytest.mark.parametrize(
    ("x", "pattern", "reads"),
    [
        (Map((4, 6), 8), "h w c -> h w c", POINT),
        (Map((4, 6), 8), "h w c -> (h w) c", POINT),
        (Map((4, 6), 8), "h w c -> w h c", None),
        (Map((4, 6), 8), "h w c -> (w h) c", None),
        (Map((4, 6), 8), "h w c -> c (h w)", WHOLE),
        (Map((4, 6), 8), "h w c -> (h w c)", WHOLE),
        (Map((4, 6), 8), "h w c -> c 1 (h w)", WHOLE),
        (Tokens(4, 6), "t c -> c t", WHOLE),
        (Tokens(4, 6), "t c -> t c 1", None),
        (Vector(6), "c -> 1 1 c", WHOLE),
    ],
)
def test_what_is_read_of_the_whole(x, pattern, reads):
    assert make("rearrange", {"pattern": pattern}).reach(x) == reads


def test_sizes_stand_under_keys_of_their_own():
    op = make("rearrange", {"pattern": "h w (g c) -> h w (c g)", "g": 4})
    assert op.sizes == (("g", 4),) and op == make("rearrange", op.arguments())
    assert op.config() == '"h w (g c) -> h w (c g)" g=4'
    b = archspec.Builder("net")
    b.output(b.op("rearrange", b.input("input", (4, 4, 8)), pattern="h w (g c) -> h w (c g)", g=2))
    assert archspec.analyze(b.network()).layers[0].written == 'rearrange "h w (g c) -> h w (c g)" g=2'
    with pytest.raises(ValueError, match="`g` of `rearrange` must be a whole number of at least 1, not 0"):
        b.op("rearrange", b.input("other", (4, 4, 8)), pattern="h w (g c) -> h w (c g)", g=0)


def test_a_block_with_sizes_of_its_own_is_one_class():
    text = 'block mix(n): rearrange "h w (g c) -> h w (c g)" g=n | conv k=1 f=2*cin\ninput 8x8x8\nmix 2\npool w=2\nmix 4\n'
    source = archspec.emit(archspec.loads(text), "torch")
    assert source.count("class Mix") == 1
    assert "Rearrange(split=((1, (n, -1)),), order=(2, 1, 3, 4), join=((1, 2),))" in source
    assert "nn.Conv2d(channels, 2 * channels, 1)" in source
