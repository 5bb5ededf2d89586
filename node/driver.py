"""Runs the engine on Trio: its timer, its datagrams, and its effects, in order.

A synchronous call is atomic under Trio, so every task calls the engine directly; there is no lock and no
queue in front of it. Each call's effects are carried out before it returns.
"""

import logging
import math
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from node.datagram_socket import DatagramSocket
from protocol.budget import Budget
from protocol.error import BadSignature, InvalidRequest, MalformedMessage
from protocol.security.datagram import DatagramGate
from protocol.security.keyring import Keyring
from protocol.security.mute import MUTE_S
from protocol.security.opening import Dropped, DropReason
from protocol.security.verifier import Verifier
from protocol.swim.effect import (
    Dial,
    Effect,
    KeyringReceived,
    Send,
    StartRaised,
    StreamClose,
    StreamSend,
    StreamVerdict,
)
from protocol.swim.engine import Engine
from protocol.ulid import format_ulid
from protocol.wire.codec import decode_packet, encode_packet

LATE_S = 0.01
"""Above a loop's own delay: only after such a pause can answers be waiting unread."""
LATENESS_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

OFFER_AHEAD_MAX_MS = 86_400_000
"""How far ahead of our clock a change of the keyring may be stamped. A stamp at the end of all time could never
be followed by another: one insider's offer would end the rotation of keys for good."""
OFFERS_BURST = 16
OFFERS_PERIOD_S = 1.0
"""Keyrings other than ours taken of one member at once, and then one a second: each that changes ours is an fsync,
a rumor to all, and every pair's keys made anew. A sync brings what is dropped here."""

StreamEffect = Dial | StreamVerdict | StreamSend | StreamClose

_log = logging.getLogger("shoal.driver")


