"""The report page: what it says is the table's, nothing in it asks or runs anything, and in a browser it does what it should."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest

import archspec
from archspec.cli import main as cli
from archspec.views.figures import LEVELS
from archspec.views.figures.build import build
from archspec.views.figures.diagram import TooLarge
from archspec.views.page import page
from archspec.views.page.html import tag
from archspec.views.page.quiz import normal, tokens
from tests.helpers.hostile_names import HOSTILE, hostile
from tests.helpers.paths import SPECS
from tests.helpers.specs import VARIED, few_quick

VOID = {"meta", "link", "input", "wbr"}
NAMES = ("resnet50", "googlenet_2014", "unet", "vit_b_16", "lenet5")


class Elements(HTMLParser):
    """The elements of a page, and that they are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)


# what a page is


@pytest.mark.parametrize("quiz", [None, "7"])
def test_it_is_self_contained(networks, quiz):
    made = page([networks("resnet18"), networks("lenet5")], quiz)
    for text in filter(None, (made.html, made.key)):
        found = Elements(text)
        policy = next(a["content"] for t, a in found.elements if a.get("http-equiv") == "Content-Security-Policy")
        assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
        for kind in ("style", "script"):
            for content in re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL):
                assert f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy
        for name, attributes in found.elements:
            assert name not in ("img", "iframe", "object", "embed", "base", "form", "use", "image", "foreignobject")
            for key, value in attributes.items():
                assert not key.startswith("on") and key not in ("style", "src", "action", "srcset"), (name, key)
                assert key != "href" or value.startswith(("#", "data:image/svg+xml,")), value
                assert "url(" not in (value or "")
        assert "url(" not in text and "@import" not in text


@pytest.mark.slow
def test_it_is_the_same_every_time(networks):
    for quiz in (None, "a"):
        assert page([networks("squeezenet1_0")], quiz) == page([archspec.load("squeezenet1_0")], quiz)


def test_the_page_of_a_large_network_is_small(archspec_command, tmp_path):
    ran = archspec_command("report", "resnet152", "-o", str(tmp_path / "page.html"))
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert (tmp_path / "page.html").stat().st_size < 1_500_000


@pytest.mark.parametrize("name", few_quick([path.stem for path in SPECS], VARIED))
def test_boxes_stand_for_each_layer_once(name, networks):
    network = networks(name)
    count = archspec.analyze(network).totals.layers
    for level in LEVELS[1:]:
        try:
            diagram = build(network, level)
        except TooLarge:
            continue
        covered = sorted(at for box in diagram.boxes for start, end in box.spans for at in range(start, end))
        assert covered == list(range(count)), level


def test_boxes_have_the_positions_of_their_layers(networks):
    rows = archspec.analyze(networks("inception_v3")).layers
    for box in build(networks("inception_v3"), "block").boxes:
        for start, end in box.spans:
            assert all(row.name == box.name or row.name.startswith(box.name + ".") or box.form == "layer" for row in rows[start:end])


def test_many_layers_are_folded():
    network = archspec.loads("input 8x8x8\nrepeat 4000:\n  conv k=1 f=8\n  relu\n")
    made = page([network])
    assert len(made.html) < 300_000
    assert "8,000 layers are more than this page shows" in made.html and "×4,000" in made.html


def test_escaping():
    assert tag("p", title="\"<&>'", hidden=True, class_=None) == '<p title="&quot;&lt;&amp;&gt;&#x27;" hidden></p>'


@pytest.mark.parametrize("kind", few_quick(HOSTILE, ("script", "quotes")))
def test_hostile_names_are_text(kind):
    payload = HOSTILE[kind]
    made = page([hostile(payload, archspec.load("resnet18"))], None)
    asked = page([hostile(payload, archspec.load("resnet18"))], payload)
    for text in (made.html, asked.html, asked.key):
        found = Elements(text)
        assert len(text) < 4_000_000
        assert sum(name == "script" for name, _ in found.elements) <= 1
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]", text)
        for name, attributes in found.elements:
            assert re.fullmatch(r"[a-z][a-z0-9]*", name), name
            assert all(re.fullmatch(r"[a-z][a-z-]*[12]?", key) and not key.startswith("on") for key in attributes), attributes


# the command


