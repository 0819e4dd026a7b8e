"""A network as it runs: layers in the order in which they are read, and the module that plays them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import conv_flop_count

from tests.fuzzing.draw import Refused, demand
from tests.fuzzing.modules import Do
from tests.fuzzing.values import Value
from tests.helpers.torch import MAXPOOL

BATCH = 2
"""PyTorch refuses some norms of a single value, though not of a batch of two; and nothing may mix what a batch holds."""


TRANSPOSED = {torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d}
CONVOLUTIONS = {torch.conv1d, torch.conv2d, torch.conv3d, *TRANSPOSED}

RECURRENT = {torch.lstm, torch.gru, torch.rnn_tanh}
"""Each step of each image multiplies each matrix by a vector."""


class Products(TorchFunctionMode):
    """Counts the MACs of convolutions and matrix products, where torch is called for them."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in CONVOLUTIONS:
            self.macs += conv_flop_count(args[0].shape, args[1].shape, result.shape, transposed=func in TRANSPOSED) // 2
        elif func is F.linear or func is torch.matmul:
            self.macs += result.numel() * args[0].shape[-1]
        elif func in RECURRENT:
            self.macs += args[0].shape[:2].numel() * sum(weight.numel() for weight in args[2] if weight.dim() == 2)
        return result


class Merge(nn.Module):
    """add, mul, or concat along an axis. A vector is spread over the positions of a map."""

    def __init__(self, kind: str, axis: int) -> None:
        super().__init__()
        self.kind, self.axis = kind, axis

    def forward(self, *values: Tensor) -> Tensor:
        if self.kind == "concat":
            return torch.cat(values, self.axis)
        most = max(value.dim() for value in values)
        spread = [
            value[:, None] if self.axis == 2 and value.dim() < most else value.view(*value.shape, *[1] * (most - value.dim()))
            for value in values
        ]
        result = spread[0]
        for value in spread[1:]:
            result = result + value if self.kind == "add" else result - value if self.kind == "sub" else result * value
        return result


def matrices(x: Value, other: Value) -> tuple[nn.Module, Sequence[Value], str]:
    """The product of two sequences as matrices, whatever the order of their axes in memory."""
    demand(all(len(v.shape) == 2 for v in (x, other)) and x.channels == other.shape[0], "matrices that do not fit")

    def run(a: Tensor, b: Tensor) -> Tensor:
        y = torch.matmul(a if x.kind == "tokens" else a.mT, b if other.kind == "tokens" else b.mT)
        return y if x.kind == "tokens" else y.mT

    return Do(run), (x, other), x.kind


class Unpool(nn.Module):
    """Numbers back to where torch finds the maxima of windows that do not overlap; `unsettled` where rounding may move them."""

    def __init__(self, rank: int, w: int) -> None:
        super().__init__()
        self.find = MAXPOOL[rank](w, return_indices=True)
        self.put = {1: nn.MaxUnpool1d, 2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d}[rank](w)

        self.unsettled = False

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        places = self.find(other)[1]
        noise = torch.rand(other.shape, generator=torch.Generator().manual_seed(0), dtype=other.dtype)
        self.unsettled = not torch.equal(places, self.find(other + 1e-4 * other.abs().max() * noise)[1])
        return self.put(x, places, output_size=other.shape)


class Entry(NamedTuple):
    """A layer that ran; `shape` has the channels last."""

    step: str
    module: nn.Module
    inputs: tuple[int, ...]
    output: Value
    macs: int


class TooLarge(Exception):
    """Not refused, but more than what a quick comparison should hold."""


class Unsure(TooLarge):
    """The reference does not say whether this is refused."""


def settled(tensor: Tensor) -> Tensor:
    """A tensor in the plain order of memory.

    On a CPU PyTorch 2.13 crashes in `Conv1d(11, 1, 1, stride=2, padding=1, dilation=2)(torch.zeros(2, 1, 11).transpose(1, 2))`, whose
    input calls itself contiguous.
    """
    return tensor.clone(memory_format=torch.contiguous_format)


