"""Layers by the names that other tools, papers and lectures have for them: one table.

A row says `NAMES | PARAMETERS | STEPS`. The parameters have their order there: `kernel_size>k` is our argument `k`,
`filters>conv.f` that of the step `conv` where there are several, `units>n=2` gives an argument that they have a default for and we do
not, `activation>|` becomes a step of its own, `padding_mode!zeros` must have that value, `axis#channels` must mean that, and a name
alone changes nothing in the network. STEPS are ours, with `{name}` where the value of a parameter stands; `?` are those that a function
writes; `-loss` names a reason (REASONS) for which there are none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from archspec.foreign import caffe_onnx_darknet as words
from archspec.foreign import keras, torch

REASONS = {
    "recurrent": "write `lstm 64`, `gru 64` or `rnn 64` on tokens: `dirs=2` for both directions, `out=last` for the final state alone",
    "transformer": "the language has no whole transformer layer: write `ln`, `attn`, `linear` in a `residual:`, as `vit_b_16` does",
    "reshape": "`reshape 4x4x64` gives a value other axes, `swap` exchanges positions and channels, `rearrange` orders axes by a pattern",
    "patches": "the language has no layer that copies patches; `rearrange` and `patchmerge` do where patches do not overlap",
    "copies": "the language has no layer that copies a vector for each position",
    "unpool": "write `unpool x w=2`, where x labels the value that was pooled",
    "pooling": "the language has no such pooling; there are `pool` (maximum) and `avgpool`",
    "corners": "corners are aligned by an argument: `upsample 2 mode=bilinear corners=yes`",
    "form": "the form of weights is an argument of their layer: `norm=spectral` or `norm=weight`, as in `conv k=3 f=8 norm=spectral`",
    "noise": "the language has no such layer; it acts in training only and has no weights, so no count changes without it",
    "activation": 'the language has no such function; `archspec ops` lists those that there are, and `custom "aten.exp" macs=0` is PyTorch\'s `exp`',
    "layer": 'the language has no such layer; `custom "package.Layer" out=10` declares one',
    "similarity": "the language has no such layer; near it come `l2norm`, `sub x`, `mul x` and `matmul x`, where x labels the other value",
    "bilinear": "the language has no such layer; near it come `linear` on each value and `mul x` of the two",
    "convlstm": "the language has no such layer; near it come `lstm 64` on tokens, and `conv` with an axis for time",
    "einsum": "the language has no such layer; near it comes `linear`, a matrix over the last axis, with `rearrange` before and after it",
    "local": "the language has no such layer; near it comes `conv`, which has one kernel for all positions",
    "mask": "the language has no masks: a sequence has all its tokens; `attn heads=8 causal=yes` hides later ones",
    "tied": "write `words: embed 1000 64`, and `linear weights=words` where the table is used in reverse",
    "foreign": "a layer of another program has no counterpart: write the layers that it consists of",
    "loss": "a loss belongs to training and is no layer; `archspec train` takes cross-entropy",
    "optimizer": "this belongs to training and is no layer; `archspec train --help` lists the settings",
    "data": "this prepares the data and is no layer of the network; leave it out",
    "container": "a network needs no container: write its layers one per line, or under a label: `features:`",
    "functional": "this function is given its weights from elsewhere; write the layer itself",
    "attention": "the language has attention of queries, keys and values, `attend k v heads=8`, and with its projections, `attn heads=8`",
    "merge": "the language merges by `add`, `sub`, `mul`, `concat` and `matmul` only",
    "average": "write `add NAME | mul 0.5`, where NAME labels the other value",
    "product": "write `matmul NAME`, where NAME labels the other value: (T, K) by (K, N)",
    "eltwise": "write `add NAME` for a sum, `sub NAME` for a difference, `mul NAME` for a product, where NAME labels the other value",
    "operator": "the language has no such operator",
    "residual": "write `residual:` with its layers indented below it; `skip` stands for a branch that changes nothing",
    "block": "the language has no such block; write its layers, or a `block NAME(...):` of your own",
    "reduction": "the language has no such operation; there are `gap`, `avgpool` and `mean axis=t` for means, `gmp`, `pool` and `max axis=t` for maxima",
    "downsample": "a layer with a stride makes maps smaller: `pool 2`, `avgpool 2`, or `conv k=3 s=2 p=1 f=64`",
    "parts": "each part of the channels is a `slice` of the same value: `slice 0:32`, and `from x | slice 32:64` where x labels it",
    "word": "the language needs no such line",
}
"""Why a foreign name has no step of ours."""


class Parameter(NamedTuple):
    """A parameter of a foreign layer. `argument` is ours, `must` the only value, or the meaning, that the language can express."""

    name: str
    argument: str = ""
    default: str = ""
    must: str = ""


class Foreign(NamedTuple):
    """A foreign layer. `steps` are ours, joined by `|`; where there are none `reason` says why."""

    tool: str
    names: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    steps: str
    reason: str


_BAR = re.compile(r"(?<!>)\|")  # not that of `activation>|`
_PARAMETER = re.compile(r"(\w+)(?:>([\w.|]+))?(?:=([^!#\s]+))?(?:([!#])(\S*))?")


def _parameter(text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    assert found is not None, text
    must = f"#{found[5]}" if found[4] == "#" else (found[5] or "any" if found[4] else "")
    return Parameter(found[1], found[2] or "", found[3] or "", must)


@cache
def rows() -> tuple[Foreign, ...]:
    """The table, in the order in which a name is looked up where several tools have it."""
    found = []
    texts = {"keras": keras.ROWS, "torch": torch.ROWS, "caffe": words.CAFFE, "onnx": words.ONNX, "word": words.WORDS}
    for tool, text in texts.items():
        for line in text.strip().splitlines():
            names, parameters, steps = (part.strip() for part in _BAR.split(line, 2))
            reason = REASONS[steps[1:]] if steps.startswith("-") else ""
            found.append(Foreign(tool, tuple(names.split()), tuple(map(_parameter, parameters.split())), "" if reason else steps, reason))
    return tuple(found)


def key(name: str) -> str:
    """A name without what tools write differently: modules before it, capitals, underscores."""
    return name.rpartition(".")[2].replace("_", "").replace("-", "").lower()


@cache
def _index() -> dict[str, list[Foreign]]:
    found: dict[str, list[Foreign]] = {}
    for row in rows():
        words = {key(name) for name in row.names}
        for word in words | {_any_rank(word) for word in words}:
            found.setdefault(word, []).append(row)
    return found


def _any_rank(word: str) -> str:
    """A name without its number of axes: one more or less is the same layer here."""
    return re.sub(r"[123]d$", "", word)


def foreign(name: str) -> tuple[Foreign, ...]:
    """Find what a name means elsewhere: exact spellings first, empty where no tool has it."""
    word = key(name)
    index = _index()
    found = index.get(word) or index.get(_any_rank(word), [])
    last = name.rpartition(".")[2]
    return tuple(sorted(found, key=lambda row: last not in row.names))


def known_as(name: str) -> str:
    """What to say of a name that another tool has, where its line cannot be rewritten; empty where no tool has it."""
    row = next(iter(foreign(name)), None)
    if row is None or row.steps in ("?", "input"):
        return ""
    return row.reason or f"`{name}` is `{row.steps}` here"


def names_of(step: str) -> dict[str, tuple[str, ...]]:
    """The names by which each tool calls a step of ours, in the order of the table: {"keras": ("Conv1D", ...), ...}."""
    found: dict[str, list[str]] = {}
    for row in rows():
        if row.steps.split(" ")[0] == step and "|" not in row.steps:
            found.setdefault(row.tool, []).extend(row.names)
    return {tool: tuple(names) for tool, names in found.items()}


def rows_of(step: str) -> list[Foreign]:
    """What PyTorch and Keras have for a step of ours, PyTorch's first: its order of arguments is the one that people use here."""
    found = [row for row in rows() if row.steps == step and row.tool in ("torch", "keras")]
    return sorted(found, key=lambda row: row.tool != "torch")


