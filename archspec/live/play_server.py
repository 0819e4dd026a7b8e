"""Serves the playground to browsers of this machine: the page that is bundled in `play/`, and the answers of the engine.

Only the page that this server sent can ask: it holds a token, which no other page can read, and browsers say where a request comes from.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from hmac import compare_digest
from html import escape
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import ClassVar

from archspec.live.answers import Engine
from archspec.live.loopback import LoopbackHandler, LoopbackServer

_FOLDER = Path(__file__).parent / "play"
_KINDS = {"play.js": "text/javascript; charset=utf-8", "play.css": "text/css; charset=utf-8"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_MARK = '<meta name="archspec-start" content="">'
MOST = 1 << 28
"""Bytes of a request: a model that is opened, or a spec."""


def serve_playground(engine: Engine, begin: Mapping[str, str], port: int = 0) -> LoopbackServer:
    """Open a server at a port, or at a free one for 0; its `serve_forever` answers browsers. The page begins with the `name` and the
    `text` of `begin`, if there are any. Raises OSError where the port is taken.
    """
    token = secrets.token_urlsafe(24)
    start = escape(json.dumps({"token": token, **begin}))
    page = (_FOLDER / "index.html").read_text(encoding="utf-8").replace(_MARK, _MARK.replace('""', f'"{start}"'))
    body = page.encode("utf-8", "replace")
    return LoopbackServer(port, type("Handler", (_Handler,), {"engine": engine, "token": token, "page": body, "lock": Lock()}))


class _Handler(LoopbackHandler):
    engine: ClassVar[Engine]
    token: ClassVar[str]
    page: ClassVar[bytes]
    lock: ClassVar[Lock]

    def do_POST(self) -> None:  # noqa: N802 - as http.server calls it
        """Answer the page's questions."""
        self.within(self.post)

    def get(self, path: str) -> None:
        """Send the page, its script or its style."""
        name = path.removeprefix("/")
        if not name:
            self.answer(self.page, _POLICY)
        elif name in _KINDS:
            self.answer((_FOLDER / name).read_bytes(), _POLICY, _KINDS[name])
        else:
            super().get(path)

    def post(self, path: str) -> None:
        """Send an answer of the engine, one after the other."""
        length = self.headers.get("Content-Length", "")
        if path != "/answer":
            return super().get(path)
        if not self.is_own():
            return self.refuse(HTTPStatus.FORBIDDEN, "this server answers the page that it sent: reload it")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST:
            return self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {MOST >> 20} MiB")
        body = self.rfile.read(int(length))
        with self.lock:
            found = self.engine.answered(body)
        return self.answer(found, _POLICY, "application/json")

    def is_own(self) -> bool:
        """Whether the page of this server asks."""
        origin = self.headers.get("Origin", "")
        given = self.headers.get("X-Archspec-Token", "")
        return origin.removeprefix("http://").lower() in self.server.names and compare_digest(
            given.encode("utf-8", "replace"), self.token.encode()
        )
