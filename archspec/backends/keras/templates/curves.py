"""Activations that Keras has in another form."""

from __future__ import annotations

import keras

from archspec.backends.keras.templates.spec_layers import SpecLayer


@keras.saving.register_keras_serializable("archspec")
class Gelu(SpecLayer):
    """GELU by its tanh (Hendrycks & Gimpel 2016)."""

    approx: str = "tanh"

    def call(self, x):
        return keras.activations.gelu(x, approximate=True)


@keras.saving.register_keras_serializable("archspec")
class MatMul(SpecLayer):
    """A product of matrices for each index of the axes before these."""

    def call(self, values):
        x, other = values
        return keras.ops.matmul(x, other)
