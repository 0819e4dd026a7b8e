"""Formulas, legal sizes, sweeps and searches: known answers, and answers by brute force."""

import json
import random
import re
import subprocess
import sys

import pytest

import archspec
from archspec.symbolic.phrasing import TEXT
from archspec.symbolic.space import axis, shape
from archspec.symbolic.subjects import spec_of
from archspec.symbolic.sweeps import plateaus
from tests.fuzzing import variants as fuzz
from tests.fuzzing.draw import Random
from tests.helpers.paths import SPECS
from tests.helpers.specs import QUICK, few_quick


def text(spec, variables, counts="params"):
    return str(archspec.formula(archspec.load(spec), variables, counts)).splitlines()


@pytest.mark.parametrize(
    ("spec", "variable", "expected"),
    [
        ("unet", "width", "params = 7,574*width^2 + 118*width + 2"),
        ("resnet20_cifar", "n", "params = 97,216*n - 21,926"),  # He et al. 2015, table 6: 0.27 M at n = 3
        ("densenet121", "k", "params = 6,700*k^2 + 34,908*k + 1,000"),
        ("lenet5", "H", "params = 120*H^2 - 2,880*H + 30,986"),
        ("resnet50", "classes", "params = 2,049*classes + 23,508,032"),
    ],
)
def test_known_formulas(spec, variable, expected):
    assert text(spec, variable)[0] == expected


def test_vgg_grows_with_the_area():
    lines = text("vgg16", "H", "macs")
    assert lines[:2] == ["macs = 305,856*H^2 + 123,633,664", "for H = 32k, from 32"]


SIZES = {
    "lenet5": "H = 4k, from 16", "vgg16": "H = 32k, from 32", "resnet50": "every H", "alexnet": "H from 63", "inception_v3": "H from 299",
    "vit_b_16": "H = 16k, from 16", "swin_t": "H = 224k, from 224", "unet": "H = 572", "squeezenet1_1": "H from 25",
}  # fmt: skip


@pytest.mark.parametrize("spec", SIZES)
def test_known_sizes(spec):
    assert archspec.sizes(archspec.load(spec))[0].rule == SIZES[spec]


@pytest.mark.parametrize("path", few_quick(SPECS), ids=lambda path: path.stem)
def test_sizes_are_those_that_check_takes(path):
    """Some sizes, each by itself, and others of each network; more of small ones."""
    network = archspec.load(str(path))
    if len(network.inputs) > 1 or len(network.inputs[0].type.shape) < 3:
        pytest.skip("not one picture")
    found = archspec.sizes(network, last=600)[0]
    channels = network.inputs[0].type.channels
    for size in range(1, 600, 7) if path.stem in QUICK else range(1 + 29 * (SPECS.index(path) % 3), 600, 87):
        try:
            archspec.load(str(path), inputs=(*(size,) * (len(network.inputs[0].type.shape) - 1), channels))
        except archspec.SpecError as error:
            wrong = [(each.code, each.span.line) for each in error.diagnostics if each.severity == "error"]
            mistake = next(mistake for mistake, values in found.failing.items() if size in values)
            assert (mistake.code, mistake.line) in wrong
        else:
            assert size in found.legal


def test_the_widest_network_below_a_budget():
    best = archspec.find(archspec.load("mobilenet_v2"), {"width": "0.1:4:0.001"}, where="params < 3e6", largest="width")[0]
    assert (best.last.values["width"], best.first.counts["params"]) == (0.874, 2_986_392)
    assert archspec.analyze(archspec.load("mobilenet_v2", params={"width": 0.875})).totals.params >= 3_000_000


@pytest.mark.parametrize(
    "condition", ["params < 3e6", "params < 3e6 and H >= 160", "not macs > 1e8 or width == 0.5", "params/macs > 0.02", "max(H,200) < 250"]
)
def test_a_condition_keeps_what_it_says(condition):
    found = archspec.sweep(archspec.load("mobilenet_v2"), {"width": "0.2:2:0.1"}, "96:256:32")
    python = condition.replace("not ", "not ").replace("max(", "max(")
    expected = [v.number for v in found.variants() if eval(python, {}, {**v.values, **v.counts})]
    assert [v.number for v in found.where(condition).variants()] == expected
    assert 0 < len(expected) < len(found.variants())


