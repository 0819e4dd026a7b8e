"""HRNet-W18 beside a module written by hand from the paper with torchvision's blocks: values, parameters, MACs."""

import pytest

torch = pytest.importorskip("torch", reason="the module is written in it")

from torch import nn

import archspec
from tests.helpers.torch import parameters_and_macs
from tests.helpers.torchvision import torchvision

WIDTH = 18


def conv(before, c, k=3, s=1, bias=False):
    return [nn.Conv2d(before, c, k, s, k // 2, bias=bias), nn.BatchNorm2d(c)]


def between(j, i):
    """From resolution j to resolution i (figure 3 of the paper)."""
    before, c = WIDTH << j, WIDTH << i
    if j > i:
        return nn.Sequential(*conv(before, c, 1), nn.Upsample(scale_factor=2 ** (j - i)))
    steps = [layer for _ in range(i - j - 1) for layer in (*conv(before, before, s=2), nn.ReLU())]
    return nn.Sequential(*steps, *conv(before, c, s=2))


class Exchange(nn.Module):
    def __init__(self, n):
        super().__init__()
        basic = torchvision().models.resnet.BasicBlock
        self.branches = nn.ModuleList(nn.Sequential(*(basic(WIDTH << i, WIDTH << i) for _ in range(4))) for i in range(n))
        self.fuse = nn.ModuleDict({f"{j}{i}": between(j, i) for i in range(n) for j in range(n) if i != j})

    def forward(self, *xs):
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        order = [*range(1, len(xs)), 0]
        ys = {i: sum([self.fuse[f"{j}{i}"](xs[j]) for j in order if j != i], xs[i]).relu() for i in order}
        return [ys[i] for i in range(len(xs))]


class HrNet(nn.Module):
    def __init__(self):
        super().__init__()
        bottleneck = torchvision().models.resnet.Bottleneck

        def blocks(before, c, count):
            shortcut = nn.Sequential(*conv(before, 4 * c, 1))
            return nn.Sequential(bottleneck(before, c, 1, shortcut), *(bottleneck(4 * c, c) for _ in range(count - 1)))

        self.stem = nn.Sequential(*conv(3, 64, s=2), nn.ReLU(), *conv(64, 64, s=2), nn.ReLU(), blocks(64, 64, 4))
        ends = [(256, WIDTH, 1), (256, 2 * WIDTH, 2), (2 * WIDTH, 4 * WIDTH, 2), (4 * WIDTH, 8 * WIDTH, 2)]
        self.transitions = nn.ModuleList(nn.Sequential(*conv(a, b, s=s), nn.ReLU()) for a, b, s in ends)
        self.stages = nn.ModuleList(nn.ModuleList(Exchange(n) for _ in range(count)) for n, count in ((2, 1), (3, 4), (4, 3)))
        self.wider = nn.ModuleList(blocks(WIDTH << i, 32 << i, 1) for i in range(4))
        self.down = nn.ModuleList(nn.Sequential(*conv(128 << i, 256 << i, s=2, bias=True), nn.ReLU()) for i in range(3))
        self.last = nn.Sequential(*conv(1024, 2048, 1, bias=True), nn.ReLU())
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x):
        x = self.stem(x)
        low = self.transitions[1](x)
        xs = [self.transitions[0](x), low]
        for stage, transition in zip(self.stages, (*self.transitions[2:], None), strict=True):
            for exchange in stage:
                xs = exchange(*xs)
            if transition is not None:
                xs.append(transition(xs[-1]))
        y = self.wider[0](xs[0])
        for wider, down, x in zip(self.wider[1:], self.down, xs[1:], strict=True):
            y = wider(x) + down(y)
        return self.fc(self.last(y).mean((2, 3)))


def run(model, x):
    """The result, and the layers with weights in the order in which they run."""
    ran = []
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    hooks = [m.register_forward_hook(lambda module, _, y: ran.append(module)) for m in model.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        result = model.eval()(x)
    for hook in hooks:
        hook.remove()
    return result, ran


@pytest.mark.slow
def test_counts_are_those_of_the_module():
    with torch.device("meta"):
        module = HrNet()
    totals = archspec.analyze(archspec.load("hrnet_w18")).totals
    assert totals.params == 21_299_004
    assert parameters_and_macs(module, (3, 224, 224)) == (totals.params, totals.macs)


def test_values_are_those_of_the_module():
    torch.manual_seed(0)
    module, ours = HrNet(), archspec.to_torch(archspec.load("hrnet_w18", inputs="64x96x3"))
    x = torch.randn(1, 3, 64, 96)
    (_, ran), (expected, theirs) = run(ours, x), run(module, x)
    assert len(ran) == len(theirs)
    for a, b in zip(ran, theirs, strict=True):
        a.load_state_dict(b.state_dict())
    with torch.no_grad():
        y = ours(x)
    assert (y - expected).norm() <= 1e-5 * expected.norm()
