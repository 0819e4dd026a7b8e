"""Walks over the calls of a Keras model's layers, each after what it reads, and writes what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archspec.imports import keras_channels, keras_sequences, keras_windows  # noqa: F401 - they register their rows
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.keras_config import PACKAGE, Call, Layer, Model, Ref, damaged, holds_code, table_of
from archspec.imports.keras_files import is_function
from archspec.imports.keras_homes import homes
from archspec.imports.keras_names import is_automatic, levelled
from archspec.imports.keras_operations import operated
from archspec.imports.keras_own import TRAINING, own
from archspec.imports.keras_table import ROWS
from archspec.imports.keras_views import Keras, Spot, Table
from archspec.imports.views import View
from archspec.types import LIMIT, from_shape, of_shape

_MOST = 30_000
"""Calls of layers: ten times those of the largest application of Keras."""
_NESTED = 20
"""Models within models."""
_FOREIGN = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
"""Layers that are a program."""
_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax")
Shape = tuple[int | None, ...]


class Scope(NamedTuple):
    """A model while it is read: where its weights are, the levels of its names, and how deep it is in others.

    `shared` says that it is called more than once, so that all its layers need names.
    """

    model: Model
    source: str = ""
    path: str = ""
    shared: bool = False
    depth: int = 0


class Facts(NamedTuple):
    """What is known of layers besides their configuration, by where the source has them.

    That are the shapes of the weights and of the result, where they are known, and for a layer that is called several times the first.
    """

    shapes: Callable[[str], Sequence[tuple[int, ...]]]
    result: Callable[[str], Shape | None] = lambda _: None
    same: Mapping[str, str] = {}


class Reader:
    """Turns a model into layers."""

    def __init__(self, flat: Flat, model: Model, inputs: Mapping[str, tuple[int, ...]], facts: Facts) -> None:
        self.flat, self.model, self.inputs, self.facts = flat, model, inputs, facts
        layers = list(_all(model))
        first = any(layer.config.get("data_format") == "channels_first" for layer in layers)
        zeros = {_is_uneven(layer.config.get("padding")) for layer in layers if layer.kind.startswith("ZeroPadding")}
        self.keras = Keras(flat, first=first, uneven=True in zeros, even=zeros == {False}, old=model.version[:1] in ("1", "2"))
        self.count = 0
        self.keys: dict[str, str] = {}
        """The keys of layers by where the source has them."""
        self.taken: set[str] = set()
        self.sources = dict(_sources(model))
        self.keras.tables.update(of.name for layer in layers if (of := table_of(layer, flat.source)) is not None)

    def run(self) -> None:
        """Read the whole model."""
        inputs = [self._input(name, ref) for name, ref in self.model.inputs]
        if self.flat.found.errors:
            return
        results = self._model(Scope(self.model), [x for x in inputs if x is not None])
        for at, ((name, _), x) in enumerate(zip(self.model.outputs, results, strict=True)):
            if x is None:
                continue
            layer = self.model.layers[self.model.outputs[at][1].layer]
            training = at > 0 and layer.kind == TRAINING and layer.module == PACKAGE
            spot = Spot(layer, Call([], {}), Site("output", f"output `{name}`"), "", "")
            try:
                x = self.keras.cut(spot.site, x)
                value = self.keras.value(spot, x, 1 if self.keras.first and len(x.dims) > 2 else -1)
                self.flat.output(value, name if at else "output", training=training)
            except Unsaid as unsaid:
                self.flat.refuse(spot.site, str(unsaid))

    def _input(self, name: str, ref: Ref) -> View | None:
        """An input, whose open sizes the user gives."""
        layer = self.model.layers.get(ref.layer)
        site = Site("InputLayer", f"layer `{ref.layer}`")
        said = layer.config.get("batch_shape") or layer.config.get("batch_input_shape") if layer is not None else None
        said = said if isinstance(said, list) and all(one is None or type(one) is int for one in said) else None
        given = self.inputs.get(name, self.inputs.get("") if name == self.model.inputs[0][0] else None)
        first = self.keras.first and said is not None and len(said) > 2
        own = None if said is None else [*said[2:], said[1]] if first else said[1:]
        sizes = list(given) if given is not None else own
        if sizes is None or None in sizes:
            open_ = "x".join("?" if one is None else str(one) for one in sizes or []) or "?"
            which = "--input HxWxC" if len(self.model.inputs) == 1 else f"--input {name}=HxWxC"
            help_ = f"give it, channels last: `{which}`"
            self.flat.refuse(site, f"the shape of the input `{name}` is open: {open_}", "A613", help_)
            return None
        if own is not None and (len(own) != len(sizes) or any(a not in (None, b) for a, b in zip(own, sizes, strict=True))):
            fixed, asked = ("x".join("?" if one is None else str(one) for one in each) for each in (own, sizes))
            help_ = "write the spec, `archspec import FILE -o net.arch`, and read that with `--input`"
            self.flat.refuse(site, f"the input `{name}` is {fixed} in the model, which does not become {asked}", "A613", help_)
            return None
        if not 1 <= len(sizes) <= 4 or any(not 1 <= one <= LIMIT for one in sizes):
            self.flat.refuse(site, f"the input `{name}` has the shape {'x'.join(map(str, sizes)) or '()'}, which no value has")
            return None
        value = self.flat.input(name, from_shape(tuple(sizes)))
        return self.keras.back(value, 1 if first else -1)

    # calls

    def _model(self, scope: Scope, inputs: Sequence[View | None]) -> list[View | None]:
        """The results of a model."""
        model = scope.model
        found: dict[tuple[str, int], list[View | None]] = {}
        for (_, ref), x in zip(model.inputs, inputs, strict=True):
            found[ref.layer, ref.call] = [x]
        names = _Names(scope)
        pending = [(ref.layer, ref.call) for _, ref in reversed(model.outputs)]
        open_: set[tuple[str, int]] = set()
        while pending:
            node = pending[-1]
            if node in found:
                pending.pop()
                continue
            layer, call = self._call_of(names, *node)
            missing = [(ref.layer, ref.call) for ref in call.inputs if (ref.layer, ref.call) not in found]
            if missing and node in open_:
                damaged(self.flat.source, f"layer `{layer.name}` reads its own result")
            if missing:
                open_.add(node)
                pending += missing  # the last first: what a layer reads besides its input stands before the line that leads to it
                continue
            found[node] = self._called(names, layer, call, node[1], found)
        return [self._result(found, ref) for _, ref in model.outputs]

    def _call_of(self, names: _Names, name: str, number: int) -> tuple[Layer, Call]:
        layer = names.scope.model.layers.get(name)
        if layer is None:
            damaged(self.flat.source, f"a layer reads `{name}`, which is none of `{names.scope.model.name}`")
        at = number - names.starts.get(name, 0)
        if not 0 <= at < len(layer.calls):
            damaged(self.flat.source, f"layer `{name}` has {len(layer.calls)} calls, and number {number} is read")
        return layer, layer.calls[at]

    def _result(self, found: Mapping[tuple[str, int], list[View | None]], ref: Ref) -> View | None:
        results = found[ref.layer, ref.call]
        if not 0 <= ref.at < len(results):
            damaged(self.flat.source, f"layer `{ref.layer}` has {len(results)} results, and number {ref.at} is read")
        return results[ref.at]

    def _called(
        self, names: _Names, layer: Layer, call: Call, number: int, found: Mapping[tuple[str, int], list[View | None]]
    ) -> list[View | None]:
        """The results of a call of a layer."""
        self.count += 1
        if self.count > _MOST:
            damaged(self.flat.source, f"the model has more than {_MOST:,} calls of layers")
        inputs = [self._result(found, ref) for ref in call.inputs]
        spot = self._spot(names, layer, call)
        known = [shape for (name, one, _), shape in names.shapes_of(layer.name) if one == number]
        if layer.kind in _FOREIGN or (layer.model is None and holds_code(layer.config.given)):
            why = (
                f"`{layer.kind}` is a program, which is not run"
                if layer.kind in _FOREIGN
                else f"`{layer.kind}` holds code, which is not run"
            )
            self.flat.refuse(spot.site, why, help_="write what it does as layers of Keras, or cut the model before it")
            return [self._opaque(spot, inputs, known, None)]
        views = [x for x in inputs if x is not None]
        if len(views) < len(inputs):
            return [None] * 8
        try:
            if layer.model is not None:
                return self._inner(names.scope, layer, views, spot)
            results: list[View | None] = [self._made(spot, views, found)]
            self._check(results, names, layer.name, number)
            return results
        except Unsaid as unsaid:
            return [self._opaque(spot, inputs, known, str(unsaid))]

    def _inner(self, scope: Scope, layer: Layer, views: Sequence[View], spot: Spot) -> list[View | None]:
        """The results of a model that is a layer."""
        model = layer.model
        assert model is not None
        if len(views) != len(model.inputs):
            raise Unsaid(f"it is called with {len(views)} values, and has {len(model.inputs)} inputs")
        if scope.depth >= _NESTED:
            damaged(self.flat.source, f"models are nested more than {_NESTED} deep")
        shared = scope.shared or len(layer.calls) > 1
        path = spot.key or spot.site.path
        return self._model(Scope(model, f"{spot.source}/", path, shared, scope.depth + 1), list(views))

    def _made(self, spot: Spot, views: Sequence[View], found: Mapping[tuple[str, int], list[View | None]]) -> View:
        layer = spot.layer
        if is_function(layer):
            named = {name: self._filled(value, found) for name, value in spot.call.named.items()}
            call = Call([self._filled(value, found) for value in spot.call.given], named)
            return operated(self.keras, spot._replace(call=call), call.given)
        if layer.module == PACKAGE:
            return own(self.keras, spot, views)
        if layer.kind not in ROWS or (layer.module and not layer.module.startswith("keras")):
            raise Unsaid("the language has no layer for it")
        return ROWS[layer.kind](self.keras, spot, views)

    def _filled(self, value: Any, found: Mapping[tuple[str, int], list[View | None]]) -> Any:
        if isinstance(value, Ref):
            return self._result(found, value)
        return [self._filled(one, found) for one in value] if isinstance(value, list) else value

    def _spot(self, names: _Names, layer: Layer, call: Call) -> Spot:
        """Where a call is, and what the weights of its layer are called."""
        scope = names.scope
        source = f"{scope.source}{layer.name}"
        site = Site(layer.kind, f"layer `{source}`", names.path(layer))
        source = self.facts.same.get(source, source)
        if source not in self.keys:
            self.keys[source] = self._free(names.key(layer, needed=source in self.facts.same))
        if (of := table_of(layer, self.flat.source)) is None:
            return Spot(layer, call, site, self.keys[source], source)
        place = self.sources.get(of.name, f"{scope.source}{of.name}")
        return Spot(layer, call, site, self.keys[source], source, table=Table(of, self.facts.same.get(place, place)))

    def _free(self, key: str) -> str:
        """A key, with a number where another layer has it."""
        count, found = 1, key
        while found and found in self.taken:
            count += 1
            found = f"{key}_{count}"
        self.taken.add(found)
        return found

    def _check(self, results: Sequence[View | None], names: _Names, name: str, number: int) -> None:
        """Compare the shapes of results with those that the file says. Raises Unsaid."""
        for (_, one, at), shape in names.shapes_of(name):
            x = results[at] if one == number and 0 <= at < len(results) else None
            if x is not None and (
                len(shape) != len(x.sizes) or any(a not in (None, b) for a, b in zip(shape[1:], x.sizes[1:], strict=True))
            ):
                said = "x".join("?" if size is None else str(size) for size in shape[1:])
                raise Unsaid(f"its result is {said}, and that of the layer {'x'.join(map(str, x.sizes[1:]))}")

    def _opaque(self, spot: Spot, inputs: Sequence[View | None], known: Sequence[Shape], why: str | None) -> View | None:
        """A layer that the language lacks as `custom`, with the result that the file says; one that is refused is given back as it is."""
        shape = known[0] if known else self.facts.result(spot.source)
        views = [x for x in inputs if x is not None]
        if (
            shape is None
            or not views
            or None in shape[1:]
            or not 2 <= len(shape) <= 5
            or any(size is None or size < 1 for size in shape[1:])
        ):
            if why is not None:
                said = f"`{spot.layer.kind}` is no layer of the language, and the shape of its result is not known: {why}"
                self.flat.refuse(spot.site, said, help_="`archspec.from_keras(model)` takes the live model, which knows shapes")
            return None
        sizes = tuple([size for size in shape[1:] if size is not None])
        try:
            values = [self.keras.value(spot, x, self.keras.at(x)) for x in views]
            if why is None:
                return self.keras.back(
                    self.flat.step(spot.site, "custom", *values, name="refused", places=("value",) * (len(values) - 1), out=sizes)
                )
            shapes = {f"weight_{at}": size for at, size in enumerate(self.facts.shapes(spot.source)) if size}
            stored = {name: Stored((f"{spot.source}/{name.removeprefix('weight_')}",)) for name in shapes}
            site = spot.site._replace(key=spot.key)
            return self.keras.back(self.flat.custom(site, *values, out=of_shape(sizes), why=why, tensors=shapes, stored=stored))
        except Unsaid as unsaid:
            self.flat.refuse(spot.site, str(unsaid))
            return None


class _Names:
    """The names of the layers of a model: those with levels, those that Keras gave by itself, and what is known of their results."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        model = scope.model
        own = [layer for layer in model.layers.values() if not is_function(layer) and not is_automatic(layer.name, layer.kind)]
        self.levels = levelled(layer.name for layer in own)
        refs = [ref for layer in model.layers.values() for call in layer.calls for ref in call.inputs] + [ref for _, ref in model.outputs]
        self.shapes: dict[str, dict[tuple[str, int, int], Shape]] = {}
        self.starts: dict[str, int] = {}
        """The number of the first call of a model: Keras counts one before, in some versions."""
        for ref in refs:
            if ref.shape is not None:
                self.shapes.setdefault(ref.layer, {})[ref.layer, ref.call, ref.at] = ref.shape
            layer = model.layers.get(ref.layer)
            if layer is not None and layer.model is not None:
                self.starts[ref.layer] = min(ref.call, self.starts.get(ref.layer, ref.call))
        reads = {name: [ref.layer for call in layer.calls for ref in call.inputs] for name, layer in model.layers.items()}
        activations = {name for name, layer in model.layers.items() if layer.kind in _ACTIVATIONS}
        self.homes = homes(reads, {name: level.rpartition(".")[0] for name, level in self.levels.items()}, activations)

    def shapes_of(self, name: str) -> list[tuple[tuple[str, int, int], Shape]]:
        """The results of a layer whose shapes the configuration says: by layer, call and number."""
        return list(self.shapes.get(name, {}).items())

    def path(self, layer: Layer) -> str:
        """The level that a layer is in."""
        return ".".join(filter(None, (self.scope.path, self.homes.get(layer.name, ""))))

    def key(self, layer: Layer, *, needed: bool) -> str:
        """The full name of a layer; none where Keras gave it, unless it is needed, as its weights are used twice."""
        name = self.levels.get(layer.name)
        if name is None:
            name = layer.name if needed or self.scope.shared or len(layer.calls) > 1 else ""
        return ".".join(filter(None, (self.scope.path, name))) if name else ""


def _all(model: Model) -> list[Layer]:
    """The layers of a model, and of the models inside it."""
    found, pending = [], [model]
    while pending:
        for layer in pending.pop().layers.values():
            found.append(layer)
            pending += [layer.model] if layer.model is not None else []
    return found


def _sources(model: Model, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Where the layers of a model are, and those of models inside it, by their names."""
    for layer in model.layers.values():
        yield layer.name, f"{prefix}{layer.name}"
        if layer.model is not None:
            yield from _sources(layer.model, f"{prefix}{layer.name}/")


def _is_uneven(padding: object) -> bool:
    return isinstance(padding, list) and any(isinstance(pair, list) and len(set(map(str, pair))) > 1 for pair in padding)
