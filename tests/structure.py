"""The rooms of the package and the imports between them. `python -m tests.structure` prints a table, with `--mermaid` a diagram."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from archspec.cli.commands import COMMANDS
from tests.helpers.paths import ROOT

PACKAGE = ROOT / "archspec"
FLOORS = (
    ("__init__", "numeric", "source", "extras", "saving"),
    ("types", "simplify", "finding", "diagnostics"),
    ("ops", "syntax"),
    ("ir",),
    ("elaborate", "analysis", "foreign"),
    ("symbolic", "weights"),
    ("backends",),
    ("views",),
    ("api",),
    ("shortening", "editor"),
    ("imports",),
    ("live",),
    ("report", "cli", "documents"),
    ("notebook", "__main__"),
)
"""From the ground up. A room is a folder or a file of archspec/; it imports from floors below its own, and from itself.

`__init__` is on the ground: it holds the version, and the public names as strings that are imported when they are first used.
"""
FLOOR = {room: at for at, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "_tables.py")  # _tables.py is generated


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path: Path) -> str:
    return ".".join(("archspec", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def room_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Those in a node, at any depth; expressions, which are most of a tree, are passed over."""
    for _, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else ():
            if isinstance(child, ast.stmt):
                yield child
            if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
                yield from statements(child)


def imported(nodes: list[ast.stmt]) -> Iterator[str]:
    """The modules of the package that statements import, at any depth; imports for type checkers are left out."""
    for node in nodes:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "archspec":
            found = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else str(node.module) for name in found)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "archspec")
        else:
            yield from imported([child for child in statements(node) if isinstance(child, ast.Import | ast.ImportFrom)])


@cache
def imports_of(path: Path) -> frozenset[str]:
    """The modules of the package that a file imports anywhere."""
    return frozenset(imported(tree_of(path).body))


def undocumented() -> Iterator[str]:
    """The public classes, functions and methods without a docstring. A method has that of the class that it comes from, and a function of
    a command's module that of the protocol `Command`.

    Templates are left out: what is in them is written into the files of others.
    """
    classes = {node.name: node for path in FILES for node in tree_of(path).body if isinstance(node, ast.ClassDef)}

    def documented(name: str, owner: ast.ClassDef) -> bool:
        bases = [classes[base.id] for base in owner.bases if isinstance(base, ast.Name) and base.id in classes]
        own = any(isinstance(node, ast.FunctionDef) and node.name == name and ast.get_docstring(node) for node in owner.body)
        return own or any(documented(name, base) for base in bases)

    commands = {f"archspec.cli.{name}" for name in COMMANDS}
    for module, path in MODULES.items():
        for node in tree_of(path).body if ".templates." not in module else ():
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                if not ast.get_docstring(node) and not (module in commands and documented(node.name, classes["Command"])):
                    yield f"{module}.{node.name}"
                for method in node.body if isinstance(node, ast.ClassDef) else ():
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_") and not documented(method.name, node):
                        yield f"{module}.{node.name}.{method.name}"


def arrows() -> dict[str, set[str]]:
    """{room: the rooms that it imports from}."""
    found: dict[str, set[str]] = {room_of(module): set() for module in MODULES}
    for module, path in MODULES.items():
        found[room_of(module)] |= {room_of(other) for other in imports_of(path)} - {room_of(module)}
    return found


def lines() -> Counter[str]:
    """Lines of code, text and blank lines per room."""
    found: Counter[str] = Counter()
    for module, path in MODULES.items():
        found[room_of(module)] += path.read_text(encoding="utf-8").count("\n")
    return found


def table() -> str:
    """The rooms from the top floor down."""
    counted, others = lines(), arrows()
    total = counted.total()
    rows = [f"{'floor':>5}  {'room':<12} {'lines':>6} {'share':>6}  imports"]
    for room in sorted(counted, key=lambda room: (-FLOOR[room], room)):
        below = ", ".join(sorted(others[room], key=lambda other: (-FLOOR[other], other)))
        rows.append(f"{FLOOR[room]:>5}  {room:<12} {counted[room]:>6,} {counted[room] / total:>6.1%}  {below}".rstrip())
    longest = max(FILES, key=lambda path: path.read_text(encoding="utf-8").count("\n"))
    rows.append(f"{'':>5}  {'all':<12} {total:>6,}         {len(FILES)} files; the longest is {longest.relative_to(ROOT)}")
    return "\n".join(rows)


def mermaid() -> str:
    drawn = [f"  {room} --> {other}" for room, others in sorted(arrows().items()) for other in sorted(others)]
    return "\n".join(["flowchart TD", *drawn]).replace("__", "")


if __name__ == "__main__":
    print(mermaid() if "--mermaid" in sys.argv[1:] else table())
