"""Key files: what is written reads back, and whatever is wrong is said in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.security.key_file import KEY_FILE_SIZE_MAX, encode_key_file, parse_key_file
from protocol.security.keyring import Keyring
from tests.protocol.security.sample import NOW_MS, make_keyring


def two_keys() -> Keyring:
    """Give a keyring in the middle of a rotation."""
    keyring = make_keyring()
    keyring.add(bytes(range(32)), NOW_MS + 5)
    return keyring


def rewritten(text: str, old: str, new: str) -> str:
    """Change a file's text and make its check fit again."""
    from protocol.security.key_file import _check

    lines = [line for line in text.replace(old, new).splitlines() if line and not line.startswith("#")]
    return "\n".join([*lines[:-1], f"check: {_check(lines[:-1])}"])


def test_key_file_round_trips() -> None:
    """A file gives the keyring it was made of."""
    keyring = two_keys()
    again = parse_key_file(encode_key_file(keyring))
    assert again.encode_offer() == keyring.encode_offer()


def test_key_file_survives_what_editors_and_mail_do() -> None:
    """Remarks, blank lines, trailing blanks and CRLF change nothing."""
    text = encode_key_file(two_keys())
    noisy = "# by mail\r\n\r\n" + text.replace("\n", "  \r\n") + "\r\n# end\r\n"
    assert parse_key_file(noisy).encode_offer() == two_keys().encode_offer()


@given(st.data())
def test_key_file_damage_shows(data: st.DataObject) -> None:
    """Law: no letter outside remarks can change unnoticed."""
    text = encode_key_file(two_keys())
    at = data.draw(st.integers(text.index("shoal-key-file"), len(text) - 2))
    letter = data.draw(st.characters(codec="ascii", exclude_characters=text[at] + " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f#"))
    with pytest.raises(InvalidRequest):
        parse_key_file(text[:at] + letter + text[at + 1 :])


@given(st.text(max_size=200))
def test_key_file_refuses_arbitrary_text(text: str) -> None:
    """Only InvalidRequest may come out."""
    with pytest.raises(InvalidRequest):
        parse_key_file(text)
    with pytest.raises(InvalidRequest):
        parse_key_file("shoal-key-file: 1\n" + text)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("cluster: 0", "cluster: U", "no letter of an id"),
        ("cluster: 0", "cluster: 8", "128 bits"),
        ("cluster: 0", "cluster: ", "26 letters"),
        ("primary: ", "primary: x", "hex"),
        ("primary: ", "Primary: ", "not allowed there"),
        (f" {NOW_MS} ", " soon ", "no unix time"),
        (f" {NOW_MS} ", f" {'9' * 19} ", "no unix time"),
        (f" {NOW_MS} ", " ", "2 words"),
        ("000102", "0102", "31 bytes"),
        ("000102", "ff0102", "does not have that id"),
    ],
)
def test_key_file_says_what_is_wrong(old: str, new: str, sentence: str) -> None:
    """Each wrong line has its own sentence, whatever its check says."""
    with pytest.raises(InvalidRequest, match=sentence):
        parse_key_file(rewritten(encode_key_file(two_keys()), old, new))


def test_key_file_needs_all_its_parts() -> None:
    """Without cluster, key or primary, or with a primary it does not hold, it is none."""
    lines = encode_key_file(make_keyring()).splitlines()
    for noun in ("cluster", "key", "primary"):
        line = next(line for line in lines if line.startswith(f"{noun}: "))
        with pytest.raises(InvalidRequest):
            parse_key_file(rewritten("\n".join(lines), line, ""))
    held = make_keyring().primary.hex()
    with pytest.raises(InvalidRequest, match="does not hold"):
        parse_key_file(rewritten("\n".join(lines), f"primary: {held}", "primary: 00000000"))


def test_key_file_is_bounded() -> None:
    """A text of any size is not read to its end."""
    with pytest.raises(InvalidRequest, match="at most"):
        parse_key_file("#" * (KEY_FILE_SIZE_MAX + 1))
