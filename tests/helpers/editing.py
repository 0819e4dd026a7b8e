"""Asks a document everything that an editor may ask, at some places of it."""

import time
from contextlib import suppress

from archspec.editor import appearance, completions, findings, hints, hovers, named, renaming
from archspec.editor.open_text import Document
from archspec.editor.positions import Position

OUTSIDE = (Position(-1, 0), Position(0, -5), Position(0, 10**9), Position(10**9, 3), Position(2**31, 2**31))
_OF_TEXTS = {
    "findings": findings.findings, "hints": hints.hints, "lenses": hints.lenses, "outline": named.outline, "words": appearance.words,
    "folds": appearance.folds, "links": appearance.links, "formatted": appearance.formatted, "all_fixed": findings.all_fixed,
}  # fmt: skip


def _renamed(document, place):
    with suppress(renaming.Refusal):
        return renaming.rename(document, place, "other")


_OF_PLACES = {
    "hover": hovers.hover, "help_at": hovers.help_at, "completions": completions.completions, "definition": named.definition,
    "references": named.references, "renamable": renaming.renamable, "rename": _renamed,
    "actions": lambda document, place: findings.actions(document, place, place),
}  # fmt: skip


def services():
    """The names of all services, in the order in which they are asked."""
    return (*_OF_TEXTS, *_OF_PLACES)


def ask_everything(text, folder, places=(), spent=None):
    """The answers that depend on no place, then those of each place, except all fixes where there is none.

    The seconds of CPU time of each service go into `spent`. Raises whatever a service raises, except a refusal to rename.
    """
    document = Document("case.arch", text, folder)
    asked = [(name, ask, ()) for name, ask in _OF_TEXTS.items() if places or name != "all_fixed"]
    asked += [(name, ask, (place,)) for place in places for name, ask in _OF_PLACES.items()]
    answers = []
    for name, ask, where in asked:
        began = time.process_time()
        answers.append(ask(document, *where))
        if spent is not None:
            spent[name] = max(spent.get(name, 0.0), time.process_time() - began)
    return answers


def last_place(text):
    """The place behind a text, where it is being written."""
    line = text.rpartition("\n")[2]
    return Position(text.count("\n"), len(line.encode("utf-16-le", "surrogatepass")) // 2)
