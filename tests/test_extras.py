"""What is not installed: each hint names packages that the extra of its part has, and that anybody can install."""

import re
import tomllib
from pathlib import Path

import pytest

from archspec.extras import NEEDS, install

ROOT = Path(__file__).resolve().parent.parent
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
    assert {name for need in NEEDS.values() for name in need.packages} == packages("torch") | packages("onnx") | packages(
        "figures"
    ) | packages("train")


def test_training_exports_to_onnx():
    """`archspec evaluate --onnx` and `--safetensors` belong to what the extra `train` is for."""
    assert packages("train") >= packages("onnx") | packages("torch")


def test_nothing_tells_to_install_what_is_not_published():
    """Behind `pip install` stand packages of the extras, or the checkout (`.`, `.[train]`)."""
    known = packages("all") | packages("test")
    for path in SPOKEN:
        for words in re.findall(r"pip install ([^`\n#&{]+)", path.read_text(encoding="utf-8")):
            for word in words.split():
                word = word.strip("'\"")
                assert word in known or re.fullmatch(r"-\w|\.(\[[\w,]+\])?", word), (path.name, words)
