"""Hostile source text: whatever is in a file, the answer is diagnostics, in little time and memory, and never a traceback.

Each text is compiled in a process of its own, which measures itself. The ceilings are far above what a spec needs.
"""

import json
import os

import pytest
from helpers_fork import ROOT, Forks

from archspec.api import compile_text
from archspec.elaborate.options import Options
from archspec.reading import decode

CPU_SECONDS = 4.0
"""Two seconds, and as much again for a machine whose cores run several tests at once."""
PEAK_MIB = 256
LONGEST = 1000
"""Characters of a message and of what goes with it: it is read by people."""

CHILD = """
import json, resource, sys
from pathlib import Path

resource.setrlimit(resource.RLIMIT_CPU, (12, 12))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
text = open(sys.argv[1], encoding="utf-8", errors="surrogatepass", newline="").read()
from archspec.api import compile_text
from archspec.elaborate.options import Options

network, found = compile_text(text, "hostile.arch", Options(base=Path(sys.argv[2]) if len(sys.argv) > 2 else None))
used = resource.getrusage(resource.RUSAGE_SELF)
try:
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024  # of this process; ru_maxrss takes over the parent's
except (OSError, IndexError):
    peak = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
parts = [p for d in found for p in (d.message, d.help or "", d.label, *d.notes, *(t for _, t in d.secondary), *(f.text for f in d.trace))]
print(json.dumps({
    "network": network is not None,
    "found": [(d.severity, d.code, d.span.line if d.span else None, d.message) for d in found[:200]],
    "count": len(found),
    "longest": max(map(len, parts), default=0),
    "cpu": used.ru_utime + used.ru_stime,
    "peak": peak,
}))
"""
FORKS = Forks("resource", "archspec.api", "archspec.elaborate.options", environment={**os.environ, "PYTHONPATH": str(ROOT)})


def compiled(text, tmp_path, base=None):
    """What compiling a text gives, in a process of its own that stays below the ceilings."""
    path = tmp_path / "hostile.arch"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    done = FORKS.run(script, path, *([base] if base is not None else []))
    assert done.returncode == 0, f"it ended with {done.returncode}: {done.stderr[-600:]}"
    result = json.loads(done.stdout)
    errors = [code for severity, code, _, _ in result["found"] if severity == "error"]
    assert result["network"] == (not errors)
    assert result["cpu"] < CPU_SECONDS, result["cpu"]
    assert result["peak"] < PEAK_MIB, result["peak"]
    assert result["longest"] < LONGEST, result["longest"]
    return result


def errors(result):
    return [code for severity, code, _, _ in result["found"] if severity == "error"]


INPUT = "input 8x8x3\n"


def nested(head, depth, inner, step="  "):
    return INPUT + "".join(step * i + head.format(i=i) + "\n" for i in range(depth)) + step * depth + inner + "\n"


def lines(line, count):
    return "".join(line.format(i=i) + "\n" for i in range(count))


BIG = 2**63 - 1

