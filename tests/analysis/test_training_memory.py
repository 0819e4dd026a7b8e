"""Memory of training, beside what PyTorch saves for its gradients, and the storages that are alive while it trains."""

import json
import weakref
from itertools import product

import pytest

torch = pytest.importorskip("torch", reason="its saved tensors are counted")

from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

import archspec
from archspec.analysis.training import OPTIMIZERS, Bytes, TrainingMemory
from archspec.backends.torch.words import TORCH
from archspec.ir.walk import walk
from archspec.ops import op_class
from tests.helpers import nested
from tests.helpers.paths import SPECS
from tests.helpers.specs import few_quick, looked_up, reduced
from tests.layers import LAYERS

BATCH = 2
STARTS = ("input 12x12x12\n", "input 12x12x12\ntokens | ", "input 12\n")


def inputs(network, batch):
    """Random values for the inputs of a network; whole numbers where they are looked up."""
    found = []
    words = looked_up(network)
    for each in network.inputs:
        shape = (each.type.shape[-1], *each.type.shape[:-1])
        found.append(torch.randint(0, words[each.name], (batch, *shape)) if each.name in words else torch.randn(batch, *shape))
    return found


def saved(network, spec=""):
    """The bytes that a forward pass in training keeps for its gradients, each storage once, without stored tensors."""
    module = archspec.to_torch(network, seed=0).train()
    stored = {tensor.untyped_storage().data_ptr() for tensor in [*module.parameters(), *module.buffers()]}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in stored:
            kept[storage.data_ptr()] = storage  # the tensor itself must not be saved: an output that holds itself is never freed

    # oneDNN's LSTM keeps a workspace of its own, 28 KiB for 5 steps of 3 units: workspaces are not counted
    one_dnn = torch.backends.mkldnn.flags(enabled="lstm" not in spec)
    with one_dnn, torch.autograd.graph.saved_tensors_hooks(pack, lambda nothing: nothing):
        result = module(*inputs(network, BATCH))
    found = sum(storage.nbytes() for storage in kept.values())
    del result
    return found


def assert_kept(network, found, spec):
    """Compare with what torch saved. What a declared layer keeps is not known: all that it reads and gives is counted, and no more."""
    declared = [place for place in walk(network) if place.node.op.step == "custom"]
    most = sum(type_.size for place in declared for type_ in (*place.graph.types_of(place.node), place.node.type))
    assert 0 <= TrainingMemory(network, BATCH).kept - found <= 4 * BATCH * most, spec


@pytest.mark.parametrize("start", STARTS, ids=["map", "tokens", "vector"])
@pytest.mark.parametrize(
    "step", [step for step in LAYERS if op_class(step).freezes and step not in ("embed", "rnn", "gru", "lstm", "tensor")]
)
def test_a_frozen_layer_keeps_what_torch_saves(step, start):
    """With a learned layer before it, so that the gradient flows through, and without, so that none does."""
    for before in ("scale 0.5\n", "scale 0.5 frozen=yes\n"):
        for sample in [sample for sample in LAYERS[step].samples if "norm=" not in sample]:
            spec = f"{start}{before}{step} {sample} frozen=yes\nscale 0.5\n"
            try:
                network = archspec.loads(spec)
                found = saved(network)
            except archspec.SpecError:
                continue
            assert_kept(network, found, spec)


@pytest.mark.parametrize("start", STARTS, ids=["map", "tokens", "vector"])
@pytest.mark.parametrize("step", [step for step in LAYERS if step not in ("embed", "add", "sub", "concat", "mul", "tensor")])
def test_each_layer_keeps_what_torch_saves(step, start):
    """Between layers whose gradients need their inputs, so that what is kept is seen on both sides."""
    tried = 0
    for sample in LAYERS[step].samples:
        before = "scale 0.5\n"
        spec = f"{start}{before}{step} {sample}\nscale 0.5\n"
        try:
            network = archspec.loads(spec)
            found = saved(network, spec)
        except archspec.SpecError:
            continue
        tried += 1
        assert_kept(network, found, spec)
    if not tried:
        pytest.skip("it does not take this kind of value")


