"""Streams as shells hand them over: full, closed, cut off, in other encodings; and the signals that end a command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

FULL = Path("/dev/full")
full_device = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
a_shell = pytest.mark.skipif(os.name != "posix" or shutil.which("sh") is None, reason="there is no POSIX shell")
GOOD = "input 8x8x3\nconv k=3 f=4 | relu\n"
BAD = "input 8x8x3\nconv k=9 f=4\n"
LETTERS = '# größer → 日本\nmodel "größer"\nmeta source="日本 ─ ×"\ninput 8x8x3\nconv k=3 f=4\nrelu\n'
LOCALES = {
    "cp1252": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    "cp437": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp437"},
    "C": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
}


@pytest.fixture
def shell(tmp_path):
    """Runs a line of shell in a folder with specs; `archspec` in it is the command. No stream is a terminal."""
    (tmp_path / "good.arch").write_text(GOOD)
    (tmp_path / "bad.arch").write_text(BAD)

    def run(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
        line = f'archspec() {{ "{sys.executable}" -m archspec "$@"; }}\n{line}'
        return subprocess.run(
            ["sh", "-c", line], capture_output=True, cwd=tmp_path, env=clean | {"PYTHONPATH": str(ROOT)} | environment, text=True,
            encoding="utf-8", stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    return run


PRINTING = [
    "check good.arch", "check --format json good.arch", "check --format sarif bad.arch", "table good.arch", "table --format csv good.arch",
    "explain good.arch", "rule", "rule A203", "expand good.arch", "fmt - <bad.arch", "emit torch good.arch", "emit json good.arch",
    "draw --as bars good.arch", "report good.arch", "compare good.arch lenet5", "list", "ops", "--help", "--version", "check --help",
]  # fmt: skip


@a_shell
@full_device
@pytest.mark.parametrize("words", PRINTING)
def test_a_full_disk_behind_standard_output_is_one_line_and_status_2(shell, words):
    done = shell(f"archspec {words} >/dev/full")
    assert (done.returncode, done.stderr) == (2, "archspec: cannot write to standard output: No space left on device\n")


@a_shell
@pytest.mark.parametrize("words", ["check good.arch", "table good.arch", "expand good.arch", "draw --as bars good.arch", "--version"])
def test_a_closed_standard_output_is_one_line_and_status_2(shell, words):
    done = shell(f"archspec {words} >&-")
    assert (done.returncode, done.stderr) == (2, "archspec: cannot write to standard output: it is closed\n")


@a_shell
def test_a_command_that_prints_nothing_needs_no_standard_output(shell, tmp_path):
    assert shell("archspec fmt good.arch >&-").returncode == 0
    assert shell("archspec emit json good.arch -o good.json >&- 2>&- <&-").returncode == 0
    assert json.loads((tmp_path / "good.json").read_text())["model"] == "good", "no file took a closed stream's number"


@a_shell
def test_a_closed_standard_input_is_one_line_where_it_is_read_and_nothing_where_not(shell):
    done = shell("archspec check - <&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "archspec: cannot read standard input: it is closed\n")
    assert shell("archspec check good.arch <&-").returncode == 0


@a_shell
@pytest.mark.parametrize("sink", ["2>&-", pytest.param("2>/dev/full", marks=full_device)])
def test_messages_that_nobody_can_read_change_no_status(shell, sink):
    assert shell(f"archspec check good.arch {sink}").returncode == 0
    assert shell(f"archspec check bad.arch {sink}").returncode == 1
    assert shell(f"archspec check nosuch.arch {sink}").returncode == 2
    assert shell(f"archspec nosuch {sink}").returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="closed pipes are told otherwise there")
@pytest.mark.parametrize("words", ["table resnet152", "emit torch lenet5", "check lenet5", "draw --as bars lenet5", "--help"])
def test_a_reader_that_went_away_ends_the_command_silently_with_141(words):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "archspec", *words.split()]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


DATA = {
    "table --format markdown": None, "table --format latex": None, "table --format csv": None, "table --format json": "json",
    "table --format html": None, "draw --as bars": "xml", "draw --as volumes": "xml", "report": None, "expand": None, "emit torch": "python",
    "emit json": "json", "check --notes --format json": "json", "check --format sarif": "json", "check --format github": None,
    "check --format concise": None, "compare --format json lenet5": "json", "compare --format csv lenet5": None,
    "compare --format markdown lenet5": None, "fmt": None, "fmt --diff": None,
}  # fmt: skip


@pytest.mark.parametrize("words", DATA)
def test_data_is_utf8_in_every_locale(archspec_command, words):
    text = LETTERS.replace("conv k=3", "conv  k=3") if "fmt" in words else LETTERS
    wanted = archspec_command(*words.split(), "-", stdin=text)
    assert wanted.status == 0, wanted.err
    for environment in LOCALES.values():
        found = archspec_command(*words.split(), "-", stdin=text, env=environment)
        assert (found.status, found.out) == (0, wanted.out)
    if DATA[words] == "json":
        json.loads(wanted.out)
    if DATA[words] == "python":
        compile(wanted.out, "model.py", "exec")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "words", ["check -", "table -", "explain -", "compare - lenet5", "rule A203", "list", "ops", "check - --set nosuch=ä"]
)
def test_text_that_a_terminal_lacks_is_written_plainer(archspec_command, locale, words):
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONUTF8", "LC_ALL")}
    command = [sys.executable, "-m", "archspec", *words.split()]
    environment = clean | LOCALES[locale] | {"FORCE_COLOR": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, input=LETTERS.encode(), capture_output=True, env=environment, check=False)
    assert done.returncode == (1 if "--set" in words else 0)
    encoding = "ascii" if locale == "C" else locale
    out = done.stdout.decode(encoding)
    assert "Traceback" not in done.stderr.decode(encoding) + out
    assert "\\u2500" not in out, "a line of a box is a minus sign where there is no better"


def test_a_fault_of_our_own_says_so_in_one_line_and_is_not_status_1(archspec_command, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import archspec.report\ndel archspec.report.Report.totals\n")
    environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = archspec_command("check", "lenet5", env=environment)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("archspec: a fault of archspec itself, not of the spec: AttributeError at ")
    assert "Traceback" in archspec_command("check", "lenet5", env=environment | {"ARCHSPEC_TRACEBACK": "1"}).err
