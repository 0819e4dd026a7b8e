"""Recurrent layers and attention in ONNX files of both exporters of PyTorch, with the values of onnxruntime."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec

import pytest

for _name in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(_name, reason="files are made by PyTorch's exporters and compared with onnxruntime")

import torch
from torch import nn
from torch.nn import functional as F

from archspec.imports.onnx.reader import read
from tests.imports.onnx_values import difference

EXPORTERS = ["script", *(["export"] if find_spec("onnxscript") else [])]
"""Through TorchScript, and through torch.export, which needs the package onnxscript."""


class Recurrent(nn.Module):
    """A recurrent layer, of which all results, the last one, or the final state are used."""

    def __init__(self, rnn, part):
        super().__init__()
        self.rnn, self.part, self.fc = rnn, part, nn.Linear(rnn.hidden_size * (1 + rnn.bidirectional), 3)

    def forward(self, x):
        all_, state = self.rnn(x)
        if self.part == "all":
            return self.fc(all_)
        state = state[0] if isinstance(state, tuple) else state
        return self.fc(all_[:, -1] if self.part == "last" else state[-1])


class Attention(nn.Module):
    """Attention written out or by PyTorch's function, of one product or of three; `mask` may be a buffer or the function's own."""

    def __init__(self, packed, mask=""):
        super().__init__()
        self.packed, self.mask = packed, mask
        if packed:
            self.qkv = nn.Linear(16, 48)
        else:
            self.q, self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.proj = nn.Linear(16, 16)
        if mask == "buffer":
            self.register_buffer("seen", torch.tril(torch.ones(10, 10))[None, None])

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).split(16, 2) if self.packed else (self.q(x), self.k(x), self.v(x))
        q, k, v = (each.view(b, t, 4, 4).transpose(1, 2) for each in (q, k, v))
        if self.mask == "function":
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) * 0.5
            if self.mask:
                scores = scores.masked_fill(self.seen[:, :, :t, :t] == 0, float("-inf"))
            mixed = scores.softmax(-1) @ v
        return self.proj(mixed.transpose(1, 2).reshape(b, t, c))


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        return self.attn(x, x, x, need_weights=False)[0]


def lstm(**options):
    return nn.LSTM(16, 8, batch_first=True, **options)


def encoder():
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True), 2)


MODULES = {
    "lstm": (lambda: Recurrent(lstm(), "all"), "rnn: lstm 8"),
    "lstm of both directions": (lambda: Recurrent(lstm(bidirectional=True), "all"), "lstm 8 dirs=2"),
    "two layers": (lambda: Recurrent(lstm(num_layers=2), "all"), "lstm 8"),
    "gru": (lambda: Recurrent(nn.GRU(16, 8, batch_first=True), "all"), "rnn: gru 8"),
    "the last result": (lambda: Recurrent(lstm(), "last"), "token 9"),
    "the final state": (lambda: Recurrent(lstm(), "state"), "lstm 8 out=last"),
    "attention": (lambda: Attention(packed=True), "attend heads=4"),
    "attention of three products": (lambda: Attention(packed=False), "attend"),
    "a mask": (lambda: Attention(packed=True, mask="buffer"), "attend heads=4 causal=yes"),
    "a mask of PyTorch's": (lambda: Attention(packed=True, mask="function"), "attend heads=4 causal=yes"),
    "attention of PyTorch's": (Own, "heads=4"),
    "an encoder": (encoder, "heads=4"),
}


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", MODULES)
def test_a_module_over_a_sequence(tmp_path, name, exporter):
    make, line = MODULES[name]
    torch.manual_seed(0)
    module, x = make().eval(), torch.zeros(1, 10, 16)
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "script":
            stream = io.BytesIO()
            torch.onnx.export(module, (x,), stream, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "N"}}, opset_version=17)
            path.write_bytes(stream.getvalue())
        else:
            torch.onnx.export(module, (x,), str(path), dynamo=True, external_data=False, verbose=False)
    found = read(path, {})
    assert line in found.text, found.text
    assert not found.diagnostics
    assert difference(path, 2 if exporter == "script" else 1, found=found) < 1e-5


def test_layers_of_different_modules_with_equal_numbers_are_not_shared(tmp_path):
    """Norms that have learned nothing are equal, and an exporter stores them once."""
    from tests.imports.proto import line as model
    from tests.imports.proto import node, tensor

    names = [f"layers.{at}.norm" for at in range(2)]
    nodes = [
        node(
            "LayerNormalization",
            ["x", "layers.0.norm.weight", "layers.0.norm.bias"],
            ["a"],
            f"/{names[0].replace('.', '/')}/LayerNormalization",
        ),
        node(
            "LayerNormalization",
            ["a", "layers.0.norm.weight", "layers.0.norm.bias"],
            ["y"],
            f"/{names[1].replace('.', '/')}/LayerNormalization",
        ),
    ]
    path = tmp_path / "net.onnx"
    path.write_bytes(model(*nodes, tensors=[tensor("layers.0.norm.weight", [4]), tensor("layers.0.norm.bias", [4])], shape=("N", 5, 4)))
    found = read(path, {})
    assert "again" not in found.text
    assert len(found.stored) == 4