class Tape:
    """What ran so far. Slots 0, 1, ... are the inputs, then one for each entry."""

    def __init__(self, largest: int) -> None:
        self.inputs: list[Value] = []
        self.entries: list[Entry] = []
        self.wholes: list[range] = []
        """The entries of each group and block call."""
        self.largest = largest
        self.products = Products()

    def input(self, shape: tuple[int, ...], kind: str) -> Value:
        order = shape if len(shape) == 1 else (shape[-1], *shape[:-1])
        value = Value(len(self.inputs), kind, torch.zeros(BATCH, *order))
        self.inputs.append(value)
        return value

    def apply(self, step: str, module: nn.Module, values: Sequence[Value], kind: str) -> Value:
        """Run a module on values. Raises Refused where torch does, or nothing is left; TooLarge."""
        self.products.macs = 0
        try:
            with torch.no_grad(), self.products:
                result = module.eval()(*(value.tensor for value in values))
        except (RuntimeError, ValueError) as error:
            raise Refused(str(error)) from error
        demand(result.numel() > 0, "nothing is left")
        if result.numel() > self.largest or self.products.macs > 200 * self.largest:
            raise TooLarge
        value = Value(len(self.inputs) + len(self.entries), kind, settled(result), step == "tensor")
        self.entries.append(Entry(step, module, tuple(v.slot for v in values), value, self.products.macs // BATCH))
        return value

    def merge(self, kind: str, values: Sequence[Value], **arguments: Any) -> Value:
        """Bring values together by the rules of the language, which broadcasts less than torch does."""
        first = values[0]
        if kind == "matmul":
            return self.apply(kind, *matrices(*values))
        if kind == "unpool":
            return self.apply(kind, Unpool(values[1].rank, arguments["w"]), values, "map")
        along = arguments.get("axis", "c") == "t"
        if kind == "concat":
            demand(len({v.kind for v in values}) == 1, "different kinds side by side")
            demand(not along or all(len(v.shape) == 2 and v.channels == first.channels for v in values), "no sequences of one width")
        elif kind in ("add", "sub") and not any(v.stored and v.shape != first.shape for v in values) and not first.stored:
            demand(all((v.kind, v.shape) == (first.kind, first.shape) for v in values), "different shapes in a sum")
        else:
            first = max(values, key=lambda v: (len(v.shape), v.size))
            shapes = [_spread(value, first) for value in values]
            demand(None not in shapes and len(set(map(len, shapes))) == 1, "different kinds in a product")
            demand(all(len({*axis} - {1}) <= 1 for axis in zip(*shapes, strict=True)), "different shapes in a product")
        axis = 2 if (first.kind == "tokens") is not along else 1
        return self.apply(kind, Merge(kind, axis), values, first.kind)


def _spread(value: Value, over: Value) -> tuple[int, ...] | None:
    """The shape of a value beside another one in a product: a vector C is 1x1xC; None where the kinds do not fit."""
    if value.kind == "vector":
        return (1,) * (len(over.shape) - 1) + value.shape
    return value.shape if (value.kind, len(value.shape)) == (over.kind, len(over.shape)) else None


class Net(nn.Module):
    """A tape as a module: it gives the value of each slot that is asked for."""

    def __init__(self, tape: Tape, wanted: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(entry.module for entry in tape.entries)
        self.inputs = [entry.inputs for entry in tape.entries]
        self.wanted = wanted

    def forward(self, *given: Tensor) -> Tensor | tuple[Tensor, ...]:
        values = list(given)
        for layer, inputs in zip(self.layers, self.inputs, strict=True):
            values.append(settled(layer(*(values[slot] for slot in inputs))))
        found = tuple(values[slot] for slot in self.wanted)
        return found[0] if len(found) == 1 else found
