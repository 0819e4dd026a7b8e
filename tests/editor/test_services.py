"""Language services: what is answered at a place, and that no text and no place makes one fail."""

import pytest

from archspec.editor import appearance, completions, findings, hints, hovers, mending, named, renaming
from archspec.editor.open_text import Document
from archspec.editor.positions import Position, offset, position
from archspec.finding import bundled_names, specs_folder
from archspec.source import Source
from archspec.syntax.lalr import Automaton
from tests.fuzzing import half_written
from tests.helpers.editing import OUTSIDE, ask_everything, last_place
from tests.helpers.paths import CASES
from tests.helpers.specs import few_quick

TEXT = """\
param width = 8
block unit(n, s=1):
  conv k=3 f=n s=s p=1 round=floor bias=no | bn
  relu
input 32x32x3
stem: conv k=3 f=width p=1 bias=no
layer1: repeat 3 as i: unit width s=2,1
stages:
  x{0}: conv k=1 f=4
concat:
  from stem | pool w=2 | conv k=1 f=8
  conv k=1 f=8
fc 10
"""


def document(text=TEXT, folder=None):
    return Document("net.arch", text, folder)


def at(text, mark, more=0):
    """The place of a mark in a text, some characters further."""
    before = text[: text.index(mark) + more]
    return Position(before.count("\n"), len(before.rpartition("\n")[2]))


def inserted(line, before=TEXT):
    """What may be written behind a line."""
    text = before + line
    return [each.insert for each in completions.completions(document(text), last_place(text))]


# places


def test_columns_are_of_utf16():
    source = Source("a", "a😀b\nñx")
    assert [position(source, at) for at in range(6)] == [(0, 0), (0, 1), (0, 3), (0, 4), (1, 0), (1, 1)]
    assert [offset(source, Position(0, column)) for column in range(6)] == [0, 1, 1, 2, 3, 3]
    assert [offset(source, place) for place in (Position(-1, 3), Position(9, 9), Position(1, 99))] == [0, 6, 6]


# messages


def test_findings_have_places_and_fixes():
    text = "input 8x8x3\nresidual:\n  conv k=3 f=8 p=1\ndense 10\n"
    found = findings.findings(document(text))
    assert [(each.code, each.severity, each.range.start) for each in found] == [("A301", "error", (1, 0)), ("A101", "error", (3, 0))]
    assert found[0].related[0][0].range.start == (2, 2)
    (action,) = findings.actions(document(text), Position(3, 2), Position(3, 2))
    assert (action.title, action.edits) == ("write `fc 10`", (((Position(3, 0), Position(3, 8)), "fc 10"),))


def test_a_file_of_blocks_is_right():
    assert findings.findings(document("block unit(n):\n  conv k=3 f=n\n")) == []
    assert [each.code for each in findings.findings(document("param n = 3\n"))] == ["A117"]


def test_a_flood_ends_in_a_count():
    found = findings.findings(document("input 8x8x3\n" + "dens 3\n" * 700))
    assert len(found) == findings.MOST
    assert found[-1].text == "and 601 more"


def test_all_fixes_at_once():
    assert findings.all_fixed(document("input 8x8x3\ndense 10\nconv k=3, f=4\n"))[0][1].startswith("fc 10")
    assert findings.all_fixed(document()) == []


# names


def test_definitions_and_references():
    found = document()
    for name, use, kind in (("width", "f=width", "param"), ("unit", "unit width", "block"), ("stem", "from stem", "label")):
        place = at(TEXT, use, len(use) - 1) if kind != "block" else at(TEXT, use)
        declared = named.definition(found, place)
        assert declared.path is None
        start = declared.range.start
        assert TEXT.splitlines()[start.line][start.character :].startswith(name)
    assert len(named.references(found, at(TEXT, "width"))) == 3
    assert len(named.references(found, at(TEXT, "n, s=1"))) == 2
    assert len(named.references(found, at(TEXT, "s=1):"))) == 3


def test_a_block_of_another_file():
    text = (specs_folder() / "resnet50.arch").read_text(encoding="utf-8")
    declared = named.definition(document(text, specs_folder()), at(text, "bottleneck 64"))
    assert declared.path == (specs_folder() / "blocks" / "resnet.arch").resolve()


