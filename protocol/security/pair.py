"""What this node holds about one peer that it exchanges datagrams with: keys and the replay window."""

from hashlib import blake2b

from nacl.bindings import crypto_scalarmult
from nacl.exceptions import CryptoError

from protocol.error import MalformedMessage
from protocol.security.identity import Identity, exchange_key
from protocol.security.keyring import Keyring
from protocol.security.replay import ReplayWindow
from protocol.ulid import ClusterId, MemberId

_PAIR_PERSON = b"shoal-datagram-1"
_PAIR_KEY_SIZE = 32


def share_secret(identity: Identity, peer_public_key: bytes) -> bytes:
    """Give the X25519 secret of two identities' keys, the same on both sides (about 80 us).

    Raises:
        MalformedMessage: libsodium refuses the peer's key.
    """
    try:
        return crypto_scalarmult(identity.exchange_secret, exchange_key(peer_public_key))
    except CryptoError:
        raise MalformedMessage("the public key shares no secret with ours") from None


def derive_pair_key(
    *,
    cluster_key: bytes,
    shared: bytes,
    sender: tuple[MemberId, bytes],
    receiver: tuple[MemberId, bytes],
    cluster_id: ClusterId,
) -> bytes:
    """Give the key that seals datagrams from `sender` to `receiver`, each an id and its public key.

    BLAKE2b (key = cluster key, person "shoal-datagram-1", 32 bytes) over the shared secret, sender id,
    receiver id, sender's and receiver's Ed25519 public keys, cluster id.
    """
    text = shared + sender[0] + receiver[0] + sender[1] + receiver[1] + cluster_id
    return blake2b(text, key=cluster_key, person=_PAIR_PERSON, digest_size=_PAIR_KEY_SIZE).digest()


class Pair:
    """One peer: derived keys, what it has shown, and whether it has answered since our start."""

    __slots__ = (
        "_identity",
        "_keyring",
        "_peer",
        "_receive_keys",
        "_send",
        "_shared",
        "answered",
        "introduced",
        "introduction_size",
        "shown_key_id",
        "window",
    )

    def __init__(self, identity: Identity, keyring: Keyring, peer_id: MemberId, public_key: bytes) -> None:
        """Share a secret with the peer.

        Raises:
            MalformedMessage: libsodium refuses the peer's key.
        """
        self._identity = identity
        self._keyring = keyring
        self._peer = (peer_id, public_key)
        self._shared = share_secret(identity, public_key)
        self._send: tuple[bytes, bytes] | None = None
        self._receive_keys: dict[bytes, bytes] = {}
        self.window = ReplayWindow()
        self.answered = False
        """It has opened something of ours, so it knows us."""
        self.introduced = False
        """We have introduced ourselves since our start, its restart, or the last silence."""
        self.introduction_size = 0
        """Size of the last introduction that came from it, while nothing else did; else 0."""
        self.shown_key_id: bytes | None = None
        """The newest key it said it holds."""

    @property
    def public_key(self) -> bytes:
        """The peer's Ed25519 key."""
        return self._peer[1]

    def send_key(self) -> tuple[bytes, bytes]:
        """Give id and key to seal with: the newest that both have shown, else the one in use."""
        if self._send is None:
            cluster_key = None
            key_id = self.shown_key_id
            if key_id is not None:
                cluster_key = self._keyring.key_for(key_id)
            if key_id is None or cluster_key is None:
                key_id = self._keyring.primary
                cluster_key = self._keyring.key_for(key_id)
            self._send = (key_id, self._derive(cluster_key or b"", outgoing=True))
        return self._send

    def receive_key(self, key_id: bytes) -> bytes | None:
        """Give the key that opens what the peer sealed under a cluster key; None when that is not held."""
        key = self._receive_keys.get(key_id)
        if key is None:
            cluster_key = self._keyring.key_for(key_id)
            if cluster_key is None:
                return None
            key = self._receive_keys[key_id] = self._derive(cluster_key, outgoing=False)
        return key

    def show(self, key_id: bytes | None) -> None:
        """Note the newest key the peer holds."""
        self.shown_key_id = key_id
        self._send = None

    def drop_keys(self) -> None:
        """Forget what was derived: the keyring changed."""
        self._send = None
        self._receive_keys.clear()

    def _derive(self, cluster_key: bytes, *, outgoing: bool) -> bytes:
        me = (self._identity.id, self._identity.public_key)
        return derive_pair_key(
            cluster_key=cluster_key,
            shared=self._shared,
            sender=me if outgoing else self._peer,
            receiver=self._peer if outgoing else me,
            cluster_id=self._keyring.cluster_id,
        )
