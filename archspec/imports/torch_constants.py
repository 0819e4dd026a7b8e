"""What a program computes from stored tensors alone: as numbers where they are all known, and as layers on tensors where a layer takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import Any

from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import Dims, axes_of, joined, merged, plain, viewed
from archspec.imports.multiplying import Matrices
from archspec.imports.products import Scores
from archspec.imports.relative import offsets
from archspec.imports.stored import Computed, Held, Table, held
from archspec.imports.torch_angles import grid_of
from archspec.imports.torch_nodes import module_of, parts_of
from archspec.imports.views import View
from archspec.types import Map, Tokens, Type, Vector

KNOWN = 1_000_000
"""Numbers of a constant that is computed."""
_DIGITS = 17
"""Digits that tell any number of double precision from others."""
FILLED = ("new_zeros", "zeros_like", "new_ones", "ones_like", "new_full", "full_like", "new_empty", "empty_like")
"""What takes the shape of a tensor alone."""


class Constants(Matrices):
    """Tensors that follow from stored ones alone."""

    def __init__(self, flat: Any, program: Any, batch: int) -> None:
        super().__init__(flat, batch)
        self.program = program
        self.state = {**program.state_dict, **program.constants}
        """The stored tensors by their names, and those constants that became tensors of the network."""
        self.values: dict[Any, Any] = {}
        self.real: dict[Any, Any] = {}
        """The numbers of constants, as far as they are known."""
        self.taken: set[str] = set()
        """The learned tensors that are values of the network, or that layers without a word have."""
        self._lifted: dict[Any, View] = {}
        self._products: dict[Any, int] = {}
        """The values of learned angles."""
        self._parts: dict[tuple[Any, int], int] = {}
        """The parts of them that layers take."""

    def evaluated(self, node: Any, arguments: Mapping[str, Any]) -> View:
        """What an operator makes of tensors that are the same for all images. Raises Unsaid."""
        raise NotImplementedError

    def arguments(self, node: Any) -> dict[str, Any]:
        """The arguments of an operator."""
        raise NotImplementedError

    def number_of(self, tensor: Any) -> float | None:
        """The number of a constant that has one alone; None where it is learned, or not there."""
        if tensor is None or tensor.numel() != 1 or tensor.is_meta or tensor.requires_grad or tensor.dim() > 0:
            return None
        return float(tensor)

    def computed(self, node: Any, name: str, arguments: Mapping[str, Any], read: Sequence[Held | Computed]) -> Any:
        """What has no input of the network among its arguments; its numbers are computed where they are few and all known."""
        value = node.meta.get("val")
        parts = tuple(dict.fromkeys(part for one in read for part in parts_of(one))) if name not in FILLED else ()
        real = self.compute(node, name, value)
        if isinstance(value, (list, tuple)):
            return [Computed(held("", one.shape).dims, parts) for one in value]
        if not hasattr(value, "shape"):
            return value
        found = Computed(held("", value.shape).dims, parts, real)
        if name == "index" and isinstance(arguments["x"], Held) and arguments["x"].learned and len(arguments["indices"]) == 1:
            return found._replace(table=Table(arguments["x"].name, self.real.get(node.args[1][0])))
        if (
            name == "embedding"
            and isinstance(arguments["weight"], Held)
            and in_order(self.real.get(node.args[1]), arguments["weight"].shape[0])
        ):
            return arguments["weight"]  # every row once, as a table of positions is read
        if name == "add" and len(read) == 2:
            with suppress(Unsaid):
                return self._masked(found, *read)
        return found

    def _masked(self, found: Computed, one: Any, other: Any) -> Computed:
        """Biases of relative positions and a mask, added."""
        one, other = (each if isinstance(each, Computed) else Computed(each.dims, parts_of(each)) for each in (one, other))
        if other.table is not None:
            one, other = other, one
        if one.table is None or other.parts:
            return found
        return found._replace(table=self.oriented(one), mask=True if other.value is None else other.value)

    def compute(self, node: Any, name: str, value: Any) -> Any:
        """The numbers of a constant; None where they are not known."""
        import torch

        if hasattr(value, "numel") and value.numel() > KNOWN:
            return None
        fill = {"new_zeros": 0, "zeros_like": 0, "new_ones": 1, "ones_like": 1}.get(name)
        if fill is not None:
            self.real[node] = torch.full(tuple(value.shape), fill, dtype=value.dtype)
            return self.real[node]
        try:
            arguments, given = torch.fx.node.map_aggregate((node.args, dict(node.kwargs)), self._here)
            self.real[node] = node.target(*arguments, **given)
        except Exception:  # an unknown argument, or whatever an operator refuses
            return None
        return self.real[node] if hasattr(self.real[node], "reshape") else None

    def _here(self, argument: Any) -> Any:
        """An argument of an operator as its numbers are computed here: tensors that are known, on the CPU. Raises KeyError."""
        import torch

        if isinstance(argument, torch.device):
            return torch.device("cpu")
        return self.real[argument] if isinstance(argument, torch.fx.Node) else argument

    def constant(self, one: Held | Computed) -> Held | Computed:
        """A stored tensor that is not learned with its numbers, as far as they are known."""
        if isinstance(one, Computed) or one.learned:
            return one
        tensor = self.state.get(one.name)
        return Computed(one.dims, (), tensor if tensor is not None and not tensor.is_meta else None)

    def begins(self, name: str) -> float | None:
        """The number that a stored tensor is full of; None where there are several, or none is known."""
        tensor = self.state.get(name)
        if tensor is None or tensor.is_meta or not tensor.numel() or not tensor.is_floating_point():
            return None
        first = float(tensor.detach().flatten()[0])
        if not bool((tensor == first).all()):
            return None
        short = (float(f"{first:.{digits}g}") for digits in range(1, _DIGITS))  # 1e-06, of which single precision has 9.999999974752427e-07
        return next((number for number in short if bool((tensor == tensor.new_tensor(number)).all())), first)

    def biased(self, scores: Scores, added: Held | Computed | View) -> Scores:
        """Scores with what is added to them; numbers that are all found in one learned tensor are a table. Raises Unsaid."""
        if isinstance(added, Computed) and added.table is None and added.mask is None and len(added.parts) == 1:
            added = added._replace(table=self._table(added, added.parts[0]))
        return super().biased(scores, added)

    def _table(self, added: Computed, name: str) -> Table | None:
        """Where the biases of heads (heads, positions, positions) are found in a learned tensor (heads, offsets of each axis); None elsewhere.

        They are computed from the places in that tensor, which shows them: TensorFlow's MaxViT has those of a key less those of its query.
        """
        import torch

        heads, *axes = self.state[name].shape
        span = [(axis + 1) // 2 for axis in axes]
        if len(axes) != 2 or added.sizes[-3:] != (heads, prod(span), prod(span)):
            return None
        count = prod(axes)
        try:
            places = torch.arange(heads * count, dtype=torch.float32).reshape(heads, *axes)
            found = self._numbers(added.node, {name: places}).reshape(heads, -1).round().long()
        except Exception:  # a constant that is not known, or whatever an operator refuses
            return None
        around = torch.tensor(offsets(span))
        rows = torch.zeros(count, dtype=torch.long)
        rows[around] = found[0]
        if not bool((found == rows[around] + count * torch.arange(heads)[:, None]).all()) or sorted(rows.tolist()) != list(range(count)):
            return None
        taken = () if rows.tolist() == list(range(count)) else tuple([(row, row + 1) for row in rows.tolist()])
        return Table(name, tuple(offsets(span)), oriented=True, place=Stored((name,), (heads, count), (1, 0), taken))

    def _numbers(self, node: Any, known: Mapping[str, Any]) -> Any:
        """The numbers that follow from those of learned tensors, by their names. Raises KeyError where a constant is not known."""
        import torch

        found = {**self.real}
        pending, needed = [node], set()
        while pending:
            one = pending.pop()
            if one not in found and one not in needed:
                needed.add(one)
                pending += one.all_input_nodes

        def here(argument: Any) -> Any:
            if isinstance(argument, torch.device):
                return torch.device("cpu")
            return found[argument] if isinstance(argument, torch.fx.Node) else argument

        for one in [each for each in self.program.graph.nodes if each in needed]:
            if one.op == "placeholder":
                found[one] = known[self.values[one].name]
            else:
                arguments, given = torch.fx.node.map_aggregate((one.args, dict(one.kwargs)), here)
                found[one] = one.target(*arguments, **given)
        return found[node]

    # as layers

    def lifted(self, one: Held | Computed) -> View:
        """A stored or computed tensor as a value, which is the same for all images: its first dimension is no batch. Raises Unsaid."""
        if isinstance(one, Held):
            return self._stored(one)
        if one.node is None:
            raise Unsaid("it takes what is computed from stored tensors alone")
        for node in self._needed(one.node):
            self._lifted[node] = self._constant(node) if not parts_of(self.values[node]) else self.evaluated(node, self.arguments(node))
        return self._lifted[one.node]

    def _needed(self, node: Any) -> list[Any]:
        """The operators that compute a tensor, in order; those alone that take learned tensors, and the constants that these take."""
        found: set[Any] = set()
        pending = [node]
        while pending:
            one = pending.pop()
            if one in found or one in self._lifted:
                continue
            found.add(one)
            pending += [each for each in one.all_input_nodes if isinstance(self.values.get(each), Computed)] * bool(
                parts_of(self.values[one])
            )
        return [one for one in self.program.graph.nodes if one in found] if len(found) > 1 else [*found]

    def _stored(self, one: Held) -> View:
        """A stored tensor as a value, and its dimensions there."""
        if one.name in self.taken and all(name != one.name for name, _ in self._tensors):
            raise Unsaid(f"a layer without a word has `{one.name}` already")
        type_ = _natural(one.shape)
        value = self.tensor(Site("tensor"), held(one.name, one.shape, learned=one.learned, key=one.key), type_)
        letters = dict(zip([str(at) for at, count in enumerate(one.shape) if count != 1], axes_of(type_), strict=False))
        dims = [merged([digit._replace(axis=letters[digit.axis]) for digit in dim]) for dim in one.dims]
        return View(value, tuple(dims))

    def _constant(self, node: Any) -> View:
        """The numbers of a constant as a tensor that is not learned."""
        value, tensor = node.meta["val"], self.real.get(node)
        if tensor is None and not value.is_meta and value.device.type != "meta":
            raise Unsaid("it takes what is computed from stored tensors alone, of which the numbers are not known")
        path, _ = module_of(node)
        base = f"{path}.constant".lstrip(".")
        name, count = base, 1
        while name in self.state:
            count += 1
            name = f"{base}{count}"
        shape = tuple(value.shape)
        if tensor is not None:
            if shape[:1] == (self.batch,) and bool((tensor == tensor[:1]).all()):  # one for each image
                tensor, shape = tensor[:1], (1, *shape[1:])
            self.state[name] = tensor.detach().float()
        return self._stored(held(name, shape, learned=False))

    def kept(self, word: str, numbers: Any) -> Held:
        """Numbers that are found in constants as a stored tensor called so, the same one for the same numbers."""
        count = 1
        while (known := self.state.get(name := f"{word}{count if count > 1 else ''}")) is not None:
            if known.shape == numbers.shape and bool((known == numbers).all()):
                break
            count += 1
        self.state[name] = numbers
        return held(name, numbers.shape, learned=False)

    def learned_angles(self, site: Site, node: Any, at: int) -> int:
        """A part of the angles that are the product of stored positions with a learned tensor, as a value of the network. Raises Unsaid."""
        one = self.values[node]
        if not isinstance(one, Computed) or len(one.parts) != 1:
            raise Unsaid("it turns by angles of several learned tensors")
        if node not in self._products:
            shape, wanted = tuple(self.state[one.parts[0]].shape), tuple(node.meta["val"].shape)
            grid = grid_of(lambda numbers: self._numbers(node, {one.parts[0]: numbers}), shape, wanted)
            if grid is None:
                raise Unsaid("it turns by angles that are no product with a learned tensor")
            value = self.tensor(site, held(one.parts[0], shape), Tokens(shape[0], prod(shape[1:])))
            self._products[node] = self.flat.step(
                site, "matmul", self.tensor(site, self.kept("grid", grid), Tokens(*grid.shape)), value, x=True
            )
        count = node.meta["val"].shape[-1] * (node.meta["val"].shape[-3] if node.meta["val"].dim() > 2 else 1)
        if (node, at) not in self._parts:
            self._parts[node, at] = self.flat.step(site, "slice", self._products[node], bounds=(at * count, (at + 1) * count))
        return self._parts[node, at]

    def row_of(self, one: Held) -> View:
        """A stored tensor as a vector, whose parts its dimensions are: places that a table is looked up at are one behind the other."""
        count = prod(one.shape)
        row = View(self.tensor(Site("tensor"), one, Vector(count)), plain("c", (count,)))
        return row._replace(dims=viewed(row.dims, one.sizes) or ())

    def looked_up(self, site: Site, table: Held, places: View, axis: int) -> View:
        """The rows of a table, or its columns, at places that are the same for all images. Raises Unsaid."""
        if [digit.axis for dim in table.dims for digit in dim] != ["0", "1"] or places.dims[0] == plain("n", (self.batch,))[0]:
            raise Unsaid("it looks up rows of a table that was turned, or other ones for each image")
        index = self.settle(site, View(places.value, ((), joined(places.dims)), places.fixed), "vector")
        v, d = table.sizes if axis == 0 else table.sizes[::-1]
        stored = {"weight": Stored((table.name,), order=(1, 0) if axis else ())}
        value = self.flat.step(site._replace(key=table.key), "embed", index, v=v, d=d, stored=stored)
        rows = viewed((self.axis(value, "t"),), places.sizes) or ()
        return View(value, (*rows, self.axis(value, "c")) if axis == 0 else (self.axis(value, "c"), *rows))


def _natural(shape: Sequence[int]) -> Type:
    """The type of a tensor whose axes of one number are left out. Raises Unsaid."""
    sizes = [one for one in shape if one != 1] or [1]
    if len(sizes) > 4:
        raise Unsaid(f"a stored tensor of {len(sizes)} axes")
    return Vector(*sizes) if len(sizes) == 1 else Tokens(*sizes) if len(sizes) == 2 else Map(tuple(sizes[1:]), sizes[0])


def without_batch(x: View, batch: int) -> View:
    """A tensor that is the same for all images, which layers give a batch."""
    whole: Dims = plain("n", (batch,))
    return x._replace(dims=((), *x.dims[1:])) if x.dims[:1] == whole else x


def in_order(places: Any, count: int) -> bool:
    """Whether whole numbers are 0, 1, ... up to a count, along one axis."""
    return places is not None and places.dim() == 1 and places.tolist() == list(range(count))
