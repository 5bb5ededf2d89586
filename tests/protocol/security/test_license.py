"""Licenses: what is signed reads back, whatever was changed shows, and each wrong thing has its sentence."""

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.security.identity import is_signed
from protocol.security.license import LICENSE_SIZE_MAX, License, issue_license, open_license, renews
from protocol.security.signing_key import SigningKey, format_public_key
from protocol.wire.statement import LICENSE_ID_LENGTH_MAX
from tests.protocol.security.sample import NOW_MS, counting_entropy, seeded_entropy

GOLDEN = """\
{
  "payload": "eyJsaWNlbnNlX2lkIjoiYWNtZSIsIm1heF9ub2RlcyI6NSwiaXNzdWVkX2F0IjoiMjAyMy0xMS0xNFQyMjoxMz\
oyMFoiLCJleHBpcmVzX2F0IjoiMjAyNy0wMS0xNVQwODowMDowMFoifQ==",
  "issuer": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
  "signature": "VICQ9w/nzJfXP7micAviKXj7AlXcD3HGnIAsT4qDkKA53gi8wfPQ+2NynZ30psw1\
F5GTWPcNBTQYm0iSYfFtDg=="
}
"""
YEAR_MS = 365 * 86_400_000


def make_key(seed: str = "issuer") -> SigningKey:
    """Give an issuer's key."""
    return SigningKey.generate(seeded_entropy(seed))


def make_license(key: SigningKey | None = None, **changes: Any) -> License:
    """Give a license for five nodes and a year."""
    values: dict[str, Any] = {
        "license_id": "acme", "max_nodes": 5, "issued_at_ms": NOW_MS, "expires_at_ms": NOW_MS + YEAR_MS,
    }  # fmt: skip
    return issue_license(key or make_key(), **(values | changes))


def signed(payload: bytes, key: SigningKey | None = None) -> str:
    """Give a license file over any payload, properly signed."""
    key = key or make_key()
    return json.dumps({
        "payload": b64encode(payload).decode(),
        "issuer": format_public_key(key.public_key),
        "signature": b64encode(key.sign(b"shoal license 1\0" + payload)).decode(),
    })  # fmt: skip


def payload_with(**changes: Any) -> bytes:
    """Give a payload in which some values are others, or more."""
    values: dict[str, Any] = {
        "license_id": "acme", "max_nodes": 5, "issued_at": "2026-10-01T00:00:00Z", "expires_at": None,
    }  # fmt: skip
    return json.dumps(values | changes).encode()


def test_license_file_is_byte_for_byte_what_it_was() -> None:
    """Files are handed out once and kept for years: the format does not drift."""
    key = SigningKey.generate(counting_entropy())
    license = issue_license(
        key, license_id="acme", max_nodes=5, issued_at_ms=1_700_000_000_000, expires_at_ms=1_800_000_000_000
    )
    assert license.text == GOLDEN
    assert license.identity == "acme@0d6677f06a8a3db0"
    assert open_license(GOLDEN, (key.public_key,)) == license


def test_license_gives_back_what_was_issued() -> None:
    """Every value, the issuer, and the file itself."""
    license = make_license(license_id="Acme.eu-1_x", max_nodes=16_384, expires_at_ms=None)
    assert (license.license_id, license.max_nodes, license.expires_at_ms) == ("Acme.eu-1_x", 16_384, None)
    assert (license.issuer, license.issued_at_ms) == (make_key().public_key, NOW_MS)
    again = open_license(license.text, (b"\1" * 32, license.issuer))
    assert again == license
    assert again.text == license.text


def test_license_keeps_milliseconds() -> None:
    """Two that were issued in one second are told apart."""
    license = make_license(issued_at_ms=NOW_MS + 7)
    assert license.issued_at_ms == NOW_MS + 7
    renews(make_license(), license)


def test_license_signature_is_what_the_page_says() -> None:
    """Domain and exact payload bytes, whoever wrote them: spaces and key order are the issuer's affair."""
    payload = b'{ "expires_at":null,"issued_at" :"2026-10-01T00:00:00.5Z", "max_nodes":3,\n"license_id":"x" }'
    license = open_license(signed(payload), ())
    assert (license.license_id, license.max_nodes, license.issued_at_ms % 1000) == ("x", 3, 500)
    envelope = {noun: b64decode(value) for noun, value in json.loads(make_license().text).items()}
    assert is_signed(envelope["signature"], b"shoal license 1\0" + envelope["payload"], envelope["issuer"])


