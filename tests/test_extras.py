"""What is not installed: each hint names packages that the extra of its part has, and that anybody can install."""

import re
import subprocess
import sys
import tomllib

import pytest

from archspec.extras import NEEDS, install
from tests.helpers.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
SPOKEN = [*sorted((ROOT / "archspec").rglob("*.py")), *sorted((ROOT / "archspec").rglob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def packages(extra):
    """The names of the packages of an extra, those of the extras that it takes up included."""
    found = set()
    for requirement in EXTRAS[extra]:
        name, taken = re.match(r"([\w-]+)(?:\[(.*)\])?", requirement).groups()
        found |= {name} if name != PROJECT["name"] else set().union(*(packages(each) for each in taken.split(",")))
    return found


@pytest.mark.parametrize("part", NEEDS)
def test_the_packages_of_a_hint_are_in_its_extra(part):
    assert set(NEEDS[part].packages) <= packages(NEEDS[part].extra)
    assert install(part) == f"`pip install {' '.join(NEEDS[part].packages)}`"


def test_every_package_of_an_extra_is_hinted_at():
    assert {name for need in NEEDS.values() for name in need.packages} == set().union(
        *(packages(extra) for extra in ("torch", "onnx", "keras", "figures", "train", "lsp"))
    )


def test_training_exports_to_onnx():
    """`archspec evaluate --onnx` and `--safetensors` belong to what the extra `train` is for."""
    assert packages("train") >= packages("onnx") | packages("torch")


def test_nothing_tells_to_install_what_is_not_published():
    """Behind `pip install` stand packages of the extras, JupyterLab's, or the checkout (`.`, `.[train]`)."""
    known = packages("all") | packages("test") | {"jupyterlab", "jupyterlab-lsp"}
    for path in SPOKEN:
        for words in re.findall(r"pip install ([^`\n#&{]+)", path.read_text(encoding="utf-8")):
            for word in words.split():
                word = word.strip("'\"")
                assert word in known or re.fullmatch(r"-\w|\.(\[[\w,]+\])?", word), (path.name, words)


_COLLECTED = """
import sys
from importlib.machinery import PathFinder
missing = {missing}
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without)
import pytest
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", {root!r}]))
"""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@pytest.mark.slow
def test_the_tests_can_be_collected_where_nothing_is_installed_that_only_some_need():
    """Every file is read or skipped, by names that are the same in each process: pytest-xdist refuses others."""
    missing = {"torch", "torchvision", "onnx", "onnxruntime", "keras", "numpy", "PIL", "pandas", "IPython", "playwright", "sklearn"}
    program = _COLLECTED.format(missing=missing, root=str(ROOT / "tests"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-2000:]
    assert [line for line in done.stdout.splitlines() if _ADDRESS.search(line)] == []
