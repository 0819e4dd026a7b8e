"""`archspec play`."""

from __future__ import annotations

import argparse
import gc
from contextlib import suppress
from pathlib import Path

from archspec.cli.arguments import whole
from archspec.cli.failure import Failure, reading, reason
from archspec.cli.screen import out
from archspec.cli.specs import read
from archspec.imports.opening import foreign, from_file
from archspec.live.loopback import HOST

EXAMPLES = (
    ("play", "write a spec in the browser, with shapes, pictures, code and a quiz beside it"),
    ("play net.arch", "begin with the text of a file"),
    ("play resnet50 --no-browser --port 8000", "print the address only, at a port of your choice"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="a spec, a bundled one by its name, or a model as for `import`, to begin with. It is read once and never written: the page saves copies",
    )
    parser.add_argument("--port", metavar="N", type=whole, default=0, help="the port to listen at (default: a free one)")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")


def run(arguments: argparse.Namespace) -> int:
    from archspec.live.answers import Engine
    from archspec.live.play_server import serve_playground

    if not 0 <= arguments.port < 65536:
        raise Failure(f"expected a port from 1 to 65535, found {arguments.port}")
    folder, begin = _begin(arguments.file)
    try:
        server = serve_playground(Engine(folder), begin, arguments.port)
    except OSError as error:
        raise Failure(f"cannot listen at {HOST}:{arguments.port}: {reason(error)}") from None
    gc.enable()  # it runs for hours
    address = f"http://{HOST}:{server.server_port}/"
    out().line(f"{address} is the playground; Ctrl-C ends it")
    out().stream.flush()
    if not arguments.no_browser:
        import webbrowser

        webbrowser.open(address)
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


def _begin(file: str | None) -> tuple[Path | None, dict[str, str]]:
    """The folder that `use` looks in, and what the page begins with. Raises Failure."""
    if file is None:
        return None, {}
    if file == "-":
        raise Failure("expected a file to begin with, found standard input")
    if foreign(file) is not None:
        with reading():
            found = from_file(file)
        return None, {"name": found.network.name, "text": found.text}
    text = read(file)
    return text.base, {"name": Path(text.name).stem, "text": text.text}
