"""From a layer as others write it to our steps."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from archspec.foreign import values
from archspec.foreign.axes_and_borders import permuted, reshaped, turned
from archspec.foreign.equivalents import LOOSE, REASONS, Foreign, Parameter, arguments_of, foreign, ignored, key, rows_of
from archspec.foreign.loose import Call, Value
from archspec.foreign.step import Missing, Step, argument_of, as_in_keras, bare_arguments, required, special
from archspec.foreign.values import Cannot
from archspec.ops import STEPS, op_class
from archspec.syntax.lines import MERGES

FUNCTIONAL = frozenset(("F", "functional", "torch", "tf", "nn.functional", "tf.nn", "torch.nn.functional", "keras.activations", "ops"))
DATA = frozenset(["x", "out", "y", "h", "z", "inputs", "input", "outputs", "features", "hidden", "net", "tensor"])
"""What people call the value that flows."""
_NO_LAYERS = frozenset(("same", "valid", "bilinear", "nearest", "floor", "ceil", "exact"))
"""Values of arguments, which people write without their key, although other tools have layers of these names."""
_OFF = ("False", "false", "None", "no", "off", "0")
_SIZED = ("pad", "crop", "adaptpool", "adaptmaxpool", "upsample", "patchmerge", "pixelshuffle")
"""Layers whose only positional argument is a size, so that several numbers mean one per axis."""
_OF_LAYERS = ("timedistributed", "bidirectional", "wrapper", "spectralnormalization", "spectralnorm", "weightnorm", "activation")
"""What takes layers as arguments."""


class Unknown(Cannot):
    """An argument that neither the other tool nor archspec has."""


class Rewriter:
    """Rewrites layers. `blocks` are those of the file, `defaults` the arguments that its `default` lines give; `remarks` collects notes on the line."""

    def __init__(self, blocks: Container[str], defaults: Mapping[str, frozenset[str]] | None = None) -> None:
        self.blocks = blocks
        self.defaults = defaults or {}
        self.remarks: list[str] = []
        self.tool = ""
        self.partial = False
        """Whether arguments may be missing: in a line of defaults."""
        self.rounds = True
        """Whether the line may be inside a `repeat`."""

    def known(self, word: str) -> bool:
        """Whether a word begins a step rather than being an argument."""
        return word not in _NO_LAYERS and (word in self.blocks or word == "skip" or key(word) in STEPS or len(foreign(word)) > 0)

    def steps(self, call: Call) -> list[str]:
        """Our steps for a layer, those of its inputs before it. Raises Cannot."""
        before = [step for value in call.inputs if value.call is not None for step in self.steps(value.call)]
        merges = any(row.steps in MERGES for row in foreign(call.name)) or (key(call.name) in MERGES and call.closed)
        if not call.closed or not call.bare or call.inputs or key(call.name) == "sequential" or merges:
            return [*before, *self.layer(call)]
        first, (module, _, name) = call.bare[0], call.name.rpartition(".")
        applied = call._replace(bare=call.bare[1:])  # without the value that flows
        inner = first.call
        if inner is not None and (inner.name.startswith("self.") or (self.known(inner.name) and key(name) not in _OF_LAYERS)):
            return [*self.steps(inner), *self.layer(applied)]
        flows = first.kind == "word" and (first.text in DATA or module in FUNCTIONAL) and not values.is_none(first)
        return self.layer(applied if flows and not name[:1].isupper() else call)

    def is_value(self, name: str, word: str) -> bool:
        """Whether a word behind a step is a value of one of its arguments: `gelu tanh`."""
        return name not in self.blocks and bool(argument_of(key(name), word))

    def takes_list(self, name: str) -> bool:
        """Whether a list in parentheses may follow a step: one value for each round."""
        return name in self.blocks or (self.rounds and len(bare_arguments(name)) > 0)

    def layer(self, call: Call) -> list[str]:
        """Rewrite a layer as steps of the language. Raises Cannot."""
        name = call.name
        if name in self.blocks:
            bare = [f"({value.text})" if value.kind == "list" and value.text[0] not in "([" else value.text for value in call.bare]
            keywords = [f"{word}={value.text[1:-1] if value.text[:1] == '[' else value.text}" for word, value in call.keywords]
            return [" ".join([name, *bare, *keywords])]
        if name == "skip" or (name in MERGES and not call.closed and not call.keywords and all(v.kind == "word" for v in call.bare)):
            return [" ".join([name, *(value.text for value in call.bare)])]
        module, _, method = name.rpartition(".")
        if module in DATA and method in ("view", "reshape", "flatten") and 0 < len(call.bare) <= 2:
            return ["flatten"]  # all axes except the batch
        given = (*call.bare, *(value for _, value in call.keywords))
        if (module in DATA or module == "torch") and method in ("permute", "transpose", "swapaxes"):
            return [turned(call.bare)]
        if method in ("mean", "reduce_mean") and any(value.kind == "list" and len(value.items) == 2 for value in given):
            return ["gap", "flatten"]  # over height and width
        if name.startswith("self."):
            return [f"@{name.removeprefix('self.')}"]
        if key(name) == "sequential":
            return self.sequential(call)
        return self.tried(call)

    def tried(self, call: Call) -> list[str]:
        """The first reading of a name that can be written; what the likeliest cannot do where there is none."""
        name, last = call.name, call.name.rpartition(".")[2]
        problem: Cannot | None = None
        for row in self.trials(call):
            try:
                found = self.own(call) if row is None else self.from_row(call, row)
            except Cannot as cannot:
                meant = name in STEPS if row is None else last in row.names and not isinstance(cannot, Unknown)
                if meant and str(cannot) and not isinstance(cannot, Missing):
                    raise
                if row is not None and name in STEPS and not call.closed:
                    continue  # our own layer has this name, too: a failure of the foreign one does not count
                reasoned = isinstance(problem, Missing) and not isinstance(cannot, Missing) and row is not None and row.reason
                if problem is None or not str(problem) or reasoned:
                    problem = cannot
                continue
            return [step.replace("fc ", f"{name} ") if name == "linear" else step for step in found]
        if isinstance(problem, Missing) and name != problem.step:
            raise Cannot(f"`{name}` is `{problem.step}` here; it {problem.rest}")
        raise problem or Cannot("")

    def trials(self, call: Call) -> list[Foreign | None]:
        """The readings of a name, the likeliest first; None is our own layer."""
        name = call.name
        module, _, last = name.rpartition(".")
        rows = [row for row in foreign(name) if row.reason != REASONS["functional"] or module in FUNCTIONAL]
        tool = _tool(module)
        names = [word for word, _ in call.keywords]

        def unfit(row: Foreign) -> tuple[bool, bool, bool, int, bool]:
            known = {parameter.name for parameter in row.parameters}
            return (
                tool is not None and row.tool != tool,
                (key(last) not in map(key, row.names) or call.closed) if row.tool == "word" else last not in row.names,
                row.tool in ("onnx", "caffe") and last not in row.names,
                sum(word not in known and not ignored(word) for word in names),
                row.tool == "keras" and row.steps.startswith("conv") and _looks_like_torch(call),
            )

        found: list[Foreign | None] = [*sorted(rows, key=unfit)]
        if key(name) in STEPS:
            fields = op_class(key(name)).fields
            written_so = name in STEPS or (names and all(word.lower() in fields for word in names))
            found.insert(0 if written_so or not rows or (last not in rows[0].names and not module) else len(found), None)
            found += [row for row in rows_of(key(name)) if row not in found]
        return found

    def own(self, call: Call, name: str = "") -> list[str]:
        """Our own layer with arguments that may be others'. Raises Cannot."""
        if name == "skip":
            return ["skip"]
        step = Step(name or key(call.name), whole=True)
        bare = list(bare_arguments(step.name))
        fields = op_class(step.name).fields
        if any(field.rule.names == "key" for field in fields.values()):
            raise Cannot("")  # it takes keys of any name, so that none is another tool's
        after: list[str] = []
        for word, value in call.keywords:
            self.keyword(word, value, step, after)
        positional = [value for value in call.bare if not self.speaking(value, step, after)]
        if step.name in ("conv", "deconv", "dwconv") and positional:
            positional = self.kernel(step, positional)
        if step.name in _SIZED:
            positional = values.one_size(positional)
        held = self.defaults.get(step.name, ())
        free = {*step.given, *bare, *held}
        missing = [name for name, info in fields.items() if info.required and name not in free]
        names = [name for name in bare if name not in step.given] + missing
        extra = list(positional[len(names) :])
        for word, value in zip(names, positional, strict=False):
            self.argument(Parameter(word, word), value, step, after)
        if extra and (fields or step.name in MERGES):
            raise Cannot("")
        if not self.rounds and any("," in step.given.get(name, "") for name in bare):
            raise Cannot("a list gives one value per round of a `repeat`, and this line is in none")
        return [step.text(self.partial, held), *after]

    def speaking(self, value: Value, step: Step, after: list[str]) -> bool:
        """Take over a positional argument that says itself which one it is: `same`, `nobias`, `k3`. Raises Cannot."""
        if value.kind != "word":
            return False
        fields = op_class(step.name).fields
        glued, off = re.fullmatch(r"([a-z_]+?)(\d[\dx.]*)", value.text), re.fullmatch(r"no_?([a-z]+)", value.text)
        if argument := argument_of(step.name, value.text):
            step.given[argument] = value.text
        elif isinstance(getattr(fields.get(value.text), "default", None), bool):
            step.given[value.text] = "yes"
        elif off and isinstance(getattr(fields.get(off[1]), "default", None), bool):
            step.given[off[1]] = "no"
        elif glued and glued[1] in fields:
            self.argument(Parameter(glued[1], glued[1]), Value("number", glued[2]), step, after)
        else:
            return False
        return True

    def kernel(self, step: Step, positional: list[Value]) -> list[Value]:
        """`conv 3x3x6`, `conv 3x3 6`, `conv 6 3x3`: which of them is the kernel. Raises Cannot."""
        sizes = [value for value in positional if value.kind == "size"]
        rest = [value for value in positional if value.kind != "size"]
        if len(sizes) == 1 and "k" not in step.given:
            parts = sizes[0].text.split("x")
            if not rest and "f" not in step.given and step.name != "dwconv" and len(parts) > 2:
                step.given["k"], step.given["f"] = "x".join(parts[:-1]), parts[-1]
                return []
            step.given["k"] = sizes[0].text
            return rest
        held = {*step.given, *self.defaults.get(step.name, ())}
        if step.name != "dwconv" and len(positional) == 1 and positional[0].kind == "number" and not {"k", "f"} & held:
            count = positional[0].text
            raise Cannot(
                f"write `{step.name} k=3 f={count}` for {count} filters, or `{step.name} k={count} f=8` for filters of size {count}"
            )
        if len(positional) == 2 and all(value.kind == "number" for value in positional) and not {"k", "f"} & set(step.given):
            a, b = (value.text for value in positional)
            raise Cannot(f"write `{step.name} k={a} f={b}` for {b} filters of size {a}, or `{step.name} k={b} f={a}` for {a} of size {b}")
        return positional

    def keyword(self, word: str, value: Value, step: Step, after: list[str]) -> None:
        """Take over `word=value`. Raises Cannot."""
        lowered = word.lower()
        fields, others = op_class(step.name).fields, arguments_of(step.name)
        argument, must = (lowered, "") if step.whole and lowered in fields else others.get(lowered, ("", ""))
        argument = argument or next((name for name in LOOSE.get(lowered, "").split() if name in fields or name == "|"), "")
        if lowered in ("input_shape", "batch_input_shape"):
            shape = values.shape(value, lowered.startswith("batch"))
            self.remarks.append(f"the input is a line of its own at the top: `input {shape}`")
        elif argument in ("|", "init") or argument in fields:
            self.argument(Parameter(word, argument, must=must), value, step, after)
        elif key(lowered) in ("dropout", "bn", "batchnorm"):
            after += self.layer(Call(key(lowered), () if key(lowered) != "dropout" else (value,), ())) if value.text not in _OFF else []
        elif not ignored(lowered) and lowered not in others:
            raise Unknown(f"`{step.name}` takes {', '.join(fields) or 'no arguments'}")

    def argument(self, parameter: Parameter, value: Value, step: Step, after: list[str]) -> None:
        """Take over one argument of a foreign layer. Raises Cannot."""
        ours, must = parameter.argument, parameter.must
        if parameter.name == "data_format" and value.text not in ("channels_first", "channels_last", "None"):
            raise Cannot("")
        if must:
            required(parameter, value, step, self.remarks)
        if ours == "|":
            after += self.activation(value)
        elif ours == "init" and step.name in ("conv", "dwconv", "deconv", "fc", "linear"):
            try:
                step.given |= values.initialiser(value)
            except Cannot as cannot:
                self.remarks.append(str(cannot))
        elif special(ours, step, value, after, self.remarks):
            pass
        elif ours and step.whole and (value.kind == "size" or self.of_rounds(value, ours, step)):
            step.given[ours] = value.text
        elif ours:
            text = values.written(value, ours, parameter.name)
            if text is not None:
                step.given[ours] = text

    def of_rounds(self, value: Value, argument: str, step: Step) -> bool:
        """Whether a list has one value per round of a repeat, and is not a size: `f=8,16`, `fc (8,16)`."""
        if value.kind != "list" or (not self.rounds and argument in values.AXES and len({item.text for item in value.items}) == 1):
            return False
        return value.text[0] not in "([" or (self.rounds and value.text[0] == "(" and argument in bare_arguments(step.name))

    def activation(self, value: Value) -> list[str]:
        """The step of `activation=`, none for the identity; a layer given there keeps its own arguments. Raises Cannot."""
        if value.call is not None and (value.call.bare or value.call.keywords or key(value.call.name) == "leakyrelu"):
            return self.steps(value.call)
        return list(filter(None, [values.activation(value)]))

    def from_row(self, call: Call, row: Foreign) -> list[str]:
        """The steps of a foreign layer. Raises Cannot."""
        if row.reason:
            raise Cannot(row.reason)
        if row.steps in MERGES:
            return [self.merge(call, row.steps)]
        if row.steps == "input":
            return [self.input(call)]
        if row.steps == "skip":
            return ["skip"]
        if row.steps == "?":
            return self.special(call, row)
        if "{" in row.steps:
            return [_filled(call, row)]
        if row.tool == "word":
            return self.own(call, row.steps)
        self.tool = row.tool
        steps = [Step(part) for part in row.steps.split(" | ")]
        if len(call.bare) > len(row.parameters):
            raise Cannot("")
        after: list[str] = []
        names = [parameter.name for parameter in row.parameters]
        given = dict(zip(names, call.bare, strict=False))
        for word, value in call.keywords:
            name = word if word in names else word.lower()
            if name in names:
                given[name] = value
            else:
                self.keyword(word, value, steps[0], after)
        for parameter in row.parameters:
            default = values.default(parameter.default) if parameter.argument not in steps[0].given else None
            if taken := given.get(parameter.name, default):
                name, _, argument = parameter.argument.rpartition(".")
                step = next((step for step in steps if step.name == name), steps[0])
                self.argument(parameter._replace(argument=argument), taken, step, after)
        if row.tool == "keras":
            as_in_keras(steps[0], given, self.remarks)
        return [*(step.text(self.partial, self.defaults.get(step.name, ())) for step in steps), *after]

    def merge(self, call: Call, step: str) -> str:
        """`Concatenate()([x, e1])`, `torch.cat([x, e1], dim=1)`: the current value comes first."""
        source = call.bare or call.inputs
        items = list(source[0].items) if source and source[0].kind == "list" else list(source)
        names = [item.text.removeprefix("self.") for item in items if item.kind == "word"]
        flows = len(names) < 2 or names[0] in DATA
        others = ([name for name in names if name not in DATA] if flows else []) or names[1:]
        if not others or len(names) != len(items) or not all(name.isidentifier() for name in names):
            raise Cannot(f"write `{step} NAME` with the label of the other value, or `{step}:` with one branch per line below it")
        if not flows:
            return f"from {names[0]} | {step} {' '.join(others)}"
        self.remarks.append(f"`{others[0]}` is the label of a line above, and the current value comes first")
        return f"{step} {' '.join(others)}"

    def input(self, call: Call) -> str:
        """Write an input, whose shape may be an argument of any of the usual names. Raises Cannot."""
        given = dict(call.keywords)
        word = next((word for word in ("batch_shape", "shape", "input_shape") if word in given), "")
        if not word and not call.bare:
            raise Cannot("write the input as height x width x channels: `input 32x32x3`")
        value = given.get(word, call.bare[0] if len(call.bare) == 1 else Value("list", "", call.bare))
        return f"input {values.shape(value, word == 'batch_shape')}"

    def special(self, call: Call, row: Foreign) -> list[str]:
        """The steps of a layer that is no step renamed: of what it holds, or of how it orders axes. Raises Cannot."""
        given = _given(call, row)
        meaning, value = next(
            ((each.argument, given[each.name]) for each in row.parameters if each.argument and each.name in given), ("", None)
        )
        for parameter in row.parameters:
            if parameter.must and parameter.name in given:
                required(parameter, given[parameter.name], Step(row.names[0]), self.remarks)
        if value is None:
            names = ", ".join(parameter.name for parameter in row.parameters)
            raise Cannot(f"`{call.name}` needs its arguments, as in `{call.name}({names})`")
        match meaning:
            case "|":
                return self.activation(value) or ["skip"]
            case "order":
                return [permuted(value)]
            case "shape":
                return [reshaped(value, self.remarks, row.tool == "keras")]
        return self.wrapped(value, meaning)

    def wrapped(self, inner: Value, meaning: str) -> list[str]:
        """The steps of the layer that a wrapper holds. Raises Cannot."""
        if inner.call is None:
            raise Cannot("write the layer that it holds, with its arguments")
        if meaning == "each":
            if key(inner.call.name) != "dense":
                raise Cannot("the language has no time steps; `linear 10` acts on each token alone, as TimeDistributed(Dense(10)) does")
            return [step.replace("fc ", "linear ") for step in self.steps(inner.call)]
        first, *rest = self.steps(inner.call)
        argument = "dirs=2" if meaning == "dirs" else f"norm={meaning}"
        if argument.partition("=")[0] not in op_class(first.split()[0]).fields:
            raise Cannot(f"`{first.split()[0]}` has no `{argument}`")
        return [f"{first} {argument}", *rest]

    def sequential(self, call: Call) -> list[str]:
        """Rewrite the layers that a container holds. Raises Cannot."""
        inner = call.bare[0] if len(call.bare) == 1 else None
        if inner is not None and inner.call is not None and key(inner.call.name) == "ordereddict":
            return self.sequential(inner.call)
        items = inner.items if inner is not None and inner.kind == "list" else call.bare
        items = tuple(item.items[1] if item.kind == "list" and len(item.items) == 2 else item for item in items)
        if not items or any(item.call is None for item in items):
            raise Cannot(REASONS["container"])
        return [step for item in items if item.call is not None for step in self.steps(item.call)]


