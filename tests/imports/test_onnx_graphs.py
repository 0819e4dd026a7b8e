"""What ONNX files say beside their layers: names of modules, functions, shapes that are computed, tensors that are shared."""

from __future__ import annotations

import pytest

from archspec.diagnostics import SpecError
from archspec.imports.onnx.keras_scopes import layers_of
from archspec.imports.onnx.reader import read
from tests.imports.proto import INT64, field, graph, line, model, node, tensor, value


def text_of(data: bytes, tmp_path, **inputs) -> str:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    return read(path, inputs).text


def noted(node_: bytes, scopes: list[str]) -> bytes:
    """A node with the modules that torch.export says it is in."""
    return node_ + field(9, field(1, "pkg.torch.onnx.name_scopes") + field(2, repr(scopes)))


def keys_of(data: bytes, tmp_path) -> list[str]:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    return [*dict.fromkeys(key.rpartition(".")[0] for key in read(path, {}).stored)]


KERNELS = [tensor(f"w{at}", [3, 3, 1, 1]) for at in range(4)]


def test_names_of_the_exporter_through_torchscript(tmp_path):
    names = ["/stem/conv/Conv", "/layer1/layer1.0/conv1/Conv", "/layer1/layer1.1/conv1/Conv", "/head/Conv"]
    values = ["x", "a", "b", "c", "y"]
    nodes = [node("Conv", [values[at], f"w{at}"], [values[at + 1]], name) for at, name in enumerate(names)]
    assert keys_of(line(*nodes, tensors=KERNELS), tmp_path) == ["stem.conv", "layer1.0.conv1", "layer1.1.conv1", "head"]


def test_names_of_the_exporter_through_torch_export(tmp_path):
    first = noted(node("Conv", ["x", "w0"], ["a"], "node_conv2d"), ["", "features", "features.0", "conv2d"])
    then = noted(node("Relu", ["a"], ["b"], "node_relu"), ["", "features", "features.1", "relu"])
    last = noted(node("Conv", ["b", "head.weight"], ["y"], "node_conv2d_1"), ["", "head", "conv2d_1"])
    data = line(first, then, last, tensors=[KERNELS[0], tensor("head.weight", [3, 3, 1, 1])])
    assert keys_of(data, tmp_path) == ["features.0", "head"]


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["net/stem/Conv2D/ReadVariableOp:0", "net/head/Conv2D/ReadVariableOp:0"], ["stem", "head"]),
        (["resnetv1_conv0_weight", "resnetv1_conv1_weight"], ["resnetv1_conv0", "resnetv1_conv1"]),
        (["conv2d_0.w_0", "conv2d_1.w_0"], ["conv2d_0", "conv2d_1"]),
        (["onnx::Conv_10", "onnx::Conv_12"], ["conv1", "conv2"]),
        (["1", "2"], ["conv1", "conv2"]),
    ],
    ids=["TensorFlow", "MXNet", "PaddlePaddle", "made up", "numbers"],
)
def test_names_of_weights(tmp_path, names, keys):
    nodes = [node("Conv", ["x", names[0]], ["a"], "n1"), node("Relu", ["a"], ["b"]), node("Conv", ["b", names[1]], ["y"], "n2")]
    assert keys_of(line(*nodes, tensors=[tensor(name, [3, 3, 1, 1]) for name in names]), tmp_path) == keys


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        (
            ["net_1/a_1/Relu", "net_1/a_1_2/batchnorm/mul_1__660", "c__1"],
            {"net_1/a_1/Relu": "a", "net_1/a_1_2/batchnorm/mul_1__660": "a_1"},
        ),
        (["net/conv2d/Conv2D", "net/conv2d_1/Conv2D"], {}),
        (["net/dense_1/MatMul", "net/dense_2/MatMul"], {}),
        (["a_1/b_1/Relu", "c_1/d_1/Relu"], {}),
        (
            ["net_1/c_block_1_1/Relu", "net_1/c_block_2_1/Relu"],
            {"net_1/c_block_1_1/Relu": "c_block_1", "net_1/c_block_2_1/Relu": "c_block_2"},
        ),
    ],
    ids=["Keras 3", "Keras 2", "numbers of Keras 2", "two networks", "numbers of one's own"],
)
def test_layers_of_keras(names, layers):
    assert layers_of(names) == layers


