"""Serves the page about a spec to browsers of this machine, and remakes it when a file changes.

The outer page shows the page about the network in a frame, and over it the messages while the text is broken; it hears of changes by
server-sent events (WHATWG HTML, section 9.2).
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from threading import Condition
from typing import ClassVar, NamedTuple

from archspec.diagnostics.markup import html_text
from archspec.live.loopback import LoopbackHandler, LoopbackServer

_PATIENCE = 15.0
"""Seconds after which a silent connection says that it is there."""
_MOST = 64
"""Browsers that hear of changes at once."""


class State(NamedTuple):
    """What is shown: the number of the page, the page, and the messages about the text as it is; `changed` counts all changes."""

    changed: int = 0
    number: int = 0
    page: bytes | None = None
    messages: str = ""


class Shown:
    """The state that all browsers see."""

    def __init__(self) -> None:
        self.state = State()
        self.changes = Condition()
        self.listeners = 0

    def show(self, messages: str, page: str | None = None) -> None:
        """Show messages, and another page if there is one; otherwise the last good one stays."""
        with self.changes:
            changed, number, before, _ = self.state
            after = page.encode("utf-8") if page is not None else before
            self.state = State(changed + 1, number + (page is not None), after, messages)
            self.changes.notify_all()

    def after(self, seen: int) -> State | None:
        """The state, once it is another than one that was seen; None where it stays for long."""
        with self.changes:
            return self.state if self.changes.wait_for(lambda: self.state.changed != seen, _PATIENCE) else None


def serve(name: str, port: int = 0) -> tuple[LoopbackServer, Shown]:
    """Open a server at a port, or at a free one for 0; its `serve_forever` answers browsers. Raises OSError where the port is taken."""
    shown = Shown()
    handler = type("Handler", (_Handler,), {"shown": shown, "title": name})
    return LoopbackServer(port, handler), shown


class _Handler(LoopbackHandler):
    shown: ClassVar[Shown]
    title: ClassVar[str]

    def get(self, path: str) -> None:
        """Send the outer page, the page about the network, or the changes."""
        answer: dict[str, Callable[[], None]] = {"/": self.outer, "/page": self.inner, "/changes": self.changes}
        answer.get(path, partial(super().get, path))()

    def outer(self) -> None:
        """Send the page with the frame."""
        body, policy = _outer(self.title)
        self.answer(body, policy)

    def inner(self) -> None:
        """Send the last good page; its own policy is in it."""
        page = self.shown.state.page
        self.answer(page if page is not None else b"<!doctype html><title>archspec</title>", "frame-ancestors 'self'")

    def changes(self) -> None:
        """Send each change until the browser goes away."""
        shown = self.shown
        if shown.listeners >= _MOST:
            return self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many pages are open")
        self.send_response(HTTPStatus.OK)
        self.head("text/event-stream")
        self.end_headers()
        if self.command == "HEAD":
            return None
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        shown.listeners += 1
        seen = -1
        try:
            while True:
                state = shown.after(seen)
                if state is not None:
                    seen = state.changed
                data = json.dumps({"page": state.number, "messages": state.messages}) if state is not None else ""
                self.wfile.write(f"retry: 500\ndata: {data}\n\n".encode() if state is not None else b": still here\n\n")
                self.wfile.flush()
        except OSError:
            return None  # the browser has gone
        finally:
            shown.listeners -= 1


def _outer(name: str) -> tuple[bytes, str]:
    """The page with the frame, and the policy that goes with it."""
    here = Path(__file__).parent
    style, script = ((here / f"outer.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    body = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{html_text(name)}</title>\n<style>{style}</style>\n</head>\n<body>\n'
        f'<iframe title="{html_text(name)}" hidden></iframe>\n<pre role="alert" hidden></pre>\n<p role="status" hidden>the server has ended</p>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )
    own = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (style, script)]
    policy = (
        f"default-src 'none'; style-src {own[0]}; script-src {own[1]}; frame-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return body.encode("utf-8"), policy