@pytest.mark.parametrize("kind", [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 11)) for seed in range(60)])
def test_a_sweep_says_of_each_variant_what_check_says(kind):
    pytest.importorskip("torch", reason="random specs are drawn beside torch modules")
    assert fuzz.compare(fuzz.draw(Random(kind))) is None


@pytest.mark.parametrize(("spec", "params", "inputs"), [("resnet50", {"classes": "1:1000:100"}, "32:256:16"), ("anything", {}, "")][:1])
def test_without_numpy_the_answers_are_the_same(spec, params, inputs, monkeypatch):
    network = archspec.load(spec)
    found = archspec.sweep(network, params, inputs).variants()
    monkeypatch.setattr("archspec.symbolic.cover.find_spec", lambda name: None)
    assert archspec.sweep(network, params, inputs).variants() == found


def test_formulas_compute_what_analyze_counts():
    formula = archspec.formula(archspec.load("resnet50"), "H,W,classes", ["params", "macs", "flops", "activations"])
    source = random.Random(0)
    scope = {}
    exec(formula.to_python(), scope)
    for _ in range(10):
        h, w, classes = source.randint(32, 400), source.randint(32, 400), source.randint(1, 2000)
        found = formula(H=h, W=w, classes=classes)
        totals = archspec.analyze(archspec.load("resnet50", params={"classes": classes}, inputs=(h, w, 3))).totals
        assert (found["params"], found["macs"], found["flops"]) == (totals.params, totals.macs, totals.flops)
        assert scope["counts"](H=h, W=w, classes=classes) == found


def test_a_formula_holds_for_a_param_close_to_0():
    assert archspec.formula(archspec.loads("param eps = 1e-05\ninput 8\nfc 3 | bn eps=eps\n"), "eps")() == {"params": 33, "macs": 24}


def test_stages_add_up():
    """At other values than the spec's own, beside a table of the spec with these values."""
    found = archspec.formula(archspec.load("resnet20_cifar"), "n,H", "params,macs", group="stage")
    assert [name for name, _ in found.stages] == ["conv1", "bn1", "layer1", "layer2", "layer3", "fc"]
    other = archspec.analyze(archspec.load("resnet20_cifar", params={"n": 5}, inputs=(64, 64, 3)))
    by_stage = {"layer1": 0, "layer2": 0, "layer3": 0}
    for row in other.rows():
        if (stage := row.name.split(".")[0]) in by_stage:
            by_stage[stage] += row.macs
    lines = found.to_text().splitlines()
    for stage, macs in by_stage.items():
        line = [line for line in lines if line.split()[0] == stage][1]
        assert eval(line.split(" = ")[1].replace("^", "**").replace(",", ""), {"n": 5, "H": 64, "h1": 32, "h2": 16}) == macs
    whole = archspec.formula(archspec.load("resnet20_cifar"), "n,H", "params,macs")
    assert found.stages and not whole.stages and found.forms.keys() == whole.forms.keys()
    assert found.words(TEXT).formulas == whole.words(TEXT).formulas


def test_stages_have_names_without_labels():
    spec = archspec.loads("param n = 3\ninput 32x32x3\nconv k=3 f=8 p=same\nrepeat n:\n  conv k=3 f=8 p=same | bn\nhead: fc 10\n")
    assert archspec.formula(spec, "n", "params", group="stage").to_text().splitlines()[:4] == [
        "params      = 600*n + 82,154",
        "  conv1     = 224",
        "  conv2 ... = 600*n",
        "  head      = 81,930",
    ]
    names = [name for name, _ in archspec.formula(spec, "n", "activations,layers", group="stage").stages]
    assert names == ["input", "conv1", "conv2 ...", "flatten1", "head"]


def test_long_formulas_are_broken_in_latex():
    latex = archspec.formula(archspec.load("resnet50"), "H,W,classes", group="stage").to_latex()
    assert r"\mathit{macs}_{\text{layer1}} &= 212{,}992 \cdot h_{2} \cdot w_{2} \\" in latex
    assert max(len(re.sub(r"\\[a-z]+|[{}^\\ ]", "", line)) for line in latex.splitlines()) < 80
    assert r"&\quad + " in latex


