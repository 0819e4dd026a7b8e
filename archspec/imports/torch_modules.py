"""Modules that are layers as a whole, by their classes: what they compute has no words of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import import_module
from math import prod
from pkgutil import iter_modules
from typing import Any

from archspec.imports.channels_first import Kernel, sizes
from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.stored import Held, held
from archspec.imports.torch_reader import Reader
from archspec.imports.torch_sequences import pads
from archspec.imports.views import View
from archspec.types import Vector

Row = Callable[..., View]
OWN = "archspec"
"""The classes of emitted sources, wherever their file lies: their docstrings are those of the templates."""
MODULES: dict[str, list[tuple[str, Row, Callable[[Any], bool]]]] = {}
"""By the last part of the name of a class: the packages that have such a class, each with what reads it, and which of its modules."""


def _every(_: Any) -> bool:
    return True


def module(*names: str, of: Sequence[str] = (OWN,), fits: Callable[[Any], bool] = _every) -> Callable[[Row], Row]:
    """Register how the modules of some classes of packages are read, those that fit."""

    def add(function: Row) -> Row:
        for name in names:
            MODULES.setdefault(name, []).extend((package, function, fits) for package in of)
        return function

    return add


def wholes(reader: Reader) -> dict[Any, tuple[str, Row, list[Any]] | None]:
    """The operators of modules that are read as a whole: for that which gives the result its path, its row and what it reads, else None."""
    if reader.module is None:
        return {}
    inside: dict[str, list[Any]] = {}
    rows: dict[str, Row | None] = {}
    stored = {node: reader.keys[node.name] for node in reader.program.graph.nodes if node.op == "placeholder" and node.name in reader.keys}
    for node in reader.program.graph.nodes:
        for path, kind in (node.meta.get("nn_module_stack") or {}).values() if node.op == "call_function" else ():
            if path not in rows:
                rows[path] = _row(reader.module, path, kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}")
            if rows[path] is not None:
                inside.setdefault(path, []).append(node)
                break
    found: dict[Any, tuple[str, Row, list[Any]] | None] = {}
    for path, nodes in inside.items():
        own = set(nodes)
        ends = [node for node in nodes if any(user not in own for user in node.users)]
        around = dict.fromkeys(one for node in nodes for one in node.all_input_nodes if one not in own)
        reads = [one for one in around if one not in stored or _given(reader, path.partition("@")[0], stored[one])]
        row = rows[path]
        if len(ends) == 1 and row is not None:
            found |= dict.fromkeys(nodes)
            found[ends[0]] = (path.partition("@")[0], row, reads)
    return found


def _given(reader: Reader, path: str, key: str) -> bool:
    """Whether a stored tensor is handed to a module, as a mask is, and not its own."""
    return key not in reader.learned and not key.startswith(f"{path}.")


def _row(whole: Any, path: str, kind: str) -> Row | None:
    """What reads a module, by its class; None where that is not known."""
    package, _, name = kind.rpartition(".")
    for of, row, fits in MODULES.get(name, ()):
        own = whole.get_submodule(path.partition("@")[0])
        if fits(own) and (package.startswith(f"{of}.") or (of == OWN and type(own).__doc__ == _template(name))):
            return row
    return None


@cache
def _template(name: str) -> str | None:
    """What the template of an emitted class says of it."""
    from archspec.backends.torch import templates

    for info in iter_modules(templates.__path__, f"{templates.__name__}."):
        found = getattr(import_module(info.name), name, None)
        if found is not None:
            return str(found.__doc__)
    return None


def stored_in(site: Site, names: Iterable[str]) -> dict[str, Stored]:
    """Tensors of a module under the names that they have there."""
    return {name: Stored((f"{site.key}.{name}",)) for name in names}


def _kernel(site: Site, own: Any) -> Kernel:
    """The weights of a layer as PyTorch stores them."""
    return Kernel(tuple(own.weight.shape), own.bias is not None, stored_in(site, ["weight", *["bias"] * (own.bias is not None)]))


@module("StandardConv2d")
@module("ScaledStdConv2d", "ScaledStdConv2dSame", "StdConv2d", "StdConv2dSame", of=("timm",))
def _standardised(r: Reader, site: Site, own: Any, x: View) -> View:
    """A convolution whose filters are standardised: NFNet's, with a gain, and BiT's. A factor of the filters is one of the map."""
    kernel = _kernel(site, own)
    gain = getattr(own, "gain", None)
    factor = own.scale * prod(kernel.shape[1:]) ** 0.5 if gain is not None and hasattr(own, "scale") else 1.0
    form = {"norm": "std", "eps": own.eps} | ({} if gain is not None else {"gain": False})
    stored = {**kernel.stored, **stored_in(site, ["gain"] * (gain is not None))}
    same = isinstance(own.padding, str) or (type(own).__name__.endswith("Same") and getattr(own, "same_pad", True))
    around = ([0, 0], [0, 0]) if same else (own.padding, own.padding)
    if getattr(own, "pads", ()):
        around = pads(own.pads)
    if abs(factor - 1) > 1e-6:
        x = r.number(site, x, "mul", factor)
    return r.conv(site, x, kernel._replace(stored=stored), own.stride, around, own.dilation, own.groups, same=same, form=form)


@module("RmsNorm2d", "RmsNormAct2d", of=("timm",))
def _root_mean_square(r: Reader, site: Site, own: Any, x: View) -> View:
    """A norm over the channels of a map, without a mean."""
    found = r.on_channels(site, x, 1, "rmsnorm", eps=own.eps, stored=stored_in(site, ["weight"]))
    return _acted(r, site, own, found)


def _acted(r: Reader, site: Site, own: Any, x: View) -> View:
    """What an activation within a module makes of its result."""
    kind = type(getattr(own, "act", None)).__name__
    steps = {"NoneType": "", "Identity": "", "ReLU": "relu", "SiLU": "silu", "GELU": "gelu", "Hardswish": "hardswish", "ReLU6": "relu6"}
    if kind not in steps:
        raise Unsaid(f"it has an activation `{kind}`")
    return r.pointwise(site, x, steps[kind]) if steps[kind] else x


@module("GlobalResponseNorm", of=("timm", OWN))
def _response(r: Reader, site: Site, own: Any, x: View) -> View:
    """ConvNeXt V2's norm, on channels first or last."""
    return r.on_channels(site, x, getattr(own, "channel_dim", 1), "grn", eps=own.eps, stored=stored_in(site, ["weight", "bias"]))


