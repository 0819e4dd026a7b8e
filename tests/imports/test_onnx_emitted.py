"""Bundled specs written as ONNX and read back: the same network, by names of weights and by values."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx", reason="files are written by it")

import archspec
from archspec.backends.onnx.export import emit
from archspec.diagnostics import SpecError
from archspec.imports.onnx.reader import read
from tests.helpers.paths import SPECS
from tests.imports.likeness import difference

LARGE = 170e6
"""Parameters from which on a spec is not written here."""
OTHERWISE = {
    "inception_resnet_v2": "a factor of 1 is left out",
    "mobilevit_s": "a square grid is written as one number",
    "swin_t": "a window that fills its map is said as windows elsewhere are",
    "nasnet_mobile": "an uneven border of a max pool says nothing of what is counted",
    "xception": "an uneven border of a max pool says nothing of what is counted",
    "pointnet": "its maps of one axis are tokens before the product",
    "ssd300": "a learned length is a `scale`",
    "transformer_base": "attention to another value is written with its projections",
    "vae_mnist": "the file has the operator Exp, for which the language has no layer; the spec declares it",
}
"""Specs that come back as another network of the same values, or with a warning."""
REFUSED = {
    "segnet": "unpooling is written as a scatter of numbers",
}
DECLARED = {
    "lenet5_1998": "connection tables and coefficients of subsampling are computed from stored tensors",
    "nfnet_f0": "standardised weights are computed from stored tensors",
    "swin_v2_t": "biases that a small network makes of relative positions are computed from stored tensors",
    "t5_small": "buckets of relative positions are looked up",
}
"""Specs of which some layers come back as `custom`."""
QUICK = [
    "lenet5",
    "resnet20_cifar",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
    "mobilenet_v3_small",
    "lstm_text",
    "gru_text",
    "textcnn",
    "wavenet",
]
"""Specs with few numbers, of many kinds of layers."""


def back(name, tmp_path):
    """A spec, and what is read from the file that was written of it."""
    network = archspec.load(name)
    path = tmp_path / "net.onnx"
    with path.open("wb") as file:
        emit(network).write(file)
    return network, read(path, {})


@pytest.mark.parametrize("name", QUICK)
def test_a_small_spec_comes_back(tmp_path, name):
    network, found = back(name, tmp_path)
    assert difference(network, found.network) == []
    assert not found.diagnostics


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in SPECS if path.stem not in QUICK])
def test_a_spec_comes_back(tmp_path, name):
    if archspec.analyze(archspec.load(name)).totals.params > LARGE:
        pytest.skip("it has too many numbers")
    if name in REFUSED:
        with pytest.raises(SpecError):
            back(name, tmp_path)
        return
    network, found = back(name, tmp_path)
    if name in DECLARED:
        assert {each.code for each in found.diagnostics} == {"A610"}
        return
    apart = difference(network, found.network)
    assert (apart != [] or found.diagnostics != ()) is (name in OTHERWISE), apart[:6]
    if name in OTHERWISE:
        mine, theirs = (archspec.analyze(each).totals for each in (found.network, network))
        assert mine.params + mine.buffers == theirs.params + theirs.buffers  # a file does not say what is learned


@pytest.mark.parametrize(
    "text", ["8x7x6\nevonorm 3", "8x7x6\nevonorm 2 eps=0.01 act=no", "5x6\nconv k=3 f=6\nevonorm 3", "2x3x4x6\nevonorm 1"]
)
def test_an_evolved_norm_comes_back(tmp_path, text):
    network = archspec.loads(f"input {text}\n")
    with (tmp_path / "net.onnx").open("wb") as file:
        emit(network).write(file)
    found = read(tmp_path / "net.onnx", {})
    assert difference(network, found.network) == [] and not found.diagnostics


def test_the_spec_in_a_file_of_ours_is_not_trusted(tmp_path):
    """A file says which spec it was written from; what is read is its graph."""
    path = tmp_path / "net.onnx"
    with path.open("wb") as file:
        emitted = emit(archspec.loads("input 8x8x3\nconv k=3 f=4 p=1\nrelu\n"))
        for entry in emitted.model.metadata_props:
            if entry.key == "archspec.spec":
                entry.value = "input 8x8x3\nfc 10\n"
        emitted.write(file)
    assert "conv k=3 f=4 p=1 | relu" in read(path, {}).text
