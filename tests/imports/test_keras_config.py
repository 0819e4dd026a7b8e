"""Configurations of Keras 3 and Keras 2: graphs, models within models, layers that are used twice, names."""

from __future__ import annotations

import json

import pytest

import archspec
from archspec.diagnostics import SpecError
from archspec.imports.keras_model import from_keras, read
from archspec.imports.keras_names import is_automatic, levelled, snake
from archspec.imports.opening import from_file
from tests.imports.keras_texts import body, called, functional, imported, input_layer, layer, old, sequential, tensor, written

CONV = {"filters": 4, "kernel_size": [3, 3], "padding": "same"}


def two_branches():
    x = [tensor("x")]
    stem = called(layer("Conv2D", "stem", **CONV), x)
    left = called(layer("Conv2D", "left", **CONV), [tensor("stem")])
    met = called(layer("Add", "met"), [[tensor("left"), tensor("stem")]])
    return functional([input_layer(8, 8, 3, name="x"), stem, left, met], [["x", 0, 0]], [["met", 0, 0]])


def two_branches_old():
    layers = [
        old("InputLayer", "x", batch_input_shape=[None, 8, 8, 3]),
        old("Conv2D", "stem", [[["x", 0, 0, {}]]], **CONV),
        old("Conv2D", "left", [[["stem", 0, 0, {}]]], **CONV),
        old("Add", "met", [[["left", 0, 0, {}], ["stem", 0, 0, {}]]]),
    ]
    config = {"name": "net", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["met", 0, 0]]}
    return {"class_name": "Model", "config": config, "keras_version": "2.4.0", "backend": "tensorflow"}


def test_both_formats_are_the_same_network(tmp_path):
    new, before = (imported(tmp_path, content()) for content in (two_branches, two_branches_old))
    assert new.text == before.text
    assert body(new.text) == ["stem: conv k=3 f=4 p=same", "residual: left: conv k=3 f=4 p=same"]
    assert new.stored == before.stored


def test_a_chain_of_keras_2(tmp_path):
    """Its layers are a list in older versions, and the first has the shape of the input."""
    layers = [
        {"class_name": "Conv2D", "config": {"name": "a", "batch_input_shape": [None, 8, 8, 3], **CONV}},
        {"class_name": "Activation", "config": {"name": "b", "activation": "hard_sigmoid"}},
    ]
    for config in (layers, {"name": "net", "layers": layers}):
        found = imported(tmp_path, {"class_name": "Sequential", "config": config, "keras_version": "2.1.0"})
        assert body(found.text) == ["a: conv k=3 f=4 p=same", "mul 1.2 | hardsigmoid"]  # 0.2x + 0.5 then, x/6 + 0.5 now
    now = {"class_name": "Sequential", "config": {"name": "net", "layers": layers}, "keras_version": "3.5.0"}
    assert body(imported(tmp_path, now).text)[1] == "hardsigmoid"


def test_functions_of_tensorflow_in_keras_2(tmp_path):
    """As MobileNetV3 has them there; their names, `tf.math.multiply_1`, are no levels."""
    layers = [
        old("InputLayer", "x", batch_input_shape=[None, 8, 8, 3]),
        old("Conv2D", "block_1_conv", [[["x", 0, 0, {}]]], **CONV),
        old("TFOpLambda", "tf.__operators__.add", [["block_1_conv", 0, 0, {"y": 3.0, "name": None}]], function="__operators__.add"),
        old("ReLU", "re_lu", [[["tf.__operators__.add", 0, 0, {}]]], max_value=6.0),
        old("TFOpLambda", "tf.math.multiply", [["re_lu", 0, 0, {"y": 0.16666667, "name": None}]], function="math.multiply"),
        old("Multiply", "block_1_mul", [[["block_1_conv", 0, 0, {}], ["tf.math.multiply", 0, 0, {}]]]),
        old("Conv2D", "last", [[["block_1_mul", 0, 0, {}]]], **CONV),
    ]
    config = {"name": "net", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["last", 0, 0]]}
    found = imported(tmp_path, {"class_name": "Functional", "config": config, "keras_version": "2.12.0"})
    lines = ["block_1:", "  conv: conv k=3 f=4 p=same", "  mul:", "    skip", "    hardsigmoid", "last: conv k=3 f=4 p=same"]
    assert body(found.text) == lines


