"""What a page asks about a spec that is being written, and the answers as plain data: the one engine of the playground.

A request is a mapping: `kind`, one of `KINDS`, the `text` and its `name`, and what that kind takes; an answer is data for JSON. Places are
[line, character] from 0, in units of UTF-16. An answer has `error` where the request makes no sense or cannot be met, and `missing` where the
text has no network yet. It runs in browsers too, so that nothing here may need a compiled package.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archspec import __version__, api
from archspec.analysis.layers import Report
from archspec.backends.registry import BACKENDS
from archspec.diagnostics import SpecError
from archspec.diagnostics.visible import visible
from archspec.editor import appearance, completions, findings, hints, hovers
from archspec.editor.open_text import Document
from archspec.editor.positions import Position, Range
from archspec.finding import bundled, bundled_names, specs_folder
from archspec.ir.graph import Network
from archspec.symbolic.subjects import spec_of
from archspec.syntax.parser import MAX_BYTES
from archspec.views.figures import KINDS_OF_PICTURE, LEVELS, embedded
from archspec.views.page.sliders import open_formula, reach
from archspec.views.tables.columns import COUNTED, Style, footer
from archspec.views.tables.documents import grid_of

Answer = dict[str, Any]
MOST_ROWS = 2_000
"""Rows of a table that a page shows; of a longer one equal rounds are folded, and of a longer one still these rows."""
TARGETS = ("torch", "keras")
"""Backends that write a text by nothing but Python."""


class Missing(Exception):
    """There is no network to answer from."""


class Opened:
    """A text and what was made of it, each once."""

    def __init__(self, name: str, text: str, folder: Path) -> None:
        self.key = name, text
        self.document = Document(name, text, folder)

    @cached_property
    def network(self) -> Network:
        """The network. Raises Missing where the text has errors, or has only blocks for others."""
        found = self.document.compiled
        if found.network is None or not found.complete:
            raise Missing("the spec has errors" if self.key[1].strip() else "the spec is empty")
        return found.network

    @cached_property
    def report(self) -> Report:
        """The counts of the network."""
        return Report(self.network)

    @cached_property
    def formula(self) -> Any:
        """The counts in all sizes and params that have a formula together. Raises Missing where there is none."""
        spec = spec_of(self.network) if self.network.recipe is not None else None
        formula = open_formula(spec) if spec is not None else None
        if formula is None:
            raise Missing("no size of the input and no param can be left open here")
        return formula


class Engine:
    """Answers requests about texts; `use` finds files in a folder, that of the bundled specs unless another is given."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or specs_folder()
        self._last: Opened | None = None

    def answer(self, request: Mapping[str, Any], data: bytes = b"") -> Answer:
        """Answer one request; `data` is the content of a file to import."""
        try:
            kind = _one_of((*KINDS, "import"), request.get("kind"))
            if kind == "import":
                return _imported(str(request.get("name", "")), data)
            return KINDS[kind](self._opened(request), request)
        except Missing as missing:
            return {"missing": str(missing)}
        except SpecError as error:
            return {"error": "\n".join(visible(f"{each.code}: {each.message}") for each in error.diagnostics)}
        except (ValueError, OSError, ImportError) as error:
            return {"error": visible(str(error))}

    def answered(self, body: bytes) -> bytes:
        """Answer a request as it is sent: JSON on the first line, and what follows is the content of a file. A fault of ours is an error too."""
        head, _, data = body.partition(b"\n")
        try:
            request = json.loads(head)
            found = self.answer(request, data) if isinstance(request, dict) else {"error": "a request is an object of JSON"}
        except ValueError:
            found = {"error": "a request is an object of JSON"}
        except Exception as error:  # the page and the server live on
            found = {"error": f"archspec failed, which is its own mistake: {type(error).__name__}: {visible(str(error))}"}
        return json.dumps(found).encode("ascii")

    def _opened(self, request: Mapping[str, Any]) -> Opened:
        """The text of a request, compiled once for requests that follow each other."""
        name, text = request.get("name", "model"), request.get("text", "")
        if not isinstance(name, str) or not isinstance(text, str):
            raise ValueError("expected texts as `name` and `text`")
        if len(text) > MAX_BYTES:
            raise ValueError(f"the text is larger than {MAX_BYTES:,} bytes, the most that a spec may have")
        if self._last is None or self._last.key != (name, text):
            self._last = Opened(name, text, self.folder)
        return self._last


