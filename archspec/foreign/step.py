"""A step of ours while it is written."""

from __future__ import annotations

from collections.abc import Container, Sequence

from archspec.foreign import values
from archspec.foreign.values import Cannot
from archspec.ops import STEPS, op_class


class Step:
    """A step being written: its name and its arguments by our names. `whole`: with those that hold anyway."""

    def __init__(self, name: str, whole: bool = False) -> None:
        word, *fixed = name.split()
        self.name = word
        self.whole = whole
        self.given: dict[str, str] = {}
        bare = iter(bare_arguments(word))
        for part in fixed:
            argument, equals, value = part.partition("=")
            self.given[argument if equals else next(bare)] = value if equals else part

    def text(self, partial: bool = False, held: Container[str] = ()) -> str:
        """The step as written: defaults left out, positional arguments first. Raises Cannot where one is missing that no default `held` gives."""
        if self.name == "skip":
            return "skip"
        cls = op_class(self.name)
        fields = cls.fields
        bare = () if cls.shown_as_keyword or partial else cls.positional
        needed = [] if partial else [name for name, info in fields.items() if info.required]
        missing = [name for name in needed if name not in self.given and name not in held]
        parts = [self.name]
        for name in sorted(fields, key=lambda name: (name not in bare, not fields[name].required)):
            value = _SAMPLES.get(name, "8") if name in missing else self.given.get(name)
            if value is None or (name not in cls.positional and not self.whole and name not in held and _same(value, fields[name].default)):
                continue
            listed = "," in value and not value.startswith("(")  # one value per round
            parts.append(f"{name}={value}" if name not in bare else f"({value})" if listed else value)
        text = " ".join(parts)
        if missing:
            raise Missing(self.name, text, missing)
        return "gap" if text == "adaptpool 1" else text


class Missing(Cannot):
    """Arguments are not given, without which there is no such layer."""

    def __init__(self, step: str, sample: str, missing: Sequence[str]) -> None:
        self.step = step
        self.rest = f"needs {' and '.join(f'`{name}`' for name in missing)}, as in `{sample}`"
        super().__init__(f"`{step}` {self.rest}")


_SAMPLES = {"k": "3", "f": "8", "w": "2", "n": "10", "size": "7", "heads": "8", "groups": "8", "v": "1000", "d": "64", "p": "1", "g": "2"}


def bare_arguments(step: str) -> tuple[str, ...]:
    return op_class(step).positional if step in STEPS else ()


def _same(value: str, default: object) -> bool:
    if isinstance(default, bool):
        return value == ("yes" if default else "no")
    if isinstance(default, (int, float)):
        return values.number(value) == default
    return value == default