@cache
def arguments_of(step: str) -> dict[str, tuple[str, str]]:
    """What others call a step's arguments: name to ours and the only value it may have. The first row that has a name counts."""
    found = [parameter for row in rows() if row.steps.split(" ")[0] == step for parameter in row.parameters]
    return {each.name: (each.argument, each.must) for each in reversed(found) if "." not in each.argument}


LOOSE = {
    "kernel": "k w", "kernels": "f", "kernelsize": "k", "ksize": "k w", "filter": "f", "nfilters": "f", "num_filters": "f", "n_filters": "f",
    "channels": "f n", "out": "f n", "maps": "f", "depth": "f", "feature_maps": "f", "stride": "s", "strides": "s", "pad": "p",
    "padding": "p", "window": "w k", "pool": "w", "pool_size": "w", "dilation": "d", "dilation_rate": "d", "groups": "g", "group": "g",
    "units": "n f", "neurons": "n f", "nodes": "n", "features": "n f", "out_features": "n", "hidden": "n", "output": "n f", "size": "size w k n",
    "rate": "p", "prob": "p", "probability": "p", "keep_prob": "", "factor": "n", "scale": "n", "use_bias": "bias", "epsilon": "eps",
    "num_heads": "heads", "nheads": "heads", "n_heads": "heads", "n_head": "heads", "num_kv_heads": "kvheads", "n_kv_heads": "kvheads",
    "num_key_value_heads": "kvheads", "kv_heads": "kvheads", "rope_theta": "rope", "head": "heads", "initializer": "init", "init": "init", "kernel_initializer": "init",
    "multiplier": "m", "depth_multiplier": "m", "slope": "slope", "alpha": "alpha slope", "filters": "f n", "kernel_size": "k w", "num_groups": "groups",
    "outputs": "n f", "w": "k", "k": "w", "n": "f", "f": "n", "activation": "|", "act": "|", "nonlinearity": "|", "activation_fn": "|",
}  # fmt: skip
"""Words for arguments that no tool has on this layer but people write."""
TRAINING = ("regularizer", "constraint", "initializer")
IGNORED = frozenset([
    "name", "dtype", "trainable", "device", "inplace", "seed", "data_format", "input_shape", "batch_input_shape", "input_dim",
    "batch_size", "weights", "autocast", "training", "inputs", "input", "x", "reuse", "in_channels", "in_features", "input_channels",
    "process_group", "num_features", "input_size", "in_dim", "cin", "embed_dim", "num_channels",
])  # fmt: skip
"""Arguments that every layer of Keras or PyTorch may have, or that follow from its input, and that no network here needs."""


def ignored(word: str) -> bool:
    """Whether an argument of another tool says nothing that a network here needs."""
    return word in IGNORED or word.endswith(TRAINING)
