"""What a stream costs before its first word: CPU of both sides together, and bytes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figure import Figure, figure
from benchmarks.micro.material import Author, make_authors, make_keyring
from benchmarks.micro.scale import Scale, time_call
from protocol.purpose import Purpose
from protocol.security.channel import Channel
from protocol.security.handshake import Initiator, Responder
from protocol.security.hello import OwnHello
from protocol.security.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Shaken:
    """Two ends of an established stream, and what it took."""

    initiator: Channel
    responder: Channel
    size_bytes: int
    """Both directions, length prefixes included."""


def shake_hands(keyring: Keyring, one: Author, other: Author) -> Shaken:
    """Run a whole handshake in memory.

    Raises:
        RuntimeError: it ended without a channel.
    """
    hello = OwnHello(one.name, "", one.address, Purpose.SYNC)
    dialler = Initiator(one.identity, keyring, hello, os.urandom, other.id)
    listener = Responder(other.identity, keyring, OwnHello(other.name, "", other.address), os.urandom)
    first = dialler.start()
    answer = listener.receive(first)
    proof = dialler.receive(answer)
    accepts = dialler.accept()
    last = listener.receive(proof + accepts) + listener.accept()
    dialler.receive(last)
    if dialler.channel is None or listener.channel is None:
        raise RuntimeError("the handshake ended without a channel")
    size = sum(len(part) for part in (first, answer, proof, accepts, last))
    return Shaken(dialler.channel, listener.channel, size)


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure a handshake that both sides accept."""
    keyring = make_keyring()
    one, other = make_authors(keyring, 2)
    yield time_call("handshake, both sides", lambda: shake_hands(keyring, one, other), scale)
    yield figure("bytes, both directions", "B", [shake_hands(keyring, one, other).size_bytes])
