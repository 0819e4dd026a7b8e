"""Peak memory and totals against a plain reference: the rows as a list, walked by brute force."""

import math
import random
import tomllib

import pytest

import archspec
from archspec.ir.walk import flattened
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick

IN_PLACE = {"relu", "relu6", "leaky", "elu", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "sigmoid", "tanh", "softplus", "softmax", "logsoftmax", "prelu", "dropout", "dropout2d", "droppath", "flatten", "tokens", "first", "token", "slice", "swap", "abs", "map", "reshape"}  # fmt: skip
SUMS = ["params", "weights", "biases", "buffers", "frozen"]
RUNNING = ["macs", "flops", "connections"]


def may_overwrite(row):
    """Whether a layer may overwrite its input: those of the list, adaptive pooling that changes nothing, axes moved without a copy."""
    if row.op == "rearrange":
        return row.node.op.reuses(row.types[0], row.node.type)
    return row.op in IN_PLACE or (row.op in ("adaptpool", "adaptmaxpool") and row.inputs[0] == row.output)


def size_of(row):
    """The numbers that a layer computes; a stored tensor is none of them."""
    return 0 if row.op == "tensor" else math.prod(row.output)


def naive_peak(report, kept=()):
    """The most numbers alive at once. Outputs live to the end: the last layer in inference, or those named."""
    rows = [row for row in report.layers if not row.training]
    assert len({row.name for row in rows}) == len(rows)
    kept = set(kept) or {rows[-1].name}
    alive = {name: math.prod(shape) for name, shape in report.inputs.items()}
    peak = sum(alive.values())
    for at, row in enumerate(rows):
        later = {name for after in rows[at + 1 :] for name in after.sources} | kept
        over = {name for name in row.sources if name not in later}
        size = size_of(row)
        if not (may_overwrite(row) and row.sources[0] in over):
            peak = max(peak, sum(alive.values()) + size)
        for name in over:
            del alive[name]
        if row.name in later:
            alive[row.name] = size
    return peak


def naive_totals(report):
    found = {name: sum(getattr(row, name) for row in report.layers) for name in SUMS}
    found |= {name: sum(getattr(row, name) for row in report.layers if not row.training) for name in RUNNING}
    found["layers"] = len(report.layers)
    stored = sum(size_of(row) for row in report.layers if not row.training and not may_overwrite(row))
    found["activations"] = stored + sum(math.prod(shape) for shape in report.inputs.values())
    return found


def check(text, kept=()):
    report = archspec.analyze(archspec.loads(text))
    assert report.totals.peak_activations == naive_peak(report, kept), text
    expected = naive_totals(report)
    assert {name: getattr(report.totals, name) for name in expected} == expected, text
    return report


# the bundled specs


def settings():
    for path in SPECS:
        yield path, {}
        facts = tomllib.loads(path.with_suffix(".facts.toml").read_text(encoding="utf-8"))
        for variant in facts.get("variants", []):
            if "set" in variant:
                yield path, variant["set"]


def words(setting):
    path, params = setting
    return ",".join([path.stem, *(f"{name}={value}" for name, value in params.items())])


QUICK_SETTINGS = [(path, params) for path, params in settings() if path.stem in VARIED and not params]


@pytest.mark.parametrize("setting", few_quick(settings(), QUICK_SETTINGS), ids=words)
def test_bundled_specs(setting):
    path, params = setting
    network = archspec.load(str(path), params=params)
    report = archspec.analyze(network)
    expected = naive_totals(report)
    assert {name: getattr(report.totals, name) for name in expected} == expected
    ends = zip(network.outputs, flattened(network)[1], strict=True)
    assert report.totals.peak_activations == naive_peak(report, [end for output, end in ends if not output.training])


def test_heads_for_training_count_their_parameters_only():
    with_heads, without = (archspec.analyze(archspec.load("googlenet", params={"aux": aux})) for aux in (1, 0))
    heads = [row for row in with_heads.layers if row.training]
    assert heads and {row.name.split(".")[0] for row in heads} == {"aux1", "aux2"}
    assert with_heads.totals.params == without.totals.params + sum(row.params for row in heads)
    assert with_heads.totals.buffers == without.totals.buffers + sum(row.buffers for row in heads)
    for name in ("macs", "flops", "activations", "peak_activations"):
        assert getattr(with_heads.totals, name) == getattr(without.totals, name)


