"""Writes what is generated: docs/layers.md, codes.md, commands.md, ir.schema.json and images, grammars/tmLanguage.json, and the
command output shown in docs/language.md and docs/tutorial.md.

    python docs/make.py            rewrites what is stale
    python docs/make.py --check    writes nothing; exits with 1 when something is stale
"""

from __future__ import annotations

import argparse
import html
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import archspec
from archspec.diagnostics import SpecError, catalogue
from archspec.elaborate.binding import fields
from archspec.ops import STEPS, all_classes
from archspec.ops.base import Op, show
from archspec.targets.figures.layout import renderers
from archspec.types import Map, Tokens, Vector

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "{}.{}".format(*sys.version_info)
RICH = version("rich")
NOTICE = "<!-- Written by docs/make.py from the code; edit the code instead. -->"
Line = list[tuple[str, str]]


# layers.md

_LABELS = ("Shape", "Params", "MACs", "FLOPs", "Source")
_INLINE = re.compile(r"\s*Source: (.*)$", re.DOTALL)
EXAMPLES = {
    "conv": "input 32x32x3\nconv k=5 f=6",
    "dwconv": "input 32x32x16\ndwconv k=3 p=1",
    "deconv": "input 14x14x64\ndeconv k=2 s=2 f=32",
    "pool": "input 28x28x6\npool w=2",
    "avgpool": "input 28x28x6\navgpool w=2 s=2",
    "subsample": "input 28x28x6\nsubsample w=2",
    "adaptpool": "input 13x13x256\nadaptpool 6x6",
    "adaptmaxpool": "input 13x13x256\nadaptmaxpool 6",
    "gap": "input 7x7x512\ngap",
    "bn": "input 32x32x16\nbn",
    "ln": "input 14x14x192\ntokens | ln",
    "gn": "input 32x32x64\ngn 32",
    "instnorm": "input 32x32x16\ninstnorm",
    "lrn": "input 55x55x96\nlrn n=5 k=2.0",
    "leaky": "input 32x32x16\nleaky 0.1",
    "elu": "input 32x32x16\nelu",
    "gelu": "input 32x32x16\ngelu approx=tanh",
    "softmax": "input 10\nsoftmax",
    "logsoftmax": "input 10\nlogsoftmax",
    "prelu": "input 32x32x16\nprelu shared=no",
    "dropout": "input 4096\ndropout 0.5",
    "dropout2d": "input 14x14x64\ndropout2d 0.2",
    "droppath": "input 14x14x64\ndroppath 0.1",
    "flatten": "input 5x5x16\nflatten",
    "pad": "input 28x28x1\npad 2",
    "crop": "input 64x64x512\ncrop 56",
    "upsample": "input 14x14x64\nupsample 2 mode=bilinear",
    "pixelshuffle": "input 14x14x64\npixelshuffle 2",
    "patchmerge": "input 56x56x96\npatchmerge 2",
    "shuffle": "input 28x28x240\nshuffle 3",
    "slice": "input 28x28x116\nslice 0:58",
    "fc": "input 5x5x16\nfc 120",
    "linear": "input 14x14x192\ntokens | linear 768",
    "rbf": "input 84\nrbf 10",
    "embed": "input 128\nembed 30000 512",
    "scale": "input 14x14x192\nscale 0.00001",
    "tokens": "input 14x14x192\ntokens",
    "cls": "input 14x14x192\ntokens | cls",
    "pos": "input 14x14x192\ntokens | cls | pos",
    "first": "input 14x14x192\ntokens | cls | first",
    "attn": "input 14x14x192\ntokens | attn heads=3",
    "winattn": "input 56x56x96\nwinattn heads=3 w=7 shift=3",
    "add": "input 28x28x64\nadd:\n  conv k=3 f=64 p=1\n  skip",
    "concat": "input 28x28x192\nconcat:\n  conv k=1 f=64\n  pool w=3 s=1 p=1",
    "mul": "input 28x28x64\nmul:\n  skip\n  gap | fc 64 | sigmoid",
}
"""A small spec for each layer; elementwise activations without arguments share one."""


