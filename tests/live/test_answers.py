"""The engine of the playground: what it answers is what the commands print, of any text within bounds, and it needs no compiled package."""

import json
import random
import re
import subprocess
import sys
import time

import pytest

import archspec
from archspec.finding import bundled_names, specs_folder
from archspec.live.answers import KINDS, MOST_ROWS, TARGETS, Engine
from archspec.syntax.parser import MAX_BYTES
from tests.helpers.hostile import corpus
from tests.helpers.paths import CASES, ROOT
from tests.helpers.specs import VARIED, few_quick

PLACE = {"line": 3, "character": 2}
LENET = (specs_folder() / "lenet5.arch").read_text()


@pytest.fixture(scope="module")
def engine():
    return Engine()


def asked(engine, kind, text=LENET, **more):
    """An answer, as a page gets it."""
    request = {"kind": kind, "name": "net", "text": text, **PLACE, **more}
    return json.loads(engine.answered(json.dumps(request).encode()))


@pytest.mark.parametrize("name", few_quick(bundled_names(), VARIED[:6]))
def test_every_kind_of_every_spec(engine, name):
    text = asked(engine, "spec", spec=name)["text"]
    assert text == (specs_folder() / f"{name}.arch").read_text(encoding="utf-8")
    network = archspec.load(name)
    table = asked(engine, "table", text, name=name)
    rows = list(archspec.analyze(network).rows(fold=len(archspec.analyze(network).layers) > MOST_ROWS))
    assert [row[0] for row in table["rows"]] == [row.name for row in rows]
    assert [row[-2] for row in table["rows"]] == [f"{row.params * row.times:,}" for row in rows]
    assert len(table["kinds"]) == len(table["lines"]) == len(rows)
    checked = asked(engine, "check", text, name=name)
    assert not any(each["severity"] == "error" for each in checked["findings"])
    assert str(len(archspec.analyze(network).layers)) in checked["totals"].replace(",", "")
    assert asked(engine, "picture", text, name=name)["svg"].startswith("<svg")
    for target in TARGETS:
        answer = asked(engine, "code", text, name=name, target=target)
        try:
            assert answer == {"code": archspec.emit(network, target)}
        except archspec.SpecError as error:
            assert answer["error"].startswith(error.diagnostics[0].code)
    assert asked(engine, "quiz", text, name=name)["questions"]
    found = asked(engine, "formulas", text, name=name)
    assert "missing" in found or found["counts"]["params"] == archspec.analyze(network).totals.params


def test_places_count_utf16():
    found = asked(Engine(), "check", "# 🙂\ninput 8x8x3\nconv k=3 f=4 # 🙂\nfcc 3\n")
    (error,) = [each for each in found["findings"] if each["severity"] == "error"]
    assert error["range"] == [[3, 0], [3, 3]]
    assert found["hints"][1][0] == [2, len("conv k=3 f=4 # 🙂") + 1]


def test_fixes_and_format(engine):
    wrong = asked(engine, "check", "input 8x8x3\nconvv k=3 f=4\n")
    assert wrong["findings"][0]["text"].splitlines() == ["there is no layer or block `convv`", "help: did you mean `conv`?"]
    assert any(fix["edits"] for each in wrong["findings"] for fix in each["fixes"])
    assert asked(engine, "format", "input  8x8x3\n")["edits"]
    assert asked(engine, "fix", "input 8x8x3\nfc 3\n") == {"edits": []}
    assert "error" in asked(engine, "format", "input 8x8x3\nconv (\n")


def test_the_layer_at_the_cursor(engine):
    found = asked(engine, "layer", "input 8x8x3\nconv k=3 f=4 | relu\n", line=1, character=16)["layers"]
    assert [(each["name"], each["here"]) for each in found] == [("conv1", False), ("relu1", True)]
    assert ["parameters", "112", "(3*3*3 + 1)*4 = 112: 108 weights + 4 biases"] in found[0]["steps"]
    above = asked(engine, "layer", "# a\ninput 8x8x3\nconv k=3 f=4 | relu\nfc 3\n", line=0, character=1)["layers"]
    assert [(each["name"], each["here"]) for each in above] == [("conv1", False), ("relu1", False)]
    assert asked(engine, "layer", "input 8x8x3\n", line=0, character=0) == {"layers": []}