def _given(call: Call, row: Foreign) -> dict[str, Value]:
    """The arguments of a call by the names that the row has for them."""
    return {**dict(zip([parameter.name for parameter in row.parameters], call.bare, strict=False)), **dict(call.keywords)}


def _filled(call: Call, row: Foreign) -> str:
    """The step of a row, its values filled in. Raises Cannot."""
    given = _given(call, row)
    texts = {parameter.name: given[parameter.name].text for parameter in row.parameters if parameter.name in given}
    lacking = [parameter.name for parameter in row.parameters if not texts.get(parameter.name, "").isalnum()]
    if lacking:
        raise Cannot(f"`{row.names[0]}` needs a number for `{lacking[0]}`")
    return row.steps.format(**texts)


def _tool(module: str) -> str | None:
    words = {"keras": {"keras", "layers", "tf", "tensorflow", "tfl"}, "torch": {"nn", "torch", "F", "functional", "torchvision"}}
    return next((tool for tool, its in words.items() if its & set(module.split("."))), None)


def _looks_like_torch(call: Call) -> bool:
    """Three numbers of which the second is no size of a kernel: in, out, kernel."""
    numbers = [values.number(value.text) for value in call.bare[:3] if value.kind == "number"]
    return len(numbers) == 3 and isinstance(numbers[1], int) and numbers[1] > 11
