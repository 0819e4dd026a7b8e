"""What is read of Keras models computes what Keras does, with Keras's weights; all counts are Keras's."""

from __future__ import annotations

import pytest

import archspec
from archspec.imports.keras_model import from_keras, read
from tests.helpers.keras import difference, keras, randomized

CLOSE = 1e-5
MAP, LINE = (12, 10, 4), (7, 8)


def built(shape, layers):
    """A model of what `layers(keras.layers, keras.ops, x)` makes."""
    package = keras()
    x = package.Input(shape)
    return randomized(package.Model(x, layers(package.layers, package.ops, x)))


def windows(L):
    for stride in (1, 2, 3):
        for padding in ("same", "valid"):
            said = {"strides": stride, "padding": padding}
            yield L.Conv2D(5, 3, **said)
            yield L.Conv2D(5, (4, 2), **said)
            yield L.DepthwiseConv2D(3, depth_multiplier=2, **said)
            yield L.SeparableConv2D(5, 3, depth_multiplier=2, **said)
            yield L.Conv2DTranspose(5, 3, **said)
            yield L.Conv2DTranspose(5, 2, **said)
            yield L.MaxPooling2D(3, **said)
            if (stride, padding) in ((1, "same"), (2, "valid")):  # Keras's backends differ where a mean has uneven padding
                yield L.AveragePooling2D(3, **said)
    yield L.Conv2D(8, 3, groups=2, dilation_rate=2, padding="same")
    yield L.Conv2D(8, 3, groups=4)
    yield L.Conv2DTranspose(5, 3, strides=2, padding="same", output_padding=1)


def test_windows():
    L = keras().layers
    for layer in windows(L):
        model = built(MAP, lambda L, ops, x, layer=layer: layer(x))
        found = from_keras(model)
        assert difference(model, found) < CLOSE, found.text
        assert archspec.analyze(found.network).totals.params == model.count_params()