def test_command(archspec_command, tmp_path):
    ran = archspec_command("report", "lenet5", "unet")
    assert ran.status == 0 and ran.out.startswith("<!doctype html>") and ran.out.count("<section") == 2
    assert 'href="#n1"' in ran.out
    assert ran.err == ""
    bad = tmp_path / "bad.arch"
    bad.write_text("input 8x8x1\nconv k=9 f=1\n")
    ran = archspec_command("report", "lenet5", str(bad), "-o", str(tmp_path / "page.html"))
    assert ran.status == 1 and "A202" in ran.err and not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"), [(("-o", "page.pdf"), "as .html"), (("--quiz", "1"), "key"), (("-o", "missing/page.html"), "cannot write")]
)
def test_usage(arguments, words, archspec_command, tmp_path):
    ran = archspec_command("report", "lenet5", *arguments, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "") and words in ran.err and ran.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_quiz_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["report", "lenet5", "-o", "page.html", "--quiz", "x"]) == 0
    assert sorted(os.listdir()) == ["page.html", "page.key.html"]


def test_from_python(networks):
    assert archspec.report_page(networks("lenet5"), networks("unet")) == page([networks("lenet5"), networks("unet")]).html


# the quiz


def told(text):
    """All numbers and shapes in what a page says."""
    found = Elements(text)
    said = [
        *found.words,
        *(a.get(key) or "" for _, a in found.elements for key in ("aria-label", "title", "placeholder", "value", "data-name")),
    ]
    return {token for words in said for token in tokens(words)}


def answers(key):
    """Number to answer, from a key."""
    cells = re.findall(r'<tr><td class="n">(\d+)</td>.*?<td class="n">(.*?)</td>', key)
    return {int(number): normal(answer) for number, answer in cells}


@pytest.mark.parametrize(
    "names",
    few_quick(
        [("lenet5",), ("resnet50",), ("vgg16", "alexnet"), ("googlenet_2014",), ("vit_b_16",), ("densenet121",)], [("vgg16", "alexnet")]
    ),
)
def test_no_answer_stands_on_the_page(names, networks):
    made = page([networks(name) for name in names], "seed")
    found = answers(made.key)
    assert len(found) >= 7 * len(names)
    fields = [a for _, a in Elements(made.html).elements if a.get("class") == "answer"]
    assert [int(a["data-number"]) for a in fields] == sorted(found)
    assert not set(found.values()) & told(made.html)
    assert "seed" not in made.html.partition("</main>")[0].replace("quiz", "")


def test_the_seed_chooses(networks):
    seeds = [answers(page([networks("alexnet")], seed).key) for seed in ("1", "2", "", "図")]
    assert len({tuple(found.values()) for found in seeds}) == 4


# in a browser


def names(tab):
    """The names in the rows that can be seen."""
    return tab.eval_on_selector_all(
        "tbody tr:is(.layer,.group)", "rows => rows.filter(r => r.offsetParent).map(r => r.cells[0].textContent.trim())"
    )


CELLS = "rows => rows.map(r => [...r.cells].map(c => c.textContent))"


@pytest.mark.parametrize("name", few_quick(NAMES))
def test_cells_are_the_table(name, networks, visit, archspec_command):
    tab = visit(page([networks(name)]).html)
    table = json.loads(archspec_command("table", name, "--format", "json").out)
    rows = tab.eval_on_selector_all("tr.layer", CELLS)
    assert len(rows) == len(table["layers"])
    for cells, row in zip(rows, table["layers"], strict=True):
        output, field = ("×".join(map(str, row[key])) if row[key] else "?" for key in ("output", "receptive_field"))
        title = row["name"] + (" training" if row["training"] else "")
        counts = [f"{row[key]:,}" for key in ("params", "macs", "activations")]
        assert cells == [title, f"{row['op']} {row['config']}".strip(), output, *counts, field]
    (total,) = tab.eval_on_selector_all("tfoot tr", CELLS)
    totals = table["totals"]
    assert total[3:6] == [f"{totals[key]:,}" for key in ("params", "macs", "activations")]
    work = tab.eval_on_selector_all("tr.work", "rows => rows.map(r => r.textContent.replaceAll(',', ''))")
    for text, row in zip(work, table["layers"], strict=True):
        assert all(re.sub(r"(?<=\d),(?=\d)", "", formula).replace(",", "") in text for formula in row["work"].values())


