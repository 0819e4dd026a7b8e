"""docs/torchvision.md: how each classifier of torchvision is said, and what is compared."""

from __future__ import annotations

import tomllib
from typing import Any

import archspec
from generate.common import NOTICE, ROOT

FACTS = ROOT / "tests" / "facts" / "torchvision.toml"


def classifiers() -> str:
    table = tomllib.loads(FACTS.read_text(encoding="utf-8"))
    return "\n".join(
        [
            "# The classifiers of torchvision",
            "",
            NOTICE,
            "",
            f"torchvision 0.28 has {len(table)} classifiers of images. Each is a bundled spec, or one with its params set: `archspec table` and every",
            "other command take what stands in the second column. Parameters are those that the metadata of torchvision's weights publish. MACs are",
            "those that PyTorch's `FlopCounterMode` counts in torchvision's module, and those of the metadata, which has billions with three decimals.",
            "",
            "**Keys** are those of torchvision's `state_dict`: shapes and order agree too, so its weights load as they are. Where the order is another,",
            "they load by name. `renamed`: two projections of the attention of MaxViT are called `qkv` and `proj` as in timm, where torchvision has",
            "`to_qkv` and `merge`. The weights of `googlenet` have its auxiliary heads, which `--set aux=1` adds.",
            "",
            "**Values** are those of the emitted module beside torchvision's with the same random weights, within 1e-5 (gradients in training mode within",
            "1e-4), on images that are often smaller. A shortened network has fewer blocks in a row, as all would take more than 1 GB.",
            "",
            "| classifier | spec and options | parameters | MACs | keys | values compared |",
            "|---|---|---:|---:|---|---|",
            *(_line(name, row) for name, row in table.items()),
            "",
        ]
    )


def _line(name: str, row: dict[str, Any]) -> str:
    own = archspec.load(row["spec"])
    shape = (row["side"], row["side"], 3)
    options = [f" --set {key}={_written(value)}" for key, value in row.get("set", {}).items()]
    if own.inputs[0].type.shape != shape:
        options.append(" --input {}x{}x{}".format(*shape))
    totals = archspec.analyze(archspec.load(row["spec"], params=row.get("set", {}), inputs={"input": shape})).totals
    keys = row.get("keys", "equal")
    with_gradients = row["spec"] == name and keys != "renamed"
    values = "outputs, shortened" if "cut" in row else "outputs and gradients" if with_gradients else "outputs"
    return f"| {name} | `{row['spec']}{''.join(options)}` | {totals.params:,} | {totals.macs:,} | {keys} | {values} |"


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "yes" if value is True else str(value)
