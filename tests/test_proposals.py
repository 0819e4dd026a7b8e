"""What a message proposes works: each proposal is written into the spec, and the mistake is gone."""

import re

import pytest

pytest.importorskip("torch", reason="random specs are drawn together with the modules that they are")

from archspec.diagnostics import catalogue
from tests.fuzzing.draw import Random
from tests.fuzzing.mistakes import draw
from tests.helpers.messages import errors
from tests.helpers.specs import few_quick

SIZE = r"\d+(?:x\d+)*"


def step_at(text, span):
    """Start and end of the step that a place is in."""
    start = max(text.rfind(mark, 0, span.start) + len(mark) for mark in ("\n", "|", ": "))
    ends = [at for at in (text.find(mark, max(span.end, start)) for mark in ("\n", " |", " #", " if ")) if at >= 0]
    return start, min([*ends, len(text)])


def with_argument(step, name, value):
    """A step with an argument set: in place of one that is there, of a bare window, or at the end."""
    changed, count = re.subn(rf"\b{name}=\S+", f"{name}={value}", step)
    if not count and (name in ("w", "groups") or step.split()[0] == "shuffle"):
        changed, count = re.subn(rf"^(\s*\w+ ){SIZE}", rf"\g<1>{value}", step)
    return changed if count else f"{step.rstrip()} {name}={value}"


def with_input(text, sizes, axis):
    """A text whose only input has other sizes."""
    (own,) = re.findall(rf"^(?:\w+: )?input ({SIZE})", text, re.MULTILINE)
    *spatial, channels = own.split("x")
    new = sizes.split("x") if "x" in sizes else [sizes] * len(spatial)
    if axis:
        at = {"depth": -3, "height": -2, "width": -1}[axis]
        new = list(spatial)
        new[at] = sizes
    return text.replace(f"input {own}", f"input {'x'.join([*new, channels])}")


def mended(text, error):
    """(what is proposed, the text with it) for each proposal of a message's help."""
    help_ = error.help or ""
    start, end = step_at(text, error.span)

    def step(name, value):
        return text[:start] + with_argument(text[start:end], name, value) + text[end:]

    if "`default round=floor`" in help_:
        yield "default", f"default round=floor\n{text}"
    if error.code in ("A301", "A302", "A303"):
        yield from equalized(text, error)
    for name, value in re.findall(rf"\b(groups|heads|[kwpgd])=({SIZE}|same)", help_ if error.code[:2] == "A2" else ""):
        yield f"{name}={value}", step(name, value)
    for name, value in re.findall(r"\b(round)=(floor|ceil)", help_.replace("default round=floor", "") if error.code[:2] == "A2" else ""):
        yield f"{name}={value}", step(name, value)
    for sizes, axis in re.findall(rf"an input of ({SIZE}(?: or {SIZE})?)(?: in (\w+))?\b(?! for this layer| or|x|\d)", help_):
        for size in sizes.split(" or "):
            yield f"input {size}", with_input(text, size, axis)


def equalized(text, error):
    """What is proposed where paths meet with different shapes, all of it together."""
    lines, help_ = text.split("\n"), (error.help or "").partition("; or use an input")[0]
    at = error.span.line - 1
    for line, steps in re.findall(r"end the branch at line (\d+) with `([^`]*)`", help_):
        lines[int(line) - 1] += f" {steps}"
    for steps in re.findall(r"add `(shortcut: [^`]*)` as the last line of the residual", help_):
        begun = re.match(r"(.*residual[^:]*:) (\S.*)", lines[at])
        if begun:
            lines[at : at + 1] = [begun[1], indent(lines, at) + begun[2]]
        lines.insert(end_of_suite(lines, at), f"{indent(lines, at)}{steps}")
    for steps in re.findall(r"end its shortcut with `([^`]*)`", help_):
        lines[end_of_suite(lines, at) - 1] += f" {steps}"
    for steps in re.findall(r"end the last of its own lines with `([^`]*)`", help_):
        last = end_of_suite(lines, at) - 1
        lines[last - lines[last].strip().startswith("shortcut")] += f" {steps}"
    for step in re.findall(r"write `([^:`]*)`", help_):
        lines[at] = lines[at].replace(error.span.text, step)
    for kind, rest in re.findall(r"write `(\w+:)` with the lines (.*) below it", help_):
        before, _, after = lines[at].partition(error.span.text)
        assert not after
        rows = [f"  {row}" for row in re.findall(r"`([^`]*)`", rest)]
        lines[at : at + 1] = [before.rstrip(" |") or f"{kind}", *([kind] if before else []), *rows]
    for value, step in re.findall(r"(p=\S+) in `([^`]*)`", help_):
        where = next(i for i, line in enumerate(lines) if step in line)
        lines[where] = lines[where].replace(step, with_argument(step, *value.split("=")))
    if lines != text.split("\n"):
        yield help_, "\n".join(lines)