@dataclass(slots=True)
class Lateness:
    """How late this node's timers were served: what a detector's verdicts are worth."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENESS_BUCKETS_S) + 1))
    total_s: float = 0.0
    largest_s: float = 0.0

    def add(self, late_s: float) -> None:
        """Count one timer."""
        late_s = max(late_s, 0.0)
        self.counts[bisect_left(LATENESS_BUCKETS_S, late_s)] += 1
        self.total_s += late_s
        self.largest_s = max(self.largest_s, late_s)


class Driver:
    """One engine between its sockets; `streams` and `listener` take the effects that are theirs."""

    def __init__(
        self,
        engine: Engine,
        gate: DatagramGate,
        verifier: Verifier,
        keyring: Keyring,
        datagrams: DatagramSocket,
    ) -> None:
        self.engine = engine
        self.gate = gate
        self.verifier = verifier
        self.keyring = keyring
        self.datagrams = datagrams
        self.drops: dict[DropReason, int] = dict.fromkeys(DropReason, 0)
        self.lateness = Lateness()
        self.clock = trio.lowlevel.current_clock().current_time
        """The engine's clock, Trio's own without the ways to it: an idle node asks it some ten times a second."""
        self._offers = Budget(OFFERS_PERIOD_S, OFFERS_BURST)
        self._on_stream: Callable[[StreamEffect], None] = _ignore
        self._on_effect: Callable[[Effect], None] = _ignore
        self._timer_scope: trio.CancelScope | None = None
        self.has_stirred = False
        """Set by effects that may concern a task: all but datagrams sent."""

    def connect(self, on_stream: Callable[[StreamEffect], None], on_effect: Callable[[Effect], None]) -> None:
        """Learn who opens streams, and who hears of changes and persists."""
        self._on_stream = on_stream
        self._on_effect = on_effect

    @property
    def now(self) -> float:
        """The engine's clock: seconds, monotonic."""
        return self.clock()

    # --- effects --------------------------------------------------------------------------------

    def perform(self, effects: list[Effect]) -> None:
        """Carry out effects in order, then set the timer to the next deadline."""
        for effect in effects:
            if type(effect) is Send:
                self._send(effect)
                continue
            self.has_stirred = True
            match effect:
                case Dial() | StreamVerdict() | StreamSend() | StreamClose():
                    self._on_stream(effect)
                case StartRaised(incarnation):
                    self.gate.restart(incarnation)
                case KeyringReceived():
                    self._merge_keyring(effect)
                case _:
                    self._on_effect(effect)
        self._arm()

    def _send(self, effect: Send) -> None:
        public_key = self.engine.public_key(effect.to)
        if public_key is None:
            return
        if effect.introduce:
            self.gate.forget_answer(effect.to)
        try:
            record = self.engine.local.record.raw
            datagram = self.gate.seal(effect.to, public_key, encode_packet(effect.packet), record)
        except (InvalidRequest, MalformedMessage) as wrong:
            _log.warning("a packet for %s was not sent: %s", format_ulid(effect.to), wrong)
            return
        self.datagrams.send(datagram, effect.address)

    def _merge_keyring(self, effect: KeyringReceived) -> None:
        if effect.blob == self.keyring.encode_offer() or not self._offers.take(self.now, effect.sender):
            return
        try:
            changed = self.keyring.merge_offer(effect.blob, time.time_ns() // 1_000_000 + OFFER_AHEAD_MAX_MS)
        except MalformedMessage as wrong:
            _log.warning("a keyring offered by %s was refused: %s", format_ulid(effect.sender), wrong)
            return
        if changed:
            self._on_effect(effect)
            self.offer_keyring(changed=True)

    def offer_keyring(self, *, changed: bool) -> None:
        """Tell the engine which keyring to offer; a changed one is spread."""
        blob, digest = self.keyring.encode_offer(), self.keyring.digest
        self.perform(self.engine.offer_keyring(self.now, blob, digest, changed=changed))

    # --- datagrams ------------------------------------------------------------------------------

    def handle_datagram(self, datagram: bytes) -> None:
        """Open one datagram and let the engine have it; what does not open is dropped and counted."""
        now = self.clock()
        opened = self.gate.open(now, datagram)
        if isinstance(opened, Dropped):
            self.drops[opened.reason] += 1
            return
        try:
            packet = decode_packet(opened.payload, self.verifier.open_statement)
        except MalformedMessage:
            self.drops[DropReason.MALFORMED] += 1
            return
        except BadSignature as wrong:
            self.drops[DropReason.BAD_SIGNATURE] += 1
            self.gate.mute(opened.sender, now + MUTE_S)
            sender = format_ulid(opened.sender)
            _log.warning("%s is muted for %d s: it sent a false statement: %s", sender, MUTE_S, wrong)
            return
        self.perform(self.engine.handle_introduced(now, opened.sender, packet, opened.introduction))

    # --- time -----------------------------------------------------------------------------------

    def _arm(self) -> None:
        scope = self._timer_scope
        if scope is not None:
            deadline = self.next_deadline
            if scope.deadline != deadline:
                scope.deadline = deadline

    @property
    def next_deadline(self) -> float:
        """When the engine wants to be served, infinity if it does not."""
        due = self.engine.next_deadline()
        return math.inf if due is None else due

    async def run_timer(self) -> None:
        """Serve the engine's deadlines, until cancelled.

        The scope's deadline is moved in place: a deadline that moves away costs no wake-up. Before a late
        timer is served the socket is drained, so that nothing is concluded from silence that is not.
        """
        while True:
            with trio.CancelScope(deadline=self.next_deadline) as scope:
                self._timer_scope = scope
                await trio.sleep_forever()
            self._timer_scope = None  # what is done from here on need not move a deadline that has passed
            self.serve_timers()

    def serve_timers(self) -> None:
        """Serve what is due."""
        now = self.clock()
        late_s = now - self.next_deadline
        self.lateness.add(late_s)
        if late_s > LATE_S:
            self.datagrams.drain(self.handle_datagram)
            now = self.clock()
        self.perform(self.engine.handle_timer(now))


def _ignore(effect: Effect) -> None:
    del effect
