"""What an imported Caffe layer computes is what Caffe's C++ code does, which stands here loop by loop."""

from __future__ import annotations

import pytest

import archspec
from tests.imports.test_caffe import imported, layer

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")


def computed(folder, text, x, weights=None):
    """The values of a file for a blob (C, H, W); `weights` gets each stored tensor by its name, and may change it."""
    shape = " ".join(f"dim: {size}" for size in (1, *x.shape))
    network = imported(folder, f'input: "data" input_shape {{ {shape} }}\n{text}').network
    model = archspec.to_torch(network).eval().double()
    for name, value in model.state_dict().items():
        if weights is not None and value.is_floating_point():
            value.copy_(torch.rand(value.shape, dtype=torch.float64) + 0.5)
            weights[name] = value.numpy()
    with torch.no_grad():
        return model(torch.from_numpy(x)[None])[0].numpy()


def blob(*shape):
    return np.random.default_rng(16).standard_normal(shape)


def pooled(x, k, s, p, mean, ceil):
    """pooling_layer.cpp, Reshape and Forward_cpu."""
    channels, height, width = x.shape
    high, wide = ((-(-(size + 2 * p - k) // s) if ceil else (size + 2 * p - k) // s) + 1 for size in (height, width))
    if p:
        high -= (high - 1) * s >= height + p
        wide -= (wide - 1) * s >= width + p
    out = np.zeros((channels, high, wide))
    for c, i, j in np.ndindex(out.shape):
        top, left = i * s - p, j * s - p
        bottom, right = min(top + k, height + p), min(left + k, width + p)
        seen = x[c, max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        out[c, i, j] = seen.sum() / ((bottom - top) * (right - left)) if mean else seen.max()
    return out


@pytest.mark.parametrize("spatial", [(13, 13), (12, 9), (8, 8)])
@pytest.mark.parametrize(("k", "s", "p"), [(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2), (2, 2, 1), (4, 3, 2), (3, 1, 2)])
@pytest.mark.parametrize("mode", ["CEIL", "FLOOR"])
@pytest.mark.parametrize("pool", ["MAX", "AVE"])
def test_pooling(tmp_path, spatial, k, s, p, mode, pool):
    x = blob(2, *spatial)
    text = layer("Pooling", f"pooling_param {{ pool: {pool} kernel_size: {k} stride: {s} pad: {p} round_mode: {mode} }}")
    assert np.allclose(computed(tmp_path, text, x), pooled(x, k, s, p, pool == "AVE", mode == "CEIL"))


def test_lrn(tmp_path):
    """lrn_layer.cpp, CrossChannelForward_cpu: alpha is divided by the size."""
    x = blob(7, 3, 3)
    padded = np.pad(x**2, ((2, 2), (0, 0), (0, 0)))
    scale = 2 + 0.5 / 5 * sum(padded[at : at + 7] for at in range(5))
    text = layer("LRN", "lrn_param { local_size: 5 alpha: 0.5 beta: 0.6 k: 2 }")
    assert np.allclose(computed(tmp_path, text, x), x * scale**-0.6)


@pytest.mark.parametrize("apart", [False, True])
def test_batch_norm_and_scale(tmp_path, apart):
    """batch_norm_layer.cpp and scale_layer.cpp, together or with a layer between them."""
    between = layer("AbsVal", "", "a", "m", "a") if apart else ""
    text = layer("BatchNorm", "batch_norm_param { eps: 0.01 }") + between + layer("Scale", "scale_param { bias_term: true }", "a", "b", "a")
    x, stored = blob(3, 4, 5), {}
    found = computed(tmp_path, text, x, stored)
    by_name = {name.rpartition(".")[2]: value.reshape(3, 1, 1) for name, value in stored.items()}
    y = (x - by_name["running_mean"]) / np.sqrt(by_name["running_var"] + 0.01)
    y = np.abs(y) if apart else y
    assert np.allclose(found, y * by_name["weight"] + by_name["bias"])


@pytest.mark.parametrize("shape", [(3, 4, 5), (6,)])
def test_the_largest_of_blobs(tmp_path, shape):
    x = blob(*shape)
    text = layer("TanH", name="t") + layer("Sigmoid", name="s") + layer("Eltwise", "eltwise_param { operation: MAX }", "data t s", "e")
    expected = np.maximum(np.maximum(x, np.tanh(x)), 1 / (1 + np.exp(-x)))
    assert np.allclose(computed(tmp_path, text, x), expected)


def test_sum_with_coefficients(tmp_path):
    x = blob(3, 4, 5)
    text = layer("TanH", name="t") + layer("Eltwise", "eltwise_param { operation: SUM coeff: -2 coeff: 0.5 }", "data t", "e")
    assert np.allclose(computed(tmp_path, text, x), -2 * x + 0.5 * np.tanh(x))


def test_power(tmp_path):
    x = blob(3, 4, 5)
    assert np.allclose(computed(tmp_path, layer("Power", "power_param { power: 2 scale: 3 shift: -1 }"), x), (3 * x - 1) ** 2)


def test_reshape_and_permute(tmp_path):
    """reshape_layer.cpp; permute_layer.cpp of the SSD branch: order[i] is the axis that becomes axis i."""
    x = blob(6, 4, 5)
    reshape = layer("Reshape", "reshape_param { shape { dim: 0 dim: 3 dim: 0 dim: -1 } }")
    assert np.array_equal(computed(tmp_path, reshape, x), x.reshape(3, 4, 10))
    permute = layer("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }") + layer("Flatten", "", "a", "b")
    assert np.array_equal(computed(tmp_path, permute, x), x.transpose(1, 2, 0).ravel())
    rows = layer("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 4 } }", "b", "c") + layer(
        "Softmax", "softmax_param { axis: 2 }", "c", "d"
    )
    power = np.exp(x.transpose(1, 2, 0).reshape(30, 4))
    assert np.allclose(computed(tmp_path, permute + rows, x), power / power.sum(axis=1, keepdims=True))


def test_pyramid(tmp_path):
    """spp_layer.cpp, GetPoolingParam."""
    x, parts = blob(2, 7, 7), []
    for bins in (1, 2, 4):
        k = -(-7 // bins)
        parts.append(pooled(x, k, k, (k * bins - 7 + 1) // 2, False, True).ravel())
    assert np.allclose(computed(tmp_path, layer("SPP", "spp_param { pyramid_height: 3 }"), x), np.concatenate(parts))


def test_crop_from_an_offset(tmp_path):
    x = blob(3, 9, 9)
    like = layer("Pooling", "pooling_param { kernel_size: 5 stride: 1 }", name="p") + layer(
        "Pooling", "pooling_param { kernel_size: 1 stride: 1 }", "p", "q"
    )
    for settings, start in (("crop_param { offset: 1 }", 1), ("crop_param { offset: 2 }", 2), ("", 0)):
        text = f"{like}{layer('Crop', settings, 'data q', 'c')}{layer('Eltwise', '', 'c q', 'e')}"
        found = computed(tmp_path, text, x) - pooled(x, 5, 1, 0, False, True)
        assert np.allclose(found, x[:, start : start + 5, start : start + 5])


def test_crops_of_before_there_were_offsets_align(tmp_path):
    """coord_map.py, crop: a convolution of 5 without padding begins 2 inside of its input."""
    x = blob(3, 9, 9)
    text = "layers { name: 'p' type: POOLING bottom: 'data' top: 'p' pooling_param { kernel_size: 5 } }\n"
    text += "layers { name: 'c' type: CROP bottom: 'data' bottom: 'p' top: 'c' }\n"
    text += "layers { name: 'e' type: ELTWISE bottom: 'c' bottom: 'p' top: 'e' }\n"
    assert np.allclose(computed(tmp_path, text, x) - pooled(x, 5, 1, 0, False, True), x[:, 2:7, 2:7])


def test_deconvolution(tmp_path):
    """deconv_layer.cpp: each number of the input, times the kernel, is added where its window lies."""
    x, stored = blob(4, 3, 3), {}
    found = computed(
        tmp_path, layer("Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 2 }"), x, stored
    )
    kernel, out = stored["a.weight"], np.zeros((4, 8, 8))
    for c, f, i, j in np.ndindex(4, 2, 3, 3):
        out[c // 2 * 2 + f, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += x[c, i, j] * kernel[c, f]
    assert np.allclose(found, out[:, 1:7, 1:7] + stored["a.bias"][:, None, None])