def test_open_texts_count_as_files(tmp_path):
    path = (tmp_path / "b.arch").resolve()
    text = 'use "b.arch"\ninput 8x8x3\nunit\n'
    found = Document("net.arch", text, tmp_path, {path: "block unit(): conv k=3 f=4\n"})
    assert findings.findings(found) == []
    assert named.definition(found, Position(2, 1)) == (path, ((0, 6), (0, 10)))


@pytest.mark.parametrize(
    ("mark", "name"), [("width", "channels"), ("unit(", "part"), ("stem", "first"), ("n, s", "filters"), ("i: unit", "k")]
)
def test_rename(mark, name):
    edits = renaming.rename(document(), at(TEXT, mark), name)[None]
    lines = TEXT.splitlines()
    for (start, end), new in reversed(edits):
        line = lines[start.line]
        lines[start.line] = line[: start.character] + new + line[end.character :]
    renamed = document("\n".join(lines))
    assert renamed.compiled.diagnostics == () or [d.code for d in renamed.compiled.diagnostics] == [
        d.code for d in document().compiled.diagnostics
    ]
    assert named.definition(renamed, edits[0][0].start).range.start == edits[0][0].start
    assert str(renamed.compiled.network.graph.type_of(renamed.compiled.network.graph.result)) == "10"


@pytest.mark.parametrize(
    ("mark", "name"), [("width", "1x"), ("width", "input"), ("stem", "layer1"), ("unit(", "conv"), ("x{0}", "y"), ("relu", "y")]
)
def test_rename_is_refused(mark, name):
    with pytest.raises(renaming.Refusal):
        renaming.rename(document(), at(TEXT, mark), name)


BLOCKS = "param width = 4\nblock unit(n): conv k=1 f=n\nblock twice(): unit 3 | unit width\n"
USER = 'use "parts.arch"\ninput 8x8x3\nunit n=width\n'


def changed(text, edits):
    lines = text.split("\n")
    for (start, end), new in reversed(edits):
        assert start.line == end.line
        lines[start.line] = lines[start.line][: start.character] + new + lines[start.line][end.character :]
    return "\n".join(lines)


@pytest.mark.parametrize(("mark", "name"), [("unit", "part"), ("n=", "filters"), ("width", "wide")])
@pytest.mark.parametrize("opened", [False, True])
def test_rename_across_files(tmp_path, mark, name, opened):
    """From the call as from the declaration; files that are open count as they are there, and no other file of the name is touched."""
    folder = tmp_path.resolve()
    (folder / "parts.arch").write_text(BLOCKS)
    (folder / "beside.arch").write_text(USER if not opened else "")
    (folder / "apart.arch").write_text("block unit(n): conv k=3 f=n\ninput 8x8x3\nunit n=3\n")
    texts = {folder / "beside.arch": USER} if opened else {}
    user = Document(str(folder / "net.arch"), USER, folder, texts)
    found = renaming.rename(user, at(USER, mark), name)
    assert set(found) == {None, folder / "parts.arch", folder / "beside.arch"}
    blocks = changed(BLOCKS, found[folder / "parts.arch"])
    after = Document(user.name, changed(USER, found[None]), folder, {folder / "parts.arch": blocks})
    assert (
        changed(USER, found[None])
        == changed(USER, found[folder / "beside.arch"])
        == USER.replace(mark, mark.replace(mark.strip("="), name))
    )
    assert findings.findings(after) == []
    (folder / "net.arch").write_text(USER)
    mark = {"n=": "n)"}.get(mark, mark)
    home = Document(str(folder / "parts.arch"), BLOCKS, folder, texts)
    assert set(renaming.rename(home, at(BLOCKS, mark), name)) == {None, folder / "net.arch", folder / "beside.arch"}


def test_rename_is_refused_where_another_file_has_the_name(tmp_path):
    folder = tmp_path.resolve()
    (folder / "net.arch").write_text(USER + "block part(): relu\n")
    with pytest.raises(renaming.Refusal, match=r"net\.arch"):
        renaming.rename(Document(str(folder / "parts.arch"), BLOCKS, folder), at(BLOCKS, "unit"), "part")


def test_outline():
    found = named.outline(document())
    assert [(each.name, each.kind) for each in found] == [
        ("width", "param"), ("unit", "block"), ("input", "input"), ("stem", "label"), ("layer1", "label"), ("stages", "label"),
    ]  # fmt: skip
    assert [each.name for each in found[-1].below] == ["x{0}"]


