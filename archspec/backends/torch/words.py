"""PyTorch's dialect: how modules, merges and values are written."""

from __future__ import annotations

import re

from archspec.backends.moves import is_last
from archspec.backends.source.body import BARE, ONE, Item, Reach
from archspec.backends.source.constructor import If, New
from archspec.backends.source.dialect import Dialect
from archspec.backends.source.forward import is_compound, is_simple
from archspec.backends.torch.calls import layer
from archspec.backends.torch.templates import source
from archspec.numeric import Spelled
from archspec.types import Map, Vector, channels_second

EXPRESSIONS = {
    "flatten": "torch.flatten({x}, 1)",
    "tokens": "{x}.flatten(2).transpose(1, 2)",
    "first": "{x}[:, 0]",
    "swap": "{x}.transpose(1, 2)",
    "matmul": "torch.matmul({x}, {1})",
    "abs": "{x}.abs()",
    "tensor": "{own}",
    "cls": "torch.cat(({own}.expand({x}.shape[0], -1, -1), {x}), dim=1)",
    "pos": "{x} + {own}",
    "scale": "{x} * {own}",
}
MERGES = {"add": " + ", "sub": " - ", "mul": " * ", "concat": ", "}
"""What stands between the values that are merged."""


def call(item: Item, texts: list[str], indexed: bool) -> str:
    """The expression of an item that reads these."""
    if item.stored:
        return _tensor(item, indexed)
    texts = _together(item, texts)
    if item.step == "matmul":
        texts = _factors(texts, item)
        if item.type is not None and len(item.type.shape) > 2:
            first, second = (f"{text}.movedim(1, -2)" for text in texts)
            return f"torch.matmul({first}, {second}).movedim(-2, 1)"
    if template := EXPRESSIONS.get(item.step):
        return template.format(*texts, x=texts[0], own=f"{_own_tensor(item, indexed)}{_spread_out(item)}")
    if item.module is not None:
        if item.flat:
            texts[0] = f"torch.flatten({texts[0]}, 1)"
        if item.step == "embed" and any(item.levels):
            texts[0] = f"{texts[0]}.long()"
        module, *lent = [_own(reach, indexed) for reach in (item.reach(tensor=False), *item.lent)]
        return f"{module}({', '.join([*texts, *lent])})"
    whole = texts[0] if len(texts) < len(item.reads) else ""
    if item.step.startswith("concat") and item.type is not None:
        last = is_last("t" if item.step.endswith("axis=t") else "c", item.type)
        return f"torch.cat({whole or '(' + ', '.join(texts) + ')'}, dim={-1 if last else 1})"
    if whole:
        return f"sum({whole})"
    levels = ("",) * len(texts) if all(item.levels) else item.levels  # what is the same for all images has a batch of 1 by now
    spread = [_spread(text, type_, item.type, level) for text, type_, level in zip(texts, item.types, levels, strict=True)]
    if item.step != "add":
        spread = [f"({text})" if is_compound(text) and (at or item.step == "mul") else text for at, text in enumerate(spread)]
    return MERGES[item.step].join(spread)


def level(item: Item) -> str:
    """Whether a tensor has a batch axis, of size 1 (ONE), or none (BARE)."""
    assert item.type is not None
    return ONE if item.stored == (1, *channels_second(item.type.shape, item.type)) else BARE


def _tensor(item: Item, indexed: bool) -> str:
    """A tensor in the shape of its value."""
    assert item.type is not None
    own, shape = _own_tensor(item, indexed), channels_second(item.type.shape, item.type)
    if item.stored in (shape, (1, *shape)):
        return own
    return f"{own}.view({', '.join('-1' if isinstance(size, Spelled) else str(size) for size in shape)})"


def _together(item: Item, texts: list[str]) -> list[str]:
    """Values for one call: what is the same for all images takes the batch of the others, or one of size 1 where there are no others."""
    if not any(item.levels):
        return texts
    like = next((text for text, level in zip(texts, item.levels, strict=True) if not level), "")
    if like and item.module is None and item.step in TORCH.stretching:
        return texts
    known = zip(texts, item.levels, item.types, strict=True)
    return [stretched(text, level, len(type_.shape), like) if level and type_ is not None else text for text, level, type_ in known]


