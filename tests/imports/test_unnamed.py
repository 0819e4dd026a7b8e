"""Files whose names say nothing: layers get new names, and weights are found under them."""

from __future__ import annotations

import archspec
from archspec.imports.flat import Flat, Site
from archspec.imports.imported import Stored
from archspec.types import Map


def built(name):
    """Six blocks, whose weights are called by `name` from their number."""
    flat = Flat("net", "net.onnx")
    value = flat.input("data", Map((8, 8), 16))
    for at in range(6):
        before = value
        for step, arguments in (("conv", {"k": 3, "f": 32 + 8 * at, "p": 1}), ("relu", {}), ("conv", {"k": 1, "f": 16})):
            number = 2 * at + (arguments.get("k") == 1)
            stored = {"weight": Stored((f"w{number}",)), "bias": Stored((f"b{number}",))} if arguments else {}
            value = flat.step(Site(step, key=name(number) if arguments else ""), step, value, stored=stored, given=arguments)
        value = flat.step(Site("add"), "add", value, before)
        value = flat.step(Site("relu"), "relu", value)
    flat.output(value)
    return flat.finish()


def test_names_that_only_count_are_given_up():
    for name in (lambda number: f"Conv_{number + 17}", lambda number: f"{number + 17}", lambda number: ""):
        found = built(name)
        assert "repeat 6: basic f=32,40,48,56,64,72" in found.text
        assert found.note.startswith("layers have new names")
        layers = [f"basic{block}.conv{at}" for block in range(1, 7) for at in (1, 2)]
        assert found.stored.keys() == {f"{layer}.{weight}" for layer in layers for weight in ("weight", "bias")}
        assert [found.stored[f"{layer}.weight"].keys for layer in layers] == [(f"w{at}",) for at in range(12)]


def test_names_that_say_more_are_kept():
    found = built(lambda number: f"block{number // 2}_{'ab'[number % 2]}")
    assert not found.note
    assert {"block0_a", "block5_b"} <= {row.name for row in archspec.analyze(found.network).rows()}
