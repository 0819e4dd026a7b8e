"""Streams as shells hand them over: full, closed, cut off, in other encodings; and the signals that end a command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
from tests.helpers.paths import ROOT
from tests.helpers.specs import few_quick

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


@pytest.mark.slow
@a_shell
@full_device
@pytest.mark.parametrize("words", PRINTING)
def test_a_full_disk_behind_standard_output_is_one_line_and_status_2(shell, words):
    done = shell(f"archspec {words} >/dev/full")
    told = done.stderr.splitlines()
    assert (done.returncode, told) == (2, ["archspec: cannot write to standard output: No space left on device"])


@a_shell
@pytest.mark.parametrize(
    "words",
    few_quick(
        ["check good.arch", "table good.arch", "expand good.arch", "draw --as bars good.arch", "--version"],
        ["table good.arch", "--version"],
    ),
)
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
@pytest.mark.parametrize(
    "words", few_quick(["table resnet152", "emit torch lenet5", "check lenet5", "draw --as bars lenet5", "--help"], ["table resnet152"])
)
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


@pytest.mark.parametrize("words", few_quick(DATA, ("fmt",)))
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
    "words",
    few_quick(["check -", "table -", "explain -", "compare - lenet5", "rule A203", "list", "ops", "check - --set nosuch=ä"], ("check -",)),
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


ENDLESS = [
    pytest.param(name, marks=pytest.mark.skipif(not Path(name).exists(), reason="no such device")) for name in ("/dev/zero", "/dev/urandom")
]


def measured(*words, cwd=None, **streams):
    """What a command says, and the most memory that it held, in MiB."""
    resource = pytest.importorskip("resource", reason="memory is not counted here")
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdin=0, capture_output=True, text=True)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "print(done.stdout + done.stderr, end='')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "archspec", *words], capture_output=True, text=True, cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, timeout=120, **({"stdin": subprocess.DEVNULL} | streams),
    )  # fmt: skip
    first, _, said = done.stdout.partition("\n")
    status, size = map(int, first.split())
    return status, said, size / (1 << 20 if sys.platform == "darwin" else 1024), resource


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("command", few_quick([["check"], ["table"], ["fmt"], ["fmt", "--check"]], [["check"], ["fmt"]]))
def test_a_file_without_an_end_is_one_line_and_little_memory(command, name):
    status, said, size, _ = measured(*command, name)
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith(f"archspec: cannot read {name}: it is binary data, not text")
    assert size < 50


@pytest.mark.parametrize("name", ENDLESS)
def test_standard_input_without_an_end(name):
    with open(name, "rb") as endless:
        status, said, size, _ = measured("check", "-", stdin=endless)
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("archspec: cannot read standard input: it is binary data")
    assert size < 50


def test_a_sparse_file_of_6_gigabytes(tmp_path):
    with (tmp_path / "sparse.arch").open("wb") as file:
        file.truncate(6 << 30)
    status, said, size, _ = measured("check", "sparse.arch", cwd=tmp_path)
    assert (status, said.count("\n")) == (2, 1)
    assert size < 50


def test_text_without_an_end_is_too_long_and_read_no_further(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", "while True: print('größer')"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as endless:
        status, said, size, _ = measured("check", "-", stdin=endless.stdout)
        endless.kill()
    assert status == 1 and "error[A007]: the text is larger than 1,048,576 bytes" in said
    assert size < 60


@pytest.mark.parametrize("at_the_limit", ["x", "ö", "日"])
def test_a_text_of_as_many_bytes_as_may_be_is_read(archspec_command, tmp_path, at_the_limit):
    room = (1 << 20) - len(GOOD) - 4
    comment = "# " + at_the_limit * (room // len(at_the_limit.encode()))
    text = GOOD.encode() + comment.encode() + b" " * (room - len(comment.encode()) + 2) + b"\n"
    for data, status in ((text, 0), (b"\xef\xbb\xbf" + text, 0), (text + b"####", 1), (text + "日日".encode(), 1)):
        (tmp_path / "long.arch").write_bytes(data)
        assert archspec_command("check", "long.arch", cwd=tmp_path).status == status


SPEC = GOOD.encode()
FOREIGN = {
    "UTF-16": GOOD.encode("utf-16"), "UTF-16 ": GOOD.encode("utf-16-le"), "UTF-16  ": GOOD.encode("utf-16-be"), "UTF-32": GOOD.encode("utf-32"),
    "a gzip archive": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + SPEC, "a zip archive": b"PK\x03\x04\x14\0\0\0" + bytes(30), "a program": b"\x7fELF\x02\x01\x01" + bytes(90),
    "a PNG picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an HDF5 file": b"\x89HDF\r\n\x1a\n", "a pickle": b"\x80\x02}q\0.",
    "line 2, column 8, `é`": b"input 8x8x3\n# caf\xc3\xa9 \xe9\n", "byte 2": b"# \xff", "binary": bytes(range(256)) * 9, "full of NUL": bytes(1000),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("words", FOREIGN)
def test_what_is_no_utf8_text_is_told_by_its_kind(archspec_command, tmp_path, words):
    (tmp_path / "a.arch").write_bytes(FOREIGN[words])
    (tmp_path / "main.arch").write_text('use "a.arch"\ninput 8x8x3\nrelu\n')
    for done in (archspec_command("check", "a.arch", cwd=tmp_path), archspec_command("check", "-", stdin=FOREIGN[words])):
        assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
        assert words.strip() in done.err
    done = archspec_command("check", "main.arch", cwd=tmp_path)
    assert done.status == 1 and words.strip() in done.err
    with pytest.raises(ValueError, match=words.strip().replace("(", "\\(")):
        archspec.load(tmp_path / "a.arch")


def test_a_byte_order_mark_is_left_out_of_files_and_texts_alike(archspec_command, tmp_path):
    (tmp_path / "a.arch").write_text("\ufeff" + GOOD, encoding="utf-8")
    assert archspec_command("check", "a.arch", cwd=tmp_path).status == 0
    assert archspec.loads("\ufeff" + GOOD).name == archspec.loads(GOOD).name
    assert archspec.load(tmp_path / "a.arch").name == "a"


def test_backslashes_in_the_path_of_use_are_told_as_such(archspec_command, tmp_path):
    for path in (r"blocks\new.arch", r"blocks\\new.arch", r"C:\blocks\new.arch", r"\\server\new.arch", "C:/new.arch", r"b\table.arch"):
        done = archspec_command("check", "-", "--stdin-filename", str(tmp_path / "a.arch"), stdin=f'use "{path}"\ninput 8x8x3\nrelu\n')
        assert done.status == 1 and done.err.count("error[") == 1
        assert ("relative to the spec" if ":" in path or "server" in path else 'write `use "b') in done.err


def test_a_range_may_be_named(archspec_command):
    done = archspec_command("check", "-", stdin="input 8x8x3\nslice bounds=0:1\n")
    assert done.status == 0


# Files that are written

WIDE = "input   8x8x3\nconv  k=3   f=4 | relu\n"
posix = pytest.mark.skipif(os.name != "posix", reason="links and modes are told otherwise there")


@pytest.fixture
def wide(tmp_path):
    (tmp_path / "a.arch").write_text(WIDE)
    return tmp_path / "a.arch"


def formatted(archspec_command, path, *, status=0):
    done = archspec_command("fmt", path.name, cwd=path.parent)
    assert done.status == status, done.err
    assert not [p for p in path.parent.iterdir() if p.name.startswith(".")]
    return done


@posix
def test_fmt_keeps_the_other_names_of_a_file(archspec_command, wide):
    other = wide.with_name("b.arch")
    other.hardlink_to(wide)
    formatted(archspec_command, wide)
    assert other.samefile(wide) and other.read_text() == GOOD


@posix
def test_fmt_of_a_link_writes_the_file_that_it_leads_to(archspec_command, wide):
    (wide.parent / "sub").mkdir()
    link = wide.parent / "sub" / "link.arch"
    link.symlink_to("../a.arch")
    formatted(archspec_command, link)
    assert link.is_symlink() and wide.read_text() == GOOD


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_fmt_keeps_the_mode(archspec_command, wide, mode):
    wide.chmod(mode)
    formatted(archspec_command, wide)
    assert wide.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_fmt_keeps_the_owner(archspec_command, wide):
    os.chown(wide, 1234, 1235)
    formatted(archspec_command, wide)
    assert (wide.stat().st_uid, wide.stat().st_gid) == (1234, 1235)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
def test_fmt_leaves_a_read_only_file_and_writes_in_a_folder_that_takes_no_file(archspec_command, wide):
    wide.chmod(0o444)
    assert "read-only" in formatted(archspec_command, wide, status=2).err
    assert wide.read_text() == WIDE
    wide.chmod(0o644)
    wide.parent.chmod(0o555)
    try:
        formatted(archspec_command, wide)
    finally:
        wide.parent.chmod(0o755)
    assert wide.read_text() == GOOD


@pytest.mark.parametrize("options", [["--check"], []])
def test_lines_that_end_in_crlf_keep_their_ends(archspec_command, wide, options):
    wide.write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert archspec_command("fmt", *options, wide.name, cwd=wide.parent).status == 0
    assert wide.read_bytes() == GOOD.replace("\n", "\r\n").encode()
    wide.write_bytes(WIDE.replace("\n", "\r\n").encode())
    diff = archspec_command("fmt", "--diff", wide.name, cwd=wide.parent).out
    assert "\r" not in diff and "x0D" not in diff and diff.count("\n+") == 3
    assert archspec_command("fmt", *options, wide.name, cwd=wide.parent).status == len(options)
    assert wide.read_bytes() == (WIDE if options else GOOD).replace("\n", "\r\n").encode()


def test_mixed_ends_become_those_of_most_lines_and_the_diff_shows_them(archspec_command):
    mixed = b"input 8x8x3\r\nconv k=3 f=4\nrelu\n"
    assert archspec_command("fmt", "-", stdin=mixed).out == "input 8x8x3\nconv k=3 f=4\nrelu\n"
    assert "-input 8x8x3\\x0D\n+input 8x8x3\n" in archspec_command("fmt", "--diff", "-", stdin=mixed).out
    assert "No newline at end of file" in archspec_command("fmt", "--diff", "-", stdin=b"input 8x8x3\nrelu").out


def test_outputs_that_are_no_plain_new_file(archspec_command, tmp_path):
    long = "x" * 240 + ".json"
    assert archspec_command("emit", "json", "lenet5", "-o", long, cwd=tmp_path).status == 0
    assert archspec_command("emit", "json", "lenet5", "-o", os.devnull).status == 0
    assert archspec_command("emit", "json", "lenet5", "-o", "-", cwd=tmp_path).out == (tmp_path / long).read_text()
    done = archspec_command("emit", "json", "lenet5", "-o", "no/a.json", cwd=tmp_path)
    assert done.status == 2 and "there is no folder" in done.err
    assert [p.name for p in tmp_path.iterdir()] == [long]


@a_shell
def test_standard_output_by_its_name_is_appended_to_as_the_shell_was_told(shell, tmp_path):
    (tmp_path / "log").write_text("before\n")
    assert shell("archspec emit json good.arch -o /dev/stdout >>log").returncode == 0
    assert (tmp_path / "log").read_text().startswith("before\n{")


@posix
@pytest.mark.parametrize(
    "number, status",
    [(signal.SIGTERM, 143), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(signal.SIGHUP, 129), (signal.SIGINT, 130)])],
)
def test_a_signal_leaves_no_temporary_file(tmp_path, number, status):
    """The command is stopped in the midst of writing: the interpreter starts with a file that takes its time to be closed."""
    slow = "import archspec.saving as w, time\nold = w._Part.place\ndef place(part):\n    print('here', flush=True)\n    time.sleep(60)\nw._Part.place = place\n"
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(slow)
    (tmp_path / "out").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "archspec", "emit", "json", "lenet5", "-o", "a.json"], cwd=tmp_path / "out", stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": f"{tmp_path / 'path'}{os.pathsep}{ROOT}"},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # nohup, for one, has it ignored
    )  # fmt: skip
    assert process.stdout.readline() == b"here\n"
    assert len(list((tmp_path / "out").iterdir())) == 1
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (status, b"")
    assert list((tmp_path / "out").iterdir()) == []
