"""The engine: every input goes in here, with the time; what is to be done comes out, in order.

Inputs are synchronous methods that take `now` (seconds, monotonic, never less than before) and return a
list of effects. `next_deadline()` tells when `handle_timer` wants to be called. There is no clock,
no socket and no randomness in it but the given `rng`: the same inputs give the same effects.
"""

from collections.abc import Callable, Sequence
from random import Random

from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.admission import Terms
from protocol.swim.candidate import Candidate, Doorkeeper
from protocol.swim.census import EMPTY_CENSUS, Census
from protocol.swim.core import Core, Counters, Room
from protocol.swim.deadline import Timer, TimerKey
from protocol.swim.effect import ChangeKind, Contact, Effect, PersistPresence
from protocol.swim.fact_keeper import FactKeeper
from protocol.swim.hearing import Hearing
from protocol.swim.leave import Leaving
from protocol.swim.local import LocalMember, Profile, Sign
from protocol.swim.location import Location
from protocol.swim.look import Looker
from protocol.swim.member import Member
from protocol.swim.membership import Membership
from protocol.swim.ping import Pinger
from protocol.swim.probe import Prober
from protocol.swim.race import SeatRace
from protocol.swim.reception import Reception
from protocol.swim.retry import Retrier
from protocol.swim.settings import Settings
from protocol.swim.stream import Streams
from protocol.swim.verdict import Verdicts
from protocol.swim.vivaldi import Coordinate
from protocol.ulid import MemberId
from protocol.wire.fact import Fact
from protocol.wire.message import Claim, Packet, Ping, PingReq, StreamMessage
from protocol.wire.statement import VERSION_MAX, Record, Revocation

INTRODUCTION_ROOM = 400
"""What an introduction takes of it: the record, and a second seal."""
PAYLOAD_ROOM = 1_300
"""Payload bytes of one datagram when the shell does not say: 1,400 less header, nonce, tag and prefix."""

QUESTIONS = frozenset((Ping, PingReq))
"""What one packet may hold one of."""


def fixed_room(peer: MemberId, introduce: bool) -> int:
    """Give every peer the room that is left beside a record of usual size."""
    del peer
    return PAYLOAD_ROOM - (INTRODUCTION_ROOM if introduce else 0)


