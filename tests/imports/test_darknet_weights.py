"""Darknet's files of weights: what parser.c, load_weights_upto, reads from them stands in the network."""

from __future__ import annotations

import json
import struct

import pytest

import archspec
from archspec.imports.opening import from_file
from archspec.weights.files import WeightsError
from tests.imports.test_darknet import NET

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

CFG = (
    NET.format(6, 6, 2)
    + """[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=leaky
[route]
layers=-1
[convolutional]
filters=3
activation=linear
[batchnorm]
[connected]
batch_normalize=1
output=5
activation=linear
[connected]
output=2
activation=linear
"""
)
SIZES = {
    "conv1 bias": 4, "conv1 scale": 4, "conv1 mean": 4, "conv1 variance": 4, "conv1 weight": 72, "conv2 bias": 3, "conv2 weight": 12,
    "batchnorm scale": 3, "batchnorm mean": 3, "batchnorm variance": 3, "fc1 bias": 5, "fc1 weight": 540, "fc1 scale": 5, "fc1 mean": 5,
    "fc1 variance": 5, "fc2 bias": 2, "fc2 weight": 10,
}  # fmt: skip
"""What load_convolutional_weights, load_batchnorm_weights and load_connected_weights read, one after the other."""


@pytest.fixture
def files(tmp_path):
    """A network and its weights, each number another one."""
    (tmp_path / "small.cfg").write_text(CFG)
    numbers = np.random.default_rng(16).random(sum(SIZES.values())).astype("<f4") + 0.5
    (tmp_path / "small.weights").write_bytes(struct.pack("<3iQ", 0, 2, 0, 7) + numbers.tobytes())
    parts = dict(zip(SIZES, np.split(numbers, np.cumsum(list(SIZES.values()))[:-1]), strict=True))
    return tmp_path, parts


def test_numbers_are_read_in_the_order_of_the_layers(files):
    folder, parts = files
    found = from_file(folder / "small.cfg")
    assert found.save_weights(folder / "small.safetensors", folder / "small.weights") == 18
    model = archspec.to_torch(found.network).eval()
    archspec.load_weights(model, folder / "small.safetensors")
    stored = {name: value.numpy() for name, value in model.state_dict().items()}
    expected = {
        "conv1.weight": "conv1 weight", "bn1.bias": "conv1 bias", "bn1.weight": "conv1 scale", "bn1.running_mean": "conv1 mean",
        "bn1.running_var": "conv1 variance", "conv2.bias": "conv2 bias", "conv2.weight": "conv2 weight", "bn2.weight": "batchnorm scale",
        "fc1.weight": "fc1 weight", "bn3.bias": "fc1 bias", "bn3.weight": "fc1 scale", "fc2.bias": "fc2 bias", "fc2.weight": "fc2 weight",
    }  # fmt: skip
    for name, part in expected.items():
        assert np.array_equal(stored[name].ravel(), parts[part]), name
    assert not stored["bn2.bias"].any()


@pytest.mark.parametrize("change", [4, -4])
def test_files_that_do_not_belong_together(files, change):
    folder, _ = files
    data = (folder / "small.weights").read_bytes()
    (folder / "small.weights").write_bytes(data + b"0000" if change > 0 else data[:change])
    with pytest.raises(WeightsError, match=r"small.weights has [\d,]+ bytes, and the layers of small.cfg take 2,756"):
        from_file(folder / "small.cfg").save_weights(folder / "out.safetensors", folder / "small.weights")


def test_weights_are_asked_for(files):
    folder, _ = files
    with pytest.raises(WeightsError, match="name the file that has them"):
        from_file(folder / "small.cfg").save_weights(folder / "out.safetensors")
    (folder / "empty.weights").write_bytes(b"")
    with pytest.raises(WeightsError, match="has 0 bytes"):
        from_file(folder / "small.cfg").save_weights(folder / "out.safetensors", folder / "empty.weights")


def test_recurrent_layers(tmp_path):
    """The gates of an LSTM are loaded as i, f, o, g, those of the state first."""
    (tmp_path / "small.cfg").write_text("[net]\ninputs=3\n[lstm]\noutput=2\n[gru]\noutput=2\n")
    numbers = np.arange(4 * (2 + 4) + 4 * (2 + 6) + 6 * (2 + 4), dtype="<f4")
    (tmp_path / "small.weights").write_bytes(struct.pack("<4i", 0, 1, 0, 7) + numbers.tobytes())
    found = from_file(tmp_path / "small.cfg")
    found.save_weights(tmp_path / "out.safetensors", tmp_path / "small.weights")
    data = (tmp_path / "out.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    stored = {
        name: np.frombuffer(data, "<f4", np.prod(entry["shape"], dtype=int), 8 + length + entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__"
    }
    assert list(stored["lstm1.bias_hh_l0"]) == [0, 1, 6, 7, 18, 19, 12, 13]
    assert list(stored["lstm1.bias_ih_l0"]) == [24, 25, 32, 33, 48, 49, 40, 41]
    assert list(stored["custom1.wz_bias"]) == [56, 57]
    assert list(stored["custom1.uh_weight"]) == [88, 89, 90, 91]
