"""Arguments of other tools about axes: what stands around each, what is cut off, their order, and new shapes."""

from __future__ import annotations

from archspec.foreign import values
from archspec.foreign.equivalents import REASONS
from archspec.foreign.loose import Value
from archspec.foreign.values import Cannot

LETTERS = {1: "w", 2: "hw", 3: "dhw"}
"""The axes of a map, by letter."""
Pairs = list[tuple[str, str]]


def edges(value: Value, axes: int) -> Pairs:
    """What stands before and after each of so many axes. PyTorch writes 0 axes' pairs flat, those of the last axis first. Raises Cannot."""
    texts = [item.text for item in value.items]
    if value.kind != "list":
        found = [(value.text, value.text)]
    elif axes == 0 and len(texts) in (2, 4, 6):
        found = list(zip(texts[::2], texts[1::2], strict=True))[::-1]
    elif axes == 1 and len(texts) == 2:
        found = [(texts[0], texts[1])]
    elif axes == len(texts):
        found = [_pair(item) for item in value.items]
    else:
        found = []
    if not found or not all(text.isalnum() for pair in found for text in pair):
        raise Cannot("`pad` takes a number, or a pair such as `h=0:1` for each axis")
    return found


def _pair(value: Value) -> tuple[str, str]:
    """The padding at both ends of one axis. Raises Cannot."""
    sides = [item.text for item in value.items] or [value.text]
    if len(sides) > 2:
        raise Cannot("an axis has two sides")
    return sides[0], sides[-1]


def padded(value: Value, axes: int) -> dict[str, str]:
    """The arguments of `pad` for a border. Raises Cannot."""
    found = edges(value, axes)
    if len(set(found)) == 1:
        return {"p": ranged(*found[0])}
    if all(before == after for before, after in found):
        return {"p": "x".join(before for before, _ in found)}
    return {letter: ranged(*pair) for letter, pair in zip(LETTERS[len(found)], found, strict=True) if pair != ("0", "0")}


def ranged(before: str, after: str) -> str:
    """A border as written: one number where both sides have it."""
    return before if before == after else f"{before}:{after}"


def cropped(value: Value, axes: int, remarks: list[str]) -> str:
    """The argument of `crop` for what is cut off. Raises Cannot."""
    found = edges(value, axes)
    found = found * axes if len(found) == 1 else found
    letters = LETTERS[axes]
    if not all(text.isdigit() for pair in found for text in pair):
        raise Cannot("`crop` takes the size that remains: `crop 28x28`")
    if all(before == after for before, after in found):
        sizes = [f"{letter}()-{2 * int(cut)}" if int(cut) else f"{letter}()" for letter, (cut, _) in zip(letters, found, strict=True)]
        return sizes[0] if axes == 1 else "x".join(f"({size})" for size in sizes)
    if len(set(found)) != 1:
        raise Cannot("`crop` takes the size that remains, as in `crop 28x30`, or one range for every axis, as in `crop 1:31`")
    before, after = found[0]
    if axes > 1:
        remarks.append("a range fits maps whose axes have one size")
    return f"{before}:{letters[0]}()-{after}" if int(after) else f"{before}:{letters[0]}()"


def permuted(value: Value) -> str:
    """The step that orders axes as `dims` says, which counts them from 1, channels last. Raises Cannot."""
    order = [values.number(item.text) for item in value.items]
    axes = "abcd"[: len(order)]
    if sorted(map(str, order)) != [str(at + 1) for at in range(len(axes))] or not axes:
        raise Cannot("an order of axes has each of them once: `Permute((2, 1))`")
    if order == [2, 1]:
        return "swap"
    return f'rearrange "{" ".join(axes)} -> {" ".join(axes[int(at or 1) - 1] for at in order)}"'


def reshaped(value: Value, remarks: list[str], channels_last: bool) -> str:
    """The step that gives a value other axes. Raises Cannot."""
    items = [item.text for item in value.items] or [value.text]
    if items == ["-1"]:
        return "flatten"
    if not 0 < len(items) <= 4 or not all(text.isdigit() for text in items):
        raise Cannot("write all sizes of the new shape, channels last: `reshape 4x4x64`")
    if channels_last and len(items) > 2:
        names = "dhwc"[-len(items) :]
        sizes = " ".join(f"{name}={size}" for name, size in zip(names[:-1], items, strict=False))
        remarks.append(
            f"numbers in PyTorch's order; Keras's, of a vector, is `rearrange \"({' '.join(names)}) -> {' '.join(names)}\" {sizes}`"
        )
    return f"reshape {'x'.join(items if channels_last else [*items[1:], items[0]])}"


def turned(axes: tuple[Value, ...]) -> str:
    """The step for `x.transpose(1, 2)` or `x.permute(0, 2, 1)`; orders of four axes move only the channels of a layout. Raises Cannot."""
    items = axes[0].items if len(axes) == 1 and axes[0].kind == "list" else axes
    order = "".join(item.text for item in items)
    if order in ("0231", "0312"):
        raise Cannot("shapes are channels last whatever the framework: leave out this line")
    if order not in ("12", "21", "021", "-1-2", "-2-1", "1-1", "-11"):
        raise Cannot(REASONS["reshape"])
    return "swap"
