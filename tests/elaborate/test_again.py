"""`again`: rows and counts, the emitted module against one built by hand, ONNX, and what is refused."""

import json

import pytest

import archspec
from archspec.analysis.tensors import tensors
from archspec.api import Options, compile_text
from archspec.backends.arch import expand
from archspec.ir.schema import from_json, to_json

SIAMESE = """
left: input 16x16x3
right: input 16x16x3
from left
tower:
  conv k=3 f=4 p=1
  bn
  tanh
  gap
a: skip
from right | again tower | mul a
fc 2
"""
TWO_SIZES = """
left: input 16x16x3
right: input 9x11x3
from left
tower: conv k=3 f=4 p=1 | bn | tanh | gap
a: skip
from right
b: again tower
concat a
fc 2
"""
NESTED = """
input 8x8x4
c: conv k=3 f=4 p=1
group:
  tanh
  again c
  inner: sigmoid | again c
repeat 3: tanh | again c
again group
fc 3
"""
ROUNDS = """
input 8x8x4
repeat 2 as i:
  d{i}: conv k=3 f=4 p=1
  group{i}: tanh | again d{i}
u: repeat 2: twice
again u
twice
fc 3
block twice(f=4):
  c: conv k=3 f=f p=1
  again c
  residual:
    dwconv k=3 p=1
    tanh
    again c
"""
TENSORS = """
input 8x8x4
s: scale 0.5
act: prelu shared=no
conv k=3 f=4 p=1
group: again s | again act
tokens
at: attn heads=2
ln
again at
fc 3
"""
VALUES = """
block join(f, from e, from g):
  deconv k=2 s=2 f=f
  concat e | conv k=3 f=f p=1 | tanh | mul g
input 8x8x4
e1: conv k=3 f=4 p=1
e2: tanh
pool w=2
d: join 4 e1 e2
pool w=2 | again d e2 e1
pool w=2
d2: again d g=e1 e=e2
pool w=2 | again d2 e1 e1
group: pool w=2 | again d
fc 3
"""
SIZES = """
block up(f, from e): upsample to=e mode=bilinear | add e | twice f
block twice(f):
  c: conv k=3 f=f p=1
  tanh | again c
input 9x9x4
e1: conv k=3 f=4 p=1
pool w=3
e2: tanh
pool w=3
d: up 4 e2
x: again d e1
from x | pool w=3 | again d e1
fc 3
"""
PATHS = """
input 8x8x4
enc:
  conv1: conv k=3 f=4 p=1
  s: sigmoid
  g:
    gamma: scale 0.5
    t: tanh | conv k=3 f=4 p=1 | add s
  t: again conv1 | add s
  u: again g.t
again enc.conv1
again enc.g.t
again enc.g.gamma
again enc.t
enc2: again enc
again enc2.g.t
again enc2.g
again enc2.u
x: tanh | again enc2.g
fc 3
"""
SPECS = {
    "siamese": SIAMESE,
    "two sizes": TWO_SIZES,
    "nested": NESTED,
    "rounds": ROUNDS,
    "tensors": TENSORS,
    "values": VALUES,
    "sizes": SIZES,
    "paths": PATHS,
}


def rows(text):
    return {row.name: row for row in archspec.analyze(archspec.loads(text))}


def test_rows_name_what_has_the_weights_and_count_them_once():
    found = rows(SIAMESE)
    assert {name: row.owner for name, row in found.items() if row.owner} == {"again1.0": "tower.0", "again1.1": "tower.1"}
    conv = 4 * 3 * 9 + 4
    assert (found["tower.0"].params, found["again1.0"].params, found["again1.1"].buffers) == (conv, 0, 0)
    assert found["tower.0"].macs == found["again1.0"].macs == 256 * 4 * 27
    totals = archspec.analyze(archspec.loads(SIAMESE)).totals
    assert (totals.params, totals.buffers, totals.macs) == (conv + 8 + 10, 8, 2 * 256 * 4 * 27 + 8)
    assert found["again1.0"].written == "conv k=3 f=4 p=1 = tower.0"


