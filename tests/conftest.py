"""What tests share."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import archspec
from archspec.cli.commands import COMMANDS
from tests.helpers.browser import chromium
from tests.helpers.fork import Forks
from tests.helpers.paths import ROOT, TESTS

READ_AT_START = ("PYTHON", "LC_", "LANG", "MALLOC_", "LD_")


class Ran:
    """A finished command."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8", "backslashreplace")  # messages are in the encoding of the terminal


def pytest_sessionstart():
    """A background job has interrupts ignored, and so would the programs that tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


FEW = 2
"""Cases of one test that the fast run of all tests takes: the first and the last. Others are of the same kind."""


def pytest_addoption(parser):
    parser.addoption("--few", action="store_true", help="the first and the last case of each test, as when all that is not slow is run")


def pytest_itemcollected(item):
    """A test in a real browser is slow."""
    if "browser" in item.fixturenames:
        item.add_marker("slow")


def takes_few(config):
    """Whether few cases are asked for, or all that is not slow is run; a part, named by its path, has all of its cases."""
    return config.option.few or (config.option.markexpr == "not slow" and [Path(name).name for name in config.args] == ["tests"])


@pytest.fixture(scope="session")
def rounds(request):
    """How many of the random cases of one test are tried: a sixth of them in the fast run of all tests."""
    return lambda count: range(count // 6 if takes_few(request.config) else count)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leave few cases of each test where few are taken."""
    if not takes_few(config):
        return
    cases = {}
    for item in items:
        cases.setdefault((item.path, item.originalname), []).append(item)
    left_out = {item for group in cases.values() for item in group[FEW - 1 : -1]}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Where several processes run the tests, one has all of a file, and one all files that import Keras, which takes seconds."""
    if config.option.dist != "load":
        return None
    from xdist.scheduler import LoadFileScheduling

    with_keras = {path.relative_to(ROOT).as_posix() for path in TESTS.rglob("test_*.py") if "helpers.keras" in path.read_text("utf-8")}

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "keras" if file in with_keras else file

    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """The tests and what they import stay until the end: the garbage collector need not look through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    """Nor need it look through all that is left when the process ends, once for pytest, Python and each shell of IPython."""
    gc.freeze()


@pytest.fixture(scope="session")
def archspec_command():
    """Runs the command in a process of its own: no terminal, a clean environment.

    It is a fork of one that has imported the commands, unless the environment says something that Python reads when it starts.
    """
    clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    clean |= {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    forks = Forks(*(f"archspec.cli.{name}" for name in COMMANDS), "archspec.api", "rich.console", environment=clean)

    def run(*arguments: str, stdin: str | bytes = b"", cwd: Path | None = None, env: dict[str, str] | None = None) -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        environment = clean | (env or {})
        differing = [name for name, value in environment.items() if clean.get(name) != value]
        if hasattr(os, "fork") and not any(name.startswith(READ_AT_START) for name in differing):
            return Ran(forks.run_raw("-m", "archspec", *arguments, cwd=cwd, given=data, environment=environment))
        command = [sys.executable, "-m", "archspec", *arguments]
        return Ran(subprocess.run(command, input=data, capture_output=True, cwd=cwd or ROOT, env=environment, check=False))

    return run


@pytest.fixture(scope="session")
def networks():
    """Loads a bundled spec, once for each set of params. Nobody changes what it gives."""

    @cache
    def load(name: str, **params: int) -> archspec.Network:
        return archspec.load(name, params=params)

    return load


@pytest.fixture(scope="session")
def browser():
    """A running Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser, tmp_path):
    """Opens a page; in the end nothing may have gone wrong in it, and nothing may have been asked for."""
    wrong, contexts = [], []

    def opened(text, width=1280, **settings):
        file = tmp_path / f"{len(contexts)}.html"
        file.write_bytes(text.encode())
        context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(5000)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("dialog", lambda dialog: wrong.append(dialog.message))
        tab.on("request", lambda request: request.url == file.as_uri() or wrong.append(request.url))
        tab.goto(file.as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not wrong
