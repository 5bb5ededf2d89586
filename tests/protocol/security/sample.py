"""Identities, keyrings and gates made of fixed bytes, for the tests of security."""

from hashlib import blake2b

from protocol.address import Address
from protocol.purpose import Purpose
from protocol.security.datagram import DatagramGate
from protocol.security.handshake import Initiator, Responder
from protocol.security.hello import OwnHello
from protocol.security.identity import Entropy, Identity, StatementSigner
from protocol.security.keyring import Keyring
from protocol.security.verifier import Verifier
from protocol.ulid import ClusterId, MemberId
from protocol.wire.statement import Record, decode_statement, encode_record

NOW_MS = 1_700_000_000_000


def seeded_entropy(seed: str) -> Entropy:
    """Give bytes that look random and are the same in each run."""
    calls = 0

    def entropy(size: int) -> bytes:
        nonlocal calls
        calls += 1
        blocks = (size + 63) // 64
        return b"".join(blake2b(f"{seed} {calls} {block}".encode()).digest() for block in range(blocks))[:size]

    return entropy


def counting_entropy() -> Entropy:
    """Give 00 01 02 ... ff 00 ... and go on from there with each call, as the examples of PROTOCOL.md do."""
    position = 0

    def entropy(size: int) -> bytes:
        nonlocal position
        taken = bytes((position + offset) % 256 for offset in range(size))
        position += size
        return taken

    return entropy


def make_keyring(seed: str = "cluster") -> Keyring:
    """Give a cluster of one key."""
    return Keyring.generate(NOW_MS, seeded_entropy(seed))


def make_identity(seed: str) -> Identity:
    """Give a node's identity."""
    return Identity.generate(NOW_MS, seeded_entropy(seed))


def make_record(identity: Identity, cluster_id: ClusterId, name: str = "n1", padding: int = 0) -> Record:
    """Give a signed record of the identity; `padding` bytes of tag make it larger."""
    tags = {"dc": "dc1", "region": "global"} | ({"x": "x" * padding} if padding else {})
    body = encode_record(
        id=identity.id,
        public_key=identity.public_key,
        name=name,
        address=Address("127.0.0.1", 7946),
        incarnation=NOW_MS,
        goodbye=False,
        start=1,
        protocol_range=(1, 1, 1),
        version="0.1.0",
        license_id="",
        display_name="",
        tags=tags,
    )
    record = decode_statement(StatementSigner(identity, cluster_id).sign(body) + body)
    assert isinstance(record, Record)
    return record


class Node:
    """A node as the datagram tests need it: identity, keyring, key book, verifier, gate, record."""

    def __init__(self, seed: str, keyring: Keyring | None = None, start: int = NOW_MS) -> None:
        self.seed = seed
        self.identity = make_identity(seed)
        self.keyring = keyring or make_keyring()
        self.keys: dict[MemberId, bytes] = {self.identity.id: self.identity.public_key}
        self.record = make_record(self.identity, self.keyring.cluster_id, seed)
        self.revoked: set[MemberId] = set()
        self.restart(start)

    def restart(self, start: int) -> None:
        """Begin anew: what is in memory is lost, keys stay known."""
        self.verifier = Verifier(self.keyring.cluster_id, self.keys.get)
        self.gate = DatagramGate(
            self.identity,
            self.keyring,
            self.verifier,
            start,
            seeded_entropy(f"{self.seed} {start}"),
            self.keys.get,
            self.revoked.__contains__,
        )

    @property
    def id(self) -> MemberId:
        """The node's id."""
        return self.identity.id

    def seal(self, peer: "Node", payload: bytes = b"payload") -> bytes:
        """Seal something for a peer."""
        return self.gate.seal(peer.id, peer.identity.public_key, payload, self.record.raw)

    def learn(self, *others: "Node") -> None:
        """Hold the others' keys, as after a join."""
        for other in others:
            self.keys[other.id] = other.identity.public_key


def make_pair() -> tuple[Node, Node]:
    """Give two nodes of one cluster that have answered each other."""
    one, other = Node("one"), Node("other")
    one.learn(other)
    other.learn(one)
    other.gate.open(0.0, one.seal(other))
    one.gate.open(0.0, other.seal(one))
    other.gate.open(0.0, one.seal(other))
    return one, other


def own_hello(name: str, purpose: Purpose | None = None, versions: tuple[int, int] = (1, 1)) -> OwnHello:
    """Give what a node says of itself on a stream."""
    return OwnHello(name, "", Address("127.0.0.1", 7946), purpose, versions)


def make_initiator(seed: str = "one", keyring: Keyring | None = None, expected_id: MemberId | None = None) -> Initiator:
    """Give the side that dials, to join."""
    return Initiator(
        make_identity(seed),
        keyring or make_keyring(),
        own_hello(seed, Purpose.JOIN),
        seeded_entropy(f"{seed} dials"),
        expected_id,
    )


def make_responder(seed: str = "other", keyring: Keyring | None = None, busy: bool = False) -> Responder:
    """Give the side that is dialled."""
    return Responder(
        make_identity(seed), keyring or make_keyring(), own_hello(seed), seeded_entropy(f"{seed} answers"), busy
    )
