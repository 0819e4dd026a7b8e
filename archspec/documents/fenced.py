"""A spec in a document, as HTML and as text: its words in colours, and below them what is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from archspec.analysis.layers import Report
from archspec.api import compile_text
from archspec.diagnostics.markup import html_text
from archspec.diagnostics.render import concise, plain
from archspec.elaborate.assumptions import Options
from archspec.finding import specs_folder
from archspec.live.addresses import fragment
from archspec.views import display

PARTS = ("messages", "table", "picture")
"""What can be shown, in the order in which it is."""


@dataclass(frozen=True)
class Settings:
    """What a document says for all of its specs: the parts to show, the address of a playground, the folder of used files."""

    show: tuple[str, ...] = ()
    playground: str = ""
    base: str = ""

    def read(self) -> Options:
        """The options that specs are read with: their `use` is resolved from `base`, without one from the bundled specs."""
        return Options(base=Path(self.base) if self.base else specs_folder())


class Part(NamedTuple):
    """A part below a spec; `text` is empty where it is a picture."""

    name: str
    html: str
    text: str


class Shown(NamedTuple):
    """A spec and what stands below it. `mistakes` are lines of errors that the document does not announce."""

    code: str
    parts: tuple[Part, ...]
    link: str
    mistakes: tuple[str, ...]

    def html(self) -> str:
        """All of it as one element."""
        return f'<div class="archspec">\n{self.code}{self.link}{"".join(part.html for part in self.parts)}</div>\n'


def parts_of(words: str) -> tuple[str, ...]:
    """The parts that a document asks for, `table picture`. Raises ValueError for other words."""
    for word in words.split():
        if word not in PARTS:
            raise ValueError(f"archspec shows {', '.join(PARTS)}, and not `{word}`")
    return tuple(part for part in PARTS if part in words.split())


def shown(text: str, settings: Settings, *, show: str | None = None, wrong: bool = False, name: str = "spec.arch") -> Shown:
    """A spec for a document. `show` are the parts asked for in place of those of the settings; messages call the text `name`.

    A spec of which nothing is shown is not compiled. Where one has errors they stand below it in any case; unless `wrong` says that they
    are meant, they are mistakes of the document too. Raises ValueError where there is no such part.
    """
    wanted = settings.show if show is None else parts_of(show)
    made: list[Part] = []
    mistakes: tuple[str, ...] = ()
    if wanted:
        network, found = compile_text(text, name, settings.read())
        if (told := plain(found)) and (network is None or "messages" in wanted):
            made.append(Part("messages", _element("messages", f"<pre>{html_text_lines(told)}</pre>"), told))
        if network is None and not wrong:
            mistakes = tuple(concise(each) for each in found if each.severity == "error")
        if network is not None and "table" in wanted:
            report = Report(network)
            made.append(Part("table", _element("table", display.table(report)), display.text(report)))
        if network is not None and "picture" in wanted and (picture := display.svg(network)):
            made.append(Part("picture", _element("picture", picture), ""))
    return Shown(coloured_html(text), tuple(made), _link(text, settings.playground), mistakes)


def coloured_html(text: str) -> str:
    """The words of a spec as Pygments colours them, in the classes of its style sheets."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    from archspec.editor.pygments_lexer import ArchLexer

    return str(highlight(text, ArchLexer(stripnl=False), HtmlFormatter(wrapcode=True)))


def html_text_lines(text: str) -> str:
    """Lines of text for HTML, each end of a line kept."""
    return "\n".join(map(html_text, text.split("\n")))


def _element(name: str, content: str) -> str:
    return f'<div class="archspec-{name}" style="overflow:auto">\n{content}\n</div>\n'


def _link(text: str, playground: str) -> str:
    return (
        f'<p class="archspec-open"><a href="{html_text(playground)}{fragment(text)}">Open in the playground</a></p>\n' if playground else ""
    )


def settings_of(show: str | Iterable[str] = "", playground: str = "", base: str = "") -> Settings:
    """Settings from what a document's configuration says. Raises ValueError where there is no such part."""
    return Settings(parts_of(show if isinstance(show, str) else " ".join(show)), playground, base)
