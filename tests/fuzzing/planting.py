"""Whether the tests would find a mistake: each mutant is planted into archspec, and held to the oracle until something differs.

`python -m tests.fuzzing.planting` prints for each what found it and after how many cases; with names of mutants, those alone; with `-`
the source as it is, which must pass: all cases, or after mutants as many as they took. A mutant lives in a fork that has not imported
archspec yet, as a module whose text is altered while it is read: nothing is written. Torch is imported, and the random specs are drawn,
once, before the forks.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import islice, zip_longest
from types import CodeType
from typing import Any

import onnx  # noqa: F401
import onnxruntime  # noqa: F401
import pytest
import torch

from tests.fuzzing.draw import Random
from tests.fuzzing.generator import Drawn, Options, SpecGenerator
from tests.fuzzing.mutants import MUTANTS, Mutant

SMALL = {0: (1, 8), 1: (4, 30), 2: (3, 12), 3: (2, 6)}
ACROSS = ("call", "repeat", "group", "merge", "from", "star", "again", "tied", "output")
DRAWN = {
    "layers": (200, Options(kinds=("group",), sizes=SMALL, longest=4)),
    "structure": (180, Options(steps=("conv", "dwconv", "linear"), kinds=("call", "repeat", "default"), ranks=(1,), longest=8)),
    "calls": (120, Options(steps=("conv",), kinds=("call",), ranks=(1,), sizes={1: (4, 8)}, longest=8)),
    "values": (150, Options(steps=("conv", "linear", "attn", "bn"), kinds=ACROSS, ranks=(1,), sizes={1: (4, 8)}, longest=8)),
    "classifiers": (40, Options(steps=("relu", "dropout", "fc"), kinds=("group",), ranks=(1, 2), sizes=SMALL, longest=3)),
    "borders": (60, Options(steps=("pad", "upsample"), kinds=("group",), ranks=(1, 2), sizes=SMALL, longest=3)),
    "networks": (120, Options(sizes=SMALL)),
}
"""Random specs: how many, and of what: many layers in lines and groups, few kinds of layers in much structure, groups that
flatten what they are given, values that are read elsewhere, borders and other sizes, and everything."""
FIELDS, PEAKS, VARIANTS = 60, 400, 100
"""Random specs held to receptive fields by gradient, to peak memory by brute force, and variants of specs to plain checks."""
LATER = 15
"""Rounds before the comparisons begin that take long to start, or whose mistakes the others find as well."""
TRIVIAL = "input 4x4x2\nconv k=1 f=3 | relu\nfc 2\n"
Case = tuple[str, Callable[[], Any]]
"""What is compared, and what compares it: it gives None, or tells or raises what differs."""
Drawings = Mapping[str, Sequence[Drawn]]


class Altered(SourceFileLoader):
    """Reads a module with a mistake in it, past any compiled form."""

    def __init__(self, spec: ModuleSpec, mutant: Mutant) -> None:
        assert spec.origin is not None
        super().__init__(spec.name, spec.origin)
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_source(fullname) or ""
        found = source.count(self.mutant.text)
        if found != 1:
            raise ImportError(f"{self.mutant.file} holds {self.mutant.text!r} {found} times")
        return compile(source.replace(self.mutant.text, self.mutant.instead), self.path, "exec", dont_inherit=True)


class Planted(MetaPathFinder):
    """Finds the module of a mutant before Python does."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.module = "archspec." + mutant.file.removesuffix(".py").replace("/", ".")

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path)
        assert spec is not None
        spec.loader = Altered(spec, self.mutant)
        return spec


def cases(drawn: Drawings) -> Iterator[Case]:
    """All that is compared, of each kind a case in turn."""
    from tests.analysis import test_receptive_field
    from tests.fuzzing import shape, value
    from tests.ops import test_grids as grids

    kinds: list[Sequence[Case | None]] = []
    for kind, specs in drawn.items():
        kinds.append([(f"shapes of {kind}", partial(shape.compare, spec)) for spec in specs])
        if kind != "structure":
            kinds.append([(f"values of {kind}", partial(value.compare, spec)) for spec in specs])
    later: list[list[Case]] = [
        [("memory", partial(peaks, range(seed, seed + 20))) for seed in range(0, PEAKS, 20)],
        [("FLOPs", flops)],
        [
            ("grid of groups", grids.test_groups_and_channels),
            ("grid of p=same", grids.test_same_padding_of_a_transposed_convolution),
            *(("grid of p=same", partial(grids.test_same_padding, step)) for step in ("conv", "dwconv", "pool", "avgpool")),
            *(("grid of pools", partial(grids.test_pool_sizes, 1, step)) for step in ("pool", "avgpool")),
            ("grid of MACs", partial(grids.test_conv_parameters_and_macs, 2)),
            ("grid of convolutions", partial(grids.test_conv_sizes, 1)),
            ("grid of transposed convolutions", partial(grids.test_deconv_sizes, 1)),
        ],
        [("open numbers", partial(variants_of, range(seed, seed + 5))) for seed in range(0, VARIANTS, 5)],
        [("quotients", quotients), ("memory of training", memory_of_training)],
        [("receptive field", partial(test_receptive_field.test_random_networks, seed)) for seed in range(FIELDS)],
    ]
    for round_ in zip_longest(*kinds, *([None] * LATER + cases for cases in later)):
        yield from filter(None, round_)


