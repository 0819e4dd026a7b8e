"""Mutated ONNX files, and files of operators that do not belong together: nothing but diagnostics. `python -m tests.fuzzing.onnx_files --count 1000000`."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archspec.diagnostics import SpecError
from archspec.imports.onnx import computing, lowering
from archspec.imports.onnx.reader import read
from tests.imports.proto import INT64, line, node, small, tensor, varint

SLOW = 10.0
"""Seconds that no small file takes."""


def seeds() -> list[bytes]:
    """Files to begin with: of every kind of row."""
    attention = line(
        node("MatMul", ["x", "qkv"], ["p"]),
        node("Split", ["p"], ["q", "k", "v"], axis=2),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["s"]),
        node("Softmax", ["s"], ["w"], axis=-1),
        node("MatMul", ["w", "v"], ["y"]),
        tensors=[tensor("qkv", [4, 12])],
        shape=("N", 5, 4),
        opset=13,
    )
    shapes = line(
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["ones"], value=tensor("", [1], [1.0])),
        node("Expand", ["x", "s"], ["a"]),
        node("Mul", ["a", "ones"], ["b"]),
        node("Slice", ["b", "one", "two", "one"], ["c"]),
        node("Resize", ["c", "", "sizes"], ["d"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        node("Pad", ["d", "pads"], ["e"], mode="constant"),
        node("ReduceMean", ["e"], ["y"], axes=[2, 3], keepdims=0),
        tensors=[
            tensor("one", [1], [1], 7),
            tensor("two", [1], [2], 7),
            tensor("sizes", [4], [1.0, 1.0, 2.0, 2.0]),
            tensor("pads", [8], [0, 0, 1, 1, 0, 0, 1, 1], 7),
        ],
    )
    sequence = line(
        node("Transpose", ["x"], ["a"], perm=[1, 0, 2]),
        node("LSTM", ["a", "w", "r", "b"], ["h"], hidden_size=2),
        node("Squeeze", ["h", "one"], ["c"]),
        node("Transpose", ["c"], ["y"], perm=[1, 0, 2]),
        tensors=[tensor("w", [1, 8, 4]), tensor("r", [1, 8, 2]), tensor("b", [1, 16]), tensor("one", [1], [1], 7)],
        shape=("N", 5, 4),
    )
    return [small(), attention, shapes, sequence]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A file with a few bytes changed, lost, repeated, or exchanged for numbers that count."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(found) or 1)
        how = chance.randrange(7)
        if how == 0:
            found[at : at + 1] = bytes([chance.randrange(256)])
        elif how == 1:
            del found[at : at + chance.choice((1, 2, 8, 64))]
        elif how == 2:
            found[at:at] = found[chance.randrange(len(found) or 1) :][: chance.choice((1, 4, 16, 64))]
        elif how == 3:
            found[at : at + 1] = varint(chance.choice((0, 1, 127, 128, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1)))
        elif how == 4:
            found[at : at + 1] = bytes([found[at] ^ 1 << chance.randrange(8)]) if found else b""
        elif how == 5:
            del found[at:]
        else:
            other = chance.choice(("Conv", "Loop", "Relu", "Resize", "Split", "Einsum", "Gather", "Where", "Reshape", "Softmax")).encode()
            found[at : at + len(other)] = other
    return bytes(found)


OPERATORS = sorted({*lowering.ROWS, *computing.ROWS, "Unknown"})
STORED = {
    "w": tensor("w", [4, 3, 3, 3], [0.5] * 108), "m": tensor("m", [3, 4], [0.5] * 12), "v": tensor("v", [3], [1.0] * 3),
    "one": tensor("one", [1], [1], INT64), "zero": tensor("zero", [], [0], INT64), "four": tensor("four", [4], [1, 2, 0, -1], INT64),
    "none": tensor("none", [0], [], INT64), "half": tensor("half", [], [0.5]),
}  # fmt: skip
ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    "axis": (0, 1, -1, 9), "axes": ([0], [2, 3], [-1], []), "perm": ([0, 1, 2, 3], [1, 0], [3, 2, 1, 0]), "split": ([1, 2], [0]),
    "kernel_shape": ([3, 3], [0, 0], [3]), "strides": ([2, 2], [0, 0], [1]), "pads": ([1, 1, 1, 1], [-1, 0, 0, 0], [1]),
    "group": (0, 2, 3), "keepdims": (0, 1), "alpha": (0.1,), "mode": ("linear", "constant"), "equation": ("bij,bjk->bik", "ii->", "...a->a"),
    "hidden_size": (2, 0), "num_heads": (2, 0), "to": (1, 7, 99), "blocksize": (2, 0), "epsilon": (0.0,), "num_outputs": (0, 2),
    "value": (tensor("", [1], [1.0]), tensor("", [2], [3, 4], INT64)), "direction": ("bidirectional", "x"), "approximate": ("tanh",),
    "allowzero": (1,), "start": (1,), "end": (2,),
}  # fmt: skip


def mixed(first: str, chance: random.Random) -> bytes:
    """A file of an operator and up to two others, with any inputs, outputs and attributes."""
    nodes, values = [], ["x"]
    for at, operator in enumerate([first, *chance.choices(OPERATORS, k=chance.choice((0, 0, 1, 2)))]):
        inputs = [chance.choice([*STORED, "", "undefined", *values * 4]) for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4, 5)))]
        outputs = [f"y{at}.{number}" for number in range(chance.choice((0, 1, 1, 1, 1, 2, 3)))]
        attributes = {key: chance.choice(ATTRIBUTES[key]) for key in chance.sample(sorted(ATTRIBUTES), chance.choice((0, 1, 2, 3)))}
        nodes.append(node(operator, inputs, outputs, **attributes))
        values += outputs
    shape = chance.choice([("N", 3, 8, 8), ("N", 5, 4), ("N", 4), (2, 3, 8, 8), ("N", 3, 8)])
    last = node("Identity", [values[-1]], ["y"])
    return line(*nodes, last, tensors=[*STORED.values()], shape=shape, opset=chance.choice((9, 13, 18, 21)))


def drawn(seed: int, beginnings: Sequence[bytes]) -> bytes:
    """The file of a seed: every fourth is of mixed operators."""
    chance = random.Random(seed)
    return mutated(chance.choice(beginnings), chance) if seed % 4 else mixed(OPERATORS[seed // 4 % len(OPERATORS)], chance)


def outcome(data: bytes, path: Path) -> str:
    """What becomes of a file: `read`, or the code of the first error. Raises what else the reader raises."""
    path.write_bytes(data)
    start = time.perf_counter()
    try:
        read(path, {})
        told = "read"
    except SpecError as error:
        told = error.diagnostics[0].code
    assert time.perf_counter() - start < SLOW, "it takes too long"
    return told


def main() -> None:
    """Run a number of seeds, and print what became of them; the first file that breaks the reader is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    beginnings = seeds()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.start, options.start + options.count):
            data = drawn(seed, beginnings)
            try:
                found[outcome(data, Path(folder) / "net.onnx")] += 1
            except BaseException:
                Path(f"broken-{seed}.onnx").write_bytes(data)
                print(f"seed {seed}")
                raise
    print(dict(found))


if __name__ == "__main__":
    main()
