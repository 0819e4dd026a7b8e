"""Mistakes and what is said about them.

Each file in cases/ is a spec with its messages as comments: `# error A203: words of the message` stands at the line of the mistake.
Several are set apart by ` ;; `; `note:` (a formula, or the way by which the expansion came there), `help:` and `2nd:` (what is said
at another place) give words that go with the message before them. Errors and warnings are exactly those written.
"""

import re

import pytest

import archspec
from archspec.api import Options, compile_text
from tests.helpers.paths import CASES

FILES = sorted(CASES.glob("*.arch"))
EXPECTATION = re.compile(r"(error|warning) (A\d{3}):(.*)")


def expectations(text):
    """(line, severity, code, words of the message, {kind: words}) of each message that a case writes down."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        _, mark, comment = line.partition("  # ")
        for part in comment.split(" ;; ") if mark else ():
            begin = EXPECTATION.match(part.strip())
            if begin:
                found.append((number, begin[1], begin[2], begin[3].strip(), []))
            elif part.strip():
                kind, _, words = part.strip().partition(": ")
                assert kind in ("note", "help", "2nd"), f"line {number}: {part!r}"
                found[-1][-1].append((kind, words))
    return found


def said(diagnostic, kind):
    """All that a diagnostic says in one of its parts."""
    match kind:
        case "help":
            return [diagnostic.help or ""]
        case "note":
            return [*diagnostic.notes, *(frame.text for frame in diagnostic.trace)]
        case _:
            return [text for _, text in diagnostic.secondary]


DEFAULT = Options()


def told(text, options=DEFAULT):
    network, found = compile_text(text, "case.arch", options)
    assert (network is None) == any(d.severity == "error" for d in found)
    return [d for d in found if d.severity != "note"]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_messages(path):
    text = path.read_text(encoding="utf-8")
    wanted = expectations(text)
    found = told(text)
    places = [(d.span.line, d.severity, d.code) for d in found]
    assert places == sorted((line, severity, code) for line, severity, code, _, _ in wanted), [(d.code, d.message) for d in found]
    for _, severity, code, words, _ in wanted:
        matching = [d for d in found if (d.severity, d.code) == (severity, code) and words in d.message]
        assert matching, (words, [d.message for d in found if d.code == code])
    for line, severity, code, words, more in wanted:
        (diagnostic,) = [d for d in found if (d.span.line, d.severity, d.code) == (line, severity, code) and words in d.message]
        for kind, part in more:
            assert any(part in text for text in said(diagnostic, kind)), (kind, part, said(diagnostic, kind))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_messages_stand_alone(path):
    """A message is one sentence with no full stop, its span lies in the text, its help is not empty."""
    text = path.read_text(encoding="utf-8")
    for diagnostic in compile_text(text, "case.arch", Options())[1]:
        assert diagnostic.message and "\n" not in diagnostic.message
        assert not diagnostic.message.endswith(".")
        assert diagnostic.help != ""
        spans = [diagnostic.span, *(span for span, _ in diagnostic.secondary), *(frame.span for frame in diagnostic.trace)]
        for span in spans:
            assert 0 <= span.start <= span.end <= len(text)
    assert len({(d.severity, d.code, d.span.start, d.message) for d in told(text)}) == len(told(text))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_messages_do_not_depend_on_line_ends(path):
    text = path.read_text(encoding="utf-8")
    plain = [(d.code, d.message, d.span.line) for d in told(text)]
    windows = [(d.code, d.message, d.span.line) for d in told(text.replace("\n", "\r\n"))]
    unended = [(d.code, d.message, d.span.line) for d in told(text.rstrip("\n"))]
    assert plain == windows == unended


def test_messages_point_at_the_words_to_blame():
    def marked(text):
        (found,) = told(text)
        return found.span.text

    assert marked("input 8x8x3\nconv k=9 f=8\n") == "k=9"
    assert marked("input 8x8x3\nconv k=3 f=8 g=2\n") == "g=2"
    assert marked("input 8x8x3\ndense 10 | relu\n") == "dense"
    assert marked("input 8x8x3\nfc 10 | softmx\n") == "softmx"
    assert marked("input 8x8x3\nconv k=3 filters=8 s=2\n") == "filters=8"
    assert marked("input 8x8x3\nfc 3*widht+1\n") == "widht"
    assert marked("input 8x8x3\nrelu | concat e9\n") == "e9"
    assert marked("param n = 3\nparam n = 4\ninput 8x8x3\nfc n\n") == "n"
    assert marked("input 8x8x3\nclass: fc 10\n") == "class"


BLOCKS = """block unit(f, s=1):
  conv k=3 f=f s=s p=1{mistake}
