"""The declarations of a file, which are read before any layer: params, blocks, defaults, and the files it uses."""

from __future__ import annotations

import stat
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from archspec.diagnostics import Diagnostic, Diagnostics, did_you_mean
from archspec.diagnostics.fix import doubled, written
from archspec.elaborate.assumptions import Options
from archspec.elaborate.binding import argument, unknown_argument, unknown_step
from archspec.elaborate.expressions import MISSING, Missing, Refused, Rounds, Scope, Silent, Value, evaluate, shown
from archspec.elaborate.labels import RESERVED, plain_text
from archspec.elaborate.reports import Reports
from archspec.ir.graph import AGAIN
from archspec.numeric import combined, kind_of
from archspec.ops import STEPS, op_class
from archspec.source import Source, Span, read_text
from archspec.syntax import ast
from archspec.syntax.lines import KEYWORDS
from archspec.syntax.parser import parse

Defaults = dict[str, dict[str, Value | Missing]]
"""Step name (or "" for every layer) to arguments."""

_RELATIVE = 'write it relative to the spec, like `use "blocks/resnet.arch"`'


class BlockDef(NamedTuple):
    """A block with what it sees: the declarations of its file, and the defaults above it."""

    head: ast.Block
    body: tuple[ast.Statement, ...]
    unit: Unit
    defaults: Defaults


class Unit:
    """A file's declarations. `defaults_at` gives, for each top-level line, the defaults that hold there."""

    def __init__(self, file: ast.File) -> None:
        self.file = file
        self.names: dict[str, Value | Missing] = {}
        self.places: dict[str, Span] = {}
        self.blocks: dict[str, BlockDef] = {}
        self.defaults_at: dict[int, Defaults] = {}
        self.read: set[str] = set()
        """Params that were read."""
        self.called: set[str] = set()
        """Blocks that were called."""
        self.unread: set[str] = set()
        """Blocks whose declaration could not be read."""
        self.incomplete = False
        """A file that it uses could not be read: what is not defined may be defined there."""
        self.again = any(step.name.id == AGAIN for step in ast.steps(file.body))
        """Whether a line builds once more what a label names."""


