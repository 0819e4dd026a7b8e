"""What the package offers to Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.analysis.layers import Report
from archspec.backends.torch import module_names
from archspec.diagnostics import Diagnostic, Diagnostics, Enough, SpecError
from archspec.diagnostics.visible import visible
from archspec.elaborate.assumptions import Options
from archspec.elaborate.compiled import Compiled
from archspec.elaborate.elaborator import elaborate
from archspec.elaborate.labels import RESERVED
from archspec.elaborate.settings import Size, inputs_of, params_of
from archspec.extras import attribute, require
from archspec.finding import locate
from archspec.ir.graph import Network, given
from archspec.source import BOM, Source, Span, read_text
from archspec.syntax import ast
from archspec.syntax.lalr import Token
from archspec.syntax.parser import MAX_BYTES, parse
from archspec.types import Type

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto
    from torch import nn

    from archspec.analysis.training import TrainingMemory
    from archspec.views.arithmetic import Work
    from archspec.views.arithmetic.window_picture import SlidingWindow
    from archspec.views.comparison import Comparison
    from archspec.views.exam import Exam
    from archspec.views.explanation import Explanation
    from archspec.views.figures.drawing import Drawing
    from archspec.views.page import Page
    from archspec.weights.files import Loaded


def compile_text(text: str, name: str, options: Options) -> tuple[Network | None, list[Diagnostic]]:
    """The network of a text, or None where it has errors, and all findings in the order of the text."""
    found = compile_source(text, name, options)
    return found.network if found.complete else None, list(found.diagnostics)


def compile_source(text: str, name: str, options: Options, tokens: Sequence[Token] | None = None) -> Compiled:
    """Compile a text, whose `tokens` may be known already: parse, elaborate, check.

    `name` is what messages call the text; its stem names the model. What is no text in it, as in a file's name it may be, becomes `?`.
    """
    from archspec.analysis.limits import check_counts
    from archspec.analysis.lints import lint

    sink = Diagnostics()
    source = Source(name.encode("utf-8", "replace").decode("utf-8"), text)
    file: ast.File | None = None
    network: Network | None = None
    met: list[tuple[Span, Type]] = []
    with suppress(Enough):  # an error too many: what was found so far is reported
        file = parse(source, sink, max_bytes=options.max_bytes, max_tokens=options.max_tokens, tokens=tokens)
        network, met = elaborate(file, Path(source.name).stem if name != "<stdin>" else "model", sink, options)
        for check in (check_counts, lint):
            if network is not None and not sink.errors:
                check(network, sink)
        if network is not None and not sink.errors and ast.promises(file):
            from archspec.symbolic.promises import keep

            keep(file, network, options, sink)
    found = sink.sorted()
    if sink.errors:
        from archspec.foreign.advice import advised

        found = advised(found, source)
    if network is not None:
        network.diagnostics = tuple(found)
    return Compiled(source, file, network, tuple(found), tuple(met))


def load(path: str | Path, *, params: Mapping[str, Any] | None = None, inputs: Size | Mapping[str, Size] | None = None) -> Network:
    """Load a spec from a file, or a bundled one by its name. See archspec.load, which reads files of other programs too."""
    found = locate(path)
    options = _options(params, inputs, found.parent)
    with found.open("rb") as file:
        text = read_text(file, MAX_BYTES)
    return _network(text, str(path), options)


def loads(
    text: str, *, name: str = "<stdin>", params: Mapping[str, Any] | None = None, inputs: Size | Mapping[str, Size] | None = None
) -> Network:
    r"""Load a spec from a text. A text has no folder, so `use` finds nothing.

    Messages call it `name`. `params` and `inputs` are as in `load`. Raises SpecError; ValueError for params and inputs that
    make no sense.

    >>> archspec.loads("input 32x32x1\nconv k=5 f=6 | tanh", name="small")
    Network(small: 32x32x1 -> 28x28x6, 2 layers)
    """
    return _network(text.removeprefix(BOM), name, _options(params, inputs, None))


def compile(
    text: str, *, name: str = "<stdin>", params: Mapping[str, Any] | None = None, inputs: Size | Mapping[str, Size] | None = None
) -> Compiled:
    r"""Compile a text that may have mistakes, as an editor holds it.

    Unlike `loads` it raises nothing for errors of the spec: the result has them as `diagnostics`, the syntax `tree`, the `network`, or what
    of it does not depend on a mistake, and with `types_at(line)` the types of values up to a mistake and past it. `name`, `params` and `inputs`
    are as in `loads`. Raises ValueError for those that make no sense.

    >>> found = archspec.compile("input 32x32x1\nconv k=5 f=6\nconv k=99 f=16\nfc 10")
    >>> found.complete, found.network, [str(type_) for type_ in found.types_at(2)]
    (False, Network(model: 32x32x1 -> 28x28x6, 1 layer), ['28x28x6'])
    """
    return compile_source(text.removeprefix(BOM), name, _options(params, inputs, None))


def analyze(model: Network) -> Report:
    """Count a network: totals, and a row for each layer; shapes are channels last, counts for one image in inference.

    >>> archspec.analyze(archspec.load("lenet5")).totals.params
    61706
    """
    return Report(given(model))


def emit(model: Network, target: str) -> str:
    """Write a network as text: `torch` or `keras`, a standalone source file, or `json`, the IR document (docs/ir.schema.json).

    Raises SpecError (A501) where the target lacks a layer; ValueError where there is no such target, or it is no text.

    >>> "class Model" in archspec.emit(archspec.load("lenet5"), "torch")
    True
    """
    from archspec.backends.registry import BACKENDS

    known = [name for name, backend in BACKENDS.items() if backend.text]
    if target not in known:
        raise ValueError(f"there is no target `{target}`; there are {', '.join(known)}")
    text: str = BACKENDS[target].emit(given(model))
    return text


def draw(
    model: Network, as_: str = "blocks", level: str = "auto", theme: str = "light", *, part: str | None = None, title: bool = True,
    legend: bool = True, transparent: bool = False, width: float = 0, font_size: float = 0, aspect: float = 16 / 9,
    direction: str | None = None, style: str = "sheets",
) -> Drawing:  # fmt: skip
    """Draw a network. The result is the text of an SVG, shows itself in a notebook, and is saved with `save("x.png")`.

    `as_` is `blocks`, `volumes` or `bars`; `level` is `group`, `stage`, `block`, `part`, `layer`, or `auto` for the finest that is legible
    on a slide; `theme` is `light` or `dark`. `part` names a block or a group to draw alone. `title`, `legend` and `transparent` say what is
    around it; `width` of the picture, or `font_size` of its words, is in pixels, 0 for what the picture needs; `aspect` is width by height
    of the page that boxes or volumes are to fill, `direction` where the arrows go, `down` or `right` (boxes go down, and volumes to the
    right, without it), and `style` that of volumes, `sheets` or `boxes`. Raises ValueError for other words and sizes, SpecError where the
    network cannot be drawn in this way.

    >>> archspec.draw(archspec.load("lenet5"), "bars").save("lenet5.svg")
    """
    given(model)
    from archspec.views.figures import KINDS_OF_PICTURE, LEVELS, STYLES, THEMES
    from archspec.views.figures import draw as draw_picture
    from archspec.views.figures.drawing import Drawing
    from archspec.views.figures.look import DIRECTIONS, Look
    from archspec.views.figures.plan import Page

    for word, known in ((as_, KINDS_OF_PICTURE), (level, LEVELS), (theme, THEMES), (direction or "down", DIRECTIONS), (style, STYLES)):
        if word not in known:
            raise ValueError(f"there is no `{word}`; there are {', '.join(known)}")
    if part is not None and as_ == "bars":
        raise ValueError("a part alone is drawn as blocks or volumes")
    if width < 0 or font_size < 0 or aspect <= 0:
        raise ValueError("width, font_size and aspect are above zero")
    look = Look(THEMES[theme], title, legend, transparent, width, font_size, Page(aspect, direction == "right"), style, direction == "down")
    svg, notes = draw_picture(model, as_, level, look, part)
    about = f"{visible(model.name)}{f' {visible(part)}' if part else ''} as {as_}"
    return Drawing(svg, about, notes, (model, level, look) if as_ == "blocks" and part is None else None)


def compare(models: Sequence[Network] | Network, *more: Network, accuracy: Mapping[str, float] | None = None) -> Comparison:
    """Compare networks, given as a list or as arguments, with ratios to the first; for two similar ones also the layers that differ.

    The result has `to_text`, `to_markdown`, `to_latex`, `to_html`, `to_csv`, `to_json`, and `draw` for the bubble chart; its `models` and
    `diff` hold the numbers. `accuracy` gives top-1 accuracies in per cent by the names of networks, in place of those that the specs cite.
    Raises ValueError where there is nothing to compare, or for an accuracy that makes no sense.

    >>> archspec.compare([archspec.load("vgg16"), archspec.load("resnet50")]).models[1].totals.params
    25557032
    """
    from archspec.views.comparison import Comparison

    first = [models] if isinstance(models, (Network, str, os.PathLike)) else models
    return Comparison([given(model) for model in (*first, *more)], accuracy)


def explain(model: Network, layer: str | None = None) -> Explanation:
    """Explain the numbers of one `layer`, of all layers in a group (`layer1.0`), or of all in the network.

    The result is a tuple with an item for each layer, whose `steps` have name, value and formula; its `str()` is the text of
    `archspec explain`. Raises ValueError where there is no layer of this name.

    >>> archspec.explain(archspec.load("lenet5"), "fc3")[0].steps[2].how
    '(84 + 1)*10 = 850: 840 weights + 10 biases'
    """
    from archspec.views.explanation import explain as explain_report

    return explain_report(Report(given(model)), layer)


def memory(model: Network, batch: int = 32, optimizer: str = "adam", precision: str = "float32") -> TrainingMemory:
    """Count the memory of a step of training, in bytes: weights, gradients, states of the optimizer, what is kept for the gradients, the peak.

    `batch` is the number of images, `optimizer` sgd, momentum, adam or adamw, `precision` float32, or bfloat16 for autocast. The result prints
    itself, and has `largest_batch(limit)`. Raises ValueError for other words, and for a batch below 1. Source: PyTorch, whose saved tensors
    are counted.

    >>> found = archspec.memory(archspec.load("resnet50"), batch=32)
    >>> found.kept, found.largest_batch(24 * 2**30)
    (2749316608, 293)
    """
    from archspec.analysis.training import TrainingMemory

    return TrainingMemory(given(model), batch, optimizer, precision)


def report(model: Network, *more: Network, quiz: str | None = None) -> Page:
    """Write a self-contained HTML page about one or more networks: pictures, table and arithmetic.

    The result has the page as `html`, writes it with `save("x.html")`, and shows itself in a notebook. With `quiz`, a seed, cells of
    the tables are blank for students to fill in, and the result's `key` is the page with the answers.

    >>> archspec.report(archspec.load("lenet5")).save("lenet5.html")
    """
    from archspec.views.page import page

    return page([given(each) for each in (model, *more)], quiz)


def quiz(
    model: Network, *more: Network, questions: int = 12, kinds: Sequence[str] | None = None, seed: str = "1", vary: bool = False
) -> Exam:
    """Set an exam about one or more networks: `questions` many about shapes, parameters, MACs, receptive fields and layers that fit.

    `kinds` are some of shape, params, macs, rf, fit; `seed` chooses the questions, and gives the same exam again; `vary` asks about
    layers with other numbers, which fit. The result has `to_markdown`, `to_latex`, `to_html` and `to_pdf`, and `save("x.tex")`, each with
    `key=True` for the answers and their arithmetic. Raises ValueError for other kinds and counts, and where there is nothing to ask.

    >>> archspec.quiz(archspec.load("lenet5"), kinds=["params"], seed="monday").questions[0].answer
    '11,014'
    """
    from archspec.views.exam import KINDS, exam

    return exam([given(each) for each in (model, *more)], questions, KINDS if kinds is None else kinds, seed, vary)


def report_page(model: Network, *more: Network) -> str:
    """Return the HTML of `archspec.report(model, *more)`, as text.

    >>> archspec.report_page(archspec.load("lenet5")).startswith("<!doctype html>")
    True
    """
    return report(model, *more).html


def window(model: Network, layer: str) -> SlidingWindow:
    """Show how the window of a `layer` slides over its input: convolutions, pooling, transposed convolutions.

    The result has `to_svg()`, a strip of steps, `to_svg(animated=True)` and `to_html()`, a page that plays them, and `save("x.html")`. Large
    inputs are drawn smaller, with the same window, stride, padding and remainder. Raises ValueError where there is no such layer, or it
    has no window that can be drawn. Source: Dumoulin & Visin 2016.

    >>> archspec.window(archspec.load("lenet5"), "conv1")
    SlidingWindow(conv1: conv k=5 f=6)
    """
    from archspec.views.arithmetic.window_picture import SlidingWindow

    return SlidingWindow(Report(given(model)), layer)


def work(step: str, image: Any, kernel: Any = None, bias: Any = ()) -> Work:
    """Compute a layer on a small map, with every sum written out as lectures do: conv, dwconv, pool, avgpool, gap, gmp, relu, bias.

    `step` is a layer, or several with bars between, as in a spec. `image` is a matrix as rows, or one per channel; `kernel` likewise, one per
    filter and channel; `bias` a number, or one per filter. Numbers are exact fractions. The result has `output`, the numbers of the last map,
    `to_text`, `to_latex`, `to_svg` and `to_html`, and `save("x.svg")`. Raises SpecError where a layer does not fit, ValueError for what is
    missing or too much.

    >>> archspec.work("conv", [[5, 1, 3], [3, 4, 4], [6, 1, 8]], [[-1, 0, 1]] * 3, bias=5).output
    [[[6]]]
    """
    from archspec.views.arithmetic import work

    return work(step, image, kernel, bias)


def to_torch(model: Network, *, device: str | torch.device | None = None, seed: int | None = None) -> nn.Module:
    """Make a live PyTorch module by executing the emitted source.

    It takes and gives batches with channels first: (N, C, H, W) for an input `HxWxC`. Its tensors are made on `device`; "meta" makes them
    without memory. With `seed` the initial weights are the same every time, and the global generators are left as they were. Raises
    SpecError (A501) where PyTorch lacks a layer; ImportError where torch is not installed.

    >>> net = archspec.to_torch(archspec.load("lenet5"), seed=0)
    >>> sum(parameter.numel() for parameter in net.parameters())
    61706
    """
    given(model)
    require("torch")
    from archspec.backends.registry import Unsupported
    from archspec.backends.torch.declared_layers import check_functions
    from archspec.backends.torch.execute import execute

    source = emit(model, "torch")
    try:
        check_functions(model)
    except Unsupported as unsupported:
        raise unsupported.error() from None
    return execute(source, model.name, device, seed)


def load_weights(net: Any, source: str | os.PathLike[str] | Mapping[str, Any], *, skip: Sequence[str] = ()) -> Loaded:
    """Load weights into a module of PyTorch or a model of Keras.

    `source` is a safetensors or `torch.save` file, or a `state_dict` of tensors, or of arrays of NumPy or JAX, in PyTorch's shapes. Tensors
    are matched by name, else by structure (docs/weights.md); the result says how, also in words as `str()`. `skip` names layers or tensors,
    `*` standing for anything, that are left out on both sides: `skip=["aux1", "aux2"]`. Either all tensors are loaded or none. Raises
    WeightsError, which says what does not fit; OSError where the file cannot be opened; ImportError where the library for its kind is
    missing.

    >>> net, other = (archspec.to_torch(archspec.load("lenet5"), seed=seed) for seed in (0, 1))
    >>> archspec.load_weights(net, other.state_dict())
    10 tensors (61,706 numbers) of the state_dict loaded by name.
    """
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(net, keras.Model):
        from archspec.backends.keras.live_models import load as load_into_keras

        return load_into_keras(net, source, skip)
    from archspec.weights.load import load

    return load(net, source, skip)


def to_onnx(
    model: Network,
    weights: Mapping[str, Any] | str | None = None,
    *,
    seed: int = 0,
    opset: int = 22,
    batch: int | None = None,
    layout: str = "nchw",
    fold_bn: bool = False,
) -> ModelProto:
    """Make an ONNX model of a network; PyTorch is not needed.

    `weights` are values by key, such as a PyTorch module's `state_dict()`; without them they are drawn with `seed` as PyTorch
    initialises its modules; "none" declares them as inputs. `opset` is the version of ONNX's operators, 13 to 26. The `batch` is a
    dimension called N unless it is given. `layout` is nchw or nhwc, for inputs that are maps. `fold_bn` folds batch norms into the
    layers before them. Raises SpecError where ONNX lacks a layer or a name has two meanings; ValueError for settings that make no sense,
    for weights that do not fit and for those above 2 GiB; ImportError without onnx.

    >>> model = archspec.to_onnx(archspec.load("lenet5"), seed=0, batch=1)
    >>> model.graph.output[0].name
    'output'
    """
    from archspec.backends.registry import BACKENDS

    if isinstance(weights, str) and weights != "none":
        raise ValueError(f'weights are values by key, or "none", not {weights!r}')
    settings = {"opset": opset, "batch": "N" if batch is None else batch, "layout": layout, "fold_bn": fold_bn}
    emitted = BACKENDS["onnx"].emit(given(model), weights=weights, seed=seed if weights is None else None, **settings)
    proto: ModelProto = emitted.whole()
    return proto


def _network(text: str, name: str, options: Options) -> Network:
    network, found = compile_text(text, name, options)
    if network is None:
        raise SpecError(found)
    return network


def _options(params: Mapping[str, Any] | None, inputs: Size | Mapping[str, Size] | None, base: Path | None) -> Options:
    return Options(params=params_of(params), inputs=inputs_of(inputs), base=base)


def _view(name: str) -> Callable[[Any], Any]:
    """How a network or a report is shown, which it cannot know; tables and pictures are imported when they are needed."""
    return lambda shown: attribute(f"archspec.views.display:{name}")(shown)


Network.views.update(html=_view("html"), svg=_view("svg"), text=lambda model: _view("text")(Report(model)))
Report.views.update(html=_view("table"), text=_view("text"))
RESERVED.update(module_names.RESERVED)
