"""What is done with PyTorch modules in practice works with the emitted ones: compile, export, memory formats, autocast, seeds, devices."""

from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch", reason="torch is what the emitted source runs on")

import archspec
from archspec.api import to_torch
from archspec.finding import specs_folder
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick, reduced
from tests.helpers.torch import inputs_of

torch.set_num_threads(1)
INIT = ["kaiming", "kaiming_uniform", "kaiming_out", "xavier", "xavier_normal", "lecun", "normal", "truncated", "orthogonal", "zeros"]


def main_output(result):
    return result.output if hasattr(result, "_fields") else result


def module_and_input(path):
    network = reduced(path)
    return to_torch(network).eval(), tuple(inputs_of(network))


@pytest.mark.parametrize("path", few_quick([path for path in SPECS if path.stem in VARIED], ("lenet5_1998",)), ids=lambda p: p.stem)
def test_every_spec_compiles_to_one_graph_and_exports_with_any_batch(path):
    model, inputs = module_and_input(path)
    torch._dynamo.reset()
    # Dynamo traces recurrent layers only where it is allowed to
    with torch.no_grad(), torch._dynamo.config.patch(allow_rnn=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = main_output(model(*inputs))
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.allclose(main_output(compiled(*inputs)), expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max() + 1))
        batch = {0: torch.export.Dim("batch")}
        exported = torch.export.export(model, inputs, dynamic_shapes=tuple(batch for _ in inputs)).module()
        three = main_output(exported(*(torch.cat((x, x[:1])) for x in inputs)))
    assert three.shape[0] == 3
    assert torch.allclose(three[:2], expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max() + 1))


@pytest.mark.parametrize("path", few_quick(SPECS), ids=lambda p: p.stem)
def test_every_spec_runs_channels_last_and_under_autocast(path):
    model, inputs = module_and_input(path)
    with torch.no_grad():
        expected = main_output(model(*inputs))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = main_output(model(*inputs)).float()
        scale = float(expected.abs().max() + 1e-6)
        assert float((half - expected).abs().max()) < 0.2 * scale
        if all(x.dim() == 4 for x in inputs):
            turned = model.to(memory_format=torch.channels_last)
            result = main_output(turned(*(x.to(memory_format=torch.channels_last) for x in inputs)))
            assert torch.allclose(result, expected, rtol=1e-3, atol=1e-4 * scale)


@pytest.mark.slow
def test_the_compiled_code_of_inductor_agrees():
    model, inputs = module_and_input(specs_folder() / "lenet5.arch")
    try:
        with torch.no_grad():
            result = torch.compile(model, fullgraph=True)(*inputs)
    except Exception as error:  # inductor needs a C++ compiler, and says so in many ways
        pytest.skip(f"torch.compile's default backend does not run here: {str(error).splitlines()[0][:80]}")
    with torch.no_grad():
        assert torch.allclose(result, model(*inputs), rtol=1e-4, atol=1e-6)


def test_a_seed_gives_the_same_numbers_and_leaves_the_generator_alone():
    network = archspec.load("lenet5")
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, second, other = (to_torch(network, seed=seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_the_meta_device_needs_no_memory():
    network = archspec.loads("input 8\nfc 100000 | fc 100000 | fc 100000\n")  # 80 GB
    model = to_torch(network, device="meta")
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert sum(p.numel() for p in model.parameters()) == archspec.analyze(network).totals.params


def deviation(init, std=None):
    """The standard deviation that an initialisation gives a 3x3 convolution of 64 maps by 128 filters, from its publication."""
    fan_in, fan_out = 64 * 9, 128 * 9
    return {
        "kaiming": (2 / fan_in) ** 0.5,
        "kaiming_uniform": (2 / fan_in) ** 0.5,
        "kaiming_out": (2 / fan_out) ** 0.5,
        "xavier": (2 / (fan_in + fan_out)) ** 0.5,
        "xavier_normal": (2 / (fan_in + fan_out)) ** 0.5,
        "lecun": (1 / fan_in) ** 0.5,
        "normal": 0.01,
        "truncated": 0.02,
        "orthogonal": (1 / fan_in) ** 0.5,
        "zeros": 0.0,
    }[init]


@pytest.mark.parametrize("init", INIT)
def test_weights_begin_as_the_spec_asks(init):
    model = to_torch(archspec.loads(f"input 8x8x64\nconv k=3 f=128 init={init}\n"), seed=0)
    weight = model.conv1.weight.detach()
    assert float(weight.std()) == pytest.approx(deviation(init), rel=0.02, abs=1e-9)
    assert not model.conv1.bias.any()
    kind = (weight.abs().max() / (weight.std() + 1e-12)).item()
    assert (kind < 1.75) == (init in ("kaiming_uniform", "xavier", "zeros"))  # a uniform distribution ends at sqrt(3) deviations


def test_a_default_initialises_every_layer_that_learns_weights():
    text = "default init=zeros\ninput 8x8x4\nconv k=1 f=4 | dwconv k=1 | deconv k=1 f=4 | bn | linear 4 | fc 3\nfc 5 init=normal std=3\n"
    state = to_torch(archspec.loads(text), seed=0).state_dict()
    assert {key for key, value in state.items() if value.float().any()} == {"bn1.weight", "bn1.running_var", "fc2.weight"}
    assert 2 < float(state["fc2.weight"].std()) < 4


def test_a_deviation_needs_an_initialisation_that_has_one():
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads("input 8x8x4\nconv k=1 f=4 std=0.1\n")
    assert [d.code for d in error.value.diagnostics] == ["A105"]
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads("default init=kaming\ninput 8x8x4\nconv k=1 f=4\n")
    assert "did you mean `kaiming`" in str(error.value.diagnostics[0].help)