@pytest.mark.parametrize(
    "spec",
    [
        "input 5\nembed 20 8 | linear 4 | relu | gap | fc 3",
        "input 8x8x4\na: conv k=1 f=4\nmul a | conv k=1 f=2",
        "input 8x8x4\nt: tensor 4 init=1\nconv k=3 f=4 p=1 | mul t | conv k=1 f=2 | abs | mul 0.5 | add 1 | sub 2 | conv k=1 f=2",
        "input 8x8x4\nt: tensor 1x1x4 init=normal\nx: conv k=1 f=4\nconv k=1 f=4 | sub x | add t | conv k=1 f=2",
        "input 8x8x4\nt: tensor 4 init=1 frozen=yes\nmul t | conv k=1 f=2 | mul 0.5 | fc 3",
        "input 8x8x4\nx: conv k=3 f=4 p=1 | relu\nconcat: conv k=1 f=4 | conv k=3 f=4 p=1 | bn | relu6\nadd x if no\nfc 3",
        "input 8x8x4\nconv k=1 f=4 | bn | silu | conv k=1 f=4 | bn | hardswish | conv k=1 f=4 | leaky | fc 3",
        "input 8x8x4\nresidual:\n  conv k=3 f=4 p=1 | bn | relu\n  conv k=3 f=4 p=1 | bn\nrelu | dropout 0.5 | dropout 0 | flatten | fc 3 | softmax",
        "input 4x6x8\nconv k=1 f=8 | reshape 6x8x4 | scale | ln | reshape 8x24 | scale | map 4x2 | scale | reshape 192 | scale 0.5",
        "input 4x6x8\nconv k=1 f=8 | tokens | swap | linear 24 | gelu | swap | ln | token -1 | scale | mean axis=c | scale",
        "input 8x6\nconv k=1 f=6 | slice 1:7 axis=t | scale | swap | scale | max axis=t | scale",
        'input 4x6x8\nconv k=1 f=8 | rearrange "h w (g c) -> h w (c g)" g=2 | scale | rearrange "h w c -> (h w) c" | scale | rearrange "t c -> c t" | ln',
        'input 4x6x8\nconv k=1 f=8 | ln | rearrange "(h p) w c -> h w (p c)" p=2 | scale | rearrange "h w c -> (h w c)" | scale | fc 3',
        'input 4x6x8\nlinear 8 | scale | rearrange "h w c -> (h w) c" | relu | rearrange "(h w) c -> h w c" h=4 | scale | linear 3',
        "input 4x6x8\nconv k=1 f=8 | tokens | ln\nx: linear 5\nln | swap | scale | matmul x | scale",
        "input 4x4\nx: tokens\ny: linear 6\nfrom x | matmul y | scale",
        "input 4x6\nx: tokens\nlinear 4 | matmul x | scale",
        "input 8x8x4\nmul:\n  skip\n  conv k=1 f=4\nconv k=1 f=2",
        "input 8x8x4\nmul:\n  gap\n  conv k=1 f=4\n  conv k=1 f=4\n  tanh\nconv k=1 f=2",
        "input 8x8x4\nx: conv k=1 f=4\nmul x x | conv k=1 f=2",
        "input 8x8x4\nt: tensor 4 init=1 frozen=yes\nconv k=1 f=4 | mul t | conv k=1 f=2",
        "input 8x8x4\no: conv k=3 f=36 p=1\nfrom input | tanh | conv k=3 f=6 p=1 g=2 offset=o | scale",
        "input 8x8x4\no: conv k=1 f=8\nconv k=2 f=4 p=0:1 norm=weight offset=o | conv k=1 f=2 offset=o frozen=yes | scale",
        "input 8x8x4\nconv k=1 f=4 | ln\nresidual: ln | winattn heads=2 w=4 | droppath 0.1\npatchmerge 2 | ln | linear 8 bias=no",
    ],
)
def test_layers_together_keep_what_torch_saves(spec):
    network = archspec.loads(spec)
    assert TrainingMemory(network, BATCH).kept == saved(network, spec)


@pytest.mark.parametrize("path", few_quick(SPECS), ids=lambda path: path.stem)
def test_bundled_specs_keep_what_torch_saves(path):
    network = reduced(path)
    if any(output.training for output in network.outputs):
        pytest.skip("auxiliary heads")
    assert_kept(network, saved(network, path.read_text(encoding="utf-8")), path.stem)


