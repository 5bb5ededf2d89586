"""A member played by a benchmark: it speaks sealed datagrams over a plain socket, and answers pings."""

import os
import socket

from benchmarks.micro.material import Author
from protocol.address import Address
from protocol.security.datagram import DatagramGate
from protocol.security.keyring import Keyring
from protocol.security.opening import Opened
from protocol.security.verifier import Verifier
from protocol.ulid import MemberId
from protocol.wire.codec import decode_packet, encode_packet
from protocol.wire.message import Ack, Packet, Ping
from protocol.wire.statement import Record

READ_SIZE = 2_048
PING_NUMBER = 4_000_000_000
"""Beyond what the node is likely to draw; it only has to come back."""


class Peer:
    """One identity, its gate and its socket; `target` is the node spoken to."""

    def __init__(self, author: Author, keyring: Keyring, connection: socket.socket, target: Record) -> None:
        """Speak to `target` from a bound, non-blocking socket whose address is in the author's record."""
        self.author = author
        self.record = author.record()
        self._socket = connection
        self._target = target
        self._address = target.address
        self._verifier = Verifier(keyring.cluster_id, self._key)
        self._gate = DatagramGate(
            author.identity, keyring, self._verifier, author.identity.time_ms, os.urandom, self._key
        )

    def _key(self, id: MemberId) -> bytes | None:
        return self._target.public_key if id == self._target.id else None

    def seal(self, packet: Packet) -> bytes:
        """Give the datagram that carries a packet."""
        return self._gate.seal(self._target.id, self._target.public_key, encode_packet(packet), self.record.raw)

    def send(self, datagram: bytes) -> None:
        """Send to the node."""
        self._socket.sendto(datagram, self._address)

    def ping(self) -> None:
        """Send a ping."""
        self.send(self.seal(Packet((Ping(PING_NUMBER),))))

    def answer_waiting(self, view_hash: int = 0) -> int:
        """Read what waits, ack every ping with the given view hash, and tell how many datagrams there were."""
        count = 0
        while True:
            try:
                datagram = self._socket.recv(READ_SIZE)
            except BlockingIOError:
                return count
            count += 1
            opened = self._gate.open(0.0, datagram)
            if not isinstance(opened, Opened):
                continue
            packet = decode_packet(opened.payload, self._verifier.open_statement)
            acks = tuple(Ack(m.number, view_hash) for m in packet.messages if isinstance(m, Ping))
            if acks:
                self.send(self.seal(Packet(acks)))


def bound_socket() -> tuple[socket.socket, Address]:
    """Bind a non-blocking UDP socket on loopback."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connection.setblocking(False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    connection.bind(("127.0.0.1", 0))
    return connection, Address(*connection.getsockname())
