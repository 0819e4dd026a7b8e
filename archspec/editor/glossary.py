"""What the words of the language mean, for hovers and completions."""

from __future__ import annotations

STATEMENTS = {
    "input": ("input 32x32x3", "The shape of the input: height x width x channels, length x channels, or a number."),
    "param": ("param classes = 10", "A number or a word that `--set` can change."),
    "default": ("default conv bias=no", "Arguments for all layers of a kind below."),
    "block": ("block unit(f, s=1):", "Lines that are called like a layer, with parameters."),
    "use": ('use "blocks/resnet.arch"', "The blocks and params of another file."),
    "output": ("output aux train", "A further output; `train`: in training only."),
    "expect": ("expect params <= 5e6", "A budget, which `archspec check` holds the network to."),
    "pattern": ("pattern [CONV-RELU]*2-FC f=32 fc=10", "The formula of the lectures."),
    "model": ("model lenet5", "The name of the network."),
    "meta": ('meta source="..."', "Facts about the network."),
    "arch": ("arch 1", "The version of the language."),
    "from": ("from NAME | conv k=1 f=8", "Go on from the value of a label or an input."),
}
"""Words that begin a line, each with an example and what the line is for."""

HEADS = {
    "repeat": ("repeat 3 as i:", "The lines below, several times; a list gives each round its value."),
    "residual": ("residual:", "What the lines below give, added to the value that they begin with."),
    "shortcut": ("shortcut: conv k=1 f=64", "The other path of a residual; its last line."),
    "seq": ("seq:", "Several lines as one branch."),
    "add": ("add:", "The sum of the branches below; or `add NAME`."),
    "concat": ("concat:", "The branches below, channel after channel; or `concat NAME`."),
    "mul": ("mul:", "The product of the branches below; or `mul NAME`."),
    "sub": ("sub:", "The difference of the branches below; or `sub NAME`."),
    "frozen": ("frozen stem: conv k=7 f=64", "A label whose layers are not learned."),
}
"""Words that open a body."""

STEPS_BESIDE = {
    "skip": ("skip", "The value as it is."),
    "again": ("again NAME", "What a label names once more, with the same weights."),
}
"""Steps that are no layers."""

FUNCTIONS = {
    "min": "The least of numbers.", "max": "The largest of numbers.", "floor": "Rounded down.", "ceil": "Rounded up.", "round": "Rounded.",
    "round8": "Rounded to a multiple of 8, as MobileNet does.", "divisible": "Rounded to a multiple.", "sqrt": "The square root.",
    "c": "The channels of a value.", "h": "The height of a value.", "w": "The width of a value.", "t": "The length of a value.",
}  # fmt: skip
"""Functions of expressions."""
