"""Fixes of messages: those of the rule pages mend what the page is about, and none makes any text worse."""

import random
from collections import Counter
from functools import partial

import pytest

from archspec.api import compile_source
from archspec.diagnostics import catalogue
from archspec.diagnostics.fix import apply
from archspec.editor.mending import mended
from archspec.elaborate.assumptions import Options
from archspec.finding import specs_folder
from tests.helpers.paths import CASES

NOT_MECHANICAL = {
    "A007", "A012", "A013", "A103", "A105", "A107", "A111", "A113", "A115", "A116", "A118", "A120", "A201", "A207", "A208", "A209", "A210",
    "A304", "A402", "A409", "A414", "A419", "A423", "A502", "A520", "A550", "A601", "A602",
}  # fmt: skip
"""Codes with an example that asks for a decision: another number, another network, another file."""
SAFE = {
    "A001", "A002", "A003", "A004", "A005", "A006", "A008", "A010", "A101", "A102", "A104", "A106", "A109", "A206", "A303", "A401", "A415",
}  # fmt: skip
"""Codes whose example is mended by safe fixes alone."""


def compiler(folder=None):
    return partial(compile_source, name="case.arch", options=Options(base=folder))


def severities(found):
    counted = Counter(each.severity for each in found.diagnostics)
    return [counted[kind] for kind in ("error", "warning", "note")]


def wrong():
    examples = [(code, example) for code in catalogue.codes() for example in catalogue.page(code).examples]
    chosen = [(code, example) for code, example in examples if example.kind == "wrong" and example.language == "arch"]
    return [pytest.param(code, example.text, id=f"{code}-{at}") for at, (code, example) in enumerate(chosen)]


@pytest.mark.parametrize(("code", "text"), wrong())
def test_a_wrong_example_is_mended(code, text):
    """Mechanical ones wholly; none is worse after it; to mend it again changes nothing."""
    before = compiler()(text)
    result = mended(before, compiler(), unsafe=True, notes=True)
    after = compiler()(result.text)
    assert severities(after) <= severities(before)
    assert mended(after, compiler(), unsafe=True, notes=True).fixes == ()
    if code not in NOT_MECHANICAL:
        assert result.fixes
        assert [each for each in after.diagnostics if each.severity == "error" or each.code == code] == []


def test_most_examples_are_mended():
    mended_ = [code for (code, _) in (param.values for param in wrong()) if code not in NOT_MECHANICAL]
    assert len(mended_) >= 53


@pytest.mark.parametrize(("code", "text"), wrong())
def test_a_safe_fix_is_enough(code, text):
    result = mended(compiler()(text), compiler())
    gone = code not in {each.code for each in compiler()(result.text).diagnostics}
    assert (bool(result.fixes) and gone) == (code in SAFE)
    assert all(fix.safe for _, fix in result.fixes)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.arch")), ids=lambda path: path.stem)
def test_a_mended_case_is_no_worse(path):
    text = path.read_text(encoding="utf-8")
    before = compiler(CASES)(text)
    result = mended(before, compiler(CASES), unsafe=True)
    after = compiler(CASES)(result.text)
    assert severities(after)[:2] <= severities(before)[:2]
    assert mended(after, compiler(CASES), unsafe=True).text == result.text


@pytest.mark.parametrize("name", ["lenet5", "resnet50", "unet"])
def test_damaged_specs(name):
    """Words of a spec are left out, doubled or misspelled: each fix that is offered can be applied."""
    draw = random.Random(name)
    words = (specs_folder() / f"{name}.arch").read_text(encoding="utf-8").split(" ")
    for _ in range(15):
        some = list(words)
        at = draw.randrange(len(some))
        some[at] = draw.choice(("", some[at] * 2, some[at][:-1], some[at] + ",", some[at] + "\t"))
        found = compiler(specs_folder())(" ".join(some))
        for diagnostic in found.diagnostics:
            for fix in diagnostic.fixes:
                assert apply(found.source.text, [fix])[0] != found.source.text
        result = mended(found, compiler(specs_folder()), unsafe=True)
        assert severities(compiler(specs_folder())(result.text)) <= severities(found)