@pytest.mark.slow
def test_it_can_be_read_without_javascript(networks, visit):
    tab = visit(page([networks("resnet18")]).html, java_script_enabled=False)
    assert len(tab.query_selector_all("tr.layer")) == tab.locator("tr.layer").filter(visible=True).count() == 69
    assert tab.locator("button, .tools").filter(visible=True).count() == 0
    tab.click("tr.layer >> nth=0 >> summary")
    assert "7*7*3*64 = 9,408" in tab.inner_text("tr.work >> nth=0")
    assert not tab.locator("tr.work >> nth=1").is_visible()
    tab.click("summary:has-text('Bars')")
    assert tab.locator("svg[data-as=bars]").is_visible()


@pytest.mark.slow
def test_fold(networks, visit):
    tab = visit(page([networks("resnet152")]).html)
    top = ["conv1", "bn1", "relu1", "pool1", "layer1", "layer2", "layer3", "layer4", "gap1", "flatten1", "fc"]
    assert names(tab) == top
    tab.get_by_role("button", name="layer1", exact=True).click()
    assert names(tab) == [*top[:5], "layer1.0", "layer1.1", "layer1.2", *top[5:]]
    assert tab.get_by_role("button", name="layer1", exact=True).get_attribute("aria-expanded") == "true"
    tab.get_by_role("button", name="layer1.1", exact=True).click()
    assert names(tab)[7:9] == ["layer1.1.conv1", "layer1.1.bn1"]
    tab.click("text=Fold all")
    assert names(tab) == top
    tab.click("text=Unfold all")
    assert len(names(tab)) == 515 + 4 + 50 + 4  # layers, stages, blocks, shortcuts


@pytest.mark.slow
def test_search(networks, visit):
    tab = visit(page([networks("resnet152")]).html)
    tab.keyboard.press("/")
    tab.keyboard.type("layer4.2.CONV")
    assert names(tab) == ["layer4.2.conv1", "layer4.2.conv2", "layer4.2.conv3"]
    assert tab.inner_text(".count") == "3 of 515 layers"
    tab.fill(".search", "")
    assert len(names(tab)) == 11


@pytest.mark.slow
def test_sort(networks, visit):
    tab = visit(page([networks("vgg16")]).html)
    rows = archspec.analyze(networks("vgg16")).layers
    given = names(tab)
    for column, key in ((3, lambda row: row.params), (4, lambda row: row.macs)):
        button = f"thead th >> nth={column} >> button"
        tab.click(button)
        most = sorted(rows, key=key, reverse=True)
        assert names(tab) == [row.name for row in most]
        assert tab.get_attribute(f"thead th >> nth={column}", "aria-sort") == "descending"
        tab.click(button)
        assert names(tab) == [row.name for row in sorted(rows, key=key)]
        tab.click(button)
        assert names(tab) == given
    tab.click("thead th >> nth=2 >> button")
    assert names(tab)[0] == "features.0"


# sliders


def recounted(tab):
    return [int(text.replace(",", "")) for text in tab.eval_on_selector_all(".sliders output", "all => all.map(o => o.textContent)")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "params", "size"),
    [("mobilenet_v2", {"width": 0.5}, 224), ("mobilenet_v2", {"width": 1.3}, 160), ("resnet50", {}, 256), ("unet", {"width": 32}, 572)],
)
def test_sliders_count_as_analyze(name, params, size, networks, visit):
    tab = visit(page([networks("lenet5"), networks(name)]).html)
    own = [archspec.analyze(networks(each)).totals for each in ("lenet5", name)]
    assert recounted(tab) == [count for totals in own for count in (totals.params, totals.macs, totals.flops)]
    for variable, value in {**params, "H": size}.items():
        field = tab.locator(f"section >> nth=1 >> [type=number][aria-label^='{variable},']")
        if field.count():
            field.fill(str(value))
    totals = archspec.analyze(archspec.load(name, params=params, inputs=f"{size}x{size}x{3 if name != 'unet' else 1}")).totals
    assert recounted(tab)[3:] == [totals.params, totals.macs, totals.flops]


