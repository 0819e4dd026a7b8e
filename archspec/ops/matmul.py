"""The product of two values."""

from archspec.numeric import holds, product
from archspec.ops.along import check_sequence
from archspec.ops.base import Kept, Misfit, Op
from archspec.ops.declare import Operand
from archspec.types import Map, Tokens, Type


class MatMul(Op):
    """The matrix product with another value: each token times the tokens of x, one for each of its channels.

    Shape:   (T, K) by x (K, N) -> (T, N)
    MACs:    T * K * N
    Source:  torch.matmul; Jaderberg et al. 2015, Qi et al. 2017 (points times the matrix that a network computes).
    """

    kind = "attention"
    positional = ("x",)
    takes = (Tokens, Map)

    x: Operand

    def check(self, x: Type, other: Type) -> None:
        check_sequence("matmul", x)
        check_sequence("matmul", other)
        if holds(x.channels != other.shape[0]):
            notes = [f"the first has {x.channels:,} channels, the second {other.shape[0]:,} tokens"]
            swapped = other.channels == x.channels
            way = "`swap` behind the second, which exchanges its axes" if swapped else f"`linear {other.shape[0]}` behind the first"
            raise Misfit("A301", f"cannot multiply the matrices {x} and {other}", argument="x", notes=notes, ways=[way])

    def output(self, x: Type, other: Type) -> Type:
        return x._replace(channels=other.channels)

    def kept(self, *types: Type) -> Kept:
        return Kept(products=())

    def macs(self, *types: Type) -> int:
        x, other, _ = types
        return product((*x.shape, other.channels))
