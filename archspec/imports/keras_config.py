"""What a Keras configuration says: the models and layers of its JSON, of Keras 3 and of Keras 2, checked before anything is built of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, TypeGuard

from archspec.diagnostics import Diagnostic, SpecError
from archspec.imports.flat import Unsaid
from archspec.types import LIMIT

LONGEST = 32 << 20
"""Bytes of a configuration; those of keras.applications have 1 MiB at most."""
_ITEMS = 1_000_000
"""Lists, objects and commas of a configuration."""
_DEEPEST = 100
"""The nesting of lists and objects; a model within a model takes four."""
_CODE = ("__lambda__", "Lambda")
PACKAGE = "archspec"
"""The module of layers that are registered under this name: those that `archspec emit keras` writes."""
MODELS = ("Functional", "Model", "Sequential")
"""The classes whose configurations have layers."""


class Ref(NamedTuple):
    """A result: of a layer, by its call and its number among those of the call; its shape, where the configuration says it."""

    layer: str
    call: int
    at: int
    shape: tuple[int | None, ...] | None = None


class Call(NamedTuple):
    """A call of a layer: its arguments, in which results are a Ref."""

    given: list[Any]
    named: dict[str, Any]

    @property
    def inputs(self) -> list[Ref]:
        """The results that it reads, in the order of its arguments."""
        return list(_refs([self.given, self.named]))


class Layer(NamedTuple):
    """A layer: its class, where that is from, its configuration, its calls, and the model that it is, if it is one."""

    name: str
    kind: str
    module: str
    config: Settings
    calls: list[Call]
    shape: tuple[int | None, ...] | None = None
    """What it was built for."""
    model: Model | None = None
    said: bool = True
    """Whether the file says its name: that of a layer of one's own which Keras named is left out."""


class Model(NamedTuple):
    """A model: its layers by their names, its inputs, and its outputs with their names."""

    name: str
    layers: dict[str, Layer]
    inputs: list[tuple[str, Ref]]
    outputs: list[tuple[str, Ref]]
    version: str = ""
    """The version of Keras that wrote it, where the file says so."""


def damaged(source: str, why: str, help_: str | None = None) -> NoReturn:
    """Raise what says that a file is not what it should be."""
    raise SpecError([Diagnostic("A612", f"{source}: {why}", None, help=help_)])


class Settings:
    """The arguments of a layer, each with a default. Every method raises Unsaid where an argument is not of its kind."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given

    def get(self, name: str) -> Any:
        """An argument of any kind; None where it is missing."""
        return self.given.get(name)

    def _said(self, name: str, default: Any) -> Any:
        value = self.given.get(name)
        return default if value is None else value

    def _odd(self, name: str, value: object) -> Unsaid:
        return Unsaid(f"`{name}` is missing" if value is None else f"its `{name}` is {shown(value)}")

    def count(self, name: str, default: int | None = None) -> int:
        """A whole number of at least 1."""
        value = self._said(name, default)
        if not is_whole(value) or not 1 <= value <= LIMIT:
            raise self._odd(name, value)
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Whether something is so."""
        value = self._said(name, default)
        if not isinstance(value, bool):
            raise self._odd(name, value)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A number, as exactly as networks compute."""
        value = self._said(name, default)
        if not is_number(value):
            raise self._odd(name, value)
        return single(value)

    def word(self, name: str, default: str) -> str:
        """A word."""
        value = self._said(name, default)
        if not isinstance(value, str):
            raise self._odd(name, value)
        return value

    def sizes(self, name: str, axes: int, default: int | None = None) -> tuple[int, ...]:
        """A whole number of at least 1 for each axis."""
        value = self._said(name, default)
        values = value if isinstance(value, list) else [value] * axes
        if len(values) != axes or not all(is_whole(one) and 1 <= one <= LIMIT for one in values):
            raise self._odd(name, value)
        return tuple(values)

    def ends(self, name: str, axes: int) -> tuple[tuple[int, int], ...]:
        """A whole number before and one after each axis."""
        value = self._said(name, 1)
        values = [value] if axes == 1 and isinstance(value, list) and len(value) == 2 and all(map(is_whole, value)) else value
        values = values if isinstance(values, list) else [values] * axes
        pairs = [one if isinstance(one, list) else [one, one] for one in values]
        if len(pairs) != axes or not all(len(pair) == 2 and all(is_whole(one) and 0 <= one <= LIMIT for one in pair) for pair in pairs):
            raise self._odd(name, value)
        return tuple([(before, after) for before, after in pairs])

    def must(self, **values: Any) -> None:
        """Refuse an argument with another value than the only one that the language can say."""
        for name, value in values.items():
            if self.given.get(name) not in (None, value):
                raise Unsaid(f"its `{name}` is {shown(self.given[name])}")


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number, and no truth value."""
    return type(value) is int


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number of a size that networks compute with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e38


def single(value: float) -> float:
    """A number with the nine digits that single precision tells apart."""
    return float(f"{value:.9g}")


