"""Caffe's layers, as its C++ code computes them."""

from __future__ import annotations

import random

import pytest

import archspec
from archspec.imports.caffe import read
from archspec.imports.caffe_names import by_slashes, nameless
from archspec.shortening.prove import difference

DATA = 'input: "data" input_dim: 1 input_dim: 4 input_dim: 9 input_dim: 8\n'


def imported(folder, text, inputs=None):
    path = folder / "small.prototxt"
    path.write_text(text)
    return read(path, inputs or {})


def layer(kind, settings="", bottoms="data", name="a", tops=None):
    """A layer of today's format."""
    read_, given = ("".join(f' {word}: "{blob}"' for blob in blobs.split()) for word, blobs in (("bottom", bottoms), ("top", tops or name)))
    return f'layer {{ name: "{name}" type: "{kind}"{read_}{given} {settings} }}\n'


def same(spec, found):
    """Whether a network is that of a spec, without the names."""
    return difference(archspec.loads(f"default round=floor\n{spec}"), found.network) is None


LAYERS = [
    (layer("Convolution", "convolution_param { num_output: 6 kernel_size: 3 }"), "a: conv k=3 f=6"),
    (layer("Convolution", "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 5 pad_h: 1 pad_w: 2 stride: 2 group: 2 bias_term: false }"), "a: conv k=3x5 f=6 s=2 p=1x2 g=2 bias=no"),
    (layer("Convolution", "convolution_param { num_output: 8 kernel_size: 3 kernel_size: 1 dilation: 2 group: 4 }"), "a: dwconv k=3x1 d=2 m=2"),
    (layer("Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 4 }"), "a: deconv k=4 f=4 s=2 p=1 g=4"),
    (layer("InnerProduct", "inner_product_param { num_output: 5 }"), "a: fc 5"),
    (layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 }"), "pool w=3 s=2 round=ceil"),
    (layer("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"), "avgpool w=3 s=2 p=1 round=ceil"),
    (layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 round_mode: FLOOR }"), "pool w=2"),
    (layer("Pooling", "pooling_param { pool: AVE global_pooling: true }"), "gap"),
    (layer("Pooling", "pooling_param { global_pooling: true }"), "gmp"),
    (layer("BatchNorm"), "a: bn momentum=0.001 affine=no"),
    (layer("BatchNorm") + layer("Scale", "scale_param { bias_term: true }", "a", "b"), "a: bn momentum=0.001"),
    (layer("Scale"), "a: scale"),
    (layer("Scale", "scale_param { num_axes: 0 }"), "a: scale shared=yes"),
    (layer("Bias"), "x: skip\na.bias: tensor 1x1x4\nfrom x | add a.bias"),
    (layer("LRN", "lrn_param { local_size: 3 alpha: 0.5 }"), "lrn n=3 alpha=0.5"),
    (layer("ReLU") + layer("ReLU", "relu_param { negative_slope: 0.2 }", "a", "b"), "relu | leaky 0.2"),
    (layer("PReLU"), "a: prelu shared=no"),
    (layer("PReLU", "prelu_param { channel_shared: true }"), "a: prelu"),
    (layer("ELU", "elu_param { alpha: 0.5 }") + layer("TanH", "", "a", "b") + layer("AbsVal", "", "b", "c"), "elu 0.5 | tanh | abs"),
    (layer("Sigmoid") + layer("BNLL", "", "a", "b") + layer("Swish", "", "b", "c"), "sigmoid | softplus | silu"),
    (layer("Clip", "clip_param { min: 0 max: 6 }"), "relu6"),
    (layer("Power", "power_param { scale: 2 shift: -1 }"), "mul 2 | add -1"),
    (layer("Power", "power_param { power: 2 }"), "x: skip\nmul x"),
    (layer("Dropout", "dropout_param { dropout_ratio: 0.4 }"), "dropout 0.4"),
    (layer("Softmax"), "softmax"),
    (layer("Flatten") + layer("Reshape", "reshape_param { shape { dim: 0 dim: 4 dim: 9 dim: -1 } }", "a", "b"), "flatten | reshape 9x8x4"),
    (layer("Reshape", "reshape_param { shape { dim: 0 dim: 4 dim: -1 } }") + layer("Softmax", "softmax_param { axis: 2 }", "a", "b"), "reshape 4x72 | softmax"),
    (layer("Split", tops="a b") + layer("ReLU", "", "b", "c") + layer("Silence", "", "a"), "relu"),
    (layer("Slice", tops="a b") + layer("Concat", "", "b a", "c"), "x: skip\na: slice 0:2\nfrom x | slice 2:4\nconcat a"),
    (layer("Slice", "slice_param { slice_point: 1 }", tops="a b") + layer("ReLU", "", "b", "c") + layer("Silence", "", "a"), "slice 1:4 | relu"),
    (layer("ReLU") + layer("Eltwise", "", "data a", "b"), "x: skip\nrelu | add x"),
    (layer("ReLU") + layer("Eltwise", "eltwise_param { operation: PROD }", "data a", "b"), "x: skip\nrelu | mul x"),
    (layer("ReLU") + layer("Eltwise", "eltwise_param { coeff: 1 coeff: -1 }", "data a", "b"), "a: relu\nfrom input | sub a"),
    (layer("ReLU") + layer("Eltwise", "eltwise_param { coeff: 2 coeff: 1 }", "data a", "b"), "a: relu\nfrom input | mul 2 | add a"),
    (layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 }", tops="a m") + layer("Upsample", "upsample_param { scale: 2 }", "a m", "b"), "x: skip\npool w=2 round=ceil\nunpool x w=2 round=ceil"),
    (layer("BN"), "a: bn"),
    (layer("BN", "bn_param { bn_mode: INFERENCE }"), "a.weight: scale\nx: skip\na.bias: tensor 1x1x4\nfrom x | add a.bias"),
    (layer("Interp", "interp_param { zoom_factor: 2 }"), "upsample to=17x15 mode=bilinear corners=yes"),
    (layer("ShuffleChannel", "shuffle_channel_param { group: 2 }"), "shuffle 2"),
    (layer("Reduction", "reduction_param { operation: MEAN axis: 2 }"), "gap | flatten"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), LAYERS, ids=lambda value: value[:60].replace("\n", " "))
