"""The package as people use it from Python."""

from __future__ import annotations

import copy
import doctest
import errno
import inspect
import os
import pickle
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import PurePosixPath
from xml.etree import ElementTree

import pytest

import archspec
from tests.helpers.paths import ROOT, TESTS


def python(code, *arguments, **environment):
    """What a Python of its own prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dir_shows_the_public_names_and_nothing_else():
    assert python("import archspec; print(*dir(archspec))").split() == sorted([*archspec.__all__, "__version__"])


def test_a_star_import_gives_every_public_name():
    code = "import archspec; from archspec import *; assert {n for n in dir() if n != 'archspec' and n[0] != '_'} == set(archspec.__all__)"
    python(code)
    python(code + "; import sys; assert not {'torch', 'onnx', 'numpy', 'pandas'} & set(sys.modules)")


def test_importing_the_package_imports_no_other_module_of_it():
    python("import sys, archspec; assert [m for m in sys.modules if m.startswith('archspec')] == ['archspec']")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'foo'"):
        archspec.foo  # noqa: B018


CALL = "m = archspec.loads('input 8x8x3\\nconv k=3 f=4'); assert '<html' in archspec.report(m).html; assert type(archspec.report(m, m)).__name__ == 'Page'"
NAMES = "from archspec.report import Report, Row, Totals; assert archspec.report.Report is Report is archspec.Report"


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        f"import archspec; {CALL}; {NAMES}",
        f"import archspec; {NAMES}; {CALL}",
        f"from archspec.report import Report; import archspec; {CALL}",
        f"import archspec.report; {NAMES}; {CALL}",
        f"import archspec; archspec.analyze(archspec.load('lenet5')); {CALL}; {NAMES}",
        f"from archspec import report; import archspec; assert report is archspec.report; {CALL}; {NAMES}; assert report is archspec.report",
    ],
    ids=["called first", "imported first", "from it first", "as a module first", "after analyze", "from the package"],
)
def test_report_is_called_and_imported_from_in_any_order(code):
    python(code)


def test_explain_gives_the_text_of_the_command_and_its_numbers(archspec_command):
    model = archspec.load("lenet5")
    assert f"{archspec.explain(model)}\n\n" == archspec_command("explain", "lenet5").out
    (conv,) = archspec.explain(model, "conv2")
    assert f"{conv}\n\n" == archspec_command("explain", "lenet5", "conv2").out
    numbers = {step.name: step.value for step in conv.steps}
    assert numbers["parameters"] == 2416 and numbers["MACs"] == 240_000 and numbers["output"] == (10, 10, 16)
    assert {step.name: step.how for step in conv.steps}["MACs"] == "10*10*16*5*5*6 = 240,000"
    assert "2,416" in conv._repr_html_() and "2,416" in repr(archspec.explain(model, "conv2"))


def test_explain_of_a_group_and_of_what_is_not_there():
    model = archspec.load("resnet18")
    assert [layer.row.name for layer in archspec.explain(model, "layer1.0")] == [
        row.name for row in archspec.analyze(model).layers if row.name.startswith("layer1.0.")
    ]
    with pytest.raises(ValueError, match=r"there is no layer `layer1\.0\.conv9`; did you mean `layer1\.0\.conv[12]`"):
        archspec.explain(model, "layer1.0.conv9")


def test_a_long_explanation_is_cut_where_nobody_asked_to_print_it():
    found = archspec.explain(archspec.load("resnet152"))
    assert len(repr(found)) < 10_000 < len(str(found)) and "more layers" in repr(found) and "more layers" in found._repr_html_()


# pictures

SMALL = "input 8x8x3\nconv k=3 f=4 p=1 | relu\nfc 10\n"


@pytest.fixture
def small():
    return archspec.loads(SMALL, name="small.arch")


@pytest.mark.parametrize("as_", ["blocks", "volumes", "bars"])
def test_a_drawing_is_text_and_picture(small, as_):
    drawn = archspec.draw(small, as_)
    assert isinstance(drawn, str) and drawn == str(drawn) == drawn.svg == drawn._repr_svg_()
    assert type(str(drawn)) is type(drawn.svg) is str
    root = ElementTree.fromstring(drawn)
    assert (drawn.width, drawn.height) == (float(root.get("width")), float(root.get("height")))
    assert repr(drawn) == f"Drawing(small as {as_}, {drawn.width:g} x {drawn.height:g})"
    again = pickle.loads(pickle.dumps(drawn))
    assert again == drawn and repr(again) == repr(drawn)


def test_a_drawing_is_saved_by_the_ending_of_the_name(small, tmp_path):
    pytest.importorskip("resvg_py", reason="makes PNG")
    pytest.importorskip("svglib", reason="makes PDF")
    drawn = archspec.draw(small)
    starts = {".svg": b"<svg", ".PNG": b"\x89PNG", ".pdf": b"%PDF", ".dot": b"digraph", ".mmd": b"flowchart"}
    for ending, start in starts.items():
        drawn.save(tmp_path / f"x{ending}")
        assert start in (tmp_path / f"x{ending}").read_bytes()[:400], ending
    drawn.save(str(tmp_path / "y.svg"))
    assert (tmp_path / "y.svg").read_bytes() == drawn.encode()
    for wrong in ("x.jpg", "x"):
        with pytest.raises(ValueError, match=r"a picture is saved as \.svg, \.png"):
            drawn.save(tmp_path / wrong)
    with pytest.raises(ValueError, match=r"only boxes and arrows have a form in \.dot"):
        archspec.draw(small, "bars").save(tmp_path / "x.dot")
    with pytest.raises(ValueError, match="only boxes and arrows"):
        archspec.compare([small]).draw().save(tmp_path / "x.mmd")
    archspec.compare([small]).draw().save(tmp_path / "c.svg")


def test_a_drawing_without_the_library_says_what_to_install(small, tmp_path, monkeypatch):
    monkeypatch.setattr("archspec.views.graphics.convert.find_spec", lambda _: None)
    with pytest.raises(ImportError, match="a PNG needs resvg: `pip install"):
        archspec.draw(small, "bars").save(tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


# what objects show


def shown_objects(model):
    report = archspec.analyze(model)
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads("input 7x7x1\nconv k=9 f=1\n", name="bad.arch")
    objects = [
        model, report, report.totals, report["conv1"], archspec.compare([model, model]), archspec.explain(model), archspec.explain(model)[0],
        archspec.report(model), caught.value, caught.value.diagnostics[0],
    ]  # fmt: skip
    return {type(thing).__name__: thing for thing in objects}


def test_every_object_is_readable(small):
    for name, thing in shown_objects(small).items():
        assert " at 0x" not in repr(thing) + str(thing) and len(repr(thing)) < 2500, name
        assert not re.search(r"\bobject\b", repr(thing)), name
        assert re.match(r"\s*<\w+", thing._repr_html_()) and " at 0x" not in thing._repr_html_(), name
    assert repr(small) == "Network(small: 8x8x3 -> 10, 4 layers)"
    report = archspec.analyze(small)
    assert repr(report) == "Report(small: 4 layers, 2,682 parameters, 9,472 MACs)"
    assert repr(report[0]) == "Row(conv1: conv k=3 f=4 p=1 -> 8x8x4, 112 parameters, 6,912 MACs)"
    assert repr(archspec.compare([small, small])) == "Comparison(small, small (2))"


def test_print_shows_the_table(small, archspec_command, tmp_path):
    (tmp_path / "small.arch").write_text(SMALL, encoding="utf-8")
    assert str(small) == str(archspec.analyze(small)) and "2,682" in str(small) and "conv k=3 f=4 p=1" in str(small)
    assert str(archspec.compare([small])) == archspec.compare([small]).to_text()
    assert len(str(archspec.load("resnet152")).splitlines()) < 130  # equal rounds are folded


def test_a_report_is_a_collection_of_layers(small):
    report = archspec.analyze(small)
    assert len(report) == 4 and [row.name for row in report] == ["conv1", "relu1", "flatten1", "fc1"]
    assert report["fc1"] == report[-1] == report.layers[3]
    with pytest.raises(KeyError, match="did you mean `conv1`"):
        report["conv"]
    with pytest.raises(IndexError):
        report[4]


def test_dataframes_of_a_report_and_of_a_comparison(small):
    pytest.importorskip("pandas", reason="tables of pandas")
    assert list(archspec.analyze(small).to_dataframe()["params"]) == [112, 0, 0, 2570]
    found = archspec.compare([archspec.load("vgg16"), archspec.load("vgg19")]).to_dataframe()
    assert list(found["name"]) == ["vgg16", "vgg19"] and list(found["params"]) == [138_357_544, 143_667_240]
    assert found["params_ratio"][0] == 1 and found["weight_layers"][1] == "16 conv + 3 fc"


def test_a_page_is_saved_and_shown_in_a_frame(small, tmp_path):
    page = archspec.report(small)
    assert archspec.report_page(small) == page.html
    page.save(tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == page.html
    with pytest.raises(ValueError, match=r"a page is saved as \.html"):
        page.save(tmp_path / "x.pdf")
    archspec.report(small, quiz="monday").save(tmp_path / "q.html")
    assert "Key of a quiz" in (tmp_path / "q.key.html").read_text(encoding="utf-8")
    frames = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attributes: frames.append((tag, dict(attributes)["srcdoc"]))
    reader.feed(page._repr_html_())
    assert frames == [("iframe", page.html)]


def test_cells_say_how_they_are_aligned(small):
    """Jupyter's own style aligns all cells right."""
    for thing in (small, archspec.analyze(small), archspec.compare([small, small])):
        cells = re.findall(r"<t[dh]\b ?([^>]*)>([^<]*)<", thing._repr_html_())
        assert cells and all("text-align" in style for style, _ in cells)
        for style, text in cells:
            if re.fullmatch(r"[\d,]*,\d{3}", text):
                assert "text-align:right" in style
            if text in ("conv1", "fc 10", "name"):
                assert "text-align:left" in style


