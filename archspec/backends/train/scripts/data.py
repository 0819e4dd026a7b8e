"""Images and their classes, from files as they are published.

A source is KIND or KIND:PATH:

    digits            scikit-learn's 1,797 handwritten digits, 8x8, scaled to the size that the network takes
    mnist:DIR         IDX files, gzip or not: MNIST, Fashion-MNIST, EMNIST (mnist:DIR/emnist-letters where there are several)
    cifar10:DIR       the binary version: data_batch_1.bin to data_batch_5.bin, test_batch.bin
    cifar100:DIR      the binary version: train.bin, test.bin
    folder:DIR        one folder per class, or train/ and val/ of those; images of any size
    npz:FILE          x_train, y_train, x_test, y_test, or x and y; channels last, or first with `--channels first`
    synthetic[:N]     N random images (2,000) of the size that the network takes

Where a source has no part of its own for tests, a fifth of it is kept for them, always the same one.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Subset

from archspec.backends.train.scripts.images import IMAGES, Batch, Data, DataError, Files, Part, Tensors, Wanted, grayed, written


def read(wanted: Wanted) -> Data:
    """Read the data of a source, for a network. Raises DataError if it cannot be read or does not fit."""
    source = wanted.settings.data
    kind, _, where = source.partition(":")
    if kind not in READERS:
        raise DataError(f"there is no data source `{kind}`; there are {', '.join(READERS)}")
    if not where and kind not in ("digits", "synthetic"):
        raise DataError(f"`{kind}` needs a place: {kind}:PATH")
    try:
        data = READERS[kind](where, wanted)
    except OSError as error:
        raise DataError(f"cannot read {error.filename or where}: {error.strerror or error}") from None
    if len(data.train) == 0 or len(data.test) == 0:
        raise DataError(f"{source} holds no images to {'learn from' if len(data.train) == 0 else 'test with'}")
    if wanted.settings.gray and data.shape[0] == 3:
        train, test = (Tensors(grayed(p.images), p.labels) if isinstance(p, Tensors) else p for p in (data.train, data.test))
        data = data._replace(train=train, test=test, shape=(1, *data.shape[1:]))
    check(data, wanted)
    return data


def check(data: Data, wanted: Wanted) -> None:
    """Check that the data fits the network. Raises DataError, which says how to fix it."""
    shape, outputs = wanted.shape, wanted.outputs
    theirs, ours = written(data.shape), written(shape)
    if len(data.shape) != len(shape) or data.shape[0] != shape[0]:
        gray = len(data.shape) == len(shape) == 3 and (data.shape[0], shape[0]) == (3, 1)
        mend = f"`--gray` makes them grey, `--input {theirs}` changes the network" if gray else f"try `--input {theirs}`"
        raise DataError(f"the images are {theirs}, and the network takes {ours}: {mend}")
    if data.shape != shape and not (len(shape) == 3 and (wanted.settings.resize or data.scaled)):
        scale = "`--resize` scales them, " if len(shape) == 3 else ""
        raise DataError(f"the images are {theirs}, and the network takes {ours}: {scale}`--input {theirs}` changes the network")
    classes = len(data.classes)
    if classes != max(outputs, 2):
        told = f"the data has {classes} classes, and the network {outputs} output{'s' if outputs > 1 else ''}"
        raise DataError(f"{told}: try `--set classes={classes}`, where the spec has that param")


def _directory(path: Path, where: str) -> Path:
    if not path.is_dir():
        raise DataError(f"there is no folder {where}")
    return path


def _digits(where: str, wanted: Wanted) -> Data:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError("the digits come with scikit-learn: `pip install scikit-learn`") from None
    bunch = load_digits()
    images = torch.tensor(bunch.images).mul(255 / 16).round().byte()[:, None]  # from 0 to 16
    return _split(images, torch.tensor(bunch.target), tuple("0123456789"), scaled=True)


def _synthetic(where: str, wanted: Wanted) -> Data:
    """Make images at random: each class is a pattern under noise."""
    if where and not (where.isdecimal() and 5 <= int(where) <= 10**7):
        raise DataError(f"synthetic:N takes a number of images from 5 to 10,000,000, not `{where}`")
    random = torch.Generator().manual_seed(0)
    shape, classes = wanted.shape, max(wanted.outputs, 2)
    count = int(where or 2000)
    labels = torch.arange(count) % classes
    try:
        patterns = torch.rand(classes, *shape, generator=random)
        images = torch.stack([(patterns[at] + torch.rand(shape, generator=random)).mul_(127.5).byte() for at in labels])
    except RuntimeError:  # raised by PyTorch where memory is short
        raise DataError(f"{count:,} images of {written(shape)}, of {classes:,} kinds, do not fit into memory") from None
    return _split(images, labels, tuple(map(str, range(classes))))


def _mnist(where: str, wanted: Wanted) -> Data:
    return _in_parts(where, _idx_pair(where, "train"), _idx_pair(where, "t10k", "test"))


def _in_parts(where: str, train: Batch, test: Batch) -> Data:
    """Images to learn from and to test with, whose classes are numbered."""
    shape, other = (tuple(images.shape[1:]) for images, _ in (train, test))
    if shape != other:
        raise DataError(f"{where}: images of {written(shape)} to learn from, of {written(other)} to test with")
    return Data(Tensors(*train), Tensors(*test), _numbered(torch.cat([train[1], test[1]])), shape)


def _idx_pair(where: str, *names: str) -> Batch:
    """The images, (N, 1, H, W), and the labels of a part."""
    image_file, label_file = (_idx_file(where, names, what) for what in ("images", "labels"))
    images, labels = _idx(image_file, 3), _idx(label_file, 1)
    if len(images) != len(labels):
        raise DataError(f"{image_file} holds {len(images)} images, and {label_file} {len(labels)} labels")
    if len(images) == 0:
        raise DataError(f"{image_file} holds no images")
    if image_file.name.startswith("emnist"):  # stored column by column (Cohen et al. 2017)
        images = images.transpose(1, 2).contiguous()
    return images[:, None], labels


def _idx_file(where: str, names: tuple[str, ...], what: str) -> Path:
    """The one file of its kind, such as train-images-idx3-ubyte.gz."""
    start = "" if Path(where).is_dir() else Path(where).name
    folder = _directory(Path(where) if not start else Path(where).parent, where)
    files = [p for p in sorted(folder.iterdir()) if p.name.startswith(start) and p.is_file()]
    found = [p for p in files if any(f"{name}-{what}" in p.name for name in names)]
    if len(found) == 2 and found[1].name == f"{found[0].name}.gz":
        found.pop()
    if not found:
        raise DataError(f"{where} has no file `{names[0]}-{what}-idx{3 if what == 'images' else 1}-ubyte`, nor that with .gz")
    if len(found) > 1:
        raise DataError(f"{where} has several: {', '.join(p.name for p in found[:3])}; name one as mnist:{folder}/START-OF-ITS-NAME")
    return found[0]


def _idx(path: Path, rank: int) -> Tensor:
    """The bytes of an IDX file: two zeros, 8 for bytes, the rank, each size in four bytes, most significant first; the numbers."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            header = file.read(4 + 4 * rank)
            if len(header) < 4 + 4 * rank:
                raise DataError(f"{path} is {'cut off in its header' if header else 'empty'}")
            if header[:4] != bytes([0, 0, 8, rank]):
                raise DataError(f"{path} is no IDX file of {'images' if rank == 3 else 'labels'}: it begins with {header[:4]!r}")
            sizes = [int.from_bytes(header[at : at + 4], "big") for at in range(4, 4 + 4 * rank, 4)]
            wanted = prod(sizes)
            # No deflated file grows more than 1,032 times: no larger size is read.
            numbers = bytearray(file.read(min(wanted, 1032 * path.stat().st_size) + 1))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged: {error}") from None
    if len(numbers) != wanted:
        told = "it is cut off" if len(numbers) < wanted else "there are more"
        raise DataError(f"{path} should hold {'x'.join(map(str, sizes))} numbers, as its header says, and {told}")
    return torch.frombuffer(numbers, dtype=torch.uint8).view(sizes) if numbers else torch.zeros(sizes, dtype=torch.uint8)


