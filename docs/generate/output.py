"""Output of commands that documents show."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from generate.common import ROOT

_FILE = re.compile(r"^<!-- file: (\S+) -->\n+```\w+[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^(<!-- \$ ([^\n]+) -->\n+```\w+\n)(?:.*?)(^```)$", re.MULTILINE | re.DOTALL)
_RENDERED = re.compile(r"^(<!-- \$\$ ([^\n]+) -->\n+)(?:.*?)(^<!-- end -->)$", re.MULTILINE | re.DOTALL)


def shown(name: str) -> str:
    """A document with the output of its commands brought up to date.

    A fence after `<!-- $ COMMAND -->` holds what the command prints, standard error included. It runs in a folder with the files
    that `<!-- file: NAME -->` names before their fences. `$ python` runs the Python fence above, `$ python -m MODULE` a program of the
    repository. What a command prints as Markdown
    stands without a fence between `<!-- $$ COMMAND -->` and `<!-- end -->`.
    """
    text = (ROOT / name).read_text(encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHONPATH")}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}

    with tempfile.TemporaryDirectory() as folder:
        for file in _FILE.finditer(text):
            (Path(folder) / file[1]).write_text(file[2], encoding="utf-8")

        def run(match: re.Match[str]) -> str:
            words = shlex.split(match[2])
            given = ""
            if words == ["python"]:
                given = [program[1] for program in _PROGRAM.finditer(text, 0, match.start())][-1]
                words = [sys.executable, "-"]
            elif words[0] == "python":
                words = [sys.executable, *words[1:]]
            elif words[0] == "archspec":
                words = [sys.executable, "-m", "archspec", *words[1:]]
            done = subprocess.run(
                words,
                input=given,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                check=False,
            )
            return f"{match[1]}{done.stdout.rstrip()}\n{match[3]}"

        return _RENDERED.sub(run, _SHOWN.sub(run, text))
