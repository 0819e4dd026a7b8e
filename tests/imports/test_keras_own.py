"""A Keras model with a custom layer of ours, once saved, comes back as the same step, with its weights."""

from __future__ import annotations

import json

import pytest

import archspec
from archspec.backends.keras.templates import sources
from archspec.imports.keras_model import from_keras
from tests.helpers.custom_layers import CUBE, LAYERS, LINE, built, scope
from tests.helpers.keras import difference, keras, randomized

STEPS = [name for name, text in LAYERS.items() if not text.startswith((LINE, CUBE)) or name.startswith("pixelshuffle")]


def steps(network):
    """What is written of each layer that is not `tokens` or `map`, which are Keras's Reshape."""
    nodes = [element for _, element in network.graph.layered if element.op.step not in ("tokens", "map")]
    return [(node.op.step, node.op.config(*network.graph.types_of(node)), node.type.shape) for node in nodes]


@pytest.mark.parametrize("name", STEPS)
def test_a_layer_comes_back_as_itself(name, tmp_path):
    network = archspec.loads(LAYERS[name])
    model, _ = built(network)
    randomized(model).save(tmp_path / "model.keras")
    found = from_keras(tmp_path / "model.keras")
    assert steps(found.network) == steps(network)
    assert difference(model, found) < 1e-5


def test_a_table_that_is_multiplied_with_comes_back_as_tied(tmp_path):
    embed = keras().layers.Embedding(9, 5, name="wte")
    head = scope("\n\n\n".join(sources({"TiedLinear"}, ())))["TiedLinear"](embed, name="head")
    ids = keras().Input((4,))
    model = randomized(keras().Model(ids, head(keras().layers.ReLU()(embed(ids)))))
    model.save(tmp_path / "model.keras")
    found = from_keras(tmp_path / "model.keras")
    assert "\nhead: linear 9 weights=wte" in found.text
    assert archspec.analyze(found.network).totals.params == model.count_params()
    assert difference(model, found) < 1e-5


def test_a_declared_layer_comes_back_with_its_counts(tmp_path):
    text = 'input 4x5x6\nu: scale\ncustom "my.Layer" u 3 (1,2) out=7x2 weight=2x3 bias=2 macs=10\n'
    model, _ = built(archspec.loads(text))
    model.save(tmp_path / "model.keras")
    found = from_keras(tmp_path / "model.keras")
    assert steps(found.network) == steps(archspec.loads(text))
    assert set(found.stored) == {"u", "custom1.weight", "custom1.bias"}


@pytest.mark.parametrize(
    "change", [{"heads": 5}, {"heads": "x"}, {"heads": None}, {"w": [[[1]]]}, {"rel": True}, {"kv": True}, {"class_name": "No"}]
)
def test_a_layer_that_does_not_fit_is_answered(change, tmp_path):
    model, _ = built(archspec.loads("input 6x8x12\nattn heads=3 w=2\n"))
    said = json.loads(model.to_json())
    layer = said["config"]["layers"][1]
    layer["registered_name"] = f"archspec>{change.get('class_name', layer['class_name'])}"
    layer["class_name"] = change.pop("class_name", layer["class_name"])
    layer["config"] |= change
    path = tmp_path / "model.json"
    path.write_text(json.dumps(said))
    with pytest.raises(archspec.SpecError):
        from_keras(path)