@pytest.mark.parametrize("repeat", ["repeat 3:", "repeat 3: repeat 2:"])
def test_a_group_again_in_every_round(repeat):
    """A round of one call alone is that call, run so often; not where it has the weights of another."""
    text = f"input 8x8x3\ntwin:\n  conv k=1 f=3\n  relu\n{repeat} again twin"
    found = rows(text)
    assert {row.owner for name, row in found.items() if name.endswith(".0") and name != "twin.0"} == {"twin.0"}
    assert rows(expand(archspec.loads(text))).keys() == found.keys()


def test_names_and_positions_of_other_layers_stay():
    assert list(rows("input 8x8x3\nc: conv k=1 f=3\nagain c\nconv k=1 f=4")) == ["c", "again1", "conv2"]
    assert list(rows("input 8x8x3\nc: conv k=1 f=3\nf:\n  relu\n  again c\n  relu")) == ["c", "f.0", "f.again1", "f.1"]


def test_in_a_block_each_call_has_its_own():
    found = rows("input 8x8x4\nrepeat 3: b\nblock b():\n  c: conv k=1 f=4\n  again c")
    assert [row.owner for row in found.values()] == [None, "b1.c", None, "b2.c", None, "b3.c"]


def test_again_of_an_again_has_the_weights_of_the_first():
    found = rows("input 8x8x3\nc: conv k=1 f=3\nd: again c\ng: tanh | again d\nagain g")
    assert [row.owner for row in found.values()] == [None, "c", None, "c", None, "c"]


def test_values_outside_are_those_of_the_first_time():
    text = "input 8x8x3\ns: conv k=1 f=3\nt: conv k=1 f=3 | add s\nfrom input | sigmoid\ns2: skip\nagain t"
    found = rows(text)
    assert found["t.add1"].sources == ("t.0", "s") and found["again1.add1"].sources == ("again1.0", "s")


def test_a_label_that_a_later_one_hides_is_that_of_the_first_time():
    text = "input 8x8x3\ns: conv k=1 f=3\ng:\n  t: conv k=1 f=3 | add s\n  s: sigmoid\n  from t | again t\n"
    assert rows(text)["g.again1.add1"].sources == ("g.again1.0", "s")


def test_labels_that_climb_out_of_their_rounds_are_those_of_their_round():
    text = (
        "input 8x8x3\nb0: conv k=1 f=3\nrepeat 3 as i:\n  a{i+1}: conv k=1 f=i+4 | conv k=3 f=3 p=1 | add b{i}\n  relu\n"
        "  b{i+1}: conv k=1 f=3\n  group{i}: tanh | again b{i}\nagain a2\nagain b2"
    )
    found = rows(text)
    owners = {name: row.owner for name, row in found.items() if row.owner}
    assert owners == {
        "group0.again1": "b0", "group1.again1": "b1", "group2.again1": "b2", "again1.0": "a2.0", "again1.1": "a2.1", "again2": "b2"
    }  # fmt: skip
    assert found["again1.add1"].sources == ("again1.1", "b1") and found["again1.0"].output == (8, 8, 5)
    assert list(rows(expand(archspec.loads(text)))) == list(found)


def test_a_partial_network_keeps_its_owners():
    text = "input 8x8x3\nc: conv k=1 f=3\nconv k=9 f=2\nfrom c\nagain c\ngroup: tanh | again c"
    found = archspec.compile(text)
    assert not found.complete
    assert [row.owner for row in archspec.analyze(found.network)] == [None, "c", None, "c"]


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_expanded_and_read_again_it_is_the_same(text):
    network = archspec.loads(text)
    assert to_json(from_json(to_json(network))) == to_json(network)
    flat = expand(network)
    assert expand(archspec.loads(flat)) == flat
    for name in ("params", "macs", "buffers", "flops"):
        assert getattr(archspec.analyze(archspec.loads(flat)).totals, name) == getattr(archspec.analyze(network).totals, name)
    assert [r.owner for r in archspec.analyze(archspec.loads(flat))] == [r.owner for r in archspec.analyze(network)]


