"""Forms: rules of rounded quotients by brute force, bounds, and programs in Python, NumPy and JavaScript beside plain arithmetic."""

import json
import math
import random
import shutil
import subprocess
from importlib.util import find_spec

import pytest

from archspec.numeric import COMPARISONS, OPERATIONS, combined, gcd, round8
from archspec.symbolic.forms import Poly, Table, whole
from archspec.symbolic.phrasing import progression
from archspec.symbolic.program import JAVASCRIPT, Writer, scalar, vector
from archspec.symbolic.traced import Trace, _known

VALUES = [*range(1, 40), 97, 224, 255, 256, 1000]


def quotients(depth):
    """Nested quotients, as windows over windows give them: how often they are divided, by what, and what is added before."""
    return [(a, b) for a in (-7, -1, 0, 1, 3, 6, 13) for b in (1, 2, 3, 4, 7)] if depth else []


@pytest.mark.parametrize("first", quotients(1))
def test_quotients_of_quotients_are_one_quotient_and_equal(first):
    for second in quotients(1):
        table = Table()
        form = table.variable("H", 1, 1000, real=False)
        for add, by in (first, second):
            form = table.quotient(form + whole(add), whole(by))
        compute = scalar(table, ("H",), (), [form])
        for value in VALUES:
            expected = value
            for add, by in (first, second):
                expected = (expected + add) // by
            assert compute(value) == (expected,), (first, second, value)


def test_the_sizes_of_a_resnet_are_one_quotient_each():
    table = Table()
    size = table.variable("H", 1, 4096, real=False)
    for _ in range(5):
        size = table.quotient(size - whole(1), whole(2)) + whole(1)
    assert len(table.items) == 6 and len(size.terms) == 1


def drawn(source, opened, plain, depth):
    """A random number, open and plain."""
    if depth == 0 or source.random() < 0.2:
        name = source.choice([*plain, ""])
        number = source.randint(-5, 9)
        return (opened[name], plain[name]) if name else (number, number)
    operation = source.choice(["+", "-", "*", "//", "%", "max", "min", "ceil_div", "gcd", "negative"])
    a, x = drawn(source, opened, plain, depth - 1)
    if operation == "negative":
        return -a, -x
    b, y = drawn(source, opened, plain, depth - 1)
    if operation in ("//", "%", "ceil_div"):
        b = y = source.randint(1, 9)
    return combined(operation, a, b), OPERATIONS[operation](x, y)


def opened(trace, values, low):
    return {name: trace.open(name, value, low, 60) for name, value in values.items()}


@pytest.mark.parametrize("seed", range(150))
def test_what_is_computed_with_open_numbers_is_computed_with_others_too(seed):
    """The form found around one example gives the plain result for all values, within its bounds; programs of all kinds agree."""
    source = random.Random(seed)
    trace, variables = Trace(), {"a": source.randint(-20, 60), "b": source.randint(-20, 60)}
    shape = source.getstate()
    numbers = opened(trace, variables, -20)
    number, plain = drawn(source, numbers, variables, 4)
    form = trace.form(number)
    assert isinstance(form, Poly)
    low, high = trace.table.bounds(form)
    names = list(variables)
    alone = scalar(trace.table, names, (), [form])
    assert alone(*variables.values()) == (plain,)
    others = [(source.randint(-20, 60), source.randint(-20, 60)) for _ in range(20)]
    found = []
    for values in others:
        again = random.Random(0)
        again.setstate(shape)
        expected = drawn(again, numbers, dict(zip(names, values, strict=True)), 4)[1]
        found.append(expected)
        assert alone(*values) == (expected,)
        assert low <= expected <= high
    if find_spec("numpy") is None:
        return
    import numpy as np

    many = vector(trace.table, names, (), [form])
    if many is not None:
        columns = [np.array(column) for column in zip(*others, strict=True)]
        assert np.broadcast_to(many(*columns)[0], (20,)).tolist() == found


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs JavaScript")
def test_javascript_gives_the_same_numbers():
    program, expected = ["const found = [];"], []
    for seed in range(80):
        source = random.Random(seed)
        trace, variables = Trace(), {"a": source.randint(1, 60), "b": source.randint(1, 60)}
        number, plain = drawn(source, opened(trace, variables, 1), variables, 3)
        writer = Writer(trace.table, {"a": "a", "b": "b"}, JAVASCRIPT)
        text = writer.form(trace.form(number))
        if "gcd" in "".join([text, *writer.lines]):
            continue
        program += ["{", f"const a = {variables['a']}, b = {variables['b']};", *writer.lines, f"found.push({text});", "}"]
        expected.append(plain)
    program.append("console.log(JSON.stringify(found));")
    done = subprocess.run(["node", "-e", "\n".join(program)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == expected


def test_real_numbers_keep_their_order_and_their_bounds():
    trace = Trace()
    width = trace.open("width", 1.0, 0.1, 4.0)
    number = round8(32 * width + 0.1)
    compute = scalar(trace.table, ("width",), (), [trace.form(number)])
    low, high = trace.table.bounds(trace.form(number))
    for at in range(1, 400):
        value = at / 100
        expected = round8(32 * value + 0.1)
        assert compute(value) == (expected,)
        assert value < 0.1 or low <= expected <= high


def test_a_decision_that_follows_from_bounds_is_not_noted():
    trace = Trace()
    size = trace.open("H", 32, 1, 64)
    assert size + 1 > 0 and size < 100 and size != 0
    assert not trace.guards
    assert size > 10
    assert len(trace.guards) == 1
    assert [0, 1, 2][size - 30] == 2, "an index notes which number it is"
    assert len(trace.guards) == 2


@pytest.mark.parametrize("sign", COMPARISONS)
def test_what_bounds_say_holds_for_all_numbers_within(sign):
    ends = [(low, high) for low in range(4) for high in range(low, 4)]
    for first in ends:
        for second in ends:
            found = {COMPARISONS[sign](a, b) for a in range(first[0], first[1] + 1) for b in range(second[0], second[1] + 1)}
            known = _known(sign, *first, *second)
            assert known is None or found == {known}, (first, second)
            assert known is not None or len(found) == 2 or first == second


def test_quotients_by_open_numbers():
    for factor in (1, 2, 3):
        for times in (1, 2, 3, 4, 6):
            for add in (0, 1, 5):
                trace = Trace()
                n = trace.open("n", 5, 1, 60)
                compute = scalar(trace.table, ("n",), (), [trace.form((times * n * n + add * n) // (factor * n))])
                for value in range(1, 61):
                    assert compute(value) == ((times * value * value + add * value) // (factor * value),)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(16, 4097, 16), "H = 16k, from 16"),
        (range(1, 4097), "every H"),
        (range(63, 4097), "H from 63"),
        (range(63, 4097, 32), "H = 32k + 31, from 63"),
        ([572], "H = 572"),
        ([], "no H"),
        (range(16, 100, 4), "H = 4k, from 16 to 96"),
        ([n for n in range(29, 4097) if n % 32 in (29, 30, 31, 0)], "H = 32k + 29 to 32k + 32, from 29"),
        ([1, 2, 3, 4, 6, 12], "H = 1, 2, 3, 4, 6, 12"),
    ],
)
def test_sizes_in_words(values, expected):
    assert progression(list(values), "H", 4096) == expected


def test_greatest_common_divisors_stay_open():
    trace = Trace()
    size = trace.open("H", 12, 1, 64)
    compute = scalar(trace.table, ("H",), (), [trace.form(gcd(size, 8))])
    assert [compute(n)[0] for n in range(1, 65)] == [math.gcd(n, 8) for n in range(1, 65)]
