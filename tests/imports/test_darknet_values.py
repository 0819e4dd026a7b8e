"""What an imported Darknet layer computes is what Darknet's C code does, which stands here loop by loop."""

from __future__ import annotations

import pytest

import archspec
from tests.imports.test_darknet import imported

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")


def computed(folder, text, x, weights=None):
    """The values of a file for an image (C, H, W); `weights` replaces some, by name."""
    channels, height, width = x.shape
    network = imported(folder, text, (height, width, channels)).network
    torch.manual_seed(16)
    model = archspec.to_torch(network).eval().double()
    if weights is not None:
        weights(model)
    with torch.no_grad():
        return model(torch.from_numpy(x)[None])[0].numpy()


def image(*shape):
    return np.random.default_rng(16).standard_normal(shape)


def maxpool(x, size, stride, pad):
    """maxpool_layer.c, make_maxpool_layer and forward_maxpool_layer."""
    channels, height, width = x.shape
    out = np.full((channels, (height + pad - size) // stride + 1, (width + pad - size) // stride + 1), -np.inf)
    for c, i, j in np.ndindex(out.shape):
        for n in range(size):
            for m in range(size):
                row, column = -(pad // 2) + i * stride + n, -(pad // 2) + j * stride + m
                if 0 <= row < height and 0 <= column < width:
                    out[c, i, j] = max(out[c, i, j], x[c, row, column])
    return out


@pytest.mark.parametrize("spatial", [(13, 13), (12, 9), (8, 8)])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (2, 1), (3, 2), (3, 1), (5, 1), (9, 1), (3, 3)])
def test_maxpool(tmp_path, spatial, size, stride):
    x = image(2, *spatial)
    for pad in {0, 1, size - 1}:
        if min(spatial) + pad >= size:
            text = f"[maxpool]\nsize={size}\nstride={stride}\n" + (f"padding={pad}\n" if pad != size - 1 else "")
            assert np.array_equal(computed(tmp_path, text, x), maxpool(x, size, stride, pad)), text


def reorg(x, stride, forward):
    """blas.c, reorg_cpu on the numbers as they lie in memory, with the sizes that reorg_layer.c gives it: those of the input."""
    c, h, w = x.shape
    flat, out = x.ravel(), np.zeros(x.size)
    out_c = c // stride**2
    for k, j, i in np.ndindex(c, h, w):
        inside = i + w * (j + h * k)
        w2, h2 = i * stride + k // out_c % stride, j * stride + k // out_c // stride
        outside = w2 + w * stride * (h2 + h * stride * (k % out_c))
        if forward:
            out[outside] = flat[inside]
        else:
            out[inside] = flat[outside]
    return out


def test_reorg(tmp_path):
    x = image(8, 6, 4)
    assert np.array_equal(computed(tmp_path, "[reorg]\nstride=2\n", x), reorg(x, 2, False).reshape(32, 3, 2))
    assert np.array_equal(computed(tmp_path, "[reorg]\nstride=2\nreverse=1\n", x), reorg(x, 2, True).reshape(2, 12, 8))


def test_reorg_flatten(tmp_path):
    x = image(3, 4, 5)
    found = computed(tmp_path, "[reorg]\nflatten=1\n", x)
    assert np.array_equal(found.ravel(), x.transpose(1, 2, 0).ravel())
    back = computed(tmp_path, "[reorg]\nflatten=1\n[reorg]\nflatten=1\nreverse=1\n", x)
    assert np.array_equal(back, x)


def test_reorg_extra(tmp_path):
    """reorg_layer.c copies the numbers and leaves those behind them as they were when they were made: 0."""
    x = image(3, 4, 5)
    assert np.array_equal(computed(tmp_path, "[reorg]\nextra=2\n", x).ravel(), [*x.ravel(), 0, 0])


def shortcut(out, add, s1, s2):
    """blas.c, shortcut_cpu."""
    (c1, h1, w1), (c2, h2, w2) = add.shape, out.shape
    stride, sample = max(w1 // w2, 1), max(w2 // w1, 1)
    out = out.copy()
    for k, j, i in np.ndindex(min(c1, c2), min(h1, h2), min(w1, w2)):
        at = k, j * sample, i * sample
        out[at] = s1 * out[at] + s2 * add[k, j * stride, i * stride]
    return out


@pytest.mark.parametrize(
    ("filters", "stride", "rest"), [(4, 1, ""), (6, 1, ""), (3, 1, "alpha=.5\nbeta=2\n"), (6, 2, "beta=-1\n"), (2, 2, "")]
)
def test_shortcut(tmp_path, filters, stride, rest):
    x = image(4, 8, 8)
    text = f"[activation]\n[convolutional]\nfilters={filters}\nstride={stride}\nactivation=linear\n"
    before = computed(tmp_path, text, x)
    factors = dict(line.split("=") for line in rest.split())
    expected = shortcut(before, x, float(factors.get("alpha", 1)), float(factors.get("beta", 1)))
    assert np.allclose(computed(tmp_path, f"{text}[shortcut]\nfrom=0\n{rest}", x), expected)


def test_shortcuts_that_touch_some_positions_are_refused(tmp_path):
    text = "[maxpool]\nsize=2\nstride=2\n[upsample]\nstride=2\n[shortcut]\nfrom=0\n"
    with pytest.raises(archspec.SpecError, match="at some positions"):
        computed(tmp_path, text, image(4, 8, 8))


def logistic(x):
    return 1 / (1 + np.exp(-x))


def test_yolo(tmp_path):
    """yolo_layer.c, forward_yolo_layer: entry_index counts anchors, then entries, then positions."""
    x = image(14, 3, 4)
    expected = x.reshape(2, 7, 3, 4).copy()
    expected[:, :2] = logistic(expected[:, :2])
    expected[:, 4:] = logistic(expected[:, 4:])
    assert np.allclose(computed(tmp_path, "[yolo]\nmask=0,1\nclasses=2\n", x), expected.reshape(x.shape))
    expected[:, :2] = 1.2 * expected[:, :2] - 0.5 * (1.2 - 1)
    assert np.allclose(computed(tmp_path, "[yolo]\nmask=0,1\nclasses=2\nscale_x_y=1.2\n", x), expected.reshape(x.shape))


@pytest.mark.parametrize("rest", ["", "softmax=1\n", "background=1\nsoftmax=1\n"])
def test_region(tmp_path, rest):
    """region_layer.c, forward_region_layer; with a background it is one of the classes, and there is no objectness."""
    x = image(14, 3, 4)
    expected = x.reshape(2, 7, 3, 4).copy()
    first = 4 if "background" in rest else 5
    expected[:, :2] = logistic(expected[:, :2])
    expected[:, 4:first] = logistic(expected[:, 4:first])
    power = np.exp(expected[:, first:])
    expected[:, first:] = power / power.sum(axis=1, keepdims=True) if "softmax" in rest else power / (1 + power)
    assert np.allclose(computed(tmp_path, f"[region]\nnum=2\nclasses=2\n{rest}", x), expected.reshape(x.shape))


def test_detection(tmp_path):
    """detection_layer.c: the classes of all cells stand first."""
    text = "[connected]\noutput=32\nactivation=linear\n"
    x = image(2, 3, 3)
    before = computed(tmp_path, text, x)
    assert np.array_equal(computed(tmp_path, f"{text}[detection]\nside=2\nnum=1\ncoords=4\nclasses=3\n", x), before)
    power = np.exp(before[:12].reshape(4, 3))
    expected = np.concatenate([(power / power.sum(axis=1, keepdims=True)).ravel(), before[12:]])
    assert np.allclose(computed(tmp_path, f"{text}[detection]\nside=2\nclasses=3\nsoftmax=1\n", x), expected)


def test_softmax_of_groups(tmp_path):
    x = image(6, 2, 2)
    power = np.exp(x.ravel().reshape(3, 8) / 2)
    found = computed(tmp_path, "[softmax]\ngroups=3\ntemperature=2\n", x)
    assert np.allclose(found, (power / power.sum(axis=1, keepdims=True)).ravel())


def test_upsample(tmp_path):
    """blas.c, upsample_cpu."""
    x = image(3, 4, 6)
    assert np.allclose(computed(tmp_path, "[upsample]\nstride=2\nscale=3\n", x), 3 * x.repeat(2, axis=1).repeat(2, axis=2))
    assert np.allclose(computed(tmp_path, "[upsample]\nstride=-2\n", x), x.reshape(3, 2, 2, 3, 2).sum(axis=(2, 4)))


def test_crop(tmp_path):
    x = image(3, 7, 8)
    assert np.allclose(computed(tmp_path, "[crop]\ncrop_height=4\ncrop_width=6\n", x), x[:, 1:5, 1:7] * 2 - 1)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("loggy", lambda x: 2 / (1 + np.exp(-x)) - 1),
        ("ramp", lambda x: x * (x > 0) + 0.1 * x),
        ("leaky", lambda x: np.where(x > 0, x, 0.1 * x)),
        ("relie", lambda x: np.where(x > 0, x, 0.01 * x)),
        ("elu", lambda x: (x >= 0) * x + (x < 0) * (np.exp(x) - 1)),
    ],
)
def test_activations(tmp_path, name, function):
    x = image(3, 4, 4)
    assert np.allclose(computed(tmp_path, f"[activation]\nactivation={name}\n", x), function(x))