@pytest.mark.slow
def test_other_branches_have_no_number(networks, visit):
    tab = visit(page([networks("vgg16")]).html, width=400, color_scheme="dark")
    tab.fill("[type=number][aria-label^=H]", "225")
    assert tab.locator(".sliders output").all_text_contents() == ["\u2013"] * 3
    assert tab.inner_text(".branch").startswith("These values take another branch of the spec: run archspec table vgg16 --")
    assert "--input 225x225x3" in tab.inner_text(".branch")
    for value in ("", "224.5", "-32", "0", "65568", "1e300"):
        tab.fill("[type=number][aria-label^=H]", value)
        assert tab.locator(".sliders output").first.text_content() == "\u2013"
    tab.locator("[type=range][aria-label=H]").fill("256")
    assert recounted(tab)[1] == 305_856 * 256**2 + 123_633_664
    assert tab.evaluate("document.documentElement.scrollWidth") == 400
    tab.emulate_media(media="print")
    assert not tab.locator(".sliders").is_visible()


@pytest.mark.parametrize("name", ["mobilenet_v2", "vit_b_16", "densenet121", "mobilenet_v3_large"])
def test_programs_of_sliders_equal_python(name, networks, visit):
    formula = archspec.formula(
        networks(name), ["H", *(param for param, value in networks(name).params.items() if type(value) in (int, float))]
    )
    functions = (Path(archspec.__file__).parent / "views/page/sliders.js").read_text().partition("class ")[0]
    random = Random(1)

    def other(value):
        changed = value * random.choice((0.3, 0.5, 1.1)) if isinstance(value, float) else random.randint(0, 4 * value)
        return random.choice((value, value, 2 * value, changed))

    points = [[other(value) for value in formula.example.values()] for _ in range(200)]
    found = visit("").evaluate(f"points => {{ {functions} const f = {formula.to_javascript()}; return points.map(p => f(...p)); }}", points)
    expected = [formula(**dict(zip(formula.variables, point, strict=True))) for point in points]
    assert found == [[*counts.values()] if counts else None for counts in expected]
    assert any(expected)


def test_pages_without_sliders(networks):
    network = archspec.loads("input 10\nfc 5\n")
    assert "<fieldset" not in page([network]).html
    network = archspec.loads("input 8x8x3\nrelu\n")
    network.recipe = None  # as of a network that was not read from a spec
    assert "<fieldset" not in page([network]).html
    assert "<fieldset" not in page([networks("lenet5")], "1").html


def test_budgets_are_below_the_table():
    network = archspec.loads("input 32x32x1\nexpect params <= 5e6\nfc 10\n")
    assert "Budget `params &lt;= 5e6`: kept, params = 10,250" in page([network]).html


@pytest.mark.slow
def test_table_and_picture_light_each_other(networks, visit):
    tab = visit(page([networks("resnet50")]).html)
    box = "details[open] g.node[data-name='layer2.1']"
    tab.hover(box)
    lit = tab.eval_on_selector_all("tr.on", "rows => rows.map(r => r.cells[0].innerText)")
    assert lit[0] == "layer2.1" and lit[1:] == [row.name for row in archspec.analyze(networks("resnet50")).layers[48:58]]
    assert "280,064 parameters" in tab.inner_text(".card") and "3*3*128*128 = 147,456" in tab.inner_text(".card")
    tab.click(box)
    tab.keyboard.press("Escape")
    assert not tab.locator(".card").is_visible()
    assert "layer2.1.conv2" in names(tab)
    tab.hover("tr.layer:has-text('layer2.1.conv2')")
    assert tab.eval_on_selector_all("details[open] g.node.on", "nodes => nodes.map(n => n.dataset.name)") == ["layer2.1"]
    assert "3*3*128*128 = 147,456" in tab.inner_text(".card")
    tab.hover("h2")
    assert tab.locator(".on").count() == 0 and not tab.locator(".card").is_visible()


