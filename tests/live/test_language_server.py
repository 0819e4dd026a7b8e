"""The language server, spoken to as editors do: in the plain JSON of the protocol."""

import pytest

from tests.helpers.paths import CASES
from tests.helpers.rpc import Client

pytest.importorskip("pygls", reason="pygls speaks the protocol")

TEXT = "param n = 8\ninput 8x8x3\nstem: conv k=3 f=n p=1 bias=no\nadd:\n  skip\n  conv k=3 f=n p=1\nfc 10\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One for all tests, which must outlive them all."""
    client = Client(tmp_path_factory.mktemp("server"))
    yield client
    assert client.close() == 0


@pytest.fixture
def client(server, tmp_path):
    """The server, for files in a folder of the test's own."""
    server.folder = tmp_path
    server.notes.clear()
    return server


def test_capabilities(client):
    found = client.capabilities
    assert (found["positionEncoding"], found["textDocumentSync"]["change"]) == ("utf-16", 1)
    for name in (
        "hoverProvider", "definitionProvider", "referencesProvider", "renameProvider", "completionProvider", "signatureHelpProvider",
        "inlayHintProvider", "codeActionProvider", "codeLensProvider", "documentSymbolProvider", "foldingRangeProvider",
        "semanticTokensProvider", "documentFormattingProvider", "documentLinkProvider",
    ):  # fmt: skip
        assert found[name], name


def test_a_mistake_is_shown_and_mended(client):
    """The message comes, its fix is applied, and the message goes."""
    client.open("a.arch", "input 8x8x3\n# 😀\ndense 10\n")
    (found,) = client.diagnostics("a.arch", 1)
    assert (found["code"], found["severity"], found["source"]) == ("A101", 1, "archspec")
    assert found["range"] == {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 5}}
    context = {"diagnostics": [found]}
    (action,) = client.ask(
        "textDocument/codeAction", {"textDocument": {"uri": client.uri("a.arch")}, "range": found["range"], "context": context}
    )
    (edit,) = action["edit"]["changes"][client.uri("a.arch")]
    assert (action["title"], edit["newText"], action["isPreferred"]) == ("write `fc 10`", "fc 10", True)
    client.change("a.arch", "input 8x8x3\n# 😀\nfc 10\n", 2)
    assert client.diagnostics("a.arch", 2) == []


def test_all_safe_fixes(client):
    client.open("a.arch", "input 8x8x3\ndense 10\nconv k=3, f=4\n")
    params = {
        "textDocument": {"uri": client.uri("a.arch")},
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
    }
    (action,) = client.ask("textDocument/codeAction", params | {"context": {"diagnostics": [], "only": ["source.fixAll"]}})
    assert action["kind"] == "source.fixAll.archspec"
    assert action["edit"]["changes"]


def test_answers(client):
    client.open("a.arch", TEXT)
    assert "216" in client.at("hover", "a.arch", 2, 8)["contents"]["value"]
    assert client.at("definition", "a.arch", 2, 17)["range"]["start"] == {"line": 0, "character": 6}
    assert len(client.at("references", "a.arch", 0, 6, context={"includeDeclaration": True})) == 3
    edits = client.at("rename", "a.arch", 0, 6, newName="width")["changes"][client.uri("a.arch")]
    assert [edit["newText"] for edit in edits] == ["width"] * 3
    labels = {item["label"] for item in client.at("completion", "a.arch", 6, 3)}
    assert {"bias", "n"} <= labels
    assert client.at("signatureHelp", "a.arch", 2, 17)["signatures"][0]["label"].startswith("conv k= f=")
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    hints = client.ask("textDocument/inlayHint", {"textDocument": {"uri": client.uri("a.arch")}, "range": whole})
    assert hints[1]["label"] == "8x8x8  216 params"
    document = {"textDocument": {"uri": client.uri("a.arch")}}
    assert [each["name"] for each in client.ask("textDocument/documentSymbol", document)] == ["n", "input", "stem"]
    assert client.ask("textDocument/foldingRange", document) == [{"startLine": 3, "endLine": 5, "kind": "region"}]
    assert client.ask("textDocument/codeLens", document)[0]["command"]["title"].startswith("8x8x3 -> 10: ")
    assert len(client.ask("textDocument/semanticTokens/full", document)["data"]) % 5 == 0
    assert client.ask("textDocument/formatting", document | {"options": {"tabSize": 2, "insertSpaces": True}}) == []


def test_a_name_that_cannot_be_is_refused(client):
    client.open("a.arch", TEXT)
    where = {"textDocument": {"uri": client.uri("a.arch")}, "position": {"line": 0, "character": 6}, "newName": "input"}
    found = client.answer("textDocument/rename", where)
    assert found["error"]["code"] == -32803
    assert "word of the language" in found["error"]["message"]


def test_blocks_of_an_open_file_count(client):
    """Before it is saved; and what uses it is checked again when it changes."""
    (client.folder / "parts.arch").write_text("block unit(): relu\n")
    client.open("a.arch", 'use "parts.arch"\ninput 8x8x3\nunit 4\n')
    assert [each["code"] for each in client.diagnostics("a.arch", 1)] == ["A104"]
    client.open("parts.arch", "block unit(f): conv k=3 f=f\n")
    assert client.diagnostics("a.arch", 1) == []
    assert client.at("definition", "a.arch", 2, 1)["uri"] == client.uri("parts.arch")
    (link,) = client.ask("textDocument/documentLink", {"textDocument": {"uri": client.uri("a.arch")}})
    assert link["target"] == client.uri("parts.arch")


