"""A real browser for tests of pages, where playwright and Chromium are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]


_PASTE = """(element, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


@contextmanager
def chromium() -> Iterator[Any]:
    """A running Chromium; the test is skipped, with the reason, where there is none."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium")
    with sync.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield running
        running.close()


class Watched:
    """A tab, what went wrong in it, and the origins and paths that it asked for."""

    def __init__(self, running: Any, **options: Any) -> None:
        self.tab = running.new_context(**options).new_page()
        self.tab.set_default_timeout(60_000)
        self.wrong: list[str] = []
        self.asked: set[str] = set()
        self.tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.tab.on("console", lambda message: self.wrong.append(message.text) if message.type in ("error", "warning") else None)
        self.tab.on("request", lambda request: self.asked.add(request.url.partition("#")[0]))

    def close(self) -> None:
        self.tab.context.close()

    def open(self, address: str) -> Any:
        """Open the playground and wait until it has answered."""
        self.tab.goto("about:blank")
        self.tab.goto(address)
        self.tab.wait_for_selector("html[data-ready]", state="attached")
        return self.tab

    def write(self, text: str) -> None:
        """Paste a text in place of the one in the editor."""
        self.tab.locator(".cm-content").click()
        self.tab.keyboard.press("Control+a")
        self.tab.locator(".cm-content").evaluate(_PASTE, text)

    def settled(self) -> None:
        """Wait until the page shows the text as it is."""
        self.tab.wait_for_selector("#pane[aria-busy=false]", state="attached")

    def table(self) -> list[list[str]]:
        """The cells of the table that is shown, its totals last."""
        self.settled()
        return self.tab.evaluate(
            "() => [...document.querySelectorAll('#pane :is(tbody, tfoot) tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
        )

    def status(self, words: str) -> None:
        """Wait until the status line has words in it."""
        self.tab.locator("#status").get_by_text(words).wait_for()
