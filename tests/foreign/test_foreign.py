"""Names of other tools: each line of theirs, rewritten, is the layer that PyTorch or Keras builds from it."""

import inspect
import re

import pytest

from archspec.api import Options, compile_text
from archspec.foreign.equivalents import REASONS, foreign, ignored, rows
from archspec.foreign.whole_lines import rewritten
from archspec.ops import STEPS
from archspec.report import Report
from tests.helpers.keras import keras as keras_on_torch

MAPS = {"1": (16, 4), "2": (16, 12, 4), "3": (8, 10, 8, 4)}
"""Shapes for layers with so many axes, channels last."""

TORCH = {
    "Conv": [
        "4, 6, 3",
        "4, 8, kernel_size=3, stride=2, padding=1",
        "4, 8, 3, padding='same', bias=False",
        "4, 8, 2, dilation=2, groups=2",
        "in_channels=4, out_channels=6, kernel_size=5",
    ],
    "LazyConv": ["6, 3", "out_channels=8, kernel_size=3, stride=2, padding=1, bias=False"],
    "ConvTranspose": ["4, 6, 3", "4, 8, 3, stride=2, padding=1, output_padding=1", "4, 8, 2, 2, bias=False"],
    "LazyConvTranspose": ["6, 3", "8, 3, stride=2, padding=1, output_padding=1"],
    "MaxPool": ["2", "3, 2", "3, stride=2, padding=1", "kernel_size=3, stride=2, ceil_mode=True", "3"],
    "AvgPool": ["2", "3, 2, 1", "3, stride=2, padding=1, count_include_pad=False"],
    "AdaptiveAvgPool": ["1", "4"],
    "AdaptiveMaxPool": ["1", "4"],
    "BatchNorm": ["4", "4, eps=0.001, momentum=0.01", "4, affine=False"],
    "SyncBatchNorm": ["4"],
    "LazyBatchNorm": [""],
    "InstanceNorm": ["4", "4, affine=True"],
    "LazyInstanceNorm": ["", "affine=True"],
    "GroupNorm": ["2, 4", "num_groups=4, num_channels=4"],
    "LocalResponseNorm": ["5", "size=3, alpha=0.001, beta=0.5, k=2"],
    "CrossMapLRN": ["5"],
    "LeakyReLU": ["", "0.2", "negative_slope=0.1, inplace=True"],
    "ELU": ["", "0.5"],
    "GELU": ["", "approximate='tanh'"],
    "PReLU": ["", "4"],
    "GLU": ["dim=1"],
    "Softmax": ["dim=1"],
    "Softmax2d": [""],
    "LogSoftmax": ["dim=1"],
    "Dropout": ["", "0.25", "p=0.5, inplace=True"],
    "ZeroPad": ["1"],
    "ZeroPad1d": ["(1, 2)"],
    "ZeroPad2d": ["(0, 1, 0, 1)", "(1, 2, 3, 4)", "(1, 1, 2, 2)"],
    "ZeroPad3d": ["(1, 2, 3, 4, 5, 6)"],
    "ConstantPad": ["2, 0"],
    "ReflectionPad": ["2"],
    "ReplicationPad": ["2"],
    "CircularPad": ["padding=1"],
    "ReflectionPad1d": ["(1, 3)"],
    "ReplicationPad2d": ["(1, 2, 0, 0)"],
    "CircularPad3d": ["(1, 2, 0, 0, 3, 3)"],
    "Conv2d": ["4, 6, 3, padding=1, padding_mode='reflect'", "4, 6, 3, 1, 2, padding_mode='circular'"],
    "PixelUnshuffle": ["2"],
    "Upsample": ["scale_factor=2"],
    "UpsamplingNearest": ["scale_factor=2"],
    "PixelShuffle": ["2"],
    "ChannelShuffle": ["2"],
    "ReLU": ["", "inplace=True"],
    "ReLU6": ["inplace=True"],
}
"""Arguments for layers on maps of four channels; those of names that are missing take none."""
TORCH_VECTOR = {
    "Unflatten": ["1, (3, 2, 2)"],
    "Linear": ["12, 5", "12, 5, bias=False", "in_features=12, out_features=7"],
    "LazyLinear": ["5"],
}
TORCH_TOKENS = {
    "LayerNorm": ["4", "(4,), eps=0.001", "4, bias=False", "4, elementwise_affine=False"],
    "RMSNorm": ["4", "(4,), eps=0.001"],
    "RNN": ["4, 3, batch_first=True", "4, 3, 2, bias=False, bidirectional=True, batch_first=True"],
    "LSTM": ["4, 3, batch_first=True", "input_size=4, hidden_size=3, num_layers=2, bidirectional=True, batch_first=True"],
    "GRU": ["4, 3, batch_first=True", "4, 3, bias=False, batch_first=True"],
    "MultiheadAttention": ["4, 2, batch_first=True", "embed_dim=4, num_heads=2, bias=False, batch_first=True"],
}

