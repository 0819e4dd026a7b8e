"""What repeats and blocks mean: each spec is the network, with its names and what its layers read, of one that is written out."""

import pytest

import archspec
from archspec.backends.arch import expand
from tests.helpers.messages import errors


def joined(*lines):
    return "\n".join(lines)


CASES = {
    "sizes of labels and inputs": (
        "input 16x8x6\nx: conv k=3 f=c(input)+h(input)//w(input) p=1\nconv k=1 f=c(x)*2 if h(x) == 16\nfc w(x)",
        "input 16x8x6\nx: conv k=3 f=8 p=1\nconv k=1 f=16\nfc 8",
    ),
    "a size in a head, and in a residual's condition": (
        "input 8x8x3\nrepeat c(input): conv k=3 f=c(input)+1 p=1\nresidual if w(input) > 8: relu",
        "input 8x8x3\nconv k=3 f=4 p=1\nconv k=3 f=4 p=1\nconv k=3 f=4 p=1\nrelu",
    ),
    "a size in a repeat is that of its round": (
        "input 8x8x4\nrepeat 3:\n  add:\n    x: skip\n    relu\n  pool w=2\n  conv k=1 f=w(x)",
        joined("input 8x8x4", *(f"add:\n  skip\n  relu\npool w=2\nconv k=1 f={f}" for f in (8, 4, 2))),
    ),
    "a label with the index of a repeat is seen in later rounds and behind": (
        "input 8x8x3\na0: conv k=1 f=4\nrepeat 3 as i:\n  a{i+1}: conv k=3 f=4 p=1\n  add a{i}\nadd a0 a2",
        joined("input 8x8x3\na0: conv k=1 f=4", *(f"a{i + 1}: conv k=3 f=4 p=1\nadd a{i}" for i in range(3)), "add a0 a2"),
    ),
    "it climbs out of each repeat whose index it has": (
        "input 8x8x3\nrepeat 2 as i:\n  repeat 2 as j:\n    b{i}_{j}: conv k=3 f=3 p=1\n  relu | add b{i}_0\nadd b0_1 b1_0",
        joined(
            "input 8x8x3",
            *(f"b{i}_0: conv k=3 f=3 p=1\nb{i}_1: conv k=3 f=3 p=1\nrelu | add b{i}_0" for i in range(2)),
            "add b0_1 b1_0",
        ),
    ),
    "a branch is no border for it": (
        "input 8x8x3\nrepeat 2 as i:\n  add:\n    e{i}: conv k=3 f=3 p=1\n    skip\nadd e0",
        joined("input 8x8x3", *(f"add:\n  e{i}: conv k=3 f=3 p=1\n  skip" for i in range(2)), "add e0"),
    ),
    "a label without a layer climbs too": (
        "input 8x8x3\nrepeat 2 as i:\n  s{i}: skip\n  conv k=3 f=3 p=1\nadd s0 s1",
        "input 8x8x3\ns0: skip\nconv k=3 f=3 p=1\ns1: skip\nconv k=3 f=3 p=1\nadd s0 s1",
    ),
    "a round that is only labels": (
        "input 8x8x3\nrepeat 2 as i: s{i}: skip\nconv k=3 f=3 p=1\nadd s0",
        "input 8x8x3\ns: skip\nconv k=3 f=3 p=1\nadd s",
    ),
    "in a group it is seen to the end of the group": (
        "input 8x8x3\ng:\n  repeat 2 as i: a{i}: conv k=3 f=3 p=1 | relu\n  add a0",
        joined("input 8x8x3\ng:", *(f"  a{i}: conv k=3 f=3 p=1 | relu" for i in range(2)), "  add a0"),
    ),
    "a block calls itself": (
        "block tree(n, f):\n  left: conv k=3 f=f p=1\n  tree n-1 f if n > 1\n  add left\ninput 8x8x3\ntree 3 4",
        joined(
            "input 8x8x3",
            "tree1.left: conv k=3 f=4 p=1\ntree1.tree1.left: conv k=3 f=4 p=1\ntree1.tree1.tree1.left: conv k=3 f=4 p=1",
            "tree1.tree1.tree1.add1: add tree1.tree1.tree1.left\ntree1.tree1.add1: add tree1.tree1.left\ntree1.add1: add tree1.left",
        ),
    ),
    "a block reads a value beside its input": (
        joined(
            "block up(f, from e, k=c(e)):\n  deconv k=2 s=2 f=f\n  concat e\n  conv k=1 f=k",
            "input 8x8x3\ne1: conv k=1 f=5\npool w=2\nup 4 e1\npool w=2\nd: up e=e1 k=2 f=6",
        ),
        joined(
            "input 8x8x3\ne1: conv k=1 f=5\npool w=2\nup1.deconv1: deconv k=2 s=2 f=4\nup1.concat1: concat e1\nup1.conv1: conv k=1 f=5",
            "pool w=2\nd.deconv1: deconv k=2 s=2 f=6\nd.concat1: concat e1\nd.conv1: conv k=1 f=2",
        ),
    ),
    "values in any order, and the current one among them": (
        joined(
            "block b(from p, n, from q):\n  conv k=1 f=n\n  add p\n  from q | conv k=1 f=c(p) | add p",
            "input 8x8x3\nx: conv k=1 f=4\ny: relu\nb x 4 y\nb n=4 q=x p=y",
        ),
        joined(
            "input 8x8x3\nx: conv k=1 f=4\ny: relu",
            "b1.conv1: conv k=1 f=4\nb1.add1: add x\nfrom y\nb1.conv2: conv k=1 f=4\nb1.add2: add x",
            "b2.conv1: conv k=1 f=4\nb2.add1: add y\nfrom x\nb2.conv2: conv k=1 f=4\nb2.add2: add y",
        ),
    ),
    "a cell reads what a round before it gave": (
        joined(
            "block cell(f, from p):\n  conv k=3 f=f p=1\n  add p",
            "input 8x8x3\na0: conv k=1 f=4\na1: conv k=1 f=4\nrepeat 3 as i: a{i+2}: cell 4 a{i}\nadd a2",
        ),
        joined(
            "input 8x8x3\na0: conv k=1 f=4\na1: conv k=1 f=4",
            *(f"a{i + 2}.conv1: conv k=3 f=4 p=1\na{i + 2}.add1: add {read}" for i, read in enumerate(("a0", "a1", "a2.add1"))),
            "add1: add a2.add1",
        ),
    ),
    "labels of what is no layer, by their paths": (
        joined(
            "input 8x8x3\nf:\n  repeat 2: conv k=3 f=4 p=1 | relu\n  wide: skip\n  pool w=2",
            "  g:\n    conv k=1 f=6 | bn\n    normed: skip\n    relu\n  repeat 2: cell\n  end: skip\n  conv k=1 f=5",
            "upsample to=f.wide\nconcat f.wide\npool w=2\nconcat f.g.normed f.end",
            "block cell(): conv k=1 f=6",
        ),
        joined(
            "input 8x8x3\nf.0: conv k=3 f=4 p=1\nf.1: relu\nf.2: conv k=3 f=4 p=1\nf.3: relu\nf.4: pool w=2",
            "f.g.0: conv k=1 f=6\nf.g.1: bn\nf.g.2: relu\nf.6.conv1: conv k=1 f=6\nf.7.conv1: conv k=1 f=6\nf.8: conv k=1 f=5",
            "upsample to=8x8\nconcat f.3\npool1: pool w=2\nconcat f.g.1 f.7.conv1",
        ),
    ),
    "a value that blocks hand on": (
        joined(
            "block tree(n, from e):\n  conv k=1 f=c(e)+n\n  x: conv k=1 f=c(e)\n  add e\n  tree n-1 x if n > 1",
            "input 8x8x3\ne: conv k=1 f=2\ntree 2 e",
        ),
        joined(
            "input 8x8x3\ne: conv k=1 f=2\ntree1.conv1: conv k=1 f=4\ntree1.x: conv k=1 f=2\ntree1.add1: add e",
            "tree1.tree1.conv1: conv k=1 f=3\ntree1.tree1.x: conv k=1 f=2\ntree1.tree1.add1: add tree1.x",
        ),
    ),
    "the size of the current value": (
        "block b(n=2*c()):\n  conv k=1 f=n\n  repeat w()//4: conv k=1 f=c()+1\ninput 8x8x3\nrelu if h() > 9\nb\nx: from input | fc c()",
        "input 8x8x3\nb1.conv1: conv k=1 f=6\nb1.conv2: conv k=1 f=7\nb1.conv3: conv k=1 f=8\nfrom input\nflatten\nx: fc 3",
    ),
    "a label with dots takes no position": (
        'input 8x8x3\ng:\n  in1.conv: conv k=1 f=3\n  relu\n  "a-b.c": bn\n  tanh',
        'input 8x8x3\ng.in1.conv: conv k=1 f=3\ng.0: relu\n"g.a-b.c": bn\ng.1: tanh',
    ),
    "a label in quotes": (
        'input 8x8x3\nrepeat 2 as i: "block{i}-x": relu | tanh\nadd "block0-x"\nfrom "block1-x" | bn',
        joined(
            "input 8x8x3",
            *(f'"block{i}-x.0": relu\n"block{i}-x.1": tanh' for i in range(2)),
            'add "block0-x.1"\nfrom "block1-x.1" | bn',
        ),
    ),
    "several lines as a branch": (
        "input 8x8x3\nadd:\n  seq:\n    conv k=1 f=4\n    x: relu\n    add x\n  conv k=1 f=4",
        "input 8x8x3\nadd:\n  repeat 1:\n    conv k=1 f=4\n    x: relu\n    add x\n  conv k=1 f=4",
    ),
    "a path into a group": (
        "input 8x8x3\ng:\n  h:\n    a: conv k=1 f=3\n    relu\n  conv k=1 f=3\nadd g.h.a g.1\nfrom g.h | fc c(g.h.a)",
        "input 8x8x3\ng.h.a: conv k=1 f=3\ng.h.0: skip | relu\ng.1: conv k=1 f=3\nadd g.h.a g.1\nfrom g.h.1 | fc 3".replace(
            "g.h.0: skip | relu", "g.h.1: relu"
        ),
    ),
    "a path to a round": (
        "input 8x8x3\ns: repeat 3: conv k=3 f=3 p=1\nadd s.0 s.1\nfrom s.1 | relu",
        "input 8x8x3\ns.0: conv k=3 f=3 p=1\ns.1: conv k=3 f=3 p=1\ns.2: conv k=3 f=3 p=1\nadd s.0 s.1\nfrom s.1 | relu",
    ),
    "outputs of a block, of one call and of all": (
        joined(
            "block b(n):\n  conv k=1 f=n\n  output side: conv k=1 f=2\n  relu",
            "input 8x8x3\ns:\n  repeat 2: repeat 2: b n=3,4\n  x: b 5\nb 6\nfrom s.2.side | add s.x.side s.*.side",
        ),
        joined(
            "input 8x8x3",
            *(
                f"s.{name}.conv1: conv k=1 f={n}\ns.{name}.side: conv k=1 f=2\nfrom s.{name}.conv1\ns.{name}.relu1: relu"
                for name, n in (("0", 3), ("1", 4), ("2", 3), ("3", 4), ("x", 5))
            ),
            "b1.conv1: conv k=1 f=6\nb1.side: conv k=1 f=2\nfrom b1.conv1\nb1.relu1: relu",
            "from s.2.side\nadd1: add s.x.side s.0.side s.1.side s.2.side s.3.side s.x.side",
        ),
    ),
    "a branch for each value of a path": (
        joined(
            "block b():\n  relu\n  output side: conv k=1 f=2",
            "input 8x8x3\ns: repeat 3: b\nconcat:\n  from s.*.side | tanh\n  skip\nadd: from s.*.side",
        ),
        joined(
            "input 8x8x3",
            *(f"s.{i}.relu1: relu\ns.{i}.side: conv k=1 f=2\nfrom s.{i}.relu1" for i in range(3)),
            "concat:",
            *(f"  from s.{i}.side | tanh" for i in range(3)),
            "  skip\nfrom s.0.side | add s.1.side s.2.side",
        ),
    ),
    "an output of a group in a block, and one without lines": (
        "block b():\n  g:\n    relu\n    output a\n    bn\n  tanh\n  output c\ninput 8x8x3\nx: b\nadd x.a x.c",
        "input 8x8x3\nx.g.0: relu\nx.g.1: bn\nx.tanh1: tanh\nadd x.g.0 x.tanh1",
    ),
    "an output that a guard drops": (
        joined(
            "block b(n):\n  relu\n  output side if n > 1: conv k=1 f=2\n  bn",
            "input 8x8x3\ns: repeat 3 as i: b i\nfrom s.*.side",
        ),
        joined(
            "input 8x8x3",
            *(f"s.{i}.relu1: relu\n" + f"s.{i}.side: conv k=1 f=2\nfrom s.{i}.relu1\n" * (i > 1) + f"s.{i}.bn1: bn" for i in range(3)),
            "from s.2.side | flatten",
        ).replace(" | flatten", ""),
    ),
    "a path from inside a repeat": (
        "input 8x8x3\ng:\n  a: relu\n  bn\nrepeat 3: conv k=1 f=3 | add g.a",
        joined("input 8x8x3\ng.a: relu\ng.1: bn", *("conv k=1 f=3\nadd g.a" for _ in range(3))),
    ),
    "a value of a path for a block": (
        "block up(from e): conv k=1 f=c(e) | add e\ninput 8x8x3\ng:\n  a: conv k=1 f=5\n  bn\nup g.a",
        "input 8x8x3\ng.a: conv k=1 f=5\ng.1: bn\nup1.conv1: conv k=1 f=5\nup1.add1: add g.a",
    ),
    "two blocks call each other": (
        "block a(n):\n  conv k=1 f=n\n  b n-1 if n > 1\nblock b(n):\n  conv k=3 f=n p=1\n  a n-1 if n > 1\ninput 8x8x3\na 3",
        "input 8x8x3\na1.conv1: conv k=1 f=3\na1.b1.conv1: conv k=3 f=2 p=1\na1.b1.a1.conv1: conv k=1 f=1",
    ),
    "a block calls itself as long as its input is large": (
        "block down():\n  x: pool w=2\n  down if w(x) > 1\ninput 8x8x3\ndown",
        "input 8x8x3\ndown1.x: pool w=2\ndown1.down1.x: pool w=2\ndown1.down1.down1.x: pool w=2",
    ),
}


