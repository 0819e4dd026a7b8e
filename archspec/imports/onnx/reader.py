"""ONNX files as short specs. The file alone is opened, and what its tensors hold is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from archspec.diagnostics import Diagnostic, SpecError
from archspec.diagnostics.visible import visible
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Imported
from archspec.imports.onnx import combining, masks, moving, norm_patterns, norm_rows, rows, shaping, unary_rows  # noqa: F401 - they register rows and patterns
from archspec.imports.onnx.lowering import Lowering
from archspec.imports.onnx.model import Model, Node, Value, read_model
from archspec.imports.onnx.nodes import Graph
from archspec.imports.onnx.patterns import rewrite
from archspec.imports.onnx.wire import Damaged, Pieces, TooLarge, Wire
from archspec.imports.views import View
from archspec.types import LIMIT, Map, Type, Vector

_BATCH = 2
"""Images where the file leaves their number open: with one, a view that mixes them with other axes could not be told from one that does not."""
_OLDEST = 7
"""The first opset whose operators broadcast as today's: https://github.com/onnx/onnx/blob/main/docs/Changelog.md."""


def read(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    """Read a network. Raises SpecError: A611 for layers, A612 for a file that is damaged or too large, A613 for a shape that is missing."""
    with path.open("rb") as file:
        pieces = Pieces(file)
        try:
            model = read_model(pieces)
            _check(model)
            return _read(path, model, Wire(pieces), inputs)
        except TooLarge as large:
            raise _refusal("A612", f"the file is too large: {visible(str(large))[:400]}") from None
        except Damaged as damaged:
            help_ = "export or copy it again; `onnx.checker.check_model` tells more"
            raise _refusal("A612", f"the file is damaged, or no ONNX file: {visible(str(damaged))[:400]}", help_) from None


def _shown(name: str) -> str:
    """A name of the file in a message."""
    return visible(name)[:120]


def _refusal(code: str, message: str, help_: str | None = None) -> SpecError:
    return SpecError([Diagnostic(code, message, None, help=help_)])


def _check(model: Model) -> None:
    """Raises Damaged, or SpecError, for what makes no network."""
    if model.graphs != 1 or not (model.nodes or model.inputs):
        raise Damaged("it holds no graph" if model.graphs == 0 else "its graph has no nodes")
    if not model.outputs:
        raise Damaged("its graph has no outputs")
    version = model.opsets.get("", 1 if not model.opsets else _OLDEST)
    if version < _OLDEST:
        message = f"the file is of opset {version}, whose operators mean something else; {_OLDEST} and later are read"
        raise _refusal("A612", message, "`onnx.version_converter.convert_version(model, 17)` writes a newer one")
    if model.sparse:
        raise _refusal("A611", f"the tensor `{_shown(model.sparse[0])}` is sparse", "store it as a plain tensor")


def _read(path: Path, model: Model, wire: Wire, inputs: Mapping[str, tuple[int, ...]]) -> Imported:
    graph = Graph(model, wire)
    rewrite(graph)
    given = [value for value in graph.inputs if value.name in {name for node in graph.alive() for name in node.inputs} | set(graph.outputs)]
    if not given:
        raise _refusal("A611", "no output depends on an input")
    found: Flat | None = None
    for batch in _batches(given):
        flat = Flat(path.stem, path.name)
        declared = _declared(flat, graph, given, batch, inputs)
        lowering = Lowering(graph.copy(), flat, batch)
        lowering.values.update(declared)
        lowering.run()
        _finish(lowering)
        if not flat.found.errors and not flat.found.sorted():
            return flat.finish()
        if found is None or len(flat.found.sorted()) < len(found.found.sorted()) or (found.found.errors and not flat.found.errors):
            found = flat
    assert found is not None
    return found.finish()


def _batches(given: Sequence[Value]) -> tuple[int, ...]:
    """The numbers of images to read the graph for: that of the file, or two where it leaves it open, and else one."""
    sizes = {value.shape[0] for value in given if value.shape}
    whole = [size for size in sizes if isinstance(size, int)]
    return (whole[0],) if whole else (_BATCH, 1)


def _declared(flat: Flat, graph: Graph, given: Sequence[Value], batch: int, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, View]:
    """Declare the inputs of the network; the tensor of each."""
    found: dict[str, tuple[int, bool]] = {}
    missing = []
    names = {"", *[value.name for value in given], *(["input"] if len(given) == 1 else [])}  # what a spec calls the only one
    unknown = [name for name in shapes if name not in names]
    if unknown:
        has = ", ".join(f"`{_shown(value.name)}`" for value in given)
        raise _refusal("A613", f"it has no input `{_shown(unknown[0])}`; it has {has}")
    for value in given:
        shape = shapes.get(value.name) or ((shapes.get("") or shapes.get("input")) if len(given) == 1 else None)
        last = _channels_last(graph, value.name, value.shape)
        sizes = _sizes(value, shape, last)
        if sizes is None:
            missing.append(value)
            continue
        if prod(sizes) > LIMIT:
            raise _refusal("A611", f"the input `{_shown(value.name)}` would hold {prod(sizes):,} numbers, more than 2^63 - 1")
        type_: Type = Vector(sizes[0]) if len(sizes) == 1 else Map(tuple(sizes[:-1]), sizes[-1])
        found[value.name] = flat.input(value.name, type_), last
    if missing:
        raise SpecError([_open(value) for value in missing])
    from archspec.imports.views import Views

    views = Views(flat, batch)
    tensors = {name: (views.of(value), last) for name, (value, last) in found.items()}
    return {name: x._replace(dims=(x.dims[0], *x.dims[2:], x.dims[1])) if last else x for name, (x, last) in tensors.items()}


def _open(value: Value) -> Diagnostic:
    """Say that the shape of an input is not known."""
    shape = "x".join("?" if size is None else _shown(str(size)) for size in value.shape[:8]) if value.shape is not None else "of any shape"
    help_ = f"give it, channels last and without the batch: `--input {_shown(value.name)}=224x224x3`"
    return Diagnostic("A613", f"the input `{_shown(value.name)}` is {shape}: its size is open", None, help=help_)


def _sizes(value: Value, shape: tuple[int, ...] | None, last: bool) -> tuple[int, ...] | None:
    """The sizes of an input, channels last, without the batch: as they are given, or as the file says."""
    if value.shape is not None and not 2 <= len(value.shape) <= 5:
        raise _refusal("A611", f"the input `{_shown(value.name)}` has {len(value.shape)} axes, the batch included; a network takes 2 to 5")
    if shape is not None:
        if value.shape is not None and len(shape) != len(value.shape) - 1:
            message = f"the input `{_shown(value.name)}` has {len(value.shape) - 1} axes besides the batch, and {len(shape)} are given"
            raise _refusal("A613", message)
        return shape
    if value.shape is None:
        return None
    sizes = value.shape[1:]
    whole = tuple([size for size in sizes if isinstance(size, int) and size > 0])
    if len(whole) < len(sizes):
        return None
    return whole if last or len(whole) == 1 else (*whole[1:], whole[0])


_FIRST = frozenset(
    ["Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "Resize", "PRelu", "LRN"]
)  # fmt: skip
"""Operators that take the channels behind the batch."""
_LAST = frozenset(["MatMul", "Linear", "LayerNormalization", "RMSNormalization", "Gather", "RNN", "LSTM", "GRU", "Attention"])
"""Operators that take them last."""


def _channels_last(graph: Graph, name: str, shape: Sequence[object] | None) -> bool:
    """Whether the channels of an input are its last axis: by the first nodes behind it that say so; those of two axes are."""
    rank = len(shape or ())
    if rank == 2:
        return False
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for value in set(node.inputs):
            readers.setdefault(value, []).append(node)
    pending, seen = [name], set[str]()
    while pending and len(seen) < 64:
        value = pending.pop(0)
        if value in seen:
            continue
        seen.add(value)
        for node in readers.get(value, ()):
            if node.operator in ("Shape", "Size"):
                continue
            if node.operator == "Transpose":
                perm = node.attributes.get("perm", ())
                following = [each.operator for output in node.outputs for each in readers.get(output, ())]
                if perm == (0, rank - 1, *range(1, rank - 1)) and any(each in _FIRST for each in following):
                    return True
                return bool(rank == 3 and perm == (1, 0, 2))
            if node.operator in _FIRST:
                return False
            if node.operator in _LAST or (node.operator == "Norm" and node.attributes.get("axes") in ((-1,), (rank - 1,))):
                return True
            pending.extend(node.outputs)
    return False


def _finish(lowering: Lowering) -> None:
    """Name the outputs."""
    flat = lowering.flat
    for at, name in enumerate(lowering.graph.outputs):
        value: Any = lowering.values.get(name)
        site = Site("output", f"output `{_shown(name)}`")
        if not isinstance(value, View):
            if not flat.found.errors:
                flat.refuse(site, "it is a stored tensor, or what is known without an image")
            continue
        try:
            flat.output(lowering.tensors.settle(site, value), "output" if at == 0 else f"output{at + 1}")
        except Unsaid as unsaid:
            flat.refuse(site, str(unsaid))
