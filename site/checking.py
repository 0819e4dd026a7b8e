"""What is wrong with a built site: links and anchors that lead nowhere, and files of other origins that a page would ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_ASKED = {
    ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"), ("audio", "src"), ("embed", "src"),
    ("object", "data"), ("image", "href"), ("use", "href"),
}  # fmt: skip
"""Attributes whose addresses a browser asks for by itself; of `link` those with the relations below."""
_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch", "prefetch", "manifest"}
_IN_STYLES = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)")


class Page(HTMLParser):
    """The anchors of a page, its links, and what it asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.asked: list[str] = _IN_STYLES.findall(text)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        for name, value in given.items():
            asked = (tag, name) in _ASKED or (tag == "link" and name == "href" and given.get("rel", "") in _RELATIONS)
            if asked:
                self.asked.append(value)
            if asked or (name == "href" and tag == "a"):
                self.links.append(value)


def problems(out: Path) -> list[str]:
    """What is wrong with the pages of a folder, one line each. The playground is checked by its own tests."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(out.rglob("*.html")) if "playground" not in path.parts}
    found = [f"{path.relative_to(out)}: {problem}" for path, page in pages.items() for problem in _of(path, page, pages)]
    for path in sorted(out.rglob("*.css")):
        found += [f"{path.relative_to(out)}: asks for {address}" for address in _IN_STYLES.findall(path.read_text(encoding="utf-8"))]
    return found


def _of(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    yield from (f"asks for {address}" for address in page.asked if urlsplit(address).netloc)
    for link in dict.fromkeys(page.links):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file():
            yield f"`{link}` leads nowhere"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"`{link}` leads to no anchor"
