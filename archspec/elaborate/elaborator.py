"""Syntax tree to graph: blocks are called, repeats run, labels resolved, shapes inferred.

A block call is elaborated once for each combination of arguments and input type. The rounds of a repeat are elaborated one by one
until a round depends on nothing that changes; the rest is that round again, counted and not built. So the work grows with the
text.
"""

from __future__ import annotations

import re
from contextlib import suppress

from archspec.diagnostics import Diagnostic, Diagnostics, Enough, did_you_mean
from archspec.diagnostics.fix import Fix, beside, lines_removed, moved_up
from archspec.elaborate.assumptions import Options
from archspec.elaborate.core import Abort, Context
from archspec.elaborate.expressions import MISSING, Missing, Refused, Scope
from archspec.elaborate.labels import given_by, plain_text
from archspec.elaborate.nearby import Nearby, Probe, in_words
from archspec.elaborate.sharing import Sharing
from archspec.ir.graph import Network, Output
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import Map, Type


def elaborate(file: ast.File, name: str, sink: Diagnostics, options: Options) -> tuple[Network | None, list[tuple[Span, Type]]]:
    """The network of a file, and the type at each step and head as they were met; findings go to `sink`.

    Where these are errors, the network is what does not depend on a mistake, or None where that is nothing.
    """
    elaborator = Elaborator(file, name, sink, options)
    with suppress(Enough):
        elaborator.run()
        if elaborator.misfits:
            elaborator.mend()
    return elaborator.network(), elaborator.met