def test_license_of_a_later_version_is_understood() -> None:
    """Payload keys that are not known are ignored, and stay in the file."""
    text = signed(payload_with(features=["x", {"y": 1.5}], max_zones=3))
    license = open_license(text, ())
    assert license.max_nodes == 5
    assert license.text == text


def test_license_identity_fits_a_record() -> None:
    """The longest id with its issuer is no longer than a record's field; issuers of one id differ in it."""
    longest = make_license(license_id="a" * 40).identity
    assert len(longest) == 57 <= LICENSE_ID_LENGTH_MAX
    assert make_license(make_key("other")).identity != make_license().identity
    assert make_license(max_nodes=9, issued_at_ms=1).identity == make_license().identity


@given(st.data())
def test_license_change_of_any_byte_shows(data: st.DataObject) -> None:
    """Law: a file with one byte changed is refused, or says the same."""
    license = make_license()
    raw = bytearray(license.text.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        assert open_license(raw.decode("latin-1"), ()) == license
    except InvalidRequest:
        pass


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_license_refuses_arbitrary_text(text: str) -> None:
    """Only InvalidRequest may come out."""
    with pytest.raises(InvalidRequest):
        open_license(text, ())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["license_id", "max_nodes", "issued_at", "expires_at", "more"]), ANYTHING),
    st.sampled_from([(), (b"\1" * 32,)]),
)
def test_license_signed_nonsense_is_refused_in_words(values: dict[str, Any], trusted: tuple[bytes, ...]) -> None:
    """Whatever an issuer signed, it opens or is refused in a sentence; and what opens is within bounds."""
    try:
        license = open_license(signed(payload_with(**values)), trusted)
    except InvalidRequest as wrong:
        assert str(wrong)
    else:
        assert not trusted
        assert 1 <= license.max_nodes <= 16_384
        assert license.expires_at_ms is None or license.expires_at_ms > license.issued_at_ms


@given(ANYTHING, ANYTHING, ANYTHING)
def test_license_envelope_of_any_values_is_refused(payload: Any, issuer: Any, signature: Any) -> None:
    """Types are looked at before they are used."""
    with pytest.raises(InvalidRequest):
        open_license(json.dumps({"payload": payload, "issuer": issuer, "signature": signature}), ())


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (payload_with(max_nodes=0), "from 1 to 16384"),
        (payload_with(max_nodes=16_385), "from 1 to 16384"),
        (payload_with(max_nodes=5.0), "max_nodes is 5.0"),
        (payload_with(max_nodes=True), "max_nodes is True"),
        (payload_with(max_nodes="5"), "max_nodes is '5'"),
        (payload_with(max_nodes=10**4000), "10000.*\\.\\.\\."),
        (payload_with(license_id=""), "1 to 40 letters"),
        (payload_with(license_id="a" * 41), "1 to 40 letters"),
        (payload_with(license_id=".a"), "beginning with"),
        (payload_with(license_id="a@b"), "1 to 40 letters"),
        (payload_with(license_id="acme\n"), "1 to 40 letters"),
        (payload_with(license_id=None), "license_id is None"),
        (payload_with(issued_at="2026-10-01"), "issued_at: .*not a time in UTC"),
        (payload_with(issued_at="2026-10-01T00:00:00+00:00"), "not a time in UTC"),
        (payload_with(issued_at=None), "issued_at is None"),
        (payload_with(issued_at=1), "issued_at is 1"),
        (payload_with(expires_at="2026-02-30T00:00:00Z"), "expires_at: .*not a day"),
        (payload_with(expires_at=""), "expires_at: ''"),
        (payload_with(expires_at="2026-10-01T00:00:00Z"), "not after"),
        (payload_with(expires_at="2025-10-01T00:00:00Z"), "not after"),
        (payload_with()[:-1] + b', "max_nodes": 50}', "'max_nodes' twice"),
        (b'{"license_id": "acme", "max_nodes": 5, "issued_at": "2026-10-01T00:00:00Z"}', "lacks expires_at"),
        (b"{}", "lacks expires_at, issued_at, license_id, max_nodes"),
        (b"[]", "not a JSON object"),
        (b"", "payload is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (payload_with(more=float("nan")), "payload is not JSON"),
        (b'{"more": ' + b"9" * 5000 + b"}", "payload is not JSON"),
        (b'{"more": ' + b"[" * 5900, "nested too deeply|not JSON"),
    ],
)
def test_license_says_what_is_wrong_in_its_payload(payload: bytes, sentence: str) -> None:
    """Though its signature is right, each wrong value is named in one line."""
    with pytest.raises(InvalidRequest, match=sentence) as refused:
        open_license(signed(payload), ())
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"signature": "AAAA"}, "signature has 3 bytes, not 64"),
        ({"signature": b64encode(bytes(64)).decode()}, "damaged or was edited"),
        ({"issuer": "AAAA"}, "issuer has 3 bytes, not 32"),
        ({"issuer": b64encode(bytes(32)).decode()}, "damaged or was edited"),
        ({"issuer": format_public_key(make_key("other").public_key)}, "damaged or was edited"),
        ({"issuer": None}, "issuer is not base64"),
        ({"payload": "e30"}, "payload is not base64"),
        ({"payload": "e30=\n"}, "payload is not base64"),
        ({"payload": "\u20ac30="}, "payload is not base64"),
        ({"payload": "e30="}, "damaged or was edited"),
        ({"remark": "x"}, "nothing else"),
    ],
)
def test_license_says_what_is_wrong_around_its_payload(change: dict[str, Any], sentence: str) -> None:
    """A damaged file is not called untrusted, and an unsigned addition is not let pass."""
    with pytest.raises(InvalidRequest, match=sentence):
        open_license(json.dumps(json.loads(make_license().text) | change), ())