# mistakes

BAD = "input 7x7x1\nconv k=9 f=1\nfoo 3\n"


def error_of(text, name="bad.arch"):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(text, name=name)
    return caught.value


def test_the_text_of_a_mistake_is_what_the_terminal_shows(archspec_command, tmp_path):
    (tmp_path / "bad.arch").write_text(BAD, encoding="utf-8")
    error = error_of(BAD)
    assert f"{error}\n\n" in archspec_command("table", "bad.arch", cwd=tmp_path).err
    assert "2 | conv k=9 f=1\n  |      ^^^\n" in str(error) and "= help: use k=7 or less" in str(error)
    assert "\n\n".join(map(str, error.diagnostics)) == str(error)
    assert repr(error) == "SpecError(bad.arch:2:6: A202 a window of 9 is larger than the height of 7 and 1 more)"
    assert repr(error.diagnostics[1]) == "Diagnostic(bad.arch:3:1: A101 there is no layer or block `foo`)"


def test_a_mistake_in_a_notebook_is_readable_and_inert():
    text = error_of('input 7x7x1\nconv k=9 f=1 # <script>\nfc "<b>"\n', name="<i>.arch")._repr_html_()
    assert "<script>" not in text and "<b>" not in text and "<i>" not in text and text.startswith("<pre") and "^^^" in text


