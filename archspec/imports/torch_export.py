"""PyTorch modules, by `torch.export`: the graph of operators before decomposition, with the module that each comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import prod
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, SpecError
from archspec.elaborate.settings import shape_of
from archspec.extras import require
from archspec.imports.channels_first import Kernel
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Imported, Stored
from archspec.imports.layout import viewed
from archspec.imports.products import Attending, Scores
from archspec.imports.torch_table import ROWS, TAKES
from archspec.imports.views import Held, View, held
from archspec.types import Map, Tokens, Type, Vector

if TYPE_CHECKING:
    import torch

_BATCH = 2
"""Images in the batch: with one, a view that mixes the batch with other axes could not be told from one that does not."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


class Computed(Held):
    """What is computed from stored tensors alone; it is no tensor of the network."""


class Reader(Attending):
    """Turns the operators of an exported program into layers."""

    def __init__(self, flat: Flat, module: torch.nn.Module | None, program: Any) -> None:
        super().__init__(flat, _BATCH)
        self.module = module
        self.program = program
        signature = program.graph_signature
        self.keys: Mapping[str, str] = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        self.learned = set(signature.inputs_to_parameters.values())
        self.state = {**program.state_dict, **program.constants}
        self.layers = {key.rpartition(".")[0] for key in self.keys.values() if key.endswith((".weight", ".running_mean"))}
        """The modules that are layers with weights; what else they compute belongs to the modules around them."""
        if module is not None:
            self.layers |= {
                path for path, one in module.named_modules() if path and not next(one.children(), None) and not one.state_dict()
            }
        self.values: dict[Any, Any] = {}
        self.used: set[str] = set()
        """The stored tensors that layers have."""

    def run(self) -> list[tuple[Any, Any]]:
        """Read the whole graph; returns the tensors of its results, and what gives them."""
        from archspec.imports import torch_rows, torch_views  # noqa: F401 - they register their rows
        from archspec.imports.torch_modules import whole

        results: list[tuple[Any, Any]] = []
        done: set[str] = set()
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node)
            elif node.op == "output":
                results = [(self.values.get(one), one) for one in _flat(node.args)]
            elif node.op == "call_function" and node not in self.values:
                path = whole(self, node)
                if path is not None:
                    done.add(path)
                    continue
                self.values[node] = self._call(node)
        return results

    def _placeholder(self, node: Any) -> None:
        if node.name in self.keys:
            key = self.keys[node.name]
            tensor = self.state.get(key)
            number = self._number(tensor)
            self.values[node] = number if number is not None else held(key, node.meta["val"].shape, learned=key in self.learned)
            return
        value = node.meta.get("val")
        if value is None or not hasattr(value, "shape"):
            self.values[node] = value
            return
        self.values[node] = self._input(node, tuple(value.shape))

    def _number(self, tensor: Any) -> float | None:
        """The number of a constant that has one alone; None where it is learned, or not there."""
        if tensor is None or tensor.numel() != 1 or tensor.is_meta or tensor.requires_grad or tensor.dim() > 0:
            return None
        return float(tensor)

    def _input(self, node: Any, shape: Sequence[int]) -> View:
        """An input of the network: of two axes behind the batch the channels are last where the first layers read them so."""
        sizes = shape[1:]
        if len(sizes) == 2 and _reads_tokens(node):
            value = self.flat.input(node.name, Map((sizes[0],), sizes[1]))
            x = self.of(value)
            return x._replace(dims=(x.dims[0], x.dims[2], x.dims[1]))
        if not 1 <= len(sizes) <= 4:
            raise SpecError(
                [Diagnostic("A611", f"input `{node.name}` has {len(shape)} axes, the batch included; a network takes 2 to 5", None)]
            )
        return self.of(self.flat.input(node.name, Vector(sizes[0]) if len(sizes) == 1 else Map(tuple(sizes[1:]), sizes[0])))

    # one operator

    def site(self, node: Any, key: str = "") -> Site:
        """Where an operator stands: its module with its class, and the line of Python."""
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        path, kind = (stack[-1][0].partition("@")[0], stack[-1][1]) if stack else ("", "")
        kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        lines = _FRAME.findall(node.meta.get("stack_trace") or "")
        place = f"{lines[-1][0]}:{lines[-1][1]}" if lines else ""
        where = ", ".join(filter(None, [f"`{path}` ({kind.rpartition('.')[2]})" if path else kind.rpartition(".")[2], place]))
        own = path.rpartition(".")[0] if path in self.layers or kind.startswith("torch.nn.modules.") else path
        return Site(_operator(node), where, own, key)

    def _call(self, node: Any) -> Any:
        name = _operator(node).removeprefix("aten.")
        row = ROWS.get(name)
        site = self.site(node)
        arguments = self._arguments(node)
        if name != "getitem" and arguments.get("x", 0) is None:
            return None  # what it takes was refused
        from_input = any(isinstance(value, (View, Scores)) for value in _flat(list(arguments.values())))
        views = name in ROWS and ROWS[name].__module__.endswith("views")
        if not from_input and not (views and Held in TAKES[name]):
            return self._computed(node)
        try:
            if row is None:
                raise Unsaid("the language has no layer for it")
            if "x" in arguments and not isinstance(arguments["x"], (View, *TAKES[name])):
                raise Unsaid("it takes a stored tensor, or scores of attention")
            names = [one for one in row.__annotations__ if one not in ("r", "site", "return")]
            found = row(self, site, **{one: arguments.get(one) for one in names})
            self._check(node, found, name)
            for one in found if isinstance(found, list) else [found]:
                if isinstance(one, View):
                    self.viewed_in(site, one)
            return found
        except Unsaid as unsaid:
            return self._opaque(node, site, arguments, str(unsaid))

    def _arguments(self, node: Any) -> dict[str, Any]:
        """The arguments of a call by the names of its schema, defaults included."""
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            return {f"arg{at}": self._read(one) for at, one in enumerate(node.args)}
        found = {}
        for at, one in enumerate(schema.arguments):
            given = (
                node.args[at] if at < len(node.args) else node.kwargs.get(one.name, one.default_value if one.has_default_value() else None)
            )
            found["x" if one.name in ("self", "input") else one.name] = self._read(given)
        return found

    def _read(self, given: Any) -> Any:
        if isinstance(given, (list, tuple)):
            return [self._read(one) for one in given]
        return self.values.get(given) if hasattr(given, "op") and hasattr(given, "meta") else given

    def _computed(self, node: Any) -> Any:
        """What has no input of the network among its arguments."""
        value = node.meta.get("val")
        if isinstance(value, (list, tuple)):
            return [Computed("", tuple(one.shape), held("", one.shape).dims, False) for one in value]
        if not hasattr(value, "shape"):
            return value
        return Computed("", tuple(value.shape), held("", value.shape).dims, False)

    def _check(self, node: Any, found: Any, name: str) -> None:
        """Compare the shape of a result with what PyTorch says. Raises Unsaid."""
        value = node.meta.get("val")
        if isinstance(found, View) and hasattr(value, "shape") and name not in ("expand", "expand_as"):
            shape = tuple(value.shape)
            if found.sizes != shape and not (
                len(shape) == len(found.sizes) and all(a in (1, b) for a, b in zip(found.sizes, shape, strict=True))
            ):
                raise Unsaid(f"its result is {'x'.join(map(str, shape))}, and that of the layer {'x'.join(map(str, found.sizes))}")

    def _opaque(self, node: Any, site: Site, arguments: Mapping[str, Any], why: str) -> Any:
        """An operator as `custom`, with what it reads and has stored."""
        value = node.meta.get("val")
        many = isinstance(value, (list, tuple))
        first = value[0] if many and value else value
        given = [one for one in _flat(list(arguments.values())) if isinstance(one, (View, Scores))]
        views = [view for one in given for view in ((one.queries, one.keys) if isinstance(one, Scores) else (one,))]
        shape = tuple(getattr(first, "shape", ()))
        if not shape or prod(shape) % _BATCH or not prod(shape) or not views:
            self.flat.refuse(site, f"`{site.operator}` has a result that is no tensor of a batch")
            return None
        type_ = _opaque_type(shape)
        stored = {one.name.rpartition(".")[2]: one for one in _flat(list(arguments.values())) if isinstance(one, Held) and one.name}
        result = self.flat.custom(
            site._replace(key=_common(stored)),
            *[self._value(site, view) for view in views],
            out=type_,
            why=why,
            tensors={name: one.shape for name, one in stored.items() if one.learned},
            stored={name: Stored((one.name,)) for name, one in stored.items() if one.learned},
        )
        made = self.of(result)
        dims = viewed(made.dims, shape) if isinstance(type_, Vector) else made.dims
        found = View(result, dims) if dims is not None else made
        return [found] if many else found

    def _value(self, site: Site, x: View) -> int:
        """The value of what an unknown operator reads, as it comes."""
        try:
            return self.settle(site, x)
        except Unsaid:
            return x.value

    def kernel(self, weight: Any, bias: Any) -> tuple[str, Kernel]:
        """The key of a layer, and its weights, from its stored tensors. Raises Unsaid where they are computed."""
        if not isinstance(weight, Held) or not weight.name or isinstance(bias, (Computed, View)):
            raise Unsaid("its weights are computed")
        key, _, name = weight.name.rpartition(".")
        key = key if name == "weight" else weight.name.removesuffix("_weight")
        stored = {"weight": Stored((weight.name,))} | ({"bias": Stored((bias.name,))} if bias is not None else {})
        return key, Kernel(weight.sizes, bias is not None, stored)


