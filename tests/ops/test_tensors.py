"""Tensors as values, and arithmetic: beside the same in PyTorch, written by hand, with the same numbers; and their mistakes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is what they are compared with")

from torch import nn
from torch.nn import functional as F

import archspec
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json
from archspec.ir.walk import walk


class Layered(nn.Module):
    """A depthwise convolution with a factor per channel, and an offset that all positions share."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.gamma = nn.Parameter(torch.full((6, 1, 1), 0.5))
        self.beta = nn.Parameter(torch.zeros(6))

    def forward(self, x):
        return x + self.conv(x) * self.gamma + self.beta[:, None, None]


class Embedded(nn.Module):
    """Tokens with positions as timm stores them, and an identity that is no parameter."""

    def __init__(self):
        super().__init__()
        self.pos = nn.Parameter(torch.zeros(1, 20, 4))
        self.one = nn.Buffer(torch.eye(20, 4))

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2) + self.pos
        return torch.cat([x - 2 * self.one, self.one.expand(len(x), -1, -1)], dim=-1)


class Queries(nn.Module):
    """What is computed from tensors alone, once for the whole batch, and meets the images in the end."""

    def __init__(self):
        super().__init__()
        self.q = nn.Parameter(torch.randn(5, 8))
        self.proj = nn.Linear(8, 6)
        self.u = nn.Parameter(torch.randn(6))

    def forward(self, x):
        made = F.relu(self.proj(self.q) * self.u).sum(0) / 5
        return x * made[None, :, None, None]


CASES = {
    "input 5x4x6\nx: skip\nconv: dwconv k=3 p=1\ngamma: tensor 1x1x6 init=0.5\nbeta: tensor 6\nmul gamma | add beta | add x": (
        Layered,
        (6, 5, 4),
    ),
    "input 5x4x4\ntokens\npos: tensor 20x4 stored=1x20x4\none: tensor 20x4 init=eye frozen=yes\nz: add pos\ny: from one | mul 2\n"
    "from z | sub y | concat one": (Embedded, (4, 5, 4)),
    "input 5x4x6\nq: tensor 5x8 init=normal std=1\nu: tensor 6 init=normal std=1\nproj: from q | linear 6\nmul u | relu | gap | mul input": (
        Queries,
        (6, 5, 4),
    ),
}


@pytest.mark.parametrize("spec", CASES)
def test_values_and_keys_are_those_of_a_module_by_hand(spec):
    make, shape = CASES[spec]
    network, twin, x = archspec.loads(spec), make(), torch.randn(3, *shape)
    net = archspec.to_torch(network, seed=0)
    assert {key: tuple(value.shape) for key, value in net.state_dict().items()} == {k: tuple(v.shape) for k, v in twin.state_dict().items()}
    for tensor in twin.parameters():
        nn.init.normal_(tensor)
    net.load_state_dict(twin.state_dict())
    assert torch.allclose(net(x), twin(x), atol=1e-6)
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX file")
    from tests.helpers.onnx import run, session

    for settings in ({"opset": 13}, {"opset": 22, "batch": 3}):
        (found,) = run(session(archspec.to_onnx(network, net.state_dict(), **settings)), {"input": x})
        assert torch.allclose(torch.from_numpy(found), twin(x), atol=1e-5)
    totals = archspec.analyze(network).totals
    assert totals.params == sum(tensor.numel() for tensor in twin.parameters())
    assert totals.buffers == sum(tensor.numel() for tensor in twin.buffers())


def test_a_result_without_images_takes_their_batch():
    network = archspec.loads("input 5x4x6\nq: tensor 5x8 init=normal\nfrom q | linear 6\noutput raw:\n  from q\n")
    net, x = archspec.to_torch(network, seed=0), torch.randn(3, 6, 5, 4)
    result = net(x)
    assert result.output.shape == (3, 5, 6) and torch.equal(result.raw, net.q.expand(3, 5, 8))
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX file")
    from tests.helpers.onnx import run, session

    found, raw = run(session(archspec.to_onnx(network, net.state_dict())), {"input": x})
    assert torch.allclose(torch.from_numpy(found), result.output, atol=1e-6) and torch.equal(torch.from_numpy(raw), result.raw)


@pytest.mark.parametrize("spec", CASES)
def test_documents_and_flat_specs_give_the_network_again(spec):
    network = archspec.loads(spec)
    assert to_json(from_json(to_json(network))) == to_json(network)
    flat = archspec.loads(expand(network))
    assert expand(flat) == expand(network)
    assert archspec.analyze(flat).totals == archspec.analyze(network).totals


def test_a_tensor_takes_no_position_and_is_one_for_all_rounds_that_read_it():
    text = "input 8x8x4\ng: tensor 1x1x4\nbody:\n  conv k=1 f=4\n  h: tensor 4\n  relu\n  mul h\nrepeat 3: conv k=1 f=4 | mul g\n"
    keys = list(archspec.to_torch(archspec.loads(text)).state_dict())
    assert keys == ["g", "body.h", "body.0.weight", "body.0.bias", *(f"conv{i}.{kind}" for i in (1, 2, 3) for kind in ("weight", "bias"))]


def test_two_axes_are_tokens_or_a_line_beside_a_line():
    kinds = {"input 8x4\n": "Map((8,), 4)", "input 8x8x4\n": "Tokens(8, 4)", "input 8x4\ntokens\n": "Tokens(8, 4)", "": "Tokens(8, 4)"}
    for start, kind in kinds.items():
        network = archspec.loads(f"{start}t: tensor 8x4\n{'' if start else 'input 8x8x4'}\nfrom t\n")
        node = network.graph.elements[-1]
        assert repr(node.type).replace("spatial=", "").replace("channels=", "").replace("length=", "") == kind
        assert expand(archspec.loads(expand(network))) == expand(network)
        assert repr(archspec.loads(expand(network)).graph.elements[-1].type) == repr(node.type)


