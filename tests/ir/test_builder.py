"""Networks built in Python; layers and calls that use the weights of others, against PyTorch and onnxruntime."""

from __future__ import annotations

import json

import pytest

import archspec
from archspec.ir.graph import Owner
from archspec.ir.schema import from_json, to_json
from archspec.ir.walk import walk
from archspec.types import Map


def lenet():
    b = archspec.Builder("small")
    x = b.input("input", (32, 32, 1))
    b.output(b.op("fc", b.op("relu", b.op("conv", x, f=6, k=5)), n=10))
    return b.network()


def test_a_network_is_that_of_its_text():
    text = archspec.loads("input 32x32x1\nconv k=5 f=6\nrelu\nfc 10", name="small")
    assert archspec.emit(lenet(), "torch") == archspec.emit(text, "torch")
    assert archspec.analyze(lenet()).totals == archspec.analyze(text).totals


def test_blocks_groups_labels_and_outputs_are_those_of_the_text():
    block = archspec.Block(Map((8, 8), 4), name="double", f=4)
    y = block.op("conv", block.inputs[0], f=4, k=3, p=1)
    double = block.graph(block.op("add", y, block.inputs[0]))
    group = archspec.Block(Map((8, 8), 4))
    features = group.graph(group.op("relu", group.op("bn", group.inputs[0])))
    b = archspec.Builder("two")
    left, right = b.input("left", (8, 8, 4)), b.input("right", Map((8, 8), 4))
    x = b.call(features, b.call(double, left, times=3), label="features")
    both = b.op("concat", x, right, label="both")
    b.output(b.op("gap", x), "side", training=True)
    b.output(both)
    text = archspec.loads(
        "block double(f):\n  residual:\n    conv k=3 f=f p=1\nleft: input 8x8x4\nright: input 8x8x4\nfrom left\nrepeat 3: double 4\n"
        "features: bn | relu\nboth: concat right\noutput side train:\n  from features\n  gap\n",
        name="two",
    )
    network = b.network()
    assert [(p.name, p.sources) for p in walk(network)][:9] == [(p.name, p.sources) for p in walk(text)][:9]
    assert archspec.analyze(network).totals.params == archspec.analyze(text).totals.params
    assert list(archspec.analyze(network).outputs) == ["output", "side"]
    assert to_json(from_json(to_json(network))) == to_json(network)


MISUSE = {
    "there is no layer `convv`": lambda b, x: b.op("convv", x),
    "`conv` has no argument `n`; it takes": lambda b, x: b.op("conv", x, k=3, f=3, n=3),
    "`k` of `conv` must be ": lambda b, x: b.op("conv", x, k="a", f=3),
    "`relu` reads one value, not 2": lambda b, x: b.op("relu", x, x),
    "`relu` reads one value, not 0": lambda b, x: b.op("relu"),
    "`conv`: a window of 9 is larger than": lambda b, x: b.op("conv", x, k=9, f=3),
    "no value of this block": lambda b, x: b.op("relu", archspec.Builder("other").input("input", (8, 8, 3))),
    "`relu` reads 3, which is no value": lambda b, x: b.op("relu", 3),
    "`a b` is no label": lambda b, x: b.op("relu", x, label="a b"),
    "`group` takes 8x8x4, not 8x8x3": lambda b, x: b.call(archspec.Block(Map((8, 8), 4)).graph_of_nothing(), x),
    "`group` cannot run 2 times, from 8x8x3 to 3": lambda b, x: b.call(pooled(), x, times=2),
    "an input has no weights": lambda b, x: b.op("conv", x, k=1, f=3, owner=x),
    "there are two outputs called `a`": lambda b, x: (b.output(x, "a"), b.output(x, "a")),
    "no value is called `output`": lambda b, x: b.network(),
    "two inputs or two outputs have one name": lambda b, x: (b.input("input", (8, 8, 3)), b.output(x), b.network()),
}


def pooled():
    block = archspec.Block(Map((8, 8), 3))
    return block.graph(block.op("flatten", block.op("gap", block.inputs[0])))


@pytest.mark.parametrize("message", MISUSE)
def test_misuse_is_a_value_error_that_says_what_is_wrong(message, monkeypatch):
    monkeypatch.setattr(archspec.Block, "graph_of_nothing", lambda block: block.graph(block.inputs[0]), raising=False)
    b = archspec.Builder("net")
    x = b.input("input", (8, 8, 3))
    with pytest.raises(ValueError, match=" ") as caught:
        MISUSE[message](b, x)
    assert message in str(caught.value)


