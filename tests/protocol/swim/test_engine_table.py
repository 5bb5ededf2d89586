"""Every status with every statement: what becomes of the member, and what listeners hear."""

import pytest

from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.swim.engine import Engine
from protocol.wire.message import Ack, Forgotten, Ping
from protocol.wire.statement import Accusation, Record, Statement
from tests.protocol.swim.bench import ACCUSER, FIRST, ME, PEER, SUBJECT, kinds, said, say, started, status, tell, told
from tests.protocol.wire.sample import author

ALIVE, SUSPECT, FAILED, LEFT = Status.ALIVE, Status.SUSPECT, Status.FAILED, Status.LEFT
JOIN, UPDATE, RESTART, REAP, LEAVE = (
    ChangeKind.JOIN,
    ChangeKind.UPDATE,
    ChangeKind.RESTART,
    ChangeKind.REAP,
    ChangeKind.LEAVE,
)
NOW = 1.0

ABOUT = SUBJECT.id
INPUTS: dict[str, Statement] = {
    "older record": SUBJECT.record(FIRST - 1),
    "equal record": SUBJECT.record(FIRST),
    "newer record": SUBJECT.record(FIRST + 1),
    "newer record, other tags": SUBJECT.record(FIRST + 1, tags={"a": "b"}),
    "newer record, other start": SUBJECT.record(FIRST + 1, start=2),
    "older goodbye": SUBJECT.record(FIRST - 1, goodbye=True),
    "equal goodbye": SUBJECT.record(FIRST, goodbye=True),
    "newer goodbye": SUBJECT.record(FIRST + 1, goodbye=True),
    "older accusation": ACCUSER.accuse(ABOUT, FIRST - 1),
    "held accusation": ACCUSER.accuse(ABOUT, FIRST),
    "another's accusation": author(9).accuse(ABOUT, FIRST),
    "newer accusation": ACCUSER.accuse(ABOUT, FIRST + 1),
    "older eviction": PEER.evict(ABOUT, FIRST - 1),
    "eviction": PEER.evict(ABOUT, FIRST),
    "newer eviction": PEER.evict(ABOUT, FIRST + 1),
    "prune": PEER.evict(ABOUT, FIRST, prune=True),
}


def in_state(state: str) -> Engine:
    """Give an engine in whose list the subject is in a state, at incarnation 5."""
    engine = started(ME, None, PEER.record(FIRST))
    if state == "unknown":
        return engine
    tell(engine, 0.5, SUBJECT.record(FIRST))
    if state in ("suspect", "failed", "evicted", "forgotten"):
        tell(engine, 0.5, ACCUSER.accuse(ABOUT, FIRST))
    if state in ("failed", "evicted", "forgotten"):
        engine.verdicts.handle_timer(0.5, ABOUT)
    if state in ("evicted", "forgotten"):
        tell(engine, 0.5, PEER.evict(ABOUT, FIRST, prune=state == "forgotten"))
    if state == "gone":
        tell(engine, 0.5, SUBJECT.record(FIRST, goodbye=True))
    engine.core.drain()
    return engine


STATES: dict[str, Status | None] = {
    "unknown": None,
    "alive": ALIVE,
    "suspect": SUSPECT,
    "failed": FAILED,
    "gone": LEFT,
    "evicted": LEFT,
    "forgotten": None,
}

EXPECTED: dict[str, dict[str, tuple[Status | None, list[ChangeKind]]]] = {
    "unknown": {
        "older record": (ALIVE, [JOIN]),
        "equal record": (ALIVE, [JOIN]),
        "newer record": (ALIVE, [JOIN]),
        "newer record, other tags": (ALIVE, [JOIN]),
        "newer record, other start": (ALIVE, [JOIN]),
        "older goodbye": (LEFT, []),
        "equal goodbye": (LEFT, []),
        "newer goodbye": (LEFT, []),
    },
    "alive": {
        "newer record, other tags": (ALIVE, [UPDATE]),
        "newer record, other start": (ALIVE, [RESTART]),
        "equal goodbye": (LEFT, [LEAVE]),
        "newer goodbye": (LEFT, [LEAVE]),
        "held accusation": (SUSPECT, [ChangeKind.SUSPECT]),
        "another's accusation": (SUSPECT, [ChangeKind.SUSPECT]),
    },
    "suspect": {
        "newer record": (ALIVE, [ChangeKind.ALIVE]),
        "newer record, other tags": (ALIVE, [ChangeKind.ALIVE, UPDATE]),
        "newer record, other start": (ALIVE, [RESTART]),
        "equal goodbye": (LEFT, [LEAVE]),
        "newer goodbye": (LEFT, [LEAVE]),
    },
    "failed": {
        "newer record": (ALIVE, [JOIN]),
        "newer record, other tags": (ALIVE, [JOIN]),
        "newer record, other start": (ALIVE, [JOIN]),
        "equal goodbye": (LEFT, [LEAVE]),
        "newer goodbye": (LEFT, [LEAVE]),
        "eviction": (LEFT, [LEAVE]),
        "prune": (None, [LEAVE, REAP]),
    },
    "gone": {
        "newer record": (ALIVE, [JOIN]),
        "newer record, other tags": (ALIVE, [JOIN]),
        "newer record, other start": (ALIVE, [JOIN]),
        "prune": (None, [REAP]),
    },
    "evicted": {
        "newer record": (ALIVE, [JOIN]),
        "newer record, other tags": (ALIVE, [JOIN]),
        "newer record, other start": (ALIVE, [JOIN]),
        "prune": (None, [REAP]),
    },
    "forgotten": {
        "newer record": (ALIVE, [JOIN]),
        "newer record, other tags": (ALIVE, [JOIN]),
        "newer record, other start": (ALIVE, [JOIN]),
        "newer goodbye": (LEFT, []),
    },
}
"""Only what moves; every other input leaves status and listeners alone."""

