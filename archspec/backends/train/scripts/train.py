"""Trains the network of model.py, in one process or in several, each of which takes a share of every batch (DDP).

    python train.py --data SOURCE
    torchrun --nproc-per-node 4 train.py --data SOURCE

With `--fsdp` they share the network too. `--help` lists the rest.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, default_convert

from archspec.backends.train.scripts.data import held_out, read
from archspec.backends.train.scripts.images import Batch, Data, DataError, Wanted, prepare, statistics, written
from archspec.backends.train.scripts.model import Model
from archspec.backends.train.scripts.options import Settings, arguments
from archspec.backends.train.scripts.processes import Stop, World, ended, join
from archspec.backends.train.scripts.record import Progress, bar, begin_with, finish, load, save, save_best, told, write_metrics, write_text

NAME = "digits"
INPUT: tuple[int, ...] = (1, 8, 8)  # channels first
OUTPUTS = 10
LOSS = "softmax"  # what turns the network's scores into probabilities; "distance": the smaller, the likelier
LAST: tuple[str, ...] = ("softmax1",)  # layers that are part of the loss while the network learns
HEADS: dict[str, float] = {}  # auxiliary heads, with their weight in the loss
MACS = 337536  # multiply-accumulates of an image

HERE = Path(__file__).resolve().parent


# the network and its loss


def scores(result: Any) -> Tensor:
    """Compute the main output of the network; the larger, the likelier."""
    main: Tensor = getattr(result, "output", result)
    return -main.float() if LOSS == "distance" else main.float()


def loss_of(scores: Tensor, labels: Tensor) -> Tensor:
    """Compute the loss of each image: cross-entropy over the classes, or over a yes and no for each output."""
    if LOSS != "sigmoid":
        return F.cross_entropy(scores, labels, reduction="none")
    target = F.one_hot(labels, OUTPUTS) if OUTPUTS > 1 else labels[:, None]
    return F.binary_cross_entropy_with_logits(scores, target.float(), reduction="none").mean(1)


def total_loss(result: Any, labels: Tensor) -> Tensor:
    """Compute the mean loss of a batch, auxiliary heads included."""
    losses = loss_of(scores(result), labels)
    for name, weight in HEADS.items():
        losses = losses + weight * loss_of(getattr(result, name).float(), labels)
    return losses.mean()


def correct(scores: Tensor, labels: Tensor) -> Tensor:
    """Compare the likeliest class with the label, for each image: of shape (images,). One output alone means yes where it is above 0."""
    predicted = scores.argmax(1) if OUTPUTS > 1 else (scores[:, 0] > 0).long()
    return predicted == labels


def build(settings: Settings, world: World, weights: str) -> tuple[nn.Module, Any]:
    """Build the network, and what is called in its place: itself, shared among processes, or compiled."""
    torch.manual_seed(settings.seed)
    model = Model()
    if weights:
        world.say(f"begins with {begin_with(model, Path(weights))}")
    for name in LAST:
        model.set_submodule(name, nn.Identity())
    called: Any = model
    if settings.fsdp:
        mesh = init_device_mesh(world.device.type, (world.size,))
        for part in reversed(list(model.modules())):
            if type(part).__module__ == Model.__module__ or sum(p.numel() for p in part.parameters(recurse=False)) > 1_000_000:
                fully_shard(part, mesh=mesh)
    model.to(world.device)
    if world.size > 1 and not settings.fsdp:
        called = DistributedDataParallel(model)
    return model, torch.compile(called) if settings.compile else called


# learning


def optimizer_of(settings: Settings, model: nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer of the parameters that are not frozen. AdamW decays weights directly, the others through the gradient."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(parameters, settings.lr, settings.momentum, weight_decay=settings.weight_decay)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, settings.lr, weight_decay=settings.weight_decay)


def learning_rate(settings: Settings, epoch: float) -> float:
    """Compute the learning rate at a time in epochs."""
    if epoch < settings.warmup:
        return settings.lr * epoch / settings.warmup
    part = epoch / settings.epochs
    factors = {
        "constant": 1.0,
        "cosine": (1 + math.cos(math.pi * part)) / 2,
        "step": 0.1 ** ((part >= 0.5) + (part >= 0.75)),
        "inverse": 1 / (1 + part),
    }
    return settings.lr * factors[settings.schedule]


class Run:
    """A network in training, with everything that an epoch needs."""

    def __init__(self, settings: Settings, world: World, data: Data, mean: list[float], std: list[float], weights: str) -> None:
        self.settings, self.world = settings, world
        self.train, self.val = held_out(data.train, settings.val) if settings.val else (data.train, data.test)
        self.mean, self.std = (torch.tensor(values, dtype=torch.float32, device=world.device) for values in (mean, std))
        self.model, self.called = build(settings, world, weights)
        self.optimizer = optimizer_of(settings, self.model)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=settings.precision == "fp16")
        self.sampler: DistributedSampler[Any] = DistributedSampler(self.train, world.size, world.rank, seed=settings.seed)
        self.batches = BatchSampler(self.sampler, settings.batch // world.size, drop_last=False)
        self.progress = Progress()
        self.stop = Stop()

    def loader(self, part: Any, batches: list[list[int]]) -> Iterable[Batch]:
        """Read images and labels in these batches of indices, `--workers` processes ahead."""
        if not self.settings.workers and self.world.device.type == "cpu":
            return map(part.__getitems__, batches)  # all that a DataLoader would do here,
        cuda = self.world.device.type == "cuda"
        return DataLoader(part, batch_sampler=batches, collate_fn=default_convert, num_workers=self.settings.workers, pin_memory=cuda)

    def result(self, images: Tensor, augment: str = "none") -> Any:
        """Run the network on a batch."""
        x = prepare(images.to(self.world.device, non_blocking=True), INPUT, self.mean, self.std, augment)
        precision = torch.float16 if self.settings.precision == "fp16" else torch.bfloat16
        with torch.autocast(self.world.device.type, precision, enabled=self.settings.precision != "fp32"):
            return self.called(x)

    def epoch(self, shown: bool) -> bool:
        """Learn from every image once, from the current progress on; False if the run was stopped."""
        settings, world, progress = self.settings, self.world, self.progress
        self.sampler.set_epoch(progress.epoch)
        batches = list(self.batches)
        sums = torch.tensor([progress.loss, progress.correct], device=world.device) * (world.rank == 0)
        seen = progress.seen * (world.rank == 0)
        begun = time.perf_counter()
        self.called.train()
        with bar(shown, f"epoch {progress.epoch + 1}/{settings.epochs}", progress.step, len(batches)) as advance:
            for images, labels in self.loader(self.train, batches[progress.step :]):
                at = progress.epoch * len(batches) + progress.step
                for group in self.optimizer.param_groups:
                    group["lr"] = learning_rate(settings, at / len(batches))
                # Every step draws from a seed of its own, so a run that goes on draws what it would have drawn.
                world.draw_from(crc32(f"{settings.seed} {at} {world.rank}".encode()))
                labels = labels.to(world.device, non_blocking=True)
                # Both live until the next step has its own: freed at once, their memory would be returned to the system each time.
                result = self.result(images, settings.augment)
                loss = total_loss(result, labels)
                self.scaler.scale(loss).backward()
                self.scaler.step(self.optimizer)
                self.scaler.update()
                self.optimizer.zero_grad()
                sums += torch.stack([loss.detach() * len(labels), correct(scores(result), labels).sum()])
                seen += len(labels)
                progress.step += 1
                advance()
                if self.stop.agreed(world, at) and progress.step < len(batches):
                    break
        progress.loss, progress.correct, progress.seen = world.sum(torch.cat([sums, sums.new_tensor([seen])]))
        progress.seconds += time.perf_counter() - begun
        return progress.step == len(batches)

    @torch.no_grad()
    def validate(self) -> tuple[float, float]:
        """Compute mean loss and accuracy on the validation images. Processes that have fewer of them repeat some, which do not count."""
        count, rank, size = len(self.val), *self.world[:2]
        places = list(range(rank, math.ceil(count / size) * size, size))
        batch = max(self.settings.batch // size, 256)
        chunks = [places[at : at + batch] for at in range(0, len(places), batch)]
        sums = torch.zeros(2, device=self.world.device)
        self.called.eval()
        if self.settings.fsdp:  # as DDP does: all take the first one's running means
            for buffer in self.model.buffers():
                dist.broadcast(buffer, 0)
        loader = self.loader(self.val, [[place % count for place in chunk] for chunk in chunks])
        for chunk, (images, labels) in zip(chunks, loader, strict=True):
            labels, counted = labels.to(self.world.device), torch.tensor(chunk, device=self.world.device) < count
            main = scores(self.result(images))
            sums += torch.stack([(loss_of(main, labels) * counted).sum(), (correct(main, labels) & counted).sum()])
        loss, right = self.world.sum(sums)
        return loss / count, right / count

    def row(self) -> dict[str, Any]:
        """Collect the metrics of the last epoch."""
        progress = self.progress
        val_loss, val_accuracy = self.validate()
        return {
            "epoch": progress.epoch + 1,
            "lr": self.optimizer.param_groups[0]["lr"],
            "train_loss": progress.loss / progress.seen,
            "train_accuracy": progress.correct / progress.seen,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "seconds": round(progress.seconds, 3),
            "images_per_second": round(progress.seen / progress.seconds, 1),
        }

    def save(self, out: Path) -> None:
        """Write the checkpoint last.pt, from which `--resume` goes on."""
        save(out, self.model, self.optimizer, self.scaler.state_dict(), self.progress, self.settings.fsdp)

    def learn(self, out: Path) -> None:
        """Train epoch after epoch. Raises SystemExit if the run is stopped, or the loss is not a number any more."""
        world, settings = self.world, self.settings
        while self.progress.epoch < settings.epochs:
            if not self.epoch(shown=world.rank == 0 and sys.stderr.isatty()):
                self.save(out)
                where = f"epoch {self.progress.epoch + 1}, step {self.progress.step}"
                world.say(f"stopped in {where}; the same command with --resume goes on")
                raise SystemExit(128 + self.stop.signal if self.stop.signal else 0)
            row = self.row()
            if not math.isfinite(row["train_loss"]):
                raise SystemExit(f"train.py: the loss is {row['train_loss']} in epoch {row['epoch']}: try a lower --lr")
            history, best = [*self.progress.history, row], max(self.progress.best, row["val_accuracy"])
            if best > self.progress.best:
                save_best(out, self.model)
            self.progress = Progress(row["epoch"], best=best, history=history)
            self.save(out)
            if world.rank == 0:
                write_metrics(out, history)
            world.say(told(row, settings.epochs))


def begin(settings: Settings, world: World, out: Path, weights: str) -> Run:
    """Read the data, check that it fits, and only then build the network and make the folder."""
    data = read(Wanted(INPUT, OUTPUTS, settings))
    mean, std = statistics(data.train)
    run = Run(settings, world, data, mean, std, weights)
    if world.rank == 0:
        out.mkdir(parents=True, exist_ok=True)
        for file in HERE.iterdir():
            if not (out / file.name).exists() and file.suffix in (".py", ".arch"):
                write_text(out / file.name, file.read_text(encoding="utf-8"))
        about = {"settings": asdict(settings), "classes": data.classes, "mean": mean, "std": std}
        write_text(out / "settings.json", json.dumps(about, indent=1) + "\n")
        if data.skipped:
            write_text(out / "skipped.txt", "".join(f"{path}\n" for path in data.skipped))
    scaled = f" as {written(INPUT)}" if data.shape != INPUT else ""
    count = sum(p.numel() for p in run.model.parameters() if p.requires_grad)
    world.say(
        f"{NAME}: {count:,} parameters; {settings.data}: {len(run.train):,} images to learn from, {len(run.val):,} to validate with, "
        f"{written(data.shape)}{scaled}, {len(data.classes)} classes; {world.device}, {settings.precision}"
        + (f", {world.size} processes" if world.size > 1 else "")
    )
    if data.skipped:
        named = ", ".join(map(str, data.skipped[:3])) + (", ..." if len(data.skipped) > 3 else "")
        world.say(f"left out, since they cannot be read: {len(data.skipped):,} images ({named}); skipped.txt names them all")
    return run


def main() -> None:
    """Read the options, join the other processes, and learn; data that cannot be read ends the run with a message in one line."""
    settings, out, resume = arguments(NAME, HERE)
    world = join(settings)
    # Several threads gain little where a step is small, and take ten times as long on a machine that is busy.
    if settings.threads or MACS * settings.batch < 100_000_000 * world.size:
        torch.set_num_threads(settings.threads or 1)
    if settings.aux_weight >= 0:
        HEADS.update(dict.fromkeys(HEADS, settings.aux_weight))
    try:
        going_on = resume and (out / "last.pt").exists()
        run = begin(settings, world, out, "" if going_on else settings.weights)
        if going_on:
            run.progress = load(out, run.model, run.optimizer, run.scaler)
            if run.progress.epoch >= settings.epochs:
                done = run.progress.epoch
                world.say(f"finished: {done} of {settings.epochs} epochs; `--resume --epochs {2 * done}` goes on")
        run.learn(out)
        if world.rank == 0 and run.progress.history:
            for line in finish(out, NAME, run.progress.history):
                world.say(line)
    except DataError as error:
        sys.exit(f"train.py: {str(error).splitlines()[-1].removeprefix('images.DataError: ')}")


if __name__ == "__main__":
    with ended():
        main()
