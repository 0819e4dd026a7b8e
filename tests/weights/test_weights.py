"""Files of weights: what is read, how tensors find their place, and that bad input changes nothing."""

from __future__ import annotations

import os
import pickle
import random
import re
import zipfile
from collections import OrderedDict

import pytest

torch = pytest.importorskip("torch", reason="weights are loaded into torch modules")
safetensors = pytest.importorskip("safetensors.torch", reason="one of the two kinds of files")

import numpy as np

import archspec
from archspec import WeightsError, load_weights
from archspec.finding import specs_folder
from archspec.weights.files import array, read_weights
from archspec.weights.match import Form, form_of, match
from tests.helpers.torchvision import torchvision

torch.set_num_threads(1)
SMALL = "input 8x8x3\nconv k=3 f=4 bias=no | bn | relu\nfeatures:\n  repeat 3: conv k=1 f=4 | relu\nflatten | fc 5\n"
KINDS = ["pt", "old.pt", "safetensors"]


def small(text=SMALL):
    return archspec.to_torch(archspec.loads(text)).eval()


def filled(net, seed=0):
    """A `state_dict` of the shapes of a network's, with numbers of its own."""
    generator = torch.Generator().manual_seed(seed)
    return OrderedDict(
        (key, torch.rand(value.shape, generator=generator) if value.is_floating_point() else torch.tensor(7))
        for key, value in net.state_dict().items()
    )


def saved(state, path, kind="pt"):
    file = path / f"weights.{kind}"
    if kind == "safetensors":
        safetensors.save_file({k: v.contiguous() for k, v in state.items()}, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "pt")
    return file


def holds(net, state):
    return all(torch.equal(value, state[key].to(value.dtype)) for key, value in net.state_dict().items())


def renamed(state, old="features.", new="body."):
    return OrderedDict((key.replace(old, new), value) for key, value in state.items())


def refused(net, source, **options):
    """The message of a refusal, after which the network is as it was, bit by bit."""
    before = {key: (value, value.clone()) for key, value in net.state_dict(keep_vars=True).items()}
    with pytest.raises(WeightsError) as error:
        load_weights(net, source, **options)
    now = net.state_dict(keep_vars=True)
    assert all(now[key] is tensor and torch.equal(tensor, copy) for key, (tensor, copy) in before.items())
    return str(error.value)


# Networks of others


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "alexnet", "vgg11_bn", "mobilenet_v2", "shufflenet_v2_x1_0"])
def test_files_of_torchvisions_networks_give_its_results(name, tmp_path):
    torch.manual_seed(0)
    with torch.device("meta"):  # PyTorch's own initialisation of vgg11_bn's 133 million parameters takes longer than all else here
        reference = getattr(torchvision().models, name)(weights=None).eval()
        empty = archspec.to_torch(archspec.load(name)).eval()
    reference = reference.to_empty(device="cpu")
    with torch.no_grad():
        for value in reference.state_dict().values():
            bound = (3 / value[0].numel()) ** 0.5 if value.dim() > 1 else 0
            value.uniform_(-bound, bound) if bound else value.copy_(torch.rand(value.shape) + 0.5)
    x = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        expected = reference(x)
    for kind, net in (("pt", empty), ("safetensors", empty.to_empty(device="cpu"))):
        file = saved(reference.state_dict(), tmp_path, kind)
        loaded = load_weights(net, file)
        file.unlink()
        assert loaded.how == "name"
        assert len(loaded.pairs) == len(net.state_dict())
        assert (loaded.kept, loaded.unused, loaded.converted, loaded.not_finite) == ((), (), (), ())
        with torch.no_grad():
            assert torch.equal(net(x), expected)


