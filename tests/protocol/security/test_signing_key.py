"""Signing keys: what is written reads back, signs as it did, and whatever is wrong is said in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.security.identity import is_signed
from protocol.security.signing_key import (
    SIGNING_KEY_FILE_SIZE_MAX,
    SigningKey,
    _check,
    format_public_key,
    parse_public_key,
)

SEED = bytes(range(32))
FILE = """\
# Whoever holds this file can sign as you: keep it secret, and away from the nodes.
shoal-signing-key: 1
key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
public: A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
check: 320d0c0530420f0d
"""


def make_key() -> SigningKey:
    """Give a key of a fixed seed."""
    return SigningKey.generate(lambda size: SEED[:size])


def rewritten(text: str, old: str, new: str) -> str:
    """Change a file's text and make its check fit again."""
    lines = [line for line in text.replace(old, new).splitlines() if line and not line.startswith("#")]
    return "\n".join([*lines[:-1], f"check: {_check(lines[:-1])}"])


def test_signing_key_file_is_byte_for_byte_what_it_was() -> None:
    """The format is kept by people for years: it does not drift."""
    assert make_key().encode_file() == FILE


def test_signing_key_file_round_trips() -> None:
    """A file gives the key it was made of, whatever editors and mail did to it."""
    key = make_key()
    noisy = "# by mail\r\n\r\n" + key.encode_file().replace("\n", "  \r\n") + "\r\n# end\r\n"
    assert SigningKey.parse_file(key.encode_file()) == key == SigningKey.parse_file(noisy)


def test_signing_key_signs_what_its_public_key_proves() -> None:
    """64 bytes that belong to the text and the key, and to no other."""
    key = make_key()
    signature = key.sign(b"domain 1\0text")
    assert len(signature) == 64
    assert is_signed(signature, b"domain 1\0text", key.public_key)
    assert not is_signed(signature, b"domain 1\0texT", key.public_key)
    assert not is_signed(signature, b"domain 1\0text", SigningKey.generate(bytes).public_key)


def test_signing_key_hides_its_secret() -> None:
    """Neither a log nor a traceback shows it."""
    assert SEED.hex() not in repr(make_key())
    assert repr(SEED)[2:-1] not in repr(make_key())


@given(st.data())
def test_signing_key_damage_shows(data: st.DataObject) -> None:
    """Law: no letter outside remarks can change unnoticed."""
    text = make_key().encode_file()
    at = data.draw(st.integers(text.index("shoal-signing-key"), len(text) - 2))
    letter = data.draw(st.characters(codec="ascii", exclude_characters=text[at] + " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f#"))
    with pytest.raises(InvalidRequest):
        SigningKey.parse_file(text[:at] + letter + text[at + 1 :])


@given(st.text(max_size=200))
def test_signing_key_refuses_arbitrary_text(text: str) -> None:
    """Only InvalidRequest may come out."""
    with pytest.raises(InvalidRequest):
        SigningKey.parse_file(text)
    with pytest.raises(InvalidRequest):
        SigningKey.parse_file("shoal-signing-key: 1\n" + text)
    with pytest.raises(InvalidRequest):
        parse_public_key(text)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("key: 00", "key: ", "64 hex letters"),
        ("key: 00", "key: 0x", "64 hex letters"),
        ("key: 00", "key: 01", "public line that belongs"),
        ("public: A6", "public: B6", "public line that belongs"),
        ("public: ", "extra: 1\npublic: ", "public line that belongs"),
        ("shoal-signing-key: 1", "shoal-signing-key: 2", "first line"),
    ],
)
def test_signing_key_file_says_what_is_wrong(old: str, new: str, sentence: str) -> None:
    """Each wrong line has its sentence, whatever its check says, and none tells the secret."""
    with pytest.raises(InvalidRequest, match=sentence) as refused:
        SigningKey.parse_file(rewritten(make_key().encode_file(), old, new))
    assert SEED.hex()[4:20] not in str(refused.value)


def test_signing_key_file_is_bounded() -> None:
    """A text of any size is not read to its end."""
    with pytest.raises(InvalidRequest, match="at most"):
        SigningKey.parse_file("#" * (SIGNING_KEY_FILE_SIZE_MAX + 1))


def test_public_key_has_one_way_to_be_written() -> None:
    """Base64 in its canonical form; stray bits, other sizes and points off the curve are refused."""
    text = format_public_key(make_key().public_key)
    assert parse_public_key(text) == make_key().public_key
    for wrong in (text[:-1], text + "\n", text[:-2] + "h=", format_public_key(bytes(32)), "", "é" * 44):
        with pytest.raises(InvalidRequest):
            parse_public_key(wrong)
