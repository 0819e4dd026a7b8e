"""The formula of the lectures as layers: [(CONV-RELU)*N-POOL?]*M-(FC-RELU)*K-SOFTMAX."""

from __future__ import annotations

from archspec.diagnostics.fix import inserted
from archspec.elaborate.expressions import Refused, Rounds, Scope, Value, evaluate, of_round, shown
from archspec.numeric import pinned
from archspec.ops import STEPS, op_class
from archspec.source import Span
from archspec.syntax import ast

MAX_LAYERS = 10_000
MAX_ROUNDS = 50_000
_WORDS = {"CONV": "conv", "POOL": "pool", "FC": "fc"}
_KEYS = ("f", "fc", "classes", "k", "w", "pool")

Layer = tuple[str, dict[str, Value], Span]
"""A layer: its step, its arguments, its place."""


def expand_pattern(statement: ast.Pattern, scope: Scope) -> tuple[list[Layer], str]:
    """The layers of a `pattern` line, and what was added to the formula. Raises Refused.

    Convolutions are k x k with same padding and the filters of `f`, one value for each round of the outermost repeated group that
    has a CONV; pools halve; FC layers have `fc` units; before the SOFTMAX comes a fully connected layer of `classes`.
    """
    expansion = _Expansion(statement, scope)
    expansion.parts(statement.formula, outermost=True)
    unused = [k for name, k in expansion.keys.items() if name not in expansion.used and name not in _KEYS]
    if unused:
        raise Refused("A119", f"`{unused[0].name}` is not in the formula", unused[0].span)
    return expansion.layers, "; ".join(expansion.notes)


class _Expansion:
    def __init__(self, statement: ast.Pattern, scope: Scope) -> None:
        self.statement = statement
        self.scope = scope
        self.keys: dict[str, ast.Keyword] = {}
        self.values: dict[str, Value] = {}
        for keyword in statement.keywords:
            if keyword.name in self.keys:
                raise Refused("A110", f"`{keyword.name}` is given twice", keyword.span)
            self.keys[keyword.name] = keyword
            value = self.values[keyword.name] = evaluate(keyword.value, scope)
            if isinstance(value, Rounds) and keyword.name != "f":
                raise Refused("A119", f"`{keyword.name}` takes one value; only `f` takes one per stage", keyword.span)
        self.layers: list[Layer] = []
        self.used: set[str] = set()
        self.stage = 0
        self.rounds = 0
        self.notes: list[str] = []

    def parts(self, formula: ast.Formula, *, outermost: bool) -> None:
        for part in formula.parts:
            count = self.count(part)
            for _ in range(count):
                self.rounds += 1
                if self.rounds > MAX_ROUNDS:
                    raise Refused("A118", f"the formula repeats its parts more than {MAX_ROUNDS:,} times", part.span)
                if part.word is not None:
                    self.word(part.word)
                else:
                    self.parts(part, outermost=False)
                if outermost and _mentions(part, "CONV"):
                    self.stage += 1

    def count(self, part: ast.Formula) -> int:
        if part.optional:
            self.used.add("pool")
            return int(bool(self.values.get("pool", True)))
        if part.repeats is None:
            return 1
        name = part.repeats.id if isinstance(part.repeats, ast.Name) else None
        if name is not None and name in self.values:
            self.used.add(name)
            value = self.values[name]
        elif name is not None and self.scope.value_of(name) is None:
            message = f"the formula repeats `{name}` times, but `{name}=` is not given"
            help_ = f"add `{name}=2` at the end of the line"
            raise Refused("A119", message, part.repeats.span, help_, fixes=[inserted(self.statement.span, f" {name}=2")])
        else:
            value = pinned(evaluate(part.repeats, self.scope))
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_LAYERS:
            raise Refused("A119", f"a part is repeated a whole number of times, not {shown(value)}", part.repeats.span)
        return value

    def word(self, word: ast.Name) -> None:
        if len(self.layers) > MAX_LAYERS:
            raise Refused("A118", f"the formula expands to more than {MAX_LAYERS:,} layers", word.span)
        name, span = word.id.upper(), word.span
        step = _WORDS.get(name, word.id.lower())
        if step not in STEPS or (name not in _WORDS and not _stands_alone(step)):
            help_ = "a formula takes CONV, POOL, FC, SOFTMAX, and activations such as RELU"
            raise Refused("A119", f"`{word.id}` is not a layer that a formula can contain", span, help_)
        if step == "conv":
            self.layer(step, {"k": self.values.get("k", 3), "f": self.filters(span), "p": "same"}, "f", span)
        elif step == "pool":
            self.layer(step, {"w": self.values.get("w", 2)}, "w", span)
        elif step == "fc":
            self.layer(step, {"n": self.needed("fc", span)}, "fc", span)
        else:
            if step in ("softmax", "logsoftmax") and (not self.layers or self.layers[-1][0] != "fc"):
                self.layer("fc", {"n": self.needed("classes", span)}, "classes", span)
                added = f"`fc {shown(self.values['classes'])}` was added before {name}"
                self.notes.append(f"the formula has no layer for the class scores: {added}")
            self.layers.append((step, {}, span))

    def layer(self, step: str, arguments: dict[str, Value], key: str, span: Span) -> None:
        """Add a layer, at the place of its key where that is given."""
        self.layers.append((step, arguments, self.keys[key].span if key in self.keys else span))

    def filters(self, span: Span) -> Value:
        value = self.needed("f", span)
        return of_round(value, self.stage) if isinstance(value, Rounds) else value

    def needed(self, key: str, span: Span) -> Value:
        if key not in self.values:
            what = {"f": "the filters of CONV", "fc": "the units of FC", "classes": "the number of classes"}[key]
            help_, fix = f"add `{key}=10` at the end of the line", inserted(self.statement.span, f" {key}=10")
            raise Refused("A119", f"the formula needs {what}: `{key}=`", span, help_, fixes=[fix])
        return self.values[key]


def _stands_alone(step: str) -> bool:
    """Whether a layer needs no argument and no further value."""
    return not op_class(step).variadic and not any(field.required for field in op_class(step).fields.values())


def _mentions(formula: ast.Formula, word: str) -> bool:
    if formula.word is not None:
        return formula.word.id.upper() == word
    return any(_mentions(part, word) for part in formula.parts)
