"""Layers whose weights others may use, and layers that are only declared."""

from __future__ import annotations

import re

import keras
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import linear, per_axis


@keras.saving.register_keras_serializable("archspec")
class Embed(layers.Layer):
    """A table of v learned vectors, looked up by whole numbers; called with `tied`, a matrix product with its rows."""

    def __init__(self, v, d, **options):
        super().__init__(**options)
        self.v, self.d = v, d

    def build(self, shape):
        first = keras.initializers.RandomNormal(stddev=0.05)
        self.table = self.add_weight(name="weight", shape=(self.v, self.d), initializer=first)

    def call(self, x, tied=False):
        return linear(x, self.table) if tied else ops.take(self.table, ops.cast(x, "int32"), axis=0)


@keras.saving.register_keras_serializable("archspec")
class Bias(layers.Layer):
    """A learned number for each channel, added."""

    def build(self, shape):
        self.offset = self.add_weight(name="bias", shape=(shape[-1],), initializer="zeros")

    def call(self, x):
        return x + self.offset


@keras.saving.register_keras_serializable("archspec")
class Custom(layers.Layer):
    """Calls a function that is put into `Custom.functions`, by its name, with its `places` and its tensors by their keys."""

    functions = {}

    def __init__(self, function, places=(), out=None, macs=None, flops=None, tensors=(), **options):
        super().__init__(**options)
        self.function, self.places, self.out, self.tensors = function, places, out, tensors
        self.macs, self.flops = macs, flops

    def build(self, shape):
        self.learned = {
            key: self.add_weight(name=re.sub(r"\W", "_", key), shape=per_axis(size, 1), initializer="zeros") for key, size in self.tensors
        }

    def compute_output_spec(self, inputs):
        x = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        return keras.KerasTensor(x.shape if self.out is None else (x.shape[0], *per_axis(self.out, 1)), x.dtype)

    def call(self, inputs):
        x, *values = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        places = [values.pop(0) if place == "value" else place for place in self.places]
        function = Custom.functions.get(self.function) or elementwise(self.function)
        if function is None:
            takes = ", ".join(["x", *map(str, self.places), *self.learned])
            wanted = f"set Custom.functions['{self.function}'] to a function of {takes}"
            raise NotImplementedError(f"the spec only declares {self.function}: {wanted}")
        return function(x, *places, **self.learned)


def elementwise(name):
    """The function of Keras that is the same as one of torch.ops.aten, number by number; None where there is none."""
    same = "abs ceil cos cosh erf exp expm1 floor log log1p log2 maximum minimum round rsqrt sign sin sinh sqrt square tan reciprocal"
    other = {name: name.replace("a", "arc", 1) for name in ("acos", "acosh", "asin", "asinh", "atan", "atanh")}
    other |= {"add": "add", "div": "divide", "mul": "multiply", "neg": "negative", "pow": "power", "sub": "subtract"}
    package, _, own = name.partition(".")
    found = own if own in same.split() else other.get(own)
    return getattr(ops, found) if package == "aten" and found is not None else None


@keras.saving.register_keras_serializable("archspec")
class TrainingOnly(layers.Layer):
    """An output that training alone has a use for, as it is: a mark, since Keras knows no such outputs."""

    def call(self, x):
        return x