@pytest.mark.slow
def test_pictures(networks, visit):
    tab = visit(page([networks("resnet152")]).html)
    assert tab.eval_on_selector_all("[role=tab]", "tabs => tabs.map(t => t.textContent)") == [
        *("Groups", "Stages", "Blocks", "Parts"),
        *("Volumes", "Bars"),
    ]
    assert tab.inner_text("[aria-selected=true]") == "Stages"  # the finest that is legible on a slide
    assert tab.locator("svg").filter(visible=True).count() == 1
    width = "() => document.querySelector('details[open] svg').getBoundingClientRect().width"
    before = tab.evaluate(width)
    tab.click("[aria-label=Larger]")
    assert tab.evaluate(width) == pytest.approx(1.25 * before, rel=0.01)
    tab.mouse.move(640, 600)
    tab.mouse.down()
    tab.mouse.move(540, 600, steps=3)
    tab.mouse.up()
    assert tab.evaluate("document.querySelector('details[open] .canvas').scrollLeft") > 0
    tab.click("[aria-label=Fit]")
    assert tab.evaluate(width) == pytest.approx(before)
    tab.click("text=Beside the picture")
    left, right = tab.locator(".pictures").bounding_box(), tab.locator(".listing").bounding_box()
    assert left["x"] + left["width"] <= right["x"] and abs(left["y"] - right["y"]) < 50


@pytest.mark.slow
def test_keys(networks, visit):
    tab = visit(page([networks("resnet18")]).html)
    tab.focus("[role=tab][aria-selected=true]")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.textContent") == tab.inner_text("[aria-selected=true]")
    tab.keyboard.press("ArrowLeft")
    tab.focus("details[open] g[tabindex='0']")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.dataset.name") == "pool1"
    assert tab.inner_text(".card h3") == "pool1"
    tab.keyboard.press("Enter")
    assert tab.locator(".card.pinned").is_visible() and tab.locator("tr.chosen").count() == 1
    tab.keyboard.press("Escape")
    tab.click("text=Fold all")
    tab.focus("tbody [tabindex='0']")
    for _ in range(4):
        tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.innerText.trim()") == "layer1"
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.innerText.trim()") == "layer1.0"
    assert tab.locator("tbody [tabindex='0']").count() == 1
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.slow
def test_copy_as_csv(networks, visit):
    tab = visit(page([networks("resnet18")]).html, permissions=["clipboard-read", "clipboard-write"])
    tab.click("text=Copy as CSV")
    tab.wait_for_selector("text=Copied")
    lines = tab.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0] == "name,layer,output,parameters,MACs,activations,receptive field"
    assert lines[1] == "conv1,conv k=7 f=64 s=2 p=3 bias=no round=floor,112x112x64,9408,118013952,802816,7x7"
    assert len(lines) == 70


@pytest.mark.slow
def test_theme(networks, visit):
    made = page([networks("lenet5")]).html
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    fill = "getComputedStyle(document.querySelector('svg text')).fill"
    for scheme, colours in (("light", ("rgb(255, 255, 255)", "rgb(31, 35, 40)")), ("dark", ("rgb(13, 17, 23)", "rgb(230, 237, 243)"))):
        tab = visit(made, color_scheme=scheme)
        assert (tab.evaluate(ground), tab.evaluate(fill)) == colours
        tab.click(".theme")
        assert tab.evaluate(ground) != colours[0]
        tab.emulate_media(media="print")
        assert tab.evaluate(ground) == "rgb(255, 255, 255)"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[1:4])
def test_a_narrow_screen(name, networks, visit):
    for quiz in (None, "1"):
        tab = visit(page([networks(name), networks("lenet5")], quiz).html, width=360, has_touch=True)
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
        tab.locator("tr.layer").filter(visible=True).first.locator("td").first.tap()
        if quiz is None:
            assert tab.locator(".card").is_visible()
            tab.tap(".card .close")
        tab.click("text=Unfold all") if tab.locator("text=Unfold all").count() else None
        assert tab.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.slow
def test_print(networks, visit):
    tab = visit(page([networks("resnet50"), networks("lenet5")]).html)
    assert tab.pdf(format="A4").startswith(b"%PDF")
    tab.emulate_media(media="print")
    assert tab.locator("button:not(.fold):not(thead button), .search, .card").filter(visible=True).count() == 0


def test_what_is_counted_is_said_once_however_many_networks_there_are(networks):
    for made in (page([networks("lenet5")]), page([networks("lenet5"), networks("shallownet")])):
        assert made.html.count("Batch 1, inference.") == 1
    assert "Batch 1, inference." not in page([networks("lenet5")], "1").html


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext reads the printed page")
def test_a_printed_table_has_its_head_on_every_page(networks, visit, tmp_path):
    tab = visit(page([networks("resnet50")]).html)
    tab.click("text=Unfold all")
    tab.pdf(path=str(tmp_path / "printed.pdf"), format="A4")
    pages = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "printed.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout.split("\f")
    with_rows = [words for words in pages if "layer2.0" in words or "layer3.1" in words]
    assert len(with_rows) > 1 and all(re.search(r"name +layer +output +parameters +MACs", words) for words in with_rows)