def _cifar(usual: str, train: list[str], test: str, names: str, labels: int, classes: int, where: str, wanted: Wanted) -> Data:
    """The binary files of a folder, or of the one named `usual` in it, that the archive unpacks to."""
    folder = Path(where) / usual if (Path(where) / usual).is_dir() else _directory(Path(where), where)
    if (folder / train[0]).is_file():
        raise DataError(f"{folder} holds the Python version; the binary version is what is read ({usual})")
    learned, tested = ([_records(folder / f"{part}.bin", labels, classes) for part in parts] for parts in (train, [test]))
    images, numbers = map(torch.cat, zip(*learned, strict=True))
    return Data(Tensors(images, numbers), Tensors(*tested[0]), _names(folder / names, classes), (3, 32, 32))


def _records(path: Path, labels: int, classes: int) -> Batch:
    """Images and labels of records: one byte or two of labels, the last of them the finest, and 3x32x32 bytes."""
    content, size = bytearray(path.read_bytes()), labels + 3 * 32 * 32
    if not content or len(content) % size:
        raise DataError(f"{path} is {'cut off: it is no whole number of records of' if content else 'empty; records are'} {size} bytes")
    records = torch.frombuffer(content, dtype=torch.uint8).view(-1, size)
    finest = records[:, labels - 1]
    if int(finest.max()) >= classes:
        at = int((finest >= classes).nonzero()[0])
        raise DataError(f"{path}: record {at} is of class {int(finest[at])}; there are {classes}, so this is no file of CIFAR-{classes}")
    return records[:, labels:].reshape(-1, 3, 32, 32), finest


