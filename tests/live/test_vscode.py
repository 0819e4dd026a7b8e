"""The extension for Visual Studio Code: what its manifest names exists, and its client starts what the setting says."""

import json
import re

from tests.helpers.paths import ROOT

FOLDER = ROOT / "editors" / "vscode"


def test_the_manifest():
    manifest = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    made = re.findall(r"(?:outfile: |new URL\()\"([\w./-]+)\"", (FOLDER / "build.mjs").read_text(encoding="utf-8"))
    contributes = manifest["contributes"]
    named = [manifest["main"], contributes["languages"][0]["configuration"], contributes["grammars"][0]["path"]]
    assert [path for path in named if not (FOLDER / path).exists() and path.removeprefix("./") not in made] == []
    assert json.loads((FOLDER / "language-configuration.json").read_text(encoding="utf-8"))["comments"] == {"lineComment": "#"}
    grammar = json.loads((ROOT / "grammars" / "tmLanguage.json").read_text(encoding="utf-8"))
    assert contributes["grammars"][0]["scopeName"] == grammar["scopeName"]


def test_the_client_reads_the_setting():
    client = (FOLDER / "src" / "extension.js").read_text(encoding="utf-8")
    settings = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["contributes"]["configuration"]["properties"]
    assert set(settings) == {"archspec.command"}
    assert 'getConfiguration("archspec").get("command")' in client
    assert settings["archspec.command"]["default"] == ["archspec"]
