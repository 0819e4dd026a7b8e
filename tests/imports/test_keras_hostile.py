"""Files of Keras that are damaged, too large, or made to harm: each is refused with its reason, and nothing of it is run or followed."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from contextlib import suppress

import pytest

from archspec.diagnostics import SpecError
from archspec.imports import keras_config, keras_files, keras_reader
from archspec.imports.file_part import FilePart
from archspec.imports.keras_model import read, tensors
from tests.imports.keras_texts import called, functional, imported, input_layer, layer, old, sequential, tensor, written

CONV = {"filters": 4, "kernel_size": [3, 3], "padding": "same"}
PLAIN = sequential((8, 8, 3), layer("Conv2D", "a", **CONV), layer("Dense", "b", units=2))


def refused(path, code="A612"):
    with pytest.raises(SpecError) as error:
        read(path, {})
    assert {one.code for one in error.value.diagnostics} == {code}
    return [one.message for one in error.value.diagnostics]


def test_code_is_refused_by_name_and_all_of_it_in_one_run(tmp_path):
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    first = called(layer("Lambda", "mine", function=code), [tensor("x")])
    second = called(layer("Dense", "theirs", units=3, activation=code), [tensor("mine", shape=[None, 4])])
    last = called(layer("Dense", "last", units=3), [tensor("theirs", shape=[None, 3])])
    found = refused(written(tmp_path, functional([input_layer(4, name="x"), first, second, last], ["x", 0, 0], ["last", 0, 0])), "A611")
    assert len(found) == 2
    assert "layer `mine`: `Lambda` is a program, which is not run" in found[0]
    assert "layer `theirs`: `Dense` holds code, which is not run" in found[1]


@pytest.mark.parametrize("kind", ["TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"])
def test_programs_of_others_are_refused(kind, tmp_path):
    assert "is a program" in refused(written(tmp_path, sequential((4,), layer(kind, "mine"), layer("Dense", units=2))), "A611")[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ('{"class_name": "Sequential", "config": {"layers": [NaN]}}', "NaN is no number"),
        ('{"class_name": "Sequential", "config": {"layers": [1e999, Infinity]}}', "Infinity is no number"),
        (f'{{"class_name": "Sequential", "config": {"9" * 5000}}}', "not JSON"),
        ("[" * 200 + "]" * 200, "nested more than 100 deep"),
        ("[" * 100_000, "nested more than 100 deep"),
        ('{"class_name": "Sequential", "config": ' * 150 + "1" + "}" * 150, "nested more than 100 deep"),
        ('"text"', "no configuration of a Keras model"),
        ('{"class_name": "Mine", "config": {"units": 3}}', "`Mine` has no layers in its configuration"),
        ('{"class_name": "Sequential", "config": []}', "`model` has no layers"),
        ('{"class_name": "Sequential", "config": {"layers": [3]}}', "layer 0 has no class"),
        (
            '{"class_name": "Functional", "config": {"layers": [{"class_name": "A"}], "input_layers": [], "output_layers": []}}',
            "has no inputs",
        ),
        ('{"class_name": "Functional", "config": {"layers": [{"class_name": "A"}], "input_layers": []}}', "does not say which layers"),
        ("[" + "[]," * 1_100_000 + "[]]", "more than 1,000,000 items"),
    ],
)
def test_texts_that_are_no_configuration(text, why, tmp_path):
    assert any(why in said for said in refused(written(tmp_path, text)))


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "net.json"
    path.write_bytes(b'{"class_name": "\xff\xfe"}')
    assert "not JSON" in refused(path)[0]


def test_a_text_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(keras_config, "LONGEST", 1000)
    assert "more than 1,000" in refused(written(tmp_path, json.dumps(PLAIN) + " " * 1000))[0]


def dense(name, *sources):
    return called(layer("Add" if len(sources) > 1 else "Dense", name, units=4), *[[[tensor(one) for one in sources]]])


@pytest.mark.parametrize(
    ("layers", "out", "why"),
    [
        ([dense("a", "b"), dense("b", "a")], ["a", 0, 0], "reads its own result"),
        ([dense("a", "a")], ["a", 0, 0], "reads its own result"),
        ([dense("a", "nobody")], ["a", 0, 0], "`nobody`, which is none of `net`"),
        ([dense("a", "x")], ["a", 7, 0], "has 1 calls, and number 7 is read"),
        ([dense("a", "x")], ["a", 0, 5], "has 1 results, and number 5 is read"),
        ([dense("a", "x"), dense("a", "x")], ["a", 0, 0], "two layers of `net` are called `a`"),
        ([layer("Dense", "a", units=3)], ["a", 0, 0], "has 0 calls"),
    ],
)
def test_graphs_that_are_none(layers, out, why, tmp_path):
    path = written(tmp_path, functional([input_layer(4, name="x"), *layers], ["x", 0, 0], out))
    assert any(why in said for said in refused(path))


def test_models_in_models_that_multiply(tmp_path, monkeypatch):
    """Each calls the one inside it twice: 18 of them are 2^18 layers, of which only as many are read as the limit says."""
    monkeypatch.setattr(keras_reader, "_MOST", 1000)
    model = functional([input_layer(4, name="i"), dense("d", "i")], ["i", 0, 0], ["d", 0, 0], name="m0")
    for at in range(18):
        inner = called({**model, "name": f"m{at}"}, [tensor("i")], [tensor(f"m{at}", 0)])
        model = functional([input_layer(4, name="i"), inner], ["i", 0, 0], [f"m{at}", 1, 0], name=f"m{at + 1}")
    assert "more than 1,000 calls" in refused(written(tmp_path, model))[0]


def test_sizes_that_no_value_has(tmp_path):
    assert "which no value has" in refused(written(tmp_path, sequential((8, 8, 8, 8, 8))), "A611")[0]
    assert "which no value has" in refused(written(tmp_path, sequential((0, 3), layer("ReLU"))), "A611")[0]
    huge = sequential((2**31, 2**31, 3), layer("Conv2D", "a", filters=2**31, kernel_size=3))
    assert "more than 2^63" in refused(written(tmp_path, huge), "A611")[0]


# archives


def archive(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def test_an_archive_is_read_whatever_packed_it(tmp_path):
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        text = read(archive(tmp_path / "net.keras", [("config.json", json.dumps(PLAIN))], method), {}).text
    assert text == imported(tmp_path, PLAIN).text


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_are_damaged_or_bombs(tmp_path, monkeypatch):
    config = ("config.json", json.dumps(PLAIN))
    path = tmp_path / "net.keras"
    assert "no `config.json`" in refused(archive(path, [("metadata.json", "{}")]))[0]
    assert "2 members called `config.json`" in refused(archive(path, [config, config]))[0]
    bomb = b'{"class_name": "' + b" " * 20_000_000 + b'"}'
    assert "would be 20,000,018 bytes" in refused(archive(path, [("config.json", bomb)], zipfile.ZIP_DEFLATED))[0]
    whole = archive(path, [config]).read_bytes()
    for cut in (4, 40, len(whole) // 2, len(whole) - 30, len(whole) - 10):
        path.write_bytes(whole[:cut])
        refused(path)
    path.write_bytes(whole.replace(b'"units"', b'"UNITS"'))  # the sum of the member is wrong now
    assert "cannot be unpacked" in refused(path)[0]
    monkeypatch.setattr(keras_files, "_DIRECTORY", 100)
    assert "table of members has" in refused(archive(path, [config, *[(f"{at}", "") for at in range(9)]]))[0]


def test_a_member_that_says_less_than_it_has(tmp_path):
    """A bomb that lies about its size stops where it said that it ends."""
    path = archive(tmp_path / "net.keras", [("config.json", b'{"class_name": "' + b" " * 9_000_000)], zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + at
        content[place : place + 4] = (2000).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    refused(path)


# HDF5


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py")


def kept(h5py, path, fill=None):
    """A file of weights for PLAIN."""
    with h5py.File(path, "w") as file:
        group = file.create_group("layers")
        for name, shapes in (("conv2d", ((3, 3, 3, 4), (4,))), ("dense", ((4, 2), (2,)))):
            own = group.create_group(f"{name}/vars")
            for at, shape in enumerate(shapes):
                own.create_dataset(str(at), shape, "float32", fillvalue=1.0)
        if fill is not None:
            fill(file)
    return path


def weights(folder, path):
    return tensors(written(folder, PLAIN), path)


def test_weights_are_read_by_the_class_of_a_layer_where_its_name_is_not_noted(h5py, tmp_path):
    found = weights(tmp_path, kept(h5py, tmp_path / "w.h5"))
    assert {key: found[key].shape for key in found} == {"a/0": (3, 3, 3, 4), "a/1": (4,), "b/0": (4, 2), "b/1": (2,)}
    with pytest.raises(KeyError):
        found["a/2"]
    with pytest.raises(KeyError):
        found["nobody/0"]
    with pytest.raises(KeyError):
        found["b/mean"]


def test_weights_of_keras_2_are_read_by_their_names(h5py, tmp_path):
    """A group for each layer of the outermost model; a model inside it lists what is learned first, and its statistics last."""
    inner = {**sequential((8, 8, 3), layer("Conv2D", "c", **CONV), layer("BatchNormalization", "n"), name="inner"), "name": "inner"}
    model = sequential((8, 8, 3), inner, layer("Dense", "b", units=2))
    names = ["c/kernel:0", "n/gamma:0", "n/beta:0", "n/moving_mean:0", "n/moving_variance:0"]
    with h5py.File(tmp_path / "w.h5", "w") as file:
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [b"inner", b"b"]
        for at, name in enumerate(names):
            root.create_dataset(f"inner/{name}", data=[float(at)])
        root["inner"].attrs["weight_names"] = [name.encode() for name in names]
        root.create_dataset("b/b/kernel:0", data=[9.0])
        root["b"].attrs["weight_names"] = [b"b/kernel:0"]
    found = tensors(written(tmp_path, model), tmp_path / "w.h5")
    keys = ["inner/c/0", "inner/n/0", "inner/n/1", "inner/n/2", "inner/n/3", "b/0"]
    assert [float(found[key][0]) for key in keys] == [0, 1, 2, 3, 4, 9]


def test_links_are_not_followed(h5py, tmp_path):
    kept(h5py, tmp_path / "other.h5")

    def linked(file):
        own = file["layers/conv2d/vars"]
        del own["0"], file["layers/dense"]
        own["0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/layers/conv2d/vars/0")
        file["layers/dense"] = h5py.SoftLink("/layers/conv2d")

    found = weights(tmp_path, kept(h5py, tmp_path / "w.h5", linked))
    assert list(found) == ["a/0"]
    assert found["a/0"].shape == (4,)  # the only array that is in the file itself


@pytest.mark.parametrize("kind", ["elsewhere", "virtual", "empty", "text"])
def test_arrays_that_are_not_in_the_file(h5py, tmp_path, kind):
    def made(file):
        own = file["layers/conv2d/vars"]
        del own["0"]
        if kind == "elsewhere":
            (tmp_path / "raw").write_bytes(b"\0" * 432)
            own.create_dataset("0", (3, 3, 3, 4), "float32", external=[(str(tmp_path / "raw"), 0, 432)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((3, 3, 3, 4), "float32")
            layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (3, 3, 3, 4))
            own.create_virtual_dataset("0", layout)
        elif kind == "empty":  # 400 GB, of which none is in the file
            own.create_dataset("0", (100_000, 1_000_000), "float32", chunks=(1000, 1000))
        else:
            own.create_dataset("0", (2,), h5py.string_dtype())

    found = weights(tmp_path, kept(h5py, tmp_path / "w.h5", made))
    with pytest.raises(SpecError, match="A612"):
        found["a/0"]


def test_hdf5_that_is_cut_off_or_has_no_model(h5py, tmp_path):
    path = kept(h5py, tmp_path / "w.h5")
    assert "no `model_config`" in refused(path)[0]
    whole = path.read_bytes()
    for cut in (8, 100, len(whole) // 2):
        path.write_bytes(whole[:cut])
        refused(path)


def test_a_packed_file_of_weights(h5py, tmp_path):
    data = kept(h5py, tmp_path / "w.h5").read_bytes()
    config = ("config.json", json.dumps(PLAIN))
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = archive(tmp_path / "net.keras", [config, ("model.weights.h5", data)], method)
        assert tensors(path, None)["b/0"].shape == (4, 2)
    path = archive(tmp_path / "net.keras", [config, ("model.weights.h5", data + b"\0" * 99_000_000)], zipfile.ZIP_DEFLATED)
    with pytest.raises(SpecError, match="would be"):
        tensors(path, None)
    path = archive(tmp_path / "net.keras", [config, ("model.weights.h5", data[:1000])])
    with pytest.raises(SpecError, match="damaged or cut off"):
        tensors(path, None)
    assert list(tensors(written(tmp_path, PLAIN), None)) == []


# chance


def several():
    """Configurations with much of what there is."""
    shared = called(layer("Conv2D", "conv", **CONV), [tensor("x")], [tensor("act")])
    x = input_layer(8, 8, 4, name="x")
    yield functional(
        [
            x, shared, called(layer("ReLU", "act", max_value=6.0), [tensor("conv", shape=[None, 8, 8, 4])]),
            called(layer("BatchNormalization", "bn", axis=[3], scale=False), [tensor("conv", 1)]),
            called(layer("ZeroPadding2D", "pad", padding=[[0, 1], [0, 1]]), [tensor("bn")]),
            called(layer("MaxPooling2D", "pool", pool_size=[3, 3], strides=[2, 2]), [tensor("pad")]),
            called(layer("GlobalAveragePooling2D", "gap"), [tensor("pool")]),
            called(layer("Reshape", "shape", target_shape=[1, 1, 4]), [tensor("gap")]),
            called(layer("Multiply", "mul"), [[tensor("pool"), tensor("shape")]]),
            called(layer("Flatten", "flat"), [tensor("mul")]),
            called(layer("Dense", "scores", units=3, activation="softmax"), [tensor("flat")]),
        ],
        ["x", 0, 0], ["scores", 0, 0],
    )  # fmt: skip
    yield sequential(
        (9,), layer("Embedding", "e", input_dim=9, output_dim=8), layer("Bidirectional", layer=layer("LSTM", units=3, return_sequences=True)),
        layer("TimeDistributed", layer=layer("Dense", units=4)), layer("LayerNormalization", axis=[-1]), layer("Permute", dims=[2, 1]),
        layer("GRU", units=3), layer("Normalization", axis=[-1], mean=[1, 2, 3], variance=[1, 2, 3]),
    )  # fmt: skip
    layers = [
        old("InputLayer", "x", batch_input_shape=[None, 6, 8]),
        old("MultiHeadAttention", "mha", [[["x", 0, 0, {"value": ["x", 0, 0]}]]], num_heads=2, key_dim=4),
        old("TFOpLambda", "plus", [["mha", 0, 0, {"y": ["x", 0, 0]}]], function="__operators__.add"),
        old("SlicingOpLambda", "get", [["plus", 0, 0, {"slice_spec": [{"start": None, "stop": None, "step": None}, 0]}]], function="__operators__.getitem"),
    ]  # fmt: skip
    yield {
        "class_name": "Functional",
        "config": {"name": "n", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["get", 0, 0]]},
    }


ODD = [
    None,
    True,
    0,
    -1,
    1,
    3,
    2**63,
    10**30,
    0.5,
    1e300,
    "",
    "x",
    "same",
    "valid",
    "channels_first",
    [],
    [0],
    [1, 2],
    [[1, 2]],
    [None],
    {},
    {"a": 1},
]


def places(value, at=()):
    """The places within a configuration."""
    yield at
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*at, key))


def mutated(content, draws):
    content = copy.deepcopy(content)
    for _ in range(draws.randint(1, 3)):
        *at, last = draws.choice([place for place in places(content) if place] or [("class_name",)])
        holder = content
        for key in at:
            holder = holder[key]
        change = draws.random()
        if change < 0.2 and isinstance(holder, dict):
            holder.pop(last, None)
        elif change < 0.3 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
        else:
            holder[last] = copy.deepcopy(draws.choice(ODD))
    return content


@pytest.mark.parametrize("seed", range(6))
def test_mutated_configurations_are_read_or_refused(seed, tmp_path, rounds):
    draws = random.Random(seed)
    read_ = 0
    for at in rounds(150):
        content = mutated(draws.choice(list(several())), draws)
        try:
            imported(tmp_path, content)
            read_ += 1
        except SpecError as error:
            assert error.diagnostics, at
    assert read_ > 1


def test_unmutated_configurations_are_read(tmp_path):
    for content in several():
        assert all(one.severity == "warning" for one in imported(tmp_path, content).diagnostics)


def test_mutated_archives_are_read_or_refused(tmp_path, rounds):
    draws = random.Random(1)
    whole = archive(tmp_path / "net.keras", [("config.json", json.dumps(PLAIN))], zipfile.ZIP_DEFLATED).read_bytes()
    for _ in rounds(300):
        content = bytearray(whole)
        for _ in range(draws.randint(1, 4)):
            content[draws.randrange(len(content))] = draws.randrange(256)
        path = tmp_path / "net.keras"
        path.write_bytes(bytes(content))
        with suppress(SpecError):
            read(path, {})


def test_a_part_of_a_file_is_a_file():
    window = FilePart(io.BytesIO(b"0123456789"), 2, 5)
    assert (window.read(3), window.tell(), window.seek(-1, 2), window.read(9), window.seek(1), window.read()) == (
        b"234",
        3,
        4,
        b"6",
        1,
        b"3456",
    )
