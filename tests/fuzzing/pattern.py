"""The formula of lectures, drawn beside the layers that it stands for."""

from __future__ import annotations

from typing import Any

from tests.fuzzing.draw import Draw
from tests.fuzzing.layers import ARGUMENTS
from tests.fuzzing.tree import Pattern


def pattern(draw: Draw) -> Pattern:
    """[(CONV-RELU)*N-POOL?]*M-(FC-TANH)*K-SOFTMAX, with some of its parts and keys."""
    convs, stages, hidden = draw.number(1, 2), draw.number(1, 2), draw.number(0, 2)
    pooled, scores = draw.pick(["", "-POOL", "-POOL?"]), draw.pick(["", "-SOFTMAX", "-FC-SOFTMAX"])
    activation = draw.pick(["RELU", "TANH", "BN"])
    widths = [draw.number(1, 6) for _ in range(draw.number(1, 2))]
    units, classes, k, w = draw.number(1, 9), draw.number(2, 9), draw.pick([1, 3]), draw.pick([1, 2])
    kept = pooled == "-POOL" or (pooled == "-POOL?" and draw.number(0, 1) == 1)
    text = f"[(CONV-{activation})*N{pooled}]*{stages}" + (f"-(FC->{activation})*{hidden}" if hidden else "") + scores
    text += f" N={convs} f={','.join(map(str, widths))} fc={units} classes={classes} k={k} w={w}"
    if pooled == "-POOL?" and not kept:
        text += " pool=no"

    def layer(name: str, **values: Any) -> tuple[str, dict[str, Any]]:
        return name, {**ARGUMENTS[name], **values}

    layers = []
    for stage in range(stages):
        layers += [layer("conv", k=k, f=widths[min(stage, len(widths) - 1)], p="same"), layer(activation.lower())] * convs
        layers += [layer("pool", w=w)] * kept
    layers += [layer("fc", n=units), layer(activation.lower())] * hidden
    if scores == "-SOFTMAX":
        layers.append(layer("fc", n=classes))
    if scores == "-FC-SOFTMAX":
        layers.append(layer("fc", n=units))
    layers += [layer("softmax")] * bool(scores)
    return Pattern(f"pattern {text}", layers)