def test_a_layer_alone_in_its_module_is_called_as_that(tmp_path):
    """A batch norm that was folded leaves `downsample.0` alone in `downsample`."""
    nodes = [
        node("Conv", ["x", "w0"], ["a"], "/layer1/layer1.0/conv1/Conv"),
        node("Conv", ["x", "w1"], ["b"], "/layer1/layer1.0/downsample/downsample.0/Conv"),
        node("Add", ["a", "b"], ["y"], "/layer1/layer1.0/Add"),
    ]
    assert keys_of(line(*nodes, tensors=KERNELS[:2]), tmp_path) == ["layer1.0.conv1", "layer1.0.downsample"]


def test_the_same_weights_in_one_module_are_shared(tmp_path):
    nodes = [node("Conv", ["x", "conv.weight"], ["a"], "/conv/Conv"), node("Conv", ["a", "conv.weight"], ["y"], "/conv_1/Conv")]
    assert "again conv" in text_of(line(*nodes, tensors=[tensor("conv.weight", [3, 3, 1, 1])]), tmp_path)


def test_equal_weights_behind_identity_are_not_shared(tmp_path):
    nodes = [
        node("Identity", ["a.weight"], ["b.weight"]),
        node("Conv", ["x", "a.weight"], ["v"], "/a/Conv"),
        node("Conv", ["v", "b.weight"], ["y"], "/b/Conv"),
    ]
    text = text_of(line(*nodes, tensors=[tensor("a.weight", [3, 3, 1, 1])]), tmp_path)
    assert ("again" not in text and text.count("conv k=1") == 2) or "repeat 2" in text


def test_functions_of_the_file_are_written_out(tmp_path):
    body = field(7, node("Mul", ["a", "half"], ["b"])) + field(7, node("Constant", [], ["half"], value=tensor("", [], [0.5])))
    function = field(1, "halved") + field(10, "here") + field(4, "a") + field(5, "b") + body
    nodes = [node("halved", ["x"], ["h"], domain="here"), node("halved", ["h"], ["y"], domain="here")]
    data = model(graph(nodes, [], [value("x", ("N", 3, 8, 8))], [value("y", None)]), 17, field(25, function))
    assert text_of(data, tmp_path).endswith("repeat 2: mul 0.5\n") or text_of(data, tmp_path).count("mul 0.5") == 2


def test_nodes_may_stand_in_another_order(tmp_path):
    data = line(node("Relu", ["a"], ["y"]), node("Tanh", ["x"], ["a"]))
    assert "tanh | relu" in text_of(data, tmp_path).replace("\n", " | ")


def test_a_matrix_that_is_turned_first(tmp_path):
    nodes = [node("Transpose", ["fc.weight"], ["t"], perm=[1, 0]), node("MatMul", ["x", "t"], ["m"]), node("Add", ["m", "fc.bias"], ["y"])]
    path = tmp_path / "net.onnx"
    path.write_bytes(line(*nodes, tensors=[tensor("fc.weight", [5, 4]), tensor("fc.bias", [5])], shape=("N", 4)))
    found = read(path, {})
    assert "fc: fc 5" in found.text
    assert found.stored["fc.weight"].keys == ("fc.weight",) and found.stored["fc.weight"].order == ()


def test_an_image_with_the_channels_last(tmp_path):
    nodes = [node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]), node("Conv", ["a", "w"], ["y"])]
    text = text_of(line(*nodes, tensors=[tensor("w", [4, 3, 1, 1])], shape=("N", 12, 10, 3)), tmp_path)
    assert "input 12x10x3" in text and "rearrange" not in text


def test_words_are_looked_up(tmp_path):
    nodes = [node("Gather", ["table.weight", "x"], ["a"]), node("ReduceMean", ["a"], ["y"], axes=[1], keepdims=0)]
    data = model(graph(nodes, [tensor("table.weight", [50, 6])], [value("x", ("N", 7), INT64)], [value("y", None)]))
    assert "input 7\ntable: embed 50 6 | gap" in text_of(data, tmp_path).replace("\ngap", " | gap")


def test_a_shape_that_is_open_is_given(tmp_path):
    data = line(node("Relu", ["x"], ["y"]), shape=("N", 3, "H", "W"))
    with pytest.raises(SpecError, match="A613"):
        text_of(data, tmp_path)
    path = tmp_path / "net.onnx"
    assert "input 12x10x3" in read(path, {"": (12, 10, 3)}).text
    assert "input 12x10x3" in read(path, {"x": (12, 10, 3)}).text
    assert "input 12x10x3" in read(path, {"input": (12, 10, 3)}).text  # as the spec calls it
    with pytest.raises(SpecError, match="3 axes besides the batch, and 1 are given"):
        read(path, {"x": (3,)})