@module("EvoNorm2dS0", of=("timm",), fits=lambda own: own.v is not None)
@module("EvoNorm2dS0a", of=("timm",))
@module("EvoNorm")
def _evolved(r: Reader, site: Site, own: Any, x: View) -> View:
    """EvoNorm-S0; without its activation timm's EvoNorm2dS0 is a factor and an offset only."""
    act = own.v is not None
    stored = stored_in(site, ["weight", "bias", *["v"] * act])
    return r.on_channels(site, x, 1, "evonorm", groups=own.groups, eps=own.eps, act=act, stored=stored)


def _near(own: Any) -> bool:
    """Whether the attention of timm is that of Swin V2, with positions that are spaced by the size of its own window."""
    return hasattr(own, "cpb_mlp") and len(own.cpb_mlp) == 3 and not any(own.pretrained_window_size)


@module("WindowAttention", of=("timm",), fits=_near)
def _cosines_of_windows(r: Reader, site: Site, own: Any, x: View, mask: Held | None = None) -> View:
    """The same in windows that are cut out before it, of a map that was rolled where there is a mask; queries and values have biases apart."""
    source, given, shifts = r.shifted(x, r.constant(mask) if mask is not None else None)
    key = site.key

    def at(*names: str) -> Site:
        return site._replace(key=".".join((key, *names)), path=key)

    channels = own.dim
    value = r.flat.step(at("qkv"), "linear", source, n=3 * channels, bias=False, stored=stored_in(at("qkv"), ["weight"]))
    if own.q_bias is not None:
        parts = [r.tensor(at(), held(f"{key}.{name}", (channels,), learned=name != "k_bias"), Vector(channels)) for name in _BIASES]
        value = r.flat.step(at(), "add", value, r.flat.step(at(), "concat", *parts), stretch=True)
    names = ["logit_scale", "cpb_mlp.0.weight", "cpb_mlp.0.bias", "cpb_mlp.2.weight"]
    given |= {"heads": own.num_heads, "sim": "cos", "rel": "mlp"}
    value = r.flat.step(site, "attend", value, stored=stored_in(site, names), **given)
    value = r.flat.step(at("proj"), "linear", value, n=channels, stored=stored_in(at("proj"), ["weight", "bias"]))
    value = r.rolled(site, value, shifts)
    return View(value, (*x.dims[:-1], r.axis(value, "c")))


_BIASES = ("q_bias", "k_bias", "v_bias")
"""Those of the queries, keys and values; those of the keys are zeros that are not learned."""


@module("ShiftedWindowAttentionV2", of=("torchvision",))
def _cosine_windows(r: Reader, site: Site, own: Any, x: View) -> View:
    """Swin V2's attention: cosines times a learned factor, and biases that a small network makes of relative positions."""
    if len(x.dims) != 4 or len(own.cpb_mlp) != 3:
        raise Unsaid("it is no map with channels last")
    names = ["logit_scale", "qkv.weight", "qkv.bias", "proj.weight", "proj.bias", "cpb_mlp.0.weight", "cpb_mlp.0.bias", "cpb_mlp.2.weight"]
    given = {"heads": own.num_heads, "w": sizes(own.window_size), "shift": sizes(own.shift_size)}
    return r.on_channels(site, x, -1, "attn", sim="cos", rel="mlp", proj="qkv", stored=stored_in(site, names), **given)
