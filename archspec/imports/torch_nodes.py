"""What an exported program says of one operator, and of what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import dropwhile
from math import isfinite
from typing import Any

from archspec.imports.stored import Computed, Held
from archspec.imports.views import View


def module_of(node: Any) -> tuple[str, str]:
    """The path and the class of the module that an operator is in."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path, kind = (stack[-1][0].partition("@")[0], stack[-1][1]) if stack else ("", "")
    return path, kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"


def operator(node: Any) -> str:
    """The name of an operator without its overload, and without what says that it is in place."""
    target = getattr(node.target, "_schema", None)
    if target is None:
        return getattr(node.target, "__name__", str(node.target))
    package, _, name = str(target.name).partition("::")
    return f"{package}.{name.rstrip('_') if not name.endswith('__') else name}"


_VIEWS = {
    *("view", "reshape", "slice", "select", "alias", "transpose", "permute", "unsqueeze", "squeeze", "expand", "narrow", "t", "flatten"),
    *("split", "split_with_sizes", "chunk", "unbind", "getitem", "unflatten", "detach", "movedim", "swapaxes", "view_as", "expand_as"),
}
"""Operators whose result may share its numbers with what they take."""


def _is_view(node: Any) -> bool:
    return node.op == "call_function" and operator(node).removeprefix("aten.") in _VIEWS


def overwritten(node: Any) -> list[Any]:
    """What shares its numbers with the tensor that an operator changes in place, and is read behind it by its old name."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.name.endswith("_") or schema.name.endswith("__"):
        return []
    root = node.args[0]
    while _is_view(root):
        root = root.args[0]
    family, pending = [root], [root]
    while pending:
        views = [user for user in pending.pop().users if user < node and _is_view(user)]
        family += views
        pending += views
    return [one for one in family if any(node < user for user in one.users)]


def flat(values: Any) -> Iterator[Any]:
    """The items of nested lists; a tensor of ours is no list."""
    pending = [values]
    while pending:
        one = pending.pop()
        if isinstance(one, (list, tuple)) and not hasattr(one, "_fields"):
            pending.extend(reversed(one))
        else:
            yield one


def parts_of(one: Held | Computed) -> tuple[str, ...]:
    """The learned tensors of a stored or computed one."""
    return one.parts if isinstance(one, Computed) else (one.name,) * one.learned


def views_in(one: Any) -> list[View]:
    """The tensors of the network in something that is being put together."""
    if isinstance(one, View):
        return [one]
    return [view for part in flat([*one]) for view in views_in(part)] if hasattr(one, "_fields") else []


def reads_tokens(node: Any) -> bool:
    """Whether what reads an input takes its last axis as the channels."""
    pending, seen = list(node.users), set[Any]()
    while pending:
        user = pending.pop(0)
        name = operator(user)
        if name in ("aten.linear", "aten.layer_norm", "aten.scaled_dot_product_attention", "aten.rms_norm", "aten.lstm", "aten.gru"):
            return True
        if name.startswith("aten.conv") or user in seen or len(seen) > 50:
            return False
        seen.add(user)
        pending += list(user.users)
    return False


def sequenced(node: Any, keys: Mapping[str, str]) -> str:
    """The name of a recurrent layer, if the outputs of all its positions are used; empty for any other operator."""
    if operator(node) not in ("aten.lstm", "aten.gru", "aten.rnn_tanh") or not any(one.args[1] == 0 and one.users for one in node.users):
        return ""
    first = next(flat(node.args[2]))
    return keys.get(getattr(first, "name", ""), "").rpartition(".")[0]


def behind(node: Any, arguments: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The numbers, and lists of whole numbers, that an operator takes behind its values; None where it takes others, or in another order.

    Arguments at the end that are what they are by default are left out, and stored tensors, which are taken by their names.
    """
    schema = getattr(node.target, "_schema", None)
    if any(isinstance(one, Computed) for one in arguments.values()):
        return None  # of which the parts are stored, and not the tensor itself
    if schema is None or any(isinstance(one, Held) for one in arguments.values()):
        return ()
    defaults = {one.name: one.default_value for one in schema.arguments if one.has_default_value()}
    given = list(arguments.items())
    while given and not isinstance(given[-1][1], View) and given[-1][0] in defaults and given[-1][1] == defaults[given[-1][0]]:
        given.pop()
    behind_ = [one for _, one in dropwhile(lambda pair: isinstance(pair[1], View), given)]
    found = [tuple(one) if isinstance(one, list) else int(one) if isinstance(one, bool) else one for one in behind_]
    plain = all(
        one and {*map(type, one)} == {int} if isinstance(one, tuple) else type(one) in (int, float) and isfinite(one) for one in found
    )
    return tuple(found) if plain else None


def constant_padding(arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The arguments of `aten.constant_pad_nd`, which is `aten.pad` without a word for its mode; None where that is another one."""
    return {key: one for key, one in arguments.items() if key != "mode"} if arguments.get("mode") == "constant" else None
