"""Receptive fields where positions see unlike much, where paths meet, and of the last maps: examples that can be counted on paper."""

import json

import pytest

import archspec
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json


def said(text):
    """Least and largest field of a network, and the jump of its last layer; the same of its flat spec and of its document."""
    network = archspec.loads(text)
    reports = [archspec.analyze(n) for n in (network, archspec.loads(expand(network)), from_json(to_json(network)))]
    rows = [[(row.smallest_field, row.receptive_field, row.jump) for row in report.layers] for report in reports]
    totals = [(report.totals.smallest_field, report.totals.receptive_field) for report in reports]
    assert rows[0] == rows[1] == rows[2]
    assert totals[0] == totals[1] == totals[2]
    return (*totals[0], rows[0][-1][2])


ENLARGED = {
    "avgpool 2 | upsample 2": ((2, 2), (2, 2), (1, 1)),
    "upsample 4 | avgpool 4": ((1, 1), (1, 1), (1, 1)),
    "avgpool 2 | deconv k=2 s=2 f=1": ((2, 2), (2, 2), (1, 1)),
    "avgpool 2 | deconv k=3 s=2 f=1": ((2, 2), (4, 4), (1, 1)),
    "avgpool 2 | upsample 2 mode=bilinear": ((4, 4), (4, 4), (1, 1)),
    "upsample 3 mode=bilinear": ((1, 1), (2, 2), (1 / 3, 1 / 3)),
    "deconv k=1 s=2 p=same f=1": ((0, 0), (1, 1), (0.5, 0.5)),
    "deconv k=1 s=2 p=same f=1 | conv k=2 f=1": ((1, 1), (1, 1), (0.5, 0.5)),
    "deconv k=2 s=2 d=3 f=1": ((1, 1), (1, 1), (0.5, 0.5)),
    "deconv k=2 s=2 d=3 f=1 | conv k=2 f=1": ((2, 2), (3, 3), (0.5, 0.5)),
    "deconv k=2 s=2 d=3 f=1 | conv k=2 d=2 f=1": ((2, 2), (2, 2), (0.5, 0.5)),
    "conv k=1 f=4 | pixelshuffle 2": ((1, 1), (1, 1), (0.5, 0.5)),
    "winattn heads=1 w=4": ((4, 4), (4, 4), (1, 1)),
    "residual: winattn heads=1 w=4 | winattn heads=1 w=4 shift=2": ((8, 8), (8, 8), (1, 1)),
    "repeat 5: deconv k=3 s=2 d=2 p=same f=1 | conv k=3 s=2 p=same f=1": ((11, 11), (11, 11), (1, 1)),
}


@pytest.mark.parametrize("layers", ENLARGED)
def test_behind_what_enlarges_each_position_has_its_own_field(layers):
    assert said(f"input 64x64x1\n{layers}\n") == ENLARGED[layers]


def test_unet_sees_188_to_204():
    """The four cropped paths and the way up: 215 was the box around all phases, which none of them has."""
    totals = archspec.analyze(archspec.load("unet")).totals
    assert (totals.smallest_field, totals.receptive_field) == ((188, 188), (204, 204))


