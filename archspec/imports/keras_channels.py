"""Keras's layers over the channels: fully connected ones, norms, activations; and those that merge or rearrange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.imported import Stored
from archspec.imports.keras_config import is_whole, shown, single
from archspec.imports.keras_table import activated, merging, numbers, row, softmax
from archspec.imports.keras_views import Keras, Spot, along, places
from archspec.imports.views import View
from archspec.types import Tokens, Vector, is_line

_EPSILON = 1e-3
"""That of Keras's norms: https://keras.io/api/layers/normalization_layers."""


def axis_of(spot: Spot, x: View, default: int = -1) -> int:
    """The dimension of a layer that acts along one."""
    said = spot.config.get("axis")
    said = said[0] if isinstance(said, list) and len(said) == 1 else default if said is None else said
    if not is_whole(said):
        raise Unsaid(f"its `axis` is {shown(said)}")
    return along(x, said)


@row("Dense")
def dense(k: Keras, spot: Spot, x: View) -> View:
    """A fully connected layer, or one over the last axis."""
    spot.config.must(lora_rank=None)
    n, bias = spot.config.count("units"), spot.config.flag("use_bias", True)
    if len(x.dims) > 2:
        stored = places({"weight": spot.weight(0, (), (1, 0)), "bias": spot.weight(1)}, bias)
        return activated(k, spot, k.over(spot, "linear", x, n=n, bias=bias, stored=stored))
    x, sizes, order = k.features(spot, x)
    # the rows of Keras's matrix are in the order of its numbers, channels last; the columns of ours in that of the value
    weight = spot.weight(0, (*sizes, n), (len(sizes), *order)) if sizes else spot.weight(0, (), (1, 0))
    stored = places({"weight": weight, "bias": spot.weight(1)}, bias)
    value = k.step(spot, "linear" if spot.layer.name in k.tables else "fc", x.value, n=n, bias=bias, stored=stored)
    return activated(k, spot, View(value, k.of(value).dims))


@row("Flatten")
def flatten(k: Keras, spot: Spot, x: View) -> View:
    """All numbers as a vector; channels go last before, whatever the order of the axes."""
    if spot.lead:
        return k.shaped(spot, x, [x.sizes[1], -1])
    if len(x.dims) == 1:
        return x._replace(dims=((), ()))
    at = k.at(x, spot.config)
    dims = [dim for number, dim in enumerate(x.dims) if number != at]
    return k.vector(spot, k.shaped(spot, x._replace(dims=(*dims, x.dims[at])), [-1]))


@row("BatchNormalization", "SyncBatchNormalization")
def batch_norm(k: Keras, spot: Spot, x: View) -> View:
    """Batch normalisation; without a factor or an offset, one of the two is a layer of its own."""
    spot.config.must(renorm=False)
    at = axis_of(spot, x)
    scale, center = spot.config.flag("scale", True), spot.config.flag("center", True)
    given = {"eps": spot.config.number("epsilon", _EPSILON), "momentum": single(1 - spot.config.number("momentum", 0.99))}
    x, lies = _channels(k, spot, x, at)
    names = [*["weight"] * scale, *["bias"] * center, "running_mean", "running_var"]
    stored = {name: lies(number) for number, name in enumerate(names)}
    if scale and center:
        return _normed(k, spot, x, at, "bn", stored, **given)
    running = {name: each for name, each in stored.items() if name.startswith("running")}
    key = "norm" if scale or center else None
    x = _normed(k, spot, x, at, "bn", running, affine=False, key=key, **given)
    if scale:
        return _scaled(k, spot, x, at, stored["weight"], "gamma")
    return offset(k, spot, x, at, stored["bias"]) if center else x


def _channels(k: Keras, spot: Spot, x: View, at: int) -> tuple[View, Any]:
    """A tensor, and where its weights of one number per channel lie; those of a vector may have another order."""
    if len(x.dims) > 2:
        return x, spot.weight
    x, sizes, order = k.features(spot, x)
    return x, lambda number: spot.weight(number, sizes, order)


def _normed(k: Keras, spot: Spot, x: View, at: int, step: str, stored: Any, **given: Any) -> View:
    if len(x.dims) == 2:
        return x._replace(value=k.step(spot, step, x.value, stored=stored, **given))
    return k.over(spot, step, x, at, stored=stored, **given)