def test_formulas_follow_their_variables(engine):
    found = asked(engine, "formulas")
    names = {each["name"] for each in found["variables"]}
    assert {"H", "classes"} <= names
    assert asked(engine, "formulas", values={"classes": 100})["counts"]["params"] == found["counts"]["params"] + 90 * 85
    assert asked(engine, "formulas", values={"H": 33})["counts"] is None
    assert "no variable" in asked(engine, "formulas", values={"Z": 1})["error"]
    assert "missing" in asked(engine, "formulas", "input 8\nfc 3.5\n")


def test_a_text_that_is_no_network_is_missing_not_wrong(engine):
    for text in ("", "input 8x8x3\nconv k=3", "block a(): relu\n"):
        for kind in ("table", "picture", "code", "quiz", "formulas"):
            assert list(asked(engine, kind, text)) == ["missing"]
        assert asked(engine, "check", text)["totals"] is None


def test_every_beginning_of_a_spec_is_answered(engine):
    """As it is typed, letter by letter."""
    text = (specs_folder() / "resnet18.arch").read_text()
    for at in range(0, len(text), 7):
        place = {"line": text[:at].count("\n"), "character": at - text.rfind("\n", 0, at) - 1}
        for kind in ("check", "table", "complete", "hover", "layer"):
            assert "error" not in asked(engine, kind, text[:at], **place), (at, kind)


