"""The page of each diagnostic code: the rule in plain words, a failing example and its mended form.

The pages lie in `pages/`, one Markdown file per code. Each is read when it is first needed.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_PAGES = Path(__file__).with_name("pages")
_CODE = re.compile(r"A\d{3}")
_HEADING = re.compile(r"# (A\d{3}): (.+)\n+")
_FENCE = re.compile(r"^```(arch|cfg) \{([^\n]+)\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ATTRIBUTE = re.compile(r'(\w+)(?:="([^"]*)")?')
_NOTES = frozenset({413, 417, 419, 421})
"""Lints that are only worth knowing."""


class Example(NamedTuple):
    """A spec on a page, or a file to import, in the language `cfg`, Darknet's.

    `kind` is `wrong` (gives the page's code), `right` (does not) or `file` (another file, for `use`). `attributes` says how
    the spec is run: `set` and `limit` are NAME=VALUE, `file` is a path. What is written with `escape` is decoded already.
    """

    kind: str
    text: str
    attributes: dict[str, str]
    language: str = "arch"


class Page(NamedTuple):
    """The page of a code. `text` is Markdown without the heading; `severity` is error, warning or note."""

    code: str
    title: str
    severity: str
    text: str
    examples: tuple[Example, ...]


def codes() -> list[str]:
    """All codes that have a page, in order."""
    return sorted(path.stem for path in _PAGES.glob("A*.md"))


@cache
def page(code: str) -> Page:
    """The page of a code. Raises KeyError where there is none."""
    path = _PAGES / f"{code}.md"
    if not _CODE.fullmatch(code) or not path.is_file():
        raise KeyError(code)
    whole = path.read_text(encoding="utf-8")
    heading = _HEADING.match(whole)
    if heading is None:
        raise ValueError(f"{path.name} does not begin with `# {code}: title`")
    text = whole[heading.end() :]
    examples = tuple(_example(*match.groups()) for match in _FENCE.finditer(text))
    severity = "note" if int(code[1:]) in _NOTES else "warning" if code.startswith("A4") or code == "A610" else "error"
    return Page(heading[1], heading[2].strip(), severity, text, examples)


def fence_attributes(info: str) -> dict[str, str]:
    """The attributes of a fence, `wrong set="width=16"` of ```` ```arch {wrong set="width=16"} ````; a bare name has the value ""."""
    return dict(_ATTRIBUTE.findall(info))


def _example(language: str, info: str, body: str) -> Example:
    attributes = fence_attributes(info)
    kind = next((kind for kind in ("wrong", "right") if kind in attributes), "file")
    if kind != "file":
        del attributes[kind]
    if attributes.pop("escape", None) is not None:
        body = body.encode("ascii", "backslashreplace").decode("unicode_escape")
    return Example(kind, body, attributes, language)
