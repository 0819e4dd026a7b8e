"""Sizes that are not whole: positions by the sizes themselves, in torch, in ONNX and by the definition."""

from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch", reason="torch interpolates")
pytest.importorskip("onnxruntime", reason="onnxruntime runs the models")

from torch.nn import functional as F

import archspec
from tests.helpers.onnx import run, session

FACTORS = (1.1, 1.25, 0.7, 1.7, 2.2, 3.3, 0.5)


def drawn(count):
    choose = random.Random(7)
    for _ in range(count):
        sides = choose.randint(2, 40), choose.randint(2, 40)
        size = f"to={choose.randint(1, 80)}x{choose.randint(1, 80)}"
        yield sides, choose.choice([size, *(f"{choose.choice(FACTORS)} round={rounding}" for rounding in ("floor", "ceil"))])


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_three_ways_agree(mode):
    for sides, size in drawn(40):
        try:
            network = archspec.loads(f"input {sides[0]}x{sides[1]}x2\nupsample {size} mode={mode}\n")
        except archspec.SpecError as error:
            assert error.diagnostics[0].code == "A202", (sides, size)
            continue
        x = torch.randn(1, 2, *sides)
        spatial = network.graph.output.spatial
        wanted = F.interpolate(x, spatial, mode=mode)
        if spatial == sides:
            wanted = x
        (found,) = run(session(archspec.to_onnx(network)), {"input": x})
        torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-3, atol=1e-3, msg=f"{sides} {size}")
        torch.testing.assert_close(archspec.to_torch(network).eval()(x), wanted)
        if mode == "nearest":
            rows, columns = ([i * side // out for i in range(out)] for side, out in zip(sides, spatial, strict=True))
            apart = (wanted != x[:, :, rows][:, :, :, columns]).float().mean()
            assert apart < 0.2, "torch divides in float32, and a quotient that is whole may come out as less"