def test_a_layer(tmp_path, text, line):
    found = imported(tmp_path, DATA + text)
    assert same(f"input 9x8x4\n{line}", found), found.text
    assert not found.note and not found.diagnostics


OLD = """
name: "old" input: 'data' input_dim: 1 input_dim: 4 input_dim: 9 input_dim: 8
layers { name: 'conv1' type: CONVOLUTION bottom: 'data' top: 'conv1' blobs_lr: 1 convolution_param { num_output: 6 kernel_size: 3 } }
layers { name: 'relu1' type: RELU bottom: 'conv1' top: 'conv1' }  # in place
layers { name: "fc" type: INNER_PRODUCT bottom: "conv1" top: "fc" inner_product_param: < num_output: 5; bias_term: false, > }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "fc" bottom: "label" }
"""


def test_names_that_are_taken(tmp_path):
    text = layer("Convolution", "convolution_param { num_output: 3 kernel_size: 1 }", name="input") + layer("ReLU", "", "input", "output")
    assert {row.name for row in archspec.analyze(imported(tmp_path, DATA + text).network).rows()} == {"input_2", "relu1"}
    odd = layer("Convolution", "convolution_param { num_output: 3 kernel_size: 1 }", name=":a")
    assert [row.name for row in archspec.analyze(imported(tmp_path, DATA + odd).network).rows()] == ["_a"]


