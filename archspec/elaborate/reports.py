"""Findings on their way to the sink, with the trace that leads to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from archspec.diagnostics import Diagnostic, Diagnostics, Frame
from archspec.diagnostics.fix import Fix, argued
from archspec.elaborate.expressions import Refused, Silent
from archspec.ops.base import Misfit
from archspec.source import Span

_ROUNDING = re.compile(r"^default +round=\w+", re.MULTILINE)
_ENDS = 2
"""Levels that are shown from either end of a long trace."""


class Level(NamedTuple):
    """A level of the expansion: a call of a block as written, `where` being its full name; or, where `call` is empty, a round, such as
    `round 2 of 4`.
    """

    span: Span
    call: str
    where: str


class Reports:
    """What reports mistakes to a sink."""

    def __init__(self, sink: Diagnostics) -> None:
        self.sink = sink
        self.trace: list[Level] = []
        self.misfits: dict[tuple[str, Span], Misfit] = {}
        """Sizes that did not fit, as they were met; other inputs may mend them."""

    def report(self, refused: Refused, *others: tuple[Span, str]) -> None:
        """Report what has no value; `others` are further places that matter."""
        if not isinstance(refused, Silent):
            self._add(refused, refused.span, "", (*refused.others, *others), refused.fixes)

    def reject(
        self, code: str, message: str, span: Span, help_: str | None = None, *others: tuple[Span, str], fixes: Sequence[Fix] = ()
    ) -> None:
        """Report a mistake."""
        self.report(Refused(code, message, span, help_, fixes=fixes), *others)

    def misfit(self, misfit: Misfit, span: Span, *others: tuple[Span, str], fixes: Callable[[], Sequence[Fix]]) -> None:
        """Report an op that cannot be applied; `fixes` makes what mends it."""
        misfit.first = reaching(misfit.first, span)
        if misfit.axis is not None:
            self.misfits.setdefault((misfit.code, span), misfit)
        self._add(misfit, span, misfit.label, others, fixes())

    def warn(
        self,
        code: str,
        message: str,
        span: Span | None,
        help_: str | None = None,
        severity: str = "warning",
        fixes: Sequence[Fix] = (),
    ) -> None:
        """Add a finding that leaves the network whole."""
        self.sink.add(Diagnostic(code, message, span, (), help_, severity=severity, fixes=tuple(fixes)))

    def _add(self, found: Refused | Misfit, span: Span, label: str, others: tuple[tuple[Span, str], ...], fixes: Sequence[Fix]) -> None:
        diagnostic = Diagnostic(found.code, found.message, span, found.notes, found.help, label, others, tuple(_joined(self.trace)))
        diagnostic = diagnostic._replace(fixes=tuple(fixes))
        self.sink.add(diagnostic, next((level.where for level in reversed(self.trace) if not level.call), None))


def reaching(help_: str | None, span: Span) -> str | None:
    """The help that names a default for all layers; where that is written already, too far down for this one, the line to move it above."""
    if "`default round=" not in (help_ or "") or (below := _ROUNDING.search(span.source.text, span.end)) is None:
        return help_
    line = span.source.locate(below.start())[0]
    top = next((number for number in range(span.line, 0, -1) if span.source.line(number)[:1].strip()), 1)
    return f"`{below[0]}` holds for what is written below it: move line {line} above line {top}"


def other_arguments(misfit: Misfit, step: Span, place: Span | None) -> list[Fix]:
    """The fixes that give a step the arguments with which it would fit; `place` is where the wrong one is written."""
    name = step.text.partition(" ")[0]
    if not name.isidentifier():
        return []  # a layer of a pattern, which has no place of its own
    places = [place if way.startswith(f"{misfit.argument}=") else None for way in misfit.settings]
    return [argued(step, way, place=at, safe=misfit.sure) for way, at in zip(misfit.settings, places, strict=True)]


def _joined(levels: Sequence[Level]) -> list[Frame]:
    """The frames of a trace, the innermost first; a round is named with the call made in it."""
    frames: list[Frame] = []
    round_ = ""
    for at, level in enumerate(levels):
        text = f"in {level.where} at line {level.span.line}"
        if level.call:
            place = f" ({level.where})" if level.where else ""
            text = f"in `{level.call}` at line {level.span.line}{round_}{place}"
        round_ = "" if level.call else f", {level.where}"
        if level.call or not any(next_.call for next_ in levels[at + 1 : at + 2]):
            frames.append(Frame(level.span, text))
    frames.reverse()
    if (between := len(frames) - 2 * _ENDS) > 1:  # a block that calls itself without an end
        frames[_ENDS:-_ENDS] = [Frame(frames[_ENDS].span, f"... {between} more calls and rounds between these")]
    return frames
