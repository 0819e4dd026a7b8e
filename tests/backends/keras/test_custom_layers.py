"""The custom layers of Keras against the modules of PyTorch, with weights that are drawn."""

from __future__ import annotations

from inspect import Parameter, signature

import pytest

from tests.helpers import custom_layers
from tests.helpers.custom_layers import LAYERS, built, drawn, last, layer_of, moved
from tests.helpers.keras import keras

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

import archspec
from archspec.analysis.tensors import tensors
from archspec.backends.keras.templates import sources
from archspec.backends.source.constructor import new


def both(text, seed=0):
    """What PyTorch computes, and the Keras model with its results; weights and inputs are drawn."""
    network = archspec.loads(text)
    theirs = archspec.to_torch(network, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    state = theirs.state_dict()
    for tensor in tensors(network):
        state[tensor.key].normal_(0, 0.4, generator=generator)
    model, made = built(network)
    moved(network, made, state)
    given = drawn(network)
    with torch.no_grad():
        right = theirs(*[torch.tensor(np.moveaxis(x, -1, 1) if x.ndim > 2 else x) for x in given])
        found = model(given[0] if len(given) == 1 else given, training=False)
    right = last(right.detach().numpy(), network.graph.output)
    return np.broadcast_to(right, (len(given[0]), *right.shape[1:])), keras().ops.convert_to_numpy(found), model


def same(found, right):
    assert found.shape == right.shape
    assert np.abs(found - right).max() <= 1e-5 * max(1.0, np.abs(right).max())


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_pytorch_s_does(name):
    right, found, _ = both(LAYERS[name])
    same(found, right)


@pytest.mark.parametrize(
    "name", ["attn in", "attn all", "attn map v2", "attn map grid table", "winattn", "attend kvheads", "attend rel", "linear", "conv maps"]
)
def test_the_parts_that_other_arguments_ask_for_change_nothing(name, monkeypatch):
    network = archspec.loads(LAYERS[name])
    every = {word for element in network.graph.elements for word in element.op.fields} | {"kv", "WindowAttention"}
    few = built(network)[0]
    monkeypatch.setattr(custom_layers, "sources", lambda names, words: sources(names, every))
    many = built(network)[0]
    many.set_weights(few.get_weights())
    given = drawn(network)[0]
    assert np.array_equal(few.predict(given, verbose=0), many.predict(given, verbose=0))


def test_dropping_zeroes_whole_examples_or_channels_and_scales_the_rest():
    x = np.ones((64, 3, 4, 5), "float32")
    for name, axes in (("DropPath", (1, 2, 3)), ("Dropout2d", (1, 2))):
        layer = layer_of(new(name, 0.25), "drop")
        y = keras().ops.convert_to_numpy(layer(x, training=True))
        assert set(np.unique(y.round(5))) == {0.0, np.float32(4 / 3).round(5)}
        assert np.ptp(y, axis=axes).max() < 1e-6
        assert 0.1 < (y == 0).mean() < 0.4
        assert np.array_equal(keras().ops.convert_to_numpy(layer(x)), x)


def test_spectral_norm_improves_its_vectors_in_training_as_pytorch_does():
    network = archspec.loads("input 6x8x12\nconv k=3 f=4 norm=spectral\n")
    theirs = archspec.to_torch(network, seed=0).train()
    model, made = built(network)
    moved(network, made, theirs.state_dict())
    (x,) = drawn(network)
    for _ in range(3):
        right = theirs(torch.tensor(np.moveaxis(x, -1, 1)))
        same(keras().ops.convert_to_numpy(model(x, training=True)), last(right.detach().numpy(), network.graph.output))
    for variable, value in zip(model.get_weights(), theirs.state_dict().values(), strict=True):
        same(variable, value.numpy())


@pytest.mark.parametrize("word", ["kaiming", "kaiming_uniform", "kaiming_out", "xavier", "xavier_normal", "lecun", "normal", "truncated"])
def test_weights_begin_as_widely_spread_as_pytorch_s(word):
    network = archspec.loads(f"input 8x8x40\nconv k=3 f=60 init={word}\n")
    theirs = archspec.to_torch(network, seed=0).state_dict()
    ours = built(network)[0].get_weights()
    assert ours[0].std() == pytest.approx(float(theirs["conv1.weight"].std()), rel=0.02)
    assert abs(ours[0]).max() == pytest.approx(float(theirs["conv1.weight"].abs().max()), rel=0.3)
    assert not ours[1].any()


def test_other_starts():
    assert np.array_equal(built(archspec.loads("input 3\nt: tensor 4x4 init=eye\nfrom t\n"))[0].get_weights()[0], np.eye(4))
    (rows,) = built(archspec.loads("input 40\nlinear 9 bias=no init=orthogonal\n"))[0].get_weights()
    same(rows @ rows.T, np.eye(9))
    assert set(np.unique(built(archspec.loads("input 40\nrbf 9\n"))[0].get_weights()[0])) == {-1.0, 1.0}
    lengths, matrix = built(archspec.loads("input 40\nlinear 9 bias=no norm=weight\n"))[0].get_weights()
    same(lengths[:, 0], np.linalg.norm(matrix, axis=1))


def test_a_table_is_looked_up_and_multiplied_with():
    package = keras().layers
    embed, dense = package.Embedding(9, 5, name="wte"), package.Dense(9, name="rows")
    ids = keras().Input((4,), dtype="int32")
    made = custom_layers.scope("\n\n\n".join(sources({"TiedLinear", "TiedEmbed"}, ())))
    tied, again = [made["TiedLinear"](of) for of in (embed, dense)], made["TiedEmbed"](dense)
    model = keras().Model(ids, package.Add()([tied[0](embed(ids)), dense(embed(ids)), tied[1](again(ids))]))
    model.set_weights([np.random.default_rng(0).normal(size=weight.shape).astype("float32") for weight in model.weights])
    assert len(model.weights) == 5
    table, kernel, offset, first, last_ = (
        weight.numpy() for weight in (embed.embeddings, dense.kernel, dense.bias, tied[0].offset, tied[1].offset)
    )
    given = np.array([[0, 3, 8, 3]])
    right = table[given] @ table.T + first + table[given] @ kernel + offset + kernel.T[given] @ kernel + last_
    same(model.predict(given, verbose=0), right)


def test_a_declared_layer_has_its_weights_and_calls_what_it_is_given():
    text = 'input 4x5x6\nu: scale\ncustom "my.Layer" u 3 (1,2) out=7x2 weight=2x3 bias=2 macs=10\n'
    model, _ = built(archspec.loads(text))
    assert model.output_shape == (None, 7, 2)
    assert [tuple(weight.shape) for weight in model.layers[-1].weights] == [(2, 3), (2,)]
    x = np.ones((2, 4, 5, 6), "float32")
    with pytest.raises(
        NotImplementedError, match=r"the spec only declares my.Layer: set Custom.functions\['my.Layer'\] to a function of x"
    ):
        model(x)
    seen = []
    type(model.layers[-1]).functions["my.Layer"] = lambda *values, **tensors: (
        seen.append((len(values), values[2:], [*tensors])) or values[0]
    )
    model(x)
    assert seen == [(4, (3, (1, 2)), ["weight", "bias"])]


def test_defaults_are_those_of_the_language():
    from archspec.backends.keras.custom_rows import CUSTOM
    from archspec.ops import op_class

    for step in CUSTOM:
        op, renamed = op_class(step), {"name": "function"}
        layer = custom_layers.scope("\n".join(sources({op.__name__}, set(op.fields))))[op.__name__]
        given = [each for kind in layer.__mro__ if kind.__module__ == "emitted" for each in signature(kind.__init__).parameters.values()]
        defaults = {each.name: each.default for each in reversed(given)}
        for name, field in op.fields.items():
            if name != "frozen" and not (name in op.operands and field.required):
                assert defaults[renamed.get(name, name)] == (Parameter.empty if field.required else field.default), (step, name)
        positional = [] if op.shown_as_keyword else [renamed.get(name, name) for name in op.positional if name not in op.operands]
        assert list(signature(layer.__init__).parameters)[1 : len(positional) + 1] == positional, step


@pytest.mark.parametrize("text", ["l2norm", "grn", "squash", "attn heads=2 sim=cos", "softmax"])
def test_gradients_of_zeros_are_numbers(text):
    model, _ = built(archspec.loads(f"input 4x4x6\nlinear 6 bias=no init=zeros\n{text}\n"))
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 4, 4, 6), "float32"), np.ones((2, 4, 4, 6), "float32"), verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
