"""Live Keras models: the emitted source, executed; and their weights by PyTorch's names."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec.analysis.tensors import tensors
from archspec.backends.keras.layer_names import LayerNames
from archspec.backends.registry import BACKENDS
from archspec.extras import Missing, require
from archspec.ir.graph import Network
from archspec.ir.graph import given as given_network
from archspec.ir.walk import flattened
from archspec.weights.files import Loaded, WeightsError, read_weights, unwrapped
from archspec.weights.match import COUNTER, DERIVED, Fit, Form, fit

if TYPE_CHECKING:
    from archspec.backends.keras.layouts import Layout

TIED = ("TiedEmbed", "TiedLinear")
"""Layers of archspec that use the table of another one."""
AUTOMATIC_END = re.compile(r"_\d+$")
"""What Keras puts behind a name that it made before."""


def to_keras(model: Network, *, seed: int | None = None) -> Any:
    """Make a live Keras 3 model by executing the emitted source.

    It takes and gives batches with channels last: (N, H, W, C) for an input `HxWxC`. `seed` sets Keras's seeds, and those of Python and
    NumPy, before the weights are drawn. Raises SpecError where Keras lacks a layer; ImportError where keras, or a backend for it, is not
    installed: `KERAS_BACKEND` says which of torch, jax and tensorflow it uses.

    >>> archspec.to_keras(archspec.load("lenet5")).count_params()
    61706
    """
    text = BACKENDS["keras"].emit(given_network(model))
    require("keras")
    try:
        import keras
    except ImportError as error:
        raise Missing(f"Keras finds no backend ({error}): set KERAS_BACKEND to torch, jax or tensorflow, one that is installed") from None
    if seed is not None:
        keras.utils.set_random_seed(seed)
    module = ModuleType("archspec_keras")
    sys.modules[module.__name__] = module
    exec(compile(text, "<archspec_keras>", "exec"), module.__dict__)
    return module.__dict__["model"]


def weighted(model: Any) -> Iterator[Any]:
    """The layers with weights, each once, in the order of the model; those of models inside of it in their place."""
    seen: set[int] = set()
    pending = list(reversed(model.layers))
    while pending:
        layer = pending.pop()
        if hasattr(layer, "layers") and type(layer).__module__.startswith("keras."):
            pending += reversed(layer.layers)
        elif layer.weights and id(layer) not in seen:
            seen.add(id(layer))
            pending += [layer.of] if type(layer).__name__ in TIED else []  # whose table may be all that the model has of it
            yield layer


class Spot(NamedTuple):
    """Where a model has a canonical tensor: in a layer of this layout, under this name."""

    layer: Any
    layout: Layout
    part: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor."""
        return self.layout.shapes[self.part]


def held_by(model: Any, names: LayerNames, keys: Collection[str]) -> dict[str, Spot]:
    """The canonical tensors of a model, by keys of one level.

    `keys` are those of a source: a layer that Keras named, since it has no label, is called as it is there.
    """
    from archspec.backends.keras.layouts import layout_of, variables

    found, last = {}, dict.fromkeys([stem for layer in model.layers for stem in _stems(model, layer)], 0)
    for layer in weighted(model):
        named = layer.name
        if (stems := _stems(model, layer)) and AUTOMATIC_END.sub("", layer.name) == _snake(layer):
            form = re.compile(rf"({'|'.join(stems)})(\d+)(?={names.joint}|$)")
            met = (match for key in keys if (match := form.match(key)) is not None and int(match[2]) > last[match[1]])
            if (match := next(met, None)) is not None:
                named, last[match[1]] = match[0], int(match[2])
        if variables(layer):
            layout = layout_of(layer)
            for name in layout.shapes:
                found[f"{named}{names.joint}{names.inner(name)}" if name else named] = Spot(layer, layout, name)
    return found


def _stems(model: Any, layer: Any) -> tuple[str, ...]:
    """The steps that a layer of a plain chain may be."""
    from archspec.backends.keras.layouts import STEMS

    return STEMS.get(type(layer).__name__, ()) if type(model).__name__ == "Sequential" else ()


def _snake(layer: Any) -> str:
    """What Keras calls a layer of this class that has no name."""
    apart = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()


