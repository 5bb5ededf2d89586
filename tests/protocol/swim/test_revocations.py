"""Who is out: whatever is told, in whatever order, everybody holds the same words, and shows the same hash."""

from functools import reduce
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.swim import revocations as revocations_module
from protocol.swim.revocations import REVOCATIONS_MAX, Revocations, revocation_rank
from protocol.swim.view_hash import ViewHash
from protocol.ulid import MemberId
from protocol.wire.message import Topic
from protocol.wire.statement import Revocation
from tests.protocol.wire.sample import author

ISSUERS = [author(index) for index in range(1, 4)]
SUBJECTS = [author(index) for index in range(10, 16)]
OUT = SUBJECTS[0]

words = st.builds(
    lambda issuer, subject, version, revoked, salt: issuer.revoke(subject.id, version, revoked=revoked, salt=salt),
    st.sampled_from(ISSUERS),
    st.sampled_from(SUBJECTS),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([b"", b"x", b"y"]),
)
"""Equivocating issuers: several words of one version about one id."""
stories = st.lists(words, max_size=20)


def told(said: list[Revocation]) -> Revocations:
    """Give what is held once all was told."""
    held = Revocations(ViewHash())
    for word in said:
        held.merge(word)
    return held


def root(held: Revocations) -> int:
    """Give the hash that an ack would show."""
    return held._hash.root


def join(one: list[Revocation], other: list[Revocation]) -> list[Revocation]:
    """Give what is held by one who holds something and hears all that another holds."""
    return told([*one, *other]).listing()


