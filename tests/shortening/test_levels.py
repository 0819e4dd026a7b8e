"""Modules as importers name them: layers without weights stand in any module, and not every module has one way in and one way out."""

from __future__ import annotations

import textwrap

import pytest

import archspec
from archspec.shortening.prove import difference

CASES = {
    "a sum behind the module whose values it adds": (
        """
        input 8x8x4
        "layer1.0.conv1": conv k=3 f=4 p=1
        "layer1.0.relu1": relu
        "layer1.0.conv2": conv k=3 f=4 p=1
        "layer1.add1": add "layer1.0.relu1"
        "layer1.gelu1": gelu
        fc: fc 3
        """,
        """
        layer1:
          _:
            conv1: conv k=3 f=4 p=1
            relu
            residual: conv2: conv k=3 f=4 p=1
          gelu
        fc: fc 3
        """,
    ),
    "a value within the last of modules that are alike": (
        """
        input 4x4x8
        "a.0.norm": bn
        "a.0.fc": conv k=3 p=1 f=8
        "a.0.mix.out.relu1": relu
        "a.0.mix.out.conv": conv k=1 f=8
        "a.0.mix.out.tanh1": tanh
        "a.0.mix.up": conv k=3 p=1 f=16
        "a.0.mix.relu1": relu
        "a.0.mix.down": conv k=3 p=1 f=8
        "a.1.norm": bn
        "a.1.fc": conv k=3 p=1 f=8
        "a.1.mix.out.relu1": relu
        "a.1.mix.out.conv": conv k=1 f=8
        "a.1.mix.out.tanh1": tanh
        "a.1.mix.up": conv k=3 p=1 f=16
        "a.1.mix.relu1": relu
        "a.1.mix.down": conv k=3 p=1 f=8
        norm: bn
        low: from "a.1.mix.out.conv" | conv k=1 f=4
        output low
        from norm
        """,
        """
        block unit():
          norm: bn
          fc: conv k=3 f=8 p=1
          mix:
            out:
              relu
              conv: conv k=1 f=8
              tanh
            up: conv k=3 f=16 p=1
            relu
            down: conv k=3 f=8 p=1
          output side: from mix.out.conv

        input 4x4x8
        a:
          unit
          1: unit
        norm: bn
        low: from a.1.side | conv k=1 f=4
        output low
        from norm
        """,
    ),
    "modules that have no weights": (
        """
        input 8x8x4
        "features.0": conv k=3 f=4 p=1
        "features.1.relu1": relu
        "features.2.pool1": pool w=2
        "features.3": conv k=3 f=8 p=1
        "features.4.relu1": relu
        "features.5.pool1": pool w=2
        """,
        """
        features: conv k=3 f=4 p=1 | relu | pool w=2 | conv k=3 f=8 p=1 | relu | pool w=2
        """,
    ),
    "a shuffle in front of the layers of a module": (
        """
        input 4x4x8
        "conv5.rearrange1": rearrange "h w (a b) -> h w (b a)" b=2
        "conv5.0": conv k=1 f=16
        "conv5.1": bn
        """,
        """
        rearrange "h w (a b) -> h w (b a)" b=2
        conv5: conv k=1 f=16 | bn
        """,
    ),
    "branches whose positions begin behind slices": (
        """
        input 4x4x8
        "dw.slice1": slice 0:4
        from input
        "dw.slice2": slice 4:8
        from "dw.slice1"
        "dw.0": dwconv k=3 p=1
        from "dw.slice2"
        "dw.1": dwconv k=5 p=2
        from "dw.0"
        "dw.concat1": concat "dw.1"
        """,
        """
        concat:
          seq:
            slice 0:4
            dw.0: dwconv k=3 p=1
          seq:
            slice 4:8
            dw.1: dwconv k=5 p=2
        """,
    ),
    "modules that give two values": (
        """
        input 8x8x4
        side: conv k=3 f=4 p=1
        from input
        main: conv k=3 f=4 p=1
        """
        + "\n".join(
            f"""
            "blocks.{at}.norm": from {f'"blocks.{at - 1}.relu1"' if at else "side"} | bn
            "blocks.{at}.relu1": relu
            "blocks.{at}.conv": from {f'"blocks.{at - 1}.add1"' if at else "main"} | conv k=3 f=4 p=1
            "blocks.{at}.add1": add "blocks.{at}.relu1"
            """
            for at in range(5)
        ),
        """
        block unit(from y):
          x: skip
          norm: from y | bn
          relu1: relu
          output side
          conv: from x | conv k=3 f=4 p=1
          add relu1

        input 8x8x4
        side: conv k=3 f=4 p=1
        main: from input | conv k=3 f=4 p=1
        blocks:
          0: unit side
          repeat 3 as i: "{i+1}": unit "{i}.side"
          unit "3.side"
        """,
    ),
    "values that are joined again and again": (
        """
        input 4x4x8
        conv1: conv k=1 f=4
        from input
        concat conv1
        conv2: conv k=1 f=4
        from input
        concat conv1 conv2
        conv3: conv k=1 f=4
        from input
        concat conv1 conv2 conv3
        """,
        """
        repeat 3: concat:
          skip
          conv k=1 f=4
        """,
    ),
    "words of the language as names": (
        """
        input 4x4x8
        "attention.output.dense": conv k=1 f=8
        "attention.shortcut.conv": conv k=1 f=8
        "attention.shortcut.bn": bn
        """,
        """
        attention:
          output.dense: conv k=1 f=8
          "shortcut":
            conv: conv k=1 f=8
            bn: bn
        """,
    ),
    "layers in modules that are no groups, with numbers in the middle": (
        """
        input 8x8x4
        "x.gamma": tensor 8x8x4
        """
        + "".join(
            f"""
        "x.h.{at}.a.conv": conv k=3 f=4 p=1
        "x.h.{at}.mul1": mul "x.gamma"
        "x.h.{at}.b.conv": conv k=1 f=4
        "x.h.{at}.add1": add "{f"x.h.{at - 1}.add1" if at else "input"}"
        """
            for at in range(4)
        ),
        """
          repeat 4 as i: residual:
            "h.{i}.a": repeat 1: conv: conv k=3 f=4 p=1
            mul gamma
            "h.{i}.b": repeat 1: conv: conv k=1 f=4
        """,
    ),
    "variants with and without an inner group": (
        """
        input 8x8x8
        """
        + "".join(
            f"""
        "blocks.{at}.conv1": conv k=1 f={f}
        "blocks.{at}.bn1": bn
        "blocks.{at}.relu": relu
        "blocks.{at}.conv2": conv k=3 f={f} p=1
        "blocks.{at}.bn2": bn
        "blocks.{at}.relu2": relu
        """
            + f"""
        "blocks.{at}.se.gap": gap
        "blocks.{at}.se.fc1": conv k=1 f=4
        "blocks.{at}.se.relu": relu
        "blocks.{at}.se.fc2": conv k=1 f={f}
        "blocks.{at}.se.mul": mul "blocks.{at}.relu2"
        """
            * (at > 0)
            + f"""
        "blocks.{at}.conv3": conv k=1 f=8
        """
            for at, f in enumerate((16, 24, 32))
        ),
        """
          se if f > 16:
            x: skip
            gap
            fc1: conv k=1 f=4
            relu
            fc2: conv k=1 f=f
            mul x
          conv k=1 f=8

        input 8x8x8
        blocks: unit 16 | unit 24 | unit 32
        """,
    ),
    "calls in which one parameter grows": (
        """
        input 8x8x8
        """
        + "".join(
            f"""
        "blocks.{at}.conv1": conv k=1 f={f}
        "blocks.{at}.relu": relu
        "blocks.{at}.conv2": conv k=3 f={f} p=1
        "blocks.{at}.bn": bn
        """
            for at, f in enumerate((16, 27, 38, 50, 61))
        ),
        """
        blocks: repeat 5: unit f=16,27,38,50,61
        """,
    ),
    "a module that is called twice": (
        """
        a: input 8x8x4
        b: input 8x8x4
        from a
        "tower.0": conv k=3 f=4 p=1
        "tower.1": relu
        "tower.2": conv k=3 f=4 p=1
        from b
        "tower.3": again "tower.0"
        "tower.4": relu
        "tower.5": again "tower.2"
        "sub1": sub "tower.2"
        """,
        """
        tower: from a | conv k=3 f=4 p=1 | relu | conv k=3 f=4 p=1
        from b | again tower | sub tower
        """,
    ),
    "a projection that some blocks lack": (
        """
        input 8x8x4
        """
        + "".join(
            f"""
        "blocks.{at}.f.a": conv k=1 f={width} s={stride} round=floor
        "blocks.{at}.f.b": conv k=3 f={width} p=1
        """
            + (
                f"""
        from "{before}"
        "blocks.{at}.proj": conv k=1 f={width} s={stride} round=floor
        "blocks.{at}.add1": add "blocks.{at}.f.b"
        "blocks.{at}.relu1": relu
        """
                if stride > 1
                else f"""
        "blocks.{at}.add1": add "{before}"
        "blocks.{at}.relu1": relu
        """
            )
            for at, width, stride, before in ((0, 8, 2, "input"), (1, 8, 1, "blocks.0.relu1"), (2, 16, 2, "blocks.1.relu1"))
        ),
        """
          residual:
            f:
              a: conv k=1 f=f s=s round=floor
              b: conv k=3 f=f p=1
            shortcut: proj: conv k=1 f=f s=s round=floor if cin != f
        """,
    ),
    "sums whose last part is the current value": (
        """
        input 8x8x8
        a: conv k=1 f=8
        b: conv k=3 f=8 p=1
        c: conv k=5 f=8 p=2
        from a
        d: add c
        from b
        e: add d
        """,
        """
        input 8x8x8
        a: conv k=1 f=8
        b: conv k=3 f=8 p=1
        c: conv k=5 f=8 p=2
        add a | add b
        """,
    ),
    "cells that read the values of the two cells before": (
        """
        input 8x8x8
        stem: conv k=1 f=16
        first: conv k=3 f=16 p=1
        """
        + "".join(
            f"""
        from {before}
        {cell}.prev: conv k=1 f=8
        {cell}.left: conv k=3 f=8 p=1
        from {last}
        {cell}.x: conv k=3 f=8 p=1
        {cell}.add1: add {cell}.left
        {cell}.out: conv k=1 f=16
        """
            for before, last, cell in (("stem", "first", "cell0"), ("first", "cell0.out", "cell1"), ("cell0.out", "cell1.out", "cell2"))
        ),
        """
        block cell(from y):
        x_2: skip
        prev: from y | conv k=1 f=8
        left: conv k=3 f=8 p=1
        x: from x_2 | conv k=3 f=8 p=1
        add left
        out: conv k=1 f=16
        input 8x8x8
        stem: conv k=1 f=16
        first: conv k=3 f=16 p=1
        cell0: cell stem
        cell1: cell first
        cell2: cell cell0
        """,
    ),
    "some of the equal parts of a number": (
        """
        input 8x8x8
        """
        + "".join(
            f"""
        "stages.{at}.conv": conv k=3 f={f} p=1
        "stages.{at}.slice1": slice {f // 4}:{3 * f // 4}
        "stages.{at}.down": conv k=1 f={3 * f // 2}
        """
            for at, f in enumerate((16, 40, 24))
        ),
        """
        block unit(f):
        conv: conv k=3 f=f p=1
        slice f//4:3*f//4
        down: conv k=1 f=3*f//2
        """,
    ),
    "a stage of one block beside longer ones": (
        """
        input 64x64x8
        """
        + "".join(
            f"""
        "stages.{stage}.down": conv k=1 f={8 << stage}
        "stages.{stage}.relu1": relu
        """
            + "".join(
                f"""
        "stages.{stage}.blocks.{at}.conv1": conv k=1 f={4 << stage}
        "stages.{stage}.blocks.{at}.conv2": conv k=3 f={8 << stage} p=1
        "stages.{stage}.blocks.{at}.add1": add "{f"stages.{stage}.relu1" if not at else f"stages.{stage}.blocks.{at - 1}.add1"}"
        """
                for at in range((1, 2, 8, 4)[stage])
            )
            for stage in range(4)
        ),
        """
          blocks: repeat n: basic
        """,
    ),
}


def shortened(text):
    network = archspec.loads("\n".join(line.strip() for line in text.splitlines()))
    found = archspec.shorten(network)
    assert difference(network, archspec.loads(found.text)) is None
    return found


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("what", CASES)
def test_it_becomes_short(what):
    given, wanted = CASES[what]
    text, note, _ = shortened(given)
    assert note == ""
    found = lines(text)
    first = found.index(lines(wanted)[0])
    assert found[first : first + len(lines(wanted))] == lines(wanted)


def test_a_further_output_that_reads_two_values_is_shortened():
    text = """
    input 8x8x4
    a: conv k=3 f=4 p=1
    b: conv k=1 f=4
    c: relu
    output aux: from b | conv k=3 f=4 p=1 | add a | conv k=1 f=2
    from c
    conv k=1 f=3
    """
    network = archspec.loads(textwrap.dedent(text))
    short = archspec.shorten(network)
    assert not short.note
    assert difference(network, archspec.loads(short.text)) is None