@pytest.mark.parametrize(
    "word", ["kaiming", "kaiming_uniform", "kaiming_out", "xavier", "xavier_normal", "lecun", "normal", "truncated", "orthogonal"]
)
def test_words_draw_as_pytorch_does(word):
    """The deviation that PyTorch's own initialisers draw with, in a module and in an ONNX file."""
    network = archspec.loads(f"input 4\nt: tensor 300x200 init={word} stored=300x200\nfrom t\n")
    (drawn,) = archspec.to_torch(network, seed=1).parameters()
    functions = {
        "kaiming": nn.init.kaiming_normal_,
        "kaiming_uniform": nn.init.kaiming_uniform_,
        "kaiming_out": lambda t: nn.init.kaiming_normal_(t, mode="fan_out"),
        "xavier": nn.init.xavier_uniform_,
        "xavier_normal": nn.init.xavier_normal_,
        "lecun": lambda t: nn.init.normal_(t, std=200**-0.5),
        "normal": lambda t: nn.init.normal_(t, std=0.01),
        "truncated": lambda t: nn.init.trunc_normal_(t, std=0.02),
        "orthogonal": nn.init.orthogonal_,
    }
    wanted = functions[word](torch.empty(300, 200)).std().item()
    assert drawn.std().item() == pytest.approx(wanted, rel=0.02)
    onnx = pytest.importorskip("onnx", reason="onnx holds the model")
    stored = onnx.numpy_helper.to_array(next(t for t in archspec.to_onnx(network).graph.initializer if t.name == "t/weight"))
    assert stored.std() == pytest.approx(wanted, rel=0.02)


MISTAKES = {
    "tensor 3": ("A010", "`tensor` stands alone, behind its label"),
    "t: conv k=1 f=2 | tensor 3": ("A010", "`tensor` stands alone, behind its label"),
    "_: tensor 3": ("A103", "`tensor` needs a label, which is the key of its numbers"),
    "t: tensor": ("A103", "`tensor` needs `shape`"),
    "t: tensor 0": ("A105", "a tensor of 0: each size must be at least 1, not 0"),
    "t: tensor 1x2x3x4x5": ("A206", "a value has at most 4 axes, not 5"),
    "t: tensor 4x4 stored=3x5": ("A205", "`stored=3x5` has 15 numbers, and the tensor 4x4 16"),
    "t: tensor 4 init=kaiming": ("A105", "`init=kaiming` needs two axes or more, of which the fans are counted; 4 has one axis"),
    "t: tensor 2x2x2 init=eye": ("A105", "`init=eye` needs two axes; 2x2x2 has 3 axes"),
    "t: tensor 4 init=1 std=2": ("A105", "`std` belongs to `init=normal` and `init=truncated`"),
    "t: tensor 4 map=yes": ("A105", "`map=yes` is for a shape of two axes, length and channels"),
    "t: tensor 3x1x2\nadd t": ("A301", "cannot add 8x8x2 and 3x1x2"),
    "add:\n  skip\n  t: tensor 2": ("A010", "a labelled `tensor` is no branch: it leaves the current value as it is"),
    "x: conv k=1 f=1\nfrom input | add x": ("A301", "cannot add 8x8x2 and 8x8x1"),
    "x: conv k=1 f=1\nfrom input | sub x": ("A301", "cannot subtract 8x8x1 from 8x8x2"),
    "x: conv k=3 f=2\nfrom input | mul x": ("A301", "cannot multiply 8x8x2 and 6x6x2"),
    "x: skip\nmul x 2": ("A104", "`mul` takes values or one number, not both"),
    "add 1 2": ("A104", "`add` takes values or one number, not both"),
    "concat 2": ("A107", "`2` is not the name of a value"),
    "mul 1e39": ("A105", "`number` must be from -3.4e+38 to 3.4e+38, the range of single precision, not 1e+39"),
    "mul yes": ("A105", "`number` must be a number, not yes"),
    "k: skip\nmul k": ("A108", "`k` is a value and a param here"),
}


@pytest.mark.parametrize("lines", MISTAKES)
def test_mistakes(lines):
    code, message = MISTAKES[lines]
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(f"param k=2\ninput 8x8x2\nmul (k)\n{lines}\n")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)
    assert found.span is not None


def test_a_param_is_a_number_where_no_value_has_its_name():
    network = archspec.loads("param k=2\ninput 8x8x2\nmul k\nblock b(a):\n  mul a | add (a)\nb 0.5\nrepeat 2 as i: add i\n")
    assert [row.written for row in archspec.analyze(network)] == ["mul 2.0", "mul 0.5", "add 0.5", "add 0.0", "add 1.0"]


def test_a_tensor_whose_kind_follows_from_an_unknown_value_stays_unknown():
    """Two axes are tokens, or a 1-D map: a mistake above makes no second one here."""
    text = "input 8x3\nlinear nosuch\nv: tensor 4x3\nfrom v | pool 2"
    assert [(d.code, d.span.line) for d in archspec.compile(text).diagnostics if d.severity == "error"] == [("A106", 2)]


def test_expanded_behind_a_line_two_axes_stay_tokens():
    text = "input 16x8\nt: tensor 16x8\nx: conv k=3 f=8 p=1\nu: tensor 16x8 map=no\nfrom x | tokens | add u\n"

    def types(text):
        return [repr(place.node.type) for place in walk(archspec.loads(text))]

    flat = expand(archspec.loads(text))
    assert types(flat) == types(text)
    assert "u: tensor 16x8 map=no" in flat and expand(archspec.loads(flat)) == flat
