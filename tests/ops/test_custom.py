"""Declared layers: what they are counted as, what they call in PyTorch, and where their counts are not known."""

import copy
import json

import pytest

import archspec
from archspec.analysis.budget import passed
from archspec.backends.arch import expand
from archspec.ops import make
from archspec.types import Map, Tokens, Vector

SHIFTED = 'input 6x4x8\na: conv k=1 f=8\nrelu\ncustom "aten.roll" (2,-1) (2,3) macs=0\ncustom "aten.maximum" a macs=0 flops=192\n'
UNKNOWN = 'input 8x8x4\nconv k=1 f=4\nrepeat 3: custom "package.Layer" 2 weight=2x3 bias=4\nfc 10\n'


def test_the_result_has_the_kind_of_a_written_shape():
    results = {None: Map((6,), 8), 5: Vector(5), (5, 3): Map((5,), 3), (5, 4, 3): Map((5, 4), 3), (2, 5, 4, 3): Map((2, 5, 4), 3)}
    for out, type_ in results.items():
        assert make("custom", {"name": "aten.exp", **({"out": out} if out else {})}).infer([Map((6,), 8)]) == (type_,)
    assert make("custom", {"name": "aten.exp", "out": (5, 3)}).infer([Map((6, 6), 8)]) == (Tokens(5, 3),)


def test_a_number_is_written_as_it_is_read_back():
    once = make("custom", {"name": "aten.pad", "places": ((0, 1), 1.0, 0.5)}).config()
    again = archspec.loads(f"input 4\ncustom {once}\n").outputs[0]
    assert once == '"aten.pad" (0,1) 1 0.5' and again is not None


def test_counts_are_those_that_are_declared():
    report = archspec.analyze(archspec.loads('input 56x56x96\na: relu\ncustom "aten.roll" a out=28x28x10 weight=2x3 bias=7 macs=50\n'))
    row, totals = report["custom1"], report.totals
    assert (row.weights, row.biases, row.macs, row.flops, row.output) == (6, 7, 50, 100, (28, 28, 10))
    assert (totals.params, totals.macs, totals.uncounted, totals.left_out) == (13, 50, 0, "")
    assert row.receptive_field is None and "uncounted" not in totals.counts()
    assert row.inputs == ((56, 56, 96), (56, 56, 96)) and row.sources == ("a", "a")
    frozen = archspec.analyze(archspec.loads('input 8\ncustom "package.Layer" weight=2x3 frozen=yes\n'))
    assert (frozen.totals.params, frozen.totals.frozen) == (6, 6)


def test_an_unknown_count_is_none_and_totals_say_what_they_leave_out():
    network = archspec.loads(UNKNOWN)
    report = archspec.analyze(network)
    row = report["custom1"]
    assert (row.macs, row.flops, row.params) == (None, None, 10)
    known = 64 * 4 * 4 + 256 * 10
    assert (report.totals.macs, report.totals.flops, report.totals.uncounted) == (known, 2 * known, 3)
    words = f"{known:,} MACs, {2 * known:,} FLOPs without 3 layers whose own are not known"
    assert words in str(report) and "?" in next(line for line in str(report).splitlines() if "custom1" in line)
    assert "MACs            ?" in str(archspec.explain(network, "custom1"))
    rows = {row["name"]: row for row in json.loads("".join(pieces(report, "json")))["layers"]}
    assert rows["custom1"]["macs"] is None and rows["conv1"]["macs"] == 1024
    assert 'custom1,custom,"""package.Layer"" 2' in "".join(pieces(report, "csv"))


def pieces(report, form):
    from archspec.views import tables

    return tables.pieces(report, form, tables.Style())


def test_heads_of_training_leave_nothing_out():
    text = 'input 8\noutput aux train: custom "package.Layer"\nfc 2\n'
    assert archspec.analyze(archspec.loads(text)).totals.uncounted == 0


def test_what_needs_the_counts_says_that_they_are_not_known():
    network = archspec.loads(UNKNOWN)
    with pytest.raises(archspec.SpecError, match="`macs < 9000` cannot be checked: the MACs of 3 layers are not known"):
        archspec.loads(f"expect macs < 9000\n{UNKNOWN}")
    archspec.loads(f"expect params < 9000\n{UNKNOWN}")
    (finding,) = passed(network, macs=10**6)
    assert finding.code == "A601" and finding.help == "give the layer `macs=`"
    assert list(passed(network, params=10**6)) == []
    with pytest.raises(ValueError, match=r"the MACs of 3 layers of `.*` are not known"):
        archspec.formula(network, "H")
    assert archspec.formula(network, "H", "params")(H=8) == {"params": archspec.analyze(network).totals.params}
    compared = str(archspec.compare([network, archspec.loads("input 8\nfc 2\n")]))
    assert next(line for line in compared.splitlines() if "MACs" in line).split()[1] == "?"