def test_latex_says_the_same():
    sympy = pytest.importorskip("sympy", reason="reads formulas")
    latex = archspec.formula(archspec.load("unet"), "width", ["params", "macs"]).to_latex()
    for line, count in zip(latex.splitlines()[1:3], ("params", "macs"), strict=True):
        right = re.sub(r"\\mathit\{(\w+)\}", r"\1", line.partition("&=")[2]).replace("{,}", "").replace(r"\cdot", "*").rstrip("\\ ")
        found = sympy.sympify(re.sub(r"\^\{(\d+)\}", r"**\1", right))
        formula = archspec.formula(archspec.load("unet"), "width", [count])
        assert all(found.subs("width", width) == formula(width=width)[count] for width in (1, 8, 64, 100))


def test_a_formula_is_none_where_it_does_not_hold():
    formula = archspec.formula(archspec.load("lenet5"), "H", "params")
    assert formula(H=36) == {"params": 82_826} and formula(H=33) is None and formula() == {"params": 61_706}


@pytest.mark.parametrize(
    ("spec", "variable", "message"),
    [
        ("lenet5", "Q", "there is no variable `Q`"),
        ("lenet5", "clases", "did you mean `classes`"),
    ],
)
def test_unknown_variables(spec, variable, message):
    with pytest.raises(ValueError, match=message):
        archspec.formula(archspec.load(spec), variable)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("1..4", [1, 2, 3, 4]), ("8:32:8", [8, 16, 24, 32]), ("8:30:8", [8, 16, 24]), ("0.1:0.5:0.2", [0.1, 0.3, 0.5]), ("{4,2}", [4, 2]),
        ("{1,0.5}", [1.0, 0.5]), ("7", [7]), ("{yes,no}", [True, False]), ("1:2", [1, 2]),
    ],
)  # fmt: skip
def test_values_as_written(written, values):
    assert list(axis("x", written).values) == values


@pytest.mark.parametrize("written", ["1:5:0", "5..1", "1:5:-1", "{", "{}", "a..b", "1:2:3:4", "1:1e30", "nan..3"])
def test_values_that_are_none(written):
    with pytest.raises(ValueError, match="`x`: "):
        axis("x", written)


@pytest.mark.parametrize(
    ("written", "sizes"), [("64..96", ("H", "H", 3)), ("64..96x32", ("H", 32, 3)), ("64x32..64x1..3", (64, "W", "C")), ("64", (64, 64, 3))]
)
def test_shapes_as_written(written, sizes):
    assert shape(written, (224, 224, 3))[0].sizes == sizes


def test_words_and_switches_are_taken_one_by_one():
    spec = 'param wide = no\nparam k = 3\nparam act = "relu"\ninput 32x32x3\nconv k=k f=8\nconv k=1 f=64 if wide\nrelu if act == "relu"\n'
    found = archspec.sweep(archspec.loads(spec), {"wide": "{yes,no}", "k": "1..4", "act": "{relu,none}"})
    assert found.legal == 16
    for variant in found.variants():
        totals = archspec.analyze(archspec.loads(spec, params=variant.values)).totals
        assert (variant.counts["params"], variant.counts["layers"]) == (totals.params, totals.layers)


def test_params_that_go_together():
    found = archspec.sweep(archspec.load("mobilenet_v2"), together={"width": "0.5:1:0.25", "classes": "{10,100,1000}"})
    assert [tuple(v.values.values()) for v in found.variants()] == [(0.5, 10), (0.75, 100), (1.0, 1000)]
    with pytest.raises(ValueError, match="3 values of `width`, 2 values of `classes`"):
        archspec.sweep(archspec.load("mobilenet_v2"), together={"width": "0.5:1:0.25", "classes": "{10,100}"})


def test_variants_drawn_at_random_are_some_of_all():
    network = archspec.load("mobilenet_v2")
    everything = {v.number: v for v in archspec.sweep(network, {"width": "0.1:1:0.1"}, "32:320:32").variants()}
    some = archspec.sweep(network, {"width": "0.1:1:0.1"}, "32:320:32", random=9, seed=4).variants()
    assert len(some) == 9 and all(everything[v.number] == v for v in some)
    assert archspec.sweep(network, {"width": "0.0001:1:0.00000001"}, "1..100000", random=3).done == 3


