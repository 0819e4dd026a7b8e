"""Makes the playground as a folder of static files: `python playground/build.py OUT`. Any web server shows them, in a folder of any name.

The page is the one that `archspec play` serves; Python comes from the npm package pyodide, and archspec from this checkout. It needs npm.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PYODIDE = HERE / "node_modules" / "pyodide"
PAGE = ROOT / "archspec" / "live" / "play"
NOT_NEEDED = ("cli", "live/play", "backends/train/scripts")
"""Parts of archspec that the engine never imports."""
UNUSED = """
_pyrepl asyncio/proactor_events asyncio/windows_events asyncio/windows_utils bdb cProfile cmd code concurrent/interpreters
configparser ctypes doctest filecmp ftplib getpass http imaplib logging/config logging/handlers mailbox mimetypes multiprocessing
netrc optparse pdb pickletools plistlib poplib profile pstats pty py_compile pyclbr pydoc sched smtplib socketserver sqlite3 ssl
statistics symtable tabnanny tarfile timeit trace tracemalloc unittest uuid webbrowser wsgiref xml/dom xml/sax xmlrpc zipapp
"""
"""Modules and packages of the standard library that neither Pyodide nor archspec imports here: tests/live/test_playground.py runs everything."""
ENCODINGS = """
__init__ aliases ascii charmap cp437 idna latin_1 punycode raw_unicode_escape unicode_escape utf_16 utf_16_be utf_16_le utf_32 utf_32_be
utf_32_le utf_8 utf_8_sig
"""
"""The codecs that are kept."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", metavar="OUT", type=Path, help="the folder, which is emptied first")
    out = parser.parse_args().out
    if out.exists() and any(out.iterdir()) and not (out / "archspec.zip").exists():
        sys.exit(f"{out} holds something else than a playground: name an empty folder")
    if not PYODIDE.is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=HERE, check=True)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for path in (*sorted(PAGE.iterdir()), HERE / "src" / "worker.js", PYODIDE / "pyodide.asm.wasm"):
        shutil.copyfile(path, out / path.name)
    for name in ("pyodide", "pyodide.asm"):  # servers know the type of .js, not all that of .mjs
        text = (PYODIDE / f"{name}.mjs").read_text(encoding="utf-8")
        (out / f"{name}.js").write_text(text.replace("pyodide.asm.mjs", "pyodide.asm.js"), encoding="utf-8", newline="\n")
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text(encoding="utf-8"))
    (out / "pyodide-lock.json").write_text(json.dumps({**lock, "packages": {}}), encoding="utf-8", newline="\n")
    pack(out / "python_stdlib.zip", library())
    pack(out / "archspec.zip", package())
    print(f"{out}: {sum(path.stat().st_size for path in out.iterdir()):,} bytes")
    return 0


def library() -> Iterator[tuple[str, bytes]]:
    """Yield the files of Python's standard library that are used."""
    unused, encodings = set(UNUSED.split()), set(ENCODINGS.split())
    with zipfile.ZipFile(PYODIDE / "python_stdlib.zip") as archive:
        for name in archive.namelist():
            parts = name.removesuffix(".py").split("/")
            if parts[0] == "encodings":
                wanted = parts[1] in encodings
            else:
                wanted = not {"/".join(parts[:at]) for at in (1, 2)} & unused
            if wanted and not name.endswith("/"):
                yield name, archive.read(name)


def package() -> Iterator[tuple[str, bytes]]:
    """Yield archspec's files as an installed package has them."""
    for path in sorted((ROOT / "archspec").rglob("*")):
        name = path.relative_to(ROOT / "archspec").as_posix()
        if path.is_file() and path.suffix != ".pyc" and not any(name == part or name.startswith(f"{part}/") for part in NOT_NEEDED):
            yield f"archspec/{name}", path.read_bytes()
    for folder in ("specs", "grammars"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file():
                yield f"archspec/_data/{path.relative_to(ROOT).as_posix()}", path.read_bytes()


def pack(target: Path, files: Iterator[tuple[str, bytes]]) -> None:
    """Write an archive with the same bytes every time."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)


if __name__ == "__main__":
    sys.exit(main())