def test_sizes_and_counts_may_be_expressions():
    text = 'input 8x8x4\nblock fancy(n, from e): custom "package.Layer" e (n,2*n) out=(h()//2)x(w()//2)x(n) weight=(n)x3 macs=n*h()\na: relu\nfancy 5 a\n'
    row = archspec.analyze(archspec.loads(text)).layers[-1]
    assert (row.output, row.params, row.macs) == ((4, 4, 5), 15, 40)
    assert row.node.op.places == ("value", (5, 10))
    found = archspec.formula(archspec.loads(f"param n = 5\n{text.replace('fancy 5', 'fancy n')}"), "n")
    assert found(n=7) == {"params": 21, "macs": 56}


@pytest.mark.parametrize(
    "text",
    [
        SHIFTED,
        UNKNOWN,
        'input 4x3\ncustom "aten.pow" 0.5 out=4x3 macs=0\ntokens\ncustom "p.L" (3,) out=6x2 w=5 flops=2 macs=1 frozen=yes\n',
    ],
)
def test_it_is_written_and_read_again(text):
    from archspec.backends.arch import expand
    from archspec.ir.schema import from_json, to_json

    network = archspec.loads(text)
    flat = expand(network)
    assert expand(archspec.loads(flat)) == flat
    assert [row.written for row in archspec.analyze(archspec.loads(flat))] == [row.written for row in archspec.analyze(network)]
    assert to_json(from_json(to_json(network))) == to_json(network)


def test_a_network_is_built_without_a_text():
    b = archspec.Builder("net")
    x = b.input("input", (4, 4, 8))
    y = b.op("custom", x, b.op("relu", x), name="package.Layer", places=("value", 2.5), out=(2, 2, 3), weight=(2, 3))
    b.output(y)
    row = archspec.analyze(b.network()).layers[-1]
    assert row.written == 'custom "package.Layer" relu1 2.5 out=2x2x3 weight=2x3' and row.output == (2, 2, 3)
    with pytest.raises(ValueError, match="`custom` reads 2 values, not 1"):
        b.op("custom", x, name="package.Layer", places=("value",))


class TestInPyTorch:
    torch = pytest.importorskip("torch", reason="torch is what declared layers call")

    def test_a_function_of_aten_gets_values_and_numbers(self):
        torch = self.torch
        net = archspec.to_torch(archspec.loads(SHIFTED), seed=0)
        x = torch.randn(2, 8, 6, 4)
        a = net.a(x)
        assert torch.equal(net(x), torch.maximum(torch.roll(a.relu(), (2, -1), (2, 3)), a))
        assert torch.equal(copy.deepcopy(net)(x), net(x))

    def test_values_stand_where_they_are_written(self):
        torch = self.torch
        net = archspec.to_torch(archspec.loads('input 4\nx: relu\ncustom "aten.lerp" x 0.25 | custom "aten.clamp" -1 1\n'))
        t = torch.randn(3, 4)
        assert torch.equal(net(t), torch.lerp(t.relu(), t.relu(), 0.25).clamp(-1, 1))
        gathered = archspec.to_torch(archspec.loads('input 4\ny: skip\nsoftmax | custom "aten.where" 0 y\n'))
        with pytest.raises(RuntimeError):  # `where` takes a condition first: the order is that of the text
            gathered(t)

    def test_stored_tensors_go_by_name(self):
        torch = self.torch
        net = archspec.to_torch(archspec.loads('input 5x4x6\ncustom "aten.layer_norm" (5,4) weight=5x4 bias=5x4 macs=0\n'))
        assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == {"custom1.weight": (5, 4), "custom1.bias": (5, 4)}
        for parameter in net.parameters():
            torch.nn.init.normal_(parameter)
        x = torch.randn(2, 6, 5, 4)
        (weight, bias) = net.parameters()
        assert torch.equal(net(x), torch.nn.functional.layer_norm(x, (5, 4), weight, bias))

    def test_weights_may_be_used_twice_and_frozen(self):
        torch = self.torch
        text = 'a: input 4x4x6\nb: input 4x4x6\nfrom a\nmine: custom "aten.prelu" weight=6\nfrom b | again mine | sub mine\nfrozen part: custom "aten.prelu" weight=6\n'
        net = archspec.to_torch(archspec.loads(text))
        weight, fixed = net.parameters()
        assert (weight.requires_grad, fixed.requires_grad) == (True, False)
        torch.nn.init.normal_(weight)
        a, b = torch.randn(2, 2, 6, 4, 4)
        prelu = torch.nn.functional.prelu
        assert torch.equal(net(a, b), prelu(prelu(b, weight) - prelu(a, weight), fixed))

    def test_any_other_name_is_a_function_that_is_given(self):
        torch = self.torch
        net = archspec.to_torch(archspec.loads('input 5x4x6\nx: relu\nmine: custom "package.Layer" x 3 out=6 weight=2x3\n'))
        t = torch.randn(2, 6, 5, 4)
        with pytest.raises(
            NotImplementedError,
            match=r"declares package.Layer: set Custom.functions\['package.Layer'\] to a function of x, value, 3, weight",
        ):
            net(t)
        type(net.mine).functions["package.Layer"] = lambda x, y, n, weight: (x + y).mean((2, 3)) * n + weight.sum()
        assert torch.equal(net(t), (t.relu() + t.relu()).mean((2, 3)) * 3)

    def test_nothing_of_a_spec_is_imported(self):
        source = archspec.emit(archspec.loads('input 4\ncustom "os.system" 1\n'), "torch")
        assert "import os" not in source and "os.system(" not in source

    @pytest.mark.parametrize(
        "line, words",
        [
            ('custom "aten.rol"', "has no function `torch.ops.aten.rol`"),
            ('custom "aten.exp_"', "changes the value that it reads, which other layers may read: write `aten.exp`"),
            ('custom "aten.__class__"', "no function of torch.ops.aten"),
            ('custom "aten.add.Tensor" 1', "no function of torch.ops.aten"),
            ('custom "package.Layer" forward=2x3', "cannot have a tensor called `forward`"),
            ('custom "package.Layer" functions=2x3', "cannot have a tensor called `functions`"),
        ],
    )
    def test_what_pytorch_lacks_is_refused(self, line, words):
        with pytest.raises(archspec.SpecError) as caught:
            archspec.to_torch(archspec.loads(f"input 8\nrelu\n{line}\n"))
        (finding,) = caught.value.diagnostics
        assert words in finding.message and (finding.code, finding.span.line) == ("A501", 3)


