"""docs/sizes.md: which square inputs each bundled spec takes, as written, and where nothing may be left over."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import archspec
from archspec.symbolic.sizes import sizes_of
from archspec.symbolic.subjects import spec_of
from generate.common import NOTICE, ROOT

LAST = 2000


def sizes() -> str:
    out = [
        "# Legal input sizes",
        "",
        NOTICE,
        "",
        f"The square inputs, from 1 to {LAST:,}, that the bundled specs take: `archspec sizes SPEC` finds them, and the line at which the others fail.",
        "Most published networks round down where a window leaves positions over. The last column is the same spec with `default round=exact` in",
        "place of its own `default round`: there nothing is left over. Specs of vectors and sequences are left out.",
        "",
        "| spec | as written | with `default round=exact` |",
        "|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "specs"
        shutil.copytree(ROOT / "specs", exact)
        for path in exact.rglob("*.arch"):
            path.write_text(re.sub(r"(?m)^(default .*)round=\w+", r"\1round=exact", path.read_text(encoding="utf-8")), encoding="utf-8")
        for path in sorted((ROOT / "specs").glob("*.arch")):
            network = archspec.load(str(path))
            if len(network.inputs) == 1 and len(network.inputs[0].type.shape) == 3:
                out.append(f"| `{path.stem}` | {_rule(network, path)} | {_rule(network, exact / path.name)} |")
    return "\n".join(out) + "\n"


def _rule(network: archspec.Network, path: Path) -> str:
    """The rule of a spec whose own size may not fit."""
    from archspec.api import compile_source
    from archspec.elaborate.assumptions import Options

    own = spec_of(network)
    options = Options(base=path.parent)
    found = compile_source(path.read_text(encoding="utf-8"), path.name, options)
    assert found.tree is not None
    return sizes_of(own._replace(subject=own.subject._replace(file=found.tree, options=options)), last=LAST)[0].rule