KERAS = {
    "Conv": [
        "6, 3",
        "8, (3,), activation='relu'",
        "8, kernel_size=3, strides=2, padding='same', use_bias=False",
        "8, 3, dilation_rate=2",
        "4, 3, groups=2, kernel_initializer='he_normal'",
    ],
    "ConvTranspose": ["6, 3", "8, 3, strides=2, padding='same'", "8, 2, strides=3", "8, 3, strides=2, activation='relu'"],
    "SeparableConv": ["6, 3", "8, 3, padding='same', use_bias=False", "8, 3, depth_multiplier=2, activation='relu'"],
    "DepthwiseConv": ["3", "3, strides=2, padding='same', depth_multiplier=2, use_bias=False"],
    "MaxPooling": ["", "2", "pool_size=3, strides=2", "3, strides=2, padding='same'"],
    "AveragePooling": ["2", "pool_size=3, strides=2", "3, strides=2, padding='same'"],
    "GlobalAveragePooling": ["", "keepdims=True"],
    "GlobalMaxPooling": ["", "keepdims=True"],
    "AdaptiveAveragePooling": ["1", "4"],
    "AdaptiveMaxPooling": ["1", "4"],
    "GroupNormalization": ["2", "groups=4"],
    "Activation": ["'relu'", "'tanh'", "activation='gelu'", "'linear'"],
    "ReLU": ["", "max_value=6", "negative_slope=0.1"],
    "LeakyReLU": ["", "negative_slope=0.2"],
    "ELU": ["", "alpha=0.5"],
    "Dropout": ["0.5"],
    "SpatialDropout": ["0.5"],
    "ZeroPadding": ["", "2"],
    "ZeroPadding1D": ["(1, 2)"],
    "ZeroPadding2D": ["((0, 1), (0, 1))", "((0, 1), (2, 3))", "(1, 2)"],
    "ZeroPadding3D": ["((0, 1), (2, 3), 1)", "(1, 2, 3)"],
    "Cropping": ["", "2"],
    "Cropping1D": ["(1, 2)", "cropping=(0, 3)"],
    "Cropping2D": ["((2, 2), (1, 1))", "(0, 3)"],
    "Cropping3D": ["(1, 2, 3)"],
    "Conv1D": ["8, 3, padding='causal', dilation_rate=2"],
    "UpSampling": ["", "3"],
    "UpSampling2D": ["size=(2, 2)", "2, interpolation='bilinear'"],
}
ALIASES = {
    "Convolution": "Conv",
    "ConvolutionTranspose": "ConvTranspose",
    "SeparableConvolution": "SeparableConv",
    "MaxPool": "MaxPooling",
    "AvgPool": "AveragePooling",
    "GlobalAvgPool": "GlobalAveragePooling",
    "GlobalMaxPool": "GlobalMaxPooling",
}
KERAS_VECTOR = {
    "Reshape": ["(2, 2, 3)", "target_shape=(6, 2)", "(12,)"],
    "Dense": ["5", "units=5, activation='softmax', use_bias=False", "5, kernel_initializer='glorot_uniform'"],
    "PReLU": [""],
}
KERAS_TOKENS = {
    "MultiHeadAttention": ["num_heads=2, key_dim=2", "2, 3, use_bias=False", "num_heads=2, key_dim=3, output_shape=6"],
    "GroupQueryAttention": ["2, 4, 2", "head_dim=3, num_query_heads=4, num_key_value_heads=4, use_bias=False"],
    "LayerNormalization": ["", "epsilon=1e-6", "center=False"],
    "RMSNormalization": [""],
    "Permute": ["(2, 1)"],
    "SimpleRNN": ["3, use_bias=False", "3, return_sequences=True, use_bias=False"],
    "LSTM": ["3, use_bias=False", "units=3, return_sequences=True, use_bias=False"],
    "GRU": ["3", "3, return_sequences=True", "3, use_bias=False"],
    "Bidirectional": ["layers.GRU(3)", "layers.LSTM(3, return_sequences=True, use_bias=False)"],
}