@pytest.mark.parametrize(
    "line",
    ['custom "aten.roll" 1', 'custom "package.Layer"', 'custom "aten.exp" out=4', 'custom "aten.exp" weight=3', 'custom "aten.div" (2,)'],
)
def test_what_onnx_lacks_is_refused(line):
    pytest.importorskip("onnx", reason="onnx writes the file")
    with pytest.raises(archspec.SpecError, match="has no operator in ONNX; declared layers that have one") as caught:
        archspec.to_onnx(archspec.loads(f"input 8\n{line}\n"))
    assert caught.value.diagnostics[0].span.line == 2


def test_a_tensor_and_a_value_of_each_image_are_compared_in_onnx():
    torch = pytest.importorskip("torch", reason="torch computes what is expected")
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX file")
    from tests.helpers.onnx import run, session

    network = archspec.loads('input 3x4x2\nt: tensor 3x4x2 init=0.5\ncustom "aten.maximum" t | custom "aten.minimum" input\n')
    x = torch.randn(2, 2, 3, 4)
    (found,) = run(session(archspec.to_onnx(network)), {"input": x})
    assert torch.equal(torch.from_numpy(found), torch.minimum(x.clamp(min=0.5), x))
    assert torch.equal(archspec.to_torch(network)(x), torch.minimum(x.clamp(min=0.5), x))


def test_every_function_that_onnx_has_gives_the_values_of_torch():
    torch = pytest.importorskip("torch", reason="torch computes what is expected")
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX file")
    from archspec.backends.onnx.elementwise import _OF_ONE, _OF_TWO
    from tests.helpers.onnx import run, session

    x = torch.rand(2, 6) * 0.9 + 0.05  # where all of them are defined
    for name in (*_OF_ONE, *_OF_TWO):
        rest = " y" if name in _OF_TWO else ""
        network = archspec.loads(f'input 6\nmul -0.5 | add 1\ny: skip\nfrom input | custom "aten.{name}"{rest}\n')
        function = getattr(torch, name)
        expected = function(x, 1 - x / 2) if rest else function(x)
        (found,) = run(session(archspec.to_onnx(network, opset=13)), {"input": x})
        assert torch.allclose(torch.from_numpy(found), expected, rtol=1e-5, atol=1e-6), name
        assert torch.equal(archspec.to_torch(network)(x), expected), name


def test_numbers_larger_than_a_count_stay_real():
    text = 'input 5x5x6\ncustom "aten.clamp" -1e30 1e30 macs=0\n'
    network = archspec.loads(text)
    assert '"aten.clamp" -1e+30 1e+30' in expand(network)
    assert expand(archspec.loads(expand(network))) == expand(network)
    with pytest.raises(archspec.SpecError, match=r"lists of whole numbers, not 1e\+308x3"):
        archspec.loads('input 5x5x6\ncustom "aten.roll" (1e308,3) macs=0\n')
