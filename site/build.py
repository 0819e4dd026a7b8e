"""Builds the site: the pages of docs/, a gallery of the bundled specs, and the playground where there is one.

    python site/build.py OUT [--with mkdocs] [--no-playground] [--repository https://forge.example/archspec/blob/main]

OUT then works from a disk, without a server. The build fails on a broken link and on a page that would ask another origin for something.
The playground needs npm; `--no-playground` leaves it and the links to it out.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SITE = Path(__file__).resolve().parent
ROOT = SITE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs"), str(SITE)]

from checking import problems  # noqa: E402

FURTHER = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages of the repository that are not in docs/, and what they are called here."""
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
FENCED = re.compile(r"(^ *```.*?^ *```$|(?<!\[)`[^`\n]*`)", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^<!-- \$ (?!python)(.+) -->\n+```(\w+)\n", re.MULTILINE)
"""A command, in a comment before what it prints (docs/generate/output.py); the site shows it in a line of its own."""
TOOLS = {"zensical": ("zensical", "build", "--strict", "--clean"), "mkdocs": ("mkdocs", "build", "--strict", "--quiet")}


def linked(text: str, folder: Path, repository: str) -> str:
    """A page whose links lead to pages of the site; what is in the repository alone is a link to there, or only words."""

    def link(match: re.Match[str]) -> str:
        words, target, anchor = match[1], (folder / match[2]).resolve(), match[3] or ""
        name = target.relative_to(ROOT).as_posix()
        if name in FURTHER:
            return f"[{words}]({FURTHER[name]}{anchor})"
        if target.parent == ROOT / "docs" or target.parent == ROOT / "docs" / "images":
            return f"[{words}]({name.removeprefix('docs/')}{anchor})"
        return f"[{words}]({repository}/{name}{anchor})" if repository else words

    parts = FENCED.split(text)
    return "".join(part if at % 2 else LINK.sub(link, part) for at, part in enumerate(parts))


def cells(text: str) -> str:
    r"""Tables as Python-Markdown reads them: in code a bar is a bar, where GitHub wants `\|`."""
    rows = (re.sub(r"`[^`\n]*`", lambda code: code[0].replace("\\|", "|"), row) if row.startswith("|") else row for row in text.split("\n"))
    return "\n".join(rows)


def readable(path: Path, repository: str) -> str:
    """The text of a page of the repository as a page of the site."""
    text = SHOWN.sub(r"```\2\n$ \1\n\n", path.read_text(encoding="utf-8"))
    return cells(linked(text, path.parent, repository))


def gather(pages: Path, repository: str) -> None:
    """Put all pages into a folder: written ones, those of docs/, and the gallery."""
    from generate.gallery import gallery

    shutil.copytree(SITE / "pages", pages)
    shutil.copytree(SITE / "vendor", pages / "assets", dirs_exist_ok=True)
    shutil.copytree(ROOT / "docs" / "images", pages / "images")
    for path in (*sorted((ROOT / "docs").glob("*.*")), *(ROOT / name for name in FURTHER)):
        if path.suffix == ".md":
            (pages / FURTHER.get(path.name, path.name)).write_text(readable(path, repository), encoding="utf-8")
        elif path.suffix == ".json":
            shutil.copy(path, pages)
    gallery(pages)


def build(out: Path, tool: str, repository: str, playground: bool) -> list[str]:
    """Build the site into a folder, which is replaced. Returns what is wrong with it. Raises CalledProcessError where a tool fails."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        gather(work / "pages", repository)
        settings = (SITE / "mkdocs.yml").read_text(encoding="utf-8")
        if not playground:
            settings = settings.replace("playground: playground/index.html", 'playground: ""')
            page = work / "pages" / "index.md"
            page.write_text(re.sub(r"\[[^\]]*\]\(playground/[^)]*\)(\{[^}]*\})?", "", page.read_text(encoding="utf-8")), encoding="utf-8")
        (work / "mkdocs.yml").write_text(settings, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
        subprocess.run([sys.executable, "-m", *TOOLS[tool], "-f", "mkdocs.yml"], cwd=work, env=environment, check=True)
        (work / "out" / "404.html").unlink(missing_ok=True)  # its links begin at the root of a server
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(work / "out", out)
    if playground:
        subprocess.run([sys.executable, str(ROOT / "playground" / "build.py"), str(out / "playground")], check=True)
    return problems(out)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the site.")
    parser.add_argument("out", type=Path, help="the folder to write; what is in it is replaced")
    parser.add_argument("--with", dest="tool", choices=TOOLS, default="zensical", help="what builds the pages")
    parser.add_argument("--repository", default="", help="where the files of the repository are shown, for links to them")
    parser.add_argument("--no-playground", action="store_true", help="leave the playground and the links to it out")
    given = parser.parse_args()
    found = build(given.out.resolve(), given.tool, given.repository.rstrip("/"), not given.no_playground)
    for problem in found:
        print(problem)
    print(f"{given.out}: {len(list(given.out.glob('*.html')))} pages, {len(found)} problems")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
