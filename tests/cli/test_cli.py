"""The command as a user meets it: a process of its own, its output, its messages, its exit status."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import archspec
from tests.helpers.needs import pdflatex
from tests.helpers.paths import ROOT
from tests.helpers.specs import few_quick

GOOD = "input 32x32x3\nconv k=5 f=6 | relu\nfc 10\n"
BAD = "input 7x7x1\nconv k=3 f=1 s=3\nfc 10 | dense 3\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "good.arch").write_text(GOOD)
    (tmp_path / "bad.arch").write_text(BAD)
    (tmp_path / "warn.arch").write_text("input 8x8x3\nconv k=3 f=4 | bn\n")
    return tmp_path


def test_check(archspec_command, files):
    done = archspec_command("check", "good.arch", cwd=files)
    assert (done.status, done.err) == (0, "")
    assert done.out == "good.arch: ok; 32x32x3 -> 10, 4 layers, 47,506 parameters, 399,840 MACs\n"
    done = archspec_command("check", "bad.arch", cwd=files)
    assert done.status == 1
    assert done.out == ""
    assert "error[A203]: height (7 - 3)/3 + 1 = 2.33 does not fit" in done.err
    assert "1 row at the end would never be read" in done.err
    assert "round=floor" in done.err
    assert "write `fc 10 | fc 3`" in done.err
    assert done.err.rstrip().endswith("bad.arch: 2 errors")
    done = archspec_command("check", "good.arch", "warn.arch", cwd=files)
    assert done.status == 0
    assert "warning[A401]" in done.err
    assert archspec_command("check", "--strict", "warn.arch", cwd=files).status == 1
    assert archspec_command("check", "--strict", "good.arch", cwd=files).status == 0


def test_check_as_json(archspec_command, files):
    done = archspec_command("check", "--format", "json", "warn.arch", "bad.arch", "good.arch", cwd=files)
    assert done.status == 1
    assert done.err == ""
    found = json.loads(done.out)
    assert [(d["code"], d["severity"], d["file"], d["line"], d["column"], d["end_line"], d["end_column"]) for d in found] == [
        ("A203", "error", "bad.arch", 2, 1, 2, 17),
        ("A101", "error", "bad.arch", 3, 9, 3, 14),
        ("A401", "warning", "warn.arch", 2, 1, 2, 13),
    ]
    assert set(found[0]) == {"code", "severity", "message", "file", "line", "column", "end_line", "end_column", "notes", "help", "trace"}
    assert isinstance(found[0]["notes"], list)
    assert json.loads(archspec_command("check", "--format", "json", "good.arch", cwd=files).out) == []


def test_the_trace_says_how_the_expansion_came_there(archspec_command):
    text = "input 8x8x3\nblock b(n):\n  conv k=9 f=n\nx: repeat 2: b 4\n"
    (found,) = json.loads(archspec_command("check", "-", "--format", "json", stdin=text).out)
    assert found["trace"] == [{"file": "<stdin>", "line": 4, "column": 14, "text": "in `b 4` at line 4, round 1 of 2 (x.0)"}]


def test_check_for_editors_and_services(archspec_command, files):
    done = archspec_command("check", "--format", "concise", "bad.arch", cwd=files)
    assert done.out.splitlines()[0] == "bad.arch:2:1: A203 height (7 - 3)/3 + 1 = 2.33 does not fit"
    done = archspec_command("check", "--format", "github", "bad.arch", cwd=files)
    assert done.out.startswith("::error file=bad.arch,line=2,col=1,endLine=2,endColumn=17,title=A203::height")
    assert "%0A" in done.out
    log = json.loads(archspec_command("check", "--format", "sarif", "bad.arch", cwd=files).out)
    assert log["version"] == "2.1.0"
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == ["A101", "A203"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.arch", "No such file"),
        ("folder", "folder"),
        ("binary.arch", "not UTF-8"),
        ("nosuch", "no bundled spec"),
        ("dangling.arch", "is a link to `gone.arch`, which does not exist"),
        ("resnet5", "resnet50"),
    ],
)
@pytest.mark.parametrize("command", ["check", "table", "explain", "expand", "fmt", "check --fix"])
def test_what_cannot_be_read_is_one_line_and_status_2(archspec_command, tmp_path, command, name, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.arch").write_bytes(b"input \xff\xfe")
    (tmp_path / "dangling.arch").symlink_to("gone.arch")
    done = archspec_command(*command.split(), name, cwd=tmp_path)
    assert done.status == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert words in done.err


@pytest.mark.parametrize("command", ["fmt", "check --fix"])
def test_a_bundled_spec_stays_as_it_is(archspec_command, tmp_path, command):
    done = archspec_command(*command.split(), "lenet5", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "`lenet5` is a bundled spec, which stays as it is" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_is_one_line_and_status_2(archspec_command, tmp_path):
    (tmp_path / "closed.arch").write_text(GOOD)
    (tmp_path / "closed.arch").chmod(0)
    done = archspec_command("check", "closed.arch", cwd=tmp_path)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "Permission denied" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["check"], ["table", "lenet5", "--format", "pdf"], ["table", "lenet5", "--columns", "parms"], ["table", "lenet5", "--set", "x"],
     ["table", "lenet5", "--input", "3by3"], ["check", "lenet5", "--limit", "speed=3"], ["rule", "A999"], ["explain", "lenet5", "conv9"], ["check", "-", "--watch"]],
)  # fmt: skip
def test_wrong_usage_is_status_2(archspec_command, arguments):
    done = archspec_command(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert "Traceback" not in done.err
    assert "archspec: " in done.err


def test_standard_input_and_settings(archspec_command):
    text = "param n = 6\ninput 32x32x3\nconv k=5 f=n\n"
    done = archspec_command(
        "table", "-", "--stdin-filename", "net.arch", "--set", "n=4", "--input", "28x28x1", "--format", "json", stdin=text
    )
    table = json.loads(done.out)
    assert table["model"] == "net"
    assert table["inputs"] == {"input": [28, 28, 1]}
    assert table["outputs"] == {"output": [24, 24, 4]}
    done = archspec_command("check", "-", "--set", "m=4", stdin=text)
    assert done.status == 1
    assert "there is no param `m` to set" in done.err
    done = archspec_command("check", "-", "--input", "left=4x4x1", stdin=text)
    assert done.status == 1
    assert "there is no input `left`" in done.err
    assert archspec_command("check", "-", "--limit", "layers=1", stdin=GOOD).status == 0
    assert archspec_command("check", "-", "--limit", "layers=3", stdin="input 4x4x1\nrepeat 4: relu\n").status == 1


def test_a_bom_crlf_and_no_final_newline_are_read(archspec_command):
    assert archspec_command("check", "-", stdin=b"\xef\xbb\xbfinput 8x8x1\r\nconv k=3 f=2").status == 0


CONTRACT = {
    "name",
    "op",
    "config",
    "from",
    "line",
    "input",
    "output",
    "params",
    "weights",
    "biases",
    "buffers",
    "frozen",
    "macs",
    "flops",
    "activations",
    "receptive_field",
    "jump",
    "work",
}


def test_the_json_table_is_the_contract(archspec_command):
    table = json.loads(archspec_command("table", "lenet5", "--format", "json").out)
    assert list(table) == ["archspec", "model", "inputs", "outputs", "layers", "totals"]
    assert (table["archspec"], table["model"], table["inputs"], table["outputs"]) == (1, "lenet5", {"input": [32, 32, 1]}, {"output": [10]})
    first = table["layers"][0]
    assert set(first) >= CONTRACT
    assert {key: first[key] for key in CONTRACT - {"line", "work"}} == {
        "name": "conv1", "op": "conv", "config": "k=5 f=6", "from": ["input"], "input": [[32, 32, 1]], "output": [28, 28, 6], "params": 156,
        "weights": 150, "biases": 6, "buffers": 0, "frozen": 0, "macs": 117600, "flops": 235200, "activations": 4704, "receptive_field": [5, 5], "jump": [1, 1],
    }  # fmt: skip
    assert first["work"]["output"] == "(32 - 5 + 2*0)/1 + 1 = 28"
    assert first["work"]["params"] == "(5*5*1 + 1)*6 = 156"
    totals = table["totals"]
    assert (totals["layers"], totals["params"], totals["macs"], totals["buffers"], totals["frozen"]) == (13, 61706, 416520, 0, 0)
    assert set(totals) >= {"flops", "activations", "peak_activations", "receptive_field"}
    assert sum(layer["params"] for layer in table["layers"]) == totals["params"]


def test_the_csv_table(archspec_command):
    rows = list(csv.DictReader(io.StringIO(archspec_command("table", "vgg16", "--format", "csv").out)))
    assert len(rows) == 40
    assert sum(int(row["params"]) for row in rows) == 138_357_544
    assert sum(int(row["macs"]) for row in rows) == 15_470_264_320


def test_the_markdown_table(archspec_command):
    lines = archspec_command("table", "lenet5", "--format", "markdown", "--work").out.splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert len({len(line) for line in table}) == 1, "aligned as text too"
    assert re.fullmatch(r"\| -+ \| -+ \| -+ \| -+: \| -+: \|.*", table[1])
    assert "61,706" in table[-1]


class Html(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.tags, self.text = 0, [], []

    def handle_starttag(self, tag, attrs):
        self.rows += tag == "tr"
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def test_the_html_table(archspec_command):
    parser = Html()
    parser.feed(archspec_command("table", "lenet5", "--format", "html").out)
    assert parser.rows == 1 + 13 + 2
    assert set(parser.tags) <= {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "small", "br"}


@pdflatex
@pytest.mark.parametrize("name", ["lenet5", "googlenet_2014"])
def test_the_latex_table_compiles(archspec_command, tmp_path, name):
    table = archspec_command("table", name, "--format", "latex", "--work").out
    size = "\\usepackage[paperwidth=80cm,paperheight=120cm,margin=1cm]{geometry}"
    document = f"\\documentclass{{article}}{size}\\usepackage[T1]{{fontenc}}\\usepackage{{booktabs}}\\begin{{document}}\n{table}\\end{{document}}\n"
    (tmp_path / "t.tex").write_text(document)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


HOSTILE = "</td><script>alert(1)</script> | \\textbf{x} $x$ %_&#~^ `a` [b](http://x) =1+1 \x1b[31m \u202e"


@pytest.mark.parametrize("format_", ["text", "markdown", "latex", "html", "csv", "json"])
def test_hostile_names_stay_inert_in_every_table(format_):
    from archspec.analysis.layers import Report
    from archspec.views.tables import Style, pieces
    from archspec.views.tables.terminal import text

    network = archspec.loads(GOOD)
    network.name = HOSTILE
    element = network.graph.elements[0]._replace(label=HOSTILE)
    network.graph.elements = (element, *network.graph.elements[1:])
    if format_ == "text":
        made = "\n".join("".join(piece for piece, _ in line) for line in text(Report(network), Style(), width=None, unicode=True))
    else:
        made = "".join(pieces(Report(network), format_, Style()))
    assert "\x1b" not in made
    assert "\u202e" not in made
    if format_ == "html":
        parser = Html()
        parser.feed(made)
        assert "script" not in parser.tags
    if format_ == "latex":
        body = "\n".join(line for line in made.splitlines() if not line.startswith("%"))
        assert "\\textbf{x}" not in body
        assert "$x$" not in body
    if format_ == "markdown":
        assert "<script>" not in made
        assert "](" not in made.replace("\\]", "")
    if format_ == "csv":
        assert len(list(csv.reader(io.StringIO(made)))) == 5
    if format_ == "json":
        json.loads(made)


def test_columns_layout_and_collapse(archspec_command):
    out = archspec_command("table", "lenet5", "--columns", "name,output,rf", "--layout", "chw").out
    assert "6x28x28" in out
    assert "params" not in out.splitlines()[2]
    out = archspec_command("table", "resnet152", "--collapse").out
    assert "1..35.conv1" in out
    assert len(out.splitlines()) < 130
    folded = [line for line in out.splitlines() if line.startswith("total")][0]
    assert "60,192,808" in folded
    assert "rf" in archspec_command("table", "lenet5", "--columns", "help").out


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 140])
@pytest.mark.parametrize("name", ["lenet5", "googlenet", "lenet5_1998"])
def test_no_row_is_wider_than_the_terminal(archspec_command, width, name):
    out = archspec_command("table", name, "--work", env={"COLUMNS": str(width)}).out
    assert max(map(len, out.splitlines())) <= width


def test_colour_only_where_it_is_wanted(archspec_command):
    assert "\x1b" not in archspec_command("table", "lenet5").out
    assert "\x1b[" in archspec_command("table", "lenet5", env={"FORCE_COLOR": "1"}).out
    assert "\x1b" not in archspec_command("table", "lenet5", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out
    plain = archspec_command("table", "resnet18").out
    coloured = archspec_command("table", "resnet18", env={"FORCE_COLOR": "1"}).out
    assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()] == plain.splitlines()


def test_a_terminal_without_unicode_gets_ascii(archspec_command):
    out = archspec_command("table", "lenet5", env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}).out
    assert out.isascii()
    assert "####" in out


def test_explain(archspec_command, files):
    out = archspec_command("explain", "good.arch", "conv1", cwd=files).out
    assert "(32 - 5 + 2*0)/1 + 1 = 28" in out
    assert "(5*5*3 + 1)*6 = 456: 450 weights + 6 biases" in out
    assert "14,450,688" in out
    assert "against 456" in out
    assert "1 + (5 - 1)*1 = 5" in out
    whole = archspec_command("explain", "resnet18").out
    for row in archspec.analyze(archspec.load("resnet18")).layers:
        assert f"\n{row.name}: {row.op}" in "\n" + whole
    assert archspec_command("explain", "resnet18", "layer1.0").out.count("conv") >= 2


def test_rule(archspec_command):
    out = archspec_command("rule").out
    assert "A203" in out
    page = archspec_command("rule", "a203").out
    assert "error[A203]" in page
    assert "Wrong:" in page
    assert "Right:" in page


def test_expand_and_check_again(archspec_command):
    for name in ("resnet50", "googlenet_2014"):
        flat = archspec_command("expand", name).out
        assert archspec_command("check", "-", stdin=flat).status == 0
        assert archspec_command("expand", "-", stdin=flat).out == flat


def test_fmt(archspec_command, tmp_path):
    path = tmp_path / "a.arch"
    path.write_text("input   8x8x1\nconv  k = 3 f=2\n")
    path.chmod(0o640)
    assert archspec_command("fmt", "--check", "a.arch", cwd=tmp_path).status == 1
    done = archspec_command("fmt", "--diff", "a.arch", cwd=tmp_path)
    assert (done.status, done.out.count("\n+")) == (0, 3)
    assert path.read_text().startswith("input   ")
    assert archspec_command("fmt", "a.arch", cwd=tmp_path).status == 0
    assert path.read_text() == "input 8x8x1\nconv k=3 f=2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert archspec_command("fmt", "--check", "a.arch", cwd=tmp_path).status == 0
    assert archspec_command("fmt", "-", stdin="fc   3").out == "fc 3\n"
    path.write_text("conv k=\n")
    done = archspec_command("fmt", "a.arch", cwd=tmp_path)
    assert done.status == 1
    assert "A001" in done.err
    assert path.read_text() == "conv k=\n"
    assert list(tmp_path.iterdir()) == [path]
    assert archspec_command("fmt", "nosuch.arch", cwd=tmp_path).status == 2


def test_fmt_of_more_mistakes_than_are_told(archspec_command):
    done = archspec_command("fmt", "-", stdin="@\n" * 1500)
    assert done.status == 1
    assert done.err.count("error[A001]") == 1000
    assert "Traceback" not in done.err


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are text there")
def test_a_file_whose_name_is_no_text(archspec_command, tmp_path):
    (tmp_path / os.fsdecode(b"\xff.arch")).write_text(GOOD)
    for words in (["table"], ["expand"], ["emit", "torch"], ["emit", "json"], ["emit", "train", "-o", "run"], ["draw", "--as", "bars"]):
        done = archspec_command(*words, os.fsdecode(b"\xff.arch"), cwd=tmp_path)
        assert (done.status, done.err) == (0, "")
    (tmp_path / os.fsdecode(b"\xff.arch")).write_text(BAD)
    for format_ in ("text", "concise", "json", "github", "sarif"):
        done = archspec_command("check", "--format", format_, os.fsdecode(b"\xff.arch"), cwd=tmp_path)
        assert done.status == 1
        assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments", [["--set", "n=\u00b2x\u00b2"], ["--input", "\u00b2x3"], ["--limit", "layers=\u00b2"], ["--input", "\u0663x\u0663"]]
)
def test_digits_of_other_scripts_are_no_numbers(archspec_command, arguments):
    done = archspec_command("check", "-", *arguments, stdin="param n = 3\n" + GOOD)
    assert done.status in (1, 2)
    assert "Traceback" not in done.err


def test_emit_json(archspec_command, tmp_path):
    out = archspec_command("emit", "json", "resnet152").out
    assert json.loads(out)["archspec"] == 1
    assert len(out) < 100_000, "36 equal blocks are one"
    assert archspec_command("emit", "json", "lenet5", "-o", "l.json", cwd=tmp_path).status == 0
    assert json.loads((tmp_path / "l.json").read_text())["model"] == "lenet5"
    (tmp_path / "d").mkdir()
    for target in ("d", "no/l.json"):
        done = archspec_command("emit", "json", "lenet5", "-o", target, cwd=tmp_path)
        assert (done.status, done.err.count("\n")) == (2, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d", "l.json"]


def test_list_names_every_bundled_spec(archspec_command):
    listed = [line.split()[0] for line in archspec_command("list").out.splitlines()]
    assert listed == sorted(p.stem for p in (ROOT / "specs").glob("*.arch"))


def test_ops_names_every_layer(archspec_command):
    from archspec.ops import STEPS

    lines = archspec_command("ops").out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(STEPS)
    assert lines[0] == "Convolutions"


def test_watch_checks_again_when_a_file_changes(files):
    path = files / "good.arch"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "archspec", "check", "--watch", "good.arch"],
        cwd=files,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert "ok" in process.stdout.readline()
        time.sleep(0.6)
        path.write_text(GOOD.replace("fc 10", "fc 20"))
        assert "-> 20" in process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) in (0, 130)


def test_a_closed_pipe_is_no_traceback():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"{sys.executable} -m archspec table resnet152 | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("resnet152")


@pytest.mark.parametrize(
    "command",
    few_quick(["table googlenet --format json", "expand googlenet", "emit json googlenet", "explain lenet5"], ["emit json googlenet"]),
)
def test_output_is_the_same_every_time(command, archspec_command):
    first, second = (archspec_command(*command.split(), env={"PYTHONHASHSEED": seed}).out for seed in "12")
    assert first and first == second


def test_the_api():
    model = archspec.load(ROOT / "specs" / "resnet50.arch", params={"classes": 10})
    report = archspec.analyze(model)
    assert report.totals.params == 23_528_522
    assert report.layers[0].output == (112, 112, 64)
    assert [row.name for row in report.layers if row.op == "fc"] == ["fc"]
    with pytest.raises(archspec.SpecError, match=r"error\[A203\]: height .* does not fit(.|\n)*error\[A101\]") as error:
        archspec.loads(BAD)
    assert [d.code for d in error.value.diagnostics] == ["A203", "A101"]
    with pytest.raises(OSError):
        archspec.load("nosuch.arch")
    assert Path(archspec.__file__).parent.joinpath("py.typed").exists()
    if (pandas := pytest.importorskip("pandas", reason="pandas is not installed")) is not None:
        assert isinstance(report.to_dataframe(), pandas.DataFrame)


def test_check_fix(archspec_command, files):
    """Safe fixes are written; others only with --unsafe; --diff writes nothing."""
    (files / "some.arch").write_bytes(b"input 28x28\r\ndense 10\r\n")
    shown = archspec_command("check", "--diff", "some.arch", cwd=files)
    assert (shown.status, shown.out.splitlines()[-2:]) == (1, ["-dense 10", "+fc 10"])
    assert (files / "some.arch").read_bytes() == b"input 28x28\r\ndense 10\r\n"
    done = archspec_command("check", "--fix", "some.arch", cwd=files)
    assert (done.status, (files / "some.arch").read_bytes()) == (0, b"input 28x28\r\nfc 10\r\n")
    assert "some.arch:2: mended A101: write `fc 10`" in done.err
    done = archspec_command("check", "--fix", "--unsafe", "some.arch", cwd=files)
    assert (done.status, (files / "some.arch").read_bytes()) == (0, b"input 28x28x1\r\nfc 10\r\n")
    assert done.out == "some.arch: ok; 28x28x1 -> 10, 2 layers, 7,850 parameters, 7,840 MACs\n"
    piped = archspec_command("check", "--fix", "-", cwd=files, stdin="input 8x8x3\nconv k=3, f=8")
    assert (piped.status, piped.out) == (0, "input 8x8x3\nconv k=3 f=8")


@pytest.mark.parametrize(
    "words", [("--unsafe", "good.arch"), ("--fix", "--watch", "good.arch"), ("--fix", "lenet5"), ("--fix", "missing.arch")]
)
def test_check_fix_is_refused(archspec_command, files, words):
    done = archspec_command("check", *words, cwd=files)
    assert (done.status, done.out) == (2, "")
