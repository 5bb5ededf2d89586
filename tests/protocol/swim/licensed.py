"""An engine under a license of some seats, and what can happen to one of its members."""

from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.admission import HEAL_INTERVALS, RACE_INTERVALS
from protocol.swim.candidate import Candidate
from protocol.swim.effect import StreamVerdict
from protocol.swim.engine import Engine
from protocol.swim.settings import Settings
from protocol.wire.statement import Statement
from tests.protocol.swim.bench import ACCUSER, FIRST, ME, PEER, SUBJECT, only, started, tell
from tests.protocol.wire.sample import HOME, Author, author

LAN = Settings.lan()
RACE_S, HEAL_S = RACE_INTERVALS * LAN.probe_interval_s, HEAL_INTERVALS * LAN.probe_interval_s
LATE = 1_000.0
"""Long after whatever happened at 0."""
X, Y, Z = author(20), author(21), author(22)
"""Newcomers, in order of ids."""


def licensed(seats: int, *known: Statement) -> Engine:
    """Give an engine under a license, that knew some statements long ago; it is LATE."""
    engine = started(ME, Settings.lan(seats=seats, second_look=False), *known)
    engine.core.timers.postpone(LATE, LATE)  # nothing was due: no stall
    return engine


def at_the_door(engine: Engine, who: Author, *, now: float = LATE, license_id: str = "") -> Refusal | None:
    """Let somebody ask to join, under a name that nobody bears; give what it is told."""
    candidate = Candidate(who.id, who.key, "free", license_id, HOME, Purpose.JOIN)
    (verdict,) = only(StreamVerdict, engine.handle_stream_proposed(now, 7, candidate, dialled=False))
    return verdict.refusal


def suspected(engine: Engine) -> None:
    """SUBJECT is accused."""
    tell(engine, LATE, ACCUSER.accuse(SUBJECT.id, FIRST))


def failed(engine: Engine) -> None:
    """SUBJECT failed."""
    suspected(engine)
    engine.verdicts.handle_timer(LATE, SUBJECT.id)


def evicted(engine: Engine) -> None:
    """SUBJECT failed, and an operator had it leave."""
    failed(engine)
    tell(engine, LATE, PEER.evict(SUBJECT.id, FIRST))


def gone(engine: Engine) -> None:
    """SUBJECT said goodbye."""
    tell(engine, LATE, SUBJECT.record(FIRST + 1, goodbye=True))


def reaped(engine: Engine) -> None:
    """SUBJECT failed, and was pruned."""
    failed(engine)
    tell(engine, LATE, PEER.evict(SUBJECT.id, FIRST, prune=True))


def revoked(engine: Engine) -> None:
    """SUBJECT was put out."""
    tell(engine, LATE, PEER.revoke(SUBJECT.id, 1))


def alive(engine: Engine) -> None:
    """Nothing happened to SUBJECT."""
