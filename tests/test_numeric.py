"""Spelled numbers: what they print is the formula, and Python computes their values from it."""

from __future__ import annotations

import math
import random

import pytest

from archspec.numeric import LECTURE, PYTHON, Spelled, Spelling, ceil_div, largest, least, product, round8, round_div, spell, worked_out
from archspec.ops import make
from archspec.ops.declare import Unfit
from archspec.ops.worked import unrounded
from tests.helpers.specs import few_quick

N, M, HALF = Spelled.leaf(64, "n"), Spelled.leaf(3, "m"), Spelled.leaf(0.5, "half")
NAMES = {"n": 64, "m": 3, "half": 0.5, "round8": round8, "ceil": math.ceil, "floor": math.floor, "max": max, "min": min}
WRITTEN = {
    "4 * n + 1": 4 * N + 1,
    "n // 2": N // 2,
    "n - (m - 1)": N - (M - 1),
    "n + m - 1": N + (M - 1),
    "n / (m * 2)": N / (M * 2),
    "n // m % 2": N // M % 2,
    "n // (m % 2)": N // (M % 2),
    "-n**2": -(N**2),
    "(-n)**2": (-N) ** 2,
    "2**-m": 2**-M,
    "-(n + m)": -(N + M),
    "1 - n": 1 - N,
    "-(-n // m)": ceil_div(N, M),
    "round8(half * n)": round8(HALF * N),
    "ceil(n / m)": math.ceil(N / M),
    "floor(half * m)": math.floor(HALF * M),
    "max(n, m, 70)": largest(N, M, 70),
    "min(n, m)": least(N, M),
    "half * (half * n)": HALF * (HALF * N),
    "n * m * 2": N * (M * 2),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_expressions_are_python(text):
    number = WRITTEN[text]
    assert number.text() == text
    value = eval(text, {"__builtins__": {}}, NAMES)
    assert (type(number.value), number.value) == (type(value), value)


@pytest.mark.parametrize("count", few_quick([4_000, 20_000], [4_000]))
def test_random_expressions_are_what_python_makes_of_their_text(count):
    chance = random.Random(1)

    def expression(depth):
        if not depth or chance.random() < 0.2:
            return chance.choice([N, M, HALF, chance.randint(0, 9)])
        a, b = expression(depth - 1), expression(depth - 1)
        makes = [lambda: a + b, lambda: a - b, lambda: a * b, lambda: a / b, lambda: a // b, lambda: a % b, lambda: largest(a, b)]
        makes += [lambda: -a, lambda: least(b, a), lambda: math.ceil(a), lambda: ceil_div(a, b)]
        return chance.choice(makes)()

    met = 0
    for _ in range(count):
        try:
            number = expression(5)
        except ZeroDivisionError:
            continue
        if not isinstance(number, Spelled):
            continue
        met += 1
        for spelling in (PYTHON, Spelling(spaced=False), Spelling(regrouped=False)):
            assert eval(number.text(spelling), {"__builtins__": {}}, NAMES) == number.value, number
    assert met > count / 4


def test_lectures_show_what_was_worked_out_by_its_value():
    size, pad, stride, kernel, step = spell((28, 2, 2, 3, 2))
    span = worked_out(step * (kernel - 1) + 1)
    out = round_div(size - span + 2 * pad, stride, True) + 1
    assert (out.text(LECTURE), out.value, unrounded(out)) == ("(28 - 5 + 2*2)/2 + 1", 15, 14.5)
    assert ceil_div(size, stride).text(LECTURE) == "ceil(28/2)"
    assert largest(size - 1, kernel).text(LECTURE) == "28 - 1"


def test_neutral_numbers_are_not_written():
    assert product([N, M]).text(Spelling(spaced=False)) == "n*m"
    assert sum([N, M]).text() == "n + m"
    assert (N * spell(1)).text() == "n * 1"


def test_long_chains_need_no_stack():
    number = N
    for _ in range(20_000):
        number = number + M
    assert number.text().count("+") == 20_000 and number.value == 64 + 60_000


def test_the_value_alone_is_compared():
    assert N == 64 and N > M and not Spelled.leaf(0, "zero") and hash(N) == hash(64)
    assert list(range(5))[M] == 3 and f"{N:,} {N}" == "64 64"
    assert largest(Spelled.leaf(0, "a"), Spelled.leaf(0, "b")).text() == "max(a, b)"


def test_arrays_flow_through():
    np = pytest.importorskip("numpy", reason="arrays are NumPy's")
    a, b = np.array([7, 8, 9]), np.array([2, 8, 4])
    assert largest(a, b).tolist() == [7, 8, 9] and least(a, 8).tolist() == [7, 8, 8]
    assert ceil_div(a, b).tolist() == [4, 1, 3] and round_div(a, b, np.array([True, True, False])).tolist() == [4, 1, 2]


def test_ops_take_spelled_numbers():
    conv = make("conv", {"k": M, "f": 4 * N, "s": (1, M)})
    assert conv.f.text() == "4 * n" and conv.s[1] is M and conv.config() == "k=3 f=256 s=1x3"
    assert make("conv", {"k": M, "f": N + 192, "s": (1, M)}) is not conv
    assert make("conv", {"k": M, "f": 4 * N, "s": (1, M)}) is conv and conv == make("conv", {"k": 3, "f": 256, "s": (1, 3)})
    slope = make("leaky", {"slope": M}).slope
    assert (slope.text(), slope.value, type(slope.value)) == ("m", 3.0, float)
    for wrong in (Spelled.leaf(0, "zero"), Spelled.leaf(2.0, "two"), Spelled.leaf(True, "yes")):
        with pytest.raises(Unfit):
            make("conv", {"k": 3, "f": wrong})
