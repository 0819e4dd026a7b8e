"""Random specs beside the modules that they are, in volume: `python -m tests.fuzzing.run` runs as many more as one likes."""

import pytest

torch = pytest.importorskip("torch", reason="random specs are compared with torch modules")
pytest.importorskip("onnx", reason="onnx infers the shapes of what is emitted")
pytest.importorskip("onnxruntime", reason="onnxruntime runs what is emitted")

from torch.utils.flop_counter import FlopCounterMode

from archspec.ops import STEPS
from tests.fuzzing import mistakes, shape, value
from tests.fuzzing.draw import Random
from tests.fuzzing.run import chunk
from tests.helpers.keras import keras

SIZE = 20
CASES = {"shape": 2000, "value": 400, "mistakes": 400, "fields": 200}
IN_KERAS = 200


CHUNKS = [(kind, start) for kind, count in CASES.items() for start in range(0, count, SIZE)]


@pytest.mark.parametrize(
    ("kind", "start"), [pytest.param(*each, marks=[pytest.mark.slow] * (each[1] > 0 or each[0] == "fields")) for each in CHUNKS]
)
def test_nothing_differs(kind, start):
    found, wrong = chunk(kind, start, SIZE)
    assert not wrong, "\n".join(f"seed {seed}: {told}\n{text}" for seed, told, text in wrong[:2])
    assert found["compared"] > SIZE // 2


@pytest.mark.parametrize("start", [0, *(pytest.param(start, marks=pytest.mark.slow) for start in range(SIZE, IN_KERAS, SIZE))])
def test_nothing_differs_in_keras(start):
    keras()
    found, wrong = chunk("keras_value", start, SIZE)
    assert not wrong, "\n".join(f"seed {seed}: {told}\n{text}" for seed, told, text in wrong[:2])
    assert found["compared"] > SIZE // 2


@pytest.mark.slow
def test_the_specs_have_every_layer_every_structure_and_every_mistake():
    drawn = [shape.draw(Random(seed)) for seed in range(600)]
    assert {entry.step for one in drawn for entry in one.tape.entries} == set(STEPS)
    assert {kind for one in drawn for value_ in one.inputs.values() for kind in [value_.kind]} == {"map", "vector", "words"}
    assert {value_.rank for one in drawn for value_ in one.inputs.values()} == {0, 1, 2, 3}
    text = "".join(one.text for one in drawn)
    for word in (
        "residual if",
        "shortcut:",
        "concat:",
        "add:",
        "mul:",
        "repeat",
        " as ",
        "block",
        "output",
        "train",
        "from",
        "default",
        "pattern",
        "(from e",
        ".*.",
        "again ",
        "weights=",
        "frozen v",
        "seq:",
        "axis=t:",
        "kv=",
        "tree.",
        'from "',
        "-1} if",
        "stored=",
        "default norm=",
        "()",
    ):
        assert word in text, word
    refused = sum(one.refused is not None for one in drawn)
    assert 5 < refused < 60
    assert {mistakes.draw(Random(seed)).planted.code for seed in range(400)} > {
        "A101",
        "A103",
        "A108",
        "A202",
        "A203",
        "A301",
        "A302",
        "A303",
    }


def test_macs_are_those_of_torch():
    """The quick count of the tape is that of PyTorch's own counter."""
    counted = 0
    for seed in range(30):
        drawn = value.draw(Random(seed))
        if drawn.net is None:
            continue
        drawn.net.requires_grad_(False)  # views of parameters confuse what tracks modules
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            drawn.net(*(given.tensor for given in drawn.inputs.values()))
        assert counter.get_total_flops() == 2 * 2 * sum(entry.macs for entry in drawn.tape.entries), drawn.text
        counted += 1
    assert counted > 20


def test_a_difference_is_found(rounds):
    """A number that is off by one anywhere is told."""
    for seed in rounds(40):
        drawn = shape.draw(Random(seed))
        if drawn.refused:
            continue
        at = seed % len(drawn.tape.entries)
        drawn.tape.entries[at] = drawn.tape.entries[at]._replace(macs=drawn.tape.entries[at].macs + 1)
        told = shape.compare(drawn)
        assert told is not None and told.startswith(f"layer {at}: ")
