"""A layer of Keras, and the lines that it becomes."""

from __future__ import annotations

import pytest

from archspec.diagnostics import SpecError
from archspec.foreign.equivalents import rows
from archspec.imports import keras_reader  # noqa: F401 - it registers all rows
from archspec.imports.keras_table import ROWS
from tests.imports.keras_texts import body, called, functional, imported, input_layer, layer, sequential, tensor

MAP, LINE, VECTOR = (8, 8, 4), (8, 4), (6,)
ONE = [
    (MAP, layer("Conv2D", filters=5, kernel_size=[3, 3]), ["conv k=3 f=5"]),
    (MAP, layer("Conv2D", filters=5, kernel_size=[5, 3], strides=[2, 1], padding="same"), ["conv k=5x3 f=5 s=2x1 p=same"]),
    (MAP, layer("Conv2D", filters=5, kernel_size=1, use_bias=False, activation="relu"), ["conv k=1 f=5 bias=no | relu"]),
    (MAP, layer("Conv2D", filters=6, kernel_size=3, strides=2, dilation_rate=1), ["conv k=3 f=6 s=2 round=floor"]),
    (MAP, layer("Conv2D", filters=8, kernel_size=3, groups=2), ["conv k=3 f=8 g=2"]),
    (MAP, layer("Conv2D", filters=8, kernel_size=3, groups=4), ["dwconv k=3 m=2"]),
    (LINE, layer("Conv1D", filters=5, kernel_size=[3], padding="causal", dilation_rate=[2]), ["conv k=3 f=5 p=causal d=2"]),
    ((4, 4, 4, 2), layer("Conv3D", filters=5, kernel_size=[3, 3, 3], padding="same"), ["conv k=3 f=5 p=same"]),
    (MAP, layer("DepthwiseConv2D", kernel_size=[3, 3], depth_multiplier=2), ["dwconv k=3 m=2"]),
    (MAP, layer("SeparableConv2D", filters=5, kernel_size=3, use_bias=False), ["dwconv k=3 bias=no", "conv k=1 f=5 bias=no"]),
    (MAP, layer("Conv2DTranspose", filters=5, kernel_size=3, strides=2, padding="same"), ["deconv k=3 f=5 s=2 p=same"]),
    (MAP, layer("Conv2DTranspose", filters=5, kernel_size=2, strides=3), ["deconv k=2 f=5 s=3 op=1"]),
    (MAP, layer("Conv2DTranspose", filters=5, kernel_size=3, strides=2, padding="same", output_padding=1), ["deconv k=3 f=5 s=2 p=same"]),
    (MAP, layer("MaxPooling2D", pool_size=[2, 2], strides=[2, 2]), ["pool w=2"]),
    (MAP, layer("AveragePooling2D", pool_size=[3, 3], strides=[1, 1], padding="same"), ["avgpool w=3 s=1 p=same count_pad=no"]),
    (MAP, layer("GlobalAveragePooling2D"), ["gap | flatten"]),
    (MAP, layer("GlobalAveragePooling2D", keepdims=True), ["gap"]),
    (LINE, layer("GlobalMaxPooling1D"), ["gmp | flatten"]),
    (MAP, layer("AdaptiveAveragePooling2D", output_size=[4, 2]), ["adaptpool 4x2"]),
    (MAP, layer("ZeroPadding2D", padding=[[0, 1], [2, 3]]), ["pad h=0:1 w=2:3"]),
    (MAP, layer("ZeroPadding2D", padding=[1, 1]), ["pad 1"]),
    (MAP, layer("ZeroPadding2D", padding=[[0, 1], [0, 1]]), ["pad 0:1"]),
    (LINE, layer("ZeroPadding1D", padding=[1, 2]), ["pad 1:2"]),
    (MAP, layer("Cropping2D", cropping=[[1, 2], [1, 1]]), ["crop 5x6"]),
    (MAP, layer("Cropping2D", cropping=[[2, 0], [2, 0]]), ["crop 2:8"]),
    (MAP, layer("CenterCrop", height=4, width=6), ["crop 4x6"]),
    (MAP, layer("UpSampling2D", size=[2, 2]), ["upsample 2"]),
    (MAP, layer("UpSampling2D", size=[2, 3], interpolation="bilinear"), ["upsample to=16x24 mode=bilinear"]),
    (MAP, layer("Resizing", height=6, width=7), ["upsample to=6x7 mode=bilinear"]),
    (VECTOR, layer("Dense", units=3, activation="softmax"), ["fc 3 | softmax"]),
    (MAP, layer("Dense", units=3, use_bias=False), ["linear 3 bias=no"]),
    (MAP, layer("BatchNormalization", axis=3, momentum=0.9, epsilon=1e-5), ["bn"]),
    (MAP, layer("BatchNormalization", axis=[3]), ["bn eps=0.001 momentum=0.01"]),
    (MAP, layer("LayerNormalization", axis=[-1]), ["ln eps=0.001"]),
    (MAP, layer("LayerNormalization", epsilon=1e-5, center=False), ["ln bias=no"]),
    (MAP, layer("GroupNormalization", groups=2, epsilon=1e-5), ["gn 2"]),
    (MAP, layer("GroupNormalization", groups=-1, epsilon=1e-5), ["instnorm affine=yes"]),
    (MAP, layer("RMSNormalization", epsilon=1e-6), ["rmsnorm eps=1e-06"]),
    (MAP, layer("UnitNormalization"), ["l2norm eps=1e-06"]),
    (MAP, layer("Activation", activation="hard_silu"), ["hardswish"]),
    (MAP, layer("Activation", activation={"class_name": "function", "config": "relu6", "module": "builtins"}), ["relu6"]),
    (MAP, layer("ReLU", max_value=6.0), ["relu6"]),
    (MAP, layer("ReLU", negative_slope=0.1), ["leaky 0.1"]),
    (MAP, layer("LeakyReLU", alpha=0.3), ["leaky 0.3"]),
    (MAP, layer("ELU", alpha=0.5), ["elu 0.5"]),
    (MAP, layer("PReLU", shared_axes=[1, 2]), ["prelu shared=no"]),
    (MAP, layer("PReLU", shared_axes=[1, 2, 3]), ["prelu"]),
    (MAP, layer("Softmax", axis=-1), ["softmax"]),
    (MAP, layer("Dropout", rate=0.07500000000000001), ["dropout 0.075"]),
    (MAP, layer("Dropout", rate=0.1, noise_shape=[None, 1, 1, 1]), ["droppath 0.1"]),
    (MAP, layer("SpatialDropout2D", rate=0.2), ["dropout2d 0.2"]),
    (MAP, layer("Flatten"), ['rearrange "h w c -> (h w c)"']),
    (MAP, layer("Reshape", target_shape=[-1, 4]), ["tokens"]),
    (VECTOR, layer("Reshape", target_shape=[1, 2, 3]), ['rearrange "(a b) -> 1 a b" b=3']),
    (MAP, layer("Permute", dims=[2, 1, 3]), ['rearrange "h w c -> w h c"']),
    (MAP, layer("Rescaling", scale=0.5, offset=-1.0), ["mul 0.5 | add -1.0"]),
    (MAP, layer("Rescaling", scale=[0.5, 1, 2, 3]), ["scale frozen=yes"]),
    (MAP, layer("Normalization", axis=[-1], mean=1.0, variance=4.0), ["sub 1.0 | mul 0.5"]),
    (MAP, layer("Normalization", axis=[-1], mean=[1, 2, 3, 4], variance=[1, 1, 4, 9]), ["bn eps=1e-14 momentum=0.0 affine=no"]),
    (MAP, layer("LayerScale", init_values=1e-6, projection_dim=4), ["scale 1e-06"]),
    (MAP, layer("GaussianNoise", stddev=0.1), []),
    (MAP, layer("RandomFlip"), []),
    (VECTOR, layer("Embedding", input_dim=100, output_dim=4), ["embed 100 4"]),
    (LINE, layer("GRU", units=3, return_sequences=True), ["gru 3"]),
    (LINE, layer("LSTM", units=3, use_bias=False), ["lstm 3 bias=no out=last"]),
    (LINE, layer("Bidirectional", layer=layer("GRU", units=3), merge_mode="concat"), ["gru 3 dirs=2 out=last"]),
    (LINE, layer("TimeDistributed", layer=layer("Dense", units=3)), ["linear 3"]),
    ((3, *MAP), layer("TimeDistributed", layer=layer("Conv2D", filters=5, kernel_size=3, padding="same")), ["conv k=1x3x3 f=5 p=same"]),
    (LINE, layer("EinsumDense", equation="abc,cd->abd", output_shape=[None, 6], bias_axes="d"), ["linear 6"]),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "given", "lines"), ONE, ids=lambda one: f"{one['class_name']}" if isinstance(one, dict) else "")
