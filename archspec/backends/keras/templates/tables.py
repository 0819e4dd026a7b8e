"""Layers whose weights others may use, and layers that are only declared."""

from __future__ import annotations

import keras
from keras import ops

from archspec.backends.keras.templates.spec_layers import SpecLayer, linear, per_axis


@keras.saving.register_keras_serializable("archspec")
class Embed(SpecLayer):
    """A table of v learned vectors, looked up by whole numbers; called with `tied`, a matrix product with its rows."""

    v: int
    d: int

    def build(self, shape):
        self.table = self.learn("weight", (self.v, self.d), keras.initializers.RandomNormal(stddev=0.05))

    def call(self, x, tied=False):
        return linear(x, self.table) if tied else ops.take(self.table, ops.cast(x, "int32"), axis=0)


@keras.saving.register_keras_serializable("archspec")
class Bias(SpecLayer):
    """A learned number for each channel, added."""

    def build(self, shape):
        self.offset = self.learn("bias", (shape[-1],))

    def call(self, x):
        return x + self.offset


@keras.saving.register_keras_serializable("archspec")
class Custom(SpecLayer):
    """Calls a function that is put into `Custom.functions`, by its name, with its `places` and its tensors by their keys."""

    function: str
    places: tuple = ()
    out: int | tuple | None = None
    macs: int | None = None
    flops: int | None = None
    tensors: tuple = ()
    functions = {}

    def build(self, shape):
        self.learned = {key: self.learn(key, per_axis(size, 1)) for key, size in self.tensors}

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