def test_many_keystrokes_give_the_messages_of_the_last(client):
    client.open("a.arch", "input 8x8x3\n")
    client.diagnostics("a.arch", 1)
    for version in range(2, 40):
        client.change("a.arch", "input 8x8x3\n" + "dense 10"[: version % 9] + "\n", version)
    client.change("a.arch", "input 8x8x3\nfc 10\n", 40)
    assert client.diagnostics("a.arch", 40) == []
    versions = [note["params"]["version"] for note in client.notes if "publishDiagnostics" in note.get("method", "")]
    assert len(versions) < 20


def test_an_old_version_is_dropped(client):
    client.open("a.arch", "input 8x8x3\nfc 10\n", 7)
    assert client.diagnostics("a.arch", 7) == []
    client.change("a.arch", "input 8x8x3\nnonsense\n", 3)
    assert client.at("hover", "a.arch", 1, 0)["contents"]["value"].startswith("**fc**")


@pytest.mark.parametrize("place", [(10**9, 0), (0, 10**9), (2**31 - 1, 2**31 - 1)])
def test_places_outside_of_the_text(client, place):
    client.open("a.arch", TEXT)
    for method in ("hover", "definition", "completion", "signatureHelp", "prepareRename"):
        client.at(method, "a.arch", *place)


def test_a_text_that_is_not_open(client):
    assert client.at("hover", "missing.arch") is None
    client.tell("textDocument/didClose", {"textDocument": {"uri": client.uri("missing.arch")}})
    client.open("a.arch", TEXT)
    assert client.at("hover", "a.arch", 6, 0) is not None


@pytest.mark.slow
def test_hostile_texts(client):
    """All of them one after the other, in one server, which stays alive."""
    for number, path in enumerate(sorted((CASES / "hostile").glob("*.arch"))):
        if path.name.startswith("expansion_rounds"):
            continue  # seconds each, in tests/editor
        client.open(f"{number}.arch", path.read_bytes().decode("utf-8", "replace"))
        for method in ("hover", "completion", "definition"):
            client.at(method, f"{number}.arch", 1, 2)
        document = {"textDocument": {"uri": client.uri(f"{number}.arch")}}
        client.ask("textDocument/semanticTokens/full", document)
        client.tell("textDocument/didClose", document)


def test_a_client_that_dies_takes_the_server_along(tmp_path):
    client = Client(tmp_path)
    client.process.stdin.close()
    client.process.stdout.close()
    client.process.wait(20)
    client.process.stderr.close()


HOSTILE = CASES / "hostile" / "expansion_rounds_that_differ_nested.arch"


def test_work_on_a_text_that_has_changed_ends(client):
    """A request about the version before is refused, and the text that follows is not kept waiting for it."""
    client.open("a.arch", HOSTILE.read_text(encoding="utf-8"))
    where = {"textDocument": {"uri": client.uri("a.arch")}, "position": {"line": 0, "character": 0}}
    client.send({"id": "hover", "method": "textDocument/hover", "params": where})
    client.change("a.arch", "input 8x8x3\nfc 10\n", 2)
    assert client.diagnostics("a.arch", 2) == []
    (answer,) = [note for note in client.notes if note.get("id") == "hover"]
    assert answer["error"]["code"] == -32801
    assert client.at("hover", "a.arch", 1, 0)["contents"]["value"].startswith("**fc**")


def test_a_request_that_is_cancelled_is_answered(client):
    client.open("a.arch", HOSTILE.read_text(encoding="utf-8"))
    document = {"textDocument": {"uri": client.uri("a.arch")}}
    for number in ("one", "two"):
        client.send({"id": number, "method": "textDocument/documentSymbol", "params": document})
    client.tell("$/cancelRequest", {"id": "two"})
    client.tell("textDocument/didClose", document)
    client.open("b.arch", "input 8x8x3\nfc 10\n")
    assert client.diagnostics("b.arch", 1) == []
    answers = {note["id"]: note["error"]["code"] for note in client.notes if "id" in note}
    assert answers == {"one": -32801, "two": -32800}


MALFORMED = [
    {"id": "x", "method": "textDocument/hover", "params": {}},
    {"id": "x", "method": "textDocument/hover", "params": {"textDocument": {"uri": 3}, "position": None}},
    {"id": "x", "method": "textDocument/hover", "params": {"textDocument": {"uri": "no address"}, "position": {"line": -3, "character": -1}}},
    {"id": "x", "method": "textDocument/hover", "params": {"textDocument": {"uri": "file:///\0%00"}, "position": {"line": 0, "character": 0}}},
    {"id": "x", "method": "textDocument/nothing", "params": {}},
    {"method": "textDocument/didChange", "params": {"textDocument": {"uri": "file:///a", "version": 1}, "contentChanges": []}},
    {"method": "textDocument/didChange", "params": {"textDocument": {"uri": "file:///a", "version": 1}, "contentChanges": [{"text": "relu"}]}},
    {"method": "textDocument/didOpen", "params": []},
    {"method": "$/cancelRequest", "params": {"id": 99}},
    {"method": "nothing"},
    {"id": "answer to nothing", "result": 3},
    {"result": 3},
    {},
]  # fmt: skip


@pytest.mark.parametrize("message", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_messages(client, message):
    """The server goes on: pygls says what is wrong with a message, by an answer or by a message to the user."""
    client.send(message)
    client.open("a.arch", TEXT)
    assert client.at("hover", "a.arch", 6, 0) is not None


def test_a_block_of_another_file_is_renamed(client):
    (client.folder / "parts.arch").write_text("block unit(): relu\n")
    client.open("a.arch", 'use "parts.arch"\ninput 8x8x3\nunit\n')
    changes = client.at("rename", "a.arch", 2, 1, newName="part")["changes"]
    places = {uri: [edit["range"]["start"]["line"] for edit in edits] for uri, edits in changes.items()}
    assert places == {client.uri("a.arch"): [2], client.uri("parts.arch"): [0]}
