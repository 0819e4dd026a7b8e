"""Hostile files: whatever is in a file, the answer is diagnostics, in little time and memory, and never a traceback.

`THREATS` is the table of what must hold, with what proves it. Each file is worked on in a fork of its own, which measures itself.
"""

import ast
import io
import json
import os
import random
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from archspec.api import compile_text
from archspec.cli.screen import Screen
from archspec.diagnostics import Frame, catalogue
from archspec.diagnostics.render import as_data, concise, full, github, sarif
from archspec.elaborate.assumptions import Options
from archspec.source import Source, Span, decode
from tests.helpers.fork import Forks
from tests.helpers.hostile import STORED, Hostile, corpus
from tests.helpers.inert import problem
from tests.helpers.paths import ROOT, TESTS

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")

SLACK = 4
"""What is measured may be so many times the ceiling: the cores that run the tests are busy, and not all are alike."""
LONGEST = 1000
"""Characters of a message and of what goes with it: it is read by people."""


class Threat(NamedTuple):
    """What a file of a kind may cost, in seconds of work and in MiB on top of what the process had, and what proves the defence.

    A proof is a test of this module, or MODULE:TEST.
    """

    seconds: float
    mebibytes: float
    proofs: tuple[str, ...]


COSTS = ("test_files_are_answered", "test_commands_survive")
THREATS = {
    "expansion": Threat(1.5, 60, (*COSTS, "test_the_expansion_bomb_costs_next_to_nothing")),
    "integers": Threat(0.05, 20, (*COSTS, "test_expressions_of_big_numbers")),
    "nesting": Threat(0.5, 50, COSTS),
    "size": Threat(1.5, 90, COSTS),
    "characters": Threat(0.5, 75, (*COSTS, "test_what_is_not_utf8_is_said_to_be_so")),
    "use": Threat(0.02, 5, (*COSTS, "test_files_that_are_not_used", "test_files_that_are_used", "test_more_than_64_files")),
    "python": Threat(
        0.02,
        5,
        (
            *COSTS,
            "test_torch:test_no_text_of_a_spec_becomes_code",
            "test_torch:test_the_source_holds_what_the_emitter_means_and_nothing_else",
            "test_torch:test_words_of_python_and_of_the_emitter_are_names_like_others",
            "test_torch:test_no_label_hides_what_every_module_has",
            "test_train:test_what_a_spec_calls_itself_stays_text",
        ),
    ),
    "markup": Threat(
        0.02,
        5,
        (
            *COSTS,
            "test_cli:test_hostile_names_stay_inert_in_every_table",
            "test_compare:test_hostile_names_are_inert",
            "test_figures:test_hostile_names_are_inert",
            "test_figures:test_hostile_names_in_dot",
            "test_figures:test_hostile_names_in_mermaid",
            "test_notebook:test_hostile_names_are_inert",
            "test_report_page:test_hostile_names_are_text",
        ),
    ),
    "terminal": Threat(0.02, 5, (*COSTS, "test_every_message_with_every_payload", "test_any_text_may_be_set")),
    "dimensions": Threat(0.02, 5, (*COSTS, "test_train_data:test_synthetic_images_that_no_memory_holds")),
}
"""The threats. A bomb of repeats nested 30 deep has ceilings of its own: 0.1 s and 20 MiB."""


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_has_files_and_proofs(threat):
    assert sum(hostile.threat == threat for hostile in corpus()) >= 4
    for proof in THREATS[threat].proofs:
        module, _, name = proof.rpartition(":")
        (path,) = TESTS.rglob(f"{module or 'test_hostile'}.py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, proof


def test_every_file_is_of_a_threat():
    files = corpus()
    assert {hostile.threat for hostile in files} == set(THREATS)
    assert len({hostile.name for hostile in files}) == len(files)
    assert len(list(STORED.glob("*.arch"))) >= 100


FORKS = Forks("tests.helpers.hostile_child", environment={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"})


def worked(what: str, job: dict[str, object]) -> dict[str, object]:
    """What a process of its own made of a file."""
    done = FORKS.run(TESTS / "helpers" / "hostile_child.py", what, json.dumps(job))
    assert done.returncode == 0, (job, done.returncode, done.stderr[-2000:])
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def compiled(data: str | bytes, folder: Path, base: Path | None = None) -> dict[str, object]:
    """What compiling one file gives."""
    path = folder / "hostile.arch"
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    result = worked("compile", {"path": str(path), "base": str(base) if base else None})
    assert result["network"] == (not errors(result))
    assert result["longest"] < LONGEST, result["longest"]
    return result


def errors(result):
    return [code for severity, code, _, _ in result["found"] if severity == "error"]


def batches(size: int) -> list[list[Hostile]]:
    """The files in batches, one kind after the other."""
    files = corpus()
    return [files[at : at + size] for at in range(0, len(files), size)]


def written(files: list[Hostile], folder: Path) -> list[Path]:
    """Files on disk, beside those that they may use."""
    paths = [
        folder / f"{at}" / (f"{hostile.name}.arch" if hostile.name.isidentifier() and len(hostile.name) < 100 else "hostile.arch")
        for at, hostile in enumerate(files)
    ]
    for path, hostile in zip(paths, files, strict=True):
        path.parent.mkdir()
        path.write_bytes(hostile.data)
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("files", batches(30), ids=lambda files: f"{files[0].name} to {files[-1].name}")
def test_files_are_answered(files, tmp_path):
    """By the errors that are wanted, within the ceilings, in words of a length that is read."""
    paths = written(files, tmp_path)
    for hostile, path in zip(files, paths, strict=True):
        result = worked("compile", {"path": str(path), "base": str(path.parent)})
        if hostile.codes is not None:
            assert errors(result) == hostile.codes, (hostile.name, result["found"][:5])
        assert result["network"] == (not errors(result)), hostile.name
        assert result["longest"] < LONGEST, hostile.name
        threat = THREATS[hostile.threat]
        assert result["seconds"] < SLACK * threat.seconds, (hostile.name, result["seconds"])
        assert result["mebibytes"] < threat.mebibytes, (hostile.name, result["mebibytes"])


def cheap(hostile: Hostile) -> bool:
    """Whether a file is read so soon that every command may read it. To reach a limit takes a second each time."""
    return len(hostile.data) < 10_000 and "A118" not in (hostile.codes or ())


@pytest.mark.slow
@pytest.mark.parametrize("files", batches(25), ids=lambda files: f"{files[0].name} to {files[-1].name}")
def test_commands_survive(files, tmp_path):
    """Every command that reads a spec ends with 0, 1 or 2 and no traceback, and what it writes is what it should be when read again."""
    for hostile, path in zip(files, written(files, tmp_path), strict=True):
        result = worked("commands", {"path": str(path), "all": cheap(hostile)})
        assert result["problems"] == [], hostile.name


def test_the_expansion_bomb_costs_next_to_nothing(tmp_path):
    (bomb,) = [hostile for hostile in corpus() if hostile.name == "expansion: repeats nested 30 deep"]
    result = compiled(bomb.data, tmp_path)
    assert errors(result) == ["A118"]
    assert result["seconds"] < 0.1 * SLACK
    assert result["mebibytes"] < 20


# Numbers


def drawn_expression(rng, depth):
    """An expression of large numbers, and its value: None where it has none that is a number of the language."""
    if depth == 0 or rng.random() < 0.2:
        value = rng.choice([0, 1, 2, 3, 10, 2**31, 3037000499, 3037000500, 2**62, 2**63 - 2, 2**63 - 1, 2**63, 10**19, 10**40])
        return str(value), value if value < 2**63 else None
    sign = rng.choice(["+", "-", "*", "//", "%"])
    (left, a), (right, b) = (drawn_expression(rng, depth - 1) for _ in range(2))
    text = f"({left}){sign}({right})"
    if a is None or b is None or (sign in ("//", "%") and b == 0):
        return text, None
    value = {"+": a.__add__, "-": a.__sub__, "*": a.__mul__, "//": a.__floordiv__, "%": a.__mod__}[sign](b)
    return text, value if abs(value) < 2**63 else None


def test_expressions_of_big_numbers(tmp_path):
    """A value as Python has it, or one diagnostic on the line; in less than a millisecond each."""
    rng = random.Random(1)
    drawn = [drawn_expression(rng, rng.randint(1, 5)) for _ in range(600)]
    text = "".join(f"param a{at} = {written}\n" for at, (written, _) in enumerate(drawn)) + "input 8x8x3\nrelu\n"
    result = compiled(text, tmp_path)
    refused = sorted({line for severity, _, line, _ in result["found"] if severity == "error"})
    network, found = compile_text(text, "case.arch", Options())
    assert network is None
    lines = {diagnostic.span.line for diagnostic in found if diagnostic.severity == "error"}
    assert lines == {at + 1 for at, (_, value) in enumerate(drawn) if value is None}
    assert set(refused) <= lines
    good = [(at, value) for at, (_, value) in enumerate(drawn) if value is not None]
    kept, _ = compile_text("".join(f"param a{at} = {drawn[at][0]}\n" for at, _ in good) + "input 8x8x3\nrelu\n", "case.arch", Options())
    assert [kept.params[f"a{at}"] for at, _ in good] == [value for _, value in good]
    assert result["seconds"] < SLACK * 0.001 * len(drawn)


# Bytes


@pytest.mark.parametrize("data", [b"relu # \xe9", b"\xed\xa0\x80", b"\xc0\x80", b"input 8x8x3\n\x80"])
def test_what_is_not_utf8_is_said_to_be_so(data):
    with pytest.raises(ValueError, match=r"not UTF-8 text \(byte \d+: "):
        decode(data)


def test_a_lone_surrogate_in_a_text_that_was_no_file():
    network, found = compile_text("input 8x8x3\nrelu # \ud800\n", "case.arch", Options())
    assert network is None
    assert [d.code for d in found] == ["A006"]


# Files


@pytest.fixture
def tree(tmp_path):
    """A spec's folder with something of each kind in and around it."""
    folder = tmp_path / "specs"
    (folder / "sub").mkdir(parents=True)
    (folder / "ok.arch").write_text("block unit(f): conv k=3 f=f\n")
    (folder / "sub" / "up.arch").write_text('use "../ok.arch"\n')
    (folder / "sub" / "out.arch").write_text('use "../../secret.arch"\n')
    (folder / "self.arch").write_text('use "self.arch"\nblock me(f): conv k=3 f=f\n')
    (folder / "ping.arch").write_text('use "pong.arch"\nblock ping(f): conv k=3 f=f\n')
    (folder / "pong.arch").write_text('use "ping.arch"\nblock pong(f): conv k=3 f=f\n')
    (folder / "latin.arch").write_bytes(b"# \xe9\n")
    (folder / "nul.arch").write_bytes(b"\0\0\0")
    (folder / "bom.arch").write_bytes(b"\xef\xbb\xbfblock marked(f): conv k=3 f=f\n")
    (folder / "large.arch").write_text("#" + "x" * 2_000_000)
    (folder / "unreadable.arch").write_text("block a(): relu\n")
    (folder / "bad.arch").write_text("block unit(f):\n  conv k=3 filters=f\n")
    for at in range(70):
        (folder / f"chain{at}.arch").write_text(f'use "chain{at + 1}.arch"\n')
    (folder / "chain70.arch").write_text("block last(f): conv k=3 f=f\n")
    (tmp_path / "secret.arch").write_text("block secret(f): conv k=3 f=f\n")
    (folder / "link_out.arch").symlink_to(tmp_path / "secret.arch")
    (folder / "link_in.arch").symlink_to(folder / "ok.arch")
    (folder / "folder_out").symlink_to(tmp_path)
    (folder / "loop.arch").symlink_to(folder / "loop.arch")
    (folder / "device.arch").symlink_to("/dev/zero")
    os.mkfifo(folder / "fifo.arch")
    (tmp_path / "specs2").mkdir()
    (tmp_path / "specs2" / "other.arch").write_text("block other(f): conv k=3 f=f\n")
    return folder


REFUSED = [
    "../secret.arch", "sub/../../secret.arch", "../specs2/other.arch", "sub/out.arch", "/dev/zero", "/etc/passwd", "link_out.arch",
    "folder_out/secret.arch", "device.arch", "fifo.arch", "sub", ".", "", "missing.arch", "ok.arch/x", "loop.arch", "latin.arch",
    "chain0.arch", "~/ok.arch", "a" * 300, "a/" * 5000 + "a", "\\\\\\\\server\\\\share", "C:\\\\a.arch", "file:///etc/passwd", "ok.arch\\n",
]  # fmt: skip


@pytest.mark.slow
def test_files_that_are_not_used(tree, tmp_path):
    specs = [Hostile(path, "use", f'use "{path}"\ninput 8x8x3\nconv k=3 f=8\n'.encode(), ["A116"]) for path in REFUSED]
    for path, result in zip(REFUSED, used(specs, tree, tmp_path), strict=True):
        assert errors(result) == ["A116"], (path, result["found"])
        assert "secret(f)" not in json.dumps(result["found"])
        assert "root:" not in json.dumps(result["found"])


USED = {
    "ok.arch": "unit", "./ok.arch": "unit", "sub/../ok.arch": "unit", "sub/up.arch": "unit", "link_in.arch": "unit", "bom.arch": "marked",
    "self.arch": "me", "ping.arch": "pong", "pong.arch": "ping", "chain20.arch": "last",
}  # fmt: skip


def test_files_that_are_used(tree, tmp_path):
    specs = [Hostile(path, "use", f'use "{path}"\ninput 8x8x3\n{block} 8\n'.encode(), []) for path, block in USED.items()]
    for path, result in zip(USED, used(specs, tree, tmp_path), strict=True):
        assert errors(result) == [], (path, result["found"])


def test_files_that_cannot_be_read_as_specs(tree, tmp_path):
    wanted = {"large.arch": "A007", "nul.arch": "A006"}
    specs = [Hostile(path, "use", f'use "{path}"\ninput 8x8x3\nconv k=3 f=8\n'.encode(), None) for path in wanted]
    for code, result in zip(wanted.values(), used(specs, tree, tmp_path), strict=True):
        assert errors(result) == [code], result["found"]


def used(specs, tree, folder):
    """What compiling specs gives, with `use` looking below a folder."""
    return [worked("compile", {"path": str(path), "base": str(tree)}) for path in written(specs, folder)]


def test_a_spec_that_uses_itself(tree, tmp_path):
    (tree / "spec.arch").write_text('use "spec.arch"\nblock own(f): conv k=3 f=f\ninput 8x8x3\nown 8\n')
    result = compiled((tree / "spec.arch").read_text(), tmp_path, tree)
    assert errors(result) in (["A116"], ["A108"], []), result["found"]


def test_a_param_that_cannot_be_read_is_told_once(tmp_path):
    """Neither a second line that defines it nor a file that does is a further mistake, and none is a traceback."""
    (tmp_path / "b.arch").write_text("param w = 8\nblock b(n): fc n\n")
    for text in ('param w =\nuse "b.arch"\ninput 4x4x1\nb w\n', "param w =\nparam w = 8\ninput 4x4x1\nfc w\n"):
        _, found = compile_text(text, "case.arch", Options(base=tmp_path))
        assert [d.code for d in found] == ["A001"]


def test_the_limits_of_a_file_hold_for_the_files_it_uses(tmp_path):
    (tmp_path / "b.arch").write_text("block b(n): fc n\n" + "# " + "x" * 500 + "\n")
    text = 'use "b.arch"\ninput 4x4x1\nb 3\n'
    assert compile_text(text, "case.arch", Options(base=tmp_path))[0] is not None
    for limit in ({"max_bytes": 100}, {"max_tokens": 7}):
        _, found = compile_text(text, "case.arch", Options(base=tmp_path, **limit))
        assert "A007" in [d.code for d in found]


def test_more_than_64_files(tree, tmp_path):
    for at in range(70):
        (tree / f"one{at}.arch").write_text(f"block b{at}(f): conv k=3 f=f\n")
    result = compiled("".join(f'use "one{at}.arch"\n' for at in range(70)) + "input 8x8x3\nb3 8\n", tmp_path, tree)
    assert set(errors(result)) == {"A116"}
    assert len(errors(result)) == 1, "one cause, one report"


def test_one_file_used_often_is_one_file(tree, tmp_path):
    result = compiled('use "ok.arch"\n' * 100 + "input 8x8x3\nunit 8\n", tmp_path, tree)
    assert errors(result) == []


def test_a_text_without_a_folder_uses_nothing():
    network, found = compile_text('use "ok.arch"\ninput 8x8x3\nrelu\n', "<stdin>", Options())
    assert network is None
    assert [d.code for d in found] == ["A116"]


def test_missing_blocks_of_a_missing_file_are_not_told_again(tree, tmp_path):
    result = compiled('use "missing.arch"\ninput 8x8x3\nbottleneck 8\n', tmp_path, tree)
    assert errors(result) == ["A116"], result["found"]


# Strings that would mean something to a terminal

CANARIES = ["\x1b[31m", "a\nb", "\x07", "[red]x[/red]", "%s%n", "{0}", "`a`", "\u202e"]


@pytest.mark.parametrize("canary", CANARIES, ids=[ascii(canary) for canary in CANARIES])
def test_any_text_may_be_set(canary):
    network, found = compile_text('param mode = "a"\ninput 8x8x3\nrelu if mode == "a"\nbn\n', "case.arch", Options(params={"mode": canary}))
    assert network is not None
    network, found = compile_text("param mode = 3\ninput 8x8x3\nfc mode\n", "case.arch", Options(params={"mode": canary}))
    assert [d.code for d in found] == ["A115"]


def changed(diagnostic, payload):
    """A finding with a payload in everything that it says, and in the line that it quotes."""
    where = diagnostic.span
    text = where.source.text[: where.start] + payload + where.source.text[where.start :]
    span = Span(Source(f"a{payload}.arch", text), where.start, where.end + len(payload))
    words = f"{payload} and {payload}"
    return diagnostic._replace(
        message=words, span=span, label=words, notes=(words,), help=words, secondary=((span, words),), trace=(Frame(span, words),)
    )


@cache
def one_of_each_code():
    """A finding of each code."""
    texts = [example.text for code in catalogue.codes() for example in catalogue.page(code).examples if example.kind == "wrong"]
    return {d.code: d for text in texts for d in compile_text(text, "case.arch", Options())[1] if d.span is not None}


@pytest.mark.parametrize("payload", CANARIES, ids=[ascii(canary) for canary in CANARIES])
def test_every_message_with_every_payload(payload):
    """As text, in one line, as data, for a service, and in colour on a terminal."""
    assert len(one_of_each_code()) > 50
    for diagnostic in (changed(d, payload) for d in one_of_each_code().values()):
        lines = list(full(diagnostic))
        plain = ["".join(piece for piece, _ in line) for line in lines]
        for line in (*plain, concise(diagnostic)):
            assert problem("text", line) is None and "\n" not in line
        assert "\n" not in github(diagnostic)
        assert json.loads(json.dumps([as_data(diagnostic), sarif([diagnostic], "0")]))[0]["message"] == diagnostic.message
        stream = io.StringIO()
        screen = Screen(stream)
        screen.colour = True
        screen.lines(lines)
        assert re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).split("\n")[:-1] == [line.rstrip("\n") for line in plain]


def test_a_file_full_of_nul_is_no_text():
    with pytest.raises(ValueError, match=r"^it is binary data, not text: it is full of NUL bytes$"):
        decode(b"\0" * 1_000_000)
