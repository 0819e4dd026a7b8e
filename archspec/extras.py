"""What the parts of archspec need beyond its own dependencies. The tests compare this with the extras in pyproject.toml."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple


class Missing(ImportError):
    """A package that a part needs is not installed. The message says how to install it."""


class Need(NamedTuple):
    """The packages that a part needs, as `pip install` takes them, and the extra of this distribution that includes them."""

    extra: str
    packages: tuple[str, ...]


NEEDS = {
    "graphviz": Need("figures", ("graphviz",)),
    "png": Need("figures", ("resvg-py",)),
    "pdf": Need("figures", ("svglib", "reportlab")),
    "torch": Need("torch", ("torch",)),
    "safetensors": Need("torch", ("safetensors",)),
    "onnx": Need("onnx", ("onnx", "numpy")),
    "numpy": Need("onnx", ("numpy",)),
    "keras": Need("keras", ("keras",)),
    "h5py": Need("keras", ("h5py", "numpy")),
    "train": Need("train", ("torch", "matplotlib", "pillow", "scikit-learn")),
    "lsp": Need("lsp", ("pygls",)),
    "images": Need("train", ("pillow",)),
    "curves": Need("train", ("matplotlib",)),
}
_NAMES = {"torch": "PyTorch", "PIL": "Pillow", "numpy": "NumPy"}
"""Libraries by the name that their own documentation uses, where it is not that of the module."""


def install(part: str) -> str:
    """Give the command that installs what a part needs: the packages by name, since an extra needs a checkout."""
    return f"`pip install {' '.join(NEEDS[part].packages)}`"


def require(part: str, module: str = "") -> None:
    """Raise Missing if the module that a part needs, by default of the same name, cannot be found."""
    module = module or part
    if find_spec(module) is None:
        raise Missing(f"{_NAMES.get(module, module)} is not installed: {install(part)}")


def attribute(path: str) -> Any:
    """Import `module:name`."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
