"""Rows and totals: the only input of every table and picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from archspec.analysis.cost import Cost, Costs, needed_elements
from archspec.analysis.memory import Peaks
from archspec.analysis.phases import Field
from archspec.analysis.receptive_field import ReceptiveFields
from archspec.diagnostics import did_you_mean
from archspec.diagnostics.markup import html_pairs
from archspec.diagnostics.visible import visible
from archspec.ir.graph import Graph, Network, Node
from archspec.ir.walk import Enter, Visit, events
from archspec.ops.base import POINT, counted
from archspec.ops.worked import worked
from archspec.types import Type

if TYPE_CHECKING:
    import pandas

Shape = tuple[int, ...]
COUNTS = ("params", "weights", "biases", "buffers", "frozen", "macs", "flops", "activations")
"""What tables count of a layer."""


def _count(name: str, about: str) -> Any:
    """Make an attribute of the row that reads a count of its cost."""
    return property(attrgetter(f"cost.{name}"), doc=about)


def _known(name: str, about: str) -> Any:
    """Make an attribute of the row that reads a count of its cost, None where the layer is uncounted."""
    return property(lambda row: None if row.cost.uncounted else getattr(row.cost, name), doc=f"{about} None where it is not known.")


class _Fields(NamedTuple):
    name: str
    op: str
    config: str
    sources: tuple[str, ...]
    line: int | None
    inputs: tuple[Shape, ...]
    output: Shape
    cost: Cost
    receptive_field: Shape | None
    smallest_field: Shape | None
    jump: tuple[float, ...] | None
    times: int
    training: bool
    owner: str | None
    tied: str | None
    node: Node
    types: tuple[Type, ...]


class Row(_Fields):
    """One layer. Shapes are channels last; counts are for one image in inference.

    `receptive_field` is the largest size per axis that a position sees (the whole input for a layer that sees all of it),
    `smallest_field` the least, where positions see unlike much, and `jump` the distance of neighbouring fields, on average; each is None
    where it is not known. `times` is above 1 in a folded report only: the row represents that many layers. `training` marks the layers of
    heads that exist in training only. `owner` is the layer whose weights it uses, which are counted there; None where they are its own.
    `tied` is the layer whose `weight` alone it uses.
    """

    __slots__ = ()

    params: int = _count("params", "Weights and biases: what training learns, unless they are frozen.")
    weights: int = _count("weights", "Learned numbers except biases.")
    biases: int = _count("biases", "Learned numbers that are added, one per output channel.")
    buffers: int = _count("buffers", "Stored numbers that are not learned, such as the running mean and variance of `bn`.")
    frozen: int = _count(
        "frozen", "Stored weights that are fixed: those of a frozen layer, which are among `params`, and the codes of `rbf`."
    )
    learned: int = _count("learned", "Parameters that are not frozen.")
    macs: int | None = _known("macs", "Multiply-accumulate operations for one image; adding a bias is not one.")
    flops: int | None = _known(
        "flops", "Floating-point operations for one image: 2 per MAC, and the elementary operations of everything else (docs/layers.md)."
    )
    activations: int = _count("activations", "Numbers that the layer puts out for one image.")
    connections: int = _count(
        "connections", "Connections as LeCun et al. (1998) count them: inputs, the bias included, summed over the output units."
    )

    def __repr__(self) -> str:
        size = "x".join(map(str, self.output))
        macs = counted(self.macs, "MAC") if self.macs is not None else "? MACs"
        return f"Row({visible(self.name)}: {self.written} -> {size}, {counted(self.params, 'parameter')}, {macs})"

    def _repr_html_(self) -> str:
        shown = ("output", "params", "macs", "flops", "activations", "receptive_field")
        return html_pairs(f"{self.name}: {self.written}", [(name, getattr(self, name)) for name in shown])

    @property
    def work(self) -> dict[str, str]:
        """The formulas with numbers filled in."""
        work = worked(self.node.op, self.types, self.node.type)
        return work if self.owner is None and self.tied is None else {name: how for name, how in work.items() if name != "params"}

    @property
    def written(self) -> str:
        """The step with its arguments, the names of values among them, and whose weights it uses, if not its own."""
        op = self.node.op
        config = op.config(*self.types, operands=self.sources[1:]) if op.reads_values() else self.config
        return f"{self.op} {config}".rstrip() + (f" = {self.owner}" if self.owner is not None else "")


class Totals(NamedTuple):
    """Sums over the layers, for one image in inference: counts of numbers and of operations, as those of `Row`.

    `activations` counts each stored number once: the input, and every output that needs memory of its own; `peak_activations` is the most
    of them that are needed at once. `macs` and `flops` leave out the `uncounted` layers, whose own are not known. `receptive_field` is the
    largest that a position of the output has, and `smallest_field` the least, in positions of the input per axis; None where not known.
    """

    layers: int
    params: int
    weights: int
    biases: int
    buffers: int
    frozen: int
    macs: int
    flops: int
    activations: int
    peak_activations: int
    connections: int
    receptive_field: Shape | None
    smallest_field: Shape | None
    uncounted: int = 0

    def _repr_html_(self) -> str:
        return html_pairs("totals", self.counts().items())

    def counts(self) -> dict[str, Any]:
        """Return all by name; `uncounted` only where there are such layers."""
        return {name: value for name, value in self._asdict().items() if value or name != "uncounted"}

    @property
    def left_out(self) -> str:
        """Words behind the MACs, where they leave layers out."""
        return _left_out(self.uncounted)


def _left_out(uncounted: int) -> str:
    return f" without {counted(uncounted, 'layer')} whose own are not known" if uncounted else ""


def counts_in_words(network: Network) -> str:
    """What a program says of the network that it is: parameters, buffers and MACs, without the analyses that these do not need."""
    cost = Costs.of(network).network(network)
    frozen = f", {cost.params - cost.learned:,} of them frozen" if cost.params > cost.learned else ""
    return f"{cost.params:,} parameters{frozen}, {cost.buffers:,} buffers, {cost.macs:,} MACs per image{_left_out(cost.uncounted)}"


class Report:
    """The analysis of a network. Totals are computed from shared graphs; rows are made when they are asked for.

    `report["conv1"]` is the row of a layer, `report[0]` that of the first; `len` and iteration go over the layers.
    """

    views: ClassVar[dict[str, Callable[[Report], str]]] = {}
    """How a report is shown, as `html` and `text`; filled in from above, where tables are known."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._costs = Costs.of(network)
        self._fields = ReceptiveFields(network)
        self._fixed: dict[tuple[Graph, int], tuple[Any, ...]] = {}
        """What of a node's rows does not depend on where its graph is called, found by the first of them."""

    @property
    def model(self) -> str:
        """The name that the spec's line `model` gives, otherwise that of its file."""
        return self.network.name

    @property
    def inputs(self) -> dict[str, Shape]:
        """{name: shape, channels last}, in the order of the text."""
        return {i.name: i.type.shape for i in self.network.inputs}

    @property
    def outputs(self) -> dict[str, Shape]:
        """{name: shape, channels last}, in the order of the text."""
        return {output.name: self.network.graph.type_of(output.value).shape for output in self.network.outputs}

    @cached_property
    def totals(self) -> Totals:
        """Sums over all layers, computed from shared graphs without making rows."""
        cost = self._costs.network(self.network)
        least, largest, _ = self._fields.network() or (None, None, None)
        peak = Peaks().network(self.network)
        return Totals(
            self.network.graph.layers, cost.params, cost.weights, cost.biases, cost.buffers, cost.frozen,
            cost.macs, cost.flops, cost.stored, peak, cost.connections, largest, least, cost.uncounted,
        )  # fmt: skip

    @property
    def frozen_params(self) -> int:
        """Parameters that are frozen: in the total, and not learned."""
        cost = self._costs.network(self.network)
        return cost.params - cost.learned

    @cached_property
    def layers(self) -> list[Row]:
        """One row per layer, in the order of the text, made at the first use."""
        return list(self.rows())

    def __len__(self) -> int:
        return self.network.graph.layers

    def __iter__(self) -> Iterator[Row]:
        return self.rows()

    def __getitem__(self, key: str | int) -> Row:
        """The row of a layer, by name or by position. Raises KeyError, IndexError."""
        if not isinstance(key, str):
            return self.layers[key]
        found = next((row for row in self.layers if row.name == key), None)
        if found is None:
            raise KeyError(self._unknown(key))
        return found

    def __repr__(self) -> str:
        counts = [(len(self), "layer"), (self.totals.params, "parameter"), (self.totals.macs, "MAC")]
        return f"Report({visible(self.model)}: {', '.join(counted(*count) for count in counts)})"

    def __str__(self) -> str:
        return self.views["text"](self) if "text" in self.views else repr(self)

    def _repr_html_(self) -> str | None:
        return self.views["html"](self) if "html" in self.views else None

    def named(self, name: str) -> list[Row]:
        """Find the layer of a name, or all layers of a group (`layer1.0`). Raises ValueError where there is none."""
        rows = self.layers
        found = [row for row in rows if row.name == name] or [row for row in rows if row.name.startswith(name + ".")]
        if not found:
            raise ValueError(self._unknown(name))
        return found

    def _unknown(self, name: str) -> str:
        hint = did_you_mean(name, [row.name for row in self.layers], "`archspec table` names the layers")
        return f"there is no layer `{name}`; {hint}"

    def rows(self, *, fold: bool = False) -> Iterator[Row]:
        """Make the rows in order, lazily. Folded, equal rounds of a repeat are one row each with `times`."""
        network, fields = self.network, self._fields
        needed = needed_elements(network)
        names = [i.name for i in network.inputs]
        # For each open round, innermost last: the fields of its graph's values and of its inputs.
        start: list[Field] = [POINT]
        rounds = [(fields.inside(network.graph, start), start)]
        left = rounds[0]
        for event in events(network.graph, fold=fold):
            if isinstance(event, Visit):
                names += event.names
                field = rounds[-1][0](len(event.graph.inputs) + event.at)
                yield self._row(event, tuple([names[source] for source in event.sources]), field, not needed[event.top])
            elif isinstance(event, Enter):
                graph = event.call.graph
                inside, outer = left if event.round else rounds[-1]
                outer = [inside(graph.result), *outer[1:]] if event.round else [inside(value) for value in event.call.inputs]
                rounds.append((fields.inside(graph, outer), outer))
            else:
                left = rounds.pop()

    def _row(self, met: Visit, sources: tuple[str, ...], field: Field, training: bool) -> Row:
        graph, node = met.graph, met.node
        fixed = self._fixed.get((graph, met.at))
        if fixed is None:
            op, type_ = node.op, node.type
            types = graph.types_of(node)
            shapes = tuple(type_.shape for type_ in types)
            line = node.span.line if node.span is not None else None
            cost = self._costs.node(node, graph)
            fixed = self._fixed[graph, met.at] = (op.step, op.config(*types), line, shapes, type_.shape, cost, types)
        step, config, line, shapes, output, cost, types = fixed
        owner = met.owner if any(cost.tensors) else None
        cost = cost if owner is None else cost.borrowing()
        if met.tied is not None:
            config, cost = f"{config} weights={met.tied}", cost.tied() if owner is None else cost
        least, largest, jump = self._fields.sizes(field, node.type) or (None, None, None)
        return Row(
            met.name,
            step,
            config,
            sources,
            line,
            shapes,
            output,
            cost,
            largest,
            least,
            jump,
            met.times,
            training,
            owner,
            met.tied,
            node,
            types,
        )

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the rows as a pandas table. Raises ImportError where pandas is not installed."""
        import pandas as pd

        columns = ["name", "op", "config", "output", *COUNTS, "receptive_field"]
        return pd.DataFrame([{column: getattr(row, column) for column in columns} for row in self.layers], columns=columns)
