"""Recurrent layers, with the gates and the biases of PyTorch."""

from __future__ import annotations

import keras
from keras import layers, ops

from archspec.backends.keras.templates.shared_steps import linear


class Recurrent(layers.Layer):
    """Layers that read a sequence step by step, in one direction or both; a subclass says what a step does.

    `gates` and `states` are how many times n numbers a step computes and keeps; what it gives stands first among these.
    """

    def __init__(self, n, dirs=1, layers=1, bias=True, out="all", **options):
        super().__init__(**options)
        self.n, self.dirs, self.layers, self.bias, self.out = n, dirs, layers, bias, out

    def build(self, shape):
        rows, self.stacks = self.gates * self.n, []
        for at in range(self.layers):
            sizes = {"ih": self.dirs * self.n if at else shape[-1], "hh": self.n}
            for end in (f"_l{at}", f"_l{at}_reverse")[: self.dirs]:
                stack = [self.add_weight(name=f"weight_{kind}{end}", shape=(rows, size)) for kind, size in sizes.items()]
                stack += [self.add_weight(name=f"bias_{kind}{end}", shape=(rows,), initializer="zeros") for kind in sizes if self.bias]
                self.stacks.append(stack)

    def call(self, x):
        for at in range(0, len(self.stacks), self.dirs):
            both = [self.run(x, way > 0, *self.stacks[at + way]) for way in range(self.dirs)]
            x = ops.concatenate([steps for steps, _ in both], axis=-1)
        return ops.concatenate([last for _, last in both], axis=-1) if self.out == "last" else x

    def run(self, x, reverse, into, over, bias=None, inner=None):
        """All states of one direction of a layer, and its last one."""
        read = ops.transpose(linear(x, into, bias), (1, 0, 2))

        def step(state, read):
            state = self.step(state, read, linear(state[:, : self.n], over, inner))
            return state, state  # on TensorFlow both are of one size

        first = ops.tile(ops.zeros_like(read[0, :, : self.n]), (1, self.states))
        last, steps = ops.scan(step, first, read, reverse=reverse)
        return ops.transpose(steps[..., : self.n], (1, 0, 2)), last[:, : self.n]


@keras.saving.register_keras_serializable("archspec")
class Rnn(Recurrent):
    """A recurrent layer of Elman: the state is a tanh of the input and of the state before."""

    gates, states = 1, 1

    def step(self, state, read, known):
        return ops.tanh(read + known)


@keras.saving.register_keras_serializable("archspec")
class Gru(Recurrent):
    """A gated recurrent unit (Cho et al. 2014), which resets U h, not h."""

    gates, states = 3, 1

    def step(self, state, read, known):
        (read_r, read_z, read_n), (known_r, known_z, known_n) = ops.split(read, 3, axis=-1), ops.split(known, 3, axis=-1)
        z = ops.sigmoid(read_z + known_z)
        new = ops.tanh(read_n + ops.sigmoid(read_r + known_r) * known_n)
        return new + z * (state - new)


@keras.saving.register_keras_serializable("archspec")
class Lstm(Recurrent):
    """Long short-term memory (Hochreiter, Schmidhuber 1997)."""

    gates, states = 4, 2

    def step(self, state, read, known):
        i, f, g, o = ops.split(read + known, 4, axis=-1)
        cell = ops.sigmoid(f) * state[:, self.n :] + ops.sigmoid(i) * ops.tanh(g)
        return ops.concatenate([ops.sigmoid(o) * ops.tanh(cell), cell], axis=-1)
