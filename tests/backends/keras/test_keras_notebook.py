"""examples/keras.ipynb: what it shows is what archspec says today, and its code runs."""

from __future__ import annotations

import json
import os

import pytest

import archspec
from tests.helpers.paths import ROOT

CELLS = [
    cell for cell in json.loads((ROOT / "examples" / "keras.ipynb").read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
]
CODE = ["".join(cell["source"]) for cell in CELLS]
EPOCHS = "EPOCHS = 15"


def test_it_was_run_in_order_and_shows_curves():
    assert [cell["execution_count"] for cell in CELLS] == list(range(1, len(CELLS) + 1))
    outputs = [output for cell in CELLS for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1


def test_its_model_is_what_is_emitted_today():
    names = {}
    exec(CODE[0].replace("print(", "text = ("), names)
    assert "".join(CELLS[0]["outputs"][0]["text"]) == names["text"] + "\n"
    assert f"{archspec.analyze(names['network']).totals.params:,}" in "".join(CELLS[1]["outputs"][2]["data"]["text/plain"])


@pytest.mark.slow
def test_its_code_runs(monkeypatch, capsys):
    for needed in ("torch", "keras", "sklearn", "matplotlib"):
        pytest.importorskip(needed, reason="the notebook uses it")
    import matplotlib

    matplotlib.use("agg")
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    text = "\n".join(CODE)
    assert EPOCHS in text
    names = {}
    exec(text.replace(EPOCHS, "EPOCHS = 1"), names)
    assert len(names["history"].history["val_loss"]) == 1
    assert abs(names["ours"] - names["theirs"]).max() < 1e-5
    assert "largest difference" in capsys.readouterr().out