def test_a_layer(shape, given, lines, tmp_path):
    found = imported(tmp_path, sequential(shape, given))
    assert body(found.text) == lines
    assert found.note == ""


def test_most_rows_are_shown_above():
    """By the classes of the lines above and of those below; what is left are other names of the same, and what needs several values."""
    shown = {given["class_name"] for _, given, _ in ONE} | {
        "MultiHeadAttention",
        "Add",
        "Multiply",
        "Subtract",
        "Average",
        "Concatenate",
        "Dot",
    }
    functions = {ROWS[kind] for kind in ROWS} - {ROWS[kind] for kind in shown}
    assert {kind for kind in ROWS if ROWS[kind] in functions} <= {
        "SimpleRNN", "LSTM", "CustomScaleLayer", "GroupQueryAttention", "GroupedQueryAttention", "Attention", "AdaptiveMaxPooling1D",
        *[f"{name}{axes}D" for name in ("GlobalAveragePooling", "GlobalMaxPooling", "AdaptiveMaxPooling", "AdaptiveAveragePooling") for axes in (1, 2, 3)],
    }  # fmt: skip


def test_without_a_factor_the_offset_is_a_tensor_that_is_added(tmp_path):
    """So that the count is Keras's: two numbers per channel are learned or kept by a norm, and one more is learned."""
    found = imported(tmp_path, sequential(MAP, layer("BatchNormalization", "first", scale=False)))
    assert body(found.text) == ["first.norm: bn eps=0.001 momentum=0.01 affine=no", "first.beta: tensor 4", "add first.beta stretch=yes"]
    assert [stored.keys for stored in found.stored.values()] == [("first/1",), ("first/2",), ("first/0",)]


