"""The processes of a run: one, or those that torchrun started."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from archspec.backends.train.scripts.options import Settings


class World(NamedTuple):
    """The rank of one process among those of torchrun; alone it is the first of one."""

    rank: int
    size: int
    device: torch.device

    def sum(self, values: Tensor) -> list[float]:
        """Sum the values over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return [float(value) for value in values.tolist()]

    def draw_from(self, seed: int) -> None:
        """Seed what the device draws from; on a CPU without torch.manual_seed, which looks for GPUs each time (0.1 ms)."""
        (torch.default_generator.manual_seed if self.device.type == "cpu" else torch.manual_seed)(seed)

    def say(self, text: str) -> None:
        """Print a line once, not once per process, and at once, so that a log has it while the run goes on."""
        if self.rank == 0:
            print(text, flush=True)


class Stop:
    """Ends the run after the current step at Ctrl-C or SIGTERM; a second one ends it at once."""

    def __init__(self) -> None:
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.note)

    def note(self, number: int, _: object) -> None:
        """Handle a signal: note its number, and leave the next one to the system, which ends the process."""
        self.signal = number
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)

    def agreed(self, world: World, step: int) -> bool:
        """Whether to stop now. All processes stop after the same step, so they agree on it every few steps."""
        if world.size == 1:
            return bool(self.signal)
        return step % 8 == 0 and world.sum(torch.tensor([float(bool(self.signal))], device=world.device))[0] > 0


def device_kind(wanted: str) -> str:
    """`cpu`, `cuda` or `mps`; for `auto` a GPU if there is one. Raises ValueError if the device is missing."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind = wanted if wanted != "auto" else "cuda" if there["cuda"] else "cpu"
    if not there[kind]:
        raise ValueError("PyTorch finds no GPU here: --device cpu")
    return kind


def join(settings: Settings) -> World:
    """Find the place of a process among those that torchrun started."""
    try:
        kind = device_kind(settings.device)
    except ValueError as error:
        raise SystemExit(f"train.py: {error}") from None
    device = torch.device(kind, int(os.environ.get("LOCAL_RANK", 0))) if kind == "cuda" else torch.device(kind)
    size = int(os.environ.get("WORLD_SIZE", 1))
    if kind == "cuda":
        torch.cuda.set_device(device)
    if "RANK" in os.environ:
        dist.init_process_group("cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo")
    elif settings.fsdp:
        raise SystemExit("train.py: --fsdp shards the network over processes: start them with torchrun")
    if settings.batch % size:
        raise SystemExit(f"train.py: a batch of {settings.batch} has no equal shares for {size} processes")
    if settings.fsdp and settings.precision == "fp16":
        raise SystemExit("train.py: --fsdp goes with fp32 and bf16")
    torch.use_deterministic_algorithms(settings.deterministic)
    return World(int(os.environ.get("RANK", 0)), size, device)


@contextmanager
def ended() -> Iterator[None]:
    """End the process: with 2 after an error message, since 1 means a mistake in a spec.

    One of several processes ends as soon as its work does.
    Taken apart in order, a group of gloo can wait for ever: it joins a thread that waits for the interpreter's lock (PyTorch 2.13).
    """
    status = 0
    try:
        yield
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 2 if end.code else 0
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        status = 130
    except Exception:
        traceback.print_exc()
        status = 2
    if dist.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