def test_the_format_of_before_2014(tmp_path):
    found = imported(tmp_path, OLD.replace("input_dim: 1 ", 'input: "label" input_dim: 1 ', 1))
    assert same("input 9x8x4\nconv1: conv k=3 f=6\nrelu\nfc: fc 5 bias=no\nsoftmax", found), found.text


def phase(name):
    return f"include {{ phase: {name} }}"


def test_the_test_phase_counts(tmp_path):
    text = 'layer { name: "d" type: "Data" top: "data" top: "label" transform_param { crop_size: 9 mean_value: 1 } include { phase: TRAIN } }\n'
    text += text.replace("TRAIN", "TEST").replace("crop_size: 9", "crop_size: 8")
    text += layer("Dropout", phase("TRAIN"), tops="data") + layer("InnerProduct", "inner_product_param { num_output: 5 }", name="fc")
    text += layer("SoftmaxWithLoss", phase("TRAIN"), "fc label", "loss") + layer("Accuracy", phase("TEST"), "fc label", "accuracy")
    assert same("input 8x8x1\nfc: fc 5", imported(tmp_path, text))
    trained = text.replace('"Data" top: "data" top: "label" transform_param { crop_size: 8', '"Nothing" transform_param { crop_size: 8')
    assert same("input 9x9x1\ndropout\nfc: fc 5\nsoftmax", imported(tmp_path, trained))
    assert same("input 6x6x3\nfc: fc 5", imported(tmp_path, text, {"data": (6, 6, 3)}))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('input: "data" input_shape { dim: 1 dim: 4 dim: 9 dim: 8 }', "9x8x4"),
        ('input: "data" input_shape { dim: [1, 4, 9] }', "9x4"),
        ('layer { name: "d" type: "Input" top: "data" input_param { shape: { dim: 1 dim: 4 dim: 3 dim: 9 dim: 8 } } }', "3x9x8x4"),
        (
            'layer { name: "d" type: "MemoryData" top: "data" top: "l" memory_data_param { batch_size: 1 channels: 4 height: 9 width: 8 } }',
            "9x8x4",
        ),
        ('layer { name: "d" type: "ImageData" top: "data" top: "l" image_data_param { new_height: 9 new_width: 8 } }', "9x8x3"),
        ('layer { name: "d" type: "DummyData" top: "data" dummy_data_param { num: 1 channels: 4 height: 9 width: 8 } }', "9x8x4"),
    ],
)
def test_inputs(tmp_path, text, shape):
    assert same(f"input {shape}\nrelu", imported(tmp_path, f"{text}\n{layer('ReLU')}"))


def test_losses_of_one_label_are_heads_for_training(tmp_path):
    text = DATA + 'input: "label" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1\n'
    for name in ("loss1/fc", "loss2/fc"):
        text += layer("InnerProduct", "inner_product_param { num_output: 3 }", name=name)
        text += layer("SoftmaxWithLoss", "", f"{name} label", name.replace("fc", "loss"))
    found = imported(tmp_path, text)
    assert [(output.name, output.training) for output in found.network.outputs] == [("output", False), ("loss1", True)]


def test_weights_are_shared_by_their_names(tmp_path):
    settings = 'param { name: "w" } param { name: "b" } convolution_param { num_output: 4 kernel_size: 1 }'
    found = imported(tmp_path, DATA + layer("Convolution", settings) + layer("Convolution", settings, "a", "b"))
    assert archspec.analyze(found.network).totals.params == 20
    apart = imported(
        tmp_path,
        DATA
        + 2 * layer("Convolution", settings.replace('param { name: "w" } param { name: "b" } ', "")).replace('top: "a"', 'top: "data"'),
    )
    assert archspec.analyze(apart.network).totals.params == 40


