"""Every layer in ONNX at every opset: shapes as onnx infers them, values as PyTorch computes them."""

from __future__ import annotations

import itertools
import random

import pytest

torch = pytest.importorskip("torch", reason="torch is what values are compared with")
pytest.importorskip("onnx", reason="onnx holds the models")
pytest.importorskip("onnxruntime", reason="onnxruntime is what runs them")


import onnx
import support
import torch.nn.functional as F

import archspec
from archspec.analysis.tensors import tensors
from archspec.backends.onnx.operators import ROWS
from archspec.backends.onnx.opsets import OPSETS
from archspec.ir.walk import walk
from archspec.ops import STEPS
from tests.helpers.onnx import FAULTS, batched, declared, fault, inferred, inputs_of, run, session
from tests.helpers.onnx_grid import GRID
from tests.helpers.specs import few_quick
from tests.helpers.torch import distance, enliven, results

TOLERANCE = 1e-5
ENDS = (min(OPSETS), max(OPSETS))
BETWEEN = tuple(opset for opset in OPSETS if opset not in ENDS)


def check(model, network, inputs, expected):
    """Holds a model to the checker, to onnx's shapes and to the expected values."""
    onnx.checker.check_model(model, full_check=True)
    operators = {node.op_type for node in model.graph.node}
    told = fault(operators)
    wanted, found = declared(model), inferred(model)
    differing = {name: (shape, found.get(name)) for name, shape in wanted.items() if found.get(name) != shape}
    assert not differing or told, differing
    assert dict(wanted)["output"] == batched(network.graph.output, "N")
    (result,) = run(session(model), inputs)
    assert distance(result, expected) < TOLERANCE


def test_every_layer_has_a_row_and_a_case():
    assert set(ROWS) == set(STEPS)
    used = {place.node.op.step for text in GRID.values() for place in walk(archspec.loads(text + "\n"))}
    assert used == set(STEPS)


@pytest.mark.parametrize("opsets", few_quick([ENDS, BETWEEN], [ENDS]), ids=["first and last", "between"])
@pytest.mark.parametrize("case", GRID)
def test_values_of_pytorch_at_every_opset(case, opsets):
    network = archspec.loads(GRID[case] + "\n")
    inputs = inputs_of(network, 2)
    module = enliven(archspec.to_torch(network), inputs)
    (expected,) = results(module, inputs)
    for opset in opsets:
        model = archspec.to_onnx(network, module.state_dict(), opset=opset)
        assert (model.ir_version, model.opset_import[0].version) == (OPSETS[opset], opset)
        check(model, network, inputs, expected)


@pytest.mark.parametrize("operator", FAULTS)
def test_faults_are_still_there(operator):
    """A fault of a tool that is mended has no place in the list."""
    case = {"Resize": "upsample"}[operator]
    model = archspec.to_onnx(archspec.loads(GRID[case] + "\n"))
    if fault({operator}) is None:
        pytest.skip("a later version is installed")
    assert inferred(model) != declared(model)


def subsampled(x, w):
    pooled = F.avg_pool2d(x, 2, ceil_mode=True, divisor_override=1)
    return pooled * w["subsample1.weight"].view(-1, 1, 1) + w["subsample1.bias"].view(-1, 1, 1)


def group_normed(x, w):
    return F.group_norm(x.flatten(2), 2, w["gn1.weight"], w["gn1.bias"]).transpose(1, 2)


def table_convolved(x, w):
    weight = torch.zeros(2, 3, 2, 2).index_put((torch.tensor([0, 0, 1]), torch.tensor([0, 1, 2])), w["conv1.weight"])
    return F.conv2d(F.pad(x, (0, 1, 0, 1)), weight, w["conv1.bias"])


