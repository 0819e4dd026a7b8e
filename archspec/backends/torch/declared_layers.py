"""Declared layers in PyTorch: a function of torch.ops.aten, or one that is given to the module by its name."""

from __future__ import annotations

from typing import Any

from archspec.backends.registry import Unsupported
from archspec.backends.source.constructor import New, new
from archspec.backends.torch.module_names import RESERVED
from archspec.ir.graph import Network, Node
from archspec.ops.base import per_axis
from archspec.types import Type

_OWN = frozenset(["function", "functions", "keys"])
"""Names that the template has."""


def declared(op: Any, *_: Type) -> New:
    """The module with the arguments after the name, None for each value. Raises Unsupported."""
    for key, _shape in op.tensors:
        if key in RESERVED or key in _OWN:
            raise Unsupported(f"a module of PyTorch cannot have a tensor called `{key}`: the name means something else there")
    own = _function(op.name)
    if own is not None and (not own or "." in own or own.startswith("__")):
        raise Unsupported(f"`{op.name}` is no function of torch.ops.aten, whose names are such as `aten.roll`")
    if own is not None and own.endswith("_"):
        raise Unsupported(f"`{op.name}` changes the value that it reads, which other layers may read: write `{op.name.rstrip('_')}`")
    places = [None if isinstance(place, str) else place for place in op.places]
    shapes = {key: per_axis(shape, 1) for key, shape in op.tensors}
    return new("Custom", op.name, *places, **shapes) if own is None else new("Aten", own, *places, **shapes)


def check_functions(network: Network) -> None:
    """Raises Unsupported for a function that the PyTorch at hand lacks."""
    import torch

    for graph in network.graphs():
        for _, element in graph.layered:
            own = _function(getattr(element.op, "name", "")) if isinstance(element, Node) and element.op.step == "custom" else None
            if isinstance(element, Node) and own is not None and not hasattr(torch.ops.aten, own):
                raise Unsupported(f"PyTorch {torch.__version__} has no function `torch.ops.aten.{own}`", element.span)


def _function(name: str) -> str | None:
    """The name of a function of torch.ops.aten; None for what is none."""
    package, _, own = name.partition(".")
    return own if package == "aten" else None
