"""The cases of one node that ONNX itself has for backends: read with the values that it gives, as `custom`, or refused; never wrong."""

from __future__ import annotations

import warnings
from collections import Counter

import pytest

for _name in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(_name, reason="the cases are ONNX's, and PyTorch computes what was read")

import numpy as np
import torch
from onnx import ModelProto, numpy_helper

from archspec.diagnostics import SpecError
from archspec.imports.onnx.reader import read
from archspec.types import Map
from tests.imports.onnx_values import module_of

pytestmark = pytest.mark.slow
LEAST = {
    "Conv": 6,
    "ConvTranspose": 10,
    "MaxPool": 16,
    "AveragePool": 12,
    "BatchNormalization": 2,
    "Gemm": 4,
    "Resize": 9,
    "Concat": 6,
    "Slice": 6,
}
"""How many cases at least are read with the right values."""


def cases():
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return collect_testcases(None)


def variants(case):
    """A case as it is, and with all inputs except the first one stored in the file: those are its weights."""
    inputs, outputs = ([np.asarray(one) for one in part] for part in case.data_sets[0])
    yield case.model, inputs, outputs
    if len(inputs) > 1:
        model = ModelProto()
        model.CopyFrom(case.model)
        for declared, array in zip(case.model.graph.input[1:], inputs[1:], strict=True):
            model.graph.initializer.append(numpy_helper.from_array(array, declared.name))
        yield model, inputs[:1], outputs


def outcome(model, inputs, outputs, path) -> str:
    """What becomes of a case: right, wrong, custom or refused."""
    path.write_bytes(model.SerializeToString())
    try:
        found = read(path, {})
    except SpecError:
        return "refused"
    if found.diagnostics:
        return "custom"
    given = []
    for declared, array in zip(found.network.inputs, inputs, strict=False):
        value = torch.tensor(array.astype(np.float32))
        if isinstance(declared.type, Map) and tuple(value.shape[1:]) != (declared.type.channels, *declared.type.spatial):
            value = value.movedim(-1, 1)
        given.append(value)
    with torch.no_grad():
        ours = module_of(found, path)(*given)
    ours = [ours] if isinstance(ours, torch.Tensor) else list(ours)
    for mine, theirs in zip(ours, outputs, strict=True):
        flat = mine.numpy()
        if flat.size != theirs.size:
            return "wrong"
        same = flat.squeeze().shape == theirs.squeeze().shape
        flat = flat.reshape(theirs.shape) if same else np.moveaxis(flat, 1, -1).reshape(theirs.shape)
        if not np.allclose(flat, theirs.astype(np.float32), rtol=1e-3, atol=1e-4, equal_nan=True):
            return "wrong"
    return "right"


def test_cases_are_right_or_refused(tmp_path):
    found: dict[str, Counter[str]] = {}
    wrong = []
    for case in cases():
        if not all(isinstance(one, np.ndarray) and one.dtype.kind in "fiub" for part in case.data_sets[0] for one in part):
            continue
        operator = case.model.graph.node[-1].op_type
        for model, inputs, outputs in variants(case):
            told = outcome(model, inputs, outputs, tmp_path / "case.onnx")
            found.setdefault(operator, Counter())[told] += 1
            wrong += [case.name] if told == "wrong" else []
    assert wrong == []
    assert {operator: count for operator, count in LEAST.items() if found[operator]["right"] < count} == {}
