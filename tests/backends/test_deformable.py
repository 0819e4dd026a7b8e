"""`conv offset=`: values and gradients by a loop over all numbers, ONNX in two runtimes, what training keeps, and what is refused."""

import math

import pytest

import archspec
from archspec.api import Options, compile_text
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json

GRID = {
    "groups": ("k=3 f=36 s=2 p=same", "k=3 f=6 s=2 p=same g=2"),
    "sides": ("k=3x2 f=12 p=1x0 d=2x1 s=1x2 round=floor", "k=3x2 f=2 p=1x0 d=2x1 s=1x2 round=floor"),
    "point": ("k=1 f=8", "k=1 f=3 bias=no"),
    "weight norm": ("k=2 f=8 p=0:1", "k=2 f=4 p=0:1 norm=weight g=4"),
}


def spec(name):
    offset, main = GRID[name]
    return f"input 5x4x4\no: conv {offset}\nfrom input | sigmoid\nc: conv {main} offset=o\n"


def sample(x, i, j):
    """A map of one channel at a place between its numbers, zeros outside (Dai et al. 2017, equations 3 and 4)."""
    found, top, left = 0.0, math.floor(i.detach()), math.floor(j.detach())
    for a in (top, top + 1):
        for b in (left, left + 1):
            if 0 <= a < x.shape[0] and 0 <= b < x.shape[1]:
                found = found + (1 - abs(i - a)) * (1 - abs(j - b)) * x[a, b]
    return found