class Elaborator(Sharing):
    """Elaborates a whole file: declarations, statements, inputs and outputs."""

    def run(self) -> None:
        """Read the declarations, then build the network."""
        unit = self.unit = self.declarations.read(self.file, self.options.base)
        self.declarations.finish(unit)
        self.build()

    def build(self) -> None:
        """Elaborate the lines of the file, once the declarations are read."""
        unit = self.unit
        with suppress(Abort):
            self.result = self.top_level(Scope(unit.names, read=unit.read, types=self.type_at))
        if not self.placed and not self.sink.errors:
            help_ = "begin with `input 32x32x3` (height x width x channels)"
            place = self.file.span._replace(end=0)
            self.sink.add(Diagnostic("A117", "there is no `input`, so there is no network", place, help=help_))
        if not self.sink.errors:
            self.check_names(self.builder, self.inputs)
        if not self.sink.errors:
            self.unused()
            self.check_inputs()

    def network(self) -> Network | None:
        """The network as far as it is known."""
        builder, result, outputs = self.builder, self.result, list(self.outputs.values())
        if self.sink.errors:
            builder, left = builder.without_holes()
            last = ~(len(builder.elements) - 1) if builder.elements else len(builder.inputs) - 1
            result = left.get(result, last) if result is not None else last
            outputs = [output._replace(value=left[output.value]) for output in outputs if output.value in left]
        graph = builder.finish(result) if builder.inputs and result is not None else None
        if graph is None:
            return None
        outputs = [Output("output", graph.result), *(output._replace(value=builder.final(output.value)) for output in outputs)]
        meta = self.meta()
        params: dict[str, object] = {name: value for name, value in self.unit.names.items() if not isinstance(value, Missing)}
        network = Network(self.name, graph, tuple(self.inputs), tuple(outputs), meta, params)
        if not self.sink.errors:
            network.recipe = (self.file, self.unit, self.options)
        return network

    def mend(self) -> None:
        """Add to sizes that do not fit which inputs near this one would make the network fit."""
        name, type_, _ = self.inputs[0]
        if len(self.inputs) != 1 or not isinstance(type_, Map):
            return
        spatial, channels = type_
        others = self.sink.error_places() - self.misfits.keys()

        def attempt(sizes: tuple[int, ...]) -> Probe:
            sink = Diagnostics()
            probe = Elaborator(self.file, self.name, sink, self.options._replace(inputs={name: (*sizes, channels)}))
            with suppress(Enough):
                probe.run()
            first = next(iter(probe.misfits.values()), None)
            return Probe(first, sink.error_places() - probe.misfits.keys() <= others, probe.work())

        first = next(iter(self.misfits.values()))
        fitting = Nearby(spatial, first, attempt, self.work()).found()
        if fitting:
            for (code, span), misfit in self.misfits.items():
                self.sink.amend(code, span, misfit.advice(in_words(spatial, fitting, misfit.sizes)))

    def work(self) -> int:
        """What the elaboration took: its steps, and about a step for each line read."""
        texts = [self.file, *(unit.file for unit in self.declarations.units.values())]
        return 1 + self.steps + sum(len(file.span.source.text) for file in texts) // 50

    def check_inputs(self) -> None:
        """Report shapes that were set for inputs which are not there."""
        for name in self.options.inputs:
            if name and name not in self.placed:
                help_ = did_you_mean(name, self.placed, f"the inputs are {', '.join(self.placed)}")
                self.sink.add(Diagnostic("A115", f"there is no input `{name}` to set", None, (), help_))

    def unused(self) -> None:
        """Lint what this file declares and never uses; what a line names that a guard dropped counts as used."""
        own = self.file.span.source
        params = {name: place for name, place in self.unit.places.items() if name not in self.unit.read and place.source is own}
        blocks = {
            name: block.head.name.span
            for name, block in self.unit.blocks.items()
            if name not in self.unit.called and block.unit is self.unit
        }
        written = ast.names(self.file.body) if params or blocks else ()
        for name, place in params.items():
            if name not in written:
                fix = lines_removed(own, place.line, place.line, f"remove the param `{name}`")
                self.warn("A406", f"the param `{name}` is never used", place, "remove it, or use it", fixes=[fix])
        for name, place in blocks.items():
            if name not in written:
                self.warn("A407", f"the block `{name}` is never called", place, "remove it, or call it", fixes=[self.block_removed(name)])

    def block_removed(self, name: str) -> Fix:
        """The fix that removes a block."""
        block = self.unit.blocks[name]
        last: ast.Statement | None = block.body[-1] if block.body else None
        while isinstance(last, (ast.Suite, ast.Broken)) and last.body:
            last = last.body[-1]
        place = block.head.span
        end = last.span.end if last is not None else place.end
        return lines_removed(place.source, place.line, place.source.locate(end)[0], f"remove the block `{name}`")

    def meta(self) -> dict[str, str]:
        """Collect the texts of `meta` lines, and set the name that `model` gives."""
        found: dict[str, str] = {}
        for statement in self.file.body:
            if isinstance(statement, ast.Meta):
                found.update({k.name: k.value.value for k in statement.items if isinstance(k.value, ast.Text)})
            elif isinstance(statement, ast.Model):
                self.name = statement.name
        return found

    def top_level(self, scope: Scope) -> int | None:
        """Elaborate the lines of the file one after the other; returns the last value."""
        value: int | None = None
        for statement in self.file.body:
            if isinstance(statement, ast.Suite) and isinstance(statement.head, ast.Block):
                continue
            if isinstance(statement, (ast.Arch, ast.Model, ast.Meta, ast.Param, ast.Default, ast.Use, ast.Expect)):
                continue
            defaults = self.unit.defaults_at.get(id(statement), {})
            value = self.statement(statement, Context(self.builder, scope, defaults, top=True), value)
        return value

    def statement(self, statement: ast.Statement, context: Context, value: int | None) -> int | None:
        match statement:
            case ast.Chain():
                return self.guarded(statement, context, value)
            case ast.Suite(head):
                value = self.guarded(statement, context, value)
                if value is not None:
                    self.meet(head.span, context.builder.type_of(value))
                return value
            case ast.Input():
                return self.input(statement, None, context)
            case ast.Pattern():
                return self.pattern(statement, context, value)
            case ast.Broken():
                return self.broken(statement, context)
            case _:
                if isinstance(statement, ast.Param):
                    context.scope.names[statement.name.id] = MISSING
                word = statement.span.text.split()[0]
                message = f"`{word}` is allowed only at the top level"
                fixes = moved_up(statement.span, safe=self.is_movable(statement))
                self.reject("A010", message, statement.span, "do not indent it", fixes=fixes)
                return value

    def is_movable(self, statement: ast.Statement) -> bool:
        """Whether a line means the same at the top level: it holds for the whole file, or gives a new param a number."""
        match statement:
            case ast.Param(name, value):
                return name.id not in self.unit.names and not ast.names(value)
            case ast.Default(ast.Name(step), _, span):
                return re.search(rf"\b{step}\b", beside(span)) is None
            case _:
                return isinstance(statement, (ast.Use, ast.Expect))

    def broken(self, statement: ast.Broken, context: Context) -> int:
        """A line that could not be read: the lines below it are read, what it would have named is unknown."""
        value = self.unknown(context.builder, statement.span)
        if statement.declares is None or " " not in statement.declares:
            self.suite(statement.body, context.inside(), value)
        if statement.declares:
            named = self.unknown(context.builder, statement.span)  # not the line's value: the label may stand within it
            context.scope.labels.setdefault(statement.declares, (context.builder, named))
        return value

    def guarded(self, statement: ast.Chain | ast.Suite, context: Context, value: int | None) -> int | None:
        """A chain or suite, unless its guard drops it."""
        counter = statement.head.counter if isinstance(statement, ast.Suite) and isinstance(statement.head, ast.Repeat) else None
        guard = statement.guard
        if counter is not None and guard is not None and counter.id in ast.names(guard):
            help_ = "the condition applies to the whole `repeat`: give an indented line below its own `if` to drop it in some rounds only"
            self.reject("A106", f"`{counter.id}` is not defined in this condition", guard.span, help_)
            return self.unknown(context.builder, statement.span)
        dropped = self.dropped(guard, statement, context, value)
        if dropped:
            return value
        if dropped is None:
            context.scope.lost += given_by(statement)
            return self.unknown(context.builder, statement.span)
        return self.chain(statement, context, value) if isinstance(statement, ast.Chain) else self.headed(statement, context, value)

    def chain(self, chain: ast.Chain, context: Context, value: int | None) -> int | None:
        """Build the steps of a line one after the other, and return the last value; None where there is none yet."""
        if chain.source is not None:
            value = self.reference(chain.source, context)
        for step in chain.steps:
            value = self.step(step, context, value, None)
        return value

    def headed(self, suite: ast.Suite, context: Context, value: int | None) -> int | None:
        """Elaborate the lines below a head, as the head says."""
        head = suite.head
        match head:
            case ast.Label():
                return self.labelled(suite, head, context, value)
            case ast.Output():
                return self.output(suite, head, context, value)
            case ast.Shortcut():
                message = "`shortcut` is not allowed here: it must be the last line of a `residual`"
                self.reject("A010", message, head.span, "indent it as far as the lines of its `residual`")
                return value
            case ast.Block():
                self.reject("A010", "`block` is not allowed here: it belongs at the top level", head.span)
                return value
        if value is None:
            return self.no_input(head.span, context)
        if isinstance(head, ast.Repeat):
            return self.repeat(suite, head, context, value)
        if isinstance(head, ast.Residual):
            return self.residual(suite, head, context, value)
        if isinstance(head, ast.Seq):
            return self.suite(suite.body, context.inside(), value)
        return self.branches(suite, head, context, value)

    def output(self, suite: ast.Suite, head: ast.Output, context: Context, value: int | None) -> int | None:
        """Give the current value, or that of the lines below, the name of an output; the main value goes on."""
        name = head.name
        try:
            self.check_output(head, context)
            plain_text(name, "an output", context.scope)
        except Refused as refused:
            self.report(refused)
            return value
        if context.top and name.id in self.placed:
            self.reject("A108", f"`{name.id}` is already the name of an input", name.span, "choose another name")
        if context.top and name.id in self.outputs:
            self.reject("A108", f"there are two outputs called `{name.id}`", name.span, "choose another name")
        if value is None:
            return self.no_input(head.span, context)
        result = self.group(suite, name.id, name.span, context, value) if suite.body else value
        if context.results is not None:
            self.add_result(name.id, result, context, name.span)
        else:
            self.outputs[name.id] = Output(name.id, result, head.mode is not None)
        return value

    def check_output(self, head: ast.Output, context: Context) -> None:
        """Raise Refused where an output is not allowed, or cannot be for training only."""
        if not context.top and context.results is None:
            message, help_ = (
                "`output` is allowed only at the top level and in blocks",
                "label the value, and name the output at the top level",
            )
            if self.active:
                message = "`output` is not allowed here: a block has no outputs inside a repeat or a shortcut"
                help_ = "put the lines of the round into a block of its own: `from LABEL.*.NAME` finds its outputs"
            raise Refused("A010", message, head.span, help_)
        if head.mode is not None and (head.mode.id != "train" or not context.top):
            word = f"`{head.mode.id}` is not allowed here"
            if head.mode.id == "train":
                raise Refused("A010", f"{word}: only an output of the network is there in training alone", head.mode.span, "remove it")
            raise Refused("A001", f"{word}; only `train` is", head.mode.span)
