"""Every kernel, the reference first: what a baseline holds, and what has its instructions counted."""

import hashlib
import struct
from functools import partial
from itertools import count, cycle
from random import Random

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from benchmarks.micro import engine
from benchmarks.micro.handshake import shake_hands
from benchmarks.micro.kernel import SEED, Calls, Kernel, again, each, seeded_authors
from benchmarks.micro.material import INCARNATION, Author
from benchmarks.micro.roster import tell
from benchmarks.micro.sync import DIFFERENCE_COUNT, TARGET_MEMBERS, make_side, sync_sides
from protocol.security.aead import KEY_SIZE, NONCE_SIZE, open_sealed, seal
from protocol.security.datagram import HEADER_SIZE
from protocol.security.identity import is_signed
from protocol.security.verifier import Verifier
from protocol.swim.entry import Entry, merge
from protocol.swim.membership import Membership
from protocol.swim.rumor import RumorQueue
from protocol.swim.settings import Settings
from protocol.wire.codec import decode_packet, encode_packet
from protocol.wire.message import Claim, Packet, Ping

TEXT_SIZE = 200
"""Bytes: a record."""
ROOM = 1_300
SLOW_COUNT = 3
REFERENCE_ROUNDS = 100


def _reference() -> Calls:
    """Do what no change of this project can make slower: dicts, tuples and bytes in Python, and libsodium."""
    public_key, secret_key = crypto_sign_seed_keypair(bytes(32))
    text = bytes(TEXT_SIZE)

    def work() -> bytes:
        held: dict[bytes, tuple[int, str]] = {}
        for number in range(REFERENCE_ROUNDS):
            key = struct.pack(">Q", number * 2_654_435_761 % 1_000_003)
            before = held.get(key)
            held[key] = (number if before is None else before[0] + 1, f"n{number}")
        total = sum(len(name) + number for number, name in sorted(held.values()))
        digest = hashlib.blake2b(struct.pack(">Q", total), digest_size=32).digest()
        return crypto_sign_open(crypto_sign(text + digest, secret_key), public_key)

    return again(work)


REFERENCE = Kernel("pure Python and libsodium", "reference", _reference, 16)


def _six_records() -> tuple[Packet, list[Author]]:
    _, authors = seeded_authors(6)
    return Packet((Ping(12_345_678),), tuple(author.claim() for author in authors)), authors


def _encode() -> Calls:
    packet, _ = _six_records()
    return again(lambda: encode_packet(packet))


def _decode() -> Calls:
    packet, _ = _six_records()
    payload = encode_packet(packet)
    recall = {claim.statement.raw: claim.statement for claim in packet.claims}.__getitem__
    return again(lambda: decode_packet(payload, recall))


def _sealing() -> tuple[bytes, bytes, bytes, bytes]:
    entropy = Random(SEED).randbytes
    return entropy(TEXT_SIZE), entropy(HEADER_SIZE), entropy(NONCE_SIZE), entropy(KEY_SIZE)


def _seal() -> Calls:
    return again(partial(seal, *_sealing()))


def _open() -> Calls:
    text, header, nonce, key = _sealing()
    return again(partial(open_sealed, seal(text, header, nonce, key), header, nonce, key))


def _sign() -> Calls:
    _, (author,) = seeded_authors(1)
    return again(partial(author.identity.sign, bytes(TEXT_SIZE)))


def _verify() -> Calls:
    _, (author,) = seeded_authors(1)
    text = bytes(TEXT_SIZE)
    return again(partial(is_signed, author.identity.sign(text), text, author.identity.public_key))


def _open_statement() -> Calls:
    keyring, (author,) = seeded_authors(1)
    raw, known = author.record().raw, {author.id: author.identity.public_key}.get
    return again(lambda: Verifier(keyring.cluster_id, known).open_statement(raw))


def _recognise() -> Calls:
    keyring, (author,) = seeded_authors(1)
    raw = author.record().raw
    verifier = Verifier(keyring.cluster_id, {author.id: author.identity.public_key}.get)
    verifier.open_statement(raw)
    return again(lambda: verifier.open_statement(raw))


def _handshake() -> Calls:
    keyring, (one, other) = seeded_authors(2)
    return again(lambda: shake_hands(keyring, one, other))


def _merge_entries() -> Calls:
    _, (subject, *accusers) = seeded_authors(7)
    record = subject.record()
    entries = (Entry(record, tuple(other.accuse(subject.id) for other in accusers[i : i + 4])) for i in (0, 2))
    return again(partial(merge, *entries))


def _merge_list() -> Calls:
    _, authors = seeded_authors(engine.MEMBER_COUNT)
    membership = Membership(authors[0].id, Settings.lan())
    held = [Claim(author.record()) for author in authors]
    for claim in held:
        membership.apply(0.0, claim)
    return again(lambda: membership.apply(0.0, held[1]))


def _fill(rumor_count: int) -> Calls:
    queue = RumorQueue()
    for author in seeded_authors(rumor_count)[1]:
        queue.add(author.claim())
    return again(lambda: queue.take(ROOM, None))


def _sync(differences: int) -> Calls:
    """Sync two lists; where differences are wanted, both sides first hear half of them, from their authors."""
    keyring, authors = seeded_authors(TARGET_MEMBERS)
    claims = [author.claim() for author in authors]
    one, other = sides = (make_side(keyring, authors[0]), make_side(keyring, authors[1]))
    for side in sides:
        tell(side.engine, authors[2], claims)
        for claim in claims:
            side.verifier.remember(claim.statement)
    speakers, incarnations = cycle(authors[2:]), count(INCARNATION + 1)

    def change() -> list[Claim]:
        return [next(speakers).claim(next(incarnations)) for _ in range(differences)]

    def sync(news: list[Claim]) -> None:
        for index, claim in enumerate(news):
            tell(sides[index % 2].engine, authors[2], [claim])
        sync_sides(keyring, one, other)

    return each(change, sync)


KERNELS = (
    REFERENCE,
    Kernel("packet of a ping and six records, encode", "codec", _encode, 256),
    Kernel("packet of a ping and six records, decode", "codec", _decode, 256),
    Kernel(f"seal {TEXT_SIZE} B", "crypto", _seal, 512),
    Kernel(f"open {TEXT_SIZE} B", "crypto", _open, 512),
    Kernel(f"sign {TEXT_SIZE} B", "crypto", _sign, 64),
    Kernel(f"verify {TEXT_SIZE} B", "crypto", _verify, 16),
    Kernel("statement of a member, verified", "crypto", _open_statement, 16),
    Kernel("statement seen before, recognised", "crypto", _recognise, 2_048),
    Kernel("both sides", "handshake", _handshake, SLOW_COUNT),
    *engine.KERNELS,
    Kernel("two entries of 4 accusations each", "merge", _merge_entries),
    Kernel("a record that the list holds already", "merge", _merge_list, 512),
    Kernel("fill a datagram from a queue of 6", "rumor", partial(_fill, 6), 1_024),
    Kernel("fill a datagram from a queue of 1,000", "rumor", partial(_fill, 1_000), 256),
    Kernel("1,000 members, equal views", "sync", partial(_sync, 0), SLOW_COUNT),
    Kernel(f"1,000 members, {DIFFERENCE_COUNT} differences", "sync", partial(_sync, DIFFERENCE_COUNT), SLOW_COUNT),
)
"""A sync of 10,000 is left out: making two such lists takes a minute where instructions are counted."""

BY_LABEL = {kernel.label: kernel for kernel in KERNELS}
