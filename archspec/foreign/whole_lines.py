"""A whole line rewritten: what precedes the layers, the layers, and what follows them."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import NamedTuple

from archspec.foreign.equivalents import REASONS, foreign, key
from archspec.foreign.habits import arithmetic, condition, own_line
from archspec.foreign.loose import ARGUMENT_WORDS, LONGEST, Call, Reader, Unreadable, Value, plain, tokens
from archspec.foreign.rewriting import Rewriter
from archspec.foreign.value_sums import assigned, sum_of
from archspec.foreign.values import Cannot, initialiser
from archspec.syntax.lines import KEYWORDS


class Rewritten(NamedTuple):
    """`line` as it would be written here, or None and why not in `reason`. `remarks` go with either."""

    line: str | None
    reason: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def help(self) -> str | None:
        """What a message says."""
        words = [f"write `{self.line}`" if self.line is not None else self.reason, *dict.fromkeys(self.remarks)]
        return "; ".join(word for word in words if word) or None


_BULLET = re.compile(r"(?:>>>|\.\.\.|[-*•]|\d+[.)])\s+(?=[A-Za-z])")
_HEAD = re.compile(
    r"(?:block\s+\w+\s*\([^()]*\)|repeat\s+[^:|]+|residual(?:\s+if\s+[^:|]+)?|shortcut(?:\s+if\s+[^:|]+)?|add|concat|mul"
    r"|output\s+\w+(?:\s+train)?(?:\s+if\s+[^:|]+)?|[A-Za-z_][\w.{}+\-*]*)\s*:(?![:=])\s*"
)
_KEPT = re.compile(r"([A-Za-z_]\w*)\s*=\s*(?:x|out|h|y)\s*(?:\.clone\(\))?")
_HYPHENS = re.compile(r"[A-Za-z]\w*(?:-[A-Za-z]\w*)+")
_NUMBERS = (
    (re.compile(r"(?<=\d)_(?=\d{3})|(?<=\d),(?=000\b)"), ""),
    (re.compile(r"^\s*input\s*:?\s*\d[\d*x ]*$"), lambda found: re.sub(r"input\s*:?\s*", "input ", re.sub(r"\s*\*\s*", "x", found[0]))),
    (re.compile(r"\b(\d{1,2})\s*%(?=[\s)]|$)"), lambda found: f"{int(found[1]) / 100:g}"),
    (re.compile(r"^(\s*(?:\w+:\s*)?[A-Za-z]\w*)\s*=\s*(?=\d[\dx.]*\s*$)"), r"\1 "),
    (re.compile(r"^(\s*(?:\w+:\s*)?conv\w*\s+)(\d+)\s*@\s*(?=\d)", re.IGNORECASE), r"\1f=\2 k="),
    (re.compile(r"^(\s*[A-Za-z]\w*)\s*:?\s*[\[{<](.*[:=].*)[\]}>]\s*$"), r"\1 \2"),
    (
        re.compile(r"^(\s*(?:-\s+)?)\[\s*(['\"]?)([A-Za-z]\w*)\2\s*(?:,([^\[\]]*))?\]\s*,?\s*$"),
        lambda found: f"{found[1]}{found[3]} {found[4] or ''}",
    ),
    (re.compile(r"(?<=[\w)])\s+\(\s*(\w+\s*=[^()=]*)\)(?=\s*(?:$|\|))"), r" \1"),
    (re.compile(r"\b(?:no|without)\s+bias\b"), "bias=no"),
    (re.compile(r"\brepeat\s+(\w+)(?:\s+|(?<=\d))(?:x|times|×)\s*:"), r"repeat \1:"),
    (re.compile(r"^(\s*)for\s+(\w+)\s+in\s+range\(\s*(\w+)\s*\)\s*:"), r"\1repeat \3 as \2:"),
    (re.compile(r"\b([2-9]|10)\s*\*\*\s*(\d)\b"), lambda found: str(int(found[1]) ** int(found[2]))),
    (re.compile(r"(?<=\d)\s*,?\s*(?<=[x, ])/\s*(\d)\b|(?<=\dx\d)/(\d)\b"), lambda found: f" s={found[1] or found[2]}"),
    (re.compile(r"(?<=\b[a-z])\s*(?:==|:=)\s*(?=[\w\"'])(?!.*\bif\b)"), "="),
    (re.compile(r"\s+(?:with|of|then|using|followed\s+by)\s+(?=[\w.])"), " "),
    (re.compile(r"(?<=[=(,\s])[fr](?=['\"])"), ""),
    (re.compile(r"avg_pool2d\((\w+),\s*(?:kernel_size\s*=\s*)?\w+\.(?:size\(.*?\)|shape)(?:\[[^]]*\])*\)"), r"adaptive_avg_pool2d(\1, 1)"),
    (re.compile(r"\b(slice\s+)(?:bounds\s*=\s*)?(\d+)\s*(?:[\s,:-]|\.\.|\bto\b)\s*(\d+)(?=\s*(?:$|\|))"), r"\1\2:\3"),
    (re.compile(r"\b(slice\s+):\s*(\d+)(?=\s*(?:$|\|))"), r"\g<1>0:\2"),
    (re.compile(r"\b((?:dropout|dropout2d|droppath|leaky)\s+)0,(\d+)(?=\s*(?:$|\|))"), r"\g<1>0.\2"),
    (re.compile(r"^(\s*(?:\w+:\s*)?)conv(\d+)-(\d+)\s*$", re.IGNORECASE), r"\1conv k=\2 f=\3"),
    (re.compile(r"^(\s*(?:\w+:\s*)?)(fc)-(\d+)\s*$", re.IGNORECASE), r"\1fc \3"),
    (re.compile(r"^(\s*)(\d+)-d\s+(?=fc\b|fully)(.*)", re.IGNORECASE), r"\1\3 \2"),
    (re.compile(r"^(\s*)\[\s*(\d+x\d+),?\s+(\d+)\s*\]\s*[x*]\s*(\d+)\s*$"), r"\1repeat \4: conv k=\2 f=\3 p=same"),
    (re.compile(r"^(\s*)(\d+x\d+)\s+((?:max|avg|average)?[ -]?(?:conv|pool)\w*)", re.IGNORECASE), r"\1\3 \2"),
    (re.compile(r"^(\s*)\((\w+)\):\s*(?=[A-Z]\w*\()"), lambda found: f"{found[1]}{_member(found[2])}nn."),
    (re.compile(r"^(\s*)\(\s*['\"](\w+)['\"],\s*(.*\))\s*\)(?=,?\s*$)"), lambda found: f"{found[1]}{_member(found[2])}{found[3]}"),
    (re.compile(r"^(\s*)[fr]?(['\"])(?=\w+[ |(])(.*)\2(?=,?\s*$)"), lambda found: found[1] + re.sub(r"\{(\w+)\}", r"\1", found[3])),
)
"""How people write numbers, brackets and whole lines: 1_000, 50%, `fc = 10`, `6@5x5`, `{k: 3}`, `[conv, 6, 5]`, `(s=2)`, `no bias`, `repeat 3 times`, a power, `3x3/2`,
`slice 0 2`, a decimal comma, `conv3-64`, `[3x3, 64] x 2` and `3x3 conv, 64` of the papers, `(conv1): Conv2d(...)` as PyTorch prints it, a line in quotes.
"""
_COMMENT = re.compile(r"\s*(?://+|/\*+|--+|%+|;+|<!--+|['\"]{3})\s*(\w.*?)\s*(?:\*/|-->|['\"]{3})?\s*")
"""A line that is a comment in other languages."""
_MARK = re.compile(r"\"[^\"]*\"?|'[^']*'?|#|(?:^|(?<=[ ;,)]))(?://|/\*|--)")
"""What begins a comment, and texts in quotes, inside which nothing does."""
PROGRAM = "a spec has layers only, one per line: leave out this line of a program"
ALONE = re.compile(r"(?:pass|return(?:\s+(?:x|out|y))?|(?:import|from)\s.*|super\(.*\))")
"""A statement without which the lines around it say the same."""
_STATEMENT = (
    r"(?:pass\s*$|@\w|return\s+\w+(?:\s*,\s*\w+)+\s*$|import\s+[\w.]|from\s+[\w.]+\s+import\b|class\s+\w+\s*(?:\(.*\))?:|def\s+\w+\(|super\(|print\(|if\s+__name__|return(?:\s+\w+)?\s*$"
    r"|(?:with|while|elif)\b.*:|(?:try|finally|except\b.*):|[\w.]+\.(?:summary|eval|train|to|cuda|build|forward|parameters)\()"
)
"""A line of a program that makes no layer."""
_LIBRARY = r"(?:(?:self\.)?\w+\s*=\s*)?(?:\w+\.)*(?:models|applications)\.\w+\("
"""A whole network of torchvision or Keras."""
_APPLIED = r"(?:return\s+|\w+\s*=\s*).*(?:self\.\w+\(\w*\)\s*\+\s*[A-Za-z_]|\+\s*self\.\w+\()|\w+\s*\+=\s*self\.\w+\("
"""A sum with what a layer makes of a value: `x + self.conv(x)`, `out += self.shortcut(x)`."""
_NESTED = rf"(?:{'|'.join(sorted(ARGUMENT_WORDS))}) *: *[\w.\"'\[(][^:=]*$"
"""An argument on a line of its own, as in YAML."""
_COUNTED_BACK = r"(?:route|shortcut|concat|add)\b[^|]*?[= ,]-\d"
"""A layer that is named by how many lines above it stands, as in Darknet."""
_NO_LAYERS = {
    _STATEMENT: PROGRAM,
    _COUNTED_BACK: "values have names here: label a line, `a: conv k=3 f=8`, then `from a | conv k=1 f=8`, `add a` or `concat a` takes it",
    _APPLIED: REASONS["residual"],
    _NESTED: "arguments stand behind their layer, on its line: `conv k=3 f=8`",
    _LIBRARY: "a whole network of a library is no layer; `archspec list` names the specs that come along",
}
_ARGUMENTS = re.compile(rf" +(?:{'|'.join(sorted(ARGUMENT_WORDS))}) *=")
"""Arguments of the step above, which are on a line of their own."""
_GUARD = re.compile(r"(.*\S)\s+if\s+(?=[\w(])(.*)")
_OWN_LINES = frozenset(("param", "default", "use", "meta", "pattern", "arch", "model", "from", "output", "block"))


def rewritten(text: str, blocks: Container[str] = (), defaults: Mapping[str, frozenset[str]] | None = None) -> Rewritten | None:
    """A line as it would be written here; None where it says nothing that another tool or habit would explain.

    `text` is one logical line, `blocks` are the names of the file's own, `defaults` the arguments that its lines of defaults give to a
    layer. The line is read, never run.

    >>> rewritten("self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)").line
    'conv1: conv k=7 f=64 s=2 p=3 bias=no'
    """
    if len(text) > LONGEST:
        return None
    if comment := _COMMENT.fullmatch(text):
        return Rewritten(f"# {comment[1]}")
    readable = plain(arithmetic(text))
    own = None if _ARGUMENTS.match(text) else _own(_body(_uncommented(readable)), Rewriter(blocks, defaults))
    if own is not None:
        return own
    for pattern, instead in _NUMBERS:
        readable = pattern.sub(instead, readable)
    clean = _uncommented(readable)
    body = _body(clean)
    try:
        rewriter = Rewriter(blocks, defaults)
        rewriter.rounds = text[:1].isspace() or "repeat" in text
        line = _line(body, rewriter)
    except (Unreadable, RecursionError):
        called = re.match(r"(?:\w+\s*=\s*)?((?:\w+\.)*\w+)\(", body)
        reason = next((row.reason for row in foreign(called[1])), "") if called else ""
        return Rewritten(None, reason) if reason else None
    except Cannot as cannot:
        return Rewritten(None, str(cannot)) if str(cannot) else None
    if line is None or (_spaced(line) == _spaced(clean) and readable == text and readable[len(clean) : len(clean) + 1] not in ("/", "-")):
        return None
    return Rewritten(line, "", tuple(rewriter.remarks))


def _member(name: str) -> str:
    """What assigns a layer to a member of that name; a number is none."""
    return f"self.{name} = " if not name[0].isdigit() else ""


def _body(line: str) -> str:
    """A line without the spaces around it and the signs that end statements elsewhere."""
    return line.strip().rstrip(";,").rstrip()


def _own(body: str, rewriter: Rewriter) -> Rewritten | None:
    """A line of the file itself, rewritten; None where it is none, or as it should be."""
    found = own_line(body, rewriter)
    if found is None:
        return None
    line, rest = found
    try:
        behind = _line(rest, rewriter) or rest
    except (Unreadable, Cannot, RecursionError):
        return None
    whole = f"{line} {behind}".strip()
    return Rewritten(whole, "", tuple(rewriter.remarks)) if _spaced(whole.rstrip(":")) != _spaced(body.rstrip(":")) else None


def _spaced(text: str) -> str:
    """A line with its spaces as the formatter has them."""
    text = re.sub(r"\s*([=|:])\s*", r"\1", text)
    text = re.sub(r"\([^()]*\)", lambda found: found[0].replace(" ", ""), text)
    return " ".join(text.split())


def _uncommented(text: str) -> str:
    """A line without its comment, be it ours or of C."""
    for found in _MARK.finditer(text):
        before = text[: found.start()]
        divided = "=" in before and re.search(r"[=(]\s*[a-z_]\w*\s*$", before)  # as in `f=n // 2`
        if found[0] == "#" or (found[0] in ("//", "/*", "--") and not divided):
            return before
    return text


def _line(body: str, rewriter: Rewriter) -> str | None:
    """The line in our writing; None where there is nothing to read. Raises Unreadable, Cannot."""
    prefix = ""
    if reason := next((reason for pattern, reason in _NO_LAYERS.items() if re.match(pattern, body)), None):
        raise Cannot(reason)
    if drawn := re.match(r"(?:\w+\.)*init\.(\w+)\(", body):
        raise Cannot(_initialised(drawn[1]))
    if bullet := _BULLET.match(body):
        body = body[bullet.end() :]
    if default := re.match(r"default\s+(?=[A-Za-z_])(?!\w+\s*=)", body):
        rewriter.partial = True
        return "default " + " | ".join(step for call in _chain(body[default.end() :], rewriter) for step in rewriter.steps(call))
    if (first := re.match(r"[A-Za-z_]+", body)) and first[0] in _OWN_LINES and not body[first.end() :].startswith(("(", ".", "=", " =")):
        return None
    while (head := _HEAD.match(body)) and _is_head(head[0], body[head.end() :], rewriter):
        prefix += f"{' '.join(head[0].rstrip(': ').split())}: "
        body = body[head.end() :]
    if not body:
        return prefix.rstrip() or None
    if (summed := sum_of(body)) is not None:
        return prefix + summed
    if kept := _KEPT.fullmatch(body):
        raise Cannot(
            f"label the line that makes the value: `{kept[1]}: relu`, for instance; then `add {kept[1]}` or `from {kept[1]}` takes it"
        )
    body = _HYPHENS.sub(lambda found: found[0].replace("-", "_") if rewriter.known(found[0].replace("-", "_")) else found[0], body)
    label, body = assigned(body)
    continued = "| " if body.startswith("|") else ""
    body = body.lstrip("| ")
    if not body:
        return None
    guarded = _GUARD.fullmatch(body)
    found = _chain(guarded[1] if guarded else body, rewriter)
    label = label or (_named(found[0]) if len(found) == 1 else "")
    steps = _own_steps([step for call in found for step in rewriter.steps(call)])
    if label and not prefix and steps and not steps[0].startswith("input"):
        prefix = f"{label}: "
    guard = f" if {condition(guarded[2])}" if guarded else ""
    return f"{prefix}{continued}{' | '.join(steps)}{guard}"


def _initialised(name: str) -> str:
    """What to write for a line of `torch.nn.init`. Raises Cannot."""
    found = " ".join(f"{argument}={value}" for argument, value in initialiser(Value("word", name)).items())
    return f"initial weights are an argument of their layer: `conv k=3 f=8 {found}`, or `default conv {found}` for all"


def _chain(body: str, rewriter: Rewriter) -> list[Call]:
    """The layers of a line as written; `model.add(Dense(10))` is what is added."""
    found = Reader(tokens(body), rewriter.known, rewriter.takes_list, rewriter.is_value).chain()
    counts = {"add": (1,), "append": (1,), "add_module": (1, 2)}
    adds = ["." in call.name and len(call.bare) in counts.get(call.name.rpartition(".")[2], ()) for call in found]
    return [(added and call.bare[-1].call) or call for call, added in zip(found, adds, strict=True)]


def _own_steps(steps: list[str]) -> list[str]:
    """The steps of a line, none of which may be a layer that another line makes. Raises Cannot."""
    references = [step[1:] for step in steps if step.startswith("@")]
    if references and len(steps) == 1:
        raise Cannot(f"a spec has no `forward`: the line of `{references[0]}` belongs where data passes it")
    if any(step.startswith("@") for step in steps[1:]):
        order = ", ".join(f"`{step.removeprefix('@')}`" for step in steps)
        raise Cannot(f"a spec has no `forward`: the lines of the layers are in the order in which data passes them: {order}")
    if references:
        raise Cannot(f"a spec has no `forward`: write `| {' | '.join(steps[1:])}` behind the line of `{references[0]}`")
    return steps


def _is_head(head: str, rest: str, rewriter: Rewriter) -> bool:
    """Whether `NAME:` is a label, and not a layer with a colon behind it: `conv: k=3 f=6`, `conv k:3`."""
    word = head.rstrip(": ")
    if word in KEYWORDS or not rewriter.known(word) or not rest:
        return True
    first = re.match(r"[A-Za-z_][\w.]*", rest)
    return first is not None and rewriter.known(first[0]) and not rest[first.end() :].lstrip().startswith(("=", ":"))


def _named(call: Call) -> str:
    """The label that Keras's `name="conv1"` is."""
    if key(call.name) in ("weightnorm", "spectralnorm"):
        return ""  # there it names a tensor
    name = next((value.text for word, value in call.keywords if word == "name" and value.kind == "text"), "")
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name not in KEYWORDS else ""