def _names(path: Path, count: int) -> tuple[str, ...]:
    """Read the names of the classes, if their file exists and is whole."""
    names = path.read_text(encoding="utf-8", errors="replace").split() if path.is_file() else []
    return tuple(names) if len(names) == count else tuple(map(str, range(count)))


def _folder(where: str, wanted: Wanted) -> Data:
    if find_spec("PIL") is None:
        raise DataError("Pillow reads images in files: `pip install pillow`")
    shape = wanted.shape
    if len(shape) != 3:
        raise DataError(f"the images of a folder are maps, and the network takes {written(shape)}")
    folder = _directory(Path(where), where)
    train, test = folder / "train", next((folder / name for name in ("val", "test", "validation") if (folder / name).is_dir()), None)
    if test is None or not train.is_dir():
        train, test = folder, None
    classes = tuple(sorted(entry.name for entry in train.iterdir() if entry.is_dir() and not entry.name.startswith(".")))
    if len(classes) < 2:
        raise DataError(f"{train} should hold a folder for each class, and has {len(classes)}")
    parts = [Files(_files(place, classes), shape[1:], wanted.settings.gray) for place in (train, test) if place]
    skipped = [path for part in parts for path in part.leave_out_broken()] if wanted.settings.skip_broken else []
    data = Data(parts[0], parts[-1], classes, (1 if wanted.settings.gray else 3, *shape[1:]), skipped=tuple(skipped))
    if test:
        return data
    kept, others = _kept(len(parts[0]))
    return data._replace(train=Subset(parts[0], others), test=Subset(parts[0], kept))


def _files(folder: Path, classes: Sequence[str]) -> list[tuple[Path, int]]:
    """The images of a folder, and the classes whose folders they are in."""
    other = sorted({e.name for e in folder.iterdir() if e.is_dir() and not e.name.startswith(".")} - set(classes))
    if other:
        raise DataError(f"{folder} has a class that there is nothing to learn of: {other[0]}")
    places = [(folder / name, at) for at, name in enumerate(classes) if (folder / name).is_dir()]
    found = [(path, at) for place, at in places for path in sorted(place.rglob("*")) if path.suffix.lower() in IMAGES]
    if not found:
        raise DataError(f"{folder} holds no images; they end in {', '.join(sorted(IMAGES))}")
    return found


