"""What JupyterLab finds of an installed archspec: its extension, and the language server by jupyter-lsp's entry point."""

import json
import re
import sys
import tomllib

import pytest

from archspec.live import jupyter_lsp_entry
from archspec.syntax.lines import KEYWORDS
from tests.helpers.paths import ROOT

FOLDER = ROOT / "editors" / "jupyterlab"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def servers(monkeypatch):
    """The servers that jupyter-lsp finds when pygls is installed."""
    monkeypatch.setattr(jupyter_lsp_entry, "find_spec", lambda name: name)
    return jupyter_lsp_entry.servers(None)


def test_the_server_is_this_python(servers):
    assert servers["archspec"]["argv"] == [sys.executable, "-m", "archspec", "lsp"]
    assert PROJECT["project"]["entry-points"]["jupyter_lsp_spec_v1"] == {"archspec": "archspec.live.jupyter_lsp_entry:servers"}


def test_without_pygls_there_is_no_server(monkeypatch):
    monkeypatch.setattr(jupyter_lsp_entry, "find_spec", lambda name: None)
    assert jupyter_lsp_entry.servers(None) == {}


def test_the_extension_is_installed_where_jupyterlab_looks():
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"] == {
        "editors/jupyterlab": "share/jupyter/labextensions/archspec"
    }
    package = json.loads((FOLDER / "package.json").read_text())
    assert package["name"] == "archspec"
    assert (FOLDER / package["jupyterlab"]["_build"]["load"]).exists()


def test_the_extension_has_the_type_of_the_server_and_the_words_of_the_language(servers):
    script = (FOLDER / "static" / "remoteEntry.js").read_text()
    assert f'mime: "{servers["archspec"]["mime_types"][0]}"' in script
    words = re.search(r"NAMES = /\(\?:(.*?)\)", script)
    assert words is not None
    assert {*words[1].split("|")} >= KEYWORDS