def test_zeros_before_a_window_are_its_padding(tmp_path):
    def lines(*layers):
        return body(imported(tmp_path, sequential((224, 224, 3), *layers)).text)

    seven = layer("Conv2D", filters=8, kernel_size=7, strides=2)
    three = layer("Conv2D", filters=8, kernel_size=3, strides=2)
    assert lines(layer("ZeroPadding2D", padding=[[3, 3], [3, 3]]), seven) == ["conv k=7 f=8 s=2 p=3 round=floor"]
    assert lines(layer("ZeroPadding2D", padding=[[0, 1], [0, 1]]), three) == ["conv k=3 f=8 s=2 p=same"]
    assert lines(layer("ZeroPadding2D", padding=[[2, 1], [2, 1]]), three) == ["conv k=3 f=8 s=2 p=2:1"]
    assert lines(layer("ZeroPadding2D", padding=[[0, 1], [1, 0]]), three) == ["pad h=0:1 w=1:0", "conv k=3 f=8 s=2"]


def test_zeros_before_a_maximum_are_padding_where_nothing_is_below_zero(tmp_path):
    def lines(*layers):
        return body(imported(tmp_path, sequential((8, 8, 3), *layers)).text)

    zeros, pool = layer("ZeroPadding2D", padding=1), layer("MaxPooling2D", pool_size=3, strides=2)
    assert lines(layer("ReLU"), zeros, pool) == ["relu", "pool w=3 s=2 p=1 round=floor"]
    assert lines(zeros, pool) == ["pad 1", "pool w=3 s=2 round=floor"]


