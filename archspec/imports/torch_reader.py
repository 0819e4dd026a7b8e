"""The graph of an exported PyTorch program as layers, operator by operator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, SpecError
from archspec.imports.channels_first import Kernel
from archspec.imports.flat import Flat, Site, Unsaid
from archspec.imports.imported import Stored
from archspec.imports.layout import plain
from archspec.imports.products import Scores
from archspec.imports.stored import Computed, Held, held
from archspec.imports.torch_constants import FILLED, KNOWN, Constants, without_batch
from archspec.imports.torch_forms import Rows, formed, placed, rows_of
from archspec.imports.torch_nodes import (
    behind,
    constant_padding,
    flat,
    module_of,
    operator,
    overwritten,
    parts_of,
    reads_tokens,
    sequenced,
    views_in,
)
from archspec.imports.torch_recognised import Recognised, recognised
from archspec.imports.torch_table import ROWS, TAKES, Final, Stacked
from archspec.imports.torch_turned import before_attention
from archspec.imports.views import View, declared_type
from archspec.types import Map, Vector, from_shape

if TYPE_CHECKING:
    from torch import nn

BATCH = 2
"""Images in the batch: with one, a view that mixes the batch with other axes could not be told from one that does not."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_PENDING = (Scores, Stacked, Final)
"""What is being put together, and may become a tensor."""
_UNUSUAL = (AttributeError, TypeError, ValueError, IndexError, KeyError)
"""What a row raises that meets what its operator seldom gets."""