FEWEST = """([x, y]) => { const card = document.querySelector(".card"), before = card.className, counts = [];
const buttons = [...document.querySelectorAll("button:not(.card button), input")].map((b) => b.getBoundingClientRect())
for (const [up, left] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
card.classList.toggle("up", !!up); card.classList.toggle("left", !!left); const c = card.getBoundingClientRect();
const meets = (r) => r.left < c.right && r.right > c.left && r.top < c.bottom && r.bottom > c.top;
if (!meets({ left: x - 60, right: x + 60, top: y - 30, bottom: y + 30 })) counts.push(buttons.filter((r) => r.width && meets(r)).length) }
card.className = before; return Math.min(...counts) }"""
COVERED = """() => { const c = document.querySelector(".card").getBoundingClientRect();
return [...document.querySelectorAll("button:not(.card button)")].map((b) => b.getBoundingClientRect())
.filter((r) => r.width && r.left < c.right && r.right > c.left && r.top < c.bottom && r.bottom > c.top).length }"""


@pytest.mark.slow
def test_the_card_covers_no_button_where_a_corner_is_free(networks, visit):
    """Or as few as in any corner that the pointer is not in, where none is free."""
    tab = visit(page([networks("resnet18")]).html)
    boxes = tab.locator("details[open] [data-rows]")
    for at in (0, boxes.count() // 2, boxes.count() - 1):
        boxes.nth(at).hover()
        found = boxes.nth(at).bounding_box()
        point = [found["x"] + found["width"] / 2, found["y"] + found["height"] / 2]
        assert tab.locator(".card").is_visible() and tab.evaluate(COVERED) <= tab.evaluate(FEWEST, point)


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 360])
def test_the_fields_of_a_quiz_are_whole_on_a_phone(width, networks, visit):
    tab = visit(page([networks("lenet5")], "1").html, width=width)
    fields = tab.eval_on_selector_all(
        ".answer", "all => all.map((one) => { const r = one.getBoundingClientRect(); return [r.left, r.right] })"
    )
    assert fields and all(left >= 0 and right <= width for left, right in fields)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    labels = tab.eval_on_selector_all("td:has(.answer)", "all => all.map((td) => getComputedStyle(td, '::before').content)")
    assert set(labels) <= {'"output"', '"parameters"', '"MACs"', "attr(data-column)"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet5", "vit_b_16"])
def test_the_quiz_is_checked(name, networks, visit):
    made = page([networks(name)], "42")
    tab = visit(made.html)
    found = answers(made.key)
    if tab.locator("text=Unfold all").count():
        tab.click("text=Unfold all")
    ways = [str, lambda a: a.replace("x", " × "), lambda a: a.replace("x", ", ") if "x" in a else f"{int(a):,}"]
    for number, answer in found.items():
        field = tab.locator(f"[data-number='{number}']")
        field.fill("12345")
        field.press("Enter")
        assert field.get_attribute("aria-invalid") == "true"
        field.fill(ways[number % 3](answer))
        field.press("Enter")
        assert field.get_attribute("aria-invalid") is None
    assert tab.inner_text(".score") == f"{len(found)} of {len(found)} right"
    text = tab.evaluate("document.body.innerText")
    assert not set(found.values()) & tokens(text)


@pytest.mark.slow
def test_hostile_names_stay_inert(visit):
    tab = visit(page([hostile(payload, archspec.load("resnet18")) for payload in HOSTILE.values()]).html)
    assert tab.evaluate("[document.scripts.length, document.documentElement.scrollWidth]") == [1, 1280]
    for at, payload in enumerate(HOSTILE.values()):
        section = tab.locator("section.model").nth(at)
        section.locator("tr.layer summary").filter(visible=True).first.click()
        section.locator(".search").fill(payload[:20].replace("\x00", ""))
        section.locator(".search").fill("")
        section.locator("details[open] [data-rows]").first.hover()
        assert tab.locator(".card h3").inner_text()
        assert tab.locator(".card *:not(h3,p,dl,dt,dd,b,span,div,ul,li,button)").count() == 0
    tab.set_viewport_size({"width": 360, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
