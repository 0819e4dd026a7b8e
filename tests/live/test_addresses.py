"""Specs in addresses: what is written is read back, also by a browser's own functions; what is damaged is said to be so."""

import base64
import random
import re
import zlib

import pytest

from archspec.finding import specs_folder
from archspec.live.addresses import fragment, text_of


def test_every_bundled_spec_comes_back():
    for path in sorted(specs_folder().glob("*.arch")):
        text = path.read_text(encoding="utf-8")
        made = fragment(text)
        assert text_of(made) == text_of(made.removeprefix("#")) == text_of(made.removeprefix("#spec=")) == text
        assert re.fullmatch(r"#spec=[A-Za-z0-9_-]+", made)


@pytest.mark.parametrize("text", ["", "input 8\n", "# é 🙂 中\r\n", "\0", "x" * 1_000_000, "#spec="])
def test_any_text_comes_back(text):
    assert text_of(fragment(text)) == text


def test_a_short_spec_has_a_short_address():
    assert len(fragment((specs_folder() / "resnet50.arch").read_text())) < 1_000


def test_others_write_it_too():
    """Raw deflate as any library makes it, stored blocks and padding included."""
    for level in range(10):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        packed = packer.compress(b"input 8\n") + packer.flush()
        assert text_of("#spec=" + base64.urlsafe_b64encode(packed).decode()) == "input 8\n"


@pytest.mark.parametrize(
    "damaged", ["", "#", "#spec=", "#spec=!", "#spec=AAAA", "spec=é", "#other=abc", "#spec=" + "A" * 100_000, "#spec=_w", "#spec=a b"]
)
def test_damaged(damaged):
    with pytest.raises(ValueError, match="damaged"):
        text_of(damaged)


def test_cut_and_changed_addresses_give_a_text_or_a_reason():
    whole = fragment((specs_folder() / "lenet5.arch").read_text())
    rng = random.Random(1)
    for _ in range(500):
        at = rng.randrange(len(whole))
        changed = rng.choice([whole[:at], whole[:at] + rng.choice("Aa0-_%+/é") + whole[at + 1 :], whole + "AAAA"])
        try:
            assert isinstance(text_of(changed), str)
        except ValueError as error:
            assert "address" in str(error)


def test_what_swells_is_refused_before_it_has_swollen():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"#" * 200_000_000) + packer.flush()
    with pytest.raises(ValueError, match="larger than 1,048,576 bytes"):
        text_of("#spec=" + base64.urlsafe_b64encode(packed).decode())


def test_a_lone_surrogate_is_replaced():
    assert text_of(fragment("a\ud800b")) == "a?b"
