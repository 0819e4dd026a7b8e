"""Files of weights: safetensors, and what `torch.save` writes. Nothing that a file holds is executed."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

from archspec.diagnostics.markup import html_text
from archspec.extras import install

Framework = Literal["torch", "numpy"]

_KNOWN = ("state_dict", "model_state_dict", "model")
"""Keys under which weights are looked for first: those of Lightning, of PyTorch's tutorials, and of torchvision's training scripts."""
_DEEPEST = 4
"""The deepest nesting of dicts that is searched."""
_LONGEST_HEADER = 100_000_000  # bytes; the safetensors library refuses longer ones
_LONGEST_KEY = 1000  # characters
_FOREIGN = {
    b"\x89HDF\r\n": "an HDF5 file, as Keras writes",
    b"\x93NUMPY": "a NumPy array",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a pointer of git-lfs, not the file itself: `git lfs pull` gets that",
    b"<": "a web page or XML",
}
_NOTHING_RUN = "nothing in it was executed"
_REFUSED = re.compile(r"GLOBAL (\S+) (?:was not an allowed global|whose module)")


class WeightsError(ValueError):
    """Weights that cannot be read, or that do not fit the network. The message says which, with the numbers.

    `skip` names layers without which the rest fits, if there are any; the message proposes `skip=[...]`.
    """

    def __init__(self, message: str, skip: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.skip = tuple(skip)


class Weights(NamedTuple):
    """Tensors by key, and the key of the checkpoint that held them (empty if they were not inside another dict).

    `others` are the keys of moving averages beside them, which are not used.
    """

    tensors: dict[str, Any]
    within: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Loaded:
    """What `load_weights` did. Keys are those of the network's `state_dict` and of the file, unchanged.

    Tensors were matched by `how`, name or structure: `pairs` of keys, the network's first, with `numbers` many numbers in all. `kept` were
    in the network and not loaded, `unused` in the file and not loaded; `not_finite` now hold NaN or infinity.
    """

    source: str
    how: Literal["name", "structure"]
    pairs: tuple[tuple[str, str], ...]
    """Each loaded tensor: its key in the network, and that in the file."""
    numbers: int
    """How many numbers were loaded."""
    kept: tuple[str, ...]
    """Tensors of the network that were not loaded, and are as before."""
    unused: tuple[str, ...]
    """Tensors of the file that were not loaded."""
    within: str
    """The key of the checkpoint under which the tensors were found, if any."""
    others: tuple[str, ...]
    """Keys of moving averages in the checkpoint, which were not used."""
    prefix: str
    """The prefix that was removed from all keys of the file."""
    converted: tuple[tuple[str, str, int], ...]
    """Changes of the type of numbers: from, to, and of how many tensors."""
    not_finite: tuple[str, ...]
    """Tensors of the network that now hold NaN or infinity."""

    def _repr_html_(self) -> str:
        return f"<p>{html_text(str(self))}</p>\n"

    def __repr__(self) -> str:
        renamed = [f"{other} -> {ours}" for ours, other in self.pairs if ours != other]
        said = {
            f"{len(self.pairs):,} tensors ({self.numbers:,} numbers) of {self.source} loaded by {self.how}.": True,
            f"{len(renamed):,} of them under other names: {quoted(renamed)}.": self.how == "structure",
            f"They were found under `{self.within}`.": self.within,
            f"Passed over: {quoted(self.others)}, a moving average; hand over that dict to load it.": self.others,
            f"`{self.prefix}` was taken off their names.": self.prefix,
            **{f"{count:,} converted from {of} to {to}.": True for of, to, count in self.converted},
            f"Not used: {quoted(self.unused)}.": self.unused,
            f"As before in the network: {quoted(self.kept)}.": self.kept,
            f"Warning: NaN or infinity in {quoted(self.not_finite)}.": self.not_finite,
        }
        return " ".join(text for text, holds in said.items() if holds)


def read_weights(path: str | os.PathLike[str], framework: Framework = "torch") -> Weights:
    """Read the tensors of a file, whose kind is found by its content, not by its name.

    A file of torch.save holds PyTorch's tensors. Those of a safetensors file become tensors of the framework, so that PyTorch is not
    needed for NumPy's; bfloat16 arrays need the package ml_dtypes. They may be views of the file: copy what is to outlive it.
    Raises WeightsError; OSError where the file cannot be opened; ImportError where the library for its kind is missing.
    """
    place = Path(path)
    if place.is_dir():
        raise WeightsError(f"{place} is a folder; name the file of weights in it")
    content = _read_safetensors(place, framework) if _kind(place) == "safetensors" else _read_torch(place)
    return unwrapped(content, str(place))


def unwrapped(content: object, name: str) -> Weights:
    """Find the dict of tensors in a checkpoint, or return the content itself if it is one. `name` is what messages call the content."""
    within: list[str] = []
    others: tuple[str, ...] = ()
    while True:
        if not isinstance(content, Mapping):
            raise WeightsError(f"{name} holds a {type(content).__name__}, not a dict of tensors")
        inner, averages = _candidates(content)
        if len(inner) > 1:
            raise WeightsError(f"{name} holds several dicts: {quoted(inner)}; hand over the one that is meant")
        others += tuple(".".join([*within, key]) for key in averages)
        if not inner or len(within) == _DEEPEST:
            break
        within += inner
        content = content[inner[0]]
    if not content:
        raise WeightsError(f"{name} holds no tensors")
    for key in content:
        if not isinstance(key, str) or not key.isprintable() or len(key) > _LONGEST_KEY:
            raise WeightsError(f"a key of {name} is no name: {repr(key)[:60]}")
    return Weights(dict(content), ".".join(within), others)


def _candidates(content: Mapping[Any, Any]) -> tuple[list[str], list[str]]:
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
    """Whether a dict has tensors by name, or holds such a dict. An optimizer's dict has numbers as keys."""
    if any(not isinstance(key, str) for key in content):
        return False
    return any(
        _is_array(value) or (depth and isinstance(value, Mapping) and _holds_tensors(value, depth - 1)) for value in content.values()
    )


