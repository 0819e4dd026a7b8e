"""Specs in documents: the parts below them, and real builds by MkDocs, Zensical and Sphinx."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec

import pytest

from archspec.documents.fenced import settings_of, shown
from archspec.documents.superfences import formatter
from archspec.live.addresses import text_of
from tests.helpers.paths import ROOT

LENET = "input 32x32x1\nconv k=5 f=6 | tanh\nfc 10\n"
WRONG = "input 7x7x1\nconv k=3 f=1 s=3\n"


class Words(HTMLParser):
    """The text of a page, and its links."""

    def __init__(self, page):
        super().__init__()
        self.text, self.links = "", []
        self.feed(page)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name == "href"]


def names(made):
    return [part.name for part in made.parts]


def test_nothing_is_shown_unless_it_is_asked_for():
    made = shown(WRONG, settings_of())
    assert made.parts == () and made.mistakes == () and made.link == ""
    assert Words(made.html()).text.strip() == WRONG.strip()
    assert '<span class="nf">conv</span>' in made.code


def test_a_table_and_a_picture():
    made = shown(LENET, settings_of("picture table messages"))
    assert names(made) == ["table", "picture"]
    assert "47,206" in made.parts[0].text and made.html().count("<table>") == 1 == made.html().count("<svg")


def test_errors_are_shown_in_place_of_a_table():
    made = shown(WRONG, settings_of("table"), name="net.arch")
    assert names(made) == ["messages"] and "error[A203]" in made.parts[0].text
    assert made.mistakes == ("net.arch:2:1: A203 height (7 - 3)/3 + 1 = 2.33 does not fit",)
    assert shown(WRONG, settings_of("table"), wrong=True).mistakes == ()


def test_a_fence_says_what_it_shows():
    assert names(shown(LENET, settings_of("table"), show="picture")) == ["picture"]
    assert names(shown(LENET, settings_of("table"), show="")) == []
    assert names(shown(f"param n = 1\n{LENET}", settings_of("messages"))) == ["messages"]


def test_files_are_found(tmp_path):
    (tmp_path / "b.arch").write_text("block b(n):\n  fc n\n", encoding="utf-8")
    used = 'use "b.arch"\ninput 8\nb 4\n'
    assert shown(used, settings_of("table")).mistakes
    assert not shown(used, settings_of("table", base=str(tmp_path))).mistakes
    assert not shown('use "blocks/resnet.arch"\ninput 8\nfc 4\n', settings_of("table")).mistakes


def test_a_link_holds_the_spec():
    (link,) = Words(shown(LENET, settings_of(playground="a/b?c=1&d=2")).html()).links
    address, _, fragment = link.partition("#")
    assert address == "a/b?c=1&d=2" and text_of(f"#{fragment}") == LENET


def test_a_spec_stays_text():
    hostile = 'model "</pre><script>alert(1)</script>"\ninput 8\nfc 1\n<img src=x>\n'
    page = shown(hostile, settings_of("table messages", playground="p")).html()
    assert "<script" not in page and "<img" not in page


def test_other_parts_are_refused():
    with pytest.raises(ValueError, match="messages, table, picture, and not `tabel`"):
        formatter("tabel")
    with pytest.raises(ValueError, match="not `figure`"):
        shown(LENET, settings_of(), show="figure")


def test_importing_a_network_imports_no_document():
    code = "import sys, archspec.documents.superfences; assert not {'sphinx', 'docutils', 'markdown', 'pygments'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# real builds

PAGE = f"""# A page

```arch {{show="table picture"}}
{LENET}```

```arch {{wrong show="table"}}
{WRONG}```
"""
MKDOCS = """site_name: a
theme: {name: material, font: false}
markdown_extensions:
  - attr_list
  - pymdownx.superfences:
      custom_fences:
        - name: arch
          class: arch
          format: !!python/object/apply:archspec.documents.superfences.formatter
            kwds: {playground: https://example.org/play/}
"""


def run(*words, folder):
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1", "HOME": str(folder)}
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "words"), [("material", ("mkdocs", "build", "--strict")), ("zensical", ("zensical", "build", "--strict"))]
)
def test_mkdocs_builds_it(tool, words, tmp_path):
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(MKDOCS, encoding="utf-8")
    done = run(*words, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    words = Words(page)
    assert "47,206" in words.text and "error[A203]" in words.text and page.count('class="archspec-picture"') == 1
    assert [text_of(f"#{link.partition('#')[2]}") for link in words.links if link.startswith("https://example.org/play/")] == [LENET, WRONG]


@pytest.mark.slow
def test_a_mistake_fails_a_strict_build_of_mkdocs(tmp_path):
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f'```arch {{show="table"}}\n{WRONG}```\n', encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(MKDOCS, encoding="utf-8")
    done = run("mkdocs", "build", "--strict", folder=tmp_path)
    assert done.returncode != 0 and "A203" in done.stderr


REST = """A page
======

.. archspec::
   :show: table picture

   input 32x32x1
   conv k=5 f=6 | tanh
   fc 10

.. archspec:: net.arch
   :wrong:
"""


def sphinx(folder, builder, page, *options):
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    (folder / "index.rst").write_text(page, encoding="utf-8")
    (folder / "net.arch").write_text(WRONG, encoding="utf-8")
    (folder / "conf.py").write_text('extensions = ["archspec.documents.sphinx"]\narchspec_show = "table"\n', encoding="utf-8")
    return run("sphinx", "-q", "-W", "-b", builder, *options, ".", "out", folder=folder)


@pytest.mark.slow
def test_sphinx_builds_it(tmp_path):
    done = sphinx(tmp_path, "html", REST, "-D", "archspec_playground=https://example.org/play/")
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    words = Words(page)
    assert "47,206" in words.text and "error[A203]" in words.text and page.count("<svg") == 1
    assert [text_of(f"#{link.partition('#')[2]}") for link in words.links if "play/" in link] == [LENET, WRONG]
    assert re.search(r'<span class="nf">conv</span>', page)


@pytest.mark.slow
def test_sphinx_writes_text(tmp_path):
    assert sphinx(tmp_path, "text", REST).stderr == ""
    text = (tmp_path / "out" / "index.txt").read_text(encoding="utf-8")
    assert "47,206" in text and "error[A203]" in text and "<" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "told"),
    [
        (".. archspec:: net.arch\n", "net.arch:2:1: A203"),
        (".. archspec:: nowhere.arch\n", "nowhere.arch"),
        (".. archspec::\n   :show: figure\n\n   input 8\n", "not `figure`"),
        (".. archspec::\n", "takes a spec, or the name of a file"),
    ],
)
def test_mistakes_fail_a_strict_build_of_sphinx(page, told, tmp_path):
    done = sphinx(tmp_path, "html", f"A\n=\n\n{page}")
    assert done.returncode != 0 and told in done.stderr
