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

from enum import Enum, auto
from typing import Protocol, TypeVar

from protocol.error import MalformedMessage
from protocol.swim.core import Core
from protocol.swim.effect import KeyringReceived
from protocol.swim.member import Member, bounded_age_s
from protocol.ulid import MemberId
from protocol.wire.codec import (
    CLAIMS_MAX,
    SUMMARIES_MAX,
    WANTED_MAX,
    encoded_claim_size,
)
from protocol.wire.message import (
    Claim,
    KeyringOffer,
    StreamMessage,
    Summary,
    SyncBuckets,
    SyncClaims,
    SyncEnd,
    SyncRoot,
    SyncSummaries,
)
from protocol.wire.statement import statement_subject

CLAIMS_SIZE_MAX = 16_000
"""Bytes of claims per frame: some 60 records, verified in about 10 ms, in one go."""
SUMMARIES_TOTAL_MAX = 65_536
"""Members one peer may list in one sync: four times what a node is sized for."""


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
        self._listed: dict[MemberId, Summary] = {}
        self._wanted: dict[MemberId, None] = {}
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
            self._listed[summary.id] = summary
        if len(self._listed) > SUMMARIES_TOTAL_MAX:
            raise MalformedMessage(f"a listing of over {SUMMARIES_TOTAL_MAX} members")
        if not message.last:
            return []
        self.stage = Stage.CLAIMS
        claims = self._compare(now)
        return _frames(claims, list(self._wanted), self._forgotten)

    def _compare(self, now: float) -> list[Claim]:
        membership = self._core.membership
        claims: list[Claim] = []
        for member in membership.in_buckets(self._buckets):
            theirs = self._listed.pop(member.id, None)
            if theirs is None or theirs.incarnation < member.record.incarnation:
                claims += member.claims(now)
            elif theirs.incarnation > member.record.incarnation:
                self._wanted[member.id] = None
            elif theirs.mark != member.mark:
                claims += member.claims(now)
                self._wanted[member.id] = None
        for id, theirs in sorted(self._listed.items()):
            gone = self._gone(now, id, theirs.incarnation)
            if gone is None:
                self._wanted[id] = None
            else:
                self._forgotten.append(gone)
        return claims

    def _gone(self, now: float, id: MemberId, incarnation: int) -> tuple[MemberId, int, int] | None:
        forgotten = self._core.membership.forgotten(id)
        if forgotten is None or incarnation > forgotten[0]:
            return None
        return id, forgotten[0], bounded_age_s(now - forgotten[1])

    # --- initiator ------------------------------------------------------------------------------

    def _answer_buckets(self, message: SyncBuckets) -> list[StreamMessage]:
        buckets = self._core.membership.hash.differing_buckets(message.sums)
        members = self._core.membership.in_buckets(buckets)
        self.stage = Stage.CLAIMS
        answers: list[StreamMessage] = [KeyringOffer(self._keyring_blob)] if self._keys_differ else []
        starts = range(0, max(1, len(members)), SUMMARIES_MAX)
        for start in starts:
            part = members[start : start + SUMMARIES_MAX]
            last = start == starts[-1]
            answers.append(SyncSummaries(buckets if start == 0 else b"", _summaries(part), last))
        return answers

    # --- both -----------------------------------------------------------------------------------

    def _take_claims(self, now: float, message: SyncClaims) -> list[StreamMessage]:
        for claim in message.claims:
            if not self._listener.accept(now, self._peer, claim):
                statement = claim.statement
                gone = self._gone(now, statement_subject(statement), statement.incarnation)
                if gone is not None:
                    self._forgotten.append(gone)
        self._wanted |= dict.fromkeys(message.wanted)
        if max(len(self._wanted), len(self._forgotten)) > SUMMARIES_TOTAL_MAX:
            raise MalformedMessage(f"a sync about over {SUMMARIES_TOTAL_MAX} members")
        for id, incarnation, age_s in message.forgotten:
            self._listener.take_forgotten(now, id, incarnation, age_s)
        if not message.last:
            return []
        if not self._initiator:
            self.stage = Stage.DONE
            return [SyncEnd()]
        self.stage = Stage.END
        members = [self._core.membership.get(id) for id in self._wanted]
        claims = [claim for member in members if member is not None for claim in member.claims(now)]
        return _frames(claims, [], self._forgotten)


def _summaries(members: list[Member]) -> tuple[Summary, ...]:
    return tuple(Summary(m.id, m.record.incarnation, m.mark) for m in members)


def _frames(
    claims: list[Claim], wanted: list[MemberId], forgotten: list[tuple[MemberId, int, int]]
) -> list[StreamMessage]:
    """Cut claims and ids into messages of bounded size; the last one is marked."""
    parts: list[tuple[tuple[Claim, ...], tuple[MemberId, ...], tuple[tuple[MemberId, int, int], ...]]] = []
    part: list[Claim] = []
    size = 0
    for claim in claims:
        claim_size = encoded_claim_size(claim)
        if size + claim_size > CLAIMS_SIZE_MAX or len(part) == CLAIMS_MAX:
            parts.append((tuple(part), (), ()))
            part, size = [], 0
        part.append(claim)
        size += claim_size
    parts.append((tuple(part), (), ()))
    parts.extend(((), tuple(part), ()) for part in _cut(wanted, WANTED_MAX))
    parts.extend(((), (), tuple(part)) for part in _cut(forgotten, WANTED_MAX // 2))
    return [SyncClaims(*part, last=index == len(parts) - 1) for index, part in enumerate(parts)]


def _cut(items: list[T], size: int) -> list[list[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
