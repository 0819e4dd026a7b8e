"""What CNN lectures print about shapes and counts: each statement as a spec, as printed and as mended.

docs/lectures.md tells the same for lecturers; an `id` here is the name of the mistake there.
"""

import pytest

import archspec
from tests.helpers.paths import ROOT

SPECS = ROOT / "specs"


def report(text):
    return archspec.analyze(archspec.loads(text))


def bundled(name, **params):
    return archspec.analyze(archspec.load(str(SPECS / f"{name}.arch"), params=params)).totals


def rows(text, op):
    return [row for row in report(text).layers if row.op == op]


def outputs(text, op):
    return [tuple(row.output) for row in rows(text, op)]


def refused(text):
    """The one error of a spec, and everything it says."""
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(text)
    errors = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert len(errors) == 1
    return errors[0].code, "\n".join([errors[0].message, *errors[0].notes])


ALEXNET = """input 227x227x3
conv k=11 f=96 s=4 | relu
pool w=3 s=2
conv k=5 f=256 p=2 | relu
pool w=3 s=2
conv k=3 f=384 p=1 | relu
conv k=3 f=384 p=1 | relu
conv k=3 f=256 p=1 | relu
pool w=3 s=2
{dense}
fc 1000 | softmax
"""
FC4096 = "fc 4096 | relu\nfc 4096 | relu"


def test_alexnet_last_pool_depth():
    """Printed: pooling 6x6x384 after a convolution 13x13x256. A pool keeps the depth."""
    text = ALEXNET.format(dense=FC4096)
    assert outputs(text, "pool")[-1] == (6, 6, 256) != (6, 6, 384)
    assert outputs(text, "flatten") == [(9216,)] != [(6 * 6 * 384,)]
    assert 6 * 6 * 384 == 13824


def test_alexnet_9216_fc():
    """Printed: "Fully Connected 9216" as a layer. It is the flattening; as a layer it would cost 84,943,872."""
    mended, printed = (report(ALEXNET.format(dense=d)).totals.params for d in (FC4096, f"fc 9216 | relu\n{FC4096}"))
    assert mended == 62378344
    assert printed - mended == 84943872


VGG = """{default}
input 224x224x3
repeat 2: conv k=3 f=64 p=1 | relu
pool w={w} s=2
repeat 2: conv k=3 f=128 p=1 | relu
pool w={w} s=2
repeat 3: conv k=3 f=256 p=1 | relu
pool w={w} s=2
repeat 2:
  repeat 3: conv k=3 f=512 p=1 | relu
  pool w={w} s=2
"""


def test_vgg_pool_w3():
    """Printed: VGG-16 pools with w=3, s=2. The windows do not fit 224; VGG's pools are 2x2."""
    code, told = refused(VGG.format(default="", w=3))
    assert code == "A203" and "111.5" in told

    floored = outputs(VGG.format(default="default round=floor", w=3), "pool")
    assert floored == [(111, 111, 64), (55, 55, 128), (27, 27, 256), (13, 13, 512), (6, 6, 512)]

    mended = outputs(VGG.format(default="", w=2), "pool")
    assert mended == [(112, 112, 64), (56, 56, 128), (28, 28, 256), (14, 14, 512), (7, 7, 512)]


def test_vgg_resnet_columns_swapped():
    """Printed: VGG19 25M and 3.8B, ResNet50 138M and 15.3B. The columns are swapped."""
    vgg, resnet, paper = bundled("vgg19"), bundled("resnet50"), bundled("resnet50", v1=1)
    assert vgg.params == 143667240 and resnet.params == 25557032
    assert vgg.macs == 19632062464 and resnet.macs == 4089184256
    assert paper.macs == 3857973248  # the 3.8B: stride in the first 1x1


def test_vgg_comparison_uses_vgg16_numbers():
    """Printed under VGG19: 138M and 15.3B. Those are VGG-16's."""
    sixteen, nineteen = bundled("vgg16"), bundled("vgg19")
    assert (sixteen.params, sixteen.macs) == (138357544, 15470264320)
    assert (nineteen.params, nineteen.macs) == (143667240, 19632062464)


def test_vgg_140M():
    """Printed: VGGNet 140M. VGG-16 rounds to 138M, VGG-19 to 144M."""
    assert [round(bundled(name).params / 1e6) for name in ("vgg16", "vgg19")] == [138, 144]


