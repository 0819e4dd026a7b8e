"""What commands write, read again: whatever a spec says must stay text in it. The word CANARY stands wherever a spec may hold one."""

from __future__ import annotations

import ast
import csv
import html.parser
import io
import json
import re
from collections.abc import Callable
from xml.etree import ElementTree

COMMANDS = {
    "check FILE": "text",
    "check FILE --format concise": "text",
    "check FILE --format json": "json",
    "check FILE --format github": "text",
    "check FILE --format sarif": "json",
    "table FILE": "text",
    "table FILE --work --columns name,layer,output,rf": "text",
    "table FILE --collapse --layout chw": "text",
    "table FILE --format markdown": "md",
    "table FILE --format latex": "tex",
    "table FILE --format csv": "csv",
    "table FILE --format json": "json",
    "table FILE --format html": "html",
    "explain FILE": "text",
    "expand FILE": "text",
    "emit torch FILE": "py",
    "emit torch FILE -o OUT.py": "text",
    "emit json FILE": "json",
    "emit onnx FILE -o OUT.onnx": "text",
    "emit train FILE -o OUT": "text",
    "draw FILE": "svg",
    "draw FILE --level layer": "svg",
    "draw FILE --as volumes": "svg",
    "draw FILE --as bars": "svg",
    "draw FILE -o OUT.dot": "text",
    "draw FILE --level layer -o OUT.dot": "text",
    "draw FILE -o OUT.mmd": "text",
    "compare FILE lenet5": "text",
    "compare FILE lenet5 --format html": "html",
    "compare FILE lenet5 --format latex -o OUT.svg": "tex",
    "compare FILE lenet5 --format markdown": "md",
    "compare FILE lenet5 --format csv": "csv",
    "report FILE": "html",
    "report FILE -o OUT.html --quiz 1": "text",
    "train FILE --out OUT": "text",
    "fmt --diff FILE": "text",
    "fmt FILE": "text",
}
"""Commands, and the form of what they write to standard output. `train` without data stops before it begins to train."""
FEW = ["check FILE", "fmt --check FILE"]
"""Those for files that take a second to read, one for each; the others would take as long, and meet what `check` met."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def problem(form: str, text: str) -> str | None:
    """What a text in a form, the ending of a file's name, has in it that it should not; None where all is well."""
    try:
        _CLAIMS.get(form, lambda text: None)(text)
    except (AssertionError, SyntaxError, ValueError, ElementTree.ParseError) as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def _plain(text: str) -> None:
    """Nothing that a terminal would obey."""
    found = _CONTROL.search(text)
    assert found is None, ascii(text[max(0, found.start() - 40) : found.end() + 10])


def _json(text: str) -> None:
    json.loads(text)


def _python(text: str) -> None:
    """The canary is in strings and comments only, and what is imported is known."""
    _plain(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert "CANARY" not in "".join(names)
        for field in ("id", "attr", "arg", "name"):
            assert "CANARY" not in str(getattr(node, field, "") or ""), ast.dump(node)


def _svg(text: str) -> None:
    _plain(text)
    assert "<!DOCTYPE" not in text and "<!ENTITY" not in text and "<?" not in text.removeprefix("<?xml")
    for element in ElementTree.fromstring(text).iter():
        tag = element.tag.rpartition("}")[2]
        assert tag not in ("script", "foreignObject", "image", "a", "CANARY"), tag
        for name in element.attrib:
            assert not re.fullmatch(r"(?i)on.*|.*href|.*canary.*", name), name


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9]*", tag) and tag not in ("canary", "img", "iframe", "object", "base"), tag
        self.scripts += tag == "script"
        for name, value in attrs:
            assert not name.startswith("on") and "canary" not in name, (tag, name)
            assert name not in ("href", "src", "action") or (value or "").startswith(("#", "data:")), (tag, name, value)


def _html(text: str) -> None:
    _plain(text)
    page = _Page()
    page.feed(text)
    assert page.scripts <= 1, "scripts"


def _latex(text: str) -> None:
    _plain(text)
    for line in text.splitlines():
        if not line.startswith("%"):
            assert not re.search(r"\\(CANARY|input|href|immediate|write)", line), line
            assert not re.search(r"(?<!\\)(\\\\)*\$[^$]*CANARY", line), line


def _markdown(text: str) -> None:
    _plain(text)
    assert not re.search(r"(?<!\\)(<CANARY|<script|<img|\]\(|```)", text), text[:300]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for block in text.split("\n\n") for line in block.splitlines() if line.startswith("|")}
    assert 0 not in widths


def _csv(text: str) -> None:
    csv.field_size_limit(1 << 30)
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1, "rows of different length"
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell


def _quoted(text: str) -> None:
    """Outside of quotes the canary stands nowhere, as in DOT and Mermaid."""
    _plain(text)
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert "CANARY" not in outside and "javascript" not in outside, outside[:300]


_CLAIMS: dict[str, Callable[[str], None]] = {
    "text": _plain,
    "json": _json,
    "py": _python,
    "svg": _svg,
    "html": _html,
    "tex": _latex,
    "md": _markdown,
    "csv": _csv,
    "dot": _quoted,
    "mmd": _quoted,
}
