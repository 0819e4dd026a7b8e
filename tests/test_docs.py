"""The documents: generated ones are not stale, examples do what they say, links lead somewhere."""

import importlib.util
import json
import re
import subprocess
import sys

import pytest

import archspec
from archspec.api import Options, compile_text
from archspec.diagnostics.catalogue import fence_attributes
from archspec.finding import specs_folder
from archspec.ops import STEPS
from archspec.syntax.lines import KEYWORDS
from tests import test_fuzz_parser
from tests.helpers.paths import ROOT

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```arch(?: \{([^\n]*)\})?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")

_spec = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
LONG = ("docs/sizes.md", "docs/tutorial.md", "docs/peers.md")
"""Documents that show many commands."""
heading_slug = sys.modules["generate.reference"].slug


def relative(path):
    return path.relative_to(ROOT).as_posix()


def blocks():
    """Every example; those of codes.md are pages of the catalogue, which have a test of their own."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text) if page.name != "codes.md" else ():
            line = text.count("\n", 0, match.start()) + 1
            yield pytest.param(fence_attributes(match[1] or ""), match[2], id=f"{page.name}:{line}")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in make.OUTPUTS])
def test_generated_is_not_stale(name):
    if name == "docs/support.md":
        pytest.importorskip("onnx", reason="one of the targets that are tried")
    assert not make.stale(name), "run `python docs/make.py`"


def test_check_names_what_is_stale(tmp_path, monkeypatch, capsys):
    name = "docs/ir.schema.json"
    (tmp_path / "docs").mkdir()
    (tmp_path / name).write_text("{}\n", encoding="utf-8")
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "OUTPUTS", {name: make.schema})
    monkeypatch.setattr(sys, "argv", ["make.py", "--check"])
    assert make.main() == 1
    assert capsys.readouterr().out == f"{name}: stale\n"
    assert (tmp_path / name).read_text(encoding="utf-8") == "{}\n"
    monkeypatch.setattr(sys, "argv", ["make.py"])
    assert make.main() == 0
    monkeypatch.setattr(sys, "argv", ["make.py", "--check"])
    assert make.main() == 0


@pytest.mark.parametrize(("info", "text"), list(blocks()))
def test_example(info, text):
    assert set(info) <= {"part", "wrong", "show"} and info.get("wrong") != ""
    network, found = compile_text(text, "example.arch", Options(base=specs_folder()))
    errors = [d.code for d in found if d.severity == "error"]
    if "part" in info:
        assert [code for code in errors if code.startswith("A0")] == []
    else:
        assert errors == info.get("wrong", "").split()
        assert (network is None) == bool(errors)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_fences_are_those_of_markdown(page):
    """Words behind the language stand in braces: other forms are no fences to some programs, which then read `# ...` in them as headings."""
    fences = re.findall(r"^ *```(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [fence for fence in fences if not re.fullmatch(r"\w+( \{.+\})?", fence)] == []


@pytest.mark.parametrize("page", ["language.md", "tutorial.md"])
def test_pages_have_examples(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) >= 8
    assert "$ archspec" in text
    assert "Traceback" not in text


def test_every_layer_is_in_the_reference():
    text = (DOCS / "layers.md").read_text(encoding="utf-8")
    missing = [step for step in STEPS if f"\n### {step}\n" not in text or f"[`{step}`](#{step})" not in text]
    assert missing == []
    language = (DOCS / "language.md").read_text(encoding="utf-8")
    assert [step for step in STEPS if not re.search(rf"^  {step} ", language, re.MULTILINE)] == []
    assert [word for word in KEYWORDS if not re.search(rf"\b{word}\b", language)] == []


def anchors(text):
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        slug, at = heading_slug(heading.replace("`", "")), 1
        while slug in found:
            slug, at = f"{heading_slug(heading)}-{at}", at + 1
        found.add(slug)
    return found


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for match in LINK.finditer(text):
        link = match[1] or match[2]
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = page if not target else page.parent / target
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


def test_no_machine_paths():
    """No tracked file names a folder of the machine it was made on."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("git does not list the files")
    # Written so that this file does not name them either.
    folders = ["/" + "work/main", "/" + "work/shared", "/" + "opt/v/", ".." + "/shared", "/" + "root/", str(ROOT)]
    found = []
    for name in done.stdout.split("\0"):
        path = ROOT / name
        if not name or not path.is_file():
            continue
        data = path.read_bytes()
        found += [(name, folder) for folder in folders if folder.encode() in data]
    assert found == []


# pictures


@pytest.mark.parametrize("name", ["table_lenet5", "explain", "error"])
def test_picture_is_whole(name):
    from xml.etree import ElementTree

    text = (DOCS / "images" / f"{name}.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    addresses = re.findall(r"https?://[^\"'\s)]+", text)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


# the grammar for editors


def textmate():
    return json.loads((ROOT / "grammars" / "tmLanguage.json").read_text(encoding="utf-8"))


def patterns(grammar):
    pending, found = [grammar, *grammar["repository"].values()], []
    while pending:
        rule = pending.pop()
        found += [rule[key] for key in ("match", "begin", "end") if key in rule]
        pending += rule.get("patterns", [])
    return found


def scope(grammar, line, word):
    """The scope that the first rule to match gives to a word of a line, each rule tried where the one before it ended."""
    at = 0
    while at <= len(line):
        best = None
        for include in grammar["patterns"]:
            rule = grammar["repository"][include["include"][1:]]
            for part in rule.get("patterns", [rule]) if "match" not in rule and "begin" not in rule else [rule]:
                pattern = part["match"] if "match" in part else part["begin"] + r'(?:[^"\\]|\\.)*' + f"(?:{part['end']})"
                match = re.compile(pattern).search(line, at)
                if match and match.end() > match.start() and (best is None or match.start() < best[0].start()):
                    best = (match, part)
        if best is None:
            return None
        match, part = best
        groups = {int(number): capture["name"] for number, capture in part.get("captures", {}).items()} or {0: part["name"]}
        for number, name in groups.items():
            if match.start(number) <= line.index(word) < match.end(number):
                return name
        at = match.end()
    return None


def test_grammar_has_every_word():
    words = set(re.findall(r"\w+", " ".join(patterns(textmate()))))
    assert set(STEPS) - words == set()
    assert KEYWORDS - words == set()


def test_grammar_is_well_formed():
    grammar = textmate()
    assert grammar["scopeName"] == "source.arch"
    assert grammar["fileTypes"] == ["arch"]
    for pattern in patterns(grammar):
        re.compile(pattern)
    included = {include["include"].removeprefix("#") for include in grammar["patterns"]}
    assert included == set(grammar["repository"])


@pytest.mark.parametrize(
    ("line", "word", "wanted"),
    [
        ("conv k=3 f=6 # six", "# six", "comment.line"),
        ("conv k=3 f=6", "conv", "support.function"),
        ("conv k=3 f=6", "k", "variable.parameter"),
        ("conv k=3 f=6", "3", "constant.numeric"),
        ("conv k=3 | relu", "relu", "support.function"),
        ("input 32x32x3", "input", "keyword.control"),
        ("input 32x32x3", "32x32x3", "constant.numeric.size"),
        ('use "blocks/a.arch"', '"blocks', "string.quoted"),
        ("block basic(n, s=1):", "basic", "entity.name.function"),
        ("  residual:", "residual", "keyword.control"),
        ("layer1: repeat 3: basic 64", "layer1", "entity.name.label"),
        ("layer1: repeat 3: basic 64", "repeat", "keyword.control"),
        ("layer1: repeat 3: basic 64", "basic", "entity.name.function"),
        ("stage{i+1}: conv k=3 f=8", "stage", "entity.name.label"),
        ("left: input 8x8x3", "left", "entity.name.label"),
        ("left: input 8x8x3", "input", "keyword.control"),
        ("fc 10 bias=no if deep", "no", "constant.language"),
        ("fc 10 bias=no if deep", "if", "keyword.control"),
        ("conv k=3 p=same", "same", "constant.language"),
        ("fc round8(64*w)", "round8", "support.function"),
        ("output aux train: gap", "train", "keyword.control"),
        ("output aux train: gap", "gap", "support.function"),
    ],
)
def test_grammar_scopes(line, word, wanted):
    assert (scope(textmate(), line, word) or "").startswith(wanted)


def test_python_of_the_package_docstring(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = {}
    exec(archspec.__doc__.partition("\n\n")[2], {"archspec": archspec}, found)
    assert found["report"].totals.params > 0


def test_the_numbers_say_how_much_is_tried():
    """The column `in the tests` of their table: numbers of cases, in the order of the rows."""
    from tests.helpers.hostile import corpus

    for package in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(package, reason="random specs are compared with it")
    from tests.ops import test_grids
    from tests.test_fuzz_networks import CASES, IN_KERAS
    from tests.test_mutants import PLANTED

    mutations, grids = test_fuzz_parser.SEEDS, test_grids.configurations()
    shapes, values, *others = CASES.values()
    tried = [shapes, values, IN_KERAS, *others, sum(grids.values()), mutations, len(PLANTED), len(corpus())]
    table = (DOCS / "numbers.md").read_text(encoding="utf-8").partition("command for more")[2].partition("\n\n")[0]
    assert re.findall(r"\| ([\d,]+) \|", table) == [f"{count:,}" for count in tried]


def test_the_editors_page_names_the_grammar_and_reads_what_check_prints(tmp_path, archspec_command):
    fences = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "editors.md").read_text(encoding="utf-8"), re.DOTALL)
    package, language, tasks, servers = map(json.loads, fences)
    (grammar,) = package["contributes"]["grammars"]
    assert grammar["scopeName"] == textmate()["scopeName"]
    assert package["contributes"]["languages"][0]["extensions"] == [f".{kind}" for kind in textmate()["fileTypes"]]
    assert language["comments"]["lineComment"] == "#"
    assert servers["LanguageServerManager"]["language_servers"]["archspec"]["argv"][-1] == "lsp"
    (task,) = tasks["tasks"]
    (tmp_path / "x.arch").write_text("input 7x7x1\nconv k=3 f=1 s=3\n")
    done = archspec_command(*(word.replace("${workspaceFolder}", str(tmp_path)) for word in task["args"]))
    pattern = task["problemMatcher"]["pattern"]
    found = re.match(pattern["regexp"], done.out)
    assert found and [found[pattern[name]] for name in ("line", "column", "code")] == ["2", "1", "A203"]