def test_the_pareto_front_has_what_nothing_beats():
    found = archspec.sweep(archspec.load("mobilenet_v2"), {"width": "0.25:2:0.25"}, "96:224:64")
    front = found.front("macs", "+params")
    for one in front:
        assert not any(v.counts["macs"] <= one.counts["macs"] and v.counts["params"] > one.counts["params"] for v in found.variants())
    assert len(front) > 3


def test_plateaus_are_one_network():
    variants = archspec.sweep(archspec.load("mobilenet_v2"), {"width": "0.5:0.6:0.005"}).variants()
    for plateau in plateaus(variants):
        assert plateau.first.counts == plateau.last.counts
    assert len(plateaus(variants)) < len(variants)


def test_a_table_of_pandas():
    pytest.importorskip("pandas", reason="tables")
    frame = archspec.sweep(archspec.load("resnet20_cifar"), {"n": "2..5"}).to_dataframe()
    assert frame["params"].tolist() == [97_216 * n - 21_926 for n in range(2, 6)]


# promises of a spec


def errors(text_, **options):
    return [(d.code, d.span.line, d.message) for d in archspec.compile(text_, **options).diagnostics if d.severity == "error"]


def test_all_sizes_of_an_input_are_checked():
    good = "input HxHx3 for H in 32..64 step 16\npool w=2 | pool w=2 | pool w=4\n"
    assert errors(good) == []
    assert archspec.loads(good).inputs[0].type.shape == (32, 32, 3)
    bad = errors(good.replace("step 16", "step 8"))
    assert bad == [("A209", 1, "the network does not take all of these sizes: H = 40 fails at line 2 (A203)")]
    assert errors(good.replace("step 16", "step 8"), inputs="64x64x3") == []


def test_sides_of_their_own():
    assert errors("input HxWx3 for H in 32..64 step 32, W in 8..16 step 8\npool w=8\n") == []
    assert errors("input HxWx3 for H in 32..64 step 32, W in 8..16 step 4\npool w=8\n")[0][0] == "A209"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("input HxHx3", "A001"), ("input 8x8x3 for H in 1..2", "A001"), ("input HxHx3 for H in 9..1", "A105"), ("input HxHx3 for H in 1..9 step 0", "A105"),
        ("input HxHx3 for H in 1..1000000000", "A105"), ("input HxHx3 for H in 32", "A001"), ("input HxHx3 for", "A001"),
    ],
)  # fmt: skip
def test_sizes_that_are_none(line, code):
    assert [found[0] for found in errors(f"{line}\nrelu\n")] == [code]


def test_budgets():
    spec = "input 32x32x3\nexpect {}\nconv k=5 f=6 p=2 | relu\nfc 10\n"
    for kept in ("params <= 61906", "macs < 1e6 and layers == 4", "output == 10", "params/1e6 < 0.1", "peak_activations >= 1"):
        assert errors(spec.format(kept)) == []
    assert errors(spec.format("params < 100"))[0] == ("A602", 2, "expected `params < 100`, found params = 61,906")
    assert errors(spec.format("output == 11"))[0][2] == "expected `output == 11`, found output = 10"
    assert errors(spec.format("parms < 100"))[0][:2] == ("A106", 2)
    assert errors("param w = 3\n" + spec.format("params < w*1000"))[0][2].endswith("params = 61,906, w = 3")


def test_a_label_called_as_the_words_of_sizes():
    assert errors("input 8x8x3\nstep: conv k=3 f=8\nexpect: relu\nfrom step | relu\n") == []


# the command line


