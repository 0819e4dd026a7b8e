"""The text of `emit keras`: what a Keras user would write."""

from __future__ import annotations

import re

import pytest

import archspec
from tests.helpers.paths import SPECS


def text(source, **options):
    return archspec.emit(archspec.loads(source, **options), "keras")


def lines(source):
    """The statements between the imports and the end."""
    return text(source).partition("from keras import")[2].partition("\n")[2].partition('if __name__ == "__main__"')[0].split("\n")


def said(source):
    return [line for line in lines(source) if line.strip()]


def test_a_plain_chain_is_the_slide():
    emitted = archspec.emit(archspec.load("lenet_keras"), "keras")
    assert (
        """
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(20, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(50, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(500, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    name="lenet_keras",
)
"""
        in emitted
    )
    assert "keras.losses.SparseCategoricalCrossentropy()" in emitted
    assert emitted.endswith('if __name__ == "__main__":\n    model.summary()\n')


def test_a_block_is_a_function_with_an_if_where_guards_differ():
    emitted = archspec.emit(archspec.load("resnet18"), "keras")
    assert emitted.count("def ") == 1
    assert "    if s > 1 or channels != n:\n        x = layers.Conv2D(n, 1, strides=s, use_bias=False, name=" in emitted
    assert 'padding="same" if s == 1 else "valid"' in emitted
    assert '# layer1\nfor i in range(2):\n    x = basic(x, 64, 1, name=f"layer1_{i}")\n' in emitted


def test_positions_that_guards_shift_are_computed():
    emitted = archspec.emit(archspec.load("mobilenet_v3_large"), "keras")
    assert emitted.count("def bneck") == emitted.count("def act") == 1
    assert "{name}_block_{int(e != channels)}_0" in emitted
    assert "{name}_block_{1 + (e != channels) + se}_0" in emitted


def test_a_condition_and_its_opposite_are_one():
    emitted = archspec.emit(archspec.load("mobilenet_v3_large"), "keras")
    assert '    return layers.Activation("hard_swish")(x) if hs else layers.ReLU()(x)\n' in emitted
    assert "    if s > 1:\n        if s > 1:" not in archspec.emit(archspec.load("shufflenet_v2_x1_0"), "keras")


def test_what_takes_no_layer_is_an_expression():
    assert "x = x[:, 0]" in said("input 4x4x3\ntokens\nfirst\n")
    assert "x = x + 0.5" in said("input 3\nfc 4\nadd 0.5\n")
    assert "        layers.Rescaling(0.5)," in said("input 3\nfc 4\nmul 0.5\n")
    assert "y = x[..., 2:]" in said("input 4x4x6\nx: relu\nslice 2:6 | conv k=1 f=6 | add x\n")


def test_the_arguments_of_batch_norms_are_said_once():
    emitted = archspec.emit(archspec.load("resnet18"), "keras")
    assert emitted.count("momentum=") == emitted.count("epsilon=") == 1


def test_same_is_written_only_where_it_is_the_same():
    assert '"same"' in text("input 8x8x3\nconv k=3 f=4 p=1\n")
    assert '"same"' not in (found := text("input 8x8x3\nconv k=3 f=4 s=2 p=1 round=floor\n"))
    assert "ZeroPadding2D(1)" in found
    assert '"same"' in text("input 7x7x3\nconv k=3 f=4 s=2 p=1\n")


def test_zeros_before_a_maximum_need_numbers_that_are_not_negative():
    assert "layers.ZeroPadding2D(1)" in text("input 8x8x3\nrelu\npool w=3 s=2 p=1 round=floor\n")
    assert "layers.ZeroPadding2D" not in text("input 8x8x3\npool w=3 s=2 p=1 round=floor\n")


def test_a_flat_vector_that_no_fc_reads_is_in_the_order_of_the_spec():
    assert "Permute" not in text("input 4x4x3\nflatten\nfc 5\n")
    assert "Permute((3, 1, 2))" in text("input 4x4x3\nflatten\n")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("input 4x4x3\na:\n  b_c: conv k=1 f=2\na_b:\n  c: conv k=1 f=2\nfc 300\n", {"a__b_c", "a_b__c"}),
        ("input 4x4x3\nconv2d: conv k=1 f=2\n", {"conv2d_layer"}),
        ('input 4x4x3\n"größe": conv k=1 f=2\n', {"groe"}),
        ('input 4x4x3\n"é": conv k=1 f=2\n"e": conv k=1 f=2\n', {"ue9", "e"}),
    ],
)
def test_names_are_ascii_and_of_one_layer_each(source, names):
    found = set(re.findall(r'name="([^"]*)"', text(source))) - {"model"}
    assert found >= names or all(name.isascii() for name in found)
    assert len(found) >= len(names)


def test_several_outputs_are_a_dict():
    assert 'keras.Model(inputs, {"output": ' in archspec.emit(archspec.load("inception_v3"), "keras")


def test_global_pooling_includes_the_flatten_behind_it():
    emitted = archspec.emit(archspec.load("googlenet"), "keras")
    assert "layers.GlobalAveragePooling2D()(x)\nx = layers.Dropout(0.2)(x)\nx = layers.Dense(" in emitted


@pytest.mark.parametrize("name", [path.stem for path in SPECS])
def test_every_bundled_spec_is_emitted_without_keras(name):
    emitted = archspec.emit(archspec.load(name), "keras")
    compile(emitted, name, "exec")
    assert all(len(line) <= 140 for line in emitted.split("\n")), name


def test_a_function_that_nothing_calls_is_not_written():
    source = "input 9x9x4\nx: conv k=1 f=4\nadd:\n  skip\n  w:\n    again x\n    conv k=1 f=4\nfrom x | relu\n"
    assert "def " not in text(source)
    assert "def squeeze" in archspec.emit(archspec.load("mobilenet_v3_large"), "keras")


def test_a_stride_that_a_block_is_given_is_padded_by_the_word_that_the_spec_has():
    source = "block b(k, s=1):\n  dwconv k=k s=s p=same\n  conv k=3 s=s f=8 p=same\n\ninput 15x14x4\nadd:\n  skip\n  relu\nb 3\nb 4 s=2\n"
    assert text(source).count('strides=s, padding="same"') == 2
    assert "ZeroPadding" not in text(source)


def test_a_comment_stands_before_a_label_of_several_layers():
    found = text("input 8x8x3\nstem:\n  conv k=3 f=4\n  bn\nresidual:\n  head: conv k=1 f=4\n  relu\nend:\n  c: conv k=1 f=5\n")
    assert re.findall(" *# (.*)", found) == ["stem"]
    assert 'name="end_c"' in found
    assert "#" not in text("block b(n):\n  t: tensor 1x1x(n)\n\ninput 4x4x3\nb 3\nb 3\n"), "its function has no statements"


def test_a_number_of_several_terms_is_in_parentheses():
    found = text("block b(n):\n  sub n-1\n  conv k=1 f=n\n\ninput 4x4x3\nb 3\nb 5\n")
    assert "x - (n - 1)" in found


def test_a_number_needs_no_initializers_of_words():
    tensor = "input 4x4x3\nx: skip\nt: tensor 1x1x3 init={}\nfrom x | mul t\n"
    assert "def start(" not in text(tensor.format("2"))
    assert "def start(" in text(tensor.format("normal"))


def test_rounds_of_several_statements_are_a_loop():
    emitted = archspec.emit(archspec.load("densenet121"), "keras")
    assert (
        """
    for i in range(1, 7):
        y = bottleneck(x, k, name=f"{name}_denselayer{i}")
        x = layers.Concatenate()([x, y])
    return x
"""
        in emitted
    )
