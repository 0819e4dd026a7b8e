"""Loads the weights of a file or a `state_dict` into a module, all of them or none, and reports what was done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from archspec.weights.files import Loaded, WeightsError, quoted, read_weights, unwrapped
from archspec.weights.match import COUNTER, Form, fit, form_of, is_called, prefix_of, short, untied


def load(net: nn.Module, source: str | os.PathLike[str] | Mapping[str, Any], skip: Sequence[str]) -> Loaded:
    """See archspec.load_weights."""
    if not isinstance(net, nn.Module):
        raise TypeError(f"weights are loaded into a module, such as `archspec.to_torch` gives, not into a {type(net).__name__}")
    if isinstance(skip, str):
        raise TypeError("`skip` is a list of names, not a text")
    if not isinstance(source, (str, os.PathLike, Mapping)):
        raise TypeError(f"weights are the path of a file or a state_dict, not a {type(source).__name__}")
    name = "the state_dict" if isinstance(source, Mapping) else str(Path(source))
    found = unwrapped(source, name) if isinstance(source, Mapping) else read_weights(source)
    held = {key: value for key, value in net.state_dict(keep_vars=True).items() if isinstance(value, Tensor)}
    tied = _tied(held)
    given = _given(found.tensors, tied, name)
    theirs = {key: form_of(f"`{key}` of {name}", value) for key, value in given.items()}
    held = {key: value for key, value in held.items() if key not in tied}
    _check_skip(skip, held, given)
    try:
        how, pairs, prefix = fit({key: Form(tuple(value.shape), short(value.dtype)) for key, value in held.items()}, theirs, skip)
        _check_kinds(held, given, pairs)
    except WeightsError as error:
        raise WeightsError(f"{name} does not fit the network: {error}. Nothing was loaded.", error.skip) from None
    values = {key: given[other] for key, other in pairs.items()}
    values |= _counters(held, values)
    _check_places(net, held, values)
    _copy(net, held, values)
    used = set(pairs.values())
    changes = Counter((short(given[other].dtype), short(held[key].dtype)) for key, other in pairs.items())
    return Loaded(
        source=name,
        how=how,
        pairs=tuple(pairs.items()),
        numbers=sum(given[other].numel() for other in pairs.values()),
        kept=tuple(key for key in held if key not in values),
        unused=tuple(key for key in given if key not in used),
        within=found.within,
        others=found.others,
        prefix=prefix,
        converted=tuple((of, to, count) for (of, to), count in sorted(changes.items()) if of != to),
        not_finite=tuple(key for key, value in net.state_dict().items() if key in pairs and not _is_finite(value)),
    )


def _counters(held: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A counter that no file holds, and that has no memory yet, begins at zero."""
    left = [key for key in held if key.rpartition(".")[2] == COUNTER and held[key].is_meta and key not in values]
    return {key: torch.zeros(held[key].shape, dtype=held[key].dtype) for key in left}


def _tied(held: Mapping[str, Tensor]) -> dict[str, str]:
    """The keys of parameters that a module holds under another key already, with that one."""
    first: dict[int, str] = {}
    found = {}
    for key, value in held.items():
        known = first.setdefault(id(value), key)
        if known != key and isinstance(value, nn.Parameter):
            found[key] = known
    return found


def _given(tensors: Mapping[str, Any], tied: Mapping[str, str], name: str) -> dict[str, Tensor]:
    """The tensors of a file, each once. Raises WeightsError."""
    prefix = prefix_of(tied)
    bare = {key.removeprefix(prefix): first.removeprefix(prefix) for key, first in tied.items()}
    try:
        return untied({key: _tensor(key, value, name) for key, value in tensors.items()}, bare)
    except WeightsError as error:
        raise WeightsError(f"{name} does not fit the network: {error}. Nothing was loaded.") from None


def _tensor(key: str, value: Any, name: str) -> Tensor:
    """Convert a value of a `state_dict` to a tensor; a value of another library is read as an array. Memory is shared where possible."""
    try:
        return value.detach() if isinstance(value, Tensor) else _from_array(value)
    except (TypeError, ValueError, RuntimeError):
        raise WeightsError(f"`{key}` of {name} is a {type(value).__name__}, not a tensor") from None


def _from_array(value: Any) -> Tensor:
    if not hasattr(value, "__array__"):
        return torch.as_tensor(value)
    import numpy as np

    array = np.asarray(value)
    if array.dtype.name == "bfloat16":  # the package ml_dtypes's, which JAX uses; torch knows the bits only
        return torch.as_tensor(np.require(array.view(np.int16), None, ["C", "A", "W"])).view(torch.bfloat16)
    # torch takes neither foreign byte orders nor negative strides, and warns of arrays that it must not write to
    return torch.as_tensor(np.require(array, array.dtype.newbyteorder("="), ["C", "A", "W"]))


def _check_skip(skip: Sequence[str], *sides: Mapping[str, Tensor]) -> None:
    keys = [key.removeprefix(prefix_of(side)) for side in sides for key in side] if skip else []
    for pattern in skip:
        if not any(is_called(key, pattern) for key in keys):
            raise WeightsError(f"skip: neither the network nor the file has a layer or tensor `{pattern}`. Nothing was loaded.")


def _check_kinds(held: Mapping[str, Tensor], given: Mapping[str, Tensor], pairs: Mapping[str, str]) -> None:
    """Whole numbers in place of real ones are quantised weights, whose scale is elsewhere; the reverse would lose digits."""
    for key, other in pairs.items():
        if _class(held[key].dtype) != _class(given[other].dtype):
            raise WeightsError(f"`{other}` holds {short(given[other].dtype)}, which cannot become the {short(held[key].dtype)} of `{key}`")


def _class(dtype: torch.dtype) -> str:
    return "real" if dtype.is_floating_point else "complex" if dtype.is_complex else "truth" if dtype is torch.bool else "whole"


def _check_places(net: nn.Module, held: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """On the meta device there is nothing to copy into: the tensors themselves are assigned, and none may be missing."""
    if not any(held[key].is_meta for key in values):
        return
    left = [key for key, tensor in held.items() if tensor.is_meta and key not in values]
    left += [key for key, buffer in net.named_buffers() if buffer.is_meta and key not in held]
    if left:
        raise WeightsError(
            f"the network is on the meta device, and {quoted(left)} would stay there; make it on the CPU. Nothing was loaded."
        )


def _copy(net: nn.Module, held: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    own = {tensor.untyped_storage().data_ptr() for tensor in held.values() if not tensor.is_meta}
    # The network's own tensors may be given under other keys, to swap layers: none is overwritten before it is read.
    values = {key: value.clone() if value.untyped_storage().data_ptr() in own else value for key, value in values.items()}
    placed = {key: torch.empty_like(value, dtype=held[key].dtype).copy_(value) for key, value in values.items() if held[key].is_meta}
    with torch.no_grad():
        for key, value in values.items():
            if key not in placed:
                held[key].copy_(value)
    if placed:
        net.load_state_dict(placed, strict=False, assign=True)


def _is_finite(tensor: Tensor) -> bool:
    """Whether a tensor has neither NaN nor infinity. A finite sum shows it at a fraction of the cost."""
    if not tensor.is_floating_point():
        return True
    tensor = tensor.float() if tensor.dtype.itemsize == 1 else tensor  # no arithmetic on float8
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())