def test_columns_behind_a_flatten_are_in_the_order_of_the_network(tmp_path):
    """Keras reads a map with its channels last, `flatten` with its channels first."""
    dense = layer("Dense", "scores", units=5)
    found = imported(tmp_path, sequential(MAP, layer("Flatten"), layer("Dropout", rate=0.5), dense))
    assert body(found.text) == ["flatten | dropout", "scores: fc 5"]
    assert found.stored["scores.weight"][:3] == (("scores/0",), (64, 4, 5), (2, 1, 0))
    normed = imported(tmp_path, sequential(MAP, layer("Flatten"), layer("BatchNormalization", "norm"), dense))
    assert normed.stored["norm.running_mean"][:3] == (("norm/2",), (64, 4), (1, 0))
    plain = imported(tmp_path, sequential(MAP, layer("GlobalAveragePooling2D"), dense))
    assert plain.stored["scores.weight"][:3] == (("scores/0",), (), (1, 0))


def graph(tmp_path, shape, *entries, out=None):
    """The lines of layers that are called with lists of arguments."""
    layers = [input_layer(*shape, name="x"), *entries]
    last = out or entries[-1]["name"]
    return body(imported(tmp_path, functional(layers, [["x", 0, 0]], [[last, 0, 0]])).text)


def test_values_meet(tmp_path):
    side = called(layer("Conv2D", "side", filters=4, kernel_size=1), [tensor("x")])
    both = [tensor("x"), tensor("side")]
    shape = (8, 8, 4)
    assert graph(tmp_path, shape, side, called(layer("Add"), [both])) == ["residual: side: conv k=1 f=4"]
    assert graph(tmp_path, shape, side, called(layer("Subtract"), [both])) == ["sub:", "  skip", "  side: conv k=1 f=4"]
    assert graph(tmp_path, shape, side, called(layer("Concatenate", axis=-1), [both])) == ["concat:", "  skip", "  side: conv k=1 f=4"]
    assert graph(tmp_path, shape, side, called(layer("Average"), [both])) == ["residual: side: conv k=1 f=4", "mul 0.5"]


def test_a_gate_per_channel(tmp_path):
    """A vector times a map, as it is written in Keras, needs no layer of its own to be one."""
    entries = [
        called(layer("GlobalAveragePooling2D", "gap"), [tensor("x")]),
        called(layer("Reshape", "shaped", target_shape=[1, 1, 4]), [tensor("gap")]),
        called(layer("Conv2D", "less", filters=2, kernel_size=1), [tensor("shaped")]),
        called(layer("Conv2D", "gate", filters=4, kernel_size=1, activation="sigmoid"), [tensor("less")]),
        called(layer("Multiply"), [[tensor("x"), tensor("gate")]]),
    ]
    lines = ["mul:", "  skip", "  seq:", "    gap", "    less: conv k=1 f=2", "    gate: conv k=1 f=4", "    sigmoid"]
    assert graph(tmp_path, MAP, *entries) == lines


def test_attention(tmp_path):
    attention = layer("MultiHeadAttention", "attn", num_heads=2, key_dim=4)
    assert graph(tmp_path, (6, 8), called(attention, [tensor("x"), tensor("x")])) == ["attn: attn heads=2"]
    named = {**attention, "inbound_nodes": [{"args": [], "kwargs": {"value": tensor("x"), "query": tensor("x"), "use_causal_mask": True}}]}
    assert graph(tmp_path, (6, 8), named) == ["attn: attn heads=2 causal=yes"]


