"""The English of what users and contributors read: words that need a second reading, and better ones (CONTRIBUTING.md, "Style")."""

import re

import pytest

from tests.helpers.paths import ROOT

_THINGS = "layer|line|row|test|branch|parameter|factor|slope|value|number|weight|bias|node|column|channels|addition|division|one"
_RATES = "MAC|line|round|channel|image|filter|layer|row|map|class|axis|position|epoch|connection|output|group"
BETTER = {
    rf"\b(?:\d|{_THINGS}) an? (?:{_RATES})\b(?! high| of| that)": "`per`: 2 per MAC, one slope per channel",
    r"\bbut for\b": "`except`",
    r"\b(?:is|are|was|were) told\b": "`is called`, `is reported`, `is shown`",
    r"\basks? nobody\b": "what it does: `works offline`",
    r"\bstands? for nothing\b": "`has no effect`",
    r"\bvalue at hand\b": "`the current value`",
    r"\bside heads?\b": "`auxiliary head`",
    r"\bbare arguments?\b": "`positional argument`",
    r"\bas it is written here\b": "`the line to write`",
    r"\bnear relatives?\b": "`similar networks`",
}
PLACES = ("*.md", "docs/**/*.md", "docs/**/*.py", "specs/**/*.arch", "archspec/**/*.py", "archspec/**/*.md")
FILES = [path for place in PLACES for path in sorted(ROOT.glob(place)) if path.name != "CONTRIBUTING.md"]  # which shows what not to write


@pytest.mark.parametrize("words", BETTER, ids=BETTER.values())
def test_there_is_a_better_word(words):
    pattern = re.compile(words.replace(" ", r"(?: |\n *)"), re.IGNORECASE)
    assert len(FILES) > 300
    found = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]!r}" for m in pattern.finditer(text)]
    assert not found, f"write {BETTER[words]}"
