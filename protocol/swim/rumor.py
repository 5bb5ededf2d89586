"""What is still to be told: a queue from which every outgoing packet takes what fits.

Each rumor is sent a bounded number of times (SWIM section 4.1), the ones sent least first; newer
evidence about a member replaces older.
"""

from collections.abc import Iterator
from math import ceil, log10

from protocol.ulid import MemberId
from protocol.wire.codec import encoded_claim_size
from protocol.wire.fact import Fact, fact_id
from protocol.wire.message import Claim, KeyringOffer, Message
from protocol.wire.statement import Accusation, Record, Revocation, statement_subject

RUMORS_MAX = 8_192
"""Beyond it the most often sent is dropped; the sync carries what gossip could not."""
LOOK_AHEAD_MAX = 32
"""Rumors tried for one packet after the first that does not fit."""
KEYRING_FACTOR = 2
"""Times as often a keyring is told as a claim: no hash in an ack shows that one was missed (one of eight members in
some 2,000 rotations, and it found out at the next slow sync)."""
CLAIM_SIZE_MIN = 80
"""No claim is smaller: its signature alone has 64 bytes."""

RumorKey = tuple[MemberId | None, int, MemberId | None]
KEYRING_RUMOR: RumorKey = (None, 4, None)


RETRANSMITS_MIN = 6
"""Two rounds of gossip to three members. Memberlist's formula gives 2 or 4 below ten members, and the
second accuser's voice then missed one of five nodes, whose suspicion ran to its longest (local profile)."""


def retransmit_limit(mult: int, member_count: int) -> int:
    """Tell how often each member sends each rumor: mult * ceil(log10(n + 1)), and at least 6 times."""
    return max(RETRANSMITS_MIN, mult * ceil(log10(member_count + 1)))


class RumorQueue:
    """Rumors by (subject, kind, author), in classes by how often they were sent."""

    def __init__(self, rumors_max: int | None = None) -> None:
        self._rumors_max = RUMORS_MAX if rumors_max is None else rumors_max
        self._sent: dict[RumorKey, int] = {}
        self._classes: list[dict[RumorKey, tuple[Claim | KeyringOffer, int]]] = [{}]
        self._by_subject: dict[MemberId | None, set[RumorKey]] = {}
        self.size = 0
        """Encoded bytes of all that is queued."""

    def __len__(self) -> int:
        return len(self._sent)

    def add(self, claim: Claim) -> None:
        """Queue a claim as new; a record drops what was queued about older incarnations of its subject."""
        statement = claim.statement
        subject = statement_subject(statement)
        if isinstance(statement, Fact):
            self._put((None, 6, fact_id(statement.owner, statement.key)), claim, encoded_claim_size(claim))
        elif isinstance(statement, Revocation):  # not about a membership: no record of its subject's replaces it
            self._put((None, 5, subject), claim, encoded_claim_size(claim))
        elif isinstance(statement, Record):
            self.drop(subject)
            self._put((subject, 1, None), claim, encoded_claim_size(claim))
        else:
            key = (subject, 2, statement.accuser) if isinstance(statement, Accusation) else (subject, 3, None)
            self._put(key, claim, encoded_claim_size(claim))

    def forget_fact(self, fact: Fact) -> None:
        """Tell no more what stood under a fact's key before it."""
        self._remove((None, 6, fact_id(fact.owner, fact.key)))

    def add_keyring(self, offer: KeyringOffer) -> None:
        """Queue the keyring; the newest replaces an older one."""
        self._put(KEYRING_RUMOR, offer, len(offer.blob) + 5)

    def drop(self, subject: MemberId) -> None:
        """Forget what is queued about a member."""
        for key in list(self._by_subject.get(subject, ())):
            self._remove(key)

    def take(self, room: int, limit: int | None) -> tuple[list[Message], list[Claim]]:
        """Choose what fits into `room` bytes, count it as sent, and let go of what was sent `limit` times.

        Without a limit nothing is counted: the receiver may well be dead. Ages are those of the moment
        of queueing, at most some seconds behind.
        """
        messages: list[Message] = []
        claims: list[Claim] = []
        taken: list[RumorKey] = []
        misses = 0
        for key, (rumor, size) in self._fewest_first():
            if size > room:
                misses += 1
                if misses > LOOK_AHEAD_MAX or room < CLAIM_SIZE_MIN:
                    break
                continue
            room -= size
            taken.append(key)
            if isinstance(rumor, Claim):
                claims.append(rumor)
            else:
                messages.append(rumor)
        if limit is not None:
            for key in taken:
                self._count_sent(key, limit * KEYRING_FACTOR if key == KEYRING_RUMOR else limit)
        return messages, claims

    def _fewest_first(self) -> Iterator[tuple[RumorKey, tuple[Claim | KeyringOffer, int]]]:
        for group in self._classes:
            yield from group.items()

    def _put(self, key: RumorKey, rumor: Claim | KeyringOffer, size: int) -> None:
        self._remove(key)
        if len(self._sent) >= self._rumors_max:
            fullest = next(group for group in reversed(self._classes) if group)
            self._remove(next(iter(fullest)))
        self._sent[key] = 0
        self._classes[0][key] = (rumor, size)
        self.size += size
        self._by_subject.setdefault(key[0], set()).add(key)

    def _remove(self, key: RumorKey) -> None:
        sent = self._sent.pop(key, None)
        if sent is None:
            return
        self.size -= self._classes[sent].pop(key)[1]
        keys = self._by_subject[key[0]]
        keys.discard(key)
        if not keys:
            del self._by_subject[key[0]]

    def _count_sent(self, key: RumorKey, limit: int) -> None:
        sent = self._sent[key]
        if sent + 1 >= limit:
            self._remove(key)
            return
        rumor = self._classes[sent].pop(key)
        while len(self._classes) <= sent + 1:
            self._classes.append({})
        self._classes[sent + 1][key] = rumor
        self._sent[key] = sent + 1
