"""`archspec quiz`."""

from __future__ import annotations

import argparse
from pathlib import Path

from archspec.cli import specs
from archspec.cli.arguments import spec, whole
from archspec.cli.failure import Failure, reading
from archspec.cli.screen import out, tell
from archspec.cli.writing import form, write_whole
from archspec.views.exam import FORMATS, KINDS, exam

EXAMPLES = (
    ("quiz lenet5", "twelve questions as Markdown"),
    ("quiz lenet5 --vary --seed 7 -o exam.html", "with other numbers, as a page that checks answers"),
    ("quiz lenet5 --vary --seed 7 -o key.html --key", "the answers to those, with the arithmetic"),
    ("quiz lenet5 vgg16 --kinds rf,fit --questions 6 -o exam.tex", "about two networks, for LaTeX"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser, many=True)
    parser.add_argument("-o", "--output", metavar="OUT", help=f"the file to write: {', '.join(FORMATS)}; standard output without it")
    parser.add_argument("--questions", metavar="N", type=whole, default=12, help="how many (default 12)")
    parser.add_argument("--kinds", metavar="A,B", default=",".join(KINDS), help=f"what is asked for, by turns (default {','.join(KINDS)})")
    parser.add_argument("--seed", metavar="WORD", default="1", help="chooses the questions; the same word gives the same exam (default 1)")
    parser.add_argument("--vary", action="store_true", help="ask about layers like those of the network, with other numbers that fit")
    parser.add_argument("--format", choices=list(dict.fromkeys(FORMATS.values())), help="the form; by the name of OUT, or md, without it")
    parser.add_argument("--key", action="store_true", help="write the answers with their arithmetic")


def run(arguments: argparse.Namespace) -> int:
    target = Path(arguments.output) if arguments.output else None
    written = arguments.format or (FORMATS[form(target, list(FORMATS), "an exam")] if target is not None else "md")
    if written == "pdf" and target is None:
        raise Failure("a PDF goes to a file: `-o NAME.pdf`")
    kinds = [kind.strip() for kind in arguments.kinds.split(",") if kind.strip()]
    with reading():
        made = exam(specs.networks(arguments), arguments.questions, kinds, arguments.seed, arguments.vary)
    for note in made.notes:
        tell(note)
    content = made.written(written, arguments.key)
    if target is None:
        out().data(content.decode())
    else:
        write_whole(target, content)
    return 0
