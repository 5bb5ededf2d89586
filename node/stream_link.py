"""One stream: the handshake's bytes, then messages both ways, then an explicit end."""

from collections import deque

import trio

from node.driver import Driver
from protocol.error import BadSignature, MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.channel import Channel
from protocol.security.handshake import Initiator, Responder
from protocol.security.handshake_failure import HandshakeFailed, HandshakeRefused, OwnEcho
from protocol.security.handshake_state import State
from protocol.security.hello import PeerHello
from protocol.security.mute import MUTE_S
from protocol.swim.candidate import Candidate
from protocol.wire.codec import decode_stream_message, encode_stream_message
from protocol.wire.message import StreamMessage

READ_SIZE = 65_536
RECEIVED_MAX = 64 * 1024 * 1024
"""Bytes one stream may bring: a sync of 65,536 members with all their accusations."""
QUEUED_MAX = 32 * 1024 * 1024
"""Bytes waiting to be sent; a peer that reads slower than that is given up."""
LINGER_S = 1.0
"""How long a finished stream waits for the peer's end: closing earlier can destroy what it has not read."""
TO_JUDGE = (State.DECIDING, State.PEER_ACCEPTED)
"""States in which our own word is missing; the peer's accept may come together with its proof."""


class LinkEnded(Exception):
    """The stream ended before its work was done; the text says why."""

    def __init__(
        self, reason: str, refusal: Refusal | None = None, *, is_own_echo: bool = False, by_peer: bool = False
    ) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.is_own_echo = is_own_echo
        self.by_peer = by_peer


