"""Talks to a language server by its standard input and output, in the plain JSON of the protocol."""

import json
import os
import subprocess
import sys

from tests.helpers.paths import ROOT


class Client:
    """A server in a process of its own, and the messages that it has sent."""

    def __init__(self, folder, *, encodings=("utf-8", "utf-16")):
        self.folder = folder
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "archspec", "lsp"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=folder
        )
        self.count = 0
        self.notes = []
        general = {"positionEncodings": list(encodings)}
        self.capabilities = self.ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {"general": general}})[
            "capabilities"
        ]
        self.tell("initialized", {})

    def send(self, message):
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def read(self):
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            assert line or self.process.poll() is None, self.process.stderr.read().decode()
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self.process.stdout.read(length))

    def tell(self, method, params):
        self.send({"method": method, "params": params})

    def answer(self, method, params):
        """The whole answer to a request."""
        self.count += 1
        self.send({"id": self.count, "method": method, "params": params})
        while (message := self.read()).get("id") != self.count or "method" in message:
            self.notes.append(message)
        return message

    def ask(self, method, params):
        """The result of a request that must not fail."""
        message = self.answer(method, params)
        assert "error" not in message, message
        return message["result"]

    def uri(self, name):
        return (self.folder / name).as_uri()

    def open(self, name, text, version=1):
        self.tell(
            "textDocument/didOpen", {"textDocument": {"uri": self.uri(name), "languageId": "archspec", "version": version, "text": text}}
        )

    def change(self, name, text, version):
        self.tell(
            "textDocument/didChange", {"textDocument": {"uri": self.uri(name), "version": version}, "contentChanges": [{"text": text}]}
        )

    def at(self, method, name, line=0, character=0, **more):
        """The result of a request about a place."""
        where = {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}}
        return self.ask(f"textDocument/{method}", where | more)

    def diagnostics(self, name, version=None):
        """The next messages that the server sends about a text, of a version if one is given."""
        while True:
            message = next((note for note in self.notes if note.get("method") == "textDocument/publishDiagnostics"), None)
            if message is None:
                self.notes.append(self.read())
                continue
            self.notes.remove(message)
            params = message["params"]
            if params["uri"] == self.uri(name) and version in (None, params.get("version")):
                return params["diagnostics"]

    def close(self):
        """Shut the server down; returns its exit status."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        status = self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        return status
