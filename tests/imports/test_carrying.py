"""`archspec import MODEL -o SPEC --weights FILE`: the emitted module with those weights gives what the model gives in its own program."""

from __future__ import annotations

import pytest

import archspec
from archspec.cli.main import run
from archspec.types import Map
from tests.helpers.keras import keras, randomized
from tests.helpers.paths import SPECS as BUNDLED
from tests.helpers.specs import reduced

np = pytest.importorskip("numpy", reason="has the arrays")
torch = pytest.importorskip("torch", reason="computes")
pytest.importorskip("safetensors", reason="reads what was written")

SPECS = {
    "plain": "input 12x12x3\nconv k=3 f=4 p=1 | bn | relu\npool w=2\nflatten | fc 7 | relu | fc 5\n",
    "grouped": "input 9x9x4\nconv k=3 f=8 g=2 s=2 | prelu\ndwconv k=3 p=1 bias=no | gn 4\nresidual: conv k=1 f=8 | ln\ngap | fc 3 | softmax\n",
    "transposed": "input 6x6x3\ndeconv k=2 f=4 s=2 | leaky\nconv k=3 f=2 d=2\n",
    "tokens": "input 16x16x3\nconv k=4 f=8 s=4 | tokens | pos\nrepeat 2:\n  residual: ln | attn heads=2\n  residual: ln | linear 16 | gelu | linear 8\nln\ntoken 0 | fc 4\n",
}


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def carried(x, *command):
    """What the spec and the weights that the command writes give."""
    net = moved(*command)
    with torch.no_grad():
        return net(x).numpy()


def moved(*command):
    """PyTorch's module of the spec and the weights that the command writes."""
    assert run(["import", *command, "-o", "net.arch", "--weights", "net.safetensors"]) == 0
    net = archspec.to_torch(archspec.load("net.arch")).eval()
    assert archspec.load_weights(net, "net.safetensors").how == "name"
    return net


def onnx_results(path, x):
    runtime = pytest.importorskip("onnxruntime", reason="computes")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]


@pytest.mark.parametrize("name", SPECS)
def test_onnx(desk, name):
    pytest.importorskip("onnx", reason="writes the file")
    network = archspec.loads(SPECS[name], name=name)
    net = archspec.to_torch(network, seed=0)
    for parameter in net.parameters():  # no zero biases and unit scales, so that one which is lost shows
        torch.nn.init.uniform_(parameter, -0.5, 0.5, generator=torch.Generator().manual_seed(parameter.numel()))
    (desk / "net.onnx").write_bytes(archspec.to_onnx(network, net.state_dict()).SerializeToString())
    *sides, channels = network.inputs[0].type.shape
    x = given(2, channels, *sides)
    np.testing.assert_allclose(carried(x, "net.onnx"), onnx_results(desk / "net.onnx", x), atol=2e-6)


def test_onnx_with_its_weights_in_a_file_apart(desk, capsys):
    pytest.importorskip("onnx", reason="writes the file")
    (desk / "apart.arch").write_text(SPECS["plain"])
    assert run(["emit", "onnx", "apart.arch", "-o", "apart.onnx", "--external-data"]) == 0
    assert run(["import", "apart.onnx", "--weights", "net.safetensors"]) == 2
    message = capsys.readouterr().err
    assert "--data" in message
    assert message.count("\n") == 1
    assert not (desk / "net.safetensors").exists()
    x = given(2, 3, 12, 12)
    np.testing.assert_allclose(carried(x, "apart.onnx", "--data", "apart.onnx.data"), onnx_results(desk / "apart.onnx", x), atol=2e-6)


@pytest.mark.parametrize("form", ["net.keras", "net.h5", "net.json"])
def test_keras(desk, form):
    layers = keras().layers
    pytest.importorskip("h5py", reason="has the weights")
    model = randomized(
        keras().Sequential(
            [
                keras().Input((12, 12, 3)),
                layers.Conv2D(4, 3, padding="same"),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.DepthwiseConv2D(3, use_bias=False),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(5, activation="softmax"),
            ]
        )
    )
    if form == "net.json":
        (desk / form).write_text(model.to_json())
        model.save_weights(desk / "net.weights.h5")
    else:
        model.save(desk / form)
    x = given(2, 3, 12, 12)
    apart = ("--data", "net.weights.h5") if form == "net.json" else ()
    wanted = model.predict(x.permute(0, 2, 3, 1).numpy(), verbose=0)
    np.testing.assert_allclose(carried(x, form, *apart), wanted, atol=1e-6)


