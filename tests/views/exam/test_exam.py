"""Exams: the answers are those of `explain`, equal seeds give equal exams, and each form can be used as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape

import pytest

import archspec
from archspec.views.exam import FORMATS, KINDS, exam
from archspec.views.page.quiz import normal, tokens
from tests.helpers.hostile_names import HOSTILE, hostile
from tests.helpers.needs import pdflatex

STEPS = {"shape": "output", "params": "parameters", "macs": "MACs", "rf": "receptive field"}
SUBJECTS = ("lenet5", "alexnet", "vgg16", "resnet50", "mobilenet_v2", "vit_b_16", "gpt2", "unet", "wavenet", "googlenet_2014")


def explained(question):
    """The step of `explain` that answers a question, of its spec compiled anew."""
    found = archspec.explain(archspec.loads(question.specs[0].text))[-1]
    return next(step for step in found.steps if step.name == STEPS[question.kind])


def computed(how):
    """Both sides of the equations of an arithmetic that are nothing but numbers."""
    for left, right in re.findall(r"([\d(][\d,+\-*/(). ]*) = (\d[\d,]*)", how):
        if re.search(r"[+*/-]", left):
            yield eval(left.replace(",", "")), int(right.replace(",", ""))


def fits(spec):
    """Whether a window fits, by the rule W - F + 2P of CS231n."""
    size, step = int(re.match(r"\d+", str(spec.input))[0]), spec.steps[0]
    k, s, p = (int((re.search(rf"\b{letter}=(\d+)", step) or [0, 0])[1]) for letter in ("[kw]", "s", "p"))
    return size + 2 * p >= k and (size + 2 * p - k) % s == 0


@pytest.mark.slow
def test_a_thousand_answers_are_those_of_explain(networks):
    check_answers(networks, 1000)


def test_answers_are_those_of_explain(networks):
    check_answers(networks, 60)


def check_answers(networks, count):
    made = exam([networks(name) for name in SUBJECTS], count, KINDS, "explained", vary=True)
    assert len(made.questions) == count
    assert len({question.kind for question in made.questions}) == len(KINDS)
    assert len({(question.text, question.lines) for question in made.questions}) == count
    for question in made.questions:
        if question.kind == "fit":
            right = [letter for letter, spec in zip("abcd", question.specs, strict=True) if fits(spec)]
            assert question.answer == ", ".join(right), question
            assert question.how.count(" fits") == len(right)
            continue
        if question.lines and question.kind in ("params", "macs"):  # of several layers together
            rows = archspec.analyze(archspec.loads(question.specs[0].text)).layers
            assert question.answer == f"{sum(getattr(row, question.kind) for row in rows):,}"
            assert all(left == right for left, right in computed(question.how.split(", rounded")[0])), question
            continue
        step = explained(question)
        assert question.answer == step.text and step.how in question.how, question
        for left, right in computed(question.how.split(", rounded")[0]):
            assert left == right, question


def test_layers_of_several_inputs_and_layers_of_a_block_together_are_asked_about(networks):
    made = exam([networks("densenet121")], 30, ("shape", "params"), "several", vary=True)
    several = [question for question in made.questions if question.specs[0].more]
    assert several and all(" (`a`) and " in question.text and "from a | concat b" in question.text for question in several)
    for question in several:
        channels = [int(size) for size in re.findall(r"x(\d+) \(`", question.text)]
        assert question.answer.endswith(f"x{sum(channels)}")
    blocks = [question for question in made.questions if question.lines]
    assert blocks and all("they have together" in question.text and question.points == 3 for question in blocks)


def test_lines_to_write_on_show_no_escapes(networks):
    text = exam([networks("lenet5")], 5, ("shape",), "x").to_markdown()
    assert "Answer: ____________________\n" in text and "\\_" not in text


def test_numbers_vary_and_fit(networks):
    made = exam([networks("lenet5")], 40, ("shape", "params", "macs"), "x", vary=True)
    own = {row.written for row in archspec.analyze(networks("lenet5"))}
    other = [question for question in made.questions if not own.issuperset(question.specs[0].steps)]
    assert len(other) > 30
    for question in made.questions:
        assert archspec.loads(question.specs[0].text).diagnostics == ()


def test_without_variation_the_layers_are_those_of_the_network(networks):
    made = exam([networks("vgg16")], 30)
    rows = {row.name: row for row in archspec.analyze(networks("vgg16"))}
    for question in made.questions:
        row = rows[question.source.removesuffix(" of VGG-16")]
        if question.kind != "fit" and (question.kind == "rf" or not question.lines):
            shown = {"shape": "x".join(map(str, row.output)), "params": f"{row.params:,}", "macs": f"{row.macs:,}"}
            assert question.answer == shown.get(question.kind, "x".join(map(str, row.receptive_field)))
            assert question.specs[0].steps[-1] == row.written


def test_equal_seeds_give_equal_exams(networks):
    first, again, other = (exam([networks("resnet50")], 15, seed=seed, vary=True) for seed in ("a", "a", "b"))
    assert first == again != other
    for form in ("md", "latex", "html"):
        assert first.written(form) == again.written(form) != other.written(form)


def test_no_question_gives_the_answer_of_another_away(networks):
    for name in ("lenet5", "resnet50"):
        questions = exam([networks(name)], 20).questions
        for question in questions:
            given = {str(few.input) for other in questions if other is not question for few in other.specs}
            assert question.kind != "shape" or question.answer not in given


def test_fewer_questions_are_noted(networks):
    made = exam([networks("lenet5")], 100, ("params",))
    assert 0 < len(made.questions) < 100
    assert made.notes == (
        f"there are {len(made.questions)} questions, not 100: no others ask for something new; --vary asks with other numbers",
    )
    assert exam([networks("lenet5")], 100, ("params",), vary=True).notes == ()


def test_the_key_alone_has_the_answers(networks):
    made = exam([networks("alexnet")], 12, seed="k", vary=True)
    assert made.points == sum(question.points for question in made.questions)
    for form in ("md", "latex", "html"):
        plain, key = (unescape(made.written(form, key).decode()) for key in (False, True))
        for question in made.questions:
            if len(normal(question.answer)) > 3:
                shape = question.answer.replace("x", r"$\times$" if form == "latex" else "×")
                assert question.answer not in plain and shape not in plain.replace(question.text, "")
                assert shape in key
        assert "Name:" in plain and f"of {made.points}" in plain and "Name:" not in key


@pdflatex
@pytest.mark.slow
def test_latex_compiles(networks, tmp_path):
    subjects = [networks(name) for name in ("resnet50", "vit_b_16")]
    subjects += [hostile(payload, archspec.load("lenet5")) for payload in HOSTILE.values() if len(payload) < 1000]
    made = exam(subjects, 60, seed="$_{}\\#%&~^", vary=True)
    for key in (False, True):
        made.save(tmp_path / "t.tex", key)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]


def test_pdf_embeds_its_fonts(networks, tmp_path):
    pytest.importorskip("reportlab", reason="reportlab is not installed")
    made = exam([networks("lenet5"), hostile(HOSTILE["script"], archspec.load("lenet5"))], 30, vary=True)
    made.save(tmp_path / "exam.pdf")
    assert (tmp_path / "exam.pdf").read_bytes() == made.to_pdf() != made.to_pdf(key=True)
    if shutil.which("pdffonts"):
        listed = subprocess.run(["pdffonts", tmp_path / "exam.pdf"], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
        assert listed and all(re.search(r" yes yes yes ", line) for line in listed), listed


@pytest.mark.slow
def test_the_page_checks_answers_and_hints(networks, visit):
    made = exam([networks("lenet5"), networks("vgg16")], 20, seed="5", vary=True)
    tab = visit(made.to_html())
    words = tab.evaluate("document.body.innerText")
    long = {normal(question.answer) for question in made.questions if len(normal(question.answer)) > 4}
    assert not long & tokens(words)
    ways = [str, lambda a: a.replace(",", ""), lambda a: a.replace(",", "."), lambda a: a.replace(",", " ")]
    for number, question in enumerate(made.questions, 1):
        field = tab.locator(f"[data-number='{number}']")
        hint = tab.locator(f"label:has([data-number='{number}']) .hint")
        field.fill("123456789")
        field.press("Enter")
        assert field.get_attribute("aria-invalid") == "true"
        assert hint.inner_text() == question.hint
        if question.kind == "rf" and len(set(question.answer.split("x"))) == 1:
            field.fill(question.answer.split("x")[0])
        elif question.kind == "fit":
            field.fill(question.answer.replace(", ", " ").upper())
        else:
            field.fill(ways[number % 4](question.answer) if "," in question.answer else question.answer)
        field.press("Enter")
        assert field.get_attribute("aria-invalid") is None, question
        assert not hint.is_visible()
    assert tab.inner_text(".score") == "20 of 20 right"


@pytest.mark.slow
@pytest.mark.parametrize("key", [False, True])
def test_hostile_names_stay_inert(key, visit):
    for payload in HOSTILE.values():
        tab = visit(exam([hostile(payload, archspec.load("lenet5"))], 10, seed=payload, vary=True).to_html(key), width=400)
        assert tab.evaluate("[document.scripts.length, document.documentElement.scrollWidth]") == [1, 400]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--questions", "0"), "1 to 1,000 questions"),
        (("--questions", "1000000000"), "1 to 1,000 questions"),
        (("--questions", "many"), "expected a whole number"),
        (("--kinds", "size"), "no kind of question `size`; there are shape"),
        (("--kinds", "shapes"), "did you mean `shape`"),
        (("--kinds", ","), "expected kinds of questions"),
        (("--format", "pdf"), "-o NAME.pdf"),
        (("--format", "docx"), "expected"),
        (("-o", "exam.docx"), "as .md, .tex, .html"),
        (("-o", "missing/exam.md"), "cannot write"),
    ],
)
def test_what_makes_no_sense_is_refused(words, message, archspec_command, tmp_path):
    done = archspec_command("quiz", "lenet5", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert message in done.err and "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_a_network_without_questions_is_refused(archspec_command):
    done = archspec_command("quiz", "-", "--kinds", "params", stdin="input 8x8x1\nrelu\n")
    assert (done.status, done.err) == (2, "archspec: model gives no question of the kinds params\n")


def test_the_command_writes_what_python_does(archspec_command, networks, tmp_path):
    made = archspec.quiz(networks("lenet5"), questions=5, kinds=["shape", "rf"], seed="7", vary=True)
    words = ("quiz", "lenet5", "--questions", "5", "--kinds", "shape,rf", "--seed", "7", "--vary")
    assert archspec_command(*words).out == str(made)
    for ending, form in FORMATS.items():
        if form != "pdf":
            assert archspec_command(*words, "--key", "-o", f"x{ending}", cwd=tmp_path).status == 0
            assert (tmp_path / f"x{ending}").read_bytes() == made.written(form, key=True)
            assert archspec_command(*words, "--format", form).out == made.written(form).decode()
    with pytest.raises(ValueError, match="saved as"):
        made.save(tmp_path / "x.doc")
