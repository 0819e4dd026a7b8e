"""What must hold for whatever is in a file: the claims that the mutations are held to."""

from __future__ import annotations

import json
import re
from functools import cache

import archspec
from archspec.api import compile_text
from archspec.backends.arch import expand
from archspec.diagnostics import Diagnostic, catalogue
from archspec.diagnostics.render import as_data, concise, full, github, sarif
from archspec.elaborate.assumptions import Options
from archspec.source import Source, Span, decode
from archspec.syntax.printer import format_text
from tests.helpers.paths import ROOT
from tests.helpers.trees import outline

LONGEST = 1000
"""Characters of a message and of what goes with it: it is read by people."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_FEW = 300
"""Layers of a network whose rows are made and which is expanded."""


def check(data: bytes, sample: int = 0) -> str:
    """Hold the claims against a file's bytes; says how far the file came. Raises AssertionError, or what should not have come out.

    `sample` is a number that spreads the dearer claims over the cases; 0 makes all of them.
    """
    try:
        text = decode(data)
    except ValueError as error:
        assert re.fullmatch(r"it is [^\n]{5,150}", str(error)) and str(error).isprintable()
        return "undecodable"
    network, found = compile_text(text, "case.arch", Options(base=ROOT / "specs" if "use" in text else None))
    check_findings(found, text)
    assert (network is None) == any(diagnostic.severity == "error" for diagnostic in found)
    if sample % 8 == 0:
        check_rendered(found)
    if sample % 8 == 1:
        check_repeatable(text, network, found)
    if network is not None or sample % 4 == 2:
        check_formatting(text)
    if network is None:
        return "refused"
    check_network(network, expanded=sample % 4 == 0)
    return "accepted"


@cache
def _severities() -> dict[str, str]:
    return {code: catalogue.page(code).severity for code in catalogue.codes()}


def check_findings(found: list[Diagnostic], text: str) -> None:
    """Each finding has a page, words and places that lie in the text."""
    for diagnostic in found:
        assert _severities().get(diagnostic.code) == diagnostic.severity, diagnostic
        assert diagnostic.span is not None, diagnostic
        assert diagnostic.message and diagnostic.help != "", diagnostic
        marked = [diagnostic.span, *(span for span, _ in diagnostic.secondary), *(frame.span for frame in diagnostic.trace)]
        for span in marked:
            check_place(span, text)
        told = [
            diagnostic.message, diagnostic.help or "", diagnostic.label, *diagnostic.notes,
            *(words for _, words in diagnostic.secondary), *(frame.text for frame in diagnostic.trace),
        ]  # fmt: skip
        assert max(map(len, told)) < LONGEST, max(told, key=len)
    assert found == sorted(found, key=Diagnostic.order)


def check_place(span: Span, text: str) -> None:
    """A span lies in its text, and so do the lines and columns that programs are told."""
    source = span.source
    if source.name == "case.arch":
        assert source.text == text
    assert 0 <= span.start <= span.end <= len(source.text), span[1:]
    rows = source.text.split("\n")
    begin, end = source.locate(span.start), source.locate(span.end)
    assert begin <= end, (begin, end)
    for line, column in (begin, end):
        assert 1 <= line <= len(rows) and 1 <= column <= len(rows[line - 1]) + 1, (line, column)


def check_rendered(found: list[Diagnostic]) -> None:
    """Every form of a message is made, and what people read of it has nothing in it that a terminal would obey."""
    for diagnostic in found:
        lines = ["".join(piece for piece, _ in line) for line in full(diagnostic)]
        for line in (*lines, concise(diagnostic)):
            assert not _UNSEEN.search(line), ascii(line)
        assert not re.search("[\r\n]", github(diagnostic))
    documents = [[as_data(diagnostic) for diagnostic in found], sarif(found, "0")]
    for document in documents:
        assert json.loads(json.dumps(document)) == document


def check_repeatable(text: str, network: archspec.Network | None, found: list[Diagnostic]) -> None:
    """What was read before does not change what is read again."""
    again, told = compile_text(text, "case.arch", Options(base=ROOT / "specs" if "use" in text else None))
    assert [as_data(diagnostic) for diagnostic in told] == [as_data(diagnostic) for diagnostic in found]
    if network is not None and again is not None:
        assert archspec.analyze(again).totals == archspec.analyze(network).totals


def check_formatting(text: str) -> None:
    """A formatted text has the tree of the text it was made of, and stays as it is when it is formatted."""
    formatted = format_text(Source("case.arch", text))
    if formatted is not None:
        assert outline(formatted) == outline(text) is not None, formatted
        assert format_text(Source("case.arch", formatted)) == formatted, formatted


def check_network(network: archspec.Network, *, expanded: bool) -> None:
    """A network is counted, its rows add up to the totals, and its flat spec is a spec of the same network."""
    report = archspec.analyze(network)
    totals = report.totals
    assert min(totals.params, totals.macs, totals.flops, totals.activations, totals.peak_activations) >= 0, totals
    if totals.layers > _FEW:
        return
    rows = report.layers
    assert len(rows) == totals.layers
    assert len({row.name for row in rows}) == len(rows), [row.name for row in rows]
    if expanded:
        flat = expand(network)
        again = archspec.loads(flat)
        assert archspec.analyze(again).totals == totals, flat
        written = [[(row.name, row.config, row.output) for row in found] for found in (rows, archspec.analyze(again).layers)]
        assert written[0] == written[1], flat
        assert expand(again) == flat