def about(op: type[Op]) -> tuple[str, dict[str, str]]:
    """What a layer does, and the labelled lines of its docstring; those it lacks are its base class's."""
    text, found = _sections(op.__doc__ or "")
    for base in op.__mro__[1:]:
        if base is not Op and issubclass(base, Op) and base.__doc__:
            for label, value in _sections(base.__doc__)[1].items():
                found.setdefault(label, value)
    if op.cost_note:
        found["FLOPs"] = op.cost_note
    elif "MACs" in found:
        found["FLOPs"] = "2 a MAC"
    elif not op.elementary:
        found.setdefault("FLOPs", "none")
    if op.step == "prelu":
        found["Params"] = "weight (1), or (C) with shared=no"
    found["Source"] = found.get("Source", "").removesuffix(".")
    if "function of the same name" in found["Source"]:
        found["Source"] = ""
    return text, found


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    lines = [line.strip() for line in doc.strip().splitlines()]
    text: list[str] = []
    found: dict[str, str] = {}
    for line in lines:
        label = next((label for label in _LABELS if line.startswith(label + ":")), None)
        if label:
            found[label] = re.sub(r" {2,}", " ", line[len(label) + 1 :].strip())
        elif not found:
            text.append(line)
    told = " ".join(text).strip()
    inline = _INLINE.search(told)
    if inline:
        found["Source"] = inline[1].removesuffix(".")
        told = told[: inline.start()]
    return told, found


def arguments(op: type[Op]) -> Iterator[tuple[str, str, str]]:
    """Each argument as written, its default, and what it may be."""
    known = fields(op.step)
    infos = op.model_fields
    for name in sorted(infos, key=lambda name: (name not in op.bare, not infos[name].is_required())):
        default = "required" if infos[name].is_required() else show(infos[name].default)
        told = known[name].description or "a number"
        if infos[name].default is None:
            default = "w" if name == "s" else "every map"
        yield name, default, told


def signature(op: type[Op]) -> str:
    """`conv k= f= s=1 ...`: bare arguments in capitals."""
    parts = []
    for name, default, _ in arguments(op):
        value = "" if default == "required" else f"={default}" if default != "every map" else "="
        bare = name in op.bare and not op.keyed
        parts.append(f"{name.upper()}{f' ({value[1:]})' if value else ''}" if bare else f"{name}{value or '='}")
    return " ".join(parts)


def layers() -> str:
    families: dict[str, list[type[Op]]] = {}
    for op in all_classes():
        families.setdefault(STEPS[op.step], []).append(op)
    out = [
        "# Layers",
        "",
        NOTICE,
        "",
        "Shapes are channels last. `S` stands for the spatial sizes (one, two or three of them), `S'` for those of the output, `C` for",
        "channels, `T` for tokens. An argument in capitals is written bare (`fc 120`), the others as `key=value`; what stands behind `=`",
        "or in parentheses is the default. Parameters are learned numbers; FLOPs of layers without MACs are counted for one output",
        "element. [The language reference](language.md) explains sizes, padding and rounding.",
        "",
    ]
    for family, ops in families.items():
        title = (import_module(f"archspec.ops.{family}").__doc__ or family).strip().splitlines()[0].rstrip(".")
        out += [f"## {title.partition(':')[0]}", ""]
        out += ["| step | arguments | output | parameters | FLOPs | source |", "|---|---|---|---|---|---|"]
        for op in ops:
            _, told = about(op)
            args = signature(op)
            cells = [
                f"[`{op.step}`](#{op.step})",
                f"`{args}`" if args else "",
                told["Shape"],
                told["Params"],
                told["FLOPs"],
                told["Source"],
            ]
            out.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        out.append("")
        for op in ops:
            out += [*_layer(op), ""]
    return "\n".join(out)