def by_hand(conv, weight, x, offset):
    """The convolution, number by number; the channels of an offset are ordered as in torchvision.ops.deform_conv2d."""
    import torch

    filters, depth, high, wide = weight.shape
    per_offset = x.shape[1] // (offset.shape[1] // (2 * high * wide))
    images = []
    for image, moved in zip(x, offset, strict=True):
        numbers = []
        for f in range(filters):
            for r in range(offset.shape[2]):
                for s in range(offset.shape[3]):
                    y = torch.zeros(()) if conv.bias is None else conv.bias[f]
                    for each in range(depth):
                        channel = f // (filters // conv.groups) * depth + each
                        for a in range(high):
                            for b in range(wide):
                                at = 2 * ((channel // per_offset * high + a) * wide + b)
                                i = r * conv.stride[0] - conv.padding[0] + a * conv.dilation[0] + moved[at, r, s]
                                j = s * conv.stride[1] - conv.padding[1] + b * conv.dilation[1] + moved[at + 1, r, s]
                                y = y + weight[f, each, a, b] * sample(image[channel], i, j)
                    numbers.append(y)
        images.append(torch.stack(numbers).view(filters, *offset.shape[2:]))
    return torch.stack(images)


def drawn(name):
    """A module whose offsets are some positions long, and an input."""
    torch = pytest.importorskip("torch")
    model = archspec.to_torch(archspec.loads(spec(name)), seed=0)
    with torch.no_grad():
        model.o.weight.mul_(4)
    return torch, model, torch.randn(1, 4, 5, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", GRID)
def test_values_and_gradients_are_those_of_a_loop(name):
    torch, model, x = drawn(name)
    y = model(x)
    wanted = by_hand(model.c, model.c.weight, torch.sigmoid(x), model.o(x))
    torch.testing.assert_close(y, wanted, rtol=1e-4, atol=1e-5)
    parameters = list(model.parameters())
    gradients = [torch.autograd.grad(found.square().sum(), parameters) for found in (y, wanted)]
    for found, by_loop in zip(*gradients, strict=True):
        torch.testing.assert_close(found, by_loop, rtol=1e-3, atol=1e-4)


def test_without_moves_it_is_a_convolution():
    torch, model, x = drawn("groups")
    with torch.no_grad():
        model.o.weight.zero_()
        model.o.bias.zero_()
    padded = torch.nn.functional.pad(torch.sigmoid(x), (0, 1, 1, 1))
    torch.testing.assert_close(model(x), torch.nn.functional.conv2d(padded, model.c.weight, model.c.bias, 2, groups=2))


@pytest.mark.parametrize("opset", [19, 22])
@pytest.mark.parametrize("name", GRID)
def test_onnx_gives_the_same_values(name, opset):
    onnx, runtime = pytest.importorskip("onnx.reference"), pytest.importorskip("onnxruntime")
    torch, model, x = drawn(name)
    proto = archspec.to_onnx(archspec.loads(spec(name)), model.state_dict(), opset=opset)
    for session in (runtime.InferenceSession(proto.SerializeToString()), onnx.ReferenceEvaluator(proto)):
        (found,) = session.run(None, {"input": x.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), model(x).detach(), rtol=1e-4, atol=1e-5)


def test_before_opset_19_it_is_refused_with_its_place():
    pytest.importorskip("onnx")
    with pytest.raises(archspec.SpecError) as caught:
        archspec.to_onnx(archspec.loads(spec("point")), opset=18)
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.line) == ("A501", 4) and "from opset 19 on, and this is opset 18" in found.message


def test_counts_are_those_of_the_convolution_and_of_what_is_read():
    rows = {row.name: row for row in archspec.analyze(archspec.loads(spec("groups")))}
    plain = {row.name: row for row in archspec.analyze(archspec.loads("input 5x4x4\nc: conv k=3 f=6 s=2 p=same g=2"))}
    assert (rows["c"].params, rows["c"].macs) == (plain["c"].params, plain["c"].macs) == (6 * 2 * 9 + 6, 3 * 2 * 6 * 2 * 9)
    assert rows["c"].flops == 2 * rows["c"].macs + 7 * 3 * 2 * 4 * 9
    assert rows["c"].written == "conv k=3 f=6 s=2 p=same g=2 offset=o" and rows["c"].config == plain["c"].config
    assert rows["c"].receptive_field is None and rows["o"].receptive_field is not None


@pytest.mark.parametrize("name", GRID)
def test_expanded_and_as_json_it_is_the_same(name):
    network = archspec.loads(spec(name))
    flat = expand(network)
    assert "offset=o" in flat and expand(archspec.loads(flat)) == flat
    assert to_json(from_json(to_json(network))) == to_json(network)


MISTAKES = [
    ("conv k=3 f=4 p=1 offset=input", "A301", "`offset` needs 2*3*3 = 18 channels, not 4"),
    ("conv k=3x1 f=4 p=1x0 offset=input", "A301", "`offset` needs 2*3*1 = 6 channels, not 4"),
    ("conv k=1 f=4 s=2 round=floor offset=input", "A301", "`offset` needs a map of the size of the output, 3x2, not a 5x4x4 map"),
    ("conv k=1 f=4 offset=later", "A107", "no value is called `later` here"),
    ("conv k=1 f=4 offset=3", "A107", "`3` is not the name of a value"),
    (
        "conv k=1 f=4 maps=((0,),(1,),(2,),(3,)) offset=input",
        "A105",
        "`maps` and `offset` exclude each other: a deformable filter reads all input maps",
    ),
    ("conv k=1 f=4 mode=edge offset=input", "A105", "`mode` and `offset` exclude each other: outside of the map it reads zeros"),
    ("conv k=1 f=4 norm=std offset=input", "A105", "`norm=std` and `offset` exclude each other: no network has both"),
    ("dwconv k=1 offset=input", "A102", "`dwconv` has no argument `offset`"),
]


@pytest.mark.parametrize(("line", "code", "message"), MISTAKES)
def test_mistakes_have_a_place_and_numbers(line, code, message):
    _, found = compile_text(f"input 5x4x4\n{line}", "t.arch", Options())
    assert [(each.code, each.span.line, each.message) for each in found] == [(code, 2, message)]


def test_a_line_and_a_volume_are_refused():
    for shape in ("8x2", "4x4x4x2"):
        _, (found,) = compile_text(f"input {shape}\nconv k=1 f=2 offset=input", "t.arch", Options())
        assert found.code == "A201" and "maps with height and width" in found.message
