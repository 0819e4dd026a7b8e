"""Applies the fixes of messages, each only as far as the text is no worse after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from archspec.diagnostics import Diagnostic
from archspec.diagnostics.fix import Fix, apply
from archspec.elaborate.compiled import Compiled

Compile = Callable[[str], Compiled]
_Bounded = Callable[[str], Compiled | None]
_ROUNDS = 20
"""Times that all fixes are applied, since one may bring another mistake to light."""
_TRIES = 40
"""Fixes of one round that are tried singly, where all together make the text worse."""
_CHARACTERS = 1_000_000
"""Characters of all tries together, so that a long text, which takes seconds to compile, is tried a few times only."""

Choice = tuple[Diagnostic, Fix]
"""A message, and one of its fixes."""


class Mended(NamedTuple):
    """A text, and the fixes that were applied to it, each with the message that it is for."""

    text: str
    fixes: tuple[Choice, ...]


def mended(found: Compiled, compile_: Compile, *, unsafe: bool = False, notes: bool = False) -> Mended:
    """Apply the safe fixes of a text, or the `unsafe` ones too, until none is left that helps; those of `notes` only if they are asked for.

    A safe fix must take its own message away, and leave no more errors, whatever it brings to light; another one must leave fewer errors, or
    as many and fewer warnings. So the text is never worse, and mending it again changes nothing.
    """
    done: list[Choice] = []
    left = _CHARACTERS

    def bounded(text: str) -> Compiled | None:
        nonlocal left
        left -= len(text)
        return compile_(text) if left >= 0 else None

    for _ in range(_ROUNDS):
        safe = [[(each, fix) for fix in each.fixes if fix.safe] for each in _shown(found, notes)]
        others = [[(each, fix) for fix in each.fixes if not fix.safe] for each in _shown(found, notes) if unsafe]
        step = _step(found, bounded, safe) or _step(found, bounded, others)
        if step is None:
            break
        found, applied = step
        done += applied
    return Mended(found.source.text, tuple(done))


def _shown(found: Compiled, notes: bool) -> list[Diagnostic]:
    return [each for each in found.diagnostics if notes or each.severity != "note"]


def _step(found: Compiled, compile_: _Bounded, choices: Sequence[Sequence[Choice]]) -> tuple[Compiled, list[Choice]] | None:
    """Apply the first fix of each message together, or else the first single one that helps; None where none does."""
    own = [[choice for choice in choice_ if _own(found, choice[1])] for choice_ in choices]
    first = [choice_[0] for choice_ in own if choice_]
    if len(first) > 1 and (step := _tried(found, compile_, first)) is not None:
        return step
    single = [choice for choice_ in own for choice in choice_][:_TRIES]
    return next((step for choice in single if (step := _tried(found, compile_, [choice])) is not None), None)


def _own(found: Compiled, fix: Fix) -> bool:
    return bool(fix.edits) and all(edit.span.source is found.source for edit in fix.edits)


def _tried(found: Compiled, compile_: _Bounded, choices: list[Choice]) -> tuple[Compiled, list[Choice]] | None:
    """The text with fixes applied; None where it is not better."""
    text, applied = apply(found.source.text, [fix for _, fix in choices])
    if text == found.source.text:
        return None
    after = compile_(text)
    done = [choice for choice in choices if choice[1] in applied]
    return (after, done) if after is not None and _better(found, after, done) else None


def _better(before: Compiled, after: Compiled, done: list[Choice]) -> bool:
    if all(fix.safe for _, fix in done):
        gone = Counter((each.code, each.message) for each in before.diagnostics) - Counter(
            (each.code, each.message) for each in after.diagnostics
        )
        return all((each.code, each.message) in gone for each, _ in done) and _counts(after)[0] <= _counts(before)[0]
    return _counts(after) < _counts(before)


def _counts(found: Compiled) -> list[int]:
    """The errors, the warnings, the notes."""
    severities = Counter(each.severity for each in found.diagnostics)
    return [severities[kind] for kind in ("error", "warning", "note")]