QUICK_KERAS = ("Conv2D", "SeparableConv1D", "MaxPooling2D", "BatchNormalization", "Dense", "MultiHeadAttention")


def named(tool):
    return [name for row in rows() if row.tool == tool and row.steps for name in row.names]


def compiled(line, shape, before=""):
    """The network of a rewritten line after an input; the rounding is the frameworks'."""
    steps = f"{before}{line}" if not before or line.startswith("input") else f"{before} | {line}"
    text = f"default round=floor\ninput {'x'.join(map(str, shape))}\n{steps}\n"
    network, found = compile_text(text, "case.arch", Options())
    assert network is not None, [(d.message, d.help) for d in found]
    report = Report(network)
    return tuple(report.outputs["output"]), report.totals.params


def ours(call, shape, before=""):
    found = rewritten(call)
    assert found is not None and found.line is not None, (call, found)
    return compiled(found.line, shape, before)


def rank_of(name):
    return next((digit for digit in re.findall(r"([123])[dD]", name)), "2")


def torch_cases():
    special = {"Embedding", "EmbeddingBag", "spectral_norm", "weight_norm", "StochasticDepth", "DropPath", "interpolate", "cat"}
    for name in named("torch"):
        if name in special:
            continue
        stem = re.sub(r"(?<!Softmax)[123]d", "", name)
        for table, shape in ((TORCH_VECTOR, "vector"), (TORCH_TOKENS, "tokens"), (TORCH, "map")):
            cases = [*table.get(stem, []), *(table.get(name, []) if name != stem else [])]
            if cases:
                for arguments in cases:
                    yield pytest.param(name, arguments, shape, id=f"{name}({arguments})")
                break
        else:
            yield pytest.param(name, "", "map", id=name)


@pytest.mark.parametrize(("name", "arguments", "kind"), list(torch_cases()))
def test_a_layer_of_torch_is_the_layer_that_torch_builds(name, arguments, kind):
    torch = pytest.importorskip("torch", reason="builds the layer that is compared")
    call = f"nn.{name}({arguments})"
    shape = {"vector": (12,), "tokens": (4, 2, 4), "map": MAPS[rank_of(name)]}[kind]
    layer = eval(call, {"nn": torch.nn}).eval()
    x = torch.zeros(1, shape[-1], *shape[:-1]) if kind == "map" else torch.zeros(1, 8, 4) if kind == "tokens" else torch.zeros(1, 12)
    y = layer(x, x, x) if name == "MultiheadAttention" else layer(x)
    y = y[0] if isinstance(y, tuple) else y
    got = tuple(y.shape[1:]) if kind == "tokens" or y.dim() == 2 else (*y.shape[2:], y.shape[1])
    params = sum(p.numel() for p in layer.parameters())
    assert ours(call, shape, "tokens" if kind == "tokens" else "") == (got, params)


def keras_cases():
    special = {"Embedding", "Input", "InputLayer", "Add", "Concatenate", "Multiply", "Subtract", "TimeDistributed", "CuDNNLSTM", "CuDNNGRU"}
    wraps = {"SpectralNormalization": "layers.Conv2D(6, 3, activation='relu')"}
    for name in named("keras"):
        if name in special:
            continue
        stem = re.sub(r"[123]D", "", name)
        stem = ALIASES.get(stem, stem)
        marks = () if name in QUICK_KERAS else pytest.mark.slow
        for table, shape in ((KERAS_VECTOR, "vector"), (KERAS_TOKENS, "tokens"), (KERAS, "map")):
            arguments = [*table.get(stem, []), *(table.get(name, []) if name != stem else [])]
            if arguments:
                for written in arguments:
                    fits = written.replace("(3,)", "(" + "3, " * int(rank_of(name)) + ")")
                    yield pytest.param(name, fits, shape, marks=marks, id=f"{name}({fits})")
                break
        else:
            yield pytest.param(name, wraps.get(name, ""), "map", marks=marks, id=name)


