"""Speed of numbers left open: `python -m tests.benchmarks.bench_open_numbers`.

Variants per second with and without NumPy, tracing included, beside elaborating each variant, and beside a loop over torchinfo or calflops
where one of them is installed; and whole processes of the commands, against a bare interpreter.
"""

from __future__ import annotations

import compileall
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import archspec
from archspec.symbolic import cover
from archspec.symbolic.subjects import space_of, spec_of
from archspec.symbolic.sweeps import sweep
from archspec.symbolic.tracing import count
from tests.benchmarks.bench import process
from tests.helpers.paths import ROOT

ANYNET = (
    """param d1 = 1
param d2 = 1
param d3 = 4
param d4 = 7
param w1 = 24
param w2 = 56
param w3 = 152
param w4 = 368
block x(w, s):
  residual:
    conv k=1 f=w bias=no | bn | relu
    conv k=3 f=w s=s p=1 bias=no round=floor | bn | relu
    conv k=1 f=w bias=no | bn
    shortcut: conv k=1 f=w s=s bias=no round=floor | bn if s != 1 or cin != w
  relu
input 224x224x3
conv k=3 f=32 s=2 p=1 bias=no round=floor | bn | relu
repeat d1: x w1 2,1 if d1 > 0
repeat d2: x w2 2,1
repeat d3: x w3 2,1
repeat d4: x w4 2,1
gap | fc 1000
""".replace("x w1 2,1 if d1 > 0", "x w1 1")
    .replace("x w2 2,1", "x w2 1")
    .replace("x w3 2,1", "x w3 1")
    .replace("x w4 2,1", "x w4 1")
)
"""Radosavovic et al. 2020, figure 3: depths and widths of four stages; strides of 1, so that any depth is a network."""
SPACES: list[tuple[str, Callable[[], archspec.Network], dict[str, str], list[str]]] = [
    ("resnet50 in H, W, classes", lambda: archspec.load("resnet50"), {"classes": "1:1000:100"}, ["64..379x64..379"]),
    ("unet in width", lambda: archspec.load("unet"), {"width": "1..1000000"}, []),
    (
        "AnyNet in 8 params",
        lambda: archspec.loads(ANYNET),
        {"d1": "1..3", "d2": "1..4", "d3": "1..6", "d4": "1..6", "w1": "16:64:8", "w2": "32:96:8", "w3": "64:160:16", "w4": "128:320:32"},
        [],
    ),
]


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def variants() -> None:
    print(
        f"{'variants of params, MACs, ...':<30}{'variants':>11}{'s':>8}{'s/million':>11}{'traces':>8}{'no NumPy/s':>12}{'x one by one':>14}"
    )
    for name, load, params, inputs in SPACES:
        spec = spec_of(load())
        space = space_of(spec, params, inputs)
        taken = statistics.median(timed(lambda spec=spec, space=space: sweep(spec.subject, space, most=10**8))[0] for _ in range(3))
        counted = sweep(spec.subject, space, range(1000), most=10**8)
        numpy, cover.find_spec = cover.find_spec, lambda name: None  # type: ignore[assignment]
        alone, _ = timed(lambda spec=spec, space=space: sweep(spec.subject, space, most=10**8))
        cover.find_spec = numpy
        one, _ = timed(lambda spec=spec, space=space: [count(spec.subject, space.meaning(space.variant(n))) for n in range(100)])
        ratio = one / 100 / (taken / space.size)
        traces = len(counted.answers)
        print(
            f"{name:<30}{space.size:>11,}{taken:>8.2f}{taken / space.size * 1e6:>11.2f}{traces:>8}{space.size / alone:>12,.0f}{ratio:>14,.0f}"
        )


def peers() -> None:
    """100 widths of a network, by a loop over another tool."""
    if importlib.util.find_spec("torchinfo") is None:
        print("torchinfo is not installed: no comparison")
        return
    from torchinfo import summary

    def loop() -> None:
        for at in range(100):
            module = archspec.to_torch(archspec.load("mobilenet_v2", params={"width": 0.5 + at / 100}), device="meta")
            summary(module, (1, 3, 224, 224), device="meta", verbose=0)

    theirs, _ = timed(loop)
    ours, _ = timed(lambda: archspec.sweep(archspec.load("mobilenet_v2"), {"width": "0.5:1.49:0.01"}))
    print(f"100 widths of mobilenet_v2: {ours * 1e3:.0f} ms; a loop over torchinfo: {theirs:.1f} s, {theirs / ours:.0f} times as long")


def commands() -> None:
    compileall.compile_dir(ROOT / "archspec", quiet=2)
    bare = statistics.median(process([sys.executable, "-c", "pass"]) for _ in range(9))
    width = ["--set", "width=0.1:4:0.001", "--input", "32:1024:32", "--where", "params < 5e6", "--largest", "width"]
    for words in (
        ["formula", "resnet50", "--in", "H,W,classes"],
        ["sizes", "resnet50"],
        ["sizes", "unet"],
        ["find", "mobilenet_v2", *width],
    ):
        taken = statistics.median(process([sys.executable, "-m", "archspec", *words]) for _ in range(7))
        print(f"archspec {' '.join(words[:2]):<28}{taken * 1e3:>8.0f} ms{taken / bare:>8.1f} x a bare interpreter")


if __name__ == "__main__":
    variants()
    peers()
    commands()
