"""Completion, asked of real shells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from archspec.cli.commands import COMMANDS
from archspec.cli.complete import answer
from archspec.cli.completion import SHELLS
from archspec.diagnostics.catalogue import codes
from archspec.finding import bundled_names
from archspec.ops import STEPS
from archspec.views.tables import COLUMNS
from tests.helpers.paths import ROOT
from tests.helpers.specs import few_quick


@pytest.fixture
def desk(tmp_path):
    """A folder with specs, and `archspec` on the path."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "archspec"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m archspec "$@"\n')
    program.chmod(0o755)
    (tmp_path / "my net.arch").write_text("param width = 6\ninput 8x8x3\nx: repeat 2: conv k=1 f=width\nhead: fc 10\n")
    (tmp_path / "folder").mkdir()
    return tmp_path


def words(*line, cwd=None):
    first, *rest = answer([*line[:-1], f"={line[-1]}"]).splitlines()
    return first, [word.partition("\t")[0] for word in rest]


def test_commands_options_choices_and_columns():
    assert words("") == (":none", [*COMMANDS, "--help", "--version"])
    assert set(words("check", "--st")[1]) == {"--strict", "--stdin-filename"}
    assert words("table", "--format", "c") == (":none", ["csv"])
    assert words("table", "--format=c") == (":none", ["--format=csv"])
    assert words("table", "lenet5", "--columns", "")[1] == list(COLUMNS)
    assert words("table", "lenet5", "--columns", "name,par")[1] == ["name,params", "name,params%", "name,params-work"]
    assert "--format" not in words("table", "lenet5", "--format", "csv", "--")[1]
    assert "--set" in words("table", "lenet5", "--set", "a=1", "--")[1]
    assert words("help", "tab")[1] == ["table"]


def test_specs_layers_params_and_codes(desk, monkeypatch):
    monkeypatch.chdir(desk)
    assert words("check", "") == (":file", bundled_names())
    assert words("check", "lenet5", "resnet5") == (":file", ["resnet50"])
    assert words("table", "lenet5", "") == (":none", [])
    assert words("explain", "my net.arch", "")[1] == ["x", "flatten1", "head", "x."]
    assert words("explain", "my net.arch", "x.")[1] == ["x.0", "x.1"]
    assert words("explain", "resnet50", "layer1.0.conv")[1] == [f"layer1.0.conv{n}" for n in (1, 2, 3)]
    assert words("explain", "--set", "width=3", "my net.arch", "h")[1] == ["head"]
    assert words("check", "my net.arch", "--set", "")[1] == ["width="]
    assert set(codes()) | set(STEPS) <= set(words("rule", "")[1])
    assert words("train", "digits", "--out", "") == (":folder", [])


@pytest.mark.parametrize(
    "line", [["nope", ""], ["explain", "nosuch", ""], ["explain", "-", ""], ["table", "-o", ""], ["check", "--nope", ""]]
)
def test_what_cannot_be_told_leaves_the_completion_of_files(line):
    assert words(*line)[0] in (":file", ":none")
    assert answer([]).startswith(":none")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_is_completed(archspec_command, command):
    told = set(re.findall(r"(?<![\w`])--[a-z][a-z-]*", archspec_command(command, "--help").out.partition("examples:")[0]))
    found = set(words(command, "--")[1])
    assert {option for option in told if not option.startswith("--columns help")} >= found - {"--help"}
    assert found >= {"--help"}


def test_the_hidden_command_answers_a_script(archspec_command):
    done = archspec_command("__complete", "=chec")
    assert (done.status, done.out) == (0, f":none\ncheck\t{COMMANDS['check']}\n")


