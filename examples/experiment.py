"""What the experiments share: several networks are trained on the same data, and their curves are drawn side by side."""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path


def run(description: str, networks: dict[str, list[str]], small: list[str], large: list[str], out: str) -> None:
    """Train each network, with its own options of `archspec train`.

    `small` are the options for the digits, which need no download; `large` those for the data that --data names.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", metavar="SOURCE", help="such as cifar10:DIR; scikit-learn's digits without it")
    parser.add_argument("--epochs", metavar="N", help="how often every image is seen")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("runs") / out, help=f"where the runs go (runs/{out})")
    given = parser.parse_args()
    common = ["--data", given.data, *large] if given.data else ["--data", "digits", *small]
    common += ["--epochs", given.epochs] if given.epochs else []
    for name, options in networks.items():
        folder = given.out / name
        again = ["--resume"] if (folder / "last.pt").exists() else []
        subprocess.run([sys.executable, "-m", "archspec", "train", name, *common, *options, "--out", str(folder), *again], check=True)
    draw(given.out, list(networks))


def draw(out: Path, names: list[str]) -> None:
    """The curves of the runs in one picture: training dashed, validation solid."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, what in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for at, name in enumerate(names):
            rows = list(csv.DictReader((out / name / "metrics.csv").open()))
            epochs = [int(row["epoch"]) for row in rows]
            for part, style in (("train", "--"), ("val", "-")):
                label = name if part == "val" else None
                axes.plot(epochs, [float(row[f"{part}_{what}"]) for row in rows], style, color=f"C{at}", label=label)
        axes.set(xlabel="epoch", ylabel=what)
        axes.grid(alpha=0.3)
        axes.legend(title="training dashed, validation solid")
    for form in ("svg", "png"):
        figure.savefig(out / f"curves.{form}", dpi=150)
    print(f"{out / 'curves.svg'} is drawn")
