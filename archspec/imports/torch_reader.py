"""The graph of an exported PyTorch program as layers, operator by operator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, SpecError
from archspec.imports.channels_first import Kernel
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.products import Attending, Scores
from archspec.imports.torch_table import ROWS, TAKES
from archspec.imports.views import Computed, Held, Table, View, declared_type, held
from archspec.types import Map, from_shape

if TYPE_CHECKING:
    from torch import nn

BATCH = 2
"""Images in the batch: with one, a view that mixes the batch with other axes could not be told from one that does not."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_KNOWN = 1_000_000
"""Numbers of a constant that is computed."""
_FILLED = ("new_zeros", "zeros_like", "new_ones", "ones_like", "new_full", "full_like", "new_empty", "empty_like")
"""What takes the shape of a tensor alone."""


class Reader(Attending):
    """Turns the operators of an exported program into layers."""

    def __init__(self, flat: Flat, module: nn.Module | None, program: Any, batch: int = BATCH) -> None:
        super().__init__(flat, batch)
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
        self.real: dict[Any, Any] = {}
        """The numbers of constants, as far as they are known."""
        self.taken: set[str] = set()
        """The learned tensors that layers without a word have."""

    def run(self) -> list[tuple[Any, Any]]:
        """Read the whole graph; returns the tensors of its results, and what gives them."""
        from archspec.imports import torch_own, torch_rows, torch_sequences, torch_values, torch_views  # noqa: F401 - they register their rows
        from archspec.imports.torch_modules import wholes

        results: list[tuple[Any, Any]] = []
        parts = wholes(self)
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node)
            elif node.op == "output":
                results = [(self.values.get(one), one) for one in _flat(node.args)]
            elif node.op == "call_function" and node not in parts:
                self.values[node] = self._call(node)
            elif node.op == "call_function" and parts[node] is not None:
                path, row, inputs = parts[node] or ("", None, [])
                self.values[node] = self._whole(node, path, row, inputs)
        return results

    def _whole(self, node: Any, path: str, row: Any, inputs: Sequence[Any]) -> Any:
        """The result of a module that is one layer."""
        assert self.module is not None
        site = self.site(node, path)
        site = site._replace(path=path.rpartition(".")[0])
        given = [self.values.get(one) for one in inputs]
        try:
            if not all(isinstance(one, View) for one in given):
                raise Unsaid("it takes more than tensors of the network")
            found = row(self, site, self.module.get_submodule(path), *given)
            self._check(node, found, "")
            return found
        except Unsaid as unsaid:
            return self._opaque(node, site, dict(enumerate(given)), str(unsaid))  # type: ignore[arg-type]

    def _placeholder(self, node: Any) -> None:
        if node.name in self.keys:
            key = self.keys[node.name]
            tensor = self.state.get(key)
            number = self._number(tensor)
            again = len(node.users) > 1 or any(len(user.users) > 1 for user in node.users)
            self.values[node] = held(key, node.meta["val"].shape, learned=key in self.learned, again=again) if number is None else number
            if tensor is not None and key not in self.learned and not tensor.is_meta and tensor.numel() <= _KNOWN:
                self.real[node] = tensor.detach().cpu().clone()
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
        return self.of(self.flat.input(node.name, from_shape((*sizes[1:], sizes[0]))))

    # one operator

    @staticmethod
    def module_of(node: Any) -> tuple[str, str]:
        """The path and the class of the module that an operator is in."""
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        path, kind = (stack[-1][0].partition("@")[0], stack[-1][1]) if stack else ("", "")
        return path, kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"

    def site(self, node: Any, key: str = "") -> Site:
        """Where an operator stands: its module with its class, and the line of Python."""
        path, kind = self.module_of(node)
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
        if any(self.values.get(one, 0) is None for one in node.all_input_nodes):
            return None  # what it takes was refused
        given = [value for value in _flat(list(arguments.values())) if value is not None]
        from_input = name not in _FILLED and not all(
            isinstance(value, (Held, Computed)) or not hasattr(value, "_fields") for value in given
        )
        views = name in ROWS and ROWS[name].__module__.endswith("views")
        if not from_input and (not (views and Held in TAKES[name]) or name in _FILLED):
            return self._computed(node, name, arguments)
        if not from_input:
            self._real(node, name, node.meta.get("val"))
        if isinstance(arguments.get("x"), (int, float)) and views:
            return arguments["x"]
        try:
            if row is None:
                raise Unsaid("the language has no layer for it")
            if Scores not in TAKES[name]:
                arguments = {one: self.product(site, value) if isinstance(value, Scores) else value for one, value in arguments.items()}
            if "x" in arguments and not isinstance(arguments["x"], (View, *TAKES[name])):
                raise Unsaid("it takes a stored tensor, or scores of attention")
            if isinstance(arguments.get("x"), Computed) and node in self.real:
                arguments["x"] = arguments["x"]._replace(value=self.real[node])
            names = [one for one in row.__annotations__ if one not in ("r", "site", "return")]
            found = row(self, site, **{one: arguments.get(one) for one in names})
            self._check(node, found, name)
            for one in found if isinstance(found, list) else [found]:
                if isinstance(one, View):
                    self.viewed_in(site, one)
            return found
        except Unsaid as unsaid:
            return self._opaque(node, site, arguments, str(unsaid))
        except (AttributeError, TypeError, ValueError, IndexError, KeyError):  # a row met what its operator seldom gets
            return self._opaque(node, site, arguments, "it is used in a way that is not known")

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

    def _computed(self, node: Any, name: str, arguments: Mapping[str, Any]) -> Any:
        """What has no input of the network among its arguments; its numbers are computed where they are few and all known."""
        value = node.meta.get("val")
        read = [one for one in _flat(list(arguments.values())) if isinstance(one, (Held, Computed))]
        parts = tuple(dict.fromkeys(part for one in read for part in _parts(one)))
        real = self._real(node, name, value)
        if isinstance(value, (list, tuple)):
            return [Computed(held("", one.shape).dims, parts) for one in value]
        if not hasattr(value, "shape"):
            return value
        found = Computed(held("", value.shape).dims, parts, real)
        if name == "index" and isinstance(arguments["x"], Held) and arguments["x"].learned and len(arguments["indices"]) == 1:
            return found._replace(table=Table(arguments["x"].name, self.real.get(node.args[1][0])))
        if name == "add" and len(read) == 2:
            with suppress(Unsaid):
                return self._masked(found, *read)
        return found

    def _masked(self, found: Computed, one: Any, other: Any) -> Computed:
        """Biases of relative positions and a mask, added."""
        one, other = (each if isinstance(each, Computed) else Computed(each.dims, _parts(each)) for each in (one, other))
        if other.table is not None:
            one, other = other, one
        if one.table is None or other.parts:
            return found
        return found._replace(table=self.oriented(one), mask=True if other.value is None else other.value)

    def _real(self, node: Any, name: str, value: Any) -> Any:
        """The numbers of a constant."""
        import torch

        if hasattr(value, "numel") and value.numel() > _KNOWN:
            return None
        fill = {"new_zeros": 0, "zeros_like": 0, "new_ones": 1, "ones_like": 1}.get(name)
        if fill is not None:
            self.real[node] = torch.full(tuple(value.shape), fill, dtype=value.dtype)
            return self.real[node]
        try:
            arguments = torch.fx.node.map_arg(node.args, lambda one: self.real[one])
            given = torch.fx.node.map_arg(dict(node.kwargs), lambda one: self.real[one])
            given |= {"device": "cpu"} if "device" in given else {}
            self.real[node] = node.target(*arguments, **given)
        except Exception:  # an unknown argument, or whatever an operator refuses
            return None
        return self.real[node] if hasattr(self.real[node], "reshape") else None

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
        """An operator as `custom`, with what it reads and has stored; of one with several results as many."""
        value = node.meta.get("val")
        given = _flat(list(arguments.values()))
        views = [view for one in given for view in _views(one)]
        stored = self._unused(_flat(list(arguments.values())))
        results = list(value) if isinstance(value, (list, tuple)) else [value]
        found = []
        for at, one in enumerate(results):
            shape = tuple(getattr(one, "shape", ()))
            if not shape or prod(shape) % self.batch or not prod(shape) or not views:
                self.flat.refuse(site, f"`{site.operator}` has a result that is no tensor of a batch")
                return None
            found.append(self._declared(site, views, shape, stored if at == 0 else {}, why))
        return found if isinstance(value, (list, tuple)) else found[0]

    def _declared(self, site: Site, views: Sequence[View], shape: tuple[int, ...], stored: Mapping[str, str], why: str) -> View:
        """A `custom` with a result of a shape."""
        result = self.flat.custom(
            site._replace(key=next(iter(stored.values()), "").rpartition(".")[0]),
            *[self.settled_or_whole(site, view) for view in views],
            out=declared_type(shape, self.batch),
            why=why,
            tensors={name: tuple(self.state[key].shape) for name, key in stored.items()},
            stored={name: Stored((key,)) for name, key in stored.items()},
        )
        return self.declared(result, shape)

    def constant(self, one: Held | Computed) -> Held | Computed:
        """A stored tensor that is not learned with its numbers, as far as they are known."""
        if isinstance(one, Computed) or one.learned:
            return one
        tensor = self.state.get(one.name)
        return Computed(one.dims, (), tensor if tensor is not None and not tensor.is_meta else None)

    def begins(self, name: str) -> float | None:
        """The number that a stored tensor is full of; None where there are several, or none is known."""
        tensor = self.state.get(name)
        if tensor is None or tensor.is_meta or not tensor.numel() or not tensor.is_floating_point():
            return None
        first = float(tensor.detach().flatten()[0])
        return first if bool((tensor == first).all()) else None

    def _unused(self, given: Iterable[Any]) -> dict[str, str]:
        """The learned tensors among arguments that no layer has yet, by their names within the module that has all of them."""
        keys = dict.fromkeys(part for one in given if isinstance(one, (Held, Computed)) for part in _parts(one) if part not in self.taken)
        self.taken.update(keys)
        levels = [key.split(".")[:-1] for key in keys]
        common = 0
        while levels and all(len(level) > common and level[common] == levels[0][common] for level in levels):
            common += 1
        return {"_".join(key.split(".")[common:]): key for key in keys}

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


def _parts(one: Held | Computed) -> tuple[str, ...]:
    """The learned tensors of a stored or computed one."""
    return one.parts if isinstance(one, Computed) else (one.name,) * one.learned


def _views(one: Any) -> list[View]:
    """The tensors of the network in what stands for something that is being put together."""
    if isinstance(one, View):
        return [one]
    return [view for part in _flat([*one]) for view in _views(part)] if hasattr(one, "_fields") else []


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