def _layer(op: type[Op]) -> Iterator[str]:
    text, told = about(op)
    kinds = {Map: "a map", Tokens: "tokens", Vector: "a vector"}
    yield f"### {op.step}"
    yield ""
    yield _prose(text)
    yield ""
    known = list(arguments(op))
    if known:
        yield "| argument | default | value |"
        yield "|---|---|---|"
        for name, default, value in known:
            bare = "; may be written bare" if name in op.bare else ""
            yield f"| `{name}` | {_cell(default if default in ('required', 'every map') else f'`{default}`')} | {_cell(value + bare)} |"
        yield ""
    takes = ", ".join(kinds[kind] for kind in op.takes)
    yield f"- Takes: {'two or more values' if op.many else 'any value' if len(op.takes) == 3 else takes.replace(', ', ' or ')}"
    for label, name in zip(_LABELS, ("Output", "Parameters", "MACs", "FLOPs", "Source"), strict=True):
        if told.get(label):
            yield f"- {name}: {_prose(told[label])}"
    yield ""
    spec = EXAMPLES.get(op.step, f"input 32x32x16\n{op.step}") + "\n"
    totals = archspec.analyze(network := archspec.loads(spec)).totals
    shape = network.graph.output
    yield "```arch"
    yield spec.rstrip()
    yield "```"
    yield ""
    counts = [f"{totals.params:,} parameters"]
    counts += [f"{value:,} {name}" for name, value in (("buffers", totals.buffers), ("frozen weights", totals.frozen)) if value]
    counts += [f"{totals.macs:,} MACs"] if totals.macs else []
    yield f"gives {shape}; in all {', '.join(counts)}, {totals.flops:,} FLOPs."


def _prose(text: str) -> str:
    """Text of a docstring as Markdown: stars and underscores stand for themselves."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_|<])", r"\\\1", part) for part in parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|") if "`" in text else _prose(text)


# codes.md

_GROUPS = {"A0": "Syntax", "A1": "Names and params", "A2": "Sizes", "A3": "Merges", "A4": "Lints", "A5": "Emitting and importing"}
_FENCE = re.compile(r"^```arch ([^\n]+)$", re.MULTILINE)


def codes() -> str:
    out = [
        "# Diagnostic codes",
        "",
        NOTICE,
        "",
        "Each message has a code. Errors (A0 to A3, A5) end a command with status 1. Lints (A4) are warnings, or notes, which",
        "`archspec check --notes` shows. `archspec rule A203` prints a page in the terminal. A code is never reused.",
        "",
        "| code | level | |",
        "|---|---|---|",
    ]
    pages = [catalogue.page(code) for code in catalogue.codes()]
    out += [f"| [{p.code}](#{_slug(f'{p.code}: {p.title}')}) | {p.severity} | {_cell(p.title)} |" for p in pages]
    group = ""
    for page in pages:
        if page.code[:2] != group:
            group = page.code[:2]
            out += ["", f"## {_GROUPS[group]}"]
        out += ["", f"### {page.code}: {page.title}", "", _FENCE.sub(_example, page.text).strip()]
    return "\n".join(out) + "\n"


def _example(fence: re.Match[str]) -> str:
    words = dict(word.partition("=")[::2] for word in fence[1].split())
    told = "Wrong" if "wrong" in words else "Right" if "right" in words else f"With the file `{words.get('file', '')}`"
    if "set" in words:
        told += f", with `--set {words['set']}`"
    if "limit" in words:
        name, _, value = words["limit"].partition("=")
        told += f", where {name.replace('_', ' ')} is {value}"
    if "escape" in words:
        told += " (escapes such as `\\t` stand for the character)"
    return f"{told}:\n\n```arch"


def _slug(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# commands.md


def commands() -> str:
    from archspec.cli.main import parser

    top = parser()
    subparsers = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    out = [
        "# Commands",
        "",
        NOTICE,
        f"<!-- Python {PYTHON} -->",
        "",
        "`FILE` is a spec, `-` for standard input, or the bare name of a bundled spec. Results go to standard output, messages to",
        "standard error. The exit status is 0 without errors, 1 when the spec has errors, 2 for wrong usage or a file that cannot be",
        "read. Colour is used on a terminal only; `NO_COLOR` and `FORCE_COLOR` are obeyed.",
        "",
    ]
    for name, command in [("", top), *subparsers.choices.items()]:
        command.formatter_class = partial(argparse.HelpFormatter, width=100)  # type: ignore[assignment]
        out += [f"## archspec {name}".rstrip(), "", "```text", command.format_help().rstrip(), "```", ""]
    return "\n".join(out)


# images

_TEMPLATE = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <!-- Written by docs/make.py with rich RICH -->
    <style>
    .{unique_id}-matrix {{
        font-family: "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
        font-variant-ligatures: none;
    }}
    .{unique_id}-title {{
        font-size: 18px;
        font-weight: bold;
        font-family: "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace;
    }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
""".replace("RICH", RICH)