@pytest.mark.parametrize(("spec", "written_out"), CASES.values(), ids=CASES)
def test_a_spec_is_the_network_that_is_written_out(spec, written_out):
    assert expand(archspec.loads(spec)) == expand(archspec.loads(written_out))


MISTAKES = {
    "depth of tokens": ("tokens | linear 8\nx: skip\nfc d(x)", "A201", "`d(x)`: 64 tokens of 8 has no depth", "it has `c(x)` and `t(x)`"),
    "tokens of a map": ("fc t(input)", "A201", "an 8x8x3 map has no tokens", "`c(input)` and `h(input)` and `w(input)`"),
    "no such label": ("fc c(y)", "A107", "no value is called `y` here", "label a line above"),
    "no label at all": ("fc c(3)", "A107", "`3` is not the name of a value", None),
    "two labels": ("x: relu\nfc c(x, x)", "A113", "`c` takes the name of one value, not 2", "`c(x)`"),
    "a label below": ("fc c(y)\ny: relu", "A107", "no value is called `y` here", "visible only below its line"),
    "in a param": ("param n = c(input)\nfc n", "A106", "a `param`, `default` or `expect` sees no values", "arguments of a layer"),
    "in a default": ("default fc n=c(input)\nfc 3", "A106", "a `param`, `default` or `expect` sees no values", None),
    "two rounds of one label": ("s1: skip\nrepeat 2 as i: s{i}: skip", "A108", "there are two values called `s1` here", None),
    "a round that there is not": ("repeat 2 as i: s{i}: relu\nadd s2", "A107", "no value is called `s2` here", "counts from 0"),
    "a label without the index": ("repeat 2: s: skip\nadd s", "A107", "no value is called `s` here", "`x{i}:`"),
    "an inner repeat without the index": (
        "repeat 2 as i:\n  repeat 2: s{i}: skip\n  relu\n  add s{i}", "A107", "no value is called `s0` here", "labels the repeat",
    ),
    "a value given as an expression": ("block b(f, from e): conv k=1 f=f\nb 3 4+1", "A107", "`e` of `b` is a value, and `4+1` is not", "label"),
    "a number given as a label": ("block b(f, from e): conv k=1 f=f\nx: relu\nb x x", "A106", "`x` is a value, and a number is", "`c(x)`"),
    "too few values": ("block b(f, from e): conv k=1 f=f | add e\nb 3", "A103", "`b` needs the value `e`", "`block b(f, from e)`"),
    "too many": ("block b(from e): add e\nx: relu\nb x x", "A104", "`b` takes 1 argument, but 2 are given", "`block b(from e)`"),
    "no such value": ("block b(from e): add e\nb y", "A107", "no value is called `y` here", None),
    "a label of the caller inside": ("block b(from e): add x\nx: relu\nb x", "A107", "no value is called `x` here", "a block sees only"),
    "a value that hides a param": ("param e = 3\nblock b(from e): add e\nx: relu\nb x", "A108", "the value `e` would hide the param", None),
    "a value that hides a parameter": ("block b(e, from e): add e\nx: relu\nb 3 x", "A108", "the parameter `e` of block `b` is taken", None),
    "a label that hides a value": ("block b(from e):\n  e: relu\nx: relu\nb x", "A108", "there are two values called `e` here", None),
    "a value that is called as a module": ("block b(from forward): relu\nx: relu\nb x", "A109", "reserved word of PyTorch", None),
    "a value with a dot": ("block b(from e.x): relu\nx: relu\nb x", "A109", "`e.x` cannot name a value of a block", None),
    "no current value": ("relu if c() > 2", "A117", "there is none yet", "below the `input`"),
    "an empty level": ('"a..b": relu', "A109", "each level between its dots", None),
    "a module's word in quotes": ('"a.forward": relu', "A109", "reserved word of PyTorch", None),
    "a word of Python without quotes": ("class: relu", "A109", "reserved word of Python", '`"class":`'),
    "a path to nothing": ("g:\n  left1: relu\n  bn\nadd g.lefft1", "A107", "there is no `lefft1` in `g`", "did you mean `left1`?"),
    "a path to no position": ("g: relu | bn\nadd g.7", "A107", "there is no `7` in `g`", "there are `0`, `1`"),
    "a path into a layer": ("g: relu\nadd g.x", "A107", "there is nothing inside `g`", "labelled group"),
    "a path into a block": ("block b():\n  x: relu\n  bn\ng: b\nadd g.x", "A107", "`g` is a call of the block `b`", "it has none"),
    "a path past an output": (
        "block b():\n  relu\n  output side: bn\ng: b\nadd g.site", "A107", "of which only outputs are seen", "did you mean `side`?",
    ),
    "a star that finds nothing": ("s: repeat 2: relu\nadd s.*.side", "A107", "`s.*.side` finds nothing", "path leads into"),
    "a star for one value": ("s: repeat 2: _: x: relu | bn\nfrom s.*", "A107", "`s.*` names 2 values, and one is needed here", "`add:`"),
    "an output in a repeat": ("block b():\n  repeat 2:\n    relu\n    output x\nb", "A010", "a block has no outputs inside a repeat", "`from LABEL"),
    "an output for training": ("block b():\n  relu\n  output x train: gap\nb", "A010", "`train` is not allowed here", "remove it"),
    "an output in a group": ("g:\n  relu\n  output x\n  bn", "A010", "only at the top level and in blocks", "label the value"),
    "two outputs": ("block b():\n  output x: relu\n  g:\n    bn\n    output x\nb", "A108", "two outputs called `x`", None),
    "recursion without an end": (
        "block b(n):\n  conv k=1 f=n\n  b n+1\nb 1", "A111", "the block `b` calls itself 64 times in a row", "guard the call by what changes",
    ),
    "recursion with the same arguments": (
        "block b(n):\n  conv k=1 f=3\n  b n\nb 1", "A111", "`b` calls itself with the same arguments and input: b -> b", "guard the call",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "code", "message", "help_"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(body, code, message, help_):
    start = "" if code == "A117" else "input 8x8x3\n"
    first = errors(f"{start}{body}\n")[0]
    assert first.code == code
    assert message in first.message
    assert (help_ or "") in (first.help or "")


def test_sizes_of_volumes_and_sequences():
    net = archspec.loads("input 4x6x8x3\nconv k=1 f=d(input)*100+h(input)*10+w(input)")
    assert net.graph.output.channels == 468
    assert archspec.loads("input 100x4\nconv k=1 f=w(input)").graph.output.channels == 100
    assert archspec.loads("input 4x4x3\nx: tokens\nlinear t(x)").graph.output.channels == 16


def test_an_expectation_sees_no_values():
    (error,) = errors("input 8x8x3\nexpect params < c(input)\nconv k=1 f=2\n")
    assert "sees no values" in error.message


def test_a_block_that_calls_itself_is_a_class_for_each_level():
    torch = pytest.importorskip("torch")
    net = archspec.loads("block tree(n):\n  conv k=3 f=cin+n p=1\n  tree n-1 if n > 1\n  conv k=1 f=n\ninput 8x8x3\ntree 3\ntree 2\n")
    source = archspec.emit(net, "torch")
    assert source.count("class Tree") == 3
    assert archspec.to_torch(net)(torch.zeros(2, 3, 8, 8)).shape == (2, 2, 8, 8)


@pytest.mark.parametrize(
    "body", ["fc nosuch\nrepeat 3 as i: x{i}: relu\nadd x2", "x: relu if nosuch\nadd x", "repeat nosuch as i: x{i}: relu\nadd x2"]
)
def test_a_label_that_a_mistake_took_away_is_not_reported(body):
    assert [error.code for error in errors(f"input 8x8x3\n{body}\n")] == ["A106"]
