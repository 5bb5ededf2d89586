"""A member made by hand: it holds the cluster key and its own identity, and says whatever a test wants.

It speaks the protocol by `protocol.security` alone, over plain sockets, without an engine: what it sends is
well sealed, and what is inside is the attack.
"""

import os
import socket
import time
from base64 import b64decode
from pathlib import Path

from protocol.address import Address, split_host_port
from protocol.purpose import Purpose
from protocol.security.channel import Channel
from protocol.security.datagram import DatagramGate
from protocol.security.handshake import Initiator
from protocol.security.handshake_state import State
from protocol.security.hello import OwnHello
from protocol.security.identity import Identity, StatementSigner
from protocol.security.key_file import parse_key_file
from protocol.security.opening import Opened
from protocol.security.verifier import Verifier
from protocol.ulid import MemberId, parse_ulid
from protocol.wire.codec import decode_packet, encode_packet
from protocol.wire.message import Ack, Claim, Message, Packet, Ping
from protocol.wire.statement import (
    Accusation,
    Eviction,
    Record,
    decode_statement,
    encode_accusation,
    encode_eviction,
    encode_record,
)
from tests.end_to_end.agent_process import AgentProcess

SOCKET_TIMEOUT_S = 5.0
READ_SIZE = 65_536


class Insider:
    """One identity with a UDP socket of its own, aimed at one agent."""

    def __init__(self, target: AgentProcess, key_file: Path, name: str = "") -> None:
        self.name = name or f"mallory-{os.urandom(4).hex()}"
        self.keyring = parse_key_file(key_file.read_text())
        self.identity = Identity.generate(time.time_ns() // 1_000_000, os.urandom)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(SOCKET_TIMEOUT_S)
        self.address = Address("127.0.0.1", self.socket.getsockname()[1])
        self._signer = StatementSigner(self.identity, self.keyring.cluster_id)
        self.incarnation = time.time_ns() // 1_000_000
        self._start = int.from_bytes(os.urandom(8), "big")
        host, port = split_host_port(target.gossip)
        self.target_address = (host, port)
        told = target.get("/v1/cluster/identity")
        self.target_id = MemberId(parse_ulid(told["peer_id"]))
        self._keys = {self.target_id: b64decode(told["public_key"]), self.identity.id: self.identity.public_key}
        self.verifier = Verifier(self.keyring.cluster_id, self._keys.get)
        self.gate = DatagramGate(
            self.identity, self.keyring, self.verifier, self.incarnation, os.urandom, self._keys.get
        )
        self.record = self.compose()

    def close(self) -> None:
        """Say goodbye, so that nobody probes this member for long, and close the UDP socket."""
        self.incarnation += 1
        self.send(self.seal(claims=(Claim(self.compose(goodbye=True)),)))
        self.socket.close()

    # --- statements -----------------------------------------------------------------------------

    def compose(self, **changes: object) -> Record:
        """Sign a record of its own; or one with another's id, for which the signature cannot be good."""
        fields: dict[str, object] = {
            "id": self.identity.id,
            "public_key": self.identity.public_key,
            "name": self.name,
            "address": self.address,
            "incarnation": self.incarnation,
            "goodbye": False,
            "start": self._start,
            "protocol_range": (1, 1, 1),
            "version": "0",
            "license_id": "",
            "display_name": "",
            "tags": {"dc": "dc1", "region": "global"},
        }
        record = decode_statement(self._signed(encode_record(**(fields | changes))))  # type: ignore[arg-type]
        assert isinstance(record, Record)
        return record

    def accuse(self, subject: MemberId, incarnation: int) -> Accusation:
        """Sign an accusation."""
        made = decode_statement(self._signed(encode_accusation(self.identity.id, subject, incarnation)))
        assert isinstance(made, Accusation)
        return made

    def evict(self, subject: MemberId, incarnation: int, *, prune: bool = False) -> Eviction:
        """Sign an eviction."""
        made = decode_statement(self._signed(encode_eviction(self.identity.id, subject, incarnation, prune)))
        assert isinstance(made, Eviction)
        return made

    def _signed(self, body: bytes) -> bytes:
        return self._signer.sign(body) + body

    # --- datagrams ------------------------------------------------------------------------------

    def seal(self, *messages: Message, claims: tuple[Claim, ...] = ()) -> bytes:
        """Give a datagram for the target: an introduction until it has answered."""
        payload = encode_packet(Packet(messages, claims))
        return self.gate.seal(self.target_id, self._keys[self.target_id], payload, self.record.raw)

    def seal_payload(self, payload: bytes) -> bytes:
        """Give a well sealed datagram with any payload."""
        return self.gate.seal(self.target_id, self._keys[self.target_id], payload, self.record.raw)

    def send(self, datagram: bytes) -> None:
        """Send a datagram to the target."""
        self.socket.sendto(datagram, self.target_address)

    def receive(self) -> Packet:
        """Wait for the next datagram that opens."""
        while True:
            opened = self.gate.open(time.monotonic(), self.socket.recv(2_048))
            if isinstance(opened, Opened):
                return decode_packet(opened.payload, decode_statement)

    def ping(self, *, claims: tuple[Claim, ...] = ()) -> Packet:
        """Ping the target, with claims beside; the packet that answers. Pings from there are acked meanwhile."""
        number = int.from_bytes(os.urandom(4), "big")
        self.send(self.seal(Ping(number), claims=claims))
        while True:
            packet = self.receive()
            self.answer(packet)
            if any(isinstance(message, Ack) and message.number == number for message in packet.messages):
                return packet

    def answer(self, packet: Packet) -> None:
        """Ack the pings of a packet, so that nobody accuses this member."""
        for message in packet.messages:
            if isinstance(message, Ping):
                self.send(self.seal(Ack(message.number, 0)))

    # --- streams --------------------------------------------------------------------------------

    def shake_hands(self, purpose: Purpose = Purpose.SYNC) -> tuple[socket.socket, Channel]:
        """Open a stream to the target and finish the handshake."""
        connection = socket.create_connection(self.target_address, SOCKET_TIMEOUT_S)
        machine = Initiator(
            self.identity, self.keyring, OwnHello(self.name, "", self.address, purpose), os.urandom, self.target_id
        )
        connection.sendall(machine.start())
        while machine.channel is None:
            if machine.state in (State.DECIDING, State.PEER_ACCEPTED):
                connection.sendall(machine.accept())
                continue
            data = connection.recv(READ_SIZE)
            if not data:
                raise ConnectionError("the target closed the connection during the handshake")
            reply = machine.receive(data)
            if reply:
                connection.sendall(reply)
        return connection, machine.channel


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the other side closes; what it sent. A reset is an end too."""
    read = b""
    try:
        while data := connection.recv(READ_SIZE):
            read += data
    except ConnectionResetError:
        pass
    return read