def shown(value: object) -> str:
    """A value of a configuration in a message, shortened."""
    text = json.dumps(value) if isinstance(value, str | int | float | bool) or value is None else type(value).__name__
    if isinstance(value, list) and len(value) < 8 and all(isinstance(one, int | float | str) for one in value):
        text = json.dumps(value)
    return text if len(text) < 60 else f"{text[:56]}..."


def parsed(text: str | bytes, source: str) -> Model:
    """The model of a configuration. Raises SpecError where the text is none."""
    content = _loaded(text, source)
    if (
        not isinstance(content, dict)
        or not isinstance(content.get("config"), dict | list)
        or not isinstance(content.get("class_name"), str)
    ):
        damaged(source, "this is no configuration of a Keras model: `class_name` and `config` are missing", "`model.to_json()` writes one")
    kind = content["class_name"]
    if not _is_model(content):
        why = f"`{kind}` has no layers in its configuration"
        damaged(source, why, "a subclass of `keras.Model` says in code what it does; import one that is made of layers, or its ONNX file")
    version = content.get("keras_version")
    return _model(content, source)._replace(version=version if isinstance(version, str) else "")


def _loaded(text: str | bytes, source: str) -> Any:
    """The JSON of a text, within bounds of size and depth, and with numbers that JSON has."""
    if len(text) > LONGEST:
        damaged(source, f"the configuration has {len(text):,} bytes, more than {LONGEST:,}")
    try:
        text = text if isinstance(text, str) else text.decode("utf-8")
        if sum(map(text.count, "[{,")) > _ITEMS:
            damaged(source, f"the configuration has more than {_ITEMS:,} items")
        content = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        damaged(source, f"the configuration is nested more than {_DEEPEST} deep")
    except ValueError as error:
        damaged(source, f"the configuration is not JSON: {str(error)[:100]}")
    pending, depth = [content], 0
    while pending:
        depth += 1
        if depth > _DEEPEST:
            damaged(source, f"the configuration is nested more than {_DEEPEST} deep")
        pending = [inner for value in pending if isinstance(value, dict | list) for inner in _within(value)]
    return content


def _within(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    yield from value.values() if isinstance(value, dict) else value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _is_model(content: Mapping[str, Any]) -> bool:
    config = content["config"]
    return isinstance(config, list) or (isinstance(config, dict) and isinstance(config.get("layers"), list))


def _model(content: Mapping[str, Any], source: str) -> Model:
    """A model, with the models inside it."""
    config = content["config"]
    entries = config if isinstance(config, list) else config["layers"]
    config = {} if isinstance(config, list) else config
    said = config.get("name")
    name = said if isinstance(said, str) and said else "model"
    if not entries:
        damaged(source, f"`{name}` has no layers")
    layers: dict[str, Layer] = {}
    for at, entry in enumerate(entries):
        layer = _layer(entry, at, source)
        if layer.name in layers:
            damaged(source, f"two layers of `{name}` are called `{layer.name}`")
        layers[layer.name] = layer
    if "input_layers" not in config:
        return _chain(name, layers, config)
    if any(key not in config for key in ("input_layers", "output_layers")):
        damaged(source, f"`{name}` does not say which layers are its inputs and outputs")
    inputs, outputs = (list(_ends(config[key])) for key in ("input_layers", "output_layers"))
    if not inputs or not outputs:
        damaged(source, f"`{name}` has no {'outputs' if inputs else 'inputs'}")
    ahead = _ahead(layers, [ref for _, ref in outputs])
    return Model(name, layers, inputs, [(each, ref._replace(call=ref.call - (ref.layer in ahead))) for each, ref in outputs])


def _ahead(layers: Mapping[str, Layer], outputs: Sequence[Ref]) -> set[str]:
    """Models within a model whose calls count from 1 as its outputs and from 0 in its layers, as Keras 3 has them, so that each call is read."""
    read: dict[str, set[int]] = {}
    for ref in [ref for layer in layers.values() for call in layer.calls for ref in call.inputs]:
        read.setdefault(ref.layer, set()).add(ref.call)
    found = set()
    for name, layer in layers.items():
        given = {ref.call - 1 for ref in outputs if ref.layer == name}
        if given and layer.model is not None and 0 in read.get(name, ()) and read[name] | given == {*range(len(layer.calls))}:
            found.add(name)
    return found


def _layer(entry: Any, at: int, source: str) -> Layer:
    """A layer of a model, or an operation."""
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str) or not isinstance(entry.get("config", {}), dict | list):
        damaged(source, f"layer {at} has no class and no configuration")
    kind, config = entry["class_name"], entry.get("config", {})
    settings = config if isinstance(config, dict) else {}
    name = entry.get("name", settings.get("name"))
    said = isinstance(name, str) and name != ""
    name = str(name) if said else f"{kind.lower()}_{at}"
    nodes = entry.get("inbound_nodes") or []
    calls = [_call(node) for node in nodes] if isinstance(nodes, list) else []
    built = entry.get("build_config")
    shape = _shape(built.get("input_shape")) if isinstance(built, dict) else None
    model = _model(entry, source) if _is_model({"config": config}) and kind != "RNN" else None
    module = PACKAGE if entry.get("registered_name") == f"{PACKAGE}>{kind}" else entry.get("module")
    return Layer(name, kind, module if isinstance(module, str) else "", Settings(settings), calls, shape, model, said)


