"""Every argument at the ends of its range: what the checker accepts runs in PyTorch and in onnxruntime, with equal values."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy", reason="numpy compares the values")
torch = pytest.importorskip("torch", reason="torch runs the emitted modules")
pytest.importorskip("onnxruntime", reason="onnxruntime runs the ONNX files")

import archspec
from archspec.ops import all_classes
from tests.helpers.onnx import inputs_of, run, session
from tests.helpers.specs import few_quick
from tests.helpers.torch import enliven, results

LARGEST = 3.4e38
"""Of a number in single precision."""
ENDS = {
    "conv": "k=1 f=1, k=1 f=1 bias=no, k=4 f=4 g=4, k=1 f=4 p=9, k=3 f=4 p=9 d=9, k=1 f=4 s=9 round=floor, k=1 f=4 s=9 round=ceil, "
    "k=2 f=4 s=9 p=same, k=1 f=2 p=valid, k=1 f=2 init=zeros, k=1 f=2 init=normal std=1e-300, k=1 f=2 init=truncated std=1, k=1 f=1 maps=((3,),), k=1 f=1 norm=std eps=1e-30, k=2 f=3 norm=std gain=no p=same, k=1 f=1 norm=weight, k=1 f=1 norm=spectral, k=1 f=1 p=3 mode=reflect, k=1 f=1 offset=input, k=1 f=1 p=9 mode=edge, k=1 f=1 p=4 mode=wrap, k=1 f=1 p=0:9",
    "dwconv": "k=1, k=4 m=3, k=1 p=5, k=2 s=3 d=3 round=ceil bias=no, k=1 init=orthogonal, k=1 init=normal std=1, k=2 p=same, k=2 norm=std gain=no eps=1e-30, k=1 norm=weight, k=1 norm=spectral, k=1 p=3:0 mode=reflect",
    "deconv": "k=1 f=1, k=1 f=4 g=4, k=1 f=4 s=5, k=1 f=4 s=5 op=4, k=1 f=4 d=5 op=4, k=3 f=4 p=2, k=3 f=4 s=2 p=4, k=2 f=4 s=3 d=4 op=3, "
    "k=2 f=4 s=3 d=2 op=2 p=2, k=1 f=4 p=same s=4, k=1 f=2 norm=weight, k=1 f=1 norm=spectral, k=1 f=4 s=2 op=1 p=1, k=1 f=2 bias=no, k=1 f=2 init=zeros, k=1 f=2 init=normal std=1",
    "pool": "1, 1 s=3 round=floor, 1 s=9 round=ceil, 4, 2 p=1 round=floor, 2 p=1 d=4 round=floor, 3 p=same d=2",
    "avgpool": "1, 1 s=9 round=floor, 4, 2 p=1 round=floor, 2 p=1 round=floor count_pad=no, 5 p=2 s=1 d=1 round=ceil, 5 p=2 round=ceil count_pad=no",
    "subsample": "1, 4, 1 s=4 round=ceil, 3 s=4 round=floor",
    "adaptpool": "1, 4, 9, to=input",
    "adaptmaxpool": "1, 4, 9, to=input",
    "bn": f"eps=1e-30, eps=1e-300, eps={LARGEST}, momentum=0, momentum=1, affine=no",
    "ln": f"eps=1e-30, eps=1e-300, eps={LARGEST}, bias=no, affine=no, affine=no bias=no",
    "rmsnorm": f"eps=1e-30, eps=1e-300, eps={LARGEST}",
    "l2norm": f"eps=1e-30, eps=1e-300, eps={LARGEST}",
    "grn": f"eps=1e-30, eps=1e-300, eps={LARGEST}",
    "evonorm": f"1, 2, 4, 1 act=no, 1 eps=1e-30, 1 eps={LARGEST}",
    "gn": f"1, 2, 4, 1 eps=1e-30, 1 eps=1e-300, 1 eps={LARGEST}",
    "instnorm": f"eps=1e-30, eps=1e-300, eps={LARGEST}, affine=yes",
    "lrn": "alpha=0, alpha=0 n=4, beta=0, beta=0 n=4, n=1, n=2 alpha=0 beta=0, k=0, alpha=1 k=0, alpha=-0.1 k=5.0, beta=-0.5, beta=-0.5 n=4, "
    "n=63, n=64, k=-1.0 beta=1, k=-1.0 beta=2, alpha=0 k=2.0 beta=1, alpha=1e-30, alpha=1e30 beta=0.1, alpha=0 beta=0 k=0",
    "leaky": f"0, 1, -1, {LARGEST}, {-LARGEST}, 1e-300",
    "elu": "0, 1, -1, 1e30, 1e-300",
    "gelu": "approx=none, approx=tanh",
    "prelu": "shared=yes, shared=no",
    "dropout": "0, 0.999999",
    "dropout2d": "0, 0.999999",
    "droppath": "0, 0.999999",
    "pad": "0, 0 c=0, 0 c=1, 6, 0x1, 0:9, d=0:1, h=1 w=0, 3 mode=reflect, 9 mode=edge, 4 mode=wrap",
    "crop": "1, 4, 1x4, to=1, to=4x4",
    "upsample": "1, 1 mode=bilinear, 7, 7 mode=bilinear, 2 mode=bicubic corners=yes, 1.5 round=floor, to=input",
    "unpool": "x w=2, x w=2 s=2 p=0 d=1 round=floor",
    "maxout": "1, 4",
    "pixelshuffle": "1, 2",
    "shuffle": "1, 2, 4",
    "patchmerge": "1, 4",
    "slice": "0:1, 0:4, 3:4, 0:1 axis=c, 3:4 axis=t",
    "softmax": "axis=c, axis=t",
    "logsoftmax": "axis=c, axis=t",
    "map": "4x4, 16, 1x1x16",
    "reshape": "1x1x1x16, 4x4, 16, 4x4x4",
    "rearrange": '"h w c -> c w h", "(h p) w c -> h w (p c)" p=4, "h w (g c) -> h w (c g)" g=1, "d h w c -> (d h w c)", "h w c -> h w c 1"',
    "matmul": "x",
    "custom": '"aten.sin" out=c(), "aten.pow" 1 macs=0 flops=0, "aten.div" -0.5, "aten.maximum" x',
    "concat": "x axis=c, x axis=t",
    "token": "0, 3, -1, -4",
    "mean": "axis=c, axis=t",
    "max": "axis=c, axis=t",
    "fc": "1, 1 bias=no, 1 init=zeros, 1 init=normal std=1e-300, 1 norm=std gain=no eps=1e-30, 1 norm=weight, 1 norm=spectral",
    "linear": "1, 1 bias=no, 1 init=zeros, 1 init=normal std=1, 1 norm=std gain=no eps=1e-30, 1 norm=weight, 1 norm=spectral",
    "rbf": "1",
    "embed": "50 1",
    "scale": f"0, 1, -1, {LARGEST}, 1e-300, 0 shared=yes, 1 flat=yes",
    "cls": "1, 5",
    "pos": "kind=learned, kind=sin",
    **dict.fromkeys(("rnn", "gru", "lstm"), "1, 3 dirs=2, 1 layers=4, 2 bias=no, 1 dirs=2 layers=2 out=last, 2 out=all"),
    "tensor": f"4 init=0, 1 init=1e-300, 1x1x4 init={LARGEST}, 4x4 init=eye map=yes, 4x4x4 init=normal std=1e-300, 4 frozen=yes, 4x4 stored=16",
    "add": f"0, -1, {LARGEST}, x stretch=yes",
    "sub": f"0, -1, {LARGEST}, x stretch=yes",
    "mul": f"0, -1, {LARGEST}, x",
    "attn": "heads=1, heads=4, heads=4 bias=no, heads=4 kvheads=1 d=1 f=1, heads=1 rope=1, heads=2 rope=1000000 causal=yes, heads=1 rel=table, "
    "heads=4 rel=buckets causal=yes, heads=4 talk=yes, heads=1 scale=0, heads=1 scale=-1, heads=4 sim=cos proj=apart, heads=1 kv=input, "
    "heads=1 rope=1 prefix=3 pair=1, heads=1 rope=7 pair=2, heads=4 w=1, heads=2 w=4 shift=3 rel=mlp, heads=1 w=2 shift=1, heads=2 grid=1, heads=4 grid=4 rel=table proj=qkv",
    "attend": "k=input v=input heads=1, k=input v=input heads=4 kvheads=4 causal=yes, k=input v=input heads=2 rope=1 prefix=1 pair=1, k=input v=input heads=4 rel=mlp, "
    "k=input v=input heads=4 talk=yes, k=input v=input heads=4 sim=cos, k=input v=input heads=4 scale=0, k=input v=input heads=2 w=1 shift=0, k=input v=input heads=2 grid=4",
    "buckets": "heads=1, heads=4 causal=yes",
    "winattn": "heads=4 w=1, heads=1 w=4, heads=4 w=4 shift=3, heads=1 w=2 shift=1, heads=1 w=2x1 shift=1x0 bias=no",
}
BEFORE = {
    "concat": "x: skip\nrelu | ",
    "custom": "x: flatten\nabs | ",
    "matmul": "x: skip\nswap | ",
    "map": "tokens | ",
    "unpool": "x: skip\npool 2 round=floor | ",
    "buckets": "tokens | ",
    "rnn": "tokens | ",
    "rbf": "flatten | ",
    "embed": "flatten | ",
    "cls": "tokens | ",
    "pos": "tokens | ",
}
BEFORE |= {"tensor": "t: ", **dict.fromkeys(("add", "sub", "mul"), "x: relu\n")}
AFTER = {"tensor": "mul t\n"}
SHAPES = ("4x4x4", "2x4x4x4", "4x4", "1x1x4")


def test_every_argument_is_among_them():
    assert {cls.step for cls in all_classes() if set(cls.fields) - {"frozen"}} == set(ENDS)
    for cls in all_classes():
        words = ENDS.get(cls.step, "").replace(",", " ").split()
        named = {word.partition("=")[0] for word in words}
        own = set(cls.fields) - ({"frozen"} if cls.freezes and not cls.origin else set())
        assert own - {*cls.positional, cls.keyed, cls.rest} <= named, cls.step


def spec(step, arguments, shape):
    """A network of one layer where the layer takes the shape, or None."""
    try:
        return archspec.loads(
            f"input {'9' if step == 'embed' else shape}\n{'' if step == 'embed' else BEFORE.get(step, '')}{step} {arguments}\n"
            f"{AFTER.get(step, '')}"
        )
    except archspec.SpecError:
        return None


@pytest.mark.parametrize("step", few_quick(ENDS, ("conv", "deconv", "avgpool", "bn", "pad", "slice", "fc", "winattn")))
def test_what_is_accepted_at_the_ends_runs_everywhere(step):
    accepted = set()
    cases = [case.strip() for case in ENDS[step].replace("=((3,),)", "=((3%),)").split(", ")]
    for arguments in (case.replace("%", ",") for case in cases):
        for shape in SHAPES:
            network = spec(step, arguments, shape)
            if network is None:
                continue
            accepted.add(arguments)
            inputs = inputs_of(network, 2)
            module = enliven(archspec.to_torch(network), inputs)
            (expected,) = results(module, inputs)
            (found,) = run(session(archspec.to_onnx(network, module.state_dict())), inputs)
            finite = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
            assert found.shape == expected.shape, (arguments, shape)
            assert np.allclose(found, expected, rtol=1e-4, atol=1e-5 * finite, equal_nan=True), (arguments, shape)
    assert len(accepted) == len(cases), set(cases) - accepted


@pytest.mark.parametrize("layer", ["leaky 1e39", "leaky -1e300", "elu 1e39", "scale 1e39", "bn eps=1e39", "lrn k=-1e39"])
def test_a_number_that_single_precision_does_not_hold_is_refused(layer):
    """PyTorch refuses it when the module runs, or computes with infinity."""
    with pytest.raises(archspec.SpecError, match=r"3\.4e\+38") as caught:
        archspec.loads(f"input 4x4x4\n{layer}\n")
    (found,) = caught.value.diagnostics
    assert found.code == "A105" and found.span.text.endswith(layer.split()[-1])
