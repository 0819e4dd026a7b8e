"""`weights=`: a linear layer or an embedding with the table of another."""

import pytest

import archspec
from archspec.analysis.training import TrainingMemory
from archspec.api import Options, compile_text
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json

GPT = """
input 6
wte: embed 20 8
group:
  ln
  linear 8
head: linear weights=wte bias=no
"""
BIAS = "input 6\nwte: embed 20 8\ntanh\ng: tanh | linear weights=wte\nlinear 8\nhead: linear weights=wte\nfc 4\n"
LINEARS = "input 4x4x8\nl: linear 8 bias=no\ntanh\nlinear weights=l\nb\nb\nblock b():\n  a: linear 8\n  relu\n  linear weights=a bias=no\n"
EMBEDS = "src: input 5\ntgt: input 5\nfrom src\nwte: embed 20 8\nx: gap\nfrom tgt\nembed weights=wte\ngap\nadd x\nfc 3\n"
AGAIN = "input 4x4x8\na: linear 1\nv: conv k=1 f=8 | linear weights=a bias=no\nconcat:\n  skip\n  again v\n"
SPECS = {"gpt": GPT, "bias": BIAS, "linears": LINEARS, "embeds": EMBEDS, "again": AGAIN}


def totals(text):
    return archspec.analyze(archspec.loads(text)).totals


def test_the_table_is_counted_once_and_its_work_everywhere():
    rows = {row.name: row for row in archspec.analyze(archspec.loads(GPT))}
    assert (rows["head"].params, rows["head"].macs, rows["head"].written) == (0, 6 * 20 * 8, "linear 20 bias=no weights=wte")
    assert totals(GPT).params == 160 + 16 + 72
    assert totals(BIAS).params == 160 + 20 + (20 * 8 + 8) + 20 + (120 * 4 + 4)
    assert totals(LINEARS).params == 64 + 8 + 2 * 72
    assert "the weight is that of `wte`; 20 biases of its own" in str(archspec.explain(archspec.loads(BIAS), "head"))


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_expanded_and_as_a_document_it_is_the_same(text):
    network = archspec.loads(text)
    assert to_json(from_json(to_json(network))) == to_json(network)
    flat = archspec.loads(expand(network))
    assert archspec.analyze(flat).totals == archspec.analyze(network).totals
    assert [r.written for r in archspec.analyze(flat)] == [r.written for r in archspec.analyze(network)]


def inputs_of(network):
    import torch

    generator = torch.Generator().manual_seed(0)
    made = []
    for i in network.inputs:
        whole = len(i.type.shape) == 1
        shape = (3, i.type.channels, *i.type.shape[:-1])
        made.append(torch.randint(0, 20, shape, generator=generator) if whole else torch.randn(shape, generator=generator))
    return made


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_pytorch_has_one_parameter_with_two_keys_and_onnx_one_initializer(text, tmp_path):
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    network = archspec.loads(text)
    model = archspec.to_torch(network, seed=0).eval()
    assert sum(p.numel() for p in model.parameters()) == totals(text).params
    state, given = model.state_dict(), inputs_of(network)
    tied = [row for row in archspec.analyze(network) if row.tied]
    assert tied and all(state[f"{row.owner or row.name}.weight"].data_ptr() == state[f"{row.tied}.weight"].data_ptr() for row in tied)
    wanted = model(*given).detach()
    for weights in (state, {key: value for key, value in state.items() if key not in {f"{row.name}.weight" for row in tied}}):
        proto = archspec.to_onnx(network, weights, batch=3)
        names = [tensor.name for tensor in proto.graph.initializer]
        assert not {f"{row.name}.weight" for row in tied} & set(names)
        values = {i.name: x.numpy() for i, x in zip(network.inputs, given, strict=True)}
        (found,) = runtime.InferenceSession(proto.SerializeToString()).run(None, values)
        torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-4, atol=1e-5)
        other = archspec.to_torch(network, seed=1).eval()
        archspec.load_weights(other, weights)
        torch.testing.assert_close(other(*given).detach(), wanted)
    differing = {**state, f"{tied[0].name}.weight": state[f"{tied[0].name}.weight"] + 1}
    with pytest.raises(ValueError, match="are one tensor in the network, and differ in the file"):
        archspec.load_weights(model, differing)


def test_values_and_the_gradient_are_those_of_modules_tied_by_hand():
    torch = pytest.importorskip("torch")
    network = archspec.loads(GPT)
    model = archspec.to_torch(network, seed=0)
    nn = torch.nn
    wte, norm, linear, head = nn.Embedding(20, 8), nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 20, bias=False)
    head.weight = wte.weight
    hand = nn.Sequential()
    hand.wte, hand.group, hand.head = wte, nn.Sequential(norm, linear), head
    assert model.state_dict().keys() == hand.state_dict().keys()
    hand.load_state_dict(model.state_dict())
    (x,) = inputs_of(network)
    wanted, found = hand(x), model(x)
    torch.testing.assert_close(found, wanted)
    found.square().sum().backward()
    wanted.square().sum().backward()
    torch.testing.assert_close(model.wte.weight.grad, wte.weight.grad)
    assert TrainingMemory(network).gradients == 4 * totals(GPT).params


def test_the_table_begins_as_that_of_the_layer_that_has_it():
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("onnx")
    proto = archspec.to_onnx(archspec.loads(GPT), seed=3)
    (table,) = [t for t in proto.graph.initializer if t.name == "wte.weight"]
    values = numpy.frombuffer(table.raw_data, numpy.float32)
    assert 0.8 < values.std() < 1.2  # torch.nn.Embedding's normal distribution; a linear layer's is within 0.36


def said(text):
    return [(d.code, d.span.line, d.message) for d in compile_text("input 6\n" + text, "t.arch", Options())[1] if d.severity == "error"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("wte: embed 20 8\nlinear 7\nlinear weights=wte", ("A304", 4, "`weight` would be 20x7 here, and the table of `wte` is 20x8")),
        ("wte: embed 20 8\nlinear 19 weights=wte", ("A304", 3, "`weight` would be 19x8 here, and the table of `wte` is 20x8")),
        ("e: embed 20 8\nn: ln\nlinear weights=n", ("A304", 4, "`n` is no `embed` or `linear`, whose table `weights=` takes")),
        ("e: embed 20 8 | ln\nlinear weights=e", ("A304", 3, "`e` is no `embed` or `linear`, whose table `weights=` takes")),
        ("embed 20 8\nlinear weights=later\nlater: linear 8", ("A107", 3, "no value is called `later` here")),
        ("embed 20 8\nlinear weights=input", ("A304", 3, "`input` is an input, and has no weights to use again")),
        ("e: embed 20 8 frozen=yes\nlinear weights=e frozen=no", ("A304", 3, "the table of `e` is frozen, and it is one")),
        ("e: embed 20 8\nfrozen l: linear weights=e", ("A304", 3, "the table of `e` is learned, and it is one")),
        ("e: embed 20 8\nlinear weights=e weights=e", ("A110", 3, "`weights` is given twice")),
        ("e: embed 20 8\nfc 3 weights=e", ("A102", 3, "`fc` has no argument `weights`")),
    ],
)
def test_mistakes_have_a_place_and_numbers(text, wanted):
    assert said(text)[0] == wanted


def test_a_frozen_table_is_frozen_where_it_is_tied():
    report = archspec.analyze(archspec.loads("input 6\nfrozen e: embed 20 8\nlinear weights=e\nfc 2"))
    assert report.frozen_params == 160 + 20