def flops() -> None:
    from tests.ops import test_flops

    for steps in test_flops.FLOPS:
        test_flops.test_flops(steps)


def variants_of(seeds: Sequence[int]) -> str | None:
    from tests.fuzzing import variants

    return next(filter(None, (variants.compare(variants.draw(Random(seed))) for seed in seeds)), None)


def quotients() -> None:
    from tests.symbolic import test_forms, test_questions

    for first in test_forms.quotients(1):
        test_forms.test_quotients_of_quotients_are_one_quotient_and_equal(first)
    for seed in range(150):
        test_forms.test_what_is_computed_with_open_numbers_is_computed_with_others_too(seed)
    for sign in test_forms.COMPARISONS:
        test_forms.test_what_bounds_say_holds_for_all_numbers_within(sign)
    test_forms.test_quotients_by_open_numbers()
    test_forms.test_a_decision_that_follows_from_bounds_is_not_noted()
    test_questions.test_words_and_switches_are_taken_one_by_one()


def memory_of_training() -> None:
    import archspec
    from tests.analysis import test_training_memory as training

    for step in ("bn", "pool", "relu", "ln", "conv", "attn"):
        for start in training.STARTS:
            try:
                training.test_each_layer_keeps_what_torch_saves(step, start)
            except pytest.skip.Exception:
                continue
    for spec in ("lenet5", "allconv"):
        network = archspec.load(spec)
        ours, theirs = training.TrainingMemory(network, 4).peak, training.alive(network, 4, "adam")
        assert abs(ours - theirs) < theirs / 100


def peaks(seeds: Sequence[int]) -> None:
    from tests.analysis import test_memory

    for seed in seeds:
        peak(test_memory.random_spec(seed))


def peak(text: str) -> None:
    """The memory of a spec, and of the same with its last value as an output, unless it is refused or holds a value that nobody reads."""
    import archspec
    from tests.analysis import test_memory

    more = text + "output before\nrelu\n"
    try:
        report, longer = (archspec.analyze(archspec.loads(each)) for each in (text, more))
    except archspec.SpecError:
        return
    read = {name for row in report.layers for name in row.sources}
    if not report.layers or not {row.name for row in report.layers[:-1]} <= read or "input" not in read:
        return
    test_memory.check(text)
    if longer.layers[-1].sources == (longer.layers[-2].name,):
        test_memory.check(more, [row.name for row in longer.layers[-2:]])


def judge(drawn: Drawings, most: int | None) -> tuple[str, str, int]:
    """What becomes of the source as it is in this process: `passed`, `differs`, `fails` or `does not load`; where and how; after how many cases.

    At `most` so many are compared.
    """
    try:
        import archspec

        network = archspec.loads(TRIVIAL)
        archspec.analyze(network), archspec.to_torch(network), archspec.to_onnx(network)
    except Exception:
        return "does not load", traceback.format_exc(), 0
    at = 0
    for at, (kind, compare) in enumerate(islice(cases(drawn), most), 1):
        try:
            told = compare()
        except AssertionError as error:
            told = str(error) or traceback.format_exc()
        except archspec.SpecError as error:
            told = f"refused: {error}"
        except pytest.skip.Exception:
            told = None
        except Exception:
            return "fails", f"{kind}: {traceback.format_exc()}", at
        if told:
            return "differs", f"{kind}: {told}", at
    return "passed", "", at


def planted(mutant: Mutant | None, drawn: Drawings, most: int | None = None) -> tuple[str, str, int]:
    """`judge` in a fork, with the mutant in its archspec."""
    assert not any(name.partition(".")[0] == "archspec" for name in sys.modules)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        if mutant is not None:
            sys.meta_path.insert(0, Planted(mutant))
        with open(writing, "w") as file:
            json.dump(judge(drawn, most), file)
        os._exit(0)
    os.close(writing)
    with open(reading) as file:
        found = file.read()
    os.waitpid(child, 0)
    return tuple(json.loads(found)) if found else ("fails", "it ended without a word", 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="mutants; all without one; `-` is the source as it is")
    parser.add_argument("--json", action="store_true", help="print what became of each as a line of JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    known = {"-": None, **{mutant.name: mutant for mutant in MUTANTS}}
    drawn = {kind: [SpecGenerator(Random(seed), options).generate() for seed in range(count)] for kind, (count, options) in DRAWN.items()}
    missed = last = 0
    for name in arguments.names or known:
        began = time.monotonic()
        what, told, count = planted(known[name], drawn, (last or None) if name == "-" else None)
        last = max(last, count)
        missed += what != ("passed" if name == "-" else "differs")
        if arguments.json:
            print(json.dumps([name, what, told, count]), flush=True)
        else:
            first = next((line for line in told.splitlines() if line.strip()), "")
            print(f"{name}: {what} after {count} cases, {time.monotonic() - began:.1f} s. {first}"[:230], flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
