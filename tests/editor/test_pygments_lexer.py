"""The lexer for Pygments, and the hooks for pre-commit."""

import re
import tomllib
from importlib import import_module

import pytest

from archspec.finding import specs_folder
from tests.helpers.paths import CASES, ROOT

pytest.importorskip("pygments", reason="Pygments colours texts")

from pygments import highlight
from pygments.formatters import HtmlFormatter, LatexFormatter
from pygments.token import Comment, Keyword, Name, Number

from archspec.editor.pygments_lexer import ArchLexer

TEXT = "block unit(n): conv k=3 f=n\ninput 8x8x3  # small\nstem: unit 4 | relu\n"


def test_the_entry_point_names_the_lexer():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]["pygments.lexers"]
    module, _, name = points["arch"].partition(":")
    assert getattr(import_module(module), name) is ArchLexer
    assert "arch" in ArchLexer.aliases


def test_words_have_their_kinds():
    kinds = {text: kind for kind, text in ArchLexer().get_tokens(TEXT)}
    for text, kind in (
        ("block", Keyword), ("conv", Name.Function), ("unit", Name.Class), ("k", Name.Attribute), ("8x8x3", Number), ("stem", Name.Variable),
        ("# small", Comment.Single), ("relu", Name.Function),
    ):  # fmt: skip
        assert kinds[text] is kind, text


def test_formatters_take_it():
    assert '<span class="nf">conv</span>' in highlight(TEXT, ArchLexer(), HtmlFormatter())
    assert "conv" in highlight(TEXT, ArchLexer(), LatexFormatter())


@pytest.mark.parametrize("folder", [specs_folder(), CASES, CASES / "hostile"], ids=lambda folder: folder.name)
def test_nothing_is_lost(folder):
    for path in sorted(folder.glob("*.arch")):
        text = path.read_bytes().decode("utf-8", "replace")
        assert "".join(piece for _, _, piece in ArchLexer().get_tokens_unprocessed(text)) == text, path


def test_the_hooks_do_what_they_say(archspec_command, tmp_path):
    """In a folder of somebody else: a spec, and a file of blocks that it uses."""
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "unit.arch").write_text("block unit(n): conv k=3 f=n\n")
    (tmp_path / "net.arch").write_text('use "blocks/unit.arch"\ninput   8x8x3\nunit 4\n')
    hooks = dict(
        re.findall(r"^- id: (\S+)$.*?^  entry: archspec (.+?)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.MULTILINE | re.DOTALL)
    )
    assert set(hooks) == {"archspec-check", "archspec-fmt"}
    assert archspec_command(*hooks["archspec-check"].split(), cwd=tmp_path).status == 0
    assert archspec_command(*hooks["archspec-fmt"].split(), "net.arch", cwd=tmp_path).status == 0
    assert "input 8x8x3\n" in (tmp_path / "net.arch").read_text()
    (tmp_path / "net.arch").write_text("input 8x8x3\nfcc 4\n")
    assert archspec_command(*hooks["archspec-check"].split(), cwd=tmp_path).status == 1