def test_license_file_has_no_key_twice() -> None:
    """Two readers would else see two licenses in one file."""
    text = make_license().text
    with pytest.raises(InvalidRequest, match="twice"):
        open_license(text.replace('"issuer"', '"payload": "e30=", "issuer"'), ())


def test_license_of_an_issuer_that_is_not_trusted_is_refused() -> None:
    """Its key is named, so that an operator can compare; with no list every issuer counts."""
    license = make_license()
    with pytest.raises(InvalidRequest, match="none of the trusted") as refused:
        open_license(license.text, (make_key("other").public_key,))
    assert format_public_key(license.issuer) in str(refused.value)
    assert open_license(license.text, ()) == license


def test_license_is_bounded() -> None:
    """A file of any size is not read to its end."""
    text = make_license().text
    assert open_license(text + " " * (LICENSE_SIZE_MAX - len(text)), ()) == make_license()
    with pytest.raises(InvalidRequest, match="at most 8192"):
        open_license(" " * (LICENSE_SIZE_MAX + 1), ())
    with pytest.raises(InvalidRequest, match=r"nested too deeply|not JSON"):
        open_license("[" * LICENSE_SIZE_MAX, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"license_id": ""},
        {"max_nodes": 0},
        {"max_nodes": 16_385},
        {"issued_at_ms": -1},
        {"expires_at_ms": NOW_MS},
        {"expires_at_ms": 10**15},
    ],
)
def test_license_that_could_not_be_read_is_not_issued(changes: dict[str, Any]) -> None:
    """The issuer is told, not the one who paid."""
    with pytest.raises(InvalidRequest):
        make_license(**changes)


def test_license_is_renewed_by_a_later_one_only() -> None:
    """Seats and expiry may be any others; identity stays, and time goes forward."""
    held = make_license()
    renews(held, make_license(issued_at_ms=NOW_MS + 1, max_nodes=1, expires_at_ms=NOW_MS + 2))
    for issued_at_ms in (NOW_MS, NOW_MS - 1):
        with pytest.raises(InvalidRequest, match="not later"):
            renews(held, make_license(issued_at_ms=issued_at_ms, max_nodes=50))
    for other in (make_license(license_id="beta"), make_license(make_key("other"))):
        with pytest.raises(InvalidRequest, match=r"another license: .*acme@"):
            renews(held, replace(other, issued_at_ms=NOW_MS + 1))
