"""A network as an ONNX model, with weights that are drawn, given or declared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from archspec.analysis.tensors import aliases, tensors
from archspec.backends.onnx import proto
from archspec.backends.onnx.file import Emitted
from archspec.backends.onnx.layer import Load
from archspec.backends.onnx.lower import lower, needed
from archspec.backends.onnx.opsets import Settings
from archspec.ir.graph import Network
from archspec.weights.files import WeightsError, array, quoted, read_weights
from archspec.weights.initializers import draw
from archspec.weights.match import COUNTER, DERIVED, Form, fit, form_of, prefix_of, untied

Weights = Mapping[str, Any] | str | None


def emit(network: Network, *, weights: Weights = None, seed: int | None = None, external_data: bool = False, **settings: Any) -> Emitted:
    """Make the model of a network.

    `weights` are values by key, the path of a file that holds them, "none" to declare them as inputs, or None to draw them with `seed`.
    `settings` are those of `opsets.Settings`. Raises Unsupported for a layer that ONNX lacks, SpecError if a name has two meanings;
    ValueError if the settings make no sense, WeightsError if the weights do not fit; OSError and ImportError for the file of weights.
    """
    chosen = Settings(**settings)
    chosen.check()
    if seed is not None and seed < 0:
        raise ValueError(f"`seed` must be a whole number of at least 0, not {seed}")
    if seed is not None and weights is not None:
        raise ValueError("`seed` is for weights that are drawn: leave out `seed` or `weights`")
    declare = weights == "none"
    if declare and chosen.fold_bn:
        raise ValueError("batch norms cannot be folded without weights")
    load, note = (partial(draw, seed=seed or 0), "") if weights is None or declare else _given(network, weights)
    draft = lower(network, chosen, load)
    graph = proto.graph(network, draft, declare=declare)
    return Emitted(proto.model(network, chosen), graph, [] if declare else list(draft.stored.values()), note, external_data)


def _given(network: Network, weights: Mapping[str, Any] | str) -> tuple[Load, str]:
    """Take values by key, as a `state_dict` has them, or from a file. Returns what loads them, and how they were matched.

    They are matched as `load_weights` does: by name, else by structure. What belongs to heads that exist in training only may be
    missing. Raises WeightsError where they do not fit the network.
    """
    source = f"{weights}: " if isinstance(weights, str) else ""
    read = read_weights(weights, "numpy").tensors if isinstance(weights, str) else weights
    given = untied(read, aliases(network))
    theirs = {key: _real(key, value) for key, value in given.items() if key.rpartition(".")[2] not in (COUNTER, *DERIVED)}
    prefix, wanted = prefix_of(theirs), list(tensors(network))
    used = {place.name for place in needed(network)[0]}
    if not any(prefix + tensor.key in theirs for tensor in wanted if tensor.place.name not in used):
        wanted = [tensor for tensor in wanted if tensor.place.name in used]
    try:
        found = fit({tensor.key: Form(tensor.shape, "float32") for tensor in wanted}, theirs)
    except WeightsError as error:
        raise WeightsError(f"the weights do not fit the network: {error}", error.skip) from None
    renamed = [f"{other} -> {key}" for key, other in found.pairs.items() if key != other]
    how = f"{len(found.pairs):,} tensors matched by structure, {len(renamed):,} of them under other names: {quoted(renamed)}"
    return lambda tensor: array(given[found.pairs[tensor.key]]), source + how if found.how == "structure" else ""


def _real(key: str, value: Any) -> Form:
    """The form of a tensor of real numbers. Raises WeightsError for any other."""
    form = form_of(f"`{key}`", value)
    if not form.dtype.startswith(("float", "bfloat")):
        raise WeightsError(f"`{key}` holds {form.dtype}, not real numbers")
    return form
