"""Variants of a spec as the command line names them: ranges in place of values."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from archspec.api import compile_source
from archspec.cli import specs
from archspec.cli.arguments import spec as spec_arguments
from archspec.cli.arguments import whole
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import err
from archspec.diagnostics import SpecError
from archspec.elaborate.assumptions import Options
from archspec.symbolic.space import Space, drawn, pieces
from archspec.symbolic.subjects import Spec, plain_sizes, space_of, spec_of, spec_with_mistakes
from archspec.symbolic.sweeps import VARIANTS, Sweep, sweep
from archspec.syntax.to_expr import is_digits

OWN_LIMITS = ("variants", "traces")


class Asked(NamedTuple):
    """A spec, the space of its variants, and which of them are asked for; None means all."""

    spec: Spec
    space: Space
    numbers: Sequence[int] | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what commands over variants take."""
    spec_arguments(parser)
    parser.add_argument(
        "--together", metavar="A=..,B=..", action="append", default=[], help="ranges of params that go together; repeatable"
    )
    parser.add_argument("--random", metavar="N", type=whole, help="only N variants, drawn at random")
    parser.add_argument("--seed", metavar="N", type=whole, default=0, help="what they are drawn with (default: 0)")


def asked(given: argparse.Namespace) -> Asked:
    """The variants of a command line. Raises Failure; SpecError where the spec cannot be read."""
    fixed, ranges = [], {}
    for item in given.set:
        name, equals, text = item.partition("=")
        if not equals or not name.strip().isidentifier():
            raise Failure(f"--set takes name=value or name=range, not `{item}`")
        if any(mark in text for mark in ("{", "..", ":")):
            ranges[name.strip()] = text
        else:
            fixed.append(item)
    sizes = [text for text in given.input if not plain_sizes(text)]
    given.limit, limits = _own_limits(given.limit)
    found = spec(given, fixed, [text for text in given.input if text not in sizes])
    with reading():
        tied = [dict(_named(piece) for piece in pieces(text)) for text in given.together]
        space = space_of(found, ranges, sizes, tied)
        if given.random is not None and given.random < 1:
            raise Failure(f"--random takes a number of variants from 1 on, not {given.random}")
        numbers = drawn(space, given.random, given.seed) if given.random is not None else None
    given.limits = limits
    return Asked(found, space, numbers)


def spec(given: argparse.Namespace, fixed: Sequence[str], shapes: Sequence[str]) -> Spec:
    """The spec of a command, which may have mistakes at its own values. Raises SpecError where it cannot be read."""
    limits = specs.limits(given.limit)
    inputs = specs.shapes(shapes)
    imported = specs.imported(given.file, given.set, inputs)
    if imported is not None:
        specs.tell(imported.diagnostics)
        return spec_of(imported.network)
    text = specs.read(given.file, given.stdin_filename)
    options = Options(params=specs.settings(fixed), inputs=inputs, base=text.base, texts={}, watch=None, **limits)
    found = compile_source(text.text, text.name, options)
    if found.complete and found.network is not None:
        return spec_of(found.network)
    if found.tree is None or found.network is None or any(d.code.startswith("A0") or d.span is None for d in found.diagnostics):
        raise SpecError(found.diagnostics)
    return spec_with_mistakes(found, found.network.name, options)


def swept(given: argparse.Namespace, asked_: Asked) -> Sweep:
    """Count the variants that are asked for. Ctrl-C ends it with those that are done. Raises Failure where they are too many."""
    most = given.limits.get("variants", VARIANTS)
    total = asked_.space.size if asked_.numbers is None else len(asked_.numbers)
    if total > most:
        more = "a larger step, `--random N`" if asked_.numbers is None else "fewer of them"
        raise Failure(f"these are {total:,} variants, more than {most:,}; use {more}, or raise it with `--limit variants={total}`")
    with reading():
        found = sweep(
            asked_.spec.subject, asked_.space, asked_.numbers, tick=_progress(total), most=most, most_traces=given.limits.get("traces")
        )
    if found.done < total:
        err().message(f"archspec: interrupted after {found.done:,} of {total:,} variants; these are those that are done")
    return found


def _progress(total: int) -> Callable[[int], None] | None:
    """What shows on a terminal how many variants are done."""
    screen = err()
    if not screen.terminal or total < 20_000:
        return None

    def tick(done: int) -> None:
        screen.write(f"\r{done:,} of {total:,} variants\x1b[K" if done < total else "\r\x1b[K")
        screen.stream.flush()

    return tick


def _named(text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not equals:
        raise Failure(f"--together takes A=..,B=.., not `{text}`")
    return name.strip(), values


def _own_limits(written: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """The limits of specs, and those of spaces."""
    left, own = [], {}
    for item in written:
        name, _, value = item.partition("=")
        if name in OWN_LIMITS:
            if not is_digits(value) or len(value) > 18:
                raise Failure(f"--limit takes NAME=N, not `{item}`")
            own[name] = int(value)
        else:
            left.append(item)
    return left, own
