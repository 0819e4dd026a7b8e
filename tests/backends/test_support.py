"""The support matrix: every layer has a row in it, and what it claims of PyTorch runs and gives our shape."""

from __future__ import annotations

import pytest
import support

import archspec
from archspec.backends.registry import BACKENDS
from archspec.ops import STEPS

CASES = list(support.cases())


def test_every_layer_has_a_row():
    assert set(support.SAMPLES) == set(STEPS)


def test_every_row_is_taken_by_the_language_somewhere():
    taken = {(case.step, case.sample) for case in CASES if case.network is not None}
    assert taken == {(case.step, case.sample) for case in CASES}


@pytest.mark.parametrize("target", support.TARGETS)
def test_a_refusal_says_which_layer_and_where(target):
    if target == "onnx":
        pytest.importorskip("onnx", reason="onnx holds the models")
    refused = [case for case in CASES if case.network is not None and support.refusal(target, case.network) is not None]
    for case in refused:
        with pytest.raises(archspec.SpecError) as error:
            BACKENDS[target].emit(case.network)
        (found,) = error.value.diagnostics
        assert found.code.startswith("A5")
        assert found.span.text.startswith(case.step)


@pytest.mark.parametrize("step", list(support.SAMPLES))
def test_what_pytorch_is_said_to_have_runs(step):
    torch = pytest.importorskip("torch", reason="torch is what the emitted source runs on")
    from tests.helpers.torch import channels_first

    for case in CASES:
        if case.step != step or case.network is None or support.refusal("torch", case.network) is not None:
            continue
        model = archspec.to_torch(case.network, seed=0).eval()
        x = torch.rand(channels_first(case.network.inputs[0].type))
        with torch.no_grad():
            result = model(x.long() if step == "embed" else x)
        assert tuple(result.shape) == channels_first(case.network.graph.output), case
