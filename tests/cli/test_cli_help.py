"""Help, examples and proposals: what somebody meets who does not know the command yet."""

from __future__ import annotations

import contextlib
import os
import shlex
from importlib.util import find_spec

import pytest

import archspec
from archspec.cli.commands import COMMANDS, GROUPS, MEANT, module
from archspec.ops import STEPS
from tests.helpers.specs import few_quick

TRAINING = ("train", "evaluate", "predict")
UNENDING = ("serve", "play")
"""Commands that run until they are interrupted, with tests of their own."""
EXAMPLES = [(name, command) for name in COMMANDS if name not in UNENDING for command, _ in module(name).EXAMPLES]


def test_a_bare_archspec_prints_the_help_with_all_commands_in_groups(archspec_command):
    bare = archspec_command()
    assert (bare.status, bare.err) == (0, "")
    for words in (["--help"], ["-h"], ["help"]):
        assert archspec_command(*words).out == bare.out
    lines = bare.out.splitlines()
    assert max(map(len, lines)) <= 80
    for group, commands in GROUPS.items():
        at = lines.index(group)
        assert [line.split()[0] for line in lines[at + 1 : at + 1 + len(commands)]] == list(commands)
    assert archspec_command("--version").out == f"archspec {archspec.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_examples_and_fits_80_columns(archspec_command, name):
    done = archspec_command(name, "--help", env={"COLUMNS": "80"})
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"usage: archspec {name} ")
    assert f"\n  archspec {name}" in done.out.partition("examples:")[2]
    assert max(map(len, done.out.splitlines())) <= 80
    assert archspec_command("help", name, env={"COLUMNS": "80"}).out == done.out


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder as the examples take it: they run in it one after the other."""
    folder = tmp_path_factory.mktemp("desk")
    with contextlib.suppress(ImportError):
        from PIL import Image

        Image.new("L", (8, 8)).save(folder / "three.png")
    for name in ("net", "flat"):
        (folder / f"{name}.arch").write_text("input 32x32x3\nconv k=5 f=6 | relu\nfc 10\n")
    (folder / "image.csv").write_text("5 1 3 5\n3 4 4 0\n6 1 8 6\n1 3 5 8\n")
    (folder / "k.csv").write_text("-1 0 1\n" * 3)
    with contextlib.suppress(ImportError):
        (folder / "model.onnx").write_bytes(archspec.to_onnx(archspec.load(folder / "net.arch")).SerializeToString())
    return folder


@pytest.mark.parametrize(
    ("name", "command"),
    [pytest.param(*each, marks=[pytest.mark.slow] * (each[0] in TRAINING)) for each in EXAMPLES],
    ids=[command for _, command in EXAMPLES],
)
def test_every_example_of_a_help_runs(archspec_command, desk, name, command):
    if name in TRAINING:
        pytest.importorskip("PIL", reason="Pillow is not installed")
        pytest.importorskip("torch", reason="PyTorch is not installed")
        pytest.importorskip("sklearn", reason="scikit-learn, which has the digits, is not installed")
    if "onnx" in command and not find_spec("onnx"):
        pytest.skip("onnx is not installed")
    if command.startswith("lsp") and not find_spec("pygls"):
        pytest.skip("pygls is not installed")
    if "torch.nn" in command and not find_spec("torch"):
        pytest.skip("PyTorch is not installed")
    done = archspec_command(*shlex.split(command.partition(" >")[0]), cwd=desk)
    assert done.status == 0, done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chekc", "lenet5"], "there is no command `chekc`; did you mean `check`?"),
        (["Tabel"], "did you mean `table`?"),
        (["summary", "lenet5"], "did you mean `table`?"),
        (["lenet5"], "did you mean `archspec check lenet5`?"),
        (["nosuch.arch"], "did you mean `archspec check nosuch.arch`?"),
        (["-"], "did you mean `archspec check -`?"),
        (["."], "did you mean `archspec check .`?"),
        (["zzzz"], "`archspec --help` lists the commands"),
        (["--verison"], "there is no option `--verison`; did you mean `--version`?"),
        (["check", "-", "lenet5", "-"], "standard input, `-`, can be read once only"),
        (["--format", "json", "check"], "expected a command, found the option `--format`"),
        (["help", "tabel"], "did you mean `table`?"),
        (["table", "lenet5", "--fromat", "csv"], "there is no option `--fromat`; did you mean `--format`?"),
        (["table", "--colums=name"], "there is no option `--colums`; did you mean `--columns`?"),
        (["table", "lenet5", "--format", "jsno"], "expected text, markdown, latex, html, csv or json, found `jsno`; did you mean `json`?"),
        (["table", "lenet5", "more"], "expected nothing more, found `more`"),
        (["table"], "expected FILE, found nothing"),
        (["emit", "touch", "lenet5"], "expected torch, keras, onnx, json or train, found `touch`; did you mean `torch`?"),
        (["emit", "onnx", "lenet5", "--seed", "one"], "--seed: expected a whole number, found `one`"),
    ],
)
def test_what_is_mistyped_gets_a_proposal_and_status_2(archspec_command, words, told):
    done = archspec_command(*words)
    assert (done.status, done.out) == (2, "")
    assert told in done.err
    assert done.err.count("\n") <= 3


def test_what_other_tools_call_a_command_leads_to_one():
    assert set(MEANT.values()) <= set(COMMANDS)
    assert not set(MEANT) & set(COMMANDS)


@pytest.mark.parametrize("width", few_quick([40, 60, 200], [40]))
@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal(archspec_command, name, width):
    out = archspec_command(name, "--help", env={**os.environ, "COLUMNS": str(width)}).out
    wide = [line for line in out.splitlines() if len(line) > width]
    assert all(len(line.split()) <= 2 for line in wide), "only a word that is longer itself"
    assert not wide or width == 40


def test_a_folder_stands_for_all_specs_below_it(archspec_command, tmp_path):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / ".hidden").mkdir()
    net = "input 32x32x3\nconv   k=5 f=6\n"
    for name in ("a/one.arch", "a/deep/two.arch", "three.arch", "a/.hidden/four.arch"):
        (tmp_path / name).write_text(net)
    (tmp_path / "a" / "blocks.arch").write_text("block b(n): conv k=1 f=n\n")
    done = archspec_command("check", "a", "three.arch", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert [line.partition(":")[0] for line in done.out.splitlines()] == ["a/blocks.arch", "a/deep/two.arch", "a/one.arch", "three.arch"]
    assert "blocks for other specs" in done.out
    for name in ("a/blocks.arch", "./a/blocks.arch"):
        assert archspec_command("check", name, cwd=tmp_path).status == 1, "it is no network where it is asked for"
    assert archspec_command("check", "a", "--format", "concise", cwd=tmp_path).out == ""
    assert archspec_command("compare", "a", cwd=tmp_path).out.splitlines()[0].split() == ["two", "one"]
    assert archspec_command("fmt", "--check", "a", cwd=tmp_path).err.count("would be formatted") == 2
    (tmp_path / "a" / "bad.arch").write_text("input 8x8x3\nconv k=9 f=1\n")
    assert archspec_command("check", "a", cwd=tmp_path).status == 1
    (tmp_path / "empty").mkdir()
    done = archspec_command("check", "empty", cwd=tmp_path)
    assert (done.status, done.err) == (2, "archspec: there is no .arch file below the folder empty\n")
    done = archspec_command("table", "a", cwd=tmp_path)
    assert (done.status, done.err) == (
        2, "archspec: expected one spec, found the folder a; `archspec check a` takes all specs below it\n",
    )  # fmt: skip


@pytest.mark.slow
def test_a_default_in_words_keeps_its_quotes_on_the_page_of_a_layer(archspec_command):
    for step in STEPS:
        assert archspec_command("ops", step).out.count("`") % 2 == 0, step
