"""The form of weights beside torch.nn.utils.parametrizations, and beside timm's formula of standardised weights written out."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch has the forms that these are")
np = pytest.importorskip("numpy", reason="numpy holds the initial values")

from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import archspec
from archspec.analysis.tensors import tensors
from archspec.backends.arch import expand
from archspec.weights.initializers import draw
from tests.helpers.torch import ChannelsLast, StandardConv, counts

FORMS = {"weight": weight_norm, "spectral": spectral_norm}
LAYERS = {
    "conv k=3 f=8 g=2 p=1": (lambda: nn.Conv2d(6, 8, 3, padding=1, groups=2), (6, 5, 7)),
    "conv k=3 f=8 bias=no": (lambda: nn.Conv1d(6, 8, 3, bias=False), (6, 9)),
    "dwconv k=3": (lambda: nn.Conv2d(6, 6, 3, groups=6), (6, 5, 7)),
    "deconv k=3 f=4 s=2": (lambda: nn.ConvTranspose2d(6, 4, 3, 2), (6, 5, 7)),
    "fc 5": (lambda: nn.Linear(6, 5), (6,)),
    "linear 5": (lambda: ChannelsLast(nn.Linear(6, 5)), (6, 5, 7)),
}


def emitted(line, shape):
    spec = f"input {'x'.join(map(str, (*shape[1:], shape[0])))}\ncore: {line}\n"
    return archspec.to_torch(archspec.loads(spec), seed=0)


def held(module):
    return {key.removeprefix("core.").removeprefix("inner."): value for key, value in module.state_dict().items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layer", LAYERS)
def test_keys_values_and_gradients_are_torch_s(layer, form):
    make, shape = LAYERS[layer]
    ours, theirs = emitted(f"{layer} norm={form}", shape), make()
    FORMS[form](getattr(theirs, "inner", theirs))
    assert list(held(ours)) == list(held(theirs))
    getattr(theirs, "inner", theirs).load_state_dict(held(ours))
    for _ in range(2):  # each pass in training improves the singular vectors
        x = torch.randn(3, *shape)
        y, expected = ours(x), theirs(x)
        assert torch.allclose(y, expected, atol=1e-6)
        found, wanted = (
            torch.autograd.grad(value.square().sum(), list(net.parameters())) for value, net in ((y, ours), (expected, theirs))
        )
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(found, wanted, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(held(ours).values(), held(theirs).values(), strict=True))
    report = archspec.analyze(archspec.loads(f"input {'x'.join(map(str, (*shape[1:], shape[0])))}\n{layer} norm={form}\n"))
    assert {name: getattr(report.totals, name) for name in counts(theirs)} == counts(theirs)


@pytest.mark.parametrize("gain", [True, False])
@pytest.mark.parametrize(("rest", "pads"), [("p=1", (1, 1, 1, 1)), ("s=2 p=same", (0, 1, 0, 1)), ("bias=no", ())])
def test_standardised_weights_are_timm_s(gain, rest, pads):
    ours = emitted(f"conv k=3 f=6 {rest} norm=std eps=0.00001{'' if gain else ' gain=no'}", (4, 8, 8)).eval()
    theirs = StandardConv(4, 6, 3, 2 if "s=2" in rest else 1, bias="bias" not in rest, gain=gain, eps=1e-5)
    assert list(held(ours)) == list(held(theirs)) == ["weight", *["bias"] * ("bias" not in rest), *["gain"] * gain]
    theirs.load_state_dict(held(ours))
    x = torch.randn(3, 4, 8, 8)
    y, expected = ours(x), theirs(F.pad(x, pads) if pads else x)
    assert torch.allclose(y, expected, atol=1e-4)
    found, wanted = (torch.autograd.grad(value.square().sum(), list(net.parameters())) for value, net in ((y, ours), (expected, theirs)))
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-3) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("start", ["input 7", "input 4x3x7", "input 4x7\ntokens"])
def test_standardised_rows_of_a_matrix(start):
    ours = archspec.to_torch(archspec.loads(f"{start}\ncore: linear 5 norm=std\n"), seed=0)
    weight, bias, gain = held(ours).values()
    even = (weight - weight.mean(1, keepdim=True)) / (weight.var(1, keepdim=True, unbiased=False) + 1e-6).sqrt()
    x = torch.randn(2, 7, *map(int, start.partition("x")[0].split()[1:])) if "\n" in start else torch.randn(2, 7, *[4, 3] * ("x" in start))
    channels_last = x.transpose(1, 2) if "\n" in start else x.movedim(1, -1)
    expected = channels_last @ (even * gain * 7**-0.5).T + bias
    assert torch.allclose(ours(x), expected if "\n" in start else expected.movedim(-1, 1), atol=1e-4)


def test_initial_values_follow_from_the_weights():
    network = archspec.loads(
        "input 8x8x4\na: conv k=3 f=6 norm=weight\nb: deconv k=3 f=5 norm=spectral\nc: conv k=3 f=6 norm=std\nd: fc 9 norm=spectral\n"
    )
    drawn = {tensor.key: draw(tensor, 0) for tensor in tensors(network)}
    own = "parametrizations.weight"
    directions = drawn[f"a.{own}.original1"]
    assert np.abs(directions).max() <= 1 / 6  # 1/sqrt(fan-in), as without a form
    assert np.allclose(drawn[f"a.{own}.original0"], np.sqrt(np.square(directions).sum((1, 2, 3), keepdims=True)))
    assert (drawn["c.gain"] == 1).all() and drawn["c.gain"].shape == (6, 1, 1, 1)
    for name, axis in (("b", 1), ("d", 0)):
        weight = np.moveaxis(drawn[f"{name}.{own}.original"], axis, 0)
        matrix = weight.reshape(weight.shape[0], -1)
        estimate = drawn[f"{name}.{own}.0._u"] @ matrix @ drawn[f"{name}.{own}.0._v"]
        largest = np.linalg.svd(matrix, compute_uv=False)[0]
        assert 0.9 * largest < estimate <= 1.0001 * largest


def test_weights_begin_as_init_says_and_keep_their_form():
    module = emitted("conv k=3 f=4 init=zeros norm=spectral", (4, 8, 8))
    assert (held(module)["parametrizations.weight.original"] == 0).all()
    module = emitted("fc 4 init=orthogonal norm=weight", (6,))
    assert torch.allclose(held(module)["parametrizations.weight.original0"], torch.ones(4, 1), atol=1e-6)


def test_a_default_gives_all_layers_a_form_and_one_has_none():
    network = archspec.loads("default norm=spectral\ninput 8x8x3\nconv k=3 f=4\nconv k=1 f=4 norm=no\ndeconv k=2 f=3 s=2\nfc 2\n")
    rows = {row.name: row for row in archspec.analyze(network).layers}
    assert {name: row.buffers for name, row in rows.items() if row.params} == {
        "conv1": 4 + 27,
        "conv2": 0,
        "deconv1": 3 + 16,
        "fc1": 2 + 432,
    }
    text = expand(network)
    assert "conv k=1 f=4\n" in text and "fc 2 norm=spectral" in text
    assert archspec.analyze(archspec.loads(text)).totals == archspec.analyze(network).totals


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("conv k=3 f=4 norm=yes", "A105", "`norm` must be std, weight, spectral or no: the form of the weights, not yes"),
        ("conv k=3 f=4 norm=batch", "A105", "`norm` must be std, weight, spectral or no: the form of the weights, not `batch`"),
        ("conv k=3 f=4 gain=no", "A105", "`gain` belongs to `norm=std`"),
        ("fc 3 norm=weight eps=0.1", "A105", "`eps` belongs to `norm=std`"),
        ("dwconv k=1 norm=std", "A201", "`norm=std` would standardise each single weight by itself, and leave nothing of it"),
        ("deconv k=2 f=3 norm=std", "A105", "`norm` must be weight, spectral or no: the form of the weights, not `std`"),
        ("conv k=3 f=1 norm=std maps=((0,1),)", "A120", "a connection table and `norm=std` exclude each other"),
    ],
)
def test_mistakes(line, code, message):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(f"input 8x8x3\n{line}\n")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)


def test_explain_says_how_the_weight_is_made():
    (found,) = archspec.explain(archspec.loads("input 8x8x3\nconv k=3 f=4 norm=std\n"), "conv1")
    steps = {step.name: step.how for step in found.steps}
    assert steps["weight used"] == "gain/sqrt(fan-in) * (w - mean)/sqrt(variance + eps), filter by filter"
    (found,) = archspec.explain(archspec.loads("input 8x8x3\nconv k=3 f=4 norm=spectral\n"), "conv1")
    steps = {step.name: (step.text, step.how) for step in found.steps}
    assert steps["buffers"] == ("31", "stored, not learned: the vectors u and v")
