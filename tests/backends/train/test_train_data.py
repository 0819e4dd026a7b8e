"""Reading data: files laid out byte for byte as they are published, and damaged ones."""

from __future__ import annotations

import gzip
import random
import struct

import pytest

torch = pytest.importorskip("torch", reason="torch holds the images")

from archspec.backends.train.scripts.data import check, held_out
from archspec.backends.train.scripts.data import read as read_wanted
from archspec.backends.train.scripts.images import DataError, Wanted, prepare, statistics
from archspec.backends.train.scripts.options import Settings

DICE = random.Random(0)


def read(source, shape, outputs, **how):
    return read_wanted(Wanted(shape, outputs, Settings(data=source, **how)))


def some(count):
    return bytes(DICE.randrange(256) for _ in range(count))


def idx(numbers, *sizes):
    """yann.lecun.com/exdb/mnist: a magic number 0x0000080R, R sizes, most significant byte first, the numbers."""
    return struct.pack(f">I{len(sizes)}I", 0x0800 + len(sizes), *sizes) + numbers


def mnist(folder, pack=bytes, end="", count=20, prefix=""):
    folder.mkdir(exist_ok=True)
    made = {}
    for part, number in (("train", count), ("t10k", count // 2)):
        made[part] = some(number * 6), bytes(at % 10 for at in range(number))
        (folder / f"{prefix}{part}-images-idx3-ubyte{end}").write_bytes(pack(idx(made[part][0], number, 2, 3)))
        (folder / f"{prefix}{part}-labels-idx1-ubyte{end}").write_bytes(pack(idx(made[part][1], number)))
    return made


def whole(part):
    return part.__getitems__(list(range(len(part))))


@pytest.mark.parametrize(("pack", "end"), [(bytes, ""), (gzip.compress, ".gz")])
def test_idx_files(tmp_path, pack, end):
    made = mnist(tmp_path, pack, end)
    data = read(f"mnist:{tmp_path}", (1, 2, 3), 10)
    assert (data.shape, len(data.classes), len(data.train), len(data.test)) == ((1, 2, 3), 10, 20, 10)
    for part, name in ((data.train, "train"), (data.test, "t10k")):
        images, labels = whole(part)
        assert images.shape[1:] == (1, 2, 3) and bytes(images.flatten().tolist()) == made[name][0]
        assert bytes(labels.tolist()) == made[name][1]


def test_emnist_is_stored_column_by_column_and_several_may_share_a_folder(tmp_path):
    mnist(tmp_path, prefix="emnist-digits-")
    made = mnist(tmp_path, prefix="emnist-letters-")
    with pytest.raises(DataError, match="several: emnist-digits-train"):
        read(f"mnist:{tmp_path}", (1, 3, 2), 10)
    data = read(f"mnist:{tmp_path}/emnist-letters", (1, 3, 2), 10)
    assert data.shape == (1, 3, 2)
    assert whole(data.train)[0][0, 0].T.flatten().tolist() == list(made["train"][0][:6])


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
WRONG = {
    "empty": (IMAGES, lambda b: b"", "is empty"),
    "short header": (IMAGES, lambda b: b[:9], "cut off in its header"),
    "cut off": (IMAGES, lambda b: b[:-1], "cut off"),
    "too long": (IMAGES, lambda b: b + b"\0", "there are more"),
    "labels for images": (IMAGES, lambda b: idx(b"\1" * 20, 20), "no IDX file of images"),
    "other numbers": (IMAGES, lambda b: b"\0\0\x0d\3" + b[4:], "no IDX file"),
    "a page": (IMAGES, lambda b: b"<html>not found</html>", "no IDX file"),
    "enormous": (IMAGES, lambda b: idx(b"", 2**32 - 1, 2**32 - 1, 2**32 - 1), "cut off"),
    "nothing in it": (IMAGES, lambda b: idx(b"", 0, 2, 3), "0 images"),
    "fewer labels": (LABELS, lambda b: idx(b"\1" * 19, 19), r"20 images, and .* 19 labels"),
    "other size": ("t10k-images-idx3-ubyte", lambda b: idx(b"\1" * 90, 10, 3, 3), "to test with"),
}


@pytest.mark.parametrize("case", WRONG)
def test_idx_files_that_are_wrong(tmp_path, case):
    mnist(tmp_path)
    name, change, told = WRONG[case]
    (tmp_path / name).write_bytes(change((tmp_path / name).read_bytes()))
    with pytest.raises(DataError, match=told):
        read(f"mnist:{tmp_path}", (1, 2, 3), 10)


@pytest.mark.parametrize("at", [0.5, 0.9, 1.0])
def test_gzip_that_is_damaged(tmp_path, at):
    mnist(tmp_path, gzip.compress, ".gz", count=200)
    path = tmp_path / f"{IMAGES}.gz"
    content = bytearray(path.read_bytes())
    if at < 1:
        path.write_bytes(content[: int(len(content) * at)])
    else:
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged|cut off"):
        read(f"mnist:{tmp_path}", (1, 2, 3), 10)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte"):
        read(f"mnist:{tmp_path}", (1, 2, 3), 10)
    for kind in ("mnist", "cifar10", "cifar100", "folder", "npz"):
        with pytest.raises(DataError, match="nowhere"):
            read(f"{kind}:{tmp_path}/nowhere/x", (3, 32, 32), 10)


def cifar(folder, labels, classes, files, count=4):
    """cs.toronto.edu/~kriz/cifar.html: a label (100: coarse, fine), then 1,024 red, green and blue bytes, row by row."""
    folder.mkdir(parents=True)
    made = {}
    for name in files:
        records = [(bytes([1] * (labels - 1) + [DICE.randrange(classes)]), some(3072)) for _ in range(count)]
        made[name] = records
        (folder / name).write_bytes(b"".join(label + pixels for label, pixels in records))
    return made


TEN = [*(f"data_batch_{at}.bin" for at in range(1, 6)), "test_batch.bin"]


def test_cifar10(tmp_path):
    made = cifar(tmp_path / "cifar-10-batches-bin", 1, 10, TEN)
    (tmp_path / "cifar-10-batches-bin" / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n\n")
    for where in (tmp_path, tmp_path / "cifar-10-batches-bin"):
        data = read(f"cifar10:{where}", (3, 32, 32), 10)
        assert (data.shape, data.classes, len(data.train), len(data.test)) == ((3, 32, 32), tuple("abcdefghij"), 20, 4)
        images, labels = whole(data.train)
        records = [record for name in TEN[:5] for record in made[name]]
        assert bytes(images.flatten().tolist()) == b"".join(pixels for _, pixels in records)
        assert bytes(labels.tolist()) == b"".join(label for label, _ in records)
    gray = read(f"cifar10:{tmp_path}", (1, 32, 32), 10, gray=True)
    assert gray.shape == (1, 32, 32)
    red, green, blue = whole(data.train)[0][0, :, 5, 7].tolist()
    assert int(whole(gray.train)[0][0, 0, 5, 7]) == pytest.approx(0.299 * red + 0.587 * green + 0.114 * blue, abs=0.51)


def test_cifar100_is_told_by_its_fine_labels(tmp_path):
    made = cifar(tmp_path / "c", 2, 100, ["train.bin", "test.bin"])
    data = read(f"cifar100:{tmp_path / 'c'}", (3, 32, 32), 100)
    assert whole(data.test)[1].tolist() == [label[1] for label, _ in made["test.bin"]]
    assert bytes(whole(data.test)[0].flatten().tolist()) == b"".join(pixels for _, pixels in made["test.bin"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda b: b[:-5], "cut off"),
        (lambda b: b"", "empty"),
        (lambda b: b"\x0a" + b[1:], "record 0 is of class 10"),
        (None, "Python version"),
    ],
)
def test_cifar_files_that_are_wrong(tmp_path, change, told):
    cifar(tmp_path / "c", 1, 10, TEN)
    path = tmp_path / "c" / "data_batch_3.bin"
    if change is None:
        (tmp_path / "c" / "data_batch_1").write_bytes(b"\x80")
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=told):
        read(f"cifar10:{tmp_path / 'c'}", (3, 32, 32), 10)


def picture(path, size, colour):
    image = pytest.importorskip("PIL.Image", reason="Pillow reads images").new("RGB", size, colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def test_folders(tmp_path):
    for at in range(10):
        picture(tmp_path / "cat" / f"{at}.png", (20 + at, 10), (255, 0, 0))
        picture(tmp_path / "dog" / f"{at}.png", (10, 30), (0, 255, 0))
    data = read(f"folder:{tmp_path}", (3, 8, 8), 2)
    assert (data.classes, data.shape, len(data.train), len(data.test)) == (("cat", "dog"), (3, 8, 8), 16, 4)
    images, labels = whole(data.train)
    assert images.shape == (16, 3, 8, 8) and (images[labels == 1][:, 1] == 255).all() and (images[labels == 0][:, 1] == 0).all()
    assert whole(read(f"folder:{tmp_path}", (1, 8, 8), 2, gray=True).train)[0].shape == (16, 1, 8, 8)
    with pytest.raises(DataError, match="--gray"):
        check(data, Wanted((1, 8, 8), 2, Settings()))
    (tmp_path / "cat" / "0.png").write_bytes(b"\x89PNG no")
    with pytest.raises(DataError, match=r"cannot read .*0\.png"):
        whole(read(f"folder:{tmp_path}", (3, 8, 8), 2).train), whole(read(f"folder:{tmp_path}", (3, 8, 8), 2).test)


def test_folders_in_parts(tmp_path):
    for part, kinds in (("train", "ab"), ("val", "ab")):
        for kind in kinds:
            picture(tmp_path / part / kind / "x.png", (9, 9), (1, 2, 3))
    data = read(f"folder:{tmp_path}", (3, 8, 8), 2)
    assert len(data.train) == len(data.test) == 2
    picture(tmp_path / "val" / "c" / "x.png", (9, 9), (1, 2, 3))
    with pytest.raises(DataError, match="nothing to learn of: c"):
        read(f"folder:{tmp_path}", (3, 8, 8), 2)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="a folder for each class"):
        read(f"folder:{tmp_path / 'none'}", (3, 8, 8), 2)


def test_npz(tmp_path):
    np = pytest.importorskip("numpy")
    x, y = np.arange(20 * 4 * 5 * 3, dtype="uint8").reshape(20, 4, 5, 3), np.arange(20) % 3
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y[:, None], x_test=x[:6], y_test=y[:6])
    data = read(f"npz:{tmp_path / 'a.npz'}", (3, 4, 5), 3)
    assert (data.shape, len(data.classes)) == ((3, 4, 5), 3)
    assert (whole(data.train)[0].permute(0, 2, 3, 1).numpy() == x).all()
    np.savez(tmp_path / "b.npz", x=x[..., 0] / 7, y=y)
    assert read(f"npz:{tmp_path / 'b.npz'}", (1, 4, 5), 3).shape == (1, 4, 5)
    np.savez(tmp_path / "c.npz", x=x.reshape(20, -1), y=y)
    assert read(f"npz:{tmp_path / 'c.npz'}", (60,), 3).shape == (60,)
    wrong = {
        "x is": {"x": x.astype(object), "y": y},
        "labels are": {"x": x, "y": y[:3]},
        "labels are float": {"x": x, "y": y / 2},
        "labels run": {"x": x, "y": y - 1},
        "not finite": {"x": np.full(x.shape, np.inf), "y": y},
        "should hold": {"x_train": x},
        "x is uint8": {"x": x[0, 0], "y": y[:5]},
    }
    for told, arrays in wrong.items():
        with np.errstate(all="ignore"):
            np.savez(tmp_path / "w.npz", **arrays)
        with pytest.raises(DataError, match="can be read" if told == "x is" else told):
            read(f"npz:{tmp_path / 'w.npz'}", (3, 4, 5), 3)
    for content in (b"", b"PK\3\4junk", b"text"):
        (tmp_path / "w.npz").write_bytes(content)
        with pytest.raises(DataError):
            read(f"npz:{tmp_path / 'w.npz'}", (3, 4, 5), 3)