def test_flatten_500():
    """Printed: 10x10x50 flattens to 500. That is 10x10x5."""
    assert outputs("input 10x10x50\nflatten\n", "flatten") == [(5000,)]
    assert outputs("input 10x10x5\nflatten\n", "flatten") == [(500,)]


def test_input_4x4():
    """Printed: "input data 4x4" over a 3x3 result. The matrix shown is 5x5."""
    assert outputs("input 4x4x1\nconv k=3 f=1\n", "conv") == [(2, 2, 1)]
    assert outputs("input 5x5x1\nconv k=3 f=1\n", "conv") == [(3, 3, 1)]


def test_156_vs_456():
    """Printed: six 5x5 filters on a 32x32x3 image have 156 parameters. That is for one channel."""
    assert report("input 32x32x1\nconv k=5 f=6\n").totals.params == 156
    assert report("input 32x32x3\nconv k=5 f=6\n").totals.params == 456


def test_14million_bias():
    """Printed: 4704 x 3072 is about 14 million. 14,450,688 rounds to 14.5; with biases 14,455,392."""
    assert report("input 32x32x3\nfc 4704 bias=no\n").totals.params == 14450688
    assert report("input 32x32x3\nfc 4704\n").totals.params == 14455392


def test_googlenet_4M():
    """Printed: GoogLeNet 4M parameters. Its table makes 7.0M; torchvision's variant has 6.6M."""
    assert bundled("googlenet_2014").params == 6998552
    assert bundled("googlenet_2014", aux=1).params == 13378280
    assert bundled("googlenet").params == 6624904
    assert bundled("googlenet", aux=1).params == 13004888


LENET_KERAS = """input 28x28x1
conv k=5 f=20 p=same | relu
{first}
conv k=5 f=50 p=same | relu
{second}
fc 500 | relu
fc 10 | softmax
"""
POOL = "pool w=2 s=2"


@pytest.mark.parametrize(
    "first, second, flat, params",
    [
        pytest.param(POOL, POOL, 2450, 1256080, id="both"),
        pytest.param(POOL, "", 9800, 4931080, id="as printed"),
        pytest.param("", "", 39200, 19631080, id="really none"),
    ],
)
def test_without_pooling(first, second, flat, params):
    """Printed: "without pooling" over 4,931,080 parameters. One pool is still there."""
    text = LENET_KERAS.format(first=first, second=second)
    assert outputs(text, "flatten") == [(flat,)]
    assert report(text).totals.params == params


LENET5 = """input {size}x{size}x1
conv k=5 f=6 | tanh
{pool}
conv k=5 f=16 | tanh
{pool}
fc 120 | tanh
fc 84 | tanh
fc 10 | softmax
"""


def test_lenet_mnist_32():
    """Printed: 32x32 images (MNIST). MNIST is 28x28; LeNet-5 pads it, and 28 would leave 256 values, not 400."""
    small, padded = (LENET5.format(size=size, pool="avgpool w=2 s=2") for size in (28, 32))
    assert outputs(small, "conv") + outputs(small, "avgpool") == [(24, 24, 6), (8, 8, 16), (12, 12, 6), (4, 4, 16)]
    assert outputs(small, "flatten") == [(256,)]
    assert outputs(padded, "flatten") == [(400,)]
    assert report(padded).totals.params == 61706
    assert outputs("input 28x28x1\npad p=2\n", "pad") == [(32, 32, 1)]


def test_lenet_maxpool():
    """Printed: 2x2 max pooling. In 1998 it was averaging with a learned weight and bias a map; the shapes are equal."""
    kinds = ("pool", "avgpool", "subsample")
    maximum, average, trained = (rows(LENET5.format(size=32, pool=f"{kind} w=2"), kind) for kind in kinds)
    sizes = [[tuple(row.output) for row in found] for found in (maximum, average, trained)]
    assert sizes == [[(14, 14, 6), (5, 5, 16)]] * 3
    assert [row.params for row in maximum + average] == [0] * 4
    assert [row.params for row in trained] == [12, 32]
    assert bundled("lenet5_1998").params == 60000


def test_stride3_2_33():
    """Printed: 7x7, 3x3 filter, stride 3 "does not fit". Frameworks round down and never read the last column."""
    code, told = refused("input 7x7x1\nconv k=3 f=1 s=3\n")
    assert code == "A203" and "2.33" in told
    assert outputs("input 7x7x1\nconv k=3 f=1 s=3 round=floor\n", "conv") == [(2, 2, 1)]


