"""The GitHub Action: its steps, run as a runner runs them, on a toy repository."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

yaml = pytest.importorskip("yaml", reason="it reads action.yml")
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def run(step, folder, temp, **given):
    """A step of the action, with what a workflow gives it."""
    inputs = {name: given.get(name, declared["default"]) for name, declared in ACTION["inputs"].items()}
    named = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text) for name, text in step.get("env", {}).items()
    }
    runner = {"GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(temp), "GITHUB_STEP_SUMMARY": str(temp / "summary.md")}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=folder, env={**os.environ, **runner, **named}, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    (folder / "nets").mkdir(parents=True)
    (folder / "nets" / "right.arch").write_text("input 8x8x1\nconv k=3 f=2\n", encoding="utf-8")
    (folder / "nets" / "blocks.arch").write_text("block b(n):\n  conv k=3 f=n\n", encoding="utf-8")
    (folder / "nets" / "no fit.arch").write_text("input 7x7x1\nconv k=3 f=1 s=3\n", encoding="utf-8")
    (folder / "untidy.arch").write_text("input  8x8x1\nfc 10\n", encoding="utf-8")
    return folder


@pytest.fixture
def temp(tmp_path):
    """A runner's folder in which archspec is installed: this one."""
    folder = tmp_path / "temp" / "archspec" / "bin"
    folder.mkdir(parents=True)
    command = folder / "archspec"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m archspec "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path / "temp"


def check(repository, temp, **given):
    return run(ACTION["runs"]["steps"][1], repository, temp, **given)


def test_mistakes_are_annotations(repository, temp):
    done = check(repository, temp)
    (annotation,) = re.findall(r"^::.*", done.stdout, re.MULTILINE)
    assert done.returncode == 1 and annotation.startswith("::error file=nets/no fit.arch,line=2,col=1,endLine=2,endColumn=17,title=A203::")
    assert "(7 - 3)/3 + 1 = 2.33 does not fit" in (temp / "summary.md").read_text(encoding="utf-8")


def test_what_is_right_passes(repository, temp):
    done = check(repository, temp, paths="untidy.arch\n\nnets/right.arch\n")
    assert (done.returncode, done.stderr) == (0, "") and "::" not in done.stdout


@pytest.mark.parametrize("given", [{"fmt": "true"}, {"max-params": "100"}, {"max-macs": "100"}, {"paths": "nowhere.arch"}])
def test_what_is_asked_for_fails(repository, temp, given):
    assert check(repository, temp, **{"paths": "untidy.arch"} | given).returncode != 0


def test_warnings_fail_where_that_is_asked_for(repository, temp):
    (repository / "unused.arch").write_text("param n = 4\ninput 8x8x1\nfc 10\n", encoding="utf-8")
    done = [check(repository, temp, paths="unused.arch", strict=strict) for strict in ("false", "true")]
    assert [each.returncode for each in done] == [0, 1] and all("::warning file=unused.arch,line=1" in each.stdout for each in done)


@pytest.mark.slow
def test_it_is_installed(repository, tmp_path):
    done = run(ACTION["runs"]["steps"][0], repository, tmp_path)
    if done.returncode and re.search("No matching distribution|Could not find|Connection", done.stderr):
        pytest.skip("pip reaches no index")
    assert done.returncode == 0, done.stderr
    assert check(repository, tmp_path, paths="nets").returncode == 1
