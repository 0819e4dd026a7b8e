"""Turns the parse tree of a line into the syntax tree: the method of a rule has its name."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.source import Span
from archspec.syntax import ast
from archspec.syntax.to_expr import Expressions, Node, end_token, is_digits, is_rule, is_token


class Lowering(Expressions):
    """Lowers the lines of one source."""

    def statement(self, tree: Node, below: tuple[ast.Statement, ...], span: Span) -> ast.Statement:
        """Lower a statement with those below it; the methods that do have the names of the grammar's rules."""
        if tree.data == "headed":
            return self.headed(tree, below, span)
        lowered: ast.Statement = getattr(self, tree.data)(tree.children, span)  # the methods below have the names of the rules
        return lowered

    def arch(self, children: list[Node], span: Span) -> ast.Arch:
        """Lower `arch 1`, the version of the language; a number that is too large is reported (A012) and taken for 1."""
        version = self.digits(children[1].value, span)
        return ast.Arch(1 if version is None else version, span)

    def headed(self, tree: Node, below: tuple[ast.Statement, ...], span: Span) -> ast.Statement:
        """Lower `repeat 3:`, `residual:` or a label with what follows the colon, on its line or below."""
        head, guard = self.head(tree.children[0])
        if isinstance(head, ast.Seq) and len(below) < (1 if guard is not None else 2):
            help_ = "a branch of one line needs no head, and a label another name: `seq` is a word of the language"
            self.report("A010", "`seq:` makes one branch of several lines, which are indented below it", head.span, help_)
        if len(tree.children) == 2:  # head and colon: the suite is below
            return ast.Suite(head, below, guard, span)
        inner_tree = tree.children[2]
        inner = self.statement(inner_tree, below, self.across([inner_tree]) if below == () else span)
        if isinstance(inner, (ast.Chain, ast.Suite)) and inner.guard is not None:
            # A guard drops its whole line, so it belongs to the outermost head of that line.
            guard = inner.guard if guard is None else ast.Chained("and", (guard, inner.guard), ("and",), inner.guard.span)
            inner = inner._replace(guard=None)
        return ast.Suite(head, (inner,), guard, span)

    def head(self, tree: Node) -> tuple[ast.Head, ast.Expr | None]:
        """Lower what is in front of a colon, and its guard."""
        children, span = tree.children, self.across(tree.children)
        guard = self.guard(children)
        match tree.data:
            case "repeat":
                index = next((self.name(children[i + 1]) for i, c in enumerate(children) if is_token(c, "AS")), None)
                return ast.Repeat(self.expr(children[1]), index, span), guard
            case "residual":
                return ast.Residual(guard, span), None
            case "shortcut":
                return ast.Shortcut(span), guard
            case "seq":
                return ast.Seq(span), guard
            case "merge":
                return ast.Merge(
                    children[0].value, self.pairs(children), self.across(children[: len(children) - (guard is not None)])
                ), guard
            case "output":
                return self.output_head(children, span), guard
            case "block":
                return self.block(children, span), None
            case _:
                parts = [child for child in children if not is_rule(child, "guard") and not is_token(child, "FROZEN")]
                name = self.quoted(parts[0]) if is_token(parts[0], "STRING") else self.reference(parts)
                return ast.Label(name, self.across(parts), is_token(children[0], "FROZEN")), guard

    def block(self, children: list[Node], span: Span) -> ast.Block:
        """Lower `block NAME(PARAMETERS)` without its colon; a parameter is `f`, `k=3` with its default, or `from x`, a value."""
        parameters = []
        for child in children:
            if is_rule(child, "parameter"):
                name, *default = child.children
                if is_token(name, "FROM"):
                    parameters.append(ast.Parameter(self.name(default[0]), None, is_value=True))
                else:
                    parameters.append(ast.Parameter(self.key(name), self.expr(default[0]) if default else None))
        return ast.Block(self.name(children[1]), tuple(parameters), span)

    def output_head(self, children: list[Node], span: Span) -> ast.Output:
        """Lower `output NAME`, `train` included."""
        mode = self.name(children[2]) if len(children) > 2 and is_token(children[2], "NAME") else None
        return ast.Output(self.name(children[1]), mode, span)

    def output(self, children: list[Node], span: Span) -> ast.Suite:
        """Lower a line `output NAME` without a colon, which makes an output of the current value: a suite with nothing below it."""
        return ast.Suite(self.output_head(children, span), (), self.guard(children), span)

    def guard(self, children: list[Node]) -> ast.Expr | None:
        """Lower the `if ...` at the end of a line; None where there is none."""
        last = children[-1]
        return self.expr(last.children[1]) if is_rule(last, "guard") else None

    def chain(self, children: list[Node], span: Span) -> ast.Chain:
        """Lower `conv k=3 f=8 | relu if deep`, or a line that begins with `from LABEL`, which may have no steps."""
        steps = tuple(self.step(child) for child in children if is_rule(child, "step"))
        source = None
        if is_token(children[0], "FROM"):
            source = self.quoted(children[1]) if is_token(children[1], "STRING") else self.expr(children[1])
        return ast.Chain(steps, self.guard(children), source, span)

    from_ = chain

    def step(self, tree: Node) -> ast.Step:
        """Lower `conv 64 k=3`: the name, the positional arguments, and those with a name."""
        children = tree.children
        bare = [self.expr(child.children[1]) for child in children if is_rule(child, "bare")]
        return ast.Step(self.name(children[0]), tuple(bare), self.pairs(children), self.across(children))

    def keyword(self, pair: list[Node]) -> ast.Keyword:
        """Lower `key=value`."""
        key, value = pair
        return ast.Keyword(key.value.rstrip(" ="), self.expr(value), self.across(pair))

    def pairs(self, children: list[Node]) -> tuple[ast.Keyword, ...]:
        """Lower all `key=value` among some nodes."""
        return tuple([self.keyword(child.children) for child in children if is_rule(child, "keyword")])

    def meta(self, children: list[Node], span: Span) -> ast.Meta:
        """Lower `meta KEY="TEXT" ...`, of which any number may be on a line."""
        return ast.Meta(tuple(self.keyword(children[at : at + 2]) for at in range(1, len(children), 2)), span)

    def model(self, children: list[Node], span: Span) -> ast.Model:
        """Lower `model NAME`; a name in quotes may be any text, and is kept without them."""
        value = self.expr(children[1])
        return ast.Model(value.value if isinstance(value, ast.Text) else children[1].value, span)

    def input(self, children: list[Node], span: Span) -> ast.Input:
        """Lower `input 224x224x3`, `input NxC` of params, or `input HxWx3 for H in 32..512 step 32, W in ...`.

        A letter has its smallest size in `shape`, a param 0 until its value is known; the shape is empty where a number in it is too large.
        Sizes that are given twice, or to a letter that the shape lacks, are reported (A001).
        """
        written = [child for child in children[1:3] if is_token(child, "DIMS", "INT", "NAME") or is_rule(child, "crossed")]
        sizes = tuple([self.size(child.children) for child in children if is_rule(child, "size")])
        first = {size.letter: size.first for size in sizes}
        shape: list[int] = []
        letters: list[str | None] = []
        params: list[ast.Expr | None] = []
        known = True
        place = self.across(written)
        for part in self.axes(written, place):
            letter = part.id if isinstance(part, ast.Name) and part.id in first else None
            number = part.value if isinstance(part, ast.Number) and type(part.value) is int else None
            known &= not isinstance(part, ast.Unreadable)
            shape.append(number or first.get(letter or "", 0))
            letters.append(letter)
            params.append(part if letter is None and number is None else None)
        for at, size in enumerate(sizes):
            if any(size.letter == other.letter for other in sizes[:at]):
                self.report("A001", f"the sizes of `{size.letter}` are given twice", size.span, "give each letter its sizes once")
            if size.letter not in letters:
                self.report(
                    "A001", f"`{size.letter}` is not in the shape {place.text}", size.span, "remove its sizes, or put it into the shape"
                )
        return ast.Input(ast.Dims(tuple(shape) if known else (), place), tuple(letters), tuple(params), sizes, span)

    def axes(self, written: list[Node], place: Span) -> Iterator[ast.Expr]:
        """The sizes of an input's axes, as written: `32xHx3`, or with expressions in parentheses."""
        if is_rule(written[0], "crossed"):
            yield from self.sizes(written[0].children)
            return
        for part in "".join([end_token(token, 0).value for token in written]).split("x"):
            number = self.digits(part, place) if is_digits(part) else None
            if not is_digits(part):
                yield ast.Name(part, place)
            else:
                yield ast.Unreadable(place) if number is None else ast.Number(number, place)

    def size(self, children: list[Node]) -> ast.Sizes:
        """The sizes of a letter; those that are none are reported."""
        span = self.across(children)
        ends = [self.digits(part, span) or 0 for part in children[2].value.split("..")]
        step = (self.digits(children[4].value, span) or 0) if len(children) > 3 else 1
        if not 1 <= ends[0] <= ends[1] or step < 1:
            help_ = "sizes begin with 1 or more, and the smaller end comes first: `H in 32..512 step 32`"
            self.report("A105", f"`{span.text}` has no sizes", span, help_)
        return ast.Sizes(children[0].value, max(1, ends[0]), max(ends), max(1, step), span)

    def expect(self, children: list[Node], span: Span) -> ast.Expect:
        """Lower `expect params <= 5e6`."""
        return ast.Expect(self.expr(children[1]), span)

    def param(self, children: list[Node], span: Span) -> ast.Param:
        """Lower `param width = 1.0`."""
        return ast.Param(self.key(children[1]), self.expr(children[2]), span)

    def default(self, children: list[Node], span: Span) -> ast.Default:
        """Lower `default round=floor`, for every step that takes the argument, or `default conv bias=no`, for one step."""
        step = self.name(children[1]) if is_token(children[1], "NAME") else None
        return ast.Default(step, self.pairs(children), span)

    def use(self, children: list[Node], span: Span) -> ast.Use:
        """Lower `use "FILE"`."""
        path = self.expr(children[1])
        assert isinstance(path, ast.Text)
        return ast.Use(path, span)

    def pattern(self, children: list[Node], span: Span) -> ast.Pattern:
        """Lower `pattern [(CONV-RELU)*N-POOL?]*M-(FC-RELU)*K-SOFTMAX N=2 M=3 K=1`: the formula, and the values of its letters."""
        return ast.Pattern(self.formula(children[1]), self.pairs(children), span)

    def formula(self, tree: Node) -> ast.Formula:
        """Lower the items of a formula, or of what is in its parentheses or brackets."""
        parts = tuple(self.item(child.children) for child in tree.children if is_rule(child, "item"))
        return ast.Formula(None, parts, None, False, self.across(tree.children))

    def item(self, children: list[Node]) -> ast.Formula:
        """Lower `CONV`, `(CONV-RELU)*N` or `POOL?`: a word or a formula in parentheses, with how often it occurs."""
        optional = is_token(children[-1], "QUESTION")
        count = self.expr(children[-1]) if len(children) > 1 and is_token(children[-2], "STAR") else None
        inner = next((self.formula(child).parts for child in children if is_rule(child, "formula")), None)
        word = self.name(children[0]) if inner is None else None
        return ast.Formula(word, inner or (), count, optional, self.across(children))
