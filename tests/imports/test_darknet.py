"""Darknet's layers, as its C code computes them."""

from __future__ import annotations

import random

import pytest

import archspec
from archspec.imports.darknet import read
from archspec.shortening.prove import difference

NET = "[net]\nheight={}\nwidth={}\nchannels={}\n"


def imported(folder, text, size=(8, 8, 4), inputs=None):
    path = folder / "small.cfg"
    path.write_text((NET.format(*size) if "[net]" not in text else "") + text)
    return read(path, inputs or {})


def body(found):
    """The lines behind the input."""
    lines = [line for line in found.text.splitlines() if line]
    return lines[next(at for at, line in enumerate(lines) if line.startswith("input")) :]


LAYERS = [
    ("[convolutional]\nfilters=6\nsize=3\npad=1\nactivation=linear", "conv k=3 f=6 p=1"),
    ("[conv]\nfilters=6\nsize=3\npadding=2\nactivation=leaky", "conv k=3 f=6 p=2 | leaky 0.1"),
    ("[convolutional]\nfilters=6\nsize=3\nstride=2\npad=1\npadding=5\ngroups=2\nactivation=relu", "conv k=3 f=6 s=2 p=1 g=2 | relu"),
    ("[convolutional]\nbatch_normalize=1\nfilters=6\nactivation=elu", "conv k=1 f=6 bias=no | bn momentum=0.01 | elu"),
    ("[convolutional]\nfilters=8\nsize=3\npad=1\ngroups=4", "dwconv k=3 p=1 m=2 | sigmoid"),
    ("[convolutional]\nfilters=6\nsize=3\ndilation=2\nstride_x=2\nstride_y=1\npad=1\nactivation=mish", "conv k=3 f=6 s=1x2 p=1 d=2 | mish"),
    ("[deconvolutional]\nfilters=6\nsize=4\nstride=2\npadding=1\nactivation=relie", "deconv k=4 f=6 s=2 p=1 | leaky"),
    ("[maxpool]\nsize=2\nstride=2", "pool w=2"),
    ("[maxpool]\nsize=3\nstride=2", "pool w=3 s=2 p=1"),
    ("[maxpool]\nsize=2\nstride=1", "pool w=2 s=1 p=same"),
    ("[maxpool]\nsize=5\nstride=1", "pool w=5 s=1 p=2"),
    ("[maxpool]\nsize=2\nstride=1\npadding=0", "pool w=2 s=1"),
    ("[maxpool]\nstride=2\npadding=0", "pool w=2"),
    ("[local_avgpool]\nsize=3\nstride=1", "avgpool w=3 s=1 p=1 count_pad=no"),
    ("[avgpool]\n[softmax]", "gap | softmax"),
    ("[softmax]", "flatten | softmax"),
    ("[softmax]\nspatial=1", "softmax"),
    ("[connected]\noutput=5\nactivation=tanh\n[softmax]\ntemperature=2", "fc 5 | tanh | mul 0.5 | softmax"),
    ("[connected]\nbatch_normalize=1\noutput=5\nactivation=loggy", "fc 5 bias=no | bn momentum=0.01 | mul 0.5 | tanh"),
    ("[dropout]\nprobability=.3\n[cost]", "dropout 0.3"),
    ("[crop]\ncrop_height=6\ncrop_width=4", "crop 6x4 | mul 2 | add -1"),
    ("[crop]\ncrop_height=6\ncrop_width=4\nnoadjust=1", "crop 6x4"),
    ("[upsample]\nstride=2\nscale=3", "upsample 2 | mul 3"),
    ("[upsample]\nstride=-2", "avgpool w=2 | mul 4"),
    ("[reorg]\nstride=2\nreverse=1", 'rearrange "h w (a b c) -> (h a) (w b) c" a=2 b=2'),
    ("[batchnorm]\n[l2norm]\n[logistic]\n[activation]\nactivation=selu", "bn momentum=0.01 | l2norm | sigmoid | selu"),
]


@pytest.mark.parametrize(("text", "line"), LAYERS, ids=[text.replace("\n", " ") for text, _ in LAYERS])
def test_a_layer(tmp_path, text, line):
    found = imported(tmp_path, text)
    assert same(f"input 8x8x4\n{line}", found)
    assert not found.note and not found.diagnostics


def same(spec, found):
    """Whether a network is that of a spec."""
    return difference(archspec.loads(f"default round=floor\n{spec}"), found.network) is None


def test_layers_that_read_others(tmp_path):
    text = "[convolutional]\nfilters=4\nactivation=linear\n[convolutional]\nfilters=8\nactivation=linear\n"
    joins = "[route]\nlayers=-1, 0\n[route]\nlayers = -1\ngroups=2\ngroup_id=1\n[shortcut]\nfrom=0\nactivation=leaky\n[shortcut]\nfrom=1\nbeta=2"
    spec = """
input 8x8x4
conv1: conv k=1 f=4
conv2: conv k=1 f=8
concat conv1
a: slice 6:12
from conv1 | pad c=0:2
b: add a
leaky 0.1
c: skip
from conv2 | slice 0:6
mul 2
add c
"""
    found = imported(tmp_path, text + joins)
    assert same(spec, found)