def _npz(where: str, wanted: Wanted) -> Data:
    try:
        import numpy as np
    except ImportError:
        raise DataError("NumPy reads its files: `pip install numpy`") from None
    try:
        with np.load(where, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if name in ("x", "y", "x_train", "y_train", "x_test", "y_test")}
    except (ValueError, EOFError, KeyError, AttributeError, TypeError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{where} is no file of arrays that can be read: {error}") from None
    if {"x", "y"} <= arrays.keys():
        images, labels = _arrays(where, arrays, "", wanted)
        return _split(images, labels, _numbered(labels))
    if not {"x_train", "y_train", "x_test", "y_test"} <= arrays.keys():
        held = ", ".join(arrays) or "none of them"
        raise DataError(f"{where} should hold x_train, y_train, x_test and y_test, or x and y; it has {held}")
    return _in_parts(where, *(_arrays(where, arrays, f"_{part}", wanted) for part in ("train", "test")))


def _arrays(where: str, arrays: dict[str, Any], part: str, wanted: Wanted) -> Batch:
    """The images of a part, channels first, and their labels. Raises DataError."""
    images, labels = _array(where, f"x{part}", arrays[f"x{part}"], wanted), arrays[f"y{part}"]
    flat = labels.reshape(-1)
    if labels.dtype.kind not in "ui" or len(flat) != len(images):
        expected = f"{len(images)} whole numbers are expected, one per image"
        raise DataError(f"{where}: the labels are {labels.dtype} {labels.shape}, where {expected}")
    if int(flat.min()) < 0 or int(flat.max()) > 10**6:
        raise DataError(f"{where}: the labels run from {flat.min()} to {flat.max()}; classes count from 0")
    return images, torch.from_numpy(flat.astype("int64"))


def _array(where: str, name: str, values: Any, wanted: Wanted) -> Tensor:
    """Values as a tensor with channels first; gray images may come without an axis of channels. Raises DataError."""
    rank = len(wanted.shape)
    if values.dtype.kind not in "uif" or values.ndim not in (rank, rank + 1) or 0 in values.shape:
        raise DataError(f"{where}: {name} is {values.dtype} {values.shape}; expected numbers with {rank + 1} axes, channels last")
    tensor = torch.from_numpy(values if values.dtype == "uint8" else values.astype("float32"))
    if not bool(torch.isfinite(tensor).all()):
        raise DataError(f"{where}: {name} holds numbers that are not finite")
    if values.ndim == rank:
        return tensor[:, None].contiguous()
    if wanted.settings.channels == "auto" and _first(values.shape[1:], wanted.shape):
        first, last = ("x".join(map(str, shape)) for shape in (values.shape[1:], (*values.shape[2:], values.shape[1])))
        raise DataError(
            f"{where}: {name} is {values.shape}, which looks like {values.shape[1]} channels first: `--channels first` transposes "
            f"{first} to {last}, `--channels last` takes it as it is"
        )
    return (tensor if wanted.settings.channels == "first" else tensor.movedim(-1, 1)).contiguous()


def _first(image: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an image of an array seems to have its channels first: as the network takes it so, or 1, 3 or 4 beside larger sizes."""
    if (*image[1:], image[0]) == image or (image[-1], *image[:-1]) == shape:
        return False
    return image == shape or (image[0] in (1, 3, 4) and image[-1] > 4 and min(image[1:]) > image[0])


def _numbered(labels: Tensor) -> tuple[str, ...]:
    return tuple(map(str, range(int(labels.max()) + 1)))


def _split(images: Tensor, labels: Tensor, classes: tuple[str, ...], scaled: bool = False) -> Data:
    """Keep a fifth for tests."""
    kept, others = (torch.tensor(part, dtype=torch.long) for part in _kept(len(labels)))
    train, test = Tensors(images[others], labels[others]), Tensors(images[kept], labels[kept])
    return Data(train, test, classes, tuple(images.shape[1:]), scaled)


def _kept(count: int, fraction: float = 0.2) -> tuple[list[int], list[int]]:
    """Choose which of `count` images are kept for tests, and which are not."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0)).tolist()
    return sorted(order[: round(count * fraction)]), sorted(order[round(count * fraction) :])


def held_out(part: Part, fraction: float) -> tuple[Part, Part]:
    """Split a part into what is learned from and a fraction that chooses the best epoch, always the same one."""
    kept, others = _kept(len(part), fraction)
    if not kept or not others:
        raise DataError(f"a fraction of {fraction} of {len(kept) + len(others)} images leaves nothing on one side")
    return Subset(part, others), Subset(part, kept)


READERS: dict[str, Callable[[str, Wanted], Data]] = {
    "digits": _digits,
    "mnist": _mnist,
    "cifar10": partial(_cifar, "cifar-10-batches-bin", [f"data_batch_{at}" for at in range(1, 6)], "test_batch", "batches.meta.txt", 1, 10),
    "cifar100": partial(_cifar, "cifar-100-binary", ["train"], "test", "fine_label_names.txt", 2, 100),
    "folder": _folder,
    "npz": _npz,
    "synthetic": _synthetic,
}
