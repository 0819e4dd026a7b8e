"""The house rules of the code, as far as a machine can tell. `python -m tests.structure` shows what they are about."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections import Counter

import pytest

import archspec
from tests.helpers.paths import ROOT, TESTS
from tests.structure import (
    FILES,
    FLOOR,
    MODULES,
    PACKAGE,
    imported,
    imports_of,
    lines,
    mermaid,
    module_of,
    room_of,
    statements,
    table,
    tree_of,
    undocumented,
)

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 40
PATHS_OF_OTHERS = {"tests/helpers/fork.py", "tests/benchmarks/bench_train.py"}
"""They run programs that are not ours as Python would, and so set the path that Python would set."""


def test_imports_go_down_only():
    climbing = []
    for path in FILES:
        here = room_of(module_of(path))
        for module in sorted(imports_of(path)):
            there = room_of(module)
            if there != here and FLOOR[there] >= FLOOR[here]:
                climbing.append(f"{path.relative_to(PACKAGE)} (floor {FLOOR[here]}) imports {module} (floor {FLOOR[there]})")
    assert climbing == []


def assert_no_cycle(graph):
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


def test_there_is_no_cycle():
    """Of imports that run when a module is loaded."""
    assert_no_cycle(
        {
            name: set(imported([node for node in tree_of(path).body if isinstance(node, ast.Import | ast.ImportFrom)]))
            for name, path in MODULES.items()
        }
    )


def test_there_is_no_cycle_between_folders_of_a_room():
    """Of any imports: the folders of a room could be rooms of their own."""
    folders = {module for module, path in MODULES.items() if path.name == "__init__.py" and module.count(".") == 2}
    graph = {folder: set() for folder in folders}
    for module, path in MODULES.items():
        here, there = folder_of(module), {folder_of(other) for other in imports_of(path)}
        if here in folders:
            graph[here] |= (there & folders) - {here}
    assert "archspec.views.figures" in graph["archspec.views.comparison"]
    assert "archspec.views.graphics" in graph["archspec.views.figures"]
    assert_no_cycle(graph)


def folder_of(module):
    return ".".join(module.split(".")[:3])


def test_every_room_has_a_floor_and_the_biggest_holds_a_quarter_at_most():
    counted = lines()
    assert set(counted) == set(FLOOR)
    assert max(counted.values()) <= counted.total() / 4, counted.most_common(3)


def test_a_file_name_stands_once():
    """Except commands, which are called as their command is, and the scripts of a run, which are called as users start them."""
    names = Counter(p.name for p in FILES if p.parent.name not in ("cli", "scripts") and p.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_files_and_functions_are_short():
    long = {path.name for path in FILES if path.read_text(encoding="utf-8").count("\n") > LINES_OF_A_FILE}
    for path in FILES:
        functions = [node for node in statements(tree_of(path)) if isinstance(node, ast.FunctionDef)]
        long |= {f"{path.name}: {node.name}" for node in functions if node.end_lineno - node.lineno >= LINES_OF_A_FUNCTION}
    assert long == set()


def test_public_names_are_documented():
    """Those of `archspec` with their methods and properties, and all others of the package."""
    for name in archspec.__all__:
        value = getattr(archspec, name)
        assert inspect.getdoc(value), name
        for member in vars(value) if inspect.isclass(value) else ():
            if not member.startswith("_") and (inspect.isfunction(vars(value)[member]) or isinstance(vars(value)[member], property)):
                assert inspect.getdoc(getattr(value, member)), f"{name}.{member}"
    assert list(undocumented()) == []


def test_what_anybody_can_run_draws_the_rooms():
    text = table()
    assert [room for room in FLOOR if f" {room} " not in text] == []
    assert "  views --> analysis" in mermaid().splitlines()


def test_no_test_edits_the_path():
    """They import each other as tests.NAME, from the root of the checkout."""
    edits = "sys." + "path"
    found = {
        path.relative_to(ROOT).as_posix() for folder in (TESTS, ROOT / "docs") for path in folder.rglob("*.py") if edits in path.read_text()
    }
    assert found == PATHS_OF_OTHERS


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