def test_routes_of_unlike_sizes_join_numbers(tmp_path):
    found = imported(
        tmp_path,
        "[maxpool]\nsize=2\nstride=2\n[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,-2\n[connected]\noutput=3\nactivation=linear",
    )
    assert archspec.analyze(found.network).totals.params == (2 * 2 * 4 + 4 * 4 * 4) * 3 + 3


@pytest.mark.parametrize(
    ("text", "params", "macs"),
    [
        (
            "[net]\ninputs=16\ntime_steps=3\n[rnn]\noutput=5\nbatch_normalize=1\nactivation=tanh",
            16 * 5 + 2 * 25 + 3 * 5 * 4,
            3 * (16 * 5 + 2 * 25),
        ),
        ("[net]\ninputs=16\n[rnn]\noutput=5\nhidden=7\nactivation=tanh", 16 * 7 + 49 + 35 + 19, 16 * 7 + 49 + 35),
        ("[net]\ninputs=16\n[gru]\noutput=5", 3 * (16 * 5 + 25 + 10), 3 * (16 * 5 + 25)),
        ("[net]\ninputs=16\n[lstm]\noutput=5", 4 * (16 * 5 + 25 + 10), 4 * (16 * 5 + 25)),
        ("[local]\nfilters=3\nsize=3\nstride=1\npad=1\nactivation=linear", 64 * 3 * 36 + 64 * 3, 64 * 3 * 36),
        ("[local]\nfilters=3\nsize=3\nstride=2\npad=0\nactivation=linear", 9 * 3 * 36 + 9 * 3, 9 * 3 * 36),
        ("[crnn]\noutput_filters=5\nhidden_filters=6\nactivation=linear", 9 * (4 * 6 + 36 + 30) + 17, 64 * 9 * (4 * 6 + 36 + 30)),
        ("[convolutional]\nfilters=6\nsize=3\npad=1\nxnor=1\nactivation=linear", 6 * 36 + 6, 64 * 6 * 36),
    ],
)
def test_layers_that_the_language_lacks_are_counted(tmp_path, text, params, macs):
    totals = archspec.analyze(imported(tmp_path, text).network).totals
    assert (totals.params, totals.macs) == (params, macs)


def test_a_layer_that_became_custom_is_shown_in_the_file(tmp_path):
    (found,) = imported(tmp_path, "[convolutional]\nfilters=3\nactivation=plse\n").diagnostics
    assert (found.code, found.severity, found.span.line, found.span.text) == ("A610", "warning", 5, "[convolutional]")


def test_detectors_are_results_of_their_own(tmp_path):
    head = "[convolutional]\nfilters=14\nactivation=linear\n[yolo]\nmask=0,1\nclasses=2\n"
    found = imported(tmp_path, f"{head}[route]\nlayers=-3\n{head}".replace("layers=-3", "layers=0"))
    assert [output.name for output in found.network.outputs] == ["output", "yolo1"]


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("relu=1", "A612", 1, "is no section and no option"),
        ("[net]\nheight\n", "A612", 2, "is no section and no option"),
        ("\0\0", "A612", 1, "binary data"),
        ("[net]\nheight=8\nwidth=8\n", "A613", 1, "no height, width and channels"),
        ("[convolutionel]\n", "A611", 5, "no layer `[convolutionel]`"),
        ("[route]\nlayers=-1\n", "A611", 6, "there is none before this one"),
        ("[dropout]\n[route]\nlayers=4\n", "A611", 7, "before this layer there are 0 to 0"),
        ("[dropout]\n[route]\nlayers=1\n", "A611", 7, "names layer 1"),
        ("[dropout]\n[shortcut]\nfrom=-9\n", "A611", 7, "names layer -8"),
        ("[dropout]\n[route]\n", "A611", 6, "`layers=` is missing"),
        ("[dropout]\n[route]\nlayers=,\n", "A611", 7, "names no layer"),
        ("[convolutional]\nfilters=many\n", "A611", 6, "must be a whole number, not `many`"),
        ("[convolutional]\nfilters=" + "9" * 90, "A611", 6, "must be a whole number"),
        ("[convolutional]\nfilters=999999999999\nsize=3\npad=1\nstride=0\n", "A611", 9, "at least 1, not 0"),
        ("[convolutional]\nfilters=999999999999999999\n", "A611", 5, "2^63"),
        ("[convolutional]\nfilters=3\nsize=11\n", "A611", 5, "window of 11"),
        ("[maxpool]\nsize=40\npadding=0\n", "A611", 5, "window of 40"),
        ("[yolo]\nclasses=3\n", "A611", 5, "1 boxes of 8 numbers take 8 channels"),
        ("[reorg]\nstride=3\n", "A611", 5, "divides no map"),
        ("[dropout]\nprobability=nan\n", "A611", 6, "must be a number"),
        ("[dropout]\nprobability=7\n", "A611", 5, "is no argument"),
        ("[dropout]\n" * 5_001, "A612", 5_005, "more than 5,000 sections"),
        ("[upsample]\nstride=2000000000\n", "A611", 5, "2^63"),
        ("#" * (9 << 20), "A612", 1, "more than 8 MiB"),
        (f"[route]\nlayers={'0,' * 1001}", "A611", 6, "1,001 numbers"),
    ],
    ids=lambda value: value[:30].replace("\n", " ") if isinstance(value, str) else None,
)
def test_what_cannot_be_read_has_a_place(tmp_path, text, code, line, words):
    path = tmp_path / "bad.cfg"
    path.write_text(text if text.startswith(("[net]", "relu", "\0", "#")) else NET.format(8, 8, 3) + text)
    with pytest.raises(archspec.SpecError) as error:
        read(path, {})
    found = error.value.diagnostics[0]
    assert (found.code, found.span.line if found.span else 1) == (code, line)
    assert words in found.message


