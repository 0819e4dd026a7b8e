"""The files that Keras writes: zip archives and HDF5, read within bounds. No link to another file is followed, and nothing is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from archspec.extras import require
from archspec.imports.file_part import FilePart
from archspec.imports.flat import Unsaid
from archspec.imports.keras_config import LONGEST, Layer, Model, damaged
from archspec.imports.keras_names import snake
from archspec.imports.keras_table import numbers

_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_DIRECTORY = 1 << 20
"""Bytes of the table of an archive's members; Keras's has three to a few."""
_RATIO = 200
"""How many times larger than in the archive a member may be. Keras does not compress."""
_LARGEST = 16 << 30
"""Bytes of a member that is unpacked."""
_PARTS = (
    "cell", "forward_layer", "backward_layer", "layer", "query_dense", "_query_dense", "key_dense", "_key_dense", "value_dense",
    "_value_dense", "output_dense", "_output_dense",
)  # fmt: skip
"""The layers inside a layer, in the order of its weights."""
_NAMES = 1_000_000
"""Names of a group, of which more are none of Keras's."""


def configuration(path: Path) -> tuple[str | bytes, str]:
    """The JSON of a file, and the version of Keras that wrote it, where the file says so apart. Raises SpecError."""
    with path.open("rb") as file:
        head = file.read(8)
        if head.startswith(_ZIP):
            with _archive(file, path) as archive:
                return _member(archive, _CONFIG, path), ""
        if head == _HDF5:
            return _attribute(path)
        file.seek(0)
        return file.read(LONGEST + 1), ""


def _archive(file: IO[bytes], path: Path) -> zipfile.ZipFile:
    """Open an archive whose table of members is small enough to be read. Source: PKWARE APPNOTE 4.3.16 and 4.3.14."""
    size = file.seek(0, 2)
    start = max(0, size - (1 << 16) - 22)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if at < 0 or (length == 0xFFFFFFFF and b"PK\6\6" not in tail):
        damaged(path.name, "the archive is cut off: its table of members, at the end, is missing")
    if length == 0xFFFFFFFF:
        zip64 = tail.rfind(b"PK\6\6")
        length = int.from_bytes(tail[zip64 + 40 : zip64 + 48], "little")
    if length > _DIRECTORY:
        damaged(path.name, f"the archive's table of members has {length:,} bytes, more than {_DIRECTORY:,}")
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        damaged(path.name, "the archive is damaged: its table of members cannot be read")


def _info(archive: zipfile.ZipFile, name: str, path: Path) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        damaged(
            path.name,
            f"the archive has {'no' if not found else f'{len(found)} members called'} `{name}`",
            "`model.save()` of Keras 3 writes it",
        )
    info = found[0]
    if info.file_size > _RATIO * max(info.compress_size, 1 << 10):
        damaged(path.name, f"`{name}` would be {info.file_size:,} bytes, of {info.compress_size:,} in the archive")
    return info


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """The content of a small member."""
    info = _info(archive, name, path)
    if info.file_size > LONGEST:
        damaged(path.name, f"`{name}` has {info.file_size:,} bytes, more than {LONGEST:,}")
    try:
        with archive.open(info) as file:
            return file.read(LONGEST + 1)
    except Exception as error:  # zlib, lzma and bz2 have errors of their own
        damaged(path.name, f"`{name}` cannot be unpacked: {type(error).__name__}")


def _attribute(path: Path) -> tuple[str | bytes, str]:
    """The configuration in an HDF5 file."""
    with _hdf5(path, path.name) as file:
        text = file.attrs.get("model_config") if "model_config" in file.attrs else None
        if not isinstance(text, str | bytes):
            why = "the file has weights, and no `model_config`"
            damaged(
                path.name, why, "import the model's `.keras` file or `model.to_json()`, and name this file with `--data` for the weights"
            )
        version = file.attrs.get("keras_version")
        return text, version if isinstance(version, str) else ""


def _hdf5(file: Any, name: str) -> Any:
    """Open HDF5, by a path or from an open file. Raises SpecError, and ImportError without h5py."""
    require("h5py")
    import h5py

    try:
        return h5py.File(file, "r")
    except (OSError, ValueError, RuntimeError, KeyError):
        damaged(name, "the HDF5 file is damaged or cut off")


def _packed(path: Path) -> Any:
    """The HDF5 file of weights in an archive."""
    file = path.open("rb")
    archive = _archive(file, path)
    info = _info(archive, _WEIGHTS, path)
    if info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size:
        file.seek(info.header_offset)
        head = file.read(30)
        start = info.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        return _hdf5(FilePart(file, start, info.file_size), f"{_WEIGHTS} of {path.name}")
    if info.file_size > _LARGEST:
        damaged(path.name, f"`{_WEIGHTS}` has {info.file_size:,} bytes, more than {_LARGEST:,}")
    unpacked = TemporaryFile()  # noqa: SIM115  lives as long as what reads it
    try:
        with archive.open(info) as packed:
            left = info.file_size
            while left > 0 and (block := packed.read(min(left, 1 << 20))):
                unpacked.write(block)
                left -= len(block)
    except Exception as error:  # zlib, lzma and bz2 have errors of their own
        damaged(path.name, f"`{_WEIGHTS}` cannot be unpacked: {type(error).__name__}")
    return _hdf5(unpacked, f"{_WEIGHTS} of {path.name}")


