"""Tokens that are put first, positions that are added, and factors: what is stored under which key, and their values in PyTorch."""

from __future__ import annotations

import pytest

import archspec

TOKENS = "input 3x4x6\ntokens\n"


def shapes(spec):
    pytest.importorskip("torch", reason="torch holds the tensors")
    return {key: tuple(value.shape) for key, value in archspec.to_torch(archspec.loads(spec)).state_dict().items()}


def test_several_class_tokens_have_the_key_of_one():
    assert shapes(TOKENS + "class_token: cls\n") == {"class_token": (1, 1, 6)}
    assert shapes(TOKENS + "class_token: cls 4\n") == {"class_token": (1, 4, 6)}


def test_one_factor_has_no_axis():
    assert shapes("input 3x4x6\ngate: scale 0 shared=yes\n") == {"gate": ()}
    assert archspec.analyze(archspec.loads("input 3x4x6\nscale 0 shared=yes\n")).totals.params == 1


def test_sines_are_not_stored_and_go_along_with_the_module():
    torch = pytest.importorskip("torch")
    network = archspec.loads(TOKENS + '"encoder.positions": pos kind=sin\nfrozen rest:\n  pos kind=sin\n  linear 6\n')
    assert archspec.analyze(network).totals.params == 42
    model = archspec.to_torch(network)
    assert set(model.state_dict()) == {"rest.1.weight", "rest.1.bias"}
    assert {buffer.dtype for buffer in model.double().buffers()} == {torch.float64}


def test_sines_of_a_long_text_are_those_of_the_paper():
    torch = pytest.importorskip("torch")
    model = archspec.to_torch(archspec.loads("input 5000x8\ntokens | pos kind=sin\n"))
    found = model(torch.zeros(1, 8, 5000))[0]
    at = torch.arange(5000, dtype=torch.float64)
    for channel in range(0, 8, 2):
        angle = at / 10000 ** (channel / 8)
        torch.testing.assert_close(found[:, channel], angle.sin().float(), rtol=0, atol=1e-6)
        torch.testing.assert_close(found[:, channel + 1], angle.cos().float(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("line, code", [("cls 0", "A105"), ("pos kind=cos", "A105"), ("pos 4", "A104"), ("scale 1 shared=2", "A105")])
def test_mistakes(line, code):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(TOKENS + line + "\n")
    assert [found.code for found in caught.value.diagnostics] == [code]
