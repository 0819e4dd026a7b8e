"""Mistakes to plant in archspec's own source: plausible ones, each in one place, none of which keeps it from running."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """A mistake: the file below archspec/, a text that it holds once, and what stands there instead."""

    name: str
    file: str
    text: str
    instead: str


SIZES = [
    Mutant("`same` rounds down", "ops/window.py", "out = ceil_div(size, s)", "out = max(1, size // s)"),
    Mutant("`same` begins with the odd zero", "ops/window.py", "zeros // 2, zeros - zeros // 2", "zeros - zeros // 2, zeros // 2"),
    Mutant("dilation ignored", "ops/fitting.py", "return worked_out(d * (k - 1) + 1)", "return k"),
    Mutant("the two ends of an axis swapped", "ops/edges.py", "return edge if isinstance(edge, tuple)", "return edge[::-1] if isinstance(edge, tuple)"),
    Mutant("padding on one side", "ops/fitting.py", "if isinstance(p, tuple) else size - span(k, d) + 2 * p", "if isinstance(p, tuple) else size - span(k, d) + p"),
    Mutant("the last window may overhang wholly", "ops/window.py", ' and (free // s + 1) * s < size + both_ends(p)[0]', ""),
    Mutant("remainders of stride 2 pass", "ops/window.py", '(self.round == "exact" and free % s)', '(self.round == "exact" and s != 2 and free % s)'),
    Mutant("pools padded by their window", "ops/pool.py", "else p <= k // 2", "else p <= k"),
    Mutant("the stride of pools is 1", "ops/window.py", "strides = kernel if self.s is None", "strides = (1,) * rank if self.s is None"),
    Mutant("output padding forgotten", "ops/conv.py", "(size - 1) * s - 2 * p + d * (k - 1) + extra + 1", "(size - 1) * s - 2 * p + d * (k - 1) + 1"),
    Mutant("transposed `same` cuts the odd one before", "ops/conv.py", "before = largest(cut, 0) // 2", "before = -(-largest(cut, 0) // 2)"),
    Mutant("depthwise without its multiplier", "ops/conv.py", "return worked_out(x.channels * self.m)", "return x.channels"),
    Mutant("concat forgets its last branch", "ops/merge.py", "for value in inputs]))", "for value in inputs[:-1]]))"),
]  # fmt: skip
COUNTS = [
    Mutant("groups ignored in parameters", "ops/conv.py", "weight_and_bias((*self.stack(x)", "weight_and_bias((*self.stack(x)[:-1], x.channels"),
    Mutant("groups ignored in MACs", "ops/conv.py", "*self.kernel(x), depth))", "*self.kernel(x), x.channels))"),
    Mutant("convolutions have a bias always", "ops/conv.py", '*self.kernel(x)), self.filters(x), self.bias)', '*self.kernel(x)), self.filters(x), True)'),
    Mutant("MACs of the input's positions", "ops/conv.py", "return product((*y.spatial, *filters", "return product((*x.spatial, *filters"),
    Mutant("transposed MACs of the output's positions", "ops/conv.py", "return product((*x.spatial, x.channels, self.depth(x)", "return product((*y.spatial, x.channels, self.depth(x)"),
    Mutant("a connection table reads everything", "ops/conv.py", "(sum(map(len, self.maps)),)", "(self.f * len(self.maps),)"),
    Mutant("linear layers of tokens count one", "ops/linear.py", "return product((*y.shape[:-1], x.channels, self.n))", "return self.n * x.channels"),
    Mutant("attention's second product forgotten", "ops/heads.py", "found = 2 * found if s.mixed", "found = found if s.mixed"),
    Mutant("window attention without its table", "ops/heads.py", "return product([2 * n - 1 for n in self.span(x)])", "return product(self.span(x))"),
    Mutant("running means are parameters", "ops/norm.py", 'Weight("running_mean", (x.channels,), "buffer")', 'Weight("running_mean", (x.channels,))'),
    Mutant("rounds counted once", "analysis/cost.py", "a + b * times for a, b in zip(self", "a + b for a, b in zip(self"),
    Mutant("auxiliary heads of training cost MACs", "analysis/cost.py", "if not needed[at]:\n                part", "if False:\n                part"),
    Mutant("FLOPs of pooling", "ops/pool.py", "    beyond = -1", "    beyond = 0"),
    Mutant("FLOPs of merging", "ops/merge.py", "(len(types) - 2 +", "(len(types) - 1 +"),
    Mutant("jump not multiplied", "analysis/phases.py", "return Reach(step, (Taps(seen.low + far", "return Reach(inner.step, (Taps(seen.low + far"),
    Mutant("receptive field ignores strides before it", "analysis/phases.py", "seen.high + far * read.high", "seen.high + read.high"),
    Mutant("memory freed at the first read", "analysis/memory.py", "last = {value: at for at, element in runs for", "last = {value: at for at, element in reversed(runs) for"),
    Mutant("memory overwritten that is read later", "analysis/memory.py", " in ends and element.op.reuses(", " not in () and element.op.reuses("),
]  # fmt: skip
MEANING = [
    Mutant("a round too few", "elaborate/structure.py", "while frame.round < count and", "while frame.round < max(count - 1, 1) and"),
    Mutant("lists begin again", "elaborate/binding.py", "expr.items[min(frame.round, len(expr.items) - 1)]", "expr.items[frame.round % len(expr.items)]"),
    Mutant("the shortcut is dropped", "elaborate/structure.py", "short = self.shortcut(shortcut,", "self.shortcut(shortcut,"),
    Mutant("a guard of residuals ignored", "elaborate/structure.py", "if alone:\n            self.unadded", "if False:\n            self.unadded"),
    Mutant("branches in reverse", "elaborate/structure.py", "results.append((result, statement))", "results.insert(0, (result, statement))"),
    Mutant("defaults of conv hold for dwconv", "elaborate/binding.py", "in (defaults.get(name, {}),", "in (defaults.get(name.removeprefix(\"dw\"), {}),"),
    Mutant("defaults win over arguments", "elaborate/binding.py", "if field in known and field not in given:", "if field in known and not (field in given and field in bare):"),
    Mutant("cin is one more", "elaborate/expressions.py", "    value = scope.value_of(name)\n", "    value = scope.value_of(name) + 1 if name == 'cin' else scope.value_of(name)\n"),
    Mutant("blocks shared over input types", "elaborate/steps.py", "key = (id(block), scope.frozen, *types, *", "key = (id(block), scope.frozen, *map(type, types), *"),
    Mutant("blocks shared over arguments", "elaborate/steps.py", "(name, *typed(value)) for name, value", "(name, type(value)) for name, value"),
    Mutant("round8 may fall a tenth short", "numeric.py", "rounded + divisor if rounded < 0.9 * value else rounded", "rounded"),
    Mutant("the least is the first", "elaborate/expressions.py", '"min": (None, least)', '"min": (None, lambda *numbers: numbers[0])'),
    Mutant("comparisons with the first operand", "elaborate/expressions.py", "left, right = values[at], values[at + 1]", "left, right = values[0], values[at + 1]"),
]  # fmt: skip
PYTORCH = [
    Mutant("eps of norms dropped", "backends/torch/calls.py", 'x.channels, eps=op.eps, momentum=', 'x.channels, momentum='),
    Mutant("momentum the other way round", "backends/torch/calls.py", "momentum=op.momentum", "momentum=1 - op.momentum"),
    Mutant("mirrored borders repeat the last number", "backends/torch/calls.py", '_BORDERS = {"reflect": "Reflection"', '_BORDERS = {"reflect": "Replication"'),
    Mutant("borders of convolutions hold zeros", "backends/torch/calls.py", 'keywords["padding_mode"] = _MODES[op.mode]', 'keywords["padding_mode"] = "zeros"'),
    Mutant("count_pad flipped", "backends/torch/calls.py", '"count_include_pad": op.count_pad', '"count_include_pad": not op.count_pad'),
    Mutant("gelu by erf always", "backends/torch/calls.py", "approximate=op.approx", 'approximate="none"'),
    Mutant("alpha of lrn not divided", "backends/torch/calls.py", "alpha=op.alpha", "alpha=op.alpha * op.n"),
    Mutant("softmax over the last axis", "backends/torch/calls.py", 'new(f"nn.{name}", dim=_dim(op.axis, x))', 'new(f"nn.{name}", dim=-1)'),
    Mutant("upsampling's modes swapped", "backends/torch/calls.py", 'if op.mode == "bilinear" else op.mode', 'if op.mode != "bilinear" else op.mode'),
    Mutant("one attention head", "backends/torch/attentions.py", "return new(name, x.channels, op.heads", "return new(name, x.channels, 1"),
    Mutant("flattened with the channels last", "backends/torch/words.py", 'texts[0] = f"torch.flatten({texts[0]}, 1)"', 'texts[0] = f"torch.flatten({texts[0]}.movedim(1, -1), 1)"'),
    Mutant("concatenated in reverse", "backends/torch/words.py", "'(' + ', '.join(texts) + ')'", "'(' + ', '.join(texts[::-1]) + ')'"),
    Mutant("sliced from the first channel", "backends/torch/calls.py", 'new("Slice", *op.bounds,', 'new("Slice", 0, op.bounds[1] - op.bounds[0],'),
]  # fmt: skip
ONNX = [
    Mutant("hardsigmoid's slope", "backends/onnx/activations.py", "alpha=1 / 6", "alpha=0.2"),
    Mutant("the divisor of average pooling", "backends/onnx/windows.py", "count_include_pad=1 if counted else None", "count_include_pad=1"),
    Mutant("windows of adaptive pooling", "backends/onnx/windows.py", "-(-(at + 1) * size // out)) for at", "max((at + 1) * size // out, at * size // out + 1)) for at"),
    Mutant("a square weight transposed", "backends/onnx/operators.py", "*bias, transB=1)", "*bias, transB=int(x.channels != op.n))"),
    Mutant("upsampling aligned at corners", "backends/onnx/borders.py", '"align_corners" if op.corners else "half_pixel"', '"align_corners"'),
    Mutant("even windows of lrn", "backends/onnx/norms.py", "[op.n // 2, 0, (op.n - 1) // 2, 0]", "[(op.n - 1) // 2, 0, op.n // 2, 0]"),
    Mutant("attention scaled by all channels", "backends/onnx/attend.py", "layer.constant(width**-0.5 if", "layer.constant(s.width**-0.5 if"),
    Mutant("channels shuffled back", "backends/onnx/operators.py", "op.g, x.channels // op.g, *x.spatial", "x.channels // op.g, op.g, *x.spatial"),
    Mutant("eps forgotten in folding", "backends/onnx/fold.py", "np.sqrt(variance() + epsilon)", "np.sqrt(variance())"),
]  # fmt: skip
WRITING = [
    Mutant("the formatter loses parentheses", "syntax/printer.py", "return token.value\n", 'return "" if token.type in ("LPAR", "RPAR") and line[0].value == "conv" else token.value\n'),
    Mutant("expand loses bias=no", "ops/base.py", "if inputs and self.has_no_effect(name, *inputs):", "if value is False:"),
    Mutant("expand loses rounding", "ops/window.py", 'return argument == "round" and all', 'return argument == "round" or all'),
    Mutant("expand loses `train`", "backends/arch.py", "' train' if output.training", "'' if output.training"),
    Mutant("the document loses bias=no", "ir/schema.py", "arguments=element.op.arguments()", 'arguments={n: v for n, v in element.op.arguments().items() if n != "bias"}'),
    Mutant("the document loses rounds", "ir/schema.py", "span, doc.times, doc.inline", "span, 1, doc.inline"),
]  # fmt: skip
OPEN = [
    Mutant("a decision that is not noted", "symbolic/traced.py", "        if known is None:", '        if known is None and sign != "<":'),
    Mutant("a decision noted the other way", "symbolic/traced.py", "Guard(sign if found else _OPPOSITE[sign]", "Guard(sign if not found else _OPPOSITE[sign]"),
    Mutant("open quotients rounded down", "symbolic/forms.py", "return -self.quotient(-parts[0], parts[1])", "return self.quotient(parts[0], parts[1])"),
    Mutant("bounds that are one too wide", "symbolic/traced.py", 'return sign == "<" if high < least', 'return sign == "<" if high <= least'),
    Mutant("what is added within a quotient", "symbolic/forms.py", "whole(constant * e), whole(e * d)", "whole(constant), whole(e * d)"),
    Mutant("quotients of terms that do not divide", "symbolic/forms.py", "if left is None or times % factor:", "if left is None:"),
    Mutant("the maximum is the minimum", "symbolic/forms.py", "return low >= 0 if sign > 0 else high <= 0", "return low >= 0"),
    Mutant("an index that is not noted", "symbolic/traced.py", "return int.__index__(self.pinned())", "return int.__index__(self.value)"),
    Mutant("guards of arrays joined by or", "symbolic/cover.py", "held &= condition", "held |= condition"),
    Mutant("traces kept for other words", "symbolic/cover.py", "self.traces.setdefault(fixed, [])", "self.traces.setdefault((), [])"),
    Mutant("batch norm keeps one statistic", "ops/norm.py", "statistics=2 * x.channels", "statistics=x.channels"),
    Mutant("indices of pools take 4 bytes", "ops/pool.py", "_replace(bytes=8 * y.size)", "_replace(bytes=4 * y.size)"),
    Mutant("gradients of branches are not added", "analysis/training.py", "learned += 4 * step.params", "learned += 0"),
]  # fmt: skip
ACROSS = [
    Mutant("a star goes backwards", "ir/expose.py", "for round_ in range(rounds):", "for round_ in reversed(range(rounds)):"),
    Mutant("a label names the level within", "ir/expose.py", 'yield from self.inside(element.graph, Names(f"{name}.", element.graph.naming), path', 'yield from self.inside(element.graph, Names(f"{name}.", "ordinal"), path'),
    Mutant("values of a block in reverse", "elaborate/steps.py", "zip(reads, others, strict=True)", "zip(reads, reversed(others), strict=True)"),
    Mutant("frozen lines learn", "elaborate/steps.py", "op = op.froze() if context.scope.frozen else op\n", "op = op\n"),
    Mutant("tables that are used twice count twice", "elaborate/sharing.py", "made._replace(owner=owner_of(builder, home, lender.at, tied=True))", "made"),
]  # fmt: skip
LATER_LAYERS = [
    Mutant("further recurrent layers read one direction", "ops/recurrent.py", "*[pinned(self.dirs) * self.n] * (", "*[self.n] * ("),
    Mutant("states of recurrent layers multiply nothing", "ops/recurrent.py", "self.n * (depth + self.n) for", "self.n * depth for"),
    Mutant("shared keys are as wide as the queries", "ops/attn.py", "narrow = width if self.kvheads is None else width // self.heads * self.kvheads", "narrow = width"),
    Mutant("mixed heads multiply once", "ops/heads.py", "found += 2 * product((s.queries, s.keys, self.heads, self.heads))", "found += product((s.queries, s.keys, self.heads, self.heads))"),
    Mutant("the network of relative positions has one layer", "ops/heads.py", "(len(self.span(x)) * HIDDEN + HIDDEN * self.heads)", "(HIDDEN * self.heads)"),
    Mutant("tokens are cut from the first", "ops/shape.py", "size = self.bounds[1] - self.bounds[0]", "size = self.bounds[1]"),
    Mutant("gates in PyTorch's order", "backends/onnx/recurrence.py", "*[parts[at] for at in order]", "*parts"),
]  # fmt: skip
MUTANTS = [*SIZES, *COUNTS, *MEANING, *PYTORCH, *ONNX, *WRITING, *OPEN, *ACROSS, *LATER_LAYERS]