def run(*words):
    return subprocess.run([sys.executable, "-m", "archspec", *words], capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sweep", "lenet5", "--input", "1..1000000000000"], "these are 1,000,000,000,000 variants, more than 1,000,000"),
        (["sweep", "lenet5", "--set", "foo=1..3"], "there is no param `foo`"),
        (["sweep", "lenet5"], "nothing varies"),
        (["sweep", "lenet5", "--set", "classes=1:9:0"], "the step of a range must be above 0"),
        (["sweep", "lenet5", "--set", "classes=9..1"], "is empty"),
        (["find", "lenet5", "--input", "16..20", "--where", "foo < 3"], "the condition names `foo`"),
        (["find", "lenet5", "--input", "16..20", "--largest", "foo"], "there is no `foo`"),
        (["formula", "lenet5", "--in", "Q"], "there is no variable `Q`"),
        (["formula", "lenet5", "--in", "H", "--count", "foo"], "there is no count `foo`"),
        (["sizes", "lenet5", "--from", "9", "--to", "3"], "the smaller one first"),
        (["sizes", "lenet5", "--to", "1000000000000"], "more than 10,000,000"),
        (["sweep", "lenet5", "--set", "classes=1..3", "-o", "x.doc"], "a sweep is written as"),
        (["sweep", "lenet5", "--set", "classes=1..3", "--random", "0"], "--random takes"),
        (["sweep", "lenet5", "--together", "classes"], "--together takes"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else None,
)
def test_bad_input_is_a_line_and_status_2(words, message):
    done = run(*words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert message in done.stderr


def test_a_space_without_networks_is_an_answer():
    done = run("sweep", "unet", "--input", "1..40")
    assert done.returncode == 0 and "0 of 40 variants are networks" in done.stdout and "fail at line" in done.stdout
    done = run("find", "lenet5", "--input", "16..20", "--where", "params < 3")
    assert done.returncode == 0 and "None, because no variant meets `params < 3`." in done.stdout


def test_forms_of_a_sweep(tmp_path):
    words = ["sweep", "resnet20_cifar", "--set", "n=2..4"]
    rows = run(*words, "--format", "csv").stdout.splitlines()
    assert rows[0].startswith("n,params,macs") and rows[1].startswith("2,172506,")
    data = json.loads(run(*words, "--format", "json").stdout)
    assert [v["params"] for v in data["variants"]] == [172_506, 269_722, 366_938]
    assert run(*words, "--format", "markdown").stdout.startswith("|")
    assert "tabular" in run(*words, "--format", "latex").stdout
    chart = tmp_path / "chart.svg"
    assert run(*words, "--pareto", "macs,+params", "-o", str(chart)).returncode == 0
    assert chart.read_text(encoding="utf-8").count("<circle") == 6


def test_sizes_of_a_spec_whose_own_size_does_not_fit(tmp_path):
    spec = tmp_path / "net.arch"
    spec.write_text("input 33x33x3\npool w=4\nfc 10\n", encoding="utf-8")
    done = run("sizes", str(spec))
    assert done.returncode == 0 and done.stdout.startswith("H = 4k, from 4.")
    spec.write_text("input 33x33x3\npool w=\n", encoding="utf-8")
    assert run("sizes", str(spec)).returncode == 1


def test_forms_of_a_formula():
    assert json.loads(run("formula", "unet", "--in", "width", "--format", "json").stdout)["at"]["params"] == 31_030_658
    assert "  layer1 = " in run("formula", "resnet50", "--in", "H", "--group", "stage").stdout
    assert json.loads(run("formula", "lenet5", "--in", "H", "--group", "stage", "--format", "json").stdout)["stages"][0]["name"] == "conv1"
    assert run("formula", "unet", "--in", "width", "--group", "stage", "--format", "python").stderr.startswith("archspec: `--group` is")
    assert run("formula", "unet", "--in", "width", "--format", "latex").stdout.startswith("\\begin{align*}")
    assert "def counts(width):" in run("formula", "unet", "--in", "width", "--format", "python").stdout


def test_what_was_not_read_from_a_spec_has_nothing_to_leave_open():
    builder = archspec.Builder("net")
    x = builder.input("input", (8, 8, 3))
    builder.output(builder.op("relu", x))
    with pytest.raises(ValueError, match="was not read from a spec"):
        spec_of(builder.network())


def test_a_letter_is_one_size_for_all_inputs():
    spec = "a: input HxHx3 for H in 32..64 step {}\nb: input HxHx3 for H in 32..64 step {}\nfrom a | conv k=3 f=8 p=1\nx: conv k=1 f=8\nfrom b | conv k=3 f=8 p=1 | add x\n"
    assert errors(spec.format(16, 16)) == []
    assert errors(spec.format(16, 8))[0][0] == "A105"
    assert errors(spec.format(16, 16).replace("add x", "pool w=32 | fc 3"))[0][:2] == ("A209", 1)