EXPANSION = {
    "repeats nested 30 deep": (nested("repeat 10:", 30, "relu"), ["A118"]),
    "repeats on one line": (INPUT + "repeat 10: " * 30 + "relu\n", ["A118"]),
    "a billion rounds": (INPUT + "repeat 1000000000: conv k=1 f=3\n", ["A118"]),
    "2^63 - 1 rounds": (INPUT + f"repeat {BIG}: conv k=1 f=3\n", ["A118"]),
    "rounds that differ": (INPUT + "repeat 1000000 as i: conv k=1 f=i+1\n", ["A118"]),
    "rounds that differ, nested": (INPUT + "repeat 1000 as i: repeat 1000 as j: conv k=1 f=i*j+1\n", ["A118"]),
    "rounds that are dropped": (INPUT + "repeat 9000000000000000000 as i:\n  relu if i<0\n", ["A118"]),
    "rounds whose guard reads their variable": (INPUT + "repeat 9000000000000000000 as i: relu if i<0\n", ["A106"]),
    "rounds without anything in them": (INPUT + "repeat 9000000000000000000: skip\n", []),
    "rounds without anything in them, nested": (INPUT + "repeat 3000000000: repeat 3000000000: skip\n", []),
    "rounds that grow": (INPUT + "repeat 1000000:\n  concat:\n    skip\n    conv k=1 f=1\n", ["A118"]),
    "a block that doubles, 70 times": ("block d():\n  concat:\n    skip\n    skip\n" + INPUT + "repeat 70: d\n", ["A207"]),
    "a block with doubled convolutions, 70 times": (
        "block d():\n  concat:\n    conv k=1 f=cin\n    conv k=1 f=cin\n" + INPUT + "repeat 70: d\n",
        ["A207"],
    ),
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
    "a formula": (INPUT + "pattern [[[[CONV]*9999]*9999]*9999]*9999 f=3\n", ["A118"]),
    "a formula without anything in it": (INPUT + "pattern [[[[CONV]*0]*9999]*9999]*9999 f=3\n", None),
    "a formula of dropped pools": (INPUT + "pattern [[[POOL?]*9999]*9999]*9999 pool=no\n", None),
    "lists of lists": ("param a0 = 1,2\n" + "".join(f"param a{i + 1} = a{i},a{i}\n" for i in range(60)) + INPUT + "fc a60\n", None),
    "lists of lists that are told": (
        "param a0 = 1,2\n" + "".join(f"param a{i + 1} = a{i},a{i}\n" for i in range(16)) + INPUT + "fc a16\n",
        None,
    ),
}
NUMBERS = {
    "a number of 5,000 digits": (INPUT + "fc " + "9" * 5000 + "\n", ["A012"]),
    "a size of 5,000 digits": ("input 8x8x" + "9" * 5000 + "\nrelu\n", ["A012"]),
    "a version of 5,000 digits": ("arch " + "9" * 5000 + "\n" + INPUT + "relu\n", ["A012"]),
    "an exponent": (INPUT + "fc 1e999\n", ["A012"]),
    "an exponent of many digits": (INPUT + "fc 1e99999999999999999999\n", ["A012"]),
    "an infinite probability": (INPUT + "dropout 1e999\n", ["A012"]),
    "infinity less infinity": (INPUT + "fc 1e999-1e999\n", ["A012", "A012"]),
    "infinity in a condition": (INPUT + "relu if 1e999 > 1e999-1\n", None),
    "a power": (INPUT + "fc 9**9**9\n", ["A001"]),
    "a product": (INPUT + "fc " + "*".join(["9999999999"] * 1000) + "\n", ["A113"]),
    "a quotient of large numbers": (INPUT + f"fc {BIG}/3\n", None),
    "the rounding of a large number": (INPUT + "fc round8(9000000000000000000*1.0)\n", None),
    "a modulus by zero": (INPUT + "fc 5%0.0\n", ["A113"]),
    "the least number, negated": (INPUT + f"fc -(-{BIG}-1)\n", None),
    "an input of 40,000 axes": ("input " + "x".join(["8"] * 40_000) + "\nrelu\n", ["A105"]),
    "a kernel of 40,000 axes": (INPUT + "conv f=3 k=" + "x".join(["3"] * 40_000) + "\n", ["A206"]),
}
DEPTH = {
    "100,000 brackets": (INPUT + "fc " + "(" * 100_000 + "1" + ")" * 100_000 + "\n", ["A007"]),
    "100,000 open brackets": (INPUT + "fc " + "(" * 100_000 + "\n", ["A007"]),
    "40,000 brackets": (INPUT + "fc " + "(" * 40_000 + "1" + ")" * 40_000 + "\n", ["A007"]),
    "65 brackets": (INPUT + "fc " + "(" * 65 + "1" + ")" * 65 + "\n", ["A007"]),
    "64 brackets": (INPUT + "fc " + "(" * 64 + "1" + ")" * 64 + "\n", []),
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
BULK = {
    "nothing": ("", ["A117"]),
    "spaces": (" " * 1_000_000, ["A117"]),
    "10 MB of newlines": ("\n" * 10_000_000, ["A007"]),
    "1 MB of newlines": (INPUT + "\n" * 1_000_000 + "relu\n", []),
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
    "12,000 blocks": (lines("block b{i}(): relu", 12_000) + INPUT + "relu\n", []),
    "20,000 params that name each other wrongly": (lines("param p{i}=q{i}", 20_000) + INPUT + "relu\n", None),
    "10,000 params, each of the one before": (
        "param a0=1\n" + "".join(f"param a{i + 1}=a{i}\n" for i in range(10_000)) + INPUT + "fc a10000\n",
        [],
    ),
    "20,000 defaults": ("default conv k=3\n" * 20_000 + INPUT + "relu\n", []),
    "20,000 defaults of different arguments": (lines("default relu a{i}=3", 20_000) + INPUT + "relu\n", None),
}
CHARACTERS = {
    "a tab": ("input 8x8x3\nconv k=3\tf=8\n", ["A002"]),
    "a tab that indents": ("input 8x8x3\nrepeat 2:\n\trelu\n", ["A002"]),
    "a tab that indents too far": ("input 8x8x3\n\trelu\n", ["A002"]),
    "a tab in a comment": ("input 8x8x3\nrelu #\ta\n", ["A002"]),
    "1 MB of tabs": ("\t" * 1_000_000, ["A002"]),
    "a tab on each of 50,000 lines": (INPUT + "\trelu\n" * 50_000, None),
    "NUL": ("input 8x8x3\nre\0lu\n", None),
    "NUL in a comment": ("input 8x8x3\nrelu # \0\n", ["A006"]),
    "NUL in a text": ('model "a\0b"\ninput 8x8x3\nrelu\n', ["A006"]),
    "1 MB of NUL": ("\0" * 1_000_000, None),
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
    "a lone surrogate": ("input 8x8x3\nrelu # \ud800\n", ["A006"]),
    "a no-break space": ("input 8x8x3\nrelu\u00a0\n", ["A001"]),
    "a zero-width space": ("input 8x8x3\nrelu\u200b\n", None),
    "a letter of another script": ("input 8x8x3\nr\u0435lu\n", None),
    "a digit of another script": ("input 8x8x3\nfc \u0661\u0660\n", None),
    "a superscript digit": ("input 8x8x\u00b3\nrelu\n", None),
    "letters of other scripts in a comment": ("input 8x8x3\nrelu # \u043c\u0438\u0440 \u4e16\u754c \U0001f600\n", []),
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
DIMENSIONS = {
    "an input at the limit": (f"input {BIG}\nfc 1\n", []),
    "an input above the limit": (f"input {BIG + 1}\nfc 1\n", ["A012"]),
    "a map at the limit": (f"input 1x1x{BIG}\nrelu\n", []),
    "a map just below the limit": ("input 3037000499x3037000499x1\nrelu\n", []),
    "a map just above the limit": ("input 3037000500x3037000500x1\nrelu\n", ["A105"]),
    "an output at the limit": (f"input 1x1x1\nconv k=1 f={BIG}\n", []),
    "an output above the limit": (f"input 2x1x1\nconv k=1 f={BIG}\n", ["A207"]),
    "a fully connected layer": (f"input {BIG}\nfc {BIG}\n", None),
    "a flattened map": ("input 3037000499x3037000499x1\nflatten\n", []),
    "padding": (f"input 8x8x1\nconv k=1 f=1 p={BIG}\n", ["A207"]),
    "a kernel": (f"input 8x8x1\nconv k={BIG} f=1\n", ["A202"]),
    "a kernel and its padding": (f"input 8x8x1\nconv k={BIG} f=1 p={BIG}\n", ["A207"]),
    "a dilation": (f"input 8x8x1\nconv k=3 f=1 d={BIG}\n", ["A202"]),
    "a stride": (f"input 8x8x1\nconv k=1 f=1 s={BIG}\n", ["A203"]),
    "a stride of half the limit": ("input 9223372036854775806x1\nconv k=2 f=1 s=4611686018427387904\n", ["A203"]),
    "a stride and an input": (f"input {BIG}x1\nconv k=2 f=1 s={BIG - 3}\n", ["A203"]),
    "a pool": (f"input 8x8x1\npool w={BIG}\n", ["A202"]),
    "a padded pool": (f"input 8x8x1\npool w=3 s=1 p={BIG}\n", ["A204"]),
    "a padded pool of any size": (f"input 8x8x1\npool w={BIG} p={BIG // 2} s=1\n", None),
    "pooling to a size": (f"input 8x8x1\nadaptpool {BIG}x1\n", None),
    "pooling to an odd size": ("input 9999999999x1\nadaptpool 9999\n", []),
    "upsampling": (f"input 8x8x1\nupsample {BIG}\n", ["A207"]),
    "a transposed convolution": (f"input 8x8x1\ndeconv k={BIG} f=1 s={BIG} d={BIG}\n", ["A207"]),
    "padding by layer": (f"input 8x8x1\npad {BIG} c={BIG}\n", ["A207"]),
    "groups": (f"input 1x1x{BIG}\nconv k=1 f={BIG - 1} g={BIG - 2}\n", ["A205"]),
    "channels side by side": (f"input 1x1x{BIG}\nconcat:\n  skip\n  relu\n", ["A207"]),
    "pixels": (f"input 8x8x3\npixelshuffle {BIG}\n", ["A208"]),
    "a slice": (f"input 8x8x3\nslice 0:{BIG}\n", ["A208"]),
    "a negative slice": ("input 8x8x3\nslice -1:2\n", ["A208"]),
    "attention": (f"input {BIG}x1\ntokens | attn heads=1\n", None),
    "an embedding": (f"input {BIG}\nembed {BIG} 1\n", None),
    "a normalisation": (f"input 8x8x3\nlrn n={BIG}\n", []),
    "padding that is the same": (f"input {BIG}x1\nconv k={BIG} f=1 p=same s=2\n", None),
}


def cases(*tables):
    return [pytest.param(text, codes, id=name) for table in tables for name, (text, codes) in table.items()]


@pytest.mark.parametrize(("text", "codes"), cases(EXPANSION, NUMBERS, DEPTH, BULK, CHARACTERS, DIMENSIONS))
def test_hostile_text(text, codes, tmp_path):
    result = compiled(text, tmp_path)
    if codes is not None:
        assert errors(result) == codes, result["found"][:5]
        assert result["count"] >= len(codes)


def test_expansion_bomb_costs_next_to_nothing(tmp_path):
    plain = compiled(INPUT + "relu\n", tmp_path)
    bomb = compiled(nested("repeat 10:", 30, "relu"), tmp_path)
    assert bomb["peak"] < plain["peak"] + 20
    assert bomb["cpu"] < plain["cpu"] + 0.5


# Bytes


def test_a_byte_order_mark_is_left_out():
    assert decode(b"\xef\xbb\xbfinput 8x8x3\n") == "input 8x8x3\n"


@pytest.mark.parametrize("data", [b"\xff\xfei\0n\0", b"relu # \xe9", b"\xed\xa0\x80", b"\xc0\x80", b"input 8x8x3\n\x80"])
def test_what_is_not_utf8_is_said_to_be_so(data):
    with pytest.raises(ValueError, match=r"not UTF-8 text \(byte \d+\)"):
        decode(data)


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


@pytest.mark.parametrize("path", REFUSED, ids=[path[:30] or "empty" for path in REFUSED])
def test_files_that_are_not_used(path, tree, tmp_path):
    result = compiled(f'use "{path}"\ninput 8x8x3\nconv k=3 f=8\n', tmp_path, tree)
    assert errors(result) == ["A116"], result["found"]
    assert "secret(f)" not in json.dumps(result["found"])
    assert "root:" not in json.dumps(result["found"])


@pytest.mark.parametrize(
    ("path", "block"),
    [("ok.arch", "unit"), ("./ok.arch", "unit"), ("sub/../ok.arch", "unit"), ("sub/up.arch", "unit"), ("link_in.arch", "unit"), ("bom.arch", "marked"), ("self.arch", "me"), ("ping.arch", "pong"), ("pong.arch", "ping"), ("chain20.arch", "last")],
)  # fmt: skip
def test_files_that_are_used(path, block, tree, tmp_path):
    result = compiled(f'use "{path}"\ninput 8x8x3\n{block} 8\n', tmp_path, tree)
    assert errors(result) == []


@pytest.mark.parametrize(("path", "code"), [("large.arch", "A007"), ("nul.arch", "A006")])
def test_files_that_cannot_be_read_as_specs(path, code, tree, tmp_path):
    result = compiled(f'use "{path}"\ninput 8x8x3\nconv k=3 f=8\n', tmp_path, tree)
    assert errors(result) == [code], result["found"]


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
