"""The checker of bounds, before engines that know no bound."""

from collections.abc import Callable

import pytest

from protocol.purpose import Purpose
from protocol.swim import entry, evidence, ping, revocations, rumor, stream
from protocol.swim.membership import Membership
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import Accusation
from simulations.attack.voice import made_up_voice
from tests.simulations.checkers.stage import Stage

NO_BOUND = 1_000_000
SPARE = 10
RUMORS, PINGS = rumor.RUMORS_MAX + SPARE, ping.PINGS_MAX + SPARE
EVIDENCE, STREAMS = evidence.EVIDENCE_MAX + SPARE, stream.STREAMS_MAX + SPARE
STREAMS_EACH = stream.PEER_STREAMS_MAX + SPARE
WORDS = revocations.REVOCATIONS_MAX + SPARE
ACCUSERS = entry.ACCUSATIONS_MAX + SPARE


def _spread_rumors(stage: Stage) -> None:
    node = stage.nodes[0]
    for number in range(RUMORS):
        accusation = Accusation(bytes(120), MemberId(number.to_bytes(16, "big")), stage.nodes[1].id, 1)
        node.engine.core.rumors.add(Claim(accusation))


def _ask_often(stage: Stage) -> None:
    world, node = stage.world, stage.nodes[0]
    for _ in range(PINGS):
        world.do(node, "ask", node.engine.ask(world.now, stage.nodes[1].id))


def _change_often(stage: Stage) -> None:
    world, node = stage.world, stage.nodes[0]
    for turn in range(EVIDENCE):
        world.do(node, "tags", node.engine.set_tags(world.now, {"turn": str(turn)}, ()))


def _open_streams(stage: Stage) -> None:
    for number in range(STREAMS):
        _open_stream(stage, MemberId(number.to_bytes(16, "big")))


def _open_streams_of_one(stage: Stage) -> None:
    for _ in range(STREAMS_EACH):
        _open_stream(stage, stage.nodes[1].id)


def _open_stream(stage: Stage, peer: MemberId) -> None:
    world, node = stage.world, stage.nodes[0]
    number = node.engine.new_stream()
    world.do(node, "stream", node.engine.handle_stream_opened(world.now, number, peer, Purpose.SYNC))


def _accuse_in_many_names(stage: Stage) -> None:
    node, subject, accuser = stage.nodes[0], stage.nodes[1], stage.nodes[4]
    for serial in range(ACCUSERS):
        voice = made_up_voice(stage.world, accuser, serial)
        stage.hear(accuser, node, Claim(voice.accuse(subject.id, subject.engine.local.incarnation)))


def _revoke_made_up_ids(stage: Stage) -> None:
    evil = made_up_voice(stage.world, stage.nodes[4], 1)
    for number in range(WORDS):
        word = evil.revoke(MemberId(number.to_bytes(16, "big")), number, revoked=True)
        stage.nodes[0].engine.take_revocation(stage.world.now, word)


BOUNDS: dict[str, tuple[object, str, Callable[[Stage], None]]] = {
    "RUMORS_MAX": (rumor, "RUMORS_MAX", _spread_rumors),
    "PINGS_MAX": (ping, "PINGS_MAX", _ask_often),
    "STREAMS_MAX": (stream, "STREAMS_MAX", _open_streams),
    "PEER_STREAMS_MAX": (stream, "PEER_STREAMS_MAX", _open_streams_of_one),
    "ACCUSATIONS_MAX": (entry, "ACCUSATIONS_MAX", _accuse_in_many_names),
    "REVOCATIONS_MAX": (revocations, "REVOCATIONS_MAX", _revoke_made_up_ids),
    "EVIDENCE_MAX": (evidence, "EVIDENCE_MAX", _change_often),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds_reports_an_engine_without_one(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """What is bounded in the product is filled beyond it."""
    module, name, fill = BOUNDS[bound]
    monkeypatch.setattr(module, name, NO_BOUND)
    stage = Stage()
    fill(stage)
    complainers = stage.complainers()
    assert complainers == {"bounds"}
    assert any(f"where {name} allows" in violation.text for violation in stage.watch.violations)


@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds_says_nothing_of_an_engine_that_keeps_them(bound: str) -> None:
    """The same attempts, at the production engine."""
    stage = Stage()
    BOUNDS[bound][2](stage)
    assert stage.complainers() == set()


def test_bounds_reports_a_newcomer_for_whom_there_was_no_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three seats, and an engine that does not count."""
    monkeypatch.setattr(Membership, "_refuses", lambda self, now, record: False)
    monkeypatch.setattr(Membership, "judge", lambda self, now, id, license_id, *, lets_in: None)
    assert Stage(5, settings=Settings.lan(members_max=3)).complainers() == {"bounds"}


def test_bounds_says_nothing_where_newcomers_are_turned_away() -> None:
    """Three seats, and five who want one."""
    assert Stage(5, settings=Settings.lan(members_max=3)).complainers() == set()
