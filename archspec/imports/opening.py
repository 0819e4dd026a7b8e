"""Opens the files that people have: those of other programs as specs, and specs as they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from archspec import api
from archspec.diagnostics import Diagnostic, SpecError
from archspec.elaborate.settings import Size, inputs_of
from archspec.extras import attribute
from archspec.finding import locate
from archspec.imports.imported import Imported
from archspec.imports.sources import Source, called, kinds, source_of
from archspec.ir.graph import Network
from archspec.source import Source as Text
from archspec.source import Span

_PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".bin", ".jit")
_WEIGHTS = (".safetensors", ".npz", ".npy", ".caffemodel", ".weights", ".gguf")
_LIVE = "`archspec.from_torch(module, example)` takes a live module, `archspec import package.module:name --input HxWxC` one by its name"


def load(path: str | Path, *, params: Mapping[str, Any] | None = None, inputs: Size | Mapping[str, Size] | None = None) -> Network:
    """Load a network: a spec from a file, a bundled one by its name, or a file of another program that `from_file` reads.

    `params` overrides params of a spec: numbers (also NumPy's), texts as for `--set`, or lists. `inputs` is the shape of the only
    input, channels last, as `"224x224x3"` or `(224, 224, 3)`, or a dict of shapes by the names of inputs. Raises SpecError, which
    has the diagnostics; FileNotFoundError, which suggests a similar name; OSError where the file cannot be read; ValueError
    where it is not text, and for params and inputs that make no sense.

    >>> archspec.load("resnet50", params={"classes": 10}, inputs="64x64x3")
    Network(resnet50: 64x64x3 -> 10, 175 layers)
    """
    source = foreign(path)
    if source is None:
        return api.load(path, params=params, inputs=inputs)
    if params:
        raise ValueError(f"{source.kind} has no params: `archspec import {path} -o net.arch` writes a spec, which may have some")
    return read(Path(path), source, inputs_of(inputs)).network


def from_file(path: str | os.PathLike[str], inputs: Size | Mapping[str, Size] | None = None) -> Imported:
    r"""Read a network from a file of another program, as a short spec that is proved to be the same network.

    What the file is follows from its suffix (docs/import.md). `inputs` are shapes as in `load`, where the file lacks them. Nothing in the
    file is executed, and no other file is opened. Layers that the language lacks become `custom`, with a warning among the result's
    `diagnostics`. Raises SpecError, which says what cannot be read; FileNotFoundError, OSError; ValueError for another kind of file;
    ImportError where a package for it is missing.

    >>> from pathlib import Path
    >>> written = Path("small.cfg").write_text("[net]\nheight=8\nwidth=8\nchannels=3\n\n[convolutional]\nfilters=4\nsize=3\nactivation=relu\n")
    >>> archspec.from_file("small.cfg").network
    Network(small: 8x8x3 -> 6x6x4, 2 layers)
    """
    place = locate(path if isinstance(path, str) else Path(path))
    source = source_of(place) if place.is_file() else None
    if source is None:
        raise ValueError(refusal(place, str(path)))
    return read(place, source, inputs_of(inputs))


def from_onnx(path: str | os.PathLike[str], inputs: Size | Mapping[str, Size] | None = None) -> Imported:
    """Read an ONNX file, whatever its name, as `from_file` does; the package onnx is not needed.

    `inputs` are shapes, channels last, where the file leaves sizes open; a batch that it leaves open is 1. Raises as `from_file`.

    >>> import onnx
    >>> onnx.save(archspec.to_onnx(archspec.load("lenet5")), "lenet5.onnx")
    >>> archspec.from_onnx("lenet5.onnx").network
    Network(lenet5: 32x32x1 -> 10, 13 layers)
    """
    place = Path(path)
    if not place.is_file():
        return from_file(place, inputs)  # which says why not
    return read(place, called("onnx"), inputs_of(inputs))


def foreign(path: str | Path) -> Source | None:
    """The kind of a file that is not a spec but is read as a network; None for all else, a missing file included."""
    place = Path(path)
    return source_of(place) if place.suffix not in ("", ".arch") and place.is_file() else None


def read(path: Path, source: Source, inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    """Read a file of a kind that is known. Raises SpecError, OSError, ValueError, ImportError."""
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty")
    try:
        found: Imported = attribute(source.read)(path, inputs)
    except SpecError as error:
        raise SpecError(_in_file(path, error.diagnostics)) from None
    _check_taken(path, inputs, found.network)
    found = found._replace(diagnostics=tuple(_in_file(path, found.diagnostics)))
    found.network.diagnostics = found.diagnostics
    if not source.tensors:
        return found
    return found._replace(tensors=lambda data: attribute(source.tensors)(path, data))


def _check_taken(path: Path, inputs: Mapping[str, tuple[int, ...]], network: Network) -> None:
    """Refuse a shape that no input has taken, since it was given for a name that there is not. Raises ValueError."""
    shapes = [each.type.shape for each in network.inputs]
    for name, shape in inputs.items():
        if shape not in shapes:
            has = ", ".join(f"{each.name} {each.type}" for each in network.inputs)
            raise ValueError(
                f"{path.name} has no input {f'`{name}`' if name else 'of its own'} for {'x'.join(map(str, shape))}; it has {has}"
            )


def _in_file(path: Path, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Findings with a place: one in a file without lines names the file."""
    place = Span(Text(str(path), ""), 0, 0)
    return [each if each.span is not None else each._replace(span=place) for each in found]


def refusal(path: Path, name: str) -> str:
    """Say why a file that somebody called `name` is not imported, and what would work."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return f"expected a file, found the folder {name}"
    if not path.is_file():
        return f"expected a file, found the device {name}"
    if suffix == ".arch":
        return f"{name} is a spec already; `archspec shorten {name}` writes it with blocks and repeats"
    if suffix in _PICKLES:
        return f"{name} is not opened: a pickle can run any code when it is read; {_LIVE}"
    if suffix == ".pt2":
        return f'{name} is not opened: PyTorch unpickles a part of it; `archspec.from_torch(torch.export.load("{name}"))` reads one that you trust'
    if suffix in _WEIGHTS:
        return f"{name} holds weights and no layers: import the file that has the network"
    if suffix == ".py":
        return f"{name} is a program; {_LIVE}"
    if path.stat().st_size == 0:
        return f"{name} is empty"
    return f"{name} is of no kind that is read: {kinds()}"
