"""`archspec report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import specs
from archspec.cli.arguments import spec
from archspec.cli.failure import Failure
from archspec.cli.screen import out, tell
from archspec.cli.writing import form, writing
from archspec.views.page import page

EXAMPLES = (
    ("report lenet5 -o lenet5.html", "a page that works offline"),
    ("report lenet5 -o quiz.html --quiz spring", "a quiz, and its key"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser, many=True)
    parser.add_argument("-o", "--output", metavar="OUT", help="the .html file to write; standard output without it")
    parser.add_argument(
        "--quiz",
        metavar="SEED",
        help="leave blanks in the tables for students to fill in; the word chooses which; the answers are in OUT.key.html",
    )


def run(arguments: argparse.Namespace) -> int:
    target = Path(arguments.output) if arguments.output else None
    if target is not None:
        form(target, (".html", ".htm"), "a page")
    if arguments.quiz is not None and target is None:
        raise Failure("a quiz has a second file, its key: `-o NAME.html` says where, and the key is NAME.key.html")
    made = page(specs.networks(arguments), arguments.quiz)
    for note in made.notes:
        tell(note)
    if target is None:
        out().data(made.html)
        return 0
    key = {} if made.key is None else {target.with_suffix(f".key{target.suffix}"): made.key}
    files = {target: made.html} | key
    with writing(*files) as opened:
        for file, content in zip(opened, files.values(), strict=True):
            file.write(content.encode("utf-8"))
    return 0
