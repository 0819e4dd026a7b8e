"""Writes what is generated: docs/layers.md, codes.md, from_frameworks.md, commands.md, python.md, torchvision.md, architectures.md,
ir.schema.json and images, grammars/tmLanguage.json, the colours of the playground, and the command output shown in README.md and in other documents.

    python docs/make.py            rewrites what is stale
    python docs/make.py --check    writes nothing; exits with 1 when something is stale
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from collections.abc import Callable
from functools import partial

from generate.architectures import architectures
from generate.classifiers import classifiers
from generate.common import PYTHON, RICH, ROOT
from generate.frameworks import frameworks
from generate.grammar import schema, textmate
from generate.images import bubbles, drawing, error_image, explain_image, table_image
from generate.layers import layers
from generate.output import shown
from generate.python import python
from generate.reference import codes, commands, support
from generate.sizes import sizes

from archspec.views.page.document import colours

OUTPUTS: dict[str, Callable[[], str]] = {
    "docs/layers.md": layers,
    "docs/codes.md": codes,
    "docs/from_frameworks.md": frameworks,
    "docs/commands.md": commands,
    "docs/support.md": support,
    "docs/python.md": python,
    "docs/ir.schema.json": schema,
    "docs/sizes.md": sizes,
    "docs/torchvision.md": classifiers,
    "docs/architectures.md": architectures,
    "docs/images/table_lenet5.svg": table_image,
    "docs/images/explain.svg": explain_image,
    "docs/images/error.svg": error_image,
    "docs/images/lenet5_volumes.svg": partial(drawing, "lenet5", "volumes"),
    "docs/images/vgg16_volumes.svg": partial(drawing, "vgg16", "volumes", style="boxes"),
    "docs/images/unet_volumes.svg": partial(drawing, "unet", "volumes", style="boxes"),
    "docs/images/vgg16_bars.svg": partial(drawing, "vgg16", "bars"),
    "docs/images/resnet18_block.svg": partial(drawing, "resnet18", "blocks", "block"),
    "docs/images/resnet152_stage.svg": partial(drawing, "resnet152", "blocks", "stage"),
    "docs/images/bubbles.svg": bubbles,
    "docs/language.md": partial(shown, "docs/language.md"),
    "docs/tutorial.md": partial(shown, "docs/tutorial.md"),
    "docs/import.md": partial(shown, "docs/import.md"),
    "docs/pytorch.md": partial(shown, "docs/pytorch.md"),
    "docs/keras.md": partial(shown, "docs/keras.md"),
    "docs/teaching.md": partial(shown, "docs/teaching.md"),
    "docs/compare.md": partial(shown, "docs/compare.md"),
    "docs/peers.md": partial(shown, "docs/peers.md"),
    "README.md": partial(shown, "README.md"),
    "site/pages/index.md": partial(shown, "site/pages/index.md"),
    "grammars/tmLanguage.json": textmate,
    "playground/src/colours.css": colours,
}


def stale(name: str) -> bool:
    """Whether a generated file differs from what would be made now.

    argparse and rich lay the same text out differently in other versions; written by such a version, a file is compared by its words.
    """
    path = ROOT / name
    if not path.exists():
        return True
    old, new = path.read_text(encoding="utf-8"), OUTPUTS[name]()
    if old == new:
        return False
    made_with = re.search(r"<!-- (?:Python|Written by docs/make.py with rich) (\S+) -->", old)
    if made_with is None or made_with[1] == (PYTHON if name.endswith(".md") else RICH):
        return True
    return _words(old) != _words(new)


def _words(text: str) -> set[str]:
    text = re.sub(r"<style>.*?</style>|<!--.*?-->|<[^>]*>", " ", text, flags=re.DOTALL)
    return set(re.findall(r"[\w-]+", html.unescape(text)))


def main() -> int:
    parser = argparse.ArgumentParser(description="Rewrite the generated documents.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a document is stale")
    check = parser.parse_args().check
    found = [name for name in OUTPUTS if stale(name)]
    for name in found:
        print(f"{name}: {'stale' if check else 'written'}")
        if not check:
            path = ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(OUTPUTS[name](), encoding="utf-8", newline="\n")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
