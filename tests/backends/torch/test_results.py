"""Classes with several results, against modules written by hand and the same networks written flat."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn

import archspec
from archspec.backends.arch import expand
from archspec.ir.expose import Exposures
from archspec.types import Map
from tests.helpers.nested import random_network, unet, wavenet


class Gated(nn.Module):
    """A block of van den Oord et al. 2016, figure 4."""

    def __init__(self, d):
        super().__init__()
        self.conv1 = nn.Conv1d(4, 4, 3, padding=d, dilation=d)
        self.conv2 = nn.Conv1d(4, 4, 3, padding=d, dilation=d)
        self.conv3 = nn.Conv1d(4, 6, 1)
        self.conv4 = nn.Conv1d(4, 4, 1)

    def forward(self, x):
        y = torch.tanh(self.conv1(x)) * torch.sigmoid(self.conv2(x))
        return self.conv4(y) + x, self.conv3(y)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 4, 3, padding=1)
        self.stack = nn.ModuleList(Gated(d) for _ in range(3) for d in (1, 2, 4, 8))
        self.conv2 = nn.Conv1d(6, 3, 1)

    def forward(self, x):
        x, sides = self.conv1(x), []
        for block in self.stack:
            x, side = block(x)
            sides.append(side)
        return self.conv2(torch.relu(torch.stack(sides).sum(0)))


class Double(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv1 = nn.Conv2d(n, n, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n)

    def forward(self, x):
        return torch.relu(self.bn1(self.conv1(x))) + x


class UNet(nn.Module):
    def __init__(self):
        super().__init__()

        def stage(c, n):
            return nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(c, n, 3, padding=1), Double(n), Double(n))

        self.backbone = nn.ModuleDict({"layer1": stage(3, 4), "layer2": stage(4, 8)})
        self.conv1 = nn.Conv2d(12, 2, 3, padding=1)

    def forward(self, x):
        one = self.backbone["layer1"](x)
        up = nn.functional.interpolate(self.backbone["layer2"](one), scale_factor=2)
        return self.conv1(nn.functional.interpolate(torch.cat((up, one), 1), scale_factor=2))


def close(ours, theirs, shape):
    """The same keys, and with the same numbers the same values and gradients."""
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    found, wanted = ours.train()(x), theirs.train()(x)
    pairs = [(found, wanted)] if isinstance(found, torch.Tensor) else zip(found, wanted, strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b)
    for result in (found, wanted):
        whole = [result] if isinstance(result, torch.Tensor) else result
        sum(tensor.square().sum() for tensor in whole).backward()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)


def test_wavenet_by_hand():
    close(archspec.to_torch(wavenet(), seed=0), WaveNet(), (1, 32))


def test_a_backbone_read_inside_by_hand():
    close(archspec.to_torch(unet(), seed=0), UNet(), (3, 16, 16))


@pytest.mark.parametrize("seed", range(40))
def test_random_networks_are_what_they_are_when_written_flat(seed):
    network = random_network(seed)
    close(archspec.to_torch(network, seed=0), archspec.to_torch(archspec.loads(expand(network)), seed=0), (4, 8, 8))


def test_a_class_gives_its_results_by_name():
    source = archspec.emit(unet(), "torch")
    assert "class BackboneOutputs(NamedTuple):" in source and "    layer1: Tensor\n" in source
    assert "def forward(self, x: Tensor) -> BackboneOutputs:" in source
    assert "torch.cat((self.upsample1(backbone.output), backbone.layer1), dim=1)" in source


def test_names_that_mean_something_on_tuples_are_called_otherwise():
    block = archspec.Block(Map((8, 8), 4), name="both")
    y = block.op("conv", block.inputs[0], k=1, f=4)
    names = ["count", "index", "class", "0.count", "0", "_x"]
    for name in names:
        block.result(name, y if name == "_x" else block.op("conv", y, k=1, f=4))
    graph = block.graph(y)
    b = archspec.Builder("net")
    call = b.call(graph, b.input("input", (8, 8, 4)))
    b.output(b.op("add", *[b.further(call, name) for name in names]))
    source = archspec.emit(b.network(), "torch")
    fields = source[source.index("(NamedTuple)") : source.index("class Both(")]
    assert [line.split(":")[0].strip() for line in fields.splitlines() if line.endswith(": Tensor")] == [
        "output", "count_", "index_", "class_", "count_0", "at_0", "x",
    ]  # fmt: skip
    close(archspec.to_torch(b.network(), seed=0), archspec.to_torch(archspec.loads(expand(b.network())), seed=0), (4, 8, 8))


def test_what_borrows_weights_calls_the_module_that_gives_both():
    """Only the second call's inner value is read; the first one's module gives it too."""
    group = archspec.Block(Map((32,), 4))
    graph = group.graph(group.op("tanh", group.op("conv", group.inputs[0], k=1, f=4, label="inner")))
    b = archspec.Builder("net")
    one = b.call(graph, b.input("input", Map((32,), 4)), label="one")
    two = b.call(graph, one, label="two", owner=one)
    ((_, inner),) = Exposures().expose(b._graph, two.number, ("inner",))
    b.output(b.op("add", two, b._value(inner)))
    model = archspec.to_torch(b.network(), seed=0)
    assert list(model.state_dict()) == ["one.inner.weight", "one.inner.bias"]
    x = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    conv = model.one.inner
    middle = conv(torch.tanh(conv(x)))
    torch.testing.assert_close(model(x), torch.tanh(middle) + middle)


LOOP = """
    def forward(self, x: Tensor) -> StackOutputs:
        side = []
        for layer in self:
            y = layer(x)
            x = y.output
            side.append(y.side)
        return StackOutputs(output=x, side=side)