@pytest.mark.parametrize(
    "request_",
    [
        b"", b"[]", b"{", b"\xff", b"null", b'{"kind": []}', b'{"kind": "nothing"}', b'{"kind": "check", "text": 3}', b'{"kind": "spec", "spec": "../x"}',
        b'{"kind": "spec"}', b'{"kind": "picture", "text": "input 8\\nfc 3", "as": []}', b'{"kind": "code", "text": "input 8\\nfc 3", "target": {}}',
        b'{"kind": "hover", "line": "1"}', b'{"kind": "hover", "line": true, "character": 1}', b'{"kind": "formulas", "text": "input 8x8x3\\nfc 3", "values": 3}',
        b'{"kind": "import"}', b'{"kind": "import", "name": "../../x.onnx"}\n\x00\x01', b'{"kind": "import", "name": "x.pt"}\nabc', b'{"kind": "import", "name": "x\\u0000.onnx"}\nabc',
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(engine, request_):
    answer = json.loads(engine.answered(request_))
    assert list(answer) == ["error"]
    assert "its own mistake" not in answer["error"]
    assert "/tmp" not in answer["error"]


def test_places_outside_the_text(engine):
    for line, character in ((-1, -1), (0, 10**9), (10**9, 0), (-(2**70), 2**70)):
        for kind in ("hover", "complete", "layer"):
            assert "error" not in asked(engine, kind, line=line, character=character)


def test_too_long(engine):
    assert "larger than" in asked(engine, "check", "#" * (MAX_BYTES + 1))["error"]


def test_use_finds_bundled_blocks_and_a_folder(engine, tmp_path):
    used = next(path.relative_to(specs_folder()).as_posix() for path in sorted(specs_folder().glob("blocks/*.arch")))
    assert "A116" not in json.dumps(asked(engine, "check", f'use "{used}"\ninput 8x8x3\nrelu\n'))
    (tmp_path / "own.arch").write_text("block unit(): fc 3\n")
    assert asked(Engine(tmp_path), "table", 'use "own.arch"\ninput 8\nunit\n')["rows"]
    assert "A116" in json.dumps(asked(engine, "check", 'use "../secret.arch"\ninput 8x8x3\nrelu\n'))


def test_rows_of_a_used_file_have_no_line_here(engine):
    found = asked(engine, "table", (specs_folder() / "resnet18.arch").read_text())
    lines = dict(zip([row[0] for row in found["rows"]], found["lines"], strict=True))
    assert (lines["conv1"], lines["layer1.0.conv1"]) == (12, None)


def test_a_model_is_read_as_a_spec(engine):
    config = b"[net]\nheight=8\nwidth=8\nchannels=3\n\n[convolutional]\nfilters=4\nsize=3\nactivation=relu\n"
    found = json.loads(engine.answered(b'{"kind": "import", "name": "small.cfg"}\n' + config))
    assert (found["name"], archspec.loads(found["text"]).graph.layers) == ("small", 2)
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    data = onnx.load_model_from_string(archspec.to_onnx(archspec.load("lenet5")).SerializeToString()).SerializeToString()
    found = json.loads(engine.answered(b'{"kind": "import", "name": "lenet.onnx"}\n' + data))
    assert archspec.analyze(archspec.loads(found["text"])).totals.params == 61_706


ABOUT_A_TEXT = [kind for kind in KINDS if kind not in ("start", "spec")]
SLOWEST = 60
"""Seconds that one answer about a hostile text takes at most, on a machine that does much else."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ABOUT_A_TEXT)
def test_hostile_texts(engine, kind):
    """An answer within bounds, whatever is written; and of bytes that are no text a page has none. Each kind has other texts."""
    for hostile in corpus()[ABOUT_A_TEXT.index(kind) :: len(ABOUT_A_TEXT)]:
        text = hostile.data.decode("utf-8", "replace")
        began = time.process_time()
        body = engine.answered(json.dumps({"kind": kind, "text": text, **PLACE}).encode())
        assert time.process_time() - began < SLOWEST, hostile.name
        assert b"its own mistake" not in body, (hostile.name, body[:300])
        assert len(body) < 40_000_000, hostile.name


@pytest.mark.slow
def test_texts_with_mistakes(engine):
    """Every kind of request about every case of the tests, at random places."""
    rng = random.Random(1)
    for path in sorted(CASES.glob("*.arch")):
        text = path.read_text(encoding="utf-8")
        for kind in KINDS:
            place = {"line": rng.randrange(text.count("\n") + 1), "character": rng.randrange(40)}
            assert "its own mistake" not in str(asked(engine, kind, text, **place)), (path.name, kind)


def test_nothing_compiled_is_imported():
    """Neither here nor in what is imported later: the engine runs where there is only Python."""
    program = (
        "import sys\n"
        "for name in ('pydantic', 'numpy', 'rich', 'torch', 'onnx', 'keras', 'pygls'):\n"
        "    sys.modules[name] = None\n"
        "from archspec.live.answers import Engine, KINDS\n"
        f"text = open({str(specs_folder() / 'resnet18.arch')!r}).read()\n"
        "for kind in KINDS:\n"
        "    answer = Engine().answer({'kind': kind, 'text': text, 'spec': 'lenet5', 'line': 12, 'character': 3})\n"
        "    assert 'error' not in answer and 'missing' not in answer, (kind, answer)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_pictures_and_tables_hold_no_style_that_a_policy_forbids(engine):
    for as_ in ("blocks", "volumes", "bars"):
        svg = asked(engine, "picture", **{"as": as_})["svg"]
        assert not re.search(r"\sstyle=|<style|<script|\son\w+=|javascript:|href=", svg)


WORK = """
import json, sys
before, calls = set(sys.modules), 0
def count(frame, event, arg):
    global calls
    calls += event == "call"
def counted(request):
    global calls
    calls = 0
    sys.setprofile(count)
    answer = engine.answer({"name": "resnet50", **request})
    sys.setprofile(None)
    assert "error" not in answer and "missing" not in answer
    return calls
from archspec.live.answers import Engine
engine = Engine()
text = engine.answer({"kind": "spec", "spec": "resnet50"})["text"]
first = counted({"kind": "check", "text": text}) + counted({"kind": "table", "text": text})
again = counted({"kind": "check", "text": text + "# typed"})
new = sorted(set(sys.modules) - before)
own = [sys.modules[name].__file__ for name in new if name.startswith("archspec")]
print(json.dumps([new, sum(len(open(file, encoding="utf-8").read()) for file in own if file), first, again]))
"""


def test_the_work_behind_the_goals_of_the_page():
    """What the first table (6 s in a browser) and a keystroke in ResNet-50 (40 ms) cost, counted, since times depend on the machine.

    When this was written, the first table read 160 modules of 1.14 million characters and made 101,000 calls of functions, a keystroke 30,000.
    """
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True, cwd=ROOT)
    modules, characters, first, again = json.loads(done.stdout)
    assert {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) == {"archspec"}
    assert sum(name.startswith("archspec") for name in modules) <= 180 and characters <= 1_300_000
    assert first <= 120_000
    assert again <= 36_000