def stretched(text: str, level: str, axes: int, like: str) -> str:
    """Give a value of so many axes that is the same for all images the batch of another, or one of size 1."""
    if is_compound(text) or " if " in text:
        text = f"({text})"
    if like:
        return f"{text}.expand({like}.shape[0]{', -1' * axes})"
    return f"{text}[None]" if level == BARE else text


def _factors(texts: list[str], item: Item) -> list[str]:
    """The factors of a product of matrices; one that gives a map, channels first, is that of both turned, in reverse."""
    x, other = texts
    turned = isinstance(item.type, Map)
    if isinstance(item.types[1], Map) is not turned:
        other = f"{other}.transpose(1, 2)"
    return [other, x] if turned else [x, other]


def is_buffer(module: New | If | None) -> bool:
    """Whether a module is a tensor that is not learned."""
    if isinstance(module, If):
        module = module.yes
    return isinstance(module, New) and module.name == "nn.Buffer"


def _spread_out(item: Item) -> str:
    """What lays the factors of a `scale` along the channels of a map, where they are stored without axes for its positions."""
    module = item.module.yes if isinstance(item.module, If) else item.module
    if item.step != "scale" or not isinstance(item.type, Map) or not isinstance(module, New):
        return ""
    while module.name != "torch.full":  # in a parameter, and that in `frozen`
        module = module.arguments[0][1]
    shape = module.arguments[0][1]
    return f".view(-1{', 1' * len(item.type.spatial)})" if len(shape) == 1 and shape != (1,) else ""


def _own_tensor(item: Item, indexed: bool) -> str:
    """A tensor, as `forward` gets at it."""
    own = _own(item.reach(tensor=True), indexed)
    return own.replace("get_parameter", "get_buffer") if is_buffer(item.module) else own


def _own(reach: Reach, indexed: bool) -> str:
    """A module or tensor, as `forward` gets at it."""
    if reach.given:
        return reach.name
    if indexed and not reach.tensor:
        return f"self[{reach.name}]"
    return f"self.{reach.name}" if is_simple(reach.name) else f'self.{"get_parameter" if reach.tensor else "get_submodule"}("{reach.name}")'


def _spread(text: str, type_: object, over: object, level: str) -> str:
    """A vector that is broadcast over the positions of a map, or over tokens."""
    if not isinstance(type_, Vector) or isinstance(over, Vector):
        return text
    if isinstance(over, Map):
        return f"{text}[{':' if level == BARE else ':, :'}{', None' * len(over.spatial)}]"
    return text if level == BARE else f"{text}[:, None]"


def called(word: str) -> str:
    """The name of a class, of a block's or label's."""
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", word)) or "Part"
    return name if name[0].isalpha() else f"Part{name}"


TORCH = Dialect(
    layer,
    source,
    called,
    call=call,
    level=level,
    stretched=stretched,
    reserved=frozenset(
        ["self", "torch", "nn", "F", "Tensor", "NamedTuple", "Outputs", "Model", "super", "range", "int", "float", "min", "max", "math"]
    ),
    expressions=EXPRESSIONS,
    gathering=frozenset(["add", "concat"]),
    chain="nn.Sequential",
    identity="nn.Identity",
    stretching=frozenset(["add", "sub", "mul"]),
    overwriting=frozenset(["relu", "relu6", "leaky", "hardswish", "silu"]),
    in_place="inplace",
    independent=frozenset(
        ["conv", "dwconv", "deconv", "bn", "gn", "ln", "fc", "linear", "add", "concat"]
    ),  # torch: tools/autograd/derivatives.yaml
    pointwise=frozenset(["dropout", "relu", "relu6", "leaky", "tanh", "sigmoid", "gelu", "silu", "hardswish"]),
)