def test_a_thousand_mistakes_are_told_in_short():
    error = error_of("input 8x8x3\n" + "foo\nrelu 3\n" * 600)
    assert len(error.diagnostics) >= 1000 and len(str(error)) < 10_000
    assert re.search(r"\.\.\. and 9\d\d more; `diagnostics` has all of them$", str(error))


def test_a_mistake_behind_many_warnings_is_shown():
    lines = "".join(f"param p{i} = 1\n" for i in range(40))
    error = error_of(f"{lines}input 8x8x3\nconv k=9 f=1\n")
    assert "error[A202]" in str(error) and "A202" in repr(error)


def test_a_mistake_goes_through_pickle_and_copy():
    error = error_of(BAD)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(again) is archspec.SpecError and str(again) == str(error)
        assert [d.code for d in again.diagnostics] == [d.code for d in error.diagnostics]


def test_a_mistake_in_a_script_ends_with_its_text(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"import archspec\narchspec.loads({BAD!r}, name='bad.arch')\n", encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"archspec.SpecError: {error_of(BAD)}\n" in done.stderr


def test_ipython_completes_public_names_and_shows_messages_without_a_traceback(capsys):
    pytest.importorskip("IPython", reason="IPython is not installed")
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        done = shell.run_cell(f"import archspec\nx = 1\nmodel = archspec.loads({BAD!r})\n")
        told = capsys.readouterr()
        assert not done.success
        assert "Traceback" not in told.out + told.err and "api.py" not in told.out + told.err
        assert "line 3: model = archspec.loads" in told.out and "2 | conv k=9 f=1" in told.out and "A101" in told.out
        with provisionalcompleter():
            found = {completion.text.rpartition(".")[2] for completion in shell.Completer.completions("archspec.", 9)}
        assert {name for name in found if name[0] != "_"} == set(archspec.__all__)
    finally:
        InteractiveShell.clear_instance()


# what is set


@pytest.mark.parametrize(
    "inputs",
    [
        "64x48x3",
        " 64×48×3 ",
        (64, 48, 3),
        [64, 48, 3],
        {"input": "64x48x3"},
        {"input": (64, 48, 3)},
        {"input": [64, 48, 3]},
        range(64, 0, -16),
    ],
    ids=str,
)
def test_inputs_are_taken_as_people_write_them(inputs):
    inputs = (*inputs[:2], 3) if isinstance(inputs, range) else inputs
    assert archspec.analyze(archspec.load("resnet18", inputs=inputs)).inputs == {"input": (64, 48, 3)}


def test_inputs_of_numpy_and_torch_and_vectors():
    np = pytest.importorskip("numpy", reason="its numbers")
    for inputs in (np.array([8, 8, 1]), (np.int64(8), np.int32(8), 1), {"input": np.array([8, 8, 1])}, np.zeros((8, 8, 1)).shape):
        assert archspec.analyze(archspec.loads("input 4x4x1\ngap\n", inputs=inputs)).inputs == {"input": (8, 8, 1)}
    for inputs in ("5", 5, (5,), np.int64(5)):
        assert archspec.analyze(archspec.loads("input 4\nfc 2\n", inputs=inputs)).inputs == {"input": (5,)}


@pytest.mark.parametrize(
    "wrong",
    ["224xx3", "", "x", "224x224x3x", "224, 224, 3", "a", (224.0, 224, 3), (), (True, 8, 3), {"input": None}, {3: "8x8x3"}, b"abc", 1.5,
     (0, 8, 3), "0x8x3", (-1, 8, 3), "-1x8x3", [[8, 8, 3]]],
    ids=repr,
)  # fmt: skip
def test_inputs_that_are_no_shape_are_a_value_error(wrong):
    with pytest.raises(ValueError, match=r"^inputs.*(expected|go by name)"):
        archspec.load("lenet5", inputs=wrong)


def test_names_that_are_not_there_are_proposed():
    with pytest.raises(archspec.SpecError, match=r"there is no input `inptu` to set(.|\n)*did you mean `input`"):
        archspec.load("lenet5", inputs={"inptu": "28x28x1"})
    with pytest.raises(archspec.SpecError, match=r"there is no param `clases` to set(.|\n)*did you mean `classes`"):
        archspec.load("resnet18", params={"clases": 10})


SET = "param n = 4\nparam w = 0.5\nparam deep = no\nparam ns = 1,2\nparam s = 3x3\ninput 16x16x1\nconv k=s f=n\nrepeat 2: conv k=1 f=ns\nfc 8*w\nrelu if deep\n"


def test_params_are_taken_from_numpy_and_texts():
    np = pytest.importorskip("numpy", reason="its numbers")
    plain = archspec.loads(SET, params={"n": 6, "w": 1.0, "deep": True, "ns": [3, 4], "s": "5x5"})
    others = [
        {"n": np.int64(6), "w": np.float64(1), "deep": np.bool_(True), "ns": np.array([3, 4]), "s": "5x5"},
        {"n": "6", "w": "1.0", "deep": "yes", "ns": "3,4", "s": "5x5"},
        {"n": np.array(6), "w": np.float32(1), "deep": 1, "ns": (np.int8(3), "4"), "s": "5x5"},
    ]
    for params in others:
        assert archspec.loads(SET, params=params).params == plain.params
        assert archspec.emit(archspec.loads(SET, params=params), "json") == archspec.emit(plain, "json")


@pytest.mark.parametrize("wrong", [{"n": None}, {"n": {}}, {"w": float("nan")}, {1: 2}, ["n"], {"n": object()}])
def test_params_that_make_no_sense_are_a_value_error(wrong):
    with pytest.raises(ValueError, match=r"^params"):
        archspec.loads(SET, params=wrong)


def test_a_path_is_a_text_of_a_param():
    with pytest.raises(archspec.SpecError, match='not "a/b"'):
        archspec.loads(SET, params={"n": PurePosixPath("a/b")})


# specs that are not there


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lenet", ["lenet5", "lenet_keras"]), ("resnet-50", ["resnet50"]), ("ResNet50", ["resnet50"]), ("resnet_18", ["resnet18"]),
        ("alexnt", ["alexnet"]), ("lenet5.arhc", ["lenet5"]), ("lenet5.arch", ["lenet5"]), ("near/my_nett.arch", ["near/my_net.arch"]),
        ("near/MyNet.arch", ["near/my_net.arch"]), ("near/my_net.arh", ["near/my_net.arch"]), ("zzzzzz", ["archspec list"]),
        ("nowhere/lenet5.arch", ["there is no folder `nowhere`"]),
    ],
)  # fmt: skip
def test_a_spec_that_is_not_there_gets_a_proposal(name, meant, archspec_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "my_net.arch").write_text(SMALL, encoding="utf-8")
    with pytest.raises(FileNotFoundError) as caught:
        archspec.load(name)
    told = str(caught.value)
    assert name in told and all(f"`{word}`" in told or word in told for word in meant) and caught.value.errno == errno.ENOENT
    done = archspec_command("check", name, cwd=tmp_path)
    assert done.status == 2 and told in done.err


