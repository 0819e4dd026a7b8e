"""The reference of the layers, from their classes: what each does, its arguments, its formulas, an example."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from archspec.ops import all_classes
from archspec.ops.base import Op, show
from archspec.types import Map, Tokens, Vector

LABELS = ("Shape", "Params", "MACs", "FLOPs", "Source")
_LABELLED = re.compile(rf"^ *({'|'.join(LABELS)}):(.*)$", re.MULTILINE)
_EXAMPLES = {
    "32x32x3\n": ["conv k=5 f=6"],
    "32x32x16\n": ["dwconv k=3 p=1", "leaky 0.1", "gelu approx=tanh", "prelu shared=no"],
    "14x14x64\n": ["deconv k=2 s=2 f=32", "dropout2d 0.2", "droppath 0.1", "upsample 2 mode=bilinear", "pixelshuffle 2", "glu", "maxout 2"],
    "14x14x64\nx: skip\npool 2 | ": ["unpool x w=2"],
    "6x6x8\n": ["squash"],
    "28x28x6\n": ["pool w=2", "avgpool w=2 s=2", "subsample w=2"],
    "13x13x256\n": ["adaptpool 6x6", "adaptmaxpool 6"],
    "7x7x512\n": ["gap", "gmp", "mean axis=c", "max axis=c"],
    "32x32x64\n": ["gn 32", "evonorm 32"],
    "55x55x96\n": ["lrn n=5 k=2.0"],
    "10\n": ["softmax", "logsoftmax"],
    "4096\n": ["dropout 0.5"],
    "5x5x16\n": ["flatten", "fc 120"],
    "28x28x1\n": ["pad 2"],
    "64x64x512\n": ["crop 56"],
    "56x56x96\n": ["patchmerge 2", "winattn heads=3 w=7 shift=3"],
    "28x28x240\n": ["shuffle 3"],
    "28x28x116\n": ["slice 0:58"],
    "84\n": ["rbf 10"],
    "128\n": ["embed 30000 512"],
    "14x14x192\ntokens\nx: skip\nswap | ": ["matmul x"],
    "56x56x96\na: conv k=1 f=96\n": ['custom "aten.roll" a out=56x56x96 weight=2x3 macs=0'],
    "100\nfc 16384 | ": ["reshape 4x4x1024"],
    "100x128\n": ["rnn 64", "gru 64", "lstm 64 dirs=2 out=last"],
    "14x14x192\n": ['rearrange "h w (g c) -> h w (c g)" g=4', "tokens", "scale 0.00001"],
    "14x14x192\ntokens | linear 576\n": ["attend heads=3"],
    "14x14x192\ntokens | ": ["ln", "rmsnorm", "linear 768", "cls", "attn heads=3", "buckets heads=3", "swap", "map 14x14", "token -1"],
    "14x14x192\ntokens | cls | ": ["pos", "first"],
    "28x28x64\n": ["add:\n  conv k=3 f=64 p=1\n  skip", "mul:\n  skip\n  gap | fc 64 | sigmoid", "sub:\n  skip\n  avgpool w=3 s=1 p=1"],
    "14x14x384\ngamma: ": ["tensor 1x1x384 init=0.000001\nmul gamma"],
    "28x28x192\n": ["concat:\n  conv k=1 f=64\n  pool w=3 s=1 p=1"],
}
"""Small specs by what comes before the layer that each is about; layers that need no arguments and no such input share one."""


def about(op: type[Op]) -> tuple[str, dict[str, str]]:
    """What a layer does, and the labelled lines of its docstring; those it lacks are its base class's, or follow from the class."""
    docs = [_sections(base.__doc__ or "") for base in op.__mro__ if issubclass(base, Op) and base is not Op]
    found = {label: value for _, labelled in reversed(docs) for label, value in labelled.items()}
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
    return docs[0][0], found


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    found = {label: " ".join(value.split()) for label, value in _LABELLED.findall(doc)}
    text, inline, source = " ".join(_LABELLED.split(doc)[0].split()).partition(" Source: ")
    return text, found | ({"Source": source} if inline else {})


_UNSAID = {
    "s": "`w`",
    "init": "PyTorch's",
    "std": "by `init`",
    "eps": "that of single precision, 2^-23",
    "maps": "all maps",
    "sizes": "what the axis leaves",
    "size": "by `to`",
    "n": "by `to`",
    "to": "by `size`",
    "kvheads": "`heads`",
    "rope": "none",
    "pair": "half of those that `rope` turns",
    "f": "channels of the input",
    "rel": "none",
    "grid": "all positions",
    "scale": "1/sqrt(d)",
    "proj": "as torch.nn.MultiheadAttention",
    "attention d": "channels / heads",
    "attention w": "all positions",
    **dict.fromkeys("dhw", "that of `p`"),
    "number": "values",
    "stored": "as PyTorch lays it out",
    "out": "shape of the input",
    "macs": "not known",
    "flops": "2 per MAC",
    "tensors": "none",
    "places": "none",
}
"""What an argument is where nothing is written and no one value would say it."""


def arguments(op: type[Op]) -> Iterator[tuple[str, str, str]]:
    """Each argument as written, its default, and what it may be."""
    for name, field in sorted(op.fields.items(), key=lambda item: (item[0] not in op.positional, not item[1].required)):
        default = (
            "required"
            if field.required
            else (_UNSAID.get(f"{op.kind} {name}") or _UNSAID[name])
            if field.default in (None, ())
            else f"`{show(field.default)}`"
        )
        yield "NAME" if name == op.keyed else "..." if name == op.rest else name, default, field.description


def signature(op: type[Op]) -> str:
    """`conv k= f= s=1 ...`: positional arguments in capitals."""
    parts = []
    for name, default, _ in arguments(op):
        value = f"={default.strip('`')}" if default.startswith("`") else ""
        bare = name in op.positional and not op.shown_as_keyword
        if name == "...":
            parts.append(name)
            continue
        parts.append(f"{name.upper()}{f' ({value[1:]})' if value else ''}" if bare else f"{name}{value or '='}")
    return " ".join(parts)


def families() -> dict[str, list[type[Op]]]:
    """Title of a family to its layers, in the order of the reference."""
    found: dict[str, list[type[Op]]] = {}
    for op in all_classes():
        first = (sys.modules[op.__module__].__doc__ or op.__module__).strip().splitlines()[0]
        found.setdefault(first.rstrip(".").partition(":")[0], []).append(op)
    return found


def takes(op: type[Op]) -> str:
    """The kinds of value that a layer takes, in words."""
    if op.variadic:
        return "two or more values" + (", or one and a number" if "number" in op.fields else "")
    if op.origin:
        return "nothing"
    kinds = {Map: "a map", Tokens: "tokens", Vector: "a vector"}
    return "any value" if len(op.takes) == 3 else " or ".join(kinds[kind] for kind in op.takes)


def example(step: str) -> str:
    """A small spec with the layer."""
    found = (before + text for before, texts in _EXAMPLES.items() for text in texts if re.split(r"\W", text)[0] == step)
    return "input " + next(found, "32x32x16\n" + step) + "\n"