def test_names_make_levels(tmp_path):
    text = DATA
    before = "data"
    for name in "abc":
        text += layer("Convolution", "convolution_param { num_output: 8 kernel_size: 1 }", before, f"unit_1{name}/reduce")
        text += layer("ReLU", "", f"unit_1{name}/reduce", f"unit_1{name}/relu", tops=f"unit_1{name}/reduce")
        text += layer(
            "Convolution", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }", f"unit_1{name}/reduce", f"unit_1{name}/expand"
        )
        text += layer("Eltwise", "", f"{before} unit_1{name}/expand", f"unit_1{name}/add")
        before = f"unit_1{name}/add"
    assert "block unit" in imported(tmp_path, text).text


def test_layers_without_weights_belong_to_what_they_work_on(tmp_path, monkeypatch):
    """As in the file of MobileNet, whose `relu2_1/dw` stands behind `conv2_1/dw/bn`."""
    monkeypatch.setattr("archspec.imports.caffe.NAMINGS", (by_slashes, nameless))
    text, before = DATA, "data"
    for name in ("2_1", "2_2", "2_3"):
        dw, sep = f"conv{name}/dw", f"conv{name}/sep"
        for own, reads, settings in (
            (dw, before, "num_output: 4 kernel_size: 3 pad: 1 group: 4"),
            (sep, dw, "num_output: 4 kernel_size: 1"),
        ):
            text += layer("Convolution", f"convolution_param {{ {settings} bias_term: false }}", reads, own)
            text += layer("BatchNorm", "", own, f"{own}/bn", own) + layer(
                "Scale", "scale_param { bias_term: true }", own, f"{own}/scale", own
            )
            text += layer("ReLU", "", own, own.replace("conv", "relu"), own)
        before = sep
    found = imported(tmp_path, text)
    names = [row.name for row in archspec.analyze(found.network).rows()]
    assert names[:4] == ["conv2_1.dw.conv", "conv2_1.dw.bn", "conv2_1.dw.relu1", "conv2_1.sep.conv"]
    assert found.text.count("\n") < 20 and not found.note


def resnet50():
    """The names and settings of ResNet-50's file by He et al. 2015, written by rule."""
    text = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 224 input_dim: 224\n'

    def unit(unit, filters, kernel, stride, before, name, relu=True):
        settings = (
            f"convolution_param {{ num_output: {filters} kernel_size: {kernel} pad: {kernel // 2} stride: {stride} bias_term: false }}"
        )
        found = layer("Convolution", settings, before, f"res{unit}_{name}") + layer(
            "BatchNorm", "", f"res{unit}_{name}", f"bn{unit}_{name}", f"res{unit}_{name}"
        )
        found += layer("Scale", "scale_param { bias_term: true }", f"res{unit}_{name}", f"scale{unit}_{name}", f"res{unit}_{name}")
        return found + (layer("ReLU", "", f"res{unit}_{name}", f"res{unit}_{name}_relu", f"res{unit}_{name}") if relu else "")

    text += layer("Convolution", "convolution_param { num_output: 64 kernel_size: 7 pad: 3 stride: 2 }", "data", "conv1")
    text += layer("BatchNorm", "", "conv1", "bn_conv1", "conv1") + layer(
        "Scale", "scale_param { bias_term: true }", "conv1", "scale_conv1", "conv1"
    )
    text += layer("ReLU", "", "conv1", "conv1_relu", "conv1") + layer(
        "Pooling", "pooling_param { kernel_size: 3 stride: 2 }", "conv1", "pool1"
    )
    before = "pool1"
    for stage, (filters, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 2):
        for at in range(count):
            name, stride = f"{stage}{'abcdef'[at]}", 1 if at or stage == 2 else 2
            side = before
            if not at:
                text += unit(name, 4 * filters, 1, stride, before, "branch1", relu=False)
                side = f"res{name}_branch1"
            text += unit(name, filters, 1, stride, before, "branch2a") + unit(name, filters, 3, 1, f"res{name}_branch2a", "branch2b")
            text += unit(name, 4 * filters, 1, 1, f"res{name}_branch2b", "branch2c", relu=False)
            text += layer("Eltwise", "", f"{side} res{name}_branch2c", f"res{name}") + layer(
                "ReLU", "", f"res{name}", f"res{name}_relu", f"res{name}"
            )
            before = f"res{name}"
    text += layer("Pooling", "pooling_param { pool: AVE kernel_size: 7 stride: 1 }", before, "pool5")
    return (
        text + layer("InnerProduct", "inner_product_param { num_output: 1000 }", "pool5", "fc1000") + layer("Softmax", "", "fc1000", "prob")
    )


