"""The product of two values."""

from archspec.numeric import holds, product
from archspec.ops.along import check_sequence
from archspec.ops.base import Kept, Misfit, Op
from archspec.ops.declare import Operand
from archspec.types import Map, Tokens, Type


class MatMul(Op):
    """The matrix product with another value: each token times the tokens of x, one for each of its channels.

    Of maps there is one product for each index of the axes before these, such as one for each head: a map HxTxK has H matrices.

    Shape:   (T, K) by x (K, N) -> (T, N); maps (*S, T, K) by x (*S, K, N) -> (*S, T, N)
    MACs:    T * K * N for each product
    Source:  torch.matmul; Jaderberg et al. 2015, Qi et al. 2017 (points times the matrix that a network computes).
    """

    kind = "attention"
    positional = ("x",)
    takes = (Tokens, Map)

    x: Operand

    def check(self, x: Type, other: Type) -> None:
        if len(x.shape) < 3 or len(other.shape) < 3:
            check_sequence("matmul", x)
            check_sequence("matmul", other)
        elif len(x.shape) != len(other.shape) or any(holds(a != b) for a, b in zip(x.shape[:-2], other.shape[:-2], strict=True)):
            message = f"cannot multiply the matrices of the maps {x} and {other}: they have one for each index of other axes"
            raise Misfit("A301", message, argument="x")
        rows = other.shape[-2]
        if holds(x.channels != rows):
            notes = [f"the first has {x.channels:,} channels, the second {rows:,} {'rows' if len(x.shape) > 2 else 'tokens'}"]
            swapped = other.channels == x.channels
            exchange = '`rearrange "h w c -> h c w"`' if len(x.shape) == 3 else "`swap`" if len(x.shape) < 3 else "`rearrange`"
            way = f"{exchange} behind the second, which exchanges its axes" if swapped else f"`linear {rows}` behind the first"
            raise Misfit("A301", f"cannot multiply the matrices {x} and {other}", argument="x", notes=notes, ways=[way])

    def output(self, x: Type, other: Type) -> Type:
        return x._replace(channels=other.channels)

    def kept(self, *types: Type) -> Kept:
        return Kept(products=())

    def macs(self, *types: Type) -> int:
        x, other, _ = types
        return product((*x.shape, other.channels))
