"""PyTorch's dialect: how modules, merges and values are written."""

from __future__ import annotations

from archspec.backends.source.body import Item, Reach
from archspec.backends.source.dialect import Dialect
from archspec.backends.source.forward import is_compound, is_simple
from archspec.backends.torch.calls import layer
from archspec.backends.torch.templates import source
from archspec.types import Map, Tokens, Vector

EXPRESSIONS = {
    "flatten": "torch.flatten({x}, 1)",
    "tokens": "{x}.flatten(2).transpose(1, 2)",
    "first": "{x}[:, 0]",
    "swap": "{x}.transpose(1, 2)",
    "matmul": "torch.matmul({x}, {1})",
    "cls": "torch.cat(({own}.expand({x}.shape[0], -1, -1), {x}), dim=1)",
    "pos": "{x} + {own}",
    "scale": "{x} * {own}",
}
MERGES = {"add": " + ", "mul": " * ", "concat": ", "}
"""What stands between the values that are merged."""


def call(item: Item, texts: list[str], indexed: bool) -> str:
    """The expression of an item that reads these."""
    if item.step == "matmul":
        texts = _factors(texts, item)
    if template := EXPRESSIONS.get(item.step):
        return template.format(*texts, x=texts[0], own=_own(item.reach(tensor=True), indexed))
    if item.module is not None:
        if item.flat:
            texts[0] = f"torch.flatten({texts[0]}, 1)"
        module, *lent = [_own(reach, indexed) for reach in (item.reach(tensor=False), *item.lent)]
        return f"{module}({', '.join([*texts, *lent])})"
    whole = texts[0] if len(texts) < len(item.reads) else ""
    if item.step == "concat":
        return f"torch.cat({whole or '(' + ', '.join(texts) + ')'}, dim={-1 if isinstance(item.type, Tokens) else 1})"
    if whole:
        return f"sum({whole})"
    spread = [_spread(text, type_, item.type) for text, type_ in zip(texts, item.types, strict=True)]
    if item.step == "mul":
        spread = [f"({text})" if is_compound(text) else text for text in spread]
    return MERGES[item.step].join(spread)


def _factors(texts: list[str], item: Item) -> list[str]:
    """The factors of a product of matrices; one that gives a map of one axis, channels first, is that of both turned, in reverse."""
    x, other = texts
    turned = isinstance(item.type, Map)
    if isinstance(item.types[1], Map) is not turned:
        other = f"{other}.transpose(1, 2)"
    return [other, x] if turned else [x, other]


def _own(reach: Reach, indexed: bool) -> str:
    """A module or tensor, as `forward` gets at it."""
    if reach.given:
        return reach.name
    if indexed and not reach.tensor:
        return f"self[{reach.name}]"
    return f"self.{reach.name}" if is_simple(reach.name) else f'self.{"get_parameter" if reach.tensor else "get_submodule"}("{reach.name}")'


def _spread(text: str, type_: object, over: object) -> str:
    """A vector that is broadcast over a map."""
    if isinstance(type_, Vector) and isinstance(over, Map):
        return f"{text}[:, :{', None' * len(over.spatial)}]"
    return text


TORCH = Dialect(
    layer,
    call,
    source,
    reserved=frozenset(
        ["self", "torch", "nn", "F", "Tensor", "NamedTuple", "Outputs", "Model", "super", "range", "int", "float", "min", "max", "math"]
    ),
    expressions=EXPRESSIONS,
    gathering=frozenset(["add", "concat"]),
    chain="nn.Sequential",
    identity="nn.Identity",
    overwriting=frozenset(["relu", "relu6", "leaky", "hardswish", "silu"]),
    in_place="inplace",
    independent=frozenset(
        ["conv", "dwconv", "deconv", "bn", "gn", "ln", "fc", "linear", "add", "concat"]
    ),  # torch: tools/autograd/derivatives.yaml
    pointwise=frozenset(["dropout", "relu", "relu6", "leaky", "tanh", "sigmoid", "gelu", "silu", "hardswish"]),
)
