"""The argument of each row: a layer's inputs and tensors, and ways to add operators that do not depend on the opset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from archspec.analysis.tensors import Tensor, stored
from archspec.backends.onnx.draft import Array, Draft, Operator, Stored
from archspec.ir.walk import Place
from archspec.ops.merge import Arithmetic
from archspec.ops.turning import Turned
from archspec.types import Map, Tokens, Type

Load = Callable[[Tensor], Array]
ONE = "one"
"""The level of a value that is the same for all images, with a batch axis of size 1."""
BARE = "bare"
"""That of one without a batch axis: a tensor."""


class Source(NamedTuple):
    """A value in the graph. `level` is ONE or BARE, and empty where each image has its own."""

    value: str
    level: str = ""


class Layer:
    """A layer that is being lowered. Its last operator has its name; those before it are called `LAYER/operator`."""

    def __init__(self, draft: Draft, place: Place, sources: tuple[Source, ...], load: Load, about: str) -> None:
        self.draft = draft
        self.opset = draft.opset
        self.place = place
        self.name = place.name
        self.load = load
        self.about = about
        self.types = place.graph.types_of(place.node)
        self.added: list[Operator] = []
        self.alike = all(source.level for source in sources)
        """Whether its value is the same for all images."""
        self.bare = tuple([source.level == BARE for source in sources])
        """Which values have no batch axis."""
        self.values = self.together(sources)
        self.x = self.values[0] if self.values else ""

    def together(self, sources: tuple[Source, ...]) -> tuple[str, ...]:
        """Its values, of which those that are the same for all images take the batch of the others; merges that stretch, and angles, need not."""
        like = next((source.value for source in sources if not source.level), "")
        op: Any = self.place.node.op
        if like and isinstance(op, Arithmetic):
            return tuple([source.value for source in sources])
        angles = len(sources) - 1 - (op.rel is True) if like and isinstance(op, Turned) and op.rope is True else -1
        self.bare = tuple([at == angles and bare for at, bare in enumerate(self.bare)])
        rows = zip(sources, self.types, strict=True)
        return tuple(
            [
                self.batched(source, type_, like) if source.level and at != angles else source.value
                for at, (source, type_) in enumerate(rows)
            ]
        )

    def batched(self, source: Source, type_: Type, like: str) -> str:
        """Give a value that is the same for all images the batch of another value, or one of size 1 where there is none."""
        value = self.unsqueeze(source.value, 0) if source.level == BARE else source.value
        if not like:
            return value
        _, *sizes = self.draft.shape(type_)
        if isinstance(self.draft.batch, int):
            return self.add("Expand", value, self.whole([self.draft.batch, *sizes]))
        batch = self.slice(self.add("Shape", like), [0], [1], [0])
        return self.add("Expand", value, self.add("Concat", batch, self.whole(sizes), axis=0))

    # tensors

    def weight(self, name: str) -> str:
        """Add a tensor of the layer, or of the one whose weights it uses; its name in the graph is that in a `state_dict`.

        A tensor that is a whole layer is called `LAYER/weight`, since the layer's value has the name of the layer.
        """
        tensor = next(tensor for tensor in stored(self.place) if tensor.name == name)
        called = tensor.key if name else f"{tensor.key}/weight"
        # a tied weight begins as that of the layer that has it, which comes first
        self.draft.stored.setdefault(called, Stored(called, tensor.shape, partial(self.load, tensor)))
        return called

    def constant(self, values: Any) -> str:
        """Add numbers as a constant of float32."""
        return self.draft.constant(values, np.float32)

    def whole(self, values: int | Sequence[Any] | Array) -> str:
        """Whole numbers, as operators take sizes and axes."""
        return self.draft.constant(values, np.int64)

    # operators

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """An operator; returns its value."""
        return self.add_many(kind, inputs, 1, **attributes)[0]

    def add_many(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """An operator with several outputs. Attributes that are None are left to their defaults."""
        stem = f"{self.name}/{kind.lower()}"
        count = sum(operator.kind == kind for operator in self.added)
        name = stem if not count else f"{stem}_{count + 1}"
        names = [name] if outputs == 1 else [f"{name}/{at}" for at in range(outputs)]
        kept = {key: value for key, value in attributes.items() if value is not None}
        operator = Operator(kind, list(inputs), names, kept, name, self.about)
        self.added.append(operator)
        self.draft.operators.append(operator)
        return names

    def finish(self, values: Sequence[str]) -> list[str]:
        """Give the values that the row returned the names of the layer's; an input keeps its own."""
        return [self._named(*each) for each in zip(values, self.place.names, self.place.node.types, strict=True)]

    def _named(self, value: str, name: str, type_: Type) -> str:
        for operator in self.added:
            if operator.outputs == [value]:
                operator.name, operator.outputs = name, [name]
                if not self.alike:
                    self.draft.types[name] = type_
                return name
        return value

    def transpose(self, value: str, *order: int) -> str:
        """Add a value with its axes in another order."""
        return self.add("Transpose", value, perm=list(order))

    def reshape(self, value: str, *shape: int) -> str:
        """Reshape a value; a size of 0 keeps that axis."""
        return self.add("Reshape", value, self.whole(shape))

    def unsqueeze(self, value: str, *axes: int) -> str:
        """Add a value with axes of size 1 at these places."""
        return self.add("Unsqueeze", value, self.whole(axes))

    def slice(self, value: str, starts: Sequence[int], stops: Sequence[int], axes: Sequence[int]) -> str:
        """Add the part of a value between starts and stops along some axes."""
        return self.add("Slice", value, self.whole(starts), self.whole(stops), self.whole(axes))

    def pad(self, value: str, before: Sequence[int], after: Sequence[int], fill: float | None = None) -> str:
        """Pad all axes except the first with zeros or `fill`."""
        pads = self.whole([0, *before, 0, *after])
        return self.add("Pad", value, pads) if fill is None else self.add("Pad", value, pads, self.constant(fill))

    def reduce(self, kind: str, value: str, *axes: int, keep: bool = False) -> str:
        """A reduction over some axes, which are an input from opset 18 on and an attribute before."""
        if self.opset >= 18:
            return self.add(kind, value, self.whole(axes), keepdims=int(keep))
        return self.add(kind, value, axes=list(axes), keepdims=int(keep))

    def per_channel(self, tensor: str, x: Type) -> str:
        """A tensor (C) in a shape that broadcasts over the positions of a map."""
        return self.reshape(tensor, -1, *(1,) * len(x.spatial)) if isinstance(x, Map) else tensor

    def channels_second(self, x: Type, row: Callable[[str], str]) -> str:
        """Apply what works on the second axis to the channels of tokens."""
        if not isinstance(x, Tokens):
            return row(self.x)
        return self.transpose(row(self.transpose(self.x, 0, 2, 1)), 0, 2, 1)
