"""`archspec play`: the page that ships with the package, answered by this machine's Python, and by nobody else's page."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from archspec.finding import specs_folder
from archspec.live.addresses import fragment, text_of
from tests.helpers.browser import Watched
from tests.helpers.paths import ROOT
from tests.helpers.tables import cells

LENET = (specs_folder() / "lenet5.arch").read_text()


class Served:
    """A running `archspec play`."""

    def __init__(self, port):
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    @property
    def token(self):
        page = self.ask("GET", "/")[1]
        return re.search(r"&quot;token&quot;: &quot;([\w-]+)&quot;", page)[1]

    def post(self, request, **headers):
        given = {"Origin": self.origin, "X_Archspec_Token": self.token} | headers
        return self.ask("POST", "/answer", json.dumps(request), **{name: value for name, value in given.items() if value is not None})


@contextmanager
def playing(folder, *words):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "archspec", "play", "--no-browser", *words]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[0]
    try:
        yield Served(int(address.removeprefix("http://127.0.0.1:").rstrip("/")))
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr.read() == ""
    process.stdout.close()
    process.stderr.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with playing(tmp_path_factory.mktemp("play")) as found:
        yield found


def test_the_page_and_an_answer(served):
    answer, page = served.ask("GET", "/")
    policy = answer.headers["Content-Security-Policy"]
    assert (answer.status, "frame-ancestors 'none'" in policy, "unsafe" in policy) == (200, True, False)
    for name in re.findall(r'(?:src|href)="(\w[^":]*)"', page):
        assert served.ask("GET", f"/{name}")[0].status == 200
    answer, body = served.post({"kind": "table", "text": LENET})
    assert (answer.status, json.loads(body)["totals"]) == (200, ["total", "", "", "61,706", "416,520"])
    assert answer.headers["Content-Type"] == "application/json"


def test_nothing_else_is_there(served):
    for path in ("/index.html", "/../answers.py", "/play/play.js", "/answer", "/answers.py", "//etc/passwd"):
        assert served.ask("GET", path)[0].status == 404, path
    assert served.ask("POST", "/", "{}")[0].status == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "", "localhost.evil.example"])
def test_another_name_is_refused(served, host):
    for method, path in (("GET", "/"), ("GET", "/play.js"), ("POST", "/answer")):
        answer, body = served.ask(method, path, "{}", Host=host)
        assert (answer.status, "token" in body) == (421, False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": None}, {"Origin": "http://127.0.0.1:1"}, {"X_Archspec_Token": None},
        {"X_Archspec_Token": "x" * 32}, {"X_Archspec_Token": "é"}, {"Origin": "https://127.0.0.1"}, {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)  # fmt: skip
def test_other_pages_get_no_answer(served, headers):
    answer, body = served.post({"kind": "table", "text": LENET}, **headers)
    assert answer.status in (403, 421)
    assert "61,706" not in body
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_sizes_that_make_no_sense(served):
    own = {"Origin": served.origin, "X_Archspec_Token": served.token}
    for length in ("-1", "1e3", "99999999999999", "²", "0x10", ""):
        assert served.ask("POST", "/answer", "", Content_Length=length, **own)[0].status in (400, 413), length
    assert served.ask("POST", "/answer", "x", **own)[1] == '{"error": "a request is an object of JSON"}'


def test_a_file_is_where_the_text_comes_from(tmp_path):
    (tmp_path / "parts.arch").write_text("block unit(): fc 7\n")
    (tmp_path / "<b>&.arch").write_text('use "parts.arch"\ninput 8\nunit # </script><b>"\n')
    with playing(tmp_path, "<b>&.arch") as served:
        page = served.ask("GET", "/")[1]
        assert "</script><b>" not in page.replace('<script type="module" src="play.js"></script>', "")
        text = (tmp_path / "<b>&.arch").read_text()
        assert json.loads(served.post({"kind": "table", "text": text})[1])["totals"][3] == "63"


@pytest.mark.parametrize("words", [("-",), ("missing.arch",), ("lenet5", "--port", "99999")])
def test_what_cannot_be_played(archspec_command, words, tmp_path):
    done = archspec_command("play", "--no-browser", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")


@pytest.fixture(scope="module")
def tab(served, browser):
    watched = Watched(browser)
    yield watched
    watched.close()


def test_a_spec_is_written(served, tab, archspec_command):
    """Shapes at the ends of lines, messages with fixes, a table like the command's; a spec that is half written leaves the last table."""
    page = tab.open(served.origin)
    assert page.locator(".cm-hint").nth(1).text_content() == "28x28x6  156 params"
    tab.write("input 32x32x3\nconv k=3 f=8 p=1 | relu\nfc 10\n")
    tab.status("82.2k parameters")
    before = tab.table()
    tab.write("input 32x32x3\nconvv k=3 f=8 p=1 | relu\n")
    tab.status("1 error")
    assert tab.table() == before
    tab.settled()
    assert "stale" in page.locator("#pane").get_attribute("class")
    assert page.locator(".cm-lintRange-error").count()
    page.locator("#messages .fix").first.click()
    tab.status("224 parameters")
    page.select_option("#examples", "resnet18")
    tab.status("11.7M parameters")
    assert tab.table() == cells(archspec_command("table", "resnet18", "--format", "html").out)
    for text, name in ((None, "resnet18.arch"), ("input 8\nfc 3\n", "model.arch")):
        if text is not None:
            tab.write(text)  # over all of the example, whose name it does not keep
        with page.expect_download() as saved:
            page.click("#save")
        assert saved.value.suggested_filename == name
    assert tab.wrong == []
    assert {address.partition("?")[0] for address in tab.asked} - {"about:blank"} == {
        f"{served.origin}/{path}" for path in ("", "play.js", "play.css", "answer")
    }


