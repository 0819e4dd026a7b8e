"""Blocks that read values beside their input, call themselves, and give further results: against modules written by hand in torch."""

from collections import OrderedDict

import pytest

torch = pytest.importorskip("torch", reason="modules are built by hand in torch")

from torch import nn

import archspec


def same(spec, module, shape, **options):
    """Hold a spec to a module: its keys with their shapes, its number of parameters, and its values with the same weights."""
    net = archspec.loads(spec, **options)
    ours = archspec.to_torch(net).eval()
    theirs = module.eval()
    state = {
        key: value + 0.1 * torch.randn_like(value) if value.is_floating_point() else value for key, value in theirs.state_dict().items()
    }
    assert {key: value.shape for key, value in ours.state_dict().items()} == {key: value.shape for key, value in state.items()}
    assert archspec.analyze(net).totals.params == sum(parameter.numel() for parameter in theirs.parameters())
    ours.load_state_dict({key: value.abs() if "var" in key else value for key, value in state.items()})
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, *shape)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)
    return net


class Double(nn.Module):
    def __init__(self, inputs, f):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, f, 3, padding=1, bias=False), nn.BatchNorm2d(f)
        self.conv2, self.bn2 = nn.Conv2d(f, f, 3, padding=1, bias=False), nn.BatchNorm2d(f)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        return self.bn2(self.conv2(x)).relu()


class Up(nn.Module):
    def __init__(self, inputs, f, beside):
        super().__init__()
        self.deconv1 = nn.ConvTranspose2d(inputs, f, 2, 2)
        self.double1 = Double(f + beside, f)

    def forward(self, x, e):
        return self.double1(torch.cat([self.deconv1(x), e], 1))


class UNet(nn.Module):
    """Ronneberger et al. 2015, padded, with batch normalisation."""

    def __init__(self, w):
        super().__init__()
        self.e1, self.e2, self.e3, self.double4 = Double(3, w), Double(w, 2 * w), Double(2 * w, 4 * w), Double(4 * w, 8 * w)
        self.d3, self.up2, self.up3 = Up(8 * w, 4 * w, 4 * w), Up(4 * w, 2 * w, 2 * w), Up(2 * w, w, w)
        self.conv1 = nn.Conv2d(w, 2, 1)

    def forward(self, x):
        e1 = self.e1(x)
        e2 = self.e2(nn.functional.max_pool2d(e1, 2))
        e3 = self.e3(nn.functional.max_pool2d(e2, 2))
        x = self.double4(nn.functional.max_pool2d(e3, 2))
        return self.conv1(self.up3(self.up2(self.d3(x, e3), e2), e1))


UNET = """
param w = 8
default conv bias=no
block double(f):
  conv k=3 f=f p=1 | bn | relu
  conv k=3 f=f p=1 | bn | relu
block up(f, from e):
  deconv k=2 s=2 f=f
  concat e
  double f
input 32x48x3
e1: double w
pool w=2
e2: double 2*w
pool w=2
e3: double 4*w
pool w=2
double 8*w
d3: up 4*w e3
up 2*w e=e2
up e=e1 f=w
conv k=1 f=2 bias=yes
"""


@pytest.mark.parametrize("w", [8, 5])
def test_a_u_net(w):
    net = same(UNET, UNet(w), (3, 32, 48), params={"w": w})
    source = archspec.emit(net, "torch")
    assert "def forward(self, x: Tensor, e: Tensor) -> Tensor:" in source
    assert source.count("class ") == 3  # Double, Up, Model: all calls of a block share its class


class Hourglass(nn.Module):
    """Newell et al. 2016, with single convolutions for their residual modules."""

    def __init__(self, n, f):
        super().__init__()
        self.up = nn.Conv2d(f, f, 3, padding=1)
        self.low = nn.Conv2d(f, f, 3, padding=1)
        if n > 1:
            self.inner = Hourglass(n - 1, f)
        self.high = nn.Conv2d(f, f, 3, padding=1)

    def forward(self, x):
        y = self.low(nn.functional.max_pool2d(x, 2)).relu()
        y = self.inner(y) if hasattr(self, "inner") else y
        return self.up(x).relu() + nn.functional.interpolate(self.high(y).relu(), scale_factor=2)


HOURGLASS = """
block hourglass(n, f):
  add:
    seq:
      up: conv k=3 f=f p=1
      relu
    seq:
      pool w=2
      low: conv k=3 f=f p=1
      relu
      inner: hourglass n-1 f if n > 1
      high: conv k=3 f=f p=1
      relu
      upsample 2
input 32x32x4
body: hourglass 4 4
"""


def test_an_hourglass_that_calls_itself():
    same(HOURGLASS, nn.Sequential(OrderedDict(body=Hourglass(4, 4))), (4, 32, 32))


class Root(nn.Module):
    def __init__(self, inputs, f):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, f, 1, bias=False), nn.BatchNorm2d(f)

    def forward(self, *xs):
        return self.bn1(self.conv1(torch.cat(xs, 1))).relu()


