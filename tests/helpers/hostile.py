"""Hostile files: those of cases/hostile, and those too large or too strange to be stored, made here.

A stored file says in its first line what it threatens and which errors refuse it: `# expansion: A118`, `# python: accepted`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.helpers.paths import CASES

STORED = CASES / "hostile"


class Hostile(NamedTuple):
    """A file. `codes` are the errors in the order of the text, None where any will do; `threat` is a row of the table in test_hostile."""

    name: str
    threat: str
    data: bytes
    codes: list[str] | None


INPUT = "input 8x8x3\n"


def nested(head, depth, inner, step="  "):
    return INPUT + "".join(step * i + head.format(i=i) + "\n" for i in range(depth)) + step * depth + inner + "\n"


def lines(line, count):
    return "".join(line.format(i=i) + "\n" for i in range(count))


Texts = dict[str, tuple[str | bytes, list[str] | None]]

EXPANSION: Texts = {
    "repeats nested 30 deep": (nested("repeat 10:", 30, "relu"), ["A118"]),
    "repeats on one line": (INPUT + "repeat 10: " * 30 + "relu\n", ["A118"]),
    "blocks that call the next twice": (
        "".join(f"block b{i}():\n  b{i + 1}\n  b{i + 1}\n" for i in range(50)) + "block b50(): relu\n" + INPUT + "b0\n",
        ["A118"],
    ),
    "blocks that call the next twice with other arguments": (
        "".join(f"block b{i}(n):\n  b{i + 1} 2*n\n  b{i + 1} 2*n+1\n" for i in range(50)) + "block b50(n): relu\n" + INPUT + "b0 1\n",
        ["A118"],
    ),
    "100 blocks, each calls the next": (
        "".join(f"block b{i}(): b{i + 1}\n" for i in range(100)) + "block b100(): relu\n" + INPUT + "b0\n",
        ["A118"],
    ),
    "lists of lists": ("param a0 = 1,2\n" + "".join(f"param a{i + 1} = a{i},a{i}\n" for i in range(60)) + INPUT + "fc a60\n", None),
}
NUMBERS: Texts = {
    "a number of 5,000 digits": (INPUT + "fc " + "9" * 5000 + "\n", ["A012"]),
    "a size of 5,000 digits": ("input 8x8x" + "9" * 5000 + "\nrelu\n", ["A012"]),
    "a version of 5,000 digits": ("arch " + "9" * 5000 + "\n" + INPUT + "relu\n", ["A012"]),
    "a product": (INPUT + "fc " + "*".join(["9999999999"] * 1000) + "\n", ["A113"]),
    "an input of 40,000 axes": ("input " + "x".join(["8"] * 40_000) + "\nrelu\n", ["A105"]),
    "a kernel of 40,000 axes": (INPUT + "conv f=3 k=" + "x".join(["3"] * 40_000) + "\n", ["A206"]),
}
DEPTH: Texts = {
    "100,000 brackets": (INPUT + "fc " + "(" * 100_000 + "1" + ")" * 100_000 + "\n", ["A007"]),
    "100,000 open brackets": (INPUT + "fc " + "(" * 100_000 + "\n", ["A007"]),
    "40,000 brackets": (INPUT + "fc " + "(" * 40_000 + "1" + ")" * 40_000 + "\n", ["A007"]),
    "40,000 brackets of a formula": (INPUT + "pattern " + "[" * 40_000 + "CONV" + "]" * 40_000 + " f=3\n", ["A007"]),
    "49,000 closing brackets": (INPUT + "fc 1" + ")" * 49_000 + "\n", None),
    "calls in calls": (INPUT + "fc " + "max(1," * 1000 + "1" + ")" * 1000 + "\n", ["A007"]),
    "a sum of 50,000 terms": (INPUT + "fc " + "+".join(["1"] * 50_000) + "\n", ["A007"]),
    "a sum of 49,000 terms": (INPUT + "fc " + "+".join(["1"] * 49_000) + "\n", []),
    "a sum of products": (INPUT + "fc " + "+".join(["1*1"] * 24_000) + "\n", []),
    "a chain of comparisons": (INPUT + "relu if " + " < ".join(["1"] * 40_000) + "\n", []),
    "a chain of conditions": (INPUT + "relu if " + " and ".join(["yes"] * 40_000) + "\n", []),
    "50,000 times not": (INPUT + "relu if " + "not " * 50_000 + "yes\n", []),
    "50,000 times minus": (INPUT + "relu if " + "- " * 50_000 + "1\n", []),
    "50,000 labels on a line": (INPUT + "a: " * 49_000 + "relu\n", ["A007"]),
    "65 labels on a line": (INPUT + "".join(f"a{i}: " for i in range(65)) + "relu\n", ["A007"]),
    "30 labels on a line": (INPUT + "".join(f"a{i}: " for i in range(30)) + "relu\n", []),
    "65 suites": (nested("residual:", 65, "relu"), ["A007"]),
    "1,000 suites": (nested("residual:", 1000, "relu", " "), ["A007"]),
    "60 suites": (nested("residual:", 60, "relu"), []),
    "100,000 pipes": (INPUT + "|" * 100_000 + "\n", ["A007"]),
    "a label of 30,000 parts": (INPUT + "a" + "{1}" * 30_000 + ": relu\n", ["A109"]),
}
SIZE: Texts = {
    "nothing": ("", ["A117"]),
    "spaces": (" " * 1_000_000, ["A117"]),
    "10 MB of newlines": ("\n" * 10_000_000, ["A007"]),
    "1 MB of newlines": (INPUT + "\n" * 1_000_000 + "relu\n", []),
    "1 MB of newlines before a mistake": (INPUT + "\n" * 1_000_000 + "block b(): relu\nrleu\n", ["A101"]),
    "a line of 90 numbers, which is no shape": (INPUT + "in " + "1   " * 90 + "?\n", None),
    "a line of 10 MB": ("x" * 10_000_000, ["A007"]),
    "a line of 1 MB": (INPUT + "x" * 1_000_000 + "\n", ["A101"]),
    "a comment of 1 MB": (INPUT + "relu #" + "x" * 1_000_000, []),
    "500,000 comments": (INPUT + "#\n" * 500_000 + "relu\n", []),
    "comments before a continuation": (INPUT + "relu\n" + "# a\n" * 200_000 + "| relu\n", None),
    "a text of 1 MB": ('model "' + "x" * 1_000_000 + '"\n' + INPUT + "relu\n", []),
    "a text of 1 MB as an argument": (INPUT + 'fc "' + "x" * 1_000_000 + '"\n', ["A105"]),
    "a text of 1 MB of backslashes": ('model "' + "\\" * 1_000_000 + '"\n' + INPUT + "relu\n", []),
    "a text of 1 MB that is not closed": (INPUT + 'model "' + "x" * 1_000_000 + "\nrelu\n", None),
    "500,000 quotes": (INPUT + '"' * 500_000, None),
    "a name of 1 MB as an argument": (INPUT + "conv k=3 " + "a" * 1_000_000 + "=3\n", ["A102"]),
    "an expression of a name of 1 MB": (INPUT + "fc " + "a" * 1_000_000 + "\n", ["A106"]),
    "a label of 1 MB": (INPUT + "a" * 1_000_000 + ": relu\n", ["A109"]),
    "a reference to a label of 1 MB": (INPUT + "concat " + "a" * 1_000_000 + "\n", ["A107"]),
    "a text of 1 MB as a path": ('use "' + "a" * 1_000_000 + '"\n' + INPUT + "relu\n", ["A116"]),
    "a block of 49,000 parameters": ("block b(" + ",".join(f"a{i}" for i in range(49_000)) + "): relu\n" + INPUT + "relu\n", []),
    "a call with many arguments": ("block b(n): relu\n" + INPUT + "b " + "1 " * 90_000 + "\n", ["A104"]),
    "a layer with many arguments": (INPUT + "fc " + "1 " * 90_000 + "\n", ["A104"]),
    "a layer with one argument many times": (INPUT + "fc " + "n=1 " * 40_000 + "\n", ["A110"]),
    "50,000 layers": (INPUT + "relu\n" * 50_000, []),
    "50,000 unknown layers": (INPUT + "foo\n" * 50_000, None),
    "50,000 signs without a meaning": (INPUT + "@\n" * 50_000, None),
    "50,000 branches": (INPUT + "concat:\n" + "  relu\n" * 50_000, None),
    "30,000 labels": (INPUT + lines("a{i}: relu", 30_000), []),
    "15,000 labels and as many misspelled": (INPUT + "".join(f"a{i}: relu\nadd b{i}\n" for i in range(15_000)), None),
    "a merge with 90,000 values": (INPUT + "a: relu\nconcat" + " a" * 90_000 + "\n", []),
    "20,000 outputs": (INPUT + lines("output o{i}: relu", 20_000), []),
    "20,000 inputs": (lines("i{i}: input 8x8x3", 20_000), []),
    "12,000 inputs, all read": (lines("i{i}: input 8x8x3", 12_000) + "concat" + "".join(f" i{i}" for i in range(11_999)) + "\n", []),
    "a label over 8,000 lines that read 8,000 values": (
        INPUT + lines("a{i}: relu", 8_000) + "g:\n  concat" + "".join(f" a{i}" for i in range(8_000)) + "\n" + "  relu\n" * 8_000,
        [],
    ),
    "12,000 blocks": (lines("block b{i}(): relu", 12_000) + INPUT + "relu\n", []),
    "20,000 params that name each other wrongly": (lines("param p{i}=q{i}", 20_000) + INPUT + "relu\n", None),
    "10,000 params, each of the one before": (
        "param a0=1\n" + "".join(f"param a{i + 1}=a{i}\n" for i in range(10_000)) + INPUT + "fc a10000\n",
        [],
    ),
    "20,000 defaults": ("default conv k=3\n" * 20_000 + INPUT + "relu\n", []),
    "20,000 defaults of different arguments": (lines("default relu a{i}=3", 20_000) + INPUT + "relu\n", None),
}
CHARACTERS: Texts = {
    "a tab": ("input 8x8x3\nconv k=3\tf=8\n", ["A002"]),
    "a tab that indents": ("input 8x8x3\nrepeat 2:\n\trelu\n", ["A002"]),
    "a tab that indents too far": ("input 8x8x3\n\trelu\n", ["A002"]),
    "a tab in a comment": ("input 8x8x3\nrelu #\ta\n", ["A002"]),
    "1 MB of tabs": ("\t" * 1_000_000, ["A002"]),
    "a tab on each of 50,000 lines": (INPUT + "\trelu\n" * 50_000, None),
    "NUL": ("input 8x8x3\nre\0lu\n", None),
    "NUL in a comment": ("input 8x8x3\nrelu # \0\n", ["A006"]),
    "NUL in a text": ('model "a\0b"\ninput 8x8x3\nrelu\n', ["A006"]),
    "an escape": ("input 8x8x3\nrelu # \x1b[31m\n", ["A006"]),
    "a byte order mark within": ("input 8x8x3\nrelu # \ufeff\n", ["A006"]),
    "a lone carriage return": ("input 8x8x3\nrelu # a\rrelu\n", ["A006"]),
    "carriage returns alone": ("input 8x8x3\rrelu\r", None),
    "1 MB of carriage returns": ("\r" * 1_000_000, None),
    "carriage return and line feed": ("input 8x8x3\r\nrelu\r\n", []),
    "a line separator": ("input 8x8x3\nrelu # a\u2028relu\n", ["A006"]),
    "a paragraph separator": ("input 8x8x3\nrelu # a\u2029\n", ["A006"]),
    "a next line": ("input 8x8x3\nrelu # a\x85\n", ["A006"]),
    "a vertical tab": ("input 8x8x3\nrelu # a\x0b\n", ["A006"]),
    "a form feed": ("input 8x8x3\nrelu # a\x0c\n", ["A006"]),
    "right to left override": ("input 8x8x3\nrelu # \u202e\n", ["A006"]),
    "isolates": ("input 8x8x3\nrelu # \u2066 \u2069\n", None),
    "a no-break space": ("input 8x8x3\nrelu\u00a0\n", ["A001"]),
    "a zero-width space": ("input 8x8x3\nrelu\u200b\n", None),
    "letters of other scripts in a comment": ("input 8x8x3\nrelu # \u043c\u0438\u0440 \u4e16\u754c \U0001f600\n", []),
    "a mark and an indent": ("input 8x8x3\n\ufeff relu\n", ["A006"]),
    "letters of other scripts in a text": ('model "\u043c\u0438\u0440 \u4e16\u754c"\ninput 8x8x3\nrelu\n', []),
    "no final newline": ("input 8x8x3\nrelu", []),
    "no final newline after a comment": ("input 8x8x3\nrelu # a", []),
    "no final newline after a colon": ("input 8x8x3\nresidual:", ["A004"]),
    "no final newline after a key": ("input 8x8x3\nconv k=", ["A001"]),
    "a comment alone": ("# nothing", ["A117"]),
    "a newline alone": ("\n", ["A117"]),
    "a quote alone": ('"', ["A005"]),
    "a bracket alone": ("(", ["A005"]),
    "a pipe alone": ("|", ["A001"]),
    "a colon alone": (":", ["A001"]),
    "an indented file": ("  input 8x8x3\n  relu\n", ["A003"]),
}


BYTES: Texts = {
    "a byte order mark": (b"\xef\xbb\xbfinput 8x8x3\nrelu\n", []),
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbfinput 8x8x3\nrelu\n", ["A006"]),
}


def corpus() -> list[Hostile]:
    """Every file."""
    found = [stored(path) for path in sorted(STORED.glob("*.arch"))]
    made = {"expansion": EXPANSION, "integers": NUMBERS, "nesting": DEPTH, "size": SIZE, "characters": CHARACTERS | BYTES}
    for threat, texts in made.items():
        for name, (text, codes) in texts.items():
            data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
            found.append(Hostile(f"{threat}: {name}", threat, data, codes))
    return found


def stored(path: Path) -> Hostile:
    data = path.read_bytes()
    threat, _, codes = data.partition(b"\n")[0].decode().removeprefix("# ").partition(": ")
    return Hostile(path.stem, threat, data, [] if codes == "accepted" else codes.split())
