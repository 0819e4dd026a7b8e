"""Normalisations as layers."""

from __future__ import annotations

from math import prod
from typing import Any

from archspec.imports.flat import Unsaid
from archspec.imports.imported import Stored
from archspec.imports.onnx.lowering import Call, row, short
from archspec.imports.onnx.shaping import reshaped
from archspec.imports.views import View


@row("BatchNormalization")
def _batch_norm(call: Call) -> View:
    if call.attribute("training_mode", 0) or len([name for name in call.node.outputs if name]) > 1:
        raise Unsaid("it is in training")
    x = call.x()
    names = dict(zip(("weight", "bias", "running_mean", "running_var"), (1, 2, 3, 4), strict=True))
    stored = {name: call.stored(at, (x.sizes[1],)) for name, at in names.items()}
    return call.tensors.on_channels(call.keyed(1, 2, 3, 4), x, 1, "bn", eps=call.attribute("epsilon", 1e-5), stored=stored)


@row("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def _layer_norm(call: Call) -> View:
    x = call.x()
    axis = call.attribute("axis", -1) % len(x.dims)
    if axis != len(x.dims) - 1:
        raise Unsaid("it is a norm over several axes")
    step = "ln" if call.node.operator == "LayerNormalization" else "rmsnorm"
    return _normed(call, x, -1, step, call.attribute("epsilon", 1e-5))


def _normed(call: Call, x: View, dim: int, step: str, eps: float) -> View:
    """A norm over the channels, with the weights that are there."""
    channels = x.sizes[dim]
    weighed, biased = call.has(1), call.has(2)
    if step == "ln" and weighed and not biased and not call.lowering.names.is_named(call.node.inputs[1]):
        ones = call.lowering.graph.numbers.get(call.node.inputs[1])
        weighed = ones is None or set(ones.values) != {1.0}
    given: dict[str, Any] = {"eps": short(eps)}
    if step == "ln":
        given |= {"affine": False} if not weighed else {} if biased else {"bias": False}
    elif not weighed:
        raise Unsaid("it is a norm without weights")
    if biased and not weighed:
        raise Unsaid("it is a norm with biases alone")
    stored = {name: call.stored(at, (channels,)) for name, at in (("weight", 1), ("bias", 2)) if call.has(at) and weighed}
    return call.tensors.on_channels(call.keyed(1, 2) if weighed else call.site, x, dim, step, stored=stored, **given)


@row("Norm")
def _composed(call: Call) -> View:
    """A norm that was written as several operators."""
    x, eps, step = call.x(), call.attribute("eps"), call.attribute("step")
    if step in ("ln", "rmsnorm"):
        axes = sorted({axis % len(x.dims) for axis in call.attribute("axes")})
        if call.attribute("last", False) and axes != [len(x.dims) - 1]:
            raise Unsaid("its weights lie along another axis")
        if len(axes) == 1 and axes[0] > 0:
            return _normed(call, x, axes[0], step, eps)
        if step == "ln" and axes == list(range(2, len(x.dims))):
            return _instance(call, x, eps)
        raise Unsaid("it is a norm over several axes")
    if step == "l2norm":
        return call.tensors.on_channels(call.site, x, call.attribute("axes")[0] % len(x.dims), "l2norm", eps=short(eps))
    if step == "bn":
        return _folded(call, x)
    if step == "grn":
        return _response(call, x, eps)
    if step == "evonorm":
        return _evolved(call, x, eps)
    if step == "gn":
        groups, within, behind = call.attribute("groups"), call.listed("", 3), call.listed("", 4)
        parts = (x.sizes[0], groups, prod(x.sizes[1:]) // groups)
        if within is None or behind is None or reshaped(x.sizes, within) != parts or reshaped(parts, behind) != x.sizes:
            raise Unsaid("it is a norm of groups that are reshaped to something else")
        return _group(call, x, groups, eps)
    return _instance(call, x, eps)


def _folded(call: Call, x: View) -> View:
    """A batch norm whose statistics are in its weights: the mean is 0, and the variance, with what is added to it, 1."""
    stored = {name: call.stored(at, (x.sizes[1],)) for name, at in (("weight", 1), ("bias", 2))}
    stored |= {"running_mean": Stored((), value=0.0), "running_var": Stored((), value=1 - 1e-5)}
    return call.tensors.on_channels(call.keyed(1, 2), x, 1, "bn", stored=stored)


def _response(call: Call, x: View, eps: float) -> View:
    rank = len(x.dims)
    axes = sorted(axis % rank for axis in call.attribute("axes"))
    over = [axis % rank for axis in call.attribute("over")]
    if len(over) != 1 or sorted((0, *axes, *over)) != list(range(rank)):
        raise Unsaid("it is no norm of the lengths of channels")
    stored = {name: call.stored(at, (x.sizes[over[0]],)) for name, at in (("weight", 1), ("bias", 2))}
    return call.tensors.on_channels(call.keyed(1, 2), x, over[0], "grn", eps=short(eps), stored=stored)


def _evolved(call: Call, x: View, eps: float) -> View:
    within, behind = call.listed("", 4), call.listed("", 5)
    parts = reshaped(x.sizes, within) if within is not None else None
    axes = sorted(axis % len(parts) for axis in call.attribute("axes")) if parts is not None else []
    if (
        parts is None
        or behind is None
        or reshaped(parts, behind) != x.sizes
        or axes != list(range(2, len(parts)))
        or parts[0] != x.sizes[0]
    ):
        raise Unsaid("it is a norm of groups that are reshaped to something else")
    names = {"weight": 1, "bias": 2, **({"v": 3} if call.has(3) else {})}
    stored = {name: call.stored(at, (x.sizes[1],)) for name, at in names.items()}
    given = {"groups": parts[1], "eps": short(eps), "act": "v" in names}
    settled = call.tensors.of(call.tensors.settle(call.site, x))
    return call.tensors.on_channels(call.keyed(*names.values()), settled, 1, "evonorm", stored=stored, **given)


def _instance(call: Call, x: View, eps: float) -> View:
    if call.has(1) != call.has(2):
        raise Unsaid("it has weights or biases alone")
    stored = {name: call.stored(at, (x.sizes[1],)) for name, at in (("weight", 1), ("bias", 2)) if call.has(at)}
    given: dict[str, Any] = {"eps": short(eps), **({"affine": True} if stored else {})}
    site = call.keyed(1, 2) if stored else call.site
    return call.tensors.of(call.lowering.flat.step(site, "instnorm", call.tensors.map(site, x), stored=stored, given=given))


@row("InstanceNormalization")
def _instance_norm(call: Call) -> View:
    return _instance(call, call.x(), call.attribute("epsilon", 1e-5))


@row("GroupNormalization")
def _group_norm(call: Call) -> View:
    groups, x = call.attribute("num_groups"), call.x()
    if call.weight(1).shape != (x.sizes[1],):
        raise Unsaid("it has weights per group, as before opset 21")
    return _group(call, x, groups, call.attribute("epsilon", 1e-5))


def _group(call: Call, x: View, groups: int, eps: float) -> View:
    if not (call.has(1) and call.has(2)):
        raise Unsaid("it is a norm of groups without weights")
    stored = {name: call.stored(at, (x.sizes[1],)) for name, at in (("weight", 1), ("bias", 2))}
    settled = call.tensors.of(call.tensors.settle(call.site, x))
    return call.tensors.on_channels(call.keyed(1, 2), settled, 1, "gn", groups=groups, eps=short(eps), stored=stored)


@row("LRN")
def _lrn(call: Call) -> View:
    given = {
        "n": call.attribute("size"),
        "alpha": call.attribute("alpha", 1e-4),
        "beta": call.attribute("beta", 0.75),
        "k": call.attribute("bias", 1.0),
    }
    if given["n"] % 2 == 0:
        raise Unsaid("its window is even, and reads another channel than that of PyTorch")
    value = call.tensors.map(call.site, call.x())
    return call.tensors.of(call.lowering.flat.step(call.site, "lrn", value, **given))
