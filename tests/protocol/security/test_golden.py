"""The bytes of PROTOCOL.md: what the document shows is what the code makes."""

import json
import re
from base64 import b64decode
from hashlib import blake2b
from pathlib import Path

import pytest
from nacl import bindings

from tests.protocol.security.golden import cluster, examples, identities

ROOT = Path(__file__).parents[3]
PAGES = ("PROTOCOL.md",)
FENCE = re.compile(r"^```(hex|key-file|text) ([a-z-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shown_examples() -> dict[str, bytes]:
    """Give the examples that the document shows, by name."""
    shown = {}
    for page in PAGES:
        path = ROOT / page
        for kind, name, text in FENCE.findall(path.read_text() if path.exists() else ""):
            shown[name] = bytes.fromhex(text) if kind == "hex" else text.encode()
    return shown


@pytest.mark.parametrize("name", sorted(examples()))
def test_golden_bytes_are_those_of_the_document(name: str) -> None:
    """A change of any byte on the wire or on disk needs a note in the document."""
    assert shown_examples().get(name, b"").hex() == examples()[name].hex()


def test_golden_datagram_opens_by_the_document_alone() -> None:
    """What the document says of pair keys and sealed datagrams, done with PyNaCl and hashlib only, opens one."""
    alice, bob = identities()
    shown = shown_examples()
    shared = bindings.crypto_scalarmult(
        bindings.crypto_sign_ed25519_sk_to_curve25519(bob.seed + bob.public_key),
        bindings.crypto_sign_ed25519_pk_to_curve25519(alice.public_key),
    )
    text = shared + alice.id + bob.id + alice.public_key + bob.public_key + shown["cluster-id"]
    key = blake2b(text, key=bytes(range(10, 42)), person=b"shoal-datagram-1", digest_size=32).digest()
    assert key == shown["pair-key"]
    sealed = shown["sealed"]
    assert sealed[:22] == b"\xd1\x01" + shown["key-id"] + shown["alice-id"]
    opened = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[46:], sealed[:22], sealed[22:46], key)
    start, counter = (1_700_000_000_000).to_bytes(8, "big"), (2).to_bytes(8, "big")
    assert sealed[22:38] == start + counter
    assert opened == cluster().primary + b"next words"


def test_golden_license_is_proven_by_the_document_alone() -> None:
    """What the document says of a license's parts, signature and identity, done with PyNaCl and hashlib only."""
    shown = shown_examples()
    parts = {noun: b64decode(value) for noun, value in json.loads(shown["license"]).items()}
    assert parts["issuer"] == shown["alice-public-key"]
    signed = parts["signature"] + b"shoal license 1\0" + parts["payload"]
    assert bindings.crypto_sign_open(signed, parts["issuer"]) == b"shoal license 1\0" + parts["payload"]
    tag = blake2b(parts["issuer"], digest_size=8, person=b"shoal-license-id").hexdigest()
    identity = f"{json.loads(parts['payload'])['license_id']}@{tag}"
    assert shown["license-identity"] == identity.encode() + b"\n"