def _scaled(k: Keras, spot: Spot, x: View, at: int, stored: Stored, key: str | None = None, **given: Any) -> View:
    """A factor per channel."""
    value = x.value if len(x.dims) == 2 else k.value(spot, x, at)
    here = k.flat.type_of(value)
    ones = (1,) * (len(here.shape) - 1) if not isinstance(here, Tokens) else ()
    if ones and not stored.order and stored.keys:
        stored = stored._replace(shape=(here.channels, *ones))
    found = k.step(spot, "scale", value, key=key, stored={"": stored}, **given)
    return x._replace(value=found) if len(x.dims) == 2 else k.back(found, at)


def offset(k: Keras, spot: Spot, x: View, at: int, stored: Stored) -> View:
    """An offset per channel: a stored vector that is added."""
    value = x.value if len(x.dims) == 2 else k.value(spot, x, at)
    beta = k.step(spot, "tensor", key="beta", shape=k.flat.type_of(value).channels, stored={"": stored})
    stretch: dict[str, Any] = {} if isinstance(k.flat.type_of(value), Vector) else {"stretch": True}
    found = k.step(spot, "add", value, beta, **stretch)
    return x._replace(value=found) if len(x.dims) == 2 else k.back(found, at)


@row("LayerNormalization")
def layer_norm(k: Keras, spot: Spot, x: View) -> View:
    """Layer normalisation over the last axis."""
    spot.config.must(rms_scaling=False)
    at = axis_of(spot, x)
    scale, center = spot.config.flag("scale", True), spot.config.flag("center", True)
    if center and not scale:
        raise Unsaid("it has an offset and no factor")
    x, lies = _channels(k, spot, x, at)
    stored = ({"weight": lies(0)} if scale else {}) | ({"bias": lies(1)} if center else {})
    given: dict[str, Any] = {"affine": False} if not scale else {} if center else {"bias": False}
    return _normed(k, spot, x, at, "ln", stored, eps=spot.config.number("epsilon", _EPSILON), **given)


@row("RMSNormalization")
def rms_norm(k: Keras, spot: Spot, x: View) -> View:
    """Division by the root of the mean square, and a factor."""
    at = axis_of(spot, x)
    x, lies = _channels(k, spot, x, at)
    return _normed(k, spot, x, at, "rmsnorm", {"weight": lies(0)}, eps=spot.config.number("epsilon", 1e-6))


@row("UnitNormalization")
def unit_norm(k: Keras, spot: Spot, x: View) -> View:
    """Division by the length, whose square is 1e-12 at least: keras.utils.normalize."""
    at = axis_of(spot, x)
    if len(x.dims) == 2:
        return k.alone(spot, "l2norm", k.vector(spot, x), eps=1e-6)
    return k.over(spot, "l2norm", x, at, eps=1e-6)


@row("GroupNormalization")
def group_norm(k: Keras, spot: Spot, x: View) -> View:
    """Group normalisation; groups of one channel are instance normalisation."""
    at = axis_of(spot, x)
    scale, center = spot.config.flag("scale", True), spot.config.flag("center", True)
    groups, eps = spot.config.get("groups"), spot.config.number("epsilon", _EPSILON)
    stored = {"weight": spot.weight(0), "bias": spot.weight(1)} if scale else {}
    if scale != center:
        raise Unsaid("it has one of a factor and an offset")
    if groups == -1 or groups == x.sizes[at]:
        return k.over(spot, "instnorm", x, at, stored=stored, affine=scale, eps=eps, kind="map")
    if not scale:
        raise Unsaid("it has neither a factor nor an offset")
    return k.over(spot, "gn", x, at, stored=stored, groups=spot.config.count("groups", 32), eps=eps)


@row("Activation")
def activation(k: Keras, spot: Spot, x: View) -> View:
    """An activation function."""
    return activated(k, spot, x)


@row("ReLU")
def relu(k: Keras, spot: Spot, x: View) -> View:
    """Its forms: up to 6, or with a slope below 0."""
    spot.config.must(threshold=0)
    most, slope = spot.config.get("max_value"), spot.config.number("negative_slope", 0.0)
    if most is not None and (most != 6 or slope):
        raise Unsaid(f"its `max_value` is {shown(most)}")
    if slope:
        return k.alone(spot, "leaky", x, slope=slope)
    found = k.alone(spot, "relu" if most is None else "relu6", x)
    before = k.flat.made(x.value)
    if most is not None and before is not None and before.op.arguments() == {"number": 3.0} and before.op.step == "add":
        k.hard[found.value] = before.inputs[0]
    return found