def test_a_shape_for_an_input_that_there_is_not(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(line(node("Relu", ["x"], ["y"])))
    shape = read(path, {}).network.inputs[0].type.shape
    with pytest.raises(SpecError, match=r"A613.*it has no input `image`; it has `x`"):
        read(path, {"image": shape})


def test_what_is_computed_from_weights_alone_is_no_refusal(tmp_path):
    """A convolution whose weights are standardised: a layer that is declared, with the weights that it has."""
    nodes = [
        node("ReduceMean", ["conv.weight"], ["m"], axes=[1, 2, 3]),
        node("Sub", ["conv.weight", "m"], ["c"]),
        node("Mul", ["c", "gain"], ["w"]),
        node("Conv", ["x", "w"], ["y"], "/conv/Conv", pads=[1, 1, 1, 1]),
    ]
    numbers = [tensor("conv.weight", [64, 32, 3, 3]), tensor("gain", [], [2.0])]
    inner = graph(nodes, numbers, [value("x", (2, 32, 8, 8))], [value("y", (2, 64, 8, 8))])
    path = tmp_path / "net.onnx"
    path.write_bytes(model(inner))
    found = read(path, {})
    assert [each.code for each in found.diagnostics] == ["A610"]
    assert "64x32x3x3" in found.text
    assert {place.keys for place in found.stored.values()} == {("conv.weight",)}  # a number is no weight


def test_places_of_the_largest_numbers(tmp_path):
    nodes = [
        node("MaxPool", ["x"], ["a", "at"], "pool", kernel_shape=[2, 2]),
        node("Cast", ["at"], ["b"], to=1),
        node("Add", ["a", "b"], ["y"]),
    ]
    with pytest.raises(SpecError, match=r"node `pool` .* the places of its largest numbers are used"):
        text_of(line(*nodes, shape=("N", 3, 8, 8)), tmp_path)


def test_a_norm_over_the_last_axis_counted_from_the_front(tmp_path):
    def norm(axis):
        return [
            node("ReduceMean", ["x"], ["m"], axes=[axis]), node("Sub", ["x", "m"], ["c"]), node("Pow", ["c", "two"], ["s"]),
            node("ReduceMean", ["s"], ["v"], axes=[axis]), node("Add", ["v", "eps"], ["e"]), node("Sqrt", ["e"], ["r"]),
            node("Div", ["c", "r"], ["d"]), node("Mul", ["d", "ln.weight"], ["w"]), node("Add", ["w", "ln.bias"], ["y"]),
        ]  # fmt: skip

    numbers = [tensor("two", [], [2.0]), tensor("eps", [], [1e-5]), tensor("ln.weight", [6]), tensor("ln.bias", [6])]
    assert "ln: ln" in text_of(line(*norm(2), tensors=numbers, shape=("N", 6, 6)), tmp_path)
    path = tmp_path / "net.onnx"
    path.write_bytes(line(*norm(1), tensors=numbers, shape=("N", 6, 6)))
    assert read(path, {}).diagnostics  # its weights lie along the other axis


def test_what_is_no_layer_is_reported_with_its_place_all_at_once(tmp_path):
    data = line(node("Fused", ["x"], ["a"], "first"), node("Other", ["x"], ["b"], "second"), node("Add", ["a", "b"], ["y"]))
    with pytest.raises(SpecError) as caught:
        text_of(data, tmp_path)
    assert [each.message.partition(" (")[0] for each in caught.value.diagnostics] == ["node `first`", "node `second`"]


def test_what_has_a_shape_becomes_custom(tmp_path):
    data = model(graph([node("Fused", ["x"], ["y"], "first")], [], [value("x", ("N", 3, 8, 8))], [value("y", ("N", 5, 4, 4))]))
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    found = read(path, {})
    assert 'custom "Fused" out=4x4x5' in found.text
    assert [each.code for each in found.diagnostics] == ["A610"]


def test_nodes_that_lead_nowhere_are_left_out(tmp_path):
    data = line(node("Loop", ["", "", "x"], ["gone"]), node("Relu", ["x"], ["y"]))
    assert text_of(data, tmp_path).endswith("input 8x8x3\nrelu\n")
