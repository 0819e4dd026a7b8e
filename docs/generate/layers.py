"""docs/layers.md: the layers, from their classes."""

from __future__ import annotations

from collections.abc import Iterator

import archspec
from archspec.ops.base import Op
from archspec.views.reference import LABELS, about, arguments, example, families, signature, takes
from generate.common import NOTICE, cell, prose


def layers() -> str:
    out = [
        "# Layers",
        "",
        NOTICE,
        "",
        "Shapes are channels last. `S` stands for the spatial sizes (one, two or three of them), `S'` for those of the output, `C` for",
        "channels, `T` for tokens. An argument in capitals is positional (`fc 120`), the others are `key=value`; the value after `=` or in",
        "parentheses is the default. Parameters are learned numbers. FLOPs of layers without MACs are given per output",
        "element. [The language reference](language.md) explains sizes, padding and rounding.",
        "",
    ]
    for title, ops in families().items():
        out += [f"## {title}", ""]
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
            out.append("| " + " | ".join(cell(text) for text in cells) + " |")
        out.append("")
        for op in ops:
            out += [*_layer(op), ""]
    return "\n".join(out)


def _layer(op: type[Op]) -> Iterator[str]:
    text, told = about(op)
    yield f"### {op.step}"
    yield ""
    yield prose(text)
    yield ""
    known = list(arguments(op))
    if known:
        yield "| argument | default | value |"
        yield "|---|---|---|"
        for name, default, value in known:
            bare = "; may be positional" if name in op.positional else ""
            yield f"| `{name}` | {cell(default)} | {cell(value + bare)} |"
        yield ""
    yield f"- Takes: {takes(op)}"
    for label, name in zip(LABELS, ("Output", "Parameters", "MACs", "FLOPs", "Source"), strict=True):
        if told.get(label):
            yield f"- {name}: {prose(told[label])}"
    yield ""
    spec = example(op.step)
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