def inputs_of(network):
    import torch

    generator = torch.Generator().manual_seed(1)
    return {i.name: torch.randn(3, i.type.channels, *i.type.shape[:-1], generator=generator) for i in network.inputs}


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_the_module_stores_each_weight_once_and_onnx_gives_its_values(text):
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    network = archspec.loads(text)
    model = archspec.to_torch(network, seed=0).eval()
    report = archspec.analyze(network)
    assert sum(p.numel() for p in model.parameters()) == report.totals.params
    state = model.state_dict()
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)
    assert {tensor.key for tensor in tensors(network)} == {key for key in state if not key.endswith("num_batches_tracked")}
    assert not any("again" in key for key in state)
    proto = archspec.to_onnx(network, state, batch=3)
    assert not any("again" in tensor.name for tensor in proto.graph.initializer if tensor.name in state)
    given = inputs_of(network)
    (found,) = runtime.InferenceSession(proto.SerializeToString()).run(None, {name: x.numpy() for name, x in given.items()})
    torch.testing.assert_close(torch.from_numpy(found), model(*given.values()).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("merge", ["mul min(6,h())+1", "add h()", "sub h()"])
def test_what_a_merge_takes_is_that_of_the_place_where_it_is_used_again(merge):
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    text = f"input 12x12x3\ng:\n  conv k=1 f=3\n  n: skip\n  {merge}\nadaptpool 4\nagain g\n"
    text = text.replace("n: skip\n  ", "").replace("concat n axis=t", "tokens\n  concat g0 axis=t") if False else text
    network = archspec.loads(text)
    model = archspec.to_torch(network, seed=0).eval()
    given = inputs_of(network)
    proto = archspec.to_onnx(network, model.state_dict(), batch=3)
    (found,) = runtime.InferenceSession(proto.SerializeToString()).run(None, {name: x.numpy() for name, x in given.items()})
    torch.testing.assert_close(torch.from_numpy(found), model(*given.values()).detach(), rtol=1e-4, atol=1e-5)


def by_hand(name, leaf, given):
    """The network of a name, from torch.nn.functional and a state_dict; batch norms in training."""
    import torch
    import torch.nn.functional as f

    def conv(x, key, **how):
        return f.conv2d(x, leaf[f"{key}.weight"], leaf[f"{key}.bias"], padding=1, **how)

    def fc(x, key):
        return f.linear(x.flatten(1), leaf[f"{key}.weight"], leaf[f"{key}.bias"])

    def tower(x):
        y = conv(x, "tower.0")
        mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), correction=0)
        spread = [v[:, None, None] for v in (mean, var, leaf["tower.1.weight"], leaf["tower.1.bias"])]
        return torch.tanh((y - spread[0]) / torch.sqrt(spread[1] + 1e-5) * spread[2] + spread[3]).mean((2, 3))

    def twice(x, key):
        x = conv(conv(x, f"{key}.c"), f"{key}.c")
        return x + conv(torch.tanh(conv(x, f"{key}.dwconv1", groups=4)), f"{key}.c")

    xs = list(given.values())
    if name == "siamese":
        return fc(tower(xs[0]) * tower(xs[1]), "fc1")
    if name == "two sizes":
        return fc(torch.cat((tower(xs[1]), tower(xs[0])), 1), "fc1")
    x = xs[0]
    if name == "values":
        x = e1 = conv(x, "e1")
        x = e2 = torch.tanh(x)
        for e, g in ((e1, e2), (e2, e1), (e2, e1), (e1, e1), (e1, e2)):
            x = f.conv_transpose2d(f.max_pool2d(x, 2), leaf["d.deconv1.weight"], leaf["d.deconv1.bias"], stride=2)
            x = torch.tanh(conv(torch.cat((x, e), 1), "d.conv1")) * g
        return fc(x, "fc1")
    if name == "sizes":
        e1 = conv(x, "e1")
        x = e2 = torch.tanh(f.max_pool2d(e1, 3))
        for e in (e2, e1, e1):
            x = f.max_pool2d(x, 3) if e is e2 or len(x[0, 0]) == 9 else x
            x = conv(f.interpolate(x, e.shape[2:], mode="bilinear") + e, "d.twice1.c")
            x = conv(torch.tanh(x), "d.twice1.c")
        return fc(x, "fc1")
    if name == "paths":
        g = lambda x, s: t(x * leaf["enc.g.gamma"], s)  # noqa: E731
        t = lambda x, s: conv(torch.tanh(x), "enc.g.t.1") + s  # noqa: E731
        first = torch.sigmoid(conv(x, "enc.conv1"))
        x = t(conv(g(first, first), "enc.conv1") + first, first)
        x = t(conv(x, "enc.conv1"), first) * leaf["enc.g.gamma"]
        x = conv(x, "enc.conv1") + first
        second = torch.sigmoid(conv(x, "enc.conv1"))
        x = t(conv(g(second, second), "enc.conv1") + second, second)
        x = t(g(t(x, second), second), second)
        return fc(g(torch.tanh(x), second), "fc1")
    if name == "nested":
        x = conv(x, "c")
        for activations in (["tanh", "sigmoid"], ["tanh"], ["tanh"], ["tanh"], ["tanh", "sigmoid"]):
            for activation in activations:
                x = conv(getattr(torch, activation)(x), "c")
        return fc(x, "fc1")
    for i in range(2):
        x = conv(torch.tanh(conv(x, f"d{i}")), f"d{i}")
    for key in ("u.0", "u.1", "u.0", "u.1", "twice1"):
        x = twice(x, key)
    return fc(x, "fc1")


