"""Parts whose weights are used more than once."""

from __future__ import annotations

import keras


def part(block, *values, name, **arguments):
    """A block as a model of its own, which can be called again."""
    inputs = [keras.Input(value.shape[1:], dtype=value.dtype) for value in values]
    return keras.Model(inputs, block(*inputs, name=name, **arguments), name=name)


class OpenPart:
    """A block whose layers are used elsewhere too, one by one, or with values of other sizes: they are layers of the whole model, since Keras saves
    none that two models have, and calls a model with values of one size.
    """

    made = {}

    def __init__(self, block, *values, name, **arguments):
        self.model = part(block, *values, name=name, **arguments)
        self.made[name] = self

    def get_layer(self, name):
        """A part, or a layer that is called on what this is given, also where no result follows from it."""
        found, pending = dict(self.made), [value._keras_history.operation for value in self.model.inputs]
        while name not in found:
            layer = pending.pop()
            if layer.name not in found:
                found[layer.name] = layer
                pending += [node.operation for node in layer._outbound_nodes]
        return found[name]

    def __call__(self, values):
        outputs = self.model.outputs
        return keras.Function(self.model.inputs, outputs if len(outputs) > 1 else outputs[0])._run_through_graph(values)
