"""The hooks for pre-commit, run by it on a toy repository."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

pytestmark = pytest.mark.slow


def git(folder, *words):
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def hooked(tmp_path_factory):
    """A function: what the hooks say about files of a repository, and the folder. They are installed once."""
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    if shutil.which("git") is None or git(ROOT, "rev-parse", "HEAD").returncode:
        pytest.skip("not a checkout")
    home, made = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("archspec")
    # A checkout of what is here, committed or not, as a repository of its own.
    files = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0")
    for name in (name for name in files if name and (ROOT / name).is_file() and not name.startswith("tests/")):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, made / name)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "a")):
        assert git(made, *words).returncode == 0
    revision = git(made, "rev-parse", "HEAD").stdout.strip()
    config = f"repos:\n- repo: {made}\n  rev: {revision}\n  hooks:\n  - id: archspec-check\n  - id: archspec-fmt\n"

    def run(**texts):
        folder = tmp_path_factory.mktemp("toy")
        for name, text in {".pre-commit-config.yaml": config, **{f"{name}.arch": text for name, text in texts.items()}}.items():
            (folder / name).write_text(text, encoding="utf-8")
        git(folder, "init", "-q")
        git(folder, "add", "-A")
        environment = {**os.environ, "PRE_COMMIT_HOME": str(home)}
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if "No matching distribution" in done.stdout:
            pytest.skip("pip reaches no index")
        return done, folder

    return run


def test_specs_that_are_right_pass(hooked):
    done, _ = hooked(a="input 8x8x1\nconv k=3 f=2\n", blocks="block b(n):\n  conv k=3 f=n\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 2


def test_a_mistake_stops_the_commit(hooked):
    done, _ = hooked(a="input 7x7x1\nconv k=3 f=1 s=3\n")
    assert done.returncode == 1 and "error[A203]" in done.stdout


def test_a_file_is_formatted(hooked):
    done, folder = hooked(a="input  8x8x1\nfc   10\n")
    assert done.returncode == 1 and "files were modified by this hook" in done.stdout
    assert (folder / "a.arch").read_text(encoding="utf-8") == "input 8x8x1\nfc 10\n"
