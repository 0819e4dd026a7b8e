"""docs/codes.md, commands.md and support.md: messages, the command line, what each target has."""

from __future__ import annotations

import re

from archspec.diagnostics import catalogue
from generate.common import NOTICE, PYTHON, cell

_GROUPS = {
    "A0": "Syntax",
    "A1": "Names and params",
    "A2": "Sizes",
    "A3": "Merges",
    "A4": "Lints",
    "A5": "Emitting and importing",
    "A6": "Budgets, and files of other programs",
}
_FENCE = re.compile(r"^```(arch|cfg) \{([^\n]+)\}$", re.MULTILINE)


def codes() -> str:
    out = [
        "# Diagnostic codes",
        "",
        NOTICE,
        "",
        "Each message has a code. Errors (A0 to A3, A5, A6) end a command with status 1. Lints (A4) and A610 are warnings, or notes, which",
        "`archspec check --notes` shows. `archspec rule A203` prints the page of a code in the terminal. A code is never reused.",
        "",
        "| code | level | |",
        "|---|---|---|",
    ]
    pages = [catalogue.page(code) for code in catalogue.codes()]
    out += [f"| [{p.code}](#{slug(f'{p.code}: {p.title}')}) | {p.severity} | {cell(p.title)} |" for p in pages]
    group = ""
    for page in pages:
        if page.code[:2] != group:
            group = page.code[:2]
            out += ["", f"## {_GROUPS[group]}"]
        out += ["", f"### {page.code}: {page.title}", "", _FENCE.sub(_example, page.text).strip()]
    return "\n".join(out) + "\n"


def _example(fence: re.Match[str]) -> str:
    words = catalogue.fence_attributes(fence[2])
    told = "Wrong" if "wrong" in words else "Right" if "right" in words else f"With the file `{words.get('file', '')}`"
    if "set" in words:
        told += f", with `--set {words['set']}`"
    if "limit" in words:
        name, _, value = words["limit"].partition("=")
        told += f", where {name.replace('_', ' ')} is {value}"
    if "budget" in words:
        told += f", with `--{words['budget'].replace('_', '-').replace('=', ' ')}`"
    if "escape" in words:
        told += " (escapes such as `\\t` stand for the character)"
    return f"{told}:\n\n```{fence[1]}"


def slug(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def commands() -> str:
    from archspec.cli.commands import COMMANDS
    from archspec.cli.main import command_parser, top_help

    out = [
        "# Commands",
        "",
        NOTICE,
        f"<!-- Python {PYTHON} -->",
        "",
        "`FILE` is a spec, `-` for standard input, the name of a bundled spec, or, for commands that take several, a folder: all `.arch`",
        "files below it. Results go to standard output, messages to standard error. Text fits the terminal; colour is used on a terminal",
        "only, and `NO_COLOR` and `FORCE_COLOR` are obeyed.",
        "",
        "| exit status | means |",
        "|---|---|",
        "| 0 | no errors; warnings are allowed |",
        "| 1 | the spec has errors (`check --strict`: or warnings), or `fmt --check` would change a file |",
        "| 2 | wrong usage, a file that cannot be read or written, a full disk, a closed stream, a fault of archspec itself |",
        "| 130, 143, 129 | Ctrl-C, SIGTERM, SIGHUP; no half-written file is left |",
        "| 141 | the reader of a pipe went away, as in `archspec table vgg16 \\| head -1`; no message |",
        "",
        "A message that is not about a spec is one line. The message for a fault of archspec itself says so; with the environment variable",
        "`ARCHSPEC_TRACEBACK=1` it has a traceback, to be included in a bug report.",
        "",
        "Every format except the text for a terminal is UTF-8 in every locale, and so is standard input. If the encoding of a terminal lacks",
        "a character, a plainer one is printed.",
        "",
        "```text",
        top_help().rstrip(),
        "```",
        "",
    ]
    for name in COMMANDS:
        command = command_parser(name)
        command.width = 100
        out += [f"## archspec {name}", "", "```text", command.format_help().rstrip(), "```", ""]
    return "\n".join(out)


def support() -> str:
    import support as matrix

    return "\n".join(["# Which target has which layer", "", NOTICE, "", *matrix.page()]) + "\n"
