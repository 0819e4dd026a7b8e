"""Configurations as Keras writes them, made by hand: those of Keras 3, and those of Keras 2."""

from __future__ import annotations

import json


def layer(kind, name=None, **config):
    """A layer of Keras 3."""
    name = name or kind.lower()
    return {"module": "keras.layers", "class_name": kind, "config": {"name": name, **config}, "registered_name": None, "name": name}


def tensor(name, call=0, at=0, shape=None):
    """A result, as an argument of Keras 3."""
    config = {"shape": shape, "dtype": "float32", "keras_history": [name, call, at]}
    return {"class_name": "__keras_tensor__", "config": config}


def called(entry, *calls):
    """A layer that is called with lists of arguments."""
    return {**entry, "inbound_nodes": [{"args": list(args), "kwargs": {}} for args in calls]}


def input_layer(*shape, name="input_layer"):
    return {**layer("InputLayer", name, batch_shape=[None, *shape]), "inbound_nodes": []}


def sequential(shape, *layers, name="net"):
    """A chain of layers."""
    return {"module": "keras", "class_name": "Sequential", "config": {"name": name, "layers": [input_layer(*shape), *layers]}}


def functional(layers, inputs, outputs, name="net"):
    """A graph of layers."""
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config, "registered_name": "Functional"}


def old(kind, name, nodes=(), **config):
    """A layer of Keras 2, whose calls are lists of results."""
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": [*nodes]}


def written(folder, content, name="net.json"):
    """A file with this configuration."""
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def imported(folder, content, **inputs):
    """What is read of a configuration."""
    from archspec.imports.keras_model import read

    return read(written(folder, content), {name if name != "all" else "": shape for name, shape in inputs.items()})


def body(text):
    """The lines of a spec behind those of its model and its input, blank ones left out."""
    return [line for line in text.splitlines() if line and not line.startswith(("model ", "input "))]
