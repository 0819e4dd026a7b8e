"""Scripts run in forks of a process that has imported what they need: processes of their own, without the time that the imports take."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
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
    sys.argv = words
    sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
    try:
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
    words, cwd, out, err = json.loads(line)
    child = os.fork()
    if not child:
        for descriptor, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(cwd)
        signal.alarm(int(sys.argv[1]))
        status = status_of(words)
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forks:
    """Runs scripts one after the other. The process that forks is started by the first, with the environment given, and ends with this one."""

    def __init__(self, *modules: str, environment: dict[str, str]) -> None:
        self.command = [sys.executable, "-c", SERVER, str(SECONDS), *modules]
        self.environment = environment
        self.server: subprocess.Popen[str] | None = None

    def run(self, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the script that the first word names with the others as its arguments."""
        if self.server is None:
            self.server = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            atexit.register(self.server.communicate)
        assert self.server.stdin is not None and self.server.stdout is not None
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            request = [[str(word) for word in words], os.fspath(cwd or ROOT), out.name, err.name]
            print(json.dumps(request), file=self.server.stdin, flush=True)
            status = int(self.server.stdout.readline())
            return subprocess.CompletedProcess(request[0], status, out.read().decode(), err.read().decode())
