"""A file of Caffe's weights, written field by field as caffe.proto says, moves along with its network."""

from __future__ import annotations

import pytest

import archspec
from archspec.imports.opening import from_file
from archspec.weights.files import WeightsError
from tests.imports.test_caffe import DATA, layer

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

TEXT = (
    DATA
    + layer("Convolution", "convolution_param { num_output: 6 kernel_size: 3 group: 2 }", name="conv")
    + layer("BatchNorm", "", "conv", "bn")
    + layer("Scale", "scale_param { bias_term: true }", "bn", "scale")
    + layer("PReLU", "", "scale", "prelu")
    + layer("BatchNorm", "", "prelu", "alone")
    + layer("Bias", "", "alone", "bias")
    + layer("InnerProduct", "inner_product_param { num_output: 5 transpose: true }", "bias", "ip")
    + layer("InnerProduct", "inner_product_param { num_output: 2 bias_term: false }", "ip", "ip2")
)


def varint(number):
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


def field(number, data):
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def blob(values, double):
    """A BlobProto: its shape, its numbers."""
    shape = field(7, field(1, b"".join(map(varint, values.shape))))
    return field(8, values.astype("<f8").tobytes()) + shape if double else shape + field(5, values.astype("<f4").tobytes())


def model(layers, old=False):
    """A NetParameter, of today's format, or of that of before 2014 with numbers of eight bytes."""
    at, name, blobs = (2, 4, 6) if old else (100, 1, 7)
    return field(1, b"net") + b"".join(
        field(at, field(name, key.encode()) + b"".join(field(blobs, blob(x, old)) for x in found)) for key, found in layers.items()
    )


@pytest.fixture
def numbers():
    chance = np.random.default_rng(16)
    sizes = {
        "conv": [(6, 2, 3, 3), (6,)], "bn": [(6,), (6,), (1,)], "scale": [(6,), (6,)], "prelu": [(6,)], "alone": [(6,), (6,), (1,)],
        "bias": [(6,)], "ip": [(6 * 7 * 6, 5), (5,)], "ip2": [(1, 1, 2, 5)],
    }  # fmt: skip
    return {name: [(chance.random(shape) + 0.5).astype("<f4") for shape in shapes] for name, shapes in sizes.items()}


@pytest.mark.parametrize("old", [False, True])
def test_numbers_stand_where_they_belong(tmp_path, numbers, old):
    (tmp_path / "net.prototxt").write_text(TEXT)
    (tmp_path / "net.caffemodel").write_bytes(model(numbers, old))
    found = from_file(tmp_path / "net.prototxt")
    found.save_weights(tmp_path / "out.safetensors", tmp_path / "net.caffemodel")
    net = archspec.to_torch(found.network).eval()
    archspec.load_weights(net, tmp_path / "out.safetensors")
    stored = {name: value.numpy() for name, value in net.state_dict().items()}
    assert np.array_equal(stored["conv.weight"], numbers["conv"][0])
    assert np.allclose(stored["bn.running_mean"], numbers["bn"][0] / numbers["bn"][2])
    assert np.allclose(stored["bn.running_var"], numbers["bn"][1] / numbers["bn"][2])
    assert np.array_equal(stored["bn.weight"], numbers["scale"][0]) and np.array_equal(stored["bn.bias"], numbers["scale"][1])
    assert np.array_equal(stored["prelu.weight"], numbers["prelu"][0])
    assert np.allclose(stored["alone.running_var"], numbers["alone"][1] / numbers["alone"][2])
    assert np.array_equal(stored["bias.bias"].ravel(), numbers["bias"][0])
    assert np.array_equal(stored["ip.weight"], numbers["ip"][0].T)
    assert np.array_equal(stored["ip2.weight"], numbers["ip2"][0].reshape(2, 5))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff" * 40, "is no .caffemodel, or is damaged"),
        (b"", "has no `conv/0`"),
        (model({"conv": [np.zeros((2, 2))]}), "`conv/0` is"),
    ],
)
def test_files_that_do_not_belong_to_it(tmp_path, data, words):
    (tmp_path / "net.prototxt").write_text(TEXT)
    (tmp_path / "net.caffemodel").write_bytes(data)
    with pytest.raises(WeightsError, match=words):
        from_file(tmp_path / "net.prototxt").save_weights(tmp_path / "out.safetensors", tmp_path / "net.caffemodel")


def test_a_cut_file_is_refused(tmp_path, numbers):
    (tmp_path / "net.prototxt").write_text(TEXT)
    whole = model(numbers)
    for length in range(1, len(whole), len(whole) // 15):
        (tmp_path / "net.caffemodel").write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            from_file(tmp_path / "net.prototxt").save_weights(tmp_path / "out.safetensors", tmp_path / "net.caffemodel")


def test_weights_are_asked_for(tmp_path):
    (tmp_path / "net.prototxt").write_text(TEXT)
    with pytest.raises(WeightsError, match="name the file that has them"):
        from_file(tmp_path / "net.prototxt").save_weights(tmp_path / "out.safetensors")
