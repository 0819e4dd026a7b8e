"""What stored tensors begin with."""

from archspec.ops.base import Misfit


def check_init(init: str | float | None, std: float | None) -> None:
    """Raises Misfit where a standard deviation is given to an initialisation that has none."""
    if std is not None and init not in ("normal", "truncated"):
        message = "`std` belongs to `init=normal` and `init=truncated`"
        raise Misfit("A105", message, argument="std", help_="add one of them, or leave `std` out")
