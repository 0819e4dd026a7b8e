"""The settings of a run, as the command line takes them."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any


def number(kind: type[int] | type[float], least: float, most: float = math.inf) -> Callable[[str], float]:
    """Make a reader of an option's number, within limits."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and math.isfinite(value)):
            limit = f"from {least} to {most}" if math.isfinite(most) else f"of at least {least}"
            raise argparse.ArgumentTypeError(f"a {'whole ' if kind is int else ''}number {limit} is expected, not `{text}`")
        return value

    return read


def option(default: object, text: str, metavar: str | None = None, kind: object = None, choices: Iterable[str] | None = None) -> Any:
    """A setting: its default, and what its option takes; {} in the help is the default."""
    shown = text.format(f"{default:g}" if isinstance(default, float) else default)
    takes: dict[str, object] = {"action": "store_true"} if default is False else {"metavar": metavar, "type": kind, "choices": choices}
    return field(default=default, metadata={"help": shown} | takes)


SOURCES = "digits, mnist:DIR, cifar10:DIR, cifar100:DIR, folder:DIR, npz:FILE or synthetic[:N]"
DEVICES = ("auto", "cpu", "cuda", "mps")
LEARNING_RATES = {"sgd": 0.01, "adam": 0.001, "adamw": 0.001}
"""The learning rates of a run without --lr."""
GROUPS = {"data": "data", "weights": "learning", "device": "machine"}
"""The options with which groups begin."""


@dataclass
class Settings:
    """The settings of a run. Its folder keeps them, so that `--resume` goes on with the same ones."""

    data: str = option("", SOURCES, "SOURCE")
    resize: bool = option(False, "scale the images to the size of the network's input")
    gray: bool = option(False, "make the images gray")
    channels: str = option(
        "auto", "where the arrays of npz:FILE have their channels ({}: last; refuses where in doubt)", choices=["auto", "first", "last"]
    )
    skip_broken: bool = option(False, "leave out images that cannot be read, and name them")
    augment: str = option("none", "mirror images, and move them by up to an eighth ({})", choices=["none", "flip", "crop", "flip+crop"])
    val: float = option(0.0, "part of the training images to validate on, instead of the test images ({})", "PART", number(float, 0, 0.9))
    weights: str = option("", "start from these weights, a state_dict (.pt, .safetensors); what it lacks starts at random", "FILE")
    epochs: int = option(20, "how often every image is seen ({})", "N", number(int, 1))
    batch: int = option(32, "images per step, over all processes ({})", "N", number(int, 1))
    optimizer: str = option("adam", "({})", choices=LEARNING_RATES)
    lr: float = option(0.0, "the learning rate (sgd: 0.01; adam, adamw: 0.001)", "RATE", number(float, 0))
    momentum: float = option(0.9, "of sgd ({})", "M", number(float, 0, 1))
    weight_decay: float = option(0.0, "({})", "W", number(float, 0))
    schedule: str = option(
        "cosine", "down to 0; a tenth at 1/2 and at 3/4; 1/(1 + epoch/epochs) ({})", choices=["constant", "cosine", "step", "inverse"]
    )
    warmup: float = option(0.0, "epochs in which the learning rate rises from 0 ({})", "EPOCHS", number(float, 0))
    aux_weight: float = option(-1.0, "the weight of auxiliary heads in the loss (what the spec says, else 0.3)", "W", number(float, 0))
    seed: int = option(0, "seed of all that is random: initial weights, order, augmentation ({})", "N", number(int, 0, 2**31))
    device: str = option("auto", "({}: a GPU where there is one)", choices=DEVICES)
    precision: str = option("fp32", "of matrix products and convolutions, by autocast ({})", choices=["fp32", "bf16", "fp16"])
    workers: int = option(0, "processes that read images ({}: the training process reads them)", "N", number(int, 0, 1024))
    threads: int = option(0, "threads that compute on a CPU ({}: one where a step is small, else all)", "N", number(int, 0, 1024))
    compile: bool = option(False, "compile the network with torch.compile")
    deterministic: bool = option(False, "use only algorithms that give the same bits every time, also on a GPU")
    fsdp: bool = option(False, "shard the network over the processes of torchrun")


def flag(name: str) -> str:
    """The option that sets a setting."""
    return f"--{name.replace('_', '-')}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run. Only options that are given appear in the result."""
    group: argparse._ArgumentGroup
    for setting in fields(Settings):
        if setting.name in GROUPS:
            group = parser.add_argument_group(GROUPS[setting.name])
        group.add_argument(flag(setting.name), default=argparse.SUPPRESS, **setting.metadata)


def arguments(name: str, here: Path) -> tuple[Settings, Path, bool]:
    """Read the settings, the folder of the run, and whether to resume the run in it, whose settings hold where none are given."""
    parser = argparse.ArgumentParser(description=f"Train {name}.")
    add_options(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, default=here, help="the folder of the run (this one)")
    parser.add_argument("--resume", action="store_true", help="continue the run in that folder")
    given = vars(parser.parse_args())
    out, resume = given.pop("out"), given.pop("resume")
    if not resume and (held := run_in(out)):
        parser.error(held)
    kept = _kept(out / "settings.json") if resume and (out / "settings.json").is_file() else {}
    if resume and "weights" in given:
        parser.error("--resume goes on with the weights of the run, so --weights has no place beside it")
    settings = Settings(**(kept | given))
    if not settings.data:
        parser.error(f"there is no run in {out} to go on with" if resume else "--data is needed")
    return replace(settings, lr=settings.lr or LEARNING_RATES[settings.optimizer]), out, resume


def run_in(folder: Path) -> str | None:
    """Describe the run in a folder, and how to resume it; None if there is none."""
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
    """The settings of a run, except for its sharding: any number of processes may go on with it, sharded or not."""
    try:
        return checked(json.loads(path.read_text(encoding="utf-8"))["settings"]) | {"fsdp": False}
    except OSError as error:
        raise SystemExit(f"train.py: cannot read {path}: {error.strerror or error}") from None
    except KeyError as error:
        why = f"it lacks {error}"
    except argparse.ArgumentTypeError as error:
        why = str(error)[:200]
    except (ValueError, TypeError, RecursionError):
        why = "it is no JSON with `settings` in it"
    raise SystemExit(f"train.py: {path} is damaged: {why}")


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Read the settings in a file. Raises KeyError for one that is missing, ArgumentTypeError for a wrong value."""
    return {setting.name: _checked(setting, found[setting.name]) for setting in fields(Settings)}


def _checked(setting: Field[Any], value: object) -> object:
    """Read a setting in a file. Raises ArgumentTypeError for one that the command line would refuse."""
    name, default, choices, kind = setting.name, setting.default, setting.metadata.get("choices"), setting.metadata.get("type")
    if type(value) is not type(default) and not (isinstance(default, float) and type(value) is int):
        raise argparse.ArgumentTypeError(f"`{name}` is {json.dumps(value)[:60]}, not such as {json.dumps(default)}")
    if value == default:
        return value  # it may be one that cannot be given, such as that of --lr
    if choices and value not in choices:
        raise argparse.ArgumentTypeError(f"`{name}` is {json.dumps(value)[:60]}, none of {', '.join(choices)}")
    try:
        return kind(str(value)) if kind else value
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"`{name}`: {error}") from None