class Declarations(Reports):
    """Reads the declarations of a file and of those it uses."""

    def __init__(self, sink: Diagnostics, options: Options) -> None:
        super().__init__(sink)
        self.options = options
        self.base = options.base.resolve() if options.base is not None else None
        self.units: dict[Path, Unit] = {}
        self.crowded = False
        """Whether too many used files were reported."""

    def read(self, file: ast.File, folder: Path | None) -> Unit:
        """Read the params, defaults, blocks and used files of a file."""
        unit = Unit(file)
        self.params(unit, folder)
        scope = Scope(unit.names, read=unit.read)
        defaults: Defaults = {}
        for statement in file.body:
            if isinstance(statement, ast.Broken) and (statement.declares or "").startswith("default "):
                defaults = _unknown(defaults, statement.declares or "")
            elif isinstance(statement, ast.Default):
                defaults = self.extended(defaults, statement, scope)
            elif isinstance(statement, ast.Suite) and isinstance(statement.head, ast.Block):
                self.block(unit, statement.head, statement.body, defaults)
            unit.defaults_at[id(statement)] = defaults
        return unit

    def params(self, unit: Unit, folder: Path | None) -> None:
        """Params in the order of the text, those of used files among them."""
        scope = Scope(unit.names, read=unit.read)
        for at, statement in enumerate(unit.file.body):
            if isinstance(statement, ast.Broken):
                # What a line that could not be read would have declared is unknown.
                kind, _, name = (statement.declares or "").partition(" ")
                unit.incomplete |= kind == "use"
                if kind == "param":
                    unit.names.setdefault(name, MISSING)
                elif kind == "block":
                    unit.unread.add(name)
            elif isinstance(statement, ast.Arch) and at > 0:
                fix = written(statement.span, "", title="remove it")
                self.reject("A010", "`arch` is allowed only on the first line", statement.span, "move it to the top", fixes=[fix])
            elif isinstance(statement, ast.Arch) and statement.version != 1:
                message = f"this archspec reads version 1 of the language, but the file asks for `arch {statement.version}`"
                fixes = [written(statement.span, "arch 1")]
                self.reject("A009", message, statement.span, "write `arch 1`, or use a newer archspec", fixes=fixes)
            elif isinstance(statement, ast.Use):
                self.use(unit, statement, folder)
            elif isinstance(statement, ast.Param):
                self.param(unit, statement, scope)

    def param(self, unit: Unit, statement: ast.Param, scope: Scope) -> None:
        """Evaluate a param, or take the value that is set from outside."""
        name, span = statement.name
        if name in unit.places or (name in KEYWORDS and name != "expect") or name == "cin":
            what = f"the param `{name}` is defined twice" if name in unit.places else f"`{name}` is a reserved word of the language"
            others = [(unit.places[name], "first here")] if name in unit.places else []
            return self.reject("A108", what, span, "choose another name", *others, fixes=doubled(statement.span) if others else ())
        unit.places[name] = span
        try:
            value = evaluate(statement.value, scope)
            given = self.options.params.get(name)
            unit.names[name] = value if given is None else self.overridden(name, value, given, span)
        except Refused as refused:
            self.report(refused)
            unit.names[name] = MISSING
        return None

    def overridden(self, name: str, default: Value, given: Value, span: Span) -> Value:
        """The value set from outside, if it is of the default's kind."""
        kind = kind_of(default)
        if kind is int and (isinstance(given, bool) or (kind_of(given) is float and given.is_integer())):  # type: ignore[union-attr]
            given = combined("int", given)
        if kind is bool and isinstance(given, int) and given in (0, 1):
            given = bool(given)
        if kind_of(given) is not kind and not (kind is float and kind_of(given) is int):
            kinds = {bool: "yes or no", int: "a whole number", float: "a number", str: "a text"}
            wanted = kinds.get(kind, "a list" if isinstance(default, Rounds) else "a size")
            message = f"the param `{name}` is {wanted} ({shown(default)}), not {shown(given)}"
            self.reject("A115", message, span, f"set it as `--set {name}={shown(default)}`")
            return default
        return given

    def finish(self, unit: Unit) -> None:
        """Report overrides that name no param."""
        for name in self.options.params:
            if name not in unit.places:
                known = f"the params are {', '.join(sorted(unit.names))}" if unit.names else "the spec has no params"
                message = f"there is no param `{name}` to set"
                self.sink.add(Diagnostic("A115", message, None, (), did_you_mean(name, unit.names, known)))

    def extended(self, defaults: Defaults, statement: ast.Default, scope: Scope) -> Defaults:
        """Add a `default` line to those above it."""
        if statement.step is not None and statement.step.id not in STEPS:
            self.report(unknown_step(statement.step, []))
            return defaults
        step = statement.step.id if statement.step is not None else ""
        known = list(op_class(step).fields if step else _EVERYWHERE)
        values = dict(defaults.get(step, {}))
        for keyword in statement.keywords:
            try:
                if keyword.name not in known:
                    raise unknown_argument(keyword, step or "default", known)
                info = op_class(step or "conv").fields[keyword.name]
                value = argument(keyword.value, keyword.name, info, scope)
                if not step and not info.fits(value):
                    raise Refused("A105", f"`{keyword.name}` must be {info.description}, not {shown(value)}", keyword.span)
                values[keyword.name] = value
            except Refused as refused:
                values[keyword.name] = MISSING
                self.report(refused)
        return {**defaults, step: values}

    def block(self, unit: Unit, head: ast.Block, body: tuple[ast.Statement, ...], defaults: Defaults) -> None:
        """Define a block. Reports a name that is taken."""
        name, span = head.name
        seen = {"cin"}
        for parameter, _, is_value in head.parameters:
            if parameter.id in seen:
                self.reject("A108", f"the parameter `{parameter.id}` of block `{name}` is taken", parameter.span, "choose another name")
            elif is_value:
                self.value_parameter(unit, parameter)
            seen.add(parameter.id)
        if name in STEPS or name in KEYWORDS or name in ("skip", AGAIN) or "." in name:
            self.reject("A108", f"`{name}` is the name of a layer or a reserved word", span, "choose another name for the block")
            unit.unread.add(name)  # its calls are not judged as the layer's
        elif word := next((word for word in RESERVED if word.startswith(name) and word[len(name) :].isdecimal()), None):
            message = f"`{name}` cannot name a block: one of its calls would be called `{word}`, a reserved word of PyTorch modules"
            self.reject("A109", message, span, "choose another name for the block")
        elif name in unit.blocks:
            first = unit.blocks[name].head.name.span, "first here"
            self.reject("A108", f"the block `{name}` is defined twice", span, "choose another name", first)
        else:
            unit.blocks[name] = BlockDef(head, body, unit, defaults)

    def value_parameter(self, unit: Unit, name: ast.Name) -> None:
        """Check the name of a value that a block reads. Reports one that hides a param, or that no label may have."""
        try:
            plain_text(name, "a value of a block", Scope({}))
            if name.id in unit.places:
                message = f"the value `{name.id}` would hide the param `{name.id}`"
                raise Refused("A108", message, name.span, "choose another name", (), ((unit.places[name.id], "the param"),))
        except Refused as refused:
            self.report(refused)

    # other files

    def use(self, unit: Unit, statement: ast.Use, folder: Path | None) -> None:
        """Read another file, and take over its blocks and params."""
        try:
            other = self.opened_unit(statement.path, folder)
        except Refused as refused:
            unit.incomplete = True
            return self.report(refused)
        unit.incomplete |= other.incomplete
        unit.unread |= other.unread
        for name, value in other.names.items():
            if name in unit.places and unit.places[name] != other.places.get(name):
                self.taken_by(f"param `{name}`", statement, unit.places[name])
            unit.names.setdefault(name, value)
            if name in other.places:
                unit.places.setdefault(name, other.places[name])
        for name, block in other.blocks.items():
            known = unit.blocks.setdefault(name, block)
            if known is not block:
                self.taken_by(f"block `{name}`", statement, known.head.name.span)
        return None

    def taken_by(self, what: str, use: ast.Use, place: Span) -> None:
        """Report what a used file defines, and this one too."""
        self.reject("A108", f"the {what} of {use.path.value} is already defined", use.span, None, (place, "here"))

    def opened_unit(self, written: ast.Text, folder: Path | None) -> Unit:
        """The declarations of another file. Raises Refused."""
        path, text = self.contents(written, folder)
        if path in self.units:
            return self.units[path]
        self.units[path] = Unit(ast.File((), Span(Source(str(path), ""), 0, 0)))  # files that use each other end here
        name = path.relative_to(self.base).as_posix() if self.base is not None else path.name
        file = parse(Source(name, text), self.sink, max_bytes=self.options.max_bytes, max_tokens=self.options.max_tokens)
        self.units[path] = self.read(file, path.parent)
        return self.units[path]

    def contents(self, written: ast.Text, folder: Path | None) -> tuple[Path, str]:
        """A used file, found below the spec's folder. Raises Refused."""
        span, shown_path = written.span, written.value
        if self.base is None or folder is None:
            message = "`use` looks beside the spec's file, and this text has none"
            raise Refused("A116", message, span, "save the spec, or name it with --stdin-filename")
        inside = span.text[1:-1]
        if "\\" in inside:  # as Windows writes it; `\\n` in a text is a line feed, so the words of the source count
            better = inside.replace("\\\\", "/").replace("\\", "/")
            way = f'write `use "{better}"`' if not PureWindowsPath(better).drive and not better.startswith("/") else _RELATIVE
            raise Refused("A116", "a path cannot contain `\\`, an escape character", span, f"separate folders by `/`: {way}")
        if not shown_path or "\0" in shown_path or Path(shown_path).is_absolute() or PureWindowsPath(shown_path).drive:
            raise Refused("A116", f'`use "{shown_path}"` is not a path relative to the spec', span, _RELATIVE)
        try:
            path = (folder / shown_path).resolve()
            if not path.is_relative_to(self.base):
                help_ = "a spec can use only files in its own folder and below"
                raise Refused("A116", f'"{shown_path}" is outside the folder of the spec', span, help_)
            if path in self.units:
                return path, ""
            if len(self.units) >= self.options.max_files:
                crowded, self.crowded = self.crowded, True
                message = f"more than {self.options.max_files} files are used"
                raise Silent(span) if crowded else Refused("A116", message, span, "put their blocks into fewer files")
            if path in self.options.texts:
                return path, self.options.texts[path]
            if not stat.S_ISREG(path.stat().st_mode):
                raise Refused("A116", f'"{shown_path}" is not a regular file', span)
            with path.open("rb") as file:
                text = read_text(file, self.options.max_bytes)  # the parser refuses what is longer
        except (OSError, RuntimeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            help_ = "the path is relative to the file that contains `use`"
            raise Refused("A116", f'cannot read "{shown_path}": {reason}', span, help_) from None
        return path, text


_EVERYWHERE = ("round", "init", "norm")
"""Arguments that a `default` without a layer gives to all layers that have them."""


def _unknown(defaults: Defaults, declares: str) -> Defaults:
    """The defaults below a line of defaults that cannot be read: what it gives to its layer is not known."""
    step = declares.partition(" ")[2]
    names = op_class(step).fields if step in STEPS else _EVERYWHERE if step in _EVERYWHERE else ()
    key = step if step in STEPS else ""
    return {**defaults, key: {**defaults.get(key, {}), **dict.fromkeys(names, MISSING)}}
