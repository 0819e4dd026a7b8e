"""The reference of the layers, from their classes: what each does, its arguments, its formulas, an example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

from archspec.ops import STEPS, all_classes
from archspec.ops.base import Op, show
from archspec.types import Map, Tokens, Vector

LABELS = ("Shape", "Params", "MACs", "FLOPs", "Source")
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
    """What a layer does, and the labelled lines of its docstring; those it lacks are its base class's, or follow from the class."""
    text, found = _sections(op.__doc__ or "")
    for base in op.__mro__[1:]:
        if base is not Op and issubclass(base, Op) and base.__doc__:
            for label, value in _sections(base.__doc__)[1].items():
                found.setdefault(label, value)
    if op.output is Op.output:
        found.setdefault("Shape", "unchanged")
    if op.weights is Op.weights:
        found.setdefault("Params", "none")
    if op.cost_note:
        found["FLOPs"] = op.cost_note
    elif "MACs" in found:
        found["FLOPs"] = "2 per MAC"
    elif not op.elementary:
        found.setdefault("FLOPs", "none")
    found["Source"] = found.get("Source", "").removesuffix(".")
    if "function of the same name" in found["Source"]:
        found["Source"] = ""
    return text, found


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    lines = [line.strip() for line in doc.strip().splitlines()]
    text: list[str] = []
    found: dict[str, str] = {}
    for line in lines:
        label = next((label for label in LABELS if line.startswith(label + ":")), None)
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


_UNSAID = {"s": "`w`", "init": "PyTorch's", "std": "by `init`", "maps": "all maps"}
"""What an argument is where nothing is written and no one value would say it."""


def arguments(op: type[Op]) -> Iterator[tuple[str, str, str]]:
    """Each argument as written, its default, and what it may be."""
    for name, field in sorted(op.fields.items(), key=lambda item: (item[0] not in op.positional, not item[1].required)):
        default = "required" if field.required else _UNSAID[name] if field.default is None else f"`{show(field.default)}`"
        yield name, default, field.description


def signature(op: type[Op]) -> str:
    """`conv k= f= s=1 ...`: positional arguments in capitals."""
    parts = []
    for name, default, _ in arguments(op):
        value = f"={default.strip('`')}" if default.startswith("`") else ""
        bare = name in op.positional and not op.shown_as_keyword
        parts.append(f"{name.upper()}{f' ({value[1:]})' if value else ''}" if bare else f"{name}{value or '='}")
    return " ".join(parts)


def families() -> dict[str, list[type[Op]]]:
    """Title of a family to its layers, in the order of the reference."""
    found: dict[str, list[type[Op]]] = {}
    for op in all_classes():
        found.setdefault(STEPS[op.step], []).append(op)
    titles = {family: (import_module(f"archspec.ops.{family}").__doc__ or family).strip().splitlines()[0] for family in found}
    return {titles[family].rstrip(".").partition(":")[0]: ops for family, ops in found.items()}


def takes(op: type[Op]) -> str:
    """The kinds of value that a layer takes, in words."""
    if op.variadic:
        return "two or more values"
    kinds = {Map: "a map", Tokens: "tokens", Vector: "a vector"}
    return "any value" if len(op.takes) == 3 else " or ".join(kinds[kind] for kind in op.takes)


def example(step: str) -> str:
    """A small spec with the layer."""
    return EXAMPLES.get(step, f"input 32x32x16\n{step}") + "\n"