@pytest.mark.parametrize("name", ["siamese", "two sizes", "nested", "rounds", "values", "sizes", "paths"])
def test_values_and_gradients_are_those_of_a_module_built_by_hand(name):
    torch = pytest.importorskip("torch")
    network = archspec.loads(SPECS[name])
    model = archspec.to_torch(network, seed=0)
    leaf = {key: value.clone().requires_grad_(value.is_floating_point()) for key, value in model.state_dict().items()}
    given = inputs_of(network)
    wanted, found = by_hand(name, leaf, given), model(*given.values())
    torch.testing.assert_close(found, wanted)
    found.square().sum().backward()
    wanted.square().sum().backward()
    for key, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, leaf[key].grad)


def test_a_batch_norm_goes_on_with_its_statistics():
    torch = pytest.importorskip("torch")
    model = archspec.to_torch(archspec.loads(SIAMESE), seed=0)
    norm = torch.nn.BatchNorm2d(4)
    left, right = inputs_of(archspec.loads(SIAMESE)).values()
    model(left, right)
    for x in (left, right):
        norm(model.tower[0](x))
    torch.testing.assert_close(model.state_dict()["tower.1.running_var"], norm.running_var)
    assert int(model.state_dict()["tower.1.num_batches_tracked"]) == 2


def test_a_module_that_depends_on_the_size_is_refused_with_both():
    network = archspec.loads(
        "left: input 16x16x3\nright: input 15x15x3\nfrom left\nc: conv k=3 f=4 s=2 p=same\na: skip\nfrom right | again c\nadd a"
    )
    assert archspec.analyze(network).totals.params == 112
    with pytest.raises(archspec.SpecError) as caught:
        archspec.emit(network, "torch")
    (found,) = caught.value.diagnostics
    assert found.code == "A501" and found.span.line == 6 and "nn.Conv2d(3, 4, 3, padding=1, stride=2)" in found.message
    runtime = pytest.importorskip("onnxruntime")
    runtime.InferenceSession(archspec.to_onnx(network, batch=3).SerializeToString())


