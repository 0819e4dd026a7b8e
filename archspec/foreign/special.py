"""Arguments of other tools that are not a number renamed: what each means for a step of ours."""

from __future__ import annotations

from archspec.foreign import values
from archspec.foreign.equivalents import Foreign, Parameter
from archspec.foreign.loose import Value
from archspec.foreign.step import Step
from archspec.foreign.values import Cannot


def required(parameter: Parameter, value: Value, step: Step, remarks: list[str]) -> None:
    """Check that a parameter has the only value that the language can express. Raises Cannot."""
    match parameter.must:
        case "#one":
            if value.kind == "list" and len(value.items) > 1:
                raise Cannot("`ln` normalises the channels of each position, not several axes together")
        case "#channels":
            if value.text not in ("-1", "1", "2", "3", "None"):
                raise Cannot(f"`{step.name}` acts on the channels; `{parameter.name}={value.text}` is another axis")
        case "#width":
            remarks.append("`attn` has as many channels as heads x key_dim")
        case "any":
            pass
        case must:
            if values.folded(value.text) != values.folded(must) and (
                values.number(value.text) is None or values.number(value.text) != values.number(must)
            ):
                raise Cannot(f"the language has no `{parameter.name}={value.text}` for `{step.name}`")


_MEANINGS = {
    "round": {"True": "ceil", "1": "ceil", "ceil": "ceil", "floor": "floor", "exact": "exact"},
    "approx": {"tanh": "tanh", "True": "tanh"},
    "mode": {"nearest": "nearest", "bilinear": "bilinear", "linear": "bilinear", "trilinear": "bilinear"},
}
"""What values of other tools are for an argument of ours; others are its default."""


def special(argument: str, step: Step, value: Value, after: list[str], remarks: list[str]) -> bool:
    """Take over a value that is no number renamed: into the step, into one `after` it, or as a remark. False for any other. Raises Cannot."""
    text, none, number = value.text, values.is_none(value), values.number(value.text)
    if argument == "mode" and text not in _MEANINGS["mode"]:
        raise Cannot(f"the language upsamples `nearest` and `bilinear` only, not `{text}`")
    if argument == "cap" and not none and number != 6:
        raise Cannot("the language has `relu` without a limit and `relu6` only")
    match argument:
        case "round" | "approx" | "mode":
            if text in _MEANINGS[argument]:
                step.given[argument] = _MEANINGS[argument][text]
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


def finish(row: Foreign, steps: list[Step], given: dict[str, Value]) -> None:
    """Adapt a step to what several arguments of a tool mean together. Raises Cannot."""
    step = steps[0]
    if row.tool == "keras" and step.name == "avgpool" and step.given.get("p") == "same":
        step.given["count_pad"] = "no"  # Keras divides by the numbers that there are
    if row.tool == "keras" and step.name == "bn" and "momentum" in step.given:
        kept = values.number(step.given["momentum"])
        if kept is not None:
            step.given["momentum"] = f"{1 - kept:.6g}"  # Keras says how much stays, we how much is new
    if row.tool == "keras" and step.name == "deconv" and step.given.get("p", "0") == "0" and "op" not in step.given:
        kernel, stride = (values.number(step.given.get(name, "1")) for name in ("k", "s"))
        if isinstance(kernel, int) and isinstance(stride, int) and kernel < stride:
            step.given["op"] = str(stride - kernel)  # Keras's output has W*s at least
    if row.tool == "keras" and step.name == "bn" and given.get("center") is not None and given["center"].text == "False":
        raise Cannot("`bn` has both weight and bias, or with `affine=no` none")
