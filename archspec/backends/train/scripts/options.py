"""The settings of a run, as the command line takes them."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NoReturn


@dataclass
class Settings:
    """What a run is told. Its folder keeps them, so that `--resume` goes on with the same ones."""

    data: str = ""
    resize: bool = False
    gray: bool = False
    channels: str = "auto"
    skip_broken: bool = False
    augment: str = "none"
    val: float = 0.0
    weights: str = ""
    epochs: int = 20
    batch: int = 32
    optimizer: str = "adam"
    lr: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.0
    aux_weight: float = -1.0
    seed: int = 0
    device: str = "auto"
    precision: str = "fp32"
    workers: int = 0
    threads: int = 0
    compile: bool = False
    deterministic: bool = False
    fsdp: bool = False


LEARNING_RATES = {"sgd": 0.01, "adam": 0.001, "adamw": 0.001}
"""What a run without --lr learns with."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a run. Only those that are given show up in the result."""
    _data(parser.add_argument_group("data"))
    _learning(parser.add_argument_group("learning"))
    _machine(parser.add_argument_group("machine"))


def _data(group: argparse._ArgumentGroup) -> None:
    add = _adder(group)
    add("--data", metavar="SOURCE", help="digits, mnist:DIR, cifar10:DIR, cifar100:DIR, folder:DIR, npz:FILE or synthetic[:N]")
    add("--resize", action="store_true", help="scale the images to the size that the network takes")
    add("--gray", action="store_true", help="make the images gray")
    add(
        "--channels",
        choices=["auto", "first", "last"],
        help="where the arrays of npz:FILE have their channels (auto: last; asks if in doubt)",
    )
    add("--skip-broken", action="store_true", help="leave out images that cannot be read, and name them")
    add("--augment", choices=["none", "flip", "crop", "flip+crop"], help="mirror images, and move them by up to an eighth (none)")
    add("--val", metavar="PART", type=_number(float, 0, 0.9), help="part of the training images to validate with, not the test images (0)")


def _learning(group: argparse._ArgumentGroup) -> None:
    add = _adder(group)
    add("--weights", metavar="FILE", help="begin with these weights, a state_dict (.pt, .safetensors); layers that it lacks begin as drawn")
    add("--epochs", metavar="N", type=_number(int, 1), help="how often every image is seen (20)")
    add("--batch", metavar="N", type=_number(int, 1), help="images a step, over all processes (32)")
    add("--optimizer", choices=list(LEARNING_RATES), help="(adam)")
    add("--lr", metavar="RATE", type=_number(float, 0), help="the learning rate (sgd: 0.01; adam, adamw: 0.001)")
    add("--momentum", metavar="M", type=_number(float, 0, 1), help="of sgd (0.9)")
    add("--weight-decay", metavar="W", type=_number(float, 0), help="(0)")
    add(
        "--schedule",
        choices=["constant", "cosine", "step", "inverse"],
        help="down to 0; a tenth at 1/2 and at 3/4; 1/(1 + epoch/epochs) (cosine)",
    )
    add("--warmup", metavar="EPOCHS", type=_number(float, 0), help="epochs in which the learning rate rises from 0 (0)")
    add("--aux-weight", metavar="W", type=_number(float, 0), help="the weight of side heads in the loss (what the spec says, else 0.3)")
    add("--seed", metavar="N", type=_number(int, 0, 2**31), help="of the first weights, the order and all else that is random (0)")


def _machine(group: argparse._ArgumentGroup) -> None:
    add = _adder(group)
    add("--device", choices=["auto", "cpu", "cuda", "mps"], help="(auto: a GPU where there is one)")
    add("--precision", choices=["fp32", "bf16", "fp16"], help="of matrix products and convolutions, by autocast (fp32)")
    add("--workers", metavar="N", type=_number(int, 0, 1024), help="processes that read images (0: none beside the one that learns)")
    add("--threads", metavar="N", type=_number(int, 0, 1024), help="threads that compute on a CPU (0: one where a step is small, else all)")
    add("--compile", action="store_true", help="compile the network with torch.compile")
    add("--deterministic", action="store_true", help="only algorithms that give the same bits every time, on a GPU too")
    add("--fsdp", action="store_true", help="shard the network over the processes of torchrun")