"""


def test_rounds_collect_what_they_give_in_a_loop():
    source = archspec.emit(wavenet(), "torch")
    assert LOOP in source and "    side: list[Tensor]\n" in source and "self.relu1(sum(x.side))" in source


@pytest.mark.parametrize("step", ["concat", "add"])
@pytest.mark.parametrize("which", [range(4), range(3), (1, 0, 2, 3)], ids=["all", "some", "in another order"])
def test_lists_are_merged_as_such_where_all_of_them_is_read(step, which):
    block = archspec.Block(Map((8, 8), 4), Map((8, 8), 4), name="cell")
    y = block.op("conv", block.op("add", *block.inputs), k=1, f=4)
    block.result("twin", block.op("tanh", y))
    cell = block.graph(y)
    stack = archspec.Block(Map((8, 8), 4), Map((8, 8), 4))
    y = stack.call(cell, *stack.inputs, times=4)
    for at in range(4):
        stack.result(f"{at}.twin", stack.further(y, "twin", at))
    b = archspec.Builder("net")
    x = b.input("input", (8, 8, 4))
    call = b.call(stack.graph(y), x, b.op("relu", x), label="stack")
    b.output(b.op(step, *[b.further(call, f"{at}.twin") for at in which]))
    source = archspec.emit(b.network(), "torch")
    assert "y = layer(x, extra1)" in source
    whole = {"concat": "torch.cat(x.twin, dim=1)", "add": "sum(x.twin)"}[step]
    assert (whole in source) == (which == range(4)) and ("x.twin[1]" in source) == (which != range(4))
    close(archspec.to_torch(b.network(), seed=0), archspec.to_torch(archspec.loads(expand(b.network())), seed=0), (4, 8, 8))


def test_a_tensor_and_a_call_that_gives_several_values_are_no_loop():
    network = archspec.loads(
        "input 14x8\nv: tensor 14x8\nblock b():\n  w: tensor 14x8 init=1\n  output side: tanh\n  add w\nx: b\nadd v x.side\n"
    )
    x = torch.randn(2, 8, 14, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(archspec.to_torch(network)(x), x + 1 + torch.tanh(x))