def test_vgg_doubles_after_each_block():
    """Printed: the number of filters doubles after each block. Not after the fourth."""
    assert [shape[-1] for shape in outputs(VGG.format(default="", w=2), "pool")] == [64, 128, 256, 512, 512]


# What the lectures compute rightly: input, layer, output, parameters
ARITHMETIC = [
    ("32x32x3", "conv k=5 f=10 p=2", (32, 32, 10), 760),
    ("7x7x1", "conv k=3 f=1", (5, 5, 1), 10),
    ("7x7x1", "conv k=3 f=1 s=2", (3, 3, 1), 10),
    ("7x7x1", "conv k=3 f=1 p=1", (7, 7, 1), 10),
    ("32x32x1", "conv k=3 f=1 p=1", (32, 32, 1), 10),
    ("32x32x1", "conv k=5 f=1 p=2", (32, 32, 1), 26),
    ("32x32x1", "conv k=7 f=1 p=3", (32, 32, 1), 50),
    ("32x32x1", "conv k=1 f=1", (32, 32, 1), 2),
    ("32x32x1", "conv k=5 f=1", (28, 28, 1), 26),
    ("28x28x1", "conv k=5 f=1", (24, 24, 1), 26),
    ("32x32x3", "conv k=5 f=6", (28, 28, 6), 456),
    ("32x32x3", "conv k=5 f=16 p=2", (32, 32, 16), 1216),
    ("8x8x5", "conv k=3 f=10", (6, 6, 10), 460),
    ("6x6x1", "conv k=3 f=1", (4, 4, 1), 10),
    ("6x6x1", "conv k=3 f=1 p=same", (6, 6, 1), 10),
    ("6x6x1", "pad p=1", (8, 8, 1), 0),
    ("5x5x1", "pad p=1", (7, 7, 1), 0),
    ("5x5x1", "conv k=3 f=1 p=1", (5, 5, 1), 10),
    ("5x5x1", "conv k=3 f=1 p=1 s=2", (3, 3, 1), 10),
    ("5x5x1", "pad p=2", (9, 9, 1), 0),
    ("5x5x1", "conv k=3 f=1 p=2 s=2", (4, 4, 1), 10),
    ("8x8x3", "pool w=2 s=2", (4, 4, 3), 0),
    ("32x32x64", "flatten", (65536,), 0),
    ("10x10x50", "fc 128", (128,), 640128),
    ("10x10x50", "fc 128 | fc 64", (64,), 640128 + 8256),
    ("224x224x3", "conv k=3 f=64 p=1", (224, 224, 64), 1792),
    ("224x224x64", "pool w=2 s=2", (112, 112, 64), 0),
    ("64x64x3", "fc 1000", (1000,), 12289000),
    ("32x32x3", "fc 4704", (4704,), 14455392),
    ("224x224x3", "fc 3211264", (224 * 224 * 64,), 483388358656),
    ("224x224x3", "fc 3211264 bias=no", (224 * 224 * 64,), 483385147392),
]


@pytest.mark.parametrize("size, layer, output, params", ARITHMETIC, ids=lambda v: v if isinstance(v, str) else "")
def test_arithmetic(size, layer, output, params):
    found = report(f"input {size}\n{layer}\n")
    assert tuple(found.layers[-1].output) == output
    assert found.totals.params == params


def test_macs_of_ten_filters():
    assert report("input 32x32x3\nconv k=5 f=10 p=2\n").totals.macs == 768000


def test_ten_hidden_layers_on_a_512_image():
    """Printed: "extremely large". With 1,000 units each it is 795,442,000."""
    assert report("input 512x512x3\nrepeat 10: fc 1000\n").totals.params == 795442000


@pytest.mark.parametrize("kind", ["pool w=2 s=2", "conv k=2 f=6 s=2"])
def test_a_2x2_stride_of_2_leaves_a_quarter(kind):
    """Printed: 2x2 max pooling discards 75 % of the activations; a strided convolution can take its place."""
    assert tuple(report(f"input 28x28x6\n{kind}\n").layers[-1].output) == (14, 14, 6)
    assert 14 * 14 * 6 * 4 == 28 * 28 * 6
