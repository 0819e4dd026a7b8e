"""Specs beside models of timm, and a module by hand, that have the same tensors in the same order: counts, and values with the same weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the modules are written in it")

from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.helpers.torch import distance, enliven, parameters_and_macs, results
from tests.helpers.torchvision import torchvision

SIDES = {"inception_v4": (299, 75), "inception_resnet_v2": (299, 75), "mobilevit_s": (256, 64)}
"""Models of timm by the names of their specs: the side of an image, and that of a small one which divides as it does."""


def model(name: str) -> nn.Module:
    torchvision()  # timm imports it
    timm = pytest.importorskip("timm", reason="it is what the specs are compared with")
    return timm.create_model(name).eval()


CAPSNET = """
default round=floor

# From how much capsule i tends to j, to what the capsules j say
block route(from votes):
  softmax
  rearrange "i j -> j 1 i" | matmul votes | squash

block agree(from votes):
  before: skip
  route votes
  said: rearrange "j 1 d -> j d 1"
  from votes | matmul said | rearrange "j i 1 -> i j"
  add before

image: input 28x28x1
digit: input 10
from image
conv k=9 f=256 | relu
conv k=9 s=2 f=256
rearrange "h w (c d) -> (h w c) 1 d" d=8 | squash
pose: tensor 1152x8x160 init=normal
matmul pose
votes: rearrange "i 1 (j d) -> j i d" j=10
even: tensor 1152x10 frozen=yes
from even
repeat 2: agree votes
route votes
capsules: rearrange "j 1 d -> j d"
output capsules
from digit | reshape 10x1 | mul capsules
fc 512     | relu | fc 1024 | relu | fc 784 | sigmoid
"""


class CapsNet(nn.Module):
    """Sabour, Frosst, Hinton 2017, sections 2 to 4, with procedure 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.primary = nn.Conv2d(1, 256, 9), nn.Conv2d(256, 256, 9, 2)
        self.pose = nn.Parameter(torch.empty(10, 16, 1152, 8))
        self.even = nn.Buffer(torch.zeros(1152, 10))
        self.decoder = nn.Sequential(nn.Linear(160, 512), nn.ReLU(), nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 784), nn.Sigmoid())

    def forward(self, x: Tensor, digit: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.primary(F.relu(self.conv1(x)))
        u = squash(maps.permute(0, 2, 3, 1).reshape(len(x), 1152, 8))
        votes = torch.einsum("nia,jdia->nijd", u, self.pose)
        b = self.even.expand(len(x), -1, -1)
        for at in range(3):
            v = squash(torch.einsum("nij,nijd->njd", b.softmax(2), votes))
            b = b + torch.einsum("nijd,njd->nij", votes, v) if at < 2 else b
        return self.decoder((digit[:, :, None] * v).flatten(1)), v


def squash(s: Tensor) -> Tensor:
    square = s.square().sum(-1, keepdim=True)
    return square / (1 + square) * s / square.sqrt()


def same_values(network: archspec.Network, theirs: nn.Module, inputs: dict[str, Tensor]) -> None:
    """Give a network the weights of a module, which are in its order, and compare their outputs."""
    ours = archspec.to_torch(network).eval()
    pairs = [
        [tensor for key, tensor in module.state_dict().items() if not key.endswith(("num_batches_tracked", "_index"))]
        for module in (ours, theirs)
    ]
    for mine, other in zip(*pairs, strict=True):
        mine.copy_(other.reshape(mine.shape))
    for mine, other in zip(results(ours, inputs), results(theirs, inputs), strict=True):
        assert distance(mine, other) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", SIDES)
def test_models_of_timm(name: str) -> None:
    side, small = SIDES[name]
    with torch.device("meta"):
        params, macs = parameters_and_macs(model(name), (3, side, side))
    totals = archspec.analyze(archspec.load(name)).totals
    assert (totals.params, totals.macs) == (params, macs)
    theirs = model(name)
    x = torch.randn(2, 3, small, small, generator=torch.Generator().manual_seed(0))
    enliven(theirs, {"input": x})
    same_values(archspec.load(name, inputs={"input": (small, small, 3)}), theirs, {"input": x})


def test_capsules() -> None:
    theirs, generator = CapsNet(), torch.Generator().manual_seed(0)
    nn.init.normal_(theirs.pose, generator=generator)
    network = archspec.loads(CAPSNET)
    assert archspec.analyze(network).totals.params == sum(p.numel() for p in theirs.parameters()) == 8_215_568
    digit = torch.eye(10)[torch.tensor([3, 8])]
    same_values(network, theirs, {"image": torch.randn(2, 1, 28, 28, generator=generator), "digit": digit})