def load(model: Any, source: str | os.PathLike[str] | Mapping[str, Any], skip: Sequence[str]) -> Loaded:
    """See archspec.load_weights, for a model of Keras: tensors of layers that no output reads, which it lacks, are left out."""
    import numpy as np

    name = "the state_dict" if isinstance(source, Mapping) else str(Path(source))
    read = unwrapped(source, name) if isinstance(source, Mapping) else read_weights(source, "numpy")
    given = {key: np.asarray(_array(value)) for key, value in read.tensors.items() if key.rpartition(".")[2] not in (COUNTER, *DERIVED)}
    names = LayerNames(key.rpartition(".")[0] or key for key in given)
    keys = {names(key): key for key in given}
    held = held_by(model, names, keys)
    shapes = {key: Form(spot.shape, "float32") for key, spot in held.items()}
    if shapes.keys() < keys.keys():
        keys = {short: keys[short] for short in keys if short in shapes}
    for short, key in keys.items():
        if short in shapes and given[key].shape != shapes[short].shape and _is_alike(given[key].shape, shapes[short].shape):
            given[key] = given[key].reshape(shapes[short].shape)
    theirs = {short: Form(given[key].shape, "float32") for short, key in keys.items()}
    try:
        how, pairs, prefix = _fitted(shapes, theirs, skip, ordered=isinstance(source, Mapping))
    except WeightsError as error:
        raise WeightsError(f"{name} does not fit the model: {error}. Nothing was loaded.", error.skip) from None
    _assign(held, {key: given[keys[other]].reshape(shapes[key].shape) for key, other in pairs.items()})
    used = {keys[other] for other in pairs.values()}
    return Loaded(
        source=name,
        how=how,
        pairs=tuple([(key, keys[other]) for key, other in pairs.items()]),
        numbers=sum(int(given[key].size) for key in used),
        kept=tuple([key for key in held if key not in pairs]),
        unused=tuple([key for key in given if key not in used]),
        within=read.within,
        others=read.others,
        prefix=prefix,
        converted=(),
        not_finite=tuple([key for key in used if not np.isfinite(given[key]).all()]),
    )


def _fitted(ours: Mapping[str, Form], theirs: Mapping[str, Form], skip: Sequence[str], *, ordered: bool) -> Fit:
    """How tensors fit: by name or structure, else in their order, as layers without names have it. Raises WeightsError."""
    try:
        return fit(ours, theirs, skip)
    except WeightsError:
        alike = len(ours) == len(theirs) and all(_is_alike(a.shape, b.shape) for a, b in zip(ours.values(), theirs.values(), strict=True))
        if skip or not alike or not ordered:
            raise
        return Fit("structure", dict(zip(ours, theirs, strict=True)), "")


def _is_alike(shape: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes differ in axes of size 1 alone."""
    return [n for n in shape if n != 1] == [n for n in other if n != 1]


def _assign(held: Mapping[str, Spot], values: Mapping[str, Any]) -> None:
    """Put canonical tensors into the variables of a model; a layer that is given some of its tensors keeps the others."""
    from archspec.backends.keras.layouts import variables

    given: dict[int, tuple[Spot, dict[str, Any]]] = {}
    for key, value in values.items():
        spot = held[key]
        given.setdefault(id(spot.layer), (spot, {}))[1][spot.part] = value
    for (layer, layout, _), whole in given.values():
        own = variables(layer)
        if whole.keys() != layout.shapes.keys():
            whole = layout.taken({end: _array(variable) for end, variable in own.items()}) | whole
        for end, array in layout.placed(whole).items():
            own[end].assign(array)


def _array(value: Any) -> Any:
    """A tensor of any library, or a variable of Keras, as an array."""
    value = getattr(value, "value", value)
    value = value.detach() if hasattr(value, "detach") else value
    value = value.cpu() if hasattr(value, "cpu") else value
    return value.numpy() if hasattr(value, "numpy") else value


def weights_of(model: Any, network: Network) -> dict[str, Any]:
    """The weights of a Keras model of this network by PyTorch's names, in PyTorch's layout, as NumPy arrays.

    `model` is one that `to_keras` or the text of `emit keras` made, trained or not. Layers that no output reads are in no Keras model, and
    not in the result. `load_weights` takes it, and so does safetensors. Raises WeightsError where the model is not that of the network.

    >>> model = archspec.load("lenet5")
    >>> archspec.weights_of(archspec.to_keras(model), model)["conv1.weight"].shape
    (6, 1, 5, 5)
    """
    from archspec.backends.keras.layouts import variables

    wanted, read = list(tensors(given_network(network))), layers_read(network)
    names = LayerNames(tensor.place.name for tensor in wanted)
    keys = {names(tensor.key): tensor for tensor in wanted}
    held = held_by(model, names, keys)
    taken: dict[int, dict[str, Any]] = {}
    found: dict[str, Any] = {}
    for key, tensor in keys.items():
        spot = held.get(key)
        if spot is None and tensor.place.name not in read:
            continue
        if spot is not None and id(spot.layer) not in taken:
            taken[id(spot.layer)] = spot.layout.taken({end: _array(variable) for end, variable in variables(spot.layer).items()})
        array = taken[id(spot.layer)][spot.part] if spot is not None else None
        if array is None or not _is_alike(array.shape, tensor.shape):
            shape = "x".join(map(str, tensor.shape))
            raise WeightsError(f"the model has no tensor `{tensor.key}` of {shape}: it is not that of the network")
        found[tensor.key] = array.reshape(tensor.shape)
    return found


def layers_read(network: Network) -> set[str]:
    """The names of the layers that an output follows from."""
    places, ends = flattened(network)
    sources = {place.name: place.sources for place in places}
    found: set[str] = set()
    pending = list(ends)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += sources.get(name.partition(":")[0], ())
    lenders = ((place.owner, place.tied) for place in places if place.name in found)
    return found.union(*[filter(None, each) for each in lenders])