def one_fix(text, code):
    found = compiler()(text)
    (diagnostic,) = [each for each in found.diagnostics if each.code == code]
    return apply(text, diagnostic.fixes[:1])[0]


@pytest.mark.parametrize(
    ("text", "code", "after"),
    [
        ("input 8x8x3\nconv k=3 f=8  # of the first stage\nfcc 10\n", "A101", "input 8x8x3\nconv k=3 f=8  # of the first stage\nfc 10\n"),
        ("input 8x8x3\ndense 10  # scores\n", "A101", "input 8x8x3\nfc 10  # scores\n"),
        ("input 8x8x3\nrepeat 2:\n\tconv k=1 f=3\n", "A002", "input 8x8x3\nrepeat 2:\n  conv k=1 f=3\n"),
        ("input 8x8x3\nrepeat 2\n  conv k=1 f=3\n", "A001", "input 8x8x3\nrepeat 2:\n  conv k=1 f=3\n"),
        ("input 8x8x3\nfc 9 | relu | tanh | fc 3\n", "A410", "input 8x8x3\nfc 9 | relu | fc 3\n"),
        ("input 9x9x3\nconv f=8 k=2 s=2 | relu\n", "A203", "input 9x9x3\nconv f=8 k=2 s=2 round=floor | relu\n"),
        ("input 3x3x3\nadd:\n  conv f=3 k=5\n  skip\n", "A202", "input 3x3x3\nadd:\n  conv f=3 k=3\n  skip\n"),
        ('input 8x8x3\nfc "a\n', "A005", 'input 8x8x3\nfc "a"\n'),
    ],
)
def test_a_fix_changes_only_what_it_is_about(text, code, after):
    assert one_fix(text, code) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("input 8x8x3 | conv k=3 f=8 | relu\n", "input 8x8x3\nconv k=3 f=8 | relu\n"),
        ("input 8x8x3\nconv k=3 f=8 | repeat 2: conv k=1 f=8\n", "input 8x8x3\nconv k=3 f=8\nrepeat 2: conv k=1 f=8\n"),
        ("input 8x8x3\nconv k=1 f=8 | residual:\n  relu\nfc 2\n", "input 8x8x3\nconv k=1 f=8\nresidual:\n  relu\nfc 2\n"),
        ("input 8x8x3\nresidual:\nconv k=3 f=3 p=1\n", "input 8x8x3\nresidual:\n  conv k=3 f=3 p=1\n"),
        ("input 8x8x3\nfc (3+1 bias=no | relu\n", "input 8x8x3\nfc (3+1) bias=no | relu\n"),
        ('input 8x8x3\nmeta title="LeNet 5\nfc 2\n', 'input 8x8x3\nmeta title="LeNet 5"\nfc 2\n'),
        ("input 8x8x3\nconv k=3 f=8 k=3\n", "input 8x8x3\nconv k=3 f=8\n"),
        ("input 8x8x3\nfc 8 | relu | relu\n", "input 8x8x3\nfc 8 | relu\n"),
        ("input 8x8x3\nrepeat 2:\n  param n = 3  # why\n  conv k=1 f=n\n", "input 8x8x3\nparam n = 3  # why\nrepeat 2:\n  conv k=1 f=n\n"),
        ('input 9x9x4\nrearrange "h, w, c -> c, h, w"\n', 'input 9x9x4\nrearrange "h w c -> c h w"\n'),
        ("  input 8x8x3\n  residual:\n    relu\n", "input 8x8x3\nresidual:\n  relu\n"),
        ("input 8x8x3\nconv k=3 f=8\n  relu\n  fc 10\n", "input 8x8x3\nconv k=3 f=8\nrelu\nfc 10\n"),
        ("input 8x8x3\rfc 10\r", "input 8x8x3\nfc 10\n"),
        ("conv k=1 f=2 | relu\ninput 8x8x3  # x\nfc 2\n", "input 8x8x3  # x\nconv k=1 f=2 | relu\nfc 2\n"),
        ("input: 28*28*1\nfc 10\n", "input 28x28x1\nfc 10\n"),
        ("28x28x1\nfc 10\n", "input 28x28x1\nfc 10\n"),
        ('inputs size "28 by 28 by 1"\nfc 10\n', "input 28x28x1\nfc 10\n"),
        ("input 8x8x3\ninput 8x8x3\nfc 10\n", "input 8x8x3\nfc 10\n"),
        ("input 8x8x3\nparam n = 3\nparam n = 3  # again\nfc n\n", "input 8x8x3\nparam n = 3\nfc n\n"),
        ("input 8x8x3\nlet n = 3;\nfc n\n", "input 8x8x3\nparam n = 3\nfc n\n"),
        ("input 8x8x3\nconv k=3\n  f=8\n", "input 8x8x3\nconv k=3 f=8\n"),
        ("input 8x8x3\nconv k=3, f=4 // of 3x3\nend\n", "input 8x8x3\nconv k=3 f=4  # of 3x3\n"),
        ("input 8x8x3\nfor 2: conv k=1 f=8\n", "input 8x8x3\nrepeat 2: conv k=1 f=8\n"),
        ("input 8x8x3\nrepeat 2 conv k=1 f=8\n", "input 8x8x3\nrepeat 2: conv k=1 f=8\n"),
        ("input 8x8x3\nfc 10)\n", "input 8x8x3\nfc 10\n"),
        ("input 8x8x3\na: conv k=1 f=3\nrelu | add A\n", "input 8x8x3\na: conv k=1 f=3\nrelu | add a\n"),
        ("input 8x8x3\na: conv k=1 f=3\nb: relu\nconcat a, b\n", "input 8x8x3\na: conv k=1 f=3\nb: relu\nfrom a | concat b\n"),
        ("input 8x8x3\nrepeat 2: conv k=1 f=3\n  relu\n", "input 8x8x3\nrepeat 2: conv k=1 f=3\nrelu\n"),
    ],
)
def test_what_can_only_mean_one_thing_is_mended(text, after):
    found = mended(compiler()(text), compiler())
    assert found.text == after
    assert compiler()(found.text).complete


