"""Layers whose weights others may use, and layers that are only declared."""

from __future__ import annotations

import re

import keras
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import linear, per_axis


class Tied(layers.Layer):
    """A layer that uses the table of another one, an `Embedding` or a `Dense`: V vectors of D numbers."""

    def __init__(self, of, **options):
        super().__init__(**options)
        self.of = of

    def table(self):
        """V by D numbers."""
        return self.of.embeddings if hasattr(self.of, "embeddings") else ops.transpose(self.of.kernel)

    def get_config(self):
        *_, of = [keras.saving.serialize_keras_object(self.of) for _ in range(2)]  # Keras marks what is shared the second time
        return {**super().get_config(), "of": of}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "of": keras.saving.deserialize_keras_object(config["of"])})


@keras.saving.register_keras_serializable("archspec")
class TiedEmbed(Tied):
    """Looks whole numbers up in the table of another layer."""

    def call(self, x):
        return ops.take(self.table(), ops.cast(x, "int32"), axis=0)


@keras.saving.register_keras_serializable("archspec")
class TiedLinear(Tied):
    """A product with the table of another layer, of D numbers that become V, and a bias of its own."""

    def __init__(self, of, bias=True, **options):
        super().__init__(of, **options)
        self.bias = bias

    def build(self, shape):
        self.offset = self.add_weight(name="bias", shape=self.table().shape[:1], initializer="zeros") if self.bias else None

    def call(self, x):
        return linear(x, self.table(), self.offset)

    def get_config(self):
        return {**super().get_config(), "bias": self.bias}


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
