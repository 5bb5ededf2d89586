"""What all parts of one engine share: the list, the timers, the rumors, and the outbox."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from protocol.address import Address
from protocol.budget import Budget
from protocol.status import Status
from protocol.swim.address_book import AddressBook
from protocol.swim.awareness import Awareness
from protocol.swim.census import EMPTY_CENSUS, Census
from protocol.swim.deadline import DeadlineQueue, Timer
from protocol.swim.effect import Change, Changed, ChangeKind, Effect, Send
from protocol.swim.evidence import Evidence
from protocol.swim.member import Member
from protocol.swim.membership import Membership
from protocol.swim.rtt import RoundTrips
from protocol.swim.rumor import RumorQueue, retransmit_limit
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.codec import encoded_claim_size
from protocol.wire.fact import Fact
from protocol.wire.message import Claim, Forgotten, KeyringOffer, Message, Packet

MESSAGE_SIZE_MAX = 32
"""Encoded size of any control message but a keyring offer, rounded up."""
CHARGES_MAX = 2
"""Accusations told to their subject: one is enough to refute, a second survives an unknown accuser."""
STALL_SHARE = 0.1
"""A timer this share of the probe timeout late is a stall: 50 ms at lan, more than scheduling noise."""
DOUBT_SHARE = 0.5
"""A stall of this share of the probe timeout could have cost an answer: it feeds awareness."""
GRACE_PAUSE = 2
"""Probe intervals between two stalls after which deadlines wait for a whole probe timeout."""
CORRECTIONS_BURST = 1
FACT_RUMORS_MAX = 256
"""Facts waiting to be told, behind all that is said of members; beyond it a sync brings them."""
FACT_RETRANSMITS = 6
"""Times a fact is told by each member that hears it, in clusters of any size: what that misses, a sync finds. At
memberlist's 12 one change a second in a hundred members cost each of them 5,400 B/s."""
FACT_RUMOR_SIZE_MAX = 1_150
"""A larger fact does not fit one datagram: a sync brings it."""
PARTED_MAX = 512
"""Keys of those put out last, until what was said to them is sealed; more are put out in no one message."""


@dataclass(slots=True)
class Counters:
    """What happened since the start; only ever grows. Shown as metrics."""

    probes: int = 0
    probe_failures: int = 0
    suspicions: int = 0
    refutations: int = 0
    failures: int = 0
    syncs: int = 0
    stalls: int = 0
    gossip_rounds: int = 0
    relayed_pings: int = 0
    corrections: int = 0
    claims_refused: int = 0
    accusations_over_budget: int = 0
    records_over_budget: int = 0
    retries: int = 0


Room = Callable[[MemberId, bool], int]
"""Tells how many bytes of payload one datagram to a peer can carry; with True, as an introduction."""


