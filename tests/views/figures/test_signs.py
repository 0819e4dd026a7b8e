"""Signs of merges in pictures."""

from __future__ import annotations

import re

import pytest

import archspec
from archspec.views.figures import text_form


@pytest.mark.parametrize(("step", "strokes"), [("add", "HV"), ("sub", "H"), ("mul", "LL")])
def test_merges_are_drawn_as_signs(step, strokes):
    network = archspec.loads(f"input 8x8x4\nx: conv k=3 f=4 p=1\nconv k=1 f=4\n{step} x\n")
    node = next(text for text in str(archspec.draw(network, level="layer").svg).split('<g class="node"') if f'data-name="{step}1"' in text)
    (path,) = re.findall(r'<path d="([^"]*)"', node)
    assert re.sub("[^HVL]", "", path) == strokes


@pytest.mark.parametrize(("step", "sign"), [("add", "+"), ("sub", "–"), ("mul", "×")])
def test_signs_in_mermaid(step, sign):
    network = archspec.loads(f"input 8x8x4\nx: conv k=3 f=4 p=1\nconv k=1 f=4\n{step} x\n")
    assert f'(("{sign}"))' in text_form(network, "mmd", "layer")[0]
