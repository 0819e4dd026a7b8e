"""Live Keras models of specs: values, counts and weights beside PyTorch's modules."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from itertools import product

import pytest
import support

import archspec
from archspec.backends.keras.live_models import layers_read
from archspec.ir.walk import walk
from tests.helpers.keras import keras, randomized
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick, reduced

CLOSE = 1e-5
"""Relative to the largest output, both in 32 bits."""
QUICK = ("lenet5", "lenet_keras", "lenet5_1998", "gru_text", "siamese_koch", "resnet20_cifar", "deit_b_distilled")


@pytest.mark.parametrize("path", few_quick([path for path in SPECS if path.stem in (*VARIED, *QUICK)], QUICK), ids=lambda path: path.stem)
def test_values_are_those_of_pytorch(path):
    keras()
    from tests.helpers.keras_emitted import difference

    assert difference(reduced(path)) < CLOSE


@pytest.mark.parametrize(
    "source",
    [
        "input 4x6x6\nx: skip\nconv k=1 f=6 | matmul x\n",
        "input 8x8x3\nblock twice(n):\n  shared: conv k=1 f=n | relu\n  again shared\n\ntwice 3\nfc 4\n",
        "input 6\ne: embed 9 4\nlinear 5\nlinear 4 | linear weights=e\n",
        "input 7x5x2\nadaptpool 3x2\nfc 4 | softmax\n",
        "x: input 9x2\ny: input 9x3\nb x 4\nb x 5\nblock b(from e, n):\n  from e | conv k=3 f=n | conv k=1 f=cin\n",
        "input 9x2\npool 2 p=causal round=ceil\nfc 4\n",
        "input 7x4x3\nreshape 14x2x3 | fc 6\n",
        "input 9x3\nconv k=1 f=4\nreshape 12x3 | conv k=1 f=3 | fc 6\n",
        "input 9x9x4\nv: conv k=1 f=4 | relu | bn\nadd:\n  w:\n    again v\n    droppath\n  u:\n    mul:\n      again w\n      again v\nfc 2\n",
        "block b(n):\n  t: tensor 1x1x(n) init=1\n  u: tensor 1x1x(n) init=2\n  from t | mul u | conv k=1 f=n\n\nx: input 9x9x4\nb: b 4\nfrom x | mul b\n",
        "block b(n):\n  v:\n    conv k=1 f=4\n    bn if n > 4\n    conv k=1 f=4\n  again v\n\ninput 5x5x4\nb 3\nb 5\n",
        "block b(n):\n  v:\n    conv k=1 f=4\n    relu if n > 4\n    bn if n > 4\n  again v\n\ninput 5x5x4\nb 3\nb 5\n",
        "input 12x9x3\nconv k=2 f=2 s=2 p=valid round=ceil mode=reflect\n",
        "block b(k, s=1):\n  dwconv k=k s=s p=same\n  conv k=3 s=s f=8 p=same\n\ninput 15x14x4\nadd:\n  skip\n  relu\nb 3\nb 4 s=2\n",
        "input 4x4x3\nflatten | leaky | bn | softmax | gelu\nfc 5\n",
        "input 4x4x3\nflatten | gelu approx=tanh\nfc 5\n",
    ],
    ids=[
        "matrices of maps",
        "a layer that is used again in a block",
        "a table in common",
        "uneven windows",
        "a block that reads another value than the one at hand",
        "a causal window with ceil",
        "a map that was given another shape",
        "a sequence that was given another shape",
        "the layers of a label that are used again in other labels",
        "a block that reads its own tensors alone",
        "a label that is used again, with a layer under a condition",
        "a label that is used again, with a layer at its end under a condition",
        "no padding, by a word, with ceil",
        "a stride that a block is given, padded by a word",
        "a flat vector in Keras's order",
        "a flat vector in PyTorch's order",
    ],
)
def test_values_of_small_networks(source):
    keras()
    from tests.helpers.keras_emitted import difference

    assert difference(archspec.loads(source)) < CLOSE


@pytest.mark.parametrize("step", few_quick(list(support.SAMPLES), ("pool", "shuffle")))
def test_values_of_the_support_matrix(step):
    """Every combination that PyTorch has is in Keras too, with the same values."""
    keras()
    from tests.helpers.keras_emitted import difference

    for case in support.cases():
        if case.step == step != "custom" and case.network is not None and support.refusal("torch", case.network) is None:
            assert difference(case.network) < CLOSE, case


@pytest.mark.parametrize(
    "source",
    [
        "input 6\ne: embed 9 4\nlinear 4\nlinear weights=e\nlinear 4 | linear weights=e bias=no\n",
        "input 6x4\nl: linear 5\nrelu\nlinear 4 | linear weights=l\n",
        "input 6x4\nblock two(n):\n  l: linear n bias=no\n  linear 4 | relu\n  linear weights=l\n\ntwo 9\nlinear 4\ntwo 5\n",
        "input 3x3x4\nl: linear 9 frozen=yes\nlinear 4 | relu | linear weights=l\n",
        "a: input 3x3x4\nb: input 6\nx: from a | linear 9\ny: from x | tokens\nz: linear 4\nfrom b | embed weights=x | attn kv=z heads=2\n",
    ],
    ids=["of a table", "of a layer", "in blocks", "frozen, of maps", "words of a layer"],
)
def test_tables_in_common_come_back(source, tmp_path):
    """Products with the table of an `embed` or `linear`, and words looked up in one: values, weights, and the same network when it is read."""
    keras()
    import numpy as np

    from archspec.shortening.prove import renamed
    from tests.helpers.keras_emitted import difference, given

    network = archspec.loads(source)
    assert difference(network) < CLOSE
    model = randomized(archspec.to_keras(network))
    model.save(tmp_path / "net.keras")
    found = archspec.from_file(tmp_path / "net.keras")
    if len(network.inputs) == 1:  # else which of both has the table is a matter of their order
        assert renamed(network, found.network)[1] == []
    assert totals(found.network) == totals(network)
    found.save_weights(tmp_path / "net.safetensors")
    first, _ = given(network, model)
    nets = [archspec.to_torch(each).eval() for each in (network, found.network)]
    for net, weights in zip(nets, (archspec.weights_of(model, network), tmp_path / "net.safetensors"), strict=True):
        archspec.load_weights(net, weights)
    ours, theirs = (net(*first).detach().numpy() for net in nets)
    assert np.abs(ours - theirs).max() < CLOSE


GROUP = "x: input 5x3\nout:\n  t: linear 3\n  relu\n"
GROUPS = "x: input 5x3\nout:\n  a:\n    b:\n      t: linear 3\n      relu\n    tanh\n  relu\n"


@pytest.mark.parametrize(
    "text",
    [
        GROUP + "relu\nagain out\n",
        GROUP + "again out\nagain out\n",
        GROUP + "y: again out\noutput side: from y | again out\nfrom y | tanh\n",
        GROUPS + "again out.a\n",
        "x: input 5x3\nb\nblock b(n=2):\n  out:\n    a: repeat n: c 3\n    relu\n  again out.a\nblock c(n): linear n\n",
        GROUPS + "again out.a.b\nagain out.a\nagain out.a.b.t\nagain out\n",
    ],
)
def test_a_group_that_is_used_again_comes_back(text, tmp_path):
    """Keras counts its calls from 0 where layers read them, and from 1 where they are outputs; groups in groups are found by their names."""
    keras()
    import torch

    network = archspec.loads(text)
    model = randomized(archspec.to_keras(network))
    model.save(tmp_path / "net.keras")
    found = archspec.from_file(tmp_path / "net.keras")
    found.save_weights(tmp_path / "net.safetensors")
    nets = [archspec.to_torch(each).eval() for each in (network, found.network)]
    for net, weights in zip(nets, (archspec.weights_of(model, network), tmp_path / "net.safetensors"), strict=True):
        archspec.load_weights(net, weights)
    x = torch.randn(2, 3, 5, 1)[..., 0]
    torch.testing.assert_close(nets[0](x), nets[1](x), rtol=1e-5, atol=1e-6)


START = "ids: input 5\nx: input 5x3\nz: tokens\n"
SHARED = {
    "beside": START + "t: <T>\nu: <U t>\nrelu\n<t> t\n<u> u\n",
    "in a label": START + "a:\n  t: <T>\n  u: <U t>\n  relu\n<t> a.t\n<u> a.u\n",
    "in labels": START + "a:\n  b:\n    t: <T>\n  c:\n    relu\n    u: <U b.t>\n  <u> c.u\nd:\n  <t> a.b.t\n  relu\n<u> a.c.u\n",
    "used in labels": START + "t: <T>\na:\n  u: <U t>\n  <t> t\nb:\n  <u> a.u\n  relu\n",
    "where no output follows": START + "a:\n  b:\n    t: <T>\n    u: <U t>\n    from z | relu\nb:\n  <u> a.b.u\n  <t> a.b.t\n",
    "in a label that is used again": START + "out:\n  a:\n    t: <T>\n  u: <U a.t>\n  <t> a.t\n  b:\n    <u> u\nagain out\n",
    "in blocks": "block n(from ids):\n  a:\n    t: <T>\n    relu\n  u: <U a.t>\n  b:\n    <t> a.t\n    <u> u\n\n"
    + START
    + "n ids\nn ids\n",
    "in rounds": START + "repeat 2 as i: r_{i}:\n  a:\n    t: <T>\n  u: <U a.t>\n  <t> a.t\n  b:\n    <u> u\n",
    "in branches": START + "residual:\n  a:\n    t: <T>\n    relu\n  b:\n    u: <U a.t>\n    <t> a.t\n  <u> b.u\n",
}
"""Where a table <T> is, what uses it, and where both are used again."""


@pytest.mark.parametrize("place", SHARED)
def test_tables_and_what_uses_them_are_used_again(place, monkeypatch):
    """Values are those of PyTorch, and weights come back; a part may have layers besides that no output follows from."""
    keras()
    from tests.helpers import keras_emitted

    counted = keras_emitted.counted
    monkeypatch.setattr(keras_emitted, "counted", lambda network: AtLeast(counted(network)))
    for table, user in product(("linear 3", "embed 3 3"), ("linear weights={}", "linear weights={} bias=no", "embed weights={}")):
        (t, of), (u, by) = (("from ids | " * text.startswith("embed"), text) for text in (table, user))
        text = re.sub("(\\w: )?<U (.*)>", lambda found: f"{found[1]}{u}{by.format(found[2])}", SHARED[place])  # noqa: B023
        text = text.replace("<T>", t + of).replace("<t>", f"{t}again").replace("<u>", f"{u}again")
        assert keras_emitted.difference(archspec.loads(text)) < CLOSE, text


class AtLeast(int):
    """A number that larger ones equal."""

    __hash__ = int.__hash__

    def __eq__(self, other):
        return other >= int(self)


ROUNDS = """input 10x2
repeat 2 as i1: v2_{i1}:
  add:
    conv k=1 f=c() d=2 bias=no norm=no | relu6
    conv k=3 f=2 p=1 norm=no | selu | pool 5 s=1 p=2
