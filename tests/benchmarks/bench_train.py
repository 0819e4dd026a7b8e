"""Training: its speed against a loop written by hand, and what 20 kills do to a run. Needs torch.

    python -m tests.benchmarks.bench_train              both
    python -m tests.benchmarks.bench_train speed        or `kills`

Speed is the median of the ratios of neighbouring epochs, the loops taking turns, on the same network and images. The loops by hand take
images that are normalised already, and sum loss and right answers as ours does; one has a DataLoader, the other indexes tensors.
"""

from __future__ import annotations

import importlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

import archspec
from archspec.backends.train.script import emit

SPEED = (("digits", 32, 4000), ("lenet_keras", 64, 1500), ("shallowvggnet_dropout", 32, 320))
"""Spec, batch, images an epoch."""


def folder_of(name: str, place: Path) -> Path:
    place.mkdir()
    for file, text in emit(archspec.load(name)).items():
        (place / file).write_text(text)
    return place


def speed(rounds: int = 15) -> None:
    for name, batch, count in SPEED:
        with tempfile.TemporaryDirectory() as place:
            run, images, labels = prepared(folder_of(name, Path(place) / "run"), batch, count)
            loops = {"ours": ours} | {how: hand_written(run, images, labels, batch, how) for how in ("DataLoader", "tensors")}
            seconds: dict[str, list[float]] = {how: [] for how in loops}
            for at in range(rounds + 2):
                for how in list(loops) if at % 2 else reversed(loops):
                    seconds[how].append(timed(loops[how], run))
            for how in ("DataLoader", "tensors"):
                ratio = statistics.median(theirs / mine for theirs, mine in list(zip(seconds[how], seconds["ours"], strict=True))[2:])
                print(f"{name}, batch {batch}: {ratio:.3f} of the speed of a loop by hand with {how}", flush=True)
            print(f"{name}, batch {batch}: {len(labels) / statistics.median(seconds['ours'][2:]):,.0f} images/s", flush=True)


def prepared(folder: Path, batch: int, count: int):
    """A run as train.py makes it, and its training images as the network takes them."""
    for name in ("train", "model", "data", "images", "options", "processes", "record"):
        sys.modules.pop(name, None)
    sys.path.insert(0, str(folder))
    try:
        train = importlib.import_module("train")
    finally:
        sys.path.remove(str(folder))
    settings = train.Settings(data=f"synthetic:{count}", batch=batch, lr=0.001, epochs=10**6)
    run = train.begin(settings, train.join(settings), folder)
    images = train.prepare(run.train.images, train.INPUT, run.mean, run.std)
    return run, images, run.train.labels


def ours(run) -> None:
    assert run.epoch(shown=False)
    run.progress.epoch, run.progress.step = run.progress.epoch + 1, 0


def hand_written(run, images, labels, batch: int, how: str):
    model = type(run.model)()
    model.set_submodule("softmax1", torch.nn.Identity())
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    loader = DataLoader(TensorDataset(images, labels), batch, shuffle=True)

    def indexed():
        order = torch.randperm(len(labels))
        for at in range(0, len(labels), batch):
            chosen = order[at : at + batch]
            yield images[chosen], labels[chosen]

    def epoch(_) -> None:
        model.train()
        total, right = torch.zeros(()), torch.zeros(())
        for x, y in loader if how == "DataLoader" else indexed():
            scores = model(x)
            loss = F.cross_entropy(scores, y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += loss.detach() * len(y)
            right += (scores.argmax(1) == y).sum()

    return epoch


def timed(epoch, run) -> float:
    begin = time.perf_counter()
    epoch(run)
    return time.perf_counter() - begin


def kills(times: int = 20, seed: int = 0) -> None:
    """A run killed at random moments and taken up again, against one that was left alone."""
    dice, words = random.Random(seed), ["--data", "synthetic:2000", "--epochs", "30", "--augment", "flip+crop"]
    with tempfile.TemporaryDirectory() as place:
        alone, killed = (folder_of("digits", Path(place) / name) for name in ("alone", "killed"))
        begin = time.perf_counter()
        subprocess.run([sys.executable, "train.py", *words], cwd=alone, check=True, stdout=subprocess.DEVNULL)
        whole, done = time.perf_counter() - begin, 0
        while done < times:
            resumed = ["--resume"] if (killed / "last.pt").exists() else []
            child = subprocess.Popen([sys.executable, "train.py", *words, *resumed], cwd=killed, stdout=subprocess.DEVNULL)
            time.sleep(dice.uniform(0.2, 0.6) * whole)
            done += child.poll() is None
            child.kill()
            child.wait()
            sound(killed)
            if (killed / "last.pt").exists() and len(rows(killed)) == 30:
                (killed / "last.pt").unlink()  # it ended before its kills did: once more from the start
        resumed = ["--resume"] if (killed / "last.pt").exists() else []
        subprocess.run([sys.executable, "train.py", *words, *resumed], cwd=killed, check=True, stdout=subprocess.DEVNULL)
        assert rows(killed) == rows(alone)
        weights = [torch.load(folder / "best.pt", weights_only=True) for folder in (alone, killed)]
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        print(f"{done} kills: metrics and weights equal those of the run that was left alone; every file was whole each time", flush=True)


def sound(folder: Path) -> None:
    """Every file that has its name is whole."""
    for path in folder.glob("*.pt"):
        torch.load(path, weights_only=True)
    rows(folder)
    if (folder / "settings.json").exists():
        json.loads((folder / "settings.json").read_text())


def rows(folder: Path) -> list[dict[str, object]]:
    if not (folder / "metrics.jsonl").exists():
        return []
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in ("seconds", "images_per_second")} for row in found]


def main() -> None:
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or ["speed", "kills"]
    if "speed" in wanted:
        speed()
    if "kills" in wanted:
        kills()


if __name__ == "__main__":
    main()