def picture(lines: Sequence[Line], command: str, name: str) -> str:
    """Lines of a terminal as SVG, in the styles of the command line."""
    from rich.console import Console
    from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme
    from rich.text import Text

    from archspec.cli.screen import STYLES

    ansi = [tuple(SVG_EXPORT_THEME.ansi_colors[at]) for at in range(16)]
    theme = TerminalTheme((22, 24, 28), (240, 242, 244), ansi[:8], ansi[8:])  # dim text must stay readable
    width = max(sum(len(piece) for piece, _ in line) for line in lines) + 1
    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False, legacy_windows=False,
        _environ={},
    )  # fmt: skip
    for line in [*lines, []]:
        console.print(Text.assemble(*((piece, STYLES.get(style, style)) for piece, style in line)), no_wrap=True, overflow="ignore")
    svg = console.export_svg(title=command, theme=theme, unique_id=f"archspec-{name}", code_format=_TEMPLATE)
    return "".join(line.rstrip() + "\n" for line in svg.splitlines() if line.strip())


def table_image() -> str:
    from archspec.report import Report
    from archspec.targets.tables.columns import Style
    from archspec.targets.tables.text import text

    lines = list(text(Report(archspec.load("lenet5")), Style(), width=100, unicode=True))
    return picture(lines, "archspec table lenet5", "table")


def explain_image() -> str:
    from archspec.cli.explain import explained
    from archspec.report import Report

    report = Report(archspec.loads("input 32x32x3\nconv k=5 f=6\n", name="conv.arch"))
    known = {row.name: row for row in report.layers}
    return picture([line for row in report.layers for line in explained(row, known, report)], "archspec explain conv.arch", "explain")


def error_image() -> str:
    from archspec.diagnostics.render import full

    try:
        archspec.loads("input 7x7x1\nconv k=3 f=1 s=3\n", name="stride.arch")
    except SpecError as error:
        lines = [line for diagnostic in error.diagnostics for line in full(diagnostic)]
    return picture(lines, "archspec check stride.arch", "error")


# schema, grammar


def schema() -> str:
    from archspec.ir.schema import schema as made

    return json.dumps(made(), indent=2, ensure_ascii=False) + "\n"