class Engine:
    """One node's mind. Its parts have a file each; this one routes what comes in and what it changes."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        *,
        incarnation: int,
        sign: Sign,
        rng: Random,
        room: Room = fixed_room,
        census: Census = EMPTY_CENSUS,
    ) -> None:
        """Make a node that is alone, or begins with a census; `incarnation` comes from `first_incarnation`.

        Raises:
            InvalidRequest: the profile does not make a record, or the settings do not admit the census.
        """
        self.core = core = Core(profile.id, settings, rng, room, census)
        self.local = local = LocalMember(core, profile, incarnation, sign)
        self.pinger = Pinger(core)
        self.facts = FactKeeper(core, local, sign)
        self.reception = reception = Reception(core, local, self.facts)
        self.verdicts = Verdicts(core, self.pinger, sign, reception.handle_failed)
        self.prober = Prober(core, self.verdicts.accuse)
        self.looker = Looker(core, self.pinger, self.verdicts)
        self.verdicts.when_accused = self.looker.begin
        self.streams = Streams(core, local, self.pinger, self.prober, self.looker, reception)
        self.retrier = Retrier(core, self.pinger, self.streams)
        self.leaving = Leaving(core, local, self.pinger, self.prober, self.verdicts)
        self.doorkeeper = Doorkeeper(core, self.pinger, self.verdicts)
        self.race = SeatRace(core, local, self.streams, self.leaving)
        self.hearing = Hearing(core, self.prober, self.looker, self.pinger, self.streams, reception, self.race)
        self.location = Location(core, self.facts)
        core.when_measured = self.location.measure
        core.when_stalled = self.prober.begin_anew
        reception.connect(self.verdicts, self.prober, self.streams, self.retrier, self.leaving, self.race)
        reception.when_wanted = self._return
        self.next_deadline: Callable[[], float | None] = core.timers.next_at
        """Tell when handle_timer is next needed; None while nothing is pending."""

    # --- asking ---------------------------------------------------------------------------------

    @property
    def membership(self) -> Membership:
        """The list, to be read."""
        return self.core.membership

    @property
    def counters(self) -> Counters:
        """What happened since the start."""
        return self.core.counters

    @property
    def own_member(self) -> Member:
        """This node's own row."""
        member = self.core.membership.get(self.core.own_id)
        if member is None:
            raise InvalidRequest("the engine was not started")
        return member

    def public_key(self, id: MemberId) -> bytes | None:
        """Find the key of anyone ever met."""
        return self.core.public_key(id)

    @property
    def coordinate(self) -> Coordinate | None:
        """Where this node stands among the others; None where nobody measures."""
        return self.location.own

    def disagreeing_since(self, at: float) -> list[MemberId]:
        """Give the live members that have not shown our own view hash since a time: they may lack what came then."""
        agreed_at, own_id = self.core.agreed_at, self.core.own_id
        return [id for id in self.membership.live_ids() if id != own_id and agreed_at.get(id, -1.0) < at]

    def round_trip_s(self, id: MemberId) -> float | None:
        """Tell the smoothed round trip of this node's own probes of a member, as far as measured."""
        return self.core.round_trips.get(id)

    # --- life -----------------------------------------------------------------------------------

    def start(
        self,
        now: float,
        contacts: Sequence[Contact] = (),
        *,
        left: bool = False,
        revocations: Sequence[Revocation] = (),
    ) -> list[Effect]:
        """Enter the list; try whom we knew before, or not until it joins if this node had left, or is revoked.

        `revocations` are those it had heard of, verified.
        """
        self.core.quiet_since = now
        for revocation in revocations:
            self.membership.revocations.merge(revocation)
            member = self.membership.get(revocation.subject)
            if member is not None and self.membership.revocations.bars(member.id):  # a census had it
                self.membership.drop(member)
        left = left or self.membership.revocations.bars(self.core.own_id)
        self.local.enter(now)
        own = self.core.census.rows.get(self.core.own_id)
        if own is not None:  # of an earlier start, or above us after a disk was lost
            self.local.meet(now, Claim(own.record))
        if left:
            self.local.say_goodbye(now)
            self.core.silent = True
            self.core.timers.disarm(Timer.GOSSIP)
        if self.core.membership.live_count > 1:
            self.prober.wake(now)
            self.streams.arm_slow_sync(now)
        self.retrier.restore(now, list(contacts))
        return self.core.drain()

    def join(self, now: float, address: Address) -> tuple[int, list[Effect]]:
        """Join through whoever answers at an address; JoinEnded with the returned number follows.

        If this node had left it returns, and may find others by its contacts; one that was put out does so once hands
        are shaken.
        """
        self.core.observe(now)
        if self.local.goodbye and not self.membership.revocations.bars(self.core.own_id):
            self._return(now)
        return self.streams.dial_join(address), self.core.drain()

    def invite(self, now: float, address: Address) -> tuple[int, list[Effect]]:
        """Ask whoever answers at an address to be a member; JoinEnded with the returned number follows.

        One that left returns for it; and so does this node, once hands are shaken.
        """
        self.core.observe(now)
        return self.streams.dial_join(address, Purpose.INVITE), self.core.drain()

    def _return(self, now: float) -> None:
        self.leaving.cancel()
        self.core.silent = False
        self.membership.admission.note_heal(now)  # its list may be old, and full of those that are gone
        self.local.return_from_goodbye(now)
        self.core.emit(PersistPresence(left=False))
        for id in self.core.membership.live_ids():
            self.prober.watch(now, id)
        self.streams.arm_slow_sync(now)
        self.retrier.arm(now)
        self.core.arm_gossip(now)

    def leave(self, now: float) -> list[Effect]:
        """Say goodbye; LeaveEnded follows within 5 s. The process may stay, and join again."""
        self.core.observe(now)
        self.leaving.begin(now)
        return self.core.drain()

    def sign_revocation(self, id: MemberId, unix_ms: int, *, revoked: bool) -> bytes:
        """Give this node's signed word that an id is out, or in again; nothing changes before `take_revocation`.

        Raises:
            InvalidRequest: the id is this node's own, or nothing can follow what is held.
        """
        version = self.membership.revocations.next_version(id, unix_ms)
        if id == self.core.own_id:
            raise InvalidRequest("a node cannot revoke itself: it leaves")
        if version > VERSION_MAX:
            raise InvalidRequest("what is held about this id carries a time that nothing can follow")
        return self.local.sign_revocation(id, version, revoked=revoked)

    def take_revocation(self, now: float, revocation: Revocation) -> list[Effect]:
        """Take a verified word about an id, this node's own or one signed with the operator's key, and spread it."""
        self.core.observe(now)
        self.reception.accept(now, self.core.own_id, Claim(revocation))
        self.reception.take_answers()
        return self.core.drain()

    def put_fact(self, now: float, unix_ms: int, key: bytes, value: bytes | None) -> list[Effect]:
        """Say for all to see what stands under a key; with None, that nothing does any more.

        Raises:
            InvalidRequest: out of bounds; nothing changed.
        """
        self.core.observe(now)
        if value is None:
            self.facts.remove(now, unix_ms, key)
        else:
            self.facts.put(now, unix_ms, key, value)
        return self.core.drain()

    def change_terms(self, terms: Terms) -> None:
        """Go by other terms of the same license from now on."""
        self.membership.admission.change_terms(terms)

    def check_tags(self, set_: dict[str, str], delete: tuple[str, ...]) -> None:
        """See whether `set_tags` would take these; changes nothing.

        Raises:
            InvalidRequest: out of bounds.
        """
        self.local.check(self.local.retagged(set_, delete))

    def set_tags(self, now: float, set_: dict[str, str], delete: tuple[str, ...]) -> list[Effect]:
        """Change this node's tags, for all to see.

        Raises:
            InvalidRequest: out of bounds; nothing changed.
        """
        self.core.observe(now)
        self._update(now, self.local.retagged(set_, delete))
        return self.core.drain()

    def set_display_name(self, now: float, display_name: str) -> list[Effect]:
        """Change this node's display name, for all to see.

        Raises:
            InvalidRequest: out of bounds; nothing changed.
        """
        self.core.observe(now)
        self._update(now, self.local.renamed(display_name))
        return self.core.drain()

    def _update(self, now: float, profile: Profile) -> None:
        if profile != self.local.profile:
            self.local.update(now, profile)
            self.core.change(now, ChangeKind.UPDATE, self.own_member, by=self.core.own_id)

    def force_leave(self, now: float, id: MemberId, *, prune: bool) -> list[Effect]:
        """Sign that a failed member is left, or gone; an alive one refutes it and stays."""
        self.core.observe(now)
        member = self.core.membership.get(id)
        if member is not None and id != self.core.own_id:
            self.reception.accept(now, self.core.own_id, self.verdicts.evict(now, member, prune=prune))
        return self.core.drain()

    def offer_keyring(self, now: float, blob: bytes, digest: bytes, *, changed: bool) -> list[Effect]:
        """Hold a keyring for syncs; one that has just changed is spread at once."""
        self.streams.keyring = (blob, digest)
        if changed:
            self.core.observe(now)
            self.core.spread_keyring(now, blob)
        return self.core.drain()

    def ask(self, now: float, id: MemberId) -> list[Effect]:
        """Ping a member outside its turn, so that it shows which keys it holds."""
        self.core.observe(now)
        self.pinger.ask(now, id, self.core.settings.probe_timeout_s, _nothing)
        return self.core.drain()

    # --- datagrams ------------------------------------------------------------------------------

    def handle_packet(self, now: float, sender: MemberId, packet: Packet) -> list[Effect]:
        """Take what one authenticated datagram brought; its claims are verified."""
        core = self.core
        core.observe(now)
        for claim in packet.claims:
            statement = claim.statement
            if type(statement) is Revocation and not self.reception.affords_revocation(now, statement):
                continue
            if type(statement) is Fact and not self.facts.affords(now, statement):
                continue
            self.reception.accept(now, sender, claim)
        asked = False
        for message in packet.messages:
            if type(message) in QUESTIONS:
                if asked:  # no honest packet has two; 64 would send 64 answers to whatever address its record names
                    continue
                asked = True
            self.hearing.take(now, sender, message)
        if answers := self.reception.take_answers():
            core.send(now, sender, (), answers, gossip=False)
        return core.drain()

    def handle_introduced(
        self, now: float, sender: MemberId, packet: Packet, introduction: Record | None
    ) -> list[Effect]:
        """Take a packet that came with the sender's own record, which is merged first."""
        if introduction is not None:
            packet = Packet(packet.messages, (Claim(introduction), *packet.claims))
        return self.handle_packet(now, sender, packet)

    # --- streams --------------------------------------------------------------------------------

    def new_stream(self) -> int:
        """Draw the number for a stream that was accepted."""
        return self.core.new_stream()

    def handle_stream_proposed(self, now: float, stream: int, candidate: Candidate, *, dialled: bool) -> list[Effect]:
        """Judge a peer whose signature is good; a StreamVerdict follows, at once or after a ping."""
        self.core.observe(now)
        if dialled:
            self.streams.meet(stream, candidate.id)
        self.doorkeeper.judge(now, stream, candidate, dialled=dialled)
        return self.core.drain()

    def handle_stream_opened(
        self, now: float, stream: int, peer: MemberId, purpose: Purpose | None = None
    ) -> list[Effect]:
        """Take over a stream whose hands are shaken; `purpose` is what an accepted one was opened for.

        It is what the peer was judged for: a stream opened to sync cannot join past the check of names.
        """
        self.core.observe(now)
        self.streams.handle_opened(now, stream, peer, purpose)
        return self.core.drain()

    def handle_stream_message(self, now: float, stream: int, message: StreamMessage) -> list[Effect]:
        """Take one message of a stream; its claims are verified.

        Raises:
            MalformedMessage: out of turn. Close the stream, and report it closed.
        """
        self.core.observe(now)
        try:
            self.streams.handle_message(now, stream, message)
        finally:
            self.reception.take_answers()
        self._end_join(now)
        return self.core.drain()

    def handle_stream_closed(
        self,
        now: float,
        stream: int,
        refusal: Refusal | None = None,
        reason: str = "",
        *,
        own_echo: bool = False,
    ) -> list[Effect]:
        """Take note that a stream could not be opened, or broke off; `own_echo`: it led back to us."""
        self.core.observe(now)
        self.streams.handle_closed(now, stream, refusal, reason, own_echo=own_echo)
        self._end_join(now)
        return self.core.drain()

    def handle_port_refused(self, now: float, stream: int, reason: str) -> list[Effect]:
        """Take note that a dialled stream found nobody listening: the host's system refused the connection.

        As `handle_stream_closed`, and more: a process that is paused refuses nothing, so this one is not there.
        """
        self.core.observe(now)
        self.streams.handle_port_refused(now, stream, reason)
        self._end_join(now)
        return self.core.drain()

    def _end_join(self, now: float) -> None:
        """See, once no join is under way, whether this node may stay: it may be out, or have lost its seat."""
        if self.streams.is_joining:
            return
        held = self.membership.revocations.get(self.core.own_id)
        if held is not None and held.revoked and not self.local.goodbye:  # it was asked in by mistake
            self.leaving.expel(now, held)
        self.race.end_join(now)

    # --- time -----------------------------------------------------------------------------------

    def handle_timer(self, now: float) -> list[Effect]:
        """Serve every deadline that is due."""
        core = self.core
        core.observe(now)
        while (due := core.timers.pop_due(now)) is not None:
            self._serve(now, due[0])
        return core.drain()

    def _serve(self, now: float, key: TimerKey) -> None:
        timer, about = key
        match timer:
            case Timer.PROBE:
                self.prober.handle_timer(now)
            case Timer.PROBE_TIMEOUT:
                self.prober.handle_timeout(now)
            case Timer.PING if isinstance(about, int):
                self.pinger.handle_timer(now, about)
            case Timer.SUSPICION if isinstance(about, bytes):
                self.verdicts.handle_timer(now, MemberId(about))
            case Timer.GOSSIP:
                self.core.gossip(now)
            case Timer.SYNC:
                self.streams.handle_sync_timer(now)
            case Timer.RETRY:
                self.retrier.handle_timer(now)
            case Timer.CHECK:
                self.verdicts.handle_check_timer(now)
            case Timer.REAP if isinstance(about, bytes):
                self.reception.handle_reap_timer(now, MemberId(about))
            case Timer.REFUTATION:
                self.local.handle_timer(now)
            case Timer.HORIZON:
                self.facts.handle_timer(now)
            case Timer.LEAVE:
                self.leaving.handle_timer(now)
            case _:
                pass


def _nothing(now: float, answered: bool) -> None:
    del now, answered