@pytest.mark.parametrize(
    "text",
    [
        "input 8x8x3\nstem: conv k=3 f=3 p=1 | repeat 2: conv k=1 f=3\n",  # what the label is for would change
        "input 8x8x3\nresidual:\nconv k=3 f=3 p=1\nconv k=3 f=3 p=1\n",  # where does the body end?
        "input 8x8x3\nfc (3 + 1\n",
        "input 8x8x3\nconv k=3 f=4 f=8\n",
        "input 8x8x3\nfc 8 | relu | sigmoid\n",
        "input 8x8x3\nconv 8, 3\n",  # the kernel, or the filters?
        "input 8x8x3\nfc 2+3)*4\n",
        "input 8x8x3\na: conv k=1 f=3\na: conv k=1 f=3\nfc 2\n",  # a line that is there twice, or a label that is?
        "input 8x8x3\nrepeat 2:\n  default conv p=1\n  conv k=3 f=8\nconv k=3 f=8\n",  # the last line would change
        "input 8x8x3\na: conv k=1 f=3\nb: relu\nsub a b\n",
        "input 8x8x3\nResidual:\n  relu\n  conv k=1 f=3\n",
        "input 8x8x3\nstem\n  relu\n",  # a label that lacks its colon, or a line too deep
        "block a(k):\n  param n = 2*k\n  conv k=1 f=n\ninput 8x8x3\na 2\n",
    ],
)
def test_what_can_mean_two_things_is_left(text):
    assert mended(compiler()(text), compiler()).fixes == ()
