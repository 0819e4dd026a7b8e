"""A whole page: style, script and sections in one file that works offline."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from archspec.views.page.html import tag, text
from archspec.views.page.quiz import ROUNDS, Quiz
from archspec.views.page.section import Section
from archspec.views.tables.columns import COUNTED, short
from archspec.views.theme import THEMES, variables

_HERE = Path(__file__).parent
_SCRIPTS = ("card.js", "table.js", "pictures.js", "model.js", "theme.js")
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cg fill='%23337dc6'%3E"
    "%3Crect x='1' y='1' width='4' height='14'/%3E%3Crect x='6.5' y='3.5' width='4' height='9'/%3E%3Crect x='12' y='6' width='3' height='4'/%3E"
    "%3C/g%3E%3C/svg%3E"
)


def document(parts: Sequence[Section], sections: Sequence[str], quiz: Quiz | None) -> str:
    """The page about some networks, whose sections are made."""
    button = tag("button", "Theme", type="button", class_="theme", hidden=True)
    body = [tag("header", tag("h1", "Quiz" if quiz else "Architecture report"), button, class_="top")]
    if len(parts) > 1:
        body.append(_navigation(parts, quiz is not None))
    if quiz is not None:
        body.append(_about(quiz))
    counted = "" if quiz else tag("footer", tag("p", text(COUNTED)))
    main = tag("main", *sections, counted, data_salt=quiz.salt if quiz else None, data_rounds=ROUNDS if quiz else None)
    card = tag("aside", class_="card", role="status", hidden=True)
    scripts = [(_HERE / script).read_text(encoding="utf-8") for script in (*_SCRIPTS, *(["quiz.js"] if quiz else []))]
    programs = ",\n".join([part.sliders.program for part in parts if part.sliders])
    if programs:
        scripts += [f"const programs = [{programs}];\n", (_HERE / "sliders.js").read_text(encoding="utf-8")]
    name = ", ".join(part.title for part in parts) + (": a quiz" if quiz else "")
    return whole(name, "".join([*body, main, card]), f'(() => {{\n"use strict";\n{"".join(scripts)}}})();\n')


def key_document(quiz: Quiz) -> str:
    """The page with the answers of a quiz."""
    head = tag("header", tag("h1", "Key of a quiz"), class_="top")
    made = tag("p", f"The seed is {tag('code', text(quiz.seed))}.", class_="source")
    return whole(f"{', '.join(part.title for part in quiz.parts)}: the key", head + tag("main", made, quiz.key()), "")


def whole(name: str, body: str, script: str) -> str:
    """A page of a name around its body, with the style of all pages; a policy in it allows its own style and script alone."""
    style = _style(body)
    policy = "; ".join([
        "default-src 'none'", f"style-src {_hash(style)}", f"script-src {_hash(script) if script else chr(39) + 'none' + chr(39)}",
        "img-src data:", "base-uri 'none'", "form-action 'none'",
    ])  # fmt: skip
    head = (
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<link rel="icon" href="{_ICON}">\n'
        f"<title>{text(name)}</title>\n<style>{style}</style>\n"
    )
    end = f"<script>{script}</script>\n" if script else ""
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}</head>\n<body>\n{body}\n{end}</body>\n</html>\n'


def _navigation(parts: Sequence[Section], quiz: bool) -> str:
    items = []
    for at, part in enumerate(parts):
        totals = part.report.totals
        counts = f"{totals.layers:,} layers" if quiz else f"{short(totals.params, ' ')} parameters, {short(totals.macs, ' ')} MACs"
        items.append(tag("li", tag("a", text(part.title), href=f"#n{at}"), tag("small", counts)))
    return tag("nav", tag("ol", *items), aria_label="Networks")


def _about(quiz: Quiz) -> str:
    count = len(quiz.questions)
    words = (
        f"{count} cells are blank: fill them in. A shape is height × width × channels. A dash hides what would reveal an answer."
        if count else "There is nothing to ask: each number of these layers appears in their text."
    )  # fmt: skip
    still = tag("noscript", tag("p", "Without JavaScript the answers cannot be checked here; the page can be printed and filled in."))
    score = tag("p", tag("output", f"0 of {count} right", class_="score", aria_live="polite"), hidden=True, class_="progress")
    return tag("div", tag("p", words), score, still, class_="about")


def _style(body: str) -> str:
    """The style sheet, with the colours of both themes and the widths of the bars that there are."""
    widths = sorted({int(width) for width in re.findall(r' class="[^"]* w(\d+)"', body)})
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    return "".join([colours(), style, *(f".w{width}{{--w:{width}%}}" for width in widths)])


def colours() -> str:
    """Write the colours of both themes as custom properties of CSS: the dark ones where the reader, or `data-theme` of the page, wants them."""
    light, dark = (";".join(f"{name}:{value}" for name, value in variables(THEMES[theme]).items()) for theme in ("light", "dark"))
    return (
        f":root{{{light}}}\n@media screen{{:root[data-theme=dark]{{{dark}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}}}\n"
    )


def strict(scripts: Iterable[str]) -> str:
    """Scripts of this folder, by name, as one that leaves nothing behind in the page's names."""
    return f'(() => {{\n"use strict";\n{"".join((_HERE / script).read_text(encoding="utf-8") for script in scripts)}}})();\n'


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
