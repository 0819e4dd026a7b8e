"""Hostile ONNX files: an answer in little time and memory, whatever is in them, and nothing that they name is opened."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from archspec.diagnostics import SpecError
from archspec.imports.onnx.reader import read
from tests.fuzzing.onnx_files import drawn, outcome, seeds
from tests.helpers.paths import ROOT
from tests.helpers.specs import few_quick
from tests.imports.proto import FLOAT, INT64, attribute, field, graph, line, model, node, small, tensor, value, varint

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")

SECONDS = 10
"""Of a processor, that a hostile file may take: the bounds of the reader are of this order on a slow core."""
MEBIBYTES = 400
"""Above the interpreter with the package, for files of up to 64 MB."""

CHILD = """
import json, resource, sys
from pathlib import Path
from archspec.diagnostics import SpecError
from archspec.imports.onnx.reader import read
from archspec.shortening import shortest
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
start, before = resource.getrusage(resource.RUSAGE_SELF), 0
status = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
before = status()
try:
    told = [[d.code, d.message] for d in read(Path(sys.argv[1]), {}).diagnostics]
except SpecError as error:
    told = [[d.code, d.message] for d in error.diagnostics]
end = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([told[:20], end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime, status() - before]))
"""


def chain(count: int) -> bytes:
    """A row of activations."""
    names = ["x", *[f"v{at}" for at in range(count - 1)], "y"]
    return line(*[node("Relu", [a], [b]) for a, b in pairwise(names)])


def bomb(*nodes: bytes, tensors: tuple[bytes, ...] = ()) -> bytes:
    """Nodes that make a tensor `big`, which is added to the input."""
    return line(*nodes, node("Add", ["x", "big"], ["y"]), tensors=tensors)


def doubling() -> bytes:
    """Functions that each call the next one twice."""
    functions = [
        field(1, f"f{at}") + field(10, "here") + field(4, "a") + field(5, "c")
        + field(7, node(f"f{at + 1}", ["a"], ["b"], domain="here")) + field(7, node(f"f{at + 1}", ["b"], ["c"], domain="here"))
        for at in range(60)
    ]  # fmt: skip
    functions.append(field(1, "f60") + field(10, "here") + field(4, "a") + field(5, "c") + field(7, node("Relu", ["a"], ["c"])))
    return model(
        graph([node("f0", ["x"], ["y"], domain="here")], [], [value("x", ("N", 3))], [value("y", None)]),
        17,
        *[field(25, f) for f in functions],
    )


def recursive() -> bytes:
    """A function that calls itself."""
    function = field(1, "f") + field(10, "here") + field(4, "a") + field(5, "b") + field(7, node("f", ["a"], ["b"], domain="here"))
    return model(graph([node("f", ["x"], ["y"], domain="here")], [], [value("x", ("N", 3))], [value("y", None)]), 17, field(25, function))


def nested(depth: int) -> bytes:
    """A graph within a graph, and so on."""
    inner = graph([node("Relu", ["x"], ["y"])], [], [], [])
    for _ in range(depth):
        inner = graph([node("If", ["x"], ["y"]) + field(5, field(1, "then_branch") + field(6, inner) + field(20, 5))], [], [], [])
    return model(inner + field(11, value("x", ("N", 3))) + field(12, value("y", None)))


LONG = "a" * 1_000_000
HUGE = 2**62
FILES: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    "nothing but a zero": (b"\0", "A612"),
    "a text": (b"input 8x8x3\nrelu\n", "A612"),
    "a number of 11 bytes": (b"\x08" + b"\xff" * 10 + b"\x01", "A612"),
    "a length behind the file": (field(1, 8) + varint(7 << 3 | 2) + varint(2**40), "A612"),
    "a length of 64 bits": (field(1, 8) + varint(7 << 3 | 2) + varint(2**64 - 1), "A612"),
    "a field within is longer than what holds it": (model(varint(1 << 3 | 2) + varint(99) + b"ab"), "A612"),
    "a group": (b"\x0b" * 100_000, "A612"),
    "half a file": (small()[: len(small()) // 2], "A612"),
    "no graph": (field(1, 8), "A612"),
    "two graphs": (small() + field(7, graph([], [], [], [])), "A612"),
    "5,000,000 empty fields": (lambda: model(b"\x7a\x00" * 5_000_000), "A612"),
    "20,000,000 empty fields": (lambda: model(b"\x7a\x00" * 20_000_000), "A612"),
    "65 MB of names": (lambda: model(b"".join(field(13, value("a" * 1_000_000 + str(at), ())) for at in range(66))), "A612"),
    "200,000 nodes": (lambda: chain(200_000), "A612"),
    "a list of 2,000,000 numbers": (lambda: line(node("Transpose", ["x"], ["y"], perm=[0] * 2_000_000)), "A612"),
    "a tensor of 1,000 axes": (bomb(tensors=(tensor("big", [1] * 1000),)), "A612"),
    "a tensor of 2^124 numbers": (bomb(tensors=(field(1, HUGE) + field(1, HUGE) + field(2, FLOAT) + field(8, "big"),)), "A612"),
    "a tensor of -1 numbers": (bomb(tensors=(field(1, -1) + field(2, FLOAT) + field(8, "big"),)), "A612"),
    "a tensor with fewer numbers than its shape": (bomb(tensors=(tensor("big", [8], b"\0" * 4),)), "A612"),
    "two tensors of one name": (bomb(tensors=(tensor("big", [1]), tensor("big", [1]))), "A612"),
    "two values of one name": (line(node("Relu", ["x"], ["y"]), node("Tanh", ["x"], ["y"])), "A612"),
    "a value that is an input": (line(node("Relu", ["x"], ["x"]), node("Relu", ["x"], ["y"])), "A612"),
    "a value that nothing makes": (line(node("Add", ["x", "gone"], ["y"])), "A612"),
    "a circle": (line(node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])), "A612"),
    "a node that reads itself": (line(node("Add", ["x", "y"], ["y"])), "A612"),
    "an attribute twice": (line(node("LeakyRelu", ["x"], ["y"], alpha=0.1) + field(5, attribute("alpha", 0.2))), "A612"),
    "a function that calls itself": (recursive(), "A612"),
    "functions that call the next twice": (doubling(), "A612"),
    "60,000 graphs within one another": (lambda: nested(300), "A611"),
    "an old opset": (line(node("Relu", ["x"], ["y"]), opset=1), "A612"),
    "no outputs": (model(graph([node("Relu", ["x"], ["y"])], [], [value("x", ("N", 3))], [])), "A612"),
    "an output that no input leads to": (line(node("Constant", [], ["y"], value=tensor("", [1], [1.0]))), "A611"),
    "sizes that are open": (line(node("Relu", ["x"], ["y"]), shape=("N", 3, "H", "W")), "A613"),
    "a shape of another rank": (line(node("Relu", ["x"], ["y"]), shape=(1, 2, 3, 4, 5, 6)), "A611"),
    "sizes of 2^62": (line(node("Relu", ["x"], ["y"]), shape=("N", HUGE, HUGE, HUGE)), "A611"),
    "a Loop": (line(node("Loop", ["", "", "x"], ["y"])), "A611"),
    "another domain": (line(node("Fused", ["x"], ["y"], domain="com.other")), "A611"),
    "a step of quantised numbers": (line(node("QuantizeLinear", ["x", "s"], ["y"]), tensors=(tensor("s", [], [0.1]),)), "A611"),
    "Expand to 2^62": (bomb(node("Expand", ["one", "to"], ["big"]), tensors=(tensor("one", [1]), tensor("to", [2], [HUGE, HUGE], INT64))), "A611"),
    "ConstantOfShape of 2^62": (bomb(node("ConstantOfShape", ["to"], ["big"]), tensors=(tensor("to", [1], [HUGE], INT64),)), "A611"),
    "Range of 2^62": (
        bomb(node("Range", ["a", "b", "c"], ["big"]), tensors=(tensor("a", [], [0], INT64), tensor("b", [], [HUGE], INT64), tensor("c", [], [1], INT64))),
        "A611",
    ),
    "Tile by 2^62": (bomb(node("Tile", ["one", "to"], ["big"]), tensors=(tensor("one", [2]), tensor("to", [1], [HUGE], INT64))), "A611"),
    "Pow of Pow": (
        bomb(*[node("Pow", [f"p{at}", f"p{at}"], [f"p{at + 1}"]) for at in range(40)], node("Identity", ["p40"], ["big"]), tensors=(tensor("p0", [], [9], INT64),)),
        "A610",
    ),
    "Split into 2^62": (line(node("Split", ["x"], ["y"], num_outputs=HUGE, axis=1), opset=18), "A611"),
    "20,000 computations of 4,096 numbers": (
        lambda: bomb(*[node("Add", [f"p{at}", f"p{at}"], [f"p{at + 1}"]) for at in range(20_000)], node("Identity", ["p20000"], ["big"]), tensors=(tensor("p0", [4096], [1] * 4096, INT64),)),
        "A612",
    ),
    "Pad by 2^62": (line(node("Pad", ["x", "p"], ["y"]), tensors=(tensor("p", [8], [0, 0, HUGE, 0, 0, 0, HUGE, 0], INT64),)), "A611"),
    "Resize by 1e30": (line(node("Resize", ["x", "", "s"], ["y"], mode="linear"), tensors=(tensor("s", [4], [1.0, 1.0, 1e30, 1e30]),)), "A611"),
    "numbers that are none": (line(node("Resize", ["x", "", "s"], ["y"], mode="linear"), tensors=(tensor("s", [4], [float("nan")] * 4),)), "A611"),
    "texts where numbers belong": (line(node("MaxPool", ["x"], ["y"], kernel_shape="a", strides="b", pads="c")), "A611"),
    "a name of 1 MB": (line(node("Unknown", ["x"], ["y"], LONG)), "A611"),
    "names that are no text": (line(node("Unknown", ["x"], ["y"], "\x1b[31m\u202e<script>\n\0")), "A611"),
}  # fmt: skip
"""Files, the large ones made when they are asked for, and the code of the first message."""


def judged(path: Path) -> tuple[list[list[str]], float, float]:
    """What a file is answered, in a process of its own: codes and messages, seconds, MiB."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found: tuple[list[list[str]], float, float] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", few_quick(FILES, [*FILES][::5]))