def test_what_leads_to_a_block_that_came_out_empty_alone_serves_nobody():
    """The main value goes on from the other input, so the layer before the empty block serves the head, which is for training."""
    text = "block b():\n  relu if no\nx: input 4x4x2\ny: input 4x4x3\nlinear 5\nb\noutput o train: conv k=1 f=2\nfrom x | tokens\n"
    report = check(text)
    assert [(row.name, row.training) for row in report.layers] == [("linear1", True), ("o", True), ("tokens1", False)]
    assert (report.totals.params, report.totals.macs) == (3 * 5 + 5 + 5 * 2 + 2, 0)


# by hand


def test_numbers_that_can_be_counted_on_paper():
    """Input 4x4x2 = 32, the convolution's output 4x4x3 = 48."""
    start = "input 4x4x2\nconv k=1 f=3\n"
    assert check(start).totals.peak_activations == 32 + 48
    assert check(start + "relu\n").totals.peak_activations == 32 + 48  # in the convolution's memory
    assert check(start + "bn\n").totals.peak_activations == 48 + 48
    assert check(start + "residual: relu\n").totals.peak_activations == 48 + 48 + 48  # it is read again
    assert check(start + "flatten | dropout 0.5\n").totals.peak_activations == 32 + 48
    assert check(start + "fc 1000\n").totals.peak_activations == 48 + 1000
    assert check(start + "adaptpool 4x4\n").totals.peak_activations == 32 + 48
    assert check(start + "adaptpool 2x2\n").totals.peak_activations == 32 + 48
    assert check(start + "adaptpool 8x8\n").totals.peak_activations == 48 + 192
    assert check(start + "slice 0:1 | conv k=1 f=3\n").totals.peak_activations == 32 + 48
    assert check(start + "slice 0:1 | conv k=1 f=5\n").totals.peak_activations == 16 + 80
    assert check("input 4x4x2\nrelu\n").totals.peak_activations == 32