def test_expand_keeps_what_has_an_effect_at_the_size_of_the_second_alone():
    network = archspec.loads("input 4x4x3\nc: conv k=2 f=3 s=2 round=floor\nupsample 2 | pad 0:1 | again c")
    flat = expand(network)
    assert "c: conv k=2 f=3 s=2 round=floor\n" in flat
    assert archspec.analyze(archspec.loads(flat)).layers[-1].output == (2, 2, 3)
    assert expand(archspec.loads(flat)) == flat


def test_expand_goes_on_from_what_an_again_of_what_is_aside_gives():
    text = "input 6x4\ng:\n  near: buckets heads=2\n  attn heads=2 rel=near\nrelu\nagain g"
    network = archspec.loads(text)
    rows = [[(row.name, row.sources) for row in archspec.analyze(each).layers] for each in (network, archspec.loads(expand(network)))]
    assert rows[0] == rows[1]


def test_a_tensor_in_a_group_is_expanded():
    network = archspec.loads("input 4x4x3\ng:\n  t: tensor 1x1x3\n  conv k=1 f=3 | mul t\nagain g")
    flat = expand(network)
    assert archspec.analyze(archspec.loads(flat)).totals == archspec.analyze(network).totals
    assert expand(archspec.loads(flat)) == flat


def test_values_that_a_layer_reads_may_follow():
    text = "input 6x4\nk: linear 4\nc: attn heads=2 kv=k\nv: linear 4\nfrom c"
    rows = [archspec.analyze(archspec.loads(f"{text}\n{line}")).layers[-1] for line in ("again c", "again c v", "again c kv=v")]
    assert [row.sources for row in rows] == [("c", "k"), ("c", "v"), ("c", "v")]
    assert {row.params for row in rows} == {0}


@pytest.mark.parametrize("second", ["b: again g", "conv k=1 f=3\nfrom a | again g", "conv k=1 f=3\nagain g"])
def test_a_value_from_outside_may_be_the_one_that_it_stands_behind(second):
    """`a` is what `g` begins with, or what its second stands behind, and in either case the value that it adds."""
    torch = pytest.importorskip("torch")
    before = "" if second == "b: again g" else "tanh\n"
    network = archspec.loads(f"input 5x5x3\na: conv k=3 f=3 p=1\n{before}g:\n  conv k=3 f=3 p=1\n  add a\n{second}")
    module = archspec.to_torch(network).eval()
    x = torch.randn(2, 3, 5, 5)
    tensors_ = module.state_dict()
    between = next((key.removesuffix(".weight") for key in tensors_ if key.startswith("conv")), "")

    def conv(name, value):
        weight = tensors_[f"{name}.weight"]
        return torch.nn.functional.conv2d(value, weight, tensors_[f"{name}.bias"], padding=weight.shape[-1] // 2)

    a = conv("a", x)
    y = conv("g.0", torch.tanh(a) if before else a) + a
    y = a if "from" in second else conv(between, y) if between else y
    assert torch.allclose(module(x), conv("g.0", y) + a, atol=1e-5)


def said(text):
    return [(d.code, d.span.line, d.message) for d in compile_text("input 8x8x3\n" + text, "t.arch", Options())[1]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("c: conv k=3 f=8\nagain c", ("A304", 3, "`c.weight` would be 8x8x3x3 here, and is 8x3x3x3 where it stands")),
        ("c: conv k=3 f=8 | bn\nagain c", ("A304", 3, "`c.0.weight` would be 8x8x3x3 here, and is 8x3x3x3 where it stands")),
        ("again input", ("A304", 2, "`input` is an input, and has no weights to use again")),
        ("x: skip\nagain x", ("A304", 3, "`x` has no layers to use again")),
        ("again later\nlater: conv k=1 f=3", ("A107", 2, "no value is called `later` here")),
        ("c: conv k=1 f=3 | again c", ("A107", 2, "no value is called `c` here")),
        ("g:\n  relu\n  again g", ("A107", 4, "no value is called `g` here")),
        ("again", ("A103", 2, "`again` takes the label of a layer, group or block call")),
        (
            "c: conv k=1 f=3\nagain c s=2",
            ("A104", 3, "`c` is no call of a block: values follow only the label of a block call, or of a layer that reads some"),
        ),
        ("r: relu\nconv k=1 f=3\nagain r", ("A421", 4, "`r` has no weights, so `again` is the same as to write its layers once more")),
        ("agian c", ("A101", 2, "there is no layer or block `agian`")),
        ("block again():\n  relu", ("A108", 2, "`again` is the name of a layer or a reserved word")),
    ],
)
def test_mistakes_have_a_place_and_numbers(text, wanted):
    assert said(text)[0] == wanted


