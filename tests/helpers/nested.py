"""Networks of nested blocks and groups whose further results are read outside, built in Python."""

from __future__ import annotations

import random

import archspec
from archspec.ir.builder import Value
from archspec.ir.graph import Graph, Network
from archspec.types import Map

TYPE = Map((8, 8), 4)


def gated(d: int, channels: int = 4, skips: int = 6) -> Graph:
    """A block of WaveNet (van den Oord et al. 2016, figure 4), its convolutions centred: the residual, and the skip as `side`."""
    block = archspec.Block(Map((32,), channels), name="gated", d=d)
    (x,) = block.inputs
    filters = block.op("tanh", block.op("conv", x, k=3, f=channels, d=d, p="same"))
    gates = block.op("sigmoid", block.op("conv", x, k=3, f=channels, d=d, p="same"))
    y = block.op("mul", filters, gates)
    block.result("side", block.op("conv", y, k=1, f=skips))
    return block.graph(block.op("add", block.op("conv", y, k=1, f=channels), x))


def wavenet(stacks: int = 3, dilations: tuple[int, ...] = (1, 2, 4, 8)) -> Network:
    """The sum of the skips of all blocks, in a group called `stack`."""
    blocks = {d: gated(d) for d in dilations}
    stack = archspec.Block(Map((32,), 4))
    y = stack.inputs[0]
    for at in range(stacks * len(dilations)):
        y = stack.call(blocks[dilations[at % len(dilations)]], y)
        stack.result(f"{at}.side", stack.further(y, "side"))
    b = archspec.Builder("wavenet")
    x = b.op("conv", b.input("input", (32, 1)), k=3, f=4, p="same")
    inside = b.call(stack.graph(y), x, label="stack")
    sides = [b.further(inside, f"{at}.side") for at in range(stacks * len(dilations))]
    b.output(b.op("conv", b.op("relu", b.op("add", *sides)), k=1, f=3))
    return b.network()


def unet() -> Network:
    """A backbone whose inner maps are read outside: two stages of a block in two rounds, and a decoder that concatenates them."""

    def stage(type_: Map, width: int) -> Graph:
        block = archspec.Block(Map(tuple(size // 2 for size in type_.spatial), width), name="double", n=width)
        y = block.op("relu", block.op("bn", block.op("conv", block.inputs[0], k=3, f=width, p=1, bias=False)))
        double = block.graph(block.op("add", y, block.inputs[0]))
        group = archspec.Block(type_)
        y = group.op("conv", group.op("pool", group.inputs[0], w=2), k=3, f=width, p=1)
        return group.graph(group.call(double, y, times=2))

    backbone = archspec.Block(Map((16, 16), 3))
    one = backbone.call(stage(Map((16, 16), 3), 4), backbone.inputs[0], label="layer1")
    two = backbone.call(stage(Map((8, 8), 4), 8), one, label="layer2")
    backbone.result("layer1", one)
    b = archspec.Builder("unet")
    x = b.input("input", (16, 16, 3))
    deep = b.call(backbone.graph(two), x, label="backbone")
    up = b.op("concat", b.op("upsample", deep, n=2), b.further(deep, "layer1"))
    b.output(b.op("conv", b.op("upsample", up, n=2), k=3, f=2, p=1))
    return b.network()


def random_network(seed: int) -> Network:
    """A network of nested calls, several rounds of some, that read results of any round; blocks may give what they are given."""
    draw = random.Random(seed)
    pool: list[Graph] = []
    for letter in "abcd"[: draw.randint(1, 4)]:
        block = archspec.Block(*[TYPE] * draw.randint(1, 2), name=draw.choice([None, f"block{letter}"]))
        values = _body(block, list(block.inputs), draw, pool)
        for at in range(draw.randint(0, 3)):
            block.result(f"side{at}", draw.choice(values))
        pool.append(block.graph(draw.choice(values)))
    b = archspec.Builder("net")
    values = _body(b, [b.input("input", TYPE)], draw, pool)[1:]
    if draw.random() < 0.5:
        b.output(draw.choice(values), "other")
    y = values[0]
    for value in draw.sample(values, len(values)):
        y = b.op("add", y, value)
    b.output(b.op("fc", b.op("relu", y), n=3))
    return b.network()


def _body(b: archspec.Block, values: list[Value], draw: random.Random, pool: list[Graph]) -> list[Value]:
    for _ in range(draw.randint(1, 4)):
        if pool and draw.random() < 0.5:
            graph, times = draw.choice(pool), draw.choice([1, 1, 2, 3, 4])
            values.append(call := b.call(graph, *[draw.choice(values) for _ in graph.inputs], times=times))
            picks = [(result, round_) for result in range(len(graph.results)) for round_ in range(times) if draw.random() < 0.5]
            values += [b.further(call, result, round_) for result, round_ in picks]
        else:
            values.append(_layer(b, draw.choice(values), draw.choice(values), draw.choice(STEPS)))
    return values


STEPS = ("conv", "pool", "relu", "bn", "add", "sigmoid")


def _layer(b: archspec.Block, x: Value, y: Value, step: str) -> Value:
    match step:
        case "conv":
            return b.op("conv", x, k=3, f=4, p=1)
        case "pool":
            return b.op("pool", x, w=3, s=1, p=1)
        case "add":
            return b.op("add", x, y)
    return b.op(step, x)
