"""Streams over TCP: dialling, accepting, shaking hands, and carrying messages for the engine.

Everything is bounded: how many streams are open, how long each step may take, how many bytes may come.
A peer that is slow, silent or talks another protocol costs one task for a limited time.
"""

import errno
import logging
import os
from collections import Counter
from collections.abc import Callable

import trio

from node.driver import Driver, StreamEffect
from node.stream_link import Link, LinkEnded
from protocol.address import Address
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.handshake import Initiator, Responder
from protocol.security.hello import OwnHello
from protocol.security.identity import Identity
from protocol.swim.effect import Dial, StreamClose, StreamSend, StreamVerdict

ACCEPTED_MAX = 64
"""Streams served at once. The next takes the place of the oldest whose peer has proven nothing yet, for anybody
can open and hold those; where all are members', it is told `busy`."""
REFUSING_MAX = 32
"""Streams that are being told `busy`; beyond it they are closed without a word."""
DIALLED_MAX = 64
"""Streams dialled at once: joins, some syncs, and a few stream pings."""
JOINING_MAX = 32
"""Of these, those that join or invite, which whoever reaches the HTTP API begins: they must not take from probes and
syncs what they dial with."""
STREAM_LONGEST_S = 120.0
"""Longest life of a stream: a first sync of 16,000 members takes some seconds."""

REVOKED_PAUSE_S = 60.0

JOIN_PURPOSES = (Purpose.JOIN, Purpose.INVITE)

_log = logging.getLogger("shoal.stream")


