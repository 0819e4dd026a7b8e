"""NFNet-F0 beside a module written by hand from the paper, with timm's names of weights: values, parameters, MACs."""

import pytest

torch = pytest.importorskip("torch", reason="the module is written in it")

from torch import nn
from torch.nn import functional as F

import archspec
from tests.helpers.torch import parameters_and_macs

ALPHA = 0.2


class Conv(nn.Conv2d):
    """Equation 1 of the paper with a gain, padded as TensorFlow does."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))

    def forward(self, x):
        w = self.weight
        variance, mean = torch.var_mean(w, dim=(1, 2, 3), correction=0, keepdim=True)
        w = self.gain * (w - mean) / (w[0].numel() * (variance + 1e-5)) ** 0.5
        (k, s), sizes = (self.kernel_size[0], self.stride[0]), x.shape[:1:-1]
        total = [max(0, (-(-n // s) - 1) * s + k - n) for n in sizes]
        x = F.pad(x, [side for t in total for side in (t // 2, t - t // 2)])
        return F.conv2d(x, w, self.bias, s, groups=self.groups)


def act(x):
    return F.gelu(x) * 1.7015043497085571


class Block(nn.Module):
    """Figure 3 of the paper."""

    def __init__(self, before, c, rounds, s):
        super().__init__()
        self.beta, self.s, n = (1 + rounds * ALPHA**2) ** -0.5, s, c // 2
        self.downsample = nn.ModuleDict({"conv": Conv(before, c, 1)} if s > 1 or before != c else {})
        self.conv1, self.conv2, self.conv2b = Conv(before, n, 1), Conv(n, n, 3, s, groups=n // 128), Conv(n, n, 3, groups=n // 128)
        self.conv3 = Conv(n, c, 1)
        self.attn_last = nn.ModuleDict({"fc1": nn.Linear(c, n), "fc2": nn.Linear(n, c)})
        self.skipinit_gain = nn.Parameter(torch.tensor(0.0))

    def forward(self, x):
        y = act(x) * self.beta
        if self.downsample:
            x = self.downsample["conv"](F.avg_pool2d(y, 2) if self.s > 1 else y)
        y = self.conv3(act(self.conv2b(act(self.conv2(act(self.conv1(y)))))))
        weights = self.attn_last["fc2"](self.attn_last["fc1"](y.mean((2, 3))).relu()).sigmoid()
        return 2 * y * weights[..., None, None] * self.skipinit_gain * ALPHA + x


class Nfnet(nn.Module):
    def __init__(self):
        super().__init__()
        widths = (3, 16, 32, 64, 128)
        self.stem = nn.ModuleDict({f"conv{i + 1}": Conv(widths[i], widths[i + 1], 3, 2 if i in (0, 3) else 1) for i in range(4)})
        stages, before, rounds = [], 128, 0
        for c, depth in ((256, 1), (512, 2), (1536, 6), (1536, 3)):
            s = 2 if stages else 1
            stages.append(nn.Sequential(*(Block(before if i == 0 else c, c, i or rounds, 1 if i else s) for i in range(depth))))
            before, rounds = c, depth
        self.stages = nn.Sequential(*stages)
        self.final_conv, self.head = Conv(1536, 3072, 1), nn.ModuleDict({"fc": nn.Linear(3072, 1000)})

    def forward(self, x):
        for i, conv in enumerate(self.stem.values()):
            x = conv(act(x) if i else x)
        return self.head["fc"](act(self.final_conv(self.stages(x))).mean((2, 3)))


def test_keys_and_counts_are_those_of_the_module():
    network = archspec.load("nfnet_f0")
    with torch.device("meta"):
        module, ours = Nfnet(), archspec.to_torch(network)
    totals = archspec.analyze(network).totals
    assert (totals.params, totals.macs) == (71_489_284, 6_977_003_520)
    assert parameters_and_macs(module, (3, 192, 192)) == (totals.params, totals.macs)
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in module.state_dict().items()
    }


@pytest.mark.slow
def test_values_are_those_of_the_module():
    torch.manual_seed(0)
    module = Nfnet()
    for name, p in module.named_parameters():
        if "gain" in name:
            nn.init.normal_(p, 1, 0.2)
    ours = archspec.to_torch(archspec.load("nfnet_f0", inputs="64x96x3"), device="meta")
    ours.load_state_dict(module.state_dict(), strict=True, assign=True)
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        y, expected = ours(x), module(x)
    assert (y - expected).norm() <= 1e-5 * expected.norm()