@row("LeakyReLU")
def leaky(k: Keras, spot: Spot, x: View) -> View:
    """A slope below 0."""
    name = "alpha" if spot.config.get("alpha") is not None else "negative_slope"
    return k.alone(spot, "leaky", x, slope=spot.config.number(name, 0.3))


@row("ELU")
def elu(k: Keras, spot: Spot, x: View) -> View:
    """An exponential below 0."""
    return k.alone(spot, "elu", x, alpha=spot.config.number("alpha", 1.0))


@row("PReLU")
def prelu(k: Keras, spot: Spot, x: View) -> View:
    """A learned slope: one for each channel, or for all."""
    shared = spot.config.get("shared_axes") or []
    if not isinstance(shared, list) or not all(map(is_whole, shared)):
        raise Unsaid(f"its `shared_axes` are {shown(shared)}")
    rest = set(range(1, len(x.dims))) - {along(x, axis) for axis in shared}
    wide = [at for at in rest if x.sizes[at] > 1]
    if len(wide) > 1:
        raise Unsaid("it has a slope for each position")
    at = wide[0] if wide else len(x.dims) - 1
    if not wide and x.sizes[at] > 1:
        return k.alone(spot, "prelu", x, stored={"weight": spot.weight(0, (1,))})
    x, lies = _channels(k, spot, x, at)
    stored = {"weight": lies(0) if len(x.dims) == 2 else spot.weight(0, (x.sizes[at],))}
    return _normed(k, spot, x, at, "prelu", stored, shared=False)


@row("Softmax")
def soft(k: Keras, spot: Spot, x: View) -> View:
    """A softmax."""
    return softmax(k, spot, x, axis_of(spot, x))


@row("Dropout")
def dropout(k: Keras, spot: Spot, x: View) -> View:
    """Dropout of numbers, or of the whole value of an example."""
    shape = spot.config.get("noise_shape")
    rate = spot.config.number("rate", 0.5)
    if shape is None:
        return k.alone(spot, "dropout", x, p=rate)
    if isinstance(shape, list) and len(shape) == len(x.dims) and all(one == 1 for one in shape[1:]):
        return k.alone(spot, "droppath", x, p=rate)
    raise Unsaid(f"its `noise_shape` is {shown(shape)}")