FIRST = [((3, 32, 32), (20, 3, 32, 32)), ((1, 28, 28), (20, 1, 28, 28)), ((3, 16, 16), (20, 3, 32, 32)), ((12, 50), (20, 12, 50))]


@pytest.mark.parametrize(("shape", "stored"), FIRST)
def test_arrays_with_channels_first_are_recognized_and_transposed_when_asked(tmp_path, shape, stored):
    np = pytest.importorskip("numpy")
    x, y = np.arange(np.prod(stored)).reshape(stored).astype("uint8"), np.arange(20) % 3
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(DataError, match=f"looks like {stored[1]} channels first: `--channels first` transposes"):
        read(f"npz:{tmp_path / 'a.npz'}", shape, 3)
    data = read(f"npz:{tmp_path / 'a.npz'}", shape, 3, channels="first", resize=True)
    assert data.shape == stored[1:] and (whole(data.train)[0].numpy() == x).all()
    last = (stored[-1], *stored[1:-1])
    assert read(f"npz:{tmp_path / 'a.npz'}", last, 3, channels="last").shape == last


@pytest.mark.parametrize(
    ("shape", "stored"),
    [((3, 32, 32), (20, 32, 32, 3)), ((1, 3, 28), (20, 3, 28, 1)), ((5, 3, 9), (20, 3, 9, 5)), ((8, 8, 8), (20, 8, 8, 8))],
)
def test_arrays_with_channels_last_are_read_without_a_question(tmp_path, shape, stored):
    np = pytest.importorskip("numpy")
    np.savez(tmp_path / "a.npz", x=np.zeros(stored, "uint8"), y=np.arange(20) % 3)
    assert read(f"npz:{tmp_path / 'a.npz'}", shape, 3).shape == shape