def test_a_text_given_to_load_is_recognised():
    with pytest.raises(FileNotFoundError, match=r"found the text of a spec; `archspec\.loads` takes texts"):
        archspec.load(SMALL)


# types and documents


@pytest.mark.slow
def test_a_strict_type_checker_reads_a_program_that_uses_every_name(tmp_path):
    """The package is found as an installed one is: by `py.typed`, with nothing of this checkout's configuration."""
    pytest.importorskip("mypy", reason="the type checker")
    client = TESTS / "helpers" / "client.py"
    text = client.read_text(encoding="utf-8")
    assert [name for name in archspec.__all__ if not re.search(rf"\b{name}\b", text)] == []
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "archspec").symlink_to(ROOT / "archspec")
    (tmp_path / "client.py").write_text(text, encoding="utf-8")
    # The types of other libraries are theirs: what of torch and onnx is handed on is taken as it comes.
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache", "--follow-untyped-imports", "client.py"]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(folder)}, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("client.py")]
    assert found == [] and "Traceback" not in done.stderr, done.stdout
    (tmp_path / "client.py").write_text(
        "import archspec\narchspec.load(3)\narchspec.draw(1).nothing\nreveal_type(archspec.report)\n", encoding="utf-8"
    )
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(folder)}, capture_output=True, text=True, check=False)
    assert len([line for line in done.stdout.splitlines() if line.startswith("client.py") and " error: " in line]) == 3, done.stdout