# weights used twice


def twins(*, inner=False):
    """A convolution, a block in two rounds, and each of them once more."""
    block = archspec.Block(Map((8, 8), 4), name="double")
    y = block.op("bn", block.op("conv", block.inputs[0], f=4, k=3, p=1, label="same"))
    if inner:
        y = block.op("conv", y, f=4, k=3, p=1)
        y = block.op("conv", y, f=4, k=3, p=1, owner=y)
    double = block.graph(block.op("tanh", y))
    b = archspec.Builder("twins")
    x = b.input("input", (8, 8, 4))
    first = b.op("conv", x, f=4, k=3, p=1, label="twin")
    second = b.op("conv", b.op("sigmoid", first), f=4, k=3, p=1, owner=first)
    stack = b.call(double, second, label="stack", times=1)
    again = b.call(double, b.op("add", stack, first), owner=stack)
    b.output(b.op("fc", again, n=3))
    return b.network()


def test_weights_are_counted_once_and_their_work_twice():
    report = archspec.analyze(twins())
    rows = {row.name: row for row in report}
    assert {name: row.owner for name, row in rows.items() if row.owner} == {
        "conv2": "twin", "double2.same": "stack.same", "double2.bn1": "stack.bn1",
    }  # fmt: skip
    conv = 4 * 4 * 9 + 4
    assert (rows["twin"].params, rows["conv2"].params, rows["double2.bn1"].buffers) == (conv, 0, 0)
    assert rows["conv2"].macs == rows["twin"].macs == 64 * 4 * 36
    assert report.totals.params == sum(row.params for row in report) == 2 * conv + 8 + 3 * 257
    assert report.totals.macs == sum(row.macs for row in report) == 4 * 64 * 4 * 36 + 3 * 256


