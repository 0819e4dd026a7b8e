"""Tells a file of another kind from a spec with mistakes: one message for it all, with the way in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from archspec.diagnostics import Diagnostic
from archspec.foreign.equivalents import foreign
from archspec.foreign.whole_lines import rewritten
from archspec.source import Source, Span

_READ = 200_000
"""Characters that are looked at."""
_LINE = 400
"""Characters of a line that are looked at, so that no pattern takes long on a line of a megabyte."""
_SHOWN = 6
"""Layers that a message shows as they are written here."""

_INPUT = re.compile(r"^ *(?:\w+: *)?input +\d", re.MULTILINE)
_PYTHON = re.compile(r"^ *(?:import \w|from [\w.]+ import |class \w+.*:|def \w+\(.*|@\w+|if __name__|>>> )", re.MULTILINE)
_CALL = re.compile(r"^ *(?:[\w.]+ *= *)?(?:return )?[A-Za-z_][\w.]*\(.*\)?[,)\]]*$", re.MULTILINE)
_FRAMEWORK = re.compile(r"\b(?:torch|nn|keras|tf|layers|F|model)\.\w+\(|\bSequential\(")
_PRINTED = re.compile(r"^ *\(\w+\): (\w+\(.*)$", re.MULTILINE)
_OPENED = re.compile(r"^ *(?:\(\w+\): )?[A-Z]\w*\($", re.MULTILINE)
"""A module that holds others: with an input above it, it is still no spec."""
_MODULE = "a module as PyTorch prints it"
_YAML = r" *(?:- .*|[\w\"'-]+ *:(?: .*)?|\[.*\],?|#.*|---.*|\.\.\.|)\Z"
_PAIR = r" *[\w\"'-]+ *: +\S"

_WAY = "write one layer per line, beginning with `input 32x32x3`; docs/from_frameworks.md has the names of PyTorch and Keras beside ours"
_SAVED = "`archspec import FILE` reads such a file, if its name ends in {}"
_LIVE = "`archspec import package.module:name --input 224x224x3` reads a PyTorch module, whose code it runs"
_IMPORTS = {
    "an ONNX model": _SAVED.format(".onnx"),
    "an ONNX model in text form": "`archspec import FILE` reads the binary form, if its name ends in .onnx",
    "a Keras model's JSON": _SAVED.format(".json"),
    "a Caffe network (prototxt)": _SAVED.format(".prototxt"),
    "a Darknet configuration (.cfg)": _SAVED.format(".cfg"),
    _MODULE: _LIVE,
    "Python code (PyTorch)": _LIVE,
    "Python code (Keras)": '`archspec import NAME.keras` reads the model that `model.save("NAME.keras")` writes',
    "a table as `model.summary()` prints it": '`archspec import NAME.keras` reads the model that `model.save("NAME.keras")` writes',
}
"""What reads the network of a file that is no spec."""


def _python(text: str) -> str | None:
    if not _PYTHON.search(text) and (len(_CALL.findall(text)) < 3 or not _FRAMEWORK.search(text)):
        return None
    marks = {r"torch|\bnn\.": "PyTorch", r"keras|\blayers\.": "Keras", "tensorflow": "TensorFlow"}
    return next((f"Python code ({name})" for mark, name in marks.items() if re.search(rf"\b{mark}", text)), "Python code")


def _yaml(text: str) -> str | None:
    lines = [line for line in text.splitlines()[:400] if line.strip()]
    items, pairs, fitting = (sum(re.match(mark, line) is not None for line in lines) for mark in (r"\s*- ", _PAIR, _YAML))
    marked = text.startswith("---") or items >= 2 or pairs > len(lines) * 0.6
    return "a YAML file" if marked and len(lines) >= 3 and fitting >= len(lines) * 0.9 else None


_JSON = r"(?s)\A[{\[](?=\s*[\"{\[\]}])"
_KINDS: tuple[tuple[str | Callable[[str], str | None], str], ...] = (
    (r"\A\x08", "an ONNX model"),
    (r"\A<?\s*(?:ir_version|producer_name) *:", "an ONNX model in text form"),
    (_JSON + '.*"nbformat"', "a notebook (.ipynb)"),
    (_JSON + '(?=.*"archspec").*"inputs"', "an IR document as `archspec emit json` writes it"),
    (_JSON + '.*"class_name"', "a Keras model's JSON"),
    (_JSON, "a JSON file"),
    (r"(?is)\A(?:<!doctype html|<html|.{,190}<(?:body|div|table)\b)", "an HTML page"),
    (r"(?is)\A(?:<svg|<\?xml.{,190}<svg)", "an SVG picture"),
    (r"(?i)\A<\?xml", "an XML file"),
    (r"(?m)^(?:```|~~~)", "a Markdown text"),
    (r"(?m)^.*(?:Layer \(type|Output Shape).*Param", "a table as `model.summary()` prints it"),
    (r"(?ms)^ *\(\w+\): \w+\(.*^ *\(\w+\): \w+\(", _MODULE),
    (r"(?m)^ *layers? *\{", "a Caffe network (prototxt)"),
    (
        r"(?m)^\[(?:net|network|convolutional|maxpool|avgpool|connected|shortcut|route|yolo|softmax|dropout|upsample)\] *$",
        "a Darknet configuration (.cfg)",
    ),
    (r"\A(?:strict +)?(?:di)?graph\b[^\n{]{0,99}\n?\{", "a graph for Graphviz (DOT)"),
    (r"(?m)^\\(?:documentclass|begin|section|usepackage)\b", "LaTeX"),
    (_python, ""),
    (r"(?m)^(?:\[.+\]\(.+\)|\*\*\w|!\[|\|[ :-]+\|)|\]\(https?://", "a Markdown text"),
    (_yaml, ""),
)
"""Marks of other files, a pattern or a function each; the first that fits says what it is."""


def pasted(source: Source) -> Diagnostic | None:
    """Make the one message about a file of another kind; None for a spec, whatever its mistakes."""
    text = "\n".join(line[:_LINE] for line in source.text[:_READ].splitlines()).lstrip()
    found = ((name if re.search(mark, text) else None) if isinstance(mark, str) else mark(text) for mark, name in _KINDS)
    kind = next((kind for kind in found if kind is not None), None)
    if kind is None or (_INPUT.search(text) and kind != "a Markdown text" and not (kind == _MODULE and _OPENED.search(text))):
        return None
    at = len(source.text) - len(source.text.lstrip())
    layers = list(islice(_layers(text), _SHOWN)) if "Python" in kind or "PyTorch" in kind else []
    notes = (f"its first layers are written here: {', then '.join(f'`{layer}`' for layer in layers)}",) if layers else ()
    span = Span(source, at, at + len(source.text[at:].partition("\n")[0]))
    return Diagnostic("A013", f"this is {kind}, not a spec", span, notes, _way(kind, text))


def _way(kind: str, text: str) -> str:
    if kind == "a Markdown text" and re.search(r"^```arch", text, re.MULTILINE):
        return "the spec is the text between the lines ```arch and ```: put it into a file of its own"
    if kind.startswith("an IR document"):
        return "the spec that it was made from is a text of one layer per line; `archspec list` names the bundled ones"
    return f"{_IMPORTS[kind]}; or {_WAY}" if kind in _IMPORTS else _WAY


def _layers(text: str) -> Iterator[str]:
    """The first layers of a program or of a printed module, as they are written here."""
    for line in text.splitlines()[:2000] if _PRINTED.search(text) else _logical(text):
        printed = _PRINTED.match(line)
        bare = printed[1] if printed else line.strip().rstrip(",")
        bare = re.sub(r"^(?:model\s*=\s*)?[\w.]*Sequential\(\s*\[?", "", bare).strip()
        call = re.match(r"(?:[\w.]+\s*=\s*)?(?:model\.add\(\s*)?([A-Za-z_][\w.]*)\(", bare)
        if call is None or not any(row.steps for row in foreign(call[1])):
            continue
        found = rewritten(f"nn.{bare}" if printed and "." not in call[1] else bare)
        if found is not None and found.line is not None:
            yield found.line


def _logical(text: str) -> Iterator[str]:
    """Lines, those whose parentheses stay open joined with what follows, within bounds."""
    kept = ""
    for line in text.splitlines()[:2000]:
        line = line.split("#")[0].rstrip()
        whole = f"{kept} {line.strip()}" if kept else line
        opened = whole.count("(") > whole.count(")") and len(whole) < 500 and not re.search(r"Sequential\(\s*\[?$|:$", whole)
        kept = whole if opened else ""
        if not opened:
            yield whole
