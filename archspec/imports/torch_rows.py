"""Operators of ATen as layers: one row each. The arguments are called as in its schema, the tensor itself `x`."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod
from typing import Any, NamedTuple

from archspec.imports.channels_first import sizes
from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import viewed
from archspec.imports.products import Scores
from archspec.imports.stored import Computed, Held
from archspec.imports.torch_reader import Reader
from archspec.imports.torch_table import Row, row, spread
from archspec.imports.views import View
from archspec.types import Map

# windows


def _same(k: Sequence[int], d: Sequence[int]) -> tuple[list[int], list[int]]:
    """What `padding="same"` puts before and after, as PyTorch does for a stride of 1."""
    total = [b * (a - 1) for a, b in zip(k, d, strict=True)]
    return [one // 2 for one in total], [one - one // 2 for one in total]


@row("conv1d", "conv2d", "conv3d")
def _conv(r: Reader, site: Site, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> View:
    key, kernel = r.kernel(weight, bias)
    axes = len(kernel.shape) - 2
    d = spread(dilation, axes)
    p = spread(0 if padding == "valid" else padding, axes) if padding != "same" else []
    around = (p, p) if padding != "same" else _same(kernel.shape[2:], d)
    return r.conv(site._replace(key=key), x, kernel, spread(stride, axes), around, d, groups)


@row("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _deconv(
    r: Reader, site: Site, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any, groups: int, dilation: Any
) -> View:
    key, kernel = r.kernel(weight, bias)
    axes = len(kernel.shape) - 2
    s, p, op, d = (spread(one, axes) for one in (stride, padding, output_padding, dilation))
    return r.deconv(site._replace(key=key), x, kernel, s, p, op, d, groups)


class Padded(NamedTuple):
    """A map with a border of the least of all numbers, on the way to become a pool with that border."""

    x: View
    ends: tuple[tuple[int, int], ...]


@row("max_pool1d", "max_pool2d", "max_pool3d", takes=(Padded,))
def _pool(r: Reader, site: Site, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> View:
    ends: tuple[tuple[int, int], ...] = ()
    if isinstance(x, Padded):
        x, ends = x
    axes = len(x.dims) - 2
    w = spread(kernel_size, axes)
    p = [(one, one) for one in spread(padding, axes)]
    if ends:
        p = [(one[0] + a, one[1] + b) for one, (a, b) in zip(p, ends, strict=True)]
    around = ([a for a, _ in p], [b for _, b in p])
    return r.pool(site, x, "pool", w, spread(stride or w, axes), around, spread(dilation, axes), ceil=ceil_mode)


@row("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avgpool(
    r: Reader,
    site: Site,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Any,
) -> View:
    if divisor_override is not None:
        raise Unsaid("it divides by a number of its own")
    axes = len(x.dims) - 2
    w = spread(kernel_size, axes)
    p = spread(padding, axes)
    return r.pool(site, x, "avgpool", w, spread(stride or w, axes), (p, p), ceil=ceil_mode, count_pad=count_include_pad)


@row("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def _adaptive(r: Reader, site: Site, x: Any, output_size: Any) -> View:
    return r.adaptive(site, x, "adaptpool", spread(output_size, len(x.dims) - 2))


@row("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max(r: Reader, site: Site, x: Any, output_size: Any) -> list[View]:
    return [r.adaptive(site, x, "adaptmaxpool", spread(output_size, len(x.dims) - 2))]


@row("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def _nearest(r: Reader, site: Site, x: Any, output_size: Any, scale_factors: Any) -> View:
    return _resized(r, site, x, output_size, scale_factors, mode="nearest")


@row("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
def _bilinear(r: Reader, site: Site, x: Any, output_size: Any, align_corners: bool, scale_factors: Any) -> View:
    return _resized(r, site, x, output_size, scale_factors, mode="bilinear", corners=align_corners)


@row("upsample_bicubic2d")
def _bicubic(r: Reader, site: Site, x: Any, output_size: Any, align_corners: bool, scale_factors: Any) -> View:
    return _resized(r, site, x, output_size, scale_factors, mode="bicubic", corners=align_corners)


@row("_upsample_bicubic2d_aa", "_upsample_bilinear2d_aa")
def _smoothed(r: Reader, site: Site, x: View, output_size: Any) -> View:
    if list(output_size) != list(x.sizes[2:]):
        raise Unsaid("it smooths a map before it resizes it")
    return x


def _resized(r: Reader, site: Site, x: View, to: Any, factors: Any, **given: Any) -> View:
    value = r.map(site, x)
    type_ = r.flat.type_of(value)
    assert isinstance(type_, Map)
    given = {name: one for name, one in given.items() if one is not False}
    if to is not None and tuple(to) == type_.spatial:
        return r.of(value)
    if (
        to is not None
        and len({a % b or a // b for a, b in zip(to, type_.spatial, strict=True)}) == 1
        and all(a % b == 0 for a, b in zip(to, type_.spatial, strict=True))
    ):
        return r.of(r.flat.step(site, "upsample", value, n=to[0] // type_.spatial[0], **given))
    if to is not None:
        return r.of(r.flat.step(site, "upsample", value, to=sizes(to), **given))
    if len(set(factors)) != 1:
        raise Unsaid("it enlarges its axes by several factors")
    number = int(factors[0]) if float(factors[0]).is_integer() else float(factors[0])
    return r.of(r.flat.step(site, "upsample", value, n=number, **given, round="exact" if isinstance(number, int) else "floor"))


@row("pad")
def _pad(r: Reader, site: Site, x: Any, pad: Any, mode: str, value: Any) -> Any:
    inside = [(pad[at], pad[at + 1]) for at in range(0, len(pad), 2)]
    ends = {len(x.dims) - 1 - at: pair for at, pair in enumerate(inside) if pair != (0, 0)}
    modes = {"constant": "zero", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode == "constant" and value == float("-inf") and min(map(min, inside)) >= 0:
        return Padded(x, tuple(ends.get(at, (0, 0)) for at in range(2, len(x.dims))))
    if mode not in modes or (mode == "constant" and value not in (None, 0)):
        raise Unsaid(f"it pads by {mode} with {value}")
    cut = {dim: (max(0, -before), x.sizes[dim] - max(0, -after)) for dim, (before, after) in ends.items() if before < 0 or after < 0}
    if len(set(cut.values())) == 1 and [*sorted(cut)] == list(range(2, len(x.dims))):
        x, cut = r.of(r.flat.step(site, "crop", r.map(site, x), size=(next(iter(cut.values())),))), {}
    for dim, (start, stop) in cut.items():
        x = r.slice(site, x, dim, start, stop)
    ends = {dim: (max(0, before), max(0, after)) for dim, (before, after) in ends.items() if before > 0 or after > 0}
    return r.padded(site, x, ends, modes[mode])


# norms


@row("batch_norm")
def _batch_norm(r: Reader, site: Site, x: Any, weight: Any, bias: Any, running_mean: Any, momentum: float, eps: float) -> View:
    if not isinstance(running_mean, Held) or isinstance(weight, (Computed, View)):
        raise Unsaid("its statistics are those of the batch")
    key = running_mean.name.rpartition(".")[0]
    names = {"weight": weight, "bias": bias, "running_mean": running_mean}
    stored = {name: Stored((one.name,)) for name, one in names.items() if isinstance(one, Held)}
    stored["running_var"] = Stored((f"{key}.running_var",))
    given: dict[str, Any] = {} if weight is not None else {"affine": False}
    return r.on_channels(site._replace(key=key), x, 1, "bn", eps=eps, momentum=momentum, stored=stored, **given)


@row("layer_norm")
def _layer_norm(r: Reader, site: Site, x: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float) -> View:
    if len(normalized_shape) != 1:
        raise Unsaid("it is a norm over several axes")
    if weight is None:
        return r.on_channels(site, x, -1, "ln", eps=eps, affine=False)
    key, kernel = r.kernel(weight, bias)
    given: dict[str, Any] = {} if bias is not None else {"bias": False}
    return r.on_channels(site._replace(key=key), x, -1, "ln", eps=eps, stored=kernel.stored, **given)


@row("rms_norm")
def _rms_norm(r: Reader, site: Site, x: Any, normalized_shape: Any, weight: Any, eps: Any) -> View:
    if len(normalized_shape) != 1:
        raise Unsaid("it is a norm over several axes")
    if weight is None:
        ones = {"weight": Stored(value=1.0)}
        return r.on_channels(site, x, -1, "rmsnorm", frozen=True, stored=ones, **({"eps": eps} if eps is not None else {}))
    key, kernel = r.kernel(weight, None)
    return r.on_channels(site._replace(key=key), x, -1, "rmsnorm", stored=kernel.stored, **({"eps": eps} if eps is not None else {}))


@row("group_norm")
def _group_norm(r: Reader, site: Site, x: Any, num_groups: int, weight: Any, bias: Any, eps: float) -> View:
    if weight is None or bias is None:  # `gn` has both: the numbers of each group in a row, and what there is of a factor
        row_ = r.view(site, x, [x.sizes[0], num_groups, prod(x.sizes[1:]) // num_groups])
        found = r.view(site, r.on_channels(site, row_, -1, "ln", eps=eps, affine=False), x.sizes)
        channels = (x.sizes[1], *(1,) * (len(x.sizes) - 2))
        return r.merge(site, "mul", found, weight._replace(dims=viewed(weight.dims, channels))) if weight is not None else found
    key, kernel = r.kernel(weight, bias)
    return r.on_channels(site._replace(key=key), r.of(r.settle(site, x)), 1, "gn", groups=num_groups, eps=eps, stored=kernel.stored)


@row("instance_norm")
def _instance_norm(r: Reader, site: Site, x: Any, weight: Any, bias: Any, running_mean: Any, eps: float) -> View:
    if running_mean is not None:
        raise Unsaid("it has running statistics")
    key, kernel = r.kernel(weight, bias) if weight is not None else ("", None)
    given: dict[str, Any] = {"affine": True} if kernel is not None else {}
    value = r.flat.step(site._replace(key=key), "instnorm", r.map(site, x), eps=eps, stored=kernel.stored if kernel else None, **given)
    return r.of(value)


# number by number


def _pointwise(step: str) -> Row:
    def made(r: Reader, site: Site, x: Any) -> View:
        return r.pointwise(site, x, step)

    return made


for _name in ("relu", "relu6", "sigmoid", "tanh", "silu", "selu", "mish", "hardswish", "hardsigmoid", "abs"):
    row(_name)(_pointwise(_name))


@row("gelu")
def _gelu(r: Reader, site: Site, x: Any, approximate: str) -> View:
    return r.pointwise(site, x, "gelu", **({"approx": "tanh"} if approximate == "tanh" else {}))


@row("elu")
def _elu(r: Reader, site: Site, x: Any, alpha: float) -> View:
    return r.pointwise(site, x, "elu", alpha=float(alpha))


@row("leaky_relu")
def _leaky(r: Reader, site: Site, x: Any, negative_slope: float) -> View:
    return r.pointwise(site, x, "leaky", slope=float(negative_slope))


@row("hardtanh")
def _hardtanh(r: Reader, site: Site, x: Any, min_val: float, max_val: float) -> View:
    if (min_val, max_val) != (0, 6):
        raise Unsaid(f"it cuts off below {min_val:g} and above {max_val:g}")
    return r.pointwise(site, x, "relu6")


@row("clamp")
def _clamp(r: Reader, site: Site, x: Any, min: Any, max: Any) -> View:
    low, high = -inf if min is None else float(min), inf if max is None else float(max)
    if (low, high) == (-inf, inf):
        return x  # type: ignore[no-any-return]
    steps = {(0.0, inf): "relu", (0.0, 6.0): "relu6"}
    if (low, high) not in steps:
        raise Unsaid(f"it cuts off below {low:g} and above {high:g}")
    return r.pointwise(site, x, steps[low, high])


@row("prelu")
def _prelu(r: Reader, site: Site, x: Any, weight: Any) -> View:
    key, kernel = r.kernel(weight, None)
    if kernel.shape == (1,):
        return View(r.flat.step(site._replace(key=key), "prelu", x.value, stored=kernel.stored), x.dims)
    return r.on_channels(site._replace(key=key), x, 1, "prelu", shared=False, stored=kernel.stored)


@row("softplus")
def _softplus(r: Reader, site: Site, x: Any, beta: float) -> View:
    if beta != 1:
        raise Unsaid(f"its beta is {beta:g}")
    return r.pointwise(site, x, "softplus")


@row("dropout", "feature_dropout", takes=(Scores,))
def _dropout(r: Reader, site: Site, x: Any, p: float, input: Any) -> Any:
    x = input if input is not None else x
    if isinstance(x, Scores) or p == 0:
        r.dropped |= {site.path} if p else set()
        return x
    return r.pointwise(site, x, "dropout2d" if "feature" in site.operator else "dropout", p=float(p))


@row("softmax", "log_softmax", takes=(Scores,))
def _softmax(r: Reader, site: Site, x: Any, dim: int) -> Any:
    if isinstance(x, Scores):
        if dim not in (-1, len(x.queries.dims) - 1) or x.last or x.weighed or "log" in site.operator:
            raise Unsaid("it weighs queries or heads, not keys")
        return x._replace(weighed=True)
    return r.softmax(site, x, dim, "logsoftmax" if "log" in site.operator else "softmax")
