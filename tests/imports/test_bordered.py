"""Borders of TensorFlow: zeros around a map for a window, and windows like it, are `same`."""

import pytest

import archspec


class Net:
    """A module that pads a map by some zeros at the ends of its axes before a convolution of stride 2."""

    def __new__(cls, ends, *, border=1, stride=1, reads_both=False):
        import torch
        from torch import nn
        from torch.nn import functional

        class Padding(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Conv2d(3, 4, 3, 2)
                self.next = nn.Conv2d(4, 4, 3, stride, border)
                self.third = nn.Conv2d(4, 4, 3, 1, 1) if stride > 1 else nn.Identity()
                self.last = nn.Conv2d(4, 5, 1)

            def forward(self, x):
                x = functional.pad(x, ends)
                y = self.last(self.third(self.next(torch.relu(self.first(x)))))
                return (y, x.mean((2, 3))) if reads_both else y

        torch.manual_seed(0)
        return Padding().eval()


def test_zeros_of_tensorflow_are_same():
    torch = pytest.importorskip("torch")
    module = Net((0, 1, 0, 1))
    found = archspec.from_torch(module, "16x16x3")
    lines = [line for line in found.text.splitlines() if "conv" in line]
    assert lines == ["first: conv k=3 f=4 s=2 p=same", "next: conv k=3 f=4 p=same", "last: conv k=1 f=5"]
    ours = archspec.to_torch(found.network).eval()
    ours.load_state_dict(module.state_dict())
    x = torch.randn(2, 3, 16, 16)
    assert torch.allclose(ours(x), module(x), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "padding"),
    [
        ({"ends": (1, 1, 1, 1)}, "pad 1"),
        ({"ends": (1, 0, 1, 0)}, "pad 1:0"),
        ({"ends": (0, 1, 0, 1), "reads_both": True}, "pad 0:1"),
    ],
    ids=["as much at both ends", "before", "for others too"],
)
def test_other_zeros_stay(given, padding):
    pytest.importorskip("torch")
    text = archspec.from_torch(Net(**given), "16x16x3").text
    assert padding in text
    assert "same" not in text


def test_windows_with_another_border_stay():
    pytest.importorskip("torch")
    text = archspec.from_torch(Net((0, 1, 0, 1), border=2), "16x16x3").text
    assert "s=2 p=same" in text
    assert "next: conv k=3 f=4 p=2" in text


def test_beside_a_stride_with_another_border_only_uneven_ones_are_same():
    """As in EfficientNet-X, which pads one convolution as TensorFlow does."""
    pytest.importorskip("torch")
    text = archspec.from_torch(Net((0, 1, 0, 1), stride=2), "16x16x3").text
    assert "first: conv k=3 f=4 s=2 p=same" in text
    assert "next: conv k=3 f=4 s=2 p=1" in text
    assert "third: conv k=3 f=4 p=1" in text
