"""The cookbook and the page about LaTeX: what they say is run."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.helpers.needs import pdflatex
from tests.helpers.paths import ROOT

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fences(page, language):
    return [text for kind, text in FENCE.findall((DOCS / page).read_text(encoding="utf-8")) if kind == language]


def recipes():
    return [pytest.param(text, id=text.split("\n")[0].removeprefix("archspec ")) for text in fences("cookbook.md", "sh")]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", recipes())
def test_a_recipe_runs(recipe, archspec_command, tmp_path):
    if (
        "torchvision" in recipe
        and subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, check=False).returncode
    ):
        pytest.skip("torchvision cannot be imported")
    for line in recipe.splitlines():
        command, _, target = line.partition(" > ")
        done = archspec_command(*shlex.split(command)[1:], cwd=tmp_path)
        assert done.status == 0 and (done.out or done.err or "-o" in command), done.err
        if target:
            (tmp_path / target).write_text(done.out, encoding="utf-8")
    written = re.findall(r"(?:-o|>) (\S+)", recipe)
    assert [name for name in written if not (tmp_path / name).exists()] == []


@pytest.mark.slow
@pdflatex
def test_the_document_compiles(archspec_command, tmp_path):
    shutil.copy(ROOT / "specs" / "lenet5.arch", tmp_path)
    (document,) = (text for text in fences("latex.md", "latex") if "documentclass" in text)
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    for line in "".join(fences("latex.md", "sh")).splitlines():
        command, _, target = line.partition(" > ")
        words = shlex.split(command)
        if line.endswith(".pdf"):
            continue  # with an extra
        if words[0] == "archspec":
            out = archspec_command(*words[1:], cwd=tmp_path).out
        else:
            out = subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        if target:
            (tmp_path / target).write_text(out, encoding="utf-8")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "paper.tex"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