def test_a_shared_layer_is_used_again(tmp_path):
    conv = called(layer("Conv2D", "conv2d", **CONV), [tensor("x")], [tensor("act")])
    act = called(layer("ReLU", "act"), [tensor("conv2d")])
    found = imported(tmp_path, functional([input_layer(8, 8, 4, name="x"), conv, act], ["x", 0, 0], ["conv2d", 1, 0]))
    assert body(found.text) == ["conv2d: conv k=3 f=4 p=same", "relu", "again conv2d"]
    assert archspec.analyze(found.network).totals.params == 4 * 4 * 9 + 4


@pytest.mark.parametrize("first", [0, 1])
def test_a_model_within_a_model_that_is_called_twice(tmp_path, first):
    """Its weights are shared, whichever number the first call has: 0 or, where the model counts one of its own, 1."""
    inner = functional(
        [input_layer(8, 8, 4, name="i"), called(layer("Conv2D", "c", **CONV), [tensor("i")])], ["i", 0, 0], ["c", 0, 0], name="inner"
    )
    inner = called({**inner, "name": "inner"}, [tensor("x")], [tensor("inner", first)])
    found = imported(tmp_path, functional([input_layer(8, 8, 4, name="x"), inner], ["x", 0, 0], ["inner", first + 1, 0]))
    assert archspec.analyze(found.network).totals.params == 4 * 4 * 9 + 4
    assert {stored.keys for stored in found.stored.values()} == {("inner/c/0",), ("inner/c/1",)}
    assert found.stored.keys() == {"inner.c.weight", "inner.c.bias"} and "again inner\n" in found.text


def test_several_inputs_and_outputs(tmp_path):
    layers = [
        input_layer(4, name="left"),
        input_layer(6, name="right"),
        called(layer("Dense", "one", units=3), [tensor("left")]),
        called(layer("Dense", "two", units=3), [tensor("right")]),
        called(layer("Add", "sum"), [[tensor("one"), tensor("two")]]),
    ]
    ends = {"score": ["sum", 0, 0], "other": ["two", 0, 0]}
    found = imported(tmp_path, functional(layers, {"left": ["left", 0, 0], "right": ["right", 0, 0]}, ends))
    assert [(one.name, str(one.type)) for one in found.network.inputs] == [("left", "4"), ("right", "6")]
    assert [output.name for output in found.network.outputs] == ["output", "other"]


def test_open_shapes_are_asked_for_and_given(tmp_path):
    content = sequential((None, None, 3), layer("Conv2D", **CONV))
    with pytest.raises(SpecError) as error:
        imported(tmp_path, content)
    (found,) = error.value.diagnostics
    assert (found.code, found.help) == ("A613", "give it, channels last: `--input HxWxC`")
    assert "?x?x3" in found.message
    assert imported(tmp_path, content, all=(16, 8, 3)).network.inputs[0].type.spatial == (16, 8)


def test_what_is_frozen_stays_frozen(tmp_path):
    found = imported(tmp_path, sequential((8, 8, 3), layer("Conv2D", "a", trainable=False, **CONV), layer("Conv2D", "b", **CONV)))
    assert body(found.text) == ["a: conv k=3 f=4 p=same frozen=yes", "b: conv k=3 f=4 p=same"]


def test_a_layer_of_your_own_is_declared(tmp_path):
    """With the shape that its readers say; its weights are in the file of weights, and not in a configuration."""
    own = {**called(layer("Squish", "squish"), [tensor("x")]), "module": "my.layers", "registered_name": "mine>Squish"}
    last = called(layer("Conv2D", "last", **CONV), [tensor("squish", shape=[None, 8, 8, 5])])
    found = imported(tmp_path, functional([input_layer(8, 8, 3, name="x"), own, last], ["x", 0, 0], ["last", 0, 0]))
    assert body(found.text) == ['custom "Squish" out=8x8x5', "last: conv k=3 f=4 p=same"]
    assert [(one.code, one.severity) for one in found.diagnostics] == [("A610", "warning")]
    assert "layer `squish`" in found.diagnostics[0].message


def test_a_layer_of_your_own_with_a_name_of_keras_is_not_taken_for_that(tmp_path):
    own = {**called(layer("Dense", "own", units=3), [tensor("x")]), "module": "my.layers"}
    last = called(layer("Dense", "last", units=2), [tensor("own", shape=[None, 3])])
    found = imported(tmp_path, functional([input_layer(4, name="x"), own, last], ["x", 0, 0], ["last", 0, 0]))
    assert body(found.text) == ['custom "Dense" out=3', "last: fc 2"]


