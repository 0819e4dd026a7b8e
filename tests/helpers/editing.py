"""Asks a document everything that an editor may ask, at some places of it."""

from contextlib import suppress

from archspec.editor import appearance, completions, findings, hints, hovers, named
from archspec.editor.open_text import Document
from archspec.editor.positions import Position

OUTSIDE = (Position(-1, 0), Position(0, -5), Position(0, 10**9), Position(10**9, 3), Position(2**31, 2**31))


def ask_everything(text, folder, places=()):
    """The answers that depend on no place, then those of each place. Raises whatever a service raises, except a refusal to rename."""
    document = Document("case.arch", text, folder)
    answers = [
        findings.findings(document), hints.hints(document), hints.lenses(document), named.outline(document), appearance.words(document),
        appearance.folds(document), appearance.links(document), appearance.formatted(document),
    ]  # fmt: skip
    for place in places:
        answers += [
            hovers.hover(document, place), hovers.help_at(document, place), completions.completions(document, place),
            named.definition(document, place), named.references(document, place), named.renamable(document, place),
            findings.actions(document, place, place),
        ]  # fmt: skip
        with suppress(named.Refusal):
            answers.append(named.rename(document, place, "other"))
    if places:
        answers.append(findings.all_fixed(document))
    return answers


def last_place(text):
    """The place behind a text, where it is being written."""
    line = text.rpartition("\n")[2]
    return Position(text.count("\n"), len(line.encode("utf-16-le", "surrogatepass")) // 2)
