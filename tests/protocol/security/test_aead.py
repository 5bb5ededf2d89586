"""The cipher: the direct calls and PyNaCl's public ones are the same function."""

import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import _sodium

from protocol.security import aead

CALLS = [aead.portable_calls(), aead.direct_calls(_sodium)]
KEY, NONCE = bytes(range(32)), bytes(range(24))


@given(st.binary(max_size=300), st.binary(max_size=40), st.binary(min_size=24, max_size=24))
def test_aead_calls_agree(text: bytes, data: bytes, nonce: bytes) -> None:
    """Law: either seals to the same bytes, and each opens the other's."""
    (seal, open_sealed), (other_seal, other_open) = CALLS
    sealed = seal(text, data, nonce, KEY)
    assert other_seal(text, data, nonce, KEY) == sealed
    assert open_sealed(sealed, data, nonce, KEY) == text
    assert other_open(sealed, data, nonce, KEY) == text


@pytest.mark.parametrize("calls", CALLS)
def test_aead_opens_nothing_changed(calls: tuple[aead.Seal, aead.Open]) -> None:
    """Text, tag, associated data, nonce, key, length: a change of any gives None."""
    seal, open_sealed = calls
    sealed = seal(b"text", b"data", NONCE, KEY)
    assert open_sealed(bytes((sealed[0] ^ 1,)) + sealed[1:], b"data", NONCE, KEY) is None
    assert open_sealed(sealed[:-1] + bytes((sealed[-1] ^ 1,)), b"data", NONCE, KEY) is None
    assert open_sealed(sealed, b"Data", NONCE, KEY) is None
    assert open_sealed(sealed, b"data", NONCE[::-1], KEY) is None
    assert open_sealed(sealed, b"data", NONCE, KEY[::-1]) is None
    assert open_sealed(sealed[:-1], b"data", NONCE, KEY) is None
    assert open_sealed(b"short", b"data", NONCE, KEY) is None


@pytest.mark.parametrize("calls", CALLS)
def test_aead_refuses_keys_and_nonces_of_other_sizes(calls: tuple[aead.Seal, aead.Open]) -> None:
    """Sizes are checked here: libsodium would read beyond them."""
    seal, open_sealed = calls
    for nonce, key in ((NONCE[:-1], KEY), (NONCE, KEY[:-1]), (NONCE + b"x", KEY), (NONCE, b"")):
        with pytest.raises(ValueError, match="not 24 and 32"):
            seal(b"text", b"", nonce, key)
        with pytest.raises(ValueError, match="not 24 and 32"):
            open_sealed(bytes(20), b"", nonce, key)


def test_aead_direct_calls_need_libsodium() -> None:
    """Where PyNaCl keeps its library elsewhere, that is an AttributeError, and the public calls serve."""
    with pytest.raises(AttributeError):
        aead.direct_calls(types.SimpleNamespace(lib=None))
