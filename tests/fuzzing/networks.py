"""Random networks of layers that move and widen what is seen, drawn from docs/language.md and docs/layers.md, and by hand in torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.fuzzing.draw import Draw, written
from tests.fuzzing.seeing import CHANNELS, Run, Shape, around, attended, bilinear, cropped, nearest, shuffled, transposed, window

SIZES = {1: (60, 200), 2: (14, 26)}
LARGEST = {1: 500, 2: 34}
LAYERS = ["conv", "conv", "conv", "dwconv", "avgpool", "pool", "deconv", "deconv", "upsample", "pixelshuffle", "adaptpool", "pad"]
SIZED = ["crop", "winattn", "patchmerge"]
"""Layers that fit some sizes only."""


@dataclass
class Piece:
    """A part of a spec: its lines, also with all branches in reverse, and its function."""

    lines: list[str]
    reverse: list[str]
    run: Run


@dataclass
class Drawn:
    """A spec, the same with its branches in reverse, and the function that it is; `refused` is always None, as for other kinds of specs."""

    text: str
    reverse: str
    shape: Shape
    run: Run
    refused: str | None = None


class Generator:
    """Draws a network. Every value has CHANNELS channels; `shape` is what a piece is given, None where it may be given others as well."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.rank = draw.pick([1, 1, 2])
        self.blocks: list[Piece] = []
        self.shared: list[Piece] = []
        self.labels = 0

    def network(self) -> Drawn | None:
        low, high = SIZES[self.rank]
        shape = tuple(self.draw.number(low, high) for _ in range(self.rank))
        for _ in range(self.draw.number(0, 2)):
            self.shared.append(self.block(self.chain(None, self.draw.number(1, 3), 1)))
        try:
            piece = self.chain(shape, self.draw.number(2, 7), 0)
        except RuntimeError:  # torch refuses it: a map is used up
            return None
        if self.after(piece, shape) is None:
            return None
        texts = []
        for reverse in (False, True):
            blocks = [
                line
                for at, block in enumerate(self.blocks)
                for line in [f"block b{at}():", *indented(block.reverse if reverse else block.lines)]
            ]
            head = ["default round=floor", *blocks, f"input {written((*shape, CHANNELS))}"]
            texts.append("\n".join([*head, *(piece.reverse if reverse else piece.lines), ""]))
        return Drawn(texts[0], texts[1], shape, piece.run)

    def after(self, piece: Piece, shape: Shape) -> Shape | None:
        """The size of a piece's result, or None where it cannot be measured."""
        try:
            with torch.no_grad():
                found = tuple(piece.run(torch.ones(1, CHANNELS, *shape, dtype=torch.float64), 0.0).shape[2:])
        except RuntimeError:
            return None
        return found if all(2 <= size <= LARGEST[self.rank] for size in found) else None

    def chain(self, shape: Shape | None, length: int, depth: int) -> Piece:
        pieces: list[Piece] = []
        for _ in range(length):
            piece = self.piece(shape, depth)
            if shape is not None:
                size = self.after(piece, shape)
                if size is None:
                    continue
                shape = size
            pieces.append(piece)
        return joined(pieces or [self.layer("conv", shape)])

    def piece(self, shape: Shape | None, depth: int) -> Piece:
        kind = self.draw.pick(["layer"] * 6 + ["residual", "branches", "repeat", "group", "call", "outside"]) if depth < 3 else "layer"
        if kind == "call" and not (self.shared and depth == 0):
            kind = "layer"
        if kind == "branches" and shape is None:
            kind = "residual"
        if kind == "layer":
            return self.layer(self.draw.pick(LAYERS + SIZED * (shape is not None)), shape)
        return getattr(self, kind)(shape, depth)

    def args(self, low: int, high: int) -> Shape:
        if self.draw.number(0, 3):
            return (self.draw.number(low, high),) * self.rank
        return tuple(self.draw.number(low, high) for _ in range(self.rank))

    def layer(self, kind: str, shape: Shape | None) -> Piece:
        text, run = getattr(self, "_" + kind)(shape)
        if self.draw.number(0, 3) == 0:
            text += self.draw.pick([" | relu", " | bn", " | dropout 0.5"])
        return Piece([text], [text], run)

    def _conv(self, shape: Shape | None, step: str = "conv", more: str = " f=2") -> tuple[str, Run]:
        k, d = self.args(1, 5), self.args(1, 3) if self.draw.number(0, 2) == 0 else (1,) * self.rank
        s = self.args(1, 3) if self.draw.number(0, 2) == 0 else (1,) * self.rank
        p: Shape | str = "same" if self.draw.number(0, 4) == 0 else self.args(0, 3)
        text = f"{step} k={show(k)}{more} s={show(s)} d={show(d)} p={p if isinstance(p, str) else show(p)}"
        return text, window(k, s, d, p, step == "dwconv")

    def _dwconv(self, shape: Shape | None) -> tuple[str, Run]:
        return self._conv(shape, "dwconv", "")

    def _pool(self, shape: Shape | None, step: str = "pool") -> tuple[str, Run]:
        w, s = self.args(1, 4), self.args(1, 3)
        p: Shape | str = "same" if self.draw.number(0, 4) == 0 else tuple(self.draw.number(0, n // 2) for n in w)
        ceil = p != "same" and self.draw.number(0, 2) == 0
        text = f"{step} w={show(w)} s={show(s)} p={p if isinstance(p, str) else show(p)}" + " round=ceil" * ceil
        return text, window(w, s, (1,) * self.rank, p, True, ceil)

    def _avgpool(self, shape: Shape | None) -> tuple[str, Run]:
        return self._pool(shape, "avgpool")

    def _deconv(self, shape: Shape | None) -> tuple[str, Run]:
        k, s, d = self.args(1, 5), self.args(1, 3), self.args(1, 3) if self.draw.number(0, 1) else (1,) * self.rank
        same = self.draw.number(0, 3) == 0
        op = (0,) * self.rank if same else tuple(self.draw.number(0, max(a, b) - 1) for a, b in zip(s, d, strict=True))
        p = "same" if same else self.args(0, 2)
        text = f"deconv k={show(k)} f=2 s={show(s)} d={show(d)} p={p if isinstance(p, str) else show(p)}" + f" op={show(op)}" * any(op)
        return text, transposed(k, s, d, p, op)

    def _upsample(self, shape: Shape | None) -> tuple[str, Run]:
        n, mode = self.draw.number(2, 4), self.draw.pick(["nearest", "bilinear"])
        return f"upsample {n} mode={mode}", bilinear(n) if mode == "bilinear" else lambda x, fill: nearest(x, n)

    def _pixelshuffle(self, shape: Shape | None) -> tuple[str, Run]:
        n = self.draw.number(2, 3)
        return f"conv k=1 f={CHANNELS * n**self.rank} | pixelshuffle {n}", lambda x, fill: shuffled(
            x.sum(1, keepdim=True).expand(-1, CHANNELS * n**self.rank, *[-1] * self.rank), n
        )

    def _patchmerge(self, shape: Shape | None) -> tuple[str, Run]:
        assert shape is not None
        n = self.draw.pick([n for n in (1, 2, 3, 4) if not any(size % n for size in shape)])
        return f"patchmerge {n} | conv k=1 f={CHANNELS}", window((n,) * self.rank, (n,) * self.rank, (1,) * self.rank, (0,) * self.rank)

    def _adaptpool(self, shape: Shape | None) -> tuple[str, Run]:
        size = self.args(2, 12)
        function: Any = F.adaptive_avg_pool1d if self.rank == 1 else F.adaptive_avg_pool2d
        return f"{self.draw.pick(['adaptpool', 'adaptmaxpool'])} {show(size)}", lambda x, fill: function(x, size)

    def _pad(self, shape: Shape | None) -> tuple[str, Run]:
        p = self.args(0, 3)
        return f"pad {show(p)}", lambda x, fill: around(x, p, p, fill)

    def _crop(self, shape: Shape | None) -> tuple[str, Run]:
        assert shape is not None
        target = tuple(self.draw.number(size - size // 4, size) for size in shape)
        return f"crop {show(target)}", lambda x, fill: cropped(x, target)

    def _winattn(self, shape: Shape | None) -> tuple[str, Run]:
        assert shape is not None
        if self.rank != 2:
            return self._conv(shape)
        w = tuple(self.draw.pick([n for n in range(1, 9) if size % n == 0]) for size in shape)
        shift = tuple(self.draw.number(0, n - 1) for n in w)
        return f"winattn heads=1 w={show(w)} shift={show(shift)}", attended(w, shift)

    # structure

    def keeping(self) -> Piece:
        """Layers that keep the size whatever it is."""
        pieces = []
        for _ in range(self.draw.number(1, 3)):
            k, d = self.draw.pick([1, 3, 5]), self.draw.number(1, 2)
            kind = self.draw.pick(["conv", "dwconv", "same", "there and back", "and back"])
            one, none, n = (1,) * self.rank, (0,) * self.rank, self.draw.number(2, 3)
            if kind == "same":
                text, run = f"conv k={k + 1} f=2 d={d} p=same", window((k + 1,) * self.rank, one, (d,) * self.rank, "same")
            elif kind == "there and back":
                w = self.draw.number(n, 4)
                up, down = (
                    transposed((w,) * self.rank, (n,) * self.rank, (d,) * self.rank, "same", none),
                    window((k,) * self.rank, (n,) * self.rank, one, "same"),
                )
                text, run = f"deconv k={w} f=2 s={n} d={d} p=same | conv k={k} f=2 s={n} p=same", after(up, down)
            elif kind == "and back":
                text = f"upsample {n} mode=bilinear | avgpool {n}"
                run = after(bilinear(n), window((n,) * self.rank, (n,) * self.rank, one, none, True))
            else:
                p = (d * (k // 2),) * self.rank
                text = f"{kind} k={k}{' f=2' * (kind == 'conv')} d={d} p={p[0]}"
                run = window((k,) * self.rank, one, (d,) * self.rank, p, kind == "dwconv")
            pieces.append(Piece([text], [text], run))
        return joined(pieces)

    def residual(self, shape: Shape | None, depth: int) -> Piece:
        body, other = self.keeping(), self.keeping() if self.draw.number(0, 1) else None
        lines = ["residual:", *indented(body.lines)]
        reverse = ["residual:", *indented(body.reverse)]
        if other is None:
            return Piece(lines, ["add:", *branch(self.label(), body.reverse), "  skip"], lambda x, fill: body.run(x, fill) + x)
        lines += ["  shortcut:", *indented(indented(other.lines))]
        reverse = ["add:", *branch(self.label(), other.reverse), *branch(self.label(), body.reverse)]
        return Piece(lines, reverse, lambda x, fill: body.run(x, fill) + other.run(x, fill))

    def branches(self, shape: Shape | None, depth: int) -> Piece:
        """Branches of any size and stride, cropped to the smallest."""
        assert shape is not None
        found: list[tuple[Piece, Shape]] = []
        for _ in range(self.draw.number(2, 3)):
            piece = self.chain(shape, self.draw.number(1, 2), depth + 1)
            size = self.after(piece, shape)
            if size is not None:
                found.append((piece, size))
        if self.draw.number(0, 2) == 0 or not found:
            found.append((Piece(["skip"], ["skip"], lambda x, fill: x), shape))
        target = tuple(map(min, zip(*[size for _, size in found], strict=True)))
        pieces = [(f"{self.label()}", piece) for piece, _ in found]
        kind, crop = self.draw.pick(["add", "concat"]), [f"crop {show(target)}"]
        end = ["conv k=1 f=2"] if kind == "concat" and len(pieces) > 1 else []

        def run(x: Tensor, fill: float) -> Tensor:
            return torch.stack([cropped(piece.run(x, fill), target) for _, piece in pieces]).sum(0)

        lines = [line for label, piece in pieces for line in branch(label, piece.lines + crop)]
        reverse = [line for label, piece in reversed(pieces) for line in branch(label, piece.reverse + crop)]
        return Piece([f"{kind}:", *lines, *end], [f"{kind}:", *reverse, *end], run)

    def repeat(self, shape: Shape | None, depth: int) -> Piece:
        times = self.draw.number(2, 4)
        body = joined([self.keeping() if self.draw.number(0, 1) else self.residual(None, depth + 1) for _ in range(self.draw.number(1, 2))])
        if self.draw.number(0, 3) == 0:
            body = self.chain(None, 1, depth + 1)

        def run(x: Tensor, fill: float) -> Tensor:
            for _ in range(times):
                x = body.run(x, fill)
            return x

        if any(":" in line and line.strip()[0] == "l" for line in body.lines + body.reverse):
            body = self.block(body)  # a label stands once in a suite, whatever the round
        return Piece([f"repeat {times}:", *indented(body.lines)], [f"repeat {times}:", *indented(body.reverse)], run)

    def outside(self, shape: Shape | None, depth: int) -> Piece:
        """Rounds that add a value from outside."""
        times, label = self.draw.number(2, 4), self.label()
        body = self.keeping()

        def run(x: Tensor, fill: float) -> Tensor:
            first = x
            for _ in range(times):
                x = body.run(x, fill) + first
            return x

        lines, reverse = [
            [f"{label}: conv k=1 f=2", f"repeat {times}:", *indented(found), f"  add {label}"] for found in (body.lines, body.reverse)
        ]
        return Piece(lines, reverse, run)

    def group(self, shape: Shape | None, depth: int) -> Piece:
        body, label = self.chain(shape, self.draw.number(1, 3), depth + 1), self.label()
        return Piece([f"{label}:", *indented(body.lines)], [f"{label}:", *indented(body.reverse)], body.run)

    def call(self, shape: Shape | None, depth: int) -> Piece:
        return self.draw.pick(self.shared)

    def block(self, body: Piece) -> Piece:
        """A call of a block with a piece as its body."""
        self.blocks.append(body)
        return Piece([name := f"b{len(self.blocks) - 1}"], [name], body.run)

    def label(self) -> str:
        self.labels += 1
        return f"l{self.labels}"


def after(first: Run, second: Run) -> Run:
    return lambda x, fill: second(first(x, fill), fill)


def joined(pieces: Sequence[Piece]) -> Piece:
    def run(x: Tensor, fill: float) -> Tensor:
        for piece in pieces:
            x = piece.run(x, fill)
        return x

    return Piece([line for piece in pieces for line in piece.lines], [line for piece in pieces for line in piece.reverse], run)


def indented(lines: Sequence[str]) -> list[str]:
    return ["  " + line for line in lines]


def branch(label: str, lines: Sequence[str]) -> list[str]:
    return [f"  {label}:", *indented(indented(lines))]


def show(values: Shape) -> str:
    return str(values[0]) if len(set(values)) == 1 else written(values)