def test_a_live_model_of_keras(desk):
    model = randomized(
        keras().Sequential([keras().Input((6, 6, 2)), keras().layers.Conv2D(3, 2), keras().layers.Flatten(), keras().layers.Dense(4)])
    )
    found = archspec.from_keras(model)
    assert found.save_weights("net.safetensors") == 4
    net = archspec.to_torch(found.network).eval()
    archspec.load_weights(net, "net.safetensors")
    x = given(2, 2, 6, 6)
    with torch.no_grad():
        np.testing.assert_allclose(net(x).numpy(), model.predict(x.permute(0, 2, 3, 1).numpy(), verbose=0), atol=1e-6)


def lenet(layers, x):
    x = layers.Conv2D(6, 5, padding="same", activation="tanh")(x)
    x = layers.Conv2D(16, 5, activation="tanh")(layers.AveragePooling2D(2)(x))
    return layers.Dense(10, activation="softmax")(layers.Dense(84, activation="tanh")(layers.Flatten()(x)))


def separable(layers, x):
    """A residual of separable convolutions, as Xception has them, after a padding of its own."""
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, use_bias=False)(layers.ZeroPadding2D(((1, 0), (1, 0)))(x)))
    y = layers.SeparableConv2D(8, 3, padding="same", use_bias=False)(layers.ReLU()(x))
    x = layers.Add()([layers.BatchNormalization(scale=False)(y), x])
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))


def sequence(layers, x):
    return layers.Dense(2, activation="sigmoid")(layers.LSTM(5)(layers.Bidirectional(layers.GRU(6, return_sequences=True))(x)))


def transformer(layers, x):
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(*[layers.LayerNormalization(epsilon=1e-6)(x)] * 2)])
    x = layers.Add()([x, layers.Dense(8)(layers.Dense(16, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x)))])
    return layers.GlobalAveragePooling1D()(x)


def decoder(layers, x):
    y = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
    y = layers.Concatenate()([layers.Conv2DTranspose(4, 2, strides=2)(y), x])
    return layers.Conv2D(2, 1, activation="softmax")(layers.UpSampling2D(2, interpolation="bilinear")(y))


BY_HAND = {lenet: (28, 28, 1), separable: (16, 16, 3), sequence: (12, 4), transformer: (12, 8), decoder: (8, 8, 3)}
"""Models as users of Keras write them, and their inputs."""
EMITTED = ["resnet20_cifar", "shallowvggnet", "squeezenet1_0", "siamese_koch", "gpt2", "mobilenet_v2", "lenet5_1998"]


@pytest.mark.slow
@pytest.mark.parametrize("source", [*BY_HAND, *EMITTED], ids=lambda source: getattr(source, "__name__", source))
def test_networks_of_keras_in_pytorch(desk, source):
    """Twelve networks, with weights drawn, by the command that docs/keras.md tells."""
    k = keras()
    pytest.importorskip("h5py", reason="has the weights")
    if callable(source):
        x = k.Input(BY_HAND[source])
        model = k.Model(x, source(k.layers, x))
    else:
        model = archspec.to_keras(reduced(next(path for path in BUNDLED if path.stem == source)))
    randomized(model).save("net.keras")
    net, network = moved("net.keras"), archspec.load("net.arch")
    draws = np.random.default_rng(0)
    whole = ["int" in str(x.dtype) for x in model.inputs]
    last = [
        draws.integers(0, 9, (2, *x.shape[1:])) if w else draws.random((2, *x.shape[1:]), "f4")
        for x, w in zip(model.inputs, whole, strict=True)
    ]
    first = [torch.tensor(np.moveaxis(x, -1, 1) if isinstance(i.type, Map) else x) for x, i in zip(last, network.inputs, strict=True)]
    with torch.no_grad():
        found = net(*first)
    found = found.movedim(1, -1) if isinstance(network.graph.type_of(network.outputs[0].value), Map) else found
    np.testing.assert_allclose(found.numpy(), k.ops.convert_to_numpy(model(last if len(last) > 1 else last[0], training=False)), atol=1e-5)
