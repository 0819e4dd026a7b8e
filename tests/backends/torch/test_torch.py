"""The PyTorch target: the emitted module against torchvision's own, against our counts, and as source."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is what the emitted source runs on")

import archspec
from archspec.analysis.tensors import tensors
from archspec.api import to_torch
from archspec.backends.registry import Unsupported
from archspec.backends.torch.calls import ROWS
from archspec.backends.torch.module import emit
from archspec.backends.torch.words import MERGES
from archspec.ir.walk import walk
from archspec.ops import STEPS
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick
from tests.helpers.torch import channels_first, inputs_of

torch.set_num_threads(1)
UNLISTED = ("num_batches_tracked", "relative_position_index", "relative_coords_table")
"""Whole numbers that PyTorch keeps in a state_dict; they are no weights."""


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_the_module_has_our_counts_and_shapes(path):
    network = archspec.load(path)
    totals = archspec.analyze(network).totals
    with torch.device("meta"):
        model = to_torch(network)
    learned = [p for p in model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in learned) == totals.params
    assert sum(p.numel() for p in model.parameters() if not p.requires_grad) == totals.frozen
    stored = model.state_dict()
    assert sum(b.numel() for n, b in model.named_buffers() if n in stored and not n.endswith(UNLISTED)) == totals.buffers
    model.eval()
    result = model(*[x.to("meta") for x in inputs_of(network)])
    main = result.output if hasattr(result, "_fields") else result
    assert tuple(main.shape) == channels_first(network.graph.type_of(network.outputs[0].value))
    if len(network.outputs) > 1:
        assert all(getattr(result, o.name) is None for o in network.outputs if o.training)


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_the_source_is_readable_python_that_imports_torch_alone(path):
    source = emit(archspec.load(path))
    assert source == emit(archspec.load(path))
    tree = ast.parse(source)
    roots = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    roots |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert roots <= {"torch", "typing", "math", "__future__"}
    assert max(map(len, source.splitlines())) <= 140
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("specs", few_quick([VARIED, tuple(path.stem for path in SPECS)], [VARIED]), ids=["varied", "all"])
def test_the_source_is_formatted(specs, tmp_path):
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if ruff is None:
        pytest.skip("ruff is what the format is compared with")
    for name in specs:
        (tmp_path / f"{name}.py").write_text(emit(archspec.load(name)))
    for command in (["format", "--check"], ["check", "--select", "E,F,I,W,UP"]):
        done = subprocess.run(
            [ruff, *command, "--isolated", "--line-length", "120", "."], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_classics_are_short():
    assert len(emit(archspec.load("resnet50")).splitlines()) <= 62
    assert len(emit(archspec.load("lenet5")).splitlines()) <= 36


def test_every_layer_has_a_row_or_is_a_merge():
    assert set(ROWS) | set(MERGES) == set(STEPS)
    assert set(ROWS) & set(MERGES) == {"add", "sub", "mul"}, "of a number they are modules"


CASES = {
    "parameters called as what the file uses": "input 8x8x3\nblock b(range, kaiming, nn=1, F=2):\n  conv k=nn f=range init=kaiming | conv k=F f=kaiming p=1\n"
    "b 3 4\nb 4 5\nblock f(torch):\n  conv k=1 f=torch p=same\n  dwconv k=2 p=same\nf 3\nf 4\n",
    "shuffled pixels of other ranks, groups of tokens": "input 4x4x4x16\npixelshuffle 2\ntokens | gn 1\n",
    "shuffled pixels of a sequence": "input 5x6\npixelshuffle 3\n",
    "windows": "input 8x12x8\nwinattn heads=2 w=4\nwinattn heads=2 w=4x6 shift=2x0 bias=no\nwinattn heads=1 w=8x12 shift=1\npatchmerge\n",
    "patches of a volume": "input 4x4x6x2\npatchmerge 2 | conv k=1 f=3\n",
    "beginnings": "default init=kaiming\ninput 8x8x4\nconv k=3 f=4 | dwconv k=3 init=normal std=0.5 | deconv k=2 f=3 init=xavier\n"
    "fc 5 init=truncated | linear 6 init=orthogonal bias=no | linear 3 init=zeros\n",
    "positions": "input 8x8x4\nfeatures:\n  _: conv k=1 f=3 | bn | relu\n  3: conv k=1 f=5\n  _:\n    repeat 2: conv k=1 f=5\n  relu\n"
    "_: conv k=1 f=2 | relu\nhead:\n  relu | dropout\n  fc 4 | relu\n",
    "a group that is no chain": "input 8x8x4\nfeatures:\n  conv k=1 f=4\n  residual: conv k=1 f=4 | relu\n  pool w=2\n  tail: relu\n  fc 3\n",
    "layers that are tensors in a group": "input 4x8\nx:\n  tokens | pos | cls\n  attn heads=2 | scale 0.5\n",
    "equal rounds in a group, on lines of their own": "input 5x6x2x3\nv4:\n  relu\n  repeat 3: _: conv k=1 f=3 g=3 | conv k=3 f=7,8 p=1 | slice 4:7\n",
    "a block that came out empty in a group": "x: input 8x8\ny: input 19x2\nv:\n  b\n  from x | linear 3\nblock b(): skip\n",
    "layers that lead nowhere": "input 4x4x2\nb:\n  conv k=1 f=3\n  from input | skip\nrepeat 2:\n  conv k=1 f=3\n  from input\nrelu\n",
    "a group that flattens tokens": "input 18x4\n_: conv k=4 f=2 | tokens | fc 2\n",
    "a layer that is a tensor after one that is none": "input 4x8\ntokens\nx: linear 5 | pos\n",
    "two inputs": "a: input 8x8x3\nb: input 8x8x3\nfrom a | conv k=3 f=4 p=1\nx: relu\nfrom b | conv k=3 f=4 p=1 | add x\n",
    "a vector over a map": "input 8x8x4\nmul:\n  skip\n  gap | flatten | linear 2 | relu | linear 4 | sigmoid\n",
    "uneven same": "input 7x8x3\nconv k=3 f=4 s=2 p=same | pool w=2 s=2 p=same | avgpool w=2 p=same | conv k=2 f=3 p=same\n",
    "uneven same without padding in the divisor": "input 7x7x3\navgpool w=2 s=2 p=same count_pad=no\n",
    "ceil": "input 8x8x3\nconv k=3 f=4 s=2 round=ceil | pool w=3 s=2 round=ceil\n",
    "transposed": "input 5x5x3\ndeconv k=3 f=4 s=2 p=1 op=1 | deconv k=3 f=2 s=2 p=same | deconv k=4 f=2 s=2 p=1 | deconv k=1 s=2 f=2 p=same\n",
    "one axis": "input 32x4\nconv k=3 f=8 p=1 | bn | pool w=2 | deconv k=2 s=2 f=4 | upsample 2 | instnorm | gap | fc 3\n",
    "three axes": "input 8x8x8x2\nconv k=3 f=4 p=same | bn | pool w=2 | dropout2d 0.2 | pad 1 c=1 | crop 4 | upsample 2 mode=bilinear | gap | fc 3\n",
    "tokens": "input 16\nembed 50 32\npos | cls\nresidual: ln | attn heads=4\nresidual: ln | linear 64 | gelu approx=tanh | linear 32\nbn | first | fc 3\n",
    "map layers": "input 8x8x12\nln | linear 8 | scale 0.1 | gn 4 | lrn | shuffle 2 | slice 2:6 | pixelshuffle 2 | adaptmaxpool 3 | prelu shared=no | droppath 0.1\n",
    "tokens of a map": "input 4x4x8\ntokens | slice 0:4 | softmax | gap\n",
    "heads": "input 8x8x3\nconv k=3 f=4\noutput aux train: gap | fc 2\nconv k=3 f=4\noutput mid\nfc 3\n",
    "a block of groups": "input 8x8x4\nblock b(n):\n  concat:\n    one: conv k=1 f=n | relu\n    two: pool w=3 s=1 p=1 | conv k=1 f=2*n\n  relu\nb 4\nb 6\nx: repeat 3: b 2\n",
    "repeats without a label": "input 8x8x4\nrepeat 3: conv k=3 f=4 p=1 | relu\nfeatures:\n  repeat 3:\n    residual: conv k=3 f=4 p=1\n    relu\n",
    "a long way back": "input 8x8x4\na: conv k=1 f=4\nb: conv k=1 f=4\nconv k=1 f=4 | add a | add b | concat a b | mul b\n".replace(
        " | mul b", ""
    ),
    "a label in every round": "input 8x8x4\na: relu\nrepeat 4: conv k=3 f=4 p=1 | add a\n",
    "names of helpers and of torch": "input 8x8x3\nblock Crop(n):\n  conv k=1 f=n | crop 6\nblock Tensor(n):\n  conv k=1 f=n\nCrop 4\nTensor 3\nmodel:\n  residual: relu\n",
    "numbers that are not whole": "input 8x8x3\nblock b(r):\n  conv k=1 f=3 | leaky r\nb 0.1\nb 0.2\n",
    "names with dots": "input 8x8x3\nx.0: conv k=1 f=4\nx.1: relu\nfrom x.0 | add x.1\n",
}


@pytest.mark.parametrize("case", CASES)
def test_networks_of_every_kind_run(case):
    text = CASES[case]
    network = archspec.loads(text)
    report = archspec.analyze(network)
    model = to_torch(network).eval()
    given = inputs_of(network)
    result = model(*given)
    main = result.output if hasattr(result, "_fields") else result
    assert tuple(main.shape) == channels_first(network.graph.type_of(network.outputs[0].value))
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == report.totals.params
    wanted = {tensor.key: tensor.shape for tensor in tensors(network)}
    assert {key: tuple(t.shape) for key, t in model.state_dict().items() if not key.endswith(UNLISTED)} == wanted
    model.train()
    model(*given)


@pytest.mark.parametrize("name", few_quick(["resnet50", "googlenet", "inception_v3"], ["googlenet"]))
def test_the_expanded_spec_is_the_same_module(name):
    from archspec.backends.arch import expand

    network = archspec.load(name)
    nested, flat = to_torch(network).eval(), to_torch(archspec.loads(expand(network))).eval()
    assert set(nested.state_dict()) == set(flat.state_dict())
    flat.load_state_dict(nested.state_dict())
    x = torch.randn(channels_first(network.inputs[0].type))[:1]
    with torch.no_grad():
        first, second = nested(x), flat(x)
    first, second = (r.output if hasattr(r, "_fields") else r for r in (first, second))
    assert torch.equal(first, second)


def test_a_head_for_training_is_absent_in_inference_though_its_value_is_there():
    model = to_torch(archspec.loads("input 8x8x3\nrelu\noutput aux train\nfc 3\n"))
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(model.train()(x).aux, x.relu())
    assert model.eval()(x).aux is None


def test_a_group_takes_what_it_reads():
    """The value before a group is not computed for it where all that stands in it begins elsewhere."""
    text = "input 8x2\nconcat input\noutput aux train: conv k=1 f=1\na: b: from input | pool w=1\nc: add:\n  from input | relu\n  from a\n"
    model = to_torch(archspec.loads(text)).eval()
    x = torch.randn(2, 2, 8)
    assert torch.equal(model(x).output, x.relu() + x)


@pytest.mark.slow
def test_the_file_runs_by_itself(tmp_path, archspec_command):
    done = archspec_command("emit", "torch", "lenet5", "-o", str(tmp_path / "net.py"))
    assert (done.status, done.err) == (0, "")
    shown = subprocess.run([sys.executable, "net.py"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert shown == "61,706 parameters, output (2, 10)\n"
    assert archspec_command("emit", "torch", "lenet5").out == (tmp_path / "net.py").read_text()


def test_what_pytorch_cannot_say_is_a_diagnostic(archspec_command):
    text = "input 8x8x4\nconv k=2 f=2 p=same maps=((0,1),(2,3))\n"
    with pytest.raises(Unsupported):
        emit(archspec.loads(text))
    done = archspec_command("emit", "torch", "-", stdin=text)
    assert done.status == 1
    assert "error[A501]" in done.err
    assert "<stdin>:2:1" in done.err
    with pytest.raises(archspec.SpecError) as error:
        archspec.to_torch(archspec.loads(text))
    assert [d.code for d in error.value.diagnostics] == ["A501"]


NODES = {
    "Module", "Expr", "Constant", "Import", "ImportFrom", "alias", "ClassDef", "FunctionDef", "arguments", "arg", "keyword", "Name", "Load",
    "Store", "Attribute", "Assign", "AnnAssign", "Return", "Call", "Tuple", "List", "Dict", "Subscript", "Slice", "Starred", "BinOp", "Add", "Sub",
    "Mult", "Div", "FloorDiv", "Pow", "BitOr", "UnaryOp", "USub", "Not", "MatMult", "Mod", "Compare", "Eq", "NotEq", "Lt", "Gt", "GtE", "Is", "IsNot", "BoolOp", "Or",
    "And", "IfExp", "If", "For", "comprehension", "ListComp", "DictComp", "GeneratorExp", "JoinedStr", "FormattedValue",
}  # fmt: skip
"""What an emitted file consists of: no `del`, `global`, `lambda`, `try`, `with`, decorator, `while`, `await` or walrus."""
BUILTINS = {
    "super",
    "range",
    "int",
    "float",
    "bool",
    "str",
    "isinstance",
    "zip",
    "enumerate",
    "map",
    "sum",
    "max",
    "min",
    "tuple",
    "len",
    "slice",
    "any",
    "reversed",
    "hasattr",
    "getattr",
    "setattr",
    "list",
    "print",
}
TEXTS = {
    "__main__", " parameters, output ", ",", "fan_out", "relu", "linear", "bilinear", "trilinear", "nearest", "tanh", "ij", "-inf",
    "stride", "padding", "dilation", "filters", "inputs", "relative_position_index", "relative_coords_table",
}  # fmt: skip
"""What an emitted file says in quotes, besides names of layers."""
OWN = {"Tensor", "NamedTuple", "math", "torch", "nn", "F", "self", "__name__"}


def check_allowed(source, network):
    """Every node, name and text of an emitted file is one that the emitter means to write."""
    tree = ast.parse(source)
    assert {type(node).__name__ for node in ast.walk(tree)} <= NODES
    assert [type(node).__name__ for node in tree.body[-1:]] == ["If"]
    assert {type(node).__name__ for node in tree.body[:-1]} <= {"Expr", "Import", "ImportFrom", "ClassDef", "FunctionDef"}
    defined = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert loaded <= BUILTINS | OWN | defined | stored | arguments
    assert not (defined | stored | arguments - {"self"}) & (BUILTINS | OWN)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node)
    }
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    }
    parts = {part for tensor in walk(network) for part in (tensor.name, *tensor.name.split("."))}
    names = {part for place in walk(network) for part in place.name.split(".")}
    levels = [name.split(".") for name in dict.fromkeys(place.name for place in walk(network))]
    inner = {".".join(each[start:end]) for each in levels for end in range(2, len(each) + 1) for start in range(end)}
    declared = {place.node.op.name.removeprefix("aten.") for place in walk(network) if place.node.op.step == "custom"}
    assert texts <= parts | names | inner | declared | TEXTS


@pytest.mark.parametrize("path", few_quick(SPECS, VARIED), ids=lambda p: p.stem)
def test_the_source_holds_what_the_emitter_means_and_nothing_else(path):
    network = archspec.load(path)
    check_allowed(emit(network), network)


HOSTILE = 'model "a\\"\\"\\"b\\\\ \\n import os"\nmeta title="\\"\\"\\"" note="\'\'\'"\ninput 8x8x3\nblock b(n):\n  conv k=1 f=n\nb 3\n'


@pytest.mark.parametrize("text", [HOSTILE, *CASES.values()])
def test_no_text_of_a_spec_becomes_code(text):
    network = archspec.loads(text)
    check_allowed(emit(network), network)


def test_no_label_hides_what_every_module_has():
    from archspec.backends.torch.module_names import RESERVED

    assert {name for name in dir(torch.nn.Module()) if not name.startswith("__")} <= RESERVED


def test_no_call_of_a_block_hides_what_every_module_has():
    with pytest.raises(archspec.SpecError, match="`bfloat` cannot name a block: one of its calls would be called `bfloat16`"):
        archspec.loads("block bfloat(): relu\ninput 4x4x3\nrepeat 16: bfloat\n")


WORDS = ["width1", "class", "channels", "torch", "self", "super", "x", "__debug__", "__a", "__", "none", "true", "Model", "Tensor", "nn", "F", "None_", "Outputs", "extra1"]  # fmt: skip
PLACES = {
    "a parameter": "block b({0}, {0}_):\n  conv k=1 f={0} | relu | conv k=1 f={0}_\n  residual: relu\ninput 4x4x3\nb 2 5\nb 3 9\nb 4 3\n",
    "one of four": "block b({0}, a, b, c):\n  conv k=1 f={0}\n  repeat 3: conv k=1 f=a,b,c\n  residual: relu\ninput 4x4x3\nb 2 5 6 11\nb 3 9 1 7\n",
    "a block": "block {0}(n):\n  conv k=1 f=n\n  residual: relu\ninput 4x4x3\n{0} 3\n{0} 4\n",
    "a label": "input 4x4x3\n{0}: conv k=1 f=3\nrelu\nadd {0}\n",
    "a group": "input 4x4x3\n{0}:\n  conv k=1 f=3\n  residual: relu\nrelu\n",
    "an input": "{0}: input 4x4x3\nother: input 4x4x3\nfrom {0} | conv k=1 f=3 | add other\n",
    "an output": "input 4x4x3\nconv k=1 f=3\noutput {0}: relu | conv k=1 f=2\nrelu\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_words_of_python_and_of_the_emitter_are_names_like_others(place):
    """Where the language takes them: the module has the parameters that the spec counts, and runs."""
    accepted = 0
    for word in WORDS:
        try:
            network = archspec.loads(PLACES[place].format(word))
        except archspec.SpecError:
            continue
        model = to_torch(network)
        assert sum(p.numel() for p in model.parameters()) == archspec.analyze(network).totals.params, word
        model(*(torch.zeros(1, 3, 4, 4) for _ in network.inputs))
        accepted += 1
    assert accepted > len(WORDS) // 2


def test_templates_are_written_for_every_rank():
    from archspec.backends.torch import templates

    for name in ("PaddedConv", "CutConvTranspose", "TableConv"):
        two = templates.source(f"{name}2d")
        assert two is not None
        assert two.count("2") == two.count("2d") + two.count("* 2 ")
        assert all(templates.source(f"{name}{rank}d") == two.replace("2", str(rank)) for rank in (1, 3))
    assert templates.source("Conv") is None


def test_a_local_norm_takes_a_map_whose_axes_were_moved_in_memory():
    model = to_torch(archspec.loads('input 6x5x4x3\nrearrange "a b c q -> q b a c"\nlrn n=3\n'))
    x = torch.randn(2, 3, 6, 5, 4)
    moved = x.permute(0, 4, 1, 3, 2).contiguous()  # channels are the last axis, which was called c
    torch.testing.assert_close(model(x), torch.nn.functional.local_response_norm(moved, 3))


@pytest.mark.parametrize("last", ["linear 3 | scale init=0.5 shared=yes", "mul 2", "scale if c() > 4", "add v", "sub 1 | mul v"])
def test_a_result_that_is_the_same_for_all_images_has_their_batch(last):
    model = to_torch(archspec.loads(f"input 7x3\nv: tensor 4x5 init=normal\nfrom v | {last}\n")).eval()
    found = model(torch.zeros(3, 3, 7))
    assert len(found) == 3 and torch.equal(found[0], found[2])
