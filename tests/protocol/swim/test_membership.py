"""The list: what each claim comes to, and that live list, names and hash follow."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.refusal import Refusal
from protocol.swim import membership as membership_module
from protocol.swim.membership import Membership, Outcome
from protocol.swim.settings import Settings
from protocol.swim.view_hash import ViewHash, entry_mark
from protocol.wire.message import Claim
from protocol.wire.statement import Statement
from tests.protocol.wire.sample import Author, author

ME, A, B, C = (author(index) for index in range(4))
DAY_S = 86_400
NEWS, KNOWN, STALE, FORGOTTEN, UNFOUNDED, REFUSED = (
    Outcome.NEWS,
    Outcome.KNOWN,
    Outcome.STALE,
    Outcome.FORGOTTEN,
    Outcome.UNFOUNDED,
    Outcome.REFUSED,
)


def make(*said: Statement, settings: Settings | None = None) -> Membership:
    """Give a list that holds ME and what was said, at time 0."""
    members = Membership(ME.id, settings or Settings.lan())
    for statement in (ME.record(5), *said):
        members.apply(0.0, Claim(statement))
    return members


def forgotten() -> Membership:
    """Give a list off which A was taken at incarnation 5."""
    members = make(A.record(5))
    member = members.get(A.id)
    assert member is not None
    members.forget(member, -10.0)
    return members


WORDS: dict[str, Claim] = {
    "record 4": Claim(A.record(4)),
    "record 5": Claim(A.record(5)),
    "record 6": Claim(A.record(6)),
    "goodbye 4": Claim(A.record(4, goodbye=True)),
    "goodbye 5": Claim(A.record(5, goodbye=True)),
    "goodbye 6, a day old": Claim(A.record(6, goodbye=True), DAY_S),
    "accusation 4": Claim(B.accuse(A.id, 4)),
    "accusation 5": Claim(B.accuse(A.id, 5)),
    "accusation 6": Claim(B.accuse(A.id, 6)),
    "accusation 5, a day old": Claim(B.accuse(A.id, 5), DAY_S),
    "eviction 4": Claim(B.evict(A.id, 4)),
    "eviction 5": Claim(B.evict(A.id, 5)),
    "eviction 6": Claim(B.evict(A.id, 6)),
}

OUTCOMES: dict[str, list[Outcome]] = {
    "unknown": [NEWS] * 5 + [UNFOUNDED] * 8,
    "alive": [STALE, KNOWN, NEWS, STALE, NEWS, NEWS, STALE, NEWS, UNFOUNDED, UNFOUNDED, STALE, NEWS, UNFOUNDED],
    "suspect": [STALE, KNOWN, NEWS, STALE, NEWS, NEWS, STALE, KNOWN, UNFOUNDED, UNFOUNDED, STALE, NEWS, UNFOUNDED],
    "failed": [STALE, KNOWN, NEWS, STALE, NEWS, NEWS, STALE, KNOWN, UNFOUNDED, KNOWN, STALE, NEWS, UNFOUNDED],
    "gone": [STALE, STALE, NEWS, STALE, KNOWN, NEWS, STALE, NEWS, UNFOUNDED, NEWS, STALE, NEWS, UNFOUNDED],
    "forgotten": [FORGOTTEN, FORGOTTEN, NEWS, FORGOTTEN, FORGOTTEN, UNFOUNDED, FORGOTTEN, FORGOTTEN, UNFOUNDED,
                  UNFOUNDED, FORGOTTEN, FORGOTTEN, UNFOUNDED],
}  # fmt: skip


def in_state(state: str) -> Membership:
    """Give a list in which A is in a state, at incarnation 5."""
    if state == "forgotten":
        return forgotten()
    said: list[Statement] = [] if state == "unknown" else [A.record(5, goodbye=state == "gone")]
    if state in ("suspect", "failed"):
        said.append(B.accuse(A.id, 5))
    members = make(*said)
    member = members.get(A.id)
    if state == "failed" and member is not None:
        members.mark_failed(0.0, member)
    return members


CELLS = [(state, word, outcome) for state, row in OUTCOMES.items() for word, outcome in zip(WORDS, row, strict=True)]


@pytest.mark.parametrize(("state", "word", "outcome"), CELLS, ids=[f"{state}-{word}" for state, word, _ in CELLS])
def test_membership_outcome_of_each_word_in_each_state(state: str, word: str, outcome: Outcome) -> None:
    """And nothing but NEWS changes the hash."""
    members = in_state(state)
    root = members.hash.root
    assert members.apply(1.0, WORDS[word]).outcome is outcome
    if outcome is not NEWS:
        assert members.hash.root == root


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.sampled_from(list(WORDS.values()))), max_size=20), st.data())
def test_membership_hash_and_live_list_follow_every_claim(
    said: list[tuple[Author, Claim]], data: st.DataObject
) -> None:
    """Whatever was applied, failed or forgotten: they equal what is counted from scratch."""
    members = make(B.record(1), C.record(1))
    for _, claim in said:
        members.apply(1.0, claim)
        member = members.get(A.id)
        if member is not None and data.draw(st.booleans()):
            members.mark_failed(1.0, member)
        if member is not None and not member.is_live and data.draw(st.booleans()):
            members.forget(member, 0.0)
    scratch = ViewHash()
    for member in members:
        scratch.replace(member.id, 0, entry_mark(member.entry))
    assert members.hash.root == scratch.root
    assert set(members.live_ids()) == {member.id for member in members if member.is_live}
    assert members.live_count == len(members.live_ids())


def test_membership_larger_age_wins() -> None:
    """Of a member that is gone; a smaller one, told later, changes nothing."""
    members = make(A.record(5), B.accuse(A.id, 5))
    for age_s, expected in ((100, 100), (50, 100), (3_000, 3_000)):
        members.apply(0.0, Claim(B.accuse(A.id, 5), age_s))
        member = members.get(A.id)
        assert member is not None
        assert member.age_s(0.0) == expected


def test_membership_age_begins_anew_with_a_new_incarnation() -> None:
    """An old accusation says nothing about the return."""
    members = make(A.record(5))
    members.apply(0.0, Claim(B.accuse(A.id, 5), 3_000))
    members.apply(0.0, Claim(A.record(6)))
    members.apply(10.0, Claim(B.accuse(A.id, 6)))
    member = members.get(A.id)
    assert member is not None
    assert member.age_s(20.0) == 10


def test_membership_admits_by_license_and_limit() -> None:
    """Both are said; a live member is always admitted."""
    members = make(A.record(5), settings=Settings.lan(members_max=2))
    for lets_in in (True, False):
        assert members.judge(1.0, B.id, "", lets_in=lets_in) is Refusal.NODE_LIMIT
        assert members.judge(1.0, A.id, "", lets_in=lets_in) is None
        assert members.judge(1.0, A.id, "other", lets_in=lets_in) is Refusal.LICENSE_MISMATCH
        assert members.judge(1.0, B.id, "other", lets_in=lets_in) is Refusal.LICENSE_MISMATCH


def test_membership_refuses_records_that_admission_keeps_out() -> None:
    """By gossip or by sync, as at the door."""
    members = make(A.record(5), settings=Settings.lan(members_max=2))
    assert members.apply(1.0, Claim(B.record(5))).outcome is REFUSED
    assert make().apply(1.0, Claim(B.record(5, license_id="other"))).outcome is REFUSED
    assert len(members) == 2


def test_membership_left_members_take_no_seat_but_are_bounded() -> None:
    """A goodbye is listed beside a full house, up to twice as many as may be alive."""
    members = make(A.record(5), settings=Settings.lan(members_max=2))
    outcomes = [members.apply(1.0, Claim(author(9 + i).record(5, goodbye=True))).outcome for i in range(6)]
    assert outcomes == [NEWS] * 4 + [REFUSED] * 2


def test_membership_remembers_a_bounded_number_of_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes first."""
    monkeypatch.setattr(membership_module, "FORGOTTEN_MAX", 2)
    members = make(A.record(5), B.record(5), C.record(5))
    for who in (A, B, C):
        member = members.get(who.id)
        assert member is not None
        members.forget(member, 0.0)
    assert members.forgotten(A.id) is None
    assert members.forgotten(C.id) == (5, 0.0)


def test_membership_samples_different_live_members() -> None:
    """Never those excluded, never one twice, and fewer if there are fewer."""
    members = make(*(author(10 + index).record(5) for index in range(40)), A.record(5, goodbye=True))
    rng = Random(1)
    for count in (1, 3, 8, 39, 60):
        chosen = members.sample_live(rng, count, frozenset((ME.id, author(10).id)))
        assert len(chosen) == len(set(chosen)) == min(count, 39)
        assert not {ME.id, author(10).id, A.id} & set(chosen)


def test_membership_buckets_list_by_the_last_byte_in_order() -> None:
    """As a sync lists them."""
    members = make(A.record(5), B.record(5), author(257).record(5))
    assert [member.id for member in members.in_buckets(bytes((A.id[-1],)))] == [A.id, author(257).id]