CHAINS = {
    "one axis": ((20, 3), lambda L: [L.Conv1D(4, 3, padding="causal", dilation_rate=2), L.Conv1D(4, 3, 2, padding="same"), L.GlobalMaxPooling1D()]),
    "three axes": ((6, 6, 6, 2), lambda L: [L.Conv3D(4, 3, 2, padding="same"), L.Conv3DTranspose(3, 3, 2, padding="same")]),
    "norms": (
        MAP,
        lambda L: [
            L.BatchNormalization(), L.BatchNormalization(scale=False), L.BatchNormalization(center=False), L.LayerNormalization(),
            L.GroupNormalization(2), L.GroupNormalization(-1), L.RMSNormalization(), L.UnitNormalization(),
        ],
    ),
    "activations": (MAP, lambda L: [L.Conv2D(4, 1, activation=one) for one in ("gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "mish", "celu")]),
    "slopes": (MAP, lambda L: [L.PReLU(shared_axes=[1, 2]), L.Conv2D(4, 1), L.PReLU(shared_axes=[1, 2, 3]), L.LeakyReLU(0.2), L.ELU(0.5), L.Softmax(axis=1)]),
    "borders": (MAP, lambda L: [L.ZeroPadding2D(((1, 2), (0, 3))), L.Cropping2D(((3, 1), (2, 0))), L.UpSampling2D((2, 3)), L.Resizing(7, 9)]),
    "constants": (MAP, lambda L: [L.Rescaling(0.1, -1), L.Rescaling([0.1, 1, 2, 3]), L.Normalization(mean=[1, 2, 3, 4], variance=[1, 4, 9, 16])]),
    "adapted": (MAP, lambda L: [L.Normalization(), L.Conv2D(3, 1)]),
    "a vector in Keras's order": (MAP, lambda L: [L.Flatten(), L.BatchNormalization(), L.ReLU(), L.Dropout(0.2), L.PReLU(), L.Dense(5)]),
    "a vector without a factor": (MAP, lambda L: [L.Flatten(), L.BatchNormalization(scale=False), L.LayerNormalization(), L.Dense(5)]),
    "a map of a vector": ((20,), lambda L: [L.Dense(96), L.BatchNormalization(), L.Reshape((4, 3, 8)), L.Conv2DTranspose(4, 5, 2, padding="same")]),
    "other axes": (MAP, lambda L: [L.Permute((2, 3, 1)), L.Conv2D(5, 3), L.Reshape((10, -1)), L.Permute((2, 1)), L.Dense(3)]),
    "recurrent": (LINE, lambda L: [L.LSTM(3, return_sequences=True), L.GRU(4, return_sequences=True), L.SimpleRNN(3, return_sequences=True), L.LSTM(2)]),
    "both ways": (LINE, lambda L: [L.Bidirectional(L.LSTM(3, return_sequences=True)), L.Bidirectional(L.GRU(2))]),
    "each time": (
        (3, 8, 8, 2),
        lambda L: [
            L.TimeDistributed(L.Conv2D(4, 3, padding="same")), L.TimeDistributed(L.BatchNormalization()), L.TimeDistributed(L.MaxPooling2D(2)),
            L.TimeDistributed(L.DepthwiseConv2D(3)), L.TimeDistributed(L.Flatten()), L.LSTM(5),
        ],
    ),
    "words": ((9,), lambda L: [L.Embedding(20, 6), L.Conv1D(5, 3, activation="relu"), L.GlobalMaxPooling1D(), L.Dense(2)]),
    "einsum": (LINE, lambda L: [L.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d", activation="relu")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name):
    shape, layers = CHAINS[name]

    def chained(L, ops, x):
        for layer in layers(L):
            x = layer(x)
        return x

    model = built(shape, chained)
    found = from_keras(model)
    assert difference(model, found) < CLOSE, found.text


def encoder(L, ops, x):
    tokens = L.Reshape((16, 8))(L.Conv2D(8, 4, 4)(x))
    y = L.LayerNormalization()(tokens)
    tokens = tokens + L.MultiHeadAttention(2, 3)(y, y)
    y = L.Permute((2, 1))(L.Dense(16, activation="gelu")(L.Permute((2, 1))(L.LayerNormalization()(tokens))))
    return L.Dense(3)((tokens + y)[:, 0])


def gated(L, ops, x):
    gate = L.Dense(4, activation="sigmoid")(L.GlobalAveragePooling2D()(x))
    x = L.Multiply()([x, L.Reshape((1, 1, 4))(gate)])
    both = ops.concatenate([ops.max(x, axis=-1, keepdims=True), ops.mean(x, axis=-1, keepdims=True)], axis=-1)
    return x * L.Conv2D(1, 3, padding="same", activation="sigmoid")(both)


def halves(L, ops, x):
    left, right = x[:, :, :, :2], x[:, :, :, 2:]
    y = L.Concatenate(axis=1)([L.Average()([left, right]), L.Subtract()([left, right])])
    return 2.0 - y / 3.0


def vectors(L, ops, x):
    return L.Dense(3)(L.Concatenate()([L.Flatten()(x), L.Flatten()(L.Conv2D(2, 3)(x)), L.GlobalMaxPooling2D()(x)]))


def shared(L, ops, x):
    conv = L.Conv2D(4, 3, padding="same")
    package = keras()
    inner = package.Sequential([package.Input(MAP), L.Conv2D(4, 1), L.BatchNormalization()], name="inner")
    return inner(L.ReLU()(conv(inner(conv(x)))))


def crossed(L, ops, x):
    y = L.Conv1D(6, 2)(x)
    x = L.MultiHeadAttention(2, 3, output_shape=5)(x, y)
    x = L.GroupQueryAttention(4, 2, 2)(x, x, use_causal_mask=False)
    return L.Attention()([x, L.Dense(5)(y)])


@pytest.mark.parametrize(
    ("shape", "layers"), [((16, 16, 3), encoder), (MAP, gated), (MAP, halves), (MAP, vectors), (MAP, shared), (LINE, crossed)]
)
def test_graphs(shape, layers):
    model = built(shape, layers)
    found = from_keras(model)
    assert difference(model, found) < CLOSE, found.text
    assert not found.diagnostics
    assert archspec.analyze(found.network).totals.params == sum(int(weight.value.numel()) for weight in model.trainable_weights)


def everything(L, ops, x):
    package = keras()
    x = L.BatchNormalization()(L.SeparableConv2D(4, 3)(L.Conv2D(4, 3)(x)))
    x = L.Bidirectional(L.GRU(3, return_sequences=True))(L.Reshape((48, 4))(x))
    x = L.TimeDistributed(L.Dense(4))(L.MultiHeadAttention(2, 3)(x, x))
    inner = package.Sequential([package.Input((4,)), L.Dense(3), L.BatchNormalization()], name="inner")
    return inner(inner_of(package, L)(L.GlobalAveragePooling1D()(x)))


def inner_of(package, L):
    deeper = package.Sequential([package.Input((4,)), L.Dense(4, name="deep")], name="deeper")
    return package.Sequential([package.Input((4,)), deeper, L.Dense(4, name="after")], name="outer")


def channels_first(L, ops, x):
    said = {"data_format": "channels_first"}
    x = L.Conv2D(8, 3, padding="same", activation="relu", **said)(x)
    x = L.Concatenate(axis=1)([L.Add()([x, L.Conv2D(8, 1, **said)(x)]), L.DepthwiseConv2D(3, padding="same", **said)(x)])
    x = L.Conv2D(5, 3, 2, **said)(L.ZeroPadding2D(1, **said)(L.BatchNormalization(axis=1)(x)))
    x = L.Multiply()([x, L.GlobalAveragePooling2D(keepdims=True, **said)(x)])
    return L.MaxPooling2D(2, **said)(L.UpSampling2D(2, **said)(x))


@pytest.mark.parametrize("flatten", [None, "channels_first", "channels_last"])
def test_channels_first(flatten):
    """A Flatten puts channels last before it, if it is said to; else it takes the order that there is."""

    def layers(L, ops, x):
        x = channels_first(L, ops, x)
        return x if flatten is None else L.Dense(4)(L.Flatten(data_format=flatten)(x))

    model = built((3, 10, 12), layers)
    found = from_keras(model)
    assert difference(model, found, first=True) < CLOSE
    assert "rearrange" not in found.text


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_weights_come_from_the_file(suffix, tmp_path):
    pytest.importorskip("h5py")
    model = built((10, 12, 3), everything)
    path = tmp_path / f"net{suffix}"
    model.save(path)
    found = from_keras(path)
    assert found.stored == from_keras(model).stored
    assert difference(model, found) < CLOSE
    weights = tmp_path / "out.safetensors"
    assert found.save_weights(weights) == len(found.stored)
    net = archspec.to_torch(found.network)
    archspec.load_weights(net, weights)


def test_weights_lie_apart(tmp_path):
    pytest.importorskip("h5py")
    model = built((10, 12, 3), everything)
    (tmp_path / "net.json").write_text(model.to_json())
    model.save_weights(tmp_path / "net.weights.h5")
    found = from_keras(tmp_path / "net.json")
    assert difference(model, found, found.tensors(tmp_path / "net.weights.h5")) < CLOSE


def test_a_layer_of_your_own_keeps_its_weights(tmp_path):
    package = keras()
    pytest.importorskip("h5py")

    @package.saving.register_keras_serializable("mine")
    class Squish(package.layers.Layer):
        def build(self, shape):
            self.factor = self.add_weight(shape=(shape[-1], 3), name="factor")

        def call(self, x):
            return x @ self.factor

    last = from_keras(built((5,), lambda L, ops, x: Squish(name="squish")(x)))  # a live model knows what nobody reads
    assert 'custom "Squish" out=3 weight_0=5x3' in last.text
    model = built((5,), lambda L, ops, x: L.Dense(2)(Squish(name="squish")(x)))
    model.save(tmp_path / "net.keras")
    for source in (model, tmp_path / "net.keras"):
        found = from_keras(source)
        assert 'custom "Squish" out=3 weight_0=5x3' in found.text
        assert archspec.analyze(found.network).totals.params == model.count_params()


APPLICATIONS = {
    "VGG16": 32, "ResNet50": 32, "ResNet50V2": 32, "DenseNet121": 32, "MobileNet": 32, "MobileNetV2": 32, "MobileNetV3Small": 32,
    "EfficientNetB0": 32, "EfficientNetV2B0": 32, "ConvNeXtTiny": 32, "Xception": 71, "InceptionV3": 75,
}  # fmt: skip
LONGER = ("xception",)
"""Those of which a group is written out: its last block, which adds nothing, is taken for one with the others, and the proof refuses that."""
OTHERS = {
    "VGG19": 0, "ResNet101": 0, "ResNet152": 0, "ResNet101V2": 0, "ResNet152V2": 0, "InceptionResNetV2": 0, "MobileNetV3Large": 224,
    "DenseNet169": 0, "DenseNet201": 0, "NASNetLarge": 0, **{f"EfficientNetB{at}": 0 for at in range(1, 8)}, "EfficientNetV2S": 0,
    "EfficientNetV2M": 0, "EfficientNetV2L": 0, "EfficientNetV2B1": 0, "EfficientNetV2B2": 0, "EfficientNetV2B3": 0,
    **{f"ConvNeXt{size}": 0 for size in ("Small", "Base", "Large", "XLarge")},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_applications_compute_the_same(name):
    size = APPLICATIONS[name]
    model = randomized(getattr(keras().applications, name)(weights=None, input_shape=(size, size, 3), classifier_activation=None))
    found = from_keras(model, (size, size, 3))
    assert difference(model, found) < CLOSE
    counted(model, found)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_the_other_applications_count_the_same(name):
    model = getattr(keras().applications, name)(weights=None)
    counted(model, from_keras(model, (224, 224, 3) if OTHERS[name] else None))


def counted(model, found):
    """All is said by layers, and counts are Keras's; of `Normalization` the constants are stored here, and Keras counts batches."""
    assert found.diagnostics == ()
    assert found.note == "" or found.network.name in LONGER
    totals = archspec.analyze(found.network).totals
    assert totals.params == sum(int(weight.value.numel()) for weight in model.trainable_weights)
    constants = sum(
        6 if layer.get_config()["mean"] is not None else -1 for layer in model.layers if type(layer).__name__ == "Normalization"
    )
    assert totals.params + totals.buffers - constants == model.count_params()


def test_an_application_of_keras_reads_like_one_of_ours(tmp_path):
    """The blocks of ResNet-50 are found by its names, and its conv1 has the padding of the layer before it."""
    model = keras().applications.ResNet50(weights=None)
    (tmp_path / "net.json").write_text(model.to_json())
    text = read(tmp_path / "net.json", {}).text
    assert "  conv: conv k=7 f=64 s=2 p=3\n" in text
    assert "block bottleneck(f, s=1):\n" in text and ": bottleneck 512 s=2,1\n" in text
    assert len([line for line in text.splitlines() if line.strip()]) <= 33


def test_a_layer_in_two_models_is_one():
    """A live model shows it; its configuration does not, and Keras itself makes two of it."""
    L = keras().layers
    dense = L.Dense(4, name="both")
    models = [keras().Sequential([keras().Input((4,)), dense, L.Activation(word)], name=word) for word in ("relu", "tanh")]
    model = built((4,), lambda L, ops, x: models[1](models[0](x)))
    found = from_keras(model)
    assert archspec.analyze(found.network).totals.params == model.count_params() == 20
    assert difference(model, found) < CLOSE