def test_all_that_cannot_be_read_is_said_in_one_run(tmp_path):
    with pytest.raises(archspec.SpecError) as error:
        imported(tmp_path, "[nothing]\n[dropout]\n[route]\nlayers=7\n[avgpool]\n[yolo]\n")
    assert [found.span.line for found in error.value.diagnostics] == [5, 8]


def test_comments_spaces_and_line_ends(tmp_path):
    path = tmp_path / "odd.cfg"
    path.write_bytes(
        b"\xef\xbb\xbf# \xe9 in Latin-1\r\n[ net ]\r\n height = 8 \r\nwidth=\t8\r\nchannels=3\r\n;\r\n  [maxpool]\r\nsize = 2\r\nstride= 2\r\n"
    )
    assert body(read(path, {})) == ["input 8x8x3", "pool w=2"]


def test_the_shape_can_be_given(tmp_path):
    assert body(imported(tmp_path, "[dropout]", inputs={"": (4, 6, 3)}))[0] == "input 4x6x3"


def yolov3():
    """The file of Redmon and Farhadi 2018, written by rule."""
    conv = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize={}\nstride={}\npad=1\nactivation=leaky\n".format
    text = NET.format(608, 608, 3) + conv(32, 3, 1)
    for filters, rounds in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        text += conv(filters, 3, 2) + (conv(filters // 2, 1, 1) + conv(filters, 3, 1) + "[shortcut]\nfrom=-3\nactivation=linear\n") * rounds
    for filters, back in ((512, 61), (256, 36), (128, 0)):
        text += (conv(filters, 1, 1) + conv(2 * filters, 3, 1)) * 3
        text += "[convolutional]\nsize=1\nfilters=255\nactivation=linear\n[yolo]\nmask=0,1,2\nclasses=80\n"
        if back:
            text += "[route]\nlayers=-4\n" + conv(filters // 2, 1, 1) + f"[upsample]\nstride=2\n[route]\nlayers=-1,{back}\n"
    return text


def test_the_published_counts_of_yolov3(tmp_path):
    """yolov3.weights holds 62,001,757 numbers, running statistics included; its page names 140.69 billion operations, twice the MACs."""
    found = imported(tmp_path, yolov3())
    totals = archspec.analyze(found.network).totals
    assert totals.params + totals.buffers == 62_001_757
    assert round(2 * totals.macs / 1e9, 2) == 140.69
    ours = archspec.analyze(archspec.load("yolov3", inputs="608x608x3")).totals
    assert (totals.params, totals.macs, totals.connections) == (ours.params, ours.macs, ours.connections)


def test_mutations_are_read_or_refused(tmp_path, rounds):
    pieces = [
        "[route]\nlayers=-2\n",
        "[shortcut]\nfrom=-1\n",
        "[yolo]\n",
        "[reorg]\nstride=2\n",
        "[gru]\noutput=3\n",
        "[local]\n",
        "[crnn]\n",
        "=",
        "-",
    ]
    pieces += [
        "[",
        "]",
        "9" * 30,
        "0",
        "\n",
        "size=3\n",
        "stride=2\n",
        "groups=3\n",
        "[softmax]\ngroups=2\n",
        "[avgpool]\n",
        "[detection]\n",
        "é",
        "\x07",
    ]
    seeds = [NET.format(8, 8, 4) + "\n".join(text for text, _ in LAYERS[at : at + 4]) for at in range(0, 24, 4)]
    chance = random.Random(16)
    path = tmp_path / "mutated.cfg"
    for _ in rounds(300):
        text = chance.choice(seeds)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(pieces) + text[at + chance.choice((0, 0, 1, 9)) :]
        path.write_text(text)
        try:
            archspec.analyze(read(path, {}).network)
        except archspec.SpecError as error:
            assert all(found.code in ("A611", "A612", "A613", "A610") for found in error.diagnostics), text