BY_HAND = {
    "subsampling that overhangs": ("input 9x9x3\nsubsample w=2 round=ceil", subsampled),
    "group norm of tokens": ("input 3x4x6\ntokens | gn 2", group_normed),
    "uneven padding and a connection table": ("input 5x5x3\nconv k=2 f=2 p=same maps=((0,1),(2,))", table_convolved),
    "dilated pooling, padded as much as its window": (
        "input 9x9x3\npool w=2 s=1 d=4 p=same",
        lambda x, w: F.max_pool2d(F.pad(x, (2, 2, 2, 2), value=float("-inf")), 2, 1, dilation=4),
    ),
    "a slope for each channel of tokens": (
        "input 3x4x6\ntokens | prelu shared=no",
        lambda x, w: F.prelu(x.flatten(2), w["prelu1.weight"]).transpose(1, 2),
    ),
    "pixel shuffle on one axis": (
        "input 5x6\npixelshuffle 3",
        lambda x, w: x.view(2, 2, 3, 5).permute(0, 1, 3, 2).reshape(2, 2, 15),
    ),
    "pixel shuffle on three axes": (
        "input 2x3x2x16\npixelshuffle 2",
        lambda x, w: x.view(2, 2, 2, 2, 2, 2, 3, 2).permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(2, 2, 4, 6, 4),
    ),
    "words that are computed": (
        "input 4\nrelu | embed 9 3",
        lambda x, w: F.embedding(x.relu().long(), w["embed1.weight"]),
    ),
}
"""What the PyTorch target refuses, or has otherwise, written out."""


@pytest.mark.parametrize("case", BY_HAND)
def test_values_written_by_hand_at_every_opset(case):
    text, reference = BY_HAND[case]
    network = archspec.loads(text + "\n")
    generator = torch.Generator().manual_seed(1)
    weights = {t.key: torch.randn(t.shape, generator=generator) for t in tensors(network)}
    inputs = inputs_of(network, 2)
    expected = reference(next(iter(inputs.values())), weights).numpy()
    for opset in OPSETS:
        check(archspec.to_onnx(network, weights, opset=opset), network, inputs, expected)


REFUSED = ('"aten.prelu" weight=1 macs=0 flops=10',)
"""A declared layer that ONNX has no operator for."""


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_what_the_support_matrix_says_of_onnx_runs(step):
    """On every kind of value; against the emitted module where there is one."""
    compared = 0
    for case in support.cases():
        if case.step != step or case.network is None:
            continue
        assert (support.refusal("onnx", case.network) is not None) is (case.sample in REFUSED)
        if case.sample in REFUSED:
            continue
        network = case.network
        inputs = inputs_of(network, 2)
        if support.refusal("torch", network) is None:
            module = enliven(archspec.to_torch(network), inputs)
            (expected,) = results(module, inputs)
            check(archspec.to_onnx(network, module.state_dict()), network, inputs, expected)
        else:
            (result,) = run(session(archspec.to_onnx(network)), inputs)
            assert result.shape == batched(network.graph.output, 2)
        compared += 1
    assert compared


POOLS = {
    "pool": lambda x, k, s, p, ceil: F.max_pool2d(x, k, s, p, ceil_mode=ceil),
    "avgpool": lambda x, k, s, p, ceil: F.avg_pool2d(x, k, s, p, ceil_mode=ceil),
    "avgpool count_pad=no": lambda x, k, s, p, ceil: F.avg_pool2d(x, k, s, p, ceil_mode=ceil, count_include_pad=False),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("opset", [13, 22])
def test_pooling_of_every_size(kind, opset):
    """All small configurations; two a network, along its axes, so that the axes differ."""
    sizes = [
        (size, k, s, p)
        for size, k, s in itertools.product(range(1, 9), range(1, 5), range(1, 5))
        for p in range(k // 2 + 1)
        if size + 2 * p >= k
    ]
    other = random.Random(0).sample(sizes, len(sizes))
    compared = 0
    for (h, kh, sh, ph), (w, kw, sw, pw) in zip(sizes, other, strict=True):
        for rounding in ("floor", "ceil"):
            text = (
                f"input {h}x{w}x2\n{kind.partition(' ')[0]} w={kh}x{kw} s={sh}x{sw} p={ph}x{pw} round={rounding} {kind.partition(' ')[2]}\n"
            )
            network = archspec.loads(text)
            inputs = inputs_of(network, 1)
            expected = POOLS[kind](inputs["input"], (kh, kw), (sh, sw), (ph, pw), rounding == "ceil").numpy()
            model = archspec.to_onnx(network, opset=opset)
            assert inferred(model)["output"] == ("N", *expected.shape[1:]), text
            (result,) = run(session(model), inputs)
            assert result.shape == expected.shape, text
            assert abs(result - expected).max() < 1e-6, text
            compared += 1
    assert compared > 400
