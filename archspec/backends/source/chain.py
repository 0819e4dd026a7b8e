"""A chain of the framework: modules in a row, as they are found."""

from __future__ import annotations

from archspec.backends.source.constructor import Many, New
from archspec.backends.source.dialect import Dialect
from archspec.ir.graph import Layered


class Chain:
    """The modules of a chain, as they are found."""

    def __init__(self, dialect: Dialect) -> None:
        self.identity = New(dialect.identity)
        self.modules: list[New | Many] = []
        self.flat = False
        self.position = 0
        self.pointwise = True
        """Whether all modules so far do the same before and after a `flatten`."""

    def append(self, module: New | Many, *, positions: int = 1, pointwise: bool = False) -> None:
        """Append a module that takes so many positions; `pointwise` says that it does the same before and after a `flatten`."""
        self.modules.append(module)
        self.position += positions
        self.pointwise &= pointwise

    def flatten(self) -> bool:
        """Move a `flatten` to the front; False where a module before it needs a map."""
        self.flat |= self.pointwise
        return self.pointwise

    def reaches(self, element: Layered) -> bool:
        """Go to the position of an element; False if it takes no position."""
        if element.label is not None:
            if not element.label.isdecimal():
                return False
            while self.position < int(element.label):
                self.append(self.identity, pointwise=True)
        return element.numbered