# numbers


def test_hints_show_shapes_and_parameters():
    shown = {hint.place.line: hint.text for hint in hints.hints(document())}
    assert shown[5] == "32x32x8  216 params"
    assert shown[6] == "4x4x8  1.8k params" or shown[6].endswith("params")
    assert shown[12].startswith("10  ")


@pytest.mark.parametrize("name", few_quick(["lenet5", "resnet50", "unet", "googlenet", "gpt2"]))
def test_hints_add_up_to_the_total(name, networks):
    """At the top level every layer is on a line, and the lines' parameters are those of the network."""
    text = (specs_folder() / f"{name}.arch").read_text(encoding="utf-8")
    found = document(text, specs_folder())
    blocks = [
        range(fold.first + 2, fold.last + 2) for fold in appearance.folds(found) if found.source.line(fold.first + 1).startswith("block")
    ]
    groups = hints.parameters(found)
    inside = {line for block in blocks for line in block}
    nested = {line for line in groups if found.source.line(line).startswith(" ")}
    total = sum(count for line, count in groups.items() if line not in inside | nested)
    import archspec

    assert total <= archspec.analyze(networks(name)).totals.params
    if not nested:
        assert total == archspec.analyze(networks(name)).totals.params


def test_lenses():
    assert [(lens.place.line, lens.text) for lens in hints.lenses(document())][1] == (1, "3 calls")


def test_hover_has_the_arithmetic():
    text = hovers.hover(document(), at(TEXT, "conv k=3 f=width")).text
    assert "**216**" in text and "32x32x8" in text
    assert "**8,192** `32*32*8`" in text  # as code, since Markdown would take the stars away
    assert (
        "padding" in hovers.hover(document(), at(TEXT, "round=floor")).text
        or "floor" in hovers.hover(document(), at(TEXT, "round=floor")).text
    )
    assert "block unit(n, s=1)" in hovers.hover(document(), at(TEXT, "unit width")).text
    assert hovers.hover(document(), at(TEXT, "fc 10")).text.startswith("**fc**")
    assert "several times" in hovers.hover(document(), at(TEXT, "repeat")).text
    assert hovers.hover(document(), Position(1, 19)) is None


# what may be written


@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("", {"conv", "unit", "residual", "input"}, {"k="}),
        ("  ", {"conv", "unit", "residual", "from"}, {"input", "param"}),
        ("conv ", {"k=", "f=", "bias="}, {"conv"}),
        ("conv k=3 f=8 ", {"s=", "p=", "if"}, {"k=", "f="}),
        ("conv k=3 p=", {"same", "valid", "width"}, {"k=", "conv"}),
        ("pool w=2 round=", {"floor", "ceil", "exact"}, {"width"}),
        ("conv k=3 f=8 bias=", {"yes", "no"}, {"same"}),
        ("concat ", {"stem", "layer1"}, {"width"}),
        ("from ", {"stem", "layer1"}, {"conv"}),
        ("unit ", {"n=", "s=", "width"}, {"k="}),
        ("unit 8 ", {"s="}, {"n="}),
        ("default ", {"conv", "bn"}, {"k="}),
        ("default conv ", {"bias=", "round="}, {"conv"}),
        ("a: repeat 2: ", {"conv", "unit"}, {"input"}),
        ("conv k=3 f=8 if ", {"width"}, {"s=", "conv"}),
        ("# con", set(), {"conv"}),
    ],
)
def test_completions(line, some, none):
    found = set(inserted(line))
    assert some <= found
    assert not none & found


