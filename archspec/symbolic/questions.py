"""What the package offers to Python about numbers that are left open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archspec.elaborate.settings import params_of
from archspec.ir.graph import Network, given
from archspec.symbolic.formulas import Formula
from archspec.symbolic.sizes import LAST, Sizes, sizes_of
from archspec.symbolic.space import drawn
from archspec.symbolic.subjects import space_of, spec_of
from archspec.symbolic.sweeps import VARIANTS, Plateau, Sweep
from archspec.symbolic.sweeps import sweep as count_space

Values = str | Iterable[Any]
"""Values of a param: `"0.25:2:0.05"`, `"1..8"`, or an iterable of values."""


def formula(
    model: Network, variables: str | Sequence[str], counts: str | Sequence[str] = ("params", "macs"), group: str | None = None
) -> Formula:
    """Find the counts of a network as formulas in sizes of its input and in params.

    `variables` are `H`, `W`, `C` (`H` alone stands for both sides of a square input) and names of params, as `"H,classes"` or a list;
    `counts` are params, macs, flops, activations, buffers or layers. Where `group` is `"stage"`, each label, block and repeat at the top of
    the spec has its own formulas. The result prints itself, has `to_latex`, `to_python` and `to_data`, and computes: `formula(H=256)`.
    Raises ValueError for names that are not known.

    >>> print(archspec.formula(archspec.load("unet"), "width", "params"))
    params = 7,574*width^2 + 118*width + 2
    At width = 64: params = 31,030,658.
    """
    return Formula(spec_of(given(model)), _words(variables), _words(counts), group)


def sweep(
    model: Network,
    params: Mapping[str, Values] | None = None,
    inputs: str | Sequence[str] = (),
    *,
    together: Mapping[str, Values] | None = None,
    random: int | None = None,
    seed: int = 0,
    most: int = VARIANTS,
) -> Sweep:
    """Count all variants of a network: of `params`, and of the sizes of its `inputs`, such as `"128:320:32"` for squares or `"64..96x32"`.

    Params of `together` change at once. With `random`, so many variants are drawn, by a `seed`. The result has `variants()`,
    `where(condition)`, `best(name, largest=True)`, `front("params", "macs")`, `mistakes`, and `to_dataframe()` where pandas is installed.
    Raises ValueError for unknown names, empty ranges, and more than `most` variants.

    >>> len(archspec.sweep(archspec.load("mobilenet_v2"), {"width": "0.25:2:0.25"}, "128:224:32").variants())
    32
    """
    spec = spec_of(given(model))
    space = space_of(spec, _given(params), [inputs] if isinstance(inputs, str) else inputs, [_given(together)] if together else [])
    if not space.groups:
        raise ValueError("nothing varies: give values of params, or sizes of inputs")
    return count_space(spec.subject, space, drawn(space, random, seed) if random is not None else None, most=most)


def find(
    model: Network,
    params: Mapping[str, Values] | None = None,
    inputs: str | Sequence[str] = (),
    *,
    where: str = "",
    largest: str = "",
    smallest: str = "",
    top: int = 10,
    most: int = VARIANTS,
) -> list[Plateau]:
    """Find the variants of `params` and `inputs` that a condition admits, the `top` ones, the `largest` or `smallest` value of a param, a size or
    a count first.

    `where` is a condition of the language over these: `"params < 5e6 and macs < 300e6"`. Neighbours that are one network are one result,
    from `first` to `last`; `most` is as for `sweep`. Raises as that does, also for a condition that cannot be read.

    >>> best = archspec.find(archspec.load("mobilenet_v2"), {"width": "0.1:4:0.001"}, where="params < 3e6", largest="width")[0]
    >>> best.shown("width"), best.first.counts["params"]
    ('0.863 to 0.874', 2986392)
    """
    found = sweep(model, params, inputs, most=most)
    kept = found.where(where) if where else found
    return kept.best(largest or smallest or found.names[0], largest=bool(largest))[:top]


def sizes(model: Network, first: int = 1, last: int = LAST, *, free: bool = False, input_: str = "") -> list[Sizes]:
    """Find the sizes from `first` to `last` that a network takes, as a square, or with `free` of each axis alone; `input_` names one of several
    inputs.

    Each result has `legal`, `rule` in words, and `failing`: the others by their first mistakes. Raises ValueError for an input without
    sides or that there is not, and for more than 10,000,000 sizes.

    >>> archspec.sizes(archspec.load("vgg16"))[0].rule
    'H = 32k, from 32'
    """
    return sizes_of(spec_of(given(model)), input_, first, last, free=free)


def _words(given: str | Sequence[str]) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip()] if isinstance(given, str) else list(given)


def _given(params: Mapping[str, Values] | None) -> dict[str, Any]:
    return {name: values if isinstance(values, str) else _alternatives(name, values) for name, values in (params or {}).items()}


def _alternatives(name: str, values: Any) -> tuple[Any, ...]:
    given_ = tuple(values) if isinstance(values, Iterable) else (values,)
    return tuple([params_of({name: value})[name] for value in given_])