def indent(lines, at):
    return re.match(r" *", lines[at])[0] + "  "


def end_of_suite(lines, at):
    """The first line behind those that are indented below a head."""
    inside = indent(lines, at)
    return next((i for i in range(at + 1, len(lines)) if not lines[i].startswith(inside)), len(lines))


def remaining(text, error):
    """The findings of a text that are the same mistake again. Lines are added only, so that one above it is of another residual around it."""
    line = error.span.line
    return [d for d in errors(text) if (d.code, d.message) == (error.code, error.message) and 0 <= d.span.line - line <= 1]


CODES = ["A202", "A203", "A204", "A205", "A206"]
PAGES = [(code, e.text) for code in CODES for e in catalogue.page(code).examples if e.kind == "wrong"]
WINDOWS = [
    "input 7x7x1\nconv k=3 f=1 s=3\n",
    "input 7x9x1\nconv k=3 f=1 s=3\n",
    "input 7x9x1\npool w=2\n",
    "input 55x55x3\navgpool 2\n",
    "default round=exact\ninput 7x7x1\nconv k=3 f=1 s=3\n",
    "input 7x7x1\nconv k=3 f=1 s=3 round=exact\n",
    "input 12x12x1\nconv k=3 f=1 s=3 d=2\n",
    "input 5x8x1\nconv k=7 f=1\n",
    "input 5x8x1\nconv k=7x3 f=1 p=0x1\n",
    "input 5x8x1\nconv k=7 f=1 s=2\n",
    "input 5x5x1\nconv k=4 f=1 d=3\n",
    "input 4x7x1\npool 5\n",
    "input 4x7x1\npool w=5 s=2\n",
    "input 2x2x1\npool w=5 s=1 p=1\n",
    "input 9x9x1\npool w=2 p=3\n",
    "input 9x8x1\npool w=3x2 p=2 s=2\n",
    "input 100x4\nconv k=3x3 f=8\n",
    "input 8x8x8x3\nconv k=5x3 f=8\n",
    "input 8x8x6\nconv k=1 f=4 g=3\n",
    "input 8x8x6\nconv k=1 f=9 g=2\n",
    "input 8x8x6\ngn 4\n",
    "input 8x8x6\nshuffle 4\n",
    "input 8x8x6\ntokens | attn heads=4\n",
    "input 1x1x3\ndeconv k=2 f=1 p=2\n",
    "input 2x1x3\ndeconv k=3 f=1 s=2 p=2\n",
]


@pytest.mark.parametrize(("code", "text"), [*PAGES, *((None, text) for text in WINDOWS)])
def test_what_is_proposed_for_a_window_works(code, text):
    (error,) = errors(text)
    assert code in (None, error.code)
    proposals = list(mended(text, error))
    assert proposals, error.help
    for proposal, new in proposals:
        assert errors(new) == [], (proposal, new)


MERGES = [
    "input 86x86x8\ne1: conv k=1 f=8\ncrop 85\nadd e1\n",
    "input 86x86x8\ne1: conv k=1 f=8\ncrop 85 | concat e1\n",
    "input 86x86x8\ne1: crop 85\nfrom input | concat e1\n",
    "input 86x85x8\ne1: crop 85x84\nfrom input\ncrop 84x85\nadd e1\n",
    "input 342x342x3\ne2: pool 2 round=floor\npool 2 round=floor\nupsample 2 | concat e2\n",
    "input 8x8x3\nadd:\n  conv k=1 f=8\n  conv k=3 f=4 s=2 round=floor\n",
    "input 8x8x3\nadd:\n  conv k=1 f=8\n  conv k=1 f=4\n",
    "input 8x8x3\nconcat:\n  conv k=1 f=8\n  conv k=3 f=4\n",
    "input 8x8x3\nconcat:\n  conv k=1 f=8\n  conv k=4 f=4\n",
    "input 8x8x3\nconcat:\n  conv k=1 f=8\n  conv k=1 f=4 s=2 round=floor\n",
    "input 8x8x3\nconcat:\n  conv k=3 f=4\n  fc 10\n",
    "input 8x8x3\nconcat:\n  fc 10\n  tokens\n  skip\n",
    "input 8x8x3\nmul:\n  conv k=1 f=8\n  gap | fc 4\n",
    "input 8x8x3\nmul:\n  conv k=1 f=8\n  gap\n",
    "input 8x8x3\nmul:\n  conv k=1 f=8\n  conv k=3 f=8\n  conv k=1 f=4\n",
    "input 16\nadd:\n  fc 8\n  fc 4\n",
    "input 16\nembed 10 4\nresidual:\n  linear 8\n",
    "input 8x8x8\nresidual:\n  conv k=3 f=4\n  shortcut: conv k=1 f=4 s=3 round=floor\n",
    "input 8x8x8\nresidual:\n  conv k=3 f=4 p=1\n  shortcut: conv k=3 f=8\n",
    "input 11x11x3\nresidual:\n  conv k=2 f=3\n  conv k=4 f=3 s=3 round=floor\n",
    "input 8x8x3\nresidual:\n  conv k=3 f=8\n  relu\n",
    "input 8x8x3\nresidual:\n  conv k=3 f=8 p=1 s=2 round=floor\n",
    "input 8x6x3\nresidual:\n  conv k=3x1 f=8 p=1x0 s=2x1 round=floor\n  relu\n",
]


