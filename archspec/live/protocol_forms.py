"""What the language services give, in the forms of the Language Server Protocol, version 3.17."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lsprotocol import types as lsp

from archspec.editor.appearance import KINDS, Fold, Word
from archspec.editor.completions import Completion
from archspec.editor.findings import Action, Finding
from archspec.editor.hints import Hint
from archspec.editor.hovers import Signature
from archspec.editor.named import Entry, Location
from archspec.editor.positions import Position, Range

_SEVERITIES = {"error": lsp.DiagnosticSeverity.Error, "warning": lsp.DiagnosticSeverity.Warning, "note": lsp.DiagnosticSeverity.Information}
_COMPLETIONS = {
    "keyword": lsp.CompletionItemKind.Keyword, "layer": lsp.CompletionItemKind.Function, "block": lsp.CompletionItemKind.Class,
    "argument": lsp.CompletionItemKind.Property, "value": lsp.CompletionItemKind.EnumMember, "function": lsp.CompletionItemKind.Operator,
    "param": lsp.CompletionItemKind.Constant, "file": lsp.CompletionItemKind.File,
}  # fmt: skip
_SYMBOLS = {
    "param": lsp.SymbolKind.Constant, "block": lsp.SymbolKind.Class, "input": lsp.SymbolKind.Interface, "output": lsp.SymbolKind.Interface,
    "repeat": lsp.SymbolKind.Array,
}  # fmt: skip
LEGEND = lsp.SemanticTokensLegend(list(KINDS), [])


def place(at: Position) -> lsp.Position:
    """A place of the protocol."""
    return lsp.Position(at.line, at.character)


def place_of(at: lsp.Position) -> Position:
    """A place of the services."""
    return Position(at.line, at.character)


def range_of(range_: Range) -> lsp.Range:
    """A range of the protocol."""
    return lsp.Range(place(range_.start), place(range_.end))


def edits(found: Iterable[tuple[Range, str]]) -> list[lsp.TextEdit]:
    """Edits of a text."""
    return [lsp.TextEdit(range_of(range_), text) for range_, text in found]


def location(found: Location, uri: str) -> lsp.Location:
    """A place in the document of an address, or in another file."""
    return lsp.Location(found.path.as_uri() if found.path is not None else uri, range_of(found.range))


def diagnostic(found: Finding, uri: str) -> lsp.Diagnostic:
    """A message."""
    related = [lsp.DiagnosticRelatedInformation(location(where, uri), text) for where, text in found.related]
    return lsp.Diagnostic(
        range_of(found.range),
        found.text,
        severity=_SEVERITIES[found.severity],
        code=found.code or None,
        source="archspec",
        tags=[lsp.DiagnosticTag.Unnecessary] if found.unneeded else None,
        related_information=related or None,
    )


def code_action(found: Action, uri: str) -> lsp.CodeAction:
    """A fix of a message."""
    return lsp.CodeAction(
        found.title,
        kind=lsp.CodeActionKind.QuickFix,
        diagnostics=[diagnostic(found.finding, uri)] if found.finding is not None else None,
        is_preferred=found.preferred,
        edit=lsp.WorkspaceEdit(changes={uri: edits(found.edits)}),
    )


def inlay_hint(found: Hint) -> lsp.InlayHint:
    """A text at the end of a line."""
    return lsp.InlayHint(place(found.place), found.text, kind=lsp.InlayHintKind.Type, tooltip=found.about, padding_left=True)


def code_lens(found: Hint) -> lsp.CodeLens:
    """A text above a line."""
    return lsp.CodeLens(lsp.Range(place(found.place), place(found.place)), command=lsp.Command(found.text, ""))


def completion_item(at: int, found: Completion) -> lsp.CompletionItem:
    """A word that may be written, with its place in the list, by which editors sort."""
    return lsp.CompletionItem(
        found.label,
        kind=_COMPLETIONS.get(found.kind, lsp.CompletionItemKind.Variable),
        detail=found.detail or None,
        documentation=markdown(found.about) if found.about else None,
        insert_text=found.insert,
        sort_text=f"{at:04}",
    )


def markdown(text: str) -> lsp.MarkupContent:
    """Markdown."""
    return lsp.MarkupContent(lsp.MarkupKind.Markdown, text)


def signature_help(found: Signature) -> lsp.SignatureHelp:
    """The arguments of a step."""
    parameters = [lsp.ParameterInformation(each.label, markdown(each.about)) for each in found.parameters]
    return lsp.SignatureHelp([lsp.SignatureInformation(found.label, markdown(found.about), parameters)], 0, found.active)


def document_symbol(found: Entry) -> lsp.DocumentSymbol:
    """A line of the outline."""
    return lsp.DocumentSymbol(
        found.name,
        _SYMBOLS.get(found.kind, lsp.SymbolKind.Field),
        range_of(found.whole),
        range_of(found.place),
        found.detail,
        children=[document_symbol(each) for each in found.below],
    )


def folding_range(found: Fold) -> lsp.FoldingRange:
    """Lines that can be folded."""
    kind = lsp.FoldingRangeKind.Comment if found.kind == "comment" else lsp.FoldingRangeKind.Region
    return lsp.FoldingRange(found.first, found.last, kind=kind)


def semantic_tokens(words: Sequence[Word]) -> lsp.SemanticTokens:
    """Words with a colour, each counted from the one before it."""
    data: list[int] = []
    line = column = 0
    for (at, start), length, kind in words:
        data += [at - line, start - (column if at == line else 0), length, KINDS.index(kind), 0]
        line, column = at, start
    return lsp.SemanticTokens(data)
