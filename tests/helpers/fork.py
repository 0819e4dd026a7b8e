"""Programs run in forks of a process that has imported what they need: processes of their own, without the time that the imports take."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.paths import ROOT

SECONDS = 120
"""After which a script is ended."""

SERVER = """
import importlib, json, os, runpy, signal, sys, traceback

for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ImportError:
        pass  # what is not installed is not imported by the scripts either


def status_of(words):
    module = words[0] == "-m"
    sys.argv = words[module:]
    sys.path[0] = os.getcwd() if module else os.path.dirname(os.path.abspath(words[0]))
    try:
        if module:
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


for line in sys.stdin:
    words, cwd, environment, given, out, err = json.loads(line)
    child = os.fork()
    if not child:
        for descriptor, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY), descriptor)
        os.dup2(os.open(given, os.O_RDONLY), 0)
        sys.stdin = open(0, encoding=sys.stdin.encoding, closefd=False)  # the old one may have read ahead what is meant for this process
        os.chdir(cwd)
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        signal.alarm(int(sys.argv[1]))
        status = status_of(words)
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forks:
    """Runs programs one after the other. The process that forks is started by the first, with the environment given, and ends with this one."""

    def __init__(self, *modules: str, environment: Mapping[str, str]) -> None:
        self.command = [sys.executable, "-c", SERVER, str(SECONDS), *modules]
        self.environment = environment
        self.server: subprocess.Popen[str] | None = None

    def run(self, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`run_raw`, with what is printed as text."""
        done = self.run_raw(*words, cwd=cwd)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_raw(
        self, *words: object, cwd: Path | None = None, given: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the script that the first word names, or `-m` and a module, with the other words as arguments.

        It reads `given` from standard input. `environment` is seen by the program, but not by Python, which has started before.
        """
        if self.server is None:
            self.server = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            atexit.register(self.server.communicate)
        assert self.server.stdin is not None and self.server.stdout is not None
        with tempfile.NamedTemporaryFile() as read, tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            read.write(given)
            read.flush()
            called = [str(word) for word in words]
            request = [called, os.fspath(cwd or ROOT), environment and dict(environment), read.name, out.name, err.name]
            print(json.dumps(request), file=self.server.stdin, flush=True)
            status = int(self.server.stdout.readline())
            return subprocess.CompletedProcess(called, status, out.read(), err.read())