residual if c(v2_1.0) == 1 or c(v2_1.0) > 3:
  conv k=1 f=6 s=2 p=valid d=1 bias=yes round=floor gain=yes eps=1e-06
  conv k=3 f=c(v2_1.4) s=1 p=1 bias=yes g=1 eps=1e-06 | again v2_1 if not (w(input) == 2)
"""


IN_LEVELS = "input 5\nv4:\n  _:\n    _: relu | rmsnorm\n    a: fc 5\nrepeat 2: again v4\nagain v4\n"


@pytest.mark.parametrize("source", [ROUNDS, IN_LEVELS, *(f"input 9x5x6\npad p={p} mode=reflect\n" for p in ("0", "0x1", "2x0"))])
def test_values_of_layers_used_again_and_of_no_border(source):
    """Of layers of a function that are used again without their activations, of labels in labels, and of borders of nothing."""
    keras()
    from tests.helpers.keras_emitted import difference

    assert difference(archspec.loads(source)) < CLOSE


OTHER_SIZES = {
    "a label with a repeat": "input 16x16x8\nhead:\n  repeat 2: conv k=3 f=8 p=1 | relu\n  conv k=3 f=8 p=1\npool 2 | again head\n",
    "rounds in a block": "block b(n):\n  residual:\n    t: repeat 2: c n\n  conv k=1 f=n\n\nblock c(n): ln | conv k=1 f=n\n\ninput 8x4\nd: b 4\npool 2 | again d\n",
    "a block that uses one again": "block b(n):\n  v: c n\n  again v\n\nblock c(n):\n  residual: linear n\n\ninput 8x4\nd: b 4\npool 2 | again d\n",
    "windows of attention": "input 8x8x4\nd: winattn heads=2 w=2 shift=1\npool 2 | again d\n",
    "sines of positions": "input 8x8x4\nx: skip\ntokens\nd: pos kind=sin\nfrom x | pool 2 | tokens | again d\n",
    "the layers of a label": "block b(n):\n  p: tanh\n  gmp\n  concat:\n    v: conv k=1 f=n | ln\n  upsample to=p\n\n"
    "input 8x4\nd: b 4\nupsample 3 | again d\n",
    "the layers of a label with a block": "block b(n):\n  p: tanh\n  gmp\n  concat:\n    v: c n | ln\n  upsample to=p\n\nblock c(n):\n  residual: linear n\n\n"
    "input 8x4\nd: b 4\nupsample 3 | again d\n",
}
"""What is called again with values of other sizes; a label alone where the block around it becomes other layers."""


@pytest.mark.parametrize("case", OTHER_SIZES)
def test_what_is_used_again_with_other_sizes(case, tmp_path):
    """Values are those of PyTorch, and the same after the model is saved and loaded; it is read back."""
    k = keras()
    import numpy as np

    from tests.helpers.keras_emitted import difference, given

    network = archspec.loads(OTHER_SIZES[case])
    assert difference(network) < CLOSE
    model = randomized(archspec.to_keras(network))
    model.save(tmp_path / "net.keras")
    _, (x,) = given(network, model)
    ours, theirs = (k.ops.convert_to_numpy(each(x)) for each in (model, k.models.load_model(tmp_path / "net.keras")))
    assert np.array_equal(ours, theirs)
    assert totals(archspec.from_file(tmp_path / "net.keras").network) == totals(network)


def totals(network):
    """What is counted of a network."""
    found = archspec.analyze(network).totals
    return found.params, found.buffers, found.macs


def test_weights_of_a_trained_model_come_back():
    k = keras()
    import numpy as np
    import torch

    network = archspec.load("lenet_keras")
    model = archspec.to_keras(network, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    draws = np.random.default_rng(0)
    images = draws.random((16, 28, 28, 1), dtype="float32")
    model.fit(images, draws.integers(0, 10, 16), epochs=1, verbose=0)
    module = archspec.to_torch(network).eval()
    assert archspec.load_weights(module, archspec.weights_of(model, network)).how == "name"
    with torch.no_grad():
        ours = module(torch.tensor(images).movedim(-1, 1)).numpy()
    assert np.abs(ours - k.ops.convert_to_numpy(model(images, training=False))).max() < 1e-6


def test_equal_seeds_give_equal_weights():
    keras()
    import numpy as np

    network = archspec.loads("input 4x4x3\nconv k=3 f=5\nfc 2\n")
    a, b, c = (archspec.weights_of(archspec.to_keras(network, seed=seed), network) for seed in (1, 1, 2))
    assert all(np.array_equal(a[key], b[key]) for key in a)
    assert any(not np.array_equal(a[key], c[key]) for key in a)


def test_layers_that_no_output_follows_from_are_left_out():
    """The last block of WaveNet gives its side output alone: what leads on from it is in no Keras model."""
    keras()
    from tests.helpers.keras_emitted import counted

    network = reduced(next(path for path in SPECS if path.stem == "wavenet"))
    model, module = archspec.to_keras(network), archspec.to_torch(network)
    assert model.count_params() == counted(network) == archspec.analyze(network).totals.params - 1056
    assert len(archspec.load_weights(model, module.state_dict()).unused) == 2
    assert len(archspec.weights_of(model, network)) == len(module.state_dict()) - 2


def test_weights_of_another_network_are_refused():
    keras()
    model = archspec.to_keras(archspec.loads("input 4x4x3\nconv k=3 f=5\n"))
    other = archspec.loads("input 4x4x3\nconv k=3 f=6\n")
    with pytest.raises(archspec.WeightsError, match="it is not that of the network"):
        archspec.weights_of(model, other)
    with pytest.raises(archspec.WeightsError, match="Nothing was loaded"):
        archspec.load_weights(model, archspec.weights_of(archspec.to_keras(other), other))


@pytest.mark.parametrize("name", ["lenet_keras", "lenet_keras_one_pool", "shallownet", "shallowvggnet"])
def test_the_rows_of_the_lectures_are_those_of_summary(name):
    """Shapes and parameters of `summary()`, layer by layer, beside the slides that the facts cite."""
    keras()
    facts = tomllib.loads((SPECS[0].parent / f"{name}.facts.toml").read_text(encoding="utf-8"))
    rows = [(layer.name, list(layer.output.shape[1:]), layer.count_params()) for layer in archspec.to_keras(archspec.load(name)).layers]
    assert [(_stem(row["name"]), row["output"], row["params"]) for row in facts["layers"]] == [(_stem(n), o, p) for n, o, p in rows]


def _stem(name):
    """What Keras calls a class of layers, without the number that it gives to one of them."""
    return re.sub(r"_\d+$", "", name)


@pytest.mark.parametrize("name", ["resnet20_cifar", "pointnet", "gru_text", "gpt2", "lenet5_1998", "siamese_koch"])
def test_a_saved_model_is_read_back(name, tmp_path):
    keras()
    network = reduced(next(path for path in SPECS if path.stem == name))
    path = tmp_path / "net.keras"
    archspec.to_keras(network).save(path)
    read = archspec.from_file(path)
    assert not read.diagnostics
    assert totals(network) == totals(read.network)


def test_heads_of_training_come_back():
    keras()
    from archspec.shortening.prove import renamed

    network = archspec.loads("input 8x8x3\na: conv k=3 f=4 | relu\nconv k=3 f=6\ngap | fc 5\noutput aux train:\n  from a | gap | fc 5\n")
    model = archspec.to_keras(network)
    assert model.count_params() == archspec.analyze(network).totals.params
    read = archspec.from_keras(model).network
    assert [(output.name, output.training) for output in read.outputs] == [("output", False), ("aux", True)]
    assert renamed(network, read)[1] == []


@pytest.mark.parametrize("path", few_quick(SPECS, QUICK), ids=lambda path: path.stem)
def test_bundled_specs_are_read_back(path):
    """Layers with weights or work, by what they hold, do and give, are the same; without numbers in them, where nothing is looked up by these."""
    k = keras()
    network = reduced(path)
    attends = any("att" in place.node.op.step for place in walk(network))  # some have tensors of numbers, which have no place there
    with k.device("cpu" if attends or path.stem in QUICK else "meta"):
        found = archspec.from_keras(archspec.to_keras(network))
    assert not found.diagnostics
    assert rows(found.network) == rows(network)
    if path.stem != "wavenet":  # of whose last block Keras has a part
        assert totals(found.network) == totals(network)


def rows(network):
    """The layers with weights or work by counts and shape, with what an output follows from alone.

    Keras crops behind a transposed convolution, and that is read as a `crop` of its own.
    """
    read = layers_read(network)
    found = [row for row in archspec.analyze(network).layers if row.name in read and (row.params or row.macs)]
    return Counter((row.params, row.buffers, row.macs, () if row.op == "deconv" else row.output) for row in found)


def test_a_block_comes_back_as_one():
    """Levels are those of names, and what has none is where what it reads is, or where its branch begins."""
    keras()
    for name, lines in (("resnet18", 18), ("googlenet", 33)):
        network = archspec.load(name)
        with keras().device("meta"):
            text = archspec.from_keras(archspec.to_keras(network)).text
        assert len([line for line in text.splitlines() if line]) <= lines
