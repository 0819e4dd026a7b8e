"""docs/python.md: every public name, from its signature and docstring."""

from __future__ import annotations

import inspect
import re
from typing import Any

import archspec
from generate.common import NOTICE

_GROUPS = {
    "Read": ("load", "loads", "compile", "shorten"),
    "Import": ("from_torch", "from_onnx", "from_keras", "from_file"),
    "Count and explain": ("analyze", "explain", "compare"),
    "Leave numbers open": ("formula", "sweep", "find", "sizes", "memory"),
    "Show": ("draw", "to_graphviz", "report", "report_page"),
    "Teach": ("quiz", "work", "window"),
    "PyTorch, Keras, ONNX, weights": ("to_torch", "to_keras", "load_weights", "weights_of", "to_onnx", "emit"),
    "Build": ("Builder", "Block"),
    "What they give": (
        "Compiled",
        "Network",
        "Report",
        "Row",
        "Totals",
        "Explanation",
        "Comparison",
        "Drawing",
        "Page",
        "Exam",
        "Work",
        "SlidingWindow",
        "Short",
        "Imported",
        "Loaded",
        "Formula",
        "Sweep",
        "Sizes",
        "TrainingMemory",
    ),
    "Mistakes": ("SpecError", "Diagnostic", "WeightsError"),
}
_QUOTED = re.compile(r"(: |-> )'([^']*)'")
"""Annotations, which are texts to Python here."""


def python() -> str:
    out = [
        "# Python",
        "",
        NOTICE,
        "",
        "`import archspec` is fast: modules are imported when a name is first used. The package is typed (`py.typed`). All results are readable",
        "at a prompt and display themselves in a notebook; after `%load_ext archspec` a cell that begins with `%%archspec` is a spec.",
        "`archspec.__version__` is the version.",
        "",
        "A `model` is a network as `load` gives it; for anything else functions raise TypeError, which says how to load one. Shapes have the",
        "channels last. Each example runs in the tests.",
    ]
    for group, names in _GROUPS.items():
        out += ["", f"## {group}"]
        for name in names:
            out += ["", *_entry(name)]
    return "\n".join(out) + "\n"


def documented() -> set[str]:
    return {name for names in _GROUPS.values() for name in names}


def _entry(name: str) -> list[str]:
    thing = getattr(archspec, name)
    function = thing
    out = [f"### archspec.{name}", ""]
    if inspect.isclass(thing):
        return [*out, *_prose(thing.__doc__), *_members(thing)]
    if inspect.ismodule(thing):  # a module that is called: the function of the same name says what it does
        function = getattr(archspec.api, name)
    return [*out, "```python", _signature(name, function), "```", "", *_prose(function.__doc__)]


def _signature(name: str, function: Any) -> str:
    """A signature, with one parameter per line where it is long."""
    parameters = inspect.signature(function)
    line = _QUOTED.sub(r"\1\2", f"{name}{parameters}")
    if len(line) <= 110:
        return line
    parts, keyword = [], False
    for parameter in parameters.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            parts.append("    *,")
            keyword = True
        parts.append(_QUOTED.sub(r"\1\2", f"    {parameter},"))
    return "\n".join([f"{name}(", *parts, f") -> {parameters.return_annotation}"])


def _prose(doc: str | None) -> list[str]:
    """A docstring as Markdown: examples are code."""
    text = inspect.cleandoc(doc or "")
    words, _, example = text.partition(">>> ")
    out = words.strip().split("\n")
    return [*out, "", "```pycon", *f">>> {example}".strip().split("\n"), "```"] if example else out


def _members(kind: type) -> list[str]:
    """The public attributes and methods of a class of ours, by the first paragraphs of their docstrings, and the errors that they raise."""
    out = []
    for name, member in sorted(vars(kind).items()):
        doc = inspect.getdoc(member) if callable(member) or isinstance(member, property) or hasattr(member, "func") else None
        if name.startswith("_") or doc is None:
            continue
        call = f"{name}{_short(member)}" if inspect.isfunction(member) else name
        out.append(f"- `{call}`: {_first(doc)}")
    fields = [name for name in getattr(kind, "_fields", None) or getattr(kind, "__dataclass_fields__", ()) if not name.startswith("_")]
    if fields:
        out.append(f"- fields: {', '.join(f'`{name}`' for name in fields)}")
    return ["", *out] if out else []


def _first(doc: str) -> str:
    """The first paragraph, and from another one the sentence about errors."""
    first, *others = (" ".join(part.split()) for part in doc.split("\n\n"))
    raised = [found[0] for part in others if (found := re.search(r"\bRaises [^.]*\.", part))]
    return " ".join([first, *raised])


def _short(function: Any) -> str:
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in list(inspect.signature(function).parameters.values())[1:]]
    return str(inspect.Signature(parameters))
