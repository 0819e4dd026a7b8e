"""The formula of the lectures as layers: [(CONV-RELU)*N-POOL?]*M-(FC-RELU)*K-SOFTMAX."""

from __future__ import annotations

from typing import NamedTuple

from archspec.elaborate.expressions import Refused, Rounds, Value, evaluate, shown
from archspec.elaborate.scopes import Scope
from archspec.numeric import value_of
from archspec.ops import STEPS, op_class
from archspec.source import Span
from archspec.syntax import ast

MAX_LAYERS = 10_000
MAX_ROUNDS = 50_000
_WORDS = {"CONV": "conv", "POOL": "pool", "FC": "fc"}
_KEYS = ("f", "fc", "classes", "k", "w", "pool")


class Expanded(NamedTuple):
    """Layers as (step, arguments, place), and what was added to the formula."""

    layers: list[tuple[str, dict[str, Value], Span]]
    note: str


def expand_pattern(statement: ast.Pattern, scope: Scope) -> Expanded:
    """The layers of a `pattern` line. Raises Refused.

    Convolutions are k x k with same padding and the filters of `f`, one value for each round of the outermost repeated group that
    has a CONV; pools halve; FC layers have `fc` units; before the SOFTMAX stands a fully connected layer of `classes`.
    """
    return _Expansion(statement, scope).run()


class _Expansion:
    def __init__(self, statement: ast.Pattern, scope: Scope) -> None:
        self.statement = statement
        self.scope = scope
        self.keys = {k.name: k for k in statement.keywords}
        self.values = {name: evaluate(k.value, scope) for name, k in self.keys.items()}
        self.layers: list[tuple[str, dict[str, Value], Span]] = []
        self.used: set[str] = set()
        self.stage = 0
        self.rounds = 0
        self.notes: list[str] = []

    def run(self) -> Expanded:
        self.check_keys()
        self.parts(self.statement.formula, outermost=True)
        unused = [k for name, k in self.keys.items() if name not in self.used and name not in _KEYS]
        if unused:
            raise Refused("A119", f"`{unused[0].name}` is not in the formula", unused[0].span)
        return Expanded(self.layers, "; ".join(self.notes))

    def check_keys(self) -> None:
        seen: set[str] = set()
        for keyword in self.statement.keywords:
            if keyword.name in seen:
                raise Refused("A110", f"`{keyword.name}` is given twice", keyword.span)
            seen.add(keyword.name)
            if isinstance(self.values[keyword.name], Rounds) and keyword.name != "f":
                raise Refused("A119", f"`{keyword.name}` takes one value; only `f` takes one per stage", keyword.span)

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
            raise Refused(
                "A119",
                f"the formula repeats `{name}` times, but `{name}=` is not given",
                part.repeats.span,
                f"add `{name}=2` at the end of the line",
            )
        else:
            value = value_of(evaluate(part.repeats, self.scope))
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_LAYERS:
            raise Refused("A119", f"a part is repeated a whole number of times, not {shown(value)}", part.repeats.span)
        return value

    def word(self, word: ast.Name) -> None:
        if len(self.layers) > MAX_LAYERS:
            raise Refused("A118", f"the formula expands to more than {MAX_LAYERS:,} layers", word.span)
        name, span = word.id.upper(), word.span
        step = _WORDS.get(name, word.id.lower())
        if step not in STEPS or (name not in _WORDS and not _stands_alone(step)):
            raise Refused(
                "A119",
                f"`{word.id}` is not a layer that a formula can contain",
                span,
                "a formula takes CONV, POOL, FC, SOFTMAX, and activations such as RELU",
            )
        if step == "conv":
            filters = self.filters(span)
            self.layers.append(("conv", {"k": self.values.get("k", 3), "f": filters, "p": "same"}, self.place("f", span)))
        elif step == "pool":
            self.layers.append(("pool", {"w": self.values.get("w", 2)}, self.place("w", span)))
        elif step == "fc":
            self.layers.append(("fc", {"n": self.needed("fc", span)}, self.place("fc", span)))
        elif step in ("softmax", "logsoftmax", "sigmoid") and self.last_before_scores(step):
            self.layers.append(("fc", {"n": self.needed("classes", span)}, self.place("classes", span)))
            self.notes.append(
                f"the formula has no layer for the class scores: `fc {shown(self.values['classes'])}` was added before {name}"
            )
            self.layers.append((step, {}, span))
        else:
            self.layers.append((step, {}, span))

    def last_before_scores(self, step: str) -> bool:
        """Whether the class scores are still missing: the layer before a softmax is not a fully connected one."""
        return step != "sigmoid" and (not self.layers or self.layers[-1][0] != "fc")

    def filters(self, span: Span) -> Value:
        value = self.needed("f", span)
        if isinstance(value, Rounds):
            picked: Value = value[min(self.stage, len(value) - 1)]  # type: ignore[assignment]
            return picked
        return value

    def needed(self, key: str, span: Span) -> Value:
        if key not in self.values:
            what = {"f": "the filters of CONV", "fc": "the units of FC", "classes": "the number of classes"}[key]
            raise Refused("A119", f"the formula needs {what}: `{key}=`", span, f"add `{key}=10` at the end of the line")
        return self.values[key]

    def place(self, key: str, span: Span) -> Span:
        return self.keys[key].span if key in self.keys else span


def _stands_alone(step: str) -> bool:
    """Whether a layer needs neither an argument nor another value."""
    return not op_class(step).variadic and not any(field.required for field in op_class(step).fields.values())


def _mentions(formula: ast.Formula, word: str) -> bool:
    if formula.word is not None:
        return formula.word.id.upper() == word
    return any(_mentions(part, word) for part in formula.parts)