def textmate() -> str:
    """The TextMate grammar, with the words of the language in it."""
    from archspec.syntax.layout import HEADS, KEYWORDS

    heads = HEADS | {"repeat", "residual", "shortcut"}
    inner = {"if", "as"}
    operators = {"and", "or", "not"}
    constants = {"yes", "no"}
    lines = KEYWORDS - heads - inner - operators - constants

    def words(found: set[str] | frozenset[str] | dict[str, str]) -> str:
        return "|".join(sorted(found, key=lambda word: (-len(word), word)))

    grammar = {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "archspec",
        "scopeName": "source.arch",
        "fileTypes": ["arch"],
        "patterns": [
            {"include": f"#{name}"}
            for name in (
                "comment",
                "string",
                "declaration",
                "block",
                "label",
                "head",
                "layer",
                "step",
                "key",
                "word",
                "size",
                "number",
                "operator",
            )
        ],
        "repository": {
            "comment": {"name": "comment.line.number-sign.arch", "match": "#.*$"},
            "string": {
                "name": "string.quoted.double.arch",
                "begin": '"',
                "end": '"|$',
                "patterns": [{"name": "constant.character.escape.arch", "match": r'\\[nt"\\]'}],
            },
            "declaration": {"match": rf"(?:^|(?<=:))\s*({words(lines)})\b(?!\s*[:=])", "captures": {"1": {"name": "keyword.control.arch"}}},
            "block": {
                "match": r"^\s*(block)\s+([A-Za-z_][A-Za-z0-9_]*)",
                "captures": {"1": {"name": "keyword.control.arch"}, "2": {"name": "entity.name.function.arch"}},
            },
            "label": {
                "match": rf"(?:^|(?<=:))\s*(?!(?:{words(heads)})\b)([A-Za-z_][A-Za-z0-9_.]*(?:\{{[^}}]*\}}[A-Za-z0-9_]*)*)\s*(?=:(?!\d))",
                "captures": {"1": {"name": "entity.name.label.arch"}},
            },
            "head": {"match": rf"(?:^|(?<=[|:]))\s*({words(heads)})\b(?!\s*=)", "captures": {"1": {"name": "keyword.control.arch"}}},
            "layer": {"match": rf"(?:^|(?<=[|:]))\s*({words(STEPS)}|skip)\b(?!\s*=)", "captures": {"1": {"name": "support.function.arch"}}},
            "step": {
                "match": r"(?:^|(?<=[|:]))\s*([A-Za-z_][A-Za-z0-9_]*)\b(?!\s*[=:{])",
                "captures": {"1": {"name": "entity.name.function.arch"}},
            },
            "key": {
                "match": r"\b([A-Za-z_][A-Za-z0-9_]*)\s*(=)(?!=)",
                "captures": {"1": {"name": "variable.parameter.arch"}, "2": {"name": "keyword.operator.assignment.arch"}},
            },
            "word": {
                "patterns": [
                    {"name": "keyword.control.arch", "match": rf"\b(?:{words(inner)}|train)\b"},
                    {"name": "keyword.operator.logical.arch", "match": rf"\b(?:{words(operators)})\b"},
                    {"name": "constant.language.boolean.arch", "match": rf"\b(?:{words(constants)})\b"},
                    {"name": "constant.language.arch", "match": r"\b(?:same|valid|exact|floor|ceil|nearest|bilinear)\b(?!\()"},
                    {"name": "support.function.builtin.arch", "match": r"\b(?:min|max|ceil|floor|round8)(?=\()"},
                    {"name": "variable.language.arch", "match": r"\bcin\b"},
                ]
            },
            "size": {"name": "constant.numeric.size.arch", "match": r"\b\d+(?:x\d+)+\b"},
            "number": {"name": "constant.numeric.arch", "match": r"(?:\b\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\b"},
            "operator": {"name": "keyword.operator.arch", "match": r"[|:]|->|//|[-+*/%?]|[<>=!]=|[<>]"},
        },
    }
    return json.dumps(grammar, indent=2) + "\n"


# command output in documents

_FILE = re.compile(r"^<!-- file: (\S+) -->\n+```arch[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^(<!-- \$ ([^\n]+) -->\n+```\w+\n)(?:.*?)(^```)$", re.MULTILINE | re.DOTALL)
_RENDERED = re.compile(r"^(<!-- \$\$ ([^\n]+) -->\n+)(?:.*?)(^<!-- end -->)$", re.MULTILINE | re.DOTALL)


