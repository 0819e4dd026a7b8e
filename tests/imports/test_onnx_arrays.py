"""The numbers of ONNX files: every way in which they are stored, and a file apart that the user names."""

from __future__ import annotations

import json
import subprocess
import sys
from struct import pack

import pytest

np = pytest.importorskip("numpy", reason="the numbers become its arrays")

from archspec.imports.onnx.arrays import tensors
from archspec.weights.files import WeightsError
from tests.helpers.paths import ROOT
from tests.imports.proto import field, line, node, small, tensor, value, varint

HALF, BFLOAT, BOOL, DOUBLE, INT32 = 10, 16, 9, 11, 6
WAYS = {
    "raw": (1, field(9, pack("<3f", 1.5, -2, 0.25)), [1.5, -2, 0.25]),
    "packed": (1, field(4, pack("<3f", 1.5, -2, 0.25)), [1.5, -2, 0.25]),
    "one by one": (1, field(4, 1.5) + field(4, -2.0) + field(4, 0.25), [1.5, -2, 0.25]),
    "double": (DOUBLE, field(10, pack("<3d", 1.5, -2, 0.25)), [1.5, -2, 0.25]),
    "half, raw": (HALF, field(9, pack("<3e", 1.5, -2, 0.25)), [1.5, -2, 0.25]),
    "half, as whole numbers": (HALF, field(5, b"".join(varint(int.from_bytes(pack("<e", x), "little")) for x in (1.5, -2, 0.25))), [1.5, -2, 0.25]),
    "bfloat16, raw": (BFLOAT, field(9, b"".join(pack("<f", x)[2:] for x in (1.5, -2, 0.25))), [1.5, -2, 0.25]),
    "bfloat16, as whole numbers": (
        BFLOAT,
        field(5, b"".join(varint(int.from_bytes(pack("<f", x)[2:], "little")) for x in (1.5, -2, 0.25))),
        [1.5, -2, 0.25],
    ),
    "whole numbers": (7, field(7, varint(3) + varint(-4) + varint(2**40)), [3, -4, 2**40]),
    "whole numbers, one by one": (INT32, field(5, 3) + field(5, -4) + field(5, 5), [3, -4, 5]),
    "yes and no": (BOOL, field(5, varint(1) + varint(0) + varint(1)), [True, False, True]),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_numbers_are_read_as_they_are_stored(tmp_path, way):
    kind, stored, wanted = WAYS[way]
    path = tmp_path / "net.onnx"
    path.write_bytes(line(node("Relu", ["x"], ["y"]), tensors=[field(1, 3) + field(2, kind) + field(8, "w") + stored]))
    found = tensors(path, None)
    assert list(found) == ["w"]
    assert found["w"].tolist() == wanted


def test_constants_are_tensors_too(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(line(node("Constant", [], ["c"], value=tensor("", [2], [1.0, 2.0])), node("Mul", ["x", "c"], ["y"])))
    assert tensors(path, None)["c"].tolist() == [1.0, 2.0]


def apart(location: str, offset: int, length: int) -> bytes:
    """A tensor of 3 numbers in a file of its own."""
    found = field(1, 3) + field(2, 1) + field(8, "w") + field(14, 1)
    for key, told in (("location", location), ("offset", str(offset)), ("length", str(length))):
        found += field(13, field(1, key) + field(2, told))
    return found


def test_a_file_apart_is_the_one_that_is_named(tmp_path):
    path, data = tmp_path / "net.onnx", tmp_path / "weights.bin"
    (tmp_path / "other.bin").write_bytes(bytes(64))
    data.write_bytes(bytes(16) + pack("<3f", 1, 2, 3))
    path.write_bytes(line(node("Relu", ["x"], ["y"]), tensors=[apart("other.bin", 16, 12)]))
    assert tensors(path, data)["w"].tolist() == [1, 2, 3]
    with pytest.raises(WeightsError, match="in a file apart"):
        tensors(path, None)["w"]


@pytest.mark.parametrize(("offset", "length"), [(0, 8), (20, 12), (-4, 12), (2**70, 12)])
def test_a_file_apart_that_does_not_fit(tmp_path, offset, length):
    path, data = tmp_path / "net.onnx", tmp_path / "weights.bin"
    data.write_bytes(bytes(28))
    path.write_bytes(line(node("Relu", ["x"], ["y"]), tensors=[apart("weights.bin", offset, length)]))
    with pytest.raises(WeightsError, match="ends before the numbers of `w`"):
        tensors(path, data)["w"]


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (field(1, 4) + field(2, 1) + field(8, "w") + field(9, pack("<3f", 1, 2, 3)), "has 3 numbers, and its shape \\(4,\\) needs 4"),
        (field(1, 1) + field(2, 8) + field(8, "w") + field(6, "text"), "numbers of kind 8"),
    ],
)
def test_tensors_that_are_none(tmp_path, stored, told):
    path = tmp_path / "net.onnx"
    path.write_bytes(line(node("Relu", ["x"], ["y"]), tensors=[stored]))
    with pytest.raises(WeightsError, match=told):
        tensors(path, None)["w"]


def test_a_file_that_is_damaged(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(small()[:200])
    with pytest.raises(WeightsError, match="is damaged, or no ONNX file"):
        tensors(path, None)


def test_the_numbers_move_along(tmp_path):
    """A matrix that is stored turned, and a layer of it; the spec reads the numbers back."""
    import archspec

    path, out = tmp_path / "net.onnx", tmp_path / "net.safetensors"
    weights = np.arange(20, dtype=np.float32).reshape(4, 5)
    path.write_bytes(
        line(
            node("MatMul", ["x", "onnx::MatMul_7"], ["m"]),
            node("Add", ["fc.bias", "m"], ["y"]),
            tensors=[tensor("onnx::MatMul_7", [4, 5], weights.tobytes()), tensor("fc.bias", [5], [1.0] * 5)],
            shape=("N", 4),
        )
    )
    found = archspec.from_file(path)
    assert found.save_weights(out) == 2
    pytest.importorskip("safetensors")
    from safetensors.numpy import load_file

    assert (load_file(out)["fc.weight"] == weights.T).all()


CHILD = """
import json, sys
from pathlib import Path
status = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
before = status()
from archspec.imports.onnx.reader import read
found = read(Path(sys.argv[1]), {})
print(json.dumps([status() - before, found.text, [name for name in ("numpy", "onnx", "torch") if name in sys.modules]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_memory_does_not_depend_on_what_the_weights_weigh(tmp_path):
    """A file of 8 GB, nearly all of it a hole, of which nothing is read."""
    path = tmp_path / "net.onnx"
    size = 2**31
    head = field(1, size // 3) + field(1, 3) + field(1, 1) + field(1, 1) + field(2, 1) + field(8, "conv.weight")
    rows = size // 3 * 12
    start = head + varint(9 << 3 | 2) + varint(rows)
    inner = field(1, node("Conv", ["x", "conv.weight"], ["y"])) + field(11, value("x", ("N", 3, 8, 8))) + field(12, value("y", None))
    before = inner + varint(5 << 3 | 2) + varint(len(start) + rows) + start
    with path.open("wb") as file:
        file.write(field(8, field(2, 17)) + varint(7 << 3 | 2) + varint(len(before) + rows) + before)
        file.truncate(file.tell() + rows)
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, cwd=ROOT, check=True)
    mebibytes, text, loaded = json.loads(done.stdout)
    assert f"conv k=1 f={size // 3}" in text
    assert mebibytes < 40
    assert loaded == []
