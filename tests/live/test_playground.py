"""The playground as static files: Python in a browser gives the answers of this one, within its budget, and sends no request to another origin."""

import json
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

import archspec
from archspec.finding import bundled_names, specs_folder
from archspec.live.addresses import fragment
from archspec.live.answers import KINDS, Engine
from tests.helpers.browser import Watched
from tests.helpers.paths import CASES, ROOT
from tests.helpers.specs import VARIED
from tests.helpers.tables import cells

FOLDER = ROOT / "playground"
BUDGET = 6_000_000
"""Bytes of all files, compressed by Brotli as those who serve them compress them once."""


@pytest.fixture(scope="module")
def node():
    if shutil.which("node") is None or not (FOLDER / "node_modules" / "pyodide").is_dir():
        pytest.skip("there is no node, or `npm ci` was not run in playground/")


def test_the_page_in_the_package_is_that_of_its_sources(node, tmp_path):
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=FOLDER, check=True)
    bundled = ROOT / "archspec" / "live" / "play"
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in bundled.iterdir()}
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (bundled / path.name).read_bytes(), f"run `npm run build` in playground/: {path.name}"


@pytest.fixture(scope="module")
def built(node, tmp_path_factory):
    out = tmp_path_factory.mktemp("static") / "site" / "some folder" / "playground"
    subprocess.run([sys.executable, FOLDER / "build.py", out], check=True, capture_output=True)
    return out


@pytest.mark.slow
def test_the_budget(built, tmp_path):
    program = (
        "const z=require('zlib'),fs=require('fs');let all=0;for(const f of fs.readdirSync(process.argv[1]))"
        "all+=z.brotliCompressSync(fs.readFileSync(process.argv[1]+'/'+f),{params:{[z.constants.BROTLI_PARAM_QUALITY]:11}}).length;console.log(all)"
    )
    done = subprocess.run(["node", "-e", program, built], capture_output=True, text=True, check=True)
    assert int(done.stdout) < BUDGET


def test_another_folder_is_not_emptied(node, tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    done = subprocess.run([sys.executable, FOLDER / "build.py", tmp_path], capture_output=True, text=True)
    assert (done.returncode, (tmp_path / "thesis.txt").exists()) == (1, True)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        """Nothing is listed."""


@pytest.fixture(scope="module")
def address(built):
    """Of a plain web server, in a folder below its root."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(built.parents[1])))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/some%20folder/playground/"
    server.shutdown()


@pytest.fixture(scope="module")
def tab(address, browser):
    watched = Watched(browser)
    watched.open(address)
    yield watched
    watched.close()


def opened(tab, name):
    """The table of a bundled spec, once it is shown."""
    tab.tab.select_option("#examples", name)
    return tab.table()


@pytest.mark.slow
def test_every_bundled_spec_has_the_table_of_the_command(tab, archspec_command):
    for name in bundled_names():
        assert opened(tab, name) == cells(archspec_command("table", name, "--format", "html").out), name
    assert tab.wrong == []


def test_a_bundled_spec_and_a_mistake(tab, address, archspec_command):
    assert opened(tab, "lenet5") == cells(archspec_command("table", "lenet5", "--format", "html").out)
    tab.write("input 8x8x3\nconv k=3 f=4\nfcc 3\n")
    tab.status("1 error")
    tab.tab.locator("#messages .fix").first.click()
    tab.status("547 parameters")
    for pane in ("picture", "layer", "code", "quiz", "formulas", "table"):
        tab.tab.click(f"#tab-{pane}")
        tab.settled()
        assert tab.tab.locator("#pane > *").count()
    assert tab.wrong == []
    assert {url for url in tab.asked if not url.startswith((address, "about:", "blob:"))} == set()


ASK = """async (requests) => {
  window.worker ??= new Worker("worker.js", { type: "module" });
  const worker = window.worker, found = [];
  for (const [number, request] of requests.entries())
    found.push(await new Promise((answer) => {
      worker.onmessage = ({ data }) => data.failed ? answer(data) : data.number === number && answer(data.answer);
      worker.postMessage({ number, request });
    }));
  return found;
}"""


@pytest.mark.slow
def test_python_in_the_browser_answers_as_this_one(tab):
    """The table of specs that hold all layers and of cases of the tests, and a third of the other requests about each in turn.

    No module is missing, and no number differs.
    """
    engine = Engine()
    texts = [(name, (specs_folder() / f"{name}.arch").read_text(encoding="utf-8")) for name in VARIED]
    texts += [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.arch"))[::4]]
    for number, (name, text) in enumerate(texts):
        kinds = [kind for at, kind in enumerate(KINDS) if kind == "table" or at % 3 == number % 3]
        requests = [{"kind": kind, "name": name, "text": text, "spec": name, "line": 9, "character": 3} for kind in kinds]
        requests.append({"kind": "code", "name": name, "text": text, "target": "keras"})
        wanted = [json.loads(engine.answered(json.dumps(request).encode())) for request in requests]
        assert [_labels(each) for each in tab.tab.evaluate(ASK, requests)] == [_labels(each) for each in wanted], name


def _labels(answer):
    """An answer; of a picture its words, since other versions of Python add the widths of boxes up in another way, from Python 3.12 on."""
    return sorted(re.findall(">([^<>]+)<", answer["svg"])) if "svg" in answer else answer


def test_a_model_is_opened(tab, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    (tmp_path / "lenet.onnx").write_bytes(archspec.to_onnx(archspec.load("lenet5")).SerializeToString())
    tab.tab.set_input_files("#file", tmp_path / "lenet.onnx")
    tab.status("61.7k parameters")
    assert tab.wrong == []


def test_an_address_with_a_spec(tab, address):
    tab.open(address + fragment("input 8\nfc 3\n"))
    tab.status("27 parameters")
    tab.open(address + "#spec=AAAA")
    tab.status("the spec in the address is damaged")


def test_in_a_frame_of_the_same_site(tab, address, built):
    """A page of documents may show it; nothing is stored in it that a frame could steal."""
    (built.parent / "frame.html").write_text(f'<iframe src="playground/{fragment("input 8")}" title="playground"></iframe>')
    tab.tab.goto(address.removesuffix("playground/") + "frame.html")
    tab.tab.frame_locator("iframe").locator("#status").get_by_text("the spec has errors").or_(
        tab.tab.frame_locator("iframe").locator("#editor")
    ).first.wait_for()


def test_without_webassembly(address, browser):
    watched = Watched(browser)
    watched.tab.add_init_script("delete globalThis.WebAssembly")
    watched.open(address)
    watched.status("runs no WebAssembly")
    assert watched.tab.locator(".cm-content").count()
    assert watched.wrong == []
    watched.close()
