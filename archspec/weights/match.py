"""Finds the tensor of a file for each tensor of a network: by name, else by structure.

By structure means that no names are needed, and that nothing is guessed. Two kinds of evidence are taken:

- the order of the tensors, where it is known: a `state_dict` lists modules in the order in which they were made. A safetensors file
  does not keep it: its tensors are sorted by name, so that `features.10` comes before `features.2`;
- names within a module: members of an `nn.Sequential` or `nn.ModuleList` are numbered in order, and members that the network has
  in the same place (`features`, `classifier`) are in its order. `conv1` and `conv2` are not taken for numbers, since people count
  such names up and down.

Either has to agree with all else that is known: shapes, kinds (`weight`, `running_mean`), which tensors share a layer, numbers
that rise along the network, and names that both sides have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import accumulate, pairwise
from typing import Any, Literal, NamedTuple

from archspec.weights.files import WeightsError, few, quoted

COUNTER = "num_batches_tracked"
"""Batch norm's count of batches; it has no effect with a fixed momentum, and files made before PyTorch 0.4.1 lack it."""

DERIVED = ("relative_position_index", "relative_coords_table")
"""What PyTorch's modules store although it follows from a window's size; a file may lack it."""

WRAPPERS = ("module.", "_orig_mod.", "model.")
"""Prefixes that wrappers give all keys of a module: nn.DataParallel and DistributedDataParallel, torch.compile, Lightning's usual."""

_KINDS = frozenset(
    {
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "in_proj_weight",
        "in_proj_bias",
        "gain",
        "original",
        "original0",
        "original1",
        "_u",
        "_v",
    }
)


class Form(NamedTuple):
    """What is known of a tensor without its numbers."""

    shape: tuple[int, ...]
    dtype: str


Forms = Mapping[str, Form]
Pairs = dict[str, str]
How = Literal["name", "structure"]


class Fit(NamedTuple):
    """How the tensors of a file fit a network: the file's key for each of the network, and the `prefix` that only the file's keys have."""

    how: How
    pairs: Pairs
    prefix: str


def form_of(name: str, value: Any) -> Form:
    """The form of a tensor of PyTorch or an array. Raises WeightsError, which calls it `name`, where it holds no plain values."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise WeightsError(f"{name} is a {type(value).__name__}, not a tensor")
    layout = str(getattr(value, "layout", ""))
    if layout.startswith(("torch.sparse", "torch._")) or getattr(value, "is_quantized", False):
        raise WeightsError(f"{name} is not a plain tensor: {layout}, {value.dtype}")
    if getattr(value, "is_meta", False):
        raise WeightsError(f"{name} has a shape but no values: it is on the meta device")
    return Form(tuple(map(int, value.shape)), short(value.dtype))


def short(dtype: object) -> str:
    """The name of a type of numbers, without PyTorch's prefix."""
    return str(dtype).removeprefix("torch.")


def fit(ours: Forms, theirs: Forms, skip: Sequence[str] = ()) -> Fit:
    """Match tensors by key, without the names of wrappers and without those that a pattern of `skip` names. Raises WeightsError."""
    own, prefix = prefix_of(ours), prefix_of(theirs)
    how, pairs = match(_wanted(ours, own, skip), _wanted(theirs, prefix, skip))
    return Fit(how, {own + key: prefix + other for key, other in pairs.items()}, prefix if prefix != own else "")


def _wanted(forms: Forms, prefix: str, skip: Sequence[str]) -> dict[str, Form]:
    """Remove the prefix from keys, and leave out what is to be skipped."""
    bare = {key.removeprefix(prefix): form for key, form in forms.items()}
    return {key: form for key, form in bare.items() if not any(is_called(key, pattern) for pattern in skip)}


def untied(given: Mapping[str, Any], tied: Mapping[str, str]) -> dict[str, Any]:
    """Values by key without those of tied weights, which stand under the key of the layer that has them; a file may have either or both.

    `tied` has both keys. Raises WeightsError where a file has two different tensors for one.
    """
    found = dict(given)
    prefix = prefix_of(found)
    for alias, key in tied.items():
        if prefix + alias not in found:
            continue
        value = found.pop(prefix + alias)
        first = found.setdefault(prefix + key, value)
        if first is not value and (first.shape != value.shape or not bool((first == value).all())):
            raise WeightsError(f"`{prefix + alias}` and `{prefix + key}` are one tensor in the network, and differ in the file")
    return found


def is_called(key: str, pattern: str) -> bool:
    """Whether a pattern names the tensor, or a layer that it is in."""
    return fnmatchcase(key, pattern) or fnmatchcase(key, f"{pattern}.*")