def test_a_shape_that_is_not_ours_is_not_believed(tmp_path):
    """A layer whose result has another shape than its reader says is no layer that we know."""
    conv = called(layer("Conv2D", "conv", **CONV), [tensor("x")])
    act = called(layer("ReLU", "act"), [tensor("conv", shape=[None, 7, 7, 4])])
    found = imported(tmp_path, functional([input_layer(8, 8, 3, name="x"), conv, act], ["x", 0, 0], ["act", 0, 0]))
    assert 'custom "Conv2D" out=7x7x4' in found.text


def test_names_have_levels_where_numbers_are():
    names = [
        "conv1_conv",
        "conv1_bn",
        "conv2_block1_1_conv",
        "conv2_block1_1_bn",
        "conv2_block1_add",
        "conv2_block2_add",
        "conv2_block2_out",
        "block_1_pad",
    ]
    names += ["block_1_expand", "stem_conv", "stem_bn", "conv_dw_1", "conv_dw_1_bn", "mixed0"]
    names += ["block35_1_mixed", "block35_1_conv", "block35_2_mixed", "block35_2_conv"]
    assert list(levelled(names).values()) == [
        "conv1.conv", "conv1.bn", "conv2.block1.conv1", "conv2.block1.bn1", "conv2.block1.add", "conv2.block2.add", "conv2.block2.out", "block_1.pad",
        "block_1.expand", "stem_conv", "stem_bn", "conv_dw_1", "conv_dw_1_bn", "mixed0",
        "block35_1.mixed", "block35_1.conv", "block35_2.mixed", "block35_2.conv",
    ]  # fmt: skip


def test_names_that_count_from_0_have_a_level_for_each_number():
    """As those of rounds and positions do; and words stand before numbered ones alone."""
    names = [
        "layer1_0_conv1",
        "layer1_0_downsample_0",
        "layer1_1_conv1",
        "branch4_1_conv",
        "m3_y_basic1_conv",
        "m3_y_basic1_bn",
        "m3_zy_conv1",
        "m3_zy_bn1",
    ]
    names += ["m3_y_basic2_conv", "m3_y_basic2_bn", "layer_norm1", "layer_norm2"]
    assert list(levelled(names).values()) == [
        "layer1.0.conv1", "layer1.0.downsample.0", "layer1.1.conv1", "branch4.1.conv", "m3.y.basic1.conv", "m3.y.basic1.bn", "m3.zy.conv1", "m3.zy.bn1",
        "m3.y.basic2.conv", "m3.y.basic2.bn", "layer_norm1", "layer_norm2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["Conv2D", "ReLU", "BatchNormalization", "GlobalAveragePooling2D", "LSTM", "PReLU", "ZeroPadding2D", "MultiHeadAttention"],
)
def test_names_that_keras_gives(kind):
    own = {"ReLU": "re_lu", "PReLU": "p_re_lu", "LSTM": "lstm", "GlobalAveragePooling2D": "global_average_pooling2d"}
    assert snake(kind) == own.get(kind, snake(kind))
    assert is_automatic(snake(kind), kind)
    assert is_automatic(f"{snake(kind)}_12", kind)
    assert not is_automatic("features", kind)


def test_names_that_meet_stay_apart(tmp_path):
    """The levels of one name and a model that is called as they are."""
    inner = {**sequential((8, 8, 4), layer("Conv2D", "c", **CONV), name="block1"), "name": "block1"}
    chain = sequential((8, 8, 4), inner, layer("Conv2D", "block1_c", **CONV), layer("Conv2D", "block1_d", **CONV))
    found = imported(tmp_path, chain)
    assert len({stored.keys for stored in found.stored.values()}) == 6
    assert archspec.analyze(found.network).totals.params == 3 * (4 * 4 * 9 + 4)


def test_files_and_live_models_are_read_alike(tmp_path):
    text = json.dumps(two_branches())
    path = written(tmp_path, text)

    class Live:
        name = "net"

        def to_json(self):
            return text

    assert from_keras(Live()).text == from_keras(path).text == read(path, {}).text == from_file(path).text
    with pytest.raises(TypeError, match="a Keras model, or the path of a file, is expected, not a int"):
        from_keras(3)


def test_a_subclassed_model_says_what_to_do():
    class Subclassed:
        name = "mine"

        def to_json(self):
            raise NotImplementedError

    with pytest.raises(SpecError, match=r"A612(.|\n)*import its ONNX file"):
        from_keras(Subclassed())