def test_resnet50(tmp_path):
    """It has the parameters of the one in torchvision, and 64 biases of its first convolution; its blocks stride in their first one."""
    found = imported(tmp_path, resnet50())
    assert archspec.analyze(found.network).totals.params == archspec.analyze(archspec.load("resnet50")).totals.params + 64
    assert archspec.analyze(found.network).totals.macs == 3_857_973_248
    assert {"res2a.branch1.conv", "res5c.branch2b.bn", "fc1000"} <= {row.name for row in archspec.analyze(found.network).rows()}
    assert found.text.count("\n") < 56


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("", "A612", 1, "has no `layer"),
        ('net: "train.prototxt"', "A612", 1, "has no `layer"),
        ("layer { name: 'a'", "A612", 1, "this message has no end"),
        ("\n}", "A612", 2, "a field was expected"),
        ("name 'a'", "A612", 1, "`:` was expected"),
        ("name:", "A612", 1, "the file ends"),
        ('name: "a', "A612", 1, "has no meaning here"),
        ("layer {" * 100, "A612", 1, "64 deep"),
        ("a { " * 1000 + "}" * 1000, "A612", 1, "64 deep"),
        ("a: 1 " * 200_001, "A612", 1, "more than 200,000 fields"),
        ("\0\1" * 10, "A612", 1, "binary data"),
        ("layers { layer { name: 'a' type: 'conv' } }", "A612", 1, "first format"),
        (DATA + layer("ReLU") * 5_001, "A612", 5_002, "more than 5,000 layers"),
        ("layer { name: 'd' type: 'Data' top: 'data' }" + layer("ReLU"), "A613", 1, "what shape the input `data` has"),
        (DATA + layer("Python"), "A611", 2, "no type of layer that is read"),
        (layer("Python", "", "") + layer("ReLU", "", "a", "b"), "A613", 1, "what shape the input `a` has"),
        (
            DATA + layer("Pooling", "pooling_param { kernel_size: 2 }", tops="a m") + layer("ReLU", "", "m", "b"),
            "A611",
            3,
            "places of maxima",
        ),
        (DATA + layer("Convolutional"), "A611", 2, "no type of layer that is read"),
        (DATA + layer("ReLU", "", "b"), "A611", 2, "no layer before it gives the blob `b`"),
        (DATA + layer("ReLU", "", "b") + layer("ReLU", "", "a", "b"), "A611", 2, "gives the blob `b`"),
        (DATA + layer("Convolution", "\nconvolution_param { kernel_size: 3 }"), "A611", 3, "`num_output` is missing"),
        (DATA + layer("Convolution", "convolution_param {\nnum_output: x kernel_size: 3 }"), "A611", 3, "whole number, not `x`"),
        (DATA + layer("Convolution", "convolution_param { num_output: 6 kernel_size: 30 }"), "A611", 2, "window of 30"),
        (DATA + layer("Convolution", "convolution_param { num_output: 6 kernel_size: 3 group: 3 }"), "A611", 2, "group"),
        (DATA + layer("Convolution", f"convolution_param {{ num_output: {10**18 - 1} kernel_size: 1 }}"), "A611", 2, "2^63"),
        (DATA + layer("Pooling", "pooling_param { kernel_size: 1 stride: 6 }", "data"), "A611", 2, "begins behind the blob"),
        (DATA + layer("Eltwise", "", "data"), "A611", 2, "needs 2"),
        (DATA + layer("Slice", tops="a b c"), "A611", 2, "do not divide into 3"),
        (DATA + layer("Reshape", "reshape_param { shape { dim: 0 dim: 7 dim: -1 } }"), "A611", 2, "of 288 numbers"),
        (DATA + layer("SPP", "spp_param { pyramid_height: 99 }"), "A611", 2, "no pyramid"),
        (DATA + layer("Concat", "concat_param { axis: 9 }", "data data"), "A611", 2, "no axis of a blob"),
    ],
    ids=lambda value: value[:40].replace("\n", " ") if isinstance(value, str) else None,
)
def test_what_cannot_be_read_has_a_place(tmp_path, text, code, line, words):
    with pytest.raises(archspec.SpecError) as error:
        imported(tmp_path, text)
    found = error.value.diagnostics[0]
    assert (found.code, found.span.line if found.span else 1) == (code, line)
    assert words in found.message


