"""CONTRIBUTING.md and what goes with it: files that it names exist, its commands are those that run, its table of rooms is the house."""

import re
import tomllib

import archspec
from tests.helpers.paths import ROOT
from tests.structure import FLOORS

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_that_is_named_exists():
    """Also those of the worked examples, and the modules that are started."""
    named = set(re.findall(r"`((?:archspec|tests|docs|specs|\.ci)/[\w./-]*)`", TEXT))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    modules = set(re.findall(r"python -m (tests[\w.]+)", TEXT))
    assert [name for name in sorted(modules) if not any((ROOT / name.replace(".", "/")).parent.glob(name.rpartition(".")[2] + "*"))] == []


def test_every_test_that_is_named_exists():
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT):
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_the_table_of_rooms_is_the_house():
    rows = re.findall(r"^\| (\d+) \| (`.+?) \|", TEXT, re.MULTILINE)
    found = {int(floor): {room.removesuffix("/").removesuffix(".py") for room in re.findall(r"`(.+?)`", rooms)} for floor, rooms in rows}
    assert found == {at: set(rooms) for at, rooms in enumerate(FLOORS)}
    assert list(found) == sorted(found, reverse=True)


def test_the_set_up_installs_what_the_hooks_run():
    extras = PROJECT["project"]["optional-dependencies"]
    (asked,) = re.findall(r'pip install -e "\.\[(.+)\]"', TEXT)
    assert set(asked.split(",")) <= set(extras)
    installed = {re.match(r"[\w-]+", requirement)[0] for requirement in extras["dev"]}
    hooks = re.findall(r"entry: \.venv/bin/(\w+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert set(hooks) == {"ruff", "mypy", "archspec"} and set(hooks) - {"archspec"} | {"pre-commit"} <= installed


def test_the_citation_is_of_this_version():
    facts = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE))
    assert facts["cff-version"] == "1.2.0"
    assert (facts["title"], facts["version"], facts["license"]) == ("archspec", archspec.__version__, PROJECT["project"]["license"])
    assert facts["abstract"] == PROJECT["project"]["description"]


def test_the_source_distribution_has_what_contributors_need():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    for name in ("CONTRIBUTING.md", "CITATION.cff", ".pre-commit-config.yaml", "tests", "docs"):
        assert f"/{name}" in included and (ROOT / name).exists()