def test_broken_images_are_left_out_and_named_when_asked(tmp_path):
    for at in range(10):
        picture(tmp_path / "cat" / f"{at}.png", (20, 10), (255, 0, 0))
        picture(tmp_path / "dog" / f"{at}.png", (10, 30), (0, 255, 0))
    (tmp_path / "cat" / "3.png").write_bytes(b"\x89PNG no")
    cut = (tmp_path / "dog" / "5.png").read_bytes()
    (tmp_path / "dog" / "5.png").write_bytes(cut[: len(cut) // 2])
    data = read(f"folder:{tmp_path}", (3, 8, 8), 2)
    with pytest.raises(DataError, match="`--skip-broken` leaves out images that cannot be read"):
        whole(data.train), whole(data.test)
    data = read(f"folder:{tmp_path}", (3, 8, 8), 2, skip_broken=True)
    assert [str(path.relative_to(tmp_path)) for path in data.skipped] == ["cat/3.png", "dog/5.png"]
    assert len(whole(data.train)[1]) + len(whole(data.test)[1]) == 18


def test_what_does_not_fit_is_told_with_the_flag_that_mends_it():
    data = read("synthetic:20", (3, 8, 8), 4)
    check(data, Wanted((3, 8, 8), 4, Settings()))
    check(data, Wanted((3, 16, 16), 4, Settings(resize=True)))
    for shape, outputs, told in [
        ((1, 8, 8), 4, "--gray"),
        ((3, 16, 16), 4, "--resize.*--input 8x8x3"),
        ((4, 8, 8), 4, "--input 8x8x3"),
        ((192,), 4, "--input 8x8x3"),
        ((3, 8, 8), 5, "--set classes=4"),
        ((3, 8, 8), 1, "--set classes=4"),
    ]:
        with pytest.raises(DataError, match=told):
            check(data, Wanted(shape, outputs, Settings()))


def test_batches_have_mean_0_and_deviation_1():
    data = read("synthetic:500", (3, 8, 8), 4)
    mean, std = map(torch.tensor, statistics(data.train))
    x = prepare(whole(data.train)[0], (3, 8, 8), mean, std)
    assert x.mean((0, 2, 3)).abs().max() < 1e-4 and (x.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert prepare(whole(data.train)[0], (3, 20, 12), mean, std).shape == (400, 3, 20, 12)


def test_augmentation_moves_and_mirrors():
    torch.manual_seed(0)
    images = torch.arange(64.0).view(1, 1, 8, 8).expand(200, 1, 8, 8)
    mean, std = torch.zeros(1), torch.ones(1)
    flipped = prepare(images, (1, 8, 8), mean, std, "flip")
    same = (flipped == images).flatten(1).all(1)
    assert 60 < int(same.sum()) < 140 and torch.equal(flipped[~same], images[~same].flip(3))
    moved = prepare(images, (1, 8, 8), mean, std, "crop")
    assert len({tuple(m.flatten().tolist()) for m in moved}) == 9
    assert all(torch.equal(m[:, 1:-1, 1:-1].diff(dim=2), torch.ones(1, 6, 5)) for m in moved)


def test_what_is_held_out_is_always_the_same():
    data = read("synthetic:100", (1, 4, 4), 2)
    (rest, kept), (_, again) = held_out(data.train, 0.25), held_out(data.train, 0.25)
    assert (len(rest), len(kept)) == (60, 20) and torch.equal(whole(kept)[0], whole(again)[0])
    with pytest.raises(DataError):
        held_out(data.train, 0.001)


def test_synthetic_images_that_no_memory_holds():
    """As a spec with one input of 2^63 - 1 numbers would ask for."""
    with pytest.raises(DataError, match="do not fit into memory"):
        read("synthetic", (2**63 - 1,), 1)