def _operator(node: Any) -> str:
    """The name of an operator without its overload, and without what says that it is in place."""
    target = getattr(node.target, "_schema", None)
    if target is None:
        return getattr(node.target, "__name__", str(node.target))
    package, _, name = str(target.name).partition("::")
    return f"{package}.{name.rstrip('_') if not name.endswith('__') else name}"


def _flat(values: Any) -> Iterator[Any]:
    """The items of nested lists; a tensor of ours is no list."""
    pending = [values]
    while pending:
        one = pending.pop()
        if isinstance(one, (list, tuple)) and not hasattr(one, "_fields"):
            pending.extend(reversed(one))
        else:
            yield one


def _common(stored: Mapping[str, Held]) -> str:
    """The module that stored tensors belong to."""
    return next((one.name.rpartition(".")[0] for one in stored.values() if one.learned), "")


def _opaque_type(shape: Sequence[int]) -> Type:
    """The type of a result that nothing is known of, with the batch first where it is."""
    sizes = tuple(shape[1:])
    if shape[0] != _BATCH or not 1 <= len(sizes) <= 4:
        return Vector(prod(shape) // _BATCH)
    return Vector(*sizes) if len(sizes) == 1 else Tokens(*sizes) if len(sizes) == 2 else Map(sizes[1:], sizes[0])


def _reads_tokens(node: Any) -> bool:
    """Whether what reads an input takes its last axis as the channels."""
    pending, seen = list(node.users), set[Any]()
    while pending:
        user = pending.pop(0)
        name = _operator(user)
        if name in ("aten.linear", "aten.layer_norm", "aten.scaled_dot_product_attention", "aten.rms_norm", "aten.lstm", "aten.gru"):
            return True
        if name.startswith("aten.conv") or user in seen or len(seen) > 50:
            return False
        seen.add(user)
        pending += list(user.users)
    return False


def from_torch(module: torch.nn.Module, example: Any, *, name: str = "") -> Imported:
    """Read a PyTorch `module` as a short spec of the same network.

    `example` is what the module takes: a tensor, a tuple of tensors, or the size of one image, channels last, as `"224x224x3"` or
    `(224, 224, 3)`. The module is traced by `torch.export` in inference, and once more in training where it has weights that inference
    does not use; it may be on the meta device. Its mode is left as it was. The spec is called `name`, by default as the module's class. Operators without a layer become `custom`, and are among the
    `diagnostics`. Raises SpecError where PyTorch cannot export the module, or a result depends on data.

    >>> import torch
    >>> archspec.from_torch(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU()), "32x32x3", name="small").network
    Network(small: 32x32x3 -> 28x28x8, 2 layers)
    """
    require("torch")
    inputs = _examples(module, example)
    name = name or type(module).__name__
    flat, learned = _read(module, inputs, name, training=False)
    lost = learned - flat.stored()
    if lost:
        with suppress(SpecError):  # what can only be traced in inference is read from there alone
            heads, _ = _read(module, inputs, name, training=True)
            if lost > learned - heads.stored() and heads.customs() == flat.customs():
                flat = heads
    return flat.finish()._replace(tensors=lambda _: module.state_dict())


def _read(module: Any, inputs: tuple[Any, ...], name: str, *, training: bool) -> tuple[Flat, set[str]]:
    """A module in inference or in training, and its learned tensors; results after the first are heads of training there."""
    flat = Flat(name, name)
    with _mode(module, training=training):
        reader = Reader(flat, module, _export(module, inputs))
    results = [(value, node) for value, node in reader.run() if isinstance(value, View)]
    taken = {"output"}
    for at, (result, node) in enumerate(results):
        path = reader.site(node).path.partition(".")[0]
        own = "output" if at == 0 else path if training and path.isidentifier() and path not in taken else f"output{at + 1}"
        taken.add(own)
        flat.output(reader.settle(Site("output"), result), own, training=training and at > 0)
    return flat, reader.learned


def _examples(module: Any, example: Any) -> tuple[Any, ...]:
    """Tensors of two images, where the example has fewer or more."""
    import torch

    device = next((one.device for one in module.parameters()), torch.device("cpu"))
    if isinstance(example, str) or (isinstance(example, tuple) and all(isinstance(one, int) for one in example)):
        sizes = shape_of(example) if isinstance(example, str) else example
        if sizes is None:
            raise ValueError(f"expected a size such as 224x224x3, found `{example}`")
        return (torch.zeros((_BATCH, sizes[-1], *sizes[:-1]), device=device),)
    given = example if isinstance(example, (tuple, list)) else (example,)
    return tuple([torch.zeros((_BATCH, *one.shape[1:]), dtype=one.dtype, device=device) if hasattr(one, "shape") else one for one in given])


@contextmanager
def _mode(module: Any, *, training: bool) -> Iterator[None]:
    before = {one: one.training for one in module.modules()}
    module.train(training)
    try:
        yield
    finally:
        for one, was in before.items():
            one.training = was


def _export(module: Any, inputs: tuple[Any, ...]) -> Any:
    """Trace a module. Raises SpecError with PyTorch's reason where it cannot."""
    import warnings

    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(module, inputs, strict=False)
    except Exception as error:  # whatever the code of the module raises
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        message = f"PyTorch cannot export {type(module).__name__}: {reason}"
        help_ = (
            "what depends on the data, as the boxes of a detector do, cannot be imported: import the part before it, such as `.backbone`"
        )
        raise SpecError([Diagnostic("A611", message, None, help=help_)]) from error
