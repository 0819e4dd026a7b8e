"""Arguments of other tools that are not a number renamed: what each means for a step of ours."""

from __future__ import annotations

from archspec.foreign import values
from archspec.foreign.equivalents import Foreign, Parameter
from archspec.foreign.loose import Value
from archspec.foreign.step import Step
from archspec.foreign.values import Cannot


def required(parameter: Parameter, value: Value, step: Step, remarks: list[str]) -> None:
    """Whether a parameter has the only value that can be said here. Raises Cannot."""
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


def _round(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    if value.text in ("True", "1", "ceil"):
        step.given["round"] = "ceil"
    elif value.text in ("floor", "exact"):
        step.given["round"] = value.text


def _keep(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    if value.text != "True":
        after.append("flatten")


def _cap(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    if not values.is_none(value):
        if values.number(value.text) != 6:
            raise Cannot("the language has `relu` without a limit and `relu6` only")
        step.name = "relu6"


def _slope(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    if step.name == "relu":
        if values.number(value.text) == 0:
            return
        step.name = "leaky"
    step.given["slope"] = value.text


def _momentum(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    step.given["momentum"] = value.text


def _shared(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    if value.text in ("yes", "True", "1"):
        return
    step.given["shared"] = "no"
    if values.is_none(value):
        remarks.append("on a map Keras's PReLU has a slope of its own for each position, unless it has `shared_axes=[1, 2]`")


def _approx(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    if value.text in ("tanh", "True"):
        step.given["approx"] = "tanh"


def _mode(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    modes = {"nearest": "nearest", "bilinear": "bilinear", "linear": "bilinear", "trilinear": "bilinear"}
    if value.text not in modes:
        raise Cannot(f"the language upsamples `nearest` and `bilinear` only, not `{value.text}`")
    step.given["mode"] = modes[value.text]


def _kind(step: Step, value: Value, after: list[str], remarks: list[str]) -> None:
    if value.text.upper().startswith("AV"):
        step.name = "avgpool"


SPECIAL = {
    "round": _round, "keep": _keep, "cap": _cap, "slope": _slope, "momentum": _momentum, "shared": _shared, "approx": _approx,
    "mode": _mode, "kind": _kind,
}  # fmt: skip


def finish(row: Foreign, steps: list[Step], given: dict[str, Value]) -> None:
    """What follows from several arguments together, as each tool has it."""
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
