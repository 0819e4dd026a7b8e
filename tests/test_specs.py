"""The bundled specs against the numbers their papers, lectures and torchvision publish."""

import json
import re
import tomllib
from collections import Counter

import pytest

import archspec
from tests.helpers.paths import FACTS, ROOT
from tests.helpers.specs import VARIED

SPECS = ROOT / "specs"
LAYERS = FACTS / "layers"

# PyTorch's module -> the step that writes it
STEP = {
    "Conv2d": "conv",
    "ReLU": "relu",
    "MaxPool2d": "pool",
    "AdaptiveAvgPool2d": "adaptpool",
    "BatchNorm2d": "bn",
    "Linear": "fc",
    "Dropout": "dropout",
    "AvgPool2d": "avgpool",
    "LayerNorm": "ln",
    "MultiheadAttention": "attn",
    "GELU": "gelu",
    "LayerNorm2d": "ln",
    "ReLU6": "relu6",
    "SiLU": "silu",
    "Sigmoid": "sigmoid",
    "Hardsigmoid": "hardsigmoid",
    "Hardswish": "hardswish",
    "Flatten": "flatten",
}

# Steps that are one module in PyTorch
SAME = {"gap": "adaptpool", "dwconv": "conv", "linear": "fc"}

# Networks with branches, whose order in a listing is a matter of taste
BRANCHED = {"resnet18", "resnet50", "googlenet", "shufflenet_v2_x1_0"}


CLASSIFIERS = tomllib.loads((FACTS / "torchvision.toml").read_text(encoding="utf-8"))


def spec_paths():
    return sorted(SPECS.glob("*.arch"))


def facts_paths():
    return sorted(SPECS.glob("*.facts.toml"))


def facts_name(path):
    return path.name.removesuffix(".facts.toml")


def read_facts(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def load(name, params=None, size=None):
    return archspec.load(str(SPECS / f"{name}.arch"), params=params or {}, inputs={"input": tuple(size)} if size else {})


def settings():
    """Every spec as it stands, and every variant its facts name."""
    for path in facts_paths():
        name, facts = facts_name(path), read_facts(path)
        yield pytest.param(name, {}, None, facts["totals"], id=name)
        for variant in facts.get("variants", []):
            totals = {k: v for k, v in variant.items() if k not in ("set", "input", "cite")}
            setting, size = variant.get("set", {}), variant.get("input")
            suffix = ",".join([*(f"{k}={v}" for k, v in setting.items()), *map(str, size or [])])
            yield pytest.param(name, setting, size, totals, id=f"{name}-{suffix}")


@pytest.mark.parametrize("name, params, size, published", list(settings()))
def test_totals(name, params, size, published):
    totals = archspec.analyze(load(name, params, size)).totals
    found = {}
    for key, value in published.items():
        if key == "receptive_field":  # published as the side of a square
            assert len(totals.receptive_field) == 2
            published = published | {key: (value, value)}
            found[key] = tuple(totals.receptive_field)
        elif key == "params_and_buffers":
            found[key] = totals.params + totals.buffers
        else:
            found[key] = getattr(totals, key)
    assert found == published


@pytest.mark.parametrize("path", [p for p in facts_paths() if "layers" in read_facts(p)], ids=facts_name)
def test_published_rows(path):
    """The published rows are all the rows of their kinds, in order; kinds not published are skipped."""
    published = read_facts(path)["layers"]
    kinds = {row["op"] for row in published}
    rows = [row for row in archspec.analyze(load(facts_name(path))).layers if row.op in kinds]
    assert [row.op for row in rows] == [row["op"] for row in published]
    for row, expected in zip(rows, published, strict=True):
        keys = [key for key in expected if key not in ("name", "op", "output")]
        found = {"output": list(row.output)} | {key: getattr(row, key) for key in keys}
        assert found == {key: expected[key] for key in ("output", *keys)}, expected["name"]


def torch_rows(document):
    for name, type_, output, params, macs in document["layers"]:
        if len(output) != 2:  # a map; tokens are channels last in PyTorch too
            channels, *spatial = output
            output = (*spatial, channels)
        yield name, STEP[type_], tuple(output), params, macs


def our_rows(name, kinds, params=None):
    for row in archspec.analyze(load(name, params)).layers:
        op = SAME.get(row.op, row.op)
        if op in kinds:
            yield row.name, op, tuple(row.output), row.params, row.macs


def stages(rows):
    """Stages in order; the auxiliary heads of GoogLeNet, which run anywhere after what they read, are left out."""
    return [name for name in dict.fromkeys(stage(row[0]) for row in rows) if not name.startswith("aux")]


def stage(name):
    """`layer1.0` of `layer1.0.downsample.0`, `inception3a` of `inception3a.branch2.1.conv`."""
    return re.match(r"\w+(\.\d+(?=\.))?", name).group()


@pytest.mark.parametrize("path", sorted(LAYERS.glob("*.json")), ids=lambda p: p.stem)
def test_rows_are_torchvision_s(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    expected = list(torch_rows(document))
    kinds = {row[1] for row in expected}
    found = list(our_rows(document["spec"], kinds, document.get("set")))

    plain_expected, plain_found = ([row[1:] for row in rows] for rows in (expected, found))
    assert Counter(plain_found) == Counter(plain_expected)
    if document["spec"] not in BRANCHED:
        assert plain_found == plain_expected

    # what has weights bears torchvision's name, and the stages follow in its order, whatever a branch's place in them
    expected, found = ([row for row in rows if row[3]] for rows in (expected, found))
    assert {row[0]: row for row in found} == {row[0]: row for row in expected}
    assert len(found) == len(expected)
    assert stages(found) == stages(expected)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_of_torchvision(name):
    """Each is a spec, or one with params set; its MACs are published in billions with three decimals."""
    row = CLASSIFIERS[name]
    totals = archspec.analyze(load(row["spec"], row.get("set"), (row["side"], row["side"], 3))).totals
    assert (totals.params, round(totals.macs / 1e9, 3)) == (row["params"], row["gmacs"])


def test_every_spec_has_facts_and_every_facts_file_a_spec():
    assert [p.stem for p in spec_paths()] == [facts_name(p) for p in facts_paths()]
    assert spec_paths()


@pytest.mark.parametrize("path", facts_paths(), ids=facts_name)
def test_facts_name_their_source(path):
    facts = read_facts(path)
    assert all(part["cite"].strip() for part in (facts, *facts.get("variants", [])))
    assert facts["totals"]
    if "values" in facts:
        assert facts_name(path) in (ROOT / facts["values"]["test"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.arch")), ids=lambda p: p.stem)
def test_text_starts_with_a_comment(path):
    assert path.read_text(encoding="utf-8").startswith("# ")


WORDS = re.compile(r"\b(?:repeat|residual|shortcut|concat:|add:|mul:|block|param|use|pattern|default|output|train|from|if|as)\b")


@pytest.mark.slow
def test_varied_specs_hold_what_the_others_hold(networks):
    """Tests in a hurry run those alone."""

    def held(path):
        text = re.sub("#.*", "", path.read_text(encoding="utf-8"))
        return {*WORDS.findall(text), *(row.op for row in archspec.analyze(networks(path.stem)).layers)}

    varied = set().union(*(held(path) for path in spec_paths() if path.stem in VARIED))
    assert {path.stem: held(path) - varied for path in spec_paths() if held(path) - varied} == {}


@pytest.mark.parametrize("path", spec_paths(), ids=lambda p: p.stem)
def test_no_errors(path):
    assert [d for d in load(path.stem).diagnostics if d.severity == "error"] == []