def test_a_hostile_file_is_answered(tmp_path, name):
    data, code = FILES[name]
    path = tmp_path / "net.onnx"
    path.write_bytes(data() if callable(data) else data)
    told, seconds, mebibytes = judged(path)
    assert [each for each, _ in told][0] == code, told[:3]
    assert seconds < SECONDS and mebibytes < MEBIBYTES
    assert all(message.isprintable() and len(message) < 1000 for _, message in told)


@pytest.mark.parametrize("data", [small, partial(chain, 2_000)])
def test_what_is_no_threat_is_read(tmp_path, data):
    path = tmp_path / "net.onnx"
    path.write_bytes(data())
    told, _, _ = judged(path)
    assert told == []


def test_names_that_are_strange_become_labels(tmp_path):
    path = tmp_path / "net.onnx"
    weights = tensor('a"b\x1b{i}.weight', [4, 3, 3, 3])
    path.write_bytes(line(node("Conv", ["x", 'a"b\x1b{i}.weight'], ["y"], "\u202e/x"), tensors=[weights]))
    text = read(path, {}).text
    assert text.isascii() and all(each.isprintable() for each in text.splitlines())


def test_no_file_that_a_file_names_is_opened(tmp_path, monkeypatch):
    """External data is a location in the file: nothing but what the user names is opened."""
    weights = field(1, 4) + field(1, 3) + field(1, 3) + field(1, 3) + field(2, FLOAT) + field(8, "w") + field(14, 1)
    for key, told in (("location", "../../../../etc/passwd"), ("offset", "0"), ("length", "432")):
        weights += field(13, field(1, key) + field(2, told))
    path = tmp_path / "net.onnx"
    path.write_bytes(line(node("Conv", ["x", "w"], ["y"]), tensors=[weights]))
    opened = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.append(self) or real(self, *a, **k))
    found = read(path, {})
    assert "conv k=3 f=4 bias=no" in found.text
    assert opened == [path]


@pytest.mark.slow
def test_mutated_files_are_answered(tmp_path):
    beginnings = seeds()
    codes = {outcome(drawn(seed, beginnings), tmp_path / "net.onnx") for seed in range(2_000)}
    assert {"read", "A611", "A612"} <= codes


@pytest.mark.parametrize("inputs", [[], ["x"], ["x", ""], ["", "w"], ["x", "w", "x"]])
@pytest.mark.parametrize("operator", ["MatMul", "Expand", "Tile", "Gemm", "Where", "Add"])
def test_a_node_with_more_or_fewer_inputs_than_its_operator_takes_is_answered(tmp_path, operator, inputs):
    tensors = [tensor("w", [4, 4])]
    assert outcome(line(node(operator, inputs, ["y"]), tensors=tensors, shape=("N", 5, 4)), tmp_path / "net.onnx")[0] in "Ar"


def test_every_beginning_of_a_file_is_damaged_or_a_network(tmp_path):
    data = small()
    path = tmp_path / "net.onnx"
    for stop in range(1, len(data), 7):
        path.write_bytes(data[:stop])
        with pytest.raises(SpecError):
            read(path, {})
