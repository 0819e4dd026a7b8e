"""Where the files lie that ship with the package: beside the code in a wheel, at the top of the repository in a checkout."""

from __future__ import annotations

from pathlib import Path


def specs_folder() -> Path:
    """The folder of the bundled specs: that of the checkout, or of the installed package."""
    package = Path(__file__).parent
    inside = package / "_data" / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def bundled(name: str) -> Path | None:
    """The bundled spec of this name, or None."""
    path = specs_folder() / f"{name}.arch"
    return path if path.is_file() else None


def bundled_names() -> list[str]:
    """The names of the bundled specs, sorted."""
    return sorted(path.stem for path in specs_folder().glob("*.arch"))
