"""Anti-entropy over one stream: as many bytes as there are differences, not members.

    initiator                          responder
    SyncRoot ------------------------->            same view, same keyring: SyncEnd
             <------------------------ SyncBuckets  (256 sums)
    SyncSummaries (differing) -------->
             <------------------------ SyncClaims   (what you lack, what I want)
    SyncClaims (what you wanted) ----->
             <------------------------ SyncEnd

A KeyringOffer may stand before SyncBuckets and before SyncSummaries. The states are the table below;
whatever does not fit it is MalformedMessage.
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol, TypeVar

from protocol.error import MalformedMessage
from protocol.swim.core import Core
from protocol.swim.effect import KeyringReceived
from protocol.swim.member import bounded_age_s
from protocol.ulid import MemberId
from protocol.wire.codec import (
    CLAIMS_MAX,
    SUMMARIES_MAX,
    WANTED_MAX,
    encoded_claim_size,
)
from protocol.wire.fact import HORIZON_KEY, Fact
from protocol.wire.message import (
    Claim,
    KeyringOffer,
    StreamMessage,
    Summary,
    SyncBuckets,
    SyncClaims,
    SyncEnd,
    SyncKey,
    SyncRoot,
    SyncSummaries,
    Topic,
)
from protocol.wire.statement import Revocation, statement_subject

CLAIMS_SIZE_MAX = 16_000
"""Bytes of claims per frame: some 60 records, verified in about 10 ms, in one go."""
SUMMARIES_TOTAL_MAX = 131_072
"""Lines one peer may list in one sync: more members, revocations and facts than a node holds."""
TOPICS = (Topic.REVOCATION, Topic.MEMBER, Topic.FACT)
"""In which order things are told: who is out before its record could come in, and a record before its facts."""


T = TypeVar("T")


class Stage(Enum):
    """Where a sync stands, for either side."""

    ROOT = auto()
    """Responder: the other's root is to come."""
    ANSWER = auto()
    """Initiator: end, or buckets."""
    SUMMARIES = auto()
    """Responder: listings are to come."""
    CLAIMS = auto()
    """Either: statements are to come."""
    END = auto()
    """Initiator: the end is to come."""
    DONE = auto()


EXPECTED: dict[Stage, tuple[type, ...]] = {
    Stage.ROOT: (SyncRoot,),
    Stage.ANSWER: (SyncEnd, KeyringOffer, SyncBuckets),
    Stage.SUMMARIES: (KeyringOffer, SyncSummaries, SyncEnd),
    Stage.CLAIMS: (SyncClaims, SyncEnd),
    Stage.END: (SyncEnd,),
    Stage.DONE: (),
}
"""What may come in each stage."""


class SyncListener(Protocol):
    """Who merges what a sync brings."""

    def accept(self, now: float, sender: MemberId, claim: Claim) -> bool:
        """Merge a claim; False if its subject was forgotten here at that incarnation."""

    def take_forgotten(self, now: float, id: MemberId, incarnation: int, age_s: int) -> None:
        """Hear that the sender reaped or pruned a member."""