class Tree(nn.Module):
    """Deep layer aggregation (Yu et al. 2018): the tree of height n, whose right part gets the left one for its root."""

    def __init__(self, n, inputs, f, handed=0):
        super().__init__()
        if n > 1:
            self.left = Tree(n - 1, inputs, f)
            self.right = Tree(n - 1, f, f, handed + f)
        else:
            self.left = nn.Conv2d(inputs, f, 3, padding=1)
            self.right = nn.Conv2d(f, f, 3, padding=1)
            self.root = Root(2 * f + handed, f)

    def forward(self, x, *handed):
        a = self.left(x)
        if not hasattr(self, "root"):
            return self.right(a, a, *handed)
        return self.root(self.right(a), a, *handed)


TREES = """
default conv bias=no
block root(f): conv k=1 f=f | bn | relu
block bare(n, f):
  left: bare n-1 f if n > 1
  left: conv k=3 f=f p=1 bias=yes if n == 1
  right: handed n-1 f left if n > 1
  right: conv k=3 f=f p=1 bias=yes if n == 1
  concat left if n == 1
  root: root f if n == 1
block handed(n, f, from h):
  left: bare n-1 f if n > 1
  left: conv k=3 f=f p=1 bias=yes if n == 1
  all: concat h if n > 1
  right: from left | handed n-1 f all if n > 1
  right: conv k=3 f=f p=1 bias=yes if n == 1
  concat left h if n == 1
  root: root f if n == 1
input 8x8x3
tree: bare 4 6
"""


def test_deep_layer_aggregation():
    same(TREES, nn.Sequential(OrderedDict(tree=Tree(4, 3, 6))), (3, 8, 8))


class Cell(nn.Module):
    """A cell of NASNet's kind (Zoph et al. 2018): it reads the results of the two cells before it."""

    def __init__(self, inputs, before, f):
        super().__init__()
        self.p, self.q = nn.Conv2d(before, f, 1), nn.Conv2d(inputs, f, 1)
        self.left, self.right = nn.Conv2d(f, f, 3, padding=1), nn.Conv2d(f, f, 5, padding=2)

    def forward(self, x, before):
        p, q = self.p(before), self.q(x)
        return torch.cat([self.left(p) + q, self.right(q) + p], 1)


class Cells(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.a0, self.a1 = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 6, 1)
        widths = [4, 6, *[10] * count]
        for i in range(count):
            self.add_module(f"a{i + 2}", Cell(widths[i + 1], widths[i], 5))

    def forward(self, x):
        values = [self.a0(x)]
        values.append(self.a1(values[0]))
        for i in range(2, len(list(self.children()))):
            values.append(self.get_submodule(f"a{i}")(values[-1], values[-2]))
        return torch.cat([values[-1], values[2]], 1)


def test_cells_that_read_the_one_before_the_last():
    spec = """
block cell(f, from before):
  q: conv k=1 f=f
  p: from before | conv k=1 f=f
  concat:
    add:
      left: from p | conv k=3 f=f p=1
      from q
    add:
      right: from q | conv k=5 f=f p=2
      from p
input 8x8x3
a0: conv k=1 f=4
a1: conv k=1 f=6
repeat 4 as i: a{i+2}: cell 5 a{i}
concat a2
"""
    net = same(spec, Cells(4), (3, 8, 8))
    assert archspec.emit(net, "torch").count("class ") == 2


class Gated(nn.Module):
    """van den Oord et al. 2016, figure 4, with windows that look both ways."""

    def __init__(self, c, f, d):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(c, c, 3, padding=d, dilation=d), nn.Conv1d(c, c, 3, padding=d, dilation=d)
        self.side, self.conv4 = nn.Conv1d(c, f, 1), nn.Conv1d(c, c, 1)

    def forward(self, x):
        y = self.conv1(x).tanh() * self.conv2(x).sigmoid()
        return self.conv4(y) + x, self.side(y)


class WaveNet(nn.Module):
    def __init__(self, c, f, dilations):
        super().__init__()
        self.stack = nn.Sequential(*[Gated(c, f, d) for d in dilations])
        self.conv1 = nn.Conv1d(f, 5, 1)

    def forward(self, x):
        total = 0
        for gated in self.stack:
            x, side = gated(x)
            total = total + side
        return self.conv1(total.relu())


WAVENET = """
block gated(d, f):
  x: skip
  mul:
    conv k=3 f=cin d=d p=d | tanh
    conv k=3 f=cin d=d p=d | sigmoid
  output side: conv k=1 f=f
  conv k=1 f=cin | add x
input 64x4
stack: repeat 3: repeat 4: gated d=1,2,4,8 f=6
{}
relu
conv k=1 f=5
"""


@pytest.mark.parametrize("line", ["add: from stack.*.side", "from stack.0.side\nadd" + "".join(f" stack.{at}.side" for at in range(1, 12))])
def test_a_wavenet(line):
    net = same(WAVENET.format(line), WaveNet(4, 6, [1, 2, 4, 8] * 3), (4, 64))
    source = archspec.emit(net, "torch")
    assert source.count("class ") == 5  # Gated and Stack, what each of them gives, Model
    assert "class GatedOutputs(NamedTuple):" in source
    assert "side=side" in source


