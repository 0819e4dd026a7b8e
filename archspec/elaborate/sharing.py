"""Weights used twice: `again`, which builds what a label names once more."""

from __future__ import annotations

from archspec.diagnostics.fix import written
from archspec.elaborate.binding import bind
from archspec.elaborate.core import Context, Part
from archspec.elaborate.expressions import Refused
from archspec.elaborate.labels import spelled
from archspec.elaborate.lenders import Stored, owner_of, stored
from archspec.elaborate.paths import Path
from archspec.elaborate.reports import Level
from archspec.elaborate.steps import TABLES
from archspec.elaborate.structure import Structures, begun
from archspec.ir.builder import GraphBuilder
from archspec.ir.graph import AGAIN, Call, Further, Node
from archspec.ir.shared import Slot, rounds
from archspec.ops import STEPS, op_class
from archspec.ops.base import counted
from archspec.source import Span
from archspec.syntax import ast
from archspec.types import describe


class Sharing(Structures):
    """What uses the weights of another."""

    def again(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        builder = context.builder
        part, home, lenders = self.named(step, context)
        if part is not None and context.scope.frozen and not part.seen.scope.frozen:
            name = step.bare[0].span.text
            message = f"the weights of `{name}` are learned where it stands, so they cannot be frozen here"
            raise Refused("A304", message, step.span, f"write `frozen {name}:` there")
        self.count_step(step.span)
        if part is None or lenders is None or builder.type_of(value) is None:
            return self.unknown(builder, step.span)
        _, body = begun(part.body)
        seen = part.seen.restored()
        if len(step.bare) > 1 or step.keywords:
            body, seen = (self.handed(step, body, lenders),), seen.inner()
            values = [self.reference(expr, context) for expr in _given(step)]
            if any(builder.type_of(given) is None for given in values):
                return self.unknown(builder, step.span)
            seen.labels |= {_hidden(expr).id: (builder, given) for expr, given in zip(_given(step), values, strict=True)}
        start, errors = len(builder.elements), self.sink.errors
        self.trace.append(Level(step.span, step.span.text, ""))
        results: dict[str, int] | None = None if part.context.results is None else {}  # the outputs of a block are those of the first time
        inside = part.context._replace(builder=builder, scope=seen, results=results)
        result = self.once_more(body, label, step.span, inside, value)
        self.trace.pop()
        if self.sink.errors == errors:
            self.lend(step, builder, range(start, len(builder.elements)), lenders, home, body)
        return result if self.sink.errors == errors else self.unknown(builder, step.span)

    def once_more(self, body: tuple[ast.Statement, ...], label: str | None, span: Span, context: Context, value: int) -> int:
        """What an `again` builds after a value; a tensor, which reads none, needs no label of its own here."""
        only = body[0].steps[0] if len(body) == 1 and isinstance(body[0], ast.Chain) and len(body[0].steps) == 1 else None
        if only is None or only.name.id not in STEPS or not op_class(only.name.id).origin:
            return self.grouped(body, label, span, context, value)
        result = self.tensor(only, label or AGAIN, context, value)
        made = context.builder.elements[-1]
        context.builder.elements[-1] = made if isinstance(made, Further) else made._replace(label=label)
        return result

    def named(self, step: ast.Step, context: Context) -> tuple[Part | None, GraphBuilder, list[Stored] | None]:
        """What the label of an `again` names, the graph where it stands, and its elements with weights; None where a mistake leaves them unknown.

        Raises Refused.
        """
        if not step.bare:
            help_ = "write `again NAME`, after `NAME: conv k=3 f=8`"
            raise Refused("A103", "`again` takes the label of a layer, group or block call", step.span, help_)
        return self.part(step.bare[0], context)

    def handed(self, step: ast.Step, body: tuple[ast.Statement, ...], lenders: list[Stored]) -> ast.Chain:
        """The block call or layer that an `again` builds, with the values that it is given in place of those of the first time. Raises Refused."""
        name, (only, *others) = step.bare[0].span.text, body
        call = only.steps[0] if isinstance(only, ast.Chain) and only.guard is None and not only.steps[1:] + tuple(others) else None
        block = self.unit.blocks.get(call.name.id) if call is not None else None
        node = lenders[0].element if len(lenders) == 1 else None
        operands = list(node.op.reads_values()) if isinstance(node, Node) else []
        if call is not None and call.name.id == AGAIN:
            call = call._replace(bare=(call.bare[0], *map(_hidden, step.bare[1:])), keywords=_renamed(step), span=step.span)
        elif call is not None and (block is not None or operands):
            values = operands if block is None else [parameter.name.id for parameter in block.head.parameters if parameter.is_value]
            given = _by_name(step, call.name.id, values)
            names = op_class(call.name.id).positional if block is None else [parameter.name.id for parameter in block.head.parameters]
            bare = [given.get(parameter, expr) for parameter, expr in zip(names, call.bare, strict=False)]
            keywords = [keyword._replace(value=given.get(keyword.name, keyword.value)) for keyword in call.keywords]
            call = call._replace(bare=tuple(bare), keywords=tuple(keywords))
        else:
            message = f"`{name}` is no call of a block: values follow only the label of a block call, or of a layer that reads some"
            raise Refused("A104", message, _given(step)[0].span, f"it is as it stands: write `again {name}`")
        return ast.Chain((call,), None, None, only.span)

    def part(self, expr: ast.Expr, context: Context) -> tuple[Part | None, GraphBuilder, list[Stored] | None]:
        """What a label names, as `named` gives it. Raises Refused."""
        name = spelled(expr, context.scope)
        path = Path.of(expr, context.scope)
        inside = path is not None and len(path.names) > 0
        home, value = path.place() if path is not None and inside else self.found(expr, context.scope)
        part: Part | None = home.parts.get(~value)
        if part is None and inside:
            help_ = f"label it where it stands, in `{name.rpartition('.')[0]}`: `conv1: conv k=3 f=8`"
            raise Refused("A304", f"`{name}` is a position, and weights are used again by a label", expr.span, help_)
        if part is None or (part.name != name and not inside):
            if home.type_of(value) is None:
                return None, home, None
            what = "is an input, and has no weights" if name in self.placed else "has no layers"
            raise Refused(
                "A304", f"`{name}` {what} to use again", expr.span, "name a layer, a group or a block call, of which no guard drops all"
            )
        if home.type_of(value) is None:
            return part, home, None
        return part, home, stored(home, [~part.context.builder.whereabouts(~at)[1] for at in range(part.first, part.stop)])

    def lend(
        self, step: ast.Step, builder: GraphBuilder, made: range, lenders: list[Stored], home: GraphBuilder, body: tuple[ast.Statement, ...]
    ) -> None:
        """Let what was built of a body use the weights of the first, which must have their shapes."""
        own = stored(builder, made)
        assert own is not None, "there was no mistake"
        if not lenders and not own:
            name = step.bare[0].span.text
            message = f"`{name}` has no weights, so `again` is the same as to write its layers once more"
            line = body[0].span.text if len(body) == 1 and isinstance(body[0], ast.Chain) else "\n"
            fixes = [written(step.span, line)] if "\n" not in line else []
            self.warn("A421", message, step.span, "leave it, or write the layers", severity="note", fixes=fixes)
        elif not self.fitting(step, own, lenders):
            return
        owners = {new.at: owner_of(builder, home, old.at) for new, old in zip(own, lenders, strict=True)}
        elements = [builder.elements.pop() for _ in made][::-1]
        for element in reversed(elements):
            builder.names.skip(element, -1)
        for at, element in zip(made, elements, strict=True):
            owner = owners.get(at)
            if owner is not None and not isinstance(element, Further):
                kept = element.owner if element.owner is not None and not element.owner.tied else owner
                element = element._replace(stem=AGAIN, numbered=False, span=step.span, owner=kept)
            builder.add(element)

    def tie(self, step: ast.Step, context: Context, value: int, label: str | None) -> int:
        (given, *more) = [keyword for keyword in step.keywords if keyword.name == "weights"]
        if more:
            raise Refused("A110", "`weights` is given twice", more[0].span, "remove one of them")
        builder, name = context.builder, step.name.id
        _, home, lenders = self.part(given.value, context)
        if lenders is None or builder.type_of(value) is None:
            return self.unknown(builder, step.span)
        lender = lenders[-1] if lenders else None
        table = lender.slots.get("weight") if lender is not None and isinstance(lender.element, Node) else None
        if lender is None or table is None or table.node.op.step not in TABLES or len(lenders) > 1:
            raise _no_table(given, lender)
        bound = bind(self.completed(step, table, given), context.scope, context.defaults)
        if getattr(bound.op, "norm", False):
            message = f"`norm` would give another form to the table of `{given.value.span.text}`, and it is one"
            raise Refused("A304", message, bound.places["norm"], "leave `norm` out")
        sizes = tuple([getattr(bound.op, field) for field in TABLES[name]])
        types = (builder.type_of(value),)
        wanted = (sizes[0], types[0].channels) if name == "linear" and types[0] is not None else sizes
        if wanted != table.shape:
            written = "x".join(map(str, wanted))
            message = f"`weight` would be {written} here, and the table of `{given.value.span.text}` is {table.size}"
            way = f"`linear` reads {table.shape[1]} channels with it, and gives {table.shape[0]}" if name == "linear" else None
            self.reject("A304", message, step.span, way, *_places(table))
            return self.unknown(builder, step.span)
        op = bound.op.froze() if table.node.op.frozen else bound.op
        if op.frozen != table.node.op.frozen or (context.scope.frozen and not op.frozen):
            state = "frozen" if table.node.op.frozen else "learned"
            raise Refused("A304", f"the table of `{given.value.span.text}` is {state}, and it is one", step.span, "write `frozen` there")
        count = len(builder.elements)
        result = self.apply(op, bound.places, step.span, context, (value,), label)
        if len(builder.elements) > count and isinstance(made := builder.elements[-1], Node):
            builder.elements[-1] = made._replace(owner=owner_of(builder, home, lender.at, tied=True))
        return result

    def completed(self, step: ast.Step, table: Slot, given: ast.Keyword) -> ast.Step:
        """The step with the sizes that the table gives, where they are not written."""
        fields = TABLES[step.name.id]
        written = {*fields[: len(step.bare)], *(keyword.name for keyword in step.keywords)}
        sizes = [(field, size) for field, size in zip(fields, table.shape, strict=False) if field not in written]
        kept = [keyword for keyword in step.keywords if keyword is not given]
        more = [ast.Keyword(field, ast.Number(size, given.span), given.span) for field, size in sizes]
        if "norm" in op_class(step.name.id).fields and "norm" not in written:  # a default is meant for layers with a table of their own
            more.append(ast.Keyword("norm", ast.Number(False, given.span), given.span))
        return step._replace(keywords=(*kept, *more))

    def fitting(self, step: ast.Step, own: list[Stored], lenders: list[Stored]) -> bool:
        """Whether what was built has the weights of the first; reports the first difference."""
        name = step.bare[0].span.text
        for new, old in zip(own, lenders, strict=False):
            for key in {**old.slots, **new.slots}:
                mine, theirs = new.slots.get(key), old.slots.get(key)
                if mine is not None and theirs is not None and mine.shape == theirs.shape and mine.node.op == theirs.node.op:
                    continue
                self.reject(
                    "A304", _difference(f"{name}.{key}".rstrip("."), mine, theirs), step.span, _way(name, new, old), *_places(theirs)
                )
                return False
        if len(own) == len(lenders) and all(rounds(new.element) == rounds(old.element) for new, old in zip(own, lenders, strict=True)):
            return True
        here, there = (sum([rounds(each.element) for each in found]) for found in (own, lenders))
        message = f"`again {name}` would be {here} parts with weights here, and is {there} where `{name}` stands"
        self.reject("A304", message, step.span, "build both from the same numbers of channels and rounds")
        return False


def _no_table(given: ast.Keyword, lender: Stored | None) -> Refused:
    """The error of a name that has no table."""
    name, node = given.value.span.text, lender.element if lender is not None else None
    if isinstance(node, Node) and node.op.step in TABLES and getattr(node.op, "norm", False):
        return Refused(
            "A304", f"the table of `{name}` has another form by `norm`, and cannot be used as it is", given.span, "leave `norm` out there"
        )
    message = f"`{name}` is no `embed` or `linear`, whose table `weights=` takes"
    return Refused("A304", message, given.span, "label the layer alone: `wte: embed 1000 64`")


def _given(step: ast.Step) -> list[ast.Expr]:
    """The names of values that an `again` gives to a block."""
    return [*step.bare[1:], *(keyword.value for keyword in step.keywords)]


def _hidden(expr: ast.Expr) -> ast.Name:
    """The label of such a value where the block is called once more, which no spec can have."""
    return ast.Name(f'"{expr.span.text}"', expr.span)


def _renamed(step: ast.Step) -> tuple[ast.Keyword, ...]:
    """The values that an `again` gives by name."""
    return tuple([keyword._replace(value=_hidden(keyword.value)) for keyword in step.keywords])


def _by_name(step: ast.Step, called: str, values: list[str]) -> dict[str, ast.Name]:
    """The values that an `again` gives to a block or layer, by the names under which that reads them. Raises Refused."""
    name, bare = step.bare[0].span.text, step.bare[1:]
    reads = f"`{name}` is a call of `{called}`, which reads {_listed(values) if values else 'no value'}"
    way = "give all of them, or none, which takes those of the first time" if values else f"write `again {name}`"
    unknown = [keyword for keyword in step.keywords if keyword.name not in values]
    if len(bare) > len(values) or unknown:
        place = unknown[0].span if unknown else bare[len(values)].span
        other = "its other arguments are those of the first time" if unknown else f"{len(bare)} {'is' if len(bare) == 1 else 'are'} given"
        raise Refused("A102" if unknown else "A104", f"{reads}; {other}", place, way)
    given = dict(zip(values, map(_hidden, bare), strict=False))
    for keyword in step.keywords:
        if keyword.name in given:
            raise Refused("A110", f"`{keyword.name}` is given twice", keyword.span, "remove one of them")
        given[keyword.name] = _hidden(keyword.value)
    missing = [f"`{value}`" for value in values if value not in given]
    if missing:
        raise Refused("A103", f"{reads}; {' and '.join(missing)} is missing", step.span, way)
    return given


def _listed(names: list[str]) -> str:
    """Names in a row."""
    return " and ".join([f"`{name}`" for name in names])


def _difference(key: str, mine: Slot | None, theirs: Slot | None) -> str:
    """Say how a tensor that two would share comes out in both."""
    if mine is None or theirs is None:
        size, where = (mine.size, "here, and nothing where it stands") if mine is not None else ("nothing", "here")
        return f"`{key}` would be {size} {where}" + (f", and is {theirs.size} where it stands" if theirs is not None else "")
    if mine.shape != theirs.shape:
        return f"`{key}` would be {mine.size} here, and is {theirs.size} where it stands"
    own, other = (f"`{slot.node.op.step} {slot.node.op.config()}`" for slot in (mine, theirs))
    return f"the layer of `{key}` would be {own} here, and is {other} where it stands"


def _way(name: str, new: Stored, old: Stored) -> str | None:
    """What would work: a value like that which the first reads."""
    differ = [at for at, (here, there) in enumerate(zip(new.types, old.types, strict=False)) if here != there]
    if not differ:
        return None
    here, there = new.types[differ[0]], old.types[differ[0]]
    if differ[0] and isinstance(new.element, Call) and new.element.graph.instance is not None:
        value = new.element.graph.instance.reads[differ[0] - 1]
        return f"its value `{value}` is {describe(there)} where `{name}` stands, and {describe(here)} here"
    if type(here) is type(there) and here.channels != there.channels:
        return f"`{name}` reads {there}: give `again {name}` a value of {counted(there.channels, 'channel')} too, not of {here.channels:,}"
    return f"`{name}` reads {describe(there)}: give `again {name}` a value of that shape too, not {describe(here)}"


def _places(theirs: Slot | None) -> list[tuple[Span, str]]:
    return [(theirs.node.span, f"here it is {theirs.size}")] if theirs is not None and theirs.node.span is not None else []
