"""docs/architectures.md: the published architectures that are bundled, with their lines, numbers and sources."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import archspec
from generate.classifiers import FACTS
from generate.common import NOTICE, ROOT, cell

CLASSIFIERS = tomllib.loads(FACTS.read_text(encoding="utf-8"))
END = """
## What cannot be said

What the language has no words for today is what depends on the values themselves:

- boxes that are chosen, cut out and suppressed: Faster R-CNN and Mask R-CNN. SSD and YOLO are said up to their maps of scores and boxes;
- neighbours by distance, and the nearest of several vectors: PointNet++, DGCNN, VQ-VAE;
- experts that are chosen for each token: Switch Transformer, Mixtral;
- numbers read at places that are learned: spatial transformers;
- rounds that go on until a value says so: adaptive computation time, deep equilibrium models; words that are written one after another: a
  decoder is said for words that are given.

It also lacks Fourier transforms (FNet) and the selective scan of Mamba.
"""


def architectures() -> str:
    paths = sorted((ROOT / "specs").glob("*.arch"))
    networks = {path: archspec.load(str(path)) for path in paths}
    published = {path: network for path, network in networks.items() if "year" in network.meta}
    rows = sorted((network.meta["year"], network.meta["title"], _line(path, network)) for path, network in published.items())
    return "\n".join(
        [
            "# Published architectures",
            "",
            NOTICE,
            "",
            f"The {len(published)} bundled specs of published networks, by year. **Lines** are those of the spec and of the files that it uses, without blank",
            "lines, comments and `meta`. Parameters and MACs are compared with the source in `specs/NAME.facts.toml`. **Values** says what gives the",
            "same outputs with the same weights; of every spec the emitted PyTorch module and the ONNX file give the same values.",
            "[The classifiers of torchvision](torchvision.md) lists what else these specs say with other params.",
            "",
            "| year | architecture | spec | lines | parameters | MACs | values | source |",
            "|---|---|---|---:|---:|---:|---|---|",
            *(line for _, _, line in rows),
            "",
            "## Further networks",
            "",
            "These are not bundled; their specs are in `tests/published`. Parameters, and MACs where `expect` has them, were compared with the program that the",
            "source names: timm, torchvision, transformers, diffusers, pytorchvideo, and darknet19.cfg. NIN, OverFeat, YOLO, YOLOv2, pix2pix and UNet 3+ were not",
            "compared with a program: their counts follow from the tables of the papers, and agree with them as far as these give a total.",
            "",
            "| year | architecture | spec | lines | parameters | MACs | source |",
            "|---|---|---|---:|---:|---:|---|",
            *sorted(_further(path) for path in (ROOT / "tests" / "published").glob("*.arch")),
            END,
        ]
    )


def _further(path: Path) -> str:
    network = archspec.load(str(path))
    totals, meta = archspec.analyze(network).totals, network.meta
    link = f"[`{path.stem}`](../tests/published/{path.name})"
    return f"| {meta['year']} | {cell(meta['title'])} | {link} | {lines(path)} | {totals.params:,} | {totals.macs:,} | {cell(meta['source'])} |"


def _line(path: Path, network: archspec.Network) -> str:
    totals = archspec.analyze(network).totals
    meta = network.meta
    return (
        f"| {meta['year']} | {cell(meta['title'])} | `{path.stem}` | {lines(path)} | {totals.params:,} | {totals.macs:,} "
        f"| {_values(path.stem)} | {cell(meta['source'].partition(', its top-1')[0])} |"
    )


def lines(path: Path) -> int:
    """Lines of a spec and of the files that it uses, without blank lines, comments and `meta`."""
    text = path.read_text(encoding="utf-8")
    own = sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "meta ")))
    return own + sum(lines(path.parent / used) for used in re.findall(r'^use "([^"]+)"', text, re.MULTILINE))


def _values(name: str) -> str:
    test, given_by = "tests/backends/torch/test_torch_against_torchvision.py", "torchvision"
    if name not in CLASSIFIERS:
        facts = tomllib.loads((ROOT / "specs" / f"{name}.facts.toml").read_text(encoding="utf-8"))
        if "values" not in facts:
            return ""
        test, given_by = facts["values"]["test"], facts["values"]["with"]
    return f"[{given_by}](../{test})"