class Core:
    """Owned by one Engine; its parts read it and act through it."""

    def __init__(
        self, own_id: MemberId, settings: Settings, rng: Random, room: Room, census: Census = EMPTY_CENSUS
    ) -> None:
        self.own_id = own_id
        self.settings = settings
        self.rng = rng
        self.room = room
        self.census = census
        self.membership = Membership(own_id, settings, census)
        self.book = AddressBook(census.contacts)
        self.membership.admission.was_met = lambda id: self.book.get(id) is not None
        self.round_trips = RoundTrips()
        self.timers = DeadlineQueue()
        self.awareness = Awareness(settings.awareness_max, enabled=settings.lha_probe)
        self.rumors = RumorQueue()
        self.fact_rumors = RumorQueue(FACT_RUMORS_MAX)
        self.counters = Counters()
        self.corrections = Budget(settings.probe_interval_s, CORRECTIONS_BURST)
        self.silent = False
        """True once this node has left: it neither probes nor gossips."""
        self.quiet_since = 0.0
        """When the rumor queue last ran empty."""
        self.stalled_at = float("-inf")
        self.stall_s = 0.0
        self.when_measured: Callable[[float, MemberId, float], None] = _note_nothing
        """What a round trip (s) is told to, beside `round_trips`."""
        self.when_stalled: Callable[[float], None] = _go_on
        """What is to be begun anew after a stall; the prober's."""
        self._last_grace_at = float("-inf")
        self._last_gossip_at = float("-inf")
        self._last_stream = 0
        self.agreed_at: dict[MemberId, float] = {}
        """When a member last showed the view hash that was ours at that moment."""
        self._outbox: list[Effect] = []
        self._parted: OrderedDict[MemberId, bytes] = OrderedDict()
        self._stall_min_s = settings.probe_timeout_s * STALL_SHARE

    # --- effects --------------------------------------------------------------------------------

    def emit(self, effect: Effect) -> None:
        """Put an effect behind those already due."""
        self._outbox.append(effect)

    def drain(self) -> list[Effect]:
        """Hand over all effects, in order."""
        effects, self._outbox = self._outbox, []
        return effects

    def number(self) -> int:
        """Draw the random number that matches an answer to its question."""
        return self.rng.getrandbits(32)

    def new_stream(self) -> int:
        """Draw the next stream's number."""
        self._last_stream += 1
        return self._last_stream

    # --- sending --------------------------------------------------------------------------------

    def public_key(self, id: MemberId) -> bytes | None:
        """Find the key of anyone we have met, on the list or in the address book."""
        member = self.membership.get(id)
        if member is not None:
            return member.record.public_key
        contact = self.book.get(id)
        return contact.public_key if contact else self._parted.get(id)

    def tell_parted(self, id: MemberId, public_key: bytes, address: Address, claim: Claim) -> None:
        """Send a claim to one that is no member any more, or never was; its key is kept until it is sealed."""
        self._parted[id] = public_key
        if len(self._parted) > PARTED_MAX:
            self._parted.popitem(last=False)
        self.emit(Send(id, address, Packet((), (claim,))))

    def address(self, id: MemberId) -> Address | None:
        """Find where a peer listens."""
        member = self.membership.get(id)
        if member is not None:
            return member.entry.record.address
        contact = self.book.get(id)
        return contact.address if contact else None

    def send(
        self,
        now: float,
        to: MemberId,
        messages: tuple[Message, ...],
        claims: Sequence[Claim] = (),
        *,
        introduce: bool = False,
        gossip: bool = True,
    ) -> None:
        """Send messages, the claims that must go with them, and what gossip still fits."""
        address = self.address(to)
        if address is None or to == self.own_id:
            return
        packed: tuple[Claim, ...] = ()
        if claims or (gossip and self.has_rumors):  # without either there is always room: no need to ask
            messages, packed = self._pack(now, to, messages, claims, introduce=introduce, gossip=gossip)
        if messages or packed:
            self._outbox.append(Send(to, address, Packet(messages, packed), introduce))

    def _pack(
        self,
        now: float,
        to: MemberId,
        messages: tuple[Message, ...],
        claims: Sequence[Claim],
        *,
        introduce: bool,
        gossip: bool,
    ) -> tuple[tuple[Message, ...], tuple[Claim, ...]]:
        """Fill one datagram with what must go and what may go."""
        room = self.room(to, introduce) - 4 - MESSAGE_SIZE_MAX * len(messages)
        chosen: list[Claim] = []
        for claim in claims:
            size = encoded_claim_size(claim)
            if size <= room:
                chosen.append(claim)
                room -= size
        if gossip and self.has_rumors:
            more_messages, more_claims = self._take_rumors(now, to, room)
            messages = (*messages, *more_messages)
            told = {claim.statement.raw for claim in chosen}
            chosen += [claim for claim in more_claims if claim.statement.raw not in told]
        return messages, tuple(chosen)

    def _take_rumors(self, now: float, to: MemberId, room: int) -> tuple[list[Message], list[Claim]]:
        """Take from the queue what fits, and note when it ran empty; only the telling of the alive counts."""
        member = self.membership.get(to)
        counts = member is not None and member.status is Status.ALIVE
        limit = retransmit_limit(self.settings.retransmit_mult, self.membership.live_count)
        had = len(self.rumors)
        messages, told = self.rumors.take(room, limit if counts else None)
        if had and not len(self.rumors):
            self.quiet_since = now
        if len(self.fact_rumors) and not messages:
            room -= sum(encoded_claim_size(claim) for claim in told)
            told += self.fact_rumors.take(room, min(limit, FACT_RETRANSMITS) if counts else None)[1]
        return messages, told

    def charges(self, now: float, id: MemberId) -> tuple[Claim, ...]:
        """Give what a member must refute, few enough to ride on a ping or an ack."""
        member = self.membership.get(id)
        if member is None or not (member.entry.accusations or member.entry.eviction):
            return ()
        claims = member.charges(now)
        accusations, rest = claims[:CHARGES_MAX], claims[len(member.entry.accusations) :]
        return tuple(dict.fromkeys((*accusations, *rest)))

    def urge(self, now: float, id: MemberId) -> None:
        """Ask a member that answers to rise above its incarnation, though it did not refute what it is charged with.

        It may not be able to read the charge: whoever made it is known here and was made to be forgotten there. (Three
        made-up accusers had a healthy member of ten held failed for good, by 30 datagrams and 5 % loss.)
        """
        member = self.membership.get(id)
        if member is not None and member.status is not Status.ALIVE and not member.record.goodbye:
            self.send(now, id, (Forgotten(id, member.record.incarnation),), gossip=False)

    # --- gossip ---------------------------------------------------------------------------------

    @property
    def has_rumors(self) -> bool:
        """Whether anything waits to be told."""
        return len(self.rumors) > 0 or len(self.fact_rumors) > 0

    @property
    def rumors_size(self) -> int:
        """Bytes of all that waits to be told."""
        return self.rumors.size + self.fact_rumors.size

    def spread_fact(self, now: float, fact: Fact) -> None:
        """Queue a fact behind what is said of members, if it fits a datagram."""
        if len(fact.raw) > FACT_RUMOR_SIZE_MAX:
            self.fact_rumors.forget_fact(fact)
            return
        self.fact_rumors.add(Claim(fact))
        self.arm_gossip(now)

    def spread(self, now: float, *claims: Claim) -> None:
        """Queue claims as rumors, and see to it that a round of gossip comes."""
        for claim in claims:
            self.rumors.add(claim)
        self.arm_gossip(now)

    def spread_keyring(self, now: float, blob: bytes) -> None:
        """Queue the keyring as a rumor."""
        self.rumors.add_keyring(KeyringOffer(blob))
        self.arm_gossip(now)

    def arm_gossip(self, now: float) -> None:
        """Arm the next round: at once after a pause, else an interval after the last."""
        if self.silent or self.timers.deadline(Timer.GOSSIP) is not None:
            return
        self.timers.arm(max(now, self._last_gossip_at + self.settings.gossip_interval_s), Timer.GOSSIP)

    def gossip(self, now: float) -> None:
        """Run one round: some members get what is queued; another round follows while anything is."""
        self._last_gossip_at = now
        if self.silent or not self.has_rumors:
            return
        self.counters.gossip_rounds += 1
        for id in self._gossip_targets(now):
            self.send(now, id, ())
        if self.has_rumors:
            if self.membership.live_count > 1:
                self.arm_gossip(now)
            else:
                self.quiet_since = now

    def _gossip_targets(self, now: float) -> list[MemberId]:
        settings = self.settings
        without = frozenset((self.own_id,))
        targets = self.membership.sample_live(self.rng, settings.gossip_fanout, without)
        recent = self.book.failed_since(now - settings.gossip_to_failed_s)
        if recent and self.rng.random() < len(recent) / (len(recent) + self.membership.live_count):
            targets[-1:] = [self.rng.choice(recent)]
        return targets

    # --- telling --------------------------------------------------------------------------------

    def note(self, now: float, member: Member, event: str, **details: object) -> Evidence:
        """Write a piece of evidence into a member's log."""
        member = self.membership.writable(member.id)
        stalled = now - self.stalled_at <= self.settings.probe_interval_s
        evidence = Evidence(
            now,
            event,
            member.record.incarnation,
            member.status,
            self.round_trips.get(member.id),
            awareness=self.awareness.score,
            stall_s=self.stall_s if stalled else 0.0,
            **details,  # type: ignore[arg-type]  # the fields of Evidence, by name
        )
        member.evidence.add(evidence)
        return evidence

    def change(
        self, now: float, kind: ChangeKind, member: Member, *, status: Status | None = None, **details: object
    ) -> None:
        """Note a change in the member's log and tell whoever listens; `status` where it is not the member's own."""
        evidence = self.note(now, member, kind.value, **details)
        self.emit(
            Changed(
                Change(
                    kind,
                    member.id,
                    self.membership.shown_name(member),
                    member.address,
                    member.record.incarnation,
                    status or member.status,
                    now,
                    evidence,
                )
            )
        )

    # --- stalls ---------------------------------------------------------------------------------

    def observe(self, now: float) -> None:
        """Notice that this node itself was stalled, before anything is concluded from silence.

        Called at the head of every input. A deadline that passed unserved by more than a tenth of the probe
        timeout means that the process did not run. All deadlines move by that much, and at first at least one probe
        timeout into the future, so that what waits in the sockets is read before; not again at once, for a process
        that is stopped half of the time would else never serve a timer. The probe under way begins anew:
        nothing is concluded from a time in which this node did not run.
        """
        due = self.timers.next_at()
        if due is None or now - due <= self._stall_min_s:
            return
        settings = self.settings
        self.stalled_at, self.stall_s = now, now - due
        self.counters.stalls += 1
        if self.stall_s > settings.probe_timeout_s * DOUBT_SHARE:
            self.awareness.feed(1)
        grace_s = 0.0
        if now - self._last_grace_at > GRACE_PAUSE * settings.probe_interval_s:
            self._last_grace_at, grace_s = now, settings.probe_timeout_s
        self.timers.postpone(self.stall_s, now + grace_s)
        self.when_stalled(now)


def _note_nothing(now: float, peer: MemberId, rtt_s: float) -> None:
    del now, peer, rtt_s


def _go_on(now: float) -> None:
    del now
