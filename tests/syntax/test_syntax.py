"""The parser against Lark's own, the formatter, the expander."""

from __future__ import annotations

import random

import pytest
from generate import tables

import archspec
from archspec.backends.arch import expand
from archspec.diagnostics import Diagnostics
from archspec.source import Source
from archspec.syntax.lalr import Token, Tree, Unexpected, automaton
from archspec.syntax.lines import Layout, roles
from archspec.syntax.printer import format_text
from tests.helpers.paths import ROOT, SPECS
from tests.helpers.specs import VARIED, few_quick
from tests.helpers.trees import outline

ALL = [*SPECS, *sorted((ROOT / "specs").glob("*/*.arch"))]


def test_the_generated_tables_are_those_of_the_grammar():
    assert tables.TARGET.read_text(encoding="utf-8") == tables.text(), "run `python docs/generate/tables.py`"


def flattened(node):
    """A tree of Lark's or of ours as plain data."""
    if isinstance(node, Tree):
        return (node.data, [flattened(child) for child in node.children])
    if isinstance(node, Token):
        return (node.type, node.value)
    if hasattr(node, "data"):
        return (str(node.data), [flattened(child) for child in node.children])
    return (node.type, str(node))


def by_lark(lark, tokens):
    from lark import Token as LarkToken
    from lark.exceptions import UnexpectedInput

    interactive = lark.parse_interactive(start="line")
    try:
        for token in tokens:
            interactive.feed_token(LarkToken(token.type, token.value))
        return flattened(interactive.feed_eof())
    except UnexpectedInput:
        return interactive.accepts()


def by_us(tokens):
    try:
        return flattened(automaton().parse(tokens))
    except Unexpected as error:
        return error.expected


def lines_of(text):
    pending = Layout(Source("t", text), Diagnostics(), 10**6).read()
    while pending:
        line = pending.pop()
        pending += line.below
        yield list(roles(line.tokens))


def test_the_automaton_reads_what_lark_reads():
    """Every line of every spec, and mutations of them: same tree or, where it is refused, the same terminals expected."""
    lark = tables.lark()
    lines = [line for path in ALL for line in lines_of(path.read_text())]
    words = sorted({token for line in lines for token in line})
    rng = random.Random(1)
    for line in lines:
        assert by_us(line) == by_lark(lark, line)
    for _ in range(1500):
        line = list(rng.choice(lines))
        for _ in range(rng.randint(1, 2)):
            at = rng.randrange(len(line) + 1)
            line[at : at + rng.randint(0, 1)] = [rng.choice(words)] if rng.random() < 0.6 else []
        assert by_us(line) == by_lark(lark, line), [token.value for token in line]


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_bundled_specs_are_formatted(path):
    text = path.read_text()
    assert format_text(Source(path.name, text)) == text


FORMATS = {
    "conv   k = 3  f=4*n": "conv k=3 f=4*n\n",
    "conv k=3 f=2 , 1|relu": "conv k=3 f=2,1 | relu\n",
    "param   w=1.0": "param w = 1.0\n",
    "x{ i+1 } :skip": "x{i+1}: skip\n",
    "residual   if s==1 and n  !=-3:\n      conv k=3 f=8 p=1": "residual if s == 1 and n != -3:\n  conv k=3 f=8 p=1\n",
    "fc 120|tanh\nfc 84 | tanh": "fc 120 | tanh\nfc 84  | tanh\n",
    "fc 10#c\nfc 100   # d": "fc 10   # c\nfc 100  # d\n",
    "slice 0:58|relu": "slice 0:58 | relu\n",
    "scale -1": "scale -1\n",
    "repeat 3: crop -n+9": "repeat 3: crop -n+9\n",
    "repeat n -1: relu": "repeat n-1: relu\n",
    "unit 1>2 n  -1": "unit 1>2 n -1\n",
    "unit n==(1 ,2) and not  m if a>b": "unit n==(1,2) and not m if a > b\n",
    "concat a b:2": "concat a b:2\n",
    "linear min( n , 3 )": "linear min(n, 3)\n",
    "\n\n\nfc 10\n\n\n\nfc 20\n\n\n": "fc 10\n\nfc 20\n",
    "a:\n      conv k=1 f=1\n      # last\n# out\nfc 1": "a:\n  conv k=1 f=1\n  # last\n# out\nfc 1\n",
    "a:\n  b:\n    fc 1\n   # b\n # a\nfc 1": "a:\n  b:\n    fc 1\n  # b\n# a\nfc 1\n",
    "a:\n   # first\n  fc 1\n# end": "a:\n  # first\n  fc 1\n# end\n",
    "fc 10": "fc 10\n",
    "": "",
    "fc 1 if a  or not b": "fc 1 if a or not b\n",
    "conv k=1 f=1\n     | relu": "conv k=1 f=1\n  | relu\n",
    "block b( n,s = 1 ) :\n  fc n": "block b(n, s=1):\n  fc n\n",
    "pattern [(CONV-RELU)*N-POOL?]*M - FC N=1  M=2": "pattern [(CONV-RELU)*N-POOL?]*M-FC N=1 M=2\n",
    'meta  title = "a  b"': 'meta title="a  b"\n',
    "input 4x4x1\r\nfc 1\r\n": "input 4x4x1\nfc 1\n",
}