@pytest.fixture(scope="module")
def keras():
    return keras_on_torch()


@pytest.mark.parametrize(("name", "arguments", "kind"), list(keras_cases()))
def test_a_layer_of_keras_is_the_layer_that_keras_builds(keras, name, arguments, kind):
    call = f"layers.{name}({arguments})"
    shape = {"vector": (12,), "tokens": (4, 2, 4), "map": MAPS[rank_of(name)]}[kind]
    layer = eval(call, {"layers": keras.layers})
    entry = keras.Input((8, 4) if kind == "tokens" else shape)
    y = layer(entry, entry) if "Attention" in name else layer(entry)
    params = sum(
        int(weight.shape.num_elements() if hasattr(weight.shape, "num_elements") else _size(weight.shape))
        for weight in layer.trainable_weights
    )
    assert ours(call, shape, "tokens" if kind == "tokens" else "") == (tuple(y.shape[1:]), params)


def _size(shape):
    product = 1
    for length in shape:
        product *= length
    return product


def test_every_layer_of_torch_is_in_the_table():
    torch = pytest.importorskip("torch", reason="lists its layers")
    modules = [name for name, value in vars(torch.nn).items() if inspect.isclass(value) and issubclass(value, torch.nn.Module)]
    assert [name for name in modules if not any(name in row.names for row in foreign(f"nn.{name}"))] == []


def test_every_layer_of_keras_is_in_the_table(keras):
    classes = [name for name, value in vars(keras.layers).items() if inspect.isclass(value)]
    assert [name for name in classes if not any(name in row.names for row in foreign(f"layers.{name}"))] == []


def parameters(row):
    return {parameter.name for parameter in row.parameters}


@pytest.mark.parametrize("tool", ["torch", "keras"])
def test_parameters_stand_in_the_order_of_their_tool(tool, keras):
    torch = pytest.importorskip("torch", reason="has the signatures")
    module = torch.nn if tool == "torch" else keras.layers
    for row in rows():
        if row.tool != tool or not row.steps:
            continue
        for name in row.names:
            if name in (
                "ReLU6",
                "Identity",
                "StochasticDepth",
                "DropPath",
                "interpolate",
                "cat",
                "spectral_norm",
                "weight_norm",
                "CuDNNLSTM",
                "CuDNNGRU",
                "Input",
                "Add",
                "Concatenate",
                "Multiply",
                "Subtract",
            ):
                continue
            signature = [p for p in inspect.signature(getattr(module, name).__init__).parameters if p not in ("self", "args", "kwargs")]
            told = [p.name for p in row.parameters if p.name in signature]
            assert told == signature[: len(told)] or set(told) <= set(signature), (name, told, signature)
            assert told == [p for p in signature if p in told], (name, told, signature)


def test_every_argument_of_a_layer_is_in_the_table(keras):
    """Or is one that changes nothing in a network; a shape with the batch is read before the table."""
    torch = pytest.importorskip("torch", reason="has the signatures")
    lacking = []
    for row in rows():
        for name in row.names if row.tool in ("torch", "keras") and row.steps and row.steps not in ("input", "skip") else ():
            layer = getattr({"torch": torch.nn, "keras": keras.layers}[row.tool], name, None)
            signature = inspect.signature(layer.__init__).parameters if layer else ()
            known = {"self", "args", "kwargs", *parameters(row)}
            lacking += [f"{name}({word})" for word in signature if word not in known and not ignored(word)]
    assert lacking == []


