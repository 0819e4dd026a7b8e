"""A spec against the network that it is: the same verdict, the same layers, sizes, parameters and MACs; and written otherwise, the same spec."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import onnx

import archspec
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json
from archspec.source import Source
from archspec.syntax.printer import format_text
from tests.fuzzing.draw import Draw, Random
from tests.fuzzing.generator import Drawn, SpecGenerator
from tests.fuzzing.steps import Options
from tests.fuzzing.tape import BATCH, Entry
from tests.helpers.onnx import declared, fault, inferred
from tests.helpers.torch import counts
from tests.helpers.trees import outline

OPTIONS = Options()


def draw(source: Draw, options: Options = OPTIONS) -> Drawn:
    return SpecGenerator(source, options).generate()


def check_shape(seed: int) -> str | None:
    """None, or what differs for the spec of a seed."""
    return compare(draw(Random(seed)))


def compare(drawn: Drawn) -> str | None:
    """None, or what differs. Every other spec is formatted, the others are expanded and written as JSON; the text says which."""
    formats = zlib.crc32(drawn.text.encode()) % 2 == 0
    told = _formatted(drawn.text) if formats else None
    if told is not None:
        return told
    try:
        network = archspec.loads(drawn.text)
    except archspec.SpecError as error:
        return verdict(drawn, error)
    if drawn.refused:
        return f"taken, but: {drawn.refused}"
    return _counted(drawn, network) or (None if formats else _network_again(drawn, network)) or _as_onnx(drawn, network)


def verdict(drawn: Drawn, error: archspec.SpecError) -> str | None:
    """A spec that is refused: it must be, and where it fails. Further branches and calls may have mistakes of their own."""
    errors = [found for found in error.diagnostics if found.severity == "error"]
    told = "; ".join(f"{found.code} {found.message} ({found.span.line if found.span else None})" for found in errors)
    if drawn.refused is None:
        return f"refused: {told}"
    place = drawn.where.places.get(id(drawn.refused.item))
    if place is None:
        return f"refused at {drawn.refused.item!r}, which is not in the text"
    if place.line not in [found.span.line for found in errors if found.span is not None]:
        return f"refused at line {place.line} ({drawn.refused}), but told: {told}"
    return None


def _counted(drawn: Drawn, network: archspec.Network) -> str | None:
    report = archspec.analyze(network)
    ours, theirs = list(map(_ours, report.layers)), list(_theirs(drawn.tape.entries))
    for at, (row, entry) in enumerate(zip(ours, theirs, strict=False)):
        if row != entry:
            return f"layer {at}: {row}, but torch: {entry}"
    if len(ours) != len(theirs):
        return f"{len(ours)} layers, but torch has {len(theirs)}"
    outputs = {name: value.shape for name, (value, _) in drawn.outputs.items()}
    if report.outputs != outputs:
        return f"outputs {report.outputs}, but torch: {outputs}"
    trains = [row.training for row in report.layers]
    for at, (ours_, theirs_) in enumerate(zip(trains, in_training_only(drawn), strict=True)):
        if theirs_ is not None and ours_ != theirs_:
            return f"layer {at} {'exists' if theirs_ else 'does not exist'} in training only"
    totals = {name: getattr(report.totals, name) for name in ("weights", "biases", "frozen", "buffers", "macs")}
    summed = {name: sum(row[2 + at] for row in theirs) for at, name in enumerate(totals)}
    summed["macs"] -= sum(entry.macs for entry, only in zip(drawn.tape.entries, trains, strict=True) if only)
    return f"totals {totals}, but torch: {summed}" if totals != summed else None


def _ours(row: archspec.Row) -> tuple[Any, ...]:
    return (row.op, row.output, row.weights, row.biases, row.frozen, row.buffers, row.macs)


def _theirs(entries: Sequence[Entry]) -> Iterator[tuple[Any, ...]]:
    """What is told of each layer; tensors that several have are those of the first."""
    known: set[int] = set()
    for entry in entries:
        found = counts(entry.module, known)
        if entry.step != "rbf":  # whose codes are no parameters
            fixed = [tensor for tensor in entry.module.parameters() if not tensor.requires_grad]
            learned = counts(entry.module.requires_grad_(), known)
            found |= {kind: learned[kind] for kind in ("weights", "biases")}
            for tensor in fixed:
                tensor.requires_grad_(False)
        known |= {id(tensor) for tensor in entry.module.state_dict(keep_vars=True).values()}
        yield (entry.step, entry.output.shape, *(found[kind] for kind in ("weights", "biases", "frozen", "buffers")), entry.macs)


def in_training_only(drawn: Drawn) -> list[bool | None]:
    """For each layer, whether it serves `train` outputs alone; None where it also leads to a value that nobody reads, or belongs to a
    group or block that inference needs, and so is run as a whole.
    """
    first, entries = len(drawn.tape.inputs), drawn.tape.entries
    serves: list[set[str]] = [set() for _ in range(first + len(entries))]
    for value, training in drawn.outputs.values():
        serves[value.slot].add("training" if training else "inference")
    for slot in reversed(range(first, len(serves))):
        serves[slot] = serves[slot] or {"nobody"}
        for source in entries[slot - first].inputs:
            serves[source] |= serves[slot]
    only = [False if "inference" in found else None if "nobody" in found else True for found in serves[first:]]
    for whole in drawn.tape.wholes:
        if False in only[whole.start : whole.stop]:
            only[whole.start : whole.stop] = [False if each is False else None for each in only[whole.start : whole.stop]]
    return only


def _formatted(text: str) -> str | None:
    """The formatter keeps what was written, and what it wrote itself."""
    formatted = format_text(Source("t", text))
    before = outline(text)
    if before is None:
        return "the text cannot be read"
    if outline(formatted) != before:
        return f"formatted, the text says something else:\n{formatted}"
    return None if format_text(Source("t", formatted)) == formatted else f"formatting again changes:\n{formatted}"


def _network_again(drawn: Drawn, network: archspec.Network) -> str | None:
    """Expanded, and as a document, it is the same network."""
    flat = expand(network)
    try:
        again = archspec.loads(flat)
    except archspec.SpecError as error:
        return f"the expanded spec is refused: {error}\n{flat}"
    # What nobody reads in a head that exists in training only has no place in it any more once it is written flat.
    certain = None not in in_training_only(drawn) or not any(training for _, training in drawn.outputs.values())
    if _rows(network, certain) != _rows(again, certain):
        return f"the expanded spec is another network:\n{flat}"
    if expand(again) != flat:
        return f"expanding again changes:\n{flat}"
    document = to_json(network)
    back = from_json(document)
    if to_json(back) != document:
        return f"the document changes: {json.loads(document)}"
    if _rows(back, certain) != _rows(network, certain):
        return f"the document is another network: {json.loads(document)}"
    return None


def _rows(network: archspec.Network, certain: bool) -> list[dict[str, Any]]:
    """All that is told of a network; what runs in inference only where that is certain."""
    report = archspec.analyze(network)
    apart = {"line", "node"} | ({"training"} if not certain else set())
    found = [{name: value for name, value in row._asdict().items() if name not in apart} for row in report.layers]
    totals = report.totals._asdict()
    return [*found, report.outputs, totals if certain else {name: totals[name] for name in ("layers", "params", "buffers", "frozen")}]


def _as_onnx(drawn: Drawn, network: archspec.Network) -> str | None:
    """Shapes as onnx infers them."""
    try:
        model = archspec.to_onnx(network, "none")
    except archspec.SpecError as error:
        return f"not written as ONNX: {error}"
    told = fault({node.op_type for node in model.graph.node})
    try:
        found = inferred(model)
    except onnx.shape_inference.InferenceError as error:
        return f"onnx refuses the model: {error}"
    wanted = declared(model)
    for name, (value, training) in drawn.outputs.items():
        if not training and name in wanted and wanted[name][1:] != tuple(value.tensor.shape[1:]):
            return f"ONNX output {name} {wanted[name]}, but torch: {BATCH, *value.tensor.shape[1:]}"
    for name, shape in wanted.items():
        seen = found.get(name)
        if seen and any(entry.step == "tensor" for entry in drawn.tape.entries):  # onnx does not follow the batch that a tensor takes
            seen = tuple([own if str(size).startswith("unk__") else size for size, own in zip(seen, shape, strict=False)])
        if seen != shape and not (told and all(isinstance(a, str) or a == b for a, b in zip(seen or (), shape, strict=False))):
            return f"ONNX value {name} is {shape}, but onnx infers {seen}"
    return None