READS = "`d` is a call of `up`, which reads `e` and `g`; "


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("again d e1", ("A103", READS + "`g` is missing")),
        ("again d e1 e1 e1", ("A104", READS + "3 are given")),
        ("again d e1 e=e1", ("A110", "`e` is given twice")),
        ("again d e1 e1 f=3", ("A102", READS + "its other arguments are those of the first time")),
        ("again d e1 3", ("A107", "`3` is not the name of a value")),
        ("again d e1 later\nlater: skip", ("A107", "no value is called `later` here")),
        ("again d e1 wide", ("A304", "`d.conv1.weight` would be 3x10x1x1 here, and is 3x9x1x1 where it stands")),
        ("again d e1 small", ("A302", "cannot concatenate 8x8x3 and 4x4x3")),
        ("o: one\nagain o e1", ("A104", "`o` is a call of `one`, which reads no value; 1 is given")),
        (
            "p: one | relu\nagain p e1",
            ("A104", "`p` is no call of a block: values follow only the label of a block call, or of a layer that reads some"),
        ),
        ("c: again d\nagain c e1", ("A103", READS + "`g` is missing")),
    ],
)
def test_mistakes_with_values_have_a_place_and_numbers(line, wanted):
    blocks = "block up(from e, from g): concat e g | conv k=1 f=3\nblock one(): conv k=1 f=3\n"
    lines = "e1: conv k=1 f=3\nwide: conv k=1 f=4\nsmall: from e1 | pool w=2\nfrom e1\nd: up e1 e1\n"
    ((code, at, message), *_) = said(blocks + lines + line)
    assert (code, message) == wanted
    assert at == (2 if code == "A302" else 9 + line.count("\n") - ("later:" in line))


GROUP = """
block one(f):
  conv k=1 f=f
  output side: relu
enc:
  conv k=1 f=3
  c: conv k=1 f=3
  b: one 3
  r: repeat 3: one 3
  out: conv k=1 f=4
b: one 4
"""


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("enc.0", ("A304", "`enc.0` is a position, and weights are used again by a label")),
        ("enc.r.1", ("A304", "`enc.r.1` is a position, and weights are used again by a label")),
        ("enc.b.side", ("A304", "`enc.b.side` is an output of a block: its weights cannot be used again from here")),
        ("enc.c", ("A304", "`enc.c.weight` would be 3x4x1x1 here, and is 3x3x1x1 where it stands")),
        ("enc.none", ("A107", "there is no `none` in `enc`")),
        ("enc.*", ("A107", "`enc.*` names 5 values, and one is needed here")),
        ("enc.c.x", ("A107", "there is nothing inside `enc.c`")),
        ("b.conv1", ("A107", "`b` is a call of the block `one`, whose layers are not seen from outside")),
        ("c", ("A107", "no value is called `c` here")),
        ("later.c", ("A107", "no value is called `later.c` here")),
    ],
)
def test_mistakes_in_paths_have_a_place_and_numbers(path, wanted):
    ((code, line, message), *_) = said(GROUP.strip() + f"\nagain {path}\nlater:\n  c: conv k=1 f=3\n  relu")
    assert (line, code, message) == (12, *wanted)