@pytest.mark.parametrize("text", FORMATS)
def test_formatting(text):
    assert format_text(Source("t", text)) == FORMATS[text]


@pytest.mark.parametrize("text", [*FORMATS, *(path.read_text() for path in ALL)])
def test_formatting_keeps_the_tree_and_is_a_fixed_point(text):
    formatted = format_text(Source("t", text))
    assert formatted is not None
    assert outline(formatted) == outline(text) is not None
    assert format_text(Source("t", formatted)) == formatted


def test_formatting_keeps_every_comment_however_the_spaces_lie():
    rng = random.Random(2)
    for path in ALL:
        text = "".join(
            line + rng.choice(["", "", "  # note", "#x"]) + rng.choice(["\n", "\n", "\n\n\n", "\n   # own line\n"])
            if not line.rstrip().endswith(("(", ",")) and "#" not in line and '"' not in line
            else line + "\n"
            for line in path.read_text().splitlines()
        )
        formatted = format_text(Source("t", text))
        assert formatted is not None
        assert formatted.count("#") == text.count("#")
        assert outline(formatted) == outline(text) is not None
        assert format_text(Source("t", formatted)) == formatted


def rows(network):
    return [
        (r.name, r.op, r.config, r.sources, r.inputs, r.output, r.cost, r.receptive_field, r.jump, r.training)
        for r in archspec.analyze(network).layers
    ]


EXPANDED = """
left: input 8x8x3
right: input 8x8x3
from left | conv k=3 f=4 p=1 | relu
a: skip
from right | conv k=1 f=4
add a
repeat 3: conv k=3 f=4,8 p=1 | relu
groups:
  residual: conv k=3 f=8 p=1 | bn
  concat:
    skip
    one: gap | upsample 8
output side train: gap | fc 2
mul:
  skip
  gap | fc 16 | sigmoid
repeat 2 as i:
  layer{i}: conv k=1 f=16
m: concat a
conv k=1 f=1 maps=((0,2),)
output middle
fc 3
"""


@pytest.mark.parametrize(
    "source",
    few_quick(
        [*(p.stem for p in SPECS), "googlenet aux=1", "googlenet_2014 aux=1", "resnet50 v1=1", "text"],
        [*VARIED, "googlenet_2014 aux=1", "text"],
    ),
)
def test_expanding_gives_the_same_network_and_is_a_fixed_point(source):
    name, _, setting = source.partition(" ")
    params = {setting.partition("=")[0]: 1} if setting else {}
    network = archspec.loads(EXPANDED) if name == "text" else archspec.load(name, params=params)
    text = expand(network)
    again = archspec.loads(text)
    assert rows(again) == rows(network)
    assert archspec.analyze(again).totals == archspec.analyze(network).totals
    assert [(o.name, o.training) for o in again.outputs] == [(o.name, o.training) for o in network.outputs]
    assert archspec.analyze(again).outputs == archspec.analyze(network).outputs
    assert again.name == network.name
    assert again.meta == network.meta
    assert expand(again) == text
    assert format_text(Source("t", text)) == text
