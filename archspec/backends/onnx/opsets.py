"""Settings of how a graph is written."""

from __future__ import annotations

from typing import NamedTuple

from archspec.types import LIMIT

OPSETS = {
    13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13, 26: 13,
}  # fmt: skip
"""Opset to the first IR version that has it: https://github.com/onnx/onnx/blob/main/docs/Versioning.md, "Released Versions"."""
LAYOUTS = ("nchw", "nhwc")


class Settings(NamedTuple):
    """`batch` is a number or a name; `layout` is the order of the axes of the inputs that are maps."""

    opset: int = 22
    batch: int | str = "N"
    layout: str = LAYOUTS[0]
    fold_bn: bool = False

    def check(self) -> None:
        """Raises ValueError with a sentence for the user."""
        if self.opset not in OPSETS:
            raise ValueError(f"the opset must be {min(OPSETS)} to {max(OPSETS)}, not {self.opset}")
        if isinstance(self.batch, int) and not 1 <= self.batch <= LIMIT:
            raise ValueError(f"the batch must be at least 1, not {self.batch}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"the layout is {' or '.join(LAYOUTS)}, not {self.layout}")