@pytest.mark.parametrize(
    ("size", "out", "windows"),
    [
        (7, 2, "4"),
        (7, 3, "3"),
        (7, 4, "2-3"),
        (8, 4, "2"),
        (3, 7, "1-2"),
        (10, 4, "3"),
        (13, 6, "3"),
        (5, 1, "5"),
        (12, 8, "2"),
        (9, 6, "2"),
    ],
)
def test_adaptive_pools_have_the_windows_that_there_are(size, out, windows):
    """Output i covers the inputs from floor(i*S/T) up to ceil((i+1)*S/T)."""
    covered = [-(-(i + 1) * size // out) - i * size // out for i in range(out)]
    assert windows == "-".join(map(str, sorted({min(covered), max(covered)})))
    (row,) = archspec.analyze(archspec.loads(f"input {size}x2\nadaptpool {out}\n")).layers
    assert row.work["output"] == f"windows of {windows}"
    assert row.cost.flops == 2 * sum(covered)
    if out > 1:
        assert ((row.smallest_field[0], row.receptive_field[0]), row.jump) == ((min(covered), max(covered)), (size / out,))


BRANCHES = {
    ("conv k=3 f=4 | gap", "conv k=7 f=4 | gap"): (7, 7),
    ("conv k=3 f=4 | gap | flatten", "conv k=7 f=4 | gap | flatten", "conv k=9 f=4 s=2 | gap | flatten"): (9, 9),
    ("conv k=3 f=4 | gap", "gap"): (3, 3),
    ("instnorm | conv k=3 f=4 | gap", "conv k=7 f=4 | gap"): (33, 33),
    ("conv k=5 f=4 p=2", "instnorm"): (33, 33),
    ("winattn heads=1 w=11", "instnorm", "conv k=3 f=2 p=1"): (33, 33),
    ("conv k=5 f=4 s=4", "crop 8"): (14, 14),
    ("pool 33 | conv k=1 f=4", "gap"): (33, 33),
}


@pytest.mark.parametrize("branches", BRANCHES)
def test_no_order_and_no_grouping_of_branches_changes_the_field(branches):
    """In any order, under a label, in a block, merged one by one."""
    lines = "".join(f"  {line}\n" for line in branches)
    inner = "".join(f"    {line}\n" for line in branches)
    reverse = "".join(f"  {line}\n" for line in reversed(branches))
    texts = [
        f"input 33x33x2\nconcat:\n{lines}fc 10\n",
        f"input 33x33x2\nconcat:\n{reverse}fc 10\n",
        f"input 33x33x2\na:\n  concat:\n{inner}fc 10\n",
        f"block b():\n  concat:\n{inner}input 33x33x2\nrepeat 1: b\nfc 10\n",
        "input 33x33x2\n" + "".join(f"v{at}: g{at}:\n  from input\n  {line}\n" for at, line in enumerate(branches))
        + "".join(f"concat v{at}\n" for at in range(len(branches) - 1)) + "fc 10\n",
    ]  # fmt: skip
    for text in texts:
        assert said(text)[1] == BRANCHES[branches], text


def test_what_is_seen_whole_is_whole_whatever_joins_it():
    """`?` was said of the group, the whole input of the same lines written flat."""
    assert said("input 8x8x4\ninstnorm\nl: residual: winattn heads=1 w=4\n") == ((8, 8), (8, 8), None)


def test_what_reads_only_gaps_of_what_is_whole_is_written_flat_as_in_a_block():
    """Every third position of the transposed convolution has numbers, and the convolution behind it meets none of these."""
    layers = "deconv k=1 f=5 s=3 p=1 d=2 | conv k=1 f=1 s=3 round=ceil"
    flat, called = f"input 8x8x4\ninstnorm\n{layers}\n", f"input 8x8x4\ninstnorm\nb\nblock b():\n  {layers}\n"
    assert said(flat) == said(called) == ((8, 8), (8, 8), None)


def test_paths_of_different_strides_meet():
    """Position i sees 2i - 1 to 2i + 1 on one path and i + 4 on the other; of those that see nothing beyond the border 5 sees least."""
    text = "input 16x1\nx: conv k=3 f=1 s=2 p=1 round=floor\nfrom input | crop 8 | add x\n"
    measured = [(min(2 * i - 1, i + 4), max(2 * i + 1, i + 4)) for i in range(8)]
    within = [high - low + 1 for low, high in measured if low >= 0 and high < 16]
    assert said(text) == ((min(within),), (max(within),), None)


LAST = {
    "conv k=16 f=10 | relu | conv k=1 f=5": (16, 16),
    "conv k=3 f=4 | pool 14 | conv k=1 f=5 | fc 3": (16, 16),
    "conv k=3 f=4 | gap | conv k=1 f=5": (3, 3),
    "conv k=3 f=4 | gap | residual: conv k=1 f=4 | relu": (3, 3),
    "conv k=3 f=4 | gap | repeat 3: residual: conv k=1 f=4": (3, 3),
    "fc 3": (1, 1),
    "conv k=3 f=4 p=1\nmul:\n  skip\n  gap\nconv k=3 f=4 p=1": (16, 16),
}


@pytest.mark.parametrize("layers", LAST)
def test_a_map_of_one_position_made_by_windows_is_a_last_map(layers):
    assert said("input 16x16x3\n" + layers.replace("| residual", "\nresidual").replace("| repeat", "\nrepeat") + "\n")[1] == LAST[layers]


def test_a_vector_beside_an_image_counts_for_nothing():
    """A vector has no positions to be seen."""
    text = "a: input 16x16x3\nb: input 5\nx: from a | conv k=3 f=4 | gap | flatten\nfrom b | fc 4\nconcat x\nfc 2\n"
    assert said(text)[1] == (3, 3)
    assert archspec.analyze(archspec.loads("input 8\nfc 3\n")).totals.receptive_field is None


def test_inputs_of_unlike_ranks():
    """Each is measured along its own axes."""
    network = archspec.loads("a: input 30x1\nb: input 12x8x1\noutput o:\n  from b\n  upsample 2 | conv k=3 f=1\nfrom a\nadaptpool 4\n")
    rows = archspec.analyze(network).layers
    assert [(row.smallest_field, row.receptive_field) for row in rows] == [((1, 1), (1, 1)), ((2, 2), (2, 2)), ((8,), (8,))]


def test_long_repeats_of_what_has_phases():
    """Rounds are composed by squaring; the union of all of them too."""
    text = "input 60x1\ndeconv k=4 f=1 s=2 p=1\nl: relu\nrepeat 100000:\n  conv k=3 f=1 p=1\n  add l\nconv k=1 f=1\n"
    row = archspec.analyze(archspec.loads(text.replace("100000", "1000"))).totals
    assert (row.smallest_field, row.receptive_field) == ((1002,), (1002,))
    assert archspec.analyze(archspec.loads(text)).totals.receptive_field == (100002,)


def test_a_repeat_that_begins_with_gaps():
    """Rounds are walked one by one until each position sees something, and composed from there on."""
    body = "  deconv k=3 s=2 d=2 p=same f=1 | conv k=3 s=2 p=same f=1\n"
    found = [said(f"input 64x1\ndeconv k=2 s=2 d=3 f=1\nrepeat {n}:\n{body}")[1] for n in (1, 2, 3, 4)]
    assert found == [(n + 2,) for n in (1, 2, 3, 4)]
    text = f"input 64x1\ndeconv k=2 s=2 d=3 f=1\nrepeat 100000:\n{body}"
    assert archspec.analyze(archspec.loads(text)).totals.receptive_field == (100002,)


def test_what_has_too_many_phases_is_not_known_and_costs_nothing():
    for layers in ("upsample 1099511627776", "upsample 4096 | deconv k=3 s=2 f=1", "repeat 30: upsample 2"):
        assert archspec.analyze(archspec.loads(f"input 3x1\n{layers}\n")).totals.receptive_field is None, layers


def test_explain_names_no_window_that_is_not_whole(archspec_command):
    text = "input 63x49x1\nconv k=3x5 f=2\nadaptpool 8\nupsample 4\nconv k=3 f=2 p=1 | relu\navgpool 2\ndeconv k=3 s=2 f=2\n"
    done = archspec_command("explain", "-", stdin=text)
    assert done.status == 0
    lines = [" ".join(line.split()[2:]) for line in done.out.splitlines() if line.startswith("  receptive field")]
    assert lines == [
        "3x5 height: 1 + (3 - 1)*1 = 3; neighbours 1*1 = 1 apart; width: 1 + (5 - 1)*1 = 5; neighbours 1*1 = 1 apart",
        "10x10 to 11x11 not every position sees as much; neighbours 7.625x5.625 apart on average",
        "10x10 to 11x11 not every position sees as much; neighbours 1.90625x1.40625 apart on average",
        "10x10 to 19x17 not every position sees as much; neighbours 1.90625x1.40625 apart on average",
        "10x10 to 19x17 as before",
        "18x16 to 19x17 not every position sees as much; neighbours 3.8125x2.8125 apart on average",
        "18x16 to 26x22 not every position sees as much; neighbours 1.90625x1.40625 apart on average",
    ]


def test_the_table_says_from_what_to_what_the_field_goes(archspec_command):
    text = "input 16x16x1\navgpool 2 | deconv k=3 s=2 f=1\n"
    assert "receptive field of the last map 2x2 to 4x4\n" in archspec_command("table", "-", stdin=text).out
    document = json.loads(archspec_command("table", "-", "--format", "json", stdin=text).out)
    for told in (document["layers"][-1], document["totals"]):
        assert (told["smallest_field"], told["receptive_field"]) == ([2, 2], [4, 4])
    assert document["layers"][-1]["jump"] == [1, 1]


def test_explain_of_an_adaptive_pool_prints_the_windows_that_there_are(archspec_command):
    """7 positions in 2 windows: 0 to 3 and 3 to 6."""
    found = archspec_command("explain", "-", stdin="input 7x7x1\nadaptpool 2\n").out
    assert "windows of 4x4\n" in found and "differ" not in found and "3-5" not in found
