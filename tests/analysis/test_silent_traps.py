"""Specs that check, count and run, and mean something else than their writer: each is warned of, and its mended form is not."""

import re

import pytest

import archspec
from archspec.api import Options, compile_text
from archspec.finding import bundled_names


def findings(text, inputs=None):
    """The findings of a spec that has no errors."""
    network, found = compile_text(text, "case.arch", Options(inputs=inputs or {}))
    assert network is not None, found
    return found


def codes(text, inputs=None):
    return {d.code for d in findings(text, inputs)}


def one(text, code, inputs=None):
    (found,) = [d for d in findings(text, inputs) if d.code == code]
    return found


@pytest.mark.parametrize(
    ("shape", "meant"),
    [
        ("1x224x224x3", "224x224x3"),
        ("1x3x224x224", "224x224x3"),
        ("32x3x64x64", "64x64x3"),
        ("8x1x28x28", "28x28x1"),
        ("1x7x7x512", "7x7x512"),
        ("1x784", "784"),
        ("3x224x224", "224x224x3"),
        ("3x480x640", "480x640x3"),
        ("1x28x28", "28x28x1"),
        ("4x84x84", "84x84x4"),
        ("3x16x112x112", "16x112x112x3"),
        ("1x64x64x64", "64x64x64x1"),
        ("28x28", "28x28x1"),
    ],
)
def test_a_batch_or_channels_that_come_first_are_asked_about(shape, meant):
    assert one(f"input {shape}\nfc 10\n", "A405").help == f"did you mean `input {meant}`?"
    assert "A405" not in codes(f"input {meant}\nfc 10\n")


@pytest.mark.parametrize(
    "shape", ["224x224x3", "480x640x3", "32x32x32x3", "16x112x112x3", "1x128x9", "1x100x4", "100x4", "3x3x3", "10x10x1", "784", "8x8x512"]
)
def test_shapes_that_can_be_meant_are_not_asked_about(shape):
    assert "A405" not in codes(f"input {shape}\nfc 10\n")


@pytest.mark.parametrize(
    ("own", "shape", "meant"),
    [
        ("224x224x3", (1, 3, 224, 224), "224x224x3"),
        ("224x224x3", (16, 224, 224, 3), "224x224x3"),
        ("224x224x3", (8, 3, 64, 96), "64x96x3"),
        ("224x224x3", (3, 100, 400), "100x400x3"),
        ("100x4", (1, 4, 100), "100x4"),
        ("784", (32, 784), "784"),
        ("224x224x3", (64, 64, 3, 1), "64x64x3"),
    ],
)
def test_a_shape_that_is_set_is_held_against_the_specs_own(own, shape, meant):
    assert one(f"input {own}\nfc 10\n", "A405", {"": shape}).help == f"did you mean {meant}?"


@pytest.mark.parametrize(("own", "shape"), [("224x224x3", (224, 3)), ("784", (28, 28, 1)), ("100x4", (100, 100, 40, 3))])
def test_a_shape_that_is_set_has_as_many_axes_as_the_specs_own(own, shape):
    assert "A405" in codes(f"input {own}\nfc 10\n", {"": shape})


@pytest.mark.parametrize("shape", [(64, 64, 3), (224, 320, 3), (64, 64, 1), (64, 64, 4)])
def test_another_size_or_number_of_channels_is_no_trap(shape):
    assert "A405" not in codes("input 224x224x3\nfc 10\n", {"": shape})


def test_a_batch_before_a_volume_is_refused_with_the_volume():
    _, found = compile_text("input 1x16x64x64x3\n", "case.arch", Options())
    assert found[0].help == "the batch is not an axis of a shape: write 16x64x64x3"


TWO = "input 8x8x3\na: conv k=1 f=8\nb: from input | conv k=1 f=8\n"


@pytest.mark.parametrize(
    ("step", "mended"),
    [
        ("concat a b", ["concat a", "from a | concat b"]),
        ("concat b a", ["concat a"]),
        ("add a b", ["add a"]),
        ("mul a b", ["mul a"]),
        ("concat b", []),
        ("add a a", []),
    ],
)
def test_the_value_at_hand_named_in_a_merge_counts_twice(step, mended):
    found = one(TWO + step, "A415")
    for way in mended:
        assert f"`{way}`" in found.help
        network = archspec.loads(TWO + way)
        assert network.diagnostics == ()
        assert len(network.graph.elements[-1].inputs) == 2


def test_a_value_merged_with_itself_on_purpose_is_written_as_branches():
    assert codes("input 8x8x3\nconv k=1 f=8\nmul:\n  skip\n  skip\n") == set()


CONV = "input 28x28x1\nconv k=3 f=8 bias=no | bn | relu\n"


@pytest.mark.parametrize("steps", ["linear 10", "linear 10 | softmax", "pool w=2 | dropout 0.5 | linear 64 | relu | linear 10"])
def test_a_linear_layer_behind_a_convolution_is_asked_about(steps):
    found = one(CONV + steps, "A416")
    assert "acts on the channels of each of the" in found.message
    for way in re.findall(r"`((?:fc|conv) [^`]*)`", found.help):
        assert "A416" not in codes(CONV + steps.replace(found.span.text, way, 1).replace("linear 10", "fc 10"))


