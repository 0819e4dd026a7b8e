"""The lines of bodies, blocks and the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from archspec.backends.arch import as_label
from archspec.ir.graph import AGAIN, SHORTCUT, Hole
from archspec.ir.walk import Names
from archspec.shortening.alignment import Column, rounds_in_columns
from archspec.shortening.items import Entry, Exit, From, Group, Head, Item, Layer, Mark, Out, Repeat, bodies, every
from archspec.shortening.parameters import Params, Unsayable
from archspec.shortening.referring import behind, called, is_namesake, meeting, places, taken_up
from archspec.shortening.saying import BEGIN, HINTS, braced, default, listed, ordered, templated, variants, word
from archspec.shortening.scoping import Scope, common_name, placed
from archspec.shortening.turns import Turns
from archspec.shortening.usual import left_out, said
from archspec.shortening.written import Guard, Line, apart, joined, nested, one_line


class Writer:
    """Writes bodies of instances that are one block, with its parameters; by itself the network's, which has none.

    In the rounds of a repeat each round is an instance as well.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.params = Params({0: 0}, {0: 0}, closed=True)
        self.turns = Turns()
        self.paths: dict[int, str] = {}
        """The full names of instances."""
        self.columns_of: dict[int, Column] = {}
        """The column of each item that is written."""
        self.values: dict[int, str] = {}
        """What the block calls the values that it takes, by entries."""
        self.gives: dict[int, str] = {}
        """What it calls those that it gives, by exits."""

    def block(self, instances: Sequence[Group]) -> tuple[Params, list[Line]]:
        """The parameters and lines of a block. Raises Unsayable."""
        first = Params({at: group.channels for at, group in enumerate(instances)}, {at: group.width for at, group in enumerate(instances)})
        lines = self.lines(instances, first)
        if first.partial and first.found:  # what some instances need may be what all need, and is found later
            again = Params(first.channels, first.widths)
            for param in first.found:
                if param.whole:
                    again.new(param.values, param.name.rstrip("0123456789"))
            writer = Writer(self.name)
            return again, writer.lines(instances, again)
        return first, lines

    def lines(self, instances: Sequence[Group], params: Params) -> list[Line]:
        """The lines of a block with parameters, which get those that it takes."""
        self.params = params
        self.paths = {at: group.path for at, group in enumerate(instances)}
        scope = Scope.of(range(len(instances)), "ordinal")
        self.take(instances, scope)
        lines = self.whole({at: group.body for at, group in enumerate(instances)}, scope)
        self.conditions(lines)
        given = [param.name if param.default is None else f"{param.name}={param.default}" for param in self.params.ordered]
        return [Line(f"block {self.name}({', '.join([*given, *[f'from {name}' for name in self.params.values]])}):", lines)]

    def take(self, instances: Sequence[Group], scope: Scope) -> None:
        """Name the values that a block takes besides the one that it is given."""
        inside = {item.name for group in instances if group.entries or group.exits for item in every(group.body)}
        for entries in zip(*[group.entries for group in instances], strict=True):
            name = next(name for name in variants("y") if name not in self.params.names | inside)
            self.params.values.append(name)
            self.params.names.add(name)
            scope.used.add(name)
            self.values |= {id(entry): name for entry in entries}
            self.columns_of |= dict.fromkeys(map(id, entries), Column(dict(enumerate(entries))))
        for exits in zip(*[group.exits for group in instances], strict=True):
            name = next(name for name in variants("side") if name not in {*self.params.names, *self.gives.values()} | inside)
            for exit_ in exits:
                exit_.alias = self.gives[id(exit_)] = name

    def conditions(self, lines: Sequence[Line]) -> None:
        """Say which instances have which lines."""
        for line in lines:
            if line.guard is not None:
                line.condition = self.condition(line.guard)
            self.conditions(line.inner or ())

    def condition(self, guard: Guard) -> str:
        """The condition of a line."""
        own = self.params.condition(set(guard.has), set(guard.among)) if not guard.later or guard.has != guard.among else ""
        return own if not guard.later else f"i > 0 and {f'({own})' if ' or ' in own else own}" if own else "i > 0"

    def body(self, parts: Mapping[int, Sequence[Item]], scope: Scope) -> list[Line]:
        """The lines of a body of several instances."""
        if any(isinstance(item, Mark) for part in parts.values() for item in part):  # it is called as nothing below is
            scope.used.update(item.name for part in parts.values() for item in every(part) if item.keyed)
        written, before = list[Line](), Column({})
        columns = meeting(rounds_in_columns(parts, self.turns.instance), parts.keys(), self.columns_of)
        for column in (part for whole in columns for part in places(whole, self.is_one)):
            if self.is_silent(column):
                continue
            column.items = {at: item for at, item in column.items.items() if not item.late}
            try:
                line = self.line(column, scope)
            except Unsayable as found:
                found.items = found.items or list(column.items.values())
                raise
            line.items = line.items or list(column.items.values())
            named = [*column.items.values(), *behind(column, before, parts)]
            self.columns_of |= {id(item.of if isinstance(item, Mark) and item.of is not None else item): column for item in named}
            if len(named) < len(parts):
                whole = line.guard is None and not line.text.startswith("residual:")  # which would run its body all the same
                line = line if whole else Line("seq:", [line], items=line.items)
                line.guard = self.turns.guard(column.items, parts)
            before = column
            written.append(line)
            if column.first.label and column.first.nameless:
                written.append(Line(self.skipped(column.first, scope)))
        return list(joined(written))

    def whole(self, parts: Mapping[int, Sequence[Item]], scope: Scope) -> list[Line]:
        """The lines of the body of a group or a block. Where all of it is a gate, it is `x: skip`, `gap | fc 8 | sigmoid | mul x`; so is what
        stands before the value in a `concat`.
        """
        heads = {at: part[0] for at, part in parts.items() if len(part) == 1 and isinstance(part[0], Head) and part[0].is_beside}
        kinds = {head.kind for head in heads.values() if isinstance(head, Head)}
        if len(heads) < len(parts) or len(kinds) > 1:
            return self.body(parts, scope)
        scope.used.update(item.name for item in every(heads.values()) if item.keyed)
        mark, step = Mark("x"), kinds.pop()
        begin = Line(self.skipped(mark, scope))
        lines = self.body({at: max(bodies(head), key=len) for at, head in heads.items()}, scope)
        for at, head in heads.items():
            if id(head) not in self.turns.alone:
                scope.names[at].local(Hole(None, step, None, None, False))
        return list(joined([begin, *lines, Line(f"{step} {called(mark)}", joins=True, items=[*heads.values()])]))

    def refer(self, targets: Mapping[int, Item | None]) -> str:
        """The name of the values that items of a column read. Raises Unsayable where these are not one column, and have not one name."""
        found = templated({number: self.named(own) for number, own in self.turns.by_number(targets).items()})
        if found is None:
            raise Unsayable("values of rounds that do not count")
        self.turns.numbered |= "{i" in found
        return braced(found.replace('"', "")) if "{i" in found else found

    def named(self, targets: Iterable[Item | None]) -> str:
        """The name of values that are one."""
        first, *others = targets
        if any(not self.is_one(first, other) for other in others):
            raise Unsayable("values of different places")
        first = self.resolved(first)
        column = self.columns_of.get(id(first))
        return self.values.get(id(first)) or called(first if column is None or min(column.items) < 0 else column.first)

    def is_one(self, first: Item | None, other: Item | None) -> bool:
        """Whether what two instances read is one column, or has one name."""
        first, other = self.resolved(first), self.resolved(other)
        if first is not None and other is not None and id(first) in self.turns.labels:
            return first.alias == other.alias
        column = self.columns_of.get(id(first), first)
        return self.columns_of.get(id(other), other) is column or is_namesake(first, other)

    def resolved(self, item: Item | None) -> Item | None:
        """What an entry is that is no value of the block."""
        while isinstance(item, Entry) and id(item) not in self.values:
            item = item.outside
        return item

    def line(self, column: Column, scope: Scope) -> Line:
        """Write the line of items that correspond in all instances, with those below it. Raises Unsayable where no line says them."""
        match column.first:
            case Layer():
                return self.layer(column, scope)
            case Group() as first if first.block is not None:
                label = self.label(column, first.block.name, True, scope)
                return Line(self.call(column), joins=not label, begins=True, label=label)
            case Group():
                return self.group(column, scope)
            case Head():
                return self.head(column, scope)
            case Repeat():
                return self.repeat(column, scope)
            case From() as first:
                name = self.refer({at: item.target for at, item in column.items.items() if isinstance(item, From)})
                return replace(taken_up(first.target), text=f"from {name}")
            case Out(exit=Exit(of=of) as exit_):
                path = f": from {called(of)}" if isinstance(of, Exit) or (isinstance(of, Layer) and of.aside) else ""
                return Line(f"output {self.gives[id(exit_)]}{path}")
            case first:
                return Line(self.skipped(first, scope))

    def is_silent(self, column: Column) -> bool:
        """Note what has no line: exits of groups, and those of a group that is no block."""
        self.columns_of |= {id(item): column for item in column.items.values() if isinstance(column.first, Exit)}
        return isinstance(column.first, Exit) or (isinstance(column.first, Out) and id(column.first.exit) not in self.gives)

    def skipped(self, item: Item, scope: Scope) -> str:
        """The line that gives the current value a label."""
        if label := self.turns.label(item):
            return f"{label}: skip"
        alias = next(name for name in variants("x") if name not in scope.used)
        scope.used.add(alias)
        item.alias = alias
        if isinstance(item, Mark) and item.of is not None:
            item.of.alias = alias
        return f"{alias}: skip"

    def layer(self, column: Column, scope: Scope) -> Line:
        """Write `LABEL: STEP VALUE ... key=value`, or `again LAYER` for a layer that uses all weights of another.

        Arguments that differ between instances are expressions of the block's parameters. Raises Unsayable where no expression is found,
        where only some instances have an argument, and for weights of unlike layers, or of one outside of the block.
        """
        items = {at: item for at, item in column.items.items() if isinstance(item, Layer)}
        first = next(iter(items.values()))
        borrows = bool(first.owner) and not first.tied
        label = self.label(column, AGAIN if borrows else first.step, first.numbered, scope)
        if first.owner and not all(self.is_inside(at, item) for at, item in items.items()):
            raise Unsayable("weights of a layer outside of a block")
        if len({item.owner for item in items.values()}) > 1 and first.lender is None:
            raise Unsayable("weights of several layers")
        owner = as_label(first.owner) if first.lender is None or first.lender.keyed else called(first.lender)
        if borrows:
            return Line(f"{AGAIN} {owner}", joins=not label, begins=True, label=label)
        refs = [self.refer({at: item.refs[n] for at, item in items.items()}) for n in range(len(first.refs))]
        words = [first.step, *(refs if first.merge else ())]
        named = {name for item in items.values() for name in item.arguments}
        for name in ordered(first.step, dict.fromkeys(name for item in items.values() for name in (*item.arguments, *item.usual))):
            if name not in named:
                words.append(left_out(first.step, str(name), next(item.usual[name] for item in items.values() if name in item.usual)))
                continue
            usual = first.usual.get(name, default(first.step, name))
            given = {at: item.arguments.get(name, usual) for at, item in items.items()}
            texts = {at: value for at, value in given.items() if value is not None}
            if len(texts) < len(items):
                raise Unsayable(f"{first.step} {name}")
            text = self.express(texts, name if isinstance(name, str) else HINTS.get(first.step, first.step[0]))
            text = re.sub(r"^\{(\d+)\}$", lambda found: refs[int(found[1])], text)
            implied = name in first.usual and text == default(first.step, name)
            words.append(said(first.step, str(name), text) if implied else text if isinstance(name, int) else f"{name}={text}")
        if first.tied:
            words.append(f"weights={owner}")
        return Line(" ".join(words), joins=not label, begins=first.step in BEGIN, label=label)

    def is_inside(self, key: int, layer: Layer) -> bool:
        """Whether the layer whose weights another uses is in the same instance."""
        path = self.paths.get(self.turns.instance(key), "")
        return not path or f"{layer.home}.".startswith(f"{path}.")

    def call(self, column: Column) -> str:
        """A call of a block: arguments without a default by position, up to the first that is a list."""
        items = {at: item for at, item in column.items.items() if isinstance(item, Group)}
        block = next(iter(items.values())).block
        assert block is not None, "a call is that of a block"
        words = [block.name]
        named: list[str] = []
        for param in block.params.ordered:
            text = self.express({at: param.values[item.index] for at, item in items.items()}, param.name)
            if param.default is None and "," not in text and not named:
                words.append(text)
            elif text != param.default:
                named.append(f"{param.name}={text}")
        keyed = bool(named) or any(param.default is not None for param in block.params.found)
        for n, name in enumerate(block.params.values):
            value = self.refer({at: item.refs[n] for at, item in items.items()})
            named.append(f"{name}={value}" if keyed else value)
        return " ".join(words + named)

    def group(self, column: Column, scope: Scope) -> Line:
        """Write `LABEL:` with the body of a group; one of a single element is `LABEL: repeat 1:`, since the label alone would name that."""
        items = {at: item for at, item in column.items.items() if isinstance(item, Group)}
        label = self.label(column, "_", True, scope, group=True) or "_: "
        inner = Scope.of(items, "index")
        if any(item.refs for item in items.values()):  # its labels must not hide those outside
            inner.used |= scope.used
        lines = self.whole({at: item.body for at, item in items.items()}, inner)
        single = any(item.single for item in items.values()) and not lines[0].text.startswith("repeat ")
        return apart(label, nested(f"{label}{'repeat 1: ' if single else ''}", lines))

    def label(self, column: Column, stem: str, numbered: bool, scope: Scope, *, group: bool = False) -> str:
        """The label that gives each instance its name; empty where it has that name without, or needs none."""
        first = column.first
        own: dict[int, Names] = {}
        if all(id(item) in self.turns.alone for item in column.items.values()):
            alone = {at: self.turns.alone[id(item)] for at, item in column.items.items()}
        else:
            own = {at: scope.names[at].copy() for at in column.items}
            alone = {at: names.local(Hole(None, stem, None, None, numbered)) for at, names in own.items()}
        indexed = next(iter(scope.names.values())).naming == "index"
        plain = not first.keyed or all(alone[at] == item.name for at, item in column.items.items())
        if plain and (indexed or not group) and (not column.read or first.nameless) and not column.told:
            scope.names.update(own)
            scope.used.update(alone.values())
            return ""
        if counted := "" if first.nameless and not column.told else self.turns.label(first):
            return f"{counted}: "
        name = common_name(column, self.turns.of)
        if not first.keyed:
            known = set(alone.values())
            base = known.pop() if len(known) == 1 and stem != "flatten" else ""  # those that `fc` implies are called so
            name = next(name for name in variants(base if base.isidentifier() else f"{stem}_") if name not in scope.used)
        scope.used.add(name)
        if "{" in name:
            self.turns.numbered = True
            return f"{braced(name)}: "
        first.name = name
        for at in own:
            scope.names[at].local(Hole(None, stem, name, None, True))
        return f"{word(name) if indexed else as_label(name)}: "

    def head(self, column: Column, scope: Scope) -> Line:
        """Write a merge with its branches below it, or `residual: ...` on one line where that is short.

        A residual that some instances lack has a guard, and a shortcut that some lack one of its own. Raises Unsayable.
        """
        items = {at: item for at, item in column.items.items() if isinstance(item, Head)}
        first = next(item for item in items.values())
        has = [at for at, item in items.items() if not item.absent]
        guard = self.turns.guard(has, items) if len(has) < len(items) else None
        if first.kind == "residual":
            lines = self.body({at: item.branches[0] for at, item in items.items()}, scope)
            short = {at: item.branches[1] for at, item in items.items() if item.branches[1]}
            if short:
                lines.append(self.shortcut(short, items, scope))
        else:
            rows = range(len(first.branches))
            lines = [line for n in rows for line in self.branch(n, items, scope)]
        for at in has:
            if id(items[at]) not in self.turns.alone:
                scope.names[at].local(Hole(None, first.step, None, None, False))
        text = f"{first.kind} {first.argument}".rstrip()
        if first.kind == "residual" and guard is None and (whole := one_line(lines)) is not None and len(lines) == 1:
            return Line(f"residual: {whole}")
        return Line(f"{text}:", lines, guard)

    def shortcut(self, short: Mapping[int, list[Item]], among: Mapping[int, Item], scope: Scope) -> Line:
        """The line of a shortcut: with its label or, without, layers by positions, a single one without, and those of a block call by their names."""
        if any(body[0].keyed and body[0].name != SHORTCUT for body in short.values()):
            line = self.labelled(short, scope)
        else:
            for at in short:
                scope.names[at].local(Hole(None, SHORTCUT, None, None, False))
            calls = [body[0] for body in short.values() if len(body) == 1 and isinstance(body[0], Group) and body[0].block is not None]
            if len(calls) == len(short) and len({id(call.block) for call in calls}) == 1:
                line = Line(f"shortcut: {self.call(Column(dict(zip(short, calls, strict=True))))}")
            else:
                line = nested("shortcut: ", self.body({at: placed(body) for at, body in short.items()}, Scope.of(short, "index")))
        line.guard = self.turns.guard(short, among) if len(short) < len(among) else None
        return line

    def labelled(self, short: Mapping[int, list[Item]], scope: Scope) -> Line:
        """A shortcut with a label, even where its layer would be called so without; several lines are below `seq:`."""
        lines = self.body(short, scope)
        first = next(iter(short.values()))[0]
        if len(lines) > 1 or lines[0].guard is not None:
            return Line("shortcut: seq:", lines)
        if not lines[0].label and not (isinstance(first, Group) and first.block is None):
            lines[0].label = f"{as_label(first.name)}: "
        return nested("shortcut: ", lines)

    def branch(self, number: int, heads: Mapping[int, Head], scope: Scope) -> list[Line]:
        """The lines of a branch: one, and `skip` where instances have nothing in it."""
        parts = {at: head.branches[number] for at, head in heads.items() if number not in head.without}
        full = {at: body for at, body in parts.items() if body}
        lines = self.body(full, scope) if full else []
        if len(lines) > 1 or any(line.guard is not None for line in lines):
            whole = one_line(lines)
            lines = [Line(whole) if whole is not None else Line("seq:", lines)]
        if len(full) < len(parts):
            lines.append(
                Line("skip", guard=self.turns.guard(parts.keys() - full.keys(), heads) if full or len(parts) < len(heads) else None)
            )
        if 0 < len(full) < len(heads):
            lines[0].guard = self.turns.guard(full, heads)
        return lines

    def repeat(self, column: Column, scope: Scope) -> Line:
        """The rounds of all instances side by side: what differs from round to round is a list, or a label that counts."""
        items = {at: item for at, item in column.items.items() if isinstance(item, Repeat)}
        count = self.express({at: str(len(item.rounds)) for at, item in items.items()}, "n")
        outer, numbered = self.turns.alone, self.turns.numbered
        self.turns.numbered = False
        lines = self.body(*self.turns.begin(items, scope))
        counts, self.turns.alone, self.turns.numbered = self.turns.numbered, outer, numbered
        return nested(f"repeat {count}{' as i' if counts else ''}: ", lines)

    def express(self, texts: Mapping[int, str], hint: str) -> str:
        """An expression for texts that differ between instances; from round to round, a list."""
        lengths = self.turns.ranges(texts)
        if lengths is not None:
            length = self.express(lengths, hint)
            self.turns.numbered = True
            length = f"({length})" if "/" in length else length
            return f"i*{length}:(i+1)*{length}"
        while texts and min(texts) < 0:
            rounds: dict[int, list[str]] = {}
            for key, text in texts.items():
                rounds.setdefault(self.turns.of[key][0] if key < 0 else key, []).append(text)
            texts = {at: listed(own) for at, own in rounds.items()}
        return self.params.express(texts, hint)
