"""Lines of a whole spec as people write them from habit: one message each, with the line that works, and nothing else is told."""

import pytest

from tests.helpers.messages import errors

SPEC = """param width = 32
default conv k=3 p=same bias=no
default round=floor

block basic(f, s=1):
  residual:
    conv f=f s=s | bn | relu
    conv f=f | bn
    shortcut: conv k=1 p=0 f=f s=s | bn if s > 1 or cin != f
  relu

input 32x32x3
stem: conv f=width | bn | relu
stage1: repeat 2: basic width
stage2: repeat 3: basic 2*width s=2,1
tail: conv f=width
concat tail
gap
fc 10
"""
LINES = [
    ("param width = 32", "param width: 32", "param width = 32"),
    ("param width = 32", "width = 32", "param width = 32"),
    ("block basic(f, s=1):", "def basic(f, s=1):", "block basic(f, s=1):"),
    ("block basic(f, s=1):", "block basic(f; s=1):", "block basic(f, s=1):"),
    ("block basic(f, s=1):", "block basic f s=1:", "block basic(f, s=1):"),
    ("stage1: repeat 2:", "stage 1: repeat 2:", "stage1: repeat 2: basic width"),
    ("stage1: repeat 2:", "stage-1: repeat 2:", "stage1: repeat 2: basic width"),
    ("repeat 2: basic width", "repeat width times: basic width", "stage1: repeat width: basic width"),
    ("s=2,1", "s=[2,1]", "stage2: repeat 3: basic 2*width s=2,1"),
    ("2*width s=2,1", "2×width s=2,1", "stage2: repeat 3: basic 2*width s=2,1"),
    ("2*width s=2,1", "width^2 s=2,1", "stage2: repeat 3: basic width*width s=2,1"),
    ("2*width s=2,1", "width**2 s=2,1", "stage2: repeat 3: basic width*width s=2,1"),
    ("s > 1 or cin != f", "s > 1 || cin != f", "shortcut: conv k=1 f=f s=s p=0 | bn if s > 1 or cin != f"),
    ("s > 1 or cin != f", "s > 1 or cin <> f", "shortcut: conv k=1 f=f s=s p=0 | bn if s > 1 or cin != f"),
    ("k=3 p=same bias=no", "k=3, p=same bias=no", "default conv k=3 p=same bias=no"),
    ("conv f=f | bn\n", "conv filters=f | bn\n", "conv f=f | bn"),
    ("tail: conv f=width", "tail = conv f=width", "tail: conv f=width"),
    ("concat tail", "concat(tail)", "concat tail"),
    ("fc 10", "output fc 10", "fc 10"),
    ("fc 10", "fc10", "fc 10"),
    ("fc 10", "fc 10 nobias", "fc 10 bias=no"),
    ("fc 10", "fc 10 no_bias", "fc 10 bias=no"),
]


def test_the_spec_itself_is_right():
    assert errors(SPEC) == []


@pytest.mark.parametrize(("right", "wrong", "line"), LINES, ids=[wrong.strip() for _, wrong, _ in LINES])
def test_a_line_from_habit_is_one_message_and_what_it_proposes_works(right, wrong, line):
    assert SPEC.count(right) == 1
    text = SPEC.replace(right, wrong)
    found = errors(text)
    assert len(found) == 1, [(d.code, d.message) for d in found]
    assert (found[0].help or "").split("; ")[0] == f"write `{line}`"
    number = found[0].span.line
    rows = text.splitlines()
    rows[number - 1] = rows[number - 1][: len(rows[number - 1]) - len(rows[number - 1].lstrip())] + line
    assert errors("\n".join(rows) + "\n") == []


def test_the_layers_of_another_tool_take_what_a_default_gives():
    (first, second) = errors(SPEC.replace("conv f=f | bn\n", "conv2d f=f | batchnorm\n"))
    assert first.help == second.help == "write `conv f=f | bn`"


@pytest.mark.parametrize("mark", ["//", "--", "%", ";"])
def test_a_comment_of_another_language(mark):
    (found,) = errors(f"{mark} a network\n{SPEC}")
    assert found.help == "write `# a network`"


def test_a_loop_of_python_is_a_repeat():
    (found,) = errors("input 8x8x3\nfor i in range(3): conv k=1 f=4\n")
    assert found.help == "write `repeat 3 as i: conv k=1 f=4`"


@pytest.mark.parametrize("tabs", ["    conv f=f | bn\n", "  relu\n"])
def test_a_tab_is_one_message(tabs):
    deep = (len(tabs) - len(tabs.lstrip())) // 2
    found = errors(SPEC.replace(tabs, "\t" * deep + tabs.lstrip()))
    assert [d.code for d in found] == ["A002"]


def test_a_number_of_rounds_that_is_none_is_one_message():
    for value, code in (("1.5", "A114"), ("three", "A106")):
        found = errors(f"param n = {value}\ninput 8x8x3\nrepeat n: conv k=1 f=8 s=1,2\n")
        assert [d.code for d in found] == [code]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("cin != f", "in_channels != f", "inside a block, the number of its input channels is called `cin`"),
        ("2: basic width", "2: basicblock width", "did you mean `basic`?"),
        ("2: basic width", "2: bottleneck width", "the blocks are `basic`; `archspec ops` lists the layers"),
        ("f=width | bn", "f=wid | bn", "did you mean `width`?"),
        ("    shortcut:", "  shortcut:", "indent it as far as the lines of its `residual`"),
        ("\n  relu\n", "\nrelu\n", "`input 32x32x3` comes later, at line 12: move it up, or indent this line if it belongs to a block"),
    ],
)
def test_the_help_says_what_is_there(right, wrong, told):
    assert told in [d.help for d in errors(SPEC.replace(right, wrong))]


def test_a_word_of_one_letter_is_no_misspelling():
    (found,) = errors("input 8x8x3\nn\n")
    assert found.help == "`archspec ops` lists the layers"