def match(ours: Forms, theirs: Forms) -> tuple[How, Pairs]:
    """Find for each of our tensors the key of theirs, in our order, and how it was found: "name" or "structure".

    Batch norm's counters, and what follows from sizes, are left out where theirs lacks them. Raises WeightsError that says what does not fit.

    >>> conv = Form((6, 1, 5, 5), "float32")
    >>> match({"conv1.weight": conv}, {"features.0.weight": conv})
    ('structure', {'conv1.weight': 'features.0.weight'})
    """
    how: How
    left_out = {COUNTER, *set(DERIVED).difference(key.rpartition(".")[2] for key in theirs)}
    mine, yours = ({key: form for key, form in forms.items() if key.rpartition(".")[2] not in left_out} for forms in (ours, theirs))
    if mine.keys() == yours.keys():
        if any(form.shape != yours[key].shape for key, form in mine.items()):
            raise _differing(mine, yours)
        how, pairs = "name", {key: key for key in mine}
    else:
        how, pairs = "structure", _by_structure(mine, yours)
    layers = {_layer(key): _layer(other) for key, other in pairs.items()}
    for key in ours.keys() - mine.keys():
        counter = f"{layers.get(_layer(key), _layer(key))}.{COUNTER}"
        if counter in theirs and theirs[counter].shape == ours[key].shape:
            pairs[key] = counter
    return how, {key: pairs[key] for key in ours if key in pairs}


def _by_structure(ours: Forms, theirs: Forms) -> Pairs:
    reasons = []
    for way in (_in_order, _by_names_within) if _order_is_told(theirs) else (_by_names_within,):
        try:
            if len(ours) != len(theirs):
                raise WeightsError(f"the network has {len(ours):,} tensors, the file {len(theirs):,}")
            pairs = way(ours, theirs)
            _verify(pairs, ours, theirs)
            return pairs
        except WeightsError as error:
            reasons.append(str(error))
    common = ours.keys() & theirs.keys()
    if len(common) in (len(ours), len(theirs)) or 2 * len(common) >= len(ours.keys() | theirs.keys()):
        raise _differing(ours, theirs)
    here, there = (next(key for key in one if key not in other) for one, other in ((ours, theirs), (theirs, ours)))
    raise WeightsError(f"the names differ (`{here}` and `{there}`), and the structure does too: {reasons[0]}")


def _in_order(ours: Forms, theirs: Forms) -> Pairs:
    """Match the n-th of theirs with the n-th of ours."""
    for at, ((key, form), (other, their)) in enumerate(zip(ours.items(), theirs.items(), strict=True), 1):
        if form.shape != their.shape or _kind(key) != _kind(other):
            raise WeightsError(f"tensor {at} of the network is `{key}` {form.shape}, that of the file `{other}` {their.shape}")
    return dict(zip(ours, theirs, strict=True))


def _by_names_within(ours: Forms, theirs: Forms) -> Pairs:
    """Match equal names first, if all of them agree in shape; then the rest of each shape and kind in the order of their names."""
    common = [key for key in ours if key in theirs]
    if any(ours[key].shape != theirs[key].shape for key in common):
        common = []
    pairs = {key: key for key in common}
    rest, their_rest = _alike(ours, pairs), _alike(theirs, pairs)
    # Where along the network each module begins; in reverse, so that its first tensor is entered last and stays.
    places = {path: at for at, key in reversed([*enumerate(ours)]) for _, path in _steps(key)}
    for alike, keys in rest.items():
        others = sorted(their_rest.get(alike, ()), key=lambda key: _rank(key, places))
        kind, shape = alike
        if len(keys) != len(others):
            told = f"`{kind}` {shape}" if kind else str(shape)
            raise WeightsError(f"of {told} the network has {len(keys)}, the file {len(others)}")
        for first, second in pairwise(others):
            if not _comparable(_rank(first, places), _rank(second, places)):
                raise WeightsError(f"nothing shows the order of {quoted([first, second])}, both {shape}; a file of torch.save would")
        pairs.update(zip(keys, others, strict=True))
    return {key: pairs[key] for key in ours}


def _verify(pairs: Pairs, ours: Forms, theirs: Forms) -> None:
    """Check a match against the names. Raises WeightsError where they contradict it."""
    layers: dict[str, str] = {}
    owners: dict[str, str] = {}
    spans: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, (key, other) in enumerate(pairs.items()):
        if key != other and key in theirs and theirs[key].shape == ours[key].shape:
            raise WeightsError(f"by its place `{key}` would get `{other}`, but there is a `{key}` {ours[key].shape} too")
        if _kind(key):
            layer, their_layer = _layer(key), _layer(other)
            if layers.setdefault(layer, their_layer) != their_layer:
                raise WeightsError(f"`{key}` would come from `{other}`, the rest of its layer from `{layers[layer]}`")
            if owners.setdefault(their_layer, layer) != layer:
                raise WeightsError(f"`{other}` would go to `{key}`, the rest of its layer to `{owners[their_layer]}`")
        for parent, number in _numbered(other):
            spans[parent][number].append(at)
    for parent, members in spans.items():
        for first, second in pairwise(sorted(members)):
            if max(members[first]) > min(members[second]):
                raise WeightsError(f"`{parent}{second}` would come before `{parent}{first}`")


