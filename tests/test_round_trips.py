"""Random networks written and read again: formatted, expanded, as JSON."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the generator of random specs builds torch modules beside them")

from helpers_torch import drawn
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
        *_, text = drawn(seed, 24)
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
