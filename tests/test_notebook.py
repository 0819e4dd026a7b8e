"""Notebooks: a network shows itself, and a cell can be a spec."""

from __future__ import annotations

import html.parser
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

import archspec
from archspec.ir.graph import Network
from archspec.views import display
from tests.helpers.paths import ROOT
from tests.helpers.svg import check_safe

LENET = "input 32x32x1\nconv k=5 f=6 | tanh\navgpool w=2\nfc 10 | softmax\n"


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.attributes = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs


@pytest.fixture
def shell():
    pytest.importorskip("IPython", reason="IPython is not installed")
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "archspec")
    yield shell
    shell.run_line_magic("unload_ext", "archspec")
    InteractiveShell.clear_instance()


def test_a_network_shows_its_page_and_its_table():
    network = archspec.loads(LENET, name="small.arch")
    tags = Tags(network._repr_html_())
    frame = dict(tags.attributes)
    assert frame["srcdoc"] == archspec.report(network).html and frame["sandbox"] == "allow-scripts"
    assert tags.found.index("iframe") < tags.found.index("details") < tags.found.index("table")
    assert ">small</caption>" in network._repr_html_()
    check_safe(network._repr_svg_())


@pytest.mark.slow
def test_a_large_network_shows_a_picture_and_a_folded_table():
    text = archspec.load("resnet152")._repr_html_()
    assert "<iframe" not in text and text.index("<svg") < text.index("<table>")
    assert "layer3.1..35.conv1" in text and len(text) < 200_000


def test_a_table_that_nobody_reads_is_left_out():
    text = archspec.loads("input 8\n" + "relu\n" * 3000)._repr_html_()
    assert "<table>" not in text and "3,000 layers" in text


def test_what_cannot_be_drawn_still_has_its_table(monkeypatch):
    def refuses(*_):
        raise archspec.SpecError([])

    monkeypatch.setattr("archspec.views.figures.draw", refuses)
    monkeypatch.setattr(display, "_LARGEST", 0)
    network = archspec.loads(LENET)
    assert network._repr_svg_() is None and "<table>" in network._repr_html_()


def test_hostile_names_are_inert():
    spec = 'model "</script><script>alert(1)</script>"\nmeta title="<img src=x onerror=alert(1)>"\n' + LENET
    tags = Tags(archspec.loads(spec)._repr_html_())
    assert not {"script", "img"} & set(tags.found)
    assert not any(name.startswith("on") for name, _ in tags.attributes)


@pytest.mark.slow
def test_what_a_browser_shows(visit):
    """The frame has the page and reaches nothing else; without scripts its table is there too; without the frame the folded one is."""
    shown = archspec.loads(LENET, name="small.arch")._repr_html_()
    for scripts in (True, False):
        tab = visit(f"<!DOCTYPE html><title>notebook</title>{shown}", java_script_enabled=scripts)
        table = tab.frame_locator("iframe").locator("table").first
        assert table.is_visible() and "conv k=5 f=6" in table.inner_text()
        assert not tab.locator("details table").is_visible()
    tab = visit(re.sub(r"<iframe.*?</iframe>", "", shown, flags=re.DOTALL))
    tab.get_by_text("The table alone").click()
    assert tab.locator("details table").is_visible()


def test_the_graph_knows_nothing_of_pictures():
    code = "import archspec.ir.graph as g, sys; assert g.Network.views == {} and 'archspec.api' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    assert set(Network.views) == {"html", "svg", "text"}


def test_a_comparison_shows_itself():
    found = archspec.compare([archspec.load("vgg16"), archspec.load("vgg19")])
    ElementTree.fromstring(found._repr_svg_())
    assert found._repr_html_().count("<table>") == 2


def test_a_cell_is_a_spec(shell, capsys):
    done = shell.run_cell("%%archspec net\n" + LENET)
    assert done.success and isinstance(done.result, Network)
    assert shell.user_ns["net"] is done.result and done.result.name == "net"
    shown, _ = shell.display_formatter.format(done.result)
    assert "<table>" in shown["text/html"] and shown["image/svg+xml"].startswith("<svg")
    assert capsys.readouterr().err == ""


def test_a_cell_takes_params_and_a_size(shell):
    spec = "param n = 4\ninput 8x8x1\nconv k=3 f=n p=1\n"
    done = shell.run_cell("%%archspec --set n=7 --input 16x16x1\n" + spec)
    assert archspec.analyze(done.result).outputs == {"output": (16, 16, 7)}


def test_messages_of_a_cell(shell, capsys):
    shell.user_ns["net"] = "before"
    done = shell.run_cell("%%archspec net\ninput 8x8x1\nconv k=9 f=2\n")
    told = capsys.readouterr()
    assert not done.success and shell.user_ns["net"] == "before"
    assert "error[A202]" in told.err and "net.arch:3:" in told.err  # the third line of the cell
    assert "Traceback" not in told.out + told.err


def test_warnings_of_a_cell(shell, capsys):
    done = shell.run_cell("%%archspec\nparam n = 4\n" + LENET)
    assert done.success and "A406" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["1x", "--set n", "--input 3y3", "--other", "a b", "'"])
def test_a_line_that_makes_no_sense(shell, capsys, line):
    done = shell.run_cell(f"%%archspec {line}\n{LENET}")
    told = capsys.readouterr()
    assert not done.success and "UsageError" in told.out + told.err
    assert "Traceback" not in told.out + told.err


def test_loading_the_package_imports_no_ipython():
    code = "import archspec, sys; archspec.load('lenet5'); assert 'IPython' not in sys.modules and 'archspec.notebook' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
