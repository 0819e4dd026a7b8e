"""The parser of a command's arguments: short usage, examples in the help, and messages of what was expected and found."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn

Example = tuple[str, str]
"""A command line without `archspec`, and what it does."""
_WIDEST = 100
"""The most columns that the help uses."""


class Parser(argparse.ArgumentParser):
    """The parser of one command. `width` is that of its help, if it is not that of the terminal."""

    width: int | None = None

    def __init__(self, name: str, about: str = "", examples: Sequence[Example] = ()) -> None:
        # argparse makes a formatter per argument, each of which would ask for the terminal's width.
        formatter = partial(argparse.HelpFormatter, width=80)
        super().__init__(prog=f"archspec {name}", description=f"{about[:1].upper()}{about[1:]}.", formatter_class=formatter)
        self._positionals.title = "arguments"
        self.examples = examples

    def format_usage(self) -> str:
        """Write `usage: archspec draw FILE [options]`, with all positional arguments: `[X]` may be left out, `X...` given several times."""
        forms = {"?": "[{}]", "+": "{}...", "*": "[{}...]"}
        expected = self._positionals._group_actions
        words = [forms.get(str(each.nargs), "{}").format(str(each.metavar or each.dest).upper()) for each in expected]
        return "\n".join(_wrapped(" ".join(["usage:", self.prog, *words, "[options]"]), self.width or columns(), "       ")) + "\n"

    def format_help(self) -> str:
        """Write the usage, the description, the arguments in their groups and the examples, at most `width` columns wide."""
        width = self.width or columns()
        formatter = argparse.HelpFormatter(self.prog, width=width)
        formatter.add_text(self.description)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        examples = "".join(f"{line}\n" for line in _shown(self.examples, width))
        return self.format_usage() + "\n" + formatter.format_help() + (f"\nexamples:\n{examples}" if examples else "")

    def parse_args(self, args: Sequence[str], namespace: Any = None) -> Any:  # type: ignore[override]
        """Read the words behind the command. A mistyped option is reported before anything that is missing, and a word too many by itself.

        Raises SystemExit (2), after the message.
        """
        self._refuse_unknown([*args])
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            self.error(f"expected nothing more, found `{rest[0]}`")
        return found

    def _refuse_unknown(self, words: list[str]) -> None:
        """Report a mistyped option before a missing argument, since the word after it may be that argument."""
        options = words[: words.index("--")] if "--" in words else words
        for word in options:
            name = word.partition("=")[0]
            known = self._option_string_actions
            if name.startswith("--") and not any(option.startswith(name) for option in known):
                self.error(f"there is no option `{name}`{proposal(name, [option for option in known if option.startswith('--')])}")
            if not name.startswith("--") and name[:1] == "-" and name[1:2].isalpha() and name[:2] not in known:
                self.error(f"there is no option `{name}`{proposal('-' + name, known)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(action, f"expected {listed(choices)}, found `{value}`{proposal(str(value), choices)}")

    def error(self, message: str) -> NoReturn:
        """Print what was expected and found, the usage, and where help is, to standard error. Raises SystemExit (2)."""
        from archspec.cli.screen import err
        from archspec.diagnostics.visible import visible

        missing = message.removeprefix("the following arguments are required: ")
        told = f"expected {missing}, found nothing" if missing != message else message.removeprefix("argument ")
        screen = err()
        screen.message(f"archspec: {visible(told)}")
        screen.line(self.format_usage().rstrip())
        screen.line(f"`{self.prog} --help` shows the options and examples")
        raise SystemExit(2)


def _shown(examples: Sequence[Example], width: int) -> Iterator[str]:
    """List the examples, each with what it does beside it, or above it if there is no room."""
    from textwrap import wrap

    room = max((len(command) for command, _ in examples), default=0)
    beside = all(room + len(about) + 15 <= width for _, about in examples)
    for command, about in examples:
        if beside:
            yield f"  archspec {command:<{room}}  # {about}"
            continue
        yield from wrap(f"# {about}", width - 4, initial_indent="  ", subsequent_indent="  # ")
        yield "  " + " \\\n  ".join(_wrapped(f"archspec {command}", width - 4, "    "))


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def columns() -> int:
    """Columns for the help."""
    from archspec.cli.screen import out

    return max(20, min(out().width or 80, _WIDEST) - 1)


def listed(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def proposal(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`; did you mean `x`?` where a known word is near, else `otherwise`."""
    from archspec.diagnostics import nearest

    close = nearest(word, known)
    return f"; did you mean `{close}`?" if close else otherwise


def whole(text: str) -> int:
    """Read a whole number, as the type of an argument."""
    if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"expected a whole number, found `{text}`")
    return int(text)


_UNITS = {"K": 3, "M": 6, "G": 9, "B": 9, "T": 12}


def count(text: str) -> int:
    """Read a count as people write it, as the type of an argument: 25M, 4.1G, 25_000_000, 25,000,000."""
    written = re.fullmatch(r"([0-9]+(?:[_,][0-9]{3})*|[0-9]+)(?:\.([0-9]+))?([KMGBT]?)", text.strip().upper().replace("_", ","))
    if written is not None and len(text) < 40:
        part, power = (written[2] or "").rstrip("0"), _UNITS.get(written[3], 0)
        if len(part) <= power:
            return int(written[1].replace(",", "") + part.ljust(power, "0"))
    raise argparse.ArgumentTypeError(f"expected a whole number such as 25M, 4.1G or 25_000_000, found `{text}`")


FILE = "a spec, `-` for standard input, the name of a bundled spec, or a model that `archspec import` reads"


def spec(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    """Add the arguments of every command that reads a spec."""
    from archspec.elaborate.assumptions import LIMITS

    if many:
        parser.add_argument("files", metavar="FILE", nargs="+", help=f"{FILE}; a folder means all specs below it")
    else:
        parser.add_argument("file", metavar="FILE", help=FILE)
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="override a param; repeatable")
    parser.add_argument(
        "--input", metavar="HxWxC", action="append", default=[], help="override the input's shape; NAME=HxWxC where there are several"
    )
    parser.add_argument("--stdin-filename", metavar="NAME", help="the name of standard input, for messages and for its `use`")
    parser.add_argument("--limit", metavar="NAME=N", action="append", default=[], help=f"raise a limit: {', '.join(LIMITS)}")
