"""Random networks written and read again: formatted, expanded, as JSON."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the generator of random specs builds torch modules beside them")

from helpers_torch import Generator, Random
from test_syntax import rows, tree_of

import archspec
from archspec.ir.schema import from_json, to_json
from archspec.source import Source
from archspec.syntax.printer import format_text
from archspec.targets.spec import expand


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_random_networks_come_back_the_same(start):
    networks = 0
    for seed in range(start, start + 50):
        draw = Random(seed)
        generator = Generator(draw, draw.number(1, 3), growing=True)
        shape = (draw.number(1, 4), *(draw.number(6, 24) for _ in range(generator.rank)))
        text = generator.text(generator.network(draw.number(1, 5)), shape)
        formatted = format_text(Source("t", text))
        assert tree_of(formatted) == tree_of(text)
        assert format_text(Source("t", formatted)) == formatted
        try:
            network = archspec.loads(text)
        except archspec.SpecError:
            continue  # a size that does not fit: the generator draws such too
        networks += 1
        flat = expand(network)
        again = archspec.loads(flat)
        assert rows(again) == rows(network), text
        assert expand(again) == flat
        assert archspec.analyze(again).totals == archspec.analyze(network).totals
        document = to_json(network)
        assert to_json(from_json(document)) == document
    assert networks > 40