@pytest.mark.slow
def test_a_network_of_torchvision_by_name_and_under_other_names(tmp_path):
    """In order it fits; sorted by name, nothing tells that block1-0.proj is before block1-0.f."""
    torch.manual_seed(0)
    reference = torchvision().models.regnet_y_400mf(weights=None).eval()
    sorted_by_name = saved(reference.state_dict(), tmp_path, "safetensors")
    named = archspec.to_torch(archspec.load("regnet_y_400mf")).eval()
    assert load_weights(named, sorted_by_name).how == "name"

    folder = specs_folder()
    text = (folder / "regnet_y_400mf.arch").read_text().replace('use "blocks/regnet.arch"', (folder / "blocks/regnet.arch").read_text())
    net = archspec.to_torch(archspec.loads(text.replace('"block{at}-{i}"', "round{i}"))).eval()
    assert "nothing shows the order of " in refused(net, sorted_by_name)
    loaded = load_weights(net, saved(reference.state_dict(), tmp_path))
    assert loaded.how == "structure" and len(loaded.pairs) == len(net.state_dict())
    x = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(net(x), reference(x))
        assert torch.equal(named(x), reference(x))


def test_heads_that_a_network_lacks_are_skipped_when_asked(tmp_path):
    with torch.device("meta"):
        reference = torchvision().models.googlenet(weights=None, aux_logits=True, init_weights=False)
        net = archspec.to_torch(archspec.load("googlenet"))
    state, net = filled(reference), net.to_empty(device="cpu")
    for value in net.state_dict().values():
        value.zero_()
    file = saved(state, tmp_path)
    message = refused(net, file)
    assert "it has, and the network lacks, `aux1.conv.conv.weight` (128, 512, 1, 1), " in message
    assert "and 15 more; skip=['aux1', 'aux2'] leaves those out" in message
    loaded = load_weights(net, file, skip=["aux1", "aux2"])
    assert holds(net, state)
    assert len(loaded.unused) == 20 and all(key.startswith("aux") for key in loaded.unused)
    assert "Not used: `aux1.conv.conv.weight`, `aux1.conv.bn.weight`, `aux1.conv.bn.bias` and 17 more." in str(loaded)


def forms(tensors):
    return {key: Form(tuple(shape), "float32") for key, shape in tensors}


@pytest.mark.parametrize("name", ["vit_b_16", "convnext_tiny"])
def test_parameters_of_whole_layers_have_their_place_in_any_order(name):
    """They come first in torchvision's files, and where they are used in our list of tensors."""
    from archspec.analysis.tensors import tensors

    with torch.device("meta"):
        theirs = getattr(torchvision().models, name)(weights=None).state_dict()
    ours = forms((t.key, t.shape) for t in tensors(archspec.load(name)))
    given = forms((key, value.shape) for key, value in theirs.items())
    how, pairs = match(ours, given)
    assert how == "name" and all(key == other for key, other in pairs.items())
    if name == "convnext_tiny":  # without a number for what has no tensors: 0, 2, 3, 5 become 0, 1, 2, 3
        places = {"2": "1", "3": "2", "5": "3"}
        named = {re.sub(r"(block\.)([235])", lambda m: m[1] + places[m[2]], key): key for key in given}
        for order in (list(named), sorted(named)):
            how, pairs = match(ours, {key: given[named[key]] for key in order})
            assert how == "structure"
            assert all(named[other] == key for key, other in pairs.items())


def test_files_of_densenets_from_before_names_had_no_dots():
    """Torchvision publishes them still, and renames their tensors when it loads them: norm.1 is norm1 now."""
    with torch.device("meta"):
        state = torchvision().models.densenet121(weights=None).state_dict()
    old = {re.sub(r"(denselayer\d+\.[a-z]+)(\d)", r"\1.\2", key): value.shape for key, value in state.items() if "num_batches" not in key}
    ours = forms((key, value.shape) for key, value in state.items())
    how, pairs = match(ours, forms(old.items()))
    assert how == "structure"
    assert list(pairs.values()) == list(old)