@given(stories, st.randoms(use_true_random=False))
def test_revocations_order_does_not_matter(said: list[Revocation], rng: Random) -> None:
    """Nor how often a word is told."""
    shuffled = said + said[: len(said) // 2]
    rng.shuffle(shuffled)
    assert told(shuffled).listing() == told(said).listing()
    assert root(told(shuffled)) == root(told(said))


@given(stories, stories)
def test_revocations_merge_is_commutative(one: list[Revocation], other: list[Revocation]) -> None:
    """Who tells whom does not matter."""
    here, there = told(one).listing(), told(other).listing()
    assert join(here, there) == join(there, here)


@given(stories, stories, stories)
def test_revocations_merge_is_associative(
    one: list[Revocation], two: list[Revocation], three: list[Revocation]
) -> None:
    """Nor who hears it from whom."""
    held = [told(said).listing() for said in (one, two, three)]
    assert join(join(held[0], held[1]), held[2]) == join(held[0], join(held[1], held[2]))


@given(stories)
def test_revocations_merge_is_idempotent(said: list[Revocation]) -> None:
    """What is held is no news."""
    held = told(said)
    before = root(held)
    assert not any(held.merge(word) for word in said)
    assert root(held) == before


@given(stories, words)
def test_revocations_never_move_down(said: list[Revocation], word: Revocation) -> None:
    """And what merge answers is whether anything changed."""
    held = told(said)
    before, listing = held.get(word.subject), held.listing()
    news = held.merge(word)
    after = held.get(word.subject)
    assert after is not None
    assert before is None or revocation_rank(after) >= revocation_rank(before)
    assert news == (held.listing() != listing)
    assert news == (after is word)


@given(stories, stories)
def test_revocations_hash_is_equal_exactly_when_the_words_are(one: list[Revocation], other: list[Revocation]) -> None:
    """The root, and each of the 256 sums, as counted from scratch."""
    here, there = told(one), told(other)
    assert (root(here) == root(there)) == (here.listing() == there.listing())
    again = told(here.listing())
    assert again._hash.sums == here._hash.sums


def test_revocations_newest_word_counts() -> None:
    """Out, in, and out again; an older word changes nothing."""
    held = Revocations(ViewHash())
    issuer = ISSUERS[0]
    for version, revoked in ((1, True), (2, False), (3, True)):
        assert held.merge(issuer.revoke(OUT.id, version, revoked=revoked))
        assert held.bars(OUT.id) == revoked
        assert not held.merge(issuer.revoke(OUT.id, version - 1, revoked=not revoked))
        assert held.bars(OUT.id) == revoked


@pytest.mark.parametrize("order", list(permutations((True, False))))
def test_revocations_of_one_version_out_beats_in(order: tuple[bool, ...]) -> None:
    """Two operators in one millisecond."""
    held = told([ISSUERS[0].revoke(OUT.id, 5, revoked=revoked) for revoked in order])
    assert held.bars(OUT.id)


def test_revocations_bar_nobody_else() -> None:
    """And nobody before anything was said."""
    held = told([ISSUERS[0].revoke(OUT.id, 5)])
    assert not held.bars(SUBJECTS[1].id)
    assert held.get(SUBJECTS[1].id) is None
    assert len(held) == 1


def test_revocations_next_version_follows_what_it_replaces() -> None:
    """The time, or one more than the word before, if that is dated ahead of us."""
    held = told([ISSUERS[0].revoke(OUT.id, 1_000)])
    assert held.next_version(SUBJECTS[1].id, 500) == 500
    assert [held.next_version(OUT.id, now) for now in (500, 1_000, 1_001, 2_000)] == [1_001, 1_001, 1_001, 2_000]
    assert held.merge(ISSUERS[1].revoke(OUT.id, held.next_version(OUT.id, 500), revoked=False))
    assert not held.bars(OUT.id)


def test_revocations_are_listed_by_subject_and_bucket() -> None:
    """A sync's lines: topic, id, version, mark; in order of ids."""
    held = told([ISSUERS[0].revoke(who.id, 7) for who in reversed(SUBJECTS)])
    lines = held.summaries(bytes(range(256)))
    assert [(line.topic, line.id, line.version) for line in lines] == [
        (Topic.REVOCATION, who.id, 7) for who in SUBJECTS
    ]
    assert sum(line.mark for line in lines) % (1 << 64) == root(held)
    assert [line.id for line in held.summaries(SUBJECTS[2].id[-1:])] == [SUBJECTS[2].id]
    assert held.summaries(b"") == []


# --- the bound ----------------------------------------------------------------------------------


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three words be all that is kept."""
    monkeypatch.setattr(revocations_module, "REVOCATIONS_MAX", 3)


def bounded(said: list[Revocation], bound: int) -> list[Revocation]:
    """Give by definition what is to be held: the newest about each id, and of these those of the largest ranks."""

    def newer(held: dict[MemberId, Revocation], word: Revocation) -> dict[MemberId, Revocation]:
        before = held.get(word.subject)
        return held if before and revocation_rank(before) >= revocation_rank(word) else held | {word.subject: word}

    none: dict[MemberId, Revocation] = {}
    newest = reduce(newer, said, none)
    kept = sorted(newest.values(), key=revocation_rank, reverse=True)[:bound]
    return sorted(kept, key=lambda word: word.subject)


@given(said=stories, rng=st.randoms(use_true_random=False))
@pytest.mark.usefixtures("three")
def test_revocations_bound_keeps_the_same_on_every_side(said: list[Revocation], rng: Random) -> None:
    """Those of the largest versions, in whatever order all is heard, and though it is told on in part."""
    expected = bounded(said, 3)
    shuffled = list(said)
    rng.shuffle(shuffled)
    cut = rng.randint(0, len(said))
    for order in (said, shuffled, told(said[:cut]).listing() + told(said[cut:]).listing()):
        held = told(order)
        assert held.listing() == expected
        assert held._hash.sums == told(expected)._hash.sums
        assert sum(line.mark for line in held.summaries(bytes(range(256)))) % (1 << 64) == root(held)


def test_revocations_bound_is_4096_and_the_oldest_goes_first() -> None:
    """By version, not by when it was heard."""
    issuer = ISSUERS[0]
    held = Revocations(ViewHash())
    for number in range(REVOCATIONS_MAX):
        assert held.merge(issuer.revoke(MemberId(number.to_bytes(16, "big")), 10 + number))
    late = MemberId(b"\xff" * 16)
    assert not held.merge(issuer.revoke(late, 9))
    assert held.get(late) is None
    assert held.merge(issuer.revoke(late, 11))
    assert held.get(MemberId(bytes(16))) is None
    assert held.merge(issuer.revoke(MemberId((5).to_bytes(16, "big")), 99_999))  # a newer word about one that is held
    assert len(held) == REVOCATIONS_MAX == 4_096
    assert held.get(MemberId((1).to_bytes(16, "big"))) is not None
