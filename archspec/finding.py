"""Finds the bundled specs, and the spec that somebody named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from errno import ENOENT
from pathlib import Path

_MOST = 3
"""Names that a message proposes."""


def specs_folder() -> Path:
    """The folder of the bundled specs, in the checkout or in the installed package."""
    package = Path(__file__).parent
    inside = package / "_data" / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def bundled(name: str) -> Path | None:
    """The bundled spec of this name, or None."""
    path = specs_folder() / f"{name}.arch"
    return path if path.is_file() else None


def bundled_names() -> list[str]:
    """The names of the bundled specs, sorted."""
    return _specs(specs_folder())


def _specs(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.arch"))


def locate(name: str | Path) -> Path:
    """Find the file of a path, or of a bundled spec's name. Raises FileNotFoundError with the names that were probably meant."""
    path, text = Path(name), str(name)
    if "\n" in text:
        raise _missing("expected the name of a file, found the text of a spec; `archspec.loads` takes texts")
    if path.exists():
        return path
    if path.is_symlink():
        raise _missing(f"`{text}` is a link to `{path.readlink()}`, which does not exist")
    bare = path.name == text and not path.suffix
    if bare and (found := bundled(text)) is not None:
        return found
    if re.fullmatch(r"[\w.]+:[\w.]+", text, re.ASCII):
        raise _missing(f"No such file: `{text}`; `archspec import {text} --input 224x224x3` reads a PyTorch module of this name in code")
    if not path.parent.is_dir():
        raise _missing(f"No such file: `{text}`; there is no folder `{path.parent}`")
    near = [str(path.with_name(f"{other}{path.suffix}")) for other in alike(path.stem, _others(path))]
    near += [str(path.with_name(f"{other}.arch")) for other in alike(path.stem, _specs(path.parent))]
    near += [other for other in alike(path.stem, bundled_names()) if other not in near] if path.name == text else []
    what = "there is no file and no bundled spec" if bare else "No such file:"
    raise _missing(f"{what} `{text}`; {_proposed(near[:_MOST])}")


def _others(path: Path) -> list[str]:
    """The files beside one that have its suffix, where that is not one of specs."""
    return sorted(other.stem for other in path.parent.iterdir() if other.suffix == path.suffix) if path.suffix not in ("", ".arch") else []


def _missing(message: str) -> FileNotFoundError:
    error = FileNotFoundError(message)
    error.errno = ENOENT
    return error


def alike(name: str, known: Iterable[str]) -> list[str]:
    """Find the known names that were probably meant: those with its letters, else those that begin so, else those spelled nearly so."""
    from difflib import get_close_matches

    if len(name) > 60:
        return []
    names = list(known)
    bare = _bare(name)
    same = [other for other in names if _bare(other) == bare]
    longer = sorted(
        (other for other in names if len(bare) > 1 and _bare(other).startswith(bare)), key=lambda other: (other.count("_"), len(other))
    )
    return same or longer[:_MOST] or get_close_matches(name, names, n=_MOST, cutoff=0.7)


def _bare(name: str) -> str:
    """Reduce a name to its letters and digits, which people write alike."""
    return re.sub(r"[\W_]", "", name).lower()


def _proposed(names: list[str]) -> str:
    if not names:
        return "`archspec list` names the bundled specs"
    quoted = [f"`{name}`" for name in names]
    return f"did you mean {', '.join(quoted[:-1])}{' or ' if len(quoted) > 1 else ''}{quoted[-1]}?"
