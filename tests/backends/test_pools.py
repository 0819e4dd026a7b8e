"""Pooling against its definition, written with NumPy: the emitted module and the ONNX file, over configurations of every rank."""

from __future__ import annotations

import itertools
import random

import pytest

np = pytest.importorskip("numpy", reason="numpy is what the definition is written with")
torch = pytest.importorskip("torch", reason="torch runs the emitted modules")
pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX files")

import archspec
from archspec.ops import make
from archspec.ops.window import Windowed
from archspec.types import Map
from tests.helpers.onnx import inputs_of, run, session
from tests.helpers.specs import few_quick


def windows(size, k, s, d, p, rounding):
    """For each output of an axis: the positions read, padding among them, and the padded extent. By hand: put windows down one by one."""
    span = d * (k - 1) + 1
    if p == "same":
        out = -(-size // s)
        total = max(0, (out - 1) * s + span - size)
        before, after = total // 2, total - total // 2
        starts = [at * s - before for at in range(out)]
    else:
        before = after = p
        starts = [at for at in range(-p, size + p, s) if at + span <= size + p]
        following = starts[-1] + s
        if rounding == "ceil" and starts[-1] + span < size + p and following < size:
            starts.append(following)
    return [[start + i * d for i in range(k)] for start in starts], size + after


def pooled(x, step, axes, count_pad):
    """The definition for an array C,*S; `axes` are the windows of each spatial axis."""
    y = np.empty((x.shape[0], *(len(reads) for reads, _ in axes)))
    for at in itertools.product(*(range(len(reads)) for reads, _ in axes)):
        reads = [axis[0][i] for axis, i in zip(axes, at, strict=True)]
        inside = [[n for n in places if 0 <= n < size] for places, size in zip(reads, x.shape[1:], strict=True)]
        values = x[np.ix_(range(x.shape[0]), *inside)].reshape(x.shape[0], -1)
        if step == "pool":
            y[(slice(None), *at)] = values.max(axis=1)
            continue
        counted = [[n for n in places if n < end] for places, (_, end) in zip(reads, axes, strict=True)] if count_pad else inside
        y[(slice(None), *at)] = values.sum(axis=1) / np.prod([len(places) for places in counted])
    return y


def placed(sizes, k, s, p, d, rounding):
    """The windows of a pool, those in the padding alone too."""
    pool, x = make("pool", {"w": k, "s": s, "p": p, "d": d, "round": rounding}), Map(sizes, 1)
    Windowed.check(pool, x)
    return pool.window(x)


def drawn(step, rank, count):
    """Random configurations that the language accepts: sizes, windows, strides, dilations, paddings, rounding, whether padding counts."""
    draw = random.Random(f"{step}{rank}")
    while count:
        sizes = tuple(draw.randint(1, 7) for _ in range(rank))
        k, s, d = (tuple(draw.randint(1, most) for _ in range(rank)) for most in (4, 4, 3 if step == "pool" else 1))
        p = "same" if draw.random() < 0.3 else tuple(draw.randint(0, n // 2) for n in k)
        rounding = draw.choice(["floor", "ceil"])
        try:
            slides = placed(sizes, k, s, p, d, rounding)
        except archspec.ops.base.Misfit:
            continue
        if all(slide.blind is None for slide in slides):
            count -= 1
            yield sizes, k, s, d, p, rounding, draw.random() < 0.5


def sized(numbers):
    return "x".join(map(str, numbers))


@pytest.mark.parametrize("count", few_quick([30, 120], [30]))
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("step", ["pool", "avgpool"])
def test_values_by_the_definition(step, rank, count):
    """The module that is emitted and onnxruntime give the shape that we say and the numbers of the definition; nothing is NaN."""
    for sizes, k, s, d, p, rounding, count_pad in drawn(step, rank, count):
        words = f"w={sized(k)} s={sized(s)} p={p if p == 'same' else sized(p)} round={rounding}"
        words += f" d={sized(d)}" if step == "pool" else f" count_pad={'yes' if count_pad else 'no'}"
        text = f"input {sized(sizes)}x2\n{step} {words}\n"
        network = archspec.loads(text)
        inputs = inputs_of(network, 2)
        paddings = p if isinstance(p, tuple) else (p,) * rank
        axes = [windows(*axis, rounding) for axis in zip(sizes, k, s, d, paddings, strict=True)]
        expected = np.stack([pooled(x, step, axes, count_pad) for x in inputs["input"].numpy().astype("float64")])
        assert network.graph.output.spatial == expected.shape[2:], text
        with torch.no_grad():
            ours = archspec.to_torch(network)(inputs["input"]).numpy()
        (other,) = run(session(archspec.to_onnx(network)), inputs)
        for found in (ours, other):
            assert found.shape == expected.shape, text
            assert np.abs(found - expected).max() < 1e-5, text


@pytest.mark.parametrize("count_pad", ["yes", "no"])
def test_an_average_over_an_axis_shorter_than_its_window_in_3d(count_pad):
    """nn.AvgPool3d refuses it before it pads, and rounding up it would begin a window in the padding behind."""
    network = archspec.loads(f"input 6x3x2x1\navgpool w=3 p=1 round=ceil count_pad={count_pad}\n")
    y = archspec.to_torch(network)(torch.ones(1, 1, 6, 3, 2))
    assert tuple(y.shape) == (1, 1, 3, 2, 1) and not y.isnan().any()


def test_a_window_in_the_padding_alone_is_found_by_hand():
    """Where the dilation is larger than the axis, a window may have no element in the map: the first such output, by looking at each."""
    seen = 0
    for size, k, s, d, p in itertools.product(range(1, 7), range(1, 6), range(1, 5), range(1, 10), ["same", 0, 1, 2]):
        for rounding in ("floor", "ceil"):
            try:
                (slide,) = placed((size,), k, s, p, d, rounding)
            except archspec.ops.base.Misfit:
                continue
            reads = windows(size, k, s, d, p, rounding)[0]
            expected = next((at for at, places in enumerate(reads) if not any(0 <= n < size for n in places)), None)
            assert slide.blind == expected, (size, k, s, d, p, rounding)
            seen += expected is not None
    assert seen > 500


def test_a_maximum_of_the_padding_alone_is_refused_with_its_place():
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads("input 1x5x1\npool w=2x1 p=same d=2\n")
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.text) == ("A204", "d=2")
    assert "window 1 of 1 along the height" in found.message and "-1, 1" in found.notes[0] and "d=1" in found.help
    archspec.loads("input 1x5x1\npool w=2x1 p=same d=1\n")
    archspec.loads("input 2x5x1\npool w=2x1 p=same d=2\n")