def table_of(layer: Layer, source: str) -> Layer | None:
    """The layer whose table a layer of archspec uses, as its configuration has it; None for any other."""
    found = layer.config.get("of") if layer.module == PACKAGE else None
    return _layer(found, 0, source) if found is not None else None


def _chain(name: str, layers: dict[str, Layer], config: Mapping[str, Any]) -> Model:
    """A sequential model: each layer reads the one before. Its input may be a layer, or what the first layer is built for."""
    listed = list(layers.values())
    if listed and listed[0].kind != "InputLayer":
        first = listed[0].config
        shape = first.get("batch_input_shape") or first.get("batch_shape") or config.get("build_input_shape")
        if listed[0].model is not None and not shape:
            shape = next((inner.config.get("batch_shape") for inner in listed[0].model.layers.values() if inner.kind == "InputLayer"), None)
        given = {"batch_shape": shape or list(listed[0].shape or ()) or None}
        listed.insert(0, Layer("input" if "input" not in layers else "input\n", "InputLayer", "", Settings(given), []))
    found: dict[str, Layer] = {}
    for at, layer in enumerate(listed):
        # a layer that is a model begins with a call of its own in some versions: the only call is meant
        calls = [Call([Ref(listed[at - 1].name, 0, 0, layer.shape)], {})] if at else []
        found[layer.name] = layer._replace(calls=calls)
    ends = [(layer.name, Ref(layer.name, 0, 0)) for layer in (listed[:1] + listed[-1:])]
    return Model(name, found, ends[:1], ends[-1:])


def _call(node: Any) -> Call:
    """A call: arguments as Keras 3 has them, or a list of results, each with the call's other arguments, as Keras 2."""
    if isinstance(node, dict):
        given, named = node.get("args"), node.get("kwargs")
        given, named = (given if isinstance(given, list) else []), (named if isinstance(named, dict) else {})
        return Call([_value(value) for value in given], {key: _value(value) for key, value in named.items()})
    entries = [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
    entries = [entry for entry in entries if isinstance(entry, list)] if isinstance(entries, list) else []
    refs = [ref for entry in entries if (ref := _ref(entry[:3])) is not None]
    more = next((entry[3] for entry in entries if len(entry) > 3 and isinstance(entry[3], dict)), {})
    return Call([refs] if len(refs) > 1 else [*refs], {key: _old(value) for key, value in more.items()})


def _value(value: Any) -> Any:
    """An argument of Keras 3: a result, a slice, an ellipsis, or a list of these."""
    if isinstance(value, dict):
        inner = value.get("config")
        if value.get("class_name") == "__keras_tensor__" and isinstance(inner, dict):
            return _ref(inner.get("keras_history"), inner.get("shape"))
        if value.get("class_name") == "__slice__" and isinstance(inner, dict):
            ends = [inner.get(key) for key in ("start", "stop", "step")]
            return slice(*ends) if all(end is None or is_whole(end) for end in ends) else None
        if value.get("class_name") == "__ellipsis__":
            return ...
        return {key: _value(one) for key, one in value.items()}
    return [_value(one) for one in value] if isinstance(value, list) else value


def _old(value: Any) -> Any:
    """An argument of Keras 2, in which a result is a list of its layer, call and number."""
    if isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str) and (ref := _ref(value[:3])) is not None:
        return ref
    return [_old(one) for one in value] if isinstance(value, list) else value


def _ref(history: Any, shape: Any = None) -> Ref | None:
    if not isinstance(history, list) or len(history) != 3 or not isinstance(history[0], str) or not all(map(is_whole, history[1:])):
        return None
    return Ref(history[0], history[1], history[2], _shape(shape))


def _shape(value: Any) -> tuple[int | None, ...] | None:
    """A shape with the batch, sizes that are open as None."""
    fits = isinstance(value, list) and 0 < len(value) < 9 and all(one is None or is_whole(one) for one in value)
    return tuple(value) if fits else None


def _ends(value: Any, name: str = "") -> Iterator[tuple[str, Ref]]:
    """The results that a model names as its inputs or outputs: one, a list, or by names."""
    if isinstance(value, list) and (ref := _ref(value[:3])) is not None and len(value) >= 3:
        yield name or ref.layer, ref
    elif isinstance(value, list):
        for one in value:
            yield from _ends(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _ends(one, str(key))


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list | dict):
        for one in _within(value):
            yield from _refs(one)


def holds_code(value: Any) -> bool:
    """Whether a configuration has a function of Python's, marshalled or by name of a layer that runs one."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if one.get("class_name") in _CODE:
                return True
            pending += one.values()
        elif isinstance(one, list):
            pending += one
    return False