def test_a_path_to_a_layer_makes_nothing_visible():
    network = archspec.loads("input 8x8x3\nenc:\n  c: conv k=1 f=3\n  relu\nagain enc.c")
    assert network.graph.elements[0].graph.names == ()
    document = json.loads(to_json(network))
    assert document["graphs"][-1]["elements"][1]["owner"] == {"element": 0, "up": 0, "tied": False, "inside": [0]}


def test_the_table_of_a_layer_in_a_group_is_tied():
    torch = pytest.importorskip("torch")
    text = "input 9\nenc:\n  wte: embed 30 4\n  ln\nhead: linear weights=enc.wte bias=no"
    model = archspec.to_torch(archspec.loads(text), seed=0)
    assert model.head.weight is model.enc.wte.weight and sum(p.numel() for p in model.parameters()) == 30 * 4 + 8
    words = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5]])
    torch.testing.assert_close(model(words), torch.nn.functional.layer_norm(model.enc.wte.weight[words], (4,)) @ model.enc.wte.weight.T)
    assert expand(archspec.loads(expand(archspec.loads(text)))) == expand(archspec.loads(text))


def test_groups_of_one_form_have_the_weights_that_each_names():
    torch = pytest.importorskip("torch")
    text = "input 8x8x3\nc: conv k=1 f=3\nd: conv k=1 f=3\nfrom input\nx: tanh | again c\ny: tanh | again d\nagain x\nagain y\nz: again x | again y"
    model = archspec.to_torch(archspec.loads(text), seed=0)
    x = wanted = torch.randn(2, 3, 8, 8)
    for name in ("c", "d") * 3:
        wanted = getattr(model, name)(torch.tanh(wanted))
    torch.testing.assert_close(model(x), wanted)


def test_values_of_another_shape_are_shown():
    found = compile_text(
        "block b(from e): concat e | conv k=1 f=3\ninput 8x8x3\nx: conv k=1 f=4\nfrom input\nb: b input\nagain b x", "t", Options()
    )[1]
    (one,) = [d for d in found if d.severity == "error"]
    assert one.help == "its value `e` is an 8x8x3 map where `b` stands, and an 8x8x4 map here"


def test_a_difference_inside_is_shown_with_both_places():
    text = "t: conv k=1 f=3 | conv k=3 f=8\nskip\nagain t"
    found = compile_text("input 8x8x3\n" + text, "t.arch", Options())[1]
    (one,) = [d for d in found if d.severity == "error"]
    assert [(span.line, words) for span, words in one.secondary] == [(2, "here it is 3x3x1x1")]
    assert one.help == "`t` reads 8x8x3: give `again t` a value of 3 channels too, not of 8"


def test_rounds_and_layers_that_depend_on_the_channels_are_refused():
    text = "block b():\n  repeat cin: conv k=1 f=3\nt: b\nagain t\nconv k=1 f=4\nagain t"
    assert said(text)[0][0] == "A304"
    strides = "block b():\n  gap\n  linear 3\n  linear 4 if cin > 3\nt: b\nfrom input | conv k=1 f=5\nagain t"
    assert said(strides)[0][0] == "A304"


def test_the_document_holds_the_owner_and_a_mistake_in_it_is_refused():
    document = json.loads(to_json(archspec.loads("input 8x8x3\nc: conv k=1 f=3\nagain c")))
    assert document["graphs"][-1]["elements"][1]["owner"] == {"element": 0, "up": 0, "tied": False}
    document["graphs"][-1]["elements"][1]["arguments"]["f"] = 4
    with pytest.raises(ValueError, match="gives"):
        from_json(json.dumps(document))


@pytest.mark.parametrize("body", ["repeat 2:\n  relu\n  conv k=1 f=4", "\n  relu\n  skip", "\n  residual: linear 3"])
def test_what_a_mistake_leaves_unknown_is_used_again_in_silence(body):
    assert [code for code, *_ in said(f"v2: linear 0\nv3: {body}\nagain v3")] == ["A105"]
