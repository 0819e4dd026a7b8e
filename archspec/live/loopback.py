"""A server for browsers of this machine: only the loopback interface is listened to, and only requests that name this host are answered, so
that a page from elsewhere whose name was pointed here (DNS rebinding) gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"


class LoopbackServer(ThreadingHTTPServer):
    """Listens to the loopback interface, with a thread for each request."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[LoopbackHandler]) -> None:
        super().__init__((HOST, port), handler)

    @property
    def names(self) -> set[str]:
        """What requests may call this host."""
        return {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is no mistake."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """Refuses what comes from elsewhere; a subclass says what is answered, in `get` and `post`."""

    server: LoopbackServer
    server_version = "archspec"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        """Answer a request that names this host."""
        self.within(self.get)

    do_HEAD = do_GET  # noqa: N815 - as http.server calls it

    def within(self, answer: Callable[[str], None]) -> None:
        """Answer by a function of the path, unless the request comes from elsewhere."""
        if not self.is_local():
            return self.refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server answers to 127.0.0.1 and localhost only")
        return answer(self.path.partition("?")[0])

    def get(self, path: str) -> None:
        """Send what is at a path."""
        self.refuse(HTTPStatus.NOT_FOUND, "there is no such page")

    def is_local(self) -> bool:
        """Whether the request names this host, and no page from elsewhere makes it."""
        hosts = self.headers.get_all("Host") or []
        elsewhere = self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        return len(hosts) == 1 and hosts[0].lower() in self.server.names and not (elsewhere and self.path != "/")

    def answer(self, body: bytes, policy: str, kind: str = "text/html; charset=utf-8") -> None:
        """Send what is kept nowhere."""
        self.send_response(HTTPStatus.OK)
        self.head(kind)
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """Send why there is no page."""
        body = f"{why}\n".encode()
        self.send_response(status)
        self.head("text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def head(self, kind: str) -> None:
        """Send the headers of every answer: its type, and that no cache keeps it, no other origin reads it and the connection ends."""
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Connection", "close")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not listed."""