class Link:
    """A connection, its handshake, and its channel."""

    def __init__(
        self,
        driver: Driver,
        stream: trio.SocketStream,
        number: int,
        machine: Initiator | Responder,
        purpose: Purpose | None,
        turn: trio.Lock,
    ) -> None:
        """Carry a stream; whoever holds `turn`, which all links share, may have a message handled."""
        self._driver = driver
        self._stream = stream
        self._number = number
        self._machine = machine
        self._purpose = purpose
        self._turn = turn
        self.life = trio.CancelScope()
        """Entered by whoever runs the link; to cancel it ends the link."""
        self.proven = False
        """Whether the peer has shown that it holds a cluster key and its identity: before, it may be anybody."""
        self._verdict: Refusal | None = None
        self._decided = trio.Event()
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._wake = trio.Event()
        self._finishing = False
        self._peer_done = trio.Event()
        self._received = 0
        self.established = False

    @property
    def peer_name(self) -> str:
        """Who the peer is, as far as it has proved that."""
        return self._machine.peer.name if self._machine.peer is not None else "a peer"

    # --- from the engine ------------------------------------------------------------------------

    def decide(self, refusal: Refusal | None) -> None:
        """Take the engine's verdict on the peer."""
        self._verdict = refusal
        self._decided.set()

    def send(self, message: StreamMessage) -> None:
        """Queue a message; a peer that does not read loses the stream."""
        channel = self._machine.channel
        if channel is None or self._finishing:
            return
        frame = channel.seal(encode_stream_message(message))
        self._queued += len(frame)
        self._queue.append(frame)
        self._wake.set()

    def finish(self) -> None:
        """Send what is queued, say that this is all, and close."""
        self._finishing = True
        self._wake.set()

    # --- life -----------------------------------------------------------------------------------

    async def run(self, *, dialled: bool) -> None:
        """Shake hands, then carry messages until either side is done.

        Raises:
            LinkEnded: it broke, was refused, took too long, or the peer does not speak our protocol.
        """
        timeout_s = self._driver.engine.core.settings.stream_timeout_s
        try:
            with trio.fail_after(timeout_s):
                peer, channel = await self._shake_hands(dialled=dialled)
        except trio.TooSlowError:
            raise LinkEnded(f"the peer did not finish the handshake within {timeout_s:g} s") from None
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise LinkEnded("the peer broke the connection during the handshake") from None
        self.established = True
        driver = self._driver
        driver.perform(driver.engine.handle_stream_opened(driver.now, self._number, peer.id, peer.purpose))
        await self._converse(channel, peer, timeout_s)

    async def _shake_hands(self, *, dialled: bool) -> tuple[PeerHello, Channel]:
        machine = self._machine
        try:
            if isinstance(machine, Initiator):
                await self._stream.send_all(machine.start())
            while machine.channel is None:
                if machine.state in TO_JUDGE:
                    await self._judge(dialled=dialled)
                    continue
                data = await self._stream.receive_some(4096)
                if not data:
                    raise LinkEnded("the peer closed the connection during the handshake")
                reply = machine.receive(data)
                if reply:
                    await self._stream.send_all(reply)
        except HandshakeFailed as failed:
            await self._send_last(failed.reply)
            refused = failed if isinstance(failed, HandshakeRefused) else None
            raise LinkEnded(
                str(failed),
                refused.reason if refused else None,
                is_own_echo=isinstance(failed, OwnEcho) and not failed.mirrored,
                by_peer=refused is not None and refused.by_peer,
            ) from None
        except MalformedMessage as wrong:
            raise LinkEnded(f"the peer does not speak Shoal's protocol: {wrong}") from None
        if machine.peer is None:
            raise LinkEnded("the peer did not say who it is")
        return machine.peer, machine.channel

    async def _judge(self, *, dialled: bool) -> None:
        """Ask the engine about a peer that has proved who it is."""
        machine, driver = self._machine, self._driver
        peer = machine.peer
        if peer is None:
            raise LinkEnded("the peer did not say who it is")
        self.proven = True
        candidate = Candidate(
            peer.id,
            peer.public_key,
            peer.name,
            peer.license_id,
            peer.address,
            peer.purpose or self._purpose or Purpose.SYNC,
        )
        driver.perform(driver.engine.handle_stream_proposed(driver.now, self._number, candidate, dialled=dialled))
        await self._decided.wait()
        if self._verdict is not None:
            await self._send_last(machine.refuse(self._verdict))
            raise LinkEnded(self._verdict.sentence, self._verdict)
        await self._stream.send_all(machine.accept())

    async def _send_last(self, reply: bytes) -> None:
        """Send why it ends, and wait a moment for the peer to take it: an early close can destroy it."""
        if not reply:
            return
        try:
            with trio.move_on_after(LINGER_S):
                await self._stream.send_all(reply)
                await self._stream.send_eof()
                while await self._stream.receive_some(READ_SIZE):
                    pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _converse(self, channel: Channel, peer: PeerHello, timeout_s: float) -> None:
        broken: BaseExceptionGroup[Exception] | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, channel, timeout_s, nursery.cancel_scope)
                await self._read(channel, peer, timeout_s)
                self._peer_done.set()
                if not self._finishing:
                    raise LinkEnded("the peer closed the stream")
        except* (LinkEnded, trio.BrokenResourceError, trio.ClosedResourceError) as group:
            broken = group  # reader and writer may fail in one turn: two clauses would raise a group of two
        if broken is not None:
            ended = _first_ended(broken)
            if ended is not None:
                raise ended
            if not self._finishing:
                raise LinkEnded("the connection broke")

    async def _read(self, channel: Channel, peer: PeerHello, timeout_s: float) -> None:
        data: bytes | bytearray = b""
        while True:
            try:
                texts = channel.receive(bytes(data))
            except MalformedMessage as wrong:
                raise LinkEnded(f"the peer broke the protocol: {wrong}") from None
            for text in texts:
                async with self._turn:  # one frame of all streams, then timers and datagrams have their turn
                    self._handle(text, peer)
            if channel.closed_by_peer:
                return
            with trio.move_on_after(timeout_s) as scope:
                data = await self._stream.receive_some(READ_SIZE)
            if scope.cancelled_caught:
                raise LinkEnded(f"the peer was silent for {timeout_s:g} s")
            self._received += len(data)
            if not data:
                if self._finishing:
                    return
                raise LinkEnded("the stream was cut off")
            if self._received > RECEIVED_MAX:
                raise LinkEnded(f"the peer sent over {RECEIVED_MAX} bytes")

    def _handle(self, text: bytes, peer: PeerHello) -> None:
        driver = self._driver
        try:
            message = decode_stream_message(text, driver.verifier.open_statement)
            effects = driver.engine.handle_stream_message(driver.now, self._number, message)
        except MalformedMessage as wrong:
            raise LinkEnded(f"the peer broke the protocol: {wrong}") from None
        except BadSignature as wrong:
            driver.gate.mute(peer.id, driver.now + MUTE_S)
            raise LinkEnded(f"the peer sent a false statement: {wrong}") from None
        driver.perform(effects)

    async def _write(self, channel: Channel, timeout_s: float, all_of_it: trio.CancelScope) -> None:
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            while self._queue:
                if self._queued > QUEUED_MAX:
                    raise LinkEnded(f"the peer leaves over {QUEUED_MAX} bytes unread")
                frame = self._queue.popleft()
                self._queued -= len(frame)
                await self._send(frame, timeout_s)
            if self._finishing:
                await self._send(channel.close(), timeout_s)
                await self._stream.send_eof()
                with trio.move_on_after(LINGER_S):
                    await self._peer_done.wait()
                all_of_it.cancel()
                return

    async def _send(self, frame: bytes, timeout_s: float) -> None:
        try:
            with trio.fail_after(timeout_s):
                await self._stream.send_all(frame)
        except trio.TooSlowError:
            raise LinkEnded(f"the peer took no bytes for {timeout_s:g} s") from None


def _first_ended(group: BaseExceptionGroup[Exception]) -> LinkEnded | None:
    """Find the reason that is worth telling; None when the connection just broke."""
    for error in group.exceptions:
        found = _first_ended(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, LinkEnded):
            return found
    return None
