"""What is said on streams once hands are shaken: joins, syncs, and the stream ping."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from math import ceil, log2
from typing import Protocol

from protocol.address import Address
from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import Dial, JoinEnded, StreamClose, StreamSend
from protocol.swim.local import LocalMember
from protocol.swim.look import Looker
from protocol.swim.ping import Pinger
from protocol.swim.probe import Prober
from protocol.swim.sync import Stage, SyncExchange, SyncListener
from protocol.ulid import MemberId
from protocol.wire.message import (
    Claim,
    Join,
    JoinAnswer,
    StreamMessage,
    StreamPing,
    StreamPong,
    SyncRoot,
)
from protocol.wire.statement import Record

STREAMS_MAX = 256
"""Streams in conversation at once; one more is closed at once."""
MISMATCH_QUIET_S = 1.0
"""A differing view hash is given this long after the last rumor to settle by itself."""
CONGESTED_SIZE = 2_600
"""Bytes of rumors, two datagrams' worth, beyond which a differing view is worth a sync at once. Each rumor is told
6 to 16 times, 15 datagrams a second: gossip alone takes 4 s to tell of 50 that start together, and 25 s of 300."""
FACTS_SYNC_PAUSE_S = 3.0
"""Between two syncs while facts are being told, which alone would explain a differing view."""
SYNC_PAUSE_S = 1.0
"""At most one sync is started per second, whoever disagrees."""
SYNCS_MAX = 3
"""Syncs of our own in flight at once, each with another peer: one that never answers must not stop the repair."""
SYNC_LONGEST_S = 30.0
"""A sync that takes longer is let go on, but holds up no other: a peer may draw it out for two minutes."""
SLIGHT_LONGEST = 64
"""Seconds, at most, for which a peer that did not finish syncs is no reason to begin another; doubles from 2."""
SLIGHTED_MAX = 1_024
PEER_STREAMS_MAX = 8
"""Streams in conversation with one peer that it opened: it could else hold all of them for two minutes."""
SETTLED_MAX = 256
"""Pairs of hashes remembered as settled; each change of a view makes new ones."""
AGREED_SKIPS_MAX = 9
"""Slow syncs left out in a row while every ack shows this node's own view: they would move two roots and a handshake,
1.6 kB, and be a fifth of what an idle node sends. The tenth goes through, for what no view hash shows: a keyring."""
AGREED_INTERVALS = 3
"""Probe intervals within which somebody must have agreed, for a slow sync to be left out."""
SYNC_SCALE_THRESHOLD = 32
"""Up to here the slow sync keeps its base period (memberlist's pushPullScale)."""


def sync_period_s(base_s: float, member_count: int) -> float:
    """Give the slow sync's period: base * (ceil(log2 n - 5) + 1) above 32 members."""
    if member_count <= SYNC_SCALE_THRESHOLD:
        return base_s
    return base_s * (ceil(log2(member_count) - log2(SYNC_SCALE_THRESHOLD)) + 1)


JOINS = (Purpose.JOIN, Purpose.INVITE)
FIRST_WORDS: dict[type, tuple[Purpose, ...]] = {
    StreamPing: (Purpose.PING,),
    SyncRoot: (Purpose.SYNC,),
    Join: JOINS,
}
"""What each purpose begins with."""


class Turn(Enum):
    """Whose word is expected on a stream."""

    DIALLED = auto()
    """We dialled; it is not open yet."""
    REQUEST = auto()
    """Accepted: the other's first word is to come."""
    JOIN_CHECK = auto()
    """Accepted a Join: the newcomer is being pinged."""
    JOIN_ANSWER = auto()
    """We joined: the answer is to come."""
    PONG = auto()
    """We sent a StreamPing."""
    SYNC = auto()
    """A sync is under way."""


@dataclass(slots=True)
class _Stream:
    purpose: Purpose
    turn: Turn
    peer: MemberId | None
    exchange: SyncExchange | None = None
    number: int = 0
    judged_for: Purpose | None = None
    datagrams_reach: bool = True
    met: MemberId | None = None
    """Who proved itself on a stream that we dialled."""
    was_live: bool = False
    comes_in: bool = False
    """Whether this node is the newcomer: it asked to join, or was alone when it invited or was invited."""


@dataclass(frozen=True, slots=True)
class _Sync:
    """A sync that this node began."""

    peer: MemberId
    pair: tuple[int, int] | None
    """The view hashes for which it was begun; None for one begun for another reason."""
    began_at: float


class Listener(SyncListener, Protocol):
    """What the engine does for its streams."""

    def tell_forgotten(self, now: float, subject: MemberId) -> None:
        """Tell a subject at which incarnation it was reaped or pruned here."""

    def return_if_left(self, now: float) -> None:
        """Be a member again, if this node had left: it is asked in, or has found whom it joins through."""


class Streams:
    """Conversations by stream number; the shell carries them and enforces their timeouts."""

    def __init__(
        self, core: Core, local: LocalMember, pinger: Pinger, prober: Prober, looker: Looker, listener: Listener
    ) -> None:
        self._core = core
        self._local = local
        self._pinger = pinger
        self._prober = prober
        self._looker = looker
        self._listener = listener
        self._streams: dict[int, _Stream] = {}
        self._syncs: dict[int, _Sync] = {}
        """Those that this node began, by stream."""
        self._last_sync_at = float("-inf")
        self._agreed_at = self._disagreed_at = float("-inf")
        """When an ack last showed this node's own view, and another."""
        self._left_out = core.rng.randrange(AGREED_SKIPS_MAX + 1)
        """Slow syncs, since the last that ended well; as if some had been before, lest all go through at once."""
        self._settled: OrderedDict[tuple[int, int], None] = OrderedDict()
        """Pairs of view hashes that a sync did not bring together: what one side does not admit stays so."""
        self._slighted: OrderedDict[MemberId, tuple[int, float]] = OrderedDict()
        """Peers that did not finish a sync: how often, and until when their view hash is not heeded."""
        self.keyring: tuple[bytes, bytes] = (b"", bytes(8))
        """What SyncRoot and KeyringOffer say of the keyring: its encoding, and 8 bytes of digest."""

    def __len__(self) -> int:
        return len(self._streams)

    # --- opening --------------------------------------------------------------------------------

    def dial_join(self, address: Address, purpose: Purpose = Purpose.JOIN) -> int:
        """Open a join with whoever answers at an address; to invite is a join in which the other is let in."""
        return self._dial(purpose, None, address)

    def close_with(self, now: float, peer: MemberId) -> None:
        """End every conversation with a peer that is out."""
        for stream in [stream for stream, held in self._streams.items() if held.peer == peer]:
            self.handle_closed(now, stream, Refusal.REVOKED, "", own_echo=False)
            self._core.emit(StreamClose(stream))

    def dial_sync(self, now: float, peer: MemberId) -> None:
        """Open a sync, unless one is in flight or was just started."""
        self._dial_sync(now, peer, None)

    def _dial_sync(self, now: float, peer: MemberId, pair: tuple[int, int] | None) -> None:
        core = self._core
        address = core.address(peer)
        if core.silent or address is None or not self._may_sync(now, peer):
            return
        self._last_sync_at = now
        self._syncs[self._dial(Purpose.SYNC, peer, address)] = _Sync(peer, pair, now)
        core.counters.syncs += 1

    def _may_sync(self, now: float, peer: MemberId) -> bool:
        if now - self._last_sync_at < SYNC_PAUSE_S:
            return False
        fresh = [sync for sync in self._syncs.values() if now - sync.began_at < SYNC_LONGEST_S]
        return len(fresh) < SYNCS_MAX and all(sync.peer != peer for sync in fresh)

    def _dial(self, purpose: Purpose, to: MemberId | None, address: Address) -> int:
        stream = self._core.new_stream()
        self._streams[stream] = _Stream(purpose, Turn.DIALLED, to)
        self._core.emit(Dial(stream, to, address, purpose))
        return stream

    def consider_hash(self, now: float, peer: MemberId, view_hash: int) -> None:
        """Start a sync with a peer whose view differs, once dissemination has had its time, or has too much to do."""
        core = self._core
        if view_hash == core.membership.hash.root:
            core.agreed_at[peer] = self._agreed_at = now
            return
        self._disagreed_at = now
        quiet = not len(core.rumors) and now - core.quiet_since >= MISMATCH_QUIET_S
        if quiet and len(core.fact_rumors):  # facts may change without end: what was said of members must not wait
            quiet = now - self._last_sync_at >= FACTS_SYNC_PAUSE_S
        if not quiet and core.rumors_size <= CONGESTED_SIZE:
            return
        pair = (core.membership.hash.root, view_hash)
        if pair in self._settled or (peer in self._slighted and now < self._slighted[peer][1]):
            return
        self._dial_sync(now, peer, pair)

    def arm_slow_sync(self, now: float) -> None:
        """Arm the slow sync, once there is somebody to sync with; jittered so that nodes spread out."""
        core = self._core
        if core.silent or core.timers.deadline(Timer.SYNC) is not None or core.membership.live_count <= 1:
            return
        period_s = sync_period_s(core.settings.sync_interval_s, core.membership.live_count)
        core.timers.arm(now + period_s * (0.5 + core.rng.random()), Timer.SYNC)

    def handle_sync_timer(self, now: float) -> None:
        """Sync with some live member, or, while all show the same view, now and then."""
        core = self._core
        if self._left_out < AGREED_SKIPS_MAX and self._all_agree(now):
            self._left_out += 1
        elif peers := core.membership.sample_live(core.rng, 1, frozenset((core.own_id,))):
            self.dial_sync(now, peers[0])
        self.arm_slow_sync(now)

    def _all_agree(self, now: float) -> bool:
        """Tell whether all who answered within half a period showed this node's own view, and somebody just did."""
        settings = self._core.settings
        calm_s = sync_period_s(settings.sync_interval_s, self._core.membership.live_count) / 2
        return (
            now - self._agreed_at < AGREED_INTERVALS * settings.probe_interval_s and now - self._disagreed_at > calm_s
        )

    # --- events from the shell ------------------------------------------------------------------

    def meet(self, stream: int, peer: MemberId) -> None:
        """Note who proved itself on a stream that we dialled."""
        held = self._streams.get(stream)
        if held is not None:
            held.met, held.was_live = peer, self._core.membership.is_live(peer)

    @property
    def is_joining(self) -> bool:
        """Whether this node is on its way in: it dialled to join, or was invited, and that is not over."""
        return any(held.purpose in JOINS or held.judged_for is Purpose.INVITE for held in self._streams.values())

    def handle_opened(self, now: float, stream: int, peer: MemberId, purpose: Purpose | None = None) -> None:
        """Speak first on a stream that we dialled, or listen on one that was accepted."""
        core = self._core
        if core.membership.revocations.bars(peer):  # put out since it was judged
            self.handle_closed(now, stream, Refusal.REVOKED, "", own_echo=False)
            core.emit(StreamClose(stream))
            return
        if self._prober.take_opened(stream):
            self._ask_probed(stream, peer)
            return
        if self._looker.take_opened(stream):
            core.emit(StreamClose(stream))
            return
        held = self._streams.get(stream)
        if held is None:
            if len(self._streams) >= STREAMS_MAX or self._opened_by(peer) >= PEER_STREAMS_MAX:
                core.emit(StreamClose(stream))
                return
            self._streams[stream] = _Stream(Purpose.SYNC, Turn.REQUEST, peer, judged_for=purpose)
            return
        held.peer = peer
        if held.purpose in JOINS:
            held.comes_in = held.purpose is Purpose.JOIN or self._is_alone
            self._listener.return_if_left(now)
            held.turn = Turn.JOIN_ANSWER
            core.emit(StreamSend(stream, Join(Claim(self._local.record))))
        elif held.purpose is Purpose.SYNC:
            self._open_sync(stream, held)
        else:
            self._close(stream)

    @property
    def _is_alone(self) -> bool:
        return self._core.silent or self._core.membership.live_count <= 1

    def _opened_by(self, peer: MemberId) -> int:
        return sum(1 for held in self._streams.values() if held.peer == peer and held.judged_for is not None)

    def _ask_probed(self, stream: int, peer: MemberId) -> None:
        probe = self._prober.current
        if probe is None or probe.stream != stream:  # answered otherwise, or over: nothing is left to ask
            self._core.emit(StreamClose(stream))
            return
        self._streams[stream] = _Stream(Purpose.PING, Turn.PONG, peer, number=probe.number)
        self._core.emit(StreamSend(stream, StreamPing(probe.number)))

    def handle_message(self, now: float, stream: int, message: StreamMessage) -> None:
        """Take a message of an open stream.

        Raises:
            MalformedMessage: out of turn; the shell closes the stream and reports it closed.
        """
        held = self._streams.get(stream)
        if held is None or held.peer is None:
            return
        match held.turn:
            case Turn.REQUEST:
                self._handle_request(now, stream, held, message)
            case Turn.JOIN_ANSWER if isinstance(message, JoinAnswer):
                self._handle_join_answer(now, stream, held, message)
            case Turn.PONG if isinstance(message, StreamPong):
                self._prober.handle_pong(held.peer, message.number)
                self._close(stream)
                self.consider_hash(now, held.peer, message.view_hash)
            case Turn.SYNC | Turn.JOIN_CHECK if held.exchange is not None:
                self._advance_sync(now, stream, held, message)
            case _:
                raise MalformedMessage(f"{type(message).__name__} out of turn")

    def handle_port_refused(self, now: float, stream: int, reason: str) -> None:
        """Take note that nobody listens where a stream was to lead, as the system there says."""
        self._prober.handle_stream_failed(stream, reason, refused=True)
        self._looker.handle_stream_failed(stream, reason, refused=True)
        self.handle_closed(now, stream, None, reason, own_echo=False)

    def handle_closed(self, now: float, stream: int, refusal: Refusal | None, reason: str, *, own_echo: bool) -> None:
        """Take note that a stream ended, or never opened, before its work was done."""
        why = refusal.sentence if refusal else reason
        self._prober.handle_stream_failed(stream, why, refused=False)
        self._looker.handle_stream_failed(stream, why, refused=False)
        held = self._streams.pop(stream, None)
        if held is None:
            return
        self._end_sync(now, stream, finished=False)
        if held.purpose in JOINS:
            self._core.emit(
                JoinEnded(stream, None, refusal, reason, own_echo=own_echo, met=held.met, was_live=held.was_live)
            )

    # --- requests -------------------------------------------------------------------------------

    def _handle_request(self, now: float, stream: int, held: _Stream, message: StreamMessage) -> None:
        core = self._core
        if held.judged_for is not None and held.judged_for not in FIRST_WORDS.get(type(message), ()):
            raise MalformedMessage(f"{type(message).__name__} on a stream opened for another purpose")
        match message:
            case StreamPing():
                core.emit(StreamSend(stream, StreamPong(message.number, core.membership.hash.root)))
                self._close(stream)
            case SyncRoot() if held.peer is not None:
                held.turn = Turn.SYNC
                held.exchange = self._exchange(held.peer, Stage.ROOT)
                self._advance_sync(now, stream, held, message)
            case Join() if held.peer is not None:
                self._handle_join(now, stream, held, message)
            case _:
                raise MalformedMessage(f"{type(message).__name__} as a stream's first word")

    def _handle_join(self, now: float, stream: int, held: _Stream, message: Join) -> None:
        core, peer = self._core, held.peer
        record = message.record.statement
        if not isinstance(record, Record) or record.id != peer:
            raise MalformedMessage("a join with another's record")
        held.turn = Turn.JOIN_CHECK
        if held.judged_for is Purpose.INVITE:
            held.comes_in = self._is_alone
            self._listener.return_if_left(now)
        if not self._listener.accept(now, peer, message.record):
            self._listener.tell_forgotten(now, peer)
        elif core.membership.get(peer) is None:  # the seat was taken since the handshake: it will ask again
            self._close(stream)
            return

        def done(at: float, answered: bool) -> None:
            if self._streams.get(stream) is not held:
                return
            held.turn = Turn.SYNC
            held.exchange = self._exchange(record.id, Stage.ROOT)
            core.emit(StreamSend(stream, JoinAnswer(Claim(self._local.record), answered)))
            del at

        self._pinger.ask(now, record.id, core.awareness.scale(core.settings.probe_timeout_s), done, introduce=True)

    def _handle_join_answer(self, now: float, stream: int, held: _Stream, message: JoinAnswer) -> None:
        record = message.record.statement
        if not isinstance(record, Record) or record.id != held.peer:
            raise MalformedMessage("a join answered with another's record")
        held.datagrams_reach = message.datagrams_reach
        self._listener.accept(now, record.id, message.record)
        self._open_sync(stream, held)

    # --- syncs ----------------------------------------------------------------------------------

    def _exchange(self, peer: MemberId, stage: Stage) -> SyncExchange:
        return SyncExchange(self._core, peer, self._listener, self.keyring, stage)

    def _open_sync(self, stream: int, held: _Stream) -> None:
        if held.peer is None:
            return
        held.turn = Turn.SYNC
        held.exchange = self._exchange(held.peer, Stage.ANSWER)
        for message in held.exchange.open():
            self._core.emit(StreamSend(stream, message))

    def _advance_sync(self, now: float, stream: int, held: _Stream, message: StreamMessage) -> None:
        exchange = held.exchange
        if exchange is None:
            raise MalformedMessage("a sync that was not opened")
        answers = exchange.receive(now, message)
        if self._streams.get(stream) is not held:  # it brought word that its own peer is out
            return
        for answer in answers:
            self._core.emit(StreamSend(stream, answer))
        if exchange.done:
            sync = self._syncs.get(stream)
            if sync is not None and sync.pair is not None and sync.pair[0] == self._core.membership.hash.root:
                self._settle(sync.pair)
            self._end_sync(now, stream, finished=True)
            self._close(stream)
            if held.comes_in:
                self._core.membership.admission.note_joined(now, self._core.own_id)
                self._local.announce(now)
            if held.purpose in JOINS:
                self._end_join(stream, held)

    def _end_join(self, stream: int, held: _Stream) -> None:
        self._core.emit(
            JoinEnded(stream, held.peer, datagrams_reach=held.datagrams_reach, met=held.peer, was_live=held.was_live)
        )

    def _settle(self, pair: tuple[int, int]) -> None:
        self._settled[pair] = None
        if len(self._settled) > SETTLED_MAX:
            self._settled.popitem(last=False)

    def _close(self, stream: int) -> None:
        self._streams.pop(stream, None)
        self._syncs.pop(stream, None)
        self._core.emit(StreamClose(stream))

    def _end_sync(self, now: float, stream: int, *, finished: bool) -> None:
        """Forget a sync of ours; who did not finish it is heeded again after a while, twice as long each time."""
        sync = self._syncs.pop(stream, None)
        if sync is None:
            return
        count, _ = self._slighted.pop(sync.peer, (0, 0.0))
        if finished and sync.pair is None:  # one for a differing view comes to many at once, and they to one rhythm
            self._left_out = 0
        if not finished:
            wait_s = min(SLIGHT_LONGEST, 2 ** min(count + 1, 16)) * SYNC_PAUSE_S
            self._slighted[sync.peer] = (count + 1, now + wait_s)
            if len(self._slighted) > SLIGHTED_MAX:
                self._slighted.popitem(last=False)
