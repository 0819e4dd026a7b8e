"""Keras's layers of sequences: tables, attention, recurrent layers, and the wrappers that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.imported import Stored
from archspec.imports.keras_config import Ref, Settings, is_whole, shown
from archspec.imports.keras_table import ROWS, activated, merging, row
from archspec.imports.keras_views import Keras, Spot
from archspec.imports.views import View
from archspec.types import Tokens, is_line


def sequence(k: Keras, spot: Spot, x: View) -> int:
    """The value of a sequence: tokens, or a map of one axis."""
    value = k.value(spot, x)
    if len(x.dims) != 3 or not (isinstance(k.flat.type_of(value), Tokens) or is_line(k.flat.type_of(value))):
        raise Unsaid(f"it reads {k.flat.type_of(value)}, and not a sequence")
    return value


@row("Embedding")
def embedding(k: Keras, spot: Spot, x: View) -> View:
    """A table of vectors."""
    spot.config.must(lora_rank=None, mask_zero=False)
    if len(x.dims) != 2:
        raise Unsaid(f"it looks up numbers with {len(x.dims) - 1} axes")
    x, sizes, _ = k.features(spot, x)
    value = k.settle(spot.site, x, "vector") if sizes else x.value
    v, d = spot.config.count("input_dim"), spot.config.count("output_dim")
    return k.back(k.step(spot, "embed", value, v=v, d=d, stored={"weight": spot.weight(0)}))


@merging("MultiHeadAttention")
def attention(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """Multi-head attention: queries, values and, if they differ from these, keys."""
    config, named = spot.config, spot.call.named
    config.must(use_gate=False, sliding_window=None)
    if any(
        named.get(name) not in (None, False)
        for name in ("attention_mask", "query_mask", "value_mask", "key_mask", "return_attention_scores")
    ):
        raise Unsaid("it is called with a mask, or for its scores")
    query, value, *more = _asked(spot, inputs)
    if more and more[0] != value:
        raise Unsaid("its keys are made of another value than its values")
    heads, d, bias = config.count("num_heads"), config.count("key_dim"), config.flag("use_bias", True)
    axes = config.get("attention_axes")
    if config.get("value_dim") not in (None, d) or axes not in (None, 1, [1]):
        raise Unsaid(f"its `value_dim` is {shown(config.get('value_dim'))}, and its `attention_axes` are {shown(axes)}")
    x, source = sequence(k, spot, query), sequence(k, spot, value)
    return k.back(k.step(spot, "attn", *[x] if x == source else [x, source], **_heads(k, spot, x, source, heads, heads, d, bias)))


def _asked(spot: Spot, inputs: Sequence[View]) -> list[View]:
    """Queries, values and keys, in whichever order a call gives them by name."""
    refs = list(spot.call.inputs)
    if len(refs) != len(inputs) or len(inputs) not in (2, 3):
        raise Unsaid(f"it is called with {len(inputs)} values")
    order = [name for name, value in spot.call.named.items() if isinstance(value, Ref)]
    names = ["query", "value", "key"][: len(inputs) - len(order)] + order
    found = dict(zip(names, inputs, strict=True))
    if not {"query", "value"} <= set(found):
        raise Unsaid("its queries and values are not named")
    return [found[name] for name in ("query", "value", "key") if name in found]


def _heads(k: Keras, spot: Spot, x: int, source: int, heads: int, kvheads: int, d: int, bias: bool) -> dict[str, Any]:
    """The arguments of `attn`, with the places of its matrices: those of queries, keys, values and of the output, each with its bias."""
    here, there = k.flat.type_of(x).channels, k.flat.type_of(source).channels
    f = spot.config.get("output_shape")
    f = f[0] if isinstance(f, list) and len(f) == 1 else here if f is None else f
    if not is_whole(f):
        raise Unsaid(f"its `output_shape` is {shown(f)}")
    wide, narrow, each = heads * d, kvheads * d, 2 if bias else 1
    matrices = [
        Stored((f"{spot.source}/{at * each}",), (into, width), (1, 0))
        for at, into, width in ((0, here, wide), (1, there, narrow), (2, there, narrow))
    ]
    biases = [Stored((f"{spot.source}/{at * each + 1}",), (width,)) for at, width in ((0, wide), (1, narrow), (2, narrow))]
    if kvheads == heads and here == there:
        stored = {"in_proj_weight": matrices[0]._replace(keys=tuple(one.keys[0] for one in matrices))}
        stored |= {"in_proj_bias": biases[0]._replace(keys=tuple(one.keys[0] for one in biases))} if bias else {}
    else:
        stored = {f"{name}_proj.weight": one for name, one in zip("qkv", matrices, strict=True)}
        stored |= {f"{name}_proj.bias": one for name, one in zip("qkv", biases, strict=True)} if bias else {}
    stored["out_proj.weight"] = spot.weight(3 * each, (wide, f), (1, 0))
    if bias:
        stored["out_proj.bias"] = spot.weight(3 * each + 1)
    given: dict[str, Any] = {"heads": heads, "bias": bias, "stored": stored}
    given |= {"kv": True} if x != source else {}
    given |= {"d": d} if wide != here else {}
    given |= {"f": f} if f != here else {}
    given |= {"kvheads": kvheads} if kvheads != heads else {}
    causal = spot.call.named.get("use_causal_mask")
    return given | ({"causal": True} if causal is True else {})


@merging("GroupQueryAttention", "GroupedQueryAttention")
def grouped_attention(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """Attention in which groups of queries share keys and values."""
    spot.config.must(use_gate=False, sliding_window=None)
    query, value, *more = _asked(spot, inputs)
    if more and more[0] != value:
        raise Unsaid("its keys are made of another value than its values")
    x, source = sequence(k, spot, query), sequence(k, spot, value)
    heads, kvheads, d = (spot.config.count(name) for name in ("num_query_heads", "num_key_value_heads", "head_dim"))
    given = _heads(k, spot, x, source, heads, kvheads, d, spot.config.flag("use_bias", True))
    return k.back(k.step(spot, "attn", *[x] if x == source else [x, source], **given))


@merging("Attention")
def plain_attention(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """Attention without projections, of one head whose products are not scaled."""
    spot.config.must(use_scale=False, score_mode="dot")
    if not 2 <= len(inputs) <= 3 or spot.call.named.get("mask") is not None or spot.call.named.get("return_attention_scores"):
        raise Unsaid("it is called with a mask, or for its scores")
    query, value, *more = [sequence(k, spot, x) for x in inputs]
    causal: dict[str, Any] = {"causal": True} if spot.call.named.get("use_causal_mask") is True else {}
    return k.back(k.step(spot, "attend", query, more[0] if more else value, value, k=True, v=True, heads=1, scale=1.0, **causal))


# recurrent layers

_GATES = {"LSTM": ("lstm", (0, 1, 2, 3)), "GRU": ("gru", (1, 0, 2)), "SimpleRNN": ("rnn", (0,))}
"""Steps, and Keras's gates in the order of PyTorch's: z, r, h there are r, z, n. Source: keras.layers.GRUCell, torch.nn.GRU."""
_ONE_BIAS = "PyTorch's has a second bias, which begins with zeros and counts: {} more"


@row("LSTM", "GRU", "SimpleRNN")
def recurrent(k: Keras, spot: Spot, x: View) -> View:
    """A recurrent layer in one direction."""
    return _recurrent(k, spot, x, spot.layer.kind, spot.config, dirs=1)


def _recurrent(k: Keras, spot: Spot, x: View, kind: str, config: Settings, dirs: int) -> View:
    step, gates = _GATES[kind]
    config.must(activation="tanh", return_state=False, go_backwards=False)
    if kind != "SimpleRNN":
        config.must(recurrent_activation="sigmoid")
    bias, n, every = config.flag("use_bias", True), config.count("units"), config.flag("return_sequences", False)
    if kind == "GRU" and bias and not config.flag("reset_after", True):
        raise Unsaid("its `reset_after` is false: the gate acts before the product, not behind it")
    value = sequence(k, spot, x)
    each = 3 if bias else 2
    stored: dict[str, Stored] = {}
    for way, end in enumerate(("_l0", "_l0_reverse")[:dirs]):
        stored |= _cell(spot, way * each, n, gates, bias, end, both=kind == "GRU")
    if bias and kind != "GRU":
        count = dirs * len(gates) * n
        k.note(spot, f"{_ONE_BIAS.format(f'{count:,}')}")
    more: dict[str, Any] = ({"dirs": 2} if dirs == 2 else {}) | ({} if every else {"out": "last"})
    found = k.step(spot, step, value, n=n, bias=bias, stored=stored, **more)
    return k.back(found)


def _cell(spot: Spot, first: int, n: int, gates: Sequence[int], bias: bool, end: str, *, both: bool) -> dict[str, Stored]:
    """The weights of one direction: its kernel, that of the state, and one bias, or `both`."""
    rows = tuple([(gate * n, (gate + 1) * n) for gate in gates]) if list(gates) != sorted(gates) else ()
    found = {f"weight_ih{end}": spot.weight(first, (), (1, 0), rows), f"weight_hh{end}": spot.weight(first + 1, (), (1, 0), rows)}
    if bias and not both:
        return found | {f"bias_ih{end}": spot.weight(first + 2, (), (), rows), f"bias_hh{end}": Stored()}
    if bias:
        width = len(gates) * n
        second = tuple([(start + width, stop + width) for start, stop in rows])
        found |= {
            f"bias_ih{end}": spot.weight(first + 2, (2 * width,), (), rows),
            f"bias_hh{end}": spot.weight(first + 2, (2 * width,), (), second),
        }
    return found


@row("Bidirectional")
def both_ways(k: Keras, spot: Spot, x: View) -> View:
    """A recurrent layer in both directions."""
    spot.config.must(merge_mode="concat")
    kind, config = _wrapped(spot)
    backward = spot.config.get("backward_layer")
    if kind not in _GATES or (isinstance(backward, dict) and (backward.get("class_name") != kind or not _mirrors(backward, config))):
        raise Unsaid(f"it wraps {kind}, or another layer for each direction")
    return _recurrent(k, spot, x, kind, Settings(config), dirs=2)


def _wrapped(spot: Spot) -> tuple[str, dict[str, Any]]:
    """The class and the configuration of the layer inside a wrapper."""
    inner = spot.config.get("layer")
    if not isinstance(inner, dict) or not isinstance(inner.get("class_name"), str) or not isinstance(inner.get("config"), dict):
        raise Unsaid("the layer that it wraps is not described")
    return inner["class_name"], inner["config"]


_SAYS = ("units", "use_bias", "activation", "recurrent_activation", "return_sequences", "reset_after")
"""What both directions of a layer must have alike."""


def _mirrors(backward: dict[str, Any], config: dict[str, Any]) -> bool:
    """Whether a layer differs from another only in its direction."""
    other = backward.get("config")
    return isinstance(other, dict) and all(other.get(key) == config.get(key) for key in _SAYS)


@row("TimeDistributed")
def each_time(k: Keras, spot: Spot, x: View) -> View:
    """A layer for each time: along that axis it reads nothing but its own place."""
    kind, config = _wrapped(spot)
    if kind not in ROWS or kind in _GATES or kind in _APART or len(x.dims) < 3:
        raise Unsaid(f"it wraps {kind}")
    given = {"data_format": "channels_last"} if "data_format" in config else {}
    if config.get("data_format") == "channels_first":
        raise Unsaid("it wraps a layer with channels first")
    layer = spot.layer._replace(kind=kind, config=Settings({**config, **given}))
    return ROWS[kind](k, spot._replace(layer=layer, lead=1), [x])


_APART = (
    "Bidirectional", "TimeDistributed", "Embedding", "MultiHeadAttention", "Attention", "GroupQueryAttention", "Permute", "Concatenate",
    "GroupNormalization", "Resizing", "CenterCrop", "Normalization", "Dropout",
)  # fmt: skip
"""Layers that would mix times, or count axes, within a TimeDistributed."""


@row("EinsumDense")
def einsum(k: Keras, spot: Spot, x: View) -> View:
    """A product with a matrix over the last axis, which is all that is read of an equation."""
    left, _, right = spot.config.word("equation", "").replace(" ", "").partition("->")
    before, _, matrix = left.partition(",")
    if len(matrix) != 2 or before[-1:] != matrix[0] or right != before[:-1] + matrix[1] or matrix[1] in before:
        raise Unsaid(f"its equation is `{spot.config.word('equation', '')}`")
    size = spot.config.get("output_shape")
    n = size[-1] if isinstance(size, list) and size else size
    axes = spot.config.get("bias_axes")
    if not is_whole(n) or axes not in (None, "", matrix[1]) or len(x.dims) < 3:
        raise Unsaid(f"its `output_shape` is {shown(size)}, and its `bias_axes` are {shown(axes)}")
    stored = {"weight": spot.weight(0, (), (1, 0))} | ({"bias": spot.weight(1)} if axes else {})
    return activated(k, spot, k.over(spot, "linear", x, n=n, bias=bool(axes), stored=stored))


@merging("Dot")
def dot(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """A product of matrices: the columns of the first value and the rows of the second."""
    spot.config.must(normalize=False)
    if spot.config.get("axes") not in ([2, 1], [-1, 1], [-1, -2], [2, -2]) or len(inputs) != 2:
        raise Unsaid(f"its `axes` are {shown(spot.config.get('axes'))}, which is no product of matrices")
    return k.back(k.step(spot, "matmul", *[sequence(k, spot, each) for each in inputs], x=True))
