"""Names of Keras's layers for the paths of a spec's: ASCII, of one level, and each of one layer only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_JOINTS = ("_", "__", "-")
"""What joins the levels of a path: the first that leaves all names apart. A label has no hyphen."""
AUTOMATIC = re.compile(
    r"((depthwise_)?conv\dd(_transpose)?|dense|dot|add|concatenate|multiply|subtract|flatten|reshape|permute|re_lu|leaky_re_lu|elu|softmax|activation|dropout"
    r"|(spatial_dropout|max_pooling|average_pooling|zero_padding|cropping|up_sampling|global_(max|average)_pooling)\dd"
    r"|adaptive_(max|average)_pooling\dd|input_layer)(_\d+)?"
)
"""Names that Keras gives to layers that have none."""


class LayerNames:
    """Makes the names of one network's layers, so that no two are alike."""

    def __init__(self, paths: Iterable[str]) -> None:
        found = list(dict.fromkeys(paths))
        fitting = (joint for joint in _JOINTS if len({joined(path, joint, exact=False) for path in found}) == len(found))
        joint = next(fitting, None)
        self.joint = joint or _JOINTS[-1]
        self.exact = joint is None
        """Whether letters beyond ASCII are written by their numbers, since they fall together without their accents."""

    def __call__(self, path: str) -> str:
        return joined(path, self.joint, exact=self.exact)

    def inner(self, path: str) -> str:
        """The end of the name of what stands inside of a block, as an f-string has it: positions in braces are computed."""
        return self.joint.join([part if part.startswith("{") else _ascii(part, self.exact) for part in path.split(".")])


def joined(path: str, joint: str, *, exact: bool) -> str:
    """A path as one name. One that Keras may give to another layer, or that no layer may have, is lengthened where it begins."""
    first, *more = [_ascii(part, exact) for part in path.split(".")]
    first = f"{first}{joint}layer" if AUTOMATIC.fullmatch(first) else first if first[:1].isalnum() else f"layer{joint}{first.lstrip('_')}"
    return joint.join([first, *more])


@lru_cache(maxsize=4096)
def _ascii(text: str, exact: bool) -> str:
    """Text in letters, digits and underscores."""
    if text.isascii() and text.isidentifier():
        return text
    plain = text if exact else unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode() if not text.isascii() else text
    spelled = "".join(letter if letter.isascii() and (letter.isalnum() or letter == "_") else f"u{ord(letter):x}" for letter in plain)
    return spelled or "".join(f"u{ord(letter):x}" for letter in text)
