"""A signing key that belongs to no member: an issuer of licenses has one, and so has an operator who revokes.

    shoal-signing-key: 1
    key: <64 hex letters, the Ed25519 seed>
    public: <44 letters, base64 of the 32-byte public key>
    check: <16 hex letters>

`check` is BLAKE2b (8 bytes, person "shoal-sign-key") over the lines before it, joined by one newline each,
without the blank lines and lines that begin with "#", which are free. What a key signs begins with a domain
of its own (see `license`), so that no signature passes for one of another kind.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Self

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from protocol.error import InvalidRequest, MalformedMessage
from protocol.security.identity import SEED_SIZE, Entropy, exchange_key
from protocol.wire.statement import SIGNATURE_SIZE

SIGNING_KEY_FILE_SIZE_MAX: Final = 4_096
"""Characters: the four lines take 170, the rest is room for remarks."""
PUBLIC_KEY_SIZE: Final = 32

_FIRST_LINE = "shoal-signing-key: 1"
_REMARK = "# Whoever holds this file can sign as you: keep it secret, and away from the nodes."
_CHECK_PERSON = b"shoal-sign-key"
_CHECK_SIZE = 8
_PUBLIC_KEY_TEXT = re.compile(r"[A-Za-z0-9+/]{43}=\Z")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key pair, kept in a file of mode 0600."""

    public_key: bytes
    """32 bytes: what others name the key by."""
    seed: bytes = field(repr=False)
    _secret: bytes = field(repr=False)

    @classmethod
    def generate(cls, entropy: Entropy) -> Self:
        """Make a new key from 32 bytes of entropy."""
        return cls._derive(entropy(SEED_SIZE))

    @classmethod
    def parse_file(cls, text: str) -> Self:
        """Read what `encode_file` gave; remarks, blank lines and blanks at line ends are free.

        Raises:
            InvalidRequest: with one sentence that names what is wrong; it quotes nothing of the file.
        """
        if len(text) > SIGNING_KEY_FILE_SIZE_MAX:
            raise InvalidRequest(f"a signing key file of {len(text)} characters, at most {SIGNING_KEY_FILE_SIZE_MAX}")
        stripped = (" ".join(line.split()) for line in text.splitlines())
        lines = [line for line in stripped if line and not line.startswith("#")]
        if not lines or lines[0] != _FIRST_LINE:
            raise InvalidRequest(f"not a signing key file: the first line is not {_FIRST_LINE!r}")
        if len(lines) < 2 or lines[-1] != f"check: {_check(lines[:-1])}":
            raise InvalidRequest(
                "the signing key file is damaged or was edited: its check does not fit its other lines"
            )
        key = cls._derive(_read_seed(lines[1:-1]))
        if lines != key._lines():
            raise InvalidRequest("the signing key file is not one key line and the public line that belongs to it")
        return key

    def encode_file(self) -> str:
        """Write the key as the text of its file."""
        return "\n".join([_REMARK, *self._lines(), ""])

    def sign(self, text: bytes) -> bytes:
        """Sign bytes that begin with a domain of their own; 64 bytes."""
        return crypto_sign(text, self._secret)[:SIGNATURE_SIZE]

    def _lines(self) -> list[str]:
        lines = [_FIRST_LINE, f"key: {self.seed.hex()}", f"public: {format_public_key(self.public_key)}"]
        return [*lines, f"check: {_check(lines)}"]

    @classmethod
    def _derive(cls, seed: bytes) -> Self:
        public_key, secret = crypto_sign_seed_keypair(seed)
        return cls(public_key=public_key, seed=seed, _secret=secret)


def format_public_key(public_key: bytes) -> str:
    """Write a public key as people and settings give it: base64, 44 letters."""
    return b64encode(public_key).decode()


def parse_public_key(text: str) -> bytes:
    """Read a public key written by `format_public_key`; 32 bytes.

    Raises:
        InvalidRequest: not base64 of 32 bytes in its one canonical form, or no key that libsodium accepts.
    """
    if not _PUBLIC_KEY_TEXT.match(text):
        raise InvalidRequest(f"{text[:48]!r} is not a public key: base64 of {PUBLIC_KEY_SIZE} bytes, 44 letters")
    public_key = b64decode(text)
    if format_public_key(public_key) != text:
        raise InvalidRequest(f"{text!r} is not the base64 of a public key: its last letters carry stray bits")
    try:
        exchange_key(public_key)
    except MalformedMessage:
        raise InvalidRequest(f"{text!r} is 32 bytes, but no Ed25519 public key") from None
    return public_key


def _read_seed(lines: list[str]) -> bytes:
    """Read the seed off the one key line."""
    values = [line.removeprefix("key: ") for line in lines if line.startswith("key: ")]
    if len(values) != 1 or not re.fullmatch(r"[0-9a-f]{64}", values[0]):
        raise InvalidRequest("the signing key file does not have one key line of 64 hex letters")
    return bytes.fromhex(values[0])


def _check(lines: list[str]) -> str:
    text = "\n".join(lines).encode(errors="replace")
    return blake2b(text, digest_size=_CHECK_SIZE, person=_CHECK_PERSON).hexdigest()
