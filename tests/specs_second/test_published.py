"""Specs of published networks that are not bundled: `expect` in each of them holds its counts to its source."""

from __future__ import annotations

import pytest

from archspec.api import Options, compile_text
from archspec.source import Source
from archspec.syntax.printer import format_text
from tests.helpers.paths import ROOT

PUBLISHED = sorted((ROOT / "tests" / "published").glob("*.arch"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_published_counts(path):
    text = path.read_text(encoding="utf-8")
    network, found = compile_text(text, path.name, Options())
    assert network is not None and not [finding for finding in found if finding.severity != "note"]
    assert "expect params == " in text and network.meta["source"] and network.meta["title"]
    assert format_text(Source(path.name, text)) == text