def test_functions(tmp_path):
    def function(kind, *args, **config):
        return {**called(layer(kind, **config), list(args)), "module": "keras.src.ops.numpy"}

    x = tensor("x")
    half = {"class_name": "__slice__", "config": {"start": None, "stop": 2, "step": None}}
    every = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}
    assert graph(tmp_path, MAP, function("Add", x, 3.0)) == ["add 3.0"]
    assert graph(tmp_path, MAP, function("Subtract", 1, x)) == ["mul -1.0 | add 1.0"]
    assert graph(tmp_path, MAP, function("TrueDivide", x, 4)) == ["mul 0.25"]
    assert graph(tmp_path, MAP, function("GetItem", x, [every, every, every, half])) == ["slice 0:2"]
    assert graph(tmp_path, MAP, function("Mean", x, axis=[1, 2], keepdims=True)) == ["gap"]
    assert graph(tmp_path, MAP, function("Max", x, axis=-1, keepdims=True)) == ["max axis=c"]
    assert graph(tmp_path, MAP, function("Reshape", x, newshape=[-1, 64, 4])) == ["tokens"]
    assert graph(tmp_path, LINE, function("Transpose", x, axes=[0, 2, 1])) == ["tokens | swap"]
    assert graph(tmp_path, LINE, function("GetItem", x, [every, 0])) == ["token 0"]


def test_a_hard_sigmoid_in_three_steps(tmp_path):
    steps = [
        {**called(layer("Add", "plus"), [tensor("x"), 3.0]), "module": "keras.src.ops.numpy"},
        called(layer("ReLU", "six", max_value=6.0), [tensor("plus")]),
        {**called(layer("Multiply", "sixth"), [tensor("six"), 1 / 6]), "module": "keras.src.ops.numpy"},
    ]
    assert graph(tmp_path, MAP, *steps) == ["hardsigmoid"]


def test_channels_first(tmp_path):
    given = [
        layer("Conv2D", "conv", filters=8, kernel_size=3, data_format="channels_first"),
        layer("BatchNormalization", "bn", axis=1, momentum=0.9, epsilon=1e-5),
        layer("ReLU"),
        layer("MaxPooling2D", pool_size=2, data_format="channels_first"),
        layer("Flatten", data_format="channels_first"),
        layer("Dense", "scores", units=3),
    ]
    found = imported(tmp_path, sequential((3, 10, 12), *given))
    assert found.text.splitlines()[2] == "input 10x12x3"
    assert body(found.text) == ["conv: conv k=3 f=8", "bn: bn", "relu", "pool w=2", "scores: fc 3"]
    assert found.stored["scores.weight"].order == (2, 1, 0)  # Keras's Flatten puts channels last before


def test_what_error_advice_has_a_layer_for_is_read():
    """Keras's names in the table that messages about Keras's lines are made from; the last need cells of another form."""
    known = {name for row in rows() if row.tool == "keras" and not row.reason for name in row.names}
    assert known - set(ROWS) == {"Input", "InputLayer", "CuDNNLSTM", "CuDNNGRU", "SpectralNormalization"}


def test_a_last_layer_of_your_own_has_no_shape_in_a_file(tmp_path):
    own = {**layer("Mine", "mine"), "module": "my.layers"}
    with pytest.raises(SpecError, match=r"layer `mine`: `Mine` is no layer of the language(.|\n)*takes the live model"):
        imported(tmp_path, sequential((4,), own))


def test_a_function_that_the_language_lacks_keeps_the_shape(tmp_path):
    found = imported(tmp_path, sequential((4,), layer("Dense", "last", units=3, activation="exponential")))
    assert body(found.text) == ["last: fc 3", 'custom "exponential" out=3']
    assert [one.code for one in found.diagnostics] == ["A610"]