LINES = [
    ("archspec chec", {"check"}),
    ("archspec table --form", {"--format"}),
    ("archspec table lenet5 --format mark", {"markdown"}),
    ("archspec explain resnet50 layer1.0.conv", {"layer1.0.conv1", "layer1.0.conv2", "layer1.0.conv3"}),
    ("archspec rule A20", {code for code in codes() if code.startswith("A20")}),
    ("archspec check fol", {"folder"}),
    ("archspec check my", {"my net.arch"}),
    ("archspec table lenet5 --columns name,par", {"name,params", "name,params%", "name,params-work"}),
]

EQUALS = ("archspec table lenet5 --format=mark", {"markdown"})


def environment(desk):
    return {**os.environ, "PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "HOME": str(desk), "TERM": "dumb", "PS1": "> "}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize("case", [EQUALS, *few_quick(LINES, LINES[3:6])], ids=lambda case: case[0])
def test_bash_completes(archspec_command, desk, case):
    line, wanted = case
    script = archspec_command("completion", "bash").out
    split = re.findall(r"=|[^\s=]+", line)
    program = f'{script}\nCOMP_WORDS=("$@") COMP_CWORD=$(($# - 1))\n_archspec\nprintf "%s\\n" "${{COMPREPLY[@]}}"\n'
    done = subprocess.run(
        ["bash", "-c", program, "bash", *split], cwd=desk, env=environment(desk), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert set(done.stdout.splitlines()) == wanted


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
@pytest.mark.parametrize("case", few_quick(LINES, LINES[3:6]), ids=lambda case: case[0])
def test_fish_completes(archspec_command, desk, case):
    line, wanted = case
    (desk / "c.fish").write_text(archspec_command("completion", "fish").out)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f'source c.fish; complete -C "{line}"'],
        cwd=desk, env=environment(desk), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert {word.partition("\t")[0].rstrip("/").replace("\\", "") for word in done.stdout.splitlines()} == wanted


def typed(shell, desk, setup, line, wanted):
    """What an interactive shell shows once a line and a tab have been typed: what it printed since, escapes left out."""
    import pty
    import select

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(desk)
        os.execvpe(shell[0], shell, environment(desk))
    shown = ""

    def until(text, seconds=30):
        nonlocal shown
        end = time.monotonic() + seconds
        while text not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\r", "", shown) and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 4096).decode("utf-8", "replace")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\r", "", shown)

    try:
        os.write(terminal, f"{setup}; echo re''ady\n".encode())
        until("ready\n")
        shown = ""
        os.write(terminal, f"{line}\t".encode())
        return until(wanted)
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


TYPED = [
    ("archspec chec", "archspec check "),
    ("archspec table lenet5 --format mark", "--format markdown "),
    ("archspec table lenet5 --format=mark", "--format=markdown "),
    ("archspec check my", "check my\\ net.arch "),
    ("archspec check fol", "check folder/"),
    ("archspec check my\\ net.arch --set ", "--set width="),
    ("archspec explain my\\ net.arch he", "head "),
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize("case", few_quick(TYPED, TYPED[1::3]), ids=lambda case: case[0])
def test_tab_in_bash(desk, case):
    line, wanted = case
    setup = 'eval "$(archspec completion bash)"'
    assert wanted in typed(["bash", "--norc", "--noprofile", "-i"], desk, setup, line, wanted)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
@pytest.mark.parametrize(("line", "wanted"), TYPED)
def test_tab_in_zsh(desk, line, wanted):
    setup = 'autoload -U compinit && compinit -u -D; eval "$(archspec completion zsh)"'
    assert wanted in typed(["zsh", "-f", "-i"], desk, setup, line, wanted)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_asks_the_command_itself(archspec_command, shell):
    """PowerShell's script is only read here: it is not at hand to be run."""
    out = archspec_command("completion", shell).out
    assert "__complete" in out
    assert '"=$' in out
    assert ":f" in out
    if shell == "powershell":
        assert "Register-ArgumentCompleter -Native -CommandName archspec" in out
        assert "CompleteFilename" in out
        assert out.count("{") == out.count("}")
        assert out.count("(") == out.count(")")