def im2col(x, size, stride, pad):
    """im2col.c: the numbers that each position reads, positions last."""
    channels, height, width = x.shape
    high, wide = (height + 2 * pad - size) // stride + 1, (width + 2 * pad - size) // stride + 1
    out = np.zeros((channels, size, size, high, wide))
    for c, n, m, i, j in np.ndindex(out.shape):
        row, column = i * stride + n - pad, j * stride + m - pad
        if 0 <= row < height and 0 <= column < width:
            out[c, n, m, i, j] = x[c, row, column]
    return out.reshape(channels * size * size, high, wide)


def test_convolution_with_batch_normalisation(tmp_path):
    """convolutional_layer.c, forward_convolutional_layer; blas_kernels.cu, normalize_kernel."""
    x, stored = image(4, 9, 9), {}

    def remember(model):
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, dtype=torch.float64) + 0.5)
                stored[name] = value.numpy()

    text = "[convolutional]\nbatch_normalize=1\nfilters=6\nsize=3\nstride=2\npad=1\ngroups=2\nactivation=leaky\n"
    found = computed(tmp_path, text, x, remember)
    kernel = stored["conv1.weight"].reshape(2, 3, 18)
    y = np.concatenate([np.tensordot(kernel[group], im2col(x[2 * group : 2 * group + 2], 3, 2, 1), 1) for group in range(2)])
    scale, bias, mean, variance = (stored[f"bn1.{name}"][:, None, None] for name in ("weight", "bias", "running_mean", "running_var"))
    y = (y - mean) / np.sqrt(variance + 1e-5) * scale + bias
    assert np.allclose(found, np.where(y > 0, y, 0.1 * y))


def test_lstm(tmp_path):
    """lstm_layer.c, forward_lstm_layer; of each pair of biases one is for the input, one for the state."""
    text = "[net]\ninputs=3\ntime_steps=4\n[lstm]\noutput=2\n"
    model = archspec.to_torch(imported(tmp_path, text).network).eval().double()
    stored = {name.rpartition(".")[2]: value.numpy() for name, value in model.state_dict().items()}
    x, h, c = image(4, 3), np.zeros(2), np.zeros(2)
    for step in x:
        gates = stored["weight_ih_l0"] @ step + stored["bias_ih_l0"] + stored["weight_hh_l0"] @ h + stored["bias_hh_l0"]
        i, f, g, o = gates.reshape(4, 2)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        h = logistic(o) * np.tanh(c)
    with torch.no_grad():
        found = model(torch.from_numpy(x.T.copy())[None])[0].numpy()
    assert np.allclose(found[:, -1], h)
