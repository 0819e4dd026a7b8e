"""Where a checkpoint keeps its weights, and what harmless things people put beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KNOWN = ("state_dict", "model_state_dict", "model")
"""Keys of weights that are taken before anything else: Lightning's, that of PyTorch's tutorials, that of torchvision's training scripts."""


def candidates(content: Mapping[Any, Any]) -> tuple[list[str], list[str]]:
    """The keys under which a dict holds dicts of tensors: those of the weights, and those of their moving averages.

    Known keys come first; then a dict that holds tensors itself is no checkpoint, and has none; then any dict of tensors counts.
    Where there are only averages, they are the weights.
    """
    found = [key for key in _KNOWN if isinstance(content.get(key), Mapping)]
    nested = [key for key, value in content.items() if isinstance(key, str) and isinstance(value, Mapping) and _holds_tensors(value)]
    averages = [key for key in nested if "ema" in key.lower().split("_") and key not in found]
    if not found and not any(_is_array(value) for value in content.values()):
        found = [key for key in nested if key not in averages]
    return (found, averages) if found else (averages, [])


def _holds_tensors(content: Mapping[Any, Any], depth: int = 3) -> bool:
    """Whether a dict is one of tensors by name, or holds one. That of an optimizer goes by number."""
    if any(not isinstance(key, str) for key in content):
        return False
    return any(
        _is_array(value) or (depth and isinstance(value, Mapping) and _holds_tensors(value, depth - 1)) for value in content.values()
    )


def _is_array(value: object) -> bool:
    """Whether a value has axes: a number of NumPy beside the weights, such as an accuracy, has none."""
    return hasattr(value, "dtype") and bool(getattr(value, "shape", ()))


def harmless() -> list[Any]:
    """What torch.load may make although it is no tensor: settings, paths, and NumPy's numbers and arrays. None of them runs what a file holds."""
    import pathlib
    from argparse import Namespace

    found: list[Any] = [Namespace, *(getattr(pathlib, f"{pure}{kind}Path") for pure in ("", "Pure") for kind in ("Posix", "Windows"))]
    try:
        import numpy as np
    except ImportError:
        return found
    makers = {"scalar": np.float64(0).__reduce__()[0], "_reconstruct": np.zeros(1).__reduce__()[0]}
    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefdg"}
    for name, maker in makers.items():  # NumPy 1 and 2 keep them in modules of different names
        found += [maker, *((maker, f"numpy.{core}.multiarray.{name}") for core in ("core", "_core"))]
    return [*found, np.dtype, np.ndarray, *kinds]