def _adder(group: argparse._ArgumentGroup) -> Callable[..., object]:
    def add(name: str, **settings: object) -> object:
        return group.add_argument(name, default=argparse.SUPPRESS, **settings)  # type: ignore[arg-type]

    return add


def _number(kind: type[int] | type[float], least: float, most: float = math.inf) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and math.isfinite(value)):
            limit = f"from {least} to {most}" if math.isfinite(most) else f"of at least {least}"
            raise argparse.ArgumentTypeError(f"a {'whole ' if kind is int else ''}number {limit} is wanted, not `{text}`")
        return value

    return number


def arguments(name: str, here: Path) -> tuple[Settings, Path, bool]:
    """The settings, the folder of the run, and whether to go on with the run that is there; its settings hold, where none are given."""
    parser = argparse.ArgumentParser(description=f"Train {name}.")
    add_options(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, default=here, help="the folder of the run (this one)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    given = vars(parser.parse_args())
    out, resume = given.pop("out"), given.pop("resume")
    kept: dict[str, Any] = {}
    if resume and (out / "settings.json").is_file():
        kept = _kept(out / "settings.json")
    elif not resume and (held := run_in(out)):
        parser.error(held)
    if resume and "weights" in given:
        parser.error("--resume goes on with the weights of the run, so --weights has no place beside it")
    settings = Settings(**(kept | given))
    if not settings.data:
        parser.error(f"there is no run in {out} to go on with" if resume else "--data is needed")
    return replace(settings, lr=settings.lr or LEARNING_RATES[settings.optimizer]), out, resume


def run_in(folder: Path) -> str | None:
    """What the run in a folder is, and how to go on; None where there is none."""
    if not (folder / "last.pt").exists():
        return None
    try:
        epochs = json.loads((folder / "settings.json").read_text(encoding="utf-8"))["settings"]["epochs"]
        done = (folder / "metrics.jsonl").read_text(encoding="utf-8").count("\n")
    except (OSError, ValueError, KeyError, TypeError):
        epochs = done = 0
    if 0 < epochs <= done:
        return f"{folder} holds a finished run of {done} epochs: `--resume --epochs {2 * done}` goes on, --out names another folder"
    return f"{folder} holds a run: --resume goes on with it, --out names another folder"


def _kept(path: Path) -> dict[str, Any]:
    """The settings of a run, but for its sharding: any number of processes may go on with it, sharded or not."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["settings"]
        kept = {field.name: found[field.name] for field in fields(Settings) if field.name != "fsdp"}
    except KeyError as error:
        raise SystemExit(f"train.py: {path} is damaged: it lacks {error}") from None
    except OSError as error:
        raise SystemExit(f"train.py: cannot read {path}: {error.strerror or error}") from None
    except (ValueError, TypeError, RecursionError):
        raise SystemExit(f"train.py: {path} is damaged: it is no JSON with `settings` in it") from None
    for field in fields(Settings):
        if field.name in kept:
            _hold(path, field.name, kept[field.name], field.default)
    return kept


class _Refusing(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message.partition(": ")[2] or message)


def _hold(path: Path, name: str, value: object, default: object) -> None:
    """Hold a setting that a file keeps against what the command line would take."""
    if value == default and type(value) is type(default):
        return  # a default may be none that can be asked for, such as that of --lr
    option = f"--{name.replace('_', '-')}"
    if type(value) is not type(default) and not (isinstance(default, float) and type(value) is int):
        raise SystemExit(f"train.py: {path} is damaged: `{name}` is {json.dumps(value)[:60]}, not such as {json.dumps(default)}")
    parser = _Refusing(add_help=False)
    add_options(parser)
    try:
        parser.parse_args([option] if value is True else [f"{option}={value}"])
    except ValueError as error:
        raise SystemExit(f"train.py: {path} is damaged: `{name}`: {str(error)[:200]}") from None
