"""The parts of a node, put together by hand: an engine with its seals, and a socket that only remembers."""

import os
from collections import deque
from collections.abc import Callable
from random import Random
from typing import cast

import trio

from node.datagram_socket import DatagramSocket, Traffic
from node.driver import Driver
from protocol.address import Address
from protocol.security.datagram import DatagramGate
from protocol.security.identity import Identity, StatementSigner
from protocol.security.keyring import Keyring
from protocol.security.verifier import Verifier
from protocol.swim.effect import Effect
from protocol.swim.engine import Engine
from protocol.swim.local import Profile
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.message import Claim, Packet

START_MS = 1_700_000_000_000
"""Unix ms at which every identity and incarnation here begins."""


class FakeDatagrams:
    """A socket: what was sent, and what waits to be drained."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.traffic = Traffic()
        self.sent: list[tuple[bytes, Address]] = []
        self.waiting: deque[bytes] = deque()

    def send(self, datagram: bytes, to: Address) -> None:
        """Remember."""
        self.sent.append((datagram, to))

    def drain(self, handle: Callable[[bytes], None]) -> int:
        """Hand over what waits."""
        count = len(self.waiting)
        while self.waiting:
            handle(self.waiting.popleft())
        return count


class Parts:
    """One node without sockets, disk or tasks. Make it inside a Trio test: the driver reads the clock."""

    def __init__(self, name: str, port: int, keyring: Keyring | None = None, **settings: object) -> None:
        self.identity = Identity.generate(START_MS, os.urandom)
        self.keyring = Keyring.from_offer(keyring.encode_offer()) if keyring else Keyring.generate(START_MS, os.urandom)
        self.address = Address("127.0.0.1", port)
        self.datagrams = FakeDatagrams(self.address)
        self.signer = StatementSigner(self.identity, self.keyring.cluster_id)
        self.verifier = Verifier(self.keyring.cluster_id, self._public_key)
        self.gate = DatagramGate(self.identity, self.keyring, self.verifier, START_MS, os.urandom, self._public_key)
        profile = Profile(
            id=self.identity.id,
            public_key=self.identity.public_key,
            name=name,
            address=self.address,
            start=port,
            version="0",
        )
        self.engine = Engine(
            profile,
            Settings.local(**settings),
            incarnation=START_MS,
            sign=self.signer.sign,
            rng=Random(port),
            room=self._room,
        )
        self.driver = Driver(self.engine, self.gate, self.verifier, self.keyring, cast(DatagramSocket, self.datagrams))
        self.effects: list[Effect] = []
        self.driver.connect(self.effects.append, self.effects.append)
        self.driver.perform(self.engine.start(trio.current_time()))

    def _public_key(self, id: MemberId) -> bytes | None:
        return self.engine.public_key(id)

    def _room(self, peer: MemberId, introduce: bool) -> int:
        if introduce:
            self.gate.forget_answer(peer)
        return self.gate.payload_max(peer, len(self.engine.local.record.raw))

    def meet(self, other: "Parts") -> None:
        """Learn another's record, as if it had introduced itself."""
        packet = Packet((), (Claim(other.engine.local.record),))
        self.driver.perform(self.engine.handle_packet(self.driver.now, other.identity.id, packet))

    def deliver(self, *others: "Parts") -> int:
        """Hand every sent datagram to whom it is addressed; how many there were."""
        sent, self.datagrams.sent = self.datagrams.sent, []
        for datagram, to in sent:
            for other in others:
                if other.address == to:
                    other.driver.handle_datagram(datagram)
        return len(sent)
