"""What seals, signatures and shared keys cost."""

import os
from collections.abc import Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.micro.material import make_authors, make_keyring
from benchmarks.micro.scale import Scale, time_call
from protocol.security.aead import KEY_SIZE, NONCE_SIZE, open_sealed, seal
from protocol.security.datagram import HEADER_SIZE
from protocol.security.identity import is_signed
from protocol.security.pair import Pair, share_secret
from protocol.security.verifier import Verifier
from protocol.ulid import MemberId

RECORD_SIZE = 200
FULL_SIZE = 1_300


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure the primitives as the node calls them."""
    keyring = make_keyring()
    me, peer = make_authors(keyring, 2)
    key, nonce, header = os.urandom(KEY_SIZE), os.urandom(NONCE_SIZE), os.urandom(HEADER_SIZE)
    for size in (RECORD_SIZE, FULL_SIZE):
        text = os.urandom(size)
        sealed = seal(text, header, nonce, key)
        yield time_call(f"seal {size} B", partial(seal, text, header, nonce, key), scale)
        yield time_call(f"open {size} B", partial(open_sealed, sealed, header, nonce, key), scale)
    text = os.urandom(RECORD_SIZE)
    signature = me.identity.sign(text)
    public_key = me.identity.public_key
    yield time_call(f"sign {RECORD_SIZE} B", lambda: me.identity.sign(text), scale)
    yield time_call(f"verify {RECORD_SIZE} B", lambda: is_signed(signature, text, public_key), scale)

    raw, cluster = peer.record().raw, keyring.cluster_id
    known = {peer.id: peer.identity.public_key}.get
    held = Verifier(cluster, known)
    yield time_call("statement of a member, verified", lambda: Verifier(cluster, known).open_statement(raw), scale)
    yield time_call("statement of a newcomer, verified", lambda: Verifier(cluster, _nobody).open_statement(raw), scale)
    held.open_statement(raw)
    yield time_call("statement seen before, recognised", lambda: held.open_statement(raw), scale)

    their_key = peer.identity.public_key
    yield time_call("X25519 secret of two identities", lambda: share_secret(me.identity, their_key), scale)
    yield time_call("pair of a new peer", lambda: Pair(me.identity, keyring, peer.id, their_key).send_key(), scale)
    yield time_call("24 bytes of entropy", lambda: os.urandom(NONCE_SIZE), scale)


def _nobody(_: MemberId) -> bytes | None:
    return None