@pytest.mark.parametrize(
    "text", [*MERGES, *(e.text for c in ("A301", "A302", "A303") for e in catalogue.page(c).examples if e.kind == "wrong")]
)
def test_what_is_proposed_where_paths_meet_works(text):
    (error,) = errors(text)
    proposals = list(mended(text, error))
    assert proposals
    for proposal, new in proposals:
        assert new != text
        assert errors(new) == [], (proposal, new)


DEEP = """input {size}x{size}x3
repeat 4:
  conv k=3 f=4 p=1 | relu
  pool w=2
fc 10
"""


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        (DEEP.format(size=100), ["96", "112"]),
        (DEEP.format(size=8), ["16"]),
        ("input 28x28x1\nconv k=5 f=6\navgpool 2\nconv k=5 f=16\navgpool 2\nconv k=5 f=120\n", ["32"]),
        ("block cb(f): conv k=3 f=f s=2 p=1 | relu\ninput 63x63x3\nrepeat 4: cb 8\n", ["49", "65"]),
        ("input 2160x3840x3\nrepeat 5: pool w=2\n", ["2144", "2176"]),
        ("input 3840x2160x3\nrepeat 5: pool w=2\n", ["2144", "2176"]),
        ("input 300x500x3\nrepeat 5: pool w=2\n", ["288x480", "320x512"]),
        ("input 1000x4\nrepeat 4: pool w=2\n", ["992", "1008"]),
        ("input 30x30x30x1\nrepeat 3: pool w=2\n", ["24", "32"]),
    ],
)
def test_a_size_that_does_not_fit_deep_in_a_network_is_told_as_an_input_of_it(text, proposed):
    (error,) = errors(text)
    assert [p.removeprefix("input ") for p, _ in mended(text, error) if p.startswith("input")] == proposed
    assert "for the network" in error.help
    for proposal, new in mended(text, error):
        if proposal.startswith("input"):
            assert errors(new) == []


@pytest.mark.slow
def test_the_inputs_that_fit_are_the_nearest():
    text = "input {0}x{0}x3\nconv k=5 f=4 s=2\npool w=2\nconv k=3 f=4 s=2\npool w=2\nfc 3\n"
    good = [size for size in range(1, 200) if not errors(text.format(size))]
    for size in range(40, 120):
        if size not in good:
            (error,) = errors(text.format(size))
            nearest = [max(g for g in good if g < size), min(g for g in good if g > size)]
            assert f"an input of {nearest[0]} or {nearest[1]}" in error.help


def test_an_input_that_is_set_is_told_as_such():
    from archspec.finding import bundled

    text = bundled("vgg16").read_text(encoding="utf-8")
    (error,) = errors(text, inputs={"": (2160, 3840, 3)})
    assert "an input of 2144 or 2176 in height for the network" in error.help
    for height in (2144, 2176):
        assert errors(text, inputs={"": (height, 3840, 3)}) == []


def test_another_mistake_does_not_hide_the_inputs_that_fit():
    found = errors("input 30x30x3\npool w=2\npool w=2\nnosuch 3\n")
    assert [d.code for d in found] == ["A203", "A101"]
    assert "an input of 28 or 32 for the network" in found[0].help


def test_without_an_input_that_fits_the_layers_own_is_told():
    (error,) = errors("input 8x8x1\npool w=3 s=2 p=1 round=ceil\nupsample 2\nconv k=3 f=1 s=4\n")
    assert "for this layer" in error.help


@pytest.mark.parametrize("seed", few_quick(range(400), range(80)))
def test_what_is_proposed_for_a_planted_mistake_works(seed):
    mistaken = draw(Random(seed))
    if mistaken.planted.code not in [*CODES, "A301", "A302", "A303"]:
        return
    (error,) = errors(mistaken.text)
    for proposal, new in mended(mistaken.text, error):
        assert remaining(new, error) == [], (proposal, new)


def test_the_first_help_for_a_remainder_is_the_rule_of_the_frameworks():
    """Keras's first convolutional network: 28, 26, 13, 11, which 2 does not divide."""
    text = "input 28x28x1\nconv k=3 f=32 | relu\npool 2\nconv k=3 f=64 | relu\npool 2\nfc 10 | softmax\n"
    (found,) = errors(text)
    assert (found.code, (found.help or "").partition(";")[0]) == ("A203", "PyTorch and Keras round down here: `default round=floor`")
    assert errors(f"default round=floor\n{text}") == []
