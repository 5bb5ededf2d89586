"""XChaCha20-Poly1305, as every seal here uses it.

`nacl.bindings` spends three quarters of a call on checking and formatting arguments (3.7 us of which 1.0
is libsodium's, 140 bytes, CPython 3.11, PyNaCl 1.6.2). Each datagram pays that, so libsodium is called
here directly, with the checks that matter; where PyNaCl keeps its library elsewhere, `nacl.bindings` serves.
"""

from collections.abc import Callable
from typing import Any

from nacl import bindings
from nacl.exceptions import CryptoError

KEY_SIZE = 32
NONCE_SIZE = 24
TAG_SIZE = 16

Seal = Callable[[bytes, bytes, bytes, bytes], bytes]
Open = Callable[[bytes, bytes, bytes, bytes], bytes | None]


def _wrong_sizes(nonce: bytes, key: bytes) -> ValueError:
    return ValueError(f"nonce of {len(nonce)} and key of {len(key)} bytes, not {NONCE_SIZE} and {KEY_SIZE}")


def portable_calls() -> tuple[Seal, Open]:
    """Give `seal` and `open_sealed` by PyNaCl's public functions."""

    def seal(text: bytes, data: bytes, nonce: bytes, key: bytes) -> bytes:
        if len(nonce) != NONCE_SIZE or len(key) != KEY_SIZE:
            raise _wrong_sizes(nonce, key)
        return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(text, data, nonce, key)

    def open_sealed(sealed: bytes, data: bytes, nonce: bytes, key: bytes) -> bytes | None:
        if len(nonce) != NONCE_SIZE or len(key) != KEY_SIZE:
            raise _wrong_sizes(nonce, key)
        if len(sealed) < TAG_SIZE:
            return None
        try:
            return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, data, nonce, key)
        except CryptoError:
            return None

    return seal, open_sealed


def direct_calls(sodium: Any) -> tuple[Seal, Open]:
    """Give `seal` and `open_sealed` by libsodium itself; `sodium` is PyNaCl's cffi module.

    Raises:
        AttributeError: the module is not what is expected.
    """
    encrypt = sodium.lib.crypto_aead_xchacha20poly1305_ietf_encrypt
    decrypt = sodium.lib.crypto_aead_xchacha20poly1305_ietf_decrypt
    # The output is written by libsodium before it is read, so it need not be cleared; a buffer of each
    # call's own, for cffi lets other threads run meanwhile.
    allocate = sodium.ffi.new_allocator(should_clear_after_alloc=False)
    array, view, null = sodium.ffi.typeof("unsigned char[]"), sodium.ffi.buffer, sodium.ffi.NULL

    def seal(text: bytes, data: bytes, nonce: bytes, key: bytes) -> bytes:
        if len(nonce) != NONCE_SIZE or len(key) != KEY_SIZE:
            raise _wrong_sizes(nonce, key)
        size = len(text)
        out = allocate(array, size + TAG_SIZE)
        encrypt(out, null, text, size, data, len(data), null, nonce, key)
        return view(out)[:]  # type: ignore[no-any-return]

    def open_sealed(sealed: bytes, data: bytes, nonce: bytes, key: bytes) -> bytes | None:
        if len(nonce) != NONCE_SIZE or len(key) != KEY_SIZE:
            raise _wrong_sizes(nonce, key)
        size = len(sealed) - TAG_SIZE
        if size < 0:
            return None
        out = allocate(array, size)
        if decrypt(out, null, null, sealed, size + TAG_SIZE, data, len(data), nonce, key):
            return None
        return view(out)[:]  # type: ignore[no-any-return]

    return seal, open_sealed


def _fastest_calls() -> tuple[Seal, Open]:
    try:
        from nacl import _sodium

        return direct_calls(_sodium)
    except (ImportError, AttributeError):
        return portable_calls()


seal, open_sealed = _fastest_calls()
"""`seal(text, data, nonce, key)` gives ciphertext and tag; `open_sealed(sealed, data, nonce, key)` the
text, or None where it is not what was sealed. `data` is authenticated and not sent."""