@pytest.mark.parametrize("inner", [False, True])
def test_pytorch_calls_one_module_twice(inner):
    torch = pytest.importorskip("torch")
    network = twins(inner=inner)
    model = archspec.to_torch(network, seed=0).eval()
    nn, f = torch.nn, torch.nn.functional
    state = model.state_dict()
    assert sum(p.numel() for p in model.parameters()) == archspec.analyze(network).totals.params
    keys = [key for key in state if not key.endswith("num_batches_tracked")]
    assert keys[:2] == ["twin.weight", "twin.bias"] and not any(key.startswith(("conv2", "double2")) for key in keys)
    leaf = {key: value.clone().requires_grad_(value.is_floating_point()) for key, value in state.items()}

    def conv(x, name):
        return f.conv2d(x, leaf[f"{name}.weight"], leaf[f"{name}.bias"], padding=1)

    def double(x):
        norm = [leaf[f"stack.bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        y = f.batch_norm(conv(x, "stack.same"), *(norm[0].detach(), norm[1].detach()), norm[2], norm[3])
        return torch.tanh(conv(conv(y, "stack.conv2"), "stack.conv2") if inner else y)

    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    first = conv(x, "twin")
    stack = double(conv(torch.sigmoid(first), "twin"))
    wanted = f.linear(double(stack + first).flatten(1), leaf["fc1.weight"], leaf["fc1.bias"])
    found = model(x)
    torch.testing.assert_close(found, wanted)
    found.square().sum().backward()
    wanted.square().sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, leaf[name].grad)
    assert isinstance(model, nn.Module)


def test_onnx_reads_one_initializer_twice():
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    network = twins()
    model = archspec.to_torch(network, seed=0).eval()
    for fold in (False, True):
        proto = archspec.to_onnx(network, model.state_dict(), batch=2, fold_bn=fold)
        names = [tensor.name for tensor in proto.graph.initializer]
        assert "twin.weight" in names and not any(name.startswith(("conv2.", "double2.")) for name in names)
        x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
        (found,) = runtime.InferenceSession(proto.SerializeToString()).run(None, {"input": x.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), model(x).detach(), rtol=1e-4, atol=1e-5)


def test_the_document_says_whose_weights_are_used():
    text = to_json(twins())
    assert to_json(from_json(text)) == text
    owners = [e["owner"] for g in json.loads(text)["graphs"] for e in g["elements"] if e["owner"]]
    assert [(o["element"], o["up"], o["tied"]) for o in owners] == [(0, 0, False), (3, 0, False)]


def test_weights_of_a_graph_around_are_found():
    document = json.loads(to_json(around()))
    assert from_json(json.dumps(document)).graph.layers == 2
    report = archspec.analyze(from_json(json.dumps(document)))
    assert [(row.name, row.owner) for row in report] == [("conv1", None), ("group1.0", "conv1")]
    assert report.totals.params == 4 * 4 * 9 + 4


def borrowed(block, value, element, up):
    """A value of a block, of an element that uses the weights of one in a graph around."""
    block._graph.elements[~value.number] = block._graph.elements[~value.number]._replace(owner=Owner(element, up=up))
    return value


def around():
    group = archspec.Block(Map((8, 8), 4))
    y = borrowed(group, group.op("conv", group.inputs[0], f=4, k=3, p=1), 0, 1)
    b = archspec.Builder("around")
    b.output(b.call(group.graph(y), b.op("conv", b.input("input", (8, 8, 4)), f=4, k=3, p=1)))
    return b.network()


def deep_around():
    """A group in a block in rounds: they use a convolution, a tensor and a group of the top, and a convolution of the block."""
    inner = archspec.Block(Map((8, 8), 4))
    y = borrowed(inner, inner.op("conv", inner.inputs[0], f=4, k=3, p=1), 0, 2)
    y = borrowed(inner, inner.op("scale", inner.op("tanh", y), init=0.5), 1, 2)
    y = borrowed(inner, inner.op("conv", y, f=4, k=1), 0, 1)
    block = archspec.Block(Map((8, 8), 4), name="b")
    y = block.call(inner.graph(y), block.op("conv", block.inputs[0], f=4, k=1), label="inner")
    alike = archspec.Block(Map((8, 8), 4))
    pair = alike.graph(alike.op("relu", alike.op("conv", alike.inputs[0], f=4, k=1)))
    body = block.graph(borrowed(block, block.call(pair, y), 2, 1))
    b = archspec.Builder("deep")
    y = b.op("scale", b.op("conv", b.input("input", (8, 8, 4)), f=4, k=3, p=1), init=0.5)
    y = b.call(pair, y, label="pair")
    b.output(b.call(body, y, times=2))
    return b.network()


@pytest.mark.parametrize("network", [around(), deep_around()], ids=["around", "deep"])
def test_pytorch_gives_a_class_the_modules_around_it(network):
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    model = archspec.to_torch(network, seed=0).eval()
    report = archspec.analyze(network)
    assert sum(p.numel() for p in model.parameters()) == report.totals.params
    assert {key.rpartition(".")[0] or key for key in model.state_dict()} == {row.name for row in report if row.params}
    proto = archspec.to_onnx(network, model.state_dict(), batch=2)
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    (found,) = runtime.InferenceSession(proto.SerializeToString()).run(None, {"input": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), model(x).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        ({"element": 2, "up": 0}, "does not stand before it"),
        ({"element": -1, "up": 0}, "does not stand before it"),
        ({"element": 0, "up": 1}, "1 levels around the whole network"),
        ({"element": 1, "up": 0}, "`weight` is 4 x 4 x 3 x 3 here and missing there"),
        ({"element": 0, "up": 0, "inside": [0]}, "element 0 of what is no call of one round"),
    ],
)
def test_owners_that_cannot_lend_are_refused(owner, message):
    document = json.loads(to_json(twins()))
    document["graphs"][-1]["elements"][2]["owner"] = owner
    with pytest.raises(ValueError, match="uses the weights of") as caught:
        from_json(json.dumps(document))
    assert message in str(caught.value)


def test_weights_of_another_shape_are_refused_with_both():
    b = archspec.Builder("net")
    x = b.input("input", (8, 8, 4))
    y = b.op("conv", x, f=4, k=3)
    b.output(b.op("conv", y, f=4, k=1, owner=y))
    with pytest.raises(ValueError, match=r"`weight` is 4 x 4 x 1 x 1 here and 4 x 4 x 3 x 3 there"):
        b.network()


def test_a_table_names_the_owner():
    assert [row.written for row in archspec.analyze(twins())][2].endswith(" = twin")
    assert " = twin" in str(archspec.analyze(twins()))
    assert "the weights are those of `twin`" in str(archspec.explain(twins(), "conv2"))
    assert "= twin" in archspec.report(twins()).html and archspec.draw(twins(), "bars")