BY_HAND = {
    "branches": "input 4x4x2\nconcat:\n  conv k=1 f=3 | relu\n  relu | conv k=1 f=4\n  skip\nconv k=1 f=1\n",
    "a block that is the identity": "block b():\n  skip\ninput 4x4x2\nconcat:\n  b\n  conv k=1 f=3\nconv k=1 f=1\n",
    "one value under two names": "block b():\n  relu if no\ninput 4x4x9\nb\ng:\n  residual:\n    from input | conv k=1 f=3\n    relu\n    shortcut: conv k=1 f=3\n",
    "one value under two names in rounds": "block b():\n  relu if no\ninput 4x4x2\na: conv k=1 f=9\nc: b\nconv k=1 f=3\nrepeat 3:\n  conv k=1 f=9 | add a | relu | add c | conv k=1 f=3\n",
    "one value twice": "input 4x4x2\na: conv k=1 f=3\nadd a\nrelu | add a\n",
    "all to itself": "input 4x4x2\nadd:\n  skip\n  skip\nrelu\n",
    "read long after": "input 4x4x2\na: conv k=1 f=9\nconv k=1 f=3 | relu | conv k=1 f=3 | relu\nconcat a\nrelu\n",
    "a label over steps that read the value before it again": "input 4x4x4\na: conv k=1 f=4\nb: concat a | conv k=1 f=4\n",
    "read in every round": "input 4x4x2\na: conv k=1 f=9\nrepeat 4:\n  conv k=3 f=9 p=1 | relu | add a\nrelu | conv k=1 f=2\n",
    "read in every round and after": "input 4x4x2\na: conv k=1 f=9\nrepeat 4:\n  conv k=3 f=9 p=1 | relu | add a\nconv k=1 f=2 | concat a\n",
    "read in the first step of every round": "input 4x4x2\na: conv k=1 f=3\nrepeat 3:\n  add a | conv k=1 f=30 | relu | conv k=1 f=3\nrelu\n",
    "rounds in place": "input 4x4x2\nconv k=1 f=3\nrepeat 5: relu | dropout 0.5\nbn\n",
    "a label kept over rounds in place": "input 4x4x2\na: conv k=1 f=3\nrepeat 5: relu | dropout 0.5\nadd a\n",
    "a label kept over one in place": "input 4x4x2\na: conv k=1 f=3\nb: relu\nc: dropout 0.5\nadd b | add a\n",
    "grouped": "input 4x4x2\nstem: conv k=1 f=3 | relu\nbody:\n  conv k=1 f=5 | relu\n  residual: relu | conv k=1 f=5\nconcat stem\n",
    "nested rounds": "input 4x4x2\nrepeat 2:\n  conv k=1 f=4\n  repeat 3:\n    residual: relu | conv k=1 f=8 | relu | conv k=1 f=4\nfc 3\n",
    "squeeze": "input 8x8x4\nconv k=3 f=8 p=1\nmul:\n  skip\n  gap | conv k=1 f=2 | relu | conv k=1 f=8 | sigmoid\nrelu\n",
    "tokens": "input 8x8x4\nconv k=2 s=2 f=8 | tokens | cls | pos\nrepeat 2:\n  residual: ln | attn heads=2\n  residual: ln | linear 16 | gelu | linear 8\nln | first | fc 5 | softmax\n",
    "two inputs": "left: input 4x4x2\nright: input 4x4x3\nfrom left\na: conv k=1 f=5 | relu\nfrom right\nconv k=1 f=5 | relu\nconcat a\nrelu\n",
    "merging in rounds of one step": "input 4x4x2\na: conv k=1 f=3\nrepeat 4: add a\nrelu\n",
    "rounds that do not read what they are given": "input 4x4x2\na: conv k=1 f=3\nrepeat 3 as i: from input | conv k=1 f=5 | concat a\n",
    "a block within that does not": "input 4x4x2\na: conv k=1 f=30\nb:\n  from input\n  conv k=1 f=1\nconv k=1 f=2\n",
    "rounds that hand on what they are given": "input 4x4x2\nrepeat 3:\n  conv k=1 f=3\n  from input\nrelu\n",
    "a shortcut": "input 4x4x2\nconv k=1 f=8\nresidual:\n  relu | conv k=1 f=16\n  relu\n  shortcut: conv k=1 f=16\nrelu\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    check(BY_HAND[name])


MORE = {
    "a group that reads another value than the one before it": "input 4x4x2\na: conv k=1 f=3\nconcat a | conv k=1 f=50\nb: c:\n  from a | conv k=1 f=4\n  bn\nadd b\n",
    "a block that came out empty": "block b(n):\n  relu if n > 1\ninput 4x4x2\nb 1\nadd input\nb 1 | relu\n",
    "a block that came out empty, on an input that nobody reads": "block b(n):\n  relu if n > 1\nx: input 4x4x2\ny: input 6\nb 1\nfrom x\nconv k=1 f=1\nrelu\n",
    "two rounds that read a value from outside": "input 4x4x2\nrepeat 2:\n  residual:\n    add input\n    conv k=1 f=2\n",
    "rounds that leave the chain": "input 4x4x2\nrepeat 3:\n  from input | conv k=1 f=50\n  from input | relu\nrelu\n",
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_values_that_are_handed_over_and_not_read(name):
    check(MORE[name])


def test_outputs_live_to_the_end():
    """A side output is read by nobody, and kept; so is a value that an output only names."""
    check("input 4x4x2\nconv k=1 f=3\noutput aux: conv k=1 f=7\nconv k=1 f=5 | conv k=1 f=9\n", kept=["aux", "conv3"])
    check("input 4x4x2\nconv k=1 f=7\noutput aux\nrelu | conv k=1 f=5 | conv k=1 f=9\n", kept=["conv1", "conv3"])
    check("input 4x4x2\nconv k=1 f=3\noutput aux train: conv k=1 f=70\nconv k=1 f=5 | conv k=1 f=9\n")
    check("input 4x4x2\nconv k=1 f=3\nrelu\noutput aux train: conv k=1 f=70\n")


def test_a_value_that_nobody_reads_is_given_back():
    """It lives while its layer runs, and no longer: a value lives to the last layer that reads it."""
    report = check("input 4x4x2\na: conv k=1 f=100\nfrom input\nconv k=1 f=1 | conv k=1 f=1\n")
    assert report.totals.peak_activations == 32 + 1600


# random


def random_spec(seed):
    """Lines that keep the shape 4x4x4 from line to line, with labels read anywhere after."""
    draw = random.Random(seed)
    lines, labels = ["input 4x4x4"], ["input"]

    def steps(known, depth):
        kind = draw.choice(["relu", "relu", "dropout 0.5", "conv k=3 f=4 p=1", "bn", "wide", "add", "mul", "concat", "slice", "adapt"])
        match kind:
            case "wide":
                return f"conv k=1 f={draw.choice([1, 2, 8, 16])} | relu | conv k=1 f=4"
            case "add" | "mul":
                return f"{kind} {draw.choice(known)}"
            case "concat":
                return f"concat {' '.join(draw.sample(known, min(len(known), draw.randint(1, 2))))} | conv k=1 f=4"
            case "slice":
                return f"slice 0:{draw.randint(1, 3)} | conv k=1 f=4"
            case "adapt":
                return "adaptpool 4x4"
            case _:
                return kind

    def suite(indent, known, depth):
        pad = "  " * indent
        known = list(known)
        for _ in range(draw.randint(1, 4)):
            kind = draw.choice(["chain", "chain", "label", "residual", "repeat", "branches", "from"] if depth else ["chain", "label"])
            chain = " | ".join(steps(known, depth) for _ in range(draw.randint(1, 3)))
            match kind:
                case "chain":
                    lines.append(pad + chain)
                case "label":
                    name = f"v{len(labels)}"
                    labels.append(name)
                    lines.append(f"{pad}{name}: {chain}")
                    known.append(name)
                case "residual" | "repeat":
                    lines.append(pad + ("residual:" if kind == "residual" else f"repeat {draw.randint(1, 4)}:"))
                    suite(indent + 1, known, depth - 1)
                case "branches":
                    lines.append(pad + draw.choice(["add:", "mul:", "concat:"]))
                    concat = lines[-1].endswith("concat:")
                    for _ in range(draw.randint(2, 3)):
                        lines.append(f"{pad}  " + draw.choice(["skip", " | ".join(steps(known, depth) for _ in range(2))]))
                    if concat:
                        lines.append(pad + "conv k=1 f=4")
                case "from":
                    lines.append(f"{pad}from {draw.choice(known)} | {chain}")

    suite(0, ["input"], 2)
    suite(0, ["input", *[name for name in labels[1:] if any(line.startswith(f"{name}:") for line in lines)]], 2)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("start", few_quick(range(0, 600, 60), [0, 60, 120]))
def test_random_networks(start):
    compared = 0
    for seed in range(start, start + 60):
        text = random_spec(seed)
        try:
            report = archspec.analyze(archspec.loads(text))
        except archspec.SpecError as error:
            # the only mistake these can have: one label in two rounds of a repeat that were told apart
            assert {found.code for found in error.diagnostics if found.severity == "error"} <= {"A108"}, (text, error.diagnostics)
            continue
        read = {name for row in report.layers for name in row.sources}
        if not report.layers or {row.name for row in report.layers[:-1]} - read or "input" not in read:
            continue  # a value that nobody reads has its own test
        check(text)
        compared += 1
    assert compared >= 10


def test_a_tensor_that_a_path_leads_to_is_among_the_weights():
    report = archspec.analyze(archspec.loads("input 4x4x2\ng:\n  t: tensor 1x1x2\n  conv k=1 f=2\nadd g.t\n"))
    assert report.totals.peak_activations == 32 + 32
