"""What is still to be told: fewest tellings first, newest words only, bounded."""

import pytest

from protocol.swim.rumor import RUMORS_MAX, RumorQueue, retransmit_limit
from protocol.ulid import MemberId
from protocol.wire.codec import encoded_claim_size
from protocol.wire.message import Claim, KeyringOffer
from tests.protocol.wire.sample import author

A, B, C, D = (author(index) for index in range(1, 5))
ROOM = 10_000


@pytest.mark.parametrize(
    ("mult", "n", "expected"), [(4, 1, 6), (4, 9, 6), (4, 10, 8), (4, 99, 8), (4, 100, 12), (2, 5, 6), (2, 1000, 8)]
)
def test_rumor_retransmits_grow_with_the_logarithm(mult: int, n: int, expected: int) -> None:
    """Mult * ceil(log10(n + 1)), and at least six."""
    assert retransmit_limit(mult, n) == expected


def test_rumor_sent_least_goes_first() -> None:
    """A newcomer in the queue overtakes those told already."""
    queue = RumorQueue()
    first, second = Claim(A.record()), Claim(B.record())
    queue.add(first)
    queue.take(ROOM, 6)
    queue.add(second)
    assert queue.take(ROOM, 6)[1] == [second, first]
    size = encoded_claim_size(second)
    assert queue.take(size, 6)[1] == [second]


def test_rumor_is_let_go_after_its_limit() -> None:
    """Told three times, then gone."""
    queue = RumorQueue()
    queue.add(Claim(A.record()))
    assert [len(queue.take(ROOM, 3)[1]) for _ in range(4)] == [1, 1, 1, 0]
    assert len(queue) == 0


def test_rumor_told_to_those_who_may_be_dead_is_not_counted() -> None:
    """No limit given: it stays."""
    queue = RumorQueue()
    queue.add(Claim(A.record()))
    for _ in range(50):
        assert queue.take(ROOM, None)[1]
    assert len(queue.take(ROOM, 1)[1]) == 1
    assert len(queue) == 0


def test_rumor_of_a_newer_record_replaces_all_about_its_subject() -> None:
    """Accusations of the older incarnation too; those about others stay."""
    queue = RumorQueue()
    for claim in (Claim(A.record(1)), Claim(B.accuse(A.id)), Claim(C.evict(A.id)), Claim(B.record(1))):
        queue.add(claim)
    newer = Claim(A.record(2))
    queue.add(newer)
    assert set(queue.take(ROOM, 6)[1]) == {Claim(B.record(1)), newer}


def test_rumor_accusations_of_several_accusers_stand_side_by_side() -> None:
    """They confirm each other; a second signature of one accuser replaces its first."""
    queue = RumorQueue()
    for claim in (Claim(B.accuse(A.id)), Claim(C.accuse(A.id)), Claim(C.accuse(A.id, salt=b"x"))):
        queue.add(claim)
    assert set(queue.take(ROOM, 6)[1]) == {Claim(B.accuse(A.id)), Claim(C.accuse(A.id, salt=b"x"))}


def test_rumor_of_who_is_out_stands_beside_all_about_a_membership() -> None:
    """No record of its subject replaces it, and it replaces none; a newer word about the same id does."""
    queue = RumorQueue()
    older, newer, record = Claim(B.revoke(A.id, 1)), Claim(C.revoke(A.id, 2)), Claim(A.record(2))
    for claim in (Claim(A.record(1)), older, record, newer, Claim(B.revoke(D.id, 1))):
        queue.add(claim)
    assert set(queue.take(ROOM, 6)[1]) == {record, newer, Claim(B.revoke(D.id, 1))}
    queue.drop(A.id)
    assert set(queue.take(ROOM, 6)[1]) == {newer, Claim(B.revoke(D.id, 1))}


def test_rumor_newest_keyring_replaces_the_older() -> None:
    """And what does not fit the room waits."""
    queue = RumorQueue()
    queue.add_keyring(KeyringOffer(b"old" * 100))
    queue.add_keyring(KeyringOffer(b"new" * 100))
    queue.add(Claim(A.accuse(B.id)))
    assert queue.take(200, 6) == ([], [Claim(A.accuse(B.id))])
    assert queue.take(ROOM, 6)[0] == [KeyringOffer(b"new" * 100)]


def test_rumor_drop_forgets_all_about_one_member() -> None:
    """And about nobody else."""
    queue = RumorQueue()
    for claim in (Claim(A.record()), Claim(B.accuse(A.id)), Claim(C.record())):
        queue.add(claim)
    queue.drop(A.id)
    assert queue.take(ROOM, 6)[1] == [Claim(C.record())]


def test_rumor_queue_is_bounded_and_drops_the_most_told() -> None:
    """Defect 15: a queue without bound."""
    queue = RumorQueue()
    told = Claim(A.record())
    queue.add(told)
    queue.take(ROOM, 100)
    for number in range(RUMORS_MAX + 5):
        queue.add(Claim(B.accuse(MemberId(number.to_bytes(16, "big")))))
    assert len(queue) == RUMORS_MAX
    assert told not in queue.take(RUMORS_MAX * 200, None)[1]