def opened(path: Path, model: Model) -> Weights:
    """The weights of a file, for a model. Raises SpecError, and ImportError without h5py."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(_ZIP):
        return Weights(_packed(path), path.name, model)
    if head == _HDF5:
        return Weights(_hdf5(path, path.name), path.name, model)
    return Weights(None, path.name, model)


class Weights(Mapping[str, Any]):
    """Arrays of an HDF5 file by `LAYER/NUMBER`, where LAYER is `MODEL/LAYER` in a model that is a layer; and the constants of a configuration."""

    def __init__(self, file: Any, name: str, model: Model) -> None:
        self.file, self.name, self.model = file, name, model

    def __getitem__(self, key: str) -> Any:
        """An array. Raises KeyError where the file has none, SpecError where it lies elsewhere or is too large for its file."""
        owner, _, number = key.rpartition("/")
        if not number.isdecimal():
            return self._constant(owner, number)
        found = self._all(owner)
        if int(number) >= len(found):
            raise KeyError(key)
        return self._array(found[int(number)], key)

    def __iter__(self) -> Iterator[str]:
        pending = [("", self.model)]
        while pending:
            prefix, model = pending.pop()
            for name, layer in model.layers.items():
                if layer.model is not None:
                    pending.append((f"{prefix}{name}/", layer.model))
                else:
                    yield from [f"{prefix}{name}/{at}" for at in range(len(self._all(prefix + name)))]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def shapes(self, owner: str) -> list[tuple[int, ...]]:
        """The shapes of the weights of a layer; none where they are not known."""
        return [tuple(one.shape) for one in self._all(owner)]

    def _constant(self, owner: str, name: str) -> Any:
        import numpy as np

        *models, last = owner.split("/")
        model: Model | None = self.model
        for one in models:
            model = model.layers[one].model if model is not None else None
        if model is None or last not in model.layers:
            raise KeyError(f"{owner}/{name}")
        try:
            return np.asarray(numbers(model.layers[last].config.get(name)), np.float32)
        except Unsaid:
            raise KeyError(f"{owner}/{name}") from None

    def _array(self, dataset: Any, key: str) -> Any:
        """Read an array, once it is clear that the file has its numbers."""
        bytes_ = dataset.dtype.itemsize * dataset.size
        if dataset.dtype.kind not in "fiub" or dataset.is_virtual or dataset.external:
            damaged(self.name, f"`{key}` is no array of numbers in this file")
        if bytes_ > max(1 << 20, _RATIO * dataset.id.get_storage_size()):
            damaged(self.name, f"`{key}` would be {bytes_:,} bytes, of {dataset.id.get_storage_size():,} in the file")
        try:
            return dataset[()]
        except (OSError, ValueError, RuntimeError):
            damaged(self.name, f"`{key}` cannot be read: the file is damaged or cut off")

    def _all(self, owner: str) -> list[Any]:
        """The datasets of a layer, in the order of its weights."""
        if self.file is None:
            return []
        try:
            legacy = next(
                (one for one in (_child(self.file, "model_weights"), self.file) if one is not None and "layer_names" in one.attrs), None
            )
            return self._listed(legacy, owner) if legacy is not None else self._nested(owner)
        except (OSError, ValueError, RuntimeError, TypeError, AttributeError, UnicodeDecodeError):
            damaged(self.name, f"the weights of `{owner}` cannot be read: the file is damaged")

    def _nested(self, owner: str) -> list[Any]:
        """Those of Keras 3: a group per layer, in groups called `layers`."""
        group: Any = self.file
        model: Model | None = self.model
        for name in owner.split("/"):
            layers = _child(group, "layers") or _child(group, "_layer_checkpoint_dependencies")
            if layers is None or model is None:
                return []
            group = (_member_of(layers, name, model) if name in model.layers else None) or _held(layers, name)
            model = model.layers[name].model if name in model.layers else None
            if group is None:
                return []
        return list(_variables(group))

    def _listed(self, root: Any, owner: str) -> list[Any]:
        """Those of Keras 2: a group per layer of the outermost model, with the names of its weights in order."""
        first, *inner = owner.split("/")
        group = _child(root, first)
        if group is None:
            return []
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in _names(group.attrs)]
        for part in inner:
            within = [name for name in names if part in name.split("/")[:-1]]
            names = within or names
        found = [_reached(group, name) for name in names]
        return [one for one in found if one is not None]


def _names(attrs: Any) -> Sequence[Any]:
    """The names of weights, which are spread over several attributes where they are many."""
    found = list(attrs["weight_names"]) if "weight_names" in attrs else []
    at = 0
    while f"weight_names{at}" in attrs and len(found) < _NAMES:
        found += list(attrs[f"weight_names{at}"])
        at += 1
    return found


def _child(group: Any, name: str) -> Any:
    """What a group has under a name, if that is no link elsewhere."""
    import h5py

    if not isinstance(group, h5py.Group) or not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    return group.get(name)


def _reached(group: Any, path: str) -> Any:
    """The dataset at a path within a group."""
    import h5py

    for part in path.split("/"):
        group = _child(group, part)
    return group if isinstance(group, h5py.Dataset) else None


def _member_of(layers: Any, name: str, model: Model) -> Any:
    """The group of a layer: Keras calls it by the layer's class, and notes its name; older files do not."""
    for own in list(layers)[:_NAMES] if name in model.layers and model.layers[name].said else ():
        variables = _child(_child(layers, own), "vars")
        said = variables.attrs.get("name") if variables is not None else None
        if said == name:
            return _child(layers, own)
    counted: dict[str, int] = {}
    for layer in model.layers.values():
        if is_function(layer):
            continue
        own = snake(layer.kind)
        at = counted[own] = counted.get(own, -1) + 1
        if layer.name == name:
            return _child(layers, f"{own}_{at}" if at else own)
    return None