def test_every_public_name_is_documented():
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### archspec\.(\w+)$", text, re.MULTILINE)) == set(archspec.__all__)


@pytest.mark.parametrize("name", [name for name in archspec.__all__ if inspect.isfunction(getattr(archspec, name)) or name == "report"])
def test_every_function_is_documented_with_arguments_and_an_example_that_runs(name, tmp_path, monkeypatch):
    function = archspec.api.report if name == "report" else getattr(archspec, name)
    doc = inspect.getdoc(function)
    missing = [
        p
        for p in inspect.signature(function).parameters
        if p not in ("model", "models", "more", "text", "path", "net", "network", "source", "target")
    ]
    assert [p for p in missing if f"`{p}`" not in doc] == []
    if name in ("to_torch", "load_weights", "from_torch"):
        pytest.importorskip("torch", reason="what the example shows")
    if name == "to_graphviz":
        pytest.importorskip("graphviz", reason="what the example shows")
    if name in ("to_onnx", "from_onnx"):
        pytest.importorskip("onnx", reason="what the example shows")
    if name in ("from_keras", "to_keras", "weights_of"):
        monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
        pytest.importorskip("keras", reason="what the example shows")
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestFinder().find(function, name, globs={"archspec": archspec})
    assert sum(len(example.examples) for example in examples) >= 1
    for example in examples:
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0


@pytest.mark.parametrize("call", ["analyze", "draw", "explain", "report", "compare", "to_torch", "to_keras", "to_onnx", "sweep", "sizes"])
def test_a_name_in_place_of_a_network_is_answered_with_how_to_load_it(call):
    with pytest.raises(TypeError, match=r"^expected a network, found the name 'lenet5': archspec.load\('lenet5'\) loads it$"):
        getattr(archspec, call)("lenet5")
    with pytest.raises(TypeError, match="found an object of type int"):
        (archspec.compare if call == "compare" else getattr(archspec, call))(*([[3]] if call == "compare" else [3]))


def test_networks_are_compared_in_a_list_or_one_after_another():
    first, second = archspec.load("lenet5"), archspec.load("alexnet")
    assert archspec.compare(first, second).to_csv() == archspec.compare([first, second]).to_csv()