class SyncExchange:
    """One side of one sync."""

    def __init__(
        self,
        core: Core,
        peer: MemberId,
        listener: "SyncListener",
        keyring: tuple[bytes, bytes],
        stage: Stage,
    ) -> None:
        """Begin as initiator (Stage.ANSWER, after `open`) or as responder (Stage.ROOT)."""
        self._core = core
        self._peer = peer
        self._listener = listener
        self._keyring_blob, self._keyring_digest = keyring
        self._initiator = stage is Stage.ANSWER
        self.stage = stage
        self._keys_differ = False
        self._buckets = b""
        self._listed: dict[SyncKey, Summary] = {}
        self._wanted: dict[SyncKey, None] = {}
        self._forgotten: list[tuple[MemberId, int, int]] = []

    @property
    def done(self) -> bool:
        """Whether nothing more is to come."""
        return self.stage is Stage.DONE

    def open(self) -> list[StreamMessage]:
        """Give the initiator's first word."""
        return [SyncRoot(self._core.membership.hash.root, self._keyring_digest)]

    def receive(self, now: float, message: StreamMessage) -> list[StreamMessage]:
        """Take the other side's next message; give the answers.

        Raises:
            MalformedMessage: a message that this stage does not expect.
        """
        if not isinstance(message, EXPECTED[self.stage]):
            raise MalformedMessage(f"{type(message).__name__} in stage {self.stage.name} of a sync")
        match message:
            case SyncRoot():
                return self._answer_root(message)
            case KeyringOffer():
                self._keys_differ = True
                self._core.emit(KeyringReceived(self._peer, message.blob))
                return []
            case SyncBuckets():
                return self._answer_buckets(message)
            case SyncSummaries():
                return self._take_summaries(now, message)
            case SyncClaims():
                return self._take_claims(now, message)
            case _:
                self.stage = Stage.DONE
                return []

    # --- responder ------------------------------------------------------------------------------

    def _answer_root(self, message: SyncRoot) -> list[StreamMessage]:
        same_keys = message.keyring_digest == self._keyring_digest
        if same_keys and message.view_hash == self._core.membership.hash.root:
            self.stage = Stage.DONE
            return [SyncEnd()]
        self.stage = Stage.SUMMARIES
        offer = [] if same_keys else [KeyringOffer(self._keyring_blob)]
        return [*offer, SyncBuckets(self._core.membership.hash.encode_buckets())]

    def _take_summaries(self, now: float, message: SyncSummaries) -> list[StreamMessage]:
        self._buckets = message.buckets or self._buckets
        for summary in message.summaries:
            self._listed[summary.topic, summary.id] = summary
        if len(self._listed) > SUMMARIES_TOTAL_MAX:
            raise MalformedMessage(f"a listing of over {SUMMARIES_TOTAL_MAX} lines")
        if not message.last:
            return []
        self.stage = Stage.CLAIMS
        claims = self._compare(now)
        return _frames(claims, list(self._wanted), self._forgotten)

    def _compare(self, now: float) -> list[Claim]:
        claims: list[Claim] = []
        for ours in _summaries(self._core, self._buckets):
            key = (ours.topic, ours.id)
            theirs = self._listed.pop(key, None)
            if theirs is None or theirs.version < ours.version:
                claims += _claims(self._core, now, key)
            elif theirs.version > ours.version:
                self._wanted[key] = None
            elif theirs.mark != ours.mark:
                claims += _claims(self._core, now, key)
                self._wanted[key] = None
        for key, theirs in sorted(self._listed.items()):
            gone = self._gone(now, theirs.id, theirs.version) if theirs.topic is Topic.MEMBER else None
            if gone is not None:
                self._forgotten.append(gone)
            elif theirs.topic is not Topic.MEMBER or not self._core.membership.revocations.bars(theirs.id):
                self._wanted[key] = None
        return claims

    def _gone(self, now: float, id: MemberId, incarnation: int) -> tuple[MemberId, int, int] | None:
        forgotten = self._core.membership.forgotten(id)
        if forgotten is None or incarnation > forgotten[0]:
            return None
        return id, forgotten[0], bounded_age_s(now - forgotten[1])

    # --- initiator ------------------------------------------------------------------------------

    def _answer_buckets(self, message: SyncBuckets) -> list[StreamMessage]:
        buckets = self._core.membership.hash.differing_buckets(message.sums)
        held = _summaries(self._core, buckets)
        self.stage = Stage.CLAIMS
        answers: list[StreamMessage] = [KeyringOffer(self._keyring_blob)] if self._keys_differ else []
        starts = range(0, max(1, len(held)), SUMMARIES_MAX)
        for start in starts:
            part = tuple(held[start : start + SUMMARIES_MAX])
            last = start == starts[-1]
            answers.append(SyncSummaries(buckets if start == 0 else b"", part, last))
        return answers

    # --- both -----------------------------------------------------------------------------------

    def _take_claims(self, now: float, message: SyncClaims) -> list[StreamMessage]:
        for claim in message.claims:
            if not self._listener.accept(now, self._peer, claim):
                statement = claim.statement
                gone = (
                    None
                    if isinstance(statement, Revocation | Fact)
                    else self._gone(now, statement_subject(statement), statement.incarnation)
                )
                if gone is not None:
                    self._forgotten.append(gone)
        self._wanted |= dict.fromkeys(message.wanted)
        if max(len(self._wanted), len(self._forgotten)) > SUMMARIES_TOTAL_MAX:
            raise MalformedMessage(f"a sync about over {SUMMARIES_TOTAL_MAX} lines")
        for id, incarnation, age_s in message.forgotten:
            self._listener.take_forgotten(now, id, incarnation, age_s)
        if not message.last:
            return []
        if not self._initiator:
            self.stage = Stage.DONE
            return [SyncEnd()]
        self.stage = Stage.END
        wanted = sorted(self._wanted, key=lambda key: TOPICS.index(key[0]))
        claims = [claim for key in wanted for claim in _claims(self._core, now, key)]
        return _frames(claims, [], self._forgotten)