def _held(layers: Any, name: str) -> Any:
    """The group of a layer that another one of these holds, whose table it uses."""
    for own in list(layers)[:_NAMES]:
        held = _child(_child(layers, own), "of")
        variables = _child(held, "vars")
        if variables is not None and variables.attrs.get("name") == name:
            return held
    return None


def _variables(group: Any, depth: int = 4) -> Iterator[Any]:
    """The datasets of a layer and of the layers inside it."""
    import h5py

    own = _child(group, "vars")
    if own is not None:
        found = [_child(own, name) for name in sorted(filter(str.isdecimal, list(own)[:_NAMES]), key=int)]
        yield from [one for one in found if isinstance(one, h5py.Dataset)]
    for part in _PARTS if depth else ():
        if (inner := _child(group, part)) is not None:
            yield from _variables(inner, depth - 1)


def is_function(layer: Layer) -> bool:
    """Whether an entry of a configuration is a function, and no layer."""
    return layer.module.startswith("keras.src.ops.") or layer.kind in ("TFOpLambda", "SlicingOpLambda")


class Live(Mapping[str, Any]):
    """The weights of a live model, as Weights has those of a file."""

    def __init__(self, model: Any, said: Model) -> None:
        self.constants = Weights(None, said.name, said)
        self.layers: dict[str, Any] = {}
        pending = [("", model, said)]
        while pending:
            prefix, one, described = pending.pop()
            for layer in getattr(one, "layers", None) or []:
                name = str(getattr(layer, "name", ""))
                self.layers[prefix + name] = layer
                if hasattr(of := getattr(layer, "of", None), "weights"):
                    self.layers.setdefault(f"{prefix}{getattr(of, 'name', '')}", of)
                inner = described.layers[name].model if name in described.layers else None
                pending += [(f"{prefix}{name}/", layer, inner)] if inner is not None else []

    def __getitem__(self, key: str) -> Any:
        owner, _, number = key.rpartition("/")
        if not number.isdecimal():
            return self.constants[key]
        weights = list(getattr(self.layers.get(owner), "weights", ()))
        if int(number) >= len(weights):
            raise KeyError(key)
        value = getattr(weights[int(number)], "value", weights[int(number)])
        return value.detach().cpu().numpy() if hasattr(value, "detach") else (value() if callable(value) else value)

    def __iter__(self) -> Iterator[str]:
        for name, layer in self.layers.items():
            if not getattr(layer, "layers", None):
                yield from [f"{name}/{at}" for at in range(len(getattr(layer, "weights", ())))]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def same(self) -> dict[str, str]:
        """The layers that are several models' or have several names, each with the name that comes first."""
        names: dict[int, list[str]] = {}
        for name, layer in self.layers.items():
            names.setdefault(id(layer), []).append(name)
        return {name: own[0] for own in names.values() if len(own) > 1 for name in own}

    def result(self, owner: str) -> tuple[int | None, ...] | None:
        """The shape of the result of a layer, where it has one."""
        try:
            return tuple([None if size is None else int(size) for size in self.layers[owner].output.shape])
        except (KeyError, AttributeError, ValueError, RuntimeError, TypeError):  # it has several, or none
            return None

    def shapes(self, owner: str) -> list[tuple[int, ...]]:
        """The shapes of the weights of a layer."""
        return [tuple(map(int, weight.shape)) for weight in getattr(self.layers.get(owner), "weights", ())]