@pytest.mark.slow
def test_every_tab_is_reached_by_keys(served, tab):
    page = tab.open(served.origin + "/" + fragment(LENET))
    page.locator("#tab-table").focus()
    shown = []
    for _ in range(6):
        tab.settled()
        shown.append(page.locator("#pane").inner_text()[:40])
        page.keyboard.press("ArrowRight")
    assert page.locator("#tab-table").get_attribute("aria-selected") == "true"
    assert len(set(shown)) == 6
    page.locator(".cm-content").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.shadowRoot === null"), "Tab leaves the editor"
    assert tab.wrong == []


@pytest.mark.slow
def test_completion_and_hover(served, tab):
    page = tab.open(served.origin)
    tab.write("input 8x8x3\n")
    page.keyboard.type("max")
    page.locator(".cm-tooltip-autocomplete, .cm-lintRange").first.wait_for()
    tab.write("input 8x8x3\nconv k=3 f=4\n")
    tab.status("112 parameters")
    page.get_by_text("conv", exact=True).first.hover()
    page.locator(".cm-tooltip .about").get_by_text("108 weights + 4 biases").wait_for()


@pytest.mark.parametrize("damaged", ["#spec=", "#spec=AAAA", "#spec=%3Cb%3E", "#spec=" + "A" * 20_000])
def test_damaged_addresses(served, tab, damaged):
    page = tab.open(f"{served.origin}/{damaged}")
    tab.status("the spec in the address is damaged")
    assert page.locator(".cm-hint").count(), "the page begins as without it"


@pytest.mark.slow
def test_addresses_hold_the_spec(served, tab):
    """Those that Python writes are read, those that swell are refused, and the page writes what Python reads."""
    page = tab.open(served.origin + "/" + fragment("input 8 # é 🙂\nfc 3\n"))
    tab.status("27 parameters")
    large = fragment("#" * 3_000_000)
    tab.open(served.origin + "/" + large)
    tab.status("larger than 1,048,576 bytes")
    page.wait_for_timeout(600)
    assert page.evaluate("location.hash") == large, "an address stays as it came, until something is written"
    tab.write("input 16 # 中\nfc 3\n")
    tab.status("51 parameters")
    page.wait_for_function("() => location.hash.length < 100")
    assert text_of(page.evaluate("location.hash")) == "input 16 # 中\nfc 3\n"


def test_it_is_in_no_frame(served, tab):
    """Of a page elsewhere: the browser refuses it."""
    tab.tab.route(
        "http://evil.example/", lambda route: route.fulfill(body=f'<iframe src="{served.origin}/"></iframe>', content_type="text/html")
    )
    tab.tab.goto("http://evil.example/")
    tab.tab.wait_for_timeout(500)
    assert not any(frame.url.startswith(served.origin) and frame.locator("#editor").count() for frame in tab.tab.frames)