def _summaries(core: Core, buckets: bytes) -> list[Summary]:
    """List what is held in some buckets, a topic after the other, each in order of ids."""
    membership = core.membership
    members = [Summary(Topic.MEMBER, m.id, m.record.incarnation, m.mark) for m in membership.in_buckets(buckets)]
    return membership.revocations.summaries(buckets) + members + membership.facts.summaries(buckets)


def _claims(core: Core, now: float, key: SyncKey) -> Sequence[Claim]:
    """Give what is signed about one line of a listing; nothing where it is not held."""
    topic, id = key
    if topic is Topic.REVOCATION:
        revocation = core.membership.revocations.get(id)
        return () if revocation is None else (Claim(revocation),)
    if topic is Topic.FACT:
        fact = core.membership.facts.find(id)
        return () if fact is None else (Claim(fact),)
    member = core.membership.get(id)
    return () if member is None else member.claims(now)


def _frames(
    claims: list[Claim], wanted: list[SyncKey], forgotten: list[tuple[MemberId, int, int]]
) -> list[StreamMessage]:
    """Cut claims and ids into messages of bounded size; the last one is marked."""
    claims = sorted(claims, key=_place)
    parts: list[tuple[tuple[Claim, ...], tuple[SyncKey, ...], tuple[tuple[MemberId, int, int], ...]]] = []
    part: list[Claim] = []
    size = 0
    for claim in claims:
        claim_size = encoded_claim_size(claim)
        begins_facts = isinstance(claim.statement, Fact) and part and not isinstance(part[-1].statement, Fact)
        if size + claim_size > CLAIMS_SIZE_MAX or len(part) == CLAIMS_MAX or begins_facts:
            parts.append((tuple(part), (), ()))
            part, size = [], 0
        part.append(claim)
        size += claim_size
    parts.append((tuple(part), (), ()))
    parts.extend(((), tuple(part), ()) for part in _cut(wanted, WANTED_MAX))
    parts.extend(((), (), tuple(part)) for part in _cut(forgotten, WANTED_MAX // 2))
    return [SyncClaims(*part, last=index == len(parts) - 1) for index, part in enumerate(parts)]


def _place(claim: Claim) -> int:
    """Give a claim's place: facts after their owners' records, and horizons last.

    Facts go in frames of their own, for a frame is verified before any of it is merged; and nothing that still stands
    may vanish meanwhile.
    """
    statement = claim.statement
    if not isinstance(statement, Fact):
        return 0
    return 2 if statement.key == HORIZON_KEY else 1


def _cut(items: list[T], size: int) -> list[list[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