@pytest.mark.parametrize(
    "text",
    [
        CONV + "gap | linear 10",
        CONV + "fc 64 | relu | linear 10",
        "input 28x28x8\nresidual: dwconv k=7 p=3 | ln | linear 32 | gelu | linear 8\ngap | fc 10",
        "input 28x28x8\nlinear 16",
        "input 16\nembed 100 8 | linear 10",
        CONV + "tokens | linear 10",
    ],
)
def test_a_linear_layer_per_position_where_it_is_usual_is_not(text):
    assert "A416" not in codes(text)


@pytest.mark.parametrize(
    ("line", "key", "wanted"),
    [
        ("conv1: conv k=3 f=8 | relu", "conv1.0.weight", "conv1.weight"),
        ("conv1_1: conv k=3 f=8 bias=no | bn | relu", None, None),
        ("fc6: fc 8 | relu | dropout 0.5", "fc6.0.weight", "fc6.weight"),
        ("bn1: bn | relu", "bn1.0.weight", "bn1.weight"),
    ],
)
def test_the_key_of_a_layer_in_a_labelled_chain_is_told(line, key, wanted):
    torch = pytest.importorskip("torch", reason="the keys are those of a module")
    text = f"input 28x28x1\n{line}\nlinear 4\n"
    if key is None:
        assert "A417" not in codes(text)
        return
    found = one(text, "A417")
    assert (found.severity, key in found.message, wanted in found.help) == ("note", True, True)
    first, _, rest = line.partition(" | ")
    for spec, name in ((text, key), (text.replace(line, f"{first}\n{rest}"), wanted)):
        module = archspec.to_torch(archspec.loads(spec), device=torch.device("meta"))
        assert name in module.state_dict()


@pytest.mark.parametrize("line", ["stem: conv k=3 f=8 | relu", "e1: conv k=3 f=8 | relu", "conv1: conv k=3 f=8\nrelu"])
def test_a_label_of_a_part_is_no_name_of_a_layer(line):
    assert "A417" not in codes(f"input 28x28x1\n{line}\n")


def test_a_label_that_is_merged_later_needs_its_whole_line():
    assert "A417" not in codes("input 8x8x1\nconv1: conv k=1 f=8 | relu\nbn\nadd conv1\n")


@pytest.mark.parametrize("steps", ["fc 4096", "flatten | fc 4096", "flatten\nlinear 4096"])
def test_a_fully_connected_layer_of_billions_is_told_with_its_arithmetic(steps):
    found = one(f"input 224x224x3\nconv k=3 f=64 p=1 | relu\n{steps}\n", "A418")
    assert "13,153,341,440 parameters: 53 GB" in found.message
    assert found.notes == ("224*224*64 = 3,211,264 numbers, and 4,096 units that read each of them",)
    mended = archspec.analyze(archspec.loads("input 224x224x3\nconv k=3 f=64 p=1 | relu\ngap | fc 4096\n"))
    assert f"{mended.layers[-1].params:,} parameters" in found.help


@pytest.mark.parametrize(
    ("text", "help_"),
    [
        ("input 32\nembed 300000000 512\n", "take fewer words or fewer channels"),
        ("input 8x8x65536\nconv k=1 f=65536\n", "take a smaller kernel or fewer filters"),
    ],
)
def test_what_makes_a_huge_layer_smaller_is_said_of_its_own_arguments(text, help_):
    assert one(text, "A418").help == help_


def test_vgg_is_below_a_billion():
    assert "A418" not in codes("input 7x7x512\nfc 4096")


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("fc 10 | relu | softmax", "A410"),
        ("fc 10 | sigmoid | softmax", "A410"),
        ("fc 10 | softmax | relu", "A410"),
        ("fc 10 | softmax | softmax", "A402"),
        ("fc 10 | softmax | logsoftmax", "A402"),
        ("bn | bn", "A410"),
        ("dropout 0.5 | dropout 0.5", "A410"),
        ("fc 10 | dropout 0.5", "A403"),
        ("conv k=2 f=4 s=3", "A420"),
        ("pool w=2 s=3", "A420"),
    ],
)
def test_layers_that_undo_what_stands_before_them(steps, code):
    assert code in codes(f"input 8x8x3\n{steps}\n")


@pytest.mark.parametrize(
    "steps", ["conv k=1 f=4 s=2 round=floor", "pool 2", "dropout 0.5 | fc 10", "fc 10 | relu | dropout 0.5", "ln | relu | ln"]
)
def test_layers_that_only_look_so(steps):
    assert codes(f"input 8x8x3\n{steps}\n") == set()


@pytest.mark.parametrize("name", bundled_names())
def test_the_bundled_specs_have_no_such_finding(name):
    found = {d.code for d in archspec.load(name).diagnostics}
    assert found <= {"A408", "A413"}
