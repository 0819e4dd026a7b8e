"""The arithmetic of a layer, seen: small maps with every sum written out, and windows that slide."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from archspec.analysis.layers import Row
from archspec.diagnostics import SpecError, did_you_mean
from archspec.ops.base import counted
from archspec.saving import PICTURES, write_whole
from archspec.views.arithmetic.matrices import Maps, of_rows, size_of
from archspec.views.arithmetic.working import STEPS, Worked, add_bias, work_layer
from archspec.views.small import small_report

__all__ = ["FORMATS", "STEPS", "Work", "work"]

FORMATS = {".txt": "text", ".tex": "latex", ".svg": "svg", ".html": "html", ".htm": "html", ".png": "svg", ".pdf": "svg"}
"""The forms of worked layers by the ending of a file's name; a PNG and a PDF are made of the SVG."""
_PIECES = 8
"""The most layers of a chain."""


class Work(NamedTuple):
    """Layers at work, one after the other on small maps."""

    layers: tuple[Worked, ...]

    @property
    def output(self) -> list[list[list[int | float]]]:
        """The numbers of the last map: channels, rows, columns."""
        return [[[int(v) if v.denominator == 1 else float(v) for v in row] for row in matrix] for matrix in self.layers[-1].output]

    def to_text(self, unicode: bool = True) -> str:
        """Write the maps, and each number with its sum, as text."""
        from archspec.views.arithmetic.sums import text

        return "".join(f"{line}\n" for line in text(self.layers, unicode))

    def to_latex(self) -> str:
        """Write the maps, and each number with its sum, as formulas of LaTeX."""
        from archspec.views.arithmetic.sums import latex

        return "".join(f"{line}\n" for line in latex(self.layers))

    def to_svg(self, theme: str = "light") -> str:
        """Draw the maps, with the sums below. Raises ValueError for another theme."""
        from archspec.views.arithmetic.worksheet import worksheet
        from archspec.views.theme import THEMES

        if theme not in THEMES:
            raise ValueError(f"there is no `{theme}`; there are {', '.join(THEMES)}")
        return worksheet(self.layers, THEMES[theme])

    def to_html(self) -> str:
        """Write an HTML page on which one number after the other is computed; the sums stand below."""
        from archspec.views.arithmetic.stepped import work_page

        return work_page(self.layers)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file: .txt, .tex, .svg, .html, .png or .pdf, by the ending of its name.

        Raises ValueError for another ending; ImportError without what makes PNG or PDF; OSError.
        """
        from archspec.views.graphics.convert import converted

        place = Path(path)
        ending = place.suffix.lower()
        if ending not in FORMATS:
            raise ValueError(f"worked layers are saved as {', '.join(FORMATS)}, by the ending of the file's name; not as `{place.name}`")
        made = getattr(self, f"to_{FORMATS[ending]}")()
        write_whole(place, converted(made, ending) if ending in PICTURES else made)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        height, width = size_of(self.layers[-1].output)
        return f"Work({' | '.join(layer.step for layer in self.layers)}: {height}x{width}x{len(self.layers[-1].output)})"

    def _repr_svg_(self) -> str:
        return self.to_svg()


def work(step: str, image: Any, kernel: Any = None, bias: Any = (), s: int | None = None, p: int | None = None) -> Work:
    """Compute a layer, or a chain of them with bars between, on a small map, with exact numbers.

    `image` and `kernel` are matrices as rows, or lists of them: one per channel, one per filter and channel. `bias` is a number or
    one per filter. Raises SpecError where a layer does not fit, ValueError where something is missing or too much.
    """
    given = of_rows(image, "the image")
    kernels = of_rows(kernel, "the kernel") if kernel is not None else None
    (biases,) = of_rows([list(bias)], "the bias")[0] if isinstance(bias, (list, tuple)) and bias else ((),)
    if not isinstance(bias, (list, tuple)):
        biases = of_rows([[bias]], "the bias")[0][0]
    pieces = [piece.strip() for piece in step.split("|")]
    if len(pieces) > _PIECES:
        raise ValueError(f"expected {_PIECES} layers or fewer, found {len(pieces)}")
    words = [_word(piece) for piece in pieces]
    _check_given(words, kernels, biases)
    found: list[Worked] = []
    for word, piece in zip(words, pieces, strict=True):
        if word == "bias":
            found.append(_biased(piece, given, biases))
        else:
            moved, s, p = (_moved(piece, s, p), None, None) if word not in ("relu", "relu6", "leaky", "abs") else (piece, s, p)
            found.append(_layer(word, moved, given, kernels if word in ("conv", "dwconv") else None, biases if "bias" not in words else ()))
        given = found[-1].output
    return Work(tuple(found))


def _word(piece: str) -> str:
    """The name of a layer that is computed. Raises ValueError."""
    word = piece.split()[0] if piece else ""
    if word not in STEPS:
        known = ", ".join(STEPS)
        hint = did_you_mean(word, STEPS, f"there are {known}")
        raise ValueError(f"expected a layer whose sums can be written out, found `{piece[:40]}`; {hint}")
    return word


def _check_given(words: list[str], kernels: Maps | None, biases: tuple[Any, ...]) -> None:
    """Raises ValueError where a kernel or a bias is missing, or nothing takes it."""
    convolutions = [word for word in words if word in ("conv", "dwconv")]
    if len(convolutions) > 1:
        raise ValueError(f"expected one convolution, which has the kernel, found {len(convolutions)}")
    if convolutions and kernels is None:
        raise ValueError(f"`{convolutions[0]}` needs a kernel: `--kernel k.csv`")
    if not convolutions and kernels is not None:
        raise ValueError(f"`{words[0]}` has no kernel; only conv and dwconv have one")
    if biases and not convolutions and "bias" not in words:
        raise ValueError(f"`{words[0]}` has no bias; only conv, dwconv and bias have one")


def _moved(piece: str, s: int | None, p: int | None) -> str:
    return piece + (f" s={s}" if s is not None else "") + (f" p={p}" if p is not None else "")


def _biased(piece: str, given: Maps, biases: tuple[Any, ...]) -> Worked:
    own = piece.split()[1:]
    numbers = of_rows([own], f"`{piece}`")[0][0] if own else biases
    if len(numbers) not in (1, len(given)):
        raise ValueError(f"expected one bias, or one for each of {len(given)} channels, found {len(numbers)}")
    return add_bias(given, numbers)


def _layer(word: str, piece: str, given: Maps, kernels: Maps | None, biases: tuple[Any, ...]) -> Worked:
    """A layer of the language on maps. Raises SpecError, ValueError."""
    height, width = size_of(given)
    flat = height == 1 and (kernels is None or len(kernels[0]) == 1)
    if kernels is not None:
        piece = _completed(word, piece, given, kernels, flat)
    sizes = (width, len(given)) if flat else (height, width, len(given))
    report, messages = small_report(f"input {'x'.join(map(str, sizes))}\n{piece}\n", "work")
    if report is None:
        raise SpecError(messages)
    row = report.layers[-1]
    _check_plain(row)
    if kernels is None:
        return work_layer(row, given, (), ())
    weight = row.node.op.weights(*row.types)[0].shape
    filters, depth = weight[0], weight[1]
    if len(kernels) != filters * depth or (1,) * flat + weight[2:] != size_of(kernels):
        wanted = f"{'1 matrix' if filters * depth == 1 else f'{filters * depth:,} matrices'} of {'x'.join(map(str, weight[2:]))}"
        found = f"{len(kernels)} of {_size(kernels)}"
        raise ValueError(f"`{piece}` has {counted(filters, 'filter')} of {counted(depth, 'channel')}: expected {wanted}, found {found}")
    if len(biases) not in (0, 1, filters):
        raise ValueError(f"expected one bias, or one for each of {filters} filters, found {len(biases)}")
    stacks = tuple(kernels[at * depth : (at + 1) * depth] for at in range(filters))
    return work_layer(row, given, stacks, biases * filters if len(biases) == 1 else biases)


def _completed(word: str, piece: str, given: Maps, kernels: Maps, flat: bool) -> str:
    """A convolution with the kernel's size and the number of filters, where they are not written."""
    high, wide = size_of(kernels)
    if not re.search(r"\bk=", piece):
        piece += f" k={wide}" if flat or high == wide else f" k={high}x{wide}"
    groups = re.search(r"\bg=(\d{1,4})\b", piece)
    depth = max(1, len(given) // max(1, int(groups[1]))) if groups else len(given)
    if word == "conv" and not re.search(r"\bf=", piece):
        if len(kernels) % depth:
            raise ValueError(f"expected {depth} kernels per filter, one per channel, found {len(kernels)}")
        piece += f" f={len(kernels) // depth}"
    return piece


def _size(maps: Maps) -> str:
    return "x".join(map(str, size_of(maps)))


def _check_plain(row: Row) -> None:
    """Raises ValueError for what changes the sums beyond windows, padding with zeros and groups."""
    op = row.node.op
    for name, usual in (("mode", "zero"), ("norm", False), ("maps", None), ("offset", False)):
        if getattr(op, name, usual) != usual:
            raise ValueError(f"the sums of `{row.written}` are not written out: `{name}` changes them")
    if row.output[0] and row.op not in STEPS:
        raise ValueError(f"the sums of `{row.written}` are not written out")