def test_every_initialiser_is_ours_or_said_to_be_none(keras):
    torch = pytest.importorskip("torch", reason="lists its functions")
    names = [name for name in dir(keras.initializers) if name.islower() and name not in ("get", "serialize", "deserialize")]
    names = [name for name in names if name[0] != "_"] + [name for name in dir(torch.nn.init) if name.endswith("_") and name[0] != "_"]
    written = {name: rewritten(f"layers.Dense(8, kernel_initializer='{name}')") for name in names}
    lacking = [name for name, found in written.items() if found.remarks]
    assert all(compiled(found.line, (12,)) == ((8,), 104) for found in written.values())
    assert all("the language has no initialisation" in written[name].remarks[0] for name in lacking)
    assert {"constant", "identity", "ones", "lecun_uniform", "random_uniform", "stft", "variance_scaling"} <= set(lacking)
    assert len(lacking) < len(names) / 2


@pytest.mark.parametrize("row", [row for row in rows() if row.reason], ids=lambda row: f"{row.tool}-{row.names[0]}")
def test_what_the_language_does_not_have_is_said(row):
    for name in row.names:
        module = {"torch": "F." if row.reason == REASONS["functional"] or name[0].islower() else "nn.", "keras": "layers."}.get(
            row.tool, ""
        )
        found = rewritten(f"{module}{name}(3)")
        assert found is None or found.line is None or name.lower() in STEPS, (name, found)
        network, told = compile_text(f"input 8x8x3\n{name} 3\n", "case.arch", Options())
        if name in STEPS:
            continue
        assert network is None
        assert "did you mean" not in (told[0].help or ""), (name, told[0].help)


@pytest.mark.parametrize(
    ("word", "layer"),
    [
        ("gmp", ""),
        ("rnn", ""),
        ("unitnorm", "l2norm"),
        ("Softmax2d", "softmax"),
        ("median", ""),
        ("tan", ""),
        ("Unflatten", ""),
        ("addmm", ""),
    ],
)
def test_a_name_of_another_tool_is_no_misspelling(word, layer):
    for line in (f"{word} 3", word, f"{word} k=3"):
        for told in compile_text(f"input 8x8x3\n{line}\n", "case.arch", Options())[1]:
            assert "did you mean" not in (told.help or ""), told.help
            assert not layer or told.code != "A101" or f"`{layer}" in told.help


def test_no_name_of_torch_or_keras_is_a_misspelling_of_a_layer(keras):
    """Of layers and functions, as they write them and in small letters; `block` is no layer."""
    torch = pytest.importorskip("torch", reason="lists its names")
    listed = [*dir(torch.nn), *dir(torch.nn.functional), *dir(keras.layers), *dir(keras.activations), *dir(torch.nn.init)]
    names = sorted({case for name in listed if name[0] != "_" for case in (name, name.lower())} - {"Block", "block"})
    guessed = {}
    for name in names:
        found = compile_text(f"input 8x8x3\n{name} 3\n", "case.arch", Options())[1]
        helps = [told.help for told in found if told.code == "A101" and "did you mean" in (told.help or "")]
        guessed |= {name: helps} if helps else {}
    assert len(names) > 500
    assert guessed == {}


ODD = (
    *(
        "",
        "3",
        "(1, 2)",
        "((1, 2), (3, 4))",
        "((1,), (2,))",
        "[]",
        "((), ())",
        "None",
        "True, 2",
        "-1",
        "(n, n)",
        "1, 2, 3, 4, 5, 6, 7, 8, 9",
    ),
    *("nn.Conv2d(3, 8, 3)", "layers.LSTM(4)", "foo(3)", "[x, y]", "(1, 2, 3, 4, 5, 6)", "padding=((1, 2), 3)", "cropping=((0, 1), (1, 0))"),
    *("dims=(3, 1, 2, 4, 5)", "dims=(2, 1, 4, 3)", "target_shape=(1, 2, 3, 4, 5)", "layer=3", "merge_mode=None"),
)


@pytest.mark.parametrize("arguments", ODD)
def test_arguments_that_a_layer_does_not_take_are_no_fault(arguments):
    for row in rows():
        for line in (f"x = {row.names[0]}({arguments})(x)", f"{row.names[-1]} {arguments}"):
            assert rewritten(line) is None or rewritten(line).help is not None, line


def test_the_table_is_large():
    names = {name for row in rows() for name in row.names}
    lines = {name for tool in ("torch", "keras", "onnx", "caffe", "word") for name in named(tool)}
    assert len(names) >= 500
    assert len(lines) >= 150
