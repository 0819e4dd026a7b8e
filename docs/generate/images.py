"""Pictures: what the terminal shows, and what `archspec draw` and `compare` draw."""

from __future__ import annotations

import io
from collections.abc import Sequence

import archspec
from archspec.diagnostics import SpecError
from generate.common import RICH, ROOT

Line = list[tuple[str, str]]

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

    from archspec.cli.screen import style_of

    ansi = [tuple(SVG_EXPORT_THEME.ansi_colors[at]) for at in range(16)]
    theme = TerminalTheme((22, 24, 28), (240, 242, 244), ansi[:8], ansi[8:])  # dim text must stay readable
    width = max(sum(len(piece) for piece, _ in line) for line in lines) + 1
    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False, legacy_windows=False,
        _environ={},
    )  # fmt: skip
    for line in [*lines, []]:
        console.print(Text.assemble(*((piece, style_of(style)) for piece, style in line)), no_wrap=True, overflow="ignore")
    svg = console.export_svg(title=command, theme=theme, unique_id=f"archspec-{name}", code_format=_TEMPLATE)
    return "".join(line.rstrip() + "\n" for line in svg.splitlines() if line.strip())


def table_image() -> str:
    from archspec.analysis.layers import Report
    from archspec.views.tables.columns import Style
    from archspec.views.tables.terminal import text

    lines = list(text(Report(archspec.load("lenet5")), Style(), width=100, unicode=True))
    return picture(lines, "archspec table lenet5", "table")


def explain_image() -> str:
    found = archspec.explain(archspec.loads("input 32x32x3\nconv k=5 f=6\n", name="conv.arch"))
    return picture([line for layer in found for line in layer.lines()], "archspec explain conv.arch", "explain")


def error_image() -> str:
    from archspec.diagnostics.render import full

    try:
        archspec.loads("input 7x7x1\nconv k=3 f=1 s=3\n", name="stride.arch")
    except SpecError as error:
        lines = [line for diagnostic in error.diagnostics for line in full(diagnostic)]
    return picture(lines, "archspec check stride.arch", "error")


def drawing(name: str, as_: str, level: str = "auto", style: str = "sheets") -> str:
    return archspec.draw(archspec.load(name), as_, level, style=style)


def bubbles() -> str:
    """The bundled specs that cite an accuracy."""
    found = [archspec.load(path) for path in sorted((ROOT / "specs").glob("*.arch"))]
    return archspec.compare([network for network in found if "top1" in network.meta]).draw()
