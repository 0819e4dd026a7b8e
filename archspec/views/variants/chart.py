"""A chart of variants: two counts, each variant a dot, those on the Pareto front joined by a line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from archspec.diagnostics.markup import html_text
from archspec.symbolic.sweeps import Sweep, Variant, plain

_WIDTH, _HEIGHT = 640, 420
_LEFT, _BOTTOM, _TOP, _RIGHT = 76, 52, 40, 24
_DOTS = 5000
"""Dots that are drawn at most; of more variants some at equal distances."""
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def chart(found: Sweep, across: str, up: str, front: Sequence[Variant]) -> str:
    """An SVG of the counts `across` and `up` of all variants, on logarithmic axes where they span more than a factor of 20."""
    variants = found.variants()
    every = max(1, math.ceil(len(variants) / _DOTS))
    shown = variants[::every]
    x, y = (_Scale([value(variant, name) for variant in variants]) for name in (across, up))
    right, top = _WIDTH - _RIGHT, _TOP
    body = [_text(_WIDTH / 2, 22, f"{found.model}: {up} against {across}", "title")]
    for tick in x.ticks():
        at = _LEFT + x.place(tick) * (right - _LEFT)
        body.append(f'<path class="rule" d="M{at:.1f} {top}V{_HEIGHT - _BOTTOM}"/>{_text(at, _HEIGHT - _BOTTOM + 16, short(tick))}')
    for tick in y.ticks():
        at = _HEIGHT - _BOTTOM - y.place(tick) * (_HEIGHT - _BOTTOM - top)
        body.append(f'<path class="rule" d="M{_LEFT} {at:.1f}H{right}"/>{_text(_LEFT - 8, at + 4, short(tick), "end")}')

    def place(variant: Variant) -> tuple[float, float]:
        a, b = x.place(value(variant, across)), y.place(value(variant, up))
        return _LEFT + a * (right - _LEFT), _HEIGHT - _BOTTOM - b * (_HEIGHT - _BOTTOM - top)

    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5"/>' for a, b in map(place, shown))
    body.append(f'<g class="dots">{dots}</g>')
    if front:
        points = [place(variant) for variant in front]
        body.append('<path class="front" d="M' + "L".join(f"{a:.1f} {b:.1f}" for a, b in points) + '"/>')
        for variant, (a, b) in zip(front, points, strict=True):
            told = ", ".join(f"{name}={plain(set_)}" for name, set_ in variant.values.items())
            body.append(f'<circle class="best" cx="{a:.1f}" cy="{b:.1f}" r="4"><title>{html_text(told)}</title></circle>')
    body += [_text((_LEFT + right) / 2, _HEIGHT - 14, across), _text(16, (top + _HEIGHT - _BOTTOM) / 2, up, "turned")]
    return _SVG.format(width=_WIDTH, height=_HEIGHT, title=html_text(f"{found.model}: {up} against {across}"), body="\n".join(body))


_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{title}">
<title>{title}</title>
<style>
text{{font:12px system-ui,sans-serif;fill:#333;text-anchor:middle}}.title{{font-weight:600;font-size:14px}}.end{{text-anchor:end}}
.rule{{stroke:#ddd;fill:none}}.dots circle{{fill:#5b8db8;fill-opacity:.45}}.front{{stroke:#c0392b;fill:none;stroke-width:1.5}}.best{{fill:#c0392b}}
</style>
<rect width="{width}" height="{height}" fill="#fff"/>
{body}
</svg>
"""


def value(variant: Variant, name: str) -> float:
    """A count of a variant, or a value that sets it apart."""
    found: float = variant.counts[name] if name in variant.counts else variant.values[name]
    return found


class _Scale:
    """Places of numbers along an axis, from 0 to 1."""

    def __init__(self, values: Sequence[float]) -> None:
        low, high = (min(values), max(values)) if values else (0, 1)
        self.logarithmic = low > 0 and high / low > 20
        if not self.logarithmic:
            margin = (high - low) * 0.05 or abs(high) * 0.05 or 1
            low, high = low - margin, high + margin
        else:
            low, high = low / 1.2, high * 1.2
        self.low, self.high = self._of(low), self._of(high)

    def _of(self, number: float) -> float:
        return math.log10(number) if self.logarithmic else number

    def place(self, number: float) -> float:
        return (self._of(number) - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers between the ends."""
        if self.logarithmic:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            marks = (1, 2, 5) if self.high - self.low < 3 else (1,)
            found = [mark * 10.0**power for power in powers for mark in marks]
            return [number for number in found if self.low <= math.log10(number) <= self.high]
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 3))
        step *= next(factor for factor in (5, 2, 1) if factor == 1 or (self.high - self.low) / (step * factor) >= 3)
        first = math.ceil(self.low / step)
        return [at * step for at in range(first, math.floor(self.high / step) + 1)]


def short(number: float) -> str:
    """A number with its unit: `25M`."""
    for size, unit in _UNITS:
        if abs(number) >= size:
            return f"{number / size:.4g}{unit}"
    return f"{number:.4g}"


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if kind == "turned" else ""
    class_ = f' class="{kind}"' if kind not in ("", "turned") else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{class_}{turned}>{html_text(text)}</text>'
