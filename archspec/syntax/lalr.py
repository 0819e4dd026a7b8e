"""Runs the LALR(1) tables that Lark makes of grammars/arch.lark.

Lark compiles the grammar; what is left at run time is a table walk. Doing it here, and not through Lark's own classes, spares every
command Lark's import: a third of the time in which a whole spec is checked. A test holds this walk against Lark's parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

END = "$END"


class Token(NamedTuple):
    """A word of a text: its terminal, its characters, and their offsets."""

    type: str
    value: str
    start: int
    end: int


class Tree(NamedTuple):
    """A rule with what it was made of."""

    data: str
    children: list[Any]


class Unexpected(Exception):
    """A token that no continuation of the line has; `expected` are the terminals that could follow instead."""

    def __init__(self, token: Token, expected: set[str]) -> None:
        super().__init__(token)
        self.token = token
        self.expected = expected


class Automaton:
    """A lexer and a parser (LALR(1): Aho et al. 2006, section 4.7). In a state's row a number n >= 0 shifts to state n, ~n reduces by rule n.

    A rule has its origin, the number of its symbols, and whether it is `lone`: it has a single symbol and adds nothing, as a level of an expression.
    """

    def __init__(self, tables: dict[str, Any]) -> None:
        self.rows: list[dict[str, int]] = tables["rows"]
        self.rules: list[tuple[str, int, bool]] = tables["rules"]
        self.end: int = tables["end"]
        self.ignored = frozenset(tables["ignored"])
        self.pattern = re.compile("|".join(f"(?P<{name}>{regexp})" for name, regexp in tables["terminals"]))

    def lex(self, text: str) -> Iterator[Token]:
        """The tokens of a text, comments and line ends among them."""
        ignored = self.ignored
        for match in self.pattern.finditer(text):
            kind = match.lastgroup
            if kind not in ignored:
                yield Token(kind or "ERROR", match[0], match.start(), match.end())

    def parse(self, tokens: Iterable[Token]) -> Tree | Token:
        """The tree of one line. Raises Unexpected."""
        states = [0]
        values: list[Any] = []
        rows, rules = self.rows, self.rules
        end = 0
        for token in tokens:
            end = token.end
            while (action := rows[states[-1]].get(token.type)) is not None and action < 0:
                self.reduce(rules[~action], states, values)
            if action is None:
                raise Unexpected(token, self.accepted(states))
            states.append(action)
            values.append(token)
        while states[-1] != self.end:
            action = rows[states[-1]].get(END)
            if action is None:
                raise Unexpected(Token(END, "", end, end), self.accepted(states))
            self.reduce(rules[~action], states, values)
        result: Tree | Token = values[-1]
        return result

    def reduce(self, rule: tuple[str, int, bool], states: list[int], values: list[Any]) -> None:
        """Replace the symbols of a production by its origin."""
        origin, size, lone = rule
        if lone:  # the value stays, only the state changes
            states[-1] = self.rows[states[-2]][origin]
            return
        children: list[Any] = []
        for value in values[-size:]:
            if not (isinstance(value, Tree) and value.data[0] == "_"):
                children.append(value)
            elif children:  # Lark's helper rules of `*` and `+`
                children += value.children
            else:
                children = value.children  # they are left-recursive: taken over, not copied, so that a long line takes linear time
        del states[-size:], values[-size:]
        states.append(self.rows[states[-1]][origin])
        values.append(Tree(origin, children))

    def expected(self, tokens: Iterable[Token]) -> set[str]:
        """Find the terminals that may follow the beginning of a line; none where it is wrong already."""
        states, values = [0], []  # type: tuple[list[int], list[Any]]
        for token in tokens:
            while (action := self.rows[states[-1]].get(token.type)) is not None and action < 0:
                self.reduce(self.rules[~action], states, values)
            if action is None:
                return set()
            states.append(action)
            values.append(token)
        return self.accepted(states)

    def accepted(self, states: list[int]) -> set[str]:
        """The terminals that could follow: those that some chain of reductions leads to a shift of."""
        found = set()
        for terminal in self.rows[states[-1]]:
            stack, action = list(states), None
            while stack[-1] != self.end and (action := self.rows[stack[-1]].get(terminal)) is not None and action < 0:
                origin, size, _ = self.rules[~action]
                del stack[-size:]
                stack.append(self.rows[stack[-1]][origin])
            if terminal.upper() == terminal and (stack[-1] == self.end or action is not None):
                found.add(terminal)
        return found


@cache
def automaton() -> Automaton:
    """The automaton of the grammar."""
    from archspec.syntax._tables import TABLES

    return Automaton(TABLES)
