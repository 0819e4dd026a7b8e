"""A session in the real Visual Studio Code, before a release: `python -m tests.live.in_code_server PACKAGE VSIX --screenshots DIR`.

VSIX is what `npm run package` makes in `editors/vscode`. PACKAGE is code-server, Visual Studio Code in a browser, unpacked and installed:

    npm pack code-server@4.100.3 && tar xzf code-server-4.100.3.tgz && cd package
    for at in . lib/vscode lib/vscode/extensions; do (cd $at && npm install --omit=dev --ignore-scripts); done
    echo 'module.exports = {}' > node_modules/argon2/argon2.js    # hashes passwords, of which there are none here

It needs playwright and Chromium. The last line says what was seen; the status is 1 where something was not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers.paths import ROOT

SPEC = "input 32x32x3\nstem: conv k=5 f=16 p=2 bias=no | bn | relu\npool w=2\ndense 10\n"
PORT = 18733
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def started(package: Path, vsix: Path, home: Path) -> subprocess.Popen[bytes]:
    """Install the extension, and start the editor on a folder with a spec."""
    (home / "work").mkdir()
    (home / "work" / "net.arch").write_text(SPEC, encoding="utf-8")
    settings = {"archspec.command": [sys.executable, "-m", "archspec"], "security.workspace.trust.enabled": False}
    for folder in ("User", "Machine"):
        (home / "data" / folder).mkdir(parents=True)
        (home / "data" / folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    program = [
        "node",
        str(package / "out/node/entry.js"),
        "--user-data-dir",
        str(home / "data"),
        "--extensions-dir",
        str(home / "extensions"),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(home)}
    subprocess.run([*program, "--install-extension", str(vsix)], env=environment, check=True)
    where = [
        "--auth",
        "none",
        "--bind-addr",
        f"127.0.0.1:{PORT}",
        "--disable-telemetry",
        "--disable-update-check",
        "--disable-workspace-trust",
    ]
    return subprocess.Popen([*program, *where, str(home / "work")], env=environment)


def session(folder: Path, chromium: str, screenshots: Path) -> dict[str, bool]:
    """Open the spec, point at a layer, apply a fix; returns what was seen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(120_000)
        page.goto(f"http://127.0.0.1:{PORT}/?folder={folder}")
        page.get_by_role("treeitem", name="net.arch").first.dblclick()
        text, seen = page.locator(".view-lines").first, {}
        page.locator(".squiggly-error").first.wait_for()
        page.get_by_text("32x32x16").first.wait_for()
        seen["hints"] = "1.23k params" in text.inner_text().replace("\xa0", " ")
        page.screenshot(path=screenshots / "opened.png")
        page.locator(".view-line span").filter(has_text="pool").last.hover()
        page.locator(".monaco-hover").get_by_text("16x16x16").first.wait_for()
        page.screenshot(path=screenshots / "hover.png")
        page.mouse.move(1000, 600)
        page.locator(".monaco-hover").first.wait_for(state="hidden")
        page.locator(".view-line").filter(has_text="dense").first.click()
        page.keyboard.press("Control+.")
        page.locator(".action-widget").get_by_text("fc 10").first.wait_for()
        page.screenshot(path=screenshots / "fixes.png")
        page.keyboard.press("Enter")
        page.locator(".squiggly-error").first.wait_for(state="detached")
        seen["mended"] = "fc 10" in text.inner_text().replace("\xa0", " ")
        page.screenshot(path=screenshots / "mended.png")
        browser.close()
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    parser.add_argument("vsix", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--screenshots", type=Path, default=Path())
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        editor = started(arguments.package.resolve(), arguments.vsix.resolve(), Path(home))
        try:
            time.sleep(5)
            seen = session(Path(home) / "work", arguments.chromium, arguments.screenshots)
        finally:
            editor.terminate()
            editor.wait()
    print(seen)
    return int(not all(seen.values()))


if __name__ == "__main__":
    raise SystemExit(main())