class Reader(Constants):
    """Turns the operators of an exported program into layers."""

    def __init__(self, flat: Flat, module: nn.Module | None, program: Any, batch: int = BATCH) -> None:
        super().__init__(flat, program, batch)
        self.module = module
        signature = program.graph_signature
        same = _first_names(module)
        own = {node: same.get(key, key) for node, key in signature.inputs_to_parameters.items()}
        self.keys: Mapping[str, str] = {**own, **signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
        self.learned = set(own.values())
        self.held_nodes = {one for one in program.graph.nodes if one.op == "placeholder" and self.keys.get(one.name) in self.learned}
        """The operators that give learned tensors."""
        self.sequenced = {path for one in program.graph.nodes if (path := sequenced(one, self.keys))}
        """The recurrent layers of which the outputs of all positions are used."""
        self.dropped: set[str] = set()
        """The modules with attention of which training drops out weights."""
        self.layers = {key.rpartition(".")[0] for key in self.keys.values() if key.endswith((".weight", ".running_mean"))}
        """The modules that are layers with weights; what else they compute belongs to the modules around them."""
        if module is not None:
            self.layers |= {
                path for path, one in module.named_modules() if path and not next(one.children(), None) and not one.state_dict()
            }

    def run(self) -> list[tuple[Any, Any]]:
        """Read the whole graph; returns the tensors of its results, and what gives them."""
        from archspec.imports import torch_own, torch_rows, torch_sequences, torch_values, torch_views  # noqa: F401 - they register their rows
        from archspec.imports.torch_modules import wholes

        results: list[tuple[Any, Any]] = []
        written = recognised(self, parts := wholes(self)) | before_attention(self)
        inner = {one for found in written.values() for one in found.inner}
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node)
            elif node.op == "output":
                results = [(self._result(one), one) for one in flat(node.args)]
            elif node.op == "call_function" and node in written:
                self._written_out(node, written[node])
            elif node.op == "call_function" and node not in parts and node not in inner:
                self._operator(node)
            elif node.op == "call_function" and parts.get(node) is not None:
                path, row, inputs = parts[node] or ("", None, [])
                self.values[node] = self._whole(node, path, row, inputs)
        return results

    def _operator(self, node: Any) -> None:
        """Read one operator, and what it changes in place."""
        found = self._call(node)
        self.values[node] = found._replace(node=node) if isinstance(found, Computed) else found
        for one in overwritten(node):
            self.values[one] = self._changed(node, one)

    def _written_out(self, node: Any, layer: Recognised) -> None:
        """Read the operators of a layer that is written out as that layer, or one by one where it takes no tensor of the network."""
        with suppress(Unsaid):
            x = self.values.get(layer.source)
            if isinstance(x, View):
                self.values[node] = layer.make(self, self.site(node), x)
                self._check(node, self.values[node], "")
                return
        for one in [*layer.inner, node]:
            self._operator(one)

    def _changed(self, node: Any, one: Any) -> Any:
        """What a tensor is behind an operator that changes it, or a part of it, in place."""
        site, new, shape = self.site(node), self.values[node], tuple(one.meta["val"].shape)
        old, target = (self.values.get(each) for each in (one, node.args[0]))
        if isinstance(old, Computed) and isinstance(new, Computed) and not new.parts:
            return old  # whose numbers are written into where they are
        with suppress(Unsaid):
            if not (isinstance(old, Computed) or isinstance(target, Computed)) and self._plain(site, old) == self._plain(site, target):
                return new
            old = self.lifted(old) if isinstance(old, Computed) else self._plain(site, old)
        if new is None:
            return None
        if not isinstance(old, View) or not isinstance(new, View):
            self.flat.refuse(site, f"`{site.operator}` writes into a stored tensor")
            return None
        return self._declared(site, [old, new], shape, {}, "it writes into a part of a tensor that is read afterwards")

    def _result(self, node: Any) -> Any:
        value = self.values.get(node)
        return self._plain(self.site(node), value) if isinstance(value, _PENDING) else value

    def _whole(self, node: Any, path: str, row: Any, inputs: Sequence[Any]) -> Any:
        """The result of a module that is one layer."""
        assert self.module is not None
        site = self.site(node, path)
        site = site._replace(path=path.rpartition(".")[0])
        given = [self.values.get(one) for one in inputs]
        try:
            if not all(isinstance(one, View) or (isinstance(one, Held) and not one.learned) for one in given):
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
            number = self.number_of(tensor)
            again = len(node.users) > 1 or any(len(user.users) > 1 for user in node.users)
            self.values[node] = held(key, node.meta["val"].shape, learned=key in self.learned, again=again) if number is None else number
            if tensor is not None and key not in self.learned and not tensor.is_meta and tensor.numel() <= KNOWN:
                self.real[node] = tensor.detach().cpu().clone()
            return
        value = node.meta.get("val")
        if value is None or not hasattr(value, "shape"):
            self.values[node] = value
            return
        self.values[node] = self._input(node, tuple(value.shape))

    def _input(self, node: Any, shape: Sequence[int]) -> View:
        """An input of the network: of two axes behind the batch the channels are last where the first layers read them so."""
        sizes = shape[1:]
        if len(shape) == 1:  # a number per image
            return self.of(self.flat.input(node.name, Vector(1)))._replace(dims=plain("n", (self.batch,)))
        if len(sizes) == 2 and reads_tokens(node):
            value = self.flat.input(node.name, Map((sizes[0],), sizes[1]))
            x = self.of(value)
            return x._replace(dims=(x.dims[0], x.dims[2], x.dims[1]))
        if not 1 <= len(sizes) <= 4:
            raise SpecError(
                [Diagnostic("A611", f"input `{node.name}` has {len(shape)} axes, the batch included; a network takes 1 to 5", None)]
            )
        return self.of(self.flat.input(node.name, from_shape((*sizes[1:], sizes[0]))))

    # one operator

    def site(self, node: Any, key: str = "") -> Site:
        """Where an operator stands: its module with its class, and the line of Python."""
        path, kind = module_of(node)
        lines = _FRAME.findall(node.meta.get("stack_trace") or "")
        place = f"{lines[-1][0]}:{lines[-1][1]}" if lines else ""
        where = ", ".join(filter(None, [f"`{path}` ({kind.rpartition('.')[2]})" if path else kind.rpartition(".")[2], place]))
        layer = path if path in self.layers or kind.startswith("torch.nn.modules.") else ""
        return Site(operator(node), where, path.rpartition(".")[0] if layer else path, key, own=layer)

    def _call(self, node: Any) -> Any:
        name = operator(node).removeprefix("aten.")
        arguments = self.arguments(node)
        if any(self.values.get(one, 0) is None for one in node.all_input_nodes):
            return None  # what it takes was refused
        given = [value for value in flat(list(arguments.values())) if value is not None]
        from_input = name not in FILLED and not all(isinstance(value, (Held, Computed)) or not hasattr(value, "_fields") for value in given)
        views = name in ROWS and ROWS[name].__module__.endswith("views")
        if isinstance(arguments.get("x"), (int, float)) and views:
            self.compute(node, name, node.meta.get("val"))  # what is written in place into a constant reads it
            return arguments["x"]
        if from_input:
            return self._tried(node, self.site(node), arguments)
        if views and Held in TAKES[name] and name not in FILLED:
            self.compute(node, name, node.meta.get("val"))
            with suppress(Unsaid, *_UNUSUAL):
                return self._said(node, self.site(node), arguments)
        return self.computed(node, name, arguments, [one for one in given if isinstance(one, (Held, Computed))])

    def _tried(self, node: Any, site: Site, arguments: dict[str, Any]) -> Any:
        """What comes of an operator in the first of several ways that gives something, and `custom` where none does."""
        why = "it is used in a way that is not known"
        given = [one for one in flat(list(arguments.values())) if isinstance(one, (*_PENDING, Held, Computed))]
        try:
            for whole in (False, True):
                if whole and not any(isinstance(one, _PENDING) for one in given):
                    break
                if whole:
                    arguments = _each(arguments, lambda _, one: self._plain(site, one))
                for kinds in ((), (Computed,), (Held, Computed)):
                    if kinds and not any(isinstance(one, kinds) for one in given):
                        continue
                    try:
                        found = self._said(node, site, self._lifting(arguments, kinds))
                        self.taken.update(part for one in given if isinstance(one, kinds) for part in parts_of(one))
                        return found
                    except Unsaid as unsaid:
                        why = why if kinds else str(unsaid)
                    except _UNUSUAL:
                        pass
        except Unsaid as unsaid:
            why = str(unsaid)
        return self._opaque(node, site, arguments, why)

    def _plain(self, site: Site, one: Any) -> Any:
        """What was being put together as the tensor that it is, since nothing else came of it. Raises Unsaid."""
        one = one.whole(self) if isinstance(one, Final) else one
        if isinstance(one, Stacked):
            count, last = len(one.parts), len(one.parts[0].dims)
            joined = self.concat(site, one.parts, last - 1)
            apart = self.view(site, joined, [*joined.sizes[:-1], count, joined.sizes[-1] // count]).dims
            order = [at for at in range(last + 1) if at != last - 1]
            order.insert(one.dim, last - 1)
            return joined._replace(dims=tuple([apart[at] for at in order]))
        return self.written(site, one) if isinstance(one, Scores) else one

    def _lifting(self, arguments: Mapping[str, Any], kinds: tuple[type, ...]) -> dict[str, Any]:
        """Arguments of which those of some kinds are values of the network, except the weights of a layer. Raises Unsaid."""

        def change(name: str, one: Any) -> Any:
            weight = name in ("weight", "running_mean", "running_var", "params") or (name == "bias" and isinstance(one, Held))
            return self.lifted(one) if isinstance(one, (Held, Computed)) and isinstance(one, kinds) and not weight else one

        return _each(arguments, change)

    def evaluated(self, node: Any, arguments: Mapping[str, Any]) -> View:
        """What an operator makes of tensors that are the same for all images. Raises Unsaid."""
        for kinds in ((Computed,), (Held, Computed)):
            with suppress(Unsaid, *_UNUSUAL):
                found = self._said(node, self.site(node), self._lifting(arguments, kinds), bare=True)
                if isinstance(found, View):
                    return found
        raise Unsaid("it takes what is computed from stored tensors alone")

    def _said(self, node: Any, site: Site, arguments: dict[str, Any], *, bare: bool = False) -> Any:
        """What the row of an operator makes of arguments, which may be the same for all images. Raises Unsaid."""
        name = operator(node).removeprefix("aten.")
        if name not in ROWS:
            raise Unsaid("the language has no layer for it")
        if "x" in arguments and not isinstance(arguments["x"], (View, *TAKES[name])):
            raise Unsaid("it takes a stored tensor, or scores of attention")
        if isinstance(arguments.get("x"), Computed) and node in self.real:
            arguments["x"] = arguments["x"]._replace(value=self.real[node])
        names = [one for one in ROWS[name].__annotations__ if one not in ("r", "site", "return")]
        found = ROWS[name](self, site, **{one: arguments.get(one) for one in names})
        if bare and isinstance(found, View):
            found = without_batch(found, self.batch)
        self._check(node, found, name)
        for one in (found if isinstance(found, list) else [found]) if ROWS[name].__module__.endswith("views") else ():
            if isinstance(one, View):
                self.viewed_in(site, one)
        return found

    def arguments(self, node: Any) -> dict[str, Any]:
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

    def _check(self, node: Any, found: Any, name: str) -> None:
        """Compare the shape of a result with what PyTorch says. Raises Unsaid."""
        value = node.meta.get("val")
        if isinstance(found, View) and hasattr(value, "shape") and name not in ("expand", "expand_as", "repeat", "tile"):
            shape = tuple(value.shape)
            if found.sizes != shape and not (
                len(shape) == len(found.sizes) and all(a in (1, b) for a, b in zip(found.sizes, shape, strict=True))
            ):
                raise Unsaid(f"its result is {'x'.join(map(str, shape))}, and that of the layer {'x'.join(map(str, found.sizes))}")

    def _opaque(self, node: Any, site: Site, arguments: Mapping[str, Any], why: str) -> Any:
        """An operator as `custom`, with what it reads and has stored; of one with several results as many."""
        value = node.meta.get("val")
        if site.operator == "aten.pad" and (padding := constant_padding(arguments)) is not None:
            arguments, site = padding, site._replace(operator="aten.constant_pad_nd")
        given = flat(list(arguments.values()))
        views = [view for one in given for view in views_in(one)]
        stored = self._unused(flat(list(arguments.values())))
        results = list(value) if isinstance(value, (list, tuple)) else [value]
        places = behind(node, arguments) if len(results) == 1 else None
        found = []
        for at, one in enumerate(results):
            shape = tuple(getattr(one, "shape", ()))
            if not shape or prod(shape) % self.batch or not prod(shape) or not views:
                self.flat.refuse(site, f"`{site.operator}` has a result that is no tensor of a batch")
                return None
            found.append(self._declared(site, views, shape, stored if at == 0 else {}, why, places))
        return found if isinstance(value, (list, tuple)) else found[0]

    def _declared(
        self,
        site: Site,
        views: Sequence[View],
        shape: tuple[int, ...],
        stored: Mapping[str, str],
        why: str,
        places: tuple[Any, ...] | None = None,
    ) -> View:
        """A `custom` with a result of a shape. `places` are the numbers that its function takes; None where these cannot be said.

        A value of which a view cannot be said is taken as a whole. Either leaves a name that is only declared, as does a batch that comes later,
        since PyTorch's function would compute something else.
        """
        taken = [self.settled_or_whole(site, view) for view in views]
        if places is None or shape[0] != self.batch or not all(settled for _, settled in taken):
            places, site = (), site._replace(operator=site.operator.removeprefix("aten."))
        result = self.flat.custom(
            site._replace(key=next(iter(stored.values()), "").rpartition(".")[0]),
            *[value for value, _ in taken],
            out=declared_type(shape, self.batch),
            places=places,
            why=why,
            tensors={name: tuple(self.state[key].shape) for name, key in stored.items()},
            stored={name: Stored((key,)) for name, key in stored.items()},
        )
        return self.declared(result, shape)

    def _unused(self, given: Iterable[Any]) -> dict[str, str]:
        """The learned tensors among arguments that no layer has yet, by their names within the module that has all of them."""
        keys = dict.fromkeys(part for one in given if isinstance(one, (Held, Computed)) for part in parts_of(one) if part not in self.taken)
        self.taken.update(keys)
        levels = [key.split(".")[:-1] for key in keys]
        common = 0
        while levels and all(len(level) > common and level[common] == levels[0][common] for level in levels):
            common += 1
        while common and any(".".join(key.split(".")[common:])[0].isdecimal() for key in keys):  # which is no name of an argument
            common -= 1
        return {"_".join(key.split(".")[common:]): key for key in keys}

    def kernel(self, weight: Any, bias: Any) -> tuple[str, Kernel]:
        """The key of a layer, and its weights, from its stored tensors. Raises Unsaid where they are computed."""
        made = formed(self, weight) if isinstance(weight, Computed) else None
        part = rows_of(self, bias) if isinstance(bias, Computed) else bias
        if made is not None and (part is None or isinstance(part, Held)):
            key, stored, form = made
            return key, Kernel(weight.sizes, bias is not None, stored | ({"bias": Stored((bias.name,))} if bias is not None else {}), form)
        rows = rows_of(self, weight)
        if rows is None or not rows.name or isinstance(bias, View) or (part is None and bias is not None):
            raise Unsaid("its weights are computed")
        key, _, name = rows.name.rpartition(".")
        key = key if name == "weight" else rows.name.removesuffix("_weight")
        if isinstance(rows, Rows):
            key = f"{key}_{rows.start}_{rows.stop}"
        stored = {"weight": placed(rows)} | ({"bias": placed(part)} if part is not None else {})
        form = {"frozen": True} if isinstance(rows, Held) and not rows.learned else {}  # a buffer, as filters that blur are
        return key, Kernel(weight.sizes, bias is not None, stored, form)


def _each(arguments: Mapping[str, Any], change: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Arguments of which each is changed, also those in lists."""
    return {name: [change(name, each) for each in one] if type(one) is list else change(name, one) for name, one in arguments.items()}


def _first_names(module: nn.Module | None) -> dict[str, str]:
    """The first name of each parameter of a module by each of its names: tied ones have several."""
    found: dict[int, str] = {}
    named = module.named_parameters(remove_duplicate=False) if module is not None else ()
    return {name: found.setdefault(id(one), name) for name, one in named}
