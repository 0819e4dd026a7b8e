"""The backends that `archspec emit` and `archspec.emit` know. To add one: a module with a function, and a line in `_ALL`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple, Protocol

from archspec.backends.onnx.opsets import LAYOUTS, OPSETS, Settings
from archspec.diagnostics import Diagnostic, SpecError
from archspec.extras import attribute, require
from archspec.ir.graph import Network
from archspec.source import Span


class Unsupported(Exception):
    """Raised by a backend for a layer that has no exact counterpart: why, and where the layer was written."""

    def __init__(self, why: str, span: Span | None = None) -> None:
        super().__init__(why)
        self.span = span

    def error(self) -> SpecError:
        """The error of it for a reader."""
        return SpecError([Diagnostic("A501", str(self), self.span, help="`archspec emit json` writes every layer")])


class Binary(Protocol):
    """A result that is not text. `note` is what the user should know about it."""

    note: str

    @property
    def apart(self) -> bool:
        """Whether the weights need a file of their own, beside the main one."""

    def write(self, file: BinaryIO, data: BinaryIO | None = None, location: str = "") -> None:
        """Write the file; its weights go to `data`, which the file calls `location`, if it is given."""


class Option(NamedTuple):
    """A keyword argument of a backend's function, and an option of `archspec emit`."""

    name: str
    about: str
    value: str = ""
    """The placeholder of its value: `N` is a whole number. An option without one is a flag."""
    choices: tuple[str, ...] = ()


class Backend(NamedTuple):
    """A target of `archspec emit`: what it writes, and what it needs."""

    name: str
    function: str
    """`module:function`: takes a Network and the options as keywords; gives a text, texts by file name (a folder), or a Binary."""
    suffix: str
    """Of the file that it writes; empty for a folder."""
    about: str
    """What it writes, for the help: a noun phrase."""
    part: str = ""
    """What it needs installed to emit: a part of `extras.NEEDS`."""
    options: tuple[Option, ...] = ()
    partial: bool = False
    """Whether it lacks some layers. The support matrix shows which."""
    text: bool = True
    """Whether its result is one text: then `archspec.emit` gives it."""

    def emit(self, network: Network, **options: Any) -> Any:
        """Emit a network.

        Raises SpecError where the backend lacks a layer; ValueError for options that make no sense; ImportError where a library is
        missing.
        """
        if self.part:
            require(self.part)
        function: Callable[..., str | Mapping[str, str] | Binary] = attribute(self.function)
        try:
            return function(network, **options)
        except Unsupported as unsupported:
            raise unsupported.error() from None


_ONNX = (
    Option("weights", "the weights: a .safetensors or .pt file, or `none` to declare them as inputs", "FILE"),
    Option("seed", "draw the weights as PyTorch initialises them (without --weights: 0)", "N"),
    Option("opset", f"the version of the operators, {min(OPSETS)} to {max(OPSETS)} ({Settings().opset})", "N"),
    Option("batch", "the batch size; without it a dimension called N", "N"),
    Option("layout", f"the order of the axes of the input ({LAYOUTS[0]})", "LAYOUT", LAYOUTS),
    Option("fold_bn", "fold batch norms into the layers before them"),
    Option("external_data", "write the weights to OUT.data; above 2 GiB they always are"),
)
_ALL = (
    Backend("torch", "archspec.backends.torch.module:emit", ".py", "a PyTorch source file", partial=True),
    Backend("keras", "archspec.backends.keras.emitting:emit", ".py", "a Keras 3 source file", partial=True),
    Backend("onnx", "archspec.backends.onnx.export:emit", ".onnx", "a model", "onnx", _ONNX, partial=True, text=False),
    Backend("json", "archspec.ir.schema:to_json", ".json", "the IR document"),
    Backend("train", "archspec.backends.train.script:emit", "", "a folder with the model and what trains it", text=False),
)
BACKENDS: dict[str, Backend] = {backend.name: backend for backend in _ALL}
