"""PyTorch modules, by `torch.export`: the graph of operators before decomposition, with the module that each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, SpecError
from archspec.elaborate.settings import shape_of
from archspec.extras import require
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Imported
from archspec.imports.torch_buffers import remade
from archspec.imports.torch_nodes import module_of
from archspec.imports.torch_reader import BATCH, Reader
from archspec.imports.views import View

if TYPE_CHECKING:
    import torch


def from_torch(module: torch.nn.Module | torch.export.ExportedProgram, example: Any = None, *, name: str = "") -> Imported:
    """Read a PyTorch `module` as a short spec of the same network.

    `example` is what the module takes: a tensor, a tuple of tensors, or the size of one image, channels last, as `"224x224x3"` or
    `(224, 224, 3)`. The module is traced by `torch.export` in inference, and once more in training where it has weights that inference
    does not use; it may be on the meta device. Its mode is left as it was. A program that `torch.export` made, or loaded from a `.pt2` file, needs
    no example. The spec is called `name`, by default as the module's class. Operators without a layer become `custom`, and are among the
    `diagnostics`. Raises SpecError where PyTorch cannot export the module, or a result depends on data; ValueError for an example that
    makes no sense.

    >>> import torch
    >>> archspec.from_torch(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU()), "32x32x3", name="small").network
    Network(small: 32x32x3 -> 28x28x8, 2 layers)
    """
    require("torch")
    if hasattr(module, "graph_signature"):
        return _program(module, name or "program")
    if example is None:
        raise ValueError('expected an example, or the size of an image such as "224x224x3", beside the module')
    inputs = _examples(module, example)
    name = name or type(module).__name__
    flat, reader = _read(module, inputs, name, training=False)
    learned = reader.learned
    lost = learned - flat.stored()
    if lost:
        with suppress(SpecError):  # what can only be traced in inference is read from there alone
            heads, trained = _read(module, inputs, name, training=True)
            if lost > learned - heads.stored() and heads.customs() == flat.customs():
                flat, reader, lost = heads, trained, learned - heads.stored()
    found = flat.finish()
    note = "; ".join(filter(None, [found.note, _left_out(lost), _undropped(module, reader)]))
    return found._replace(note=note, tensors=lambda _: {**reader.state, **module.state_dict()})


def _left_out(names: set[str]) -> str:
    """What is said of learned tensors that no result depends on; empty where there are none."""
    first = ", ".join(sorted(names)[:3])
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"no result depends on {first}{more}, which are left out" if names else ""


def _undropped(module: Any, reader: Reader) -> str:
    """What is said of attention that drops out weights in training; empty where none does."""
    import torch

    within = {path for path, one in module.named_modules() if isinstance(one, torch.nn.MultiheadAttention) and one.dropout}
    paths = sorted(reader.dropped | within)
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    return f"the dropout of attention of {paths[0] or 'the module'}{more} is left out, which training alone has" if paths else ""


def _program(program: Any, name: str) -> Imported:
    """What an exported program does, with as many images as it was exported for."""
    inputs = [
        node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
    ]
    shapes = [tuple(getattr(one, "shape", ())) for one in inputs]
    if any(not isinstance(size, int) for shape in shapes for size in shape) or len({shape[:1] for shape in shapes}) != 1:
        message = f"the program takes {', '.join('x'.join(map(str, shape)) for shape in shapes)}"
        help_ = "export it for inputs of fixed sizes, with two images each"
        raise SpecError([Diagnostic("A613", message, None, help=help_)])
    flat = Flat(name, name, keeps=True)
    reader = Reader(flat, None, program, shapes[0][0])
    _end(flat, reader, training=False)
    return flat.finish()._replace(tensors=lambda _: reader.state)


def _read(module: Any, inputs: tuple[Any, ...], name: str, *, training: bool) -> tuple[Flat, Reader]:
    """A module in inference or in training, and what has read it; results after the first are heads of training there."""
    flat = Flat(name, name, keeps=True)
    with _mode(module, training=training):
        reader = Reader(flat, module, _export(module, inputs))
    reader.state |= remade(module, reader.state)
    _end(flat, reader, training=training)
    return flat, reader


def _end(flat: Flat, reader: Reader, *, training: bool) -> None:
    """Read a program, and name its results; those after the first are heads of training there."""
    results = [(value, node) for value, node in reader.run() if isinstance(value, View)]
    if not results and not flat.found.errors:
        flat.refuse(Site("output", flat.name), "its result is no tensor that follows from its inputs")
    taken = {"output"}
    for at, (result, node) in enumerate(results):
        path = module_of(node)[0].partition(".")[0]
        own = "output" if at == 0 else path if training and path.isidentifier() and path not in taken else f"output{at + 1}"
        taken.add(own)
        try:
            flat.output(reader.settle(Site("output"), result), own, training=training and at > 0)
        except Unsaid as unsaid:
            flat.refuse(
                reader.site(node), f"its result {'x'.join(map(str, result.sizes)) or 'of one number'} is no tensor of a batch: {unsaid}"
            )


def _examples(module: Any, example: Any) -> tuple[Any, ...]:
    """Tensors of two images, where the example has fewer or more."""
    import torch

    device = next((one.device for one in module.parameters()), torch.device("cpu"))
    if isinstance(example, str) or (isinstance(example, tuple) and all(isinstance(one, int) for one in example)):
        sizes = shape_of(example) if isinstance(example, str) else example
        if sizes is None:
            raise ValueError(f"expected a size such as 224x224x3, found `{example}`")
        return (images(sizes, device),)
    given = example if isinstance(example, (tuple, list)) else (example,)
    return tuple([torch.zeros((BATCH, *one.shape[1:]), dtype=one.dtype, device=device) if hasattr(one, "shape") else one for one in given])


def images(sizes: Sequence[int], device: torch.device | None) -> torch.Tensor:
    """Images of zeros of a size, channels last, as PyTorch takes them. Raises ValueError where they are too large."""
    import torch

    try:
        return torch.zeros((BATCH, sizes[-1], *sizes[:-1]), device=device)
    except RuntimeError:  # of the memory, or of the largest count
        raise ValueError(f"an input of {'x'.join(map(str, sizes))} does not fit into memory") from None


@contextmanager
def _mode(module: Any, *, training: bool) -> Iterator[None]:
    before = {one: one.training for one in module.modules()}
    module.train(training)
    try:
        yield
    finally:
        for one, was in before.items():
            one.training = was


@contextmanager
def _unguarded() -> Iterator[None]:
    """Let nn.Transformer take a mask as it is: whether it is causal, which it tells to be faster, depends on numbers that tracing lacks."""
    from torch.nn.modules import transformer

    def said(mask: Any, is_causal: bool | None = None, size: int | None = None) -> bool:
        del mask, size
        return bool(is_causal)

    before = transformer._detect_is_causal_mask
    transformer._detect_is_causal_mask = said
    try:
        yield
    finally:
        transformer._detect_is_causal_mask = before


def _export(module: Any, inputs: tuple[Any, ...]) -> Any:
    """Trace a module. Raises SpecError with PyTorch's reason where it cannot."""
    import warnings

    import torch

    try:
        with warnings.catch_warnings(), _unguarded():
            warnings.simplefilter("ignore")
            return torch.export.export(module, inputs, strict=False)
    except Exception as error:  # whatever the code of the module raises
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        message = f"PyTorch cannot export {type(module).__name__}: {reason}"
        help_ = (
            "what depends on the data, as the boxes of a detector do, cannot be imported: import the part before it, such as `.backbone`"
        )
        raise SpecError([Diagnostic("A611", message, None, help=help_)]) from error
