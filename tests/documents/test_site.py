"""The site: what builds it, what checks it, and a browser that reads it from a disk."""

import re
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location

import pytest

from archspec.live.addresses import text_of
from tests.documents.test_fences import Words
from tests.helpers.paths import ROOT, SPECS

SITE = ROOT / "site"
WITHOUT = [] if (ROOT / "playground" / "node_modules" / "pyodide").is_dir() else ["--no-playground"]


def module(name):
    spec = spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


checking = module("checking")


def test_every_page_is_in_the_navigation():
    named = re.findall(r"(?:- |: )([\w.]+\.md)$", (SITE / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = [path.name for path in (ROOT / "docs").glob("*.md")]
    assert sorted(named) == sorted([*pages, "index.md", "gallery.md", "contributing.md", "changelog.md"])


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="b.html">', "`b.html` leads nowhere"),
        ('<a href="#x">', "`#x` leads to no anchor"),
        ('<a href="a.html#x">', "`a.html#x` leads to no anchor"),
        ('<img src="b.png">', "`b.png` leads nowhere"),
        ('<script src="https://example.org/a.js">', "asks for https://example.org/a.js"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "asks for //example.org/a.css"),
        ("<style>@import 'https://example.org/a.css'</style>", "asks for https://example.org/a.css"),
        ("<p style=\"background:url('https://example.org/a.png')\">", "asks for https://example.org/a.png"),
        ('<a id="x" href="#x">', None),
        ('<a href="https://example.org/">', None),
    ],
)
def test_the_checker_finds(page, problem, tmp_path):
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    assert checking.problems(tmp_path) == ([f"a.html: {problem}"] if problem else [])


def test_the_checker_reads_style_sheets(tmp_path):
    (tmp_path / "a.css").write_text("p { background: url(https://example.org/a.png) }", encoding="utf-8")
    assert checking.problems(tmp_path) == ["a.css: asks for https://example.org/a.png"]


def test_links_and_cells_for_python_markdown():
    build = module("build")
    text = "[a](tutorial.md#b) [c](../tests/conftest.py) [d](../CONTRIBUTING.md) [e](https://x.org/) `[f](g.md)`\n"
    assert build.linked(text, ROOT / "docs", "") == "[a](tutorial.md#b) c [d](contributing.md) [e](https://x.org/) `[f](g.md)`\n"
    assert "[c](https://x.org/r/tests/conftest.py)" in build.linked(text, ROOT / "docs", "https://x.org/r")
    assert build.cells("| `a \\| b` \\| |\n`a \\| b`") == "| `a | b` \\| |\n`a \\| b`"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if find_spec("zensical") is None:
        pytest.skip("Zensical is not installed")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, str(SITE / "build.py"), str(out), *WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.slow
def test_it_is_whole(site):
    """That the build succeeds says that no link is broken and that no page asks for anything elsewhere."""
    assert {path.stem for path in (site / "gallery").glob("*.svg")} == {path.stem for path in SPECS}
    page = Words((site / "gallery.html").read_text(encoding="utf-8"))
    assert all(path.read_text(encoding="utf-8").strip() in page.text for path in SPECS)
    size = (site / "gallery.html").stat().st_size + sum(path.stat().st_size for path in (site / "gallery").iterdir())
    assert size <= 3_000_000


@pytest.mark.slow
def test_no_code_is_cut_and_no_fence_is_left(site):
    for path in site.glob("*.html"):
        text = re.sub(r"<(pre|code)[^>]*>.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert "```" not in text, path.name
    assert "$ archspec table lenet.arch" in Words((site / "tutorial.html").read_text(encoding="utf-8")).text
    layers = (site / "layers.html").read_text(encoding="utf-8")
    assert 'id="conv"' in layers and "\\|" not in layers


@pytest.mark.slow
def test_specs_open_in_the_playground(site):
    if WITHOUT:
        pytest.skip("Pyodide is not installed: `npm ci` in playground/")
    assert (site / "playground" / "index.html").is_file()
    for path in site.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        links = [link for link in Words(text).links if link and link.startswith("playground/index.html#")]
        assert len(links) == text.count('<div class="archspec">'), path.name
        assert all(text_of(f"#{link.partition('#')[2]}").strip() for link in links)


@pytest.mark.slow
def test_it_is_read_and_searched_from_a_disk(site, browser):
    asked = []
    for width, scheme in ((1280, "light"), (390, "dark")):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url) if not request.url.startswith(("file:", "blob:", "data:")) else None)
        tab.on("pageerror", lambda error: asked.append(str(error)))
        for page in ("index.html", "gallery.html", "tutorial.html"):
            tab.goto((site / page).as_uri())
            tab.wait_for_timeout(300)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, page
        tab.keyboard.press("/")
        tab.keyboard.type("receptive field", delay=20)
        tab.get_by_text(re.compile(r"[1-9]\d* results")).first.wait_for()
        context.close()
    assert asked == []


@pytest.mark.slow
def test_material_builds_it_too(tmp_path):
    if find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed")
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, str(SITE / "build.py"), str(out), "--with", "mkdocs", "--no-playground"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(out.glob("*.html"))) > 30