# answers; each takes the text and the request


def _start(opened: Opened, request: Mapping[str, Any]) -> Answer:
    """What a page needs once: the bundled specs with a line about each, and the words of its menus."""
    specs = [{"name": name, "about": _first_comment(_bundled(name))} for name in bundled_names()]
    return {"version": __version__, "specs": specs, "pictures": KINDS_OF_PICTURE, "levels": LEVELS, "targets": TARGETS}


def _first_comment(text: str) -> str:
    line = text.partition("\n")[0]
    return line.lstrip("# ") if line.startswith("#") else ""


def _spec(opened: Opened, request: Mapping[str, Any]) -> Answer:
    return {"text": _bundled(str(request.get("spec")))}


def _bundled(name: str) -> str:
    path = bundled(name) if name in bundled_names() else None
    if path is None:
        raise ValueError(f"there is no bundled spec `{name}`")
    return path.read_text(encoding="utf-8")


def _check(opened: Opened, request: Mapping[str, Any]) -> Answer:
    """Messages with their fixes, the shape and the parameters of each line, the words with a colour, the totals."""
    document = opened.document
    fixes: dict[Any, list[Answer]] = {}
    for each in findings.actions(document, Position(0, 0), Position(len(document.source.starts), 0)):
        fixes.setdefault(each.finding, []).append({"title": each.title, "edits": _edits(each.edits)})
    found = document.compiled
    return {
        "findings": [
            {"range": each.range, "severity": each.severity, "code": each.code, "text": each.text, "fixes": fixes.get(each, [])}
            for each in findings.findings(document)
        ],
        "hints": hints.hints(document),
        "words": appearance.words(document),
        "totals": hints.totals(found.network) if found.network is not None and found.complete else None,
    }


def _table(opened: Opened, request: Mapping[str, Any]) -> Answer:
    """The table of `archspec table` as texts, with the line of this text that each row is from."""
    report = opened.report
    fold = len(report.layers) > MOST_ROWS
    style = Style(("name", "layer", "output", "params", "macs"), fold=fold)
    rows, source = list(report.rows(fold=fold)), opened.document.source
    grid = grid_of(report, style)
    return {
        "title": report.network.meta.get("title") or report.model,
        "titles": grid.titles,
        "numbers": grid.numbers,
        "rows": grid.rows[:MOST_ROWS],
        "kinds": [row.node.op.kind for row in rows[:MOST_ROWS]],
        "lines": [row.line if row.node.span is not None and row.node.span.source is source else None for row in rows[:MOST_ROWS]],
        "totals": grid.totals,
        "left_out": max(0, len(rows) - MOST_ROWS),
        "notes": [*footer(report), COUNTED],
    }


def _picture(opened: Opened, request: Mapping[str, Any]) -> Answer:
    as_, level = _one_of(KINDS_OF_PICTURE, request.get("as", "blocks")), _one_of(LEVELS, request.get("level", "auto"))
    picture = embedded(opened.network, as_, level)
    return {"svg": picture.text, "notes": picture.notes}


def _layer(opened: Opened, request: Mapping[str, Any]) -> Answer:
    """The arithmetic of the layers on the line of a place; `here` marks that at the place, `more` counts those of further calls and rounds."""
    found = hovers.layers_at(opened.document, _place(request))
    return {
        "layers": [
            {
                "name": visible(each.layer.row.name),
                "written": visible(each.layer.row.written),
                "here": each.here,
                "more": each.more,
                "steps": [(step.name, step.text, visible(step.how)) for step in each.layer.steps],
            }
            for each in found
        ]
    }