CELLS = [(state, name) for state in STATES for name in INPUTS]


@pytest.mark.parametrize("state", STATES)
def test_engine_table_starts_where_it_says(state: str) -> None:
    """Else the table would prove nothing."""
    assert status(in_state(state)) is STATES[state]


@pytest.mark.parametrize(("state", "name"), CELLS, ids=[f"{state}-{name}" for state, name in CELLS])
def test_engine_status_and_changes_after(state: str, name: str) -> None:
    """One statement, heard from a third party."""
    engine = in_state(state)
    effects = tell(engine, NOW, INPUTS[name])
    expected = EXPECTED[state].get(name, (STATES[state], []))
    assert (status(engine), kinds(effects)) == expected
    assert engine.membership.live_count == 2 + (expected[0] in (ALIVE, SUSPECT))


@pytest.mark.parametrize(("state", "name"), CELLS, ids=[f"{state}-{name}" for state, name in CELLS])
def test_engine_takes_the_same_statement_twice_as_once(state: str, name: str) -> None:
    """The second time nothing changes, and nobody hears of it."""
    engine = in_state(state)
    tell(engine, NOW, INPUTS[name])
    root = engine.membership.hash.root
    assert kinds(tell(engine, NOW, INPUTS[name])) == []
    assert engine.membership.hash.root == root


@pytest.mark.parametrize("state", ["alive", "suspect", "failed", "gone", "evicted"])
@pytest.mark.parametrize("name", ["older record", "older goodbye", "older accusation", "older eviction"])
def test_engine_answers_what_is_outdated_with_what_beats_it(state: str, name: str) -> None:
    """The record, and all that speaks against it."""
    engine = in_state(state)
    answer = told(tell(engine, NOW, INPUTS[name]), PEER.id)
    member = engine.membership.get(ABOUT)
    assert member is not None
    assert [claim.statement for claim in member.claims(NOW)] == answer
    assert told(tell(engine, NOW, INPUTS[name]), PEER.id) == []


def test_engine_tells_only_the_subject_itself_that_it_was_forgotten() -> None:
    """So that it can rise above that; a third party who tells its past gets no answer about it."""
    engine = in_state("failed")
    engine.reception.handle_reap_timer(NOW + 86_401, ABOUT)
    engine.core.drain()
    for sender, expected in ((PEER, []), (SUBJECT, [Forgotten(ABOUT, FIRST)])):
        effects = tell(engine, NOW, INPUTS["equal record"], sender=sender)
        assert said(effects, ABOUT) == expected
        assert said(effects, PEER.id) == []


def ping_from_subject(state: str) -> tuple[list[Statement], list[object]]:
    """Let the subject ping; give what goes back to it."""
    engine = in_state(state)
    engine.core.rumors.drop(ABOUT)
    effects = say(engine, NOW, Ping(7), sender=SUBJECT)
    return told(effects, ABOUT), list(said(effects, ABOUT))


@pytest.mark.parametrize("state", ["suspect", "failed", "evicted"])
def test_engine_answers_a_ping_of_the_accused_with_the_charge(state: str) -> None:
    """It learns at once what to refute, and that there is something, should it not know the accuser."""
    claims, messages = ping_from_subject(state)
    assert ACCUSER.accuse(ABOUT, FIRST) in claims
    assert (PEER.evict(ABOUT, FIRST) in claims) == (state == "evicted")
    assert [type(message) for message in messages] == [Ack, Forgotten]


def test_engine_answers_a_ping_of_one_that_left_with_its_goodbye() -> None:
    """Should it have returned without our knowing, it will say so."""
    claims, _ = ping_from_subject("gone")
    assert [claim for claim in claims if isinstance(claim, Record) and claim.goodbye]


def test_engine_answers_a_ping_of_the_alive_with_an_ack_alone() -> None:
    """No charges."""
    claims, messages = ping_from_subject("alive")
    assert not [claim for claim in claims if isinstance(claim, Accusation)]
    assert len(messages) == 1


def test_engine_answers_a_ping_of_the_reaped_with_what_was_forgotten() -> None:
    """Reaped, not pruned: its address is still in the book."""
    engine = in_state("failed")
    engine.reception.handle_reap_timer(NOW + 86_401, ABOUT)
    assert status(engine) is None
    engine.core.drain()
    messages = said(say(engine, NOW, Ping(7), sender=SUBJECT), ABOUT)
    assert Forgotten(ABOUT, FIRST) in messages


def test_engine_relays_only_what_was_news() -> None:
    """A claim that was known is not spread again."""
    engine = in_state("alive")
    engine.core.rumors.drop(ABOUT)
    tell(engine, NOW, INPUTS["equal record"])
    tell(engine, NOW, INPUTS["older record"])
    assert [key for key in engine.core.rumors._sent if key[0] == ABOUT] == []
    tell(engine, NOW, INPUTS["newer record"])
    assert [key for key in engine.core.rumors._sent if key[0] == ABOUT]
