"""The same claims, with mutations led by coverage: `python -m tests.fuzzing.coverage_guided CORPUS [-max_total_time=300 ...]`.

It needs atheris (libFuzzer for Python). CORPUS is a folder: what is mutated is put there where it is empty, and what reaches new code
is added. Further arguments are libFuzzer's. A case that breaks a claim is written to the working folder as `crash-...`;
`python -m tests.fuzzing.mutate crash-...` runs it again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["archspec"]):
    from tests.fuzzing.reading import check
from tests.fuzzing.mutations import texts, words


def prepared(corpus: Path) -> list[str]:
    """A folder with texts to begin with and, in a file beside it, the words of the language; libFuzzer's arguments for them."""
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for kind, found in texts()._asdict().items():
            for at, text in enumerate(found):
                (corpus / f"{kind}{at}").write_text(text, encoding="utf-8")
    dictionary = corpus.with_suffix(".dict")
    quoted = [json.dumps(word) for word in words() if len(word) < 60]  # libFuzzer's entries are escaped as JSON's texts are
    dictionary.write_text("\n".join(quoted) + "\n", encoding="utf-8")
    return [str(corpus), f"-dict={dictionary}", "-max_len=2000", "-timeout=30", "-rss_limit_mb=1000"]


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    arguments = [sys.argv[0], *prepared(Path(sys.argv[1])), *sys.argv[2:]]
    atheris.Setup(arguments, lambda data: check(data, len(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
