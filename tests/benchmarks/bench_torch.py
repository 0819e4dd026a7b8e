"""The emitted PyTorch modules against torchvision's own: equality, speed, cost of making one. Needs torch and torchvision.

    python -m tests.benchmarks.bench_torch              all of it; the GPU too where there is one
    python -m tests.benchmarks.bench_torch equal        one part: equal, speed or make

Speed is the median of the ratios of neighbouring runs, the two modules taking turns, with the same weights and input.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time

import torch

import archspec
from tests.helpers.paths import ROOT
from tests.helpers.torchvision import NAMES, matched

SPEED = ("resnet50", "mobilenet_v2", "densenet121", "vgg16")


def equal() -> None:
    """Which outputs and gradients are the same to the last bit, and how far the others are apart."""
    print("| network | eval | train | gradients |")
    print("|---|---|---|---|")
    for name in NAMES:
        pair = matched(name)
        cells = [shown(*pair.eval_outputs())]
        outputs, gradients = pair.train_outputs_and_gradients()
        cells += [shown(*outputs), max((shown(*g) for g in gradients), key=lambda text: (text != "bitwise", text))]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def shown(ours: torch.Tensor, theirs: torch.Tensor) -> str:
    if torch.equal(ours, theirs):
        return "bitwise"
    return f"{float((ours - theirs).norm() / theirs.norm()):.0e}"


def speed(device: str, batch: int, size: int, rounds: int) -> None:
    """Forward and training step: the ratio of ours to theirs."""
    for name in SPEED:
        pair = matched(name, size=224, device=device)
        x = torch.randn(batch, 3, size, size, device=device)
        for kind in (forward, step):
            ratio = paired(kind, pair.ours, pair.theirs, x, rounds)
            print(f"{device} {name} {kind.__name__}: {ratio:.3f}", flush=True)


def forward(model: torch.nn.Module, x: torch.Tensor) -> None:
    model.eval()
    with torch.no_grad():
        model(x)


def step(model: torch.nn.Module, x: torch.Tensor) -> None:
    model.train()
    model(x).sum().backward()
    model.zero_grad(set_to_none=True)


def paired(run, ours, theirs, x, rounds: int) -> float:
    for model in (ours, theirs, ours, theirs):
        run(model, x)
    ratios = []
    for at in range(rounds):
        pair = [ours, theirs] if at % 2 else [theirs, ours]
        first, second = (timed(run, model, x) for model in pair)
        ratios.append(first / second if at % 2 else second / first)
    return statistics.median(ratios)


def timed(run, model, x) -> float:
    gc.collect()
    if x.is_cuda:
        torch.cuda.synchronize()
    begin = time.perf_counter()
    run(model, x)
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def make(rounds: int = 9) -> None:
    """`load` and `to_torch` of resnet152 with torchvision's initialisation, against torchvision's constructor."""
    from tests.helpers.torchvision import torchvision

    spec = ROOT / "specs" / "resnet152.arch"
    blocks = spec.parent / "blocks" / "resnet.arch"
    text = spec.read_text().replace('use "blocks/resnet.arch"\n', blocks.read_text())
    text = text.replace("default conv bias=no", "default conv bias=no init=kaiming_out")
    assert "init=kaiming_out" in text
    ratios = []
    for _ in range(rounds):
        begin = time.perf_counter()
        torchvision().models.resnet152(weights=None)
        middle = time.perf_counter()
        archspec.to_torch(archspec.loads(text))
        ratios.append((time.perf_counter() - middle) / (middle - begin))
    print(f"to_torch(resnet152) / torchvision's: {statistics.median(ratios):.3f}")


def main() -> None:
    wanted = sys.argv[1:] or ["equal", "speed", "make"]
    torch.manual_seed(0)
    if "equal" in wanted:
        equal()
    if "speed" in wanted:
        if torch.cuda.is_available():
            speed("cuda", 32, 224, 60)
        speed("cpu", 4, 224, 15)
    if "make" in wanted:
        make()


if __name__ == "__main__":
    main()