def test_all_that_cannot_be_read_is_said_in_one_run(tmp_path):
    text = DATA + layer("Python") + layer("ReLU", "", "a", "b") + layer("ReLU", "", "nothing", "c") + layer("LSTM", "", "data", "d")
    with pytest.raises(archspec.SpecError) as error:
        imported(tmp_path, text)
    assert [found.span.line for found in error.value.diagnostics] == [2, 4, 5]


def test_boxes_of_positions_and_those_that_are_kept(tmp_path):
    """Four numbers for a ratio of 1, for 2 and 1/2, and for `max_size`, at 9x8 positions; ratios that are there twice count once."""
    priors = "min_size: 30 max_size: 60 aspect_ratio: 2 aspect_ratio: 1"
    text = (
        layer("PriorBox", f"prior_box_param {{ {priors} flip: true }}", "data data", "p")
        + layer("PriorBox", f"prior_box_param {{ {priors} flip: false }}", "data data", "q")
        + layer("Concat", "concat_param { axis: 2 }", "p q", "c")
    )
    found = imported(tmp_path, DATA + text)
    assert found.network.outputs[0].name == "output" and "out=2x1152" in found.text and "out=2x864" in found.text
    kept = "detection_output_param { num_classes: 21 keep_top_k: 200 }"
    assert "out=200x7x1" in imported(tmp_path, DATA + text + layer("DetectionOutput", kept, "data data c", "d")).text
    with pytest.raises(archspec.SpecError, match="how many boxes"):
        imported(tmp_path, DATA + layer("DetectionOutput", "", "data data", "d"))


def test_a_layer_that_became_custom_is_shown_in_the_file(tmp_path):
    (found,) = imported(tmp_path, DATA + layer("Power", "power_param { power: 0.5 }")).diagnostics
    assert (found.code, found.severity, found.span.line) == ("A610", "warning", 2)
    assert "layer `a`: `Power` became `custom`" in found.message


def test_mutations_are_read_or_refused(tmp_path, rounds):
    pieces = [
        "{",
        "}",
        "layer {",
        "top: 'data'",
        "bottom: 'a'",
        "9" * 30,
        "-1",
        "kernel_size: 2 ",
        "axis: 2 ",
        "'",
        '"',
        ":",
        "\n#",
        "[1,2",
        "é",
        "\x07",
        "dim: 0 ",
    ]
    seeds = [DATA + "".join(text for text, _ in LAYERS[at : at + 3]) for at in range(0, 36, 3)] + [OLD, resnet50()[:3000]]
    chance = random.Random(16)
    for _ in rounds(300):
        text = chance.choice(seeds)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(pieces) + text[at + chance.choice((0, 0, 1, 9)) :]
        try:
            archspec.analyze(imported(tmp_path, text).network)
        except archspec.SpecError as error:
            assert all(found.code in ("A611", "A612", "A613", "A610") for found in error.diagnostics), text
