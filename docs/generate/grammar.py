"""The JSON Schema of the IR document and the TextMate grammar."""

from __future__ import annotations

import json

from archspec.ops import STEPS


def schema() -> str:
    from archspec.ir.schema import schema as made

    return json.dumps(made(), indent=2, ensure_ascii=False) + "\n"


def textmate() -> str:
    """The TextMate grammar, with the words of the language in it."""
    from archspec.syntax.lines import HEADS, KEYWORDS

    heads = HEADS | {"repeat", "residual", "shortcut"}
    inner = {"if", "else", "as"}
    operators = {"and", "or", "not"}
    constants = {"yes", "no"}
    lines = KEYWORDS - heads - inner - operators - constants

    def words(found: set[str] | frozenset[str] | dict[str, str]) -> str:
        return "|".join(sorted(found, key=lambda word: (-len(word), word)))

    grammar = {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "archspec",
        "scopeName": "source.arch",
        "fileTypes": ["arch"],
        "patterns": [
            {"include": f"#{name}"}
            for name in (
                "comment",
                "string",
                "declaration",
                "block",
                "label",
                "head",
                "layer",
                "step",
                "key",
                "word",
                "size",
                "number",
                "operator",
            )
        ],
        "repository": {
            "comment": {"name": "comment.line.number-sign.arch", "match": "#.*$"},
            "string": {
                "name": "string.quoted.double.arch",
                "begin": '"',
                "end": '"|$',
                "patterns": [{"name": "constant.character.escape.arch", "match": r'\\[nt"\\]'}],
            },
            "declaration": {"match": rf"(?:^|(?<=:))\s*({words(lines)})\b(?!\s*[:=])", "captures": {"1": {"name": "keyword.control.arch"}}},
            "block": {
                "match": r"^\s*(block)\s+([A-Za-z_][A-Za-z0-9_]*)",
                "captures": {"1": {"name": "keyword.control.arch"}, "2": {"name": "entity.name.function.arch"}},
            },
            "label": {
                "match": rf"(?:^|(?<=:))\s*(?!(?:{words(heads)})\b)([A-Za-z_][A-Za-z0-9_.]*(?:\{{[^}}]*\}}[A-Za-z0-9_]*)*)\s*(?=:(?!\d))",
                "captures": {"1": {"name": "entity.name.label.arch"}},
            },
            "head": {"match": rf"(?:^|(?<=[|:]))\s*({words(heads)})\b(?!\s*=)", "captures": {"1": {"name": "keyword.control.arch"}}},
            "layer": {"match": rf"(?:^|(?<=[|:]))\s*({words(STEPS)}|skip)\b(?!\s*=)", "captures": {"1": {"name": "support.function.arch"}}},
            "step": {
                "match": r"(?:^|(?<=[|:]))\s*([A-Za-z_][A-Za-z0-9_]*)\b(?!\s*[=:{])",
                "captures": {"1": {"name": "entity.name.function.arch"}},
            },
            "key": {
                "match": r"\b([A-Za-z_][A-Za-z0-9_]*)\s*(=)(?!=)",
                "captures": {"1": {"name": "variable.parameter.arch"}, "2": {"name": "keyword.operator.assignment.arch"}},
            },
            "word": {
                "patterns": [
                    {"name": "keyword.control.arch", "match": rf"\b(?:{words(inner)}|train)\b"},
                    {"name": "keyword.operator.logical.arch", "match": rf"\b(?:{words(operators)})\b"},
                    {"name": "constant.language.boolean.arch", "match": rf"\b(?:{words(constants)})\b"},
                    {"name": "constant.language.arch", "match": r"\b(?:same|valid|exact|floor|ceil|nearest|bilinear)\b(?!\()"},
                    {"name": "support.function.builtin.arch", "match": r"\b(?:min|max|ceil|floor|round|round8|divisible|sqrt)(?=\()"},
                    {"name": "variable.language.arch", "match": r"\bcin\b"},
                ]
            },
            "size": {"name": "constant.numeric.size.arch", "match": r"\b\d+(?:x\d+)+\b"},
            "number": {"name": "constant.numeric.arch", "match": r"(?:\b\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\b"},
            "operator": {"name": "keyword.operator.arch", "match": r"[|:]|->|//|[-+*/%?]|[<>=!]=|[<>]"},
        },
    }
    return json.dumps(grammar, indent=2) + "\n"