input 32x32x3
repeat 4: unit 8
repeat 4: unit 16
"""


def test_a_mistake_in_a_block_of_many_rounds_is_told_once():
    (found,) = told(BLOCKS.format(mistake=" filters=9"))
    assert (found.code, found.span.line) == ("A102", 2)
    assert found.trace[0].text == "in `unit 8` at line 4, round 1 of 4"


def test_a_mistake_in_a_later_round_names_the_round():
    """Two rounds fit, the third does not: 16 -> 8 -> 4, and 4 is below 5."""
    (found,) = told("input 16x16x3\nrepeat 5:\n  conv k=5 f=3 p=2\n  pool w=2\n  pad 1 if 1 > 2\n  crop 4\n")
    assert found.code == "A208"
    assert "round 2 of 5" in " ".join([*found.notes, *(frame.text for frame in found.trace)])


SET = 'param width = 8\nparam scale = 0.5\nparam deep = yes\nparam sizes = 8,16\nparam mode = "a"\ninput 8x8x3\n'
SET += 'fc width*2\nfc ceil(scale)\nrelu if deep\nrepeat 2: fc sizes\nbn if mode == "a"\n'


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"width": "wide"}, 'the param `width` is a whole number (8), not "wide"'),
        ({"width": 1.5}, "the param `width` is a whole number (8), not 1.5"),
        ({"width": (3, 3)}, "the param `width` is a whole number (8), not 3x3"),
        ({"scale": "half"}, 'the param `scale` is a number (0.5), not "half"'),
        ({"deep": 2}, "the param `deep` is yes or no (yes), not 2"),
        ({"deep": "maybe"}, 'the param `deep` is yes or no (yes), not "maybe"'),
        ({"sizes": 8}, "the param `sizes` is a list"),
        ({"mode": 3}, 'the param `mode` is a text ("a"), not 3'),
        ({"widht": 3}, "there is no param `widht` to set"),
    ],
)
def test_a_param_set_to_what_it_cannot_be(params, words):
    (found,) = [d for d in told(SET, Options(params=params)) if d.severity == "error"]
    assert found.code == "A115"
    assert words in found.message
    assert found.help


def test_a_param_set_under_a_wrong_name_is_suggested():
    (found,) = [d for d in told(SET, Options(params={"widht": 3})) if d.severity == "error"]
    assert found.help == "did you mean `width`?"


@pytest.mark.parametrize("params", [{"width": 16}, {"width": 16.0}, {"scale": 1}, {"deep": False}, {"deep": 0}, {"mode": "b"}])
def test_a_param_set_to_what_it_can_be(params):
    assert [d for d in told(SET, Options(params=params)) if d.severity == "error"] == []


def test_a_mistake_in_another_file_is_told_there(tmp_path):
    (tmp_path / "blocks.arch").write_text("block unit(f):\n  conv k=3 filters=f\n")
    (found,) = told('use "blocks.arch"\ninput 8x8x3\nunit 8\n', Options(base=tmp_path))
    assert (found.code, found.span.source.name, found.span.line) == ("A102", "blocks.arch", 2)
    assert found.trace[0].text == "in `unit 8` at line 3"


def test_a_syntax_mistake_in_another_file_is_told_there(tmp_path):
    (tmp_path / "blocks.arch").write_text("block unit(f)\n  conv k=3 f=f\nblock good(f): conv k=3 f=f\n")
    found = told('use "blocks.arch"\ninput 8x8x3\nconv k=9 f=8\ngood 8\n', Options(base=tmp_path))
    assert [(d.code, d.span.source.name, d.span.line) for d in found] == [("A001", "blocks.arch", 1), ("A202", "case.arch", 3)]


def test_articles():
    """`an 8x8x3 map`, `a 7x7x3 map`."""
    (found,) = told("input 8x8x3\ncls\n")
    assert "not an 8x8x3 map" in found.message


if __name__ == "__main__":  # what the cases say now, for a look
    for case in FILES:
        print(f"-- {case.stem}")
        for d in compile_text(case.read_text(encoding="utf-8"), "case.arch", Options())[1]:
            print(f"  {d.span.line if d.span else '-'} {d.severity} {d.code}: {d.message} | {d.help}")


@pytest.mark.parametrize(
    ("lines", "message", "help_"),
    [
        ("conv k=3 8f", "`8f` is neither a number nor a name", "write `f=8` for an argument, `8*f` for a product"),
        ("fc 10n", "`10n` is neither a number nor a name", "write `n=10` for an argument, `10*n` for a product"),
        ("downsample 2", "there is no layer or block `downsample`", "a layer with a stride makes maps smaller: `pool 2`"),
        ("[3x3, 64] x 2", "expected a layer, found `[`", "write `repeat 2: conv k=3x3 f=64 p=same`"),
        ("[1x1, 16] × 3", "expected a layer, found `[`", "write `repeat 3: conv k=1x1 f=16 p=same`"),
        ("CONV -> RELU", "found `->`", "separate steps by `|`"),
        ("default p=1", "`default` has no argument `p`", "to set it for one layer, name that: `default conv p=1`"),
    ],
)
def test_notations_of_papers_and_lectures_get_help(lines, message, help_):
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads(f"input 32x32x3\n{lines}\n")
    found = error.value.diagnostics[0]
    assert message in found.message
    assert help_ in (found.help or "")
