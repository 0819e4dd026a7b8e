"""Operators of ATen that are several layers in one, or parts of one: recurrent layers and Euclidean lengths, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from archspec.imports.flat import Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.stored import Computed, Held
from archspec.imports.torch_reader import Reader
from archspec.imports.torch_table import Final, Row, row, spread
from archspec.imports.views import View


def zeros(value: Any) -> bool:
    """Whether the numbers of a constant are all zero, as far as they are known."""
    return value is None or not bool(value.any())


def recurrent(step: str) -> Row:
    """The row of a recurrent layer, which gives the outputs of all positions and the final states."""

    def read(
        r: Reader,
        site: Site,
        x: Any,
        hx: Any,
        params: Any,
        has_biases: bool,
        num_layers: int,
        bidirectional: bool,
        batch_first: bool,
        dropout: float,
        train: bool,
    ) -> list[Any]:
        if any(not isinstance(one, Computed) or one.parts or not zeros(one.value) for one in (hx if isinstance(hx, list) else [hx])):
            raise Unsaid("it begins with states that are not zero")
        if train and dropout and num_layers > 1:
            raise Unsaid("it drops out numbers between its layers")
        if not isinstance(params[0], Held) or len(params) != num_layers * (1 + bidirectional) * (4 if has_biases else 2):
            raise Unsaid("its weights are projected or computed")
        order = [0, 1, 2] if batch_first else [1, 0, 2]
        tokens = r.settle(site, x._replace(dims=tuple([x.dims[at] for at in order])), "tokens")
        given: dict[str, Any] = {"n": params[1].shape[1], "dirs": 1 + bidirectional, "layers": num_layers, "bias": has_biases}
        stored = {one.name.rpartition(".")[2]: Stored((one.name,)) for one in params}
        own = site._replace(key=params[0].name.rpartition(".")[0])
        every = r.of(r.flat.step(own, step, tokens, stored=stored, **given))
        outputs = every._replace(dims=tuple([every.dims[at] for at in order]))
        states = Final(own, step, tokens, stored, given, every if own.key in r.sequenced else None, {})
        return [outputs, states, None]

    return read


for _name, _step in {"lstm": "lstm", "gru": "gru", "rnn_tanh": "rnn"}.items():
    row(_name)(recurrent(_step))


class Lengths(NamedTuple):
    """Euclidean lengths of a tensor along a dimension, and the smallest that counts."""

    x: View
    dim: int
    least: float = 0.0


@row("glu")
def _glu(r: Reader, site: Site, x: Any, dim: int) -> View:
    return r.on_channels(site, x, dim, "glu")


@row("linalg_vector_norm")
def _lengths(r: Reader, site: Site, x: Any, ord: Any, dim: Any, keepdim: bool) -> Lengths:
    dims = spread(dim, 1) if dim is not None else []
    if ord != 2 or len(dims) != 1 or not keepdim:
        raise Unsaid("it is no length of vectors along one axis")
    return Lengths(x, dims[0] % len(x.dims))


@row("clamp_min", takes=(Lengths,))
def _clamp_min(r: Reader, site: Site, x: Any, min: Any) -> Lengths:
    if not isinstance(x, Lengths):
        raise Unsaid(f"it cuts off below {min}")
    return x._replace(least=float(min))


def normalized(r: Reader, site: Site, x: View, lengths: Lengths) -> View:
    """A tensor divided by its lengths. Raises Unsaid where they are those of another."""
    if lengths.x != x or not lengths.least:
        raise Unsaid("it divides by lengths of another tensor, or by zero where they are zero")
    return r.on_channels(site, x, lengths.dim, "l2norm", eps=lengths.least)


def pads(before: Sequence[int]) -> tuple[list[int], list[int]]:
    """What `F.pad` puts before and after each axis, from the first axis on."""
    pairs = [(before[at], before[at + 1]) for at in range(0, len(before), 2)][::-1]
    return [a for a, _ in pairs], [b for _, b in pairs]