def _code(opened: Opened, request: Mapping[str, Any]) -> Answer:
    return {"code": BACKENDS[_one_of(TARGETS, request.get("target", TARGETS[0]))].emit(opened.network)}


def _quiz(opened: Opened, request: Mapping[str, Any]) -> Answer:
    made = api.quiz(opened.network, seed=str(request.get("seed", "1")), vary=bool(request.get("vary", False)))
    asked = ("kind", "points", "text", "lines", "answer", "how", "hint")
    return {"questions": [{name: getattr(each, name) for name in asked} for each in made.questions], "notes": made.notes}


def _formulas(opened: Opened, request: Mapping[str, Any]) -> Answer:
    """The formulas of the counts, and their values for `values` of the variables, None where they do not hold."""
    formula = opened.formula
    values = request.get("values")
    if values is not None:
        if not isinstance(values, dict):
            raise ValueError("expected values by the names of variables")
        return {"counts": formula(**values)}
    told = formula.to_data()
    variables = []
    for name in formula.variables:
        least, most, step = reach(formula, name, formula.example[name])
        variables.append({"name": name, "own": formula.example[name], "least": least, "most": most, "step": step})
    return {
        "variables": variables,
        "formulas": {name: each["text"] for name, each in told["counts"].items()},
        "where": told["where"],
        "conditions": told["conditions"],
        "counts": formula(),
    }


def _hover(opened: Opened, request: Mapping[str, Any]) -> Answer:
    found = hovers.hover(opened.document, _place(request))
    return {"range": found.range, "text": found.text} if found is not None else {}


def _complete(opened: Opened, request: Mapping[str, Any]) -> Answer:
    found = completions.completions(opened.document, _place(request))
    return {"words": [each._asdict() for each in found]}


def _format(opened: Opened, request: Mapping[str, Any]) -> Answer:
    found = appearance.formatted(opened.document)
    if found is None:
        raise ValueError("the text cannot be formatted before it can be read: see its errors")
    return {"edits": _edits(found)}


def _fix(opened: Opened, request: Mapping[str, Any]) -> Answer:
    return {"edits": _edits(findings.all_fixed(opened.document))}


def _one_of(known: Sequence[str], word: Any) -> str:
    if word not in known:
        raise ValueError(f"there is no {word!r}; there are {', '.join(known)}")
    return str(word)


def _edits(found: Any) -> list[tuple[Range, str]]:
    return [(range_, text) for range_, text in found]


def _place(request: Mapping[str, Any]) -> Position:
    line, character = request.get("line"), request.get("character")
    if type(line) is not int or type(character) is not int:
        raise ValueError("expected whole numbers as `line` and `character`")
    return Position(line, character)


def _imported(name: str, data: bytes) -> Answer:
    """The spec of a file of another program; its name says what it is."""
    from archspec.imports.opening import from_file

    with TemporaryDirectory() as folder:
        path = Path(folder) / (Path(name.replace("\\", "/")).name or "model")
        path.write_bytes(data)
        try:
            found = from_file(path)
        except (SpecError, ValueError, OSError) as error:
            raise ValueError(str(error).replace(f"{folder}/", "")) from None
    notes = [found.note, *(each.message for each in found.diagnostics)]
    return {"text": found.text, "name": found.network.name, "notes": [visible(note) for note in notes if note]}


KINDS: dict[str, Callable[[Opened, Mapping[str, Any]], Answer]] = {
    "start": _start,
    "spec": _spec,
    "check": _check,
    "table": _table,
    "picture": _picture,
    "layer": _layer,
    "code": _code,
    "quiz": _quiz,
    "formulas": _formulas,
    "hover": _hover,
    "complete": _complete,
    "format": _format,
    "fix": _fix,
}
"""The kinds of requests about a text; `import` takes the content of a file instead."""
