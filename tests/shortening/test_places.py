"""Lines of one block whose calls take up values of different places."""

from __future__ import annotations

import archspec
from archspec.shortening.prove import difference
from tests.shortening.test_shorten import lines

ONE = """
"m.{n}.q": linear 8
"m.{n}.k": from {x} | linear 8
"m.{n}.v": from {x} | linear 8
from "m.{n}.q"
"m.{n}.attend1": attend "m.{n}.k" "m.{n}.v" heads=2
"m.{n}.proj": linear 8
"m.{n}.gelu1": gelu
"m.{n}.fc": linear 8
"""


def short_of(first):
    """Three modules, the first of which has more layers at its beginning, of which the last is called `first`."""
    flat = "input 4x4x8\ntokens\n" + first[0] + ONE.format(n=0, x=first[1]) + ONE.format(n=1, x='"m.0.fc"') + ONE.format(n=2, x='"m.1.fc"')
    network = archspec.loads(flat)
    short = archspec.shorten(network)
    assert not short.note
    assert difference(network, archspec.loads(short.text)) is None
    return short.text


def test_what_an_optional_layer_gives_has_the_name_of_what_it_is_given():
    text = short_of(('"m.0.down": linear 8', '"m.0.down"'))
    assert "  down: linear 8 if on\n  x: skip\n  q: linear 8\n  k: from x | linear 8\n" in text
    assert "m: repeat 3: encoder on=yes,no\n" in text


def test_other_places_have_a_line_each():
    text = short_of(('"m.0.down": linear 8\n"m.0.norm": ln', '"m.0.down"'))
    assert lines(text) <= 21
