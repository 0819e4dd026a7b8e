"""`archspec serve`: the page is remade when the file is saved, and nobody else gets it."""

import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import archspec
from archspec.views.page import page
from tests.helpers.paths import ROOT

GOOD = "input 8x8x3\nfc 10\n"
WHOLE = 2
"""The number of the first page that has all pictures: page 1 has one."""


class Browser:
    """What a browser does: pages, and the stream of changes."""

    def __init__(self, port):
        self.port = port
        self.stream = None

    def get(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer, body

    def change(self):
        """The next change."""
        if self.stream is None:
            self.stream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.stream.request("GET", "/changes")
            self.answer = self.stream.getresponse()
            assert self.answer.headers["Content-Type"] == "text/event-stream"
        while not (line := self.answer.readline()).startswith(b"data: "):
            assert line
        return json.loads(line.removeprefix(b"data: "))

    def until(self, holds):
        while not holds(found := self.change()):
            pass
        return found


@pytest.fixture
def served(tmp_path):
    (tmp_path / "net.arch").write_text(GOOD)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "archspec", "serve", "net.arch"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[0]
    browser = Browser(int(address.removeprefix("http://127.0.0.1:").rstrip("/")))
    yield tmp_path, browser
    if browser.stream is not None:
        browser.answer.close()
        browser.stream.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr.read() == ""
    process.stdout.close()
    process.stderr.close()


def test_the_page_is_remade_on_save(served):
    folder, browser = served
    first = browser.until(lambda state: state["page"] == WHOLE)
    assert (first["messages"], "1,930" in browser.get("/page")[1]) == ("", True)
    (folder / "net.arch").write_text("input 8x8x3\nfc 20\n")
    second = browser.until(lambda state: "3,860" in browser.get("/page")[1])
    assert (second["page"] > first["page"], second["messages"]) == (True, "")


def test_what_is_seen_first_comes_first(served):
    """A page with one picture, then one with all."""
    _, browser = served
    browser.until(lambda state: state["page"] == WHOLE)
    picture = '<details class="picture"'
    assert browser.get("/page")[1].count(picture) > 1
    assert page([archspec.loads(GOOD)], whole=False).html.count(picture) == 1


def test_the_last_good_page_stays_under_the_messages(served):
    folder, browser = served
    first = browser.until(lambda state: state["page"] == WHOLE)
    (folder / "net.arch").write_text("input 8x8x3\nfcc 10\n")
    broken = browser.until(lambda state: "there is no layer or block `fcc`" in state["messages"])
    assert broken["page"] == first["page"]
    assert "1,930" in browser.get("/page")[1]
    (folder / "net.arch").unlink()
    assert browser.until(lambda state: "No such file" in state["messages"])["page"] == first["page"]
    (folder / "net.arch").write_text(GOOD)
    assert browser.until(lambda state: not state["messages"])["page"] > first["page"]


def test_a_used_file_counts(served):
    folder, browser = served
    (folder / "parts.arch").write_text("block unit(): fc 10\n")
    (folder / "net.arch").write_text('use "parts.arch"\ninput 8x8x3\nunit\n')
    browser.until(lambda state: "unit1" in browser.get("/page")[1])
    (folder / "parts.arch").write_text("block unit(): fc 20\n")
    browser.until(lambda state: "3,860" in browser.get("/page")[1])


def test_pages_hold_only_what_is_theirs(served):
    _, browser = served
    answer, body = browser.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert (answer.status, "frame-ancestors 'none'" in policy, "default-src 'none'" in policy) == (200, True, True)
    assert "unsafe" not in policy
    assert body.count("http://") == body.count("https://") == 0
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert browser.get("/", "HEAD")[1] == ""
    assert browser.get("/net.arch")[0].status == browser.get("/../net.arch")[0].status == 404
    assert browser.get("/", "POST")[0].status == 501


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "", "localhost.evil.example"])
def test_another_name_is_refused(served, host):
    """A name elsewhere that leads here, and a port that is not ours."""
    _, browser = served
    for path in ("/", "/page", "/changes"):
        answer, body = browser.get(path, Host=host)
        assert answer.status == 421
        assert "net.arch" not in body
    assert browser.get("/", Host=f"localhost:{browser.port}")[0].status == 200


def test_other_pages_get_nothing(served):
    _, browser = served
    assert browser.get("/page", **{"Sec-Fetch-Site": "cross-site"})[0].status == 421
    assert browser.get("/page", **{"Sec-Fetch-Site": "same-origin"})[0].status == 200


def test_only_this_machine_is_listened_to(served):
    _, browser = served
    table = Path("/proc/net/tcp")
    listening = [line.split()[1] for line in table.read_text().splitlines()[1:]] if table.exists() else []
    assert [address for address in listening if address.endswith(f":{browser.port:04X}") and not address.startswith("0100007F")] == []


@pytest.mark.parametrize("words", [("-",), ("missing.arch",), ("lenet5", "--port", "99999")])
def test_what_cannot_be_served(archspec_command, words, tmp_path):
    done = archspec_command("serve", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")


@pytest.mark.slow
def until(tab, holds):
    """Wait until something holds, for some seconds; while a frame loads again nobody can tell."""
    error = pytest.importorskip("playwright.sync_api").Error
    for _ in range(100):
        with suppress(error):
            if holds():
                return
        tab.wait_for_timeout(100)
    pytest.fail("it did not come to hold")


def test_a_real_browser(served, browser):
    """The page renews itself, keeps its place, and shows messages over the last good one; nothing is asked of anybody else."""
    folder, other = served
    (folder / "net.arch").write_text("input 32x32x3\n" + "conv k=3 f=8 p=1 | relu\n" * 30)
    wrong, asked = [], set()
    tab = browser.new_page()
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text))
    tab.on("request", lambda request: asked.add(request.url.partition("?")[0]))
    tab.goto(f"http://127.0.0.1:{other.port}/")
    inside = tab.frame_locator("iframe")
    inside.get_by_text("conv30").first.wait_for(state="attached")
    body = inside.locator("body")
    until(tab, lambda: body.evaluate("(scrollTo(0, 300), scrollY)") == 300)  # a page is scrolled once it is laid out
    (folder / "net.arch").write_text("input 32x32x3\nconvv k=3 f=8\n")
    tab.get_by_role("alert").get_by_text("there is no layer or block `convv`").wait_for()
    assert inside.get_by_text("conv30").count()
    (folder / "net.arch").write_text("input 32x32x3\n" + "conv k=3 f=8 p=1 | relu\n" * 31)
    inside.get_by_text("conv31").first.wait_for(state="attached")
    tab.get_by_role("alert").wait_for(state="hidden")
    until(tab, lambda: body.evaluate("scrollY") == 300)
    tab.close()
    assert wrong == []
    assert asked == {f"http://127.0.0.1:{other.port}/{path}" for path in ("", "page", "changes")}
