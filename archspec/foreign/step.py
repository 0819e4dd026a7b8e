"""A step of ours while it is written, and what the arguments of other tools mean for it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from archspec.foreign import values
from archspec.foreign.axes_and_borders import cropped, padded
from archspec.foreign.equivalents import Parameter, key
from archspec.foreign.loose import Value
from archspec.foreign.values import Cannot
from archspec.ops import STEPS, op_class


class Step:
    """A step being written: its name and its arguments by our names. `whole`: with those that hold anyway."""

    def __init__(self, name: str, whole: bool = False) -> None:
        word, *fixed = name.split()
        self.name = word
        self.whole = whole
        self.given: dict[str, str] = {}
        bare = iter(bare_arguments(word))
        for part in fixed:
            argument, equals, value = part.partition("=")
            self.given[argument if equals else next(bare)] = value if equals else part

    def text(self, partial: bool = False, held: Container[str] = ()) -> str:
        """The step as written: defaults left out, positional arguments first. Raises Cannot where one is missing that no default `held` gives."""
        if self.name == "skip":
            return "skip"
        cls = op_class(self.name)
        fields = cls.fields
        bare = () if cls.shown_as_keyword or partial else cls.positional
        needed = [] if partial else [name for name, info in fields.items() if info.required]
        missing = [name for name in needed if name not in self.given and name not in held]
        parts = [self.name]
        for name in sorted(fields, key=lambda name: (name not in bare, not fields[name].required)):
            value = _SAMPLES.get(name, "8") if name in missing else self.given.get(name)
            if missing and value is not None and fields[name].rule.names == "value" and not value[0].isalpha():
                value = _SAMPLES.get(name, "x")  # a number where a label is needed
            if value is None or (name not in cls.positional and not self.whole and name not in held and _same(value, fields[name].default)):
                continue
            listed = "," in value and not value.startswith("(")  # one value per round
            parts.append(f"{name}={value}" if name not in bare else f"({value})" if listed else value)
        text = " ".join(parts)
        if missing:
            raise Missing(self.name, text, missing)
        return {"adaptpool 1": "gap", "adaptmaxpool 1": "gmp"}.get(text, text)


class Missing(Cannot):
    """Arguments are not given, without which there is no such layer."""

    def __init__(self, step: str, sample: str, missing: Sequence[str]) -> None:
        self.step = step
        self.rest = f"needs {' and '.join(f'`{name}`' for name in missing)}, as in `{sample}`"
        super().__init__(f"`{step}` {self.rest}")


def argument_of(step: str, word: str) -> str:
    """The argument of one of our steps that has a word among its values: `mode` for `bilinear`; empty where there is none."""
    fields = op_class(step).fields if step in STEPS and step != "skip" else {}
    return next((name for name, info in fields.items() if word in info.words), "")


_SAMPLES = {
    "k": "3",
    "f": "8",
    "w": "2",
    "n": "10",
    "size": "7",
    "heads": "8",
    "groups": "8",
    "v": "1000",
    "d": "64",
    "p": "1",
    "g": "2",
    "x": "x",
    "axis": "c",
    "shape": "4x4x64",
}


def bare_arguments(step: str) -> tuple[str, ...]:
    """The arguments that a layer takes without their names."""
    return op_class(step).positional if step in STEPS else ()


def _same(value: str, default: object) -> bool:
    if isinstance(default, bool):
        return value == ("yes" if default else "no")
    if isinstance(default, (int, float)):
        return values.number(value) == default
    return value == default


def required(parameter: Parameter, value: Value, step: Step, remarks: list[str]) -> None:
    """Check that a parameter has the only value that the language can express. Raises Cannot."""
    match parameter.must:
        case "#one":
            if value.kind == "list" and len(value.items) > 1:
                raise Cannot(f"`{step.name}` normalises the channels of each position, not several axes together")
        case "#channels":
            if value.text not in ("-1", "1", "2", "3", "None"):
                raise Cannot(f"`{step.name}` acts on the channels; `{parameter.name}={value.text}` is another axis")
        case "#twice":
            if value.text != "False":
                remarks.append(f"`{step.name}` adds two biases per gate, as PyTorch's does, and Keras's one")
        case must if must != "any":
            number = values.number(must)
            if (key(value.text) != key(must)) if number is None else (values.number(value.text) != number):
                raise Cannot(f"the language has no `{parameter.name}={value.text}` for `{step.name}`")


_FLAGS = {"yes": "True", "no": "False"}
"""Our words for what PyTorch and Keras call so."""
_MEANINGS = {
    "round": {"True": "ceil", "1": "ceil", "ceil": "ceil", "floor": "floor", "exact": "exact"},
    "approx": {"tanh": "tanh", "True": "tanh"},
    "dirs": {"True": "2", "2": "2"},
    "out": {"False": "last", "last": "last"},
    "border": {"reflect": "reflect", "replicate": "edge", "circular": "wrap"},
    "mode": {"nearest": "nearest", "bilinear": "bilinear", "linear": "bilinear", "trilinear": "bilinear", "bicubic": "bicubic"},
}
"""What values of other tools are for an argument of ours; others are its default."""


def special(argument: str, step: Step, value: Value, after: list[str], remarks: list[str]) -> bool:
    """Take over a value that is no number renamed: into the step, into one `after` it, or as a remark. False for any other. Raises Cannot."""
    text, none, number = _FLAGS.get(value.text, value.text), values.is_none(value), values.number(value.text)
    if argument[:-1] in ("pad", "crop"):
        axes = int(argument[-1])
        step.given |= padded(value, axes) if argument[:-1] == "pad" else {"size": cropped(value, axes, remarks)}
        return True
    if step.name == "upsample" and argument == "mode" and text not in _MEANINGS["mode"]:
        raise Cannot(f"the language upsamples `nearest`, `bilinear` and `bicubic` only, not `{text}`")
    if argument == "cap" and not none and number != 6:
        raise Cannot("the language has `relu` without a limit and `relu6` only")
    match argument:
        case "mode" if step.name != "upsample":
            return False
        case "round" | "approx" | "mode" | "dirs" | "out":
            if text in _MEANINGS[argument]:
                step.given[argument] = _MEANINGS[argument][text]
        case "border":
            if text in _MEANINGS[argument]:
                step.given["mode"] = _MEANINGS[argument][text]
        case "momentum":
            step.given["momentum"] = text
        case "keep":
            after += ["flatten"] if text != "True" else []
        case "cap":
            step.name = "relu6" if not none else step.name
        case "kind":
            step.name = "avgpool" if text.upper().startswith("AV") else step.name
        case "slope":
            if step.name != "relu" or number != 0:
                step.name = "leaky" if step.name == "relu" else step.name
                step.given["slope"] = text
        case "shared":
            step.given |= {"shared": "no"} if text not in ("yes", "True", "1") else {}
            if none:
                remarks.append("on a map Keras's PReLU has a slope of its own for each position, unless it has `shared_axes=[1, 2]`")
        case _:
            return False
    return True


def as_in_keras(step: Step, given: Mapping[str, Value], remarks: list[str]) -> None:
    """Adapt a step to what several arguments of Keras mean together. Raises Cannot."""
    if step.name == "avgpool" and step.given.get("p") == "same":
        step.given["count_pad"] = "no"  # Keras divides by the numbers that there are
    if step.name == "bn" and "momentum" in step.given:
        kept = values.number(step.given["momentum"])
        if kept is not None:
            step.given["momentum"] = f"{1 - kept:.6g}"  # Keras says how much stays, we how much is new
    if step.name == "deconv" and step.given.get("p", "0") == "0" and "op" not in step.given:
        kernel, stride = (values.number(step.given.get(name, "1")) for name in ("k", "s"))
        if isinstance(kernel, int) and isinstance(stride, int) and kernel < stride:
            step.given["op"] = str(stride - kernel)  # Keras's output has W*s at least
    if step.name == "ln" and "scale" in given and given["scale"].text == "False":
        if step.given.pop("bias", "yes") != "no":
            raise Cannot("`ln` has both weight and bias, the weight alone with `bias=no`, or with `affine=no` none")
        step.given["affine"] = "no"
    if step.name == "bn" and "center" in given and given["center"].text == "False":
        raise Cannot("`bn` has both weight and bias, or with `affine=no` none")
    if step.text() == "bn":
        remarks.append("with Keras's eps and momentum `bn eps=0.001 momentum=0.01`")
