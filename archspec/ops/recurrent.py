"""Recurrent layers: along a sequence each step reads its input and the state that the step before left."""

import re
from typing import Annotated, Literal

from archspec.numeric import pinned, where
from archspec.ops.base import WHOLE, Kept, Misfit, Op, Part, Weight
from archspec.ops.declare import Count, Flag, Rule
from archspec.types import Map, Tokens, Type, Vector, describe

Directions = Annotated[int, Rule("1, or 2 for both directions", least=1, most=2)]
Layers = Annotated[int, Rule("a whole number from 1 to 1,000", least=1, most=1000)]
"""Each layer has tensors of its own, which are listed one by one."""
Out = Annotated[Literal["all", "last"], Rule("all for every position, or last for the final state of each direction")]


class _Recurrent(Op):
    """Shares what recurrent layers have in common: gates, each with a matrix for the input and one for the state."""

    kind = "recurrent"
    positional = ("n",)
    takes = (Map, Tokens)
    reads = WHOLE

    # Traits have type comments, since an annotation declares an argument.
    gates = ()  # type: tuple[tuple[str, str], ...]
    """The gates in PyTorch's order, and their equations; W reads the input x, U the state h, b and d are biases."""
    states = ()  # type: tuple[tuple[str, str], ...]
    """What follows from the gates, and its equations."""
    memo = "reads its input x, and the state h that the step before left; the first h is 0"
    """What a step reads."""
    unit = 0
    """Elementary operations per unit and step."""

    n: Count
    dirs: Directions = 1
    layers: Layers = 1
    bias: Flag = True
    out: Out = "all"

    def check(self, x: Type) -> None:
        if isinstance(x, Map) and len(x.spatial) > 1:
            message = f"`{self.step}` takes tokens or a map with one axis, not {describe(x)}"
            raise Misfit("A201", message, help_="`tokens` makes a sequence of the positions of a map")

    def output(self, x: Map | Tokens) -> Type:
        channels = pinned(self.dirs) * self.n
        return Vector(channels) if self.out == "last" else x._replace(channels=channels)

    def depths(self, x: Type) -> list[int]:
        """List the channels that each layer reads; a further layer reads both directions of the one before."""
        return [x.channels, *[pinned(self.dirs) * self.n] * (pinned(self.layers) - 1)]

    def ends(self, layer: int) -> list[str]:
        """List how PyTorch's names of a layer's tensors end, direction by direction."""
        return [f"_l{layer}{way}" for way in ("", "_reverse")[: pinned(self.dirs)]]

    def weights(self, x: Type) -> tuple[Weight, ...]:
        rows = len(self.gates) * self.n
        found = []
        for at, depth in enumerate(self.depths(x)):
            for end in self.ends(at):
                found += [Weight("weight_ih" + end, (rows, depth)), Weight("weight_hh" + end, (rows, self.n))]
                found += [Weight("bias_ih" + end, (rows,), "bias"), Weight("bias_hh" + end, (rows,), "bias")] * self.bias
        return tuple(found)

    def macs(self, x: Type, y: Type) -> int:
        each = [len(self.gates) * x.shape[0] * self.n * (depth + self.n) for depth in self.depths(x)]
        count: int = pinned(self.dirs) * sum(each)
        return count

    def flops(self, x: Type, y: Type) -> int:
        return 2 * self.macs(x, y) + self.unit * self.dirs * self.layers * x.shape[0] * self.n

    def kept(self, x: Type, y: Type) -> Kept:
        """What each layer and direction keeps of its steps, and what it reads: the input turned to steps, then the outputs before."""
        steps = x.shape[0] * self.n
        inner = (self.layers - 1) * self.dirs * steps
        return Kept(numbers=self.dirs * x.size + inner + self.layers * self.dirs * self.memory(x.shape[0]))

    def memory(self, length: int) -> int:
        """Count the numbers that one layer keeps of its steps in one direction: gates, states, and what follows from them."""
        return 7 * length * self.n

    def parts(self, x: Type) -> tuple[Part, ...]:
        biases = where(self.bias, 2 * self.n, 0)
        count = pinned(self.dirs) * sum(self.n * depth + self.n * self.n + biases for depth in self.depths(x))
        gates = [(name, rule if self.bias else re.sub(r" \+ [bd]_\w", "", rule)) for name, rule in self.gates]
        learned = [Part(name, rule, count) for name, rule in gates]
        return (Part("each step", self.memo), *learned, *[Part(name, rule) for name, rule in self.states])


class Rnn(_Recurrent):
    """A recurrent layer of Elman: the state is a tanh of the input and of the state before.

    Shape:   (T, C) -> (T, dirs*n), or (dirs*n) with out=last; (L, C) alike
    Params:  per layer and direction weight_ih (n, C), weight_hh (n, n), bias_ih (n), bias_hh (n); a further layer has C = dirs*n
    MACs:    T*dirs*n*(C + n) per layer
    Source:  Elman 1990; torch.nn.RNN.
    """

    cost_note = "2 per MAC; 1 per unit and step: tanh"
    gates = (("state h", "tanh(W_h x + b_h + U_h h + d_h)"),)
    unit = 1

    def memory(self, length: int) -> int:
        return (length + 1) * self.n


class Gru(_Recurrent):
    """A gated recurrent unit: one gate resets the state, one mixes it with a candidate.

    Shape:   (T, C) -> (T, dirs*n), or (dirs*n) with out=last; (L, C) alike
    Params:  per layer and direction weight_ih (3n, C), weight_hh (3n, n), bias_ih (3n), bias_hh (3n); a further layer has C = dirs*n
    MACs:    3*T*dirs*n*(C + n) per layer
    Source:  Cho et al. 2014, equations 5 to 8; torch.nn.GRU, which resets U h, not h.
    """

    cost_note = "2 per MAC; 14 per unit and step: two sigmoids 8, tanh 1, reset 1, state 4"
    gates = (
        ("reset gate r", "sigmoid(W_r x + b_r + U_r h + d_r)"),
        ("update gate z", "sigmoid(W_z x + b_z + U_z h + d_z)"),
        ("candidate n", "tanh(W_n x + b_n + r*(U_n h + d_n))"),
    )
    states = (("new state h", "(1 - z)*n + z*h"),)
    unit = 14


class Lstm(_Recurrent):
    """Long short-term memory: gates write to a cell, let it forget, and read it.

    Shape:   (T, C) -> (T, dirs*n), or (dirs*n) with out=last; (L, C) alike
    Params:  per layer and direction weight_ih (4n, C), weight_hh (4n, n), bias_ih (4n), bias_hh (4n); a further layer has C = dirs*n
    MACs:    4*T*dirs*n*(C + n) per layer
    Source:  Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gate); torch.nn.LSTM.
    """

    cost_note = "2 per MAC; 18 per unit and step: three sigmoids 12, two tanh 2, cell 3, state 1"
    gates = (
        ("input gate i", "sigmoid(W_i x + b_i + U_i h + d_i)"),
        ("forget gate f", "sigmoid(W_f x + b_f + U_f h + d_f)"),
        ("candidate g", "tanh(W_g x + b_g + U_g h + d_g)"),
        ("output gate o", "sigmoid(W_o x + b_o + U_o h + d_o)"),
    )
    memo = "reads its input x, and the state h and the cell c that the step before left; the first are 0"
    states = (("new cell c", "f*c + i*g"), ("new state h", "o*tanh(c)"))
    unit = 18