# What files are


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_files_of_each_kind_and_type(kind, dtype, tmp_path):
    net = small()
    state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in filled(net).items()}
    wrong = tmp_path / ("weights.pt" if kind == "safetensors" else "weights.safetensors")  # content tells the kind
    file = saved(state, tmp_path, kind).rename(wrong)
    loaded = load_weights(net, file)
    assert holds(net, state)
    assert all(value.dtype in (torch.float32, torch.int64) for value in net.state_dict().values())
    changed = () if dtype is torch.float32 else ((str(dtype)[6:], "float32", 13),)
    assert loaded.converted == changed
    assert f"14 tensors (910 numbers) of {file} loaded by name." in str(loaded)
    assert ("13 converted from" in str(loaded)) == bool(changed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_files_as_arrays(kind, dtype, tmp_path):
    pytest.importorskip("ml_dtypes", reason="NumPy's bfloat16")
    state = {"a": torch.rand(3, 2).to(dtype), "n": torch.tensor(3)}
    arrays = read_weights(saved(state, tmp_path, kind), "numpy").tensors
    assert list(arrays) == ["a", "n"]
    assert form_of("a", arrays["a"]) == Form((3, 2), str(dtype)[6:])
    assert isinstance(arrays["a"], np.ndarray) == (kind == "safetensors")
    assert np.array_equal(array(arrays["a"]), state["a"].float().numpy())
    net = torch.nn.Linear(2, 3, bias=False)
    load_weights(net, {"weight": arrays["a"]})
    assert torch.equal(net.weight, state["a"].float())


class Array:
    """What other libraries' arrays have in common."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


def test_arrays_of_any_library_and_layout():
    net = small()
    state = filled(net)
    forms = [
        lambda t: t.numpy(),
        lambda t: t.numpy().astype(t.numpy().dtype.newbyteorder(">")),
        lambda t: np.ascontiguousarray(t.numpy()[::-1])[::-1] if t.dim() else t.numpy(),
        lambda t: Array(t.numpy()),
        lambda t: np.frombuffer(t.numpy().tobytes(), t.numpy().dtype).reshape(tuple(t.shape)),
        lambda t: t.tolist(),
        lambda t: t.clone().requires_grad_() if t.is_floating_point() else t,
    ]
    load_weights(net, {key: forms[at % len(forms)](value) for at, (key, value) in enumerate(state.items())})
    assert holds(net, state)
    assert all(p.requires_grad for p in net.parameters())


def test_a_state_dict_is_copied_not_shared():
    state = filled(small())
    with torch.device("meta"):
        empty = small()
    for net in (small(), empty):
        load_weights(net, state)
        assert holds(net, state)
        assert not {t.data_ptr() for t in net.state_dict().values()} & {t.data_ptr() for t in state.values()}


def test_layers_of_one_network_may_change_places():
    net = small(CONVS)
    load_weights(net, state := filled(net))
    held = net.state_dict()
    load_weights(net, dict(zip(held, reversed(held.values()), strict=True)))
    assert holds(net, dict(zip(state, reversed(state.values()), strict=True)))


@pytest.mark.parametrize("wrap", [("state_dict",), ("model",), ("model_state_dict",), ("model", "state_dict")])
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "model."])
def test_checkpoints_and_wrappers(wrap, prefix, tmp_path):
    net = small()
    state = filled(net)
    content = {prefix + key: value for key, value in state.items()}
    for key in reversed(wrap):
        content = {"epoch": 3, "optimizer": {"state": {}, "lr": 0.1}, key: content}
    loaded = load_weights(net, saved(content, tmp_path))
    assert holds(net, state)
    assert (loaded.how, loaded.prefix, loaded.within) == ("name", prefix, ".".join(wrap))
    assert f"They were found under `{'.'.join(wrap)}`. `{prefix}` was taken off their names." in str(loaded)
    assert loaded.pairs[0] == ("conv1.weight", f"{prefix}conv1.weight")
    wrapped = torch.nn.DataParallel(small())
    loaded = load_weights(wrapped, content)
    assert holds(wrapped.module, state)
    assert loaded.pairs[0] == ("module.conv1.weight", f"{prefix}conv1.weight")


# By structure


@pytest.mark.parametrize("kind", KINDS)
def test_renamed_tensors_are_matched_by_structure(kind, tmp_path):
    net = small()
    state = filled(net)
    loaded = load_weights(net, saved(renamed(state), tmp_path, kind))
    assert holds(net, state)
    assert loaded.how == "structure"
    assert ("features.2.bias", "body.2.bias") in loaded.pairs
    assert "6 of them under other names: `body.0.weight -> features.0.weight`," in str(loaded)


def test_all_names_may_differ_where_the_order_is_told():
    net = small()
    state = filled(net)
    letters = dict(zip(dict.fromkeys(key.rpartition(".")[0] for key in state), "zyxwvu", strict=False))
    theirs = {f"{letters[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value for key, value in state.items()}
    loaded = load_weights(net, theirs)
    assert holds(net, state)
    assert loaded.how == "structure" and all(ours != other for ours, other in loaded.pairs)


CONVS = "input 8x8x4\nfeatures:\n  repeat 12: conv k=1 f=4 bias=no\n"


def test_a_sorted_file_is_put_in_order_by_its_numbers(tmp_path):
    """Safetensors puts 10 before 2: twelve equal layers, taken as they stand there, would fit and be wrong."""
    net = small(CONVS)
    state = filled(net)
    file = saved(renamed(state), tmp_path, "safetensors")
    assert list(read_weights(file).tensors)[:3] == ["body.0.weight", "body.1.weight", "body.10.weight"]
    assert load_weights(net, file).how == "structure"
    assert holds(net, state)


def test_a_shuffled_dict_is_put_in_order_too():
    for text in (CONVS, SMALL):
        net = small(text)
        state = filled(net)
        load_weights(net, dict(reversed(renamed(state).items())))
        assert holds(net, state)


def drawn(drawer, depth=0):
    """Keys of a tree of modules, and what another author may call them: numbers stay in order, words are any others."""
    listed = drawer.random() < 0.5
    words = drawer.sample("abcdefgh", 5)
    for at in range(drawer.randrange(1, 5)):
        name, other = (str(at), str(2 * at + depth)) if listed else (f"m{at}", words[at])
        if depth < 3 and drawer.random() < 0.5:
            for key, their, shape in drawn(drawer, depth + 1):
                yield f"{name}.{key}", f"{other}.{their}", shape
        else:
            shape = (drawer.choice([2, 2, 2, 3]),)
            for kind in drawer.choice([("weight",), ("weight", "bias"), ("weight", "bias", "running_mean", "running_var")]):
                yield f"{name}.{kind}", f"{other}.{kind}", shape


def test_a_match_is_right_or_refused():
    drawer = random.Random(0)
    matched = {"in order": 0, "sorted": 0}
    for _ in range(600):
        rows = list(drawn(drawer))
        ours, theirs = forms((key, shape) for key, _, shape in rows), forms((other, shape) for _, other, shape in rows)
        right = {key: other for key, other, _ in rows}
        for order, given in (("in order", theirs), ("sorted", dict(sorted(theirs.items())))):
            try:
                how, pairs = match(ours, given)
            except WeightsError:
                continue
            matched[order] += 1
            assert pairs == right, (how, rows)
    assert matched["in order"] > 400 and matched["sorted"] > 100


def test_a_sorted_file_of_a_deep_network():
    with torch.device("meta"):
        ours = forms((key, value.shape) for key, value in archspec.to_torch(archspec.load("mobilenet_v2")).state_dict().items())
    theirs = {key.replace("features", "stages").replace("conv.", "").replace("classifier", "head"): key for key in ours}
    how, pairs = match(ours, {key: ours[theirs[key]] for key in sorted(theirs)})
    assert how == "structure"
    assert all(theirs[other] == key != other for key, other in pairs.items())


AMBIGUOUS = {
    "sorted by name, and the names are somebody's": (
        CONVS,
        lambda s: {f"{'abcdefghijkl'[at]}.weight": v for at, v in enumerate(s.values())},
    ),
    "names that count up or down": (CONVS, lambda s: {f"up{at:02}.weight": v for at, v in enumerate(s.values())}),
    "a name that is elsewhere": (CONVS, lambda s: {f"features.{at + 1}.weight": v for at, v in enumerate(s.values())}),
    "another kind": (SMALL, lambda s: renamed(s, ".bias", ".beta")),
    "letters in another order": (SMALL, lambda s: {f"{key[0]}{key[-3]}.{key.rpartition('.')[2]}": s[key] for key in reversed(s)}),
    "layers mixed": (
        "input 4\nfc 4\nfc 4\n",
        lambda s: dict(zip(["a.weight", "b.bias", "b.weight", "a.bias"], s.values(), strict=True)),
    ),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_nothing_is_guessed(case):
    text, change = AMBIGUOUS[case]
    net = small(text)
    message = refused(net, change(filled(net)))
    assert message.startswith("the state_dict does not fit the network: ") and message.endswith(". Nothing was loaded.")


def test_what_is_said_of_a_structure_that_differs():
    net = small(CONVS)
    state = renamed(filled(net))
    assert "the network has 12 tensors, the file 11" in refused(net, dict(list(state.items())[1:]))
    assert "nothing shows the order of `a.weight`, `b.weight`, both (4, 4, 1, 1)" in refused(
        net, AMBIGUOUS[next(iter(AMBIGUOUS))][1](state)
    )
    assert "`features.1.weight` would get" not in refused(net, state | {"body.3.weight": torch.zeros(4, 2, 1, 1)})
    other = small()
    theirs = renamed(renamed(filled(other)), "conv1", "stem") | {"body.2.weight": torch.zeros(2, 2)}
    theirs = {key.replace("bn1", "norm").replace("fc1", "head"): value for key, value in theirs.items()}
    assert "tensor 8 of the network is `features.2.weight` (4, 4, 1, 1), that of the file `body.2.weight` (2, 2)" in refused(other, theirs)


def test_counters_may_be_lacking():
    net = small()
    state = filled(net)
    counter = state.pop("bn1.num_batches_tracked")
    before = net.state_dict()["bn1.num_batches_tracked"].clone()
    for given in (state, renamed(state)):
        loaded = load_weights(net, given)
        assert loaded.kept == ("bn1.num_batches_tracked",)
        assert "As before in the network: `bn1.num_batches_tracked`." in str(loaded)
    assert torch.equal(net.state_dict()["bn1.num_batches_tracked"], before)
    load_weights(net, renamed(state | {"norm.num_batches_tracked": counter}, "bn1", "norm"))
    assert int(net.state_dict()["bn1.num_batches_tracked"]) == 7


def test_what_follows_from_sizes_may_be_lacking():
    text = "input 8x8x8\nwinattn w=4 heads=2\nattn heads=2 rel=mlp w=4\n"
    net, other = small(text), small(text)
    state = filled(other) | {key: value for key, value in other.state_dict().items() if "relative_" in key and "bias" not in key}
    derived = [key for key in state if key.endswith(("relative_position_index", "relative_coords_table"))]
    assert len(derived) == 3
    done = load_weights(net, {key: value for key, value in state.items() if key not in derived})
    assert (done.how, set(done.kept)) == ("name", set(derived))
    other.load_state_dict(state)
    x = torch.rand(2, 8, 8, 8)
    with torch.no_grad():
        assert torch.equal(net(x), other(x))


def test_a_layer_may_be_skipped_on_both_sides():
    net = small()
    before = net.state_dict()["fc1.weight"].clone()
    state = filled(net) | {"fc1.weight": torch.rand(1000, 144), "fc1.bias": torch.rand(1000)}
    assert "`fc1.weight` is (1000, 144) in the file and (5, 144) in the network" in refused(net, state)
    loaded = load_weights(net, state, skip=["fc*"])
    assert (loaded.kept, loaded.unused) == (("fc1.weight", "fc1.bias"),) * 2
    assert torch.equal(net.state_dict()["fc1.weight"], before)
    assert "neither the network nor the file has a layer or tensor `fc2`" in refused(net, state, skip=["fc1", "fc2"])
    with pytest.raises(TypeError, match="list of names"):
        load_weights(net, state, skip="fc1")
    wrapped = {f"module.{key}": value for key, value in state.items()}
    assert load_weights(net, wrapped, skip=["fc1.weight", "fc1.bias"]).unused == ("module.fc1.weight", "module.fc1.bias")


# The meta device


def test_a_network_without_memory_gets_the_tensors_themselves(tmp_path):
    with torch.device("meta"):
        net = small()
    net.conv1.weight.requires_grad_(False)
    state = filled(net)
    counter = state.pop("bn1.num_batches_tracked")
    load_weights(net, {key: value.half() if value.is_floating_point() else value for key, value in state.items()})
    assert int(net.bn1.num_batches_tracked) == 0 != int(counter)
    assert {value.dtype for value in net.state_dict().values()} == {torch.float32, torch.int64}
    assert not net.conv1.weight.requires_grad and net.fc1.weight.requires_grad
    assert net(torch.rand(1, 3, 8, 8)).shape == (1, 5)


def test_no_tensor_stays_on_the_meta_device():
    with torch.device("meta"):
        net = small()
        table = archspec.to_torch(archspec.load("lenet5_1998"))
    state = filled(net)
    for model, given, skip in ((net, state, ["fc1"]), (table, filled(table), [])):
        with pytest.raises(WeightsError, match="on the meta device"):
            load_weights(model, given, skip=skip)
        assert all(value.is_meta for value in model.state_dict().values())
    with pytest.raises(WeightsError, match="has a shape but no values"):
        load_weights(small(), net.state_dict())


# Bad input


def test_tensors_that_lack_or_are_extra_or_have_another_shape():
    net = small()
    state = filled(net)
    assert "it lacks `fc1.bias` (5,). Nothing was loaded." in refused(net, {k: v for k, v in state.items() if k != "fc1.bias"})
    extra = refused(net, state | {f"head.{at}": torch.zeros(2) for at in range(5)})
    assert "lacks, `head.0` (2,), `head.1` (2,), `head.2` (2,) and 2 more; skip=['head'] leaves those out" in extra
    both = refused(net, {k: v for k, v in state.items() if "conv1" not in k} | {"x": torch.zeros(3)})
    assert "it lacks `conv1.weight` (4, 3, 3, 3); it has, and the network lacks, `x` (3,)" in both
    shape = refused(net, state | {"features.0.weight": torch.zeros(4, 4, 3, 3), "fc1.bias": torch.zeros(5, 1)})
    assert "`features.0.weight` is (4, 4, 3, 3) in the file and (4, 4, 1, 1) in the network, `fc1.bias` is (5, 1) in" in shape
    linear, split = torch.nn.Linear(2, 2), {"a.b.weight": torch.zeros(2, 2), "a.bias": torch.zeros(2)}
    assert "`bias` would come from `a.bias`, the rest of its layer from `a.b`" in refused(linear, split)


def test_numbers_that_are_no_weights():
    net = small()
    state = filled(net)
    for value in ("a text", None, {"a": 1}, [1, [2]], np.array(["a"]), object()):
        assert "`fc1.bias` of the state_dict is a " in refused(net, state | {"fc1.bias": value})
    message = refused(net, state | {"fc1.bias": torch.zeros(5, dtype=torch.int8)})
    assert "`fc1.bias` holds int8, which cannot become the float32 of `fc1.bias`" in message
    assert "complex64" in refused(net, state | {"fc1.bias": torch.zeros(5, dtype=torch.complex64)})
    assert "not a plain tensor" in refused(net, state | {"fc1.bias": torch.zeros(5).to_sparse()})
    loaded = load_weights(
        net, state | {"fc1.bias": torch.tensor([1e300] * 5, dtype=torch.float64), "fc1.weight": torch.full((5, 144), torch.nan)}
    )
    assert loaded.not_finite == ("fc1.weight", "fc1.bias")
    assert load_weights(net.double(), state | {"fc1.bias": torch.full((5,), 1e308, dtype=torch.float64)}).not_finite == ()
    assert str(loaded).endswith("Warning: NaN or infinity in `fc1.weight`, `fc1.bias`.")


def test_what_is_no_state_dict(tmp_path):
    net = small()
    for content, said in (
        ([1, 2], "holds a list, not a dict"),
        ({}, "holds no tensors"),
        ({1: torch.zeros(1)}, "is no name: 1"),
        ({"a\x1b[31m": torch.zeros(1)}, "is no name: 'a\\x1b[31m'"),
        ({"0." * 5000: torch.zeros(1)}, "is no name: '0.0.0."),
        ({"9" * 900: torch.zeros(1), "b": torch.zeros(1)}, "does not fit"),
        ({"model": {"a": torch.zeros(1)}, "state_dict": {}}, "holds several dicts: `state_dict`, `model`"),
        ({"epoch": 3}, "does not fit"),
    ):
        assert said in refused(net, saved(content, tmp_path))
    for source in (None, 3, net):
        with pytest.raises(TypeError, match="path of a file or a state_dict"):
            load_weights(net, source)
    with pytest.raises(TypeError, match="loaded into a module"):
        load_weights(archspec.loads(SMALL), filled(net))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n", "begins with b'\\n'"),
        (b"<!DOCTYPE html><html>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"PK\x03\x04 and so on", "damaged or cut off"),
        (b"\x80\x02}q\x00.", "damaged, cut off, or not weights"),
        (b"\x10\0\0\0\0\0\0\0{", "damaged or cut off"),
        (b"\x02\0\0\0\0\0\0\0{}", "holds no tensors"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f{", "begins with"),
    ],
)
def test_what_is_no_file_of_weights(content, said, tmp_path):
    file = tmp_path / "weights.safetensors"
    file.write_bytes(content)
    assert said in refused(small(), file)


def test_what_is_no_file_at_all(tmp_path):
    net = small()
    assert "is a folder" in refused(net, tmp_path)
    with pytest.raises(FileNotFoundError):
        load_weights(net, tmp_path / "none.pt")
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    assert "it holds NumPy arrays" in refused(net, tmp_path / "arrays.npz")
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/net.py"):
            archive.writestr(f"script/{name}", b"")
    assert "is a TorchScript program" in refused(net, tmp_path / "script.pt")


def test_a_compressed_archive_is_read_right(tmp_path):
    """Its members cannot be mapped into memory as they lie."""
    net = small()
    state = filled(net)
    with zipfile.ZipFile(saved(state, tmp_path)) as plain, zipfile.ZipFile(tmp_path / "small.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for member in plain.infolist():
            packed.writestr(member.filename, plain.read(member))
    load_weights(net, tmp_path / "small.pt")
    assert holds(net, state)


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["pt", "old.pt", "pickle", "pickle 5"])
def test_no_code_in_a_file_runs(how, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    net = small()
    content = {"state_dict": dict(filled(net)), "extra": Canary(tmp_path / "ran")}
    file = tmp_path / "weights.safetensors"
    if how.startswith("pickle"):
        file.write_bytes(pickle.dumps(content, 5 if "5" in how else 2))
    else:
        saved(content, tmp_path, how).rename(file)
    message = refused(net, file)
    assert "nothing in it was executed" in message
    assert not (tmp_path / "ran").exists()
    if how in KINDS:
        assert f"holds Python objects (`{os.mkdir.__module__}.mkdir`) beside weights" in message


def test_a_whole_model_in_a_file_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    message = refused(small(), tmp_path / "model.pt")
    assert "holds Python objects (`torch.nn.modules.linear.Linear`) beside weights" in message
    assert "save the `state_dict()`" in message


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_change_nothing(kind, tmp_path):
    """Cut off, bytes lost, bytes changed: a message, or (where numbers were hit, which no file can tell) other numbers."""
    net = small("input 4x4x3\nconv k=3 f=4 bias=no | bn\n")
    file = saved(filled(net), tmp_path, kind)
    whole, drawn, said = file.read_bytes(), random.Random(0), 0
    for at in range(60):
        data = bytearray(whole)
        place = drawn.randrange(len(data))
        if at % 3 == 0:
            del data[place:]
        elif at % 3 == 1:
            del data[place : place + drawn.randrange(1, 30)]
        else:
            data[place] ^= 1 << drawn.randrange(8)
        file.write_bytes(data)
        try:
            load_weights(net, file)
        except WeightsError:
            said += 1
            file.write_bytes(data)
            refused(net, file)
    assert said >= 38  # what is cut off or has lost bytes always; a short piece may be lost behind the end


# what training scripts save


@pytest.mark.parametrize(
    "key",
    [
        "state_dict",
        "model",
        "model_state_dict",
        "net",
        "network",
        "params",
        "params_ema",
        "model_ema",
        "state_dict_ema",
        "ema",
        "module",
        "g",
    ],
)
@pytest.mark.parametrize("kind", ["dict", "pt", "old.pt"])
def test_weights_are_found_in_a_checkpoint_under_any_key(key, kind, tmp_path):
    net = small()
    state = filled(net)
    optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    content = {key: state, "acc": 93, "epoch": 7, "best": torch.tensor(0.9), "optimizer": optimizer, "scheduler": {"last": 1}}
    loaded = load_weights(net, content if kind == "dict" else saved(content, tmp_path, kind))
    assert holds(net, state) and loaded.within == key and f"They were found under `{key}`." in str(loaded)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "model._orig_mod.module."])
def test_weights_are_found_two_deep_behind_a_wrapper(prefix):
    net = small()
    state = filled(net)
    loaded = load_weights(net, {"checkpoint": {"net": {prefix + key: value for key, value in state.items()}}, "acc": 93})
    assert holds(net, state) and (loaded.within, loaded.prefix) == ("checkpoint.net", prefix)


@pytest.mark.parametrize(
    ("plain", "average"), [("state_dict", "state_dict_ema"), ("model", "model_ema"), ("params", "params_ema"), ("net", "ema")]
)
def test_of_weights_and_their_moving_average_the_weights_are_taken_and_it_is_said(plain, average):
    net = small()
    state, other = filled(net), filled(net, 1)
    for content in ({plain: state, average: other}, {average: other, plain: state}):
        loaded = load_weights(net, content)
        assert holds(net, state) and loaded.others == (average,)
        assert f"Passed over: `{average}`, a moving average" in str(loaded)


def test_two_networks_in_a_checkpoint_are_a_question():
    net = small()
    message = refused(net, {"generator": filled(net), "discriminator": filled(net)})
    assert "holds several dicts: `generator`, `discriminator`; hand over the one that is meant" in message


@pytest.mark.parametrize("kind", ["pt", "old.pt"])
def test_settings_paths_and_numbers_beside_weights_are_read(kind, tmp_path):
    from argparse import Namespace
    from pathlib import Path

    net = small()
    state = filled(net)
    beside = {
        "args": Namespace(lr=0.1, out=Path("runs"), sizes=[1, 2]), "path": tmp_path, "acc": np.float64(93.1), "epoch": np.int64(3),
        "loss": np.float32(0.5), "done": np.bool_(True), "history": np.linspace(0, 1, 5), "confusion": np.zeros((2, 2), np.int64),
    }  # fmt: skip
    load_weights(net, saved({"state_dict": state, **beside}, tmp_path, kind))
    assert holds(net, state)


def test_a_head_of_another_size_gets_a_proposal_that_works():
    net = small()
    state = filled(net)
    state |= {"fc1.weight": torch.zeros(9, 256), "fc1.bias": torch.zeros(9)}
    message = refused(net, state)
    proposed = re.search(r"skip=(\[.*?\])", message)
    assert proposed and proposed[1] == "['fc1']" and "(9, " in message
    assert load_weights(net, state, skip=["fc1"]).kept == ("fc1.weight", "fc1.bias")
