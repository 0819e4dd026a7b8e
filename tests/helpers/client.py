"""A program of somebody else's: a strict type checker reads it, with what the names give asserted."""

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import archspec
from archspec import (
    Block,
    Builder,
    Comparison,
    Compiled,
    Diagnostic,
    Drawing,
    Exam,
    Explanation,
    Imported,
    Loaded,
    Network,
    Page,
    Report,
    Row,
    SpecError,
    Totals,
    WeightsError,
)
from archspec.ir.builder import Value
from archspec.report import Report as SameReport


def use(folder: Path) -> Iterator[object]:
    model = archspec.load("resnet18", params={"classes": 10}, inputs="64x64x3")
    assert_type(model, Network)
    assert_type(archspec.load(folder / "a.arch", inputs={"input": (64, 64, 3)}), Network)
    assert_type(archspec.load("lenet5", inputs=(32, 32, 1)), Network)
    assert_type(archspec.loads("input 8x8x3\nconv k=3 f=4\n", name="a", inputs={"input": "16x16x3"}), Network)
    assert_type(Builder("net").network(), Network)
    assert_type(Block(name="b").inputs, tuple[Value, ...])
    assert_type(archspec.compile("input 8x8x3\nno_layer\n"), Compiled)
    report = archspec.analyze(model)
    assert_type(report, Report)
    assert_type(report, SameReport)
    assert_type(report["conv1"], Row)
    assert_type(report.totals, Totals)
    assert_type(report.totals.params, int)
    assert_type([row.name for row in report], list[str])
    explanation = archspec.explain(model, "conv1")
    assert_type(explanation, Explanation)
    assert_type(explanation[0].steps[0].how, str)
    comparison = archspec.compare([model, model], accuracy={"resnet18": 69.8})
    assert_type(comparison, Comparison)
    assert_type(comparison.to_text(), str)
    picture = archspec.draw(model, "bars", theme="dark")
    assert_type(picture, Drawing)
    assert_type(picture.width, float)
    picture.save(folder / "x.svg")
    page = archspec.report(model, model, quiz="monday")
    assert_type(page, Page)
    assert_type(page.html, str)
    assert_type(archspec.report_page(model), str)
    asked = archspec.quiz(model, questions=3, kinds=["shape"], seed="monday", vary=True)
    assert_type(asked, Exam)
    assert_type(asked.questions[0].answer, str)
    worked = archspec.work("conv | relu", [[1, 2], [3, 4]], [[1, -1]], bias=1)
    assert_type(worked, archspec.Work)
    assert_type(worked.output, list[list[list[int | float]]])
    assert_type(archspec.window(model, "conv1"), archspec.SlidingWindow)
    assert_type(archspec.window(model, "conv1").to_html(), str)
    asked.save(folder / "quiz.tex", key=True)
    formula = archspec.formula(model, "H")
    assert_type(formula, archspec.Formula)
    assert_type(formula(H=36), dict[str, int] | None)
    found = archspec.sweep(model, {"classes": "1..3"})
    assert_type(found, archspec.Sweep)
    assert_type(archspec.find(model, {"classes": [1, 2]}, where="params < 5e6")[0].first.number, int)
    assert_type(archspec.sizes(model), list[archspec.Sizes])
    assert_type(archspec.memory(model), archspec.TrainingMemory)
    assert_type(archspec.memory(model).peak, int)
    assert_type(archspec.emit(model, "torch"), str)
    assert_type(archspec.shorten(model), archspec.Short)
    net = archspec.to_torch(model, seed=0)
    brought = archspec.from_torch(net, "64x64x3", name="again")
    assert_type(brought, Imported)
    assert_type(archspec.from_file(folder / "net.cfg", inputs="416x416x3"), Imported)
    assert_type(archspec.from_onnx(folder / "net.onnx", inputs={"x": (8, 8, 3)}), Imported)
    assert_type(archspec.from_keras(folder / "net.keras"), Imported)
    assert_type(brought.network, Network)
    assert_type(brought.diagnostics, tuple[Diagnostic, ...])
    brought.save(folder / "again.arch")
    assert_type(brought.save_weights(folder / "again.safetensors"), int)
    loaded = archspec.load_weights(net, folder / "weights.pt", skip=["fc"])
    assert_type(loaded, Loaded)
    assert_type(loaded.kept, tuple[str, ...])
    yield archspec.to_graphviz(model)
    yield archspec.to_onnx(model, seed=1, batch=2)
    yield archspec.weights_of(archspec.to_keras(model, seed=1), model)
    try:
        archspec.loads("input 7x7x1\nconv k=9 f=1\n")
    except SpecError as error:
        assert_type(error.diagnostics, list[Diagnostic])
        assert_type(error.diagnostics[0].code, str)
    except WeightsError as problem:
        yield problem
    assert_type(archspec.__version__, str)