def _is_array(value: object) -> bool:
    """Whether a value has axes: a number of NumPy beside the weights, such as an accuracy, has none."""
    return hasattr(value, "dtype") and bool(getattr(value, "shape", ()))


def _harmless() -> list[Any]:
    """List what torch.load may make besides tensors: settings, paths, NumPy's numbers and arrays. None of them executes code of a file."""
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


def quoted(names: Sequence[str]) -> str:
    """List the first few names in quotes, and how many more there are."""
    return few([f"`{name}`" for name in names])


def few(items: Sequence[str], most: int = 3) -> str:
    """List the first few texts, and how many more there are."""
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most:,} more"


def _kind(path: Path) -> Literal["safetensors", "zip", "pickle"]:
    """Find the kind of a file by its first bytes."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise WeightsError(f"{path} is empty")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _LONGEST_HEADER:
        return "safetensors"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"\x80"):
        return "pickle"
    known = next((what for start, what in _FOREIGN.items() if head.startswith(start)), None)
    told = f"it is {known}" if known else f"it begins with {head[:8]!r}"
    raise WeightsError(f"{path} is neither a safetensors file nor one that torch.save wrote: {told}")


def _read_safetensors(path: Path, framework: Framework) -> dict[str, Any]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise ImportError(f"safetensors is not installed: {install('safetensors')}") from None
    with suppress(ImportError):  # NumPy knows bfloat16 once this package is imported, and refuses such tensors without it
        if framework == "numpy":
            import_module("ml_dtypes")
    try:
        with safe_open(str(path), framework="pt" if framework == "torch" else "np") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a dict)
    except SafetensorError as error:
        raise WeightsError(f"{path} is damaged or cut off: {_first_line(error)}") from None
    except (TypeError, AttributeError, KeyError) as error:
        raise WeightsError(f"{path} holds numbers of a type that {framework} lacks: {_first_line(error)}") from None


def _read_torch(path: Path) -> object:
    try:
        import torch
    except ImportError:
        raise ImportError(f"PyTorch is not installed, and this file is in its format: {install('torch')}") from None
    # torch.load maps a file only by its name, and takes one with this suffix for a safetensors file, whatever it holds.
    mapped = _kind(path) == "zip" and _is_plain_archive(path) and path.suffix != ".safetensors"
    try:
        with path.open("rb") as file, torch.serialization.safe_globals(_harmless()):
            return torch.load(str(path) if mapped else file, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a damaged pickle raises whatever its bytes lead to
        if refused := _REFUSED.search(str(error)):
            help_ = "save the `state_dict()` of the model, not the model"
            raise WeightsError(
                f"{path} holds Python objects (`{_first_line(refused[1])}`) beside weights; {_NOTHING_RUN}; {help_}"
            ) from None
        told = f": {_first_line(error)}" if isinstance(error, RuntimeError) else ""  # other messages are about Python, or advise trust
        raise WeightsError(f"{path} is damaged, cut off, or not weights; {_NOTHING_RUN}{told}") from None


def _is_plain_archive(path: Path) -> bool:
    """Whether the members of a zip file are not compressed, so that it can be mapped into memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise WeightsError(f"{path} is damaged or cut off: its table of contents, at the end, cannot be read") from None
    names = [member.filename.rpartition("/")[2] for member in members]
    if "data.pkl" not in names:
        told = "it holds NumPy arrays" if any(name.endswith(".npy") for name in names) else "it has no data.pkl"
        raise WeightsError(f"{path} is a zip file that torch.save did not write: {told}")
    if "constants.pkl" in names:
        raise WeightsError(f"{path} is a TorchScript program; {_NOTHING_RUN}; save its `state_dict()`")
    return all(member.compress_type == zipfile.ZIP_STORED for member in members)


def array(value: Any) -> Any:
    """Convert an array, or a tensor of PyTorch, to an array of float32."""
    import numpy as np

    if hasattr(value, "detach"):  # NumPy has no bfloat16
        value = value.detach().cpu().float().numpy()
    return np.asarray(value, np.float32)


def _first_line(error: Exception | str) -> str:
    """Shorten a library's message to one printable line, so that bytes of a hostile file do not reach the terminal."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "".join(letter if letter.isprintable() else "?" for letter in lines[0][:200])
