"""The examples of PROTOCOL.md, made again from their inputs.

All randomness is the counting bytes 00 01 02 ..., begun anew for each example; all times are 1,700,000,000,000
ms. Alice's seed is 00 ... 1f, Bob's 20 ... 3f; their cluster is made of the counting bytes.
"""

from protocol.address import Address
from protocol.purpose import Purpose
from protocol.security.datagram import DatagramGate
from protocol.security.handshake import Initiator, Responder
from protocol.security.hello import OwnHello
from protocol.security.identity import Identity, StatementSigner
from protocol.security.key_file import encode_key_file
from protocol.security.keyring import Keyring
from protocol.security.license import issue_license
from protocol.security.signing_key import SigningKey
from protocol.security.verifier import Verifier
from protocol.wire.framing import LENGTH_SIZE, FrameBuffer
from protocol.wire.statement import encode_accusation, encode_record
from tests.protocol.security.sample import NOW_MS, counting_entropy


def identities() -> tuple[Identity, Identity]:
    """Give Alice and Bob."""
    entropy = counting_entropy()
    return Identity.generate(NOW_MS, entropy), Identity.generate(NOW_MS, entropy)


def cluster() -> Keyring:
    """Give their keyring."""
    return Keyring.generate(NOW_MS, counting_entropy())


def record_of(identity: Identity, name: str, host: str) -> bytes:
    """Give a signed record."""
    body = encode_record(
        id=identity.id,
        public_key=identity.public_key,
        name=name,
        address=Address(host, 7946),
        incarnation=NOW_MS,
        goodbye=False,
        start=1,
        protocol_range=(1, 1, 1),
        version="0.1.0",
        license_id="",
        display_name="",
        tags={"dc": "dc1", "region": "global"},
    )
    return StatementSigner(identity, cluster().cluster_id).sign(body) + body


def identity_examples() -> dict[str, bytes]:
    """Give ids, the identity file and a signed accusation."""
    alice, bob = identities()
    body = encode_accusation(alice.id, bob.id, NOW_MS)
    return {
        "alice-public-key": alice.public_key,
        "alice-id": alice.id,
        "alice-identity": alice.to_bytes(),
        "bob-id": bob.id,
        "cluster-id": cluster().cluster_id,
        "accusation": StatementSigner(alice, cluster().cluster_id).sign(body) + body,
        "record": record_of(alice, "alice", "10.0.0.1"),
    }


def keyring_examples() -> dict[str, bytes]:
    """Give a keyring in the middle of a rotation."""
    keyring = cluster()
    old = keyring.primary
    keyring.use(keyring.add(bytes(range(0x40, 0x60)), NOW_MS + 1_000), NOW_MS + 2_000)
    file = encode_key_file(keyring).encode()
    keyring.retire(old, NOW_MS + 3_000)
    return {
        "key-id": old,
        "key-file": file,
        "keyring-offer": keyring.encode_offer(),
        "keyring-digest": keyring.digest,
    }


def license_examples() -> dict[str, bytes]:
    """Give an issuer's signing key, and a license that it signed."""
    key = SigningKey.generate(counting_entropy())
    license = issue_license(
        key, license_id="acme", max_nodes=5, issued_at_ms=NOW_MS, expires_at_ms=NOW_MS + 100_000_000_000
    )
    return {
        "signing-key": key.encode_file().encode(),
        "license": license.text.encode(),
        "license-identity": license.identity.encode() + b"\n",
    }


def datagram_examples() -> dict[str, bytes]:
    """Give what Alice sends to Bob first, and after his answer."""
    alice, bob = identities()
    keyring = cluster()
    keys = {alice.id: alice.public_key, bob.id: bob.public_key}

    def gate(identity: Identity) -> DatagramGate:
        verifier = Verifier(keyring.cluster_id, keys.get)
        return DatagramGate(identity, keyring, verifier, NOW_MS, counting_entropy(), keys.get)

    from_alice, from_bob = gate(alice), gate(bob)
    alices_record, bobs_record = record_of(alice, "alice", "10.0.0.1"), record_of(bob, "bob", "10.0.0.2")
    introduction = from_alice.seal(bob.id, bob.public_key, b"first words", alices_record)
    from_bob.open(0.0, introduction)
    from_alice.open(0.0, from_bob.seal(alice.id, alice.public_key, b"answer", bobs_record))
    pair = from_alice._pair(bob.id, bob.public_key)
    return {
        "introduction": introduction,
        "sealed": from_alice.seal(bob.id, bob.public_key, b"next words", alices_record),
        "pair-key": pair.send_key()[1],
    }


def stream_examples() -> dict[str, bytes]:
    """Give the frames of a handshake in which Alice dials Bob, and of the channel after it."""
    alice, bob = identities()
    hello = OwnHello("alice", "", Address("10.0.0.1", 7946), Purpose.JOIN)
    answer = OwnHello("bob", "", Address("10.0.0.2", 7946))
    initiator = Initiator(alice, cluster(), hello, counting_entropy())
    responder = Responder(bob, cluster(), answer, lambda size: bytes(range(0x80, 0x80 + size)))
    first = initiator.start()
    flight = responder.receive(first)
    responder_hello, _ = FrameBuffer().feed(flight)
    cut = LENGTH_SIZE + len(responder_hello)
    proof = initiator.receive(flight)
    responder.receive(proof)
    accept = initiator.accept()
    responder.receive(accept)
    initiator.receive(responder.accept())
    channel = initiator.channel
    if channel is None:
        raise RuntimeError("the example's handshake failed")
    return {
        "initiator-hello": first,
        "responder-hello": flight[:cut],
        "responder-proof": flight[cut:],
        "initiator-proof": proof,
        "initiator-accept": accept,
        "channel-data": channel.seal(b"hello"),
        "channel-close": channel.close(),
    }


def examples() -> dict[str, bytes]:
    """Give all examples by name."""
    return identity_examples() | keyring_examples() | license_examples() | datagram_examples() | stream_examples()
