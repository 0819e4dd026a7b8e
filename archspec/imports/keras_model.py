"""Keras models: `.keras` and `.h5` files, the JSON of a configuration, and live models. Neither Keras nor TensorFlow is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archspec.elaborate.settings import Size, inputs_of
from archspec.imports.flat import Flat
from archspec.imports.imported import Imported
from archspec.imports.keras_config import Model, damaged, parsed
from archspec.imports.keras_files import Live, configuration, opened
from archspec.imports.keras_reader import Facts, Reader


def read(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    """Read a file. `inputs` are shapes that it leaves open, channels last, by the names of inputs, "" for the only one. Raises SpecError."""
    model = _parsed(path)
    return _imported(model, path.name, inputs, Facts(lambda owner: _shapes(path, model, owner)))


def from_keras(model: Any, inputs: Size | Mapping[str, Size] | None = None) -> Imported:
    """Read a live Keras model, or a file that Keras wrote, as a short spec that is proved to be the same network.

    Of a live model `to_json()` is read, and its weights where they are asked for; nothing of it is run. `inputs` are shapes, channels last,
    that the `model` leaves open. Raises SpecError, which says what cannot be read; TypeError for something else.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 3), keras.layers.ReLU()], name="small")
    >>> archspec.from_keras(model).network
    Network(small: 32x32x3 -> 30x30x8, 2 layers)
    """
    if isinstance(model, str | os.PathLike):
        path = Path(model)
        return read(path, inputs_of(inputs))._replace(tensors=lambda data: tensors(path, data))
    if not callable(getattr(model, "to_json", None)):
        raise TypeError(f"a Keras model, or the path of a file, is expected, not a {type(model).__name__}")
    name = str(getattr(model, "name", "model"))
    try:
        text = model.to_json()
    except NotImplementedError:
        damaged(name, "it has no configuration: a subclass of `keras.Model` says in code what it does", "import its ONNX file")
    said = parsed(text, name)
    live = Live(model, said)
    found = _imported(said, name, inputs_of(inputs), Facts(live.shapes, live.result, live.same()))
    return found._replace(tensors=lambda data: live if data is None else opened(data, said))


def tensors(path: Path, data: Path | None) -> Mapping[str, Any]:
    """The arrays of a file by `LAYER/NUMBER`, each read when it is asked for; `data` is a file of weights apart. Raises SpecError."""
    return opened(data or path, _parsed(path))


def _parsed(path: Path) -> Model:
    text, version = configuration(path)
    model = parsed(text, path.name)
    return model._replace(version=version) if version else model


def _shapes(path: Path, model: Model, owner: str) -> Sequence[tuple[int, ...]]:
    """The shapes of the weights of a layer, where they can be read."""
    try:
        return opened(path, model).shapes(owner)
    except ImportError:
        return ()


def _imported(model: Model, source: str, inputs: Mapping[str, tuple[int, ...]], facts: Facts) -> Imported:
    flat = Flat(model.name, source)
    Reader(flat, model, inputs, facts).run()
    return flat.finish()
