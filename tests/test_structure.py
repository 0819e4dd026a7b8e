"""The house rules of the code, as far as a machine can tell."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

PACKAGE = ROOT / "archspec"
FLOORS = [
    {"numeric", "source", "diagnostics", "resources", "extras", "saving"},
    {"types", "finding"},
    {"ops", "syntax"},
    {"ir"},
    {"elaborate", "analysis", "foreign"},
    {"weights"},
    {"backends"},
    {"views"},
    {"api", "report", "cli", "notebook", "__main__", "__init__"},
]
FLOOR = {name: at for at, names in enumerate(FLOORS) for name in names}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "_tables.py")


def imports(path: Path) -> list[str]:
    """The modules of the package that a file imports, those for type checkers left out."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) for n in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archspec"):
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("archspec")]
    return found


def part(module: str) -> str:
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 else "__init__"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    here = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imports(path):
        there = part(module)
        allowed = (
            FLOOR[there] < FLOOR[here]
            or there == here
            or (
                FLOOR[there] == FLOOR[here]
                and (here, there)
                in {
                    ("diagnostics", "source"),
                    ("cli", "api"),
                    ("cli", "__init__"),
                    ("api", "__init__"),
                    ("__main__", "cli"),
                    ("notebook", "api"),
                    ("notebook", "cli"),
                    ("report", "api"),
                }
            )
        )
        assert allowed, f"{here} (floor {FLOOR[here]}) imports {module} (floor {FLOOR[there]})"


def test_there_is_no_cycle():
    graph = {}
    for path in FILES:
        name = ".".join(("archspec", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        tree = ast.parse(path.read_text())
        graph[name] = {
            target
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archspec")
            for target in [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        }
    done, path_ = set(), []

    def visit(name):
        if name in done or name not in graph:
            return
        assert name not in path_, " -> ".join([*path_, name])
        path_.append(name)
        for target in sorted(graph[name]):
            visit(target)
        path_.pop()
        done.add(name)

    for name in graph:
        visit(name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name


@pytest.mark.parametrize("command", [["check", "lenet5"], ["table", "resnet50"], ["explain", "lenet5"], ["expand", "lenet5"], ["list"]])
def test_heavy_imports_are_lazy(command):
    code = (
        "import sys; sys.argv = ['archspec', *sys.argv[1:]]\n"
        "from archspec.cli.main import main\n"
        "main()\n"
        "heavy = {'torch', 'onnx', 'numpy', 'graphviz', 'lark', 'rich', 'pandas', 'pydantic', 'dataclasses', 'inspect'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_next_to_nothing():
    code = "import sys; before = set(sys.modules); import archspec; new = {m for m in set(sys.modules) - before if not m.startswith('archspec')}; assert not new & {'pydantic', 'lark', 'rich'}, new"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
