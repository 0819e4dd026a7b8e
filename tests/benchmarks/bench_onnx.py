"""Our ONNX files against those of torch.onnx.export from torchvision's own networks, with the same weights.

    python -m tests.benchmarks.bench_onnx              all of it
    python -m tests.benchmarks.bench_onnx nodes        one part: nodes, latency, emission or big

Needs torch, torchvision, onnx and onnxruntime; the exporter through TorchDynamo is measured too where onnxscript is installed.

- nodes: operators in the file, ours without and with --fold-bn (both exporters fold batch norms), and the distance of the results;
- latency: the median of the ratios of neighbouring runs in onnxruntime, ours and theirs taking turns, one thread;
- emission: weights included, to a file: seconds, and peak resident memory, of a whole process and of what it does when it is ready;
- big: a spec of more than 2 GiB of weights, its time, memory, and that of the largest layer.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.helpers.paths import ROOT

NAMES = ("resnet50", "mobilenet_v2", "densenet121", "googlenet")
EXPORTERS = ("TorchScript", "Dynamo", "Dynamo unoptimised") if find_spec("onnxscript") else ("TorchScript",)
PEAK = "\nprint(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])\n"
OURS = """
import sys, time; sys.argv = ['archspec', 'emit', 'onnx', {name!r}, '-o', {path!r}]
from archspec.cli.main import main
import archspec.backends.onnx.export
start = time.perf_counter(); assert main() == 0; print(time.perf_counter() - start)
"""
THEIRS = """
import sys, time, warnings; warnings.simplefilter('ignore')
from tests.benchmarks.bench_onnx import export
from tests.helpers.torchvision import reference
model = reference({name!r}).eval()
start = time.perf_counter(); export(model, {exporter!r}, {path!r}); print(time.perf_counter() - start)
"""
BIG = "input 8192\nrepeat 9: fc 8192 bias=no | relu\n"


def export(model: Any, exporter: str, path: str) -> None:
    """What torch.onnx.export writes, with a batch of any size; "Dynamo unoptimised" is without its passes over the finished graph."""
    import torch

    x = torch.zeros(2, 3, 224, 224)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter.startswith("Dynamo"):
            shapes = ({0: torch.export.Dim("batch")},)
            torch.onnx.export(
                model, (x,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, optimize=exporter == "Dynamo"
            )
        else:
            torch.onnx.export(model, (x,), path, dynamo=False, dynamic_axes={"input": {0: "N"}}, input_names=["input"], opset_version=17)


class Files:
    """Both files of a network, in a folder that goes."""

    def __init__(self, folder: str, name: str) -> None:
        import onnx
        import torch

        import archspec
        from tests.helpers.torchvision import reference

        torch.manual_seed(0)
        module = reference(name).eval()
        self.ours = f"{folder}/ours.onnx"
        self.folded = f"{folder}/folded.onnx"
        self.theirs = {exporter: f"{folder}/{exporter}.onnx" for exporter in EXPORTERS}
        network = archspec.load(name, params={"aux": 1} if name == "googlenet" else None)
        for path, fold in ((self.ours, False), (self.folded, True)):
            onnx.save(archspec.to_onnx(network, module.state_dict(), fold_bn=fold), path)
        for exporter, path in self.theirs.items():
            export(module, exporter, path)


def session(path: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def nodes() -> None:
    import numpy as np
    import onnx

    print(f"| network | ours | ours --fold-bn | {' | '.join(EXPORTERS)} | distance |")
    print("|---|---:|---:|" + "---:|" * len(EXPORTERS) + "---:|")
    x = np.random.default_rng(0).standard_normal((2, 3, 224, 224), np.float32)
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            files = Files(folder, name)
            paths = [files.ours, files.folded, *files.theirs.values()]
            counts = [len(onnx.load(path).graph.node) for path in paths]
            found = [run(session(path), x) for path in paths]
            apart = max(abs(value - found[-1]).max() / abs(found[-1]).max() for value in found)
            print(f"| {name} | {' | '.join(map(str, counts))} | {apart:.0e} |", flush=True)


def run(ready: Any, x: Any) -> Any:
    return ready.run(None, {ready.get_inputs()[0].name: x})[0]


def latency(rounds: int = 60) -> None:
    """A round runs each file once; its ratio is ours to theirs."""
    import numpy as np

    print(f"| network | ms | {' | '.join(f'to {e} | folded' for e in EXPORTERS)} |")
    print("|---|---:|" + "---:|---:|" * len(EXPORTERS))
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            files = Files(folder, name)
            paths = [files.ours, files.folded, *files.theirs.values()]
            ready = [session(path) for path in paths]
            times: list[list[float]] = [[] for _ in ready]
            for at in range(rounds):
                for index in sorted(range(len(ready)), reverse=at % 2 == 1):
                    start = time.perf_counter()
                    run(ready[index], x)
                    times[index].append(time.perf_counter() - start)
            cells = [f"{median_ratio(ours, theirs):.3f}" for theirs in times[2:] for ours in times[:2]]
            print(f"| {name} | {statistics.median(times[0]) * 1000:.1f} | {' | '.join(cells)} |", flush=True)


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours[5:], theirs[5:], strict=True))


def child(code: str, cwd: str) -> tuple[float, float, float]:
    """Seconds of a whole process, those that it prints, and its peak memory in MB."""
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + PEAK], cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    whole = time.perf_counter() - start
    inner, peak = done.stdout.split()[-2:]
    return whole, float(inner), int(peak) * 1024 / 1e6


def emission(times: int = 3) -> None:
    print("| network | what | process s | when ready s | peak MB |")
    print("|---|---|---:|---:|---:|")
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/net.onnx"
            codes = {"ours": OURS.format(name=name, path=path)}
            for exporter in EXPORTERS[:2]:
                codes[exporter] = THEIRS.format(name=name, path=path, exporter=exporter)
            found = {
                what: [min(column) for column in zip(*(child(code, folder) for _ in range(times)), strict=True)]
                for what, code in codes.items()
            }
            for what, (whole, inner, peak) in found.items():
                ratios = [theirs / ours for theirs, ours in zip((whole, inner, peak), found["ours"], strict=True)]
                shown = "" if what == "ours" else f" ({ratios[0]:.1f}x), ({ratios[1]:.1f}x), ({ratios[2]:.1f}x)"
                cells = [f"{whole:.2f}", f"{inner:.2f}", f"{peak:.0f}"]
                parts = shown.split(",") if shown else ["", "", ""]
                print(f"| {name} | {what} | {' | '.join(c + p for c, p in zip(cells, parts, strict=True))} |", flush=True)


def big() -> None:
    import onnx

    largest = 8192 * 8192 * 4 / 1e6
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "big.arch").write_text(BIG)
        whole, _, peak = child(OURS.format(name="big.arch", path="big.onnx"), folder)
        written = (Path(folder) / "big.onnx.data").stat().st_size / 1e6
        onnx.checker.check_model(f"{folder}/big.onnx", full_check=True)
        session(f"{folder}/big.onnx")
    found = {"MB written": written, "seconds": whole, "peak MB": peak, "allowed MB": 2 * largest + 300}
    print(json.dumps({key: round(value, 1) for key, value in found.items()}))


PARTS = {"nodes": nodes, "latency": latency, "emission": emission, "big": big}


if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        print(f"\n{part}\n")
        PARTS[part]()
