"""`archspec serve`."""

from __future__ import annotations

import argparse
import gc
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

from archspec.cli.arguments import spec, whole
from archspec.cli.failure import Failure, reason
from archspec.cli.screen import err, out
from archspec.cli.specs import Compiled, compiled, stamps
from archspec.diagnostics.render import plain
from archspec.live.loopback import HOST
from archspec.live.page_server import Shown, serve
from archspec.views.page import page

EXAMPLES = (
    ("serve net.arch", "the page about a spec, remade whenever the file is saved"),
    ("serve net.arch --port 8000 --open", "at a port of your choice, in your browser"),
)
_PAUSE = 0.03
"""Seconds between two looks at the files."""
_SETTLING = 0.01
"""Seconds without a change after which a file is taken to be written."""


def arguments(parser: argparse.ArgumentParser) -> None:
    spec(parser)
    parser.add_argument("--port", metavar="N", type=whole, default=0, help="the port to listen at (default: a free one)")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(arguments: argparse.Namespace) -> int:
    file = arguments.file
    if file == "-":
        raise Failure("expected a file to watch, found standard input")
    seen = stamps([file])  # before it is read, so that no change is missed
    first = _read(file, arguments)
    if isinstance(first, str):
        raise Failure(first)
    if not 0 <= arguments.port < 65536:
        raise Failure(f"expected a port from 1 to 65535, found {arguments.port}")
    try:
        server, shown = serve(Path(file).name, arguments.port)
    except OSError as error:
        raise Failure(f"cannot listen at {HOST}:{arguments.port}: {reason(error)}") from None
    gc.enable()  # it runs for hours
    gc.set_threshold(50_000, 20, 20)  # a text makes many objects that stay until the next one
    address = f"http://{HOST}:{server.server_port}/"
    with suppress(KeyboardInterrupt):
        Thread(target=server.serve_forever, daemon=True).start()
        out().line(f"{address} shows {file}; Ctrl-C ends it")
        out().stream.flush()
        if arguments.open:
            import webbrowser

            webbrowser.open(address)
        _follow(file, arguments, shown, seen, first)
    return 0


def _read(file: str, arguments: argparse.Namespace) -> Compiled | str:
    """The file as it is, or why it cannot be read."""
    try:
        return compiled(file, arguments)
    except Failure as failure:
        return str(failure)


def _follow(file: str, arguments: argparse.Namespace, shown: Shown, seen: dict[str, int], found: Compiled | str) -> None:
    """Show the file as it was found, and again whenever it changes, or one that it may use."""
    while True:
        if _show(shown, found, whole=False) and stamps([file]) == seen:
            _show(shown, found, whole=True)
        while (now := stamps([file])) == seen:
            time.sleep(_PAUSE)
        time.sleep(_SETTLING)
        while (later := stamps([file])) != now:  # some editors empty a file before they write it
            now = later
            time.sleep(_SETTLING)
        seen, found = now, _read(file, arguments)


def _show(shown: Shown, found: Compiled | str, *, whole: bool) -> bool:
    """Show the messages and the page, or what of it is seen first, which takes less time; returns whether there is a page."""
    if isinstance(found, str):
        shown.show(found)
        return False
    messages = plain([each for each in found.diagnostics if each.severity != "note"], 20)
    if found.network is None:
        shown.show(messages)
        return False
    try:
        made = page([found.network], whole=whole)
    except Exception as error:  # the last good page stays, and the server runs on
        err().message(f"archspec: cannot make the page: {type(error).__name__}: {error}")
        shown.show(messages or str(error))
        return False
    shown.show(messages, made.html)
    return True