def _differing(ours: Forms, theirs: Forms) -> WeightsError:
    """Describe how two sets of tensors differ by name, and which layers to leave out."""
    missing = [f"`{key}` {form.shape}" for key, form in ours.items() if key not in theirs]
    extra = [f"`{key}` {form.shape}" for key, form in theirs.items() if key not in ours]
    other = [key for key, form in ours.items() if key in theirs and theirs[key].shape != form.shape]
    reshaped = [f"`{key}` is {theirs[key].shape} in the file and {ours[key].shape} in the network" for key in other]
    kinds = {"it lacks ": missing, "it has, and the network lacks, ": extra, "": reshaped}
    told = [f"{what}{few(found)}" for what, found in kinds.items() if found]
    skip: list[str] = []
    if extra:
        roots = list(dict.fromkeys(key.split(".")[0] for key in theirs if key not in ours))
        inner = {key.split(".")[0] for key in ours}
        if not inner & set(roots) and len(roots) <= 4:
            skip = roots
            told.append(f"skip={roots!r} leaves those out")
    if reshaped and not missing and not extra:
        heads = list(dict.fromkeys(map(_layer, other)))
        if len(heads) <= 4 and len(heads) < len({_layer(key) for key in ours}):
            skip = heads
            told.append(f"skip={heads!r} keeps the network's own numbers there")
    return WeightsError("; ".join(told), skip)


def _order_is_told(theirs: Forms) -> bool:
    """Whether the order of the keys can be that in which modules were made.

    It cannot where keys are sorted within each type of number, as safetensors writes them, or where numbered members are out of order.
    """
    by_type = sorted(theirs, key=lambda key: theirs[key].dtype)  # within a type they stay in order
    if by_type == sorted(theirs, key=lambda key: (theirs[key].dtype, key)):
        return False
    latest: dict[str, int] = {}
    for key in theirs:
        for parent, number in _numbered(key):
            if number < latest.get(parent, 0):
                return False
            latest[parent] = number
    return True


def _alike(forms: Forms, taken: Iterable[str]) -> dict[tuple[str, tuple[int, ...]], list[str]]:
    """Group the keys that are not taken by kind and shape."""
    found: dict[tuple[str, tuple[int, ...]], list[str]] = defaultdict(list)
    for key, form in forms.items():
        if key not in taken:
            found[_kind(key), form.shape].append(key)
    return found


def _layer(key: str) -> str:
    return key.rpartition(".")[0]


def _kind(key: str) -> str:
    """The last part of a key where it is one of PyTorch's own, else empty: other words are their author's."""
    last = key.rpartition(".")[2]
    return last if last in _KINDS else ""


def _number(part: str) -> int | None:
    """A part of a key as a position, or None."""
    return int(part) if part.isdecimal() and len(part) < 10 else None


def _steps(key: str) -> Iterator[tuple[str, str]]:
    """Yield each part of a key with the path that it ends: ("conv1", "conv1"), ("weight", "conv1.weight")."""
    parts = key.split(".")
    return zip(parts, accumulate(parts, "{}.{}".format), strict=True)


def _numbered(key: str) -> Iterator[tuple[str, int]]:
    """Yield the positions in a key, each with all that precedes it."""
    for part, path in _steps(key):
        if (number := _number(part)) is not None:
            yield path.removesuffix(part), number


def _rank(key: str, places: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """Sort key of a name: for each part what its order rests on (a number, our own order, nothing), its rank by that, and itself."""
    rank: list[tuple[str, int, str]] = []
    for part, path in _steps(key):
        if (number := _number(part)) is not None:
            rank.append(("number", number, ""))
        elif path in places:
            rank.append(("ours", places[path], part))
        else:
            rank.append(("", 0, part))
    return rank


def _comparable(first: list[tuple[str, int, str]], second: list[tuple[str, int, str]]) -> bool:
    """Whether the order of two names is known at the part where they first differ."""
    parting = next(((one, other) for one, other in zip(first, second, strict=False) if one != other), None)
    return parting is not None and parting[0][0] == parting[1][0] != "" and parting[0][1] != parting[1][1]


def prefix_of(tensors: Mapping[str, object]) -> str:
    """Find the wrappers' names that all keys begin with."""
    prefix = ""
    while tensors and (more := [wrapper for wrapper in WRAPPERS if all(key.startswith(prefix + wrapper) for key in tensors)]):
        prefix += more[0]
    return prefix