class Alive(TorchDispatchMode):
    """Counts the bytes of the storages that are alive."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.seen = set()

    def track(self, tensor):
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self.seen:
            self.seen.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.gone, key, size)

    def gone(self, key, size):
        self.seen.discard(key)
        self.now -= size

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, torch.Tensor):
                self.track(tensor)
        return result


MADE = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.1, foreach=False),
    "momentum": lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.9, foreach=False),
    "adam": lambda weights: torch.optim.Adam(weights, foreach=False),
    "adamw": lambda weights: torch.optim.AdamW(weights, foreach=False),
}


def alive(network, batch, optimizer):
    """The most bytes alive in the second step of training, on tensors without numbers."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        module = archspec.to_torch(network).train()
        steps = MADE[optimizer](module.parameters())
        values = inputs(network, batch)
        mode = Alive()
        for tensor in [*module.parameters(), *module.buffers(), *values]:
            mode.track(tensor)
        with mode:
            for _ in range(2):
                mode.peak = mode.now
                result = module(*values)
                loss = sum(each.sum() for each in (result if isinstance(result, tuple) else (result,)) if each is not None)
                del result
                loss.backward()
                del loss
                steps.step()
                steps.zero_grad(set_to_none=True)
    return mode.peak


NESTED = {"wavenet": nested.wavenet, "unet": nested.unet} | {
    f"random {seed}": lambda seed=seed: nested.random_network(seed) for seed in range(24)
}


@pytest.mark.parametrize("name", NESTED)
def test_networks_that_read_further_results_keep_what_torch_saves(name):
    network = NESTED[name]()
    assert TrainingMemory(network, BATCH).kept == saved(network)


PEAKS = ["lenet5", "resnet18", "squeezenet1_1", "mobilenet_v2", "alexnet", "vgg16", "resnet50", "densenet121", "unet", "googlenet", "vit_b_16", "convnext_tiny", "efficientnet_b0", "mobilenet_v3_large", "shufflenet_v2_x1_0", "inception_v3", "regnet_y_400mf"]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "optimizer"),
    [
        pytest.param(*each, marks=[pytest.mark.slow] * (each != ("lenet5", "adam")))
        for each in dict.fromkeys([*product(PEAKS, ["adam"]), *product(PEAKS[:4], OPTIMIZERS)])
    ],
)
def test_peaks_are_those_of_torch_within_a_hundredth(spec, optimizer):
    network = archspec.load(spec)
    for batch in (4, 32):
        assert TrainingMemory(network, batch, optimizer).peak == pytest.approx(alive(network, batch, optimizer), rel=0.01)


def test_what_overwrites_is_what_the_backend_lets_overwrite():
    from archspec.analysis import training

    assert TORCH.independent == training._INDEPENDENT
    assert TORCH.overwriting > training._OVERWRITING


@pytest.mark.parametrize("limit", [10**6, 2**30, 24 * 2**30, 80 * 10**9])
@pytest.mark.parametrize("spec", ["lenet5", "resnet50"])
def test_the_largest_batch_fits_and_the_next_does_not(spec, limit):
    found = archspec.memory(archspec.load(spec))
    batch = found.largest_batch(limit)
    if batch:
        assert found.peak_of(batch) <= limit
    assert found.peak_of(batch + 1) > limit


def test_bfloat16_halves_what_convolutions_keep():
    network = archspec.load("vgg16")
    full, half = (archspec.memory(network, precision=precision) for precision in ("float32", "bfloat16"))
    assert 0.4 < half.kept / full.kept < 0.6 and half.weights == full.weights


@pytest.mark.parametrize(
    ("words", "message"),
    [({"optimizer": "adm"}, "did you mean `adam`"), ({"precision": "fp8"}, "no precision"), ({"batch": 0}, "1 image or more")],
)
def test_wrong_words(words, message):
    with pytest.raises(ValueError, match=message):
        archspec.memory(archspec.load("lenet5"), **words)


def test_amounts():
    assert Bytes(3, 4).of(5) == 23 and Bytes(1, 2).plus(Bytes(3, 4)) == Bytes(4, 6)


def test_the_command(capsys):
    from archspec.cli.main import run

    assert run(["memory", "lenet5", "--fit", "1GiB"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("lenet5: batch 32, adam, float32\n") and "The largest batch in 1.0 GiB: " in text
    assert run(["memory", "lenet5", "--format", "json", "--optimizer", "sgd"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["weights"] == 4 * 61_706 and data["states"] == 0
    with pytest.raises(SystemExit):
        run(["memory", "lenet5", "--fit", "lots"])