@row("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def dropout_channels(k: Keras, spot: Spot, x: View) -> View:
    """Dropout of whole channels."""
    return k.over(spot, "dropout2d", x, k.at(x, spot.config), kind="map", p=spot.config.number("rate", 0.5))


_TRAINING = (
    "Identity", "ActivityRegularization", "GaussianNoise", "GaussianDropout", "AlphaDropout", "RandomFlip", "RandomRotation", "RandomZoom",
    "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomPerspective", "RandomGrayscale", "RandomGaussianBlur", "RandomErasing", "RandomElasticTransform", "RandomColorJitter",
    "RandomColorDegeneration", "RandomInvert", "RandomPosterization", "RandAugment", "AugMix", "MixUp", "CutMix",
)  # fmt: skip
"""Layers that do nothing in inference, and have no weights. `RandomCrop` is none: it resizes then."""


@merging(*_TRAINING)
def nothing(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """What is read."""
    return inputs[0]


@row("Rescaling")
def rescaling(k: Keras, spot: Spot, x: View) -> View:
    """A constant factor and offset."""
    factors, offset = numbers(spot.config.get("scale")), numbers(spot.config.get("offset") or 0.0)
    if len(offset) > 1:
        raise Unsaid("it has an offset for each channel")
    if len(factors) > 1:
        if len(factors) != x.sizes[-1]:
            raise Unsaid(f"it has {len(factors)} factors for {x.sizes[-1]} channels")
        x = _scaled(k, spot, x, len(x.dims) - 1, Stored((f"{spot.source}/scale",)), frozen=True)
    elif factors[0] != 1:
        x = k.alone(spot, "mul", x, number=factors[0])
    return k.alone(spot, "add", x, number=offset[0]) if offset[0] else x


@row("Normalization")
def normalization(k: Keras, spot: Spot, x: View) -> View:
    """Constants that are subtracted and divided by; those of the data are stored. The divisor is 1e-7 at least: keras.config.epsilon."""
    spot.config.must(invert=False)
    mean, variance = spot.config.get("mean"), spot.config.get("variance")
    if mean is not None and len(numbers(mean)) == len(numbers(variance)) == 1:
        (less,), (squared,) = numbers(mean), numbers(variance)
        x = k.alone(spot, "sub", x, number=less) if less else x
        return k.alone(spot, "mul", x, number=single(max(squared, 1e-14) ** -0.5))
    at = axis_of(spot, x)
    names: Sequence[object] = (0, 1) if mean is None else ("mean", "variance")
    channels = x.sizes[at]
    if mean is not None and not len(numbers(mean)) == len(numbers(variance)) == channels:
        raise Unsaid(f"it has {len(numbers(mean))} means and {len(numbers(variance))} variances for {channels} channels")
    places_ = [Stored((f"{spot.source}/{name}",), (channels,)) for name in names]
    stored = dict(zip(("running_mean", "running_var"), places_, strict=True))
    return k.over(spot, "bn", x, at, stored=stored, affine=False, eps=1e-14, momentum=0.0)


@row("LayerScale")
def layer_scale(k: Keras, spot: Spot, x: View) -> View:
    """A learned factor per channel: that of keras.applications.convnext."""
    if "projection_dim" not in spot.config.given or spot.config.count("projection_dim") != x.sizes[-1]:
        raise Unsaid("it is a layer of your own")
    init = spot.config.number("init_values", 1.0)
    return _scaled(k, spot, x, len(x.dims) - 1, spot.weight(0), init=init)


@merging("CustomScaleLayer")
def scaled_sum(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """The first value and a multiple of the second: keras.applications.inception_resnet_v2."""
    if len(inputs) != 2:
        raise Unsaid(f"it is called with {len(inputs)} values")
    return add(k, spot, [inputs[0], k.alone(spot, "mul", inputs[1], number=spot.config.number("scale"))])


# where paths meet


@merging("Add")
def add(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """The sum."""
    return _met(k, spot, "add", inputs)


@merging("Subtract")
def subtract(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """The difference."""
    return _met(k, spot, "sub", inputs)


@merging("Multiply")
def multiply(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """The product."""
    return _met(k, spot, "mul", inputs)


@merging("Average")
def average(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """The mean."""
    return k.alone(spot, "mul", add(k, spot, inputs), number=single(1 / len(inputs)))


def _met(k: Keras, spot: Spot, step: str, inputs: Sequence[View]) -> View:
    if len(inputs) < 2:
        raise Unsaid("it is called with one value")
    values, back = k.same(spot, inputs)
    alike = len({k.flat.type_of(value) for value in values}) == 1
    stretch: dict[str, Any] = {} if alike or step == "mul" else {"stretch": True}
    found: View = back(k.step(spot, step, *values, **stretch))
    return found


@merging("Concatenate")
def concatenate(k: Keras, spot: Spot, inputs: Sequence[View]) -> View:
    """Values one behind the other along an axis."""
    first = inputs[0]
    if len(inputs) < 2:
        return first
    if any(len(x.dims) != len(first.dims) for x in inputs):
        raise Unsaid("its values have different numbers of axes")
    at = axis_of(spot, first)
    if at == 1 and len(first.dims) == 3:
        line = any(is_line(k.flat.type_of(x.value)) for x in inputs)
        values = [k.value(spot, x, 2, "map" if line else "tokens") for x in inputs]
        return k.back(k.step(spot, "concat", *values, axis="t"))
    line = len(first.dims) == 3 and any(is_line(k.flat.type_of(x.value)) for x in inputs)
    values = [k.value(spot, x, at, "map" if line else "") for x in inputs]
    return k.back(k.step(spot, "concat", *values), at)


# axes


@row("Reshape")
def reshape(k: Keras, spot: Spot, x: View) -> View:
    """Other axes, in the order of the numbers."""
    sizes = spot.config.get("target_shape")
    if not isinstance(sizes, list) or not all(size == -1 or is_whole(size) for size in sizes):
        raise Unsaid(f"its `target_shape` is {shown(sizes)}")
    return k.shaped(spot, x, [*x.sizes[1 : 1 + spot.lead], *sizes])


@row("Permute")
def permute(k: Keras, spot: Spot, x: View) -> View:
    """The axes in another order."""
    order = spot.config.get("dims")
    if not isinstance(order, list) or not all(map(is_whole, order)) or sorted(order) != list(range(1, len(x.dims))):
        raise Unsaid(f"its `dims` are {shown(order)}")
    return x._replace(dims=((), *[x.dims[at] for at in order]))