def test_files_are_completed(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.arch").write_text("", encoding="utf-8")
    found = completions.completions(document('use "', tmp_path), Position(0, 5))
    assert [each.insert for each in found] == ["parts/a.arch"]


@pytest.mark.parametrize(
    ("line", "active"), [("conv ", "k="), ("conv k=3 f=", "f="), ("conv k=3 ", "f="), ("fc ", "N"), ("unit 8 ", "s=1"), ("unit s=", "s=1")]
)
def test_signatures(line, active):
    text = TEXT + line
    found = hovers.help_at(document(text), last_place(text))
    assert found.parameters[found.active].label == active


# how a text is shown


def test_a_keystroke_reads_the_words_of_a_text_once(monkeypatch):
    """To compile it, and for all that is shown: colours, folds, words under the pointer."""
    reads, lex = [], Automaton.lex
    monkeypatch.setattr(Automaton, "lex", lambda self, text: reads.append(text) or lex(self, text))
    text = TEXT + "# typed\n"
    found = document(text)
    findings.findings(found), hints.hints(found, 0, 20), hints.lenses(found)
    appearance.words(found), appearance.folds(found), hovers.hover(found, Position(1, 1))
    assert reads.count(text) == 1


def test_hints_of_some_lines_are_those_of_the_whole():
    found = document(TEXT)
    whole = hints.hints(found)
    for first in range(-1, 14):
        for last in range(first, 14):
            assert hints.hints(found, max(first, 0), last) == [each for each in whole if max(first, 0) <= each.place.line <= last]


def test_words_have_kinds():
    found = {TEXT.splitlines()[w.place.line][w.place.character :][: w.length]: w.kind for w in appearance.words(document())}
    assert [found[word] for word in ("param", "conv", "unit", "32x32x3", "stem", "bias", "|")] == [
        "keyword", "function", "class", "number", "variable", "parameter", "operator",
    ]  # fmt: skip


def test_folds_and_links():
    assert appearance.folds(document()) == [(1, 3, "region"), (7, 8, "region"), (9, 11, "region")]
    text = 'use "blocks/resnet.arch"\nuse "../secret"\nuse "missing.arch"\n'
    (link,) = appearance.links(document(text, specs_folder()))
    assert link.path.name == "resnet.arch"


def test_format():
    text = "input   8x8x3\nconv   k=3 f=4\nfc 3\n"
    assert appearance.formatted(document(text)) == [(((0, 0), (2, 0)), "input 8x8x3\nconv k=3 f=4\n")]
    assert appearance.formatted(document("conv (\n")) is None


@pytest.mark.parametrize("most", [findings.MOST_COMPARED, 1])
def test_edits_make_the_other_text(monkeypatch, most):
    """One for each run of lines that differ, or one for all where there are too many to compare."""
    monkeypatch.setattr(findings, "MOST_COMPARED", most)
    before = "a\nb\nb\nc\nd\ne\n"
    for after in (before, "", "a\nb\nb\nC\nd\ne\n", "x\na\nb\nc\nd\nE\n", "a\nb\nb\nb\nd\ne", "e\na\n" * 3):
        text, edits = before, list(findings.replaced(document(before), after))
        starts = [0, 2, 4, 6, 8, 10, 12]
        for ((first, _), (last, _)), new in reversed(edits):
            text = text[: starts[first]] + new + text[starts[last] :]
        assert text == after
        assert len(edits) <= 1 or most > 1


def test_a_long_text_is_compiled_a_few_times_only(monkeypatch):
    """Where its fixes make it no better, too."""
    tried = []
    found = document("input 8x8x3\n" + "conv k=3, f=4\n" * 10).compiled
    monkeypatch.setattr(mending, "_CHARACTERS", 3 * len(found.source.text))
    mending.mended(found, lambda text: tried.append(text) or found)
    assert 1 <= len(tried) <= 3


# texts of every kind


@pytest.mark.parametrize("name", few_quick(bundled_names(), ("lenet5", "resnet50")))
def test_every_beginning_is_answered(name):
    assert half_written.run(half_written.beginnings(specs_folder() / f"{name}.arch", 1 if name == "lenet5" else 69), bound=20) == 0


@pytest.mark.parametrize("start", few_quick(range(0, 1000, 50), (0,)))
def test_edited_specs_are_answered(start):
    """Pieces of specs are left out, put in and moved; `python -m tests.fuzzing.half_written` tries more."""
    assert half_written.run(map(half_written.edited, range(start, start + 50)), bound=20) == 0


@pytest.mark.parametrize("path", sorted([*CASES.glob("*.arch"), *(CASES / "hostile").glob("*.arch")]), ids=lambda path: path.stem)
def test_cases_and_hostile_texts_are_answered(path):
    text = path.read_bytes().decode("utf-8", "replace")
    places = [position(Source("", text), len(text) * at // 3) for at in range(4)]
    ask_everything(text, CASES, [*places, *OUTSIDE])