def shown(name: str) -> str:
    """A document with the output of its commands brought up to date.

    A fence after `<!-- $ COMMAND -->` holds what the command prints, standard error included. It runs in a folder with the files
    that `<!-- file: NAME -->` names before their fences. `$ python` runs the Python fence above. What a command prints as Markdown
    stands without a fence between `<!-- $$ COMMAND -->` and `<!-- end -->`.
    """
    text = (ROOT / name).read_text(encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHONPATH")}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}

    with tempfile.TemporaryDirectory() as folder:
        for file in _FILE.finditer(text):
            (Path(folder) / file[1]).write_text(file[2], encoding="utf-8")

        def run(match: re.Match[str]) -> str:
            words = shlex.split(match[2])
            given = ""
            if words == ["python"]:
                given = [program[1] for program in _PROGRAM.finditer(text, 0, match.start())][-1]
                words = [sys.executable, "-"]
            elif words[0] == "archspec":
                words = [sys.executable, "-m", "archspec", *words[1:]]
            done = subprocess.run(
                words,
                input=given,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                check=False,
            )
            return f"{match[1]}{done.stdout.rstrip()}\n{match[3]}"

        return _RENDERED.sub(run, _SHOWN.sub(run, text))


# pictures


def drawing(name: str, as_: str, level: str = "auto") -> str:
    return archspec.draw(archspec.load(name), as_, level)


def bubbles() -> str:
    """The bundled specs that cite an accuracy."""
    found = [archspec.load(path) for path in sorted((ROOT / "specs").glob("*.arch"))]
    return archspec.compare([network for network in found if "top1" in network.meta]).draw()


# support.md


def support() -> str:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import support as matrix
    finally:
        sys.path.pop(0)
    return "\n".join(["# Which target has which layer", "", NOTICE, "", *matrix.page()]) + "\n"


# the whole

OUTPUTS: dict[str, Callable[[], str]] = {
    "docs/layers.md": layers,
    "docs/codes.md": codes,
    "docs/commands.md": commands,
    "docs/support.md": support,
    "docs/ir.schema.json": schema,
    "docs/images/table_lenet5.svg": table_image,
    "docs/images/explain.svg": explain_image,
    "docs/images/error.svg": error_image,
    "docs/images/lenet5_volumes.svg": partial(drawing, "lenet5", "volumes"),
    "docs/images/vgg16_bars.svg": partial(drawing, "vgg16", "bars"),
    "docs/images/resnet152_stage.svg": partial(drawing, "resnet152", "blocks", "stage"),
    "docs/images/bubbles.svg": bubbles,
    "docs/language.md": partial(shown, "docs/language.md"),
    "docs/tutorial.md": partial(shown, "docs/tutorial.md"),
    "docs/pytorch.md": partial(shown, "docs/pytorch.md"),
    "docs/compare.md": partial(shown, "docs/compare.md"),
    "README.md": partial(shown, "README.md"),
    "grammars/tmLanguage.json": textmate,
}


OF_GRAPHVIZ = {"docs/images/resnet152_stage.svg"}
"""Where there is no Graphviz these cannot be made again, and are taken for fresh."""


def stale(name: str) -> bool:
    """Whether a generated file differs from what would be made now.

    argparse and rich lay the same text out differently in other versions; written by such a version, a file is compared by its words.
    """
    path = ROOT / name
    if not path.exists():
        return True
    if name in OF_GRAPHVIZ and not renderers():
        return False
    old, new = path.read_text(encoding="utf-8"), OUTPUTS[name]()
    if old == new:
        return False
    made_with = re.search(r"<!-- (?:Python|Written by docs/make.py with rich) (\S+) -->", old)
    if made_with is None or made_with[1] == (PYTHON if name.endswith(".md") else RICH):
        return True
    return _words(old) != _words(new)


def _words(text: str) -> set[str]:
    text = re.sub(r"<style>.*?</style>|<!--.*?-->|<[^>]*>", " ", text, flags=re.DOTALL)
    return set(re.findall(r"[\w-]+", html.unescape(text)))


def main() -> int:
    parser = argparse.ArgumentParser(description="Rewrite the generated documents.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a document is stale")
    check = parser.parse_args().check
    found = [name for name in OUTPUTS if stale(name)]
    for name in found:
        print(f"{name}: {'stale' if check else 'written'}")
        if not check:
            path = ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(OUTPUTS[name](), encoding="utf-8", newline="\n")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
