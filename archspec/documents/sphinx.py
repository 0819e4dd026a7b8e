"""Sphinx: a directive that shows a spec, `extensions = ["archspec.documents.sphinx"]` in `conf.py`.

    .. archspec::
       :show: table picture

       input 32x32x1
       conv k=5 f=6 | tanh

With MyST it is the fence ```` ```{archspec} ````. An argument names a file in place of the text, beside the document. `:wrong:` says that the
spec is meant to have errors. `archspec_show`, `archspec_playground` and `archspec_base` in `conf.py` hold for all specs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import archspec
from archspec.documents.fenced import Shown, parts_of, settings_of, shown

_log = logging.getLogger(__name__)


class Spec(SphinxDirective):  # type: ignore[misc, unused-ignore]
    """The directive."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"show": directives.unchanged, "wrong": directives.flag}

    def run(self) -> list[Any]:
        """The nodes of the spec and of what stands below it."""
        config = self.env.config
        try:
            text, name = self._text()
            settings = settings_of(config.archspec_show, config.archspec_playground, config.archspec_base)
            made = shown(text, settings, show=self.options.get("show"), wrong="wrong" in self.options, name=name)
        except (ValueError, OSError) as problem:
            raise self.error(str(problem)) from None
        for mistake in made.mistakes:
            _log.warning("a spec has errors: %s", mistake, location=self.get_location(), type="archspec")
        return list(_nodes(text, made))

    def _text(self) -> tuple[str, str]:
        if bool(self.arguments) == bool(self.content):
            raise ValueError("`archspec` takes a spec, or the name of a file with one")
        if not self.arguments:
            return "\n".join(self.content) + "\n", "spec.arch"
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        return Path(path).read_text(encoding="utf-8"), Path(path).name


def _nodes(text: str, made: Shown) -> list[Any]:
    """The spec, coloured by Sphinx; what is below it as HTML, and in other kinds of documents as text."""
    below = addnodes.only(expr="html")
    below += nodes.raw("", made.link + "".join(part.html for part in made.parts), format="html")
    texts = addnodes.only(expr="not html")
    texts += [nodes.literal_block(part.text, part.text, language="none") for part in made.parts if part.text]
    return [nodes.literal_block(text, text, language="arch"), below, texts]


def _check(app: Any, config: Any) -> None:
    from sphinx.errors import ConfigError

    try:
        parts_of(config.archspec_show)
    except ValueError as problem:
        raise ConfigError(f"archspec_show: {problem}") from None


def setup(app: Any) -> dict[str, Any]:
    """Add the directive and its settings; Sphinx calls it."""
    app.add_directive("archspec", Spec)
    for name in ("show", "playground", "base"):
        app.add_config_value(f"archspec_{name}", "", "env", [str])
    app.connect("config-inited", _check)
    return {"version": archspec.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