class Features(nn.Module):
    """Two taps of a backbone, as torchvision's IntermediateLayerGetter has them."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential()
        widths = [3, 4, 6, 8]
        for at in range(3):
            self.backbone.add_module(f"layer{at + 1}", nn.Sequential(nn.Conv2d(widths[at], widths[at + 1], 3, 2, 1), nn.ReLU()))
        self.low, self.high = nn.Conv2d(4, 5, 1), nn.Conv2d(8, 5, 1)

    def forward(self, x):
        first = self.backbone.layer1(x)
        last = self.backbone.layer3(self.backbone.layer2(first))
        return nn.functional.interpolate(self.high(last), scale_factor=4) + self.low(first)


def test_taps_of_a_backbone():
    spec = """
default round=floor
input 32x32x3
backbone:
  repeat 3 as i: layer{i+1}: conv k=3 s=2 p=1 f=4,6,8 | relu
low: from backbone.layer1 | conv k=1 f=5
high: from backbone.layer3 | conv k=1 f=c(low)
upsample h(backbone.layer1)//h()
add low
"""
    same(spec, Features(), (3, 32, 32))


def test_a_block_that_reads_nothing():
    """Neither the block nor that around it takes an input: what they give follows from their tensors."""
    spec = """input 7x8x2
block query(f):
  v: tensor 1x1x2 init=1
  from v | conv k=1 f=f
block outer(f): v: query f
outer 5
sigmoid
"""
    net = archspec.loads(spec)
    source = archspec.emit(net, "torch")
    assert "def forward(self) -> Tensor:" in source and "(self, )" not in source
    module = archspec.to_torch(net).eval()
    conv = nn.Conv2d(2, 5, 1)
    (weight,) = (key for key in module.state_dict() if key.endswith("weight"))
    module.load_state_dict({**module.state_dict(), weight: conv.weight, weight.replace("weight", "bias"): conv.bias})
    with torch.no_grad():
        torch.testing.assert_close(module(torch.randn(3, 2, 7, 8)), conv(torch.ones(3, 2, 1, 1)).sigmoid())


def test_a_value_that_is_the_first_input_too_is_not_lost_in_a_loop():
    """The rounds are no loop over one variable: each reads what the group was given besides what the round before gave."""
    lines = "block b(from e):\n  output side: relu\n  conv k=1 f=4\n  mul e\n"
    text = f"{lines}input 8x4\nv: repeat 3: b input\nadd: from v.*.side\n"
    flat = "input 8x4\na: conv k=1 f=4\nb: mul input\nc: conv k=1 f=4\nd: mul input\nconv k=1 f=4\nmul input\n"
    net, other = archspec.to_torch(archspec.loads(text), seed=0), archspec.to_torch(archspec.loads(flat))
    other.load_state_dict(dict(zip(other.state_dict(), net.state_dict().values(), strict=True)))
    x = torch.randn(2, 4, 8)
    first = other.a(x) * x
    second = other.c(first) * x
    torch.testing.assert_close(net(x), x.relu() + first.relu() + second.relu())


def test_a_result_of_a_block_that_is_the_same_for_all_images_has_their_batch():
    text = "input 8x4\nv: tensor 1x4 init=1\nfrom v\nb\nblock b():\n  output side: relu\n  relu\n"
    net = archspec.to_torch(archspec.loads(text))
    assert net(torch.zeros(3, 4, 8)).shape == (3, 4, 1)


def test_a_tensor_that_a_head_in_training_alone_reads_takes_no_statement():
    text = "input 3x5x3\nt: tensor 1x1x3 init=1\nx: mish\noutput out2 train: sub t\nrelu\n"
    net = archspec.to_torch(archspec.loads(text))
    x = torch.randn(2, 3, 3, 5)
    torch.testing.assert_close(net.train()(x).out2, torch.nn.functional.mish(x) - 1)
    assert net.eval()(x).out2 is None


def test_a_block_that_comes_out_empty_is_a_head_in_training_alone():
    text = "input 3x5x3\nblock b():\n  bn if cin == 1\nelu\noutput out2 train: b\nfrom input | relu\n"
    net = archspec.to_torch(archspec.loads(text))
    x = torch.randn(2, 3, 3, 5)
    torch.testing.assert_close(net.train()(x).out2, torch.nn.functional.elu(x))
    torch.testing.assert_close(net.eval()(x).output, x.relu())
    assert net.eval()(x).out2 is None


def test_a_head_in_training_alone_that_is_the_same_for_all_images_is_none_in_inference():
    net = archspec.to_torch(archspec.loads("input 8x7\nv: tensor 8x7 init=1\nfrom v | linear 8\noutput out2 train: linear 4\n"))
    x = torch.zeros(3, 7, 8)
    assert net.train()(x).out2.shape == (3, 4, 8)
    assert net.eval()(x).out2 is None and net(x).output.shape == (3, 8, 8)