class StreamServer:
    """Links by the engine's stream number."""

    def __init__(self, driver: Driver, identity: Identity, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._driver = driver
        self._identity = identity
        self._entropy = entropy
        self._links: dict[int, Link] = {}
        self._nursery: trio.Nursery | None = None
        self._turn = trio.Lock()
        self._strangers: dict[int, Link] = {}
        """Accepted links, the oldest first; one whose peer has proven itself meanwhile is skipped when met."""
        self._accepted = 0
        self._refusing = 0
        self._dialled = 0
        self._joining = 0
        self._dials: dict[int, trio.CancelScope] = {}
        self._told_at = float("-inf")
        self.handshakes: Counter[str] = Counter()
        """How handshakes ended: `ok`, a refusal's value, `failed`, `displaced`."""

    def perform(self, effect: StreamEffect) -> None:
        """Carry out what the engine asks of streams."""
        match effect:
            case Dial():
                self._dial(effect)
            case StreamVerdict(stream, refusal):
                link = self._links.get(stream)
                if link is not None:
                    link.decide(refusal)
            case StreamSend(stream, message):
                link = self._links.get(stream)
                if link is not None:
                    link.send(message)
            case StreamClose(stream):
                link = self._links.pop(stream, None)
                if stream in self._dials and (link is None or not link.established):
                    self.give_up(stream)
                elif link is not None:
                    link.finish()

    async def run(
        self, listener: trio.SocketListener, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Accept streams until cancelled; the dialled ones live in the same nursery. Started once it can dial."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            while True:
                try:
                    stream = await listener.accept()
                except OSError as wrong:
                    if wrong.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                        _log.warning("cannot accept a stream: %s", wrong.strerror)
                        await trio.sleep(0.1)  # until some are closed; trio.serve_listeners waits as long
                        continue
                    raise
                if self._refusing >= REFUSING_MAX:
                    await trio.aclose_forcefully(stream)
                else:
                    nursery.start_soon(self._accept, stream)

    # --- opening --------------------------------------------------------------------------------

    def own_hello(self, purpose: Purpose | None = None) -> OwnHello:
        """Give what this node says of itself on a stream."""
        profile = self._driver.engine.local.profile
        return OwnHello(profile.name, profile.license_id, profile.address, purpose)

    def _dial(self, effect: Dial) -> None:
        joins = effect.purpose in JOIN_PURPOSES
        if self._nursery is None or self._dialled >= DIALLED_MAX or (joins and self._joining >= JOINING_MAX):
            reason = "this node dials as many streams as it may already"
            self._report_closed(effect.stream, None, reason)
            return
        self._dialled += 1
        self._joining += joins
        self._nursery.start_soon(self._run_dialled, effect)

    def give_up(self, number: int) -> None:
        """Break off a stream that was dialled, wherever it stands; the engine hears that it closed."""
        scope = self._dials.get(number)
        if scope is not None:
            scope.cancel()

    async def _run_dialled(self, effect: Dial) -> None:
        with trio.CancelScope() as scope:
            self._dials[effect.stream] = scope
            try:
                await self._dial_out(effect)
            finally:
                del self._dials[effect.stream]
                self._dialled -= 1
                self._joining -= effect.purpose in JOIN_PURPOSES
        if scope.cancelled_caught:
            self._report_closed(effect.stream, None, "given up")

    async def _dial_out(self, effect: Dial) -> None:
        try:
            stream = await connect(effect.address, self._driver.engine.core.settings.stream_timeout_s)
        except OSError as wrong:
            self.handshakes["unreachable"] += 1
            reason = f"{effect.address}: {_reason(wrong)}"
            if wrong.errno == errno.ECONNREFUSED:
                self._report_refused(effect.stream, reason)
            else:
                self._report_closed(effect.stream, None, reason)
            return
        hello = self.own_hello(effect.purpose)
        machine = Initiator(self._identity, self._driver.keyring, hello, self._entropy, effect.to)
        link = Link(self._driver, stream, effect.stream, machine, effect.purpose, self._turn)
        await self._run(stream, effect.stream, link, dialled=True)

    async def _accept(self, stream: trio.SocketStream) -> None:
        busy = self._accepted >= ACCEPTED_MAX and not self._displace_stranger()
        if busy:
            self._refusing += 1
        else:
            self._accepted += 1
        number = self._driver.engine.new_stream()
        try:
            machine = Responder(self._identity, self._driver.keyring, self.own_hello(), self._entropy, busy=busy)
            link = Link(self._driver, stream, number, machine, None, self._turn)
            if not busy:
                self._strangers[number] = link
            await self._run(stream, number, link, dialled=False)
        finally:
            self._strangers.pop(number, None)
            if busy:
                self._refusing -= 1
            else:
                self._accepted -= 1

    def _displace_stranger(self) -> bool:
        """End the oldest accepted stream whose peer may be anybody; False if there is none."""
        while self._strangers:
            link = self._strangers.pop(next(iter(self._strangers)))
            if not link.proven:
                self.handshakes["displaced"] += 1
                link.life.cancel()
                return True
        return False

    async def _run(self, stream: trio.SocketStream, number: int, link: Link, *, dialled: bool) -> None:
        self._links[number] = link
        try:
            link.life.deadline = trio.current_time() + STREAM_LONGEST_S
            with link.life as scope:
                try:
                    await link.run(dialled=dialled)
                    self.handshakes["ok"] += 1
                except LinkEnded as ended:
                    self._count(ended.refusal, link)
                    self._tell_if_revoked(ended, link)
                    self._report_closed(number, ended.refusal, str(ended), ended.is_own_echo)
            if scope.cancelled_caught:
                self._report_closed(number, None, "the stream took too long")
        finally:
            self._links.pop(number, None)
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)

    def _count(self, refusal: Refusal | None, link: Link) -> None:
        if refusal is not None:
            self.handshakes[refusal.value] += 1
        else:
            self.handshakes["ok" if link.established else "failed"] += 1

    def _tell_if_revoked(self, ended: LinkEnded, link: Link) -> None:
        """Log that a peer holds this node revoked, once a minute: it may have been away when that was said."""
        now = self._driver.now
        if ended.refusal is Refusal.REVOKED and ended.by_peer and now - self._told_at >= REVOKED_PAUSE_S:
            self._told_at = now
            _log.error("%s refuses this node: %s", link.peer_name, Refusal.REVOKED.sentence)

    def _report_closed(self, number: int, refusal: Refusal | None, reason: str, own_echo: bool = False) -> None:
        driver = self._driver
        driver.perform(driver.engine.handle_stream_closed(driver.now, number, refusal, reason, own_echo=own_echo))

    def _report_refused(self, number: int, reason: str) -> None:
        driver = self._driver
        driver.perform(driver.engine.handle_port_refused(driver.now, number, reason))


async def connect(address: Address, timeout_s: float) -> trio.SocketStream:
    """Open a TCP connection.

    Raises:
        OSError: it could not be opened; TimeoutError after `timeout_s`.
    """
    family = trio.socket.AF_INET6 if ":" in address.host else trio.socket.AF_INET
    connection = trio.socket.socket(family, trio.socket.SOCK_STREAM)
    try:
        with trio.fail_after(timeout_s):
            await connection.connect((address.host, address.port))
    except trio.TooSlowError:
        connection.close()
        raise TimeoutError(errno.ETIMEDOUT, "no answer") from None
    except BaseException:
        connection.close()
        raise
    return trio.SocketStream(connection)


def _reason(wrong: OSError) -> str:
    if wrong.errno == errno.ECONNREFUSED:
        return "connection refused: nobody listens there"
    return (wrong.strerror or str(wrong)).lower()
